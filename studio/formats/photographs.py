"""Photographs as other programs should read them: upright, as JPEG or PNG.

Masks are drawn on the upright photograph. Programs differ in whether they heed an EXIF orientation, so none is left in
what is exported: a plain JPEG or PNG goes out as the very bytes that were uploaded, a turned JPEG is turned and encoded
anew (quality 92), and everything else (TIFF, BMP, WebP, a turned PNG) becomes a PNG, which loses nothing of eight bits.
"""

from __future__ import annotations

import io

from studio.store import files

_JPEG = ("JPEG", "MPO")  # MPO: a JPEG with further pictures behind it, as some telephones write


def suffix(head: files.Head) -> str:
    """The suffix of the photograph's export: ".jpg" or ".png"."""
    return ".jpg" if head.format in _JPEG else ".png"


def content(sha256: str, head: files.Head, jpeg: bool = False) -> bytes:
    """The bytes of the photograph's export; with `jpeg` always a JPEG. `head`: what it tells of itself."""
    is_jpeg = head.format in _JPEG
    if (is_jpeg or (head.format == "PNG" and not jpeg)) and not head.turned:
        return files.original(sha256).read_bytes()
    if is_jpeg or jpeg:
        return files.view(sha256).read_bytes()
    buffer = io.BytesIO()
    files.read(sha256).save(buffer, "PNG")
    return buffer.getvalue()
