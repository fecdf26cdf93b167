"""Reliability bins, their summary, the Brier score and the temperature, against scikit-learn, SciPy and mpmath."""

import math

import numpy as np
import pytest
import sklearn
from mpmath import mp, mpf
from scipy.optimize import minimize_scalar
from sklearn.calibration import CalibratedClassifierCV, calibration_curve
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import brier_score_loss

from xent_lib import (
    brier_score,
    categorical_cross_entropy_with_logits,
    expected_calibration_error,
    fit_temperature,
    log_softmax,
    one_hot,
    predicted_label,
    reliability_bins,
    softmax,
)

LABELS = [0, 1, 1, 0, 2]
P = [[0.9, 0.1, 0.0], [0.8, 0.1, 0.1], [0.2, 0.7, 0.1], [0.4, 0.6, 0.0], [0.25, 0.25, 0.5]]


def draw(n_samples, n_classes, sharpness=1.0, seed=0):
    """Return labels that were drawn from softmax(z), and the logits sharpness · z."""
    rng = np.random.default_rng(seed)
    z = rng.normal(0, 2, (n_samples, n_classes))
    t = (softmax(z).cumsum(axis=1) < rng.random((n_samples, 1))).sum(axis=1).clip(max=n_classes - 1)
    return t, sharpness * z


# Bins


def test_bins_by_hand():
    bins = reliability_bins(LABELS, P, n_bins=4)
    assert bins.counts.tolist() == [1, 2, 2]  # 0.5; 0.6 and 0.7; 0.8 and 0.9
    np.testing.assert_allclose(bins.confidence, [0.5, 0.65, 0.85], rtol=1e-15)
    assert bins.accuracy.tolist() == [1, 0.5, 0.5]


def test_a_confidence_on_an_edge_belongs_to_the_bin_below_and_empty_bins_are_left_out():
    p = [[1, 0], [0.5, 0.5], [0.75, 0.25], [np.nextafter(0.75, 1), np.nextafter(0.25, 0)]]
    counts, confidence, accuracy = reliability_bins([0, 0, 0, 1], p, n_bins=8)
    assert counts.tolist() == [1, 1, 1, 1]
    np.testing.assert_allclose(confidence, [0.5, 0.75, 0.75, 1.0], rtol=1e-15)
    assert accuracy.tolist() == [1, 1, 0, 1]


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.float16])
@pytest.mark.parametrize("n_bins", [2, 10, 15, 100])
def test_edges_are_those_of_the_dtype(dtype, n_bins):
    shares = np.arange(math.ceil(n_bins / 2), n_bins + 1) / n_bins
    p = np.stack([shares, 1 - shares], axis=-1).astype(dtype)
    assert reliability_bins(np.zeros(len(p), int), p, n_bins=n_bins).counts.tolist() == [1] * len(p)


@pytest.mark.parametrize("n_bins", [1, 2, 5, 15, 16, 1000])
@pytest.mark.parametrize("n_classes", [2, 3, 10])
def test_bins_are_those_of_scikit_learn(n_classes, n_bins):
    t, z = draw(500, n_classes, 1.5)
    p = softmax(z)
    bins = reliability_bins(t, p, n_bins=n_bins)
    right = predicted_label(p) == t
    accuracy, confidence = calibration_curve(right, p.max(axis=1), n_bins=n_bins)
    np.testing.assert_allclose(bins.confidence, confidence, rtol=1e-12)
    np.testing.assert_allclose(bins.accuracy, accuracy, rtol=1e-12)
    assert bins.counts.sum() == 500
    assert bins.counts.dtype == np.intp
    assert bins.counts.all()


def test_a_truth_may_be_a_distribution():
    for function in (reliability_bins, expected_calibration_error, brier_score):
        for by_label, one_hot_too in zip(
            np.atleast_1d(function(LABELS, P)), np.atleast_1d(function(one_hot(LABELS), P)), strict=True
        ):
            np.testing.assert_array_equal(by_label, one_hot_too)
    soft = np.full((5, 3), [0.5, 0.25, 0.25])
    assert reliability_bins(soft, P, n_bins=1).accuracy == pytest.approx((0.5 + 0.5 + 0.25 + 0.25 + 0.25) / 5)


