"""float32 is rounded once, at the end, where NumPy's own float32 functions are not exact enough."""

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
    with np.errstate(over="ignore", under="ignore"):
        result: Floats = x.astype(dtype, copy=False)[()]
    return result


def two_sum(a: Doubles, b: Doubles) -> tuple[Doubles, Doubles]:
    """Return a + b as it is rounded, and what the rounding took away (Knuth)."""
    total = a + b
    b_part = total - a
    return total, (a - (total - b_part)) + (b - b_part)
