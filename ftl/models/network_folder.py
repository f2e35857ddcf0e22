"""Network folders: `network.json` (what a network is, how it was made) and its weights, written and read."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ftl.files import digest, digest_of, read_json, whole_folder, write_json
from ftl.models.layout import DESCRIPTION, WEIGHTS, candidate_name

if TYPE_CHECKING:  # pages that only read descriptions need not load torch
    from ftl.models.backbone import Backbone
    from ftl.models.layer_choice import LayerChoice


def write_network(
    folder: Path, network: Backbone, choices: list[LayerChoice], keep: float | None, made_with: dict[str, Any]
) -> None:
    """Write a network with the scores and kept filters of every layer; the folder appears whole or not at all.

    `layers[i].scores` are the first group's; `scores_by_group` holds all when there are several. `members` are the
    layers that keep the same filters, in networks that are no chains.
    """
    from safetensors.torch import save

    from ftl.models.backbone import macs

    layers = []
    for choice in choices:
        groups = {group: [float(score) for score in scores] for group, scores in choice.scores.items()}
        entry = {"name": choice.name, "scores": next(iter(groups.values()), []), "kept": choice.kept}
        entry |= {"members": [*choice.members]} if choice.members else {}
        layers.append(entry | ({"scores_by_group": groups} if len(groups) > 1 else {}))
    spec = network.spec()
    description = {
        "name": folder.name,
        "backbone": network.name,
        "keep": keep,
        "parameters": network.parameters_count(),
        "macs": macs(spec, network.preprocess.size),
        "preprocess": {"kind": network.preprocess.kind, "size": network.preprocess.size},
        "layers": layers,
        "equal_scores": [choice.name for choice in choices if choice.equal],
        "architecture": spec,
        "made_with": made_with,
    }
    with whole_folder(folder) as draft:
        tensors = {key: value.contiguous() for key, value in network.state_dict().items()}
        (draft / WEIGHTS).write_bytes(save(tensors))
        write_json(draft / DESCRIPTION, description)


def rewrite_network(folder: Path, source: Path, network: Backbone, head: str) -> None:
    """Write a network that was trained further, made of the one in `source`, into an existing `folder`.

    `head`: its kind, of `ftl.models.layout.HEADS` or `SEGMENTED`, whose decoder is not counted; that of `source` may
    be the same. Its `from_sha256` says of which network it was made.
    """
    from safetensors.torch import save

    tensors = {key: value.contiguous() for key, value in network.state_dict().items()}
    (folder / WEIGHTS).write_bytes(save(tensors))
    changed = {
        "name": candidate_name(source.name.removesuffix(f"-{head}"), head),
        "head": head,
        "from_sha256": network_digest(source),
        "parameters": network.parameters_count(),
        "architecture": network.spec(),  # convolutions into which norms were folded have a bias now
    }
    write_json(folder / DESCRIPTION, read_description(source) | changed)


def read_description(folder: Path) -> dict[str, Any]:
    """`network.json` of a network's folder. Raises `FtlError` when there is none, or it is damaged."""
    return read_json(Path(folder) / DESCRIPTION)


def network_digest(folder: Path) -> str:
    """SHA-256 over a network's description and weights."""
    return digest_of([(name, digest(Path(folder) / name)) for name in (DESCRIPTION, WEIGHTS)])
