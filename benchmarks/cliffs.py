"""Inputs that could make the functions of `xent_lib` slower than ordinary ones do: by how much?"""

from __future__ import annotations

from benchmarks import worker
from benchmarks.cases import Case
from benchmarks.driver import described, process, tell

ALWAYS = ("outlier", "subnormal", "sure", "masked")
BOUND = 2.5  # times as long as ordinary logits, at most


def special(cases: list[Case]) -> list[Case]:
    """Return the special inputs of the functions of `cases`."""
    return [
        case._replace(logits=kind)
        for case in cases
        if case.function != "exp"
        for kind in kinds(case.truth, case.is_binary)
    ]


def kinds(truth: str, is_binary: bool) -> list[str]:
    """Return the special inputs of a function; under label smoothing, a class that is ruled out costs infinity."""
    chosen = [*ALWAYS, "extreme" if is_binary else "offset"]
    if truth in ("soft", "weights"):
        chosen.append("zeros")
    return [kind for kind in chosen if not (kind == "masked" and truth == "smoothing")]


def measure(cases: list[Case], rounds: int, seconds: float) -> list[dict]:
    rows = []
    with process("xent_lib", reuse=True) as ask:
        for case in cases:
            tell(f"{case}, against ordinary")
            special, ordinary = ask(worker.against_ordinary, case, rounds, seconds)
            times = {"special_us": 1e6 * special, "ordinary_us": 1e6 * ordinary}
            rows.append({**described(case), **times, "ratio": special / ordinary})
    return rows
