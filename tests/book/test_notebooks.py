"""The notebooks that people run: plain Markdown, the page's code and words, working links, the same bytes each time."""

import os
import re
import shutil
import zipfile
from functools import cache
from html import unescape
from pathlib import Path

import jupytext
import nbformat
import pytest
from bs4 import BeautifulSoup
from conftest import BOOK, NOTEBOOKS, SITE, built
from markdown_cells import MARKDOWN, links, plain_text, without_math
from nbconvert import HTMLExporter
from PIL import Image
from small_books import HEADER, build, cell

FOLDER = SITE / "notebooks"
NAMES = [page.rpartition("/")[2] for page in NOTEBOOKS]
each_notebook = pytest.mark.parametrize("name", NAMES)


@cache
def notebook(name: str) -> nbformat.NotebookNode:
    return nbformat.read(FOLDER / f"{name}.ipynb", as_version=4)


def cells(name: str, kind: str) -> list[nbformat.NotebookNode]:
    return [cell for cell in notebook(name).cells if cell.cell_type == kind]


def test_every_executable_page_has_a_notebook_and_no_other_page_has_one():
    assert {path.stem for path in FOLDER.iterdir()} == set(NAMES)


@each_notebook
def test_a_notebook_is_valid_has_no_output_and_ids_that_differ(name):
    nbformat.validate(notebook(name))
    assert notebook(name).metadata.kernelspec.name == "python3"
    assert [cell.outputs for cell in cells(name, "code") if cell.outputs or cell.execution_count] == []
    ids = [cell.id for cell in notebook(name).cells]
    assert len(ids) == len(set(ids))


@each_notebook
def test_the_code_is_that_of_the_chapter_as_jupytext_reads_it(name):
    chapter = jupytext.read(BOOK / "chapters" / f"{name}.md")
    expected = [
        cell.source
        for cell in chapter.cells
        if cell.cell_type == "code" and "remove-cell" not in cell.metadata.get("tags", [])
    ]
    found = [re.sub(r"\A# @title .*\n", "", cell.source) for cell in cells(name, "code")[1:]]
    assert found == expected


@each_notebook
def test_hidden_code_and_solutions_are_folded_under_a_title(name):
    for part in cells(name, "code"):
        folded = part.metadata.get("cellView") == "form"
        assert folded == part.source.startswith("# @title ")
        assert folded == part.metadata.get("jupyter", {}).get("source_hidden", False)
        if folded:
            assert re.match(r"# @title \w[^\n{}]{8,}\n", part.source), part.source.partition("\n")[0]
    hidden = len(re.findall(r"tags: \[hide-", (BOOK / "chapters" / f"{name}.md").read_text("utf8")))
    assert sum("cellView" in cell.metadata for cell in cells(name, "code")[1:]) >= hidden


@each_notebook
def test_the_words_are_those_of_the_page(name):
    page = BeautifulSoup(str(built(f"chapters/{name}").select_one("article")), "html.parser")
    unwanted = (
        "div.cell_input, div.cell_output > *:not(figure), figure img, a.headerlink, a.headerlink + *, nav, "
        "figcaption span.caption-number, span.eqno, div.math, span.math, summary, .solution > .admonition-title, "
        ".prev-next-area, .page-facts"
    )
    for tag in page.select(unwanted):
        tag.extract()
    markdown = "\n\n".join(part.source for part in cells(name, "markdown")).replace("**Figure.** ", "")
    markdown = re.sub(r"</?details>|<summary>.*</summary>|\*Read it with its results on .*\*\n|<br>", " ", markdown)
    found = BeautifulSoup(MARKDOWN.render(without_math(markdown)), "html.parser").get_text().replace("$", "")

    def words(text: str) -> list[str]:
        return re.findall(r"[\w.%]+", text)

    assert words(found) == words(page.get_text())


@each_notebook
def test_every_solution_has_the_title_that_it_has_on_the_page(name):
    on_page = [
        " ".join(tag.get_text().split()) for tag in built(f"chapters/{name}").select(".solution > .admonition-title")
    ]
    sources = "\n".join(part.source for part in notebook(name).cells)
    titles = re.findall(r"^(?:<summary><b>|# @title )(Solution to .*?)(?:</b></summary>)?$", sources, re.M)
    assert [unescape(title) for title in titles if not title.endswith(", continued")] == on_page
    continued = {title.removesuffix(", continued") for title in titles if title.endswith(", continued")}
    assert {unescape(title) for title in continued} <= set(on_page)


@each_notebook
def test_no_directive_and_no_role_is_left(name):
    for part in cells(name, "markdown"):
        text = plain_text(part.source)
        assert not re.search(r":::|\{[a-z:-]+\}|^\([\w-]+\)=|^%|```\{", text, re.M), text
        assert "{code-cell}" not in part.source
        assert not re.search(r"\{[a-z:]+\}`", part.source)


@each_notebook
def test_only_plain_markup_is_used(name):
    for part in cells(name, "markdown"):
        html = set(re.findall(r"</?\w+[^>]*>", re.sub(r"`[^`]*`", "", without_math(part.source))))
        assert html <= {"<details>", "</details>", "<summary>", "</summary>", "<b>", "</b>", "<br>"}, html
        assert part.source.count("$$") % 2 == 0


