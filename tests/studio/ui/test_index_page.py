"""The HTML that a browser opens first."""

from __future__ import annotations

import re
from base64 import b64encode
from hashlib import sha256

from starlette.applications import Starlette
from starlette.testclient import TestClient

from studio.ui.index_page import ROUTES, html


def test_the_first_html_has_the_studios_name_and_styles() -> None:
    page = html()
    assert "<title>FTL studio</title>" in page
    assert "--accent: light-dark(#b83a09, #f97316)" in page
    assert page.index("stMainBlockContainer") < page.index("</style><script>") < page.index("history.pushState")
    assert {"/", "/images", "/try_it", "/profile"} <= {route.path for route in ROUTES}


def test_the_policy_of_the_first_html_allows_its_scripts_and_nothing_keeps_it() -> None:
    app = Starlette(routes=ROUTES)
    answer = TestClient(app).get("/images")
    allowed = answer.headers["content-security-policy"]
    scripts = re.findall(r"<script>(.*?)</script>", answer.text, re.DOTALL)
    assert any("history.pushState" in script for script in scripts)
    for script in scripts:
        assert f"'sha256-{b64encode(sha256(script.encode()).digest()).decode()}'" in allowed
    assert answer.headers["cache-control"] == "no-store"
