"""All settings of a sweep, in groups that belong together, beginning with those of a choice or of an earlier sweep."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from ftl.config import SettingsError, SweepConfig
from ftl.evaluation.runtimes import OPENVINO, runtimes_here
from ftl.formatting import exact
from ftl.models.layout import RECALIBRATED, SEGMENTED, TUNED
from ftl.pruning.criteria import CRITERIA
from studio import ui
from studio.errors import StudioError
from studio.jobs.request import SweepRequest
from studio.jobs.starts import Start
from studio.store.tables import ImageClass
from studio.ui.sweep.cost import problems_of
from studio.ui.sweep.fields import Places, control, group
from studio.ui.sweep.keep_fractions import parse_keep


def form(
    project_id: int, start: Start, basis: SweepRequest, classes: Sequence[ImageClass], counts: Mapping[int, int]
) -> SweepRequest | None:
    """Draw all settings at their values in `basis`. Returns them; None if something is wrong or missing, as is shown.

    `counts`: photographs by the id of each class.
    """
    places, problems = Places(), dict[str, str]()
    data = _classes(places, basis, classes, counts)
    positive = data.pop("positive")
    sweep: dict[str, Any] = {"positive": positive}  # what is not shown stays as it is in `basis`
    only_masks = not data["image_classes"]
    st.markdown("**Sizes**")
    columns = st.columns(3)
    fields = SweepConfig.model_fields
    text = places.new(columns[0], "keep").text_input(
        "Keep fractions", ", ".join(map(exact, basis.sweep.keep)),
        help="A list, or ranges as 5%-50%/5%: from, to, step. 0.1 is the same as 10%, and keeps a tenth of the filters "
        "of each layer.",
    )  # fmt: skip
    limits = places.new(columns[1], "budgets").text_input(
        fields["budgets"].title or "", ", ".join(basis.sweep.budgets), placeholder="1%, 5ms",
        help=fields["budgets"].description,
    )  # fmt: skip
    sweep["budgets"] = [limit.strip() for limit in limits.split(",") if limit.strip()]
    if start.source == "scratch" and not only_masks:
        data["epochs"] = control(columns[2], SweepRequest.model_fields["epochs"], basis.epochs)
    st.markdown("**What is made of each pruned network**")
    sweep |= _candidates(places, basis.sweep, only_masks=only_masks)
    st.markdown("**How filters are chosen**")
    columns = st.columns(3)
    sweep |= group(columns, basis.sweep, "Filters", places, criterion=list(CRITERIA))
    st.caption("  \n".join(f"**{name}**: {criterion.summary}" for name, criterion in CRITERIA.items()))
    st.markdown("**How photographs are divided**")
    columns = st.columns(3)
    sweep |= group(columns, basis.sweep, "Data", places)
    data |= group([*columns[1:], columns[0]], basis, "Data", places)  # in a row with the seed, and on below it
    if sweep["rule"] != "above-average":
        try:
            sweep["keep"] = parse_keep(text)
        except StudioError as error:
            problems["keep"] = str(error)
    try:
        config = basis.sweep.but(**sweep)
        problems |= problems_of(project_id, start, config)
    except SettingsError as error:
        problems = error.at | problems
    problems |= _missing(data)
    elsewhere = st.container()
    places.tell(problems, elsewhere)
    if problems:
        elsewhere.info("Change what is marked above; then the cost is shown here.", icon=":material/arrow_upward:")
        return None
    return basis.but(**(dict.fromkeys(("architecture", "file")) | start.settings | data), sweep=config)


def _classes(
    places: Places, basis: SweepRequest, classes: Sequence[ImageClass], counts: Mapping[int, int]
) -> dict[str, Any]:
    """Which classes rank filters, which the networks tell apart, and which of two recall and precision refer to."""
    st.markdown("**Classes**")
    by_id = {one.id: one for one in classes}
    columns = st.columns(3)
    masked = places.new(columns[0], "mask_classes").multiselect(
        "Mask classes", list(by_id),
        [one.id for number in basis.mask_classes for one in classes if one.number == number],
        format_func=lambda one: by_id[one].name,
        help="Filters are ranked by their overlap with pixels of these classes.",
    )  # fmt: skip
    told_apart = places.new(columns[1], "image_classes").multiselect(
        "Image classes", list(by_id),
        [one for one in basis.image_classes if one in by_id],
        format_func=lambda one: f"{by_id[one].name} ({counts.get(one, 0)} images)",
        help="Networks learn to tell these apart. Without any, they only draw masks.",
    )  # fmt: skip
    positive = None
    if len(told_apart) == 2:
        names = [by_id[one].name for one in told_apart]
        wanted = basis.sweep.positive if basis.sweep.positive in names else "Crack"
        positive = columns[2].selectbox(
            "Positive class", names, names.index(wanted) if wanted in names else 0, format_func=ui.plain,
            help="Recall and precision are of this class.",
        )  # fmt: skip
    numbers = tuple(by_id[key].number for key in masked)
    return {"mask_classes": numbers, "image_classes": tuple(told_apart), "positive": positive}


def _missing(data: Mapping[str, Any]) -> dict[str, str]:
    """What a sweep cannot do without, by its setting."""
    found = {}
    if not data["mask_classes"]:
        found["mask_classes"] = "choose at least one class: its masks rank the filters"
    if len(data["image_classes"]) == 1:
        found["image_classes"] = "choose two classes to tell apart, or none for networks that only draw masks"
    return found


def _candidates(places: Places, basis: SweepConfig, *, only_masks: bool) -> dict[str, Any]:
    """What is made of each pruned network, and in which runtimes its latency is measured: settings of the sweep.

    `only_masks`: there are no image classes, so nothing can be classified.
    """
    if only_masks:
        st.caption("A network that draws masks. Choose two image classes above to make classifiers as well.")
        settings = {"heads": [SEGMENTED], "only_masks": True, "segment": _segment(places, basis)}
        return settings | _unpruned(places, basis) | _runtimes(basis)
    st.caption("Always a linear head: a linear classifier on the features of the network as it was cut.")
    left, middle, right = (column.container() for column in st.columns(3))  # in one line with what has an error
    heads, settings = [], dict[str, Any](only_masks=False)
    recalibrated = places.new(left, "heads").checkbox(
        "BN-recalibrated", RECALIBRATED in basis.heads,
        help="Recompute the statistics of its batch normalisation on your photographs; no weight is trained. Only for "
        "networks that have batch normalisation.",
    )  # fmt: skip
    tuned = middle.checkbox(
        "Fine-tuned", TUNED in basis.heads,
        help="Train the network itself on your photographs, with turned and mirrored copies. The best of the three, "
        "and the slowest to make.",
    )  # fmt: skip
    draws = right.checkbox(
        "Draws masks", SEGMENTED in basis.heads,
        help="Train the network to draw masks itself, on the photographs that you drew on: it then proposes masks of "
        "others. A fifth of those photographs chooses its threshold, and a fifth reports how well it draws.",
    )  # fmt: skip
    if recalibrated or tuned or draws:
        settings |= _unpruned(places, basis)
    settings |= _runtimes(basis)
    if recalibrated:
        heads.append(RECALIBRATED)
    if tuned:
        heads.append(TUNED)
        st.markdown("**Fine-tuning**")
        settings["fine_tune"] = group(st.columns(3), basis.fine_tune, "Fine-tuning", places)
    if draws:
        heads.append(SEGMENTED)
        st.markdown("**Drawing masks**")
        settings["segment"] = _segment(places, basis)
    return settings | {"heads": heads}


def _unpruned(places: Places, basis: SweepConfig) -> dict[str, Any]:
    """Whether the further candidates are made of the unpruned network as well: asked wherever there are any."""
    name = "fine_tune_unpruned"
    place = places.new(st.container(), name)
    return {name: control(place, SweepConfig.model_fields[name], getattr(basis, name))}


def _runtimes(basis: SweepConfig) -> dict[str, Any]:
    here = runtimes_here()
    programs = "ONNX Runtime and OpenVINO" if OPENVINO in here else "ONNX Runtime"
    asked = st.checkbox(
        f"Also measure in {programs}, in float and in 8-bit integers", len(basis.runtimes) > 1,
        help="Makes ONNX files of all networks, and measures how fast and accurate they are in each runtime.",
    )  # fmt: skip
    return {"runtimes": here if asked else SweepConfig().runtimes}


def _segment(places: Places, basis: SweepConfig) -> dict[str, Any]:
    return group(st.columns(3), basis.segment, "Drawing masks", places)
