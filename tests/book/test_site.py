"""The built site is whole: pages, links, figures, references, the inventory and the errata."""

import re

import numpy as np
import pytest
from conftest import BOOK, CHAPTERS, PAGES, SITE, built, parsed
from PIL import Image
from site_links import problem_with

INVENTORY = [f"{letter}{n}" for letter, last in {"A": 10, "B": 22, "C": 4, "D": 8}.items() for n in range(1, last + 1)]
ERRATA = [f"E{n}" for n in range(1, 22)]
BUILT = sorted(path for path in SITE.rglob("*.html") if "_static" not in path.parts)


@pytest.mark.parametrize("page", PAGES)
def test_every_page_of_the_table_of_contents_is_built(page):
    assert built(page).h1.get_text().strip("# \n")


def test_every_chapter_on_disk_is_in_the_table_of_contents():
    assert {f"chapters/{path.stem}" for path in (BOOK / "chapters").glob("*.md")} == set(PAGES[1:])


@pytest.mark.parametrize("page", BUILT, ids=lambda page: page.relative_to(SITE).as_posix())
def test_every_link_within_the_site_is_alive(page):
    links = [a["href"] for a in parsed(page).find_all("a", href=True) if a["href"] != "#"]
    problems = [problem for link in links if (problem := problem_with(link, page))]
    assert not problems, "\n".join(problems)


def test_a_dead_link_would_be_found():
    page = SITE / f"{PAGES[1]}.html"
    assert problem_with("no_such_page.html", page)
    assert problem_with("#no-such-place", page)
    assert problem_with(page.name, page) is None


@pytest.mark.parametrize("page", PAGES)
def test_every_image_is_described_by_a_sentence(page):
    for image in built(page).select("article img"):  # and not the mark of the site, which has a name
        alt = image.get("alt", "")
        assert re.match(r"[A-Z].*\.$", alt), f"{image.get('src')}: {alt!r} is not a sentence"
        assert len(alt.split()) >= 6, f"{image.get('src')}: {alt!r} says too little"


@pytest.mark.parametrize("page", CHAPTERS)
def test_every_figure_shows_something_and_has_a_caption(page):
    images = built(page).select("article img")
    assert len(images) >= 2, "a chapter is carried by its pictures"
    for image in images:
        pixels = np.asarray(Image.open((SITE / page).parent / image["src"]).convert("L"), dtype=float)
        assert pixels.std() > 5, f"{image['src']} is empty"
        assert image.find_parent("figure").figcaption.get_text(strip=True)


@pytest.mark.parametrize("page", PAGES)
def test_every_named_function_of_the_library_is_a_link(page):
    assert [code.get_text() for code in built(page).select("code.xref.py") if not code.find_parent("a")] == []


def rows_of_sources():
    rows = [row.find_all("td") for row in built("chapters/sources").select("article tr")]
    return {cells[0].get_text(): cells[2] for cells in rows if cells}


def test_the_page_of_sources_lists_the_whole_inventory():
    assert list(rows_of_sources()) == INVENTORY


@pytest.mark.parametrize("item", INVENTORY)
def test_every_item_of_the_inventory_links_to_the_section_that_teaches_it(item):
    page = SITE / "chapters" / "sources.html"
    link = rows_of_sources()[item].a["href"]
    assert problem_with(link, page) is None
    target, _, fragment = link.partition("#")
    section = parsed(page.parent / target).find(id=fragment)
    assert fragment == f"src-{item.lower()}"
    assert section.name == "section" or section.find_next(["h1", "h2", "h3"]), f"{link} is no section"


@pytest.mark.parametrize("erratum", ERRATA)
def test_every_erratum_is_executed_and_corrected_in_a_chapter(erratum):
    page = built("chapters/errata")
    heading = next(h2 for h2 in page.find_all("h2") if h2.get_text().startswith(f"{erratum} ·"))
    section = heading.find_parent("section")
    assert section.select("div.cell_output"), "nothing is executed"
    code = "".join(cell.get_text() for cell in section.select("div.cell_input"))
    assert re.search("assert |AssertionError", code), "nothing would fail if it were no longer true"
    assert any(a["href"].partition("#")[0] not in ("", "sources.html") for a in section.select("a.internal"))
    linking = [page for page in CHAPTERS if built(page).select(f'a[href$="errata.html#err-{erratum.lower()}"]')]
    assert linking, f"no chapter links to {erratum}"


def test_every_citation_leads_to_the_bibliography():
    cited = [a for page in PAGES for a in built(page).select('a[href*="references.html#id"], a[href^="#id"]')]
    assert len(cited) > 20
    bibliography = built("chapters/references").get_text()
    for author in (
        "Goodfellow",
        "Bishop",
        "CS231n",
        "Dive into Deep Learning",
        "3Blue1Brown",
        "Shannon",
        "Kullback",
    ):
        assert author in bibliography
