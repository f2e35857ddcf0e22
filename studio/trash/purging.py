"""Removing for good what has lain in the trash for long enough."""

from __future__ import annotations

import shutil
import time
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session as Database

from studio.accounts import history
from studio.jobs import backbones
from studio.jobs.queue import UNFINISHED
from studio.jobs.sweeps import models, workspace
from studio.store import shared_store as shared_files
from studio.store.database import reading, writing
from studio.store.tables import (
    ApiToken,
    BackboneFile,
    CandidateRow,
    Comment,
    DeletedNetwork,
    DrawingOrder,
    Event,
    Image,
    ImageClass,
    Invitation,
    Job,
    JobLine,
    Member,
    Pick,
    Project,
    Proposal,
    Stroke,
    SuspiciousArea,
    Turn,
    Work,
)
from studio.trash import shared_store, space
from studio.trash.deleting import KEPT_SECONDS

_AT_ONCE = 500
_NEW_SECONDS = 3600
"""A photograph that was uploaded so recently is spared: another image may be about to need it."""


def purge(now: float | None = None) -> None:
    """Remove the rows and files of all that was deleted more than thirty days ago.

    Files go after their rows: whatever happens in between, nothing that is left lacks its file. So do those of a store
    that machines share (`STUDIO_STORE`).
    """
    now = time.time() if now is None else now
    with reading(trash=True) as db:
        due = _due(db, now - KEPT_SECONDS)
    with writing() as db:
        history.forget(db, now)
    if any(due):
        _purge_rows(now)
    for network in due.networks:
        _purge_network(*network, now - KEPT_SECONDS)
    if shared_store.pending():
        shared_store.sweep_out(now)


def _purge_rows(now: float) -> None:
    with writing(trash=True) as db:
        due = _due(db, now - KEPT_SECONDS)
        photographs = list(space.image_files(db, due.images))
        for part in _parts(due.images):
            shared_store.leave(db, set(db.scalars(select(Image.sha256).where(Image.id.in_(part)))))
        for part in _parts(due.jobs):
            trees = select(Job.tree).where(Job.id.in_(part), Job.tree.is_not(None))
            shared_store.leave(db, {str(tree) for tree in db.scalars(trees)}, trees=True)
        _remove_images(db, due.images)
        _remove_jobs(db, due.jobs)
        for project_id, name in due.backbones:
            shared_store.leave(db, {db.get_one(BackboneFile, (project_id, name)).sha256})
            db.execute(delete(BackboneFile).where(BackboneFile.project_id == project_id, BackboneFile.name == name))
        for table in (Event, Member, Invitation, ApiToken, ImageClass, DrawingOrder):
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


def _purge_network(job_id: int, name: str, before: float) -> None:
    """Remove the files of a deleted network; that it was deleted stays known. A store that fails is asked again."""
    with reading(trash=True) as db:
        job = db.get(Job, job_id)
    if job is None:
        return
    tree = job.tree and shared_files.tree_without(job.tree, f"{models(job_id).name}/{name}")
    with writing(trash=True) as db:
        found = db.get(DeletedNetwork, (job_id, name), with_for_update=True)
        job = db.get_one(Job, job_id, with_for_update=True)
        if found is None or found.deleted_at >= before:  # it was restored meanwhile
            return
        if tree and job.tree and tree != job.tree:
            shared_store.leave(db, {job.tree}, trees=True)
            job.tree = tree
        found.removed = True
    for file in space.network_files(job_id, name):
        if file.is_file():
            file.unlink(missing_ok=True)
    shutil.rmtree(models(job_id) / name, ignore_errors=True)


class _Due(NamedTuple):
    """Ids, and of backbones their projects and names, of networks their jobs and names."""

    projects: set[int]
    images: set[int]
    jobs: set[int]
    backbones: list[tuple[int, str]]
    networks: list[tuple[int, str]]


def _due(db: Database, before: float) -> _Due:
    """What was deleted before that time. A project goes once none of its jobs runs."""
    runs = select(Job.project_id).where(Job.state.in_(UNFINISHED))
    projects = set(db.scalars(select(Project.id).where(Project.deleted_at < before, Project.id.not_in(runs))))
    images = db.scalars(select(Image.id).where((Image.deleted_at < before) | Image.project_id.in_(projects)))
    ended = Job.state.not_in(UNFINISHED)
    jobs = db.scalars(select(Job.id).where((Job.deleted_at < before) | Job.project_id.in_(projects), ended))
    old = (BackboneFile.deleted_at < before) | BackboneFile.project_id.in_(projects)
    files = db.execute(select(BackboneFile.project_id, BackboneFile.name).where(old))
    old_networks = (DeletedNetwork.deleted_at < before) & DeletedNetwork.removed.is_(False)
    networks = db.execute(select(DeletedNetwork.job_id, DeletedNetwork.name).where(old_networks))
    return _Due(projects, set(images), set(jobs), [(one, name) for one, name in files],
                [(one, name) for one, name in networks])  # fmt: skip


def _remove(file: Path, now: float) -> None:
    if file.is_file() and file.stat().st_mtime < now - _NEW_SECONDS:
        file.unlink(missing_ok=True)


def _remove_images(db: Database, image_ids: Collection[int]) -> None:
    for part in _parts(image_ids):
        for table in (Stroke, Proposal, Turn, SuspiciousArea, Work, Comment):
            db.execute(delete(table).where(table.image_id.in_(part)))
        db.execute(update(Event).where(Event.image_id.in_(part)).values(image_id=None))  # the audit log stays
        db.execute(delete(Image).where(Image.id.in_(part)))


def _remove_jobs(db: Database, job_ids: Collection[int]) -> None:
    for part in _parts(job_ids):
        for table in (CandidateRow, DeletedNetwork, JobLine, Pick, Proposal):
            db.execute(delete(table).where(table.job_id.in_(part)))
        db.execute(delete(Job).where(Job.id.in_(part)))


def _parts(ids: Collection[int]) -> Iterator[list[int]]:
    """Ids in portions, for databases bound the number of variables."""
    found = sorted(ids)
    return (found[start : start + _AT_ONCE] for start in range(0, len(found), _AT_ONCE))
