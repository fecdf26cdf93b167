"""The bounds that the library promises, in units in the last place, against mpmath at 60 digits.

A number is looked at where the truth is at least four times the smallest normal number of the dtype: below,
floating-point numbers have fewer digits.
"""

import exact
import numpy as np
import pytest
from exact import ulps
from scipy.special import expit, log_expit

import xent_lib

#: The largest errors in float32 and in float64, by what is computed; the page of the library quotes them.
BOUNDS = {
    "categorical loss from logits with class labels; its gradient at the label": (3, 4),
    "log-softmax, every entry": (3, 5),
    "softmax; the gradient at the other classes": (8, 8),
    "log-sum-exp: in ulp of the larger of it and 1/2": (4, 4),
    "binary loss from logits with labels 0 and 1; its gradient; sigmoid; log-sigmoid": (2.5, 2.5),
    "losses with soft truths, losses from probabilities, entropy, cross-entropy, divergence: in ulp of the sum of "
    "the absolute terms": (4, 4),
    "gradient with soft truths: in ulp of the sum of its two terms": (6, 6),
}
LABEL, LOG_P, P, LOG_SUM, BINARY, TERMS, SOFT_GRADIENT = (
    {np.float32: single, np.float64: double} for single, double in BOUNDS.values()
)
DTYPES = [np.float64, np.float32]
SHAPES = [(200, 2), (60, 10), (2, 1000)]


def cases(n_samples, n_classes):
    rng = np.random.default_rng(20241122)
    labels = rng.integers(0, n_classes, n_samples)
    at_label = np.arange(n_classes) == labels[:, np.newaxis]
    ordinary = rng.normal(0, 3, (n_samples, n_classes))
    sure = rng.uniform(1, 700, (n_samples, 1))
    return labels, {
        "ordinary": ordinary,
        "wide": rng.uniform(-1e4, 1e4, (n_samples, n_classes)),
        "between": rng.uniform(-40, 40, (n_samples, n_classes)),
        "confident": np.where(at_label, sure, ordinary / 10),
        "equal others": np.where(at_label, 0, -sure / 9),
        "wrong": ordinary - np.where(at_label, rng.uniform(1, 1e4, (n_samples, 1)), 0),
        "offset": ordinary + rng.uniform(-1e4, 1e4, (n_samples, 1)),
        "tied": np.where(np.arange(n_classes) < 2, ordinary.max(axis=1, keepdims=True) + 1, ordinary),
    }


def is_normal(truth, dtype):
    smallest = 4 * float(np.finfo(dtype).tiny)
    return np.array([abs(x) >= smallest for x in np.asarray(truth).flat]).reshape(np.shape(truth))


def worst(actual, truth):
    """Return the largest distance in ulp where the truth is a normal number; there must be one."""
    truth = np.asarray(truth)
    normal = is_normal(truth, actual.dtype)
    assert np.all(np.isfinite(actual))
    assert normal.any()
    return ulps(actual[normal], truth[normal]).max()


def layouts(z):
    """Yield the axis of the classes and the logits in rows, in columns, and with the columns next to each other."""
    yield 1, z
    yield 0, np.ascontiguousarray(z.T)
    yield 1, np.asfortranarray(z)


def of_samples(result, axis):
    return result if axis == 1 or result.ndim == 1 else result.T


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    ("n_samples", "n_classes", "kind"), [(*shape, kind) for shape in SHAPES for kind in cases(1, 2)[1]]
)
def test_every_digit_of_the_categorical_loss_and_its_gradient(n_samples, n_classes, kind, dtype):
    labels, logits = cases(n_samples, n_classes)
    z, rows = logits[kind].astype(dtype), np.arange(n_samples)
    if kind == "confident" and dtype == np.float32:
        z = np.where(z > 80, z / 9, z).astype(dtype)  # else no loss would be a normal number
    p, others = exact.softmax_and_others(z) if n_classes <= 10 else exact.softmax_and_others_by_sums(z)
    log_p = -exact.log1p(others / p)
    is_other = np.arange(n_classes) != labels[:, np.newaxis]

    for axis, same in layouts(z):
        assert worst(of_samples(xent_lib.log_softmax(same, axis=axis), axis), log_p) <= LOG_P[dtype]
        assert worst(of_samples(xent_lib.softmax(same, axis=axis), axis), p) <= P[dtype]
        loss = xent_lib.categorical_cross_entropy_with_logits(labels, same, axis=axis, reduction="none")
        gradient = xent_lib.categorical_cross_entropy_gradient(labels, same, axis=axis, reduction="none")
        both = xent_lib.categorical_cross_entropy_value_and_gradient(labels, same, axis=axis, reduction="none")
        for loss_found, gradient_found in [(loss, gradient), both]:
            slopes = of_samples(gradient_found, axis)
            assert loss_found.dtype == slopes.dtype == dtype
            assert worst(loss_found, -log_p[rows, labels]) <= LABEL[dtype]
            assert worst(slopes[rows, labels], -others[rows, labels]) <= LABEL[dtype]
            assert worst(slopes[is_other], p[is_other]) <= P[dtype]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("kind", ["ordinary", "equal others", "offset"])
