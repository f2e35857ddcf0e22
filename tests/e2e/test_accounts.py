"""Accounts over HTTP: what a stranger may send, and what comes of it."""

from __future__ import annotations

import http.client
import json
import os
import stat

import httpx
import psutil
import pytest
from playwright.sync_api import Browser, expect
from sqlalchemy import func, select

from studio.accounts import add_user
from studio.store.database import reading, writing
from studio.store.tables import SignInDelay, User
from tests.e2e.conftest import PASSWORD, Server, settled, sign_in

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
JSON = {"Content-Type": "application/json"}


@pytest.fixture(scope="module")
def server(own_server: Server) -> Server:
    """One that is started again, and has no accounts but this file's."""
    return own_server


@pytest.fixture(scope="module")
def ada(server: Server) -> int:
    with writing() as db:
        return add_user(db, "Ada", PASSWORD).id


def post(server: Server, path: str, body: bytes, headers: dict[str, str]) -> httpx.Response:
    return httpx.post(f"{server.url}{path}", content=body, headers=headers, timeout=60)


def test_without_a_provider_there_is_no_way_in_through_one(server: Server, ada: int) -> None:
    from studio.accounts.oidc import ticket

    for given in ("", "x", ticket("https://id.example 1", "Eve"), ticket("", "Eve")):
        answer = httpx.get(f"{server.url}/account/oidc", params={"ticket": given})
        assert answer.status_code == 404
        assert "set-cookie" not in answer.headers
    assert httpx.get(f"{server.url}/account/nothing").status_code == 404
    with reading() as db:
        assert db.scalar(select(func.count()).select_from(User)) == 1


def test_bodies_are_limited_while_they_are_sent_and_nothing_of_them_stays(server: Server, ada: int) -> None:
    process = psutil.Process(server.process.pid)
    before = process.memory_info().rss
    for path, kind in (("/api/session", JSON), ("/account/sign-in", FORM), ("/account/join/x", FORM)):
        told = post(server, path, b"x" * 70_000, kind)
        assert told.status_code == 413, path
        assert "64 KB" in told.json()["error"]
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
        connection.putrequest("POST", path)
        for key, value in (kind | {"Transfer-Encoding": "chunked"}).items():
            connection.putheader(key, value)
        connection.endheaders()
        part = b"a" * 65_536
        with pytest.raises((http.client.HTTPException, OSError)):  # the server hangs up long before
            for _ in range(400 * 16):
                connection.send(b"%x\r\n%s\r\n" % (len(part), part))
            connection.getresponse()
            raise http.client.HTTPException("it was taken, all 400 MB")
        connection.close()
    assert process.memory_info().rss - before < 50 * 1024**2
    with reading() as db:
        assert db.scalar(select(func.count()).select_from(SignInDelay)) == 0


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 60_000,
        b'{"a":' * 10_000,
        b'{"name": "\\ud800", "password": "a long enough password"}',
        b'{"name": "Ada", "password": "\\udfff\\udfff\\udfff\\udfff"}',
        b'{"name": "Ada", "password": "x", "other": ["\\ud800"]}',
        b'{"name": "Ada\\u0000", "password": "a long enough password"}',
        b'{"name": "%s", "password": "a long enough password"}' % (b"x" * 65),
        b'{"name": "Ada", "password": "%s"}' % (b"x" * 1001),
        b"\xff\xfe\x00",
        b"",
    ],
)
def test_json_that_is_none_is_a_bad_request(server: Server, ada: int, body: bytes) -> None:
    for headers in (JSON, {}):
        answer = post(server, "/api/session", body, headers)
        assert answer.status_code in (400, 422), answer.text
        assert answer.json()


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"name=%ED%A0%80&password=a+long+enough+password", FORM),
        (b"name=Ada&password=%ED%BF%BF%ED%BF%BFlong+enough", FORM),
        (b"name=%FF&password=x", FORM),
        (b"name=A%00da&password=x", FORM),
        (b"name=&password=x", FORM),
        (b"name=" + b"x" * 65 + b"&password=x", FORM),
        (b"name=Ada&password=" + b"x" * 1001, FORM),
        ("name=Ada&password=ü".encode(), FORM),
        (b"&".join([b"name=Ada"] * 50), FORM),
        (b'--x\r\nContent-Disposition: form-data; name="name"\r\n\r\n\\ud800\r\n--x--',
         {"Content-Type": "multipart/form-data; boundary=x; charset=unicode_escape"}),
        (b"name", {"Content-Type": "multipart/form-data"}),
        (b"{}", JSON),
    ],
)  # fmt: skip
def test_a_form_that_is_none_is_a_bad_request(server: Server, ada: int, body: bytes, kind: dict[str, str]) -> None:
    from studio.projects.invitations import invite
    from studio.projects.projects import create_project

    token = invite(create_project(ada, "Bridge").id, "annotator")
    for path in ("/account/sign-in", f"/account/join/{token}"):
        answer = post(server, path, body, kind)
        assert answer.status_code == 400, (path, answer.status_code)
        assert 'role="alert"' in answer.text


