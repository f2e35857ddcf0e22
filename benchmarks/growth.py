"""How the time of a sweep grows with candidates, images and workers: measured small, modelled, simulated large.

python -m benchmarks.growth

The model, with everything measured here on one thread: a candidate of keep fraction k costs the workers

    M u(k) + N t(k) + h(n, d k)        M masks, N photographs in all, n of them to train on, d features of the base

where t(k) is a photograph's decoding and forward pass, u(k) a mask's share of scoring, and h the head's fit. Steps go
to workers as they become free, the largest first; what all fractions share is scored before they part. Afterwards one
machine takes all times, one after the other. `simulate` plays that through.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import torch
from scipy.optimize import nnls
from threadpoolctl import threadpool_limits

from benchmarks._material import head_line, pairs, scratch, seconds, vgg16
from benchmarks.cluster import computing, photographs, warm
from ftl import Backbone, MaskSet, load_masks
from ftl.latency.one_process import LEAST_RUNS, MOST_RUNS, SECONDS, WARM_SECONDS
from ftl.memory import reuse_freed_memory
from ftl.models.features import features_of
from ftl.pruning.choose import choose_filters
from ftl.pruning.surgery import prune
from ftl.training.linear_head import fit_head
from tests.cluster import Cluster

Curve = Callable[[float], float]
KEEP = (0.05, 0.15, 0.3, 0.5, 0.75, 1.0)


class Costs(NamedTuple):
    """Seconds on one thread: of a photograph t(k), of a mask u(k) and its shared first layer, of a head h(n, d)."""

    photograph: Curve
    mask: Curve
    shared: float
    head: Callable[[float, float], float]
    width: int
    start: float = 0.0


def curve(at: Sequence[float], taken: Sequence[float]) -> Curve:
    """a + b k + c k^2 through measurements, none of them negative; relative errors count."""
    weights = 1 / np.asarray(taken)
    terms = np.stack([np.ones(len(at)), at, np.square(at)], 1)
    (a, b, c), _ = nnls(terms * weights[:, None], np.ones(len(at)))
    return lambda k: float(a + b * k + c * k * k)


def cut(backbone: Backbone, keep: float) -> Backbone:
    """The first filters of each layer: which ones they are makes no difference to the time."""
    convolutions = backbone.convolutions().items()
    return prune(backbone, {name: list(range(max(1, round(one.out_channels * keep)))) for name, one in convolutions})


def measure(backbone: Backbone, masks: MaskSet) -> Costs:
    """All costs, on one thread, as a worker has."""
    torch.set_num_threads(1)
    threadpool_limits(1)
    learn, _ = photographs(12)
    paths = learn.paths[:16]
    photograph, mask = [], []
    for keep in KEEP:
        network = cut(backbone, keep)
        list(features_of(network, paths[:2]))
        photograph.append(seconds(lambda network=network: list(features_of(network, paths))) / len(paths))  # type: ignore[misc]
    for keep in KEEP:
        mask.append(seconds(lambda keep=keep: dict(choose_filters(backbone, masks, [keep]))) / len(masks))  # type: ignore[misc]
    many = seconds(lambda: dict(choose_filters(backbone, masks, KEEP))) / len(masks)
    shared = max(0.0, (sum(mask) - many) / (len(KEEP) - 1))
    width = int(next(features_of(backbone, paths[:1])).shape[1])
    return Costs(curve(KEEP, photograph), curve(KEEP, [one - shared for one in mask]), shared, heads(), width)


def heads() -> Callable[[float, float], float]:
    """h(n, d) from a few fits to drawn features: Gram matrix and factors for up to 4,000 images, passes over all."""
    terms, taken = [], []
    for n, d in ((400, 3000), (800, 3000), (1600, 3000), (1600, 12000), (3000, 6000), (6000, 1000), (12000, 1000)):
        rng = np.random.default_rng(0)
        labels = np.arange(n) % 2
        features = np.maximum(0, rng.standard_normal((n, d), np.float32) + 0.1 * labels[:, None].astype(np.float32))
        parts = rng.permutation(n) % 4
        folds = [(np.flatnonzero(parts != part), np.flatnonzero(parts == part)) for part in range(4)]
        taken.append(seconds(lambda: fit_head(features, labels, ["a", "b"], folds)))  # noqa: B023
        terms.append(_head_terms(n, d))
        print(f"    head of {n} images, {d} features: {taken[-1]:.1f} s")
    weights = 1 / np.asarray(taken)
    factors, _ = nnls(np.asarray(terms) * weights[:, None], np.ones(len(taken)))
    return lambda n, d: float(np.dot(factors, _head_terms(n, d)))


def _head_terms(n: float, d: float) -> list[float]:
    few = min(n, 4000.0)
    rank = min(few, d) if few > 2000 else few
    return [few * few * d, few * rank * rank, n * d * (n > 4000)]


def timing(costs: Costs, keep: float, threads: int = 2) -> float:
    """Seconds to time a network: warming up, then 15 to 200 runs, in about 8 s."""
    one = costs.photograph(keep) / threads
    return 0.3 + WARM_SECONDS + max(LEAST_RUNS * one, min(SECONDS, MOST_RUNS * one))


class Sweep(NamedTuple):
    """Seconds of a sweep until all is tested, of work in it, of its longest step, and of taking the times."""

    computed: float
    work: float
    longest: float
    timed: float


class Step(NamedTuple):
    """Something for a worker: how urgent it is, its seconds, and the steps that can be done after it."""

    priority: float
    seconds: float
    then: tuple[Step, ...] = ()


def simulate(costs: Costs, keep: Sequence[float], images: int, masks: int, workers: int) -> Sweep:
    """Hand the steps of a sweep out to workers that become free, the most urgent first."""
    train = images * 0.75 * 0.75  # a quarter is set aside to test, a quarter of the rest to validate
    candidates = {
        k: Step(1 + k, images * costs.photograph(k) + costs.head(train, costs.width * k)) for k in (1.0, *keep)
    }
    scores = tuple(Step(1.5, masks * costs.mask(k), (candidates[k],)) for k in keep)
    ready = [(0.0, candidates[1.0]), (0.0, Step(1.5, masks * costs.shared, scores))]
    free = [costs.start] * workers
    work, longest, end = 0.0, 0.0, 0.0
    while ready:
        now = max(min(free), min(since for since, _ in ready))
        since, step = max((one for one in ready if one[0] <= now), key=lambda one: one[1].priority)
        ready.remove((since, step))
        done = now + step.seconds
        free[free.index(min(free))] = done
        ready += [(done, following) for following in step.then]
        work, longest, end = work + step.seconds, max(longest, step.seconds), max(end, done)
    return Sweep(end, work, longest, sum(timing(costs, k) for k in candidates))


def compare(costs: Costs, backbone: Backbone, masks: MaskSet) -> Costs:
    """Measured sweeps beside their simulation; the start that the smallest one takes longer is the model's, too."""
    print("  measured / simulated seconds until all networks are tested")
    for workers in (1, 2):
        cluster = Cluster(scratch(), workers=workers).start()
        warm(cluster)
        try:
            for count, each in ((3, 8), (3, 24), (9, 16)):
                learn, judge = photographs(each)
                keep = [step / (count + 1) for step in range(1, count + 1)]
                given = {"dataset": learn, "evaluation": judge, "scheduler": str(cluster.file)}
                taken = computing(backbone, masks, keep, scratch() / "out", **given)
                images = len(learn) + len(judge)
                if not costs.start:
                    costs = costs._replace(
                        start=max(0.1, taken - simulate(costs, keep, images, len(masks), 1).computed)
                    )
                told = simulate(costs, keep, images, len(masks), workers).computed
                print(f"    {count + 1} candidates, {images} photographs, {workers} workers: "
                      f"{taken:.1f} / {told:.1f} = {taken / told:.2f}")  # fmt: skip
        finally:
            cluster.stop()
    return costs


