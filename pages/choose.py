"""Choose: one recommended network, all candidates on one chart, limits and weights to move, a closer look at each."""

import streamlit as st

from ftl.models.segmenter_files import draws_masks
from studio import ui
from studio.jobs import sweeps
from studio.ui import state
from studio.ui.choose import classifier_section, links, networks
from studio.ui.masks import mask_section

CLASSIFY, DRAW = ":material/category: Classify", ":material/gesture: Draw masks"

here = ui.here()
project_id = here.project.id
head = st.container(horizontal=True, vertical_alignment="center", gap="medium")
head.title("Choose", width="content")
linked = links.followed(project_id)
finished = networks.finished_sweeps(
    project_id,
    "No sweep has finished yet",
    "Launch a sweep, wait until it is done, then choose a network here.",
    ":material/scatter_plot:",
)
page, task = state.of(state.Choose, project_id), state.task(project_id)
chosen_sweeps = state.sweeps(project_id)

asked, page.asked = page.asked, None
if asked is not None and asked in finished:
    chosen_sweeps.value = [asked]
if linked := [network for network in linked if network.job_id in finished]:
    chosen_sweeps.value = list({network.job_id: None for network in linked})
    drawing = [one for one in linked if draws_masks(sweeps.models(one.job_id) / one.name)]
    task.value = DRAW if drawing else CLASSIFY
    classifying = [one.key for one in linked if one not in drawing]
    state.opened(project_id).value = classifying[: classifier_section.SIDE_BY_SIDE]
    state.opened_masks(project_id).value = drawing[0].key if drawing else None
    page.comes = True
kept = [job_id for job_id in chosen_sweeps.value if job_id in finished]
chosen_sweeps.value = kept or [next(iter(finished))]
if len(finished) > 1:
    head.multiselect(
        "Sweeps", list(finished), key=chosen_sweeps.key, format_func=lambda one: f"{finished[one].name} · {one}",
        label_visibility="collapsed", placeholder="Choose sweeps",
    )  # fmt: skip
if not chosen_sweeps.value:
    st.info("Choose at least one sweep.", icon=":material/info:")
    ui.stop()
classify, draw = (list(filter(has, chosen_sweeps.value)) for has in (networks.classifies, networks.draws))
if classify and draw:
    task.value = task.value or CLASSIFY
    head.segmented_control(
        "What the networks do", [CLASSIFY, DRAW], required=True, key=task.key, label_visibility="collapsed"
    )
dark = st.context.theme.type == "dark"
with ui.showing_errors():
    if draw and (not classify or task.value == DRAW):
        if drawn := networks.mask_sweeps(finished[one] for one in draw):
            mask_section.show(here, drawn, dark)
        else:
            st.info(
                "All networks that draw masks were deleted from these sweeps. For 30 days an admin can restore them "
                "from the trash on Home.",
                icon=":material/info:",
            )
    else:
        classifier_section.show(here, [networks.sweep_of(finished[one]) for one in classify], dark)
