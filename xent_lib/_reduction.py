"""How much each loss counts, how the losses become one number, and where a result may be written."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from xent_lib._blocks import BLOCK, Array, Box, boxes
from xent_lib._precision import Doubles, Floats, rounded
from xent_lib._validation import are_distributions, as_float, refuse

Reduction = Literal["none", "sum", "mean"]
REDUCTIONS = ("none", "sum", "mean")

#: Weights whose largest lies between these are summed as they are: no sum of them overflows or loses digits.
SMALL, LARGE = 1e-150, 1e150


class Weights:
    """How much each loss counts: `weight`, broadcast to the losses, and the divisor of the reduction.

    A mean divides by the sum of the weights, so their scale does not matter; where they are huge or tiny, all are
    multiplied by the same power of two, so that the sum neither overflows nor loses digits.
    """

    def __init__(self, weight: ArrayLike | None, reduction: str, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
        if reduction not in REDUCTIONS:
            raise ValueError(f"reduction must be one of {REDUCTIONS}, got {reduction!r}")
        self.reduction, self.shape = reduction, shape
        self.weight = None if weight is None else broadcast(as_weights(weight, "weight", dtype), "weight", shape)
        self.exponent = 0
        self.divisor = 1.0
        if reduction == "mean":
            if self.weight is not None:
                self.exponent = _exponent(self.weight)
            with np.errstate(all="ignore"):
                self.divisor = self.total()
            if self.divisor == 0:
                raise ValueError(self.why_nothing())

    def total(self) -> float:
        """Return the sum of the weights of all losses."""
        if self.weight is None:
            return float(math.prod(self.shape))
        return math.fsum(float(self.rows(box).sum()) for box in boxes(self.shape, BLOCK))  # type: ignore[union-attr]

    def why_nothing(self) -> str:
        if math.prod(self.shape) == 0:
            return 'the mean of an empty batch is not defined; reduction="sum" gives 0'
        return 'the weights sum to 0, so reduction="mean" would divide by zero'

    def rows(self, box: Box) -> Doubles | None:
        """Return the weights of the losses in a box, one after the other; None when all are 1."""
        if self.weight is None:
            return None
        weight = self.weight[box].reshape(-1).astype(np.float64)
        return np.ldexp(weight, -self.exponent) if self.exponent else weight

    def scale(self, box: Box) -> Any:
        """Return what the gradients of the losses in a box are multiplied by."""
        rows = self.rows(box)
        return 1 / self.divisor if rows is None else rows / self.divisor

    def apart(self, out: Array | None) -> None:
        """Keep the weights where writing to `out` does not change them."""
        if out is not None and self.weight is not None and np.may_share_memory(self.weight, out):
            self.weight = self.weight.copy()


class Terms(Weights):
    """The truth of a categorical loss, and how much each of its terms counts.

    The loss of a sample is Σ_k w_k t_k (−log p_k): t is the truth, smoothed, and w_k the weight of class k. The mean
    divides by the sum of all w_k t_k, each times the weight of its sample. A sample whose label is `ignore_index`
    counts 0.
    """

    def __init__(
        self,
        truth: Array,
        is_labels: bool,
        n_classes: int,
        weight: ArrayLike | None,
        class_weight: ArrayLike | None,
        smoothing: float,
        ignore_index: int | None,
        reduction: str,
        dtype: np.dtype[Any],
        tolerance: float,
        check: Callable[[], Any],
    ) -> None:
        self.tolerance, self.check = tolerance, check
        self.truth, self.is_labels, self.n_classes = truth, is_labels, n_classes
        self.smoothing, self.ignore_index = smoothing, ignore_index
        self.is_dense = not is_labels or smoothing > 0
        self.class_weight: Doubles | None = None
        if class_weight is not None:
            self.class_weight = as_class_weights(class_weight, n_classes, dtype)
            if reduction == "mean":
                with np.errstate(all="ignore"):
                    self.class_weight = np.ldexp(self.class_weight, -_exponent(self.class_weight))
        shape = truth.shape if is_labels else truth.shape[:-1]
        super().__init__(weight, reduction, shape, dtype)

    def total(self) -> float:
        if self.class_weight is None and self.ignore_index is None:
            return super().total()
        return math.fsum(float(self._masses(box).sum()) for box in boxes(self.shape, self._rows_at_a_time()))

    def why_nothing(self) -> str:
        if self.ignore_index is not None and self.shape and np.all(self.truth == self.ignore_index):
            return f'every label equals ignore_index={self.ignore_index}, so reduction="mean" would divide by zero'
        return super().why_nothing()

    def labels(self, box: Box) -> NDArray[np.intp]:
        """Return the labels in a box, one after the other; an ignored one is replaced by 0."""
        labels = self.truth[box].reshape(-1).astype(np.intp, copy=False)
        return labels if self.ignore_index is None else np.where(labels == self.ignore_index, 0, labels)

    def rows(self, box: Box) -> Doubles | None:
        weights = super().rows(box)
        if self.class_weight is not None and not self.is_dense:
            own = self.class_weight[self.labels(box)]
            weights = own if weights is None else weights * own
        if self.ignore_index is not None:
            counts = self.truth[box].reshape(-1) != self.ignore_index
            weights = counts.astype(float) if weights is None else weights * counts
        return weights

    def dense(self, box: Box) -> Array:
        """Return the terms w_k t_k of the samples in a box, a sample per row."""
        if self.is_labels:
            labels = self.labels(box)
            terms = np.full((len(labels), self.n_classes), self.smoothing / self.n_classes)
            terms.reshape(-1)[np.arange(0, terms.size, self.n_classes) + labels] += 1 - self.smoothing
        else:
            terms = self.truth[box].reshape(-1, self.n_classes)
            if not are_distributions(terms, self.tolerance):
                self.check()  # raises, or finds that they are
                self.tolerance = math.inf
            if self.smoothing:
                terms = (1 - self.smoothing) * terms.astype(float, copy=False) + self.smoothing / self.n_classes
        return terms if self.class_weight is None else terms * self.class_weight

    def apart(self, out: Array | None) -> None:
        super().apart(out)
        if out is not None and np.may_share_memory(self.truth, out):
            self.truth = self.truth.copy()

    def _masses(self, box: Box) -> Doubles:
        rows = self.rows(box)
        masses = self.dense(box).sum(axis=1) if self.is_dense and self.class_weight is not None else 1.0
        return np.asarray(masses if rows is None else rows * masses)

    def _rows_at_a_time(self) -> int:
        return max(1, BLOCK // self.n_classes) if self.is_dense else BLOCK


def as_weights(weight: ArrayLike, name: str, dtype: np.dtype[Any]) -> Floats:
    """Return finite, non-negative numbers that `dtype` can hold."""
    factors = as_float(weight, name)
    hint = "one per loss term" if name == "weight" else "one per class"
    refuse(lambda w: (w < 0) | np.isinf(w), factors, f"{name} must hold finite, non-negative numbers", hint)
    if factors.dtype.itemsize > dtype.itemsize:
        refuse(
            lambda w: ~np.isfinite(rounded(w, dtype)) | ((rounded(w, dtype) == 0) & (w != 0)),
            factors,
            f"{name} holds a number that {dtype} cannot",
            "the losses have that dtype; scale the weights, or pass float64 predictions",
        )
    return factors


def as_class_weights(class_weight: ArrayLike, n_classes: int, dtype: np.dtype[Any]) -> Doubles:
    """Return one weight per class."""
    factors = as_weights(class_weight, "class_weight", dtype)
    if factors.shape != (n_classes,):
        raise ValueError(f"class_weight has shape {factors.shape}; it must hold {n_classes} numbers, one per class")
    return factors.astype(np.float64)


def as_out(out: Any, shape: tuple[int, ...], dtype: np.dtype[Any], what: str) -> Array:
    """Return the array to write to, as a plain one that shares its memory."""
    if not isinstance(out, np.ndarray):
        raise TypeError(f"out must be a NumPy array, got {type(out).__name__}")
    if isinstance(out, np.ma.MaskedArray):
        raise TypeError("out is a masked array, whose mask would hide what is written; pass out.data")
    if out.shape != shape or out.dtype != dtype:
        raise ValueError(f"out has shape {out.shape} and dtype {out.dtype}, {what} has shape {shape} and dtype {dtype}")
    if not out.flags.writeable:
        raise ValueError("out is read-only; pass an array that may be written to")
    if not out.flags.c_contiguous and _overlaps_itself(out):
        raise ValueError(f"out overlaps itself: its strides are {out.strides}, so entries share memory; pass a copy")
    return out.view(np.ndarray)


def _overlaps_itself(x: Array) -> bool:
    reach = x.itemsize
    for stride, n in sorted((abs(stride), n) for stride, n in zip(x.strides, x.shape, strict=True) if n > 1):
        if stride < reach:
            return x.size > 0
        reach += stride * (n - 1)
    return False


def broadcast(factors: Floats, name: str, shape: tuple[int, ...]) -> Floats:
    try:
        return np.broadcast_to(factors, shape)
    except ValueError:
        raise ValueError(
            f"{name} has shape {factors.shape}, which does not broadcast to the losses' shape {shape} "
            "(one weight per loss term; for one per class, pass class_weight)"
        ) from None


def _exponent(weights: Floats) -> int:
    """Return the power of two to take out of the weights, 0 where none is needed."""
    largest = float(weights.max(initial=0))
    return 0 if SMALL <= largest <= LARGE or largest == 0 else math.frexp(largest)[1]


class Losses:
    """Takes the losses of one block after the other, and ends with what the caller asked for."""

    def __init__(self, weights: Weights, dtype: np.dtype[Any]) -> None:
        self.divisor, self.dtype = weights.divisor, dtype
        self.unreduced = np.empty(weights.shape, dtype) if weights.reduction == "none" else None
        self.total = 0.0

    def __call__(self, box: Box, losses: Doubles, weights: Doubles | None) -> None:
        """Take the losses of a box, one after the other, and their weights."""
        if weights is not None:
            losses = losses * weights
            if np.isnan(losses.max(initial=0)):  # 0 times infinity: what has no weight costs nothing
                losses[weights == 0] = 0
        if self.unreduced is not None:
            place = self.unreduced[box]
            place[...] = losses.reshape(place.shape)
            return
        part = float(losses.sum()) / self.divisor
        self.total += part if part < math.inf else float((losses / self.divisor).sum())

    def value(self) -> Any:
        """Return the reduced loss; too large a number becomes infinite."""
        return self.dtype.type(self.total) if self.unreduced is None else self.unreduced[()]
