"""Lets the libraries take turns: the same case, one process after the other, round after round."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from itertools import chain
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from time import strftime
from typing import Any

from benchmarks import worker
from benchmarks.adapters import ADAPTERS
from benchmarks.cases import Case, check, inputs, right

PEERS = str(Path(sys.prefix) / "peers")  # where the Makefile installs benchmarks/requirements.txt
SETTINGS = {
    **dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"), "1"),
    **dict.fromkeys(("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "NPROC"), "1"),
    "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false",
    "CUDA_VISIBLE_DEVICES": "-1",
    "JAX_PLATFORMS": "cpu",
    "JAX_ENABLE_X64": "1",  # float64 stays float64; float32 stays float32
    "TF_CPP_MIN_LOG_LEVEL": "3",
}
#: Memory that is freed stays with the process: the next call finds it there, and needs no new pages.
REUSE = {"MALLOC_MMAP_MAX_": "0", "MALLOC_TRIM_THRESHOLD_": str(2**36)}
MODES = {"new": False, "reused": True}


@contextmanager
def process(library: str, reuse: bool = False) -> Iterator[Any]:
    """Start the process of a library, and yield a function that asks it one of the functions of `worker`."""
    settings = SETTINGS | (REUSE if reuse else {})
    before = {name: os.environ.get(name) for name in settings}
    if PEERS not in sys.path:
        sys.path.append(PEERS)
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        os.environ.update(settings)
        pool.submit(worker.start, library, reuse).result()
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
        yield lambda function, *arguments: pool.submit(function, *arguments).result()


def measure(cases: list[Case], rounds: int, seconds: float, libraries: tuple[str, ...] = tuple(ADAPTERS)) -> list[dict]:
    """Return a row for each case, library, and use of memory: calls, and the median of the turns' medians."""
    rows = []
    with ExitStack() as stack:
        ask = {
            (library, mode): stack.enter_context(process(library, reuse))
            for library in libraries
            for mode, reuse in MODES.items()
        }
        for case in cases:
            tell(str(case))
            truth, taking_part = right(case, *inputs(case)), []
            for who in ask:
                if (found := ask[who](worker.prepare, case)) is not None:
                    check(case, found, truth)
                    taking_part.append(who)
            turns = [{who: ask[who](worker.turn, seconds) for who in taking_part} for _ in range(rounds)]
            for library, mode in taking_part:
                times = [turn[library, mode] for turn in turns]
                rows.append(
                    {
                        **described(case),
                        "library": library,
                        "memory": mode,
                        "calls": len(list(chain(*times))),
                        "median_us": 1e6 * median(map(median, times)),
                        "shortest_us": 1e6 * min(chain(*times)),
                    }
                )
    return rows


def described(case: Case) -> dict:
    """Return the columns that say which case a row is about."""
    return {**case._asdict(), "shape": "x".join(map(str, case.shape))}


def tell(progress: str) -> None:
    print(strftime("%H:%M:%S"), progress, file=sys.stderr, flush=True)
