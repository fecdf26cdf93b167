"""The text is the one that the chapters quote numbers of, byte by byte, and nothing but the book."""

import hashlib
import re

from xent_lib import texts
from xent_lib.texts import load_text


def test_the_text_is_this_one():
    text = load_text()
    assert isinstance(text, str)
    assert len(text) == 143_397
    digest = hashlib.sha256(text.encode("ascii")).hexdigest()
    assert digest == "bffcd7c1b52a66ebefaa7abfd947eabbe0ea3b700e519e5db2b196173c546d73"


def test_a_character_is_a_byte_and_lines_end_with_a_newline_alone():
    text = load_text()
    assert len(text.encode("utf8")) == len(text)
    assert set(text) - set("\n") == {c for c in set(text) if c.isprintable()}
    assert text.endswith(".\n")
    assert not re.search(r" \n|\n\n\n", text)


def test_twelve_chapters_from_the_first_words_to_the_last():
    text = load_text()
    headings = re.findall(r"^CHAPTER ([IVX]+)\. \w", text, flags=re.M)
    assert headings == ["I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X", "XI", "XII"]
    assert text.startswith("CHAPTER I. Down the Rabbit-Hole\n\nAlice was beginning to get very tired of")
    assert text.endswith("remembering her own child-life, and the happy summer days.\n")


def test_nothing_of_the_file_around_the_book_is_left():
    text = load_text().lower()
    for word in ("gutenberg", "ebook", "license", "edition", "http", "www", "*", "[", "the end\n"):
        assert word not in text


def test_what_is_public_is_named():
    assert texts.__all__ == ["load_text"]
