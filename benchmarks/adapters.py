"""How each library is asked. One adapter a library, for its time, its memory and its accuracy.

An adapter takes a case with its truth, logits and weights, and returns a function without arguments that returns the
value and the gradient, None for what is not wanted; or it returns None: the library was not measured at this function.
What can be done once before training, conversions and compilation above all, is done outside of that function.
With `reuse`, a library gets the place for its result where it takes one, by `out=` or by a donated array.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

from benchmarks.cases import ALPHA, Case

Call = Callable[[], tuple[Any, Any]]


def xent_lib(case: Case, t: Any, z: np.ndarray, w: Any, reuse: bool) -> Call | None:
    import xent_lib

    name, out = case.function, np.zeros_like(z) if reuse else None
    if name == "exp":
        return None
    options: dict[str, Any] = {} if case.is_binary else {"axis": 1}
    if name in ("softmax", "log_softmax", "value_gradient"):
        options["out"] = out
    if case.truth == "smoothing":
        options["label_smoothing"] = ALPHA
    if case.truth == "weights":
        options["class_weight"] = w
    if not case.truth:
        function = getattr(xent_lib, name)
        return lambda: (function(z, **options), None)
    last = {"loss": "with_logits", "gradient": "gradient", "value_gradient": "value_and_gradient"}[name]
    function = getattr(xent_lib, f"{'binary' if case.is_binary else 'categorical'}_cross_entropy_{last}")
    if name == "value_gradient":
        return lambda: function(t, z, **options)
    return (lambda: (function(t, z, **options), None)) if name == "loss" else lambda: (None, function(t, z, **options))


def numpy(case: Case, t: Any, z: np.ndarray, w: Any, reuse: bool) -> Call | None:
    """The exponentials alone, which no form can do without; and the formulas as they stand in textbooks."""
    if case.function == "exp":
        out = np.zeros_like(z)
        return lambda: (np.exp(z, out=out), None)
    if case.function != "value_gradient" or case.truth != "labels" or z.ndim > 2:
        return None

    def binary():
        p = 1 / (1 + np.exp(-z))
        return -np.mean(t * np.log(p) + (1 - t) * np.log(1 - p)), (p - t) / len(t)

    def categorical():
        e = np.exp(z - z.max(axis=1, keepdims=True))
        p = e / e.sum(axis=1, keepdims=True)
        rows = np.arange(len(t))
        loss = -np.log(p[rows, t]).mean()
        p[rows, t] -= 1
        p /= len(t)
        return loss, p

    return binary if case.is_binary else categorical


def scipy(case: Case, t: Any, z: np.ndarray, w: Any, reuse: bool) -> Call | None:
    """Functions and losses; SciPy has no gradients. `digits` is the loss by the form that keeps the most digits."""
    from scipy import special

    out = np.zeros_like(z) if reuse else None
    if case.function in ("softmax", "log_softmax", "logsumexp"):
        function = getattr(special, case.function)
        return lambda: (function(z, axis=1), None)
    if case.function in ("sigmoid", "log_sigmoid"):
        function = {"sigmoid": special.expit, "log_sigmoid": special.log_expit}[case.function]
        return lambda: (function(z, out=out), None)
    if case.function == "digits" and not case.is_binary:
        at_label = np.expand_dims(t, 1)
        return lambda: (special.logsumexp(z - np.take_along_axis(z, at_label, 1), axis=1).mean(), None)
    if case.function not in ("loss", "digits") or case.truth not in ("labels", "soft"):
        return None
    if case.is_binary and case.truth == "labels":
        return lambda: (-special.log_expit(np.multiply(z, 2 * t - 1, out=out), out=out).mean(), None)
    if case.is_binary:
        return lambda: (-(t * special.log_expit(z) + (1 - t) * special.log_expit(-z)).mean(), None)
    if case.truth == "soft":
        return lambda: (-(t * special.log_softmax(z, axis=1)).sum(axis=1).mean(), None)
    at_label = np.expand_dims(t, 1)
    return lambda: (-np.take_along_axis(special.log_softmax(z, axis=1), at_label, 1).mean(), None)


def torch(case: Case, t: Any, z: np.ndarray, w: Any, reuse: bool) -> Call | None:
    """The gradient alone by hand, from a softmax in place, which is quicker than to ask for it by way of the loss."""
    import torch
    from torch.nn import functional

    torch.set_num_threads(1)
    name, z = case.function, torch.from_numpy(z)
    out = {"out": torch.zeros_like(z)} if reuse else {}
    if name in ("softmax", "log_softmax"):
        function = getattr(torch, name)
        return lambda: (function(z, 1, **out), None)
    if name == "sigmoid":
        return lambda: (torch.sigmoid(z, **out), None)
    if name in ("log_sigmoid", "logsumexp"):
        return lambda: ((torch.logsumexp(z, 1) if name == "logsumexp" else functional.logsigmoid(z)), None)
    if not case.truth:
        return None
    t, weight = torch.from_numpy(t), torch.from_numpy(w) if case.truth == "weights" else None
    if name == "gradient":
        return lambda: (None, _torch_gradient(case, t, z, weight, out))
    if case.is_binary:

        def loss():
            return functional.binary_cross_entropy_with_logits(z, t)
    else:
        smoothing = ALPHA if case.truth == "smoothing" else 0.0

        def loss():
            return functional.cross_entropy(z, t, weight=weight, label_smoothing=smoothing)

    if name == "loss":
        return lambda: (loss(), None)
    z.requires_grad_()

    def value_and_gradient():
        value = loss()
        return value, torch.autograd.grad(value, z)[0]

    return value_and_gradient


def _torch_gradient(case: Case, t: Any, z: Any, weight: Any, out: dict) -> Any:
    import torch

    if case.is_binary:
        return torch.sigmoid(z, **out).sub_(t).div_(len(t))
    p = torch.softmax(z, 1, **out)
    if case.truth == "soft":
        return p.sub_(t).div_(p[:, 0].numel())
    share = 1.0
    if case.truth == "smoothing":
        share = 1 - ALPHA
        p -= ALPHA / z.shape[1]
    at_label = t.unsqueeze(1)
    p.scatter_add_(1, at_label, torch.full((1,), -share, dtype=p.dtype).expand(at_label.shape))
    if weight is None:
        return p.div_(t.numel())
    counts = weight[t]
    return p.mul_((counts / counts.sum()).unsqueeze(1))


def tensorflow(case: Case, t: Any, z: np.ndarray, w: Any, reuse: bool) -> Call | None:
    """Compiled by XLA, which is quicker than without; the classes on the last axis, where TensorFlow wants them."""
    import tensorflow as tf

    if case.function != "value_gradient":
        return None
    move = z.ndim > 2
    function = _tensorflow_function(case.is_binary, case.truth)
    t = np.moveaxis(t, 1, -1) if move and case.truth == "soft" else t
    z, t = tf.constant(np.moveaxis(z, 1, -1) if move else z), tf.constant(t)
    w = tf.constant(0.0 if w is None else w, z.dtype)

    def call():
        value, gradient = function(t, z, w)
        return value, gradient

    call.channels_last = move
    return call


@cache
def _tensorflow_function(is_binary: bool, truth: str) -> Callable:
    import tensorflow as tf

    def mean_loss(t, z, w):
        if is_binary:
            return tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(labels=t, logits=z))
        if truth == "smoothing":
            n_classes = z.shape[-1]
            t = tf.one_hot(t, n_classes, 1 - ALPHA + ALPHA / n_classes, ALPHA / n_classes, dtype=z.dtype)
        if truth in ("soft", "smoothing"):
            return tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(labels=t, logits=z))
        losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=t, logits=z)
        if truth == "labels":
            return tf.reduce_mean(losses)
        counts = tf.gather(w, t)
        return tf.reduce_sum(losses * counts) / tf.reduce_sum(counts)

    @tf.function(jit_compile=True)
    def function(t, z, w):
        with tf.GradientTape() as tape:
            tape.watch(z)
            loss = mean_loss(t, z, w)
        return loss, tape.gradient(loss, z)

    return function


def jax(case: Case, t: Any, z: np.ndarray, w: Any, reuse: bool) -> Call | None:
    import jax.numpy as jnp

    if case.function != "value_gradient":
        return None
    function = _jax_function(case.is_binary, case.truth, reuse)
    z, w = jnp.asarray(z), None if w is None else jnp.asarray(w)
    t = jnp.asarray(t.astype(np.int32) if t.dtype.kind == "i" else t)
    place = [jnp.zeros_like(z) if reuse else None]

    def call():
        value, gradient = function(z, t, w, place[0])
        gradient.block_until_ready()
        if reuse:
            place[0] = gradient  # given away to the next call, which writes to it
        return value, gradient

    return call


@cache
def _jax_function(is_binary: bool, truth: str, reuse: bool) -> Callable:
    import jax
    import optax

    def loss(z, t, w):
        if is_binary:
            return optax.sigmoid_binary_cross_entropy(z, t).mean()
        if truth == "smoothing":
            t = optax.smooth_labels(jax.nn.one_hot(t, z.shape[1], axis=1, dtype=z.dtype), ALPHA)
            if z.ndim > 2:  # smooth_labels takes the last axis for the classes
                t += ALPHA / z.shape[1] - ALPHA / z.shape[-1]
        if truth in ("soft", "smoothing"):
            return optax.softmax_cross_entropy(z, t, axis=1).mean()
        losses = optax.softmax_cross_entropy_with_integer_labels(z, t, axis=1)
        return losses.mean() if truth == "labels" else (losses * w[t]).sum() / w[t].sum()

    def function(z, t, w, place):
        return jax.value_and_grad(loss)(z, t, w)

    return jax.jit(function, donate_argnums=(3,) if reuse else (), keep_unused=True)


ADAPTERS = {
    "xent_lib": xent_lib,
    "numpy": numpy,
    "scipy": scipy,
    "torch": torch,
    "tensorflow": tensorflow,
    "jax": jax,
}
TITLES = {
    "xent_lib": "xent_lib",
    "numpy": "textbook",
    "scipy": "SciPy",
    "torch": "PyTorch",
    "tensorflow": "TensorFlow",
    "jax": "JAX",
}
