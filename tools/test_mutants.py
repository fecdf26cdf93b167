"""Changes xent_lib in one place at a time, and says which of these mutants no test of the library notices.

Usage: python tools/test_mutants.py

Exit status 1 if less than 95 % of all mutants are killed. Each one that survives is printed: it shows a gap in the
tests, or it is no change that a test could see.
"""

import ast
import difflib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import venv
from collections import Counter
from pathlib import Path

BOOK = Path(__file__).parents[1]
ENOUGH = 0.95
KILLED = {"killed": "by a failing test", "timeout": "by running out of time", "segfault": "by a crash"}
ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}  # mutants run side by side, one on each core


def make_environment(folder: Path) -> Path:
    """Install what the tests and mutmut need, in the versions of the book; return the folder of the commands."""
    venv.create(folder, with_pip=True)
    commands, tests = folder / ("Scripts" if sys.platform == "win32" else "bin"), BOOK / "tests" / "library"
    needed = ["-r", tests / "requirements.txt", "-r", tests / "mutants.txt", "-c", BOOK / "constraints.txt"]
    subprocess.run([commands / "python", "-m", "pip", "install", "--quiet", *needed], check=True)
    return commands


def run_mutants(commands: Path, copy: Path) -> dict[str, str]:
    """Run the tests on every mutant of a copy of the library; return what became of each."""
    for name in ("xent_lib", "tests/library"):
        shutil.copytree(BOOK / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(BOOK / "pyproject.toml", copy)
    environment = {**os.environ, **ONE_THREAD}
    progress = None if sys.stdout.isatty() else subprocess.PIPE
    run = subprocess.run([commands / "mutmut", "run"], cwd=copy, env=environment, stdout=progress, text=True)
    if run.returncode:
        sys.exit(f"{(run.stdout or '')[-3000:]}\nmutmut failed")
    results = [commands / "mutmut", "results", "--all", "true"]
    listing = subprocess.run(results, cwd=copy, check=True, capture_output=True, text=True).stdout
    return dict(re.findall(r"^ +(\S+): (.+)$", listing, re.M))


def read_changes(mutated: Path) -> dict[str, str]:
    """Return what each mutant changes: its function, then the lines before and after."""
    changes = {}
    for file in sorted(mutated.glob("*.py")):
        source = file.read_text("utf8")
        lines = re.sub(r"def x_(\w+?)__mutmut_\w+", r"def \1", source).splitlines()
        functions = {
            node.name: lines[node.lineno - 1 : node.end_lineno]
            for node in ast.parse(source).body
            if isinstance(node, ast.FunctionDef) and "__mutmut_" in node.name
        }
        for name, mutant in functions.items():
            function = re.fullmatch(r"x_(\w+?)__mutmut_\w+", name)[1]
            difference = difflib.unified_diff(functions[f"x_{function}__mutmut_orig"], mutant, n=0, lineterm="")
            changed = [f"{line[0]} {line[1:].strip()}" for line in list(difference)[2:] if not line.startswith("@@")]
            changes[f"xent_lib.{file.stem}.{name}"] = "\n".join([f"{file.stem}.{function}", *changed])
    return changes


def report(results: dict[str, str], changes: dict[str, str]) -> int:
    """Print what survived and the summary; return the exit status."""
    counts = Counter(results.values())
    survived = sorted(changes[name] for name, result in results.items() if result not in KILLED)
    for change in survived:
        print(f"\nNo test notices this:\n{change}")
    share = 1 - len(survived) / len(results)
    ways = ", ".join(f"{counts[result]} {how}" for result, how in KILLED.items() if counts[result])
    print(f"\n{len(results) - len(survived)} of {len(results)} mutants killed, {share:.1%}: {ways}.")
    return int(share < ENOUGH)


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        commands, copy = make_environment(Path(folder) / "environment"), Path(folder) / "copy"
        return report(run_mutants(commands, copy), read_changes(copy / "mutants" / "xent_lib"))


if __name__ == "__main__":
    sys.exit(main())
