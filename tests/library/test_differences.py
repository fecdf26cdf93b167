"""The difference quotient: its digits, its steps, and what it says of a function that does not fit."""

import math
from fractions import Fraction

import mpmath
import numpy as np
import pytest
from peers import needs_torch, torch

from xent_lib import binary_cross_entropy, numerical_gradient


@pytest.mark.parametrize(
    ("f", "x", "expected"),
    [
        (lambda x: np.sum(x**2), [1.0, -3.0, 0.0], [2, -6, 0]),
        (lambda x: np.sin(x).sum(), [[0.0, 1.0], [2.0, -7.0]], np.cos([[0.0, 1.0], [2.0, -7.0]])),
        (np.prod, [2.0, 3.0, 5.0], [15, 10, 6]),
        (np.exp, 1.5, math.exp(1.5)),
        (lambda x: np.log(x[0]) + x[1] ** 3, [1000.0, 20.0], [1e-3, 1200]),
        (lambda x: np.array([x[0] * x[1]]), [4, 7], [7, 4]),
    ],
)
def test_the_difference_quotient_gives_known_gradients(f, x, expected):
    found = numerical_gradient(f, x)
    assert np.shape(found) == np.shape(x)
    np.testing.assert_allclose(found, expected, rtol=2e-9, atol=1e-10)


@pytest.mark.parametrize("function", [lambda x: np.sum(x**2), lambda x: np.sum(np.square(x, out=x))])
def test_the_quotient_is_right_even_when_the_function_writes_to_its_argument(function):
    np.testing.assert_allclose(numerical_gradient(function, [1.0, -3.0]), [2, -6], rtol=1e-9)


def test_the_difference_quotient_is_central():
    """The cube has (f(x + h) − f(x − h)) / 2h = 3x² + h²."""
    assert numerical_gradient(lambda x: x**3, 2.0, step=0.5) == 12.25


@pytest.mark.parametrize("x", [0.0, 0.1, 0.5, -1.0, 3.0, -1e4])
def test_the_step_is_the_cube_root_of_the_rounding_unit_and_grows_with_the_point(x):
    seen = []
    numerical_gradient(lambda point: seen.append(float(point)) or 0.0, x)
    step = np.cbrt(np.finfo(np.float64).eps) * max(1, abs(x))
    np.testing.assert_allclose(np.array(seen) - x, [step, -step], rtol=1e-6)


#: name -> (function, derivative); the derivative in mpmath, at the number that the float stands for.
NEAR_ZERO = {
    "log": (np.log, lambda x: 1 / x),
    "square root": (np.sqrt, lambda x: 0.5 / mpmath.sqrt(x)),
    "reciprocal": (lambda x: 1 / x, lambda x: -1 / x**2),
    "x log x": (lambda x: x * np.log(x), lambda x: mpmath.log(x) + 1),
    "identity": (lambda x: x, lambda x: 1),
    "square of x - 1": (lambda x: (x - 1) ** 2, lambda x: 2 * (x - 1)),
    "exponential": (np.exp, mpmath.exp),
    "logarithm of Python": (math.log, lambda x: 1 / x),
    "loss of the label 1": (lambda x: binary_cross_entropy(1, x), lambda x: -1 / x),
    "loss of the label 0": (lambda x: binary_cross_entropy(0, x), lambda x: 1 / (1 - x)),
}


@pytest.mark.parametrize("x", [0.09, 0.01, 1e-4, 1e-6, 1e-8, 1e-12, 1e-17, 1e-100])
@pytest.mark.parametrize("name", NEAR_ZERO)
def test_near_zero_a_function_that_ends_there_and_one_that_goes_on_both_have_nine_digits(name, x):
    f, derivative = NEAR_ZERO[name]
    assert float(numerical_gradient(f, x)) == pytest.approx(float(derivative(mpmath.mpf(x))), rel=1e-9, abs=0)


def test_near_zero_a_function_that_is_nan_beyond_keeps_the_digits_that_the_near_step_has():
    found = numerical_gradient(lambda x: 1 + x * np.log(x), 1e-4)
    assert found == pytest.approx(math.log(1e-4) + 1, rel=1e-7)


def test_each_entry_has_its_own_step():
    x = np.array([1e-8, 1.0, 1e3, 1e-200])
    np.testing.assert_allclose(numerical_gradient(lambda x: np.log(x).sum(), x), 1 / x, rtol=1e-8)


