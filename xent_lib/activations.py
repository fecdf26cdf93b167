"""From logits to probabilities, and to their logarithms, without overflow and without lost digits."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from xent_lib import _binary, _categorical
from xent_lib._blocks import last
from xent_lib._precision import Floats
from xent_lib._reduction import as_out
from xent_lib._validation import as_float, as_logits, class_axis, float_form

__all__ = ["log_sigmoid", "log_softmax", "logsumexp", "sigmoid", "softmax"]


def sigmoid(z: ArrayLike) -> Floats:
    r"""Turn one logit into the probability of the positive class.

    .. math:: \sigma(z) = \frac{1}{1 + e^{-z}}

    The exponential is taken of a number that is never positive, so it cannot overflow.

    Parameters
    ----------
    z : array_like
        Logits, any shape; −∞ and +∞ give 0 and 1.

    Returns
    -------
    ndarray
        Probabilities, the shape of `z`; float32 for float32, else float64.

    Raises
    ------
    ValueError
        If `z` contains NaN.
    TypeError
        If `z` does not hold real numbers.

    Examples
    --------
    >>> sigmoid([0.0, 2.0]).round(4).tolist()
    [0.5, 0.8808]
    >>> float(sigmoid(-1000.0))
    0.0

    References
    ----------
    Goodfellow, Bengio and Courville, *Deep Learning* (2016), section 3.10.
    """
    return _one_by_one(_binary.sigmoid, z)


def log_sigmoid(z: ArrayLike) -> Floats:
    r"""Return the logarithm of the sigmoid, in nats, exact where the sigmoid itself is 0 or 1.

    .. math:: \log\sigma(z) = \min(z, 0) - \log\left(1 + e^{-|z|}\right)

    Parameters
    ----------
    z : array_like
        Logits, any shape.

    Returns
    -------
    ndarray
        Logarithms of probabilities, the shape of `z`; float32 for float32, else float64.

    Raises
    ------
    ValueError
        If `z` contains NaN.
    TypeError
        If `z` does not hold real numbers.

    Examples
    --------
    >>> float(log_sigmoid(-1000.0))
    -1000.0
    >>> float(log_sigmoid(40.0))
    -4.248354255291589e-18

    References
    ----------
    Mächler, *Accurately computing log(1 − exp(−|a|))* (2012), for the use of log1p.
    """
    return _one_by_one(_binary.log_sigmoid, z)


def logsumexp(z: ArrayLike, axis: int = -1) -> Floats:
    r"""Return the logarithm of a sum of exponentials.

    .. math:: \log\sum_j e^{z_j} = m + \log\left(1 + \sum_{j \ne k} e^{z_j - m}\right),
              \qquad m = z_k = \max_j z_j

    The largest term is kept apart: it would round the small ones away.

    Parameters
    ----------
    z : array_like
        Logits; entries of −∞ contribute nothing.
    axis : int
        The axis to sum along.

    Returns
    -------
    ndarray
        The shape of `z` without `axis`; float32 for float32, else float64. A logit of +∞ gives +∞, logits
        that are all −∞ give −∞.

    Raises
    ------
    ValueError
        If `z` contains NaN, or has no such axis.
    TypeError
        If `z` does not hold real numbers.

    Examples
    --------
    >>> float(logsumexp([1000.0, 1000.0]))
    1000.6931471805599

    References
    ----------
    Blanchard, Higham and Higham, *Accurately computing the log-sum-exp and softmax functions*,
    IMA Journal of Numerical Analysis 41 (2021).
    """
    z = float_form(z, "z")
    axis = class_axis(axis, z, "z")
    z = last(z, axis)
    result = np.empty(z.shape[:-1], z.dtype)
    with np.errstate(all="ignore"):
        _categorical.logsumexp(z, lambda: as_float(z, "z"), result)
    return result[()]


def softmax(z: ArrayLike, axis: int = -1, *, out: Floats | None = None) -> Floats:
    r"""Turn logits into a probability distribution.

    .. math:: p_i = \frac{e^{z_i}}{\sum_j e^{z_j}}

    Adding the same number to every logit changes nothing, so the largest is subtracted first and no
    exponential overflows.

    Parameters
    ----------
    z : array_like
        Logits; −∞ rules a class out.
    axis : int
        The axis of the classes.
    out : ndarray, optional
        Where to write the result: the shape and dtype of it. It may overlap `z`.

    Returns
    -------
    ndarray
        Probabilities that sum to 1 along `axis`, the shape of `z`; float32 for float32, else float64.

    Raises
    ------
    ValueError
        If `z` contains NaN or +∞, is −∞ all along `axis`, or has no such axis, or if `out` has
        another shape or dtype.
    TypeError
        If `z` does not hold real numbers, or `out` is no array.

    Examples
    --------
    >>> softmax([2.0, 1.0, 0.1]).round(3).tolist()
    [0.659, 0.242, 0.099]

    References
    ----------
    Bridle, *Probabilistic interpretation of feedforward classification network outputs* (1990).
    """
    return _along_classes(_categorical.softmax, z, axis, out)


def log_softmax(z: ArrayLike, axis: int = -1, *, out: Floats | None = None) -> Floats:
    r"""Return the logarithms of the softmax probabilities, in nats.

    .. math:: \log p_i = (z_i - m) - \log\left(1 + \sum_{j \ne k} e^{z_j - m}\right),
              \qquad m = z_k = \max_j z_j

    The entry of a nearly certain class is a tiny negative number; it keeps its digits.

    Parameters
    ----------
    z : array_like
        Logits; −∞ rules a class out and gives −∞.
    axis : int
        The axis of the classes.
    out : ndarray, optional
        Where to write the result: the shape and dtype of it. It may overlap `z`.

    Returns
    -------
    ndarray
        Logarithms of probabilities, the shape of `z`; float32 for float32, else float64.

    Raises
    ------
    ValueError
        If `z` contains NaN or +∞, is −∞ all along `axis`, or has no such axis, or if `out` has
        another shape or dtype.
    TypeError
        If `z` does not hold real numbers, or `out` is no array.

    Examples
    --------
    >>> log_softmax([40.0, 0.0]).tolist()
    [-4.248354255291589e-18, -40.0]

    References
    ----------
    Blanchard, Higham and Higham, *Accurately computing the log-sum-exp and softmax functions*,
    IMA Journal of Numerical Analysis 41 (2021).
    """
    return _along_classes(_categorical.log_softmax, z, axis, out)


def _one_by_one(function: Callable[[Floats, Floats], None], z: ArrayLike) -> Floats:
    z = float_form(z, "z")
    result = np.empty(z.shape, z.dtype)
    with np.errstate(all="ignore"):
        function(z, result)
    if z.size and np.isnan(result.min()):
        as_float(z, "z")
    return result[()]


def _along_classes(function: Callable[..., None], z: ArrayLike, axis: int, out: Floats | None) -> Floats:
    z = float_form(z, "z")
    axis = class_axis(axis, z, "z")
    result = np.empty(z.shape, z.dtype) if out is None else as_out(out, z.shape, z.dtype, "the result")
    with np.errstate(all="ignore"):
        function(last(z, axis), lambda: as_logits(z, "z", axis), last(result, axis))
    return result if out is None else out
