"""How uncertain a distribution is, and how well one distribution describes another."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from xent_lib._distributions import row_by_row
from xent_lib._precision import Doubles, Floats, wide
from xent_lib._validation import as_number, largest, ones, shown, smallest

__all__ = ["cross_entropy", "entropy", "kl_divergence"]

#: The smallest positive number that has all its digits.
TINY = 2.0**-1022

#: How far from 1 the quotient of two numbers that are near each other may be.
NEAR = 0.4

#: A divergence of which so many nats have been found is right to the last digits.
ENOUGH = 0.25


def entropy(p: ArrayLike, *, axis: int = -1, base: float | None = None) -> Floats:
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
        If `p` does not hold real numbers, `base` is not a number, or `axis` is not an integer.

    Examples
    --------
    >>> float(entropy([0.5, 0.25, 0.25], base=2))
    1.5

    References
    ----------
    Shannon, *A mathematical theory of communication*, Bell System Technical Journal 27 (1948).
    """
    unit = _unit(base)
    return row_by_row(lambda p: _surprise(p, p) / unit, {"p": p}, axis)


def cross_entropy(t: ArrayLike, p: ArrayLike, *, axis: int = -1, base: float | None = None) -> Floats:
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
    ValueError, TypeError
        As :func:`entropy`; and ValueError if the shapes differ.

    Examples
    --------
    >>> float(cross_entropy([0.5, 0.5], [0.25, 0.75], base=2).round(4))
    1.2075

    References
    ----------
    Cover and Thomas, *Elements of Information Theory* (2006), chapter 2.
    """
    unit = _unit(base)
    return row_by_row(lambda t, p: _surprise(t, p) / unit, {"t": t, "p": p}, axis)


def kl_divergence(t: ArrayLike, p: ArrayLike, *, axis: int = -1, base: float | None = None) -> Floats:
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
    ValueError, TypeError
        As :func:`entropy`; and ValueError if the shapes differ.

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
    unit = _unit(base)
    return row_by_row(lambda t, p: _divergence(t, p) / unit, {"t": t, "p": p}, axis)


def _surprise(t: Floats, p: Floats) -> Doubles:
    """Return −Σ t log p, row by row."""
    if smallest(t[:1]) > 0:
        terms = np.log(p, dtype=np.float64)
        terms *= t
        sums = _sums(terms)
        if not math.isnan(largest(sums)):
            return np.abs(sums)  # not −0.0 for what is certain
    terms = _logs(p, t > 0)
    terms *= t
    return np.abs(_sums(terms))


def _divergence(t: Floats, p: Floats) -> Doubles:
    """Return Σ t log(t/p), row by row."""
    t, p = wide(t), wide(p)
    ratio = t / p
    lowest, highest = smallest(ratio), largest(ratio)
    if lowest >= 1 - NEAR and highest <= 1 + NEAR:
        return _divergence_of_near(t, p, any_far=False)
    logs = np.log(ratio, out=ratio) if lowest > 0 else _logs(ratio, t > 0)
    logs *= t
    sums = _sums(logs)
    # Rounding t/p moves the sum by up to eps/2: a small sum is taken in another way. So is one with a t/p that is
    # too large for a number.
    again = sums < ENOUGH
    if highest == math.inf:
        again |= ((p > 0) & (p < TINY)).any(axis=-1)
    if again.any():
        sums[again] = _divergence_of_near(t[again], p[again], any_far=True)
    return sums


def _logs(x: Floats, where: NDArray[np.bool_]) -> Doubles:
    """Return log x, and 0 elsewhere."""
    return np.log(x, out=np.zeros_like(x, np.float64), where=where, dtype=np.float64)


def _divergence_of_near(t: Doubles, p: Doubles, any_far: bool) -> Doubles:
    """Return Σ t log(t/p), row by row, also where its terms nearly cancel each other.

    Where t and p are near each other, t log(t/p) = (t log(t/p) − t + p) − (p − t). The terms in the first bracket
    are never negative, so they do not cancel; those in the second are exact, and so is their sum.

    With s = (p − t)/(p + t), log(t/p) = −2 artanh(s) = −2 (s + s³/3 + s⁵/5 + …), and the first bracket is
    s (p − t − 2 t (s²/3 + s⁴/5 + …)).
    """
    difference = p - t
    s = p + t
    np.divide(difference, s, out=s)
    if any_far:
        far = ~(np.abs(s) <= NEAR / 2)
        s[far] = difference[far] = 0
    square = s * s
    series = np.zeros_like(s)
    highest = largest(square)
    n_terms = math.ceil(math.log(1e-17) / math.log(highest)) if highest > 0 else 0
    for odd in range(2 * n_terms + 1, 2, -2):
        series += 2 / odd
        series *= square
    series *= t
    terms = np.subtract(difference, series, out=series)
    terms *= s
    if any_far:
        far &= t > 0
        terms[far] = t[far] * _log_ratio(t[far], p[far])
    return _sums(terms) - _exact_sums(difference)


def _log_ratio(t: Doubles, p: Doubles) -> Doubles:
    """Return log(t/p), also where the quotient leaves the range of the floating-point numbers."""
    ratio = t / p
    in_range = (ratio >= TINY) & np.isfinite(ratio)
    return np.where(in_range, np.log(ratio), np.log(t) - np.log(p))


def _sums(x: Doubles) -> Doubles:
    """Return the sums along the last axis."""
    n = x.shape[-1]
    if n <= 32:
        return x @ ones(n, x.dtype)  # the same, faster
    if x.flags.c_contiguous:
        return x.sum(axis=-1)
    step = max(32, math.isqrt(n))  # not one after the other, which rounds n times
    return np.stack([x[..., i : i + step].sum(axis=-1) for i in range(0, n, step)]).sum(axis=0)


def _exact_sums(x: Doubles) -> Doubles:
    """Return the sums along the last axis, rounded once; `x` is written over.

    Each number is cut in two without an error: adding and subtracting a large number rounds it to a multiple of one
    unit, and the sum of such multiples is exact. What was cut off is cut once more (Rump, Ogita and Oishi, *Accurate
    floating-point summation*, 2008).
    """
    bits = x.shape[-1].bit_length() + 1
    exponent = math.frexp(max(abs(smallest(x)), abs(largest(x))))[1]
    parts = []
    for _ in range(2):
        large = math.ldexp(1.5, exponent + bits)
        multiples = x + large
        multiples -= large
        x -= multiples
        parts.append(_sums(multiples))
        exponent += bits - 53
    return parts[0] + (parts[1] + _sums(x))


def _unit(base: float | None) -> float:
    """Return how many nats the unit of that base has."""
    if base is None:
        return 1.0
    number = as_number(base, "base")
    if not 1 < number < math.inf:
        raise ValueError(f"base must be a number above 1, such as 2 for bits, got {shown(base)}")
    return math.log(number)
