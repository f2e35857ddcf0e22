"""Labelme: a JSON for each image in `images/`, beside its photograph, where Labelme looks for it."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from studio.formats.items import Item, Part, png
from studio.store.tables import ImageClass


def write(items: Iterable[Item], classes: Sequence[ImageClass]) -> Iterator[Part]:
    """A shape of type "mask" for each class on each image; images on which nothing was drawn have no JSON."""
    names = {one.number: one.name for one in classes}
    for item in items:
        yield from item.photograph("images/")
        if item.drawn:
            value: dict[str, Any] = {
                "version": "5.5.0",
                "flags": {},
                "shapes": [_shape(names[number], where) for number, where in item.areas()],
                "imagePath": item.file,
                "imageData": None,
                "imageHeight": item.image.height,
                "imageWidth": item.image.width,
            }
            yield f"images/{item.stem}.json", json.dumps(value, ensure_ascii=False, indent=1).encode()


def _shape(name: str, where: np.ndarray) -> dict[str, Any]:
    """The mask within its box, whose second corner is the last pixel itself."""
    rows, columns = np.flatnonzero(where.any(1)), np.flatnonzero(where.any(0))
    part = where[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    corners = [[int(columns[0]), int(rows[0])], [int(columns[-1]), int(rows[-1])]]
    encoded = base64.b64encode(png(part.astype(np.uint8) * 255)).decode()
    shape = {"label": name, "points": corners, "shape_type": "mask", "mask": encoded}
    return shape | {"group_id": None, "description": "", "flags": {}}
