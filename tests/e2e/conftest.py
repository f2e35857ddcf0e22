"""A real server on a home folder of its own, and a real browser."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, ViewportSize

from tests.conftest import ROOT
from tests.find_browser import FLAGS, find

PASSWORD = "a long enough password"


@dataclass
class Server:
    """A running studio: `url`, and the home folder that this process shares with it.

    `shared`: whether all files use it, and with it the browsers that have read its scripts.
    """

    url: str
    home: Path
    log: Path
    process: subprocess.Popen[bytes]
    port: int
    shared: bool = False

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(15)

    def start(self, *options: str) -> None:
        command = [sys.executable, "-m", "streamlit", "run", "streamlit_app.py", f"--server.port={self.port}"]
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [*command, "--server.address=127.0.0.1", *options], cwd=ROOT, stdout=log, stderr=log,
                env=os.environ | {"STUDIO_HOME": str(self.home)},
            )  # fmt: skip
        for _ in range(240):
            assert self.process.poll() is None, self.log.read_text()
            try:
                urllib.request.urlopen(f"{self.url}/_stcore/health", timeout=1)
                return
            except OSError:
                time.sleep(0.25)
        raise AssertionError("the server did not start")

    def cookie(self, user_id: int) -> str:
        from studio.accounts import open_session

        return open_session(user_id)


@contextmanager
def home_at(folder: Path) -> Iterator[Path]:
    """Make it the home folder of this process too, with the newest tables."""
    from studio.store.home import secret

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STUDIO_HOME", str(folder))
        secret.cache_clear()
        from studio.store.database import migrate

        migrate()
        yield folder
    secret.cache_clear()


@contextmanager
def serving(home: Path) -> Iterator[Server]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    made = Server(f"http://127.0.0.1:{port}", home, home / "server.log", None, port)  # type: ignore[arg-type]
    made.start()
    yield made
    close_contexts()
    made.stop()


_BROWSERS: list[Any] = []
_FREE: dict[bool, list[Any]] = {False: [], True: []}
"""Contexts for the next person, by whether they have a touch screen: empty, but the scripts of the shared server are
compiled, which takes a second."""

_SIZE = {"width": 1400, "height": 900}
_FORGET = """async () => {
    localStorage.clear();
    const names = (await indexedDB.databases()).map(({ name }) => name);
    await Promise.all(names.map(name => new Promise(resolve => {
        const asked = indexedDB.deleteDatabase(name);
        asked.onsuccess = asked.onerror = resolve;
    })));
}"""


def close_contexts() -> None:
    """Close what a test that failed left open: its page would ask a server that is gone, for ever."""
    free = [context for pool in _FREE.values() for context in pool]
    for context in [context for browser in _BROWSERS for context in browser.contexts if context not in free]:
        context.close()


def _context(browser: Any, server: Server, touch: bool) -> Any:
    """One that nobody uses; closing it empties it for the next. A tab stays open, for with it its process would end."""
    if _FREE[touch]:
        return _FREE[touch].pop()
    context = browser.new_context(viewport=_SIZE, has_touch=touch)
    context.new_page().goto(f"{server.url}/_stcore/health")

    def close() -> None:
        anchor, *others = context.pages
        for page in others:
            page.close()
        context.clear_cookies()
        context.clear_permissions()
        anchor.evaluate(_FORGET)
        _FREE[touch].append(context)

    context.close = close
    return context


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """An empty home folder of this file's own."""
    with home_at(tmp_path_factory.mktemp("home")) as folder:
        yield folder


@pytest.fixture(scope="module")
def own_server(home: Path) -> Iterator[Server]:
    """For files that kill, configure or measure their server, or need a studio without accounts."""
    with serving(home) as made:
        yield made


@pytest.fixture(scope="session")
def shared_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("home")) as made:
        made.shared = True
        yield made


