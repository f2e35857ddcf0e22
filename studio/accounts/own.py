"""What users change of their own accounts: name and password. Each change asks whose cookie it is given."""

from __future__ import annotations

from studio.accounts import passwords
from studio.accounts.sessions import end_sessions, require_session
from studio.accounts.throttle import count_attempt, forget_attempt
from studio.accounts.users import WrongPassword, checked_name
from studio.errors import StudioError
from studio.store.database import reading, writing


def rename(cookie: str | None, name: str) -> None:
    """Change the name of the user of this cookie. Raises `StudioError`."""
    with writing() as db:
        user = require_session(db, cookie).user
        user.name = checked_name(db, name, user.id)


def change_password(cookie: str | None, old: str, new: str) -> None:
    """Change the password of the user of this cookie, and sign all their other browsers out. Raises `StudioError`."""
    passwords.check_given(old)
    with reading() as db:
        user = require_session(db, cookie).user
    where = f"account {user.id}"  # guesses from an open page are delayed like others, but lock nobody's sign-in
    count_attempt(user.name.lower(), where)
    if user.password_hash is None or not passwords.matches(user.password_hash, old):
        raise WrongPassword("the present password is wrong")
    forget_attempt(user.name.lower(), where)
    passwords.check_new(new, user.name)
    if passwords.matches(user.password_hash, new):
        raise StudioError("the new password is the present one: choose another")
    new_hash = passwords.hash_of(new)
    with writing() as db:
        session = require_session(db, cookie)
        session.user.password_hash = new_hash
        end_sessions(db, session.user_id, but=session.id)
