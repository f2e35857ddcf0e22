"""The folder of a sweep: the unpruned network and a pruned one for each keep fraction."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ftl.config import PruneConfig, SweepConfig
from ftl.data.masks import MaskSet
from ftl.errors import FtlError
from ftl.formatting import exact
from ftl.models.backbone import Backbone
from ftl.models.layer_choice import Chosen, LayerChoice
from ftl.models.layout import DESCRIPTION, UNPRUNED, folder_name
from ftl.models.network_folder import write_network
from ftl.progress import Report, silent
from ftl.pruning.choose import check_prunable, choose_filters, source_of
from ftl.pruning.coupling import coupling_groups
from ftl.pruning.criteria import Criterion
from ftl.pruning.surgery import prune
from ftl.sweeping.manifest import backbone_digest, claim_folder, made_with, scored_by


def fractions_up_to(percent: float) -> list[float]:
    """0.01, 0.02, ... up to `percent` / 100, as the original's loop; 100 itself is the unpruned network."""
    if not 1 <= percent <= 100:
        raise FtlError(f"PERCENT goes from 1 to 100, not {exact(percent)}")
    return [step / 100 for step in range(1, int(percent) + 1)]


def write_pruned(source: Backbone, chosen: Chosen, out: Path, made_with: dict[str, Any]) -> Path:
    """Cut a network to what was chosen and write its folder below `out`."""
    fraction, layers = chosen
    pruned = prune(source, {layer.name: layer.kept for layer in layers})
    write_network(out / folder_name(fraction), pruned, layers, fraction, made_with)
    return out / folder_name(fraction)


def make_networks(
    backbone: Backbone,
    masks: MaskSet,
    out: Path,
    config: SweepConfig,
    report: Report = silent,
    criterion: Criterion | None = None,
) -> list[Path]:
    """Write a folder per keep fraction of the sweep begun in `out`; those that are there already stay."""
    if missing := lacking(out, config.fractions):
        source, origin = source_of(backbone, config.faithful), made_with(out)
        for chosen in choose_filters(backbone, masks, missing, config, report, criterion):
            write_pruned(source, chosen, out, origin)
    return [out / folder_name(fraction) for fraction in config.fractions]


def lacking(out: Path, fractions: Sequence[float | None]) -> list[float | None]:
    """The keep fractions whose network is not there yet."""
    return [fraction for fraction in fractions if not (out / folder_name(fraction) / DESCRIPTION).is_file()]


def begin_sweep(backbone: Backbone, masks: MaskSet, out: Path, config: SweepConfig) -> None:
    """Claim `out` and write `out/base`.

    Raises `FtlError` when the network cannot be pruned so, or `out` was made from other inputs or with other settings.
    """
    check_prunable(backbone, config.fractions, config)
    unpruned = _unpruned(backbone)  # a network that cannot be pruned is refused here
    settings = {
        "backbone": backbone.name,
        "backbone_sha256": backbone_digest(backbone),
        "masks_sha256": masks.digest(),
        "images": len(masks),
        "groups": {group: len(indices) for group, indices in masks.groups.items()},
    } | config.model_dump(mode="json", include={*PruneConfig.model_fields})
    if config.tile is not None:  # travels with each network, which inspects large photographs by it
        settings |= {"tile": config.tile, "positive": config.positive}
    claim_folder(out, settings, scored_by(masks))
    if not (out / UNPRUNED / DESCRIPTION).is_file():
        write_network(out / UNPRUNED, backbone, unpruned, 1.0, made_with(out))


def _unpruned(backbone: Backbone) -> list[LayerChoice]:
    """What the unpruned network keeps: all filters of each layer, or of each coupling group."""
    widths = {name: conv.out_channels for name, conv in backbone.convolutions().items()}
    if backbone.is_chain:
        return [LayerChoice(name, {}, list(range(width))) for name, width in widths.items()]
    groups = coupling_groups(backbone)
    return [LayerChoice(group.name, {}, list(range(widths[group.name])), members=group.members) for group in groups]
