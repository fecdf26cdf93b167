"""The set-up cell: it installs what is missing and nothing else, and says in one sentence what is wrong."""

import re
import sys
import zipfile

import numpy as np
import pytest
from conftest import BOOK, SITE
from readers_machine import Machine, served
from small_books import HEADER, build, cell

sys.path.insert(0, str(BOOK / "_ext"))
from set_up_cell import Project

PROJECT = Project(BOOK)


def run_cell(source, **changes):
    """Run a set-up cell here, its settings changed, and return the names that it leaves behind."""
    settings, _, code = source.partition("\n\n")
    names = {}
    exec(settings, names)
    names |= changes
    exec(compile(code, "the set-up cell", "exec"), names)
    return names


@pytest.fixture
def machine(tmp_path, packages):
    return Machine(tmp_path, packages)


def script(folder, site):
    """Write the set-up cell of a notebook that needs NumPy alone as a script."""
    path = folder / "set_up.py"
    path.write_text(PROJECT.set_up({}, site), "utf8")
    return path


def last_line(run):
    return run.stderr.strip().splitlines()[-1]


def test_it_installs_the_wheel_of_the_site_once_and_then_does_nothing(machine, tmp_path):
    with served(SITE) as address:
        first = machine.run(script(tmp_path, f"{address}/"))
    assert (first.returncode, first.stdout, first.stderr) == (0, "", "")
    assert machine.has_the_library()
    assert {path.name.partition("-")[0] for path in machine.packages.iterdir()} == {"shared.pth", "xent_lib"}
    where = machine.run("-c", "import xent_lib; print(xent_lib.__file__)").stdout.strip()
    assert where == str(machine.packages / "xent_lib" / "__init__.py")

    installed = {path: path.stat().st_mtime_ns for path in machine.packages.rglob("*.py")}
    again = machine.run(tmp_path / "set_up.py")  # the site is down now
    assert (again.returncode, again.stdout, again.stderr) == (0, "", "")
    assert {path: path.stat().st_mtime_ns for path in machine.packages.rglob("*.py")} == installed


def test_without_the_site_it_says_what_to_check(machine, tmp_path):
    with served(SITE) as address:
        pass
    run = machine.run(script(tmp_path, f"{address}/"))
    assert run.returncode != 0
    assert last_line(run).startswith(f"RuntimeError: xent_lib could not be installed from {address}/wheels/xent_lib-")
    assert "check that this computer can open that address, and run this cell again" in last_line(run)
    assert not machine.has_the_library()


def test_without_an_address_it_says_how_to_install_from_the_course(machine, tmp_path):
    run = machine.run(script(tmp_path, None))
    assert run.returncode != 0
    assert "run `pip install .` in the course's folder" in last_line(run)


def test_where_the_library_is_there_it_needs_no_site():
    run_cell(PROJECT.set_up({}, "http://127.0.0.1:9/"))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"PYTHON": "9.9"}, r"needs Python 9\.9 or newer, and this is Python 3\."),
        (
            {"NEEDED": {"numpy": ("numpy", "99.1")}},
            rf"numpy 99\.1 or newer, and {re.escape(np.__version__)} is installed: run `%pip install --upgrade numpy`",
        ),
        (
            {"NEEDED": {"not_there": ("not-there", "1.0")}},
            "needs not-there, which is not installed: run `%pip install not",
        ),
    ],
    ids=["Python", "too old", "missing"],
)
def test_what_is_too_old_or_missing_is_named_with_what_to_do(changes, message):
    with pytest.raises(RuntimeError, match=message):
        run_cell(PROJECT.set_up({}, None), **changes)


def test_a_module_that_came_under_another_name_is_taken_as_it_is():
    run_cell(PROJECT.set_up({}, None), NEEDED={"json": ("a-name-that-is-not-installed", "9.0")})


@pytest.mark.parametrize(
    ("installed", "lowest", "is_enough"),
    [
        ("2.10.1", "2.9", True),
        ("2.9", "2.10", False),
        ("3.0+cpu", "3.0", True),
        ("3", "3.0.1", False),
        ("1.26.4", "1.26", True),
    ],
)
def test_versions_are_compared_as_numbers(installed, lowest, is_enough, monkeypatch):
    monkeypatch.setattr("importlib.metadata.version", lambda name: installed)
    source = PROJECT.set_up({}, None)
    if is_enough:
        run_cell(source, NEEDED={"numpy": ("numpy", lowest)})
    else:
        with pytest.raises(RuntimeError, match="or newer"):
            run_cell(source, NEEDED={"numpy": ("numpy", lowest)})


def make_wheel(folder, name, requires):
    """Write the wheel of a package of one empty module."""
    info = f"{name}-1.0.dist-info"
    with zipfile.ZipFile(folder / f"{name}-1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr(f"{name}.py", "")
        wheel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n{requires}\n")
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{info}/RECORD", f"{name}.py,,\n{info}/METADATA,,\n{info}/WHEEL,,\n{info}/RECORD,,\n")


@pytest.mark.parametrize("requires", ["", "Requires-Dist: numpy<1.0"], ids=["fits", "would change NumPy"])
def test_what_colab_lacks_is_installed_unless_it_would_change_numpy(machine, tmp_path, monkeypatch, requires):
    make_wheel(tmp_path, "quiz_of_tests", requires)
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    settings, _, code = PROJECT.set_up({}, None).partition("\n\n")
    extra = 'INSTALLED_IF_MISSING = {"quiz_of_tests": ("quiz_of_tests", "1.0")}\n'
    (tmp_path / "set_up.py").write_text(f"{settings}\n{extra}\n{code}", "utf8")
    (machine.packages / "xent_lib.py").touch()
    run = machine.run(tmp_path / "set_up.py")
    installed = (machine.packages / "quiz_of_tests.py").exists()
    assert installed == (run.returncode == 0) == (not requires)
    if requires:
        assert last_line(run).startswith("RuntimeError: quiz_of_tests could not be installed")
    assert not list(machine.packages.glob("numpy*"))


def test_a_chapter_checks_the_versions_of_what_it_imports(small_book):
    (small_book / "chapters" / "one.md").write_text(HEADER + cell("import sklearn.metrics\nfrom scipy import special"))
    assert build(small_book, "--notebooks-only").returncode == 0
    text = (small_book / "_build" / "notebooks" / "one.ipynb").read_text("utf8")
    assert "'scipy': ('scipy', '" in text
    assert "'sklearn': ('scikit-learn', '" in text
    assert "'numpy': ('numpy', '2.0')" in text
    assert "pandas" not in text


def test_the_lowest_versions_are_not_above_those_that_the_book_is_built_with():
    pins = dict(re.findall(r"^([\w-]+)==([\d.]+)", (BOOK / "requirements.txt").read_text("utf8"), re.M))

    def numbers(version):
        return tuple(map(int, version.split(".")))

    for name, version in PROJECT.lowest.items():
        assert numbers(version) <= numbers(pins[name]), name
