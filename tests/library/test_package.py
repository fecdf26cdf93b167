"""What holds of the package as a whole, and of every public function alike."""

import inspect
import re
import subprocess
import sys
from functools import partial

import numpy as np
import pytest

import xent_lib
from xent_lib import _precision

FLOATS = {
    "z": [[2.0, 1.0, 0.125], [-1.0, 0.5, 3.0]],
    "p": [[0.5, 0.25, 0.25], [0.125, 0.75, 0.125]],
    "t": [[1.0, 0.0, 0.0], [0.25, 0.25, 0.5]],
    "z, one of them wrong": [[2.0, 1.0, 0.125], [-1.0, 3.0, 2.5]],
    "binary z": [0.5, -2.0, 3.0],
    "binary p": [0.25, 0.5, 0.875],
    "binary t": [1.0, 0.0, 0.5],
}
INTEGERS = {
    "z": [[2, 1, 0], [-1, 0, 3]],
    "p": [[1, 0, 0], [0, 0, 1]],
    "t": [[1, 0, 0], [0, 0, 1]],
    "z, one of them wrong": [[2, 1, 0], [-1, 3, 2]],
    "binary z": [1, -2, 3],
    "binary p": [1, 0, 0],
    "binary t": [1, 0, 1],
}
LABELS = [0, 2]

#: What each public function is called with. A name with two forms of truth stands there twice.
CALLS = [
    ("binary_cross_entropy", "binary t", "binary p"),
    ("binary_cross_entropy_gradient", "binary t", "binary z"),
    ("binary_cross_entropy_value_and_gradient", "binary t", "binary z"),
    ("binary_cross_entropy_with_logits", "binary t", "binary z"),
    ("brier_score", "labels", "p"),
    ("brier_score", "t", "p"),
    ("categorical_cross_entropy", "labels", "p"),
    ("categorical_cross_entropy", "t", "p"),
    ("categorical_cross_entropy_gradient", "labels", "z"),
    ("categorical_cross_entropy_gradient", "t", "z"),
    ("categorical_cross_entropy_value_and_gradient", "labels", "z"),
    ("categorical_cross_entropy_value_and_gradient", "t", "z"),
    ("categorical_cross_entropy_with_logits", "labels", "z"),
    ("categorical_cross_entropy_with_logits", "t", "z"),
    ("confidence", "p"),
    ("cross_entropy", "t", "p"),
    ("entropy", "p"),
    ("expected_calibration_error", "labels", "p"),
    ("expected_calibration_error", "t", "p"),
    ("fit_temperature", "labels", "z, one of them wrong"),
    ("fit_temperature", "t", "z, one of them wrong"),
    ("flag_uncertain", "p"),
    ("kl_divergence", "t", "p"),
    ("log_sigmoid", "binary z"),
    ("log_softmax", "z"),
    ("logsumexp", "z"),
    ("numerical_gradient", "z"),
    ("one_hot", "labels"),
    ("predicted_label", "p"),
    ("reliability_bins", "labels", "p"),
    ("reliability_bins", "t", "p"),
    ("sigmoid", "binary z"),
    ("smooth_labels", "t"),
    ("softmax", "z"),
    ("softmax_jacobian", "z"),
]
FUNCTIONS = {
    **{name: getattr(xent_lib, name) for name, *_ in CALLS},
    "flag_uncertain": partial(xent_lib.flag_uncertain, threshold=0.6),
    "numerical_gradient": partial(xent_lib.numerical_gradient, np.sum),
    "smooth_labels": partial(xent_lib.smooth_labels, alpha=0.125),
}
#: The functions whose result does not follow the dtype of what is predicted; where there are several results, the
#: dtype of each, or None where it follows.
FIXED_DTYPE = {
    "fit_temperature": np.float64,
    "flag_uncertain": np.bool_,
    "numerical_gradient": np.float64,
    "one_hot": np.float64,
    "predicted_label": np.intp,
    "reliability_bins": (np.intp, None, None),
}
each_call = pytest.mark.parametrize(
    ("name", "kinds"), [pytest.param(name, kinds, id="-".join((name, *kinds))) for name, *kinds in CALLS]
)


def arrays(kinds, dtype=np.float64):
    values = INTEGERS if np.issubdtype(dtype, np.integer) else FLOATS
    return [np.array(LABELS) if kind == "labels" else np.array(values[kind], dtype=dtype) for kind in kinds]


def results(name, arguments, **options):
    """Return the results of a call as a list of arrays; unreduced where the function can leave it so."""
    if "reduction" in inspect.signature(FUNCTIONS[name]).parameters:
        options["reduction"] = "none"
    value = FUNCTIONS[name](*arguments, **options)
    return [np.asarray(part) for part in (value if isinstance(value, tuple) else (value,))]


def test_every_public_function_is_called_here():
    assert {name for name, *_ in CALLS} == set(xent_lib.__all__)


@each_call
@pytest.mark.parametrize(
    ("dtype", "expected"),
    [
        (np.float64, np.float64),
        (np.float32, np.float32),
        (np.float16, np.float32),
        (np.int64, np.float64),
        (np.int8, np.float64),
    ],
)
def test_float32_and_float64_are_kept_float16_becomes_float32_and_integers_float64(name, kinds, dtype, expected):
    found, fixed = results(name, arrays(kinds, dtype)), FIXED_DTYPE.get(name)
    for result, known in zip(found, fixed if isinstance(fixed, tuple) else [fixed] * len(found), strict=True):
        assert result.dtype == (known or expected)


@each_call
def test_inputs_are_not_written_to_and_not_returned(name, kinds):
    arguments = arrays(kinds)
    for result in results(name, arguments):
        assert not any(np.shares_memory(result, argument) for argument in arguments)
    for argument, before in zip(arguments, arrays(kinds), strict=True):
        np.testing.assert_array_equal(argument, before)


