"""Bad input gets an error that says what was wrong; input that is only unusual gets none."""

import array
import collections
import inspect
import re
import tracemalloc

import numpy as np
import pytest
from peers import needs_torch, torch

import xent_lib
from xent_lib import _validation

NAN, INF = np.nan, np.inf

# What fits: two samples of three classes, three binary samples.
Z = [[2.0, 1.0, 0.5], [0.0, -1.0, 3.0]]
P = [[0.5, 0.25, 0.25], [0.125, 0.75, 0.125]]
LABELS = [0, 2]
Y, B, Q = [1, 0, 1], [0.5, -2.0, 3.0], [0.25, 0.5, 0.75]

# The functions by what they take, each as a function of that argument alone.
ON_LOGITS = {name: getattr(xent_lib, name) for name in ("softmax", "log_softmax", "logsumexp", "softmax_jacobian")}
ON_TRUTH_AND_LOGITS = {
    name: getattr(xent_lib, name)
    for name in (
        "categorical_cross_entropy_with_logits",
        "categorical_cross_entropy_gradient",
        "categorical_cross_entropy_value_and_gradient",
    )
}
ON_BINARY_LOGITS = {
    name: getattr(xent_lib, name)
    for name in (
        "binary_cross_entropy_with_logits",
        "binary_cross_entropy_gradient",
        "binary_cross_entropy_value_and_gradient",
    )
}
#: name -> (truth, prediction) that fit, for every loss and gradient.
LOSSES = {
    **dict.fromkeys(ON_TRUTH_AND_LOGITS, (LABELS, Z)),
    **dict.fromkeys(ON_BINARY_LOGITS, (Y, B)),
    "categorical_cross_entropy": (LABELS, P),
    "binary_cross_entropy": (Y, Q),
}
CATEGORICAL = {name: pair for name, pair in LOSSES.items() if "categorical" in name}
BINARY = {name: pair for name, pair in LOSSES.items() if "binary" in name}

#: The functions of truth and distributions whose classes lie along the last axis.
ON_BINS = ("brier_score", "expected_calibration_error", "reliability_bins")

#: name -> arguments around one distribution, which is None here.
ON_DISTRIBUTION = {
    "entropy": (None,),
    "cross_entropy": (P, None),
    "kl_divergence": (P, None),
    "smooth_labels": (None, 0.1),
    "predicted_label": (None,),
    "confidence": (None,),
    "flag_uncertain": (None, 0.6),
    "categorical_cross_entropy": (LABELS, None),
    **dict.fromkeys(ON_BINS, (LABELS, None)),
}
ON_TRUTH_DISTRIBUTION = {
    "cross_entropy": (None, P),
    "kl_divergence": (None, P),
    "categorical_cross_entropy": (None, P),
    **dict.fromkeys(ON_TRUTH_AND_LOGITS, (None, Z)),
    **dict.fromkeys(ON_BINS, (None, P)),
    "fit_temperature": (None, [[2.0, 1.0, 0.5], [0.0, 3.0, -1.0]]),
}

NOT_NUMBERS = [
    ("text", [["1", "2", "3"], ["4", "5", "6"]], TypeError, "must hold real numbers, got text"),
    ("bytes", np.array(P).astype("S"), TypeError, "must hold real numbers, got text"),
    ("complex", np.array(P) * 1j, TypeError, "must hold real numbers, got complex numbers"),
    (
        "objects",
        [[1, {}, 0], [0, 1, 0]],
        TypeError,
        r"must hold real numbers, got Python objects: \{\} at .* type dict\)",
    ),
    ("dates", np.array([["2025-01-30"] * 3] * 2, "M8[D]"), TypeError, "got values of dtype datetime64"),
    ("ragged", [[1.0, 0.0], [1.0]], ValueError, "has rows of different lengths"),
    ("numbers and rows", [[1.0, 0.0, 0.0], 1.0], ValueError, "has rows of different lengths"),
    ("text among objects", np.array([[1, "a", 0]] * 2, object), TypeError, r"got text: 'a' at index \(0, 1\)"),
    (
        "a missing entry",
        np.array([[1, None, 0]] * 2, object),
        TypeError,
        r"None at index \(0, 1\) \(is a value missing",
    ),
    ("durations", np.array([[1, 0, 0]] * 2, "m8[s]"), TypeError, "got values of dtype timedelta64"),
    ("a structure", np.zeros((2, 3), [("p", float)]), TypeError, "got values of dtype"),
]
if np.finfo(np.longdouble).nmant > np.finfo(np.float64).nmant:
    longdouble = np.array(P, dtype=np.longdouble)
    NOT_NUMBERS.append(("longdouble", longdouble, TypeError, "float32 and float64 are supported: cast to float64"))

