"""CVAT for images 1.1. Written: `annotations.xml`, with the photographs in `images/`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import Any
from xml.parsers.expat import ExpatError, ParserCreate
from xml.sax.saxutils import quoteattr

import numpy as np

from studio.annotation.pixels import decode, encode
from studio.errors import StudioError
from studio.formats.format import (
    Export,
    Format,
    ImageMasks,
    Item,
    MaskClass,
    MaskFile,
    Part,
    Reader,
    masks_of_image,
    naming_damage,
)
from studio.formats.shapes import Covered, check_size, draw_shapes, no_area, polygon, whole

_SHAPES = ("mask", "polygon", "box", "ellipse", "polyline", "points", "cuboid", "skeleton")


def read(file: MaskFile) -> Iterator[ImageMasks]:
    """The masks of each image, read image by image: what came before a damage is given first."""
    images = _Images()
    with naming_damage("CVAT"):
        try:
            with open(file.bounded, "rb") as handle:
                while block := handle.read(1 << 20):
                    images.parser.Parse(block, False)
                    yield from images.take()
                images.parser.Parse(b"", True)
            yield from images.take()
        except ExpatError as error:
            yield from images.take()
            raise StudioError(f"this is no XML ({error})") from error
    if not images.root == "annotations" or not images.count:
        raise StudioError("this is not CVAT's form for images: it has no <image> in <annotations>")


class _Images:
    """Collects an image's shapes, as attributes, until the image ends.

    A document type is refused, for the entities in one could grow without end.
    """

    def __init__(self) -> None:
        self.root, self.count = "", 0
        self._image: dict[str, str] | None = None
        self._shapes: list[dict[str, str]] = []
        self._ended: list[tuple[dict[str, str], list[dict[str, str]]]] = []
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
            self._ended.append((self._image, self._shapes))
            self._image = None
            self.count += 1

    def take(self) -> Iterator[ImageMasks]:
        """The images that have ended since the last time."""
        ended, self._ended = self._ended, []
        for image, shapes in ended:
            size = check_size(image["height"], image["width"])
            by_label: dict[str, list[Any]] = defaultdict(list)
            for shape in shapes:
                by_label[shape["label"]].append(shape)
            if by_label:
                yield masks_of_image(image["name"], size, partial(draw_shapes, by_label, draw_shape))


def draw_shape(shape: dict[str, str], height: int, width: int) -> Covered:
    """A shape as its attributes, with its kind under "": mask, polygon (as pycocotools draws it), box or ellipse."""
    kind = shape[""]
    if kind == "polygon":
        return polygon([pair.split(",") for pair in shape["points"].split(";")], height, width)
    if kind not in ("mask", "box", "ellipse"):
        raise no_area(kind)
    if kind != "mask" and float(shape.get("rotation", 0)):
        raise StudioError(f"it is a turned {kind}: draw it as a polygon")
    if kind == "box":
        x0, y0, x1, y1 = (float(shape[key]) for key in ("xtl", "ytl", "xbr", "ybr"))
        return polygon([[x0, y0], [x1, y0], [x1, y1], [x0, y1]], height, width)
    if kind == "ellipse":
        x, y, wide, high = (float(shape[key]) for key in ("cx", "cy", "rx", "ry"))
        return _ellipse(x, y, wide, high, height, width)
    return _boxed(shape, height, width)


def _ellipse(x: float, y: float, wide: float, high: float, height: int, width: int) -> Covered:
    """Pixels whose centre is within the half axes `wide` and `high`."""
    if not (wide > 0 and high > 0):
        raise StudioError("it has no area")
    right, down = (np.arange(width) + 0.5 - x) * high, ((np.arange(height) + 0.5 - y) * wide)[:, None]
    return whole(right * right + down * down <= (wide * high) ** 2)


def _boxed(shape: dict[str, str], height: int, width: int) -> Covered:
    """Run lengths of a box, row by row, beginning with the pixels outside."""
    left, top, wide, high = (int(float(shape[key])) for key in ("left", "top", "width", "height"))
    if left < 0 or top < 0 or wide < 1 or high < 1 or left + wide > width or top + high > height:
        raise StudioError("its mask reaches out of the image")
    counts = [int(count) for count in shape["rle"].split(",")]
    if min(counts) < 0 or sum(counts) != wide * high:
        raise StudioError("its run lengths are not those of its box")
    return (slice(top, top + high), slice(left, left + wide)), decode(counts, wide, high).T


def write(items: Iterable[Item], classes: Sequence[MaskClass]) -> Iterator[Part]:
    """A `<mask>` for each class on each image; images without one are listed too."""
    names = {known.number: known.name for known in classes}
    images = []
    for place, item in enumerate(items):
        yield from item.photograph("images/")
        height, width = item.size
        masks = [_mask(names[number], where) for number, where in item.areas()]
        opening = f'<image id="{place}" name={quoteattr(item.file)} width="{width}" height="{height}">'
        images += [opening, *masks, "</image>"]
    labels = [
        f"<label><name>{_escaped(known.name)}</name><color>{known.colour}</color><type>mask</type></label>"
        for known in classes
    ]
    head = ['<?xml version="1.0" encoding="utf-8"?>', "<annotations>", "<version>1.1</version>"]
    meta = ["<meta><task><mode>annotation</mode><labels>", *labels, "</labels></task></meta>"]
    yield "annotations.xml", "\n".join([*head, *meta, *images, "</annotations>", ""]).encode()


def _mask(name: str, where: np.ndarray) -> str:
    """Run lengths of the smallest box around the mask, row by row, beginning with those outside."""
    rows, columns = np.flatnonzero(where.any(1)), np.flatnonzero(where.any(0))
    part = where[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    runs = ", ".join(map(str, encode(part.T)))  # which goes column by column
    box = f'left="{columns[0]}" top="{rows[0]}" width="{part.shape[1]}" height="{part.shape[0]}"'
    return f'<mask label={quoteattr(name)} source="manual" occluded="0" rle="{runs}" {box} z_order="0"></mask>'


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;")


FORMAT = Format(
    "CVAT",
    {
        "cvat": Export(
            "CVAT for images 1.1",
            "To go on in CVAT: one XML for all images, every pixel as it was drawn.",
            write,
        )
    },
    Reader(files=".xml in CVAT's form for images", suffixes=(".xml",), read=read),
)
