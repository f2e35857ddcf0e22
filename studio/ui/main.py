"""What Streamlit runs for every visitor: the sidebar and the page."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import streamlit as st
from streamlit.navigation.page import StreamlitPage

from studio.accounts import COOKIE, user_of
from studio.accounts.settings import owns
from studio.ui import PageEnds, choose_project, notifications, page_file, show_toasts, sign_in, state
from studio.ui.markdown import plain

_SIDEBAR = 224  # pixels: a window of 900 has room for a page beside it


def page(file: str, title: str, icon: str, *, default: bool = False, url: str | None = None) -> StreamlitPage:
    """A page of the folder `pages`, at its own name or at `url`."""
    return st.Page(page_file(file), title=title, icon=f":material/{icon}:", default=default, url_path=url)


folder = Path(__file__).parent
st.set_page_config(
    page_title="FTL studio", page_icon=str(folder / "icon.svg"), layout="wide", initial_sidebar_state=_SIDEBAR
)
st.logo(str(folder / "logo.svg"), size="large")
if sign_in.configured() and user_of(st.context.cookies.get(COOKIE)) is None:
    st.navigation([st.Page(sign_in.page, title="Sign in")], position="hidden").run()
    st.stop()
here = choose_project()
studio = [
    page("projects", "Projects", "folder", default=here is None, url="start" if here is None else None),
    page("account", "Account", "account_circle", url="profile"),  # below /account/ are the forms
]
if (user := user_of(st.context.cookies.get(COOKIE))) is not None and owns(user.id):
    studio.append(page("settings", "Settings", "settings"))
groups = {
    "": [page("home", "Home", "home", default=True)],
    "Data": [
        page("images", "Images", "photo_library"),
        page("annotate", "Annotate", "brush"),
        page("review", "Review", "rate_review"),
        page("progress", "Progress", "monitoring"),
    ],
    "Networks": [
        page("sweep", "Sweep", "content_cut"),
        page("jobs", "Jobs", "progress_activity"),
        page("choose", "Choose", "scatter_plot"),
    ],
    "Use": [page("try_it", "Try", "search"), page("understand", "Understand", "visibility")],
}
tab = state.of(state.Tab)
if here is None:  # who has no project is shown the ways to one, wherever a link or a bookmark leads
    names = ["projects", *(one.url_path for group in groups.values() for one in group if one.url_path)]
    lost = [st.Page(page_file("projects"), title="Projects", url_path=one, visibility="hidden") for one in names]
    current = st.navigation({"": [*studio, *lost]}, expanded=True)
    tab.go = "projects"  # once one appears here, as by being restored
else:
    groups["Studio"] = studio
    current = st.navigation(groups, expanded=True)
    asked, tab.go = tab.go, None
    if asked is not None:
        st.switch_page(next(one for group in groups.values() for one in group if one.url_path == asked))
if (user := here.user if here else user) is not None:
    with st.sidebar:
        with st.container(key="who", horizontal=True, vertical_alignment="center"):
            st.caption(plain(user.name) + (f" · {here.role}" if here else ""), width="stretch")
            st.html('<a href="/account/sign-out" target="_self">Sign out</a>', width="content")
        notifications.listen()
show_toasts()
with suppress(PageEnds):  # only behind a run that ends does Streamlit forget the fragments of the page before
    current.run()
