"""The assists against the plain threshold, on real cracks with masks, with simulated clicks.

    python -m benchmarks.assists

An inspector sees the crack, so clicks and strokes are made from the true mask, with a seeded unsteady hand; so are one
width a photograph for the trace that asks for it, and the yes or no to an area. Nothing else is. Photographs are split
by what they show: the threshold of the rule, and the constants in studio/assists, were chosen on the third of them that
is not judged here.
"""

from __future__ import annotations

import sys
import time
import zlib
from collections import defaultdict
from collections.abc import Callable
from statistics import median
from typing import Any

import cv2
import numpy as np
from skimage.morphology import skeletonize

from benchmarks._inspector import (
    BRUSH,
    Photograph,
    Score,
    accepted,
    all_of,
    branches,
    brushed,
    clicks,
    photographs,
    scores,
)
from benchmarks._material import SHARED, head_line, seconds
from ftl.data.images import read_image
from studio.annotation.assists.gated_brush import gate
from studio.annotation.assists.grabcut import grab
from studio.annotation.assists.propose import thin, wide
from studio.annotation.assists.trace import trace
from studio.annotation.threshold import components, dark


class Meter:
    """Scores and seconds by assist."""

    def __init__(self) -> None:
        self.scores: dict[str, list[Score]] = defaultdict(list)
        self.seconds: dict[str, list[float]] = defaultdict(list)

    def timed(self, name: str, work: Callable[[], np.ndarray]) -> np.ndarray:
        begin = time.perf_counter()
        result = work()
        self.seconds[name].append(time.perf_counter() - begin)
        return result

    def table(self) -> None:
        rng = np.random.default_rng(0)
        print(f"  {'':34} {'IoU':>18}   {'F1 at 2 px':>18}   seconds")
        for name, found in self.scores.items():
            values = np.array(found)
            means = values[rng.integers(0, len(values), (2000, len(values)))].mean(1)
            low, high = np.percentile(means, (2.5, 97.5), axis=0)
            cells = [f"{values[:, k].mean():.3f} ({low[k]:.3f}-{high[k]:.3f})" for k in range(2)]
            print(f"  {name:34} {cells[0]:>18}   {cells[1]:>18}   {median(self.seconds[name]):.3f}")


def threshold(found: list[Photograph], looked_at: bool) -> int:
    """The one threshold that serves these photographs best; `looked_at`: when areas are then accepted one by one."""

    def quality(value: int) -> float:
        return float(np.mean([scores(_by_rule(one, value, looked_at), one.truth)[0] for one in found]))

    return max(range(30, 200, 5), key=quality)


def _by_rule(one: Photograph, value: int, looked_at: bool) -> np.ndarray:
    areas = components(dark(one.image, value), 20)
    return accepted(areas, one.truth) if looked_at else all_of(areas, one.truth.shape)


