"""Length and widths of drawn cracks whose size is known."""

from __future__ import annotations

import time

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ftl.errors import FtlError
from ftl.evaluation.crack_size import CrackSize, crack_sizes, typical_width

ROWS, COLUMNS = np.mgrid[:260, :260]


def bar(width: float, length: float = 180, degrees: float = 0, beside: tuple[float, float] = (0, 0)) -> np.ndarray:
    """The pixels whose centres lie in a bar in the middle of the image, or so far beside it (down, right)."""
    down, right = ROWS - 130 - beside[0], COLUMNS - 130 - beside[1]
    cosine, sine = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    along, across = right * cosine + down * sine, down * cosine - right * sine
    return (2 * along >= -length) & (2 * along < length) & (2 * across >= -width) & (2 * across < width)


def arc(radius: float, width: float, begin: float = -np.pi, end: float = np.pi) -> np.ndarray:
    down, right = ROWS - 130.3, COLUMNS - 129.8
    angle = np.arctan2(down, right)
    return (2 * abs(np.hypot(down, right) - radius) <= width) & (angle >= begin) & (angle <= end)


def only(mask: np.ndarray) -> CrackSize:
    (size,) = crack_sizes(mask)
    return size


@pytest.mark.parametrize("width", [3, 4, 5, 8, 13, 40])
@pytest.mark.parametrize("upright", [False, True])
def test_a_bar_along_the_pixels_is_measured_exactly(width: int, upright: bool) -> None:
    """Of odd and even width: half a pixel is not lost."""
    mask = np.zeros((80, 200), bool)
    mask[20 : 20 + width, 10:190] = True
    size = only(mask.T if upright else mask)
    assert size.box == ((20, 10, width, 180) if upright else (10, 20, 180, width))
    assert (size.area, size.unit) == (180 * width, "px")
    assert size[2:5] == pytest.approx((180, width, width), rel=2e-3)


@given(st.floats(4, 40), st.floats(0, 180), st.tuples(st.floats(0, 1), st.floats(0, 1)))
def test_a_bar_at_any_angle(width: float, degrees: float, beside: tuple[float, float]) -> None:
    """Its mean width is that of its pixels: a bar of 4.5 along them can only be drawn 4 or 5 pixels wide."""
    mask = bar(width, 180, degrees, beside)
    size = only(mask)
    assert size.area == np.count_nonzero(mask)
    assert size.length == pytest.approx(180, abs=2.5)
    assert size.mean_width == pytest.approx(size.area / 180, abs=0.7)
    assert size.mean_width - 1e-9 <= size.largest_width <= width + 1 + 1e-9


def test_errors_cancel_over_angles() -> None:
    sizes = [only(bar(8, 180, degrees, (0.3, 0.6))) for degrees in range(0, 180, 7)]
    assert np.mean([size.length for size in sizes]) == pytest.approx(180, abs=0.6)
    assert np.mean([size.mean_width for size in sizes]) == pytest.approx(8, abs=0.25)


@given(st.floats(5, 20), st.floats(0, 180))
def test_a_crack_drawn_in_a_larger_image(width: float, degrees: float) -> None:
    """Line by line at four times the size, then shrunk, as an annotator's mask is."""
    ends = 4 * (130 + 80 * np.array([[-1], [1]]) * [np.cos(np.radians(degrees)), np.sin(np.radians(degrees))])
    large = np.zeros((1040, 1040), np.uint8)
    cv2.polylines(large, [np.rint(ends).astype(np.int32)], False, 255, round(4 * width))
    size = only(cv2.resize(large, (260, 260), interpolation=cv2.INTER_AREA) > 127)
    assert size.length == pytest.approx(160 + width, rel=0.02)  # its ends are round
    drawn = (np.sqrt(160**2 + np.pi * size.area) - 160) * 2 / np.pi  # OpenCV draws up to a pixel wider
    assert size.mean_width == pytest.approx(drawn, abs=0.5)


@pytest.mark.parametrize(("radius", "width"), [(100, 4), (30, 8), (60, 25)])
def test_rings_and_arcs(radius: float, width: float) -> None:
    ring, part = only(arc(radius, width)), only(arc(radius, width, -2, 1.5))
    assert ring.length == pytest.approx(2 * np.pi * radius, rel=0.01)
    assert part.length == pytest.approx(3.5 * radius, rel=0.01)
    for size in (ring, part):
        assert size.mean_width == pytest.approx(width, abs=0.5)
        assert size.largest_width == pytest.approx(width, abs=0.9)


@pytest.mark.parametrize("width", [10, 30])
def test_a_wedge_has_its_largest_width_at_one_end_and_a_spindle_in_the_middle(width: float) -> None:
    along = COLUMNS - 20
    wedge = (along >= 0) & (along < 200) & (2 * abs(ROWS - 130.2) <= 1 + (width - 1) * along / 200)
    spindle = 2 * abs(ROWS - 130.2) <= 1 + (width - 1) * (1 - abs(COLUMNS - 130) / 100)
    spindle &= abs(COLUMNS - 130) < 100
    for mask, unseen in ((wedge, width / 2), (spindle, 0)):  # the centre line stops before the wide end
        size = only(mask)
        assert size.length == pytest.approx(200, rel=0.02)
        assert size.mean_width == pytest.approx((1 + width * (1 - unseen / 200)) / 2, rel=0.03, abs=0.5)
        assert 0.9 * width <= size.largest_width <= width + 1  # no circle fits quite into the end of a wedge


