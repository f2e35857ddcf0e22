"""Train a segmenter: a pruned network under a decoder, on random crops of photographs with masks."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from ftl.config import SegmentConfig
from ftl.data.crops import random_crop
from ftl.data.masks import NOT_JUDGED
from ftl.data.segmentation import SegmentationSet
from ftl.device import device_of, mixed_precision
from ftl.evaluation.segmentation import HALF, THRESHOLDS, class_counts, mean_f1
from ftl.models.backbone import Backbone
from ftl.models.segmenter import Segmenter, enlarged
from ftl.models.tiling import segment
from ftl.progress import TRAINING, Report, silent
from ftl.training.checkpoint import resume, write_state
from ftl.training.early_stopping import Epoch
from ftl.training.loop import AdamW, State, averaged_model, descend
from ftl.training.mask_loss import mask_loss
from ftl.training.norms import convolutions, fold_norms, insert_norms

ROUNDS = 15
"""Points of the learning curve: after each the validation photographs are looked at, and the state is written."""

HELD_BYTES = 2**30
"""Photographs are held in memory up to so many bytes, decoded; the others are read again whenever they are needed."""

_WARM = 0.2  # share of the steps in which the learning rate rises

_EXACT = 0.3
"""Share of the steps, the last ones, whose crops are as photographed: edges of masks that were turned are blurred."""

ENCODER_RATE = 0.1
"""The learning rate of an encoder's filters under a new decoder, as a share of the decoder's.

They have learnt from more than the few photographs that have masks, and that is kept.
"""

_SIDES = 0.3
"""Weight of the loss of each level's own mask, as of deeply supervised networks (Lee et al. 2015)."""

Photographs = Callable[[int], tuple[np.ndarray, np.ndarray]]
"""Gives a photograph, RGB uint8 (H, W, 3), and its mask of class numbers, uint8 (H, W), by its index."""


Batch = tuple[np.ndarray, np.ndarray]
"""Crops, RGB float32 (N, S, S, 3), 0..255, and their masks of class numbers, uint8 (N, S, S)."""


class _Learner(nn.Module):
    """A segmenter in training, and a small head over each level of its decoder: coarse levels learn what a crack is."""

    def __init__(self, segmenter: Segmenter, sides: int) -> None:
        super().__init__()
        self.segmenter = segmenter
        self.sides = nn.ModuleList(
            nn.Conv2d(segmenter.width, segmenter.decoder.head.out_channels, 1) for _ in range(sides)
        )

    def forward(self, x: torch.Tensor) -> list[torch.Tensor]:
        """Logits (N, outputs, H, W) of preprocessed crops (N, 3, H, W), and those of each side head.

        The latter are as large as the finest level: at the size of the crops they would take a fifth of the time.
        """
        if not self.sides:
            return [self.segmenter(x)]
        decoder, maps = self.segmenter.decoder, self.segmenter.maps(x)
        pyramid = decoder.pyramid(maps)
        sides = [enlarged(side(level), pyramid[0]) for side, level in zip(self.sides, pyramid, strict=True)]
        return [decoder.finished(x, maps, pyramid[0]), *sides]


class Trained(NamedTuple):
    """A segmenter with the exponential moving average of its weights, and its learning curve."""

    segmenter: Segmenter
    curve: list[Epoch]


def train_segmenter(
    network: Backbone | Segmenter,
    data: SegmentationSet,
    train: np.ndarray,
    held_out: np.ndarray,
    *,
    config: SegmentConfig = SegmentConfig(),
    encoder_rate: float = ENCODER_RATE,
    seed: int = 0,
    state_file: Path | None = None,
    made_from: dict[str, Any] | None = None,
    report: Report = silent,
    hear: Callable[[Epoch], None] = lambda epoch: None,
) -> Trained:
    """Train a copy of `network` on the photographs at the indices `train`.

    Args:
        network: a backbone, which gets a new decoder; or a segmenter that draws the classes of `data`: it goes on from
            its weights.
        encoder_rate: the learning rate of a backbone's filters, as a share of that of its new decoder.
        held_out: indices of the validation photographs, which the learning curve is about; nothing is chosen by it.
        state_file: where the state lies between rounds, from which a killed run goes on; left for the caller to remove.
        made_from: what the run depends on; a state made from anything else is not resumed.
        hear: called with each round's figures, also those of rounds before a restart: `stop_accuracy` is the F1 at a
            threshold of one half.
    """
    made_from = made_from or {}

    def begun() -> State[_Learner]:
        return _begin(network, data.classes, config, encoder_rate, seed)

    photographs, device = _held(data), device_of(training=True)

    def draw(step: int) -> Batch:
        exact = step >= (1 - _EXACT) * config.steps
        return _crops(photographs, train, config, np.random.default_rng([seed, step]), exact)

    state = begun() if state_file is None else resume(state_file, begun, made_from)
    for point in state.curve:
        hear(point)
    ends = np.linspace(0, config.steps, min(ROUNDS, config.steps) + 1).astype(int).tolist()
    for begin, end in zip(ends[len(state.curve) :], ends[len(state.curve) + 1 :], strict=False):
        total = 0.0
        state.model.train()
        for step, batch in enumerate(_ahead(draw, range(begin, end)), begin + 1):
            total += _step(state, batch, config, device)
            report(step, config.steps, TRAINING)
        loss, score = _look(state.averaged.segmenter, photographs, held_out)
        point = Epoch(len(state.curve) + 1, total / (end - begin), loss, score)
        state.curve.append(point)
        if state_file is not None:
            write_state(state_file, state, made_from)
        hear(point)
    made = state.averaged.segmenter.cpu()
    fold_norms(made, state.inserted)
    return Trained(made.requires_grad_(False), state.curve)


