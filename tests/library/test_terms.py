"""What each term of a loss counts: class weights, positive weights, smoothing, labels that are left out."""

import numpy as np
import pytest
from peers import F, needs_torch, torch

import xent_lib

RNG = np.random.default_rng(20261125)
CLASS_WEIGHT = RNG.random(7) + 0.1
Z = RNG.normal(0, 3, (50, 7))
LABELS = RNG.integers(0, 7, 50)
SOFT = RNG.dirichlet(np.ones(7), 50)
PADDED = np.where(np.arange(50) % 5 == 0, -100, LABELS)
REDUCTIONS = ["none", "sum", "mean"]

loss_of = xent_lib.categorical_cross_entropy_with_logits
gradient_of = xent_lib.categorical_cross_entropy_gradient
both_of = xent_lib.categorical_cross_entropy_value_and_gradient


def results(t, z, **options):
    """Return the loss and the gradient, which three functions must agree on."""
    loss, gradient = both_of(t, z, **options)
    np.testing.assert_allclose(loss_of(t, z, **options), loss, rtol=1e-14)
    np.testing.assert_allclose(gradient_of(t, z, **options), gradient, rtol=1e-13, atol=1e-300)
    return loss, gradient


def of_torch(t, z, reduction, **options):
    logits = torch.from_numpy(z).requires_grad_()
    options = {name: torch.from_numpy(x) if isinstance(x, np.ndarray) else x for name, x in options.items()}
    loss = F.cross_entropy(logits, torch.from_numpy(t), reduction=reduction, **options)
    loss.sum().backward()
    return loss.detach().numpy(), logits.grad.numpy()


@needs_torch
@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("t", [LABELS, PADDED], ids=["all", "some left out"])
def test_class_weights_and_left_out_labels_are_those_of_pytorch(t, reduction):
    found = results(t, Z, class_weight=CLASS_WEIGHT, ignore_index=-100, reduction=reduction)
    expected = of_torch(t, Z, reduction, weight=CLASS_WEIGHT, ignore_index=-100)
    for ours, theirs in zip(found, expected, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-11, atol=1e-16)


@needs_torch
@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("t", [LABELS, PADDED, SOFT], ids=["labels", "some left out", "soft"])
def test_smoothing_is_that_of_pytorch(t, reduction):
    ignore = {"ignore_index": -100} if t is PADDED else {}
    found = results(t, Z, label_smoothing=0.2, reduction=reduction, **ignore)
    expected = of_torch(t, Z, reduction, label_smoothing=0.2)
    for ours, theirs in zip(found, expected, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-11, atol=1e-15)


@needs_torch
@pytest.mark.parametrize("smoothing", [0.0, 0.3])
def test_class_weights_of_soft_truths_multiply_each_term(smoothing):
    found = results(SOFT, Z, class_weight=CLASS_WEIGHT, label_smoothing=smoothing, reduction="sum")
    expected = of_torch(SOFT, Z, "sum", weight=CLASS_WEIGHT, label_smoothing=smoothing)
    for ours, theirs in zip(found, expected, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-11, atol=1e-15)


@pytest.mark.parametrize("t", [LABELS, SOFT], ids=["labels", "soft"])
@pytest.mark.parametrize("smoothing", [0.0, 0.3])
def test_the_mean_divides_by_the_sum_of_what_each_term_counts(t, smoothing):
    weight = np.linspace(0, 2, 50)
    options = {"class_weight": CLASS_WEIGHT, "label_smoothing": smoothing, "weight": weight}
    truth = xent_lib.one_hot(t, 7) if t.ndim == 1 else t
    counts = weight * ((1 - smoothing) * truth @ CLASS_WEIGHT + smoothing * CLASS_WEIGHT.mean())
    for ours, summed in zip(
        results(t, Z, reduction="mean", **options), results(t, Z, reduction="sum", **options), strict=True
    ):
        np.testing.assert_allclose(ours, summed / counts.sum(), rtol=1e-13)


