"""The files under benchmarks/results: written by `make bench`, read by the page and the tests."""

from __future__ import annotations

import csv
import json
import os
import platform
from datetime import date
from importlib.metadata import distributions
from pathlib import Path

from benchmarks.driver import PEERS

FOLDER = Path(__file__).parent / "results"
PACKAGES = ("numpy", "scipy", "torch", "tensorflow", "keras", "jax", "optax")


def write(name: str, rows: list[dict], folder: Path = FOLDER) -> None:
    """Write a table; numbers keep four significant digits."""
    with (folder / f"{name}.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows({key: f"{x:.4g}" if isinstance(x, float) else x for key, x in row.items()} for row in rows)


def read(name: str, folder: Path = FOLDER) -> list[dict[str, str]]:
    """Read a table, as text."""
    with (folder / f"{name}.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def write_machine(settings: dict, folder: Path = FOLDER) -> None:
    """Write where, with what and when the tables were taken."""
    installed = {package.name: package.version for package in distributions(path=[PEERS])}
    installed |= {package.name: package.version for package in distributions()}
    machine = {
        "date": date.today().isoformat(),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "packages": {name: installed[name] for name in PACKAGES},
        **settings,
    }
    (folder / "machine.json").write_text(json.dumps(machine, indent=1) + "\n")


def read_machine(folder: Path = FOLDER) -> dict:
    return json.loads((folder / "machine.json").read_text())


def _processor() -> str:
    """Return the name of the processor, and the sizes of its caches where the system tells them."""
    name, caches = platform.processor() or platform.machine(), []
    information = Path("/proc/cpuinfo")
    if information.exists():
        lines = information.read_text().splitlines()
        name = next((line.partition(": ")[2] for line in lines if line.startswith("model name")), name)
    for cache in sorted(Path("/sys/devices/system/cpu/cpu0/cache").glob("index[2-9]")):
        caches.append(f"L{(cache / 'level').read_text().strip()} {(cache / 'size').read_text().strip()}B")
    return ", ".join([name, *caches])