BAD_LOGITS = [
    *NOT_NUMBERS,
    ("NaN", [[0.0, NAN, 1.0], [1.0, 2.0, 3.0]], ValueError, r"contains NaN: nan at index \(0, 1\)"),
    ("+inf", [[0.0, 1.0, 2.0], [1.0, INF, 0.0]], ValueError, r"infinite logit: inf at index \(1, 1\)"),
    ("only -inf", [[0.0, 1.0, 2.0], [-INF] * 3], ValueError, r"rules out every class .* index \(1,\)"),
    ("no classes", np.zeros((2, 0)), ValueError, r"no classes: its shape is \(2, 0\)"),
    ("one number", 3.0, ValueError, "a single number; it needs an axis"),
]
BAD_DISTRIBUTIONS = [
    *NOT_NUMBERS,
    ("logits", Z, ValueError, r"between 0 and 1: 2\.0 at index \(0, 0\) \(did you pass logits\? Then use"),
    ("negative", [[0.5, 0.5, 0.0], [1.25, -0.25, 0.0]], ValueError, "between 0 and 1: 1.25"),
    ("slightly negative", [[1.0, -1e-9, 0.0], [0, 1, 0]], ValueError, r"-1e-09 at index \(0, 1\)"),
    ("sum", [[0.5, 0.5, 0.0], [0.5, 0.4, 0.0]], ValueError, r"sum to 1 along axis 1 .* 0\.9 at index \(1,\)"),
    (
        "other axis",
        [[0.5, 0.25, 0.25], [0.5, 0.75, 0.75]],
        ValueError,
        "did you forget softmax, or .* the wrong axis",
    ),
    ("sum off by 2e-5", [[0.5, 0.5, 2e-5], [0, 1, 0]], ValueError, r"tolerance 1e-05\), but a sum is off"),
    ("NaN", [[0.5, NAN, 0.5], [0, 1, 0]], ValueError, r"contains NaN: nan at index \(0, 1\)"),
    ("+inf", [[0.5, INF, 0.5], [0, 1, 0]], ValueError, "between 0 and 1: inf"),
    ("one number", 1.0, ValueError, "a single number; it needs an axis"),
]
#: For arguments without an axis: the same values, one row.
BAD_BINARY = [
    (name, bad if error is ValueError else bad[0], error, says.replace("(0, 1", "(1,"))
    for name, bad, error, says in NOT_NUMBERS
]
BAD_LABELS = [
    *(
        (
            f"{label}",
            np.array([0, label], dtype),
            rf"must hold class indices from 0 to 2: {label} at index \(1,\) "
            rf"\(are the classes counted from 1\? If {label} marks what has no label, pass ignore_index={label}\)",
        )
        for label, dtype in [
            (3, int),
            (-1, int),
            (-1, np.int8),
            (-100, int),
            (-100, np.int16),
            (255, np.uint8),
            (255, np.uint64),
            (-(2**63), int),
            (2**63 - 1, int),
            (2**32, int),
            (2**63, np.uint64),
            (2**64 - 100, np.uint64),
        ]
    ),
    ("floats", [0.0, 2.0], r"must be integers, got dtype float64 \(if .* cast them to int"),
    ("booleans", [True, False], "must be integers, got dtype bool"),
    ("a missing label", [0.0, NAN], r"has a missing label: nan at index \(1,\)"),
    ("too many", [0, 1, 2], r"shape \(3,\) .* shape \(2, 3\).*\(2,\) \(class indices\)"),
    ("a column", [[0], [2]], r"shape \(2, 1\) .* shape \(2, 3\)"),
    ("one number", 0, r"shape \(\) .* shape \(2, 3\)"),
    ("four classes", [[1, 0, 0, 0], [0, 1, 0, 0]], r"shape \(2, 4\) .* shape \(2, 3\)"),
]
BAD_WEIGHTS = [
    ("negative", -1.0, ValueError, r"finite, non-negative numbers: -1\.0 \("),
    ("NaN", NAN, ValueError, "weight contains NaN"),
    ("inf", INF, ValueError, "finite, non-negative numbers: inf"),
    ("shape", [1.0] * 7, ValueError, r"weight has shape \(7,\), .* the losses' shape \([23],\) \(one weight per loss"),
    ("zero", 0, ValueError, "weights sum to 0.*divide by zero"),
    ("text", "heavy", TypeError, "weight must hold real numbers, got text"),
]


def fill(arguments, value):
    return tuple(value if argument is None else argument for argument in arguments)


def naming(name, position, says):
    """Return the pattern of a message that starts with the name of the argument at that position."""
    return rf"^{list(inspect.signature(getattr(xent_lib, name)).parameters)[position]} .*{says}"


def not_one_integer(name):
    """Return (what, value, message) of what is not one integer."""
    return [
        (what, value, f"^{name} must be an integer, got {re.escape(repr(value))}")
        for what, value in [
            ("True", True), ("True of NumPy", np.bool_(True)), ("a true array", np.array(True)), ("a half", 0.5),
            ("a float", 1.0), ("an array of a float", np.array(1.0)), ("none", None), ("text", "0"), ("a tuple", (0,)),
            ("a list", [1]), ("an array", np.array([1])),
        ]
    ]  # fmt: skip


def not_one_number(name):
    """Return (what, value, error, message) of what is not one number that a float can hold."""
    return [
        *(
            (what, value, TypeError, f"^{name} must be a number, got {re.escape(repr(value))}")
            for what, value in [
                ("text", "0.1"), ("text in an array", np.array("0.1")), ("complex", 0.5j), ("True", True),
                ("True of NumPy", np.bool_(True)), ("a true array", np.array(True)), ("a list", [0.5]),
                ("an array", np.array([0.5])),
            ]
        ),
        ("10**400", 10**400, ValueError, rf"^{name} is too large for a floating-point number: 10+\.\.\."),
        ("-10**400", -(10**400), ValueError, rf"^{name} is too large for a floating-point number: -10+\.\.\."),
        ("10**5000", 10**5000, ValueError, f"^{name} is too large for a floating-point number: a value of type int"),
    ]  # fmt: skip


