"""The surface's scripts and styles, as files that every browser may have: under the hash of all, so that they keep."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path

FOLDER = Path(__file__).parent / "js"

_TYPES = {".js": "text/javascript", ".css": "text/css"}


def address(name: str) -> str:
    """The path of one of them."""
    return f"/canvas/{_contents(_state())[0]}/{name}"


def content(version: str, name: str) -> tuple[bytes, str] | None:
    """The bytes of one and their media type; None where there is no such file in this version."""
    current, files = _contents(_state())
    return (files[name], _TYPES[Path(name).suffix]) if version == current and name in files else None


def _state() -> tuple[tuple[str, int], ...]:
    """Names and times of change: while somebody works on them, a reload of the page shows it."""
    files = (file for file in FOLDER.rglob("*") if file.suffix in _TYPES)
    return tuple(sorted((file.relative_to(FOLDER).as_posix(), file.stat().st_mtime_ns) for file in files))


@lru_cache(maxsize=1)
def _contents(state: tuple[tuple[str, int], ...]) -> tuple[str, dict[str, bytes]]:
    files = {name: (FOLDER / name).read_bytes() for name, _ in state}
    together = hashlib.sha256(b"".join(name.encode() + b"\0" + files[name] for name, _ in state))
    return together.hexdigest()[:16], files
