"""The cost of a sweep as its page has it set, with this machine's speed measured once per network."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st

from ftl.backbones.chain import Backbone, build
from ftl.backbones.preprocess import Preprocess
from ftl.backbones.registry import architecture
from ftl.pruning.budget import RATIOS, STEPS
from ftl.pruning.names import TUNED, parse_budgets
from ftl.scoring import criterion
from ftl.scoring.whole import check_scores
from ftl.tuning.budgets import MOST, TRIAL
from studio.jobs import backbones
from studio.jobs.estimate import TIMING_SECONDS, speed, sweep_seconds, training_seconds, tuning_seconds
from studio.jobs.tuning import network_names, tuning_of

_RUNTIMES_SECONDS = 25.0
"""A network's ONNX files, its ranges in 8-bit integers, and both times; measured with VGG16 pruned to 10 and 30 %."""

_SEARCHED = 0.1
"""As wide as networks within a budget are about."""


def estimate(project_id: int, settings: dict[str, Any], masks: int, images: int) -> float:
    """Seconds that a sweep will take here, about.

    Raises `FtlError` when its backbone cannot be read, or what is asked for cannot be had of it.
    """
    network, macs_per_second = _measured(project_id, settings.get("architecture"), settings.get("file"))
    tuning, budgets = tuning_of(settings), parse_budgets(settings.get("budgets", ()))
    tuning.check(network)
    check_scores(criterion(settings["criterion"]), network)
    spec, size = network.spec(), network.preprocess.size
    keep = [*(settings["keep"] or [0.5]), *(_SEARCHED for _ in budgets)]  # above average is about half

    def tuned(keep: Sequence[float], images: int, epochs: int) -> float:
        return tuning_seconds(spec, size, keep, images, epochs, macs_per_second)

    seconds = sweep_seconds(
        spec, size, keep, masks=masks, images=images, macs_per_second=macs_per_second, mode=settings["mode"]
    )
    if "epochs" in settings:
        seconds += training_seconds(spec, size, images, settings["epochs"], macs_per_second)
    if TUNED in tuning.also:
        again = settings.get("repeats", 0) * [max(keep)]
        whole = [1.0] if tuning.base else []
        seconds += tuned([*keep, *again, *whole], images, tuning.recipe.epochs)
    names = tuning.names(network_names(settings))
    seconds += TIMING_SECONDS * (len(names) - len(keep) - 1)  # of what is made beside linear heads
    seconds += _RUNTIMES_SECONDS * len(names) * (len(settings.get("runtimes", ())) > 1)
    seconds += TIMING_SECONDS * STEPS * len(RATIOS) * sum(one.unit == "ms" for one in budgets)
    return seconds + len(budgets) * len(RATIOS) * tuned([_SEARCHED], min(images, 2 * MOST), TRIAL.epochs)


@st.cache_resource(max_entries=8, show_spinner=False)
def _measured(project_id: int, name: str | None, file: str | None) -> tuple[Backbone, float]:
    # the speed does not depend on the weights, so a user's file is never loaded here
    if file is not None:
        told = backbones.description(project_id, file)
        network = Backbone(file, build(told["spec"]), Preprocess(told["kind"], told["size"]))
    else:
        network = Backbone(name or "", build(architecture(name or "").spec()), Preprocess("caffe", 224))
    return network, speed(network)
