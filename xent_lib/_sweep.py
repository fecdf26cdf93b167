"""Functions of logits in one sweep over blocks: the numbers of `_plain.py`, several times faster.

A formula written with whole arrays walks over memory once for each of its steps. Here a block of samples stays in
the cache while all steps run over it, and only the result is as large as the logits. What is done with a block is
the job of a kernel (`_categorical.py`); what kernels share stands here. Two ideas carry them all:

1. **No search for the largest logit.** `_plain.exponentials` subtracts it, so that nothing overflows. Here the
   exponentials are taken of the logits as they are, and the sum of a sample tells afterwards whether that was right:
   it lies between `LOWEST` and `HIGHEST`. That is even more exact, for a subtraction rounds.
2. **Shift only where it must be.** The samples for which that was wrong are shifted, and the same kernel does them once
   more; where they are most of a block, or of a few samples that are looked at first, all blocks after that are shifted
   at once. What is wrong even then (every class ruled out, NaN) is left to `_plain.py`: it decides in every unusual
   case, errors included.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from xent_lib._blocks import BLOCK, Array, Box, apart, boxes, classes_first, matrix
from xent_lib._precision import Doubles, pairwise_sum, two_sum, wide
from xent_lib._validation import largest, smallest

#: Where the sum of a sample's exponentials must lie: below, an entry that has underflowed might matter; above, one may
#: have overflowed, or its reciprocal may lose digits.
LOWEST, HIGHEST = 0.5, {np.dtype(np.float32): 1e36, np.dtype(np.float64): 1e250}
LIMITS = {np.dtype(dtype): np.finfo(dtype) for dtype in (np.float32, np.float64)}

#: Entries that the plain form works at a time; it needs several arrays of that size.
PLAIN_BLOCK = 2**15

#: Columns that the BLAS sums at a time, and from how many on NumPy's pairwise sum is as fast. In any order, sums of so
#: few terms are exact enough.
PIECE, WIDE = 8, 32

#: Up to how many columns, and from how many entries on, the largest is found column by column.
FEW, LARGE = 32, 2**12
ONES = {np.dtype(dtype): np.ones(PIECE, dtype) for dtype in (np.float32, np.float64)}

NONE = np.empty(0, np.intp)

#: A kernel works a block of logits, writes the entries of its result to `out`, and returns one number per sample and
#: the samples that it could not do.
Kernel = Callable[["Block", Any], tuple[Any, Array]]
#: The plain form of a kernel takes logits with a class per row, and the place of the samples that they are of.
Plain = Callable[[Array, Box, Any], tuple[Any, Any]]


class Block(NamedTuple):
    """Logits that are worked together."""

    z: Array  #: a sample per row, or a class per row
    lost: Doubles | None  #: what rounding took from z when it was shifted
    box: Box  #: where the samples stand in the batch
    first: bool  #: whether there is a class per row
    some: Array | None = None  #: which samples of the box, where it is not all
    top: Any = 0.0  #: what was subtracted from each sample

    def of(self, x: Any) -> Any:
        """Return what belongs to the samples of the block, of what belongs to those of the box."""
        return x if self.some is None or isinstance(x, float) else x[self.some]

    @property
    def is_exact(self) -> bool:
        """Whether z holds what the caller gave; its exponentials may then be taken in its own dtype."""
        return self.lost is None

    def exp(self, dtype: Any = None, out: Any = None) -> Array:
        """Return e^z; in its own dtype unless another one is asked for."""
        z = self.z if dtype is None else self.z.astype(dtype, copy=False)
        e = np.exp(z, out=out, order="C")
        if self.lost is not None and self.lost.size:
            e += e * self.lost
        return e

    def sample(self, index: Array) -> Array:
        """Return the samples that entries of the block, counted one after the other, belong to."""
        return index % self.z.shape[1] if self.first else index // self.z.shape[1]


def sweep(
    z: Array,
    kernel: Kernel,
    plain: Plain,
    check: Callable[[], Any],
    rows: Any = None,
    out: Any = None,
) -> None:
    """Give `rows` one number per sample, box after box; fill `out`. The classes lie on the last axis of `z` and `out`.

    `check` raises an error for logits that have no result.
    """
    if z.size == 0:
        return
    n_classes = z.shape[-1]
    first = classes_first(z)
    source = apart(z, out)
    over = out is not None and np.may_share_memory(source, out)
    shifts = None
    for box in boxes(z.shape[:-1], max(1, BLOCK // n_classes)):
        logits = matrix(source[box], first)
        if over:
            logits = logits.copy()
        place = None if out is None else matrix(out[box], first)
        if shifts is None:
            shifts = most_must_shift(logits, first)
        if shifts:
            numbers, odd = kernel(shifted(logits, box, first), place)
        else:
            numbers, odd = kernel(Block(logits, None, box, first), place)
            if len(odd):
                shifts = 2 * len(odd) > logits.shape[first]
                odd = again(kernel, logits, place, box, first, odd, numbers)
        if len(odd):
            by_plain(plain, check, logits, place, box, first, odd, numbers)
        if rows is not None:
            rows(box, numbers)
        if place is not None and not np.may_share_memory(place, out):
            put_back(place, out[box], first)


def most_must_shift(z: Array, first: bool) -> bool:
    """Tell from a few samples whether most will have to be shifted, so that no block is worked in vain."""
    lowest, highest = math.log(LOWEST / z.shape[1 - first]), math.log(HIGHEST[z.dtype])
    if lowest <= (z[:, 0] if first else z[0]).max() <= highest:
        return False
    step = max(1, z.shape[first] // 16)
    top = largest_of(z[:, ::step] if first else z[::step], first)
    return bool(2 * np.count_nonzero((top >= lowest) & (top <= highest)) < len(top))


def again(kernel: Kernel, z: Array, place: Any, box: Box, first: bool, odd: Array, numbers: Any) -> Array:
    """Do the `odd` samples of a block once more, shifted; return those that are odd even then."""
    all_of_them = len(odd) == z.shape[first]
    chosen = z if all_of_them else z[:, odd] if first else z[odd]
    block = shifted(chosen, box, first, None if all_of_them else odd)
    part = None if place is None else place if all_of_them else np.empty(chosen.shape, place.dtype)
    found, still_odd = kernel(block, part)
    if numbers is not None:
        numbers[odd] = found
    if place is not None and not all_of_them:
        if first:
            place[:, odd] = part
        else:
            place[odd] = part
    return odd[still_odd]


def shifted(z: Array, box: Box, first: bool, some: Array | None = None) -> Block:
    """Return the logits less the largest of their sample, in float64."""
    is_double = z.dtype == np.float64
    z = wide(z)
    top = largest_of(z, first)
    if not is_double:  # a difference of two float32 numbers needs no more than float64
        return Block(z - spread(top, first), np.empty(0), box, first, some, top)
    z, lost = two_sum(z, -spread(top, first))
    if np.isnan(lost.sum()):
        lost[np.isnan(lost)] = 0  # −∞ stays what it is
    return Block(z, lost, box, first, some, top)


def by_plain(
    plain: Plain, check: Callable[[], Any], z: Array, place: Any, box: Box, first: bool, odd: Array, numbers: Any
) -> None:
    """Do the `odd` samples of a block by the plain form, and put what it finds to `place` and `numbers`."""
    step = max(1, PLAIN_BLOCK // z.shape[1 - first])
    for start in range(0, len(odd), step):
        some = odd[start : start + step]
        columns = z[:, some] if first else np.ascontiguousarray(z[some].T)
        if not np.abs(columns.max(axis=0)).max() < np.inf:
            check()
        found, entries = plain(columns, box, some)
        if numbers is not None:
            numbers[some] = found
        if place is not None:
            if first:
                place[:, some] = entries
            else:
                place[some] = entries.T


def put_back(place: Array, target: Array, first: bool) -> None:
    """Write a matrix to the part of the result that it could not be a view of."""
    if first:
        target = np.moveaxis(target, -1, 0)
    target[...] = place.reshape(target.shape)


def spread(row: Array, first: bool) -> Array:
    """Return numbers per sample in a form that broadcasts against a block."""
    return row if first else row[:, np.newaxis]


def sums(x: Array, first: bool) -> Doubles:
    """Return the sum of each sample in float64; the rounding of the terms' own dtype touches few terms at a time."""
    if first:
        return pairwise_sum(x, 0)[0]
    n_samples, n_classes = x.shape
    if n_classes >= WIDE:
        n_pieces, n_last = divmod(n_classes, WIDE)
        total = wide(x[:, n_classes - n_last :].sum(axis=1))
        pieces = x[:, : n_pieces * WIDE].reshape(n_samples, n_pieces, WIDE)
        return total + pieces.sum(axis=2).sum(axis=1, dtype=np.float64)
    ones = ONES[x.dtype]
    if n_classes <= PIECE:
        return wide(x @ ones[:n_classes])
    total = wide(x[:, :PIECE] @ ones)
    for start in range(PIECE, n_classes, PIECE):
        piece = x[:, start : start + PIECE]
        total += piece @ ones[: piece.shape[1]]
    return total


