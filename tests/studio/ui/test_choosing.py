"""The Choose page's numbers and drawings."""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
import torchvision
from streamlit.testing.v1 import AppTest

from ftl import load_model
from ftl.evaluation.candidate import Candidate
from ftl.evaluation.decision import Weights
from ftl.evaluation.explain import scored_maps
from ftl.evaluation.recommend import Limits
from ftl.exporting.prepared import prepare
from ftl.files import read_json, write_json
from ftl.formatting import short
from ftl.models.backbone import Backbone
from ftl.models.classifier import export
from ftl.models.graph import walk
from ftl.models.io import build_like
from ftl.models.layout import LINEAR, RECALIBRATED, TUNED
from ftl.models.preprocess import Preprocess
from ftl.models.registry import architecture
from ftl.pruning.coupling import coupling_groups
from studio.jobs.estimate import scoring_seconds
from studio.jobs.sweeps import take_home, workspace
from studio.ui.chart_style import COLOURS, PICK
from studio.ui.choose import candidate_details, columns, filter_maps, ranking
from studio.ui.choose.axes import round_steps
from studio.ui.choose.chart import choice_chart, shapes_in_words
from studio.ui.choose.more_charts import more_charts, settings_chart
from studio.ui.choose.read_sweep import Network, Sweep, read_sweep
from tests.tiny_sweep import FIGURES

BALANCED = Weights(4, 1, 1)


def one(name: str, ms: float, accuracy: float, parameters: int, **more: object) -> Candidate:
    values: dict[str, object] = {
        "keep": 0.5, "f1": accuracy, "recall": accuracy, "size_mb": parameters / 10, "test_accuracy": accuracy - 0.01,
        "test_accuracy_low": accuracy - 0.03, "test_accuracy_high": accuracy + 0.01,
        "accuracy_low": accuracy - 0.02, "accuracy_high": accuracy + 0.02, "macs": parameters * 1000,
    }  # fmt: skip
    return Candidate(name=name, time_ms=ms, accuracy=accuracy, parameters=parameters, **(values | more))  # type: ignore[arg-type]


MEMBERS = (
    one("base", 100, 0.96, 100, is_unpruned=True),
    one("a", 5, 0.80, 5),
    one("b", 10, 0.94, 10, right=(True, True, False)),
    one("c", 30, 0.93, 30, right=(True, False, False)),
    one("d", 50, 0.95, 50),
)


def made(job_id: int = 1, name: str = "A sweep", candidates: tuple[Candidate, ...] = MEMBERS) -> Sweep:
    return Sweep(job_id, name, Path("nowhere"), candidates, ("Background", "Crack"), "Crack", (), ())


def test_limits_and_weights_move_the_pick() -> None:
    def pick(weights: Weights = BALANCED, **limits: float) -> str | None:
        found = ranking.rank(made(), weights, Limits(**limits)).pick
        return found and found.name

    assert pick() == "b"
    assert pick(max_ms=9) == "a"
    assert pick(min_recall=0.945) == "d"
    assert pick(Weights(4, 0, 0)) == "d"
    assert pick(Weights(0, 1, 0)) == "a"
    assert pick(max_ms=1) is None
    assert "loosen one" in ranking.rank(made(), BALANCED, Limits(max_ms=1)).problem


def test_the_table_is_in_order_and_tells_where_each_stands() -> None:
    ranked = ranking.rank(made(), BALANCED, Limits(max_ms=40))
    rows = columns.rows_of([ranked])
    assert [(row["Network"], row["Standing"]) for row in rows] == [
        ("b", "recommended"),
        ("c", "not significantly different"),
        ("a", ""),
        ("d", "outside the limits"),
        ("base", "unpruned"),
    ]
    assert rows[0]["Score"] == pytest.approx(4 * 0.94 / 0.96 + 0.9 + 0.9)
    assert (rows[0]["Validation accuracy"], rows[0]["Test accuracy"]) == pytest.approx((94, 93))
    assert "Sweep" not in rows[0]
    both = [ranked, ranking.rank(made(2, "B"), BALANCED, Limits())]
    assert [row["Sweep"] for row in columns.rows_of(both)] == ["A sweep"] * 5 + ["B"] * 5


