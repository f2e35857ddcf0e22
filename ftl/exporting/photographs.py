"""The photographs that a network of a sweep was trained, chosen and judged on, as its own files name them."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np

from ftl.errors import FtlError
from ftl.evaluate import TEST
from ftl.files import read_json
from ftl.images import list_images
from ftl.model import VALIDATION


class Labelled(NamedTuple):
    """Photographs with labels (n,), each an index into the network's classes."""

    paths: tuple[Path, ...]
    labels: np.ndarray


class Photographs(NamedTuple):
    """`training`: of the data set, but neither held out nor tested on. `test`: None where it is not (all) there."""

    training: tuple[Path, ...]
    validation: Labelled
    test: Labelled | None


def photographs_of(folder: Path, images: Path | None = None) -> Photographs:
    """The photographs of a network's folder.

    `images`: the data set's folder of classes, where it does not lie where the sweep found it. Raises `FtlError` when
    the photographs that were held out for choosing are not there, or no others.
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
    test = None
    if (folder / TEST).is_file():
        told = read_json(folder / TEST)["predictions"]
        judged = tuple(Path(one["file"]) for one in told)
        if all(path.is_file() for path in judged):
            test = Labelled(judged, np.array([classes.index(one["true"]) for one in told]))
    apart = {path.resolve() for one in (held_out, test) if one is not None for path in one.paths}
    found = [path for name in classes for path in list_images(data / name)]
    training = tuple(path for path in found if path.resolve() not in apart)
    if not training:
        raise FtlError(f"{data} holds no photographs but those that {folder.name} was chosen by or tested on")
    return Photographs(training, held_out, test)
