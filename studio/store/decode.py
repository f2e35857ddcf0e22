"""Photographs that strangers sent, decoded in children of `studio.sandbox`: what comes back was made here."""

from __future__ import annotations

from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from ftl.data.images import FORMATS, open_upright, to_eight_bits
from ftl.errors import FtlError

_ORIENTATION = 0x0112

Shape = tuple[int, int]
"""(height, width) once upright."""

Answer = Shape | str
"""What a child says to one name; a sentence where the file is no photograph. It raises nothing, which would end it: an
archive may hold hundreds of such files."""


def upright(file: str) -> Generator[Answer | None, tuple[str, int], None]:
    """For each name that is sent, its photograph's size; its pixels, RGB, are then in `file`.

    With each name goes how many pixels are read at most.
    """

    def write(image: Image.Image) -> None:
        pixels = np.asarray(image)
        with open(file, "wb") as target:
            target.write(pixels.data if pixels.flags.c_contiguous else pixels.tobytes())

    return _each(write)


def shrunk(file: str, side: int | None, quality: int) -> Generator[Answer | None, tuple[str, int], None]:
    """For each name that is sent, its photograph's size; a JPEG of it is then in `file`.

    `side`: its longer side at most, in pixels.
    """

    def write(image: Image.Image) -> None:
        if side is not None:
            image.thumbnail((side, side), Image.Resampling.LANCZOS)
        image.save(file, "JPEG", quality=quality)

    return _each(write)


def _each(write: Callable[[Image.Image], None]) -> Generator[Answer | None, tuple[str, int], None]:
    """Write each photograph that is asked for: its size, or why it is none."""
    asked = yield None
    while True:
        try:
            image = _read(*asked)
        except FtlError as error:
            asked = yield str(error)
            continue
        shape = (image.height, image.width)
        write(image)
        del image  # before the wait for the next one
        asked = yield shape


def heads(sources: list[str]) -> Generator[Any, None, None]:
    """Of each photograph its format, whether it is turned once upright, and its width and height before that.

    Nothing is decoded. Raises `FtlError` when one is none.
    """
    found = []
    for source in sources:
        try:
            with Image.open(source, formats=FORMATS) as image:
                orientation = image.getexif().get(_ORIENTATION, 1)
                found.append((image.format or "", orientation in range(2, 9), *image.size))
        except Exception as error:  # as `open_upright`
            raise FtlError(f"{source} cannot be read as an image ({error}): replace it or take it out") from error
    yield found


def _read(source: str, most_pixels: int) -> Image.Image:
    return to_eight_bits(open_upright(Path(source), most_pixels)).convert("RGB")
