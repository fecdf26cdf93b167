"""`python -m benchmarks [--quick] [--rounds N] [--results FOLDER] [part ...]`; without parts, everything."""

from __future__ import annotations

import argparse
from pathlib import Path

from benchmarks import accuracy, cliffs, driver, memory, page, results
from benchmarks.cases import timed

PARTS = ("times", "cliffs", "memory", "accuracy", "page")
SECONDS = 0.02  # of a turn, in which there are at least worker.LEAST calls
QUICK = timed(((8, 10), (2, 3, 4, 5), (50,)), ("float32",))


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="part", help=f"some of {', '.join(PARTS)}; all when none is named")
    parser.add_argument("--quick", action="store_true", help="one round, nothing large, no page: to try the code out")
    parser.add_argument("--rounds", type=int, default=7, help="turns that each library gets at each case")
    parser.add_argument("--results", type=Path, default=results.FOLDER, help="the folder to write to")
    options = parser.parse_args()
    if unknown := set(options.parts) - set(PARTS):
        parser.error(f"no such part: {', '.join(sorted(unknown))}")
    options.results.mkdir(exist_ok=True)
    if options.quick and options.results == results.FOLDER:
        parser.error("--quick needs --results: its numbers mean nothing")
    run(options.parts or PARTS, options.results, options.rounds, options.quick)


def run(parts: list[str] | tuple[str, ...], folder: Path, rounds: int, quick: bool) -> None:
    cases = QUICK if quick else timed()
    turns = (1, 0.0) if quick else (rounds, SECONDS)
    if "times" in parts:
        results.write("times", driver.measure(cases, *turns), folder)
        results.write_machine({"quick": quick, "rounds": turns[0]}, folder)
    if "cliffs" in parts:
        fewer = (turns[0] // 2 + 1, turns[1] / 2)
        results.write("cliffs", cliffs.measure(cliffs.special(cases), *fewer), folder)
    if "memory" in parts:
        results.write("memory", memory.measure(cases, (1000, 10) if quick else memory.LARGE), folder)
    if "accuracy" in parts:
        results.write("accuracy", accuracy.measure(3) if quick else accuracy.measure(), folder)
    if "page" in parts and not quick:
        page.update(folder)


if __name__ == "__main__":
    main()
