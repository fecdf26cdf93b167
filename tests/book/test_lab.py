"""`make lab` opens JupyterLab, where every chapter opens as a notebook."""

import json
import os
import shutil
import signal
import subprocess
import time
from urllib.request import urlopen

import pytest
from conftest import BOOK, NOTEBOOKS

pytestmark = pytest.mark.skipif(not shutil.which("make"), reason="Windows has no make; README.md gives the commands")


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """Start JupyterLab as the Makefile does, but without a browser; return a function that asks it."""
    folder = tmp_path_factory.mktemp("jupyter")
    settings = {"ServerApp": {"open_browser": False, "allow_root": True, "port": 0}}
    (folder / "jupyter_server_config.json").write_text(json.dumps(settings))
    environment = {**os.environ, "JUPYTER_CONFIG_DIR": str(folder), "JUPYTER_RUNTIME_DIR": str(folder / "runtime")}
    for name in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL"):
        environment.pop(name, None)
    with (folder / "log").open("w") as log:
        run = subprocess.Popen(
            ["make", "lab"], cwd=BOOK, env=environment, stdout=log, stderr=log, start_new_session=True
        )
        try:
            for _ in range(240):
                if found := list((folder / "runtime").glob("jpserver-*.json")):
                    break
                assert run.poll() is None, (folder / "log").read_text()
                time.sleep(0.25)
            server = json.loads(found[0].read_text())

            def ask(path):
                with urlopen(f"{server['url']}{path}{'&' if '?' in path else '?'}token={server['token']}") as answer:
                    return json.load(answer)

            yield ask
        finally:
            os.killpg(run.pid, signal.SIGTERM)
            run.wait()


def test_a_click_on_a_chapter_opens_a_notebook(lab):
    settings = lab("lab/api/settings/@jupyterlab/docmanager-extension:plugin")
    viewers = settings["schema"]["properties"]["defaultViewers"]["default"]
    assert viewers["markdown"] == "Jupytext Notebook"


def test_the_chapters_are_there_as_notebooks_that_python_runs(lab):
    names = {entry["name"] for entry in lab("api/contents")["content"]}
    assert {f"{page.rpartition('/')[2]}.md" for page in NOTEBOOKS} <= names
    for page in NOTEBOOKS:
        notebook = lab(f"api/contents/{page.rpartition('/')[2]}.md?type=notebook&content=1")["content"]
        assert notebook["metadata"]["kernelspec"]["name"] == "python3"
        assert sum(cell["cell_type"] == "code" for cell in notebook["cells"]) > 10


def test_the_kernel_and_the_extensions_are_there(lab):
    assert "python3" in lab("api/kernelspecs")["kernelspecs"]
    extensions = {extension["name"] for extension in lab("lab/api/extensions")}
    assert {"jupyterlab-jupytext", "jupyterlab-myst"} <= extensions
