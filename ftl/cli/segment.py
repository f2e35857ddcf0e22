"""`ftl segment`: networks that draw masks, made and measured in one go."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ftl.cli.inputs import backbone_of

if TYPE_CHECKING:
    from ftl.config import SweepConfig
    from ftl.progress import Bar


def segment(options: argparse.Namespace, bar: Bar) -> None:
    """`ftl segment`."""
    import numpy as np

    from ftl.cli.options import config_of
    from ftl.config import SweepConfig
    from ftl.data.segmentation import check_classes, load_segmentation, split_photos, without_photos
    from ftl.errors import FtlError
    from ftl.evaluation.runtimes import PYTORCH, check_runtimes
    from ftl.files import alone, read_json
    from ftl.latency.networks import time_all
    from ftl.models.layout import UNPRUNED, VALIDATION
    from ftl.pruning.criteria import criterion
    from ftl.sweeping.pruned import begin_sweep, make_networks
    from ftl.sweeping.segmented import MaskParts, make_segmenter, measure_segmenter
    from ftl.training.segmenters import VALIDATED_BY

    config = config_of(options, SweepConfig)
    if (options.backbone is None) == (options.source is None):
        raise FtlError("give either a BACKBONE or, with --from, a network that draws masks")
    runtimes = check_runtimes(config.runtimes)
    if (options.test_images is None) != (options.test_masks is None):
        raise FtlError("--test-images and --test-masks go together")
    if options.source is not None:
        _further(options, config, bar)
        return
    if criterion(config.criterion).looks_at == "network":
        raise FtlError(f"{config.criterion} looks at labelled photographs as well: choose another criterion")
    backbone = backbone_of(options)
    data = load_segmentation(options.images, options.masks, classes=options.classes, report=bar)
    train, held_out = split_photos(data, config.photo, config.seed, VALIDATED_BY)
    parts = MaskParts(data, train, held_out, np.array([], np.int64))
    test = None
    if options.test_images is not None:
        given = load_segmentation(options.test_images, options.test_masks, report=bar)
        check_classes(given, data.classes)
        test = without_photos(given, data.names(), config.photo)
    with alone(options.out):
        begin_sweep(backbone, masks := data.scoring_masks(backbone.preprocess.size), options.out, config)
        networks = make_networks(backbone, masks, options.out, config, bar)
        if config.fine_tune_unpruned:
            networks.insert(0, options.out / UNPRUNED)
        made = []
        for folder in networks:
            made.append(make_segmenter(folder, parts, config.segment, seed=config.seed, photo=config.photo, report=bar))
            if test is not None:
                measure_segmenter(made[-1], test, bar)
        if runtimes != [PYTORCH]:
            from ftl.exporting.prepared_masks import prepare_masks

            prepare_masks(made, runtimes, data.take(held_out), test, bar)
        time_all(made, config.threads, bar, runtimes=runtimes)
    for folder in made:
        figures = read_json(folder / VALIDATION) if test is None else measure_segmenter(folder, test)
        side = "validation" if test is None else "test"
        print(f"{folder}: {_sentence(figures, side)}")
        print(f"  {_cost(folder)}")
        for runtime in runtimes[1:]:
            print(f"  {_elsewhere(folder, runtime, side)}")


def _elsewhere(folder: Path, runtime: str, side: str) -> str:
    from ftl.evaluation.runtimes import FIGURES, TIMES, TITLES
    from ftl.files import read_json
    from ftl.formatting import fixed, milliseconds

    figures, time = read_json(folder / FIGURES[runtime])[side], read_json(folder / TIMES[runtime])
    interval = f"{fixed(figures['f1_low'], 3)} to {fixed(figures['f1_high'], 3)}"
    return (
        f"{TITLES[runtime]}: F1 {fixed(figures['f1'], 3)} ({interval}), {milliseconds(time['median_ms'])} a megapixel"
    )


def _further(options: argparse.Namespace, config: SweepConfig, bar: Bar) -> None:
    """`ftl segment --from`."""
    from ftl.data.segmentation import check_classes, load_segmentation, without_photos
    from ftl.errors import FtlError
    from ftl.files import alone, read_json
    from ftl.latency.networks import time_all
    from ftl.models.layout import BEFORE, TEST, VALIDATION
    from ftl.sweeping.further import begin_further, measure_further, train_further
    from ftl.sweeping.mask_results import write_mask_results
    from ftl.sweeping.segmented import roles_of

    source: Path = options.source
    if given := config.model_fields_set - {"photo", "threads"}:
        raise FtlError(f"{source} is trained further with the settings that it has: leave {', '.join(given)} out")
    data = load_segmentation(options.images, options.masks, classes=options.classes, report=bar)
    with alone(options.out):
        begin_further(source, options.out)
        photo = config.photo or read_json(source / VALIDATION).get("photo")
        made, parts = train_further(source, options.out, data, photo, report=bar)
        test = parts.tested_on if len(parts.test) else None
        if options.test_images is not None:
            test = load_segmentation(options.test_images, options.test_masks, report=bar)
            check_classes(test, data.classes)
            before = roles_of(source)
            test = without_photos(test, [*data.names(), *before.train, *before.held_out], photo)
        if test is not None:
            measure_further(source, made, test, str(source), bar)
        time_all([made], config.threads, bar)
        if test is not None:
            write_mask_results(options.out, [made])
    if test is None:
        print(f"{made}: {_sentence(read_json(made / VALIDATION), 'validation')}")
    else:
        print(f"{made}: {_sentence(read_json(made / TEST), 'test')}")
        print(f"  {source}, before: {_sentence(read_json(made / BEFORE), 'test')}")
    print(f"  {_cost(made)}")


def _sentence(figures: Mapping[str, Any], kind: str) -> str:
    from ftl.formatting import counted, fixed

    shown = {"F1": "f1", "IoU": "iou", "F1 within 2 pixels": "tolerant_f1", "clDice": "cl_dice"}
    parts = [
        f"{title} {fixed(figures[key], 3)} ({fixed(figures[f'{key}_low'], 3)} to {fixed(figures[f'{key}_high'], 3)})"
        for title, key in shown.items()
    ]
    parts.append(f"average precision {fixed(figures['average_precision'], 3)}")
    return f"{', '.join(parts)}; of {counted(figures['photographs'], f'{kind} photograph')}"


def _cost(folder: Path) -> str:
    from ftl.files import read_json
    from ftl.formatting import count, fixed, milliseconds
    from ftl.models.layout import TIME
    from ftl.models.segmenter_files import load_segmenter

    model = load_segmenter(folder)
    return (
        f"{count(model.parameters_count())} parameters, {milliseconds(read_json(folder / TIME)['median_ms'])} a "
        f"megapixel, threshold {fixed(model.threshold, 2)}"
    )
