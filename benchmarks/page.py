"""Puts the results into the chapter, between two comments of one of its cells.

A chapter is also a notebook that is opened alone, where no file lies beside it. So it carries the numbers it plots.
"""

from __future__ import annotations

import re
from math import log10
from pathlib import Path
from textwrap import fill

from benchmarks.cases import SWEEP, TABLE, Case
from benchmarks.report import times
from benchmarks.results import read, read_machine
from benchmarks.routes import ROUTES

CHAPTER = Path(__file__).parents[1] / "chapters" / "how_fast.md"
BETWEEN = re.compile(r"(?<=# Written by make bench:\n).*?(?=# End of what make bench wrote\.\n)", re.S)
MOST_DIGITS = {"float32": 7.2, "float64": 16.0}  # as far as the type itself goes


def content() -> str:
    """Return the lines of the cell: nanoseconds per logit, memory, digits kept, and the machine."""
    machine = read_machine()
    packages = ", ".join(f"{name} {version}" for name, version in machine["packages"].items())
    about = f"{machine['processor']}; {machine['system']}; Python {machine['python']}, {packages}; {machine['date']}"
    tables = {"TIMES": _times(TABLE), "SWEEP": _times(swept()), "MEMORY": _memory(), "DIGITS": _digits()}
    texts = [f'{name} = """\\\n{table}\n"""\n' for name, table in tables.items()]
    return "".join([f'MACHINE = """\\\n{fill(about, 78)}\n"""\n', *texts])


def swept() -> list[Case]:
    """Return the cases of the plot of time against size, those of the table among them."""
    fits = [case for case in TABLE if case.dtype == "float32" and case.logits == "ordinary"]
    return sorted(SWEEP + [case for case in fits if case.classes in {case.classes for case in SWEEP}])


def _times(cases: list[Case]) -> str:
    lines, measured = [",".join(["dtype,S,N,logits", *ROUTES])], times("median_ms")
    for case in (case for case in cases if case in measured):
        of_route = measured[case]
        per_logit = [f"{1e6 * of_route[name] / case.elements:.3g}" if name in of_route else "" for name in ROUTES]
        lines.append(",".join([case.dtype, str(case.samples), str(case.classes), case.logits, *per_logit]))
    return "\n".join(lines)


def _memory() -> str:
    fields = ("dtype", "samples", "classes", "logits", "route", "process_bytes", "numpy_bytes")
    rows = [row for row in read("memory") if row["process_bytes"] or row["route"] == "xent_out"]
    return "\n".join([",".join(fields), *(",".join(row[field] for field in fields) for row in rows)])


def _digits() -> str:
    rows, libraries = {}, list(dict.fromkeys(row["library"] for row in read("accuracy")))
    for row in read("accuracy"):
        worst, most = float(row["worst_relative"]), MOST_DIGITS[row["dtype"]]
        digits = max(0.0, min(most, -log10(worst))) if worst else most
        rows.setdefault((row["dtype"], row["case"], row["quantity"]), {})[row["library"]] = f"{digits:.1f}"
    lines = [",".join([*key, *(cells[name] for name in libraries)]) for key, cells in rows.items()]
    return "\n".join([",".join(["dtype,case,quantity", *libraries]), *lines])


def update() -> None:
    """Rewrite the cell of the chapter."""
    source = CHAPTER.read_text("utf8")
    CHAPTER.write_text(BETWEEN.sub(lambda _: content(), source), "utf8")
