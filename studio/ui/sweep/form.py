"""What the Sweep page asks beside network, classes and keep fractions."""

from __future__ import annotations

from typing import Any

import streamlit as st

from ftl.config import FineTuneConfig, SweepConfig
from ftl.evaluation.runtimes import TITLES
from ftl.models.layout import RECALIBRATED, TUNED
from ftl.pruning.criteria import CRITERIA
from studio.jobs.request import SweepRequest
from studio.ui.sweep.fields import group


def filters_and_data() -> tuple[dict[str, Any], dict[str, Any]]:
    """How filters are chosen and photographs divided: settings of the sweep, and of its request."""
    with st.expander("Filters and data"):
        columns = st.columns(3)
        sweep = group(columns, SweepConfig, "Filters", criterion=list(CRITERIA))
        st.caption("  \n".join(f"**{name}**: {criterion.summary}" for name, criterion in CRITERIA.items()))
        columns = st.columns(3)
        sweep |= group(columns, SweepConfig, "Data")
        return sweep, group(columns[1:], SweepRequest, "Data")


def candidates() -> dict[str, Any]:
    """What is made of each pruned network, and in which runtimes its latency is measured: settings of the sweep."""
    st.markdown("**What is made of each pruned network**")
    st.caption("Always a linear head: a linear classifier on the features of the network as it was cut.")
    left, right = st.columns(2)
    heads, settings = [], dict[str, Any]()
    if left.checkbox(
        "BN-recalibrated",
        help="Recompute the statistics of its batch normalisation on your photographs; no weight is trained. Only for "
        "networks that have batch normalisation.",
    ):
        heads.append(RECALIBRATED)
    if right.checkbox(
        "Fine-tuned", value=True,
        help="Train the network itself on your photographs, with turned and mirrored copies. The best of the three, "
        "and the slowest to make.",
    ):  # fmt: skip
        heads.append(TUNED)
        with st.expander("Fine-tuning"):
            columns = st.columns(3)
            settings["fine_tune"] = group(columns, FineTuneConfig, "Fine-tuning")
            settings |= group(columns, SweepConfig, "Fine-tuning")
    if st.checkbox(
        "Also measure in ONNX Runtime, in float and in 8-bit integers",
        help="Makes ONNX files of all networks, and measures how accurate they are in 8-bit integers.",
    ):
        settings["runtimes"] = list(TITLES)
    return settings | {"heads": heads}
