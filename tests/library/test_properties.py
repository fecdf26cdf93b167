"""What holds for every input, tried on inputs that Hypothesis makes up."""

import tracemalloc
import warnings

import exact
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import xent_lib
from xent_lib import _blocks, _plain, _sweep

every_input = settings(derandomize=True, deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])

DTYPES = st.sampled_from([np.float32, np.float64])


@st.composite
def batches(draw, dtype=None, masked=True):
    """Draw (labels, logits): ordinary, huge and, if `masked`, ruled-out logits; 1 to 6 samples, 1 to 5 classes."""
    dtype = dtype or draw(DTYPES)
    shape = draw(st.tuples(st.integers(1, 6), st.integers(1, 5)))
    scale = draw(st.sampled_from([0.1, 3.0, 100.0, 1e4]))
    z = draw(hnp.arrays(dtype, shape, elements=st.floats(-1, 1, width=32))) * dtype(scale)
    labels = draw(hnp.arrays(np.int64, shape[0], elements=st.integers(0, shape[1] - 1)))
    if masked:
        ruled_out = draw(hnp.arrays(bool, shape))
        ruled_out[np.arange(shape[0]), labels] = False
        z = np.where(ruled_out, dtype(-np.inf), z)
    return labels, z


@st.composite
def soft_batches(draw):
    """Draw (distributions, logits) of float64."""
    _, z = draw(batches(np.float64, masked=False))
    share = draw(hnp.arrays(np.float64, z.shape, elements=st.floats(0, 1))) + 1e-3
    return share / share.sum(axis=-1, keepdims=True), z


def tolerance(dtype):
    return {"rtol": 16 * np.finfo(dtype).eps, "atol": 16 * np.finfo(dtype).tiny}


loss_of = xent_lib.categorical_cross_entropy_with_logits
gradient_of = xent_lib.categorical_cross_entropy_gradient
both_of = xent_lib.categorical_cross_entropy_value_and_gradient


@every_input
@given(batches(np.float64), st.integers(-1000, 1000))
def test_adding_a_number_to_all_logits_of_a_sample_changes_nothing(batch, shift):
    labels, z = batch
    z = np.round(z * 16) / 16  # so that the sum is exact
    np.testing.assert_allclose(xent_lib.softmax(z + shift), xent_lib.softmax(z), **tolerance(z.dtype))
    for function in (loss_of, gradient_of):
        found, expected = (function(labels, x, reduction="none") for x in (z + shift, z))
        np.testing.assert_allclose(found, expected, **tolerance(z.dtype))
    for found, expected in zip(*(both_of(labels, x, reduction="none") for x in (z + shift, z)), strict=True):
        np.testing.assert_allclose(found, expected, **tolerance(z.dtype))


@every_input
@given(batches(), st.randoms(use_true_random=False))
def test_the_order_of_the_classes_changes_nothing(batch, random):
    labels, z = batch
    order = np.array(random.sample(range(z.shape[1]), z.shape[1]))
    moved = np.argsort(order)[labels]
    np.testing.assert_allclose(loss_of(moved, z[:, order]), loss_of(labels, z), **tolerance(z.dtype))
    for function in (gradient_of, lambda *a: both_of(*a)[1]):
        np.testing.assert_allclose(function(moved, z[:, order]), function(labels, z)[:, order], **tolerance(z.dtype))


@every_input
@given(batches())
def test_one_hot_truths_cost_what_integer_labels_cost(batch):
    labels, z = batch
    t = xent_lib.one_hot(labels, z.shape[1])
    for function in (loss_of, gradient_of):
        found, expected = (function(truth, z, reduction="none") for truth in (t, labels))
        np.testing.assert_allclose(found, expected, **tolerance(z.dtype))
    for found, expected in zip(*(both_of(truth, z, reduction="none") for truth in (t, labels)), strict=True):
        np.testing.assert_allclose(found, expected, **tolerance(z.dtype))


@every_input
@given(batches(), st.booleans())
def test_the_sweep_gives_the_loss_and_the_gradient_of_the_plain_functions(batch, weighted):
    labels, z = batch
    weight = np.linspace(0.25, 2, len(z)) if weighted else None
    for reduction in ("none", "sum", "mean"):
        out = np.full_like(z, np.nan)
        loss, gradient = both_of(labels, z, weight=weight, reduction=reduction, out=out)
        assert gradient is out
        expected = loss_of(labels, z, weight=weight, reduction=reduction)
        np.testing.assert_allclose(loss, expected, **tolerance(z.dtype))
        expected = gradient_of(labels, z, weight=weight, reduction=reduction)
        np.testing.assert_allclose(gradient, expected, **tolerance(z.dtype))


