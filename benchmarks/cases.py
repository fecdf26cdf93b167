"""What is timed: the shapes, their inputs, and the reference that every result is compared with."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
from scipy.special import expit, log_expit, log_softmax

CHECKED_ROWS = 64
REFERENCE_BLOCK = 2**22  # elements that the reference is computed from at a time


class Case(NamedTuple):
    """A shape with its dtype; a single class means the binary loss, of one logit per sample."""

    dtype: str
    samples: int
    classes: int
    logits: str = "ordinary"

    @property
    def is_binary(self) -> bool:
        return self.classes == 1

    @property
    def shape(self) -> tuple[int, ...]:
        return (self.samples,) if self.is_binary else (self.samples, self.classes)

    @property
    def elements(self) -> int:
        return self.samples * self.classes

    def __str__(self) -> str:
        size = f"binary {self.samples}" if self.is_binary else f"({self.samples}, {self.classes})"
        return f"{self.dtype} {size}{'' if self.logits == 'ordinary' else ', ' + self.logits}"


TABLE = [
    Case("float32", 64, 10),
    Case("float32", 1024, 10),
    Case("float32", 100_000, 10),
    Case("float32", 1000, 1000),
    Case("float32", 8192, 32_000),
    Case("float64", 100_000, 10),
    Case("float64", 1000, 1000),
    Case("float32", 1_000_000, 1),
    Case("float32", 10_000_000, 1),
    # No row of these can be exponentiated as it is: the slowest input for a route that tries that first.
    Case("float32", 100_000, 10, "offset"),
    Case("float32", 1000, 1000, "offset"),
    # The labels of a trained model: the slowest for a route that sums the others of sure rows again.
    Case("float32", 100_000, 10, "favored"),
    Case("float32", 1000, 1000, "favored"),
]
SWEEP = [Case("float32", 10**n, 10) for n in (1, 2, 3, 4, 6)] + [Case("float32", 10**n, 1000) for n in (0, 1, 2, 4)]


def make_input(case: Case) -> tuple[np.ndarray, np.ndarray]:
    """Return the labels and the logits of a case: normal numbers with a standard deviation of 3.

    "offset" adds 1000 to all of them; "favored" takes as label the largest logit instead of a random one.
    """
    rng = np.random.default_rng([case.samples, case.classes])
    z = rng.standard_normal(case.shape, dtype=case.dtype)
    z *= 3
    if case.logits == "offset":
        z += 1000
    if case.is_binary:
        return rng.integers(0, 2, case.samples).astype(case.dtype), z
    return z.argmax(axis=1) if case.logits == "favored" else rng.integers(0, case.classes, case.samples), z


def save(case: Case, folder: Path) -> None:
    """Write the input and its reference where the workers read them."""
    t, z = make_input(case)
    np.save(folder / "t.npy", t)
    np.save(folder / "z.npy", z)
    rows = np.unique(np.linspace(0, case.samples - 1, CHECKED_ROWS).astype(int))
    np.savez(folder / "reference.npz", loss=_mean_loss(case, t, z), rows=rows, gradient=_gradient(case, t, z, rows))


def _mean_loss(case: Case, t: np.ndarray, z: np.ndarray) -> float:
    total, step = 0.0, max(1, REFERENCE_BLOCK // case.classes)
    for start in range(0, case.samples, step):
        block, truth = z[start : start + step].astype(np.float64), t[start : start + step]
        if case.is_binary:
            total -= log_expit(np.where(truth == 1, block, -block)).sum()
        else:
            total -= log_softmax(block, axis=1)[np.arange(len(block)), truth].sum()
    return total / case.samples


def _gradient(case: Case, t: np.ndarray, z: np.ndarray, rows: np.ndarray) -> np.ndarray:
    block = z[rows].astype(np.float64)
    if case.is_binary:
        return (expit(block) - t[rows]) / case.samples
    gradient = np.exp(log_softmax(block, axis=1))
    gradient[np.arange(len(rows)), t[rows]] -= 1
    return gradient / case.samples


def check(case: Case, loss: float | None, gradient: np.ndarray | None, folder: Path) -> None:
    """Refuse a result that is not the loss and the gradient of the case; None is not compared."""
    reference, tolerance = np.load(folder / "reference.npz"), {"float32": 1e-5, "float64": 1e-12}[case.dtype]
    if loss is not None:
        np.testing.assert_allclose(loss, reference["loss"], rtol=tolerance, err_msg=f"loss of {case}")
    if gradient is not None:
        assert gradient.shape == case.shape, f"gradient of shape {gradient.shape} for {case}"
        assert gradient.dtype == case.dtype, f"gradient of {gradient.dtype} for {case}"
        difference = (gradient[reference["rows"]] - reference["gradient"]) * case.samples
        assert np.abs(difference).max() < tolerance, f"gradient of {case} is off by {np.abs(difference).max()}"
