"""Is a model right as often as it says? Counts and scores that answer it, and the one number that often mends it."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from xent_lib._plain import product
from xent_lib._precision import Doubles, Floats, rounded, wide
from xent_lib._validation import as_distributions, as_integer, as_logits, as_real, as_targets, refuse, shown

__all__ = ["brier_score", "expected_calibration_error", "fit_temperature", "reliability_bins"]

#: More bins than this are of no use, and would fill the memory.
MOST_BINS = 10**6

#: Entries that are worked on at a time.
BLOCK = 2**16


class ReliabilityBins(NamedTuple):
    """The bins that hold at least one prediction, from the least to the most confident."""

    counts: NDArray[np.intp]
    confidence: Floats
    accuracy: Floats


def reliability_bins(t: ArrayLike, p: ArrayLike, *, n_bins: int = 15) -> ReliabilityBins:
    r"""Sort predictions into bins by their confidence, and compare it with how often they are right.

    .. math:: I_b = \Bigl(\frac{b - 1}{B}, \frac{b}{B}\Bigr], \qquad
              \operatorname{conf}_b = \frac{1}{n_b} \sum_{c_i \in I_b} c_i, \qquad
              \operatorname{acc}_b = \frac{1}{n_b} \sum_{c_i \in I_b} [\hat{k}_i = k_i]

    with the confidence :math:`c = \max_j p_j` and the label :math:`\hat{k} = \operatorname{arg\,max}_j p_j`.
    The bins are equally wide. A confidence on an edge belongs to the bin below it; the edges are rounded to
    the dtype of `p` first. **Empty bins are left out**, so that no mean of nothing stands among the results;
    with N classes no confidence is below 1/N, so some bins are always empty.

    Parameters
    ----------
    t : array_like
        The truth: class indices, of the shape of `p` without its last axis; or distributions, of the shape
        of `p`, whose probability of the predicted label counts as the share that is right.
    p : array_like
        Predicted probabilities, which sum to 1 along the last axis. For a binary model give both classes:
        ``np.stack([1 - p, p], axis=-1)``.
    n_bins : int
        The number of bins B, empty ones included.

    Returns
    -------
    tuple of three arrays
        ``counts``, ``confidence`` and ``accuracy``: for each bin that is not empty, in ascending order, the
        number of its predictions, their mean confidence and the share of them that is right, without a
        unit. The last two have the dtype of `p`.

    Raises
    ------
    ValueError
        If `p` or `t` is not a distribution, the shapes do not fit, a label is out of range or not an
        integer, or `n_bins` is not between 1 and a million.
    TypeError
        If an input does not hold real numbers, or `n_bins` is not an integer.

    Examples
    --------
    >>> p = [[0.9, 0.1], [0.8, 0.2], [0.3, 0.7], [0.45, 0.55]]
    >>> bins = reliability_bins([0, 1, 1, 0], p, n_bins=2)
    >>> bins.counts.tolist(), bins.confidence.round(4).tolist(), bins.accuracy.tolist()
    ([4], [0.7375], [0.5])

    References
    ----------
    Guo, Pleiss, Sun and Weinberger, *On calibration of modern neural networks*, ICML (2017), section 2.
    """
    counts, confidence, accuracy, dtype = _bins(t, p, n_bins)
    return ReliabilityBins(counts, rounded(confidence, dtype), rounded(accuracy, dtype))


def expected_calibration_error(t: ArrayLike, p: ArrayLike, *, n_bins: int = 15) -> Floats:
    r"""Return the mean distance between confidence and accuracy, over the bins of :func:`reliability_bins`.

    .. math:: \mathrm{ECE} = \sum_b \frac{n_b}{S}\, \lvert \operatorname{acc}_b - \operatorname{conf}_b \rvert

    0 is what a calibrated model tends to with more and more samples. With few samples in a bin, chance alone
    keeps it above 0, and it depends on the number of bins: compare only what was computed with the same
    bins on the same number of samples.

    Parameters
    ----------
    t : array_like
        The truth: class indices, of the shape of `p` without its last axis; or distributions, of the shape
        of `p`.
    p : array_like
        Predicted probabilities, which sum to 1 along the last axis.
    n_bins : int
        The number of equally wide bins.

    Returns
    -------
    scalar
        Between 0 and 1, without a unit; the dtype is that of `p`.

    Raises
    ------
    ValueError, TypeError
        As :func:`reliability_bins`; also a ``ValueError`` if there are no samples.

    Examples
    --------
    >>> p = [[0.9, 0.1], [0.8, 0.2], [0.3, 0.7], [0.45, 0.55]]
    >>> float(expected_calibration_error([0, 1, 1, 0], p, n_bins=2).round(4))
    0.2375

    References
    ----------
    Naeini, Cooper and Hauskrecht, *Obtaining well calibrated probabilities using Bayesian binning*, AAAI
    (2015).
    """
    counts, confidence, accuracy, dtype = _bins(t, p, n_bins)
    n_samples = counts.sum()
    if not n_samples:
        raise ValueError("no samples: the calibration error of an empty batch is not defined")
    gaps = counts / n_samples * np.abs(accuracy - confidence)
    return rounded(gaps.sum(), dtype)


def brier_score(t: ArrayLike, p: ArrayLike) -> Floats:
    r"""Return the mean squared distance between the prediction and the truth.

    .. math:: B(t, p) = \frac{1}{S} \sum_{i=1}^{S} \sum_{j=1}^{N} (p_{ij} - t_{ij})^2

    The sum goes over all classes, as in Brier's paper: for a certain, wrong prediction it is 2. For two
    classes it is twice the binary form :math:`(p - t)^2`, which scikit-learn's ``brier_score_loss`` returns.

    Parameters
    ----------
    t : array_like
        The truth: class indices, of the shape of `p` without its last axis; or distributions, of the shape
        of `p`.
    p : array_like
        Predicted probabilities, which sum to 1 along the last axis. For a binary model give both classes:
        ``np.stack([1 - p, p], axis=-1)``.

    Returns
    -------
    scalar
        The mean over the samples, between 0 and 2, without a unit; the dtype is that of `p`.

    Raises
    ------
    ValueError
        If `p` or `t` is not a distribution, the shapes do not fit, a label is out of range or not an
        integer, or there are no samples.
    TypeError
        If an input does not hold real numbers.

    Examples
    --------
    >>> float(brier_score([0, 1], [[0.5, 0.5, 0.0], [0.0, 0.0, 1.0]]))
    1.25

    References
    ----------
    Brier, *Verification of forecasts expressed in terms of probability*, Monthly Weather Review 78 (1950).
    """
    p = as_distributions(p, "p", -1)
    t, is_labels = as_targets(t, p, -1)
    if not p.size:
        raise ValueError("no samples: the Brier score of an empty batch is not defined")
    n_classes = p.shape[-1]
    predicted = p.reshape(-1, n_classes)
    truth = t.reshape(-1) if is_labels else t.reshape(-1, n_classes)
    scores = np.empty(len(predicted))
    step = max(1, BLOCK // n_classes)
    with np.errstate(all="ignore"):
        for start in range(0, len(predicted), step):
            part = slice(start, start + step)
            gaps = predicted[part].astype(np.float64)
            if is_labels:
                gaps[np.arange(len(gaps)), truth[part]] -= 1
            else:
                gaps -= truth[part]
            scores[part] = np.square(gaps, out=gaps).sum(axis=-1)
        return rounded(scores.mean(), p.dtype)


def fit_temperature(t: ArrayLike, z: ArrayLike) -> float:
    r"""Return the temperature whose logits z/T have the smallest mean cross-entropy.

    .. math:: T^* = \operatorname{arg\,min}_{T > 0}\, \frac{1}{S} \sum_{i=1}^{S} H\bigl(t_i,
              \operatorname{softmax}(z_i / T)\bigr)

    Fit it on held-out samples, not on those that the model has learned from. No predicted label changes when
    logits are divided by T. T > 1 makes a model less sure, T < 1 surer.

    In :math:`\beta = 1/T` the loss is convex, with the slope :math:`\sum_j p_j z_j - \sum_j t_j z_j`, averaged
    over the samples, and the variance of the logits under p as its curvature. The zero of the slope is
    found by Newton's method, kept in a bracket by bisection, as exactly as float64 allows.

    Parameters
    ----------
    t : array_like
        The truth: class indices, of the shape of `z` without its last axis; or distributions, of the shape
        of `z`.
    z : array_like
        Logits, the classes along the last axis; −∞ rules a class out. Logarithms of probabilities serve as
        logits.

    Returns
    -------
    float
        The temperature T, a positive number without a unit. It is a Python float, so that ``z / T`` keeps
        the dtype of `z`.

    Raises
    ------
    ValueError
        If no T is best. All labels belong to the largest logit: the loss falls as long as T falls toward
        0. The logits of the truth are on average not above the others: it falls as long as T grows. All
        logits of each sample are equal: T changes nothing. The truth of a sample is ruled out: the loss
        is infinite at every T.
        Also if the shapes do not fit, `t` is not a distribution, a label is out of range or not an integer,
        `z` is NaN or +∞ somewhere, or there are no samples.
    TypeError
        If an input does not hold real numbers.

    Examples
    --------
    Three of four answers are right, all given with the same logits. At T the confidence is 3/4:

    >>> T = fit_temperature([0, 0, 0, 1], [[5.0, 0.0]] * 4)
    >>> round(T, 6), round(1 / (1 + math.exp(-5 / T)), 6)
    (4.551196, 0.75)

    References
    ----------
    Guo, Pleiss, Sun and Weinberger, *On calibration of modern neural networks*, ICML (2017), section 4.2.
    """
    z = as_logits(z, "z", -1)
    t, is_labels = as_targets(t, z, -1)
    if not z.size:
        raise ValueError("no samples to fit a temperature to")
    logits = wide(z).reshape(-1, z.shape[-1])
    with np.errstate(all="ignore"):
        exponent = math.frexp(np.abs(logits[logits > -np.inf]).max())[1]
        below = np.ldexp(logits, -exponent)  # so that no difference overflows; nothing is rounded
        below -= below.max(axis=-1, keepdims=True)
        if is_labels:
            total = np.ones(len(below))
            of_truth = below[np.arange(len(below)), t.reshape(-1)]
        else:
            truth = wide(t).reshape(below.shape)
            total = truth.sum(axis=-1)
            of_truth = product(truth, below).sum(axis=-1) / total
        refuse(
            np.isinf,
            of_truth.reshape(z.shape[:-1]),
            "the truth of a sample has the logit -inf, so its loss is infinite at every temperature",
            "leave the sample out, or do not rule its class out",
        )
        beta = _best_beta(below, below - of_truth[:, np.newaxis], total)
        temperature = float(np.ldexp(1 / beta, exponent))
    if not 0 < temperature < math.inf:
        raise ValueError(f"the best temperature is {temperature}, beyond what a float can hold: rescale the logits")
    return temperature


def _bins(t: ArrayLike, p: ArrayLike, n_bins: int) -> tuple[NDArray[np.intp], Doubles, Doubles, np.dtype[np.floating]]:
    """Return count, mean confidence and accuracy of the bins that are not empty, and the dtype of the result."""
    number = as_integer(n_bins, "n_bins")
    if not 1 <= number <= MOST_BINS:
        raise ValueError(f"n_bins must be between 1 and {MOST_BINS}, got {shown(n_bins)}")
    given = as_real(p, "p")
    p = as_distributions(given, "p", -1)
    t, is_labels = as_targets(t, p, -1)
    with np.errstate(all="ignore"):
        label = p.argmax(axis=-1)
        confidence = np.take_along_axis(p, label[..., np.newaxis], -1).reshape(-1)
        right = t == label if is_labels else np.take_along_axis(t, label[..., np.newaxis], -1)
        edges = np.arange(1, number) / number
        if given.dtype.kind == "f":
            edges = edges.astype(given.dtype)
        place = np.searchsorted(edges.astype(p.dtype), confidence, side="left")
        counts = np.bincount(place, minlength=number)
        filled = counts > 0
        means = [
            np.bincount(place, weights=x, minlength=number)[filled] / counts[filled]
            for x in (confidence, np.reshape(right, -1))
        ]
    return counts[filled], means[0], means[1], p.dtype


def _best_beta(below: Doubles, gaps: Doubles, total: Doubles) -> float:
    """Return where the slope of the loss in β = 1/T is 0.

    `below` is z minus the largest logit of the sample, `gaps` is z minus the mean logit of the truth, and `total` is
    the sum of the truth, which is 1 but for rounding.
    """
    is_possible = below > -np.inf
    gaps = np.where(is_possible, gaps, 0.0)

    def slope_and_curvature(beta: float) -> tuple[float, float]:
        p = np.exp(beta * below)
        p /= p.sum(axis=-1, keepdims=True)
        mean = (p * gaps).sum(axis=-1)
        variance = (p * np.square(gaps - mean[:, np.newaxis])).sum(axis=-1)
        return float((total * mean).mean()), float((total * variance).mean())

    if not below[is_possible].any():
        raise ValueError("the logits of each sample are all equal, so that every temperature gives the same loss")
    if not gaps[below == 0].any():
        raise ValueError(
            "no temperature is best: every label has the largest logit, so the loss falls as long as T falls toward 0 "
            "(fit on held-out samples, enough of them to hold some that the model gets wrong)"
        )
    at_zero = total * gaps.sum(axis=-1) / is_possible.sum(axis=-1)
    if at_zero.sum() >= -4 * np.finfo(np.float64).eps * np.abs(gaps).mean(axis=-1).sum():
        raise ValueError(
            "no temperature is best: the loss falls as long as T grows, for the logits of the truth are on average not "
            "above the others (are t and z of the same samples, with the classes in the same order?)"
        )

    low, high = 1.0, 1.0  # a bracket within a factor of 2
    while slope_and_curvature(high)[0] < 0:
        low, high = high, 2 * high
    while slope_and_curvature(low)[0] > 0:
        low, high = low / 2, low
    beta = high
    for _ in range(100):
        slope, curvature = slope_and_curvature(beta)
        low, high = (beta, high) if slope < 0 else (low, beta)
        newton = beta - slope / curvature if curvature > 0 else math.nan
        following = newton if low <= newton <= high else (low + high) / 2
        if abs(following - beta) <= np.finfo(np.float64).eps * beta:
            break
        beta = following
    return beta
