"""Scoring and pruning against the bare forward passes; a sweep against its single runs and against one pass.

python -m benchmarks.scoring [IMAGES]
"""

from __future__ import annotations

import sys
from statistics import median
from typing import Any, Literal

import torch

from benchmarks._material import head_line, pairs, seconds, vgg16
from ftl import Backbone, MaskSet, PruneConfig, load_masks
from ftl.memory import reuse_freed_memory
from ftl.models.backbone import Block, blocks
from ftl.models.layer_choice import LayerChoice
from ftl.pruning.choose import choose_filters
from ftl.pruning.layerwise import cut_block
from ftl.pruning.scoring import batches
from ftl.pruning.surgery import prune

Choices = dict[float | None, list[LayerChoice]]
SWEEPS = {
    "0.01 to 0.20, as `ftl prune OUT vgg16 20`": [step / 100 for step in range(1, 21)],
    "0.05 to 1.00": [step / 20 for step in range(1, 21)],
}


@torch.inference_mode()
def bare(backbone: Backbone, masks: MaskSet, choices: Choices, fraction: float) -> float:
    """Seconds for the layers' forward passes alone: cut inputs, all filters, the same images and batches."""
    chain, count = blocks(backbone), len(masks)
    kept = [range(3), *(layer.kept for layer in choices[fraction])]
    total = seconds(lambda: backbone.preprocess([one.image for one in masks.examples]))
    x = backbone.preprocess([one.image for one in masks.examples])
    for block, inputs, outputs in zip(chain, kept, kept[1:], strict=False):
        full = cut_block(block, inputs, range(block.conv.out_channels))
        steps = list(batches(count, 4 * block.conv.out_channels * block.map_size[0] * block.map_size[1]))

        def forward(full: Block = full, steps: list[slice] = steps, x: Any = x) -> None:
            for where in steps:
                full.tail(full.run(x[where]))

        total += seconds(forward)
        following = torch.cat([full.tail(full.run(x[where]))[:, list(outputs)] for where in steps])
        x = following.contiguous(memory_format=torch.channels_last)
    return total


@torch.inference_mode()
def one_pass(backbone: Backbone, masks: MaskSet) -> None:
    for start in range(0, len(masks), 4):
        backbone(backbone.preprocess([one.image for one in masks.examples[start : start + 4]]))


def run(
    backbone: Backbone, masks: MaskSet, fractions: list[float], mode: Literal["layerwise", "one_shot"] = "layerwise"
) -> Choices:
    choices = dict(choose_filters(backbone, masks, fractions, PruneConfig(mode=mode)))
    for layers in choices.values():
        prune(backbone, {layer.name: layer.kept for layer in layers})
    return choices


def main() -> None:
    reuse_freed_memory()
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 48
    images, files = pairs(count)
    backbone, masks = vgg16(), load_masks(images, files)
    head_line(f"VGG16, {count} photographs, criterion iou")
    run(backbone, masks, [0.1])  # warm
    print("  scoring and pruning one K / bare forward passes of the same layers (aim: at most 1.5)")
    for fraction in (0.05, 0.1, 0.2, 0.5):
        ours, theirs = [], []
        for _ in range(3):
            choices: Choices = {}
            ours.append(seconds(lambda f=fraction: choices.update(run(backbone, masks, [f]))))  # noqa: B023
            theirs.append(bare(backbone, masks, choices, fraction))
        ratio = median(ours) / median(theirs)
        print(f"    K = {fraction:4}: {median(ours):6.2f} s / {median(theirs):6.2f} s = {ratio:.2f}")
    print("  a layer-by-layer sweep of 20 fractions / the sum of its 20 single runs (aim: at most 0.8)")
    for name, fractions in SWEEPS.items():
        together = seconds(lambda fs=fractions: run(backbone, load_masks(images, files), fs))
        alone = sum(seconds(lambda f=f: run(backbone, load_masks(images, files), [f])) for f in fractions)
        print(f"    {name}: {together:6.1f} s / {alone:6.1f} s = {together / alone:.2f}")
    print("  a `once` sweep of 20 fractions / one pass of the unpruned network (aim: at most 1.5)")
    one_pass(backbone, masks)
    passed = median(seconds(lambda: one_pass(backbone, masks)) for _ in range(3))
    for name, fractions in SWEEPS.items():
        swept = seconds(lambda fs=fractions: run(backbone, masks, fs, "one_shot"))
        print(f"    {name}: {swept:6.1f} s / {passed:6.1f} s = {swept / passed:.2f}")


if __name__ == "__main__":
    main()
