"""The members of a project and their roles."""

from __future__ import annotations

from sqlalchemy import func, select
from sqlalchemy.orm import joinedload

from studio.accounts.history import note
from studio.accounts.rights import changing, check_role
from studio.errors import StudioError
from studio.projects.audit import record
from studio.store.database import reading
from studio.store.tables import Member, Project, User


def role_of(user_id: int, project_id: int) -> str | None:
    """A user's role in a project; None if they are not in it."""
    with reading() as db:
        member = select(Member.role).join(Project, Project.id == Member.project_id)
        return db.scalar(member.where(Member.project_id == project_id, Member.user_id == user_id))


def require(user_id: int, project_id: int, role: str = "annotator") -> str:
    """The user's role, if it is at least `role`. Raises `Forbidden`."""
    return check_role(role_of(user_id, project_id), role)


def members_of(project_id: int) -> list[tuple[User, str]]:
    """The people of a project with their roles, by name."""
    with reading() as db:
        rows = db.scalars(select(Member).where(Member.project_id == project_id).options(joinedload(Member.user)))
        return sorted(((member.user, member.role) for member in rows), key=lambda pair: pair[0].name.lower())


def set_role(project_id: int, by: int, user_id: int, role: str | None, seen: str | None = None) -> None:
    """Change a member's role, or with None take them out; `by`: who does it. The last admin stays one.

    `seen`: the role that they had when this was chosen, if that matters. Raises `StudioError` if it is another by now.
    """
    with changing(by, project_id, "admin", alone=True) as db:
        member = db.get(Member, (project_id, user_id))
        if member is None:
            raise StudioError("this person is not in the project")
        if seen is not None and member.role != seen:
            raise StudioError(f"{member.user.name} is {member.role} by now: look at it again")
        admins = db.scalar(
            select(func.count()).select_from(Member).where(Member.project_id == project_id, Member.role == "admin")
        )
        if member.role == "admin" and role != "admin" and admins == 1:
            raise StudioError("a project needs an admin: make somebody else one first")
        if role is None:
            db.delete(member)
            record(db, project_id, by, "left", name=member.user.name)
            note(db, user_id, "removed", by, project=db.get_one(Project, project_id).name)
        else:
            member.role = role
            record(db, project_id, by, "role", name=member.user.name, role=role)
            note(db, user_id, "role", by, role=role, project=db.get_one(Project, project_id).name)
