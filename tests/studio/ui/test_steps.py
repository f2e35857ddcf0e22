"""The steps of a project: what is there, what is missing, and which is next."""

from __future__ import annotations

from pathlib import Path

from studio.annotation import log
from studio.annotation.strokes import Brush
from studio.images.library import find_images, set_class, standing_of
from studio.jobs import queue
from studio.jobs.sweeps import pick
from studio.jobs.usage import DOWNLOADED, TRIED, last_used, note_use
from studio.projects.audit import history
from studio.projects.classes import classes_of
from studio.trash.deleting import archive
from studio.ui.home.steps import DONE, LATER, NEXT, steps_of
from tests.studio.conftest import Someone
from tests.studio.jobs.test_jobs import fill
from tests.tiny_sweep import add_sweep


def told(project: Someone, role: str = "admin") -> dict[str, tuple[str, str]]:
    return {step.title: (step.state, step.button) for step in steps_of(project.project_id, role)}


def test_a_project_goes_from_step_to_step(project: Someone, tmp_path: Path) -> None:
    own, user = project
    assert told(project) == {
        "Photographs": (NEXT, "Add photographs"), "Image classes": (LATER, ""), "Masks": (LATER, ""),
        "Networks": (LATER, ""), "Choose": (LATER, ""), "Use": (LATER, ""),
    }  # fmt: skip
    assert standing_of([own])[own].first is None
    fill(project, tmp_path / "drawn")
    steps = {step.title: step for step in steps_of(own, "admin")}
    assert steps["Image classes"].text == "Crack 16 and Background 16."
    assert (steps["Masks"].state, steps["Masks"].text) == (NEXT, "Drawn on 4 photographs: 2 more are a start.")
    images = find_images(own)
    standing = standing_of([own])[own]
    assert (standing.images, standing.drawn, standing.first.id) == (32, 4, images[0].id)  # type: ignore[union-attr]
    set_class(own, user, [images[-1].id], None)
    steps = {step.title: step for step in steps_of(own, "admin")}
    assert "1 photograph without an image class." in steps["Image classes"].text
    for image in images[4:6]:
        log.append(image.id, user, [Brush("a", 1, {"points": [[1, 1], [9, 9]], "width": 3}, user)])
    assert told(project)["Networks"] == (NEXT, "Make networks")
    assert told(project, "reviewer")["Networks"] == (NEXT, "")
    job = add_sweep(own, user)
    assert told(project)["Choose"] == (NEXT, "Choose a network")
    assert told(project, "annotator")["Choose"] == (NEXT, "")
    pick(own, job.id, "keep-0.5", user)
    assert told(project)["Use"] == (NEXT, "Try it")
    for _ in range(2):
        note_use(own, user, TRIED, 1, "keep-0.5")
    assert told(project)["Use"] == (DONE, "Try again")
    assert [line.what for line in history(own)][:2] == ["tried", "picked"]  # once
    archive(own, user)
    note_use(own, user, DOWNLOADED, 1, "keep-0.25")
    assert last_used(own) == "keep-0.5"  # nothing in an archived project changes
    archive(own, user, archived=False)
    queue.change(job.id, state="failed")
    assert told(project)["Networks"] == (NEXT, "See why")
    assert told(project)["Photographs"] == (DONE, "Add more")


def test_who_only_draws_is_led_past_the_classes(project: Someone, tmp_path: Path) -> None:
    own, user = project
    fill(project, tmp_path / "drawn", masks=7)
    images = find_images(own)
    set_class(own, user, [image.id for image in images], None)
    steps = {step.title: step for step in steps_of(own, "admin")}
    assert (steps["Image classes"].state, steps["Image classes"].text) == (
        LATER, "32 photographs without an image class. Optional: networks can draw masks without image classes. To "
        "tell whole photographs apart, networks need two classes with at least 12 photographs each.",
    )  # fmt: skip
    assert (steps["Masks"].state, steps["Masks"].text) == (DONE, "Drawn on 7 photographs.")
    assert told(project)["Networks"] == (NEXT, "Make networks")
    crack, background = (one.id for one in classes_of(own) if one.name in ("Crack", "Background"))
    set_class(own, user, [images[0].id], crack)
    assert told(project)["Networks"] == (NEXT, "Make networks")  # one class is nothing to tell apart
    set_class(own, user, [images[1].id], background)
    assert told(project)["Image classes"] == (NEXT, "Sort into classes")
    assert told(project)["Masks"] == (DONE, "Draw more")  # what is done stays done
    assert told(project)["Networks"] == (LATER, "Make networks")


def test_who_only_sorts_is_led_to_masks(project: Someone, tmp_path: Path) -> None:
    fill(project, tmp_path / "drawn", masks=0)
    assert told(project)["Image classes"] == (DONE, "Change classes")
    assert told(project)["Masks"] == (NEXT, "Draw masks")
