"""Networks that draw masks on the Choose and Try pages: numbers, words, pictures and tables."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ftl.errors import FtlError
from ftl.evaluation.overlays import MISSED, OUTLINE, TRUE, WRONG, compared
from ftl.evaluation.segmented_candidate import MaskQuality, Quality, SegmentedCandidate
from ftl.models.segmenter import Segmenter, drawn
from ftl.models.segmenter_files import load_segmenter
from ftl.models.tiling import segment
from studio.annotation.assists.network import Seen, look
from studio.errors import StudioError
from studio.inspection import masks
from studio.inspection.mask_picture import LAYERS, MASK, NUMBERS, OUTLINES, mask_picture
from studio.inspection.masks import Measured
from studio.inspection.training import mask_network_trained_on
from studio.jobs.layout import image_id
from studio.jobs.sweeps import finished_sweeps, models, workspace
from studio.ui.chart_style import round_ticks
from studio.ui.masks import mask_photographs
from studio.ui.masks.mask_chart import MEANINGS, MEASURES, mask_chart, mask_points
from studio.ui.masks.mask_sweep import MaskSweep, details, headline, judged, read_mask_sweep, reason
from studio.ui.masks.mask_table import column_config, figures_of, in_order, key_of, rows_of
from tests.conftest import make_backbone
from tests.studio.conftest import Someone
from tests.tiny_sweep import add_mask_sweep


def quality(f1: float, photographs: int = 12) -> MaskQuality:
    """Photographs of 1000 true pixels each, of which some are missed; as many are wrong."""
    missed = round(1000 * (1 - f1))
    pixels = tuple(((1000 - missed - 5 * (number % 3), missed, missed + 5 * (number % 3)),) for number in range(12))
    return MaskQuality(
        f1=Quality(f1, f1 - 0.04, f1 + 0.02),
        iou=Quality(f1 - 0.1, f1 - 0.2, f1),
        tolerant_f1=Quality(f1 + 0.05, f1, f1 + 0.06),
        cl_dice=Quality(f1, f1, f1),
        ods=f1,
        average_precision=f1 - 0.02,
        photographs=photographs,
        pixels=pixels,
    )


def network(name: str, ms: float, f1: float, parameters: int) -> SegmentedCandidate:
    return SegmentedCandidate(
        name=name, keep=0.5, parameters=parameters, classes=("crack",), threshold=0.5, validation=quality(f1),
        test=quality(f1 - 0.1), time_ms=ms, time_q1_ms=ms - 2, time_q3_ms=ms + 3, unstable="", size_mb=parameters / 100,
        is_unpruned=name.startswith("base"),
    )  # fmt: skip


MEMBERS = (
    network("base-segmented", 900, 0.82, 1000),
    network("keep-0.1-segmented", 50, 0.60, 100),
    network("keep-0.2-segmented", 100, 0.82, 200),
    network("keep-0.5-segmented", 300, 0.80, 500),
)


def sweep(*members: SegmentedCandidate) -> MaskSweep:
    found = judged(7, "Bridge", Path("models"), members or MEMBERS)
    assert found is not None
    return found


def test_the_fastest_that_is_not_significantly_worse_is_recommended_and_said_why() -> None:
    found = sweep()
    assert (found.best.name, found.recommended.name) == ("base-segmented", "keep-0.2-segmented")
    assert found.standing(MEMBERS[0]) == "best F1, slower, unpruned"
    assert found.standing(MEMBERS[1]).startswith("significantly worse than the best (p")
    assert found.standing(MEMBERS[2]) == "recommended"
    assert reason(found) == (
        "It is the fastest that does not draw significantly worse than the best, base-segmented (paired bootstrap over "
        "12 validation photographs)."
    )
    assert headline(found) == (
        "0.720 F1 at 100 ms a megapixel, 9.0 times as fast as the unpruned network, which is not significantly better "
        "(0.720)."
    )
    assert details(found) == [
        "Of 100 pixels that it draws, about 72 are right; of 100 true pixels it finds about 72. F1 is the harmonic "
        "mean of both shares.",
        "F1 is of 12 test photographs, never used for training or selection; 95 % interval 0.680 to 0.740.",
        "What is significant is tested on the 12 validation photographs (paired bootstrap).",
        "Latency of a megapixel: 100 against 900 ms. It keeps 20 % of the parameters.",
    ]


def test_how_many_pixels_are_right_and_how_many_are_found_is_told_of_each() -> None:
    two = (((500, 20, 300), (70, 10, 80)),) * 3  # one draws too little
    member = replace(MEMBERS[2], classes=("crack", "pore"), test=replace(quality(0.7), pixels=two))
    assert details(sweep(member))[0] == (
        "Of 100 pixels that it draws, about 95 are right; of 100 true pixels it finds about 60. F1 is the harmonic "
        "mean of both shares, averaged over its classes."
    )


def test_the_reason_where_the_best_is_recommended() -> None:
    assert "every faster network draws significantly worse" in reason(sweep(MEMBERS[1], MEMBERS[2]))
    assert "no other is faster" in reason(sweep(MEMBERS[2]))
    assert headline(sweep(MEMBERS[1], MEMBERS[2])) == "0.720 F1 at 100 ms a megapixel."
    assert headline(sweep(MEMBERS[0])) == "0.720 F1 at 900 ms a megapixel: it is the unpruned network."
    assert judged(7, "Bridge", Path("models"), ()) is None


def test_in_another_runtime_they_have_its_figures_and_are_recommended_by_those() -> None:
    def there(member: SegmentedCandidate) -> SegmentedCandidate:
        worth = {"validation": quality(0.8), "test": quality(0.7), "time_ms": member.time_ms / 4, "size_mb": 0.25}
        return replace(member, runtimes={"onnx": worth})

    found = sweep(*map(there, MEMBERS)).within("onnx")
    assert (found.runtime, found.recommended.name) == ("onnx", "keep-0.1-segmented")
    assert headline(found).startswith(
        "0.700 F1 at 12.5 ms a megapixel in ONNX Runtime, 18 times as fast as the unpruned network (each in its fastest"
    )
    assert "12.5 against 225 ms, both fastest in ONNX Runtime" in details(found)[3]
    (row, *_) = rows_of(in_order([found]), tested=True)
    assert (row["Times as fast"], row["Fastest latency"], row["Fastest in"]) == (18, 12.5, "ONNX Runtime")
    assert {point for group in mask_points(found, "f1", tested=True) for point in group.time_ms} == {12.5, 25, 75, 225}
    assert [row["F1"] for row in rows_of(in_order([found]), tested=True)] == pytest.approx([70] * 4)
    with pytest.raises(FtlError, match="time them with --runtimes int8"):
        found.within("int8")


def test_every_measure_is_explained() -> None:
    assert [*MEANINGS] == [*MEASURES]
    assert [column_config()[name]["help"] for name in MEASURES] == [f"{name} {MEANINGS[name]}" for name in MEASURES]


def test_the_numbers_of_the_chart() -> None:
    pruned, unpruned, recommended = mask_points(sweep(), "f1", tested=True)
    assert [group.title for group in (pruned, unpruned, recommended)] == [
        "pruned networks", "unpruned network", "recommended",
    ]  # fmt: skip
    assert pruned.names == ["keep-0.1-segmented", "keep-0.5-segmented"]
    assert recommended.keys == ["7/keep-0.2-segmented"]
    assert (recommended.time_ms, recommended.slower, recommended.faster) == ([100], [3], [2])
    assert recommended.quality == pytest.approx([72.0])
    assert recommended.above == pytest.approx([2.0])
    assert recommended.below == pytest.approx([4.0])
    (validated,) = mask_points(sweep(), "f1", tested=False)[2:]
    assert validated.quality == pytest.approx([82.0])
    (average,) = mask_points(sweep(), "average_precision", tested=True)[2:]
    assert (average.quality, average.above, average.below) == (pytest.approx([70.0]), [0], [0])


def test_the_chart_draws_them_with_keys_to_be_clicked() -> None:
    for measure in MEASURES:
        figure = mask_chart([sweep(), replace(sweep(), job_id=8, name="<b>")], measure, tested=True, log=True)
        clicked = [data[0] for trace in figure.data for data in trace.customdata]
        assert sorted(clicked) == sorted(f"{job}/{member.name}" for job in (7, 8) for member in MEMBERS)
        assert "&lt;b&gt;" in [trace.name for trace in figure.data]
        assert figure.layout.yaxis.title.text.startswith(measure)
    assert round_ticks(60, 900) == [50, 100, 200, 500, 1000, 2000]


def test_the_table_has_the_recommended_first_and_all_figures() -> None:
    rows = rows_of(in_order([sweep()]), tested=True)
    assert key_of(in_order([sweep()])[0]) == "7/keep-0.2-segmented"
    assert rows[0]["F1"] == pytest.approx(72.0)
    titles = ["Latency", "Times as fast", "Parameters", "Size", "Threshold"]
    assert list(rows[0]) == ["Network", "Standing", *MEASURES, *titles]
    assert [row["Times as fast"] for row in rows] == [9, 1, 3, 18]
    figures = {row["Measure [%]"]: row for row in figures_of(MEMBERS[2])}
    assert figures["F1"] == {"Measure [%]": "F1", "Test": "72.0 (68.0 to 74.0)", "Validation": "82.0 (78.0 to 84.0)"}
    assert figures["Average precision"]["Test"] == "70.0"


def test_what_is_true_missed_and_wrong_has_its_colour() -> None:
    photo = np.zeros((3, 30, 3), np.uint8)
    answer, truth = np.zeros((3, 30), np.uint8), np.zeros((3, 30), np.uint8)
    answer[:, :10], truth[:, 5:15], answer[:, 20:25], truth[:, 20:25] = 1, 1, 1, 2
    picture = compared(photo, answer, truth)
    seen = [tuple(picture[0, column].tolist()) for column in (0, 6, 12, 17, 22)]
    assert seen == [WRONG, TRUE, MISSED, (0, 0, 0), WRONG]


def test_a_thin_line_stays_visible_in_a_small_picture() -> None:
    truth = np.zeros((400, 400), np.uint8)
    truth[:, 200] = 1
    picture = compared(np.zeros((100, 100, 3), np.uint8), np.zeros_like(truth), truth)
    assert tuple(picture[50, 50].tolist()) == MISSED


@pytest.fixture(scope="module")
def segmenter() -> Segmenter:
    return Segmenter(make_backbone(), ["crack"]).eval()


def test_what_is_seen_is_what_the_library_draws(segmenter: Segmenter) -> None:
    photo = np.random.default_rng(0).integers(0, 256, (45, 61, 3), np.uint8)
    seen, probabilities = look(segmenter, photo), segment(segmenter, photo)
    for step in (1, 100, 127, 128, 140, 255):
        assert (seen.mask(step / 256) == drawn(probabilities, step / 256)).all()


def crossed() -> np.ndarray:
    """A bar 40 long and 6 wide of class 1, a line 30 long and 1 wide of class 2, and a speck of each."""
    mask = np.zeros((80, 100), np.uint8)
    mask[10:16, 10:50], mask[40, 20:50], mask[70:72, 5:7], mask[70:72, 90:92] = 1, 2, 1, 2
    return mask


def test_cracks_are_measured_in_pixels_or_millimetres_and_thin_ones_said() -> None:
    cracks, left_out = masks.measured(crossed(), ["crack", "root"])
    assert [crack.label for crack in cracks[:2]] == ["crack", "root"]
    assert cracks[0].size.length == pytest.approx(40, abs=2)
    assert cracks[0].size.mean_width == pytest.approx(6, abs=0.5)
    assert cracks[1].size.mean_width is None
    assert left_out == 0
    scaled, _ = masks.measured(crossed(), ["crack", "root"], 0.5)
    assert scaled[0].size.length == pytest.approx(cracks[0].size.length / 2)
    assert scaled[0].size.unit == "mm"
    with pytest.raises(FtlError, match="above 0"):
        masks.measured(crossed(), ["crack", "root"], 0.0)


def test_of_many_specks_the_largest_are_measured() -> None:
    mask = np.zeros((100, 100), np.uint8)
    mask[::4, ::4] = 1
    mask[50:59, 50:90] = 1
    cracks, left_out = masks.measured(mask, ["crack"])
    assert (len(cracks), cracks[0].size.box) == (masks.MOST, (50, 50, 40, 9))
    assert left_out > 300


def test_a_scale_of_two_points() -> None:
    assert masks.scale_of((0, 0), (30, 40), 25) == 0.5
    for first, second, apart in (((1, 1), (1, 1), 5), ((0, 0), (1, 0), 0)):
        with pytest.raises(StudioError, match="two different points"):
            masks.scale_of(first, second, apart)


def test_what_is_downloaded() -> None:
    mask = (crossed() == 1).astype(np.uint8)
    for classes, inside in ((["crack"], 255), (["crack", "root"], 1)):
        with Image.open(io.BytesIO(masks.mask_png(mask, classes))) as picture:
            assert (np.asarray(picture) == mask * inside).all()
    cracks, _ = masks.measured(crossed(), ["crack", "root"])
    rows = list(csv.DictReader(io.StringIO(masks.cracks_csv([Measured("=wall.jpg", 0.5, cracks)], "keep-0.2"))))
    assert [row["crack"] for row in rows] == ["1", "2", "3", "4"]
    assert (rows[0]["file"], rows[0]["class"], rows[0]["unit"]) == ("'=wall.jpg", "crack", "px")
    assert rows[1]["mean width"] == ""


def test_the_picture_has_the_layers_that_are_asked_for() -> None:
    photo, mask = np.full((80, 100, 3), 90, np.uint8), crossed()
    seen = Seen(np.where(mask > 0, 200, 0).astype(np.uint8), np.maximum(mask, 1), 1.0)
    cracks, _ = masks.measured(mask, ["crack", "root"])
    assert (mask_picture(photo, seen, 0.5, cracks, (), 100) == photo).all()
    outlined = mask_picture(photo, seen, 0.5, cracks, [OUTLINES], 100)
    assert tuple(outlined[10, 30].tolist()) == OUTLINE
    assert (outlined[13, 30] == 90).all()
    assert (mask_picture(photo, seen, 0.5, cracks, [MASK], 100)[13, 30] != 90).any()
    assert (mask_picture(photo, seen, 0.5, cracks, [NUMBERS], 100) != photo).any()
    assert (mask_picture(photo, seen, 0.9, cracks, [OUTLINES, MASK], 100) == photo).all()
    assert mask_picture(photo, seen, 0.5, cracks, LAYERS, 50).shape == (40, 50, 3)
    assert mask_picture(photo, seen, 0.5, cracks, LAYERS, 1000).shape == (240, 300, 3)  # enlarged three times at most


def test_a_sweep_of_nothing_but_masks_is_finished_and_read(project: Someone) -> None:
    project_id, user_id = project
    job = add_mask_sweep(project_id, user_id)
    assert [each.id for each in finished_sweeps(project_id)] == [job.id]
    found = read_mask_sweep(job.id, job.name, models(job.id))
    assert found is not None
    assert found.recommended.name == "keep-0.5-segmented"
    left = read_mask_sweep(job.id, job.name, models(job.id), {"keep-0.5-segmented", "base-segmented"})
    assert left is not None
    assert [candidate.name for candidate in left.candidates] == ["keep-0.25-segmented"]
    folder = models(job.id) / "keep-0.5-segmented"
    tested = mask_photographs.tested_photographs(folder, workspace(job.id))
    assert tested
    worst, best = mask_photographs.worst_and_best(tested, 1)
    assert worst == tested[:1]
    assert not {*worst} & {*best}
    picture = mask_photographs.compared_picture(load_segmenter(folder), tested[0], longest=20)
    assert max(picture.shape) == 20
    trained_on = mask_network_trained_on(folder)
    assert trained_on
    assert not {image_id(each.photo) for each in tested} & trained_on
