"""Bad input gets an error that says what was wrong; input that is only unusual gets none."""

import inspect
import re

import numpy as np
import pytest

import xent_lib

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
}
ON_TRUTH_DISTRIBUTION = {
    "cross_entropy": (None, P),
    "kl_divergence": (None, P),
    "categorical_cross_entropy": (None, P),
    **dict.fromkeys(ON_TRUTH_AND_LOGITS, (None, Z)),
}

NOT_NUMBERS = [
    ("text", [["1", "2", "3"], ["4", "5", "6"]], TypeError, "must hold real numbers, got text"),
    ("bytes", np.array(P).astype("S"), TypeError, "must hold real numbers, got text"),
    ("complex", np.array(P) * 1j, TypeError, "must hold real numbers, got complex numbers"),
    ("objects", [[1, None, 0], [0, 1, 0]], TypeError, "must hold real numbers, got Python objects"),
    ("dates", np.array([["2025-01-30"] * 3] * 2, "M8[D]"), TypeError, "got values of dtype datetime64"),
    ("ragged", [[1.0, 0.0], [1.0]], ValueError, "has rows of different lengths"),
]
if np.finfo(np.longdouble).nmant > np.finfo(np.float64).nmant:
    longdouble = np.array(P, dtype=np.longdouble)
    NOT_NUMBERS.append(("longdouble", longdouble, TypeError, "float32 and float64 are supported"))

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
BAD_BINARY = [(name, bad[0] if name != "ragged" else bad, *rest) for name, bad, *rest in NOT_NUMBERS]
BAD_LABELS = [
    ("too large", [0, 3], r"must hold class indices from 0 to 2: 3 at index \(1,\) .*counted from 1"),
    ("negative", [-1, 0], r"must hold class indices from 0 to 2: -1 at index \(0,\) .*-1 a padding label"),
    ("floats", [0.0, 2.0], "must be integers, got dtype float64"),
    ("booleans", [True, False], "must be integers, got dtype bool"),
    ("too many", [0, 1, 2], r"shape \(3,\) .* shape \(2, 3\).*\(2,\) \(class indices\)"),
    ("a column", [[0], [2]], r"shape \(2, 1\) .* shape \(2, 3\)"),
    ("one number", 0, r"shape \(\) .* shape \(2, 3\)"),
    ("four classes", [[1, 0, 0, 0], [0, 1, 0, 0]], r"shape \(2, 4\) .* shape \(2, 3\)"),
]
BAD_WEIGHTS = [
    ("negative", -1.0, ValueError, r"finite, non-negative numbers: -1\.0 .*class_weight\[labels\]"),
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


def table():
    """Yield (what is bad, function, arguments, options, error, message) of every bad call."""
    for what, z, error, says in BAD_LOGITS:
        for name in ON_LOGITS:
            yield what, name, (z,), {}, error, naming(name, 0, says)
        for name in ON_TRUTH_AND_LOGITS:
            yield what, name, (LABELS, z), {}, error, naming(name, 1, says)
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
    for name, (t, prediction) in BINARY.items():
        hint = r"are the labels -1 and 1, or class indices\? Then"
        yield "truth: -1", name, ([-1, 1, 1], prediction), {}, ValueError, rf"0 and 1: -1\.0 .*{hint}"
        yield "truth: 2", name, ([0, 1, 2], prediction), {}, ValueError, rf"2\.0 at index \(2,\) .*{hint}"
        yield "a row", name, ([t], prediction), {}, ValueError, r"^t .*\(1, 3\) .*\(3,\): they must be equal"
        yield "a column", name, (t, np.c_[prediction]), {}, ValueError, r"^t .*\(3,\) .*\(3, 1\): they must be equal"
    for p in ([0.5, 1.5, 0.5], [0.5, -0.5, 0.5], [0.5, INF, 0.5]):
        says = rf"p must hold probabilities between 0 and 1: {p[1]} at index \(1,\) .*did you pass logits"
        yield f"p = {p[1]}", "binary_cross_entropy", (Y, p), {}, ValueError, says

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
            for base in (0, 0.5, 1, -2, NAN, INF):
                says = f"base must be a number above 1, such as 2 for bits, got {base}"
                yield f"base: {base}", name, fill(arguments, P), {"base": base}, ValueError, says
            says = "base must be a number, got '2'"
            yield "base: text", name, fill(arguments, P), {"base": "2"}, TypeError, says
        if name in ("entropy", "cross_entropy", "kl_divergence", "smooth_labels"):
            says = r"axis 2 is out of range for [tp] of shape \(2, 3\)"
            yield "axis", name, fill(arguments, P), {"axis": 2}, ValueError, says
            says = "axis must be an integer, got None"
            yield "axis: none", name, fill(arguments, P), {"axis": None}, TypeError, says
    for name in ("cross_entropy", "kl_divergence"):
        says = r"t has shape \(2,\) and p has shape \(2, 3\)"
        yield "labels", name, ([0, 1], P), {}, ValueError, says
        says = r"t has shape \(3,\) and p has shape \(2, 3\)"
        yield "shapes", name, ([1, 0, 0], P), {}, ValueError, says
    for name in ("softmax", "log_softmax", "logsumexp"):
        for axis in (2, -3):
            says = rf"axis {axis} is out of range for z of shape \(2, 3\)"
            yield f"axis: {axis}", name, (Z, axis), {}, ValueError, says
    for alpha in (-0.1, 1.1, NAN):
        says = f"alpha must lie between 0 and 1, got {alpha}"
        yield f"alpha: {alpha}", "smooth_labels", (P, alpha), {}, ValueError, says
    yield "alpha: text", "smooth_labels", (P, "0.1"), {}, TypeError, "alpha must be a number, got '0.1'"
    says = "threshold must be a number, got True"
    yield "threshold: boolean", "flag_uncertain", (P, True), {}, TypeError, says
    for threshold in (-0.1, 1.1, 60, NAN):
        says = f"threshold must lie between 0 and 1, got {threshold}"
        yield f"threshold: {threshold}", "flag_uncertain", (P, threshold), {}, ValueError, says

    for what, labels, n_classes, error, says in [
        ("too large", [0, 3], 3, ValueError, r"^labels must hold class indices from 0 to 2: 3 at index \(1,\)"),
        ("negative", [[0], [-1]], 3, ValueError, r"from 0 to 2: -1 at index \(1, 0\)"),
        ("negative, not counted", [-1], None, ValueError, r"from 0 to 0: -1 at index \(0,\) .*-1 a padding label"),
        ("floats", [0.0, 1.0], None, ValueError, "labels must be integers, got dtype float64"),
        ("booleans", [True], None, ValueError, "labels must be integers, got dtype bool"),
        ("empty", [], None, ValueError, "no labels to count the classes from; give n_classes"),
        ("text", ["panda"], 3, TypeError, "labels must hold real numbers, got text"),
        ("ragged", [[0], [1, 2]], 3, ValueError, "labels has rows of different lengths"),
        ("classes: none", [0], 0, ValueError, "n_classes must be at least 1, got 0"),
        ("classes: negative", [0], -1, ValueError, "n_classes must be at least 1, got -1"),
        ("classes: a half", [0], 2.5, TypeError, "n_classes must be an integer, got 2.5"),
    ]:
        yield what, "one_hot", (labels, n_classes), {}, error, says

    for step in (0, -1e-6, NAN, INF):
        says = f"step must be a positive number, got {step}"
        yield f"step: {step}", "numerical_gradient", (np.sum, [1.0]), {"step": step}, ValueError, says
    says = "step 1e-30 is lost in rounding next to 1.0"
    yield "step: lost", "numerical_gradient", (np.sum, [1.0]), {"step": 1e-30}, ValueError, says
    for what, f, shape in [
        ("no sum", lambda x: x**2, (2,)),
        ("nothing", lambda x: [], (0,)),
        ("a table", lambda x: [[1, 2, 3]], (1, 3)),
    ]:
        says = f"^f must return one number, got shape {re.escape(str(shape))}"
        yield f"f: {what}", "numerical_gradient", (f, [1.0, 2.0]), {}, ValueError, says
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
    assert not re.search(r"\([A-Z]", str(caught.value))


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


@pytest.mark.parametrize("layout", [np.asarray, np.asfortranarray, lambda z: z[::-1][::-1]])
def test_a_bad_entry_is_named_by_its_place_whatever_the_layout(layout):
    z = np.zeros((3, 4))
    z[0, 2] = z[2, 1] = INF
    with pytest.raises(ValueError, match=r"inf at index \(0, 2\)"):
        xent_lib.softmax(layout(z))


def test_a_bad_number_alone_has_no_place():
    with pytest.raises(ValueError, match=r"^z contains NaN: nan \("):
        xent_lib.sigmoid(NAN)


def test_the_message_starts_with_the_argument_the_value_and_its_index():
    z = np.zeros((3, 4))
    z[2, 1] = NAN
    with pytest.raises(ValueError, match=r"^z contains NaN: nan at index \(2, 1\) \("):
        xent_lib.softmax(z)
