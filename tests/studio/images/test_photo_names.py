"""How names tell their photos, in the studio: shown, guessed, and harmless to the queue."""

from __future__ import annotations

import html
from contextlib import suppress
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from ftl.errors import FtlError
from studio.errors import StudioError
from studio.images.library import find_images
from studio.jobs.layout import lay_out
from studio.projects.projects import project_of, set_photo_pattern
from studio.store.database import writing
from studio.store.tables import Project
from tests.ftl.data.test_photo_names import HOSTILE, finished
from tests.studio.conftest import Someone
from tests.studio.formats.test_formats import draw, photograph
from tests.studio.images.test_uploads import send

TALL = "a" * 60 + "!.png"


def stored(project: Someone, pattern: str) -> None:
    """Past the check of the page."""
    with writing() as db:
        db.get_one(Project, project.project_id).photo_pattern = pattern


@pytest.mark.parametrize("pattern", HOSTILE)
def test_no_pattern_blocks_the_queue(project: Someone, tmp_path: Path, pattern: str) -> None:
    """A job lays images out with the pattern; with Python's expressions it never came back from this name."""
    send(project, (TALL, photograph(4, 4, 1)))
    stored(project, pattern)
    image = find_images(project.project_id)[0]
    assert image.name == TALL

    def work() -> None:
        with suppress(StudioError):  # of one image no sweep can be made
            lay_out(project.project_id, tmp_path, mask_classes=[1], image_classes=[1, 2])

    assert finished(work)


def test_a_stored_pattern_that_re2_does_not_know_is_told_and_can_be_replaced(project: Someone, tmp_path: Path) -> None:
    send(project, ("a_1.png", photograph(4, 4, 1)))
    stored(project, r"(.+?)(?=_)_\d")
    with pytest.raises(FtlError, match=r"no look-around.*use a template as \{photo\}_\*"):
        lay_out(project.project_id, tmp_path, mask_classes=[1], image_classes=[1, 2])
    app = crops_panel(project)
    assert "no look-around" in app.error[0].value
    app.text_input[0].set_value("{photo}_#").run()
    app.button[0].click().run()
    assert not app.error
    assert project_of(project.project_id).photo_pattern == "{photo}_#"


def crops_panel(project: Someone) -> AppTest:
    def page(project_id: int, user_id: int) -> None:
        from studio.projects.projects import project_of
        from studio.ui.images.photo_names import panel

        panel(project_of(project_id), user_id)

    app = AppTest.from_function(page, args=(project.project_id, project.user_id), default_timeout=30).run()
    assert not app.exception
    return app


def test_the_template_is_guessed_and_its_effect_shown(project: Someone) -> None:
    send(project, *((f"wall{at // 3}_{at}.png", photograph(4, 4, at)) for at in range(6)))
    send(project, ("plain.png", photograph(4, 4, 9)))
    app = crops_panel(project)
    assert app.text_input[0].value == "{photo}_#"
    assert "2 photos** from 6 images" in "".join(one.value for one in app.markdown)
    assert app.dataframe[0].value.to_dict("list") == {
        "File name": ["wall0_0", "wall0_1", "wall0_2", "wall1_3", "wall1_4"],
        "Photo": ["wall0"] * 3 + ["wall1"] * 2,
    }
    assert any("1 name of 7 do" in one.value and "plain" in one.value for one in app.caption)
    app.text_input[0].set_value("(.+)_").run()
    assert "A template has {photo}" in html.unescape(app.error[0].value)
    assert not project_of(project.project_id).photo_pattern


def test_a_mask_is_laid_out_under_its_photo(project: Someone, monkeypatch: pytest.MonkeyPatch) -> None:
    import numpy as np

    from ftl.data.photo_names import photo_of
    from studio.jobs.layout import file_names

    send(project, ("wall 7_12.png", photograph(4, 4, 1)))
    draw(project, 0, np.ones((4, 4), np.uint8))
    set_photo_pattern(project.project_id, "{photo}_#")
    image = find_images(project.project_id)[0]
    monkeypatch.setattr("PIL.Image.open", None)  # a child opens what was uploaded
    assert file_names([image], photo_of("{photo}_#"))[image.id] == f"{image.id}_wall_7.png"
    assert file_names([image], None)[image.id] == f"{image.id}_wall_7_12.png"
