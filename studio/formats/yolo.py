"""YOLO's segmentation labels: `labels/<name>.txt`, `data.yaml`, with the photographs in `images/`."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from studio.formats.fill_outlines import borders
from studio.formats.items import Item, Part
from studio.store.tables import ImageClass


def write(items: Iterable[Item], classes: Sequence[ImageClass]) -> Iterator[Part]:
    """A line for each area: its class, counted from 0, and its outline in parts of the width and height.

    Outlines are for `cv2.fillPoly`, by which YOLO's programs draw them (`studio.formats.fill_outlines`).

    `train.txt` and `val.txt` (images fixed to "test") list the images on which something was drawn: YOLO would take
    the others for images without defects. Where none is fixed to "test", `val` is `train`.
    """
    numbers = {one.number: index for index, one in enumerate(classes)}
    sides: dict[str, list[str]] = {"train": [], "val": []}
    for item in items:
        yield from item.photograph("images/")
        if item.drawn:
            lines = [
                f"{numbers[one]} {_line(points, item)}\n" for one, area in item.areas() for points in borders(area)
            ]
            yield f"labels/{item.stem}.txt", "".join(lines).encode()
            sides["val" if item.image.split == "test" else "train"].append(f"./images/{item.file}\n")
    for side, files in sides.items():
        yield f"{side}.txt", "".join(files).encode()
    # a JSON string is a YAML string too
    names = [f"  {index}: {json.dumps(one.name, ensure_ascii=False)}\n" for index, one in enumerate(classes)]
    head = ["train: train.txt\n", f"val: {'val' if sides['val'] else 'train'}.txt\n", "names:\n"]
    yield "data.yaml", "".join([*head, *names]).encode()


_WITHIN = 0.49
"""Where in its pixel a corner is told to be: Ultralytics cuts the fraction off, supervision rounds, both in float32."""


def _line(points: np.ndarray, item: Item) -> str:
    """Ten decimals: to a hundredth of a pixel even where one side has a hundred million.

    An outline of less than three corners, or along one row or column, gets two more within its first pixel: files of
    less are no outlines, and Ultralytics drops what has no width or height.
    """
    corners = points + _WITHIN
    if len(points) < 3 or (points == points[0]).all(0).any():
        corners = np.concatenate([corners, points[0] + [(0.1, _WITHIN), (0.1, 0.1)]])
    parts = corners / (item.image.width, item.image.height)
    return " ".join(f"{one:.10f}".rstrip("0").rstrip(".") for one in parts.ravel().tolist())
