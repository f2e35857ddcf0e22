"""Lay a project's photographs and masks out in the folders that `ftl` reads."""

from __future__ import annotations

import os
import re
import shutil
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ftl.data.dataset import LeftOut
from ftl.data.masks import CLASSES
from ftl.data.photo_names import PhotoOf, photo_of
from ftl.files import write_json
from ftl.progress import Report, silent
from studio.annotation import log
from studio.errors import StudioError
from studio.images.library import find_images
from studio.jobs.request import SHRINK, TILES
from studio.jobs.tile_layout import Pieces, cut_photograph, only_used, pieces_of, what_became, write_png
from studio.jobs.tiling import Large, large_photographs
from studio.projects.classes import classes_of
from studio.store import files
from studio.store.database import reading
from studio.store.tables import Image, ImageClass, Project

PHOTO = r"\d+_(.+)"
"""Names the photo of a file laid out here; for projects that say how crops are named."""

DRAWN = "Drawn"
"""The folder of photographs and masks that networks which draw masks are trained on."""

_NONE = "Unsorted"


class Laid(NamedTuple):
    """How many photographs have a mask to rank filters by; and how many, or tiles of them, train, and only report.

    `left_out`: those fixed to "test" that cannot report, for they or their photos choose filters or are trained on.
    `tile`: side of the tiles, None where no photograph was cut. `told`: what became of large photographs, in sentences.
    """

    masks: int
    train: int
    test: int
    left_out: LeftOut
    tile: int | None = None
    told: tuple[str, ...] = ()


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


def names_photos(pattern: str | None, tile: int | None) -> str | None:
    """What names the photos of files laid out here (`SweepConfig.photo`), by the project's pattern.

    `tile`: side of the tiles among them. Without a pattern each photograph is a photo of its own, and so are its tiles
    together.
    """
    if tile is None:
        return PHOTO if pattern else None
    return r"\d+_([^+]+)(?:\+.*)?" if pattern else r"(\d+)_.*"


def is_tile(path: str | Path) -> bool:
    """Whether a file laid out here is a tile of a photograph."""
    return "+" in Path(path).name


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
    side: int = 0,
    large: str = SHRINK,
    report: Report = silent,
) -> Laid:
    """Write Images, Segmented, dataset and evaluation below `folder`, and with `draws` also Drawn.

    Drawn holds `Images` and `Masks`, of all photographs with masks together, masks with the number of each pixel's
    class, and `classes.json`. With `only_masks` nothing is classified: dataset and evaluation are not written.

    `mask_classes`: numbers of the pixel classes that masks are made of (255 where any of them is). `image_classes`:
    ids of the classes to tell apart. Images that are fixed to "train" or "test" go there; of the others a share of
    `test_share` is drawn, by photo. Photographs with masks choose filters, so neither they nor others of their photos
    are drawn. Those fixed to "test" all the same lie in evaluation, for `ftl` to leave out and to tell.
    `side`: of the network's input; `large`: what becomes of photographs that are large beside it. Where they are cut,
    tiles stand for them, labelled from their masks; those of the photographs that train rank filters, so that others
    with masks can be drawn.
    Raises `StudioError` when something that a sweep needs is missing.
    """
    classes = classes_of(project_id)
    names = {one.id: one.name for one in classes}
    by_number = {one.number: one.name for one in classes}
    with reading() as db:
        pattern = db.get_one(Project, project_id).photo_pattern
    images = find_images(project_id)
    named = file_names(images, photo_of(pattern) if pattern else None)
    plan = large_photographs(project_id, () if only_masks else image_classes, side, large) if side else Large()
    if large == TILES and plan.rows and not plan.cut:
        raise StudioError(f"the large photographs cannot be cut into tiles: {plan.why_not_cut(names)}")
    masked, pieces = _lay_masks(images, named, folder, classes, mask_classes, plan, draws, seed, report)
    tile = side if plan.cut else None
    if only_masks:
        sides, seen = {"": [image for image in images if image.id in pieces]}, set[int]()
    else:
        pieces = only_used(pieces, seed)
        photos = {image.id: _photo(named[image.id], pattern) for image in images}
        sides, seen = _divide(images, photos, image_classes, masked, pieces, plan, test_share, seed)
        unseen = [image for image in sides["evaluation"] if image.id not in seen]
        _check(sides | {"evaluation": unseen}, pieces, [names[one] for one in image_classes], names, plan)
    scoring = [image.id for name in ("", "dataset") for image in sides.get(name, []) if image.id in pieces]
    if not any(pieces[one].scored for one in scoring) and masked <= pieces.keys():
        raise StudioError("what is drawn on the photographs that train is too thin or too short: draw on more of them")
    by_number |= {0: names[plan.background]} if plan.background is not None else {}
    laid, written = dict.fromkeys(sides, 0), set[bytes]()
    for name, members in sides.items():
        for done, image in enumerate(members):
            report(done, len(members), "collecting photographs")
            if image.id not in pieces:
                _link(image, folder / name / names[image.class_id or 0] / named[image.id])
                laid[name] += 1
                continue
            laid[name] += cut_photograph(
                image, named[image.id], pieces[image.id], by_number, written, mask_classes=mask_classes,
                target=folder / name if name else None, scoring=None if name == "evaluation" else folder,
            )  # fmt: skip
    told = what_became(images, plan, pieces, by_number, names) if large != SHRINK else ()
    if only_masks:
        return Laid(len(masked), 0, 0, LeftOut(), tile, told)
    whole = sum(one in masked and one not in pieces for one in seen)
    crops = sum(sum(pieces[one].counts.values()) if one in pieces else 1 for one in seen) - whole
    return Laid(
        len(masked), laid["dataset"], laid["evaluation"] - whole - crops, LeftOut(whole, crops), tile, told
    )  # fmt: skip


