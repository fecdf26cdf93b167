"""Every function of logits in one sweep over blocks: the numbers of `_plain.py`, several times faster.

A formula written with whole arrays walks over memory once for each of its steps. Here a block of samples stays in
the cache while all steps run over it, and only the result is as large as the logits. Beyond that, four ideas:

1. **No search for the largest logit.** `_plain.exponentials` subtracts it, so that nothing overflows. Here the
   exponentials are taken of the logits as they are, and the sum of a sample tells afterwards whether that was right:
   it lies between `LOWEST` and `HIGHEST`. That is even more exact, for a subtraction rounds.
2. **The label is kept apart.** Its term e is left out of the sum O of the others. Then the loss −log(e / (O + e)) is
   log1p(O / e) and the gradient at the label −O / (O + e): small losses keep their digits, and nothing is searched.
3. **float64 where it decides.** One number per sample costs little in float64. NumPy's float32 exponential is off by
   up to 3.4 units in the last place, so for float32 the term of the label is taken in float64, as are the others where
   the label outweighs them. The binary functions are worked in float64 as a whole.
4. **A binary label is a sign.** With u = z for t = 0 and u = −z for t = 1, the loss is log(1 + e^u) and the gradient
   ± e^u / (1 + e^u): no choice between two branches.

Samples for which a kernel is not right (overflow, a class ruled out, a probability so near 1 that digits would be
lost, NaN) are computed again by `_plain.py`, together, classes as rows. Where most are, the next blocks go there
directly. So the plain formulas decide in every unusual case, errors included.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from xent_lib import _plain
from xent_lib._blocks import BLOCK, FLAT, Array, Box, apart, boxes, classes_first, matrix
from xent_lib._precision import Doubles, log1p, pairwise_sum, two_sum, wide
from xent_lib._reduction import Terms, Weights
from xent_lib._validation import largest, smallest

#: Where the sum of a sample's exponentials must lie: below, an entry that has underflowed might matter; above, one may
#: have overflowed, or its reciprocal may lose digits.
LOWEST, HIGHEST = 0.5, {np.dtype(np.float32): 1e36, np.dtype(np.float64): 1e250}
LIMITS = {np.dtype(dtype): np.finfo(dtype) for dtype in (np.float32, np.float64)}

#: Entries that the plain form works at a time; it needs several arrays of that size.
PLAIN_BLOCK = 2**15

#: From how many classes on soft truths and log-softmax are tried the quick way first: with fewer, most samples have a
#: class of more than a quarter, and would be computed twice.
MANY = 64

#: log p above which a sample is left to the plain form when it was worked in float32.
LARGE_LOG_P = -math.log(4)
LOG_2 = math.log(2)

#: Columns that the BLAS sums at a time, and from how many on NumPy's pairwise sum is as fast. In any order, sums of so
#: few terms are exact enough.
PIECE, WIDE = 16, 32

#: Up to how many columns the largest is found column by column.
FEW = 32
ONES = {np.dtype(dtype): np.ones(PIECE, dtype) for dtype in (np.float32, np.float64)}

#: Up to how many entries float32 logits are worked in float64: the calls of NumPy take longer than its work.
SMALL = 2**12

NONE = np.empty(0, np.intp)

#: A kernel works a block of logits, writes the entries of its result to `out`, and returns one number per sample and
#: the samples that it could not do. `lost` is what a shift took from the logits, or None.
Kernel = Callable[["Block", Any], tuple[Any, Array]]
#: The plain form of a kernel takes logits with a class per row, and the place of the samples that they are of.
Plain = Callable[[Array, Box, Any], tuple[Any, Any]]


class Block(NamedTuple):
    """Logits that are worked together."""

    z: Array  #: a sample per row, or a class per row
    lost: Doubles | None  #: what rounding took from z when it was shifted
    box: Box  #: where the samples stand in the batch
    first: bool  #: whether there is a class per row

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


def sweep(z: Array, kernel: Kernel, plain: Plain, check: Callable[[], Any], rows: Any = None, out: Any = None) -> None:
    """Give `rows` one number per sample, box after box; fill `out`. The classes lie on the last axis of `z` and `out`.

    `check` raises an error for logits that have no result.
    """
    if z.size == 0:
        return
    n_classes = z.shape[-1]
    first = classes_first(z)
    source = apart(z, out)
    over = out is not None and np.may_share_memory(source, out)
    shifts = False
    for box in boxes(z.shape[:-1], max(1, BLOCK // n_classes)):
        logits = matrix(source[box], first)
        if over:
            logits = logits.copy()
        place = None if out is None else matrix(out[box], first)
        n_samples = logits.shape[first]
        if not shifts:
            numbers, odd = kernel(Block(logits, None, box, first), place)
            shifts = 4 * len(odd) > n_samples
        if shifts:
            numbers, odd = kernel(shifted(logits, box, first), place)
        if len(odd):
            by_plain(plain, check, logits, place, box, first, odd, numbers)
        if rows is not None:
            rows(box, numbers)
        if place is not None and not np.may_share_memory(place, out):
            put_back(place, out[box], first)


def shifted(z: Array, box: Box, first: bool) -> Block:
    """Return the logits less the largest of their sample, in float64."""
    is_double = z.dtype == np.float64
    z = wide(z)
    top = spread(largest_of(z, first), first)
    if not is_double:  # a difference of two float32 numbers needs no more than float64
        return Block(z - top, np.empty(0), box, first)
    z, lost = two_sum(z, -top)
    if np.isnan(lost.sum()):
        lost[np.isnan(lost)] = 0  # −∞ stays what it is
    return Block(z, lost, box, first)


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


# --- Softmax, its logarithm, the logarithm of the sum ----------------------------------------------------------


def softmax(z: Array, check: Callable[[], Any], out: Array) -> None:
    def kernel(block: Block, out: Array) -> tuple[None, Array]:
        e = block.exp(out=out if block.is_exact else None)
        total = sums(e, block.first)
        np.multiply(e, spread((1 / total).astype(e.dtype, copy=False), block.first), out=out)
        return None, outside(total, e.dtype)

    def plain(z: Array, box: Box, some: Any) -> tuple[None, Array]:
        return None, _plain.softmax(_plain.exponentials(z, 0))

    sweep(z, kernel, plain, check, out=out)


def log_softmax(z: Array, check: Callable[[], Any], out: Array) -> None:
    def kernel(block: Block, out: Array) -> tuple[None, Array]:
        e = block.exp(working_dtype(block))
        total = sums(e, block.first)
        subtract_log(block, total, e.dtype, out)
        if e.dtype == np.float32:
            return None, outside(total, e.dtype, too=out.max(axis=1 - block.first) > LARGE_LOG_P)
        sure = Sure(block, e, np.flatnonzero(out > -LOG_2))
        sure.put(out, 0.0 - log1p(sure.others / sure.own))
        return None, outside(total, e.dtype)

    def plain(z: Array, box: Box, some: Any) -> tuple[None, Array]:
        return None, _plain.log_softmax(_plain.exponentials(z, 0))

    sweep(z, kernel, plain, check, out=out)


def logsumexp(z: Array, check: Callable[[], Any], result: Array) -> None:
    def kernel(block: Block, out: None) -> tuple[Doubles, Array]:
        if not block.is_exact:  # the plain form adds the largest logit again
            return np.empty(block.z.shape[block.first]), np.arange(block.z.shape[block.first])
        total = sums(block.exp(), block.first)
        return np.log(total), outside(total, block.z.dtype, lowest=2)

    def plain(z: Array, box: Box, some: Any) -> tuple[Doubles, None]:
        return _plain.logsumexp(z, 0), None

    def receive(box: Box, found: Doubles) -> None:
        result[box] = found.reshape(result[box].shape)

    sweep(z, kernel, plain, check, rows=receive)


# --- Categorical cross-entropy ---------------------------------------------------------------------------------


def categorical(terms: Terms, z: Array, check: Callable[[], Any], losses: Any, gradient: Array | None) -> None:
    """Hand each box, its losses and their weights to `losses`; write the gradient of the reduced loss to `gradient`.

    Either may be None: then it is not computed.
    """
    wants_loss = losses is not None
    kernel = (soft_kernel if terms.is_dense else label_kernel)(terms, wants_loss)

    def plain(z: Array, box: Box, some: Any) -> tuple[Any, Any]:
        e = _plain.exponentials(z, 0)
        t = terms.dense(box)[some].T if terms.is_dense else terms.labels(box)[some]
        slopes = None
        if gradient is not None:
            scale = scale_of(terms, box)
            slopes = _plain.categorical_gradient(t, e, 0) * (scale if isinstance(scale, float) else scale[some])
        return _plain.categorical_losses(t, e, 0) if wants_loss else None, slopes

    def receive(box: Box, found: Doubles) -> None:
        losses(box, found, terms.rows(box))

    sweep(z, kernel, plain, check, rows=receive if wants_loss else None, out=gradient)


def scale_of(weights: Weights, box: Box) -> Any:
    """Return what the gradients of the losses in a box are multiplied by."""
    rows = weights.rows(box)
    return 1 / weights.divisor if rows is None else rows / weights.divisor


def label_kernel(terms: Terms, wants_loss: bool) -> Kernel:
    def kernel(block: Block, out: Any) -> tuple[Any, Array]:
        z, first = block.z, block.first
        labels = terms.labels(block.box)
        n_samples = len(labels)
        at_label = labels * n_samples + np.arange(n_samples) if first else np.arange(0, z.size, z.shape[1]) + labels
        in_place = out is not None and out.flags.c_contiguous
        if z.dtype == np.float32 and z.size > SMALL:
            e = block.exp(out=out if in_place else None)
            own = np.exp(wide(z.reshape(-1)[at_label] if z.flags.c_contiguous else z.flat[at_label]))
        else:
            e = block.exp(np.float64, out=out if in_place and out.dtype == np.float64 else None)
            own = e.reshape(-1)[at_label]
        e.reshape(-1)[at_label] = 0
        others = sums(e, first)
        if e.dtype == np.float32:
            sure = (others < own).nonzero()[0]
            if len(sure):
                others[sure] = sums_of_others(z, labels, sure, first)
        total = others + own
        loss = others / own
        odd = outside(total, e.dtype, loss)
        if out is not None:
            scale = scale_of(terms, block.box)
            rate = scale / total
            odd = ill_scaled(rate, scale, e.dtype, odd)
            gradient = out if in_place else e
            np.multiply(e, spread(rate.astype(e.dtype, copy=False), first), out=gradient)
            gradient.reshape(-1)[at_label] = 0.0 - others * rate
            if not in_place:
                out[...] = e
        return log1p(loss) if wants_loss else None, odd

    return kernel


def sums_of_others(z: Array, labels: Array, sure: Array, first: bool) -> Doubles:
    """Return the sums of the exponentials of all logits but the label's, in float64, of some samples."""
    if len(sure) < len(labels):
        z, labels = z[:, sure] if first else z[sure], labels[sure]
    e = np.exp(z, dtype=np.float64)
    samples = np.arange(len(labels))
    e[(labels, samples) if first else (samples, labels)] = 0
    return sums(e, first)


