"""Labelling ahead: the actions that a photograph takes by hand, by trace, and when a network's proposals are corrected.

    python -m benchmarks.label_ahead run deepcrack OUT [--steps N] [--held-out N] [--ways WAY ...]
    python -m benchmarks.label_ahead table OUT

A simulated person (`benchmarks._person` says what an action is, and what it sees) draws held-out photographs of
../shared until F1 within 2 pixels of the true mask is 0.95, with at most 200 actions each. By hand: polylines of a
width, and the eraser. By trace: trace, and by hand where that fails. A network's areas are accepted and refused first,
with the slider at the network's own threshold or moved, and the rest is drawn as by trace, or by the gated brush first.

Networks are VGG16 at 10 % of its filters under a decoder, trained on 10, 20 and 40 photographs, each of which holds the
one before it; a fifth of them chooses the threshold, and all rank the filters. Nothing of a photo that is held out was
trained on, and none of them chose the constants of trace (`benchmarks.assists`).

What was done is kept in OUT/DATA.json and beside it, as it is done: a run cut off goes on.
"""

from __future__ import annotations

import argparse
import math
import time
import zlib
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
import torch
from skimage.filters import apply_hysteresis_threshold

from benchmarks._inspector import Photograph, photographs
from benchmarks._material import PHOTO, SHARED, head_line, vgg16
from benchmarks._person import CAP, GOAL, Person
from ftl import FtlError, SegmentationSet, SegmentConfig, load_segmentation, prune
from ftl.data.segmentation import photos_of, split_photos
from ftl.evaluation.segmentation import LEVELS, bootstrap
from ftl.files import read_json, write_json
from ftl.training.segmenters import VALIDATED_BY, fit_segmenter
from studio.annotation.assists.network import Seen, look

KEEP, GOALS, EACH = 0.1, (0.9, GOAL), 2
TRACE = "by trace"


class Way(NamedTuple):
    """How a person works: the tools for what lacks, and a network by the photographs that it was trained on.

    `threshold`: where the slider stands at first, 0..1; None: at the network's own. `slides`: whether it is moved.
    `reach`: areas go on to where the network is sure to that share of what the slider says. `heat`: traces follow what
    the network sees, not the dark of the photograph. The page has neither of the last two.
    """

    tools: tuple[str, ...] = ("trace", "polyline")
    network: int | None = None
    threshold: float | None = None
    slides: bool = True
    reach: float = 1.0
    heat: bool = False


class Reaching(Seen):
    """What a network sees, whose areas are as sure as the slider says somewhere, and go on to where they are less."""

    reach = 1.0

    def defects(self, threshold: float) -> np.ndarray:
        if self.reach == 1:
            return super().defects(threshold)
        low, high = (max(1, math.ceil(share * threshold * LEVELS)) for share in (self.reach, 1.0))
        return np.asarray(apply_hysteresis_threshold(self.level, low - 1, high - 1))


WAYS = {
    "by hand": Way(("polyline",)),
    TRACE: Way(),
    "by gated brush": Way(("gate", "trace", "polyline")),
    "10 photographs": Way(network=10),
    "20 photographs": Way(network=20),
    "40 photographs": Way(network=40),
    "10, then the gated brush": Way(("gate", "trace", "polyline"), network=10),
    "20, then the gated brush": Way(("gate", "trace", "polyline"), network=20),
    "40, then the gated brush": Way(("gate", "trace", "polyline"), network=40),
    "10, slider left alone": Way(network=10, slides=False),
    "20, slider left alone": Way(network=20, slides=False),
    "40, slider left alone": Way(network=40, slides=False),
    "10, slider left at 50 %": Way(network=10, slides=False, threshold=0.5),
    "20, slider left at 50 %": Way(network=20, slides=False, threshold=0.5),
    "40, slider left at 50 %": Way(network=40, slides=False, threshold=0.5),
    "40, areas reach to a half": Way(network=40, reach=0.5),
    "40, traces follow its heat": Way(network=40, heat=True),
}
COUNTS = sorted({way.network for way in WAYS.values() if way.network})


