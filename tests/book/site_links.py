"""Follows the links within the built site."""

from functools import cache
from pathlib import Path
from urllib.parse import unquote, urlsplit

from conftest import SITE, parsed


@cache
def anchors(page: Path) -> set[str]:
    return {element["id"] for element in parsed(page).find_all(id=True)}


def problem_with(link: str, page: Path) -> str | None:
    """Say what is wrong with a link within the site, or return None."""
    parts = urlsplit(link)
    if parts.scheme or link.startswith("//"):
        return None
    target = (page.parent / unquote(parts.path)).resolve() if parts.path else page
    if not target.is_file():
        return f"{page.relative_to(SITE)} links to {link}, which does not exist"
    if parts.fragment and target.suffix == ".html" and unquote(parts.fragment) not in anchors(target):
        return f"{page.relative_to(SITE)} links to {link}, a place that does not exist"
    return None
