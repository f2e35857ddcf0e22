"""One function a command: read the options, call the library, say what came out."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ftl.backbones.chain import Backbone
    from ftl.choose import Choice, Weights
    from ftl.dataset import LeftOut
    from ftl.masks import MaskSet
    from ftl.progress import Bar


def build_parser() -> argparse.ArgumentParser:
    """All commands with their options."""
    from ftl.cli import options

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
    options.add_pruning(made)

    made = command("compare", compare, "compare the filters and figures of two sweeps, as cascade and once")
    made.add_argument("out", type=Path)
    made.add_argument("other", type=Path)

    made = command("extract", extract, "compute the features of a data set with every network")
    made.add_argument("out", type=Path)
    options.add_dataset(made)

    made = command("train", train, "fit a classifier on the features of every network")
    made.add_argument("out", type=Path)
    made.add_argument("--seed", type=int, default=0)
    options.add_photo(made)
    options.add_positive(made)
    options.add_tuning(made)

    made = command("test", test, "measure every network on images never used for choosing, and time each alone")
    made.add_argument("out", type=Path)
    made.add_argument("--evaluation", type=Path, default=Path("evaluation"), metavar="DIR", help="evaluation")
    options.add_threads(made)
    options.add_photo(made)

    made = command("choose", choose, "pick a network: Pareto front, knee, limits, ties, decision score")
    made.add_argument("out", type=Path, help="a sweep's folder, or one of the original's CSVs")
    options.add_choice(made)
    made.add_argument("--runtime", default="pytorch", help="whose times and accuracies count: pytorch, onnx, int8")
    made.add_argument("--export", type=Path, metavar="FILE", help="write the pick as ftl export does")
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
    options.add_pruning(made)
    options.add_classes(made)
    made.add_argument("--out", type=Path, help="folder for the results; models in the workspace")
    made.add_argument("--images", type=Path, help="photographs with masks; Images in the workspace")
    made.add_argument("--masks", type=Path, help="their masks; Segmented in the workspace")
    made.add_argument("--dataset", type=Path, help="dataset in the workspace")
    made.add_argument("--evaluation", type=Path, help="evaluation in the workspace")
    options.add_photo(made)
    options.add_positive(made)
    options.add_tuning(made)
    options.add_budgets(made)
    made.add_argument(
        "--per-class", type=options.count, metavar="N", help="use at most N images of each class to train"
    )
    options.add_threads(made)
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
    made.add_argument("--mode", default="cascade", help="cascade or once")
    made.add_argument("--head", default="linear", help="what is trained on each: linear or tuned")
    made.add_argument("--epochs", type=options.count, help="of fine-tuning, at most")
    made.add_argument("--per-class", type=options.count, metavar="N", help="train on at most N images of each class")
    made.add_argument("--seed", type=int, default=0, help="of the draw of --per-class")
    options.add_photo(made)
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
    options.add_photo(made)
    return parser


def _backbone(options: argparse.Namespace) -> Backbone:
    from ftl.backbones.load import load_backbone
    from ftl.errors import FtlError

    if options.backbone is None:
        folder = options.workspace / "backbones"
        found = sorted(path for path in folder.glob("*") if path.is_file() and path.suffix != ".txt")
        if len(found) != 1:
            names = ", ".join(path.name for path in found) or "none"
            raise FtlError(f"name a backbone, or put one file into {folder}: it holds {names}")
        options.backbone = found[0]
    return load_backbone(options.backbone, weights=options.weights, preprocess=options.preprocess)


def _masks(options: argparse.Namespace, size: int, images: Path, masks: Path, bar: Bar) -> MaskSet:
    from ftl.masks import load_masks

    return load_masks(
        images,
        masks,
        classes=options.classes,
        mask_class=options.mask_class,
        size=size,
        wrap=options.faithful,
        report=bar,
    )


def _keep(options: argparse.Namespace) -> list[float]:
    from ftl.errors import FtlError
    from ftl.pruning.sweep import fractions_up_to

    if options.keep and options.percent is not None:
        raise FtlError("give either PERCENT or --keep, not both")
    if options.rule == "above-average":
        return []
    return list(options.keep) if options.keep else fractions_up_to(100 if options.percent is None else options.percent)


def prune(options: argparse.Namespace, bar: Bar) -> None:
    """`ftl prune`."""
    from ftl.errors import FtlError
    from ftl.files import alone
    from ftl.masks import load_masks
    from ftl.pruning.choice import How
    from ftl.pruning.network import read_description
    from ftl.pruning.sweep import begin_sweep, make_networks
    from ftl.scoring import criterion

    keep = _keep(options)
    if criterion(options.criterion).looks_at == "network":
        raise FtlError(f"{options.criterion} looks at labelled photographs as well: prune with ftl run")
    backbone = _backbone(options)
    size = backbone.preprocess.size
    masks = _masks(options, size, options.images, options.masks, bar)
    if (options.union_images is None) != (options.union_masks is None):
        raise FtlError("--union-images and --union-masks go together")
    if options.union_images is not None:
        masks += load_masks(
            options.union_images,
            options.union_masks,
            mask_class=options.mask_class,
            size=size,
            wrap=options.faithful,
            group="union",
            report=bar,
        )
    how = How(
        criterion(options.criterion), options.rule, options.seed, options.faithful, options.joint, options.read,
        options.round_to,
    )  # fmt: skip
    with alone(options.out):
        fractions = begin_sweep(backbone, masks, options.out, keep, how, options.mode)
        made = make_networks(backbone, masks, options.out, fractions, how, options.mode, bar)
    for folder in made:
        network = read_description(folder)
        ties = len(network["tied_layers"])
        note = f"; in {ties} of {len(network['layers'])} layers ties decided" if ties else ""
        print(f"{folder}: {network['parameters']:,} parameters, {network['macs']:,} multiply-adds{note}")


def compare(options: argparse.Namespace, bar: Bar) -> None:
    """`ftl compare`."""
    from ftl.compare import compare_sweeps, table

    print(table(compare_sweeps(options.out, options.other)), end="")


def extract(options: argparse.Namespace, bar: Bar) -> None:
    """`ftl extract`."""
    from ftl.dataset import load_dataset
    from ftl.features import extract as extract_one
    from ftl.files import alone
    from ftl.pruning.sweep import networks

    folders = networks(options.out, made=False)
    dataset = load_dataset(options.dataset, per_class=options.per_class, seed=options.seed, report=bar)
    with alone(options.out):
        for folder in folders:
            print(extract_one(folder, dataset, bar))


def train(options: argparse.Namespace, bar: Bar) -> None:
    """`ftl train`."""
    from ftl.backbones.load import load_backbone
    from ftl.cli.options import tuning_of
    from ftl.features import FEATURES, read_features
    from ftl.files import alone, read_json
    from ftl.model import HEAD, VALIDATION, read_head
    from ftl.pruning.sweep import networks
    from ftl.train import train_all

    folders, tuning = networks(options.out, made=False), tuning_of(options)
    tuning.check(load_backbone(folders[0]))
    _, dataset = read_features(folders[0] / FEATURES)
    with alone(options.out):
        train_all(
            folders, dataset, tuning=tuning, seed=options.seed, photo=options.photo, positive=options.positive,
            report=bar,
        )  # fmt: skip
    for name in tuning.names(folder.name for folder in folders):
        folder = options.out / name
        validation, head = read_json(folder / VALIDATION), read_head(folder / HEAD)
        fitted = f"C = {head.c:g}" if head.c is not None else "fine-tuned"
        right = f"{100 * validation['accuracy']:.1f} % of {validation['images']} held-out images right"
        print(f"{folder}: {fitted}, {right}")


def test(options: argparse.Namespace, bar: Bar) -> None:
    """`ftl test`."""
    from ftl.dataset import load_dataset
    from ftl.evaluate import apart, evaluate, time_all
    from ftl.files import alone
    from ftl.pruning.sweep import networks
    from ftl.runtimes import PYTORCH, check_runtimes

    folders, runtimes = networks(options.out), check_runtimes(options.runtimes)
    evaluation, left_out = apart(folders[0], load_dataset(options.evaluation, report=bar), options.photo)
    with alone(options.out):
        for folder in folders:
            evaluate(folder, evaluation, bar)
        if runtimes != [PYTORCH]:
            from ftl.exporting.cores import prepare

            prepare(folders, runtimes, bar)
        time_all(folders, options.threads, bar, runtimes=runtimes)
    _print_results(options.out, left_out)


def _warn_of(left_out: LeftOut) -> None:
    if told := left_out.told():
        print(told, file=sys.stderr)


def _print_results(out: Path, left_out: LeftOut) -> None:
    from ftl.results import write_results

    _warn_of(left_out)
    print(f"{'':16}{'test accuracy':>28}{'F1':>8}{'parameters':>13}{'MB':>9}{'ms (quartiles)':>26}")
    for one in write_results(out, left_out):
        accuracy = f"{one.test_accuracy:.3f} ({one.test_accuracy_low:.3f} to {one.test_accuracy_high:.3f})"
        time = f"{one.time_ms:.2f} ({one.time_q1_ms:.2f} to {one.time_q3_ms:.2f})"
        row = f"{one.name:16}{accuracy:>28}{one.test_f1:>8.3f}{one.parameters:>13,}{one.size_mb:>9.2f}{time:>26}"
        print(f"{row}  {one.above_limit}".rstrip())
        for runtime, its in one.runtimes.items():
            accuracy = f"{its['test_accuracy']:.3f}" if "test_accuracy" in its else ""
            time = f"{its['time_ms']:.2f} ({its['time_q1_ms']:.2f} to {its['time_q3_ms']:.2f})"
            print(f"  {runtime:14}{accuracy:>28}{'':21}{its['size_mb']:>9.2f}{time:>26}")


def _choice(options: argparse.Namespace, out: Path, runtime: str = "pytorch") -> Choice:
    from ftl.candidate import in_runtime
    from ftl.choose import Limits, choose
    from ftl.results import read_results

    limits = Limits(options.max_ms, options.min_recall, options.max_mb)
    return choose(in_runtime(read_results(out), runtime), _weights(options), limits)


def _weights(options: argparse.Namespace) -> Weights:
    from ftl.choose import Weights, preset

    return Weights(*options.score_weights) if options.score_weights else preset(options.preset)


def choose(options: argparse.Namespace, bar: Bar) -> None:
    """`ftl choose`."""
    from ftl.errors import FtlError

    choice = _choice(options, options.out, options.runtime)
    pick = choice.pick
    print(f"pick: {pick.name}, {pick.parameters} parameters, score {choice.scores[pick.name]:.4f}")
    print(f"  accuracy {pick.accuracy:.4f} where it was chosen, {pick.time_ms:.4g} ms, {pick.size_mb:.3g} MB")
    if pick.test_accuracy is not None and pick.test_accuracy_low is not None:
        interval = f" ({pick.test_accuracy_low:.4f} to {pick.test_accuracy_high:.4f})"
        print(f"  accuracy {pick.test_accuracy:.4f}{interval} on the test set")
    print(f"not told apart from it: {', '.join(one.name for one in choice.tied) or 'none'}")
    print(f"knee: {choice.knee.name if choice.knee else 'none'}")
    print(f"front: {', '.join(one.name for one in choice.front.candidates)}")
    if options.export:
        if not options.out.is_dir():
            raise FtlError("--export needs a sweep's folder: a CSV holds no networks")
        _export(options, options.out / pick.name, options.export, bar)


def _export(options: argparse.Namespace, folder: Path, file: Path, bar: Bar) -> None:
    from ftl.exporting.cores import told_of, too_much_lost
    from ftl.exporting.write import export

    written = export(folder, file, int8=options.int8, images=options.data, report=bar)
    print(f"wrote {written}")
    if options.int8:
        print(told_of(folder) + (", so they were left out" if too_much_lost(folder) else ""))


def export(options: argparse.Namespace, bar: Bar) -> None:
    """`ftl export`."""
    _export(options, options.folder, options.file, bar)


def report(options: argparse.Namespace, bar: Bar) -> None:
    """`ftl report`."""
    from ftl.report import write_report

    choice = _choice(options, options.out)
    print(write_report(options.out, choice, options.html, repeats=options.repeats, report=bar))


def predict(options: argparse.Namespace, bar: Bar) -> None:
    """`ftl predict`."""
    from ftl.errors import raise_together
    from ftl.files import write_text
    from ftl.model import load_model
    from ftl.predict import as_csv, expand
    from ftl.predict import predict as predict_all

    predictions, problems = predict_all(load_model(options.model), expand(options.images), bar)
    if options.csv:
        write_text(options.csv, as_csv(predictions))
    else:
        print(as_csv(predictions), end="")
    raise_together("some files were left out", problems)


def run(options: argparse.Namespace, bar: Bar) -> None:
    """`ftl run`."""
    from ftl.cli.options import tuning_of
    from ftl.dataset import load_dataset
    from ftl.report import write_report
    from ftl.run import sweep

    keep = _keep(options)
    _weights(options)  # an unknown preset is told now, not after hours
    place = {name: getattr(options, name) or options.workspace / folder for name, folder in _PLACES.items()}
    backbone = _backbone(options)
    masks = _masks(options, backbone.preprocess.size, place["images"], place["masks"], bar)
    done = sweep(
        backbone,
        masks,
        dataset=load_dataset(place["dataset"], per_class=options.per_class, seed=options.seed, report=bar),
        evaluation=place["evaluation"],
        keep=keep,
        out=place["out"],
        criterion=options.criterion,
        rule=options.rule,
        mode=options.mode,
        faithful=options.faithful,
        joint=options.joint,
        read=options.read,
        seed=options.seed,
        photo=options.photo,
        positive=options.positive,
        threads=options.threads,
        scheduler=options.scheduler,
        time_on=options.time_on,
        store=options.store,
        tuning=tuning_of(options),
        budgets=options.budget,
        runtimes=options.runtimes,
        round_to=options.round_to,
        report=bar,
    )
    _print_results(done.out, done.left_out)
    choice = _choice(options, done.out)
    page = write_report(done.out, choice, repeats=options.repeats, report=bar)
    print(f"pick: {choice.pick.name}; charts: {page}")


def criteria(options: argparse.Namespace, bar: Bar) -> None:
    """`ftl criteria`."""
    from ftl.contest import Sets, contest, criteria_ways, table
    from ftl.dataset import load_dataset, without
    from ftl.errors import FtlError
    from ftl.masks import load_masks
    from ftl.pruning.names import LINEAR, TUNED
    from ftl.pruning.sweep import backbone_digest, scored_by
    from ftl.scoring import CRITERIA
    from ftl.scoring.whole import unscaled
    from ftl.tuning.plan import Recipe

    if options.head not in (LINEAR, TUNED):
        raise FtlError(f"there is no head {options.head!r} to compare with: choose linear or tuned")
    if wrong := [share for share in options.macs if not 0 < share < 1]:
        raise FtlError(f"shares of the multiply-adds go from 0 to 1, not {wrong[0]:g}")
    backbone, place = _backbone(options), {name: options.workspace / folder for name, folder in _PLACES.items()}
    masks = load_masks(
        place["images"], place["masks"], classes=options.classes, mask_class=options.mask_class,
        size=backbone.preprocess.size, report=bar,
    )  # fmt: skip
    learn = load_dataset(place["dataset"], per_class=options.per_class, seed=options.seed, report=bar)
    given = load_dataset(place["evaluation"], report=bar)
    judge, left_out = without(given, learn, options.photo, scored_by(masks))
    recipe = Recipe() if options.epochs is None else Recipe(epochs=options.epochs)
    sets = Sets(learn, judge, options.head, recipe, options.photo, left_out)
    names = options.criteria or [name for name in CRITERIA if name != "bn_scale" or not unscaled(backbone)]
    ways = criteria_ways(backbone, masks, names, options.mode, sets)
    file = options.out or options.workspace / "criteria.json"
    made_from = {
        "backbone_sha256": backbone_digest(backbone),
        "masks_sha256": masks.digest(),
        "mode": options.mode,
    } | sets.told()
    rows = contest(ways, options.macs, options.repeats, sets, file, made_from, report=bar)
    _warn_of(left_out)
    print(table(rows, "random" if "random" in ways else names[0]), end="")


_PLACES = {"images": "Images", "masks": "Segmented", "dataset": "dataset", "evaluation": "evaluation", "out": "models"}


def demo(options: argparse.Namespace, bar: Bar) -> None:
    """`ftl demo`."""
    from ftl.demo import make_demo

    made = make_demo(
        options.folder, masks=options.masks, train=options.train, test=options.test, seed=options.seed, report=bar
    )
    print(made)


def backbone(options: argparse.Namespace, bar: Bar) -> None:
    """`ftl backbone train`."""
    from ftl.backbones.load import save_backbone
    from ftl.backbones.train import train_backbone
    from ftl.dataset import load_dataset
    from ftl.files import versions

    dataset = load_dataset(options.dataset, per_class=options.per_class, seed=options.seed, report=bar)
    trained = train_backbone(
        options.name, dataset, epochs=options.epochs, seed=options.seed, photo=options.photo, report=bar
    )
    out = options.out or Path(f"{options.name}.safetensors")
    made_with = {
        "dataset_sha256": dataset.digest(),
        "images": len(dataset),
        "epochs": options.epochs,
        "seed": options.seed,
        "photo": options.photo,
        "validation_accuracy": trained.validation_accuracy,
        "versions": versions(),
    }
    network = trained.backbone
    save_backbone(network.features, out, name=options.name, preprocess=network.preprocess.kind, made_with=made_with)
    print(f"{out}: {100 * max(trained.validation_accuracy):.1f} % of the held-out images right while training")
