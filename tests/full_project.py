"""A project that has something for every page: photographs, work of two people, a sweep and networks of both kinds."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from studio.accounts import add_user
from studio.annotation import log
from studio.annotation.strokes import Rectangle
from studio.collaboration import review
from studio.collaboration.comments import comment
from studio.images.library import add_image
from studio.projects.invitations import accept, invite
from studio.projects.projects import create_project
from studio.store.database import writing
from studio.store.tables import Image
from tests.tiny_sweep import add_mask_sweep, add_sweep


def full_project(ada: int, photographs: Sequence[Path], password: str) -> tuple[int, list[Image]]:
    """Make it for the studio's owner, with Bob as annotator; its id and its images, of which all but one have strokes.

    `photographs`: four or more, at least 40 pixels high and wide.
    """
    with writing() as db:
        bob = add_user(db, "Bob", password).id
    accept(invite(None, "admin"), ada)
    project = create_project(ada, "Bridge").id
    accept(invite(project, "annotator"), bob)
    images = [add_image(project, ada, file, file.name)[0] for file in photographs]
    for image in images[1:]:
        for user in (ada, bob):
            log.append(image.id, user, [Rectangle(f"{image.id} {user}", 1, {"box": [2, 2, 20, 20]})])
        review.submit(image.id, bob)
    review.accept(images[1].id, ada)
    review.give_back(images[2].id, ada, why="the left one")
    comment(images[0], ada, "What is this?")
    add_mask_sweep(project, ada, beside=add_sweep(project, ada))
    return project, images
