"""Masks that exist already, in every form that is taken. Each becomes a region in the annotation log."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import BinaryIO, NamedTuple

import numpy as np

from ftl.errors import FtlError
from ftl.progress import Report, silent
from studio.annotation import log
from studio.annotation.shapes import Drawn
from studio.annotation.tidy import region
from studio.errors import StudioError
from studio.home import scratch
from studio.images.archives import count, entries, shown
from studio.images.library import tidy_name
from studio.images.mask_files import is_named, is_picture, no_mask, read_masks
from studio.images.readers.found import Found
from studio.images.readers.sidecars import Sidecars, learn
from studio.images.readers.targets import Targets
from studio.store.database import writing
from studio.store.models import Image
from studio.together.audit import record


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
        uploads: names with open files, or zips of them: `.png` masks (0/1, 0/255, grey, RGB; index masks hold class
            numbers of the project), `.json` in COCO's or Labelme's form, `.xml` of CVAT for images, YOLO's `.txt` of
            outlines. Class names are made where the project lacks them. Files beside them, in the same zip or among
            what is uploaded without one, tell more: `classes.json` the names of an index mask's numbers, `labelmap.txt`
            of colours, `data.yaml` or `classes.txt` of YOLO's numbers, `images.json` which image a file is. Photographs
            that come along with masks are passed over: JPEGs, pictures in a folder named images, and those that a file
            with masks names as its image.
        class_number: the class of masks that hold only one.
        report: (files done, files in all, what), first for unpacking them, then for reading them.

    Raises:
        StudioError: more files than are taken at a time; nothing is stored then.
    """
    total = count(uploads)
    targets = Targets(project_id, user_id, class_number)
    images: set[int] = set()
    new = unpacked = read = 0
    problems: list[str] = []
    for group in _groups(uploads):
        with scratch() as drafts:
            taken = []
            for entry in entries(group, Path(drafts)):
                report(unpacked, total, "unpacking")
                unpacked += 1
                if entry.draft is None:
                    problems.append(entry.problem)
                else:
                    taken.append(_Taken(entry.name, entry.draft))
            masks, beside, damaged = _sorted(taken)
            problems += damaged
            named: set[str] = set()
            for mask in masks:
                report(min(read, total), total, "reading masks")
                read += 1
                if is_named(mask.name, named):
                    continue
                try:
                    for found in read_masks(mask.name, mask.draft, beside):
                        if found.name:
                            named.add(tidy_name(found.name))
                        try:
                            image = targets.image(found, beside)
                            regions, bad = _regions(found, targets, image)
                            new += log.append(image.id, user_id, regions)
                            images |= {image.id} if regions else set()
                            problems += [_told(mask.name, one) for one in bad]
                        except StudioError as error:
                            problems.append(_told(mask.name, error))
                except (StudioError, FtlError) as error:
                    problems.append(_told(mask.name, error))
    report(total, total, "reading masks")
    if new:
        with writing() as db:
            record(db, project_id, user_id, "imported", count=len(images))
    return Imported(len(images), new, problems)


class _Taken(NamedTuple):
    """A file with its folders, and its copy."""

    name: str
    draft: Path


def _told(name: str, problem: Exception | str) -> str:
    return f"{shown(tidy_name(name))}: {problem}"


def _groups(uploads: Sequence[tuple[str, BinaryIO]]) -> Iterator[list[tuple[str, BinaryIO]]]:
    """Files that tell about each other: those without a zip, and those of each zip."""
    zips = [one for one in uploads if one[0].lower().endswith(".zip")]
    loose = [one for one in uploads if not one[0].lower().endswith(".zip")]
    yield from ([loose] if loose else [])
    yield from ([one] for one in zips)


def _sorted(taken: Sequence[_Taken]) -> tuple[list[_Taken], Sidecars, list[str]]:
    """The files with masks, what the others tell of them, and a sentence for each of those that is damaged.

    Pictures come last: those that a file before them calls its photograph are no masks.
    """
    beside, rest, problems = Sidecars(), [], []
    for file in taken:
        learned = learn(beside, PurePosixPath(file.name.replace("\\", "/")), file.draft)
        if learned is None:
            rest.append(file)
        else:
            beside, problem = learned
            problems += [_told(file.name, problem)] if problem else []
    rest.sort(key=lambda file: is_picture(file.name))
    masks = [file for file in rest if not no_mask(file.name, beside)]
    alone = not masks and beside == Sidecars()  # pictures that came without anything: each is told what is wrong
    return rest if alone else masks, beside, problems


def _regions(found: Found, targets: Targets, image: Image) -> tuple[list[Drawn], list[StudioError]]:
    """The masks of one image as strokes, whose ids come from their content; and what is wrong with the others."""
    regions, problems = [], []
    for drawn in found.draw(image.height, image.width):
        try:
            if isinstance(drawn, StudioError):
                raise drawn
            label, where = drawn
            if not where.any():
                raise StudioError("nothing is drawn in it")
            number = targets.number(label)
            digest = hashlib.sha256(np.packbits(where).tobytes() + bytes([number])).hexdigest()
            regions.append(region(where, number, f"import-{digest[:24]}"))
        except StudioError as error:
            problems.append(error)
    return regions, problems
