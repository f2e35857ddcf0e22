"""The original's pruning: layer after layer, rescoring the next on what the cut before it left.

For a sweep of fractions nothing is computed twice: layers are scored once per distinct prefix of kept filters, so the
first layer once for all fractions, and later ones once for all fractions that agree so far.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch

from ftl.models.backbone import Backbone, Block, blocks
from ftl.models.layer_choice import Chosen, LayerChoice
from ftl.progress import Report, silent
from ftl.pruning.layer_inputs import cut_block, holds, onward, photographs, room
from ftl.pruning.scoring import Evidence, Feed, Quantile, Tally, batches, weight_scores
from ftl.pruning.selection import pick
from ftl.pruning.settings import How


@torch.inference_mode()
def cascade(
    backbone: Backbone, evidence: Evidence, fractions: Sequence[float | None], how: How, report: Report = silent
) -> Iterator[Chosen]:
    """Choose filters layer after layer, for all `fractions` together; gives each fraction as it is complete.

    Results are the same, to the bit, as for each fraction alone.
    """
    chain = blocks(backbone)
    choices: dict[float | None, list[LayerChoice]] = {fraction: [] for fraction in fractions}

    def descend(depth: int, inputs: Sequence[int], feed: Feed, together: list[float | None]) -> Iterator[Chosen]:
        """Score the blocks from `depth` on for the fractions that kept the same `inputs`, as long as they agree.

        `feed` gives the block's cut input. Where fractions part, each goes on alone.
        """
        while True:
            block = chain[depth]
            split, held = score_block(chain, depth, inputs, feed, together, evidence, how)
            for choice, apart in split:
                for fraction in apart:
                    choices[fraction].append(choice)
            report(sum(map(len, choices.values())), len(chain) * len(choices), "scoring")
            if depth == len(chain) - 1:
                yield from ((fraction, choices[fraction]) for fraction in together)
                return

            *others, (last, together) = split
            depth += 1
            for choice, apart in others:
                following = onward(block, inputs, choice.kept, feed, held, evidence, how)
                yield from descend(depth, choice.kept, following, apart)
                del following  # large maps hang on it
            inputs, feed = last.kept, onward(block, inputs, last.kept, feed, held, evidence, how)
            held = None

    yield from descend(0, range(chain[0].conv.in_channels), photographs(backbone, evidence), [*choices])


Split = list[tuple[LayerChoice, list[float | None]]]
"""What a block keeps, and the fractions that keep just that."""


def score_block(
    chain: Sequence[Block],
    depth: int,
    inputs: Sequence[int],
    feed: Feed,
    fractions: Sequence[float | None],
    evidence: Evidence,
    how: How,
) -> tuple[Split, torch.Tensor | None]:
    """Score a block's filters and choose for each fraction; and the block's outputs (N, H, W, C) if they are held."""
    block = chain[depth]
    hold = depth < len(chain) - 1 and holds(block, fractions, evidence)
    full = cut_block(block, inputs, range(block.conv.out_channels))
    scores, held = _score(depth, full, feed, evidence, how, hold)
    split: dict[tuple[int, ...], tuple[LayerChoice, list[float | None]]] = {}
    for fraction in fractions:
        kept, tied = pick(scores, how.rule, fraction, faithful=how.faithful, round_to=how.round_to)
        choice = LayerChoice(block.name, scores, kept, tied)
        split.setdefault(tuple(kept), (choice, []))[1].append(fraction)
    return [*split.values()], held


def _score(
    depth: int, block: Block, feed: Feed, evidence: Evidence, how: How, hold: bool
) -> tuple[dict[str, np.ndarray], torch.Tensor | None]:
    """Scores of a block's filters by group and, if they are to be held, its outputs for all images (N, H, W, C)."""
    filters, count = block.conv.out_channels, len(evidence)
    if how.criterion.looks_at != "maps":
        return weight_scores(how.criterion, block.conv, depth, list(evidence.groups), how.seed), None
    steps = list(batches(count, 4 * filters * block.map_size[0] * block.map_size[1]))
    top = None
    if how.criterion.quantile is not None:
        quantile = Quantile(filters, how.criterion.quantile)
        for where in steps:
            quantile.add(block.run(feed(where)))
        top = quantile.value()
    tally = Tally(count, filters)
    held = room(count, filters, block) if hold else None
    for where in steps:
        activation = block.run(feed(where))
        tally.add(where, how.criterion.function(evidence.maps(activation, where, top, how.faithful)))
        if held is not None:
            held[where] = block.tail(activation).permute(0, 2, 3, 1)
    return tally.by_group(evidence.groups, how.criterion.pooled), held
