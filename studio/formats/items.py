"""What the writers of all formats are given: a project's images with their masks, one at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import cv2
import numpy as np

from studio.annotation import log
from studio.formats.file_names import unique_stems
from studio.formats.photographs import content, suffix
from studio.images.library import find_images
from studio.store import files
from studio.store.tables import Image

_AT_ONCE = 100  # photographs that one child looks at

Part = tuple[str, bytes]
"""A file of the zip: its path and its content."""


@dataclass(frozen=True)
class Item:
    """An image to export. `mask`: index mask, uint8 (height, width). `stem`: of its files, no other image has it.

    `head`: what its photograph tells of itself. `photographs`: whether that is exported as well.
    """

    image: Image
    mask: np.ndarray = field(repr=False)
    stem: str
    head: files.Head
    photographs: bool

    @property
    def drawn(self) -> bool:
        """Whether anything was ever drawn; an image without is not known to be free of defects."""
        return self.image.strokes > 0

    @property
    def file(self) -> str:
        """The name of the photograph's file."""
        return self.stem + suffix(self.head)

    def photograph(self, folder: str) -> Iterator[Part]:
        """The photograph in a folder of the zip (with a slash behind it), if photographs are wanted."""
        if self.photographs:
            yield f"{folder}{self.file}", content(self.image.sha256, self.head)

    def areas(self) -> Iterator[tuple[int, np.ndarray]]:
        """The classes that are drawn: number and bool mask (height, width) of each."""
        for number in np.unique(self.mask).tolist():
            if number:
                yield number, self.mask == number


def items(project_id: int, photographs: bool) -> Iterator[Item]:
    """A project's images in the order in which they were added; each mask is made when its turn comes."""
    images = find_images(project_id)
    stems = unique_stems([(image.id, image.name) for image in images])
    for first in range(0, len(images), _AT_ONCE):
        some = images[first : first + _AT_ONCE]
        heads = files.heads([files.original(image.sha256) for image in some])
        for image, head in zip(some, heads, strict=True):
            blank = np.zeros((image.height, image.width), np.uint8)
            yield Item(image, log.mask(image) if image.strokes else blank, stems[image.id], head, photographs)


def png(values: np.ndarray) -> bytes:
    """A grey image, uint8 (height, width), as PNG."""
    return cv2.imencode(".png", values)[1].tobytes()
