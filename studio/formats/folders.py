"""The folders that `ftl` reads: `Images/<class>/` and `Segmented/<class>/`."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from studio.formats.items import Item, Part, png
from studio.store.tables import ImageClass

_NONE = "Unsorted"


def write_index(items: Iterable[Item], classes: Sequence[ImageClass]) -> Iterator[Part]:
    """Index masks, in the folders of the photographs' classes: 0 where nothing is drawn, else the class's number.

    `classes.json` tells the numbers of the names; it lies beside the masks as well, where `ftl` looks for it. Images
    on which nothing was drawn have no mask.
    """
    names = {one.id: one.name for one in classes}
    yield from ((name, _numbers(classes)) for name in ("classes.json", "Segmented/classes.json"))
    for item in items:
        folder = names.get(item.image.class_id or 0, _NONE)
        yield from item.photograph(f"Images/{folder}/")
        if item.drawn:
            yield f"Segmented/{folder}/{item.stem}.png", png(item.mask)


def write_classes(items: Iterable[Item], classes: Sequence[ImageClass]) -> Iterator[Part]:
    """A mask for each class on each image, 0 and 255, in the class's folder; the photograph lies in each of them.

    Images without a mask are left out, for `ftl` wants one for every photograph.
    """
    names = {one.number: one.name for one in classes}
    yield "classes.json", _numbers(classes)
    for item in items:
        for number, where in item.areas():
            yield from item.photograph(f"Images/{names[number]}/")
            yield f"Segmented/{names[number]}/{item.stem}.png", png(where.astype(np.uint8) * 255)


def _numbers(classes: Sequence[ImageClass]) -> bytes:
    return json.dumps({one.name: one.number for one in classes}, ensure_ascii=False).encode()
