"""The settings of pruning, fine-tuning and sweeps: each with its default, bounds, check and help text, here alone.

The command line, the Sweep page, a job's row, `sweep.json` and the API derive from these classes. Names that a registry
holds (criteria, runtimes) are checked by that registry.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator
from pydantic_core import ErrorDetails

from ftl.errors import FtlError
from ftl.formatting import exact, parse_share
from ftl.models.layout import (
    HEADS,
    LINEAR,
    RECALIBRATED,
    SEGMENTED,
    TUNED,
    UNPRUNED,
    candidate_name,
    folder_name,
    parse_budgets,
)

ONE_SHOT, LAYERWISE = "one_shot", "layerwise"
_EARLIER = {"cascade": LAYERWISE, "once": ONE_SHOT}  # what command lines called the modes


class SettingsError(FtlError):
    """Settings that cannot be. `at`: a sentence for each that is to be changed, by its name; at "" for none of them."""

    at: dict[str, str] = {}  # noqa: RUF012 - set by `Config`, so that the error survives pickling


class Config(BaseModel):
    """Settings that are checked when they are made and never change. Raises `SettingsError` that names the setting."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    def __init__(self, **given: Any) -> None:
        try:
            super().__init__(**given)
        except ValidationError as error:
            problems = [(_place(found), _sentence(type(self), found)) for found in error.errors()]
            wrong = SettingsError("; ".join(sentence for _, sentence in problems))
            wrong.at = dict(problems)
            raise wrong from None

    def but(self, **changes: Any) -> Self:
        """The same with other values of some settings, checked like the first."""
        return type(self)(**(self.model_dump() | changes))


class _SettingError(ValueError):
    """What is wrong with settings together: `at` names the one to change."""

    def __init__(self, at: str, sentence: str) -> None:
        super().__init__(sentence)
        self.at = at


def _place(error: ErrorDetails) -> str:
    """The name of the setting that an error is about."""
    cause = error.get("ctx", {}).get("error")
    return cause.at if isinstance(cause, _SettingError) else str(error["loc"][0]) if error["loc"] else ""


def setting(default: Any, title: str, help_: str, *flags: str, group: str = "", **bounds: Any) -> Any:
    """A field of a configuration.

    Args:
        title: its label on a page, and its name in an error.
        help_: what changes when it is changed.
        flags: its options on the command line, where they are not its own name.
        group: the part of the Sweep page that shows it; none for what has a control of its own there.
        bounds: as pydantic has them: `ge`, `gt`, `le`, `lt`.
    """
    extra: dict[str, Any] = {"group": group} | ({"flags": list(flags)} if flags else {})
    return Field(default, title=title, description=help_, json_schema_extra=extra, **bounds)


def _sentence(model: type[BaseModel], error: ErrorDetails) -> str:
    place, kind, given = error["loc"], error["type"], error["input"]
    field = model.model_fields.get(str(place[0])) if place else None
    title, bounds = (field.title if field else None) or "a setting", error.get("ctx", {})
    if kind == "extra_forbidden":
        return f"there is no setting {place[-1]!r}: choose from {', '.join(model.model_fields)}"
    if kind == "literal_error":
        return f"{title}: there is no {given!r}, choose {bounds['expected'].replace(chr(39), '')}"
    if kind == "value_error":
        return str(bounds["error"])
    shown = exact(given) if isinstance(given, int | float) else repr(given)
    if kind in _BOUNDS:
        return f"{title}: must be {_BOUNDS[kind]} {exact(next(iter(bounds.values())))}, not {shown}"
    if kind.endswith(("_parsing", "_type")):
        return f"{title}: must be {'text' if kind == 'string_type' else 'a number'}, not {shown}"
    return f"{title}: {error['msg']}"


_BOUNDS = {
    "greater_than_equal": "at least",
    "greater_than": "above",
    "less_than_equal": "at most",
    "less_than": "below",
}