@pytest.mark.parametrize("target", ["//[", "/\\evil.example", "//evil.example", "https://evil.example", "/a\r\nX: y"])
def test_nobody_is_sent_elsewhere(server: Server, ada: int, target: str) -> None:
    answer = httpx.get(f"{server.url}/account/sign-in", params={"next": target})
    assert answer.status_code == 200
    assert 'name="next" value="/"' in answer.text
    data = {"name": "Ada", "password": PASSWORD, "next": target}
    answer = httpx.post(f"{server.url}/account/sign-in", data=data)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")


def test_a_made_up_forwarding_header_makes_no_new_address(server: Server, ada: int) -> None:
    assert not os.environ.get("FORWARDED_ALLOW_IPS")

    def guess(number: int) -> int:
        headers = {"X-Forwarded-For": f"192.0.2.{number}", "X-Forwarded-Proto": "https"}
        return httpx.post(
            f"{server.url}/api/session", json={"name": "victim", "password": "x"}, headers=headers
        ).status_code

    assert [guess(number) for number in range(6)] == [401] * 5 + [429]
    assert httpx.post(f"{server.url}/api/session", json={"name": "Ada", "password": PASSWORD}).status_code == 200


def test_a_token_reaches_as_far_as_it_says_and_a_session_as_far_as_before(server: Server, ada: int) -> None:
    from studio.accounts import open_session
    from studio.accounts.sessions import signed_in
    from studio.accounts.tokens import make_token, revoke, tokens_of
    from studio.projects.projects import create_project

    cookie = open_session(ada)
    found = signed_in(cookie)
    assert found is not None
    who = found[1]
    own, other = create_project(ada, "Own").id, create_project(ada, "Other").id
    tokens = {
        "read": make_token(who, "reads", "read", None, 1),
        "write": make_token(who, "writes", "write", None, 1),
        "one": make_token(who, "writes one", "write", own, 1),
        "session": cookie,
    }

    def ask(which: str, method: str, path: str) -> int:
        headers = {"Authorization": f"Bearer {tokens[which]}"}
        return httpx.request(method, f"{server.url}{path}", headers=headers).status_code

    images, elsewhere = f"/api/projects/{own}/images", f"/api/projects/{other}/images"
    for which in tokens:
        assert ask(which, "GET", images) == 200
        assert ask(which, "GET", elsewhere) == (403 if which == "one" else 200)
        assert ask(which, "POST", images) == (403 if which == "read" else 400)
        assert ask(which, "POST", elsewhere) == (403 if which in ("read", "one") else 400)
        assert ask(which, "GET", "/api/projects") == (403 if which == "one" else 200)
        assert ask(which, "GET", "/projects") == (200 if which == "session" else 403)
    for beyond in (f"/files/{other}/images/1/mask.png", f"/api/projects/{own}/../{other}/images", "/api/openapi.json"):
        assert ask("one", "GET", beyond) in (403, 404), beyond
    assert tokens_of(who)[0].seen_at > 0
    for token in tokens_of(who):
        revoke(who, token.id)
    assert {ask(which, "GET", images) for which in ("read", "write", "one")} == {401}


