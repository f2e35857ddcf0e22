"""What large photographs give: twelve of 3000 x 2000 in tiles, a sweep, and its answers about photographs unseen.

    python -m benchmarks.large_photographs [--choice Quick] [--weights FILE] [--shrunk] [--speed MACS]

The photographs are stitched: five of deepcrack with their cracks, crack-free parts of deepcrack mirrored until they
fill a field, so that the texture alone gives no crack away, and around them crack-free concrete of METU. All have masks
and the class Crack. Unseen are four more, of other photos of deepcrack and of METU's test folder; there every tile
counts whose class the mask tells. `--shrunk`: the same with no more left of all photographs than shrinking them to the
network's input leaves. `--speed`: MACs per second that the choice reckons with, where other programs run; times then
say nothing.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from benchmarks._material import SHARED, head_line
from benchmarks.first_hour import launch, new_project, swept
from ftl import Model
from ftl.data.images import read_image
from ftl.data.masks import read_mask
from ftl.data.tiles import cut, shown
from ftl.evaluation.metrics import wilson
from studio.inspection.examine import examine

WIDTH, HEIGHT, INPUT = 3000, 2000, 224
PHOTOGRAPHS, UNSEEN, CRACKED, FREE = 12, 4, 5, 7
_ACROSS, _DOWN = 5, 5
_FIELD = WIDTH // _ACROSS, HEIGHT // _DOWN


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--choice", choices=["Quick", "Balanced", "Thorough"], default="Quick")
    parser.add_argument("--weights", type=Path)
    parser.add_argument("--shrunk", action="store_true")
    parser.add_argument("--speed", type=float)
    given = parser.parse_args()
    head_line(f"{given.choice} on {PHOTOGRAPHS} photographs of {WIDTH} x {HEIGHT}")
    with tempfile.TemporaryDirectory() as home:
        os.environ["STUDIO_HOME"] = home
        run(given.choice, given.weights, given.speed, shrunk=given.shrunk)


def stitched(part: str, count: int, first: int) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Photographs RGB uint8 (H, W, 3), their masks, bool (H, W), and where they are of deepcrack, bool (H, W).

    `part`: the folder of METU around them. `first`: of the photographs of deepcrack, by name, `CRACKED` each.
    """
    rng = np.random.default_rng(first)
    files = sorted((SHARED / "data/deepcrack/images").iterdir())
    concrete = sorted((SHARED / "data/metu" / part / "Background").iterdir())
    for number in range(count):
        photograph = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
        mask, of_deepcrack = np.zeros((HEIGHT, WIDTH), bool), np.zeros((HEIGHT, WIDTH), bool)
        around = iter(rng.permutation(len(concrete)))
        for top in range(0, HEIGHT, 227):
            for left in range(0, WIDTH, 227):
                piece = read_image(concrete[next(around)])[: HEIGHT - top, : WIDTH - left]
                photograph[top : top + len(piece), left : left + piece.shape[1]] = piece
        own = files[first + CRACKED * number : first + CRACKED * (number + 1)]
        pairs = [(read_image(file), read_mask(masks_of(file)) > 127) for file in own]
        free = [window for pair in pairs for window in crack_free(*pair)][:FREE]
        fields = iter(rng.permutation(_ACROSS * _DOWN))
        for pixels, drawn in [*pairs, *((mirrored(window), None) for window in free)]:
            place = int(next(fields))
            top, left = place // _ACROSS * _FIELD[1], place % _ACROSS * _FIELD[0]
            here = slice(top, top + len(pixels)), slice(left, left + pixels.shape[1])
            photograph[here], of_deepcrack[here] = pixels, True
            mask[here] = False if drawn is None else drawn
        yield photograph, mask, of_deepcrack


def masks_of(file: Path) -> Path:
    """The mask of a photograph of deepcrack."""
    return next((SHARED / "data/deepcrack/masks").glob(f"{file.stem}.*"))


def crack_free(photograph: np.ndarray, mask: np.ndarray, side: int = 144) -> list[np.ndarray]:
    """Up to two windows of a photograph without a crack in them or near them, the first found."""
    found: list[np.ndarray] = []
    taken = cv2.dilate(mask.astype(np.uint8), np.ones((25, 25), np.uint8)) > 0
    for top in range(0, len(mask) - side, 16):
        for left in range(0, mask.shape[1] - side, 16):
            here = slice(top, top + side), slice(left, left + side)
            if len(found) < 2 and not taken[here].any():
                found.append(photograph[here])
                taken[here] = True
    return found


