"""In which order photographs are given to people: the choice, and how far the order by what teaches most still fits."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from ftl.formatting import counted
from studio import ui
from studio.collaboration.drawing_order import ORDERS, TEACHING, order_of, set_order, standing
from studio.jobs.order_job import launch_ordering
from studio.jobs.segmenters import MaskNetwork


def panel(project_id: int, who: int, networks: Sequence[MaskNetwork]) -> None:
    """Choose the order, and have the one by what teaches most worked out."""
    st.markdown("**Next for me** on Annotate gives each person photographs that nobody else has:")
    left, right = st.columns([3, 1], vertical_alignment="bottom")
    own = order_of(project_id)
    order = left.selectbox("Order", list(ORDERS), list(ORDERS).index(own), format_func=ORDERS.__getitem__)
    if right.button("Use this order", disabled=order == own):
        with ui.showing_errors():
            set_order(project_id, who, order)
            st.rerun()
    if order == TEACHING:
        _work_out(project_id, who, networks)


def _work_out(project_id: int, who: int, networks: Sequence[MaskNetwork]) -> None:
    turns, drawn, new = standing(project_id)
    st.markdown(
        "First come photographs that are unlike those that are drawn and, where a network looks at them, of which it "
        "is unsure; of those that are nearly the same, one comes now and the others last."
    )
    if not turns:
        st.caption("No order yet: photographs are given at random until there is one.")
    elif drawn or new:
        changed = [f"{counted(drawn, 'photograph')} drawn"] * bool(drawn) + [f"{new:,} added"] * bool(new)
        st.caption(f":material/update: Since it was worked out: {', '.join(changed)}.")
    else:
        st.caption(f":material/check: {counted(turns, 'photograph')} in order.")
    left, right = st.columns([3, 1], vertical_alignment="bottom")
    known = left.selectbox(
        "Network that looks", [None, *networks], format_func=lambda one: one.title if one else "none: by their looks",
    )  # fmt: skip
    if right.button("Work it out", type="primary", icon=":material/low_priority:"):
        with ui.showing_errors():
            launch_ordering(project_id, who, known)
            st.switch_page(ui.page_file("jobs"))
