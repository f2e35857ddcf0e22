"""The cascade in parts that can be computed apart: fractions that agree so far are one branch, scored once.

A branch ends where its fractions part; the branches that come out may go on in other processes. Handed over are the
filters kept so far; the maps of the layer before are computed again from them, which is much less work than scoring.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from ftl.models.backbone import Backbone, Block, blocks
from ftl.models.layer_choice import LayerChoice
from ftl.progress import Report, silent
from ftl.pruning.layer_inputs import holds, onward, outputs, photographs
from ftl.pruning.layerwise import score_block
from ftl.pruning.scoring import Evidence, Feed
from ftl.pruning.settings import How


@dataclass(frozen=True)
class Branch:
    """Keep fractions (None for the above-average rule) that chose the same in every layer of `choices`."""

    fractions: tuple[float | None, ...]
    choices: tuple[LayerChoice, ...] = ()


@torch.inference_mode()
def advance(backbone: Backbone, evidence: Evidence, branch: Branch, how: How, report: Report = silent) -> list[Branch]:
    """Score layer after layer until the fractions part, or the last layer: the branches that come out.

    To the bit what `cascade` chooses. A branch with as many choices as the network has convolutions is complete.
    """
    chain = blocks(backbone)
    choices = list(branch.choices)
    inputs, feed = _resume(backbone, chain, branch, evidence, how)
    while True:
        depth = len(choices)
        split, held = score_block(chain, depth, inputs, feed, branch.fractions, evidence, how)
        report(depth + 1, len(chain), "scoring")
        if len(split) > 1 or depth == len(chain) - 1:
            return [Branch(tuple(fractions), (*choices, choice)) for choice, fractions in split]
        ((choice, _),) = split
        inputs, feed = choice.kept, onward(chain[depth], inputs, choice.kept, feed, held, evidence, how)
        choices.append(choice)


def _resume(
    backbone: Backbone, chain: Sequence[Block], branch: Branch, evidence: Evidence, how: How
) -> tuple[Sequence[int], Feed]:
    """Inputs and feed of the first layer that is not chosen yet, computed as the cascade would have had them."""
    inputs: Sequence[int] = range(chain[0].conv.in_channels)
    feed = photographs(backbone, evidence)
    if how.criterion.looks_at != "maps":
        return branch.choices[-1].kept if branch.choices else inputs, feed
    for block, choice in zip(chain, branch.choices, strict=False):
        held = outputs(block, inputs, feed, evidence) if holds(block, branch.fractions, evidence) else None
        inputs, feed = choice.kept, onward(block, inputs, choice.kept, feed, held, evidence, how)
    return inputs, feed
