"""From several annotators' masks to one: by votes, or by STAPLE; and its place in the log."""

from __future__ import annotations

from collections.abc import Sequence
from secrets import token_hex
from typing import NamedTuple

import numpy as np

from studio.accounts.rights import changing_image
from studio.annotation import log
from studio.annotation.strokes import Revision
from studio.collaboration.annotator_masks import CONSENSUS
from studio.errors import StudioError
from studio.projects.audit import record
from studio.store.tables import Image

STAPLE_PEOPLE = 3
"""So many annotators STAPLE needs: of two who differ it cannot tell who is right."""

_ROUNDS, _SAME = 100, 1e-6


class Consensus(NamedTuple):
    """`mask`: index mask, uint8 (height, width). `disputed`: bool, where it was left open, so 0, for nothing won."""

    mask: np.ndarray
    disputed: np.ndarray


def majority(masks: Sequence[np.ndarray]) -> Consensus:
    """Each pixel's most frequent label, nothing (0) being one too; where the most frequent are tied, it is left open.

    `masks`: an index mask, uint8 (height, width), for each annotator. Raises `StudioError` for none, or unequal sizes.
    """
    labels, _, tied = _votes(masks)
    return Consensus(np.where(tied, 0, labels).astype(np.uint8), tied)


def disagreement(masks: Sequence[np.ndarray]) -> np.ndarray:
    """The share of annotators who do not have a pixel's most frequent label, float32 (height, width), 0 up to 1.

    `masks` and errors as in `majority`.
    """
    _, most, _ = _votes(masks)
    return (1 - most.astype(np.float32) / len(masks)).astype(np.float32)


def staple(masks: Sequence[np.ndarray]) -> Consensus:
    """The masks made one by how reliable each annotator seems to be, class by class.

    STAPLE estimates every annotator's sensitivity and specificity together with each pixel's probability, by
    expectation maximisation: Warfield, Zou and Wells, IEEE Transactions on Medical Imaging 23(7), 2004, as SimpleITK
    has it. A pixel gets the most probable class if that is more probable than not; it is left open at just 1/2, or
    where classes are tied above it. `masks` as in `majority`.

    Raises `StudioError` for fewer than `STAPLE_PEOPLE`, unequal sizes, or where SimpleITK is not installed.
    """
    _check(masks)
    if len(masks) < STAPLE_PEOPLE:
        raise StudioError(f"STAPLE needs {STAPLE_PEOPLE} annotators, and {len(masks)} drew here: settle by majority")
    best = np.zeros(masks[0].shape)
    tied = np.zeros(masks[0].shape, bool)
    labels = np.zeros(masks[0].shape, np.uint8)
    for number in _numbers(masks):
        chance = _staple([mask == number for mask in masks])
        near = np.abs(chance - best) <= _SAME
        tied = np.where(near, chance > 0, tied & (chance < best))
        labels[chance > best] = number
        best = np.maximum(best, chance)
    disputed = (tied & (best > 0.5)) | (np.abs(best - 0.5) <= _SAME)
    return Consensus(np.where((best > 0.5) & ~disputed, labels, 0).astype(np.uint8), disputed)


def settle(image: Image, user_id: int, mask: np.ndarray, people: int, position: int) -> str:
    """Make a mask the image's, as a revision by whoever settles it; its stroke's id. It is undone like any stroke.

    `mask`: index mask, uint8 (height, width); `people`: of how many annotators it is; `position`: of the log that they
    were read at. Raises `StudioError` if somebody drew since, or the image is accepted.
    """
    stroke = Revision.of(mask, f"{CONSENSUS}{token_hex(8)}")
    with changing_image(user_id, image.id, "reviewer") as (db, held):
        if log.position(image.id) != position:
            raise StudioError("somebody drew on this image meanwhile: look at it again, then settle it")
        log.add(db, held, user_id, [stroke])
        record(db, held.project_id, user_id, "agreed", held.id, people=people)
    return stroke.id


def _check(masks: Sequence[np.ndarray]) -> None:
    if not masks:
        raise StudioError("nobody drew on this image: there is nothing to settle")
    if len({mask.shape for mask in masks}) > 1:
        raise StudioError("the masks differ in size")


def _numbers(masks: Sequence[np.ndarray]) -> list[int]:
    """The classes that somebody drew."""
    return sorted({int(one) for mask in masks for one in np.flatnonzero(np.bincount(mask.ravel(), minlength=1))} - {0})


def _votes(masks: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Each pixel's most frequent label, how many gave it, and whether another was given as often."""
    _check(masks)
    labels = np.zeros(masks[0].shape, np.uint8)
    most = _count(masks, 0)
    tied = np.zeros(masks[0].shape, bool)
    for number in _numbers(masks):
        votes = _count(masks, number)
        more = votes > most
        tied = np.where(more, False, tied | (votes == most))
        labels[more] = number
        most = np.maximum(most, votes)
    return labels, most, tied


def _count(masks: Sequence[np.ndarray], number: int) -> np.ndarray:
    votes = np.zeros(masks[0].shape, np.uint16)
    for mask in masks:
        votes += mask == number
    return votes


def _staple(layers: Sequence[np.ndarray]) -> np.ndarray:
    """The probability of one class, float (height, width), 0..1, from each annotator's bool mask of it."""
    try:
        import SimpleITK  # an extra, large, that few need
    except ImportError as error:
        raise StudioError(
            'STAPLE needs SimpleITK, which is not installed here: pip install "ftl-studio[staple]"'
        ) from error
    if all(np.array_equal(layers[0], one) for one in layers[1:]):
        return layers[0].astype(float)  # there is nothing to estimate, and masks that are full give nan
    algorithm = SimpleITK.STAPLEImageFilter()
    algorithm.SetForegroundValue(1)
    algorithm.SetMaximumIterations(_ROUNDS)
    pictures = [SimpleITK.GetImageFromArray(layer.astype(np.uint8)) for layer in layers]
    chance = SimpleITK.GetArrayFromImage(algorithm.Execute(pictures))
    return np.where(np.isfinite(chance), chance, np.mean(layers, axis=0))