def test_a_crack_with_branches_is_as_long_as_all_of_them() -> None:
    main = bar(8, 220)
    tee, cross = main | (bar(8, 220, 90) & (ROWS <= 130)), main | bar(8, 220, 90)
    assert only(tee).length == pytest.approx(330, rel=0.01)
    assert only(cross).length == pytest.approx(440, rel=0.01)
    for mask in (tee, cross):
        assert only(mask).largest_width == pytest.approx(only(main).largest_width, abs=0.6)  # not that of the junction
    ladder = main | np.roll(main, 60, axis=0) | bar(8, 220, 90) | np.roll(bar(8, 220, 90), 50, axis=1)
    assert only(ladder).length > 4 * 200


def test_a_bump_is_no_branch() -> None:
    smooth = bar(9, 200)
    bump = smooth | ((abs(COLUMNS - 130) <= 2) & (ROWS > 130) & (ROWS <= 138))
    assert only(bump).length == pytest.approx(only(smooth).length, abs=1)
    rng = np.random.default_rng(0)
    ragged = abs(ROWS - 130) <= np.repeat(6 + rng.normal(size=65), 4)
    assert only(ragged).length == pytest.approx(260, rel=0.03)


def test_a_thin_crack_has_a_length_only() -> None:
    for width in (1, 2):
        size = only(bar(width, 101, 0, (0.5 * (width - 1), 0)))
        assert size.length == pytest.approx(101, rel=0.01)
        assert (size.mean_width, size.largest_width) == (None, None)
    assert only(np.eye(50, dtype=bool)).length == pytest.approx(50 * 2**0.5, abs=1)


def test_millimetres() -> None:
    mask = bar(10, 180, 30)
    pixels, (millimetres,) = only(mask), crack_sizes(mask, 0.2)
    assert millimetres.box == pixels.box
    assert millimetres.unit == "mm"
    assert millimetres.area == pytest.approx(0.04 * pixels.area)
    assert millimetres[2:5] == pytest.approx([0.2 * value for value in pixels[2:5]])
    assert crack_sizes(bar(2), 10)[0].mean_width is None  # too thin in pixels, whatever they are


@pytest.mark.parametrize("scale", [0, -1, float("nan"), float("inf")])
def test_a_scale_that_is_none_is_an_error(scale: float) -> None:
    with pytest.raises(FtlError, match="millimetres per pixel above 0"):
        crack_sizes(bar(5), scale)


def test_each_crack_has_its_own_size_the_longest_first() -> None:
    mask = np.zeros((90, 200), bool)
    mask[5:12, 5:50] = mask[30:34, 0:200] = mask[60:70, 20:120] = True
    sizes = crack_sizes(mask)
    assert [size.box for size in sizes] == [(0, 30, 200, 4), (20, 60, 100, 10), (5, 5, 45, 7)]
    assert [size.length for size in sizes] == pytest.approx(
        [200, 100, 45], rel=0.01
    )  # one is cut by the image's border
    inside = crack_sizes(mask[:, 20:])
    assert [size.length for size in inside] == pytest.approx([180, 100, 30], rel=0.01)


def test_blobs_and_next_to_nothing() -> None:
    assert crack_sizes(np.zeros((5, 7), bool)) == crack_sizes(np.zeros((0, 0), bool)) == []
    assert only(np.ones((1, 1), bool)) == CrackSize((0, 0, 1, 1), 1, 1, None, None, "px")
    disc = only(arc(0, 40))
    assert disc.length == pytest.approx(40, rel=0.05)
    assert disc.largest_width == pytest.approx(40, rel=0.05)
    full = only(np.ones((700, 1000), bool))  # measured at a quarter of its size
    assert full.length == pytest.approx(1000, rel=0.01)
    assert full.mean_width == pytest.approx(700, rel=0.01)


@given(st.integers(0, 2**32 - 1), st.floats(0, 1), st.sampled_from([0, 1, 2]))
def test_any_mask_is_measured(seed: int, share: float, blur: int) -> None:
    noise = np.random.default_rng(seed).random((24, 31))
    smooth = cv2.GaussianBlur(noise, (0, 0), blur) if blur else noise
    mask = smooth < np.quantile(smooth, share)
    sizes = crack_sizes(mask)
    assert sum(size.area for size in sizes) == mask.sum()
    for size in sizes:
        assert size.length > 0
        assert size.mean_width is None or 3 <= size.mean_width <= size.largest_width + 1e-9


def test_a_large_mask_takes_seconds() -> None:
    mask, rng = np.zeros((3000, 4000), np.uint8), np.random.default_rng(0)
    for top in range(30, 3000, 300):
        for left in range(40, 4000, 800):
            rows = top + 120 + np.cumsum(rng.normal(0, 15, 19)).clip(-110, 110)
            points = np.stack([left + np.arange(0, 721, 40)[:19], rows], axis=1)
            cv2.polylines(mask, [points.astype(np.int32)], False, 1, int(rng.integers(2, 20)))
    begun = time.process_time()
    assert len(crack_sizes(mask > 0)) == 50
    assert time.process_time() - begun < 10


@pytest.mark.parametrize("width", [1, 2, 3, 8, 25])
def test_the_typical_width_is_exact_along_the_pixels_and_close_at_any_angle(width: int) -> None:
    bar = np.zeros((300, 300), bool)
    bar[100 : 100 + width, 20:280] = True
    assert typical_width(bar) == typical_width(bar.T) == width
    assert typical_width(bar[100 : 100 + width]) == width  # it fills the picture
    y, x = np.mgrid[-150:150, -150:150]
    for angle in np.radians([10, 22, 33, 45, 70]):
        turned = abs(x * np.sin(angle) - y * np.cos(angle) + 0.3) <= width / 2
        assert typical_width(turned) == pytest.approx(width, abs=0.65)
    assert typical_width(np.zeros((9, 9), bool)) is None
