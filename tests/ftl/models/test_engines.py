"""Engines give what PyTorch gives in float32, and a sweep stays with the one that it began with."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
import torchvision

from ftl.errors import FtlError
from ftl.files import read_json, write_json
from ftl.models import engines
from ftl.models.backbone import Backbone
from ftl.models.engines import FLOAT32, Engines, batch_of, begin, engine_for, fastest, forward
from ftl.models.io import build_like
from ftl.models.preprocess import Preprocess
from ftl.models.registry import REGISTRY
from ftl.sweeping.manifest import engine_of, engines_of
from ftl.training.features import extract, read_features
from ftl.training.silent_filters import Activity, WithPeaks
from tests.conftest import SIZE, make_backbone, sweep_in

OTHERS = {"PyTorch bfloat16": 0.03, "OpenVINO float32": 1e-5, "OpenVINO bfloat16": 0.03}
"""How far each may be from PyTorch in float32, as a share of the largest value."""


def make_graph() -> Backbone:
    torch.manual_seed(0)
    setting = [[1, 8, 1, 1], [4, 16, 2, 2]]
    network = torchvision.models.MobileNetV2(width_mult=0.25, inverted_residual_setting=setting)
    return Backbone("graph", build_like(network.eval()), Preprocess("imagenet", SIZE))


@pytest.mark.parametrize("make", [make_backbone, make_graph])
def test_engines_agree_on_maps_and_on_peaks(make: type[Backbone], monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("openvino")
    monkeypatch.setattr(engines, "multiplies_bfloat16", lambda device: True)
    network, count = make(), batch_of("OpenVINO float32") - 1  # a batch that is not full
    images = np.random.default_rng(0).integers(0, 256, (count, SIZE, SIZE, 3), dtype=np.uint8)
    reference = forward(WithPeaks(network), network.preprocess)(images)
    with torch.inference_mode():
        assert torch.equal(reference[0], network(network.inputs(images)))
    assert len(reference) > 3
    for engine, limit in OTHERS.items():
        found = forward(WithPeaks(network), network.preprocess, engine)(images)
        for own, theirs in zip(found, reference, strict=True):
            assert own.dtype == torch.float32
            assert own.shape == theirs.shape
            assert (own - theirs).abs().max() <= limit * theirs.abs().max(), engine
        exact, activity = Activity(), Activity()
        exact.see(reference[1:])
        activity.see(found[1:])
        (silent, filters), (silent_exact, filters_exact) = activity.silent(), exact.silent()
        assert filters == filters_exact
        assert abs(silent - silent_exact) <= 0.005 * filters


def test_a_network_that_bfloat16_changes_is_run_in_float32(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines, "multiplies_bfloat16", lambda device: True)
    network = make_backbone()
    images = np.random.default_rng(0).integers(0, 256, (2, SIZE, SIZE, 3), dtype=np.uint8)
    engine, _ = begin(network, network.preprocess, "PyTorch bfloat16", images)
    assert engine == "PyTorch bfloat16"
    monkeypatch.setattr(engines, "_APART", 0)
    engine, run = begin(network, network.preprocess, "PyTorch bfloat16", images)
    assert engine == FLOAT32
    assert torch.equal(run(images)[0], forward(network, network.preprocess)(images)[0])


def test_another_engine_is_taken_where_it_pays(monkeypatch: pytest.MonkeyPatch) -> None:
    network = make_backbone()
    assert engine_for(network, 1000) == FLOAT32
    found = Engines("OpenVINO bfloat16", "OpenVINO float32")
    assert found.suited(15_346_630_656, 400, is_unpruned=True) == "OpenVINO bfloat16"
    assert found.suited(1_372_000_000, 400, is_unpruned=False) == "OpenVINO float32"
    assert found.suited(1_372_000_000, 40, is_unpruned=True) == FLOAT32
    monkeypatch.setattr(engines, "_REPAYS", 0)
    monkeypatch.setattr(engines, "fastest", lambda network: found)
    monkeypatch.setattr(engines, "_measured", {})
    assert engine_for(network, 1) == "OpenVINO float32"
    monkeypatch.setattr(engines, "fastest", None)  # nothing is measured again
    assert engine_for(network, 1) == "OpenVINO float32"
    unpruned = REGISTRY["vgg16"]._replace(spec=network.spec)
    monkeypatch.setitem(REGISTRY, network.name, unpruned)
    assert engine_for(network, 1) == "OpenVINO bfloat16"


def test_pruned_networks_are_run_in_float32_and_the_unpruned_one_by_what_is_fastest(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seconds, clock, wrong = {FLOAT32: 3, "OpenVINO bfloat16": 1, "OpenVINO float32": 2}, [0], set[str]()

    def maps(engine: str, images: np.ndarray) -> list[torch.Tensor]:
        clock[0] += seconds[engine]
        return [torch.full((len(images), 1), 1.0 + (engine in wrong))]

    monkeypatch.setattr(engines, "engines", lambda: [*seconds])
    monkeypatch.setattr(engines, "forward", lambda network, preprocess, engine=FLOAT32: partial(maps, engine))
    monkeypatch.setattr(engines, "time", SimpleNamespace(perf_counter=lambda: clock[0]))
    network = make_backbone()
    assert fastest(network) == ("OpenVINO bfloat16", "OpenVINO float32")
    wrong.add("OpenVINO bfloat16")
    assert fastest(network) == ("OpenVINO float32", "OpenVINO float32")
    assert fastest(network, [FLOAT32, "OpenVINO bfloat16"]) == Engines()


def test_a_sweep_stays_with_its_engine(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("openvino")
    monkeypatch.setattr(engines, "_REPAYS", 0)
    monkeypatch.setattr(engines, "multiplies_bfloat16", lambda device: True)
    chosen = Engines("PyTorch bfloat16", "OpenVINO float32")
    monkeypatch.setattr("ftl.sweeping.manifest.fastest", lambda network, among: chosen)
    first, out = sweep_in(workspace), workspace / "models"
    assert read_json(out / "sweep.json")["engines"] == chosen._asdict()
    for name, engine in (("base", chosen.unpruned), ("keep-0.5", chosen.pruned)):
        for file in ("validation.json", "test.json"):
            assert read_json(out / name / file)["engine"] == engine
    features = out / "keep-0.5" / "features.h5"
    found, dataset = read_features(features)
    plain, _ = read_features(extract(out / "keep-0.5", dataset, name="plain.h5"))
    assert not np.array_equal(found, plain)
    np.testing.assert_allclose(found, plain, atol=1e-4 * plain.max())

    before = features.stat().st_mtime_ns
    (out / "base" / "test.json").unlink()
    monkeypatch.setattr("ftl.sweeping.manifest.fastest", None)  # nothing is measured again
    again = sweep_in(workspace)
    assert read_json(out / "base" / "test.json")["engine"] == "PyTorch bfloat16"
    assert features.stat().st_mtime_ns == before
    assert [one.test_accuracy for one in again.candidates] == [one.test_accuracy for one in first.candidates]
    write_json(out / "sweep.json", read_json(out / "sweep.json") | {"engines": {"unpruned": "OpenVINO float8"}})
    sweep_in(workspace)  # which has nothing left to run
    with pytest.raises(FtlError, match=r"OpenVINO float8 runs the networks of this sweep"):
        extract(out / "base", dataset, engine=engine_of(out / "base", 1, engines_of(out, 1)))