def table():
    """Yield (what is bad, function, arguments, options, error, message) of every bad call."""
    for what, z, error, says in BAD_LOGITS:
        for name in ON_LOGITS:
            if name != "logsumexp" or "inf" not in what:  # there an infinity has a meaning
                yield what, name, (z,), {}, error, naming(name, 0, says)
        for name in ON_TRUTH_AND_LOGITS:
            yield what, name, (LABELS, z), {}, error, naming(name, 1, says)
        yield what, "fit_temperature", (LABELS, z), {}, error, naming("fit_temperature", 1, says)
    for what, p, error, says in BAD_DISTRIBUTIONS:
        for name, arguments in ON_DISTRIBUTION.items():
            yield what, name, fill(arguments, p), {}, error, naming(name, arguments.index(None), says)
        for name, arguments in ON_TRUTH_DISTRIBUTION.items():
            if what != "one number":  # taken as a label there
                yield f"truth: {what}", name, fill(arguments, p), {}, error, naming(name, 0, says)
    for what, x, error, says in [*BAD_BINARY, ("NaN", [0.0, NAN, 1.0], ValueError, "contains NaN")]:
        for name in ("sigmoid", "log_sigmoid"):
            yield what, name, (x,), {}, error, naming(name, 0, says)
        for name, (t, prediction) in BINARY.items():
            yield f"prediction: {what}", name, (t, x), {}, error, naming(name, 1, says)
            yield f"truth: {what}", name, (x, prediction), {}, error, naming(name, 0, says)
        yield what, "numerical_gradient", (np.sum, x), {}, error, naming("numerical_gradient", 1, says)

    for name, (t, prediction) in CATEGORICAL.items():
        for what, labels, says in BAD_LABELS:
            yield f"labels: {what}", name, (labels, prediction), {}, ValueError, naming(name, 0, says)
        yield "labels: text", name, (["a", "b"], prediction), {}, TypeError, "t must hold real numbers"
        yield "axis", name, (t, prediction), {"axis": 2}, ValueError, r"axis 2 .* shape \(2, 3\)"
        yield "axis", name, (t, prediction), {"axis": -3}, ValueError, r"axis -3 .* shape \(2, 3\)"
        for what, axis, says in not_one_integer("axis"):
            yield f"axis: {what}", name, (t, prediction), {"axis": axis}, TypeError, says
    for name, (t, prediction) in BINARY.items():
        hint = r"are the labels -1 and 1, or class indices\? Then"
        yield "truth: -1", name, ([-1, 1, 1], prediction), {}, ValueError, rf"0 and 1: -1\.0 .*{hint}"
        yield "truth: 2", name, ([0, 1, 2], prediction), {}, ValueError, rf"2\.0 at index \(2,\) .*{hint}"
        yield "a row", name, ([t], prediction), {}, ValueError, r"^t .*\(1, 3\) .*\(3,\): they must be equal"
        yield "a column", name, (t, np.c_[prediction]), {}, ValueError, r"^t .*\(3,\) .*\(3, 1\): they must be equal"
    for p in ([0.5, 1.5, 0.5], [0.5, -0.5, 0.5], [0.5, INF, 0.5]):
        says = rf"p must hold probabilities between 0 and 1: {p[1]} at index \(1,\) .*did you pass logits"
        yield f"p = {p[1]}", "binary_cross_entropy", (Y, p), {}, ValueError, says

    for name, prediction in [*((name, P) for name in ON_BINS), ("fit_temperature", Z)]:
        for what, labels, says in BAD_LABELS:
            says = re.sub(r"pass ignore_index=.*", "leave it out before: there is no ignore_index here", says)
            yield f"labels: {what}", name, (labels, prediction), {}, ValueError, naming(name, 0, says)
        hint = r"softmax.*of a binary model, give both classes: np\.stack\(\[1 - p, p\].* np\.stack\(\[0 \* z, z\]"
        yield "a binary model", name, ([0, 1, 1], [0.5, 0.75, 0.5]), {}, ValueError, f"must sum to 1 .*{hint}"
        nothing = np.zeros(0, int), np.zeros((0, 3))
        if name != "reliability_bins":
            yield "no samples", name, nothing, {}, ValueError, "^no samples"
    for name in ("expected_calibration_error", "reliability_bins"):
        for number in (0, -1, 10**6 + 1, 10**400):
            says = rf"^n_bins must be between 1 and 1000000, got {str(number)[:70]}"
            yield "n_bins out of range", name, (LABELS, P), {"n_bins": number}, ValueError, says
        for what, number, says in not_one_integer("n_bins"):
            yield f"n_bins: {what}", name, (LABELS, P), {"n_bins": number}, TypeError, says
    for what, t, z, says in [
        ("all right", LABELS, [[2.0, 1.0, 0.5], [0.0, -1.0, 3.0]], "every label has the largest logit.*falls toward 0"),
        ("all right, a tie", LABELS, [[2.0, 2.0, 0.5], [0.0, -1.0, 3.0]], "every label has the largest logit"),
        ("all right, soft", [[0.5, 0.5, 0]], [[2.0, 2.0, 0.5]], "every label has the largest logit"),
        ("all wrong", LABELS, [[0.5, 1.0, 2.0], [0.0, 3.0, -1.0]], "falls as long as T grows.*same samples"),
        ("no better than none", [0, 1], [[1.0, 0.0], [1.0, 0.0]], "falls as long as T grows"),
        ("no better, rounded", [0, 1, 1], [[0.1, 0.2], [0.3, 0.1], [0.1, 0.4]], "falls as long as T grows"),
        ("no better, one ruled out", [0, 1], [[1.0, 0.0, -INF], [1.0, 0.0, -INF]], "falls as long as T grows"),
        ("equal", LABELS, [[2.0, 2.0, 2.0], [-1.0, -1.0, -1.0]], "logits of each sample are all equal"),
        ("one class", [0, 0], [[2.0], [3.0]], "logits of each sample are all equal"),
        ("only one is possible", [0, 0], [[2.0, -INF], [3.0, -INF]], "logits of each sample are all equal"),
        ("ruled out", [0, 1], [[0.0, 1.0], [0.0, -INF]], r"has the logit -inf, .*: -inf at index \(1,\) \(leave"),
        ("ruled out, one sample", 1, [0.0, -INF], r"has the logit -inf, .*: -inf \(leave"),
        ("ruled out, soft", [[0.5, 0.5]], [[0.0, -INF]], r"has the logit -inf, .*: -inf at index \(0,\) \(leave"),
    ]:
        yield what, "fit_temperature", (t, z), {}, ValueError, says

    for name, (t, prediction) in LOSSES.items():
        for reduction in ("avg", "MEAN", "", None, 1):
            says = rf"reduction must be one of .*got {re.escape(repr(reduction))}"
            yield f"reduction: {reduction}", name, (t, prediction), {"reduction": reduction}, ValueError, says
        for what, weight, error, says in BAD_WEIGHTS:
            yield f"weight: {what}", name, (t, prediction), {"weight": weight}, error, says
        nothing = np.array(t)[:0], np.array(prediction)[:0]
        yield "mean of nothing", name, nothing, {}, ValueError, 'empty batch .*"sum" gives 0'
        options = {"weight": []}
        yield "weighted mean of nothing", name, nothing, options, ValueError, "mean of an empty batch"
        if name.endswith("value_and_gradient"):
            wrong_shape, wrong_dtype = np.zeros((3, 2)), np.zeros_like(prediction, dtype=np.float32)
            shapes = rf"out has shape \(3, 2\) .*gradient has shape {re.escape(str(np.shape(prediction)))}"
            dtypes = "out has .*dtype float32.*the gradient has .*dtype float64"
            yield "out: shape", name, (t, prediction), {"out": wrong_shape}, ValueError, shapes
            yield "out: dtype", name, (t, prediction), {"out": wrong_dtype}, ValueError, dtypes
            says = "out must be a NumPy array, got list"
            yield "out: type", name, (t, prediction), {"out": [0.0, 0.0, 0.0]}, TypeError, says

    for name, arguments in ON_DISTRIBUTION.items():
        if name in ("entropy", "cross_entropy", "kl_divergence"):
            for base in (0, 0.5, 1, -2, NAN, INF, np.array(0.5)):
                says = f"base must be a number above 1, such as 2 for bits, got {re.escape(repr(base))}"
                yield f"base: {base}", name, fill(arguments, P), {"base": base}, ValueError, says
            for what, base, error, says in not_one_number("base"):
                yield f"base: {what}", name, fill(arguments, P), {"base": base}, error, says
        if name != "categorical_cross_entropy" and name not in ON_BINS:  # below, with its like; without an axis
            for axis in (2, -3, 10**400, 10**5000):
                says = r"axis .* is out of range for [tp] of shape \(2, 3\)"
                yield (
                    f"axis: {axis:e}" if axis < 9 else "axis: huge",
                    name,
                    fill(arguments, P),
                    {"axis": axis},
                    ValueError,
                    says,
                )
            for what, axis, says in not_one_integer("axis"):
                yield f"axis: {what}", name, fill(arguments, P), {"axis": axis}, TypeError, says
    for name in ("cross_entropy", "kl_divergence"):
        says = r"t has shape \(2,\) and p has shape \(2, 3\)"
        yield "labels", name, ([0, 1], P), {}, ValueError, says
        says = r"t has shape \(3,\) and p has shape \(2, 3\)"
        yield "shapes", name, ([1, 0, 0], P), {}, ValueError, says
    for name in ("softmax", "log_softmax", "logsumexp"):
        for axis in (2, -3):
            says = rf"axis {axis} is out of range for z of shape \(2, 3\)"
            yield f"axis: {axis}", name, (Z, axis), {}, ValueError, says
        for what, axis, says in not_one_integer("axis"):
            yield f"axis: {what}", name, (Z, axis), {}, TypeError, says
    for share, name in (("alpha", "smooth_labels"), ("threshold", "flag_uncertain")):
        for number in (-0.1, 1.1, 60, NAN, INF, np.array(2)):
            says = f"{share} must lie between 0 and 1, got {re.escape(repr(number))}"
            yield f"{share}: {number}", name, (P, number), {}, ValueError, says
        for what, number, error, says in not_one_number(share):
            yield f"{share}: {what}", name, (P, number), {}, error, says

    for what, labels, n_classes, error, says in [
        ("too large", [0, 3], 3, ValueError, r"^labels must hold class indices from 0 to 2: 3 at index \(1,\)"),
        (
            "negative",
            [[0], [-1]],
            3,
            ValueError,
            r"from 0 to 2: -1 at index \(1, 0\) .*-1 .* leave it out .*no ignore_index",
        ),
        ("negative, not counted", [-1], None, ValueError, r"from 0 to 0: -1 at index \(0,\) .*leave it out before"),
        ("-100", [0, -100], 3, ValueError, r"from 0 to 2: -100 at index \(1,\) .*no ignore_index"),
        ("255", np.array([255], np.uint8), 3, ValueError, r"from 0 to 2: 255 at index \(0,\) .*no ignore_index"),
        ("a missing label", [0, NAN], 3, ValueError, r"labels has a missing label: nan at index \(1,\)"),
        ("the largest", np.array([2**64 - 1], np.uint64), None, ValueError, "labels, plus 1, is 18446744073709551616:"),
        ("floats", [0.0, 1.0], None, ValueError, "labels must be integers, got dtype float64"),
        ("booleans", [True], None, ValueError, "labels must be integers, got dtype bool"),
        ("empty", [], None, ValueError, "no labels to count the classes from; give n_classes"),
        ("text", ["panda"], 3, TypeError, "labels must hold real numbers, got text"),
        ("ragged", [[0], [1, 2]], 3, ValueError, "labels has rows of different lengths"),
        ("classes: none", [0], 0, ValueError, "n_classes must be at least 1, got 0"),
        ("classes: negative", [0], -1, ValueError, "n_classes must be at least 1, got -1"),
        *(
            (f"classes: {what}", [0], n, TypeError, says)
            for what, n, says in not_one_integer("n_classes")
            if n is not None
        ),
        ("classes: many times four", [0] * 4, 2**58, ValueError, "n_classes is 288230376151711744: more classes than"),
        (
            "classes: many",
            [0],
            2**62,
            ValueError,
            "n_classes is 4611686018427387904: more classes than an array can hold",
        ),
        ("classes: 10**400", [0], 10**400, ValueError, r"n_classes is 10+\.\.\.: more classes than an array can hold"),
    ]:
        yield what, "one_hot", (labels, n_classes), {}, error, says

    yield (
        "step",
        "numerical_gradient",
        (np.sum, [1.0]),
        {"step": 0},
        ValueError,
        "step must be a positive number, got 0",
    )
    for name in ("predicted_label", "confidence"):
        yield "no classes", name, (np.zeros((0, 0)),), {}, ValueError, r"p has no classes: its shape is \(0, 0\)"
    masked = np.ma.masked_array([0.5, 0.5], [False, True])
    yield "masked", "softmax", (masked,), {}, TypeError, "z is a masked array, whose mask would be lost"
    for name, (t, prediction) in LOSSES.items():
        for weight in (1e300, 1e-300):
            says = rf"^weight .* float32 cannot: {re.escape(str(weight))} at index \(0,\) \(.*scale the weights"
            arguments = t, np.array(prediction, np.float32)
            yield f"weight: {weight}", name, arguments, {"weight": [weight]}, ValueError, says
    for x in ([1.0, INF], [-INF]):
        yield f"x: {x}", "numerical_gradient", (np.sum, x), {}, ValueError, "x contains an infinity"


