"""Commands that do everything in one go, one function a command: run, criteria, demo, backbone train."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from ftl.cli.inputs import PLACES, backbone_of, masks_of, sweep_config_of
from ftl.cli.outcome import chooser_of, print_mask_results, print_results, warn_of

if TYPE_CHECKING:
    from ftl.progress import Bar


def run(options: argparse.Namespace, bar: Bar) -> None:
    """`ftl run`."""
    from ftl.data.dataset import load_dataset
    from ftl.data.segmentation import load_segmentation
    from ftl.reporting.write import write_report
    from ftl.sweeping.sweep import sweep

    config, choose = sweep_config_of(options), chooser_of(options)  # an unknown preset is refused now, not after hours
    place = {name: getattr(options, name) or options.workspace / folder for name, folder in PLACES.items()}
    backbone = backbone_of(options)
    masks = masks_of(options, config, backbone.preprocess.size, place["images"], place["masks"], bar)
    done = sweep(
        backbone,
        masks,
        config,
        dataset=None
        if config.only_masks
        else load_dataset(place["dataset"], per_class=options.per_class, seed=config.seed, report=bar),
        evaluation=None if config.only_masks else place["evaluation"],
        segmentation=load_segmentation(place["images"], place["masks"], classes=options.classes, report=bar)
        if config.draws
        else None,
        out=place["out"],
        scheduler=options.scheduler,
        time_on=options.time_on,
        store=options.store,
        report=bar,
    )
    if done.segmenters:
        print_mask_results(done.segmenters)
    if not config.only_masks:
        print_results(done.out, done.left_out, choose)
        choice = choose(done.candidates)
        print(f"recommended: {choice.pick.name}" if choice.pick else choice.reason)
    print(f"report: {write_report(done.out, choose, repeats=options.repeats, report=bar)}")


def criteria(options: argparse.Namespace, bar: Bar) -> None:
    """`ftl criteria`."""
    from ftl.cli.options import config_of
    from ftl.config import SweepConfig
    from ftl.data.dataset import load_dataset, without
    from ftl.data.masks import load_masks
    from ftl.errors import FtlError
    from ftl.formatting import exact
    from ftl.models.layout import LINEAR, TUNED
    from ftl.pruning.criteria import CRITERIA
    from ftl.pruning.network_criteria import unscaled
    from ftl.sweeping.criteria_study import Sets, contest, criteria_ways, table
    from ftl.sweeping.few_labels import study, write_study
    from ftl.sweeping.few_labels import table as few_table
    from ftl.sweeping.manifest import backbone_digest, scored_by

    config = config_of(options, SweepConfig)
    if wrong := [head for head in options.heads if head not in (LINEAR, TUNED)]:
        raise FtlError(f"there is no head {wrong[0]!r} to compare with: choose linear or tuned")
    if len(options.heads) > 1 and not options.labels:
        raise FtlError("several heads are compared with few labels: give --labels, or one head")
    if unfit := [share for share in options.macs if not 0 < share < 1]:
        raise FtlError(f"shares of the MACs go from 0 to 1, not {exact(unfit[0])}")
    backbone, place = backbone_of(options), {name: options.workspace / folder for name, folder in PLACES.items()}
    masks = load_masks(
        place["images"], place["masks"], classes=options.classes, mask_class=options.mask_class,
        size=backbone.preprocess.size, report=bar,
    )  # fmt: skip
    learn = load_dataset(place["dataset"], per_class=options.per_class, seed=config.seed, report=bar)
    given = load_dataset(place["evaluation"], report=bar)
    judge, left_out = without(given, learn, config.photo, scored_by(masks))
    sets = Sets(learn, judge, options.heads[0], config.fine_tune, config.photo, left_out, masks)
    names = options.criteria or [name for name in CRITERIA if name != "bn_scale" or not unscaled(backbone)]
    ways = criteria_ways(backbone, masks, names, config, config.photo)
    against = "random" if "random" in names else names[0]
    file = options.out or options.workspace / "criteria.json"
    made_from = {
        "backbone_sha256": backbone_digest(backbone),
        "masks_sha256": masks.digest(),
        "mode": config.mode,
    } | sets.description()
    if options.labels:
        made_from |= {"head": "of each", "photographs": "drawn"}
        few = study(
            ways, sets, heads=options.heads, shares=options.macs, labels=options.labels, seeds=options.repeats,
            file=file, made_from=made_from, report=bar,
        )  # fmt: skip
        write_study(few, against, file)
        said = few_table(few, against)
    else:
        said = table(contest(ways, options.macs, options.repeats, sets, file, made_from, report=bar), against)
    warn_of(left_out)
    print(said, end="")


def demo(options: argparse.Namespace, bar: Bar) -> None:
    """`ftl demo`."""
    from ftl.data.demo import make_demo

    made = make_demo(
        options.folder, masks=options.masks, train=options.train, test=options.test, seed=options.seed, report=bar
    )
    print(made)


def backbone(options: argparse.Namespace, bar: Bar) -> None:
    """`ftl backbone train`."""
    from ftl.cli.options import config_of
    from ftl.config import SweepConfig
    from ftl.data.dataset import load_dataset
    from ftl.files import versions
    from ftl.models.io import save_backbone
    from ftl.training.pretrain import train_backbone

    config = config_of(options, SweepConfig)
    dataset = load_dataset(options.dataset, per_class=options.per_class, seed=config.seed, report=bar)
    trained = train_backbone(
        options.name, dataset, epochs=options.epochs, seed=config.seed, photo=config.photo, report=bar
    )
    out = options.out or Path(f"{options.name}.safetensors")
    made_with = {
        "dataset_sha256": dataset.digest(),
        "images": len(dataset),
        "epochs": options.epochs,
        "seed": config.seed,
        "photo": config.photo,
        "validation_accuracy": trained.validation_accuracy,
        "versions": versions(),
    }
    network = trained.backbone
    save_backbone(network.features, out, name=options.name, preprocess=network.preprocess.kind, made_with=made_with)
    print(f"{out}: {100 * max(trained.validation_accuracy):.1f} % of the held-out images right while training")
