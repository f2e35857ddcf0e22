"""Duplicates, photos, and splits that cannot leak."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.model_selection import StratifiedGroupKFold

from ftl.data.dataset import Dataset, LeftOut, Scored, folds, load_dataset, photo_ids, split, without
from ftl.data.stratified_folds import stratified_folds
from ftl.errors import FtlError
from tests.conftest import save_png


def fill(folder: Path, **values: list[int]) -> Path:
    for name, pictures in values.items():
        for number, value in enumerate(pictures):
            save_png(np.full((4, 4, 3), value, np.uint8), folder / name / f"p{value}_{number}.png")
    return folder


def test_a_picture_that_stands_twice_is_kept_once(tmp_path: Path) -> None:
    dataset = load_dataset(fill(tmp_path, Crack=[1, 2, 1], Background=[3, 4, 4]))
    assert [path.name for path in dataset.paths] == ["p3_0.png", "p4_1.png", "p1_0.png", "p2_1.png"]
    assert dataset.classes == ("Background", "Crack")
    assert dataset.labels.tolist() == [0, 0, 1, 1]


def test_a_picture_in_two_classes_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FtlError, match=r"p2_1.png and .*p2_0.png are the same picture in two classes"):
        load_dataset(fill(tmp_path, Background=[1, 2], Crack=[2, 3]))


def test_every_unreadable_file_is_listed(tmp_path: Path) -> None:
    fill(tmp_path, Background=[1, 2], Crack=[3, 4])
    (tmp_path / "Crack" / "x.jpg").write_text("text")
    (tmp_path / "Background" / "y.jpg").write_bytes(b"\xff\xd8\xff")
    with pytest.raises(FtlError) as caught:
        load_dataset(tmp_path)
    assert "x.jpg" in str(caught.value)
    assert "y.jpg" in str(caught.value)


def test_per_class_draws_the_same_for_the_same_seed(tmp_path: Path) -> None:
    fill(tmp_path, Background=list(range(20)), Crack=list(range(20, 40)))
    first, again, other = (load_dataset(tmp_path, per_class=5, seed=seed) for seed in (1, 1, 2))
    assert first.paths == again.paths != other.paths
    assert len(first) == 10


def test_photo_patterns(tmp_path: Path) -> None:
    paths = [Path("a_0_1.png"), Path("a_0_22.png"), Path("b_3.png")]
    assert photo_ids(paths, r"(.+)_\d+") == ["a_0", "a_0", "b"]
    with pytest.raises(FtlError, match="does not match"):
        photo_ids([*paths, Path("plain.png")], r"(.+)_\d+")
    with pytest.raises(FtlError, match="one group"):
        photo_ids(paths, "a.*")
    with pytest.raises(FtlError, match="no regular expression"):
        photo_ids(paths, "(")


def made(photos: list[int], labels: list[int]) -> Dataset:
    paths = tuple(Path(f"p{photo}_{number}.png") for number, photo in enumerate(photos))
    return Dataset(paths, np.array(labels), ("a", "b"), tuple(str(i) for i in range(len(paths))))


@given(st.lists(st.integers(0, 30), min_size=60, max_size=80, unique=False), st.integers(0, 5))
def test_no_photo_stands_on_both_sides(photos: list[int], seed: int) -> None:
    dataset = made(photos, [photo % 2 for photo in photos])
    if min(len({photo for photo in photos if photo % 2 == odd}) for odd in (0, 1)) < 8:
        return
    ids = photo_ids(dataset.paths, r"p(\d+)_\d+")
    train, held_out = split(dataset, seed=seed, photo=r"p(\d+)_\d+")
    assert {ids[i] for i in train}.isdisjoint(ids[i] for i in held_out)
    assert sorted([*train, *held_out]) == list(range(len(photos)))
    for inner, outer in folds(dataset.labels, ids, seed):
        assert {ids[i] for i in inner}.isdisjoint(ids[i] for i in outer)


def test_splits_are_stratified_and_seeded() -> None:
    dataset = made(list(range(80)), [0, 1] * 40)
    train, held_out = split(dataset, seed=3)
    assert np.bincount(dataset.labels[held_out]).tolist() == [10, 10]
    np.testing.assert_array_equal(train, split(dataset, seed=3)[0])
    assert not np.array_equal(train, split(dataset, seed=4)[0])


@given(st.integers(0, 2**31 - 1), st.integers(2, 10), st.integers(2, 5), st.booleans())
def test_folds_are_those_of_scikit_learn(seed: int, count: int, classes: int, cut: bool) -> None:
    rng = np.random.default_rng(seed)
    labels = np.concatenate([np.repeat(np.arange(classes), count), rng.integers(0, classes, rng.integers(0, 60))])
    photos = np.concatenate([np.arange(count), rng.integers(0, len(labels), len(labels) - count)])
    _, groups = np.unique(photos if cut else np.arange(len(labels)), return_inverse=True)
    expected = StratifiedGroupKFold(count, shuffle=True, random_state=seed).split(labels, labels, groups)
    for own, theirs in zip(stratified_folds(labels, groups, count, seed), expected, strict=True):
        assert all(np.array_equal(mine, their) for mine, their in zip(own, theirs, strict=True))


def test_too_few_images_are_told() -> None:
    with pytest.raises(FtlError, match="every class needs images of at least 4 photos"):
        split(made([0, 1, 2, 3, 4], [0, 0, 0, 0, 1]), seed=0)


def test_one_photo_with_nearly_all_of_a_class_is_told() -> None:
    photos = [0] * 40 + [2, 4, 6] + [1, 3, 5, 7] * 10
    with pytest.raises(FtlError, match=r"photos in each part|one photo holds"):
        dataset = made(photos, [photo % 2 for photo in photos])
        train, _ = split(dataset, seed=0, photo=r"p(\d+)_\d+")
        ids = photo_ids(dataset.paths, r"p(\d+)_\d+")
        folds(dataset.labels[train], [ids[index] for index in train], 0)


def test_an_optional_group_that_stays_empty_is_told() -> None:
    with pytest.raises(FtlError, match="does not match"):
        photo_ids([Path("abc.png")], r"(?:x(.))?.*")


def test_a_moved_label_changes_the_digest(tmp_path: Path) -> None:
    fill(tmp_path, Background=[1, 2], Crack=[3, 4])
    before = load_dataset(tmp_path).digest()
    (tmp_path / "Crack" / "p3_0.png").rename(tmp_path / "Background" / "p3_0.png")
    assert load_dataset(tmp_path).digest() != before


def test_without_leaves_out_twins_and_shared_photos() -> None:
    train, test = made([0, 1], [0, 1]), made([5, 6, 1], [0, 1, 1])
    left, told = without(test, train)
    assert (left.paths, told) == ((Path("p1_2.png"),), LeftOut(files=2))  # digests "0" and "1" are in both
    apart = Dataset(test.paths, test.labels, test.classes, ("x", "y", "z"))
    left, told = without(apart, train)
    assert (len(left), told) == (3, LeftOut())
    left, told = without(apart, train, r"p(\d+)_\d+")
    assert ([path.name for path in left.paths], told) == (["p5_0.png", "p6_1.png"], LeftOut(crops=1))
    with pytest.raises(FtlError, match="every image"):
        without(train, train)


def test_without_leaves_out_what_chose_filters_and_other_crops_of_it() -> None:
    """Masks may be of the same file, of another crop, of the whole photo, or of photographs named in another way."""
    train, test = made([0, 1], [0, 1]), made([5, 6, 7, 8, 9], [0, 1, 1, 0, 1])
    test = Dataset(test.paths, test.labels, test.classes, ("a", "b", "c", "d", "e"))
    scored = Scored(["a", "f", "g", "h"], ["p5_0.png", "p6_77.jpg", "wall 8.png", "7.png"])
    left, told = without(test, train, r"p?(\d+)_\d+", scored)
    assert ([path.name for path in left.paths], told) == (["p8_3.png", "p9_4.png"], LeftOut(files=1, crops=2))
    left, told = without(test, train, None, scored)
    assert (len(left), told) == (4, LeftOut(files=1))
    assert without(test, train, r"p?(\d+)_\d+", Scored(["a"]))[1] == LeftOut(files=1)  # before names were kept


def test_what_was_left_out_is_told_in_words() -> None:
    seen = "left out of the test set, seen before when filters were chosen or networks trained"
    assert LeftOut().sentence() == ""
    assert LeftOut(files=1).sentence() == f"1 image {seen}: 1 the same file"
    assert LeftOut(1, 2).sentence() == f"3 images {seen}: 1 the same file, 2 of the same photo"
