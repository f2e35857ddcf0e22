"""Projects: those of a user, a new one, its name and how its crops name their photograph."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select

from ftl.data.photo_names import photo_of
from ftl.errors import FtlError
from studio.accounts.rights import acting, changing
from studio.errors import StudioError
from studio.projects.classes import CLASSES, add_class
from studio.store.database import reading
from studio.store.tables import Member, Project


def projects_of(user_id: int) -> list[tuple[Project, str]]:
    """The projects that a user is in, newest first, with their role."""
    with reading() as db:
        mine = select(Project, Member.role).join(Member, Member.project_id == Project.id)
        rows = db.execute(mine.where(Member.user_id == user_id).order_by(Project.id.desc()))
        return [(project, role) for project, role in rows]


def project_of(project_id: int) -> Project:
    """A project by its id."""
    with reading() as db:
        return db.get_one(Project, project_id)


def create_project(user_id: int, name: str, classes: Sequence[str] = tuple(CLASSES)) -> Project:
    """Make a project whose admin is the user. Raises `StudioError` for a bad name."""
    name = checked_name(name)
    with acting(user_id) as db:
        project = Project(name=name)
        db.add(project)
        db.flush()
        db.add(Member(project_id=project.id, user_id=user_id, role="admin"))
        for one in classes:
            add_class(db, project.id, user_id, one)
    return project


def checked_name(name: str) -> str:
    """A project's name as it is kept. Raises `StudioError` for one that cannot be."""
    name = " ".join(name.split())
    if not name:
        raise StudioError("please give a name")
    if not 1 <= len(name) <= 100 or not name.isprintable():
        raise StudioError("a project's name has 1 to 100 letters")
    return name


def set_photo_pattern(project_id: int, pattern: str | None, by: int | None = None) -> None:
    """Set the pattern by which a crop's file name names its photo, usually a template as `{photo}_*`.

    `by`: who does it; None: the studio itself. Raises `StudioError` for a pattern that is none.
    """
    if pattern:
        try:
            photo_of(pattern)
        except FtlError as error:
            raise StudioError(str(error)) from error
    with changing(by, project_id, "admin") as db:
        db.get_one(Project, project_id).photo_pattern = pattern or None