def soft_kernel(terms: Terms, wants_loss: bool) -> Kernel:
    def kernel(block: Block, out: Any) -> tuple[Any, Array]:
        first = block.first
        e = block.exp(working_dtype(block))
        t = terms.dense(block.box).astype(e.dtype, copy=False)
        if first:
            t = np.ascontiguousarray(t.T)
        total = sums(e, first)
        half = spread((total / (4 if e.dtype == np.float32 else 2)).astype(e.dtype, copy=False), first)
        if e.dtype == np.float32:
            odd, sure = outside(total, e.dtype, too=e.max(axis=1 - first) > half.reshape(-1)), None
        else:
            odd, sure = outside(total, e.dtype), Sure(block, e, np.flatnonzero(e > half))
        loss = None
        if wants_loss:
            surprise = np.empty(e.shape, e.dtype)
            subtract_log(block, total, e.dtype, surprise)
            if sure is not None:
                sure.put(surprise, -log1p(sure.others / sure.own))
            surprise *= t
            loss = np.abs(sums(surprise, first))
            if np.isnan(loss.sum()):
                surprise[t == 0] = 0  # 0 times infinity
                loss = np.abs(sums(surprise, first))
        if out is not None:
            scale = scale_of(terms, block.box)
            mass = sums(t, first)
            rate = mass * scale / total
            odd = ill_scaled(rate, scale, e.dtype, odd)
            e *= spread(rate.astype(e.dtype, copy=False), first)
            factor = scale if isinstance(scale, float) else spread(scale.astype(e.dtype, copy=False), first)
            t = t * factor
            np.subtract(e, t, out=out)
            if sure is not None and len(sure.index):
                own_truth = t.reshape(-1)[sure.index]
                t.reshape(-1)[sure.index] = 0
                others = sums(t, first)[sure.samples]
                sure.put(out, (others * sure.own - own_truth * sure.others) / total[sure.samples])
        return loss, odd

    return kernel


