"""The mask is a fold over the log: exact pixels, own undo only, the same whatever came twice."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from secrets import token_hex
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from studio.annotation import cleanup, log, pixels
from studio.annotation.pixels import decode, encode
from studio.annotation.rasterise import fold, visible
from studio.annotation.strokes import Brush, Drawn, Polyline, Rectangle, Region, Undo, parse
from studio.annotation.threshold import components, dark
from studio.errors import StudioError
from studio.images.library import find_images, set_state
from tests.studio.conftest import Someone
from tests.studio.images.test_uploads import send

H, W = 24, 32
POINT = st.tuples(st.floats(-5, W + 5), st.floats(-5, H + 5))
WIDTH = st.floats(0.5, 9)
SHAPES = st.one_of(
    st.builds(
        lambda kind, points, width: (kind, {"points": [list(one) for one in points], "width": width}),
        st.sampled_from(["brush", "erase", "polyline"]), st.lists(POINT, min_size=1, max_size=6), WIDTH,
    ),
    st.builds(
        lambda kind, pressed: (
            kind, {"points": [list(one) for one, _ in pressed], "width": 9, "widths": [width for _, width in pressed]}
        ),
        st.sampled_from(["brush", "erase"]), st.lists(st.tuples(POINT, WIDTH), min_size=1, max_size=6),
    ),
    st.builds(lambda points: ("polygon", {"points": [list(one) for one in points]}), st.lists(POINT, min_size=3)),
    st.builds(lambda p, w, h: ("rectangle", {"box": [*p, w, h]}), POINT, st.floats(0, 20), st.floats(0, 20)),
)  # fmt: skip


def made(number: int, shape: tuple[str, dict[str, Any]], author: int = 1, label: int = 1) -> Drawn:
    return parse(f"s{number}", shape[0], 0 if shape[0] == "erase" else label, shape[1], author)


def test_a_rectangle_covers_its_pixels() -> None:
    expected = np.zeros((H, W), np.uint8)
    expected[3:8, 2:10] = 2
    assert np.array_equal(fold([Rectangle("a", 2, {"box": [2, 3, 8, 5]}, 1)], H, W), expected)


@given(st.lists(POINT, min_size=1, max_size=5), st.floats(1, 9))
def test_a_brush_covers_the_pixels_whose_centre_is_within_half_its_width(points: Any, width: float) -> None:
    got = fold([made(0, ("brush", {"points": [list(one) for one in points], "width": width}))], H, W) > 0
    x, y = np.arange(W) + 0.5, (np.arange(H) + 0.5)[:, None]
    distance = np.full((H, W), np.inf)
    for (x0, y0), (x1, y1) in pairwise(points if len(points) > 1 else [*points, *points]):
        length = max((x1 - x0) ** 2 + (y1 - y0) ** 2, 1e-12)
        t = np.clip(((x - x0) * (x1 - x0) + (y - y0) * (y1 - y0)) / length, 0, 1)
        distance = np.minimum(distance, np.hypot(x - x0 - t * (x1 - x0), y - y0 - t * (y1 - y0)))
    sure = np.abs(distance - width / 2) > 1e-6
    assert np.array_equal(got[sure], (distance <= width / 2)[sure])


@given(st.lists(st.tuples(POINT, WIDTH), min_size=2, max_size=6))
def test_a_pressed_brush_covers_what_a_brush_of_the_mean_width_covers_of_each_segment(pressed: Any) -> None:
    points, widths = [list(one) for one, _ in pressed], [width for _, width in pressed]
    got = fold([made(0, ("brush", {"points": points, "width": 9, "widths": widths}))], H, W)
    segments = [
        made(
            number, ("polyline", {"points": points[number : number + 2], "width": sum(widths[number : number + 2]) / 2})
        )
        for number in range(len(points) - 1)
    ]
    assert np.array_equal(got, fold(segments, H, W))


@given(st.lists(POINT, min_size=1, max_size=6), WIDTH)
def test_one_pressure_all_along_is_none(points: Any, width: float) -> None:
    line = {"points": [list(one) for one in points], "width": width}
    pressed = made(0, ("brush", line | {"widths": [width] * len(points)}))
    assert np.array_equal(fold([pressed], H, W), fold([made(0, ("brush", line))], H, W))
    assert np.array_equal(fold([pressed], H, W), fold([made(0, ("polyline", line))], H, W))


def test_a_long_scribble_is_drawn_in_parts_to_the_same_pixels(monkeypatch: pytest.MonkeyPatch) -> None:
    points = np.random.default_rng(0).uniform(0, W, (300, 2))
    whole = pixels.under_pen((H, W), points, 1.5)
    monkeypatch.setattr(pixels, "_AT_ONCE", 7)
    assert np.array_equal(pixels.under_pen((H, W), points, 1.5), whole)


@given(st.lists(POINT, min_size=3, max_size=6))
def test_a_polygon_covers_the_pixels_whose_centre_lies_inside(points: Any) -> None:
    got = fold([made(0, ("polygon", {"points": [list(one) for one in points]}))], H, W) > 0
    x, y = np.meshgrid(np.arange(W) + 0.5, np.arange(H) + 0.5)
    inside, edge = np.zeros((H, W), bool), np.full((H, W), np.inf)
    for (x0, y0), (x1, y1) in pairwise([*points, points[0]]):
        if y0 != y1:
            inside ^= ((y0 > y) != (y1 > y)) & (x < (x1 - x0) * (y - y0) / (y1 - y0) + x0)
        length = max((x1 - x0) ** 2 + (y1 - y0) ** 2, 1e-12)
        t = np.clip(((x - x0) * (x1 - x0) + (y - y0) * (y1 - y0)) / length, 0, 1)
        edge = np.minimum(edge, np.hypot(x - x0 - t * (x1 - x0), y - y0 - t * (y1 - y0)))
    sure = edge > 1e-6
    assert np.array_equal(got[sure], inside[sure])


@given(st.lists(st.booleans(), min_size=H * W, max_size=H * W))
def test_run_lengths_go_there_and_back(bits: list[bool]) -> None:
    where = np.array(bits).reshape(H, W)
    assert np.array_equal(decode(encode(where), H, W), where)
    assert np.array_equal(fold([Region("r", 3, {"counts": encode(where)}, 1)], H, W), where * 3)


@given(st.lists(SHAPES, min_size=1, max_size=6), st.data())
def test_undo_leaves_the_mask_as_if_the_stroke_had_never_been(shapes: Any, data: st.DataObject) -> None:
    drawn = [made(number, shape, author=number % 2 + 1) for number, shape in enumerate(shapes)]
    target = data.draw(st.sampled_from(drawn))
    without = fold([one for one in drawn if one is not target], H, W)
    undo, redo = (parse(kind, kind, 0, {"stroke": target.id}, target.author_id) for kind in ("undo", "redo"))
    assert np.array_equal(fold([*drawn, undo], H, W), without)
    assert np.array_equal(fold([*drawn, undo, redo], H, W), fold(drawn, H, W))
    foreign = [*drawn, replace(undo, author_id=99)]
    assert np.array_equal(fold(foreign, H, W), fold(drawn, H, W))  # nobody undoes another's stroke


def test_a_stroke_that_spares_others_paints_only_what_is_free() -> None:
    first = Rectangle("a", 1, {"box": [0, 0, 4, 4]}, 1)
    second = Rectangle("b", 2, {"box": [2, 2, 4, 4], "over": False}, 1)
    mask = fold([first, second], H, W)
    assert (mask[0:4, 0:4] == 1).all()
    assert mask[5, 5] == 2


@pytest.fixture
def wall(project: Someone) -> Someone:
    from tests.studio.images.test_uploads import picture

    send(project, ("wall.png", picture(kind="PNG", size=(W, H))))
    return project


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True)
@given(st.lists(SHAPES, min_size=1, max_size=8), st.randoms(use_true_random=False))
def test_replies_that_are_split_doubled_late_or_empty_give_one_log(wall: Someone, shapes: Any, random: Any) -> None:
    """A canvas sends its whole list: whatever of it arrives, and how often, each stroke is in the log once."""
    (image,) = find_images(wall.project_id)
    mount = token_hex(6)
    drawn = [replace(made(number, shape), id=f"{mount}-{number}") for number, shape in enumerate(shapes)]
    before = len(log.read(image.id))
    replies = [drawn[: random.randint(0, len(drawn))] for _ in range(6)]  # any earlier state, also an empty one
    for reply in [*replies, drawn, *replies]:
        log.append(image.id, wall.user_id, reply)
    rows = [log.drawn(row) for row in log.read(image.id)][before:]
    assert [row.id for row in rows] == [one.id for one in drawn]
    assert np.array_equal(fold(rows, H, W), fold(drawn, H, W))


def test_the_log_takes_each_stroke_once_and_folds_step_by_step_to_the_same_mask(wall: Someone) -> None:
    (image,) = find_images(wall.project_id)
    rng = np.random.default_rng(0)
    sent: list[Drawn] = []
    for number in range(30):
        x, y = rng.uniform(0, W), rng.uniform(0, H)
        sent.append(made(number, ("brush", {"points": [[x, y], [y, x]], "width": 3}), label=number % 4 + 1))
        log.append(image.id, wall.user_id, sent[-3:])  # the last ones again and again
        if number % 7 == 3:
            log.append(image.id, wall.user_id, [Undo(f"undo-{number}", 0, {})])
        rows = [log.drawn(row) for row in log.read(image.id)]
        assert np.array_equal(log.mask(image), fold(rows, H, W))
    assert len([row for row in rows if row.kind == "brush"]) == 30
    assert np.array_equal(log.mask(image, upto=log.read(image.id)[4].seq), fold(rows[:5], H, W))
    mask = log.mask(image)
    mask[:] = 9  # the caller's own
    assert log.mask(image).max() < 9


def test_a_stroke_that_is_sent_twenty_times_is_there_once(wall: Someone) -> None:
    (image,) = find_images(wall.project_id)
    stroke = made(1, ("brush", {"points": [[3, 3], [9, 9]], "width": 3}))
    assert [log.append(image.id, wall.user_id, [stroke]) for _ in range(20)] == [1] + [0] * 19
    assert log.append(image.id, wall.user_id, [stroke] * 20) == 0
    assert [row.id for row in log.read(image.id)] == [stroke.id]
    assert find_images(wall.project_id)[0].strokes == 1


def test_undo_and_redo_walk_through_ones_own_strokes(wall: Someone) -> None:
    (image,) = find_images(wall.project_id)
    for number in range(3):
        log.append(image.id, wall.user_id, [made(number, ("rectangle", {"box": [0, 0, 1, 1]}))])

    def step(kind: str) -> str | None:
        row, before = parse(token_hex(6), kind, 0, {}), log.last(image.id, wall.user_id, kind)
        assert log.append(image.id, wall.user_id, [row]) == (before is not None)
        assert log.append(image.id, wall.user_id, [row]) == 0 or before is None
        target = next((found.geometry["stroke"] for found in log.read(image.id) if found.id == row.id), None)
        assert target == before
        return target

    assert [step("undo"), step("undo"), step("redo"), step("undo"), step("undo"), step("undo")] == [
        "s2", "s1", "s1", "s1", "s0", None,
    ]  # fmt: skip
    assert [step("redo") for _ in range(4)] == ["s0", "s1", "s2", None]
    step("undo")
    log.append(image.id, wall.user_id, [made(9, ("rectangle", {"box": [0, 0, 1, 1]}))])
    assert step("redo") is None  # a new stroke ends what could be redone
    assert log.last(image.id, wall.user_id + 1, "undo") is None


@pytest.mark.parametrize(
    "stroke",
    [
        Brush("x", 9, {"points": [[1, 1]], "width": 2}, 1),
        Brush("x", 0, {"points": [[1, 1]], "width": 2}, 1),
        Brush("x", 1, {"points": [], "width": 2}, 1),
        Brush("x", 1, {"points": [[1, float("nan")]], "width": 2}, 1),
        Brush("x", 1, {"points": [[1, 1]], "width": 0}, 1),
        Brush("x", 1, {"points": [[1, 1]]}, 1),
        Brush("x", 1, {"points": 3, "width": 2}, 1),
        Rectangle("x", 1, {"box": [1, 1, -2, 2]}, 1),
        Region("x", 1, {"counts": [3, 4]}, 1),
        Undo("x", 0, {"stroke": 3}, 1),
        Brush("x", 1, {"points": [[1, 1], [2, 2]], "width": 2, "widths": [1]}, 1),
        Brush("x", 1, {"points": [[1, 1], [2, 2]], "width": 2, "widths": [1, 3]}, 1),
        Brush("x", 1, {"points": [[1, 1], [2, 2]], "width": 2, "widths": [1, float("nan")]}, 1),
        Brush("x", 1, {"points": [[1, 1], [2, 2]], "width": 2, "widths": [0, 1]}, 1),
        Brush("x", 1, {"points": [[1, 1e300]], "width": 2}, 1),
        Polyline("x", 0, {"points": [[1, 1]], "width": 2}, 1),
        Polyline("x", 1, {"points": [[1, 1]]}, 1),
        Rectangle("x", 1, {"box": [1e300, 1, 1e300, 2]}, 1),
        Region("x", 1, {"counts": [H * W], "size": [W, H]}, 1),
        Rectangle("", 1, {"box": [1, 1, 2, 2]}, 1),
    ],
)
def test_a_stroke_that_is_none_is_refused_and_nothing_is_added(wall: Someone, stroke: Drawn) -> None:
    (image,) = find_images(wall.project_id)
    good = Rectangle("good", 1, {"box": [1, 1, 2, 2]}, 1)
    with pytest.raises(StudioError):
        log.append(image.id, wall.user_id, [good, stroke])
    assert log.read(image.id) == []


def test_an_unknown_kind_is_told_with_those_that_there_are() -> None:
    with pytest.raises(StudioError, match="no known kind: choose one of brush, erase, polyline, polygon, rectangle"):
        parse("x", "spell", 1, {})


def test_an_accepted_image_is_read_only_but_a_resent_stroke_is_no_error(wall: Someone) -> None:
    (image,) = find_images(wall.project_id)
    first = Rectangle("first", 1, {"box": [1, 1, 2, 2]}, 1)
    log.append(image.id, wall.user_id, [first])
    set_state(wall.project_id, wall.user_id, [image.id], "accepted")
    assert log.append(image.id, wall.user_id, [first]) == 0
    with pytest.raises(StudioError, match="read-only"):
        log.append(image.id, wall.user_id, [replace(first, id="second")])


def test_the_original_labelers_threshold() -> None:
    image = np.full((10, 12, 3), 200, np.uint8)
    image[2:5, 2:6] = 50
    image[3, 3] = (119, 119, 119)
    image[3, 4] = (119, 119, 120)  # one channel is not below: a hole
    image[8, 9] = 0
    where = dark(image, 120)
    assert where.sum() == 12
    assert not where[3, 4]
    first, second = components(where)
    assert (first.area, first.box, second.area) == (11, (2, 2, 4, 3), 1)
    assert components(where, fill=True)[0].area == 12
    assert [one.area for one in components(where, least=2)] == [11]
    assert dark(image, 120, [[0, 0, 4, 10]]).sum() == 6
    assert np.array_equal(first.on(10, 12) | second.on(10, 12), where)


def test_holes_are_filled_and_specks_dropped() -> None:
    mask = np.zeros((H, W), np.uint8)
    mask[2:10, 2:10] = 1
    mask[4:6, 4:6] = 0
    mask[7, 7] = 2  # another class inside is no hole
    mask[15, 15] = 3
    (filling,) = cleanup.holes(mask)
    filled = fold([Region("m", 1, {"counts": encode(mask == 1)}, 1), filling], H, W)
    assert (filled[4:6, 4:6] == 1).all()
    assert filled[7, 7] == 0
    (dropping,) = cleanup.specks(mask, 2)
    assert dropping.class_number == 0
    assert decode(dropping.geometry["counts"], H, W).sum() == 2
    assert cleanup.holes(np.zeros((3, 3), np.uint8)) == cleanup.specks(np.zeros((3, 3), np.uint8), 5) == []
    assert visible([dropping]) == [dropping]


def test_a_mask_kept_on_disk_spares_the_fold_and_is_never_taken_for_another_logs(
    wall: Someone, monkeypatch: pytest.MonkeyPatch
) -> None:
    from studio.annotation import mask_cache

    (image,) = find_images(wall.project_id)
    rng = np.random.default_rng(0)
    drawn = [
        made(n, ("brush", {"points": rng.uniform(0, W, (3, 2)).tolist(), "width": 3}), label=n % 4 + 1)
        for n in range(310)
    ]
    log.append(image.id, wall.user_id, drawn[:305])
    expected = log.mask(image)
    log._FOLDED.clear()  # as after a restart
    asked = []
    monkeypatch.setattr(log, "read", lambda *a, true=log.read, **k: asked.append(a[1:]) or true(*a, **k))
    assert np.array_equal(log.mask(image), expected)
    assert asked == [(log.position(image.id), None)]  # only what came since
    log.append(image.id, wall.user_id, [*drawn[305:], Undo("undo-7", 0, {"stroke": "s7"})])
    log._FOLDED.clear()
    rows = [log.drawn(row) for row in log.read(image.id)]
    assert np.array_equal(log.mask(image), fold(rows, H, W))
    (file,) = (mask_cache._file(image, None).parent).iterdir()
    whole = file.read_bytes()
    for damaged in (b"", whole[:-40], b"PK" + bytes(100), whole[:200] + bytes([whole[200] ^ 255]) + whole[201:]):
        file.write_bytes(damaged)
        log._FOLDED.clear()
        assert np.array_equal(log.mask(image), fold(rows, H, W))
    assert rows
    mask_cache.keep(image, None, log.position(image.id), "another log's row", np.full((H, W), 4, np.uint8))
    log._FOLDED.clear()
    assert np.array_equal(log.mask(image), fold(rows, H, W))
