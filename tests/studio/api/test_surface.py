"""What the drawing surface asks the studio for: one log, the right rows and patches, and nothing for who may not."""

from __future__ import annotations

import json
import time
from typing import Any, NamedTuple

import cv2
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.exc import OperationalError
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.testclient import TestClient

from studio.accounts import COOKIE, add_user, open_session
from studio.accounts.settings import Settings
from studio.annotation import log
from studio.annotation.pixels import decode
from studio.api import assist, canvas_files, comments, files, gate, live, objects, proposals, strokes
from studio.api.bodies import Bodies
from studio.api.headers import Headers
from studio.api.rate_limit import Buckets
from studio.canvas import modules
from studio.collaboration import tabs
from studio.collaboration.assignment import set_overlap
from studio.images.library import find_images, set_state
from studio.projects.classes import classes_of, remove_class
from studio.projects.invitations import accept, invite
from studio.store import files as store
from studio.store.database import writing
from studio.store.tables import Image
from studio.trash.deleting import archive
from tests.studio.annotation.test_fold import SHAPES, H, W
from tests.studio.browser import Browser
from tests.studio.conftest import Someone
from tests.studio.images.test_uploads import picture, send


class Wall(NamedTuple):
    """An image of a project, and what its people send: Ada is the admin, Bob an annotator, Eve in no project."""

    image: Image
    people: dict[str, int]
    clients: dict[str, TestClient]

    def ask(self, name: str, path: str, content: Any = None, status: int = 200) -> Any:
        """POST JSON below the image's address, or GET where there is no content."""
        address = f"/files/{self.image.project_id}/images/{self.image.id}/{path}"
        client = self.clients[name]
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        got = client.get(address) if content is None else client.post(address, content=body)
        assert got.status_code == status, (got.status_code, got.text)
        return got.json() if "json" in got.headers["content-type"] else got

    def live(self, name: str, after: int | None = None, status: int = 200, **more: Any) -> Any:
        return self.ask(
            name, "live", {"after": after, "tab": f"{name}'s", "cursor": None, "drawing": None} | more, status
        )

    def draw(self, name: str, *rows: dict[str, Any], after: int | None = None, status: int = 200) -> Any:
        return self.ask(name, "strokes", {"user": self.people[name], "after": after, "rows": list(rows)}, status)


@pytest.fixture
def wall(project: Someone) -> Wall:
    send(project, ("wall.png", picture(kind="PNG", size=(W, H))))
    with writing() as db:
        bob, eve = (add_user(db, name, "a long enough password").id for name in ("Bob", "Eve"))
    accept(invite(project.project_id, "annotator"), bob)
    people = {"Ada": project.user_id, "Bob": bob, "Eve": eve}
    parts = (assist, canvas_files, comments, files, live, objects, proposals, strokes)
    routes = [route for part in parts for route in part.ROUTES]
    app = Starlette(routes=routes, middleware=[Middleware(Headers), Middleware(gate.Gate), Middleware(Bodies)])
    clients = {name: TestClient(app, cookies={COOKIE: open_session(user)}) for name, user in people.items()}
    clients["nobody"] = TestClient(app)
    tabs._TABS.clear()
    return Wall(find_images(project.project_id)[0], people, clients)


def row(id: str, kind: str = "rectangle", number: int = 1, **geometry: Any) -> dict[str, Any]:
    given = geometry or {"box": [2, 3, 8, 5]}
    return {"id": id, "kind": kind, "class_number": number, "geometry": given}


def undo(id: str, kind: str = "undo", **geometry: Any) -> dict[str, Any]:
    return {"id": id, "kind": kind, "class_number": 0, "geometry": geometry}


POSTS = {
    "live": {"after": None, "tab": "t", "cursor": None, "drawing": None},
    "strokes": {"user": 0, "after": None, "rows": []},
    "assist": {"kind": "threshold", "threshold": 100},
    "comments": {"x": 1, "y": 1, "text": "look"},
    "proposals": {"made": 1.0},
}


