"""Lets the routes take turns: the same case, one process after the other, round after round."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory, TemporaryFile
from time import strftime

from benchmarks.cases import TABLE, Case, save
from benchmarks.routes import ROUTES, applies

ROOT = Path(__file__).parents[1]
PEERS = Path(sys.prefix) / "peers"  # where the Makefile installs benchmarks/requirements.txt
LINUX = sys.platform == "linux"
LARGE = 10_000_000  # elements, from which the memory of whole processes is compared
NEEDED = 20  # GB: a process that keeps its memory, 13 GB in the largest case, beside the one that is measured
ONE_THREAD = {
    **dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"), "1"),
    **dict.fromkeys(("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "NPROC"), "1"),
    "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false",
    "CUDA_VISIBLE_DEVICES": "-1",
    "JAX_PLATFORMS": "cpu",
    "JAX_ENABLE_X64": "1",  # float64 stays float64; float32 stays float32
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "KERAS_BACKEND": "tensorflow",
}


@contextmanager
def process(module: str, argument: str, **settings: str):
    """Start a process of one route and yield a function that sends it a task and returns its answer."""
    path = os.pathsep.join([str(ROOT), str(PEERS)])
    with (
        TemporaryFile("w+") as errors,
        subprocess.Popen(
            [sys.executable, "-m", module, argument],
            cwd=ROOT,
            env={**os.environ, **ONE_THREAD, "PYTHONPATH": path, **settings},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        ) as running,
    ):

        def ask(task: dict) -> dict:
            print(json.dumps(task), file=running.stdin, flush=True)
            answer = running.stdout.readline()
            if not answer:
                errors.seek(0)
                raise SystemExit(f"{errors.read()}\n{argument} failed on {task}")
            return json.loads(answer)

        try:
            yield ask
        finally:
            running.stdin.close()


def effort(case: Case, quick: bool) -> tuple[int, float, int]:
    """Return the rounds, the seconds of a turn, and the least calls of a turn."""
    if quick:
        return 1, 0.02, 2
    if case.elements <= 1_000_000:
        return 8, 0.05, 2
    return (5, 0.2, 2) if case.elements <= 10_000_000 else (3, 0.5, 2)


def measure(cases: list[Case], quick: bool = False) -> tuple[list[dict], list[dict]]:
    """Return the rows of the tables of times and of memory above the inputs and `out`."""
    times, peaks = [], []
    with folder_in_memory() as folder, ExitStack() as stack:
        standing = {name: stack.enter_context(worker(name)) for name in ROUTES}
        for case in cases:
            tell(f"  {strftime('%H:%M:%S')} {case}")
            save(case, folder)
            routes = [name for name in ROUTES if applies(name, case.logits, case.elements)]
            rounds, seconds, at_least = effort(case, quick)
            task = {"case": case, "folder": str(folder), "seconds": seconds, "at_least": at_least}
            with ExitStack() as of_case:
                asks = {name: standing[name] for name in routes}
                if case.elements >= LARGE:  # a process that keeps its memory must not keep this much of it
                    keeping = [name for name in routes if ROUTES[name].reuses_memory]
                    asks |= {name: of_case.enter_context(worker(name)) for name in keeping}
                turns = [{name: asks[name]({**task, "measure": "time"}) for name in routes} for _ in range(rounds)]
            times += [{**case._asdict(), "route": name, **merged([turn[name] for turn in turns])} for name in routes]
            if case in TABLE:
                for name in routes:
                    peaks.append({**case._asdict(), "route": name, **peak(standing[name], name, task, case)})
    return times, peaks


def merged(turns: list[dict]) -> dict:
    """Return one row for all turns of a route: the shortest call, and the median of the turns' medians."""
    return {
        "calls": sum(turn["calls"] for turn in turns),
        "min_ms": 1e3 * min(turn["min"] for turn in turns),
        "median_ms": 1e3 * median(turn["median"] for turn in turns),
    }


def peak(ask, name: str, task: dict, case: Case) -> dict:
    """Return what the memory of a call is measured by: NumPy's own account, and for large cases the process."""
    peaks = {"process_bytes": "", "numpy_bytes": ""}
    if ROUTES[name].allocates_with_numpy:
        peaks |= ask({**task, "measure": "numpy peak"})
    if case.elements >= LARGE and LINUX and name != "torch_mem":
        with worker(name) as ask_new:
            peaks |= ask_new({**task, "measure": "process peak"})
    return peaks


@contextmanager
def folder_in_memory():
    """Yield a temporary folder, in memory where the system has such a place."""
    shared = Path("/dev/shm")
    with TemporaryDirectory(dir=shared if shared.exists() else None) as folder:
        yield Path(folder)


def worker(route: str):
    return process("benchmarks.worker", route, **ROUTES[route].settings)


def refuse_too_little_memory() -> None:
    """End before the largest case would make the system end some other process."""
    information = Path("/proc/meminfo")
    if information.exists():
        line = next(line for line in information.read_text().splitlines() if line.startswith("MemAvailable"))
        available = int(line.split()[1]) // 2**20
        if available < NEEDED:
            raise SystemExit(
                f"The full run needs {NEEDED} GB of free memory, {available} GB are; --quick needs little."
            )


def tell(progress: str) -> None:
    print(progress, file=sys.stderr, flush=True)