class PruneConfig(Config):
    """How filters are ranked and which of them stay."""

    criterion: str = setting(
        "iou", "Criterion", "What ranks a layer's filters: how well their maps overlap the masks, or a baseline.",
        group="Filters",
    )  # fmt: skip
    rule: Literal["fraction", "above-average", "global"] = setting(
        "fraction", "Selection rule",
        "fraction: the best filters of each layer. above-average: the filters of each layer that score above its mean. "
        "global: the best filters of all layers together, scored in one pass.",
        group="Filters",
    )  # fmt: skip
    mode: Literal["layerwise", "one_shot"] = setting(
        LAYERWISE, "Scoring",
        "layerwise: score each layer on what the cut before it left, as the original program does. one_shot: score all "
        "layers in one pass over the unpruned network, which is faster.",
        group="Filters",
    )  # fmt: skip
    coupling_score: Literal["mean", "max"] = setting(
        "mean", "Score of coupled filters",
        "Shortcuts and depthwise layers couple filters of several layers: they can only be removed together. They "
        "count by the mean or by the highest of their scores.",
        "--coupling-score", "--joint", group="Filters",
    )  # fmt: skip
    coupling_maps: Literal["before", "after"] = setting(
        "after", "Maps of coupled filters",
        "Score coupled filters by their maps before or after the addition, multiplication or depthwise layer that "
        "couples them.",
        "--coupling-maps", "--read", group="Filters",
    )  # fmt: skip
    round_to: int = setting(
        1, "Round filters up to multiples of",
        "Each layer keeps a multiple of this many filters. Some processors compute multiples of 8 faster.",
        group="Filters", ge=1, le=256,
    )  # fmt: skip
    faithful: bool = setting(False, "Exactly as the original program", "Reproduce the original program in everything.")
    seed: int = setting(
        0, "Seed", "The same seed gives the same splits, the same training and the same networks.",
        group="Data", ge=0, lt=2**31,
    )  # fmt: skip

    @field_validator("mode", mode="before")
    @classmethod
    def _mode(cls, given: Any) -> Any:
        return _EARLIER.get(given, given) if isinstance(given, str) else given

    @model_validator(mode="after")
    def _together(self) -> PruneConfig:
        if self.rule == "global" and (self.mode != ONE_SHOT or self.faithful):
            raise _SettingError(
                "mode" if self.mode != ONE_SHOT else "faithful",
                "the rule global ranks the filters of all layers together, which layer-by-layer "
                "scoring and the original program cannot: choose the mode one_shot",
            )
        if self.faithful and self.round_to > 1:
            raise _SettingError(
                "round_to", "the original program does not round the number of filters: leave round_to at 1"
            )
        return self


class FineTuneConfig(Config):
    """How a pruned network is fine-tuned."""

    epochs: int = setting(
        15, "Epochs", "Fine-tuning stops after this many epochs, or earlier when the network no longer improves.",
        group="Fine-tuning", ge=1, le=1000,
    )  # fmt: skip
    learning_rate: float | None = setting(
        None, "Learning rate",
        "The highest learning rate of the one-cycle schedule. By default it is chosen for the network.",
        "--learning-rate", "--rate", group="Fine-tuning", gt=0, le=10,
    )  # fmt: skip
    batch: int = setting(
        16, "Batch size", "Images in each step of training. Larger batches need more memory.",
        group="Fine-tuning", ge=2, le=1024,
    )  # fmt: skip
    patience: int = setting(
        3, "Patience",
        "Stop once this many epochs in a row, late in the schedule, were no better than the best on the early-stopping "
        "set.",
        group="Fine-tuning", ge=1, le=1000,
    )  # fmt: skip
    distillation: float = setting(
        0.0, "Distillation",
        "Weight of the unpruned network's outputs in the loss, beside the labels: 0 ignores them, 1 the labels.",
        "--distillation", "--distil", group="Fine-tuning", ge=0, le=1,
    )  # fmt: skip
    mask_weight: float = setting(
        0.0, "Weight of masks",
        "Also learn the masks of the photographs that have both a class and a mask: the weight of their loss beside "
        "that of the classes. 0 leaves masks out.",
        "--mask-weight", group="Fine-tuning", ge=0, le=10,
    )  # fmt: skip


