"""The page Review in parts: the queue, and one image with all who drew on it."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from html import escape
from typing import Any, NamedTuple

import cv2
import numpy as np
import plotly.graph_objects as go
import streamlit as st

from ftl.formatting import NOTHING, counted, fixed
from studio import ui
from studio.annotation import log
from studio.annotation.strokes import Undo
from studio.collaboration import agreement as metrics
from studio.collaboration import annotator_masks, consensus, review
from studio.images import work as own_work
from studio.images.library import image_in
from studio.store import files
from studio.store.tables import Image, ImageClass
from studio.ui import state, verdicts
from studio.ui.review import pictures

WAYS = {"Majority": consensus.majority, "STAPLE": consensus.staple}
"""How several masks become one."""

Classes = tuple[tuple[int, str, str], ...]
"""Number, name and colour of each class: what else than the log a picture or a table hangs on."""


def state_badge(image: Image) -> str:
    """Where the work on an image stands, as a badge in Markdown."""
    return f":{ui.STATE_COLOURS[image.state]}-badge[{image.state}]"


def classes_key(classes: Sequence[ImageClass]) -> Classes:
    """The classes as the functions below take them."""
    return tuple((one.number, one.name, one.colour) for one in classes)


@st.cache_data(max_entries=1000, show_spinner=False)
def who(image_id: int, position: int) -> tuple[dict[int, str], bool]:
    """Names of those who drew on an image, by user id, and whether it is settled, at a position of its log."""
    strokes = [log.drawn(row) for row in log.read(image_id, upto=position)]
    return annotator_masks.names(annotator_masks.people(strokes)), annotator_masks.is_settled(strokes)


@st.cache_data(max_entries=5000, show_spinner=False)
def agreement(image_id: int, position: int, classes: Classes, tolerance: int, _image: Image) -> list[dict[str, Any]]:
    """The rows of `metrics.pairs` for an image, at a position of its log."""
    names = who(image_id, position)[0]
    masks = {names[one]: mask for one, mask in annotator_masks.layers(_image, position).items()}
    return metrics.pairs(masks, {number: name for number, name, _ in classes}, tolerance)


@st.cache_data(max_entries=64, show_spinner="Drawing the masks")
def shown(
    image_id: int, position: int, classes: Classes, _image: Image
) -> tuple[dict[int, bytes], bytes, bytes, float]:
    """JPEGs of each annotator's mask, of the image's mask, and of where they differ; and in how many pixels, 0..1."""
    photo = files.photograph(_image.sha256)
    colours = {number: colour for number, _, colour in classes}
    own = annotator_masks.layers(_image, position)
    apart = consensus.disagreement(list(own.values()))
    each = {one: pictures.masked(photo, mask, colours) for one, mask in own.items()}
    now = pictures.masked(photo, log.mask(_image, upto=position), colours)
    return each, now, pictures.heat(photo, apart), float((apart > 0).mean())


class Preview(NamedTuple):
    """What settling would make: `picture`, a JPEG, and `mask`, a PNG of the index mask. `disputed`: pixels left open.

    `places`: the largest areas of those, as from `pictures.areas`.
    """

    picture: bytes
    mask: bytes
    disputed: int
    places: list[dict[str, int]]


@st.cache_data(max_entries=64, show_spinner="Comparing the masks")
def preview(image_id: int, position: int, classes: Classes, way: str, _image: Image) -> Preview:
    """What one of `WAYS` makes of the masks at a position of the log. Raises `StudioError` where it cannot."""
    made = WAYS[way](list(annotator_masks.layers(_image, position).values()))
    colours = {number: colour for number, _, colour in classes}
    picture = pictures.masked(files.photograph(_image.sha256), made.mask, colours, made.disputed)
    mask = cv2.imencode(".png", made.mask)[1].tobytes()
    return Preview(picture, mask, int(made.disputed.sum()), pictures.areas(made.disputed))


def act(action: Callable[..., Any], *arguments: Any) -> None:
    """Do what a button says, if its user still may; an error is a sentence on top of the page."""
    with ui.showing_errors():
        action(*arguments)


def _settle(image: Image, user_id: int, made: Preview, people: int, position: int) -> None:
    # `preview` encoded it
    mask = np.asarray(cv2.imdecode(np.frombuffer(made.mask, np.uint8), cv2.IMREAD_UNCHANGED))
    consensus.settle(image, user_id, mask, people, position)
    ui.toast_next(
        "The consensus is now the image's mask. You can undo it here or on the Annotate page.",
        icon=":material/handshake:",
    )


def _undo(image: Image, me: int, stroke: str) -> None:
    log.append(image.id, me, [Undo(f"undo-{secrets.token_hex(8)}", 0, {"stroke": stroke})])


def judge(here: ui.Here, image: Image) -> None:
    """The buttons that say what becomes of an image."""
    bar = st.container(horizontal=True, vertical_alignment="center")
    bar.markdown(f"**{ui.plain(image.name)}** · {image.width} × {image.height} {state_badge(image)}")
    waits = image.state == "submitted"
    refused = own_work.refusal(here.project.id, image.id, here.user.id) if waits else ""
    # each in its place, whatever the state: nothing comes to stand under a second click. Their keys name the state
    bar.button("Accept", key=f"accept-{image.id}-{image.state}", type="primary", disabled=not waits or bool(refused),
               on_click=verdicts.accept, args=(here, image, image.strokes))  # fmt: skip
    if bar.button("Return", key=f"return-{image.id}-{image.state}", disabled=not waits):
        verdicts.give_back(here, image)
    if image.state == "accepted":
        bar.button("Reopen", key=f"reopen-{image.id}", on_click=act,
                   args=(review.reopen, image.id, here.who))  # fmt: skip
    if refused:
        bar.caption(f":material/info: {ui.sentence(refused)}")
    if bar.button("Open in Annotate", icon=":material/brush:"):
        state.of(state.Tab).image_id = image.id
        st.switch_page(ui.page_file("annotate"), query_params={"project": str(here.project.id), "image": str(image.id)})


def compare(image: Image, classes: Classes, position: int, names: dict[int, str]) -> None:
    """The annotators' masks side by side, where they differ, and how far they agree."""
    each, now, differ, share = shown(image.id, position, classes, image)
    tiles = [(names[one], picture) for one, picture in each.items()]
    tiles.append(("The image's mask as it is now", now))
    if len(each) > 1:
        tiles.append((f"Where they differ: {share:.2%} of the pixels", differ))
    for start in range(0, len(tiles), 4):
        for column, (text, picture) in zip(st.columns(4), tiles[start : start + 4], strict=False):
            column.image(picture, ui.plain(text), width="stretch")


