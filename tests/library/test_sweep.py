"""The sweep gives the numbers of the plain formulas, on every path, in little memory, whatever adds up the rows."""

import tracemalloc

import numpy as np
import pytest
from numpy.lib.stride_tricks import as_strided

import xent_lib
from xent_lib import _plain, _sweep

DTYPES = [np.float32, np.float64]
RNG = np.random.default_rng(11)


def inputs(n_samples, n_classes):
    """Yield logits that are ordinary, and logits that are not."""
    z = RNG.normal(0, 3, (n_samples, n_classes))
    yield "ordinary", z
    yield "all moved", z + 1000
    one = z.copy()
    one[n_samples // 2, 1] = 1e4
    yield "one odd sample", one
    yield "far apart", np.where(np.arange(n_classes) == 0, 0.0, -740.0) + z / 100
    ruled_out = z.copy()
    ruled_out[:, -1] = -np.inf
    yield "a class ruled out", ruled_out
    some = z.copy()
    some[::3] += 1e5
    yield "every third moved", some


def functions(labels, soft):
    both = xent_lib.categorical_cross_entropy_value_and_gradient
    yield "softmax", lambda z: xent_lib.softmax(z), lambda z: _plain.softmax(_plain.exponentials(z, -1))
    yield "log_softmax", lambda z: xent_lib.log_softmax(z), lambda z: _plain.log_softmax(_plain.exponentials(z, -1))
    yield "logsumexp", lambda z: xent_lib.logsumexp(z), lambda z: _plain.logsumexp(z, -1)
    for name, t in (("labels", labels), ("soft", soft)):
        yield (
            f"loss, {name}",
            lambda z, t=t: both(t, z, reduction="none")[0],
            lambda z, t=t: _plain.categorical_losses(t, _plain.exponentials(z, -1), -1),
        )
        yield (
            f"gradient, {name}",
            lambda z, t=t: both(t, z, reduction="none")[1],
            lambda z, t=t: _plain.categorical_gradient(t, _plain.exponentials(z, -1), -1),
        )


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("n_samples", "n_classes"), [(7, 3), (3000, 10), (3000, 33), (400, 300)])
def test_every_path_gives_what_the_plain_formulas_give(n_samples, n_classes, dtype):
    labels = RNG.integers(0, n_classes - 1, n_samples)
    soft = RNG.dirichlet(np.ones(n_classes), n_samples).astype(dtype)
    soft[:, -1], soft[:, 0] = 0, soft[:, 0] + soft[:, -1]
    for kind, z in inputs(n_samples, n_classes):
        z = z.astype(dtype)
        for name, quick, plain in functions(labels, soft):
            with np.errstate(all="ignore"):
                expected = plain(z)
            tolerance = {"rtol": 8 * np.finfo(dtype).eps, "atol": 16 * np.finfo(dtype).tiny}
            if name == "gradient, soft":
                tolerance["atol"] = 2 * np.finfo(dtype).eps  # a difference of two numbers
            np.testing.assert_allclose(quick(z), expected, **tolerance, err_msg=f"{name}, {kind}")


def adds_one_after_the_other(x, ones):
    return np.add.accumulate(x, axis=-1)[..., -1]


@pytest.mark.parametrize("n_classes", [2, 10, 16, 31])
def test_the_digits_do_not_depend_on_the_order_in_which_the_blas_adds(n_classes, monkeypatch):
    """In a browser, NumPy has no BLAS, and adds one number after the other."""

    class Ones:
        __array_ufunc__ = None

        def __getitem__(self, some):
            return self

        def __rmatmul__(self, x):
            return adds_one_after_the_other(x, self)

    z = np.where(np.arange(n_classes) == 0, 0.0, -RNG.uniform(0, 40, (5000, 1)))
    labels = np.zeros(5000, int)
    expected = np.log1p((n_classes - 1) * np.exp(z[:, 1].astype(np.longdouble)))
    monkeypatch.setattr(_sweep, "ONES", dict.fromkeys(_sweep.ONES, Ones()))
    loss, _ = xent_lib.categorical_cross_entropy_value_and_gradient(labels, z, reduction="none")
    assert (np.abs(loss - expected) / np.spacing(expected.astype(float))).max() <= 4