def test_a_function_worked_in_float32_is_not_trusted_with_a_narrow_step():
    found = numerical_gradient(lambda x: np.float32(1) + np.float32(x), 1e-3)
    assert found == pytest.approx(1, abs=0.05)


@pytest.mark.parametrize("setting", ["raise", "warn"])
def test_the_callers_settings_do_not_stop_a_function_that_leaves_its_domain(setting):
    with np.errstate(all=setting):
        assert numerical_gradient(np.log, 1e-8) == pytest.approx(1e8, rel=1e-9)
        assert numerical_gradient(lambda x: 1 + x * np.log(x), 1e-4) == pytest.approx(math.log(1e-4) + 1, rel=1e-7)
        assert numerical_gradient(lambda x: np.exp(-1000 * x), 1.0) == 0
        with pytest.raises(ValueError, match="f is nan"):
            numerical_gradient(np.log, -1.0)


def test_the_difference_quotient_divides_by_the_step_that_rounding_left():
    assert numerical_gradient(lambda x: x, 1e5 / 3, step=1e-9) == 1


def test_the_difference_quotient_is_worked_in_float64():
    seen = []
    found = numerical_gradient(lambda x: seen.append(x.dtype) or np.sum(x**2), np.float32([0.1, 0.7]))
    assert set(seen) == {np.dtype(np.float64)}
    assert found.dtype == np.float64
    np.testing.assert_allclose(found, 2 * np.float64(np.float32([0.1, 0.7])), rtol=1e-9)


def test_a_function_that_writes_to_its_argument_does_not_reach_the_point():
    def spoil(x):
        x[:] = 0
        return 1.0

    x = np.array([1.0, 2.0, 3.0])
    numerical_gradient(spoil, x)
    np.testing.assert_array_equal(x, [1, 2, 3])


def test_the_difference_quotient_of_nothing_is_empty():
    assert numerical_gradient(np.sum, np.zeros((0, 3))).shape == (0, 3)


@pytest.mark.parametrize(
    "as_one",
    [
        float,
        np.float64,
        np.array,
        lambda x: np.array([[x]]),
        lambda x: [float(x)],
        lambda x: Fraction(float(x)),
        mpmath.mpf,
    ],
    ids=["float", "scalar", "0-d", "one entry", "list", "fraction", "mpmath"],
)
def test_one_number_may_come_in_any_form(as_one):
    found = numerical_gradient(lambda x: as_one(np.sum(x**2)), [1.0, -3.0])
    np.testing.assert_allclose(found, [2, -6], rtol=1e-9)


def test_a_tensor_is_detached_and_brought_to_the_processor():
    class Tensor:
        def __init__(self, value):
            self.value = value

        def detach(self):
            return self

        def cpu(self):
            return self.value

    assert numerical_gradient(lambda x: Tensor(x**2), 3.0) == pytest.approx(6, rel=1e-9)


@needs_torch
@pytest.mark.parametrize("requires_grad", [False, True])
@pytest.mark.parametrize("shape", [(), (1,), (1, 1)])
def test_the_function_may_return_a_tensor(shape, requires_grad):
    def f(x):
        return (torch.tensor(x, requires_grad=requires_grad) ** 2).sum().reshape(shape)

    np.testing.assert_allclose(numerical_gradient(f, [1.0, 0.05]), [2, 0.1], rtol=1e-9)


@pytest.mark.parametrize("step", [np.array(1e-5), np.float32(1e-5), np.array(1e-5, np.float32)])
def test_the_step_may_be_any_one_number(step):
    assert numerical_gradient(np.exp, 0.0, step=step) == pytest.approx(1, rel=1e-9)


