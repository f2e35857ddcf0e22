"""COCO's JSON. Written: `annotations/instances_default.json`, with the photographs in `images/`."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np
from pycocotools import mask as coco_mask

from studio.annotation.outlines import outlines
from studio.annotation.pixels import decode
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
from studio.formats.shapes import Covered, check_size, draw_shapes, polygon, whole


def read(file: MaskFile) -> Iterator[ImageMasks]:
    """The masks of each image that has annotations."""
    with naming_damage("COCO"):
        names = {category["id"]: str(category["name"]) for category in file.json["categories"]}
        images = {image["id"]: image for image in file.json["images"]}
        shapes: dict[Any, dict[str, list[Any]]] = defaultdict(lambda: defaultdict(list))
        for annotation in file.json["annotations"]:
            image, name = images[annotation["image_id"]], names[annotation["category_id"]]
            shapes[image["id"]][name].append(annotation["segmentation"])
        for key, own in shapes.items():
            size = check_size(images[key]["height"], images[key]["width"])
            yield masks_of_image(images[key]["file_name"], size, partial(draw_shapes, own, draw_shape))


def draw_shape(segmentation: Any, height: int, width: int) -> Covered:
    """A segmentation, run lengths or polygons, as pycocotools draws it."""
    if isinstance(segmentation, dict):
        return whole(_read_runs(segmentation, height, width))
    if len(segmentation) == 1:
        return polygon(segmentation[0], height, width)
    where = np.zeros((height, width), bool)
    for points in segmentation:
        box, part = polygon(points, height, width)
        where[box] |= part
    return whole(where)


def _read_runs(segmentation: Any, height: int, width: int) -> np.ndarray:
    if tuple(segmentation["size"]) != (height, width):
        raise StudioError("a run length has another size than its image")
    counts = segmentation["counts"]
    counts = _unpacked(counts) if isinstance(counts, str) else counts
    if not all(type(count) is int and count >= 0 for count in counts) or sum(counts) != height * width:
        raise StudioError("its run lengths are damaged: they are not those of its image")
    return decode(counts, height, width)


def _unpacked(text: str) -> list[int]:
    """Run lengths of COCO's packed form: six bits a letter, lowest first, and from the third on as differences.

    As `rleFrString` of pycocotools' maskApi.c, which reads on behind the end of a damaged text.
    """
    counts: list[int] = []
    value = shift = 0
    for letter in text:
        bits = ord(letter) - 48
        if not 0 <= bits < 64 or shift > 30:
            raise StudioError("its packed run lengths are damaged")
        value |= (bits & 31) << shift
        shift += 5
        if not bits & 32:
            value -= (1 << shift) if bits & 16 else 0
            counts.append(value + (counts[-2] if len(counts) > 2 else 0))
            value = shift = 0
    if shift:
        raise StudioError("its packed run lengths are cut off")
    return counts


def write(
    items: Iterable[Item], classes: Sequence[MaskClass], shapes: Callable[[np.ndarray], Iterator[dict[str, Any]]]
) -> Iterator[Part]:
    """One JSON for all images; `shapes` gives the annotations of a class on an image."""
    images: list[str] = []  # as text, which is small
    annotations: list[str] = []
    for item in items:
        yield from item.photograph("images/")
        height, width = item.size
        images.append(_text({"id": item.id, "file_name": item.file, "height": height, "width": width}))
        for number, where in item.areas():
            for shape in shapes(where):
                own = {"id": len(annotations) + 1, "image_id": item.id, "category_id": number, "iscrowd": 0}
                annotations.append(_text(own | shape))
    categories = [_text({"id": known.number, "name": known.name, "supercategory": ""}) for known in classes]
    lists = {"images": images, "categories": categories, "annotations": annotations}
    parts = (f'"{key}": [\n' + ",\n".join(rows) + "\n]" for key, rows in lists.items())
    yield "annotations/instances_default.json", ("{\n" + ",\n".join(parts) + "\n}\n").encode()


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _runs(where: np.ndarray) -> Iterator[dict[str, Any]]:
    """Run lengths in COCO's packed form: one annotation."""
    packed = coco_mask.encode(np.asfortranarray(where.astype(np.uint8)))
    segmentation = {"size": list(where.shape), "counts": packed["counts"].decode()}
    box = [int(side) for side in coco_mask.toBbox(packed)]
    yield {"segmentation": segmentation, "area": int(where.sum()), "bbox": box}


def _polygons(where: np.ndarray) -> Iterator[dict[str, Any]]:
    """Polygons along the edges of pixels: an annotation for each area, holes joined to its outline by a bridge."""
    for points in outlines(where):
        x, y = points.T
        area = abs(int((x * np.roll(y, -1) - y * np.roll(x, -1)).sum())) // 2  # holes count off, bridges nothing
        left, top = points.min(0).tolist()
        right, bottom = points.max(0).tolist()
        box = [left, top, right - left, bottom - top]
        yield {"segmentation": [points.ravel().tolist()], "area": area, "bbox": box}


FORMAT = Format(
    "COCO",
    {
        "coco": Export(
            "COCO, run lengths",
            "For training programs that read COCO: one JSON for all images, every pixel as it was drawn.",
            partial(write, shapes=_runs),
        ),
        "coco-polygons": Export(
            "COCO, polygons",
            "For training programs that want outlines: one JSON for all images. pycocotools reads the same pixels "
            "back; supervision draws outlines a pixel farther to the right and below, which made thin cracks 12 to "
            "16 % larger where it was measured: take run lengths for it.",
            partial(write, shapes=_polygons),
        ),
    },
    Reader(
        files=".json in COCO's form (it has annotations)",
        suffixes=(".json",),
        read=read,
        fits=lambda file: isinstance(file.json, dict) and "annotations" in file.json,
    ),
)
