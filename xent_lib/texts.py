"""The text that the course trains language models on.

Import it where you read it; ``import xent_lib`` alone does not load it.
"""

from __future__ import annotations

from importlib.resources import files

__all__ = ["load_text"]


def load_text() -> str:
    """Return the novel *Alice's Adventures in Wonderland* by Lewis Carroll.

    The twelve chapters with their headings: 143 397 characters, of 66 kinds, all of them ASCII, so a
    character is a byte. Paragraphs are separated by an empty line, lines end with a newline.

    The book appeared in 1865 and its author died in 1898. It is in the public domain in the United States,
    and wherever copyright ends a fixed number of years after the author's death.

    Returns
    -------
    str
        The same text on every call.

    Examples
    --------
    >>> text = load_text()
    >>> text[33:86]
    'Alice was beginning to get very tired of sitting by h'
    >>> len(text), len(set(text))
    (143397, 66)

    References
    ----------
    Lewis Carroll, *Alice's Adventures in Wonderland* (Macmillan, 1865). The transcription is the one that
    Project Gutenberg numbers 11, as of December 2011, taken from the file ``examples/alice.txt`` in the
    source distribution of the Python package wordcloud 1.9.6. Left out are what comes before the first
    chapter and after the last, with all that Project Gutenberg had added; rows of asterisks; and two
    passages in brackets that are from later editions.
    """
    return files("xent_lib").joinpath("data", "alice.txt").read_bytes().decode("ascii")
