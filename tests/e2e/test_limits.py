"""Uploads to a real server: streamed to the disk, and refused when they are too large, on pages and by the API."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser

from studio.accounts import add_user
from studio.accounts.settings import Settings, save
from studio.projects.invitations import accept, invite
from studio.projects.projects import create_project
from studio.store.database import writing
from tests.e2e.conftest import PASSWORD, Server, settled, sign_in

MB = 2**20


@pytest.fixture(scope="module")
def server(own_server: Server) -> Server:
    """One whose memory is measured."""
    return own_server


@pytest.fixture(scope="module")
def owner(server: Server) -> tuple[int, int]:
    """The studio's owner, and a project of theirs."""
    with writing() as db:
        user = add_user(db, "Owner", PASSWORD).id
    accept(invite(None, "admin"), user)
    return user, create_project(user, "Bridge").id


def form(megabytes: int) -> Iterator[bytes]:
    """A form with a large file that is no photograph, made while it is sent."""
    yield b'--x\r\nContent-Disposition: form-data; name="files"; filename="a.png"\r\n\r\n'
    for _ in range(megabytes):
        yield b"\0" * MB
    yield b"\r\n--x--\r\n"


def send(server: Server, owner: tuple[int, int], megabytes: int) -> httpx.Response:
    headers = {"Cookie": f"studio_session={server.cookie(owner[0])}", "Content-Type": "multipart/form-data; boundary=x"}
    address = f"{server.url}/api/projects/{owner[1]}/images"
    return httpx.post(address, content=form(megabytes), headers=headers, timeout=120)


def peak(server: Server) -> int:
    """The most memory that the server has had, in bytes."""
    status = Path(f"/proc/{server.process.pid}/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1]) * 1024


def test_an_upload_is_never_whole_in_memory(server: Server, owner: tuple[int, int]) -> None:
    send(server, owner, 1)
    before = peak(server)
    answer = send(server, owner, 200)
    assert (answer.status_code, "a.png" in answer.json()["error"]) == (400, True)
    assert peak(server) - before < 100 * MB
    assert not list(server.home.glob(".upload-*"))


def test_what_is_too_large_is_refused_on_pages_and_by_the_api(
    browser: Browser, server: Server, owner: tuple[int, int]
) -> None:
    from playwright.sync_api import expect

    save(owner[0], Settings(most_upload_mb=1))
    try:
        for _ in range(50):  # the server reads the settings anew within a few seconds
            answer = send(server, owner, 3)
            if answer.status_code == 413:
                break
        assert (answer.status_code, answer.json()["error"]) == (
            413,
            "this is larger than the 1 MB that may be sent here",
        )
        page = sign_in(browser, server, owner[0])
        page.goto(f"{server.url}/images?project={owner[1]}")
        settled(page)
        with page.expect_response("**/_stcore/upload_file/**") as refused:
            page.locator("input[type=file]").first.set_input_files(
                {"name": "a.png", "mimeType": "image/png", "buffer": io.BytesIO(b"\0" * 3 * MB).getvalue()}
            )
        assert refused.value.status == 413
        expect(page.get_by_text("413")).to_be_visible()
        page.context.close()
    finally:
        save(owner[0], Settings())
