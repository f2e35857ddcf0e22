"""Sign-in through an organisation's OIDC provider, where `.streamlit/secrets.toml` has an `[auth]` section.

Streamlit's `st.login` asks the provider; a short-lived signed ticket then turns its answer into the studio's cookie,
which files and API need as well.
"""

from __future__ import annotations

import streamlit as st
from itsdangerous import BadSignature, URLSafeTimedSerializer
from sqlalchemy import select

from studio.accounts import add_user
from studio.errors import StudioError
from studio.home import secret
from studio.store.database import writing
from studio.store.models import User

_SECONDS = 60


def configured() -> bool:
    """Whether a provider is set up."""
    try:
        return "auth" in st.secrets
    except FileNotFoundError:
        return False


def _signer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(secret(), salt="oidc")


def ticket(subject: str, name: str) -> str:
    """A signed word, good for a minute, that its bearer is this subject of the provider."""
    return str(_signer().dumps([subject, name]))


def redeem(given: str) -> int:
    """The user of a ticket, whose account is made at the first sign-in. Raises `StudioError`."""
    try:
        subject, name = _signer().loads(given, max_age=_SECONDS)
    except BadSignature:
        raise StudioError("this sign-in took too long: try again") from None
    with writing() as db:
        user = db.scalar(select(User).where(User.subject == subject))
        tries = iter([name, *(f"{name} {number}" for number in range(2, 100))])
        while user is None:
            try:
                user = add_user(db, next(tries), None, subject)
            except StudioError:  # somebody else has this name
                continue
        return user.id


def page() -> None:
    """What somebody without the studio's cookie sees: the way to the provider, and back."""
    st.title("FTL studio")
    if st.user.is_logged_in:
        subject = f"{st.user.get('iss')} {st.user.get('sub')}"
        name = str(st.user.get("name") or st.user.get("email") or "Member")[:60]
        link = f"/account/oidc?ticket={ticket(subject, name)}"
        st.html(f'<a href="{link}" target="_self">Go on to the studio</a>')
    else:
        if st.button("Sign in with your organisation", type="primary"):
            st.login()
        st.html('<a href="/account/sign-in" target="_self">Sign in with a password</a>')
