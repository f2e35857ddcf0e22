"""The maps that a layer gets once the layers before it are cut: held in memory if they fit, else computed again."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import nn

from ftl.models.backbone import Backbone, Block
from ftl.pruning.scoring import Evidence, Feed, batches
from ftl.pruning.settings import How

HOLD_BYTES = 2**29
"""The most that one layer's maps, for all images, may take in memory. Larger ones are computed again, from the last
maps that were held. The limit does not depend on the sweep, so neither does any rounding."""

HOLD_FROM = 0.3
"""Where a smaller share of a layer's filters is kept, computing those again costs less than holding all until the
scores are known: that share of the layer's multiply-adds, against writing and reading every map."""


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


def photographs(backbone: Backbone, evidence: Evidence) -> Feed:
    """The feed of the first block: preprocessed once, if they fit in memory."""

    def images(where: slice) -> torch.Tensor:
        return backbone.preprocess(evidence.images[where])

    return images(slice(None)).__getitem__ if 4 * evidence.images.size <= HOLD_BYTES else images


def holds(block: Block, fractions: Sequence[float | None], evidence: Evidence) -> bool:
    """Whether all of a block's outputs are held while its filters are chosen for these fractions."""
    each = 4 * block.out_size[0] * block.out_size[1] * len(evidence)  # bytes of one filter's output
    most = max(len(evidence.groups) * (1.0 if fraction is None else fraction) for fraction in fractions)
    return most >= HOLD_FROM and each * block.conv.out_channels <= HOLD_BYTES


def onward(
    block: Block,
    inputs: Sequence[int],
    kept: Sequence[int],
    feed: Feed,
    held: torch.Tensor | None,
    evidence: Evidence,
    how: How,
) -> Feed:
    """The feed of the next block, given what this one keeps: held in memory if it fits, else computed when asked."""
    if how.criterion.looks_at != "maps":
        return feed  # nobody will ask
    if held is not None and len(kept) >= HOLD_FROM * block.conv.out_channels:
        return _held(_copy(held, kept, block))
    cut = cut_block(block, inputs, kept)

    def following(where: slice) -> torch.Tensor:
        return cut.tail(cut.run(feed(where)))

    if 4 * len(kept) * block.out_size[0] * block.out_size[1] * len(evidence) <= HOLD_BYTES:
        return _held(_gather(following, len(evidence), len(kept), block))
    return following


def room(count: int, filters: int, block: Block) -> torch.Tensor:
    """Unset memory for a block's outputs, (N, H, W, C). numpy's lies in huge pages, which the system clears four times
    as fast as torch's; and rows of channels are copied several times as fast as permuted maps."""
    return torch.from_numpy(np.empty((count, *block.out_size, filters), np.float32))


def _copy(held: torch.Tensor, kept: Sequence[int], block: Block) -> torch.Tensor:
    """The kept channels of held maps (N, H, W, C), image by image so that no second copy is made on the way."""
    maps, channels = room(len(held), len(kept), block), torch.tensor(kept)
    for one, source in zip(maps, held, strict=True):
        torch.index_select(source, 2, channels, out=one)
    return maps


def _gather(feed: Feed, count: int, filters: int, block: Block) -> torch.Tensor:
    """A block's outputs for all images (N, H, W, C), in batches that keep its maps small."""
    maps = room(count, filters, block)
    for where in batches(count, 4 * filters * block.map_size[0] * block.map_size[1]):
        maps[where] = feed(where).permute(0, 2, 3, 1)
    return maps


def _held(maps: torch.Tensor) -> Feed:
    """A feed of maps (N, H, W, C) that are in memory."""
    return lambda where: maps[where].permute(0, 3, 1, 2)


def outputs(block: Block, inputs: Sequence[int], feed: Feed, evidence: Evidence) -> torch.Tensor:
    """All filters' outputs of a block for all images (N, H, W, C)."""
    filters = block.conv.out_channels
    full = cut_block(block, inputs, range(filters))
    return _gather(lambda where: full.tail(full.run(feed(where))), len(evidence), filters, block)
