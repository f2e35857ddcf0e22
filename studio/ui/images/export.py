"""The controls that take a project's masks out of the studio."""

from __future__ import annotations

import streamlit as st

from studio.formats.registry import EXPORTS
from studio.ui import save_button

_SEEN_BY_ANYBODY = "classes"  # black and white; an index mask looks black to who does not know what it is


def panel(project_id: int) -> None:
    """Draw a choice of formats, what the chosen one holds, and a button that downloads the project in it."""
    names = list(EXPORTS)
    name = st.selectbox(
        "Format", names, names.index(_SEEN_BY_ANYBODY), format_func=lambda one: EXPORTS[one].title, key="export-format"
    )
    st.caption(EXPORTS[name].holds)
    photographs = st.checkbox("With the photographs", value=True, key="export-photographs")
    address = f"/api/projects/{project_id}/export.zip?format={name}{'' if photographs else '&images=no'}"
    save_button.button("Download as a zip", address, f"project-{project_id}-{name}.zip", "export-zip")
