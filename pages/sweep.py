"""Sweep: launch one of three choices, or set everything yourself."""

from functools import cache

import streamlit as st

from ftl.formatting import counted, duration
from studio import ui
from studio.images.library import Filter, count_by_class, count_images
from studio.jobs.differences import differences, names_of
from studio.jobs.presets import BALANCED, Preset, numbers_of, presets
from studio.jobs.queue import jobs_of, launch
from studio.jobs.readiness import ENOUGH_MASKS
from studio.jobs.request import SWEEPS, SweepRequest, request_of
from studio.jobs.starts import start_of
from studio.jobs.tiling import Material, material
from studio.projects.classes import classes_of
from studio.ui import state
from studio.ui.sweep import advanced, cards, readiness
from studio.ui.sweep.cost import estimate, expected, size_of
from studio.ui.sweep.start import choose

here = ui.here("admin")
project, who = here.project, here.who
st.title("Sweep")
numbers = numbers_of(project.id)
if not numbers.masks or not numbers.mask_classes:
    text = f"A sweep keeps the filters of a network that respond to your masks: draw on {ENOUGH_MASKS} photographs."
    with ui.empty("No masks yet", text, ":material/brush:"):
        if count_images(project.id):
            st.page_link(ui.page_file("annotate"), label="Draw masks", icon=":material/brush:")
        else:
            st.page_link(ui.page_file("images"), label="Add photographs", icon=":material/photo_library:")
    ui.stop()
classes, counts = classes_of(project.id), count_by_class(project.id, Filter())
sweeps = {job.id: job for job in jobs_of(project.id) if job.kind in SWEEPS}
basis = state.basis(project.id)
copied = request_of(sweeps[int(basis.value)]) if basis.value in sweeps else None


@cache
def there_is(image_classes: tuple[int, ...], how: str) -> Material:
    """What the project has for a sweep of these classes."""
    return material(project.id, image_classes, side, how)


def seconds_of(request: SweepRequest) -> float:
    """How long a sweep takes here, about."""
    there = there_is(request.image_classes, request.large)
    return estimate(project.id, request, there.masks, there.images)


def begin(name: str, request: SweepRequest, seconds: float) -> None:
    """Launch a sweep, and show it on Jobs."""
    with ui.showing_errors():
        launch(project.id, who, "sweep", name, request, seconds)
        st.switch_page(ui.page_file("jobs"))


def told_apart() -> str:
    """What a choice sweeps, in a sentence."""
    by_number = {one.number: one.name for one in classes}
    masks = ", ".join(by_number[number] for number in numbers.mask_classes)
    ranked = f"Filters are ranked by the masks of **{ui.plain(masks)}**"
    if numbers.only_masks:
        return f"{ranked}; the networks draw masks. To tell whole photographs apart, give them image classes on Images."
    about, what = ("about ", "tiles of ") if numbers.large.cut else ("", "")
    kinds = ", ".join(f"{numbers.names[one]} ({about}{count:,})" for one, count in numbers.classes.items())
    drawn = counted(numbers.masks, "photograph")
    return f"{ranked} on {drawn}; networks learn to tell apart {what}**{ui.plain(kinds)}**."


st.markdown(
    "Ranks the filters of a network by how well they respond to your masks, keeps the best, and trains the pruned "
    "networks: you then choose one by accuracy and speed."
)
with ui.showing_errors():
    start = choose(project.id, who, numbers, start_of(copied) if copied else None)
    side = size_of(project.id, start).input
    numbers = numbers_of(project.id, side)
    st.markdown(told_apart())
    readiness.show(project, numbers, start)
    choices = presets(numbers, start, seconds_of)

    def begin_choice(choice: Preset) -> None:
        """Launch a choice as it is."""
        begin(f"{choice.name}, {start.name}", choice.request, choice.seconds)

    cards.show(project.id, choices, begin_choice)
    more = st.expander("Advanced", icon=":material/tune:", key="advanced", expanded=bool(copied), on_change="rerun")
    if not more.open:
        ui.stop()
    with more:
        known = {choice.name: choice.request for choice in choices} | {
            job.id: request_of(job) for job in sweeps.values()
        }
        if basis.value not in known:
            basis.value = BALANCED
        chosen = st.selectbox(
            "Begin with the settings of",
            list(known),
            key=basis.key,
            format_func=lambda one: f"{sweeps[one].name} · {one}" if one in sweeps else str(one),
        )
        request = advanced.form(project.id, start, known[chosen], classes, counts)
        if request is None:
            ui.stop()
        if changes := differences(known[chosen], request, names_of(project.id)):
            listed = "; ".join(f"{one.setting} {one.before} → {one.after}" for one in changes)
            st.caption(f":material/difference: Changed: {ui.plain(listed)}")
        seconds = seconds_of(request)
        st.markdown(
            f"**About {duration(seconds)}** · {counted(len(request.sweep.candidates()), 'network')} · "
            f"{expected(project.id, seconds)}"
        )
        row = st.container(horizontal=True, vertical_alignment="bottom")
        name = row.text_input("Name", f"{start.name}, {request.sweep.criterion}")
        if row.button("Launch the sweep", type="primary", icon=":material/rocket_launch:"):
            begin(name, request, seconds)
