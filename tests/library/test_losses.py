"""The four losses: their limits, their digits, their reductions and weights, and their peers."""

import math

import exact
import numpy as np
import pytest
import scipy.special
import sklearn.metrics
from exact import DTYPES, LABELS, LOGITS, binary_logits, ulps
from peers import F, needs_torch, torch

from xent_lib import (
    binary_cross_entropy,
    binary_cross_entropy_value_and_gradient,
    binary_cross_entropy_with_logits,
    categorical_cross_entropy,
    categorical_cross_entropy_value_and_gradient,
    categorical_cross_entropy_with_logits,
    one_hot,
    sigmoid,
    smooth_labels,
    softmax,
)

INF = np.inf
LN2 = math.log(2)
E40 = 4.248354255291589e-18  # log(1 + e^−40)

# One batch of four samples for each loss and each form of truth: (loss, truth, prediction).
_P = np.array([[0.5, 0.25, 0.25], [0.125, 0.75, 0.125], [0.0625, 0.0625, 0.875], [0.25, 0.5, 0.25]])
_Z = np.array([[2.0, 1.0, 0.1], [-1.0, 0.5, 3.0], [0.0, 0.0, 0.0], [4.0, -4.0, 1.0]])
_SOFT = np.array([[0.5, 0.5, 0.0], [0.0, 0.25, 0.75], [1.0, 0.0, 0.0], [0.125, 0.125, 0.75]])
_HARD = np.array([0, 2, 1, 1])
_Y = np.array([1.0, 0.0, 0.25, 1.0])
BATCHES = [
    pytest.param(binary_cross_entropy, _Y, _P[:, 1], id="binary"),
    pytest.param(binary_cross_entropy_with_logits, _Y, _Z[:, 2], id="binary-logits"),
    pytest.param(categorical_cross_entropy, _HARD, _P, id="labels"),
    pytest.param(categorical_cross_entropy, _SOFT, _P, id="soft"),
    pytest.param(categorical_cross_entropy_with_logits, _HARD, _Z, id="labels-logits"),
    pytest.param(categorical_cross_entropy_with_logits, _SOFT, _Z, id="soft-logits"),
]
each_batch = pytest.mark.parametrize(("loss", "t", "prediction"), BATCHES)


# Digits


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("kind", ["ordinary", "offset", "wrong", "right"])
def test_the_loss_of_labels_keeps_its_digits(kind, dtype):
    z = LOGITS[kind].astype(dtype)
    losses = categorical_cross_entropy_with_logits(LABELS, z, reduction="none")
    assert ulps(losses, exact.label_loss(LABELS, z)).max() <= 3


@pytest.mark.parametrize("margin_of_label", [1.5, 20.3, 100.1, 345.67, 700.9])
def test_the_loss_of_a_right_label_keeps_its_digits_whatever_the_margin(margin_of_label):
    z = np.array([[margin_of_label + 0.3, 0.3, 0.1]])
    loss = categorical_cross_entropy_with_logits([0], z, reduction="none")
    assert ulps(loss, exact.label_loss([0], z)).max() <= 3


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("kind", LOGITS)
def test_the_loss_of_soft_labels_keeps_its_digits(kind, dtype):
    z = LOGITS[kind].astype(dtype)
    t = scipy.special.softmax(np.random.default_rng(4).normal(0, 2, z.shape), axis=-1).astype(dtype)
    losses = categorical_cross_entropy_with_logits(t, z, reduction="none")
    assert ulps(losses, -(exact.exact(t) * exact.log_softmax(z)).sum(axis=-1)).max() <= 4


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_loss_of_probabilities_keeps_its_digits(dtype):
    p = scipy.special.softmax(LOGITS["ordinary"], axis=-1).astype(dtype)
    losses = categorical_cross_entropy(LABELS, p, reduction="none")
    truth = -exact.log(exact.exact(p[np.arange(len(p)), LABELS]))
    assert ulps(losses, truth).max() <= (1 if dtype == np.float64 else 3.5)


