"""Input checks shared by the public functions. Private: the public functions are the interface.

Every check either returns a clean array or raises an error that says what was wrong, shows the
offending value and names the likely cause. Nothing is clipped, normalized or cast in silence.

``as_x`` checks everything; ``x_form`` looks at shape and dtype only. The smallest and the largest entry show
whether all is well; the place of a bad entry is searched for only when they do not.
"""

from __future__ import annotations

import functools
import math
import operator
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from xent_lib._precision import Floats

#: How far from 1 the sum of a probability distribution may be: room for rounding, and for numbers typed with few
#: digits, but not for an entry that is missing. `sum_tolerance` gives more to the shorter dtypes.
SUM_TOLERANCE = 1e-5

#: How many entries are searched at a time.
PIECE = 65536

#: What NumPy takes from a list as it is.
SCALARS = (int, float, str, bytes, np.generic)

Test = Callable[[NDArray[Any]], NDArray[np.bool_]]


# --- Real numbers in any form, as an array ---------------------------------------------------------------------


def as_real(x: ArrayLike, name: str) -> NDArray[Any]:
    """Return ``x`` as an array of real numbers, its own dtype kept; refuse text, objects, complex."""
    array = x if type(x) is np.ndarray else _as_array(x, name)
    if array.dtype.kind == "O":
        array = _from_objects(array, name)
        array = array.astype(_dtype_of_columns(x) or array.dtype, copy=False)
    if array.dtype.kind not in "buif" or array.dtype.isbuiltin == 2:
        _refuse_dtype(array.dtype, name)
    return array if array.dtype.isnative else array.astype(array.dtype.newbyteorder("="))


def as_float(x: ArrayLike, name: str) -> Floats:
    """Return ``x`` as float32 or float64 (integers become float64); refuse NaN."""
    array = float_form(x, name)
    if array.size and math.isnan(largest(array)):
        hint = "a missing value, or the result of a step before: look for the one that produced it"
        refuse(np.isnan, array, f"{name} contains NaN", hint)
    return array


def float_form(x: ArrayLike, name: str) -> Floats:
    """Return ``x`` as float32 or float64, its values not looked at."""
    array = as_real(x, name)
    kind, size = array.dtype.kind, array.dtype.itemsize
    if kind == "f" and size in (4, 8):
        return array
    if kind == "f" and size != 2:
        raise TypeError(f"{name} has dtype {array.dtype}; float32 and float64 are supported: cast to float64")
    with np.errstate(all="ignore"):
        return array.astype(np.float32 if kind == "f" else np.float64)


def _as_array(x: ArrayLike, name: str) -> NDArray[Any]:
    """Return what is no array as one; where that cannot be, say why."""
    try:
        return np.asarray(_plain_parts(x, name))
    except ValueError as error:
        if "maximum number of dimension" in str(error):
            raise ValueError(f"{name} is a list of lists, nested too deeply: {error}") from None
        raise ValueError(f"{name} has rows of different lengths: {error}") from None


def _plain_parts(x: Any, name: str, depth: int = 0) -> Any:
    """Return ``x`` with all that is neither a list nor a number turned into a plain array, in lists of any depth."""
    if isinstance(x, Sequence) and not isinstance(x, (str, bytes)) and not hasattr(x, "tobytes"):
        if depth > 64 or all(issubclass(kind, SCALARS) for kind in set(map(type, x))):
            return x  # nested too deeply for NumPy too, which says so; or a list of numbers
        return [_plain_parts(part, name, depth + 1) for part in x]
    try:
        array = np.asanyarray(x)  # asarray would drop a mask
    except MemoryError:
        raise
    except Exception as error:
        verb = "holds" if depth else "is"
        what = f"{name} {verb} a {_type(x)}, which cannot be read as an array: {type(error).__name__}: {error}"
        hint = "; cast to float32" if "bfloat16" in str(getattr(x, "dtype", "")) else ""
        raise TypeError(what + hint) from error
    if isinstance(array, np.ma.MaskedArray):
        _refuse_mask(name)
    return np.asarray(array) if array.ndim else array[()]


