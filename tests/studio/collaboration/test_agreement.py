"""Agreement and consensus: exact on masks made by hand, and what holds for all masks."""

from __future__ import annotations

import sys
from itertools import permutations
from math import isnan, sqrt
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from studio.accounts import add_user
from studio.annotation import log
from studio.annotation.strokes import Drawn, Rectangle, Redo, Revision, Undo
from studio.collaboration import agreement, annotator_masks, consensus
from studio.errors import StudioError
from studio.images.library import find_images, set_state
from studio.projects.audit import history, text_of
from studio.projects.classes import classes_of, remove_class
from studio.projects.invitations import accept, invite
from studio.store.database import writing
from studio.store.tables import Image
from studio.ui.review import pictures
from tests.studio.conftest import Someone
from tests.studio.images.test_uploads import picture, send

H, W = 9, 11
MASK = arrays(bool, (H, W), elements=st.booleans())
LABELS = arrays(np.uint8, (H, W), elements=st.sampled_from([0, 1, 2, 3]))
MEASURES = {
    "iou": agreement.iou,
    "dice": agreement.dice,
    "kappa": agreement.kappa,
    "f1": agreement.f1,
    "f1 with 2": lambda one, other: agreement.f1(one, other, 2),
    "cl_dice": agreement.cl_dice,
}


def mask(*rows: str) -> np.ndarray:
    """A mask as it looks: dots are 0, digits the classes."""
    return np.array([[0 if one == "." else int(one) for one in row] for row in rows], np.uint8)


def bar(top: int, left: int, height: int, width: int) -> np.ndarray:
    made = np.zeros((40, 60), bool)
    made[top : top + height, left : left + width] = True
    return made


# ---- measures


def test_measures_of_masks_made_by_hand() -> None:
    one, other = mask("1111......") > 0, mask("..11111...") > 0  # 4 and 5 pixels, 2 in both, 7 in either, of 10
    assert agreement.iou(one, other) == 2 / 7
    assert agreement.dice(one, other) == 4 / 9
    p, e = 5 / 10, (4 * 5 + 6 * 5) / 100
    assert agreement.kappa(one, other) == pytest.approx((p - e) / (1 - e))
    assert agreement.f1(one, other) == pytest.approx(4 / 9)
    precision, recall = 3 / 4, 3 / 5
    assert agreement.f1(one, other, 1) == pytest.approx(2 * precision * recall / (precision + recall))
    assert agreement.f1(one, other, 3) == 1


def test_the_tolerance_is_a_disc() -> None:
    one, other = np.zeros((9, 9), bool), np.zeros((9, 9), bool)
    one[2, 2] = other[5, 6] = True  # 3 down, 4 across: 5 away
    assert agreement.f1(one, other, 4) == 0
    assert agreement.f1(one, other, 4.99) == 0
    assert agreement.f1(one, other, 5) == 1
    other[:] = False
    other[3, 3] = True
    assert agreement.f1(one, other, 1) == 0  # a square would hold it
    assert agreement.f1(one, other, sqrt(2) + 1e-9) == 1


def test_centre_lines_forgive_a_cracks_width() -> None:
    thin, thick, half = bar(20, 10, 1, 40), bar(18, 10, 5, 40), bar(20, 10, 1, 20)
    assert agreement.dice(thin, thick) == pytest.approx(1 / 3)
    assert agreement.cl_dice(thin, thick) > 0.95  # each holds the other's line, but for a spur at its end
    assert agreement.cl_dice(thin, half) == pytest.approx(2 * 0.5 / 1.5)  # all of it is right, half is missing
    assert agreement.cl_dice(thin, bar(30, 10, 1, 40)) == 0


def test_empty_masks() -> None:
    none, some, full = np.zeros((4, 5), bool), np.eye(4, 5, dtype=bool), np.ones((4, 5), bool)
    for name, measure in MEASURES.items():
        if name == "kappa":
            assert isnan(measure(none, none))
            assert isnan(measure(full, full))
        else:
            assert measure(none, none) == 1, name
        assert measure(none, some) == measure(some, none) == 0, name
    assert agreement.kappa(none, full) == 0


