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


def test_a_confidence_at_the_threshold_is_not_flagged_in_float32_either():
    assert not flag_uncertain(np.float32([0.6, 0.3, 0.1]), 0.6)


@pytest.mark.parametrize("function", [predicted_label, confidence, lambda p: flag_uncertain(p, 0.5)])
@pytest.mark.parametrize("shape", [(), (4,), (2, 5), (0,)])
def test_there_is_one_answer_per_distribution(function, shape):
    assert np.shape(function(np.broadcast_to([0.25, 0.75], (*shape, 2)))) == shape


def test_a_binary_model_is_read_with_the_negative_class_first():
    p = sigmoid([-2.0, 0.5])
    np.testing.assert_array_equal(predicted_label(np.stack([1 - p, p], axis=-1)), [0, 1])