def test_of_several_largest_probabilities_the_first_is_the_label():
    assert reliability_bins([1, 0], [[0.5, 0.5], [0.5, 0.5]]).accuracy == 0.5


def test_samples_may_lie_along_several_axes_or_be_one():
    t, z = draw(24, 3)
    p = softmax(z)
    for function in (reliability_bins, expected_calibration_error, brier_score):
        np.testing.assert_array_equal(function(t.reshape(2, 3, 4), p.reshape(2, 3, 4, 3)), function(t, p))
        truth = one_hot(t, 3)
        np.testing.assert_array_equal(function(truth.reshape(4, 6, 3), p.reshape(4, 6, 3)), function(t, p))
        np.testing.assert_array_equal(function(t[0], p[0]), function(t[:1], p[:1]))
    assert reliability_bins(np.zeros(0, int), np.zeros((0, 3))).counts.tolist() == []


def test_a_million_bins_are_not_too_many():
    assert reliability_bins(LABELS, P, n_bins=10**6).counts.tolist() == [1] * 5


# The expected calibration error


def test_the_calibration_error_by_hand():
    # gaps of 0.5, 0.15 and 0.35, weighted with 1/5, 2/5 and 2/5
    assert expected_calibration_error(LABELS, P, n_bins=4) == pytest.approx(0.1 + 0.06 + 0.14, rel=1e-14)
    # one bin: mean confidence 0.7, accuracy 3/5
    assert expected_calibration_error(LABELS, P, n_bins=1) == pytest.approx(0.1, rel=1e-14)
    # every prediction alone: 0.1, 0.8, 0.3, 0.6 and 0.5
    assert expected_calibration_error(LABELS, P, n_bins=100) == pytest.approx(2.3 / 5, rel=1e-14)


@pytest.mark.parametrize("n_bins", [1, 7, 15])
def test_the_calibration_error_from_the_bins_of_scikit_learn(n_bins):
    t, z = draw(2000, 5, 2)
    p = softmax(z)
    accuracy, confidence = calibration_curve(predicted_label(p) == t, p.max(axis=1), n_bins=n_bins)
    weight, _ = np.histogram(p.max(axis=1), bins=n_bins, range=(0, 1))
    expected = np.sum(weight[weight > 0] / 2000 * np.abs(accuracy - confidence))
    assert expected_calibration_error(t, p, n_bins=n_bins) == pytest.approx(expected, rel=1e-12)


def test_fifteen_bins_are_what_is_taken():
    t, z = draw(500, 3, 2)
    p = softmax(z)
    assert expected_calibration_error(t, p) == expected_calibration_error(t, p, n_bins=15)
    np.testing.assert_array_equal(reliability_bins(t, p).counts, reliability_bins(t, p, n_bins=15).counts)


def test_certain_predictions_have_the_calibration_error_0_or_1():
    assert expected_calibration_error([0, 1], [[1, 0], [0, 1]]) == 0
    assert expected_calibration_error([1, 0], [[1, 0], [0, 1]]) == 1


# The Brier score


def test_the_brier_score_by_hand():
    assert brier_score(0, [1, 0, 0]) == 0
    assert brier_score(0, [0, 1, 0]) == 2
    assert brier_score([0], [[0.5, 0.25, 0.25]]) == 0.375
    assert brier_score([0, 0], [[1, 0, 0], [0.5, 0.25, 0.25]]) == 0.1875
    assert brier_score([[0.5, 0.5]], [[0.25, 0.75]]) == 0.125


@pytest.mark.parametrize(("n_samples", "n_classes"), [(300, 2), (300, 7), (70_000, 3), (2, 70_000)])
def test_the_brier_score_is_the_sum_of_squared_distances(n_samples, n_classes):
    t, z = draw(n_samples, n_classes)
    p = softmax(z)
    expected = np.mean(np.sum((p - one_hot(t, n_classes)) ** 2, axis=1))
    assert brier_score(t, p) == pytest.approx(expected, rel=1e-13)
    assert brier_score(one_hot(t, n_classes), p) == pytest.approx(expected, rel=1e-13)


