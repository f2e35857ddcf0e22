"""The three ways to begin: with photographs of one's own, with a demo to look around in, or with practice."""

from __future__ import annotations

from collections.abc import Collection

import streamlit as st

from ftl.formatting import duration
from studio import ui
from studio.collaboration import practice
from studio.jobs import demo
from studio.projects.projects import create_project
from studio.store.tables import Project
from studio.ui import state


def show(projects: Collection[Project]) -> None:
    """Draw a card for each; the demo and the practice that are among the projects are opened instead."""
    there = {project.name: project.id for project in projects}
    own, look, draw = st.columns(3)
    with own.container(border=True, height="stretch"), st.form("new", border=False), ui.showing_errors():
        st.markdown("### Your photographs")
        st.markdown("Upload photographs, draw masks on a few, and get a small, fast network that finds what you drew.")
        name = st.text_input("Name", placeholder="Bridge 42, south abutment")
        st.space("stretch")
        if st.form_submit_button("Make project", type="primary"):
            _open(create_project(ui.who(), name).id)
    with look.container(border=True, height="stretch"), ui.showing_errors():
        st.markdown("### Demo")
        st.markdown("Look around in a finished project: drawn surfaces with cracks, their masks, and a sweep.")
        st.caption(
            f"Ready in about {duration(demo.SECONDS)}, because its network is trained already. It waits while other "
            "jobs run."
        )
        st.space("stretch")
        if demo.NAME in there:
            if st.button("Open the demo", icon=":material/folder_open:"):
                _open(there[demo.NAME])
        elif st.button("Make the demo", icon=":material/play_circle:"):
            _open(demo.launch_demo(ui.who()).project_id, "jobs")
    with draw.container(border=True, height="stretch"), ui.showing_errors():
        st.markdown("### Practice")
        st.markdown(
            f"Draw cracks, pores and dirt on {2 * practice.SURFACES} surfaces, and see how close you come to the true "
            "masks."
        )
        st.space("stretch")
        if practice.NAME in there:
            if st.button("Open the practice", icon=":material/folder_open:"):
                _open(there[practice.NAME], "annotate")
        elif st.button("Practise", icon=":material/brush:"):
            _open(practice.make_practice(ui.who()).id, "annotate")


def _open(project_id: int, page: str = "") -> None:
    """Go to a page of a project."""
    tab = state.of(state.Tab)
    tab.project_id, tab.go = project_id, page
    st.rerun()  # the pages of a project are there from the next run on