@given(MASK, MASK, st.sampled_from(sorted(MEASURES)))
def test_measures_are_symmetric_in_range_and_one_for_equal_masks(one: np.ndarray, other: np.ndarray, name: str) -> None:
    measure = MEASURES[name]
    there, back = measure(one, other), measure(other, one)
    assert there == back or (isnan(there) and isnan(back))
    if name == "kappa":
        assert isnan(there) or -1 <= there <= 1
        assert measure(one, one) == 1 or one.all() or not one.any()
        opposite = measure(one, ~one)
        assert opposite <= 0
        return
    assert 0 <= there <= 1
    assert measure(one, one) == 1
    assert (there == 1) or not np.array_equal(one, other)


@given(MASK, MASK)
def test_f1_without_tolerance_is_dice_and_grows_with_it(one: np.ndarray, other: np.ndarray) -> None:
    assert agreement.f1(one, other, 0) == pytest.approx(agreement.dice(one, other))
    assert agreement.dice(one, other) == pytest.approx(2 * agreement.iou(one, other) / (1 + agreement.iou(one, other)))
    values = [agreement.f1(one, other, tolerance) for tolerance in (0, 1, 2, 3, 10)]
    assert values == sorted(values)


@given(MASK, MASK, st.integers(0, 4))
def test_f1_counts_what_is_near(one: np.ndarray, other: np.ndarray, tolerance: int) -> None:
    """The same by measuring every pixel against every other."""
    if not (one.any() and other.any()):
        return
    away = np.linalg.norm(np.argwhere(one)[:, None] - np.argwhere(other), axis=2) <= tolerance
    precision, recall = away.any(1).mean(), away.any(0).mean()
    expected = 2 * precision * recall / (precision + recall) if precision + recall else 0
    assert agreement.f1(one, other, tolerance) == pytest.approx(expected)


@given(MASK)
def test_a_skeleton_lies_within_and_leaves_no_mask_out(one: np.ndarray) -> None:
    thin = agreement.skeleton(one)
    assert not (thin & ~one).any()
    assert thin.any() == one.any()


def test_rows_of_a_table() -> None:
    masks = {
        "Ada": mask("11..22", "......"),
        "Bob": mask("1...22", "......"),
        "Cy": mask("......", "......"),
    }
    rows = agreement.pairs(masks, {1: "Crack", 2: "Pore", 3: "Dirt"}, 1)
    assert [(row["Class"], row["First"], row["Second"]) for row in rows] == [
        (name, *pair) for name in ("Crack", "Pore") for pair in (("Ada", "Bob"), ("Ada", "Cy"), ("Bob", "Cy"))
    ]
    assert [row["IoU"] for row in rows] == [0.5, 0, 0, 1, 0, 0]
    assert rows[0]["Dice"] == pytest.approx(2 / 3)
    assert rows[0]["F1"] == 1  # one pixel farther, and that is within the tolerance
    assert rows[0]["Kappa"] == pytest.approx((11 / 12 - 112 / 144) / (1 - 112 / 144))  # over all 12 pixels
    assert agreement.mean(rows)["IoU"] == pytest.approx(1.5 / 6)
    assert agreement.pairs({"Ada": masks["Ada"]}, {1: "Crack"}) == []


@given(LABELS, LABELS, st.integers(0, 3))
def test_rows_are_the_measures(one: np.ndarray, other: np.ndarray, tolerance: int) -> None:
    rows = agreement.pairs({"Ada": one, "Bob": other}, {1: "Crack", 2: "Pore", 3: "Dirt"}, tolerance)
    by_class = {row["Class"]: row for row in rows}
    for number, name in ((1, "Crack"), (2, "Pore"), (3, "Dirt")):
        a, b = one == number, other == number
        if not (a.any() or b.any()):
            assert name not in by_class
            continue
        measures = agreement.iou(a, b), agreement.dice(a, b), agreement.kappa(a, b), agreement.f1(a, b, tolerance)
        expected = dict(zip(agreement.MEASURES, (*measures, agreement.cl_dice(a, b)), strict=True))
        assert {key: by_class[name][key] for key in agreement.MEASURES} == pytest.approx(expected, nan_ok=True)


