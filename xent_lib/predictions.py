"""What to say of a predicted distribution: the label, how confident it is, whether to ask a person."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from xent_lib._validation import as_distributions, as_number

__all__ = ["confidence", "flag_uncertain", "predicted_label"]


def predicted_label(p: ArrayLike) -> NDArray[np.intp]:
    r"""Return the class with the highest probability.

    .. math:: \hat{k} = \operatorname{arg\,max}_j\, p_j

    Parameters
    ----------
    p : array_like
        Probabilities, shape (…, N), summing to 1 along the last axis. For a binary model, give both
        classes: ``np.stack([1 - p, p], axis=-1)``.

    Returns
    -------
    ndarray of int
        Class indices, shape (…); the lowest index where several classes share the highest
        probability.

    Raises
    ------
    ValueError
        If `p` is not a distribution along the last axis.
    TypeError
        If `p` does not hold real numbers.

    Examples
    --------
    >>> predicted_label([[0.8, 0.1, 0.1], [0.2, 0.7, 0.1]]).tolist()
    [0, 1]

    References
    ----------
    Bishop, *Pattern Recognition and Machine Learning* (2006), section 1.5.1.
    """
    label: NDArray[np.intp] = np.argmax(as_distributions(p, "p", -1), axis=-1)
    return label


def confidence(p: ArrayLike) -> NDArray[np.floating]:
    r"""Return the highest probability: how sure the model says it is.

    .. math:: c = \max_j\, p_j

    Whether it is right that often is another question, and takes held-out data to answer.

    Parameters
    ----------
    p : array_like
        Probabilities, shape (…, N), summing to 1 along the last axis.

    Returns
    -------
    ndarray
        Confidences between 1/N and 1, shape (…); float32 for float32, else float64.

    Raises
    ------
    ValueError
        If `p` is not a distribution along the last axis.
    TypeError
        If `p` does not hold real numbers.

    Examples
    --------
    >>> confidence([[0.8, 0.1, 0.1], [0.2, 0.7, 0.1]]).tolist()
    [0.8, 0.7]

    References
    ----------
    Guo, Pleiss, Sun and Weinberger, *On calibration of modern neural networks*, ICML (2017).
    """
    highest: NDArray[np.floating] = np.max(as_distributions(p, "p", -1), axis=-1)
    return highest


def flag_uncertain(p: ArrayLike, threshold: float) -> NDArray[np.bool_]:
    r"""Mark the predictions whose confidence is below a threshold.

    .. math:: \max_j\, p_j < \theta

    Parameters
    ----------
    p : array_like
        Probabilities, shape (…, N), summing to 1 along the last axis.
    threshold : float
        The threshold θ, between 0 and 1. Below 1/N it flags nothing.

    Returns
    -------
    ndarray of bool
        True where a prediction is uncertain, shape (…).

    Raises
    ------
    ValueError
        If `p` is not a distribution along the last axis, or `threshold` is not between 0 and 1.
    TypeError
        If `p` does not hold real numbers.

    Examples
    --------
    >>> flag_uncertain([[0.8, 0.1, 0.1], [0.5, 0.4, 0.1]], threshold=0.6).tolist()
    [False, True]

    References
    ----------
    Chow, *On optimum recognition error and reject tradeoff*, IEEE Transactions on Information
    Theory 16 (1970).
    """
    if not 0 <= as_number(threshold, "threshold") <= 1:
        raise ValueError(f"threshold must lie between 0 and 1, got {threshold!r}")
    return confidence(p) < threshold
