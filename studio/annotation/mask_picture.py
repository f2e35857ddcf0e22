"""A mask as a small picture that lies over its photograph: transparent where nothing is drawn."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping, Sequence
from itertools import pairwise

import cv2
import numpy as np
from PIL import Image as Picture

from studio.store.tables import Image, ImageClass


def version(image: Image, classes: Sequence[ImageClass], author_id: int | None) -> str:
    """A name for all that the picture of a mask shows: strokes, whose they are, and the classes' colours.

    `author_id`: of that person's strokes alone. Rows are only ever added to a log, so their number names them.
    """
    shown = " ".join(f"{one.number} {one.colour}" for one in classes)
    return f"{image.strokes}-{author_id or 0}-{hashlib.sha256(shown.encode()).hexdigest()[:8]}"


def shrunk(mask: np.ndarray, side: int) -> np.ndarray:
    """An index mask, uint8 (height, width), at most `side` pixels long, the smaller classes on top of the larger.

    A pixel of it is drawn if any of those that it stands for is, so that thin cracks stay.
    """
    factor = min(1.0, side / max(mask.shape))
    rows, columns = (_edges(length, max(1, round(length * factor))) for length in mask.shape)
    counts = cv2.calcHist([mask], [0], None, [256], [0, 256]).ravel()
    result = np.zeros((len(rows) - 1, len(columns) - 1), np.uint8)
    for number in sorted(np.flatnonzero(counts[1:]) + 1, key=lambda number: -counts[number]):
        bands = [(mask[top:bottom] == number).any(axis=0) for top, bottom in pairwise(rows)]
        result[np.logical_or.reduceat(np.array(bands), columns[:-1], axis=1)] = number
    return result


def _edges(length: int, parts: int) -> np.ndarray:
    return np.arange(parts + 1) * length // parts


def encode(mask: np.ndarray, colours: Mapping[int, str]) -> bytes:
    """A PNG of an index mask, uint8 (height, width), in its classes' colours ("#rrggbb"); all else is transparent."""
    palette, opaque = bytearray(768), bytearray(256)
    for number, colour in colours.items():
        palette[3 * number : 3 * number + 3] = bytes.fromhex(colour[1:])
        opaque[number] = 255
    picture = Picture.fromarray(mask, "P")
    picture.putpalette(bytes(palette))
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", transparency=bytes(opaque), optimize=True)
    return buffer.getvalue()
