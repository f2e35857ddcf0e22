"""Files that hold masks: pictures, COCO's and Labelme's JSON. What is read is not drawn until its image is found."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

import numpy as np

from ftl.errors import FtlError
from ftl.images import MAX_PIXELS, open_upright, to_eight_bits
from ftl.masks import read_mask
from studio.errors import StudioError
from studio.images.mask_shapes import coco_shape, labelme_shape

_MOST_JSON_BYTES = 200 * 2**20
_LARGEST_ID = 64  # a grey picture whose values are all small, or 255 for "not judged", holds class numbers
_BROKEN = (KeyError, TypeError, ValueError, AttributeError, IndexError, OverflowError, MemoryError)

Label = int | str | None
"""A class by its number or its name; None: the class that was chosen for masks that do not tell."""


class Found(NamedTuple):
    """The masks of one image: its name, if it is told, its stem, and (height, width) of the masks.

    `draw` gives (class, bool mask) pairs, or a `StudioError` instead of one that cannot be drawn.
    """

    name: str | None
    stem: str
    size: tuple[int, int]
    draw: Callable[[], Iterator[tuple[Label, np.ndarray] | StudioError]]


def read_masks(name: str, file: Path) -> Iterator[Found]:
    """The masks of an uploaded file of that name. Raises `StudioError` for one that cannot be read."""
    path = PurePosixPath(name.replace("\\", "/"))
    if path.suffix.lower() == ".json":
        yield from _json(path, file)
    elif path.suffix.lower() in (".png", ".bmp", ".tif", ".tiff"):
        try:
            found = _picture(file)
        except FtlError as error:
            raise StudioError(str(error).replace(str(file), "it")) from error
        yield Found(None, path.stem, found[0][1].shape, lambda: iter(found))
    else:
        raise StudioError("masks are .png files, or .json in COCO's or Labelme's form")


def _picture(file: Path) -> list[tuple[Label, np.ndarray]]:
    values, coloured = _values(file)
    ids = sorted(set(np.unique(values).tolist()) - {0, 255}) if values is not None else []
    if values is not None and ids and ids != [1] and (coloured or ids[-1] <= _LARGEST_ID):
        return [(number, values == number) for number in ids]
    return [(None, read_mask(file) > 127)]


def _values(file: Path) -> tuple[np.ndarray | None, bool]:
    """Palette indices or grey levels as they are stored, and whether a palette gives them colours.

    None for pictures that are read by their brightness. Raises `StudioError` for one in several colours.
    """
    image = to_eight_bits(open_upright(file))
    if image.mode == "P":
        used = np.array(image.getpalette("RGB"), np.uint8).reshape(-1, 3)[np.unique(np.asarray(image))]
        coloured = bool((used != used[:, :1]).any())
        return np.asarray(image if coloured else image.convert("L")), coloured
    if image.mode == "L":
        return np.asarray(image), False
    if image.mode not in ("RGB", "RGBA"):
        return None, False
    if image.mode == "RGBA" and image.getchannel("A").getextrema() != (255, 255):
        return None, False
    channels = np.asarray(image)[..., :3]
    if (channels == channels[..., :1]).all():
        return channels[..., 0], False
    lit = channels[channels.max(2) >= 127]
    strongest = lit == lit.max(1, keepdims=True, initial=0)
    if len(np.unique(strongest, axis=0)) > 1:
        raise StudioError("it has several colours: save it as an index mask, whose values are the classes' numbers")
    return None, False


def _json(path: PurePosixPath, file: Path) -> Iterator[Found]:
    if file.stat().st_size > _MOST_JSON_BYTES:
        raise StudioError(f"it is larger than {_MOST_JSON_BYTES // 2**20} MB: split it")
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
    except _BROKEN as error:
        raise StudioError(f"this {form} file is damaged ({error!r:.100})") from error


def _labelme(path: PurePosixPath, value: dict[str, Any]) -> Iterator[Found]:
    size = _size(value["imageHeight"], value["imageWidth"])
    named = PurePosixPath(str(value.get("imagePath") or path).replace("\\", "/"))
    shapes: dict[str, list[Any]] = defaultdict(list)
    for shape in value["shapes"]:
        shapes[str(shape["label"])].append(shape)
    yield Found(named.name, named.stem, size, lambda: _drawn(shapes, size, labelme_shape))


def _coco(value: dict[str, Any]) -> Iterator[Found]:
    names = {one["id"]: str(one["name"]) for one in value["categories"]}
    images = {one["id"]: one for one in value["images"]}
    shapes: dict[Any, dict[str, list[Any]]] = defaultdict(lambda: defaultdict(list))
    for one in value["annotations"]:
        shapes[images[one["image_id"]]["id"]][names[one["category_id"]]].append(one["segmentation"])
    for key, own in shapes.items():
        named = PurePosixPath(str(images[key]["file_name"]).replace("\\", "/"))
        size = _size(images[key]["height"], images[key]["width"])
        yield Found(named.name, named.stem, size, partial(_drawn, own, size, coco_shape))


def _drawn(
    shapes: dict[str, list[Any]], size: tuple[int, int], read: Callable[[Any, int, int], np.ndarray]
) -> Iterator[tuple[Label, np.ndarray] | StudioError]:
    """One mask a class, of all its shapes that can be read."""
    for label, own in shapes.items():
        where = np.zeros(size, bool)
        problems = 0
        for shape in own:
            try:
                where |= read(shape, *size)
            except StudioError as error:
                problems += 1
                yield StudioError(f"a shape of {label[:60]}: {error}")
            except _BROKEN as error:
                problems += 1
                yield StudioError(f"a shape of {label[:60]} is damaged ({error!r:.100})")
        if problems < len(own):
            yield label, where


def _size(height: Any, width: Any) -> tuple[int, int]:
    height, width = int(height), int(width)
    if min(height, width) < 1 or height * width > MAX_PIXELS:
        raise StudioError(f"an image of {width} x {height} pixels is none")
    return height, width
