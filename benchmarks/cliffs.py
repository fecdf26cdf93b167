"""Inputs that could make the functions of `xent_lib` slower than ordinary ones do: by how much?"""

from __future__ import annotations

from benchmarks import worker
from benchmarks.cases import BINARY, DTYPES, SHAPES, Case, functions
from benchmarks.driver import described, process, tell

ALWAYS = ("outlier", "subnormal", "sure", "masked")
BOUND = 2.5  # times as long as ordinary logits, at most


def cases(shapes: tuple[tuple[int, ...], ...] = (*SHAPES, BINARY)) -> list[Case]:
    return [
        Case(function, truth, dtype, shape, logits)
        for shape in shapes
        for dtype in DTYPES
        for function, truth in functions(shape)
        if function != "exp"
        for logits in kinds(truth, len(shape) == 1)
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
