"""Says at the end of each page when it was changed, under which license it is, and where to report a problem.

The head of each page gets a description, its first paragraph. Where the address of the site is known, search engines
get a map of it, and a missing page says so.
"""

import subprocess
from html import escape
from pathlib import Path

import addresses
from docutils import nodes

LICENSES = (
    'Text and figures: <a href="https://creativecommons.org/licenses/by/4.0/">CC BY 4.0</a>. '
    'Code: <a href="https://opensource.org/license/bsd-3-clause">BSD 3-Clause</a>.'
)
LONGEST = 160  # characters of a description that search engines show


def description(doctree) -> str:
    """Return the first sentences of a page, as many as search engines show."""
    for paragraph in doctree.findall(nodes.paragraph):
        if isinstance(paragraph.parent, nodes.section | nodes.document):
            text = " ".join(paragraph.astext().split())
            return text if len(text) <= LONGEST else text[:LONGEST].rsplit(" ", 1)[0] + " …"
    return ""


def last_change(source: Path) -> str:
    """Return the day on which a page was last changed, or nothing outside a repository."""
    command = ["git", "log", "-1", "--format=%cs", "--", source.name]
    try:
        return subprocess.run(command, cwd=source.parent, capture_output=True, text=True).stdout.strip()
    except OSError:  # no git
        return ""


def footer(source: Path, page: str, title: str, where: addresses.Addresses) -> str:
    changed = last_change(source)
    facts = [f'Changed on <time datetime="{changed}">{changed}</time>.'] if changed else []
    facts.append(LICENSES)
    if problem := where.problem(page, title):
        facts.append(f'<a href="{escape(problem)}">Report a problem</a>')
    return f'<div class="page-facts" role="note">{" ".join(facts)}</div>'


def add_facts(app, page, template, context, doctree):
    if doctree is None:
        return
    if text := description(doctree):
        context["metatags"] = f'{context.get("metatags", "")}\n<meta name="description" content="{escape(text)}">'
    title = app.env.titles[page].astext()
    context["body"] += footer(Path(app.env.doc2path(page)), page, title, addresses.find(app.config))


def write_map(app, problem):
    """Write the map for search engines, if the site knows where it will be."""
    where = addresses.find(app.config)
    if problem or app.builder.name != "html" or not where.site:
        return
    entries = "".join(f"<url><loc>{escape(where.page(page))}</loc></url>" for page in sorted(app.env.found_docs))
    folder = Path(app.outdir)
    head = '<?xml version="1.0" encoding="UTF-8"?>\n<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">'
    (folder / "sitemap.xml").write_text(f"{head}{entries}</urlset>\n", "utf8")
    (folder / "robots.txt").write_text(f"User-agent: *\nAllow: /\nSitemap: {where.site}sitemap.xml\n", "utf8")
    (folder / "404.html").write_text(
        '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        "<title>No such page</title><h1>No such page</h1>"
        f'<p>The course may have moved it. <a href="{escape(where.site)}">Its first page</a> lists all chapters.</p>'
        "</html>\n",
        "utf8",
    )


def setup(app):
    app.connect("html-page-context", add_facts)
    app.connect("build-finished", write_map)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
