"""Deleting, restoring, archiving and renaming in a real browser; and what no route serves then."""

from __future__ import annotations

import http.client
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from playwright.sync_api import Browser

from studio.accounts import COOKIE, add_user
from studio.annotation import log
from studio.annotation.strokes import Rectangle
from studio.images.library import add_image, count_images, image_in
from studio.projects.projects import create_project, projects_of
from studio.store.database import reading, writing
from studio.store.tables import Image, Job, Project
from studio.trash import deleting
from tests.conftest import save_png
from tests.e2e.conftest import PASSWORD, Server, settled, sign_in


class Bridge(NamedTuple):
    name: str
    project: int
    ada: int
    images: list[Image]
    job: int


@pytest.fixture
def bridge(server: Server, tmp_path: Path) -> Bridge:
    with writing() as db:
        ada = add_user(db, f"Ada {time.time_ns()}", PASSWORD).id
    name = "Bridge 42"
    project = create_project(ada, name).id
    images = []
    for number in range(3):
        noise = np.random.default_rng(number).integers(150, 220, (120, 160, 3)).astype(np.uint8)
        images.append(add_image(project, ada, save_png(noise, tmp_path / f"{number}.png"), f"wall {number}.png")[0])
    log.append(images[0].id, ada, [Rectangle("box", 1, {"box": [10, 10, 30, 30]})])
    with writing() as db:
        job = Job(project_id=project, created_by=ada, kind="sweep", name="First sweep", settings={}, state="failed")
        db.add(job)
        db.flush()
    return Bridge(name, project, ada, images, job.id)


def paths(bridge: Bridge) -> list[str]:
    """Addresses of all that is about the first image and the job."""
    image, job, own = bridge.images[0], bridge.job, bridge.project
    files = f"/files/{own}/images/{image.id}"
    return [
        f"{files}/{image.sha256}/thumbnail.jpg", f"{files}/{image.sha256}/view.jpg", f"{files}/mask.png",
        f"{files}/mask-thumbnail.png", f"{files}/object?x=1&y=1", f"/api/projects/{own}/jobs/{job}",
        f"/api/projects/{own}/jobs/{job}/networks/base.safetensors",
    ]  # fmt: skip


def of_project(bridge: Bridge) -> list[str]:
    own = f"/api/projects/{bridge.project}"
    return [f"{own}/images", f"{own}/jobs", f"{own}/export.zip", f"{own}/backup.zip"]


def ask(server: Server, path: str, cookie: str) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    connection.request("GET", path, headers={"Cookie": f"{COOKIE}={cookie}"})
    answer = connection.getresponse()
    return answer.status, answer.read()


def test_no_route_serves_what_was_deleted(server: Server, bridge: Bridge) -> None:
    cookie = server.cookie(bridge.ada)
    assert [ask(server, path, cookie)[0] for path in paths(bridge)] == [200, 200, 200, 200, 200, 200, 404]
    deleting.delete_images(bridge.project, bridge.ada, [bridge.images[0].id])
    deleting.delete_job(bridge.project, bridge.ada, bridge.job)
    for path in paths(bridge):
        assert ask(server, path, cookie)[0] in (403, 404), path
    for path in of_project(bridge):
        status, body = ask(server, path, cookie)
        assert status == 200
        assert b"wall 0" not in body, path
        assert b"First sweep" not in body, path
    deleting.delete_project(bridge.project, bridge.ada)
    for path in (*paths(bridge), *of_project(bridge)):
        assert ask(server, path, cookie)[0] in (403, 404), path
    assert ask(server, "/api/projects", cookie) == (200, b"[]")


def test_images_are_deleted_and_restored(browser: Browser, server: Server, bridge: Bridge) -> None:
    page = sign_in(browser, server, bridge.ada)
    page.goto(f"{server.url}/images?project={bridge.project}")
    page.locator(".tile input").first.click()
    page.get_by_text("1 selected").wait_for()
    page.get_by_test_id("stPopover").get_by_role("button", name="Delete").click()
    page.get_by_text("1 of them with a mask").wait_for()
    page.get_by_role("button", name="Delete 1 image").click()
    page.get_by_text("2 photographs").wait_for()
    settled(page)
    assert count_images(bridge.project) == 2
    page.goto(f"{server.url}/?project={bridge.project}")
    page.get_by_text("Trash", exact=True).click()
    page.get_by_text("30 days left").wait_for()
    page.get_by_role("button", name="Restore", exact=True).click()
    page.get_by_text("The trash is empty").wait_for()
    assert image_in(bridge.project, bridge.images[0].id).strokes == 1
    page.context.close()


def test_a_project_is_archived_and_deleted_by_its_name(browser: Browser, server: Server, bridge: Bridge) -> None:
    page = sign_in(browser, server, bridge.ada)
    page.goto(f"{server.url}/?project={bridge.project}")
    page.get_by_text("Rename, archive, delete").click()
    page.get_by_role("button", name="Archive the project").click()
    page.get_by_text("This project is archived").wait_for()
    with reading() as db:
        assert db.get_one(Project, bridge.project).archived_at is not None
    settled(page)  # what was open stays open
    page.get_by_role("button", name="Delete the project").first.click()
    page.get_by_label("Type the project's name").fill(bridge.name)
    page.get_by_label("Type the project's name").press("Enter")
    page.get_by_test_id("stPopoverBody").get_by_role("button", name="Delete the project").click()
    page.get_by_text("Create a project first").wait_for()
    settled(page)
    assert projects_of(bridge.ada) == []
    page.get_by_text("Deleted projects").click()
    page.get_by_role("button", name="Restore", exact=True).click()
    page.get_by_text("Archived projects").wait_for()
    assert [project.id for project, _ in projects_of(bridge.ada)] == [bridge.project]
    page.context.close()
