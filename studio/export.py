"""A project as one zip: photographs and masks in the folders that `ftl` reads."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from typing import Any

import cv2
import numpy as np

from studio.annotation import log
from studio.images.library import find_images
from studio.jobs.layout import file_name
from studio.projects import classes_of
from studio.store import files


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


def as_zip(project_id: int) -> Iterator[bytes]:
    """The zip in pieces: `Images/<class>/`, `Segmented/<class>/` (index masks), `classes.json`, `images.json`."""
    classes = classes_of(project_id)
    names = {one.id: one.name for one in classes}
    pipe = _Pipe()
    told = []
    with zipfile.ZipFile(pipe, "w") as archive:
        archive.writestr("classes.json", json.dumps({one.name: one.number for one in classes}, ensure_ascii=False))
        for image in find_images(project_id):
            folder = names.get(image.class_id or 0, "Unsorted")
            name = file_name(image, None)
            archive.write(files.original(image.sha256), f"Images/{folder}/{name}")
            if image.strokes:
                mask = cv2.imencode(".png", log.mask(image))[1]
                archive.writestr(f"Segmented/{folder}/{name.rsplit('.', 1)[0]}.png", np.asarray(mask).tobytes())
            told.append({"file": f"{folder}/{name}", "name": image.name, "state": image.state, "split": image.split})
            yield pipe.take()
        archive.writestr("images.json", json.dumps(told, ensure_ascii=False, indent=1))
    yield pipe.take()
