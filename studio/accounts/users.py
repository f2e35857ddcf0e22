"""Accounts, and the check of a name and password."""

from __future__ import annotations

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session as Database

from studio.accounts import passwords
from studio.accounts.history import note
from studio.accounts.throttle import count_attempt, forget_attempt
from studio.errors import StudioError
from studio.store.database import reading, writing
from studio.store.tables import User

MOST_LETTERS = 64
"""Of a name."""


class WrongPassword(StudioError):  # noqa: N818
    """There is no such name, or its password is another."""


def add_user(db: Database, name: str, password: str | None, subject: str | None = None) -> User:
    """Make an account. Raises `StudioError` for a name that is taken or empty, or a password that is refused."""
    name = checked_name(db, name)
    if password is not None:
        passwords.check_new(password, name)
    user = User(name=name, password_hash=None if password is None else passwords.hash_of(password), subject=subject)
    try:
        with db.begin_nested():
            db.add(user)
    except IntegrityError:  # somebody else took it meanwhile
        raise _taken(name) from None
    return user


def checked_name(db: Database, name: str, user_id: int | None = None) -> str:
    """A name as it is stored, if it is free or that user's own. Raises `StudioError`."""
    name = _tidy(name)
    others = select(User.id).where(func.lower(User.name) == name.lower())
    if db.scalar(others if user_id is None else others.where(User.id != user_id)) is not None:
        raise _taken(name)
    return name


def _taken(name: str) -> StudioError:
    return StudioError(f"the name {name} is taken: choose another")


def _tidy(name: str) -> str:
    name = " ".join(name.split())
    if not 1 <= len(name) <= MOST_LETTERS or not name.isprintable():
        raise StudioError(f"a name has 1 to {MOST_LETTERS} letters")
    return name


def anybody() -> bool:
    """Whether there is an account yet."""
    with reading() as db:
        return db.scalar(select(User.id).limit(1)) is not None


def check_password(name: str, password: str, address: str) -> User:
    """The user of that name and password, who signs in from that network address.

    Raises `WrongPassword`, `TooManyAttempts`, or another `StudioError` for what can be no name or password.
    """
    name = _tidy(name).lower()
    passwords.check_given(password)
    count_attempt(name, address)
    with reading() as db:
        user = db.scalar(select(User).where(func.lower(User.name) == name))
    if not passwords.matches(user.password_hash if user else None, password) or user is None:
        with writing() as db:  # for names that nobody has, too: it would take less time without
            note(db, user.id if user else None, "sign-in failed", address=address or "an unknown address")
        raise WrongPassword("name or password is wrong")
    forget_attempt(name, address)
    if user.deactivated_at is not None:
        raise WrongPassword("this account is deactivated: ask the studio's owner")
    return user
