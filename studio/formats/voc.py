"""Pascal VOC: masks whose colours mean classes, which `labelmap.txt` names.

Written: index masks in VOC's colours in `SegmentationClass/`, `labelmap.txt`, `JPEGImages/`, `ImageSets/`.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from ftl.data.images import open_upright, to_eight_bits
from studio.errors import StudioError
from studio.formats.format import (
    Companion,
    Export,
    Format,
    ImageMasks,
    Item,
    MaskClass,
    MaskFile,
    Part,
    Reader,
    Table,
)
from studio.formats.png import PICTURES, Parts, read_picture

_BLACK = (0, 0, 0)
_VOID = (224, 224, 192)  # VOC's colour of what was not judged


def read(file: MaskFile) -> Iterator[ImageMasks]:
    """The masks of a picture, whose colours mean the names of labelmap.txt."""
    yield read_picture(file, lambda: _coloured(file.draft, file.beside.tables[COLOURS]))


def _coloured(picture: Path, names: Table) -> tuple[np.ndarray, Parts]:
    channels = np.asarray(to_eight_bits(open_upright(picture)).convert("RGB")).astype(np.int32)
    values = channels[..., 0] << 16 | channels[..., 1] << 8 | channels[..., 2]
    parts: Parts = []
    for value in np.unique(values).tolist():
        colour = (value >> 16, value >> 8 & 255, value & 255)
        if colour not in names and colour != _VOID:
            raise StudioError(f"it holds the colour {','.join(map(str, colour))}, which labelmap.txt gives no name")
        if name := names.get(colour, ""):
            parts.append((name, values == value))
    return values, parts


def _learn_colours(name: str, text: str, known: Table) -> Table:
    """Lines of `name:red,green,blue:parts:actions`, with comments behind a #; "" names what is no class."""
    found: Table = {}
    for line in filter(str.strip, text.splitlines()):
        name, _, rest = line.partition(":")
        match = re.fullmatch(r"\s*(\d{1,3})\s*,\s*(\d{1,3})\s*,\s*(\d{1,3})\s*", rest.partition(":")[0])
        if match is None:
            if line.startswith("#"):
                continue
            raise ValueError(f"a line is not as in Crack:255,0,0:: but {line[:40]}")
        red, green, blue = (int(part) for part in match.groups())
        if max(red, green, blue) > 255 or (red, green, blue) in found:
            raise ValueError(f"the colour of {name[:40]} is none, or another's")
        nothing = name.strip().lower() == "background" and (red, green, blue) == _BLACK
        found[red, green, blue] = "" if nothing else name.strip()
    return {_BLACK: ""} | found


COLOURS = Companion(("*/labelmap.txt",), _learn_colours)


def palette() -> np.ndarray:
    """VOC's colours, uint8 (256, 3): the bits of the index, dealt out to red, green and blue."""
    index = np.arange(256)
    colours = np.zeros((256, 3), np.uint8)
    for bit in range(8):
        for channel in range(3):
            colours[:, channel] |= (((index >> (3 * bit + channel)) & 1) << (7 - bit)).astype(np.uint8)
    return colours


def write(items: Iterable[Item], classes: Sequence[MaskClass]) -> Iterator[Part]:
    """Masks whose values are the classes' numbers, in VOC's own colours, which `labelmap.txt` names.

    VOC's programs look for `.jpg` only, so every photograph is one. `ImageSets/Segmentation` lists the images on which
    something was drawn: `trainval`, of it `val` those fixed to "test", and `train` the others.
    """
    colours = palette()
    sides: dict[str, list[str]] = {"train": [], "val": [], "trainval": []}
    for item in items:
        yield from item.photograph("JPEGImages/", jpeg=True)
        if item.drawn:
            yield f"SegmentationClass/{item.stem}.png", _png(item.mask, colours)
            for side in ("val" if item.split == "test" else "train", "trainval"):
                sides[side].append(f"{item.stem}\n")
    for side, stems in sides.items():
        yield f"ImageSets/Segmentation/{side}.txt", "".join(stems).encode()
    entries = [("background", 0), *((known.name, known.number) for known in classes)]
    lines = [f"{name}:{','.join(map(str, colours[number]))}::\n" for name, number in entries]
    yield "labelmap.txt", "".join(["# label:color_rgb:parts:actions\n", *lines]).encode()


def _png(mask: np.ndarray, colours: np.ndarray) -> bytes:
    image = Image.fromarray(mask).convert("L")
    image.putpalette(colours.ravel().tolist())
    buffer = io.BytesIO()
    image.save(buffer, "PNG", bits=8)
    return buffer.getvalue()


FORMAT = Format(
    "Pascal VOC",
    {
        "voc": Export(
            "Pascal VOC",
            "For programs that read VOC, or to look at: coloured PNGs, every pixel as drawn, photographs as JPEG.",
            write,
        )
    },
    Reader(
        files="Pascal VOC's .png together with their labelmap.txt",
        suffixes=PICTURES,
        read=read,
        fits=lambda file: COLOURS in file.beside.tables,
        companion=COLOURS,
        ignored=("*/imagesets/*", "*/trainval.txt", "*/default.txt"),
        masks_in=("segmentationclass",),
        photographs_in=("jpegimages", "segmentationobject"),  # the second tells objects apart and no classes
    ),
)
