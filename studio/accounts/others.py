"""What the studio's owner does for other accounts: a link to set a new password, deactivate, reactivate."""

from __future__ import annotations

import hashlib
import secrets
import time
from typing import NamedTuple

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session as Database

from studio.accounts import passwords
from studio.accounts.history import note
from studio.accounts.rights import SignedIn, acting, check_account
from studio.accounts.sessions import end_credentials, end_sessions, end_tokens
from studio.accounts.settings import check_owner
from studio.errors import StudioError
from studio.store.database import reading, writing
from studio.store.tables import PasswordReset, Session, User

_LINK_SECONDS = 24 * 3600


class Account(NamedTuple):
    """An account as the owner sees it. `seen_at`: when one of its sessions was last used, 0 if that is not known."""

    id: int
    name: str
    provider: bool  # signs in through the OIDC provider
    deactivated: bool
    seen_at: float
    own: bool


def accounts(who: SignedIn) -> list[Account]:
    """All accounts, those that are active first, by name. Raises `Forbidden` for everybody but the owner."""
    with reading() as db:
        _check_owner(db, who)
        last = select(Session.user_id, func.max(Session.seen_at)).group_by(Session.user_id)
        seen = {user_id: at for user_id, at in db.execute(last)}  # noqa: C416
        found = [
            Account(user.id, user.name, user.subject is not None, user.deactivated_at is not None,
                    seen.get(user.id, 0.0), user.id == who)
            for user in db.scalars(select(User).where(User.deleted_at.is_(None)))
        ]  # fmt: skip
    return sorted(found, key=lambda account: (account.deactivated, account.name.lower()))


def make_reset_link(who: SignedIn, user_id: int) -> str:
    """The path of a link with which a user sets a new password, once, within a day; older links of theirs end."""
    token = secrets.token_urlsafe(24)
    with acting(who) as db:
        _check_owner(db, who)
        _other(db, user_id)
        db.execute(delete(PasswordReset).where(PasswordReset.user_id == user_id))
        db.add(PasswordReset(token_hash=_hash(token), user_id=user_id, expires_at=time.time() + _LINK_SECONDS))
        note(db, user_id, "password link", who)
    return f"/account/reset/{token}"


def find_reset(token: str) -> User:
    """Whose password a link sets. Raises `StudioError` when it is used, too old, or its account is deactivated."""
    with reading() as db:
        return _open_reset(db, token).user


def reset_password(token: str, new: str) -> int:
    """Set a user's password by a link, which is used up; their sessions and API tokens end: their id."""
    passwords.check_new(new, find_reset(token).name)
    new_hash = passwords.hash_of(new)
    with writing() as db:
        reset = _open_reset(db, token)
        reset.user.password_hash = new_hash
        end_sessions(db, reset.user_id)
        end_tokens(db, reset.user_id)
        note(db, reset.user_id, "password reset")
        db.delete(reset)
    return reset.user_id


def deactivate(who: SignedIn, user_id: int) -> None:
    """End a person's sessions, tokens and links at once, and let them in no more; what they did stays theirs."""
    with writing() as db:
        pair = select(User).where(User.id.in_((int(who), user_id))).order_by(User.id)
        db.scalars(pair.with_for_update()).all()  # two owners take turns
        _check_owner(db, who)
        if user_id == who:
            raise StudioError("you cannot deactivate yourself: the studio needs its owner")
        _other(db, user_id).deactivated_at = time.time()
        end_credentials(db, user_id)
        note(db, user_id, "deactivated", who)


def reactivate(who: SignedIn, user_id: int) -> None:
    """Let a person in again, who then signs in anew."""
    with acting(who) as db:
        _check_owner(db, who)
        _other(db, user_id).deactivated_at = None
        note(db, user_id, "reactivated", who)


def _check_owner(db: Database, who: SignedIn) -> None:
    check_account(db, who)
    check_owner(db, who)


def _other(db: Database, user_id: int) -> User:
    found = db.get(User, user_id)
    if found is None or found.deleted_at is not None:
        raise StudioError("there is no such account")
    return found


def _open_reset(db: Database, token: str) -> PasswordReset:
    found = db.get(PasswordReset, _hash(token), with_for_update=True)
    if found is None or found.expires_at < time.time() or found.user.deactivated_at is not None:
        raise StudioError("this link is used up or too old: ask the studio's owner for a new one")
    return found


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
