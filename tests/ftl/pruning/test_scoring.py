"""Criteria against a plain, slow reading of their definitions."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from ftl.errors import FtlError
from ftl.pruning.criteria import CRITERIA, Maps, criterion
from ftl.pruning.scoring import BATCH_BYTES, Quantile, Tally, batches


def maps(seed: int, n: int, c: int, h: int, w: int, wrap: bool, empty: bool = False) -> Maps:
    rng = np.random.default_rng(seed)
    activation = torch.from_numpy((rng.standard_normal((n, c, h, w)) * 300).astype(np.float32)).relu_()
    grey = rng.choice(np.array([0, 0, 0, 1, 77, 128, 255], np.uint8), (n, h, w)) * np.uint8(not empty)
    full = np.stack([cv2.resize(one, (2 * w, 2 * h)) > 127 for one in grey])
    activation = activation.contiguous(memory_format=torch.channels_last)
    return Maps(activation, torch.from_numpy(grey), torch.from_numpy(full), None, wrap)


def as_bytes(activation: np.ndarray, wrap: bool) -> np.ndarray:
    whole = np.trunc(activation).astype(np.int64)
    return (whole % 256 if wrap else whole.clip(0, 255)).astype(np.uint8)


shapes = st.tuples(
    st.integers(0, 99), st.integers(1, 3), st.integers(1, 70), st.integers(1, 20), st.integers(1, 20), st.booleans()
)


@given(shapes, st.booleans())
def test_original_criteria(shape: tuple[int, int, int, int, int, bool], empty: bool) -> None:
    data = maps(*shape, empty=empty)
    values = as_bytes(data.activation.numpy(), data.wrap)
    mask = data.grey.numpy()[:, None]
    common = np.count_nonzero(values & mask, axis=(2, 3))
    either = np.count_nonzero(values | mask, axis=(2, 3))
    inside = np.count_nonzero(mask, axis=(2, 3))
    for name, expected in (("iou", (common, either)), ("predicate1", (common, np.broadcast_to(inside, common.shape)))):
        got = criterion(name).function(data)
        np.testing.assert_array_equal(got[0], expected[0])
        np.testing.assert_array_equal(got[1], expected[1])
    left_out = np.count_nonzero(~values & ~mask, axis=(2, 3))
    outside = np.count_nonzero(~mask, axis=(2, 3))
    covered = np.where(inside > 0, common / np.maximum(inside, 1), 1.0)
    spared = np.where(outside > 0, left_out / np.maximum(outside, 1), 1.0)
    got = criterion("predicate2").function(data)
    np.testing.assert_allclose(got[0] / got[1], (covered + spared) / 2, rtol=1e-6)


@given(shapes)
def test_binary_iou(shape: tuple[int, int, int, int, int, bool]) -> None:
    data = maps(*shape)
    active, inside = data.activation.numpy() > 0, data.grey.numpy()[:, None] > 127
    common, either = criterion("binary_iou").function(data)
    np.testing.assert_array_equal(common, (active & inside).sum((2, 3)))
    np.testing.assert_array_equal(either, (active | inside).sum((2, 3)))


@pytest.mark.parametrize(("filters", "width"), [(8, 255), (8, 256), (7, 255)])
def test_a_row_of_active_pixels_is_counted_to_the_last(filters: int, width: int) -> None:
    activation = torch.full((2, filters, 3, width), 4e9)  # beyond an int32
    activation[1, 0] = 0.5  # its integer part is 0
    grey = torch.zeros((2, 3, width), dtype=torch.uint8)
    data = Maps(activation.contiguous(memory_format=torch.channels_last), grey, grey > 127)
    expected = np.full((2, filters), 3 * width)
    np.testing.assert_array_equal(criterion("binary_iou").function(data)[1], expected)
    expected[1, 0] = 0
    np.testing.assert_array_equal(criterion("iou").function(data)[1], expected)


def test_grey_values_without_a_common_bit_lose_overlap_only_in_the_original() -> None:
    activation = torch.full((1, 1, 4, 4), 2.0).contiguous(memory_format=torch.channels_last)
    grey = torch.full((1, 4, 4), 253, dtype=torch.uint8)  # every bit but the map's
    data = Maps(activation, grey, grey > 127)
    assert criterion("iou").function(data)[0].item() == 0
    assert criterion("binary_iou").function(data)[0].item() == 16


@given(st.integers(0, 50), st.integers(1, 70))
def test_dissection_scales_the_map_to_the_mask(seed: int, filters: int) -> None:
    data = maps(seed, 2, filters, 6, 5, False)
    top = torch.full((filters,), 150.0)
    common, either = criterion("dissection").function(Maps(data.activation, data.grey, data.full, top))
    grown = nn.functional.interpolate(data.activation, size=(12, 10), mode="bilinear") > 150.0
    inside = data.full[:, None]
    np.testing.assert_array_equal(common, (grown & inside).sum((2, 3)))
    np.testing.assert_array_equal(either, (grown | inside).sum((2, 3)))


@given(st.integers(0, 50), st.sampled_from([0.5, 0.1, 0.01]))
def test_the_quantile_is_each_filters_own_pooled_over_batches(seed: int, share: float) -> None:
    data = maps(seed, 6, 5, 11, 9, False).activation * torch.arange(5)[:, None, None]
    quantile = Quantile(5, share)
    for where in (slice(0, 2), slice(2, 6)):
        quantile.add(data[where])
    for filter_, top in enumerate(quantile.value()):
        values = data[:, filter_].flatten()
        exact = torch.quantile(values, 1 - share, interpolation="higher")
        assert (values > top).float().mean() <= share + 1 / len(values) or top == 0
        assert abs(top - exact) <= exact / 64 + 1e-6 or top <= exact
        assert (values > top).any() or not (values > 0).any() or top >= values.max() * (1 - 1 / 64)


def test_baselines() -> None:
    conv = nn.Conv2d(3, 4, 2)
    np.testing.assert_allclose(
        criterion("l1").function(conv, 0, np.random.default_rng(0)).detach(),
        np.abs(conv.weight.detach().numpy()).sum((1, 2, 3)),
        rtol=1e-6,
    )
    first, again, other = (criterion("random").function(conv, 0, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_the_registry() -> None:
    maps, weights = ["iou", "predicate1", "predicate2", "binary_iou", "dissection"], ["l1", "random"]
    assert list(CRITERIA) == [*maps, *weights, "bn_scale", "taylor"]
    assert all(one.summary for one in CRITERIA.values())
    with pytest.raises(FtlError, match="choose one of iou, predicate1"):
        criterion("dice")


def test_scores_are_means_of_ratios_or_ratios_of_sums_per_group() -> None:
    tally = Tally(3, 2)
    tally.add(slice(0, 2), (torch.tensor([[1, 0], [1, 0]]), torch.tensor([[2, 0], [4, 5]])))
    tally.add(slice(2, 3), (torch.tensor([[3, 3]]), torch.tensor([[3, 4]])))
    groups = {"a": [0, 1], "b": [2]}
    np.testing.assert_allclose(tally.by_group(groups, pooled=False)["a"], [(0.5 + 0.25) / 2, 0])
    np.testing.assert_allclose(tally.by_group(groups, pooled=True)["a"], [2 / 6, 0])
    np.testing.assert_allclose(tally.by_group(groups, pooled=True)["b"], [1, 0.75])


@given(st.integers(1, 50), st.integers(1, 2 * BATCH_BYTES))
def test_batches_cover_everything_once(count: int, each: int) -> None:
    seen = [index for where in batches(count, each) for index in range(count)[where]]
    assert seen == list(range(count))
