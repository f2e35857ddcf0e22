"""The formats that a project can be exported in, by name."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

from studio.errors import StudioError
from studio.formats import coco, cvat, folders, labelme, voc, yolo
from studio.formats.items import Item, Part
from studio.store.tables import ImageClass


class Format(NamedTuple):
    """A format: what it is called, what it holds in a line, and what writes its files."""

    title: str
    holds: str
    write: Callable[[Iterable[Item], Sequence[ImageClass]], Iterator[Part]]


FORMATS = {
    "index": Format(
        "Index masks (PNG)",
        "One PNG for each image, whose values are the numbers of the classes; classes.json names them.",
        folders.write_index,
    ),
    "classes": Format(
        "One mask for each class (PNG)",
        "Black and white PNGs in a folder for each class, with their photographs: what the ftl command line reads.",
        folders.write_classes,
    ),
    "coco": Format(
        "COCO, run lengths", "One JSON for all images; every pixel as it was drawn, little space.", coco.write_runs
    ),
    "coco-polygons": Format(
        "COCO, polygons",
        "One JSON for all images; an outline for each area, for training that wants polygons. pycocotools reads the "
        "same pixels back; supervision draws outlines a pixel farther to the right and below, which made thin "
        "cracks 12 to 16 % larger where it was measured: take run lengths for it.",
        coco.write_polygons,
    ),
    "cvat": Format(
        "CVAT for images 1.1", "One XML for all images, every pixel as it was drawn; to go on in CVAT.", cvat.write
    ),
    "yolo": Format(
        "YOLO segmentation",
        "A text file of outlines for each image, and data.yaml. supervision, and Ultralytics at the image's own size, "
        "draw the same pixels from it; other readers may lose those along the edge.",
        yolo.write,
    ),
    "voc": Format(
        "Pascal VOC", "Coloured PNGs, every pixel as it was drawn; labelmap.txt, and the photographs as JPEG.",
        voc.write,
    ),
    "labelme": Format(
        "Labelme", "One JSON for each image, beside its photograph; every pixel as it was drawn.", labelme.write
    ),
}  # fmt: skip
"""The first is the one that is written when none is asked for."""


def find_format(name: str) -> Format:
    """The format of that name. Raises `StudioError`, which tells the names that there are."""
    if name not in FORMATS:
        raise StudioError(f"there is no format {name[:40]}: there are {', '.join(FORMATS)}")
    return FORMATS[name]
