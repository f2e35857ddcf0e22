"""The settings in which two sweeps differ, side by side, and the learning curves of both."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from studio.jobs import progress
from studio.jobs.differences import differences, names_of
from studio.jobs.request import request_of
from studio.store.tables import Job
from studio.ui.jobs.learning_curves import compared_curves


def show(project_id: int, sweeps: Sequence[Job]) -> None:
    """Draw the choice of two sweeps, at first the newest, the table and the chart; nothing while there are no two."""
    if len(sweeps) < 2:
        return
    shown = st.expander("Compare two sweeps", icon=":material/difference:", key="compare",
                        on_change="rerun")  # fmt: skip
    if not shown.open:
        return
    with shown:
        by_id = {job.id: job for job in sweeps}
        columns = st.columns(2)
        first, second = (
            column.selectbox(
                title, list(by_id), place, format_func=lambda key: f"{by_id[key].name} · {key}", key=f"compare-{title}"
            )
            for column, title, place in zip(columns, ("Earlier", "Later"), (1, 0), strict=True)
        )
        found = differences(request_of(by_id[first]), request_of(by_id[second]), names_of(project_id))
        if found:
            rows = [{"Setting": one.setting, "Earlier": one.before, "Later": one.after} for one in found]
            st.dataframe(rows, hide_index=True, width="stretch")
        else:
            st.caption("They have the same settings.")
        titles = {f"{by_id[key].name} · {key}": progress.curves(by_id[key]) for key in (first, second)}
        if all(titles.values()):
            st.markdown("**Learning curves**: loss on the early-stopping sets")
            st.plotly_chart(compared_curves(titles), key="compare-curves")
