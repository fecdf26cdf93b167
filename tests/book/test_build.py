"""A build that is wrong fails and says where; a build executes what changed, and nothing else."""

import re

import pytest
from small_books import HEADER, build, cell


def executed_by(run):
    assert run.returncode == 0, run.stderr
    return set(re.findall(r"chapters/(\w+)\.md: Executed notebook", run.stdout + run.stderr))


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        (cell("x = 1\n\nraise ValueError('no such thing')"), 17, "ValueError: no such thing"),
        ("\nSee {ref}`nowhere`.\n", 14, "undefined label: 'nowhere'"),
        (
            "\nSee {cite:p}`nobody-1900`.\n\n```{bibliography}\n```\n",
            14,
            'could not find bibtex key "nobody-1900"',
        ),
        ("\nSee {term}`flibbertigibbet`.\n", 14, "term not in glossary: 'flibbertigibbet'"),
        ("\nSee [there](nowhere.md).\n", 14, "cross-reference target not found: 'nowhere.md'"),
        ("\n```{no-such-directive}\n```\n", 14, "Unknown directive type: 'no-such-directive'"),
        (cell("import warnings\nwarnings.warn('careful')"), None, "stderr was found"),
    ],
    ids=[
        "failing cell",
        "dead reference",
        "unknown citation",
        "unknown term",
        "dead link",
        "directive",
        "warning",
    ],
)
def test_a_wrong_chapter_fails_the_build_and_is_named(small_book, text, line, message):
    chapter = small_book / "chapters" / "two.md"
    chapter.write_text(HEADER + text)
    run = build(small_book)
    last_line = run.stderr.strip().splitlines()[-1]
    assert run.returncode != 0
    assert last_line.startswith(f"{chapter}:{line or ''}")
    assert message in last_line
    assert build(small_book).returncode != 0, "the second build forgets the mistake"


def test_a_build_executes_what_changed_and_nothing_else(small_book):
    assert executed_by(build(small_book)) == {"one", "two"}
    assert executed_by(build(small_book)) == set()

    (small_book / "chapters" / "one.md").write_text(HEADER + cell("print('changed')"))
    assert executed_by(build(small_book)) == {"one"}

    with (small_book / "xent_lib" / "losses.py").open("a") as library:
        library.write("# changed\n")
    assert executed_by(build(small_book)) == {"one", "two"}

    with (small_book / "requirements.txt").open("a") as pins:
        pins.write("# changed\n")
    assert executed_by(build(small_book)) == {"one", "two"}
