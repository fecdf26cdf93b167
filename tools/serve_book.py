"""Serves the built site on this machine. When a source is saved it builds again, and the browser shows the new page.

Usage: python tools/serve_book.py [port]
"""

import subprocess
import sys
from pathlib import Path

from livereload import Server

BOOK = Path(__file__).parents[1]
SOURCES = (
    *("intro.md", "chapters/*.md", "_toc.yml", "_config.yml", "references.bib"),
    *("_static/*", "_ext/*.py", "xent_lib/*.py", "xent_lib/data/*"),
)


def build() -> None:
    """Build; after a mistake, its line stands in the terminal and the old page stays."""
    subprocess.run([sys.executable, str(BOOK / "tools" / "build_book.py"), str(BOOK)])


def main(port: int = 8000) -> None:
    server = Server()
    for pattern in SOURCES:
        server.watch(str(BOOK / pattern), build)
    server.serve(root=str(BOOK / "_build" / "html"), port=port)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:2]))
