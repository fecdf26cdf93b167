"""How many digits each library keeps: per-sample losses, and gradients of the true class, against mpmath.

Run as a module, it is the process of one library: it reads the name of a folder from stdin, computes the losses and
gradients of the inputs in it, and writes them beside them.
"""

from __future__ import annotations

import json
import sys
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
from mpmath import mp, mpf

from benchmarks.driver import folder_in_memory, process, tell
from benchmarks.same_loss import QUESTIONS, answers, truth

LIBRARIES = ("textbook", "scipy", "sklearn", "torch", "tf", "keras", "optax", "xent")
FROM_LOGITS = [library for library in LIBRARIES if library != "sklearn"]  # which takes probabilities alone
SAMPLES, CLASSES = 600, 10
FARTHEST = {"float32": 75, "float64": 690}  # a margin beyond which the loss itself would be subnormal
BITS = 400


def inputs(dtype: str) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Return the truth and the logits of each case; a truth of floats belongs to the binary loss."""
    rng = np.random.default_rng(20230630)
    labels = rng.integers(0, CLASSES, SAMPLES)
    ordinary = rng.normal(0, 3, (SAMPLES, CLASSES))
    at_label = np.arange(CLASSES) == labels[:, np.newaxis]
    near = np.where(at_label, 0, ordinary)
    categorical = {
        "ordinary": ordinary,
        "right": near + at_label * np.linspace(1, FARTHEST[dtype], SAMPLES)[:, np.newaxis],
        "wrong": near - at_label * np.geomspace(1, 1e4, SAMPLES)[:, np.newaxis],
        "offset": ordinary + np.linspace(-1e4, 1e4, SAMPLES)[:, np.newaxis],
    }
    t = rng.integers(0, 2, SAMPLES).astype(float)
    toward = 2 * t - 1
    binary = {
        "binary ordinary": rng.normal(0, 3, SAMPLES),
        "binary right": toward * np.linspace(1, FARTHEST[dtype], SAMPLES),
        "binary wrong": -toward * np.geomspace(1, 1e4, SAMPLES),
    }
    cases = {name: (labels, z.astype(dtype)) for name, z in categorical.items()}
    return cases | {name: (t.astype(dtype), z.astype(dtype)) for name, z in binary.items()}


def exact(t: np.ndarray, z: np.ndarray) -> tuple[list, list]:
    """Return the loss of each sample, and its derivative by the true class's logit, to 400 bits."""
    losses, gradients = [], []
    with mp.workprec(BITS):
        for truth_of_sample, logits in zip(t, z, strict=True):
            if z.ndim == 1:
                toward = 1 if truth_of_sample == 1 else -1
                others = mp.exp(-toward * mpf(float(logits)))
                gradients.append(-toward * others / (1 + others))
            else:
                own = mpf(float(logits[truth_of_sample]))
                others = mp.fsum(mp.exp(mpf(float(x)) - own) for i, x in enumerate(logits) if i != truth_of_sample)
                gradients.append(-others / (1 + others))
            losses.append(mp.log1p(others))
    return losses, gradients


def errors(actual: np.ndarray, true: list) -> dict:
    """Return the largest error, in ulp and relative, and how many results have no correct digit."""
    unit = np.spacing(np.abs(np.array(true, dtype=float)).astype(actual.dtype))
    with mp.workprec(BITS):
        off = [abs(mpf(float(a)) - b) if np.isfinite(a) else mp.inf for a, b in zip(actual, true, strict=True)]
        relative = np.array([float(d / abs(b)) for d, b in zip(off, true, strict=True)])
        ulp = max(float(d / mpf(float(u))) for d, u in zip(off, unit, strict=True))
    return {
        "worst_ulp": ulp,
        "worst_relative": relative.max(),
        "lost": int((relative >= 0.5).sum()),
        "zero": int((actual == 0).sum()),
        "not_finite": int((~np.isfinite(actual)).sum()),
        "of": len(actual),
    }


def textbook(t, z):
    if z.ndim == 1:
        p = 1 / (1 + np.exp(-z))
        return -(t * np.log(p) + (1 - t) * np.log(1 - p)), p - t
    rows = np.arange(len(t))
    e = np.exp(z - z.max(axis=1, keepdims=True))
    p = e / e.sum(axis=1, keepdims=True)
    return -np.log(p[rows, t]), p[rows, t] - 1


