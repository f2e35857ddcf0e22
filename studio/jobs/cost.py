"""What the parts of a sweep cost, in seconds, from its settings and the speed of this machine."""

from __future__ import annotations

from pathlib import Path

from ftl.evaluation.runtimes import IN_OPENVINO, check_runtimes
from ftl.models.backbone import Backbone, build
from ftl.models.layout import SEGMENTED, TUNED, UNPRUNED, candidate_name, folder_name, parse_budgets
from ftl.models.preprocess import Preprocess
from ftl.models.registry import architecture
from ftl.pruning.criteria import criterion
from ftl.pruning.network_criteria import check_scores
from ftl.sweeping.budgets import MOST, TRIAL
from ftl.sweeping.width_search import RATIOS, STEPS
from studio.jobs import backbones
from studio.jobs.estimate import (
    TIMING_SECONDS,
    Speeds,
    drawing_seconds,
    layout_seconds,
    linear_seconds,
    openvino_seconds,
    scoring_seconds,
    side_by_side,
    training_seconds,
    tuning_seconds,
)
from studio.jobs.meter import BACKBONE, EXPORT, KEEPING, LATENCY, LAYOUT, REPEATS, SCORING, SEARCH
from studio.jobs.request import SweepRequest

_EXPORT_SECONDS = 25.0
"""A network's ONNX files, its ranges in 8-bit integers, and both times; measured with VGG16 pruned to 10 and 30 %."""

_SEARCHED = 0.1
"""As wide as networks within a budget are about."""


def network_of(project_id: int, name: str | None, file: str | None) -> Backbone:
    """The network that a sweep prunes, or one of its shape: how long it takes does not depend on its weights.

    Raises `FtlError` when its file cannot be read.
    """
    if file is not None:
        description = backbones.description(project_id, file)  # costs depend on no weights: they are not read here
        return Backbone(
            Path(file).stem, build(description["spec"]), Preprocess(description["kind"], description["size"])
        )
    return Backbone(name or "", build(architecture(name or "").spec()), Preprocess("caffe", 224))


def parts(network: Backbone, speeds: Speeds, request: SweepRequest, masks: int, images: int) -> dict[str, float]:
    """Seconds of each part of a sweep, in the order in which they are done.

    Args:
        speeds: MACs per second, as `studio.jobs.estimate` measures them.
        request: of the job.
        masks, images: how many photographs choose filters, and how many train and report.

    Raises `FtlError` when what is asked for cannot be had of the network.
    """
    config = request.sweep
    budgets = parse_budgets(config.budgets)
    config.check_network(network.name, network.has_norms)
    check_scores(criterion(config.criterion), network)
    spec, size, speed = network.spec(), network.preprocess.size, speeds.pytorch
    widths = {UNPRUNED: 1.0} | {
        folder_name(keep): keep or 0.5 for keep in config.fractions
    }  # above average is about half
    widths |= {budget.name: _SEARCHED for budget in budgets}
    pruned = [width for name, width in widths.items() if name != UNPRUNED]

    def tuned(keep: float, alone: bool = False) -> float:
        return tuning_seconds(spec, size, keep, images, config.fine_tune.epochs, speeds, alone=alone)

    trained = side_by_side({name: tuned(widths[name]) for name in config.networks if TUNED in config.heads_of(name)})
    found = {LAYOUT: layout_seconds(images)}
    if request.source == "scratch":
        found[BACKBONE] = (
            drawing_seconds(spec, size, 1.0, config.segment.shortened, speed)
            if config.only_masks
            else training_seconds(spec, size, images, request.epochs, speed)
        )
    if budgets:
        shown = min(images, 2 * MOST)
        tried = tuning_seconds(spec, size, _SEARCHED, shown, TRIAL.epochs, speeds, alone=True)
        timed = TIMING_SECONDS * STEPS * len(RATIOS) * sum(budget.unit == "ms" for budget in budgets)
        found[SEARCH] = timed + len(budgets) * len(RATIOS) * tried
    found[SCORING] = scoring_seconds(spec, size, pruned, masks=masks, speed=speed, mode=config.mode)
    for name in config.networks:
        for head in config.heads_of(name):
            own = candidate_name(name, head)
            if head == SEGMENTED:
                found[own] = drawing_seconds(spec, size, widths[name], config.segment, speed)
                continue
            looked = linear_seconds(spec, size, widths[name], images=images, speeds=speeds, is_unpruned=own == UNPRUNED)
            found[own] = trained[name] + looked / 4 if head == TUNED else looked
    count, runtimes = len(config.candidates()), check_runtimes(config.runtimes)
    if len(runtimes) > 1:
        candidates = [widths[name] for name in config.networks for _ in config.heads_of(name)]
        each = sum(openvino_seconds(spec, size, keep, images=images, speeds=speeds) for keep in candidates)
        found[EXPORT] = _EXPORT_SECONDS * count + each * sum(runtime in IN_OPENVINO for runtime in runtimes)
    found[LATENCY] = TIMING_SECONDS * count
    if repeats := request.repeats:
        again = tuned(max(pruned), alone=True) if TUNED in config.heads else 0.0
        found[REPEATS] = repeats * (2 * TIMING_SECONDS + again)
    return found | {KEEPING: 1.0}
