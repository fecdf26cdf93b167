"""Two ways to write a truth as a distribution: one-hot, and smoothed."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from xent_lib._validation import as_distributions, as_integer, as_number, as_real, check_labels

__all__ = ["one_hot", "smooth_labels"]


def one_hot(labels: ArrayLike, n_classes: int | None = None) -> NDArray[np.float64]:
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
        If a label is not an integer, is negative or is not below `n_classes`; if `n_classes` is below
        1; if `labels` is empty and `n_classes` is not given.
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
    if index.size and index.dtype.kind not in "iu":
        raise ValueError(f"labels must be integers, got dtype {index.dtype}")
    if n_classes is None:
        if index.size == 0:
            raise ValueError("no labels to count the classes from; give n_classes")
        n_classes = max(int(index.max()) + 1, 1)
    n_classes = as_integer(n_classes, "n_classes")
    if n_classes < 1:
        raise ValueError(f"n_classes must be at least 1, got {n_classes}")
    check_labels(index, n_classes, "labels")
    encoded = np.zeros((*index.shape, n_classes))
    np.put_along_axis(encoded, index.astype(np.intp)[..., np.newaxis], 1.0, axis=-1)
    return encoded


def smooth_labels(t: ArrayLike, alpha: float, *, axis: int = -1) -> NDArray[np.floating]:
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
        If `t` does not hold real numbers.

    Examples
    --------
    >>> smooth_labels([1.0, 0.0, 0.0, 0.0], alpha=0.1).round(3).tolist()
    [0.925, 0.025, 0.025, 0.025]

    References
    ----------
    Szegedy, Vanhoucke, Ioffe, Shlens and Wojna, *Rethinking the Inception architecture for computer
    vision*, CVPR (2016).
    """
    t = as_distributions(t, "t", axis)
    share = as_number(alpha, "alpha")
    if not 0 <= share <= 1:
        raise ValueError(f"alpha must lie between 0 and 1, got {alpha!r}")
    smoothed: NDArray[np.floating] = (1 - share) * t + share / t.shape[axis]
    return smoothed
