"""What a format is, what its writers are given, and what its reader gives.

A module of a format ends with its `FORMAT`, which `studio.formats.registry` lists. Nothing here or in those modules
knows the database: readers run in a child of `studio.sandbox`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

import numpy as np

from studio.errors import StudioError

_MOST_BYTES = 200 * 2**20

BROKEN = (KeyError, TypeError, ValueError, AttributeError, IndexError, OverflowError, MemoryError)
"""What values of a damaged file lead to."""

VERSION = 1
"""Of exports, as `images.json` tells it."""


class MaskClass(NamedTuple):
    """A class of the project: its number in index masks (1 to 254), its name, and its colour as #rrggbb."""

    number: int
    name: str
    colour: str


Part = tuple[str, bytes]
"""A file of an export: its path in the zip and its content."""


@dataclass(frozen=True)
class Item:
    """An image to export.

    Args:
        id: of the image, unique in the project.
        mask: index mask, uint8 (height, width); 0 where nothing is drawn.
        stem: of its files; no other image has it.
        suffix: of its photograph's file, ".jpg" or ".png".
        drawn: whether anything was ever drawn; an image without is not known to be free of defects.
        split: "train" or "test" where it is fixed, else None.
        class_name: of the whole photograph, None where it has no class.
        load: gives the photograph's file, as a JPEG if that is asked for; None where photographs are not exported.
        listed: what `images.json` tells of it.
    """

    id: int
    mask: np.ndarray = field(repr=False)
    stem: str
    suffix: str
    drawn: bool
    split: str | None
    class_name: str | None
    load: Callable[[bool], bytes] | None
    listed: dict[str, Any]

    @property
    def file(self) -> str:
        """The name of the photograph's file."""
        return self.stem + self.suffix

    @property
    def size(self) -> tuple[int, int]:
        """Height and width in pixels."""
        return self.mask.shape[0], self.mask.shape[1]

    def photograph(self, folder: str, jpeg: bool = False) -> Iterator[Part]:
        """The photograph in a folder of the zip (with a slash behind it), if photographs are wanted.

        `jpeg`: always as a JPEG.
        """
        if self.load is not None:
            yield folder + (f"{self.stem}.jpg" if jpeg else self.file), self.load(jpeg)

    def areas(self) -> Iterator[tuple[int, np.ndarray]]:
        """The classes that are drawn: number and bool mask (height, width) of each."""
        for number in np.unique(self.mask).tolist():
            if number:
                yield number, self.mask == number


class Export(NamedTuple):
    """A way to export: what it is called, what it holds in a line, and what writes its files, all but `images.json`."""

    title: str
    holds: str
    write: Callable[[Iterable[Item], Sequence[MaskClass]], Iterator[Part]]


Label = int | str | None
"""A class by its number or its name; None: the class that was chosen for masks that do not tell."""

Drawing = Iterator[tuple[Label, np.ndarray] | StudioError]
"""Bool masks with their classes, or a sentence instead of one that cannot be drawn."""


class ImageMasks(NamedTuple):
    """The masks of one image, not drawn until the image is known: its name, if it is known, its stem, and their size.

    `size`: (height, width), None where a file holds parts of the image's width and height. `draw` takes the height and
    width.
    """

    name: str | None
    stem: str
    size: tuple[int, int] | None
    draw: Callable[[int, int], Drawing]


def masks_of_image(name: object, size: tuple[int, int] | None, draw: Callable[[int, int], Drawing]) -> ImageMasks:
    """The masks of an image that a file calls by this name, with whatever folders."""
    path = PurePosixPath(str(name).replace("\\", "/"))
    return ImageMasks(path.name, path.stem, size, draw)


Table = dict[Any, str]
"""Names of classes, by whatever masks call them."""


class Companion(NamedTuple):
    """Files that hold no masks but say what classes those beside them show.

    `files`: patterns of their names, in small letters, as `*/classes.json`. `learn`: from a file's name and text, and
    what earlier ones said, what is known now; it raises `ValueError`, `TypeError`, `AttributeError` or `KeyError` for a
    damaged text. Then nothing is known any more, so that nothing is guessed; with `keeps`, what earlier ones said.
    """

    files: tuple[str, ...]
    learn: Callable[[str, str, Table], Table]
    keeps: bool = False


@dataclass
class Beside:
    """What the files beside masks tell.

    `tables`: of companions, one that said nothing has none. The rest is from the studio's own images.json: the SHA-256
    of an exported file's original by its stem, and the names of the photographs' files.
    """

    tables: dict[Companion, Table] = field(default_factory=dict)
    originals: dict[str, str] = field(default_factory=dict)
    photographs: frozenset[str] = frozenset()


@dataclass
class MaskFile:
    """An uploaded file that may hold masks: its name with folders, its copy, and what the files beside it tell."""

    path: PurePosixPath
    draft: Path
    beside: Beside = field(default_factory=Beside)

    @property
    def bounded(self) -> Path:
        """Its copy. Raises `StudioError` for one that is too large to be read as a whole."""
        if self.draft.stat().st_size > _MOST_BYTES:
            raise StudioError(f"it is larger than {_MOST_BYTES // 2**20} MB: split it")
        return self.draft

    @cached_property
    def json(self) -> Any:
        """The value that it holds. Raises `StudioError` for what is no JSON."""
        try:
            return json.loads(self.bounded.read_bytes())
        except (ValueError, RecursionError) as error:
            raise StudioError(f"this is no JSON ({error})") from error

    def lines(self) -> list[str]:
        """Its lines. Raises `StudioError` for what is no text."""
        try:
            return self.bounded.read_text("utf-8-sig").splitlines()
        except ValueError as error:
            raise StudioError(f"this is no text ({error!s:.100})") from error


class Reader(NamedTuple):
    """What reads a format.

    Args:
        files: what its files are called in a sentence that lists all.
        suffixes: of its files, in small letters and with their dot.
        read: the masks of each image of a file; raises `StudioError` for one that cannot be read.
        fits: whether a file of such a suffix is of this format.
        companion: files beside the masks that it needs.
        ignored: patterns of names, in small letters, of files that are no masks and tell nothing.
        masks_in: names of folders, in small letters, whose pictures are masks.
        photographs_in: names of folders whose pictures are none, but photographs or pictures of another kind.
    """

    files: str
    suffixes: tuple[str, ...]
    read: Callable[[MaskFile], Iterator[ImageMasks]]
    fits: Callable[[MaskFile], bool] = lambda file: True
    companion: Companion | None = None
    ignored: tuple[str, ...] = ()
    masks_in: tuple[str, ...] = ()
    photographs_in: tuple[str, ...] = ("images",)


class Format(NamedTuple):
    """A format: its name, the ways to export it by their names in addresses, and its reader."""

    name: str
    exports: dict[str, Export]
    reader: Reader


def matches(path: PurePosixPath, patterns: tuple[str, ...]) -> bool:
    """Whether a file's name with its folders is like one of the patterns, of which each begins with `*/`."""
    name = f"/{path}".lower()
    return any(fnmatchcase(name, pattern) for pattern in patterns)


@contextmanager
def naming_damage(form: str) -> Iterator[None]:
    """Turn what a damaged file's values lead to into a `StudioError` that names the form which it should have."""
    try:
        yield
    except BROKEN as error:
        raise StudioError(f"this {form} file is damaged ({error!r:.100})") from error
