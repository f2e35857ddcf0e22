"""CVAT for images 1.1: its XML, read image by image.

A document type is refused, for the entities in one could grow without end.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any
from xml.parsers.expat import ExpatError, ParserCreate

from studio.errors import StudioError
from studio.formats.read_masks import BROKEN, Found, check_size, draw_shapes, named
from studio.formats.shapes import cvat_shape

_MOST_BYTES = 200 * 2**20
_SHAPES = ("mask", "polygon", "box", "ellipse", "polyline", "points", "cuboid", "skeleton")


def read_cvat(file: Path) -> Iterator[Found]:
    """The masks of each image of a CVAT file.

    Raises `StudioError` for one that is damaged or of another form; what came before the damage is given first.
    """
    if file.stat().st_size > _MOST_BYTES:
        raise StudioError(f"it is larger than {_MOST_BYTES // 2**20} MB: split it")
    images = _Images()
    try:
        with open(file, "rb") as handle:
            while block := handle.read(1 << 20):
                images.parser.Parse(block, False)
                yield from images.take()
            images.parser.Parse(b"", True)
        yield from images.take()
    except ExpatError as error:
        yield from images.take()
        raise StudioError(f"this is no XML ({error})") from error
    except BROKEN as error:
        raise StudioError(f"this CVAT file is damaged ({error!r:.100})") from error
    if not images.root == "annotations" or not images.count:
        raise StudioError("this is not CVAT's form for images: it has no <image> in <annotations>")


class _Images:
    """Collects an image's shapes, as attributes, until the image ends."""

    def __init__(self) -> None:
        self.root, self.count = "", 0
        self._image: dict[str, str] | None = None
        self._shapes: list[dict[str, str]] = []
        self._whole: list[tuple[dict[str, str], list[dict[str, str]]]] = []
        self.parser = ParserCreate()
        self.parser.StartDoctypeDeclHandler = self._refuse
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end

    def _refuse(self, *_: object) -> None:
        raise StudioError("it has a document type (<!DOCTYPE), which is not read: take that line out")

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        self.root = self.root or tag
        if tag == "image":
            self._image, self._shapes = attributes, []
        elif self._image is not None and tag in _SHAPES:
            self._shapes.append(attributes | {"": tag})

    def _end(self, tag: str) -> None:
        if tag == "image" and self._image is not None:
            self._whole.append((self._image, self._shapes))
            self._image = None
            self.count += 1

    def take(self) -> Iterator[Found]:
        """The images that have ended since the last time."""
        whole, self._whole = self._whole, []
        for image, shapes in whole:
            size = check_size(image["height"], image["width"])
            by_label: dict[str, list[Any]] = defaultdict(list)
            for shape in shapes:
                by_label[shape["label"]].append(shape)
            if by_label:
                yield named(image["name"], size, partial(draw_shapes, by_label, cvat_shape))