def scipy(t, z):
    from scipy.special import expit, log_softmax, softmax, xlog1py, xlogy

    if z.ndim == 1:
        p = expit(z)
        return -(xlogy(t, p) + xlog1py(1 - t, -p)), p - t
    rows = np.arange(len(t))
    return -log_softmax(z, axis=1)[rows, t], softmax(z, axis=1)[rows, t] - 1


def torch(t, z):
    import torch
    from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy

    function = binary_cross_entropy_with_logits if z.ndim == 1 else cross_entropy
    logits = torch.from_numpy(z).requires_grad_()
    losses = function(logits, torch.from_numpy(t), reduction="none")
    (gradient,) = torch.autograd.grad(losses.sum(), logits)
    return losses.detach().numpy(), at_truth(gradient.numpy(), t)


def tf(t, z):
    import tensorflow as tf

    nn = tf.nn
    losses = nn.sigmoid_cross_entropy_with_logits if z.ndim == 1 else nn.sparse_softmax_cross_entropy_with_logits
    return _tensorflow(lambda logits: losses(labels=tf.constant(t), logits=logits), t, z)


def keras(t, z):
    """The loss classes with their defaults but for from_logits; they work in float32."""
    from keras import losses

    if z.ndim == 1:
        loss = losses.BinaryCrossentropy(from_logits=True, reduction="none")
        return _tensorflow(lambda logits: loss(t[:, np.newaxis], logits[:, np.newaxis]), t, z)
    loss = losses.SparseCategoricalCrossentropy(from_logits=True, reduction="none")
    return _tensorflow(lambda logits: loss(t, logits), t, z)


def _tensorflow(function: Callable, t, z):
    import tensorflow as tf

    logits = tf.constant(z)
    with tf.GradientTape() as tape:
        tape.watch(logits)
        losses = function(logits)
    return losses.numpy().astype(z.dtype), at_truth(tape.gradient(losses, logits).numpy(), t)


def optax(t, z):
    import jax
    import optax

    function = optax.sigmoid_binary_cross_entropy if z.ndim == 1 else optax.softmax_cross_entropy_with_integer_labels
    gradient = jax.grad(lambda logits: function(logits, t).sum())(z)
    return np.asarray(function(jax.numpy.asarray(z), t)), at_truth(np.asarray(gradient), t)


def xent(t, z):
    import xent_lib

    binary = xent_lib.binary_cross_entropy_value_and_gradient
    function = binary if z.ndim == 1 else xent_lib.categorical_cross_entropy_value_and_gradient
    losses, gradient = function(t, z, reduction="none")
    return losses, at_truth(gradient, t)


def at_truth(gradient, t):
    return gradient if gradient.ndim == 1 else gradient[np.arange(len(t)), t]


def measure() -> tuple[list[dict], list[dict]]:
    """Return the rows of the table of errors, and of the table of the same loss in several libraries."""
    rows, answered = [], {}
    with folder_in_memory() as folder:
        true = {}
        for dtype in FARTHEST:
            for name, (t, z) in inputs(dtype).items():
                true[f"{dtype} {name}"] = exact(t, z)
                np.savez(folder / f"{dtype} {name}.npz", t=t, z=z)
        for library in LIBRARIES:
            tell(f"  accuracy of {library}")
            with process("benchmarks.accuracy", library) as ask:
                answered[library] = ask({"folder": str(folder)})
            for name, truths in true.items() if library in FROM_LOGITS else ():
                dtype, _, case = name.partition(" ")
                results = np.load(folder / f"{library} {name}.npy")
                for quantity, values, true_values in zip(("loss", "gradient"), results, truths, strict=True):
                    row = {"dtype": dtype, "case": case, "quantity": quantity, "library": library}
                    rows.append(row | errors(values, true_values))
    same = [
        {"question": question, "truth": truth(question)} | {name: given[question] for name, given in answered.items()}
        for question in QUESTIONS
    ]
    return rows, same


def main(library: str) -> None:
    """Be the process of one library."""
    warnings.simplefilter("ignore")  # of overflow and log(0), which are what is measured
    np.seterr(all="ignore")
    reply, sys.stdout = sys.stdout, sys.stderr
    for line in sys.stdin:
        folder = Path(json.loads(line)["folder"])
        for path in folder.glob("*.npz") if library in FROM_LOGITS else ():
            data = np.load(path)
            np.save(folder / f"{library} {path.stem}.npy", np.stack(globals()[library](data["t"], data["z"])))
        print(json.dumps(answers(library)), file=reply, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
