"""Labelme's JSON. Written: one for each image in `images/`, beside its photograph, where Labelme looks for it."""

from __future__ import annotations

import base64
import io
import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

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
from studio.formats.png import encode
from studio.formats.shapes import Covered, check_size, corners, draw_shapes, near, no_area, whole


def read(file: MaskFile) -> Iterator[ImageMasks]:
    """The masks of the one image of a file."""
    with naming_damage("Labelme"):
        size = check_size(file.json["imageHeight"], file.json["imageWidth"])
        shapes: dict[str, list[Any]] = defaultdict(list)
        for shape in file.json["shapes"]:
            shapes[str(shape["label"])].append(shape)
        yield masks_of_image(file.json.get("imagePath") or file.path, size, partial(draw_shapes, shapes, draw_shape))


def draw_shape(shape: Any, height: int, width: int) -> Covered:
    """A shape, polygon, rectangle, circle or mask, as Labelme draws it (with Pillow)."""
    kind, points = shape.get("shape_type") or "polygon", shape["points"]
    if kind not in ("polygon", "rectangle", "circle", "mask"):
        raise no_area(kind)
    if kind == "polygon":
        ring = list(map(tuple, corners(points, height, width)))
        return _drawn(lambda draw: draw.polygon(ring, fill=1, outline=1), height, width)
    (x0, y0), (x1, y1) = np.asarray(points, float)
    if kind == "mask":
        return _pasted(shape["mask"], round(x0), round(y0), height, width)
    radius = float(np.hypot(x1 - x0, y1 - y0))
    ends = [(x0 - radius, y0 - radius), (x0 + radius, y0 + radius)]  # of a circle: its centre and a point on it
    if kind == "rectangle":
        ends = [(min(x0, x1), min(y0, y1)), (max(x0, x1), max(y0, y1))]
    box = [tuple(end) for end in near(np.array(ends), height, width).tolist()]
    if kind == "rectangle":
        return _drawn(lambda draw: draw.rectangle(box, fill=1, outline=1), height, width)
    return _drawn(lambda draw: draw.ellipse(box, fill=1, outline=1), height, width)


def _drawn(draw: Callable[[ImageDraw.ImageDraw], None], height: int, width: int) -> Covered:
    """What is drawn with Pillow in ones."""
    image = Image.new("L", (width, height))
    draw(ImageDraw.Draw(image))
    return whole(np.asarray(image) > 0)


def _pasted(encoded: str, left: int, top: int, height: int, width: int) -> Covered:
    """A small PNG in base64, laid on the image at its top left corner."""
    with Image.open(io.BytesIO(base64.b64decode(encoded)), formats=["PNG"]) as image:
        if left < 0 or top < 0 or left + image.width > width + 1 or top + image.height > height + 1:
            raise StudioError("its mask reaches out of the image")
        part = np.asarray(image.convert("L"))[: height - top, : width - left] > 0
    return (slice(top, top + part.shape[0]), slice(left, left + part.shape[1])), part


def write(items: Iterable[Item], classes: Sequence[MaskClass]) -> Iterator[Part]:
    """A shape of type "mask" for each class on each image; images on which nothing was drawn have no JSON."""
    names = {known.number: known.name for known in classes}
    for item in items:
        yield from item.photograph("images/")
        if item.drawn:
            height, width = item.size
            value: dict[str, Any] = {
                "version": "5.5.0",
                "flags": {},
                "shapes": [_shape(names[number], where) for number, where in item.areas()],
                "imagePath": item.file,
                "imageData": None,
                "imageHeight": height,
                "imageWidth": width,
            }
            yield f"images/{item.stem}.json", json.dumps(value, ensure_ascii=False, indent=1).encode()


def _shape(name: str, where: np.ndarray) -> dict[str, Any]:
    """The mask within its box, whose second corner is the last pixel itself."""
    rows, columns = np.flatnonzero(where.any(1)), np.flatnonzero(where.any(0))
    part = where[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    ends = [[int(columns[0]), int(rows[0])], [int(columns[-1]), int(rows[-1])]]
    encoded = base64.b64encode(encode(part.astype(np.uint8) * 255)).decode()
    shape = {"label": name, "points": ends, "shape_type": "mask", "mask": encoded}
    return shape | {"group_id": None, "description": "", "flags": {}}


FORMAT = Format(
    "Labelme",
    {"labelme": Export("Labelme", "To go on in Labelme: one JSON for each image, every pixel as it was drawn.", write)},
    Reader(
        files=".json in Labelme's form (it has shapes)",
        suffixes=(".json",),
        read=read,
        fits=lambda file: isinstance(file.json, dict) and "shapes" in file.json,
    ),
)
