"""Every formula of the library on one page: nothing checked, everything in float64.

This is what the library computes. The kernels (`_categorical.py`, `_binary.py`) compute the same numbers faster, a
block at a time, and call these functions for what they cannot do. The tests compare the two.

The notation is that of the course: logits z, probabilities p, truth t. The classes lie along `axis`.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from xent_lib._precision import Doubles, Floats, pairwise_sum, two_sum, wide

# --- Two classes: one logit z of the positive class ------------------------------------------------------------


def sigmoid(z: Floats) -> Doubles:
    """σ(z) = 1 / (1 + e^−z), with an exponential that cannot overflow."""
    decay = np.exp(-np.abs(wide(z)))
    return np.where(z >= 0, 1, decay) / (1 + decay)


def log_sigmoid(z: Floats) -> Doubles:
    """log σ(z) = min(z, 0) − log(1 + e^−|z|)."""
    z = wide(z)
    return np.minimum(z, 0) - np.log1p(np.exp(-np.abs(z)))


def binary_losses(t: Floats, z: Floats, pos_weight: Any = 1.0) -> Doubles:
    """−w t log σ(z) − (1 − t) log σ(−z): both terms are non-negative, so nothing cancels."""
    t = wide(t)
    return product(pos_weight * t, -log_sigmoid(z)) + product(1 - t, -log_sigmoid(-z))


def binary_gradient(t: Floats, z: Floats, pos_weight: Any = 1.0) -> Doubles:
    """(1 − t) σ(z) − w t σ(−z), which is σ(z) − t for w = 1, and keeps the digits of a sure, right prediction."""
    t = wide(t)
    return (1 - t) * sigmoid(z) - pos_weight * t * sigmoid(-z)


def binary_losses_of_probabilities(t: Floats, p: Floats, pos_weight: Any = 1.0) -> Doubles:
    """−w t log p − (1 − t) log(1 − p)."""
    t, p = wide(t), wide(p)
    return product(pos_weight * t, -np.log(p)) + product(1 - t, -np.log1p(-p))


# --- N classes -------------------------------------------------------------------------------------------------


class Exponentials(NamedTuple):
    """The logits of a sample, exponentiated so that the largest term is 1."""

    shifted: Doubles  #: z − m, with m the largest logit
    terms: Doubles  #: e^(z − m)
    rest: Doubles  #: the sum of the terms without one that is 1: the sum of all is 1 + rest


def exponentials(z: Floats, axis: int) -> Exponentials:
    """Exponentiate, the largest logit subtracted first and its own term kept out of the sum.

    The logarithm of the sum is log1p(rest), exact however small the rest is.
    """
    is_exact = z.dtype == np.float32  # a difference of two float32 numbers needs no more than float64
    z = wide(z)
    largest = z.max(axis=axis, keepdims=True)
    if is_exact:
        shifted = z - largest
        terms = np.exp(shifted)
    else:
        shifted, lost = two_sum(z, -largest)
        terms = np.exp(shifted)
        terms += product(terms, lost)  # what rounding took from the difference, exp would magnify
    below = z < largest
    rest = pairwise_sum(terms * below, axis)
    if np.count_nonzero(below) < z.size - largest.size:  # several logits share the place of the largest
        rest += (~below).sum(axis=axis, keepdims=True) - 1
    return Exponentials(shifted, terms, rest)


def logsumexp(z: Floats, axis: int) -> Doubles:
    """log Σ e^z = m + log(1 + rest); ±∞ where that is what the sum says."""
    largest = wide(z.max(axis=axis))
    return np.where(np.isinf(largest), largest, largest + np.log1p(exponentials(z, axis).rest.squeeze(axis)))


def softmax(e: Exponentials) -> Doubles:
    """p = e^z / Σ e^z."""
    return e.terms / (1 + e.rest)


def log_softmax(e: Exponentials) -> Doubles:
    """log p = z − log Σ e^z."""
    return e.shifted - np.log1p(e.rest)


def lacking(p: Doubles, e: Exponentials) -> Doubles:
    """1 − p, summed from the other classes where p is more than a half; at most one class of a sample is."""
    return np.where(p > 0.5, e.rest / (1 + e.rest), 1 - p)


def categorical_losses(t: NDArray[Any], e: Exponentials, axis: int) -> Doubles:
    """−Σ t log p, or −log p at the label when t holds labels."""
    surprise = np.log1p(e.rest) - e.shifted
    if t.ndim == surprise.ndim:
        return pairwise_sum(product(t, surprise), axis).squeeze(axis)
    return np.take_along_axis(surprise, np.expand_dims(t, axis), axis).squeeze(axis)


def categorical_gradient(t: NDArray[Any], e: Exponentials, axis: int) -> Doubles:
    """p − t; for a truth that sums to another number than 1, as weighted ones do, (Σ t) p − t."""
    p = softmax(e)
    if t.ndim < p.ndim:
        index = np.expand_dims(t, axis)
        np.put_along_axis(p, index, -np.take_along_axis(lacking(p, e), index, axis), axis)
        return p
    t, is_sure = wide(t), p > 0.5
    gradient = pairwise_sum(t, axis) * p - t
    others, own = pairwise_sum(t * ~is_sure, axis), pairwise_sum(t * is_sure, axis)
    of_sure = (others - own * e.rest) / (1 + e.rest)
    return gradient * ~is_sure + of_sure * is_sure


def categorical_losses_of_probabilities(t: Floats, p: Floats) -> Doubles:
    """−Σ t log p, along the last axis."""
    return np.abs(pairwise_sum(product(wide(t), np.log(wide(p))), -1).squeeze(-1))


def softmax_jacobian(e: Exponentials) -> Doubles:
    """∂p_i/∂z_j = p_i (δ_ij − p_j), along the last axis."""
    p = softmax(e)
    jacobian = 0.0 - p[..., :, np.newaxis] * p[..., np.newaxis, :]
    diagonal = np.arange(p.shape[-1])
    jacobian[..., diagonal, diagonal] = p * lacking(p, e)
    return jacobian


def product(factor: Any, value: Doubles) -> Doubles:
    """factor · value, where 0 · ∞ and 0 · nan are 0."""
    result = np.asarray(factor * value)
    if np.isnan(result.sum()):
        result[np.broadcast_to(factor == 0, result.shape)] = 0
    return result
