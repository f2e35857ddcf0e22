"""Image files: the uploaded bytes under their SHA-256, and what is made of them once."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
from PIL import Image

from ftl.files import whole_file
from ftl.images import MAX_PIXELS, open_upright, to_eight_bits
from studio.home import home
from studio.store.shared import share, there

THUMBNAIL = 256


def _path(kind: str, sha256: str, suffix: str = "") -> Path:
    return home() / kind / sha256[:2] / f"{sha256}{suffix}"


def original(sha256: str) -> Path:
    """The uploaded bytes, fetched from the store if only that has them."""
    return there(sha256, _path("images", sha256))


def view(sha256: str) -> Path:
    """The photograph upright, as a JPEG of full size: what is drawn on. Made once."""
    return _made("views", sha256, None, 92)


def thumbnail(sha256: str) -> Path:
    """The photograph upright, at most `THUMBNAIL` pixels long, as a JPEG. Made once."""
    return _made("thumbnails", sha256, THUMBNAIL, 85)


def _made(kind: str, sha256: str, side: int | None, quality: int) -> Path:
    path = _path(kind, sha256, ".jpg")
    if not path.is_file():
        _write(read(sha256), path, side, quality)
    return path


def _write(image: Image.Image, path: Path, side: int | None, quality: int) -> None:
    if side is not None:
        image = image.copy()
        image.thumbnail((side, side), Image.Resampling.LANCZOS)
    with whole_file(path) as draft:
        image.save(draft, "JPEG", quality=quality)


def read(sha256: str) -> Image.Image:
    """The photograph upright, RGB. Raises `FtlError` when the bytes are no image."""
    return to_eight_bits(open_upright(original(sha256))).convert("RGB")


def array(sha256: str) -> np.ndarray:
    """The photograph upright, uint8 (height, width, 3)."""
    return np.asarray(read(sha256))


def sha256_of(file: Path) -> str:
    """The SHA-256 of a file's bytes."""
    with open(file, "rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def files_of(sha256: str) -> list[Path]:
    """Where a photograph and what was made of it lie in the home folder, whether they are there or not."""
    return [_path("images", sha256), *(_path(kind, sha256, ".jpg") for kind in ("views", "thumbnails"))]


def keep(draft: Path, most_pixels: int = MAX_PIXELS) -> tuple[str, int, int]:
    """Move an uploaded file to its place, with its thumbnail: its SHA-256, width and height once upright.

    Raises `FtlError` when it is no image, is damaged or has more than `most_pixels`; then nothing is kept.
    """
    sha256 = sha256_of(draft)
    image = to_eight_bits(open_upright(draft, most_pixels)).convert("RGB")
    path = _path("images", sha256)
    if path.is_file():
        path.touch()  # what is new is spared by `studio.trash.purging`: a row that needs it is on its way
    else:
        _write(image, _path("thumbnails", sha256, ".jpg"), THUMBNAIL, 85)
        with whole_file(path) as target:
            target.write_bytes(draft.read_bytes())
    share(path)
    return sha256, image.width, image.height
