"""The two cross-entropy losses, each from probabilities and from logits.

A function takes what its last argument is named for: `p`, probabilities; `z`, logits. Passing one for
the other is the commonest mistake with these losses, so the choice stands in the function's name.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from xent_lib import _binary, _categorical
from xent_lib._blocks import last
from xent_lib._precision import Floats
from xent_lib._reduction import Losses, Reduction, Terms, Weights, as_out, as_weights, broadcast
from xent_lib._validation import (
    as_binary_targets,
    as_distributions,
    as_float,
    as_integer,
    as_logits,
    as_number,
    as_probabilities,
    binary_target_form,
    class_axis,
    float_form,
    sum_tolerance,
    target_form,
)

__all__ = [
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "categorical_cross_entropy",
    "categorical_cross_entropy_with_logits",
]


def binary_cross_entropy(
    t: ArrayLike,
    p: ArrayLike,
    *,
    weight: ArrayLike | None = None,
    pos_weight: ArrayLike | None = None,
    reduction: Reduction = "mean",
) -> Floats:
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
    pos_weight : float or array_like, optional
        A non-negative number w, or several that broadcast to the shape of `p`: the term of the positive
        class is multiplied by it. The mean does not divide by it.
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
    weights, factor = binary_weights(weight, pos_weight, reduction, p)
    losses = Losses(weights, p.dtype)
    with np.errstate(all="ignore"):
        _binary.of_probabilities(t, p, factor, weights, losses)
        return losses.value()


def binary_cross_entropy_with_logits(
    t: ArrayLike,
    z: ArrayLike,
    *,
    weight: ArrayLike | None = None,
    pos_weight: ArrayLike | None = None,
    reduction: Reduction = "mean",
) -> Floats:
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
    pos_weight : float or array_like, optional
        A non-negative number w, or several that broadcast to the shape of `z`: the term of the positive
        class is multiplied by it. The mean does not divide by it.
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
    loss, _ = binary_from_logits(t, z, weight, pos_weight, reduction)
    return loss


def categorical_cross_entropy(
    t: ArrayLike,
    p: ArrayLike,
    *,
    axis: int = -1,
    weight: ArrayLike | None = None,
    class_weight: ArrayLike | None = None,
    label_smoothing: float = 0.0,
    ignore_index: int | None = None,
    reduction: Reduction = "mean",
) -> Floats:
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
        One non-negative number per sample, broadcast to the shape of `p` without `axis`.
    class_weight : array_like, optional
        N non-negative numbers w: the term of class k is multiplied by :math:`w_k`.
    label_smoothing : float
        The share α of the truth that is given to all classes alike: `t` becomes
        :math:`(1 - \alpha)\, t + \alpha / N`.
    ignore_index : int, optional
        A label whose samples are left out: they cost nothing, get a gradient of 0, and do not count in
        the mean.
    reduction : {"mean", "sum", "none"}
        The mean divides by the number of samples or, with weights, by the sum of what each sample
        counts: its weight times :math:`\sum_k w_k t_k`.

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
    axis = class_axis(axis, p, "p")
    terms = categorical_terms(t, p, axis, weight, class_weight, label_smoothing, ignore_index, reduction)
    losses = Losses(terms, p.dtype)
    with np.errstate(all="ignore"):
        _categorical.of_probabilities(terms, last(p, axis), losses)
        return losses.value()


def categorical_cross_entropy_with_logits(
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
        One non-negative number per sample, broadcast to the shape of `z` without `axis`.
    class_weight : array_like, optional
        N non-negative numbers w: the term of class k is multiplied by :math:`w_k`.
    label_smoothing : float
        The share α of the truth that is given to all classes alike: `t` becomes
        :math:`(1 - \alpha)\, t + \alpha / N`.
    ignore_index : int, optional
        A label whose samples are left out: they cost nothing, get a gradient of 0, and do not count in
        the mean.
    reduction : {"mean", "sum", "none"}
        The mean divides by the number of samples or, with weights, by the sum of what each sample
        counts: its weight times :math:`\sum_k w_k t_k`.

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
    loss, _ = categorical_from_logits(t, z, axis, weight, class_weight, label_smoothing, ignore_index, reduction)
    return loss


def binary_from_logits(
    t: ArrayLike,
    z: ArrayLike,
    weight: ArrayLike | None,
    pos_weight: ArrayLike | None,
    reduction: Reduction,
    *,
    wants_loss: bool = True,
    wants_gradient: bool = False,
    out: Any = None,
) -> tuple[Any, Any]:
    """Return the loss and the gradient, or None for what is not wanted."""
    z = float_form(z, "z")
    t = binary_target_form(t, z)
    if t.dtype.kind == "f":
        t = float_form(t, "t")
    weights, factor = binary_weights(weight, pos_weight, reduction, z)
    gradient = place_for_gradient(out, z, wants_gradient)
    weights.apart(gradient)
    losses = Losses(weights, z.dtype) if wants_loss else None

    def check() -> None:
        as_binary_targets(t, as_float(z, "z"))

    with np.errstate(all="ignore"):
        _binary.from_logits(t, z, factor, weights, check, losses, gradient)
        return losses and losses.value(), gradient if out is None else out


def categorical_from_logits(
    t: ArrayLike,
    z: ArrayLike,
    axis: int,
    weight: ArrayLike | None,
    class_weight: ArrayLike | None,
    label_smoothing: float,
    ignore_index: int | None,
    reduction: Reduction,
    *,
    wants_loss: bool = True,
    wants_gradient: bool = False,
    out: Any = None,
) -> tuple[Any, Any]:
    """Return the loss and the gradient, or None for what is not wanted."""
    z = float_form(z, "z")
    axis = class_axis(axis, z, "z")
    terms = categorical_terms(t, z, axis, weight, class_weight, label_smoothing, ignore_index, reduction)
    gradient = place_for_gradient(out, z, wants_gradient)
    terms.apart(gradient)
    losses = Losses(terms, z.dtype) if wants_loss else None
    place = None if gradient is None else last(gradient, axis)
    with np.errstate(all="ignore"):
        _categorical.from_logits(terms, last(z, axis), lambda: as_logits(z, "z", axis), losses, place)
        return losses and losses.value(), gradient if out is None else out


def categorical_terms(
    t: ArrayLike,
    prediction: Floats,
    axis: int,
    weight: ArrayLike | None,
    class_weight: ArrayLike | None,
    label_smoothing: float,
    ignore_index: int | None,
    reduction: Reduction,
) -> Terms:
    """Return the truth with the weights of its terms, the classes on the last axis."""
    share = as_number(label_smoothing, "label_smoothing")
    if not 0 <= share <= 1:
        raise ValueError(f"label_smoothing must lie between 0 and 1, got {label_smoothing!r}")
    t, is_labels = target_form(t, prediction, axis, ignore_index)
    truth = t if is_labels else last(float_form(t, "t"), axis)
    ignored = None if ignore_index is None else as_integer(ignore_index, "ignore_index")

    def check() -> None:
        as_distributions(t, "t", axis)

    n_classes = prediction.shape[axis]
    tolerance = sum_tolerance(t.dtype, n_classes)
    options = (weight, class_weight, share, ignored, reduction, prediction.dtype)
    return Terms(truth, is_labels, n_classes, *options, tolerance, check)


def binary_weights(
    weight: ArrayLike | None, pos_weight: ArrayLike | None, reduction: Reduction, prediction: Floats
) -> tuple[Weights, Floats | None]:
    """Return the weights of the losses and, broadcast to them, those of the positive class."""
    weights = Weights(weight, reduction, prediction.shape, prediction.dtype)
    if pos_weight is None:
        return weights, None
    return weights, broadcast(as_weights(pos_weight, "pos_weight", prediction.dtype), "pos_weight", prediction.shape)


def place_for_gradient(out: Any, z: Floats, wants_gradient: bool) -> Any:
    if not wants_gradient:
        return None
    return np.empty(z.shape, z.dtype) if out is None else as_out(out, z.shape, z.dtype, "the gradient")
