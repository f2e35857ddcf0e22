"""Segmenters trained further on more masks: who tests still tests, what is made, and going on after being killed."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ftl.cli import main
from ftl.config import SweepConfig
from ftl.data.dataset import Scored, photo_ids
from ftl.data.segmentation import load_segmentation, split_photos
from ftl.errors import FtlError
from ftl.evaluation.evaluate_masks import evaluate_masks
from ftl.files import read_json
from ftl.models.segmenter_files import load_segmenter
from ftl.sweeping.further import begin_further, part_again, train_further
from ftl.sweeping.mask_results import read_mask_results
from ftl.sweeping.pruned import begin_sweep, make_networks
from ftl.sweeping.segmented import APART, MaskParts, Roles, make_segmenter, part, roles_of
from ftl.sweeping.tuned_networks import CURVE
from ftl.training.early_stopping import Epoch
from ftl.training.segment import ROUNDS
from tests.conftest import SIZE, make_backbone
from tests.drawn_photographs import QUICK, make_photographs
from tests.ftl.data.test_segmentation import made_up

NAME = "keep-0.5-segmented"
PATTERN = "photo{photo}_#"


@given(
    st.lists(st.integers(0, 12), min_size=6, max_size=30), st.lists(st.integers(0, 18), max_size=20),
    st.sets(st.integers(0, 5)), st.integers(0, 2**31 - 1), st.booleans(), st.booleans(),
)  # fmt: skip
def test_whatever_is_added_nothing_that_was_trained_on_tests(
    first: list[int], more: list[int], gone: set[int], seed: int, named: bool, renamed: bool
) -> None:
    """Photos keep their roles by their names or, where those were changed, by their bytes; and may be gone."""
    pattern = PATTERN if named else None
    before = made_up(first, [*range(len(first))])
    try:
        parts = part(before, pattern, 0)
    except FtlError:
        return
    kept = [number for number in range(len(first)) if number not in gone]
    now = made_up([*(first[number] for number in kept), *more], [*kept, *range(100, 100 + len(more))])
    if renamed:
        now = made_up([50 + photo for photo in range(len(now))], [*kept, *range(100, 100 + len(more))])
    try:
        again = part_again(now, pattern, seed, parts.roles, Scored())
    except FtlError as error:
        if "are gone: draw more masks" not in str(error):
            raise
        return
    everything = np.sort(np.concatenate([again.train, again.held_out, again.test]))
    assert (everything == np.arange(len(now))).all()
    known = parts.roles.after(again.roles)
    for role, others in (("test", ("train", "held_out")), ("held_out", ("train",))):
        own = {sha256 for _, sha256 in getattr(again.roles, role)}
        photos = {*photo_ids([Path(name) for name, _ in getattr(again.roles, role)], PATTERN)}
        for other in others:
            rows = getattr(known, other)
            assert not own & {sha256 for _, sha256 in rows}
            if named:
                assert not photos & {*photo_ids([Path(name) for name, _ in rows], PATTERN)}
    if not named:
        for role in Roles._fields:  # each keeps its role
            left = {row[1] for row in getattr(parts.roles, role)} & {digest for digest, _ in now.digests}
            assert left <= {sha256 for _, sha256 in getattr(again.roles, role)}


def test_new_photographs_fill_the_parts_up() -> None:
    roles = part(made_up([*range(10)], [*range(10)]), None, 0).roles
    assert [*map(len, roles)] == [6, 2, 2]
    grown = made_up([*range(30)], [*range(30)])
    again = part_again(grown, None, 0, roles, Scored())
    assert [len(again.train), len(again.held_out), len(again.test)] == [18, 6, 6] == [18, APART * 30, APART * 30]
    untested = part_again(grown, None, 0, roles._replace(test=(), train=(*roles.train, *roles.test)), Scored())
    assert [len(untested.held_out), len(untested.test)] == [6, 0]
    ranked = Scored([f"bytes {number}" for number in range(10, 30)], ["x.png"] * 20)
    assert {row[1] for row in part_again(grown, None, 0, roles, ranked).roles.test} == {row[1] for row in roles.test}
    for lost in ("train", "held_out", "test"):
        kept = [number for number, row in enumerate(grown.names()[:10]) if row not in getattr(roles, lost)]
        with pytest.raises(FtlError, match="gone: draw more masks"):
            part_again(grown.take(kept), None, 0, roles, Scored())


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network that draws masks, below `models`; twelve photographs, of which it was made with the first six."""
    folder = tmp_path_factory.mktemp("further")
    images, masks = make_photographs(folder / "all", 12)
    for number in range(6):
        for kind, files in (("Images", images), ("Segmented", masks)):
            (folder / kind).mkdir(exist_ok=True)
            shutil.copyfile(files / f"{number}.png", folder / kind / f"{number}.png")
    make_photographs(folder / "test", 3, seed=5)
    shutil.copyfile(images / "0.png", folder / "test" / "Images" / "seen.png")
    shutil.copyfile(masks / "0.png", folder / "test" / "Segmented" / "seen.png")
    data, config = load_segmentation(folder / "Images", folder / "Segmented"), QUICK.but(steps=4 * QUICK.steps)
    backbone, scored, out = make_backbone(), data.scoring_masks(SIZE), folder / "models"
    begin_sweep(backbone, scored, out, SweepConfig(keep=(0.5,)))
    (network,) = make_networks(backbone, scored, out, SweepConfig(keep=(0.5,)))
    parts = MaskParts(data, *split_photos(data, None, 0, APART), np.array([], np.int64))
    assert make_segmenter(network, parts, config).name == NAME
    return folder


