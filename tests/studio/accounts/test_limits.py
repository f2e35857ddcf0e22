"""Quotas: of images, pixels and requests, and who sets them."""

from __future__ import annotations

import asyncio
import io
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from starlette.responses import PlainTextResponse

from studio.accounts import COOKIE, open_session
from studio.accounts.settings import QUOTAS, Settings, recent, save, settings
from studio.api import gate
from studio.api.rate_limit import Buckets
from studio.backup.packing import backup
from studio.backup.restoring import restore
from studio.errors import StudioError
from studio.images.library import count_images
from studio.images.uploads import receive
from studio.projects.invitations import accept, invite
from studio.store.home import home as home_folder
from tests.conftest import save_png
from tests.studio.conftest import Someone


@pytest.fixture
def owner(project: Someone) -> Someone:
    accept(invite(None, "admin"), project.user_id)
    return project


def photograph(folder: Path, value: int, side: int = 20) -> tuple[str, io.BytesIO]:
    file = save_png(np.full((side, side, 3), value, np.uint8), folder / f"{value}.png")
    return file.name, io.BytesIO(file.read_bytes())


def test_a_full_project_takes_no_further_photograph_and_says_so(owner: Someone, tmp_path: Path) -> None:
    save(owner.user_id, Settings(most_images=2))
    uploads = [photograph(tmp_path, value) for value in (1, 2, 3)]
    got = receive(owner.project_id, owner.user_id, uploads)
    assert len(got.added) == 2
    assert got.problems == ["3.png: a project may have 2 images, and this one has: ask the studio's owner for more"]
    assert count_images(owner.project_id) == 2
    assert len(list((home_folder() / "images").rglob("*"))) == 2 * 2  # nothing of the third lies about
    again = receive(owner.project_id, owner.user_id, uploads[:1])
    assert (again.known, again.problems) == (got.added[:1], [])
    packed = home_folder() / "backup.zip"
    packed.write_bytes(b"".join(backup(owner.project_id)))
    save(owner.user_id, Settings(most_images=1))
    with open(packed, "rb") as file, pytest.raises(StudioError, match="2 images, and a project may have 1"):
        restore(owner.user_id, file)


def test_a_photograph_of_too_many_pixels_is_refused(owner: Someone, tmp_path: Path) -> None:
    save(owner.user_id, Settings(most_megapixels=1))
    got = receive(owner.project_id, owner.user_id, [photograph(tmp_path, 1, 1001), photograph(tmp_path, 2, 1000)])
    assert (len(got.added), len(got.problems)) == (1, 1)
    assert "1.png has 1001 x 1001 pixels, more than the 1,000,000" in got.problems[0]


def changed(key: str, value: int) -> Settings:
    change: dict[str, Any] = {key: value}
    return Settings()._replace(**change)


@pytest.mark.parametrize("key", list(QUOTAS))
def test_a_limit_has_its_own_limits_and_holds_at_once(owner: Someone, key: str) -> None:
    quota = QUOTAS[key]
    for value in (quota.least - 1, quota.most + 1):
        with pytest.raises(StudioError, match="from"):
            save(owner.user_id, changed(key, value))
    assert getattr(recent(), key) == getattr(Settings(), key)
    save(owner.user_id, changed(key, quota.least))
    assert getattr(settings(), key) == getattr(recent(), key) == quota.least


def test_requests_beyond_the_minutes_wait_and_go_on_evenly() -> None:
    buckets = Buckets()
    assert [buckets.take("a", 60, 0.0) for _ in range(60)] == [0.0] * 60
    assert buckets.take("a", 60, 0.0) == pytest.approx(1.0)
    assert buckets.take("b", 60, 0.0) == 0.0
    assert buckets.take("a", 60, 0.5) == pytest.approx(0.5)
    assert [buckets.take("a", 60, 2.0) == 0.0 for _ in range(3)] == [True, True, False]
    for number in range(30_000):  # as many addresses as somebody likes to come from take no memory for good
        buckets.take(str(number), 60, 3.0)
    assert len(buckets._left) <= 10_000


def test_who_asks_too_often_is_told_when_to_go_on_and_disturbs_nobody_else(
    owner: Someone, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gate, "monotonic", lambda: 1000.0)
    save(owner.user_id, Settings(most_requests=300))
    signed_in = {"Cookie": f"{COOKIE}={open_session(owner.user_id)}"}

    async def ask() -> list[httpx.Response]:
        transport = httpx.ASGITransport(gate.Gate(PlainTextResponse("yes")))
        async with httpx.AsyncClient(transport=transport, base_url="http://studio") as client:
            answers = [await client.get("/api/projects", headers=signed_in) for _ in range(301)]
            return [*answers, await client.get("/static/a.js", headers=signed_in), await client.get("/account/sign-in")]

    with ThreadPoolExecutor() as pool:  # where no other test's loop runs
        *mine, file, stranger = pool.submit(asyncio.run, ask()).result()
    assert [answer.status_code for answer in mine[:300]] == [200] * 300
    late = mine[-1]
    assert (late.status_code, late.headers["retry-after"]) == (429, "1")
    assert "too many requests" in late.json()["error"]
    assert (file.status_code, stranger.status_code) == (200, 200)
