"""The derivatives that training uses, and a difference quotient to check them by."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from xent_lib import _plain
from xent_lib._blocks import last
from xent_lib._precision import Doubles, Floats, rounded, wide
from xent_lib._reduction import Reduction
from xent_lib._validation import as_float, as_logits, class_axis
from xent_lib.losses import binary_from_logits, categorical_from_logits

__all__ = [
    "binary_cross_entropy_gradient",
    "binary_cross_entropy_value_and_gradient",
    "categorical_cross_entropy_gradient",
    "categorical_cross_entropy_value_and_gradient",
    "numerical_gradient",
    "softmax_jacobian",
]


def softmax_jacobian(z: ArrayLike, axis: int = -1) -> Floats:
    r"""Return how every softmax probability changes with every logit.

    .. math:: \frac{\partial p_i}{\partial z_j} = p_i(\delta_{ij} - p_j),
              \qquad \delta_{ij} = 1 \text{ for } i = j, \text{ else } 0

    Parameters
    ----------
    z : array_like
        Logits.
    axis : int
        The axis of the N classes.

    Returns
    -------
    ndarray
        The shape of `z` without `axis`, then (N, N): row i, column j holds
        :math:`\partial p_i / \partial z_j`. Symmetric, and every row sums to 0. float32 for float32, else float64.

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
    z = as_logits(z, "z", axis)
    z = last(z, class_axis(axis, z, "z"))
    with np.errstate(all="ignore"):
        return rounded(_plain.softmax_jacobian(_plain.exponentials(z, -1)), z.dtype)


def numerical_gradient(f: Callable[[Doubles], float], x: ArrayLike, *, step: float | None = None) -> Doubles:
    r"""Approximate the gradient of a function by central difference quotients.

    .. math:: \frac{\partial f}{\partial x_i} \approx \frac{f(x + h e_i) - f(x - h e_i)}{2h}

    Parameters
    ----------
    f : callable
        Takes an array of the shape of `x` and returns one number.
    x : array_like
        The point, any shape, worked in float64.
    step : float, optional
        The step h. When not given, :math:`\varepsilon^{1/3} \max(1, |x_i|)` with the float64
        rounding unit ε, which balances the error of the formula, h², against that of rounding, ε/h:
        about 10 digits are right.

    Returns
    -------
    ndarray of float64
        The gradient, the shape of `x`.

    Raises
    ------
    ValueError
        If `x` contains NaN or an infinity, `step` is not a positive number or is lost in rounding, or
        `f` returns something other than one number.
    TypeError
        If `x` does not hold real numbers.

    Examples
    --------
    >>> numerical_gradient(lambda x: (x**2).sum(), [1.0, -3.0]).round(6).tolist()
    [2.0, -6.0]

    References
    ----------
    Nocedal and Wright, *Numerical Optimization* (2006), section 8.1.
    """
    x = wide(as_float(x, "x"))
    if not np.all(np.isfinite(x)):
        raise ValueError("x contains an infinity, so no step away from it exists")
    if step is not None and not 0 < step < np.inf:
        raise ValueError(f"step must be a positive number, got {step!r}")
    gradient = np.empty_like(x)
    for index in np.ndindex(x.shape):
        h = np.finfo(np.float64).eps ** (1 / 3) * max(1.0, abs(float(x[index]))) if step is None else step
        above, below = x.copy(), x.copy()
        above[index] += h
        below[index] -= h
        distance = above[index] - below[index]  # what is left of 2h after rounding
        if distance == 0:
            raise ValueError(f"step {h!r} is lost in rounding next to {x[index].item()!r}; take a larger one")
        gradient[index] = (_one_number(f(above)) - _one_number(f(below))) / distance
    return gradient[()]


def binary_cross_entropy_gradient(
    t: ArrayLike,
    z: ArrayLike,
    *,
    weight: ArrayLike | None = None,
    pos_weight: ArrayLike | None = None,
    reduction: Reduction = "mean",
) -> Floats:
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
    pos_weight : float or array_like, optional
        A non-negative number w, or several that broadcast to the shape of `z`: the term of the positive
        class is multiplied by it. The mean does not divide by it.
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
    wanted = {"wants_loss": False, "wants_gradient": True}
    _, gradient = binary_from_logits(t, z, weight, pos_weight, reduction, **wanted)
    return gradient[()]


def categorical_cross_entropy_gradient(
    t: ArrayLike,
    z: ArrayLike,
    *,
    axis: int = -1,
    weight: ArrayLike | None = None,
    class_weight: ArrayLike | None = None,
    label_smoothing: float = 0.0,
    ignore_index: int | None = None,
    reduction: Reduction = "mean",
) -> Floats:
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
    class_weight, label_smoothing, ignore_index
        As :func:`~xent_lib.losses.categorical_cross_entropy_with_logits`.
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
    options = (weight, class_weight, label_smoothing, ignore_index, reduction)
    _, gradient = categorical_from_logits(t, z, axis, *options, wants_loss=False, wants_gradient=True)
    return gradient


def binary_cross_entropy_value_and_gradient(
    t: ArrayLike,
    z: ArrayLike,
    *,
    weight: ArrayLike | None = None,
    pos_weight: ArrayLike | None = None,
    reduction: Reduction = "mean",
    out: Floats | None = None,
) -> tuple[Floats, Floats]:
    r"""Return the binary cross-entropy of logits together with its gradient.

    .. math:: \left(L(t, z),\ \frac{\partial L}{\partial z}\right),
              \qquad \frac{\partial L}{\partial z} = \sigma(z) - t

    Parameters
    ----------
    t, z, weight, pos_weight, reduction
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
    loss, gradient = binary_from_logits(t, z, weight, pos_weight, reduction, wants_gradient=True, out=out)
    return loss, gradient if out is not None else gradient[()]


def categorical_cross_entropy_value_and_gradient(
    t: ArrayLike,
    z: ArrayLike,
    *,
    axis: int = -1,
    weight: ArrayLike | None = None,
    class_weight: ArrayLike | None = None,
    label_smoothing: float = 0.0,
    ignore_index: int | None = None,
    reduction: Reduction = "mean",
    out: Floats | None = None,
) -> tuple[Floats, Floats]:
    r"""Return the categorical cross-entropy of logits together with its gradient.

    .. math:: \left(L(t, z),\ \frac{\partial L}{\partial z}\right),
              \qquad \frac{\partial L}{\partial z_i} = p_i - t_i

    Parameters
    ----------
    t, z, axis, weight, class_weight, label_smoothing, ignore_index, reduction
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
    options = (weight, class_weight, label_smoothing, ignore_index, reduction)
    return categorical_from_logits(t, z, axis, *options, wants_gradient=True, out=out)


def _one_number(value: ArrayLike) -> float:
    if np.size(value) != 1:
        raise ValueError(f"f must return one number, got shape {np.shape(value)}")
    return float(np.asarray(value).item())
