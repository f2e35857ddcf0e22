"""Networks taken home: each form says what the PyTorch network says."""

from __future__ import annotations

import copy
import csv
import io
import json
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from PIL import Image
from torch import nn

import ftl
from ftl.cli import main
from ftl.data.images import read_image, resize_image
from ftl.errors import FtlError
from ftl.evaluation.candidate import in_runtime, runtimes_of
from ftl.evaluation.decision import choose
from ftl.evaluation.predict import predict
from ftl.evaluation.runtimes import IN_OPENVINO, NETWORKS, TITLES, runtimes_here
from ftl.exporting import export
from ftl.exporting import onnx as to_onnx
from ftl.exporting.calibration import Parts, trained_with
from ftl.exporting.equalization import balanced
from ftl.exporting.openvino import answering, compiled
from ftl.exporting.padding import widened, width
from ftl.exporting.prepared import int8_of, prepare
from ftl.exporting.quantization import WAYS, quantised
from ftl.exporting.torch_export import program
from ftl.files import read_json
from ftl.formatting import milliseconds, percent
from ftl.models.backbone import Backbone
from ftl.models.classifier import Model, load_model, write_head
from ftl.models.head import Head, features_from
from ftl.models.preprocess import KINDS, Preprocess
from ftl.pruning.selection import pick
from ftl.reporting.document import Table
from ftl.reporting.shapes import Words
from ftl.reporting.sweep_charts import accuracy_over_latency
from ftl.reporting.sweep_report import runtimes_table
from ftl.sweeping.other_machine import on_machine, read_times
from ftl.sweeping.results import read_results
from tests.conftest import ROOT, SIZE, make_backbone, make_features, make_workspace, sweep_in

SIZES = [(SIZE, SIZE), (1, 1), (31, 77), (33, 64), (640, 480), (7, 5)]


def make_model(classes: int, pooled: bool = False, kind: str = "caffe") -> Model:
    rng, preprocess = np.random.default_rng(3), Preprocess(kind, SIZE)
    network = Backbone("tiny", make_features(), preprocess)
    width = features_from(network(preprocess(photographs()[:1])), pooled=pooled).shape[1]
    rows = 1 if classes == 2 else classes
    weight, bias = rng.normal(0, 0.01, (rows, width)), rng.normal(0, 0.5, rows)
    names = tuple(f"class {number}" for number in range(classes))
    return Model(network, Head(weight.astype(np.float32), bias.astype(np.float32), names, pooled=pooled))


def photographs() -> list[np.ndarray]:
    rng = np.random.default_rng(1)
    return [rng.integers(0, 256, (*size, 3), np.uint8) for size in SIZES]


def tensors(model: Model) -> list[np.ndarray]:
    return [model.network.preprocess([image])[0].contiguous().numpy() for image in photographs()]


