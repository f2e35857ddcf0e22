"""The controls that tell how a crop's file name names its photo, with the effect on the project's own names."""

from __future__ import annotations

from pathlib import PurePosixPath

import streamlit as st

from ftl.data.photo_names import Effect, effect, guess, is_template
from ftl.formatting import counted
from studio import ui
from studio.errors import StudioError
from studio.images.library import find_images
from studio.projects.projects import set_photo_pattern
from studio.store.tables import Project


def panel(project: Project, who: int) -> None:
    """Draw a text field for the template, what it makes of the names of the project's images, and a button."""
    st.markdown(
        "If your files are crops of larger photos, describe their names with a template: `{photo}` stands for the "
        "photo's name, `#` for a number, `*` for anything. Crops of one photo then stay on one side of "
        "every split, which keeps the accuracies honest."
    )
    stems = [PurePosixPath(image.name).stem for image in find_images(project.id)]
    stored = project.photo_pattern or ""
    guessed = "" if stored else guess(stems) or ""
    template = st.text_input(
        "Template", stored or guessed, placeholder="{photo}_*", key=f"template-{project.id}", max_chars=200
    ).strip()
    if guessed and template == guessed:
        st.caption("Guessed from the names: save it if it is right.")
    with ui.showing_errors():
        if template and template != stored and not is_template(template):
            raise StudioError("a template has {photo} where the photo's name stands, as in {photo}_*")
        if template:
            _show(effect(template, stems), len(stems))
        if template and not is_template(template):
            st.caption(
                "This is a regular expression from before templates. It goes on working; a template replaces it."
            )
        if st.button("Save", key=f"save-template-{project.id}", disabled=template == stored):
            set_photo_pattern(project.id, template, who)
            st.rerun()


def _show(made: Effect, images: int) -> None:
    if not images:
        st.caption("Upload photographs to see which photo each file name gives.")
        return
    st.markdown(f"**{counted(made.photos, 'photo')}** from {counted(made.fitting, 'image')}")
    if made.examples:
        rows = [{"File name": stem, "Photo": photo} for stem, photo in made.examples]
        st.dataframe(rows, hide_index=True, width="stretch")
    if made.strangers:
        some = ", ".join(ui.plain(stem) for stem in made.strangers[:3])
        more = ", ..." if len(made.strangers) > 3 else ""
        st.caption(
            f"{counted(len(made.strangers), 'name')} of {images:,} do not match the template; each counts as a photo "
            f"of its own: {some}{more}"
        )