def binary_probabilities(dtype):
    least = 1e-300 if dtype == np.float64 else 1e-37
    nearly_one = 1 - np.geomspace(1e-15 if dtype == np.float64 else 1e-6, 0.5, 60)
    uniform = np.random.default_rng(6).uniform(0, 1, 200)
    return np.concatenate([uniform, np.geomspace(least, 0.5, 60), nearly_one]).astype(dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("truth", [0, 1, "soft"])
def test_the_binary_loss_of_logits_keeps_its_digits(truth, dtype):
    z = binary_logits(dtype)
    t = np.random.default_rng(7).uniform(0, 1, z.shape) if truth == "soft" else np.full(z.shape, truth)
    t = t.astype(dtype)
    expected = -exact.exact(t) * exact.log_sigmoid(z) - (1 - exact.exact(t)) * exact.log_sigmoid(-z)
    bound = 2.5 if dtype == np.float64 else 3
    assert ulps(binary_cross_entropy_with_logits(t, z, reduction="none"), expected).max() <= bound


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("truth", [0, 1, "soft"])
def test_the_binary_loss_of_probabilities_keeps_its_digits(truth, dtype):
    p = binary_probabilities(dtype)
    t = np.random.default_rng(8).uniform(0, 1, p.shape) if truth == "soft" else np.full(p.shape, truth)
    t = t.astype(dtype)
    t_exact, p_exact = exact.exact(t), exact.exact(p)
    expected = -t_exact * exact.log(p_exact) - (1 - t_exact) * exact.log1p(-p_exact)
    bound = 2.5 if dtype == np.float64 else 3.5
    assert ulps(binary_cross_entropy(t, p, reduction="none"), expected).max() <= bound


# Limits


@pytest.mark.parametrize(
    ("loss", "t", "prediction"),
    [
        (binary_cross_entropy, 1, 1.0),
        (binary_cross_entropy, 0, 0.0),
        (binary_cross_entropy_with_logits, 1, INF),
        (binary_cross_entropy_with_logits, 0, -INF),
        (binary_cross_entropy_with_logits, 1, 1e4),
        (binary_cross_entropy_with_logits, 0, -1e308),
        (categorical_cross_entropy, 1, [0.0, 1.0]),
        (categorical_cross_entropy, [0.0, 1.0], [0.0, 1.0]),
        (categorical_cross_entropy, 0, [1.0]),
        (categorical_cross_entropy, [1.0], [1.0]),
        (categorical_cross_entropy_with_logits, 1, [-INF, 3.0]),
        (categorical_cross_entropy_with_logits, [0.0, 1.0], [-INF, 3.0]),
        (categorical_cross_entropy_with_logits, 0, [1e4, -1e4]),
        (categorical_cross_entropy_with_logits, 0, [1e308, 0.0]),
        (categorical_cross_entropy_with_logits, 1, [-1e308, 0.0]),
        (categorical_cross_entropy_with_logits, 0, [7.0]),
        (categorical_cross_entropy_with_logits, [1.0], [-7.0]),
    ],
)
@pytest.mark.parametrize("reduction", ["none", "sum", "mean"])
def test_a_certain_and_right_prediction_costs_plus_zero(loss, t, prediction, reduction):
    cost = loss(t, prediction, reduction=reduction)
    assert cost == 0
    assert not np.signbit(cost)


@pytest.mark.parametrize(
    ("loss", "t", "prediction"),
    [
        (binary_cross_entropy, 1, 0.0),
        (binary_cross_entropy, 0, 1.0),
        (binary_cross_entropy, 0.5, 1.0),
        (binary_cross_entropy_with_logits, 1, -INF),
        (binary_cross_entropy_with_logits, 0, INF),
        (binary_cross_entropy_with_logits, 0.5, INF),
        (categorical_cross_entropy, 0, [0.0, 1.0]),
        (categorical_cross_entropy, [0.5, 0.5], [0.0, 1.0]),
        (categorical_cross_entropy_with_logits, 0, [-INF, 3.0]),
        (categorical_cross_entropy_with_logits, [0.5, 0.5], [-INF, 3.0]),
    ],
)
@pytest.mark.parametrize("reduction", ["none", "sum", "mean"])
def test_a_certain_and_wrong_prediction_costs_infinity(loss, t, prediction, reduction):
    assert loss(t, prediction, reduction=reduction) == INF


@pytest.mark.parametrize(
    ("loss", "t", "prediction", "expected"),
    [
        (categorical_cross_entropy_with_logits, 0, [40.0, 0.0], E40),
        (categorical_cross_entropy_with_logits, [1.0, 0.0], [40.0, 0.0], E40),
        (categorical_cross_entropy_with_logits, 1, [40.0, 0.0], 40.0),
        (categorical_cross_entropy_with_logits, 0, [700.0, 0.0], math.exp(-700)),
        (categorical_cross_entropy_with_logits, [0.0, 0.5, 0.5], [-INF, 0.0, 0.0], LN2),
        (categorical_cross_entropy_with_logits, 1, [-INF, 0.0, 0.0], LN2),
        (categorical_cross_entropy_with_logits, 1, [1e4, -1e4], 2e4),
        (categorical_cross_entropy_with_logits, 1, [1e308, 0.0], 1e308),
        (categorical_cross_entropy_with_logits, 1, [1e308, 1e308], LN2),
        (categorical_cross_entropy_with_logits, 0, [-1e308, 0.0], 1e308),
        (categorical_cross_entropy, [0.0, 0.5, 0.5], [0.0, 0.5, 0.5], LN2),
        (categorical_cross_entropy, 0, [5e-324, 1.0], 1074 * LN2),
        (binary_cross_entropy_with_logits, 0, -40.0, E40),
        (binary_cross_entropy_with_logits, 1, 40.0, E40),
        (binary_cross_entropy_with_logits, 1, -40.0, 40.0),
        (binary_cross_entropy_with_logits, 1, -1e4, 1e4),
        (binary_cross_entropy_with_logits, 1, -1e308, 1e308),
        (binary_cross_entropy_with_logits, 0, 1e308, 1e308),
        (binary_cross_entropy_with_logits, 0.5, 0.0, LN2),
        (binary_cross_entropy, 0, 1e-20, 1e-20),
        (binary_cross_entropy, 0, 1 - 2**-53, 53 * LN2),
        (binary_cross_entropy, 1, 5e-324, 1074 * LN2),
    ],
)
def test_a_loss_near_its_limit_keeps_its_digits(loss, t, prediction, expected):
    np.testing.assert_array_max_ulp(loss(t, prediction), np.float64(expected), maxulp=1)


def test_many_classes_in_float16_do_not_overflow():
    loss = categorical_cross_entropy_with_logits(0, np.zeros(70_000, dtype=np.float16))
    assert loss == np.float32(math.log(70_000))


@pytest.mark.parametrize("offset", [1024.0, -(2.0**30)])
def test_adding_a_number_to_all_logits_changes_nothing(offset):
    with_offset = categorical_cross_entropy_with_logits(_HARD, _Z.round() + offset, reduction="none")
    without = categorical_cross_entropy_with_logits(_HARD, _Z.round(), reduction="none")
    np.testing.assert_array_max_ulp(with_offset, without, maxulp=3)


# Forms of the truth, and of the prediction


@pytest.mark.parametrize(
    ("loss", "prediction"), [(categorical_cross_entropy, _P), (categorical_cross_entropy_with_logits, _Z)]
)
@pytest.mark.parametrize("reduction", ["none", "sum", "mean"])
def test_one_hot_labels_cost_what_integer_labels_cost(loss, prediction, reduction):
    hard = loss(_HARD, prediction, reduction=reduction)
    encoded = loss(one_hot(_HARD, 3), prediction, reduction=reduction)
    np.testing.assert_array_max_ulp(encoded, hard, maxulp=3)


@pytest.mark.parametrize("t", [LABELS, smooth_labels(one_hot(LABELS, 10), 0.1)], ids=["labels", "soft"])
def test_logits_cost_what_their_probabilities_cost(t):
    z = LOGITS["ordinary"]
    from_z = categorical_cross_entropy_with_logits(t, z, reduction="none")
    np.testing.assert_allclose(from_z, categorical_cross_entropy(t, softmax(z), reduction="none"), rtol=1e-11)


def test_a_binary_logit_costs_what_its_probability_costs():
    z = LOGITS["ordinary"]
    t = np.random.default_rng(9).uniform(0, 1, z.shape)
    from_z = binary_cross_entropy_with_logits(t, z, reduction="none")
    np.testing.assert_allclose(from_z, binary_cross_entropy(t, sigmoid(z), reduction="none"), rtol=1e-11)


def test_two_classes_cost_what_a_binary_model_costs():
    z = binary_logits(np.float64)
    t = np.arange(z.size) % 2
    pairs = np.stack([np.zeros_like(z), z], axis=-1)
    np.testing.assert_array_max_ulp(
        categorical_cross_entropy_with_logits(t, pairs, reduction="none"),
        binary_cross_entropy_with_logits(t, z, reduction="none"),
        maxulp=3,
    )


@pytest.mark.parametrize("shape", [(), (3,), (2, 3), (2, 1, 3), (0, 3)])
def test_a_binary_loss_takes_any_shape(shape):
    for loss in (binary_cross_entropy, binary_cross_entropy_with_logits):
        assert np.shape(loss(np.ones(shape), np.full(shape, 0.5), reduction="none")) == shape


@pytest.mark.parametrize("shape", [(), (3,), (2, 3), (0,)])
@pytest.mark.parametrize("hard", [True, False], ids=["labels", "distributions"])
def test_a_categorical_loss_gives_one_number_per_sample(shape, hard):
    p = np.broadcast_to([0.25, 0.75], (*shape, 2))
    t = np.ones(shape, dtype=int) if hard else p
    for loss in (categorical_cross_entropy, categorical_cross_entropy_with_logits):
        assert np.shape(loss(t, p, reduction="none")) == shape


@each_batch
def test_the_dtype_of_the_loss_is_that_of_the_prediction(loss, t, prediction):
    for reduction in ("none", "sum", "mean"):
        weight = np.ones(4, dtype=np.float64)
        value = loss(t, prediction.astype(np.float32), weight=weight, reduction=reduction)
        assert value.dtype == np.float32
        value = loss(t.astype(np.float32) if t.dtype.kind == "f" else t, prediction, reduction=reduction)
        assert value.dtype == np.float64


# Reductions and weights


@each_batch
def test_the_reductions_agree(loss, t, prediction):
    losses = loss(t, prediction, reduction="none")
    assert losses.shape == (4,)
    assert np.unique(losses).size >= 3
    assert loss(t, prediction, reduction="sum") == pytest.approx(math.fsum(losses), rel=1e-15)
    assert loss(t, prediction, reduction="mean") == pytest.approx(math.fsum(losses) / 4, rel=1e-15)
    assert loss(t, prediction) == loss(t, prediction, reduction="mean")
    assert isinstance(loss(t, prediction), np.float64)


@each_batch
@pytest.mark.parametrize("reduction", ["sum", "mean"])
def test_a_weight_counts_a_sample_that_often(loss, t, prediction, reduction):
    times = [2, 0, 1, 3]
    repeated = loss(np.repeat(t, times, axis=0), np.repeat(prediction, times, axis=0), reduction=reduction)
    weighted = loss(t, prediction, weight=times, reduction=reduction)
    assert weighted == pytest.approx(repeated, rel=1e-15)


@each_batch
def test_weights_multiply_and_the_mean_divides_by_their_sum(loss, t, prediction):
    weight = np.array([0.5, 2.0, 0.0, 1.25])
    losses = loss(t, prediction, reduction="none") * weight
    np.testing.assert_allclose(loss(t, prediction, weight=weight, reduction="none"), losses, rtol=1e-15)
    assert loss(t, prediction, weight=weight, reduction="sum") == pytest.approx(math.fsum(losses), rel=1e-15)
    assert loss(t, prediction, weight=weight) == pytest.approx(math.fsum(losses) / 3.75, rel=1e-15)


@each_batch
def test_one_weight_for_all_scales_the_sum_and_leaves_the_mean(loss, t, prediction):
    assert loss(t, prediction, weight=3) == pytest.approx(loss(t, prediction), rel=1e-15)
    tripled = 3 * loss(t, prediction, reduction="sum")
    assert loss(t, prediction, weight=[3], reduction="sum") == pytest.approx(tripled, rel=1e-15)


@each_batch
def test_the_weighted_mean_of_one_sample_is_its_loss(loss, t, prediction):
    value = loss(t[1], prediction[1])
    assert value > 0
    assert loss(t[1], prediction[1], weight=3) == pytest.approx(value, rel=1e-15)
    assert loss(t[1], prediction[1], weight=3, reduction="sum") == pytest.approx(3 * value, rel=1e-15)


@pytest.mark.parametrize("loss", [binary_cross_entropy, binary_cross_entropy_with_logits])
def test_a_weight_per_column_is_counted_once_per_row(loss):
    t, prediction = np.eye(2, 3), np.array([[0.5, 0.25, 0.125], [0.75, 0.5, 0.25]])
    losses = loss(t, prediction, reduction="none")
    expected = (losses @ [1.0, 2.0, 5.0]).sum() / 16
    assert loss(t, prediction, weight=[1, 2, 5]) == pytest.approx(expected, rel=1e-15)


@pytest.mark.parametrize(
    ("loss", "t", "prediction"),
    [
        (binary_cross_entropy, [1, 1], [0.0, 0.5]),
        (binary_cross_entropy_with_logits, [1, 1], [-INF, 0.0]),
        (categorical_cross_entropy, [0, 0], [[0.0, 1.0], [0.5, 0.5]]),
        (categorical_cross_entropy_with_logits, [0, 0], [[-INF, 1.0], [0.0, 0.0]]),
        (binary_cross_entropy_value_and_gradient, [1, 1], [-INF, 0.0]),
        (categorical_cross_entropy_value_and_gradient, [0, 0], [[-INF, 1.0], [0.0, 0.0]]),
    ],
)
def test_a_weight_of_zero_drops_an_infinite_loss(loss, t, prediction):
    def value(**options):
        found = loss(t, prediction, **options)
        return found[0] if isinstance(found, tuple) else found

    assert value() == INF
    np.testing.assert_array_equal(value(weight=[0, 1], reduction="none"), [0, LN2])
    assert value(weight=[0, 1], reduction="sum") == LN2
    assert value(weight=[0, 1], reduction="mean") == LN2


@pytest.mark.parametrize("loss", [binary_cross_entropy, binary_cross_entropy_with_logits])
def test_weights_are_summed_in_float64(loss):
    weight = np.float32([2**24, 1, 1])  # in float32, the sum would be 2**24
    losses = loss([0, 1, 1], [0.5, 0.25, 0.25], reduction="none")
    expected = math.fsum(losses * weight) / (2**24 + 2)
    assert loss([0, 1, 1], [0.5, 0.25, 0.25], weight=weight) == pytest.approx(expected, rel=1e-15)


@each_batch
def test_weights_of_zero_sum_to_a_loss_of_zero(loss, t, prediction):
    assert loss(t, prediction, weight=np.zeros(4), reduction="sum") == 0


@each_batch
def test_no_samples_cost_nothing_in_sum(loss, t, prediction):
    t, prediction = t[:0], prediction[:0]
    assert loss(t, prediction, reduction="sum") == 0
    assert loss(t, prediction, reduction="none").shape == (0,)


# Peers


@pytest.mark.parametrize("weight", [None, np.linspace(0.25, 4, 60)], ids=["unweighted", "weighted"])
@pytest.mark.parametrize("reduction", ["sum", "mean"])
def test_scikit_learn_agrees(weight, reduction):
    z = LOGITS["ordinary"]
    options = {"sample_weight": weight, "normalize": reduction == "mean"}
    ours = {"weight": weight, "reduction": reduction}
    p, q = softmax(z), sigmoid(z[:, 0])
    log_loss = sklearn.metrics.log_loss
    assert categorical_cross_entropy(LABELS, p, **ours) == pytest.approx(
        log_loss(LABELS, p, labels=range(10), **options), rel=1e-13
    )
    assert binary_cross_entropy(LABELS % 2, q, **ours) == pytest.approx(log_loss(LABELS % 2, q, **options), rel=1e-13)


@needs_torch
@pytest.mark.parametrize("reduction", ["none", "sum", "mean"])
def test_pytorch_agrees_on_class_weights(reduction):
    z, class_weight = LOGITS["ordinary"], np.linspace(0.25, 4, 10)
    theirs = F.cross_entropy(
        torch.tensor(z), torch.tensor(LABELS), weight=torch.tensor(class_weight), reduction=reduction
    )
    ours = categorical_cross_entropy_with_logits(LABELS, z, weight=class_weight[LABELS], reduction=reduction)
    np.testing.assert_allclose(ours, theirs.numpy(), rtol=1e-12)


@needs_torch
@pytest.mark.parametrize("alpha", [0.0, 0.1, 0.5])
def test_pytorch_agrees_on_label_smoothing(alpha):
    z = LOGITS["ordinary"]
    theirs = F.cross_entropy(torch.tensor(z), torch.tensor(LABELS), label_smoothing=alpha)
    ours = categorical_cross_entropy_with_logits(smooth_labels(one_hot(LABELS, 10), alpha), z)
    assert ours == pytest.approx(theirs.item(), rel=1e-13)


@needs_torch
def test_pytorch_agrees_on_images_with_the_classes_on_axis_one():
    z = np.random.default_rng(10).normal(0, 3, (2, 5, 4, 3))
    labels = np.random.default_rng(11).integers(0, 5, (2, 4, 3))
    theirs = F.cross_entropy(torch.tensor(z), torch.tensor(labels), reduction="none").numpy()
    ours = categorical_cross_entropy_with_logits(labels, z, axis=1, reduction="none")
    np.testing.assert_allclose(ours, theirs, rtol=1e-12)


@needs_torch
@pytest.mark.parametrize("reduction", ["none", "sum", "mean"])
def test_pytorch_agrees_on_the_binary_loss(reduction):
    z = LOGITS["ordinary"]
    t = np.random.default_rng(12).uniform(0, 1, z.shape)
    theirs = F.binary_cross_entropy_with_logits(torch.tensor(z), torch.tensor(t), reduction=reduction)
    ours = binary_cross_entropy_with_logits(t, z, reduction=reduction)
    np.testing.assert_allclose(ours, theirs.numpy(), rtol=1e-11)


@pytest.fixture(scope="module")
def keras_losses():
    return pytest.importorskip("keras").losses


@pytest.mark.parametrize(
    ("name", "options", "loss", "t", "prediction"),
    [
        ("CategoricalCrossentropy", {}, categorical_cross_entropy, _SOFT, _P),
        (
            "CategoricalCrossentropy",
            {"from_logits": True},
            categorical_cross_entropy_with_logits,
            _SOFT,
            _Z,
        ),
        ("SparseCategoricalCrossentropy", {}, categorical_cross_entropy, _HARD, _P),
        (
            "SparseCategoricalCrossentropy",
            {"from_logits": True},
            categorical_cross_entropy_with_logits,
            _HARD,
            _Z,
        ),
        ("BinaryCrossentropy", {}, binary_cross_entropy, _Y[:, None], _P[:, 1:2]),
        (
            "BinaryCrossentropy",
            {"from_logits": True},
            binary_cross_entropy_with_logits,
            _Y[:, None],
            _Z[:, :1],
        ),
    ],
)
@pytest.mark.parametrize("reduction", ["none", "sum", "mean"])
def test_keras_agrees(keras_losses, name, options, loss, t, prediction, reduction):
    theirs = getattr(keras_losses, name)(**options, reduction=reduction, dtype="float64")(t, prediction)
    np.testing.assert_allclose(np.squeeze(loss(t, prediction, reduction=reduction)), theirs, rtol=1e-12)


@pytest.mark.parametrize(("reduction", "expected"), [("sum", np.inf), ("mean", 1e308)])
@pytest.mark.parametrize("loss", [categorical_cross_entropy_with_logits, categorical_cross_entropy_value_and_gradient])
def test_losses_that_add_up_to_more_than_the_dtype_holds_are_infinite_and_have_a_mean(loss, reduction, expected):
    z = np.full((3, 2), [1e308, 0.0])
    found = loss([1, 1, 1], z, reduction=reduction)
    np.testing.assert_allclose(found[0] if isinstance(found, tuple) else found, expected, rtol=1e-15)
