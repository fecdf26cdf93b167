"""How uncertain a distribution is, and how well one distribution describes another."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from xent_lib._precision import rounded, two_sum, wide
from xent_lib._validation import as_distributions, as_number

__all__ = ["cross_entropy", "entropy", "kl_divergence"]


def entropy(p: ArrayLike, *, axis: int = -1, base: float | None = None) -> NDArray[np.floating]:
    r"""Return the entropy of a distribution: its average surprise.

    .. math:: H(p) = -\sum_i p_i \log p_i, \qquad 0 \log 0 = 0

    Parameters
    ----------
    p : array_like
        Probabilities that sum to 1 along `axis`.
    axis : int
        The axis of the outcomes.
    base : float, optional
        The base of the logarithm: 2 for bits. Natural, so nats, when not given.

    Returns
    -------
    ndarray
        Entropies, the shape of `p` without `axis`, between 0 and log N; in nats, or in units of
        `base`.

    Raises
    ------
    ValueError
        If `p` is not a distribution along `axis`, or `base` is not above 1.
    TypeError
        If `p` does not hold real numbers.

    Examples
    --------
    >>> float(entropy([0.5, 0.25, 0.25], base=2))
    1.5

    References
    ----------
    Shannon, *A mathematical theory of communication*, Bell System Technical Journal 27 (1948).
    """
    p = as_distributions(p, "p", axis)
    return _in_base(expected_surprise(p, p, axis), base, p.dtype)


def cross_entropy(t: ArrayLike, p: ArrayLike, *, axis: int = -1, base: float | None = None) -> NDArray[np.floating]:
    r"""Return the cross-entropy: the average surprise under `p` when the truth is `t`.

    .. math:: H(t, p) = -\sum_i t_i \log p_i = H(t) + D_{\mathrm{KL}}(t \,\|\, p)

    A term with :math:`t_i = 0` is 0, whatever :math:`p_i`. A term with :math:`t_i > 0` and
    :math:`p_i = 0` is infinite.

    Parameters
    ----------
    t, p : array_like
        True and predicted distributions, of the same shape, each summing to 1 along `axis`.
    axis : int
        The axis of the outcomes.
    base : float, optional
        The base of the logarithm: 2 for bits. Natural, so nats, when not given.

    Returns
    -------
    ndarray
        Cross-entropies, the shape of `p` without `axis`; in nats, or in units of `base`.

    Raises
    ------
    ValueError
        If the shapes differ, if `t` or `p` is not a distribution along `axis`, or if `base` is not
        above 1.
    TypeError
        If `t` or `p` does not hold real numbers.

    Examples
    --------
    >>> float(cross_entropy([0.5, 0.5], [0.25, 0.75], base=2).round(4))
    1.2075

    References
    ----------
    Cover and Thomas, *Elements of Information Theory* (2006), chapter 2.
    """
    t, p = _pair(t, p, axis)
    return _in_base(expected_surprise(t, p, axis), base, np.result_type(t, p))


def kl_divergence(t: ArrayLike, p: ArrayLike, *, axis: int = -1, base: float | None = None) -> NDArray[np.floating]:
    r"""Return the Kullback–Leibler divergence: the surprise that `p` adds to that of `t` itself.

    .. math:: D_{\mathrm{KL}}(t \,\|\, p) = \sum_i t_i \log\frac{t_i}{p_i}

    It is 0 exactly when the two are equal, and never negative. It is not symmetric, so it is no
    distance. It is infinite when `p` rules out what `t` allows.

    All this holds for distributions that sum to 1. As they are stored, their sums may differ by
    rounding: the result is less by as much as the sum of `p` is larger, and may be a negative number of
    that size. Nearly equal distributions keep their digits.

    Parameters
    ----------
    t, p : array_like
        True and predicted distributions, of the same shape, each summing to 1 along `axis`.
    axis : int
        The axis of the outcomes.
    base : float, optional
        The base of the logarithm: 2 for bits. Natural, so nats, when not given.

    Returns
    -------
    ndarray
        Divergences, the shape of `p` without `axis`; in nats, or in units of `base`.

    Raises
    ------
    ValueError
        If the shapes differ, if `t` or `p` is not a distribution along `axis`, or if `base` is not
        above 1.
    TypeError
        If `t` or `p` does not hold real numbers.

    Examples
    --------
    >>> float(kl_divergence([0.5, 0.5], [0.25, 0.75]).round(4))
    0.1438
    >>> float(kl_divergence([0.25, 0.75], [0.5, 0.5]).round(4))
    0.1308

    References
    ----------
    Kullback and Leibler, *On information and sufficiency*, Annals of Mathematical Statistics 22
    (1951).
    """
    t, p = _pair(t, p, axis)
    dtype = np.result_type(t, p)
    t, p = wide(t), wide(p)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        far_terms = np.where(t > 0, t * _log_ratio(t, p), 0)
        # Where t and p are close, t log(t/p) = (t log(t/p) − t + p) + (t − p). The terms in the first
        # bracket are never negative, so they do not cancel; those in the second are exact.
        distance = (p - t) / t
        near = np.abs(distance) < 0.5
        terms = np.where(near, t * _excess(distance), far_terms)
        rest = np.where(near, t - p, 0)
    return _in_base(terms.sum(axis=axis) + _exact_sum(rest, axis), base, dtype)


def expected_surprise(t: NDArray[np.floating], p: NDArray[np.floating], axis: int) -> NDArray[np.float64]:
    """Return −Σ t log p along `axis`, with 0 · log 0 = 0. For internal use: nothing is checked."""
    with np.errstate(divide="ignore"):
        log_p = np.log(wide(p))
    terms = np.multiply(t, log_p, out=np.zeros_like(log_p), where=t > 0)
    total: NDArray[np.float64] = np.abs(terms.sum(axis=axis))  # a minus sign would give −0.0 for 0
    return total


def _log_ratio(t: NDArray[np.float64], p: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return log(t / p), also where the quotient leaves the range of the floating-point numbers."""
    ratio = t / p
    in_range = (ratio >= np.finfo(ratio.dtype).tiny) & np.isfinite(ratio)
    return np.where(in_range, np.log(ratio), np.log(t) - np.log(p))


