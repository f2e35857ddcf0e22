"""Criteria of the whole network at once, as baselines: scales of batch norms, and gradients of the loss (Taylor).

They give scores of all filters in one go; `bind` turns such a criterion into one that looks its scores up.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from ftl.data.dataset import Dataset, split
from ftl.data.images import read_image
from ftl.device import device_of
from ftl.errors import FtlError
from ftl.models.backbone import Backbone
from ftl.pruning.criteria import CRITERIA, Criterion

MOST = 512
"""Images whose loss is looked at."""

_BATCH = 8

Table = list[np.ndarray]
"""Scores (C,) of each convolution, in order."""


def bind(criterion: Criterion, backbone: Backbone, learn: Dataset, seed: int, photo: str | None) -> Criterion:
    """The criterion with the scores of all filters of `backbone`; any other criterion as it is.

    Only images of `learn` that are trained on are looked at. Raises `FtlError` where there is nothing to score by.
    """
    if criterion.looks_at != "network":
        return criterion
    table = _FUNCTIONS[criterion.name](backbone, learn, seed, photo)

    def look_up(conv: nn.Conv2d, depth: int, rng: np.random.Generator) -> torch.Tensor:
        return torch.from_numpy(table[depth])

    return criterion._replace(function=look_up, looks_at="weights")


def unscaled(backbone: Backbone) -> list[str]:
    """The convolutions with no batch norm directly behind them: where there are any, `bn_scale` has no scores."""
    scales = _scales(backbone)
    return [name for name in backbone.convolutions() if name not in scales]


def check_scores(criterion: Criterion, backbone: Backbone) -> None:
    """Raise `FtlError` where the network has nothing that the criterion scores by."""
    if criterion.name == "bn_scale" and (lacking := unscaled(backbone)):
        raise FtlError(
            f"bn_scale: {lacking[0]} of {backbone.name} has no batch norm behind it: choose another criterion"
        )


def bn_scale(backbone: Backbone, learn: Dataset, seed: int, photo: str | None) -> Table:
    """The size of the scale in the batch norm directly behind a filter (Liu et al. 2017, Network Slimming)."""
    check_scores(CRITERIA["bn_scale"], backbone)
    scales = _scales(backbone)
    return [scales[name] for name in backbone.convolutions()]


def _scales(backbone: Backbone) -> dict[str, np.ndarray]:
    spec = backbone.spec()
    if isinstance(spec, dict):
        pairs = [(one["from"][0], one["name"]) for one in spec["nodes"] if one["type"] == "norm"]
    else:
        names = [name for name, _ in backbone.features.named_children()]
        pairs = list(pairwise(names))
    norms = {before: backbone.features.get_submodule(behind) for before, behind in pairs}
    return {
        f"features.{name}": norm.weight.detach().abs().double().numpy()
        for name, norm in norms.items()
        if isinstance(norm, nn.BatchNorm2d)
    }


def taylor(backbone: Backbone, learn: Dataset, seed: int, photo: str | None) -> Table:
    """The mean over batches of (sum of gradient times weight)^2: the loss' change without the filter, to first order.

    Molchanov et al. 2019, "Importance Estimation for Neural Network Pruning", its gates. The loss is that of a linear
    head on the means of the last maps, fitted to the same images.
    """
    convolutions = list(backbone.convolutions().values())
    sums = [np.zeros(conv.out_channels) for conv in convolutions]

    def add(batches: int) -> None:
        for total, conv in zip(sums, convolutions, strict=True):
            assert conv.weight.grad is not None
            total += ((conv.weight.grad * conv.weight).sum((1, 2, 3)).detach().double() ** 2).cpu().numpy() / batches
            conv.weight.grad = None

    loss_gradients(backbone, learn, seed, photo, add)
    return sums


def loss_gradients(
    backbone: Backbone,
    learn: Dataset,
    seed: int,
    photo: str | None,
    each: Callable[[int], None] = lambda batches: None,
) -> None:
    """Leave the gradient of a linear head's loss, summed over images that are trained on, in the convolutions' weights.

    `each(batches)` is called behind each of so many batches, and may take the gradients away.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    train, _ = split(learn, seed=seed, photo=photo)
    chosen = np.random.default_rng(seed).permutation(train)[:MOST]
    batches = [chosen[start : start + _BATCH] for start in range(0, len(chosen), _BATCH)]

    device = device_of(training=True)
    backbone.to(device)

    def prepared(batch: np.ndarray) -> torch.Tensor:
        return backbone.inputs([read_image(learn.paths[index]) for index in batch])

    with torch.no_grad():
        means = torch.cat([backbone(prepared(batch)).mean((2, 3)) for batch in batches]).cpu().numpy()
    scaler, model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000)).fit(means, learn.labels[chosen])
    two = len(model.coef_) == 1  # scikit-learn's logits of two classes are one: that of the first is 0
    parts = [np.concatenate([np.zeros_like(one), one]) if two else one for one in (model.coef_, model.intercept_)]
    parts += [scaler.mean_, scaler.scale_]
    weight, bias, mean, scale = (torch.from_numpy(one).float().to(device) for one in parts)
    weights = [conv.weight for conv in backbone.convolutions().values()]
    fixed = [one for one in weights if not one.requires_grad]
    try:
        for one in fixed:
            one.requires_grad_(True)
        for batch in batches:
            logits = (backbone(prepared(batch)).mean((2, 3)) - mean) / scale @ weight.T + bias
            F.cross_entropy(logits, torch.from_numpy(learn.labels[batch]).to(device)).backward()
            each(len(batches))
    finally:
        for one in fixed:
            one.requires_grad_(False)
        backbone.cpu()


_FUNCTIONS: dict[str, Callable[[Backbone, Dataset, int, str | None], Table]] = {"bn_scale": bn_scale, "taylor": taylor}
