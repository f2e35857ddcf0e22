"""Backbones that a project uploaded: checked before they are kept."""

from __future__ import annotations

import re
from pathlib import Path
from typing import BinaryIO

from ftl.backbones.load import load_backbone
from ftl.errors import FtlError
from ftl.files import whole_file
from studio.errors import StudioError
from studio.home import home
from studio.images.uploads import scratch

SUFFIXES = (".h5", ".safetensors", ".pt", ".pth", ".pt2")


def folder(project_id: int) -> Path:
    """Where a project's backbones lie."""
    return home() / "backbones" / str(project_id)


def uploaded(project_id: int) -> list[str]:
    """The names of a project's backbone files."""
    found = folder(project_id)
    return sorted(file.name for file in found.iterdir() if file.name[0] != ".") if found.is_dir() else []


def add(project_id: int, name: str, file: BinaryIO) -> str:
    """Keep an uploaded backbone, if it loads; returns its name here. Raises `StudioError`; no pickle is loaded."""
    plain = Path(name.replace("\\", "/")).name
    suffix = Path(plain).suffix.lower()
    if suffix not in SUFFIXES:
        raise StudioError(f"a backbone is a file ending in {', '.join(SUFFIXES)}; this one does not")
    safe = (re.sub(r"[^A-Za-z0-9_-]+", "_", Path(plain).stem).strip("_") or "backbone")[:80] + suffix
    with scratch() as drafts:
        draft = Path(drafts) / safe
        with open(draft, "wb") as target:
            while block := file.read(1 << 20):
                target.write(block)
        try:
            load_backbone(draft)
        except FtlError as error:
            raise StudioError(str(error).replace(str(draft), safe)) from error
        with whole_file(folder(project_id) / safe) as kept:
            draft.replace(kept)
    return safe
