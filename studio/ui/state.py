"""What a tab remembers between two runs of its pages: an object a page, and the values of widgets.

No other module reads or writes Streamlit's session.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, Literal, NamedTuple, TypeVar

import streamlit as st

if TYPE_CHECKING:  # every page imports this, and those load what computes
    from studio.inspection.examine import Finding
    from studio.ui.choose.read_sweep import Network

T = TypeVar("T")


def of(kind: type[T], project_id: int | None = None) -> T:
    """The tab's object of this dataclass, made with its defaults at first; `project_id`: the one for that project.

    A callback takes all that it needs before it changes anything: where another message of the browser waits, Streamlit
    leaves it at the next thing that it shows or reads in the session, and what stands behind that is never done.
    """
    key = kind.__name__ if project_id is None else f"{kind.__name__} {project_id}"
    if key not in st.session_state:
        st.session_state[key] = kind()
    kept: T = st.session_state[key]
    return kept


class Toast(NamedTuple):
    """A sentence that is shown for a while."""

    text: str
    icon: str
    duration: Literal["short", "long"] = "short"


@dataclass
class Tab:
    """What all pages share. The ids may be of something that was deleted meanwhile, or of another project."""

    user_id: int | None = None
    """Who has this tab: after signing in again, it goes on for nobody else."""

    cookie: str | None = None
    """The session of a user who has signed in again, which the tab's own connection does not carry yet."""

    project_id: int | None = None

    go: str | None = None
    """The address of the page to show in the next run; Home's is empty."""

    image_id: int | None = None
    """The image that is, or will be, open on the Annotate page."""

    restored: str | None = None
    """Name of the project that was just made of a backup."""

    toasts: list[Toast] = field(default_factory=list)
    """Those that the next run shows."""


@dataclass
class Annotate:
    """The Annotate page. `left`, `since`: id of the image that its user went on from last, and when (monotonic s).

    `submitted`: when they submitted one last. `heard`: the last word of the surface that the page has followed.
    """

    left: int | None = None
    since: float = 0.0
    submitted: float = 0.0
    heard: int = 0

    doubted: tuple[int, str] | None = None
    """Id of the image that was doubted when it was to be submitted, and what was asked."""

    doubted_at: float = 0.0
    """When it was (monotonic s)."""

    enough: dict[int, bool] = field(default_factory=dict)
    """By id of a project that has enough masks for its first networks: whether that is still said."""


class Taken(NamedTuple):
    """What was brought in, as a sentence; `any`: whether something was; `problems`: a sentence for each file refused.

    `follows`: whether to draw masks is what comes next.
    """

    text: str
    any: bool
    problems: list[str]
    follows: bool = False


@dataclass
class Images:
    """The Images page of a project. `turns`: how often something was brought in, behind which its forms are empty.

    `taken`: what the run before has brought in.
    """

    turns: int = 0
    taken: Taken | None = None


@dataclass
class Choose:
    """The Choose page of a project."""

    asked: int | None = None
    """The sweep that the Jobs page asks to show."""

    row_keys: list[str] = field(default_factory=list)
    """`Network.key` of each row of the table, as it was last drawn."""

    link: list[str] = field(default_factory=list)
    """What the link asked for that was followed last."""

    comes: bool = False
    """Whether the page scrolls to the open networks in this run."""

    turns: int = 0
    """How often it did."""

    mistakes: dict[str, int] = field(default_factory=dict)
    """How many mistakes of a network are shown, by `Network.key`."""


@dataclass
class Try:
    """The Try page of a project.

    `found`: what was seen last, by digest, network's folder, when that was written, and whether with heat.
    """

    found: dict[tuple[str, Path, float, bool], Finding] = field(default_factory=dict)


@dataclass
class Jobs:
    """The Jobs page of a project. `live`: whether it looks again by itself, as some job had not ended when drawn."""

    live: bool = False


@dataclass
class Progress:
    """The Progress page of a project. `before`: the event that each page of the activity begins behind, to the last."""

    before: list[int | None] = field(default_factory=lambda: [None])


@dataclass
class Sweep:
    """The Sweep page. `turns`: how often a network file was added, behind which its form is empty and closed.

    `opened`: how often a choice's settings were, behind which the page scrolls to them; `comes`: whether in this run.
    """

    turns: int = 0
    opened: int = 0
    comes: bool = False


