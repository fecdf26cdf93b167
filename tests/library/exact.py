"""Values to 60 digits, from mpmath, at exactly the numbers that the floats stand for.

The logits that the tests share stand at the end.
"""

import numpy as np
from mpmath import mp, mpf

mp.dps = 60

exact = np.frompyfunc(lambda x: mpf(float(x)), 1, 1)
exp, log, log1p = (np.frompyfunc(function, 1, 1) for function in (mp.exp, mp.log, mp.log1p))
xlogy = np.frompyfunc(lambda x, y: x * mp.log(y) if x else mpf(0), 2, 1)


def softmax_and_others(z):
    """Return p and 1 − p along the last axis; the others are summed, so that nothing cancels."""
    z = exact(z)
    exponentials = exp(z - z.max(axis=-1, keepdims=True))
    others = exponentials @ (1 - np.eye(z.shape[-1], dtype=int))
    total = exponentials.sum(axis=-1, keepdims=True)
    return exponentials / total, others / total


def softmax_and_others_by_sums(z):
    """As `softmax_and_others`, for many classes: sums before and after each class instead of a table."""
    z = exact(z)
    exponentials = exp(z - z.max(axis=-1, keepdims=True))
    none = np.zeros_like(exponentials[..., :1])
    before = np.concatenate([none, np.cumsum(exponentials, axis=-1)[..., :-1]], axis=-1)
    after = np.concatenate([np.cumsum(exponentials[..., ::-1], axis=-1)[..., -2::-1], none], axis=-1)
    total = exponentials.sum(axis=-1, keepdims=True)
    return exponentials / total, (before + after) / total


def softmax_and_others_at(z, columns):
    """As `softmax_and_others`, at some of many classes; the others are what the sum holds besides the class."""
    z = exact(z)
    exponentials = exp(z - z.max(axis=-1, keepdims=True))
    total, chosen = exponentials.sum(axis=-1, keepdims=True), exponentials[..., columns]
    others = total - chosen
    assert np.all(others / total > mpf(10) ** -40), "too little is left of 60 digits"
    return chosen / total, others / total


def softmax(z):
    return softmax_and_others(z)[0]


def log_softmax(z):
    p, others = softmax_and_others(z)
    return -log1p(others / p)


def logsumexp(z):
    return exact(z).max(axis=-1) - log_softmax(z).max(axis=-1)


def label_loss(labels, z):
    return -log_softmax(z)[np.arange(len(labels)), labels]


def label_gradient(labels, z):
    p, others = softmax_and_others(z)
    is_label = np.arange(p.shape[-1]) == np.asarray(labels)[:, np.newaxis]
    return np.where(is_label, -others, p)


def sigmoid(z):
    return 1 / (1 + exp(-exact(z)))


def log_sigmoid(z):
    return -log1p(exp(-exact(z)))


def cross_entropy(t, p):
    return -xlogy(exact(t), exact(p)).sum(axis=-1)


def ulps(actual, truth, scale=None):
    """Return the distance from the truth, in units in the last place of the truth or of `scale`."""
    actual = np.asarray(actual)
    assert actual.shape == np.shape(truth)
    size = np.abs(np.asarray(truth if scale is None else scale, dtype=np.float64))
    unit = np.spacing(size.astype(actual.dtype))
    return (np.abs(exact(actual) - truth) / exact(unit)).astype(np.float64)


_rng = np.random.default_rng(20230630)
LABELS = _rng.integers(0, 10, 60)
_at_label = np.arange(10) == LABELS[:, np.newaxis]
_ordinary = _rng.normal(0, 3, (60, 10))

#: Logits of 60 samples and 10 classes, in float64; the label of a sample is in LABELS.
LOGITS = {
    "ordinary": _ordinary,
    "offset": _ordinary + np.linspace(-1e4, 1e4, 60)[:, np.newaxis],
    # Whole numbers, so that the margin is not rounded.
    "right": np.where(_at_label, np.linspace(1, 80, 60).round()[:, np.newaxis], 0.0),
    "wrong": _ordinary - np.where(_at_label, np.geomspace(1, 1e4, 60)[:, np.newaxis], 0.0),
}

#: How far below the largest a logit may be before its probability is subnormal, and loses digits.
NORMAL = {np.float64: 700, np.float32: 80}
DTYPES = list(NORMAL)


def binary_logits(dtype):
    """Return logits for binary losses: ordinary ones, large ones, and some near 0."""
    rng = np.random.default_rng(1)
    near_zero = np.geomspace(1e-10, 1, 20)
    large = rng.uniform(-NORMAL[dtype], NORMAL[dtype], 200)
    return np.concatenate([rng.normal(0, 3, 200), large, near_zero, -near_zero, [0.0]]).astype(dtype)


def below_largest(z):
    """Return how far each logit is below the largest. Rounding it costs up to that many ulp of e^−d."""
    return z.max(axis=-1, keepdims=True) - z
