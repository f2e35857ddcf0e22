"""A simulated person who draws the crack of a photograph, or corrects what a network proposes, until it is good enough.

Every action counts one: a click (a corner of a polyline, a point of a trace), a stroke of the eraser or of the gated
brush however long, another width of pen or eraser, an area that is accepted or refused, "Accept all", the slider once
moved to where it stays, an undo. Keys that end a stroke do not count, nor do looking and zooming.

The person sees the crack, and sees where the mask is off by more than the tolerance; of the `LOOKED_AT` largest places
that lack and as many that are too much, the next action goes to the one that gains most for the actions it will take
by the look of it. What a tool will make there is not known before: what makes the mask worse is taken back, and another
tool is tried there. Seen beforehand is only what the page shows: the way of a trace from click to click, and the areas
of a network while the slider is moved.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np
from skimage.morphology import skeletonize

from benchmarks._inspector import APART, HAND, TOLERANCE, Photograph, all_of, brushed, distance, longest_way
from ftl.evaluation.segmentation import tolerant_counts, tolerant_f1
from studio.annotation.assists.gated_brush import gate
from studio.annotation.assists.network import Seen, areas
from studio.annotation.assists.trace import trace
from studio.annotation.strokes import Eraser, Pen, Polyline
from studio.annotation.threshold import Component, components
from studio.errors import StudioError
from studio.jobs.segmenters import least_of

GOAL, CAP = 0.95, 200  # F1 within the tolerance; actions
LOOKED_AT, SEEN = 3, 4  # places of either kind; pixels of the smallest that is noticed
SLIDER = (5, 10, 20, 30, 50, 70, 80, 90, 95)  # positions that are looked at while it is moved
WORTH = 0.002  # gain of F1 below which nobody clicks on an area
MOSTLY = 0.5  # an area is right if more of it lies within the tolerance of the crack
FOLLOWS = 0.95  # share of a trace's way that must stay on the crack
BEND, SPREAD = 1.5, 3.0  # pixels that a polyline leaves its line, and that half a crack's width differs along one
_DISC = (np.hypot(*np.mgrid[-TOLERANCE : TOLERANCE + 1, -TOLERANCE : TOLERANCE + 1]) <= TOLERANCE).astype(np.uint8)
TRIES = {
    "trace": 1,
    "gate": 1,
    "polyline": 3,
    "eraser": 3,
}  # at a place, before the next tool is taken or it is left as it is


class Place(NamedTuple):
    """Where a mask is wrong: the pixels that it lacks there, or has too much."""

    lacks: bool
    part: Component

    @property
    def effort(self) -> float:
        """Actions that it looks like, by its length with all branches: a click every 40 pixels, or a drag of 120."""
        length = float(skeletonize(np.pad(self.part.inside, 1)).sum())
        return 1 + length / (APART if self.lacks else 3 * APART)

    def line(self) -> tuple[np.ndarray, np.ndarray]:
        """The longest way along it, rows and columns (n, 2), and half its width at each pixel of that."""
        x, y, *_ = self.part.box
        inside = np.pad(self.part.inside, 1)
        way = longest_way(skeletonize(inside))
        halves = cv2.distanceTransform(inside.astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE) - 0.5
        return way + np.array([y - 1, x - 1]), halves[way[:, 0], way[:, 1]]


class Choice(NamedTuple):
    """What may be done with a network's areas: where the slider is, what is clicked, and the mask that comes of it."""

    position: int
    actions: Counter[str]
    mask: np.ndarray
    refused: np.ndarray