@pytest.fixture(scope="module")
def swept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sweep of a tiny backbone, timed in all runtimes."""
    folder = make_workspace(tmp_path_factory.mktemp("exporting") / "workspace")
    sweep_in(folder, runtimes=runtimes_here())
    return folder / "models"


MODELS = {
    "one logit": make_model(2),
    "three classes": make_model(3),
    "one logit, pooled": make_model(2, pooled=True),
    "three classes, pooled": make_model(3, pooled=True),
}


@cache
def core(name: str) -> Any:
    """The network in ONNX, which takes a second to make."""
    return to_onnx.core(MODELS[name])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", list(MODELS))
def test_onnx_says_the_same_of_photographs_of_any_size(name: str, kind: str) -> None:
    preprocess = Preprocess(kind, SIZE)
    model = Model(Backbone("tiny", make_features(), preprocess), MODELS[name].head)
    whole = to_onnx.whole(core(name), preprocess, {"classes": model.classes})
    running = to_onnx.session(whole.SerializeToString())
    for image in photographs():
        said = to_onnx.run(running, image)
        np.testing.assert_allclose(said, model.probabilities([image])[0], atol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_onnx_says_the_same_in_openvino(kind: str) -> None:
    preprocess = Preprocess(kind, SIZE)
    model = Model(Backbone("tiny", make_features(), preprocess), MODELS["three classes"].head)
    content = to_onnx.whole(core("three classes"), preprocess, {"classes": model.classes}).SerializeToString()
    answer = answering(compiled(content))
    for image in photographs():
        said = answer(image[np.newaxis])[0]
        np.testing.assert_allclose(said, model.probabilities([image])[0], atol=1e-4)


@pytest.mark.parametrize("size", [32, 227])
def test_resizing_inside_the_model_is_pillows_to_the_pixel(size: int) -> None:
    """Where two pixels are equally near, Pillow's sums of doubles decide."""
    from onnx import TensorProto, helper

    from ftl.exporting import preprocessing

    nodes, constants = preprocessing.nodes(Preprocess("raw", size))
    ends = [
        helper.make_tensor_value_info(preprocessing.IMAGE, TensorProto.UINT8, [1, None, None, 3]),
        helper.make_tensor_value_info(preprocessing.TENSOR, TensorProto.FLOAT, [1, 3, size, size]),
    ]
    graph = helper.make_graph(nodes, "front", ends[:1], ends[1:], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", to_onnx.OPSET)], ir_version=10)
    running, in_openvino = to_onnx.session(model.SerializeToString()), answering(compiled(model.SerializeToString()))
    for length in [*range(1, 500, 7), size, 64, 128, 192, 320, 448, 640, 704, 896, 1920, 3840, 4032]:
        image = np.zeros((2, length, 3), np.uint8)
        image[..., 0], image[..., 1] = np.arange(length) & 255, np.arange(length) >> 8
        (got,) = running.run(None, {preprocessing.IMAGE: image[np.newaxis]})
        np.testing.assert_array_equal(got[0].transpose(1, 2, 0)[..., ::-1], resize_image(image, size))
        equally_near = (2 * np.arange(size) + 1) * length % (2 * size) == 0  # OpenVINO has no doubles to decide by
        there = in_openvino(image[np.newaxis])
        np.testing.assert_array_equal(there[..., ~equally_near], got[..., ~equally_near])
        if length == size:
            np.testing.assert_array_equal(there, got)


def test_the_file_says_what_it_is(swept: Path, tmp_path: Path) -> None:
    file = ftl.export(swept / "keep-0.5", tmp_path / "network.onnx")
    said = {one.key: json.loads(one.value) for one in onnx.load(file).metadata_props}
    assert said["classes"] == ["Background", "Crack"]
    assert said["ftl"]["preprocess"] == {"kind": "caffe", "size": SIZE}
    assert said["ftl"]["keep"] == 0.5
    assert said["ftl"]["made_with"]["criterion"] == "iou"
    assert str(ROOT).encode() not in file.read_bytes()


def test_batch_norms_behind_convolutions_are_folded() -> None:
    kinds = [node.op_type for node in core("one logit").graph.node]
    assert kinds.count("BatchNormalization") == 1  # the other stands behind a ReLU


class Residual(nn.Module):
    """What a chain is not: depthwise convolutions, a sum, ReLU6, a mean."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 6, 3, 2, 1)
        self.depthwise = nn.Conv2d(6, 6, 3, 1, 1, groups=6, bias=False)
        self.norm = nn.BatchNorm2d(6)
        self.point = nn.Conv2d(6, 6, 1)
        self.last = nn.Conv2d(6, 18, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.stem(x).relu()
        x = x + self.point(nn.functional.relu6(self.norm(self.depthwise(x))))
        return self.last(x).relu()


def residual() -> Model:
    torch.manual_seed(0)
    network = make_backbone()
    network.features = Residual().eval()  # type: ignore[assignment]
    rng = np.random.default_rng(0)
    weight = rng.normal(0, 0.01, (3, 18)).astype(np.float32)
    return Model(network, Head(weight, np.zeros(3, np.float32), ("a", "b", "c"), pooled=True))


MODELS["residual"] = residual()


@pytest.mark.parametrize("name", MODELS)
def test_filled_and_balanced_channels_change_nothing(name: str) -> None:
    model = MODELS[name]
    made = widened(balanced(core(name), tensors(model)))
    channels = [one.dims[0] for one in made.graph.initializer if len(one.dims) == 4]
    assert channels == [width(count) for count in channels]
    before, after = (to_onnx.session(one.SerializeToString()) for one in (core(name), made))
    for tensor in tensors(model):
        np.testing.assert_allclose(to_onnx.run(after, tensor), to_onnx.run(before, tensor), atol=1e-5)


def test_a_network_that_cannot_be_filled_up_stays_as_it_is() -> None:
    made = onnx.ModelProto.FromString(core("one logit").SerializeToString())
    next(node for node in made.graph.node if node.op_type == "Relu").op_type = "Softmax"  # zeros would count there
    assert widened(made) is made


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("way", WAYS[:3])
def test_eight_bits_say_nearly_the_same(name: str, way: tuple[str, float]) -> None:
    model = MODELS[name]
    made = quantised(core(name), tensors(model), *way)
    assert {"QuantizeLinear", "DequantizeLinear"} <= {node.op_type for node in made.graph.node}
    before, after = (to_onnx.session(one.SerializeToString()) for one in (core(name), made))
    apart = [np.abs(to_onnx.run(after, one) - to_onnx.run(before, one)).max() for one in tensors(model)]
    assert np.mean(apart) < 0.05


def test_eight_bits_are_measured_and_kept(swept: Path) -> None:
    told = read_json(swept / "keep-0.5" / "int8.json")
    for name, file in (("validation", "validation.json"), ("test", "test.json")):
        assert told[name]["images"] == read_json(swept / "keep-0.5" / file)["images"]
        assert told[name]["accuracy"] >= read_json(swept / "keep-0.5" / file)["accuracy"] - 0.1
    judged = {one["file"] for one in read_json(swept / "keep-0.5" / "test.json")["predictions"]}
    held_out = set(read_json(swept / "keep-0.5" / "validation.json")["paths"])
    assert told["calibration"]
    assert not set(told["calibration"]) & (judged | held_out)


def test_eight_bits_are_measured_anew_on_another_test_set(swept: Path, tmp_path: Path) -> None:
    shutil.copytree(swept, tmp_path / "models")
    folder = tmp_path / "models" / "keep-0.5"
    _, before = int8_of(folder)
    assert before == read_json(swept / "keep-0.5" / "int8.json")  # nothing is made again
    judged = read_json(folder / "test.json")
    judged |= {"predictions": judged["predictions"][1:], "evaluation_sha256": "another"}
    (folder / "test.json").write_text(json.dumps(judged))
    _, after = int8_of(folder)
    assert after["test"]["images"] == before["test"]["images"] - 1
    assert after["validation"] == before["validation"]


def test_runtimes_stand_in_the_table(swept: Path) -> None:
    candidates = read_results(swept)
    assert runtimes_of(candidates) == runtimes_here()
    assert [asdict(one) for one in in_runtime(candidates, "pytorch")] == [asdict(one) for one in candidates]
    folder, there = swept / "keep-0.5", in_runtime(candidates, "int8")[1]
    assert there.time_ms == read_json(folder / "time-int8.json")["median_ms"]
    assert there.accuracy == read_json(folder / "int8.json")["validation"]["accuracy"]
    assert there.test_accuracy == read_json(folder / "int8.json")["test"]["accuracy"]
    assert isinstance(there.right, tuple)
    assert isinstance(there.confusion[0], tuple)
    assert in_runtime(candidates, "onnx")[1].accuracy == candidates[1].accuracy
    time = read_json(folder / "time-onnx.json")
    assert time["runtime"] == f"ONNX Runtime {onnxruntime.__version__}"
    assert time["threads"] == 1
    with open(swept / "results.csv") as handle:
        row = list(csv.DictReader(handle))[1]
    assert float(row["Int8_time[s]"]) == pytest.approx(there.time_ms / 1000)
    assert float(row["OpenVINO_accuracy"]) == pytest.approx(100 * in_runtime(candidates, "openvino")[1].accuracy)


def test_openvino_is_measured_with_the_numbers_that_it_computes_with(swept: Path) -> None:
    folder = swept / "keep-0.5"
    said = read_json(folder / "test.json")["predictions"]
    asked = {"openvino": ("f32", 1e-4), "openvino-bf16": ("bf16", 0.05), "openvino-int8": ("u8", 0.2)}
    for runtime in set(IN_OPENVINO) & {*runtimes_here()}:
        numbers, apart = asked[runtime]
        told, time = read_json(folder / f"{runtime}.json"), read_json(folder / f"time-{runtime}.json")
        assert re.fullmatch(rf"OpenVINO [\d.]+, convolutions in {numbers}.*", time["runtime"])
        assert time["threads"] == 1
        for here, there in zip(said, told["test"]["predictions"], strict=True):
            assert there["file"] == here["file"]
            if there["predicted"] == here["predicted"]:
                assert there["probability"] == pytest.approx(here["probability"], abs=apart)
        if runtime == "openvino":
            assert told["validation"]["accuracy"] == read_json(folder / "validation.json")["accuracy"]


def test_what_openvino_is_worth_is_measured_once(swept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ftl.exporting.prepared.compiled", lambda *given: pytest.fail("it is measured again"))
    prepare([swept / "keep-0.5"], ["openvino", "openvino-int8"])


def test_networks_are_timed_elsewhere_by_a_kit_that_needs_none_of_this(
    swept: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["bench-kit", str(swept), str(tmp_path / "kit.zip")]) == 0
    with zipfile.ZipFile(tmp_path / "kit.zip") as archive:
        archive.extractall(tmp_path / "kit")
    kit = read_json(tmp_path / "kit" / "kit.json")
    assert {*kit["networks"]} == {"base", "keep-0.5"}
    assert {*kit["networks"]["base"]} == {*NETWORKS}
    (tmp_path / "kit" / "kit.json").write_text(json.dumps(kit | {"most_rounds": 1}))
    code = (
        "import runpy, sys; sys.modules['torch'] = sys.modules['ftl'] = sys.modules['onnx'] = None; "
        "runpy.run_path('time_networks.py', run_name='__main__')"
    )
    arguments = ["--name", "Raspberry Pi 5", "--threads", "1"]
    subprocess.run([sys.executable, "-c", code, *arguments], cwd=tmp_path / "kit", check=True, capture_output=True)
    other = read_times((tmp_path / "kit" / "times.json").read_bytes())
    candidates = read_results(swept)
    there = on_machine(candidates, other, swept)
    assert runtimes_of(there) == runtimes_here()[1:]  # no PyTorch was needed there
    for one, before in zip(there, candidates, strict=True):
        assert (one.name, one.timed_in, one.accuracy) == (before.name, "onnx", before.accuracy)
        assert one.time_ms == other.networks[one.name]["onnx"].rounds[0].median_ms
        assert one.unstable == "only 1 of 3 rounds taken so far"
        assert one.runtimes["int8"]["test_accuracy"] == before.runtimes["int8"]["test_accuracy"]
    capsys.readouterr()
    main(["choose", str(swept), "--times", str(tmp_path / "kit" / "times.json")])
    assert capsys.readouterr().out.startswith("Latencies were taken on Raspberry Pi 5 (")
    changed = other.model_copy(update={"networks": {"base": {"onnx": other.networks["keep-0.5"]["onnx"]}}})
    with pytest.raises(FtlError, match=r"on Raspberry Pi 5 none of this sweep's networks was timed as it is now"):
        on_machine(candidates, changed, swept)
    for content in (b"", b"[]", b'{"machine": {}}', b'{"networks": {"base": {"onnx": {"rounds": []}}}}'):
        with pytest.raises(FtlError, match=r"this is no times\.json of a bench kit"):
            read_times(content)


def test_the_report_has_a_chart_and_figures_of_each_runtime(swept: Path) -> None:
    candidates = read_results(swept)
    drawn = accuracy_over_latency(candidates, choose(candidates)).drawings
    titles = [shape.text for drawing in drawn for shape in drawing.shapes if isinstance(shape, Words)]
    axes = [f"latency of one image in {TITLES[runtime]} [ms], logarithmic" for runtime in runtimes_here()]
    assert [title for title in titles if title in axes] == axes
    _, table = runtimes_table(candidates)
    assert isinstance(table, Table)
    int8 = in_runtime(candidates, "int8")
    assert [row[2].split(" (")[0] for row in table.rows] == [milliseconds(one.time_ms) for one in int8]
    assert [row[-1] for row in table.rows] == [
        percent(one.test_accuracy) for one in in_runtime(candidates, runtimes_here()[-1])
    ]


def test_results_without_runtimes_still_load(swept: Path, tmp_path: Path) -> None:
    made = read_json(swept / "results.json")
    for one in made["candidates"]:
        del one["runtimes"]
    (tmp_path / "results.json").write_text(json.dumps(made))
    candidates = read_results(tmp_path)
    assert runtimes_of(candidates) == ["pytorch"]
    with pytest.raises(FtlError, match="not all networks were timed in int8"):
        in_runtime(candidates, "int8")
    assert len(accuracy_over_latency(candidates, choose(candidates)).drawings) == 1
    assert runtimes_table(candidates) == []


def test_torch_export_says_the_same(swept: Path, tmp_path: Path) -> None:
    file, model = ftl.export(swept / "keep-0.5", tmp_path / "network.pt2"), load_model(swept / "keep-0.5")
    loaded = torch.export.load(file).module()  # of a file that this test has just written
    for image in photographs():
        said = loaded(model.network.preprocess([image])).numpy(force=True)
        np.testing.assert_allclose(said, model.probabilities([image]), atol=1e-5)


def of_example(folder: Path, *photographs: str) -> str:
    """What an unpacked zip's example prints, where there is neither PyTorch nor this program."""
    code = (
        "import runpy, sys; sys.modules['torch'] = sys.modules['ftl'] = None; "
        "runpy.run_path('example.py', run_name='__main__')"
    )
    command = [sys.executable, "-c", code, *photographs]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True).stdout


