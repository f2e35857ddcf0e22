"""Images from disk: decoded, upright, RGB, and never larger than memory can hold."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from ftl.errors import FtlError

EXTENSIONS = (".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp")
"""File names that count as images, in lower case."""

MAX_PIXELS = 100_000_000
"""Larger images are refused before they are decoded: a few kilobytes can unpack to gigabytes."""

# every image's size is checked here, so Pillow need not warn as well
warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)

FORMATS = ("BMP", "JPEG", "PNG", "TIFF", "WEBP")
"""The formats that are read, by Pillow's names."""


def _too_many(most: int) -> str:
    return f"more than the {min(most, MAX_PIXELS):,} that are read: make it smaller or cut it"


def open_upright(path: Path, most_pixels: int = MAX_PIXELS) -> Image.Image:
    """Decode an image and turn it as its EXIF orientation says.

    Raises `FtlError` when the file is no image, is damaged, or holds more than `most_pixels`.
    """
    try:
        with Image.open(path, formats=FORMATS) as image:
            width, height = image.size
            if width * height > min(most_pixels, MAX_PIXELS):
                raise FtlError(f"{path} has {width} x {height} pixels, {_too_many(most_pixels)}")
            image.load()
            return ImageOps.exif_transpose(image)
    except FtlError:
        raise
    except Image.DecompressionBombError as error:
        raise FtlError(f"{path} has too many pixels, {_too_many(most_pixels)}") from error
    except UnidentifiedImageError as error:
        kinds = f"{', '.join(FORMATS[:-1])} or {FORMATS[-1]}"
        problem = f"{path} cannot be read as an image (it is not a {kinds} file): replace it or take it out"
        raise FtlError(problem) from error
    except Exception as error:  # Pillow raises many types on damaged input; each means the same to a user
        raise FtlError(f"{path} cannot be read as an image ({error}): replace it or take it out") from error


def to_eight_bits(image: Image.Image) -> Image.Image:
    """Scale 16-bit grey images to 8 bits; others are returned as they are."""
    if not image.mode.startswith("I"):
        return image
    values = np.array(image)  # in place: 100 megapixels are 0.4 GB each time
    if values.max(initial=0) > 255:
        values //= 257
    return Image.fromarray(values.clip(0, 255, out=values).astype(np.uint8))


def read_image(path: Path) -> np.ndarray:
    """Read a photograph as RGB, uint8, shape (height, width, 3), upright. Raises `FtlError` as `open_upright`."""
    return np.asarray(to_eight_bits(open_upright(path)).convert("RGB"))


def resize_image(image: np.ndarray, size: int) -> np.ndarray:
    """Resize RGB uint8 (height, width, 3) to (size, size, 3) by nearest neighbour, as Keras' `load_img` does."""
    if image.shape[:2] == (size, size):
        return image
    return np.asarray(Image.fromarray(image).resize((size, size), Image.Resampling.NEAREST))


def list_images(folder: Path) -> list[Path]:
    """The image files directly in `folder`, by name. Hidden files and other types are left out."""
    return sorted(
        path
        for path in Path(folder).iterdir()
        if path.suffix.lower() in EXTENSIONS and not path.name.startswith(".") and path.is_file()
    )


def class_folders(folder: Path) -> dict[str, list[Path]]:
    """Images by class: one entry per subfolder that holds images; a folder without subfolders is one class "".

    Raises `FtlError` when `folder` is missing or holds no image at all.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise FtlError(f"there is no folder {folder}: make it, with one subfolder per class")
    found = {sub.name: list_images(sub) for sub in sorted(folder.iterdir()) if sub.is_dir() and sub.name[0] != "."}
    found = {name: paths for name, paths in found.items() if paths}
    flat = list_images(folder)
    if flat:
        if found:
            raise FtlError(
                f"{folder} holds images both beside and inside class folders ({flat[0].name}, {next(iter(found))}/): "
                "move them all into class folders, or all out"
            )
        found = {"": flat}
    if not found:
        raise FtlError(f"{folder} holds no images ({', '.join(EXTENSIONS)})")
    return found
