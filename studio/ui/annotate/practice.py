"""Beside the surface of a photograph whose true mask is known: how close the drawn one comes to it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import streamlit as st

from ftl.formatting import fixed
from studio import ui
from studio.annotation import log
from studio.collaboration import agreement, practice
from studio.store import files
from studio.store.tables import Image, ImageClass
from studio.ui import pictures

TOLERANCE = 2
"""Pixels that an edge may be off by."""

_COLOURS = {practice.RIGHT: "#009e73", practice.MISSED: "#f0b000", practice.BEYOND: "#56b4e9"}
_OPACITY = 0.85


def popover(image: Image, here: ui.Here, classes: Sequence[ImageClass], *, own_only: bool) -> None:
    """Draw it, behind a button; nothing where no true mask is known."""
    truth = practice.true_mask(image)
    if truth is None:
        return
    opened = st.popover("How close?", icon=":material/target:", on_change="rerun", key=f"how-close-{image.id}")
    if not opened.open:
        return
    with opened:
        mask = log.mask(image, author_id=here.user.id if own_only else None)
        if not mask.any():
            st.markdown("Nothing is drawn here yet: draw what you see, then compare.")
            return
        truth = np.where(np.isin(truth, mask), truth, 0)  # of the classes that are drawn: the others come in their turn
        photo, found = files.photograph(image.sha256), practice.compared(mask, truth)
        st.image(pictures.masked(photo, found, _COLOURS, (420, 340), _OPACITY))
        st.caption("Green is right, yellow is missed, blue is too much.")
        rows = agreement.pairs({"You": mask, "Truth": truth}, {one.number: one.name for one in classes}, TOLERANCE)
        for row in rows:
            st.markdown(f"**{ui.plain(row['Class'])}** · F1 {fixed(row['F1'], 2)} · IoU {fixed(row['IoU'], 2)}")
        st.caption(f"1 is the true mask. F1 lets an edge be {TOLERANCE} pixels off; IoU counts every pixel.")