@every_input
@given(batches(), st.data())
def test_the_binary_sweep_gives_the_loss_and_the_gradient_of_the_plain_functions(batch, data):
    _, z = batch
    z = np.where(np.isinf(z), 0, z)
    t = data.draw(hnp.arrays(z.dtype, z.shape, elements=st.sampled_from([0.0, 1.0, 0.25]), fill=st.just(1.0)))
    for reduction in ("none", "sum", "mean"):
        loss, gradient = xent_lib.binary_cross_entropy_value_and_gradient(t, z, reduction=reduction)
        expected = xent_lib.binary_cross_entropy_with_logits(t, z, reduction=reduction)
        np.testing.assert_allclose(loss, expected, **tolerance(z.dtype))
        expected = xent_lib.binary_cross_entropy_gradient(t, z, reduction=reduction)
        np.testing.assert_allclose(gradient, expected, **tolerance(z.dtype))


@pytest.mark.parametrize("n_samples", [1, 255, 256, 257, 6553, 6554, 13107])
@pytest.mark.parametrize("n_classes", [10, 33, 300])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_batch_of_several_blocks_is_done_like_one(n_samples, n_classes, dtype):
    if n_samples * n_classes > 500_000:
        n_samples = 3 * max(1, _blocks.BLOCK // n_classes) + 1
    rng = np.random.default_rng(n_samples)
    labels = rng.integers(0, n_classes, n_samples)
    z = rng.normal(0, 3, (n_samples, n_classes)).astype(dtype)
    z[::7] += 1e4  # rows that only the plain form can do
    loss, gradient = both_of(labels, z, reduction="none")
    np.testing.assert_allclose(loss, loss_of(labels, z, reduction="none"), **tolerance(dtype))
    np.testing.assert_allclose(gradient, gradient_of(labels, z, reduction="none"), **tolerance(dtype))


@pytest.mark.parametrize("n_classes", [3 * _sweep.PIECE + 1, 3 * _sweep.WIDE + 1])
def test_the_sums_of_the_pieces_of_a_row_are_added_in_float64(n_classes):
    step = _sweep.PIECE if n_classes < _sweep.WIDE else _sweep.WIDE
    x = np.zeros((1, n_classes), np.float32)
    x[0, [0, step, -1]] = 2**24, 1, 1
    assert _sweep.sums(x, False) == 2**24 + 2


@pytest.mark.parametrize("weight", [None, np.linspace(0, 2, 60)], ids=["unweighted", "weighted"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_ordinary_logits_never_need_the_plain_form(dtype, weight, monkeypatch):
    for name in ("exponentials", "sigmoid", "log_sigmoid"):
        monkeypatch.setattr(_plain, name, lambda *_, **__: pytest.fail("needs the plain form"))
    z = np.concatenate([exact.LOGITS["ordinary"], exact.LOGITS["right"]], axis=-1).astype(dtype)
    for values, t in [(z, exact.LABELS), (-z, exact.LABELS), (z[:, 0], exact.LABELS % 2), (z[:, 1], exact.LABELS < 3)]:
        both = both_of if values.ndim == 2 else xent_lib.binary_cross_entropy_value_and_gradient
        loss, gradient = both(t, values, weight=weight, out=np.empty_like(values))
        assert np.isfinite(loss)
        assert np.all(np.isfinite(gradient))


@pytest.mark.parametrize("shape", [(70_000,), (3, 70_000), (300, 70, 11)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_binary_batch_of_several_blocks_is_done_like_one(shape, dtype):
    rng = np.random.default_rng(8)
    z = rng.normal(0, 30, shape).astype(dtype)
    t = rng.integers(0, 2, shape)
    loss, gradient = xent_lib.binary_cross_entropy_value_and_gradient(t, z, reduction="none")
    expected = xent_lib.binary_cross_entropy_with_logits(t, z, reduction="none")
    np.testing.assert_allclose(loss, expected, **tolerance(dtype))
    np.testing.assert_allclose(
        gradient, xent_lib.binary_cross_entropy_gradient(t, z, reduction="none"), **tolerance(dtype)
    )


@pytest.mark.parametrize("axis", [0, 1, 2, -1])
def test_the_sweep_takes_the_classes_from_any_axis_of_any_layout(axis):
    rng = np.random.default_rng(9)
    z = rng.normal(0, 3, (40, 50, 60)).transpose(2, 0, 1)
    labels = rng.integers(0, z.shape[axis], [n for i, n in enumerate(z.shape) if i != axis % 3])
    out = np.empty((120, 40, 50))[::2]
    loss, gradient = both_of(labels, z, axis=axis, out=out)
    np.testing.assert_allclose(loss, loss_of(labels, z, axis=axis), rtol=1e-14)
    np.testing.assert_allclose(gradient, gradient_of(labels, z, axis=axis), rtol=1e-13)


@pytest.mark.parametrize("soft", [False, True])
def test_the_gradient_may_be_written_over_the_logits(soft):
    rng = np.random.default_rng(10)
    z = rng.normal(0, 3, (5000, 30))
    z[::9] -= 1e4
    t = xent_lib.softmax(rng.normal(0, 1, z.shape)) if soft else rng.integers(0, 30, 5000)
    expected_loss, expected = both_of(t, z)
    loss, gradient = both_of(t, z, out=z)
    assert gradient is z
    assert loss == expected_loss
    np.testing.assert_array_equal(gradient, expected)


def test_the_gradient_may_be_written_across_the_logits():
    buffer = np.random.default_rng(11).normal(0, 3, (5001, 30))
    z, out, labels = buffer[:-1], buffer[1:], np.arange(5000) % 30
    _, expected = both_of(labels, z.copy())
    np.testing.assert_array_equal(both_of(labels, z, out=out)[1], expected)


def test_the_gradient_may_be_written_over_the_truth():
    z = np.random.default_rng(12).normal(0, 3, (5000, 30))
    t = xent_lib.softmax(z[::-1])
    _, expected = both_of(t, z)
    np.testing.assert_array_equal(both_of(t, z, out=t)[1], expected)


@pytest.mark.parametrize("t", [1, 0.25])
@pytest.mark.parametrize("over", ["t", "z"])
def test_the_binary_gradient_may_be_written_over_the_truth_or_the_logits(t, over):
    z = np.random.default_rng(13).normal(0, 3, 200_000)
    t = np.full(z.shape, t, float)
    _, expected = xent_lib.binary_cross_entropy_value_and_gradient(t, z)
    _, found = xent_lib.binary_cross_entropy_value_and_gradient(t, z, out=t if over == "t" else z)
    np.testing.assert_array_equal(found, expected)


def test_the_gradient_may_be_written_over_the_weights():
    rng = np.random.default_rng(14)
    z, t, weight = rng.normal(0, 3, 300), rng.integers(0, 2, 300), rng.uniform(0.5, 2, 300)
    expected, slopes = xent_lib.binary_cross_entropy_value_and_gradient(t, z, weight=weight)
    loss, gradient = xent_lib.binary_cross_entropy_value_and_gradient(t, z, weight=weight, out=weight)
    assert loss == expected
    np.testing.assert_array_equal(gradient, slopes)


@pytest.mark.parametrize("over", ["t", "z"])
def test_the_gradient_of_a_large_batch_may_be_written_one_place_beside_its_input(over):
    rng = np.random.default_rng(9)
    buffer = rng.integers(0, 2, 200_001).astype(float)
    beside, other = buffer[:-1], rng.integers(0, 2, 200_000).astype(float)
    t, z = (beside, other) if over == "t" else (other, beside)
    _, expected = xent_lib.binary_cross_entropy_value_and_gradient(t.copy(), z.copy())
    _, found = xent_lib.binary_cross_entropy_value_and_gradient(t, z, out=buffer[1:])
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("labels_dtype", [np.intp, np.int32])
@pytest.mark.parametrize(
    "shape", [(10**6, 3), (3000, 1000), (100, 32_000), (4, 21, 200, 200)], ids=["narrow", "square", "wide", "images"]
)
def test_the_sweep_needs_four_megabytes_besides_input_and_output(shape, labels_dtype, dtype):
    axis = 1
    z = np.zeros(shape, dtype)
    labels = np.zeros((shape[0], *shape[2:]), labels_dtype)
    as_index = 0 if labels_dtype == np.intp else 8 * labels.size
    for out in (np.empty_like(z), z):
        assert _peak(lambda out=out: both_of(labels, z, axis=axis, out=out)) <= 4_000_000 + as_index


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("share", [0, 0.25], ids=["hard", "soft"])
def test_the_binary_sweep_needs_four_megabytes_besides_input_and_output(share, dtype):
    z, t = np.zeros(3_000_000, dtype), np.full(3_000_000, share, dtype)
    out = np.empty_like(z)
    assert _peak(lambda: xent_lib.binary_cross_entropy_value_and_gradient(t, z, out=out)) <= 4_000_000


def _peak(function):
    """Return how many bytes of memory the call needs, at most, at one time."""
    tracemalloc.start()
    function()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


@pytest.mark.parametrize("function", [loss_of, gradient_of, both_of])
def test_a_bad_entry_is_named_by_its_place_in_the_whole_array(function):
    z = np.zeros((30_000, 10))
    z[20_123, 4] = np.nan
    with pytest.raises(ValueError, match=r"z contains NaN: nan at index \(20123, 4\)"):
        function(np.zeros(30_000, dtype=int), z)


@every_input
@given(batches())
def test_sum_and_mean_agree_with_the_single_losses(batch):
    labels, z = batch
    single = loss_of(labels, z, reduction="none").astype(np.float64)
    np.testing.assert_allclose(loss_of(labels, z, reduction="sum"), single.sum(), **tolerance(z.dtype))
    np.testing.assert_allclose(loss_of(labels, z), single.mean(), **tolerance(z.dtype))


@every_input
@given(batches(), st.data())
def test_a_weight_counts_a_sample_that_often(batch, data):
    labels, z = batch
    times = data.draw(hnp.arrays(np.int64, len(z), elements=st.integers(0, 3)).filter(np.any))
    repeated = loss_of(np.repeat(labels, times.astype(np.intp)), np.repeat(z, times.astype(np.intp), axis=0))
    np.testing.assert_allclose(loss_of(labels, z, weight=times), repeated, **tolerance(z.dtype))
    np.testing.assert_allclose(both_of(labels, z, weight=times)[0], repeated, **tolerance(z.dtype))


@every_input
@given(soft_batches())
def test_a_soft_truth_costs_the_average_of_the_classes_it_mixes(batch):
    t, z = batch
    rows = range(z.shape[1])
    each = np.stack([loss_of(np.full(len(z), k), z, reduction="none") for k in rows], axis=-1)
    np.testing.assert_allclose(loss_of(t, z, reduction="none"), (t * each).sum(axis=-1), rtol=1e-14, atol=1e-300)


@every_input
@given(batches(), st.booleans())
def test_the_gradient_of_a_sample_sums_to_zero(batch, soft):
    labels, z = batch
    t = xent_lib.one_hot(labels, z.shape[1]) if soft else labels
    eps = float(np.finfo(z.dtype).eps)
    assert np.abs(gradient_of(t, z, reduction="none").sum(axis=-1, dtype=np.float64)).max() <= 4 * eps
    assert np.abs(both_of(t, z, reduction="none")[1].sum(axis=-1, dtype=np.float64)).max() <= 8 * eps


@every_input
@given(soft_batches())
def test_cross_entropy_is_entropy_plus_divergence(batch):
    t, z = batch
    p = xent_lib.softmax(z / max(1.0, float(np.abs(z).max()) / 30))
    both = xent_lib.entropy(t) + xent_lib.kl_divergence(t, p)
    np.testing.assert_allclose(xent_lib.cross_entropy(t, p), both, rtol=1e-13, atol=1e-14)


@every_input
@given(batches())
def test_the_axis_of_the_classes_may_be_any(batch):
    labels, z = batch
    for function in (loss_of, gradient_of, lambda *a, **k: both_of(*a, **k)[1]):
        found, expected = function(labels, z.T, axis=0, reduction="none"), function(labels, z, reduction="none")
        np.testing.assert_array_equal(found.T, expected)


@every_input
@given(batches())
def test_the_dtype_is_kept_nothing_is_written_to_the_input_and_nothing_warns(batch):
    labels, z = batch
    before, p = z.copy(), xent_lib.softmax(z)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for function in (xent_lib.softmax, xent_lib.log_softmax, xent_lib.logsumexp, xent_lib.softmax_jacobian):
            assert function(z).dtype == z.dtype
        for function in (loss_of, gradient_of, lambda *a: both_of(*a)[0], lambda *a: both_of(*a)[1]):
            assert function(labels, z).dtype == z.dtype
        for function in (xent_lib.entropy, lambda p: xent_lib.categorical_cross_entropy(labels, p)):
            assert function(p).dtype == z.dtype
    np.testing.assert_array_equal(z, before)
