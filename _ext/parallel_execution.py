"""Executes several chapters at a time, one on each core, before Sphinx reads them one after the other.

What has run is put into the execution cache, where MyST-NB finds it. A chapter that fails is left to MyST-NB, which
runs it once more and reports the cell; so is a chapter that times code (tag ``timing``), which needs a quiet machine.
"""

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from jupyter_cache import get_cache
from jupyter_cache.base import CacheBundleIn
from jupyter_cache.executors.utils import single_nb_execution
from myst_nb.core.read import myst_nb_reader_plugin
from sphinx.util import logging

LOGGER = logging.getLogger(__name__)


def is_waiting(path: Path, notebook, cache) -> bool:
    """Whether a chapter has code to run here, and has not been run."""
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    if not cells or any("timing" in cell.metadata.get("tags", []) for cell in cells):
        return False
    try:
        cache.match_cache_notebook(notebook)
    except KeyError:
        return True
    return False


def execute_chapters(app, env, docnames):
    if app.config.nb_execution_mode != "cache":
        return
    cache = get_cache(app.config.nb_execution_cache_path)
    paths = [Path(env.doc2path(name)) for name in sorted(docnames)]
    texts = [path for path in paths if path.suffix == ".md" and "format_name: myst" in path.read_text("utf8")]
    notebooks = {path: myst_nb_reader_plugin(str(path)) for path in texts}
    waiting = {path: notebook for path, notebook in notebooks.items() if is_waiting(path, notebook, cache)}
    if len(waiting) < 2:
        return

    def execute(path):
        timeout = app.config.nb_execution_timeout
        return single_nb_execution(waiting[path], cwd=str(path.parent), timeout=timeout, allow_errors=False)

    longest_first = sorted(waiting, key=lambda path: path.stat().st_size, reverse=True)
    with ThreadPoolExecutor(os.process_cpu_count() if hasattr(os, "process_cpu_count") else os.cpu_count()) as cores:
        for path, result in zip(longest_first, cores.map(execute, longest_first), strict=True):
            if result.err is None:
                data = {"execution_seconds": result.time}
                cache.cache_notebook_bundle(CacheBundleIn(result.nb, str(path), data=data), check_validity=False)
                LOGGER.info("%s: Executed notebook in %.2f seconds", path, result.time)


def setup(app):
    app.connect("env-before-read-docs", execute_chapters)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
