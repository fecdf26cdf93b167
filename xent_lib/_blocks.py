"""Arrays cut into blocks that stay in the cache of the core while all steps run over them."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

Box = tuple[Any, ...]

#: Entries of a block; a row of classes is never cut.
BLOCK = 2**15


def boxes(shape: tuple[int, ...], size: int) -> Iterator[Box]:
    """Cut an array of that shape into boxes of at most `size` entries, in order."""
    inner = math.prod(shape[1:])
    if not shape or shape[0] * inner <= size:
        yield (...,)
    elif inner <= size:
        step = size // inner
        for start in range(0, shape[0], step):
            yield (slice(start, start + step),)
    else:
        for index in range(shape[0]):
            for box in boxes(shape[1:], size):
                yield (index, *box)
