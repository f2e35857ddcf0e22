"""What several commands read: a backbone, masks, keep fractions, and where a workspace has its folders."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
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


def masks_of(options: argparse.Namespace, size: int, images: Path, masks: Path, bar: Bar) -> MaskSet:
    """The masks of two folders, as the options have them read."""
    from ftl.data.masks import load_masks

    return load_masks(
        images,
        masks,
        classes=options.classes,
        mask_class=options.mask_class,
        size=size,
        wrap=options.faithful,
        report=bar,
    )


def keep_of(options: argparse.Namespace) -> list[float]:
    """The keep fractions that are asked for; none for a rule that needs none."""
    from ftl.errors import FtlError
    from ftl.sweeping.pruned import fractions_up_to

    if options.keep and options.percent is not None:
        raise FtlError("give either PERCENT or --keep, not both")
    if options.rule == "above-average":
        return []
    return list(options.keep) if options.keep else fractions_up_to(100 if options.percent is None else options.percent)
