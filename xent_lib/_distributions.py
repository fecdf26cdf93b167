"""Distributions taken a block at a time: checked, and worked on, while they are in the cache of the core."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from xent_lib._blocks import Box, boxes
from xent_lib._precision import Floats
from xent_lib._validation import are_distributions, as_distributions, as_real, class_axis, float_form, sum_tolerance

#: Entries of a block: some ten arrays of that size, in float64, are in use at a time.
BLOCK = 2**15


def row_by_row(
    rows: Callable[..., Any],
    given: dict[str, ArrayLike],
    axis: int,
    dtype: DTypeLike | None = None,
    *,
    keeps_classes: bool = False,
) -> NDArray[Any]:
    """Return what `rows` makes of distributions along `axis`, all of the same shape.

    `rows` takes a block of each, with the classes on the last axis, and returns a number for each row, or, when it
    `keeps_classes`, a row. The result has the dtype of the distributions where none is given.
    """
    real = {name: as_real(x, name) for name, x in given.items()}
    arrays = [float_form(x, name) for name, x in real.items()]
    axes = [class_axis(axis, array, name) for name, array in zip(real, arrays, strict=True)]
    shape, from_front = arrays[0].shape, axes[0]
    if arrays[-1].shape != shape:
        raise ValueError(f"t has shape {shape} and p has shape {arrays[-1].shape}: make them equal")
    dtype = np.result_type(*arrays) if dtype is None else dtype
    results = np.empty(shape if keeps_classes else shape[:from_front] + shape[from_front + 1 :], dtype)
    last, places = arrays, results
    if from_front != len(shape) - 1:
        last = [np.moveaxis(array, from_front, -1) for array in arrays]
        places = np.moveaxis(results, from_front, -1) if keeps_classes else results
    if len(shape) == 1:  # one row
        last, places = [array[np.newaxis] for array in last], places[np.newaxis]
    with np.errstate(all="ignore"):
        for box, blocks in _blocks(real, last, from_front):
            places[box] = rows(*blocks)
    return results[()]


def _blocks(real: dict[str, NDArray[Any]], arrays: list[Floats], axis: int) -> Iterator[tuple[Box, list[Floats]]]:
    """Cut arrays with the classes last into blocks of rows; refuse what is no distribution."""
    *shape, n_classes = arrays[0].shape
    tolerances = [sum_tolerance(x.dtype, n_classes) for x in real.values()]
    for box in boxes(tuple(shape), max(1, BLOCK // n_classes)) if arrays[0].size else ():
        blocks = [array[box] for array in arrays]
        if not all(map(are_distributions, blocks, tolerances)):
            for name, x in real.items():
                as_distributions(x, name, axis)  # names what is wrong and its place, or finds that nothing is
            tolerances = [math.inf] * len(arrays)
        yield box, blocks
