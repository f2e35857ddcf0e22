"""The studio behind nginx with TLS, by the configuration that docs/deploy.md shows."""

from __future__ import annotations

import io
import re
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, FilePayload, expect

from studio.accounts import add_user
from studio.projects.projects import create_project
from studio.store.database import writing
from tests.conftest import ROOT
from tests.e2e.conftest import PASSWORD, Server, settled


@pytest.fixture(scope="module")
def proxied(home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, str]]:
    """A studio that names its proxy, and the address under which nginx serves it."""
    nginx = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if nginx is None or shutil.which("openssl") is None:
        pytest.skip("left out: there is no nginx, or no openssl")
    folder = tmp_path_factory.mktemp("nginx")
    ports = []
    for _ in range(2):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            ports.append(free.getsockname()[1])
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost",
         "-keyout", "key.pem", "-out", "certificate.pem"], cwd=folder, check=True, capture_output=True,
    )  # fmt: skip
    found = re.search(r"```nginx\n(.+?)```", (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8"), re.DOTALL)
    assert found is not None
    site = found[1].replace("listen 443 ssl", f"listen 127.0.0.1:{ports[0]} ssl").replace("8501", str(ports[1]))
    site = re.sub(r"ssl_certificate(_key)? .+;", "", site).replace("studio.example.org", "localhost")
    (folder / "nginx.conf").write_text(
        f"user root; daemon off; pid {folder}/pid; error_log {folder}/error.log; events {{}}\n"
        f"http {{ access_log off; client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;\n"
        f"fastcgi_temp_path {folder}/a; uwsgi_temp_path {folder}/b; scgi_temp_path {folder}/c;\n"
        f"ssl_certificate {folder}/certificate.pem; ssl_certificate_key {folder}/key.pem;\n{site} }}\n"
    )
    server = Server(f"http://127.0.0.1:{ports[1]}", home, home / "server.log", None, ports[1])  # type: ignore[arg-type]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FORWARDED_ALLOW_IPS", "127.0.0.1")
        server.start()
    proxy = subprocess.Popen([nginx, "-c", folder / "nginx.conf", "-p", folder, "-e", folder / "error.log"])
    try:
        yield server, f"https://localhost:{ports[0]}"
    finally:
        proxy.terminate()
        proxy.wait(10)
        server.stop()


def test_behind_a_proxy_with_tls_people_sign_in_and_upload(browser: Browser, proxied: tuple[Server, str]) -> None:
    url = proxied[1]
    with writing() as db:
        ada = add_user(db, "Ada", PASSWORD).id
    create_project(ada, "Bridge")
    context = browser.new_context(ignore_https_errors=True)
    page = context.new_page()
    page.set_default_timeout(30_000)
    page.goto(f"{url}/images")
    page.get_by_label("Name").fill("Ada")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    settled(page)  # over the websocket
    cookie = next(one for one in context.cookies() if one["name"] == "studio_session")
    assert (cookie["secure"], cookie["httpOnly"]) == (True, True)
    picture = io.BytesIO()
    Image.fromarray(np.random.default_rng(1).integers(0, 255, (1200, 1200, 3), np.uint8)).save(picture, "PNG")
    assert len(picture.getvalue()) > 2**20  # more than nginx takes unless it is told
    page.locator("input[type=file]").first.set_input_files(
        FilePayload(name="a.png", mimeType="image/png", buffer=picture.getvalue())
    )
    expect(page.get_by_text("a.png").first).to_be_visible()
    with httpx.Client(base_url=url, verify=False, timeout=60) as client:
        token = client.post("/api/session", json={"name": "Ada", "password": PASSWORD}).json()["token"]
        client.headers["Authorization"] = f"Bearer {token}"
        project = client.get("/api/projects").json()[0]["id"]
        added = client.post(f"/api/projects/{project}/images", files=[("files", ("b.png", picture.getvalue()))])
        assert added.status_code == 200, added.text


def test_the_throttle_sees_who_is_behind_the_proxy_and_not_who_they_claim_to_be(proxied: tuple[Server, str]) -> None:
    from sqlalchemy import select

    from studio.store.database import reading
    from studio.store.tables import SignInDelay

    given = {"name": "nobody", "password": "x"}
    for number in range(2):
        headers = {"X-Forwarded-For": f"192.0.2.{number}"}
        assert httpx.post(f"{proxied[1]}/api/session", json=given, headers=headers, verify=False).status_code == 401
    with reading() as db:
        found = list(db.scalars(select(SignInDelay).where(SignInDelay.name == "nobody")))
    assert [(one.address, round(one.level)) for one in found] == [("127.0.0.1", 2)]
