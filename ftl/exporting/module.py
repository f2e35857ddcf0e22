"""A network with its head as one module: from the preprocessed tensor to probabilities."""

from __future__ import annotations

import torch
from torch import nn

from ftl.models.classifier import Model


class Joined(nn.Module):
    """What `Model.probabilities` does behind the preprocessing: float32 (1, 3, size, size) to (1, classes).

    The head's weights are put in the order of the maps in memory, (C, H, W), so that nothing is turned around on the
    way; they are float32 here, which changes probabilities by about 1e-6.
    """

    def __init__(self, model: Model) -> None:
        super().__init__()
        self.features, self.pooled = model.network.features, model.head.pooled
        weight, bias = torch.from_numpy(model.head.weight), torch.from_numpy(model.head.bias)
        if not self.pooled:
            with torch.inference_mode():
                _, channels, height, width = model.network(self.input_of(model)).shape
            weight = weight.reshape(-1, height, width, channels).permute(0, 3, 1, 2).flatten(1)
        self.head = nn.Linear(weight.shape[1], len(weight))
        self.head.weight.data, self.head.bias.data = weight.contiguous(), bias
        self.eval().requires_grad_(False)

    @staticmethod
    def input_of(model: Model) -> torch.Tensor:
        """A tensor of the shape that the network takes."""
        return torch.zeros(1, 3, *[model.network.preprocess.size] * 2)

    def forward(self, tensor: torch.Tensor) -> torch.Tensor:
        """(1, 3, size, size) to probabilities (1, classes); one logit gives those of two classes."""
        maps = self.features(tensor)
        logits = self.head(maps.mean((2, 3)) if self.pooled else maps.flatten(1))
        if logits.shape[1] > 1:
            return logits.softmax(1)
        positive = logits.sigmoid()
        return torch.cat([1 - positive, positive], 1)
