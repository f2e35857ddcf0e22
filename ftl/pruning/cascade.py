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

HOLD_BYTES = 2**29
"""The most that one layer's maps, for all images, may take in memory. Larger ones are computed again, from the last
maps that were held. The limit does not depend on the sweep, so neither does any rounding."""

HOLD_FROM = 0.3
"""Where a smaller share of a layer's filters is kept, computing those again costs less than holding all until the
scores are known: that share of the layer's multiply-adds, against writing and reading every map."""


@dataclass(frozen=True)
class LayerChoice:
    """What one layer keeps: `scores[group]` float32 (C,) of all its filters, `kept` indices, rising.

    `tied`: equal scores on both sides of the cut, so the order of filters decided, not merit.
    """

    name: str
    scores: dict[str, np.ndarray]
    kept: list[int]
    tied: bool = False


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
                {key: value[list(kept)] if value.dim() else value for key, value in layer.state_dict().items()}
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
    choices: dict[float | None, list[LayerChoice]] = {fraction: [] for fraction in fractions}

    def descend(depth: int, inputs: Sequence[int], feed: Feed, together: list[float | None]) -> Iterator[Chosen]:
        """Score the blocks from `depth` on for the fractions that kept the same `inputs`, as long as they agree.

        `feed` gives the block's cut input. Where fractions part, each goes on alone.
        """
        while True:
            block, last = chain[depth], depth == len(chain) - 1
            each = 4 * block.out_size[0] * block.out_size[1] * len(evidence)  # bytes of one filter's output
            most = max(len(evidence.groups) * (1.0 if fraction is None else fraction) for fraction in together)
            hold = not last and most >= HOLD_FROM and each * block.conv.out_channels <= HOLD_BYTES
            full = cut_block(block, inputs, range(block.conv.out_channels))
            scores, held = _score(depth, full, feed, evidence, how, hold)
            split: dict[tuple[int, ...], list[float | None]] = defaultdict(list)
            for fraction in together:
                kept, tied = pick(scores, how.rule, fraction, faithful=how.faithful)
                choices[fraction].append(LayerChoice(block.name, scores, kept, tied))
                split[tuple(kept)].append(fraction)
            report(sum(map(len, choices.values())), len(chain) * len(choices), "scoring")
            if last:
                yield from ((fraction, choices[fraction]) for fraction in together)
                return

            *others, (kept_last, together) = split.items()
            depth += 1
            for kept_here, apart in others:
                onward = _onward(block, inputs, kept_here, feed, held, evidence, how)
                yield from descend(depth, kept_here, onward, apart)
                del onward  # large maps hang on it
            inputs, feed = kept_last, _onward(block, inputs, kept_last, feed, held, evidence, how)
            held = None

    def images(where: slice) -> torch.Tensor:
        return backbone.preprocess(evidence.images[where])

    first: Feed = images
    if 4 * evidence.images.size <= HOLD_BYTES:  # floats of all images
        first = images(slice(None)).__getitem__
    yield from descend(0, range(chain[0].conv.in_channels), first, [*choices])


def _score(
    depth: int, block: Block, feed: Feed, evidence: Evidence, how: How, hold: bool
) -> tuple[dict[str, np.ndarray], torch.Tensor | None]:
    """Scores of a block's filters by group and, if they are to be held, its outputs for all images (N, H, W, C)."""
    filters, count = block.conv.out_channels, len(evidence)
    if how.criterion.looks_at == "weights":
        return weight_scores(how.criterion, block.conv, depth, list(evidence.groups), how.seed), None
    steps = list(batches(count, 4 * filters * block.map_size[0] * block.map_size[1]))
    top = None
    if how.criterion.quantile is not None:
        quantile = Quantile(filters, how.criterion.quantile)
        for where in steps:
            quantile.add(block.run(feed(where)))
        top = quantile.value()
    tally = Tally(count, filters)
    held = _room(count, filters, block) if hold else None
    for where in steps:
        activation = block.run(feed(where))
        tally.add(where, how.criterion.function(evidence.maps(activation, where, top, how.faithful)))
        if held is not None:
            held[where] = block.tail(activation).permute(0, 2, 3, 1)
    return tally.by_group(evidence.groups, how.criterion.pooled), held


def _onward(
    block: Block,
    inputs: Sequence[int],
    kept: Sequence[int],
    feed: Feed,
    held: torch.Tensor | None,
    evidence: Evidence,
    how: How,
) -> Feed:
    """The feed of the next block, given what this one keeps: held in memory if it fits, else computed when asked."""
    if how.criterion.looks_at == "weights":
        return feed  # nobody will ask
    if held is not None and len(kept) >= HOLD_FROM * block.conv.out_channels:
        return _held(_copy(held, kept, block))
    cut = cut_block(block, inputs, kept)

    def following(where: slice) -> torch.Tensor:
        return cut.tail(cut.run(feed(where)))

    if 4 * len(kept) * block.out_size[0] * block.out_size[1] * len(evidence) <= HOLD_BYTES:
        return _held(_gather(following, len(evidence), len(kept), block))
    return following


def _room(count: int, filters: int, block: Block) -> torch.Tensor:
    """Unset memory for a block's outputs, (N, H, W, C). numpy's lies in huge pages, which the system clears four times
    as fast as torch's; and rows of channels are copied several times as fast as permuted maps."""
    return torch.from_numpy(np.empty((count, *block.out_size, filters), np.float32))


def _copy(held: torch.Tensor, kept: Sequence[int], block: Block) -> torch.Tensor:
    """The kept channels of held maps (N, H, W, C), image by image so that no second copy is made on the way."""
    maps, channels = _room(len(held), len(kept), block), torch.tensor(kept)
    for one, source in zip(maps, held, strict=True):
        torch.index_select(source, 2, channels, out=one)
    return maps


def _gather(feed: Feed, count: int, filters: int, block: Block) -> torch.Tensor:
    """A block's outputs for all images (N, H, W, C), in batches that keep its maps small."""
    maps = _room(count, filters, block)
    for where in batches(count, 4 * filters * block.map_size[0] * block.map_size[1]):
        maps[where] = feed(where).permute(0, 2, 3, 1)
    return maps


def _held(maps: torch.Tensor) -> Feed:
    """A feed of maps (N, H, W, C) that are in memory."""
    return lambda where: maps[where].permute(0, 3, 1, 2)