class Person:
    """One at work on a photograph. `tools`: those for what lacks, the first tried first."""

    def __init__(self, photograph: Photograph, tools: Sequence[str], rng: np.random.Generator) -> None:
        self.image, self.truth, self.tools, self.rng = photograph.image, photograph.truth, tools, rng
        self.near = around(self.truth)
        self.mask = np.zeros_like(self.truth)
        self.actions, self.widths = Counter[str](), dict[str, int]()
        self.trail = [(0, 0.0)]  # actions so far, and F1
        self.tried = {tool: np.zeros(self.truth.shape, np.uint8) for tool in (*tools, "eraser")}

    def quality(self, mask: np.ndarray) -> float:
        """F1 within the tolerance."""
        return float(tolerant_f1(tolerant_counts(mask, self.truth, TOLERANCE)))

    @property
    def done(self) -> bool:
        return self.trail[-1][1] >= GOAL

    def repair(self) -> None:
        """Stroke after stroke, until the goal is reached, the cap is, or nothing is left to try."""
        while not self.done and self.actions.total() < CAP and (places := self._open()):
            place, tool = max(places, key=lambda pair: self._gain(pair[0]) / pair[0].effort)
            line, halves = place.line()
            if tool in ("polyline", "eraser"):
                stretch = even(halves)
                line, halves = line[stretch], halves[stretch]
            made = getattr(self, f"_{tool}")(line, halves)
            on = np.zeros_like(self.truth)
            on[line[:, 0], line[:, 1]] = True
            self.tried[tool] += distance(on) <= halves.max() + TOLERANCE + 1
            if made is None or self.quality(made) <= self.trail[-1][1]:
                self.actions["undo"] += made is not None
                made = self.mask
            self._have(made)

    def decide(self, seen: Seen, threshold: float, *, slides: bool = True) -> None:
        """Take of a network's areas what saves work, moving the slider where that pays.

        `threshold`: where the slider stands at first, 0..1. `slides`: whether it is moved.
        """
        at, refused = min(99, max(1, round(100 * threshold))), np.zeros_like(self.truth)
        while not self.done:
            choices = list[Choice]()
            for position in dict.fromkeys((at, *SLIDER)) if slides else (at,):
                least = least_of(*self.truth.shape)
                found = [area for area, _ in areas(seen, position / 100, least, ~self.mask)]
                found = [area for area in found if refused[area.place][area.inside].mean() <= MOSTLY]
                moved = Counter({"slider": 1} if position != at else {})
                for way in (self._taken, self._but_refused):
                    choices.append(way(position, moved, found, refused))
            best = min(choices, key=lambda choice: choice.actions.total() + self.left(choice.mask))
            if best.actions.total() + self.left(best.mask) >= self.left(self.mask):
                return
            at, refused = best.position, best.refused
            self.actions += best.actions
            self._have(best.mask)

    def left(self, mask: np.ndarray) -> float:
        """About how many actions would make a mask good enough, by the look of it: the largest places first."""
        drawn, true = mask.sum(), self.truth.sum()
        right, found = (mask & self.near).sum(), (self.truth & around(mask)).sum()
        effort = 0.0
        for place in sorted(self._places(mask), key=lambda place: -place.part.area):
            if 2 * right * found >= GOAL * (right * true + found * drawn) > 0:
                break
            area = place.part.area
            effort += place.effort
            right, found = (right + area, found + area) if place.lacks else (right, found)
            drawn += area if place.lacks else -area
        return effort

    def _have(self, mask: np.ndarray) -> None:
        self.mask = mask
        self.trail.append((self.actions.total(), self.quality(mask)))

    def _places(self, mask: np.ndarray) -> list[Place]:
        """Where a mask lacks and where it has too much, the largest first of either."""
        lacking = self.truth & ~around(mask)
        return [Place(lacks, part) for lacks, where in ((True, lacking), (False, mask & ~self.near))
                for part in components(where, SEEN)]  # fmt: skip

    def _open(self) -> list[tuple[Place, str]]:
        """The places that are looked at, with the tool for each."""
        found = {True: list[tuple[Place, str]](), False: list[tuple[Place, str]]()}
        for place in self._places(self.mask):
            for tool in self.tools if place.lacks else ("eraser",):
                if np.median(self.tried[tool][place.part.place][place.part.inside]) < TRIES[tool]:
                    found[place.lacks].append((place, tool))
                    break
        return [pair for pairs in found.values() for pair in pairs[:LOOKED_AT]]

    def _gain(self, place: Place) -> float:
        on = place.part.on(*self.truth.shape)
        return self.quality(self.mask | on if place.lacks else self.mask & ~on) - self.trail[-1][1]

    def _trace(self, line: np.ndarray, halves: np.ndarray) -> np.ndarray | None:
        """Click along a crack, as far each time as the way that is shown stays on it. None where it finds nothing."""
        at, points = 0, [self._pointed(line[:1])]
        while at < len(line) - 1:
            to = len(line) - 1
            while True:
                following = self._pointed(line[to : to + 1])
                if to - at <= 2 * TOLERANCE or self._follows(np.concatenate([points[-1], following])):
                    break
                to = (at + to) // 2
            at = to
            points.append(following)
        clicked = np.concatenate(points)
        try:
            found = trace(self.image, clicked)
        except StudioError:  # all of them on one pixel
            return None
        self.actions["click"] += len(clicked)
        return self.mask | found

    def _follows(self, points: np.ndarray) -> bool:
        try:
            return bool(self.near[trace(self.image, points, 1.0)].mean() >= FOLLOWS)
        except StudioError:
            return True

    def _gate(self, line: np.ndarray, halves: np.ndarray) -> np.ndarray:
        """Drag the gated brush along it."""
        self.actions["brush"] += 1
        return self.mask | gate(self.image, brushed(line, self.rng, self.truth.shape))

    def _polyline(self, line: np.ndarray, halves: np.ndarray) -> np.ndarray:
        """Click corners along it."""
        width = max(1, round(float(halves.min() + halves.max())))
        corners = cv2.approxPolyDP(np.ascontiguousarray(line, np.int32)[:, None], BEND, closed=False)[:, 0]
        points = self._pointed(corners)
        self.actions["click"] += len(points)
        return self.mask | self._under(Polyline("", 1, {"points": points, "width": self._width("polyline", width, 1)}))

    def _eraser(self, line: np.ndarray, halves: np.ndarray) -> np.ndarray:
        """Drag along it, the hand unsteady about every ten pixels."""
        at = line[np.linspace(0, len(line) - 1, max(2, len(line) // 10)).round().astype(int)]
        width = self._width("eraser", round(float(halves.min() + halves.max())) + 1, 2)
        self.actions["erase"] += 1
        return self.mask & ~self._under(Eraser("", 0, {"points": self._pointed(at), "width": width}))

    def _width(self, tool: str, wanted: int, near: int) -> int:
        """The width of a pen or eraser: as it is, where it is near the one that is wanted."""
        if abs(self.widths.get(tool, -near) - wanted) > near:
            self.widths[tool] = wanted
            self.actions["width"] += 1
        return self.widths.get(tool, wanted)

    def _pointed(self, at: np.ndarray) -> np.ndarray:
        """x and y where a hand points that means these rows and columns, (n, 2)."""
        inside = np.array(self.truth.shape[::-1]) - 0.5
        return np.clip(at[:, ::-1] + 0.5 + self.rng.normal(0, HAND, at.shape), 0.5, inside)

    def _under(self, pen: Pen) -> np.ndarray:
        where = np.zeros_like(self.truth)
        box, inside = pen.cover(*where.shape)
        where[box] = inside
        return where

    def _taken(self, position: int, moved: Counter[str], found: list[Component], refused: np.ndarray) -> Choice:
        """Accept what is right, area by area, the largest first."""
        mask, quality, accepted = self.mask, self.quality(self.mask), 0
        for area in found:
            if quality < GOAL and self._is_right(area):
                on = area.on(*mask.shape)
                better = self.quality(mask | on)
                if better > quality + WORTH:
                    mask, quality, accepted = mask | on, better, accepted + 1
        return Choice(position, moved + Counter(accept=accepted), mask, refused)

    def _but_refused(self, position: int, moved: Counter[str], found: list[Component], refused: np.ndarray) -> Choice:
        """Refuse what is wrong, area by area, the largest first; then accept all others."""
        mask, count = self.mask | all_of(found, self.mask.shape), 0
        quality = self.quality(mask)
        for area in found:
            if quality < GOAL and not self._is_right(area):
                on = area.on(*mask.shape)
                better = self.quality(mask & ~on)
                if better <= quality + WORTH:
                    break  # what is wrong and smaller gains still less
                mask, quality, refused, count = mask & ~on, better, refused | on, count + 1
        return Choice(position, moved + Counter(refuse=count) + Counter({"accept all": 1}), mask, refused)

    def _is_right(self, area: Component) -> bool:
        return bool(self.near[area.place][area.inside].mean() > MOSTLY)


def around(mask: np.ndarray) -> np.ndarray:
    """The pixels of a mask and those within the tolerance of it, bool (H, W)."""
    return cv2.dilate(mask.astype(np.uint8), _DISC) > 0


def even(halves: np.ndarray) -> slice:
    """The part of a line that covers most of those of about one width: halves of it differ by `SPREAD` at most."""
    best, begin = slice(0, 1), 0
    for end in range(1, len(halves) + 1):
        while np.ptp(halves[begin:end]) > SPREAD:
            begin += 1
        if halves[begin:end].sum() > halves[best].sum():
            best = slice(begin, end)
    return best
