"""The networks that may propose areas on an image and be trained further, and what one proposed in advance."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from studio.annotation.proposals import decided, waiting_on
from studio.api.answers import for_members, given
from studio.api.schemas import LARGEST_ID
from studio.errors import StudioError
from studio.images.library import image_in
from studio.jobs.further_job import launch_further, what_further
from studio.jobs.progress import share
from studio.jobs.segmenters import class_numbers, in_training, mask_networks
from studio.store.tables import Image

_PRIVATE = {"Cache-Control": "no-store"}


@for_members()
def proposals(request: Request) -> Response:
    """{networks, waiting, training}. Networks: {job, network, title, percent, classes: [{name, number}], further}, as
    `mask_networks` orders them.

    `number`: of the project's class of that name, 0 where the user's choice counts. `further`: for admins, what
    training it further would add, {more, runs}; null where it cannot be. `waiting`: what was proposed in advance and
    nobody has decided on, {job, network, title, percent, made, areas}, or null; `job` is null where that is in another
    studio. `training`: {percent} of the job that makes the next network, null while it waits; null where there is none.
    """
    image = image_in(request.path_params["project"], request.path_params["image"])
    known_networks = mask_networks(image.project_id)
    further = what_further(image.project_id, known_networks) if request.state.role == "admin" else {}
    networks = [
        {"job": known.job_id, "network": known.name, "title": known.title, "percent": _percent(known.threshold),
         "classes": [{"name": name, "number": number} for name, number in
                     zip(known.classes, class_numbers(image.project_id, known.classes), strict=True)],
         "further": further[known]._asdict() if known in further else None}
        for known in known_networks
    ]  # fmt: skip
    answer = {"networks": networks, "waiting": _waiting(image), "training": _training(image.project_id)}
    return JSONResponse(answer, headers=_PRIVATE)


@for_members()
def decide(request: Request) -> Response:
    """Mark what was proposed in advance as decided on: {made} is sent, as `waiting` has it."""
    image = image_in(request.path_params["project"], request.path_params["image"])
    made = given(request).get("made")
    if not isinstance(made, int | float):
        raise StudioError("made is when the proposals were made, a number")
    decided(image.id, request.state.who, made)
    return JSONResponse({}, headers=_PRIVATE)


@for_members("admin")
def train(request: Request) -> Response:
    """Train a network further, as a job: {job, network} is sent."""
    sent, project_id = given(request), request.path_params["project"]
    job, network = sent.get("job"), sent.get("network")
    if type(job) is not int or not 1 <= job <= LARGEST_ID or not isinstance(network, str):
        raise StudioError("job is the number of a sweep, and network the name of one of its networks")
    launch_further(project_id, request.state.who, job, network)
    return JSONResponse({}, headers=_PRIVATE)


def _waiting(image: Image) -> dict[str, Any] | None:
    found = waiting_on(image.id)
    return None if found is None else {
        "job": found.job_id, "network": found.network, "title": found.title, "percent": _percent(found.threshold),
        "made": found.made_at, "areas": found.areas,
    }  # fmt: skip


def _training(project_id: int) -> dict[str, Any] | None:
    job = in_training(project_id)
    return None if job is None else {"percent": round(100 * share(job)) if job.state == "running" else None}


def _percent(threshold: float) -> int:
    """A threshold, 0..1, as the slider has it."""
    return min(99, max(1, round(100 * threshold)))


_PATH = "/files/{project:int}/images/{image:int}/proposals"
ROUTES = [
    Route(_PATH, proposals),
    Route(_PATH, decide, methods=["POST"]),
    Route(f"{_PATH}/further", train, methods=["POST"]),
]
