"""All commands and their options."""

from __future__ import annotations

import argparse
from pathlib import Path

from ftl.cli import options
from ftl.cli.outcome import choose, export, predict, report
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

    made = command("prune", prune, "make pruned networks for a sweep of keep fractions")
    made.add_argument("out", type=Path, help="folder for the networks")
    made.add_argument("backbone", help="a name (vgg16, resnet50, mobilenet_v2, ...) or a file")
    made.add_argument("percent", nargs="?", type=float, help="make K = 0.01, 0.02, ... up to this per cent")
    options.add_backbone(made)
    options.add_masks(made)
    options.add_config(made, PruneConfig)
    options.add_config(made, SweepConfig, "keep")
    options.add_device(made)

    made = command("compare", compare, "compare the filters and figures of two sweeps, as layerwise and one_shot")
    made.add_argument("out", type=Path)
    made.add_argument("other", type=Path)

    made = command("extract", extract, "compute the features of a data set with every network")
    made.add_argument("out", type=Path)
    options.add_dataset(made)
    options.add_config(made, SweepConfig, "seed")
    options.add_device(made)

    made = command("train", train, "fit a classifier on the features of every network")
    made.add_argument("out", type=Path)
    options.add_config(made, SweepConfig, "seed", "photo", "positive", "heads", "fine_tune_unpruned", "fine_tune")
    options.add_device(made)

    made = command("test", test, "measure every network on images never used for choosing, and time each alone")
    made.add_argument("out", type=Path)
    made.add_argument("--evaluation", type=Path, default=Path("evaluation"), metavar="DIR", help="evaluation")
    options.add_config(made, SweepConfig, "photo", "threads", "runtimes")
    options.add_device(made)

    made = command("choose", choose, "pick a network: Pareto front, knee, limits, ties, decision score")
    made.add_argument("out", type=Path, help="a sweep's folder, or one of the original's CSVs")
    options.add_choice(made)
    made.add_argument("--runtime", default="pytorch", help="whose times and accuracies count: pytorch, onnx, int8")
    made.add_argument("--export", type=Path, metavar="FILE", help="write the recommended network as ftl export does")
    options.add_int8(made)

    made = command("report", report, "write one self-contained page of charts")
    made.add_argument("out", type=Path, help="a sweep's folder, or one of the original's CSVs")
    options.add_choice(made)
    options.add_repeats(made)
    made.add_argument("--html", type=Path, metavar="FILE", help="where to write; report.html in the folder")

    made = command("export", export, "write a network as one file: .safetensors, .onnx, .pt2, or .zip with an example")
    made.add_argument("folder", type=Path, help="a network's folder in a sweep")
    made.add_argument("file", type=Path, help="the file to write; its ending says the form")
    options.add_int8(made)

    made = command("predict", predict, "classify photographs with a pruned network")
    made.add_argument("model", type=Path, help="a network's folder in a sweep, or an exported .safetensors file")
    made.add_argument("images", nargs="+", type=Path, help="files, or folders of them")
    made.add_argument("--csv", type=Path, metavar="FILE", help="write here instead of printing")

    made = command("run", run, "do it all in a workspace with Images, Segmented, dataset and evaluation")
    made.add_argument("workspace", type=Path)
    made.add_argument("backbone", nargs="?", help="a name or a file; the one file in the workspace's backbones folder")
    made.add_argument("percent", nargs="?", type=float, help="sweep K = 0.01, 0.02, ... up to this per cent")
    options.add_backbone(made)
    options.add_config(made, SweepConfig)
    options.add_classes(made)
    made.add_argument("--out", type=Path, help="folder for the results; models in the workspace")
    made.add_argument("--images", type=Path, help="photographs with masks; Images in the workspace")
    made.add_argument("--masks", type=Path, help="their masks; Segmented in the workspace")
    made.add_argument("--dataset", type=Path, help="dataset in the workspace")
    made.add_argument("--evaluation", type=Path, help="evaluation in the workspace")
    made.add_argument(
        "--per-class", type=options.count, metavar="N", help="use at most N images of each class to train"
    )
    options.add_device(made)
    options.add_cluster(made)
    options.add_repeats(made)
    options.add_choice(made)

    made = command("criteria", criteria, "compare criteria at equal multiply-adds, repeated, with intervals")
    made.add_argument("workspace", type=Path, help="with Images, Segmented, dataset and evaluation")
    made.add_argument("backbone", nargs="?", help="a name or a file; the one file in the workspace's backbones folder")
    options.add_backbone(made)
    options.add_classes(made)
    made.add_argument(
        "--criteria",
        nargs="+",
        metavar="NAME",
        help="all of them, but bn_scale where there are no norms; NAME:global ranks all layers together",
    )
    made.add_argument("--macs", nargs="+", type=float, default=[0.3, 0.1, 0.03], metavar="SHARE", help="0.3 0.1 0.03")
    made.add_argument("--repeats", type=options.count, default=3)
    made.add_argument("--head", default="linear", help="what is trained on each: linear or tuned")
    made.add_argument("--per-class", type=options.count, metavar="N", help="train on at most N images of each class")
    options.add_config(made, SweepConfig, "mode", "seed", "photo", "fine_tune")
    options.add_device(made)
    made.add_argument("--out", type=Path, metavar="FILE", help="what is measured; criteria.json in the workspace")

    made = command("demo", demo, "draw a workspace of surfaces with cracks, pores and dirt, and their masks")
    made.add_argument("folder", type=Path)
    for name, count in (("masks", 24), ("train", 160), ("test", 80)):
        made.add_argument(
            f"--{name}", type=options.count, default=count, metavar="N", help=f"surfaces per class, {count}"
        )
    made.add_argument("--seed", type=int, default=0)

    made = command("backbone", backbone, "train a backbone from scratch: ftl backbone train alexnet_bn --dataset DIR")
    made.add_argument("action", choices=["train"])
    made.add_argument("name", help="vgg16, alexnet_bn, resnet18, ...")
    options.add_dataset(made)
    made.add_argument("--out", type=Path, metavar="FILE", help="the .safetensors file to write; NAME.safetensors")
    made.add_argument("--epochs", type=options.count, default=10)
    options.add_config(made, SweepConfig, "seed", "photo")
    options.add_device(made)
    return parser
