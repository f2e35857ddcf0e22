"""The store of `STUDIO_STORE`: files by content where workers of other machines reach them, as s3://bucket/folder.

With it the home folder holds copies only: what is missing there is fetched. Folders are kept as git keeps them: a tree,
itself a file of the store, names the contents of a folder's files.
"""

from __future__ import annotations

import json
import os
import tempfile
from contextlib import suppress
from pathlib import Path

from ftl.errors import FtlError
from ftl.sweeping.store import fetch, fetch_all, put, put_all


def address() -> str | None:
    """The store's address for fsspec; None when all files lie in the home folder only."""
    return os.environ.get("STUDIO_STORE", "").strip() or None


def share(file: Path) -> None:
    """Keep a file in the store too, if there is one. Raises `FtlError` when that fails."""
    if store := address():
        put(store, file)


def there(sha256: str, file: Path) -> Path:
    """`file`, fetched from the store by its content if it is missing and there is a store."""
    if not file.is_file() and (store := address()):
        fetch(store, sha256, file)
    return file


def share_folder(folder: Path, suffixes: tuple[str, ...] = ()) -> str | None:
    """Keep a folder in the store, less hidden files and those of `suffixes`; the SHA-256 of its tree. None without one.

    Raises `FtlError` when that fails; then there is no tree, and so nothing.
    """
    store = address()
    if store is None:
        return None
    names = [file.relative_to(folder) for file in sorted(folder.rglob("*")) if file.is_file()]
    kept = [name for name in names if name.suffix not in suffixes and not any(part[0] == "." for part in name.parts)]
    found = put_all(store, [folder / name for name in kept])
    tree = {name.as_posix(): sha256 for name, sha256 in zip(kept, found, strict=True)}
    return put(store, json.dumps(tree).encode())


def contents_of(tree: str) -> dict[str, str] | None:
    """The SHA-256 of each file of a tree, by its path; None where the store has not got the tree, or there is none.

    Raises `FtlError` when the store cannot be read.
    """
    store = address()
    with tempfile.TemporaryDirectory() as made:
        listed = Path(made) / "tree"
        if store is None or not fetch(store, tree, listed):
            return None
        found: dict[str, str] = json.loads(listed.read_text())
        return found


def tree_without(tree: str, folder: str) -> str:
    """Keep the tree without a folder below it, as `models/keep-0.5`: its SHA-256; the same where there is no store.

    Raises `FtlError` when the store cannot be read or written to.
    """
    store, found = address(), contents_of(tree)
    if store is None or found is None:
        return tree
    return put(
        store, json.dumps({name: one for name, one in found.items() if not name.startswith(f"{folder}/")}).encode()
    )


def there_folder(tree: str, folder: Path) -> None:
    """Fetch `folder` from the store by its tree, whole or not at all, if it is missing and there is a store.

    Raises `FtlError` when the store lacks something.
    """
    store = address()
    if folder.is_dir() or store is None:
        return
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".draft-") as made:
        draft, listed = Path(made) / "files", Path(made) / "tree"
        if not fetch(store, tree, listed):
            raise FtlError(f"{store} has lost the files of {folder.name}")
        named: dict[str, str] = json.loads(listed.read_text())
        if any(not (draft / name).resolve().is_relative_to(draft.resolve()) for name in named):
            raise FtlError(f"{store} is damaged: {tree} names files outside of its folder")
        if fetch_all(store, ((sha256, draft / name) for name, sha256 in named.items())):
            raise FtlError(f"{store} has lost some of the files of {folder.name}")
        with suppress(OSError):  # somebody else was first
            draft.replace(folder)