def mirrored(window: np.ndarray) -> np.ndarray:
    """A window mirrored at its edges until it fills a field."""
    more = [(0, _FIELD[1] - len(window)), (0, _FIELD[0] - window.shape[1]), (0, 0)]
    return np.pad(window, more, mode="reflect")


def as_shrunk(photograph: np.ndarray) -> np.ndarray:
    """A photograph with what is left of it once it is shrunk to a network's input."""
    small = cv2.resize(photograph, (INPUT, INPUT), interpolation=cv2.INTER_AREA)
    return cv2.resize(small, (WIDTH, HEIGHT), interpolation=cv2.INTER_LINEAR)


def run(choice: str, weights: Path | None, fast: float | None, *, shrunk: bool) -> None:
    """Fill a project, launch the choice, wait for it, and print what its networks say of unseen photographs."""
    from ftl import load_model
    from studio.annotation import log
    from studio.annotation.strokes import Region
    from studio.images.library import add_image
    from studio.jobs import reporting

    project, user, classes = new_project()
    folder = Path(os.environ["STUDIO_HOME"]) / "stitched"
    folder.mkdir()
    for number, (photograph, mask, _) in enumerate(stitched("train", PHOTOGRAPHS, 0)):
        file = folder / f"bridge{number}.png"
        cv2.imwrite(str(file), cv2.cvtColor(as_shrunk(photograph) if shrunk else photograph, cv2.COLOR_RGB2BGR))
        image, _ = add_image(project, user, file, file.name, classes["Crack"].id)
        log.append(image.id, user, [Region.of(mask, classes["Crack"].number, f"drawn{number}")])
    job = launch(project, user, choice, weights, fast)
    print("\n".join(f"  {line[10:]}" for line in reporting.log(job).splitlines() if " tiles " in line))
    unseen = [
        (as_shrunk(photograph) if shrunk else photograph, *rest)
        for photograph, *rest in stitched("test", UNSEEN, PHOTOGRAPHS * CRACKED)
    ]
    for title, candidate, place in swept(job):
        model = load_model(place)
        answers = [answered(model, *one) for one in unseen]
        print(f"  {title}, {candidate.time_ms:.1f} ms a tile; the sweep said {candidate.test_accuracy:.3f}")
        every = np.concatenate(answers)
        each = ", ".join(f"{(own[:, 0] == own[:, 1]).mean():.3f}" for own in answers)
        print(f"    tiles of {len(unseen)} unseen photographs: {share(every[:, 0] == every[:, 1])}; of each: {each}")
        for name, chosen in (
            ("with a crack", every[:, 0]),
            ("without", ~every[:, 0]),
            ("without, in deepcrack", ~every[:, 0] & every[:, 2]),
        ):
            print(f"    {name}: {share(every[chosen, 0] == every[chosen, 1])}")


def answered(model: Model, photograph: np.ndarray, mask: np.ndarray, of_deepcrack: np.ndarray) -> np.ndarray:
    """Of each tile whose class the mask tells: whether it shows a crack, is said to, and is of deepcrack, all of it.

    bool (tiles, 3).
    """
    assert model.tile is not None
    tiles = cut(WIDTH, HEIGHT, model.tile)
    labels = shown(mask.astype(np.uint8), tiles, [1])
    found = examine(model, photograph, "Crack", model.tile)
    assert found.tiles == tuple(tiles)
    inside = [of_deepcrack[top:bottom, left:right].all() for left, top, right, bottom in tiles]
    rows = zip(labels, found.chances, inside, strict=True)
    return np.array([(label == 1, chance > 0.5, within) for label, chance, within in rows if label is not None])


def share(right: np.ndarray) -> str:
    """How many are right, with Wilson's interval."""
    low, high = wilson(int(right.sum()), len(right))
    return f"{right.mean():.3f} ({low:.3f} to {high:.3f}) of {len(right)}"


if __name__ == "__main__":
    main()