@pytest.mark.parametrize("n_classes", [3, 10, 100, 300])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shift", [0, 1000])
@pytest.mark.parametrize("scale", [3, 100])
def test_smoothing_is_the_smoothed_truth(n_classes, dtype, shift, scale):
    rng = np.random.default_rng(n_classes)
    z = (scale * rng.standard_normal((40, n_classes)) + shift).astype(dtype)
    labels, class_weight = rng.integers(0, n_classes, 40), rng.random(n_classes)
    truth = xent_lib.smooth_labels(xent_lib.one_hot(labels, n_classes), 0.1)
    for axis, logits in ((1, z), (0, np.ascontiguousarray(z.T)), (1, np.asfortranarray(z))):
        options = {"axis": axis, "class_weight": class_weight}
        loss, gradient = both_of(labels, logits, label_smoothing=0.1, **options)
        expected = both_of(truth if axis else truth.T, logits, **options)
        np.testing.assert_allclose(loss, expected[0], rtol=8 * np.finfo(dtype).eps)
        np.testing.assert_allclose(gradient, expected[1], rtol=0, atol=np.finfo(dtype).eps)


@pytest.mark.parametrize("ignored", [-100, -1, 255, 3])
def test_what_is_left_out_costs_nothing_and_does_not_count(ignored):
    t = np.where(PADDED == -100, ignored, np.where(ignored == LABELS, 0, LABELS))
    kept = t != ignored
    loss, gradient = both_of(t, Z, ignore_index=ignored)
    expected = both_of(t[kept], Z[kept])
    np.testing.assert_allclose(loss, expected[0], rtol=1e-14)
    np.testing.assert_allclose(gradient[kept], expected[1], rtol=1e-13)
    assert not gradient[~kept].any()
    assert not loss_of(t, Z, ignore_index=ignored, reduction="none")[~kept].any()
    p = xent_lib.softmax(Z)
    np.testing.assert_allclose(xent_lib.categorical_cross_entropy(t, p, ignore_index=ignored), loss, rtol=1e-12)


@pytest.mark.parametrize("function", [loss_of, gradient_of, both_of])
def test_a_mean_of_nothing_but_ignored_labels_says_so(function):
    with pytest.raises(ValueError, match="every label equals ignore_index=-100"):
        function([-100, -100], Z[:2], ignore_index=-100)


def test_the_same_options_cost_the_same_from_probabilities():
    options = {"class_weight": CLASS_WEIGHT, "label_smoothing": 0.1}
    for t in (LABELS, SOFT):
        from_p = xent_lib.categorical_cross_entropy(t, xent_lib.softmax(Z), **options)
        np.testing.assert_allclose(from_p, loss_of(t, Z, **options), rtol=1e-12)


