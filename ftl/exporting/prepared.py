"""A candidate's network in the forms that ONNX Runtime and OpenVINO take, kept in its folder: made once, then used.

`network.onnx` and `network-int8.onnx` go from the preprocessed tensor to probabilities; `int8.json` says what the
second is worth on the images held out for choosing and on the test set, and what it says of the latter; `openvino.json`
and others what either is worth in OpenVINO. Of a network that draws masks, `ftl.exporting.prepared_masks` makes all but
the first.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from ftl.evaluation.fastest import MOST_LOST
from ftl.evaluation.metrics import validate
from ftl.evaluation.predict import predictions
from ftl.evaluation.runtimes import FIGURES, IN_OPENVINO, INT8, NETWORKS, ONNX, PYTORCH, RUNTIMES
from ftl.exporting import segmenter_onnx
from ftl.exporting.calibration import Parts, trained_with
from ftl.exporting.onnx import core
from ftl.exporting.openvino import answering, compiled
from ftl.exporting.quantization import choose_quantised, probabilities, tensor_of
from ftl.files import digest, made_before, read_json, whole_file, write_json
from ftl.models.classifier import load_model
from ftl.models.layout import HEAD, TEST, VALIDATION
from ftl.models.network_folder import network_digest
from ftl.models.segmenter_files import draws_masks, load_segmenter
from ftl.progress import Report, silent

CALIBRATION = 64
"""Photographs that the ranges of 8-bit integers are found on."""


def made_from(folder: Path) -> dict[str, Any]:
    """What a candidate's exports depend on."""
    return {
        "network_sha256": network_digest(folder),
        "head_sha256": digest(folder / HEAD),
        "exported_with": {name: version(name) for name in ("torch", "onnx", "onnxruntime")},
    }


def prepare(folders: Sequence[Path], runtimes: Sequence[str], report: Report = silent) -> None:
    """Make what the runtimes take of every classifier, and measure what it is worth; what is there already stays."""
    files = {NETWORKS[runtime] for runtime in runtimes if runtime != PYTORCH}
    for done, folder in enumerate(folders):
        report(done, len(folders), "writing ONNX")
        if NETWORKS[ONNX] in files:
            core_of(folder)
        if NETWORKS[INT8] in files:
            int8_of(folder)
        _measure_in_openvino(folder, [runtime for runtime in runtimes if runtime in IN_OPENVINO])
    report(len(folders), len(folders), "writing ONNX")


def core_of(folder: Path) -> Any:
    """A candidate's `network.onnx`, made if it is not there or does not fit. Raises `FtlError` as `core` does."""
    if draws_masks(folder):
        return kept(folder, ONNX, lambda: segmenter_onnx.core(load_segmenter(folder)))
    return kept(folder, ONNX, lambda: core(load_model(folder)))


def kept(folder: Path, runtime: str, make: Callable[[], Any]) -> Any:
    """What a runtime takes of a candidate, made and kept in its folder if it is not there or was made of another."""
    import onnx

    file, own = folder / NETWORKS[runtime], str(made_from(folder))
    if file.is_file():
        before = onnx.load(file)
        if any(one.key == "made_from" and one.value == own for one in before.metadata_props):
            return before
    model = make()
    onnx.helper.set_model_props(model, {"made_from": own})
    with whole_file(file) as draft:
        draft.write_bytes(model.SerializeToString())
    return model


def int8_of(folder: Path, images: Path | None = None, report: Report = silent) -> tuple[Any, dict[str, Any]]:
    """A candidate's `network-int8.onnx`, made if it is not there or does not fit, and `int8.json`'s content.

    `images` as in `trained_with`. Raises `FtlError` when photographs are missing.
    """
    import onnx

    file, own = folder / NETWORKS[INT8], _measured_on(folder)
    if file.is_file() and (folder / FIGURES[INT8]).is_file():
        figures = read_json(folder / FIGURES[INT8])
        if figures.get("sha256") == digest(file) and all(figures.get(key) == value for key, value in own.items()):
            return onnx.load(file), figures
    preprocess, sets = load_model(folder).network.preprocess, trained_with(folder, images)
    drawn = np.random.default_rng(0).permutation(len(sets.training))[:CALIBRATION]
    calibration = [sets.training[index] for index in drawn]
    model, way = choose_quantised(core_of(folder), preprocess, calibration, sets.validation.paths, report)
    figures = own | {"way": way, "calibration": [str(path) for path in calibration]}
    figures |= _worth(folder, sets, lambda paths: {INT8: probabilities(model, preprocess, paths)})[INT8]
    (folder / FIGURES[INT8]).unlink(missing_ok=True)  # it vouches for the network, so it is written last
    with whole_file(file) as draft:
        draft.write_bytes(model.SerializeToString())
    figures["sha256"] = digest(file)
    write_json(folder / FIGURES[INT8], figures)
    return model, figures


