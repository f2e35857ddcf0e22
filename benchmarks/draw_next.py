"""What to draw next: how many photographs a segmenter needs when they are drawn in this order or that.

    python -m benchmarks.draw_next run deepcrack OUT [--seeds 0 1 ...] [--steps N]
    python -m benchmarks.draw_next run masonry OUT
    python -m benchmarks.draw_next table OUT

Photographs of ../shared get their true masks in batches, until 1, 3, 6, 12, 24 and 48 are drawn, at most half of them:
in the order of their names, at random, by k-centre on features that need no network (`describe`), and by k-centre on
the features of the network itself, weighted with how unsure it is: the first batch as by k-centre, each later one by
the network that was trained on the batches before. After each batch VGG16 at 3 % of its filters is trained anew under
a decoder, and draws the held-out photographs, a quarter, by photo. Filters are ranked by masks of the other data set,
so that none of these chose them. A seed stands for a split, first weights and the random order. deepcrack is halved in
size, for time.

Each training is a row of OUT/DATA.json, written as it ends: a run cut off goes on.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch

from benchmarks._material import PHOTO, SHARED, head_line, vgg16
from ftl import (
    Backbone,
    FtlError,
    MaskSet,
    SegmentationSet,
    SegmentConfig,
    Segmenter,
    load_masks,
    load_segmentation,
    prune,
)
from ftl.data.images import list_images, read_image
from ftl.data.segmentation import split_photos
from ftl.evaluation.draw_next import describe, fingerprint, level_means, near_duplicates, order, uncertainty
from ftl.evaluation.segmentation import class_counts, f1, ods
from ftl.files import read_json, write_json
from ftl.models.tiling import segment
from ftl.sweeping.criteria_study import interval
from ftl.training.segment import train_segmenter

HALVED = ("deepcrack",)
COUNTS = (1, 3, 6, 12, 24, 48)
ORDERS = ("name", "random", "k-centre", "unsure")
HELD_OUT, RANKED_BY, ENOUGH, RESAMPLES = 0.25, 12, 0.95, 2000
Measure = Callable[[np.ndarray], float]
HALF = 127  # the index of the threshold of one half


def photographs(name: str, out: Path) -> SegmentationSet:
    """A data set of ../shared, halved in size where that is said above."""
    source = SHARED / "data" / name
    if name not in HALVED:
        return load_segmentation(source / "images", source / "masks")
    for part in ("images", "masks"):
        (out / name / part).mkdir(parents=True, exist_ok=True)
        for path in list_images(source / part):
            image = read_image(path)
            small = cv2.resize(image, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
            if part == "masks":
                small = np.where(small >= 128, np.uint8(255), np.uint8(0))
            cv2.imwrite(str(out / name / part / f"{path.stem}.png"), small[..., ::-1])
    return load_segmentation(out / name / "images", out / name / "masks")


def pruned_by_the_other(name: str) -> Backbone:
    """VGG16 at 3 % of its filters, chosen by a dozen masks of the other data set."""
    other = SHARED / "data" / next(one for one in PHOTO if one != name)
    masks = load_masks(other / "images", other / "masks", size=224)
    few = np.linspace(0, len(masks) - 1, RANKED_BY).astype(int)
    return prune(vgg16(), MaskSet(tuple(masks.examples[index] for index in few)), 0.03)


class Study:
    """One data set: what is trained, what was measured already, and where that is kept."""

    def __init__(self, name: str, out: Path, config: SegmentConfig) -> None:
        self.data, self.network, self.config = photographs(name, out), pruned_by_the_other(name), config
        self.name, self.file = name, out / f"{name}.json"
        self.features = np.stack([describe(self.data.read(index)[0]) for index in range(len(self.data))])
        prints = np.stack([fingerprint(self.data.read(index)[0]) for index in range(len(self.data))])
        self.groups = near_duplicates(prints)
        made_from = {"config": config.model_dump(), "data": self.data.digest()}
        try:
            self.found = read_json(self.file)
        except FtlError:
            self.found = made_from | {"rows": []}
        if {key: self.found[key] for key in made_from} != made_from:
            raise SystemExit(f"{self.file} was made with other settings: choose another folder")

    def run(self, seed: int) -> None:
        """Measure every order and count on one split."""
        pool, held_out = split_photos(self.data, PHOTO[self.name], seed, HELD_OUT)
        self.measure("all", seed, pool, held_out)
        shuffled = np.random.default_rng(seed).permutation(pool)
        counts = [count for count in COUNTS if count <= len(pool) // 2]
        first = order(self.features[pool], [], counts[-1], groups=self.groups[pool])
        orders = {"name": pool, "random": shuffled, "k-centre": pool[[step.photograph for step in first]]}
        for way, photographs_in_turn in orders.items():
            for count in counts:
                self.measure(way, seed, photographs_in_turn[:count], held_out)
        drawn = orders["k-centre"][: counts[0]]
        for count, following in zip(counts, [*counts[1:], counts[-1]], strict=True):
            row = self.measure("unsure", seed, drawn, held_out, pool, following - count)
            drawn = np.concatenate([drawn, np.array(row["next"], int)])

    def asked(self, model: Segmenter, pool: np.ndarray, drawn: np.ndarray, count: int) -> list[int]:
        """The next photographs of the pool by a network that was trained on those that are drawn."""
        images = [self.data.read(int(index))[0] for index in pool]
        features = np.stack([level_means(model, image) for image in images])
        unsure = np.array([uncertainty(segment(model, image)) for image in images])
        places = [int(place) for place in np.flatnonzero(np.isin(pool, drawn))]
        chosen = order(features, places, count, weights=unsure, groups=self.groups[pool])
        return [int(pool[step.photograph]) for step in chosen]

    def row(self, way: str, seed: int, count: int) -> dict[str, Any]:
        """What was measured of an order; empty where it was not."""
        same = (row for row in self.found["rows"] if (row["order"], row["seed"], row["drawn"]) == (way, seed, count))
        return next(same, {})

    def measure(
        self,
        way: str,
        seed: int,
        drawn: np.ndarray,
        held_out: np.ndarray,
        pool: np.ndarray | None = None,
        more: int = 0,
    ) -> dict[str, Any]:
        """Train on what is drawn, and keep how well the held-out photographs are drawn then. The row.

        `pool`: of which the network itself chooses the `more` next ones.
        """
        if row := self.row(way, seed, len(drawn)):
            return row
        model = train_segmenter(self.network, self.data, drawn, drawn[:1], config=self.config, seed=seed).segmenter
        counts = np.zeros((1, 255, 3), np.int64)
        for index in held_out:
            image, truth = self.data.read(int(index))
            counts += class_counts(segment(model, image), truth)
        row = {"order": way, "seed": seed, "drawn": len(drawn)}
        row |= {"ods": float(ods(counts)[0]), "f1": float(f1(counts)[0, HALF])}
        if pool is not None:
            row["next"] = self.asked(model, pool, drawn, more) if more else []
        self.found["rows"].append(row)
        write_json(self.file, self.found)
        print(self.name, row, flush=True)
        return row


def needed(counts: np.ndarray, shares: np.ndarray) -> float:
    """How many photographs come to `ENOUGH` of the F1 of all of them, between two counts by the logarithm.

    `shares`: of that F1 at each of the `counts`, the last of which is all, where the share is 1.
    """
    at = int(np.argmax(shares >= ENOUGH))
    if not at:
        return float(counts[0])
    part = (ENOUGH - shares[at - 1]) / (shares[at] - shares[at - 1])
    return float(counts[at - 1] * (counts[at] / counts[at - 1]) ** part)


def mean_needed(places: np.ndarray, curves: np.ndarray, whole: np.ndarray, seeds: np.ndarray) -> float:
    """`needed` of the mean curve of some seeds; `curves`: F1 by seed and count, `whole`: that of all photographs."""
    return needed(places, np.append(curves[seeds].mean(0) / whole[seeds].mean(), 1.0))


def ratio(own: Measure, other: Measure, seeds: np.ndarray) -> float:
    return own(seeds) / other(seeds)


def within(values: np.ndarray) -> str:
    """Mean with Student's 95 % interval over seeds."""
    if len(values) < 2:
        return f"{values.mean():.3f}"
    mean, reach = interval(values.tolist())
    return f"{mean:.3f} ± {reach:.3f}"