def test_a_mean_leaves_out_what_has_no_value() -> None:
    row = dict.fromkeys(agreement.MEASURES, 0.5)
    means = agreement.mean([row, row | {"Kappa": float("nan"), "IoU": 1.0}])
    assert means["Kappa"] == 0.5
    assert means["IoU"] == 0.75
    assert all(isnan(one) for one in agreement.mean([]).values())


# ---- consensus


def test_a_majority_made_by_hand() -> None:
    masks = [mask("11.2112"), mask("1.12223"), mask("1..2331")]
    made = consensus.majority(masks)
    assert np.array_equal(made.mask, mask("1..2..."))
    assert made.disputed.tolist() == [[False, False, False, False, True, True, True]]
    apart = consensus.disagreement(masks)
    assert apart.dtype == np.float32
    assert apart[0] == pytest.approx([0, 1 / 3, 1 / 3, 0, 2 / 3, 2 / 3, 2 / 3])


def test_of_two_who_differ_nobody_wins() -> None:
    made = consensus.majority([mask("11.2."), mask("1.12.")])
    assert np.array_equal(made.mask, mask("1..2."))
    assert made.disputed.tolist() == [[False, True, True, False, False]]


def test_most_votes_win_without_more_than_half() -> None:
    made = consensus.majority([mask("1"), mask("1"), mask("2"), mask("3"), mask(".")])
    assert made.mask.tolist() == [[1]]
    assert not made.disputed.any()


@given(LABELS, st.integers(1, 4))
def test_the_majority_of_equal_masks_is_that_mask(one: np.ndarray, count: int) -> None:
    made = consensus.majority([one] * count)
    assert np.array_equal(made.mask, one)
    assert not made.disputed.any()
    assert not consensus.disagreement([one] * count).any()


@given(st.lists(LABELS, min_size=1, max_size=5))
def test_the_majority_counts_votes_in_any_order(masks: Any) -> None:
    made = consensus.majority(masks)
    votes = np.stack([np.sum([one == number for one in masks], axis=0) for number in range(4)])
    top = votes.max(0)
    tied = (votes == top).sum(0) > 1
    assert np.array_equal(made.disputed, tied)
    assert np.array_equal(made.mask, np.where(tied, 0, votes.argmax(0)))
    assert np.allclose(consensus.disagreement(masks), 1 - top / len(masks))
    for other in (masks[::-1], sorted(masks, key=lambda one: one.tobytes())):
        again = consensus.majority(other)
        assert np.array_equal(again.mask, made.mask)
        assert np.array_equal(again.disputed, made.disputed)


def test_masks_that_cannot_be_settled() -> None:
    for way in (consensus.majority, consensus.disagreement, consensus.staple):
        with pytest.raises(StudioError, match="nobody drew"):
            way([])
        with pytest.raises(StudioError, match="differ in size"):
            way([mask("1"), mask("11"), mask("1")])


# ---- STAPLE


def sloppy(truth: np.ndarray, misses: float, adds: float, seed: int) -> np.ndarray:
    """Somebody's mask: of each class they miss a share, and where nothing is they add some."""
    random = np.random.default_rng(seed)
    made = truth.copy()
    made[(truth > 0) & (random.random(truth.shape) < misses)] = 0
    made[(truth == 0) & (random.random(truth.shape) < adds)] = 1 + seed % 2
    return made


