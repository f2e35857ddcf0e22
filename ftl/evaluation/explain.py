"""Explanations: what the filters of a layer respond to, and Grad-CAM.

from ftl.evaluation.explain import best_first, explain, filter_views
from ftl.evaluation.layers_left import read_layers

seen = filter_views(load_backbone("models/keep-0.1"), "features.10", masks)
best = best_first(seen.iou.mean(0))[0]
number = read_layers("models/keep-0.1")[4].kept[best]                # the filter's number in the unpruned network
heat, probabilities = explain(load_model("models/keep-0.1"), image, "Crack")
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np
import torch
from torch import fx, nn

from ftl.data.masks import MaskSet
from ftl.device import Device, run_on
from ftl.errors import FtlError
from ftl.models.backbone import Backbone, placed
from ftl.models.classifier import Model
from ftl.models.graph import walk
from ftl.models.head import flattened
from ftl.models.layers import ACTIVATIONS
from ftl.pruning.coupling import coupling_groups
from ftl.pruning.criteria import criterion as criterion_named
from ftl.pruning.scoring import ScoringSet, batches

_ON_THE_WAY = (nn.BatchNorm2d, nn.Identity, nn.Dropout, nn.Dropout2d)
"""What may stand between a convolution and its ReLU."""

_ACTIVATIONS = tuple(kind.module for kind in ACTIVATIONS.values())


class Seen(NamedTuple):
    """The filters of one layer on N photographs: `maps` float32 (N, C, H, W) as they are scored, `iou` (N, C) 0..1."""

    maps: np.ndarray
    iou: np.ndarray


@torch.inference_mode()
def filter_views(
    network: Backbone, layer: str, masks: MaskSet, criterion: str = "iou", *, device: Device = None
) -> Seen:
    """What the filters of a convolution answer to, and how well that fits the masks.

    Args:
        network: a backbone or pruned network.
        layer: name of the convolution, as in `network.convolutions()`.
        masks: photographs with masks, read at the network's input size.
        criterion: `iou`, as the original scores filters, or `binary_iou`: any that gives each image a ratio by itself.
        device: where the network runs (`ftl.device.run_on`).

    Raises:
        FtlError: there is no such layer or criterion.
    """
    how = criterion_named(criterion)
    if how.looks_at != "maps" or how.pooled:
        raise FtlError(f"{criterion} does not score one photograph by itself: take iou or binary_iou")
    with run_on(device):
        network = placed(network)
    scoring_set, size = ScoringSet(masks), network.preprocess.size
    maps, ious = [], []
    for where in batches(len(scoring_set), 4 * 64 * size * size):
        activation = scored_maps(network, layer, network.inputs(scoring_set.images[where]))
        above, below = how.function(scoring_set.maps(activation, where, None, False))
        maps.append(activation.cpu().numpy())
        above, below = above.cpu(), below.cpu()
        ious.append(np.divide(above, below, out=np.zeros(above.shape), where=below.numpy() > 0))
    return Seen(np.concatenate(maps), np.concatenate(ious))


def best_first(values: np.ndarray) -> list[int]:
    """Indices of values (n,), the highest first; of equal ones the lower index, as when filters are kept."""
    return [int(index) for index in np.argsort(-values, kind="stable")]


def scored_maps(network: Backbone, layer: str, x: torch.Tensor) -> torch.Tensor:
    """The maps (N, C, H, W) on which a layer's filters are scored, of a network's input x.

    Of coupled filters, the last map where they meet. Raises `FtlError` when there is no such layer.
    """
    if isinstance(network.features, fx.GraphModule):
        group = next((group for group in coupling_groups(network) if layer in group.members), None)
        if group is not None:
            ((_, maps),) = walk(network.features, x, group.after[-1:])
            return maps
    return run_to(network, layer, x)[1]


def run_to(network: Backbone, layer: str, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The last maps of a network, and those (N, C, H, W) on which a layer's filters are scored, of its input x.

    Those are the convolution's outputs behind its ReLU, or bare where none follows before the next pool or convolution
    (`Block.run` of a chain). The tensor is followed from module to module, so the network may branch. Other threads may
    run the network meanwhile. Raises `FtlError` when there is no such layer.
    """
    convolutions = network.convolutions()
    if layer not in convolutions:
        raise FtlError(f"the network has no convolution {layer!r}: it has {', '.join(convolutions)}")
    conv, found = convolutions[layer], torch.empty(0)
    followed: torch.Tensor | None = None
    own = threading.get_ident()

    def follow(module: nn.Module, inputs: tuple[torch.Tensor, ...], output: torch.Tensor) -> None:
        nonlocal found, followed
        if threading.get_ident() != own:  # hooks are the network's, which pages share
            return
        if module is conv:
            found = followed = output
        elif followed is not None and inputs and inputs[0] is followed:
            followed = output if isinstance(module, _ON_THE_WAY) else None
            found = output if isinstance(module, _ACTIVATIONS) else found

    hooks = [one.register_forward_hook(follow) for one in network.modules() if not list(one.children())]
    try:
        last = network(x)
    finally:
        for hook in hooks:
            hook.remove()
    return last, found


