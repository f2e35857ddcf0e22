"""What the Sweep page asks beside network, classes and keep fractions."""

from __future__ import annotations

from typing import Any

import streamlit as st

from ftl.config import FineTuneConfig, SegmentConfig, SweepConfig
from ftl.evaluation.runtimes import OPENVINO, runtimes_here
from ftl.models.layout import RECALIBRATED, SEGMENTED, TUNED
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


def candidates(*, only_masks: bool) -> dict[str, Any]:
    """What is made of each pruned network, and in which runtimes its latency is measured: settings of the sweep.

    `only_masks`: there are no image classes, so nothing can be classified.
    """
    st.markdown("**What is made of each pruned network**")
    if only_masks:
        st.caption("A network that draws masks. Choose two image classes above to make classifiers as well.")
        return {"heads": [SEGMENTED], "only_masks": True, "segment": _segment()} | _runtimes()
    st.caption("Always a linear head: a linear classifier on the features of the network as it was cut.")
    left, middle, right = st.columns(3)
    heads, settings = [], dict[str, Any]()
    if left.checkbox(
        "BN-recalibrated",
        help="Recompute the statistics of its batch normalisation on your photographs; no weight is trained. Only for "
        "networks that have batch normalisation.",
    ):
        heads.append(RECALIBRATED)
    if middle.checkbox(
        "Fine-tuned", value=True,
        help="Train the network itself on your photographs, with turned and mirrored copies. The best of the three, "
        "and the slowest to make.",
    ):  # fmt: skip
        heads.append(TUNED)
        with st.expander("Fine-tuning"):
            columns = st.columns(3)
            settings["fine_tune"] = group(columns, FineTuneConfig, "Fine-tuning")
            settings |= group(columns, SweepConfig, "Fine-tuning")
    if right.checkbox(
        "Draws masks",
        help="Train the network to draw masks itself, on the photographs that you drew on: it then proposes masks of "
        "others. A fifth of those photographs chooses its threshold, and a fifth reports how well it draws.",
    ):
        heads.append(SEGMENTED)
        settings["segment"] = _segment()
    return settings | {"heads": heads} | _runtimes()


def _runtimes() -> dict[str, Any]:
    here = runtimes_here()
    programs = "ONNX Runtime and OpenVINO" if OPENVINO in here else "ONNX Runtime"
    asked = st.checkbox(
        f"Also measure in {programs}, in float and in 8-bit integers",
        help="Makes ONNX files of all networks, and measures how fast and how accurate they are in each runtime.",
    )
    return {"runtimes": here} if asked else {}


def _segment() -> dict[str, Any]:
    with st.expander("Drawing masks"):
        return group(st.columns(3), SegmentConfig, "Drawing masks")
