"""How a network was made, what it was made of, and its files, in words and tables of a report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ftl.config import Config, FineTuneConfig, PruneConfig, SegmentConfig
from ftl.data.dataset import LeftOut
from ftl.evaluation.runtimes import NETWORKS
from ftl.files import digest, read_json
from ftl.formatting import NOTHING, counted, exact, listed, megabytes, milliseconds, small_percent
from ftl.models.layout import (
    DESCRIPTION,
    FEATURES,
    HEAD,
    RECALIBRATED,
    SEGMENTED,
    TIME,
    TUNED,
    UNPRUNED,
    WEIGHTS,
)
from ftl.pruning.criteria import CRITERIA
from ftl.reporting.document import Facts, Table, facts
from ftl.training.features import images_by_class

_TRAINED = {
    TUNED: "The pruned network was fine-tuned, with a linear classifier on the means of its last maps.",
    RECALIBRATED: "A linear classifier on all features of the pruned network, whose batch norms were recalibrated.",
    SEGMENTED: "The pruned network was trained under a small decoder to draw masks.",
}


def found(file: Path) -> dict[str, Any]:
    """What a JSON file holds; nothing where there is none."""
    return read_json(file) if file.is_file() else {}


def how_made(description: Mapping[str, Any], validation: Mapping[str, Any]) -> Facts:
    """The settings that made a network, in words: of its `network.json` and its `validation.json`."""
    made: Mapping[str, Any] = description.get("made_with", {})
    is_unpruned = not any(layer.get("scores") for layer in description["layers"])
    trained = _TRAINED.get(
        description.get("head", ""), "A linear classifier on all features of the network as it was cut."
    )
    rows = [
        ("Made of", str(description.get("backbone", ""))),
        ("Keeps", "all filters: it is the unpruned network" if is_unpruned else kept_in_words(description)),
        ("What was trained", trained),
        *([] if is_unpruned else pruning_rows(made)),
        *_settings(FineTuneConfig, validation.get("fine_tune", {})),
        *_settings(SegmentConfig, validation.get("segment", {})),
        ("Seed", str(validation.get("seed", made.get("seed", "")))),
    ]
    return facts(rows)


def pruning_rows(settings: Mapping[str, Any]) -> list[tuple[str, str]]:
    """How filters were ranked, by the titles of the settings."""
    name = str(settings.get("criterion", ""))
    said = f"{name}: {CRITERIA[name].summary}" if name in CRITERIA else name
    return [("Filters ranked by", said), *_settings(PruneConfig, settings, ("criterion", "seed"))]


def kept_in_words(description: Mapping[str, Any]) -> str:
    """What a pruned network kept."""
    if budget := description.get("made_with", {}).get("budget"):
        limit, unit = budget["limit"], budget["unit"]
        share = f"{small_percent(limit)} of the unpruned network's MACs"
        return f"layer widths searched within {milliseconds(limit) if unit == 'ms' else share}"
    if description.get("keep") is None:
        return "the filters of each layer that score above its mean"
    which = "all filters" if description.get("made_with", {}).get("rule") == "global" else "the filters of each layer"
    return f"{small_percent(description['keep'])} of {which}"


def _settings(config: type[Config], given: Mapping[str, Any], without: Sequence[str] = ()) -> list[tuple[str, str]]:
    """The settings of a configuration by their titles."""
    fields = {name: field for name, field in config.model_fields.items() if name in given and name not in without}
    return [(field.title or name, _value(given[name])) for name, field in fields.items()]


def _value(value: Any) -> str:
    if value is None:
        return "chosen for the network"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return exact(value) if isinstance(value, int | float) else str(value).replace("_", " ")


def scoring_set(settings: Mapping[str, Any]) -> str:
    """Which photographs with masks ranked the filters, in a sentence."""
    images, groups = settings.get("images"), settings.get("groups") or {}
    criterion = CRITERIA.get(str(settings.get("criterion", "")))
    if criterion is not None and criterion.looks_at != "maps":
        return f"{criterion.name} ranks filters without looking at masks."
    if not images:
        return "No photograph with a mask ranked filters."
    parts = [f"{count} of {name}" for name, count in groups.items() if name]
    by_class = f": {listed(parts)}" if len(parts) > 1 else ""
    return f"{counted(images, 'photograph')} with masks ranked the filters{by_class}."


def leakage(photo: str | None, left_out: LeftOut) -> str:
    """How the test set was kept apart, in sentences."""
    apart = "Images that are the same file as one that ranked filters or was trained on do not report"
    if photo:
        apart += f"; nor do images of the same photo, by the file's name ({photo})."
    else:
        apart += ". The files' names do not tell which images are of one photo."
    sentence = left_out.sentence()
    return f"{apart} {sentence}." if sentence else f"{apart} There were none."


def labels_trained_with(folder: Path) -> dict[str, int] | None:
    """How many images of each class a network was trained and validated with; None where its features are gone.

    `folder`: the network's; one that was trained further has its source's.
    """
    sources = (folder, *(folder.with_name(folder.name.removesuffix(f"-{head}")) for head in (TUNED, RECALIBRATED)))
    for source in (*sources, folder.with_name(UNPRUNED)):
        if (source / FEATURES).is_file():
            return images_by_class(source / FEATURES)
    return None


def files_of(folder: Path) -> Table:
    """A network's files with their SHA-256, by which they can be told from any others."""
    names = dict.fromkeys((DESCRIPTION, WEIGHTS, HEAD, *NETWORKS.values()))
    there = [folder / name for name in names if (folder / name).is_file()]
    rows = tuple((file.name, megabytes(file.stat().st_size / 2**20), digest(file)) for file in there)
    return Table(("File", "Size", "SHA-256"), rows, frozenset({0, 2}), is_code=True)


def software(versions: Mapping[str, str]) -> str:
    """Versions of what computed, in a line."""
    return ", ".join(f"{name} {number}" for name, number in versions.items()) or NOTHING


def machine_of(time: Mapping[str, Any]) -> str:
    """The machine that took a time, in words."""
    on = time.get("machine")
    return f"{on['processor']}, {counted(on['cores'], 'core')}, {on['system']}" if on else "an unknown machine"


def threads_of(time: Mapping[str, Any]) -> str:
    """How many threads took a time."""
    return str(time.get("threads", NOTHING))


def first_time(folders: Sequence[Path]) -> dict[str, Any]:
    """The first of the networks' files of times."""
    return next((read_json(folder / TIME) for folder in folders if (folder / TIME).is_file()), {})