def test_a_column_is_added_in_one_place(monkeypatch: pytest.MonkeyPatch) -> None:
    """The table has it, with its head, format and help, and what is downloaded is what the table has."""
    added = columns.Column("MACs", lambda _, candidate: candidate.macs, "%,d", "Mult-adds", "for one image")
    monkeypatch.setattr(columns, "COLUMNS", (*columns.COLUMNS, added))

    def content(ranked: object) -> None:
        from studio.ui.choose import overview

        overview.table(1, ranked, lambda: None)  # type: ignore[arg-type]

    done = AppTest.from_function(content, args=([ranking.rank(made(), None, Limits())],)).run(timeout=60)
    assert not done.exception
    (table,) = done.dataframe
    done.text_input[0].input("FRONT unpruned").run(timeout=60)
    assert list(done.dataframe[0].value["Network"]) == ["base"]
    assert done.session_state["Choose 1"].row_keys == ["1/base"]
    assert done.caption[0].value == "1 of 5 networks"
    assert dict(zip(table.value["Network"], table.value["MACs"], strict=True)) == {
        one.name: one.macs for one in MEMBERS
    }
    drawn = json.loads(table.proto.columns)["MACs"]
    assert (drawn["label"], drawn["help"], drawn["type_config"]["format"]) == ("Mult-adds", "for one image", "%,d")


def test_the_table_stands_also_where_nothing_is_within_the_limits() -> None:
    rows = columns.rows_of([ranking.rank(made(), BALANCED, Limits(max_ms=1))])
    assert [row["Standing"] for row in rows] == ["outside the limits"] * 4 + ["unpruned"]


def test_the_table_marks_what_takes_longer_than_its_budget() -> None:
    searched = tuple(replace(m, budget=(9.0, "ms")) if m.name in ("a", "b", "c") else m for m in MEMBERS)
    rows = columns.rows_of([ranking.rank(made(candidates=searched), BALANCED, Limits())])
    assert {row["Network"]: row["Standing"] for row in rows} == {
        "b": "recommended, above its 9 ms", "c": "not significantly different, above its 9 ms", "a": "", "d": "",
        "base": "unpruned",
    }  # fmt: skip


def answers(wrong: int) -> tuple[bool, ...]:
    return tuple(number >= wrong for number in range(100))


def test_the_page_opens_with_one_sentence_of_the_test_set() -> None:
    found = ranking.rank(made(), BALANCED, Limits())
    assert ranking.headline(found) == (  # no answers image by image, so nothing is said of significance
        "0.930 accuracy at 10 ms, 10 times as fast as the unpruned network, which has 0.950."
    )
    assert ranking.details(found) == [
        "Accuracy is of the test images, never used for training or selection; 95 % interval 0.910 to 0.950.",
        "Latency of one image: 10 against 100 ms. It keeps 10 % of the parameters.",
    ]
    seen = tuple(replace(one, confusion=((1190, 10), (30, 170))) for one in MEMBERS)
    assert ranking.details(ranking.rank(made(candidates=seen), BALANCED, Limits()))[1] == (
        "Of 200 with Crack it missed 30; of 1,200 without, it took 10 for Crack."
    )
    tiled = ranking.details(ranking.rank(replace(made(), tile=224), BALANCED, Limits()))
    assert tiled[0].startswith("Accuracy is of the test tiles, never used")
    assert "Tiles of one photograph are alike" in tiled[1]
    for wrong, unpruned, told, surely in (
        (6, 4, "not significantly better", "which may be chance"),
        (20, 4, "significantly better", "which is significant"),
        (4, 20, "significantly worse", "which is significant"),
    ):
        pair = (replace(MEMBERS[0], right=answers(unpruned)), replace(MEMBERS[2], right=answers(wrong)))
        found = ranking.rank(made(candidates=pair), BALANCED, Limits())
        assert ranking.headline(found).endswith(f"the unpruned network, which is {told} (0.950).")
        assert (
            f"Of the 100 validation images, which networks are chosen by, it got {100 - wrong} right and the unpruned "
            f"network {100 - unpruned}, {surely} (McNemar's test)."
        ) in ranking.details(found)
    alone = ranking.headline(ranking.rank(made(candidates=MEMBERS[:1]), None, Limits()))
    assert alone == "0.950 accuracy at 100 ms: it is the unpruned network."


