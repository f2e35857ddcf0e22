"""Image files: the uploaded bytes under their SHA-256, and what is made of them once."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from ftl.data.images import MAX_PIXELS
from ftl.errors import FtlError
from ftl.files import whole_file
from studio.sandbox import Refused, call, serving
from studio.store.decode import heads as decode_heads
from studio.store.decode import shrunk, upright
from studio.store.home import home, scratch
from studio.store.shared_store import share, there

THUMBNAIL = 256
PREVIEW = 480
"""Sides of the small pictures, in pixels, at most."""


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


def has_thumbnail(sha256: str) -> bool:
    """Whether the thumbnail is made already, on this machine."""
    return _path("thumbnails", sha256, ".jpg").is_file()


def preview(sha256: str) -> Path:
    """The photograph upright, at most `PREVIEW` pixels long, as a JPEG. Made once."""
    return _made("previews", sha256, PREVIEW, 85)


def _made(kind: str, sha256: str, side: int | None, quality: int) -> Path:
    path = _path(kind, sha256, ".jpg")
    if not path.is_file():
        small(original(sha256), path, side, quality)
    return path


def small(file: Path, target: Path, side: int | None, quality: int = 85) -> None:
    """Write a photograph upright as a JPEG, at most `side` pixels long; `FtlError` when it is none."""
    with scratch() as folder:
        draft = Path(folder) / "small"
        with serving(shrunk, str(draft), side, quality, folder=Path(folder), reads=[file]) as shrink:
            _sentence(file, shrink)
        with whole_file(target) as whole:
            draft.replace(whole)


def pixels(file: Path) -> np.ndarray:
    """A photograph upright, RGB uint8 (height, width, 3). Raises `FtlError` when it is none.

    A child of `studio.sandbox` decodes it, so any file may be given.
    """
    (found,) = all_pixels([file])
    return found


def all_pixels(photographs: Sequence[Path]) -> list[np.ndarray]:
    """What `pixels` gives, of each of several photographs: one child decodes them all."""
    with scratch() as folder:
        raw = Path(folder) / "pixels"
        found = []
        with serving(upright, str(raw), folder=Path(folder), reads=photographs) as decode:
            for file in photographs:
                height, width = _sentence(file, decode)
                found.append(np.fromfile(raw, np.uint8).reshape(height, width, 3))
        return found


class Head(NamedTuple):
    """A photograph's format by Pillow's name, whether it is turned once upright, and its size before that."""

    format: str
    turned: bool
    width: int
    height: int


def heads(photographs: Sequence[Path]) -> list[Head]:
    """What photographs tell of themselves, all read by one child. Raises `FtlError` when one is none."""
    try:
        found = call(decode_heads, [str(one.absolute()) for one in photographs], reads=photographs)
    except Refused as error:
        raise FtlError(f"one of {len(photographs):,} photographs cannot be read: {error}") from error
    return [Head(*one) for one in found]


def _sentence(file: Path, ask: Callable[[tuple[str, int]], Any], most_pixels: int = MAX_PIXELS) -> Any:
    try:
        answer = ask((str(file.absolute()), most_pixels))
    except Refused as error:
        raise FtlError(f"{file}: {error}") from error
    if isinstance(answer, str):
        raise FtlError(answer)
    return answer


def array(sha256: str) -> np.ndarray:
    """The photograph upright, uint8 (height, width, 3)."""
    return pixels(original(sha256))


@lru_cache(maxsize=4)
def photograph(sha256: str) -> np.ndarray:
    """As `array`, for what looks at the same photograph time and again: nobody may change it."""
    return array(sha256)


def read(sha256: str) -> Image.Image:
    """The photograph upright, RGB. Raises `FtlError` when the bytes are no image."""
    return Image.fromarray(array(sha256))


Keep = Callable[[Path, int], tuple[str, int, int]]


@contextmanager
def keeping(folder: Path) -> Iterator[Keep]:
    """A `keep` for many files that lie in `folder`, which takes a fraction of the time."""
    shrink_to = folder / ".thumbnail"
    with serving(shrunk, str(shrink_to), THUMBNAIL, 85, folder=folder) as shrink:

        def keep_one(draft: Path, most_pixels: int) -> tuple[str, int, int]:
            height, width = _sentence(draft, shrink, most_pixels)
            sha256 = sha256_of(draft)
            path = _path("images", sha256)
            if path.is_file():
                path.touch()  # what is new is spared by `studio.trash.purging`: a row that needs it is on its way
            else:
                with whole_file(_path("thumbnails", sha256, ".jpg")) as target:
                    shrink_to.replace(target)
                with whole_file(path) as target:
                    target.write_bytes(draft.read_bytes())
            share(path)
            return sha256, width, height

        yield keep_one


def sha256_of(file: Path) -> str:
    """The SHA-256 of a file's bytes."""
    with open(file, "rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def files_of(sha256: str) -> list[Path]:
    """Where a photograph and what was made of it lie in the home folder, whether they are there or not."""
    made = [_path(kind, sha256, ".jpg") for kind in ("views", "previews", "thumbnails")]
    return [_path("images", sha256), *made, tiles(sha256)]


def tiles(sha256: str) -> Path:
    """Where `studio.store.tiles` keeps a photograph's tiles."""
    return _path("tiles", sha256, ".zip")


def keep(draft: Path, most_pixels: int = MAX_PIXELS) -> tuple[str, int, int]:
    """Keep an uploaded file, with its thumbnail: its SHA-256, width and height once upright.

    Raises `FtlError` when it is no image, is damaged or has more than `most_pixels`; then nothing is kept.
    """
    with scratch() as folder:
        own = Path(folder) / "photograph"
        shutil.copyfile(draft, own)
        with keeping(Path(folder)) as keep_one:
            try:
                return keep_one(own, most_pixels)
            except FtlError as error:
                raise FtlError(str(error).replace(str(own), str(draft))) from error
