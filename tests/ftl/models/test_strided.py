"""Shortcuts that skip pixels: the same values and gradients as torch's, by an operation that is safe to train."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from ftl.models.backbone import build, describe
from ftl.models.registry import architecture
from ftl.models.strided import StridedPointwise


@pytest.mark.parametrize("stride", [2, (3, 1)], ids=str)
@pytest.mark.parametrize("side", [12, 13])
def test_values_and_gradients_are_those_of_torch(stride: int | tuple[int, int], side: int) -> None:
    torch.manual_seed(0)
    own = StridedPointwise(5, 7, 1, stride)
    plain = nn.Conv2d(5, 7, 1, stride)
    plain.load_state_dict(own.state_dict())
    x = torch.randn(3, 5, side, side + 4)
    found, wanted = own.train()(x), plain(x)  # not channels last, where torch's are right
    torch.testing.assert_close(found, wanted)
    (found**2).sum().backward()
    (wanted**2).sum().backward()
    for mine, theirs in zip(own.parameters(), plain.parameters(), strict=True):
        torch.testing.assert_close(mine.grad, theirs.grad)
    assert torch.equal(own.eval()(x), plain(x))


def test_no_convolution_of_a_pruned_shortcut_skips_pixels_while_it_is_trained(monkeypatch: pytest.MonkeyPatch) -> None:
    """oneDNN's gradients of one, with fewer channels than a register holds, corrupt the memory of the process."""
    strides, real = list[tuple[tuple[int, ...], Any]](), nn.functional.conv2d

    def seen(x: torch.Tensor, weight: torch.Tensor, *more: Any, **named: Any) -> torch.Tensor:
        stride = named.get("stride", more[1] if len(more) > 1 else 1)
        strides.append((tuple(weight.shape[2:]), stride))
        return real(x, weight, *more, **named)

    network = build(architecture("resnet18").spec())
    assert sum(isinstance(layer, StridedPointwise) for layer in network.modules()) == 3
    assert describe(network) == architecture("resnet18").spec()
    monkeypatch.setattr(nn.functional, "conv2d", seen)
    network.train()(torch.randn(2, 3, 64, 64))
    skipping = [shape for shape, stride in strides if shape == (1, 1) and stride not in (1, (1, 1))]
    assert len(strides) == 20
    assert skipping == []
