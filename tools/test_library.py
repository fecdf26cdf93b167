"""Runs the library's tests on the oldest NumPy that it takes and on the newest, each in a small environment.

Usage: python tools/test_library.py            (with a Python for which both exist: 3.11 or 3.12)
       python tools/test_library.py numpy      (on the newest alone, with any Python that the library takes)
"""

import re
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

BOOK = Path(__file__).parents[1]
OLDEST = re.search(r"numpy>=([\d.]+)", (BOOK / "pyproject.toml").read_text("utf8"))[1]
TESTS = ["xent_lib", "tests/library"]


def run(*command: str) -> int:
    return subprocess.run(command, cwd=BOOK).returncode


def test_with(numpy: str, folder: Path) -> int:
    """Install that NumPy and the tools, run the tests, return what pytest does."""
    venv.create(folder, with_pip=True)
    python = str(folder / ("Scripts" if sys.platform == "win32" else "bin") / "python")
    tools = str(BOOK / "tests" / "library" / "requirements.txt")
    if failed := run(python, "-m", "pip", "install", "--quiet", numpy, "-r", tools):
        return failed
    print(f"With {numpy}:", flush=True)
    return run(python, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--ignore=xent_lib/plots.py", *TESTS)


def main(*numpys: str) -> int:
    numpys = numpys or (f"numpy=={OLDEST}.*", "numpy")
    with tempfile.TemporaryDirectory() as folder:
        return max(test_with(numpy, Path(folder) / str(i)) for i, numpy in enumerate(numpys))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
