"""Builds the notebooks that people run: each executable page as a plain ``.ipynb``, without outputs.

A Sphinx builder, ``notebooks``, beside the one that writes the site. It gets each page as Sphinx has read and
resolved it, keeps the code as it is, and has `plain_markdown` write the rest. Same source, same bytes: the
identifier of a cell is a digest of its content.
"""

import hashlib
import re
from collections import Counter
from collections.abc import Iterator
from html import escape
from itertools import groupby
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urljoin

import addresses
import nbformat
from docutils import nodes
from plain_markdown import Markdown, Unknown
from set_up_cell import TITLE as SET_UP
from set_up_cell import Needs, Project
from sphinx.builders import Builder
from sphinx.util import logging
from sphinx_exercise.nodes import is_exercise_node, is_solution_node

LOGGER = logging.getLogger(__name__)
HIDDEN = {"hide-input", "hide-cell", "remove-input"}
KEPT = {"raises-exception"}
REMOVED = {"remove-cell"}
TIMING = {"timing"}  # its output is another one in every run


class Code(NamedTuple):
    """A code cell: its source, its tags and, where it is shown folded, a title."""

    source: str
    tags: list[str]
    title: str = ""


class NotebooksBuilder(Builder):
    """Writes one notebook for each page with code."""

    name = "notebooks"
    format = "notebook"
    epilog = "The notebooks are in %(outdir)s."
    supported_image_types = ["image/svg+xml", "image/png", "image/gif", "image/jpeg"]  # noqa: RUF012

    def init(self):
        self.addresses = addresses.find(self.config)
        self.project = Project(Path(self.srcdir))
        self.written = set()

    def get_outdated_docs(self):
        return self.env.found_docs

    def get_target_uri(self, docname, typ=None):
        return f"{docname}.html"

    def prepare_writing(self, docnames):
        pass

    def write_doc(self, docname, doctree):
        if not is_executable(doctree):
            return
        try:
            notebook = Page(docname, doctree, self).notebook()
        except Unknown as problem:
            LOGGER.warning(str(problem), location=place(problem.node, doctree))
            return
        path = Path(self.outdir, Path(addresses.notebook(docname)).name)
        path.write_text(nbformat.writes(notebook) + "\n", "utf8")
        self.written.add(path)

    def finish(self):
        for path in set(Path(self.outdir).glob("*.ipynb")) - self.written:
            path.unlink()