def _from_objects(array: NDArray[Any], name: str) -> NDArray[Any]:
    """Return an array of Python objects, such as a table of nullable columns becomes, as one of numbers."""
    objects = array.ravel().tolist()
    for position, x in enumerate(objects):
        if isinstance(x, (int, float, np.integer, np.floating, np.bool_)):
            continue
        place = _place(np.unravel_index(position, array.shape))
        if type(x).__name__ in ("NAType", "NaTType"):
            raise ValueError(f"{name} has a missing value: {x!r}{place} (fill it in, or leave its sample out)")
        if isinstance(x, np.ma.MaskedArray):
            _refuse_mask(name)
        kind, hint = "Python objects", f" (of type {_type(x)})"
        if x is None:
            hint = " (is a value missing?)"
        elif isinstance(x, (str, bytes)):
            kind, hint = "text", ""
        elif isinstance(x, (complex, np.complexfloating)):
            kind, hint = "complex numbers", ""
        raise TypeError(f"{name} must hold real numbers, got {kind}: {shown(x)}{place}{hint}")
    try:
        numbers = np.array(objects)
        if numbers.dtype.kind == "O":  # integers beyond 64 bits
            numbers = np.array(objects, np.float64)
    except OverflowError:
        raise ValueError(f"{name} holds an integer that is too large for a floating-point number") from None
    return numbers.reshape(array.shape)


def _dtype_of_columns(x: Any) -> np.dtype[Any] | None:
    """Return the dtype of a table whose columns have one each, as in pandas."""
    try:
        dtype = np.result_type(*(getattr(column, "numpy_dtype", column) for column in x.dtypes))
    except (AttributeError, TypeError, ValueError):
        return None
    return dtype if dtype.kind in "buif" else None


def _refuse_mask(name: str) -> NoReturn:
    raise TypeError(f"{name} is a masked array, whose mask would be lost; select the entries, or use weight")


def _refuse_dtype(dtype: np.dtype[Any], name: str) -> NoReturn:
    if dtype.isbuiltin == 2:
        known = "int8" if "int" in str(dtype) else "float32"
        raise TypeError(f"{name} has dtype {dtype}, which is not one of NumPy's own; cast to {known}")
    kind = {"c": "complex numbers", "U": "text", "S": "text", "T": "text"}.get(dtype.kind, f"values of dtype {dtype}")
    raise TypeError(f"{name} must hold real numbers, got {kind}")


# --- The search for what is wrong ------------------------------------------------------------------------------


def largest(array: NDArray[Any]) -> Any:
    """Return the largest entry as a Python number; NaN if there is one."""
    return array.item(array.argmax()) if array.flags.c_contiguous else np.maximum.reduce(array, axis=None).item()


def smallest(array: NDArray[Any]) -> Any:
    """Return the smallest entry as a Python number; NaN if there is one."""
    return array.item(array.argmin()) if array.flags.c_contiguous else np.minimum.reduce(array, axis=None).item()


def is_within(array: NDArray[Any], low: float, high: float) -> bool:
    """Return whether all entries lie between two numbers; NaN does not."""
    return array.size == 0 or bool(low <= smallest(array) and largest(array) <= high)


def refuse(is_bad: Test, array: NDArray[Any], problem: str, hint: str) -> None:
    """Raise ``ValueError`` naming the first entry of ``array`` that ``is_bad``, if any; ``{}`` in the hint is it."""
    with np.errstate(all="ignore"):
        where = _first(is_bad, array)
    if where is not None:
        value = repr(array[where].item())
        raise ValueError(f"{problem}: {value}{_place(where)} ({hint.replace('{}', value)})")


def _first(is_bad: Test, array: NDArray[Any]) -> tuple[Any, ...] | None:
    """Return the index of the first entry that ``is_bad``; of a large array look at one piece after the other."""
    if array.size <= PIECE:
        bad = np.asarray(is_bad(array))
        return np.unravel_index(bad.argmax(), bad.shape) if bad.any() else None
    step = PIECE * len(array) // array.size
    for start in range(0, len(array), step or 1):
        where = _first(is_bad, array[start : start + step] if step else array[start])
        if where is not None:
            return (start + where[0], *where[1:]) if step else (start, *where)
    return None


def _place(where: tuple[Any, ...]) -> str:
    return f" at index {tuple(int(i) for i in where)}" if where else ""


def shown(x: Any) -> str:
    """Return how Python writes ``x``, cut where that is long."""
    try:
        text = " ".join(repr(x).split())
    except Exception:  # an integer of more than 4300 digits, or an object that cannot be shown
        text = f"a value of type {_type(x)}"
    return text if len(text) <= 80 else text[:77] + "..."


def _type(x: Any) -> str:
    package, name = type(x).__module__.partition(".")[0], type(x).__qualname__
    return name if package == "builtins" else f"{package}.{name}"


# --- Single numbers --------------------------------------------------------------------------------------------


