"""From logits to probabilities: accurate, stable, and the same as elsewhere."""

import exact
import numpy as np
import pytest
import scipy.special
from exact import DTYPES, LOGITS, NORMAL, below_largest, binary_logits, ulps
from peers import needs_torch, torch
from test_accuracy import P

from xent_lib import log_sigmoid, log_softmax, logsumexp, sigmoid, softmax

ON_AN_AXIS = [softmax, log_softmax, logsumexp]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    ("function", "truth", "bound"), [(sigmoid, exact.sigmoid, 2.5), (log_sigmoid, exact.log_sigmoid, 2)]
)
def test_the_sigmoid_and_its_logarithm_keep_their_digits(function, truth, bound, dtype):
    z = binary_logits(dtype)
    assert ulps(function(z), truth(z)).max() <= (bound if dtype == np.float64 else 3)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("kind", LOGITS)
def test_softmax_keeps_its_digits(kind, dtype):
    z = LOGITS[kind].astype(dtype)
    z = z[below_largest(z).max(axis=-1) < NORMAL[dtype]]
    assert len(z) >= 20
    assert np.all(ulps(softmax(z), exact.softmax(z)) <= (3.5 if dtype == np.float64 else P[dtype]))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("kind", LOGITS)
def test_log_softmax_keeps_its_digits(kind, dtype):
    z = LOGITS[kind].astype(dtype)
    assert np.all(ulps(log_softmax(z), exact.log_softmax(z)) <= 3)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("far", [[], [-80.0]])
def test_log_softmax_of_two_equal_largest_logits(far, dtype):
    value = np.linspace(-20, 20, 2001)[:, None]
    z = np.hstack([value, value, np.broadcast_to(far, (len(value), len(far)))]).astype(dtype)
    np.testing.assert_allclose(log_softmax(z)[:, :2], -np.log(2), rtol=1e-6, atol=0)
    near = np.hstack([z[:, :1], np.nextafter(z[:, :1], np.inf)])
    np.testing.assert_allclose(log_softmax(near), -np.log(2), rtol=1e-5, atol=0)


@pytest.mark.parametrize("function", ON_AN_AXIS)
def test_logits_whose_difference_overflows_give_the_limit(function):
    limits = {softmax: [1.0, 0.0], log_softmax: [0.0, -np.inf], logsumexp: 1e308}
    np.testing.assert_array_equal(function([1e308, -1e308]), limits[function])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("kind", LOGITS)
def test_logsumexp_keeps_its_digits(kind, dtype):
    z = LOGITS[kind].astype(dtype)
    truth = exact.logsumexp(z)
    assert ulps(logsumexp(z), truth, scale=np.maximum(1, np.abs(truth))).max() <= 2


@pytest.mark.parametrize(
    ("function", "z", "expected"),
    [
        (sigmoid, [40.0, -40.0], [1.0, 4.248354255291589e-18]),
        (log_sigmoid, [40.0, -40.0], [-4.248354255291589e-18, -40.0]),
        (softmax, [40.0, 0.0], [1.0, 4.248354255291589e-18]),
        (log_softmax, [40.0, 0.0], [-4.248354255291589e-18, -40.0]),
        (logsumexp, [[0.0, -40.0]], [4.248354255291589e-18]),
    ],
)
def test_a_tiny_value_keeps_its_digits(function, z, expected):
    np.testing.assert_array_max_ulp(function(z), np.array(expected), maxulp=1)


@pytest.mark.parametrize(
    ("function", "z", "expected"),
    [
        (sigmoid, [0.0, 1e4, -1e4, 1e308, -1e308, np.inf, -np.inf], [0.5, 1, 0, 1, 0, 1, 0]),
        (log_sigmoid, [1e4, -1e4, 1e308, -1e308, np.inf, -np.inf], [0, -1e4, 0, -1e308, 0, -np.inf]),
        (softmax, [1e4, -1e4], [1, 0]),
        (softmax, [1e308, 1e308], [0.5, 0.5]),
        (softmax, [-1e308, -1e308], [0.5, 0.5]),
        (softmax, [1e308, 0.0, -np.inf], [1, 0, 0]),
        (softmax, [-1e308, 0.0], [0, 1]),
        (log_softmax, [1e4, -1e4], [0, -2e4]),
        (log_softmax, [1e308, 0.0], [0, -1e308]),
        (log_softmax, [0.0, -np.inf], [0, -np.inf]),
        (log_softmax, [-1e308, -np.inf], [0, -np.inf]),
        (logsumexp, [[1e4, -1e4], [-1e4, -1e4 - 800]], [1e4, -1e4]),
        (logsumexp, [[1e308, 0.0], [-1e308, -np.inf], [5.0, -np.inf]], [1e308, -1e308, 5]),
    ],
)
def test_extreme_logits_give_the_limit(function, z, expected):
    np.testing.assert_array_equal(function(z), expected)