def peak_beyond(result_bytes, call):
    call()
    tracemalloc.start()
    call()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak - result_bytes


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("kind", ["ordinary", "moved"])
def test_no_call_needs_more_than_4_megabytes_beyond_its_result(kind, dtype):
    shape = (100_000, 40)
    z = RNG.standard_normal(shape, dtype=dtype) + dtype(1000 if kind == "moved" else 0)
    out, labels, soft = np.empty_like(z), RNG.integers(0, 40, shape[0]), np.full(shape, 1 / 40, dtype)
    binary = np.full(4_000_000, 0.5, dtype) * (2000 if kind == "moved" else 1)
    truth, place, half = np.ones(len(binary), dtype), np.empty_like(binary), np.full(len(binary), 0.5, dtype)
    both = xent_lib.categorical_cross_entropy_value_and_gradient
    rows = shape[0] * z.itemsize
    calls = {
        "softmax": (0, lambda: xent_lib.softmax(z, out=out)),
        "log_softmax": (0, lambda: xent_lib.log_softmax(z, out=out)),
        "logsumexp": (rows, lambda: xent_lib.logsumexp(z)),
        "loss": (0, lambda: xent_lib.categorical_cross_entropy_with_logits(labels, z)),
        "loss, soft": (0, lambda: xent_lib.categorical_cross_entropy_with_logits(soft, z)),
        "loss, smoothed": (0, lambda: xent_lib.categorical_cross_entropy_with_logits(labels, z, label_smoothing=0.1)),
        "unreduced loss": (rows, lambda: xent_lib.categorical_cross_entropy_with_logits(labels, z, reduction="none")),
        "both": (0, lambda: both(labels, z, out=out)),
        "both, ignoring": (0, lambda: both(labels, z, ignore_index=3, class_weight=np.ones(40), out=out)),
        "both, soft": (0, lambda: both(soft, z, out=out)),
        "both, smoothed": (0, lambda: both(labels, z, label_smoothing=0.1, out=out)),
        "gradient": (z.nbytes, lambda: xent_lib.categorical_cross_entropy_gradient(labels, z)),
        "binary loss": (0, lambda: xent_lib.binary_cross_entropy_with_logits(truth, binary)),
        "binary, soft": (0, lambda: xent_lib.binary_cross_entropy_with_logits(half, binary)),
        "binary both": (0, lambda: xent_lib.binary_cross_entropy_value_and_gradient(truth, binary, out=place)),
        "sigmoid": (binary.nbytes, lambda: xent_lib.sigmoid(binary)),
    }
    used = {name: peak_beyond(size, call) for name, (size, call) in calls.items()}
    assert {name: size for name, size in used.items() if size > 4 * 2**20} == {}


@pytest.mark.filterwarnings("ignore:the matrix subclass:PendingDeprecationWarning")
@pytest.mark.parametrize("function", [xent_lib.softmax, xent_lib.log_softmax])
@pytest.mark.parametrize("dtype", DTYPES)
def test_out_is_filled_and_returned(function, dtype):
    z = RNG.normal(0, 3, (50, 7)).astype(dtype)
    for out in (np.empty_like(z), np.empty_like(z.T).T, np.empty((50, 14), dtype)[:, ::2], np.matrix(np.zeros_like(z))):
        assert function(z, out=out) is out
        np.testing.assert_array_max_ulp(np.asarray(out), function(z), maxulp=6)
    expected = function(z)
    np.testing.assert_array_equal(function(z, out=z), expected)
    columns = RNG.normal(0, 3, (7, 50)).astype(dtype)
    np.testing.assert_array_equal(function(columns, 0, out=np.empty_like(columns)), function(columns, 0))


def calls_with_out():
    z = np.array([[1.0, 2.0, 3.0]])
    yield "softmax", lambda out: xent_lib.softmax(z, out=out)
    yield "log_softmax", lambda out: xent_lib.log_softmax(z, out=out)
    yield "labels", lambda out: xent_lib.categorical_cross_entropy_value_and_gradient([0], z, out=out)
    yield "binary", lambda out: xent_lib.binary_cross_entropy_value_and_gradient([[0, 1, 1]], z, out=out)


@pytest.mark.parametrize(("name", "call"), list(calls_with_out()))
@pytest.mark.parametrize(
    ("out", "error", "says"),
    [
        ([[0.0, 0.0, 0.0]], TypeError, "out must be a NumPy array, got list"),
        (np.ma.zeros((1, 3)), TypeError, "out is a masked array"),
        (as_strided(np.zeros(3), (1, 3), (24, 0)), ValueError, "out overlaps itself"),
        (as_strided(np.zeros(3), (1, 3), (24, 4)), ValueError, "out overlaps itself"),
        (np.broadcast_to(0.0, (1, 3)), ValueError, "out is read-only"),
        (np.zeros((3, 1)), ValueError, r"out has shape \(3, 1\)"),
        (np.zeros((1, 3), np.float32), ValueError, "out has .* dtype float32"),
        (np.zeros((1, 3), ">f8"), ValueError, "out has .* dtype >f8"),
    ],
)
def test_an_out_that_cannot_be_filled_is_refused_by_name(name, call, out, error, says):
    with pytest.raises(error, match=f"^{says}"):
        call(out)


