"""What users change of their own accounts: name and password. Each change asks anew who acts."""

from __future__ import annotations

from studio.accounts import passwords
from studio.accounts.history import note
from studio.accounts.rights import SignedIn, acting, check_account
from studio.accounts.sessions import end_sessions, end_tokens
from studio.accounts.throttle import count_attempt, forget_attempt
from studio.accounts.users import WrongPassword, checked_name
from studio.errors import StudioError
from studio.store.database import reading
from studio.store.tables import User


def rename(who: SignedIn, name: str) -> None:
    """Change the name of this user. Raises `StudioError`."""
    with acting(who, alone=True) as db:
        db.get_one(User, int(who)).name = checked_name(db, name, int(who))


def change_password(who: SignedIn, old: str, new: str) -> None:
    """Change the password of this user, sign their other browsers out, revoke their tokens. Raises `StudioError`."""
    passwords.check_given(old)
    with reading() as db:
        check_account(db, who)
        user = db.get_one(User, int(who))
    where = f"account {user.id}"  # guesses from an open page are delayed like others, but lock nobody's sign-in
    count_attempt(user.name.lower(), where)
    if user.password_hash is None or not passwords.matches(user.password_hash, old):
        raise WrongPassword("the present password is wrong")
    forget_attempt(user.name.lower(), where)
    passwords.check_new(new, user.name)
    if passwords.matches(user.password_hash, new):
        raise StudioError("the new password is the present one: choose another")
    new_hash = passwords.hash_of(new)
    with acting(who, alone=True) as db:
        db.get_one(User, user.id).password_hash = new_hash
        end_sessions(db, user.id, but=who.session_id)
        end_tokens(db, user.id)
        note(db, user.id, "password changed", who)
