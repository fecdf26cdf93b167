"""Two ways to write a truth as a distribution: one-hot, and smoothed."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from xent_lib._distributions import row_by_row
from xent_lib._precision import Doubles, Floats
from xent_lib._validation import as_integer, as_number, as_real, check_integers, check_labels, largest, shown

__all__ = ["one_hot", "smooth_labels"]


def one_hot(labels: ArrayLike, n_classes: int | None = None) -> Doubles:
    r"""Write class indices as distributions: 1 at the class, 0 elsewhere.

    .. math:: t_j = \begin{cases} 1 & j = k \\ 0 & j \ne k \end{cases}
              \qquad \text{for the label } k

    Parameters
    ----------
    labels : array_like of int
        Class indices from 0 to ``n_classes - 1``, any shape.
    n_classes : int, optional
        The number of classes N; one more than the largest label when not given. Give it: a batch
        need not contain every class.

    Returns
    -------
    ndarray of float64
        The shape of `labels` with an axis of length N appended.

    Raises
    ------
    ValueError
        If a label is missing, is not an integer, is negative or is not below `n_classes`; if
        `n_classes` is below 1 or more than an array can hold; if `labels` is empty and `n_classes` is
        not given.
    TypeError
        If `labels` does not hold real numbers, or `n_classes` is not an integer.

    Examples
    --------
    >>> one_hot([0, 2], n_classes=3).tolist()
    [[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]

    References
    ----------
    Bishop, *Pattern Recognition and Machine Learning* (2006), section 4.2.
    """
    index = as_real(labels, "labels")
    check_integers(index, "labels", "labels")
    if n_classes is not None:
        n_classes = as_integer(n_classes, "n_classes")
        source = "n_classes"
    elif index.size:
        n_classes = max(int(largest(index)) + 1, 1)
        source = "the largest of labels, plus 1,"
    else:
        raise ValueError("no labels to count the classes from; give n_classes")
    if n_classes < 1:
        raise ValueError(f"n_classes must be at least 1, got {shown(n_classes)}")
    check_labels(index, n_classes, "labels", may_ignore=False)
    if n_classes > np.iinfo(np.intp).max // 8 // max(index.size, 1):
        raise ValueError(f"{source} is {shown(n_classes)}: more classes than an array can hold")
    encoded = np.zeros((*index.shape, n_classes))
    encoded.reshape(-1)[np.arange(0, encoded.size, n_classes) + index.reshape(-1).astype(np.intp)] = 1
    return encoded


def smooth_labels(t: ArrayLike, alpha: float, *, axis: int = -1) -> Floats:
    r"""Move a share of each distribution to all classes alike (label smoothing).

    .. math:: t'_j = (1 - \alpha)\, t_j + \frac{\alpha}{N}

    Parameters
    ----------
    t : array_like
        Distributions along `axis`, usually one-hot.
    alpha : float
        The share to move, from 0 (nothing) to 1 (uniform).
    axis : int
        The axis of the N classes.

    Returns
    -------
    ndarray
        Distributions, the shape of `t`; float32 for float32, else float64.

    Raises
    ------
    ValueError
        If `t` is not a distribution along `axis`, or `alpha` is not between 0 and 1.
    TypeError
        If `t` does not hold real numbers, `alpha` is not a number, or `axis` is not an integer.

    Examples
    --------
    >>> smooth_labels([1.0, 0.0, 0.0, 0.0], alpha=0.1).round(3).tolist()
    [0.925, 0.025, 0.025, 0.025]

    References
    ----------
    Szegedy, Vanhoucke, Ioffe, Shlens and Wojna, *Rethinking the Inception architecture for computer
    vision*, CVPR (2016).
    """
    share = as_number(alpha, "alpha")
    if not 0 <= share <= 1:
        raise ValueError(f"alpha must lie between 0 and 1, got {shown(alpha)}")
    return row_by_row(lambda t: t * (1 - share) + share / t.shape[-1], {"t": t}, axis, keeps_classes=True)