def test_the_zip_classifies_without_torch(swept: Path, tmp_path: Path) -> None:
    ftl.export(swept / "keep-0.5", tmp_path / "crack.zip", int8=True)
    with zipfile.ZipFile(tmp_path / "crack.zip") as archive:
        archive.extractall(tmp_path / "crack")
        names = set(archive.namelist())
    assert names == {"model.onnx", "model-int8.onnx", "classes.json", "example.py", "README.txt", "example.png"}
    assert "in 8-bit integers" in (tmp_path / "crack" / "README.txt").read_text()
    assert len((tmp_path / "crack" / "example.py").read_text().splitlines()) < 40
    wide = tmp_path / "wide.jpg"
    Image.fromarray(photographs()[4]).save(wide)
    for picture in (["example.png"], [str(wide)], []):
        assert of_example(tmp_path / "crack", *picture).split(": ")[1].split()[0] in ("Background", "Crack")
    (tmp_path / "crack" / "model-int8.onnx").unlink()
    said = of_example(tmp_path / "crack", "example.png").split()
    model = load_model(swept / "keep-0.5")
    scores = model.probabilities([read_image(tmp_path / "crack" / "example.png")])[0]
    assert said[1] == model.classes[scores.argmax()]
    assert float(said[2]) == pytest.approx(scores.max(), abs=1e-4)


