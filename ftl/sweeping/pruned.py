"""A sweep: the unpruned base and one pruned network per keep fraction, in one folder."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ftl.config import LAYERWISE, ONE_SHOT, PruneConfig, SweepConfig
from ftl.data.masks import MaskSet
from ftl.errors import FtlError
from ftl.files import read_json
from ftl.formatting import exact
from ftl.models.backbone import Backbone
from ftl.models.layer_choice import Chosen, LayerChoice
from ftl.models.layout import BASE, DESCRIPTION, folder_name
from ftl.models.network_folder import write_network
from ftl.progress import Report, silent
from ftl.pruning.coupled import joint_cascade, joint_once
from ftl.pruning.coupling import ties
from ftl.pruning.criteria import Criterion
from ftl.pruning.criteria import criterion as criterion_of
from ftl.pruning.layerwise import cascade
from ftl.pruning.one_shot import once
from ftl.pruning.scoring import Evidence
from ftl.pruning.settings import How
from ftl.pruning.surgery import fresh_batch_norms, prune
from ftl.sweeping.manifest import backbone_digest, claim_folder, made_with, scored_by

Mode = Callable[[Backbone, Evidence, Sequence[float | None], How, Report], Iterator[Chosen]]

_CHAIN: dict[str, Mode] = {LAYERWISE: cascade, ONE_SHOT: once}
_COUPLED: dict[str, Mode] = {LAYERWISE: joint_cascade, ONE_SHOT: joint_once}


def fractions_up_to(percent: float) -> list[float]:
    """0.01, 0.02, ... up to `percent` / 100, as the original's loop; 100 itself is the base."""
    if not 1 <= percent <= 100:
        raise FtlError(f"PERCENT goes from 1 to 100, not {exact(percent)}")
    return [step / 100 for step in range(1, int(percent) + 1)]


def _check(backbone: Backbone, fractions: Sequence[float | None], config: PruneConfig) -> None:
    """Raise `FtlError` for what can be told to be wrong before anything is computed or written."""
    if not config.faithful:
        return
    if not backbone.is_chain:
        raise FtlError(f"{backbone.name} is no chain of layers, and the original program prunes no other: not faithful")
    given = [fraction for fraction in fractions if fraction is not None]
    fewest = min(conv.out_channels for conv in backbone.convolutions().values())
    if given and round((fewest - 1) * min(given)) < 1:
        least = next(step / 1000 for step in range(1, 1001) if round((fewest - 1) * step / 1000) >= 1)
        raise FtlError(
            f"keep fraction {exact(min(given))} leaves nothing of the layer with {fewest} filters, as the original "
            f"counts: keep at least {exact(least)}"
        )


def choose_filters(
    backbone: Backbone,
    masks: MaskSet,
    fractions: Sequence[float | None],
    config: PruneConfig = PruneConfig(),
    report: Report = silent,
    criterion: Criterion | None = None,
) -> Iterator[Chosen]:
    """Score and pick the filters of every layer for every fraction, given one after the other; nothing is cut yet.

    `config.faithful` feeds raw BGR and scores through untrained batch norms, as the original program does.
    `criterion`: that of the configuration, bound to what it looks at besides the masks (`bind`), if it needs that.
    """
    if not len(masks):
        raise FtlError("there are no photographs with masks to score filters by")
    how = How(criterion or criterion_of(config.criterion), config)
    return mode_of(backbone, config)(as_scored(backbone, config.faithful), Evidence(masks), fractions, how, report)


def mode_of(backbone: Backbone, config: PruneConfig) -> Mode:
    """How the filters of a network are scored and picked: of a chain layer by layer, else of coupled layers."""
    return (_CHAIN if backbone.is_chain else _COUPLED)[config.mode]


def source_of(backbone: Backbone, faithful: bool) -> Backbone:
    """The network that filters are cut from: itself, or as the original program has it."""
    return fresh_batch_norms(backbone) if faithful else backbone


def as_scored(backbone: Backbone, faithful: bool) -> Backbone:
    """The network whose activations are judged: what is cut, which the original program feeds raw BGR."""
    source = source_of(backbone, faithful)
    if faithful:
        source.preprocess = replace(source.preprocess, kind="raw")
    return source


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
    """Write a folder per keep fraction of the sweep begun in `out`; what is there already, whole, is left as it is."""
    if missing := lacking(out, config.fractions):
        source, made = source_of(backbone, config.faithful), made_with(out)
        for chosen in choose_filters(backbone, masks, missing, config, report, criterion):
            write_pruned(source, chosen, out, made)
    return [out / folder_name(fraction) for fraction in config.fractions]


def lacking(out: Path, fractions: Sequence[float | None]) -> list[float | None]:
    """The keep fractions whose network is not there yet."""
    return [fraction for fraction in fractions if not (out / folder_name(fraction) / DESCRIPTION).is_file()]


def begin_sweep(backbone: Backbone, masks: MaskSet, out: Path, config: SweepConfig) -> None:
    """Claim `out` and write `out/base`.

    Raises `FtlError` when the network cannot be pruned so, or `out` was made from other inputs or with other settings.
    """
    _check(backbone, config.fractions, config)
    unpruned = _unpruned(backbone)  # a network that cannot be pruned is refused here
    settings = {
        "backbone": backbone.name,
        "backbone_sha256": backbone_digest(backbone),
        "masks_sha256": masks.digest(),
        "images": len(masks),
        "groups": {group: len(indices) for group, indices in masks.groups.items()},
    } | config.model_dump(mode="json", include={*PruneConfig.model_fields})
    claim_folder(out, settings, scored_by(masks))
    if not (out / BASE / DESCRIPTION).is_file():
        write_network(out / BASE, backbone, unpruned, 1.0, made_with(out))


def _unpruned(backbone: Backbone) -> list[LayerChoice]:
    """What the unpruned network keeps: all filters of each layer, or of each tie."""
    widths = {name: conv.out_channels for name, conv in backbone.convolutions().items()}
    if backbone.is_chain:
        return [LayerChoice(name, {}, list(range(width))) for name, width in widths.items()]
    return [LayerChoice(tie.name, {}, list(range(widths[tie.name])), members=tie.members) for tie in ties(backbone)]


def networks(out: str | Path, *, made: bool = True) -> list[Path]:
    """The networks of a sweep, the base first, then by keep fraction. Raises `FtlError` when there are none.

    `made`: also those that were made of pruned ones for other heads.
    """
    out = Path(out)
    found = {path.parent: read_json(path) for path in out.glob(f"*/{DESCRIPTION}") if path.parent.name[0] != "."}
    if not found:
        raise FtlError(f"{out} holds no networks: make some with ftl prune {out} BACKBONE")
    chosen = [path for path, network in found.items() if made or "head" not in network]
    return sorted(chosen, key=lambda path: (path.name != BASE, found[path]["keep"] or 2, path.name))
