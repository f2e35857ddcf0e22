"""Sign-in through an organisation's provider, as Streamlit offers it."""

from __future__ import annotations

import streamlit as st

from studio.accounts.oidc import ticket
from studio.accounts.users import MOST_LETTERS


def configured() -> bool:
    """Whether a provider is set up: Streamlit's secrets have an `[auth]` section."""
    try:
        return "auth" in st.secrets
    except FileNotFoundError:
        return False


def page() -> None:
    """What somebody without the studio's cookie sees: the way to the provider, and back."""
    st.title("FTL studio")
    if st.user.is_logged_in:
        issuer, own = st.user.get("iss"), st.user.get("sub")
        if not issuer or not own:
            st.error("The provider did not say who you are: ask whoever runs it.")
            st.stop()
        subject = f"{issuer} {own}"
        name = str(st.user.get("name") or st.user.get("email") or "Member")[: MOST_LETTERS - 4]
        link = f"/account/oidc?ticket={ticket(subject, name)}"
        st.html(f'<a href="{link}" target="_self">Go on to the studio</a>')
    else:
        if st.button("Sign in with your organisation", type="primary"):
            st.login()
        st.html('<a href="/account/sign-in" target="_self">Sign in with a password</a>')
