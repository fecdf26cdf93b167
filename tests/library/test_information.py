"""Entropy, cross-entropy and divergence: their identities, their limits and their digits."""

import math
import tracemalloc

import exact
import numpy as np
import pytest
import scipy.special
from exact import LOGITS, ulps

from xent_lib import categorical_cross_entropy, cross_entropy, entropy, information, kl_divergence

LN2 = math.log(2)


def distributions(dtype=np.float64):
    """Return two sets of distributions, with a class that is ruled out where the other allows it."""
    rng = np.random.default_rng(2)
    p = scipy.special.softmax(LOGITS["ordinary"], axis=-1)
    t = scipy.special.softmax(rng.normal(0, 2, p.shape), axis=-1)
    t[::3, 4] = 0
    return (t / t.sum(axis=-1, keepdims=True)).astype(dtype), p.astype(dtype)


def exact_divergence(t, p):
    return exact.cross_entropy(t, p) - exact.cross_entropy(t, t)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_entropy_and_cross_entropy_keep_their_digits(dtype):
    t, p = distributions(dtype)
    bound = 3 if dtype == np.float64 else 0.51  # worked in float64 and rounded once
    assert ulps(entropy(t), exact.cross_entropy(t, t)).max() <= bound
    assert ulps(cross_entropy(t, p), exact.cross_entropy(t, p)).max() <= bound


@pytest.mark.parametrize("first", [np.float64, np.float32])
def test_distributions_of_two_dtypes_are_worked_in_the_wider(first):
    second = np.float32 if first == np.float64 else np.float64
    t, p = distributions(first)[0], distributions(second)[1]
    for truth in (t, np.abs(t - first(1e-9)) / np.abs(t - first(1e-9)).sum(axis=-1, keepdims=True)):
        found = cross_entropy(truth, p)
        assert found.dtype == np.float64
        assert ulps(found, exact.cross_entropy(truth, p)).max() <= 3


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_divergence_keeps_the_digits_of_its_terms(dtype):
    t, p = distributions(dtype)
    t_exact, p_exact = exact.exact(t), exact.exact(p)
    terms = exact.xlogy(t_exact, t_exact) - exact.xlogy(t_exact, p_exact)
    assert ulps(kl_divergence(t, p), terms.sum(axis=-1), scale=np.abs(terms).sum(axis=-1)).max() <= 4


@pytest.mark.parametrize(
    ("p", "nats"),
    [
        ([0.5, 0.5], LN2),
        ([0.5, 0.25, 0.25], 1.5 * LN2),
        ([1.0, 0.0, 0.0], 0),
        ([1.0], 0),
        (np.full(1000, 1 / 1000), math.log(1000)),
    ],
)
def test_entropy_of_a_known_distribution(p, nats):
    assert entropy(p) == pytest.approx(nats, rel=1e-15, abs=0)


@pytest.mark.parametrize(
    ("function", "distributions"),
    [
        (entropy, ([0.0, 1.0, 0.0],)),
        (entropy, ([1.0],)),
        (cross_entropy, ([1.0], [1.0])),
        (cross_entropy, ([0.0, 1.0], [0.0, 1.0])),
        (kl_divergence, ([0.0, 1.0], [0.0, 1.0])),
        (kl_divergence, ([0.3, 0.7], [0.3, 0.7])),
    ],
)
def test_what_is_certain_or_equal_costs_plus_zero(function, distributions):
    value = function(*distributions)
    assert value == 0
    assert not np.signbit(value)


@pytest.mark.parametrize("function", [cross_entropy, kl_divergence])
def test_ruling_out_what_happens_costs_infinity(function):
    assert function([0.5, 0.5], [1.0, 0.0]) == np.inf


def test_ruling_out_what_does_not_happen_costs_nothing():
    assert cross_entropy([0.0, 0.5, 0.5], [0.0, 0.5, 0.5]) == LN2
    assert kl_divergence([0.0, 0.5, 0.5], [0.0, 0.5, 0.5]) == 0
    assert kl_divergence([1.0, 0.0], [0.5, 0.5]) == LN2


def test_cross_entropy_is_entropy_plus_divergence():
    t, p = distributions()
    np.testing.assert_allclose(cross_entropy(t, p), entropy(t) + kl_divergence(t, p), rtol=1e-14)


def test_cross_entropy_is_smallest_at_the_truth():
    t, p = distributions()
    assert np.all(cross_entropy(t, p) > cross_entropy(t, t))
    np.testing.assert_array_equal(cross_entropy(t, t), entropy(t))


def test_divergence_is_not_symmetric():
    t, p = [0.5, 0.5], [0.25, 0.75]
    assert kl_divergence(t, p) == pytest.approx(0.5 * math.log(4 / 3), rel=1e-15)
    assert kl_divergence(p, t) == pytest.approx(0.75 * math.log(3) - LN2, rel=1e-15)


