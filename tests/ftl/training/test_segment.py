"""Training networks that draw masks: what is learnt, what stays as it was, and going on after being killed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

import ftl
from ftl.config import SegmentConfig
from ftl.data.segmentation import SegmentationSet, load_segmentation
from ftl.errors import FtlError
from ftl.evaluation import evaluate_masks as evaluation
from ftl.evaluation.evaluate_masks import evaluate_masks
from ftl.models.backbone import Backbone
from ftl.models.preprocess import Preprocess
from ftl.models.segmenter import Segmenter
from ftl.models.tiling import segment
from ftl.training import norms
from ftl.training import segment as training
from ftl.training.early_stopping import Epoch
from ftl.training.mask_loss import mask_loss
from ftl.training.segment import ROUNDS, Trained, train_segmenter
from ftl.training.segmenters import train_segmenter as train_on_all
from tests.conftest import SIZE, make_backbone, make_features, save_png
from tests.drawn_photographs import QUICK, load_photographs, make_photographs

LONGER = SegmentConfig(steps=90, crop=32, crops=4, decoder_width=8)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> SegmentationSet:
    return load_photographs(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def unseen(tmp_path_factory: pytest.TempPathFactory) -> SegmentationSet:
    return load_photographs(tmp_path_factory.mktemp("unseen"), 6, seed=1)


def without_norms() -> Backbone:
    layers = [layer for layer in make_features() if not isinstance(layer, nn.BatchNorm2d)]
    return Backbone("plain", nn.Sequential(*layers), Preprocess("caffe", SIZE))


def run(data: SegmentationSet, backbone: Backbone | Segmenter | None = None, **more: Any) -> Trained:
    """Train on all photographs but the last two."""
    order = np.arange(len(data))
    return train_segmenter(backbone or make_backbone(), data, order[:-2], order[-2:], **({"config": QUICK} | more))


def same(first: Segmenter, second: Segmenter) -> bool:
    pairs = zip(first.state_dict().values(), second.state_dict().values(), strict=True)
    return all(torch.equal(own, other) for own, other in pairs)


@pytest.fixture(scope="module")
def whole(data: SegmentationSet) -> Trained:
    """A quick run that was never cut off."""
    return run(data)


@pytest.mark.parametrize("backbone", [make_backbone(), without_norms()], ids=["with norms", "without norms"])
def test_it_learns_to_draw_lines_that_it_has_not_seen(
    data: SegmentationSet, unseen: SegmentationSet, backbone: Backbone
) -> None:
    before = {key: value.clone() for key, value in backbone.state_dict().items()}
    model, validation = train_on_all(backbone, data, LONGER)
    figures = evaluate_masks(model, unseen)
    everything = np.mean([unseen.read(index)[1].mean() for index in range(len(unseen))])
    assert figures["f1"] > 0.5 > 3 * 2 * everything / (1 + everything)  # thrice what it is to draw everything
    assert figures["f1_low"] <= figures["f1"] <= figures["f1_high"]
    assert figures["f1"] <= figures["ods"] + 1e-9
    assert figures["tolerant_f1"] >= figures["f1"]
    assert (figures["photographs"], validation["photographs"], figures["classes"]) == (6, 2, ["defect"])
    assert model.threshold == validation["threshold"] == figures["threshold"]
    assert len(figures["per_photograph"]) == 6
    assert all(torch.equal(before[key], value) for key, value in backbone.state_dict().items())
    assert not model.training
    assert not any(parameter.requires_grad for parameter in model.parameters())


def test_the_curve_falls_and_has_a_point_for_each_round(data: SegmentationSet) -> None:
    heard, reported = list[Epoch](), list[tuple[int, int]]()
    made = run(data, config=LONGER, hear=heard.append, report=lambda done, total, what: reported.append((done, total)))
    assert heard == made.curve
    assert [point.epoch for point in made.curve] == [*range(1, ROUNDS + 1)]
    losses = [point.loss for point in made.curve]
    assert np.mean(losses[-3:]) < 0.8 * losses[0]
    assert made.curve[-1].stop_loss < made.curve[0].stop_loss
    assert all(0 <= point.stop_accuracy <= 1 for point in made.curve)
    assert reported == [(step, LONGER.steps) for step in range(1, LONGER.steps + 1)]


def test_the_same_seed_gives_the_same_weights_and_another_gives_others(data: SegmentationSet, whole: Trained) -> None:
    torch.rand(3)  # whatever was drawn before
    again = run(data)
    assert again.curve == whole.curve
    assert same(again.segmenter, whole.segmenter)
    assert not same(run(data, seed=1).segmenter, whole.segmenter)


def test_a_training_cut_off_between_rounds_goes_on_to_the_same_weights(
    data: SegmentationSet, whole: Trained, tmp_path: Path
) -> None:
    file, heard = tmp_path / "state.safetensors", list[Epoch]()

    class CutError(Exception):
        pass

    def cut_at(epoch: int) -> Callable[[Epoch], None]:
        def hear(point: Epoch) -> None:
            if point.epoch == epoch:
                raise CutError

        return hear

    for epoch, seed in ((2, 0), (3, 1), (5, 0), (9, 0)):  # that of another seed is not taken
        with pytest.raises(CutError):
            run(data, state_file=file, made_from={"seed": seed}, seed=seed, hear=cut_at(epoch))
    again = run(data, state_file=file, made_from={"seed": 0}, hear=heard.append)
    assert again.curve == whole.curve == heard
    assert same(again.segmenter, whole.segmenter)


def test_a_state_goes_on_from_its_round(
    data: SegmentationSet, whole: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, steps, real = tmp_path / "state.safetensors", list[int](), training._step

    def step(*given: Any) -> float:
        steps.append(1)
        return real(*given)

    run(data, state_file=file)
    monkeypatch.setattr(training, "_step", step)
    done = run(data, state_file=file)
    assert not steps
    assert same(done.segmenter, whole.segmenter)
    file.write_bytes(file.read_bytes()[:-7])
    assert same(run(data, state_file=file).segmenter, whole.segmenter)
    assert len(steps) == QUICK.steps  # a damaged one is not gone on with


@pytest.mark.parametrize("backbone", [make_backbone(), without_norms()], ids=["with norms", "without norms"])
def test_norms_are_folded_into_the_same_network(
    data: SegmentationSet, backbone: Backbone, monkeypatch: pytest.MonkeyPatch
) -> None:
    outputs, real = list[np.ndarray](), norms.fold_norms
    image = data.read(0)[0]

    def fold(model: Segmenter, names: Sequence[str]) -> None:
        model.eval()
        outputs.append(segment(model, image))
        real(model, names)

    monkeypatch.setattr(training, "fold_norms", fold)
    made = run(data, backbone).segmenter
    np.testing.assert_allclose(segment(made, image), outputs[0], atol=1e-4)
    kinds = [sum(isinstance(layer, nn.BatchNorm2d) for layer in network.modules()) for network in (made, backbone)]
    assert kinds[0] == kinds[1]
    fresh = Segmenter(backbone, made.classes, made.width)
    assert {key: value.shape for key, value in made.decoder.state_dict().items()} == {
        key: value.shape for key, value in fresh.decoder.state_dict().items()
    }


def moved(made: Trained, backbone: Backbone) -> float:
    """How far the filters of an encoder went from where they were."""
    before, after = backbone.convolutions(), made.segmenter.network.convolutions()
    return sum(float((after[name].weight - conv.weight).norm()) for name, conv in before.items())


def test_the_encoder_under_a_new_decoder_learns_more_slowly(data: SegmentationSet) -> None:
    backbone = make_backbone()  # with norms of its own, so that none are folded into its filters
    slow, fast, still = (run(data, backbone, encoder_rate=rate) for rate in (training.ENCODER_RATE, 1, 0))
    assert moved(still, backbone) == 0
    assert 0 < 3 * moved(slow, backbone) < moved(fast, backbone)
    assert same(run(data, backbone).segmenter, slow.segmenter)
    further = [run(data, slow.segmenter, encoder_rate=rate).segmenter for rate in (0.1, 1)]
    assert same(*further)  # whose decoder is not new


def test_each_level_of_a_new_decoder_is_taught_a_mask_of_its_own(
    data: SegmentationSet, whole: Trained, monkeypatch: pytest.MonkeyPatch
) -> None:
    truths = list[torch.Tensor]()

    def loss(logits: torch.Tensor, truth: torch.Tensor, *more: float) -> torch.Tensor:
        truths.append(truth)
        assert logits.shape[2:] == truth.shape[1:]
        return mask_loss(logits, truth, *more)

    monkeypatch.setattr(training, "mask_loss", loss)
    made = run(data, config=QUICK.but(steps=1))
    levels = len(made.segmenter.decoder.lateral)
    assert levels > 1
    assert len(truths) == 1 + levels
    assert all(torch.equal(truths[1], other) for other in truths[2:])  # all at the size of the finest level
    step = truths[0].shape[1] // truths[1].shape[1]
    assert torch.equal(truths[1], truths[0][:, step // 2 :: step, step // 2 :: step])
    truths.clear()
    run(data, made.segmenter, config=QUICK.but(steps=1))
    assert len(truths) == 1  # a decoder that has learnt is only taught the mask itself
    monkeypatch.setattr(training, "_SIDES", 0.0)
    assert not same(run(data).segmenter, whole.segmenter)


def test_several_classes_are_told_apart_and_what_is_not_judged_does_not_count(tmp_path: Path) -> None:
    _, masks = make_photographs(tmp_path / "data", 8, classes=True)
    for path in masks.glob("*.png"):
        mask = np.asarray(Image.open(path)).copy()
        mask[:, :9] = 255
        save_png(mask, path)
    data = load_segmentation(tmp_path / "data" / "Images", masks)
    model, validation = train_on_all(make_backbone(), data, LONGER)
    assert model.classes == ("line", "blob")
    assert validation["f1"] > 0.4
    pixels = np.array(validation["per_photograph"][0]["pixels"])
    assert pixels.shape == (2, 3)
    names = [str(path) for path in data.images]
    held_out, true = data.read(names.index(validation["per_photograph"][0]["file"]))
    assert pixels[:, [0, 2]].sum(1).tolist() == [(true == 1).sum(), (true == 2).sum()]
    drawn = ftl.draw_mask(model, held_out)
    assert pixels[:, :2].sum(1).tolist() == [(drawn[true < 255] == 1).sum(), (drawn[true < 255] == 2).sum()]
    (look,) = evaluation.look(model, data.take([names.index(validation["per_photograph"][0]["file"])]))
    assert np.array_equal(look.masks(round(256 * model.threshold) - 1)[0], np.where(true < 255, drawn, 0))
    image, truth = data.read(0)
    assert segment(model, image).shape == (3, *truth.shape)


def test_thin_lines_may_be_asked_to_stay_whole(data: SegmentationSet, whole: Trained) -> None:
    made = run(data, config=QUICK.but(cl_dice=0.5))
    assert all(np.isfinite([point.loss, point.stop_loss]).all() for point in made.curve)
    assert not same(made.segmenter, whole.segmenter)
    truth = torch.zeros(1, 20, 20, dtype=torch.uint8)
    truth[:, 9:12] = 1
    sure = torch.where(truth == 1, 20.0, -20.0)[:, None]
    broken = sure.clone()
    broken[..., 7:12] = -20
    plain, whole_line = mask_loss(sure, truth), mask_loss(sure, truth, 0.5)
    assert float(plain) == pytest.approx(0, abs=1e-4)
    assert float(whole_line) == pytest.approx(0, abs=1e-2)
    assert mask_loss(broken, truth, 0.5) > mask_loss(broken, truth)


def test_the_loss_is_least_for_what_is_true() -> None:
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(1, 3, 8, 8, generator=generator)
    truth = torch.randint(0, 3, (1, 8, 8), generator=generator).to(torch.uint8)
    half = mask_loss(logits[..., :4], truth[..., :4])
    truth[..., 4:] = 255
    assert float(mask_loss(logits, truth)) == pytest.approx(float(half), abs=1e-6)
    truth[:] = 255
    nothing = logits.requires_grad_()
    mask_loss(nothing, truth).backward()
    assert nothing.grad is not None
    assert not nothing.grad.any()
    for classes in (1, 3):
        truth = torch.randint(0, classes + 1, (2, 12, 12), generator=generator).to(torch.uint8)
        channels = range(1, 2) if classes == 1 else range(classes + 1)
        right = torch.stack([torch.where(truth == number, 9.0, -9.0) for number in channels], 1)
        assert float(mask_loss(right, truth)) < 0.02
        assert float(mask_loss(-right, truth)) > 1


def test_masks_without_any_defect_give_no_number_that_is_none(data: SegmentationSet) -> None:
    empty = SegmentationSet(data.images, data.masks, data.classes, (200,), data.digests)  # an id that no mask holds
    assert not empty.read(0)[1].any()
    for more in (0.0, 0.5):
        made = run(empty, config=QUICK.but(cl_dice=more))
        assert all(np.isfinite([point.loss, point.stop_loss, point.stop_accuracy]).all() for point in made.curve)
        assert all(torch.isfinite(value).all() for value in made.segmenter.state_dict().values())
    figures = evaluate_masks(made.segmenter, empty)
    assert all(np.isfinite(figures[key]) for key in ("f1", "f1_low", "iou", "cl_dice", "ods", "average_precision"))


@pytest.mark.parametrize("steps", [1, 2, 16])
def test_any_number_of_steps_is_trained(data: SegmentationSet, steps: int) -> None:
    made = run(data, config=QUICK.but(steps=steps, crops=1))
    assert len(made.curve) == min(steps, ROUNDS)


def test_photographs_that_do_not_fit_in_memory_are_read_as_needed(
    data: SegmentationSet, whole: Trained, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training, "HELD_BYTES", 0)
    assert same(run(data).segmenter, whole.segmenter)


def test_a_notebook_trains_draws_and_measures(
    data: SegmentationSet, unseen: SegmentationSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(FtlError, match="draw more"):
        ftl.train_segmenter(make_backbone(), data.take([0, 1]), QUICK)
    looked = list[np.ndarray]()
    monkeypatch.setattr("ftl.evaluation.evaluate_masks.segment", lambda model, image, **more: (
        looked.append(image) or segment(model, image, **more)
    ))  # fmt: skip
    model, validation = ftl.train_segmenter(make_backbone(), data, QUICK, device="cpu")
    assert len(looked) == validation["photographs"] == 2  # once each, to choose the threshold and to measure
    names = [str(path) for path in data.images]
    held_out = [names.index(one["file"]) for one in validation["per_photograph"]]
    assert ftl.evaluate_masks(model, data.take(held_out)) == validation
    image, truth = unseen.read(0)
    mask = ftl.draw_mask(model, image)
    assert mask.shape == truth.shape
    assert mask.dtype == np.uint8
    figures = ftl.evaluate_masks(model, unseen.take([0]))
    assert figures["per_photograph"][0]["pixels"][0][0] == ((mask == 1) & (truth == 1)).sum()
    other = SegmentationSet(unseen.images, unseen.masks, ("pore",), unseen.ids, unseen.digests)
    with pytest.raises(FtlError, match="the masks hold pore, the network draws defect"):
        ftl.evaluate_masks(model, other)