def test_nobody_gets_in_who_is_not_in_the_project(wall: Wall) -> None:
    sha256 = wall.image.sha256
    for path in ("object?x=1&y=1", f"{sha256}/tile-0-0-0.jpg", f"{sha256}/view.jpg"):
        wall.ask("nobody", path, status=401)
        wall.ask("Eve", path, status=403)
    for path, content in POSTS.items():
        wall.ask("nobody", path, content, 401)
        assert "not in this project" in wall.ask("Eve", path, content, 403)["error"]
        foreign = wall.clients["Ada"].post(f"/files/{wall.image.project_id}/images/999/{path}", json=content)
        assert foreign.status_code in (400, 403)
    assert log.read(wall.image.id) == []


def test_a_stroke_is_taken_once_however_often_it_is_sent(wall: Wall) -> None:
    line = row("b", "brush", 2, points=[[1, 1], [9, 9]], width=3, widths=[1, 3])
    first = wall.draw("Bob", row("a"), line, after=0)
    again = wall.draw("Bob", row("a"), line, row("a"), after=first["position"])
    assert (first["taken"], again["taken"]) == (["a", "b"], ["a", "b", "a"])
    assert ([told["id"] for told in first["rows"]], again["rows"]) == (["a", "b"], [])
    assert first["rows"][1] == line | {"author": wall.people["Bob"]}
    assert [known.id for known in log.read(wall.image.id)] == ["a", "b"]
    assert first["patch"] is again["patch"] is None
    assert wall.live("Ada", 0)["rows"] == first["rows"]


def test_an_undo_finds_its_stroke_once(wall: Wall) -> None:
    drawn = wall.draw("Bob", row("a"), row("b", box=[10, 10, 3, 3]), after=0)
    wall.draw("Ada", row("c", box=[20, 10, 3, 3]))
    for _ in range(3):
        told = wall.draw("Bob", undo("u"), after=drawn["position"])
        assert told["taken"] == ["u"]
        assert log.mask(wall.image)[11, 11] == 0
        assert log.mask(wall.image)[11, 21] == log.mask(wall.image)[4, 4] == 1  # Ada's, and the one before
    assert told["patch"]["box"] == [10, 10, 3, 3]
    assert [known.geometry for known in log.read(wall.image.id) if known.kind == "undo"] == [{"stroke": "b"}]
    wall.draw("Bob", undo("v"), undo("w"))  # the second finds none of his
    assert [known.kind for known in log.read(wall.image.id)].count("undo") == 2
    assert log.mask(wall.image).sum() == 9
    wall.draw("Bob", undo("r", "redo"), undo("s", "redo", stroke="c"))  # nobody redoes another's
    assert log.mask(wall.image)[4, 4] == 1
    wall.draw("Ada", undo("x", stroke="a"))
    assert log.mask(wall.image)[4, 4] == 1
    assert find_images(wall.image.project_id)[0].strokes == len(log.read(wall.image.id))


def test_who_is_far_behind_gets_the_mask(wall: Wall) -> None:
    dots = [row(f"d{number}", box=[number % W, number % H, 1, 1], number=number % 4 + 1) for number in range(501)]
    told = wall.draw("Ada", *dots[:500], after=0)
    assert (len(told["rows"]), told["patch"]) == (500, None)
    told = wall.draw("Ada", dots[500], after=0)
    assert (told["rows"], told["patch"]["box"]) == ([], [0, 0, W, H])
    assert wall.live("Ada", 10**12)["patch"]["box"] == [0, 0, W, H]  # of a log that is no more
    screen = Browser(H, W)
    screen.receive(told)
    assert np.array_equal(screen.mask, log.mask(wall.image))


def test_classes_that_were_removed_are_in_the_patch_and_not_in_the_mask(wall: Wall) -> None:
    wall.draw("Ada", row("a", number=3))
    (dirt,) = (known for known in classes_of(wall.image.project_id) if known.number == 3)
    remove_class(wall.image.project_id, wall.people["Ada"], dirt.id)
    assert set(wall.live("Bob")["patch"]["values"]) == {0, 3}
    assert log.mask(wall.image).max() == 0
    assert wall.draw("Bob", row("late", number=3))["taken"] == ["late"]  # it was on its way
    assert wall.ask("Ada", "object?x=4&y=4") == {"stroke": None, "area": None}


