"""What lists of images show: small masks, how many of what, who has which open; and what they let a reviewer do."""

from __future__ import annotations

import io
from typing import NamedTuple

import numpy as np
import pytest
from PIL import Image as Picture
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.testclient import TestClient

from studio.accounts import COOKIE, add_user, open_session
from studio.annotation import log, mask_picture
from studio.annotation.strokes import Rectangle
from studio.api import files, gate, lists
from studio.collaboration import presence, review
from studio.collaboration.assignment import set_overlap
from studio.errors import StudioError
from studio.images.addresses import mask_address, photograph_address, present_address
from studio.images.library import (
    ORDERS,
    Filter,
    count_by_class,
    count_by_state,
    count_images,
    find_ids,
    find_images,
    image_in,
    set_class,
    set_state,
)
from studio.images.work import own_among, refusal
from studio.projects.classes import classes_of, remove_class
from studio.projects.invitations import accept, invite
from studio.projects.projects import create_project
from studio.store import files as store
from studio.store.database import writing
from studio.store.tables import Image, ImageClass
from studio.trash.deleting import delete_images
from tests.studio.conftest import Someone
from tests.studio.images.test_uploads import picture, send

NAMES = ("b.png", "C.png", "a.png", "D.png", "e.png", "f.png")


class Wall(NamedTuple):
    """Six images, and browsers: Ada is the admin, Rita a reviewer, Bob and Cleo annotators, Eve in another project."""

    images: list[Image]
    people: dict[str, int]
    clients: dict[str, TestClient]

    @property
    def project(self) -> int:
        return self.images[0].project_id


@pytest.fixture
def wall(project: Someone) -> Wall:
    send(project, *((name, picture(kind="PNG", size=(40, 30 + place))) for place, name in enumerate(NAMES)))
    people = {"Ada": project.user_id}
    for name, role in (("Rita", "reviewer"), ("Bob", "annotator"), ("Cleo", "annotator"), ("Eve", None)):
        with writing() as db:
            people[name] = add_user(db, name, "a long enough password").id
        if role:
            accept(invite(project.project_id, role), people[name])
    create_project(people["Eve"], "Elsewhere")
    app = Starlette(routes=[*files.ROUTES, *lists.ROUTES], middleware=[Middleware(gate.Gate)])
    clients = {name: TestClient(app, cookies={COOKIE: open_session(user)}) for name, user in people.items()}
    clients["nobody"] = TestClient(app)
    return Wall(find_images(project.project_id), people, clients)


def box(name: str, number: int = 1, at: tuple[int, int, int, int] = (2, 3, 8, 5)) -> Rectangle:
    return Rectangle(name, number, {"box": list(at)})


def classes(wall: Wall) -> dict[str, ImageClass]:
    return {one.name: one for one in classes_of(wall.project)}


def test_images_are_sorted_over_pages(wall: Wall) -> None:
    known, ids = classes(wall), [image.id for image in wall.images]
    for place, name in ((0, "Pore"), (2, "Crack"), (3, "Crack"), (4, "Dirt")):
        set_class(wall.project, wall.people["Ada"], [ids[place]], known[name].id)
    remove_class(wall.project, wall.people["Ada"], known["Dirt"].id)
    set_state(wall.project, wall.people["Ada"], [ids[1]], "returned")
    set_state(wall.project, wall.people["Ada"], [ids[0], ids[5]], "submitted")
    expected = {
        "oldest": "bCaDef",
        "newest": "feDaCb",
        "name": "abCDef",
        "class": "aDbCef",  # Crack, Pore, then without one that is shown
        "state": "aDebfC",
    }
    assert set(ORDERS) == set(expected)
    for order, names in expected.items():
        pages = [find_images(wall.project, start=start, count=4, order=order) for start in (0, 4)]
        assert [len(page) for page in pages] == [4, 2]
        assert "".join(image.name[0] for page in pages for image in page) == names
    found = find_images(wall.project, Filter(state="submitted"), order="name")
    assert [image.name for image in found] == ["b.png", "f.png"]


def test_counts_are_those_of_the_rest_of_the_filter(wall: Wall) -> None:
    crack, ids = classes(wall)["Crack"].id, [image.id for image in wall.images]
    set_class(wall.project, wall.people["Ada"], ids[:4], crack)
    set_state(wall.project, wall.people["Ada"], ids[3:], "accepted")
    delete_images(wall.project, wall.people["Ada"], ids[:1])
    for chosen in (Filter(), Filter(class_id=crack), Filter(class_id=0)):
        assert count_by_class(wall.project, chosen) == {crack: 3, 0: 2}
    assert count_by_class(wall.project, Filter(state="accepted")) == {crack: 1, 0: 2}
    assert count_by_state(wall.project, Filter(state="accepted")) == {"open": 2, "accepted": 3}
    assert count_by_state(wall.project, Filter(class_id=crack, text="a")) == {"open": 1}
    assert count_by_state(wall.project, Filter(text="nothing")) == {}
    assert sum(count_by_state(wall.project, Filter()).values()) == count_images(wall.project) == 5
    assert find_ids(wall.project, Filter(class_id=crack)) == ids[1:4]


