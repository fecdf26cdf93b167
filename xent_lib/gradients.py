"""The derivatives that training uses."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from xent_lib import _fast
from xent_lib._precision import rounded, wide
from xent_lib._validation import (
    as_binary_targets,
    as_float,
    as_logits,
    as_targets,
    binary_target_form,
    class_axis,
    float_form,
    reduction_factors,
    target_form,
)
from xent_lib.activations import separate_largest, sigmoid
from xent_lib.losses import binary_losses, categorical_losses

__all__ = [
    "binary_cross_entropy_gradient",
    "binary_cross_entropy_value_and_gradient",
    "categorical_cross_entropy_gradient",
    "categorical_cross_entropy_value_and_gradient",
    "softmax_jacobian",
]


def softmax_jacobian(z: ArrayLike) -> NDArray[np.floating]:
    r"""Return how every softmax probability changes with every logit.

    .. math:: \frac{\partial p_i}{\partial z_j} = p_i(\delta_{ij} - p_j),
              \qquad \delta_{ij} = 1 \text{ for } i = j, \text{ else } 0

    Parameters
    ----------
    z : array_like
        Logits, shape (…, N).

    Returns
    -------
    ndarray
        Shape (…, N, N): row i, column j holds :math:`\partial p_i / \partial z_j`. Symmetric, and
        every row sums to 0. float32 for float32, else float64.

    Raises
    ------
    ValueError
        If `z` contains NaN or +∞, is −∞ all along the last axis, or is a single number.
    TypeError
        If `z` does not hold real numbers.

    Examples
    --------
    >>> softmax_jacobian([0.0, 0.0]).tolist()
    [[0.25, -0.25], [-0.25, 0.25]]

    References
    ----------
    Bishop, *Pattern Recognition and Machine Learning* (2006), equation 4.106.
    """
    z = as_logits(z, "z", -1)
    p, others = _softmax_and_others(z, -1)
    jacobian = -p[..., :, np.newaxis] * p[..., np.newaxis, :]
    diagonal = np.arange(p.shape[-1])
    jacobian[..., diagonal, diagonal] = p * others
    return rounded(jacobian, z.dtype)


def binary_cross_entropy_gradient(
    t: ArrayLike, z: ArrayLike, *, weight: ArrayLike | None = None, reduction: str = "mean"
) -> NDArray[np.floating]:
    r"""Return the gradient of the binary cross-entropy with respect to the logits.

    .. math:: \frac{\partial L}{\partial z} = \sigma(z) - t = (1 - t)\,\sigma(z) - t\,\sigma(-z)

    The second form keeps the digits of a nearly certain, right prediction.

    Parameters
    ----------
    t : array_like
        The truth, 0 or 1 or a probability between them, any shape.
    z : array_like
        The logit of the positive class, the shape of `t`.
    weight : array_like, optional
        One non-negative number per loss term, broadcast to the shape of `z`.
    reduction : {"mean", "sum", "none"}
        Which reduced loss this is the gradient of; "none" and "sum" give the same.

    Returns
    -------
    ndarray
        The shape and dtype of `z`, per unit of logit.

    Raises
    ------
    ValueError
        As :func:`~xent_lib.losses.binary_cross_entropy_with_logits`.
    TypeError
        If an input does not hold real numbers.

    Examples
    --------
    >>> binary_cross_entropy_gradient([1, 0], [0.0, 0.0]).tolist()
    [-0.25, 0.25]

    References
    ----------
    Bishop, *Pattern Recognition and Machine Learning* (2006), equation 4.91.
    """
    z = as_float(z, "z")
    t = as_binary_targets(t, z)
    factors, divisor = reduction_factors(z.shape, z.dtype, weight, reduction)
    return _scale(binary_slopes(t, z), factors, divisor, z.dtype)


def categorical_cross_entropy_gradient(
    t: ArrayLike,
    z: ArrayLike,
    *,
    axis: int = -1,
    weight: ArrayLike | None = None,
    reduction: str = "mean",
) -> NDArray[np.floating]:
    r"""Return the gradient of the categorical cross-entropy with respect to the logits.

    .. math:: \frac{\partial L}{\partial z_i} = p_i - t_i = (1 - t_i)\,p_i - t_i\,(1 - p_i),
              \qquad p = \operatorname{softmax}(z)

    In the second form :math:`1 - p_i` of the largest probability is taken as the sum of the others,
    which keeps the digits of a nearly certain, right prediction.

    Parameters
    ----------
    t : array_like
        The truth: class indices, of the shape of `z` without `axis`; or distributions, of the shape
        of `z`.
    z : array_like
        Logits; −∞ rules a class out.
    axis : int
        The axis of the classes.
    weight : array_like, optional
        One non-negative number per sample, broadcast to the shape of `z` without `axis`.
    reduction : {"mean", "sum", "none"}
        Which reduced loss this is the gradient of; "none" and "sum" give the same.

    Returns
    -------
    ndarray
        The shape and dtype of `z`, per unit of logit; it sums to 0 along `axis`.

    Raises
    ------
    ValueError
        As :func:`~xent_lib.losses.categorical_cross_entropy_with_logits`.
    TypeError
        If an input does not hold real numbers.

    Examples
    --------
    >>> categorical_cross_entropy_gradient([0], [[2.0, 1.0, 0.1]]).round(3).tolist()
    [[-0.341, 0.242, 0.099]]

    References
    ----------
    Bishop, *Pattern Recognition and Machine Learning* (2006), equation 4.109.
    """
    z = as_logits(z, "z", axis)
    t, is_labels = as_targets(t, z, axis)
    factors, divisor = reduction_factors(_without(z.shape, axis), z.dtype, weight, reduction)
    if factors is not None:
        factors = np.expand_dims(factors, axis)
    return _scale(categorical_slopes(t, z, axis, is_labels), factors, divisor, z.dtype)


def binary_cross_entropy_value_and_gradient(
    t: ArrayLike,
    z: ArrayLike,
    *,
    weight: ArrayLike | None = None,
    reduction: str = "mean",
    out: NDArray[np.floating] | None = None,
) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
    r"""Return the binary cross-entropy of logits together with its gradient.

    .. math:: \left(L(t, z),\ \frac{\partial L}{\partial z}\right),
              \qquad \frac{\partial L}{\partial z} = \sigma(z) - t

    Parameters
    ----------
    t, z, weight, reduction
        As :func:`~xent_lib.losses.binary_cross_entropy_with_logits`.
    out : ndarray, optional
        Where to write the gradient: the shape and dtype of `z`. It may overlap the inputs. After an
        error it holds nothing of meaning.

    Returns
    -------
    loss : ndarray or scalar
        The reduced loss, in nats.
    gradient : ndarray
        The shape and dtype of `z`; `out` itself when given.

    Raises
    ------
    ValueError
        As :func:`~xent_lib.losses.binary_cross_entropy_with_logits`, and if `out` has another shape
        or dtype.
    TypeError
        If an input does not hold real numbers, or `out` is no array.

    Examples
    --------
    >>> loss, gradient = binary_cross_entropy_value_and_gradient([1, 0], [0.0, 0.0])
    >>> float(loss.round(4)), gradient.tolist()
    (0.6931, [-0.25, 0.25])

    References
    ----------
    Bishop, *Pattern Recognition and Machine Learning* (2006), equations 4.90 and 4.91.
    """
    z = float_form(z, "z")
    t = binary_target_form(t, z)
    return _in_one_sweep(_fast.binary, _checked_binary, t, z, None, weight, reduction, out)


def categorical_cross_entropy_value_and_gradient(
    t: ArrayLike,
    z: ArrayLike,
    *,
    axis: int = -1,
    weight: ArrayLike | None = None,
    reduction: str = "mean",
    out: NDArray[np.floating] | None = None,
) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
    r"""Return the categorical cross-entropy of logits together with its gradient.

    .. math:: \left(L(t, z),\ \frac{\partial L}{\partial z}\right),
              \qquad \frac{\partial L}{\partial z_i} = p_i - t_i

    Parameters
    ----------
    t, z, axis, weight, reduction
        As :func:`~xent_lib.losses.categorical_cross_entropy_with_logits`.
    out : ndarray, optional
        Where to write the gradient: the shape and dtype of `z`. It may overlap the inputs. After an
        error it holds nothing of meaning.

    Returns
    -------
    loss : ndarray or scalar
        The reduced loss, in nats.
    gradient : ndarray
        The shape and dtype of `z`; `out` itself when given.

    Raises
    ------
    ValueError
        As :func:`~xent_lib.losses.categorical_cross_entropy_with_logits`, and if `out` has another
        shape or dtype.
    TypeError
        If an input does not hold real numbers, or `out` is no array.

    Examples
    --------
    >>> loss, gradient = categorical_cross_entropy_value_and_gradient([0], [[0.0, 0.0]])
    >>> float(loss.round(4)), gradient.tolist()
    (0.6931, [[-0.5, 0.5]])

    References
    ----------
    Bishop, *Pattern Recognition and Machine Learning* (2006), equations 4.108 and 4.109.
    """
    z = float_form(z, "z")
    axis = class_axis(axis, z, "z")
    t, is_labels = target_form(t, z, axis)
    kernel = _fast.categorical if is_labels else _fast.soft
    return _in_one_sweep(kernel, _checked_categorical, t, z, axis, weight, reduction, out)


def binary_slopes(t: NDArray[np.floating], z: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return (1 − t) σ(z) − t σ(−z). For internal use: nothing is checked."""
    t, z = wide(t), wide(z)
    slopes: NDArray[np.float64] = (1 - t) * sigmoid(z) - t * sigmoid(-z)
    return slopes


