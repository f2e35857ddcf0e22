"""A control for each setting of a configuration, with its label, help text and bounds from there, and its error."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, get_args, get_origin

from pydantic.fields import FieldInfo
from streamlit.delta_generator import DeltaGenerator

from ftl.config import Config
from studio import ui


class Places:
    """Where the control of each setting is, so that what is wrong with it is said there."""

    def __init__(self) -> None:
        self._places: dict[str, DeltaGenerator] = {}

    def new(self, column: DeltaGenerator, name: str) -> DeltaGenerator:
        """The place of a setting in a column: its control is drawn there."""
        self._places[name] = column.container()
        return self._places[name]

    def tell(self, problems: Mapping[str, str], elsewhere: DeltaGenerator) -> None:
        """Show each problem below the control of its setting, or `elsewhere` if that has none."""
        for name, problem in problems.items():
            self._places.get(name, elsewhere).error(ui.sentence(problem), icon=":material/error:")


def group_of(field: FieldInfo) -> str:
    """The part of a page that shows a setting; empty for what has a control of its own there."""
    extra = field.json_schema_extra
    return str(extra.get("group", "")) if isinstance(extra, dict) else ""


def group(
    columns: Sequence[DeltaGenerator], config: Config, name: str, places: Places, **options: Sequence[str]
) -> dict[str, Any]:
    """Draw the settings of a group, from column to column, at their values in `config`. Returns their values by name.

    `options`: what can be chosen for settings whose names a registry holds.
    """
    fields = [(key, field) for key, field in type(config).model_fields.items() if group_of(field) == name]
    return {
        key: control(
            places.new(columns[index % len(columns)], key), field, getattr(config, key), options.get(key)
        )
        for index, (key, field) in enumerate(fields)
    }  # fmt: skip


def control(place: DeltaGenerator, field: FieldInfo, value: Any, options: Sequence[str] | None = None) -> Any:
    """Draw a setting at a value. Returns the value that it has then."""
    kind = field.annotation
    words: dict[str, Any] = {"label": field.title or "", "help": field.description}
    if get_origin(kind) is Literal:
        options = get_args(kind)
    if options is not None:
        return place.selectbox(options=options, index=list(options).index(value), **words)
    if kind is bool:
        return place.checkbox(value=value, **words)
    low, high = bound(field, "ge", "gt"), bound(field, "le", "lt")
    if kind is int:
        return int(place.number_input(min_value=low, max_value=high, value=value, step=1, **words))
    if bound(field, "ge") is not None and high is not None:  # what lies above 0 may be as small as one likes
        return place.slider(min_value=float(low), max_value=float(high), value=float(value), step=0.05, **words)
    low, high = (None if end is None else float(end) for end in (low, high))
    return place.number_input(
        min_value=low, max_value=high, value=value, step=_FINE, format="%.6f", placeholder="automatic", **words,
    )  # fmt: skip


_FINE = 0.001
"""What a press of plus or minus adds to a number that may be small; any other can be typed."""


def bound(field: FieldInfo, *names: str) -> Any:
    """A setting's bound, of these kinds; None where there is none."""
    found = (getattr(one, name, None) for one in field.metadata for name in names)
    return next((value for value in found if value is not None), None)