def test_every_digit_of_32000_classes(kind, dtype):
    labels, logits = cases(1, 32000)
    z = logits[kind].astype(dtype)
    columns = np.append(np.arange(0, 32000, 160), labels)
    p, others = exact.softmax_and_others_at(z, columns)
    assert worst(xent_lib.log_softmax(z)[:, columns], -exact.log1p(others / p)) <= LOG_P[dtype]
    assert worst(xent_lib.softmax(z)[:, columns], p) <= P[dtype]
    both = xent_lib.categorical_cross_entropy_value_and_gradient(labels, z, reduction="none")
    assert worst(both[0], -exact.log(p[:, -1])) <= LABEL[dtype]
    assert worst(both[1][:, labels[0]], -others[:, -1]) <= LABEL[dtype]
    at_others = columns != labels[0]
    assert worst(both[1][:, columns[at_others]], p[:, at_others]) <= P[dtype]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("kind", cases(1, 2)[1])
@pytest.mark.parametrize("shape", [(60, 10), (3, 100)])
def test_every_digit_of_the_logarithm_of_the_sum(shape, kind, dtype):
    z = cases(*shape)[1][kind].astype(dtype)
    truth = exact.logsumexp(z)
    for axis, same in layouts(z):
        found = xent_lib.logsumexp(same, axis=axis)
        scale = np.maximum(np.abs(truth.astype(float)), 0.5)  # near 0, it is a difference of larger numbers
        assert ulps(found, truth, scale=scale).max() <= LOG_SUM[dtype]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("kind", cases(1, 2)[1])
@pytest.mark.parametrize("shape", [(60, 10), (3, 100)])
def test_every_digit_of_soft_truths(shape, kind, dtype):
    labels, logits = cases(*shape)
    z = logits[kind].astype(dtype)
    rng = np.random.default_rng(7)
    soft = rng.dirichlet(np.full(shape[1], 0.3), shape[0])
    soft[::3] = np.eye(shape[1])[labels[::3]]
    soft = soft.astype(dtype)
    t = exact.exact(soft)
    p, others = exact.softmax_and_others(z)
    terms = t * exact.log1p(others / p)
    other_truths = t @ (1 - np.eye(shape[1], dtype=int))
    for axis, same in layouts(z):
        truth = soft if axis else soft.T
        both = xent_lib.categorical_cross_entropy_value_and_gradient(truth, same, axis=axis, reduction="none")
        alone = (
            xent_lib.categorical_cross_entropy_with_logits(truth, same, axis=axis, reduction="none"),
            xent_lib.categorical_cross_entropy_gradient(truth, same, axis=axis, reduction="none"),
        )
        for loss, gradient in (both, alone):
            assert worst(loss, terms.sum(axis=1)) <= TERMS[dtype]
            size = other_truths * p + t * others
            normal = is_normal(size, dtype)
            found, slope = of_samples(gradient, axis)[normal], (other_truths * p - t * others)[normal]
            assert ulps(found, slope, scale=size[normal]).max() <= SOFT_GRADIENT[dtype]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("t", [0, 1])
def test_every_digit_of_the_binary_loss_and_its_gradient(t, dtype):
    rng = np.random.default_rng(3)
    z = np.concatenate([rng.normal(0, 3, 500), rng.uniform(-80, 80, 500), rng.uniform(-1e4, 1e4, 200)]).astype(dtype)
    truth = np.full(z.shape, t)
    u = -z if t else z
    for some in (z, z[np.abs(z) < 80]):
        truth, u = np.full(some.shape, t), -some if t else some
        slope = exact.sigmoid(some) if t == 0 else -exact.sigmoid(-some)
        loss = xent_lib.binary_cross_entropy_with_logits(truth, some, reduction="none")
        gradient = xent_lib.binary_cross_entropy_gradient(truth, some, reduction="none")
        swept = xent_lib.binary_cross_entropy_value_and_gradient(truth, some, reduction="none")
        for loss_found, gradient_found in [(loss, gradient), swept]:
            assert worst(loss_found, -exact.log_sigmoid(-u)) <= BINARY[dtype]
            assert worst(gradient_found, slope) <= BINARY[dtype]
    assert worst(xent_lib.sigmoid(z), exact.sigmoid(z)) <= BINARY[dtype]
    assert worst(xent_lib.log_sigmoid(z), exact.log_sigmoid(z)) <= BINARY[dtype]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n_classes", [2, 10, 1000])
