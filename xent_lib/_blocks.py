"""Arrays cut into blocks that stay in the cache of the core while all steps run over them."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Box = tuple[Any, ...]

#: Entries of a block of samples, whose rows of classes are never cut; and of a block of single numbers, which takes
#: several arrays of float64.
BLOCK, FLAT = 2**16, 2**14


def boxes(shape: tuple[int, ...], size: int) -> Iterator[Box]:
    """Cut an array of that shape into boxes of at most `size` entries, in order."""
    inner = math.prod(shape[1:])
    if not shape or shape[0] * inner <= size:
        yield (...,)
    elif inner <= size:
        step = size // inner
        for start in range(0, shape[0], step):
            yield (slice(start, start + step),)
    else:
        for index in range(shape[0]):
            for box in boxes(shape[1:], size):
                yield (index, *box)


def classes_first(z: Array) -> bool:
    """Return whether the classes, on the last axis of `z`, lie farther apart in memory than the samples."""
    *others, last = z.strides
    return any(0 < abs(stride) < abs(last) for stride, n in zip(others, z.shape, strict=False) if n > 1)


def last(x: Array, axis: int) -> Array:
    """Return `x` with that axis, counted from the front, as the last one."""
    return x if axis == x.ndim - 1 else np.moveaxis(x, axis, -1)


def matrix(x: Array, first: bool) -> Array:
    """Return a block as a matrix with a sample per row, or with a class per row when `first`; a view if it can be."""
    if first:
        return np.moveaxis(x, -1, 0).reshape(x.shape[-1], -1)
    return x if x.ndim == 2 else x.reshape(-1, x.shape[-1])


def apart(x: Array, out: Array | None) -> Array:
    """Return a copy of `x` if writing to `out` would change an entry of `x` that another block needs."""
    if out is None or not np.may_share_memory(x, out):
        return x
    same_places = x.__array_interface__["data"] == out.__array_interface__["data"] and x.strides == out.strides
    return x if same_places else x.copy()