class Page:
    """One page on its way to a notebook."""

    def __init__(self, docname: str, doctree: nodes.document, builder: NotebooksBuilder):
        self.doctree, self.project = doctree, builder.project
        self.site, self.address = builder.addresses.site, builder.addresses.page(docname)
        self.images = builder.env.images
        self.numbers = builder.env.toc_fignumbers.get(docname, {})
        self.needs: Needs = {}
        self.markdown = Markdown(self.link, self.number)
        self.heading = ""

    def notebook(self) -> nbformat.NotebookNode:
        title, *rest = merged(self.parts(self.doctree, level=0))
        set_up = Code(self.project.set_up(self.needs, self.site), [], SET_UP)
        cells, seen = [], Counter()
        for part in (title, set_up, *rest):
            cell = code_cell(part) if isinstance(part, Code) else nbformat.v4.new_markdown_cell(part)
            content = f"{cell.cell_type}\n{cell.source}"
            seen[content] += 1
            cell["id"] = hashlib.sha256(f"{content}\n{seen[content]}".encode()).hexdigest()[:12]
            cells.append(cell)
        metadata = {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
            "colab": {"toc_visible": True},
        }
        notebook = nbformat.v4.new_notebook(cells=cells, metadata=metadata)
        nbformat.validate(notebook)
        return notebook

    # From nodes to parts: Markdown is text, code is Code, and a heading starts a new part.

    def parts(self, node: nodes.Node, level: int) -> Iterator[str | Code]:
        for child in node.children:
            if isinstance(child, nodes.section):
                yield from self.parts(child, level + 1)
            elif isinstance(child, nodes.title):
                self.heading = child.astext()
                yield f"{'#' * level} {self.markdown.line(child)}{self.origin() if level == 1 else ''}"
            elif is_code_cell(child):
                yield from self.code(child)
            elif is_exercise_node(child):
                title, *content = contents(child)
                yield f"{'#' * (level + 1)} {self.exercise(child, title)}"
                yield self.markdown.blocks(content)
            elif is_solution_node(child):
                yield from self.solution(child)
            else:
                yield self.markdown.block(child)

    def origin(self) -> str:
        """Say where the notebook comes from."""
        if not self.address:
            return ""
        return f"\n\n*Read it with its results on [the course's site]({self.address}).*"

    def exercise(self, node: nodes.Element, title: nodes.Element) -> str:
        """Write the title as the site does: "Exercise 1 (By hand)"."""
        if "title" not in title:  # not numbered
            return self.markdown.line(title)
        return f"{title['title'] % self.number(node)}{self.markdown.line(title)}"

    def number(self, node: nodes.Element) -> str | None:
        """Return the number that the site shows for an exercise or a formula."""
        kind = "displaymath" if isinstance(node, nodes.math_block) else "exercise"
        of_kind = self.numbers.get(kind, {})
        return next((".".join(map(str, of_kind[name])) for name in node["ids"] if name in of_kind), None)

    def code(self, node: nodes.Element, title: str = "") -> Iterator[str | Code]:
        tags = set(node["cell_metadata"].get("tags", []))
        if unknown := tags - HIDDEN - KEPT - REMOVED - TIMING:
            raise Unknown(node, f"notebooks do not know the cell tag {min(unknown)!r}")
        if tags & REMOVED:
            return
        caption = next(iter(node.findall(nodes.caption)), None)
        (source,) = node.findall(lambda part: is_input(part.parent) if part.parent else False)
        if tags & HIDDEN and not title:
            title = f"Figure: {first_sentence(caption)}" if caption else f"Code: {self.heading}"
        try:
            self.needs |= self.project.needs(source.astext())
        except LookupError as problem:
            raise Unknown(node, problem.args[0]) from None
        except SyntaxError:
            raise Unknown(node, "only Python can be searched for imports, no commands of IPython") from None
        yield Code(source.astext(), sorted(tags & KEPT), title)
        if caption:
            yield self.markdown.block(caption)

    def solution(self, node: nodes.Element) -> Iterator[str | Code]:
        """Fold the text of a solution as ``<details>``, and its code as cells with a title."""
        title, *content = contents(node)
        pieces = groupby(content, is_code_cell)
        heading = title.astext()
        for is_code, piece in pieces:
            if is_code:
                for cell in piece:
                    yield from self.code(cell, heading)
            else:
                summary = f"<summary><b>{escape(heading)}</b></summary>"
                yield f"<details>\n{summary}\n\n{self.markdown.blocks(piece)}\n\n</details>"
            heading = f"{title.astext()}, continued"

    def link(self, node: nodes.Element) -> str | None:
        if isinstance(node, nodes.image):
            file = self.images[node["uri"]][1]
            return self.site and urljoin(self.site, f"_images/{file}")
        target = node.get("refuri") or f"#{node['refid']}"
        return urljoin(self.address, target) if self.address else target if "://" in target else None


def is_executable(doctree: nodes.document | None) -> bool:
    """Return whether a page has code that runs."""
    return doctree is not None and any(map(is_code_cell, doctree.findall(nodes.container)))


def is_code_cell(node: nodes.Node) -> bool:
    return isinstance(node, nodes.container) and node.get("nb_element") == "cell_code"


def is_input(node: nodes.Node) -> bool:
    return isinstance(node, nodes.container) and node.get("nb_element") == "cell_code_source"


def contents(node: nodes.Element) -> Iterator[nodes.Node]:
    """Yield what an exercise or a solution holds, without the section that sphinx-exercise puts around it."""
    for child in node.children:
        yield from contents(child) if isinstance(child, nodes.section) else [child]


def merged(parts: Iterator[str | Code]) -> list[str | Code]:
    """Put pieces of Markdown together, up to the next heading, the next solution or the next code."""
    cells: list[str | Code] = []
    for part in filter(None, parts):
        alone = isinstance(part, Code) or part.startswith(("#", "<details>")) or not cells
        if alone or isinstance(cells[-1], Code) or cells[-1].startswith("<details>"):
            cells.append(part)
        else:
            cells[-1] += f"\n\n{part}"
    return cells


def code_cell(code: Code) -> nbformat.NotebookNode:
    if not code.title:
        return nbformat.v4.new_code_cell(code.source, metadata={"tags": code.tags} if code.tags else {})
    folded = {"cellView": "form", "jupyter": {"source_hidden": True}, "tags": code.tags}
    return nbformat.v4.new_code_cell(f"# @title {code.title}\n{code.source}", metadata=folded)


def first_sentence(caption: nodes.Element) -> str:
    """Return the start of a caption as plain text, formulas without their markup."""
    text = re.sub(r"[\\{}]", "", caption.astext()).replace("\n", " ")
    return re.split(r"(?<=[.:?!])\s", text, maxsplit=1)[0].rstrip(".:")


def place(node: nodes.Node, doctree: nodes.document) -> str:
    """Return the file and the line of a node, or those of what it stands in."""
    while node.line is None and node.parent is not None:
        node = node.parent
    line = node.line and node.line - is_code_cell(node)  # of a cell, MyST-NB gives the second line
    return f"{doctree['source']}:{line or ''}"


def setup(app):
    app.add_builder(NotebooksBuilder)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