BAD_CALLS = [pytest.param(*call[1:], id=f"{call[1]}-{call[0]}") for call in table()]


@pytest.mark.parametrize(("name", "arguments", "options", "error", "says"), BAD_CALLS)
def test_bad_input_is_refused_with_a_message_that_says_what_was_wrong(name, arguments, options, error, says):
    with pytest.raises(error, match=says) as caught:
        getattr(xent_lib, name)(*arguments, **options)
    assert caught.type is error
    # It stands after the name of the error, and its hint in parentheses: neither starts with a capital.
    assert re.match("[a-z]", str(caught.value))
    assert not re.search(r" \([A-Z]", str(caught.value))


def test_every_public_function_refuses_something():
    assert {call.values[0] for call in BAD_CALLS} == set(xent_lib.__all__)


def test_the_arguments_that_the_bad_calls_start_from_are_good():
    for name, (t, prediction) in LOSSES.items():
        getattr(xent_lib, name)(t, prediction)
    for arguments_by_name in (ON_DISTRIBUTION, ON_TRUTH_DISTRIBUTION):
        for name, arguments in arguments_by_name.items():
            getattr(xent_lib, name)(*fill(arguments, P))


@pytest.mark.parametrize("offset", [9e-6, -9e-6, 0])
@pytest.mark.parametrize(("name", "arguments"), ON_DISTRIBUTION.items())
def test_a_sum_within_the_tolerance_is_accepted(name, arguments, offset):
    getattr(xent_lib, name)(*fill(arguments, [[0.5, 0.25, 0.25 + offset], [0.125, 0.75, 0.125]]))


def test_probabilities_of_many_classes_in_float32_are_accepted():
    z = np.random.default_rng(18).normal(0, 3, (2, 30_000)).astype(np.float32)
    assert xent_lib.confidence(xent_lib.softmax(z)).shape == (2,)
    p = np.full((70_000, 2), 1 / 70_000, np.float32)
    assert np.abs(p.sum(axis=0) - 1).max() > 1e-4  # float32 cannot even sum them
    np.testing.assert_allclose(xent_lib.entropy(p, axis=0), np.log(70_000), rtol=1e-6)


