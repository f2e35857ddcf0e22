"""BN recalibration: batch norms take the statistics of the pruned network's own maps; no weight is trained."""

from __future__ import annotations

import copy

import numpy as np
import torch
from torch import nn

from ftl.data.photographs import Photographs
from ftl.device import device_of
from ftl.models.backbone import Backbone
from ftl.training.loop import inputs

MOST = 512
"""Images whose maps are looked at; more change nothing that matters."""


@torch.no_grad()
def recalibrate(network: Backbone, photographs: Photographs, indices: np.ndarray, seed: int = 0) -> Backbone:
    """A copy whose batch norms have the mean and variance of its maps over images, of which at most 512 are drawn.

    Cut filters leave the layers behind them with other maps than those that the statistics were taken on.
    """
    made = copy.deepcopy(network).to(device_of())
    drawn = np.random.default_rng(seed).permutation(indices)[:MOST]
    recalibrate_norms(made, photographs, drawn)
    return made.cpu()


@torch.no_grad()
def recalibrate_norms(network: Backbone, photographs: Photographs, indices: np.ndarray) -> None:
    """Give a network's batch norms, in place, the mean and variance of its maps over images; it does not train then.

    As `torch.optim.swa_utils.update_bn`, but each image counts the same, not each batch, and dropout stays off.
    """
    norms = [layer for layer in network.modules() if isinstance(layer, nn.BatchNorm2d)]
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.train()
    seen = 0
    for x in inputs(network, photographs, indices):
        seen += len(x)
        for norm in norms:
            norm.momentum = len(x) / seen
        network(x)
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
    network.eval()
