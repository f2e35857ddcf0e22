"""Random crops: photograph and mask move together, and the same generator gives the same crops."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ftl.data.crops import random_crop, relit


def marked(shape: tuple[int, int], number: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """A black photograph with a white square, and the square's mask."""
    image, mask = np.zeros((*shape, 3), np.uint8), np.zeros(shape, np.uint8)
    where = np.s_[shape[0] // 2 - 8 : shape[0] // 2 + 8, shape[1] // 4 - 8 : shape[1] // 4 + 8]
    image[where], mask[where] = 255, number
    return image, mask


def test_a_mark_lands_at_the_same_place_in_both() -> None:
    image, mask = marked((90, 140))
    seen = 0
    for seed in range(60):
        pixels, numbers = random_crop(image, mask, 64, np.random.default_rng(seed))
        inside = numbers == 1
        if not 60 < inside.sum() < inside.size - 60:
            continue
        seen += 1
        grey = pixels.mean(2)
        middle = (grey[inside].mean() + grey[~inside].mean()) / 2
        assert grey[inside].mean() > grey[~inside].mean() + 60
        assert ((grey > middle) == inside).mean() > 0.93  # but for blurred edges, and noise
    assert seen > 30


def test_marks_turn_move_and_grow() -> None:
    """Crops differ in place, in angle and in scale."""
    image, mask = marked((90, 140))
    crops = [random_crop(image, mask, 64, np.random.default_rng(seed))[1] for seed in range(40)]
    assert len({crop.tobytes() for crop in crops}) > 30
    areas = [int(crop.sum()) for crop in crops if crop.any() and not crop[[0, -1]].any() and not crop[:, [0, -1]].any()]
    assert max(areas) > 1.5 * min(areas)


@pytest.mark.parametrize("size", [32, 33])
def test_an_exact_crop_is_a_piece_of_the_photograph(size: int) -> None:
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (60, 70, 3), dtype=np.uint8)
    mask = rng.integers(0, 3, (60, 70), dtype=np.uint8)

    def turned(whole: np.ndarray, row: int, column: int) -> list[np.ndarray]:
        piece = whole[row : row + size, column : column + size]
        return [way for quarter in range(4) for way in (np.rot90(piece, quarter), np.rot90(piece, quarter)[:, ::-1])]

    places = {
        pixels.tobytes(): turned(mask, row, column)[way]
        for row in range(60 - size + 1)
        for column in range(70 - size + 1)
        for way, pixels in enumerate(turned(image, row, column))
    }
    for _ in range(20):
        pixels, numbers = random_crop(image, mask, size, rng, exact=True)
        assert np.array_equal(places[pixels.astype(np.uint8).tobytes()], numbers)


@given(st.integers(1, 80), st.integers(1, 80), st.sampled_from([32, 48]), st.integers(0, 2**32 - 1), st.integers(0, 3))
def test_any_photograph_gives_a_crop(height: int, width: int, size: int, seed: int, classes: int) -> None:
    rng = np.random.default_rng(seed)
    image = rng.integers(0, 256, (height, width, 3), dtype=np.uint8)
    mask = rng.integers(0, classes + 1, (height, width), dtype=np.uint8)
    before = image.copy(), mask.copy()
    pixels, numbers = random_crop(image, mask, size, rng)
    assert pixels.shape == (size, size, 3)
    assert pixels.dtype == np.float32
    assert numbers.shape == (size, size)
    assert numbers.dtype == np.uint8
    assert 0 <= pixels.min() <= pixels.max() <= 255
    assert {*np.unique(numbers)} <= {*np.unique(mask)}  # no class between two others
    assert np.array_equal(image, before[0])
    assert np.array_equal(mask, before[1])


@pytest.mark.parametrize("shape", [(3, 2), (1, 1), (200, 1)])
def test_a_tiny_photograph_is_mirrored_as_often_as_it_takes(shape: tuple[int, int]) -> None:
    image, mask = np.full((*shape, 3), 90, np.uint8), np.ones(shape, np.uint8)
    for seed in range(8):
        pixels, numbers = random_crop(image, mask, 64, np.random.default_rng(seed))
        assert numbers.all()
        assert np.isfinite(pixels).all()


def test_the_same_generator_gives_the_same_crops() -> None:
    image, mask = marked((50, 60), 2)

    def crops(seed: int) -> list[np.ndarray]:
        rng = np.random.default_rng(seed)
        return [array for _ in range(5) for array in random_crop(image, mask, 32, rng)]

    first, again, other = crops(4), crops(4), crops(5)
    assert all(np.array_equal(own, same) for own, same in zip(first, again, strict=True))
    assert not all(np.array_equal(own, different) for own, different in zip(first, other, strict=True))


def test_a_rare_defect_is_in_most_crops() -> None:
    image, mask = np.zeros((300, 300, 3), np.uint8), np.zeros((300, 300), np.uint8)
    mask[150, 150] = mask[151:153, 150:153] = 1
    rng = np.random.default_rng(0)
    assert sum(bool(random_crop(image, mask, 32, rng)[1].any()) for _ in range(100)) > 40


def test_light_changes_pixels_and_keeps_what_is_darker_darker() -> None:
    image = np.tile(np.arange(0, 256, 4, dtype=np.uint8)[:, None, None], (1, 32, 3))
    for seed in range(20):
        lit = relit(image, np.random.default_rng(seed))
        assert lit.dtype == np.float32
        assert 0 <= lit.min() <= lit.max() <= 255
        assert np.corrcoef(lit.mean((1, 2)), image.mean((1, 2)))[0, 1] > 0.8
