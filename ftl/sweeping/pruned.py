"""A sweep: the unpruned base and one pruned network per keep fraction, in one folder."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ftl.data.masks import MaskSet
from ftl.errors import FtlError
from ftl.files import read_json
from ftl.formatting import exact
from ftl.models.backbone import Backbone
from ftl.models.layer_choice import Chosen, LayerChoice
from ftl.models.layout import BASE, DESCRIPTION, folder_name
from ftl.models.network_folder import write_network
from ftl.progress import Report, silent
from ftl.pruning.coupled import choose_coupled_layerwise, choose_coupled_one_shot
from ftl.pruning.coupling import coupling_groups
from ftl.pruning.layerwise import choose_layerwise
from ftl.pruning.one_shot import choose_one_shot
from ftl.pruning.scoring import ScoringSet
from ftl.pruning.selection import check_rule
from ftl.pruning.settings import How, check_how
from ftl.pruning.surgery import fresh_batch_norms, prune
from ftl.sweeping.manifest import backbone_digest, claim_folder, made_with, scored_by

Mode = Callable[[Backbone, ScoringSet, Sequence[float | None], How, Report], Iterator[Chosen]]


def _either(chain: Mode, graph: Mode) -> Mode:
    """The way for a chain, or that for a network whose filters may be coupled."""

    def mode(
        backbone: Backbone,
        scoring_set: ScoringSet,
        fractions: Sequence[float | None],
        how: How,
        report: Report = silent,
    ) -> Iterator[Chosen]:
        return (chain if backbone.is_chain else graph)(backbone, scoring_set, fractions, how, report)

    return mode


MODES = {
    "cascade": _either(choose_layerwise, choose_coupled_layerwise),
    "once": _either(choose_one_shot, choose_coupled_one_shot),
}


def fractions_up_to(percent: float) -> list[float]:
    """0.01, 0.02, ... up to `percent` / 100, as the original's loop; 100 itself is the base."""
    if not 1 <= percent <= 100:
        raise FtlError(f"PERCENT goes from 1 to 100, not {exact(percent)}")
    return [step / 100 for step in range(1, int(percent) + 1)]


def _check_mode(mode: str, how: How) -> None:
    if mode not in MODES:
        raise FtlError(f"there is no mode {mode!r}: choose one of {', '.join(MODES)}")
    if how.rule == "global" and (mode != "once" or how.faithful):
        raise FtlError(
            "the rule global ranks the filters of all layers together, which a cascade cannot, nor did the original "
            "program: choose mode once"
        )


def _check(backbone: Backbone, fractions: Sequence[float | None], mode: str, how: How) -> None:
    """Raise `FtlError` for what can be told to be wrong before anything is computed or written."""
    check_rule(how.rule)
    check_how(how)
    _check_mode(mode, how)
    if how.faithful and not backbone.is_chain:
        raise FtlError(f"{backbone.name} is no chain of layers, and the original program prunes no other: not faithful")
    given = [fraction for fraction in fractions if fraction is not None]
    wrong = [fraction for fraction in given if not 0 < fraction <= 1]
    if wrong or not fractions:
        raise FtlError(f"keep fractions go from above 0 to 1, not {wrong[0] if wrong else 'none'}")
    if len({folder_name(fraction) for fraction in fractions}) < len(fractions):
        raise FtlError("two keep fractions differ by less than six digits: leave one out")
    fewest = min(conv.out_channels for conv in backbone.convolutions().values())
    if how.faithful and given and round((fewest - 1) * min(given)) < 1:
        least = next(step / 1000 for step in range(1, 1001) if round((fewest - 1) * step / 1000) >= 1)
        raise FtlError(
            f"keep fraction {exact(min(given))} leaves nothing of the layer with {fewest} filters, as the original "
            f"counts: keep at least {exact(least)}"
        )


def choose_filters(
    backbone: Backbone,
    masks: MaskSet,
    fractions: Sequence[float | None],
    how: How,
    mode: str = "cascade",
    report: Report = silent,
) -> Iterator[Chosen]:
    """Score and pick the filters of every layer for every fraction, given one after the other; nothing is cut yet.

    `how.faithful` feeds raw BGR and scores through untrained batch norms, as the original program does.
    """
    _check_mode(mode, how)
    check_how(how)
    if not len(masks):
        raise FtlError("there are no photographs with masks to score filters by")
    return MODES[mode](as_scored(backbone, how), ScoringSet(masks), fractions, how, report)


def source_of(backbone: Backbone, how: How) -> Backbone:
    """The network that filters are cut from: itself, or as the original program has it."""
    return fresh_batch_norms(backbone) if how.faithful else backbone


def as_scored(backbone: Backbone, how: How) -> Backbone:
    """The network whose activations are judged: what is cut, which the original program feeds raw BGR."""
    source = source_of(backbone, how)
    if how.faithful:
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
    fractions: Sequence[float | None],
    how: How,
    mode: str,
    report: Report = silent,
) -> list[Path]:
    """Write a folder per keep fraction of the sweep begun in `out`; what is there already, whole, is left as it is."""
    if missing := lacking(out, fractions):
        source, made = source_of(backbone, how), made_with(out)
        for chosen in choose_filters(backbone, masks, missing, how, mode, report):
            write_pruned(source, chosen, out, made)
    return [out / folder_name(fraction) for fraction in fractions]


def lacking(out: Path, fractions: Sequence[float | None]) -> list[float | None]:
    """The keep fractions whose network is not there yet."""
    return [one for one in fractions if not (out / folder_name(one) / DESCRIPTION).is_file()]


def begin_sweep(
    backbone: Backbone, masks: MaskSet, out: Path, keep: Sequence[float], how: How, mode: str
) -> list[float | None]:
    """Claim `out` and write `out/base`; the keep fractions to make, rising.

    Raises `FtlError` when a fraction is out of (0, 1], or `out` was made from other inputs or with other settings.
    """
    fractions: list[float | None] = [None] if how.rule == "above-average" else [*sorted(set(keep))]
    _check(backbone, fractions, mode, how)
    whole = _whole(backbone)  # a network that cannot be pruned is refused here
    settings = {
        "backbone": backbone.name,
        "backbone_sha256": backbone_digest(backbone),
        "masks_sha256": masks.digest(),
        "images": len(masks),
        "groups": {group: len(indices) for group, indices in masks.groups.items()},
        "criterion": how.criterion.name,
        "rule": how.rule,
        "mode": mode,
        "faithful": how.faithful,
        "joint": how.joint,
        "read": how.read,
        "seed": how.seed,
        "round_to": how.round_to,
    }
    claim_folder(out, settings, scored_by(masks))
    if not (out / BASE / DESCRIPTION).is_file():
        write_network(out / BASE, backbone, whole, 1.0, made_with(out))
    return fractions


def _whole(backbone: Backbone) -> list[LayerChoice]:
    """What the unpruned network keeps: all filters of each layer, or of each coupling group."""
    widths = {name: conv.out_channels for name, conv in backbone.convolutions().items()}
    if backbone.is_chain:
        return [LayerChoice(name, {}, list(range(width))) for name, width in widths.items()]
    groups = coupling_groups(backbone)
    return [LayerChoice(group.name, {}, list(range(widths[group.name])), members=group.members) for group in groups]


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
