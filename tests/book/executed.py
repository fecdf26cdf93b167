"""Finds the executed form of a chapter in the cache of the last build."""

from pathlib import Path

import nbformat
from jupyter_cache import get_cache
from myst_nb.core.read import myst_nb_reader_plugin


def executed_notebook(chapter: Path, book: Path) -> nbformat.NotebookNode:
    """Return the notebook of a chapter with the outputs that the built page of ``book`` shows."""
    (cache_folder,) = (book / "_build" / "execution_cache").iterdir()
    notebook = myst_nb_reader_plugin(str(chapter))
    _, executed = get_cache(cache_folder).merge_match_into_notebook(notebook)
    return executed