def large(costs: Costs, candidates: int = 100, images: int = 40_000, masks: int = 240) -> None:
    """What a large sweep costs."""
    keep = [step / candidates for step in range(1, candidates)]
    print(f"  {candidates} candidates (keep 0.01 to 1), {images:,} photographs, {masks} masks; simulated")
    for workers in (1, 4, 16):
        told = simulate(costs, keep, images, masks, workers)
        print(f"    {workers:2} workers: {told.computed / 3600:6.1f} h, and {told.timed / 60:.0f} min for the times; "
              f"{told.work / told.computed / workers:.0%} of the workers' time is used, "
              f"the longest step takes {told.longest / 3600:.1f} h")  # fmt: skip
    train = images * 0.75 * 0.75
    parts = {
        "looking at photographs": images * sum(map(costs.photograph, [1.0, *keep])),
        "heads": sum(costs.head(train, costs.width * k) for k in [1.0, *keep]),
        "scoring": masks * (costs.shared + sum(map(costs.mask, keep))),
    }
    print("    of the work: " + ", ".join(f"{name} {part / sum(parts.values()):.0%}" for name, part in parts.items()))


def main() -> None:
    reuse_freed_memory()
    backbone, masks = vgg16(), load_masks(*pairs(12))
    head_line("VGG16 on one thread a worker")
    costs = measure(backbone, masks)
    for keep in KEEP:
        photograph, mask = 1000 * costs.photograph(keep), 1000 * costs.mask(keep)
        print(f"    keep {keep}: {photograph:.0f} ms a photograph, {mask:.0f} ms a mask")
    large(compare(costs, backbone, masks))


if __name__ == "__main__":
    main()
