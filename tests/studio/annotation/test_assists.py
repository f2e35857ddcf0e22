"""The assists find a drawn crack where a plain guess would not, and never fail with a traceback."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.filters import sato

from studio.annotation.assists import propose
from studio.annotation.assists.gated_brush import gate, gate_line
from studio.annotation.assists.grabcut import grab
from studio.annotation.assists.ridges import grey, ridges
from studio.annotation.assists.trace import trace
from studio.annotation.rasterise import fold
from studio.annotation.strokes import Brush, Region
from studio.annotation.threshold import Component
from studio.errors import StudioError

H, W = 120, 200
ENDS = np.array([[10.0, 60.0], [190.0, 60.0]])


def curve() -> np.ndarray:
    """Centres of a bowed crack: 35 pixels off the straight line in its middle."""
    x = np.arange(10, 191)
    return np.stack([x, 60 - 35 * np.sin(np.pi * (x - 10) / 180)], axis=1)


def drawn(width: int) -> np.ndarray:
    points = np.round(curve() * 16).astype(np.int32)[:, None]
    return cv2.polylines(np.zeros((H, W), np.uint8), [points], False, 1, width, cv2.LINE_8, 4) > 0


def wall(truth: np.ndarray, seed: int = 0, dark: int = 60) -> np.ndarray:
    level: np.ndarray = np.random.default_rng(seed).normal(170, 8, truth.shape)
    level[truth] -= 170 - dark
    level = cv2.GaussianBlur(level, (0, 0), 0.7)
    return np.repeat(level.clip(0, 255).astype(np.uint8)[..., None], 3, axis=2)


def iou(got: np.ndarray, truth: np.ndarray) -> float:
    return float((got & truth).sum() / (got | truth).sum())


@pytest.mark.parametrize("width", [2, 4, 7])
def test_trace_follows_the_crack_where_a_straight_line_would_not(width: int) -> None:
    truth = drawn(width)
    straight = fold([Brush("s", 1, {"points": ENDS.tolist(), "width": width}, 1)], H, W) > 0
    away = cv2.distanceTransform((~truth).astype(np.uint8), cv2.DIST_L2, 5)
    for given_width in (None, float(width)):
        got = trace(wall(truth), ENDS, given_width)
        assert iou(got, truth) > (0.6 if given_width is None else 0.5) > 5 * iou(straight, truth)
        assert away[got].max() <= 4
        near = cv2.distanceTransform((~got).astype(np.uint8), cv2.DIST_L2, 5)
        assert near[truth].max() <= 4


def test_trace_finds_how_wide_a_crack_is() -> None:
    areas = [trace(wall(drawn(width)), ENDS).sum() / drawn(width).sum() for width in (3, 6, 9)]
    assert all(0.7 < one < 1.5 for one in areas)


def test_trace_goes_through_every_click_and_answers_on_a_large_photograph() -> None:
    clicks = np.array([[10.0, 60.0], [100.0, 25.0], [190.0, 60.0]])
    got = trace(wall(drawn(3)), clicks)
    assert all(got[int(y), int(x)] for x, y in clicks)
    factor = 15
    large = cv2.resize(wall(drawn(5)), (W * factor, H * factor), interpolation=cv2.INTER_LINEAR)
    truth = cv2.resize(drawn(5).astype(np.uint8), (W * factor, H * factor)) > 0
    assert iou(trace(large, ENDS * factor), truth) > 0.6


def largest(found: list[Component], shape: tuple[int, ...]) -> np.ndarray:
    where = np.zeros(shape[:2], bool)
    where[found[0].place] = found[0].inside
    return where


@pytest.mark.parametrize(
    "found",
    [
        lambda photo: trace(photo, np.array([[600.0, 810.0], [2400.0, 990.0]])),
        lambda photo: largest(propose.wide(photo, 100), photo.shape),
    ],
    ids=["trace", "wide proposals"],
)
def test_outlines_have_no_blocks_where_the_photograph_was_made_smaller(
    found: Callable[[np.ndarray], np.ndarray],
) -> None:
    """A straight crack has a straight edge, to the pixel: its own steps leave 0.29 pixels of spread."""
    height, width, slope = 1800, 3000, 0.1
    x, y = np.arange(width) - width / 2, np.arange(height)[:, None] - height / 2
    photo = wall(np.abs(y - slope * x) < 20)
    middle = np.arange(1100, 1900)
    edge = np.argmax(found(photo)[:, middle], axis=0)
    assert np.std(edge - slope * middle) < 0.4


@pytest.mark.parametrize("level", [0, 128, 255])
def test_a_flat_wall_gives_a_line_or_nothing(level: int) -> None:
    flat = np.full((H, W, 3), level, np.uint8)
    line = trace(flat, ENDS)
    assert line.any()
    assert np.abs(np.argwhere(line)[:, 0] - 60).max() <= 4
    assert not gate(flat, np.ones((H, W), bool)).any()
    assert propose.thin(flat, 5) == propose.wide(flat, 5) == []
    assert not grab(flat, (20, 20, 40, 40)).any()


@pytest.mark.parametrize("points", [[[5, 5]], [[5, 5], [5.4, 5.6]], [[-1, 5], [50, 5]], [[5, 5], [W, 5]],
                                    [[5, 5], [5, H + 3]], [], [[float("nan"), 5], [9, 9]]])  # fmt: skip
def test_trace_refuses_clicks_that_make_no_line(points: list[list[float]]) -> None:
    with pytest.raises(StudioError):
        trace(wall(drawn(3)), np.array(points))


@settings(deadline=None, max_examples=60)
@given(st.integers(1, 6), st.integers(1, 6), st.integers(0, 99), st.data())
def test_tiny_photographs_give_a_mask_or_a_sentence(height: int, width: int, seed: int, data: st.DataObject) -> None:
    image = np.random.default_rng(seed).integers(0, 256, (height, width, 3)).astype(np.uint8)
    somewhere = st.tuples(st.floats(-2, width + 2), st.floats(-2, height + 2))
    clicks = np.array(data.draw(st.lists(somewhere, min_size=1, max_size=3)))
    box = (*data.draw(somewhere), data.draw(st.floats(0, 9)), data.draw(st.floats(0, 9)))
    for work in (lambda: trace(image, clicks), lambda: trace(image, clicks, 2.0), lambda: grab(image, box)):
        with suppress(StudioError):
            assert work().shape == (height, width)
    assert gate(image, np.ones((height, width), bool)).shape == (height, width)
    for found in (propose.thin(image, 1), propose.wide(image, 1)):
        assert all(one.on(height, width).any() for one in found)


@given(st.integers(0, 99), st.floats(-40, 40))
def test_the_gated_brush_takes_dark_pixels_inside_alone(seed: int, offset: float) -> None:
    truth = drawn(4)
    image = wall(truth, seed)
    brushed = np.zeros((H, W), bool)
    brushed[20:50, 60:140] = True
    got = gate(image, brushed, offset)
    assert not got[~brushed].any()
    level = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    kept, left = level[got], level[brushed & ~got]
    assert not len(kept) or not len(left) or kept.max() < left.min()
    if offset == 0:
        assert iou(got, truth & brushed) > 0.7


def test_the_gated_brush_has_a_threshold_of_its_own_for_every_stroke() -> None:
    truth = drawn(4)
    image = wall(truth).astype(float)
    image[:, :100] *= 0.35  # in a shadow the wall is as dark as the crack in the light
    image = image.astype(np.uint8)
    lines = [curve()[part].tolist() for part in (slice(5, 80), slice(105, 175))]
    got = np.any([gate_line(image, points, 14) for points in lines], axis=0)
    strokes = [Brush(str(number), 1, {"points": points, "width": 14}, 1) for number, points in enumerate(lines)]
    assert iou(got, truth & (fold(strokes, H, W) > 0)) > 0.6


def test_thin_proposals_find_the_crack_as_a_component() -> None:
    truth = drawn(2)
    found = propose.thin(wall(truth), 60)
    assert len(found) == 1
    assert iou(found[0].on(H, W), truth) > 0.4
    assert propose.thin(wall(truth), 1000) == []


def test_wide_proposals_find_the_crack_under_uneven_light() -> None:
    truth = drawn(8)
    image = (wall(truth) * np.linspace(0.5, 1, W)[None, :, None]).astype(np.uint8)
    found = propose.wide(image, 300)
    assert found
    assert iou(found[0].on(H, W), truth) > 0.6
    assert all(one.area >= 300 for one in found)


def test_cut_out_finds_a_blob_and_nothing_outside_of_the_rectangle() -> None:
    truth = cv2.ellipse(np.zeros((H, W), np.uint8), (100, 60), (24, 15), 20, 0, 360, 1, -1) > 0
    got = grab(wall(truth), (65, 35, 70, 50))
    assert iou(got, truth) > 0.9
    assert not got[:, :65].any()
    assert not got[:35].any()
    assert np.array_equal(got, grab(wall(truth), (65, 35, 70, 50)))


@pytest.mark.parametrize("box", [(5, 5, 0, 0), (5, 5, 1, 40), (-50, -50, 20, 20), (0, 0, W, H), (-9, -9, 999, 999)])
def test_cut_out_refuses_a_rectangle_that_says_nothing(box: tuple[float, float, float, float]) -> None:
    with pytest.raises(StudioError):
        grab(wall(drawn(4)), box)


def test_ridges_are_those_of_scikit_image() -> None:
    level = grey(wall(drawn(3)))
    ours, theirs = ridges(level, (2.0,)).strength, sato(level, (2.0,), black_ridges=True)
    inner = (slice(12, -12), slice(12, -12))
    assert np.corrcoef(ours[inner].ravel(), theirs[inner].ravel())[0, 1] > 0.98


@given(st.integers(0, 999), st.booleans())
def test_a_region_that_spares_others_never_changes_their_pixels(seed: int, over: bool) -> None:
    rng = np.random.default_rng(seed)
    before, where = rng.integers(0, 4, (9, 12)).astype(np.uint8), rng.random((9, 12)) < 0.5
    rows = [Region.of(before == number, number, f"old-{number}") for number in (1, 2, 3)]
    after = fold([*rows, Region.of(where, 2, "assist", over=over)], 9, 12)
    assert np.array_equal(after[~where], before[~where])
    assert (after[where] == 2).all() if over else np.array_equal(after[before > 0], before[before > 0])
    assert (after[where & (before == 0)] == 2).all()
