"""The same small questions put to every library: what comes out where a loss is tiny, infinite, or not defined."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from mpmath import mp, mpf

INF = float("inf")
Z_SURE, Z_BINARY = np.array([[40.0, 0.0]]), np.array([-40.0])
T_SOFT, Z_MASKED = np.array([[0, 0.5, 0.5]]), np.array([[-INF, 0.0, 0.0]])
Z_PLAIN, Z_HALF = np.array([[1.0, 2.0, 3.0]]), np.zeros((1, 70_000), np.float16)
P_NEAR, Q_NEAR = np.array([0.5, 0.5]), np.array([0.5 + 1e-9, 0.5 - 1e-9])
ZERO, ONE = np.array([0.0]), np.array([1.0])

QUESTIONS = (
    "z = [40, 0], class 0",
    "binary: z = -40, t = 0",
    "binary: p = 0, t = 1",
    "binary: p = 0, t = 0",
    "t = [0, .5, .5], z = [-inf, 0, 0]",
    "z = [1, 2, 3], label -1",
    "float16: 70000 logits 0",
    "KL of [.5, .5] from [.5 + 1e-9, .5 - 1e-9]",
)


def truth(question: str) -> str:
    """Return the right answer."""
    with mp.workprec(400):
        near = mp.fsum(
            mpf(float(p)) * mp.log(mpf(float(p)) / mpf(float(q))) for p, q in zip(P_NEAR, Q_NEAR, strict=True)
        )
        tiny, classes = mp.log1p(mp.exp(-40)), mp.log(70_000)
    answers = (tiny, tiny, INF, 0, mp.log(2), "error", classes, near)
    return _text(dict(zip(QUESTIONS, answers, strict=True))[question])


def answers(library: str) -> dict[str, str]:
    """Return the library's answers, "error" where it refuses and nothing where it has no such function."""
    functions = dict(zip(QUESTIONS, globals()[f"_{library}"](), strict=True))
    return {question: _ask(function) for question, function in functions.items()}


def _ask(function: Callable | None) -> str:
    if function is None:
        return ""
    try:
        return _text(np.asarray(function()).item())
    except Exception:  # whatever a library raises is its refusal
        return "error"


def _text(value: object) -> str:
    return value if isinstance(value, str) else f"{float(value):.4g}"


def _textbook():
    def softmax(z):
        e = np.exp(z - z.max())
        return e / e.sum()

    def binary(t, p):
        return -(t * np.log(p) + (1 - t) * np.log(1 - p))

    return (
        lambda: -np.log(softmax(Z_SURE)[0, 0]),
        lambda: binary(ZERO, 1 / (1 + np.exp(-Z_BINARY))),
        lambda: binary(ONE, ZERO),
        lambda: binary(ZERO, ZERO),
        lambda: -(T_SOFT * np.log(softmax(Z_MASKED))).sum(),
        lambda: -np.log(softmax(Z_PLAIN)[0, -1]),
        lambda: -np.log(softmax(Z_HALF)[0, 0]),
        lambda: (P_NEAR * np.log(P_NEAR / Q_NEAR)).sum(),
    )


def _scipy():
    from scipy.special import log_expit, log_softmax, rel_entr, xlog1py, xlogy

    return (
        lambda: -log_softmax(Z_SURE, axis=1)[0, 0],
        lambda: -log_expit(-Z_BINARY),
        lambda: -(xlogy(ONE, ZERO) + xlog1py(1 - ONE, -ZERO)),
        lambda: -(xlogy(ZERO, ZERO) + xlog1py(1 - ZERO, -ZERO)),
        lambda: -xlogy(T_SOFT, np.exp(log_softmax(Z_MASKED, axis=1))).sum(),
        lambda: -log_softmax(Z_PLAIN, axis=1)[0, -1],
        lambda: -log_softmax(Z_HALF, axis=1)[0, 0],
        lambda: rel_entr(P_NEAR, Q_NEAR).sum(),
    )


