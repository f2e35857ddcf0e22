"""The Sweep page: weights that are not here, settings that nobody touched, and times of a busy machine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import Checkbox

from ftl.config import FineTuneConfig, SegmentConfig, SweepConfig
from studio.images.library import Filter, count_by_class, find_images, set_class
from studio.jobs.differences import differences
from studio.jobs.presets import Numbers, numbers_of, presets
from studio.jobs.request import SweepRequest
from studio.jobs.starts import Start
from studio.projects.classes import classes_of
from studio.ui.sweep import cost, start
from tests.studio.conftest import Someone
from tests.studio.jobs.test_jobs import fill

NUMBERS = Numbers(masks=6, mask_classes=(1,), classes={7: 120, 8: 120}, names={7: "Crack", 8: "Background"})
SCRATCH, RESNET = Start("scratch", "alexnet_bn"), Start("registry", "resnet18", 44.661)


@pytest.fixture(autouse=True)
def measured(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """A quiet machine of a known speed, without any weights."""
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path / "hub"))
    monkeypatch.setattr(cost, "speed", lambda network: 1e9)
    monkeypatch.setattr(cost, "narrow_step", lambda network: 0.02)
    monkeypatch.setattr(cost, "look", lambda: 0.0)
    monkeypatch.setattr(cost, "others", lambda before, after: 0.0)
    forget()
    yield
    forget()


def forget() -> None:
    """Forget what an earlier test has measured and reached."""
    for cached in (cost._measured_once, cost._load, start._reached):
        cached.clear()


def choosing(project: Someone, copied: Start | None) -> AppTest:
    """The choice of a network, begun at one."""

    def content(project_id: int, who: int, numbers: object, copied: object) -> None:
        from studio.ui.sweep.start import choose

        choose(project_id, who, numbers, copied)  # type: ignore[arg-type]

    done = AppTest.from_function(content, args=(*project, NUMBERS, copied), default_timeout=60).run()
    assert not done.exception
    return done


@pytest.mark.parametrize("reached", [True, False])
def test_weights_that_cannot_be_had_are_told_beside_the_choice(
    project: Someone, monkeypatch: pytest.MonkeyPatch, reached: bool
) -> None:
    asked = list[str]()
    monkeypatch.setattr(start, "answers", lambda url: asked.append(url) or reached)
    page = choosing(project, RESNET)
    titles = page.selectbox[0].options
    assert titles[0] == "alexnet_bn · trained from scratch on this project (recommended)"
    assert "resnet18 · pretrained on ImageNet · downloads 44.7 MB" in titles
    assert page.selectbox[0].value == RESNET
    url = "https://download.pytorch.org/models/resnet18-f37072fd.pth"
    assert asked == [url]
    told = [one.value for one in page.warning]
    assert bool(told) is not reached
    assert all(f"[resnet18-f37072fd.pth]({url}) (44.7 MB)" in one and "from scratch" in one for one in told)
    assert all("download.pytorch.org did not answer within 5 seconds: a sweep may fail" in one for one in told)
    page.run()
    assert asked == [url]  # a minute ago at most


def test_nothing_is_looked_for_where_nothing_is_downloaded(project: Someone, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(start, "answers", None)
    page = choosing(project, None)
    assert page.selectbox[0].value == SCRATCH
    assert not page.warning


def test_a_busy_machine_is_told_and_measured_again_when_it_is_quiet(
    project: Someone, monkeypatch: pytest.MonkeyPatch
) -> None:
    load, speeds, now = [0.85], iter([1e9, 5e9, 9e9]), ticking(monkeypatch)
    monkeypatch.setattr(cost, "look", lambda: load[0])
    monkeypatch.setattr(cost, "speed", lambda network: next(speeds))

    def seconds() -> tuple[float, str]:
        now[0] += 10
        cost._load.clear()
        size = cost.size_of(project.project_id, SCRATCH)
        return size.seconds * 1e9 / size.macs, cost.busy(project.project_id, SCRATCH)

    for _ in range(2):
        took, told = seconds()
        assert took == pytest.approx(1.0)
        assert told.startswith("Measured while other programs used 85 % of the processor")
    load[0] = 0.05
    for _ in range(2):
        assert seconds() == (pytest.approx(0.2), "")


def ticking(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """A clock that stands still until it is set."""
    now = [1000.0]
    monkeypatch.setattr(cost, "time", SimpleNamespace(monotonic=lambda: now[0]))
    return now


def test_a_machine_that_is_nearly_quiet_is_measured_once_a_page(
    project: Someone, monkeypatch: pytest.MonkeyPatch
) -> None:
    measured, now = list[str](), ticking(monkeypatch)
    monkeypatch.setattr(cost, "speed", lambda network: measured.append(network.name) or 1e9)
    monkeypatch.setattr(cost, "look", lambda: 0.05)
    monkeypatch.setattr(cost, "others", lambda before, after: 0.12)

    def page() -> int:
        measured.clear()
        cost.size_of(project.project_id, SCRATCH)
        assert "12 %" in cost.busy(project.project_id, SCRATCH)
        assert cost.problems_of(project.project_id, SCRATCH, SweepConfig()) == {}
        for choice in presets(NUMBERS, SCRATCH, lambda asked: 1000.0):
            cost.estimate_parts(project.project_id, choice.request, 6, 240)
        return len(measured)

    assert page() == 1
    now[0] += 9
    assert page() == 0
    now[0] += 1
    assert page() == 1


def test_a_look_of_seconds_ago_does_not_measure_again(project: Someone, monkeypatch: pytest.MonkeyPatch) -> None:
    measured, now, load = list[str](), ticking(monkeypatch), [0.85]
    monkeypatch.setattr(cost, "speed", lambda network: measured.append(network.name) or 1e9)
    monkeypatch.setattr(cost, "look", lambda: load[0])
    cost.size_of(project.project_id, SCRATCH)
    load[0] = 0.05
    assert cost._load() == 0.05
    load[0] = 0.85
    now[0] += 10
    cost.size_of(project.project_id, SCRATCH)
    assert len(measured) == 1


def test_what_other_programs_use_during_the_measurement_counts(
    project: Someone, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cost, "others", lambda before, after: 0.4)
    assert "40 %" in cost.busy(project.project_id, SCRATCH)


def shown(project_id: int, start: object, basis: object, classes: object, counts: object) -> None:
    import streamlit as st

    from studio.ui.sweep import advanced

    st.session_state["request"] = advanced.form(project_id, start, basis, classes, counts)  # type: ignore[arg-type]


def form(project: Someone, start: Start, basis: SweepRequest) -> AppTest:
    """All settings, begun at those of `basis`."""
    classes, counts = classes_of(project.project_id), count_by_class(project.project_id, Filter())
    app = AppTest.from_function(shown, args=(project.project_id, start, basis, classes, counts), default_timeout=60)
    return app.run()


@pytest.mark.parametrize("start", [SCRATCH, RESNET])
@pytest.mark.parametrize("only_masks", [False, True])
def test_settings_that_nobody_touched_are_those_of_the_choice(
    project: Someone, tmp_path: Path, start: Start, only_masks: bool
) -> None:
    fill(project, tmp_path / "drawn")
    if only_masks:
        set_class(project.project_id, project.user_id, [image.id for image in find_images(project.project_id)], None)
    for choice in presets(numbers_of(project.project_id), start, lambda asked: 1000.0):
        page = form(project, start, choice.request)
        assert not page.exception
        assert differences(choice.request, page.session_state["request"]) == []
        assert page.session_state["request"] == choice.request


def test_settings_that_are_hidden_stay_as_they_were(project: Someone, tmp_path: Path) -> None:
    fill(project, tmp_path / "drawn")
    (quick, *_) = presets(numbers_of(project.project_id), RESNET, lambda asked: 1000.0)
    page = form(project, RESNET, quick.request)
    ticked(page, "Fine-tuned").uncheck().run()
    (change,) = differences(quick.request, page.session_state["request"])
    assert (change.setting, change.before, change.after) == ("Further candidates", "tuned", "–")


UNPRUNED = "Further candidates of the unpruned network"


@pytest.mark.parametrize("further", ["BN-recalibrated", "Fine-tuned", "Draws masks"])
def test_whether_the_unpruned_network_is_trained_too_is_asked_with_every_further_candidate(
    project: Someone, tmp_path: Path, further: str
) -> None:
    fill(project, tmp_path / "drawn")
    (*_, thorough) = presets(numbers_of(project.project_id), SCRATCH, lambda asked: 1000.0)
    page = form(project, SCRATCH, thorough.request)
    ticked(page, "Fine-tuned").uncheck().run()
    assert UNPRUNED not in [one.label for one in page.checkbox]
    assert page.session_state["request"].sweep.heads_of("base") == ["linear"]
    ticked(page, further).check().run()
    assert len(page.session_state["request"].sweep.heads_of("base")) == 2
    ticked(page, UNPRUNED).uncheck().run()
    assert page.session_state["request"].sweep.heads_of("base") == ["linear"]


def test_whether_the_unpruned_network_is_trained_too_is_asked_without_classes(project: Someone, tmp_path: Path) -> None:
    fill(project, tmp_path / "drawn")
    set_class(project.project_id, project.user_id, [image.id for image in find_images(project.project_id)], None)
    (*_, thorough) = presets(numbers_of(project.project_id), SCRATCH, lambda asked: 1000.0)
    page = form(project, SCRATCH, thorough.request)
    ticked(page, UNPRUNED).uncheck().run()
    assert page.session_state["request"].sweep.heads_of("base") == []


def ticked(page: AppTest, label: str) -> Checkbox:
    """A checkbox by its label."""
    (found,) = [one for one in page.checkbox if one.label == label]
    return found


def test_the_settings_of_an_earlier_sweep_are_taken_over_with_another_network(project: Someone, tmp_path: Path) -> None:
    fill(project, tmp_path / "drawn")
    (quick, *_) = presets(numbers_of(project.project_id), Start("file", "old.safetensors"), lambda asked: 1.0)
    request = form(project, RESNET, quick.request).session_state["request"]
    assert (request.source, request.architecture, request.file) == ("registry", "resnet18", None)


def test_small_numbers_are_seen(project: Someone, tmp_path: Path) -> None:
    fill(project, tmp_path / "drawn")
    (quick, *_) = presets(numbers_of(project.project_id), RESNET, lambda asked: 1.0)
    rates = FineTuneConfig(learning_rate=2e-6), SegmentConfig(learning_rate=3e-4)
    config = SweepConfig(heads=("tuned", "segmented"), positive="Crack", fine_tune=rates[0], segment=rates[1])
    page = form(project, RESNET, quick.request.but(sweep=config))
    found = {one.label: one for one in page.number_input if one.label.startswith("Learning rate")}
    assert {label: one.value for label, one in found.items()} == {
        "Learning rate": 2e-6, "Learning rate of masks": 3e-4,
    }  # fmt: skip
    assert [one.proto.format % one.value for one in found.values()] == ["0.000002", "0.000300"]


def test_what_takes_longest_comes_first() -> None:
    seconds = {
        "layout": 500.0,
        "scoring": 4.0,
        "keep-0.1": 100.0,
        "keep-0.1-tuned": 200.0,
        "latency": 30.0,
        "repeats": 2.0,
    }
    assert cost.longest(seconds) == "training and testing 5 min, measuring latency 30 s, ranking filters 4 s"
