"""Gradients: against difference quotients, against autograd, and digit by digit in the tails."""

import math

import exact
import numpy as np
import pytest
from exact import DTYPES, LABELS, LOGITS, NORMAL, below_largest, binary_logits, ulps
from peers import F, needs_torch, torch

from xent_lib import (
    binary_cross_entropy_gradient,
    binary_cross_entropy_value_and_gradient,
    binary_cross_entropy_with_logits,
    categorical_cross_entropy_gradient,
    categorical_cross_entropy_value_and_gradient,
    categorical_cross_entropy_with_logits,
    numerical_gradient,
    one_hot,
    softmax,
    softmax_jacobian,
)

INF = np.inf
E40 = 4.248354255291589e-18  # 1 / (1 + e^40)

REDUCTIONS = ["none", "sum", "mean"]
WEIGHTS = [None, np.array([0.5, 2.0, 0.0, 1.25])]

_Z = np.array([[2.0, 1.0, 0.1], [-1.0, 0.5, 3.0], [0.0, 0.0, 0.0], [4.0, -4.0, 1.0]])
_HARD = np.array([0, 2, 1, 1])
_SOFT = np.array([[0.5, 0.5, 0.0], [0.0, 0.25, 0.75], [1.0, 0.0, 0.0], [0.125, 0.125, 0.75]])
_Y = np.array([1.0, 0.0, 0.25, 1.0])
each_batch = pytest.mark.parametrize(
    ("loss", "gradient", "value_and_gradient", "t", "z"),
    [
        pytest.param(
            binary_cross_entropy_with_logits,
            binary_cross_entropy_gradient,
            binary_cross_entropy_value_and_gradient,
            _Y,
            _Z[:, 2],
            id="binary",
        ),
        *(
            pytest.param(
                categorical_cross_entropy_with_logits,
                categorical_cross_entropy_gradient,
                categorical_cross_entropy_value_and_gradient,
                t,
                _Z,
                id=name,
            )
            for name, t in [("labels", _HARD), ("soft", _SOFT)]
        ),
    ],
)
each_option = pytest.mark.parametrize(
    ("reduction", "weight"),
    [(reduction, weight) for reduction in REDUCTIONS for weight in WEIGHTS],
    ids=[f"{reduction}-{weight}" for reduction in REDUCTIONS for weight in ("unweighted", "weighted")],
)


# Digits


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("kind", LOGITS)
def test_the_gradient_of_labels_keeps_its_digits(kind, dtype):
    z = LOGITS[kind].astype(dtype)
    is_normal = below_largest(z).max(axis=-1) < NORMAL[dtype]
    z, labels = z[is_normal], LABELS[is_normal]
    assert len(z) >= 20
    gradient = categorical_cross_entropy_gradient(labels, z, reduction="none")
    distance = ulps(gradient, exact.label_gradient(labels, z))
    assert distance.max() <= 4
    assert distance[np.arange(len(z)), labels].max() <= 3


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("kind", LOGITS)
def test_the_gradient_of_soft_labels_keeps_the_digits_of_its_two_terms(kind, dtype):
    z = LOGITS[kind].astype(dtype)
    z = z[below_largest(z).max(axis=-1) < NORMAL[dtype]]
    assert len(z) >= 20
    t = np.random.default_rng(13).dirichlet(np.ones(10), len(z)).astype(dtype)
    t_exact, (p, others) = exact.exact(t), exact.softmax_and_others(z)
    up, down = (1 - t_exact) * p, t_exact * others
    gradient = categorical_cross_entropy_gradient(t, z, reduction="none")
    distance = ulps(gradient, up - down, scale=up + down)
    assert distance.max() <= 4


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("t", [0, 1])
def test_the_binary_gradient_of_labels_keeps_its_digits(t, dtype):
    z = binary_logits(dtype)
    truth = exact.sigmoid(z) if t == 0 else -exact.sigmoid(-z)
    gradient = binary_cross_entropy_gradient(np.full(z.shape, t), z, reduction="none")
    assert ulps(gradient, truth).max() <= (2.5 if dtype == np.float64 else 3.5)


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_binary_gradient_of_soft_labels_keeps_the_digits_of_its_two_terms(dtype):
    z = binary_logits(dtype)
    t = np.random.default_rng(15).uniform(0, 1, z.shape).astype(dtype)
    t_exact = exact.exact(t)
    up, down = (1 - t_exact) * exact.sigmoid(z), t_exact * exact.sigmoid(-z)
    gradient = binary_cross_entropy_gradient(t, z, reduction="none")
    assert ulps(gradient, up - down, scale=up + down).max() <= 3


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_jacobian_keeps_its_digits(dtype):
    z = LOGITS["ordinary"][:12].astype(dtype)
    p, others = exact.softmax_and_others(z)
    truth = np.where(np.eye(10, dtype=bool), (p * others)[:, :, np.newaxis], -p[:, :, np.newaxis] * p[:, np.newaxis, :])
    assert ulps(softmax_jacobian(z), truth).max() <= 6


