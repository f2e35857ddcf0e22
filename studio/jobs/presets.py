"""Quick, Balanced and Thorough: what each sweep does, as settings for the numbers of a project."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from ftl.config import FineTuneConfig, SegmentConfig, SweepConfig
from ftl.formatting import counted, exact_percent
from ftl.models.layout import SEGMENTED, TUNED
from studio.images.library import Filter, count_by_class, count_images
from studio.jobs.request import SweepRequest
from studio.jobs.starts import Start
from studio.jobs.tiling import ENOUGH as ENOUGH_LARGE
from studio.jobs.tiling import INPUT, Large, drawn_on, material
from studio.projects.classes import classes_of
from studio.store.tables import ImageClass

QUICK, BALANCED, THOROUGH = "Quick", "Balanced", "Thorough"

_CHOICES: dict[str, dict[str, Any]] = {
    QUICK: {"keep": (0.1, 0.3)},
    BALANCED: {},
    THOROUGH: {"keep": (0.03, 0.05, 0.1, 0.15, 0.2, 0.35, 0.5), "fine_tune_unpruned": True},
}
"""What each choice sets otherwise than `SweepConfig`; how long it trains is in `_request`."""

_REPEATS = {THOROUGH: 3}

QUICK_SECONDS = 300.0
"""What Quick may take: it trains for the largest of these shares of the whole training that fits."""

_SHARES = (1.0, 0.7, 0.5, 0.35, 0.25, 0.15)

ENOUGH = 12
"""Photographs of a class of which a split leaves enough on both sides, see `studio.jobs.layout`."""

_SCRATCH_STEPS = 1000  # of a network that is trained from scratch, where its bounds on epochs allow
_SCRATCH_STEPS_A_PHOTOGRAPH = 0.75 * 0.75 / 8  # in an epoch: less test and validation set, in batches of eight


class Numbers(NamedTuple):
    """What a project has for a sweep.

    `masks`: photographs with strokes. `mask_classes`: numbers of the classes whose pixels rank filters. `classes`:
    photographs, or about how many tiles, by the id of each class that has enough. `names`: of all, by id. `large`: what
    becomes of large photographs.
    """

    masks: int
    mask_classes: tuple[int, ...]
    classes: Mapping[int, int]
    names: Mapping[int, str]
    large: Large = Large()

    @property
    def only_masks(self) -> bool:
        """Whether there are no two classes to tell apart, so that networks can only draw masks."""
        return len(self.classes) < 2

    @property
    def images(self) -> int:
        """Photographs, or tiles of them, that train and report classifiers."""
        return 0 if self.only_masks else sum(self.classes.values())

    @property
    def positive(self) -> str | None:
        """The class that recall and precision are of, where two are told apart: Crack, if it is one of them."""
        names = [self.names[one] for one in self.classes]
        return None if len(names) != 2 else "Crack" if "Crack" in names else names[0]


class Preset(NamedTuple):
    """A sweep to launch as it is. `text`: what it does, in a sentence. `seconds`: how long it takes here, about."""

    name: str
    text: str
    request: SweepRequest
    seconds: float


def numbers_of(project_id: int, side: int = INPUT) -> Numbers:
    """What a project has for a sweep. `side`: of the network's input."""
    classes, counts = classes_of(project_id), count_by_class(project_id, Filter())
    drawn = drawn_on(project_id)
    told_apart = {one.id for one in classes if counts.get(one.id, 0) >= ENOUGH}
    there = material(project_id, told_apart if len(told_apart) > 1 else _of_tiles(classes, counts, drawn), side)
    if len(told_apart) < 2 and not there.large.cut:
        there = material(project_id, (), side)
    by_most = sorted((one for one in classes if drawn.get(one.number)), key=lambda one: -drawn[one.number])
    cracks = [one for one in by_most if one.name == "Crack"]
    return Numbers(
        masks=count_images(project_id, Filter(drawn=True)),
        mask_classes=tuple(one.number for one in cracks or by_most[:1]),
        classes=there.classes if len(there.classes) > 1 else {one: counts[one] for one in told_apart},
        names={one.id: one.name for one in classes},
        large=there.large,
    )


def _of_tiles(classes: Sequence[ImageClass], counts: Mapping[int, int], drawn: Mapping[int, int]) -> set[int]:
    """Ids of the classes that tiles of large photographs may show, where too few photographs have a class of their own.

    Those drawn on enough photographs; and as background that without masks of which there are most photographs, else
    the one called so. None where nobody sorts photographs into classes.
    """
    shown = {one.id for one in classes if drawn.get(one.number, 0) >= ENOUGH_LARGE}
    rest = [one for one in classes if not drawn.get(one.number)]
    if not shown or not rest or not any(counts.get(one.id) for one in classes):
        return set()
    background = max(rest, key=lambda one: (counts.get(one.id, 0), one.name.lower() == "background"))
    return {*shown, background.id} if counts.get(background.id) or background.name.lower() == "background" else set()


def presets(numbers: Numbers, start: Start, seconds_of: Callable[[SweepRequest], float]) -> list[Preset]:
    """Quick, Balanced and Thorough for a project. Raises what `seconds_of` raises."""
    found = []
    for name in _CHOICES:
        request = _request(name, numbers, start)
        seconds = seconds_of(request)
        if name == QUICK:
            for share in _SHARES[1:]:
                if seconds <= QUICK_SECONDS:
                    break
                request = _request(name, numbers, start, share)
                seconds = seconds_of(request)
        found.append(Preset(name, _text(name, request, seconds), request, seconds))
    return found


def _request(name: str, numbers: Numbers, start: Start, share: float = 1.0) -> SweepRequest:
    """The settings of a choice; `share`: of the whole training."""

    def part(whole: int) -> int:
        return max(2, round(share * whole))

    settings = {"positive": numbers.positive} | _CHOICES[name]
    if numbers.only_masks:
        steps = part(SegmentConfig().steps)
        settings |= {"heads": (SEGMENTED,), "only_masks": True, "segment": SegmentConfig(steps=steps)}
    else:
        settings |= {"heads": (TUNED,), "fine_tune": FineTuneConfig(epochs=part(FineTuneConfig().epochs))}
    least, most = 10, 40
    wanted = math.ceil(_SCRATCH_STEPS / (_SCRATCH_STEPS_A_PHOTOGRAPH * max(1, numbers.images)))
    return SweepRequest(
        **start.settings,
        epochs=part(min(most, max(least, wanted))),
        mask_classes=numbers.mask_classes,
        image_classes=() if numbers.only_masks else tuple(numbers.classes),
        repeats=0 if numbers.only_masks else _REPEATS.get(name, 0),
        sweep=SweepConfig(**settings),
    )


def _text(name: str, request: SweepRequest, seconds: float) -> str:
    keep = request.sweep.keep
    sizes = f"{exact_percent(keep[0])} {'and' if len(keep) == 2 else 'to'} {exact_percent(keep[-1])}"
    networks = f"{counted(len(keep), 'pruned network')} with {sizes} of the filters"
    if name == QUICK:
        trained = "as long as five minutes allow" if seconds <= QUICK_SECONDS else "briefly"
        return f"{networks}, trained {trained}. Shows whether photographs and masks are enough."
    if name == BALANCED:
        return f"{networks}, trained to the end. For a network to work with."
    repeats = f", {counted(request.repeats, 'repeat')} with other splits" * bool(request.repeats)
    return f"{networks}, the unpruned network trained beside them{repeats}. For figures to report."
