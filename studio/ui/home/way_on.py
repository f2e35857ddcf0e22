"""What a page shows that is empty until a project has come farther: the project's next step, and the way there."""

from __future__ import annotations

import streamlit as st

from studio import ui
from studio.ui.home.steps import NEXT, steps_of


def show(project_id: int, role: str) -> None:
    """Say what is next, and lead whoever may do it to where that is done. `role`: of who looks."""
    step = next((step for step in steps_of(project_id, role) if step.state == NEXT), None)
    if step is None:
        return
    by_whom = "" if step.button else " An admin of the project does this."
    st.markdown(f"Next: **{step.title}**. {ui.plain(step.text)}{by_whom}")
    if step.button:
        st.page_link(ui.page_file(step.page), label=step.button, icon=f":material/{step.icon}:")
