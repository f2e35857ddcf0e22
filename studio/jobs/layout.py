"""Lay a project's photographs and masks out in the folders that `ftl` reads."""

from __future__ import annotations

import os
import re
import shutil
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from ftl.data.dataset import LeftOut
from ftl.data.masks import CLASSES
from ftl.data.photo_names import PhotoOf, photo_of
from ftl.files import write_json
from ftl.progress import Report, silent
from studio.annotation import log
from studio.errors import StudioError
from studio.images.library import find_images
from studio.projects.classes import classes_of
from studio.store import files
from studio.store.database import reading
from studio.store.tables import Image, Project

PHOTO = r"\d+_(.+)"
"""Names the photo of a file laid out here; for projects that say how crops are named."""

DRAWN = "Drawn"
"""The folder of photographs and masks that networks which draw masks are trained on."""

_NONE = "Unsorted"


class Laid(NamedTuple):
    """How many photographs were laid out: with a mask to rank filters by, to train on, and only to report.

    `left_out`: those fixed to "test" that cannot report, for they or their photos choose filters or are trained on.
    """

    masks: int
    train: int
    test: int
    left_out: LeftOut


def file_names(images: Sequence[Image], find: PhotoOf | None) -> dict[int, str]:
    """File names for images: number, photo (or its own name, made safe), and format's suffix of each, by its id."""
    heads = files.heads([files.original(image.sha256) for image in images])
    return {image.id: _file_name(image, find, head.format) for image, head in zip(images, heads, strict=True)}


def _file_name(image: Image, find: PhotoOf | None, kind: str) -> str:
    stem = Path(image.name).stem
    photo = (find(stem) if find else None) or stem
    suffix = {"JPEG": ".jpg", "MPO": ".jpg", "TIFF": ".tif"}.get(kind, f".{kind.lower()}")
    return f"{image.id}_{re.sub(r'[^A-Za-z0-9-]+', '_', photo) or 'image'}{suffix}"


def image_id(path: str | Path) -> int | None:
    """The image that a file laid out here is of; None for a foreign file."""
    number, _, rest = Path(path).name.partition("_")
    return int(number) if number.isdigit() and rest else None


def draw_split(photos: Sequence[tuple[int, str]], fixed: set[str], share: float, seed: int) -> set[str]:
    """Photos that only report: about `share` of the images of each label (label, photo), never one of `fixed`.

    A photo whose crops carry several labels counts for the first.
    """
    by_label: dict[int, dict[str, int]] = defaultdict(dict)
    owner: dict[str, int] = {}
    for label, photo in photos:
        first = owner.setdefault(photo, label)
        by_label[first][photo] = by_label[first].get(photo, 0) + 1
    chosen: set[str] = set()
    rng = np.random.default_rng(seed)
    for label in sorted(by_label):
        counts = by_label[label]
        free = sorted(set(counts) - fixed)
        wanted, taken = share * sum(counts.values()), 0
        for index in rng.permutation(len(free)):
            if taken >= wanted:
                break
            chosen.add(free[index])
            taken += counts[free[index]]
    return chosen


