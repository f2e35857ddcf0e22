"""Seconds of the original's four steps, each a process as a user types it: prune, extract, train, test.

    python -m benchmarks.four_steps [PER_CLASS]

12 masonry walls with masks, PER_CLASS (200) photographs of each class of METU to train on and as many to test on, by
sorted name; VGG16 cut to 10, 20 and 30 % as the original cuts it. Then the three pruned networks alone: what was
computed of the unpruned one stays, and the three are done again. Needs ../shared.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from benchmarks._material import SHARED, head_line, pairs, scratch, seconds
from ftl.evaluation.runtimes import TIMES
from ftl.files import read_json
from ftl.latency.machine_load import look
from ftl.models.layout import EVALUATION, FEATURES, HEAD, TEST, UNPRUNED, VALIDATION

KEEP = ("0.1", "0.2", "0.3")
MASKS = 12

ROOT = Path(__file__).parents[1]


def lay_out(folder: Path, per_class: int) -> dict[str, list[str]]:
    """Link photographs into `folder`; the arguments of each step there."""
    for part, name in (("train", "dataset"), ("test", "evaluation")):
        for label in ("Crack", "Background"):
            (folder / name / label).mkdir(parents=True)
            for file in sorted((SHARED / "data" / "metu" / part / label).iterdir())[:per_class]:
                (folder / name / label / file.name).symlink_to(file)
    images, masks = map(str, pairs(MASKS))
    weights = str(SHARED / "backbones" / "vgg16_hed.safetensors")
    return {
        "prune": [
            "models",
            "vgg16",
            "--weights",
            weights,
            "--faithful",
            "--keep",
            *KEEP,
            "--images",
            images,
            "--masks",
            masks,
        ],
        "extract": ["models"],
        "train": ["models"],
        "test": ["models"],
    }


class Time(NamedTuple):
    """Seconds of a step, and of processor time, which other programs hardly change; latency is not in the latter."""

    wall: float
    processor: float


def time_step(folder: Path, step: str, arguments: list[str]) -> Time:
    command = [sys.executable, "-m", "ftl", step, *arguments]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    wall = seconds(lambda: subprocess.run(command, cwd=folder, env=environment, check=True, capture_output=True))
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return Time(wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


def forget_pruned(out: Path) -> None:
    """Remove all that was measured of the pruned networks."""
    for network in out.glob("keep-*"):
        for name in (FEATURES, EVALUATION, HEAD, VALIDATION, TEST, *TIMES.values()):
            (network / name).unlink(missing_ok=True)


def shown(taken: Time) -> str:
    return f"{taken.wall:.1f} ({taken.processor:.1f})"


def main() -> None:
    if not SHARED.is_dir():
        sys.exit("needs ../shared")
    per_class = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    head_line(f"the four steps: VGG16 at {', '.join(KEEP)}, {MASKS} masks, {2 * per_class} + {2 * per_class} images")
    print(f"  other programs used {100 * look(1.0):.0f} % of the processor just before")
    folder = scratch()
    steps = lay_out(folder, per_class)
    every = {step: time_step(folder, step, arguments) for step, arguments in steps.items()}
    forget_pruned(folder / "models")
    three = {step: time_step(folder, step, steps[step]) for step in ("extract", "train", "test")}
    three = {"prune": every["prune"]} | three
    print(f"  {'seconds (of the processor)':28}{'three networks':>20}{'with the unpruned':>20}")
    for step in steps:
        print(f"  {step:28}{shown(three[step]):>20}{shown(every[step]):>20}")
    three["all"], every["all"] = (Time(*map(sum, zip(*some.values(), strict=True))) for some in (three, every))
    print(f"  {'all':28}{shown(three['all']):>20}{shown(every['all']):>20}")
    for name in (UNPRUNED, *(f"keep-{keep}" for keep in KEEP)):
        validation, test = (read_json(folder / "models" / name / file) for file in (VALIDATION, TEST))
        time = read_json(folder / "models" / name / TIMES["pytorch"])
        print(
            f"  {name:10} accuracy {validation['accuracy']:.4f} and {test['accuracy']:.4f}, {time['median_ms']:.2f} ms,"
            f" features by {validation.get('engine', 'PyTorch float32')}"
        )


if __name__ == "__main__":
    main()
