"""Softmax, its logarithm, and the categorical cross-entropy, block by block.

1. **The label is kept apart.** Its term e is left out of the sum O of the others. Then the loss −log(e / (O + e)) is
   log1p(O / e) and the gradient at the label −O / (O + e): small losses keep their digits, and nothing is searched.
   With soft truths the same is done for a class of more than a half; there is at most one.
2. **float64 where it decides.** One number per sample costs little in float64. NumPy's float32 exponential is off by
   up to 3.4 units in the last place, so for float32 the term of the label is taken in float64, as are the others where
   the label outweighs them.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from xent_lib import _plain
from xent_lib._blocks import BLOCK, Array, Box, boxes
from xent_lib._precision import Doubles, log1p, wide
from xent_lib._reduction import Terms
from xent_lib._sweep import Block, Kernel, ill_scaled, outside, spread, sums, sweep
from xent_lib._validation import largest

#: From how many classes on soft truths and log-softmax are tried the quick way first: with fewer, most samples
#: would be worked twice.
MANY = 64

#: The probability above which a sample that was worked in float32 is worked in float64 again: the digits of log p would
#: not be exact enough.
LARGE_P = 0.4

#: Up to how many entries float32 logits are worked in float64: the calls of NumPy take longer than its work.
SMALL = 2**12


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
            return None, outside(total, e.dtype, too=out.max(axis=1 - block.first) > math.log(LARGE_P))
        sure = Sure(block, e, np.flatnonzero(e > spread(total / 2, block.first)))
        sure.put(out, 0.0 - log1p(sure.others / sure.own))
        return None, outside(total, e.dtype)

    def plain(z: Array, box: Box, some: Any) -> tuple[None, Array]:
        return None, _plain.log_softmax(_plain.exponentials(z, 0))

    sweep(z, kernel, plain, check, out=out)


def logsumexp(z: Array, check: Callable[[], Any], result: Array) -> None:
    def kernel(block: Block, out: None) -> tuple[Doubles, Array]:
        e = block.exp()
        total = sums(e, block.first)
        if block.is_exact:
            return np.log(total), outside(total, e.dtype, lowest=2)
        result = np.log(total)
        if z.dtype == np.float64:
            sure = Sure(block, e, np.flatnonzero(e > spread(total / 2, block.first)))
            result[sure.samples] = log1p(sure.others / sure.own)
        return result + block.top, outside(total, e.dtype)

    def plain(z: Array, box: Box, some: Any) -> tuple[Doubles, None]:
        return _plain.logsumexp(z, 0), None

    def receive(box: Box, found: Doubles) -> None:
        result[box] = found.reshape(result[box].shape)

    sweep(z, kernel, plain, check, rows=receive)


def from_logits(terms: Terms, z: Array, check: Callable[[], Any], losses: Any, gradient: Array | None) -> None:
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
            scale = terms.scale(box)
            slopes = _plain.categorical_gradient(t, e, 0) * (scale if isinstance(scale, float) else scale[some])
        return _plain.categorical_losses(t, e, 0) if wants_loss else None, slopes

    def receive(box: Box, found: Doubles) -> None:
        losses(box, found, terms.rows(box))

    sweep(z, kernel, plain, check, rows=receive if wants_loss else None, out=gradient)


def label_kernel(terms: Terms, wants_loss: bool) -> Kernel:
    def kernel(block: Block, out: Any) -> tuple[Any, Array]:
        z, first = block.z, block.first
        labels = block.of(terms.labels(block.box))
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
        odd = outside(total, e.dtype)
        if out is not None:
            scale = block.of(terms.scale(block.box))
            rate = scale / total
            odd = ill_scaled(rate, scale, e.dtype, odd)
            gradient = out if in_place else e
            np.multiply(e, spread(rate.astype(e.dtype, copy=False), first), out=gradient)
            gradient.reshape(-1)[at_label] = 0.0 - others * rate
            if not in_place:
                out[...] = e
        return label_losses(others, own, block, labels) if wants_loss else None, odd

    return kernel


def label_losses(others: Doubles, own: Doubles, block: Block, labels: Array) -> Doubles:
    """Return log(1 + O / e); for a label so far behind that the ratio overflows, log O − z, which is the same then."""
    ratio = others / own
    if largest(ratio) < 1e300:
        return log1p(ratio)
    loss = log1p(ratio)
    far = (~(ratio < 1e300)).nonzero()[0]
    at = (labels[far], far) if block.first else (far, labels[far])
    loss[far] = np.log(others[far]) - block.z[at]
    return loss


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
        t = block.of(terms.dense(block.box)).astype(e.dtype, copy=False)
        if first:
            t = np.ascontiguousarray(t.T)
        total = sums(e, first)
        limit = spread((total * (LARGE_P if e.dtype == np.float32 else 0.5)).astype(e.dtype, copy=False), first)
        if e.dtype == np.float32:
            odd, sure = outside(total, e.dtype, too=e.max(axis=1 - first) > limit.reshape(-1)), None
        else:
            odd, sure = outside(total, e.dtype), Sure(block, e, np.flatnonzero(e > limit))
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
            scale = block.of(terms.scale(block.box))
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


def working_dtype(block: Block) -> Any:
    """Return the dtype in which soft truths and log-softmax are worked.

    In float32, samples with a class of more than `LARGE_P` are worked again; where the classes are few, most have one.
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


def of_probabilities(terms: Terms, p: Array, losses: Any) -> None:
    for box in boxes(p.shape[:-1], max(1, BLOCK // p.shape[-1])):
        block = p[box].reshape(-1, p.shape[-1])
        if terms.is_dense:
            found = _plain.categorical_losses_of_probabilities(terms.dense(box), block)
        else:
            labels = terms.labels(box)
            found = np.abs(np.log(wide(block[np.arange(len(labels)), labels])))
        losses(box, found, terms.rows(box))
