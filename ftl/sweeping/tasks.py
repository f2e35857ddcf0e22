"""The tasks of a sweep, the same wherever they run: score filters; make, train and test a candidate.

Each writes whole files into the sweep's folder or one like it, and is done once those fit what they were made from.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from ftl.config import LAYERWISE, SweepConfig
from ftl.data.dataset import Dataset
from ftl.errors import FtlError
from ftl.files import digest, read_json
from ftl.models.engines import Engines
from ftl.models.io import load_backbone
from ftl.models.layout import (
    DESCRIPTION,
    HEAD,
    LINEAR,
    SEGMENTED,
    TEST,
    TUNED,
    UNPRUNED,
    VALIDATION,
    WEIGHTS,
    candidate_name,
)
from ftl.models.network_folder import network_digest, read_description
from ftl.progress import LOOKING, TRAINING, Report, silent
from ftl.pruning.choose import as_scored, mode_of, source_of
from ftl.pruning.criteria import criterion
from ftl.pruning.layerwise import Branch, advance
from ftl.pruning.scoring import ScoringSet
from ftl.sweeping.evaluate import evaluate
from ftl.sweeping.heads import fit_candidate
from ftl.sweeping.pruned import write_pruned
from ftl.sweeping.tuned_networks import ANSWERS, CURVE, MASKS
from ftl.training.early_stopping import Epoch


class Score(NamedTuple):
    """Score a branch of keep fractions; networks that are chosen then are pruned and written."""

    branch: Branch
    priority: float = 1.5

    @property
    def name(self) -> str:
        """What it is called in errors."""
        return "scoring"


class Finish(NamedTuple):
    """Make a network's candidate with a kind of head, train and test it. `network`: its folder's name."""

    network: str
    head: str
    priority: float

    @property
    def name(self) -> str:
        """Of the candidate's folder."""
        return candidate_name(self.network, self.head)


Task = Score | Finish
"""Tasks of higher priority are begun first."""


def score(
    branch: Branch,
    config: SweepConfig,
    scoring_set: ScoringSet,
    unpruned: Path,
    out: Path,
    made_with: dict[str, Any],
    *,
    apart: bool,
    report: Report = silent,
) -> tuple[list[Branch], list[Path]]:
    """Score a branch of keep fractions: the branches that go on, and the folders of the networks that are whole.

    `unpruned`: the folder of the network that is pruned. `apart`: layer by layer, only as far as the fractions agree,
    so that others can go on with each part; otherwise all is scored here, which spares computing anything twice.
    """
    backbone, ranking = load_backbone(unpruned), criterion(config.criterion)
    source, scored = source_of(backbone, config.faithful), as_scored(backbone, config.faithful)
    if apart and config.mode == LAYERWISE and backbone.is_chain:
        depth = len(backbone.convolutions())
        after = advance(scored, scoring_set, branch, ranking, config, report)
        onward = [part for part in after if len(part.choices) < depth]
        chosen = [(keep, [*part.choices]) for part in after if len(part.choices) == depth for keep in part.fractions]
        return onward, [write_pruned(source, one, out, made_with) for one in chosen]
    choices = mode_of(backbone, config)(scored, scoring_set, branch.fractions, ranking, config, report)
    return [], [write_pruned(source, one, out, made_with) for one in choices]


def finish(
    folder: Path,
    head: str,
    config: SweepConfig,
    learn: Dataset,
    judge: Dataset,
    files: Sequence[Path],
    *,
    report: Report = silent,
    learnt: Callable[[Epoch], None] = lambda epoch: None,
    engines: Engines = Engines(),
) -> Path:
    """Make a network's candidate, train and test it; what fits already stays. Returns the candidate's folder.

    `folder`: the network's; beside it lies the unpruned one where that teaches. `files`: where this machine has the
    photographs of `learn`, then those of `judge`. `report` counts both; `learnt` hears of each epoch of fine-tuning.
    `engines`: those of the sweep (`ftl.sweeping.manifest.engines_of`).
    """
    seen = 0

    def counted(done: int, total: int, what: str) -> None:
        if what == TRAINING:
            report(done, total, what)
        else:
            report(seen + done, len(files), LOOKING)

    candidate = fit_candidate(
        folder, head, config, learn, files[: len(learn)], report=counted, learnt=learnt, engines=engines
    )
    seen = len(learn)
    evaluate(candidate, judge, counted, files[seen:], engines=engines)
    return candidate


def results_of(task: Finish, config: SweepConfig) -> list[str]:
    """The files of a candidate's folder that are kept of a task."""
    weights = [] if task.head == LINEAR else [DESCRIPTION, WEIGHTS]
    curve = [CURVE] if task.head in (TUNED, SEGMENTED) else []
    answers = [ANSWERS] if task.name == UNPRUNED and config.distills else []
    return [HEAD, VALIDATION, TEST, *weights, *curve, *answers]


def is_done(task: Finish, out: Path, config: SweepConfig, learn_sha256: str, judge_sha256: str) -> bool:
    """Whether a candidate was made, trained and tested on these data, and can teach if it has to."""
    folder = out / task.name
    try:
        validation, tested, own = read_json(folder / VALIDATION), read_json(folder / TEST), digest(folder / HEAD)
        made_of = network_digest(folder) if task.head == LINEAR else read_description(folder)["from_sha256"]
    except (FtlError, OSError):
        return False
    made_from = {"dataset_sha256": learn_sha256, "seed": config.seed, "photo": config.photo}
    made_from["looked_for"] = config.positive
    if task.head == TUNED:
        made_from["fine_tune"] = config.fine_tune.model_dump()
        if config.learns_masks:
            made_from["masks_sha256"] = digest(out / MASKS)
    teaches = task.name == UNPRUNED and config.distills
    return (
        all(validation.get(key) == value for key, value in made_from.items())
        and made_of == network_digest(out / task.network)
        and (not teaches or (out / UNPRUNED / ANSWERS).is_file())
        and tested.get("evaluation_sha256") == judge_sha256
        and tested.get("network_sha256") == network_digest(folder)
        and tested.get("head_sha256") == own
    )
