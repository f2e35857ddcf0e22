"""Groups of options that several commands share."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from ftl.progress import Bar

if TYPE_CHECKING:
    from ftl.training.settings import Tuning


def count(text: str) -> int:
    """A whole number from 1, for argparse."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is not 1 or more")
    return number


Run = Callable[[argparse.Namespace, Bar], None]


def add_backbone(parser: argparse.ArgumentParser) -> None:
    """Where the backbone's weights come from."""
    parser.add_argument(
        "--weights", type=Path, metavar="FILE", help="weights for a named backbone; ImageNet's by default"
    )
    parser.add_argument("--preprocess", help="caffe, imagenet or raw; what the file says by default")


def add_classes(parser: argparse.ArgumentParser) -> None:
    """Which masks count."""
    parser.add_argument(
        "--classes", nargs="+", metavar="CLASS", help="class folders whose filters are kept; all of them"
    )
    parser.add_argument("--mask-class", metavar="ID", help="for index masks: the id, or the name in classes.json")


def add_masks(parser: argparse.ArgumentParser) -> None:
    """Photographs with masks."""
    parser.add_argument("--images", type=Path, default=Path("Images"), metavar="DIR", help="photographs; Images")
    parser.add_argument("--masks", type=Path, default=Path("Segmented"), metavar="DIR", help="their masks; Segmented")
    add_classes(parser)
    parser.add_argument(
        "--union-images", type=Path, metavar="DIR", help="photographs of another group, whose filters stay too"
    )
    parser.add_argument("--union-masks", type=Path, metavar="DIR", help="and their masks")


def add_pruning(parser: argparse.ArgumentParser) -> None:
    """How filters are chosen."""
    parser.add_argument("--keep", nargs="+", type=float, metavar="K", help="the keep fractions to make, as 0.05 0.2")
    parser.add_argument(
        "--criterion",
        default="iou",
        help="iou, predicate1, predicate2, binary_iou, dissection, l1, random, bn_scale or taylor",
    )
    parser.add_argument(
        "--rule",
        default="fraction",
        help="fraction or above-average, of each layer; or global: a fraction of all filters, with --mode once",
    )
    parser.add_argument("--mode", default="cascade", help="cascade: rescore after each cut; once: one pass for all")
    parser.add_argument("--joint", default="mean", help="mean or max: the score of filters that can only go together")
    parser.add_argument(
        "--read", default="after", help="before or after the addition or depthwise convolution that ties them"
    )
    parser.add_argument("--faithful", action="store_true", help="reproduce the original program in everything")
    parser.add_argument(
        "--round-to", type=count, default=1, metavar="N", help="keep multiples of N filters, rounded up"
    )
    parser.add_argument("--seed", type=int, default=0)


def add_tuning(parser: argparse.ArgumentParser) -> None:
    """Candidates beside those with a linear head."""
    parser.add_argument(
        "--also", nargs="+", default=[], metavar="HEAD", help="tuned: fine-tune the pruned networks; recalibrated: let "
        "their batch norms learn anew",
    )  # fmt: skip
    parser.add_argument("--tune-base", action="store_true", help="fine-tune the unpruned network as well: slow")
    parser.add_argument("--epochs", type=count, help="of fine-tuning, at most")
    parser.add_argument("--rate", type=float, help="of fine-tuning, at its highest")
    parser.add_argument("--distil", type=float, default=0.0, help="share learnt from the unpruned network, 0 to 1")


def tuning_of(options: argparse.Namespace) -> Tuning:
    """What `add_tuning`'s options ask for."""
    from ftl.training.settings import Recipe, Tuning

    given = {name: getattr(options, name) for name in ("epochs", "rate") if getattr(options, name) is not None}
    return Tuning(tuple(options.also), options.tune_base, Recipe(distil=options.distil, **given))


def add_budgets(parser: argparse.ArgumentParser) -> None:
    """Networks searched within a limit."""
    parser.add_argument(
        "--budget", nargs="+", default=[], metavar="B", help="search a network within 1%% of the multiply-adds, or 5ms"
    )


def add_dataset(parser: argparse.ArgumentParser) -> None:
    """Photographs by class to train on."""
    parser.add_argument(
        "--dataset", type=Path, default=Path("dataset"), metavar="DIR", help="folder of classes; dataset"
    )
    parser.add_argument("--per-class", type=count, metavar="N", help="use at most N images of each class")
    parser.add_argument("--seed", type=int, default=0)


def add_photo(parser: argparse.ArgumentParser) -> None:
    """Which files were cut from one photo."""
    parser.add_argument(
        "--photo",
        metavar="TEMPLATE",
        help="how a file's name tells its photo: {photo}_* or {photo}_#; or a regular expression whose first group is "
        "the photo, as RE2 has them: (.+)_\\d+",
    )


def add_positive(parser: argparse.ArgumentParser) -> None:
    """Which class is looked for."""
    parser.add_argument("--positive", metavar="CLASS", help="the class looked for; guessed from the names")


def add_threads(parser: argparse.ArgumentParser) -> None:
    """How time is taken."""
    parser.add_argument("--threads", type=count, help="threads while timing; all cores by default")
    parser.add_argument(
        "--runtimes", nargs="+", default=["pytorch"], metavar="RUNTIME", help="time in pytorch, onnx, int8; pytorch"
    )


def share(text: str) -> float:
    """A share 0..1, for argparse."""
    number = float(text)
    if not 0 <= number <= 1:
        raise argparse.ArgumentTypeError(f"{text} is not from 0 to 1")
    return number


def add_choice(parser: argparse.ArgumentParser) -> None:
    """What a network is recommended by."""
    parser.add_argument("--max-ms", type=float, help="longest latency, in milliseconds")
    parser.add_argument("--max-mb", type=float, help="largest file, in MB")
    for name in ("accuracy", "balanced accuracy", "f1", "precision", "recall"):
        parser.add_argument(
            f"--min-{name.replace(' ', '-')}", type=share, metavar="SHARE",
            help=f"least {name} of the validation images, 0 to 1",
        )  # fmt: skip
    parser.add_argument(
        "--margin", type=share, default=0.0, metavar="SHARE",
        help="accuracy that may be lost for speed even if that is significant, as 0.01 for one point; 0",
    )  # fmt: skip
    parser.add_argument(
        "--preset", help="recommend by decision score instead of by tests: published (the original's) or balanced"
    )
    parser.add_argument(
        "--score-weights", nargs=3, type=float, metavar=("QUALITY", "PARAMETERS", "TIME"),
        help="recommend by a decision score of these weights",
    )  # fmt: skip


def add_int8(parser: argparse.ArgumentParser) -> None:
    """8-bit integers of an export."""
    parser.add_argument("--int8", action="store_true", help="in 8-bit integers: an .onnx, or one more in the .zip")
    parser.add_argument(
        "--images", type=Path, dest="data", metavar="DIR", help="the data set it was trained with, if it was moved"
    )


def add_repeats(parser: argparse.ArgumentParser) -> None:
    """How often the unpruned and the recommended network are run again."""
    parser.add_argument(
        "--repeats", type=int, default=0, help="run unpruned and recommended network so often again, for deviations"
    )


def add_cluster(parser: argparse.ArgumentParser) -> None:
    """Machines that compute."""
    parser.add_argument(
        "--scheduler", metavar="ADDRESS", help="of a Dask cluster that computes, as tcp://office:8786, or its file"
    )
    parser.add_argument("--time-on", metavar="WORKER", help="the name of the worker whose machine takes the times")
    parser.add_argument(
        "--store", metavar="ADDRESS", help="where workers fetch files that they do not see, as s3://bucket/folder"
    )