class Sure:
    """The entries of more than a half of their sample's sum, at most one for a sample; they are set to 0 in `e`.

    1 − p of such an entry is the sum of the others, divided by that of all; subtracted from 1, it would lose digits.
    """

    def __init__(self, block: Block, e: Doubles, index: Array) -> None:
        self.index, self.samples = index, block.sample(index)
        flat = e.reshape(-1)
        self.own = flat[index]
        flat[index] = 0
        self.others = sums(e, block.first)[self.samples]

    def put(self, target: Array, values: Array) -> None:
        """Write one value for each of the entries."""
        if target.flags.c_contiguous:
            target.reshape(-1)[self.index] = values
        else:
            target.flat[self.index] = values


# --- Binary cross-entropy, sigmoid -----------------------------------------------------------------------------


def sigmoid(z: Array, out: Array) -> None:
    z, out = np.atleast_1d(z, out)
    for box in boxes(z.shape, FLAT):
        block = z[box]
        growth = np.negative(block, dtype=np.float64)
        np.exp(growth, out=growth)
        growth += 1
        np.divide(1, growth, out=out[box])
        if block.dtype == np.float64 and block.min(initial=0) < -700:
            odd = block < -700
            out[box][odd] = _plain.sigmoid(block[odd])


def log_sigmoid(z: Array, out: Array) -> None:
    z, out = np.atleast_1d(z, out)
    for box in boxes(z.shape, FLAT):
        u = np.negative(z[box], dtype=np.float64)
        np.subtract(0.0, softplus(u)[0], out=out[box])


