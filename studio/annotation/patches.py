"""Parts of a mask as a browser takes them: a box of the image, [left, top, width, height], and run lengths in it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from studio.annotation.pixels import Box, encode, runs, size_of


def around(boxes: Iterable[Box]) -> Box | None:
    """The smallest box that holds these; None where none has a pixel."""
    some = [box for box in boxes if min(size_of(box))]
    if not some:
        return None
    rows, columns = zip(*some, strict=True)
    return tuple(slice(min(part.start for part in axis), max(part.stop for part in axis)) for axis in (rows, columns))  # type: ignore[return-value]


def numbers(box: Box) -> list[int]:
    """A box as [left, top, width, height]."""
    height, width = size_of(box)
    return [box[1].start, box[0].start, width, height]


def patch(mask: np.ndarray, box: Box) -> dict[str, Any]:
    """The values of an index mask in a box: {box, counts, values}, run lengths column by column."""
    return {"box": numbers(box), **runs(mask[box])}


def area(box: Box, where: np.ndarray) -> dict[str, Any]:
    """Pixels of a box, bool (its height, its width): {box, counts, pixels}.

    `counts`: run lengths column by column, beginning with those that are not of it; `pixels`: how many are.
    """
    return {"box": numbers(box), "counts": encode(where), "pixels": int(where.sum())}


def bounds(where: np.ndarray) -> Box | None:
    """The smallest box that holds the pixels of a whole image, bool (height, width); None where there is none."""
    rows, columns = np.flatnonzero(where.any(1)), np.flatnonzero(where.any(0))
    if not len(rows):
        return None
    return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)
