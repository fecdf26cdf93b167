"""Prints what `make bench` measured, as ratios."""

from __future__ import annotations

from benchmarks.cases import TABLE, Case
from benchmarks.results import read
from benchmarks.routes import ROUTES

OURS = "xent_out"


def case_of(row: dict[str, str]) -> Case:
    return Case(row["dtype"], int(row["samples"]), int(row["classes"]), row["logits"])


def times(field: str) -> dict[Case, dict[str, float]]:
    """Return the times of each case by route."""
    found: dict[Case, dict[str, float]] = {}
    for row in read("times"):
        found.setdefault(case_of(row), {})[row["route"]] = float(row[field])
    return found


def table(title: str, header: list[str], rows: list[list[str]]) -> str:
    widths = [max(len(row[i]) for row in [header, *rows]) for i in range(len(header))]
    lines = [" ".join(text.rjust(width) for text, width in zip(row, widths, strict=True)) for row in [header, *rows]]
    return "\n".join(["", title, *lines])


def ratios(field: str) -> list[list[str]]:
    rows = []
    for case, of_route in times(field).items():
        if case in TABLE:
            cells = [f"{of_route[name] / of_route[OURS]:.2f}" if name in of_route else "-" for name in ROUTES]
            rows.append([str(case), *cells, f"{of_route[OURS]:.4g}"])
    return rows


def show() -> None:
    header = ["", *ROUTES, "ms of ours"]
    for field, what in (("median_ms", "medians"), ("min_ms", "shortest calls")):
        title = f"Times as long as xent_lib with out=, {what}; below 1 is faster than ours:"
        print(table(title, header, ratios(field)))

    rows = []
    for row in read("memory"):
        case, sizes = case_of(row), [row["process_bytes"], row["numpy_bytes"]]
        bytes_of_logits = case.elements * int(case.dtype[-2:]) // 8
        cells = [f"{int(size) / bytes_of_logits:.2f} ({int(size) / 2**20:.1f} MB)" if size else "-" for size in sizes]
        if row["process_bytes"] or row["route"].startswith("xent"):
            rows.append([str(case), row["route"], *cells])
    title = "Peak memory of a call above inputs and out, in multiples of the logits:"
    print(table(title, ["", "route", "of the process", "of NumPy"], rows))

    by_case: dict[tuple, dict[str, str]] = {}
    for row in read("accuracy"):
        key = (row["dtype"], row["case"], row["quantity"])
        lost = f"{row['lost']} lost" if int(row["lost"]) else ""
        by_case.setdefault(key, {})[row["library"]] = lost or f"{float(row['worst_ulp']):.2g}"
    libraries = list(dict.fromkeys(row["library"] for row in read("accuracy")))
    rows = [[" ".join(key), *(cells[name] for name in libraries)] for key, cells in by_case.items()]
    title = "Largest error in ulp, or how many of 600 results have no correct digit:"
    print(table(title, ["", *libraries], rows))

    same = read("same_loss")
    print(table("The same loss in each library:", list(same[0]), [list(row.values()) for row in same]))
