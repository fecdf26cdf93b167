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
from typing import Any

import numpy as np

from xent_lib import _plain
from xent_lib._blocks import BLOCK, Array, Box, apart, boxes, classes_first, matrix
from xent_lib._precision import Doubles, wide
from xent_lib._reduction import Terms, Weights

#: Where the sum of a sample's exponentials must lie: below, an entry that has underflowed might matter; above, one may
#: have overflowed, or its reciprocal may lose digits.
LOWEST, HIGHEST = 0.5, {np.dtype(np.float32): 1e30, np.dtype(np.float64): 1e250}

#: Entries that the plain form works at a time; it needs several arrays of that size.
PLAIN_BLOCK = 2**15

#: From how many classes on soft truths and log-softmax are tried the quick way first: with fewer, most samples have a
#: class of more than a quarter, and would be computed twice.
MANY = 64

#: log p above which an entry is computed from the other classes.
LARGE_LOG_P = -math.log(4)

#: Columns that the BLAS sums at a time, and from how many on NumPy's pairwise sum is as fast. In any order, sums of so
#: few terms are exact enough.
PIECE, WIDE = 16, 128

NONE = np.empty(0, np.intp)

#: A kernel works a block of logits, writes a matrix of the same form to its second argument, and returns one number
#: per sample and the samples that it could not do.
Kernel = Callable[[Array, Any, Box, bool], tuple[Any, Array]]
#: The plain form of a kernel takes float logits with a class per row, and the samples that they are of.
Plain = Callable[[Array, Box, Any], tuple[Any, Any]]


