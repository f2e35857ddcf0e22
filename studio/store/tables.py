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


class Deletable:
    """A row that can lie in the trash (`studio.trash`): `studio.store.database` leaves it out of all that is read."""

    deleted_at: Mapped[float | None]
    deleted_by: Mapped[int | None]  # a user's id


class User(Base):
    """A person. `subject`: who they are at the OIDC provider, for those who have no password here.

    `deactivated_at`: since then they cannot sign in, and none of their sessions and tokens is valid; their work stays.
    `deleted_at`: since then nobody can let them in again, either; the row stays for the name of what they did.
    """

    __tablename__ = "users"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    password_hash: Mapped[str | None]
    subject: Mapped[str | None] = mapped_column(unique=True)
    created_at: Mapped[float] = mapped_column(default=time.time)
    deactivated_at: Mapped[float | None]
    deleted_at: Mapped[float | None]


class AccountEvent(Base):
    """A line of what happened to accounts. `what`: a verb of `studio.accounts.history.TEXTS`; `by_id`: who did it.

    `user_id`: whose account; None for a failed sign-in whose name nobody has.
    """

    __tablename__ = "account_events"
    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"), index=True)
    by_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    what: Mapped[str]
    details: Mapped[dict[str, Any]]
    at: Mapped[float] = mapped_column(default=time.time)


class Session(Base):
    """A signed-in browser; the cookie holds its id, signed. `browser`: what it calls itself, as "Firefox on Linux"."""

    __tablename__ = "sessions"
    id: Mapped[str] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    expires_at: Mapped[float]
    created_at: Mapped[float] = mapped_column(default=time.time)
    seen_at: Mapped[float] = mapped_column(default=time.time)
    browser: Mapped[str] = mapped_column(default="")
    user: Mapped[User] = relationship()


class ApiToken(Base):
    """A program's credential. `scope`: "read" or "write"; `project_id`: the only project that it opens, if set."""

    __tablename__ = "api_tokens"
    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    name: Mapped[str]
    token_hash: Mapped[str] = mapped_column(unique=True)
    scope: Mapped[str]
    project_id: Mapped[int | None] = mapped_column(ForeignKey("projects.id"))
    created_at: Mapped[float] = mapped_column(default=time.time)
    expires_at: Mapped[float]
    seen_at: Mapped[float] = mapped_column(default=0.0)
    user: Mapped[User] = relationship()
    project: Mapped[Project | None] = relationship()


class PasswordReset(Base):
    """A one-time link with which a user sets a new password; the row goes when it is used."""

    __tablename__ = "password_resets"
    token_hash: Mapped[str] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    expires_at: Mapped[float]
    user: Mapped[User] = relationship()


class UsedOnce(Base):
    """A thing that can be done once, and was: a ticket by its hash. The row may go after `expires_at`."""

    __tablename__ = "used_once"
    key: Mapped[str] = mapped_column(primary_key=True)
    expires_at: Mapped[float]


class SignInDelay(Base):
    """Failed sign-ins by name and address, by address alone where `name` is empty (`studio.accounts.throttle`)."""

    __tablename__ = "sign_in_delays"
    name: Mapped[str] = mapped_column(primary_key=True)
    address: Mapped[str] = mapped_column(primary_key=True)
    level: Mapped[float]
    at: Mapped[float]


class Project(Deletable, Base):
    """Images, classes and sweeps that belong together. `photo_pattern`: tells the photo in a crop's file name.

    `overlap`: how many people draw each image; from two on they do not see each other's work, reviewers see all.
    `archived_at`: since then nothing in it changes.
    `accept_own`: whether reviewers may accept their own work, see `studio.images.work`.
    `webhook`: where the end of its jobs is sent, empty for nowhere.
    """

    __tablename__ = "projects"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    photo_pattern: Mapped[str | None]
    overlap: Mapped[int] = mapped_column(default=1)
    accept_own: Mapped[bool] = mapped_column(default=False)
    webhook: Mapped[str] = mapped_column(default="")
    created_at: Mapped[float] = mapped_column(default=time.time)
    archived_at: Mapped[float | None]
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
    """A one-time link. Without a project it makes the studio's first account.

    `invited_by`: whose account it ends with; None for those of the studio itself.
    """

    __tablename__ = "invitations"
    token_hash: Mapped[str] = mapped_column(primary_key=True)
    project_id: Mapped[int | None] = mapped_column(ForeignKey("projects.id"))
    role: Mapped[str]
    expires_at: Mapped[float]
    used_by: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    invited_by: Mapped[int | None]  # a user's id
    project: Mapped[Project | None] = relationship()


