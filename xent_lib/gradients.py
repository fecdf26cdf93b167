"""The derivatives that training uses."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from xent_lib import _plain
from xent_lib._blocks import last
from xent_lib._precision import Floats, rounded
from xent_lib._reduction import Reduction
from xent_lib._validation import as_logits, class_axis
from xent_lib.losses import binary_from_logits, categorical_from_logits

__all__ = [
    "binary_cross_entropy_gradient",
    "binary_cross_entropy_value_and_gradient",
    "categorical_cross_entropy_gradient",
    "categorical_cross_entropy_value_and_gradient",
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