def test_nothing_is_drawn_on_what_is_closed(wall: Wall) -> None:
    wall.draw("Bob", row("a"))
    set_state(wall.image.project_id, wall.people["Ada"], [wall.image.id], "accepted")
    told = wall.live("Bob")
    assert (told["state"], told["editable"]) == ("accepted", False)
    assert "a reviewer can reopen it" in told["why"]
    assert told["why"] == wall.draw("Bob", row("b"), status=400)["error"]
    assert wall.draw("Bob", row("a"))["taken"] == ["a"]  # it is there
    set_state(wall.image.project_id, wall.people["Ada"], [wall.image.id], "open")
    assert wall.live("Bob")["why"] is None
    archive(wall.image.project_id, wall.people["Ada"], archived=True)
    assert "archived" in wall.live("Bob")["why"]
    assert "archived" in wall.draw("Bob", row("b"), status=403)["error"]
    assert [known.id for known in log.read(wall.image.id)] == ["a"]


def test_strokes_of_somebody_else_are_refused(wall: Wall) -> None:
    refused = wall.ask("Bob", "strokes", {"user": wall.people["Ada"], "after": None, "rows": [row("a")]}, 409)
    assert "Bob is signed in now" in refused["error"]
    assert log.read(wall.image.id) == []


def test_tabs_see_each_others_pointers_and_strokes_for_seconds(wall: Wall, monkeypatch: pytest.MonkeyPatch) -> None:
    drawing = {"kind": "brush", "class_number": 1, "geometry": {"points": [[1, 2]], "width": 3}}
    wall.live("Bob", cursor=[3, 4.5], drawing=drawing | {"id": "no matter", "more": 1})
    wall.live("Bob", tab="another", cursor=[1, 1])
    first, another = wall.live("Ada")["people"]
    bob = {"id": wall.people["Bob"], "name": "Bob"}
    assert another == bob | {"tab": "another", "cursor": [1, 1], "drawing": None}
    assert first == bob | {"tab": "Bob's", "cursor": [3, 4.5], "drawing": drawing}
    assert [told["tab"] for told in wall.live("Bob")["people"]] == ["Ada's", "another"]
    for number in range(30):  # a browser without end of tabs
        wall.live("Bob", tab=f"t{number}")
    assert len(wall.live("Ada")["people"]) == 8
    real = time.monotonic
    monkeypatch.setattr("studio.api.live.time.monotonic", lambda: real() + 4)
    assert wall.live("Ada")["people"] == [bob | {"tab": None, "cursor": None, "drawing": None}]  # as present says


def test_who_draws_blind_is_told_of_no_one_else(wall: Wall) -> None:
    set_overlap(wall.image.project_id, wall.people["Ada"], 2)
    wall.draw("Ada", row("a"))
    wall.draw("Bob", row("b", box=[10, 10, 3, 3], number=2))
    wall.live("Ada", cursor=[1, 1])
    told = wall.live("Bob", cursor=[2, 2])
    assert (told["people"], set(told["patch"]["values"])) == ([], {0, 2})
    assert [known["id"] for known in wall.live("Bob", 0)["rows"]] == ["b"]
    assert [known["id"] for known in wall.live("Ada", 0)["rows"]] == ["a", "b"]
    assert [person["tab"] for person in wall.live("Ada")["people"]] == [None]  # present, without a pointer
    assert wall.ask("Bob", "object?x=4&y=4") == {"stroke": None, "area": None}
    assert wall.ask("Ada", "object?x=11&y=11")["stroke"]["name"] == "Bob"
    everything = {"kind": "threshold", "threshold": 255, "over": False}
    counts = [sum(area["pixels"] for area in wall.ask(name, "assist", everything)["areas"]) for name in ("Bob", "Ada")]
    assert counts[0] > counts[1]  # what others have drawn is not spared, for it is not seen


