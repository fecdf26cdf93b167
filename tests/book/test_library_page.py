"""The page of the library quotes the bounds that its tests hold."""

import ast
import re

from conftest import BOOK


def bounds():
    path = BOOK / "tests" / "library" / "test_accuracy.py"
    source = path.read_text("utf8")
    table = re.search(r"^BOUNDS = (\{.*?^\})$", source, re.M | re.S)[1]
    return ast.literal_eval(table)


def test_the_page_of_the_library_quotes_the_bounds_of_the_tests():
    page = (BOOK / "chapters" / "xent_lib.md").read_text("utf8")
    rows = re.findall(r"^\| (.+) \| ([\d.]+) \| ([\d.]+) \|$", page, re.M)
    assert {what: (float(single), float(double)) for what, single, double in rows} == bounds()