class ImageClass(Base):
    """A class of a project, for images and for pixels. `number`: 1..254, its value in index masks and its key.

    `removed`: it is offered and shown nowhere; its strokes stay in the log, and come back with it.
    """

    __tablename__ = "classes"
    __table_args__ = (UniqueConstraint("project_id", "number"), UniqueConstraint("project_id", "name"))
    id: Mapped[int] = mapped_column(primary_key=True)
    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id"))
    number: Mapped[int]
    name: Mapped[str]
    colour: Mapped[str]  # "#rrggbb"
    removed: Mapped[bool] = mapped_column(default=False)


class Image(Deletable, Base):
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

    `kind`, `class_number`, `geometry`: see `studio.annotation.strokes`.
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


class Proposal(Base):
    """What a network proposes for an image, until a person has decided: no stroke, so nothing counts or exports it.

    `network`, `digest`: the candidate of the sweep `job_id`, and its SHA-256; the sweep is None where a backup brought
    the proposals without it; `title`: as people read it. `threshold`:
    0..1, as of `ftl.models.segmenter.drawn`. `areas`: as `studio.annotation.patches.area`, each with a `class_number`,
    0 where the user's choice counts; `count`: how many. `seen_at`: since then a person has decided on all of them.
    """

    __tablename__ = "proposals"
    image_id: Mapped[int] = mapped_column(ForeignKey("images.id"), primary_key=True)
    job_id: Mapped[int | None] = mapped_column(ForeignKey("jobs.id"), index=True)
    network: Mapped[str]
    title: Mapped[str]
    digest: Mapped[str]
    threshold: Mapped[float]
    areas: Mapped[list[Any]]
    count: Mapped[int]
    made_at: Mapped[float] = mapped_column(default=time.time)
    seen_at: Mapped[float | None]
    seen_by: Mapped[int | None] = mapped_column(ForeignKey("users.id"))


class DrawingOrder(Base):
    """The order in which a project's images are given to people.

    `by`: a key of `studio.collaboration.drawing_order.ORDERS`. Projects without a row have the default.
    """

    __tablename__ = "drawing_orders"
    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id"), primary_key=True)
    by: Mapped[str]


class Turn(Base):
    """When an image's turn to be drawn comes, by what teaches most: `place`, the lowest first.

    `why`: a key of `studio.collaboration.drawing_order.REASONS`.
    """

    __tablename__ = "turns"
    image_id: Mapped[int] = mapped_column(ForeignKey("images.id"), primary_key=True)
    place: Mapped[int]
    why: Mapped[str]


class SuspiciousArea(Base):
    """Where a network that was not trained on an image disagrees with its mask (`ftl.evaluation.suspicious`).

    `kind`: "undrawn" or "unseen". `x`, `y`, `width`, `height`: its box in image pixels; `pixels`: its area; `weight`:
    what the queue is sorted by. `strokes`: how many the image had; with others the mask is another by now.
    `settled_at`: since then a person has said that the mask is right as it is.
    """

    __tablename__ = "suspicious_areas"
    id: Mapped[int] = mapped_column(primary_key=True)
    image_id: Mapped[int] = mapped_column(ForeignKey("images.id"), index=True)
    kind: Mapped[str]
    x: Mapped[int]
    y: Mapped[int]
    width: Mapped[int]
    height: Mapped[int]
    pixels: Mapped[int]
    weight: Mapped[float]
    strokes: Mapped[int]
    settled_at: Mapped[float | None]
    settled_by: Mapped[int | None] = mapped_column(ForeignKey("users.id"))


class Work(Base):
    """What a person has to do with an image. `state`: how far their own work is.

    `assigned_at`: when it became theirs, by being given to them or by their first stroke. `seen_at`: when their browser
    last showed it, see `studio.collaboration.presence`. `seconds`: how long they had it open.
    """

    __tablename__ = "works"
    image_id: Mapped[int] = mapped_column(ForeignKey("images.id"), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), primary_key=True, index=True)
    state: Mapped[str] = mapped_column(default="open")
    assigned_at: Mapped[float | None]
    seen_at: Mapped[float] = mapped_column(default=0.0)
    seconds: Mapped[float] = mapped_column(default=0.0)
    user: Mapped[User] = relationship()


class Comment(Base):
    """A remark on an image, pinned to a place in image pixels if `x` and `y` are set.

    `by_reviewer`: its author judged the project's work when writing it; those who draw blind read it too.
    `to_id`: the annotator whom it is for, None for all who drew.
    """

    __tablename__ = "comments"
    id: Mapped[int] = mapped_column(primary_key=True)
    image_id: Mapped[int] = mapped_column(ForeignKey("images.id"), index=True)
    author_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    text: Mapped[str]
    x: Mapped[float | None]
    y: Mapped[float | None]
    at: Mapped[float] = mapped_column(default=time.time)
    done_by: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    by_reviewer: Mapped[bool] = mapped_column(default=False)
    to_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    author: Mapped[User] = relationship(foreign_keys=author_id)
    to: Mapped[User | None] = relationship(foreign_keys=to_id)