@pytest.mark.parametrize(
    ("gradient", "t", "z", "expected"),
    [
        (binary_cross_entropy_gradient, 1, 40.0, -E40),
        (binary_cross_entropy_gradient, 0, -40.0, E40),
        (binary_cross_entropy_gradient, 1, -1e4, -1),
        (binary_cross_entropy_gradient, 0, 1e308, 1),
        (binary_cross_entropy_gradient, 1, -1e308, -1),
        (binary_cross_entropy_gradient, 1, INF, 0),
        (binary_cross_entropy_gradient, 0, INF, 1),
        (binary_cross_entropy_gradient, 0.25, 0.0, 0.25),
        (categorical_cross_entropy_gradient, 0, [40.0, 0.0], [-E40, E40]),
        (categorical_cross_entropy_gradient, [1.0, 0.0], [40.0, 0.0], [-E40, E40]),
        (categorical_cross_entropy_gradient, 1, [0.0, 700.0], [math.exp(-700), -math.exp(-700)]),
        (categorical_cross_entropy_gradient, 1, [40.0, 0.0], [1, -1]),
        (categorical_cross_entropy_gradient, 1, [1e4, -1e4], [1, -1]),
        (categorical_cross_entropy_gradient, 0, [1e308, 0.0], [0, 0]),
        (categorical_cross_entropy_gradient, 1, [1e308, 1e308], [0.5, -0.5]),
        (categorical_cross_entropy_gradient, 1, [-INF, 0.0, 0.0], [0, -0.5, 0.5]),
        (categorical_cross_entropy_gradient, [0.0, 0.5, 0.5], [-INF, 0.0, 0.0], [0, 0, 0]),
        (categorical_cross_entropy_gradient, 0, [-INF, 0.0], [-1, 1]),
        (categorical_cross_entropy_gradient, 0, [7.0], [0]),
        (softmax_jacobian, None, [40.0, 0.0], [[E40, -E40], [-E40, E40]]),
        (softmax_jacobian, None, [1e4, -1e4], [[0, 0], [0, 0]]),
        (softmax_jacobian, None, [0.0, 0.0, -INF], [[0.25, -0.25, 0], [-0.25, 0.25, 0], [0, 0, 0]]),
        (softmax_jacobian, None, [7.0], [[0]]),
    ],
)
def test_a_gradient_near_its_limit_keeps_its_digits(gradient, t, z, expected):
    value = gradient(z) if t is None else gradient(t, z)
    np.testing.assert_array_max_ulp(value, np.array(expected, dtype=np.float64), maxulp=1)


# Right, and of the right loss


