"""The real server, a real browser."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator

import pytest

from tests.conftest import ROOT
from tests.find_browser import FLAGS, find


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", "streamlit_app.py", f"--server.port={port}"]
    process = subprocess.Popen([*command, "--server.address=127.0.0.1"], cwd=ROOT)
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(240):
            assert process.poll() is None, "the server stopped"
            try:
                urllib.request.urlopen(f"{address}/_stcore/health", timeout=1)
                break
            except OSError:
                time.sleep(0.25)
        yield address
    finally:
        process.terminate()
        process.wait(10)


def test_the_first_page_says_what_is_there(server: str) -> None:
    browser_path = find()
    if browser_path is None:
        pytest.skip("left out: there is no Chromium, and none could be installed")
    from playwright.sync_api import expect, sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_path, args=FLAGS)
        page = browser.new_page()
        page.goto(server)
        expect(page.get_by_role("heading", name="Finicky Transfer Learning studio")).to_be_visible(timeout=30_000)
        expect(page.get_by_text("ftl run workspace")).to_be_visible()
        assert page.locator("[data-testid=stException]").count() == 0
        browser.close()
