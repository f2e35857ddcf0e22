"""Sweep: say what to prune, see what it costs, launch."""

import streamlit as st

from ftl.config import SweepConfig
from ftl.formatting import duration
from ftl.models.registry import REGISTRY
from studio import ui
from studio.images.library import Filter, count_images
from studio.jobs import backbones
from studio.jobs.queue import launch
from studio.jobs.request import SweepRequest
from studio.jobs.waiting import ahead
from studio.projects.classes import classes_of
from studio.ui import state, trash
from studio.ui.sweep.cost import estimate
from studio.ui.sweep.fields import control
from studio.ui.sweep.form import candidates, filters_and_data
from studio.ui.sweep.keep_fractions import parse_keep

here = ui.here("admin")
project, who = here.project, here.who
st.title("Sweep")
st.markdown(
    "Rank every filter of a network by how well it responds to your masks, keep the best fraction, and train each "
    "pruned network to classify photographs or to draw masks, so that you can choose one."
)
drawn = count_images(project.id, Filter(drawn=True))
if not drawn:
    ui.empty(
        "No masks yet", "Draw a few on the Annotate page: a dozen photographs are a good start.", ":material/brush:"
    )
    st.page_link(ui.page_file("annotate"), label="Annotate", icon=":material/brush:")
    ui.stop()
classes = {one.id: one for one in classes_of(project.id)}
counts = {one: count_images(project.id, Filter(class_id=one)) for one in classes}

SOURCES = {
    "scratch": "Train from scratch on this project",
    "registry": "Pretrained on ImageNet",
    "file": "Upload a file",
}
DEFAULT_KEEP = "0.05, 0.1, 0.2, 0.35, 0.5"
with st.container(border=True):
    st.subheader("1 · Network")
    source = st.radio("Source", list(SOURCES), format_func=SOURCES.get, horizontal=True)
    settings = {"source": source}
    if source == "file":
        known = backbones.uploaded(project.id)
        given = st.file_uploader(
            "Add a file", help="Keras .h5, .safetensors, .pt with a state dict, or .pt2. Pickles are never loaded."
        )
        page = state.of(state.Sweep)
        if given is not None and page.added != given.file_id:
            with ui.showing_errors(), st.spinner("Reading the network"):
                name = backbones.add(project.id, given.name, given, who)
                page.added = given.file_id
                known = backbones.uploaded(project.id)
                st.success(f"{ui.plain(name)} was added.")
        settings["file"] = st.selectbox("File", known, placeholder="none yet: add one above")
        if settings["file"]:
            trash.backbone_menu(project.id, who, settings["file"])
    elif source == "registry":
        names = [name for name, one in REGISTRY.items() if one.weights]
        settings["architecture"] = st.selectbox("Network", names)
        st.caption("Its weights are downloaded once. Without an internet connection, upload a file instead.")
    else:
        left, right = st.columns(2)
        settings["architecture"] = left.selectbox("Network", sorted(REGISTRY, key=lambda one: one != "alexnet_bn"))
        settings["epochs"] = control(right, SweepRequest.model_fields["epochs"])

with st.container(border=True):
    st.subheader("2 · Classes")
    left, right = st.columns(2)
    masked = left.multiselect(
        "Mask classes",
        list(classes),
        [one for one in classes if classes[one].name == "Crack"],
        format_func=lambda one: classes[one].name,
        help="Filters are ranked by their overlap with pixels of these classes.",
    )
    told_apart = right.multiselect(
        "Image classes",
        list(classes),
        [one for one in classes if counts[one]],
        format_func=lambda one: f"{classes[one].name} ({counts[one]} images)",
    )
    positive = None
    if len(told_apart) == 2:
        names = [classes[one].name for one in told_apart]
        positive = st.radio(
            "Positive class (recall and precision are of this class)",
            names,
            names.index("Crack") if "Crack" in names else 0,
            horizontal=True,
            format_func=ui.plain,
        )

with st.container(border=True):
    st.subheader("3 · Keep fractions")
    text = st.text_input(
        "Keep fractions", DEFAULT_KEEP, help="A list, or ranges as 0.05-0.5/0.05: from, to, step. 0.1 keeps a tenth."
    )
    budgets = SweepConfig.model_fields["budgets"]
    limits = st.text_input(budgets.title or "", placeholder="1%, 5ms", help=budgets.description)
    sweep, data = filters_and_data()
    only_masks = not told_apart
    sweep |= candidates(only_masks=only_masks)

with ui.showing_errors():
    if sweep["rule"] != "above-average":
        sweep["keep"] = parse_keep(text)
    sweep["budgets"] = [limit.strip() for limit in limits.split(",") if limit.strip()]
    config = SweepConfig(**sweep, positive=positive)
    request = SweepRequest(
        **settings,
        **data,
        mask_classes=[classes[key].number for key in masked],
        image_classes=told_apart,
        sweep=config,
    )
    needed = {
        "a mask class": bool(masked),
        "two image classes, or none for networks that only draw masks": only_masks or len(told_apart) > 1,
        "a backbone file": source != "file" or bool(request.file),
        "a network that is pretrained or uploaded, for without image classes none is trained from scratch": not (
            only_masks and source == "scratch"
        ),
    }
    missing = [what for what, there in needed.items() if not there]
    if missing:
        st.info(f"Choose {' and '.join(missing)}.", icon=":material/info:")
        ui.stop()
    images = sum(counts[one] for one in told_apart)
    with st.container(border=True):
        st.subheader("4 · Cost")
        left, middle, right = st.columns(3)
        networks = len(config.candidates())
        left.metric(
            "Networks",
            networks,
            help="the unpruned network, one for each keep fraction, and the candidates made of them",
        )
        middle.metric(
            "Photographs", drawn if only_masks else images, help=f"{drawn} of all have something drawn on them"
        )
        with st.spinner("Measuring this machine"):
            seconds = estimate(project.id, request, drawn, images)
        right.metric(
            "About", duration(seconds), help="estimated from one second of measurement; longer when other programs run"
        )
        before, wait = ahead(project.id)
        if before:
            jobs = "a job" if before == 1 else f"{before} jobs"
            when = "once they are done" if wait is None else f"in about {duration(wait)}"
            done = "" if wait is None else f" and is done in about {duration(wait + seconds)}"
            st.info(f"There {'is' if before == 1 else 'are'} {jobs} ahead: this one begins {when}{done}.",
                    icon=":material/schedule:")  # fmt: skip
        name = st.text_input("Name", f"{request.architecture or request.file}, {config.criterion}")
        if st.button("Launch the sweep", type="primary", icon=":material/rocket_launch:"):
            launch(project.id, who, "sweep", name, request, seconds)
            st.switch_page(ui.page_file("jobs"))
