"""The two cross-entropy losses, each from probabilities and from logits.

A function takes what its last argument is named for: `p`, probabilities; `z`, logits. Passing one for
the other is the commonest mistake with these losses, so the choice stands in the function's name.
"""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from xent_lib._precision import wide
from xent_lib._validation import (
    as_binary_targets,
    as_distributions,
    as_float,
    as_logits,
    as_probabilities,
    as_targets,
    reduce,
)
from xent_lib.activations import separate_largest
from xent_lib.information import expected_surprise

FloatT = TypeVar("FloatT", bound=np.floating)

__all__ = [
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "categorical_cross_entropy",
    "categorical_cross_entropy_with_logits",
]


def binary_cross_entropy(
    t: ArrayLike, p: ArrayLike, *, weight: ArrayLike | None = None, reduction: str = "mean"
) -> NDArray[np.floating]:
    r"""Return the binary cross-entropy (log loss) of predicted probabilities.

    .. math:: L(t, p) = -\bigl(t \log p + (1 - t) \log(1 - p)\bigr), \qquad 0 \log 0 = 0

    Nothing is clipped: a certain, wrong prediction costs infinity; a certain, right one exactly 0.

    Parameters
    ----------
    t : array_like
        The truth, 0 or 1 or a probability between them, any shape.
    p : array_like
        The predicted probability of the positive class, P(t = 1), the shape of `t`.
    weight : array_like, optional
        One non-negative number per loss term, broadcast to the shape of `p`.
    reduction : {"mean", "sum", "none"}
        The mean divides by the sum of the weights, or by the number of terms.

    Returns
    -------
    ndarray or scalar
        In nats: one number, or with "none" the shape of `p`; the dtype is that of `p`.

    Raises
    ------
    ValueError
        If the shapes differ, a value lies outside [0, 1] or is NaN, a weight is negative or does not
        broadcast, `reduction` is unknown, or the mean is of nothing.
    TypeError
        If an input does not hold real numbers.

    Examples
    --------
    >>> losses = binary_cross_entropy([1, 0], [0.74, 0.85], reduction="none")
    >>> losses.round(3).tolist()
    [0.301, 1.897]

    References
    ----------
    Bishop, *Pattern Recognition and Machine Learning* (2006), equation 4.90.
    """
    p = as_probabilities(p, "p")
    t = as_binary_targets(t, p)
    with np.errstate(divide="ignore"):
        when_one, when_zero = -np.log(wide(p)), -np.log1p(-wide(p))
    return reduce(mix(t, when_one, when_zero), weight, reduction, p.dtype)


def binary_cross_entropy_with_logits(
    t: ArrayLike, z: ArrayLike, *, weight: ArrayLike | None = None, reduction: str = "mean"
) -> NDArray[np.floating]:
    r"""Return the binary cross-entropy of logits, with every digit that the probability would lose.

    .. math:: L(t, z) = t\,\zeta(-z) + (1 - t)\,\zeta(z),
              \qquad \zeta(z) = \max(z, 0) + \log\left(1 + e^{-|z|}\right)

    Both terms are non-negative, so nothing cancels.

    Parameters
    ----------
    t : array_like
        The truth, 0 or 1 or a probability between them, any shape.
    z : array_like
        The logit of the positive class, the shape of `t`; −∞ and +∞ are certain predictions.
    weight : array_like, optional
        One non-negative number per loss term, broadcast to the shape of `z`.
    reduction : {"mean", "sum", "none"}
        The mean divides by the sum of the weights, or by the number of terms.

    Returns
    -------
    ndarray or scalar
        In nats: one number, or with "none" the shape of `z`; the dtype is that of `z`.

    Raises
    ------
    ValueError
        If the shapes differ, `t` lies outside [0, 1], an input is NaN, a weight is negative or does
        not broadcast, `reduction` is unknown, or the mean is of nothing.
    TypeError
        If an input does not hold real numbers.

    Examples
    --------
    >>> float(binary_cross_entropy_with_logits([0], [-40.0]))
    4.248354255291589e-18

    References
    ----------
    Goodfellow, Bengio and Courville, *Deep Learning* (2016), section 6.2.2.2, for the softplus form.
    """
    z = as_float(z, "z")
    t = as_binary_targets(t, z)
    return reduce(binary_losses(t, z), weight, reduction, z.dtype)


