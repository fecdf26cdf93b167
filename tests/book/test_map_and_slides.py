"""The map, the slides and the cheat sheet show what the chapters say."""

import re
import sys

import pytest
from conftest import BOOK, CHAPTERS, SITE, built
from small_books import HEADER, build, cell

sys.path.insert(0, str(BOOK / "_ext"))
from course_map import Chapter, direct_arrows


def test_the_map_shows_every_chapter_with_its_minutes():
    links = built("intro").select(".course-map a")
    minutes = {link["href"].removesuffix(".html"): link.select_one(".minutes").get_text() for link in links}
    said = {}
    for page in CHAPTERS:
        source = (BOOK / f"{page}.md").read_text("utf8")
        said[page] = re.search(r"\*\*Takes\*\* (?:about )?(\d+) min", source)[1] + " min"
    assert minutes == said


def test_an_arrow_that_follows_from_others_is_not_drawn():
    a, b, c = Chapter("a", "", "", []), Chapter("b", "", "", ["a"]), Chapter("c", "", "", ["a", "b"])
    assert direct_arrows([a, b, c]) == [("a", "b"), ("b", "c")]


def test_a_slide_is_the_figure_of_its_chapter():
    slides = built("chapters/slides").select(".slide")
    assert len(slides) >= 20
    for slide in slides:
        page, _, name = slide.a["href"].partition("#")
        figure = built(f"chapters/{page.removesuffix('.html')}").find(id=name)
        assert figure.img["src"] == slide.img["src"]
        assert figure.img["alt"] == slide.img["alt"]
        assert slide.p.get_text(strip=True).endswith((".", "?"))


def pages_on_paper(browser, page):
    tab = browser.new_page()
    tab.goto((SITE / f"{page}.html").as_uri())
    tab.wait_for_function("!window.MathJax || MathJax.startup.promise.then(() => true)")
    tab.emulate_media(media="print")
    paper = tab.pdf(prefer_css_page_size=True)
    tab.close()
    boxes = re.findall(rb"/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]", paper)
    return [(round(float(width)), round(float(height))) for width, height in boxes]


def test_the_cheat_sheet_prints_on_one_sheet_of_a4(browser):
    assert pages_on_paper(browser, "chapters/cheat_sheet") == [(595, 842)]


def test_each_slide_prints_on_a_sheet_of_its_own(browser):
    slides = built("chapters/slides").select(".slide")
    wide = [size for size in pages_on_paper(browser, "chapters/slides") if size == (842, 595)]
    assert len(wide) == len(slides)


@pytest.mark.parametrize("figure", ["fig-nowhere", "not-a-figure"])
def test_a_slide_of_no_figure_fails_the_build(small_book, figure):
    (small_book / "chapters" / "one.md").write_text(HEADER + "\n(not-a-figure)=\n## A section\n" + cell("1"))
    (small_book / "chapters" / "two.md").write_text(f"# Slides\n\n```{{slide}} {figure}\nA sentence.\n```\n")
    run = build(small_book)
    assert run.returncode != 0
    assert f"no page has a figure '{figure}'" in run.stderr
