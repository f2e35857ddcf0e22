"""The API as a program uses it: token, upload, export, jobs, and its description."""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image
from sqlalchemy import select

from studio.accounts import add_user
from studio.annotation import log
from studio.annotation.strokes import Rectangle
from studio.projects.projects import create_project
from studio.store.database import writing
from studio.store.tables import User
from tests.e2e.conftest import PASSWORD, Server


@pytest.fixture(scope="module")
def client(server: Server) -> httpx.Client:
    with writing() as db:
        add_user(db, "Robot", PASSWORD)
    token = httpx.post(f"{server.url}/api/session", json={"name": "Robot", "password": PASSWORD}).json()["token"]
    return httpx.Client(base_url=server.url, headers={"Authorization": f"Bearer {token}"}, timeout=60)


def picture(value: int, kind: str = "PNG") -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(np.full((24, 32, 3), value, np.uint8)).save(buffer, kind)
    return buffer.getvalue()


def user_of(name: str) -> int:
    with writing() as db:
        return db.scalars(select(User.id).where(User.name == name)).one()


def project_of(client: httpx.Client, user: str = "Robot") -> int:
    return create_project(user_of(user), "By API").id


def test_upload_list_draw_export(client: httpx.Client) -> None:
    project = project_of(client)
    name = '🌉 "a" <b>.png'
    files = [("files", (name, picture(10))), ("files", ("b.jpg", picture(20, "JPEG"))), ("files", ("c.jpg", b"no"))]
    got = client.post(f"/api/projects/{project}/images", files=files, data={"class": "Crack"})
    assert got.status_code == 200
    assert len(got.json()["added"]) == 2
    assert len(got.json()["problems"]) == 1
    assert "c.jpg" in got.json()["problems"][0]
    again = client.post(f"/api/projects/{project}/images", files=files[:1]).json()
    assert (again["added"], again["known"]) == ([], got.json()["added"][:1])
    listed = client.get(f"/api/projects/{project}/images", params={"count": 1}).json()
    assert (listed["total"], len(listed["images"])) == (2, 1)
    first = listed["images"][0]
    assert first["name"] == name
    assert client.get(first["url"]).headers["content-type"] == "image/jpeg"
    robot = user_of("Robot")
    log.append(first["id"], robot, [Rectangle("s", 2, {"box": [1, 2, 3, 4]}, robot)])
    exported = client.get(f"/api/projects/{project}/export.zip")
    with zipfile.ZipFile(io.BytesIO(exported.content)) as archive:
        assert archive.testzip() is None
        names = archive.namelist()
        assert json.loads(archive.read("classes.json"))["Pore"] == 2
        masks = [one for one in names if one.startswith("Segmented/Crack/")]
        assert len(masks) == 1
        mask = np.asarray(Image.open(io.BytesIO(archive.read(masks[0]))))
        assert sum(one.startswith("Images/Crack/") for one in names) == 2
    expected = np.zeros((24, 32), np.uint8)
    expected[2:6, 1:4] = 2
    assert np.array_equal(mask, expected)
    lean = client.get(f"/api/projects/{project}/export.zip", params={"format": "yolo", "images": "no"})
    with zipfile.ZipFile(io.BytesIO(lean.content)) as archive:
        assert {"data.yaml", "labels/🌉 _a_ _b_.txt"} <= set(archive.namelist())
        assert not any(one.startswith("images/") for one in archive.namelist())
    for params, words in (({"format": "tiff"}, "index, classes, coco,"), ({"images": "maybe"}, "yes or no")):
        refused = client.get(f"/api/projects/{project}/export.zip", params=params)
        assert refused.status_code == 400
        assert words in refused.json()["error"]
    own = client.get(f"/files/{project}/images/{first['id']}/mask.png")
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(own.content))), expected)
    assert client.get(own.url.path, headers={"If-None-Match": own.headers["etag"]}).status_code == 304


@pytest.mark.parametrize(
    ("files", "data", "words"),
    [
        ([("files", ("a.png", picture(1)))], {"class": "Moon"}, "there is no class Moon"),
        ([("files", ("a.png", picture(1)))], {"split": "both"}, "train or test"),
        ([("other", ("a.png", picture(1)))], {}, "field files"),
        ([("files", ("a.png", b"text"))], {}, "a.png"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_stored(client: httpx.Client, files: Any, data: Any, words: str) -> None:
    project = project_of(client)
    got = client.post(f"/api/projects/{project}/images", files=files, data=data)
    assert got.status_code == 400
    assert words in json.dumps(got.json(), ensure_ascii=False)
    assert client.get(f"/api/projects/{project}/images").json()["total"] == 0


def test_more_files_than_one_upload_may_hold(client: httpx.Client) -> None:
    project = project_of(client)
    files = [("files", (f"{number}.png", b"x")) for number in range(10_001)]
    got = client.post(f"/api/projects/{project}/images", files=files)
    assert got.status_code == 400
    assert "10,000" in got.json()["error"]
    assert client.get(f"/api/projects/{project}/images").json()["total"] == 0


def test_the_description_names_every_route(client: httpx.Client) -> None:
    told = client.get("/api/openapi.json").json()
    assert told["openapi"].startswith("3.1")
    assert "/api/projects/{project}/images" in told["paths"]
    assert set(told["paths"]["/api/projects/{project}/images"]) == {"get", "post"}
    for methods in told["paths"].values():
        assert all(len(one["summary"]) > 10 for one in methods.values())
    assert "/api/projects/{project}/jobs" in client.get("/api/").text


def test_a_project_without_jobs(client: httpx.Client) -> None:
    project = project_of(client)
    assert client.get(f"/api/projects/{project}/jobs").json() == []
    assert client.get(f"/api/projects/{project}/jobs/1").status_code == 403
