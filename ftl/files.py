"""Results on disk: whole or not at all, and with what made them."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import platform
import shutil
import threading
from collections.abc import Iterable, Iterator
from functools import cache
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from ftl.errors import FtlError

_PACKAGES = ("torch", "torchvision", "torch-pruning", "numpy", "scikit-learn", "opencv-python-headless")
_OPTIONAL = ("openvino",)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Give a temporary path beside `path`; once the block ends without error, sync and rename it to `path`."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.draft-{os.getpid()}-{threading.get_ident()}{path.suffix}")
    try:
        yield draft
        with open(draft, "rb") as handle:
            os.fsync(handle.fileno())
        os.replace(draft, path)
        _sync_folder(path.parent)
    finally:
        draft.unlink(missing_ok=True)


@contextlib.contextmanager
def whole_folder(path: Path) -> Iterator[Path]:
    """Like `whole_file` for a folder: an existing `path` is replaced only when the new one is complete."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.draft-{os.getpid()}-{threading.get_ident()}")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir()
    try:
        yield draft
        for file in draft.iterdir():
            with open(file, "rb") as handle:
                os.fsync(handle.fileno())
        _sync_folder(draft)
        if path.exists():
            shutil.rmtree(path)
        os.replace(draft, path)
        _sync_folder(path.parent)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def remove_drafts(folder: Path) -> None:
    """Remove what a killed run left half-written directly below `folder`, or one folder deeper."""
    for draft in [*folder.glob(".*.draft-*"), *folder.glob("*/.*.draft-*")]:
        writer = draft.name.rsplit(".draft-", 1)[1].split("-")[0]
        if writer.isdigit() and _runs(int(writer)):
            continue
        if draft.is_dir():
            shutil.rmtree(draft, ignore_errors=True)
        else:
            draft.unlink(missing_ok=True)


def _runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return process != os.getpid()


@contextlib.contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Hold a folder against a second run, also one of another process. Raises `FtlError` when somebody has it.

    The lock lies beside the folder, which need not be there yet; the system lets go of it when its holder ends, however
    that is.
    """
    folder = Path(folder).absolute()
    folder.parent.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(folder.parent / f".{folder.name}.lock", timeout=0):
            yield
    except Timeout:
        raise FtlError(f"another run is working in {folder}: wait for its end, or name another folder") from None


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text, whole or not at all."""
    with whole_file(path) as draft:
        draft.write_text(text, encoding="utf-8")


def write_json(path: Path, value: Any) -> None:
    """Write indented JSON, whole or not at all."""
    write_text(path, json.dumps(value, indent=1, ensure_ascii=False) + "\n")


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON object that this program wrote. Raises `FtlError` when the file is missing or damaged."""
    try:
        value = json.loads(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise FtlError(f"there is no {path}") from None
    except (OSError, ValueError, RecursionError) as error:
        raise FtlError(f"{path} is damaged ({error}): remove it and run the step that makes it again") from error
    if not isinstance(value, dict):
        raise FtlError(f"{path} is damaged (it holds no object): remove it and run the step that makes it again")
    return value


def made_before(file: Path, made_from: dict[str, Any]) -> dict[str, Any] | None:
    """An earlier result, if it is there and says that it was made from the same."""
    if not file.is_file():
        return None
    before = read_json(file)
    return before if all(before.get(key) == value for key, value in made_from.items()) else None


def digest(path: Path) -> str:
    """SHA-256 of a file's bytes, in hex."""
    with open(path, "rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def digest_of(parts: Iterable[Iterable[object]]) -> str:
    """One SHA-256 over many tuples of short texts and numbers, whatever order they are given in."""
    total = hashlib.sha256()
    for line in sorted("\0".join(map(str, part)) for part in parts):
        total.update(f"{line}\n".encode())
    return total.hexdigest()


def versions() -> dict[str, str]:
    """Versions of Python and of the packages that a result depends on."""
    there = [*_PACKAGES, *(name for name in _OPTIONAL if find_spec(name))]
    return {"python": platform.python_version()} | {name: _version(name) for name in there}


@cache
def _version(package: str) -> str:
    """Read once: it is a file of hundreds of lines, and every file that a sweep writes says what wrote it."""
    return version(package)


def machine() -> dict[str, Any]:
    """What a timing was taken on: processor name, usable cores, system."""
    name = platform.processor() or platform.machine()
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                name = line.split(":", 1)[1].strip()
                break
    return {"processor": name, "cores": len(os.sched_getaffinity(0)), "system": platform.platform()}
