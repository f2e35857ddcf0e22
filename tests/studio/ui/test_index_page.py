"""The HTML that a browser opens first."""

from __future__ import annotations

from studio.ui.index_page import ROUTES, html


def test_the_first_html_has_the_studios_name_and_styles() -> None:
    page = html()
    assert "<title>FTL studio</title>" in page
    assert "--accent: light-dark(#b83a09, #f97316)" in page
    assert page.index("stMainBlockContainer") < page.index("</style><script>") < page.index("history.pushState")
    assert {"/", "/images", "/try_it", "/profile"} <= {route.path for route in ROUTES}