def command(place: Path, out: Path, *more: str) -> list[str]:
    photographs = ["--images", str(place / "all" / "Images"), "--masks", str(place / "all" / "Segmented")]
    tested = ["--test-images", str(place / "test" / "Images"), "--test-masks", str(place / "test" / "Segmented")]
    source = str(place / "models" / NAME)
    return ["segment", str(out), "--from", source, *photographs, *tested, "--threads", "1", *more]


@pytest.fixture(scope="module")
def further(place: Path) -> Path:
    """The network, trained further in one go; its folder."""
    assert main(command(place, place / "more")) == 0
    return place / "more" / NAME


def test_the_same_network_goes_on_from_its_weights(
    place: Path, further: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    source = place / "models" / NAME
    first, then = (read_json(folder / "validation.json") for folder in (source, further))
    assert {*first["held_out"]} < {*then["held_out"]}
    assert {*roles_of(source).train} < {*roles_of(further).train}
    assert first["segment"] == then["segment"]
    assert then["threshold"] == load_segmenter(further).threshold
    before, network = read_json(source / "network.json"), read_json(further / "network.json")
    assert before | {"from_sha256": network["from_sha256"]} == network  # filters, name and all
    figures, tested = read_json(further / "before.json"), read_json(further / "test.json")
    photographs = load_segmentation(place / "test" / "Images", place / "test" / "Segmented").take([0, 1, 2])
    assert tested["photographs"] == figures["photographs"] == 3  # the fourth was trained on
    assert figures["f1"] == evaluate_masks(load_segmenter(source), photographs)["f1"]
    assert tested["f1"] == evaluate_masks(load_segmenter(further), photographs)["f1"]
    assert not [*place.glob("m*/**/segmenting.safetensors")]
    (row,) = read_mask_results(place / "more")
    assert (row.name, row.begun_from) == (NAME, str(source))
    assert row.before is not None
    assert (row.before.f1.value, row.test.f1.value) == (figures["f1"], tested["f1"])

    changed = {path: path.stat().st_mtime_ns for path in further.iterdir() if path.name != "time.json"}
    assert main(command(place, place / "more")) == 0  # again: nothing is done twice
    assert {path: path.stat().st_mtime_ns for path in further.iterdir() if path.name != "time.json"} == changed
    said = capfd.readouterr().out
    assert f"{further}: F1" in said
    assert f"{source}, before: F1" in said
    data = load_segmentation(place / "all" / "Images", place / "all" / "Segmented")
    begin_further(further, place / "once-more")
    again, _ = train_further(further, place / "once-more", data)  # and further from there
    assert read_json(again / "validation.json")["segment"] == first["segment"]
    assert len(read_json(again / CURVE)["epochs"]) == ROUNDS


def test_a_killed_training_goes_on_to_the_same_weights(place: Path, further: Path, tmp_path: Path) -> None:
    source, out = place / "models" / NAME, tmp_path / "out"
    code = (
        "import os, signal; from pathlib import Path; from ftl.data.segmentation import load_segmentation; "
        "from ftl.sweeping.further import begin_further, train_further; "
        "source, out, images, masks = map(Path, os.sys.argv[1:]); begin_further(source, out); "
        "hear = lambda point: point.epoch == 4 and os.kill(os.getpid(), signal.SIGKILL); "
        "train_further(source, out, load_segmentation(images, masks), hear=hear)"
    )
    photographs = [place / "all" / "Images", place / "all" / "Segmented"]
    ended = subprocess.run([sys.executable, "-c", code, source, out, *photographs], check=False)
    assert ended.returncode == -signal.SIGKILL
    assert (out / "segmenting.safetensors").is_file()
    begin_further(source, out)
    heard = list[Epoch]()
    train_further(source, out, load_segmentation(*photographs), hear=heard.append)
    assert not (out / "segmenting.safetensors").exists()
    made, whole = load_segmenter(out / NAME), load_segmenter(further)
    assert made.threshold == whole.threshold
    for key, value in whole.state_dict().items():
        assert torch.equal(made.state_dict()[key], value), key
    curves = [read_json(folder / NAME / CURVE)["epochs"] for folder in (out, further.parent)]
    assert curves[0] == curves[1] == [point._asdict() for point in heard]
    assert len(heard) == ROUNDS


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        (["--keep", "0.1"], "trained further with the settings that it has: leave keep out"),
        (["tiny"], "give either a BACKBONE or, with --from"),
        (["--from", "MODELS/keep-0.5"], "holds no network that draws masks"),
        (["--masks", "CLASSES", "--images", "CLASS_IMAGES"], "the masks hold line, blob, the network draws defect"),
    ],
)
def test_what_does_not_fit_is_refused(
    place: Path, tmp_path: Path, more: list[str], sentence: str, capfd: pytest.CaptureFixture[str]
) -> None:
    images, masks = make_photographs(tmp_path, 6, classes=True)
    words: dict[str, Any] = {"MODELS": place / "models", "CLASSES": masks, "CLASS_IMAGES": images}
    for word, path in words.items():
        more = [text.replace(word, str(path)) if text.startswith(word) else text for text in more]
    arguments = command(place, tmp_path / "out")
    arguments = [*arguments[:2], *more, *arguments[2:]] if more[0] == "tiny" else [*arguments, *more]
    assert main(arguments) == 1
    assert sentence in capfd.readouterr().err
