"""Photographs with masks to train and judge segmenters on: whole, at their own size, with the class of each pixel."""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ftl.data.dataset import photo_ids
from ftl.data.images import read_image, resize_image
from ftl.data.masks import CLASSES, LARGEST_ID, NOT_JUDGED, Example, MaskSet, class_ids, pair_files, read_class_ids
from ftl.errors import FtlError, raise_together
from ftl.files import digest, digest_of
from ftl.progress import Report, silent

DEFECT = "defect"
"""The class of masks that name none."""

LEAST_PHOTOS = 2
"""Photos that are trained on at least."""


@dataclass(frozen=True)
class SegmentationSet:
    """Photographs with masks. `classes`: what masks hold; `ids`: their values in the files, 1 where there are no ids.

    `digests`: SHA-256 of each photograph's and each mask's bytes. `files_at`: where this machine has both, if not at
    `images` and `masks`.
    """

    images: tuple[Path, ...]
    masks: tuple[Path, ...]
    classes: tuple[str, ...]
    ids: tuple[int, ...]
    digests: tuple[tuple[str, str], ...]
    files_at: tuple[tuple[Path, Path], ...] = ()

    def read(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        """A photograph, RGB uint8 (H, W, 3), and its mask, uint8 (H, W): 0, or the number of a class, from 1.

        Where there are several classes, pixels may be `NOT_JUDGED`.
        """
        numbers, several = np.zeros(256, np.uint8), len(self.ids) > 1
        numbers[[*self.ids, NOT_JUDGED]] = [*range(1, len(self.ids) + 1), NOT_JUDGED]
        image, mask = self.files_at[index] if self.files_at else (self.images[index], self.masks[index])
        return read_image(image), numbers[read_class_ids(mask, several=several)]

    def take(self, indices: Sequence[int] | np.ndarray) -> SegmentationSet:
        """The photographs at `indices`, in that order."""
        chosen = [int(index) for index in indices]
        return SegmentationSet(
            tuple(self.images[index] for index in chosen),
            tuple(self.masks[index] for index in chosen),
            self.classes,
            self.ids,
            tuple(self.digests[index] for index in chosen),
            tuple(self.files_at[index] for index in chosen) if self.files_at else (),
        )

    def at(self, images: Sequence[Path], masks: Sequence[Path]) -> SegmentationSet:
        """The same photographs and masks where another machine has them; names are kept as they were."""
        return replace(self, files_at=tuple(zip(images, masks, strict=True)))

    def names(self, indices: Sequence[int] | np.ndarray | None = None) -> list[tuple[str, str]]:
        """File name and SHA-256 of the photographs at `indices`, of all by default: what others know them by."""
        chosen = range(len(self)) if indices is None else indices
        return [(self.images[index].name, self.digests[index][0]) for index in chosen]

    def files(self) -> dict[str, Path]:
        """All files by their contents' SHA-256."""
        paths = zip((*self.images, *self.masks), (pair[side] for side in (0, 1) for pair in self.digests), strict=True)
        return {content: path for path, content in paths}

    def digest(self) -> str:
        """SHA-256 over the classes, and the name and content of every photograph and mask."""
        contents = ((path.name, *both) for path, both in zip(self.images, self.digests, strict=True))
        return digest_of([("classes", *self.classes), *contents])

    def scoring_masks(self, size: int) -> MaskSet:
        """The same as masks that rank filters, of all classes together; photographs resized to `size` pixels."""
        examples = []
        for index in range(len(self)):
            image, numbers = self.read(index)
            inside = (numbers > 0) & (numbers != NOT_JUDGED)
            packed = zlib.compress((inside * np.uint8(255)).tobytes(), 1)
            paths = self.images[index], self.masks[index]
            examples.append(Example("", *paths, resize_image(image, size), numbers.shape, packed))
        return MaskSet(tuple(examples))

    def __len__(self) -> int:
        return len(self.images)


def load_segmentation(
    images: str | Path,
    masks: str | Path,
    *,
    classes: Sequence[str] | None = None,
    report: Report = silent,
) -> SegmentationSet:
    """Pair photographs and masks as `load_masks` does, and look at all of them.

    Masks of class ids are named by `classes.json` in their folder; of other masks there is one class, `DEFECT`. Where
    it names several, 255 is `NOT_JUDGED`. `classes`: the class folders to use; all by default. Raises `FtlError` that
    lists every file that is unreadable, without its partner or of another size; and for masks that hold ids and 255
    where it does not name several classes.
    """
    images, masks = Path(images), Path(masks)
    pairs, problems = pair_files(images, masks, classes)
    named, found, digests = class_ids(masks), set[int](), list[tuple[str, str]]()
    several = len(named or {}) > 1

    def look(pair: tuple[str, Path, Path]) -> tuple[set[int], tuple[str, str]] | str:
        _, image, mask = pair
        try:
            pixels, ids = read_image(image), read_class_ids(mask, several=True)
        except FtlError as error:
            return str(error)
        if pixels.shape[:2] != ids.shape:
            mask_size, image_size = ("{1} x {0}".format(*shape) for shape in (ids.shape, pixels.shape))
            return f"{mask} is {mask_size} but {image} is {image_size}: draw the mask on the upright image"
        return {*np.unique(ids).tolist()}, (digest(image), digest(mask))

    with ThreadPoolExecutor() as pool:
        for done, looked in enumerate(pool.map(look, pairs), 1):
            if isinstance(looked, str):
                problems.append(looked)
            else:
                found |= looked[0]
                digests.append(looked[1])
            report(done, len(pairs), "reading masks")
    if several:
        found.discard(NOT_JUDGED)
    elif NOT_JUDGED in found and found <= {0, 1, NOT_JUDGED}:  # some are 0 and 255, others perhaps 0 and 1
        found = found - {NOT_JUDGED} | {1}
    if not found - {0} and not problems:
        problems.append(f"no mask of {masks} has anything inside: draw some")
    raise_together(f"{images} and {masks} do not fit together", problems)
    if NOT_JUDGED in found:
        raise FtlError(
            f"the masks of {masks} hold the ids {sorted(found - {0, NOT_JUDGED})} and 255: name all classes in its "
            f"{CLASSES}, and where these are several, 255 is not judged; masks of one class are 0 and 255"
        )
    names = {number: name for name, number in (named or {}).items()}
    if unfit := sorted(number for number in names if not 0 <= number <= LARGEST_ID):
        raise FtlError(f"{masks / CLASSES} has the ids {unfit}: masks hold ids from 1 to {LARGEST_ID}")
    ids = sorted(number for number in ({*names} or found) if number > 0)
    if strangers := sorted(found - {0, *ids}):
        raise FtlError(f"{masks / CLASSES} has no name for the ids {strangers}, which masks hold: add them")
    if ids == [1]:
        names.setdefault(1, DEFECT)
    return SegmentationSet(
        tuple(image for _, image, _ in pairs),
        tuple(mask for _, _, mask in pairs),
        tuple(names.get(number, f"class {number}") for number in ids),
        tuple(ids),
        tuple(digests),
    )


def photos_of(data: SegmentationSet, photo: str | None) -> list[str]:
    """The photo that each photograph is of, by its name (`SweepConfig.photo`); files of the same bytes are of one."""
    first = dict[str, str]()
    names = zip(photo_ids(data.images, photo), data.digests, strict=True)
    return [first.setdefault(image, name) for name, (image, _) in names]


def split_photos(
    data: SegmentationSet, photo: str | None, seed: int, share: float, least: int = LEAST_PHOTOS
) -> tuple[np.ndarray, np.ndarray]:
    """Indices of two parts of photographs, the second of about `share` (0..1) of them; no photo is in both.

    `photo`: as `photos_of` takes it. `least`: photos that the first part keeps, whatever the share. Raises `FtlError`
    where there are no more of them.
    """
    photos = photos_of(data, photo)
    sizes = Counter(photos)
    if len(sizes) <= least:
        raise FtlError(
            f"masks of at least {least + 1} photos are needed, some for each part of a split, not of {len(sizes)}: "
            "draw more"
        )
    order = np.random.default_rng(seed).permutation(sorted(sizes))
    apart, count = set[str](), 0
    for photo_name in order.tolist()[:-least]:
        if count and count >= share * len(data):
            break
        apart.add(photo_name)
        count += sizes[photo_name]
    second = np.array([own in apart for own in photos])
    return np.flatnonzero(~second), np.flatnonzero(second)


def check_classes(data: SegmentationSet, classes: Sequence[str]) -> None:
    """Raise `FtlError` where the masks hold other classes, or number them in another order, than `classes`."""
    if data.classes != tuple(classes):
        raise FtlError(
            f"the masks hold {', '.join(data.classes)}, the network draws {', '.join(classes)}: name all of these, in "
            f"this order of ids, in the {CLASSES} beside the masks"
        )


def without_photos(data: SegmentationSet, others: Iterable[tuple[str, str]], photo: str | None) -> SegmentationSet:
    """`data` less `others` (`SegmentationSet.names`): the same by their bytes or, with the pattern `photo`, by name.

    Raises `FtlError` when nothing is left.
    """
    others = [*others]
    seen = {sha256 for _, sha256 in others}
    photos = {*photo_ids([Path(name) for name, _ in others], photo)} if photo else set()
    names = photo_ids(data.images, photo)
    kept = [index for index, (image, _) in enumerate(data.digests) if image not in seen and names[index] not in photos]
    if not kept:
        raise FtlError("every test photograph was trained on: add others")
    return data.take(kept)