#: Ways to lay out a large array in memory, each from its shape.
LAYOUTS = {
    "rows": np.zeros,
    "columns": lambda shape: np.zeros(shape, order="F"),
    "last axis backwards": lambda shape: np.zeros(shape)[..., ::-1],
    "all axes backwards": lambda shape: np.zeros(shape)[tuple(slice(None, None, -1) for _ in shape)],
    "every second": lambda shape: np.zeros([2 * n for n in shape])[tuple(slice(None, None, 2) for _ in shape)],
    "every third column": lambda shape: np.zeros((*shape[:-1], 3 * shape[-1]))[..., 1::3],
    "axes rolled": lambda shape: np.moveaxis(np.zeros((*shape[1:], shape[0])), -1, 0),
    "columns backwards": lambda shape: np.zeros(shape, order="F")[::-1],
    "big-endian": lambda shape: np.zeros(shape, ">f8"),
    "float32": lambda shape: np.zeros(shape, np.float32)[..., ::-1],
}


@pytest.mark.parametrize(
    "shape",
    [(3, 4), (21846, 3), (65536,), (65537,), (200_003,), (2, 70_000), (70_000, 2), (41, 43, 47), (1, 300, 1, 301)],
)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_bad_entry_is_named_by_its_place_whatever_the_layout(layout, shape):
    z = LAYOUTS[layout](shape)
    rng = np.random.default_rng(len(shape))
    places = [(0,) * len(shape), tuple(n - 1 for n in shape), *(tuple(rng.integers(0, shape)) for _ in range(3))]
    for place in places:
        index = re.escape(str(tuple(int(i) for i in place)))
        z[place] = NAN
        with pytest.raises(ValueError, match=rf"^z contains NaN: nan at index {index} "):
            xent_lib.sigmoid(z)
        z[place] = 7
        with pytest.raises(ValueError, match=rf"^p must hold .*: 7\.0 at index {index} "):
            xent_lib.entropy(z)
        z[place] = 0


def test_of_several_bad_entries_the_first_is_named():
    z = np.zeros((30_000, 7))[:, ::-1]
    z[[20_000, 9_999, 9_999], [0, 6, 5]] = NAN
    with pytest.raises(ValueError, match=r"nan at index \(9999, 5\)"):
        xent_lib.sigmoid(z)


def test_a_bad_entry_of_a_row_that_is_repeated_is_named_by_its_first_place():
    with pytest.raises(ValueError, match=r"nan at index \(0, 1\)"):
        xent_lib.sigmoid(np.broadcast_to([0.0, NAN, 0.0], (100_000, 3)))


@pytest.mark.parametrize("layout", [np.ascontiguousarray, np.asfortranarray, lambda x: x[::-1, ::-1]])
def test_no_copy_of_the_whole_is_made_to_check_it(layout):
    z = layout(np.zeros((1000, 1000)))
    z[-1, -1] = NAN
    tracemalloc.start()
    with pytest.raises(ValueError, match=r"nan at index \(999, 999\)"):
        _validation.as_float(z, "z")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 500_000


def test_a_bad_number_alone_has_no_place():
    with pytest.raises(ValueError, match=r"^z contains NaN: nan \("):
        xent_lib.sigmoid(NAN)


def test_the_message_starts_with_the_argument_the_value_and_its_index():
    z = np.zeros((3, 4))
    z[2, 1] = NAN
    with pytest.raises(ValueError, match=r"^z contains NaN: nan at index \(2, 1\) \("):
        xent_lib.softmax(z)


# How far from 1 a sum may be


@pytest.mark.parametrize(
    ("dtype", "n_classes", "tolerance"),
    [
        (np.float64, 3, 1e-5),
        (np.float64, 10**6, 1e-5),
        (np.float32, 3, 1e-5),
        (np.float32, 10**5, 1e-5 * 119.209),
        (np.float32, 10**6, 0.01),
        (np.float16, 3, 2**-8 + 3 * 2**-25),
        (np.float16, 1000, 0.01 + 1000 * 2**-25),
        (np.int64, 3, 1e-5),
        (np.bool_, 3, 1e-5),
    ],
)
def test_the_tolerance_of_a_sum_is_that_of_the_dtype(dtype, n_classes, tolerance):
    assert _validation.sum_tolerance(np.dtype(dtype), n_classes) == pytest.approx(tolerance, rel=1e-5, abs=0)


