"""The networks that may propose areas on an image, what one proposed in advance, and that a person has decided."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from studio.annotation.proposals import decided, waiting_on
from studio.api.answers import for_members, given
from studio.errors import StudioError
from studio.images.library import image_in
from studio.jobs.segmenters import class_numbers, mask_networks
from studio.store.tables import Image

_PRIVATE = {"Cache-Control": "no-store"}


@for_members()
def proposals(request: Request) -> Response:
    """{networks, waiting}. Networks: {job, network, title, percent, classes: [{name, number}]}, the best ones first.

    `number`: of the project's class of that name, 0 where the user's choice counts. `waiting`: what was proposed in
    advance and nobody has decided on, {job, network, title, percent, made, areas}, or null.
    """
    image = image_in(request.path_params["project"], request.path_params["image"])
    networks = [
        {"job": known.job_id, "network": known.name, "title": known.title, "percent": _percent(known.threshold),
         "classes": [{"name": name, "number": number} for name, number in
                     zip(known.classes, class_numbers(image.project_id, known.classes), strict=True)]}
        for known in mask_networks(image.project_id)
    ]  # fmt: skip
    return JSONResponse({"networks": networks, "waiting": _waiting(image)}, headers=_PRIVATE)


@for_members()
def decide(request: Request) -> Response:
    """Mark what was proposed in advance as decided on: {made} is sent, as `waiting` has it."""
    image = image_in(request.path_params["project"], request.path_params["image"])
    made = given(request).get("made")
    if not isinstance(made, int | float):
        raise StudioError("made is when the proposals were made, a number")
    decided(image.id, request.state.who, made)
    return JSONResponse({}, headers=_PRIVATE)


def _waiting(image: Image) -> dict[str, Any] | None:
    found = waiting_on(image.id)
    return None if found is None else {
        "job": found.job_id, "network": found.network, "title": found.title, "percent": _percent(found.threshold),
        "made": found.made_at, "areas": found.areas,
    }  # fmt: skip


def _percent(threshold: float) -> int:
    """A threshold, 0..1, as the slider has it."""
    return min(99, max(1, round(100 * threshold)))


_PATH = "/files/{project:int}/images/{image:int}/proposals"
ROUTES = [Route(_PATH, proposals), Route(_PATH, decide, methods=["POST"])]
