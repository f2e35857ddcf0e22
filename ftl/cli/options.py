"""Groups of options that several commands share."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast, get_origin

from pydantic.fields import FieldInfo

from ftl.config import Config
from ftl.progress import Bar


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
        "--weights", type=Path, metavar="FILE", help="Weights for a named backbone (default: ImageNet's)"
    )
    parser.add_argument("--preprocess", metavar="KIND", help="caffe, imagenet or raw (default: that of the weights)")


def add_classes(parser: argparse.ArgumentParser) -> None:
    """Which masks count."""
    parser.add_argument(
        "--classes", nargs="+", metavar="CLASS", help="Class folders whose masks rank filters (default: all)"
    )
    parser.add_argument(
        "--mask-class", metavar="ID", help="In masks of class ids: the id that counts, or its name in classes.json"
    )


def add_photographs(parser: argparse.ArgumentParser) -> None:
    """Photographs with masks."""
    parser.add_argument(
        "--images", type=Path, default=Path("Images"), metavar="DIR", help="Photographs with masks (default: Images)"
    )
    parser.add_argument(
        "--masks", type=Path, default=Path("Segmented"), metavar="DIR", help="Their masks (default: Segmented)"
    )


def add_masks(parser: argparse.ArgumentParser) -> None:
    """Photographs with masks that rank filters."""
    add_photographs(parser)
    add_classes(parser)
    parser.add_argument(
        "--union-images",
        type=Path,
        metavar="DIR",
        help="Photographs of another group; the filters that are best for it stay as well",
    )
    parser.add_argument("--union-masks", type=Path, metavar="DIR", help="Masks of --union-images")


_PLACE = "config:"  # of a setting among the parsed options, by its path in the configuration


def add_config(parser: argparse.ArgumentParser, config: type[Config], *names: str, place: str = "") -> None:
    """An option for each setting of a configuration, or for the named ones: flags and help come from there."""
    for name, field in config.model_fields.items():
        if names and name not in names:
            continue
        if isinstance(field.annotation, type) and issubclass(field.annotation, Config):
            add_config(parser, field.annotation, place=f"{name}.")
        else:
            _add_setting(parser, name, field, place)


def _add_setting(parser: argparse.ArgumentParser, name: str, field: FieldInfo, place: str) -> None:
    extra = field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}
    flags = [str(flag) for flag in cast("list[str]", extra.get("flags", [f"--{name.replace('_', '-')}"]))]
    many, default = get_origin(field.annotation) is tuple, field.default
    given = " ".join(map(str, default)) if many else default
    known = given in (None, "", False) or name == "keep"  # without --keep, PERCENT counts
    shown = f"{(field.description or '').rstrip('.')}{'' if known else f' (default: {given})'}"
    how: dict[str, Any] = {"dest": f"{_PLACE}{place}{name}", "default": argparse.SUPPRESS}
    how["help"] = shown.replace("%", "%%")
    if field.annotation is bool:
        parser.add_argument(*flags, action="store_true", **how)
    else:
        parser.add_argument(*flags, nargs="+" if many else None, metavar=name.split("_")[-1].upper(), **how)


_Made = TypeVar("_Made", bound=Config)


def config_of(options: argparse.Namespace, config: type[_Made], **more: Any) -> _Made:
    """The configuration that the options ask for, with `more` settings. Raises `FtlError` as `Config` does."""
    given: dict[str, Any] = {}
    for key, value in vars(options).items():
        if key.startswith(_PLACE):
            *place, name = key.removeprefix(_PLACE).split(".")
            inner = given.setdefault(place[0], {}) if place else given
            inner[name] = value
    return config(**{name: value for name, value in given.items() if name in config.model_fields} | more)


def add_dataset(parser: argparse.ArgumentParser) -> None:
    """Photographs by class to train on."""
    parser.add_argument(
        "--dataset",
        type=Path,
        default=Path("dataset"),
        metavar="DIR",
        help="Photographs to train and validate on, a folder of classes (default: dataset)",
    )
    parser.add_argument("--per-class", type=count, metavar="N", help="Use at most N images of each class")


def share(text: str) -> float:
    """A share 0..1, for argparse."""
    number = float(text)
    if not 0 <= number <= 1:
        raise argparse.ArgumentTypeError(f"{text} is not from 0 to 1")
    return number


def add_choice(parser: argparse.ArgumentParser) -> None:
    """What a network is recommended by."""
    parser.add_argument("--max-ms", type=float, help="Highest latency in ms")
    parser.add_argument("--max-mb", type=float, help="Largest file in MB")
    for title in ("accuracy", "balanced accuracy", "F1", "precision", "recall"):
        parser.add_argument(
            f"--min-{title.lower().replace(' ', '-')}", type=share, metavar="SHARE",
            help=f"Lowest {title} on the validation set, 0 to 1",
        )  # fmt: skip
    parser.add_argument(
        "--margin", type=share, default=0.0, metavar="SHARE",
        help="Accuracy that a faster network may lose even if that is significant, as 0.01 for one point (default: 0)",
    )  # fmt: skip
    parser.add_argument(
        "--preset",
        help="Recommend by a decision score instead of by tests: published (the original program's) or balanced",
    )
    parser.add_argument(
        "--score-weights", nargs=3, type=float, metavar=("QUALITY", "PARAMETERS", "TIME"),
        help="Recommend by a decision score with these weights",
    )  # fmt: skip


def add_int8(parser: argparse.ArgumentParser) -> None:
    """8-bit integers of an export."""
    parser.add_argument(
        "--int8", action="store_true", help="Write 8-bit integers: as .onnx, or as one more network in the .zip"
    )
    parser.add_argument(
        "--images",
        type=Path,
        dest="data",
        metavar="DIR",
        help="The data set that it was trained with, if that was moved",
    )


def add_device(parser: argparse.ArgumentParser) -> None:
    """Where networks run: the rule is in `ftl.device`."""
    parser.add_argument(
        "--device",
        help="Where networks are scored, run and trained: cpu, cuda, cuda:1. By default training takes a GPU if there "
        "is one, and all else the CPU, whose results are the same on every machine. Latency is always measured on the "
        "CPU, and --faithful always scores there",
    )


def add_repeats(parser: argparse.ArgumentParser) -> None:
    """How often the unpruned and the recommended network are run again."""
    parser.add_argument(
        "--repeats",
        type=int,
        default=0,
        help="Train and time the unpruned and the recommended network this often again, for standard deviations "
        "(default: 0)",
    )


def add_cluster(parser: argparse.ArgumentParser) -> None:
    """Machines that compute."""
    parser.add_argument(
        "--scheduler",
        metavar="ADDRESS",
        help="The Dask scheduler of a cluster that computes the sweep: its address, as tcp://office:8786, or its file",
    )
    parser.add_argument(
        "--time-on",
        metavar="WORKER",
        help="The name of the worker whose machine measures latency (default: an idle one)",
    )
    parser.add_argument(
        "--store", metavar="ADDRESS", help="Where workers fetch files that they do not see, as s3://bucket/folder"
    )