def judge(name: str) -> None:
    chosen_on, judged = list(photographs(name, False)), list(photographs(name, True))
    rules = {looked_at: threshold(chosen_on, looked_at) for looked_at in (False, True)}
    meter, clicked, traced = Meter(), 0, 0
    for one in judged:
        rng = np.random.default_rng(zlib.crc32(one.name.encode()))
        lines, shape = branches(one.truth), one.truth.shape
        width = max(1.0, round(one.truth.sum() / max(1, skeletonize(one.truth).sum())))
        few = [clicks(line, rng, shape, True) for line in lines]
        many = [clicks(line, rng, shape, False) for line in lines]
        wide_strokes = [brushed(line, rng, shape) for line in lines]
        clicked, traced = clicked + sum(map(len, many)), traced + len(lines)
        longest = max(shape)
        least = max(20, longest**2 // 1000)  # as the page suggests
        ways: dict[str, list[Any]] = {
            f"threshold {rules[False]}, all areas": [lambda one=one: _by_rule(one, rules[False], False)],
            f"threshold {rules[True]}, areas accepted": [lambda one=one: _by_rule(one, rules[True], True)],
            "trace, two ends": [lambda at=at, one=one: trace(one.image, at) for at in few],
            "trace, a click every 40 px": [lambda at=at, one=one: trace(one.image, at) for at in many],
            "trace, as before, width given": [lambda at=at, one=one, w=width: trace(one.image, at, w) for at in many],
            f"gated brush of {BRUSH:.0f} px": [lambda on=on, one=one: gate(one.image, on) for on in wide_strokes],
            "the brush without its gate": [lambda on=on: on for on in wide_strokes],
            "thin proposals, accepted": [lambda one=one, n=longest: accepted(thin(one.image, n // 15), one.truth)],
            "thin proposals, all": [lambda one=one, n=longest: all_of(thin(one.image, n // 15), one.truth.shape)],
            "wide proposals, accepted": [lambda one=one, n=least: accepted(wide(one.image, n), one.truth)],
            "wide proposals, all": [lambda one=one, n=least: all_of(wide(one.image, n), one.truth.shape)],
        }
        for label, work in ways.items():
            got = np.any([meter.timed(label, each) for each in work], axis=0)
            meter.scores[label].append(scores(got, one.truth))
    print(f"\n{name}: {len(judged)} photographs judged, constants and thresholds chosen on {len(chosen_on)} others")
    print(f"  traced and brushed: {traced / len(judged):.1f} branches a photograph, {clicked / len(judged):.1f} clicks")
    meter.table()


def cut_out() -> None:
    """GrabCut where there are things to cut out: inclusions and patches on steel, a rectangle about each."""
    folder, meter = SHARED / "data" / "neu_steel", Meter()
    for file in sorted((folder / "images").iterdir()):
        classes = cv2.imread(str(next((folder / "masks").glob(f"{file.stem}.*"))), cv2.IMREAD_GRAYSCALE)
        assert classes is not None, file
        image, things = read_image(file), components(np.isin(classes, (1, 2)), 50)
        truth = all_of(things, classes.shape)
        got, rectangles = np.zeros_like(truth), np.zeros_like(truth)
        for x, y, w, h in (one.box for one in things):
            side = max(2, round(0.1 * max(w, h)))
            box = (x - side, y - side, w + 2 * side, h + 2 * side)
            if x - side <= 0 and y - side <= 0 and x + w + side >= 200 and y + h + side >= 200:
                continue  # leaves no wall outside
            got |= meter.timed("cut out", lambda image=image, box=box: grab(image, box))
            rectangles[max(0, box[1]) : box[1] + box[3], max(0, box[0]) : box[0] + box[2]] = True
        if things and rectangles.any():
            meter.scores["cut out"].append(scores(got, truth))
            meter.scores["the rectangles themselves"].append(scores(rectangles, truth))
            meter.seconds["the rectangles themselves"].append(0.0)
    print(f"\nneu_steel: {len(meter.scores['cut out'])} strips, a rectangle about each inclusion or patch of 50 px")
    meter.table()


def large() -> None:
    """How long a photograph of 6000 x 4000 takes: a real wall made larger."""
    wall = next(photographs("deepcrack", True)).image
    image = cv2.resize(wall, (6000, 4000), interpolation=cv2.INTER_CUBIC)
    stroke = np.zeros(image.shape[:2], bool)
    stroke[1000:1100, 500:3500] = True
    print("\na photograph of 6000 x 4000, seconds")
    for label, work in {
        "trace from corner to corner": lambda: trace(image, np.array([[50, 50], [5900, 3900]])),
        "trace over 900 pixels": lambda: trace(image, np.array([[1000, 1000], [1700, 1600]])),
        "gated brush, 3000 x 100 pixels": lambda: gate(image, stroke),
        "thin proposals": lambda: thin(image, 400),
        "wide proposals": lambda: wide(image, 36_000),
        "cut out, 4000 x 3000 pixels": lambda: grab(image, (500, 500, 4000, 3000)),
    }.items():
        print(f"  {label:34} {median(seconds(work) for _ in range(3)):.2f}")


def main() -> None:
    if not SHARED.is_dir():
        sys.exit("left out: there are no photographs with masks (../shared)")
    head_line("assists against the plain threshold: mean over photographs (95 % bootstrap), median seconds of one use")
    begin = time.perf_counter()
    for name in ("masonry", "deepcrack"):
        judge(name)
    cut_out()
    large()
    print(f"\n  in all {time.perf_counter() - begin:.0f} s")


if __name__ == "__main__":
    main()
