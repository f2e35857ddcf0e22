"""COCO's and Labelme's JSON."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

from studio.errors import StudioError
from studio.formats.read_masks import BROKEN, Found, check_size, draw_shapes, named
from studio.formats.shapes import coco_shape, labelme_shape

_MOST_BYTES = 200 * 2**20


def read_json(path: PurePosixPath, file: Path) -> Iterator[Found]:
    """The masks of a JSON file. Raises `StudioError` for one that is damaged or of another form."""
    if file.stat().st_size > _MOST_BYTES:
        raise StudioError(f"it is larger than {_MOST_BYTES // 2**20} MB: split it")
    try:
        value = json.loads(file.read_bytes())
    except (ValueError, RecursionError) as error:
        raise StudioError(f"this is no JSON ({error})") from error
    if isinstance(value, dict) and "shapes" in value:
        form, read = "Labelme", lambda: _labelme(path, value)
    elif isinstance(value, dict) and "annotations" in value:
        form, read = "COCO", lambda: _coco(value)
    else:
        raise StudioError("this is neither COCO's nor Labelme's form: it has no annotations and no shapes")
    try:
        yield from read()
    except BROKEN as error:
        raise StudioError(f"this {form} file is damaged ({error!r:.100})") from error


def _labelme(path: PurePosixPath, value: dict[str, Any]) -> Iterator[Found]:
    size = check_size(value["imageHeight"], value["imageWidth"])
    shapes: dict[str, list[Any]] = defaultdict(list)
    for shape in value["shapes"]:
        shapes[str(shape["label"])].append(shape)
    yield named(value.get("imagePath") or path, size, partial(draw_shapes, shapes, labelme_shape))


def _coco(value: dict[str, Any]) -> Iterator[Found]:
    names = {one["id"]: str(one["name"]) for one in value["categories"]}
    images = {one["id"]: one for one in value["images"]}
    shapes: dict[Any, dict[str, list[Any]]] = defaultdict(lambda: defaultdict(list))
    for one in value["annotations"]:
        shapes[images[one["image_id"]]["id"]][names[one["category_id"]]].append(one["segmentation"])
    for key, own in shapes.items():
        size = check_size(images[key]["height"], images[key]["width"])
        yield named(images[key]["file_name"], size, partial(draw_shapes, own, coco_shape))
