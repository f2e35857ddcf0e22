"""Fine-tuning and recalibration: what is learnt, kept, resumed, and told."""

from __future__ import annotations

import shutil
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from torch import nn

import ftl
from ftl.cli import main
from ftl.config import FineTuneConfig, SweepConfig
from ftl.errors import FtlError
from ftl.files import read_json
from ftl.models.backbone import Backbone, map_sizes
from ftl.models.preprocess import Preprocess
from ftl.progress import CandidateProgress
from ftl.sweeping.evaluate import repeat
from ftl.training import finetune, loop
from ftl.training.early_stopping import Epoch, as_good
from ftl.training.finetune import augment, begin
from ftl.training.loop import class_weights, distillation
from ftl.training.map_masks import NOT_DRAWN
from ftl.training.norms import convolutions, fold_norms, insert_norms
from ftl.training.recalibrate import recalibrate
from tests.conftest import SIZE, make_backbone, make_features, sweep_in, train_on_masked

CONFIG = FineTuneConfig(epochs=3, batch=8, learning_rate=5e-3)


def plain_backbone(seed: int = 0) -> Backbone:
    """One without batch norms."""
    layers = [layer for layer in make_features(seed) if not isinstance(layer, nn.BatchNorm2d)]
    return Backbone("plain", nn.Sequential(*layers), Preprocess("caffe", SIZE))