def test_staple_finds_the_truth_better_than_the_worst() -> None:
    pytest.importorskip("SimpleITK", reason="left out: SimpleITK is an extra")
    truth = np.zeros((60, 80), np.uint8)
    truth[10:14, 5:70], truth[30:50, 40:60] = 1, 2
    masks = [sloppy(truth, *how, seed) for seed, how in enumerate([(0.05, 0.01), (0.1, 0.02), (0.5, 0.1)])]
    made = consensus.staple(masks)
    for number in (1, 2):
        each = [agreement.dice(one == number, truth == number) for one in masks]
        got = agreement.dice(made.mask == number, truth == number)
        assert got > min(each) + 0.1
        assert got > 0.9
    assert made.mask.dtype == np.uint8
    for order in permutations(masks):
        again = consensus.staple(order)
        assert np.mean(again.mask != made.mask) < 1e-3  # sums in another order end a little apart


def test_staple_trusts_one_who_is_reliable_where_votes_would_not() -> None:
    """Two of five see all, three miss most, each elsewhere: the majority loses what STAPLE keeps."""
    pytest.importorskip("SimpleITK", reason="left out: SimpleITK is an extra")
    truth = bar(10, 5, 8, 50).astype(np.uint8)
    masks = [truth, truth, *(sloppy(truth, 0.7, 0, seed) for seed in (1, 2, 3))]
    by_votes = agreement.dice(consensus.majority(masks).mask > 0, truth > 0)
    assert by_votes < 0.9
    assert agreement.dice(consensus.staple(masks).mask > 0, truth > 0) > 0.99


def test_staple_of_masks_without_a_question() -> None:
    pytest.importorskip("SimpleITK", reason="left out: SimpleITK is an extra")
    for one in (mask("....", "...."), mask("1111", "1111"), mask("12..", "..33")):
        made = consensus.staple([one] * 3)
        assert np.array_equal(made.mask, one)
        assert not made.disputed.any()


def test_staple_leaves_open_what_is_tied(monkeypatch: pytest.MonkeyPatch) -> None:
    chances = {1: np.array([[0.5, 0.9, 0.9, 0.4, 0.6]]), 2: np.array([[0.0, 0.9, 0.2, 0.4, 0.8]])}
    monkeypatch.setattr(consensus, "_staple", lambda own: chances[1 if own[0][0, 0] else 2])
    made = consensus.staple([mask("12222")] * 3)
    assert made.mask.tolist() == [[0, 0, 1, 0, 2]]
    assert made.disputed.tolist() == [[True, True, False, False, False]]


