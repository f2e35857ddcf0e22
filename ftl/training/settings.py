"""Which candidates a sweep makes of each network, and how networks are fine-tuned."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from ftl.errors import FtlError
from ftl.models.backbone import Backbone
from ftl.models.layout import BASE, HEADS, LINEAR, RECALIBRATED, TUNED, candidate_name

LEAST_STEPS = 30
"""Steps of an epoch at least: with ten, 15 epochs on 150 images left networks where they began."""


class Recipe(NamedTuple):
    """How a network is fine-tuned.

    `epochs`: at most; `patience`: epochs after which it ends if none of them was as good as the best on the stopping
    part, counted from where the rate has fallen below half. `rate`: the highest of the one-cycle schedule (Smith and
    Topin 2018); None: `ftl.training.loop.rate_for` the network. An epoch shows each image once, or as often as it takes
    to `LEAST_STEPS` steps. `distil`: the weight 0..1 of the unpruned network's answers in the loss, beside the labels
    (Hinton et al. 2015), which are softened by `ftl.training.loop.distillation`.
    """

    epochs: int = 15
    batch: int = 16
    rate: float | None = None
    patience: int = 3
    distil: float = 0.0


class Tuning(NamedTuple):
    """What is made of each pruned network beside its candidate with a linear head.

    `also`: of `ftl.models.layout.HEADS`. `base`: of the unpruned network, too; training it takes many times as long.
    """

    also: tuple[str, ...] = ()
    base: bool = False
    recipe: Recipe = Recipe()

    def check(self, backbone: Backbone) -> None:
        """Raise `FtlError` for what can be told to be wrong before anything is computed."""
        unknown = [head for head in self.also if head not in HEADS]
        if unknown:
            raise FtlError(f"there is no head {unknown[0]!r}: choose from {', '.join(HEADS)}")
        if not (
            self.recipe.epochs >= 1
            and (self.recipe.rate is None or self.recipe.rate > 0)
            and 0 <= self.recipe.distil <= 1
        ):
            raise FtlError("fine-tuning takes an epoch or more, a rate above 0, and a weight of distillation of 0 to 1")
        if RECALIBRATED in self.also and not backbone.has_norms:
            raise FtlError(f"{backbone.name} has no batch normalisation: there is nothing to recalibrate, fine-tune it")

    def learns_from_base(self) -> bool:
        """Whether fine-tuned networks learn from what the unpruned one answers."""
        return TUNED in self.also and self.recipe.distil > 0

    def heads_of(self, network: str) -> list[str]:
        """The heads that are made of a network of the sweep, beside the linear one."""
        return [head for head in HEADS if head in self.also and head != LINEAR and (self.base or network != BASE)]

    def names(self, networks: Iterable[str]) -> list[str]:
        """All candidates of these networks, each network's beside it."""
        return [candidate_name(one, head) for one in networks for head in (LINEAR, *self.heads_of(one))]
