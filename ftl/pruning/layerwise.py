"""Layer by layer, as the original prunes: each layer of a chain is rescored on what the cuts before it left.

For a sweep of keep fractions nothing is computed twice: fractions that have kept the same filters so far share the
scores of the next layer, so the first layer is scored once for all of them. Either one process follows all fractions
(`choose_layerwise`), or several processes follow a branch each (`advance`); both choose the same, to the bit. Networks
whose filters are coupled are in `ftl.pruning.coupled`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from ftl.config import PruneConfig
from ftl.models.backbone import Backbone, Block, blocks
from ftl.models.layer_choice import Chosen, LayerChoice
from ftl.progress import Report, silent
from ftl.pruning.criteria import Criterion
from ftl.pruning.scoring import Feed, Quantile, ScoringSet, Tally, batches, weight_scores
from ftl.pruning.selection import pick

HOLD_BYTES = 2**29
"""The most that one layer's maps, for all images, may take in memory. Larger ones are computed again, from the last
maps that were held. The limit does not depend on the sweep, so neither does any rounding."""

HOLD_FROM = 0.3
"""Where a smaller share of a layer's filters is kept, computing those again costs less than holding all until the
scores are known: that share of the layer's multiply-accumulates, against writing and reading every map."""

Split = list[tuple[LayerChoice, list[float | None]]]
"""What a layer keeps, and the keep fractions that keep just that."""


# --- which filters stay


@torch.inference_mode()
def choose_layerwise(
    backbone: Backbone,
    scoring_set: ScoringSet,
    fractions: Sequence[float | None],
    criterion: Criterion,
    config: PruneConfig,
    report: Report = silent,
) -> Iterator[Chosen]:
    """Choose filters layer after layer, for all keep fractions together; gives each fraction as it is complete."""
    chain = blocks(backbone)
    choices: dict[float | None, list[LayerChoice]] = {fraction: [] for fraction in fractions}

    def descend(depth: int, inputs: Sequence[int], feed: Feed, together: list[float | None]) -> Iterator[Chosen]:
        """Score the blocks from `depth` on for the fractions that kept the same `inputs`, as long as they agree.

        `feed` gives the block's cut input. Where fractions part, each goes on alone.
        """
        while True:
            block = chain[depth]
            split, held = _score_and_choose(chain, depth, inputs, feed, together, scoring_set, criterion, config)
            for choice, agreeing in split:
                for fraction in agreeing:
                    choices[fraction].append(choice)
            report(sum(map(len, choices.values())), len(chain) * len(choices), "scoring")
            if depth == len(chain) - 1:
                yield from ((fraction, choices[fraction]) for fraction in together)
                return

            *others, (last, together) = split
            depth += 1
            for choice, agreeing in others:
                following = _next_feed(block, inputs, choice.kept, feed, held, scoring_set, criterion, config)
                yield from descend(depth, choice.kept, following, agreeing)
                del following  # large maps hang on it
            inputs, feed = last.kept, _next_feed(block, inputs, last.kept, feed, held, scoring_set, criterion, config)
            held = None

    yield from descend(0, range(chain[0].conv.in_channels), _photographs(backbone, scoring_set), [*choices])


@dataclass(frozen=True)
class Branch:
    """Keep fractions (None for the above-average rule) that chose the same in every layer of `choices`."""

    fractions: tuple[float | None, ...]
    choices: tuple[LayerChoice, ...] = ()


@torch.inference_mode()
def advance(
    backbone: Backbone,
    scoring_set: ScoringSet,
    branch: Branch,
    criterion: Criterion,
    config: PruneConfig,
    report: Report = silent,
) -> list[Branch]:
    """Score layer after layer until the fractions part, or the last layer: the branches that come out.

    Each may go on in another process, which needs nothing but the branch: it computes the maps before its first layer
    again, which is much less work than scoring. A branch with as many choices as the network has convolutions is
    complete.
    """
    chain = blocks(backbone)
    choices = list(branch.choices)
    inputs, feed = _resume(backbone, chain, branch, scoring_set, criterion, config)
    while True:
        depth = len(choices)
        split, held = _score_and_choose(chain, depth, inputs, feed, branch.fractions, scoring_set, criterion, config)
        report(depth + 1, len(chain), "scoring")
        if len(split) > 1 or depth == len(chain) - 1:
            return [Branch(tuple(fractions), (*choices, choice)) for choice, fractions in split]
        ((choice, _),) = split
        inputs, feed = (
            choice.kept,
            _next_feed(chain[depth], inputs, choice.kept, feed, held, scoring_set, criterion, config),
        )
        choices.append(choice)


