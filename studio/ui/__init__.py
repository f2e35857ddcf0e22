"""What all pages share: who is here, in which project, and how errors are shown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta, timezone
from functools import wraps
from pathlib import Path
from typing import Any, NamedTuple, NoReturn, ParamSpec, cast
from urllib.parse import urlsplit

import streamlit as st
from streamlit.delta_generator import DeltaGenerator
from streamlit.runtime.scriptrunner import StopException

from ftl.errors import FtlError
from studio.accounts import COOKIE
from studio.accounts.rights import SignedIn
from studio.accounts.sessions import signed_in as signed_in_by
from studio.accounts.tickets import redeem
from studio.errors import Forbidden, StudioError
from studio.projects.members import require
from studio.projects.projects import projects_of
from studio.store.tables import Project, User
from studio.ui import state
from studio.ui.markdown import plain as plain  # pages say ui.plain and ui.sentence
from studio.ui.markdown import sentence as sentence


def page_file(name: str) -> str:
    """The file of a page, for `st.Page`, `st.switch_page` and `st.page_link`.

    Their relative paths are taken from the script in `studio/`. It is not beside `pages/`, for there Streamlit would
    take that folder for its old automatic pages and run them without the sidebar.
    """
    return str(Path(__file__).parents[2] / "pages" / f"{name}.py")


STATE_COLOURS: dict[str, Any] = {"open": "gray", "submitted": "blue", "accepted": "green", "returned": "orange"}
"""Streamlit's colours for where the work on an image stands."""

P = ParamSpec("P")

_FITS = 16  # letters of a name that the choice of a project shows; the rest is cut off

_NOT_HERE = "You are no longer in this project, or it was deleted: ask its admin."


class Here(NamedTuple):
    """Who looks at a page, in which project, with which role there. `who`: the same user, for all that changes."""

    user: User
    project: Project
    role: str
    who: SignedIn


class PageEnds(StopException):
    """A page has nothing more to show in this run."""


def stop() -> NoReturn:
    """End the page's run here, as `st.stop` does, but as a run that has reached its end (see `studio/ui/main.py`).

    Behind `st.stop` Streamlit drops what was asked meanwhile, and keeps the fragments of the page before: a late word
    of one then draws into this page and blanks it.
    """
    raise PageEnds


@contextmanager
def showing_errors(show: Callable[..., Any] = st.error) -> Iterator[None]:
    """Show a `StudioError` or `FtlError` of the block as a sentence, and go on behind it.

    `show`: `toast_next` in a callback, which has no place on the page, and where a rerun follows.
    """
    try:
        yield
    except (StudioError, FtlError) as error:
        show(sentence(error), icon=":material/error:")


def toast_next(text: str, *, icon: str) -> None:
    """Show a toast in the next run: what a run says just before it asks for another is dropped by Streamlit."""
    state.of(state.Tab).toasts.append(state.Toast(text, icon))


def show_toasts() -> None:
    """Show those that the run before has left."""
    toasts = state.of(state.Tab).toasts
    while toasts:
        text, icon, duration = toasts[0]
        st.toast(text, icon=icon, duration=duration)
        toasts.pop(0)  # now that it is shown: Streamlit may end the run at what it is to show, which then waits


def signed_in() -> User:
    """The user of this browser; whoever was signed out is shown the way back in, and the page then goes on."""
    return _signed_in()[0]


def who() -> SignedIn:
    """The user of this browser, for all that changes; whoever was signed out as in `signed_in`."""
    return _signed_in()[1]


def _signed_in() -> tuple[User, SignedIn]:
    found = signed_in_by(st.context.cookies.get(COOKIE)) or signed_in_by(state.of(state.Tab).cookie)
    if found is None:
        st.warning(
            "You are signed out. [Sign in](/account/sign-in) in a new tab; this page then goes on, with all that "
            "you have not saved yet.",
            icon=":material/lock:",
        )
        script = Path(__file__).with_name("renew.js").read_text(encoding="utf-8")
        st.components.v2.component("renew", js=script)(key=state.RENEW.key, on_ticket_change=_renew)
        stop()
    state.of(state.Tab).user_id = found[0].id
    return found


def link(path: str) -> str:
    """The whole address of a path of this site, as this browser reaches it."""
    parts = urlsplit(str(st.context.url))
    return f"{parts.scheme}://{parts.netloc}{path}"


