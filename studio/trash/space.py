"""How many bytes are freed once something is removed for good."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session as Database

from studio.jobs import backbones
from studio.jobs.sweeps import models, workspace
from studio.store.files import files_of
from studio.store.home import home
from studio.store.tables import Image

_AT_ONCE = 500


def of_images(db: Database, image_ids: Collection[int]) -> int:
    """Of images: their photographs, unless an image that stays has the same, and masks. `db` must find the trash."""
    return sum(map(_size, image_files(db, image_ids)))


def image_files(db: Database, image_ids: Collection[int]) -> Iterator[Path]:
    """The files that nothing needs once these images are gone. `db` must find the trash."""
    ids = sorted(image_ids)
    for start in range(0, len(ids), _AT_ONCE):
        part = ids[start : start + _AT_ONCE]
        hashes = set(db.scalars(select(Image.sha256).where(Image.id.in_(part))))
        holders = db.execute(select(Image.sha256, Image.id).where(Image.sha256.in_(hashes)))
        needed = {sha256 for sha256, image_id in holders if image_id not in image_ids}
        for sha256 in sorted(hashes - needed):
            yield from files_of(sha256)
    for image_id in ids:
        yield from (home() / "masks").glob(f"{image_id}-*.npz")


def of_job(job_id: int) -> int:
    """Of a job: all that it wrote; photographs that it shares with the images count with those."""
    return sum(map(_size, workspace(job_id).rglob("*")))


def network_files(job_id: int, name: str) -> list[Path]:
    """The files of one network of a sweep, with those it was exported as."""
    exported = (file for file in (workspace(job_id) / "exports").glob("*") if file.stem == name)
    return [*(models(job_id) / name).rglob("*"), *exported]


def of_network(job_id: int, name: str) -> int:
    """Of one network of a sweep: its files."""
    return sum(map(_size, network_files(job_id, name)))


def of_backbone(project_id: int, name: str) -> int:
    """Of an uploaded backbone: its file, and the one that was made of it."""
    return sum(map(_size, backbones.files_of(project_id, name)))


def _size(path: Path) -> int:
    try:
        found = path.lstat()
    except OSError:  # it went meanwhile
        return 0
    return found.st_size if path.is_file() and (found.st_nlink == 1 or "images" in path.parts[-3:-2]) else 0
