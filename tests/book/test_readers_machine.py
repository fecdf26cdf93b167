"""A reader runs every notebook from top to bottom, where there is no `xent_lib` and no repository."""

import os
import re
import shutil
from concurrent.futures import ThreadPoolExecutor

import nbformat
import pytest
from conftest import BOOK, NOTEBOOKS, SITE
from executed import executed_notebook
from markdown_cells import links
from readers_machine import Machine, served
from site_links import problem_with
from small_books import build

RUNNER = BOOK / "tools" / "run_notebooks.py"
NAMES = [page.rpartition("/")[2] for page in NOTEBOOKS]
each_notebook = pytest.mark.parametrize("name", NAMES)


@pytest.fixture(scope="module")
def notebooks(tmp_path_factory):
    """The notebooks as a site on this machine would offer them, while that site is up."""
    folder = tmp_path_factory.mktemp("notebooks")
    with served(SITE) as address:
        run = build(BOOK, "--notebooks-only", SITE_URL=address)
        assert run.returncode == 0, run.stderr
        shutil.move(BOOK / "_build" / "notebooks", folder / "notebooks")
        yield folder / "notebooks", f"{address}/"


@pytest.fixture(scope="module")
def results(notebooks, packages, tmp_path_factory):
    """Run all notebooks, each on a machine of its own; return {name: (machine, the run, the executed notebook)}."""
    executed = tmp_path_factory.mktemp("executed")

    def run(name):
        machine = Machine(tmp_path_factory.mktemp(name), packages)
        assert not machine.has_the_library()
        done = machine.run(RUNNER, notebooks[0] / f"{name}.ipynb", "--output", executed)
        return machine, done, nbformat.read(executed / f"{name}.ipynb", as_version=4)

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return dict(zip(NAMES, pool.map(run, NAMES), strict=True))


@each_notebook
def test_every_link_is_whole_and_those_to_the_site_lead_somewhere(notebooks, name):
    folder, site = notebooks
    cells = nbformat.read(folder / f"{name}.ipynb", as_version=4).cells
    found = [link for cell in cells if cell.cell_type == "markdown" for link in links(cell.source)]
    assert any(link.startswith(site) for link in found)
    assert [link for link in found if not re.match(r"https?://[^/]+/", link)] == []
    page = SITE / "chapters" / f"{name}.html"
    within = [f"../{link.removeprefix(site)}" for link in found if link.startswith(site)]
    assert [problem for link in within if (problem := problem_with(link, page))] == []


@each_notebook
def test_a_notebook_runs_where_the_library_is_missing(results, name):
    machine, done, _ = results[name]
    assert done.returncode == 0, done.stdout + done.stderr
    assert machine.has_the_library()
    assert list(machine.empty.iterdir()) == []


def shown(outputs):
    """Return what outputs show, in a form that can be compared.

    What was printed is one text, however it arrived. Addresses in memory and pandas' names of tables are by chance.
    """
    printed = "".join(output.text for output in outputs if output.output_type == "stream")
    data = [sorted(output.data.items()) for output in outputs if "data" in output]
    return re.sub(r"0x[0-9a-f]{8,}|T_[0-9a-f]{5}", "", repr([printed, *data]))


@each_notebook
def test_its_results_are_those_of_the_site(results, name):
    on_site = [
        cell
        for cell in executed_notebook(BOOK / "chapters" / f"{name}.md", BOOK).cells
        if cell.cell_type == "code" and "remove-cell" not in cell.metadata.get("tags", [])
    ]
    _, _, notebook = results[name]
    set_up, *cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert set_up.outputs == []
    for cell, expected in zip(cells, on_site, strict=True):
        if "timing" not in expected.metadata.get("tags", []):
            assert shown(cell.outputs) == shown(expected.outputs), cell.source