def _measured_on(folder: Path) -> dict[str, Any]:
    """What figures of a candidate in another runtime depend on."""
    validation = read_json(folder / VALIDATION)
    own = made_from(folder) | {key: validation[key] for key in ("dataset_sha256", "seed", "photo")}
    if (folder / TEST).is_file():
        own["evaluation_sha256"] = read_json(folder / TEST)["evaluation_sha256"]
    return own


def _worth(
    folder: Path, sets: Parts, answers: Callable[[Sequence[Path]], Mapping[str, np.ndarray]]
) -> dict[str, dict[str, Any]]:
    """What a candidate is worth on validation and test images, by runtime; `answers`: probabilities by runtime."""
    validation = read_json(folder / VALIDATION)
    classes, found = validation["classes"], dict[str, dict[str, Any]]()
    for side, images in (("validation", sets.validation), ("test", sets.test)):
        if images is None:
            continue
        for runtime, said in answers(images.paths).items():
            figures = validate(said, images.labels, classes, validation["positive"])
            figures |= (
                {"predictions": predictions(images.paths, images.labels, said, classes)} if side == "test" else {}
            )
            found.setdefault(runtime, {})[side] = figures
    return found


def _measure_in_openvino(folder: Path, runtimes: Sequence[str]) -> None:
    """Write what a candidate is worth in OpenVINO, in each way that is not measured yet; each image is read once."""
    own = _measured_on(folder) | {"openvino": version("openvino")} if runtimes else {}
    made_of = {runtime: own | {"sha256": digest(folder / NETWORKS[runtime])} for runtime in runtimes}
    left = [runtime for runtime in runtimes if not made_before(folder / FIGURES[runtime], made_of[runtime])]
    if not left:
        return
    preprocess = load_model(folder).network.preprocess
    running = {
        runtime: answering(compiled((folder / NETWORKS[runtime]).read_bytes(), RUNTIMES[runtime].numbers))
        for runtime in left
    }

    def answers(paths: Sequence[Path]) -> dict[str, np.ndarray]:
        said: dict[str, list[np.ndarray]] = {runtime: [] for runtime in left}
        for path in paths:
            tensor = tensor_of(preprocess, path)[np.newaxis]
            for runtime, answer in running.items():
                said[runtime].append(answer(tensor)[0])
        return {runtime: np.array(rows) for runtime, rows in said.items()}

    for runtime, figures in _worth(folder, trained_with(folder), answers).items():
        write_json(folder / FIGURES[runtime], made_of[runtime] | figures)


def int8_accuracy(folder: Path) -> str:
    """What a candidate is worth in 8-bit integers beside itself, in a sentence."""
    worth, before = read_json(folder / FIGURES[INT8]), {"validation": VALIDATION, "test": TEST}
    parts = [
        f"{100 * worth[name]['accuracy']:.2f} % of the {name} images right (float32: "
        f"{100 * read_json(folder / file)['accuracy']:.2f} %)"
        for name, file in before.items()
        if name in worth
    ]
    return f"in 8-bit integers {' and '.join(parts)}"


def too_much_lost(folder: Path) -> float | None:
    """The accuracy (0..1) that 8-bit integers lose on the validation images, where it is too much; None else."""
    worth = read_json(folder / FIGURES[INT8])["validation"]
    lost = read_json(folder / VALIDATION)["accuracy"] - worth["accuracy"]
    return lost if lost > max(MOST_LOST, 1.5 / worth["images"]) else None