def test_divergence_of_nearly_equal_distributions():
    t, p = [0.5, 0.5], [0.5 + 1e-9, 0.5 - 1e-9]
    assert kl_divergence(t, p) == pytest.approx(5.751e-17, abs=0.0005e-17)
    assert kl_divergence(t, p) == pytest.approx(float(exact_divergence(t, p)), rel=1e-15, abs=0)


@pytest.mark.parametrize("power", [2, 3, 8, 15, 20, 26, 50])
def test_divergence_keeps_all_digits_near_equality(power):
    d = 2.0**-power
    t, p = [0.5, 0.5], [0.5 + d, 0.5 - d]
    assert kl_divergence(t, p) == pytest.approx(float(exact_divergence(t, p)), rel=1e-15, abs=0)


@pytest.mark.parametrize("n_outcomes", [3, 4, 7, 10])
@pytest.mark.parametrize("size", [1e-9, 1e-6, 1e-3, 0.1])
def test_divergence_keeps_its_digits_near_equality_with_outcomes_of_any_size(n_outcomes, size):
    rng = np.random.default_rng(n_outcomes)
    t = rng.dirichlet(np.full(n_outcomes, 0.2), 40)
    p = t * (1 + size * rng.uniform(-1, 1, t.shape))
    p /= p.sum(axis=-1, keepdims=True)
    truth = [float(exact_divergence(*pair)) for pair in zip(t, p, strict=True)]
    np.testing.assert_allclose(kl_divergence(t, p), truth, rtol=1e-13)
    np.testing.assert_array_equal(kl_divergence(t.T, p.T, axis=0), kl_divergence(t, p))


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("n_outcomes", [2, 10, 60])
@pytest.mark.parametrize("spread", [1e-4, 0.01, 0.1, 0.3, 0.5, 1.0, 3.0])
def test_divergence_keeps_its_digits_at_every_distance(n_outcomes, spread, dtype):
    """Few nats and many, near terms and far ones in one row: the ways to take the sum meet without a seam."""
    rng = np.random.default_rng(n_outcomes)
    z = rng.normal(0, 2, (20, n_outcomes))
    t = scipy.special.softmax(z, axis=-1).astype(dtype)
    p = scipy.special.softmax(z + rng.normal(0, spread, z.shape), axis=-1).astype(dtype)
    terms = exact.xlogy(exact.exact(t), exact.exact(t)) - exact.xlogy(exact.exact(t), exact.exact(p))
    rest = exact.exact(t) - exact.exact(p)
    size = (np.abs(terms - rest)).sum(axis=-1) + np.abs(rest.sum(axis=-1))  # of what does not cancel
    for found in (kl_divergence(t, p), kl_divergence(np.asfortranarray(t), p), kl_divergence(t.T, p.T, axis=0)):
        assert ulps(found, terms.sum(axis=-1), scale=size.astype(np.float64)).max() <= 12


def test_divergence_of_few_nats_with_entries_far_apart():
    t = np.array([[0.01, 0.99], [1e-6, 1 - 1e-6], [0.3, 0.7], [0.0, 1.0]])
    p = np.array([[0.001, 0.999], [1e-9, 1 - 1e-9], [0.31, 0.69], [1e-12, 1 - 1e-12]])
    truth = [float(exact_divergence(*pair)) for pair in zip(t, p, strict=True)]
    np.testing.assert_allclose(kl_divergence(t, p), truth, rtol=4e-15)


@pytest.mark.parametrize("scale", [2.0**-200, 1, 2.0**200])
@pytest.mark.parametrize("n_outcomes", [2, 3, 31, 33, 1000])
def test_sums_that_nearly_cancel_are_rounded_once(n_outcomes, scale):
    rng = np.random.default_rng(n_outcomes)
    x = scale * rng.normal(0, 1, (50, n_outcomes)) * 10.0 ** rng.integers(-12, 0, (50, 1))
    x[:, -1] = -x[:, :-1].sum(axis=-1)
    truth = [math.fsum(row) for row in x]
    largest = np.abs(x).max()
    np.testing.assert_allclose(information._exact_sums(x.copy()), truth, rtol=3e-16, atol=largest * 2.0**-90)


def test_a_quotient_beyond_the_largest_number_is_a_finite_divergence():
    t, p = np.full((3, 2), 0.5), np.array([[1.0, 5e-324], [1.0, 1e-310], [1.0, 0.0]])
    expected = [0.5 * (math.log(0.25) - math.log(small)) for small in (5e-324, 1e-310)]
    np.testing.assert_allclose(kl_divergence(t, p), [*expected, np.inf], rtol=1e-14)


