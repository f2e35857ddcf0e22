"""Sign-in through an organisation's OIDC provider, where `.streamlit/secrets.toml` has an `[auth]` section.

Streamlit's `st.login` asks the provider; a short-lived signed ticket then turns its answer into the studio's cookie,
which files and API need as well.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from sqlalchemy import select

from studio.accounts import WrongPassword, add_user
from studio.accounts.tickets import issue, spend
from studio.accounts.users import MOST_LETTERS
from studio.errors import StudioError
from studio.store.database import writing
from studio.store.tables import User

_MOST_OF_SUBJECT = 512


def ticket(subject: str, name: str) -> str:
    """A signed word, good for a minute and once, that its bearer is this subject of the provider."""
    return issue("oidc", [subject, name])


def redeem(given: str) -> int:
    """The user of a ticket, whose account is made at the first sign-in. Raises `StudioError`."""
    with writing() as db:
        content: Any = spend(db, "oidc", given)
        if content is None:
            raise WrongPassword("this sign-in took too long, or was used already: try again")
        subject, name = content if isinstance(content, list) and len(content) == 2 else ("", "")
        if not _is_text(subject) or not _is_text(name):
            raise WrongPassword("the provider did not say who you are: ask whoever runs it")
        user = None
        for tried in [name, *(f"{name} {number}" for number in range(2, 100))]:
            user = db.scalar(select(User).where(User.subject == subject))
            if user is not None:
                break
            with suppress(StudioError):  # somebody else has this name
                user = add_user(db, tried[:MOST_LETTERS], None, subject)
        if user is None:
            raise WrongPassword("no account can be made for this name: ask the studio's owner for an invitation")
        if user.deactivated_at is not None:
            raise WrongPassword("this account is deactivated: ask the studio's owner")
        return user.id


def _is_text(given: object) -> bool:
    return isinstance(given, str) and 1 <= len(given.strip()) <= _MOST_OF_SUBJECT and given.isprintable()
