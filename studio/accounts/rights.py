"""Rights: the one way into the database for whoever changes something.

Who acts is asked anew in the transaction that changes, however long ago their page was drawn: Streamlit's callbacks and
fragments, and the requests of an open tab, run with a user who may have been signed out, deactivated or removed since.
What is read is held until the end of the transaction, always in the same order: account, session, membership. So a
removal that is committed first wins, and one that comes later waits for the change that is under way.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import select
from sqlalchemy.orm import Session as Database

from studio.errors import Forbidden, StudioError
from studio.store.database import writing
from studio.store.tables import ROLES, ApiToken, Image, Member, Project, Session, User


class SignedIn(int):
    """The id of a user who acts from a signed-in browser or program; it can be used wherever a user's id can.

    A plain int stands for a program of this machine that acts for a user: their account and role are checked, and
    there is no session to check.
    """

    session_id: str

    def __new__(cls, user_id: int, session_id: str) -> SignedIn:
        """Make one of a user's id and the id of a row of `sessions`."""
        made = super().__new__(cls, user_id)
        made.session_id = session_id
        return made


class ByToken(int):
    """As `SignedIn`, for a program that acts by an API token."""

    token_id: int

    def __new__(cls, user_id: int, token_id: int) -> ByToken:
        """Make one of a user's id and the id of a row of `api_tokens`."""
        made = super().__new__(cls, user_id)
        made.token_id = token_id
        return made


@contextmanager
def acting(who: int, *, alone: bool = False) -> Iterator[Database]:
    """A transaction that changes what belongs to no project yet, or to the account itself.

    `alone`: of two such transactions of one account, one waits for the other. Raises `Forbidden`.
    """
    with writing() as db:
        check_account(db, who, alone=alone)
        yield db


@contextmanager
def changing(
    who: int | None,
    project_id: int,
    role: str = "annotator",
    *,
    alone: bool = False,
    archived: bool = False,
    trash: bool = False,
) -> Iterator[Database]:
    """A transaction that changes a project, for a member who has at least that role.

    `who`: None for the studio itself. `alone`: nobody else changes the project meanwhile, as it must be where members
    or the project itself change. `archived`: the project may be archived and, with `trash`, which finds
    what was deleted, itself be deleted.
    Raises `Forbidden`; the block is not entered then.
    """
    with writing(trash=trash) as db:
        check_rights(db, who, project_id, role, alone=alone, archived=archived)
        yield db


@contextmanager
def changing_image(
    who: int, image_id: int, role: str = "annotator", *, archived: bool = False
) -> Iterator[tuple[Database, Image]]:
    """A transaction that changes an image, and the image, which nobody else changes meanwhile.

    Raises `StudioError` where there is no such image, `Forbidden` as `changing` does.
    """
    with writing() as db:
        project_id = db.scalar(select(Image.project_id).where(Image.id == image_id))
        if project_id is None:
            raise StudioError("this image is no longer there")
        check_rights(db, who, project_id, role, archived=archived)
        yield db, db.get_one(Image, image_id, with_for_update=True)


def check_account(db: Database, who: int, *, alone: bool = False) -> None:
    """Raise `Forbidden` unless the account and, of a `SignedIn`, the session are good until the transaction's end."""
    # no foreign key waits for this lock, but whatever changes the row does
    lock = {"key_share": True} if alone else {"read": True}
    user = db.get(User, int(who), with_for_update=lock, populate_existing=True)
    if user is None or user.deactivated_at is not None:
        raise Forbidden("this account is deactivated: ask the studio's owner")
    if isinstance(who, SignedIn):
        session = db.get(Session, who.session_id, with_for_update={"read": True}, populate_existing=True)
        if session is None or session.user_id != who or session.expires_at <= time.time():
            raise Forbidden("you are signed out: sign in again, then repeat this")
    if isinstance(who, ByToken):
        token = db.get(ApiToken, who.token_id, with_for_update={"read": True}, populate_existing=True)
        if token is None or token.user_id != who or token.expires_at <= time.time():
            raise Forbidden("this token is revoked or too old: make a new one on the page Account")


def check_rights(
    db: Database, who: int | None, project_id: int, role: str, *, alone: bool = False, archived: bool = False
) -> None:
    """Raise `Forbidden` unless the user may do in the project what needs that role, until the transaction's end."""
    if who is not None:
        check_account(db, who)
    if alone:
        everybody = select(Member).where(Member.project_id == project_id).order_by(Member.user_id)
        db.scalars(everybody.with_for_update(key_share=True)).all()
    if who is not None:
        lock = None if alone else {"read": True}
        member = db.get(Member, (project_id, int(who)), with_for_update=lock, populate_existing=not alone)
        check_role(member.role if member else None, role)
    found = db.execute(select(Project.archived_at, Project.deleted_at).where(Project.id == project_id)).first()
    if found is None or (found.deleted_at is not None and not archived):
        raise Forbidden("this project is no longer there")
    if found.archived_at is not None and not archived:
        raise Forbidden("this project is archived, and nothing in it changes: its admin can bring it back")


def check_role(has: str | None, role: str) -> str:
    """The role that somebody has, if it is at least `role`. Raises `Forbidden`, also for None: no member."""
    if has is None:
        raise Forbidden("you are not in this project: ask its admin for an invitation link")
    if ROLES.index(has) < ROLES.index(role):
        raise Forbidden(f"this needs the role {role}; yours is {has}: ask the project's admin")
    return has
