"""Whether a project is ready for a sweep: checks of its numbers, each a sentence that says what to do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from ftl.formatting import counted, listed, number, percent
from studio.jobs.presets import ENOUGH

STOP, WARNING, GOOD = "stop", "warning", "good"

ENOUGH_TO_REPORT = 40
"""Photographs of a class of whose test set an accuracy says something."""

LEAST_TO_TRAIN = 8
"""Photographs of each class that a sweep trains on at least, see `studio.jobs.layout`."""

ENOUGH_MASKS, BETTER_MASKS = 6, 15
"""Photographs with masks that are enough to make networks, and from which figures of those that draw mean more."""

MOST_UNEQUAL = 5
"""Times as many photographs as another class has, above which a class drowns it."""

MOST_ALIKE = 0.05
"""Share of photographs that may be nearly the same as another."""

MOST_SHRUNK = 3
"""Times that photographs may be shrunk whose defects nobody has measured."""

SEEN = 0.5
"""Cells of a map that a defect must be wide: of a thinner one, most falls between the points that are compared."""


class Finding(NamedTuple):
    """What a check found. `level`: `STOP` (a sweep would fail or be worth nothing), `WARNING` or `GOOD`.

    `page`: where something can be done about it, by its file; empty where there is none.
    """

    level: str
    text: str
    page: str = ""


class OfClass(NamedTuple):
    """Photographs of a class: all, those left to train on, and those that may be drawn to test on."""

    name: str
    photographs: int
    to_train: int
    to_test: int


class Defect(NamedTuple):
    """How wide a drawn defect is, and the longer side of its photograph, in pixels."""

    width: float
    side: int


class LargeOnes(NamedTuple):
    """Large photographs: how many are cut into tiles, and about how many tiles of each class that makes.

    No `classes`: the tiles only rank filters. `left_out`: those of defects that nobody has drawn on. `lacking`: on how
    many more somebody has to draw before any are cut.
    """

    cut: int
    classes: tuple[tuple[str, int], ...] = ()
    left_out: int = 0
    lacking: int = 0


class Crop(NamedTuple):
    """A file whose name reads like that of a crop of a photo."""

    name: str
    photo: str


class Facts(NamedTuple):
    """What is known of a project and of the network that it starts from.

    `unsorted`: photographs without a class. `masks`: those with strokes. `size`: width and height of a usual one.
    `defect`: a usual one, None where none was found. `alike`: how many of `looked_at` are nearly the same as another,
    of another photo. `crop`: None where names say nothing, or the project says how crops are named.
    `input`: pixels of a side of the network's input; `maps`: sides of its maps, the finest first. `large`: None where
    no photograph is large beside that input.
    """

    classes: tuple[OfClass, ...]
    unsorted: int
    masks: int
    size: tuple[int, int]
    defect: Defect | None
    alike: int
    looked_at: int
    crop: Crop | None
    input: int
    maps: tuple[int, ...]
    large: LargeOnes | None = None


def findings(facts: Facts) -> list[Finding]:
    """All findings about a project, the worst first."""
    enough = [known for known in facts.classes if known.photographs >= ENOUGH]
    only_masks = len(enough) < 2
    tiled = bool(facts.large and facts.large.cut and facts.large.classes)
    of_classes = [*check_classes(facts.classes, facts.unsorted), *([] if only_masks else check_sides(enough))]
    only_masks = only_masks and not tiled
    found = [
        *([] if tiled else of_classes),
        *([] if facts.large is None else check_large(facts.large, facts.size, facts.input)),
        check_masks(facts.masks, only_masks=only_masks),
        check_size(facts.size, facts.defect, facts.input, facts.maps, only_masks=only_masks, large=facts.large),
        check_crops(facts.crop),
        check_alike(facts.alike, facts.looked_at),
    ]
    return sorted(found, key=lambda finding: (STOP, WARNING, GOOD).index(finding.level))


def check_classes(classes: Sequence[OfClass], unsorted: int) -> list[Finding]:
    """Whether there are two classes to tell apart, with enough photographs each, none of which drowns another."""
    enough = [known for known in classes if known.photographs >= ENOUGH]
    if not classes:
        return [Finding(GOOD, "Networks draw masks: no photograph has an image class to learn.")]
    if len(enough) < 2:
        there = listed([f"{known.name} has {known.photographs:,}" for known in classes])
        text = (
            f"Networks will only draw masks: to tell classes apart, they need two with at least {ENOUGH} photographs "
            f"each, and {there}."
        )
        return [Finding(WARNING, text, "images")]
    problems = [
        f"{known.name} is left out: it has {counted(known.photographs, 'photograph')}, and a class needs {ENOUGH}; "
        f"give it {ENOUGH - known.photographs} more."
        for known in classes
        if known.photographs < ENOUGH
    ]
    if few := [f"{known.name} has {known.photographs:,}" for known in enough if known.photographs < ENOUGH_TO_REPORT]:
        problems.append(
            f"Accuracies will be uncertain: a quarter of the photographs reports them, and {listed(few)}; "
            f"{ENOUGH_TO_REPORT} of each class are a start."
        )
    counts = {known.name: known.photographs for known in enough}
    least, most = min(counts, key=counts.__getitem__), max(counts, key=counts.__getitem__)
    if counts[most] >= MOST_UNEQUAL * counts[least]:
        problems.append(
            f"{most} has {number(round(counts[most] / counts[least]))} times as many photographs as {least}: always "
            f"saying {most} would be right for {percent(counts[most] / sum(counts.values()), 0)} of them; add "
            f"photographs of {least}."
        )
    if unsorted > sum(known.photographs for known in classes) / 10:
        problems.append(f"{counted(unsorted, 'photograph')} without an image class neither train nor test: sort them.")
    good = Finding(GOOD, f"Photographs: {listed([f'{name} {count:,}' for name, count in counts.items()])}.")
    return [Finding(WARNING, text, "images") for text in problems] or [good]


def check_sides(classes: Sequence[OfClass]) -> list[Finding]:
    """Whether some photographs of each class are left to train on, and some to test on."""
    problems = [
        f"No photograph of {known.name} is left to test on, since those with masks rank filters and their photos never "
        "test: add some, and do not draw on them."
        for known in classes
        if not known.to_test
    ]
    problems += [
        f"{known.name} has {counted(known.to_train, 'photograph')} to train on, and {LEAST_TO_TRAIN} are needed: add "
        "some, or use fewer for the test only."
        for known in classes
        if known.to_train < LEAST_TO_TRAIN
    ]
    return [Finding(STOP, text, "images") for text in problems]


def check_masks(masks: int, *, only_masks: bool) -> Finding:
    """Whether enough photographs have masks, and so many that a part of them says something where networks draw."""
    there = f"Masks on {counted(masks, 'photograph')}"
    if masks < ENOUGH_MASKS:
        text = f"{there} are few: they show a network what to look for; draw {ENOUGH_MASKS - masks} more."
        return Finding(WARNING, text, "annotate")
    if only_masks and masks < BETTER_MASKS:
        text = (
            f"{there} are enough to begin; {BETTER_MASKS} are better: a fifth of them chooses the threshold and a "
            "fifth tests, so figures are uncertain until then."
        )
        return Finding(WARNING, text, "annotate")
    return Finding(GOOD, f"{there}.")


def check_large(large: LargeOnes, size: tuple[int, int], side: int) -> list[Finding]:
    """What becomes of large photographs that are cut into tiles; `size`, `side`: `size` and `input` of `Facts`."""
    if not large.cut:
        return []
    cut = f"{counted(large.cut, 'large photograph')}, usually of {size[0]:,} x {size[1]:,} pixels, "
    cut += f"{'is' if large.cut == 1 else 'are'} cut into tiles of {side} x {side}"
    if not large.classes:
        return [Finding(GOOD, f"{cut} to rank filters.")]
    kinds = listed([f"{count:,} with {name}" for name, count in large.classes])
    found = [Finding(GOOD, f"{cut}, labelled from their masks: about {kinds}.")]
    if large.left_out:
        text = (
            f"{counted(large.left_out, 'large photograph')} with defects {'is' if large.left_out == 1 else 'are'} left "
            "out: nobody has drawn on them, so nobody knows which of their tiles show a defect; draw on them."
        )
        found.append(Finding(WARNING, text, "annotate"))
    return found


def check_size(
    size: tuple[int, int],
    defect: Defect | None,
    side: int,
    maps: Sequence[int],
    *,
    only_masks: bool,
    large: LargeOnes | None = None,
) -> Finding:
    """Whether defects are still seen once photographs are shrunk to the network's input, or cut, and on its maps.

    `size`, `side`, `maps`: `size`, `input` and `maps` of `Facts`.
    """
    if large is not None and large.cut:
        size, defect = (side, side), defect and Defect(defect.width, side)
    shrunk = f"shrunk to {side} x {side}{' to rank filters' if only_masks else ''}, not cropped"
    if defect is None:
        text = f"photographs of {size[0]:,} x {size[1]:,} pixels are {shrunk}"
        times = max(size) / side
        if times <= MOST_SHRUNK:
            return Finding(GOOD, f"{text[0].upper()}{text[1:]}.")
        text = (
            f"Thin defects may vanish: {text}, so nothing is left of what is thinner than {number(round(times))} pixels"
        )
        return _cut_them(WARNING, text, "tiles", large)
    seen = defect.width * side / defect.side  # pixels of the input
    wide = f"about {_tenths(defect.width)} of {defect.side:,} pixels wide"
    tile = f"tiles of at most {_tile(defect.width, side, maps[0]):,} pixels"
    if seen < 1:
        text = f"Thin defects vanish: photographs are {shrunk}, so what is {wide} becomes {number(round(seen, 2))} wide"
        return _cut_them(STOP if seen < SEEN and not only_masks else WARNING, text, tile, large)
    if not any(seen * cells / side >= SEEN for cells in maps):
        text = (
            f"Defects are thin for this network: {wide}, they are {number(round(seen * maps[0] / side, 2))} cells of "
            f"its finest maps, {maps[0]} x {maps[0]}; start from one with finer maps, or cut photographs into {tile} "
            "before you upload them."
        )
        return Finding(WARNING, text, "images")
    return Finding(GOOD, f"Defects are wide enough to be seen: {wide}, {_tenths(seen)} of the network's {side}.")


def _cut_them(level: str, text: str, tiles: str, large: LargeOnes | None) -> Finding:
    """A finding that photographs are shrunk too much, and how they come to be cut instead: by the sweep, if it can."""
    if large is None or not large.lacking:
        return Finding(level, f"{text}; cut them into {tiles} before you upload them.", "images")
    more = counted(large.lacking, "more large photograph")
    return Finding(level, f"{text}; draw on {more}, and the sweep cuts them into tiles.", "annotate")


def _tenths(width: float) -> str:
    return number(round(width, 1) if width < 10 else round(width))


def _tile(width: float, side: int, finest: int) -> int:
    """The largest tile, in whole tens of pixels, in which a defect of a width is seen."""
    least = max(1.0, SEEN * side / finest)  # pixels of the input
    return max(10, int(width * side / least) // 10 * 10)


def check_crops(crop: Crop | None) -> Finding:
    """Whether crops of one photo may stand on both sides of a split, for nobody said how they are named."""
    if crop is None:
        return Finding(GOOD, "No names that read like several crops of one photo.")
    text = (
        f"Some photographs may be crops of one photo: {crop.name} reads like a crop of {crop.photo}. Where such crops "
        "both train and test, figures look better than they are; say under Crops of one photo how they are named."
    )
    return Finding(WARNING, text, "home")


def check_alike(alike: int, looked_at: int) -> Finding:
    """Whether some photographs are nearly the same as others of another photo."""
    if alike <= MOST_ALIKE * looked_at:
        return Finding(GOOD, f"Hardly any near-duplicates among {counted(looked_at, 'photograph')} compared.")
    text = (
        f"{alike:,} of {counted(looked_at, 'photograph')} compared are nearly the same as another, which flatters the "
        "figures where one trains and the other tests; delete all but one."
    )
    return Finding(WARNING, text, "images")
