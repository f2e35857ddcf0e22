"""What axe-core finds on every page, in light and in dark, and what a keyboard reaches on the drawing surface."""

from __future__ import annotations

from typing import Literal

import pytest
from axe_playwright_python.base import AXE_FILE_PATH
from PIL import Image as Picture
from playwright.sync_api import Page

from tests.e2e.conftest import PASSWORD, Server, becomes_true, settled, still
from tests.full_project import full_project

STREAMLITS = [
    # rule, selector of what is found, why it stays
    ("list", "[data-testid=stSidebarNavItems]", "groups of pages are divs in the sidebar's list"),
    ("listitem", "[data-testid=stSidebarNavItems] li", "and its items are in these divs"),
]
"""What is found in parts that Streamlit draws, and that can be mended there only."""

PAGES = ["Home", "Images", "Annotate", "Review", "Progress", "Sweep", "Jobs", "Choose", "Try", "Understand", "Projects",
         "Account", "Settings"]  # fmt: skip

GROUND = {"light": "rgb(253, 252, 250)", "dark": "rgb(22, 21, 19)"}
"""The colour behind a page, as .streamlit/config.toml has it."""

FIND = """async ([streamlits, rules]) => {
    const { violations } = await axe.run({ runOnly: rules, resultTypes: ["violations"], elementRef: true });
    const counts = ({ id, impact }) => id === "heading-order" || /serious|critical/.test(impact);
    const found = violations.filter(counts).flatMap(({ id, nodes }) =>
        nodes.map(({ element, html, failureSummary }) => ({ id, html, why: failureSummary,
            known: streamlits.findIndex(([rule, selector]) => rule === id && element.matches(selector)) })));
    return [found.filter(({ known }) => known < 0).map(({ id, html, why }) => `${id}: ${html}: ${why}`),
        found.map(({ known }) => known).filter(known => known >= 0)];
}"""


@pytest.fixture(scope="module")
def project(owner: int, tmp_path_factory: pytest.TempPathFactory) -> int:
    """A project with something on every page, of the studio's owner."""
    walls = [tmp_path_factory.getbasetemp() / f"wall {number}.png" for number in range(4)]
    for number, wall in enumerate(walls):
        Picture.new("L", (80, 60), 150 + number).save(wall)
    return full_project(owner, walls, PASSWORD)[0]


def findings(page: Page, *rules: str) -> tuple[list[str], set[int]]:
    """What is serious or critical, and headings of the wrong level, a line each; of `STREAMLITS` those met."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE_FILE_PATH.read_text())
    found, met = page.evaluate(FIND, [STREAMLITS, rules or ("wcag2a", "wcag2aa", "best-practice")])
    return found, set(met)


REACHED = """() => {
    let element = document.activeElement;
    while (element?.shadowRoot?.activeElement) element = element.shadowRoot.activeElement;
    return window.ftlSurface.root.contains(element) ? (element.ariaLabel || element.innerText || element.title) : null;
}"""

CONTROLS = """() => [...window.ftlSurface.root.querySelectorAll('.ftl-bars :is(button, input, select)')]
    .filter(one => one.checkVisibility() && !one.disabled).map(one => one.ariaLabel || one.innerText || one.title)"""


def test_a_keyboard_reaches_every_control_of_the_surface(page: Page, server: Server, project: int) -> None:
    page.goto(f"{server.url}/annotate?project={project}")
    becomes_true(page, "window.ftlSurface?.mask?.position === 0 && window.ftlSurface.root.dataset.pen === 'ready'")
    settled(page)
    wanted, reached = page.evaluate(CONTROLS), []
    assert len(wanted) > 20
    page.locator(".st-key-head").get_by_role("button", name="Image and mask").focus()
    while (page.keyboard.press("Tab") or True) and (name := page.evaluate(REACHED)) is not None:
        reached.append(name)
        assert len(reached) <= len(wanted)
    assert sorted(reached) == sorted(wanted)
    assert page.evaluate("window.ftlSurface.state.panels")

    page.get_by_role("button", name="Polygon (G)").focus()
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Enter")
    becomes_true(page, "window.ftlSurface.state.tool === 'eraser'")
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    becomes_true(page, "window.ftlSurface.state.tool === 'polygon'")
    look = page.get_by_role("button", name="Opacity, brightness")
    look.press("Enter")
    assert look.get_attribute("aria-expanded") == "true"
    opacity = page.get_by_role("slider", name="Opacity of masks")
    before = page.evaluate("window.ftlSurface.state.opacity")
    opacity.press("ArrowLeft")
    becomes_true(page, "before => window.ftlSurface.state.opacity < before", before)
    assert findings(page)[0] == []
    page.keyboard.press("Escape")
    assert look.get_attribute("aria-expanded") == "false"


def opened(page: Page, name: str) -> None:
    """Open a page by its link, and wait until it is drawn."""
    page.get_by_role("link", name=name, exact=True).click()
    if name == "Annotate":
        becomes_true(page, "window.ftlSurface?.root.dataset.pen === 'ready'")
    else:
        page.get_by_role("heading", name="Bridge" if name == "Home" else name, exact=True, level=1).wait_for()
    settled(page)
    if name == "Sweep":
        page.get_by_text("Advanced", exact=True).click()
        page.get_by_text("Begin with the settings of").wait_for()
        settled(page)
    still(page)


def turned(page: Page, scheme: Literal["light", "dark"]) -> None:
    """Have the page in light or dark."""
    page.emulate_media(color_scheme=scheme)
    ground = "getComputedStyle(document.querySelector('[data-testid=stApp]')).backgroundColor"
    becomes_true(page, f"ground => {ground} === ground", GROUND[scheme])
    still(page)


def test_axe_finds_nothing_serious_on_any_page(page: Page, server: Server, project: int) -> None:
    page.goto(f"{server.url}/?project={project}")
    told: dict[str, list[str]] = {}
    met: set[int] = set()
    now: Literal["light", "dark"] = "light"
    for name in PAGES:
        opened(page, name)
        told[f"{name}, {now}"], known = findings(page)
        met |= known
        now = "dark" if now == "light" else "light"
        turned(page, now)
        told[f"{name}, {now}"], _ = findings(page, "color-contrast")
    page.goto(f"{server.url}/account/sign-out")
    told["sign-out"], _ = findings(page)
    page.context.clear_cookies()
    page.goto(f"{server.url}/account/sign-in")
    told["sign-in"], _ = findings(page)
    assert {name: found for name, found in told.items() if found} == {}
    assert met == set(range(len(STREAMLITS))), "Streamlit has mended the others: they leave the list"
