"""Puts the results into the chapter, between two comments of one of its cells.

A chapter is also a notebook that is opened alone, where no file lies beside it. So it carries the numbers it shows.
"""

from __future__ import annotations

import re
from math import log10, prod
from pathlib import Path
from textwrap import fill

from benchmarks.cases import BINARY, DTYPES, SHAPES
from benchmarks.driver import MODES
from benchmarks.results import FOLDER, read, read_machine

CHAPTER = Path(__file__).parents[1] / "chapters" / "how_fast.md"
BETWEEN = re.compile(r"(?<=# Written by make bench:\n).*?(?=# End of what make bench wrote\.\n)", re.S)
MOST_DIGITS = {"float32": 7.2, "float64": 16.0}  # as far as the type itself goes
ALL_SHAPES = ["x".join(map(str, shape)) for shape in (*SHAPES, BINARY)]
OURS, NOT_A_PEER = "xent_lib", ("xent_lib", "numpy")
#: What cells and columns are called in the chapter, whose lines are short.
LETTERS = {"scipy": "S", "torch": "P", "tensorflow": "T", "jax": "J"}
SHORT = {"xent_lib": "xent", "torch": "torch", "tensorflow": "tf", "jax": "jax"}
KEPT_BY = ("numpy", "scipy", "logsumexp", "torch", "tensorflow", "jax", "xent_lib")


def content(folder: Path = FOLDER) -> str:
    """Return the lines of the cell."""
    machine = read_machine(folder)
    packages = ", ".join(f"{name} {version}" for name, version in machine["packages"].items())
    about = f"{machine['processor']}; {machine['system']}; Python {machine['python']}, {packages}; {machine['date']}"
    tables = {
        "RATIOS": ratios(folder),
        "TIMES": times(folder),
        "CLIFFS": cliffs(folder),
        "MEMORY": memory(folder),
        "DIGITS": digits(folder),
    }
    texts = ['"""\\\n'.join([f"{name} = ", "\n".join(lines)]) + '\n"""\n' for name, lines in tables.items()]
    return "".join([f'MACHINE = """\\\n{fill(about, 78)}\n"""\n', *texts])


def medians(folder: Path) -> dict[tuple, dict[tuple[str, str], float]]:
    """Return the microseconds of each case, by library and use of memory."""
    found: dict[tuple, dict[tuple[str, str], float]] = {}
    for row in read("times", folder):
        case = (row["dtype"], row["function"], row["truth"], row["shape"])
        found.setdefault(case, {})[row["library"], row["memory"]] = float(row["median_us"])
    return found


def ratios(folder: Path) -> list[str]:
    """Return how many times as long as `xent_lib` its fastest peer takes, in the use of memory that favors the peer."""
    rows: dict[tuple, dict[str, str]] = {}
    for (dtype, function, truth, shape), taken in medians(folder).items():
        against = [
            (time / taken[OURS, mode], library) for (library, mode), time in taken.items() if library not in NOT_A_PEER
        ]
        if against:
            ratio, library = min(against)
            rows.setdefault((dtype, function, truth), {})[shape] = f"{ratio:.3g}{LETTERS[library]}"
    lines = [",".join([*key, *(cells.get(shape, "") for shape in ALL_SHAPES)]) for key, cells in rows.items()]
    return [",".join(["dtype,function,truth", *ALL_SHAPES]), *lines]


def times(folder: Path) -> list[str]:
    """Return the nanoseconds per logit of the loss with its gradient, for each library and use of memory."""
    columns = [(library, mode) for library in SHORT for mode in MODES]
    found = medians(folder)
    names = [SHORT[library] + "2" * MODES[mode] for library, mode in columns]  # 2: memory used a second time
    lines = [",".join(["dtype,shape,exp,textbook", *names])]
    for dtype in DTYPES:
        for shape in (*SHAPES, BINARY):
            name, size = "x".join(map(str, shape)), prod(shape)
            taken = found[dtype, "value_gradient", "labels", name]
            floor, textbook = found[dtype, "exp", "", name]["numpy", "new"], taken.get(("numpy", "new"))
            cells = [floor, textbook, *(taken.get(column) for column in columns)]
            lines.append(",".join([dtype, name, *("" if x is None else f"{1e3 * x / size:.3g}" for x in cells)]))
    return lines


def cliffs(folder: Path) -> list[str]:
    """Return, for each kind of input, the function that it slows down most."""
    worst: dict[str, dict] = {}
    for row in read("cliffs", folder):
        kind = f"{'binary ' * ('x' not in row['shape'])}{row['logits']}"
        if kind not in worst or float(row["ratio"]) > float(worst[kind]["ratio"]):
            worst[kind] = row
    fields = ("ratio", "function", "truth", "dtype", "shape")
    return [",".join(["input", *fields]), *(",".join([kind, *(row[x] for x in fields)]) for kind, row in worst.items())]


def memory(folder: Path) -> list[str]:
    """Return the bytes beyond the result: of all functions of `xent_lib` at most, and of all libraries at one shape."""
    most, rows = 0, []
    for row in read("memory", folder):
        if row["watched"] == "numpy":
            most = max(int(row["bytes"]), most)
        else:
            rows.append(f"{row['function']},{row['truth']},{row['library']},{row['bytes']}")
    return ["function,truth,library,bytes", f"any,,at most,{most}", *rows]


def digits(folder: Path) -> list[str]:
    """Return the digits that each library keeps in its worst sample, for the tables of the chapter."""
    rows: dict[tuple, dict[str, str]] = {}
    for row in read("accuracy", folder):
        if row["function"] == "digits" and row["case"].startswith("binary"):
            continue  # the same form as the loss
        if (row["dtype"], row["quantity"]) == ("float32", "gradient"):
            continue  # not shown
        worst, most = float(row["worst_relative"]), MOST_DIGITS[row["dtype"]]
        kept = max(0.0, min(most, -log10(worst))) if worst else most
        column = "logsumexp" if row["function"] == "digits" else row["library"]
        rows.setdefault((row["dtype"], row["case"], row["quantity"]), {})[column] = f"{kept:.1f}"
    lines = [",".join([*key, *(cells.get(name, "") for name in KEPT_BY)]) for key, cells in rows.items()]
    return [",".join(["dtype,case,quantity", *KEPT_BY]), *lines]


def update(folder: Path = FOLDER) -> None:
    """Rewrite the cell of the chapter."""
    source = CHAPTER.read_text("utf8")
    CHAPTER.write_text(BETWEEN.sub(lambda _: content(folder), source), "utf8")
