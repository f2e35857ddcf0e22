"""Progress: where the images stand, who drew what, what was done, and who is here."""

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from ftl.formatting import NOTHING, percent
from studio import ui
from studio.collaboration import activity as feed
from studio.collaboration import progress
from studio.collaboration.assignment import blind
from studio.collaboration.presence import in_project
from studio.collaboration.progress import Annotator
from studio.projects.audit import text_of
from studio.ui import save_button, state
from studio.ui.progress import charts

user, project, role, _ = ui.here()
st.title("Progress")
alone = user.id if blind(project, role) else None  # who draws blind sees their own alone
dark = st.context.theme.type == "dark"
seconds_ahead = -60 * (st.context.timezone_offset or 0)  # of UTC: days are the reader's
DAYS, LINES = 90, 20
COLUMNS = {
    "First pass": st.column_config.NumberColumn(
        format="percent", help="Share of the accepted images that were never returned to the annotator"
    ),
    "Hours": st.column_config.NumberColumn(format="%.1f", help="Time with an image open"),
    "Minutes an image": st.column_config.NumberColumn(format="%.1f", help="Median over the annotator's images"),
}


def share(part: int, whole: int) -> str:
    """A share in percent."""
    return percent(part / whole if whole else None, 0)


def chart(figure: go.Figure, key: str) -> None:
    """A chart without its tool bar."""
    st.plotly_chart(figure, key=key, theme=None, config={"displayModeBar": False})


def metrics(now: progress.Project) -> None:
    """How many images there are, and how far they are."""
    with st.container(horizontal=True):
        st.metric("Images", f"{now.images:,}")
        st.metric("Drawn", share(now.drawn, now.images), help=f"{now.drawn:,} images")
        for stage in ("submitted", "returned", "accepted"):
            st.metric(stage.capitalize(), f"{now.states[stage]:,}")


def people_table(people: list[Annotator]) -> None:
    """A row for everybody who draws."""
    rows = [
        {
            "Annotator": one.name, "Images with strokes": one.images, "Strokes": one.strokes, "To do": one.open,
            "Submitted": one.submitted, "Returned": one.returned, "Accepted": one.accepted,
            "First pass": one.first_pass, "Hours": one.hours, "Minutes an image": one.minutes,
        }
        for one in people
    ]  # fmt: skip
    st.dataframe(pd.DataFrame(rows), hide_index=True, width="stretch", column_config=COLUMNS, placeholder=NOTHING)


def people_here() -> None:
    """Who has which image open; who is asked is looked up each time, because it runs by itself."""
    me, current, has, _ = ui.here()
    found = [] if blind(current, has) else in_project(current.id)
    others = [(one, image) for one, image in found if one.id != me.id]
    if not others:
        st.caption("Nobody else has an image open.")
    for one, image in others:
        st.markdown(f":green[●] **{ui.plain(one.name)}** has {ui.plain(image.name)} open")


def activity() -> None:
    """What was done, newest first, some lines at a time."""
    pages = state.of(state.Progress, project.id).before

    def newer() -> None:
        pages.pop()

    events = feed.lines(project.id, alone, pages[-1], LINES + 1)
    names = feed.image_names(events)
    with st.container(gap="xsmall"):
        for one in events[:LINES]:
            image = f" · {ui.plain(names[one.image_id])}" if one.image_id in names else ""
            what = f"**{ui.plain(one.user.name)}** {ui.plain(text_of(one))}{image}"
            st.markdown(f"{what} :small[:gray[{ui.clock(one.at).replace(' ', '&nbsp;')}]]")
    if not events:
        st.caption("Nothing was done yet.")
    with st.container(horizontal=True):
        if len(pages) > 1:
            st.button("Newer", icon=":material/chevron_left:", on_click=newer)
        if len(events) > LINES:
            st.button("Older", icon=":material/chevron_right:", on_click=pages.append, args=(events[LINES - 1].id,))


now = progress.project(project.id)
if not now.images:
    text = "Upload some, draw on them, and see here how far you are."
    with ui.empty("No images yet", text, ":material/photo_library:"):
        st.page_link(ui.page_file("images"), label="Images", icon=":material/photo_library:")
else:
    metrics(now)
    chart(charts.draw_bars(charts.state_bar(now), dark), "states")
    named = [f"{ui.plain(name) if name else 'none yet'} {count:,}" for name, count in now.classes.items()]
    st.caption(f"Image classes: {', '.join(named)}")
    st.header("Your work" if alone else "People")
    people = progress.annotators(project.id, alone)
    if people:
        if any(one.open + one.submitted + one.returned + one.accepted for one in people):
            chart(charts.draw_bars(charts.annotator_bars(people), dark), "people")
        people_table(people)
        days = progress.days(project.id, alone, seconds_ahead)
        st.header("Days")
        chart(charts.draw_lines(charts.day_lines(days[-DAYS:]), dark), "days")
    else:
        with ui.empty("No strokes yet", "Annotators are listed here once they draw.", ":material/brush:"):
            st.page_link(ui.page_file("annotate"), label="Annotate", icon=":material/brush:")
left, right = st.columns([3, 2], gap="large")
with left:
    st.header("Activity")
    activity()
with right:
    if alone is None:
        st.header("Here now")
        ui.fragment(people_here, run_every=10)()
    if role == "admin":
        st.header("Audit log")
        st.caption("Who did what, and when, as a table for a spreadsheet.")
        address = f"/api/projects/{project.id}/audit.csv"
        save_button.button("Save as CSV", address, f"project-{project.id}-audit.csv", "audit-csv")