def test_the_zip_looks_at_large_photographs_in_the_tiles_that_the_network_was_trained_on(
    swept: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "keep-0.5"
    shutil.copytree(swept / "keep-0.5", folder)
    described = read_json(folder / "network.json")
    described["made_with"] |= {"tile": SIZE, "positive": "Crack"}
    (folder / "network.json").write_text(json.dumps(described))
    large = np.random.default_rng(0).integers(0, 256, (2 * SIZE + 5, 3 * SIZE, 3), np.uint8)
    large[:SIZE, SIZE : 2 * SIZE] = read_image(sorted((swept.parent / "evaluation" / "Crack").iterdir())[0])
    Image.fromarray(large).save(tmp_path / "large.png")
    small = sorted((swept.parent / "evaluation" / "Background").iterdir())[0]
    with zipfile.ZipFile(ftl.export(folder, tmp_path / "crack.zip")) as archive:
        archive.extractall(tmp_path / "crack")
    assert f"tiles of {SIZE} x {SIZE} pixels" in (tmp_path / "crack" / "README.txt").read_text()
    wanted, _ = predict(load_model(folder), [tmp_path / "large.png", small])
    assert [sum(one.tiles) for one in wanted] == [9, 1]
    lines = of_example(tmp_path / "crack", str(tmp_path / "large.png"), str(small)).splitlines()
    for line, one in zip(lines, wanted, strict=True):
        label, probability = line.split(": ")[1].split()[:2]
        assert label == one.label
        assert float(probability) == pytest.approx(one.probability, abs=2e-4)


def test_the_same_network_gives_the_same_zip(swept: Path, tmp_path: Path) -> None:
    contents = [ftl.export(swept / "base", tmp_path / f"{name}.zip").read_bytes() for name in "ab"]
    assert contents[0] == contents[1]
    with zipfile.ZipFile(io.BytesIO(contents[0])) as archive:
        assert "model-int8.onnx" not in archive.namelist()


def test_an_export_that_disagrees_is_not_written(swept: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export, "run", lambda running, image: to_onnx.run(running, image) + 0.001)
    with pytest.raises(FtlError, match=r"by 0\.001 in a probability"):
        ftl.export(swept / "keep-0.5", tmp_path / "network.onnx")
    assert not list(tmp_path.iterdir())


def with_heavy_head(swept: Path, folder: Path) -> Path:
    """A copy of a candidate whose classifier has weights of about fifty that cancel to small logits.

    So are those that are fitted to few photographs at a weak penalty.
    """
    shutil.copytree(swept / "keep-0.5", folder)
    model = load_model(folder)
    seen = [read_image(Path(path)) for path in read_json(folder / "validation.json")["paths"]]
    features = features_from(model.network(model.network.preprocess(seen)).detach(), pooled=False).astype(np.float64)
    weight: Any = np.random.default_rng(0).normal(0, 50, features.shape[1])
    wanted = np.linspace(-2, 2, len(seen))
    weight = weight + np.linalg.lstsq(features, wanted - features @ weight, rcond=1e-9)[0]
    head = Head(weight[np.newaxis].astype(np.float32), np.zeros(1, np.float32), model.classes)
    rest = head.probabilities(features.astype(np.float32))
    assert np.abs(rest[:, 1] - 0.5).max() < 0.49
    write_head(folder, head)
    return folder


def test_huge_weights_that_cancel_are_no_disagreement(swept: Path, tmp_path: Path) -> None:
    folder = with_heavy_head(swept, tmp_path / "keep-0.5")
    file = ftl.export(folder, tmp_path / "network.onnx")
    running, model = to_onnx.session(file.read_bytes()), load_model(folder)
    seen = [read_image(Path(path)) for path in read_json(folder / "validation.json")["paths"]]
    apart = max(np.abs(to_onnx.run(running, image) - model.probabilities([image])[0]).max() for image in seen)
    assert 1e-4 < apart < 0.05  # more than any number for all networks could allow
    assert ftl.export(folder, tmp_path / "network.zip").is_file()
    assert ftl.export(folder, tmp_path / "network.pt2").is_file()


def initializer(model: Any, name: str) -> Any:
    return next(one for one in model.graph.initializer if one.name == name)


def changed(model: Any, name: str, change: Callable[[np.ndarray], np.ndarray]) -> None:
    tensor = initializer(model, name)
    tensor.CopyFrom(onnx.numpy_helper.from_array(change(onnx.numpy_helper.to_array(tensor).copy()), name))


def first_weight(model: Any) -> str:
    return next(node for node in model.graph.node if node.op_type == "Conv").input[1]


def head_weight(model: Any) -> str:
    return next(node for node in model.graph.node if node.op_type == "Gemm").input[1]


def one_wrong(weight: np.ndarray) -> np.ndarray:
    weight.flat[np.abs(weight).argmax()] *= 1.01
    return weight


FAULTS: dict[str, Callable[[Any], None]] = {
    "a weight of a filter is 1 % off": lambda model: changed(model, first_weight(model), one_wrong),
    "two maps are swapped": lambda model: changed(model, first_weight(model), lambda w: w[[1, 0, *range(2, len(w))]]),
    "blue for red": lambda model: changed(model, "front_channels", lambda order: order[::-1]),
    "another mean": lambda model: changed(model, "front_mean", lambda mean: mean + np.float32(0.5)),
    "a resize that is half a pixel off": lambda model: changed(model, "front_steps", lambda s: s * 0.99),
    "the head in another order": lambda model: changed(model, head_weight(model), lambda w: np.roll(w, 1, axis=1)),
    "classes the other way around": lambda model: changed(model, head_weight(model), np.negative),
}


@pytest.mark.parametrize("heavy", [False, True], ids=["as it was trained", "huge weights"])
@pytest.mark.parametrize("fault", FAULTS)
def test_a_real_fault_is_refused(
    swept: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: str, heavy: bool
) -> None:
    folder = with_heavy_head(swept, tmp_path / "keep-0.5") if heavy else swept / "keep-0.5"

    def faulty(core: Any, preprocess: Preprocess, about: dict[str, Any]) -> Any:
        made = to_onnx.whole(core, preprocess, about)
        FAULTS[fault](made)
        return made

    monkeypatch.setattr(export, "whole", faulty)
    for name in ("network.onnx", "network.zip"):
        with pytest.raises(FtlError, match=r"answers otherwise than the network, by [\d.,]+ in a logit where rounding"):
            ftl.export(folder, tmp_path / name)
        assert not (tmp_path / name).exists()


def test_a_torch_program_with_a_wrong_weight_is_refused(
    swept: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def faulty(model: Model) -> torch.export.ExportedProgram:
        network = copy.deepcopy(model.network)
        next(network.features.parameters()).data[0] *= 1.01
        return program(Model(network, model.head))

    monkeypatch.setattr(export, "program", faulty)
    with pytest.raises(FtlError, match=r"the \.pt2 program answers otherwise than the network"):
        ftl.export(swept / "keep-0.5", tmp_path / "network.pt2")


def test_answers_that_are_no_numbers_are_refused(swept: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export, "run", lambda running, image: np.array([np.nan, np.nan], np.float32))
    with pytest.raises(FtlError, match="answers otherwise than the network, by "):
        ftl.export(swept / "keep-0.5", tmp_path / "network.onnx")


@pytest.fixture
def spoilt(swept: Path) -> Iterator[Path]:
    """A network that is right on every validation image, and in 8-bit integers on half of them."""
    folder = swept / "base"
    files = {name: (folder / name).read_bytes() for name in ("int8.json", "validation.json")}
    for name in files:
        told = read_json(folder / name)
        (told["validation"] if name == "int8.json" else told)["accuracy"] = 0.5 if name == "int8.json" else 1.0
        (folder / name).write_text(json.dumps(told))
    yield folder
    for name, content in files.items():
        (folder / name).write_bytes(content)


def test_eight_bits_that_lose_too_much_are_not_written_alone(spoilt: Path, tmp_path: Path) -> None:
    with pytest.raises(FtlError, match=r"50\.00 % of the validation images right \(float32: 100\.00 %\).*in float32"):
        ftl.export(spoilt, tmp_path / "network.onnx", int8=True)
    assert not list(tmp_path.iterdir())


def test_a_zip_leaves_out_eight_bits_that_lose_too_much_and_says_so(
    spoilt: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["export", str(spoilt), str(tmp_path / "a.zip"), "--int8"]) == 0
    told, times = capsys.readouterr().out.splitlines()[1:]
    assert told.endswith(", so they were left out")
    assert "ONNX Runtime" in times
    assert "8-bit" not in times  # what is in the zip, no more
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        assert {*archive.namelist()} == {"model.onnx", "classes.json", "example.py", "README.txt", "example.png"}
        (line,) = [one for one in archive.read("README.txt").decode().splitlines() if "model-int8.onnx" in one]
        about = onnx.load_from_string(archive.read("model.onnx")).metadata_props
    assert line.startswith("  model-int8.onnx   in 8-bit integers 50.00 % of the validation images right")
    assert line.endswith(": left out, for 50.00 points are lost")
    assert not any("int8" in one.value for one in about)


def test_wrong_use_is_told(swept: Path, tmp_path: Path) -> None:
    for name, int8, told in (("a.h5", False, "exported as one of"), ("a.pt2", True, "go into an .onnx file")):
        with pytest.raises(FtlError, match=told):
            ftl.export(swept / "base", tmp_path / name, int8=int8)
    with pytest.raises(FtlError, match="no network's folder"):
        ftl.export(swept / "results.json", tmp_path / "a.onnx")
    with pytest.raises(FtlError, match="no classifier yet"):
        ftl.export(swept.parent / "dataset", tmp_path / "a.onnx")
    with pytest.raises(FtlError, match="no runtime 'tflite'"):
        ftl.evaluation.runtimes.check_runtimes(["tflite"])  # type: ignore[attr-defined]
    assert not list(tmp_path.iterdir())


def test_a_moved_data_set_is_found_again(swept: Path, tmp_path: Path) -> None:
    moved = tmp_path / "moved"
    (swept / "keep-0.5" / "int8.json").unlink(missing_ok=True)
    (swept.parent / "dataset").rename(moved)
    try:
        with pytest.raises(FtlError, match="give the folder of the data set"):
            ftl.export(swept / "keep-0.5", tmp_path / "a.onnx", int8=True)
        assert ftl.export(swept / "keep-0.5", tmp_path / "b.onnx").is_file()  # checked on drawn images instead
        assert ftl.export(swept / "keep-0.5", tmp_path / "c.onnx", int8=True, images=moved).is_file()
    finally:
        moved.rename(swept.parent / "dataset")


@pytest.fixture
def cut_apart(tmp_path: Path) -> tuple[Path, Path]:
    """A network's folder and its data set: of each class 0 was held out; tested on were Crack 1 and Background 2."""
    folder, data = tmp_path / "keep-0.5", tmp_path / "data"
    folder.mkdir()
    for name in ("Background", "Crack"):
        (data / name).mkdir(parents=True)
        for number in range(4):
            (data / name / f"{number}.png").write_text(f"{name[0]}{number}")  # all of one size
    held_out = [str(data / name / "0.png") for name in ("Background", "Crack")]
    judged = [{"file": str(data / name / f"{number}.png"), "true": name} for name, number in
              (("Crack", 1), ("Background", 2))]  # fmt: skip
    (folder / "validation.json").write_text(json.dumps({"classes": ["Background", "Crack"], "paths": held_out}))
    (folder / "test.json").write_text(json.dumps({"predictions": judged}))
    return folder, data


LEARNT = ["Background/1.png", "Background/3.png", "Crack/2.png", "Crack/3.png"]


def learnt(data: Path, parts: Parts) -> list[str]:
    return [path.relative_to(data).as_posix() for path in parts.training]


def test_what_was_tested_on_is_not_trained_with_wherever_it_lies(cut_apart: tuple[Path, Path], tmp_path: Path) -> None:
    folder, data = cut_apart
    parts, copy, moved = trained_with(folder), tmp_path / "copy", tmp_path / "moved"
    assert learnt(data, parts) == LEARNT
    assert parts.test is not None
    assert parts.test.paths == (data / "Crack" / "1.png", data / "Background" / "2.png")
    assert parts.test.labels.tolist() == [1, 0]

    shutil.copytree(data, copy)  # the judged ones are still where they were, and known by their bytes
    (copy / "Crack" / "1.png").rename(copy / "Crack" / "renamed.png")
    shutil.copyfile(copy / "Crack" / "0.png", copy / "Crack" / "held out.png")
    assert learnt(copy, trained_with(folder, copy)) == LEARNT

    data.rename(moved)  # now they are gone, and known by class and name
    parts = trained_with(folder, moved)
    assert (learnt(moved, parts), parts.test) == (LEARNT, None)


def test_that_nothing_else_is_left_is_told(cut_apart: tuple[Path, Path], tmp_path: Path) -> None:
    folder, data = cut_apart
    for name in LEARNT:
        (data / name).unlink()
    with pytest.raises(FtlError, match=r"chosen by or tested on$"):
        trained_with(folder)
    data.rename(tmp_path / "moved")
    with pytest.raises(FtlError, match="or others of their names: put those tested on back"):
        trained_with(folder, tmp_path / "moved")


def test_the_command_line(swept: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["export", str(swept / "keep-0.5"), str(tmp_path / "a.onnx"), "--int8"]) == 0
    told, times = capsys.readouterr().out.splitlines()[1:]
    assert told.startswith("in 8-bit integers")
    one = r"[\d.]+ ms in "
    titles = ", ".join(one + TITLES[runtime] for runtime in runtimes_here())
    assert re.fullmatch(f"one image takes {titles} .medians, \\d threads?.", times)
    assert main(["choose", str(swept), "--runtime", "int8", "--export", str(tmp_path / "b.zip"), "--int8"]) == 0
    assert main(["export", str(swept / "base"), str(tmp_path / "c.safetensors")]) == 0
    assert load_model(tmp_path / "c.safetensors").classes == ("Background", "Crack")
    assert main(["test", str(swept), "--evaluation", str(swept.parent / "evaluation"), "--threads", "1",
                 "--runtimes", "int8"]) == 0  # fmt: skip
    assert "int8" in capsys.readouterr().out
    assert main(["export", str(swept / "base"), str(tmp_path / "c.tflite")]) == 1
    assert ".onnx" in capsys.readouterr().err


@pytest.mark.parametrize(("fraction", "round_to", "count"), [(0.1, 1, 2), (0.1, 8, 8), (0.9, 8, 20), (0.4, 4, 8)])
def test_kept_counts_are_rounded_up(fraction: float, round_to: int, count: int) -> None:
    scores = {"crack": np.random.default_rng(0).random(20).astype(np.float32)}
    plain, rounded = pick(scores, "fraction", fraction), pick(scores, "fraction", fraction, round_to=round_to)
    assert len(rounded.kept) == count
    assert set(plain.kept) <= set(rounded.kept)
    assert set(rounded.kept) == set(np.argsort(-scores["crack"])[:count])
    scores["dirt"] = np.random.default_rng(1).random(20).astype(np.float32)
    assert len(pick(scores, "fraction", fraction, round_to=round_to).kept) % round_to in (0, 20 % round_to)
