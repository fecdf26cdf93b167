"""Writes a resolved document tree as Markdown that every notebook program shows alike.

Sphinx has parsed the page and resolved its references by then, so the text is what the site shows. Written
here are CommonMark, tables with pipes, ``$`` math and ``<details>``, nothing else. What has no method here is not
known, and raises `Unknown`, which names the place: nothing is left out in silence.
"""

import re
from collections.abc import Callable, Iterable
from textwrap import indent

from docutils import nodes

#: What would be read as markup within a line. An underscore inside a word is no markup.
SPECIAL = re.compile(r"[\\`*\[\]$~]|(?<![^\W_])_|_(?![^\W_])|<(?=[\w/!?])|&(?=#?\w+;)")
#: What would be read as markup at the start of a block.
SPECIAL_AT_START = re.compile(r"^(#{1,6}(?=\s|$)|[-+](?=\s|$)|>|=+\s*$|-+\s*$|\d+(?=[.)](?:\s|$)))")


class Unknown(Exception):
    """A construct that this module cannot write."""

    def __init__(self, node: nodes.Node, message: str = ""):
        super().__init__(message or f"notebooks cannot show the construct {type(node).__name__!r}")
        self.node = node


class Markdown:
    """Writes blocks and lines.

    `link` turns a reference or an image into an address, `number_of` a formula into its number, each into None
    where there is none.
    """

    def __init__(self, link: Callable[[nodes.Element], str | None], number_of: Callable[[nodes.Element], str | None]):
        self.link, self.number_of = link, number_of
        self.in_table = False

    # Blocks

    def blocks(self, children: Iterable[nodes.Node], *, tight: bool = False) -> str:
        """Write blocks, with a blank line between them unless they are tight."""
        return ("\n" if tight else "\n\n").join(filter(None, map(self.block, children)))

    def block(self, node: nodes.Node) -> str:
        """Write one block, without a line break at its end."""
        if isinstance(node, nodes.Admonition):
            return self.admonition(node)
        return self._method("block", node)(node)

    def block_paragraph(self, node) -> str:
        return SPECIAL_AT_START.sub(lambda found: escape_start(found[0]), self.line(node))

    def block_math_block(self, node) -> str:
        if node["nowrap"]:
            raise Unknown(node, "write $$ around the formula: notebooks do not show a bare environment")
        formula = self.formula(node)
        if r"\\" in formula and not formula.startswith(r"\begin{"):  # several lines, as the site sets them
            formula = rf"\begin{{split}}{formula}\end{{split}}"
        number = self.number_of(node)
        tag = f" \\tag{{{number}}}" if number else ""
        return f"$${formula}{tag}$$"

    def block_literal_block(self, node) -> str:
        language, code = node.get("language", ""), node.astext().rstrip("\n")
        fence = "`" * max(3, 1 + longest_run("`", code))
        return f"{fence}{'' if language in ('default', 'none') else language}\n{code}\n{fence}"

    def block_bullet_list(self, node) -> str:
        return self._list(node, ["-"] * len(node))

    def block_enumerated_list(self, node) -> str:
        start = node.get("start", 1)
        return self._list(node, [f"{number}." for number in range(start, start + len(node))])

    def _list(self, node, markers: list[str]) -> str:
        tight = all(len(item) < 2 or (len(item) == 2 and is_list(item[1])) for item in node)
        items = []
        for marker, item in zip(markers, node, strict=True):
            text = self.blocks(item, tight=tight)
            items.append(f"{marker} {indent(text, ' ' * (len(marker) + 1)).lstrip()}".rstrip())
        return ("\n" if tight else "\n\n").join(items)

    def block_block_quote(self, node) -> str:
        return quoted(self.blocks(node))

    def admonition(self, node) -> str:
        title = next((child for child in node if isinstance(child, nodes.title)), None)
        text = self.line(title) if title else node.tagname.capitalize()
        return quoted(f"**{text}**\n\n{self.blocks(child for child in node if child is not title)}")

    def block_table(self, node) -> str:
        *titles, group = node
        rows = {type(part).__name__: list(part) for part in group}
        if len(rows.get("thead", [])) != 1:
            raise Unknown(node, "notebooks cannot show a table without one row of titles")
        marks = {"text-left": ":--", "text-right": "--:", "text-center": ":-:"}
        head, body = rows["thead"][0], rows["tbody"]
        rules = [next((marks[name] for name in entry["classes"] if name in marks), "---") for entry in head]
        self.in_table = True
        lines = ["| " + " | ".join(map(self._cell, row)) + " |" for row in (head, *body)]
        self.in_table = False
        table = "\n".join([lines[0], f"|{'|'.join(rules)}|", *lines[1:]])
        return "\n\n".join([*(f"**Table.** {self.line(title)}" for title in titles), table])

    def _cell(self, entry) -> str:
        if any(not isinstance(child, nodes.paragraph) for child in entry):
            raise Unknown(entry, "notebooks cannot show a table whose cells hold more than lines of text")
        return "<br>".join(map(self.line, entry))

    def block_figure(self, node) -> str:
        return self.blocks(node)

    def block_caption(self, node) -> str:
        return f"**Figure.** {self.line(node)}"

    def block_image(self, node) -> str:
        return self.inline_image(node)

    def block_container(self, node) -> str:
        if node.get("design_component") == "tab-set":
            return self.blocks(node)
        if node.get("design_component") == "tab-item":
            label, content = node
            return f"**{self.line(label)}**\n\n{self.blocks(content)}"
        raise Unknown(node)

    def block_footnote(self, node) -> str:
        label, *content = node
        return rf"\[{label.astext()}\] {self.blocks(content)}"

    def block_transition(self, node) -> str:
        return "---"

    def block_target(self, node) -> str:
        return ""

    block_comment = block_index = block_target

    # Lines

    def line(self, node: nodes.Node) -> str:
        """Write what stands in one line of text."""
        return "".join(map(self.inline, node.children))

    def inline(self, node: nodes.Node) -> str:
        return self._method("inline", node)(node)

    def inline_Text(self, node) -> str:
        text = SPECIAL.sub(r"\\\g<0>", re.sub(r"[ \t\r\n]+", " ", node.astext()))
        return text.replace("|", r"\|") if self.in_table else text

    def inline_inline(self, node) -> str:
        return self.line(node)

    def inline_strong(self, node) -> str:
        return f"**{self.line(node)}**"

    def inline_emphasis(self, node) -> str:
        return f"*{self.line(node)}*"

    def inline_literal(self, node) -> str:
        code = node.astext()
        if self.in_table:
            code = code.replace("|", r"\|")
        fence = "`" * (1 + longest_run("`", code)) if "`" in code else "`"
        space = " " if code.startswith("`") or code.endswith("`") else ""
        return f"{fence}{space}{code}{space}{fence}"

    def inline_math(self, node) -> str:
        return f"${self.formula(node)}$"

    def formula(self, node: nodes.Node) -> str:
        """Return a formula as one line, without comments and, in a table, without bars, which would end the cell."""
        formula = " ".join(re.sub(r"(?<!\\)%.*", "", node.astext()).split())
        if self.in_table and "|" in formula:
            if "array" in formula:
                raise Unknown(node, "notebooks cannot show an array with bars in a table")
            signs = {r"\|": r"\Vert ", "|": r"\vert "}
            formula = re.sub(r"\\\\|\\\||\|", lambda found: signs.get(found[0], found[0]), formula)
        return " ".join(formula.split())

    def inline_reference(self, node) -> str:
        text, address = self.line(node), self.link(node)
        return f"[{text}]({address})" if address else text

    inline_number_reference = inline_reference

    def inline_image(self, node) -> str:
        address, alt = self.link(node), SPECIAL.sub(r"\\\g<0>", node.get("alt", ""))
        return f"![{alt}]({address})" if address else f"*{alt}*"

    def inline_footnote_reference(self, node) -> str:
        return rf"\[{node.astext()}\]"

    def inline_target(self, node) -> str:
        return ""

    inline_index = inline_target

    def _method(self, kind: str, node: nodes.Node):
        method = getattr(self, f"{kind}_{type(node).__name__}", None)
        if method is None:
            raise Unknown(node)
        return method


def quoted(text: str) -> str:
    """Return the text as a block quote."""
    return indent(text, "> ", lambda line: True).replace("> \n", ">\n")


def escape_start(marker: str) -> str:
    """Return a marker so that it does not start a heading, a list or a quote."""
    return f"{marker}\\" if marker.isdigit() else f"\\{marker}"


def longest_run(character: str, text: str) -> int:
    return max(map(len, re.findall(f"{character}+", text)), default=0)


def is_list(node: nodes.Node) -> bool:
    return isinstance(node, (nodes.bullet_list, nodes.enumerated_list))
