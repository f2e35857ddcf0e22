"""Who is not in a project gets nothing of it, on any route."""

from __future__ import annotations

import http.client
import json
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from studio.accounts import COOKIE, add_user
from studio.images.library import add_image
from studio.projects.invitations import invite
from studio.projects.projects import create_project
from studio.store.database import writing
from studio.store.tables import Job, Member
from tests.conftest import save_png
from tests.e2e.conftest import PASSWORD, Server


class World(NamedTuple):
    server: Server
    owner: str
    stranger: str
    annotator: str
    people: tuple[int, int, int]
    values: dict[str, object]


@pytest.fixture(scope="module")
def world(server: Server, tmp_path_factory: pytest.TempPathFactory) -> World:
    with writing() as db:
        owner, stranger, annotator = (add_user(db, name, PASSWORD) for name in ("Owner", "Stranger", "Annotator"))
    project = create_project(owner.id, "Private")
    create_project(stranger.id, "Elsewhere")
    picture = save_png(np.full((20, 30, 3), 90, np.uint8), tmp_path_factory.mktemp("p") / "a.png")
    image, _ = add_image(project.id, owner.id, picture, "a.png")
    with writing() as db:
        db.add(Member(project_id=project.id, user_id=annotator.id, role="annotator"))
        job = Job(project_id=project.id, created_by=owner.id, kind="sweep", name="x", settings={}, state="done")
        db.add(job)
        db.flush()
    values = {"project": project.id, "image": image.id, "sha256": image.sha256, "size": "view", "job": job.id}
    values |= {"name": "base", "ending": "safetensors", "kind": "html", "level": 0, "column": 0, "row": 0}
    people = owner.id, stranger.id, annotator.id
    cookies = [server.cookie(user) for user in people]
    return World(server, cookies[0], cookies[1], cookies[2], people, values)


def ask(
    world: World, method: str, path: str, cookie: str | None = None, content: object = None, **headers: str
) -> tuple[int, bytes, dict[str, str]]:
    connection = http.client.HTTPConnection("127.0.0.1", world.server.port, timeout=30)
    if cookie is not None:
        headers["Cookie"] = f"{COOKIE}={cookie}"
    connection.request(method, path, None if content is None else json.dumps(content), headers)
    answer = connection.getresponse()
    return answer.status, answer.read(), dict(answer.getheaders())


def routes(world: World) -> list[tuple[str, str]]:
    from studio.api import assist, comments, files, lists, live, notices, objects, proposals, strokes
    from studio.api import routes as api

    parts = (assist, comments, files, lists, live, notices, objects, proposals, strokes)
    surface = [route for part in parts for route in part.ROUTES]
    found = []
    for route in [*surface, *api.ROUTES]:
        path = route.path.replace(":int", "").format(**world.values)
        found += [(method, path) for method in route.methods or () if method != "HEAD"]
    return [one for one in found if one[1] != "/api/session"]


def tampered(cookie: str) -> str:
    return cookie[:-3] + ("aaa" if cookie[-3:] != "aaa" else "bbb")


def test_without_a_cookie_or_with_a_forged_one_every_route_answers_401(world: World) -> None:
    assert len(routes(world)) >= 17
    streamlit = [("GET", "/_stcore/host-config"), ("PUT", "/_stcore/upload_file/a/b"), ("GET", "/media/a.png")]
    for method, path in [*routes(world), *streamlit, ("GET", "/no-such")]:
        for cookie in (None, tampered(world.owner), "", "x" * 50, "../../etc/passwd"):
            status, body, _ = ask(world, method, path, cookie)
            assert status == 401, (method, path, cookie)
            assert json.loads(body) == {"error": "sign in first"}


def test_a_member_of_another_project_gets_403(world: World) -> None:
    own = [one for one in routes(world) if f"/{world.values['project']}/" in one[1]]
    assert len(own) >= 13
    for method, path in own:
        status, body, _ = ask(world, method, path, world.stranger)
        assert status == 403, (method, path)
        assert "not in this project" in json.loads(body)["error"]
    assert json.loads(ask(world, "GET", "/api/projects", world.stranger)[1])[0]["name"] == "Elsewhere"


def test_another_projects_image_or_job_is_not_reached_through_ones_own(world: World) -> None:
    listed = json.loads(ask(world, "GET", "/api/projects", world.stranger)[1])
    values = world.values | {
        "own": listed[0]["id"],
        "files": f"/files/{listed[0]['id']}/images/{world.values['image']}",
    }
    for path in ("{files}/{sha256}/view.jpg", "{files}/{sha256}/tile-0-0-0.jpg", "{files}/mask.png",
                 "{files}/mask-thumbnail.png", "{files}/object?x=1&y=1", "{files}/proposals",
                 "/api/projects/{own}/jobs/{job}", "/api/projects/{own}/jobs/{job}/kit.zip",
                 "/api/projects/{own}/jobs/{job}/networks/base.safetensors",
                 "/api/projects/{own}/jobs/{job}/networks/base/report.pdf",
                 "/api/projects/{own}/jobs/{job}/report.html"):  # fmt: skip
        assert ask(world, "GET", path.format(**values), world.stranger)[0] == 403, path
    box = {"id": "s", "kind": "rectangle", "class_number": 1, "geometry": {"box": [1, 1, 5, 5]}}
    for path, content in {
        "live": {"after": None, "tab": "t"},
        "strokes": {"user": world.people[1], "after": None, "rows": [box]},
        "assist": {"kind": "threshold", "threshold": 100},
        "comments": {"x": 1, "y": 1, "text": "look"},
        "proposals": {"made": 1.0},
    }.items():
        assert ask(world, "POST", f"{values['files']}/{path}", world.stranger, content)[0] == 403, path