@pytest.mark.parametrize("n_classes", [2, 3, 7, 10, 100, 1000, 30_000, 70_000])
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("axis", [-1, 0])
def test_a_distribution_that_was_rounded_to_a_dtype_is_one(dtype, n_classes, axis):
    rng = np.random.default_rng(n_classes)
    for p in (np.full((2, n_classes), 1 / n_classes), rng.dirichlet(np.ones(n_classes), 3)):
        p = p.astype(dtype)
        p = p if axis == -1 else np.ascontiguousarray(p.T)
        assert xent_lib.confidence(p, axis=axis).shape == (max(p.shape, key=n_classes.__ne__),)
        xent_lib.categorical_cross_entropy(np.zeros(p.size // n_classes, int), p, axis=axis)


@pytest.mark.parametrize("n_classes", [2, 3, 10, 30])
@pytest.mark.parametrize(("dtype", "axis"), [(np.float16, -1), (np.float16, 0), (np.float32, -1), (np.float32, 0)])
def test_a_softmax_that_was_worked_in_a_dtype_gives_distributions(dtype, axis, n_classes):
    z = np.random.default_rng(n_classes).normal(0, 2, (50, n_classes)).astype(dtype)
    z = z if axis == -1 else np.ascontiguousarray(z.T)
    p = np.exp(z) / np.exp(z).sum(axis=axis, keepdims=True)
    assert p.dtype == dtype
    assert xent_lib.entropy(p, axis=axis).shape == (50,)


def test_a_softmax_of_many_classes_whose_sum_was_taken_entry_after_entry_in_float32_is_accepted():
    z = np.random.default_rng(4).normal(0, 0.01, 300_000).astype(np.float32)
    e = np.exp(z - z.max())
    p = e / np.cumsum(e)[-1]
    assert p.dtype == np.float32
    assert abs(p.sum(dtype=np.float64) - 1) > 2e-5
    assert xent_lib.confidence(p) == p.max()


@pytest.mark.parametrize(
    ("p", "says"),
    [
        (np.float16([0.5, 0.49]), r"\(tolerance 0\.00391\), but a sum is off: 0\.98999"),
        (np.float16([0.3, 0.3, 0.3]), r"\(tolerance 0\.00391\)"),
        (np.float32([0.5, 0.49998]), r"\(tolerance 1e-05\)"),
        (np.float64([0.5, 0.49998]), r"\(tolerance 1e-05\)"),
        (np.full(1000, 0.9 / 1000, np.float16), r"\(tolerance 0\.01\)"),
    ],
)
def test_a_sum_that_rounding_does_not_explain_is_refused(p, says):
    for call in (
        xent_lib.entropy,
        xent_lib.confidence,
        lambda p: xent_lib.categorical_cross_entropy([0], p[np.newaxis]),
    ):
        with pytest.raises(ValueError, match=r"^p must sum to 1 along axis [01] " + says):
            call(p)


# What counts as an array of real numbers


@pytest.mark.parametrize("code", ["f2", "f4", "f8", "i2", "i4", "i8", "u2", "u4", "u8"])
def test_the_order_of_the_bytes_does_not_matter(code):
    z = np.array([[2, 1, 0], [0, 1, 3]])
    for function in (xent_lib.softmax, xent_lib.log_softmax, xent_lib.sigmoid, xent_lib.logsumexp):
        found, expected = function(z.astype(">" + code)), function(z.astype("<" + code))
        assert found.dtype == expected.dtype
        assert found.dtype.isnative
        np.testing.assert_array_equal(found, expected)
    if code[0] != "f":
        labels = np.array([2, 0]).astype(">" + code)
        np.testing.assert_array_equal(xent_lib.one_hot(labels, 3), xent_lib.one_hot([2, 0], 3))
        assert xent_lib.categorical_cross_entropy(labels, P) == xent_lib.categorical_cross_entropy([2, 0], P)
    one_hot = np.eye(3)[[0, 2]].astype(">" + code)
    assert xent_lib.entropy(one_hot).tolist() == [0, 0]
    assert xent_lib.categorical_cross_entropy_with_logits(one_hot, Z) == pytest.approx(
        xent_lib.categorical_cross_entropy_with_logits([0, 2], Z), rel=1e-6
    )


@pytest.mark.parametrize(
    ("objects", "dtype"),
    [
        ([[2, 1, 0], [0, 1, 3]], np.float64),
        ([[2.0, True, 0], [0, np.float64(1), np.int8(3)]], np.float64),
        ([[2.0, 2**70, 0], [0, 1, 3]], np.float64),
        ([[np.float32(2), np.float32(1), np.float32(0)]] * 2, np.float32),
    ],
)
def test_numbers_in_an_array_of_objects_are_numbers(objects, dtype):
    found = xent_lib.softmax(np.array(objects, object))
    assert found.dtype == dtype
    np.testing.assert_array_equal(found, xent_lib.softmax(np.array(objects, dtype)))


def test_labels_in_an_array_of_objects_are_labels():
    np.testing.assert_array_equal(xent_lib.one_hot(np.array([2, 0], object), 3), xent_lib.one_hot([2, 0], 3))


@pytest.mark.parametrize("objects", [[10**400, 1.0], [10**400, 1], [-(10**400)]])
def test_an_integer_that_no_float_holds_is_refused(objects):
    with pytest.raises(ValueError, match=r"^z holds an integer that is too large for a floating-point number"):
        xent_lib.sigmoid(objects)


def test_columns_of_several_dtypes_are_numbers_of_one():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"cat": pandas.array([0.7, 0.5], dtype="Float32"), "dog": np.float32([0.3, 0.5])})
    assert xent_lib.flag_uncertain(frame, 0.7).tolist() == [False, True]
    frame["eel"] = pandas.array([0, 0], dtype="Int8")
    assert xent_lib.entropy(frame).dtype == np.float32
    frame["fox"] = pandas.array([0.0, 0.0], dtype="Float64")
    assert xent_lib.entropy(frame).dtype == np.float64
    frame["gnu"] = np.array([0, 0], object)
    assert xent_lib.entropy(frame).dtype == np.float64


def test_nullable_columns_of_pandas_are_numbers_and_a_missing_one_is_said_to_be_missing():
    pandas = pytest.importorskip("pandas")
    for dtype in ("Float64", "Float32", "Int64", "Int8", "boolean"):
        ones, zeros = pandas.array([1, 1], dtype=dtype), pandas.array([0, 0], dtype=dtype)
        frame = pandas.DataFrame({"cat": ones, "dog": zeros})
        expected = xent_lib.softmax(np.array([[1, 0]] * 2, np.float32 if dtype == "Float32" else np.float64))
        assert xent_lib.softmax(frame).dtype == expected.dtype
        np.testing.assert_array_equal(xent_lib.softmax(frame), expected)
        np.testing.assert_allclose(xent_lib.sigmoid(frame["cat"]), xent_lib.sigmoid([1.0, 1.0]), rtol=1e-7)
        assert xent_lib.entropy(frame).tolist() == [0, 0]
        assert xent_lib.binary_cross_entropy(frame["cat"], [0.5, 0.5]) == pytest.approx(np.log(2))
        frame.loc[1, "dog"] = pandas.NA
        for bad in (frame, frame["dog"]):
            with pytest.raises(ValueError, match=r"^z .*missing"):
                xent_lib.sigmoid(bad)
        with pytest.raises(ValueError, match=r"^t .*missing"):
            xent_lib.binary_cross_entropy(frame["dog"], [0.5, 0.5])
        with pytest.raises(ValueError, match=r"^p .*missing"):
            xent_lib.entropy(frame)
        with pytest.raises(ValueError, match=r"^weight .*missing"):
            xent_lib.binary_cross_entropy([0, 1], [0.5, 0.5], weight=frame["dog"])
        for function in (xent_lib.one_hot, lambda t: xent_lib.categorical_cross_entropy(t, P)):
            with pytest.raises(ValueError, match=r"^(t|labels) .*missing"):
                function(frame["dog"])
    labels = pandas.Series([2, 0], dtype="Int64")
    np.testing.assert_array_equal(xent_lib.one_hot(labels, 3), xent_lib.one_hot([2, 0], 3))
    assert xent_lib.categorical_cross_entropy(labels, P) == xent_lib.categorical_cross_entropy([2, 0], P)
    with pytest.raises(TypeError, match=r"^z must hold real numbers, got text: 'cat' at index \(0,\)"):
        xent_lib.sigmoid(pandas.Series(["cat", "dog"]))


@pytest.mark.parametrize("name", ["bfloat16", "float8_e5m2", "float8_e4m3fn"])
def test_a_float_that_is_not_of_numpy_is_to_be_cast(name):
    ml_dtypes = pytest.importorskip("ml_dtypes")
    dtype = getattr(ml_dtypes, name)
    for z in (np.zeros(3, dtype), np.zeros((2, 3), dtype), [dtype(1), dtype(2)]):
        with pytest.raises(TypeError, match=rf"^z has dtype {name}, .*cast to float32"):
            xent_lib.softmax(z)
    with pytest.raises(TypeError, match=rf"^t has dtype {name}, .*cast to float32"):
        xent_lib.binary_cross_entropy(np.zeros(3, dtype), Q)


# What cannot be read as one


class Holder:
    """What NumPy turns into an array by the function given."""

    def __init__(self, make):
        self.make = make

    def __array__(self, dtype=None, copy=None):
        return self.make()


def fail():
    raise KeyError("no data yet")


