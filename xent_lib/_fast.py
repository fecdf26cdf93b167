"""Loss and gradient in one sweep: what makes the two ``*_value_and_gradient`` functions fast.

The plain functions say what is computed. They walk over arrays of the size of the logits ten times
and more, and each walk fetches the whole array from memory. This module computes the same numbers in
one sweep. Six ideas, from the largest gain to the smallest:

1. **Blocks.** The work goes on in pieces of about half a megabyte, which stay in the cache of the core while all
   steps run over them. The gradient's own place, in ``out``, is the only large array that is written;
   what is needed besides is of the size of a block, whatever the size of the batch.
2. **No search for the largest logit.** The plain form subtracts it, so that no exponential overflows;
   finding it in rows of ten takes ten times as long as the exponentials. Here the exponentials are
   taken as they are, and the sum of a row tells afterwards whether that was right: it is neither infinite
   nor below `LOWEST`. It is even more exact, for a subtraction rounds.
3. **The label's entry is kept apart.** With O, the sum of the other exponentials, and e, the label's own:

       loss = −log(e / (O + e)) = log1p(O / e),       gradient at the label = −O / (O + e).

   Neither cancels: small losses keep their digits without any search for the largest logit.
4. **Sums of rows as matrix times vector.** The product with a vector of ones is the same sum, and the BLAS
   takes it for rows of any length at full speed. Pieces of at most `PIECE` columns keep its rounding small.
5. **The work on rows is done in float64**, also for float32: there is one row for N entries, so it is cheap,
   and one error less. NumPy's float32 exponential may be off by 2.5 units in the last place. So the one
   of the label, on which everything depends, is taken in float64, and so are the others of a row in which the
   label outweighs them: its loss is small, and hangs on them.
6. **A binary label is a sign.** With u = z for t = 0 and u = −z for t = 1, the loss is log1p(eᵘ) and the
   gradient ± eᵘ / (1 + eᵘ): no choice between two branches.

Rows for which this is not right (overflow, soft labels, a label ruled out, NaN) are handed to the plain
form, a few at a time. So the plain form is what decides in every unusual case, errors included.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xent_lib._precision import wide

#: Entries worked at a time: by the fast form, which takes the larger block where a small one has few rows, for
#: each step of a block costs a microsecond; and by the plain form, which needs more memory for each entry.
SMALL_BLOCK, LARGE_BLOCK, PLAIN_BLOCK = 2**16, 3 * 2**16, 2**14
FEW_ROWS = 256

#: Columns that the BLAS sums at a time.
PIECE = 32
ONES = {np.dtype(dtype): np.ones(PIECE, dtype) for dtype in (np.float32, np.float64)}

#: What the exponentials of a row must sum to at least, so that an entry that has underflowed is no loss: its
#: share of the sum would have underflowed too.
LOWEST = 0.5

#: The smallest normal numbers: below, a number has lost digits.
TINY = {np.dtype(dtype): float(np.finfo(dtype).tiny) for dtype in (np.float32, np.float64)}

Array = NDArray[Any]
Kernel = Callable[[Array, Array, Any, Array], tuple[Array, Array]]
Plain = Callable[[Array, Array], tuple[Array, Array]]


def sweep(
    kernel: Kernel,
    plain: Plain,
    t: Array,
    z: Array,
    row_shape: tuple[int, ...],
    weights: Array | None,
    divisor: float,
    losses: Array | None,
    out: Array,
) -> float:
    """Write the gradient to `out` and the losses to `losses`, if given; return the sum of the losses.

    The trailing axes `row_shape` of `z` belong to one loss: (N,) or, for binary losses, (). `kernel` writes
    the scaled gradient of a block, and returns its losses and the rows that it could not do. These go to
    `plain`, which checks them and returns their losses and their gradient, not scaled.
    """
    if z.size == 0:
        return 0.0
    n_samples_axes = z.ndim - len(row_shape)
    row, t_row = math.prod(row_shape), t.shape[n_samples_axes:]
    t, z = apart(t, out), apart(z, out)
    over_logits = np.may_share_memory(out, z)  # over the truth is no matter: it is read before its place is written
    total = 0.0
    for box in boxes(z.shape[:n_samples_axes], rows_at_a_time(row)):
        t_block, z_block = t[box].reshape(-1, *t_row), np.ascontiguousarray(z[box]).reshape(-1, *row_shape)
        if over_logits:
            z_block = z_block.copy()
        place = out[box]
        in_place = place.flags.c_contiguous
        gradient = place.reshape(z_block.shape) if in_place else np.empty_like(z_block)
        weight: Any = 1.0 if weights is None else weights[box].reshape(-1)
        loss, rows = kernel(t_block, z_block, weight / divisor, gradient)
        for piece in boxes(rows.shape, max(1, PLAIN_BLOCK // row)) if rows.size else ():
            some = rows[piece]
            loss[some], slopes = plain(t_block[some], z_block[some])
            factor = weight if weights is None else weight[some].reshape(-1, *(1 for _ in row_shape))
            gradient[some] = slopes * factor / divisor
        if weights is not None:
            loss = np.multiply(loss, weight, out=np.zeros_like(loss), where=weight != 0)
        if losses is not None:
            losses[box] = loss.reshape(losses[box].shape)
        if not in_place:
            place[...] = gradient.reshape(place.shape)
        total += float(loss.sum())
    return total


def categorical(labels: Array, z: Array, scale: Any, out: Array) -> tuple[Array, Array]:
    """Do a block of rows with one label each."""
    flat, at_label = out.ravel(), np.arange(0, z.size, z.shape[1]) + labels
    own = np.exp(wide(z.ravel()[at_label]))
    np.exp(z, out=out)
    flat[at_label] = 0
    others = row_sums(out)
    if z.dtype == np.float32:
        sure = (others < own).nonzero()[0]
        others[sure] = sums_of_others(labels[sure], z if len(sure) == len(z) else z[sure])
    total = others + own
    rate = scale / total
    out *= rate.astype(z.dtype, copy=False)[:, np.newaxis]
    flat[at_label] = -others * rate
    highest = scale / TINY[z.dtype]  # above, the rate is not a normal number
    if not isinstance(scale, float):
        highest = np.where(scale > 0, highest, sys.float_info.max)
    loss = np.log1p(others / own)
    right = (total >= LOWEST) & (total <= highest) & (own >= sys.float_info.min) & (loss < np.inf)
    return loss, (~right).nonzero()[0]


def soft(t: Array, z: Array, scale: Any, out: Array) -> tuple[Array, Array]:
    """Leave a block of rows with distributions for truths to the plain form."""
    return np.empty(len(z)), np.arange(len(z))


def binary(t: Array, z: Array, scale: Any, out: Array) -> tuple[Array, Array]:
    """Do a block of binary logits; all or none."""
    is_one = t == 1
    sign = (1 - 2 * is_one.view(np.int8)).astype(z.dtype)
    growth = z * sign
    np.exp(growth, out=growth, dtype=np.float64)
    loss = np.log1p(growth)
    right = growth.min() >= TINY[z.dtype] and growth.max() < np.inf and np.array_equal(is_one, t != 0)
    if not right:
        return loss, np.arange(len(z))
    np.add(growth, 1, out=out)
    np.divide(growth, out, out=out)
    sign *= scale
    out *= sign
    return loss, np.arange(0)


def rows_at_a_time(row: int) -> int:
    """Return how many rows of so many entries make a block."""
    return max(1, min(LARGE_BLOCK // row, max(SMALL_BLOCK // row, FEW_ROWS)))


def row_sums(x: Array) -> NDArray[np.float64]:
    """Return the sum of each row, the sums of its pieces added in float64."""
    n_rows, n_columns = x.shape
    n_pieces, n_last = divmod(n_columns, PIECE)
    ones = ONES[x.dtype]
    total = wide(x[:, n_columns - n_last :] @ ones[:n_last])
    if n_pieces:
        pieces = x[:, : n_pieces * PIECE].reshape(n_rows, n_pieces, PIECE)
        total += (pieces @ ones).sum(axis=1, dtype=np.float64)
    return total


def apart(x: Array, out: Array) -> Array:
    """Return a copy of `x` if writing to `out` would change an entry of `x` that another block needs."""
    if not np.may_share_memory(x, out):
        return x
    same_places = x.__array_interface__["data"] == out.__array_interface__["data"] and x.strides == out.strides
    return x if same_places else x.copy()


def sums_of_others(labels: Array, z: Array) -> NDArray[np.float64]:
    """Return, row by row, the sum of the exponentials of all logits but the label's, in float64."""
    exponentials = np.exp(z, dtype=np.float64)
    exponentials[np.arange(len(z)), labels] = 0
    return row_sums(exponentials)


def boxes(shape: tuple[int, ...], size: int) -> Iterator[tuple[Any, ...]]:
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
