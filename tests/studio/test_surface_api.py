"""What the drawing surface asks the studio for: one log, the right rows and patches, and nothing for who may not."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, NamedTuple

import httpx
import numpy as np
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.testclient import TestClient

from studio.accounts import COOKIE, add_user, open_session
from studio.annotation import log
from studio.annotation.pixels import decode
from studio.annotation.strokes import Painted, parse
from studio.annotation.rasterise import paint
from studio.api import assist, canvas_files, comments, files, live, objects, strokes
from studio.api.bodies import Bodies
from studio.api.gate import Gate
from studio.api.headers import Headers
from studio.collaboration import tabs
from studio.images.library import find_images
from studio.projects.membership import accept, invite
from studio.store.database import writing
from studio.store.tables import Image
from tests.studio.conftest import Someone
from tests.studio.test_uploads import picture, send

H, W = 24, 32


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
        return self.ask(name, "live", {"after": after, "tab": f"{name}'s", "cursor": None, "drawing": None} | more, status)

    def draw(self, name: str, *rows: dict[str, Any], after: int | None = None, status: int = 200) -> Any:
        return self.ask(name, "strokes", {"user": self.people[name], "after": after, "rows": list(rows)}, status)


@pytest.fixture
def wall(project: Someone) -> Wall:
    send(project, ("wall.png", picture(kind="PNG", size=(W, H))))
    with writing() as db:
        bob, eve = (add_user(db, name, "a long enough password").id for name in ("Bob", "Eve"))
    accept(invite(project.project_id, "annotator"), bob)
    people = {"Ada": project.user_id, "Bob": bob, "Eve": eve}
    modules = (assist, canvas_files, comments, files, live, objects, strokes)
    routes = [route for module in modules for route in module.ROUTES]
    app = Starlette(routes=routes, middleware=[Middleware(Headers), Middleware(Gate), Middleware(Bodies)])
    clients = {name: TestClient(app, cookies={COOKIE: open_session(user)}) for name, user in people.items()}
    clients["nobody"] = TestClient(app)
    tabs._TABS.clear()
    return Wall(find_images(project.project_id)[0], people, clients)


def row(id: str, kind: str = "rectangle", number: int = 1, **geometry: Any) -> dict[str, Any]:
    given = geometry or {"box": [2, 3, 8, 5]}
    return {"id": id, "kind": kind, "class_number": number, "geometry": given}


def test_smoke(wall: Wall) -> None:
    assert wall.live("Ada")["patch"] == {"box": [0, 0, W, H], "counts": [W * H], "values": [0]}
    told = wall.draw("Ada", row("a"), row("b", "brush", 2, points=[[1, 1], [9, 9]], width=3, widths=[1, 3]), after=0)
    assert told["taken"] == ["a", "b"]
    assert [one["id"] for one in told["rows"]] == ["a", "b"]
    undone = wall.draw("Ada", {"id": "u", "kind": "undo", "class_number": 0, "geometry": {}}, after=told["position"])
    print(undone)
    tile = wall.ask("Ada", f"{wall.image.sha256}/tile-0-0-0.jpg")
    assert tile.headers["content-type"] == "image/jpeg"


def test_smoke2(wall: Wall) -> None:
    wall.draw("Ada", row("a"), row("b", "brush", 2, points=[[1, 1], [9, 9]], width=3, widths=[1, 3]), after=0)
    print(wall.ask("Bob", "object?x=3&y=4"))
    print(wall.ask("Bob", "object?x=30&y=20"))
    for body in ({"kind": "threshold", "threshold": 255, "covers": [[0, 0, 3, 3]], "least": 1, "fill": False, "over": False},
                 {"kind": "trace", "points": [[1, 1], [20, 20]], "width": None}, {"kind": "trace", "points": [[1, 1], [20, 20]], "width": 3},
                 {"kind": "gate", "points": [[1, 1], [20, 20]], "width": 3, "offset": 1}, {"kind": "grab", "box": [4, 4, 9, 9]},
                 {"kind": "propose", "way": "thin", "least": 3}, {"kind": "propose", "way": "wide", "least": 3}):
        print(str(wall.ask("Bob", "assist", body))[:200])
    for body in ({"kind": "threshold"}, {"kind": "x"}, [], {"kind": "trace", "points": [[1, "2"]]}, b"{", b'{"kind": "grab", "box": [NaN, 1, 2, 3]}',
        {"kind": "gate", "points": [[1, 1]], "width": 1e300}):
        print(str(wall.ask("Bob", "assist", body, 400))[:200])
    wall.ask("Bob", "comments", {"x": 3, "y": 4.5, "text": "look"})
    print(wall.live("Ada"))
