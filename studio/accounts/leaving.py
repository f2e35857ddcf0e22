"""Deleting an account: whoever it was can do nothing any more, and what they did stays under their name."""

from __future__ import annotations

import time

from sqlalchemy import delete, select
from sqlalchemy.orm import Session as Database

from studio.accounts.history import note
from studio.accounts.rights import SignedIn, check_account
from studio.accounts.sessions import end_credentials
from studio.accounts.settings import check_owner, is_owner, owner_of
from studio.errors import StudioError
from studio.store.database import reading, writing
from studio.store.tables import Member, Project, User


def only_admin_of(who: SignedIn, user_id: int) -> list[str]:
    """The names of the projects that have no other admin than this account, with those in the trash."""
    with reading(trash=True) as db:
        _may(db, who, user_id)
        return [db.get_one(Project, project_id).name for project_id in _alone_in(db, user_id)]


def delete_account(who: SignedIn, user_id: int) -> None:
    """Delete one's own account or, for the studio's owner, another's; there is no way back.

    Sessions, tokens, reset links and open invitations end, and it is in no project any more. Of projects that had no
    other admin the studio's owner becomes one. Strokes and comments stay, and the name stays taken.
    """
    with writing(trash=True) as db:
        pair = select(User).where(User.id.in_((int(who), user_id))).order_by(User.id)
        db.scalars(pair.with_for_update()).all()
        _may(db, who, user_id)
        if is_owner(db, user_id):
            raise StudioError("the owner's account cannot be deleted: the studio needs its owner")
        mine = select(Member.project_id).where(Member.user_id == user_id).order_by(Member.project_id)
        for project_id in db.scalars(mine).all():  # as whoever changes roles does
            everybody = select(Member).where(Member.project_id == project_id).order_by(Member.user_id)
            db.scalars(everybody.with_for_update(key_share=True)).all()
        alone, owner = _alone_in(db, user_id), owner_of(db)
        if alone and owner is None:
            raise StudioError("a project needs an admin: make somebody else one first")
        for project_id in alone:
            db.merge(Member(project_id=project_id, user_id=owner, role="admin"))
            note(db, owner, "role", who, role="admin", project=db.get_one(Project, project_id).name)
        db.execute(delete(Member).where(Member.user_id == user_id))
        user = db.get_one(User, user_id)
        user.deleted_at = time.time()
        user.deactivated_at = user.deactivated_at or user.deleted_at
        user.password_hash = user.subject = None
        end_credentials(db, user_id)
        note(db, user_id, "deleted", who)


def _may(db: Database, who: SignedIn, user_id: int) -> None:
    check_account(db, who)
    if int(who) != user_id:
        check_owner(db, who)
    user = db.get(User, user_id)
    if user is None or user.deleted_at is not None:
        raise StudioError("there is no such account")


def _alone_in(db: Database, user_id: int) -> list[int]:
    """The projects of which this account is the only admin."""
    others = select(Member.project_id).where(Member.role == "admin", Member.user_id != user_id)
    mine = select(Member.project_id).where(Member.user_id == user_id, Member.role == "admin")
    return list(db.scalars(mine.where(Member.project_id.not_in(others)).order_by(Member.project_id)))
