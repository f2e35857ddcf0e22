"""What a sweep is expected to take follows the engines that will run its networks."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch

from ftl.config import SegmentConfig, SweepConfig
from ftl.models.backbone import Backbone, build, macs
from ftl.models.engines import FLOAT32
from ftl.models.preprocess import Preprocess
from ftl.models.registry import architecture
from studio.jobs import estimate
from studio.jobs.cost import parts
from studio.jobs.estimate import (
    TIMING_SECONDS,
    Speeds,
    drawing_seconds,
    linear_seconds,
    narrow_step,
    openvino_seconds,
    side_by_side,
    speeds,
    training_seconds,
    tuning_seconds,
)
from studio.jobs.meter import BACKBONE
from studio.jobs.request import SweepRequest
from tests.conftest import SIZE, make_backbone

SPEEDS = Speeds(1e10, 5e10, 2e10, 0.02)


def test_engines_are_measured_once_and_only_where_they_pay(monkeypatch: pytest.MonkeyPatch) -> None:
    taken = {FLOAT32: 4.0, "OpenVINO bfloat16": 0.5, "OpenVINO float32": 2.0}
    asked = list[str]()
    monkeypatch.setattr(estimate, "timed", lambda network: asked.append(network.name) or taken)
    monkeypatch.setattr(estimate, "_gains", {})
    network = make_backbone()
    assert speeds(network, 100, 1e9, 0.02) == (1e9, 1e9, 1e9, 0.02)
    assert not asked
    monkeypatch.setattr(estimate, "pays", lambda work, images: True)
    assert speeds(network, 100, 1e9, 0.02) == (1e9, 8e9, 2e9, 0.02)
    assert speeds(network, 100, 1e10, 0.02) == (1e10, 8e10, 2e10, 0.02)
    assert asked == ["tiny"]


def test_features_and_answers_take_what_their_engine_takes() -> None:
    spec = architecture("vgg16").spec()
    work = macs(spec, 224)

    def looking(keep: float, images: int, **more: bool) -> float:
        return linear_seconds(spec, 224, keep, images=images, speeds=SPEEDS, **more)

    assert looking(1.0, 1000, is_unpruned=True) == pytest.approx(1000 * work / SPEEDS.unpruned, rel=1e-3)
    assert looking(1.0, 1000) == pytest.approx(1000 * work / SPEEDS.pruned, rel=1e-3)
    assert looking(1.0, 5, is_unpruned=True) == pytest.approx(5 * work / SPEEDS.pytorch, rel=1e-3)  # too few
    thousand, more = (openvino_seconds(spec, 224, 1.0, images=count, speeds=SPEEDS) for count in (1000, 2000))
    assert more - thousand == pytest.approx(440 * work / SPEEDS.pruned)
    assert thousand > TIMING_SECONDS


@pytest.mark.parametrize(
    ("images", "steps", "again"),
    [(0, 30, True), (24, 30, True), (400, 34, True), (600, 50, True), (727, 30, True), (2000, 83, False)],
)
def test_fine_tuning_takes_its_steps(images: int, steps: int, again: bool) -> None:
    """Two thirds of the images train; an epoch has at least 30 steps of 16, if need be by showing each image twice.

    Behind an epoch of few steps they are looked at `again`, as those always are that say when to stop.
    """
    took = tuning_seconds(architecture("vgg16").spec(), 224, 0.1, images, 15, SPEEDS)
    train = round(0.66 * images) or 1
    looked_at = 0.09 * images + (train if again else 0)
    assert took == pytest.approx(15 * (steps * 16 + looked_at / 3) * 0.02)


def test_a_step_takes_what_was_measured_of_a_narrow_and_of_the_unpruned_network(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("os.sched_getaffinity", lambda process: {0, 1})
    spec = architecture("vgg16").spec()
    shown = 15 * (30 * 16 + (0.09 * 24 + 16) / 3)
    steps_of = [tuning_seconds(spec, 224, keep, 24, 15, SPEEDS) / shown for keep in (0.03, 0.1, 0.3, 0.6, 1.0)]
    assert steps_of == sorted(steps_of)
    assert steps_of[1] == pytest.approx(SPEEDS.narrow)
    assert steps_of[-1] == pytest.approx(2 * 3 * macs(spec, 224) / SPEEDS.pytorch)  # on one of two cores
    alone = [tuning_seconds(spec, 224, keep, 24, 15, SPEEDS, alone=True) / shown for keep in (0.1, 1.0)]
    assert alone == pytest.approx([steps_of[1], steps_of[-1] / 2])


@pytest.mark.parametrize(("name", "side", "images"), [("alexnet", 64, 16), ("resnet18", 64, 16), ("alexnet", 448, 4)])
def test_a_narrow_step_is_measured_on_one_thread(
    monkeypatch: pytest.MonkeyPatch, name: str, side: int, images: int
) -> None:
    seen = list[tuple[int, int]]()
    monkeypatch.setattr(estimate, "_THREADS", before := torch.get_num_threads())
    monkeypatch.setattr(
        estimate, "train_step", lambda state, batch, *more: seen.append((torch.get_num_threads(), len(batch[0])))
    )
    clock = iter([0.0, 9.0, 10.0, 13.0, 20.0, 22.0])  # the first step warms up; of the others the fastest counts
    monkeypatch.setattr("studio.jobs.estimate.time", SimpleNamespace(perf_counter=lambda: next(clock)))
    network = Backbone(name, build(architecture(name).spec()), Preprocess("caffe", side))
    assert narrow_step(network, takes=2) == 2.0 / images
    assert seen == [(1, images)] * 3
    assert torch.get_num_threads() == before


@pytest.mark.parametrize(
    ("tasks", "whole"),
    [({}, 0.0), ({"a": 8.0}, 8.0), ({"a": 6.0, "b": 2.0}, 6.0), ({"a": 2.0, "b": 4.0, "c": 4.0}, 5.0)],
)
def test_tasks_are_done_side_by_side_and_none_in_less_than_its_own_time(
    monkeypatch: pytest.MonkeyPatch, tasks: dict[str, float], whole: float
) -> None:
    monkeypatch.setattr(estimate, "workers", lambda: (2, 1))
    shares = side_by_side(tasks)
    assert sum(shares.values()) == pytest.approx(whole)
    assert all(shares[one] / shares["a"] == pytest.approx(tasks[one] / tasks["a"]) for one in tasks)


def test_a_network_from_scratch_takes_its_training_on_images_or_on_masks() -> None:
    network, scratch = make_backbone(), SweepRequest(source="scratch", architecture="alexnet_bn", epochs=4)
    assert parts(network, SPEEDS, scratch, 6, 80)[BACKBONE] == training_seconds(network.spec(), SIZE, 80, 4, 1e10)
    masks = scratch.but(sweep=SweepConfig(heads=("segmented",), only_masks=True, segment=SegmentConfig(steps=400)))
    took = parts(network, SPEEDS, masks, 6, 0)[BACKBONE]
    assert took == drawing_seconds(network.spec(), SIZE, 1.0, SegmentConfig(steps=100), 1e10)


def test_a_sweep_of_no_photographs_is_estimated_too() -> None:
    """What is wrong with it is told by whoever launches it."""
    request = SweepRequest(sweep=SweepConfig(heads=("tuned",), budgets=("10%",)))
    found = parts(make_backbone(), SPEEDS, request, 0, 0)
    assert all(seconds >= 0 for seconds in found.values())
