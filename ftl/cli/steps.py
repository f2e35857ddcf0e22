"""The steps of a sweep, one function a command: prune, compare, extract, train, test."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from ftl.cli.inputs import backbone_of, masks_of, sweep_config_of
from ftl.cli.outcome import print_results

if TYPE_CHECKING:
    from ftl.progress import Bar


def prune(options: argparse.Namespace, bar: Bar) -> None:
    """`ftl prune`."""
    from ftl.data.masks import load_masks
    from ftl.errors import FtlError
    from ftl.files import alone
    from ftl.models.network_folder import read_description
    from ftl.pruning.criteria import criterion
    from ftl.sweeping.pruned import begin_sweep, make_networks

    config = sweep_config_of(options)
    if criterion(config.criterion).looks_at == "network":
        raise FtlError(f"{config.criterion} looks at labelled photographs as well: prune with ftl run")
    backbone = backbone_of(options)
    size = backbone.preprocess.size
    masks = masks_of(options, config, size, options.images, options.masks, bar)
    if (options.union_images is None) != (options.union_masks is None):
        raise FtlError("--union-images and --union-masks go together")
    if options.union_images is not None:
        masks += load_masks(
            options.union_images,
            options.union_masks,
            mask_class=options.mask_class,
            size=size,
            wrap=config.faithful,
            group="union",
            report=bar,
        )
    with alone(options.out):
        begin_sweep(backbone, masks, options.out, config)
        made = make_networks(backbone, masks, options.out, config, bar)
    for folder in made:
        network = read_description(folder)
        equal = len(network["equal_scores"])
        note = f"; in {equal} of {len(network['layers'])} layers equal scores decided" if equal else ""
        print(f"{folder}: {network['parameters']:,} parameters, {network['macs']:,} MACs{note}")


def compare(options: argparse.Namespace, bar: Bar) -> None:
    """`ftl compare`."""
    from ftl.sweeping.compare import compare_sweeps, table

    print(table(compare_sweeps(options.out, options.other)), end="")


def extract(options: argparse.Namespace, bar: Bar) -> None:
    """`ftl extract`."""
    from ftl.cli.options import config_of
    from ftl.config import SweepConfig
    from ftl.data.dataset import load_dataset
    from ftl.files import alone
    from ftl.sweeping.manifest import engine_of, engines_of
    from ftl.sweeping.networks import networks
    from ftl.training.features import extract as extract_one

    folders, seed = networks(options.out, derived=False), config_of(options, SweepConfig).seed
    dataset = load_dataset(options.dataset, per_class=options.per_class, seed=seed, report=bar)
    with alone(options.out):
        engines = engines_of(options.out, len(dataset))
        for folder in folders:
            print(extract_one(folder, dataset, bar, engine=engine_of(folder, len(dataset), engines)))


def train(options: argparse.Namespace, bar: Bar) -> None:
    """`ftl train`."""
    from ftl.cli.options import config_of
    from ftl.config import SweepConfig
    from ftl.files import alone, read_json
    from ftl.formatting import number
    from ftl.models.classifier import read_head
    from ftl.models.io import load_backbone
    from ftl.models.layout import FEATURES, HEAD, VALIDATION
    from ftl.sweeping.heads import fit_candidate
    from ftl.sweeping.manifest import engines_of
    from ftl.sweeping.networks import networks
    from ftl.training.features import read_images

    folders, config = networks(options.out, derived=False), config_of(options, SweepConfig)
    unpruned = load_backbone(folders[0])
    config.check_network(unpruned.name, unpruned.has_norms)
    dataset = read_images(folders[0] / FEATURES)
    with alone(options.out):
        engines = engines_of(options.out, len(dataset))
        for folder in folders:
            for kind in config.heads_of(folder.name):
                made = fit_candidate(folder, kind, config, dataset, dataset.paths, report=bar, engines=engines)
                bar.close()
                validation, head = read_json(made / VALIDATION), read_head(made / HEAD)
                fitted = f"C = {number(head.c)}" if head.c is not None else "fine-tuned"
                right = f"{100 * validation['accuracy']:.1f} % of {validation['images']} validation images right"
                print(f"{made}: {fitted}, {right}")


def test(options: argparse.Namespace, bar: Bar) -> None:
    """`ftl test`."""
    from ftl.cli.options import config_of
    from ftl.config import SweepConfig
    from ftl.data.dataset import load_dataset
    from ftl.evaluation.decision import choose
    from ftl.evaluation.runtimes import PYTORCH, check_runtimes
    from ftl.files import alone
    from ftl.latency.networks import time_all
    from ftl.sweeping.evaluate import apart, evaluate
    from ftl.sweeping.manifest import engines_of
    from ftl.sweeping.networks import networks

    folders, config = networks(options.out), config_of(options, SweepConfig)
    runtimes = check_runtimes(config.runtimes)
    evaluation, left_out = apart(folders[0], load_dataset(options.evaluation, report=bar), config.photo)
    with alone(options.out):
        engines = engines_of(options.out, len(evaluation))
        for folder in folders:
            evaluate(folder, evaluation, bar, engines=engines)
        if runtimes != [PYTORCH]:
            from ftl.exporting.prepared import prepare

            prepare(folders, runtimes, bar)
        time_all(folders, config.threads, bar, runtimes=runtimes, again=True)
    print_results(options.out, left_out, choose)
