"""Maximum pooling gives what torch gives, however it is computed."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from ftl.models.backbone import build, describe
from ftl.models.pooling import MaxPool


@given(
    st.integers(1, 4), st.integers(1, 3), st.integers(0, 1), st.booleans(), st.integers(30, 70), st.integers(30, 70),
    st.integers(1, 9), st.integers(0, 99),
)  # fmt: skip
def test_it_is_torchs_to_the_bit(
    kernel: int, stride: int, padding: int, ceil: bool, height: int, width: int, channels: int, seed: int
) -> None:
    padding = min(padding, kernel // 2)
    maps = np.random.default_rng(seed).normal(size=(2, channels, height, width)).astype(np.float32)
    maps[maps > 2.5] = np.nan
    maps[maps < -2.5] = -np.inf
    x = torch.from_numpy(maps).contiguous(memory_format=torch.channels_last)
    expected = F.max_pool2d(x, kernel, stride, padding, ceil_mode=ceil)
    layer = MaxPool(kernel, stride, padding, ceil_mode=ceil)
    with torch.inference_mode():
        made = layer(x)
    assert made.stride() == expected.stride()  # channels last, as maps came
    torch.testing.assert_close(made, expected, rtol=0, atol=0, equal_nan=True)
    torch.testing.assert_close(layer(x), expected, rtol=0, atol=0, equal_nan=True)


def test_large_maps_are_not_left_to_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    monkeypatch.setattr(nn.MaxPool2d, "forward", lambda self, x: calls.append(x.shape))
    with torch.inference_mode():
        assert MaxPool(2, 2)(torch.zeros(1, 2, 64, 64)).shape == (1, 2, 32, 32)
        MaxPool(2, 2)(torch.zeros(1, 2, 8, 8))
    MaxPool(2, 2)(torch.zeros(1, 2, 64, 64))  # as one operation, where gradients may be asked for
    assert calls == [(1, 2, 8, 8), (1, 2, 64, 64)]


def test_networks_are_built_with_it_described_without_and_exported_as_one_operation() -> None:
    layers = nn.Sequential(nn.Conv2d(3, 2, 3), nn.MaxPool2d(2, 2))
    built = build(describe(layers))
    assert type(built[1]) is MaxPool
    assert describe(built) == describe(layers)
    with torch.no_grad():
        program = torch.export.export(built, (torch.zeros(1, 3, 66, 66),))
    assert [str(node.target) for node in program.graph.nodes if "pool" in str(node.target)] == [
        "aten.max_pool2d.default"
    ]
