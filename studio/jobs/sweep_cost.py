"""The cost of a sweep as its page has it set, with this machine's speed measured once per network."""

from __future__ import annotations

from typing import Any

import streamlit as st

from ftl.backbones.chain import Backbone, build
from ftl.backbones.load import load_backbone
from ftl.backbones.preprocess import Preprocess
from ftl.backbones.registry import architecture
from ftl.pruning.budget import RATIOS
from ftl.pruning.names import TUNED, parse_budgets
from ftl.scoring import criterion
from ftl.scoring.whole import check_scores
from ftl.tuning.budgets import MOST, TRIAL
from studio.jobs import backbones
from studio.jobs.estimate import speed, sweep_seconds, training_seconds, tuning_seconds
from studio.jobs.tuning import tuning_of


def estimate(project_id: int, settings: dict[str, Any], masks: int, images: int) -> float:
    """Seconds that a sweep will take here, about.

    Raises `FtlError` when its backbone cannot be read, or what is asked for cannot be had of it.
    """
    network, macs_per_second = _measured(project_id, settings.get("architecture"), settings.get("file"))
    spec, size = network.spec(), network.preprocess.size
    keep = settings["keep"] or [0.5]  # above average is about half
    seconds = sweep_seconds(
        spec, size, keep, masks=masks, images=images, macs_per_second=macs_per_second, mode=settings["mode"]
    )
    if "epochs" in settings:
        seconds += training_seconds(spec, size, images, settings["epochs"], macs_per_second)
    tuning = tuning_of(settings)
    tuning.check(network)
    check_scores(criterion(settings["criterion"]), network)
    if TUNED in tuning.also:
        seconds += tuning_seconds(
            spec, size, [*keep, *([1.0] if tuning.base else [])], images, tuning.recipe.epochs, macs_per_second
        )
    trials = len(parse_budgets(settings.get("budgets", ()))) * len(RATIOS)
    return seconds + trials * tuning_seconds(spec, size, [0.1], min(images, 2 * MOST), TRIAL.epochs, macs_per_second)


@st.cache_resource(max_entries=8, show_spinner=False)
def _measured(project_id: int, name: str | None, file: str | None) -> tuple[Backbone, float]:
    if file is not None:
        network = load_backbone(backbones.file_of(project_id, file))
    else:  # the speed does not depend on the weights
        network = Backbone(name or "", build(architecture(name or "").spec()), Preprocess("caffe", 224))
    return network, speed(network)