class Study:
    """One data set: its split, its networks, and what was done already."""

    def __init__(self, name: str, out: Path, held_out: int, config: SegmentConfig) -> None:
        source = SHARED / "data" / name
        self.data = load_segmentation(source / "images", source / "masks")
        self.name, self.out, self.config, self.file = name, out, config, out / f"{name}.json"
        self.pool, self.held_out = split(name, self.data, held_out)
        made_from = {"config": config.model_dump(), "data": self.data.digest(), "held out": self.held_out}
        try:
            self.found = read_json(self.file)
        except FtlError:
            self.found = made_from | {"networks": {}, "rows": []}
        if {key: self.found[key] for key in made_from} != made_from:
            raise SystemExit(f"{self.file} was made with other settings: choose another folder")

    def run(self, ways: list[str]) -> None:
        for count in sorted({own.network for own in map(WAYS.__getitem__, ways) if own.network}):
            if str(count) not in self.found["networks"]:
                self.train(count)
        done = {(row["way"], row["photograph"]) for row in self.found["rows"]}
        for index in self.held_out:
            image, truth = self.data.read(index)
            photograph = Photograph(self.data.images[index].stem, image, truth == 1)
            for way in ways:
                if (way, photograph.name) not in done:
                    row = {"way": way, "photograph": photograph.name} | self.worked(photograph, WAYS[way])
                    self.found["rows"].append(row)
                    write_json(self.file, self.found)
                    actions, quality = row["trail"][-1]
                    print(
                        f"  {photograph.name:16} {way:28} {actions:4} {quality:.3f} {row['seconds']:.1f} s", flush=True
                    )

    def train(self, count: int) -> None:
        """Train a network on some of the pool, and keep what it sees on each photograph that is held out."""
        begun, chosen = time.perf_counter(), self.data.take(self.pool[:count])
        backbone = vgg16()
        network = prune(backbone, chosen.scoring_masks(backbone.preprocess.size), KEEP)
        train, chooses = split_photos(chosen, PHOTO[self.name], 0, VALIDATED_BY)
        state, made_from = self.out / f"{self.name}-{count}.state", {"count": count, "data": chosen.digest()}
        trained, figures = fit_segmenter(
            network, chosen, train, chooses, config=self.config, state_file=state, made_from=made_from
        )
        for index in self.held_out:
            image, _ = self.data.read(index)
            cv2.imwrite(str(self.seen_file(count, self.data.images[index].stem)), look(trained.segmenter, image).level)
        about = {"threshold": trained.segmenter.threshold, "validation f1": figures["f1"], "trained on": len(train)}
        self.found["networks"][str(count)] = about | {"seconds": time.perf_counter() - begun}
        write_json(self.file, self.found)
        state.unlink()
        print(f"  network of {count}: {self.found['networks'][str(count)]}", flush=True)

    def seen_file(self, count: int, photograph: str) -> Path:
        """Where it is kept what a network sees on a photograph."""
        file = self.out / f"{self.name}-{count}" / f"{photograph}.png"
        file.parent.mkdir(exist_ok=True)
        return file

    def worked(self, photograph: Photograph, way: Way) -> dict[str, Any]:
        """What a person does on a photograph."""
        begun = time.perf_counter()
        person = Person(photograph, way.tools, np.random.default_rng(zlib.crc32(photograph.name.encode())))
        if way.network is not None:
            level = cv2.imread(str(self.seen_file(way.network, photograph.name)), cv2.IMREAD_GRAYSCALE)
            assert level is not None
            seen = Reaching(level, None, 0.0)
            seen.reach = way.reach
            own = self.found["networks"][str(way.network)]["threshold"]
            person.decide(seen, way.threshold or own, slides=way.slides)
            if way.heat:
                person.image = np.repeat(255 - level[..., None], 3, 2)
        decided = len(person.trail) - 1
        person.repair()
        return {
            "actions": dict(person.actions),
            "decided": decided,
            "trail": person.trail,
            "seconds": time.perf_counter() - begun,
        }


