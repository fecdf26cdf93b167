"""From logits to probabilities, and to their logarithms, without overflow and without lost digits."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from xent_lib._precision import rounded, wide
from xent_lib._validation import as_float, as_logits

__all__ = ["log_sigmoid", "log_softmax", "logsumexp", "sigmoid", "softmax"]


def sigmoid(z: ArrayLike) -> NDArray[np.floating]:
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
    z = as_float(z, "z")
    decay = np.exp(-np.abs(wide(z)))
    return rounded(np.where(z >= 0, 1, decay) / (1 + decay), z.dtype)


def log_sigmoid(z: ArrayLike) -> NDArray[np.floating]:
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
    z = as_float(z, "z")
    return rounded(np.minimum(z, 0) - np.log1p(np.exp(-np.abs(wide(z)))), z.dtype)


def logsumexp(z: ArrayLike, axis: int = -1) -> NDArray[np.floating]:
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
        The shape of `z` without `axis`; float32 for float32, else float64.

    Raises
    ------
    ValueError
        If `z` contains NaN or +∞, is −∞ all along `axis`, or has no such axis.
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
    z = as_logits(z, "z", axis)
    _, _, rest = separate_largest(z, axis)
    return rounded(z.max(axis=axis) + np.log1p(rest).squeeze(axis), z.dtype)


def softmax(z: ArrayLike, axis: int = -1) -> NDArray[np.floating]:
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

    Returns
    -------
    ndarray
        Probabilities that sum to 1 along `axis`, the shape of `z`; float32 for float32, else float64.

    Raises
    ------
    ValueError
        If `z` contains NaN or +∞, is −∞ all along `axis`, or has no such axis.
    TypeError
        If `z` does not hold real numbers.

    Examples
    --------
    >>> softmax([2.0, 1.0, 0.1]).round(3).tolist()
    [0.659, 0.242, 0.099]

    References
    ----------
    Bridle, *Probabilistic interpretation of feedforward classification network outputs* (1990).
    """
    z = as_logits(z, "z", axis)
    exponentials, _, rest = separate_largest(z, axis)
    return rounded(exponentials / (1 + rest), z.dtype)


def log_softmax(z: ArrayLike, axis: int = -1) -> NDArray[np.floating]:
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

    Returns
    -------
    ndarray
        Logarithms of probabilities, the shape of `z`; float32 for float32, else float64.

    Raises
    ------
    ValueError
        If `z` contains NaN or +∞, is −∞ all along `axis`, or has no such axis.
    TypeError
        If `z` does not hold real numbers.

    Examples
    --------
    >>> log_softmax([40.0, 0.0]).tolist()
    [-4.248354255291589e-18, -40.0]

    References
    ----------
    Blanchard, Higham and Higham, *Accurately computing the log-sum-exp and softmax functions*,
    IMA Journal of Numerical Analysis 41 (2021).
    """
    z = as_logits(z, "z", axis)
    _, shifted, rest = separate_largest(z, axis)
    return rounded(shifted - np.log1p(rest), z.dtype)


def separate_largest(
    z: NDArray[np.floating], axis: int
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return exp(z − max), z − max, and the sum of the exponentials without the maximum's own.

    The sum of all of them is ``1 + rest``; its logarithm is ``log1p(rest)``, accurate however
    small the rest is. For internal use: `z` must have passed ``as_logits``.
    """
    z = wide(z)
    top = np.argmax(z, axis=axis, keepdims=True)
    largest = np.take_along_axis(z, top, axis=axis)
    with np.errstate(over="ignore", invalid="ignore"):
        shifted = z - largest
        # What rounding took from the difference (Knuth's two-sum): exp would magnify it.
        without = shifted + largest
        lost = (z - without) - (largest - (without - shifted))
        exponentials = np.exp(shifted)
        exponentials += np.where(np.isfinite(lost), exponentials * lost, 0)
    others = exponentials.copy()
    np.put_along_axis(others, top, 0, axis=axis)
    return exponentials, shifted, others.sum(axis=axis, keepdims=True)