def _lay_masks(
    images: Sequence[Image],
    named: Mapping[int, str],
    folder: Path,
    classes: Sequence[ImageClass],
    mask_classes: Sequence[int],
    plan: Large,
    draws: bool,
    seed: int,
    report: Report,
) -> tuple[set[int], dict[int, Pieces]]:
    """Write the masks of whole photographs. Returns ids of all with a mask, and what is made of those that are cut."""
    names = {one.id: one.name for one in classes}
    cut = plan.pieces
    masked, pieces = set[int](), dict[int, Pieces]()
    for done, image in enumerate(images):
        report(done, len(images), "collecting masks")
        numbers = log.mask(image) if image.strokes else None
        if image.id in cut:
            pieces[image.id] = pieces_of(image, numbers, plan, mask_classes, seed)
        if numbers is None or not (mask := np.isin(numbers, list(mask_classes))).any():
            continue
        masked.add(image.id)
        group = names.get(image.class_id or 0, _NONE)
        if image.id not in cut:
            _link(image, folder / "Images" / group / named[image.id])
            _write(folder / "Segmented" / group / named[image.id], mask.astype(np.uint8) * 255)
        if draws:
            _link(image, folder / DRAWN / "Images" / named[image.id])
            _write(folder / DRAWN / "Masks" / named[image.id], np.where(mask, numbers, 0).astype(np.uint8))
    if not masked:
        raise StudioError("no photograph has a mask of these classes yet: draw some on the Annotate page")
    if draws:
        table = {one.name: one.number for one in classes if one.number in mask_classes}
        write_json(folder / DRAWN / "Masks" / CLASSES, table)
    return masked, pieces


def _divide(
    images: Sequence[Image],
    photos: Mapping[int, str],
    image_classes: Sequence[int],
    masked: set[int],
    pieces: Mapping[int, Pieces],
    plan: Large,
    share: float,
    seed: int,
) -> tuple[dict[str, list[Image]], set[int]]:
    """The photographs of dataset and evaluation; and ids of those of evaluation that are to be left out of it again.

    A photograph that is cut is drawn as one of the class that most of its tiles show, before the background.
    """

    def class_of(image: Image) -> int:
        if image.id not in pieces:
            return image.class_id or 0
        counts = pieces[image.id].counts
        defects = {plan.classes[number]: count for number, count in counts.items() if number}
        return max(defects, key=defects.__getitem__) if defects else plan.background or 0

    left_out = {row.id for row in plan.left_out} if plan.cut else set[int]()

    def is_used(image: Image) -> bool:
        if image.id in pieces:
            return bool(pieces[image.id].counts)
        return image.class_id in image_classes and image.id not in left_out

    used = [image for image in images if is_used(image)]
    fixed = {photos[image.id] for image in used if image.split == "train"}
    fixed |= {photos[one] for one in masked if one not in pieces}
    free = [image for image in used if image.split is None]
    aside = draw_split([(class_of(image), photos[image.id]) for image in free], fixed, share, seed)
    aside |= {photos[image.id] for image in used if image.split == "test"} - fixed
    sides: dict[str, list[Image]] = {"dataset": [], "evaluation": []}
    for image in used:
        test = image.split == "test" or (image.split is None and photos[image.id] in aside)
        sides["evaluation" if test else "dataset"].append(image)
    return sides, {image.id for image in sides["evaluation"] if photos[image.id] in fixed}


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
    write_png(photograph.with_suffix(".png"), mask)


def _check(
    sides: Mapping[str, Sequence[Image]],
    pieces: Mapping[int, Pieces],
    wanted: Sequence[str],
    names: Mapping[int, str],
    plan: Large,
) -> None:
    """Raise `StudioError` where a side lacks photographs, or tiles, of a class."""
    for side, members in sides.items():
        counts = dict.fromkeys(wanted, 0)
        for image in members:
            if image.id in pieces:
                for number, count in pieces[image.id].counts.items():
                    counts[names[plan.classes[number] if number else plan.background or 0]] += count
            else:
                counts[names[image.class_id or 0]] += 1
        what = "train on" if side == "dataset" else "report on"
        short = [name for name, count in counts.items() if count < (8 if side == "dataset" else 1)]
        if len(counts) < 2:
            raise StudioError("a network tells at least two classes apart: choose two")
        if short and pieces:
            raise StudioError(
                f"there are too few tiles of {', '.join(short)} to {what}: draw on more of the large photographs, or "
                "have them shrunk instead (Large photographs, in the advanced settings of the Sweep page)"
            )
        if short:
            least = "at least 8 photographs" if side == "dataset" else "a photograph"
            raise StudioError(
                f"there are too few photographs of {', '.join(short)} to {what}: each class needs {least}; set classes "
                "on the Images page (a photograph with a mask chooses filters, so its photo never reports)"
            )
