"""Builds the book with every warning an error, and ends with one line that says what is wrong, and where.

Usage: python tools/build_book.py [--notebooks-only] [folder of the book]

The site goes to `_build/html`. The notebooks that people run go to `_build/notebooks`, and with the wheel of
the library, which they install, to the folders `notebooks` and `wheels` of the site.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from jupyter_book.cli.main import build

COLOR = re.compile(r"\x1b\[[0-9;]*m")
FAILED_CELL = re.compile(r"following cell:\n-{5,}\n(?P<code>.*?)\n-{5,}\n", re.S)
LINE_IN_CELL = re.compile(r"Cell In\[\d+\], line (\d+)")
EPOCH = "315532800"  # 1980, the first year that a wheel can name: the same files make the same wheel


def locate(problem: str) -> str:
    """Add the line of the chapter to the report of a cell that failed; leave other problems alone."""
    cell, page = FAILED_CELL.search(problem), Path(problem.partition(".md:")[0] + ".md")
    if not cell or not page.exists():
        return problem
    before, found, _ = page.read_text("utf8").partition(cell["code"].rstrip("\n"))
    in_cell = LINE_IN_CELL.search(problem)
    line = before.count("\n") + (int(in_cell[1]) if in_cell else 1)
    place = f"{page}:{line}" if found else str(page)
    error = re.sub(r"\s*\[[\w.]+\]\s*$", "", problem).splitlines()[-1]
    return f"{place}: a cell failed: {error}"


def build_wheel(book: Path, folder: Path) -> None:
    """Write the wheel of the library, and no older one, to a folder."""
    shutil.rmtree(folder, ignore_errors=True)
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    environment = {"SOURCE_DATE_EPOCH": EPOCH, **os.environ}
    subprocess.run([*command, "--wheel-dir", str(folder), str(book)], env=environment, check=True)


def main(book: Path, notebooks_only: bool) -> int:
    builders = [["--builder", "custom", "--custom-builder", "notebooks"]]
    if not notebooks_only:
        builders.insert(0, [])
    try:
        for builder in builders:
            build.main([str(book), "-W", *builder], standalone_mode=False)
    except RuntimeError as error:  # what Jupyter Book raises after a failed build
        problem = COLOR.sub("", str(error.__cause__ or error))
        print(f"\nThe book was not built.\n{locate(problem)}", file=sys.stderr)
        return 1
    if not notebooks_only:
        site = book / "_build" / "html"
        shutil.rmtree(site / "notebooks", ignore_errors=True)
        (site / "notebooks").mkdir()
        for notebook in (book / "_build" / "notebooks").glob("*.ipynb"):
            shutil.copy(notebook, site / "notebooks")
        build_wheel(book, site / "wheels")
    return 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("book", nargs="?", default=".", type=lambda path: Path(path).resolve())
    parser.add_argument("--notebooks-only", action="store_true")
    sys.exit(main(**vars(parser.parse_args())))
