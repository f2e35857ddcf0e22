"""Account: one's own name and password, signed-in browsers, and tokens for programs."""

import streamlit as st

from studio import ui
from studio.ui import account

user = ui.signed_in()
who = ui.who()
st.container(key="narrow").title("Account")
left, right = st.columns(2, gap="medium")
with left:
    account.name(who, user)
    account.password(who, user)
with right:
    account.browsers(who)
account.tokens(who, user.id)
account.events(who)
account.delete_own(who, user)
