"""A network that draws masks on the Try page: what it sees on photographs, and how large the cracks are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import streamlit as st

from ftl.evaluation.crack_size import THINNEST
from ftl.evaluation.segmentation import LEVELS
from ftl.formatting import counted, duration, number, small_percent
from studio import ui
from studio.annotation.assists.network import Seen
from studio.inspection import masks
from studio.inspection.mask_picture import HEAT, LAYERS, NUMBERS, OUTLINES, mask_picture
from studio.inspection.masks import Crack, Measured
from studio.jobs.segmenters import MaskNetwork, look
from studio.ui.choose.filter_maps import jpeg

Key = tuple[str, int, str]
"""A photograph's SHA-256, and the network that looks at it: its job and its name."""

_AT_ONCE = 4
_PIXELS, _SCALE, _POINTS = "Pixels", "mm per pixel", "Two points"
_STEP = 1 / LEVELS


class Photograph(NamedTuple):
    """A photograph to try: its name, its SHA-256, what reads it, and its id where it is the project's."""

    name: str
    digest: str
    read: Callable[[], np.ndarray]
    image_id: int | None


class Options(NamedTuple):
    """How it is looked at: a threshold 0..1, what is drawn over the photograph, and the scale where one is given."""

    threshold: float
    layers: Sequence[str]
    mm_per_pixel: float | None


@st.cache_data(max_entries=100, show_spinner="Measuring cracks")
def _measured(
    key: Key, threshold: float, mm_per_pixel: float | None, classes: tuple[str, ...], _seen: Seen
) -> tuple[list[Crack], int]:
    return masks.measured(_seen.mask(threshold), classes, mm_per_pixel)


@st.cache_data(max_entries=100, show_spinner=False)
def _picture(
    key: Key, threshold: float, layers: Sequence[str], _read: Callable[[], np.ndarray],
    _seen: Seen, _cracks: Sequence[Crack],
) -> bytes:  # fmt: skip
    return jpeg(mask_picture(_read(), _seen, threshold, _cracks, layers))


def options(network: MaskNetwork) -> Options:
    """Controls of a network's threshold, of what is drawn, and of the scale."""
    threshold = st.slider(
        "Threshold", _STEP, 1 - _STEP, network.threshold, _STEP, format="%.3f",
        key=f"threshold-{network.job_id}-{network.name}",
        help="How probable a defect must be to be drawn. At first it is the one that was best on the validation "
        "photographs.",
    )  # fmt: skip
    layers = st.pills("Draw", LAYERS, selection_mode="multi", default=[HEAT, OUTLINES, NUMBERS], key="mask-layers",
                      help="Heat: how probable a defect is at each place.")  # fmt: skip
    return Options(threshold, layers, _scale())


def _scale() -> float | None:
    """Millimetres per pixel, where the user gives them; it holds for all photographs."""
    unit = st.segmented_control(
        "Sizes in", [_PIXELS, _SCALE, _POINTS], default=_PIXELS, required=True, key="mask-unit",
        help="In millimetres by a scale that all photographs share, or by two points and how far they are apart.",
    )  # fmt: skip
    if unit == _PIXELS:
        return None
    if unit == _SCALE:
        scale = st.number_input("Millimetres per pixel", min_value=0.0001, value=None, format="%.4f",
                                placeholder="as 0.25", key="mask-scale")  # fmt: skip
        if scale is None:
            st.caption("Give the scale: until then sizes are in pixels.")
        return scale

    cells = [*st.columns(2), *st.columns(2), st.container()]
    labels = ("First point, x", "First point, y", "Second point, x", "Second point, y", "Apart [mm]")
    given = [
        cell.number_input(label, 0.0, value=None, format="%.1f", key=f"mask-{label}")
        for cell, label in zip(cells, labels, strict=True)
    ]
    values = [value for value in given if value is not None]
    if len(values) < len(given):
        st.caption("Give both points in pixels from the upper left corner, as image viewers show them, and how far "
                   "they are apart: until then sizes are in pixels.")  # fmt: skip
        return None
    with ui.showing_errors():
        x, y, other_x, other_y, apart = values
        scale = masks.scale_of((x, y), (other_x, other_y), apart)
        st.caption(f"{number(scale)} mm per pixel.")
        return scale
    return None


