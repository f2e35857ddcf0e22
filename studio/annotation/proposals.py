"""What a network proposed for images in advance: kept until a person has decided, beside the log and never in it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import select

from studio.accounts.rights import changing_image
from studio.errors import StudioError
from studio.images.library import waiting
from studio.store.database import reading, writing
from studio.store.tables import Image, Proposal

TO_DO = ("open", "returned")
"""States of images that nobody has handed in or accepted."""


class Network(NamedTuple):
    """Which network proposes, and how sure it must be: see `Proposal`."""

    job_id: int
    network: str
    title: str
    digest: str
    threshold: float


def waiting_on(image_id: int) -> Proposal | None:
    """What waits for a decision on an image."""
    with reading() as db:
        return db.scalar(select(Proposal).where(Proposal.image_id == image_id, waiting()))


def waiting_among(image_ids: Sequence[int]) -> set[int]:
    """Those of some images on which proposals wait for a decision."""
    with reading() as db:
        return set(db.scalars(select(Proposal.image_id).where(Proposal.image_id.in_(image_ids), waiting())))


def lacking(project_id: int, network: Network) -> list[Image]:
    """The images without a stroke that are still to be drawn on, and for which this network has not proposed yet."""
    with reading() as db:
        own = (Proposal.job_id == network.job_id, Proposal.network == network.network)
        same = (Proposal.digest == network.digest, Proposal.threshold == network.threshold)
        done = set(db.scalars(select(Proposal.image_id).where(*own, *same)))
        images = select(Image).where(Image.project_id == project_id, Image.strokes == 0, Image.state.in_(TO_DO))
        return [image for image in db.scalars(images.order_by(Image.id)) if image.id not in done]


def keep(image_id: int, network: Network, areas: list[dict[str, Any]]) -> bool:
    """Keep what a network proposes for an image instead of what was proposed before; whether it was kept.

    It is not where somebody drew on the image meanwhile, handed it in or deleted it.
    """
    with writing() as db:
        image = db.get(Image, image_id, with_for_update=True)
        if image is None or image.strokes or image.state not in TO_DO:
            return False
        if (before := db.get(Proposal, image_id)) is not None:
            db.delete(before)
            db.flush()
        db.add(Proposal(image_id=image_id, **network._asdict(), areas=areas, count=len(areas)))
        return True


def decided(image_id: int, who: int, made_at: float) -> None:
    """Mark an image's proposals, those that were made then, as seen: a person has decided on all of them."""
    with changing_image(who, image_id) as (db, image):
        found = db.get(Proposal, image.id)
        if found is None or found.made_at != made_at:
            raise StudioError("there are newer proposals for this image: look at it again")
        if found.seen_at is None:
            found.seen_at, found.seen_by = time.time(), int(who)