def test_float64_is_neither_widened_nor_rounded_by_a_copy():
    x = np.ones(3)
    assert _precision.wide(x) is x
    assert np.shares_memory(_precision.rounded(x, np.float64), x)


@each_call
def test_read_only_input_is_enough(name, kinds):
    arguments = arrays(kinds)
    for argument in arguments:
        argument.flags.writeable = False
    results(name, arguments)


@each_call
def test_lists_give_what_arrays_give(name, kinds):
    arguments = arrays(kinds)
    from_lists = results(name, [argument.tolist() for argument in arguments])
    for found, expected in zip(from_lists, results(name, arguments), strict=True):
        np.testing.assert_array_equal(found, expected)


#: Certain and nearly certain predictions, masked classes, numbers next to the largest and the smallest.
EXTREMES = {
    "z": [[0, -1000, 3], [-np.inf, 0, 1], [700, -700, 0], [1e30, -1e30, 0], [-95, 0, -30]],
    "p": [[1, 0, 0], [1e-40, 1, 0], [0, 0, 1], [0.5, 0.25, 0.25], [1e-30, 1e-30, 1]],
    "t": [[0, 1, 0], [1, 0, 0], [0, 0.5, 0.5], [1e-40, 1, 0], [1, 0, 0]],
    "z, one of them wrong": [[0, -1000, 3], [0, 1, -np.inf], [700, -700, 0], [1e30, 1e30, -1e30], [-95, 0, -30]],
    "binary z": [-1000, 1000, -745, 88, -np.inf, np.inf],
    "binary p": [0, 1, 1e-40, 1e-30, 0.5, 1],
    "binary t": [1, 0, 0.5, 1e-30, 1, 1],
    "labels": [0, 1, 2, 0, 1],
}


@each_call
@pytest.mark.parametrize("kind", ["raise", "call", "log", "print", "warn", "ignore"])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_the_callers_settings_change_nothing(name, kinds, dtype, kind):
    arguments = [np.array(EXTREMES[kind], int if kind == "labels" else dtype) for kind in kinds]
    if name == "numerical_gradient":
        arguments[0] = np.nan_to_num(arguments[0], neginf=-1).clip(-1e3, 1e3)
    with np.errstate(all="ignore"):
        expected = results(name, arguments)
    called = []
    with np.errstate(all=kind, call=lambda *what: called.append(what)):
        before = np.geterr()
        found = results(name, arguments)
        assert np.geterr() == before
    assert not called
    for value, right in zip(found, expected, strict=True):
        np.testing.assert_array_equal(value, right)


@pytest.mark.parametrize("axis", [0, 1, -2, -3])
@pytest.mark.parametrize(
    ("name", "kinds"),
    [
        pytest.param(name, kinds, id="-".join((name, *kinds)))
        for name, *kinds in CALLS
        if "axis" in inspect.signature(FUNCTIONS[name]).parameters
    ],
)
def test_the_axis_of_the_classes_may_stand_anywhere(name, kinds, axis):
    stacked = [np.stack([argument, argument[::-1], argument, argument]) for argument in arrays(kinds)]
    moved = [np.moveaxis(argument, -1, axis) if argument.ndim == 3 else argument for argument in stacked]
    for found, expected in zip(results(name, moved, axis=axis), results(name, stacked), strict=True):
        back = np.moveaxis(found, axis, -1) if expected.ndim == 3 else found
        np.testing.assert_allclose(back, expected, rtol=1e-14)


def test_importing_the_library_loads_numpy_and_nothing_else():
    script = (
        "import sys, numpy; before = set(sys.modules); import xent_lib;"
        "print(*{name.partition('.')[0] for name in set(sys.modules) - before})"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stderr == ""
    loaded = set(done.stdout.split()) - sys.stdlib_module_names - {"numpy"}
    assert loaded == {"xent_lib"}


def test_the_public_names_are_the_public_functions():
    functions = {
        name for name, value in vars(xent_lib).items() if inspect.isfunction(value) and not name.startswith("_")
    }
    assert set(xent_lib.__all__) == functions
    assert xent_lib.__all__ == sorted(xent_lib.__all__)


@pytest.mark.parametrize("name", xent_lib.__all__)
def test_a_docstring_tells_what_there_is_to_know(name):
    function = getattr(xent_lib, name)
    text = inspect.getdoc(function)
    titles = re.findall(r"^(\w+)\n-+$", text, flags=re.M)
    assert titles == ["Parameters", "Returns", "Raises", "Examples", "References"]
    sections = dict(zip(titles, re.split(r"^\w+\n-+\n", text, flags=re.M)[1:], strict=True))
    described = re.findall(r"^(\w[\w, ]*)(?: :|$)", sections["Parameters"], flags=re.M)
    assert ", ".join(described).split(", ") == list(inspect.signature(function).parameters)
    assert re.match(r".+\.\n\n", text)
    assert ".. math::" in text
    assert "ValueError" in sections["Raises"]
    assert "TypeError" in sections["Raises"]
    assert ">>> " in sections["Examples"]
    assert name in sections["Examples"]
    assert sections["References"].strip()


def test_the_plots_can_be_imported_and_their_colors_differ():
    matplotlib = pytest.importorskip("matplotlib")
    from matplotlib.colors import to_rgb

    from xent_lib import plots

    assert len({to_rgb(color) for color in plots.COLORS.values()}) == len(plots.COLORS)
    with matplotlib.rc_context():
        plots.use_book_style()
        cycle = matplotlib.rcParams["axes.prop_cycle"].by_key()["color"]
    assert cycle == list(plots.COLORS.values())
