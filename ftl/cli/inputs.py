"""What several commands read: a backbone, masks, a configuration, and where a workspace has its folders."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ftl.config import PruneConfig, SweepConfig
    from ftl.data.masks import MaskSet
    from ftl.models.backbone import Backbone
    from ftl.progress import Bar


PLACES = {"images": "Images", "masks": "Segmented", "dataset": "dataset", "evaluation": "evaluation", "out": "models"}


def backbone_of(options: argparse.Namespace) -> Backbone:
    """The backbone that is named, or the one file in the workspace's `backbones`."""
    from ftl.errors import FtlError
    from ftl.models.io import load_backbone

    if options.backbone is None:
        folder = options.workspace / "backbones"
        found = sorted(path for path in folder.glob("*") if path.is_file() and path.suffix != ".txt")
        if len(found) != 1:
            names = ", ".join(path.name for path in found) or "none"
            raise FtlError(f"name a backbone, or put one file into {folder}: it holds {names}")
        options.backbone = found[0]
    return load_backbone(options.backbone, weights=options.weights, preprocess=options.preprocess)


def masks_of(
    options: argparse.Namespace, config: PruneConfig, size: int, images: Path, masks: Path, bar: Bar
) -> MaskSet:
    """The masks of two folders, as the options have them read."""
    from ftl.data.masks import load_masks

    return load_masks(
        images,
        masks,
        classes=options.classes,
        mask_class=options.mask_class,
        size=size,
        wrap=config.faithful,
        report=bar,
    )


def sweep_config_of(options: argparse.Namespace) -> SweepConfig:
    """The configuration that the options ask for; its keep fractions may also be given as PERCENT, all by default."""
    from ftl.cli.options import config_of
    from ftl.config import SweepConfig
    from ftl.errors import FtlError
    from ftl.sweeping.pruned import fractions_up_to

    config = config_of(options, SweepConfig)
    if "keep" in config.model_fields_set and options.percent is not None:
        raise FtlError("give either PERCENT or --keep, not both")
    if "keep" in config.model_fields_set or config.rule == "above-average":
        return config
    return config.but(keep=fractions_up_to(100 if options.percent is None else options.percent))
