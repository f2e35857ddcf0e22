"""Files with masks that strangers sent, read and drawn in a child of `studio.sandbox`."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Generator, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

import numpy as np

from ftl.errors import FtlError
from studio.annotation.strokes import Region
from studio.errors import StudioError
from studio.formats import image_list, registry
from studio.formats.format import Beside, Companion, ImageMasks, MaskFile, matches
from studio.formats.png import PICTURES
from studio.images.file_names import tidy_name

_LOSSY = (".jpg", ".jpeg", ".webp")
_MOST_BYTES = 20 * 2**20  # of a file beside masks
_DAMAGED = (ValueError, TypeError, AttributeError, KeyError, RecursionError)  # what a damaged one leads to


class _Taken(NamedTuple):
    """A file: the name that it was sent under, the same as a path, and its copy."""

    name: str
    path: PurePosixPath
    draft: Path


def masks_of(given: Sequence[tuple[str, str]], done: int, named: Sequence[str]) -> Generator[Any, Any, None]:
    """What files hold that tell about each other: names with folders, and the paths of their copies.

    It gives pairs, of what comes and the value:

    - `damaged`: name and sentence of a file beside the masks that cannot be read;
    - `file`: the name of the file with masks that comes next;
    - `image`: whose masks come next, as `name`, `stem`, (height, width) or None as `size`, and the `sha256` of the
      image if that is known; it is sent the image's height and width, or None to pass it over;
    - `label`: the class of the mask that comes next; it is sent its number, or None to pass it over;
    - `region`: a mask as a stroke;
    - `problem`: a sentence instead of a mask;
    - `drawn`: the image has no more;
    - `refused`: a sentence about the rest of the file.

    `done`: so many files with masks were dealt with already. `named`: what they call photographs.
    """
    taken = [_Taken(name, PurePosixPath(name.replace("\\", "/")), Path(draft)) for name, draft in given]
    files, beside, damaged = _sorted(taken)
    photographs = set(named)
    for name, problem in damaged if not done else ():
        yield "damaged", [name, problem]
    for file in files[done:]:
        yield "file", file.name
        if _is_named(file.path, photographs):
            continue
        try:
            for masks in registry.read(MaskFile(file.path, file.draft, beside)):
                if masks.name:
                    photographs.add(tidy_name(masks.name))
                own = {"name": masks.name, "stem": masks.stem, "size": masks.size}
                shape = yield "image", own | {"sha256": beside.originals.get(tidy_name(masks.stem), "")}
                if shape is not None:
                    yield from _regions(masks, *shape)
        except (StudioError, FtlError) as error:
            yield "refused", str(error)


def _regions(masks: ImageMasks, height: int, width: int) -> Generator[Any, Any, None]:
    for drawn in masks.draw(height, width):
        if isinstance(drawn, StudioError):
            yield "problem", str(drawn)
            continue
        label, where = drawn
        if not where.any():
            yield "problem", "nothing is drawn in it"
            continue
        number = yield "label", label
        if number is not None:
            digest = hashlib.sha256(np.packbits(where).tobytes() + bytes([number])).hexdigest()
            yield "region", Region.of(where, number, f"import-{digest[:24]}").row()
    yield "drawn", None


def _sorted(taken: Sequence[_Taken]) -> tuple[list[_Taken], Beside, list[tuple[str, str]]]:
    """The files with masks, what the others tell of them, and a sentence for each of those that is damaged.

    Pictures come last: those that a file before them calls its photograph are no masks.
    """
    beside, rest, problems = Beside(), [], []
    for file in taken:
        learned = learn(beside, file.path, file.draft)
        if learned is None:
            rest.append(file)
        else:
            beside, problem = learned
            problems += [(file.name, problem)] if problem else []
    rest.sort(key=lambda file: _is_picture(file.path))
    masks = [file for file in rest if not _is_no_mask(file.path, beside.photographs)]
    alone = (
        not masks and beside == Beside()
    )  # pictures that came without anything: each gets a sentence on what is wrong
    return rest if alone else masks, beside, problems


def learn(known: Beside, path: PurePosixPath, draft: Path) -> tuple[Beside, str] | None:
    """What is known with this file too, and a sentence if it is damaged; None if it tells nothing about others."""
    if matches(path, registry.IGNORED):
        return known, ""
    if path.name.lower() == image_list.FILE:
        return _learn_images(known, draft)
    companion = next((kind for kind in registry.COMPANIONS if matches(path, kind.files)), None)
    return None if companion is None else _learn_table(known, companion, path, draft)


def _learn_images(known: Beside, draft: Path) -> tuple[Beside, str] | None:
    try:
        learned = image_list.read(_text(draft), known)
    except _DAMAGED as error:
        return known, _damage(error)
    return None if learned is None else (learned, "")


def _learn_table(known: Beside, companion: Companion, path: PurePosixPath, draft: Path) -> tuple[Beside, str]:
    table, problem = known.tables.get(companion, {}), ""
    try:
        table = companion.learn(path.name.lower(), _text(draft), table)
    except _DAMAGED as error:
        table, problem = table if companion.keeps else {}, _damage(error)
    return replace(known, tables=known.tables | {companion: table}), problem


def _text(draft: Path) -> str:
    if draft.stat().st_size > _MOST_BYTES:
        raise ValueError(f"it is larger than {_MOST_BYTES // 2**20} MB")
    return draft.read_text("utf-8-sig")


def _damage(error: Exception) -> str:
    return f"what it tells of the masks cannot be read ({str(error)[:100]})"


def _is_picture(path: PurePosixPath) -> bool:
    """Whether a file's name says that it is a picture, which may be a mask or a photograph."""
    return path.suffix.lower() in (*PICTURES, *_LOSSY)


def _is_named(path: PurePosixPath, photographs: Collection[str]) -> bool:
    """Whether a file is one of the photographs of these names, and no mask of the same name."""
    return _is_picture(path) and tidy_name(path.name) in photographs and not _is_in(path, registry.MASKS_IN)


def _is_no_mask(path: PurePosixPath, photographs: Collection[str]) -> bool:
    """Whether a file is a picture that came along with masks and is none."""
    if not _is_picture(path) or _is_in(path, registry.MASKS_IN):
        return False
    return path.suffix.lower() in _LOSSY or _is_in(path, registry.PHOTOGRAPHS_IN) or _is_named(path, photographs)


def _is_in(path: PurePosixPath, folders: Collection[str]) -> bool:
    return any(folder.lower() in folders for folder in path.parts[:-1])
