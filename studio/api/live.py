"""What a browser asks every second while an image is open: what others have drawn since, who is here, what was said."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from studio.annotation import log
from studio.annotation.strokes import Drawn, Shape
from studio.api.answers import for_members
from studio.api.schemas import LARGEST_ID
from studio.collaboration.assignment import blind
from studio.collaboration.comments import comments_for
from studio.collaboration.presence import beat, present
from studio.errors import StudioError
from studio.images.library import image_in
from studio.projects.classes import classes_of
from studio.projects.members import require
from studio.projects.projects import project_of
from studio.store.tables import Image

_MOST = 500
"""Strokes in one answer; a browser that is further behind draws its view anew."""


@for_members()
def live(request: Request) -> Response:
    """What is new on an image behind the log's position `after`: {position, strokes, stale, people, comments}.

    A stroke: {id, author, colour, path}, its path an SVG path in image pixels, `width` for lines, `erase` for those
    that uncover. `stale`: what is new cannot be shown on top of the rest, so the view must be drawn anew. Asking also
    says that the user has the image open. Who draws blind is told of no one else.
    """
    try:
        after = int(request.query_params.get("after", "0"))
    except ValueError:
        after = -1
    if not 0 <= after <= LARGEST_ID:
        raise StudioError("after is a position of the log, a whole number")
    project_id, user = request.path_params["project"], request.state.user
    image = image_in(project_id, request.path_params["image"])
    beat(image.id, request.state.who)
    role = require(user.id, project_id)
    alone = blind(project_of(project_id), role)
    rows = [] if alone else log.read(image.id, after)
    colours = {one.number: one.colour for one in classes_of(project_id)}
    strokes = [log.drawn(row) for row in rows]
    shown = [shape(stroke, colours, image) for stroke in strokes[:_MOST]]
    people = [] if alone else [one for one in present([image.id]).get(image.id, []) if one.id != user.id]
    return JSONResponse(
        {
            "position": rows[-1].seq if rows else after,
            "strokes": [stroke for stroke in shown if stroke is not None],
            "stale": len(rows) > _MOST or not all(isinstance(stroke, Shape) for stroke in strokes),
            "people": [{"id": one.id, "name": one.name} for one in people],
            "comments": [
                {"id": one.id, "x": one.x, "y": one.y, "text": one.text, "author": one.author.name}
                for one in comments_for(image.id, user.id, role, alone=alone)
                if one.x is not None and one.done_by is None
            ],
        },
        headers={"Cache-Control": "no-store"},
    )


def shape(stroke: Drawn, colours: dict[int, str], image: Image) -> dict[str, Any] | None:
    """A stroke as a browser draws it; None for one that paints nothing that is shown."""
    if not isinstance(stroke, Shape) or not (stroke.erases or stroke.class_number in colours):
        return None
    told = {"id": stroke.id, "author": stroke.author_id, "colour": colours.get(stroke.class_number)}
    return told | stroke.outline(image.height, image.width) | ({"erase": True} if stroke.erases else {})


ROUTES = [Route("/files/{project:int}/images/{image:int}/live", live)]