def test_a_network_is_named_by_text_and_back() -> None:
    assert Network.of(Network(12, "keep-0.1/odd").key) == Network(12, "keep-0.1/odd")


def test_slider_steps_are_round_and_between() -> None:
    assert round_steps(2.3, 11) == [2.5, 3, 4, 5, 6, 8, 10]
    assert round_steps(5, 5) == []


def test_short_figures() -> None:
    assert [short(value) for value in (0.0817, 7.926, 39.04, 146.03, 999.7, 20441, 332392, 999_600, 14714688)] == (
        ["0.08", "7.93", "39.0", "146", "1000", "20.4 k", "332 k", "1.0 M", "14.7 M"]
    )


def traces(figure: object) -> dict[str, list[str]]:
    """Names of the points of each trace of a chart."""
    return {trace.name: [data[1] for data in trace.customdata] for trace in figure.data if trace.customdata is not None}  # type: ignore[attr-defined]


def test_the_chart_shows_who_is_who() -> None:
    figure = choice_chart(
        [ranking.rank(made(), BALANCED, Limits(max_ms=40))], "Accuracy", "Latency", tested=False, log=True
    )
    assert traces(figure) == {
        "outside the limits": ["d"],
        "dominated": ["c"],
        "on the Pareto front": ["a", "b"],
        "unpruned network": ["base"],
        "knee": ["b"],
        "recommended": ["b"],
    }
    points = {trace.name: trace for trace in figure.data if trace.customdata}
    assert {name: trace.marker.symbol for name, trace in points.items()} == {  # told apart without colours too
        "outside the limits": "x-thin-open",
        "dominated": ("circle-open",),
        "on the Pareto front": ("circle", "circle"),
        "unpruned network": "square",
        "knee": "diamond-open",
        "recommended": "star",
    }
    assert {name: trace.text for name, trace in points.items() if trace.text} == {
        "unpruned network": ("unpruned",),
        "recommended": ("<b>b</b>",),
    }
    line = figure.data[0]
    assert (line.line.shape, list(line.x), list(line.y)) == ("hv", [5, 10, 50, 100], [80, 94, 95, 96])
    pick = figure.data[-1]
    assert (pick.marker.color, pick.marker.symbol, pick.customdata[0][0]) == (PICK, "star", "1/b")
    assert pick.error_y.array[0] == pytest.approx(2)
    assert figure.layout.xaxis.type == "log"
    left_out, line = figure.layout.shapes
    assert (left_out.x0, left_out.x1, line.x0, line.x1, line.label.text) == (40, 120, 40, 40, "latency ≤ 40 ms")


def test_the_chart_shows_the_test_set_on_request_but_the_front_of_validation() -> None:
    better = tuple(replace(m, test_accuracy=0.999) if m.name == "c" else m for m in MEMBERS)
    ranked = ranking.rank(made(candidates=better), BALANCED, Limits())
    figure = choice_chart([ranked], "Accuracy", "Latency", tested=True, log=False)
    assert list(figure.data[0].y) == pytest.approx([79, 93, 94, 95])
    assert traces(figure)["dominated (by validation)"] == ["c"]  # though it stands above the line
    assert {name for name in traces(figure) if "(by validation)" not in name} == {"unpruned network", "recommended"}
    assert (figure.data[0].name, figure.data[0].line.shape) == ("Pareto front (by validation)", "linear")
    assert figure.layout.xaxis.type == "linear"


def test_only_shapes_that_are_there_are_explained() -> None:
    assert shapes_in_words({LINEAR, TUNED, RECALIBRATED}) == "Triangles are fine-tuned, diamonds are recalibrated."
    assert shapes_in_words({LINEAR, TUNED}) == "Triangles are fine-tuned."
    assert shapes_in_words({LINEAR}) == ""


def test_the_table_says_that_a_time_is_unstable_and_not_at_length_why() -> None:
    members = (*MEMBERS[:2], replace(MEMBERS[2], unstable="other programs used up to 99 % of the processor"))
    rows = columns.rows_of([ranking.rank(made(candidates=members), BALANCED, Limits())])
    assert rows[0]["Standing"] == "recommended, latency unstable"


