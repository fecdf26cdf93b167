"""Builds the book with every warning an error, and ends with one line that says what is wrong, and where.

Usage: python tools/build_book.py [folder of the book]
"""

import re
import sys
from pathlib import Path

from jupyter_book.cli.main import build

COLOR = re.compile(r"\x1b\[[0-9;]*m")
FAILED_CELL = re.compile(r"following cell:\n-{5,}\n(?P<code>.*?)\n-{5,}\n", re.S)
LINE_IN_CELL = re.compile(r"Cell In\[\d+\], line (\d+)")


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


def main(book: str = ".") -> int:
    try:
        build.main([str(Path(book).resolve()), "-W"], standalone_mode=False)
    except RuntimeError as error:  # what Jupyter Book raises after a failed build
        problem = COLOR.sub("", str(error.__cause__ or error))
        print(f"\nThe book was not built.\n{locate(problem)}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
