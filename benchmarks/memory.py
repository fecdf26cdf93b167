"""How much memory a call needs at its peak, beyond its inputs and its result.

NumPy tells what it allocates; of the other libraries, the process is watched, which only large arrays move.
"""

from __future__ import annotations

import sys

from benchmarks import worker
from benchmarks.adapters import ADAPTERS
from benchmarks.cases import Case
from benchmarks.driver import described, process, tell

LARGE = (1_000_000, 10)
ASKED = (("softmax", ""), ("logsumexp", ""), ("loss", "labels"), ("value_gradient", "labels"))
LIMIT = 4 * 2**20  # bytes that a function of xent_lib may need


def measure(cases: list[Case], large: tuple[int, ...] = LARGE) -> list[dict]:
    rows = []
    with process("xent_lib", reuse=True) as ask:
        for case in cases:
            if (peak := ask(worker.numpy_peak, case)) is not None:
                rows.append({**described(case), "library": "xent_lib", "watched": "numpy", "bytes": peak})
    if sys.platform == "linux":
        for library in ADAPTERS:
            tell(f"memory of {library}")
            with process(library) as ask:
                for function in ASKED:
                    case = Case(*function, "float32", large)
                    if (peak := ask(worker.process_peak, case)) is not None:
                        rows.append({**described(case), "library": library, "watched": "process", "bytes": peak})
    return rows