def class_axis(axis: int, array: NDArray[Any], name: str) -> int:
    """Return ``axis``, counted from the front; refuse an array without a single class along it."""
    if array.ndim == 0:
        raise ValueError(f"{name} is a single number; it needs an axis of classes")
    axis = as_integer(axis, "axis")
    if not -array.ndim <= axis < array.ndim:
        raise ValueError(f"axis {shown(axis)} is out of range for {name} of shape {array.shape}")
    axis %= array.ndim
    if array.shape[axis] == 0:
        raise ValueError(f"{name} has no classes: its shape is {array.shape}, empty along axis {axis}")
    return axis


def as_integer(x: int, name: str) -> int:
    """Return ``x``, one integer; True and False are none."""
    if type(x) is int:
        return x
    is_bool = isinstance(x, bool) or "bool" in str(getattr(x, "dtype", ""))
    try:
        if not is_bool:
            return operator.index(x)
    except TypeError:
        pass
    raise TypeError(f"{name} must be an integer, got {shown(x)}")


def as_number(x: float, name: str) -> float:
    """Return ``x``, one real number; True and False are none."""
    number: Any = x
    if isinstance(x, bool) or not isinstance(x, (float, int, np.floating, np.integer)):
        try:
            number = as_real(x, name)
        except (TypeError, ValueError):
            number = None
        if number is None or number.ndim or number.dtype.kind == "b":
            raise TypeError(f"{name} must be a number, got {shown(x)}")
    try:
        return float(number)
    except OverflowError:
        raise ValueError(f"{name} is too large for a floating-point number: {shown(x)}") from None


# --- Logits, probabilities, distributions ----------------------------------------------------------------------


def as_logits(z: ArrayLike, name: str, axis: int) -> Floats:
    """Return ``z`` as floats usable by a softmax along ``axis``: no +inf, no row of −inf alone."""
    array = float_form(z, name)
    axis = class_axis(axis, array, name)
    if array.size == 0:
        return array
    highest = largest(array)
    if math.isnan(highest):
        as_float(array, name)  # says where
    if highest == math.inf:
        refuse(
            lambda z: z == math.inf,
            array,
            f"{name} contains an infinite logit",
            "its softmax would be inf/inf; only -inf, which rules a class out, has a meaning",
        )
    if smallest(array) == -math.inf:
        refuse(
            lambda largest: largest == -math.inf,
            array.max(axis=axis),
            f"{name} rules out every class of a sample",
            "at least one logit along the axis must be finite",
        )
    return array


def as_probabilities(p: ArrayLike, name: str) -> Floats:
    """Return ``p`` as floats, every entry within [0, 1]."""
    array = float_form(p, name)
    if not is_within(array, 0, 1):
        refuse(
            lambda p: (p < 0) | (p > 1),
            as_float(array, name),
            f"{name} must hold probabilities between 0 and 1",
            "did you pass logits? Then use the function that takes z, or apply sigmoid or softmax first",
        )
    return array


def as_distributions(p: ArrayLike, name: str, axis: int) -> Floats:
    """Return ``p`` as floats whose entries along ``axis`` are probabilities that sum to 1."""
    given = as_real(p, name)
    array = as_probabilities(given, name)
    axis = class_axis(axis, array, name)
    tolerance = sum_tolerance(given.dtype, array.shape[axis])
    if not _sum_to_one(array, axis, tolerance):
        hint = "did you forget softmax, or pass the wrong axis?"
        if array.ndim == 1:
            hint += (
                " If this is one number per sample of a binary model, give both classes: "
                "np.stack([1 - p, p], axis=-1), or of logits np.stack([0 * z, z], axis=-1)"
            )
        refuse(
            lambda total: np.abs(total - 1) > tolerance,
            array.sum(axis=axis, dtype=np.float64),
            f"{name} must sum to 1 along axis {axis} (tolerance {tolerance:.3g}), but a sum is off",
            hint,
        )
    return array


def are_distributions(p: Floats, tolerance: float) -> bool:
    """Return whether the entries along the last axis are certainly probabilities that sum to 1; quick."""
    return is_within(p, 0, 1) and _sum_to_one(p, p.ndim - 1, tolerance)


def sum_tolerance(dtype: np.dtype[Any], n_classes: int) -> float:
    """Return how far from 1 the sum of so many probabilities, stored in `dtype`, may be.

    Rounded to `dtype`, they may sum to 1 ± eps/2; divided by a sum that was itself taken in `dtype`, entry after
    entry, to about 1 ± eps · N/20. The smallest numbers of float16 are coarse besides: ± 2⁻²⁵ each.
    """
    if dtype.kind != "f" or dtype.itemsize == 8:
        return SUM_TOLERANCE
    eps = 2.0**-10 if dtype.itemsize == 2 else 2.0**-23
    own = n_classes * 2.0**-25 if dtype.itemsize == 2 else 0.0
    return max(SUM_TOLERANCE, min(eps * max(4, n_classes / 10), 0.01)) + own


