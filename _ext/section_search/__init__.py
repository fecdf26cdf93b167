"""Search that finds sections: ranked, offline, without a server, by words, numbers, code names and error messages.

Each page that is written leaves its sections (`sections.py`) in `_build/sections`; when all are written they become
one script of the site, which the search page loads. Finding is done in the browser (`search.js`) by MiniSearch 7.2.0
(`minisearch.js`, MIT license, as published on npm).
"""

import json
import shutil
from pathlib import Path

from section_search.sections import read_sections

HERE = Path(__file__).parent
LEFT_OUT = {"chapters/references"}  # titles of works are not what is looked for
SCRIPTS = ("minisearch.js", "search.js")


def folder(app) -> Path:
    return Path(app.outdir).parent / "sections"


def keep_sections(app, page, template, context, doctree):
    """Note the sections of a page; give the search page its own template."""
    if page == "search":
        return "section_search.html"
    if doctree is not None and page not in LEFT_OUT:
        file = folder(app) / f"{page}.json"
        file.parent.mkdir(parents=True, exist_ok=True)
        sections = read_sections(context["body"], f"{page}.html", app.env.titles[page].astext())
        file.write_text(json.dumps(sections, ensure_ascii=False), "utf8")
    return None


def write_index(app, problem):
    """Put the sections of all pages into one script."""
    if problem or app.builder.name != "html":
        return
    target = Path(app.outdir, "_static", "search")
    target.mkdir(parents=True, exist_ok=True)
    for name in SCRIPTS:
        shutil.copy(HERE / name, target)
    files = [folder(app) / f"{page}.json" for page in sorted(app.env.found_docs)]
    sections = [section for file in files if file.exists() for section in json.loads(file.read_text("utf8"))]
    # A script and not a JSON file: pages that are opened from a disk may not fetch files.
    index = json.dumps(sections, ensure_ascii=False, separators=(",", ":"))
    (target / "sections.js").write_text(f"window.courseSections = {index};\n", "utf8")


def setup(app):
    app.config.templates_path.append(str(HERE))
    app.connect("html-page-context", keep_sections)
    app.connect("build-finished", write_index)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
