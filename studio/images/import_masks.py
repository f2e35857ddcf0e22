"""Masks that exist already: PNG by name, COCO, Labelme. Each becomes a region in the annotation log."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import BinaryIO, NamedTuple

import numpy as np

from ftl.errors import FtlError
from ftl.progress import Report, silent
from studio.annotation import log
from studio.annotation.fold import Drawn
from studio.annotation.tidy import region
from studio.errors import StudioError
from studio.images.archives import count, entries, shown
from studio.images.library import find_images, tidy_name
from studio.images.mask_files import Found, Label, read_masks
from studio.images.uploads import scratch
from studio.projects import add_class, classes_of
from studio.store.database import writing
from studio.store.models import Image


class Imported(NamedTuple):
    """What an import did: images that have a mask from it, regions that are new, and a sentence for every problem."""

    images: int
    regions: int
    problems: list[str]


def import_masks(
    project_id: int,
    user_id: int,
    uploads: Sequence[tuple[str, BinaryIO]],
    *,
    class_number: int,
    report: Report = silent,
) -> Imported:
    """Read masks and add them to the images whose name they bear; doing it twice changes nothing.

    Args:
        uploads: names with open files: `.png` masks (0/1, 0/255, grey, RGB; index masks hold class numbers of the
            project), and `.json` in COCO's or Labelme's form, whose class names are made where the project lacks them;
            or zips of them.
        class_number: the class of masks that hold only one.
        report: (files done, files in all, what).

    Raises:
        StudioError: more files than are taken at a time; nothing is stored then.
    """
    total = count(uploads)
    names = _Names(project_id, class_number)
    images: set[int] = set()
    new = 0
    problems: list[str] = []
    with scratch() as drafts:
        for done, entry in enumerate(entries(uploads, Path(drafts))):
            report(done, total, "reading masks")
            if entry.draft is None:
                problems.append(entry.problem)
                continue
            try:
                for found in read_masks(entry.name, entry.draft):
                    try:
                        image = names.image(found)
                        regions, bad = _regions(found, names)
                        new += log.append(image.id, user_id, regions)
                        images |= {image.id} if regions else set()
                        problems += [f"{shown(tidy_name(entry.name))}: {one}" for one in bad]
                    except StudioError as error:
                        problems.append(f"{shown(tidy_name(entry.name))}: {error}")
            except (StudioError, FtlError) as error:
                problems.append(f"{shown(tidy_name(entry.name))}: {error}")
            finally:
                entry.draft.unlink(missing_ok=True)
    report(total, total, "reading masks")
    return Imported(len(images), new, problems)


def _regions(found: Found, names: _Names) -> tuple[list[Drawn], list[StudioError]]:
    """The masks of one image as strokes, whose ids come from their content; and what is wrong with the others."""
    regions, problems = [], []
    for drawn in found.draw():
        try:
            if isinstance(drawn, StudioError):
                raise drawn
            label, where = drawn
            if not where.any():
                raise StudioError("nothing is drawn in it")
            number = names.number(label)
            digest = hashlib.sha256(np.packbits(where).tobytes() + bytes([number])).hexdigest()
            regions.append(region(where, number, f"import-{digest[:24]}"))
        except StudioError as error:
            problems.append(error)
    return regions, problems


class _Names:
    """The project's images and classes by what files call them."""

    def __init__(self, project_id: int, class_number: int) -> None:
        self._project_id, self._class_number = project_id, class_number
        self._by_name: dict[str, list[Image]] = defaultdict(list)
        self._by_stem: dict[str, list[Image]] = defaultdict(list)
        for image in find_images(project_id):
            self._by_name[image.name].append(image)
            self._by_stem[PurePosixPath(image.name).stem].append(image)

    def image(self, found: Found) -> Image:
        """The image that is meant, of the masks' size. Raises `StudioError`."""
        stem = tidy_name(found.stem)
        images = self._by_name.get(tidy_name(found.name or "")) or self._by_stem.get(stem, [])
        if not images:
            raise StudioError(f"there is no image {shown(stem)} for this mask: upload it first, under the same name")
        if len(images) > 1:
            raise StudioError(f"there are {len(images)} images named {shown(stem)}: which one is meant cannot be told")
        image = images[0]
        height, width = found.size
        if (height, width) != (image.height, image.width):
            raise StudioError(
                f"the mask has {width} x {height} pixels, its image {shown(image.name)} {image.width} x "
                f"{image.height}: export the mask at the image's size"
            )
        return image

    def number(self, label: Label) -> int:
        """A class's number; a name that the project lacks is made a class. Raises `StudioError`."""
        if label is None:
            return self._class_number
        classes = classes_of(self._project_id)
        if isinstance(label, str):
            own = " ".join(label.split()).lower()
            known = next((one.number for one in classes if one.name.lower() == own), None)
            if known is not None:
                return known
            with writing() as db:
                return add_class(db, self._project_id, label).number
        if label not in {one.number for one in classes}:
            has = ", ".join(f"{one.number} {one.name}" for one in classes)
            raise StudioError(f"it holds class {label}, and the project has {has}: add it on the Projects page")
        return label