def test_for_two_classes_the_brier_score_is_twice_the_binary_one_of_scikit_learn():
    t, z = draw(300, 2)
    p = softmax(z)
    assert brier_score(t, p) == pytest.approx(2 * brier_score_loss(t, p[:, 1]), rel=1e-13)


def test_the_brier_score_of_several_classes_is_that_of_scikit_learn():
    if tuple(map(int, sklearn.__version__.split(".")[:2])) < (1, 7):
        pytest.skip("this scikit-learn has no Brier score of several classes")
    t, z = draw(300, 7)
    p = softmax(z)
    expected = brier_score_loss(t, p, labels=range(7), scale_by_half=False)
    assert brier_score(t, p) == pytest.approx(expected, rel=1e-13)


def test_a_tiny_brier_score_keeps_its_digits():
    assert brier_score([1], [[1e-9, 1 - 1e-9]]) == pytest.approx(2e-18, rel=1e-7, abs=0)
    assert brier_score([1], [[1e-30, 1.0]]) == pytest.approx(1e-60, rel=1e-14, abs=0)


# The temperature


def test_the_temperature_by_hand():
    # m of n right, all with the logits (a, 0): the confidence that fits is m/n, so a/T = log(m / (n − m)).
    for right, n, a in [(3, 4, 5.0), (99, 100, 0.1), (51, 100, 40.0), (999, 1000, 1e-3)]:
        t = [0] * right + [1] * (n - right)
        expected = a / math.log(right / (n - right))
        assert fit_temperature(t, [[a, 0.0]] * n) == pytest.approx(expected, rel=1e-13)


def exact_temperature(t, z):
    """Return T to 40 digits: the zero of the slope in 1/T, from mpmath."""
    rows = [[mpf(float(x)) for x in row] for row in z]
    truth = [[mpf(float(x)) for x in row] for row in t]

    def slope(beta):
        total = mpf(0)
        for row, weights in zip(rows, truth, strict=True):
            exponentials = [mp.exp(beta * x) for x in row]
            mean = sum(e * x for e, x in zip(exponentials, row, strict=True)) / sum(exponentials)
            total += sum(weights) * mean - sum(w * x for w, x in zip(weights, row, strict=True) if w)
        return total

    start = 1 / fit_temperature(t, z)
    beta = mp.findroot(slope, (mpf(0.99 * start), mpf(1.01 * start)), solver="anderson")
    return 1 / beta


@pytest.mark.parametrize("offset", [0, 1e3])
@pytest.mark.parametrize(("n_classes", "sharpness"), [(2, 1), (3, 0.01), (3, 30), (10, 1)])
def test_the_temperature_is_exact(n_classes, sharpness, offset):
    t, z = draw(60, n_classes, sharpness, seed=n_classes)
    truth, z = one_hot(t, n_classes), z + sharpness * offset
    found = fit_temperature(t, z)
    assert found == pytest.approx(float(exact_temperature(truth, z)), rel=1e-13, abs=0)
    assert fit_temperature(truth, z) == pytest.approx(found, rel=1e-13, abs=0)


def test_the_temperature_of_soft_truths_is_exact_also_where_their_sum_is_a_little_off():
    _, z = draw(50, 4)
    truth = np.random.default_rng(1).dirichlet(np.ones(4), 50) * 0.5 + 0.5 * softmax(z)
    for soft in (truth, truth * (1 + 8e-6)):
        assert fit_temperature(soft, z) == pytest.approx(float(exact_temperature(soft, z)), rel=1e-13, abs=0)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("sharpness", [0.2, 1, 5])
def test_the_temperature_is_where_scipy_finds_the_smallest_loss(sharpness, seed):
    t, z = draw(300, 6, sharpness, seed)

    def loss(log_t):
        return categorical_cross_entropy_with_logits(t, z / np.exp(log_t))

    found = minimize_scalar(loss, bounds=(-5, 5), method="bounded", options={"xatol": 1e-10})
    temperature = fit_temperature(t, z)
    assert temperature == pytest.approx(np.exp(found.x), rel=1e-6)
    assert loss(np.log(temperature)) <= found.fun * (1 + 1e-14)


