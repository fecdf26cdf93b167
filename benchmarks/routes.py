"""The ways to get the loss and its gradient that are compared, each as its library's users write it.

A route takes the truth and the logits and returns what is timed, a function without arguments that returns
(loss, gradient). Whatever can be done once before training, conversions and compilation above all, is done
outside of that function. The libraries are imported inside, because each route runs in a process of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import NamedTuple

import numpy as np

Call = Callable[[], tuple]


def textbook(t: np.ndarray, z: np.ndarray) -> Call:
    if z.ndim == 1:

        def binary():
            p = 1 / (1 + np.exp(-z))
            loss = -np.mean(t * np.log(p) + (1 - t) * np.log(1 - p))
            return loss, (p - t) / len(t)

        return binary

    def categorical():
        e = np.exp(z - z.max(axis=1, keepdims=True))
        p = e / e.sum(axis=1, keepdims=True)
        rows = np.arange(len(t))
        loss = -np.log(p[rows, t]).mean()
        p[rows, t] -= 1
        p /= len(t)
        return loss, p

    return categorical


def scipy(t: np.ndarray, z: np.ndarray) -> Call:
    from scipy.special import expit, log_softmax, xlog1py, xlogy

    if z.ndim == 1:

        def binary():
            p = expit(z)
            loss = -np.mean(xlogy(t, p) + xlog1py(1 - t, -p))
            return loss, (p - t) / len(t)

        return binary

    def categorical():
        log_p = log_softmax(z, axis=1)
        rows = np.arange(len(t))
        loss = -log_p[rows, t].mean()
        gradient = np.exp(log_p)
        gradient[rows, t] -= 1
        gradient /= len(t)
        return loss, gradient

    return categorical


def sklearn(t: np.ndarray, z: np.ndarray) -> Call:
    """The loss alone, from probabilities that are given; in float64, for it clips float32 ones at 1.2e-7."""
    from scipy.special import expit, softmax
    from sklearn.metrics import log_loss

    p = expit(z.astype(np.float64)) if z.ndim == 1 else softmax(z.astype(np.float64), axis=1)
    labels = np.arange(2 if z.ndim == 1 else z.shape[1])
    return lambda: (log_loss(t, p, labels=labels), None)


def torch(t: np.ndarray, z: np.ndarray) -> Call:
    import torch
    from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy

    torch.set_num_threads(1)
    function = binary_cross_entropy_with_logits if z.ndim == 1 else cross_entropy
    t, z = torch.from_numpy(t), torch.from_numpy(z).requires_grad_()

    def call():
        loss = function(z, t)
        (gradient,) = torch.autograd.grad(loss, z)
        return loss, gradient

    return call


@cache
def _tensorflow_function(is_binary: bool) -> Callable:
    import tensorflow as tf

    nn = tf.nn
    losses = nn.sigmoid_cross_entropy_with_logits if is_binary else nn.sparse_softmax_cross_entropy_with_logits

    @tf.function
    def function(t, z):
        with tf.GradientTape() as tape:
            tape.watch(z)
            loss = tf.reduce_mean(losses(labels=t, logits=z))
        return loss, tape.gradient(loss, z)

    return function


def tensorflow(t: np.ndarray, z: np.ndarray) -> Call:
    import tensorflow as tf

    function, t, z = _tensorflow_function(z.ndim == 1), tf.constant(t), tf.constant(z)
    return lambda: function(t, z)


@cache
def _jax_function(is_binary: bool) -> Callable:
    import jax
    import optax

    def loss(z, t):
        if is_binary:
            return optax.sigmoid_binary_cross_entropy(z, t).mean()
        return optax.softmax_cross_entropy_with_integer_labels(z, t).mean()

    return jax.jit(jax.value_and_grad(loss))


def jax(t: np.ndarray, z: np.ndarray) -> Call:
    import jax.numpy as jnp

    function, z = _jax_function(z.ndim == 1), jnp.asarray(z)
    t = jnp.asarray(t if z.ndim == 1 else t.astype(np.int32))

    def call():
        loss, gradient = function(z, t)
        return loss, gradient.block_until_ready()

    return call


def xent(t: np.ndarray, z: np.ndarray, out: np.ndarray | None = None) -> Call:
    import xent_lib

    binary = xent_lib.binary_cross_entropy_value_and_gradient
    function = binary if z.ndim == 1 else xent_lib.categorical_cross_entropy_value_and_gradient
    return lambda: function(t, z, out=out)


def xent_out(t: np.ndarray, z: np.ndarray) -> Call:
    return xent(t, z, np.zeros_like(z))


def exp(t: np.ndarray, z: np.ndarray) -> Call:
    """The floor: one exponential per logit into memory that is there. No loss, no gradient."""
    out = np.zeros_like(z)

    def call():
        np.exp(z, out=out)
        return None, None

    return call


#: Memory that is freed stays with the process: the next call finds it there, and needs no new pages.
REUSED_HEAP = {"MALLOC_MMAP_MAX_": "0", "MALLOC_TRIM_THRESHOLD_": str(2**36)}


class Route(NamedTuple):
    """How a route is called in tables, how its call is built, and the settings of its process."""

    title: str
    build: Callable[..., Call]
    settings: dict[str, str] = {}  # noqa: RUF012
    allocates_with_numpy: bool = False

    @property
    def reuses_memory(self) -> bool:
        return self.settings is REUSED_HEAP


ROUTES = {
    "textbook": Route("textbook NumPy", textbook, allocates_with_numpy=True),
    "scipy": Route("SciPy", scipy, allocates_with_numpy=True),
    "sklearn": Route("scikit-learn, loss only", sklearn, allocates_with_numpy=True),
    "torch": Route("PyTorch", torch),
    "torch_mem": Route("PyTorch, reused heap", torch, REUSED_HEAP),
    "tf": Route("tf.function", tensorflow),
    "jax": Route("JAX jit", jax),
    "xent": Route("xent_lib", xent, allocates_with_numpy=True),
    "xent_out": Route("xent_lib, out=", xent_out, allocates_with_numpy=True),
    "exp": Route("np.exp alone", exp, allocates_with_numpy=True),
}


def applies(route: str, logits: str, elements: int) -> bool:
    """Say whether a route is timed: scikit-learn makes a table of all classes, too large for large cases."""
    if route == "exp":
        return logits == "ordinary"  # e^1000 is no float
    return route != "sklearn" or elements <= 1_000_000
