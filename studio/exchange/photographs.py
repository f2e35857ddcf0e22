"""Photographs as other programs should read them: upright, as JPEG or PNG.

Masks are drawn on the upright photograph. Programs differ in whether they heed an EXIF orientation, so none is left in
what is exported: a plain JPEG or PNG goes out as the very bytes that were uploaded, a turned JPEG is turned and encoded
anew (quality 92), and everything else (TIFF, BMP, WebP, a turned PNG) becomes a PNG, which loses nothing of eight bits.
"""

from __future__ import annotations

import io

from PIL import Image as Picture

from studio.store import files

_ORIENTATION = 0x0112
_JPEG = ("JPEG", "MPO")  # MPO: a JPEG with further pictures behind it, as some telephones write


def suffix(sha256: str) -> str:
    """The suffix of the photograph's export: ".jpg" or ".png"."""
    with Picture.open(files.original(sha256)) as picture:
        return ".jpg" if picture.format in _JPEG else ".png"


def content(sha256: str, jpeg: bool = False) -> bytes:
    """The bytes of the photograph's export; with `jpeg` always a JPEG."""
    with Picture.open(files.original(sha256)) as picture:
        is_jpeg = picture.format in _JPEG
        plain = (is_jpeg or (picture.format == "PNG" and not jpeg)) and not _turned(picture)
    if plain:
        return files.original(sha256).read_bytes()
    if is_jpeg or jpeg:
        return files.view(sha256).read_bytes()
    buffer = io.BytesIO()
    files.read(sha256).save(buffer, "PNG")
    return buffer.getvalue()


def _turned(picture: Picture.Image) -> bool:
    return picture.getexif().get(_ORIENTATION, 1) in range(2, 9)