def _resume(
    backbone: Backbone,
    chain: Sequence[Block],
    branch: Branch,
    scoring_set: ScoringSet,
    criterion: Criterion,
    config: PruneConfig,
) -> tuple[Sequence[int], Feed]:
    """Inputs and feed of the first layer that is not chosen yet, computed as `choose_layerwise` would have had them."""
    inputs: Sequence[int] = range(chain[0].conv.in_channels)
    feed = _photographs(backbone, scoring_set)
    if criterion.looks_at != "maps":
        return branch.choices[-1].kept if branch.choices else inputs, feed
    for block, choice in zip(chain, branch.choices, strict=False):
        held = _all_outputs(block, inputs, feed, scoring_set) if _holds(block, branch.fractions, scoring_set) else None
        inputs, feed = choice.kept, _next_feed(block, inputs, choice.kept, feed, held, scoring_set, criterion, config)
    return inputs, feed


def _score_and_choose(
    chain: Sequence[Block],
    depth: int,
    inputs: Sequence[int],
    feed: Feed,
    fractions: Sequence[float | None],
    scoring_set: ScoringSet,
    criterion: Criterion,
    config: PruneConfig,
) -> tuple[Split, torch.Tensor | None]:
    """Score a block's filters and choose for each fraction; and the block's outputs (N, H, W, C) if they are held."""
    block = chain[depth]
    hold = depth < len(chain) - 1 and _holds(block, fractions, scoring_set)
    scores, held = _score(
        depth, cut_block(block, inputs, range(block.conv.out_channels)), feed, scoring_set, criterion, config, hold
    )
    split: dict[tuple[int, ...], tuple[LayerChoice, list[float | None]]] = {}
    for fraction in fractions:
        kept, equal = pick(scores, config.rule, fraction, faithful=config.faithful, round_to=config.round_to)
        choice = LayerChoice(block.name, scores, kept, equal)
        split.setdefault(tuple(kept), (choice, []))[1].append(fraction)
    return [*split.values()], held


def _score(
    depth: int, block: Block, feed: Feed, scoring_set: ScoringSet, criterion: Criterion, config: PruneConfig, hold: bool
) -> tuple[dict[str, np.ndarray], torch.Tensor | None]:
    """Scores of a block's filters by group and, if they are to be held, its outputs for all images (N, H, W, C)."""
    filters, count = block.conv.out_channels, len(scoring_set)
    if criterion.looks_at != "maps":
        return weight_scores(criterion, block.conv, depth, list(scoring_set.groups), config.seed), None
    steps = list(batches(count, _map_bytes(block)))
    top = None
    if criterion.quantile is not None:
        quantile = Quantile(filters, criterion.quantile, block.conv.weight.device)
        for where in steps:
            quantile.add(block.run(feed(where)))
        top = quantile.value()
    tally = Tally(count, filters)
    held = _room(count, filters, block) if hold else None
    for where in steps:
        activation = block.run(feed(where))
        tally.add(where, criterion.function(scoring_set.maps(activation, where, top, config.faithful)))
        if held is not None:
            held[where] = block.tail(activation).permute(0, 2, 3, 1)
    return tally.by_group(scoring_set.groups, criterion.pooled), held


# --- the maps that a layer gets once the layers before it are cut: held in memory if they fit, else computed again


def _photographs(backbone: Backbone, scoring_set: ScoringSet) -> Feed:
    """The feed of the first block: preprocessed once, if they fit in memory."""

    def images(where: slice) -> torch.Tensor:
        return backbone.inputs(scoring_set.images[where])

    return images(slice(None)).__getitem__ if 4 * scoring_set.images.size <= HOLD_BYTES else images