def test_the_front_is_that_of_the_axes_shown() -> None:
    members = (one("base", 100, 0.96, 100, is_unpruned=True), one("slow", 90, 0.9, 1), one("fast", 5, 0.9, 50))
    ranked = [ranking.rank(made(candidates=members), BALANCED, Limits())]
    by_time = choice_chart(ranked, "Recall", "Latency", tested=False, log=True)
    by_size = choice_chart(ranked, "Recall", "MACs", tested=False, log=True)
    assert (list(by_time.data[0].x), list(by_size.data[0].x)) == ([5, 100], [0.001, 0.1])


def test_two_sweeps_have_a_colour_and_a_pick_each_and_one_legend() -> None:
    ranked = [ranking.rank(made(1, "<b>One"), BALANCED, Limits()), ranking.rank(made(2, "Two"), BALANCED, Limits())]
    figure = choice_chart(ranked, "Accuracy", "Latency", tested=False, log=True)
    assert [(t.name, t.line.color, t.line.dash) for t in figure.data if t.mode == "lines"] == [
        ("&lt;b&gt;One", COLOURS[0], "solid"),
        ("Two", COLOURS[1], "dash"),
    ]
    assert [t.customdata[0][0] for t in figure.data if t.name == "recommended"] == ["1/b", "2/b"]
    shown = [t.name for t in figure.data if t.showlegend]
    assert len(shown) == len(set(shown)) == 7


def test_what_recall_leaves_out_is_shaded_on_its_axis() -> None:
    ranked = [ranking.rank(made(), BALANCED, Limits(min_recall=0.9))]
    shape, line = choice_chart(ranked, "Recall", "Size", tested=False, log=True).layout.shapes
    assert (shape.y0, shape.y1, line.y0, line.label.text) == (78, 90, 90, "recall ≥ 90 %")
    assert not choice_chart(ranked, "Recall", "Size", tested=True, log=True).layout.shapes  # it is no limit on these
    assert not choice_chart(ranked, "Accuracy", "Size", tested=False, log=True).layout.shapes


def test_wrong_answers_come_surest_first_under_their_own_names(tmp_path: Path) -> None:
    def said(name: str, true: str, predicted: str, probability: float) -> dict[str, object]:
        return {"file": f"/x/{name}", "true": true, "predicted": predicted, "probability": probability}

    answers = [said("7_a.jpg", "Crack", "Background", 0.6), said("8_b.jpg", "Crack", "Crack", 0.9),
               said("9_c.jpg", "Background", "Crack", 0.8)]  # fmt: skip
    write_json(tmp_path / "test.json", {"predictions": answers})
    assert [(one.name, one.true, one.predicted) for one in candidate_details.mistakes(tmp_path).answers] == [
        ("c.jpg", "Background", "Crack"),
        ("a.jpg", "Crack", "Background"),
    ]


def test_only_files_of_the_job_are_shown(tmp_path: Path) -> None:
    (tmp_path / "job").mkdir()
    inside, outside = tmp_path / "job" / "a.png", tmp_path / "b.png"
    for file in (inside, outside):
        file.touch()
    (tmp_path / "job" / "link.png").symlink_to(outside)
    assert candidate_details.within(tmp_path / "job", inside)
    assert not candidate_details.within(tmp_path / "job", outside)
    assert not candidate_details.within(tmp_path / "job", tmp_path / "job" / ".." / "b.png")
    assert not candidate_details.within(tmp_path / "job", tmp_path / "job" / "link.png")
    assert not candidate_details.within(tmp_path / "job", tmp_path / "job" / "gone.png")


def test_a_sweep_is_read(swept: Sweep) -> None:
    assert [one.name for one in swept.candidates] == list(FIGURES)
    assert (swept.unpruned.name, swept.classes, swept.looked_for) == ("base", ("Background", "Crack"), "Crack")
    assert swept.candidate("keep-0.5").time_ms == 20
    assert swept.layers == ("features.1", "features.5", "features.9")
    assert "tiny ranked by iou" in swept.notes[0]
    assert len(swept.notes) == 2


