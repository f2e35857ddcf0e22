"""The photographs that a network of a sweep was trained, chosen and tested on, as its own files name them."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ftl.data.images import list_images
from ftl.errors import FtlError
from ftl.files import digest, read_json
from ftl.models.layout import TEST, VALIDATION


class Labelled(NamedTuple):
    """Photographs with labels (n,), each an index into the network's classes."""

    paths: tuple[Path, ...]
    labels: np.ndarray


class Parts(NamedTuple):
    """`training`: of the data set, but neither held out nor tested on. `test`: None where it is not (all) there."""

    training: tuple[Path, ...]
    validation: Labelled
    test: Labelled | None


def trained_with(folder: Path, images: Path | None = None) -> Parts:
    """The photographs that the network in a folder was made with.

    `images`: the data set's folder of classes, where it does not lie where the sweep found it; the test images may be
    among it, elsewhere or gone. Copies of those held out or tested on are not trained with either. Raises `FtlError`
    when the photographs that were held out for choosing are not there, or no others.
    """
    validation = read_json(folder / VALIDATION)
    classes, paths = validation["classes"], [Path(path) for path in validation["paths"]]
    data = paths[0].parent.parent if images is None else images
    paths = [data / path.parent.name / path.name for path in paths]
    if missing := [path for path in paths if not path.is_file()]:
        raise FtlError(
            f"{missing[0]}, which {folder.name} was chosen by, is not there (nor are {len(missing) - 1} others): "
            "give the folder of the data set that it was trained with"
        )
    held_out = Labelled(tuple(paths), np.array([classes.index(path.parent.name) for path in paths]))
    predicted = read_json(folder / TEST)["predictions"] if (folder / TEST).is_file() else []
    tested = {Path(one["file"]): one["true"] for one in predicted}
    there = {path for path in tested if path.is_file()}
    test = None
    if tested and len(there) == len(tested):
        test = Labelled(tuple(tested), np.array([classes.index(true) for true in tested.values()]))
    # of a file that is gone no more is known than its class and name
    gone = {(true, path.name) for path, true in tested.items() if path not in there}
    apart = {path.resolve() for path in (*paths, *there)}
    found = [path for name in classes for path in list_images(data / name)]
    others = [path for path in found if path.resolve() not in apart and (path.parent.name, path.name) not in gone]
    copies = _copies(others, apart)
    training = tuple(path for path in others if path not in copies)
    if not training:
        namesakes = ", or others of their names: put those tested on back where they were" if gone else ""
        raise FtlError(
            f"{data} holds no photographs but those that {folder.name} was chosen by or tested on{namesakes}"
        )
    return Parts(training, held_out, test)


def _copies(files: Iterable[Path], others: Iterable[Path]) -> set[Path]:
    """The files that have the bytes of one of `others`; read are only those as large as a file of the other side."""
    mine, theirs = ({path: path.stat().st_size for path in side} for side in (files, others))
    shared = {*mine.values()} & {*theirs.values()}
    alike, originals = ([path for path, size in side.items() if size in shared] for side in (mine, theirs))
    with ThreadPoolExecutor() as pool:
        contents = {*pool.map(digest, originals)}
        return {path for path, content in zip(alike, pool.map(digest, alike), strict=True) if content in contents}
