"""Masks that exist already: PNG by name, COCO, Labelme. Each becomes a region in the annotation log."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from functools import partial
from pathlib import PurePosixPath
from typing import BinaryIO, NamedTuple

import numpy as np

from ftl.errors import FtlError
from studio.annotation import log
from studio.annotation.fold import Drawn
from studio.annotation.tidy import region
from studio.errors import StudioError
from studio.images.library import find_images
from studio.images.mask_files import Found, read_masks
from studio.images.uploads import shown
from studio.projects import add_class, classes_of
from studio.store.database import writing
from studio.store.models import Image


class Imported(NamedTuple):
    """What an import did: images that got a mask, regions that are new, and a sentence for every problem."""

    images: int
    regions: int
    problems: list[str]


def import_masks(
    project_id: int, user_id: int, uploads: Sequence[tuple[str, BinaryIO]], *, class_number: int
) -> Imported:
    """Read masks and add them to the images whose name they bear; doing it twice changes nothing.

    Args:
        uploads: names with open files: `.png` masks (0/1, 0/255, grey, RGB; index masks hold class numbers of the
            project), and `.json` in COCO's or Labelme's form, whose class names are made where the project lacks them.
        class_number: the class of masks that hold only one.
    """
    images: dict[str, list[Image]] = defaultdict(list)
    for image in find_images(project_id):
        images[PurePosixPath(image.name).stem].append(image)
    numbers = {one.number for one in classes_of(project_id)}
    number_of = partial(_number, project_id)
    regions: dict[int, list[Drawn]] = defaultdict(list)
    problems: list[str] = []
    for name, file in uploads:
        try:
            for found in read_masks(name, file, class_number, numbers, number_of):
                try:
                    image = _image(images, found.stem)
                    _fits(found, image)
                    digest = hashlib.sha256(np.packbits(found.where).tobytes() + bytes([found.number])).hexdigest()
                    own = region(found.where, found.number, f"import-{digest[:24]}")
                    regions[image.id].append(own)
                except StudioError as error:
                    problems.append(f"{shown(name)}: {error}")
        except (StudioError, FtlError) as error:
            problems.append(f"{shown(name)}: {error}")
    new = 0
    for image_id, drawn in regions.items():
        try:
            new += log.append(image_id, user_id, drawn)
        except StudioError as error:
            problems.append(str(error))
    return Imported(len(regions), new, problems)


def _image(images: dict[str, list[Image]], stem: str) -> Image:
    found = images.get(stem, [])
    if not found:
        raise StudioError(f"there is no image {shown(stem)} for this mask: upload it first, under the same name")
    if len(found) > 1:
        raise StudioError(f"there are {len(found)} images named {shown(stem)}: which one is meant cannot be told")
    return found[0]


def _fits(found: Found, image: Image) -> None:
    height, width = found.where.shape
    if (height, width) != (image.height, image.width):
        raise StudioError(
            f"the mask has {width} x {height} pixels, its image {shown(image.name)} {image.width} x {image.height}: "
            "export the mask at the image's size"
        )
    if not found.where.any():
        raise StudioError("nothing is drawn in it")


def _number(project_id: int, name: str) -> int:
    for one in classes_of(project_id):
        if one.name.lower() == name.lower():
            return one.number
    with writing() as db:
        return add_class(db, project_id, name).number
