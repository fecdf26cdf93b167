"""float32 is worked in float64 and rounded once, at the end: its results are right to the last digit.

NumPy's own float32 exponential may be wrong by more than two units in the last place.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import DTypeLike, NDArray


def wide(x: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return ``x`` in float64; ``x`` itself when it is that already, so never write to it."""
    return x.astype(np.float64, copy=False)


def rounded(x: NDArray[np.floating] | np.floating, dtype: DTypeLike) -> NDArray[np.floating]:
    """Return ``x`` in `dtype`; a scalar for an array without axes. Too large becomes infinite."""
    with np.errstate(over="ignore"):
        result: NDArray[np.floating] = x.astype(dtype, copy=False)[()]
    return result
