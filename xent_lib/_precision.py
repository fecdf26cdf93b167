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
    a_part = total - b_part
    lost = np.subtract(a, a_part, out=a_part)
    lost += np.subtract(b, b_part, out=b_part)
    return total, lost


def log1p(x: Doubles, one_plus: Doubles | None = None) -> Doubles:
    """Return log(1 + x) for x ≥ 0; `one_plus` is 1 + x, if it is known.

    The logarithm of the rounded sum, with what rounding took from the sum put back. Some libraries' log1p is off by
    more than one unit in the last place, and takes twice as long.
    """
    total = x + 1 if one_plus is None else one_plus
    lost = total - 1
    np.subtract(x, lost, out=lost)
    lost /= total
    lost += np.log(total)
    return lost


def pairwise_sum(x: Floats, axis: int) -> Doubles:
    """Return the sum along an axis, which is kept with one entry.

    Halves are added to each other until few entries are left, so that hardly any rounding adds up. NumPy does so along
    the last axis alone.
    """
    x = np.moveaxis(x, axis, 0)
    while len(x) > 4:
        half = len(x) // 2
        folded = x[:half] + x[half : 2 * half]
        if len(x) % 2:
            folded[0] += x[-1]
        x = folded
    return np.moveaxis(x.sum(axis=0, dtype=np.float64, keepdims=True), 0, axis)
