"""One pass: all layers scored in the unpruned network, so that a sweep of any length costs that one pass."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch

from ftl.config import PruneConfig
from ftl.models.backbone import Backbone, blocks
from ftl.models.layer_choice import Chosen, LayerChoice
from ftl.progress import Report, silent
from ftl.pruning.criteria import Criterion
from ftl.pruning.scoring import Quantile, ScoringSet, Tally, batches, weight_scores
from ftl.pruning.selection import pick_all


@torch.inference_mode()
def choose_one_shot(
    backbone: Backbone,
    scoring_set: ScoringSet,
    fractions: Sequence[float | None],
    criterion: Criterion,
    config: PruneConfig,
    report: Report = silent,
) -> Iterator[Chosen]:
    """Choose filters of all layers from their scores in the unpruned network, for each of the fractions.

    A criterion that needs a quantile first takes a second pass.
    """
    chain = blocks(backbone)
    count = len(scoring_set)
    if criterion.looks_at != "maps":
        scores = [
            weight_scores(criterion, block.conv, depth, list(scoring_set.groups), config.seed)
            for depth, block in enumerate(chain)
        ]
    else:
        each = max(4 * block.conv.out_channels * block.map_size[0] * block.map_size[1] for block in chain)
        tops: list[torch.Tensor | None] = [None] * len(chain)
        passes = 1 if criterion.quantile is None else 2
        if criterion.quantile is not None:
            quantiles = [Quantile(block.conv.out_channels, criterion.quantile, backbone.device) for block in chain]
            for where in batches(count, each):
                x = backbone.inputs(scoring_set.images[where])
                for block, quantile in zip(chain, quantiles, strict=True):
                    x = block.run(x)
                    quantile.add(x)
                    x = block.tail(x)
                report(where.stop, passes * count, "scoring")
            tops = [quantile.value() for quantile in quantiles]
        tallies = [Tally(count, block.conv.out_channels) for block in chain]
        for where in batches(count, each):
            x = backbone.inputs(scoring_set.images[where])
            for block, tally, top in zip(chain, tallies, tops, strict=True):
                x = block.run(x)
                tally.add(where, criterion.function(scoring_set.maps(x, where, top, config.faithful)))
                x = block.tail(x)
            report((passes - 1) * count + where.stop, passes * count, "scoring")
        scores = [tally.by_group(scoring_set.groups, criterion.pooled) for tally in tallies]
    for fraction in fractions:
        picked = pick_all(scores, config.rule, fraction, faithful=config.faithful, round_to=config.round_to)
        rows = zip(chain, scores, picked, strict=True)
        yield fraction, [LayerChoice(block.name, own, kept, equal) for block, own, (kept, equal) in rows]
