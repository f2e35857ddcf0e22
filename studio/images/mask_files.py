"""Files that hold masks: pictures, COCO's and Labelme's JSON."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator
from collections.abc import Set as AbstractSet
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO, NamedTuple

import numpy as np
from PIL import Image as Picture
from pycocotools import mask as coco_mask

from ftl.errors import FtlError
from ftl.images import MAX_PIXELS
from ftl.masks import read_mask
from studio.annotation.fold import Drawn, cover
from studio.errors import StudioError
from studio.home import home


class Found(NamedTuple):
    """A mask: the stem of its image's name, the number of its class, and its pixels, bool (height, width)."""

    stem: str
    number: int
    where: np.ndarray


def read_masks(
    name: str, file: BinaryIO, class_number: int, numbers: AbstractSet[int], number_of: Callable[[str], int]
) -> Iterator[Found]:
    """The masks of a file. Raises `StudioError` for one that cannot be read.

    `numbers`: those that an index mask may hold; `class_number`: the class of a mask that holds one only; `number_of`
    gives the number of a class by its name.
    """
    suffix = PurePosixPath(name).suffix.lower()
    if suffix == ".json":
        try:
            value = json.load(file)
        except (ValueError, RecursionError) as error:
            raise StudioError(f"this is no JSON ({error})") from error
        if isinstance(value, dict) and "shapes" in value:
            yield from _labelme(name, value, number_of)
        elif isinstance(value, dict) and "annotations" in value:
            yield from _coco(value, number_of)
        else:
            raise StudioError("this is neither COCO's nor Labelme's form: it has no annotations and no shapes")
    elif suffix in (".png", ".bmp", ".tif", ".tiff"):
        yield from _picture(name, file, class_number, numbers)
    else:
        raise StudioError("masks are .png files, or .json in COCO's or Labelme's form")


def _picture(name: str, file: BinaryIO, class_number: int, numbers: AbstractSet[int]) -> Iterator[Found]:
    stem = PurePosixPath(name.replace("\\", "/")).stem
    with tempfile.NamedTemporaryFile(dir=home(), prefix=".upload-", suffix=".png") as draft:
        draft.write(file.read())
        draft.flush()
        path = Path(draft.name)
        try:
            values = _index(path)
            present = set(np.unique(values).tolist()) - {0} if values is not None else set()
            if values is not None and present and present != {1} and present <= numbers:
                for number in sorted(present):
                    yield Found(stem, number, values == number)
                return
            yield Found(stem, class_number, read_mask(path) > 127)
        except FtlError as error:
            raise StudioError(str(error).replace(str(path), "it")) from error


def _index(path: Path) -> np.ndarray | None:
    """The values of a one-channel 8-bit picture, if they can be class numbers; None for any other."""
    try:
        with Picture.open(path, formats=("PNG", "BMP", "TIFF")) as picture:
            if picture.mode not in ("L", "P") or picture.width * picture.height > MAX_PIXELS:
                return None
            values = np.asarray(picture)
    except Exception:  # read_mask says what is wrong with it
        return None
    return values if values.max(initial=0) < 255 else None


def _polygon(points: Any, height: int, width: int) -> np.ndarray:
    where = np.zeros((height, width), bool)
    geometry = {"points": np.asarray(points, float).reshape(-1, 2).tolist()}
    box, part = cover(Drawn("", "polygon", 1, geometry, 0), height, width)
    where[box] = part
    return where


def _labelme(name: str, value: dict[str, Any], number_of: Callable[[str], int]) -> Iterator[Found]:
    try:
        height, width = int(value["imageHeight"]), int(value["imageWidth"])
        stem = PurePosixPath(str(value.get("imagePath") or name).replace("\\", "/")).stem
        by_class: dict[str, np.ndarray] = {}
        for shape in value["shapes"]:
            points = shape["points"]
            if shape.get("shape_type", "polygon") == "rectangle":
                (x0, y0), (x1, y1) = points
                points = [[x0, y0], [x1, y0], [x1, y1], [x0, y1]]
            elif shape.get("shape_type", "polygon") != "polygon":
                raise StudioError(f"a shape is a {shape['shape_type']}: only polygons and rectangles are taken")
            where = by_class.setdefault(str(shape["label"]), np.zeros(_size(height, width), bool))
            where |= _polygon(points, height, width)
    except (KeyError, TypeError, ValueError) as error:
        raise StudioError(f"this Labelme file is damaged ({error!r})") from error
    for label, where in by_class.items():
        yield Found(stem, number_of(label), where)


def _coco(value: dict[str, Any], number_of: Callable[[str], int]) -> Iterator[Found]:
    try:
        names = {one["id"]: str(one["name"]) for one in value["categories"]}
        images = {one["id"]: one for one in value["images"]}
        masks: dict[tuple[int, int], np.ndarray] = {}
        for one in value["annotations"]:
            image = images[one["image_id"]]
            height, width = _size(int(image["height"]), int(image["width"]))
            where = masks.setdefault((one["image_id"], one["category_id"]), np.zeros((height, width), bool))
            drawn = one["segmentation"]
            if isinstance(drawn, dict):
                if tuple(drawn["size"]) != (height, width):
                    raise StudioError("a run length has another size than its image")
                packed = coco_mask.frPyObjects(drawn, height, width) if isinstance(drawn["counts"], list) else drawn
                where |= coco_mask.decode(packed).astype(bool)
            else:
                for points in drawn:
                    where |= _polygon(points, height, width)
        found = [(images[image], names[category], where) for (image, category), where in masks.items()]
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise StudioError(f"this COCO file is damaged ({error!r})") from error
    for image, name, where in found:
        stem = PurePosixPath(str(image["file_name"]).replace("\\", "/")).stem
        yield Found(stem, number_of(name), where)


def _size(height: int, width: int) -> tuple[int, int]:
    if min(height, width) < 1 or height * width > MAX_PIXELS:
        raise StudioError(f"an image of {width} x {height} pixels is none")
    return height, width
