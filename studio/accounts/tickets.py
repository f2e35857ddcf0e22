"""Short-lived words that stand for something, once each."""

from __future__ import annotations

import hashlib
import secrets
import time
from typing import Any

from itsdangerous import BadSignature, URLSafeTimedSerializer
from sqlalchemy import delete, text
from sqlalchemy.orm import Session as Database

from studio.accounts.sessions import cookie_of, session_of
from studio.store.database import reading, writing
from studio.store.home import secret
from studio.store.tables import UsedOnce

_SECONDS = 60


def issue(purpose: str, content: Any) -> str:
    """A signed ticket for that purpose, valid for a minute and once; no two are alike."""
    return str(_signer(purpose).dumps([content, secrets.token_urlsafe(8)]))


def spend(db: Database, purpose: str, ticket: object) -> Any:
    """The content of a ticket, which is used up with that transaction; None if it is not valid, or was used."""
    if not isinstance(ticket, str) or not ticket.isascii():
        return None
    try:
        content, _ = _signer(purpose).loads(ticket, max_age=_SECONDS)
    except (BadSignature, TypeError, ValueError):
        return None
    key = hashlib.sha256(f"{purpose} {ticket}".encode()).hexdigest()
    return content if first_use(db, key, time.time() + 2 * _SECONDS) else None


def first_use(db: Database, key: str, expires_at: float) -> bool:
    """Whether nobody did what `key` stands for before; it is done with that transaction.

    Of two transactions at once the second waits for the first.
    """
    db.execute(delete(UsedOnce).where(UsedOnce.expires_at < time.time()))
    insert = text("INSERT INTO used_once (key, expires_at) VALUES (:key, :at) ON CONFLICT DO NOTHING RETURNING key")
    return db.execute(insert, {"key": key, "at": expires_at}).first() is not None


def _signer(purpose: str) -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(secret(), salt=purpose)


def ticket(cookie: str | None) -> str | None:
    """A ticket of a signed-in browser, with which its open pages go on; None if it is not signed in."""
    with reading() as db:
        session = session_of(db, cookie)
    return issue("ticket", session.id) if session else None


def redeem(given: object, user_id: int) -> str | None:
    """The cookie's value of such a ticket, if it is valid and that user's."""
    with writing() as db:
        session_id = spend(db, "ticket", given)
        cookie = cookie_of(session_id) if isinstance(session_id, str) else None
        session = session_of(db, cookie)
    return cookie if session is not None and session.user_id == user_id else None