def test_the_first_cell_of_code_is_the_set_up():
    for name in NAMES:
        kinds = [cell.cell_type for cell in notebook(name).cells]
        assert kinds[:2] == ["markdown", "code"]
        assert notebook(name).cells[0].source.startswith("# ")
        assert notebook(name).cells[1].source.startswith("# @title Set-up")
        assert "set_up()" in notebook(name).cells[1].source.splitlines()


@each_notebook
def test_nbconvert_shows_every_heading_table_and_folded_text(name):
    body, _ = HTMLExporter(template_name="classic").from_notebook_node(notebook(name))
    page = BeautifulSoup(body, "html.parser")
    source = "\n".join(cell.source for cell in cells(name, "markdown"))
    assert len(page.select("h1, h2, h3, h4")) == len(re.findall(r"^#{1,4} ", source, re.M))
    assert len(page.select("table")) == len(re.findall(r"^\|[-:|]+\|$", source, re.M))
    assert len(page.select("details")) == source.count("<details>")


#: One of everything that a chapter may hold, and the cells of its notebook, with a line of = between them.
CONSTRUCTS = Path(__file__).parent / "constructs"


@pytest.fixture
def book_of_constructs(small_book):
    """A small book whose first chapter has one of everything that a chapter may hold."""
    Image.new("RGB", (8, 8), "black").save(small_book / "_static" / "dot.png")
    (small_book / "chapters" / "one.md").write_text(HEADER + (CONSTRUCTS / "chapter.md").read_text("utf8"), "utf8")
    return small_book


def test_every_construct_becomes_plain_markdown(book_of_constructs):
    run = build(book_of_constructs, SITE_URL="https://example.org/course")
    assert run.returncode == 0, run.stderr
    written = nbformat.read(book_of_constructs / "_build/html/notebooks/one.ipynb", as_version=4)
    sources = [cell.source for cell in written.cells if "Set-up" not in cell.source]
    assert sources == (CONSTRUCTS / "notebook.md").read_text("utf8").strip().split("\n=====\n")


def test_without_an_address_words_stay_and_links_within_the_course_do_not(book_of_constructs):
    run = build(book_of_constructs, "--notebooks-only")
    assert run.returncode == 0, run.stderr
    written = nbformat.read(book_of_constructs / "_build/notebooks/one.ipynb", as_version=4)
    source = "\n\n".join(cell.source for cell in written.cells if cell.cell_type == "markdown")
    assert links(source) == ["https://example.org/a_b", "https://example.org"]
    assert "See (1) and Second." in source
    assert "WHEEL = None" in written.cells[1].source


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("\n```{math-not-there}\n```\n", 14, "Unknown directive"),
        ("\nTerm\n: its definition\n", 14, "notebooks cannot show the construct 'definition_list'"),
        ("\n\n```{raw} html\n<hr>\n```\n", 15, "notebooks cannot show the construct 'raw'"),
        ("\n\\begin{align}\na &= b\n\\end{align}\n", 14, "write $$ around the formula"),
        (cell(":tags: [hide-everything]\n\nx = 1"), 15, "notebooks do not know the cell tag 'hide-everything'"),
        (cell("%time x = 1"), 15, "only Python can be searched for imports"),
        (cell("try:\n    import altair\nexcept ImportError:\n    pass"), 15, "the code imports 'altair'"),
    ],
    ids=["directive", "definition list", "raw", "bare environment", "tag", "magic", "import"],
)
def test_what_a_notebook_cannot_show_fails_the_build_and_is_named(small_book, text, line, message):
    chapter = small_book / "chapters" / "two.md"
    chapter.write_text(HEADER + text + cell("print('two')"))
    run = build(small_book)
    last_line = run.stderr.strip().splitlines()[-1]
    assert run.returncode != 0
    assert last_line.startswith(f"{chapter}:{line}"), last_line
    assert message in last_line


def digests(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir()) if path.is_file()}


def test_two_builds_give_the_same_bytes(small_book, tmp_path_factory):
    other = shutil.copytree(small_book, tmp_path_factory.mktemp("other"), dirs_exist_ok=True)
    for path in (other / "xent_lib").iterdir():
        os.utime(path, (1e9, 1e9))
    for book in (small_book, other):
        assert build(book).returncode == 0
    for folder in ("notebooks", "wheels"):
        first, second = (digests(book / "_build" / "html" / folder) for book in (small_book, other))
        assert first
        assert first == second


def test_the_wheel_is_small_and_holds_the_library_alone():
    (wheel,) = (SITE / "wheels").iterdir()
    assert wheel.stat().st_size < 130_000  # more than half of it is the text
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.partition("/")[0] for name in names} == {"xent_lib", f"xent_lib-{wheel.name.split('-')[1]}.dist-info"}
    library = BOOK / "xent_lib"
    files = [path for path in library.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    in_source = {f"xent_lib/{path.relative_to(library).as_posix()}" for path in files}
    assert {name for name in names if name.startswith("xent_lib/")} == in_source


def test_an_id_stays_when_a_cell_is_added_before_it(small_book):
    def ids():
        assert build(small_book, "--notebooks-only").returncode == 0
        return [cell.id for cell in nbformat.read(small_book / "_build/notebooks/one.ipynb", as_version=4).cells]

    before = ids()
    chapter = small_book / "chapters" / "one.md"
    chapter.write_text(HEADER + cell("print('new')") + chapter.read_text().removeprefix(HEADER))
    after = ids()
    assert len(after) == len(before) + 1
    assert set(before) < set(after)
