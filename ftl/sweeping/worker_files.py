"""Files on a worker, known by their content: seen where they lie, kept from before, fetched, or asked for.

A task names each file by path and SHA-256. A worker that sees the path (its own disk, or a shared one) reads it there.
One that does not keeps a copy under the digest; what it has not got, it fetches from the sweep's store, if it has one,
and else asks the driver for, once.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from functools import cache, lru_cache
from pathlib import Path
from typing import NamedTuple

import dask

from ftl.errors import FtlError
from ftl.files import digest, whole_file
from ftl.sweeping.store import fetch_all

_KEEP_SECONDS = 7 * 24 * 3600  # an unused copy; a sweep that goes on the next day finds it still


class File(NamedTuple):
    """A file by the path where the driver has it, and the SHA-256 of its bytes."""

    path: str
    sha256: str


class Lacking(NamedTuple):
    """A task's answer when its worker has not got these contents (SHA-256): deliver them there, and ask again."""

    worker: str
    sha256: tuple[str, ...]


def _folder() -> Path:
    root = Path(dask.config.get("temporary-directory", None) or tempfile.gettempdir())
    folder = root / f"ftl-blobs-{os.getuid()}"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    if folder.stat().st_uid != os.getuid():  # somebody else made it, and could put anything there
        raise PermissionError(f"{folder} belongs to another user: set Dask's temporary-directory to a folder of yours")
    return folder


@lru_cache(maxsize=1 << 17)
def _has(path: str, size: int, changed: int, sha256: str) -> bool:
    """Whether a file, as it is since it changed last, has this content: read once per process."""
    return digest(Path(path)) == sha256


def find(file: File) -> Path | None:
    """Where this machine has the file's content; None if it has not."""
    for path in (Path(file.path), _folder() / file.sha256):
        try:
            state = path.stat()
            if _has(str(path), state.st_size, state.st_mtime_ns, file.sha256):
                return path
        except OSError:
            continue
    return None


def deliver(contents: Iterable[bytes]) -> None:
    """Keep contents on this machine."""
    _forget_unused()
    folder = _folder()
    for content in contents:
        with whole_file(folder / hashlib.sha256(content).hexdigest()) as draft:
            draft.write_bytes(content)


@cache
def _forget_unused() -> None:
    """Remove what nobody used for a week; looked for once in a process' life, not at every delivery."""
    now = time.time()
    for path in _folder().iterdir():
        with suppress(FileNotFoundError):  # another worker of this machine was first
            state = path.stat()
            if now - max(state.st_atime, state.st_mtime) > _KEEP_SECONDS:
                path.unlink()


def find_all(files: Sequence[File], worker: str, store: str | None = None) -> list[Path] | Lacking:
    """Where this machine has each of the files, from now on also those of the store; or what it lacks."""
    found = {file.sha256: path for file in files if (path := find(file)) is not None}
    lacking = {file.sha256 for file in files} - set(found)
    if lacking and store is not None:
        _forget_unused()
        kept = {sha256: _folder() / sha256 for sha256 in lacking}
        with suppress(FtlError):  # it does not reach the store: the driver sends them
            lacking = fetch_all(store, kept.items())
        found |= {sha256: path for sha256, path in kept.items() if sha256 not in lacking}
    return Lacking(worker, tuple(sorted(lacking))) if lacking else [found[file.sha256] for file in files]
