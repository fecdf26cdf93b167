"""The label, the confidence and the flag."""

import numpy as np
import pytest

from xent_lib import confidence, flag_uncertain, predicted_label, sigmoid

P = [[0.125, 0.25, 0.625], [0.5, 0.25, 0.25], [0.0, 1.0, 0.0]]


def test_the_label_is_the_class_of_the_highest_probability():
    np.testing.assert_array_equal(predicted_label(P), [2, 0, 1])


def test_the_lowest_index_wins_a_tie():
    np.testing.assert_array_equal(predicted_label([[0.25, 0.375, 0.375], [1 / 3] * 3]), [1, 0])


def test_the_confidence_is_the_highest_probability():
    np.testing.assert_array_equal(confidence(P), [0.625, 0.5, 1.0])


@pytest.mark.parametrize(
    ("threshold", "flags"),
    [
        (0, [False, False, False]),
        (0.5, [False, False, False]),
        (0.51, [False, True, False]),
        (0.625, [False, True, False]),
        (0.63, [True, True, False]),
        (1, [True, True, False]),
    ],
)
def test_a_prediction_is_flagged_when_its_confidence_is_below_the_threshold(threshold, flags):
    np.testing.assert_array_equal(flag_uncertain(P, threshold), flags)


@pytest.mark.parametrize("kind", [float, np.float64, np.array, np.longdouble])
@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.float16, ">f4", ">f2"])
def test_a_confidence_at_the_threshold_is_not_flagged_whatever_the_dtype(dtype, kind):
    shares = np.arange(500, 1000) / 1000
    p = np.stack([shares, 1 - shares], axis=-1).astype(dtype)
    flags = [flag_uncertain(row, kind(share)) for row, share in zip(p, shares, strict=True)]
    assert not any(flags)
    higher = np.spacing(p[:, 0].astype(np.dtype(dtype).newbyteorder("="))) + p[:, 0]
    assert all(flag_uncertain(row, kind(share)) for row, share in zip(p, higher, strict=True))


@pytest.mark.parametrize("threshold", [np.float32(0.7), np.float16(0.7), np.array(0.7, np.float32)])
def test_a_threshold_of_few_digits_is_the_number_that_it_holds(threshold):
    assert not flag_uncertain([float(threshold), 1 - float(threshold)], threshold)
    below = np.nextafter(float(threshold), 0)
    assert flag_uncertain([below, 1 - below], threshold)


def test_a_threshold_that_the_dtype_rounds_to_zero_flags_nothing():
    with np.errstate(all="raise"):
        assert not flag_uncertain(np.float32([0.7, 0.3]), 1e-60)
        assert not flag_uncertain([1, 0], 5e-324)


@pytest.mark.parametrize("n_classes", [2, 7, 32, 33, 100])
@pytest.mark.parametrize("layout", [np.asarray, np.asfortranarray, lambda p: p[::-1][::-1]])
@pytest.mark.parametrize("axis", [0, 1, 2, -1, -2, -3])
def test_the_classes_may_lie_along_any_axis(axis, layout, n_classes):
    p = np.random.default_rng(n_classes).dirichlet(np.ones(n_classes), (40, 60)).astype(np.float32)
    moved = layout(np.moveaxis(p, -1, axis))
    highest = p.max(axis=-1)
    np.testing.assert_array_equal(confidence(moved, axis=axis), highest)
    np.testing.assert_array_equal(predicted_label(moved, axis=axis), p.argmax(axis=-1))
    np.testing.assert_array_equal(flag_uncertain(moved, 0.25, axis=axis), highest < np.float32(0.25))
    np.testing.assert_array_equal(flag_uncertain(moved, 0.25, axis), highest < np.float32(0.25))


@pytest.mark.parametrize("function", [predicted_label, confidence, lambda p: flag_uncertain(p, 0.5)])
@pytest.mark.parametrize("shape", [(), (4,), (2, 5), (0,)])
def test_there_is_one_answer_per_distribution(function, shape):
    assert np.shape(function(np.broadcast_to([0.25, 0.75], (*shape, 2)))) == shape


def test_a_binary_model_is_read_with_the_negative_class_first():
    p = sigmoid([-2.0, 0.5])
    np.testing.assert_array_equal(predicted_label(np.stack([1 - p, p], axis=-1)), [0, 1])
