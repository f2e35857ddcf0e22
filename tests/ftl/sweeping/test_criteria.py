"""Criteria side by side, and those that look at the whole network."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import ftl
from ftl.cli import main
from ftl.config import PruneConfig, SweepConfig
from ftl.data.dataset import Dataset, load_dataset
from ftl.data.masks import load_masks
from ftl.errors import FtlError
from ftl.files import read_json, write_json
from ftl.models.backbone import Backbone, macs
from ftl.models.preprocess import Preprocess
from ftl.pruning.choose import choose_filters
from ftl.pruning.criteria import Criterion, criterion
from ftl.pruning.network_criteria import bind, bn_scale, loss_gradients, taylor, unscaled
from ftl.pruning.surgery import prune
from ftl.sweeping.criteria_study import Row, criteria_ways, interval, table, width_for
from ftl.sweeping.few_labels import Row as FewLabels
from ftl.sweeping.few_labels import figure, gain, labelled
from tests.conftest import PHOTO, SIZE, add_seen, make_backbone, train_on_masked


def normed() -> Backbone:
    """Each convolution with a batch norm behind it, whose scales are known."""
    layers = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Conv2d(4, 2, 3), nn.BatchNorm2d(2))
    layers[1].weight.data = torch.tensor([0.5, -3.0, 1.0, 2.0])
    layers[4].weight.data = torch.tensor([-1.0, 0.5])
    return Backbone("normed", layers, Preprocess("caffe", SIZE))


def test_bn_scale_is_the_size_of_the_scale_behind(workspace: Path) -> None:
    learn = load_dataset(workspace / "dataset")
    assert [one.tolist() for one in bn_scale(normed(), learn, 0, None)] == [[0.5, 3, 1, 2], [1, 0.5]]
    with pytest.raises(FtlError, match="has no batch norm behind it"):
        bn_scale(make_backbone(), learn, 0, None)
    masks = load_masks(workspace / "Images", workspace / "Segmented", size=SIZE)
    assert unscaled(normed()) == []
    assert unscaled(make_backbone()) == ["features.1", "features.9"]
    cracks = load_masks(workspace / "Images", workspace / "Segmented", size=SIZE, classes=["Crack"])
    for refused in (
        lambda: criteria_ways(make_backbone(), cracks, ["l1", "bn_scale"], PruneConfig()),
        lambda: ftl.sweep(
            make_backbone(), cracks, SweepConfig(criterion="bn_scale"), dataset=learn, out=workspace / "no"
        ),
    ):
        with pytest.raises(FtlError, match=r"bn_scale: features\.1 of .* has no batch norm behind it"):
            refused()
    assert not (workspace / "no").exists()
    for mode in ("layerwise", "one_shot"):
        bound = bind(criterion("bn_scale"), normed(), learn, 0, None)
        ((_, choices),) = choose_filters(normed(), masks, [0.5], PruneConfig(mode=mode), criterion=bound)
        assert [choice.kept for choice in choices] == [[1, 3], [0]]


def test_taylor_tells_what_the_loss_loses_without_a_filter(workspace: Path) -> None:
    """A filter that nothing reads changes no loss; the scores are those of gradients by hand."""
    backbone, learn = make_backbone(), load_dataset(workspace / "dataset")
    backbone.features[5].weight.data[:, 2] = 0  # nothing reads filter 2 of the first convolution
    scores = taylor(backbone, learn, 0, None)
    assert scores[0][2] == 0
    assert (np.delete(scores[0], 2) > 0).all()
    assert not any(parameter.requires_grad or parameter.grad is not None for parameter in backbone.parameters())
    loss_gradients(backbone, learn, 0, None)
    conv = backbone.features[1]
    assert conv.weight.grad is not None
    total = float(sum((conv.weight.grad * conv.weight).sum((1, 2, 3)) ** 2))
    assert total > 0
    assert all(np.isfinite(one).all() for one in scores)
    again = taylor(make_backbone(), learn, 0, None)
    assert not np.array_equal(again[0], scores[0])


def test_a_criterion_of_the_whole_network_goes_through_a_sweep_and_not_through_prune(
    workspace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = workspace / "tiny.safetensors"

    def swept(*budgets: str) -> list[str]:
        made = ftl.sweep(
            ftl.load_backbone(file),
            load_masks(workspace / "Images", workspace / "Segmented", size=SIZE),
            SweepConfig(keep=[0.5], criterion="taylor", budgets=budgets, threads=1),
            dataset=workspace / "dataset",
            evaluation=workspace / "evaluation",
            out=workspace / "models",
        )
        return [one.name for one in made.candidates]

    assert swept() == ["base", "keep-0.5"]
    assert swept("30%") == ["base", "keep-0.5", "macs-0.3"]  # of a sweep whose other networks are there
    assert main(["prune", str(workspace / "other"), str(file), "--criterion", "taylor"])
    assert "ftl run" in capsys.readouterr().err
    assert not (workspace / "other").exists()


@pytest.mark.parametrize("share", [0.5, 0.2, 0.05])
def test_the_width_has_the_share_of_the_multiply_adds(share: float) -> None:
    backbone = make_backbone(channels=(64, 96, 128))
    fraction = width_for(backbone, share)
    kept = {name: range(max(1, round(conv.out_channels * fraction))) for name, conv in backbone.convolutions().items()}
    left = macs(prune(backbone, kept).spec(), SIZE) / macs(backbone.spec(), SIZE)
    assert left == pytest.approx(share, rel=0.1)


def test_intervals_are_students() -> None:
    mean, reach = interval([90.0, 92.0, 94.0])
    assert mean == 92
    assert reach == pytest.approx(4.302653 * 2 / np.sqrt(3), rel=1e-5)
    assert interval([1.0]) == (1.0, float("inf"))
    rows = [Row("iou", 0.1, (0.9, 0.92)), Row("random", 0.1, (0.8, 0.82))]
    assert "+10.00 ± 0.00" in table(rows, "random")


def test_the_command_compares_resumes_and_refuses(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["criteria", str(workspace), str(workspace / "tiny.safetensors"), "--classes", "Crack"]
    few = [*command, "--criteria", "iou", "random", "--macs", "0.3", "--repeats", "2"]
    assert not main(few)
    said = capsys.readouterr().out
    assert "gain on random" in said
    measured = read_json(workspace / "criteria.json")["accuracies"]
    assert measured.keys() == {f"{name} 0.3 {seed}" for name in ("iou", "random") for seed in (0, 1)}
    assert not main([*few, "--criteria", "iou", "random", "l1"])
    assert read_json(workspace / "criteria.json")["accuracies"].items() >= measured.items()
    assert not main([*few, "--criteria", "iou:global", "random"])
    assert "iou:global 0.3 0" in read_json(workspace / "criteria.json")["accuracies"]
    for wrong, told in (
        (["--criteria", "iou:best"], "as NAME or as NAME:global"),
        (["--head", "tuned"], "holds another comparison"),
        (["--head", "fine"], "linear or tuned"),
        (["--macs", "1.5"], "from 0 to 1"),
        (["--criteria", "best"], "there is no criterion"),
    ):
        assert main([*few, *wrong])
        assert told in capsys.readouterr().err
    assert main(few[:3] + few[5:])
    assert "one class" in capsys.readouterr().err


def test_few_labels_are_of_as_many_photos_as_there_are_and_those_of_fewer_are_among_them(workspace: Path) -> None:
    dataset = load_dataset(workspace / "dataset")
    some, more = (labelled(dataset, count, 3, None) for count in (5, 9))
    assert {*some} < {*more}
    assert [np.bincount(dataset.labels[drawn]).tolist() for drawn in (some, more)] == [[5, 5], [9, 9]]
    assert not np.array_equal(some, labelled(dataset, 5, 4, None))
    pairs = r"dataset_(\d+)\d|dataset_\d"  # ten crops of one photo, of another, and of some
    crops = dataset.take([i for i, path in enumerate(dataset.paths) if len(path.stem) == len("dataset_00")])
    drawn = labelled(crops, 4, 0, pairs)
    photos = [(int(crops.labels[i]), crops.paths[i].stem[-2]) for i in drawn]
    assert {photo: photos.count(photo) for photo in photos} == dict.fromkeys(
        [(label, ten) for label in (0, 1) for ten in "12"], 2
    )
    with pytest.raises(FtlError, match="a class has 24 photographs"):
        labelled(dataset, 25, 0, None)


def test_criteria_are_compared_with_few_labels(
    workspace: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    command = ["criteria", str(workspace), str(workspace / "tiny.safetensors"), "--classes", "Crack", "--epochs", "1"]
    command += ["--macs", "0.3", "--labels", "5", "20", "--seeds", "2"]
    ranked, study = [*command, "--criteria", "iou", "random", "taylor"], workspace / "criteria.json"
    looked = list[set[str]]()

    def look(ranking: Criterion, network: Backbone, learn: Dataset, seed: int, photo: str | None) -> Criterion:
        looked.append({ranking.name, *learn.digests})
        return bind(ranking, network, learn, seed, photo)

    monkeypatch.setattr("ftl.sweeping.criteria_study.bind", look)
    assert not main(ranked)
    said = capsys.readouterr().out
    assert "linear, 30 % of the MACs: accuracy %, gain on random, by labels a class" in said
    measured = read_json(study)["accuracies"]
    trials = {
        f"linear {name} 0.3 {count} {seed}"
        for name in ("iou", "random", "taylor") for count in (5, 20) for seed in (0, 1)
    }  # fmt: skip
    assert measured.keys() == trials
    dataset = load_dataset(workspace / "dataset")
    for count in (5, 20):  # Taylor sees no other labels than the head
        for seed in (0, 1):
            assert {"taylor", *dataset.take(labelled(dataset, count, seed, None)).digests} in looked
    kept = {key: value for key, value in measured.items() if " taylor " not in key}
    write_json(study, read_json(study) | {"accuracies": kept | {"linear iou 0.3 5 0": 0.25}})
    assert not main(ranked)
    again = read_json(study)["accuracies"]
    assert again == measured | {"linear iou 0.3 5 0": 0.25}  # what was measured is not measured again
    lines = study.with_suffix(".csv").read_text().splitlines()
    assert len(lines) == 1 + 3 * 2
    mean = np.mean([0.25, measured["linear iou 0.3 5 1"]])
    assert lines[1].startswith(f"linear,0.3,iou,5,{round(100 * mean, 4):g}")
    assert "labels a class" in study.with_suffix(".html").read_text()
    tuned = [*command, "--criteria", "l1", "--heads", "linear", "tuned", "--labels", "20", "--mask-weight", "1"]
    assert main([*tuned, "--out", str(workspace / "tuned.json")])
    assert "no photograph that is trained on has one" in capsys.readouterr().err
    train_on_masked(workspace)
    assert not main([*tuned, "--out", str(workspace / "tuned-masked.json")])
    made = read_json(workspace / "tuned-masked.json")["accuracies"]
    assert [key.split()[0] for key in made] == ["linear"] * 2 + ["tuned"] * 2
    for wrong, told in (
        (["--labels", "4"], "at least 5 labels a class"),
        (["--labels", "25"], "a class has 24 photographs"),
        ([], "holds another comparison"),  # the photographs are others now
        (["--heads", "linear", "fine"], "linear or tuned"),
    ):
        assert main([*ranked, *wrong])
        assert told in capsys.readouterr().err
    assert main([*(part for part in ranked if part not in ("--labels", "5", "20")), "--heads", "linear", "tuned"])
    assert "give --labels, or one head" in capsys.readouterr().err


def test_a_gain_is_that_of_the_same_photographs() -> None:
    rows = [
        FewLabels("linear", 0.1, "iou", 5, (0.9, 0.7)),
        FewLabels("linear", 0.1, "random", 5, (0.8, 0.6)),
        FewLabels("tuned", 0.1, "random", 5, (0.0, 0.0)),
    ]
    accuracy, reach, gained, give = gain(rows[0], rows, "random")
    assert (accuracy, gained) == (pytest.approx(80), pytest.approx(10))
    assert reach == pytest.approx(12.7062047 * 10, rel=1e-6)
    assert give == pytest.approx(0, abs=1e-9)
    drawn = figure(rows, "random").data
    assert [(line.name, *line.y) for line in drawn] == [
        ("iou", pytest.approx(80)), ("iou",), ("random", pytest.approx(70)), ("random", 0)
    ]  # fmt: skip


def test_criteria_are_not_judged_on_what_ranked_filters(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    judge = load_dataset(workspace / "evaluation").digest()
    add_seen(workspace)
    command = ["criteria", str(workspace), str(workspace / "tiny.safetensors"), "--classes", "Crack"]
    command += ["--criteria", "l1", "--macs", "0.3", "--repeats", "1"]
    assert not main([*command, "--photo", PHOTO])
    assert "4 images left out of the test set" in capsys.readouterr().err
    found = read_json(workspace / "criteria.json")
    assert (found["left_out"], found["made_from"]["judge_sha256"]) == ({"files": 2, "crops": 2}, judge)
    assert not main([*command, "--out", str(workspace / "files.json")])
    assert read_json(workspace / "files.json")["left_out"] == {"files": 2, "crops": 0}
