"""What fine-tuned candidates are worth: accuracy over seeds, beside the unpruned network, fine-tuned as well.

    python -m benchmarks.proof train metu OUT --keep 0.03 0.05 --seeds 0 1 2 [--base]
    python -m benchmarks.proof train deepcrack OUT --keep 0.1 0.2 --seeds 0 1 2 [--base]
    python -m benchmarks.proof table OUT

metu: VGG16-HED, filters ranked on 240 masonry walls with masks; fine-tuned on METU's 1,600 training photographs and
judged on its 800 others. deepcrack: crops of 128 pixels, with a crack or without, in four folds by photo; filters are
ranked on the cracks that are trained on. Each seed holds out another quarter for choosing, by photo where photos are
known, and another eighth says which epoch to keep. `table` times each network alone in its process, the lowest median
of some rounds. What is made is kept in OUT; a run that was cut off goes on. Needs ../shared.
"""

from __future__ import annotations

import argparse
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from benchmarks._folds import FOLDS, deepcrack, metu
from benchmarks._material import head_line, vgg16
from ftl import FineTuneConfig, SweepConfig, load_model
from ftl.data.photographs import photographs_of
from ftl.evaluation.runtimes import ONNX, PYTORCH
from ftl.exporting.prepared import prepare
from ftl.files import read_json, write_json
from ftl.latency.one_process import time_once
from ftl.models.classifier import write_head
from ftl.models.head import Head
from ftl.models.layout import UNPRUNED, VALIDATION
from ftl.models.network_folder import read_description, write_network
from ftl.progress import Bar
from ftl.sweeping.pruned import begin_sweep, make_networks
from ftl.sweeping.tuned_networks import tune
from ftl.training.train import answers_of


def train(given: argparse.Namespace) -> None:
    """Make, fine-tune and judge the networks of every fold and seed."""
    fine_tune = FineTuneConfig(epochs=given.epochs, learning_rate=given.rate)
    config = SweepConfig(keep=given.keep, criterion=given.criterion)
    for fold in metu() if given.data == "metu" else deepcrack(given.out, given.folds):
        pruned = given.out / fold.name / "pruned"
        backbone = vgg16()
        backbone.preprocess = replace(backbone.preprocess, size=fold.masks.examples[0].image.shape[0])
        begin_sweep(backbone, fold.masks, pruned, config)
        made = make_networks(backbone, fold.masks, pruned, config, report=Bar())
        made += [pruned / UNPRUNED] if given.base else []
        judge = photographs_of(fold.judge.paths, backbone.preprocess.size)
        for seed in given.seeds:
            for network in made:
                folder = given.out / fold.name / f"seed-{seed}" / network.name
                file = folder.with_name(f"{network.name}.json")
                if file.is_file():
                    continue
                shutil.copytree(network, folder, dirs_exist_ok=True)
                tuned = tune(folder, fold.learn, fine_tune, seed=seed, photo=fold.photo, positive="Crack")
                model = load_model(tuned)
                said = answers_of(model.network, model.head, judge, np.arange(len(fold.judge))).argmax(1)
                right = (said == fold.judge.labels).tolist()
                write_json(file, {"right": right, "validation": read_json(tuned / VALIDATION)["accuracy"]})
                print(fold.name, seed, network.name, f"test {np.mean(right):.4f}", flush=True)


def table(given: argparse.Namespace) -> None:
    """Accuracies over seeds, and times of every network alone in its process."""
    found = sorted(given.out.glob("*/seed-*/*.json"))
    unpruned = _unpruned(given.out, next(given.out.glob("*/pruned")))
    whole = _times(unpruned, given.rounds)
    print(f"  {'':12}{'parameters':>12}{'validation %':>14}{'test %, by seed':>28}{'mean ± sd':>14}  times [ms]")
    for name in sorted({file.stem for file in found}, key=lambda name: (name != UNPRUNED, name)):
        files = [file for file in found if file.stem == name]
        folder = unpruned if name == UNPRUNED else files[0].with_name(f"{name}-tuned")
        right: dict[str, list[bool]] = {}
        for file in files:
            right.setdefault(file.parent.name, []).extend(read_json(file)["right"])
        test = [100 * float(np.mean(one)) for one in right.values()]
        deviation = np.std(test, ddof=1) if len(test) > 1 else np.nan
        validation = 100 * np.mean([read_json(file)["validation"] for file in files])
        taken = whole if name == UNPRUNED else _times(folder, given.rounds)
        print(
            f"  {name:12}{read_description(folder)['parameters']:>12,}{validation:>14.2f}"
            f"{' '.join(f'{one:.2f}' for one in test):>28}{f'{np.mean(test):.2f} ± {deviation:.2f}':>14}  "
            + ", ".join(f"{key} {ms:.2f} (1/{whole[key] / ms:.0f})" for key, ms in taken.items()),
            flush=True,
        )


def _times(folder: Path, rounds: int) -> dict[str, float]:
    """Milliseconds of a network with its head in each runtime, on one thread and on two: the lowest median."""
    prepare([folder], [ONNX])
    return {
        f"{runtime}, {threads} thr.": min(time_once(folder, threads, runtime)["median_ms"] for _ in range(rounds))
        for runtime in (PYTORCH, ONNX)
        for threads in (1, 2)
    }


def _unpruned(out: Path, pruned: Path) -> Path:
    """The unpruned network with some head: what its weights are changes nothing of its time."""
    folder, backbone = out / "unpruned", vgg16()
    if not folder.is_dir():
        size = read_description(next(pruned.glob("keep-*")))["preprocess"]["size"]
        backbone.preprocess = replace(backbone.preprocess, size=size)
        write_network(folder, backbone, [], 1.0, {})
        width = list(backbone.convolutions().values())[-1].out_channels
        write_head(
            folder,
            Head(np.zeros((1, width), np.float32), np.zeros(1, np.float32), ("Background", "Crack"), pooled=True),
        )
    return folder


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parts = parser.add_subparsers(required=True)
    one = parts.add_parser("train")
    one.add_argument("data", choices=("metu", "deepcrack"))
    one.add_argument("out", type=Path)
    one.add_argument("--keep", nargs="+", type=float, required=True)
    one.add_argument("--seeds", nargs="*", type=int, default=[0, 1, 2], help="none: prune only")
    one.add_argument("--folds", nargs="+", type=int, default=[*range(FOLDS)], help="of deepcrack")
    one.add_argument("--base", action="store_true", help="fine-tune the unpruned network as well")
    one.add_argument("--criterion", default="iou")
    one.add_argument("--epochs", type=int, default=30)
    one.add_argument("--rate", type=float, default=4e-3)
    one.add_argument("--threads", type=int)
    one.set_defaults(work=train)
    one = parts.add_parser("table")
    one.add_argument("out", type=Path)
    one.add_argument("--rounds", type=int, default=3)
    one.set_defaults(work=table)
    given = parser.parse_args()
    if given.work is train and given.threads:
        torch.set_num_threads(given.threads)
    head_line(f"proof on {given.out.name}")
    given.work(given)


if __name__ == "__main__":
    main()
