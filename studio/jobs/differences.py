"""In which settings two sweeps differ."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from ftl.config import Config
from ftl.formatting import NOTHING, exact
from studio.jobs.request import SweepRequest
from studio.projects.classes import classes_of


class Difference(NamedTuple):
    """A setting with both its values, in words."""

    setting: str
    before: str
    after: str


def differences(
    before: SweepRequest, after: SweepRequest, names: Mapping[str, Mapping[int, str]] | None = None
) -> list[Difference]:
    """The settings in which two sweeps differ, in their order.

    `names`: of the numbers that a setting holds, by the setting, as of `image_classes`.
    """
    return [
        Difference(title, *(_shown(value, (names or {}).get(key, {})) for value in pair))
        for key, title, *pair in _pairs(before, after)
        if pair[0] != pair[1]
    ]


def names_of(project_id: int) -> dict[str, dict[int, str]]:
    """The names of a project's classes, by the settings that hold their numbers or ids."""
    classes = classes_of(project_id)
    return {
        "mask_classes": {one.number: one.name for one in classes},
        "image_classes": {one.id: one.name for one in classes},
    }


def _pairs(before: Config, after: Config) -> Iterator[tuple[str, str, Any, Any]]:
    for key, field in type(before).model_fields.items():
        first, second = getattr(before, key), getattr(after, key)
        if isinstance(first, Config):
            yield from _pairs(first, second)
        else:
            yield key, field.title or key, first, second


def _shown(value: Any, names: Mapping[int, str]) -> str:
    if isinstance(value, tuple):
        return ", ".join(_shown(part, names) for part in value) or NOTHING
    if value is None or isinstance(value, bool):
        return {None: NOTHING, True: "yes", False: "no"}[value]
    if value in names:
        return names[value]
    return exact(value) if isinstance(value, int | float) else str(value)
