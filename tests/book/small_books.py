"""Small books with the settings of this one, to see what a build does with what stands in a chapter."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

BOOK = Path(__file__).parents[2]

HEADER = """\
---
jupytext:
  text_representation:
    extension: .md
    format_name: myst
kernelspec:
  display_name: Python 3
  language: python
  name: python3
---

# Title
"""


def cell(code):
    return f"\n```{{code-cell}} ipython3\n{code}\n```\n"


def make_book(folder: Path) -> Path:
    """Write a book of two chapters."""
    for name in ("_ext", "_static", "xent_lib"):
        shutil.copytree(BOOK / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("_config.yml", "references.bib", "requirements.txt", "constraints.txt", "pyproject.toml", "README.md"):
        shutil.copy(BOOK / name, folder)
    (folder / "_toc.yml").write_text(
        "format: jb-book\nroot: intro\nchapters:\n- file: chapters/one\n- file: chapters/two\n"
    )
    (folder / "intro.md").write_text("# Intro\n")
    (folder / "chapters").mkdir()
    for name in ("one", "two"):
        (folder / "chapters" / f"{name}.md").write_text(HEADER + cell(f"print('{name}')"))
    return folder


def build(book: Path, *options: str, **environment: str) -> subprocess.CompletedProcess:
    """Build a book; nothing is known of its addresses but what `environment` says."""
    command = [sys.executable, str(BOOK / "tools" / "build_book.py"), *options, str(book)]
    environment = {**os.environ, "GITHUB_REPOSITORY": "", "SITE_URL": "", **environment}
    return subprocess.run(command, capture_output=True, text=True, timeout=300, env=environment)