def table(image: Image, classes: Classes, position: int, tolerance: int) -> None:
    """How far each pair agrees about each class."""
    rows = agreement(image.id, position, classes, tolerance, image)
    if not rows:
        st.caption("None of them drew a class that is shown.")
        return
    rounded = [{name: round(one, 3) if isinstance(one, float) else one for name, one in row.items()} for row in rows]
    st.dataframe(rounded, hide_index=True, width="stretch", placeholder=NOTHING)
    st.caption(
        "1 is full agreement. F1 takes what is at most the tolerance apart as the same; clDice compares centre lines, "
        "for thin cracks; Kappa leaves out what chance would agree on, and is empty where neither drew the class."
    )


def settle(here: ui.Here, image: Image, classes: Classes, position: int, people: int) -> None:
    """Make one mask of several, seen before."""
    editable = image.state != "accepted"
    bar = st.container(horizontal=True, vertical_alignment="bottom")
    way = bar.segmented_control("Way", list(WAYS), default="Majority", key="way", width="content") or "Majority"
    with ui.showing_errors():
        made = preview(image.id, position, classes, way, image)
        label = "Make the consensus by majority" if way == "Majority" else "Make the consensus by STAPLE"
        bar.button(label, key=f"settle-{image.id}-{position}-{way}", type="primary", disabled=not editable,
                   on_click=act, args=(_settle, image, here.who, made, people, position))  # fmt: skip
        st.image(made.picture, "The mask that this consensus would give", width="stretch")
        if made.disputed:
            st.markdown(
                f"**{made.disputed:,} pixels are disputed**, shown in pink. They belong to no class yet: make the "
                "consensus, then draw them by hand on the Annotate page. The largest areas, in image pixels:"
            )
            st.dataframe(made.places, hide_index=True, width="stretch")
        else:
            st.caption("Nothing is disputed.")
    last = log.last(image.id, here.user.id, "undo")
    if last is not None and last.startswith(annotator_masks.CONSENSUS):
        bar.button("Undo the consensus", key=f"unsettle-{image.id}-{last}", icon=":material/undo:",
                   disabled=not editable, on_click=act, args=(_undo, image, here.who, last))  # fmt: skip


def project_mean(project_id: int, classes: Classes, tolerance: int) -> None:
    """The mean agreement of all images on which several drew; each image counts once, however many drew it."""
    found = annotator_masks.drawn_by_several(project_id)
    bar, means, every = st.progress(0.0, "Comparing"), [], []
    for done, (image_id, position) in enumerate(found.items(), 1):
        rows = agreement(image_id, position, classes, tolerance, image_in(project_id, image_id))
        means += [metrics.mean(rows)] if rows else []
        every += rows
        bar.progress(done / len(found), f"Comparing {done:,} of {len(found):,}")
    bar.empty()
    if not means:
        st.caption("Nobody's masks can be compared yet: no image was drawn on by two.")
        return
    for column, (name, value) in zip(st.columns(len(metrics.MEASURES)), metrics.mean(means).items(), strict=True):
        column.metric(name, fixed(value, 3))
    st.caption(f"Mean of {counted(len(means), 'image')}, F1 with {tolerance} px.")
    people = metrics.by_person(every)
    names = [escape(person) for person in people]
    figure = go.Figure([
        go.Bar(name=name, y=names, x=[one[name] for one in people.values()], orientation="h",
               hovertemplate="%{y}: %{x:.3f}<extra>" + name + "</extra>")
        for name in ("IoU", "F1")
    ])  # fmt: skip
    figure.update_layout(height=120 + 50 * len(people), margin={"t": 30, "b": 0}, xaxis_range=[0, 1],
                         xaxis_title="agreement with the others", legend_orientation="h", legend_y=1.1)  # fmt: skip
    st.plotly_chart(figure, key="review-people")