def show(
    project_id: int, network: MaskNetwork, photographs: Sequence[Photograph], trained_on: frozenset[int], how: Options
) -> bool:
    """Show what a network draws of photographs, some at once; whether there was any that could be read."""
    first = 0
    if len(photographs) > _AT_ONCE:
        first = _AT_ONCE * (st.number_input("Page", 1, -(-len(photographs) // _AT_ONCE), width=140) - 1)
    photographs = photographs[first : first + _AT_ONCE]
    known: dict[str, Seen] = {}
    bar = st.progress(0.0, "Drawing masks")
    for done, photograph in enumerate(photographs):
        bar.progress(done / len(photographs), f"Drawing masks of photograph {done + 1} of {len(photographs)}")
        with ui.showing_errors():
            place = project_id, network.job_id, network.name
            known[photograph.digest] = look(*place, photograph.digest, photograph.read)
    bar.empty()
    found: list[Measured] = []
    above = st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center")
    for photograph in photographs:
        seen = known.get(photograph.digest)
        if seen is not None:
            with st.container(border=True), ui.showing_errors():
                trained = " :gray-badge[the network was trained on it]" if photograph.image_id in trained_on else ""
                st.markdown(f"**{ui.plain(photograph.name)}**{trained}")
                key = photograph.digest, network.job_id, network.name
                cracks = _one(photograph, key, seen, network.classes, how)
                found.append(Measured(photograph.name, how.threshold, cracks))
    with above:
        with_defects = sum(bool(one.cracks) for one in found)
        st.markdown(f"{ui.plain(network.name)} draws something on **{with_defects} of {len(found)}** photographs.")
        st.download_button("Sizes as CSV", masks.cracks_csv(found, network.name), "cracks.csv", "text/csv",
                           icon=":material/table_view:", on_click="ignore")  # fmt: skip
    return bool(found)


def _one(photograph: Photograph, key: Key, seen: Seen, classes: tuple[str, ...], how: Options) -> Sequence[Crack]:
    """One photograph, and the sizes of its cracks, which are given back."""
    cracks, left_out = _measured(key, how.threshold, how.mm_per_pixel, classes, seen)
    mask = seen.mask(how.threshold)
    parts = st.container(horizontal=True, gap="medium")
    left, right = parts.container(), parts.container(width=380)
    with left:
        st.image(_picture(key, how.threshold, tuple(how.layers), photograph.read, seen, cracks), width="stretch")
        height, width = mask.shape
        share = float((mask > 0).mean())
        st.caption(
            f"{width:,} x {height:,} pixels in {duration(seen.ms / 1000)}; {small_percent(share)} of them drawn."
        )
    with right:
        if cracks:
            unit = cracks[0].size.unit
            shown = st.column_config.NumberColumn(format="%.1f" if unit == "px" else "%.2f")
            st.dataframe(_rows(cracks, unit, len(classes) > 1), hide_index=True, placeholder="too thin",
                         column_config=dict.fromkeys(_titles(unit), shown),
                         height=min(420, 36 * len(cracks) + 40))  # fmt: skip
            said = [f"{counted(len(cracks), 'connected area')}, the longest first."]
            if any(crack.size.mean_width is None for crack in cracks):
                said.append(f"Too thin to measure: the mean width is below {THINNEST} pixels.")
            if left_out:
                said.append(f"{counted(left_out, 'smaller area')} not measured.")
            st.caption(" ".join(said))
        else:
            st.info("Nothing is as probable as the threshold.", icon=":material/info:")
        stem = Path(photograph.name).stem
        st.download_button("Mask as PNG", masks.mask_png(mask, classes), f"{stem}-mask.png", "image/png",
                           icon=":material/image:", on_click="ignore", key=f"png-{key[0]}")  # fmt: skip
    return cracks


def _titles(unit: str) -> tuple[str, str, str]:
    return f"Length [{unit}]", f"Mean width [{unit}]", f"Largest width [{unit}]"


def _rows(cracks: Sequence[Crack], unit: str, several: bool) -> list[dict[str, object]]:
    return [
        {"": number}
        | ({"Class": crack.label} if several else {})
        | dict(zip(_titles(unit), (crack.size.length, crack.size.mean_width, crack.size.largest_width), strict=True))
        for number, crack in enumerate(cracks, 1)
    ]
