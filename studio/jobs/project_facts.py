"""What is cheap to know of a project before a sweep: its rows, and a look at some photographs and masks."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import NamedTuple

import numpy as np
from sqlalchemy import select

from ftl.data.photo_names import guess, photo_of
from ftl.errors import FtlError
from ftl.evaluation.crack_size import typical_width
from ftl.evaluation.draw_next import fingerprint, near_duplicates
from studio.annotation import log
from studio.images.library import image_in
from studio.jobs.readiness import Crop, Defect, OfClass
from studio.store import files
from studio.store.database import reading
from studio.store.tables import Image, Project

COMPARED, NAMES, MASKS = 128, 1000, 8
"""How many photographs are compared, how many names are read, and how many masks are measured at most."""

_RUN = 16
"""Photographs of a sample that follow each other: near-duplicates and crops were mostly uploaded together."""

_MASK_PIXELS = 15_000_000
"""So many pixels of masks are drawn at most, but one mask always."""

_WINDOW = 512
"""Pixels to each side of the place at which a mask is measured."""


class Photograph(NamedTuple):
    """A photograph's row. `photo`: the photo that it is a crop of, its own id where names tell none."""

    id: int
    sha256: str
    name: str
    class_id: int | None
    split: str | None
    strokes: int
    width: int
    height: int
    photo: str = ""


def photographs_of(project_id: int) -> list[Photograph]:
    """All photographs of a project, in the order of upload. Raises `FtlError` for a photo pattern that is none."""
    columns = (
        Image.id,
        Image.sha256,
        Image.name,
        Image.class_id,
        Image.split,
        Image.strokes,
        Image.width,
        Image.height,
    )
    with reading() as db:
        pattern = db.get_one(Project, project_id).photo_pattern
        rows = list(db.execute(select(*columns).where(Image.project_id == project_id).order_by(Image.id)))
    if not pattern:
        return [Photograph(*row, photo=str(row.id)) for row in rows]
    find = photo_of(pattern)
    stems = [PurePosixPath(row.name).stem for row in rows]
    return [Photograph(*row, photo=find(stem) or stem) for row, stem in zip(rows, stems, strict=True)]


def of_classes(photographs: Sequence[Photograph], names: dict[int, str], test_share: float) -> tuple[OfClass, ...]:
    """Photographs of each class by what a sweep can use them for, as `studio.jobs.layout` divides them.

    `names`: of the classes, by id; those without photographs are left out.
    """
    kept = {
        photograph.photo
        for photograph in photographs
        if photograph.strokes or (photograph.split == "train" and photograph.class_id in names)
    }
    found = []
    for class_id, name in names.items():
        own = [photograph for photograph in photographs if photograph.class_id == class_id]
        free = [photograph for photograph in own if photograph.split != "train" and photograph.photo not in kept]
        undecided = sum(photograph.split is None for photograph in own)
        drawn = min(sum(photograph.split is None for photograph in free), math.ceil(test_share * undecided))
        to_train = sum(photograph.split != "test" for photograph in own) - drawn
        if own:
            found.append(OfClass(name, len(own), to_train, len(free)))
    return tuple(found)


def usual_size(photographs: Sequence[Photograph]) -> tuple[int, int]:
    """Width and height of the photograph whose longer side is the median. There must be one."""
    ordered = sorted(
        (max(photograph.width, photograph.height), photograph.width, photograph.height) for photograph in photographs
    )
    return ordered[len(ordered) // 2][1:]


def sample(count: int, most: int) -> list[int]:
    """At most `most` indices below `count`, all if they are so few: runs of `_RUN`, evenly spread."""
    if count <= most:
        return list(range(count))
    starts = np.linspace(0, count - _RUN, most // _RUN).astype(int)
    return sorted({int(start) + step for start in starts for step in range(_RUN)})


def to_name(photographs: Sequence[Photograph]) -> list[Photograph]:
    """A sample whose names are read."""
    return [photographs[index] for index in sample(len(photographs), NAMES)]


def crop_named(names: Sequence[str]) -> Crop | None:
    """The first name that reads like that of a crop, if many do as if crops of the same photos; else None."""
    stems = [PurePosixPath(name).stem for name in names]
    template = guess(stems)
    if template is None:
        return None
    find = photo_of(template)
    return next(Crop(stem, photo) for stem in stems if (photo := find(stem)))


def to_compare(photographs: Sequence[Photograph]) -> list[tuple[str, str]]:
    """The contents and photos of a sample to look for near-duplicates in."""
    return [
        (photograph.sha256, photograph.photo)
        for photograph in (photographs[index] for index in sample(len(photographs), COMPARED))
    ]


def alike(compared: Sequence[tuple[str, str]]) -> tuple[int, int]:
    """How many photographs are nearly the same as one of another photo before them, and how many were looked at.

    Compared are thumbnails; photographs whose thumbnail is not on this machine are left out.
    """
    there = [(sha256, photo) for sha256, photo in compared if files.has_thumbnail(sha256)]
    try:
        pictures = files.all_pixels([files.thumbnail(sha256) for sha256, _ in there])
    except FtlError:  # whoever looks at the gallery sees which
        return 0, 0
    if not pictures:
        return 0, 0
    groups = near_duplicates(np.stack([fingerprint(picture) for picture in pictures]))
    photos = [photo for _, photo in there]
    return sum(photos[group] != photos[index] for index, group in enumerate(groups)), len(there)


def to_measure(photographs: Sequence[Photograph]) -> list[tuple[int, int]]:
    """Ids of some photographs with strokes, and how many: whoever keeps a measurement knows it by both."""
    drawn = [photograph for photograph in photographs if photograph.strokes]
    found, pixels = list[tuple[int, int]](), 0
    for index in dict.fromkeys(np.linspace(0, len(drawn) - 1, min(MASKS, len(drawn))).round().astype(int).tolist()):
        pixels += drawn[index].width * drawn[index].height
        if found and pixels > _MASK_PIXELS:
            break
        found.append((drawn[index].id, drawn[index].strokes))
    return found


def defect_of(project_id: int, image_id: int, mask_classes: Sequence[int]) -> Defect | None:
    """How wide the drawn defects of a photograph are, about; None where it has none of these classes."""
    image = image_in(project_id, image_id)
    asked = np.zeros(256, bool)
    asked[list(mask_classes)] = True
    where = asked[log.mask(image)]
    inside = np.flatnonzero(where)
    if not inside.size:
        return None
    row, column = np.unravel_index(inside[inside.size // 2], where.shape)
    window = tuple(slice(max(0, int(middle) - _WINDOW), int(middle) + _WINDOW) for middle in (row, column))
    width = typical_width(where[window])
    return None if width is None else Defect(width, max(where.shape))


def usual_defect(defects: Sequence[Defect | None]) -> Defect | None:
    """The one of median width for its photograph's size."""
    found = sorted((defect for defect in defects if defect), key=lambda defect: defect.width / defect.side)
    return found[len(found) // 2] if found else None
