"""A control for each setting of a configuration, with its label, help text, bounds and default from there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, get_args, get_origin

from pydantic.fields import FieldInfo
from streamlit.delta_generator import DeltaGenerator

from ftl.config import Config


def group_of(field: FieldInfo) -> str:
    """The part of a page that shows a setting; empty for what has a control of its own there."""
    extra = field.json_schema_extra
    return str(extra.get("group", "")) if isinstance(extra, dict) else ""


def group(
    columns: Sequence[DeltaGenerator], config: type[Config], name: str, **options: Sequence[str]
) -> dict[str, Any]:
    """Draw the settings of a group, from column to column. Returns their values by name.

    `options`: what can be chosen for settings whose names a registry holds.
    """
    fields = [(key, field) for key, field in config.model_fields.items() if group_of(field) == name]
    return {
        key: control(columns[index % len(columns)], field, options.get(key))
        for index, (key, field) in enumerate(fields)
    }


def control(place: DeltaGenerator, field: FieldInfo, options: Sequence[str] | None = None) -> Any:
    """Draw a setting. Returns its value."""
    kind, default = field.annotation, field.default
    words: dict[str, Any] = {"label": field.title or "", "help": field.description}
    if get_origin(kind) is Literal:
        options = get_args(kind)
    if options is not None:
        return place.selectbox(options=options, index=list(options).index(default), **words)
    if kind is bool:
        return place.checkbox(value=default, **words)
    low, high = bound(field, "ge", "gt"), bound(field, "le", "lt")
    if kind is int:
        return int(place.number_input(min_value=low, max_value=high, value=default, step=1, **words))
    if low is not None and high is not None and default is not None:
        return place.slider(min_value=float(low), max_value=float(high), value=default, step=0.05, **words)
    return place.number_input(
        min_value=low, max_value=high, value=default, format="%.5f", placeholder="automatic", **words,
    )  # fmt: skip


def bound(field: FieldInfo, *names: str) -> Any:
    """A setting's bound, of these kinds; None where there is none."""
    found = (getattr(one, name, None) for one in field.metadata for name in names)
    return next((value for value in found if value is not None), None)
