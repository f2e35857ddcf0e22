"""What happened to accounts: sign-ins, passwords, tokens, roles. Each person sees their own, the studio's owner all."""

from __future__ import annotations

import time
from typing import Any, NamedTuple

from sqlalchemy import delete, select
from sqlalchemy.orm import Session as Database
from sqlalchemy.orm import aliased

from studio.accounts.rights import SignedIn, check_account
from studio.accounts.settings import check_owner
from studio.store.database import reading
from studio.store.tables import AccountEvent, User

TEXTS = {
    "signed in": "signed in from {browser}",
    "sign-in failed": "a sign-in failed, from {address}",
    "password changed": "the password was changed",
    "password link": "a link to set a new password was made",
    "password reset": "a new password was set by a link",
    "token made": "the token {name} was made",
    "token revoked": "the token {name} was revoked",
    "role": "became {role} of {project}",
    "removed": "was taken out of {project}",
    "deactivated": "the account was deactivated",
    "reactivated": "the account was reactivated",
    "deleted": "the account was deleted",
}
"""What can happen, and its text; the braces are a line's details."""

_KEPT_SECONDS = 365 * 24 * 3600


class Happened(NamedTuple):
    """A line for people. `name`: whose account, empty where a sign-in named nobody; `by`: who did it, if another."""

    at: float
    name: str
    what: str
    by: str


def note(db: Database, user_id: int | None, what: str, by: int | None = None, **details: Any) -> None:
    """Write a line with that transaction. `user_id`: whose account, None where nobody has the name; `by`: who did."""
    TEXTS[what].format_map(details)  # details that do not fit are an error here, not on a page
    db.add(AccountEvent(user_id=user_id, by_id=None if by is None else int(by), what=what, details=details))


def happened(who: SignedIn, *, everybody: bool = False, count: int = 50) -> list[Happened]:
    """The newest lines of this user's account, newest first; of all accounts for the studio's owner.

    Raises `Forbidden`.
    """
    person, actor = aliased(User), aliased(User)
    query = select(AccountEvent, person.name, actor.name)
    query = query.outerjoin(person, person.id == AccountEvent.user_id).outerjoin(actor, actor.id == AccountEvent.by_id)
    with reading() as db:
        check_account(db, who)
        if everybody:
            check_owner(db, who, "sees")
        else:
            query = query.where(AccountEvent.user_id == int(who))
        rows = db.execute(query.order_by(AccountEvent.id.desc()).limit(count)).all()
    return [
        Happened(event.at, name or "", TEXTS[event.what].format_map(event.details),
                 (by or "") if event.by_id != event.user_id else "")
        for event, name, by in rows
    ]  # fmt: skip


def forget(db: Database, now: float | None = None) -> None:
    """Remove the lines that are older than a year."""
    before = (time.time() if now is None else now) - _KEPT_SECONDS
    db.execute(delete(AccountEvent).where(AccountEvent.at < before))
