"""float32 is worked in float64 and rounded once, at the end: its results are right to the last digit.

NumPy's own float32 exponential may be wrong by more than two units in the last place.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import DTypeLike, NDArray

Floats = NDArray[np.floating]
Doubles = NDArray[np.float64]


def wide(x: Floats) -> Doubles:
    """Return ``x`` in float64; ``x`` itself when it is that already, so never write to it."""
    return x.astype(np.float64, copy=False)


def rounded(x: Floats | np.floating, dtype: DTypeLike) -> Floats:
    """Return ``x`` in `dtype`; a scalar for an array without axes. Too large becomes infinite."""
    with np.errstate(over="ignore"):
        return x.astype(dtype, copy=False)[()]


def two_sum(a: Doubles, b: Doubles) -> tuple[Doubles, Doubles]:
    """Return a + b and what rounding took from it (Knuth): together they are the exact sum."""
    total = a + b
    without = total - a
    return total, (a - (total - without)) + (b - without)