def _sklearn():
    from scipy.special import expit, softmax
    from sklearn.metrics import log_loss

    half = softmax(Z_HALF, axis=1)
    return (
        lambda: log_loss([0], softmax(Z_SURE, axis=1), labels=[0, 1]),
        lambda: log_loss([0], expit(Z_BINARY), labels=[0, 1]),
        lambda: log_loss([1], ZERO, labels=[0, 1]),
        lambda: log_loss([0], ZERO, labels=[0, 1]),
        None,
        lambda: log_loss([-1], softmax(Z_PLAIN, axis=1), labels=[0, 1, 2]),
        lambda: log_loss([0], half, labels=np.arange(half.shape[1])),
        None,
    )


def _torch():
    import torch
    from torch.nn import functional

    x = torch.from_numpy
    return (
        lambda: functional.cross_entropy(x(Z_SURE), torch.tensor([0])),
        lambda: functional.binary_cross_entropy_with_logits(x(Z_BINARY), x(ZERO)),
        lambda: functional.binary_cross_entropy(x(ZERO), x(ONE)),
        lambda: functional.binary_cross_entropy(x(ZERO), x(ZERO)),
        lambda: functional.cross_entropy(x(Z_MASKED), x(T_SOFT)),
        lambda: functional.cross_entropy(x(Z_PLAIN), torch.tensor([-1])),
        lambda: functional.cross_entropy(x(Z_HALF), torch.tensor([0])),
        lambda: functional.kl_div(x(Q_NEAR).log(), x(P_NEAR), reduction="sum"),
    )


def _keras():
    from keras import losses

    def sparse(label, z):
        return losses.SparseCategoricalCrossentropy(from_logits=True)(np.array([label]), z)

    return (
        lambda: sparse(0, Z_SURE),
        lambda: losses.BinaryCrossentropy(from_logits=True)(ZERO, Z_BINARY),
        lambda: losses.BinaryCrossentropy()(ONE, ZERO),
        lambda: losses.BinaryCrossentropy()(ZERO, ZERO),
        lambda: losses.CategoricalCrossentropy(from_logits=True)(T_SOFT, Z_MASKED),
        lambda: sparse(-1, Z_PLAIN),
        lambda: sparse(0, Z_HALF),
        lambda: losses.KLDivergence()(P_NEAR, Q_NEAR),
    )


def _tf():
    import tensorflow as tf

    nn = tf.nn
    return (
        lambda: nn.sparse_softmax_cross_entropy_with_logits([0], Z_SURE),
        lambda: nn.sigmoid_cross_entropy_with_logits(ZERO, Z_BINARY),
        None,
        None,
        lambda: nn.softmax_cross_entropy_with_logits(T_SOFT, Z_MASKED),
        lambda: nn.sparse_softmax_cross_entropy_with_logits([-1], Z_PLAIN),
        lambda: nn.sparse_softmax_cross_entropy_with_logits([0], Z_HALF),
        None,
    )


def _optax():
    import jax.numpy as jnp
    import optax

    x = jnp.asarray
    return (
        lambda: optax.softmax_cross_entropy_with_integer_labels(x(Z_SURE), x([0])),
        lambda: optax.sigmoid_binary_cross_entropy(x(Z_BINARY), x(ZERO)),
        None,
        None,
        lambda: optax.softmax_cross_entropy(x(Z_MASKED), x(T_SOFT)),
        lambda: optax.softmax_cross_entropy_with_integer_labels(x(Z_PLAIN), x([-1])),
        lambda: optax.softmax_cross_entropy_with_integer_labels(x(Z_HALF), x([0])),
        lambda: optax.losses.kl_divergence(jnp.log(x(Q_NEAR)), x(P_NEAR)),
    )


def _xent():
    import xent_lib

    logits = xent_lib.categorical_cross_entropy_with_logits
    return (
        lambda: logits([0], Z_SURE),
        lambda: xent_lib.binary_cross_entropy_with_logits(ZERO, Z_BINARY),
        lambda: xent_lib.binary_cross_entropy(ONE, ZERO),
        lambda: xent_lib.binary_cross_entropy(ZERO, ZERO),
        lambda: logits(T_SOFT, Z_MASKED),
        lambda: logits([-1], Z_PLAIN),
        lambda: logits([0], Z_HALF),
        lambda: xent_lib.kl_divergence(P_NEAR, Q_NEAR),
    )