def stripes(count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Noise, every other one with a dark line."""
    rng = np.random.default_rng(seed)
    images = rng.integers(120, 200, (count, SIZE, SIZE, 3), dtype=np.uint8)
    labels = np.arange(count) % 2
    for index in np.flatnonzero(labels):
        images[index, int(rng.integers(4, SIZE - 6)) :][:3] //= 4
    return images, labels


def _without_biases(backbone: Backbone) -> list[dict[str, Any]]:
    """The layers, but for biases: a convolution into which a norm was folded has one."""
    return [{key: value for key, value in one.items() if key != "bias"} for one in backbone.spec()]


def run(backbone: Backbone, images: np.ndarray, labels: np.ndarray, **more: Any) -> Any:
    order = np.arange(len(labels))
    return finetune.fine_tune(
        backbone, images.__getitem__, labels, ("a", "b"), order[:-16], order[-16:], **({"config": CONFIG} | more)
    )


@pytest.mark.parametrize("backbone", [plain_backbone(), make_backbone()], ids=["without norms", "with norms"])
def test_it_learns_what_a_new_head_alone_cannot_and_leaves_the_layers_as_they_were(backbone: Backbone) -> None:
    images, labels = stripes(80)
    tuned = run(backbone, images, labels, config=FineTuneConfig(epochs=8, batch=8, learning_rate=5e-3))
    assert _without_biases(tuned.network) == _without_biases(backbone)
    unseen, truth = stripes(60, seed=9)
    with torch.inference_mode():
        means = tuned.network(tuned.network.preprocess(unseen)).mean((2, 3)).numpy()
    assert (tuned.head.probabilities(means).argmax(1) == truth).mean() >= 0.95, tuned.curve
    assert tuned.curve[0].stop_loss < 2 * tuned.curve[0].loss  # its norms know its maps, after however few steps
    assert tuned.head.pooled
    assert tuned.head.weight.shape == (1, means.shape[1])
    assert not any(parameter.requires_grad for parameter in tuned.network.parameters())
    assert [point.epoch for point in tuned.curve] == list(range(1, len(tuned.curve) + 1))


def masks_of(images: np.ndarray) -> np.ndarray:
    """Where the images are dark, at the size of the last maps of the tests' network; of every third there is none."""
    height, width = map_sizes(make_backbone().spec(), SIZE)[-1]
    dark = images.astype(int).mean(3) < 80
    shrunk = [cv2.resize(one.astype(np.float32), (width, height), interpolation=cv2.INTER_AREA) > 0 for one in dark]
    masks = np.stack(shrunk).astype(np.uint8)
    masks[::3] = NOT_DRAWN
    return masks


def test_masks_are_learnt_beside_the_classes_and_only_where_they_are_drawn() -> None:
    """The labels say nothing here: what finds the lines of other photographs has learnt it from masks, turned alike."""
    (images, _), learn = stripes(60), np.arange(60)
    labels, config, masks = np.zeros(60, np.int64), CONFIG.but(mask_weight=1.0), masks_of(images)
    state = begin(make_backbone(), images.__getitem__, 2, learn, config, 0, draws=True)
    for _ in range(3):
        loop.train_epoch(
            state, lambda which: augment(images[which], state.rng, masks[which]), labels, learn, torch.ones(2), config
        )
    unseen, _ = stripes(40, seed=1)
    model = state.averaged.eval()
    with torch.no_grad():
        found = (model.with_masks(model.network.inputs(unseen))[1][:, 0] > 0).numpy()
    drawn = masks_of(unseen)
    known = drawn != NOT_DRAWN
    both = (found & (drawn == 1))[known].sum()
    assert 2 * both / (found[known].sum() + (drawn == 1).sum()) > 0.8


def test_masks_are_turned_as_their_images_are() -> None:
    rng = np.random.default_rng(0)
    masks = rng.integers(0, 2, (16, 4, 4), dtype=np.uint8)
    images = 255 * masks.repeat(8, 1).repeat(8, 2)[..., None].repeat(3, 3)
    made, turned = augment(images, np.random.default_rng(0), masks)
    assert turned is not None
    assert not np.array_equal(turned, masks)
    assert np.array_equal(made[:, ::8, ::8, 0] > 127, turned == 1)
    assert np.array_equal(made, augment(images, np.random.default_rng(0))[0])


def test_without_a_weight_masks_change_nothing_and_with_one_no_other_photographs_masks_do() -> None:
    images, labels = stripes(48)
    masks, config = masks_of(images), CONFIG.but(epochs=1)

    def weights(weight: float, masks: np.ndarray | None) -> list[np.ndarray]:
        tuned = run(make_backbone(), images, labels, config=config.but(mask_weight=weight), masks=masks)
        return [*(value.numpy() for value in tuned.network.state_dict().values()), tuned.head.weight]

    def equal(one: list[np.ndarray], other: list[np.ndarray]) -> bool:
        return all(map(np.array_equal, one, other))

    assert equal(weights(0.0, masks), weights(0.0, None))
    learnt = weights(1.0, masks)
    assert not equal(learnt, weights(0.0, None))
    stopping = masks.copy()
    stopping[-16:] = 1 - stopping[-16:].clip(0, 1)  # photographs that say when to stop
    assert equal(learnt, weights(1.0, stopping))


def test_a_training_cut_off_goes_on_to_the_same_weights(tmp_path: Path) -> None:
    images, labels = stripes(48)
    config = CONFIG.but(mask_weight=0.5)
    trained = partial(run, make_backbone(), images, labels, masks=masks_of(images), config=config)
    whole = trained()
    file, heard = tmp_path / "state.safetensors", list[Epoch]()

    class CutError(Exception):
        pass

    def cut(point: Epoch) -> None:
        if point.epoch == 2:
            raise CutError

    with pytest.raises(CutError):
        trained(state_file=file, made_from={"seed": 0}, hear=cut)
    with pytest.raises(CutError):
        trained(state_file=file, made_from={"seed": 1}, hear=cut)  # another's is not taken
    with pytest.raises(CutError):
        trained(state_file=file, made_from={"seed": 0}, hear=cut)
    again = trained(state_file=file, made_from={"seed": 0}, hear=heard.append)
    assert again.curve == whole.curve == heard
    for (key, one), other in zip(whole.network.state_dict().items(), again.network.state_dict().values(), strict=True):
        assert torch.equal(one, other), key
    assert np.array_equal(whole.head.weight, again.head.weight)


def test_a_state_goes_on_from_its_epoch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not from the start: the epochs before are not trained again."""
    images, labels = stripes(48)
    file = tmp_path / "state.safetensors"
    run(make_backbone(), images, labels, state_file=file, made_from={})
    trained = []
    monkeypatch.setattr("ftl.training.finetune.train_epoch", lambda *arguments: trained.append(1) or 0.0)
    done = run(make_backbone(), images, labels, state_file=file, made_from={})
    assert len(done.curve) == 3
    assert not trained
    file.write_bytes(file.read_bytes()[:-7])
    run(make_backbone(), images, labels, state_file=file, made_from={})
    assert len(trained) == 3  # a damaged one is not gone on with


def test_the_mean_of_the_weights_is_what_is_kept() -> None:
    means, counter = [torch.zeros(3), torch.ones(2, 2)], [torch.tensor(4)]
    loop._move_average(means, [torch.ones(3), torch.zeros(2, 2)], torch.tensor(8))
    assert torch.allclose(means[0], torch.full((3,), 0.5))
    assert torch.allclose(means[1], torch.full((2, 2), 0.5))
    loop._move_average(means, [torch.ones(3), torch.zeros(2, 2)], 10_000)
    assert torch.allclose(means[0], torch.full((3,), 0.505))
    loop._move_average(counter, [torch.tensor(5)], 3)
    assert counter == [torch.tensor(5)]
    (images, labels), config, learn = stripes(64), CONFIG.but(epochs=1), np.arange(48)
    state = begin(make_backbone(), images.__getitem__, 2, learn, config, 0)
    loop.train_epoch(state, lambda which: augment(images[which], state.rng), labels, learn, torch.ones(2), config)
    assert state.average.n_averaged == 30  # steps: five times six
    own = state.averaged.head(("a", "b")).weight
    assert not np.allclose(own, state.model.head(("a", "b")).weight)
    np.testing.assert_array_equal(run(make_backbone(), images, labels, config=config).head.weight, own)


@pytest.mark.parametrize(("epochs", "ends"), [(15, 13), (30, 23), (3, 3)])
def test_it_ends_when_the_stopping_part_gets_no_better(epochs: int, ends: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Worse with each epoch, but not before the rate has fallen below half, which it has after 0.65 of the epochs."""
    images, labels = stripes(48)
    worse = iter(np.arange(1.0, 50))
    wrong = torch.eye(2)[[1, 0]]
    monkeypatch.setattr(finetune, "logits_of", lambda model, photographs, which: next(worse) * wrong[labels[which]])
    tuned = run(make_backbone(), images, labels, config=CONFIG.but(epochs=epochs, patience=FineTuneConfig().patience))
    assert len(tuned.curve) == ends
    assert [point.epoch for point in tuned.curve if as_good(point, tuned.curve)] == [1]
    assert not as_good(Epoch(3, 0, 0.3, 1, 0.2), [Epoch(1, 0, 0.1, 1, 0.1), Epoch(2, 0, 0.2, 1, 0.5)])
    assert as_good(Epoch(3, 0, 0.2, 1, 0.0), [Epoch(1, 0, 0.1, 1, 0.1), Epoch(2, 0, 0.5, 1, 0.5)])


def test_few_images_are_shown_more_than_once_in_an_epoch() -> None:
    images, labels = stripes(64)
    counts = np.zeros(64, int)

    def photographs(chosen: np.ndarray) -> np.ndarray:
        counts[chosen] += 1
        return images[chosen]

    for few, times in ((64, 4), (240, 1), (241, 1), (9, 15), (1, 30)):
        assert loop.passes(few, CONFIG) == times  # batches of 8
    learn = np.arange(48)
    state = begin(make_backbone(), photographs, 2, learn, CONFIG, 0)
    counts[:] = 0
    loss = loop.train_epoch(state, lambda which: (photographs(which), None), labels, learn, torch.ones(2), CONFIG)
    assert 0 < loss < 2  # the mean, not the sum
    assert counts.tolist() == [5] * 48 + [0] * 16


def test_networks_with_norms_of_their_own_learn_at_a_lower_rate() -> None:
    wide = Backbone("wide", nn.Sequential(nn.Conv2d(3, 400, 1), nn.Conv2d(400, 300, 3)), Preprocess("caffe", SIZE))
    (images, _), learn = stripes(16), np.arange(16)
    for network, rate in ((make_backbone(), 3e-4), (plain_backbone(), 3e-3), (wide, 1e-3)):
        state = begin(network, images.__getitem__, 2, learn, FineTuneConfig(), 0)
        assert state.optimiser.param_groups[0]["max_lr"] == rate
    state = begin(wide, images.__getitem__, 2, learn, FineTuneConfig(learning_rate=0.1), 0)
    assert state.optimiser.param_groups[0]["max_lr"] == 0.1


def test_norms_come_and_go_without_a_trace() -> None:
    backbone, x = plain_backbone(), torch.randn(4, 3, SIZE, SIZE)
    layers = _without_biases(backbone)
    names = insert_norms(backbone, convolutions(backbone))
    assert len(names) == 3
    backbone.requires_grad_(True).train()(x)
    expected = backbone.eval()(x)
    fold_norms(backbone, names)
    assert _without_biases(backbone) == layers
    torch.testing.assert_close(backbone(x), expected, rtol=1e-4, atol=1e-4)


def test_a_network_with_norms_gets_no_others() -> None:
    images, _ = stripes(8)
    assert begin(make_backbone(), images.__getitem__, 2, np.arange(8), CONFIG, 0).inserted == []


@pytest.mark.parametrize("channels", [3, 12])
def test_inserted_norms_are_batch_norms_forth_and_back(channels: int) -> None:
    network = Backbone("one", nn.Sequential(nn.Conv2d(3, channels, 3)), Preprocess("caffe", SIZE))
    insert_norms(network, ["features.0"])
    conv, norm = network.features.get_submodule("0").children()
    plain = nn.BatchNorm2d(channels)
    x, other = (torch.randn(4, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(0)) for _ in range(2))
    weights = torch.linspace(-1, 1, 4 * channels * (SIZE - 2) ** 2).reshape(4, channels, SIZE - 2, SIZE - 2)
    for one, layers in ((x, [conv, norm]), (other, [conv, plain])):
        one.requires_grad_(True)
        conv.zero_grad()
        (nn.Sequential(*layers).train()(one.contiguous(memory_format=torch.channels_last)) * weights).sum().backward()
    torch.testing.assert_close(x.grad, other.grad, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(norm.weight.grad, plain.weight.grad, rtol=1e-4, atol=1e-3)
    torch.testing.assert_close(norm.running_var, plain.running_var)


def test_a_batch_of_one_is_left_by_no_count() -> None:
    for count in range(1, 100):
        sizes = [len(one) for one in loop.batches_of(np.arange(count), 16)]
        assert sum(sizes) == count
        assert max(sizes) <= 16
        assert max(sizes) - min(sizes) <= 1
        assert len(sizes) == -(-count // 16)
    assert loop.batches_of(np.arange(0), 16) == []


def test_recalibrated_norms_hold_the_statistics_of_the_networks_own_maps() -> None:
    backbone, (images, _) = make_backbone(), stripes(32)
    made = recalibrate(backbone, images.__getitem__, np.arange(32))
    maps = backbone.features[:3](backbone.preprocess(images))  # what the first norm sees
    norm: Any = made.features.get_submodule("3")
    before: Any = backbone.features.get_submodule("3")
    torch.testing.assert_close(norm.running_mean, maps.mean((0, 2, 3)), rtol=1e-4, atol=1e-3)
    torch.testing.assert_close(norm.running_var, maps.var((0, 2, 3)), rtol=1e-3, atol=1e-2)
    for one, other in zip(made.parameters(), backbone.parameters(), strict=True):
        assert torch.equal(one, other)
    assert not torch.equal(before.running_mean, norm.running_mean)
    assert not made.training


def test_each_photograph_counts_the_same_where_norms_are_settled() -> None:
    backbone, (images, _) = make_backbone(), stripes(33)  # one more than a batch
    images[-1] = 255
    made = recalibrate(backbone, images.__getitem__, np.arange(33))
    maps = backbone.features[:3](backbone.preprocess(images))
    torch.testing.assert_close(made.features[3].running_mean, maps.mean((0, 2, 3)), rtol=1e-4, atol=1e-3)


def test_rare_classes_count_the_same() -> None:
    assert class_weights(np.array([0, 0, 0, 1]), 2).tolist() == pytest.approx([2 / 3, 2])


def test_distillation_is_least_where_the_teacher_says_the_same() -> None:
    teacher = torch.tensor([[0.9, 0.1], [0.2, 0.8]])
    assert float(distillation(teacher.log(), teacher)) == pytest.approx(0, abs=1e-6)
    assert float(distillation(teacher.flip(1).log(), teacher)) > 0.1


def test_augmented_images_are_turned_never_cut() -> None:
    images, _ = stripes(6)
    made, _ = augment(images, np.random.default_rng(0))
    assert made.dtype == np.uint8
    assert made.shape == images.shape
    assert not np.array_equal(made, images)
    for one, other in zip(images, made, strict=True):  # the grey levels keep their order, wherever they went
        assert np.corrcoef(np.sort(one.ravel()), np.sort(other.ravel()))[0, 1] > 0.98


def test_a_sweep_makes_measures_and_lists_them_once(workspace: Path) -> None:
    told: list[CandidateProgress] = []
    made_of = {"heads": ["tuned", "recalibrated"], "fine_tune": CONFIG.but(distillation=0.5, mask_weight=0.5)}
    with pytest.raises(FtlError, match="no photograph that is trained on has one"):
        sweep_in(workspace, **made_of)
    train_on_masked(workspace)
    shutil.rmtree(workspace / "models")
    made = sweep_in(workspace, follow=told.append, **made_of)
    heads = {one.name: one.head for one in made.candidates}
    assert heads == {
        "base": "linear",
        "keep-0.5": "linear",
        "keep-0.5-recalibrated": "recalibrated",
        "keep-0.5-tuned": "tuned",
    }
    by_name = {one.name: one for one in made.candidates}
    assert by_name["keep-0.5-tuned"].channels == by_name["keep-0.5"].channels
    assert [one.epoch[0] for one in told if one.epoch] == [1, 2, 3]
    assert len(read_json(workspace / "models" / "keep-0.5-tuned" / "curve.json")["epochs"]) == 3
    assert not (workspace / "models" / "keep-0.5" / "tuning.safetensors").exists()
    before = {path: path.stat().st_mtime_ns for path in (workspace / "models").glob("*/*")}
    assert sweep_in(workspace, **made_of).candidates == made.candidates
    assert {path: path.stat().st_mtime_ns for path in (workspace / "models").glob("*/*")} == before
    figures = repeat(workspace / "models" / "keep-0.5-tuned", 2)
    assert 0 <= figures["accuracy"][0] <= 1
    model = ftl.load_model(workspace / "models" / "keep-0.5-tuned")
    assert model.head.pooled


def test_what_cannot_be_made_is_told_before_anything_is_computed() -> None:
    with pytest.raises(FtlError, match="there is no 'fine', choose recalibrated, tuned or segmented"):
        SweepConfig(heads=["fine"])
    with pytest.raises(FtlError, match="nothing to recalibrate"):
        SweepConfig(heads=["recalibrated"]).check_network("plain", plain_backbone().has_norms)
    with pytest.raises(FtlError, match="Distillation: must be at most 1, not 2"):
        FineTuneConfig(distillation=2.0)


def test_the_command_line_makes_them(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    models = str(workspace / "models")
    images, masks = str(workspace / "Images"), str(workspace / "Segmented")
    file = str(workspace / "tiny.safetensors")
    assert not main(["prune", models, file, "--images", images, "--masks", masks, "--keep", "0.5", "--mode", "once"])
    assert not main(["extract", models, "--dataset", str(workspace / "dataset")])
    assert not main(["train", models, "--also", "tuned", "--tune-base", "--epochs", "1"])
    said = capsys.readouterr().out
    assert "base-tuned: fine-tuned" in said
    assert "keep-0.5-tuned: fine-tuned" in said
    assert not main(["test", models, "--evaluation", str(workspace / "evaluation"), "--threads", "1"])
    assert not main(["predict", f"{models}/keep-0.5-tuned", str(workspace / "evaluation" / "Crack")])
    assert main(["train", models, "--also", "nothing"])
