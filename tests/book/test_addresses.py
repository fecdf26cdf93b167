"""Links to Colab, to the source and to the site follow the repository that builds, of any fork."""

import re
import sys
from types import SimpleNamespace

import nbformat
import pytest
from bs4 import BeautifulSoup
from conftest import BOOK, NOTEBOOKS, PAGES, SITE, built
from small_books import build

sys.path.insert(0, str(BOOK / "_ext"))
import addresses


def buttons(html):
    page = BeautifulSoup(html.read_text("utf8"), "html.parser")
    return {a.get_text(): a["href"] for a in page.select("nav.page-buttons a")}


@pytest.fixture
def fork(small_book):
    """A small book whose first chapter has code and whose second has none."""
    (small_book / "chapters" / "two.md").write_text("# No code\n\nBack to [](one.md).\n")
    chapter = small_book / "chapters" / "one.md"
    chapter.write_text(chapter.read_text() + "\n(here)=\n## Here\n\nSee {ref}`here` and {doc}`two`.\n")
    return small_book


@pytest.mark.parametrize(
    ("environment", "repository", "site"),
    [
        ({"GITHUB_REPOSITORY": "Somebody/Their-Fork"}, "Somebody/Their-Fork", "https://somebody.github.io/Their-Fork/"),
        (
            {"GITHUB_REPOSITORY": "else/course", "SITE_URL": "https://course.example.org/"},
            "else/course",
            "https://course.example.org/",
        ),
    ],
    ids=["fork", "fork with a domain"],
)
def test_all_links_follow_the_repository_and_the_site(fork, environment, repository, site):
    run = build(fork, **environment)
    assert run.returncode == 0, run.stderr
    html = fork / "_build" / "html"
    assert buttons(html / "chapters" / "one.html") == {
        "Open in Colab": f"https://colab.research.google.com/github/{repository}/blob/gh-pages/notebooks/one.ipynb",
        "Download notebook": "../notebooks/one.ipynb",
        "View source": f"https://github.com/{repository}/blob/main/chapters/one.md?plain=1",
        "Suggest an edit": f"https://github.com/{repository}/edit/main/chapters/one.md",
    }
    assert buttons(html / "chapters" / "two.html") == {}
    assert buttons(html / "intro.html") == {}
    canonical = BeautifulSoup((html / "chapters" / "one.html").read_text("utf8"), "html.parser").find(rel="canonical")
    assert canonical["href"] == f"{site}chapters/one.html"

    cells = nbformat.read(html / "notebooks" / "one.ipynb", as_version=4).cells
    (wheel,) = (html / "wheels").iterdir()
    assert f"WHEEL = '{site}wheels/{wheel.name}'" in cells[1].source.splitlines()
    assert f"({site}chapters/one.html)" in cells[0].source
    assert f"[Here]({site}chapters/one.html#here) and [No code]({site}chapters/two.html)" in cells[-1].source
    addresses_found = re.findall(r"https?://[^\s)'\"]+", "\n".join(cell.source for cell in cells))
    assert all(address.startswith(site) for address in addresses_found)


def test_where_no_address_is_known_there_is_no_button_for_it(fork):
    assert build(fork).returncode == 0
    assert buttons(fork / "_build" / "html" / "chapters" / "one.html") == {
        "Download notebook": "../notebooks/one.ipynb"
    }


@pytest.mark.parametrize("page", PAGES)
def test_pages_with_code_and_no_others_have_buttons(page):
    assert bool(built(page).select("nav.page-buttons")) == (page in NOTEBOOKS)
    for a in built(page).select("nav.page-buttons a[download]"):
        assert ((SITE / page).parent / a["href"]).resolve().is_file()


def config(repository="", baseurl=""):
    theme = {"repository_url": repository, "repository_branch": "trunk"}
    return SimpleNamespace(html_theme_options=theme, html_baseurl=baseurl)


def test_outside_of_github_the_configuration_is_asked(monkeypatch):
    monkeypatch.delenv("GITHUB_REPOSITORY", raising=False)
    monkeypatch.delenv("SITE_URL", raising=False)
    where = addresses.find(config("https://gitlab.com/owner/course/", "https://example.org/course"))
    assert where == ("https://gitlab.com/owner/course", "trunk", "https://example.org/course/")
    assert where.colab("chapters/one") is None, "Colab opens what is on GitHub"
    assert addresses.find(config()) == (None, "trunk", None)


@pytest.mark.parametrize(
    ("name", "site"),
    [
        ("Owner/course", "https://owner.github.io/course"),
        ("Owner/owner.github.io", "https://owner.github.io"),
    ],
)
def test_the_address_of_pages_is_derived_from_the_name(name, site):
    assert addresses.pages_of(name) == site


def test_what_is_no_address_is_refused(monkeypatch):
    monkeypatch.setenv("SITE_URL", "example.org/course")
    with pytest.raises(ValueError, match=r"'example\.org/course' is no web address"):
        addresses.find(config())