def categorical_slopes(t: NDArray[Any], z: NDArray[np.floating], axis: int, is_labels: bool) -> NDArray[np.float64]:
    """Return (1 − t) p − t (1 − p). For internal use: nothing is checked."""
    p, others = _softmax_and_others(z, axis)
    if is_labels:
        at_label = np.expand_dims(t, axis)
        lacking = np.take_along_axis(others, at_label, axis=axis)
        np.put_along_axis(p, at_label, -lacking, axis=axis)
        return p
    t = wide(t)
    return (1 - t) * p - t * others


def _softmax_and_others(z: NDArray[np.floating], axis: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the softmax p, and 1 − p summed from the other classes instead of subtracted."""
    exponentials, _, rest = separate_largest(z, axis)
    total = 1 + rest
    p = exponentials / total
    others = 1 - p  # exact enough below a half; above it, the class is the largest one
    top = np.argmax(z, axis=axis, keepdims=True)
    np.put_along_axis(others, top, rest / total, axis=axis)
    return p, others


def _checked_binary(t: ArrayLike, z: ArrayLike, axis: int | None) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    z = as_float(z, "z")
    t = as_binary_targets(t, z)
    return binary_losses(t, z), binary_slopes(t, z)


def _checked_categorical(t: ArrayLike, z: ArrayLike, axis: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    z = as_logits(z, "z", axis)
    t, is_labels = as_targets(t, z, axis)
    return categorical_losses(t, z, axis, is_labels), categorical_slopes(t, z, axis, is_labels)


def _in_one_sweep(
    kernel: _fast.Kernel,
    plain: Callable[..., tuple[NDArray[np.float64], NDArray[np.float64]]],
    t: NDArray[Any],
    z: NDArray[np.floating],
    axis: int | None,
    weight: ArrayLike | None,
    reduction: str,
    out: NDArray[np.floating] | None,
) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
    """Return loss and gradient; the classes lie along `axis`, or the loss is binary when it is None."""
    shape = z.shape if axis is None else _without(z.shape, axis)
    factors, divisor = reduction_factors(shape, z.dtype, weight, reduction)
    losses = np.empty(shape, z.dtype) if reduction == "none" else None
    gradient = np.empty_like(z) if out is None else _as_out(out, z)
    if factors is not None and np.may_share_memory(factors, gradient):
        factors = factors.copy()
    row_shape = () if axis is None else (z.shape[axis],)
    t_last, z_last, gradient_last = t, z, gradient
    if axis is not None and axis != z.ndim - 1:
        z_last, gradient_last = np.moveaxis(z, axis, -1), np.moveaxis(gradient, axis, -1)
        t_last = np.moveaxis(t, axis, -1) if t.ndim == z.ndim else t
    try:
        with np.errstate(all="ignore"):
            total = _fast.sweep(
                kernel, partial(plain, axis=1), t_last, z_last, row_shape, factors, divisor, losses, gradient_last
            )
            loss: Any = z.dtype.type(total / divisor) if losses is None else losses[()]
    except ValueError:
        plain(t, z, axis)  # raises too, and names the place in the whole array instead of in a block
        raise
    return loss, gradient if gradient.ndim or out is not None else gradient[()]


def _without(shape: tuple[int, ...], axis: int) -> tuple[int, ...]:
    axis = axis % len(shape)
    return shape[:axis] + shape[axis + 1 :]


def _scale(
    slopes: NDArray[np.float64], factors: NDArray[np.floating] | None, divisor: float, dtype: DTypeLike
) -> NDArray[np.floating]:
    return rounded((slopes if factors is None else slopes * factors) / divisor, dtype)


def _as_out(out: NDArray[np.floating], z: NDArray[np.floating]) -> NDArray[np.floating]:
    if not isinstance(out, np.ndarray):
        raise TypeError(f"out must be a NumPy array, got {type(out).__name__}")
    if out.shape != z.shape or out.dtype != z.dtype:
        raise ValueError(
            f"out has shape {out.shape} and dtype {out.dtype}, the gradient has shape {z.shape} and dtype {z.dtype}"
        )
    return out
