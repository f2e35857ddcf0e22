"""CVAT for images 1.1: `annotations.xml`, with the photographs in `images/`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from xml.sax.saxutils import quoteattr

import numpy as np

from studio.annotation.pixels import encode
from studio.formats.items import Item, Part
from studio.store.tables import ImageClass


def write(items: Iterable[Item], classes: Sequence[ImageClass]) -> Iterator[Part]:
    """A `<mask>` for each class on each image; images without one are listed too."""
    names = {one.number: one.name for one in classes}
    images = []
    for number, item in enumerate(items):
        yield from item.photograph("images/")
        size = f'width="{item.image.width}" height="{item.image.height}"'
        masks = [_mask(names[one], where) for one, where in item.areas()]
        images += [f'<image id="{number}" name={quoteattr(item.file)} {size}>', *masks, "</image>"]
    labels = [
        f"<label><name>{_escaped(one.name)}</name><color>{one.colour}</color><type>mask</type></label>"
        for one in classes
    ]
    head = ['<?xml version="1.0" encoding="utf-8"?>', "<annotations>", "<version>1.1</version>"]
    meta = ["<meta><task><mode>annotation</mode><labels>", *labels, "</labels></task></meta>"]
    yield "annotations.xml", "\n".join([*head, *meta, *images, "</annotations>", ""]).encode()


def _mask(name: str, where: np.ndarray) -> str:
    """Run lengths of the smallest box around the mask, row by row, beginning with those outside."""
    rows, columns = np.flatnonzero(where.any(1)), np.flatnonzero(where.any(0))
    part = where[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    runs = ", ".join(map(str, encode(part.T)))  # which goes column by column
    box = f'left="{columns[0]}" top="{rows[0]}" width="{part.shape[1]}" height="{part.shape[0]}"'
    return f'<mask label={quoteattr(name)} source="manual" occluded="0" rle="{runs}" {box} z_order="0"></mask>'


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;")