class Widget(Generic[T]):
    """A widget whose value is read or set by code: Streamlit keeps it in the session under the widget's `key`."""

    def __init__(self, key: str, default: T) -> None:
        self.key = key
        self._default = default

    @property
    def value(self) -> T:
        """What it was set to, by its user or by code; the default while it was not drawn yet."""
        found: T = st.session_state.get(self.key, self._default)
        return found

    @value.setter
    def value(self, value: T) -> None:
        st.session_state[self.key] = value


RENEW: Widget[Any] = Widget("renew", {})
"""The component of one who is signed out; its `ticket` is there once they have signed in again."""

GALLERY: Widget[Any] = Widget("gallery", {})
"""The component that shows images; `chosen` is what was ticked."""

SURFACE: Widget[Any] = Widget("surface", {})
"""The drawing surface; `event` and `undecided` are what it has to say to the page."""

WHOLE_FOLDER = Widget("whole-folder", default=False)

ADVANCED = Widget("advanced", default=False)
"""Whether all settings are shown on the Sweep page."""

PRESET = Widget("weight-preset", "")
"""What recommends, as `weight` a person's own preference in whatever project."""

TO_TRY: Widget[Network | None] = Widget("to-try", None)
UNDERSTOOD: Widget[Network | None] = Widget("understood", None)
"""These name their sweep, so that those of another project are known and dropped (`networks.choose_network`)."""


def basis(project_id: int) -> Widget[str | int]:
    """Whose settings the Sweep page's form begins with: a choice's name, or the id of an earlier sweep."""
    return Widget(f"basis-{project_id}", "")


def points(project_id: int) -> Widget[Any]:
    """The chart of candidates on the Choose page; `selection.points` is what was clicked."""
    return Widget(f"points-{project_id}", None)


def rows(project_id: int) -> Widget[Any]:
    """The table of candidates on the Choose page; `selection.rows` is what was ticked."""
    return Widget(f"rows-{project_id}", None)


def mask_points(project_id: int) -> Widget[Any]:
    """The chart of networks that draw masks on the Choose page."""
    return Widget(f"mask-points-{project_id}", None)


def mask_rows(project_id: int) -> Widget[Any]:
    """Their table."""
    return Widget(f"mask-rows-{project_id}", None)


def opened_masks(project_id: int) -> Widget[str | None]:
    """`Network.key` of the one that is open; None: the recommended."""
    return Widget(f"open-masks-{project_id}", None)


def sweeps(project_id: int) -> Widget[Sequence[int]]:
    """The sweeps shown on the Choose page."""
    return Widget(f"sweeps-{project_id}", ())


def task(project_id: int) -> Widget[str | None]:
    """Which kind of networks the Choose page shows, where there are both."""
    return Widget(f"task-{project_id}", None)


def opened(project_id: int) -> Widget[Sequence[str]]:
    """`Network.key` of the candidates side by side on the Choose page."""
    return Widget(f"open-{project_id}", ())


def limit(project_id: int, figure: str) -> Widget[float | None]:
    """The limit of a figure on the Choose page, in the unit of its slider; None: any."""
    return Widget(f"limit-{project_id}-{figure}", None)


def weight(term: str) -> Widget[float | None]:
    """The weight of a term of the decision score; None before it is first shown."""
    return Widget(f"weight-{term}", None)


def tried(project_id: int) -> Widget[Sequence[int]]:
    """Ids of the project's images that are tried."""
    return Widget(f"tried-{project_id}", ())


def gallery_page(project_id: int, chosen: object) -> Widget[int]:
    """The page of the gallery under a filter, from 1."""
    return Widget(f"page of {project_id} {chosen}", 1)


def review_page(project_id: int, *, every: bool) -> Widget[int]:
    """The page of the queue on Review, from 1. `every`: of all images with strokes, not only those that wait."""
    return Widget(f"review-page-{every}-{project_id}", 1)


def image_class(image_id: int, seen: int | None) -> Widget[int | None]:
    """The menu of an image's class; its key names the image and the class that its user saw."""
    return Widget(f"image-class-{image_id}-{seen}", seen)


def role(user_id: int, seen: str) -> Widget[str]:
    """The menu of a member's role; its key says which role its user saw."""
    return Widget(f"role-{user_id}-{seen}", seen)