def test_what_lies_at_a_place(wall: Wall) -> None:
    wall.draw("Ada", row("a", box=[2, 2, 6, 6]))
    wall.draw("Bob", row("b", number=2, box=[4, 4, 6, 6]), row("c", box=[20, 2, 2, 2]))
    wall.draw(
        "Bob", row("spares", number=3, box=[0, 0, 12, 12], over=False), row("d", "erase", points=[[3.5, 3.5]], width=1)
    )
    at = {place: wall.ask("Bob", f"object?x={place[0]}&y={place[1]}") for place in ((2, 2), (5, 5), (11, 11), (3, 3))}
    assert [found["stroke"] and found["stroke"]["id"] for found in at.values()] == ["a", "b", "spares", None]
    assert [found["stroke"] and found["stroke"]["mine"] for found in at.values()] == [False, True, True, None]
    for (x, y), found in list(at.items())[:3]:
        area, mask = found["area"], log.mask(wall.image)
        left, top, width, height = area["box"]
        shown = np.zeros((H, W), bool)
        shown[top : top + height, left : left + width] = decode(area["counts"], height, width)
        assert shown.sum() == area["pixels"]
        assert shown[y, x]
        assert (mask[shown] == area["class_number"]).all()
        assert area["class_number"] == found["stroke"]["class_number"]
    assert at[2, 2]["area"]["box"] == [2, 2, 6, 6]  # the other area of its class lies elsewhere
    log.restore(wall.image, wall.people["Ada"], log.mask(wall.image))
    revision = wall.ask("Bob", "object?x=5&y=5")["stroke"]
    assert (revision["kind"], revision["geometry"], revision["name"]) == ("revision", {}, "Ada")
    for query in ("", "?x=1", "?x=-1&y=1", f"?x={W}&y=1", "?x=1.5&y=1", "?x=1&y=" + "9" * 40):
        wall.ask("Bob", f"object{query}", status=400)


@pytest.mark.parametrize("body", [
    {"kind": "threshold", "threshold": 200, "covers": [[0, 0, 9, 9]], "least": 1, "fill": True},
    {"kind": "trace", "points": [[1, 1], [20, 20]], "width": None},
    {"kind": "trace", "points": [[1, 1], [20, 20]], "width": 3},
    {"kind": "gate", "points": [[1, 1], [20, 20]], "width": 3, "offset": 5},
    {"kind": "grab", "box": [4, 4, 9, 9]},
    {"kind": "propose", "way": "thin", "least": 3},
    {"kind": "propose", "way": "wide", "least": 3},
])  # fmt: skip
def test_assists_find_areas_and_spare_what_is_drawn(wall: Wall, body: dict[str, Any]) -> None:
    def found(**more: Any) -> np.ndarray:
        shown = np.zeros((H, W), bool)
        for area in wall.ask("Bob", "assist", body | more)["areas"]:
            left, top, width, height = area["box"]
            where = decode(area["counts"], height, width)
            assert where.sum() == area["pixels"] > 0
            shown[top : top + height, left : left + width] |= where
        return shown

    before = found()
    wall.draw("Ada", row("a", box=[0, 0, 16, H]))
    assert np.array_equal(found(), before)
    before[:, :16] = False
    assert np.array_equal(found(over=False), before)


def test_comments_are_pinned_and_read(wall: Wall) -> None:
    wall.ask("Bob", "comments", {"x": 3, "y": 4.5, "text": " look\0 here "})
    (said,) = wall.live("Ada")["comments"]
    assert said | {"id": 0} == {"id": 0, "x": 3, "y": 4.5, "text": "look here", "author": "Bob"}
    for wrong in ({"x": 99, "y": 1, "text": "a"}, {"x": 1, "y": None, "text": "a"}, {"x": 1, "y": 1, "text": " "},
                  {"x": 1, "y": 1, "text": 3}, {"x": 1, "y": 1, "text": "a" * 2001}, {"x": 1, "y": 1}):  # fmt: skip
        wall.ask("Bob", "comments", wrong, 400)
    wall.ask("Bob", "comments", b'{"x": 1, "y": 1, "text": "\\ud800"}', 400)


