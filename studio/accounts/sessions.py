"""Signed-in browsers."""

from __future__ import annotations

import hashlib
import re
import secrets
import time
from typing import NamedTuple

from itsdangerous import BadSignature, URLSafeSerializer
from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session as Database

from studio.accounts.history import note
from studio.accounts.rights import SignedIn, acting, check_account
from studio.store.database import reading, writing
from studio.store.home import secret
from studio.store.tables import ApiToken, Invitation, PasswordReset, Session, User

COOKIE = "studio_session"
SESSION_SECONDS = 30 * 24 * 3600
_MOST_OF_BROWSER = 80
_SEEN_EVERY = 60  # seconds


def _signer() -> URLSafeSerializer:
    return URLSafeSerializer(secret(), salt="session")


def cookie_of(session_id: str) -> str:
    """The cookie's value of a session."""
    return str(_signer().dumps(session_id))


def open_session(user_id: int, browser: str = "") -> str:
    """Sign a browser in, which is called so in the user's list of sessions: the cookie's value."""
    now = time.time()
    session = Session(
        id=secrets.token_urlsafe(32), user_id=user_id, expires_at=now + SESSION_SECONDS,
        browser=browser[:_MOST_OF_BROWSER],
    )  # fmt: skip
    with writing() as db:
        db.execute(delete(Session).where(Session.expires_at < now))
        db.add(session)
        note(db, user_id, "signed in", user_id, browser=session.browser or "an unknown browser")
    return cookie_of(session.id)


def browser_name(user_agent: str) -> str:
    """What a browser or program calls itself, for people: "Firefox on Linux", or its first word."""
    browsers = {"Edg/": "Edge", "OPR/": "Opera", "Firefox/": "Firefox", "Chrome/": "Chrome", "Safari/": "Safari"}
    systems = {"Windows": "Windows", "Android": "Android", "iPhone": "iPhone", "iPad": "iPad", "Mac OS": "macOS",
               "CrOS": "ChromeOS", "Linux": "Linux"}  # fmt: skip
    browser = next((name for sign, name in browsers.items() if sign in user_agent), "")
    system = next((name for sign, name in systems.items() if sign in user_agent), "")
    if browser and system:
        return f"{browser} on {system}"
    first = user_agent.partition(" ")[0]
    return first[:_MOST_OF_BROWSER] if first.isascii() and first.isprintable() else ""


def session_of(db: Database, cookie: str | None) -> Session | None:
    """The session whose cookie this is, read in that transaction.

    None if the cookie is missing or tampered with, the session has ended, or its user is deactivated.
    """
    if not cookie or not re.fullmatch(r"[\w.\-]{20,200}", cookie, re.ASCII):
        return None
    try:
        session_id = _signer().loads(cookie)
    except BadSignature:
        return None
    found = db.get(Session, session_id)
    valid = found is not None and found.expires_at > time.time() and found.user.deactivated_at is None
    return found if valid else None


def signed_in(cookie: str | None) -> tuple[User, SignedIn] | None:
    """The user whose session's cookie this is, and the same as changes ask for; None if that is not valid."""
    with reading() as db:
        found = session_of(db, cookie)
        return (found.user, SignedIn(found.user_id, found.id)) if found else None


def user_of(cookie: str | None) -> User | None:
    """The user whose session's cookie this is; None if that is not valid."""
    with reading() as db:
        found = session_of(db, cookie)
        return found.user if found else None


class Browser(NamedTuple):
    """A session as its user sees it. `key`: names it without giving it away; `here`: it is the one that asks."""

    key: str
    name: str
    created_at: float
    seen_at: float
    here: bool


def browsers_of(who: SignedIn) -> list[Browser]:
    """The browsers in which this user is signed in: this one, then the others, last seen first."""
    with reading() as db:
        check_account(db, who)
        rows = db.scalars(select(Session).where(Session.user_id == int(who), Session.expires_at > time.time()))
        found = [
            Browser(_key(row.id), row.browser, row.created_at, row.seen_at, row.id == who.session_id) for row in rows
        ]
    return sorted(found, key=lambda browser: (not browser.here, -browser.seen_at))


def sign_out_browser(who: SignedIn, key: str) -> None:
    """End one session of this user."""
    with acting(who) as db:
        for row in db.scalars(select(Session).where(Session.user_id == int(who))):
            if _key(row.id) == key:
                db.delete(row)


def sign_out_others(who: SignedIn) -> None:
    """End all sessions of this user but this one."""
    with acting(who) as db:
        end_sessions(db, int(who), but=who.session_id)


def end_credentials(db: Database, user_id: int) -> None:
    """End all with which a user, or whoever else has it, gets in or lets others in: sessions, tokens and links."""
    end_sessions(db, user_id)
    end_tokens(db, user_id)
    db.execute(delete(PasswordReset).where(PasswordReset.user_id == user_id))
    db.execute(delete(Invitation).where(Invitation.invited_by == user_id, Invitation.used_by.is_(None)))


def end_tokens(db: Database, user_id: int) -> None:
    """Revoke all API tokens of a user."""
    db.execute(delete(ApiToken).where(ApiToken.user_id == user_id))


def end_sessions(db: Database, user_id: int, but: str = "") -> None:
    """End all sessions of a user, but that one."""
    db.execute(delete(Session).where(Session.user_id == user_id, Session.id != but))


def see(session: Session) -> None:
    """Note that a session is in use, once a minute."""
    now = time.time()
    if now - session.seen_at > _SEEN_EVERY:
        with writing() as db:
            mine = update(Session).where(Session.id == session.id, Session.seen_at < now - _SEEN_EVERY)
            db.execute(mine.values(seen_at=now))


def _key(session_id: str) -> str:
    return hashlib.sha256(session_id.encode()).hexdigest()[:16]


def close_session(cookie: str | None) -> None:
    """Sign a browser out, for every tab of it."""
    with writing() as db:
        if found := session_of(db, cookie):
            db.delete(found)