def explain(
    model: Model, image: np.ndarray, label: str, layer: str | None = None, *, device: Device = None
) -> tuple[np.ndarray, np.ndarray]:
    """Grad-CAM (Selvaraju et al. 2017, doi 10.1109/ICCV.2017.74): where a photograph speaks for a class.

    With the maps A_c (H, W) of a layer behind its ReLU, and the score y of the class before the softmax (with two
    classes their log-odds), the heat is

        relu(sum_c a_c A_c),   a_c = 1 / (H W) sum_ij dy / dA_c,ij

    It is resized bilinearly and divided by its highest value; it is 0 all over where nothing speaks for the class. A
    head that is not pooled weighs every place by itself (`Model.evidence` tells by how much), and few photographs teach
    it noise there: this averages over places.

    Args:
        image: RGB uint8 (height, width, 3).
        label: the class that is asked about, one of `model.classes`.
        layer: name of a convolution; the last by default.
        device: where the network runs (`ftl.device.run_on`).

    Returns:
        Heat, float32 (S, S), 0..1, at the network's input size S; and the class probabilities (classes,).

    Raises:
        FtlError: there is no such class or layer.
    """
    if label not in model.classes:
        raise FtlError(f"there is no class {label!r} to look for: there are {', '.join(model.classes)}")
    with run_on(device):
        at, head, network = model.classes.index(label), model.head, placed(model.network)
    with torch.enable_grad():
        x = network.inputs([image]).requires_grad_(True)  # weights need no gradient, so without this nothing has
        last, maps = run_to(network, layer or [*network.convolutions()][-1], x)
        features = flattened(last, pooled=head.pooled)
        weight = head.weight[0] if len(head.weight) == 1 else head.weight[at]
        slope = torch.from_numpy(-weight if len(head.weight) == 1 and at == 0 else weight)
        score = features[0] @ slope.to(network.device)
        (slopes,) = torch.autograd.grad(score, maps)
    heat = torch.einsum("c,chw->hw", slopes[0].mean((1, 2)), maps[0].detach()).clamp(min=0).cpu().numpy()
    grown = cv2.resize(heat, (network.preprocess.size,) * 2, interpolation=cv2.INTER_LINEAR)
    return grown / (grown.max() or 1), head.probabilities(features.detach().cpu().numpy())[0]


def telling_heat(
    model: Model, image: np.ndarray, label: str, layers: Sequence[str] | None = None
) -> tuple[str, np.ndarray]:
    """The last of these convolutions, of all by default, at which something in an image speaks for a class; its heat.

    The last one where nothing does. `explain` takes means over places, and of a last layer in which hardly a filter
    answers nothing may be left, however sure the network is.
    """
    names = [*model.network.convolutions()] if layers is None else layers
    heat = np.zeros((1, 1), np.float32)
    for name in reversed(names):
        heat, _ = explain(model, image, label, name)
        if heat.any():
            return name, heat
    return names[-1], heat
