"""The three choices of a sweep, the network that is recommended to start from, and in what two sweeps differ."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch

from ftl.config import FineTuneConfig, SweepConfig
from studio.images.library import find_images, set_class
from studio.jobs import queue
from studio.jobs.differences import differences, names_of
from studio.jobs.presets import BALANCED, QUICK, QUICK_SECONDS, THOROUGH, Numbers, numbers_of, presets
from studio.jobs.request import SweepRequest
from studio.jobs.starts import Start, recommend, start_of, starts
from studio.ui.sweep.cost import expected
from tests.studio.conftest import Someone
from tests.studio.jobs.test_jobs import fill, give_backbone, request

TINY = Start("file", "tiny.safetensors")


def numbers(**changes: object) -> Numbers:
    names = {7: "Crack", 8: "Background"}
    given = {"masks": 6, "mask_classes": (1,), "classes": {7: 120, 8: 120}, "names": names}
    return Numbers(**(given | changes))  # type: ignore[arg-type]


def test_quick_trains_as_long_as_five_minutes_allow() -> None:
    def seconds_of(asked: SweepRequest) -> float:
        return 20 + 40 * asked.sweep.fine_tune.epochs

    quick, balanced, thorough = presets(numbers(), TINY, seconds_of)
    assert (quick.name, balanced.name, thorough.name) == (QUICK, BALANCED, THOROUGH)
    assert quick.seconds <= QUICK_SECONDS < 20 + 40 * (quick.request.sweep.fine_tune.epochs + 3)
    assert balanced.request.sweep == SweepConfig(heads=("tuned",), positive="Crack")  # the defaults, else
    assert balanced.request.repeats == 0 < thorough.request.repeats
    assert len(quick.request.sweep.keep) < len(balanced.request.sweep.keep) < len(thorough.request.sweep.keep)
    (slow, *_) = presets(numbers(), TINY, lambda asked: 3600.0)
    assert (slow.seconds, slow.request.sweep.fine_tune.epochs) == (3600.0, 2)  # it says how long, whatever it takes
    (fast, *_) = presets(numbers(), TINY, lambda asked: 1.0)
    assert fast.request.sweep.fine_tune == FineTuneConfig()


def test_few_photographs_are_shown_more_often_to_a_network_from_scratch() -> None:
    scratch = Start("scratch", "alexnet_bn")
    epochs = [
        presets(numbers(classes={7: each, 8: each}), scratch, lambda asked: 1.0)[1].request.epochs
        for each in (20, 300, 5000)
    ]
    assert epochs == [40, 24, 10]


def test_without_two_classes_networks_only_draw_masks(project: Someone, tmp_path: Path) -> None:
    fill(project, tmp_path / "drawn")
    found = numbers_of(project.project_id)
    crack, background = (one for one in found.names if found.names[one] in ("Crack", "Background"))
    assert (found.masks, found.mask_classes, found.positive) == (4, (1,), "Crack")
    assert (found.classes, found.images) == ({crack: 16, background: 16}, 32)
    ids = [image.id for image in find_images(project.project_id)]
    set_class(project.project_id, project.user_id, ids[8:], None)
    few = numbers_of(project.project_id)
    assert (few.classes, few.only_masks) == ({}, True)
    for choice in presets(few, TINY, lambda asked: 1.0):
        assert choice.request.image_classes == ()
        assert choice.request.sweep.only_masks
        assert choice.request.repeats == 0
        assert all(name.endswith("-segmented") for name in choice.request.sweep.candidates())


def test_the_network_to_start_from_goes_by_what_there_is(
    project: Someone, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)

    def best() -> tuple[Start, str]:
        return recommend(starts(project.project_id), 240)

    start, why = best()
    assert start == Start("scratch", "alexnet_bn")
    assert "No pretrained weights" in why
    assert "240 photographs" in why
    assert "learn from 1 mask." in recommend(starts(project.project_id), 1, "mask").why
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "checkpoints" / "vgg16-397923af.pth").touch()
    assert best()[0] == Start("registry", "vgg16")
    assert Start("registry", "resnet18", 44.661) in starts(project.project_id)
    (tmp_path / "checkpoints" / "resnet18-f37072fd.pth").touch()
    assert best()[0] == Start("registry", "resnet18")
    pretrained = [one for one in starts(project.project_id) if one.source == "registry"]
    assert [one.name for one in pretrained if not one.download] == [one.name for one in pretrained[:2]]
    monkeypatch.setattr("os.cpu_count", lambda: 32)
    assert best()[0] == Start("registry", "vgg16")
    give_backbone(project)
    assert best()[0] == TINY


def test_a_choice_says_when_it_begins_and_ends(project: Someone, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue, "start_worker", lambda: None)
    assert re.fullmatch(r"Begins at once, done at about \d\d:\d\d( on .*)?\.", expected(project.project_id, 300.0))
    queue.launch(project.project_id, project.user_id, "sweep", "a", SweepRequest(), 600.0)
    told = expected(project.project_id, 300.0)
    assert told.startswith("Behind 1 job: begins in about 10 min, done at about")
    queue.launch(project.project_id, project.user_id, "sweep", "b", SweepRequest())  # nobody knows how long it takes
    assert expected(project.project_id, 300.0) == "Behind 2 jobs: begins once they are done."


def test_two_sweeps_differ_in_what_is_named(project: Someone) -> None:
    before = request(project)
    after = before.but(sweep=before.sweep.but(keep=(0.1,), heads=("tuned",), fine_tune=FineTuneConfig(epochs=3)))
    assert start_of(before) == TINY
    assert differences(before, before) == []
    assert [(one.setting, one.before, one.after) for one in differences(before, after)] == [
        ("Keep fractions", "0.25, 0.5", "0.1"),
        ("Further candidates", "–", "tuned"),
        ("Epochs", "15", "3"),
    ]
    fewer = before.but(image_classes=before.image_classes[:1])
    (classes,) = differences(before, fewer, names_of(project.project_id))
    assert (classes.before, classes.after) == ("Crack, Background", "Crack")
