"""Beside the surface: what was said about an image, what was done to it, and its earlier states."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from studio import ui
from studio.annotation import log
from studio.collaboration.annotator_masks import names
from studio.collaboration.comments import comment, comments_for, settle
from studio.projects import audit
from studio.store import files
from studio.store.tables import Image, ImageClass
from studio.ui import pictures


def comments(image: Image, here: ui.Here, *, own_only: bool) -> None:
    """The image's comments that one may read, those with a place in the order of their pins; and a new one."""
    found = comments_for(image.id, here.user.id, here.role, alone=own_only)
    waiting = [one for one in found if one.done_by is None]
    pins = {one.id: number for number, one in enumerate((one for one in waiting if one.x is not None), 1)}
    if waiting:
        st.html(f"<style>.st-key-sign-comments [data-testid=stMarkdownContainer]::after {{ content: '{len(waiting)}' }}"
                "</style>")  # fmt: skip
    with st.popover("Comments", key="sign-comments", icon=":material/forum:", help="Comments"):
        for one in found:
            row = st.container(horizontal=True, vertical_alignment="center")
            mark = f":orange-badge[{pins[one.id]}] " if one.id in pins else ""
            text = ui.plain(one.text) if one.done_by is None else f"~~{ui.plain(one.text)}~~"
            to = f" to **{ui.plain(one.to.name)}**" if one.to is not None else ""
            line = f"{mark}**{ui.plain(one.author.name)}**{to} · {text}  \n:small[{ui.clock(one.at)}]"
            row.markdown(line, width="stretch")
            if one.done_by is None and row.button("Done", key=f"settle-{one.id}"):
                with ui.showing_errors():
                    settle(image, one.id, here.who)
                    st.rerun()
        with st.form(f"comment-{image.id}", clear_on_submit=True, border=False), ui.showing_errors():
            text = st.text_input("Comment on the whole image", max_chars=2000)
            if st.form_submit_button("Comment"):
                comment(image, here.who, text)
                st.rerun()


def history(image: Image, here: ui.Here, classes: Sequence[ImageClass], *, editable: bool, own_only: bool) -> None:
    """What was done to the image, and any earlier state of its mask, which can be had back."""
    with st.popover("History", key="sign-history", icon=":material/history:", help="History"):
        if not st.toggle("Show the history", key=f"history-{image.id}"):  # it reads the whole log
            return
        author = here.user.id if own_only else None
        rows = log.read(image.id, author_id=author)
        lines = [one for one in audit.history(here.project.id, image_id=image.id)
                 if not own_only or one.user_id == here.user.id]  # fmt: skip
        left, right = st.columns([1, 1.4], gap="large")
        with left:
            for line in lines:
                st.markdown(
                    f"**{ui.plain(line.user.name)}** {ui.plain(audit.text_of(line))}  \n:small[{ui.clock(line.at)}]"
                )
            if not lines:
                st.caption("Nobody has submitted, judged or commented yet.")
        with right:
            if not rows:
                st.caption("Nothing is drawn yet.")
                return
            at = st.slider("Mask after this many strokes", 0, len(rows), len(rows), key=f"past-{image.id}")
            past = log.mask(image, upto=rows[at - 1].seq if at else 0, author_id=author)
            if at:
                last = rows[at - 1]
                by = ui.plain(names([last.author_id])[last.author_id])
                st.caption(f"{last.kind.capitalize()} by {by}, {ui.clock(last.at)}")
            colours = {known.number: known.colour for known in classes}
            st.image(pictures.masked(files.photograph(image.sha256), past, colours, (520, 400)))
            # in a blind project a whole mask of one would cover those of the others
            if not own_only and at < len(rows) and st.button("Restore this state", disabled=not editable):
                with ui.showing_errors():
                    log.restore(image, here.who, past)
                    st.rerun()
