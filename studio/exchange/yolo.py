"""YOLO's segmentation labels: `labels/<name>.txt`, `data.yaml`, with the photographs in `images/`."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from studio.exchange.items import Item, Part
from studio.exchange.outlines import outlines
from studio.store.models import ImageClass


def write(items: Iterable[Item], classes: Sequence[ImageClass]) -> Iterator[Part]:
    """A line for each area: its class, counted from 0, and its outline in parts of the width and height.

    `train.txt` and `val.txt` (images fixed to "test") list the images on which something was drawn: YOLO would take
    the others for images without defects. Where none is fixed to "test", `val` is `train`.
    """
    numbers = {one.number: index for index, one in enumerate(classes)}
    sides: dict[str, list[str]] = {"train": [], "val": []}
    for item in items:
        yield from item.photograph("images/")
        if item.drawn:
            lines = [
                f"{numbers[one]} {_line(points, item)}\n" for one, area in item.areas() for points in outlines(area)
            ]
            yield f"labels/{item.stem}.txt", "".join(lines).encode()
            sides["val" if item.image.split == "test" else "train"].append(f"./images/{item.file}\n")
    for side, files in sides.items():
        yield f"{side}.txt", "".join(files).encode()
    # a JSON string is a YAML string too
    names = [f"  {index}: {json.dumps(one.name, ensure_ascii=False)}\n" for index, one in enumerate(classes)]
    head = ["train: train.txt\n", f"val: {'val' if sides['val'] else 'train'}.txt\n", "names:\n"]
    yield "data.yaml", "".join([*head, *names]).encode()


def _line(points: np.ndarray, item: Item) -> str:
    """Ten decimals: to a hundredth of a pixel even where one side has a hundred million."""
    parts = points / (item.image.width, item.image.height)
    return " ".join(f"{one:.10f}".rstrip("0").rstrip(".") for one in parts.ravel().tolist())
