"""The code of the set-up cell of every notebook, run where the reader runs the notebook.

`WHEEL`, `PYTHON`, `NEEDED` and `INSTALLED_IF_MISSING` stand above it there (`set_up_cell.py`).
"""

import importlib.metadata
import importlib.util
import subprocess
import sys


def set_up():
    """Install xent_lib if it is missing; stop with one sentence if something is too old or cannot be had."""

    def numbers(version):
        return [int(part) for part in version.split("+")[0].split(".")[:3] if part.isdigit()]

    def installed(name):
        try:
            return importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            return None  # its module is there under another name, tensorflow-cpu say: its version is not compared

    def stop(sentence):
        raise RuntimeError(sentence)

    def install(*arguments):
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--retries=2", "--disable-pip-version-check"]
        done = subprocess.run([*command, *arguments], capture_output=True, text=True)
        return done.returncode and (done.stderr.strip() or "nothing").splitlines()[-1]

    if sys.version_info < tuple(numbers(PYTHON)):
        stop(f"This notebook needs Python {PYTHON} or newer, and this is Python {sys.version.split()[0]}.")
    for module, (name, lowest) in NEEDED.items():
        if importlib.util.find_spec(module) is None:
            stop(f"This notebook needs {name}, which is not installed: run `%pip install {name}` and then this cell.")
        version = installed(name)
        if version and numbers(version) < numbers(lowest):
            stop(
                f"This notebook needs {name} {lowest} or newer, and {version} is installed: run "
                f"`%pip install --upgrade {name}`, restart the kernel, and run this cell again."
            )
    held = [f"{name}=={installed(name)}" for name, _ in NEEDED.values() if installed(name)]
    for module, (name, lowest) in INSTALLED_IF_MISSING.items():
        if importlib.util.find_spec(module) is None and (problem := install(f"{name}>={lowest}", *held)):
            stop(f"{name} could not be installed. The installer said: {problem}")
    if importlib.util.find_spec("xent_lib") is None:
        if WHEEL is None:
            stop(
                "xent_lib is not installed, and this notebook was made without the address of the course's site: "
                "run `pip install .` in the course's folder, restart the kernel, and run this cell again."
            )
        if problem := install("--no-deps", WHEEL):
            stop(
                f"xent_lib could not be installed from {WHEEL}: check that this computer can open that address, "
                f"and run this cell again. The installer said: {problem}"
            )
        importlib.invalidate_caches()


set_up()