def test_staple_needs_three_and_simpleitk(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(StudioError, match="needs 3 annotators, and 2 drew here"):
        consensus.staple([mask("1.")] * 2)
    monkeypatch.setitem(sys.modules, "SimpleITK", None)
    with pytest.raises(StudioError, match=r'pip install "ftl-studio\[staple\]"'):
        consensus.staple([mask("1.")] * 3)


# ---- the log


@pytest.fixture
def wall(project: Someone) -> Image:
    send(project, ("wall.png", picture(kind="PNG")))
    return find_images(project.project_id)[0]


def person(project: Someone, name: str, role: str = "annotator") -> int:
    with writing() as db:
        user = add_user(db, name, "a long enough password").id
    return accept(invite(project.project_id, role), user)


def box(name: str, left: int, number: int = 1, width: int = 10) -> Drawn:
    return Rectangle(name, number, {"box": [left, 5, width, 10]})


def area(left: int, right: int, number: int = 1) -> np.ndarray:
    made = np.zeros((30, 40), np.uint8)
    made[5:15, left:right] = number
    return made


def undo(image: Image, author: int, target: str) -> None:
    log.append(image.id, author, [Undo(f"undo-{target}", 0, {"stroke": target})])


def strokes(image: Image) -> list[Drawn]:
    return [log.drawn(row) for row in log.read(image.id)]


def test_a_consensus_is_a_row_of_the_log_and_can_be_undone(wall: Image, project: Someone) -> None:
    ada, bob, judge = project.user_id, person(project, "Bob"), person(project, "Judge", "reviewer")
    log.append(wall.id, ada, [box("a", 0)])
    log.append(wall.id, bob, [box("b", 4)])
    before = log.mask(wall)
    own = annotator_masks.layers(wall)
    assert list(own) == [ada, bob]
    made = consensus.majority(list(own.values()))
    assert np.array_equal(made.mask, area(4, 10))
    name = consensus.settle(wall, judge, made.mask, 2, log.position(wall.id))
    assert np.array_equal(log.mask(wall), made.mask)
    assert annotator_masks.is_settled(strokes(wall))
    assert [text_of(one) for one in history(wall.project_id, image_id=wall.id)] == ["made a consensus of 2"]
    # whose masks it is of has not changed
    assert annotator_masks.people(strokes(wall)) == [ada, bob]
    assert all(np.array_equal(mask, own[who]) for who, mask in annotator_masks.layers(wall).items())
    assert log.last(wall.id, judge, "undo") == name
    log.append(wall.id, judge, [Undo("back", 0, {})])
    assert np.array_equal(log.mask(wall), before)
    assert not annotator_masks.is_settled(strokes(wall))
    log.append(wall.id, judge, [Redo("again", 0, {})])
    assert np.array_equal(log.mask(wall), made.mask)


def test_nothing_is_settled_that_changed_meanwhile_or_is_accepted(wall: Image, project: Someone) -> None:
    log.append(wall.id, project.user_id, [box("a", 0)])
    seen = log.position(wall.id)
    log.append(wall.id, person(project, "Bob"), [box("b", 4)])
    with pytest.raises(StudioError, match="meanwhile"):
        consensus.settle(wall, project.user_id, area(0, 5), 2, seen)
    set_state(wall.project_id, project.user_id, [wall.id], "accepted")
    with pytest.raises(StudioError, match="accepted"):
        consensus.settle(wall, project.user_id, area(0, 5), 2, log.position(wall.id))
    assert [row.id for row in log.read(wall.id)] == ["a", "b"]
    assert "agreed" not in [one.what for one in history(wall.project_id, image_id=wall.id)]


def test_an_own_mask_leaves_out_what_others_and_consensus_say(wall: Image, project: Someone) -> None:
    ada, bob = project.user_id, person(project, "Bob")
    log.append(wall.id, ada, [box("a", 0)])
    log.append(wall.id, bob, [Revision.of(area(20, 30, 2), "restore-1")])
    assert np.array_equal(annotator_masks.own_mask(wall, ada), area(0, 10))
    assert annotator_masks.people(strokes(wall)) == [ada]  # a revision alone is no drawing
    log.append(wall.id, bob, [box("b", 20)])
    at = log.position(wall.id)
    # Ada settles, and mends the consensus: neither is what she said herself
    consensus.settle(wall, ada, area(20, 22), 2, at)
    log.append(wall.id, ada, [box("mend", 30, 2)])
    assert np.array_equal(annotator_masks.own_mask(wall, ada), area(0, 10))
    assert annotator_masks.people(strokes(wall)) == [ada, bob]
    # what Bob draws then is still his say
    log.append(wall.id, bob, [box("late", 32, 3, 5)])
    assert (annotator_masks.own_mask(wall, bob)[5:15, 32:37] == 3).all()
    assert (annotator_masks.own_mask(wall, bob, upto=at)[5:15, 32:37] == 0).all()


def test_who_settled_without_drawing_does_not_count_by_mending(wall: Image, project: Someone) -> None:
    ada, bob, judge = project.user_id, person(project, "Bob"), person(project, "Judge", "reviewer")
    log.append(wall.id, ada, [box("a", 0)])
    log.append(wall.id, bob, [box("b", 4)])
    name = consensus.settle(wall, judge, area(4, 10), 2, log.position(wall.id))
    log.append(wall.id, judge, [box("mend", 20)])
    assert annotator_masks.people(strokes(wall)) == [ada, bob]
    undo(wall, judge, name)  # then it mends nothing, and is a drawing
    assert annotator_masks.people(strokes(wall)) == [ada, bob, judge]


def test_what_is_undone_or_of_a_removed_class_is_no_say(wall: Image, project: Someone) -> None:
    ada, bob = project.user_id, person(project, "Bob")
    log.append(wall.id, ada, [box("a", 0), box("c", 20, 2)])
    log.append(wall.id, bob, [box("b", 4)])
    undo(wall, bob, "b")
    assert annotator_masks.people(strokes(wall)) == [ada]
    remove_class(wall.project_id, ada, classes_of(wall.project_id)[1].id)
    assert np.array_equal(annotator_masks.own_mask(wall, ada), area(0, 10))


def test_images_that_several_drew(project: Someone) -> None:
    send(project, *((f"{one}.png", picture(one, "PNG")) for one in range(3)))
    first, second, third = find_images(project.project_id)
    bob = person(project, "Bob")
    for image in (first, second):
        log.append(image.id, project.user_id, [box("a", 0)])
    log.append(first.id, bob, [box("b", 4)])
    log.append(second.id, bob, [Revision.of(area(0, 5), "restore-1")])
    assert annotator_masks.drawn_by_several(project.project_id) == {first.id: log.position(first.id)}
    assert annotator_masks.drawn_by_several(project.project_id + 1) == {}
    assert annotator_masks.names([bob, project.user_id]) == {project.user_id: "Ada", bob: "Bob"}
    assert annotator_masks.layers(third) == {}


# ---- pictures


def test_a_thin_dispute_is_seen_in_a_small_picture() -> None:
    import cv2

    photo = np.full((1000, 3000, 3), 128, np.uint8)
    line = np.zeros(photo.shape[:2], bool)
    line[501] = True
    for jpeg in (
        pictures.masked(photo, np.zeros(line.shape, np.uint8), {}, line),
        pictures.heat(photo, line.astype(np.float32)),
    ):
        shown = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR).astype(int)
        assert shown.shape[1] == 520
        assert (np.abs(shown - 128).max(axis=2) > 40).any(axis=0).all()  # all along


