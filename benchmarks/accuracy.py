"""How many digits each library keeps: losses, and gradients at the true class, against mpmath."""

from __future__ import annotations

import numpy as np
from mpmath import mp, mpf

from benchmarks import worker
from benchmarks.adapters import ADAPTERS
from benchmarks.cases import DTYPES, Case
from benchmarks.driver import process, tell

SAMPLES, CLASSES, BITS = 100, 10, 400
FARTHEST = {"float32": 75, "float64": 690}  # a margin beyond which the loss itself would be subnormal
#: What is asked of a library first; SciPy has no gradients, and two ways to the loss.
ASKED = dict.fromkeys(ADAPTERS, ("value_gradient",)) | {"scipy": ("loss", "digits")}


def inputs(dtype: str) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Return the truth and the logits of each case; a truth of floats belongs to the binary loss."""
    rng = np.random.default_rng(20230630)
    labels = rng.integers(0, CLASSES, SAMPLES)
    ordinary = rng.normal(0, 3, (SAMPLES, CLASSES))
    at_label = np.arange(CLASSES) == labels[:, np.newaxis]
    near = np.where(at_label, 0, ordinary)
    lead, lag = np.linspace(1, FARTHEST[dtype], SAMPLES), np.geomspace(1, 1e4, SAMPLES)
    categorical = {
        "ordinary": ordinary,
        "right": near + at_label * lead[:, np.newaxis],
        "wrong": near - at_label * lag[:, np.newaxis],
        "offset": ordinary + np.linspace(-1e4, 1e4, SAMPLES)[:, np.newaxis],
    }
    t = rng.integers(0, 2, SAMPLES).astype(dtype)
    toward = 2 * t - 1
    binary = {
        "binary ordinary": rng.normal(0, 3, SAMPLES),
        "binary right": toward * lead,
        "binary wrong": -toward * lag,
    }
    cases = {name: (labels, z.astype(dtype)) for name, z in categorical.items()}
    return cases | {name: (t, z.astype(dtype)) for name, z in binary.items()}


def exact(t: np.ndarray, z: np.ndarray) -> tuple[list, list]:
    """Return the loss of each sample, and its derivative by the true class's logit, to 400 bits."""
    losses, slopes = [], []
    with mp.workprec(BITS):
        for truth, logits in zip(t, z, strict=True):
            if z.ndim == 1:
                toward = 1 if truth == 1 else -1
                others = mp.exp(-toward * mpf(float(logits)))
            else:
                toward, own = 1, mpf(float(logits[truth]))
                others = mp.fsum(mp.exp(mpf(float(x)) - own) for i, x in enumerate(logits) if i != truth)
            losses.append(mp.log1p(others))
            slopes.append(-toward * others / (1 + others))
    return losses, slopes


def errors(found: list[float], true: list, dtype: str) -> dict:
    """Return the largest error, in units in the last place and relative to the value."""
    with mp.workprec(BITS):
        off = [abs(mpf(x) - y) if np.isfinite(x) else mp.inf for x, y in zip(found, true, strict=True)]
        relative = max(float(d / abs(y)) for d, y in zip(off, true, strict=True))
        units = np.spacing(np.abs(np.array(true, float)).astype(dtype))
        ulp = max(float(d / mpf(float(unit))) for d, unit in zip(off, units, strict=True))
    return {"worst_ulp": ulp, "worst_relative": relative}


def measure(samples: int = SAMPLES) -> list[dict]:
    rows = []
    questions = [(dtype, name, t[:samples], z[:samples]) for dtype in DTYPES for name, (t, z) in inputs(dtype).items()]
    truths = [exact(t, z) for _, _, t, z in questions]
    for library, functions in ASKED.items():
        tell(f"accuracy of {library}")
        with process(library) as ask:
            for (dtype, name, t, z), truth in zip(questions, truths, strict=True):
                for function in functions:
                    case = Case(function, "labels", dtype, z.shape)
                    if (answer := ask(worker.one_by_one, case, t, z)) is None:
                        continue
                    for quantity, found, true in zip(("loss", "gradient"), answer, truth, strict=True):
                        if found:
                            row = {"dtype": dtype, "case": name, "quantity": quantity, "library": library}
                            rows.append({**row, "function": function, **errors(found, true, dtype)})
    return rows