DEEP = b"[" * 5000 + b"]" * 5000
HOSTILE_ROWS: list[Any] = [
    None, 3, [], "row", {}, {"id": "x"}, row("", box=[1, 1, 1, 1]), row("a b"), row("x" * 101), row("\0"),
    row("x", "spell"), row("x", "revision", counts=[H * W], values=[1]), row("x", number=True), row("x", number=255),
    row("x", number=-1), row("x", number=2**70), row("x", number=9), row("x") | {"class_number": "1"},
    row("x") | {"geometry": 3}, row("x", box=[1, 1, -1, 1]),
    row("x", box=[1e308, 1, 1e308, 1]), row("x", box=["1"] * 4), row("x", box="1111"), row("x", box={"0": 1}),
    row("x", "brush", points=[], width=1), row("x", "brush", points=[[1]], width=1), row("x", "brush", points=[[1, 1]]),
    row("x", "brush", points=[[1, None]], width=1), row("x", "brush", points=[[1, 1]], width=1e9),
    row("x", "brush", points=[[1, 1]], width=1, widths=[2]), row("x", "brush", points=[[1, 1]], width=1, widths=3),
    row("x", "polygon", points=[[-1e308, 0], [1e308, 1], [0, 3]]), row("x", "polygon", points={"a": [1, 1]}),
    row("x", "region", counts=[H * W + 1]), row("x", "region", counts=[-1, H * W + 1]),
    row("x", "region", counts=[1.0] * (H * W)),
    row("x", "region", counts=[2**70]), row("x", "region", counts="1"), row("x", "region", counts=[H * W], size=[W, H]),
    undo("x", stroke=3), undo("x", stroke=None), undo("x", stroke=["a"]),
]  # fmt: skip


def test_hostile_rows_get_a_sentence_and_leave_nothing(wall: Wall) -> None:
    for wrong in HOSTILE_ROWS:
        told = wall.ask("Bob", "strokes", {"user": wall.people["Bob"], "after": 0, "rows": [row("good"), wrong]}, 400)
        assert len(told["error"]) > 10, wrong
    assert log.read(wall.image.id) == []
    kept = row("x") | {"geometry": {"box": [1, 1, 2, 2], "more": {"deep": [[[]]]}, "over": "yes"}, "author": 99}
    assert wall.draw("Bob", kept, after=0)["rows"][0]["geometry"] == {"box": [1, 1, 2, 2]}


def test_hostile_bodies_get_a_sentence(wall: Wall) -> None:
    bob = wall.people["Bob"]
    bodies: dict[str, list[Any]] = {
        "strokes": [{"user": bob, "rows": None}, {"user": bob, "rows": {}}, {"user": bob, "rows": [row("a")] * 5001},
                    {"user": bob, "after": -1, "rows": []}, {"user": bob, "after": 1.5, "rows": []},
                    {"user": bob, "after": 2**70, "rows": []}, {"user": bob, "after": True, "rows": []}],
        "live": [{}, {"tab": 3}, {"tab": ""}, {"tab": "x" * 101}, {"tab": "t", "after": "0"},
                 {"tab": "t", "cursor": [1]}, {"tab": "t", "cursor": [1, "2"]}, {"tab": "t", "cursor": {"x": 1}},
                 {"tab": "t", "cursor": [1e300, 1]},
                 {"tab": "t", "drawing": 3}, {"tab": "t", "drawing": row("x", box=[1, 1, -1, 1])},
                 {"tab": "t", "drawing": undo("x")}, {"tab": "t", "drawing": row("x", number=9)}],
        "assist": [{}, {"kind": "spell"}, {"kind": "threshold"}, {"kind": "threshold", "threshold": 0},
                   {"kind": "threshold", "threshold": 9, "covers": [[1, 2, 3]]},
                   {"kind": "threshold", "threshold": 9, "covers": [[1, 2, 3, -1]]},
                   {"kind": "threshold", "threshold": 9, "least": 0},
                   {"kind": "trace", "points": [[1, 1]]}, {"kind": "trace", "points": [[1, 1], [1, "2"]]},
                   {"kind": "trace", "points": [[1, 1], [1e9, 2]]}, {"kind": "trace", "points": [[1, 1], [W + 5, 2]]},
                   {"kind": "gate", "points": [], "width": 1}, {"kind": "gate", "points": [[1, 1]], "width": -1},
                   {"kind": "grab", "box": [0, 0, 0, 0]}, {"kind": "grab", "box": [0, 0, W, H]},
                   {"kind": "network", "job": 2**70, "network": "a", "percent": 5, "least": 1},
                   {"kind": "network", "job": 1, "network": "a" * 101, "percent": 5, "least": 1},
                   {"kind": "propose", "way": "x", "least": 1}, {"kind": "propose", "way": "thin", "least": 1.5}],
        "comments": [{}],
        "proposals": [{}, {"made": None}, {"made": "1"}, {"made": [1]}, {"made": 1e308}],
    }  # fmt: skip
    for path, wrong in bodies.items():
        for content in (
            *wrong,
            [],
            3,
            b"",
            b"{",
            b"\xff\xfe",
            DEEP,
            b'{"tab": NaN}',
            b'{"after": 1' + b"0" * 5000 + b"}",
        ):
            told = wall.ask("Bob", path, content, 403 if path == "strokes" and content == {} else 400)
            assert len(told["error"]) > 5, (path, content)
    for path, size in (("live", 65 * 1024), ("comments", 65 * 1024), ("assist", 257 * 1024)):
        wall.ask("Bob", path, b'{"a": "' + b"x" * size + b'"}', 413)


