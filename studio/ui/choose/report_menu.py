"""What saves a report, as HTML or PDF: of one network, or of a sweep."""

from __future__ import annotations

from urllib.parse import quote

import streamlit as st

from studio.ui import save_button

_FORMATS = {"pdf": "PDF", "html": "HTML"}


def network_menu(project_id: int, job_id: int, name: str) -> None:
    """Draw what saves the model card of a network."""
    place = f"/api/projects/{project_id}/jobs/{job_id}/networks/{quote(name, safe='')}/report"
    hint = "The model card: data, figures with intervals, latencies, mistakes and limits of use, to be signed"
    _menu("Report", place, name, f"{job_id}-{name}", hint)


def sweep_menu(project_id: int, job_id: int, of: str = "") -> None:
    """Draw what saves the report of a sweep; `of`: its name, where several are shown."""
    place = f"/api/projects/{project_id}/jobs/{job_id}/report"
    hint = "What is recommended without limits, and why; all networks; how they were made"
    _menu(f"Report of the sweep{of}", place, f"sweep-{job_id}", str(job_id), hint)


def _menu(label: str, place: str, name: str, key: str, hint: str) -> None:
    with st.popover(label, icon=":material/description:"):
        st.caption(hint)
        with st.container(horizontal=True):
            for kind, title in _FORMATS.items():
                save_button.button(title, f"{place}.{kind}", f"{name}.{kind}", f"report-{kind}-{key}")
