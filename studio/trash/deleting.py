"""Into the trash and out of it again: images, jobs, their networks, backbones, projects. Archives, too, and names."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import PurePath
from typing import NamedTuple, TypeVar

from sqlalchemy import select, update
from sqlalchemy.orm import Session as Database

from ftl.models.layout import UNPRUNED
from studio.accounts.rights import changing, changing_image
from studio.errors import Missing, StudioError
from studio.images.file_names import tidy_name
from studio.jobs import backbones, sweeps
from studio.jobs.queue import UNFINISHED
from studio.projects.audit import record
from studio.projects.projects import checked_name
from studio.store.database import reading
from studio.store.tables import BackboneFile, DeletedNetwork, Image, Job, Member, Pick, Project, User
from studio.trash import space

KEPT_SECONDS = 30 * 24 * 3600
"""So long after it was deleted, a thing can be restored."""

_AT_ONCE = 500


_Row = TypeVar("_Row", Image, Job)
_Kind = TypeVar("_Kind", Image, Job, BackboneFile)


class Deleted(NamedTuple):
    """A thing in the trash. `kind`: image, job, network, backbone or project; `key`: its id, of a backbone its name,
    of a network `JOB/NAME`.

    `size`: bytes that are freed once it is removed for good, at `until`, seconds since 1970.
    """

    kind: str
    key: int | str
    name: str
    by: str
    until: float
    size: int


def delete_images(project_id: int, who: int, image_ids: Sequence[int]) -> int:
    """Put images of the project into the trash, with all that is drawn on them; how many. For reviewers."""
    now, count = time.time(), 0
    with changing(who, project_id, "reviewer") as db:
        for start in range(0, len(image_ids), _AT_ONCE):
            part = list(image_ids[start : start + _AT_ONCE])
            own = [Image.project_id == project_id, Image.id.in_(part), Image.deleted_at.is_(None)]
            for image_id in db.scalars(select(Image.id).where(*own)).all():
                record(db, project_id, who, "image deleted", image_id)
                count += 1
            db.execute(update(Image).where(*own).values(deleted_at=now, deleted_by=int(who)))
    return count


def delete_job(project_id: int, who: int, job_id: int) -> None:
    """Stop a job if it waits or runs, and put it into the trash with its networks. For admins."""
    with changing(who, project_id, "admin") as db:
        job = _own(db, Job, project_id, job_id)
        _stop(job)
        job.deleted_at, job.deleted_by = time.time(), int(who)
        record(db, project_id, who, "job deleted", name=job.name)


def delete_network(project_id: int, who: int, job_id: int, name: str) -> None:
    """Put one network of a finished sweep into the trash; the others stay. For admins."""
    sweeps.network(project_id, job_id, name)
    with changing(who, project_id, "admin") as db:
        job = _own(db, Job, project_id, job_id)
        if job.state != "done":
            raise StudioError("this sweep is not done yet: a network of it can be deleted once it is")
        if name == UNPRUNED:
            raise StudioError("the unpruned network stays, for all others are compared with it: delete the whole job")
        own = select(Pick).where(Pick.project_id == project_id, Pick.job_id == job_id, Pick.candidate == name)
        if db.scalar(own.with_for_update()) is not None:
            raise StudioError("this is the project's network: make another one the project's first")
        if db.get(DeletedNetwork, (job_id, name)) is not None:
            raise Missing("this network was deleted meanwhile")
        db.add(DeletedNetwork(job_id=job_id, name=name, deleted_by=int(who)))
        record(db, project_id, who, "network deleted", name=f"{name} of {job.name}")


def _restore_network(db: Database, project_id: int, key: str) -> str:
    """Take a network out of the trash: what it is called."""
    job_id, _, name = key.partition("/")
    job = _own(db, Job, project_id, int(job_id))
    found = db.get(DeletedNetwork, (job.id, name))
    if found is None or found.removed or job.deleted_at is not None:
        raise Missing("this is no longer there")
    db.delete(found)
    return f"{name} of {job.name}"


def delete_backbone(project_id: int, who: int, name: str) -> None:
    """Put an uploaded backbone into the trash. For admins."""
    with changing(who, project_id, "admin") as db:
        found = db.get(BackboneFile, (project_id, name))
        if found is None:
            raise Missing("there is no such backbone in this project")
        found.deleted_at, found.deleted_by = time.time(), int(who)
        record(db, project_id, who, "backbone deleted", name=name)


def delete_project(project_id: int, who: int) -> None:
    """Stop a project's jobs and put it into the trash with all that is in it. For admins."""
    with changing(who, project_id, "admin", alone=True, archived=True) as db:
        for job in db.scalars(select(Job).where(Job.project_id == project_id, Job.state.in_(UNFINISHED))):
            _stop(job)
        project = db.get_one(Project, project_id)
        project.deleted_at, project.deleted_by = time.time(), int(who)
        record(db, project_id, who, "project deleted")


