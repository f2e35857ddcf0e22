"""What a tab remembers: typed, with defaults, each project's own."""

from __future__ import annotations

from streamlit.testing.v1 import AppTest

from studio.ui.state import Choose, Tab


def page() -> None:
    import streamlit as st

    from studio.ui import state

    project_id = state.of(state.Tab).project_id
    assert project_id is not None
    choose, tried = state.of(state.Choose, project_id), state.tried(project_id)
    st.text(f"{choose.row_keys} {choose.mistakes.get('1/base', 12)} {list(tried.value)}")
    if st.button("Look at more"):
        choose.mistakes["1/base"] = 24
        choose.row_keys = ["1/base"]
    st.multiselect("Photographs", [1, 2, 3], key=tried.key)
    st.button("All", on_click=lambda: setattr(tried, "value", [1, 2, 3]))


def test_a_tab_remembers_each_project_by_itself() -> None:
    app = AppTest.from_function(page, default_timeout=30)
    app.session_state["Tab"] = Tab(project_id=1)
    app.run()
    assert app.text[0].value == "[] 12 []"
    app.button[0].click().run()
    app.button[1].click().run()
    assert app.text[0].value == "['1/base'] 24 [1, 2, 3]"
    assert app.multiselect[0].value == [1, 2, 3]  # set by code, shown by the widget

    app.session_state["Tab"].project_id = 2
    app.run()
    assert app.text[0].value == "[] 12 []"
    assert app.multiselect[0].value == []
    assert not app.exception


def test_defaults_are_not_shared() -> None:
    Choose().mistakes["1/base"] = 24
    assert Choose().mistakes == {}