@pytest.fixture(scope="module")
def server(shared_server: Server) -> Iterator[Server]:
    """One for all files: each has its own accounts and projects in it."""
    from sqlalchemy import select

    from studio.jobs.queue import UNFINISHED
    from studio.store.database import writing
    from studio.store.tables import Job, User

    with home_at(shared_server.home):
        yield shared_server
        close_contexts()
        with writing(trash=True) as db:
            for user in db.scalars(select(User)):
                user.name = f"{user.id} of an earlier file"  # its name is free again
            for job in db.scalars(select(Job).where(Job.state.in_(UNFINISHED))):
                job.state = "cancelled"


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    path = find()
    if path is None:
        pytest.skip("left out: there is no Chromium, and none could be installed")
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=30_000)

    with sync_playwright() as playwright:
        still_pages = "--force-prefers-reduced-motion"  # a tenth of a page's processor time is for what moves
        opened = playwright.chromium.launch(executable_path=path, args=[*FLAGS, "--process-per-site", still_pages])
        _BROWSERS.append(opened)
        yield opened
        for pool in _FREE.values():
            pool.clear()
        opened.close()


def sign_in(
    browser: Browser,
    server: Server,
    user_id: int,
    width: int = _SIZE["width"],
    height: int = _SIZE["height"],
    *,
    touch: bool = False,
) -> Page:
    """A page of a browser of its own, signed in as the user by cookie."""
    size: ViewportSize = {"width": width, "height": height}
    pooled = server.shared
    context = _context(browser, server, touch) if pooled else browser.new_context(viewport=size, has_touch=touch)
    context.add_cookies([{"name": "studio_session", "value": server.cookie(user_id), "url": server.url}])
    page = open_tab(context)
    if size != page.viewport_size:
        page.set_viewport_size(size)
    return page


def open_tab(context: BrowserContext) -> Page:
    """A new tab of a browser, which has read the studio's scripts already."""
    page = context.new_page()
    page.set_default_timeout(30_000)
    return page


@pytest.fixture(scope="module")
def owner(server: Server) -> int:
    """Ada, who has an account; a file that needs more people has an `owner` of its own."""
    from studio.accounts import add_user
    from studio.store.database import writing

    with writing() as db:
        return add_user(db, "Ada", PASSWORD).id


@pytest.fixture(scope="module")
def tabs(browser: Browser, server: Server, owner: int) -> Iterator[BrowserContext]:
    """The owner's browser."""
    context = sign_in(browser, server, owner).context
    yield context
    context.close()


@pytest.fixture
def page(tabs: BrowserContext) -> Iterator[Page]:
    """A tab of the owner's."""
    tab = open_tab(tabs)
    yield tab
    tab.close()


def taken_home(page: Page, form: str, place: str = "panel") -> Locator:
    """What saves a network in a form, whose button begins with that word; it is opened where it is not.

    `place`: `opening` or `panel` on Choose, `try` on Try.
    """
    found = page.get_by_test_id("stPopoverBody").get_by_role("button", name=re.compile(f"^{form}: "))
    if not found.is_visible():
        page.locator(f"[class*=st-key-download-{place}-] button").first.click()
        found.wait_for()
    return found


def settled(page: Page) -> None:
    """Wait until Streamlit has finished its run, and there is no traceback."""
    page.wait_for_selector("[data-testid=stApp][data-test-script-state=notRunning]", timeout=60_000)
    assert page.locator("[data-testid=stException]").count() == 0


def still(page: Page) -> None:
    """Wait until nothing moves any more: a click into what is just opening may end beside its button."""
    becomes_true(page, "document.getAnimations().every(one => one.effect.getComputedTiming().endTime === Infinity)")


def becomes_true(page: Page, expression: str, argument: object = None, seconds: float = 30.0) -> None:
    """Wait until a JavaScript expression, or function of the argument, is true in the page.

    Playwright's `wait_for_function` evaluates text in the page time and again, which its policy forbids.
    """
    until = time.monotonic() + seconds
    while not page.evaluate(expression, argument):
        assert time.monotonic() < until, f"never true: {expression}"
        page.wait_for_timeout(30)