def largest_of(z: Array, first: bool) -> Array:
    """Return the largest logit of each sample; column by column where they are few, for NumPy is slow in short rows."""
    if first:
        return z.max(axis=0)
    if z.shape[1] > FEW or z.size < LARGE:
        return z.max(axis=1)
    top = z[:, 0].copy()
    for column in z.T[1:]:
        np.maximum(top, column, out=top)
    return top


def outside(total: Doubles, dtype: Any, too: Any = None, lowest: float = LOWEST) -> Array:
    """Return the samples whose sum is out of range, and those of `too`."""
    highest = HIGHEST[dtype]
    if smallest(total) >= lowest and largest(total) <= highest:
        return NONE if too is None else too.nonzero()[0]
    right = (total >= lowest) & (total <= highest)
    if too is not None:
        right &= ~too
    return (~right).nonzero()[0]


def ill_scaled(rate: Doubles, scale: Any, dtype: Any, odd: Array) -> Array:
    """Add the samples whose exponentials would be multiplied by a number that `dtype` holds with few digits, or not."""
    limits = LIMITS[dtype]
    if smallest(rate) >= limits.tiny and largest(rate) <= limits.max:
        return odd
    right = (rate >= limits.tiny) & (rate <= limits.max) | (np.asarray(scale) == 0)
    return odd if right.all() else np.union1d(odd, (~right).nonzero()[0])