@pytest.mark.parametrize("function", [lambda t, p, **axis: entropy(p, **axis), cross_entropy, kl_divergence])
@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_many_blocks_along_any_axis_give_what_single_rows_give(function, axis, dtype):
    rng = np.random.default_rng(12)
    t, p = (rng.dirichlet(np.full(37, 0.3), (60, 70)).astype(dtype) for _ in range(2))
    t[::3, ::2] = np.eye(37)[5]
    p[::4, ::3] = t[::4, ::3]
    found = function(*(np.ascontiguousarray(np.moveaxis(x, -1, axis)) for x in (t, p)), axis=axis)
    expected = function(t, p)
    rows = [function(t[i, j], p[i, j]) for i in (0, 4, 59) for j in (0, 6, 69)]
    np.testing.assert_allclose(expected[np.ix_([0, 4, 59], [0, 6, 69])].ravel(), rows, rtol=1e-6, atol=1e-300)
    np.testing.assert_allclose(found, expected, rtol=2e-6 if dtype == np.float32 else 1e-14, atol=1e-30)


@pytest.mark.parametrize("function", [lambda t, p: entropy(p), cross_entropy, kl_divergence])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("shape", [(300_000, 10), (3000, 1000)])
def test_four_megabytes_are_enough_besides_the_result(function, shape, dtype):
    t, p = np.full(shape, 1 / shape[1], dtype), np.full(shape, 1 / shape[1], dtype)
    p[:, 0] *= dtype(1.5)
    p[:, 1] *= dtype(0.5)
    tracemalloc.start()
    result = function(t, p)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak - result.nbytes <= 4_000_000


def test_divergence_of_terms_far_apart_keeps_their_digits_although_each_logarithm_is_large():
    n = 10_000
    t, p = np.full(n, 1 / n), np.resize([1.7 / n, 0.3 / n], n)
    truth = n // 2 * (exact_divergence(t[:1], p[:1]) + exact_divergence(t[:1], p[1:2]))
    np.testing.assert_array_max_ulp(kl_divergence(t, p), np.float64(float(truth)), maxulp=4)


def test_divergence_is_zero_for_equal_distributions_and_positive_otherwise():
    t, p = distributions()
    assert np.all(kl_divergence(t, t) == 0)
    assert np.all(kl_divergence(t, p) > 0)


def test_divergence_does_not_hide_that_the_sums_differ():
    t, p = [0.5, 0.5 - 1e-6], [0.5, 0.5]
    assert cross_entropy(t, p) == pytest.approx(entropy(t) + kl_divergence(t, p), rel=1e-12)
    assert kl_divergence(t, p) < 0


def test_divergence_at_the_ends_of_the_range_is_finite():
    t, p = [1.0, 1e-310], [1.0, 1e-305]
    expected = 1e-310 * math.log(1e-5) + 0  # the first term is 0
    assert kl_divergence(t, p) == pytest.approx(expected, rel=1e-3, abs=0)
    assert kl_divergence([1e-320, 1.0], [1.0, 1e-320]) == pytest.approx(-math.log(1e-320), rel=1e-3)


@pytest.mark.parametrize(("base", "nats_per_unit"), [(2, LN2), (10, math.log(10)), (math.e, 1.0)])
@pytest.mark.parametrize("function", [lambda t, p, **base: entropy(p, **base), cross_entropy, kl_divergence])
def test_another_base_only_rescales(function, base, nats_per_unit):
    t, p = distributions()
    np.testing.assert_allclose(function(t, p, base=base), function(t, p) / nats_per_unit, rtol=1e-15)


@pytest.mark.parametrize("base", [None, 2])
@pytest.mark.parametrize("function", [cross_entropy, kl_divergence])
def test_the_result_has_the_wider_dtype_of_the_two_distributions(function, base):
    for t, p in [(np.float32, np.float32), (np.float32, np.float64), (np.float64, np.float32)]:
        assert function(np.array([0.5, 0.5], t), np.array([0.25, 0.75], p), base=base).dtype == np.result_type(t, p)
    assert entropy(np.float32([0.25, 0.75]), base=base).dtype == np.float32


@pytest.mark.parametrize("bits", [1, 3, 10])
def test_two_to_the_n_equal_outcomes_carry_n_bits(bits):
    p = np.full(2**bits, 0.5**bits)
    assert entropy(p, base=2) == pytest.approx(bits, rel=1e-15)


def test_scipy_agrees():
    t, p = distributions()
    np.testing.assert_allclose(entropy(p), scipy.special.entr(p).sum(axis=-1), rtol=1e-14)
    np.testing.assert_allclose(kl_divergence(t, p), scipy.special.rel_entr(t, p).sum(axis=-1), rtol=1e-13)


def test_cross_entropy_is_the_categorical_loss_before_reduction():
    t, p = distributions()
    np.testing.assert_allclose(cross_entropy(t, p), categorical_cross_entropy(t, p, reduction="none"), rtol=1e-15)


@pytest.mark.parametrize("function", [entropy, cross_entropy, kl_divergence])
def test_a_vector_gives_one_number_and_a_batch_one_per_sample(function):
    p = [0.25, 0.75]
    arguments = 1 if function is entropy else 2
    assert isinstance(function(*[p] * arguments), np.float64)
    assert function(*[[p, p, p]] * arguments).shape == (3,)
    assert function(*[np.zeros((0, 2))] * arguments).shape == (0,)
