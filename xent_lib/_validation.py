"""Input checks shared by the public functions. Private: the public functions are the interface.

Every check either returns a clean array or raises an error that says what was wrong, shows the
offending value and names the likely cause. Nothing is clipped, normalized or cast in silence.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterator
from typing import Any, cast

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from xent_lib._precision import rounded, wide

#: How far from 1 the sum of a probability distribution may be: room for float32 rounding, not for
#: an entry that is missing.
SUM_TOLERANCE = 1e-5

#: How many entries are checked at a time.
PIECE = 65536

REDUCTIONS = ("none", "sum", "mean")


def as_real(x: ArrayLike, name: str) -> NDArray[Any]:
    """Return ``x`` as an array of real numbers, its own dtype kept; refuse text, objects, complex."""
    if isinstance(x, np.ma.MaskedArray):
        raise TypeError(f"{name} is a masked array, whose mask would be lost; select the entries, or use weight")
    try:
        array = np.asarray(x)
    except ValueError as error:
        raise ValueError(f"{name} has rows of different lengths: {error}") from None
    if array.dtype.kind not in "buif":
        kind = {"c": "complex numbers", "U": "text", "S": "text", "O": "Python objects"}.get(
            array.dtype.kind, f"values of dtype {array.dtype}"
        )
        raise TypeError(f"{name} must hold real numbers, got {kind}")
    return array


def as_float(x: ArrayLike, name: str) -> NDArray[np.floating]:
    """Return ``x`` as float32 or float64 (integers become float64); refuse NaN."""
    array = float_form(x, name)
    refuse(np.isnan, array, f"{name} contains NaN", "look for the step that produced it")
    return array


def float_form(x: ArrayLike, name: str) -> NDArray[np.floating]:
    """Return ``x`` as float32 or float64, its values not looked at."""
    array = as_real(x, name)
    if array.dtype == np.float16:
        array = array.astype(np.float32)
    elif array.dtype.kind != "f":
        array = wide(array)
    elif array.dtype.itemsize in (4, 8):
        array = array.astype(array.dtype.newbyteorder("="), copy=False)
    else:
        raise TypeError(f"{name} has dtype {array.dtype}; float32 and float64 are supported")
    return array


def refuse(is_bad: Callable[[NDArray[Any]], NDArray[np.bool_]], array: NDArray[Any], problem: str, hint: str) -> None:
    """Raise ``ValueError`` naming the first entry of ``array`` that ``is_bad``, if any.

    The array is read piece by piece, so that no second one of its size is needed.
    """
    pieces = np.nditer(array, ["external_loop", "buffered", "zerosize_ok"], order="C", buffersize=PIECE)
    for number, piece in enumerate(cast("Iterator[NDArray[Any]]", pieces)):
        bad = is_bad(piece)
        if bad.any():
            first = int(bad.argmax())
            where = np.unravel_index(number * PIECE + first, array.shape)
            place = f" at index {tuple(int(i) for i in where)}" if where else ""
            raise ValueError(f"{problem}: {piece[first].item()!r}{place} ({hint})")


def as_probabilities(p: ArrayLike, name: str) -> NDArray[np.floating]:
    """Return ``p`` as floats, every entry within [0, 1]."""
    array = as_float(p, name)
    refuse(
        lambda p: (p < 0) | (p > 1),
        array,
        f"{name} must hold probabilities between 0 and 1",
        "did you pass logits? Then use the function that takes z, or apply sigmoid or softmax first",
    )
    return array


def as_distributions(p: ArrayLike, name: str, axis: int) -> NDArray[np.floating]:
    """Return ``p`` as floats whose entries along ``axis`` are probabilities that sum to 1."""
    array = as_probabilities(p, name)
    axis = class_axis(axis, array, name)
    sums = array.sum(axis=axis, dtype=np.float64)
    refuse(
        lambda total: np.abs(total - 1) > SUM_TOLERANCE,
        sums,
        f"{name} must sum to 1 along axis {axis} (tolerance {SUM_TOLERANCE:g}), but a sum is off",
        "did you forget softmax, or pass the wrong axis?",
    )
    return array


def as_logits(z: ArrayLike, name: str, axis: int) -> NDArray[np.floating]:
    """Return ``z`` as floats usable by a softmax along ``axis``: no +inf, no row of −inf alone."""
    array = as_float(z, name)
    axis = class_axis(axis, array, name)
    refuse(
        lambda z: z == np.inf,
        array,
        f"{name} contains an infinite logit",
        "its softmax would be inf/inf; only -inf, which rules a class out, has a meaning",
    )
    refuse(
        lambda largest: largest == -np.inf,
        array.max(axis=axis),
        f"{name} rules out every class of a sample",
        "at least one logit along the axis must be finite",
    )
    return array


def class_axis(axis: int, array: NDArray[Any], name: str) -> int:
    """Return ``axis``, counted from the front; refuse an array without a single class along it."""
    if array.ndim == 0:
        raise ValueError(f"{name} is a single number; it needs an axis of classes")
    axis = as_integer(axis, "axis")
    if not -array.ndim <= axis < array.ndim:
        raise ValueError(f"axis {axis} is out of range for {name} of shape {array.shape}")
    axis %= array.ndim
    if array.shape[axis] == 0:
        raise ValueError(f"{name} has no classes: its shape is {array.shape}, empty along axis {axis}")
    return axis


def as_integer(x: int, name: str) -> int:
    """Return ``x``, one integer."""
    try:
        return operator.index(x)
    except TypeError:
        raise TypeError(f"{name} must be an integer, got {x!r}") from None


def as_number(x: float, name: str) -> float:
    """Return ``x``, one real number."""
    if not isinstance(x, (float, int, np.floating, np.integer)) or isinstance(x, bool):
        raise TypeError(f"{name} must be a number, got {x!r}")
    return float(x)


def check_labels(labels: NDArray[np.integer], n_classes: int, name: str, ignore_index: int | None = None) -> None:
    """Refuse labels outside 0 … n_classes − 1, which NumPy would index from the end, but for ``ignore_index``."""
    unsigned = labels.astype(np.intp, copy=False).view(np.uintp)  # what is negative becomes large
    if unsigned.max(initial=0) < n_classes:
        return
    refuse(
        lambda k: ((k < 0) | (k >= n_classes)) & (True if ignore_index is None else k != ignore_index),
        labels,
        f"{name} must hold class indices from 0 to {n_classes - 1}",
        "are the classes counted from 1, or is -1 a padding label?",
    )


def as_targets(
    t: ArrayLike, prediction: NDArray[Any], axis: int, ignore_index: int | None = None
) -> tuple[NDArray[Any], bool]:
    """Return the truth that belongs to ``prediction``, and whether it is integer labels."""
    truth, is_labels = target_form(t, prediction, axis, ignore_index)
    return (truth if is_labels else as_distributions(truth, "t", axis)), is_labels


def target_form(
    t: ArrayLike, prediction: NDArray[Any], axis: int, ignore_index: int | None = None
) -> tuple[NDArray[Any], bool]:
    """As `as_targets`, but of distributions only the shape is checked.

    One dimension fewer than the prediction means class indices; the same shape, distributions. A label
    equal to ``ignore_index`` may lie outside the classes.
    """
    truth = as_real(t, "t")
    axis = axis % prediction.ndim
    if ignore_index is not None:
        ignore_index = as_integer(ignore_index, "ignore_index")
    label_shape = prediction.shape[:axis] + prediction.shape[axis + 1 :]
    if truth.shape == prediction.shape:
        if ignore_index is not None:
            raise ValueError(
                f"ignore_index is a label, but t of shape {truth.shape} holds distributions; "
                "to leave samples out, give them weight 0"
            )
        return truth, False
    if truth.shape != label_shape:
        raise ValueError(
            f"t has shape {truth.shape} and the prediction has shape {prediction.shape}: t must "
            f"have the shape {label_shape} (class indices) or {prediction.shape} (distributions)"
        )
    if truth.size and truth.dtype.kind not in "iu":
        raise ValueError(
            f"t of shape {truth.shape} is taken as class indices, which must be integers, got dtype {truth.dtype}"
        )
    check_labels(truth, prediction.shape[axis], "t", ignore_index)
    return truth.astype(np.intp, copy=False), True


def binary_target_form(t: ArrayLike, prediction: NDArray[Any]) -> NDArray[Any]:
    """Return the truth of a binary loss, its values not looked at."""
    truth = as_real(t, "t")
    if truth.shape != prediction.shape:
        raise ValueError(
            f"t has shape {truth.shape} and the prediction has shape {prediction.shape}: "
            "they must be equal (a column against a row would silently make a table)"
        )
    return truth


def as_binary_targets(t: ArrayLike, prediction: NDArray[Any]) -> NDArray[np.floating]:
    """Return the truth of a binary loss: in [0, 1], of the prediction's shape."""
    truth = as_float(binary_target_form(t, prediction), "t")
    refuse(
        lambda t: (t < 0) | (t > 1),
        truth,
        "t must lie between 0 and 1",
        "are the labels -1 and 1, or class indices? Then the truth has another form",
    )
    return truth


