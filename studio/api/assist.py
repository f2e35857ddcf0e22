"""The assists: what they find on a photograph, as areas that become strokes when their user takes them."""
# ruff: noqa: D102 - `find` is documented in the class above

from __future__ import annotations

import os
from collections.abc import Iterator
from threading import BoundedSemaphore
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from studio.annotation import log
from studio.annotation.assists import propose
from studio.annotation.assists.gated_brush import gate_line
from studio.annotation.assists.grabcut import grab
from studio.annotation.assists.trace import trace
from studio.annotation.patches import area, bounds
from studio.annotation.pixels import Box
from studio.annotation.strokes import FARTHEST
from studio.annotation.threshold import Component, components, dark
from studio.api.answers import for_members
from studio.collaboration.assignment import draws_blind
from studio.errors import StudioError
from studio.images.library import image_in
from studio.store import files

_MOST_AREAS = 5000
_TURNS = BoundedSemaphore(max(2, os.cpu_count() or 1))
_TURN_SECONDS = 30.0

Number = Annotated[float, Field(ge=-FARTHEST, le=FARTHEST)]
Length = Annotated[float, Field(gt=0, le=10_000)]
Point = tuple[Number, Number]
Rectangle = tuple[
    Number, Number, Annotated[float, Field(ge=0, le=FARTHEST)], Annotated[float, Field(ge=0, le=FARTHEST)]
]

Areas = Iterator[tuple[Box, np.ndarray]]
"""A box of the image, and which of its pixels, bool."""


class _Assist(BaseModel):
    """What is asked for. `over`: also pixels that are of a class already."""

    model_config = ConfigDict(strict=True, allow_inf_nan=False)
    over: bool = True

    def find(self, photograph: np.ndarray) -> Areas:
        """What it finds on a photograph, RGB uint8 (height, width, 3)."""
        raise NotImplementedError


class Threshold(_Assist):
    """Dark areas, see `studio.annotation.threshold`."""

    kind: Literal["threshold"]
    threshold: int = Field(ge=1, le=255)
    covers: list[Rectangle] = Field([], max_length=1000)
    least: int = Field(1, ge=1)
    fill: bool = False

    def find(self, photograph: np.ndarray) -> Areas:
        return _components(components(dark(photograph, self.threshold, self.covers), self.least, self.fill))


class Trace(_Assist):
    """The crack through points; `width`: its own, None: found."""

    kind: Literal["trace"]
    points: list[Point] = Field(min_length=2, max_length=100)
    width: Length | None = None

    def find(self, photograph: np.ndarray) -> Areas:
        return _whole(trace(photograph, np.array(self.points), self.width))


class Gate(_Assist):
    """The dark pixels under a pen."""

    kind: Literal["gate"]
    points: list[Point] = Field(min_length=1, max_length=10_000)
    width: Length
    offset: float = Field(0.0, ge=-255, le=255)

    def find(self, photograph: np.ndarray) -> Areas:
        return _whole(gate_line(photograph, self.points, self.width, self.offset))


class Grab(_Assist):
    """What stands out in a box."""

    kind: Literal["grab"]
    box: Rectangle

    def find(self, photograph: np.ndarray) -> Areas:
        return _whole(grab(photograph, self.box))


class Propose(_Assist):
    """What looks like a crack anywhere."""

    kind: Literal["propose"]
    way: Literal["thin", "wide"]
    least: int = Field(ge=1)

    def find(self, photograph: np.ndarray) -> Areas:
        return _components({"thin": propose.thin, "wide": propose.wide}[self.way](photograph, self.least))


_ASSISTS: TypeAdapter[_Assist] = TypeAdapter(
    Annotated[Threshold | Trace | Gate | Grab | Propose, Field(discriminator="kind")]
)


@for_members()
def assist(request: Request) -> Response:
    """{areas}: what an assist finds, see `studio.annotation.patches.area`; of several the largest first."""
    try:
        asked = _ASSISTS.validate_json(request.state.body)
    except ValidationError as error:
        raise StudioError(_sentence(error)) from error
    image = image_in(request.path_params["project"], request.path_params["image"])
    if not _TURNS.acquire(timeout=_TURN_SECONDS):
        raise StudioError("the studio is busy with other people's photographs: try again in a moment")
    try:
        found = asked.find(files.photograph(image.sha256))
    finally:
        _TURNS.release()
    if not asked.over:
        alone = draws_blind(image.project_id, request.state.user.id)
        free = log.mask(image, author_id=request.state.user.id if alone else None) == 0
        found = ((box, where & free[box]) for box, where in found)
    areas = [area(box, where) for box, where in found if where.any()]
    return JSONResponse({"areas": areas}, headers={"Cache-Control": "no-store"})


def _components(found: list[Component]) -> Areas:
    for component in found[:_MOST_AREAS]:
        x, y, w, h = component.box
        yield (slice(y, y + h), slice(x, x + w)), component.inside


def _whole(where: np.ndarray) -> Areas:
    box = bounds(where)
    if box is not None:
        yield box, where[box]


def _sentence(error: ValidationError) -> str:
    first = error.errors(include_url=False)[0]
    where: list[Any] = [part for part in first["loc"] if isinstance(part, str)]
    return f"{where[-1] if where else 'the question'}: {first['msg'][:1].lower()}{first['msg'][1:]}"


ROUTES = [Route("/files/{project:int}/images/{image:int}/assist", assist, methods=["POST"])]