NUMBER = "step must be a number, got "
BAD_STEPS = [
    (0, ValueError, "step must be a positive number, got 0"),
    (-1e-6, ValueError, "step must be a positive number, got -1e-06"),
    (math.nan, ValueError, "step must be a positive number, got nan"),
    (math.inf, ValueError, "step must be a positive number, got inf"),
    (10**400, ValueError, r"step is too large for a floating-point number: 10+\.\.\."),
    (10**5000, ValueError, "step is too large for a floating-point number: a value of type int"),
    ("0.1", TypeError, NUMBER + "'0.1'"),
    (True, TypeError, NUMBER + "True"),
    (np.bool_(True), TypeError, NUMBER),
    (np.array(True), TypeError, NUMBER),
    (np.array([1e-3]), TypeError, NUMBER + r"array\(\[0.001\]\)"),
    ([1e-3], TypeError, NUMBER + r"\[0.001\]"),
    (1j, TypeError, NUMBER + "1j"),
    (np.array("0.1"), TypeError, NUMBER + "array"),
    (1e-30, ValueError, r"step 1e-30 is lost in rounding next to 1.0 at index \(0,\); take a larger one"),
    (2.0, ValueError, r"f is nan where x is moved from 1.0 at index \(0,\) by -2.0; .*take a smaller step"),
]


@pytest.mark.parametrize(("step", "error", "says"), [pytest.param(*bad, id=bad[2]) for bad in BAD_STEPS])
def test_an_error_names_the_step(step, error, says):
    with pytest.raises(error, match="^" + says):
        numerical_gradient(lambda x: np.log(x).sum(), [1.0], step=step)


def test_a_step_beyond_the_largest_number_is_refused():
    with pytest.raises(ValueError, match=r"^step 1e\+308 leaves the range .*take a smaller one"):
        numerical_gradient(np.sum, 1e308, step=1e308)


BUT = "f must return one number, but its value "
BAD_VALUES = [
    ("none", None, TypeError, r"f must return one number, got None \(is its return missing\?\)"),
    ("text", "1.5", TypeError, BUT + "must hold real numbers, got text"),
    ("complex", 1j, TypeError, BUT + "must hold real numbers, got complex"),
    ("complex of NumPy", np.complex128(1), TypeError, BUT + "must hold real numbers, got complex"),
    ("a dictionary", {"loss": 1.0}, TypeError, BUT + "must hold real numbers, got Python objects"),
    ("a date", np.datetime64("2025-01-30"), TypeError, BUT + "must hold real numbers"),
    ("masked", np.ma.masked, TypeError, BUT + "is a masked array"),
    ("ragged", [[1], [2, 3]], ValueError, BUT + "has rows of different lengths"),
    ("too large", 10**400, ValueError, "f must return one number that a float can hold"),
    ("two", [1.0, 2.0], ValueError, r"f must return one number, got shape \(2,\)"),
    ("nothing", [], ValueError, r"f must return one number, got shape \(0,\)"),
    ("a table", [[1, 2, 3]], ValueError, r"f must return one number, got shape \(1, 3\)"),
    ("nan", math.nan, ValueError, r"f is nan where x is moved from 1.0 at index \(0,\) by \+6.05.*take a smaller step"),
    (
        "inf",
        -math.inf,
        ValueError,
        r"f is -inf where x is moved from 1.0 at index \(0,\) by \+6.05.*take a smaller step",
    ),
]


@pytest.mark.parametrize(("value", "error", "says"), [pytest.param(*bad, id=name) for name, *bad in BAD_VALUES])
def test_an_error_names_the_function(value, error, says):
    with pytest.raises(error, match="^" + says):
        numerical_gradient(lambda x: value, [1.0, 2.0])


@needs_torch
def test_a_tensor_that_is_not_one_real_number_is_refused():
    with pytest.raises(ValueError, match=r"^f must return one number, got shape \(2,\)"):
        numerical_gradient(torch.tensor, [1.0, 2.0])
    with pytest.raises(TypeError, match=r"^f must return one number, but .*complex"):
        numerical_gradient(lambda x: torch.tensor(1j), [1.0, 2.0])


@pytest.mark.parametrize("f", [[1.0], None, 3, "np.sum"])
def test_what_cannot_be_called_is_refused(f):
    with pytest.raises(TypeError, match=r"^f must be a function that takes x and returns one number, got"):
        numerical_gradient(f, [1.0])


def test_a_function_in_the_place_of_the_point_is_noticed():
    with pytest.raises(TypeError, match=r"f comes first, then x$"):
        numerical_gradient([1.0], np.sum)


def test_what_the_function_raises_reaches_the_caller():
    with pytest.raises(ZeroDivisionError):
        numerical_gradient(lambda x: 1 / 0, [1.0])
    with pytest.raises(ZeroDivisionError):
        numerical_gradient(lambda x: 1 / 0, [1e-3])