@each_batch
@each_option
def test_the_gradient_is_what_a_difference_quotient_gives(loss, gradient, value_and_gradient, t, z, reduction, weight):
    summed = "sum" if reduction == "none" else reduction
    expected = numerical_gradient(lambda z: loss(t, z, weight=weight, reduction=summed), z)
    found = gradient(t, z, weight=weight, reduction=reduction)
    np.testing.assert_allclose(found, expected, atol=1e-9)


@needs_torch
@each_batch
@each_option
def test_the_gradient_is_what_autograd_gives(loss, gradient, value_and_gradient, t, z, reduction, weight):
    z_torch = torch.tensor(z, requires_grad=True)
    theirs = F.binary_cross_entropy_with_logits if z.ndim == 1 else F.cross_entropy
    losses = theirs(z_torch, torch.tensor(t), reduction="none")
    factors = torch.tensor(np.ones(4) if weight is None else weight)
    total = (losses * factors).sum() / (factors.sum() if reduction == "mean" else 1)
    total.backward()
    found = gradient(t, z, weight=weight, reduction=reduction)
    np.testing.assert_allclose(found, z_torch.grad.numpy(), rtol=1e-13, atol=1e-16)


@needs_torch
@pytest.mark.parametrize(("shape", "axis"), [((60, 10), -1), ((2, 10, 4, 3), 1)], ids=["rows", "images"])
@pytest.mark.parametrize("reduction", ["sum", "mean"])
def test_the_gradient_with_class_weights_is_what_autograd_gives(shape, axis, reduction):
    rng = np.random.default_rng(16)
    z, class_weight = rng.normal(0, 3, shape), np.linspace(0.25, 4, 10)
    labels = rng.integers(0, 10, shape[:1] + shape[2:])
    z_torch = torch.tensor(z, requires_grad=True)
    weight = torch.tensor(class_weight)
    F.cross_entropy(z_torch, torch.tensor(labels), weight=weight, reduction=reduction).backward()
    found = categorical_cross_entropy_gradient(labels, z, axis=axis, weight=class_weight[labels], reduction=reduction)
    np.testing.assert_allclose(found, z_torch.grad.numpy(), rtol=1e-11, atol=1e-15)


def test_the_gradient_is_p_minus_t_over_the_number_of_samples():
    expected = (softmax(_Z) - one_hot(_HARD, 3)) / 4
    np.testing.assert_allclose(categorical_cross_entropy_gradient(_HARD, _Z), expected, rtol=1e-14)


@each_batch
def test_the_gradient_is_of_the_mean_when_nothing_is_said(loss, gradient, value_and_gradient, t, z):
    np.testing.assert_array_equal(gradient(t, z), gradient(t, z, reduction="mean"))
    np.testing.assert_allclose(value_and_gradient(t, z)[1], gradient(t, z, reduction="mean"), rtol=1e-15)


def test_the_gradient_vanishes_where_the_prediction_is_the_truth():
    t = softmax(_Z)
    np.testing.assert_allclose(categorical_cross_entropy_gradient(t, _Z), 0, atol=1e-16)


@pytest.mark.parametrize("t", [LABELS, one_hot(LABELS, 10)], ids=["labels", "one-hot"])
@pytest.mark.parametrize("kind", LOGITS)
def test_the_gradient_sums_to_zero_over_the_classes(kind, t):
    gradient = categorical_cross_entropy_gradient(t, LOGITS[kind], reduction="none")
    assert np.abs(gradient.sum(axis=-1)).max() <= 4 * np.finfo(np.float64).eps


@pytest.mark.parametrize("kind", LOGITS)
def test_one_hot_labels_have_the_gradient_of_integer_labels(kind):
    np.testing.assert_allclose(
        categorical_cross_entropy_gradient(one_hot(LABELS, 10), LOGITS[kind], reduction="none"),
        categorical_cross_entropy_gradient(LABELS, LOGITS[kind], reduction="none"),
        rtol=1e-15,
    )


