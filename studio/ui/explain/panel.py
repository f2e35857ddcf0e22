"""The parts of the Understand page.

They are no fragments: a click just behind a full run of the page was seen, on a slow machine, to leave the browser with
a blank page ("Cannot set a node at a delta path"), and all that takes long here is cached anyway.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import streamlit as st

from ftl.data.images import EXTENSIONS
from ftl.data.tiles import Tile
from ftl.evaluation.explain import best_first, telling_heat
from ftl.evaluation.layers_left import LayerLeft, read_layers
from ftl.evaluation.overlays import fitted
from studio import ui
from studio.images.library import Filter, find_images
from studio.inspection.uploads import read_upload
from studio.jobs import sweeps
from studio.store import files
from studio.ui.choose.candidate_details import own_name
from studio.ui.choose.candidate_panel import written
from studio.ui.choose.filter_maps import jpeg, masked_photographs
from studio.ui.choose.networks import model_of
from studio.ui.choose.read_sweep import Sweep
from studio.ui.explain import filters, layers, predictions
from studio.ui.masks import mask_panel
from studio.ui.masks.mask_sweep import MaskSweep

AT_ONCE, _MOST, _ROW = 8, 12, 4
_FILTERS = "One photograph"


class Subject(NamedTuple):
    """The network looked into: its sweep, name, folder and layers, and whose project it is."""

    here: ui.Here
    sweep: Sweep | MaskSweep
    name: str
    folder: Path
    layers: list[LayerLeft]

    @property
    def key(self) -> str:
        """For widgets that belong to this network."""
        return f"{self.sweep.job_id}-{self.name}"


@st.cache_data(max_entries=100, show_spinner=False)
def layers_left(folder: Path, at: float) -> list[LayerLeft]:
    """`read_layers`, read once."""
    return read_layers(folder)


@st.cache_resource(max_entries=12, show_spinner="Processing the photographs")
def _look(folder: Path, at: float, layer: str, pairs: tuple[tuple[Path, Path], ...]) -> filters.Look:
    return filters.look(folder, layer, pairs)


@st.cache_data(max_entries=200, show_spinner="Looking")
def _explain(folder: Path, at: float, digest: str, label: str, layer: str, mask: Path | None,
             _photo: np.ndarray) -> predictions.Answer:  # fmt: skip
    return predictions.explain(model_of(folder), _photo, label, layer, mask)


@st.cache_data(max_entries=200, show_spinner="Looking")
def _telling(folder: Path, at: float, digest: str, label: str, layers: tuple[str, ...], _photo: np.ndarray) -> str:
    return telling_heat(model_of(folder), _photo, label, layers)[0]


@st.cache_data(max_entries=200, show_spinner="Looking at tiles")
def _surest(folder: Path, at: float, digest: str, label: str, _photo: np.ndarray) -> Tile | None:
    return predictions.surest_tile(model_of(folder), _photo, label)


def pruned(one: Subject) -> None:
    """The picture of all layers."""
    tied = one.sweep.candidate(one.name).equal_scores or 0 if isinstance(one.sweep, Sweep) else 0
    st.markdown(layers.summary(one.layers, tied))
    groups = list(one.layers[0].scores)
    group = groups[0] if groups else None
    if len(groups) > 1:
        group = st.segmented_control(
            "Scores on photographs of", groups, default=group, required=True, key=f"group-{one.key}"
        )
    st.plotly_chart(layers.chart(one.layers, group, st.context.theme.type == "dark"), key=f"pruned-{one.key}",
                    theme=None, config={"displayModeBar": False})  # fmt: skip
    how = "Each column is a layer. Point at a bar for its figures."
    if group is not None:
        how = (
            "Each column is a layer: orange was kept, grey was removed. At the bottom each filter is as high as its "
            "score: the best are kept. Point at a bar for its figures."
        )
    if len(groups) > 1:
        how += " Each class keeps its own best filters, so some low scores stay for another class."
    st.caption(how)


def sees(one: Subject) -> None:
    """Filters of one layer over photographs with masks."""
    pairs = masked_photographs(sweeps.workspace(one.sweep.job_id))
    if not pairs:
        st.info("The masked photographs of this sweep are not in the studio.", icon=":material/info:")
        return
    names = [own_name(photo) for photo, _ in pairs]
    row = st.container(horizontal=True, vertical_alignment="bottom")
    with row:
        layer = _layer(one, "sees", [layer.name for layer in one.layers][len(one.layers) // 2])
        way = st.segmented_control("Show", [_FILTERS, "One filter"], default=_FILTERS, required=True,
                                   key=f"way-{one.key}", width=250)  # fmt: skip
        with st.popover("Photographs", icon=":material/photo_library:", width=170):
            chosen = st.multiselect(
                "Photographs with masks", range(len(pairs)), filters.spread(len(pairs), AT_ONCE), key=f"seen-{one.key}",
                format_func=ui.unique_labels(dict(enumerate(names))).__getitem__, max_selections=_MOST,
            )  # fmt: skip
    if not chosen:
        st.info("Choose at least one photograph.", icon=":material/info:")
        return
    found = _look(one.folder, written(one.folder / "network.safetensors"), layer, tuple(pairs[at] for at in chosen))
    labels = ui.unique_labels({place: names[at] for place, at in enumerate(chosen)})
    key = f"{one.key}-{layer}-{chosen}"
    if way == _FILTERS:
        at = row.selectbox("Photograph", labels, filters.clearest(found.iou), format_func=labels.__getitem__,
                           key=f"photograph-{key}", width=250)  # fmt: skip
        _on_one_photograph(found, at)
    else:
        mean = found.iou.mean(0)
        channel = row.selectbox(
            "Filter, the best first", best_first(mean), key=f"filter-{key}", width=250,
            format_func=lambda one: f"filter {found.numbers[one]} · mean IoU {mean[one]:.2f}",
        )  # fmt: skip
        places = best_first(found.iou[:, channel])
        _row(found, [(at, channel) for at in places], [labels[at] for at in places])
    st.caption(
        "The heat shows where a filter responds; the blue line is the mask. IoU tells "
        "how well the two cover each other, from 0 (never) to 1 (exactly): every place that glows counts, however "
        "faintly."
    )


def _on_one_photograph(found: filters.Look, at: int) -> None:
    side, grid = st.columns([1, 3], gap="medium")
    side.image(filters.picture(found, at, longest=320), width="stretch")
    best, worst = filters.best_and_worst(found.iou[at], _ROW)
    with grid:
        for title, channels in (("Best", best), ("Worst", worst)):
            if channels:
                st.markdown(f"**{title}** of the {len(found.numbers)} filters that this layer keeps")
                _row(found, [(at, channel) for channel in channels],
                     [f"filter {found.numbers[channel]}" for channel in channels])  # fmt: skip


def _row(found: filters.Look, cells: Sequence[tuple[int, int]], names: Sequence[str]) -> None:
    """Pictures of filters over photographs, (photograph, channel) each, under their names."""
    with st.container(horizontal=True, gap="small"):
        for (at, channel), name in zip(cells, names, strict=True):
            overlap = f"IoU {found.iou[at, channel]:.2f}" if found.heat[at, channel].any() else "silent"
            st.image(filters.picture(found, at, channel), f"{ui.plain(name)} · {overlap}", width=150)


def answers_why(one: Subject) -> None:
    """Grad-CAM of a photograph."""
    row = st.container(horizontal=True, vertical_alignment="bottom")
    with row:
        photograph = _photograph(one.here.project.id)
    if photograph is None:
        ui.empty("Nothing to look at yet", "Choose a photograph above.", ":material/image_search:")
        return
    digest, get, image = photograph
    photo, model = get(), model_of(one.folder)
    looked_for = one.sweep.looked_for if isinstance(one.sweep, Sweep) else None
    tile = _surest(one.folder, written(one.folder / "head.safetensors"), digest, looked_for or model.classes[0], photo)
    if tile is not None:
        photo = photo[tile.top : tile.bottom, tile.left : tile.right]
    chances = model.probabilities([photo])[0]
    said = int(chances.argmax())
    at, names = written(one.folder / "head.safetensors"), tuple(layer.name for layer in one.layers)
    with row:
        label = st.selectbox(
            "Explain the class", model.classes, said, key=f"label-{one.key}-{digest}", width=220,
            format_func=lambda name: f"{name} · {100 * chances[model.classes.index(name)]:.1f} %",
        )  # fmt: skip
        first = _telling(one.folder, at, digest, label, names, photo)
        layer = _layer(one, f"why-{digest}-{label}", first)
    mask = predictions.mask_of(image, masked_photographs(sweeps.workspace(one.sweep.job_id)))
    found = _explain(one.folder, at, digest, label, layer, mask, photo)
    colour = "orange" if model.classes[said] == looked_for else "green"
    st.markdown(f"{ui.plain(one.name)} says :{colour}[**{ui.plain(model.classes[said])}**], "
                f"**{100 * chances[said]:.1f} %**")  # fmt: skip
    with st.container(width=840):
        for column, picture, title in zip(
            st.columns(2), found[:2], ("the photograph", f"what supports {ui.plain(label)}"), strict=True
        ):
            column.image(picture, title, width="stretch")
    if tile is not None:
        st.caption(
            f"The network was trained on tiles. This is the one, {tile.left:,} pixels from the left and {tile.top:,} "
            f"from the top, in which {ui.plain(looked_for or model.classes[0])} is most probable."
        )
    if found.silent:
        st.info(
            f"At this layer Grad-CAM finds nothing that supports {ui.plain(label)}: choose an earlier layer.",
            icon=":material/info:",
        )
    st.caption(
        f"The highlighted places made the prediction {ui.plain(label)} more likely (Grad-CAM). The strongest is always "
        "brightest, however sure the network is. A late layer shows roughly where the network looked, an early one the "
        "edges and textures there." + (" The blue line is the mask that was drawn." if mask else "")
    )


def draws(one: Subject) -> None:
    """What a network that draws masks draws on a test photograph, beside its mask."""
    if not (tested := mask_panel.tested_of(one.sweep.job_id, one.folder)):
        return
    at = st.selectbox(
        "Test photograph, the worst drawn first", range(len(tested)), key=f"drawn-{one.key}", width=360,
        format_func=lambda at: f"{at + 1} · {tested[at].name} · {tested[at].score}",
    )  # fmt: skip
    st.html(mask_panel.legend())
    left, right = st.columns(2)
    left.image(jpeg(fitted(files.pixels(tested[at].photo), 1000)), "the photograph", width="stretch")
    right.image(mask_panel.compared_jpeg(one.folder, tested[at]), f"what {ui.plain(one.name)} draws", width="stretch")


def _photograph(project_id: int) -> tuple[str, Callable[[], np.ndarray], int | None] | None:
    """A photograph to be looked at: its digest, how to read it, and its id in the project; None while there is none."""
    source = st.segmented_control(
        "Photographs", ["From the project", "From this computer"], default="From the project", required=True,
        key="from", width=290,
    )  # fmt: skip
    if source == "From this computer":
        given = st.file_uploader("It is inspected and then forgotten: nothing is added to the project.",
                                 [one[1:] for one in EXTENSIONS], key="why")  # fmt: skip
        if given is None:
            return None
        data = given.getvalue()
        return hashlib.sha256(data).hexdigest(), partial(read_upload, given.name, data), None
    text = st.text_input("Name", placeholder="part of a name", key="why-name", width=160)
    images = {one.id: one for one in find_images(project_id, Filter(text=text), count=300)}
    labels = ui.unique_labels({key: image.name for key, image in images.items()})
    chosen = st.selectbox("Photograph", images, format_func=labels.__getitem__, width=250,
                          placeholder="No photograph has such a name")  # fmt: skip
    if chosen is None:
        return None
    return images[chosen].sha256, partial(files.array, images[chosen].sha256), chosen


def _layer(one: Subject, part: str, first: str) -> str:
    """A layer of the network, chosen by its name."""
    labels = {
        layer.name: f"{number} · {layer.name} · {len(layer.kept)} of {layer.filters} filters"
        for number, layer in enumerate(one.layers, 1)
    }
    return st.selectbox("Layer", list(labels), list(labels).index(first), format_func=labels.__getitem__,
                        key=f"layer-{part}-{one.key}", width=320)  # fmt: skip
