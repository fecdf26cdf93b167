"""Finds the numbers in a chapter's prose that its own cells do not show.

Every number with a decimal point, and every percentage, in the prose, in a formula, a caption or an
alternative text must be found, to the digits quoted, among the numbers that the chapter's code cells
contain or print. Comments in code do not count.
"""

import io
import re
import tokenize
from html import unescape
from typing import NamedTuple

import nbformat

NUMBER = r"\d+(?:\.\d+)?"
SCIENTIFIC = re.compile(rf"({NUMBER})\s*\\(?:times|cdot)\s*10\^\{{?(-?\d+)\}}?|(\d+(?:\.\d+)?e[+-]?\d+)")
PERCENTAGE = re.compile(rf"(?<![\w.])({NUMBER})(?:\s| |\\,)?\\?%")
DECIMAL = re.compile(r"(?<![\w.])(\d+\.\d+)(?![\w.]*\.\d)")
NOT_A_QUANTITY = re.compile(
    r"\{glue[^}]*\}`[^`]*`|`[^`]*`|\]\([^)]*\)|<[^>]*>"  # glued values, code, links
    r"|(?:sections?|chapters?|equations?|figures?|versions?|Python|NumPy|Keras|PyTorch|TensorFlow|CC BY) \d+(?:\.\d+)+"
)
PRINTED = re.compile(r"(?<![A-Za-z_])\d+\.?\d*(?:[eE][+-]?\d+)?|(?<![\w.])\.\d+(?:[eE][+-]?\d+)?")


class Quote(NamedTuple):
    """A number as it is quoted: where, its text, its value, and how far off its rounding may be."""

    line: int
    text: str
    value: float
    slack: float
    is_percentage: bool = False


def prose_lines(source: str):
    """Yield (line number, text) of what a reader reads as prose: everything but code and options."""
    lines = source.splitlines()
    inside_header = lines[:1] == ["---"]
    fence = None  # of the code cell that we are in
    for number, line in enumerate(lines, start=1):
        if inside_header:
            inside_header = number == 1 or line != "---"
        elif fence:
            if line.strip() == fence:
                fence = None
            elif match := re.match(r"\s*(?:caption|alt): (.*)", line):
                yield number, match[1]
        elif match := re.match(r"(`{3,})(?:\{code-cell\}|\w)", line):
            fence = match[1]
        elif not re.match(r":\w[\w-]*:( |$)|\(.*\)=$", line):
            yield number, line


def quotes(source: str) -> list[Quote]:
    """Return the numbers that the prose of a chapter quotes."""
    found = []
    for line, text in prose_lines(source):
        rest = NOT_A_QUANTITY.sub(" ", text)
        for match in SCIENTIFIC.finditer(rest):
            mantissa, exponent = (match[1], match[2]) if match[1] else match[3].split("e")
            found.append(Quote(line, match[0], *_value(mantissa, int(exponent))))
        rest = SCIENTIFIC.sub(" ", rest)
        for match in PERCENTAGE.finditer(rest):
            found.append(Quote(line, match[0], *_value(match[1]), is_percentage=True))
        rest = PERCENTAGE.sub(" ", rest)
        for match in DECIMAL.finditer(rest):
            found.append(Quote(line, match[0], *_value(match[1])))
    return found


def shown_numbers(notebook: nbformat.NotebookNode) -> list[float]:
    """Return every number in the code and in the outputs of an executed notebook."""
    texts = []
    for cell in notebook.cells:
        if cell.cell_type != "code":
            continue
        texts.append(_without_comments(cell.source))
        for output in cell.outputs:
            texts.append(output.get("text", ""))
            for kind, content in output.get("data", {}).items():
                if kind.endswith("text/plain"):
                    texts.append(content)
                elif kind == "text/html":
                    texts.append(unescape(re.sub(r"<style.*?</style>|<[^>]+>", " ", content, flags=re.S)))
    return [float(number) for text in texts for number in PRINTED.findall(text)]


def untraceable(source: str, *notebooks: nbformat.NotebookNode) -> list[Quote]:
    """Return the quoted numbers that stand in no code cell and no output of the notebooks."""
    shown = [number for notebook in notebooks for number in shown_numbers(notebook)]

    def is_shown(quote: Quote) -> bool:
        scales = (1, 100) if quote.is_percentage else (1,)
        return any(abs(scale * x - quote.value) <= quote.slack for x in shown for scale in scales)

    return [quote for quote in quotes(source) if not is_shown(quote)]


def _value(mantissa: str, exponent: int = 0) -> tuple[float, float]:
    decimals = len(mantissa.partition(".")[2])
    value = float(f"{mantissa}e{exponent}")
    return value, 0.5 * 10.0 ** (exponent - decimals) + 1e-12 * value


def _without_comments(code: str) -> str:
    code = re.sub(r"^\s*[%!].*$", "", code, flags=re.M)  # IPython's own commands
    tokens = tokenize.generate_tokens(io.StringIO(code).readline)
    return " ".join(token.string for token in tokens if token.type != tokenize.COMMENT)
