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
    told = " ".join(map(str, default)) if many else default
    shown = f"{(field.description or '').rstrip('.')}{'' if told in (None, '', False) else f' (default: {told})'}"
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
        "--dataset", type=Path, default=Path("dataset"), metavar="DIR", help="folder of classes; dataset"
    )
    parser.add_argument("--per-class", type=count, metavar="N", help="use at most N images of each class")


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


def add_device(parser: argparse.ArgumentParser) -> None:
    """Where networks run: the rule is in `ftl.device`."""
    parser.add_argument(
        "--device",
        help="where networks are scored, run and trained: cpu, cuda, cuda:1. By default training takes a GPU if there "
        "is one, and all else the CPU, whose results are the same on every machine. Latency is always measured on the "
        "CPU, and --faithful always scores there",
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
