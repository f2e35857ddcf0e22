"""COCO's JSON, `annotations/instances_default.json`, with the photographs in `images/`."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np
from pycocotools import mask as coco_mask

from studio.annotation.outlines import outlines
from studio.formats.items import Item, Part
from studio.store.tables import ImageClass

Shapes = Callable[[np.ndarray], Iterator[dict[str, Any]]]


def write_runs(items: Iterable[Item], classes: Sequence[ImageClass]) -> Iterator[Part]:
    """Run lengths in COCO's packed form: an annotation for each class on each image."""
    return _write(items, classes, _runs)


def write_polygons(items: Iterable[Item], classes: Sequence[ImageClass]) -> Iterator[Part]:
    """Polygons along the edges of pixels: an annotation for each area, holes joined to its outline by a bridge."""
    return _write(items, classes, _polygons)


def _write(items: Iterable[Item], classes: Sequence[ImageClass], shapes: Shapes) -> Iterator[Part]:
    images: list[str] = []  # as text, which is small
    annotations: list[str] = []
    for item in items:
        yield from item.photograph("images/")
        size = {"height": item.image.height, "width": item.image.width}
        images.append(_text({"id": item.image.id, "file_name": item.file} | size))
        for number, where in item.areas():
            for shape in shapes(where):
                own = {"id": len(annotations) + 1, "image_id": item.image.id, "category_id": number, "iscrowd": 0}
                annotations.append(_text(own | shape))
    categories = [_text({"id": one.number, "name": one.name, "supercategory": ""}) for one in classes]
    lists = {"images": images, "categories": categories, "annotations": annotations}
    parts = (f'"{key}": [\n' + ",\n".join(rows) + "\n]" for key, rows in lists.items())
    yield "annotations/instances_default.json", ("{\n" + ",\n".join(parts) + "\n}\n").encode()


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _runs(where: np.ndarray) -> Iterator[dict[str, Any]]:
    packed = coco_mask.encode(np.asfortranarray(where.astype(np.uint8)))
    segmentation = {"size": list(where.shape), "counts": packed["counts"].decode()}
    box = [int(one) for one in coco_mask.toBbox(packed)]
    yield {"segmentation": segmentation, "area": int(where.sum()), "bbox": box}


def _polygons(where: np.ndarray) -> Iterator[dict[str, Any]]:
    for points in outlines(where):
        x, y = points.T
        area = abs(int((x * np.roll(y, -1) - y * np.roll(x, -1)).sum())) // 2  # holes count off, bridges nothing
        left, top = points.min(0).tolist()
        right, bottom = points.max(0).tolist()
        box = [left, top, right - left, bottom - top]
        yield {"segmentation": [points.ravel().tolist()], "area": area, "bbox": box}
