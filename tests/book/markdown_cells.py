"""Reads the Markdown of notebooks as another program than ours does: as CommonMark with tables, formulas left out."""

import re

from bs4 import BeautifulSoup
from markdown_it import MarkdownIt

MARKDOWN = MarkdownIt("commonmark").enable("table")


def without_math(markdown: str) -> str:
    return re.sub(r"\$\$.+?\$\$|(?<![\\$])\$[^$]+?(?<!\\)\$", "$", markdown, flags=re.S)


def links(markdown: str) -> list[str]:
    """Return the addresses of the links and images in Markdown, math left out."""
    html = BeautifulSoup(MARKDOWN.render(without_math(markdown)), "html.parser")
    return [tag.get("href") or tag.get("src") for tag in html.find_all(["a", "img"])]


def plain_text(markdown: str) -> str:
    """Return the text outside of code and math."""
    html = BeautifulSoup(MARKDOWN.render(without_math(markdown)), "html.parser")
    for code in html.find_all("code"):
        code.extract()
    return html.get_text()
