"""A project as one zip, in any of the formats, written while it is sent."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from studio.formats.items import Item, items
from studio.formats.registry import Format, find_format
from studio.projects.classes import classes_of
from studio.store.tables import ImageClass

_PACKED = (".json", ".txt", ".xml", ".yaml")  # pictures hardly shrink

VERSION = 1
"""Of exports, as `images.json` tells it with each image."""


class _Pipe(io.RawIOBase):
    """A file that hands on what is written to it: the zip need never be whole in memory."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def writable(self) -> bool:
        """It only writes."""
        return True

    def write(self, data: Any, /) -> int:
        """Keep a copy of the bytes until they are taken."""
        self._parts.append(bytes(data))
        return len(data)

    def take(self) -> bytes:
        """What was written since the last time."""
        parts, self._parts = b"".join(self._parts), []
        return parts


def as_zip(project_id: int, name: str = "index", photographs: bool = True) -> Iterator[bytes]:
    """The zip in pieces. Every format also has `images.json`: which file is which image, by name and SHA-256.

    Args:
        name: one of `formats.FORMATS`.
        photographs: whether the photographs are in it, or the masks alone.

    Raises:
        StudioError: there is no such format; told at once, before the first piece is asked for.
    """
    return _pieces(find_format(name), items(project_id, photographs), classes_of(project_id))


def _pieces(form: Format, given: Iterable[Item], classes: Sequence[ImageClass]) -> Iterator[bytes]:
    pipe = _Pipe()
    told: list[dict[str, Any]] = []
    with zipfile.ZipFile(pipe, "w") as archive:
        for path, content in form.write(_telling(given, classes, told), classes):
            _add(archive, path, content)
            yield pipe.take()
        _add(archive, "images.json", json.dumps(told, ensure_ascii=False, indent=1).encode())
    yield pipe.take()


def _add(archive: zipfile.ZipFile, path: str, content: bytes) -> None:
    packing = zipfile.ZIP_DEFLATED if path.endswith(_PACKED) else zipfile.ZIP_STORED
    archive.writestr(path, content, packing)


def _telling(given: Iterable[Item], classes: Sequence[ImageClass], told: list[dict[str, Any]]) -> Iterator[Item]:
    """Pass items on, and note what `images.json` tells of them."""
    names = {one.id: one.name for one in classes}
    for item in given:
        image = item.image
        own = {"file": item.file, "class": names.get(image.class_id or 0), "name": image.name, "sha256": image.sha256}
        told.append(own | {"state": image.state, "split": image.split, "version": VERSION})
        yield item
