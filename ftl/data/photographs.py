"""Photographs resized as networks take them: each decoded once in a process, ahead of its use.

They are held in memory, or, where they are too many, in a file that is gone with the process.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO

import numpy as np

from ftl.data.images import read_image, resize_image

Photographs = Callable[[np.ndarray], np.ndarray]
"""Gives RGB uint8 images (n, S, S, 3), by their indices."""

HELD_BYTES = 2**30
"""Photographs of no more than this, decoded, are held in memory; more are held on the disk."""

DISK_BYTES = 2**35
"""They are held there up to this many, 228,000 photographs of 224 x 224, and up to half of what is free; of more, each
is decoded again when needed."""

_held: dict[object, tuple[Photographs, int]] = {}
"""The sets that are held, the one used last at the end, and their bytes."""
_lock = threading.Lock()


def photographs_of(paths: Sequence[Path], size: int) -> Photographs:
    """The images at `paths`, RGB uint8 (n, size, size, 3), by their indices; decoded when they are first asked for.

    The same files are held for all who ask, as the candidates of a sweep do one after the other.
    """
    needed = 3 * size * size * len(paths)
    if needed > DISK_BYTES:
        return _reader(paths, size)
    key = size, tuple(map(_state, paths))
    with _lock:
        held = _held.pop(key, None)
        _make_room(needed)
        if held is None:
            photographs = (_in_memory if needed <= HELD_BYTES else _on_disk)(paths, size)
            if photographs is None:
                return _reader(paths, size)
            held = photographs, needed
        _held[key] = held
    return held[0]


def _make_room(needed: int) -> None:
    """Let go of sets that were used longest ago, until so many bytes fit beside those in the same place."""
    limit = HELD_BYTES if needed <= HELD_BYTES else DISK_BYTES
    beside = {key: taken for key, (_, taken) in _held.items() if (taken <= HELD_BYTES) == (needed <= HELD_BYTES)}
    while beside and needed + sum(beside.values()) > limit:
        oldest = next(iter(beside))
        del beside[oldest], _held[oldest]


def _state(path: Path) -> tuple[str, int, int]:
    """What changes when a file does; that one is missing is the reader's to say."""
    try:
        state = path.stat()
    except OSError:
        return str(path), -1, -1
    return str(path), state.st_size, state.st_mtime_ns


def _reader(paths: Sequence[Path], size: int) -> Photographs:
    def read(path: Path) -> np.ndarray:
        return resize_image(read_image(path), size)

    def some(indices: np.ndarray) -> np.ndarray:
        with ThreadPoolExecutor() as pool:
            return np.stack([*pool.map(read, [paths[index] for index in indices])])

    return some


def _in_memory(paths: Sequence[Path], size: int) -> Photographs:
    read, there = _reader(paths, size), np.zeros(len(paths), bool)
    images = np.empty((len(paths), size, size, 3), np.uint8)

    def some(indices: np.ndarray) -> np.ndarray:
        missing = np.unique(indices[~there[indices]])
        if len(missing):
            images[missing] = read(missing)
            there[missing] = True
        return images[indices]

    return some


def _on_disk(paths: Sequence[Path], size: int) -> Photographs | None:
    """As `_in_memory`, in a file without a name; None where the disk of temporary files has too little room."""
    file = _reserved(3 * size * size * len(paths))
    if file is None:
        return None
    read, there, taken = _reader(paths, size), np.zeros(len(paths), bool), 3 * size * size

    def some(indices: np.ndarray) -> np.ndarray:
        images, kept = np.empty((len(indices), size, size, 3), np.uint8), there[indices]
        for at in np.flatnonzero(kept):
            os.preadv(file.fileno(), [images[at]], int(indices[at]) * taken)
        if not kept.all():
            images[~kept] = read(indices[~kept])
            for at in np.flatnonzero(~kept):
                # where a disk has no room in spite of all, it is decoded again; into a map, that would end the process
                with contextlib.suppress(OSError):
                    there[indices[at]] = os.pwrite(file.fileno(), images[at], int(indices[at]) * taken) == taken
        return images

    return some


def _reserved(count: int) -> IO[bytes] | None:
    """A file of so many bytes that is gone once nobody reads it; None where that takes over half of what is free."""
    with contextlib.suppress(OSError):
        if count <= shutil.disk_usage(tempfile.gettempdir()).free / 2:
            file = tempfile.TemporaryFile()  # noqa: SIM115 - whoever reads it closes it
            os.posix_fallocate(file.fileno(), 0, count)  # so that other processes see what is left
            return file
    return None


def in_batches(photographs: Photographs, count: int, batch: int) -> Iterator[np.ndarray]:
    """The first `count` photographs in order, at most `batch` at a time; the next are read while these are used."""
    parts = [np.arange(start, min(start + batch, count)) for start in range(0, count, batch)]
    with ThreadPoolExecutor(1) as ahead:
        reading = [ahead.submit(photographs, part) for part in parts[:1]]
        for following in range(1, len(parts) + 1):
            images = reading.pop().result()
            reading += [ahead.submit(photographs, part) for part in parts[following : following + 1]]
            yield images