def _begin(
    network: Backbone | Segmenter, classes: Sequence[str], config: SegmentConfig, encoder_rate: float, seed: int
) -> State[_Learner]:
    """The state before the first step."""
    device, rng, inserted = device_of(training=True), np.random.default_rng(seed), list[str]()
    if isinstance(network, Segmenter):  # its maps have their sizes by now: new norms would undo what it has learnt
        learner, encoder_rate = _Learner(copy.deepcopy(network), 0), 1.0
    else:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            model = Segmenter(copy.deepcopy(network), classes, config.decoder_width)
            learner = _Learner(model, len(model.decoder.lateral))
        decoder = model.decoder
        plain = {decoder.narrow, decoder.fine, decoder.head}  # what becomes logits is not normalised
        normed = {*(decoder if network.has_norms else model).modules()} - plain
        inserted = insert_norms(model, [name for name in convolutions(model) if model.get_submodule(name) in normed])
    learner.requires_grad_(True).to(device)
    encoder = [*learner.segmenter.network.parameters()]
    known = set(encoder)
    others = [value for value in learner.parameters() if value not in known]
    rates = [encoder_rate * config.learning_rate, config.learning_rate]
    optimiser = AdamW([{"params": encoder}, {"params": others}], lr=config.learning_rate, weight_decay=1e-2)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, rates, total_steps=max(config.steps, 2), pct_start=_WARM)
    return State(learner, averaged_model(learner), optimiser, schedule, rng, inserted, {}, [])


def _crops(
    photographs: Photographs, train: np.ndarray, config: SegmentConfig, rng: np.random.Generator, exact: bool
) -> Batch:
    """Random crops of random photographs."""
    chosen = [photographs(int(index)) for index in rng.choice(train, config.crops)]
    crops = [random_crop(image, mask, config.crop, rng, exact=exact) for image, mask in chosen]
    return np.stack([image for image, _ in crops]), np.stack([mask for _, mask in crops])


def _ahead(draw: Callable[[int], Batch], steps: Iterable[int]) -> Iterator[Batch]:
    """The batch of each step, each drawn while the one before is trained on."""
    with ThreadPoolExecutor(1) as pool:
        drawn = None
        for step in steps:
            following = pool.submit(draw, step)
            if drawn is not None:
                yield drawn.result()
            drawn = following
        if drawn is not None:
            yield drawn.result()


def _step(state: State[_Learner], batch: Batch, config: SegmentConfig, device: torch.device) -> float:
    """Train on one batch; its loss."""
    x = state.model.segmenter.network.preprocess.normalised(batch[0]).to(device)
    truth = torch.from_numpy(batch[1]).to(device)
    with mixed_precision(device):
        logits, *sides = state.model(x)
    loss = mask_loss(logits.float(), truth, config.cl_dice)
    return descend(state, loss + _SIDES * sum(mask_loss(side.float(), _shrunk(truth, side)) for side in sides))


def _shrunk(truth: torch.Tensor, like: torch.Tensor) -> torch.Tensor:
    """Masks uint8 (N, H, W) at the size of maps (N, C, h, w): the nearest pixels."""
    return F.interpolate(truth[:, None], size=like.shape[2:], mode="nearest-exact")[:, 0]


def _look(model: Segmenter, photographs: Photographs, indices: np.ndarray) -> tuple[float, float]:
    """Mean cross-entropy a pixel (nats) of photographs, and mean F1 of the classes at a threshold of one half."""
    model.eval()
    entropies, counts = list[float](), np.zeros((len(model.classes), len(THRESHOLDS), 3))
    for index in indices:
        image, truth = photographs(int(index))
        probabilities = segment(model, image)
        if (judged := truth != NOT_JUDGED).any():
            right = np.take_along_axis(probabilities[:, judged], truth[None, judged].astype(np.int64), 0)
            entropies.append(float(-np.log(right.clip(1e-6)).mean()))
        counts += class_counts(probabilities, truth)
    return float(np.mean(entropies)), float(mean_f1(counts[:, HALF]))


def _held(data: SegmentationSet) -> Photographs:
    """The photographs and masks of a set, of which some are held in memory."""
    held, left = dict[int, tuple[np.ndarray, np.ndarray]](), HELD_BYTES

    def read(index: int) -> tuple[np.ndarray, np.ndarray]:
        nonlocal left
        if index in held:
            return held[index]
        image, mask = data.read(index)
        if image.nbytes + mask.nbytes <= left:
            left -= image.nbytes + mask.nbytes
            held[index] = image, mask
        return image, mask

    return read