def sweep(
    z: Array, kernel: Kernel | None, plain: Plain, check: Callable[[], Any], rows: Any = None, out: Any = None
) -> None:
    """Fill `rows`, one number per sample, and `out`, of the shape of `z`; the classes lie on the last axis.

    `rows` is an array or a function that takes the box and its numbers. `check` raises an error for logits that have
    no result.
    """
    if z.size == 0:
        return
    n_classes = z.shape[-1]
    first = classes_first(z)
    source = apart(z, out)
    over = out is not None and np.may_share_memory(source, out)
    for box in boxes(z.shape[:-1], max(1, BLOCK // n_classes)):
        block = matrix(source[box], first)
        if over:
            block = block.copy()
        n_samples = block.shape[first]
        place = None if out is None else matrix(out[box], first)
        if kernel is None:
            result, odd = None, None
        else:
            result, odd = kernel(block, place, box, first)
            if len(odd) == 0:
                odd = False
            elif 4 * len(odd) > n_samples:
                kernel, odd = None, None
        if odd is not False:
            result = by_plain(plain, check, block, place, box, first, odd, result)
        if rows is not None:
            if callable(rows):
                rows(box, result)
            else:
                rows[box] = result.reshape(rows[box].shape)
        if place is not None and not np.may_share_memory(place, out):
            put_back(place, out[box], first)


def by_plain(
    plain: Plain, check: Callable[[], Any], block: Array, place: Any, box: Box, first: bool, odd: Any, result: Any
) -> Any:
    """Do the `odd` samples of a block, all when None, by the plain form; return the completed numbers per sample."""
    n_classes, n_samples = block.shape if first else block.shape[::-1]
    samples = np.arange(n_samples) if odd is None else odd
    for start in range(0, len(samples), max(1, PLAIN_BLOCK // n_classes)):
        some: Any = samples[start : start + max(1, PLAIN_BLOCK // n_classes)]
        if len(some) == n_samples:
            some = slice(None)
        columns = block[:, some] if first else np.ascontiguousarray(block[some].T)
        largest = columns.max(axis=0)
        if not np.abs(largest).max() < np.inf:
            check()
        numbers, entries = plain(columns, box, some)
        if numbers is not None:
            if result is None:
                result = np.empty(n_samples)
            result[some] = numbers
        if entries is not None:
            if first:
                place[:, some] = entries
            else:
                place[some] = entries.T
    return result


def put_back(place: Array, target: Array, first: bool) -> None:
    """Write a matrix to the part of the result that it could not be a view of."""
    if first:
        target = np.moveaxis(target, -1, 0)
    target[...] = place.reshape(target.shape)


# --- Softmax, its logarithm, the logarithm of the sum ----------------------------------------------------------


def softmax(z: Array, check: Callable[[], Any], out: Array) -> None:
    def kernel(z: Array, out: Array, box: Box, first: bool) -> tuple[None, Array]:
        np.exp(z, out=out)
        total = sums(out, first)
        out *= spread((1 / total).astype(out.dtype, copy=False), first)
        return None, outside(total, z.dtype)

    def plain(z: Array, box: Box, some: Any) -> tuple[None, Array]:
        return None, _plain.softmax(_plain.exponentials(z, 0))

    sweep(z, kernel, plain, check, out=out)


def log_softmax(z: Array, check: Callable[[], Any], out: Array) -> None:
    def kernel(z: Array, out: Array, box: Box, first: bool) -> tuple[None, Array]:
        total = sums(np.exp(z), first)
        subtract_log(z, total, out, first)
        return None, outside(total, z.dtype, out.max(axis=1 - first) > LARGE_LOG_P)

    def plain(z: Array, box: Box, some: Any) -> tuple[None, Array]:
        return None, _plain.log_softmax(_plain.exponentials(z, 0))

    sweep(z, kernel if z.shape[-1] >= MANY else None, plain, check, out=out)


def logsumexp(z: Array, check: Callable[[], Any], rows: Array) -> None:
    def kernel(z: Array, out: None, box: Box, first: bool) -> tuple[Array, Array]:
        total = sums(np.exp(z), first)
        result = np.log(total)
        return result, outside(total, z.dtype, np.abs(result) < -LARGE_LOG_P)

    def plain(z: Array, box: Box, some: Any) -> tuple[Array, None]:
        return _plain.logsumexp(z, 0), None

    sweep(z, kernel, plain, check, rows=rows)


# --- Categorical cross-entropy ---------------------------------------------------------------------------------


def categorical(terms: Terms, z: Array, check: Callable[[], Any], losses: Any, gradient: Array | None) -> None:
    """Hand the losses of each box to `losses`, if given; write the gradient of the reduced loss to `gradient`, if given.

    `losses` takes the box, its losses and their weights.
    """
    if losses is None:
        receive = None
    else:

        def receive(box: Box, found: Doubles) -> None:
            losses(box, found, terms.rows(box))

    wanted = (losses is not None, gradient is not None)
    make = soft_kernel if terms.is_dense else label_kernel
    kernel = None if terms.is_dense and z.shape[-1] < MANY else make(terms, *wanted)

    def plain(z: Array, box: Box, some: Any) -> tuple[Any, Any]:
        e = _plain.exponentials(z, 0)
        t = terms.dense(box)[some].T if terms.is_dense else terms.labels(box)[some]
        slopes = None
        if gradient is not None:
            scale = scale_of(terms, box)
            slopes = _plain.categorical_gradient(t, e, 0) * (scale if isinstance(scale, float) else scale[some])
        return _plain.categorical_losses(t, e, 0) if wanted[0] else None, slopes

    sweep(z, kernel, plain, check, rows=receive, out=gradient)


def scale_of(weights: Weights, box: Box) -> Any:
    """Return what the gradients of the losses in a box are multiplied by."""
    rows = weights.rows(box)
    return 1 / weights.divisor if rows is None else rows / weights.divisor


def label_kernel(terms: Terms, wants_loss: bool, wants_gradient: bool) -> Kernel:
    def kernel(z: Array, out: Any, box: Box, first: bool) -> tuple[Any, Array]:
        labels = terms.labels(box)
        n_samples, n_classes = len(labels), z.shape[1 - first]
        if out is None or not out.flags.c_contiguous:
            e = np.empty(z.shape, z.dtype)
        else:
            e = out
        np.exp(z, out=e)
        samples = np.arange(n_samples)
        at_label = labels * n_samples + samples if first else samples * n_classes + labels
        own = np.exp(wide(z.reshape(-1)[at_label] if z.flags.c_contiguous else z[(labels, samples) if first else (samples, labels)]))
        flat = e.reshape(-1)
        flat[at_label] = 0
        others = sums(e, first)
        if z.dtype == np.float32:
            sure = (others < own).nonzero()[0]
            if len(sure):
                others[sure] = sums_of_others(z, labels, sure, first)
        total = others + own
        loss = others / own
        odd = outside(total, z.dtype, (own < np.finfo(float).tiny) | (loss == np.inf), own.min() < 1e-300)
        if wants_gradient:
            scale = scale_of(terms, box)
            rate = scale / total
            odd = ill_scaled(rate, scale, z.dtype, odd)
            np.multiply(e, spread(rate.astype(z.dtype, copy=False), first), out=e)
            flat[at_label] = 0.0 - others * rate
            if e is not out:
                out[...] = e
        return np.log1p(loss, out=loss) if wants_loss else None, odd

    return kernel


def sums_of_others(z: Array, labels: Array, sure: Array, first: bool) -> Doubles:
    """Return the sums of the exponentials of all logits but the label's, in float64, of some samples."""
    if len(sure) < len(labels):
        z, labels = z[:, sure] if first else z[sure], labels[sure]
    e = np.exp(z, dtype=np.float64)
    samples = np.arange(len(labels))
    e[(labels, samples) if first else (samples, labels)] = 0
    return sums(e, first)


def soft_kernel(terms: Terms, wants_loss: bool, wants_gradient: bool) -> Kernel:
    def kernel(z: Array, out: Any, box: Box, first: bool) -> tuple[Any, Array]:
        t = terms.dense(box).astype(z.dtype, copy=False)
        if first:
            t = t.T
        e = np.exp(z)
        total = sums(e, first)
        odd = outside(total, z.dtype, e.max(axis=1 - first) > total / 4)
        loss = None
        if wants_loss:
            surprise = np.empty(z.shape, z.dtype)
            subtract_log(z, total, surprise, first)
            surprise *= t
            loss = np.abs(sums(surprise, first))
            if not loss.max() < np.inf:  # 0 times infinity, or an infinite loss
                odd = np.union1d(odd, (~(loss < np.inf)).nonzero()[0])
        if wants_gradient:
            scale = scale_of(terms, box)
            rate = sums(t, first) * scale / total
            odd = ill_scaled(rate, scale, z.dtype, odd)
            e *= spread(rate.astype(z.dtype, copy=False), first)
            factor = scale if isinstance(scale, float) else spread(scale.astype(z.dtype, copy=False), first)
            np.subtract(e, t * factor, out=out)
        return loss, odd

    return kernel


# --- Binary cross-entropy, sigmoid -----------------------------------------------------------------------------


def sigmoid(z: Array, out: Array) -> None:
    for box in boxes(z.shape, BLOCK):
        block = z[box]
        growth = np.negative(block, dtype=np.float64)
        np.exp(growth, out=growth)
        growth += 1
        np.divide(1, growth, out=out[box])
        if block.dtype == np.float64 and block.min() < -700:
            odd = block < -700
            out[box][odd] = _plain.sigmoid(block[odd])


def log_sigmoid(z: Array, out: Array) -> None:
    for box in boxes(z.shape, BLOCK):
        u = np.negative(z[box], dtype=np.float64)
        np.negative(softplus(u)[0], out=out[box])


def softplus(u: Doubles) -> tuple[Doubles, Doubles, Doubles]:
    """Return log(1 + e^u), e^u and 1 + e^u.

    NumPy's log1p is slow on many processors. The logarithm of the rounded sum, with what rounding took from it put
    back, is the same to the last digits.
    """
    growth = np.exp(u)
    sum_ = growth + 1
    result = np.log(sum_)
    lost = sum_ - 1
    np.subtract(growth, lost, out=lost)
    lost /= sum_
    result += lost
    if not growth.max(initial=0) < np.inf:
        np.copyto(result, u, where=u > 700)
    return result, growth, sum_


def binary(
    t: Array, z: Array, pos_weight: Any, weights: Weights, check: Callable[[], Any], losses: Any, gradient: Array | None
) -> None:
    """Hand the losses of each box to `losses`, if given; write the gradient of the reduced loss to `gradient`, if given."""
    t, z = apart(t, gradient), apart(z, gradient)
    for box in boxes(z.shape, BLOCK):
        t_block, z_block = t[box], z[box]
        scale = scale_of(weights, box) if gradient is not None else 1.0
        is_one = t_block == 1
        if pos_weight is None and np.array_equal(is_one, t_block != 0):
            loss, slope = hard_binary(is_one, z_block, gradient is not None)
        else:
            if not (t_block.min() >= 0 and t_block.max() <= 1):
                check()
            factor = 1.0 if pos_weight is None else wide(pos_weight[box])
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
    loss, growth, sum_ = softplus(u)
    if not wants_gradient:
        return loss, None
    np.divide(growth, sum_, out=growth)
    if not sum_.max(initial=0) < np.inf:
        growth[sum_ == np.inf] = 1
    growth *= sign
    return loss, growth


def soft_binary(t: Array, z: Array, factor: Any, wants_loss: bool, wants_gradient: bool) -> tuple[Any, Any]:
    """Return the losses and the gradients for any truth, `factor` the weight of the positive class.

    All is written with e^−|z|, the part of the truth that agrees with the sign of z, and the part that is against it.
    """
    is_negative = z < 0
    size = np.abs(z, dtype=np.float64)
    one, zero = np.multiply(t, factor, dtype=np.float64), np.subtract(1, t, dtype=np.float64)
    against = zero - is_negative * zero + is_negative * one
    agreeing = one - is_negative * one + is_negative * zero
    tail, small, sum_ = softplus(-size)
    loss = slope = None
    if wants_loss:
        size *= against
        if np.isnan(size.max(initial=0)):
            size[against == 0] = 0
        tail *= agreeing + against
        loss = size + tail
    if wants_gradient:
        small /= sum_
        slope = against / sum_ - agreeing * small
        np.negative(slope, out=slope, where=is_negative)
    return loss, slope


# --- What the kernels share --------------------------------------------------------------------------------------


def spread(row: Array, first: bool) -> Array:
    """Return numbers per sample in a form that broadcasts against a block."""
    return row if first else row[:, np.newaxis]


def sums(x: Array, first: bool) -> Doubles:
    """Return the sum of each sample in float64; the rounding of the terms' own dtype touches few terms at a time."""
    if first:
        return sum_of_rows(x)
    n_samples, n_classes = x.shape
    if n_classes >= WIDE:
        n_pieces, n_last = divmod(n_classes, WIDE)
        total = wide(x[:, n_classes - n_last :].sum(axis=1))
        pieces = x[:, : n_pieces * WIDE].reshape(n_samples, n_pieces, WIDE)
        return total + pieces.sum(axis=2).sum(axis=1, dtype=np.float64)
    ones = np.ones(min(PIECE, n_classes), x.dtype)
    total = wide(x[:, :PIECE] @ ones)
    for start in range(PIECE, n_classes, PIECE):
        piece = x[:, start : start + PIECE]
        total += piece @ ones[: piece.shape[1]]
    return total


def sum_of_rows(x: Array) -> Doubles:
    """Return the sum of the rows of a matrix: halves are added to each other until one row is left."""
    while len(x) > 8:
        half = len(x) // 2
        folded = x[:half] + x[half : 2 * half]
        if len(x) % 2:
            folded[0] += x[-1]
        x = folded
    return x.sum(axis=0, dtype=np.float64)


def subtract_log(z: Array, total: Doubles, out: Array, first: bool) -> None:
    """Write z − log(total) to `out`; the logarithm is taken to more digits than `out` has."""
    log_total = np.log(total)
    high = log_total.astype(z.dtype)
    low = log_total - high if z.dtype == np.float32 else (total - np.exp(log_total)) / total
    np.subtract(z, spread(high, first), out=out)
    out -= spread(low.astype(z.dtype, copy=False), first)


def outside(total: Doubles, dtype: Any, too: Any = None, any_too: bool = True) -> Array:
    """Return the samples whose sum is out of range, and those for which `too` is true."""
    highest = HIGHEST[dtype]
    if total.min() >= LOWEST and total.max() <= highest and (too is None or not any_too or not too.any()):
        return NONE
    odd = ~((total >= LOWEST) & (total <= highest))
    return np.flatnonzero(odd if too is None else odd | too)


def ill_scaled(rate: Any, scale: Any, dtype: Any, odd: Array) -> Array:
    """Add the samples whose gradient would be multiplied by a number that `dtype` cannot hold with all its digits."""
    if isinstance(scale, float) and 1e-7 < scale < 1e30:
        return odd
    limits = np.finfo(dtype)
    right = (rate >= limits.tiny) & (rate <= limits.max) | (np.asarray(scale) == 0)
    return odd if right.all() else np.union1d(odd, np.flatnonzero(~right))
