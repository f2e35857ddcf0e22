"""What a sweep is expected to take follows the engines that will run its networks."""

from __future__ import annotations

import pytest

from ftl.models.backbone import macs
from ftl.models.engines import FLOAT32
from ftl.models.registry import architecture
from studio.jobs import estimate
from studio.jobs.estimate import TIMING_SECONDS, Speeds, linear_seconds, openvino_seconds, speeds, tuning_seconds
from tests.conftest import make_backbone

SPEEDS = Speeds(1e10, 5e10, 2e10)


def test_engines_are_measured_once_and_only_where_they_pay(monkeypatch: pytest.MonkeyPatch) -> None:
    taken = {FLOAT32: 4.0, "OpenVINO bfloat16": 0.5, "OpenVINO float32": 2.0}
    asked = list[str]()
    monkeypatch.setattr(estimate, "timed", lambda network: asked.append(network.name) or taken)
    monkeypatch.setattr(estimate, "_gains", {})
    network = make_backbone()
    assert speeds(network, 100, 1e9) == (1e9, 1e9, 1e9)
    assert not asked
    monkeypatch.setattr(estimate, "pays", lambda work, images: True)
    assert speeds(network, 100, 1e9) == (1e9, 8e9, 2e9)
    assert speeds(network, 100, 1e10) == (1e10, 8e10, 2e10)
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


@pytest.mark.parametrize(("images", "steps"), [(0, 30), (24, 30), (400, 34), (600, 50), (727, 30), (2000, 83)])
def test_fine_tuning_takes_its_steps(images: int, steps: int) -> None:
    """Two thirds of the images train; an epoch has at least 30 steps of 16, if need be by showing each image twice."""
    spec = architecture("vgg16").spec()
    turning = tuning_seconds(spec, 224, [0.1, 0.2], images, 15, float("inf"))
    assert turning == pytest.approx(15 * steps * 16 * 2 * estimate._TURNING_SECONDS)
