"""YOLO's segmentation labels: a text file of outlines for each image, whose classes `data.yaml` or `classes.txt` name.

Written: `labels/<stem>.txt`, `data.yaml`, the lists `train.txt` and `val.txt`, with the photographs in `images/`.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import Any

import cv2
import numpy as np
import yaml

from studio.errors import StudioError
from studio.formats.borders import borders
from studio.formats.format import (
    Companion,
    Drawing,
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
from studio.formats.shapes import Covered, corners, draw_shapes, whole

_MOST_YAML = 500_000  # letters; the largest sets that are published have some thousand classes
_DEEPEST_YAML = 20


def read(file: MaskFile) -> Iterator[ImageMasks]:
    """The masks of the one image of a file."""
    yield ImageMasks(None, file.path.stem, None, partial(_draw, file.lines(), file.beside.tables[NAMES]))


def _draw(lines: list[str], names: Table, height: int, width: int) -> Drawing:
    shapes: dict[str, list[Any]] = defaultdict(list)
    for number, line in enumerate(lines, 1):
        first, *rest = line.split() or [""]
        if not first:
            continue
        if not first.isdecimal() or int(first) not in names:
            yield StudioError(
                f"line {number} is of class {first[:20]}, to which neither data.yaml nor classes.txt gives a name"
            )
        elif len(rest) == 4:
            yield StudioError(f"line {number} is a box, not an outline: only outlines are masks")
        else:
            shapes[names[int(first)]].append(rest)
    yield from draw_shapes(shapes, draw_shape, height, width)


def draw_shape(parts: list[str], height: int, width: int) -> Covered:
    """The corners of an outline, in parts of the width and height, as supervision and Ultralytics draw it.

    That is with `cv2.fillPoly`.
    """
    points = np.array(parts, np.float32).reshape(-1, 2) * np.array([width, height], np.float32)
    where = np.zeros((height, width), np.uint8)
    cv2.fillPoly(where, [np.round(corners(points, height, width)).astype(np.int32)], 1)
    return whole(where > 0)


def _learn_names(name: str, text: str, known: Table) -> Table:
    """The names of a data.yaml, else those of the first classes.txt."""
    if name != "classes.txt":
        return read_yaml(text)
    lines = [line.strip() for line in text.splitlines()]
    return known or {number: line for number, line in enumerate(lines) if line}


def read_yaml(text: str) -> Table:
    """The `names` of a data.yaml, a list or a table, as they are written: `no` is a name, and no truth value.

    Raises `ValueError`, `TypeError` or `AttributeError` for a text without.
    """
    if len(text) > _MOST_YAML:
        raise ValueError(f"it is larger than {_MOST_YAML:,} letters")
    try:
        depth = 0
        for event in yaml.parse(text, yaml.BaseLoader):
            if isinstance(event, yaml.AliasEvent):  # nested, a few lines of them fill memory
                raise ValueError("it has references (*), which are not read")
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            if depth > _DEEPEST_YAML:
                raise ValueError(f"it has more than {_DEEPEST_YAML} lists within each other")
        table = yaml.load(text, yaml.BaseLoader)  # makes nothing but texts, lists and tables
    except yaml.YAMLError as error:
        problem = str(getattr(error, "problem", None) or error)
        ends = "'<stream end>'" in problem or "end of stream" in problem
        raise ValueError("the list of names does not end" if ends else f"this is no YAML: {problem}") from error
    if not isinstance(table, dict) or "names" not in table:
        raise ValueError("there is no names: in it")
    names = table["names"]
    found = dict(enumerate(names)) if isinstance(names, list) else {int(key): name for key, name in names.items()}
    if not all(isinstance(name, str) for name in found.values()):
        raise ValueError("names: is neither a list of names nor a table of numbers and names")
    return found


NAMES = Companion(("*/*.yaml", "*/*.yml", "*/classes.txt"), _learn_names, keeps=True)
"""There may be other YAML files, which name no classes."""


def write(items: Iterable[Item], classes: Sequence[MaskClass]) -> Iterator[Part]:
    """A line for each area: its class, counted from 0, and its outline in parts of the width and height.

    Outlines are for `cv2.fillPoly`, by which YOLO's programs draw them (`studio.formats.borders`).

    `train.txt` and `val.txt` (images fixed to "test") list the images on which something was drawn: YOLO would take
    the others for images without defects. Where none is fixed to "test", `val` is `train`.
    """
    numbers = {known.number: index for index, known in enumerate(classes)}
    sides: dict[str, list[str]] = {"train": [], "val": []}
    for item in items:
        yield from item.photograph("images/")
        if item.drawn:
            lines = [
                f"{numbers[number]} {_line(points, *item.size)}\n"
                for number, area in item.areas()
                for points in borders(area)
            ]
            yield f"labels/{item.stem}.txt", "".join(lines).encode()
            sides["val" if item.split == "test" else "train"].append(f"./images/{item.file}\n")
    for side, files in sides.items():
        yield f"{side}.txt", "".join(files).encode()
    # a JSON string is a YAML string too
    names = [f"  {index}: {json.dumps(known.name, ensure_ascii=False)}\n" for index, known in enumerate(classes)]
    head = ["train: train.txt\n", f"val: {'val' if sides['val'] else 'train'}.txt\n", "names:\n"]
    yield "data.yaml", "".join([*head, *names]).encode()


_WITHIN = 0.49
"""Where in its pixel a corner is written: Ultralytics cuts the fraction off, supervision rounds, both in float32."""


def _line(points: np.ndarray, height: int, width: int) -> str:
    """Ten decimals: to a hundredth of a pixel even where one side has a hundred million.

    An outline of less than three corners, or along one row or column, gets two more within its first pixel: files of
    less are no outlines, and Ultralytics drops what has no width or height.
    """
    places = points + _WITHIN
    if len(points) < 3 or (points == points[0]).all(0).any():
        places = np.concatenate([places, points[0] + [(0.1, _WITHIN), (0.1, 0.1)]])
    parts = places / (width, height)
    return " ".join(f"{part:.10f}".rstrip("0").rstrip(".") for part in parts.ravel().tolist())


FORMAT = Format(
    "YOLO",
    {
        "yolo": Export(
            "YOLO segmentation",
            "To train YOLO: a text file of outlines for each image, and data.yaml. supervision, and Ultralytics at the "
            "image's own size, draw the same pixels from it; other readers may lose those along the edge.",
            write,
        )
    },
    Reader(
        files="YOLO's .txt together with their data.yaml or classes.txt",
        suffixes=(".txt",),
        read=read,
        fits=lambda file: NAMES in file.beside.tables,
        companion=NAMES,
        ignored=("*/train.txt", "*/val.txt", "*/test.txt"),
    ),
)
