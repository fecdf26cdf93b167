"""The bounds that the library promises, in units in the last place, against mpmath at 60 digits.

float32 is worked in float64 and rounded once, except in the one sweep of the value_and_gradient functions.
A number is looked at where the truth is at least four times the smallest normal number of the dtype: below,
floating-point numbers have fewer digits.
"""

import exact
import numpy as np
import pytest
from exact import ulps
from scipy.special import expit, log_expit

import xent_lib

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
    }


def worst(actual, truth):
    """Return the largest distance in ulp where the truth is a normal number."""
    truth = np.asarray(truth)
    smallest = 4 * float(np.finfo(actual.dtype).tiny)
    is_normal = np.array([abs(x) >= smallest for x in truth.flat]).reshape(truth.shape)
    assert np.all(np.isfinite(actual))
    return ulps(actual[is_normal], truth[is_normal]).max(initial=0)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    ("n_samples", "n_classes", "kind"),
    [
        *((*shape, kind) for shape in SHAPES for kind in cases(1, 2)[1]),
        *((1, 32000, kind) for kind in ("ordinary", "equal others", "offset")),
    ],
)
def test_every_digit_of_the_categorical_loss_and_its_gradient(n_samples, n_classes, kind, dtype):
    labels, logits = cases(n_samples, n_classes)
    z, rows = logits[kind].astype(dtype), np.arange(n_samples)
    p, others = exact.softmax_and_others_by_sums(z)
    log_p = -exact.log1p(others / p)
    is_other = np.arange(n_classes) != labels[:, np.newaxis]

    assert worst(xent_lib.log_softmax(z), log_p) <= 3
    assert worst(xent_lib.softmax(z), p) <= 6
    loss = xent_lib.categorical_cross_entropy_with_logits(labels, z, reduction="none")
    gradient = xent_lib.categorical_cross_entropy_gradient(labels, z, reduction="none")
    swept = xent_lib.categorical_cross_entropy_value_and_gradient(labels, z, reduction="none")
    for loss_found, gradient_found in [(loss, gradient), swept]:
        assert loss_found.dtype == gradient_found.dtype == dtype
        assert worst(loss_found, -log_p[rows, labels]) <= 3
        assert worst(gradient_found[rows, labels], -others[rows, labels]) <= 3
        assert worst(gradient_found[is_other], p[is_other]) <= 6


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("t", [0, 1])
def test_every_digit_of_the_binary_loss_and_its_gradient(t, dtype):
    rng = np.random.default_rng(3)
    z = np.concatenate([rng.normal(0, 3, 500), rng.uniform(-80, 80, 500), rng.uniform(-1e4, 1e4, 200)]).astype(dtype)
    truth = np.full(z.shape, t)
    u = -z if t else z
    for some in (z, z[np.abs(z) < 80]):  # the sweep does a block of ordinary logits in one go
        truth, u = np.full(some.shape, t), -some if t else some
        slope = exact.sigmoid(some) if t == 0 else -exact.sigmoid(-some)
        loss = xent_lib.binary_cross_entropy_with_logits(truth, some, reduction="none")
        gradient = xent_lib.binary_cross_entropy_gradient(truth, some, reduction="none")
        swept = xent_lib.binary_cross_entropy_value_and_gradient(truth, some, reduction="none")
        for loss_found, gradient_found in [(loss, gradient), swept]:
            assert worst(loss_found, -exact.log_sigmoid(-u)) <= 2.5
            assert worst(gradient_found, slope) <= 2.5
    assert worst(xent_lib.sigmoid(z), exact.sigmoid(z)) <= 2.5
    assert worst(xent_lib.log_sigmoid(z), exact.log_sigmoid(z)) <= 2.5


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
    assert ulps(cross_entropy, surprise.sum(axis=-1), scale=size).max() <= 4
    assert ulps(xent_lib.entropy(t), own.sum(axis=-1), scale=own.sum(axis=-1)).max() <= 4
    terms = surprise - own
    assert ulps(xent_lib.kl_divergence(t, p), terms.sum(axis=-1), scale=np.abs(terms).sum(axis=-1)).max() <= 4
    soft = xent_lib.categorical_cross_entropy(t, p, reduction="none")
    assert ulps(soft, surprise.sum(axis=-1), scale=size).max() <= 4
    hard = xent_lib.categorical_cross_entropy(labels, p, reduction="none")
    assert ulps(hard, -exact.log(p_exact[np.arange(20), labels])).max() <= 4

    inside = (p[:, 0] > 0) & (p[:, 0] < 1)
    y, q = t[inside, 0], p[inside, 0]
    one, zero = -exact.xlogy(exact.exact(y), exact.exact(q)), -(1 - exact.exact(y)) * exact.log1p(-exact.exact(q))
    assert ulps(xent_lib.binary_cross_entropy(y, q, reduction="none"), one + zero, scale=one + zero).max() <= 4


def test_float32_losses_of_two_classes_are_right_for_every_margin():
    """NumPy's float32 exponential, off by up to 3.4 ulp where the processor has AVX-512, must not show."""
    margin = np.linspace(0, 80, 400_001).astype(np.float32)
    z, labels = np.stack([np.zeros_like(margin), -margin], axis=1), np.zeros(len(margin), int)
    loss, gradient = xent_lib.categorical_cross_entropy_value_and_gradient(labels, z, reduction="none")
    for found, truth in [(loss, -log_expit(margin.astype(float))), (gradient[:, 0], -expit(-margin.astype(float)))]:
        assert (np.abs(found - truth) / np.spacing(np.abs(truth).astype(np.float32))).max() <= 1
