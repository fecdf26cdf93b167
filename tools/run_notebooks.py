"""Runs notebooks from top to bottom, each in an empty folder, and says which ones failed and where.

Usage: python tools/run_notebooks.py [--output FOLDER] [--kernel NAME] [--timeout SECONDS] FILE_OR_FOLDER ...

Needs nbclient, nbformat and ipykernel where it runs, and nothing of this repository.
"""

import argparse
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError


def run(path: Path, kernel: str, timeout: int, output: Path | None) -> str | None:
    """Execute one notebook, keep it with its outputs if there is a place for it; return what went wrong."""
    notebook = nbformat.read(path, as_version=4)
    with TemporaryDirectory() as empty:
        client = NotebookClient(notebook, timeout=timeout, kernel_name=kernel, resources={"metadata": {"path": empty}})
        try:
            client.execute()
            problem = None
        except (CellExecutionError, CellTimeoutError, DeadKernelError) as error:
            problem = str(error)
    if output:
        nbformat.write(notebook, output / path.name)
    return problem


def main(sources: list[Path], output: Path | None, kernel: str, timeout: int) -> int:
    paths = [path for source in sources for path in (sorted(source.glob("*.ipynb")) if source.is_dir() else [source])]
    if not paths:
        print("There is no notebook to run.", file=sys.stderr)
        return 2
    failed = []
    for path in paths:
        start = perf_counter()
        problem = run(path, kernel, timeout, output)
        print(f"{'FAILED' if problem else 'ok':6} {perf_counter() - start:6.1f} s  {path.name}", flush=True)
        if problem:
            failed.append(path.name)
            print(problem, file=sys.stderr)
    print(f"{len(paths) - len(failed)} of {len(paths)} notebooks ran without an error.")
    if failed:
        print(f"Failed: {', '.join(failed)}", file=sys.stderr)
    return int(bool(failed))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sources", nargs="+", type=Path, metavar="FILE_OR_FOLDER")
    parser.add_argument("--output", type=Path, help="a folder for the notebooks with their outputs")
    parser.add_argument("--kernel", default="python3")
    parser.add_argument("--timeout", type=int, default=600, help="seconds for one cell")
    sys.exit(main(**vars(parser.parse_args())))
