"""Invitations: links that let one person into a project, or the first one into the studio."""

from __future__ import annotations

import hashlib
import math
import secrets
import time

from sqlalchemy import delete, select
from sqlalchemy.orm import Session as Database

from studio.accounts import add_user
from studio.accounts.rights import acting, changing
from studio.accounts.tickets import first_use
from studio.errors import StudioError
from studio.projects.audit import record
from studio.store.database import reading, writing
from studio.store.tables import ROLES, Invitation, Member, User

_INVITATION_SECONDS = 7 * 24 * 3600


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
