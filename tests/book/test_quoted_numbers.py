"""The check of quoted numbers finds wrong numbers, and accepts right ones however they are written."""

import nbformat
import pytest
from quoted_numbers import untraceable

NOTEBOOK = nbformat.v4.new_notebook(
    cells=[
        nbformat.v4.new_code_cell(
            "p = 0.85  # not 0.86\nprint(loss)",
            outputs=[
                nbformat.v4.new_output("stream", text="1.8971199848 [0.25 1e-05]"),
                nbformat.v4.new_output(
                    "display_data", data={"text/html": "<table><td style='w: 0.77'>0.8226</td></table>"}
                ),
            ],
        )
    ]
)


@pytest.mark.parametrize(
    "prose",
    [
        "the loss is 1.897",
        "the loss is $1.90$ nats, for $p = 0.85$",
        "82 % of it, or 82.3%, or $82\\,\\%$",
        "$1 \\times 10^{-5}$, that is 1.0e-5",
        "as `0.9999` in the code, section 3.10, NumPy 2.4, and {glue:text}`name:.3f`",
        "![](picture-1.23.png)",
    ],
)
def test_right_numbers_are_accepted(prose):
    assert untraceable(prose, NOTEBOOK) == []


@pytest.mark.parametrize(
    ("prose", "wrong"),
    [
        ("the loss is 1.898", "1.898"),
        ("for $p = 0.86$, which only a comment has", "0.86"),
        ("83 % of it", "83 %"),
        ("$2 \\times 10^{-5}$", "2 \\times 10^{-5}"),
        ("0.77, which only a style has", "0.77"),
    ],
)
def test_wrong_numbers_are_found(prose, wrong):
    assert [quote.text.strip() for quote in untraceable(f"title\n\n{prose}", NOTEBOOK)] == [wrong]


def test_the_line_is_named_and_captions_are_read_but_code_is_not():
    source = "---\nx: 9.99\n---\n\n```{code-cell} ipython3\n---\nalt: It shows 7.77.\n---\ny = 8.88\n```\n6.66\n"
    assert [(quote.line, quote.text) for quote in untraceable(source, NOTEBOOK)] == [
        (7, "7.77"),
        (11, "6.66"),
    ]
