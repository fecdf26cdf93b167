"""Every number that the four source documents print comes out of the library.

The ids are those of the page *Where each idea comes from*.
"""

import math

import numpy as np
import pytest

from xent_lib import (
    binary_cross_entropy,
    categorical_cross_entropy,
    categorical_cross_entropy_with_logits,
    confidence,
    cross_entropy,
    flag_uncertain,
    one_hot,
    predicted_label,
)

SEALS = ([0, 1, 1, 0, 0, 1, 1], [0.07, 0.91, 0.74, 0.23, 0.85, 0.17, 0.94])
IMAGES = (
    [[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 0, 0]],
    [[0.91, 0.04, 0.05], [0.11, 0.8, 0.09], [0.3, 0.1, 0.6], [0.25, 0.4, 0.35]],
)
CARS = ([0, 2], [[0.1, 0.3, 0.6], [0.2, 0.3, 0.5]])
PREDICTIONS = [[0.8, 0.1, 0.1], [0.2, 0.7, 0.1], [0.1, 0.1, 0.8]]


def as_printed(value, text):
    """Say whether `value` is the number printed as `text`.

    Rounded numbers must be within half a unit of their last digit. Those printed in full carry the
    rounding of the document's own 1 − p, and may be one unit off.
    """
    decimals = len(text.partition(".")[2])
    units = 1 if decimals > 10 else 0.5
    return abs(value - float(text)) <= units * 10.0**-decimals


def numbered(inventory_id, printed):
    return [pytest.param(sample, text, id=f"{inventory_id}-{sample}") for sample, text in enumerate(printed)]


@pytest.mark.parametrize(
    ("sample", "printed"),
    numbered(
        "B11",
        [
            "0.0725706928348355",
            "0.09431067947124129",
            "0.3011050927839216",
            "0.2613647641344075",
            "1.897119984885881",
            "1.7719568419318752",
            "0.06187540371808753",
        ],
    ),
)
def test_the_seven_binary_losses(sample, printed):
    assert as_printed(binary_cross_entropy(*SEALS, reduction="none")[sample], printed)


@pytest.mark.parametrize(
    ("sample", "printed"),
    numbered("B18", ["0.09431067947124129", "0.2231435513142097", "0.5108256237659907", "1.3862943611198906"]),
)
@pytest.mark.parametrize("t", [IMAGES[0], np.argmax(IMAGES[0], axis=-1)], ids=["B13-one-hot", "B15-integers"])
def test_the_four_categorical_losses(t, sample, printed):
    assert as_printed(categorical_cross_entropy(t, IMAGES[1], reduction="none")[sample], printed)


@pytest.mark.parametrize(
    ("loss", "data", "printed"),
    [
        pytest.param(binary_cross_entropy, SEALS, "4.460303459760249", id="B10"),
        pytest.param(categorical_cross_entropy, IMAGES, "2.214574215671332", id="B18"),
    ],
)
def test_the_sums(loss, data, printed):
    assert as_printed(loss(*data, reduction="sum"), printed)


@pytest.mark.parametrize(
    ("t", "p", "printed"), [pytest.param(0, 0.85, "1.897", id="B12"), pytest.param(1, 0.17, "1.772", id="E16")]
)
def test_the_two_largest_binary_losses(t, p, printed):
    losses = binary_cross_entropy(*SEALS, reduction="none")
    assert as_printed(binary_cross_entropy(t, p), printed)
    assert binary_cross_entropy(t, p) in np.sort(losses)[-2:]


@pytest.mark.parametrize("p", [pytest.param(0.85, id="B12-85%"), pytest.param(0.17, id="B12-17%")])
def test_the_two_largest_binary_losses_are_on_the_wrong_side(p):
    sample = SEALS[1].index(p)
    assert predicted_label([1 - p, p]) != SEALS[0][sample]


@pytest.mark.parametrize(("sample", "printed"), numbered("C3", ["2.30258509", "0.69314718"]))
def test_the_losses_picked_by_index(sample, printed):
    assert as_printed(categorical_cross_entropy(*CARS, reduction="none")[sample], printed)


@pytest.mark.parametrize(
    ("sample", "label", "is_right"),
    [pytest.param(0, 2, False, id="C4-0"), pytest.param(1, 2, True, id="C4-1")],
)
def test_the_first_picked_prediction_is_wrong_and_the_second_right(sample, label, is_right):
    assert predicted_label(CARS[1])[sample] == label
    assert (predicted_label(CARS[1])[sample] == CARS[0][sample]) == is_right


@pytest.mark.parametrize(
    ("t", "p"),
    [
        pytest.param(0, [0.7, 0.1, 0.2], id="D5-0.7"),
        pytest.param(0, [0.5, 0.3, 0.2], id="D5-0.5"),
        pytest.param([1, 0, 0], [0.7, 0.1, 0.2], id="D3-0.7"),
    ],
)
def test_the_loss_is_the_negative_logarithm_of_what_the_target_got(t, p):
    assert categorical_cross_entropy(t, p) == -math.log(p[0])
    assert cross_entropy(one_hot(0, 3), p) == -math.log(p[0])


@pytest.mark.parametrize(
    ("confident", "unsure"),
    [
        pytest.param([0.87, 0.13], [0.502, 0.498], id="D1-two-classes"),
        pytest.param([0.87, 0.07, 0.06], [0.502, 0.25, 0.248], id="D1-three-classes"),
    ],
)
def test_accuracy_treats_two_right_answers_alike_and_the_loss_does_not(confident, unsure):
    assert predicted_label(confident) == predicted_label(unsure) == 0
    assert categorical_cross_entropy(0, confident) == pytest.approx(-math.log(0.87), rel=1e-15)
    assert categorical_cross_entropy(0, unsure) == pytest.approx(-math.log(0.502), rel=1e-15)
    assert categorical_cross_entropy(0, confident) < categorical_cross_entropy(0, unsure)


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        pytest.param(predicted_label, [0, 1, 2], id="A8-labels"),
        pytest.param(confidence, [0.8, 0.7, 0.8], id="A8-confidences"),
        pytest.param(lambda p: flag_uncertain(p, 0.6), [False] * 3, id="A8-E5-nothing-flagged"),
        pytest.param(lambda p: np.flatnonzero(flag_uncertain(p, 0.75)), [1], id="A9-another-threshold"),
    ],
)
def test_the_predictions_are_read_as_in_the_document(function, expected):
    np.testing.assert_array_equal(function(PREDICTIONS), expected)


@pytest.mark.parametrize(
    ("t", "p", "printed"),
    [
        pytest.param([1, 0, 0], [0.34, 0.33, 0.33], "1.08", id="E18-right"),
        pytest.param([1, 0], [0.49, 0.51], "0.71", id="E18-wrong"),
        pytest.param([1, 0], [0.9, 0.1], "0.105", id="E20-from-1"),
    ],
)
def test_the_numbers_that_correct_the_documents(t, p, printed):
    assert as_printed(categorical_cross_entropy(t, p), printed)


def test_a_loss_from_logits_needs_no_softmax_before_it():
    """The document with the PyTorch model: its loss applies the softmax itself (A7, E4)."""
    z = np.log([0.7, 0.1, 0.2]) + 3
    assert categorical_cross_entropy_with_logits(0, z) == pytest.approx(-math.log(0.7), rel=1e-15)