def test_a_binary_logit_has_the_gradient_of_two_classes():
    z = binary_logits(np.float64)
    t = np.arange(z.size) % 2
    pairs = np.stack([np.zeros_like(z), z], axis=-1)
    np.testing.assert_array_max_ulp(
        binary_cross_entropy_gradient(t, z), categorical_cross_entropy_gradient(t, pairs)[:, 1], maxulp=4
    )


@each_batch
@pytest.mark.parametrize("reduction", ["sum", "mean"])
def test_a_weight_counts_the_gradient_of_a_sample_that_often(loss, gradient, value_and_gradient, t, z, reduction):
    times = np.array([2, 0, 1, 3])
    repeated = gradient(np.repeat(t, times, axis=0), np.repeat(z, times, axis=0), reduction=reduction)
    starts = np.cumsum(times) - times
    expected = np.stack([repeated[start : start + n].sum(axis=0) for start, n in zip(starts, times, strict=True)])
    weighted = gradient(t, z, weight=times, reduction=reduction)
    np.testing.assert_allclose(weighted, expected, rtol=1e-14)
    assert np.all(weighted[1] == 0)


@each_batch
@pytest.mark.parametrize("reduction", ["none", "sum"])
def test_no_samples_have_an_empty_gradient(loss, gradient, value_and_gradient, t, z, reduction):
    assert gradient(t[:0], z[:0], reduction=reduction).shape == z[:0].shape
    value, empty = value_and_gradient(t[:0], z[:0], reduction=reduction)
    assert empty.shape == z[:0].shape
    assert np.sum(value) == 0


@each_batch
def test_the_dtype_of_the_gradient_is_that_of_the_logits(loss, gradient, value_and_gradient, t, z):
    weight = np.ones(4, dtype=np.float64)
    assert gradient(t, z.astype(np.float32), weight=weight).dtype == np.float32
    value, found = value_and_gradient(t, z.astype(np.float32), weight=weight)
    assert value.dtype == found.dtype == np.float32


# The Jacobian


@needs_torch
def test_the_jacobian_is_what_autograd_gives():
    for z in _Z:
        theirs = torch.autograd.functional.jacobian(lambda z: torch.softmax(z, -1), torch.tensor(z))
        np.testing.assert_allclose(softmax_jacobian(z), theirs.numpy(), rtol=1e-13, atol=1e-17)


def test_the_jacobian_of_a_batch_is_that_of_each_sample():
    z = LOGITS["ordinary"].reshape(4, 15, 10)
    jacobian = softmax_jacobian(z)
    assert jacobian.shape == (4, 15, 10, 10)
    np.testing.assert_allclose(jacobian[2, 7], softmax_jacobian(z[2, 7]), rtol=1e-14)


def test_the_jacobian_is_symmetric_and_its_rows_sum_to_zero():
    jacobian = softmax_jacobian(LOGITS["ordinary"])
    np.testing.assert_array_equal(jacobian, np.swapaxes(jacobian, -1, -2))
    assert np.abs(jacobian.sum(axis=-1)).max() <= np.finfo(np.float64).eps


def test_the_chain_rule_leads_from_the_jacobian_to_the_gradient():
    p = softmax(_Z)
    chained = np.einsum("sij,si->sj", softmax_jacobian(_Z), -_SOFT / p)
    found = categorical_cross_entropy_gradient(_SOFT, _Z, reduction="none")
    np.testing.assert_allclose(found, chained, rtol=1e-13, atol=1e-16)


# Value and gradient in one call


@each_batch
@each_option
@pytest.mark.parametrize("dtype", DTYPES)
def test_value_and_gradient_are_those_of_the_two_functions(
    loss, gradient, value_and_gradient, t, z, reduction, weight, dtype
):
    z = z.astype(dtype)
    value, found = value_and_gradient(t, z, weight=weight, reduction=reduction)
    tolerance = 4 * np.finfo(dtype).eps
    np.testing.assert_allclose(value, loss(t, z, weight=weight, reduction=reduction), rtol=tolerance)
    np.testing.assert_allclose(
        found, gradient(t, z, weight=weight, reduction=reduction), rtol=tolerance, atol=tolerance / 4
    )