def _stop(job: Job) -> None:
    if job.state == "queued":
        job.state, job.ended_at = "cancelled", time.time()
    elif job.state == "running":
        job.cancel = True


def restore(project_id: int, who: int, kind: str, key: int | str) -> None:
    """Take something out of the trash. For admins. Raises `StudioError` where it is no longer there."""
    whole = kind == "project"
    with changing(who, project_id, "admin", alone=whole, archived=whole, trash=True) as db:
        found: Image | Job | BackboneFile | Project
        if kind == "network":
            record(db, project_id, who, "taken out of the trash", name=_restore_network(db, project_id, str(key)))
            return
        if kind == "image":
            found = _own(db, Image, project_id, int(key))
        elif kind == "job":
            found = _own(db, Job, project_id, int(key))
        elif kind == "backbone":
            found = db.get_one(BackboneFile, (project_id, str(key)))
        else:
            found = db.get_one(Project, project_id)
        found.deleted_at = found.deleted_by = None
        about = int(key) if kind == "image" else None
        record(db, project_id, who, "taken out of the trash", about, name=found.name)


def _own(db: Database, table: type[_Row], project_id: int, key: int) -> _Row:
    found = db.get(table, key, with_for_update=True)
    if found is None or found.project_id != project_id:
        raise Missing("this is no longer there")
    return found


def trash_of(project_id: int) -> list[Deleted]:
    """What lies in a project's trash, what was deleted last first."""
    with reading(trash=True) as db:
        people = dict(db.execute(select(User.id, User.name)).all())
        gone: list[tuple[str, int | str, Image | Job | BackboneFile, int]] = [
            *(("image", image.id, image, space.of_images(db, {image.id})) for image in _deleted(db, Image, project_id)),
            *(("job", job.id, job, space.of_job(job.id)) for job in _deleted(db, Job, project_id)),
            *(
                ("backbone", file.name, file, space.of_backbone(project_id, file.name))
                for file in _deleted(db, BackboneFile, project_id)
            ),
        ]
    found = [
        Deleted(kind, key, row.name, people.get(row.deleted_by or 0, ""), (row.deleted_at or 0) + KEPT_SECONDS, size)
        for kind, key, row, size in gone
    ] + _networks(project_id, people)
    return sorted(found, key=lambda one: -one.until)


def _networks(project_id: int, people: dict[int, str]) -> list[Deleted]:
    """The deleted networks of the jobs that are there."""
    with reading() as db:
        mine = select(DeletedNetwork, Job.name).join(Job, Job.id == DeletedNetwork.job_id)
        rows = db.execute(mine.where(Job.project_id == project_id, DeletedNetwork.removed.is_(False))).all()
    return [
        Deleted("network", f"{row.job_id}/{row.name}", f"{row.name} of {job}", people.get(row.deleted_by, ""),
                row.deleted_at + KEPT_SECONDS, space.of_network(row.job_id, row.name))
        for row, job in rows
    ]  # fmt: skip


def _deleted(db: Database, table: type[_Kind], project_id: int) -> list[_Kind]:
    return list(db.scalars(select(table).where(table.project_id == project_id, table.deleted_at.is_not(None))))


