"""What the tests of the book share: the sources, the built site, a browser."""

import os
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest
import yaml
from bs4 import BeautifulSoup
from playwright.sync_api import sync_playwright
from readers_machine import share_packages
from small_books import BOOK, make_book

SITE = BOOK / "_build" / "html"
TOC = yaml.safe_load((BOOK / "_toc.yml").read_text("utf8"))
PAGES = [TOC["root"], *(page["file"] for part in TOC["parts"] for page in part["chapters"])]


def is_notebook(page: str) -> bool:
    source = BOOK / f"{page}.md"
    return source.exists() and "format_name: myst" in source.read_text("utf8")


NOTEBOOKS = [page for page in PAGES if is_notebook(page)]
#: The chapters that teach: every notebook but the collection of errata.
CHAPTERS = [page for page in NOTEBOOKS if page != "chapters/errata"]


@cache
def parsed(html: Path) -> BeautifulSoup:
    """Return a built page."""
    return BeautifulSoup(html.read_text("utf8"), "html.parser")


def built(page: str) -> BeautifulSoup:
    """Return the built form of a page of the table of contents."""
    return parsed(SITE / f"{page}.html")


@pytest.fixture(scope="session", autouse=True)
def _site_is_built():
    if not (SITE / f"{PAGES[-1]}.html").exists():
        pytest.exit("The tests of the book read the built site. Run `make test`, which builds it.", 2)


@pytest.fixture
def small_book(tmp_path):
    """A book of two chapters with the settings of this one."""
    return make_book(tmp_path)


@pytest.fixture(scope="session")
def packages(tmp_path_factory):
    """What is installed here, but `xent_lib`, for the machines of readers."""
    if os.name == "nt":
        pytest.skip("Windows lets administrators alone make the links that these machines are made of")
    return share_packages(tmp_path_factory.mktemp("packages"))


def find_browser() -> str | None:
    """Return a Chromium of this machine, or None for the one that Playwright may have installed."""
    names = ("chromium", "chromium-browser", "google-chrome", "chrome", "msedge")
    return next(filter(None, map(shutil.which, names)), None)


@pytest.fixture(scope="session")
def browser():
    executable = find_browser()
    with sync_playwright() as playwright:
        if not executable and not Path(playwright.chromium.executable_path).exists():
            command = [sys.executable, "-m", "playwright", "install", "chromium"]
            if subprocess.run(command, capture_output=True).returncode:
                message = "no Chromium on this machine, and Playwright could not install one"
                (pytest.fail if os.environ.get("CI") else pytest.skip)(message)
        options = ["--no-sandbox", "--disable-background-networking", "--disable-component-update"]
        chromium = playwright.chromium.launch(executable_path=executable, args=options)
        yield chromium
        chromium.close()
