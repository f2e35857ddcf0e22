"""Try: what a network says of new photographs, beside the base that it was cut from."""

import hashlib
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path

import numpy as np
import streamlit as st

from ftl.data.images import EXTENSIONS
from ftl.formatting import duration, milliseconds, percent
from ftl.models.layout import UNPRUNED
from ftl.progress import Report
from studio import ui
from studio.images.library import Filter, find_images, image_in
from studio.inspection import draw, results
from studio.inspection.examine import Finding, examine
from studio.inspection.training import Training, mask_network_trained_on, trained_on
from studio.inspection.uploads import read_upload
from studio.jobs import sweeps
from studio.jobs.segmenters import mask_network
from studio.jobs.usage import TRIED, note_use
from studio.store import files
from studio.ui import state
from studio.ui.choose import downloads, networks
from studio.ui.choose.candidate_panel import written
from studio.ui.choose.filter_maps import jpeg
from studio.ui.masks import try_panel

AT_ONCE = 8
here = ui.here()
st.title("Try")
finished = networks.finished_sweeps(
    here.project.id,
    "No network yet",
    "Launch a sweep; its networks can be tried here.",
    ":material/search:",
)


@st.cache_resource(max_entries=100, show_spinner="Reading the sweep")
def training_of(workspace: Path, at: float) -> Training:
    """What a sweep was trained on, read once as long as its results stay."""
    return trained_on(workspace)


@st.cache_data(max_entries=200, show_spinner=False)
def drawn(digest: str, folder: Path, at: float, heat: bool, _read: Callable[[], np.ndarray], _found: Finding) -> bytes:
    """The photograph with what was found, as JPEG."""
    return jpeg(draw.picture(_read(), _found, heat=heat))


def show(title: str, found: Finding, picture: bytes, alone_ms: float) -> None:
    """One network's answer."""
    colour = "orange" if found.label == sweep.looked_for else "green"
    st.markdown(f"{title} &nbsp; :{colour}[**{ui.plain(found.label)}**] &nbsp; **{percent(found.probability, 2)}**")
    st.image(picture, width="stretch")
    caption = f"{milliseconds(alone_ms)} a photograph, as measured in the sweep"
    if found.by_tiles:
        caption = (
            f"**{len(found.found)} of {len(found.tiles)} tiles** show {ui.plain(sweep.looked_for)}, "
            f"in {duration(found.tiles_ms / 1000)}"
        )
    elif found.tiles:
        caption = (
            f"the whole photograph, in {milliseconds(found.ms)}. **{len(found.found)} of {len(found.tiles)} tiles** "
            f"show {ui.plain(sweep.looked_for)}, at most {percent(max(found.chances))}, "
            f"in {duration(found.tiles_ms / 1000)}"
        )
    st.caption(caption)


loaded = {job.id: networks.sweep_of(job) for job in finished.values() if networks.classifies(job.id)}
drawing = networks.mask_sweeps(finished.values())
chosen = networks.project_networks(here.project.id)
with st.container(border=True):
    parts = st.container(horizontal=True, gap="large", key="parts")
    left, right = parts.container(width=360), parts.container()
with left:
    network = networks.choose_network(finished, loaded, chosen, state.TO_TRY, drawing)
    draws = any(own.has(network.job_id, network.name) for own in drawing)
    if draws:
        drawer = mask_network(here.project.id, network.job_id, network.name)
        how = try_panel.options(drawer)
    else:
        beside = st.toggle("Compare with the unpruned network", True, disabled=network.name == UNPRUNED)
        heat = st.toggle(
            "Heat",
            True,
            help="Shows where the network sees the class, as the page Understand does (Grad-CAM): the brighter, the "
            "more a place speaks for it.",
        )
    downloads.menu(here.project.id, network, "try")
    if not chosen and not draws:
        st.caption("Nobody has made a network the project's own yet: that is done on Choose.")
        st.page_link(ui.page_file("choose"), label="Choose", icon=":material/scatter_plot:")
with right:
    source = st.segmented_control(
        "Photographs", ["From this computer", "From the project"], default="From this computer", required=True
    )
    photographs: list[try_panel.Photograph] = []
    if source == "From this computer":
        for one in st.file_uploader(
            "Photographs to try", [one[1:] for one in EXTENSIONS], accept_multiple_files=True,
            label_visibility="collapsed",
        ):  # fmt: skip
            data = one.getvalue()
            digest, read = hashlib.sha256(data).hexdigest(), partial(read_upload, one.name, data)
            photographs.append(try_panel.Photograph(one.name, digest, read, None))
        st.caption("They are inspected and then forgotten: nothing is added to the project.")
    else:
        text = st.text_input("Name", placeholder="part of a name", label_visibility="collapsed")
        images = {one.id: one for one in find_images(here.project.id, Filter(text=text), count=300)}
        tried = state.tried(here.project.id)
        kept = {one: image_in(here.project.id, one) for one in tried.value}
        images |= kept
        labels = ui.unique_labels({key: image.name for key, image in images.items()})
        for picked in st.multiselect(
            "Photographs to try", list(images), key=tried.key, format_func=labels.__getitem__,
            placeholder="Choose photographs", label_visibility="collapsed",
        ):  # fmt: skip
            image = images[picked]
            read = partial(files.array, image.sha256)
            photographs.append(try_panel.Photograph(image.name, image.sha256, read, image.id))