class SegmentConfig(Config):
    """How a pruned network is trained to draw masks, under a decoder."""

    steps: int = setting(
        1000, "Steps of training", "Batches of crops that a network which draws masks is trained on.",
        "--steps", group="Drawing masks", ge=1, le=1_000_000,
    )  # fmt: skip
    crop: int = setting(
        320, "Crop", "Side in pixels of the crops of photographs that it is trained on.",
        "--crop", group="Drawing masks", ge=32, le=2048,
    )  # fmt: skip
    crops: int = setting(
        8, "Crops a step", "Crops in each step of training. More need more memory.",
        "--crops", group="Drawing masks", ge=1, le=256,
    )  # fmt: skip
    learning_rate: float = setting(
        3e-3, "Learning rate of masks", "The highest learning rate of the one-cycle schedule.",
        "--mask-learning-rate", group="Drawing masks", gt=0, le=10,
    )  # fmt: skip
    decoder_width: int = setting(
        16, "Decoder width", "Channels of the decoder at each level: more are slower.",
        "--decoder-width", group="Drawing masks", ge=1, le=256,
    )  # fmt: skip
    cl_dice: float = setting(
        0.0, "Weight of clDice",
        "Weight of clDice in the loss, which asks that thin cracks stay connected: 0 leaves it out.",
        "--cl-dice", group="Drawing masks", ge=0, le=10,
    )  # fmt: skip

    @property
    def further(self) -> SegmentConfig:
        """What trains a network further that these made: a quarter of the steps, a tenth of the learning rate."""
        return self.shortened.but(learning_rate=0.1 * self.learning_rate)

    @property
    def shortened(self) -> SegmentConfig:
        """The same in a quarter of the steps, as a network is trained from scratch on masks before it is pruned."""
        return self.but(steps=max(1, round(0.25 * self.steps)))