def test_a_full_disk_is_no_refusal(wall: Wall, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OperationalError("INSERT", None, Exception("disk is full"))

    monkeypatch.setattr(log, "work_of", refuse)
    assert "disk" in wall.draw("Bob", row("a"), status=503)["error"]


SENT = st.lists(
    st.tuples(st.sampled_from(["Ada", "Bob"]), st.one_of(
        st.tuples(SHAPES, st.integers(1, 4), st.booleans()), st.sampled_from(["undo", "redo", "restore"]),
    )),
    max_size=12,
)  # fmt: skip


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True)
@given(SENT, st.randoms(use_true_random=False))
def test_every_screen_shows_the_servers_mask(wall: Wall, sent: list[Any], random: Any) -> None:
    """Two browsers, of which each asks now and then; what one of them saved is in its answer too."""
    screens = {name: Browser(H, W) for name in ("Ada", "Bob")}
    for name, what in sent:
        screen = screens[name]
        if what == "restore":
            rows = log.read(wall.image.id)
            past = log.mask(wall.image, upto=random.choice(rows).seq if rows else 0)
            log.restore(wall.image, wall.people["Ada"], past)
        else:
            id = f"id-{random.getrandbits(64):x}"
            if isinstance(what, str):
                new = undo(id, what)
            else:
                (kind, geometry), number, spares = what
                new = row(id, kind, number, **geometry, **({"over": False} if spares else {}))
            screen.receive(wall.draw(name, new, after=screen.position))
            assert np.array_equal(screen.mask, log.mask(wall.image))
        asks = random.choice(["Ada", "Bob", None])
        if asks:
            screens[asks].receive(wall.live(asks, screens[asks].position))
            assert np.array_equal(screens[asks].mask, log.mask(wall.image))
            assert screens[asks].position == log.position(wall.image.id)