def test_a_zero_has_no_sign():
    for found in (
        xent_lib.softmax_jacobian([0.0, -2000.0]),
        xent_lib.categorical_cross_entropy_gradient([0], [[0.0, -2000.0]]),
        xent_lib.categorical_cross_entropy_gradient([[1.0, 0.0]], [[0.0, -2000.0]]),
        xent_lib.binary_cross_entropy_gradient([1, 0, 1.0], [2000.0, -2000.0, np.inf]),
        xent_lib.binary_cross_entropy_gradient([0.5, 1.0, 0.0], [0.0, 2000.0, -2000.0]),
        xent_lib.log_softmax([0.0, -2000.0]),
        xent_lib.log_sigmoid([2000.0, np.inf]),
        xent_lib.categorical_cross_entropy_with_logits([0], [[0.0, -2000.0]], reduction="none"),
        xent_lib.binary_cross_entropy([1, 0], [1.0, 0.0], reduction="none"),
    ):
        assert not np.signbit(found[found == 0]).any()


def test_the_logarithm_of_a_sum_says_what_the_sum_says():
    z = [[-np.inf, -np.inf], [np.inf, 0.0], [np.inf, -np.inf], [np.inf, np.inf], [1.0, -np.inf]]
    np.testing.assert_array_equal(xent_lib.logsumexp(z), [-np.inf, np.inf, np.inf, np.inf, 1.0])
    assert xent_lib.logsumexp([-np.inf]) == -np.inf


@pytest.mark.parametrize("axis", [0, 1, 2, -2])
def test_the_jacobian_takes_any_axis(axis):
    z = RNG.normal(0, 3, (3, 4, 5))
    moved = xent_lib.softmax_jacobian(np.moveaxis(z, axis, -1))
    np.testing.assert_array_equal(xent_lib.softmax_jacobian(z, axis=axis), moved)
    assert moved.shape == (*np.moveaxis(z, axis, -1).shape, z.shape[axis])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("kind", ["hard", "soft"])
@pytest.mark.parametrize("pos_weight", [None, 2.5])
def test_every_binary_path_gives_what_the_plain_formulas_give(pos_weight, kind, dtype):
    z = np.concatenate([RNG.normal(0, 3, 30_000), RNG.uniform(-1000, 1000, 3000), [0.0, np.inf, -np.inf]]).astype(dtype)
    t = RNG.integers(0, 2, len(z)).astype(dtype) if kind == "hard" else RNG.random(len(z)).astype(dtype)
    options = {"reduction": "none"} | ({} if pos_weight is None else {"pos_weight": pos_weight})
    loss, gradient = xent_lib.binary_cross_entropy_value_and_gradient(t, z, **options)
    factor = 1.0 if pos_weight is None else pos_weight
    with np.errstate(all="ignore"):
        losses, slopes = _plain.binary_losses(t, z, factor), _plain.binary_gradient(t, z, factor)
        p = _plain.sigmoid(z).astype(dtype)
        of_p = _plain.binary_losses_of_probabilities(t, p, factor)
    tolerance = {"rtol": 8 * np.finfo(dtype).eps, "atol": 16 * np.finfo(dtype).tiny}
    np.testing.assert_allclose(loss, losses, **tolerance)
    np.testing.assert_allclose(gradient, slopes, rtol=8 * np.finfo(dtype).eps, atol=2 * np.finfo(dtype).eps)
    np.testing.assert_allclose(xent_lib.sigmoid(z), _plain.sigmoid(z), **tolerance)
    np.testing.assert_allclose(xent_lib.log_sigmoid(z), _plain.log_sigmoid(z), **tolerance)
    np.testing.assert_allclose(xent_lib.binary_cross_entropy(t, p, **options), of_p, **tolerance)


@pytest.mark.parametrize(
    ("shape", "strides", "overlaps"),
    [
        ((2, 3), (24, 8), False),
        ((3, 2), (8, 24), False),  # transposed
        ((2, 3), (-24, -8), False),
        ((2, 3), (16, 8), True),  # a window that moves by two entries
        ((2, 3), (23, 8), True),
        ((3, 2), (8, 20), True),
        ((1, 3), (0, 8), False),  # an axis of one entry does not move
        ((2, 3), (0, 8), True),  # one row, shown twice
        ((2, 2, 2), (32, 16, 8), False),
        ((2, 2, 2), (24, 16, 8), True),
        ((2, 2, 2), (31, 16, 8), True),
        ((0, 3), (8, 8), False),
        ((1, 1), (0, 0), False),
    ],
)
def test_an_out_whose_entries_share_memory_is_refused_and_no_other(shape, strides, overlaps):
    memory = np.zeros(100)
    start = memory[50:]
    out = as_strided(start, shape, strides)
    z = np.ones(shape)
    if overlaps:
        with pytest.raises(ValueError, match="out overlaps itself"):
            xent_lib.softmax(z, out=out)
    else:
        np.testing.assert_array_equal(xent_lib.softmax(z, out=out), xent_lib.softmax(z))