class SweepConfig(PruneConfig):
    """What a sweep makes of a network, and how it is measured."""

    keep: tuple[float, ...] = setting(
        (0.05, 0.1, 0.2, 0.5),
        "Keep fractions",
        "The shares of each layer's filters that stay, as 0.1 or 10%: a network is made for each.",
    )
    budgets: tuple[str, ...] = setting(
        (), "Budgets",
        "Also search layer widths for networks within a budget: a share of the unpruned network's MACs, as 1%, or a "
        "latency on this machine, as 5ms.",
        "--budget",
    )  # fmt: skip
    heads: tuple[Literal["recalibrated", "tuned", "segmented"], ...] = setting(
        (), "Further candidates",
        "Make more candidates of each pruned network, beside the linear head: tuned, the network fine-tuned; "
        "recalibrated, the network with batch normalisation statistics of its own; segmented, a network that draws "
        "masks.",
        "--also",
    )  # fmt: skip
    only_masks: bool = setting(
        False, "Only networks that draw masks",
        "Make no classifiers, only networks that draw masks: photographs then need no class.",
    )  # fmt: skip
    fine_tune_unpruned: bool = setting(
        False, "Further candidates of the unpruned network",
        "Make of the unpruned network what is made of pruned ones, for comparison. To train it takes many times as "
        "long as a pruned one.",
        "--tune-unpruned", "--tune-base",
    )  # fmt: skip
    fine_tune: FineTuneConfig = FineTuneConfig()
    segment: SegmentConfig = SegmentConfig()
    runtimes: tuple[str, ...] = setting(
        ("pytorch",), "Runtimes",
        "Measure latency in these runtimes: pytorch, onnx, int8, openvino, openvino-bf16, openvino-int8. PyTorch is "
        "always measured.",
    )  # fmt: skip
    photo: str | None = setting(
        None, "Photo names",
        "How a crop's file name names the photo that it was cut from: a template, as {photo}_* or {photo}_#; or a "
        "regular expression of RE2 whose first group is the photo. Crops of one photo never stand on both sides of a "
        "split.",
        max_length=1000,
    )  # fmt: skip
    tile: int | None = setting(
        None, "Tile",
        "Side in pixels of the tiles that the images are, if they were cut from large photographs. The networks then "
        "look at large photographs in such tiles.",
        ge=8, le=4096,
    )  # fmt: skip
    positive: str | None = setting(
        None, "Positive class", "The class that recall, precision and F1 refer to; by default guessed from the names."
    )
    threads: int | None = setting(
        None, "Threads", "Threads used while latency is measured; by default one for each core.", ge=1, le=1024
    )

    @field_validator("keep", mode="before")
    @classmethod
    def _shares(cls, given: Any) -> Any:
        """Fractions as numbers or as text, `10%` too."""
        if not isinstance(given, list | tuple):
            return given
        try:
            return [parse_share(fraction) if isinstance(fraction, str) else fraction for fraction in given]
        except ValueError:
            return given  # refused below, as what is no number

    @field_validator("keep")
    @classmethod
    def _keep(cls, keep: tuple[float, ...]) -> tuple[float, ...]:
        if wrong := [fraction for fraction in keep if not 0 < fraction <= 1]:
            raise ValueError(
                f"keep fractions lie above 0 and at most at 1, not at {exact(wrong[0])}: 0.1 keeps a tenth"
            )
        keep = tuple(sorted(set(keep)))
        if len({folder_name(fraction) for fraction in keep}) < len(keep):
            raise ValueError("two keep fractions differ by less than six digits: leave one out")
        return keep

    @field_validator("heads")
    @classmethod
    def _heads(cls, heads: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(head for head in (*HEADS, SEGMENTED) if head in heads)

    @field_validator("budgets")
    @classmethod
    def _budgets(cls, budgets: tuple[str, ...]) -> tuple[str, ...]:
        try:
            parse_budgets(budgets)
        except FtlError as error:
            raise ValueError(str(error)) from None
        return budgets

    @model_validator(mode="after")
    def _something(self) -> SweepConfig:
        if self.only_masks and self.heads != (SEGMENTED,):
            raise _SettingError(
                "heads", "only_masks makes networks that draw masks, and no others: let heads be segmented alone"
            )
        if self.only_masks and self.budgets:
            raise _SettingError(
                "budgets", "networks are searched within a budget by what classifiers lose: leave only_masks out"
            )
        if not self.keep and self.rule != "above-average":
            raise _SettingError("keep", "give at least one keep fraction, as 0.1")
        return self

    @property
    def fractions(self) -> list[float | None]:
        """The keep fractions, rising; None alone for the rule that needs none."""
        return [None] if self.rule == "above-average" else [*self.keep]

    @property
    def networks(self) -> list[str]:
        """Folder names of all networks, the unpruned one first, without those made for other heads."""
        return [UNPRUNED, *map(folder_name, self.fractions), *(budget.name for budget in parse_budgets(self.budgets))]

    @property
    def distills(self) -> bool:
        """Whether fine-tuned networks learn from the outputs of the unpruned one."""
        return TUNED in self.heads and self.fine_tune.distillation > 0

    @property
    def learns_masks(self) -> bool:
        """Whether fine-tuned networks learn masks beside the classes."""
        return TUNED in self.heads and self.fine_tune.mask_weight > 0

    @property
    def draws(self) -> bool:
        """Whether networks that draw masks are made."""
        return SEGMENTED in self.heads

    def heads_of(self, network: str) -> list[str]:
        """The heads that are made of a network, the linear one first."""
        more = self.heads if self.fine_tune_unpruned or network != UNPRUNED else ()
        return [*more] if self.only_masks else [LINEAR, *more]

    def candidates(self, networks: Iterable[str] | None = None) -> list[str]:
        """Folder names of all candidates, or of those made of `networks`, each network's beside it."""
        names = self.networks if networks is None else networks
        return [candidate_name(name, head) for name in names for head in self.heads_of(name)]

    def check_network(self, name: str, has_norms: bool) -> None:
        """Raise `FtlError` for what cannot be made of a network."""
        if RECALIBRATED in self.heads and not has_norms:
            raise FtlError(f"{name} has no batch normalisation, so there is nothing to recalibrate: fine-tune it")
