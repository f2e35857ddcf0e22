"""Whether the project is ready for a sweep: what matters as a short list, else one line."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from studio import ui
from studio.jobs import project_facts
from studio.jobs.presets import Numbers
from studio.jobs.readiness import GOOD, STOP, WARNING, Crop, Defect, Facts, Finding, LargeOnes, findings
from studio.jobs.request import SweepRequest
from studio.jobs.starts import Start
from studio.store.tables import Project
from studio.ui.sweep.cost import size_of

_MARKS = {STOP: ":red[:material/error:]", WARNING: ":orange[:material/warning:]"}
_PAGES = {"images": "Images", "annotate": "Annotate", "home": "Home"}


def show(project: Project, numbers: Numbers, start: Start) -> None:
    """Draw what checks of a project found, for the network that a sweep starts from."""
    found = findings(_facts(project, numbers, start))
    problems = [finding for finding in found if finding.level != GOOD]
    fine = "  \n".join(ui.plain(finding.text) for finding in found if finding.level == GOOD)
    if not problems:
        st.markdown(":green[:material/check_circle:] **Ready to learn.**", help=fine)
        return
    stops = any(finding.level == STOP for finding in problems)
    with st.container(border=True, gap="xsmall", key="readiness"):
        st.markdown("**Not ready to learn yet:**" if stops else "**Ready to learn, but:**", help=fine or None)
        for finding in problems:
            _row(finding)


def _row(finding: Finding) -> None:
    text, link = st.columns([5, 1], vertical_alignment="center")
    text.markdown(f"{_MARKS[finding.level]} {ui.plain(finding.text)}")
    if finding.page:
        link.page_link(ui.page_file(finding.page), label=_PAGES[finding.page], icon=":material/arrow_forward:")


def _facts(project: Project, numbers: Numbers, start: Start) -> Facts:
    photographs = project_facts.photographs_of(project.id)
    size = size_of(project.id, start)
    alike, looked_at = _alike(project_facts.to_compare(photographs))
    names = [photograph.name for photograph in project_facts.to_name(photographs)]
    return Facts(
        classes=project_facts.of_classes(photographs, dict(numbers.names), SweepRequest().test_share),
        unsorted=sum(photograph.class_id is None for photograph in photographs),
        masks=numbers.masks,
        size=project_facts.usual_size(photographs),
        defect=project_facts.usual_defect(
            [_defect(project.id, *which, numbers.mask_classes) for which in project_facts.to_measure(photographs)]
        ),
        alike=alike,
        looked_at=looked_at,
        crop=None if project.photo_pattern else _crop(names),
        input=size.input,
        maps=size.maps,
        large=_large(numbers),
    )


def _large(numbers: Numbers) -> LargeOnes | None:
    large = numbers.large
    if not large.rows:
        return None
    classes = tuple((numbers.names[one], count) for one, count in numbers.classes.items()) if large.classes else ()
    return LargeOnes(len(large.pieces), classes, len(large.left_out), 0 if large.cut else large.lacking)


@st.cache_data(max_entries=64, show_spinner="Comparing photographs")
def _alike(compared: Sequence[tuple[str, str]]) -> tuple[int, int]:
    return project_facts.alike(compared)


@st.cache_data(max_entries=1000, show_spinner="Measuring masks")
def _defect(project_id: int, image_id: int, strokes: int, mask_classes: Sequence[int]) -> Defect | None:
    return project_facts.defect_of(project_id, image_id, mask_classes)


@st.cache_data(max_entries=64, show_spinner=False)
def _crop(names: Sequence[str]) -> Crop | None:
    return project_facts.crop_named(names)