if not photographs:
    ui.empty(
        "Nothing to look at yet", "Drop photographs above, or choose some of the project's.", ":material/image_search:"
    )
    ui.stop()
if draws:
    with ui.showing_errors():
        seen_before = mask_network_trained_on(sweeps.network(here.project.id, network.job_id, network.name))
        if try_panel.show(here.project.id, drawer, photographs, seen_before, how):
            note_use(here.project.id, here.who, TRIED, network.job_id, network.name)
    ui.stop()

sweep, at = loaded[network.job_id], written(sweeps.models(network.job_id) / sweeps.CLASSIFIERS)
training = training_of(sweeps.workspace(network.job_id), at)
names = [network.name, *([UNPRUNED] if beside and network.name != UNPRUNED else [])]
folders = {name: sweeps.network(here.project.id, network.job_id, name) for name in names}
rows, readable = [], []
page = state.of(state.Try, here.project.id)
before, known = page.found, {}  # what was seen already is not looked at again
bar = st.progress(0.0, "Looking")


def mover(step: int, text: str) -> Report:
    """Moves the bar on within one network's look at one photograph, the `step`-th of all."""

    def report(done: int, total: int, what: str) -> None:
        bar.progress((step + done / total) / len(photographs) / len(names), f"{text}: {what} {done} of {total}")

    bar.progress(step / len(photographs) / len(names), text)
    return report


for number, (title, digest, get, image_id) in enumerate(photographs):
    with ui.showing_errors():
        once = cache(get)
        for step, name in enumerate(names, number * len(names)):
            report = mover(step, f"{name} looks at photograph {number + 1} of {len(photographs)}")
            key = (digest, folders[name], written(folders[name] / "head.safetensors"), heat)
            if key not in before:
                model = networks.model_of(folders[name])
                before[key] = examine(model, once(), sweep.looked_for, training.side, report, heat=heat)
            known[key] = before[key]
            rows.append(results.Row(title, name, known[key]))
        readable.append((title, digest, get, image_id, {row.network: row.finding for row in rows[-len(names) :]}))
page.found = known
if known:
    note_use(here.project.id, here.who, TRIED, network.job_id, network.name)
bar.empty()
if not readable:
    ui.stop()
with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
    found = sum(answers[network.name].label == sweep.looked_for or bool(answers[network.name].found)
                for *_, answers in readable)  # fmt: skip
    st.markdown(
        f"**{found} of {len(readable)}** photographs show {ui.plain(sweep.looked_for)}, says {ui.plain(network.name)}."
    )
    st.download_button("Results as CSV", results.as_csv(rows, sweep.looked_for), "results.csv", "text/csv",
                       icon=":material/table_view:", on_click="ignore")  # fmt: skip
if len(readable) > 1:
    st.dataframe(results.summary(rows), hide_index=True)
first = 0
if len(readable) > AT_ONCE:
    first = AT_ONCE * (st.number_input("Page", 1, -(-len(readable) // AT_ONCE), width=140) - 1)
for title, digest, get, image_id, answers in readable[first : first + AT_ONCE]:
    with st.container(border=True):
        trained = " :gray-badge[the network was trained on it]" if image_id in training.images else ""
        st.markdown(f"**{ui.plain(title)}**{trained}")
        once = cache(get)
        for column, name in zip(st.columns(2, gap="medium"), names, strict=False):
            with column:
                at = written(folders[name] / "head.safetensors")
                picture = drawn(digest, folders[name], at, heat, once, answers[name])
                show(ui.plain(name), answers[name], picture, sweep.candidate(name).time_ms)
if any(answers[network.name].by_tiles for *_, answers in readable):
    side = networks.model_of(folders[network.name]).tile
    st.caption(f"Large photographs are cut into tiles of {side} x {side} pixels, as they were for training. A "
               f"photograph shows {ui.plain(sweep.looked_for)} as soon as one of its tiles does; such tiles are "
               "outlined.")  # fmt: skip
elif any(answers[network.name].tiles for *_, answers in readable):
    st.caption(f"Large photographs are also cut into tiles of {training.side} pixels, the size of the photographs that "
               f"the network was trained on; those that show {ui.plain(sweep.looked_for)} are outlined.")  # fmt: skip