def test_every_digit_of_what_is_computed_from_probabilities(n_classes, dtype):
    rng = np.random.default_rng(5)
    t, p = (rng.dirichlet(np.full(n_classes, 0.3), 20).astype(dtype) for _ in range(2))
    t_exact, p_exact = exact.exact(t), exact.exact(p)
    surprise = -exact.xlogy(t_exact, p_exact)
    own = -exact.xlogy(t_exact, t_exact)
    size = np.abs(surprise).sum(axis=-1)
    labels = np.argmax(t, axis=-1)

    cross_entropy = xent_lib.cross_entropy(t, p)
    assert ulps(cross_entropy, surprise.sum(axis=-1), scale=size).max() <= TERMS[dtype]
    assert ulps(xent_lib.entropy(t), own.sum(axis=-1), scale=own.sum(axis=-1)).max() <= TERMS[dtype]
    terms = surprise - own
    assert (
        ulps(xent_lib.kl_divergence(t, p), terms.sum(axis=-1), scale=np.abs(terms).sum(axis=-1)).max() <= TERMS[dtype]
    )
    soft = xent_lib.categorical_cross_entropy(t, p, reduction="none")
    assert ulps(soft, surprise.sum(axis=-1), scale=size).max() <= TERMS[dtype]
    hard = xent_lib.categorical_cross_entropy(labels, p, reduction="none")
    assert ulps(hard, -exact.log(p_exact[np.arange(20), labels])).max() <= TERMS[dtype]

    inside = (p[:, 0] > 0) & (p[:, 0] < 1)
    y, q = t[inside, 0], p[inside, 0]
    one, zero = -exact.xlogy(exact.exact(y), exact.exact(q)), -(1 - exact.exact(y)) * exact.log1p(-exact.exact(q))
    assert (
        ulps(xent_lib.binary_cross_entropy(y, q, reduction="none"), one + zero, scale=one + zero).max() <= TERMS[dtype]
    )


needs_long_doubles = pytest.mark.skipif(
    abs(np.exp(np.longdouble(1)) - np.longdouble("2.718281828459045235360287")) > 1e-18,
    reason="compares with numbers of 64 bits of precision, which this machine lacks",
)


@needs_long_doubles
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("kind", ["ordinary", "sure", "offset"])
@pytest.mark.parametrize("n_classes", [2, 3, 10, 16, 50, 127, 200, 1000])
def test_the_bounds_hold_for_a_hundred_thousand_logits(n_classes, kind, dtype):
    rng = np.random.default_rng(n_classes)
    n_samples = 100_000 // n_classes
    labels, z, rows = (
        rng.integers(0, n_classes, n_samples),
        rng.normal(0, 3, (n_samples, n_classes)),
        np.arange(n_samples),
    )
    if kind == "sure":
        z = np.where(np.arange(n_classes) == labels[:, np.newaxis], rng.uniform(1, 80, (n_samples, 1)), z / 10)
    elif kind == "offset":
        z += rng.uniform(-1e3, 1e3, (n_samples, 1))
    z = z.astype(dtype)
    wide = z.astype(np.longdouble)
    e = np.exp(wide - wide.max(axis=1, keepdims=True))
    without = e.copy()
    without[rows, z.argmax(axis=1)] = 0
    log_p = (wide - wide.max(axis=1, keepdims=True)) - np.log1p(without.sum(axis=1, keepdims=True))
    own, others = e[rows, labels].copy(), e
    others[rows, labels] = 0
    others = others.sum(axis=1)

    def error(found, truth):
        normal = np.abs(truth) > 4 * float(np.finfo(dtype).tiny)
        assert normal.any()
        return (np.abs(found - truth) / np.spacing(np.abs(truth).astype(dtype)))[normal].max()

    loss, gradient = xent_lib.categorical_cross_entropy_value_and_gradient(labels, z, reduction="none")
    assert error(loss, np.log1p(others / own)) <= LABEL[dtype]
    assert error(gradient[rows, labels], -others / (others + own)) <= LABEL[dtype]
    assert error(xent_lib.log_softmax(z), log_p) <= LOG_P[dtype]
    assert error(xent_lib.softmax(z), np.exp(log_p)) <= P[dtype]


def test_float32_losses_of_two_classes_are_right_for_every_margin():
    """NumPy's float32 exponential, off by up to 3.4 ulp where the processor has AVX-512, must not show."""
    margin = np.linspace(0, 80, 400_001).astype(np.float32)
    z, labels = np.stack([np.zeros_like(margin), -margin], axis=1), np.zeros(len(margin), int)
    loss, gradient = xent_lib.categorical_cross_entropy_value_and_gradient(labels, z, reduction="none")
    for found, truth in [(loss, -log_expit(margin.astype(float))), (gradient[:, 0], -expit(-margin.astype(float)))]:
        assert (np.abs(found - truth) / np.spacing(np.abs(truth).astype(np.float32))).max() <= 1
