"""What a browser asks time and again while an image is open: what was drawn since, who is here, what was said."""

from __future__ import annotations

import time
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from studio.annotation import log
from studio.annotation.strokes import Region, Shape
from studio.api import rows
from studio.api.answers import for_members, given
from studio.api.schemas import LARGEST_ID
from studio.collaboration import tabs
from studio.collaboration.assignment import blind
from studio.collaboration.comments import comments_for
from studio.collaboration.presence import beat, present
from studio.errors import StudioError
from studio.images.library import image_in
from studio.projects.classes import numbers_of
from studio.projects.projects import project_of
from studio.store.tables import Image, User


@for_members()
def live(request: Request) -> Response:
    """What is new on an image: {after, tab, cursor, drawing} is sent; the answer is that of `news`.

    `after`: the position of the log that the tab has reached, null for all; `tab`: a name that it made up for itself;
    `cursor`: [x, y] in image pixels, or null; `drawing`: the stroke under the pointer, a row without an id, or null.
    Asking also says that the user has the image open. Those who draw blind see nobody else, and nobody sees them.
    """
    sent, user = given(request), request.state.user
    image = image_in(request.path_params["project"], request.path_params["image"])
    after, tab = position(sent), sent.get("tab")
    if not isinstance(tab, str) or not 1 <= len(tab) <= 100 or not tab.isascii():
        raise StudioError("a tab has a name of 1 to 100 plain letters")
    mine = tabs.Tab(user.id, user.name, tab, _cursor(sent.get("cursor")), _drawing(sent.get("drawing"), image),
                    time.monotonic())  # fmt: skip
    beat(image.id, request.state.who)
    return answer(news(image, user, request.state.role, after, mine))


def news(image: Image, user: User, role: str, after: int | None, mine: tabs.Tab | None = None) -> dict[str, Any]:
    """{position, rows, patch, people, comments, state, editable, why, class_id}, for a member of the image's project.

    `role`: the user's there. `rows` and `patch`: see `log.changes`. `people`: the other tabs on the image, and who else
    has it open.
    """
    project = project_of(image.project_id)
    alone = blind(project, role)
    changed = log.changes(image, after, user.id if alone else None)
    why = log.closed(image, project.archived_at is not None)
    return {
        "position": changed.position,
        "rows": [rows.as_json(row) for row in changed.rows],
        "patch": changed.patch,
        "people": [] if alone else _people(image, user, mine),
        "comments": [
            {"id": said.id, "x": said.x, "y": said.y, "text": said.text, "author": said.author.name}
            for said in comments_for(image.id, user.id, role, alone=alone)
            if said.x is not None and said.done_by is None
        ],
        "state": image.state,
        "editable": why is None,
        "why": why,
        "class_id": image.class_id,
    }


def answer(content: dict[str, Any]) -> Response:
    """It as JSON, which nobody keeps."""
    return JSONResponse(content, headers={"Cache-Control": "no-store"})


def position(sent: dict[str, Any]) -> int | None:
    """The position of the log that a browser has reached. Raises `StudioError` for what is none."""
    after = sent.get("after")
    if after is not None and (type(after) is not int or not 0 <= after <= LARGEST_ID):
        raise StudioError("after is a position of the log, a whole number")
    return after


def _people(image: Image, user: User, mine: tabs.Tab | None) -> list[dict[str, Any]]:
    others = tabs.meet(image.id, mine) if mine else tabs.others(image.id, user.id)
    drawing = [
        {"id": tab.user_id, "name": tab.name, "tab": tab.tab, "cursor": tab.cursor, "drawing": tab.drawing}
        for tab in others
    ]
    seen = {user.id, *(tab.user_id for tab in others)}
    return drawing + [
        {"id": person.id, "name": person.name, "tab": None, "cursor": None, "drawing": None}
        for person in present([image.id]).get(image.id, [])
        if person.id not in seen
    ]


def _cursor(sent: Any) -> list[float] | None:
    if sent is None:
        return None
    return list(rows.place(*sent if isinstance(sent, list) and len(sent) == 2 else (None, None)))


def _drawing(sent: Any, image: Image) -> dict[str, Any] | None:
    if sent is None:
        return None
    if not isinstance(sent, dict):
        raise StudioError("a stroke comes as a JSON object")
    stroke = rows.parsed(sent | {"id": "drawing"})
    if not isinstance(stroke, Shape) or isinstance(stroke, Region):
        raise StudioError("this is no stroke that is drawn by hand")
    stroke.check(numbers_of(image.project_id), image.height, image.width)
    return {"kind": stroke.kind, "class_number": stroke.class_number, "geometry": stroke.geometry}


ROUTES = [Route("/files/{project:int}/images/{image:int}/live", live, methods=["POST"])]