def test_no_dispute_is_no_glow() -> None:
    photo = np.full((30, 40, 3), 128, np.uint8)
    assert pictures.heat(photo, np.zeros((30, 40), np.float32)) == pictures.masked(
        photo, mask("0" * 40).repeat(30, 0), {}
    )


def test_the_largest_areas_come_first_with_a_pixel_of_theirs() -> None:
    where = mask("11.1", "1..1", "....", "..1.") > 0
    found = pictures.areas(where)
    assert [one["pixels"] for one in found] == [3, 2, 1]
    assert all(where[one["y"], one["x"]] for one in found)
    assert found[2] == {"x": 2, "y": 3, "pixels": 1}
    assert len(pictures.areas(where, 1)) == 1
    assert pictures.areas(where & False) == []


def test_each_persons_agreement_is_the_mean_of_their_pairs() -> None:
    rows = [
        {
            "Class": "Crack",
            "First": "Ada",
            "Second": "Bob",
            "IoU": 0.2,
            "Dice": 0.4,
            "Kappa": np.nan,
            "F1": 0.5,
            "clDice": 1.0,
        },
        {
            "Class": "Crack",
            "First": "Ada",
            "Second": "Cleo",
            "IoU": 0.6,
            "Dice": 0.8,
            "Kappa": 0.5,
            "F1": 0.7,
            "clDice": 0.0,
        },
    ]
    got = agreement.by_person(rows)
    assert list(got) == ["Ada", "Bob", "Cleo"]
    assert got["Ada"] == pytest.approx({"IoU": 0.4, "Dice": 0.6, "Kappa": 0.5, "F1": 0.6, "clDice": 0.5})
    assert got["Bob"]["IoU"] == 0.2
    assert np.isnan(got["Bob"]["Kappa"])