def split(name: str, data: SegmentationSet, most: int) -> tuple[list[int], list[int]]:
    """Indices of photographs to train on, shuffled, and of so many to draw, `EACH` of a photo; no photo is in both.

    None is drawn that chose the constants of trace.
    """
    rng, photos = np.random.default_rng(0), photos_of(data, PHOTO[name])
    judged = {photograph.name for photograph in photographs(name, True)}
    apart, held_out = set[str](), list[int]()
    for photo in rng.permutation(sorted(set(photos))):
        own = [index for index, other in enumerate(photos) if other == photo]
        if len(held_out) < most and all(data.images[index].stem in judged for index in own):
            apart.add(photo)
            held_out += own[: min(EACH, most - len(held_out))]
    return [int(index) for index in rng.permutation(len(data)) if photos[index] not in apart], held_out


def needed(row: dict[str, Any], goal: float) -> int:
    """Actions to an F1; the cap where it was not reached with fewer."""
    return min(next((actions for actions, quality in row["trail"] if quality >= goal), CAP), CAP)


def table(file: Path) -> None:
    """Actions a photograph by way of working, and their share of those by trace."""
    found = read_json(file)
    rows = {(row["way"], row["photograph"]): row for row in found["rows"]}
    names = sorted({photograph for _, photograph in rows})
    ways = [way for way in WAYS if all((way, name) in rows for name in names)]
    names = [name for name in names if all((way, name) in rows for way in ways)]
    print(f"{file.stem}: {len(names)} photographs; mean with 95 % interval by bootstrap over them")
    for count, about in found["networks"].items():
        print(f"  network of {count}: " + ", ".join(f"{what} {value:.3g}" for what, value in about.items()))
    heads = [head for goal in GOALS for head in (f"to F1 {goal:g}", "of trace's", "median, never")]
    print(f"  {'':30}{'F1 at first':>12}" + "".join(f"{head:>20}" for head in heads) + "   of what, a photograph")
    traced = {goal: np.array([needed(rows[TRACE, name], goal) for name in names]) for goal in GOALS}
    for way in ways:
        own = [rows[way, name] for name in names]
        cells = list[str]()
        for goal in GOALS:
            actions = np.array([needed(row, goal) for row in own])
            low, high = bootstrap(actions[:, None], lambda sums: sums[..., 0] / len(names))
            cells.append(f"{actions.mean():.1f} ({low:.1f}-{high:.1f})")
            low, high = bootstrap(np.stack([actions, traced[goal]], 1), lambda sums: sums[..., 0] / sums[..., 1])
            cells.append(f"{actions.sum() / traced[goal].sum():.2f} ({low:.2f}-{high:.2f})")
            cells.append(f"{np.median(actions):g}, {(actions == CAP).sum()}")
        first = np.mean([row["trail"][row["decided"]][1] for row in own])
        kinds = sum((Counter(row["actions"]) for row in own), Counter[str]())
        print(f"  {way:30}{first:>12.3f}" + "".join(f"{cell:>20}" for cell in cells) + "   "
              + ", ".join(f"{kind} {total / len(own):.1f}" for kind, total in kinds.most_common()))  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parts = parser.add_subparsers(dest="part", required=True)
    one = parts.add_parser("run")
    one.add_argument("data", choices=tuple(PHOTO))
    one.add_argument("out", type=Path)
    one.add_argument("--held-out", type=int, default=20)
    one.add_argument("--steps", type=int, default=300)
    one.add_argument("--crop", type=int, default=192)
    one.add_argument("--ways", nargs="+", choices=tuple(WAYS), default=[*WAYS])
    one = parts.add_parser("table")
    one.add_argument("out", type=Path)
    given = parser.parse_args()
    if given.part == "table":
        for file in sorted(given.out.glob("*.json")):
            table(file)
        return
    torch.set_num_threads(1)
    head_line(f"labelling ahead, {given.data}")
    given.out.mkdir(parents=True, exist_ok=True)
    Study(given.data, given.out, given.held_out, SegmentConfig(steps=given.steps, crop=given.crop)).run(given.ways)


if __name__ == "__main__":
    main()
