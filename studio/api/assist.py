"""The assists: what they find on a photograph, as areas that become strokes when their user takes them."""
# ruff: noqa: D102 - what an assist overrides is documented in the class above

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
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
from studio.api.schemas import LARGEST_ID
from studio.collaboration.assignment import draws_blind
from studio.errors import StudioError
from studio.images.library import image_in
from studio.jobs import segmenters
from studio.store import files
from studio.store.tables import Image

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

    def areas(self, image: Image, author_id: int | None) -> list[dict[str, Any]]:
        """What it finds on an image, as `studio.annotation.patches.area`; of several the largest first.

        `author_id`: whose strokes alone count as drawn, None for everybody's.
        """
        with _turn():
            found = self.find(files.photograph(image.sha256))
        if not self.over:
            free = _free(image, author_id)
            found = ((box, where & free[box]) for box, where in found)
        return [area(box, where) for box, where in found if where.any()]


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


class Network(_Assist):
    """What a network of the project that draws masks has for a defect. `percent`: how probable it must be.

    Its areas have a `class_number` too: of the project's class that is called as the network's; 0 where the user's
    choice counts, see `segmenters.class_numbers`.
    """

    kind: Literal["network"]
    job: int = Field(ge=1, le=LARGEST_ID)
    network: str = Field(max_length=100)
    percent: int = Field(ge=1, le=99)
    least: int = Field(ge=1)
    over: bool = False

    def areas(self, image: Image, author_id: int | None) -> list[dict[str, Any]]:
        known = segmenters.mask_network(image.project_id, self.job, self.network)
        photograph = partial(files.photograph, image.sha256)
        looked = segmenters.look(image.project_id, self.job, self.network, image.sha256, photograph)
        numbers = segmenters.class_numbers(image.project_id, known.classes)
        with _turn():
            free = None if self.over else _free(image, author_id)
            return segmenters.proposals(looked, self.percent / 100, self.least, numbers, free)


_ASSISTS: TypeAdapter[_Assist] = TypeAdapter(
    Annotated[Threshold | Trace | Gate | Grab | Propose | Network, Field(discriminator="kind")]
)


@for_members()
def assist(request: Request) -> Response:
    """{areas}: what an assist finds, see `studio.annotation.patches.area`; of several the largest first."""
    try:
        asked = _ASSISTS.validate_json(request.state.body)
    except ValidationError as error:
        raise StudioError(_sentence(error)) from error
    image = image_in(request.path_params["project"], request.path_params["image"])
    alone = draws_blind(image.project_id, request.state.user.id)
    areas = asked.areas(image, request.state.user.id if alone else None)
    return JSONResponse({"areas": areas}, headers={"Cache-Control": "no-store"})


@contextmanager
def _turn() -> Iterator[None]:
    """A turn at looking at photographs. Raises `StudioError` where it does not come."""
    if not _TURNS.acquire(timeout=_TURN_SECONDS):
        raise StudioError("the studio is busy with other people's photographs: try again in a moment")
    try:
        yield
    finally:
        _TURNS.release()


def _free(image: Image, author_id: int | None) -> np.ndarray:
    """The pixels that are of no class yet, bool (height, width)."""
    return log.mask(image, author_id=author_id) == 0


def _components(found: list[Component]) -> Areas:
    return ((component.place, component.inside) for component in found[: segmenters.MOST_AREAS])


def _whole(where: np.ndarray) -> Areas:
    box = bounds(where)
    if box is not None:
        yield box, where[box]


def _sentence(error: ValidationError) -> str:
    first = error.errors(include_url=False)[0]
    where: list[Any] = [part for part in first["loc"] if isinstance(part, str)]
    return f"{where[-1] if where else 'the question'}: {first['msg'][:1].lower()}{first['msg'][1:]}"


ROUTES = [Route("/files/{project:int}/images/{image:int}/assist", assist, methods=["POST"])]
