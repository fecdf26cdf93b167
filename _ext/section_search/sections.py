"""Cuts a page into what a search may find: its sections, exercises, solutions, terms and functions."""

from html.parser import HTMLParser

UNNAMED = {"exercise-content", "solution-content"}  # the same in every exercise
HEADINGS = {"h1", "h2", "h3", "h4", "h5", "h6"}
VOID = {"area", "br", "col", "hr", "img", "input", "link", "meta", "source", "wbr"}
SKIPPED = {"script", "style", "button", "nav"}


def read_sections(body: str, page: str, page_title: str) -> list[dict[str, str]]:
    """Return {url, title, page, text} of each part of a page that has an address of its own."""
    reader = Reader()
    reader.feed(body)
    found = []
    for part in reader.parts[1:] or reader.parts:
        title, text = (" ".join("".join(words).split()) for words in (part.title, part.text))
        if title or text:
            url = f"{page}#{part.identifier}" if part.identifier else page
            found.append({"url": url, "title": title or page_title, "page": page_title, "text": text})
    return found


class Part:
    def __init__(self, identifier: str, depth: int) -> None:
        self.identifier, self.depth = identifier, depth
        self.title: list[str] = []
        self.text: list[str] = []


class Reader(HTMLParser):
    """Collects the text of a page, each piece in the innermost part that it stands in."""

    def __init__(self) -> None:
        super().__init__()
        self.parts = [Part("", 0)]
        self.open = [self.parts[0]]
        self.depth = 0
        self.skipped_from = self.title_from = 0

    def handle_starttag(self, tag, attributes):
        if tag in VOID:
            return
        self.depth += 1
        given = dict(attributes)
        classes = set((given.get("class") or "").split())
        if not self.skipped_from and (tag in SKIPPED or classes & {"headerlink", "visually-hidden"}):
            self.skipped_from = self.depth
        if given.get("id") and given["id"] not in UNNAMED and self.is_part(tag, classes):
            if tag == "dt":
                self.close_term()
            self.open.append(Part(given["id"], self.depth))
            self.parts.append(self.open[-1])
        is_title = (
            tag in HEADINGS or "admonition-title" in classes or (tag == "dt" and self.open[-1].depth == self.depth)
        )
        if is_title and not self.title_from and not self.open[-1].title:
            self.title_from = self.depth
        if tag in ("p", "div", "li", "td", "th", "dd", "pre", "section"):
            self.put(" ")

    def handle_endtag(self, tag):
        if tag in VOID:
            return
        if self.skipped_from == self.depth:
            self.skipped_from = 0
        if self.title_from == self.depth:
            self.title_from = 0
        if tag == "dl":
            self.close_term()
        while len(self.open) > 1 and self.open[-1].depth == self.depth and tag != "dt":
            self.open.pop()
        self.depth -= 1

    def handle_data(self, data):
        self.put(data.replace(r"\(", "").replace(r"\)", ""))  # around formulas

    @staticmethod
    def is_part(tag, classes) -> bool:
        return tag == "section" or tag == "dt" or (tag == "div" and bool(classes & {"exercise", "solution"}))

    def close_term(self):
        """End a term or a function: its description stands beside it, not in it."""
        if len(self.open) > 1 and getattr(self.open[-1], "depth", 0) >= self.depth:
            self.open.pop()

    def put(self, text):
        if not self.skipped_from:
            (self.open[-1].title if self.title_from else self.open[-1].text).append(text)
