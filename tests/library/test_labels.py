"""One-hot and smoothed labels."""

import numpy as np
import pytest
from peers import needs_torch, torch

from xent_lib import entropy, one_hot, smooth_labels


@pytest.mark.parametrize("dtype", [np.int64, np.int8, np.uint8, np.uint64])
def test_one_hot_is_a_row_of_the_identity(dtype):
    labels = np.array([2, 0, 1, 2], dtype=dtype)
    encoded = one_hot(labels, n_classes=4)
    np.testing.assert_array_equal(encoded, np.eye(4)[[2, 0, 1, 2]])
    assert encoded.dtype == np.float64


@needs_torch
@pytest.mark.parametrize(("labels", "n_classes"), [(1, 3), ([[0, 1], [2, 2]], 3), ([[[4]]], 6), ([250], 300)])
def test_one_hot_appends_an_axis_as_pytorch_does(labels, n_classes):
    expected = torch.nn.functional.one_hot(torch.tensor(labels), n_classes).numpy()
    np.testing.assert_array_equal(one_hot(labels, n_classes), expected)


def test_the_largest_label_counts_the_classes_when_they_are_not_given():
    np.testing.assert_array_equal(one_hot([0, 2]), [[1, 0, 0], [0, 0, 1]])
    np.testing.assert_array_equal(one_hot(0), [1])


def test_a_small_integer_type_does_not_limit_the_number_of_classes():
    encoded = one_hot(np.array([100], dtype=np.int8), n_classes=1000)
    assert encoded.shape == (1, 1000)
    assert encoded.argmax() == 100


@pytest.mark.parametrize("labels", [[], np.zeros((0, 5), dtype=int)])
def test_no_labels_are_encoded_when_the_classes_are_counted(labels):
    assert one_hot(labels, n_classes=3).shape == (*np.shape(labels), 3)


@pytest.mark.parametrize("shape", [(), (5,), (3, 4), (2, 1, 3)])
@pytest.mark.parametrize("layout", [np.asarray, np.asfortranarray, lambda labels: labels.T])
def test_labels_of_any_shape_and_layout_are_encoded(shape, layout):
    labels = layout(np.random.default_rng(6).integers(0, 7, shape))
    np.testing.assert_array_equal(one_hot(labels, 7), np.eye(7)[labels])


@pytest.mark.parametrize("axis", [0, 1, -1, -3])
def test_smoothing_along_any_axis_of_a_large_array_keeps_its_dtype(axis):
    t = np.random.default_rng(7).dirichlet(np.ones(5), (200, 300)).astype(np.float32)
    smoothed = smooth_labels(np.moveaxis(t, -1, axis), 0.25, axis=axis)
    assert smoothed.dtype == np.float32
    np.testing.assert_allclose(np.moveaxis(smoothed, axis, -1), 0.75 * t + np.float32(0.05), rtol=3e-7)


def test_smoothing_moves_a_share_to_all_classes_alike():
    smoothed = smooth_labels([[0.0, 1.0, 0.0, 0.0], [0.5, 0.0, 0.0, 0.5]], alpha=0.1)
    expected = [[0.025, 0.925, 0.025, 0.025], [0.475, 0.025, 0.025, 0.475]]
    np.testing.assert_allclose(smoothed, expected, rtol=1e-15)


def test_smoothing_by_nothing_changes_nothing_and_by_everything_leaves_the_uniform():
    t = np.array([[0.0, 1.0], [0.25, 0.75]])
    np.testing.assert_array_equal(smooth_labels(t, 0), t)
    np.testing.assert_array_equal(smooth_labels(t, 1), [[0.5, 0.5], [0.5, 0.5]])


@pytest.mark.parametrize("alpha", [0, 0.05, 0.3, 1])
def test_smoothed_labels_are_still_a_distribution(alpha):
    t = one_hot(np.arange(7))
    smoothed = smooth_labels(t, alpha)
    np.testing.assert_allclose(smoothed.sum(axis=-1), 1, rtol=1e-15)
    assert np.all(smoothed >= 0)


def test_the_smallest_loss_under_smoothing_is_the_entropy_of_the_smoothed_label():
    n, alpha = 3, 0.1
    on, off = 1 - alpha + alpha / n, alpha / n
    expected = -on * np.log(on) - (n - 1) * off * np.log(off)
    assert expected == pytest.approx(0.291, abs=0.0005)
    assert entropy(smooth_labels([1, 0, 0], alpha)) == pytest.approx(expected, rel=1e-14)
