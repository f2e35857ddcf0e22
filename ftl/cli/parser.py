"""All commands and their options."""

from __future__ import annotations

import argparse
from pathlib import Path

from ftl.cli import options
from ftl.cli.outcome import bench_kit, choose, export, predict, report
from ftl.cli.segment import segment
from ftl.cli.steps import compare, extract, prune, test, train
from ftl.cli.workflows import backbone, criteria, demo, run
from ftl.config import PruneConfig, SweepConfig


def build_parser() -> argparse.ArgumentParser:
    """All commands with their options."""
    parser = argparse.ArgumentParser(
        prog="ftl", description="Finicky Transfer Learning: prune a network to the filters that answer to your masks."
    )
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")

    def command(name: str, run: options.Run, help_: str) -> argparse.ArgumentParser:
        made = commands.add_parser(name, help=help_, description=help_[0].upper() + help_[1:] + ".")
        made.set_defaults(run=run)
        return made

    made = command("prune", prune, "prune a network to several keep fractions")
    made.add_argument("out", type=Path, help="The folder that the networks are written to")
    made.add_argument("backbone", help="A name (vgg16, resnet50, mobilenet_v2, ...) or a file")
    made.add_argument(
        "percent", nargs="?", type=float, help="Instead of --keep: 0.01, 0.02, ... up to PERCENT / 100 (default: 100)"
    )
    options.add_backbone(made)
    options.add_masks(made)
    options.add_config(made, PruneConfig)
    options.add_config(made, SweepConfig, "keep")
    options.add_device(made)

    made = command("segment", segment, "train pruned networks to draw masks, and measure them")
    made.add_argument("out", type=Path, help="The folder that the networks are written to")
    made.add_argument("backbone", nargs="?", help="A name (vgg16, resnet50, mobilenet_v2, ...) or a file")
    made.add_argument(
        "--from", dest="source", type=Path, metavar="FOLDER",
        help="Instead of BACKBONE: the folder of a network that draws masks, which is trained further on the masks of "
        "now, in a quarter of its steps; what tested it or chose its threshold still does",
    )  # fmt: skip
    options.add_backbone(made)
    options.add_photographs(made)
    made.add_argument("--classes", nargs="+", metavar="CLASS", help="Class folders whose masks count (default: all)")
    made.add_argument(
        "--test-images", type=Path, metavar="DIR", help="Photographs to test on; nothing is trained on them"
    )
    made.add_argument("--test-masks", type=Path, metavar="DIR", help="Masks of --test-images")
    options.add_config(made, PruneConfig)
    options.add_config(made, SweepConfig, "keep", "fine_tune_unpruned", "photo", "threads", "runtimes", "segment")
    options.add_device(made)

    made = command("compare", compare, "compare the filters and accuracies of two sweeps of one network")
    made.add_argument("out", type=Path, help="The folder of a sweep")
    made.add_argument("other", type=Path, help="The folder of the other sweep")

    made = command("extract", extract, "compute the features of a data set with every network of a sweep")
    made.add_argument("out", type=Path, help="The folder of a sweep")
    options.add_dataset(made)
    options.add_config(made, SweepConfig, "seed")
    options.add_device(made)

    made = command("train", train, "fit a classifier to the features of every network of a sweep")
    made.add_argument("out", type=Path, help="The folder of a sweep")
    options.add_config(made, SweepConfig, "seed", "photo", "positive", "heads", "fine_tune_unpruned", "fine_tune")
    options.add_device(made)

    made = command("test", test, "measure accuracy on the test set and latency of every network of a sweep")
    made.add_argument("out", type=Path, help="The folder of a sweep")
    made.add_argument(
        "--evaluation",
        type=Path,
        default=Path("evaluation"),
        metavar="DIR",
        help="The test set, a folder of classes; nothing is trained on it (default: evaluation)",
    )
    options.add_config(made, SweepConfig, "photo", "threads", "runtimes")
    options.add_device(made)

    made = command("choose", choose, "recommend a network of a sweep, within limits")
    made.add_argument("out", type=Path, help="The folder of a sweep, or a CSV of the original program")
    options.add_choice(made)
    made.add_argument(
        "--runtime",
        help="The runtime whose latencies and accuracies count, as --runtimes names them (default: pytorch, with "
        "--times the first that was timed there)",
    )
    made.add_argument(
        "--times",
        type=Path,
        metavar="FILE",
        help="Latencies of another machine, as the kit of ftl bench-kit has them",
    )
    made.add_argument(
        "--export", type=Path, metavar="FILE", help="Write the recommended network to this file, as ftl export does"
    )
    options.add_int8(made)

    made = command("bench-kit", bench_kit, "write a zip that times a sweep's networks on another machine")
    made.add_argument("out", type=Path, help="The folder of a sweep")
    made.add_argument("file", type=Path, help="The .zip to write")

    made = command("report", report, "write the report of a sweep, or the model card of a network, as HTML or PDF")
    made.add_argument(
        "out", type=Path, help="The folder of a sweep, or of a network in it, or a CSV of the original program"
    )
    made.add_argument(
        "file", nargs="?", type=Path,
        help="The file to write; its ending, .html or .pdf, decides the format (default: report.html in OUT)",
    )  # fmt: skip
    options.add_choice(made)
    options.add_repeats(made)
    made.add_argument(
        "--times", nargs="+", type=Path, default=[], metavar="FILE",
        help="Also show latencies of other machines, as the kit of ftl bench-kit has them",
    )  # fmt: skip

    made = command("export", export, "write a network as one file: .onnx, .pt2, .safetensors, or .zip with an example")
    made.add_argument("folder", type=Path, help="The folder of a network in a sweep")
    made.add_argument("file", type=Path, help="The file to write; its ending decides the format")
    options.add_int8(made)

    made = command("predict", predict, "classify photographs, or draw their masks, with a pruned network")
    made.add_argument(
        "model",
        type=Path,
        help="The folder of a network in a sweep, or an exported .safetensors file; of one that draws masks also .onnx "
        "and .zip",
    )
    made.add_argument("images", nargs="+", type=Path, help="Image files, or folders of them")
    made.add_argument(
        "--csv", type=Path, metavar="FILE", help="Write the predictions to this file instead of printing them"
    )
    made.add_argument(
        "--masks-out", type=Path, metavar="DIR",
        help="The folder that masks are written to, as STEM.png, by a network that draws them",
    )  # fmt: skip

    made = command("run", run, "prune, train, test and recommend in one go, in a workspace")
    made.add_argument("workspace", type=Path, help="A folder with Images, Segmented, dataset and evaluation")
    made.add_argument("backbone", nargs="?", help="A name or a file (default: the only file in WORKSPACE/backbones)")
    made.add_argument(
        "percent", nargs="?", type=float, help="Instead of --keep: 0.01, 0.02, ... up to PERCENT / 100 (default: 100)"
    )
    options.add_backbone(made)
    options.add_config(made, SweepConfig)
    options.add_classes(made)
    made.add_argument("--out", type=Path, help="The folder that results are written to (default: WORKSPACE/models)")
    made.add_argument("--images", type=Path, help="Photographs with masks (default: WORKSPACE/Images)")
    made.add_argument("--masks", type=Path, help="Their masks (default: WORKSPACE/Segmented)")
    made.add_argument("--dataset", type=Path, help="Photographs to train and validate on (default: WORKSPACE/dataset)")
    made.add_argument("--evaluation", type=Path, help="The test set (default: WORKSPACE/evaluation)")
    made.add_argument("--per-class", type=options.count, metavar="N", help="Train on at most N images of each class")
    options.add_device(made)
    options.add_cluster(made)
    options.add_repeats(made)
    options.add_choice(made)

    made = command("criteria", criteria, "compare criteria at equal MACs, repeated, with confidence intervals")
    made.add_argument("workspace", type=Path, help="A folder with Images, Segmented, dataset and evaluation")
    made.add_argument("backbone", nargs="?", help="A name or a file (default: the only file in WORKSPACE/backbones)")
    options.add_backbone(made)
    options.add_classes(made)
    made.add_argument(
        "--criteria",
        nargs="+",
        metavar="NAME",
        help="Criteria to compare; NAME:global ranks all layers together (default: all that fit the network)",
    )
    made.add_argument(
        "--macs",
        nargs="+",
        type=float,
        default=[0.3, 0.1, 0.03],
        metavar="SHARE",
        help="Shares of the unpruned network's MACs to prune to (default: 0.3 0.1 0.03)",
    )
    made.add_argument(
        "--labels",
        nargs="+",
        type=options.count,
        metavar="N",
        help="Compare with so few labelled photographs a class, the same ones for every criterion (default: all, of "
        "which a quarter is not trained on)",
    )
    made.add_argument(
        "--seeds", "--repeats", dest="repeats", type=options.count, default=3,
        help="Seeds that each is trained with, and photographs are drawn with (default: 3)",
    )  # fmt: skip
    made.add_argument(
        "--heads",
        "--head",
        nargs="+",
        default=["linear"],
        metavar="HEAD",
        help="What is trained: a head on each network (linear), or the network itself (tuned; default: linear)",
    )
    made.add_argument("--per-class", type=options.count, metavar="N", help="Train on at most N images of each class")
    options.add_config(made, SweepConfig, "mode", "seed", "photo", "fine_tune")
    options.add_device(made)
    made.add_argument(
        "--out",
        type=Path,
        metavar="FILE",
        help="The file of results, from which a stopped comparison goes on (default: WORKSPACE/criteria.json)",
    )

    made = command(
        "demo", demo, "draw a workspace to practise with: surfaces with cracks, pores and dirt, and their masks"
    )
    made.add_argument("folder", type=Path, help="The workspace to write")
    for name, count, images in (
        ("masks", 24, "Images with masks"),
        ("train", 160, "Images to train on"),
        ("test", 80, "Test images"),
    ):
        made.add_argument(
            f"--{name}",
            type=options.count,
            default=count,
            metavar="N",
            help=f"{images}, for each class (default: {count})",
        )
    made.add_argument("--seed", type=int, default=0, help="The same seed draws the same images (default: 0)")

    made = command("backbone", backbone, "train a backbone from scratch, as ftl backbone train alexnet_bn")
    made.add_argument("action", choices=["train"], help="What to do; there is one thing")
    made.add_argument("name", help="An architecture: vgg16, alexnet_bn, resnet18, ...")
    options.add_dataset(made)
    made.add_argument("--out", type=Path, metavar="FILE", help="The file to write (default: NAME.safetensors)")
    made.add_argument("--epochs", type=options.count, default=10, help="Epochs to train (default: 10)")
    options.add_config(made, SweepConfig, "seed", "photo")
    options.add_device(made)
    return parser
