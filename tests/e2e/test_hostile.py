"""Names that people chose are shown as they are, never as markup; and no page asks anything of another host."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import httpx
import numpy as np
import pytest
from playwright.sync_api import Browser, Page

from studio.accounts import add_user
from studio.annotation import log
from studio.annotation.strokes import Rectangle
from studio.collaboration import review
from studio.collaboration.comments import comment
from studio.images.library import Filter, add_image, find_images, set_class
from studio.projects.classes import add_class
from studio.projects.invitations import accept as accept_invitation
from studio.projects.invitations import invite
from studio.projects.projects import create_project
from studio.store.database import writing
from studio.store.tables import Invitation, Job
from tests.conftest import save_png
from tests.e2e.conftest import PASSWORD, Server, settled, sign_in
from tests.tiny_sweep import add_sweep

NAME = "[x](https://example.invalid) **b** :red[x] $a$ <b> www.example.invalid https://example.invalid"
CLASS = "[x](e.invalid) __b__ $a$ ~~b~~ www.e.invalid a@b.invalid"
PAGES = ["home", "projects", "settings", "images", "annotate", "review", "progress", "sweep", "jobs", "choose",
         "try_it", "understand"]  # fmt: skip

WATCH = """
window.seen = [];
document.addEventListener('securitypolicyviolation', event =>
    window.seen.push(`${event.effectiveDirective}: ${event.blockedURI} ${event.sourceFile}:${event.lineNumber}`));
"""
MARKUP = """() => {
    const main = document.querySelector('[data-testid=stApp]');
    const found = [];
    for (const one of main.querySelectorAll('a[href]'))
        if (one.host !== location.host || one.protocol === 'mailto:') found.push(one.outerHTML.slice(0, 300));
    const markup = `.katex, .stMarkdownColoredText, .stMarkdownColoredBackground, strong, b, em, del,
        img[src*="invalid"]`;
    for (const one of main.querySelectorAll(markup)) {
        const text = one.textContent.trim();
        if (one.matches('.katex, img') || ['b', 'x', 'a'].includes(text)) found.push(one.outerHTML.slice(0, 300));
    }
    return found;
}"""


class World(NamedTuple):
    server: Server
    project: int
    user: int
    image: int


@pytest.fixture(scope="module")
def world(server: Server, tmp_path_factory: pytest.TempPathFactory) -> World:
    """A project in which everything that has a name has a hostile one."""
    folder: Path = tmp_path_factory.mktemp("p")
    with writing() as db:
        user = add_user(db, NAME[:64], PASSWORD).id
        other = add_user(db, f"www.example.invalid {NAME[:40]}", PASSWORD).id
        db.query(Invitation).filter(Invitation.project_id.is_(None)).update({"used_by": user})  # owns the studio
    project = create_project(user, NAME).id
    accept_invitation(invite(project, "reviewer"), other)
    with writing() as db:
        added = add_class(db, project, user, CLASS)
        number, chosen = added.number, added.id
    for at in range(3):
        noise = np.random.default_rng(at).integers(90, 220, (40, 50, 3)).astype(np.uint8)
        add_image(project, user, save_png(noise, folder / f"{at}.png"), f"{at} {NAME.replace('/', '∕')}.png")
    images = find_images(project, Filter())
    set_class(project, user, [one.id for one in images[:2]], chosen)
    for image in images[:2]:
        for author in (user, other):
            log.append(image.id, author, [Rectangle(f"s{author}", number, {"box": [4, 4, 12, 9]}, author)])
    review.submit(images[0].id, other)
    comment(images[0], user, NAME, (5, 5))
    comment(images[1], user, NAME)
    add_sweep(project, user, NAME[:100])
    with writing() as db:
        about = {"project_id": project, "created_by": user, "kind": "sweep", "name": NAME[:100], "settings": {}}
        db.add(Job(**about, state="failed", error=f"{NAME} cannot be read"))
        db.add(Job(**about, state="done"))
    return World(server, project, user, images[0].id)


ASKED: list[str] = []


@pytest.fixture(scope="module")
def page(browser: Browser, world: World) -> Iterator[Page]:
    """A browser with all that its pages asked for in `ASKED`."""
    opened = sign_in(browser, world.server, world.user, height=2400)
    ASKED.clear()
    opened.on("request", lambda request: ASKED.append(request.url))
    opened.add_init_script(WATCH)
    yield opened
    opened.context.close()


@pytest.mark.parametrize("name", PAGES)
def test_names_are_no_markup_and_nothing_is_asked_of_another_host(page: Page, world: World, name: str) -> None:
    page.goto(f"{world.server.url}/{'' if name == 'home' else name}?project={world.project}&image={world.image}")
    page.locator("[data-testid=stSidebarNav]").wait_for()
    settled(page)
    assert page.get_by_text("www").count(), "the names are there"
    assert page.evaluate(MARKUP) == []
    assert page.evaluate("window.seen") == []
    assert [url for url in ASKED if not url.startswith((world.server.url, "blob:", "data:"))] == []


def test_every_answer_says_what_it_may_load_and_that_nobody_may_frame_it(world: World) -> None:
    client = httpx.Client(
        base_url=world.server.url, headers={"Cookie": f"studio_session={world.server.cookie(world.user)}"}
    )
    image = client.get(f"/api/projects/{world.project}/images").json()["images"][0]
    files = [image["url"], f"/files/{world.project}/images/{image['id']}/mask.png", "/api/openapi.json",
             f"/files/{world.project}/images/{image['id']}/object?x=1&y=1", f"/api/projects/{world.project}/backup.zip",
             f"/api/projects/{world.project}/export.zip?images=no", "/api/projects/99/images"]  # fmt: skip
    pages = ["/", "/images", "/account/sign-in", "/api/", "/static/no-such.js", "/_stcore/health"]
    for path in [*files, *pages]:
        answer = client.get(path)
        assert answer.headers["x-content-type-options"] == "nosniff", path
        assert answer.headers["x-frame-options"] == "DENY", path
        assert answer.headers["referrer-policy"] == "same-origin", path
        told = answer.headers["content-security-policy"]
        assert "frame-ancestors 'none'" in told, path
        assert "default-src 'none'" in told, path
        assert ("sandbox" in told) == (path in files), path
        assert "'unsafe-eval'" not in told
    live = client.post(f"/files/{world.project}/images/{image['id']}/live", json={"after": None, "tab": "t"})
    assert live.status_code == 200
    assert "sandbox" in live.headers["content-security-policy"]
    assert NAME in {said["text"] for said in live.json()["comments"]}
    for path in ("/images", "/files/1/images/1/mask.png"):  # refusals of the gate too
        assert "content-security-policy" in httpx.get(f"{world.server.url}{path}").headers


def test_plain_pages_and_downloads_work_under_their_policy(browser: Browser, world: World) -> None:
    page = sign_in(browser, world.server, world.user)
    page.add_init_script(WATCH)
    for path, title in (("/api/", "API"), ("/account/sign-out", "Sign out")):
        page.goto(f"{world.server.url}{path}")
        page.get_by_role("heading", name=title, exact=True).wait_for()
        assert page.evaluate("window.seen") == []
    page.goto(f"{world.server.url}/?project={world.project}")
    page.get_by_text("Backup", exact=True).click()
    with page.expect_download() as download:
        page.get_by_role("button", name="Download a backup").click()
    assert Path(download.value.path()).read_bytes()[:2] == b"PK"
    page.context.close()
