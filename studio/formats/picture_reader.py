"""Masks that are pictures: black and white, index masks, coloured ones."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

import numpy as np

from ftl.data.images import open_upright, to_eight_bits
from ftl.data.masks import read_mask
from ftl.errors import FtlError
from studio.errors import StudioError
from studio.formats.companion_files import Colour, Sidecars
from studio.formats.read_masks import Found, Label

_LARGEST_ID = 64  # a grey picture whose values are all small, or 255 for "not judged", holds class numbers
_NOT_JUDGED = 255
_VOID = (224, 224, 192)  # VOC's colour of what was not judged

Parts = list[tuple[Label, np.ndarray] | StudioError]


def read_picture(path: PurePosixPath, file: Path, beside: Sidecars) -> Found:
    """The masks of a picture. Raises `StudioError` for one that cannot be read."""
    try:
        if beside.colours is not None:
            size, parts = _coloured(file, beside.colours)
        elif beside.numbers is not None:
            size, parts = _numbered(path, file, beside.numbers)
        else:
            size, parts = _plain(file)
    except FtlError as error:
        raise StudioError(str(error).replace(str(file), "it")) from error
    return Found(None, path.stem, size, lambda *_: iter(parts))


def _plain(file: Path) -> tuple[tuple[int, int], Parts]:
    """A picture that comes alone: small values and palette indices are the project's numbers."""
    values, coloured = _values(file)
    ids = sorted(set(np.unique(values).tolist()) - {0, _NOT_JUDGED}) if values is not None else []
    if values is not None and ids and ids != [1] and (coloured or ids[-1] <= _LARGEST_ID):
        return _size(values), [(number, values == number) for number in ids]
    where = read_mask(file) > 127
    return _size(where), [(None, where)]


def _numbered(path: PurePosixPath, file: Path, names: dict[int, str]) -> tuple[tuple[int, int], Parts]:
    """A picture beside a classes.json: values mean its names; 0 and 255 alone mean the class that its folder names."""
    values, _ = _values(file)
    ids = set(np.unique(values).tolist()) - {0} if values is not None else {_NOT_JUDGED}
    if ids == {_NOT_JUDGED}:
        folder = path.parent.name
        known = folder.lower() in (name.lower() for name in names.values())
        where = read_mask(file) > 127
        return _size(where), [(folder if known else None, where)]
    unknown = sorted(ids - names.keys() - {_NOT_JUDGED})
    if values is None or unknown:
        raise StudioError(f"it holds {', '.join(map(str, unknown[:5]))}, which classes.json gives no name")
    return _size(values), [(names[one], values == one) for one in sorted(ids - {_NOT_JUDGED})]


def _coloured(file: Path, names: dict[Colour, str]) -> tuple[tuple[int, int], Parts]:
    """A picture beside a labelmap.txt: colours mean its names."""
    channels = np.asarray(to_eight_bits(open_upright(file)).convert("RGB")).astype(np.int32)
    values = channels[..., 0] << 16 | channels[..., 1] << 8 | channels[..., 2]
    parts: Parts = []
    for value in np.unique(values).tolist():
        colour = (value >> 16, value >> 8 & 255, value & 255)
        if colour not in names and colour != _VOID:
            raise StudioError(f"it holds the colour {','.join(map(str, colour))}, which labelmap.txt gives no name")
        if name := names.get(colour, ""):
            parts.append((name, values == value))
    return _size(values), parts


def _size(values: np.ndarray) -> tuple[int, int]:
    return values.shape[0], values.shape[1]


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
