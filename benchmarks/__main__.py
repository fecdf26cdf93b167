"""`python -m benchmarks [--quick] [times] [accuracy] [report]`; without names, everything."""

import argparse

from benchmarks import accuracy, page, report, results
from benchmarks.cases import SWEEP, TABLE
from benchmarks.driver import measure, refuse_too_little_memory, tell

PARTS = ("times", "accuracy", "report")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="part", help=f"some of {', '.join(PARTS)}; all when none is named")
    parser.add_argument("--quick", action="store_true", help="one short round, nothing large: to try the code out")
    options = parser.parse_args()
    parts = options.parts or PARTS
    if unknown := set(parts) - set(PARTS):
        parser.error(f"no such part: {', '.join(sorted(unknown))}")

    if "times" in parts:
        if not options.quick:
            refuse_too_little_memory()
        tell("times and memory:")
        cases = [case for case in TABLE + SWEEP if not options.quick or case.elements <= 1_000_000]
        times, memory = measure(cases, options.quick)
        results.write("times", times)
        results.write("memory", memory)
        results.write_machine(options.quick)
    if "accuracy" in parts:
        errors, same = accuracy.measure()
        results.write("accuracy", errors)
        results.write("same_loss", same)
    page.update()
    report.show()


if __name__ == "__main__":
    main()
