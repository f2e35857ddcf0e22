"""Small pictures for a report, as JPEG."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path

from PIL import Image

from ftl.data.images import read_image
from ftl.errors import FtlError
from ftl.reporting.document import Picture

_MOST = 8
_SIDE = 220
_READ = 24  # of photographs that are not at hand, no more are looked for


def photographs(captions: Mapping[Path, str], within: Path | None = None) -> tuple[Picture, ...]:
    """The first photographs that are at hand and, with `within`, lie in that folder; by their captions and names."""
    found = list[Picture]()
    for file, caption in [*captions.items()][:_READ]:
        if len(found) < _MOST and (within is None or file.resolve().is_relative_to(within.resolve())):
            try:
                found.append(_picture(file, f"{caption}: {file.name}"))
            except FtlError:  # it was moved, or is damaged
                continue
    return tuple(found)


def _picture(file: Path, caption: str) -> Picture:
    image = Image.fromarray(read_image(file))
    image.thumbnail((_SIDE, _SIDE))
    jpeg = io.BytesIO()
    image.save(jpeg, "JPEG", quality=85)
    return Picture(jpeg.getvalue(), image.width, image.height, caption)