def test_what_was_left_out_of_the_test_set_is_noted(swept: Sweep, tmp_path: Path) -> None:
    folder = shutil.copytree(swept.folder, tmp_path / "models")
    results = read_json(folder / "results.json")
    assert results["left_out"] == {"files": 0, "crops": 0}
    write_json(folder / "results.json", results | {"left_out": {"files": 0, "crops": 3}})
    assert read_sweep(1, "a", folder).notes == (
        *swept.notes,
        "3 images left out of the test set, seen before when filters were chosen or networks trained: 3 of the same "
        "photo.",
    )


def test_wrong_answers_fit_the_confusion_and_are_the_jobs_own_files(swept: Sweep) -> None:
    for one in swept.candidates:
        wrong = candidate_details.mistakes(swept.folder / one.name).answers
        total = sum(map(sum, one.confusion))
        assert len(wrong) == total - sum(row[at] for at, row in enumerate(one.confusion))
        assert all(candidate_details.within(workspace(swept.job_id), answer.file) for answer in wrong)
    table = candidate_details.confusion_chart(one.confusion, swept.classes).data[0]
    assert table.text[0][0].startswith(f"{one.confusion[0][0]}<br>")


def test_download_is_the_exported_file(swept: Sweep, tmp_path: Path) -> None:
    export(swept.folder / "keep-0.5", tmp_path / "own.safetensors")
    taken = take_home(swept.folder / "keep-0.5", tmp_path / "taken.safetensors")
    assert taken.read_bytes() == (tmp_path / "own.safetensors").read_bytes()


