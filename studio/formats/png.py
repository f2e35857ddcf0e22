"""Masks that are pictures: black and white ones, and index masks, whose values are the numbers of classes.

Written: the folders that `ftl` reads, `Images/<class>/` and `Segmented/<class>/`, with `classes.json`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np

from ftl.data.images import open_upright, to_eight_bits
from ftl.data.masks import read_mask
from ftl.errors import FtlError
from studio.errors import StudioError
from studio.formats.format import (
    Companion,
    Export,
    Format,
    ImageMasks,
    Item,
    Label,
    MaskClass,
    MaskFile,
    Part,
    Reader,
    Table,
)

PICTURES = (".png", ".bmp", ".tif", ".tiff")
"""Suffixes of pictures that lose nothing; what lost something is a photograph."""

_LARGEST_ID = 64  # a grey picture whose values are all small, or 255 for "not judged", holds class numbers
_NOT_JUDGED = 255
_UNSORTED = "Unsorted"  # the folder of photographs that have no class

Parts = list[tuple[Label, np.ndarray] | StudioError]


def read(file: MaskFile) -> Iterator[ImageMasks]:
    """The masks of a picture, whose values mean what classes.json says if there is one."""
    names = file.beside.tables.get(NUMBERS)
    yield read_picture(file, lambda: _plain(file.draft) if names is None else _numbered(file, names))


def read_picture(file: MaskFile, decode: Callable[[], tuple[np.ndarray, Parts]]) -> ImageMasks:
    """The masks of a picture, as `decode` gives them with an array of the picture's (height, width).

    Raises `StudioError` for one that cannot be read.
    """
    try:
        values, parts = decode()
    except FtlError as error:
        raise StudioError(str(error).replace(str(file.draft), "it")) from error
    return ImageMasks(None, file.path.stem, (values.shape[0], values.shape[1]), lambda *_: iter(parts))


def _plain(picture: Path) -> tuple[np.ndarray, Parts]:
    """A picture that comes alone: small values and palette indices are the project's numbers."""
    values, coloured = _values(picture)
    ids = sorted(set(np.unique(values).tolist()) - {0, _NOT_JUDGED}) if values is not None else []
    if values is not None and ids and ids != [1] and (coloured or ids[-1] <= _LARGEST_ID):
        return values, [(number, values == number) for number in ids]
    where = read_mask(picture) > 127
    return where, [(None, where)]


def _numbered(file: MaskFile, names: Table) -> tuple[np.ndarray, Parts]:
    """A picture beside a classes.json: values mean its names; 0 and 255 alone mean the class that its folder names."""
    values, _ = _values(file.draft)
    ids = set(np.unique(values).tolist()) - {0} if values is not None else {_NOT_JUDGED}
    if ids == {_NOT_JUDGED}:
        folder = file.path.parent.name
        known = folder.lower() in (name.lower() for name in names.values())
        where = read_mask(file.draft) > 127
        return where, [(folder if known else None, where)]
    unknown = sorted(ids - names.keys() - {_NOT_JUDGED})
    if values is None or unknown:
        raise StudioError(f"it holds {', '.join(map(str, unknown[:5]))}, which classes.json gives no name")
    return values, [(names[number], values == number) for number in sorted(ids - {_NOT_JUDGED})]


def _values(picture: Path) -> tuple[np.ndarray | None, bool]:
    """Palette indices or grey levels as they are stored, and whether a palette gives them colours.

    None for pictures that are read by their brightness. Raises `StudioError` for one in several colours.
    """
    image = to_eight_bits(open_upright(picture))
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


def _learn_numbers(name: str, text: str, known: Table) -> Table:
    table = json.loads(text)
    if not isinstance(table, dict) or not all(type(number) is int for number in table.values()):
        raise ValueError('it holds names and numbers, as {"Crack": 1}')
    found = {number: name for name, number in table.items()}
    if len(found) < len(table):
        raise ValueError("two names have the same number")
    return found


NUMBERS = Companion(("*/classes.json",), _learn_numbers)


def write_index(items: Iterable[Item], classes: Sequence[MaskClass]) -> Iterator[Part]:
    """Index masks, in the folders of the photographs' classes: 0 where nothing is drawn, else the class's number.

    `classes.json` tells the numbers of the names; it lies beside the masks as well, where `ftl` looks for it. Images
    on which nothing was drawn have no mask.
    """
    yield from ((name, _numbers(classes)) for name in ("classes.json", "Segmented/classes.json"))
    for item in items:
        folder = _UNSORTED if item.class_name is None else item.class_name
        yield from item.photograph(f"Images/{folder}/")
        if item.drawn:
            yield f"Segmented/{folder}/{item.stem}.png", encode(item.mask)


def write_classes(items: Iterable[Item], classes: Sequence[MaskClass]) -> Iterator[Part]:
    """A mask for each class on each image, 0 and 255, in the class's folder; the photograph lies in each of them.

    Images without a mask are left out, for `ftl` wants one for every photograph.
    """
    names = {known.number: known.name for known in classes}
    yield "classes.json", _numbers(classes)
    for item in items:
        for number, where in item.areas():
            yield from item.photograph(f"Images/{names[number]}/")
            yield f"Segmented/{names[number]}/{item.stem}.png", encode(where.astype(np.uint8) * 255)


def _numbers(classes: Sequence[MaskClass]) -> bytes:
    return json.dumps({known.name: known.number for known in classes}, ensure_ascii=False).encode()


def encode(values: np.ndarray) -> bytes:
    """A grey image, uint8 (height, width), as PNG."""
    return cv2.imencode(".png", values)[1].tobytes()


FORMAT = Format(
    "PNG",
    {
        "index": Export(
            "Index masks (PNG)",
            "For programs: one PNG for each photograph, whose values are the numbers of the classes, named by "
            "classes.json. Most viewers show it as black.",
            write_index,
        ),
        "classes": Export(
            "Black and white, a mask for each class (PNG)",
            "White where the class is drawn: any viewer shows it, and the ftl command line reads it. A folder for each "
            "class; photographs on which nothing is drawn are left out.",
            write_classes,
        ),
    },
    Reader(
        files=".png files",
        suffixes=PICTURES,
        read=read,
        companion=NUMBERS,
        masks_in=("segmented", "masks"),
    ),
)