def lay_out(
    project_id: int,
    folder: Path,
    *,
    mask_classes: Sequence[int],
    image_classes: Sequence[int],
    test_share: float = 0.25,
    seed: int = 0,
    draws: bool = False,
    only_masks: bool = False,
    report: Report = silent,
) -> Laid:
    """Write Images, Segmented, dataset and evaluation below `folder`, and with `draws` also Drawn.

    Drawn holds `Images` and `Masks`, of all photographs with masks together, masks with the number of each pixel's
    class, and `classes.json`. With `only_masks` nothing is classified: dataset and evaluation are not written.

    `mask_classes`: numbers of the pixel classes that masks are made of (255 where any of them is). `image_classes`:
    ids of the classes to tell apart. Images that are fixed to "train" or "test" go there; of the others a share of
    `test_share` is drawn, by photo. Photographs with masks choose filters, so neither they nor others of their photos
    are drawn. Those fixed to "test" all the same lie in evaluation, for `ftl` to leave out and to tell.
    Raises `StudioError` when something that a sweep needs is missing.
    """
    names = {one.id: one.name for one in classes_of(project_id)}
    with reading() as db:
        pattern = db.get_one(Project, project_id).photo_pattern
    images = find_images(project_id)
    find = photo_of(pattern) if pattern else None
    named = file_names(images, find)
    evidence: set[int] = set()
    for done, image in enumerate(images):
        report(done, len(images), "collecting masks")
        if image.strokes:
            numbers = log.mask(image)
            mask = np.isin(numbers, list(mask_classes))
            if mask.any():
                evidence.add(image.id)
                group = names.get(image.class_id or 0, _NONE)
                _link(image, folder / "Images" / group / named[image.id])
                _write(folder / "Segmented" / group / named[image.id], mask.astype(np.uint8) * 255)
                if draws:
                    _link(image, folder / DRAWN / "Images" / named[image.id])
                    _write(folder / DRAWN / "Masks" / named[image.id], np.where(mask, numbers, 0).astype(np.uint8))
    if not evidence:
        raise StudioError("no photograph has a mask of these classes yet: draw some on the Annotate page")
    if draws:
        table = {one.name: one.number for one in classes_of(project_id) if one.number in mask_classes}
        write_json(folder / DRAWN / "Masks" / CLASSES, table)
    if only_masks:
        return Laid(len(evidence), 0, 0, LeftOut())
    labelled = [image for image in images if image.class_id in image_classes]
    photos = {image.id: _photo(named[image.id], pattern) for image in images}
    fixed = {photos[image.id] for image in labelled if image.split == "train"} | {photos[one] for one in evidence}
    drawn = [image for image in labelled if image.split is None]
    aside = draw_split([(image.class_id or 0, photos[image.id]) for image in drawn], fixed, test_share, seed)
    aside |= {photos[image.id] for image in labelled if image.split == "test"} - fixed
    sides: dict[str, list[Image]] = {"dataset": [], "evaluation": []}
    for image in labelled:
        test = image.split == "test" or (image.split is None and photos[image.id] in aside)
        sides["evaluation" if test else "dataset"].append(image)
    unseen = [image for image in sides["evaluation"] if photos[image.id] not in fixed]
    _check(sides | {"evaluation": unseen}, [names[one] for one in image_classes], names)
    for side, members in sides.items():
        for done, image in enumerate(members):
            report(done, len(members), "collecting photographs")
            _link(image, folder / side / names[image.class_id or 0] / named[image.id])
    masked = sum(image.id in evidence for image in sides["evaluation"])
    left_out = LeftOut(masked, len(sides["evaluation"]) - len(unseen) - masked)
    return Laid(len(evidence), len(sides["dataset"]), len(unseen), left_out)


def _photo(name: str, pattern: str | None) -> str:
    return name.partition("_")[2].rsplit(".", 1)[0] if pattern else name


def _link(image: Image, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.exists():
        return
    try:  # the uploaded bytes, which the job decodes by itself: a child decoded them once, and a job serves nobody
        os.link(files.original(image.sha256), target)
    except OSError:  # another disk
        shutil.copyfile(files.original(image.sha256), target)


def _write(photograph: Path, mask: np.ndarray) -> None:
    """Write a photograph's mask, grey uint8, in the photograph's folder of masks."""
    target = photograph.with_suffix(".png")
    target.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(target), mask)


def _check(sides: dict[str, list[Image]], wanted: Iterable[str], names: dict[int, str]) -> None:
    for side, members in sides.items():
        what = "train on" if side == "dataset" else "report on"
        counts = {name: sum(names[image.class_id or 0] == name for image in members) for name in wanted}
        short = [name for name, count in counts.items() if count < (8 if side == "dataset" else 1)]
        if len(counts) < 2:
            raise StudioError("a network tells at least two classes apart: choose two")
        if short:
            least = "at least 8 photographs" if side == "dataset" else "a photograph"
            raise StudioError(
                f"there are too few photographs of {', '.join(short)} to {what}: each class needs {least}; set classes "
                "on the Images page (a photograph with a mask chooses filters, so its photo never reports)"
            )
