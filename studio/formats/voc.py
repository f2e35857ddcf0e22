"""Pascal VOC: coloured index masks in `SegmentationClass/`, `labelmap.txt`, `JPEGImages/`, `ImageSets/`."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from PIL import Image as Picture

from studio.formats.items import Item, Part
from studio.formats.photographs import content
from studio.store.tables import ImageClass


def palette() -> np.ndarray:
    """VOC's colours, uint8 (256, 3): the bits of the index, dealt out to red, green and blue."""
    index = np.arange(256)
    colours = np.zeros((256, 3), np.uint8)
    for bit in range(8):
        for channel in range(3):
            colours[:, channel] |= (((index >> (3 * bit + channel)) & 1) << (7 - bit)).astype(np.uint8)
    return colours


def write(items: Iterable[Item], classes: Sequence[ImageClass]) -> Iterator[Part]:
    """Masks whose values are the classes' numbers, in VOC's own colours, which `labelmap.txt` names.

    VOC's programs look for `.jpg` only, so every photograph is one. `ImageSets/Segmentation` lists the images on which
    something was drawn: `trainval`, of it `val` those fixed to "test", and `train` the others.
    """
    colours = palette()
    sides: dict[str, list[str]] = {"train": [], "val": [], "trainval": []}
    for item in items:
        if item.photographs:
            yield f"JPEGImages/{item.stem}.jpg", content(item.image.sha256, item.head, jpeg=True)
        if item.drawn:
            yield f"SegmentationClass/{item.stem}.png", _png(item.mask, colours)
            for side in ("val" if item.image.split == "test" else "train", "trainval"):
                sides[side].append(f"{item.stem}\n")
    for side, stems in sides.items():
        yield f"ImageSets/Segmentation/{side}.txt", "".join(stems).encode()
    told = [("background", 0), *((one.name, one.number) for one in classes)]
    lines = [f"{name}:{','.join(map(str, colours[number]))}::\n" for name, number in told]
    yield "labelmap.txt", "".join(["# label:color_rgb:parts:actions\n", *lines]).encode()


def _png(mask: np.ndarray, colours: np.ndarray) -> bytes:
    image = Picture.fromarray(mask).convert("L")
    image.putpalette(colours.ravel().tolist())
    buffer = io.BytesIO()
    image.save(buffer, "PNG", bits=8)
    return buffer.getvalue()
