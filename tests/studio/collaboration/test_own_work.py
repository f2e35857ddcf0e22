"""Whose work it is: nobody accepts their own, and what a reviewer says reaches those who drew, and nobody else."""

from __future__ import annotations

import pytest

from studio.accounts import add_user
from studio.annotation import log
from studio.collaboration import review
from studio.collaboration.assignment import set_overlap
from studio.collaboration.comments import comment, comments_for
from studio.errors import Forbidden, StudioError
from studio.images import work
from studio.images.library import find_images, image_in, set_state
from studio.projects import audit
from studio.projects.invitations import accept, invite
from studio.projects.members import set_role
from studio.store.database import writing
from studio.store.tables import Image
from tests.studio.collaboration.test_together import dot
from tests.studio.conftest import Someone
from tests.studio.images.test_uploads import picture, send


@pytest.fixture
def walls(project: Someone) -> list[Image]:
    send(project, *((f"wall-{n}.png", picture(kind="PNG", size=(8, 6 + n))) for n in range(3)))
    return find_images(project.project_id)


@pytest.fixture
def team(project: Someone) -> dict[str, int]:
    """Rita, a reviewer; Bob and Cleo, annotators."""
    people = {}
    for name, role in (("Rita", "reviewer"), ("Bob", "annotator"), ("Cleo", "annotator")):
        with writing() as db:
            people[name] = add_user(db, name, "a long enough password").id
        accept(invite(project.project_id, role), people[name])
    return people


def state(image: Image) -> str:
    return image_in(image.project_id, image.id).state


def test_nobody_accepts_what_they_handed_in_or_drew_alone(
    project: Someone, walls: list[Image], team: dict[str, int]
) -> None:
    rita = team["Rita"]
    log.append(walls[0].id, rita, [dot()])
    review.submit(walls[0].id, rita)
    with pytest.raises(Forbidden, match="this is your own work: another reviewer"):
        review.accept(walls[0].id, rita)
    assert "your own work" in work.refusal(project.project_id, walls[0].id, rita)
    log.append(walls[1].id, rita, [dot()])
    review.submit(walls[1].id, team["Bob"])  # Bob hands in what Rita drew
    with pytest.raises(Forbidden, match="your own work"):
        review.accept(walls[1].id, rita)
    with pytest.raises(Forbidden, match="2 of these are your own work"):
        set_state(project.project_id, rita, [image.id for image in walls], "accepted")
    assert [state(image) for image in walls] == ["submitted", "submitted", "open"]  # all or nothing
    review.accept(walls[0].id, project.user_id)
    log.append(walls[1].id, team["Bob"], [dot(1)])
    review.accept(walls[1].id, rita)  # she only helped
    assert [state(image) for image in walls] == ["accepted", "accepted", "open"]


def test_the_only_reviewer_or_a_project_that_says_so_may(
    project: Someone, walls: list[Image], team: dict[str, int]
) -> None:
    review.submit(walls[0].id, project.user_id)
    with pytest.raises(Forbidden):
        review.accept(walls[0].id, project.user_id)
    work.set_accept_own(project.project_id, project.user_id, True)
    work.set_accept_own(project.project_id, project.user_id, True)
    assert work.refusal(project.project_id, walls[0].id, project.user_id) == ""
    review.accept(walls[0].id, project.user_id)
    work.set_accept_own(project.project_id, project.user_id, False)
    told = [audit.text_of(line) for line in audit.history(project.project_id) if line.what == "own work"]
    assert told == [f"said that reviewers {may} accept their own work" for may in ("may not", "may")]
    review.submit(walls[1].id, project.user_id)
    set_role(project.project_id, project.user_id, team["Rita"], "annotator")  # nobody else judges now
    review.accept(walls[1].id, project.user_id)
    assert [state(image) for image in walls] == ["accepted", "accepted", "open"]


def test_a_second_click_on_submit_hands_in_once(project: Someone, walls: list[Image], team: dict[str, int]) -> None:
    set_overlap(project.project_id, project.user_id, 2)
    for _ in range(2):
        review.submit(walls[0].id, team["Bob"])
    assert [line.what for line in audit.history(project.project_id, image_id=walls[0].id)] == ["submitted"]
    assert state(walls[0]) == "open"


def test_what_a_reviewer_says_reaches_those_whom_it_is_for(
    project: Someone, walls: list[Image], team: dict[str, int]
) -> None:
    set_overlap(project.project_id, project.user_id, 2)
    wall, bob, cleo, rita = walls[0], team["Bob"], team["Cleo"], team["Rita"]
    for person in (bob, cleo):
        log.append(wall.id, person, [dot(person)])
        comment(wall, person, f"mine, {person}")
        review.submit(wall.id, person)
    review.give_back(wall.id, rita, bob, "go on to the edge")
    review.submit(wall.id, bob)
    review.give_back(wall.id, rita, None, "both: the left end")
    comment(wall, rita, "is this a pore?", (1.0, 1.0))

    def reads(user: int, role: str, *, alone: bool = True) -> list[str]:
        return [one.text for one in comments_for(wall.id, user, role, alone=alone)]

    said = ["both: the left end", "is this a pore?"]
    assert reads(bob, "annotator") == [f"mine, {bob}", "go on to the edge", *said]
    assert reads(cleo, "annotator") == [f"mine, {cleo}", *said]
    assert reads(cleo, "annotator", alone=False) == [f"mine, {bob}", f"mine, {cleo}", *said]
    everything = [f"mine, {bob}", f"mine, {cleo}", "go on to the edge", *said]
    assert reads(rita, "reviewer") == reads(project.user_id, "admin") == everything


def test_a_role_is_changed_only_from_what_was_seen(project: Someone, team: dict[str, int]) -> None:
    set_role(project.project_id, project.user_id, team["Bob"], "reviewer", seen="annotator")
    with pytest.raises(StudioError, match="Bob is reviewer by now: look at it again"):
        set_role(project.project_id, project.user_id, team["Bob"], None, seen="annotator")
