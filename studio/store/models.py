"""The tables. Times are seconds since 1970 (UTC); files are named by their SHA-256."""

from __future__ import annotations

import time
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

ROLES = ("annotator", "reviewer", "admin")
"""What a member may do, each more than the one before: draw; judge; manage the project and its jobs."""

STATES = ("open", "submitted", "accepted", "returned")
"""Where the work on an image stands."""


class Base(DeclarativeBase):
    """All tables."""

    type_annotation_map = {dict[str, Any]: JSON, list[Any]: JSON}  # noqa: RUF012


class User(Base):
    """A person. `subject`: who they are at the OIDC provider, for those who have no password here."""

    __tablename__ = "users"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    password_hash: Mapped[str | None]
    subject: Mapped[str | None] = mapped_column(unique=True)
    created_at: Mapped[float] = mapped_column(default=time.time)


class Session(Base):
    """A signed-in browser; the cookie holds its id, signed."""

    __tablename__ = "sessions"
    id: Mapped[str] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    expires_at: Mapped[float]
    user: Mapped[User] = relationship()


class Attempt(Base):
    """A failed sign-in, kept to slow guessing down."""

    __tablename__ = "attempts"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(index=True)
    address: Mapped[str] = mapped_column(index=True)
    at: Mapped[float] = mapped_column(default=time.time)


class Project(Base):
    """Images, classes and sweeps that belong together. `photo_pattern`: tells the photo in a crop's file name."""

    __tablename__ = "projects"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    photo_pattern: Mapped[str | None]
    created_at: Mapped[float] = mapped_column(default=time.time)
    classes: Mapped[list[ImageClass]] = relationship(order_by="ImageClass.number")


class Member(Base):
    """A user in a project."""

    __tablename__ = "members"
    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id"), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), primary_key=True)
    role: Mapped[str]
    user: Mapped[User] = relationship()
    project: Mapped[Project] = relationship()


class Invitation(Base):
    """A one-time link. Without a project it makes the studio's first account."""

    __tablename__ = "invitations"
    token_hash: Mapped[str] = mapped_column(primary_key=True)
    project_id: Mapped[int | None] = mapped_column(ForeignKey("projects.id"))
    role: Mapped[str]
    expires_at: Mapped[float]
    used_by: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    project: Mapped[Project | None] = relationship()


class ImageClass(Base):
    """A class of a project, for images and for pixels. `number`: 1..254, its value in index masks and its key."""

    __tablename__ = "classes"
    __table_args__ = (UniqueConstraint("project_id", "number"), UniqueConstraint("project_id", "name"))
    id: Mapped[int] = mapped_column(primary_key=True)
    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id"))
    number: Mapped[int]
    name: Mapped[str]
    colour: Mapped[str]  # "#rrggbb"


class Image(Base):
    """A photograph of a project. `sha256`: of the uploaded bytes; `width`, `height`: pixels once upright.

    `split`: "train" or "test" where it was fixed by hand or at upload, else None.
    """

    __tablename__ = "images"
    __table_args__ = (
        UniqueConstraint("project_id", "sha256"),
        Index("images_by_class", "project_id", "class_id", "id"),
        Index("images_by_state", "project_id", "state", "id"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id"))
    sha256: Mapped[str]
    name: Mapped[str]
    width: Mapped[int]
    height: Mapped[int]
    class_id: Mapped[int | None] = mapped_column(ForeignKey("classes.id"))
    split: Mapped[str | None]
    state: Mapped[str] = mapped_column(default="open")
    strokes: Mapped[int] = mapped_column(default=0)  # rows in its log: zero means unlabelled
    added_by: Mapped[int] = mapped_column(ForeignKey("users.id"))
    added_at: Mapped[float] = mapped_column(default=time.time)
    image_class: Mapped[ImageClass | None] = relationship()


class Stroke(Base):
    """A row of the annotation log; rows are only ever added. `seq` orders them; `id` is unique in an image.

    `kind`: brush, erase, polygon, rectangle, region, undo, redo. `class_number`: 0 for erase, undo and redo.
    `geometry`: in image pixels, see `studio.annotation.fold`.
    """

    __tablename__ = "strokes"
    __table_args__ = (UniqueConstraint("image_id", "id"), Index("strokes_of_image", "image_id", "seq"))
    seq: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    id: Mapped[str]
    image_id: Mapped[int] = mapped_column(ForeignKey("images.id"))
    kind: Mapped[str]
    class_number: Mapped[int]
    geometry: Mapped[dict[str, Any]]
    author_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    at: Mapped[float] = mapped_column(default=time.time)


class Job(Base):
    """Work for the worker process. `kind`: sweep or demo. `state`: queued, running, done, failed, cancelled.

    `process`: pid of the process that runs it. `cancel`: somebody asked it to stop.
    """

    __tablename__ = "jobs"
    id: Mapped[int] = mapped_column(primary_key=True)
    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id"), index=True)
    created_by: Mapped[int] = mapped_column(ForeignKey("users.id"))
    kind: Mapped[str]
    name: Mapped[str]
    settings: Mapped[dict[str, Any]]
    state: Mapped[str] = mapped_column(default="queued", index=True)
    stage: Mapped[str] = mapped_column(default="")
    done: Mapped[int] = mapped_column(default=0)
    total: Mapped[int] = mapped_column(default=0)
    error: Mapped[str | None]
    cancel: Mapped[bool] = mapped_column(default=False)
    process: Mapped[int | None]
    created_at: Mapped[float] = mapped_column(default=time.time)
    started_at: Mapped[float | None]
    stage_at: Mapped[float | None]
    ended_at: Mapped[float | None]


class Pick(Base):
    """The network that a project chose: a candidate of a sweep."""

    __tablename__ = "picks"
    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id"), primary_key=True)
    job_id: Mapped[int] = mapped_column(ForeignKey("jobs.id"))
    candidate: Mapped[str]
    chosen_by: Mapped[int] = mapped_column(ForeignKey("users.id"))
    at: Mapped[float] = mapped_column(default=time.time)
