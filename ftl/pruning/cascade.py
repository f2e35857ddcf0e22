"""The original's pruning: layer after layer, rescoring the next on what the cut before it left.

For a sweep of fractions nothing is computed twice: layers are scored once per distinct prefix of kept filters, so the
first layer once for all fractions, and later ones once for all fractions that agree so far.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from ftl.backbones.chain import Backbone, Block, blocks
from ftl.progress import Report, silent
from ftl.pruning.rules import pick
from ftl.scoring.criteria import Criterion
from ftl.scoring.passes import Evidence, Feed, Quantile, Tally, batches, weight_scores

HOLD_BYTES = 3 * 2**29
"""Maps held in memory between layers (1.5 GiB). What does not fit is computed again from the last maps that did."""


@dataclass(frozen=True)
class LayerChoice:
    """What one layer keeps: `scores[group]` float32 (C,) of all its filters, `kept` indices, rising."""

    name: str
    scores: dict[str, np.ndarray]
    kept: list[int]


Chosen = tuple[float | None, list[LayerChoice]]
"""A keep fraction (None for the above-average rule) with one choice per layer."""


@dataclass(frozen=True)
class How:
    """How filters are chosen: criterion, rule, seed, and whether exactly as the original program does."""

    criterion: Criterion
    rule: str = "fraction"
    seed: int = 0
    faithful: bool = False


def cut_norms(layers: nn.Sequential, kept: Sequence[int]) -> nn.Sequential:
    """The same layers with batch norms that hold only the `kept` channels."""
    made: list[nn.Module] = []
    for layer in layers:
        if isinstance(layer, nn.BatchNorm2d):
            norm = nn.BatchNorm2d(len(kept), eps=layer.eps)
            norm.load_state_dict(
                {key: value[kept] if value.dim() else value for key, value in layer.state_dict().items()}
            )
            made.append(norm.eval())
        else:
            made.append(layer)
    return nn.Sequential(*made)


def cut_block(block: Block, inputs: Sequence[int], outputs: Sequence[int]) -> Block:
    """A block that gets only the `inputs` channels and computes only the `outputs` filters."""
    conv = block.conv
    cut = nn.Conv2d(
        len(inputs),
        len(outputs),
        conv.kernel_size,  # type: ignore[arg-type]
        conv.stride,  # type: ignore[arg-type]
        conv.padding,  # type: ignore[arg-type]
        conv.dilation,  # type: ignore[arg-type]
        bias=conv.bias is not None,
        device="meta",
    )
    weight = conv.weight[list(outputs)][:, list(inputs)].contiguous(memory_format=torch.channels_last)
    cut.weight = nn.Parameter(weight, requires_grad=False)
    if conv.bias is not None:
        cut.bias = nn.Parameter(conv.bias[list(outputs)], requires_grad=False)
    return block._replace(conv=cut, head=cut_norms(block.head, outputs), tail=cut_norms(block.tail, outputs))


@torch.inference_mode()
def cascade(
    backbone: Backbone, evidence: Evidence, fractions: Sequence[float | None], how: How, report: Report = silent
) -> Iterator[Chosen]:
    """Choose filters layer after layer, for all `fractions` together; gives each fraction as it is complete.

    Results are the same, to the bit, as for each fraction alone.
    """
    chain = blocks(backbone)
    count = len(evidence)
    choices: dict[float | None, list[LayerChoice]] = {fraction: [] for fraction in fractions}
    total = len(chain) * len(choices)

    def score(
        depth: int, block: Block, feed: Feed, keep_maps: bool
    ) -> tuple[dict[str, np.ndarray], torch.Tensor | None]:
        """Scores of a block's filters and, if asked for, its output for all images."""
        if how.criterion.looks_at == "weights":
            return weight_scores(how.criterion, block.conv, depth, list(evidence.groups), how.seed), None
        each = 4 * block.conv.out_channels * block.map_size[0] * block.map_size[1]
        top = None
        if how.criterion.quantile is not None:
            quantile = Quantile(block.conv.out_channels, how.criterion.quantile)
            for where in batches(count, each):
                quantile.add(block.run(feed(where)))
            top = quantile.value()
        tally = Tally(count, block.conv.out_channels)
        held = None
        if keep_maps:
            shape = (count, block.conv.out_channels, *block.out_size)
            held = torch.empty(shape, memory_format=torch.channels_last)
        for where in batches(count, each):
            activation = block.run(feed(where))
            tally.add(where, how.criterion.function(evidence.maps(activation, where, top, how.faithful)))
            if held is not None:
                held[where] = block.tail(activation)
        return tally.by_group(evidence.groups, how.criterion.pooled), held

    def descend(
        depth: int, inputs: Sequence[int], feed: Feed, together: list[float | None], room: int
    ) -> Iterator[Chosen]:
        block, last = chain[depth], depth == len(chain) - 1
        everything = range(block.conv.out_channels)
        each = 4 * block.out_size[0] * block.out_size[1] * count  # bytes per filter over all images
        scores, held = score(
            depth, cut_block(block, inputs, everything), feed, not last and each * len(everything) <= room
        )
        split: dict[tuple[int, ...], list[float | None]] = defaultdict(list)
        for fraction in together:
            kept = pick(scores, how.rule, fraction, faithful=how.faithful)
            choices[fraction].append(LayerChoice(block.name, scores, kept))
            split[tuple(kept)].append(fraction)
        report(sum(map(len, choices.values())), total, "scoring")
        if last:
            yield from ((fraction, choices[fraction]) for fraction in together)
            return
        room -= 0 if held is None or len(split) == 1 else held.numel() * 4
        for chosen, fractions_here in split.items():
            kept = list(chosen)
            size = each * len(kept)
            if held is not None:
                maps = held[:, kept].contiguous(memory_format=torch.channels_last)
                if len(split) == 1:
                    held = None  # nobody else needs the whole: let it go before the next layer fills its own
                yield from descend(depth + 1, kept, maps.__getitem__, fractions_here, room - size)
            elif how.criterion.looks_at == "weights":
                yield from descend(depth + 1, kept, feed, fractions_here, room)
            else:
                piece = cut_block(block, inputs, kept)
                next_feed = lambda where, piece=piece: piece.tail(piece.run(feed(where)))  # noqa: E731
                if size <= room:
                    maps = _gather(next_feed, count, (len(kept), *block.out_size), block)
                    yield from descend(depth + 1, kept, maps.__getitem__, fractions_here, room - size)
                else:
                    yield from descend(depth + 1, kept, next_feed, fractions_here, room)

    def images(where: slice) -> torch.Tensor:
        return backbone.preprocess(evidence.images[where])

    yield from descend(0, range(chain[0].conv.in_channels), images, [*choices], HOLD_BYTES)


def _gather(feed: Feed, count: int, shape: tuple[int, ...], block: Block) -> torch.Tensor:
    """Compute `feed` for all images, in batches that keep the block's maps small."""
    maps = torch.empty((count, *shape), memory_format=torch.channels_last)
    for where in batches(count, 4 * shape[0] * block.map_size[0] * block.map_size[1]):
        maps[where] = feed(where)
    return maps
