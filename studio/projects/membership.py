"""Projects, their classes, their members and what those may do."""

from __future__ import annotations

import hashlib
import math
import secrets
import time
from collections.abc import Sequence

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session as Database
from sqlalchemy.orm import joinedload

from ftl.data.photo_names import photo_of
from ftl.errors import FtlError
from studio.accounts import add_user
from studio.accounts.history import note
from studio.accounts.rights import acting, changing, check_role
from studio.accounts.tickets import first_use
from studio.errors import StudioError
from studio.projects.audit import record
from studio.projects.classes import CLASSES, add_class
from studio.store.database import reading, writing
from studio.store.tables import ROLES, Invitation, Member, Project, User

_INVITATION_SECONDS = 7 * 24 * 3600


def role_of(user_id: int, project_id: int) -> str | None:
    """A user's role in a project; None if they are not in it."""
    with reading() as db:
        member = select(Member.role).join(Project, Project.id == Member.project_id)
        return db.scalar(member.where(Member.project_id == project_id, Member.user_id == user_id))


def require(user_id: int, project_id: int, role: str = "annotator") -> str:
    """The user's role, if it is at least `role`. Raises `Forbidden`."""
    return check_role(role_of(user_id, project_id), role)


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


def members_of(project_id: int) -> list[tuple[User, str]]:
    """The people of a project with their roles, by name."""
    with reading() as db:
        rows = db.scalars(select(Member).where(Member.project_id == project_id).options(joinedload(Member.user)))
        return sorted(((member.user, member.role) for member in rows), key=lambda pair: pair[0].name.lower())


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
    if not 1 <= len(name) <= 100 or not name.isprintable():
        raise StudioError("a project's name has 1 to 100 letters")
    return name


def open_invitations(project_id: int) -> list[Invitation]:
    """The invitations to a project that can still be used, the one that ends first first."""
    usable = (Invitation.project_id == project_id, Invitation.used_by.is_(None), Invitation.expires_at > time.time())
    with reading() as db:
        return list(db.scalars(select(Invitation).where(*usable).order_by(Invitation.expires_at)))


def revoke(project_id: int, who: int, token_hash: str) -> None:
    """Let an invitation's link open nothing any more. Raises `StudioError` for one that is used up."""
    with changing(who, project_id, "admin") as db:
        found = db.get(Invitation, token_hash, with_for_update=True)
        if found is None or found.project_id != project_id or found.used_by is not None:
            raise StudioError("this invitation is used up already")
        db.delete(found)
        record(db, project_id, who, "invitation revoked", role=found.role)


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


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def invite(project_id: int | None, role: str, by: int | None = None) -> str:
    """A one-time token that lets its bearer into a project, valid for a week. None: into the studio, as its first.

    `by`: who invites; None: the studio itself.
    """
    token = secrets.token_urlsafe(24)
    with writing() if project_id is None else changing(by, project_id, "admin") as db:
        expires = time.time() + _INVITATION_SECONDS
        db.add(
            Invitation(
                token_hash=_hash(token),
                project_id=project_id,
                role=role,
                expires_at=expires,
                invited_by=None if by is None else int(by),
            )
        )
    return token


def find_invitation(token: str) -> Invitation:
    """The open invitation of a token, with its project. Raises `StudioError`."""
    with reading() as db:
        found = _open_invitation(db, token)
        _ = found.project
        return found


def _open_invitation(db: Database, token: str) -> Invitation:
    """The open invitation of a token, which nobody else can use up before the transaction ends."""
    found = db.get(Invitation, _hash(token), with_for_update=True)
    if found is None or found.used_by is not None or found.expires_at < time.time():
        raise StudioError("this invitation is used up or too old: ask for a new one")
    if found.project_id is not None and found.project is None:
        raise StudioError("the project of this invitation was deleted: ask who invited you")
    return found


def accept(token: str, user_id: int | None, name: str = "", password: str = "") -> int:
    """Use an invitation up, for a user or for a new account. Returns the user's id. Raises `StudioError`."""
    with writing() if user_id is None else acting(user_id) as db:
        invitation = _open_invitation(db, token)
        if invitation.project_id is None and not first_use(db, "first account", math.inf):
            raise StudioError("the first account is made already: ask its owner for an invitation")
        if user_id is None:
            user_id = add_user(db, name, password).id
        invitation.used_by = user_id
        if invitation.project_id is not None:
            record(db, invitation.project_id, user_id, "joined", role=invitation.role)
            member = db.get(Member, (invitation.project_id, user_id))
            if member is None:
                db.add(Member(project_id=invitation.project_id, user_id=user_id, role=invitation.role))
            elif ROLES.index(member.role) < ROLES.index(invitation.role):
                member.role = invitation.role
    return user_id


def first_token() -> str | None:
    """Until there is an account, the token for the first one, in place of those of earlier starts; else None."""
    with writing() as db:
        if db.scalar(select(User.id).limit(1)) is not None:
            return None
        db.execute(delete(Invitation).where(Invitation.project_id.is_(None), Invitation.used_by.is_(None)))
    return invite(None, "admin")
