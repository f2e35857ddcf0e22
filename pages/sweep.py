"""Sweep: launch one of three choices, or set everything yourself."""

from functools import cache

import streamlit as st

from ftl.formatting import counted, duration
from studio import ui
from studio.images.library import Filter, count_by_class, count_images
from studio.jobs.differences import differences, names_of
from studio.jobs.presets import QUICK, Preset, numbers_of, presets
from studio.jobs.queue import jobs_of, launch
from studio.jobs.readiness import ENOUGH_MASKS
from studio.jobs.request import SWEEPS, SweepRequest, request_of
from studio.jobs.starts import Start, start_of
from studio.jobs.tiling import Material, material
from studio.projects.classes import classes_of
from studio.ui import scroll, state
from studio.ui.sweep import advanced, cards, readiness
from studio.ui.sweep.cost import estimate_parts, expected, longest, size_of
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
basis, page = state.basis(project.id), state.of(state.Sweep)
copied = request_of(sweeps[int(basis.value)]) if basis.value in sweeps else None


@cache
def there_is(image_classes: tuple[int, ...], how: str) -> Material:
    """What the project has for a sweep of these classes."""
    return material(project.id, image_classes, side, how)


def parts_of(request: SweepRequest) -> dict[str, float]:
    """How long each part of a sweep takes here, about."""
    there = there_is(request.image_classes, request.large)
    return estimate_parts(project.id, request, there.masks, there.images)


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


@ui.fragment
def own_settings(start: Start, before: SweepRequest) -> None:
    """All settings, at first those of another sweep, with their cost and the button that launches them.

    A change leaves the rest of the page alone; its places are fixed, so that nothing jumps until its cost is known.
    """
    settings, changed, cost = st.container(), st.empty(), st.empty()
    row = st.container(horizontal=True, vertical_alignment="bottom")
    cost.markdown(":gray[:material/hourglass: Working out how long it takes]")
    with ui.showing_errors():
        with settings:
            request = advanced.form(project.id, start, before, classes, counts)
        if request is None:
            cost.empty()
            return
        if changes := differences(before, request, names_of(project.id)):
            listed = "; ".join(f"{one.setting} {one.before} → {one.after}" for one in changes)
            changed.caption(f":material/difference: Changed: {ui.plain(listed)}")
        name = row.text_input("Name", f"{start.name}, {request.sweep.criterion}")
        launched = row.button("Launch the sweep", type="primary", icon=":material/rocket_launch:")
        parts = parts_of(request)
        seconds = sum(parts.values())
        cost.markdown(
            f"**About {duration(seconds)}** · {counted(len(request.sweep.candidates()), 'candidate')} · "
            f"{expected(project.id, seconds)}  \n:small[Most of it: {longest(parts)}.]"
        )
        if launched:
            begin(name, request, seconds)


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
    choices = presets(numbers, start, lambda request: sum(parts_of(request).values()))

    def begin_choice(choice: Preset) -> None:
        """Launch a choice as it is."""
        begin(f"{choice.name}, {start.name}", choice.request, choice.seconds)

    def open_settings(choice: Preset) -> None:
        """Show all settings of a choice in the next run."""
        basis.value, state.ADVANCED.value = choice.name, True
        page.opened, page.comes = page.opened + 1, True

    cards.show(project.id, choices, begin_choice, open_settings)
    more = st.expander(
        "Advanced", icon=":material/tune:", key=state.ADVANCED.key, expanded=bool(copied), on_change="rerun"
    )
    if not more.open:
        ui.stop()
    with more:
        known = {choice.name: choice.request for choice in choices} | {
            job.id: request_of(job) for job in sweeps.values()
        }
        if basis.value not in known:
            basis.value = QUICK
        chosen = st.selectbox(
            "Begin with the settings of",
            list(known),
            key=basis.key,
            format_func=lambda one: f"{sweeps[one].name} · {one}" if one in sweeps else str(one),
        )
        own_settings(start, known[chosen])
    if page.comes:
        page.comes = False
        scroll.to(state.ADVANCED.key, page.opened)
