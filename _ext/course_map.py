"""Draws the map of the course, ``{course-map}``: which chapter builds on which, and how long each takes.

Nothing is written twice: the order and the parts are those of the table of contents, the arrows those of each
chapter's *Builds on*, the minutes those of its *Takes*. An arrow that follows from others is left out.
"""

import re
from html import escape
from pathlib import Path
from textwrap import wrap
from typing import NamedTuple

import yaml
from docutils import nodes
from sphinx.util.docutils import SphinxDirective

WIDTH, HEIGHT, GAP, RISE, HEAD = 138, 58, 14, 34, 20  # of a box, and between boxes


class Chapter(NamedTuple):
    """What the map shows of a chapter."""

    page: str
    title: str
    minutes: str
    builds_on: list[str]  # pages


def read_chapters(folder: Path) -> dict[str, list[Chapter]]:
    """Return the chapters of each part that say what they build on."""
    contents = yaml.safe_load((folder / "_toc.yml").read_text("utf8"))
    sources = {
        entry["file"]: (folder / f"{entry['file']}.md").read_text("utf8")
        for part in contents["parts"]
        for entry in part["chapters"]
    }
    pages = {label: page for page, text in sources.items() for label in re.findall(r"^\((\S+)\)=$", text, re.M)}
    parts = {}
    for part in contents["parts"]:
        chapters = []
        for entry in part["chapters"]:
            page, text = entry["file"], sources[entry["file"]]
            builds_on = re.search(r"^\*\*Builds on\*\*(.*?)\*\*Takes\*\*[^\d]*(\d+)", text, re.M | re.S)
            if builds_on:
                title = re.search(r"^# (.*)", text, re.M)[1]
                labels = re.findall(r"\{ref\}`(?:[^`<]*<)?([\w-]+)>?`", builds_on[1])
                named = [pages[label] for label in labels if pages.get(label, page) != page]
                chapters.append(Chapter(page, title, builds_on[2], named))
        if chapters:
            parts[part["caption"]] = chapters
    return parts


def direct_arrows(chapters: list[Chapter]) -> list[tuple[str, str]]:
    """Return (earlier, later) for each *Builds on* that does not follow from the others."""
    below = {}  # page: all that it builds on, directly or not
    for chapter in chapters:
        below[chapter.page] = set(chapter.builds_on).union(*(below.get(page, set()) for page in chapter.builds_on))
    return [
        (page, chapter.page)
        for chapter in chapters
        for page in dict.fromkeys(chapter.builds_on)
        if not any(page in below.get(other, ()) for other in chapter.builds_on if other != page)
    ]


def draw(parts: dict[str, list[Chapter]], address) -> str:
    """Return the map as SVG; ``address`` gives the address of a page."""
    columns = max(map(len, parts.values()))
    width = columns * (WIDTH + GAP) - GAP + 4
    places, shapes, row_height = {}, [], HEIGHT + RISE + HEAD
    for row, (caption, chapters) in enumerate(parts.items()):
        top = row * row_height
        shapes.append(f'<text class="part" x="2" y="{top + 14}">{escape(caption)}</text>')
        for column, chapter in enumerate(chapters):
            x, y = 2 + column * (WIDTH + GAP), top + HEAD
            places[chapter.page] = x, y
            lines = wrap(chapter.title, 21)[:3]
            text = "".join(
                f'<tspan x="{x + 8}" y="{y + 16 + 13 * i}">{escape(line)}</tspan>' for i, line in enumerate(lines)
            )
            shapes.append(
                f'<a href="{escape(address(chapter.page))}"><rect x="{x}" y="{y}" width="{WIDTH}" height="{HEIGHT}" '
                f'rx="6"/><text>{text}</text><text class="minutes" x="{x + WIDTH - 6}" y="{y + HEIGHT - 6}">'
                f"{chapter.minutes} min</text></a>"
            )
    arrows = []
    for earlier, later in direct_arrows([chapter for chapters in parts.values() for chapter in chapters]):
        if earlier not in places:
            continue
        (x0, y0), (x1, y1) = places[earlier], places[later]
        if y0 == y1 and x1 - x0 == WIDTH + GAP:
            path = f"M{x0 + WIDTH},{y0 + HEIGHT / 2} H{x1 - 1}"
        elif y0 == y1:
            path = f"M{x0 + WIDTH / 2},{y0 + HEIGHT} q{(x1 - x0) / 2},22 {x1 - x0},1"
        else:
            start, end = x0 + WIDTH / 2, x1 + WIDTH / 2
            path = f"M{start},{y0 + HEIGHT} C{start},{y0 + HEIGHT + 40} {end},{y1 - 50} {end},{y1 - 1}"
        arrows.append(f'<path d="{path}" marker-end="url(#tip)"/>')
    return (
        '<div class="course-map"><svg xmlns="http://www.w3.org/2000/svg" role="group" '
        f'aria-label="Map of the chapters" viewBox="0 0 {width} {len(parts) * row_height - RISE + 4}">'
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
        f'<path d="M0,0 L8,4 L0,8 z"/></marker></defs>{"".join(arrows)}{"".join(shapes)}</svg></div>'
    )


class course_map(nodes.General, nodes.Element):
    """The map, until the addresses of the pages are known."""


class CourseMap(SphinxDirective):
    def run(self):
        folder = Path(self.env.srcdir)
        self.env.note_dependency(str(folder / "_toc.yml"))
        for chapters in read_chapters(folder).values():
            for chapter in chapters:
                self.env.note_dependency(str(folder / f"{chapter.page}.md"))
        return [course_map()]


def show_map(app, doctree, docname):
    """Draw the map for the page that it stands on."""
    for node in list(doctree.findall(course_map)):
        parts = read_chapters(Path(app.env.srcdir))
        svg = draw(parts, lambda page: app.builder.get_relative_uri(docname, page))
        node.replace_self(nodes.raw("", svg, format="html"))


def setup(app):
    app.add_node(course_map)
    app.add_directive("course-map", CourseMap)
    app.connect("doctree-resolved", show_map)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