def resampled(measure: Measure, seeds: int) -> str:
    """A measure of a choice of seeds: of all of them, and its 95 % interval by bootstrap over them."""
    rng = np.random.default_rng(0)
    values = [measure(rng.integers(0, seeds, seeds)) for _ in range(RESAMPLES)]
    low, high = np.percentile(values, (2.5, 97.5))
    return f"{measure(np.arange(seeds)):.2f}" + (f" ({low:.2f}-{high:.2f})" if seeds > 1 else "")


def table(out: Path, measure: str) -> None:
    """Curves by order, and how many photographs come to `ENOUGH` of the F1 of all of them.

    That is read from the mean curve over seeds: one seed's goes up and down by the luck of its training.
    """
    for file in sorted(out.glob("*.json")):
        rows = read_json(file)["rows"]
        found = {(row["order"], row["seed"], row["drawn"]): row[measure] for row in rows}
        pools = {seed: drawn for way, seed, drawn in found if way == "all"}
        counts = sorted({drawn for way, _, drawn in found if way == "name"})
        seeds = [seed for seed in pools if all((way, seed, count) in found for way in ORDERS for count in counts)]
        print(f"{file.stem}: {measure} by photographs drawn; whole seeds: {len(seeds)}")
        if not seeds:
            continue
        whole = np.array([found["all", seed, pools[seed]] for seed in seeds])
        print(f"  all {pools[seeds[0]]}: {within(whole)}; needed for {ENOUGH:.0%}, and of what random needs")
        print("  " + f"{'':10}" + "".join(f"{head:>20}" for head in (*counts, "needed", "of random")))
        curves = {way: np.array([[found[way, seed, count] for count in counts] for seed in seeds]) for way in ORDERS}
        places = np.array([*counts, pools[seeds[0]]])

        for way, values in curves.items():
            cells = [within(values[:, place]) for place in range(len(counts))]
            own, randoms = (partial(mean_needed, places, curves[of], whole) for of in (way, "random"))
            cells += [resampled(own, len(seeds)), resampled(partial(ratio, own, randoms), len(seeds))]
            print("  " + f"{way:10}" + "".join(f"{cell:>20}" for cell in cells))


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parts = parser.add_subparsers(dest="part", required=True)
    one = parts.add_parser("run")
    one.add_argument("data", choices=tuple(PHOTO))
    one.add_argument("out", type=Path)
    one.add_argument("--seeds", nargs="+", type=int, default=[*range(5)])
    one.add_argument("--steps", type=int, default=100)
    one.add_argument("--crop", type=int, default=96)
    one.add_argument("--crops", type=int, default=8)
    one = parts.add_parser("table")
    one.add_argument("out", type=Path)
    one.add_argument("--measure", choices=("ods", "f1"), default="ods")
    given = parser.parse_args()
    if given.part == "table":
        table(given.out, given.measure)
        return
    torch.set_num_threads(1)
    head_line(f"what to draw next, {given.data}")
    given.out.mkdir(parents=True, exist_ok=True)
    study = Study(given.data, given.out, SegmentConfig(steps=given.steps, crop=given.crop, crops=given.crops))
    for seed in given.seeds:
        study.run(seed)


if __name__ == "__main__":
    main()