HALF_MASKED = np.ma.masked_array([0.5, 0.5], [False, True])
MASKED = {
    "an array": HALF_MASKED,
    "without a masked entry": np.ma.masked_array([0.5, 0.5]),
    "in a list": [HALF_MASKED, HALF_MASKED],
    "in a tuple": (HALF_MASKED, [0.5, 0.5]),
    "deep in lists": [[[0.5, 0.5]], [HALF_MASKED]],
    "in a queue": collections.deque([HALF_MASKED]),
    "one entry": [0.5, np.ma.masked],
    "one entry of an array": [0.5, HALF_MASKED[1]],
    "from an object": Holder(lambda: HALF_MASKED),
    "from an object in a list": [Holder(lambda: HALF_MASKED)],
    "among objects": np.array([0.5, np.ma.masked], object),
}


@pytest.mark.parametrize("how", MASKED)
def test_a_mask_is_never_dropped(how):
    x = MASKED[how]
    says = "is a masked array, whose mask would be lost; select the entries, or use weight"
    for function in (xent_lib.softmax, xent_lib.sigmoid, xent_lib.log_sigmoid):
        with pytest.raises(TypeError, match=f"^z {says}"):
            function(x)
    for function in (xent_lib.entropy, xent_lib.predicted_label):
        with pytest.raises(TypeError, match=f"^p {says}"):
            function(x)
    with pytest.raises(TypeError, match=f"^t {says}"):
        xent_lib.binary_cross_entropy(x, [0.5, 0.5])
    with pytest.raises(TypeError, match=f"^labels {says}"):
        xent_lib.one_hot(x)
    with pytest.raises(TypeError, match=f"^weight {says}"):
        xent_lib.binary_cross_entropy([0, 1], [0.5, 0.5], weight=x)


@pytest.mark.parametrize(
    ("x", "says"),
    [
        (Holder(fail), "z is a test_validation.Holder, which cannot be read as an array: KeyError: 'no data yet'"),
        ([Holder(fail), 1.0], "z holds a test_validation.Holder, which cannot be read as an array: KeyError"),
        ([[Holder(fail)]], "z holds a test_validation.Holder, which cannot be read as an array: KeyError"),
        (Holder(lambda: [1.0]), "z is a test_validation.Holder, which cannot be read as an array: "),
        ((x for x in [1.0]), r"z must hold real numbers, got Python objects: <generator .* \(of type generator\)"),
        ({1.0, 2.0}, r"z must hold real numbers, got Python objects: \{1\.0, 2\.0\} \(of type set\)"),
        ({"z": 1.0}, r"z must hold real numbers, got Python objects: .* \(of type dict\)"),
        (None, r"z must hold real numbers, got Python objects: None \(is a value missing\?\)"),
        ([np.zeros(2), None], r"z must hold real numbers|z has rows of different lengths"),
    ],
)
def test_what_cannot_be_read_as_an_array_is_refused_for_its_own_reason(x, says):
    with pytest.raises((TypeError, ValueError), match=f"^{says}"):
        xent_lib.sigmoid(x)


@pytest.mark.parametrize("depth", [65, 70, 1000, 100_000])
def test_lists_nested_too_deeply_are_not_called_ragged(depth):
    x = 0.0
    for _ in range(depth):
        x = [x]
    with pytest.raises(ValueError, match=r"^z is a list of lists, nested too deeply: "):
        xent_lib.sigmoid(x)
    while isinstance(x, list):  # taken apart here, for Python would do it by recursion
        x = x[0]


def test_a_list_that_holds_itself_is_refused():
    x = []
    x.append(x)
    with pytest.raises(ValueError, match=r"^z is a list of lists, nested too deeply: "):
        xent_lib.sigmoid(x)


def test_memory_that_ran_out_is_not_called_bad_input():
    def exhausted():
        raise MemoryError

    with pytest.raises(MemoryError):
        xent_lib.sigmoid(Holder(exhausted))


def test_a_float_of_few_bits_that_numpy_does_not_know_is_to_be_cast():
    tensor = Holder(fail)
    tensor.dtype = "framework.bfloat16"
    with pytest.raises(TypeError, match=r"KeyError: 'no data yet'; cast to float32$"):
        xent_lib.sigmoid(tensor)
    tensor.dtype = "framework.float32"
    with pytest.raises(TypeError, match=r"KeyError: 'no data yet'$"):
        xent_lib.sigmoid(tensor)


def test_what_offers_its_memory_keeps_its_dtype():
    z = array.array("f", [2.0, 1.0, 0.0])
    for x in (z, memoryview(z), [z, z]):
        assert xent_lib.softmax(x).dtype == np.float32


#: Messages to the last character.
MESSAGES = [
    ("sigmoid", ([None],), "z must hold real numbers, got Python objects: None at index (0,) (is a value missing?)"),
    ("sigmoid", ([{}],), "z must hold real numbers, got Python objects: {} at index (0,) (of type dict)"),
    ("sigmoid", (np.array(["a", 1], object),), "z must hold real numbers, got text: 'a' at index (0,)"),
    ("sigmoid", (np.array([1, 1j], object),), "z must hold real numbers, got complex numbers: 1j at index (1,)"),
    ("sigmoid", (np.array([1j]),), "z must hold real numbers, got complex numbers"),
    ("sigmoid", (np.array([1, np.complex64(1)], object),), "z must hold real numbers, got complex numbers: *"),
    (
        "one_hot",
        ([0, -1], 2),
        "labels must hold class indices from 0 to 1: -1 at index (1,) (are the classes counted from 1? "
        "If -1 marks what has no label, leave it out before: there is no ignore_index here)",
    ),
    ("one_hot", ([0], 0), "n_classes must be at least 1, got 0"),
    (
        "numerical_gradient",
        ([1.0], 2.0),
        "f must be a function that takes x and returns one number, got [1.0]",
    ),
    (
        "numerical_gradient",
        (np.log, -2.0),
        "f is nan where x is moved from -2.0 by +1.2110908904786686e-05; if it leaves the domain of f there, "
        "take a smaller step",
    ),
    ("numerical_gradient", (lambda x: 10**400, 2.0), "f must return one number that a float can hold, got 1000*..."),
]


@pytest.mark.parametrize(("name", "arguments", "message"), MESSAGES)
def test_a_message_says_this_and_no_more(name, arguments, message):
    with pytest.raises((TypeError, ValueError)) as caught:
        getattr(xent_lib, name)(*arguments)
    assert re.fullmatch(re.escape(message).replace(r"\*", ".*"), str(caught.value))


def test_a_time_that_is_not_one_is_missing():
    class NaTType:
        pass

    with pytest.raises(ValueError, match=r"^z has a missing value: .* at index \(1,\) \(fill it in"):
        xent_lib.sigmoid(np.array([1.0, NaTType()], object))


