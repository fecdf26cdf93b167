"""Executes every chapter again when what the chapters are built with has changed.

The execution cache knows a notebook by its code cells alone: after a change of ``xent_lib`` or of the
pinned packages it would go on showing the old outputs. So the cache gets a folder named after a digest
of both. Sphinx sees the changed setting and reads every page again; the new folder is empty, so every
chapter executes.
"""

import hashlib
import shutil
import sys
from pathlib import Path

INGREDIENTS = ("xent_lib/**/*.py", "xent_lib/data/*", "_ext/quiet_kernels.py", "requirements.txt", "constraints.txt")


def digest(root: Path) -> str:
    """Name the current contents of the ingredients, and the Python that runs them."""
    state = hashlib.sha256(repr(sys.version_info[:2]).encode())
    for pattern in INGREDIENTS:
        for path in sorted(root.glob(pattern)):
            state.update(path.relative_to(root).as_posix().encode())
            state.update(path.read_bytes())
    return state.hexdigest()[:16]


def use_fresh_cache(app, config):
    root = Path(app.srcdir)
    caches = Path(app.outdir).parent / "execution_cache"
    current = caches / digest(root)
    for outdated in caches.glob("*"):
        if outdated != current:
            shutil.rmtree(outdated)
    config.nb_execution_cache_path = str(current)


def setup(app):
    app.connect("config-inited", use_fresh_cache)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