def test_a_role_that_is_too_low_gets_403_and_the_owner_is_let_in(world: World) -> None:
    job = f"/api/projects/{world.values['project']}/jobs/{world.values['job']}"
    status, body, _ = ask(world, "POST", f"{job}/cancel", world.annotator)
    assert (status, json.loads(body)["error"].split(":")[0]) == (403, "this needs the role admin; yours is annotator")
    assert ask(world, "GET", job, world.annotator)[0] == 200
    backup = f"/api/projects/{world.values['project']}/backup.zip"
    assert ask(world, "GET", backup, world.annotator)[0] == 403
    assert ask(world, "GET", backup, world.owner)[1][:2] == b"PK"
    assert (
        ask(world, "GET", "/account/ticket")[0] == ask(world, "GET", "/account/ticket", tampered(world.owner))[0] == 401
    )
    assert ask(world, "POST", f"{job}/cancel", world.owner)[0] == 200
    view = "/files/{project}/images/{image}/{sha256}/view.jpg".format(**world.values)
    status, body, headers = ask(world, "GET", view, world.owner)
    assert (status, body[:2]) == (200, b"\xff\xd8")
    assert "immutable" in headers["cache-control"]
    assert ask(world, "GET", view.replace("view.jpg", "..%2f..%2fsecret.jpg"), world.owner)[0] in (400, 404)


def test_a_browser_is_sent_to_the_sign_in_page_and_only_back_to_this_site(world: World) -> None:
    status, _, headers = ask(world, "GET", "/annotate?image=3", Accept="text/html")
    assert (status, headers["location"]) == (303, "/account/sign-in?next=%2Fannotate%3Fimage%3D3")
    for target in ("https://evil.example", "//evil.example", "/\\evil.example"):
        assert b"evil" not in ask(world, "GET", f"/account/sign-in?next={target}")[1]


def test_a_websocket_without_a_cookie_is_closed(world: World) -> None:
    upgrade = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
               "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA=="}  # fmt: skip
    assert ask(world, "GET", "/_stcore/stream", **upgrade)[0] == 403


def test_another_sites_page_cannot_act_with_a_cookie(world: World) -> None:
    cancel = "/api/projects/{project}/jobs/{job}/cancel".format(**world.values)
    assert ask(world, "POST", cancel, world.owner, Origin="https://evil.example")[0] == 403
    assert ask(world, "POST", cancel, world.owner, **{"Sec-Fetch-Site": "cross-site"})[0] == 403


def test_signing_out_ends_the_session_at_once(world: World) -> None:
    with writing() as db:
        leaver = add_user(db, "Leaver", PASSWORD)
    cookie = world.server.cookie(leaver.id)
    assert ask(world, "GET", "/api/projects", cookie)[0] == 200
    assert ask(world, "POST", "/account/sign-out", cookie)[0] == 303
    assert ask(world, "GET", "/api/projects", cookie)[0] == 401


def test_guessing_is_slowed_down_and_the_right_password_then_waits_too(world: World) -> None:
    def attempt(password: str) -> int:
        connection = http.client.HTTPConnection("127.0.0.1", world.server.port, timeout=30)
        body = json.dumps({"name": "stranger", "password": password})
        connection.request("POST", "/api/session", body, {"Content-Type": "application/json"})
        return connection.getresponse().status

    assert attempt(PASSWORD) == 200
    assert [attempt("wrong password") for _ in range(5)] == [401] * 5
    assert attempt(PASSWORD) == 429


def test_an_invitation_works_once_and_not_when_it_is_old(world: World) -> None:
    token = invite(int(str(world.values["project"])), "reviewer")
    with writing() as db:
        guest = add_user(db, "Guest", PASSWORD)
        late = add_user(db, "Late", PASSWORD)
    project = f"/api/projects/{world.values['project']}/images"
    guest_cookie, late_cookie = world.server.cookie(guest.id), world.server.cookie(late.id)
    assert ask(world, "GET", project, guest_cookie)[0] == 403
    assert ask(world, "POST", f"/account/join/{token}", guest_cookie)[0] == 303
    assert ask(world, "GET", project, guest_cookie)[0] == 200
    assert ask(world, "POST", f"/account/join/{token}", late_cookie)[0] == 410
    assert ask(world, "GET", project, late_cookie)[0] == 403
    old = invite(int(str(world.values["project"])), "reviewer")
    with writing() as db:
        from studio.store.tables import Invitation

        for one in db.query(Invitation).filter(Invitation.used_by.is_(None)):
            one.expires_at = time.time() - 1
    assert ask(world, "POST", f"/account/join/{old}", late_cookie)[0] == 410


def test_files_of_the_home_folder_are_readable_by_its_owner_alone(world: World) -> None:
    assert (Path(world.server.home) / "secret.key").stat().st_mode & 0o077 == 0
