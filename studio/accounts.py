"""Who somebody is: accounts, passwords, signed-in browsers."""

from __future__ import annotations

import re
import secrets
import time

from argon2 import PasswordHasher
from argon2.exceptions import VerificationError
from itsdangerous import BadSignature, URLSafeSerializer, URLSafeTimedSerializer
from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session as Database

from studio.errors import StudioError
from studio.home import secret
from studio.rights import SignedIn
from studio.store.database import reading, writing
from studio.store.models import Attempt, Session, User

COOKIE = "studio_session"
SESSION_SECONDS = 30 * 24 * 3600
LEAST_PASSWORD = 10
_TICKET_SECONDS = 60
_WINDOW, _PER_NAME, _PER_ADDRESS = 15 * 60, 5, 30
_HASHER = PasswordHasher()
_NOBODY = _HASHER.hash(secrets.token_hex())  # checked where there is no such user, so that both take the same time


def add_user(db: Database, name: str, password: str | None, subject: str | None = None) -> User:
    """Make an account. Raises `StudioError` for a name that is taken or empty, or a short password."""
    name = " ".join(name.split())
    if not 1 <= len(name) <= 64 or not name.isprintable():
        raise StudioError("a name has 1 to 64 letters")
    if password is not None and not LEAST_PASSWORD <= len(password) <= 1000:
        raise StudioError(f"a password has at least {LEAST_PASSWORD} characters")
    if db.scalar(select(User).where(func.lower(User.name) == name.lower())):
        raise StudioError(f"the name {name} is taken: choose another")
    user = User(name=name, password_hash=password and _HASHER.hash(password), subject=subject)
    db.add(user)
    db.flush()
    return user


def check_password(name: str, password: str, address: str) -> User:
    """The user of that name and password. Raises `StudioError`; after five failures within 15 minutes, always."""
    name, now = " ".join(name.split()).lower(), time.time()
    with writing() as db:
        db.execute(delete(Attempt).where(Attempt.at < now - _WINDOW))
        failed = [
            db.scalar(select(func.count()).where(column == value)) or 0
            for column, value in ((Attempt.name, name), (Attempt.address, address))
        ]
        if failed[0] >= _PER_NAME or failed[1] >= _PER_ADDRESS:
            raise StudioError("too many attempts: wait a quarter of an hour, then try again")
        attempt = Attempt(name=name, address=address)
        db.add(attempt)  # counted before the slow check, so that many at once count as well
        user = db.scalar(select(User).where(func.lower(User.name) == name))
    try:
        _HASHER.verify(user.password_hash if user and user.password_hash else _NOBODY, password)
    except VerificationError:
        user = None
    if user is None:
        raise StudioError("name or password is wrong")
    with writing() as db:
        db.execute(delete(Attempt).where(Attempt.name == name))
    return user


def _signer() -> URLSafeSerializer:
    return URLSafeSerializer(secret(), salt="session")


def open_session(user_id: int) -> str:
    """Sign a browser in: the cookie's value."""
    session = Session(id=secrets.token_urlsafe(32), user_id=user_id, expires_at=time.time() + SESSION_SECONDS)
    with writing() as db:
        db.execute(delete(Session).where(Session.expires_at < time.time()))
        db.add(session)
    return str(_signer().dumps(session.id))


def user_of(cookie: str | None) -> User | None:
    """The user whose cookie this is; None if it is missing, tampered with, expired or signed out."""
    with reading() as db:
        session = session_of(db, cookie)
        return session.user if session else None


def signed_in(cookie: str | None) -> tuple[User, SignedIn] | None:
    """The user whose cookie this is, and the same as what they change asks for; None as in `user_of`."""
    with reading() as db:
        session = session_of(db, cookie)
        return (session.user, SignedIn(session.user_id, session.id)) if session else None


def session_of(db: Database, cookie: str | None) -> Session | None:
    """The session whose cookie this is, read in that transaction; None as in `user_of`."""
    if not cookie or not re.fullmatch(r"[\w.\-]{20,200}", cookie):
        return None
    try:
        session_id = _signer().loads(cookie)
    except BadSignature:
        return None
    found = db.get(Session, session_id)
    return found if found and found.expires_at > time.time() else None


def ticket(cookie: str | None) -> str | None:
    """A ticket of a signed-in browser, valid for a minute, with which its open pages go on; None if it is not."""
    return str(_tickets().dumps(_signer().loads(cookie or ""))) if user_of(cookie) else None


def redeem(given: object, user_id: int) -> str | None:
    """The cookie's value of a ticket, if it is fresh and that user's."""
    try:
        cookie = str(_signer().dumps(_tickets().loads(str(given), max_age=_TICKET_SECONDS)))
    except BadSignature:
        return None
    user = user_of(cookie)
    return cookie if user is not None and user.id == user_id else None


def _tickets() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(secret(), salt="ticket")


def close_session(cookie: str | None) -> None:
    """Sign a browser out, for every tab of it."""
    if user_of(cookie):
        with writing() as db:
            db.execute(delete(Session).where(Session.id == _signer().loads(cookie or "")))
