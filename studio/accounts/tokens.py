"""API tokens: what a program signs in with, as long and as far as its user says."""

from __future__ import annotations

import hashlib
import secrets
import time
from typing import NamedTuple

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session as Database
from sqlalchemy.orm import joinedload

from studio.accounts.history import note
from studio.accounts.rights import ByToken, SignedIn, acting, check_account
from studio.accounts.sessions import see, session_of
from studio.errors import StudioError
from studio.store.database import reading, writing
from studio.store.tables import ApiToken, Member, Session, User

SCOPES = ("read", "write")
"""What a token may do: read, or all that its user may do through the API."""
MOST_DAYS = 365
_MOST_TOKENS, _MOST_LETTERS = 50, 64
_PREFIX = "ftl_"
_SEEN_EVERY = 60  # seconds


class Caller(NamedTuple):
    """Who sent a request: a user, by a session's cookie or by a token."""

    user: User
    by: Session | ApiToken

    @property
    def who(self) -> SignedIn | ByToken:
        """The same, as changes ask for it."""
        if isinstance(self.by, Session):
            return SignedIn(self.user.id, self.by.id)
        return ByToken(self.user.id, self.by.id)


def caller(db: Database, credential: str | None) -> Caller | None:
    """Whose credential this is, read in that transaction; None if it is not valid."""
    if credential and credential.startswith(_PREFIX):
        token = db.scalar(
            select(ApiToken).where(ApiToken.token_hash == _hash(credential)).options(joinedload(ApiToken.user))
        )
        valid = token is not None and token.expires_at > time.time() and token.user.deactivated_at is None
        return Caller(token.user, token) if valid and token is not None else None
    session = session_of(db, credential)
    return Caller(session.user, session) if session else None


def note_use(by: Session | ApiToken) -> None:
    """Note when a credential was last used, to the minute."""
    now = time.time()
    if isinstance(by, Session):
        see(by)
    elif now - by.seen_at > _SEEN_EVERY:
        with writing() as db:
            db.execute(update(ApiToken).where(ApiToken.id == by.id).values(seen_at=now))


def make_token(who: SignedIn, name: str, scope: str, project_id: int | None, days: int) -> str:
    """Make a token of this user; it is shown only here. Raises `StudioError`.

    `project_id`: the only project that it opens; None for all of the user's. `days`: how long it is valid.
    """
    name = " ".join(name.split())
    if not 1 <= len(name) <= _MOST_LETTERS or not name.isprintable():
        raise StudioError(f"a token's name has 1 to {_MOST_LETTERS} letters: name the program that will use it")
    if scope not in SCOPES:
        raise StudioError("a token's scope is read or write")
    if not 1 <= days <= MOST_DAYS:
        raise StudioError(f"a token is valid for 1 to {MOST_DAYS} days")
    token = _PREFIX + secrets.token_urlsafe(32)
    with acting(who, alone=True) as db:
        mine = select(func.count()).select_from(ApiToken).where(ApiToken.user_id == int(who))
        if (db.scalar(mine) or 0) >= _MOST_TOKENS:
            raise StudioError(f"you have {_MOST_TOKENS} tokens: revoke those that are not needed any more")
        if project_id is not None and db.get(Member, (project_id, int(who))) is None:
            raise StudioError("you are not in this project")
        expires = time.time() + days * 24 * 3600
        db.add(ApiToken(user_id=int(who), name=name, token_hash=_hash(token), scope=scope, project_id=project_id,
                        expires_at=expires))  # fmt: skip
        note(db, int(who), "token made", who, name=name)
    return token


def tokens_of(who: SignedIn) -> list[ApiToken]:
    """The tokens of this user, newest first, with their projects."""
    with reading() as db:
        check_account(db, who)
        mine = select(ApiToken).where(ApiToken.user_id == int(who)).options(joinedload(ApiToken.project))
        return list(db.scalars(mine.order_by(ApiToken.id.desc())))


def revoke(who: SignedIn, token_id: int) -> None:
    """End a token of this user, at once."""
    with acting(who) as db:
        token = db.get(ApiToken, token_id)
        if token is not None and token.user_id == who:
            db.delete(token)
            note(db, int(who), "token revoked", who, name=token.name)


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode(errors="replace")).hexdigest()
