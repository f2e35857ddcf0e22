"""What the API takes and answers, typed: programs read these in its OpenAPI description."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import Path
from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag

from studio.accounts.users import MOST_LETTERS
from studio.jobs.request import FurtherRequest, LabelRequest, OrderRequest, SuspectRequest, SweepRequest

LARGEST_ID = 2**63 - 1
"""What a database's key can be; larger numbers name nothing."""

Id = Annotated[int, Path(ge=1, le=LARGEST_ID, examples=[1])]
"""A number in an address."""

State = Literal["open", "submitted", "accepted", "returned"]
Split = Literal["train", "test"]
JobState = Literal["queued", "running", "done", "failed", "cancelled"]


class Refusal(BaseModel):
    """Why something was not done."""

    error: str = Field(description="a sentence: what is wrong, where, and what to do", examples=["sign in first"])


class Done(BaseModel):
    """Nothing to tell: it is done."""


class Credentials(BaseModel):
    """Who signs in."""

    name: str = Field(min_length=1, max_length=MOST_LETTERS, examples=["Ada"])
    password: str = Field(max_length=1000, examples=["a long enough password"])


class Token(BaseModel):
    """A session for a program."""

    token: str = Field(description="send it as `Authorization: Bearer TOKEN`")


class ClassOut(BaseModel):
    """A class of a project."""

    model_config = ConfigDict(from_attributes=True)
    id: int
    number: int = Field(ge=1, le=254, description="its value in index masks")
    name: str


class ProjectOut(BaseModel):
    """A project that the user is in."""

    id: int
    name: str
    role: Literal["annotator", "reviewer", "admin"]
    classes: list[ClassOut]


class ImageOut(BaseModel):
    """An image of a project."""

    id: int
    name: str = Field(description="as it was uploaded, without folders")
    sha256: str = Field(description="of the bytes that were uploaded")
    width: int = Field(description="pixels, once it is upright")
    height: int
    class_id: int | None
    split: Split | None = Field(description="the side of a sweep that it was fixed to")
    state: State
    strokes: int = Field(description="rows of its annotation log; 0: nothing was drawn")
    added_at: float = Field(description="seconds since 1970")
    url: str = Field(description="path of the photograph as JPEG, upright and of full size")


class ImagesOut(BaseModel):
    """A page of a project's images."""

    total: int = Field(description="how many the project has")
    images: list[ImageOut]


class UploadOut(BaseModel):
    """What became of an upload."""

    added: list[int] = Field(description="ids of new images")
    known: list[int] = Field(description="ids of images that the project had already, by their bytes")
    problems: list[str] = Field(description="a sentence for each file that was not taken")


class UploadRefusal(Refusal):
    """Nothing was stored; `problems` where files were read at all."""

    added: list[int] = []
    known: list[int] = []
    problems: list[str] = []


class NetworkOut(BaseModel):
    """A network of a sweep: how far it is, and its figures once they are known."""

    model_config = ConfigDict(extra="allow")
    network: str = Field(alias="Network", description="whole, or its keep fraction and what was made of it")
    state: str = Field(alias="State")
    parameters: int | None = Field(None, alias="Parameters")
    validation_accuracy: float | None = Field(None, alias="Validation accuracy")
    test_accuracy: float | None = Field(None, alias="Test accuracy")
    latency: float | None = Field(None, alias="Time in ms", description="median of one image, alone on the machine")


def _whose(settings: Any) -> str:
    """The kind of job that settings are of, as a row keeps them or read."""
    keys = settings if isinstance(settings, dict) else dict(settings)
    known = {"title": "further", "folds": "suspect", "look_job": "order", "network": "label"}
    return next((kind for key, kind in known.items() if key in keys), "sweep")


Settings = Annotated[
    Annotated[SweepRequest, Tag("sweep")]
    | Annotated[LabelRequest, Tag("label")]
    | Annotated[FurtherRequest, Tag("further")]
    | Annotated[OrderRequest, Tag("order")]
    | Annotated[SuspectRequest, Tag("suspect")],
    Discriminator(_whose),
]
"""Those of a sweep, or of a job of another kind of `studio.jobs.request`."""


class JobOut(BaseModel):
    """A job of a project."""

    model_config = ConfigDict(from_attributes=True)
    id: int
    kind: str
    name: str
    settings: Settings
    state: JobState
    stage: str
    done: int = Field(description="of `total` steps of the stage")
    total: int
    error: str | None
    created_at: float = Field(description="seconds since 1970, as all times here")
    started_at: float | None
    ended_at: float | None


class JobWithNetworks(JobOut):
    """A job and its networks."""

    networks: list[NetworkOut]
