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

from studio.annotation import cleanup, log
from studio.annotation.pixels import decode, encode
from studio.annotation.rasterise import fold, visible
from studio.annotation.strokes import Brush, Drawn, Rectangle, Region, Undo, parse
from studio.annotation.threshold import components, dark
from studio.canvas.adapter import ERASER, pens, strokes, toggle
from studio.canvas.viewport import look
from studio.errors import StudioError
from studio.images.library import find_images, set_state
from tests.studio.conftest import Someone
from tests.studio.test_uploads import send

H, W = 24, 32
POINT = st.tuples(st.floats(-5, W + 5), st.floats(-5, H + 5))
SHAPES = st.one_of(
    st.builds(
        lambda kind, points, width: (kind, {"points": [list(one) for one in points], "width": width}),
        st.sampled_from(["brush", "erase"]), st.lists(POINT, min_size=1, max_size=6), st.floats(0.5, 9),
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
    undone = [*drawn, toggle("undo", target.id, drawn, target.author_id)]
    assert np.array_equal(fold(undone, H, W), without)
    assert np.array_equal(fold([*undone, toggle("redo", target.id, undone, target.author_id)], H, W), fold(drawn, H, W))
    foreign = [*drawn, toggle("undo", target.id, drawn, 99)]
    assert np.array_equal(fold(foreign, H, W), fold(drawn, H, W))  # nobody undoes another's stroke


def test_a_stroke_that_spares_others_paints_only_what_is_free() -> None:
    first = Rectangle("a", 1, {"box": [0, 0, 4, 4]}, 1)
    second = Rectangle("b", 2, {"box": [2, 2, 4, 4], "over": False}, 1)
    mask = fold([first, second], H, W)
    assert (mask[0:4, 0:4] == 1).all()
    assert mask[5, 5] == 2


@pytest.fixture
def wall(project: Someone) -> Someone:
    from tests.studio.test_uploads import picture

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
            target = log.last(image.id, wall.user_id, "undo")
            assert target is not None
            rows = [log.drawn(row) for row in log.read(image.id)]
            log.append(image.id, wall.user_id, [toggle("undo", target, rows, wall.user_id)])
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
        target = log.last(image.id, wall.user_id, kind)
        if target is None:
            return None
        rows = [log.drawn(row) for row in log.read(image.id)]
        log.append(image.id, wall.user_id, [toggle(kind, target, rows, wall.user_id)])
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
        Undo("x", 0, {}, 1),
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
    with pytest.raises(StudioError, match="no known kind: choose one of brush, erase, polygon, rectangle, region"):
        parse("x", "spell", 1, {})


def test_an_accepted_image_is_read_only_but_a_resent_stroke_is_no_error(wall: Someone) -> None:
    (image,) = find_images(wall.project_id)
    first = Rectangle("first", 1, {"box": [1, 1, 2, 2]}, 1)
    log.append(image.id, wall.user_id, [first])
    set_state(wall.project_id, wall.user_id, [image.id], "accepted")
    assert log.append(image.id, wall.user_id, [first]) == 0
    with pytest.raises(StudioError, match="read-only"):
        log.append(image.id, wall.user_id, [replace(first, id="second")])


@given(
    st.integers(1, 6000), st.integers(1, 4000), st.floats(0.1, 100), st.floats(-10, 7000), st.floats(-10, 5000),
    st.lists(st.tuples(st.floats(0, 900), st.floats(0, 600)), min_size=1, max_size=4),
)  # fmt: skip
def test_a_viewport_lies_in_the_image_and_goes_there_and_back(
    width: int, height: int, zoom: float, x: float, y: float, points: Any
) -> None:
    view = look(width, height, zoom, (x, y))
    assert view.left >= 0
    assert view.top >= 0
    assert view.left + view.crop_width <= width
    assert view.top + view.crop_height <= height
    assert view.width <= 780
    assert view.height <= 600
    corner = view.to_image(np.array([[0, 0], [view.width, view.height]]))
    assert np.allclose(corner, [[view.left, view.top], [view.left + view.crop_width, view.top + view.crop_height]])
    assert np.allclose(view.to_canvas(view.to_image(np.array(points))), points, atol=1e-6)


def test_objects_of_the_canvas_become_strokes_in_image_pixels() -> None:
    view = look(200, 100, 2.0, (150, 50), (400, 200))  # 4 canvas pixels to one of the image, from (100, 25)
    drawn_by = pens({1: "#e5484d", 2: "#e5484d", 3: ERASER})
    assert len({*drawn_by.values(), ERASER}) == 4
    box: dict[str, Any] = {"type": "Rect", "stroke": drawn_by[1] + "b3", "width": 40, "height": 20}
    line: dict[str, Any] = {
        "type": "Path",
        "stroke": ERASER + "cc",
        "strokeWidth": 4,
        "path": [["M", 4, 4], ["L", 8, 4]],
    }
    curve = [["M", 0, 0], ["Q", 0, 0, 40, 80], ["L", 80, 80]]
    corners = [{"x": 0, "y": 0}, {"x": 4, "y": 0}, {"x": 0, "y": 4}]
    objects: list[dict[str, Any]] = [
        {"type": "Path", "stroke": drawn_by[2] + "b3", "strokeWidth": 8, "path": curve},
        box | {"left": 40, "top": 80, "originX": "left"},
        box | {"left": 60, "top": 90, "originX": "center", "originY": "center"},
        {"type": "Polygon", "stroke": drawn_by[3] + "80", "points": corners},
        line,
        line | {"stroke": "#123456"},
        {"type": "Path", "stroke": drawn_by[1], "path": [["Q", 1]]},
        {"type": "Text", "stroke": drawn_by[1]},
    ]
    found = strokes(objects, "m", view, drawn_by)
    assert [(one.kind, one.class_number) for one in found] == [
        ("brush", 2), ("rectangle", 1), ("rectangle", 1), ("polygon", 3), ("erase", 0),
    ]  # fmt: skip
    assert found[0].geometry["width"] == 2
    assert found[0].geometry["points"][0] == [100, 25]
    assert found[0].geometry["points"][-1] == [120, 45]
    assert found[1].geometry["box"] == found[2].geometry["box"] == [110, 45, 10, 5]
    assert len({one.id for one in found}) == 5  # equal ones are told apart by their turn
    assert strokes(objects, "m", view, drawn_by) == found
    assert strokes(objects, "n", view, drawn_by)[0].id != found[0].id


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
    log.append(image.id, wall.user_id, [*drawn[305:], toggle("undo", "s7", drawn, wall.user_id)])
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
