"""A project as one zip, in any of the formats, written while it is sent."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from studio.formats import image_list
from studio.formats.exported_images import exported_images
from studio.formats.format import Export, Item, MaskClass
from studio.formats.registry import find_export
from studio.projects.classes import classes_of

_PACKED = (".json", ".txt", ".xml", ".yaml")  # pictures hardly shrink


class Pipe(io.RawIOBase):
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
        name: one of `registry.EXPORTS`.
        photographs: whether the photographs are in it, or the masks alone.

    Raises:
        StudioError: there is no such format; raised at once, before the first piece is asked for.
    """
    classes = [MaskClass(known.number, known.name, known.colour) for known in classes_of(project_id)]
    return _pieces(find_export(name), exported_images(project_id, photographs), classes)


def _pieces(export: Export, items: Iterable[Item], classes: Sequence[MaskClass]) -> Iterator[bytes]:
    pipe = Pipe()
    listed: list[dict[str, Any]] = []

    def noted() -> Iterator[Item]:
        for item in items:
            listed.append(item.listed)
            yield item

    with zipfile.ZipFile(pipe, "w") as archive:
        for path, content in export.write(noted(), classes):
            _add(archive, path, content)
            yield pipe.take()
        _add(archive, image_list.FILE, image_list.write(listed))
    yield pipe.take()


def _add(archive: zipfile.ZipFile, path: str, content: bytes) -> None:
    packing = zipfile.ZIP_DEFLATED if path.endswith(_PACKED) else zipfile.ZIP_STORED
    archive.writestr(path, content, packing)