def softplus(u: Doubles) -> tuple[Doubles, Doubles, Doubles]:
    """Return log(1 + e^u), e^u and 1 + e^u."""
    growth = np.exp(u)
    one_plus = growth + 1
    result = log1p(growth, one_plus)
    if not growth.max(initial=0) < np.inf:
        np.copyto(result, u, where=u > 700)
    return result, growth, one_plus


def binary(
    t: Array, z: Array, pos_weight: Any, weights: Weights, check: Callable[[], Any], losses: Any, gradient: Array | None
) -> None:
    """As `categorical`, for binary labels or probabilities of the positive class."""
    t, z = np.atleast_1d(apart(t, gradient), apart(z, gradient))
    gradient = None if gradient is None else np.atleast_1d(gradient)
    for box in boxes(z.shape, FLAT):
        t_block, z_block = t[box], z[box]
        scale = scale_of(weights, box) if gradient is not None else 1.0
        is_one = t_block == 1
        if pos_weight is None and np.array_equal(is_one, t_block != 0):
            loss, slope = hard_binary(is_one, z_block, gradient is not None)
        else:
            if not (t_block.min() >= 0 and t_block.max() <= 1):
                check()
            factor = None if pos_weight is None else wide(np.atleast_1d(pos_weight)[box])
            loss, slope = soft_binary(t_block, z_block, factor, losses is not None, gradient is not None)
        if np.isnan((loss if loss is not None else slope).sum()):
            check()
        if losses is not None:
            losses(box, loss.reshape(-1), weights.rows(box))
        if gradient is not None:
            if not isinstance(scale, float):
                scale = scale.reshape(slope.shape)
            slope *= scale
            np.add(slope, 0.0, out=gradient[box])  # −0 becomes 0


def hard_binary(is_one: Array, z: Array, wants_gradient: bool) -> tuple[Any, Any]:
    """Return the losses and the gradients for labels 0 and 1."""
    sign = (1 - 2 * is_one.view(np.int8)).astype(np.float64)
    u = z * sign
    loss, growth, one_plus = softplus(u)
    if not wants_gradient:
        return loss, None
    np.divide(growth, one_plus, out=growth)
    if not one_plus.max(initial=0) < np.inf:
        growth[one_plus == np.inf] = 1
    growth *= sign
    return loss, growth