@needs_torch
@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("pos_weight", [3.5, 0.0, np.linspace(0, 4, 60)], ids=["number", "zero", "array"])
@pytest.mark.parametrize("kind", ["hard", "soft"])
def test_positive_weights_are_those_of_pytorch(kind, pos_weight, reduction):
    z = np.concatenate([RNG.normal(0, 3, 50), RNG.uniform(-700, 700, 10)])
    t = RNG.random(60) if kind == "soft" else (RNG.random(60) > 0.5).astype(float)
    logits = torch.from_numpy(z).requires_grad_()
    weight = torch.as_tensor(pos_weight, dtype=torch.float64)
    loss = F.binary_cross_entropy_with_logits(logits, torch.from_numpy(t), pos_weight=weight, reduction=reduction)
    loss.sum().backward()
    options = {"pos_weight": pos_weight, "reduction": reduction}
    ours, gradient = xent_lib.binary_cross_entropy_value_and_gradient(t, z, **options)
    np.testing.assert_allclose(ours, loss.detach().numpy(), rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(gradient, logits.grad.numpy(), rtol=1e-12, atol=2e-15)
    np.testing.assert_allclose(xent_lib.binary_cross_entropy_with_logits(t, z, **options), ours, rtol=1e-14)
    np.testing.assert_allclose(xent_lib.binary_cross_entropy_gradient(t, z, **options), gradient, rtol=1e-14)


@pytest.mark.parametrize("kind", ["hard", "soft"])
def test_positive_weights_count_the_same_from_probabilities(kind):
    z = RNG.normal(0, 3, 60)
    t = RNG.random(60) if kind == "soft" else (RNG.random(60) > 0.5).astype(float)
    from_p = xent_lib.binary_cross_entropy(t, xent_lib.sigmoid(z), pos_weight=2.5)
    np.testing.assert_allclose(from_p, xent_lib.binary_cross_entropy_with_logits(t, z, pos_weight=2.5), rtol=1e-12)


@pytest.mark.parametrize("weight", [1e308, 5e-324, 1e-300])
def test_the_scale_of_the_weights_is_no_matter_to_a_mean(weight):
    for loss, t, prediction, expected in [
        (xent_lib.binary_cross_entropy, [0, 0], [0.5, 0.5], np.log(2)),
        (xent_lib.binary_cross_entropy_with_logits, [0, 0], [0.0, 0.0], np.log(2)),
        (loss_of, [0, 0], [[0.0, 1.0]] * 2, np.log1p(np.e)),
        (xent_lib.categorical_cross_entropy, [0, 0], [[0.25, 0.75]] * 2, np.log(4)),
    ]:
        np.testing.assert_allclose(loss(t, prediction, weight=[weight] * 2), expected, rtol=1e-15)
    gradient = gradient_of([0, 0], [[0.0, 1.0]] * 2, weight=[weight] * 2)
    np.testing.assert_allclose(gradient, gradient_of([0, 0], [[0.0, 1.0]] * 2), rtol=1e-15)
    loss = loss_of([0, 1], [[0.0, 1.0]] * 2, class_weight=[weight, weight])
    np.testing.assert_allclose(loss, np.log1p(np.e) - 0.5, rtol=1e-15)


@pytest.mark.parametrize("weight", [1e38, 1e-44])
def test_weights_at_the_ends_of_float32_keep_the_loss_and_the_gradient(weight):
    loss, gradient = xent_lib.binary_cross_entropy_value_and_gradient(
        [1], np.float32([-10.0]), weight=np.float32(weight)
    )
    np.testing.assert_allclose([loss, *gradient], [10.0000454, -0.9999546], rtol=1e-6)


def test_a_gradient_whose_factor_leaves_the_range_is_right():
    loss, gradient = both_of([0], [[710.0, 709.0]], weight=[5.0], reduction="sum")
    np.testing.assert_allclose(loss, 5 * np.log1p(np.exp(-1)), rtol=1e-14)
    np.testing.assert_allclose(gradient, [[-5 / (1 + np.e), 5 / (1 + np.e)]], rtol=1e-14)


@pytest.mark.parametrize("t", [[[0.500009, 0.5]], np.full((1, 2), np.float32(1 / 3)) * 1.5])
def test_the_gradient_is_that_of_the_loss_also_where_the_truth_sums_to_nearly_1(t):
    z = np.array([[0.3, -1.2]])
    gradient = gradient_of(t, z)
    np.testing.assert_allclose(gradient, np.sum(t) * xent_lib.softmax(z) - t, rtol=1e-7, atol=1e-12)
    assert abs(gradient.sum()) < 1e-15


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"class_weight": [1.0, 2.0]}, r"class_weight has shape \(2,\); it must hold 7 numbers"),
        ({"class_weight": [-1.0] * 7}, "class_weight must hold finite, non-negative numbers: -1.0"),
        ({"label_smoothing": 1.5}, "label_smoothing must lie between 0 and 1, got 1.5"),
        ({"label_smoothing": float("nan")}, "label_smoothing must lie between 0 and 1, got nan"),
    ],
)
def test_a_bad_option_is_named(options, says):
    for function in (loss_of, gradient_of, both_of):
        with pytest.raises(ValueError, match=says):
            function(LABELS, Z, **options)
    with pytest.raises(ValueError, match=says):
        xent_lib.categorical_cross_entropy(LABELS, xent_lib.softmax(Z), **options)


def test_ignoring_is_for_labels():
    with pytest.raises(ValueError, match="ignore_index"):
        loss_of(SOFT, Z, ignore_index=-100)


def test_a_bad_positive_weight_is_named():
    for value, says in [(-1.0, "non-negative"), (np.ones(3), r"pos_weight has shape \(3,\)"), (np.nan, "pos_weight")]:
        with pytest.raises(ValueError, match=says):
            xent_lib.binary_cross_entropy_with_logits([0, 1], [0.0, 1.0], pos_weight=value)


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("class_weight", [[1e308] * 3, [5e-324, 1e308, 1.0]])
def test_a_caller_who_makes_numpy_raise_gets_the_weighted_result(class_weight, reduction):
    t, z = [[1.0, 1e-320, 0.0], [0.5, 0.25, 0.25]], [[0.0, 1.0, 2.0], [3.0, -1.0, 0.0]]
    options = {"class_weight": class_weight, "reduction": reduction}
    expected = both_of(t, z, **options)
    with np.errstate(all="raise"):
        for found, value in zip(both_of(t, z, **options), expected, strict=True):
            np.testing.assert_array_equal(found, value)
        np.testing.assert_array_equal(loss_of(t, z, **options), expected[0])
        xent_lib.categorical_cross_entropy(t, xent_lib.softmax(z), **options)
