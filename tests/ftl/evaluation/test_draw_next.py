"""What to draw next, and which masks to look at again: small cases by hand, and properties."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from ftl.errors import FtlError
from ftl.evaluation import suspicious
from ftl.evaluation.draw_next import (
    Next,
    describe,
    fingerprint,
    level_means,
    near_duplicates,
    order,
    uncertainty,
)
from ftl.evaluation.suspicious import UNDRAWN, UNSEEN, Suspicion
from ftl.training.cross_validation import photo_folds, without_fold
from tests.drawn_photographs import QUICK, draw_photograph, load_photographs, make_segmenter

LINE = np.array([[0.0], [1.0], [4.0], [10.0], [10.1]])


def probabilities_of(defect: np.ndarray) -> np.ndarray:
    return np.stack([1 - defect, defect])


def test_uncertainty_is_the_entropy_of_the_most_uncertain_pixels() -> None:
    defect = np.zeros((10, 20))
    assert uncertainty(probabilities_of(defect)) == pytest.approx(0, abs=1e-9)
    defect.ravel()[:10] = 0.5  # 5 % of the pixels
    assert uncertainty(probabilities_of(defect)) == pytest.approx(1)
    defect.ravel()[:5] = 1.0
    assert uncertainty(probabilities_of(defect)) == pytest.approx(0.5)
    assert uncertainty(np.full((4, 3, 3), 0.25)) == pytest.approx(1)
    quarter = -(0.25 * np.log2(0.25) + 0.75 * np.log2(0.75))
    assert uncertainty(probabilities_of(np.full((1, 1), 0.25))) == pytest.approx(quarter)


def test_each_next_photograph_is_the_farthest_from_all_before() -> None:
    found = [step._replace(distance=round(step.distance, 6)) for step in order(LINE, [0], 9)]
    assert found == [Next(4, 10.1), Next(2, 4.0), Next(1, 1.0), Next(3, 0.1)]
    assert [step.photograph for step in order(LINE, [4], 2)] == [0, 2]
    assert order(LINE, range(5), 3) == []
    first = order(LINE, [], 2)  # the mean is 5.02: the nearest is 4, then 10.1 is farthest from that
    assert [step.photograph for step in first] == [2, 4]
    assert first[0].distance == np.inf


def test_what_the_network_is_unsure_of_comes_earlier() -> None:
    assert [step.photograph for step in order(LINE, [0], 2, weights=np.array([1, 1, 9, 1, 1]))] == [2, 4]
    sure = order(LINE, [0], 3, weights=np.zeros(5))
    assert [step.photograph for step in sure] == [1, 2, 3]


def test_one_of_a_group_leaves_the_others_to_the_end() -> None:
    groups = np.array([0, 1, 2, 3, 3])
    assert [step.photograph for step in order(LINE, [0], 9, groups=groups)] == [4, 2, 1, 3]
    assert [step.photograph for step in order(LINE, [3], 9, groups=groups)][-1] == 4


@given(
    arrays.arrays(np.float32, st.tuples(st.integers(1, 12), st.integers(1, 3)), elements=st.floats(-5, 5, width=32)),
    st.data(),
)
def test_an_order_holds_each_photograph_once_and_falls_in_distance(features: np.ndarray, data: st.DataObject) -> None:
    drawn = data.draw(st.sets(st.integers(0, len(features) - 1)))
    found = order(features, drawn, len(features))
    assert sorted([*drawn, *(step.photograph for step in found)]) == [*range(len(features))]
    distances = [step.distance for step in found]
    assert all(later <= earlier + 1e-9 for earlier, later in pairwise(distances))
    count = data.draw(st.integers(0, len(features)))
    assert order(features, drawn, count) == found[:count]
    moved = order(features + 1.0, drawn, len(features))
    assert [step.distance for step in moved] == pytest.approx(distances, abs=1e-4)


def test_near_duplicates_are_found_through_jpeg_and_new_sizes_and_others_are_not() -> None:
    rng = np.random.default_rng(0)
    coarse = rng.integers(40, 220, (2, 12, 16, 3)).astype(np.uint8)
    first, second = (cv2.resize(one, (160, 120), interpolation=cv2.INTER_CUBIC) for one in coarse)
    small = cv2.resize(first, (90, 70), interpolation=cv2.INTER_AREA)
    jpeg = cv2.imdecode(cv2.imencode(".jpg", first, [cv2.IMWRITE_JPEG_QUALITY, 60])[1], cv2.IMREAD_COLOR)
    prints = np.stack([fingerprint(image) for image in (first, second, small, np.asarray(jpeg), second)])
    assert prints.shape == (5, 256)
    assert near_duplicates(prints).tolist() == [0, 1, 0, 0, 1]


def test_features_tell_like_from_unlike() -> None:
    rng = np.random.default_rng(0)
    walls = [draw_photograph(rng)[0] for _ in range(2)]
    other = np.zeros((40, 52, 3), np.uint8)
    other[:, ::4] = (200, 40, 40)
    model = make_segmenter()
    for features in (describe, lambda image: level_means(model, image)):
        one, two, three = (features(image) for image in (*walls, other))
        assert one.dtype == np.float32
        assert one.shape == three.shape
        assert np.isfinite(three).all()
        assert np.linalg.norm(one - two) < np.linalg.norm(one - three)
        assert np.array_equal(one, features(walls[0]))
    assert len(describe(walls[0])) == 208
    assert len(level_means(model, walls[0])) == sum(level.channels for level in model.levels)


def suspicions(defect: np.ndarray, mask: np.ndarray, **more: int) -> list[Suspicion]:
    found = suspicious.suspicions(defect, mask, **more)
    return [area._replace(weight=round(area.weight, 6)) for area in found]


def crack(row: int) -> np.ndarray:
    mask = np.zeros((60, 80), bool)
    mask[row : row + 3, 10:70] = True
    return mask


def test_suspicions_say_where_how_large_and_of_which_kind() -> None:
    drawn = crack(20)
    assert suspicions(drawn * 0.9, drawn) == []
    assert suspicions(drawn * 0.9, crack(24)) == []  # off by four pixels
    assert suspicions(drawn * 0.9, np.zeros((60, 80), bool)) == [Suspicion(UNDRAWN, (10, 20, 60, 3), 180, 162.0)]
    assert suspicions(drawn * 0.2, drawn) == [Suspicion(UNSEEN, (10, 20, 60, 3), 180, 144.0)]
    shifted = suspicions(drawn * 0.9, crack(35))
    assert [(area.kind, area.box, area.pixels) for area in shifted] == [
        (UNSEEN, (10, 35, 60, 3), 180), (UNDRAWN, (10, 20, 60, 3), 180)
    ]  # fmt: skip
    assert suspicions(drawn * 0.9, np.zeros((60, 80), bool), least=181) == []


@given(arrays.arrays(np.float64, (12, 15), elements=st.floats(0, 1)), arrays.arrays(bool, (12, 15)))
def test_suspicions_cover_what_is_farther_than_the_tolerance_and_swap_sides(
    defect: np.ndarray, mask: np.ndarray
) -> None:
    found = suspicions(defect, mask, tolerance=0, least=1)
    assert sum(area.pixels for area in found) == np.count_nonzero((defect >= 0.5) != mask)
    assert [area.weight for area in found] == sorted((area.weight for area in found), reverse=True)
    sharp = (defect >= 0.5).astype(float)
    kinds = {UNDRAWN: UNSEEN, UNSEEN: UNDRAWN}
    there = {(kinds[area.kind], area.box, area.pixels) for area in suspicions(sharp, mask, least=1)}
    assert there == {(area.kind, area.box, area.pixels) for area in suspicions(mask.astype(float), sharp > 0, least=1)}


def test_each_photo_is_in_one_fold_and_its_segmenter_has_not_seen_it(tmp_path: Path) -> None:
    data = load_photographs(tmp_path, 7)
    folds = photo_folds(data, None, 3)
    assert sorted(np.concatenate(folds).tolist()) == [*range(7)]
    assert [len(fold) for fold in folds] == [3, 2, 2]
    pairs = photo_folds(data, r"(.)", 9)
    assert [len(fold) for fold in pairs] == [1] * 7
    with pytest.raises(FtlError, match="at least 3 photos"):
        photo_folds(data.take([0, 1]), None)
    read: set[int] = set()

    class Watched(type(data)):  # type: ignore[misc]
        def read(self, index: int) -> tuple[np.ndarray, np.ndarray]:
            read.add(index)
            return data.read(index)

    watched = Watched(data.images, data.masks, data.classes, data.ids, data.digests)
    without_fold(make_segmenter().network, watched, folds[0], QUICK)
    assert read == {*range(7)} - {*folds[0].tolist()}