def test_a_photograph_comes_in_tiles_and_is_decoded_once(
    wall: Wall, project: Someone, monkeypatch: pytest.MonkeyPatch
) -> None:
    pixels = cv2.resize(np.random.default_rng(0).integers(0, 255, (14, 17, 3), np.uint8), (1301, 1023))
    encoded = cv2.imencode(".png", pixels[..., ::-1])[1].tobytes()
    send(project, ("large.png", encoded))
    image = find_images(project.project_id)[-1]
    store.photograph.cache_clear()
    decoded = []
    monkeypatch.setattr(store, "array", lambda sha256, true=store.array: decoded.append(sha256) or true(sha256))
    large = wall._replace(image=image)

    def tile(level: int, column: int, row: int, status: int = 200) -> Any:
        return large.ask("Bob", f"{image.sha256}/tile-{level}-{column}-{row}.jpg", status=status)

    def shown(level: int, column: int, row: int) -> np.ndarray:
        got = tile(level, column, row)
        assert got.headers["content-type"] == "image/jpeg"
        assert "immutable" in got.headers["cache-control"]
        return cv2.imdecode(np.frombuffer(got.content, np.uint8), cv2.IMREAD_COLOR)[..., ::-1].astype(int)

    sizes = {(level, column, row): shown(level, column, row).shape[:2]
             for level, columns, rows in ((0, 3, 2), (1, 2, 1), (2, 1, 1))
             for column in range(columns) for row in range(rows)}  # fmt: skip
    assert sizes == {(0, 0, 0): (512, 512), (0, 1, 0): (512, 512), (0, 2, 0): (512, 277), (0, 0, 1): (511, 512),
                     (0, 1, 1): (511, 512), (0, 2, 1): (511, 277), (1, 0, 0): (512, 512), (1, 1, 0): (512, 139),
                     (2, 0, 0): (256, 326)}  # fmt: skip
    assert decoded == [image.sha256]
    assert np.abs(shown(0, 1, 1) - pixels[512:, 512:1024]).mean() < 3
    whole = cv2.resize(pixels[:1020, :1300], (325, 255), interpolation=cv2.INTER_AREA)
    assert np.abs(shown(2, 0, 0)[:255, :325] - whole).mean() < 3
    for level, column, row in ((0, 3, 0), (0, 0, 2), (3, 0, 0), (10**30, 0, 0)):
        tile(level, column, row, 404)
    large.ask("Bob", f"{'0' * 64}/tile-0-0-0.jpg", status=400)
    store.tiles(image.sha256).write_bytes(b"PK damaged")
    assert shown(2, 0, 0).shape == (256, 326, 3)
    assert store.tiles(image.sha256) in store.files_of(image.sha256)  # what is deleted with it


def test_the_surfaces_scripts_are_everybodys_and_nothing_else_is(wall: Wall) -> None:
    nobody = wall.clients["nobody"]
    for name in ("surface.js", "view.js", "surface.css"):
        got = nobody.get(modules.address(name))
        assert got.status_code == 200
        assert got.content == (modules.FOLDER / name).read_bytes()
        assert got.headers["content-type"].startswith("text/javascript" if name.endswith("js") else "text/css")
        assert got.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert "script-src 'self'" in got.headers["content-security-policy"]
    folder = modules.address("")
    for path in ("../surface.py", "..%2Fsurface.py", "%2e%2e/%2e%2e/errors.py", "package.json", "", "assists",
                 "/etc/passwd", "%2Fetc%2Fpasswd", "surface.js%00"):  # fmt: skip
        assert nobody.get(folder + path).status_code in (303, 401, 404), path
    assert nobody.get("/canvas/0000000000000000/surface.js").status_code == 404


def test_an_open_image_asks_as_often_as_it_needs_and_floods_are_refused(
    wall: Wall, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gate, "monotonic", lambda: 1000.0)
    monkeypatch.setattr(gate, "recent", lambda: Settings(most_requests=300))
    buckets, real, taken = Buckets(), Buckets.take, dict[str, int]()

    def take(_: Buckets, whose: str, a_minute: int, now: float) -> float:
        taken[whose] = a_minute
        return real(buckets, whose, a_minute, now)

    monkeypatch.setattr(Buckets, "take", take)
    wall.live("Bob")
    wall.ask("Bob", f"{wall.image.sha256}/tile-0-0-0.jpg")
    wall.ask("Bob", "object?x=1&y=1")
    bob = f"user {wall.people['Bob']}"
    assert taken == {f"{bob}, its tabs": 3000, f"{bob}, its photographs": 12_000, bob: 300}
    for _ in range(2999):
        assert real(buckets, f"{bob}, its tabs", 3000, 1000.0) == 0
    wall.ask("Bob", "live", POSTS["live"], 429)
    wall.ask("Bob", "object?x=1&y=1")  # and all else goes on
