"""What is asked: functions, shapes, inputs; and the right answers, from SciPy in float64."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from scipy import special

ALPHA = 0.1  # of label smoothing
TRUTHS = ("labels", "soft", "smoothing", "weights")
LOSSES = ("loss", "gradient", "value_gradient")
DTYPES = ("float32", "float64")
SHAPES = ((64, 10), (1024, 10), (100_000, 10), (1000, 1000), (4, 21, 128, 128))  # the classes lie along axis 1
BINARY = (1_000_000,)
#: Where a row of float32 or float64 has exponentials that are not 0, but have lost digits.
SUBNORMAL = {"float32": -95, "float64": -740}


class Case(NamedTuple):
    """One function of one array of logits; a shape of one axis means the binary loss."""

    function: str
    truth: str
    dtype: str
    shape: tuple[int, ...]
    logits: str = "ordinary"

    @property
    def is_binary(self) -> bool:
        return len(self.shape) == 1

    def __str__(self) -> str:
        return " ".join([self.function, self.truth, self.dtype, "×".join(map(str, self.shape)), self.logits])


def functions(shape: tuple[int, ...]) -> list[tuple[str, str]]:
    """Return the functions that are asked of logits of this shape, each with the form of its truth."""
    single = ("sigmoid", "log_sigmoid") if len(shape) == 1 else ("softmax", "log_softmax", "logsumexp")
    truths = TRUTHS[:2] if len(shape) == 1 else TRUTHS
    return [("exp", ""), *((name, "") for name in single), *((name, truth) for name in LOSSES for truth in truths)]


def timed(shapes: tuple[tuple[int, ...], ...] = (*SHAPES, BINARY), dtypes: tuple[str, ...] = DTYPES) -> list[Case]:
    """Return all cases that are timed."""
    return [Case(*function, dtype, shape) for shape in shapes for dtype in dtypes for function in functions(shape)]


def inputs(case: Case) -> tuple[Any, np.ndarray, Any]:
    """Return the truth, the logits (normal, with a standard deviation of 3), and the weights of the classes."""
    rng = np.random.default_rng(case.shape)
    z = rng.standard_normal(case.shape, case.dtype)
    z *= 3
    if case.is_binary:
        t = rng.random(case.shape, case.dtype)
        t = t if case.truth == "soft" else (t > 0.5).astype(case.dtype)
        weights = None
    else:
        n_classes = case.shape[1]
        weights = rng.uniform(0.5, 2, n_classes).astype(case.dtype)
        if case.truth == "soft":
            t = special.softmax(rng.standard_normal(case.shape, case.dtype), axis=1)
        else:
            t = rng.integers(0, n_classes, np.delete(case.shape, 1))
    if case.logits != "ordinary":
        t, weights = SPECIAL[case.logits](case, t, z, weights)
    return t, z, weights


def _offset(case, t, z, w):
    z += 1000
    return t, w


def _outlier(case, t, z, w):
    z.reshape(-1)[0] = 1e4
    return t, w


def _subnormal(case, t, z, w):
    others = z if case.is_binary else z[:, 1:]
    others += SUBNORMAL[case.dtype]
    return t, w


def _extreme(case, t, z, w):
    z += np.sign(z) * 120
    return t, w


def _sure(case, t, z, w):
    """Each sample's truth leads by 30, as in a trained model."""
    if case.is_binary:
        z += 60 * (t > 0.5) - 30
        return t, w
    first = z.argmax(axis=1) if case.truth != "soft" else t.argmax(axis=1)
    at_first = np.expand_dims(first, 1)
    np.put_along_axis(z, at_first, np.take_along_axis(z, at_first, 1) + 30, 1)
    return (t if case.truth == "soft" else first), w


def _masked(case, t, z, w):
    """Each row has a class that is ruled out; of single logits, each tenth is −∞."""
    if case.is_binary:
        z[::10], t[::10] = -np.inf, 0
        return t, w
    z[:, -1] = -np.inf
    if case.truth == "soft":
        t[:, -1] = 0
        return t / t.sum(axis=1, keepdims=True), w
    return np.minimum(t, case.shape[1] - 2), w


def _zeros(case, t, z, w):
    """Half of a soft truth is 0; half of the weights are."""
    if case.truth == "soft" and case.is_binary:
        t[::2] = 0
    elif case.truth == "soft":
        t[:, ::2] = 0
        t /= t.sum(axis=1, keepdims=True)
    else:
        w[::2] = 0
    return t, w


SPECIAL = {
    "offset": _offset,
    "outlier": _outlier,
    "subnormal": _subnormal,
    "extreme": _extreme,
    "sure": _sure,
    "masked": _masked,
    "zeros": _zeros,
}


def right(case: Case, t: Any, z: np.ndarray, w: Any) -> tuple[Any, Any]:
    """Return the loss, or the values of a function without truth; and the gradient."""
    z = z.astype(np.float64)
    plain = {
        "exp": np.exp,
        "sigmoid": special.expit,
        "log_sigmoid": special.log_expit,
        "softmax": lambda z: special.softmax(z, axis=1),
        "log_softmax": lambda z: special.log_softmax(z, axis=1),
        "logsumexp": lambda z: special.logsumexp(z, axis=1),
    }
    if case.function in plain:
        return plain[case.function](z), None
    if case.is_binary:
        t = t.astype(np.float64)
        kinds = ((t, special.log_expit(z)), (1 - t, special.log_expit(-z)))
        losses = -sum(share * np.where(share > 0, log_p, 0) for share, log_p in kinds)
        return losses.mean(), (special.expit(z) - t) / z.size
    log_p = special.log_softmax(z, axis=1)
    classes = np.arange(z.shape[1]).reshape(-1, *[1] * (z.ndim - 2))
    full = t.astype(np.float64) if case.truth == "soft" else (np.expand_dims(t, 1) == classes).astype(np.float64)
    if case.truth == "smoothing":
        full = (1 - ALPHA) * full + ALPHA / z.shape[1]
    counts = w.astype(np.float64)[t] if case.truth == "weights" else np.ones(full.shape[:1] + full.shape[2:])
    counts /= counts.sum()
    losses = -np.where(full > 0, full * np.where(full > 0, log_p, 0), 0).sum(axis=1)
    mass = full.sum(axis=1, keepdims=True)  # 1, but for the rounding of a soft truth
    return (losses * counts).sum(), (np.exp(log_p) * mass - full) * np.expand_dims(counts, 1)


def check(case: Case, found: tuple[Any, Any], truth: tuple[Any, Any]) -> None:
    """Refuse a result that is not that of the case."""
    tolerance = {"float32": 2e-5, "float64": 1e-11}[case.dtype]
    for name, value, expected in zip(("value", "gradient"), found, truth, strict=True):
        wanted = case.function != ("gradient" if name == "value" else "loss") and expected is not None
        if wanted:
            assert value is not None, f"{case}: no {name}"
            expected = np.asarray(expected)
            assert value.dtype == case.dtype, f"{case}: {name} of {value.dtype}"
            assert value.shape == expected.shape, f"{case}: {name} of shape {value.shape}"
            scale = expected.size / case.shape[1] if name == "gradient" and not case.is_binary else expected.size
            slack = tolerance / (scale if name == "gradient" else 1)
            np.testing.assert_allclose(value, expected, rtol=tolerance, atol=slack, err_msg=f"{name} of {case}")