@pytest.mark.parametrize("function", [sigmoid, log_sigmoid, softmax, log_softmax, logsumexp])
def test_the_largest_float32_logit_does_not_overflow(function):
    assert np.all(np.isfinite(function(np.float32([[3e38, 0.0]]))))


@pytest.mark.parametrize("function", ON_AN_AXIS)
def test_a_logit_of_minus_infinity_takes_its_class_out(function):
    with_class, without = function([1.0, -np.inf, 2.0]), function([1.0, 2.0])
    np.testing.assert_array_equal(np.delete(with_class, 1) if np.ndim(with_class) else with_class, without)


@pytest.mark.parametrize("shift", [1024.0, -4096.0, 2.0**40])
@pytest.mark.parametrize("function", [softmax, log_softmax])
def test_softmax_of_shifted_logits_is_the_same(function, shift):
    z = np.array([[3.0, -2.0, 0.5], [8.0, 8.0, -7.25]])
    np.testing.assert_array_max_ulp(function(z + shift), function(z), maxulp=4)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("kind", LOGITS)
def test_softmax_sums_to_one(kind, dtype):
    sums = softmax(LOGITS[kind].astype(dtype)).sum(axis=-1, dtype=np.float64)
    assert np.abs(sums - 1).max() <= 4 * np.finfo(dtype).eps


def test_logsumexp_of_a_vector_is_one_number():
    assert isinstance(logsumexp([1.0, 2.0]), np.float64)
    assert isinstance(logsumexp(np.float32([1, 2])), np.float32)


def test_logsumexp_drops_the_axis_of_the_classes_alone():
    z = np.arange(6.0).reshape(2, 1, 3)
    assert logsumexp(z).shape == (2, 1)
    np.testing.assert_allclose(logsumexp(z), scipy.special.logsumexp(z, axis=-1), rtol=1e-15)


@pytest.mark.parametrize(("function", "expected"), [(softmax, [[1.0]]), (log_softmax, [[0.0]]), (logsumexp, [7.0])])
def test_a_single_class_is_certain(function, expected):
    np.testing.assert_array_equal(function([[7.0]]), expected)


@pytest.mark.parametrize(
    ("function", "shape"), [(softmax, (0, 3)), (log_softmax, (0, 3)), (logsumexp, (0,)), (sigmoid, (0, 3))]
)
def test_no_samples_give_no_results(function, shape):
    assert function(np.zeros((0, 3))).shape == shape


def test_sigmoid_is_the_softmax_of_the_logit_and_zero():
    z = binary_logits(np.float64)
    pairs = softmax(np.stack([np.zeros_like(z), z], axis=-1))
    np.testing.assert_array_max_ulp(sigmoid(z), pairs[:, 1], maxulp=4)


@needs_torch
@pytest.mark.parametrize(
    ("function", "peer"),
    [
        (sigmoid, scipy.special.expit),
        (log_sigmoid, scipy.special.log_expit),
        (softmax, lambda z: scipy.special.softmax(z, axis=-1)),
        (log_softmax, lambda z: scipy.special.log_softmax(z, axis=-1)),
        (logsumexp, lambda z: scipy.special.logsumexp(z, axis=-1)),
        (sigmoid, lambda z: torch.sigmoid(torch.tensor(z)).numpy()),
        (log_sigmoid, lambda z: torch.nn.functional.logsigmoid(torch.tensor(z)).numpy()),
        (softmax, lambda z: torch.softmax(torch.tensor(z), -1).numpy()),
        (log_softmax, lambda z: torch.log_softmax(torch.tensor(z), -1).numpy()),
        (logsumexp, lambda z: torch.logsumexp(torch.tensor(z), -1).numpy()),
    ],
    ids=[f"{peer}-{n}" for peer in ("scipy", "torch") for n in range(5)],
)
def test_scipy_and_pytorch_agree(function, peer):
    z = LOGITS["ordinary"]
    np.testing.assert_allclose(function(z), peer(z), rtol=1e-12, atol=1e-15)
