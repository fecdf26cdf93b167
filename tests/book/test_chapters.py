"""Every chapter has the form of a chapter, runs clean, and quotes no number that it does not show."""

import ast
import re
from itertools import pairwise

import pytest
from conftest import BOOK, CHAPTERS, NOTEBOOKS, PAGES
from executed import executed_notebook
from quoted_numbers import untraceable


def source_of(page):
    return (BOOK / f"{page}.md").read_text("utf8")


@pytest.mark.parametrize("page", NOTEBOOKS)
def test_a_chapter_runs_with_no_error_and_nothing_on_stderr(page):
    notebook = executed_notebook(BOOK / f"{page}.md", BOOK)
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    assert outputs
    assert [output for output in outputs if output.output_type == "error"] == []
    assert [output.text for output in outputs if output.get("name") == "stderr"] == []


@pytest.mark.parametrize("page", NOTEBOOKS)
def test_every_quoted_number_is_shown_by_a_cell_of_its_chapter(page):
    notebook = executed_notebook(BOOK / f"{page}.md", BOOK)
    wrong = [
        f"{page}.md:{quote.line}: {quote.text} stands in no cell of this chapter and in no output"
        for quote in untraceable(source_of(page), notebook)
    ]
    assert not wrong, "\n" + "\n".join(wrong)


@pytest.mark.parametrize("page", sorted(set(PAGES) - set(NOTEBOOKS)))
def test_every_number_on_a_page_without_code_is_shown_in_some_chapter(page):
    notebooks = [executed_notebook(BOOK / f"{chapter}.md", BOOK) for chapter in NOTEBOOKS]
    wrong = [f"{page}.md:{quote.line}: {quote.text}" for quote in untraceable(source_of(page), *notebooks)]
    assert not wrong, "shown in no chapter:\n" + "\n".join(wrong)


@pytest.mark.parametrize("page", CHAPTERS)
def test_a_chapter_says_what_it_is_for_checks_itself_and_sums_up(page):
    source = source_of(page)
    parts = [
        "**You will be able to**",
        "**Builds on**",
        "**Takes**",
        "## Exercises",
        "## Summary",
        "**Next:**",
    ]
    assert [part for part in parts if part not in source] == []
    assert [source.index(part) for part in parts] == sorted(source.index(part) for part in parts)
    assert re.search(r"^assert ", source, re.M), "no cell compares with an independent source"


@pytest.mark.parametrize(("page", "following"), list(pairwise(CHAPTERS)))
def test_a_chapter_ends_with_a_link_to_the_one_after_it(page, following):
    last_words = source_of(page).partition("**Next:**")[2]
    label = following.removeprefix("chapters/").replace("_", "-")
    assert f"{{ref}}`{label}`" in last_words


@pytest.mark.parametrize("page", CHAPTERS)
def test_a_chapter_has_three_exercises_each_with_a_solution_that_runs(page):
    source = source_of(page)
    exercises = re.findall(r"```\{exercise\}.*\n:label: (\S+)", source)
    solutions = dict(re.findall(r"`{3,}\{solution-start\} (\S+)\n([\s\S]*?)`{3,}\{solution-end\}", source))
    assert len(exercises) >= 3
    assert list(solutions) == exercises
    for label, solution in solutions.items():
        assert solution.startswith(":class: dropdown"), label
        assert "{code-cell}" in solution, label


@pytest.mark.parametrize("page", NOTEBOOKS)
def test_code_fits_the_page(page):
    notebook = executed_notebook(BOOK / f"{page}.md", BOOK)
    lines = [line for cell in notebook.cells if cell.cell_type == "code" for line in cell.source.splitlines()]
    assert [line for line in lines if len(line) > 80] == []


def loose_comparisons(source):
    """Return the calls of isclose and allclose that set `rtol` and leave `atol`, which is 1e-8, as it is."""
    calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    named = [(ast.unparse(call.func).rpartition(".")[2], {option.arg for option in call.keywords}) for call in calls]
    return [name for name, given in named if name in ("isclose", "allclose") and given & {"rtol", "atol"} == {"rtol"}]


@pytest.mark.parametrize("page", NOTEBOOKS)
def test_a_relative_tolerance_is_not_overruled_by_an_absolute_one(page):
    assert loose_comparisons("np.allclose(a, b, rtol=1e-14)") == ["allclose"]
    cells = [cell.source for cell in executed_notebook(BOOK / f"{page}.md", BOOK).cells if cell.cell_type == "code"]
    loose = [source for source in cells if not source.startswith("%") and loose_comparisons(source)]
    assert loose == []