def reduce(
    losses: NDArray[np.float64], weight: ArrayLike | None, reduction: str, dtype: DTypeLike
) -> NDArray[np.floating]:
    """Weight the unreduced ``losses``, reduce them by "none", "sum" or "mean", and round to `dtype`."""
    factors, divisor = reduction_factors(losses.shape, dtype, weight, reduction)
    if factors is not None:
        # A term of weight 0 is left out, even when its loss is infinite.
        losses = np.multiply(losses, factors, out=np.zeros_like(losses), where=factors != 0)
    if reduction == "none":
        return rounded(losses, dtype)
    with np.errstate(over="ignore"):
        return rounded(losses.sum() / divisor, dtype)


def reduction_factors(
    shape: tuple[int, ...], dtype: DTypeLike, weight: ArrayLike | None, reduction: str
) -> tuple[NDArray[np.floating] | None, float]:
    """Return the weights broadcast to ``shape`` (or None) and the number to divide the sum by.

    The weights must be numbers that the result's `dtype` can hold.
    """
    if reduction not in REDUCTIONS:
        raise ValueError(f"reduction must be one of {REDUCTIONS}, got {reduction!r}")
    factors = None if weight is None else _as_weights(weight, shape, dtype)
    if reduction != "mean":
        return factors, 1.0
    divisor = float(math.prod(shape)) if factors is None else float(factors.sum(dtype=np.float64))
    if divisor == 0:
        if math.prod(shape) == 0:
            raise ValueError('the mean of an empty batch is not defined; reduction="sum" gives 0')
        raise ValueError('the weights sum to 0, so reduction="mean" would divide by zero')
    return factors, divisor


def _as_weights(weight: ArrayLike, shape: tuple[int, ...], dtype: DTypeLike) -> NDArray[np.floating]:
    factors = as_float(weight, "weight")
    refuse(
        lambda w: (w < 0) | np.isinf(w),
        factors,
        "weight must hold finite, non-negative numbers",
        "one per loss term; class weights are class_weight[labels]",
    )
    refuse(
        lambda w: ~np.isfinite(rounded(w, dtype)) | ((rounded(w, dtype) == 0) & (w != 0)),
        factors,
        f"weight holds a number that {dtype} cannot",
        "the losses have that dtype; scale the weights, or pass float64 predictions",
    )
    try:
        return np.broadcast_to(factors, shape)
    except ValueError:
        raise ValueError(
            f"weight has shape {factors.shape}, which does not broadcast to the losses' shape {shape} "
            "(one weight per loss term; class weights are class_weight[labels])"
        ) from None