def deleted_projects(user_id: int) -> list[Deleted]:
    """The projects in the trash that a user can restore: those whose admin they are."""
    with reading(trash=True) as db:
        people = dict(db.execute(select(User.id, User.name)).all())
        mine = select(Project).join(Member, Member.project_id == Project.id).where(
            Member.user_id == user_id, Member.role == "admin", Project.deleted_at.is_not(None)
        )  # fmt: skip
        return [
            Deleted(
                "project", project.id, project.name, people.get(project.deleted_by or 0, ""),
                (project.deleted_at or 0) + KEPT_SECONDS, size_of_project(db, project.id),
            )
            for project in db.scalars(mine.order_by(Project.deleted_at.desc()))
        ]  # fmt: skip


def size_of_project(db: Database, project_id: int) -> int:
    """Bytes that are freed with all that a project holds. `db` must find the trash."""
    images = set(db.scalars(select(Image.id).where(Image.project_id == project_id)))
    jobs = db.scalars(select(Job.id).where(Job.project_id == project_id))
    names = db.scalars(select(BackboneFile.name).where(BackboneFile.project_id == project_id))
    return (
        space.of_images(db, images)
        + sum(map(space.of_job, jobs))
        + sum(space.of_backbone(project_id, name) for name in names)
    )


def archive(project_id: int, who: int, *, archived: bool = True) -> None:
    """Let nothing change in a project any more, or with `archived` False again. For admins."""
    with changing(who, project_id, "admin", alone=True, archived=True) as db:
        db.get_one(Project, project_id).archived_at = time.time() if archived else None
        record(db, project_id, who, "archived" if archived else "brought back from the archive")


def rename_project(project_id: int, who: int, name: str) -> None:
    """Give a project another name. For admins. Raises `StudioError` for a name that cannot be."""
    name = checked_name(name)
    with changing(who, project_id, "admin") as db:
        project = db.get_one(Project, project_id)
        if project.name != name:
            record(db, project_id, who, "project renamed", name=project.name, new=name)
            project.name = name


def rename_job(project_id: int, who: int, job_id: int, name: str) -> None:
    """Give a job another name. For admins."""
    name = _checked(name, 100)
    with changing(who, project_id, "admin") as db:
        job = _own(db, Job, project_id, job_id)
        record(db, project_id, who, "job renamed", name=job.name, new=name)
        job.name = name


def rename_backbone(project_id: int, who: int, name: str, new: str) -> str:
    """Give an uploaded backbone another name; its ending stays. Returns the name. For admins.

    Raises `StudioError` when another has this name, or a sweep that uses it has not ended.
    """
    stem, suffix = PurePath(_checked(new, 100)), PurePath(name).suffix
    new = backbones.plain_name(stem.stem if stem.suffix.lower() == suffix else stem.name) + suffix
    if new == name:
        return name
    with changing(who, project_id, "admin", alone=True, trash=True) as db:
        found = db.get(BackboneFile, (project_id, name))
        if found is None or found.deleted_at is not None:
            raise Missing("there is no such backbone in this project")
        files = [*zip(backbones.files_of(project_id, name), backbones.files_of(project_id, new), strict=True)]
        if db.get(BackboneFile, (project_id, new)) is not None or files[0][1].exists():
            raise StudioError(f"there is a file {new} already, perhaps in the trash: choose another name")
        using = [job for job in db.scalars(select(Job).where(Job.project_id == project_id))
                 if job.settings.get("file") == name]  # fmt: skip
        if any(job.state in UNFINISHED for job in using):
            raise StudioError(f"a sweep that has not ended uses {name}: rename it afterwards")
        for job in using:
            job.settings = job.settings | {"file": new}  # so that it can be retried
        found.name = new
        record(db, project_id, who, "backbone renamed", name=name, new=new)
        db.flush()
        for old, target in files:  # both names are there until the change is stored
            if old.is_file():
                target.unlink(missing_ok=True)
                target.hardlink_to(old)
    for old, _ in files:
        old.unlink(missing_ok=True)
    return new


def rename_image(image_id: int, who: int, name: str) -> None:
    """Give an image another name, under which masks are then imported. For reviewers."""
    name = _checked(tidy_name(name), 200)
    with changing_image(who, image_id, "reviewer") as (db, image):
        record(db, image.project_id, who, "image renamed", image.id, name=image.name, new=name)
        image.name = name


def _checked(name: str, most: int) -> str:
    name = " ".join(name.split())
    if not 1 <= len(name) <= most or not name.isprintable():
        raise StudioError(f"a name has 1 to {most} letters")
    return name
