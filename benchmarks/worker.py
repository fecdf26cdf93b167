"""Runs one route, in a process of its own, on one core.

Reads a task per line from stdin (JSON), answers with a line on stdout. A task names a case, whose input the
driver has written to a folder; the worker loads it, compares the route's result with the reference, measures,
and lets go of everything again, so that the workers do not fill the memory together.
"""

from __future__ import annotations

import ctypes
import gc
import json
import os
import sys
import tracemalloc
from pathlib import Path
from statistics import median
from time import perf_counter

import numpy as np

from benchmarks.cases import Case, check, make_input
from benchmarks.routes import ROUTES, Call

STATUS, CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")  # Linux


def stay_on_one_core() -> None:
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


def timings(call: Call, seconds: float, at_least: int) -> dict:
    """Return the number of calls and their shortest and median time, in seconds."""
    times: list[float] = []
    until = perf_counter() + seconds
    while len(times) < at_least or perf_counter() < until:
        start = perf_counter()
        call()  # the result is dropped, and its memory given back, before the clock stops
        times.append(perf_counter() - start)
    return {"calls": len(times), "min": min(times), "median": median(times)}


def process_peak(call: Call) -> dict:
    """Return by how much the memory of the process grew during the call, at its peak, in bytes."""
    ctypes.CDLL(None).malloc_trim(0)
    CLEAR.write_text("5")  # the peak starts again from here
    before = _status("VmRSS")
    call()
    return {"process_bytes": _status("VmHWM") - before}


def numpy_peak(call: Call) -> dict:
    """Return the peak of what NumPy and Python allocated during the call, in bytes."""
    tracemalloc.start()
    call()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return {"numpy_bytes": peak}


def _status(name: str) -> int:
    line = next(line for line in STATUS.read_text().splitlines() if line.startswith(name + ":"))
    return int(line.split()[1]) * 1024


def as_array(x: object) -> np.ndarray | None:
    """Return what a library returned as a NumPy array."""
    if hasattr(x, "detach"):  # PyTorch
        x = x.detach()
    return None if x is None else np.asarray(x)


def settle(call: Call, most: int = 20) -> None:
    """Call until two calls in a row find all their memory there, so that the kernel need not bring new pages."""
    import resource

    quiet = 0
    for _ in range(most):
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        call()
        quiet = 0 if resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before > 100 else quiet + 1
        if quiet == 2:
            break


class Worker:
    """Does the tasks of one route; where memory is to be reused, it keeps the case from one turn to the next."""

    def __init__(self, route: str):
        self.route, self.case, self.call = ROUTES[route], None, None

    def work(self, task: dict) -> dict:
        case, folder = Case(*task["case"]), Path(task["folder"])
        if task["measure"] == "process peak":  # in a new process, whose allocators hold nothing back yet
            self.route.build(*make_input(case._replace(samples=8)))()
            return process_peak(self.load(folder))
        call = self.call if self.case == case else self.load(folder)
        check(case, *map(as_array, call()), folder)  # also the warm-up, and the compilation where there is one
        if self.route.reuses_memory:
            settle(call)
            self.case, self.call = case, call
        gc.collect()
        gc.disable()
        answer = (
            numpy_peak(call) if task["measure"] == "numpy peak" else timings(call, task["seconds"], task["at_least"])
        )
        gc.enable()
        return answer

    def load(self, folder: Path) -> Call:
        self.case = self.call = None
        return self.route.build(np.load(folder / "t.npy"), np.load(folder / "z.npy"))


def main(route: str) -> None:
    stay_on_one_core()
    answers, sys.stdout = sys.stdout, sys.stderr  # what a library prints is no answer
    worker = Worker(route)
    for line in sys.stdin:
        print(json.dumps(worker.work(json.loads(line))), file=answers, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
