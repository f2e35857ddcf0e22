"""Data sets: images by class, duplicates found by content, and splits without leakage."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ftl.data.images import class_folders, read_image
from ftl.data.photo_names import photo_of
from ftl.data.stratified_folds import stratified_folds
from ftl.errors import FtlError, raise_together
from ftl.files import digest, digest_of
from ftl.formatting import counted
from ftl.progress import Report, silent

FOLDS = 4
"""Folds of every cross-validation, and the inverse of the share held out for validation, as in the original."""


@dataclass(frozen=True)
class Dataset:
    """Images with labels. `labels[i]` indexes `classes`; `digests[i]` is the SHA-256 of the file's bytes."""

    paths: tuple[Path, ...]
    labels: np.ndarray
    classes: tuple[str, ...]
    digests: tuple[str, ...]

    def take(self, indices: Sequence[int] | np.ndarray) -> Dataset:
        """The images at `indices`, in that order."""
        chosen = [int(index) for index in indices]
        return Dataset(
            tuple(self.paths[index] for index in chosen),
            self.labels[chosen],
            self.classes,
            tuple(self.digests[index] for index in chosen),
        )

    def digest(self) -> str:
        """SHA-256 over the class, name and content of every image."""
        names = (self.classes[label] for label in self.labels)
        return digest_of(zip(names, (path.name for path in self.paths), self.digests, strict=True))

    def __len__(self) -> int:
        return len(self.paths)


def load_dataset(
    folder: str | Path, *, per_class: int | None = None, seed: int = 0, report: Report = silent
) -> Dataset:
    """Read `folder/<class>/*`, each image once: of files with the same content in a class the first is kept.

    `per_class` draws at most that many per class, seeded.
    Raises `FtlError` that lists every unreadable file and every image that is in two classes.
    """
    found = class_folders(Path(folder))
    if "" in found or len(found) < 2:
        raise FtlError(f"{folder} needs at least two class folders, such as {folder}/Crack and {folder}/Background")
    classes = tuple(sorted(found))
    generator = np.random.default_rng(seed)
    problems: list[str] = []
    first: dict[str, Path] = {}
    paths: list[Path] = []
    labels: list[int] = []
    digests: list[str] = []
    with ThreadPoolExecutor() as pool:
        for label, name in enumerate(classes):
            unique: list[tuple[Path, str]] = []
            for path, content in zip(found[name], pool.map(digest, found[name]), strict=True):
                if content not in first:
                    first[content] = path
                    unique.append((path, content))
                elif first[content].parent != path.parent:
                    problems.append(f"{first[content]} and {path} are the same picture in two classes: take one out")
            if per_class is not None and len(unique) > per_class:
                unique = [unique[index] for index in sorted(generator.permutation(len(unique))[:per_class])]
            for done, problem in enumerate(pool.map(_problem, [path for path, _ in unique]), 1):
                problems += [problem] if problem else []
                report(done, len(unique), f"reading {name}")
            paths += [path for path, _ in unique]
            digests += [content for _, content in unique]
            labels += [label] * len(unique)
    raise_together(f"{folder} cannot be used as it is", problems)
    return Dataset(tuple(paths), np.array(labels, np.int64), classes, tuple(digests))


def _problem(path: Path) -> str | None:
    try:
        read_image(path)
    except FtlError as error:
        return str(error)
    return None


def photo_ids(paths: Sequence[Path], pattern: str | None) -> list[str]:
    """The photo that each image was cut from, by its file name without the ending.

    `pattern`: as in `ftl.data.photo_names`. Without a pattern every file is a photo of its own. Raises `FtlError` for
    a bad pattern, or names not matching it.
    """
    if pattern is None:
        return [str(path) for path in paths]
    find = photo_of(pattern)
    found = [find(path.stem) for path in paths]
    strangers = (f"{path} does not match" for path, photo in zip(paths, found, strict=True) if photo is None)
    raise_together(f"the photo pattern {pattern!r} does not fit these names: mend it, or rename them", strangers)
    return [photo for photo in found if photo is not None]


def folds(
    labels: np.ndarray, photos: Sequence[str], seed: int, most: int = FOLDS
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Seeded splits (train indices, held-out indices), stratified by label, a photo never on both sides.

    As many as a class has photos, but at least `FOLDS` and `most` at most.
    """
    of_class = [{photo for photo, own in zip(photos, labels, strict=True) if own == label} for label in set(labels)]
    fewest = min(map(len, of_class))
    if fewest < FOLDS:
        raise FtlError(f"every class needs images of at least {FOLDS} photos in each part of a split, not {fewest}")
    _, groups = np.unique(np.asarray(photos), return_inverse=True)
    splits = stratified_folds(labels, groups, min(most, fewest), seed)
    if any(len(set(labels[train])) < len(of_class) for train, _ in splits):
        raise FtlError("one photo holds nearly all images of a class: add photos, so that each part can have some")
    return splits


def split(dataset: Dataset, *, seed: int, photo: str | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Indices of the training set and of the validation set, 3 : 1, stratified and by photo."""
    return folds(dataset.labels, photo_ids(dataset.paths, photo), seed)[0]


class Scored(NamedTuple):
    """Images of the scoring set: SHA-256 of their bytes, and their file names."""

    digests: Sequence[str] = ()
    names: Sequence[str] = ()


class LeftOut(NamedTuple):
    """Leakage that was prevented: test images left out because the same file, or another crop of the photo, was used.

    `files`, `crops`: how many of each.
    """

    files: int = 0
    crops: int = 0

    def sentence(self) -> str:
        """The same in words; empty where nothing was left out."""
        ways = {"the same file": self.files, "of the same photo": self.crops}
        parts = ", ".join(f"{count} {way}" for way, count in ways.items() if count)
        images = f"{counted(sum(self), 'image')} left out of the test set"
        return f"{images}, seen before when filters were chosen or networks trained: {parts}" if parts else ""


def without(
    dataset: Dataset, other: Dataset, photo: str | None = None, scored: Scored | None = None
) -> tuple[Dataset, LeftOut]:
    """`dataset` less the images (with the pattern `photo`, the photos) in `other` or `scored`, and what was left out.

    Names in `scored` need not fit the pattern, for masks may be of images from elsewhere; a name that does not fit is
    its photo's, for the photo may have been masked uncut. Raises `FtlError` when nothing is left.
    """
    scored = scored or Scored()
    seen = {*other.digests, *scored.digests}
    same = {i for i, content in enumerate(dataset.digests) if content in seen}
    crops: set[int] = set()
    if photo:
        find = photo_of(photo)
        stems = (Path(name).stem for name in scored.names)
        photos = {*photo_ids(other.paths, photo), *(find(stem) or stem for stem in stems)}
        crops = {i for i, own in enumerate(photo_ids(dataset.paths, photo)) if own in photos} - same
    keep = [i for i in range(len(dataset)) if i not in same | crops]
    if not keep:
        raise FtlError("every image of the test set, or its photo, chose filters or was trained on: add others")
    return dataset.take(keep), LeftOut(len(same), len(crops))
