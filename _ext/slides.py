"""Shows a figure of another page with one sentence: ``{slide} name-of-the-figure``, the sentence below it.

The picture, its alternative text and the link come from the chapter, so a slide cannot differ from the figure.
"""

from docutils import nodes
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

LOGGER = logging.getLogger(__name__)


class slide(nodes.General, nodes.Element):
    """A figure's name and a sentence, until the figure is known."""


class Slide(SphinxDirective):
    required_arguments = 1
    has_content = True

    def run(self):
        node = slide(figure=self.arguments[0])
        self.set_source_info(node)
        node += self.parse_content_to_nodes()
        return [node]


def show_figures(app, doctree, docname):
    """Replace each slide by the picture that it names."""
    labels = app.env.domains["std"].anonlabels
    for node in list(doctree.findall(slide)):
        page, identifier = labels.get(node["figure"], ("", ""))[:2]
        figures = app.env.get_doctree(page).findall(nodes.figure) if page else ()
        figure = next((figure for figure in figures if identifier in figure["ids"]), None)
        if figure is None:
            LOGGER.warning("no page has a figure %r", node["figure"], location=node)
            node.parent.remove(node)
            continue
        target = f"{app.builder.get_relative_uri(docname, page)}#{identifier}"
        picture = next(figure.findall(nodes.image)).deepcopy()
        link = nodes.reference("", "", picture, refuri=target, internal=True)
        node.replace_self(nodes.container("", *node.children, nodes.paragraph("", "", link), classes=["slide"]))


def read_again(app, env, added, changed, removed):
    """Return the pages with slides when any page has changed: a figure may have."""
    if not added | changed | removed:
        return []
    return [page for page in env.found_docs - added - changed if next(env.get_doctree(page).findall(slide), None)]


def setup(app):
    app.add_node(slide)
    app.add_directive("slide", Slide)
    app.connect("doctree-resolved", show_figures)
    app.connect("env-get-outdated", read_again)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
