"""The controls that make a backup of a project, and a project of a backup."""

from __future__ import annotations

import streamlit as st

from studio import ui
from studio.backup.restoring import restore
from studio.projects.projects import project_of
from studio.ui import save_button, state


def backup_link(project_id: int) -> None:
    """Draw the button that downloads a project's backup, for its admins, and what is in it."""
    st.caption(
        "Photographs, classes, every stroke with its author, comments and the audit log, to be restored here or in "
        "another studio. Sweeps and networks are not in it."
    )
    address = f"/api/projects/{project_id}/backup.zip"
    save_button.button("Download a backup", address, f"project-{project_id}-backup.zip", "backup-zip")


def panel(user_id: int) -> None:
    """Draw the form that makes a new project of a backup; the project is then the one of this session."""
    with st.form("restore", clear_on_submit=True, border=False):
        file = st.file_uploader("Backup", type="zip", help="The zip that the studio made of a project.")
        st.caption(
            "It becomes a new project with you as its only member. Strokes keep their authors' names; to let the "
            "authors in, invite them."
        )
        sent = st.form_submit_button("Restore")
    tab = state.of(state.Tab)
    if tab.restored is not None:
        st.success(f"Restored {ui.plain(tab.restored)}.", icon=":material/check:")
        tab.restored = None
    if sent and file is None:
        st.info("Choose a backup first.", icon=":material/info:")
    elif sent and file is not None:
        bar = st.progress(0.0, "Reading the backup")

        def report(done: int, total: int, what: str) -> None:
            bar.progress(done / max(1, total), f"{what.capitalize()}: {done:,} of {total:,}")

        with ui.showing_errors():
            made = restore(user_id, file, report)
            tab.project_id, tab.restored, tab.go = made, project_of(made).name, "projects"
            st.rerun()  # the sidebar has been drawn without it
        bar.empty()
