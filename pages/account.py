"""Account: one's own name and password, signed-in browsers, and tokens for programs."""

import streamlit as st

from studio import ui
from studio.accounts import panel

user = ui.signed_in()
cookie = ui.credential()
st.title("Account")
left, right = st.columns(2, gap="medium")
with left:
    panel.name(cookie, user)
    panel.password(cookie, user)
with right:
    panel.browsers(cookie)
panel.tokens(cookie, user.id)
