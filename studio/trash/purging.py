"""Removing for good what has lain in the trash for long enough."""

from __future__ import annotations

import shutil
import time
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session as Database

from studio.jobs import backbones
from studio.jobs.queue import UNFINISHED
from studio.jobs.sweeps import workspace
from studio.store.database import reading, writing
from studio.store.models import (
    ApiToken,
    BackboneFile,
    CandidateRow,
    Comment,
    Event,
    Image,
    ImageClass,
    Invitation,
    Job,
    JobLine,
    Member,
    Pick,
    Project,
    Stroke,
    Work,
)
from studio.trash import space
from studio.trash.deleting import KEPT_SECONDS

_AT_ONCE = 500
_NEW_SECONDS = 3600
"""A photograph that was uploaded so recently is spared: another image may be about to need it."""


def purge(now: float | None = None) -> None:
    """Remove the rows and files of all that was deleted more than thirty days ago.

    Files go after their rows: whatever happens in between, nothing that is left lacks its file. A store that is shared
    by machines (`STUDIO_STORE`) keeps its copies.
    """
    now = time.time() if now is None else now
    with reading(trash=True) as db:
        if not any(_due(db, now - KEPT_SECONDS)):
            return
    with writing(trash=True) as db:
        due = _due(db, now - KEPT_SECONDS)
        photographs = list(space.image_files(db, due.images))
        _remove_images(db, due.images)
        _remove_jobs(db, due.jobs)
        for project_id, name in due.backbones:
            db.execute(delete(BackboneFile).where(BackboneFile.project_id == project_id, BackboneFile.name == name))
        for table in (Event, Member, Invitation, ApiToken, ImageClass):
            db.execute(delete(table).where(table.project_id.in_(due.projects)))
        db.execute(delete(Project).where(Project.id.in_(due.projects)))
    for photograph in photographs:
        _remove(photograph, now)
    for job_id in due.jobs:
        shutil.rmtree(workspace(job_id), ignore_errors=True)
    for project_id, name in due.backbones:
        for file in backbones.files_of(project_id, name):
            file.unlink(missing_ok=True)
    for project_id in due.projects:
        shutil.rmtree(backbones.folder(project_id), ignore_errors=True)


class _Due(NamedTuple):
    """Ids, and of backbones their projects and names."""

    projects: set[int]
    images: set[int]
    jobs: set[int]
    backbones: list[tuple[int, str]]


def _due(db: Database, before: float) -> _Due:
    """What was deleted before that time. A project goes once none of its jobs runs."""
    runs = select(Job.project_id).where(Job.state.in_(UNFINISHED))
    projects = set(db.scalars(select(Project.id).where(Project.deleted_at < before, Project.id.not_in(runs))))
    images = db.scalars(select(Image.id).where((Image.deleted_at < before) | Image.project_id.in_(projects)))
    ended = Job.state.not_in(UNFINISHED)
    jobs = db.scalars(select(Job.id).where((Job.deleted_at < before) | Job.project_id.in_(projects), ended))
    old = (BackboneFile.deleted_at < before) | BackboneFile.project_id.in_(projects)
    files = db.execute(select(BackboneFile.project_id, BackboneFile.name).where(old))
    return _Due(projects, set(images), set(jobs), [(project_id, name) for project_id, name in files])


def _remove(file: Path, now: float) -> None:
    if file.is_file() and file.stat().st_mtime < now - _NEW_SECONDS:
        file.unlink(missing_ok=True)


def _remove_images(db: Database, image_ids: Collection[int]) -> None:
    for part in _parts(image_ids):
        for table in (Stroke, Work, Comment):
            db.execute(delete(table).where(table.image_id.in_(part)))
        db.execute(update(Event).where(Event.image_id.in_(part)).values(image_id=None))  # the audit log stays
        db.execute(delete(Image).where(Image.id.in_(part)))


def _remove_jobs(db: Database, job_ids: Collection[int]) -> None:
    for part in _parts(job_ids):
        for table in (CandidateRow, JobLine, Pick):
            db.execute(delete(table).where(table.job_id.in_(part)))
        db.execute(delete(Job).where(Job.id.in_(part)))


def _parts(ids: Collection[int]) -> Iterator[list[int]]:
    """Ids in portions, for databases bound the number of variables."""
    found = sorted(ids)
    return (found[start : start + _AT_ONCE] for start in range(0, len(found), _AT_ONCE))
