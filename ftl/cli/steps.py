"""The steps of a sweep, one function a command: prune, compare, extract, train, test."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from ftl.cli.inputs import backbone_of, keep_of, masks_of
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
    from ftl.pruning.settings import How
    from ftl.sweeping.pruned import begin_sweep, make_networks

    keep = keep_of(options)
    if criterion(options.criterion).looks_at == "network":
        raise FtlError(f"{options.criterion} looks at labelled photographs as well: prune with ftl run")
    backbone = backbone_of(options)
    size = backbone.preprocess.size
    masks = masks_of(options, size, options.images, options.masks, bar)
    if (options.union_images is None) != (options.union_masks is None):
        raise FtlError("--union-images and --union-masks go together")
    if options.union_images is not None:
        masks += load_masks(
            options.union_images,
            options.union_masks,
            mask_class=options.mask_class,
            size=size,
            wrap=options.faithful,
            group="union",
            report=bar,
        )
    how = How(
        criterion(options.criterion), options.rule, options.seed, options.faithful, options.joint, options.read,
        options.round_to,
    )  # fmt: skip
    with alone(options.out):
        fractions = begin_sweep(backbone, masks, options.out, keep, how, options.mode)
        made = make_networks(backbone, masks, options.out, fractions, how, options.mode, bar)
    for folder in made:
        network = read_description(folder)
        ties = len(network["tied_layers"])
        note = f"; in {ties} of {len(network['layers'])} layers equal scores decided" if ties else ""
        print(f"{folder}: {network['parameters']:,} parameters, {network['macs']:,} multiply-adds{note}")


def compare(options: argparse.Namespace, bar: Bar) -> None:
    """`ftl compare`."""
    from ftl.sweeping.compare import compare_sweeps, table

    print(table(compare_sweeps(options.out, options.other)), end="")


def extract(options: argparse.Namespace, bar: Bar) -> None:
    """`ftl extract`."""
    from ftl.data.dataset import load_dataset
    from ftl.files import alone
    from ftl.sweeping.pruned import networks
    from ftl.training.features import extract as extract_one

    folders = networks(options.out, made=False)
    dataset = load_dataset(options.dataset, per_class=options.per_class, seed=options.seed, report=bar)
    with alone(options.out):
        for folder in folders:
            print(extract_one(folder, dataset, bar))


def train(options: argparse.Namespace, bar: Bar) -> None:
    """`ftl train`."""
    from ftl.cli.options import tuning_of
    from ftl.files import alone, read_json
    from ftl.formatting import number
    from ftl.models.classifier import read_head
    from ftl.models.io import load_backbone
    from ftl.models.layout import FEATURES, HEAD, VALIDATION
    from ftl.sweeping.heads import train_all
    from ftl.sweeping.pruned import networks
    from ftl.training.features import read_features

    folders, tuning = networks(options.out, made=False), tuning_of(options)
    tuning.check(load_backbone(folders[0]))
    _, dataset = read_features(folders[0] / FEATURES)
    with alone(options.out):
        train_all(
            folders, dataset, tuning=tuning, seed=options.seed, photo=options.photo, positive=options.positive,
            report=bar,
        )  # fmt: skip
    for name in tuning.names(folder.name for folder in folders):
        folder = options.out / name
        validation, head = read_json(folder / VALIDATION), read_head(folder / HEAD)
        fitted = f"C = {number(head.c)}" if head.c is not None else "fine-tuned"
        right = f"{100 * validation['accuracy']:.1f} % of {validation['images']} held-out images right"
        print(f"{folder}: {fitted}, {right}")


def test(options: argparse.Namespace, bar: Bar) -> None:
    """`ftl test`."""
    from ftl.data.dataset import load_dataset
    from ftl.evaluation.decision import choose
    from ftl.evaluation.runtimes import PYTORCH, check_runtimes
    from ftl.files import alone
    from ftl.latency.networks import time_all
    from ftl.sweeping.evaluate import apart, evaluate
    from ftl.sweeping.pruned import networks

    folders, runtimes = networks(options.out), check_runtimes(options.runtimes)
    evaluation, left_out = apart(folders[0], load_dataset(options.evaluation, report=bar), options.photo)
    with alone(options.out):
        for folder in folders:
            evaluate(folder, evaluation, bar)
        if runtimes != [PYTORCH]:
            from ftl.exporting.prepared import prepare

            prepare(folders, runtimes, bar)
        time_all(folders, options.threads, bar, runtimes=runtimes, again=True)
    print_results(options.out, left_out, choose)
