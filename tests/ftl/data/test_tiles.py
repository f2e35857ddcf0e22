"""Tiles of large photographs: where they lie, what they show by the mask, and which are used."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ftl.data.tiles import BACKGROUND, LARGE, MOST, Tile, cut, shown, together, used


@given(st.integers(1, 700), st.integers(1, 700), st.integers(16, 300))
def test_tiles_cover_every_pixel_and_none_reaches_over_the_edge(width: int, height: int, side: int) -> None:
    tiles = cut(width, height, side)
    if max(width, height) < LARGE * side:
        assert tiles == []
        return
    covered = np.zeros((height, width), int)
    for tile in tiles:
        assert tile.left >= 0
        assert tile.top >= 0
        covered[tile.top : tile.bottom, tile.left : tile.right] += 1
    assert covered.min() >= 1
    assert {(tile.right - tile.left, tile.bottom - tile.top) for tile in tiles} == {
        (min(side, width), min(side, height))
    }
    assert len(tiles) == -(-width // side) * -(-height // side)


def test_tiles_of_exact_multiples_touch_and_do_not_overlap() -> None:
    assert cut(20, 10, 10) == [Tile(0, 0, 10, 10), Tile(10, 0, 20, 10)]
    assert cut(25, 10, 10) == [Tile(0, 0, 10, 10), Tile(8, 0, 18, 10), Tile(15, 0, 25, 10)]


def test_a_tile_shows_what_is_drawn_across_it_and_the_background_only_where_nothing_is_near() -> None:
    mask = np.zeros((40, 200), np.uint8)
    tiles = [Tile(left, 0, left + 40, 40) for left in range(0, 200, 40)]
    mask[20, :40] = 1  # a hairline from edge to edge
    mask[20, 40:74] = 1  # a shorter one
    mask[5:15, 124:160] = 3  # near the edge of the tile before it
    mask[30:40, 166:200], mask[0:9, 166:200] = 1, 2
    assert shown(mask, tiles, [1, 2, 3]) == [1, None, None, 3, 1]
    assert shown(mask, tiles, [1, 2]) == [1, None, 0, 0, 1]  # what is not told apart counts for nothing
    assert shown(mask, tiles, [2]) == [0, 0, 0, 0, 2]


@given(st.lists(st.lists(st.sampled_from([None, 0, 0, 0, 1, 2]), max_size=120), max_size=6), st.integers(0, 5))
def test_the_background_is_spread_evenly_and_does_not_drown_the_rest(
    photographs: list[list[int | None]], seed: int
) -> None:
    chosen = used(photographs, seed)
    assert chosen == used(photographs, seed)
    counts = [[[labels[index] for index in own].count(label) for label in (0, 1, 2, None)]
              for labels, own in zip(photographs, chosen, strict=True)]  # fmt: skip
    for labels, (_, *defects, never) in zip(photographs, counts, strict=True):
        assert never == 0
        assert defects == [min(MOST, labels.count(label)) for label in (1, 2)]
    background = [count for count, *_ in counts]
    most = BACKGROUND * sum(sum(defects) for _, *defects in counts)
    assert sum(background) <= most
    for labels, count in zip(photographs, background, strict=True):
        assert count == labels.count(0) or (count == max(background) and sum(background) + len(photographs) > most)


def test_one_tile_that_shows_the_class_is_enough_for_the_photograph() -> None:
    chances = np.array([[0.9, 0.1], [0.2, 0.8], [0.7, 0.3]])
    assert together(chances, 1) == (1, 0.8)
    assert together(chances[[0, 2]], 1) == (0, pytest.approx(0.8))
    assert together(np.array([[0.4, 0.3, 0.3]]), 1) == (0, 0.4)
