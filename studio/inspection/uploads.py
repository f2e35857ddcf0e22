"""Photographs to be tried, read from what a browser sent and not kept."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ftl.errors import FtlError
from studio.errors import StudioError
from studio.store.files import pixels
from studio.store.home import scratch


def read_upload(name: str, data: bytes) -> np.ndarray:
    """The photograph, RGB uint8 (height, width, 3). `name` is only shown, never used as a path.

    Raises `StudioError` when the bytes are no image, are damaged, or unpack to more pixels than are read.
    """
    with scratch() as folder:
        file = Path(folder) / "photograph"
        file.write_bytes(data)
        try:
            return pixels(file)
        except FtlError as error:
            raise StudioError(str(error).replace(str(file), f"the file {name}")) from error