def test_people_see_to_their_accounts_and_the_owner_to_all(browser: Browser, server: Server, ada: int) -> None:
    from studio.projects.invitations import accept, invite

    accept(invite(None, "admin"), ada)
    with writing() as db:
        grace = add_user(db, "Grace", PASSWORD).id
    page, phone = sign_in(browser, server, grace), sign_in(browser, server, grace)
    phone.goto(server.url)
    settled(phone)
    page.goto(f"{server.url}/profile")
    settled(page)
    expect(page.get_by_role("button", name="Sign out", exact=True)).to_have_count(1)
    page.get_by_label("Name of the program").fill("Nightly export")
    page.get_by_role("button", name="Make a token").click()
    token = page.locator("code", has_text="ftl_").inner_text()
    assert httpx.get(f"{server.url}/api/projects", headers={"Authorization": f"Bearer {token}"}).status_code == 200
    page.get_by_label("Current password").fill(PASSWORD)
    page.get_by_label("New password", exact=True).fill("Grace Grace Grace")
    page.get_by_role("button", name="Change the password").click()
    expect(page.get_by_role("alert")).to_contain_text("would be guessed")
    page.get_by_label("Current password").fill(PASSWORD)
    page.get_by_label("New password", exact=True).fill("seven herons on a viaduct")
    page.get_by_role("button", name="Change the password").click()
    expect(page.get_by_text("The password is changed")).to_be_visible()
    phone.reload()
    expect(phone.get_by_role("heading", name="Sign in")).to_be_visible()
    page.get_by_role("textbox", name="Name", exact=True).fill("Grace Hopper")
    page.get_by_role("button", name="Rename").click()
    settled(page)

    office = sign_in(browser, server, ada)
    office.goto(f"{server.url}/settings")
    settled(office)
    expect(office.get_by_text("Grace Hopper", exact=True)).to_be_visible()
    office.get_by_role("button", name="What can be done with the account of Grace").click()
    office.get_by_role("button", name="Make a link to set a new password").click()
    link = office.locator("code", has_text="/account/reset/").inner_text()
    assert link.startswith(f"{server.url}/account/reset/")
    phone.goto(link)
    phone.get_by_label("Password").fill("nine otters under the pier")
    phone.get_by_role("button", name="Set the password").click()
    settled(phone)
    expect(phone.get_by_role("heading", name="Projects")).to_be_visible()
    phone.goto(link)
    expect(phone.get_by_role("alert")).to_contain_text("used up")
    phone.goto(server.url)
    settled(phone)
    office.get_by_role("button", name="Deactivate").click()
    expect(office.get_by_text("deactivated", exact=True)).to_be_visible()
    phone.goto(server.url)
    expect(phone.get_by_role("heading", name="Sign in")).to_be_visible()
    assert httpx.get(f"{server.url}/api/projects", headers={"Authorization": f"Bearer {token}"}).status_code == 401


def test_everything_in_the_home_folder_is_its_owners_alone(server: Server, ada: int) -> None:
    loose = server.home / "images" / "ab"
    loose.mkdir(parents=True, mode=0o755)
    (loose / "photo").write_bytes(b"x")
    for path in (server.home, loose.parent, loose):
        path.chmod(0o755)
    (loose / "photo").chmod(0o644)
    server.stop()
    server.start()
    token = httpx.post(f"{server.url}/api/session", json={"name": "Ada", "password": PASSWORD}).json()["token"]
    from tests.e2e.test_api import picture

    project = httpx.get(f"{server.url}/api/projects", headers={"Authorization": f"Bearer {token}"}).json()[0]["id"]
    added = httpx.post(
        f"{server.url}/api/projects/{project}/images", headers={"Authorization": f"Bearer {token}"},
        files=[("files", ("a.png", picture(7)))], timeout=60,
    )  # fmt: skip
    assert added.status_code == 200
    paths = [server.home, *server.home.rglob("*")]
    assert any(path.name.startswith("studio.db-") for path in paths)
    assert len([path for path in paths if path.is_file()]) >= 5
    for path in paths:
        allowed = 0o700 if path.is_dir() else 0o600
        assert stat.S_IMODE(path.stat().st_mode) & ~allowed == 0, json.dumps([str(path), oct(path.stat().st_mode)])
