"""Makes the first code cell of a notebook, which installs `xent_lib` where it is missing.

The code that runs is the file `set_up.py` beside this one. What differs from chapter to chapter stands above it:
the address of the wheel, and which versions the chapter needs.
"""

import ast
import re
import sys
from pathlib import Path

import tomllib

TITLE = "Set-up: run this cell first"
CODE = Path(__file__).with_name("set_up.py").read_text("utf8").partition('"""\n\n')[2].rstrip()

#: What Colab has anyway, of what the chapters use. Only the rest is installed by the cell.
IN_COLAB = {
    "keras",
    "matplotlib",
    "numpy",
    "pandas",
    "scikit-learn",
    "scipy",
    "seaborn",
    "tensorflow",
    "threadpoolctl",
    "torch",
}


#: What a module is called on PyPI, where it has another name there.
DISTRIBUTIONS = {"sklearn": "scikit-learn"}

#: {module: (distribution, lowest version)}
Needs = dict[str, tuple[str, str]]


class Project:
    """What `pyproject.toml` says of the library and of what the chapters need."""

    def __init__(self, root: Path):
        project = tomllib.loads((root / "pyproject.toml").read_text("utf8"))["project"]
        self.library = project["name"].replace("-", "_")
        self.wheel = f"{self.library}-{project['version']}-py3-none-any.whl"
        self.python = lowest(project["requires-python"])[1]
        requirements = [*project["dependencies"], *project["optional-dependencies"]["chapters"]]
        self.lowest = dict(map(lowest, requirements))

    def needs(self, code: str) -> Needs:
        """Return what the code imports beyond the standard library and the course's own."""
        needs = {}
        for module in imported(code) - sys.stdlib_module_names - {self.library}:
            name = DISTRIBUTIONS.get(module, module)
            if name not in self.lowest:
                raise LookupError(f"the code imports {module!r}, which pyproject.toml does not list for the chapters")
            needs[module] = name, self.lowest[name]
        return needs

    def set_up(self, needs: Needs, site: str | None) -> str:
        """Return the code of the set-up cell of a notebook with those needs; the library's own are added."""
        needs = dict(sorted((self.needs("import numpy") | needs).items()))
        given = {module: need for module, need in needs.items() if need[0] in IN_COLAB}
        missing = {module: need for module, need in needs.items() if module not in given}
        wheel = f"{site}wheels/{self.wheel}" if site else None
        lines = [
            f"WHEEL = {wheel!r}",
            f"PYTHON = {self.python!r}",
            f"NEEDED = {given!r}",
            f"INSTALLED_IF_MISSING = {missing!r}",
        ]
        return "\n".join([*lines, "", CODE])


def lowest(requirement: str) -> tuple[str, str]:
    """Return the name and the lowest version of ``name>=version``."""
    name, version = re.fullmatch(r"([\w.-]*)>=([\d.]+)", requirement).groups()
    return name, version


def imported(code: str) -> set[str]:
    """Return the modules that the code imports, by their first names."""
    modules = set()
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Import):
            modules |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            modules.add(node.module.partition(".")[0])
    return modules