def _sum_to_one(p: Floats, axis: int, tolerance: float) -> bool:
    """Return whether the sums of probabilities along ``axis`` are certainly near 1; quick."""
    n_classes = p.shape[axis]
    if axis == p.ndim - 1 and p.flags.c_contiguous and (n_classes <= 64 or p.dtype == np.float64):
        sums = p @ ones(n_classes, p.dtype)  # so few numbers, in float32 too, are off by less than half the tolerance
    else:
        sums = np.add.reduce(p, axis=axis, dtype=None if n_classes <= 64 else np.float64)
    return is_within(sums, 1 - tolerance / 2, 1 + tolerance / 2)


@functools.lru_cache(maxsize=8)
def ones(n: int, dtype: DTypeLike) -> Floats:
    """Return a vector of ones, whose product with rows is their sums: never write to it."""
    return np.ones(n, dtype)


# --- The truth -------------------------------------------------------------------------------------------------


def as_targets(t: ArrayLike, prediction: NDArray[Any], axis: int) -> tuple[NDArray[Any], bool]:
    """Return the truth that belongs to ``prediction``, and whether it is integer labels, none of them ignored."""
    truth, is_labels = target_form(t, prediction, axis, may_ignore=False)
    return (truth if is_labels else as_distributions(truth, "t", axis)), is_labels


def target_form(
    t: ArrayLike, prediction: NDArray[Any], axis: int, ignore_index: int | None = None, *, may_ignore: bool = True
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
    check_integers(truth, "t", f"t of shape {truth.shape} is taken as class indices, which")
    check_labels(truth, prediction.shape[axis], "t", ignore_index, may_ignore=may_ignore)
    return truth.astype(np.intp, copy=False), True


def check_integers(labels: NDArray[Any], name: str, what: str) -> None:
    """Refuse labels that are no integers."""
    if labels.size == 0 or labels.dtype.kind in "iu":
        return
    if labels.dtype.kind == "f":
        refuse(np.isnan, labels, f"{name} has a missing label", "leave its sample out, or fill it in")
    raise ValueError(f"{what} must be integers, got dtype {labels.dtype} (if they are class indices, cast them to int)")


def check_labels(
    labels: NDArray[Any], n_classes: int, name: str, ignore_index: int | None = None, *, may_ignore: bool = True
) -> None:
    """Refuse labels outside 0 … n_classes − 1, which NumPy would index from the end, but for ``ignore_index``.

    ``may_ignore`` says whether the function takes an ``ignore_index``, which the error then names.
    """
    if is_within(labels, 0, n_classes - 1):
        return
    hint = "are the classes counted from 1? "
    if not may_ignore:
        hint += "If {} marks what has no label, leave it out before: there is no ignore_index here"
    elif ignore_index is None:
        hint += "If {} marks what has no label, pass ignore_index={}"
    else:
        hint += f"Only ignore_index={ignore_index} may lie outside"
    # The label must be one in the dtype of the labels, and after they have become indices.
    dtypes = np.iinfo(labels.dtype), np.iinfo(np.intp)
    is_ignored = ignore_index is not None and all(d.min <= ignore_index <= d.max for d in dtypes)
    refuse(
        lambda k: ((k < 0) | (k >= n_classes)) & ((k != ignore_index) if is_ignored else True),
        labels,
        f"{name} must hold class indices from 0 to {n_classes - 1}",
        hint,
    )


def as_binary_targets(t: ArrayLike, prediction: NDArray[Any]) -> Floats:
    """Return the truth of a binary loss: in [0, 1], of the prediction's shape."""
    truth = float_form(binary_target_form(t, prediction), "t")
    if not is_within(truth, 0, 1):
        refuse(
            lambda t: (t < 0) | (t > 1),
            as_float(truth, "t"),
            "t must lie between 0 and 1",
            "are the labels -1 and 1, or class indices? Then the truth has another form",
        )
    return truth


def binary_target_form(t: ArrayLike, prediction: NDArray[Any]) -> NDArray[Any]:
    """As `as_binary_targets`, but only the shape is checked."""
    truth = as_real(t, "t")
    if truth.shape != prediction.shape:
        raise ValueError(
            f"t has shape {truth.shape} and the prediction has shape {prediction.shape}: "
            "they must be equal (a column against a row would silently make a table)"
        )
    return truth
