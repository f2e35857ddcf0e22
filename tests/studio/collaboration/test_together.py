"""Work on images: who gets which, who judges it, what is said, and what the audit log tells of it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from studio.accounts import add_user
from studio.annotation import log
from studio.annotation.strokes import Brush, Drawn, Revision, Undo
from studio.collaboration import comments, presence, review
from studio.collaboration.assignment import assign, blind, give_next, set_overlap, works_on
from studio.errors import StudioError
from studio.images.library import find_images, image_in, set_class
from studio.projects import audit
from studio.projects.classes import add_class, classes_of, remove_class, removed_classes, rename_class
from studio.projects.invitations import accept, invite
from studio.projects.projects import project_of
from studio.store.database import reading, writing
from studio.store.tables import Image, Work
from tests.studio.conftest import Someone
from tests.studio.images.test_uploads import picture, send

NOW = 1_000_000.0


@pytest.fixture
def walls(project: Someone) -> list[Image]:
    send(project, *((f"wall-{n}.png", picture(kind="PNG", size=(8, 6 + n))) for n in range(6)))
    return find_images(project.project_id)


@pytest.fixture
def people(project: Someone) -> list[int]:
    """Bob and Cleo, annotators."""
    with writing() as db:
        made = [add_user(db, name, "a long enough password").id for name in ("Bob", "Cleo")]
    for one in made:
        accept(invite(project.project_id, "annotator"), one)
    return made


def dot(number: int = 0) -> Drawn:
    return Brush(f"dot-{number}", 1, {"points": [[3, 3]], "width": 2})


def told(project: Someone) -> list[str]:
    return [f"{one.user.name} {audit.text_of(one)}" for one in reversed(audit.history(project.project_id))]


def test_one_image_is_given_to_one_person_and_all_are_given(
    project: Someone, walls: list[Image], people: list[int]
) -> None:
    with ThreadPoolExecutor(6) as pool:
        asked = [people[n % 2] for n in range(6)]
        given = list(pool.map(lambda one: give_next(project.project_id, one), asked))
    by_person = {one: {g.id for g, who in zip(given, asked, strict=True) if g and who == one} for one in people}
    assert not by_person[people[0]] & by_person[people[1]]
    for person in people:  # what was given and not drawn on comes again, then new ones until none is left
        for number in range(10):
            found = give_next(project.project_id, person)
            if found is None:
                break
            log.append(found.id, person, [dot(number)])
    for image in walls:
        assert sum(one.assigned_at is not None for one in works_on(image.id)) == 1
    assert give_next(project.project_id, people[0]) is None


def test_with_overlap_each_image_goes_to_that_many(project: Someone, walls: list[Image], people: list[int]) -> None:
    set_overlap(project.project_id, project.user_id, 2)
    assert blind(project_of(project.project_id), "annotator")
    assert not blind(project_of(project.project_id), "reviewer")
    for person in (*people, project.user_id):
        while (found := give_next(project.project_id, person)) is not None:
            log.append(found.id, person, [dot(person)])
    assert [len(works_on(one.id)) for one in walls] == [2] * 6
    for wrong in (0, 21):
        with pytest.raises(StudioError, match="1 to 20 people"):
            set_overlap(project.project_id, project.user_id, wrong)


def test_an_image_that_somebody_has_open_is_given_to_nobody_else_while_the_lease_lasts(
    project: Someone, walls: list[Image], people: list[int]
) -> None:
    bob, cleo = people
    presence.beat(walls[0].id, bob, NOW)
    given = give_next(project.project_id, cleo, now=NOW + presence.LEASE_SECONDS - 1)
    assert given is not None
    assert given.id == walls[1].id
    log.append(given.id, cleo, [dot(2)])
    given = give_next(project.project_id, cleo, now=NOW + presence.LEASE_SECONDS + 1)
    assert given is not None
    assert given.id == walls[0].id
    assert log.append(walls[0].id, bob, [dot()]) == 1  # a lease that is over rejects nothing
    assert log.append(walls[0].id, cleo, [dot(1)]) == 1


def test_what_was_returned_comes_first_and_the_search_begins_behind_the_image(
    project: Someone, walls: list[Image], people: list[int]
) -> None:
    bob = people[0]
    assign(project.project_id, [walls[1].id, walls[4].id], bob)
    given = give_next(project.project_id, bob, after=walls[2].id)
    assert given is not None
    assert given.id == walls[4].id
    log.append(walls[5].id, bob, [dot()])
    review.submit(walls[5].id, bob)
    review.give_back(walls[5].id, project.user_id, None, "go on to the edge")
    given = give_next(project.project_id, bob, after=walls[2].id)
    assert given is not None
    assert given.id == walls[5].id
    assert [one.text for one in comments.comments_on(walls[5].id)] == ["go on to the edge"]
    with pytest.raises(StudioError, match="not in the project"):
        assign(project.project_id, [walls[0].id], 999)
    with pytest.raises(StudioError, match="no such image"):
        assign(project.project_id, [walls[0].id, 999], bob)
    assert not [one for one in works_on(walls[0].id) if one.assigned_at]  # nothing of it was done


def test_an_image_is_submitted_once_all_have_and_accepted_work_is_read_only(
    project: Someone, walls: list[Image], people: list[int]
) -> None:
    set_overlap(project.project_id, project.user_id, 2)
    wall = walls[0].id

    def state() -> str:
        return image_in(project.project_id, wall).state

    for person in people:
        assert state() == "open"
        log.append(wall, person, [dot(person)])
        review.submit(wall, person)
    assert state() == "submitted"
    review.give_back(wall, project.user_id, people[1])
    assert {one.user_id: one.state for one in works_on(wall)} == {people[0]: "submitted", people[1]: "returned"}
    assert state() == "returned"
    review.submit(wall, people[1])
    review.accept(wall, project.user_id)
    assert {one.state for one in works_on(wall)} == {"accepted"}
    with pytest.raises(StudioError, match="read-only"):
        log.append(wall, people[0], [dot(7)])
    for action in (review.accept, review.submit, review.give_back):
        with pytest.raises(StudioError, match="accepted by now"):
            action(wall, project.user_id)
    review.reopen(wall, project.user_id)
    assert log.append(wall, people[0], [dot(7)]) == 1
    assert [line.split()[1] for line in told(project) if "the image" in line] == [
        "submitted", "submitted", "returned", "submitted", "accepted", "reopened",
    ]  # fmt: skip


def test_presence_and_time_at_work(project: Someone, walls: list[Image], people: list[int]) -> None:
    bob, cleo = people
    for at in (0, 5, 6, 10, 15, 100, 105):  # 6 is another tab's; between 15 and 100 they were away
        presence.beat(walls[0].id, bob, NOW + at)
    with reading() as db:
        assert db.get_one(Work, (walls[0].id, bob)).seconds == 20
    presence.beat(walls[0].id, cleo, NOW + 104)
    names = [one.name for one in presence.present([walls[0].id, walls[1].id], NOW + 106)[walls[0].id]]
    assert names == ["Bob", "Cleo"]
    assert presence.present([walls[0].id], NOW + 130) == {}
    assert [(user.name, image.id) for user, image in presence.in_project(project.project_id, now=NOW + 106)] == [
        ("Bob", walls[0].id), ("Cleo", walls[0].id),
    ]  # fmt: skip


def test_comments_are_checked_and_settled(project: Someone, walls: list[Image], people: list[int]) -> None:
    for text, at in (
        ("", None),
        ("x" * 2001, None),
        ("x", (-1.0, 0.0)),
        ("x", (0.0, 99.0)),
        ("x", (float("nan"), 1.0)),
    ):
        with pytest.raises(StudioError):
            comments.comment(walls[0], people[0], text, at)
    made = comments.comment(walls[0], people[0], " Is this one crack? ", (3.5, 2.0))
    with pytest.raises(StudioError, match="no such comment"):
        comments.settle(walls[1], made.id, project.user_id)
    comments.settle(walls[0], made.id, project.user_id)
    comments.settle(walls[0], made.id, project.user_id)
    (got,) = comments.comments_on(walls[0].id)
    assert (got.text, got.x, got.y, got.done_by, got.author.name) == (
        "Is this one crack?", 3.5, 2.0, project.user_id, "Bob",
    )  # fmt: skip
    assert told(project)[-2:] == ["Bob commented: Is this one crack?", "Ada settled a comment: Is this one crack?"]


def test_a_removed_class_is_out_of_sight_and_comes_back_with_its_strokes(project: Someone, walls: list[Image]) -> None:
    own = project.project_id
    crack, pore, *_ = classes_of(own)
    set_class(own, project.user_id, [walls[0].id], crack.id)
    log.append(walls[0].id, project.user_id, [dot()])
    before = log.mask(walls[0])
    assert before.any()
    remove_class(own, project.user_id, crack.id)
    assert [one.name for one in classes_of(own)] == ["Pore", "Dirt", "Background"]
    assert image_in(own, walls[0].id).class_id is None
    assert not log.mask(walls[0]).any()
    assert log.append(walls[0].id, project.user_id, [dot(1)]) == 1  # on its way when it was removed
    with writing() as db, pytest.raises(StudioError, match="bring it back"):
        add_class(db, own, project.user_id, "crack")
    with writing() as db:
        assert add_class(db, own, project.user_id, "Spalling").number == 5  # a number is for good
    (gone,) = removed_classes(own)
    remove_class(own, project.user_id, gone.id, removed=False)
    assert np.array_equal(log.mask(walls[0]), before)
    rename_class(own, project.user_id, pore.id, "Hole")
    with pytest.raises(StudioError, match="already"):
        rename_class(own, project.user_id, pore.id, "Dirt")
    with pytest.raises(StudioError, match="not in this project"):
        rename_class(own + 1, project.user_id, pore.id, "Other")
    for one in classes_of(own)[1:]:
        remove_class(own, project.user_id, one.id)
    with pytest.raises(StudioError, match="needs a class"):
        remove_class(own, project.user_id, crack.id)


def test_the_past_is_restored_by_adding(project: Someone, walls: list[Image]) -> None:

    log.append(
        walls[0].id,
        project.user_id,
        [dot(), replace(dot(1), class_number=2, geometry={"points": [[5, 3]], "width": 2})],
    )
    first, second = log.read(walls[0].id)
    past = log.mask(walls[0], upto=first.seq)
    now = log.mask(walls[0])
    log.append(walls[0].id, project.user_id, [Revision.of(past, "restore-1")])
    assert np.array_equal(log.mask(walls[0]), past)
    assert np.array_equal(log.mask(walls[0], upto=second.seq), now)
    target = log.last(walls[0].id, project.user_id, "undo")
    assert target == "restore-1"
    log.append(walls[0].id, project.user_id, [Undo("u", 0, {"stroke": "restore-1"})])
    assert np.array_equal(log.mask(walls[0]), now)


def test_every_word_of_the_audit_log_can_be_told(project: Someone) -> None:
    details: dict[str, Any] = {
        "count": 3,
        "to": "x",
        "text": "t",
        "people": 2,
        "name": "n",
        "new": "m",
        "role": "admin",
    }
    with writing() as db:
        for what in audit.TEXTS:
            audit.record(db, project.project_id, project.user_id, what, **details)
        with pytest.raises(KeyError):
            audit.record(db, project.project_id, project.user_id, "uploaded")
    assert len([line for line in told(project) if line]) >= len(audit.TEXTS)
