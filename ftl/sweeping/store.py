"""Files by content in a place that many machines reach: any folder or address that fsspec knows, as s3://bucket/folder.

A file lies there as `ab/abcdef...`, the SHA-256 of its bytes: none is ever changed, and none stands there twice.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import fsspec

from ftl.errors import FtlError
from ftl.files import digest, whole_file

_ATOMIC = frozenset({"s3", "s3a", "gs", "gcs", "abfs", "az"})  # there a file is whole or not there
_AT_ONCE = 16  # transfers; each waits for the network, not for this machine


def _open(store: str, sha256: str) -> tuple[Any, str]:
    """The file system of a store, and the path of a content there."""
    try:
        system, root = fsspec.core.url_to_fs(store)
    except ImportError as error:
        raise FtlError(f"{store} needs another package ({error}); for s3:// that is pip install s3fs") from error
    except ValueError as error:
        raise FtlError(f"{store} is no place for files: {error}") from error
    return system, f"{root.rstrip('/')}/{sha256[:2]}/{sha256}"


def put(store: str, content: Path | bytes) -> str:
    """Keep a file or bytes in the store, whole or not at all; their SHA-256. Raises `FtlError` when that fails."""
    sha256 = hashlib.sha256(content).hexdigest() if isinstance(content, bytes) else digest(content)
    system, path = _open(store, sha256)
    try:
        if system.exists(path):
            return sha256
        if "file" in system.protocol:  # fsspec would write it in place
            with whole_file(Path(path)) as whole:
                whole.write_bytes(content if isinstance(content, bytes) else content.read_bytes())
        elif not _ATOMIC.isdisjoint([system.protocol] if isinstance(system.protocol, str) else system.protocol):
            _write(system, content, path)
        else:  # a name that nobody asks for, until it is whole
            draft = f"{path}.draft-{uuid.uuid4().hex}"
            _write(system, content, draft)
            system.mv(draft, path)
    except Exception as error:  # each kind of store has errors of its own
        raise FtlError(f"{store} cannot be written to ({_first_line(error)})") from error
    return sha256


def _write(system: Any, content: Path | bytes, path: str) -> None:
    if isinstance(content, bytes):
        system.pipe_file(path, content)
    else:
        system.put_file(str(content), path)


def fetch(store: str, sha256: str, target: Path) -> bool:
    """Copy a content from the store to `target`, whole or not at all; False if it is not there.

    Raises `FtlError` when the store cannot be read, or holds something else under that name.
    """
    system, path = _open(store, sha256)
    try:
        with whole_file(target) as draft:
            system.get_file(path, str(draft))
            if digest(draft) != sha256:
                raise FtlError(f"{store} is damaged: {path} holds something else")
    except FileNotFoundError:
        return False
    except FtlError:
        raise
    except Exception as error:  # each kind of store has errors of its own
        raise FtlError(f"{store} cannot be read ({_first_line(error)})") from error
    return True


def remove(store: str, sha256: str) -> None:
    """Remove a content from the store, if it is there. Raises `FtlError` when that fails."""
    system, path = _open(store, sha256)
    try:
        system.rm_file(path)
    except FileNotFoundError:
        pass
    except Exception as error:  # each kind of store has errors of its own
        raise FtlError(f"{store} cannot be written to ({_first_line(error)})") from error


def put_all(store: str, contents: Iterable[Path | bytes]) -> list[str]:
    """`put` for many, several at once."""
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return list(pool.map(lambda one: put(store, one), contents))


def fetch_all(store: str, wanted: Iterable[tuple[str, Path]]) -> set[str]:
    """`fetch` for many pairs of SHA-256 and target, several at once; the contents that the store has not got."""
    pairs = list(wanted)
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        found = pool.map(lambda pair: fetch(store, *pair), pairs)
        return {sha256 for (sha256, _), one in zip(pairs, found, strict=True) if not one}


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
