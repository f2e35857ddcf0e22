"""YOLO's segmentation labels: a line for each area, its class and the corners of its outline."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

from studio.errors import StudioError
from studio.formats.read_masks import Drawing, Found, draw_shapes
from studio.formats.shapes import yolo_shape

_MOST_BYTES = 200 * 2**20


def read_yolo(path: PurePosixPath, file: Path, names: dict[int, str]) -> Iterator[Found]:
    """The masks of a label file, whose classes have these names.

    Raises `StudioError` for one that is no text.
    """
    if file.stat().st_size > _MOST_BYTES:
        raise StudioError(f"it is larger than {_MOST_BYTES // 2**20} MB: split it")
    try:
        lines = file.read_text("utf-8-sig").splitlines()
    except ValueError as error:
        raise StudioError(f"this is no text ({error!s:.100})") from error
    yield Found(None, path.stem, None, partial(_draw, lines, names))


def _draw(lines: list[str], names: dict[int, str], height: int, width: int) -> Drawing:
    shapes: dict[str, list[Any]] = defaultdict(list)
    for number, line in enumerate(lines, 1):
        first, *rest = line.split() or [""]
        if not first:
            continue
        if not first.isdecimal() or int(first) not in names:
            yield StudioError(
                f"line {number} is of class {first[:20]}, to which neither data.yaml nor classes.txt gives a name"
            )
        elif len(rest) == 4:
            yield StudioError(f"line {number} is a box, not an outline: only outlines are masks")
        else:
            shapes[names[int(first)]].append(rest)
    yield from draw_shapes(shapes, yolo_shape, height, width)