def _excess(r: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return r − log(1 + r), which is about r²/2, without cancellation, for −1/2 < r < 1/2.

    By the series log(1 + r) = 2 artanh(s), s = r/(2 + r): then r = 2s/(1 − s), and the difference is
    r s − 2 (s³/3 + s⁵/5 + …).
    """
    s = r / (2 + r)
    square = s * s
    series = np.zeros_like(s)
    for odd in range(31, 2, -2):
        series = series * square + 1 / odd
    return s * (r - 2 * square * series)


def _exact_sum(x: NDArray[np.float64], axis: int) -> NDArray[np.float64]:
    """Return the sum along `axis` with what rounding takes from each addition added at the end.

    Halves are added to each other until one entry is left; Knuth's two-sum finds the errors.
    """
    x = np.moveaxis(x, axis, 0)
    lost = np.zeros(x.shape[1:])
    while len(x) > 1:
        if len(x) % 2:
            x = np.concatenate([x, np.zeros_like(x[:1])])
        x, rounding = two_sum(*np.split(x, 2))
        lost += rounding.sum(axis=0)
    total: NDArray[np.float64] = x[0] + lost
    return total


def _pair(t: ArrayLike, p: ArrayLike, axis: int) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
    truth, prediction = as_distributions(t, "t", axis), as_distributions(p, "p", axis)
    if truth.shape != prediction.shape:
        raise ValueError(f"t has shape {truth.shape} and p has shape {prediction.shape}: make them equal")
    return truth, prediction


def _in_base(nats: NDArray[np.float64], base: float | None, dtype: DTypeLike) -> NDArray[np.floating]:
    if base is None:
        return rounded(nats, dtype)
    if not 1 < as_number(base, "base") < math.inf:
        raise ValueError(f"base must be a number above 1, such as 2 for bits, got {base!r}")
    return rounded(nats / math.log(base), dtype)
