"""The networks in the folder of a sweep, listed without loading one."""

from __future__ import annotations

from pathlib import Path

from ftl.errors import FtlError
from ftl.files import read_json
from ftl.models.layout import DESCRIPTION, SEGMENTED, UNPRUNED, candidate_name


def networks(out: str | Path, *, derived: bool = True) -> list[Path]:
    """The networks of a sweep, the unpruned one first, then by keep fraction. Raises `FtlError` when there are none.

    `derived`: also the fine-tuned and recalibrated ones; those that draw masks are `segmenters`.
    """
    return [path for path, head in _found(out) if head is None or (derived and head != SEGMENTED)]


def segmenters(out: str | Path) -> list[Path]:
    """The networks of a sweep that draw masks, that of the unpruned one first, then by keep fraction."""
    return [path for path, head in _found(out) if head == SEGMENTED]


def _found(out: str | Path) -> list[tuple[Path, str | None]]:
    """All networks of a sweep in order, and what head each got that was trained further."""
    out = Path(out)
    found = {path.parent: read_json(path) for path in out.glob(f"*/{DESCRIPTION}") if path.parent.name[0] != "."}
    if not found:
        raise FtlError(f"{out} holds no networks: make some with ftl prune {out} BACKBONE")
    first = (UNPRUNED, candidate_name(UNPRUNED, SEGMENTED))
    order = sorted(found, key=lambda path: (path.name not in first, found[path]["keep"] or 2, path.name))
    return [(path, found[path].get("head")) for path in order]
