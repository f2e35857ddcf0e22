"""What every reader gives: the masks of an image, not drawn until the image is known."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import PurePosixPath
from typing import Any, NamedTuple

import numpy as np

from ftl.data.images import MAX_PIXELS
from studio.annotation.pixels import Box
from studio.errors import StudioError

BROKEN = (KeyError, TypeError, ValueError, AttributeError, IndexError, OverflowError, MemoryError)
"""What values of a damaged file lead to."""

Label = int | str | None
"""A class by its number or its name; None: the class that was chosen for masks that do not tell."""

Drawing = Iterator[tuple[Label, np.ndarray] | StudioError]
"""Bool masks with their classes, or a sentence instead of one that cannot be drawn."""


class Found(NamedTuple):
    """The masks of one image: its name, if it is told, its stem, and (height, width) of the masks.

    `size` is None where a file holds parts of the image's width and height. `draw` takes the height and width.
    """

    name: str | None
    stem: str
    size: tuple[int, int] | None
    draw: Callable[[int, int], Drawing]


def named(name: object, size: tuple[int, int] | None, draw: Callable[[int, int], Drawing]) -> Found:
    """What was found for an image that a file calls by this name, with whatever folders."""
    path = PurePosixPath(str(name).replace("\\", "/"))
    return Found(path.name, path.stem, size, draw)


def draw_shapes(
    shapes: dict[str, list[Any]], read: Callable[[Any, int, int], tuple[Box, np.ndarray]], height: int, width: int
) -> Drawing:
    """One mask a class, of all its shapes that can be read; `read` gives a part of the image and its pixels."""
    for label, own in shapes.items():
        where = np.zeros((height, width), bool)
        problems = 0
        for shape in own:
            try:
                box, part = read(shape, height, width)
                where[box] |= part
            except StudioError as error:
                problems += 1
                yield StudioError(f"a shape of {label[:60]}: {error}")
            except BROKEN as error:
                problems += 1
                yield StudioError(f"a shape of {label[:60]} is damaged ({error!r:.100})")
        if problems < len(own):
            yield label, where


def check_size(height: Any, width: Any) -> tuple[int, int]:
    """A told height and width as numbers. Raises `StudioError` for sizes of no image that is taken."""
    height, width = int(height), int(width)
    if min(height, width) < 1 or height * width > MAX_PIXELS:
        raise StudioError(f"an image of {width} x {height} pixels is none")
    return height, width
