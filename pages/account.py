"""Account: one's own name and password, signed-in browsers, and tokens for programs."""

import streamlit as st

from studio import ui
from studio.accounts import panel

user = ui.signed_in()
who = ui.who()
st.title("Account")
left, right = st.columns(2, gap="medium")
with left:
    panel.name(who, user)
    panel.password(who, user)
with right:
    panel.browsers(who)
panel.tokens(who, user.id)
panel.events(who)
panel.delete_own(who, user)
