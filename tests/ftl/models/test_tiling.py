"""Photographs in tiles: where these begin, how they are blended, and that nothing larger is computed at once."""

from __future__ import annotations

from itertools import pairwise
from typing import Any, cast

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from ftl.models.preprocess import Preprocess
from ftl.models.segmenter import Segmenter, probabilities_of
from ftl.models.tiling import ramp, segment, starts
from tests.conftest import make_backbone
from tests.drawn_photographs import make_segmenter


class Pointwise(nn.Module):
    """Each pixel's logit is its own brightness, whatever is beside it; the sizes that it was asked for are kept."""

    stride, least = 4, 8

    def __init__(self) -> None:
        super().__init__()
        self.network = make_backbone()
        self.network.preprocess = Preprocess("raw", 32)
        self.asked = list[tuple[int, int]]()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.asked.append((x.shape[2], x.shape[3]))
        return x.mean(1, keepdim=True) / 64 - 2

    def probabilities(self, x: torch.Tensor) -> torch.Tensor:
        return probabilities_of(self(x))


def pointwise() -> tuple[Segmenter, Pointwise]:
    model = Pointwise()
    return cast(Segmenter, model), model


@given(st.integers(1, 6000), st.integers(1, 1200), st.data())
def test_tiles_cover_a_side_and_overlap_as_far_as_asked(length: int, tile: int, data: st.DataObject) -> None:
    overlap = data.draw(st.integers(0, tile - 1))
    found = starts(length, tile, overlap)
    assert found[0] == 0
    if length <= tile:
        assert found == [0]
        return
    assert found[-1] + tile == length  # it reaches the end, and not beyond
    assert all(0 < after - before <= tile - overlap for before, after in pairwise(found))


@given(st.integers(1, 300), st.integers(1, 100))
def test_weights_fall_towards_both_edges_and_are_never_0(length: int, overlap: int) -> None:
    weights = ramp(length, overlap)
    assert weights.shape == (length,)
    assert weights.dtype == np.float32
    assert (weights > 0).all()
    assert (weights <= 1).all()
    assert np.array_equal(weights, weights[::-1])
    assert (np.diff(weights[: (length + 1) // 2]) >= 0).all()


@given(st.integers(1, 90), st.integers(1, 90), st.integers(0, 2**32 - 1))
def test_tiles_are_blended_into_what_the_whole_photograph_gives(height: int, width: int, seed: int) -> None:
    """To rounding, for a network that sees no neighbours."""
    image = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    model, record = pointwise()
    tiled = segment(model, image, 32, 12)
    assert max(map(max, record.asked)) <= 32
    assert all(side % 4 == 0 and side >= 8 for asked in record.asked for side in asked)
    whole = segment(model, image, 128, 12)
    assert tiled.dtype == whole.dtype == np.float32
    assert tiled.shape == whole.shape == (2, height, width)
    np.testing.assert_allclose(tiled, whole, atol=1e-6)
    np.testing.assert_allclose(tiled.sum(0), 1, atol=1e-6)


def test_one_grey_shows_no_seam() -> None:
    model, _ = pointwise()
    drawn = segment(model, np.full((75, 61, 3), 140, np.uint8), 32, 12)
    assert np.ptp(drawn[1]) < 1e-6


def test_a_photograph_that_is_hardly_larger_than_a_tile_is_cut_and_one_that_is_not_is_not() -> None:
    model, record = pointwise()
    segment(model, np.zeros((32, 32, 3), np.uint8), 32, 12)
    assert record.asked == [(32, 32)]
    segment(model, np.zeros((32, 33, 3), np.uint8), 32, 12)
    assert len(record.asked) == 3


@pytest.mark.parametrize("classes", [("crack",), ("crack", "pore")])
def test_far_from_edges_a_real_network_draws_in_tiles_what_it_draws_at_once(classes: tuple[str, ...]) -> None:
    """Where tiles begin at whole steps, and hold all that a pixel depends on."""
    model: Any = make_segmenter(classes)
    image = np.random.default_rng(0).integers(0, 256, (96, 256, 3), dtype=np.uint8)
    whole, tiled = segment(model, image, 256, 96), segment(model, image, 192, 128)
    assert starts(256, 192, 128) == [0, 64]
    np.testing.assert_allclose(tiled[:, :, :2], whole[:, :, :2], atol=0.2)
    middle = np.s_[:, :, 126:130]
    assert np.abs(tiled[middle] - whole[middle]).max() < 0.02
