"""The drawing surface: one component for a browser's tab, which draws, saves and looks without a run of the page.

Its scripts are in `js/`; what they ask the studio for is in `studio.api`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence, Set
from functools import cache
from typing import Any

import streamlit as st

from studio.annotation import log
from studio.annotation.proposals import waiting_among
from studio.canvas import modules
from studio.canvas.pen import pen, style
from studio.images.addresses import image_address
from studio.store.tables import Image, ImageClass, User

_HTML = """
<div class="surface">
<div class="stage">
<canvas class="photo"></canvas><canvas class="mask"></canvas><canvas class="overlay"></canvas><div class="pen"></div>
</div>
</div>
"""

_LOADER = """
let start = null;
export default function (given) {
  if (start) return start(given);
  return import(new URL(given.data.module, location.origin)).then((module) => (start = module.default)(given));
}
"""

_PEN = (3840, 2160)  # CSS pixels: no stage is larger


def surface(
    image: Image,
    user: User,
    classes: Sequence[ImageClass],
    *,
    previous: Image | None,
    following: Image | None,
    archived: bool,
    heard: int,
    on_event: Callable[[], None],
) -> None:
    """Draw the surface of an image. `previous`, `following`: where its keys lead.

    `archived`: whether its project is, and takes no strokes. `on_event` is called when the surface has something
    for the page in the component's `event`: {kind: "step", image: id, at: a number}, its user has gone on to that
    image, or "changed", when what the page shows of the image has changed. `heard`: `at` of the last step that the page
    has followed: the surface asks again where the page shows another image since. Its `undecided` is the id of the
    image on which it shows proposals that nobody has decided on yet.
    """
    shown = [known.id for known in (image, previous, following) if known]
    proposed = waiting_among(shown)
    _component()(
        key="surface",
        height="content",
        on_event_change=on_event,
        on_undecided_change=lambda: None,
        data={
            "heard": heard,
            "module": modules.address("surface.js"),
            "user": {"id": user.id, "name": user.name},
            "image": _described(image, archived, proposed),
            "previous": previous and _described(previous, archived, proposed),
            "next": following and _described(following, archived, proposed),
            "classes": [
                {"id": known.id, "number": known.number, "name": known.name, "colour": known.colour}
                for known in classes
            ],
            "pen": pen(*_PEN),
        },
    )


@cache
def _component() -> Callable[..., Any]:
    css = style() + (modules.FOLDER / "surface.css").read_text(encoding="utf-8")
    return st.components.v2.component("surface", html=_HTML, css=css, js=_LOADER)


def _described(image: Image, archived: bool, proposed: Set[int]) -> dict[str, Any]:
    why, file = log.closed(image, archived), image_address(image.project_id, image.id)
    return {
        "id": image.id, "project": image.project_id, "name": image.name, "file": file,
        "photo": f"{file}/{image.sha256}", "width": image.width, "height": image.height, "state": image.state,
        "editable": why is None, "why": why, "class_id": image.class_id, "proposed": image.id in proposed,
    }  # fmt: skip
