"""Puts a row of links below the title of every page with code: open it in Colab, download, see, or change it.

A link whose address is not known is left out (``addresses.py``). A page without code has no row.
"""

from html import escape

import addresses
from clean_notebooks import is_executable


def links(where: addresses.Addresses, page: str, pathto) -> dict[str, str | None]:
    """Return {text: address} for a page."""
    return {
        "Open in Colab": where.colab(page),
        "Download notebook": pathto(addresses.notebook(page), 1),
        "View source": where.source(page),
        "Suggest an edit": where.edit(page),
    }


def row(of_page: dict[str, str | None]) -> str:
    items = (
        f'<li><a href="{escape(address)}"{" download" if text.startswith("Download") else ""}>{text}</a></li>'
        for text, address in of_page.items()
        if address
    )
    return f'<nav class="page-buttons" aria-label="Run or change this page"><ul>{"".join(items)}</ul></nav>'


def use_addresses(app, config):
    """Let the site itself know its address, for what search engines are told."""
    config.html_baseurl = addresses.find(config).site or ""


def add_buttons(app, page, template, context, doctree):
    if is_executable(doctree):
        buttons = row(links(addresses.find(app.config), page, context["pathto"]))
        context["body"] = context["body"].replace("</h1>", f"</h1>\n{buttons}", 1)


def setup(app):
    app.connect("config-inited", use_addresses)
    app.connect("html-page-context", add_buttons)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