def test_the_temperature_is_that_of_scikit_learn():
    if tuple(map(int, sklearn.__version__.split(".")[:2])) < (1, 8):
        pytest.skip("this scikit-learn has no temperature scaling")
    from sklearn.frozen import FrozenEstimator

    t, x = draw(600, 3)
    model = LogisticRegression(C=1e-3).fit(x[:300], t[:300])
    by_sklearn = CalibratedClassifierCV(FrozenEstimator(model), method="temperature").fit(x[300:], t[300:])
    z = model.decision_function(x[300:])
    expected = by_sklearn.predict_proba(x[300:])
    np.testing.assert_allclose(softmax(z / fit_temperature(t[300:], z)), expected, rtol=0, atol=1e-4)


def test_the_drawn_temperature_is_found_again_and_labels_stay():
    t, z = draw(100_000, 4, sharpness=2.5)
    temperature = fit_temperature(t, z)
    assert temperature == pytest.approx(2.5, rel=0.02)
    np.testing.assert_array_equal(predicted_label(softmax(z / temperature)), predicted_label(softmax(z)))


def test_it_is_a_float_that_keeps_the_dtype_of_the_logits():
    t, z = draw(100, 3)
    temperature = fit_temperature(t, z.astype(np.float32))
    assert type(temperature) is float
    assert (z.astype(np.float32) / temperature).dtype == np.float32
    assert temperature == fit_temperature(t, z.astype(np.float32).astype(np.float64))


@pytest.mark.parametrize("power", [-1000, -300, -1, 1, 300, 1000])
def test_the_temperature_scales_with_the_logits(power):
    t, z = draw(100, 3)
    assert fit_temperature(t, np.ldexp(z, power)) == np.ldexp(fit_temperature(t, z), power)


def test_logits_at_both_ends_of_the_floats():
    huge = 1.5 * 2.0**1023
    t, z = [0, 0, 0, 1], np.array([[huge, -huge]] * 4)
    assert fit_temperature(t, z / 4) == pytest.approx(huge / 2 / math.log(3), rel=1e-13)
    with pytest.raises(ValueError, match=r"^the best temperature is inf, beyond what a float can hold"):
        fit_temperature(t, z)
    tiny = np.array([[5e-324, 0]] * 20)
    with pytest.raises(ValueError, match=r"^the best temperature is 0\.0, beyond what a float can hold"):
        fit_temperature([0] * 19 + [1], tiny)


@pytest.mark.parametrize("margin", [1e-9, 1e-300])
def test_one_slightly_wrong_answer_among_many_is_enough(margin):
    z = np.array([[5.0, 0.0]] * 1000 + [[0.0, margin]])
    t = np.zeros(1001, int)
    temperature = fit_temperature(t, z)
    slope = np.mean(softmax(z / temperature)[:, 1] * np.array([-5.0] * 1000 + [margin]))
    size = margin / 2002
    assert abs(slope) < 1e-9 * size


def test_classes_that_are_ruled_out_do_not_count():
    t, z = draw(100, 3)
    padded = np.concatenate([z, np.full((100, 2), -np.inf)], axis=1)
    assert fit_temperature(t, padded) == pytest.approx(fit_temperature(t, z), rel=1e-14)
    truth = one_hot(t, 5)
    assert fit_temperature(truth, padded) == pytest.approx(fit_temperature(t, z), rel=1e-14)


def test_samples_of_the_temperature_may_lie_along_several_axes():
    t, z = draw(24, 3)
    assert fit_temperature(t.reshape(4, 6), z.reshape(4, 6, 3)) == fit_temperature(t, z)
    assert fit_temperature(one_hot(t, 3).reshape(4, 6, 3), z.reshape(4, 6, 3)) == pytest.approx(fit_temperature(t, z))


def test_a_logarithm_of_probabilities_serves_as_logit():
    t, z = draw(200, 3)
    assert fit_temperature(t, log_softmax(z)) == pytest.approx(fit_temperature(t, z), rel=1e-13)
