"""A gradient without a derivative: difference quotients, to check the formulas by."""

from __future__ import annotations

import math
import numbers
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from xent_lib._precision import Doubles, wide
from xent_lib._validation import as_float, as_number, as_real, refuse, shown

__all__ = ["numerical_gradient"]

#: The rounding unit of float64, and its cube root: the step at which both errors of the quotient are alike.
EPS = float(np.finfo(np.float64).eps)
STEP = EPS ** (1 / 3)

#: Nearer to 0 than this, a function may change its course between x and 0, so a relative step is tried.
NEAR_ZERO = 0.1

#: What rounding may take from a quotient, relative to it, so that no wider step needs to be tried.
ENOUGH = 1e-9


def numerical_gradient(f: Callable[[Doubles], Any], x: ArrayLike, *, step: float | None = None) -> Doubles:
    r"""Approximate the gradient of a function by central difference quotients.

    .. math:: \frac{\partial f}{\partial x_i} \approx \frac{f(x + h e_i) - f(x - h e_i)}{2h}

    The error of the formula grows like h², that of rounding like ε/h, with the float64 rounding unit ε.
    The step :math:`h = \varepsilon^{1/3} \max(1, |x_i|)` balances them where `f` changes over distances
    of about 1: some 10 digits are right.

    Near 0 that step may be too wide, as for the logarithm: it would leave the domain. For
    :math:`0 < |x_i| < 0.1` the step :math:`\varepsilon^{1/3} |x_i|`, which stays on one side of 0, comes
    first. Where rounding leaves it fewer than 9 digits, the wider one is tried too, and taken when the
    two quotients agree as far as rounding lets them.

    Parameters
    ----------
    f : callable
        Takes an array of the shape of `x` and returns one number, which may be a scalar or an array or
        tensor of one entry.
    x : array_like
        The point, any shape, worked in float64.
    step : float, optional
        The step h, when not the one above.

    Returns
    -------
    ndarray of float64
        The gradient, the shape of `x`.

    Raises
    ------
    ValueError
        If `x` contains NaN or an infinity; if `step` is not positive, is lost in rounding, or leads to
        where `f` is NaN or infinite; if `f` returns several numbers, or none.
    TypeError
        If `f` cannot be called or returns no real number, `x` does not hold real numbers, or `step` is
        not a number.

    Examples
    --------
    >>> numerical_gradient(lambda x: (x**2).sum(), [1.0, -3.0]).round(6).tolist()
    [2.0, -6.0]
    >>> float(numerical_gradient(np.log, 1e-8).round(1))
    100000000.0

    References
    ----------
    Nocedal and Wright, *Numerical Optimization* (2006), section 8.1.
    """
    if not callable(f):
        hint = "; f comes first, then x" if callable(x) else ""
        raise TypeError(f"f must be a function that takes x and returns one number, got {shown(f)}{hint}")
    point = wide(as_float(x, "x"))
    refuse(np.isinf, point, "x contains an infinity", "no step away from it exists")
    h = None if step is None else as_number(step, "step")
    if h is not None and not 0 < h < math.inf:
        raise ValueError(f"step must be a positive number, got {shown(step)}")
    gradient = np.empty_like(point)
    with np.errstate(all="ignore"):  # f may leave its domain for a moment
        for index in np.ndindex(point.shape):
            gradient[index] = _slope(f, point, index) if h is None else _quotient(f, point, index, h)[0]
    return gradient[()]


def _slope(f: Callable[[Doubles], Any], point: Doubles, index: tuple[int, ...]) -> float:
    """Return the derivative along one axis, by the step that suits it."""
    size = abs(float(point[index]))
    h = STEP * max(1.0, size)
    if not sys.float_info.min <= size < NEAR_ZERO:
        return _quotient(f, point, index, h)[0]
    slope, rounding = _quotient(f, point, index, STEP * size)
    if rounding > ENOUGH * abs(slope):
        try:
            wider, _ = _quotient(f, point, index, h)
        except Exception:  # the wider step leads out of the domain of f
            return slope
        if abs(wider - slope) <= 100 * rounding:
            return wider
    return slope


def _quotient(f: Callable[[Doubles], Any], point: Doubles, index: tuple[int, ...], h: float) -> tuple[float, float]:
    """Return the difference quotient along one axis, and about how much of it may be due to rounding."""
    above, below = point.copy(), point.copy()
    above[index] += h
    below[index] -= h
    distance = float(above[index] - below[index])  # what is left of 2h after rounding
    here = f"{float(point[index])!r}" + (f" at index {index}" if index else "")
    if distance == 0:
        raise ValueError(f"step {h!r} is lost in rounding next to {here}; take a larger one")
    if distance == math.inf:
        raise ValueError(f"step {h!r} leaves the range of floating-point numbers, next to {here}; take a smaller one")
    (high, high_eps), (low, low_eps) = _one_number(f(above)), _one_number(f(below))
    for value, sign in ((high, "+"), (low, "-")):
        if not math.isfinite(value):
            raise ValueError(
                f"f is {value!r} where x is moved from {here} by {sign}{h!r}; if it leaves the domain of f there, "
                "take a smaller step"
            )
    return (high - low) / distance, (high_eps * abs(high) + low_eps * abs(low)) / distance


def _one_number(value: Any) -> tuple[float, float]:
    """Return the number that f has returned, and the rounding unit of its dtype."""
    if value is None:
        raise TypeError("f must return one number, got None (is its return missing?)")
    if isinstance(value, numbers.Real) and not isinstance(value, np.generic):
        try:
            return float(value), EPS
        except OverflowError:
            raise ValueError(f"f must return one number that a float can hold, got {shown(value)}") from None
    if hasattr(value, "detach"):  # a PyTorch tensor, which may need a gradient or be on another device
        value = value.detach().cpu()
    try:
        array = as_real(value, "its value")
    except (TypeError, ValueError) as error:
        raise type(error)(f"f must return one number, but {error}") from None
    if array.size != 1:
        raise ValueError(f"f must return one number, got shape {array.shape}")
    eps = float(np.finfo(array.dtype).eps) if array.dtype.kind == "f" else EPS
    return float(array.item()), max(eps, EPS)
