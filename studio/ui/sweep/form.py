"""What the Sweep page asks beside network, classes and fractions; each part gives the settings that it stands for."""

from __future__ import annotations

from typing import Any

import streamlit as st

from ftl.evaluation.runtimes import TITLES
from ftl.models.layout import RECALIBRATED, TUNED
from ftl.pruning.criteria import CRITERIA
from ftl.pruning.selection import RULES
from ftl.pruning.settings import JOINTS, READS
from ftl.training.settings import Recipe


def ways() -> dict[str, Any]:
    """How filters are chosen, and how photographs are divided."""
    settings: dict[str, Any] = {}
    with st.expander("Criterion, rule, split"):
        left, middle, right = st.columns(3)
        settings["criterion"] = left.selectbox(
            "Criterion",
            list(CRITERIA),
            help="\n".join(f"- **{name}**: {one.summary}" for name, one in CRITERIA.items()),
        )
        settings["rule"] = middle.selectbox(
            "Rule",
            RULES,
            help="fraction: the best of each layer. above-average: those that score above their layer's "
            "mean. global: the best of all layers together.",
        )
        settings["mode"] = right.selectbox(
            "Mode",
            ["once"] if settings["rule"] == "global" else ["cascade", "once"],
            help="cascade ranks each layer on what the cut before it left, as the original; once ranks all in one pass",
        )
        settings["joint"] = left.selectbox(
            "Filters that go together",
            JOINTS,
            help="In networks with shortcuts or depthwise layers some filters can only be cut together. They count by "
            "the mean of their scores, or by the highest.",
        )
        settings["read"] = middle.selectbox(
            "Scored before or after they meet",
            READS,
            READS.index("after"),
            help="On the maps before an addition, a multiplication or a depthwise layer, or behind it.",
        )
        settings["round_to"] = right.selectbox(
            "Filters of a layer, in multiples of",
            [1, 2, 4, 8, 16],
            help="Rounded up. Some machines are quicker with multiples of 8; most small networks are not.",
        )
        settings["test_share"] = left.slider("Share set aside to report on", 0.1, 0.5, 0.25, 0.05)
        settings["seed"] = int(middle.number_input("Seed", 0, 2**31 - 1, 0))
        settings["repeats"] = int(
            right.number_input(
                "Repeats",
                0,
                20,
                0,
                help="The classifiers of the unpruned and the recommended network are trained so often again, each "
                "time with another seed and split: how much of a difference is chance.",
            )
        )
    return settings


def made() -> dict[str, Any]:
    """What is made of each pruned network, and in what it is timed."""
    settings: dict[str, Any] = {}
    st.markdown("**What is made of each pruned network**")
    st.caption("Always: a linear classifier on what the network sees as it was cut. It takes a minute or two.")
    left, right = st.columns(2)
    also = [RECALIBRATED] if left.checkbox(
        "Recalibrated", help="Its batch normalisations learn anew from your photographs; nothing is trained. For "
        "networks that have them.",
    ) else []  # fmt: skip
    if right.checkbox(
        "Fine-tuned", value=True, help="The network itself is trained on your photographs, with turned and mirrored "
        "copies. The best of the three, and the slowest to make.",
    ):  # fmt: skip
        also.append(TUNED)
        settings["tuning_epochs"] = left.slider("Epochs of fine-tuning, at most", 2, 60, Recipe().epochs)
        settings["distil"] = right.slider(
            "Learnt from the unpruned network", 0.0, 1.0, 0.0, 0.1,
            help="Besides your classes, a fine-tuned network can learn the unpruned one's answers: at 1, only those.",
        )  # fmt: skip
        settings["tune_base"] = right.checkbox(
            "Unpruned, too",
            help="Fine-tune the unpruned network as well, to compare with. It takes many times as long as all others.",
        )
    settings["also"] = also
    if st.checkbox(
        "Also time in ONNX Runtime, in float and in 8-bit integers",
        help="Makes ONNX files of all networks, and measures how accurate they are in 8-bit integers.",
    ):
        settings["runtimes"] = list(TITLES)
    return settings