def categorical_cross_entropy(
    t: ArrayLike,
    p: ArrayLike,
    *,
    axis: int = -1,
    weight: ArrayLike | None = None,
    reduction: str = "mean",
) -> NDArray[np.floating]:
    r"""Return the categorical cross-entropy of predicted distributions.

    .. math:: L(t, p) = -\sum_j t_j \log p_j = -\log p_k \text{ for the hard label } k,
              \qquad 0 \log 0 = 0

    Parameters
    ----------
    t : array_like
        The truth: class indices, of the shape of `p` without `axis`; or distributions, of the shape
        of `p`.
    p : array_like
        Predicted probabilities that sum to 1 along `axis`.
    axis : int
        The axis of the classes.
    weight : array_like, optional
        One non-negative number per sample, broadcast to the shape of `p` without `axis`. Class
        weights are ``class_weight[labels]``.
    reduction : {"mean", "sum", "none"}
        The mean divides by the sum of the weights, or by the number of samples.

    Returns
    -------
    ndarray or scalar
        In nats: one number, or with "none" the shape of `p` without `axis`; the dtype is that of `p`.

    Raises
    ------
    ValueError
        If the shapes do not fit, `t` or `p` is not a distribution, a label is out of range or not an
        integer, a weight is negative or does not broadcast, `reduction` is unknown, or the mean is
        of nothing.
    TypeError
        If an input does not hold real numbers.

    Examples
    --------
    >>> p = [[0.1, 0.3, 0.6], [0.2, 0.3, 0.5]]
    >>> categorical_cross_entropy([0, 2], p, reduction="none").round(4).tolist()
    [2.3026, 0.6931]

    References
    ----------
    Bishop, *Pattern Recognition and Machine Learning* (2006), equation 4.108.
    """
    p = as_distributions(p, "p", axis)
    t, is_labels = as_targets(t, p, axis)
    if is_labels:
        with np.errstate(divide="ignore"):
            losses = np.abs(np.log(wide(take_class(p, t, axis))))
    else:
        losses = expected_surprise(t, p, axis)
    return reduce(losses, weight, reduction, p.dtype)


def categorical_cross_entropy_with_logits(
    t: ArrayLike,
    z: ArrayLike,
    *,
    axis: int = -1,
    weight: ArrayLike | None = None,
    reduction: str = "mean",
) -> NDArray[np.floating]:
    r"""Return the categorical cross-entropy of logits, with every digit a small loss has.

    .. math:: L(t, z) = -\sum_j t_j \log\operatorname{softmax}(z)_j
              = \log\sum_j e^{z_j - z_k} \text{ for the hard label } k

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
        One non-negative number per sample, broadcast to the shape of `z` without `axis`. Class
        weights are ``class_weight[labels]``.
    reduction : {"mean", "sum", "none"}
        The mean divides by the sum of the weights, or by the number of samples.

    Returns
    -------
    ndarray or scalar
        In nats: one number, or with "none" the shape of `z` without `axis`; the dtype is that of `z`.

    Raises
    ------
    ValueError
        If the shapes do not fit, `t` is not a distribution, a label is out of range or not an
        integer, `z` contains NaN or +∞ or is −∞ all along `axis`, a weight is negative or does not
        broadcast, `reduction` is unknown, or the mean is of nothing.
    TypeError
        If an input does not hold real numbers.

    Examples
    --------
    >>> float(categorical_cross_entropy_with_logits([0], [[2.0, 1.0, 0.1]]).round(4))
    0.417
    >>> float(categorical_cross_entropy_with_logits([0], [[40.0, 0.0]]))
    4.248354255291589e-18

    References
    ----------
    Blanchard, Higham and Higham, *Accurately computing the log-sum-exp and softmax functions*,
    IMA Journal of Numerical Analysis 41 (2021).
    """
    z = as_logits(z, "z", axis)
    t, is_labels = as_targets(t, z, axis)
    return reduce(categorical_losses(t, z, axis, is_labels), weight, reduction, z.dtype)


def binary_losses(t: NDArray[np.floating], z: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return t ζ(−z) + (1 − t) ζ(z), entry by entry. For internal use: nothing is checked."""
    tail = np.log1p(np.exp(-np.abs(wide(z))))
    return mix(t, np.maximum(-z, 0) + tail, np.maximum(z, 0) + tail)


def categorical_losses(t: NDArray[Any], z: NDArray[np.floating], axis: int, is_labels: bool) -> NDArray[np.float64]:
    """Return −Σ t log softmax(z) along `axis`, with 0 · ∞ = 0. For internal use: nothing is checked."""
    _, shifted, rest = separate_largest(z, axis)
    surprise = np.log1p(rest) - shifted
    if is_labels:
        return take_class(surprise, t, axis)
    terms = np.multiply(t, surprise, out=np.zeros_like(surprise), where=t > 0)
    losses: NDArray[np.float64] = terms.sum(axis=axis)
    return losses


def take_class(values: NDArray[FloatT], labels: NDArray[np.integer], axis: int) -> NDArray[FloatT]:
    """Return the entry at each sample's label along `axis`."""
    return np.take_along_axis(values, np.expand_dims(labels, axis), axis=axis).squeeze(axis)


def mix(t: NDArray[np.floating], when_one: NDArray[np.float64], when_zero: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return t · when_one + (1 − t) · when_zero, with 0 · ∞ = 0."""
    t = wide(t)
    one = np.multiply(t, when_one, out=np.zeros_like(when_one), where=t > 0)
    zero = np.multiply(1 - t, when_zero, out=np.zeros_like(when_zero), where=t < 1)
    return one + zero
