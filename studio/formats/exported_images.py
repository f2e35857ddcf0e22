"""A project's images as they are exported: their masks, the names of their files, and their photographs.

Masks are drawn on the upright photograph. Programs differ in whether they heed an EXIF orientation, so none is left in
what is exported: a plain JPEG or PNG goes out as the very bytes that were uploaded, a turned JPEG is turned and encoded
anew (quality 92), and everything else (TIFF, BMP, WebP, a turned PNG) becomes a PNG, which loses nothing of eight bits.
"""

from __future__ import annotations

import io
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import PurePosixPath

import numpy as np

from studio.annotation import log
from studio.formats.format import Item
from studio.images.library import find_images
from studio.projects.classes import classes_of
from studio.store import files

_AT_ONCE = 100  # photographs that one child looks at
_JPEG = ("JPEG", "MPO")  # MPO: a JPEG with further pictures behind it, as some telephones write
_MOST_BYTES = 180  # of a stem: file systems take 255, and a number and a suffix are added


def exported_images(project_id: int, photographs: bool) -> Iterator[Item]:
    """A project's images in the order in which they were added; each mask is made when its turn comes.

    `photographs`: whether they are exported as well.
    """
    images = find_images(project_id)
    names = {known.id: known.name for known in classes_of(project_id)}
    stems = unique_stems([(image.id, image.name) for image in images])
    for first in range(0, len(images), _AT_ONCE):
        some = images[first : first + _AT_ONCE]
        heads = files.heads([files.original(image.sha256) for image in some])
        for image, head in zip(some, heads, strict=True):
            stem, suffix = stems[image.id], ".jpg" if head.format in _JPEG else ".png"
            class_name = names.get(image.class_id or 0)
            listed = {"file": stem + suffix, "class": class_name, "name": image.name, "sha256": image.sha256}
            yield Item(
                id=image.id,
                mask=log.mask(image) if image.strokes else np.zeros((image.height, image.width), np.uint8),
                stem=stem,
                suffix=suffix,
                drawn=image.strokes > 0,
                split=image.split,
                class_name=class_name,
                load=partial(_photograph, image.sha256, head) if photographs else None,
                listed=listed | {"state": image.state, "split": image.split},
            )


def _photograph(sha256: str, head: files.Head, jpeg: bool) -> bytes:
    is_jpeg = head.format in _JPEG
    if (is_jpeg or (head.format == "PNG" and not jpeg)) and not head.turned:
        return files.original(sha256).read_bytes()
    if is_jpeg or jpeg:
        return files.view(sha256).read_bytes()
    buffer = io.BytesIO()
    files.read(sha256).save(buffer, "PNG")
    return buffer.getvalue()


def safe_stem(name: str) -> str:
    """A file's stem without what some system forbids in names; spaces, accents and emoji stay."""
    stem = re.sub(r'[\\/:*?"<>|]', "_", PurePosixPath(unicodedata.normalize("NFC", name)).stem)
    stem = stem.encode()[:_MOST_BYTES].decode(errors="ignore").strip(" .")
    return stem or "image"


def unique_stems(named: Sequence[tuple[int, str]]) -> dict[int, str]:
    """A stem for each image of (id, name).

    Images that share one all get their id behind it: the plain name would mean another image to whoever reads it back.
    """
    stems = {key: safe_stem(name) for key, name in named}
    counts = Counter(stem.casefold() for stem in stems.values())
    taken = set(counts)
    for key, stem in stems.items():
        if counts[stem.casefold()] > 1:
            own = f"{stem}_{key}"
            while own.casefold() in taken:
                own += "_"
            taken.add(own.casefold())
            stems[key] = own
    return stems
