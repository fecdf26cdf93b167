"""The two commands and the pins keep their promises."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def pins(name):
    lines = (ROOT / name).read_text("utf8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


@pytest.mark.parametrize("line", pins("requirements.txt"))
def test_a_requirement_is_pinned_gives_its_reason_and_is_in_the_constraints(line):
    pin, reason = re.fullmatch(r"(\S+==\S+)\s+# (.+)", line).groups()
    assert len(reason.split()) >= 2
    assert pin.lower() in [constraint.lower() for constraint in pins("constraints.txt")]


def test_the_constraints_install_on_any_machine():
    for line in pins("constraints.txt"):
        assert re.fullmatch(r"[\w.-]+==[\w.]+", line), f"{line} is no plain pin"


needs_make = pytest.mark.skipif(os.name == "nt", reason="Windows has no make; README.md gives the commands")


def make(*arguments, cwd=ROOT, **environment):
    environment = {**os.environ, **environment}
    for name in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL"):
        environment.pop(name, None)
    return subprocess.run(["make", *arguments], cwd=cwd, env=environment, capture_output=True, text=True)


@needs_make
def test_make_without_a_target_lists_every_target():
    listing = make().stdout
    targets = re.findall(r"^([a-z]+):.*##", (ROOT / "Makefile").read_text("utf8"), re.M)
    assert {"book", "test", "lab", "lint", "clean"} <= set(targets)
    for target in targets:
        assert f"make {target} " in listing


@pytest.fixture
def clone_without_environment(tmp_path):
    for name in ("Makefile", "requirements.txt", "constraints.txt", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)
    return tmp_path


@needs_make
def test_a_python_that_is_too_old_is_told_so_in_one_sentence(clone_without_environment):
    old = clone_without_environment / "python3.9"
    old.write_text('#!/bin/sh\n[ "$1" = --version ] && echo "Python 3.9.18" || exit 1\n')
    old.chmod(0o755)
    run = make("book", f"PYTHON={old}", cwd=clone_without_environment)
    assert run.returncode != 0
    message = run.stderr.splitlines()[0]
    assert message == f"This course needs Python 3.11, 3.12 or 3.13; {old} is Python 3.9.18."
    assert not (clone_without_environment / ".venv").exists()


@needs_make
def test_a_missing_python_is_told_so_in_one_sentence(clone_without_environment):
    tools = clone_without_environment / "tools_only"
    tools.mkdir()
    for tool in ("make", "sh", "echo", "touch"):
        (tools / tool).symlink_to(shutil.which(tool))
    run = make("book", cwd=clone_without_environment, PATH=str(tools))
    assert run.returncode != 0
    assert "This course needs Python 3.11, 3.12 or 3.13, and none was found" in run.stderr
    assert not (clone_without_environment / ".venv").exists()


def test_the_version_is_the_same_wherever_it_stands():
    places = {
        "pyproject.toml": r'^version = "(.+)"',
        "xent_lib/__init__.py": r'^__version__ = "(.+)"',
        "CITATION.cff": r"^version: (.+)",
    }
    found = {name: re.search(pattern, (ROOT / name).read_text("utf8"), re.M)[1] for name, pattern in places.items()}
    assert len(set(found.values())) == 1, found