class Event(Base):
    """A line of the audit log: who did what, when, to which image. `what`: a verb of `studio.projects.audit.TEXTS`."""

    __tablename__ = "events"
    __table_args__ = (Index("events_of_project", "project_id", "id"), Index("events_of_image", "image_id", "id"))
    id: Mapped[int] = mapped_column(primary_key=True)
    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id"))
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    image_id: Mapped[int | None] = mapped_column(ForeignKey("images.id"))
    what: Mapped[str]
    details: Mapped[dict[str, Any]]
    at: Mapped[float] = mapped_column(default=time.time)
    user: Mapped[User] = relationship()


class Job(Deletable, Base):
    """Work for the worker process. `kind`: of `studio.jobs.sweep_job.KINDS`.

    `state`: queued, running, done, failed, cancelled. `process`: pid of the process that runs it. `cancel`: somebody
    asked it to stop. `place`: orders the queue of its project, lowest first. `tree`: of its folder in the store
    (`studio.store.shared_store`), once it is done, if there is one. `share`: 0..1 of its work that is done; `seconds`:
    what it was expected to take when it was launched, if known. `unstable`: how many of its times are to be taken
    again. `told`: whoever launched it was told of its end.
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
    place: Mapped[float] = mapped_column(default=time.time)
    tree: Mapped[str | None]
    share: Mapped[float] = mapped_column(default=0.0)
    seconds: Mapped[float | None]
    unstable: Mapped[int] = mapped_column(default=0)
    told: Mapped[bool] = mapped_column(default=False)


class CandidateRow(Base):
    """How far a network of a sweep is. `number`: its place in the sweep, the unpruned one first.

    `stage`: "waiting", or that of `ftl.progress.CandidateProgress`; `done` of `total` of it, on `worker`; `error`:
    why it failed.
    `curve`: of its fine-tuning, a row of `ftl.training.early_stopping.Epoch` for each epoch so far.
    """

    __tablename__ = "candidates"
    job_id: Mapped[int] = mapped_column(ForeignKey("jobs.id"), primary_key=True)
    name: Mapped[str] = mapped_column(primary_key=True)
    number: Mapped[int]
    stage: Mapped[str] = mapped_column(default="waiting")
    done: Mapped[int] = mapped_column(default=0)
    total: Mapped[int] = mapped_column(default=1)
    worker: Mapped[str] = mapped_column(default="")
    error: Mapped[str] = mapped_column(default="")
    curve: Mapped[list[Any]] = mapped_column(JSON, default=list)


class DeletedNetwork(Base):
    """A network of a sweep that was deleted: as long as this row is there, it stands nowhere.

    `removed`: its files are gone for good here; the row stays, for the sweep's results still speak of it.
    """

    __tablename__ = "deleted_networks"
    job_id: Mapped[int] = mapped_column(ForeignKey("jobs.id"), primary_key=True)
    name: Mapped[str] = mapped_column(primary_key=True)
    deleted_at: Mapped[float] = mapped_column(default=time.time)
    deleted_by: Mapped[int]  # a user's id
    removed: Mapped[bool] = mapped_column(default=False)


class Unneeded(Base):
    """A content of the shared store that may be removed, unless something still needs it (`studio.trash.shared_store`).

    `tree`: it is the tree of a folder, and stands for the contents that it names as well.
    """

    __tablename__ = "unneeded"
    sha256: Mapped[str] = mapped_column(primary_key=True)
    tree: Mapped[bool] = mapped_column(default=False)


class JobLine(Base):
    """A line of a job's log."""

    __tablename__ = "job_lines"
    __table_args__ = (Index("job_lines_of_job", "job_id", "id"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    job_id: Mapped[int] = mapped_column(ForeignKey("jobs.id"))
    text: Mapped[str]
    at: Mapped[float] = mapped_column(default=time.time)


class Setting(Base):
    """A setting of the whole studio, see `studio.accounts.settings`."""

    __tablename__ = "settings"
    key: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[Any] = mapped_column(JSON)


class BackboneFile(Deletable, Base):
    """A backbone that a project uploaded, by its name there."""

    __tablename__ = "backbones"
    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id"), primary_key=True)
    name: Mapped[str] = mapped_column(primary_key=True)
    sha256: Mapped[str]


class Pick(Base):
    """The network that a project chose for a task, "classify" or "draw": a candidate of a sweep."""

    __tablename__ = "picks"
    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id"), primary_key=True)
    task: Mapped[str] = mapped_column(primary_key=True)
    job_id: Mapped[int] = mapped_column(ForeignKey("jobs.id"))
    candidate: Mapped[str]
    chosen_by: Mapped[int] = mapped_column(ForeignKey("users.id"))
    at: Mapped[float] = mapped_column(default=time.time)
