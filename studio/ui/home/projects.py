"""The list of a user's projects: a picture and the numbers of each, found by part of a name."""

from __future__ import annotations

from html import escape

import streamlit as st

from ftl.formatting import counted
from studio import ui
from studio.images.addresses import photograph_address
from studio.images.library import Standing, standing_of
from studio.store.tables import Project
from studio.ui import state

_SEARCHED = 4  # so many are seen at a glance


def show(projects: list[tuple[Project, str]]) -> None:
    """Draw the projects, those in the archive last and apart."""
    text = st.text_input("Search", placeholder="part of a name") if len(projects) > _SEARCHED else ""
    found = [(project, role) for project, role in projects if text.strip().lower() in project.name.lower()]
    if not found:
        st.caption("No project has this in its name.")
    known = standing_of([project.id for project, _ in found])
    for project, role in found:
        if project.archived_at is None:
            _row(project, role, known[project.id])
    if archived := [(project, role) for project, role in found if project.archived_at is not None]:
        with st.expander("Archived projects", icon=":material/archive:"):
            for project, role in archived:
                _row(project, role, known[project.id])


def _row(project: Project, role: str, standing: Standing) -> None:
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        picture = "background: rgba(128, 128, 128, 0.18)"
        if standing.first is not None:
            address = photograph_address(project.id, standing.first.id, standing.first.sha256)
            picture = f"background: url({escape(address)}) center / cover"
        st.html(f'<div style="width: 5.5rem; height: 4rem; border-radius: 8px; {picture}"></div>', width="content")
        with st.container(width="stretch", gap=None):
            st.markdown(f"**{ui.plain(project.name)}**")
            st.caption(f"{counted(standing.images, 'photograph')} · {standing.drawn:,} with masks · {role}")
        if st.button("Open", key=f"open-{project.id}"):
            tab = state.of(state.Tab)
            tab.project_id, tab.go = project.id, ""
            st.rerun()
