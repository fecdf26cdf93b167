"""Sigmoid and binary cross-entropy, block by block, worked in float64.

A binary label is a sign: with u = z for t = 0 and u = −z for t = 1, the loss is log(1 + e^u) and the gradient
± e^u / (1 + e^u). There is no choice between two branches.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from xent_lib import _plain
from xent_lib._blocks import FLAT, Array, apart, boxes
from xent_lib._precision import Doubles, log1p, wide
from xent_lib._reduction import Weights


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


def from_logits(
    t: Array, z: Array, pos_weight: Any, weights: Weights, check: Callable[[], Any], losses: Any, gradient: Array | None
) -> None:
    """Hand each box, its losses and their weights to `losses`; write the gradient of the reduced loss to `gradient`.

    Either may be None: then it is not computed.
    """
    t, z = np.atleast_1d(apart(t, gradient), apart(z, gradient))
    gradient = None if gradient is None else np.atleast_1d(gradient)
    for box in boxes(z.shape, FLAT):
        t_block, z_block = t[box], z[box]
        scale = weights.scale(box) if gradient is not None else 1.0
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


def softplus(u: Doubles) -> tuple[Doubles, Doubles, Doubles]:
    """Return log(1 + e^u), e^u and 1 + e^u."""
    growth = np.exp(u)
    one_plus = growth + 1
    result = log1p(growth, one_plus)
    if not growth.max(initial=0) < np.inf:
        np.copyto(result, u, where=u > 700)
    return result, growth, one_plus


def of_probabilities(t: Array, p: Array, pos_weight: Any, weights: Weights, losses: Any) -> None:
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
