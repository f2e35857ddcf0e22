"""Sign-in through an OIDC provider: a small one on loopback, the real flow in a real browser."""

from __future__ import annotations

import base64
import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from joserfc import jwt
from joserfc.jwk import RSAKey
from playwright.sync_api import Browser

from studio.accounts.oidc import redeem, ticket
from tests.e2e.conftest import Server

KEY = RSAKey.generate_key(2048, {"kid": "one", "use": "sig", "alg": "RS256"})


class Provider(BaseHTTPRequestHandler):
    """Signs everybody in as one person, at once."""

    nonce = ""

    def do_GET(self) -> None:
        path, query = urlsplit(self.path).path, parse_qs(urlsplit(self.path).query)
        issuer = f"http://127.0.0.1:{self.server.server_address[1]}"
        if path.endswith("openid-configuration"):
            names = {"authorization": "authorize", "token": "token"}
            told: dict[str, Any] = {f"{key}_endpoint": f"{issuer}/{value}" for key, value in names.items()}
            told |= {"issuer": issuer, "jwks_uri": f"{issuer}/jwks", "response_types_supported": ["code"]}
            self.answer(told | {"id_token_signing_alg_values_supported": ["RS256"]})
        elif path == "/jwks":
            self.answer({"keys": [KEY.as_dict(private=False)]})
        else:
            Provider.nonce = query.get("nonce", [""])[0]
            back = urlencode({"code": "code", "state": query["state"][0]})
            self.send_response(302)
            self.send_header("Location", f"{query['redirect_uri'][0]}?{back}")
            self.end_headers()

    def do_POST(self) -> None:
        now = int(time.time())
        issuer = f"http://127.0.0.1:{self.server.server_address[1]}"
        claims = {"iss": issuer, "sub": "42", "aud": "studio", "iat": now, "exp": now + 300, "nonce": Provider.nonce}
        token = jwt.encode({"alg": "RS256", "kid": "one"}, claims | {"name": "Grace Hopper"}, KEY)
        self.answer({"access_token": "x", "token_type": "Bearer", "expires_in": 300, "id_token": token})

    def answer(self, value: object) -> None:
        body = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def provider() -> Iterator[str]:
    running = ThreadingHTTPServer(("127.0.0.1", 0), Provider)
    threading.Thread(target=running.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{running.server_port}"
    running.shutdown()


def test_a_ticket_is_good_for_its_bearer_alone(home: Path) -> None:
    first = redeem(ticket("issuer 1", "Grace"))
    assert redeem(ticket("issuer 1", "Renamed")) == first
    assert redeem(ticket("issuer 2", "Grace")) != first  # another person of that name
    real = ticket("issuer 1", "Grace")
    other = "b" if real[-10] == "a" else "a"  # not at its end, whose last bits count for nothing
    forged = real[:-10] + other + real[-9:]
    with pytest.raises(Exception, match="try again"):
        redeem(forged)


def test_the_whole_flow(home: Path, provider: str, browser: Browser, tmp_path: Path) -> None:
    import socket

    from playwright.sync_api import expect

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    secret = base64.b64encode(b"x" * 24).decode()
    secrets = tmp_path / "secrets.toml"
    secrets.write_text(
        f'[auth]\nredirect_uri = "http://127.0.0.1:{port}/oauth2callback"\ncookie_secret = "{secret}"\n'
        f'client_id = "studio"\nclient_secret = "s"\n'
        f'server_metadata_url = "{provider}/.well-known/openid-configuration"\n'
    )
    server = Server(f"http://127.0.0.1:{port}", home, home / "oidc.log", None, port)  # type: ignore[arg-type]
    server.start(f"--secrets.files={secrets}")
    try:
        page = browser.new_context().new_page()
        page.set_default_timeout(30_000)
        page.goto(server.url)
        page.get_by_role("button", name="Sign in with your organisation").click()
        page.get_by_role("link", name="Go on to the studio").click()
        expect(page.get_by_text("Create a project first")).to_be_visible(timeout=30_000)
        names = [one["name"] for one in page.context.cookies()]
        assert "studio_session" in names
        stranger = browser.new_context().request
        assert stranger.get(f"{server.url}/api/projects").status == 401
        assert stranger.get(f"{server.url}/files/1/images/1/mask.png").status == 401
    finally:
        server.stop()
