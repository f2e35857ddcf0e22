"""Finding, filtering and changing the images of a project."""

from __future__ import annotations

import pytest

from studio.accounts import add_user
from studio.annotation import log
from studio.annotation.strokes import Rectangle
from studio.errors import Forbidden, StudioError
from studio.images.file_names import tidy_name
from studio.images.library import (
    Filter,
    count_images,
    find_ids,
    find_images,
    image_in,
    neighbour,
    set_class,
    set_split,
    set_state,
)
from studio.projects.classes import classes_of
from studio.projects.invitations import accept, invite
from studio.projects.projects import create_project
from studio.store.database import writing
from studio.store.tables import Image
from tests.studio.conftest import Someone

COUNT = 1200
"""More than are changed by one statement."""


@pytest.fixture
def wall(project: Someone) -> list[int]:
    """Ids of images without files."""
    with writing() as db:
        rows = [
            Image(project_id=project.project_id, sha256=f"{n:064d}", name=f"wall-{n}%.jpg", width=8, height=6,
                  added_by=project.user_id) for n in range(COUNT)
        ]  # fmt: skip
        db.add_all(rows)
        db.flush()
        return [row.id for row in rows]


def classes(project: Someone) -> dict[str, int]:
    return {one.name: one.id for one in classes_of(project.project_id)}


def test_pages_go_through_all_in_order(project: Someone, wall: list[int]) -> None:
    pages = [find_images(project.project_id, start=start, count=500) for start in range(0, COUNT + 500, 500)]
    assert [one.id for page in pages for one in page] == wall
    assert count_images(project.project_id) == COUNT


def test_filters_alone_and_together(project: Someone, wall: list[int]) -> None:
    crack = classes(project)["Crack"]
    set_class(project.project_id, project.user_id, wall[:1100], crack)
    set_state(project.project_id, project.user_id, wall[1000:1150], "submitted")
    box = Rectangle("a", 1, {"box": [0, 0, 2, 2]})
    with writing() as db:
        other = add_user(db, "Bert", "a long enough password").id
    accept(invite(project.project_id, "annotator"), other)
    log.append(wall[1050], project.user_id, [box])
    log.append(wall[1120], other, [box])

    def ids(**chosen: object) -> list[int]:
        found = find_ids(project.project_id, Filter(**chosen))  # type: ignore[arg-type]
        assert found == [one.id for one in find_images(project.project_id, Filter(**chosen))]  # type: ignore[arg-type]
        assert len(found) == count_images(project.project_id, Filter(**chosen))  # type: ignore[arg-type]
        return found

    assert ids(class_id=crack) == wall[:1100]
    assert ids(class_id=0) == wall[1100:]
    assert ids(state="submitted", class_id=crack) == wall[1000:1100]
    assert ids(drawn=True) == [wall[1050], wall[1120]]
    assert len(ids(drawn=False)) == COUNT - 2
    assert ids(annotator=other) == [wall[1120]]
    assert ids(annotator=other, class_id=crack) == []
    assert ids(text="WALL-77%") == [wall[77]]
    assert ids(text="_") == []  # no wildcard of the database
    assert ids(text="'; drop table images; --") == []


def test_changes_reach_many_and_only_their_own_project(project: Someone, wall: list[int]) -> None:
    elsewhere = create_project(project.user_id, "Elsewhere").id
    set_state(elsewhere, project.user_id, wall, "accepted")
    set_split(elsewhere, project.user_id, wall, "test")
    set_class(elsewhere, project.user_id, wall, classes_of(elsewhere)[0].id)
    assert {(one.state, one.split, one.class_id) for one in find_images(project.project_id)} == {("open", None, None)}
    set_split(project.project_id, project.user_id, wall, "test")
    assert {one.split for one in find_images(project.project_id)} == {"test"}
    with pytest.raises(StudioError, match="no such class"):
        set_class(project.project_id, project.user_id, wall, classes_of(elsewhere)[0].id)
    with pytest.raises(Forbidden):
        image_in(elsewhere, wall[0])
    assert count_images(elsewhere) == 0


def test_neighbours(project: Someone, wall: list[int]) -> None:
    def at(image: int, step: int, **chosen: object) -> int | None:
        found = neighbour(project.project_id, image, step, Filter(**chosen))  # type: ignore[arg-type]
        return found.id if found else None

    set_state(project.project_id, project.user_id, [wall[5]], "accepted")
    assert at(wall[0], 1) == wall[1]
    assert at(wall[1], -1) == wall[0]
    assert at(wall[0], -1) is None
    assert at(wall[-1], 1) is None
    assert at(wall[0], 1, state="accepted") == wall[5]
    assert at(wall[9], -1, state="accepted") == wall[5]


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("../../etc/a.jpg", "a.jpg"),
        ("C:\\photos\\a.jpg", "a.jpg"),
        ("\u202egpj.exe\x00\n", "gpj.exe"),
        ("e\u0301.jpg", "\u00e9.jpg"),
        ('🌉 "x" <b>.jpg', '🌉 "x" <b>.jpg'),
        ("/", ""),
        ("x" * 300, "x" * 200),
    ],
)
def test_names_are_tidy(name: str, kept: str) -> None:
    assert tidy_name(name) == kept