def test_what_is_thinner_than_a_pixel_stays_when_a_mask_is_shrunk() -> None:
    generator = np.random.default_rng(0)
    mask = np.zeros((977, 1501), np.uint8)
    mask[300:900, 200:1400] = 4
    mask[500], mask[:, 701] = 1, 2
    mask[700, 900] = 3
    small = mask_picture.shrunk(mask, 256)
    assert small.shape == (167, 256)
    assert np.isin(small, (1, 2)).any(axis=0).all()  # a line of one pixel from side to side, crossed by another
    assert (small == 2).any(axis=1).all()
    assert (small == 3).sum() == 1
    assert np.array_equal(np.unique(small), range(5))
    noise = (generator.random((90, 50)) < 0.02).astype(np.uint8) * 7
    rows, columns = np.nonzero(mask_picture.shrunk(noise, 30))
    assert {(row, column) for row, column in zip(rows, columns, strict=True)} == {
        (row * 30 // 90, next(part for part in range(17) if column < (part + 1) * 50 // 17))
        for row, column in zip(*np.nonzero(noise), strict=True)
    }
    assert np.array_equal(mask_picture.shrunk(noise, 200), noise)  # never enlarged
    for shape in ((1, 1), (1, 6000), (6000, 1), (300, 6000)):
        assert max(mask_picture.shrunk(np.ones(shape, np.uint8), 256).shape) <= 256


def rgba(content: bytes) -> np.ndarray:
    return np.array(Picture.open(io.BytesIO(content)).convert("RGBA"))


def versions(wall: Wall, author: int | None = None) -> str:
    return mask_picture.version(image_in(wall.project, wall.images[0].id), classes_of(wall.project), author)


def test_a_mask_lies_over_the_thumbnail_and_is_kept_until_something_changes(wall: Wall) -> None:
    image, ada = wall.images[0], wall.clients["Ada"]
    log.append(image.id, wall.people["Bob"], [box("one"), box("two", 2, (20, 10, 5, 5))])
    address = mask_address(wall.project, image.id, versions(wall))
    got = ada.get(address)
    assert got.headers["cache-control"] == "private, max-age=31536000, immutable"
    shown = rgba(got.content)
    thumbnail = ada.get(photograph_address(wall.project, image.id, image.sha256)).content
    assert shown.shape[:2] == np.array(Picture.open(io.BytesIO(thumbnail))).shape[:2] == (30, 40)
    mask = log.mask(image)
    assert np.array_equal(shown[..., 3], (mask > 0) * np.uint8(255))
    for one in classes(wall).values():
        colours = shown[mask == one.number][:, :3]
        assert (colours == list(bytes.fromhex(one.colour[1:]))).all()
    assert ada.get(address, headers={"If-None-Match": got.headers["etag"]}).status_code == 304
    log.append(image.id, wall.people["Bob"], [box("three", 1, (0, 20, 4, 4))])
    late = ada.get(address)  # it names what was; what is shown then must not be kept under it
    assert late.headers["cache-control"] == "private, no-cache"
    assert rgba(late.content)[22, 2, 3] == 255
    before = versions(wall)
    remove_class(wall.project, wall.people["Ada"], classes(wall)["Pore"].id)
    assert versions(wall) != before
    assert rgba(ada.get(mask_address(wall.project, image.id, versions(wall))).content)[12, 22, 3] == 0
    preview = ada.get(mask_address(wall.project, image.id, versions(wall), "preview"))
    assert (preview.status_code, rgba(preview.content).shape[:2]) == (200, (30, 40))


def test_who_draws_blind_sees_their_own_mask_and_nobody_else(wall: Wall) -> None:
    image, (bob, cleo) = wall.images[0], (wall.people["Bob"], wall.people["Cleo"])
    set_overlap(wall.project, wall.people["Ada"], 2)
    log.append(image.id, bob, [box("bob", 1, (0, 0, 5, 5))])
    log.append(image.id, cleo, [box("cleo", 1, (20, 0, 5, 5))])
    presence.beat(image.id, cleo)
    address = mask_address(wall.project, image.id, versions(wall))  # a reviewer's, which Bob may have read elsewhere
    got = wall.clients["Bob"].get(address)
    assert (rgba(got.content)[2, 2, 3], rgba(got.content)[2, 22, 3]) == (255, 0)
    assert "no-cache" in got.headers["cache-control"]
    own = wall.clients["Bob"].get(mask_address(wall.project, image.id, versions(wall, bob)))
    assert "immutable" in own.headers["cache-control"]
    assert own.content == got.content
    whole = rgba(wall.clients["Rita"].get(address).content)
    assert (whole[2, 2, 3], whole[2, 22, 3]) == (255, 255)
    there = f"{present_address(wall.project)}?images={image.id}"
    assert wall.clients["Bob"].get(there).json() == {}
    assert wall.clients["Rita"].get(there).json() == {str(image.id): [{"id": cleo, "name": "Cleo"}]}


def test_who_has_an_image_open_is_told_to_others_of_the_project(wall: Wall) -> None:
    first, second = wall.images[:2]
    for name in ("Cleo", "Bob", "Ada"):
        presence.beat(first.id, wall.people[name])
    presence.beat(second.id, wall.people["Ada"])
    address = present_address(wall.project)

    def told(name: str, images: str) -> dict[str, list[str]]:
        got = wall.clients[name].get(f"{address}?images={images}")
        assert got.headers["cache-control"] == "no-store"
        return {image: [person["name"] for person in people] for image, people in got.json().items()}

    both = f"{first.id},{second.id}"
    assert told("Rita", both) == {str(first.id): ["Ada", "Bob", "Cleo"], str(second.id): ["Ada"]}
    assert told("Ada", both) == {str(first.id): ["Bob", "Cleo"]}
    assert told("Rita", str(second.id)) == {str(second.id): ["Ada"]}
    assert told("Rita", "999999") == {}
    for wrong in ("", "a", "-1", "0", "1,,2", "9" * 5000, "1" + ",1" * 200):
        assert wall.clients["Rita"].get(f"{address}?images={wrong}").status_code == 400, wrong
    assert wall.clients["Rita"].get(address).status_code == 400


def test_none_of_it_is_for_others(wall: Wall) -> None:
    image = wall.images[0]
    log.append(image.id, wall.people["Bob"], [box("one")])
    presence.beat(image.id, wall.people["Bob"])
    paths = [
        mask_address(wall.project, image.id, versions(wall)),
        mask_address(wall.project, image.id, versions(wall), "preview"),
        photograph_address(wall.project, image.id, image.sha256, "preview"),
        f"{present_address(wall.project)}?images={image.id}",
    ]
    elsewhere = wall.project + 1
    for path in paths:
        assert wall.clients["nobody"].get(path).status_code == 401
        assert wall.clients["Eve"].get(path).status_code == 403
        assert wall.clients["Bob"].get(path).status_code == 200
        foreign = wall.clients["Eve"].get(path.replace(f"/files/{wall.project}/", f"/files/{elsewhere}/"))
        assert (foreign.status_code, foreign.content) in [(200, b"{}"), (403, foreign.content)]
    assert wall.clients["Bob"].get(f"/files/{wall.project}/images/{image.id}/mask-huge.png").status_code == 400
    delete_images(wall.project, wall.people["Ada"], [image.id])
    assert [wall.clients["Ada"].get(path).status_code for path in paths[:3]] == [403] * 3
    assert wall.clients["Ada"].get(paths[3]).json() == {}


def test_a_preview_goes_with_its_photograph(wall: Wall) -> None:
    image = wall.images[0]
    path = store.preview(image.sha256)
    assert max(Picture.open(path).size) <= store.PREVIEW
    assert path in store.files_of(image.sha256)


def test_own_work_in_a_list_is_what_each_image_tells(wall: Wall) -> None:
    rita, ids = wall.people["Rita"], [image.id for image in wall.images]
    for place, who in ((0, "Rita"), (1, "Bob"), (2, "Bob")):
        log.append(ids[place], wall.people[who], [box("one")])
        review.submit(ids[place], wall.people[who])
    log.append(ids[2], rita, [box("two")])  # she only helped
    assert own_among(wall.project, ids, rita) == {ids[0]} == {one for one in ids if refusal(wall.project, one, rita)}
    assert own_among(wall.project, [], rita) == set()
    assert own_among(wall.project, ids, wall.people["Ada"]) == set()


def test_what_was_drawn_since_the_list_was_read_is_not_accepted_unseen(wall: Wall) -> None:
    image, bob, rita = wall.images[0], wall.people["Bob"], wall.people["Rita"]
    log.append(image.id, bob, [box("one")])
    review.submit(image.id, bob)
    log.append(image.id, bob, [box("two")])
    with pytest.raises(StudioError, match="somebody drew on this image meanwhile: look at it again"):
        review.accept(image.id, rita, 1)
    assert image_in(wall.project, image.id).state == "submitted"
    review.accept(image.id, rita, 2)
    with pytest.raises(StudioError, match="the image is accepted by now: look at it again"):
        review.accept(image.id, rita, 2)
