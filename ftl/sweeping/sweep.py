"""From masks and photographs to measured, pickable networks in one go, going on where a killed run stopped."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ftl.config import SweepConfig
from ftl.data.dataset import Dataset, LeftOut, load_dataset, photo_ids, split, without
from ftl.data.masks import MaskSet
from ftl.data.photo_names import photo_of
from ftl.data.segmentation import SegmentationSet
from ftl.device import Device, run_on
from ftl.errors import FtlError
from ftl.evaluation.candidate import Candidate
from ftl.evaluation.decision import Choice, Front, choose, pareto
from ftl.evaluation.runtimes import PYTORCH, check_runtimes
from ftl.evaluation.segmented_candidate import SegmentedCandidate
from ftl.files import alone, digest
from ftl.models.backbone import Backbone
from ftl.progress import Follow, Report, silent, unheard
from ftl.pruning.criteria import criterion as criterion_of
from ftl.pruning.network_criteria import bind, check_scores
from ftl.sweeping.budgets import make_budget_networks
from ftl.sweeping.evaluate import evaluate
from ftl.sweeping.local import Local
from ftl.sweeping.manifest import scored_in
from ftl.sweeping.mask_results import write_mask_results
from ftl.sweeping.networks import networks, segmenters
from ftl.sweeping.plan import Executor, Plan, compute
from ftl.sweeping.pruned import begin_sweep, lacking, make_networks
from ftl.sweeping.results import write_results
from ftl.sweeping.segmented import MaskParts, is_measured, part
from ftl.sweeping.tuned_networks import learnt_masks, write_masks


@dataclass(frozen=True)
class Sweep:
    """All candidates of one run, measured, the unpruned network among them.

    `left_out`: images of the test set that were seen before. `segmenters`: the networks that draw masks.
    """

    out: Path
    candidates: tuple[Candidate, ...]
    left_out: LeftOut
    segmenters: tuple[SegmentedCandidate, ...] = ()

    def pareto(self) -> Front:
        """The front of accuracy over time."""
        return pareto(self.candidates)

    def choose(self, preset: str | None = None) -> Choice:
        """The recommended network and what stands around it; `preset`: by decision score instead."""
        return choose(self.candidates, preset)


def sweep(
    backbone: Backbone,
    masks: MaskSet,
    config: SweepConfig = SweepConfig(),
    *,
    dataset: str | Path | Dataset | None = None,
    evaluation: str | Path | Dataset | None = None,
    segmentation: SegmentationSet | None = None,
    out: str | Path = "models",
    scheduler: str | None = None,
    time_on: str | None = None,
    store: str | None = None,
    device: Device = None,
    report: Report = silent,
    follow: Follow = unheard,
) -> Sweep:
    """Prune, extract, train, test and time a sweep; steps that are done in `out` are not done again.

    Without `evaluation`, a quarter of `dataset` (by photo where `config.photo` is given) is set aside as the test set
    first. What of the test set chose filters or is trained on, itself or by its photo, is left out of it.

    Args:
        dataset, evaluation: folders of classes, or what `load_dataset` gives; not needed with `config.only_masks`.
        segmentation: whole photographs with masks for networks that draw masks (`ftl.load_segmentation`), where
            `config.heads` has them. A fifth of them chooses thresholds and a fifth reports; the latter rank no filters.
        scheduler: of a Dask cluster that computes the sweep: an address or a scheduler's file. Filters, heads and
            figures are the same as in one process.
        time_on: the name of the cluster's worker that takes the times.
        store: an address for fsspec, as s3://bucket/folder, where workers fetch the files that they do not see.
        device: where networks run, here and on each of the cluster's workers (`ftl.device.run_on`).
        follow: hears how far each candidate is.

    Raises:
        FtlError: the data sets or the network do not fit the configuration, or `out` holds another sweep.
    """
    learn, judge = (None, None) if config.only_masks else _datasets(dataset, evaluation, config)
    if config.draws and segmentation is None:
        raise FtlError("networks that draw masks need photographs with masks: give them as segmentation")
    parts = part(segmentation, config.photo, config.seed) if config.draws and segmentation is not None else None
    if parts is not None:
        masks = _without_tested(masks, parts, config.photo)
    out, criterion, runtimes = Path(out), criterion_of(config.criterion), check_runtimes(config.runtimes)
    looks_at_network = criterion.looks_at == "network"
    if looks_at_network and config.only_masks:
        raise FtlError(f"{config.criterion} looks at labelled photographs as well: choose another criterion")
    config.check_network(backbone.name, backbone.has_norms)
    check_scores(criterion, backbone)
    with run_on(device), alone(out):
        begin_sweep(backbone, masks, out, config)
        left_out = LeftOut()
        if learn is not None and judge is not None:
            if lacking(out, config.fractions) or config.budgets:
                criterion = bind(criterion, backbone, learn, config.seed, config.photo)
            make_budget_networks(backbone, masks, learn, out, config, report, criterion)
            judge, left_out = without(judge, learn, config.photo, scored_in(out))
        if config.learns_masks and learn is not None:
            write_masks(out, backbone, masks)
            learnt_masks(out, learn)  # that none of the photographs has any is said now
        if looks_at_network:  # all its scores are known: nothing is left to share out
            make_networks(backbone, masks, out, config, report, criterion)
        plan = Plan(out, config, masks, learn, judge, parts, report, follow)

        def steps(executor: Executor) -> None:
            compute(plan, executor)
            classifiers = [] if config.only_masks else networks(out)
            if scheduler is None and judge is not None:
                planned = {*config.candidates()}
                for folder in classifiers:  # those of an earlier, longer list of keep fractions
                    if folder.name not in planned:
                        evaluate(folder, judge, report)
            if runtimes != [PYTORCH]:
                from ftl.exporting.prepared import prepare  # ONNX is not what every user needs
                from ftl.exporting.prepared_masks import prepare_masks

                prepare(classifiers, runtimes, report)
                if parts is not None:
                    prepare_masks(_drawing(out, parts), runtimes, parts.chosen_by, parts.tested_on, report)
            executor.measure_latency([*classifiers, *_drawing(out, parts)], runtimes)

        if scheduler is None:
            steps(Local(plan))
        else:
            from ftl.sweeping.dask import on_cluster  # a cluster is not what every user needs

            on_cluster(scheduler, plan, steps, time_on=time_on, store=store)
        drawing = tuple(write_mask_results(out, _drawing(out, parts)))
        candidates = () if config.only_masks else tuple(write_results(out, left_out))
        return Sweep(out, candidates, left_out, drawing)


def _drawing(out: Path, parts: MaskParts | None) -> list[Path]:
    """The networks that draw masks, less those of earlier runs that were not measured on the same photographs."""
    return [] if parts is None else [folder for folder in segmenters(out) if is_measured(folder, parts)]


def _datasets(
    dataset: str | Path | Dataset | None, evaluation: str | Path | Dataset | None, config: SweepConfig
) -> tuple[Dataset, Dataset]:
    """Images that classifiers are trained on, and those that they are tested with. Raises `FtlError`."""
    if dataset is None:
        raise FtlError("classifiers need photographs by class: give them as dataset, or set only_masks")
    learn = load_dataset(dataset, seed=config.seed) if not isinstance(dataset, Dataset) else dataset
    split(learn, seed=config.seed, photo=config.photo)  # what cannot be split is refused before anything is computed
    if evaluation is None:
        rest, aside = split(learn, seed=config.seed + 1, photo=config.photo)
        learn, judge = learn.take(rest), learn.take(aside)
    else:
        judge = load_dataset(evaluation, seed=config.seed) if not isinstance(evaluation, Dataset) else evaluation
    if judge.classes != learn.classes:
        raise FtlError(f"the sets have different classes: {', '.join(learn.classes)} and {', '.join(judge.classes)}")
    if config.positive is not None and config.positive not in learn.classes:
        raise FtlError(f"there is no class {config.positive!r} to look for: there are {', '.join(learn.classes)}")
    return learn, judge


def _without_tested(masks: MaskSet, parts: MaskParts, photo: str | None) -> MaskSet:
    """Masks that rank filters, less those of photographs that report of networks which draw masks."""
    tested = parts.tested_on
    contents = {image for image, _ in tested.digests}
    photos = {*photo_ids(tested.images, photo)} if photo else set()
    find = photo_of(photo) if photo else lambda stem: None
    left = tuple(
        example
        for example in masks.examples
        if digest(example.image_path) not in contents and find(example.image_path.stem) not in photos
    )
    if not left:
        raise FtlError("all masks that rank filters are of photographs that report: draw more")
    return MaskSet(left)
