"""Which image Annotate shows, when the browser's address and the session do not agree."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import streamlit as st
from streamlit.runtime.scriptrunner import RerunException
from streamlit.runtime.scriptrunner_utils.script_requests import RerunData
from streamlit.testing.v1 import AppTest

from studio.collaboration import review
from studio.images.library import find_images, image_in
from studio.store.database import reading
from studio.store.tables import Project, User
from studio.ui import history, state
from studio.ui.state import Tab
from tests.studio.conftest import Someone
from tests.studio.formats.test_formats import photograph
from tests.studio.images.test_uploads import send


def script() -> None:
    """Annotate's way from image to image, alone."""
    import streamlit as st

    from studio.images.library import find_images
    from studio.ui import state
    from studio.ui.annotate.header import asked, open_image

    project_id = state.of(state.Tab).project_id
    assert project_id is not None
    first, other = find_images(project_id)
    image = asked(project_id, first)
    st.button("next", on_click=open_image, args=(image, other if image.id == first.id else first))
    st.text(image.name)


def submitting() -> None:
    """Annotate's way to submit an image, alone."""
    import streamlit as st

    from studio import ui
    from studio.images.library import find_images
    from studio.ui import state
    from studio.ui.annotate.header import _submit, asked

    project_id = state.of(state.Tab).project_id
    assert project_id is not None
    ui.show_toasts()
    image = asked(project_id, find_images(project_id)[0])
    here = ui.Here(*st.session_state["here"])
    st.button("Submit", on_click=_submit, args=(here, image))
    st.text(image.name)


def test_who_submits_goes_on_where_another_message_waits(project: Someone, monkeypatch: pytest.MonkeyPatch) -> None:
    """Streamlit then leaves a callback at the next thing that it shows or reads in the session, and runs again."""
    send(project, ("a.png", photograph(8, 8, 1)), ("b.png", photograph(8, 8, 2)))
    first, other = find_images(project.project_id)
    toasts: list[str] = []
    waiting: list[str] = []

    def interrupted(name: str, plain: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **options: Any) -> Any:
            if name in waiting:
                waiting.remove(name)
                raise RerunException(RerunData())
            return plain(*args, **options)

        return call

    def submit(*args: Any) -> None:
        review_submit(*args)
        waiting.extend(["read", "shown"])

    review_submit = review.submit
    monkeypatch.setattr(review, "submit", submit)
    monkeypatch.setattr(state, "of", interrupted("read", state.of))
    monkeypatch.setattr(st, "toast", interrupted("shown", lambda text, **_: toasts.append(text)))
    app = AppTest.from_function(submitting, default_timeout=30)
    with reading() as db:
        user, row = db.get_one(User, project.user_id), db.get_one(Project, project.project_id)
    app.session_state["Tab"] = Tab(project_id=project.project_id)
    app.session_state["here"] = (user, row, "admin", project.user_id)
    app.run()
    app.button[0].click().run()
    assert app.text[0].value == other.name
    assert not waiting
    assert [text.partition(".png")[0] for text in toasts] == ["a"]
    assert image_in(project.project_id, first.id).state == "submitted"


def test_a_late_message_does_not_go_back_but_the_browsers_back_does(
    project: Someone, monkeypatch: pytest.MonkeyPatch
) -> None:
    send(project, ("a.png", photograph(8, 8, 1)), ("b.png", photograph(8, 8, 2)))
    first, other = find_images(project.project_id)
    app = AppTest.from_function(script, default_timeout=30)
    with reading() as db:
        app.session_state["user"] = db.get_one(User, project.user_id)
    app.session_state["Tab"] = Tab(project_id=project.project_id)
    app.run()
    assert app.text[0].value == first.name
    app.button[0].click().run()
    assert (app.text[0].value, app.query_params["image"]) == (other.name, str(other.id))

    app.query_params["image"] = str(first.id)  # sent before the browser knew
    app.run()
    assert (app.text[0].value, app.query_params["image"]) == (other.name, str(other.id))

    monkeypatch.setattr(history, "went_back", lambda: True)
    app.query_params["image"] = str(first.id)
    app.run()
    assert app.text[0].value == first.name

    monkeypatch.setattr(history, "went_back", lambda: False)
    app.query_params["image"] = str(other.id)  # sent before Back
    app.run()
    assert (app.text[0].value, app.query_params["image"]) == (first.name, str(first.id))
