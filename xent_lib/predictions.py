"""What to say of a predicted distribution: the label, how confident it is, whether to ask a person."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from xent_lib._distributions import row_by_row
from xent_lib._precision import Floats
from xent_lib._validation import as_number, as_real, shown

__all__ = ["confidence", "flag_uncertain", "predicted_label"]


def predicted_label(p: ArrayLike, axis: int = -1) -> NDArray[np.intp]:
    r"""Return the class with the highest probability.

    .. math:: \hat{k} = \operatorname{arg\,max}_j\, p_j

    Parameters
    ----------
    p : array_like
        Probabilities that sum to 1 along `axis`. For a binary model, give both classes:
        ``np.stack([1 - p, p], axis=-1)``.
    axis : int
        The axis of the classes.

    Returns
    -------
    ndarray of int
        Class indices, the shape of `p` without `axis`; the lowest index where several classes share
        the highest probability.

    Raises
    ------
    ValueError
        If `p` is not a distribution along `axis`, or has no such axis.
    TypeError
        If `p` does not hold real numbers, or `axis` is not an integer.

    Examples
    --------
    >>> predicted_label([[0.8, 0.1, 0.1], [0.2, 0.7, 0.1]]).tolist()
    [0, 1]

    References
    ----------
    Bishop, *Pattern Recognition and Machine Learning* (2006), section 1.5.1.
    """
    return row_by_row(lambda p: p.argmax(axis=-1), {"p": p}, axis, np.intp)


def confidence(p: ArrayLike, axis: int = -1) -> Floats:
    r"""Return the highest probability: how sure the model says it is.

    .. math:: c = \max_j\, p_j

    Whether it is right that often is another question, and takes held-out data to answer.

    Parameters
    ----------
    p : array_like
        Probabilities that sum to 1 along `axis`.
    axis : int
        The axis of the N classes.

    Returns
    -------
    ndarray
        Confidences between 1/N and 1, the shape of `p` without `axis`; float32 for float32, else
        float64.

    Raises
    ------
    ValueError, TypeError
        As :func:`predicted_label`.

    Examples
    --------
    >>> confidence([[0.8, 0.1, 0.1], [0.2, 0.7, 0.1]]).tolist()
    [0.8, 0.7]

    References
    ----------
    Guo, Pleiss, Sun and Weinberger, *On calibration of modern neural networks*, ICML (2017).
    """
    return row_by_row(_highest, {"p": p}, axis)


def flag_uncertain(p: ArrayLike, threshold: float, axis: int = -1) -> NDArray[np.bool_]:
    r"""Mark the predictions whose confidence is below a threshold.

    .. math:: \max_j\, p_j < \theta

    The threshold is rounded to the dtype of `p` first. So a probability of 0.7 is not below a threshold
    of 0.7 in float32 either, although 0.7 in float32 is a little less than 0.7 in float64.

    Parameters
    ----------
    p : array_like
        Probabilities that sum to 1 along `axis`.
    threshold : float
        The threshold θ, between 0 and 1. Below 1/N it flags nothing.
    axis : int
        The axis of the N classes.

    Returns
    -------
    ndarray of bool
        True where a prediction is uncertain, the shape of `p` without `axis`.

    Raises
    ------
    ValueError
        As :func:`predicted_label`, and if `threshold` is not between 0 and 1.
    TypeError
        As :func:`predicted_label`, and if `threshold` is not a number.

    Examples
    --------
    >>> flag_uncertain([[0.8, 0.1, 0.1], [0.5, 0.4, 0.1]], threshold=0.6).tolist()
    [False, True]

    References
    ----------
    Chow, *On optimum recognition error and reject tradeoff*, IEEE Transactions on Information
    Theory 16 (1970).
    """
    number = as_number(threshold, "threshold")
    if not 0 <= number <= 1:
        raise ValueError(f"threshold must lie between 0 and 1, got {shown(threshold)}")
    p = as_real(p, "p")
    if p.dtype.kind == "f":
        with np.errstate(all="ignore"):
            number = float(p.dtype.type(number))
    return row_by_row(lambda p: _highest(p) < number, {"p": p}, axis, np.bool_)


def _highest(p: Floats) -> Floats:
    """Return the largest entry along the last axis."""
    if p.shape[-1] > 32 or not p.flags.c_contiguous:
        return p.max(axis=-1)
    highest = p[..., 0].copy()  # column by column: several times faster for few columns
    for column in range(1, p.shape[-1]):
        np.maximum(highest, p[..., column], out=highest)
    return highest
