"""What the process of one library does; the driver submits these functions to it. It stays on one core."""

from __future__ import annotations

import ctypes
import gc
import os
import resource
import tracemalloc
import warnings
from functools import lru_cache
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np

from benchmarks.adapters import ADAPTERS, Call
from benchmarks.cases import Case, check, inputs, right

STATUS, CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")  # Linux
LEAST = 3  # calls of a turn
process: dict[str, Any] = {}
cached_inputs = lru_cache(1)(inputs)


def start(library: str, reuse: bool) -> None:
    """Become the process of a library."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    warnings.simplefilter("ignore")  # of overflow and log(0), which are what accuracy is asked about
    np.seterr(all="ignore")
    process.update(library=library, reuse=reuse, call=None)


def build(case: Case, *arguments: Any) -> Call | None:
    return ADAPTERS[process["library"]](case, *(arguments or cached_inputs(case)), process["reuse"])


def prepare(case: Case) -> tuple[Any, Any] | None:
    """Get ready for turns at a case; return its result, or None where the library is not measured at it."""
    process["call"] = None
    gc.collect()
    call = process["call"] = build(case)
    return None if call is None else (settle(call), as_arrays(call))[1]


def settle(call: Call, most: int = 5) -> None:
    """Call until it finds all its memory there: compilation and the first touch of memory are not timed."""
    for _ in range(most):
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        call()
        if resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before < 100:
            break


def as_arrays(call: Call) -> tuple[Any, Any]:
    """Return what a call returns as arrays, with the classes on axis 1."""
    found = [x.detach() if hasattr(x, "detach") else x for x in call()]  # PyTorch
    found = [x.numpy() if hasattr(x, "numpy") else x for x in found]  # and TensorFlow
    value, gradient = (None if x is None else np.array(x) for x in found)
    return value, np.moveaxis(gradient, -1, 1) if getattr(call, "channels_last", False) else gradient


def turn(seconds: float) -> list[float]:
    """Take a turn at the case: return the seconds of each call."""
    return times_of(process["call"], seconds)


def times_of(call: Call, seconds: float) -> list[float]:
    """Return the seconds of each call; of a few at least, for a call that is interrupted tells nothing."""
    times: list[float] = []
    gc.disable()
    until = perf_counter() + seconds
    while len(times) < LEAST or perf_counter() < until:
        begin = perf_counter()
        call()  # the result is dropped, and its memory given back, before the clock stops
        times.append(perf_counter() - begin)
    gc.enable()
    return times


def against_ordinary(case: Case, rounds: int, seconds: float) -> tuple[float, float]:
    """Return the median time of a case, and of the same function of ordinary logits; the two take turns."""
    data = inputs(case)
    special, ordinary = build(case, *data), build(case._replace(logits="ordinary"))
    check(case, as_arrays(special), right(case, *data))
    settle(special), settle(ordinary)
    turns = [(median(times_of(special, seconds)), median(times_of(ordinary, seconds))) for _ in range(rounds)]
    first, second = zip(*turns, strict=True)
    return median(first), median(second)


def numpy_peak(case: Case) -> int | None:
    """Return the peak of what NumPy and Python allocated during a call, beyond its result, in bytes."""
    if (call := build(case)) is None:
        return None
    call()
    tracemalloc.start()
    result = call()
    now, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    del result
    return peak - now


def process_peak(case: Case) -> int | None:
    """Return by how much the memory of the process grew during a call, beyond its result, in bytes."""
    if (call := build(case)) is None:
        return None
    size = sum(x.nbytes for x in as_arrays(call) if x is not None)
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    CLEAR.write_text("5")  # the peak starts again from here
    before = status("VmRSS")
    call()
    return max(0, status("VmHWM") - before - size)


def status(name: str) -> int:
    line = next(line for line in STATUS.read_text().splitlines() if line.startswith(name + ":"))
    return int(line.split()[1]) * 1024


def one_by_one(case: Case, t: np.ndarray, z: np.ndarray) -> tuple[list, list] | None:
    """Return the loss of each sample, and its derivative by the logit of the true class, where there is a gradient."""
    losses, slopes = [], []
    for i in range(len(z)):
        truth, logits = t[i : i + 1], z[i : i + 1]
        if (call := build(case._replace(shape=logits.shape), truth, logits, None)) is None:
            return None
        loss, gradient = as_arrays(call)
        losses.append(loss.item())
        if gradient is not None:
            slopes.append(gradient[0].item() if case.is_binary else gradient[0, truth[0]].item())
    return losses, slopes