@each_batch
@each_option
@pytest.mark.parametrize("dtype", DTYPES)
def test_out_is_filled_with_the_gradient_and_returned(
    loss, gradient, value_and_gradient, t, z, reduction, weight, dtype
):
    z = z.astype(dtype)
    out = np.full_like(z, np.nan)
    value, found = value_and_gradient(t, z, weight=weight, reduction=reduction, out=out)
    expected_value, expected = value_and_gradient(t, z, weight=weight, reduction=reduction)
    assert found is out
    np.testing.assert_array_equal(out, expected)
    np.testing.assert_array_equal(value, expected_value)


@pytest.mark.parametrize("n_axes", [0, 1, 2, 3])
@pytest.mark.parametrize("t", [1, 0.25])
def test_binary_value_and_gradient_of_any_shape_are_those_of_its_entries(n_axes, t):
    shape = (2, 3, 4)[:n_axes]
    z, weight = np.linspace(-3, 3, math.prod(shape)).reshape(shape), np.linspace(0.5, 2, math.prod(shape[-1:]))
    weight = weight if shape else 2.0
    value, gradient = binary_cross_entropy_value_and_gradient(np.full(shape, t), z, weight=weight, reduction="none")
    assert isinstance(gradient, np.ndarray if shape else np.float64)
    for index in np.ndindex(shape):
        w = np.broadcast_to(weight, shape)[index]
        one = binary_cross_entropy_value_and_gradient([t], [z[index]], weight=[w], reduction="sum")
        np.testing.assert_allclose((value[index], gradient[index]), (one[0], one[1][0]), rtol=1e-15)


def test_out_may_be_a_single_number():
    out = np.array(np.nan)
    assert binary_cross_entropy_value_and_gradient(1, 0.0, out=out)[1] is out
    assert out == -0.5


@each_batch
def test_out_may_be_a_view_with_gaps(loss, gradient, value_and_gradient, t, z):
    table = np.full((4, 2, *z.shape[1:]), np.nan)
    value_and_gradient(t, z, out=table[:, 0])
    np.testing.assert_array_equal(table[:, 0], value_and_gradient(t, z)[1])
    assert np.all(np.isnan(table[:, 1]))


def test_value_and_gradient_keep_the_digits_of_a_tiny_loss():
    value, gradient = categorical_cross_entropy_value_and_gradient([0], [[40.0, 0.0]])
    np.testing.assert_array_max_ulp(np.array([value, *gradient[0]]), np.array([E40, -E40, E40]), maxulp=3)
    value, gradient = binary_cross_entropy_value_and_gradient([1], [40.0])
    assert (value, *gradient) == (E40, -E40)


def test_value_and_gradient_are_right_where_the_exponentials_fit_but_not_their_quotient():
    loss, gradient = categorical_cross_entropy_value_and_gradient(1, [700.0, -700.0])
    assert loss == 1400
    np.testing.assert_array_equal(gradient, [1, -1])


@pytest.mark.parametrize("weight", [1, np.geomspace(1e-3, 1e3, 60)], ids=["one", "many"])
@pytest.mark.parametrize(("dtype", "largest"), [(np.float64, 700), (np.float32, 80)])
def test_value_and_gradient_keep_their_digits_at_a_small_share_of_a_large_sum(dtype, largest, weight):
    z = (LOGITS["ordinary"] / 4 + largest).astype(dtype)
    weight = np.broadcast_to(weight, 60).astype(dtype)
    share = exact.exact(weight) / exact.exact(weight).sum()
    _, gradient = categorical_cross_entropy_value_and_gradient(LABELS, z, weight=weight)
    assert ulps(gradient, exact.label_gradient(LABELS, z) * share[:, np.newaxis]).max() <= 8