def test_text_of_any_length_is_text():
    dtypes = getattr(np, "dtypes", None)
    if not hasattr(dtypes, "StringDType"):
        pytest.skip("this NumPy has no text of any length")
    with pytest.raises(TypeError, match=r"^z must hold real numbers, got text$"):
        xent_lib.sigmoid(np.array(["1", "22"], dtypes.StringDType()))


@pytest.mark.parametrize("z", [[INF], [[INF]], [-INF]])
def test_one_class_alone_must_have_a_finite_logit(z):
    with pytest.raises(ValueError, match=r"^z (contains an infinite logit|rules out every class)"):
        _validation.as_logits(z, "z", -1)


@needs_torch
@pytest.mark.parametrize(
    ("tensor", "says"),
    [
        (lambda: torch.ones(2, requires_grad=True), r"Use tensor\.detach\(\)"),
        (lambda: torch.ones(2, device="meta"), r"Use Tensor\.cpu\(\)"),
        (lambda: torch.ones(2, dtype=torch.bfloat16), "BFloat16; cast to float32"),
        (lambda: torch.eye(2).to_sparse(), r"Use Tensor\.to_dense\(\)"),
    ],
)
def test_a_tensor_that_numpy_cannot_read_is_refused_with_what_to_call(tensor, says):
    with pytest.raises(TypeError, match=rf"^z is a torch.Tensor, which cannot be read as an array: .*{says}"):
        xent_lib.softmax(tensor())
    with pytest.raises(TypeError, match=rf"^z holds a torch.Tensor, which cannot be read as an array: .*{says}"):
        xent_lib.softmax([tensor(), tensor()])


@needs_torch
def test_tensors_are_taken_and_so_are_lists_of_them():
    z = torch.tensor(Z)
    expected = xent_lib.softmax(np.float32(Z))
    for x in (z, list(z), [list(row) for row in z]):
        found = xent_lib.softmax(x)
        assert found.dtype == np.float32
        np.testing.assert_array_equal(found, expected)


def test_a_tensor_of_a_model_that_has_no_values_yet_is_said_to_be_symbolic():
    keras = pytest.importorskip("keras")
    for z in (keras.Input((3,)), [keras.Input((3,))]):
        with pytest.raises(TypeError, match=r"^z (is|holds) a keras\.KerasTensor, .*symbolic"):
            xent_lib.softmax(z)


# Single numbers


@pytest.mark.parametrize("one", [np.int64(1), np.int8(1), np.uint64(1), np.array(1), np.array(1, np.int8)])
def test_an_integer_may_be_one_of_numpy(one):
    np.testing.assert_array_equal(xent_lib.softmax(Z, axis=one), xent_lib.softmax(Z, axis=1))
    np.testing.assert_array_equal(xent_lib.entropy(P, axis=one), xent_lib.entropy(P))
    np.testing.assert_array_equal(xent_lib.one_hot([0], one), [[1]])


@pytest.mark.parametrize("kind", [np.float64, np.float32, np.float16, np.array, lambda x: np.array(x, ">f4")])
def test_a_number_may_be_one_of_numpy(kind):
    np.testing.assert_array_equal(xent_lib.entropy(P, base=kind(2)), xent_lib.entropy(P, base=2))
    np.testing.assert_array_equal(xent_lib.smooth_labels(P, kind(0.25)), xent_lib.smooth_labels(P, 0.25))
    np.testing.assert_array_equal(xent_lib.flag_uncertain(P, kind(0.625)), xent_lib.flag_uncertain(P, 0.625))


# Labels that count for nothing


@pytest.mark.parametrize(
    ("labels", "ignore_index"),
    [
        ([0, -1, 2], -1),
        ([0, -100, -100], -100),
        (np.array([0, 255, 2], np.uint8), 255),
        (np.array([0, -1, 2], np.int8), np.int64(-1)),
        ([0, 1, 2], -1),
        ([0, 1, 2], 10**400),
        (np.array([0, -128, 2], np.int8), -128),
        ([0, -(2**63), 2], -(2**63)),
        ([0, 1, 2], 1),
    ],
)
def test_a_label_to_ignore_may_lie_outside_the_classes(labels, ignore_index):
    found, is_labels = _validation.target_form(labels, np.zeros((3, 3)), -1, ignore_index)
    assert is_labels
    assert found.dtype == np.intp
    np.testing.assert_array_equal(found, np.array(labels, np.intp))


@pytest.mark.parametrize(
    ("labels", "ignore_index", "says"),
    [
        ([0, -1, -100], -100, r": -1 at index \(1,\) \(.*[Oo]nly ignore_index=-100 may lie outside"),
        ([-100, 3, 0], -100, r": 3 at index \(1,\)"),
        (np.array([0, 2**64 - 100, 0], np.uint64), -100, r": 18446744073709551516 at index \(1,\)"),
        (np.array([0, 2**64 - 1, 0], np.uint64), 2**64 - 1, r": 18446744073709551615 at index \(1,\)"),
        (np.array([0, 255, 0], np.uint8), -1, r": 255 at index \(1,\)"),
        (np.array([0, -1, 0], np.int8), 255, r": -1 at index \(1,\)"),
    ],
)
def test_any_other_label_outside_is_refused(labels, ignore_index, says):
    with pytest.raises(ValueError, match=r"^t must hold class indices from 0 to 2" + says):
        _validation.target_form(labels, np.zeros((3, 3)), -1, ignore_index)


def test_a_label_to_ignore_needs_labels():
    with pytest.raises(
        ValueError,
        match=r"^ignore_index is a label, but t of shape \(3, 3\) holds distributions; to leave .* weight 0$",
    ):
        _validation.target_form(np.eye(3), np.zeros((3, 3)), -1, -100)
    for what, value, says in not_one_integer("ignore_index"):
        if value is not None:
            with pytest.raises(TypeError, match=says):
                _validation.target_form([0, 1, 2], np.zeros((3, 3)), -1, value)
            assert what


@pytest.mark.parametrize(("kind", "cast_to"), [("bfloat16", "float32"), ("int4", "int8"), ("float8_e4m3fn", "float32")])
def test_a_dtype_of_another_package_is_refused_with_the_one_to_cast_to(kind, cast_to):
    ml_dtypes = pytest.importorskip("ml_dtypes")
    z = np.ones((2, 3), getattr(ml_dtypes, kind))
    with pytest.raises(TypeError, match=f"z has dtype {kind}, which is not one of NumPy's own; cast to {cast_to}$"):
        xent_lib.softmax(z)


@pytest.mark.parametrize("function", ON_LOGITS.values(), ids=ON_LOGITS)
def test_a_scalar_where_classes_are_needed_is_named(function):
    with pytest.raises(ValueError, match=r"^z "):
        function(1.0)
