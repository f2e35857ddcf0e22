"""The plain pages: signing in and out, and the first account."""

from __future__ import annotations

import asyncio
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette

from studio.accounts import COOKIE, open_session, user_of
from studio.api import sign_in_pages
from studio.api.gate import Gate
from studio.projects.invitations import invite
from tests.studio.conftest import Someone

LINK = {"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
"""What a browser sends for a link of the studio that is clicked."""


def ask(method: str, path: str, cookie: str = "", **options: Any) -> httpx.Response:
    """One answer of the pages behind the gate."""
    headers = options.pop("headers", {}) | ({"Cookie": f"{COOKIE}={cookie}"} if cookie else {})

    async def answer() -> httpx.Response:
        app = Gate(Starlette(routes=sign_in_pages.ROUTES))
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://studio") as client:
            return await client.request(method, path, headers=headers, **options)

    with ThreadPoolExecutor() as pool:  # where no other test's loop runs
        return pool.submit(asyncio.run, answer()).result()


def test_the_link_signs_out_at_once(project: Someone) -> None:
    cookie = open_session(project.user_id)
    answer = ask("GET", "/account/sign-out", cookie, headers=LINK)
    assert (answer.status_code, answer.headers["location"]) == (303, "/account/sign-in")
    assert f'{COOKIE}=""' in answer.headers["set-cookie"]
    assert user_of(cookie) is None


@pytest.mark.parametrize(
    "sent",
    [
        {},
        LINK | {"Sec-Fetch-Site": "cross-site"},
        LINK | {"Sec-Fetch-Site": "same-site"},
        LINK | {"Sec-Fetch-Site": "none"},
        LINK | {"Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"},
        LINK | {"Sec-Purpose": "prefetch"},
    ],
    ids=["unknown", "cross-site", "same-site", "typed", "image", "prefetch"],
)
def test_what_is_no_click_on_the_link_signs_nobody_out_and_is_asked_first(
    project: Someone, sent: dict[str, str]
) -> None:
    cookie = open_session(project.user_id)
    answer = ask("GET", "/account/sign-out", cookie, headers=sent)
    assert answer.status_code == 200
    assert "You are signed in as Ada" in answer.text
    assert ask("HEAD", "/account/sign-out", cookie, headers=sent).status_code == 200
    assert user_of(cookie) is not None
    assert ask("POST", "/account/sign-out", cookie).status_code == 303
    assert user_of(cookie) is None


def test_who_is_signed_out_already_is_not_asked_to_sign_out(project: Someone) -> None:
    cookie = open_session(project.user_id)
    ask("POST", "/account/sign-out", cookie)
    answer = ask("GET", "/account/sign-out", cookie)
    assert (answer.status_code, answer.headers["location"]) == (303, "/account/sign-in")


def test_nobody_is_signed_out_by_signing_in(project: Someone) -> None:
    path = f"/account/join/{invite(project.project_id, 'reviewer', project.user_id)}"
    for target, leads in (("/account/sign-out", "/"), (path, path), ("/images?project=1", "/images?project=1")):
        page = ask("GET", f"/account/sign-in?next={target}").text
        assert f'name="next" value="{leads}"' in page


def focused(answer: httpx.Response) -> list[str]:
    """The names of the fields that get the cursor."""
    return re.findall(r'<input id="(\w+)"[^>]* autofocus>', answer.text)


def test_the_cursor_stands_in_the_field_that_is_wrong(project: Someone) -> None:
    path = f"/account/join/{invite(project.project_id, 'reviewer', project.user_id)}"
    assert focused(ask("GET", path)) == focused(ask("GET", "/account/sign-in")) == ["name"]
    weak = ask("POST", path, data={"name": "Bob", "password": "password123"})
    assert (weak.status_code, focused(weak)) == (400, ["password"])
    assert 'value="Bob"' in weak.text
    assert "password123" not in weak.text
    taken = ask("POST", path, data={"name": "Ada", "password": "a long enough password"})
    assert (taken.status_code, focused(taken)) == (400, ["name"])
    wrong = ask("POST", "/account/sign-in", data={"name": "Ada", "password": "something else"})
    assert (wrong.status_code, focused(wrong)) == (401, ["password"])
    assert 'value="Ada"' in wrong.text


def test_without_an_account_the_sign_in_page_says_where_the_first_is_made(home: Path) -> None:
    answer = ask("GET", "/account/sign-in")
    assert "open the link that the terminal printed" in answer.text
    assert "<form" not in answer.text