def soft_binary(t: Array, z: Array, factor: Any, wants_loss: bool, wants_gradient: bool) -> tuple[Any, Any]:
    """Return the losses and the gradients for any truth, `factor` the weight of the positive class.

    All is written with e^−|z|, the part of the truth that agrees with the sign of z, and the part that is against it.
    """
    positive = (z >= 0).astype(np.float64)
    negative = 1 - positive
    if factor is None:
        agreeing, against = np.abs(negative - t), np.abs(positive - t)
    else:
        one, zero = factor * t, 1 - wide(t)
        agreeing, against = positive * one + negative * zero, positive * zero + negative * one
    size = np.abs(z, dtype=np.float64)
    tail, small, one_plus = softplus(-size)
    loss = slope = None
    if wants_loss:
        size *= against
        if np.isnan(size.sum()):
            size[against == 0] = 0
        if factor is not None:
            tail *= agreeing + against
        loss = np.add(size, tail, out=size)
    if wants_gradient:
        small *= agreeing
        slope = np.subtract(against, small, out=small)
        slope /= one_plus
        positive -= negative
        slope *= positive
    return loss, slope


# --- What the kernels share --------------------------------------------------------------------------------------


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
    ones = ONES[x.dtype][:PIECE]
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
    if z.shape[1] > FEW:
        return z.max(axis=1)
    top = z[:, 0].copy()
    for column in z.T[1:]:
        np.maximum(top, column, out=top)
    return top


def working_dtype(block: Block) -> Any:
    """Return the dtype in which soft truths and log-softmax are worked.

    In float32, samples with a class of more than a quarter are left to the plain form; where the classes are few,
    most have one.
    """
    return np.float32 if block.z.dtype == np.float32 and block.z.shape[1 - block.first] >= MANY else np.float64


def subtract_log(block: Block, total: Doubles, dtype: Any, out: Array) -> None:
    """Write z − log(total) to `out`; the logarithm is taken to more digits than `dtype` has."""
    z, first, log_total = block.z.astype(dtype, copy=False), block.first, np.log(total)
    high = log_total.astype(dtype)
    np.subtract(z, spread(high, first), out=out)
    if out.dtype == dtype:
        low = log_total - high if dtype == np.float32 else (total - np.exp(log_total)) / total
        out -= spread(low.astype(dtype, copy=False), first)


def outside(total: Doubles, dtype: Any, ratio: Doubles | None = None, too: Any = None, lowest: float = LOWEST) -> Array:
    """Return the samples whose sum or whose ratio of the others to the label is out of range, and those of `too`."""
    highest = HIGHEST[dtype]
    if smallest(total) >= lowest and largest(total) <= highest and (ratio is None or largest(ratio) < 1e300):
        return NONE if too is None else too.nonzero()[0]
    right = (total >= lowest) & (total <= highest)
    if ratio is not None:
        right &= ratio < 1e300
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


# --- From probabilities ------------------------------------------------------------------------------------------


def binary_of_probabilities(t: Array, p: Array, pos_weight: Any, weights: Weights, losses: Any) -> None:
    t, p = np.atleast_1d(t, p)
    for box in boxes(p.shape, FLAT):
        is_one = t[box] == 1
        if pos_weight is None and np.array_equal(is_one, t[box] != 0):
            loss = hard_losses_of_probabilities(is_one, p[box])
        else:
            factor = 1.0 if pos_weight is None else wide(np.atleast_1d(pos_weight)[box])
            loss = _plain.binary_losses_of_probabilities(t[box], p[box], factor)
        losses(box, loss.reshape(-1), weights.rows(box))


def hard_losses_of_probabilities(is_one: Array, p: Array) -> Doubles:
    """Return −log q for the probability q of the truth: p, or 1 − p, and what its rounding took is put back."""
    is_zero = 1 - is_one.astype(np.float64)
    q = np.abs(is_zero - p)
    lost = 1 - q
    lost -= p
    lost *= is_zero
    lost /= q
    lost += np.log(q)
    np.subtract(0.0, lost, out=lost)
    if q.min(initial=1) == 0:
        lost[q == 0] = np.inf
    return lost


def categorical_of_probabilities(terms: Terms, p: Array, losses: Any) -> None:
    for box in boxes(p.shape[:-1], max(1, BLOCK // p.shape[-1])):
        block = p[box].reshape(-1, p.shape[-1])
        if terms.is_dense:
            found = _plain.categorical_losses_of_probabilities(terms.dense(box), block)
        else:
            labels = terms.labels(box)
            found = np.abs(np.log(wide(block[np.arange(len(labels)), labels])))
        losses(box, found, terms.rows(box))