def _holds(block: Block, fractions: Sequence[float | None], scoring_set: ScoringSet) -> bool:
    """Whether all of a block's outputs are held while its filters are chosen for these fractions."""
    largest = max(len(scoring_set.groups) * (1.0 if fraction is None else fraction) for fraction in fractions)
    return largest >= HOLD_FROM and _output_bytes(block, block.conv.out_channels, scoring_set) <= HOLD_BYTES


def _next_feed(
    block: Block,
    inputs: Sequence[int],
    kept: Sequence[int],
    feed: Feed,
    held: torch.Tensor | None,
    scoring_set: ScoringSet,
    criterion: Criterion,
    config: PruneConfig,
) -> Feed:
    """The feed of the next block, given what this one keeps: held in memory if it fits, else computed when asked."""
    if criterion.looks_at != "maps":
        return feed  # nobody will ask
    if held is not None and len(kept) >= HOLD_FROM * block.conv.out_channels:
        return _feed_of(_copy(held, kept, block), block.conv.weight.device)
    cut = cut_block(block, inputs, kept)

    def following(where: slice) -> torch.Tensor:
        return cut.tail(cut.run(feed(where)))

    if _output_bytes(block, len(kept), scoring_set) <= HOLD_BYTES:
        return _feed_of(_gather(following, len(scoring_set), cut), block.conv.weight.device)
    return following


def _all_outputs(block: Block, inputs: Sequence[int], feed: Feed, scoring_set: ScoringSet) -> torch.Tensor:
    """All filters' outputs of a block for all images (N, H, W, C)."""
    full = cut_block(block, inputs, range(block.conv.out_channels))
    return _gather(lambda where: full.tail(full.run(feed(where))), len(scoring_set), full)


def _gather(feed: Feed, count: int, block: Block) -> torch.Tensor:
    """A block's outputs for all images (N, H, W, C), in batches that keep its maps small."""
    maps = _room(count, block.conv.out_channels, block)
    for where in batches(count, _map_bytes(block)):
        maps[where] = feed(where).permute(0, 2, 3, 1)
    return maps


def _copy(held: torch.Tensor, kept: Sequence[int], block: Block) -> torch.Tensor:
    """The kept channels of held maps (N, H, W, C), image by image so that no second copy is made on the way."""
    maps, channels = _room(len(held), len(kept), block), torch.tensor(kept)
    for target, source in zip(maps, held, strict=True):
        torch.index_select(source, 2, channels, out=target)
    return maps


def _room(count: int, filters: int, block: Block) -> torch.Tensor:
    """Unset memory for a block's outputs, (N, H, W, C). numpy's lies in huge pages, which the system clears four times
    as fast as torch's; and rows of channels are copied several times as fast as permuted maps."""
    return torch.from_numpy(np.empty((count, *block.out_size, filters), np.float32))


def _feed_of(maps: torch.Tensor, device: torch.device) -> Feed:
    """A feed of maps (N, H, W, C) that are in memory, to the device that scores them."""
    return lambda where: maps[where].to(device).permute(0, 3, 1, 2)


def _map_bytes(block: Block) -> int:
    """Bytes of one image's scored maps."""
    return 4 * block.conv.out_channels * block.map_size[0] * block.map_size[1]


def _output_bytes(block: Block, filters: int, scoring_set: ScoringSet) -> int:
    """Bytes of so many filters' outputs, of all images."""
    return 4 * filters * block.out_size[0] * block.out_size[1] * len(scoring_set)


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
    return block._replace(conv=cut, head=_cut_norms(block.head, outputs), tail=_cut_norms(block.tail, outputs))


def _cut_norms(layers: nn.Sequential, kept: Sequence[int]) -> nn.Sequential:
    """The same layers with batch norms that hold only the `kept` channels."""
    made: list[nn.Module] = []
    for layer in layers:
        if isinstance(layer, nn.BatchNorm2d):
            norm = nn.BatchNorm2d(len(kept), eps=layer.eps)
            norm.load_state_dict(
                {key: value[list(kept)] if value.dim() else value for key, value in layer.state_dict().items()}
            )
            made.append(norm.eval().to(layer.weight.device))
        else:
            made.append(layer)
    return nn.Sequential(*made)
