"""Photographs in tiles: what a browser shows at any zoom, without the whole of a large one.

Level n is the photograph shrunk to 1 / 2^n, so that a pixel of it is the mean of 2^n x 2^n; the last level is the first
that one tile holds. The last column and row may reach beyond the photograph by less than a pixel of their level: the
pixels at its edge go on there.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Lock
from zipfile import BadZipFile, ZipFile

import cv2
import numpy as np

from ftl.files import whole_file
from studio.errors import Missing
from studio.store import files

SIDE = 512
"""Pixels of a tile's sides; the last ones of a row or column have less."""

_QUALITY = 88
_LOCKS = [Lock() for _ in range(16)]


def tile(sha256: str, level: int, column: int, row: int) -> bytes:
    """A tile as JPEG. Raises `Missing` where there is none.

    All tiles of a photograph are made when the first is asked for, and kept: it is decoded once.
    """
    name = _name(level, column, row)
    try:
        return _read(sha256, name)
    except (OSError, BadZipFile):
        with _LOCKS[int(sha256[:4], 16) % len(_LOCKS)]:
            if not _is_made(sha256):
                _make(sha256)
        return _read(sha256, name)


def _name(level: int, column: int, row: int) -> str:
    return f"{level}-{column}-{row}.jpg"


def _read(sha256: str, name: str) -> bytes:
    with ZipFile(files.tiles(sha256)) as kept:
        try:
            return kept.read(name)
        except KeyError:
            raise Missing("the photograph has no such tile") from None


def _is_made(sha256: str) -> bool:
    try:
        with ZipFile(files.tiles(sha256)):
            return True
    except (OSError, BadZipFile):
        return False


def _make(sha256: str) -> None:
    with (
        whole_file(files.tiles(sha256)) as draft,
        ZipFile(draft, "w") as kept,
        ThreadPoolExecutor(2) as pool,
    ):
        parts = [
            (_name(level, column, row), part)
            for level, picture in enumerate(levels(files.photograph(sha256)))
            for column, row, part in _cut(picture)
        ]
        for (name, _), encoded in zip(parts, pool.map(_encode, [part for _, part in parts]), strict=True):
            kept.writestr(name, encoded)


def levels(picture: np.ndarray) -> Iterator[np.ndarray]:
    """A photograph, uint8 (height, width, 3), and each half of the one before, up to the one that a tile holds."""
    yield picture
    while max(picture.shape[:2]) > SIDE:
        height, width = picture.shape[:2]
        even = cv2.copyMakeBorder(picture, 0, height % 2, 0, width % 2, cv2.BORDER_REPLICATE)
        picture = cv2.resize(even, ((width + 1) // 2, (height + 1) // 2), interpolation=cv2.INTER_AREA)
        yield picture


def _cut(picture: np.ndarray) -> Iterator[tuple[int, int, np.ndarray]]:
    """Column, row and pixels of each tile."""
    for top in range(0, picture.shape[0], SIDE):
        for left in range(0, picture.shape[1], SIDE):
            yield left // SIDE, top // SIDE, picture[top : top + SIDE, left : left + SIDE]


def _encode(part: np.ndarray) -> bytes:
    quality = [cv2.IMWRITE_JPEG_QUALITY, _QUALITY]
    return cv2.imencode(".jpg", cv2.cvtColor(part, cv2.COLOR_RGB2BGR), quality)[1].tobytes()