@pytest.fixture(scope="module")
def in_eight_bits(swept: Sweep, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of keep-0.5 with its 8-bit integers, as a sweep that is timed in them leaves it."""
    folder = tmp_path_factory.mktemp("models") / "keep-0.5"
    shutil.copytree(swept.folder / "keep-0.5", folder)
    prepare([folder], ["int8"])
    return folder


def shown_mistakes(sweep: Sweep, folder: Path) -> list[str]:
    """What stands above the mistakes on the page."""

    def page(sweep: object, folder: object) -> None:
        from studio.ui.choose import candidate_panel

        candidate_panel._mistakes(1, sweep, folder, "key")  # type: ignore[arg-type]

    done = AppTest.from_function(page, args=(sweep, folder)).run(timeout=60)
    assert not done.exception
    return [one.value for one in (*done.caption, *done.markdown)]


def test_mistakes_are_those_of_the_runtime_that_is_shown(swept: Sweep, in_eight_bits: Path, tmp_path: Path) -> None:
    folder = tmp_path / "keep-0.5"
    shutil.copytree(in_eight_bits, folder)
    told, floats = read_json(folder / "int8.json"), read_json(folder / "test.json")["predictions"]
    said = told["test"]["predictions"]
    assert [(one["file"], one["true"]) for one in said] == [(one["file"], one["true"]) for one in floats]
    assert [one["true"] == one["predicted"] for one in said] == told["test"]["right"]
    assert told["test"]["accuracy"] == sum(told["test"]["right"]) / len(said)
    for number, one in enumerate(said):  # five are wrong in 8-bit integers, whatever the tiny network says
        one["predicted"] = one["true"] if number >= 5 else {"Crack": "Background", "Background": "Crack"}[one["true"]]
    write_json(folder / "int8.json", told)
    wrong, runtime = candidate_details.mistakes(folder, "int8")
    assert (len(wrong), {one.file for one in wrong}, runtime) == (5, {Path(one["file"]) for one in said[:5]}, "int8")
    count, (as_float, of_floats) = (
        sum(one["true"] != one["predicted"] for one in floats),
        candidate_details.mistakes(folder),
    )
    assert (len(as_float), of_floats) == (count, "pytorch")
    assert candidate_details.mistakes(folder, "onnx") == candidate_details.mistakes(folder)
    eight = replace(swept, runtime="int8")
    assert shown_mistakes(eight, folder) == ["**5 test images wrong**, the most confident mistakes first"]

    del told["test"]  # as where the test images were not there
    write_json(folder / "int8.json", told)
    assert candidate_details.mistakes(folder, "int8") == candidate_details.mistakes(folder)
    float32 = "Of the network in PyTorch: no answers of ONNX Runtime, 8-bit integers were kept."
    assert shown_mistakes(eight, folder)[0] == float32
    assert float32 not in shown_mistakes(swept, folder)


def test_a_sweep_shown_in_a_runtime_knows_it() -> None:
    there = tuple(
        replace(m, runtimes={"int8": {"time_ms": m.time_ms / 2 + 20, "accuracy": m.accuracy}}) for m in MEMBERS
    )
    assert (made().runtime, made(candidates=there).within("int8").runtime) == ("pytorch", "int8")
    for runtime, times in (("pytorch", 10), ("int8", 70 / 25)):
        ranked = ranking.rank(made(candidates=there).within(runtime), BALANCED, Limits())
        row = next(row for row in columns.rows_of([ranked]) if row["Network"] == "b")
        assert (row["Times as fast"], row["Fastest latency"], row["Fastest in"]) == (times, 10, "PyTorch")
        at = {"pytorch": "10 ms in PyTorch", "int8": "25 ms in ONNX Runtime, 8-bit integers"}[runtime]
        told = f"accuracy at {at}, 7.0 times as fast as the unpruned network (each in its fastest runtime), which"
        assert told in ranking.headline(ranked)
        assert "each in its fastest runtime: 10 ms in PyTorch against 70 ms in" in ranking.details(ranked)[1]


def test_another_machines_times_take_the_place_of_this_ones(
    swept: Sweep, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    its, take = dict[str, Any](), {"q1_ms": 1, "q3_ms": 90, "runs": 9, "others": 0.0}
    for number, candidate in enumerate(swept.candidates):
        (tmp_path / candidate.name).mkdir()
        (tmp_path / candidate.name / "network.onnx").write_bytes(candidate.name.encode())
        digest = hashlib.sha256(candidate.name.encode()).hexdigest()
        its[candidate.name] = {"onnx": {"sha256": digest, "rounds": [take | {"median_ms": 9 + number}] * 3}}
    on = {"name": "Raspberry Pi 5", "processor": "Cortex-A76", "cores": 4}
    times = {"machine": on, "threads": 4, "runtimes": {"onnx": "ONNX Runtime 1.32.0"}, "networks": its}

    def shown(content: str) -> tuple[Sweep, list[str]]:
        def page(sweep: object) -> None:
            import streamlit as st

            from studio.ui.choose.machine_switch import on_chosen_machine

            (st.session_state["shown"],) = on_chosen_machine(1, [sweep])  # type: ignore[type-var]

        monkeypatch.setattr("streamlit.file_uploader", lambda *given, **more: io.BytesIO(content.encode()))
        done = AppTest.from_function(page, args=(replace(swept, folder=tmp_path),)).run(timeout=60)
        assert not done.exception
        return done.session_state["shown"], [error.value for error in done.error]

    there, errors = shown(json.dumps(times))
    assert [(one.name, one.time_ms, one.timed_in, one.unstable) for one in there.candidates] == [
        (candidate.name, 9 + number, "onnx", "") for number, candidate in enumerate(swept.candidates)
    ]
    assert [one.accuracy for one in there.candidates] == [one.accuracy for one in swept.candidates]
    assert there.notes[-1] == (
        "Latencies were taken on Raspberry Pi 5 (Cortex-A76, 4 cores) with 4 threads, in ONNX Runtime 1.32.0."
    )
    assert not errors
    worth = ranking.headline(ranking.rank(there, BALANCED, Limits()))
    assert " ms on Raspberry Pi 5 in ONNX Runtime, " in worth
    (tmp_path / "base" / "network.onnx").write_bytes(b"made anew")
    for content, told in ((json.dumps(times), "no unpruned network"), ("[]", "This is no times.json of a bench kit")):
        same, errors = shown(content)
        assert (same.candidates, same.notes) == (swept.candidates, swept.notes)
        assert told in errors[0]


def test_a_zip_comes_also_where_eight_bits_lose_too_much(in_eight_bits: Path, tmp_path: Path) -> None:
    folder = tmp_path / "keep-0.5"
    shutil.copytree(in_eight_bits, folder)
    told = read_json(folder / "int8.json")
    told["validation"]["accuracy"] = 0.0
    write_json(folder / "int8.json", told)
    with zipfile.ZipFile(take_home(folder, tmp_path / "network.zip")) as archive:
        assert {"model.onnx", "README.txt"} <= {*archive.namelist()}
        assert "model-int8.onnx" not in archive.namelist()
        assert "left out, for" in archive.read("README.txt").decode()


def test_strongest_filters_are_kept_ones_best_first(swept: Sweep) -> None:
    folder, layer = swept.folder / "keep-0.5", swept.layers[1]
    entry = read_json(folder / "network.json")["layers"][1]
    found = filter_maps.strongest(folder, layer, 4)
    assert len(found) == 4
    assert [score for *_, score in found] == sorted((entry["scores"][n] for n in entry["kept"]), reverse=True)[:4]
    assert all(entry["kept"][channel] == number for channel, number, _ in found)
    assert filter_maps.strongest(swept.folder / "base", layer, 4) == []


def test_maps_of_tied_filters_are_those_where_they_meet() -> None:
    block = [[1, 64, 1, 1], [2, 64, 2, 1]]
    features = build_like(torchvision.models.MobileNetV2(width_mult=0.25, inverted_residual_setting=block))
    network = Backbone("mobile", features, Preprocess("caffe", 32))
    photo = np.random.default_rng(0).integers(0, 255, (32, 32, 3), np.uint8)
    got = dict(walk(cast(Any, network.features), network.preprocess([photo]), ["add_1"]))["add_1"]
    tied = next(one for one in coupling_groups(network) if one.after == ("add", "add_1"))
    maps_of_it = scored_maps(network, tied.name, network.preprocess([photo]))
    np.testing.assert_array_equal(maps_of_it[0].numpy(), got[0].numpy())


def test_a_graphs_sweep_is_estimated() -> None:
    spec = architecture("mobilenet_v2").spec()
    once, cascade = (
        scoring_seconds(spec, 224, [0.25, 0.5], masks=12, speed=1e10, mode=mode) for mode in ("one_shot", "layerwise")
    )
    assert 0 < once < cascade


def test_filter_maps_are_pictures_over_a_photograph_with_its_mask(swept: Sweep) -> None:
    pairs = filter_maps.masked_photographs(workspace(swept.job_id))
    assert len(pairs) == 8
    assert all(photo.stem == mask.stem and photo.parent.name == mask.parent.name for photo, mask in pairs)
    found = filter_maps.filter_maps(swept.folder / "keep-0.25", swept.layers[0], *pairs[0])
    entry = read_json(swept.folder / "keep-0.25" / "network.json")["layers"][0]
    assert sorted(one.number for one in found) == entry["kept"]
    assert all(one.picture.startswith(b"\xff\xd8") for one in found)


def test_all_of_the_originals_charts_are_there(swept: Sweep) -> None:
    assert list(more_charts(ranking.rank(swept, BALANCED, Limits()))) == [
        "Accuracy", "Size and latency", "Filters and parameters", "Decision score", "Filters kept per layer",
    ]  # fmt: skip
    assert "Decision score" not in more_charts(ranking.rank(swept, BALANCED, Limits(max_ms=1)))
    chart = settings_chart([ranking.rank(swept, BALANCED, Limits())])
    assert chart.layout.xaxis.ticktext == ("criterion", "keep [%]", "MACs, millions", "latency [ms]")


def test_layers_stand_before_the_bases(swept: Sweep) -> None:
    chart = candidate_details.layers_chart(swept.candidate("keep-0.5"), swept.unpruned, swept.layers)
    assert [list(bar.y) for bar in chart.data] == [[8, 12, 10], list(swept.candidate("keep-0.5").channels)]


def test_an_exported_network_says_the_same(swept: Sweep, tmp_path: Path) -> None:
    file = take_home(swept.folder / "keep-0.5", tmp_path / "net.safetensors")
    photo = [np.random.default_rng(0).integers(0, 255, (50, 70, 3), np.uint8)]
    inside = load_model(swept.folder / "keep-0.5").probabilities(photo)
    np.testing.assert_array_equal(load_model(file).probabilities(photo), inside)