def _renew() -> None:
    """Take the ticket of a browser that has signed in again, as the one who has this page."""
    given, tab = state.RENEW.value.get("ticket"), state.of(state.Tab)
    if given and tab.user_id is not None:
        tab.cookie = redeem(given, tab.user_id)


def choose_project() -> Here | None:
    """The project of this session, chosen in the sidebar and kept in the address; None while there is none."""
    user, who = _signed_in()
    projects = {project.id: (project, role) for project, role in projects_of(user.id)}
    tab = state.of(state.Tab)
    if tab.project_id not in (None, *projects):  # it was there when this tab ran last
        tab.project_id = None
        st.info(_NOT_HERE, icon=":material/lock:")
    if not projects:
        return None
    asked = str(st.query_params.get("project") if tab.project_id is None else tab.project_id)
    wanted = int(asked) if asked.isdigit() else None
    listed = [key for key, (project, _) in projects.items() if project.archived_at is None or key == wanted]
    ids = listed or list(projects)
    labels = unique_labels({one: project.name for one, (project, _) in projects.items()})
    chosen = st.sidebar.selectbox(
        "Project",
        ids,
        index=ids.index(wanted) if wanted in ids else 0,
        format_func=labels.__getitem__,
    )
    if len(labels[chosen]) > _FITS:
        st.sidebar.caption(plain(labels[chosen]))
    tab.project_id = chosen
    if st.query_params.get("project") != str(chosen):
        st.query_params["project"] = str(chosen)
    return Here(user, *projects[chosen], who)


def unique_labels(names: dict[int, str]) -> dict[int, str]:
    """Names for a choice. Streamlit tells options apart by what they are shown as, so equal ones get their number."""
    counts = Counter(names.values())
    return {key: name if counts[name] == 1 else f"{name} · {key}" for key, name in names.items()}


def here(role: str = "annotator") -> Here:
    """The user, project and role of a page that needs a project; it stops for those who may not see it."""
    user, who = _signed_in()
    project_id = state.of(state.Tab).project_id
    found = {project.id: project for project, _ in projects_of(user.id)}
    if project_id not in found and project_id is not None:
        st.info(_NOT_HERE, icon=":material/lock:")
        stop()
    if project_id not in found:
        empty("No project yet", "Make one on the Projects page, or ask for an invitation link.", ":material/folder:")
        stop()
    try:
        has = require(user.id, project_id, role)
    except Forbidden as error:
        st.info(sentence(error), icon=":material/lock:")
        stop()
    return Here(user, found[project_id], has, who)


def fragment(draw: Callable[P, None], *, run_every: float | None = None) -> Callable[P, None]:
    """A part of a page that reruns alone, as by `st.fragment`, but never for those who were signed out or removed."""

    @wraps(draw)
    def asked_anew(*args: P.args, **kwargs: P.kwargs) -> None:
        here()
        show_toasts()
        draw(*args, **kwargs)

    return cast("Callable[P, None]", st.fragment(asked_anew, run_every=run_every))


def empty(title: str, text: str, icon: str) -> DeltaGenerator:
    """An empty state: what is not there yet, and what to do. It, for links to where that is done."""
    place = st.container(border=True, horizontal_alignment="center", gap="small", key=f"empty-{title}")
    place.markdown(f"## {icon} {title}")
    place.markdown(text)
    return place


def clock(at: float) -> str:
    """A time, seconds since 1970, as the reader's own clock shows it; the server's where the browser tells none."""
    behind = st.context.timezone_offset  # minutes, of UTC
    zone = None if behind is None else timezone(timedelta(minutes=-behind))
    return f"{datetime.fromtimestamp(at, zone):%d %b %Y, %H:%M}"


def time_of_day(at: float) -> str:
    """A time within days, seconds since 1970, as the reader's own clock shows it: with its day, if that is another."""
    day, _, time = clock(at).rpartition(", ")
    today = clock(datetime.now(UTC).timestamp()).rpartition(", ")[0]
    return time if day == today else f"{time} on {day.rpartition(' ')[0]}"


def colour_buttons(colours: dict[str, str]) -> None:
    """Give the buttons of these keys a bar of their colour."""
    rules = "".join(
        f".st-key-{key} button {{ border-left: 0.5rem solid {colour}; justify-content: flex-start }}"
        for key, colour in colours.items()
    )
    st.html(f"<style>{rules}</style>")
