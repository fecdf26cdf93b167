"""The machine of a reader: an environment with the packages of the book, but without `xent_lib` and the repository."""

import os
import subprocess
import sys
import sysconfig
import threading
import venv
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from small_books import BOOK

sys.path.insert(0, str(BOOK / "_ext"))
from quiet_kernels import ENVIRONMENT


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@contextmanager
def served(folder: Path):
    """Serve a folder on this machine alone, and yield its address."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder))) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def share_packages(folder: Path) -> Path:
    """Fill a folder with links to all that is installed here, but `xent_lib`."""
    for path in Path(sysconfig.get_path("purelib")).iterdir():
        if not path.name.startswith("xent_lib") and path.suffix != ".pth":
            (folder / path.name).symlink_to(path)
    return folder


class Machine:
    """An environment in a folder of its own, and an empty folder to work in."""

    def __init__(self, folder: Path, packages: Path):
        venv.create(folder / "environment")
        self.python = folder / "environment" / "bin" / "python"
        self.packages = Path(sysconfig.get_path("purelib", vars={"base": str(folder / "environment")}))
        (self.packages / "shared.pth").write_text(f"{packages}\n")
        self.empty = folder / "empty"
        self.empty.mkdir()

    def run(self, *arguments: object) -> subprocess.CompletedProcess:
        """Run Python there, with the settings of the kernels that execute the book."""
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        environment |= ENVIRONMENT  # as the site's kernels have it, so that results can be compared
        environment |= {"IPYTHONDIR": str(BOOK / "_build" / "ipython")}
        command = [str(self.python), *map(str, arguments)]
        return subprocess.run(command, cwd=self.empty, env=environment, capture_output=True, text=True)

    def has_the_library(self) -> bool:
        return (self.packages / "xent_lib" / "__init__.py").exists()
