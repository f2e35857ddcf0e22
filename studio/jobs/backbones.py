"""Backbones that a project uploaded: checked before they are kept."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, BinaryIO

from safetensors import safe_open
from sqlalchemy import select

from ftl.errors import FtlError
from ftl.files import digest, whole_file
from studio.accounts.rights import changing
from studio.errors import StudioError
from studio.jobs.describe_model import write_safe_copy
from studio.sandbox import NETWORKS, Refused, call
from studio.store.database import reading
from studio.store.home import home, scratch
from studio.store.shared_store import share, there
from studio.store.tables import BackboneFile

_CONVERTED = NETWORKS._replace(output=2**30)  # VGG16 is written with 59 MB

SUFFIXES = (".h5", ".safetensors", ".pt", ".pth", ".pt2")


def folder(project_id: int) -> Path:
    """Where a project's backbones lie."""
    return home() / "backbones" / str(project_id)


def _kept(project_id: int, *, deleted: bool = False) -> dict[str, str]:
    with reading(trash=deleted) as db:
        query = select(BackboneFile).where(BackboneFile.project_id == project_id)
        return {one.name: one.sha256 for one in db.scalars(query) if (one.deleted_at is not None) == deleted}


def uploaded(project_id: int) -> list[str]:
    """The names of a project's backbone files."""
    here = folder(project_id)
    found = {file.name for file in here.iterdir() if file.name[0] != "."} if here.is_dir() else set()
    return sorted((found | set(_kept(project_id))) - set(_kept(project_id, deleted=True)))


def files_of(project_id: int, name: str) -> list[Path]:
    """Where a backbone lies, whether it is there or not: as it was uploaded, and as a child wrote it anew."""
    plain = Path(name).name
    return [folder(project_id) / plain, folder(project_id) / ".safe" / f"{plain}.safetensors"]


def file_of(project_id: int, name: str) -> Path:
    """A project's backbone as it was uploaded, fetched from the store if only that has it: for children to read."""
    file = files_of(project_id, name)[0]
    if file.name in _kept(project_id, deleted=True):
        raise StudioError(f"the network {file.name} was deleted: an admin can restore it from the trash")
    sha256 = _kept(project_id).get(file.name)
    return there(sha256, file) if sha256 else file


def safe_file_of(project_id: int, name: str) -> Path:
    """A project's backbone as a child wrote it anew, for any process to load. Raises `FtlError`, `StudioError`."""
    file, (_, safe) = file_of(project_id, name), files_of(project_id, name)
    if not safe.is_file():  # uploaded on another machine
        with scratch() as drafts:
            copy = Path(drafts) / "network.safetensors"
            call(write_safe_copy, str(file), str(copy), limits=_CONVERTED, folder=Path(drafts), reads=[file])
            _keep(copy, safe)
    return safe


def _keep(draft: Path, target: Path) -> None:
    with whole_file(target) as kept:
        draft.replace(kept)


def description(project_id: int, name: str) -> dict[str, Any]:
    """What a project's backbone computes: `spec`, its layers, and `kind` and `size` of what it takes.

    Read from the header that a child wrote, without weights. Raises `FtlError`, `StudioError`.
    """
    with safe_open(safe_file_of(project_id, name), "np") as file:
        header = json.loads(file.metadata()["ftl"])
    return {"spec": header["layers"], "kind": header["preprocess"], "size": header["size"]}


def plain_name(stem: str) -> str:
    """A file's name without its ending, of letters and digits that every system allows; "backbone" for none."""
    return (re.sub(r"[^A-Za-z0-9_-]+", "_", stem).strip("_") or "backbone")[:80]


def add(project_id: int, name: str, file: BinaryIO, by: int | None = None) -> str:
    """Keep an uploaded backbone that can be pruned; its name here. Raises `StudioError`; no pickle is loaded.

    `by`: who adds it; None: the studio itself.
    """
    plain = Path(name.replace("\\", "/")).name
    suffix = Path(plain).suffix.lower()
    if suffix not in SUFFIXES:
        raise StudioError(f"a backbone is a file ending in {', '.join(SUFFIXES)}; this one does not")
    safe = plain_name(Path(plain).stem) + suffix
    with scratch() as drafts:
        draft, copy = Path(drafts) / safe, Path(drafts) / "network.safetensors"
        with open(draft, "wb") as target:
            while block := file.read(1 << 20):
                target.write(block)
        try:
            call(write_safe_copy, str(draft), str(copy), limits=_CONVERTED, folder=Path(drafts))
        except Refused as error:
            raise StudioError(f"{safe}: {error}") from error
        except FtlError as error:
            raise StudioError(str(error).replace(str(draft), safe)) from error
        share(draft)
        sha256 = digest(draft)
        with changing(by, project_id, "admin", trash=True) as db:
            db.merge(BackboneFile(project_id=project_id, name=safe, sha256=sha256, deleted_at=None, deleted_by=None))
            db.flush()
            uploaded_to, safe_to = files_of(project_id, safe)
            _keep(draft, uploaded_to)
            _keep(copy, safe_to)
    return safe
