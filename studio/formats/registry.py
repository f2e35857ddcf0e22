"""The formats in which masks come and go: the one place that lists them.

A format is added by a module with its reader and its writers, which ends with a `FORMAT`, and its line here.
"""

from __future__ import annotations

from collections.abc import Iterator

from studio.errors import StudioError
from studio.formats import coco, cvat, labelme, png, voc, yolo
from studio.formats.format import Export, ImageMasks, MaskFile

FORMATS = (
    png.FORMAT,
    coco.FORMAT,
    cvat.FORMAT,
    yolo.FORMAT,
    voc.FORMAT,
    labelme.FORMAT,
)
"""Where several fit a file, the last of them reads it: the special stand behind the general."""

EXPORTS = {name: export for form in FORMATS for name, export in form.exports.items()}
"""The ways to export, by name. The first is the one that is written when none is asked for."""

_READERS = [form.reader for form in FORMATS]
COMPANIONS = [reader.companion for reader in _READERS if reader.companion is not None]
IGNORED = tuple(pattern for reader in _READERS for pattern in reader.ignored)
MASKS_IN = {folder for reader in _READERS for folder in reader.masks_in}
PHOTOGRAPHS_IN = {folder for reader in _READERS for folder in reader.photographs_in}

SUFFIXES = sorted(
    {suffix for reader in _READERS for suffix in reader.suffixes}
    | {"." + name.rpartition(".")[2] for companion in COMPANIONS for name in companion.files}
)
"""Of all files that an import reads, with their dot."""


def find_export(name: str) -> Export:
    """The way to export of that name. Raises `StudioError`, which tells the names that there are."""
    if name not in EXPORTS:
        raise StudioError(f"there is no format {name[:40]}: there are {', '.join(EXPORTS)}")
    return EXPORTS[name]


def read(file: MaskFile) -> Iterator[ImageMasks]:
    """The masks of each image of a file, by the format that it has.

    Raises:
        StudioError: it cannot be read, or it is of no format; then it tells those that there are.
    """
    suffix = file.path.suffix.lower()
    for reader in reversed(_READERS):
        if suffix in reader.suffixes and reader.fits(file):
            return reader.read(file)
    *others, last = [reader.files for reader in _READERS]
    raise StudioError(f"masks are {', '.join(others)}, or {last}")
