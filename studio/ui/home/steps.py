"""The steps from photographs to a network in use: where a project stands at each, what is missing, and where to go."""

from __future__ import annotations

from typing import NamedTuple

from ftl.formatting import counted, listed
from studio.images.library import Filter, count_by_class, count_images
from studio.jobs import queue
from studio.jobs.presets import ENOUGH, numbers_of
from studio.jobs.readiness import ENOUGH_MASKS
from studio.jobs.request import FURTHER, SWEEPS
from studio.jobs.sweeps import finished_sweeps, picked
from studio.jobs.usage import last_used
from studio.jobs.waiting import networks_to_come
from studio.projects.classes import classes_of

_RIGHTS = {"sweep": ("admin",), "choose": ("admin", "reviewer")}
"""Who may do what a page is for, where not everybody may."""

DONE, NEXT, LATER = "done", "next", "later"


class Step(NamedTuple):
    """A step. `state`: `DONE`, `NEXT`, or `LATER`: not yet, or optional. `text`: what is there and what is missing.

    `page`: where it is done, by its file; `button`: what its button says; empty for who may not do it.
    """

    title: str
    icon: str
    state: str
    text: str
    button: str
    page: str


def steps_of(project_id: int, role: str) -> list[Step]:
    """All steps of a project in their order; one of them is next, until the project has a network in use.

    `role`: of who looks.
    """
    swept = bool(finished_sweeps(project_id))
    found = [_photographs(project_id), _classes(project_id, swept), _masks(project_id, swept), *_networks(project_id)]
    following = next((number for number, step in enumerate(found) if step.state == NEXT), len(found))
    closed = {page for page, roles in _RIGHTS.items() if role not in roles}
    closed |= {"annotate"} if not count_images(project_id) else set()
    closed |= {"sweep"} if not count_images(project_id, Filter(drawn=True)) else set()
    return [
        step._replace(
            state=LATER if step.state == NEXT and number > following else step.state,
            button="" if step.page in closed else step.button,
        )
        for number, step in enumerate(found)
    ]


def _photographs(project_id: int) -> Step:
    count = count_images(project_id)
    if not count:
        return Step("Photographs", "photo_library", NEXT, "None yet. A few dozen with cracks and as many without are a "
                    "start.", "Add photographs", "images")  # fmt: skip
    return Step("Photographs", "photo_library", DONE, f"{counted(count, 'photograph')}.", "Add more", "images")


def _classes(project_id: int, swept: bool) -> Step:
    """Next once somebody has begun to sort photographs; else optional, for networks can draw masks without them."""
    names = {one.id: one.name for one in classes_of(project_id)}
    counts = count_by_class(project_id, Filter())
    there = {names[one]: count for one, count in counts.items() if one in names and count}
    enough = [name for name, count in there.items() if count >= ENOUGH]
    sizes = f"{listed([f'{name} {count:,}' for name, count in there.items()])}. " if there else ""
    unsorted = f"{counted(counts[0], 'photograph')} without an image class. " if counts.get(0) else ""
    title, icon = "Image classes", "category"
    # or networks learn from tiles of large photographs
    if len(enough) >= 2 or not numbers_of(project_id).only_masks:
        return Step(title, icon, DONE, (sizes + unsorted).strip(), "Change classes", "images")
    need = f"To tell whole photographs apart, networks need two classes with at least {ENOUGH} photographs each"
    if len(there) >= 2 and not swept:
        state, missing = NEXT, f"{need}; without them, they only draw masks."
    else:
        state, missing = LATER, f"Optional: networks can draw masks without image classes. {need}."
    return Step(title, icon, state, sizes + unsorted + missing, "Sort into classes" if counts else "", "images")


def _masks(project_id: int, swept: bool) -> Step:
    count = count_images(project_id, Filter(drawn=True))
    if count >= ENOUGH_MASKS or swept:
        text = f"Drawn on {counted(count, 'photograph')}."
        return Step("Masks", "brush", DONE, text, "Draw more", "annotate")
    text = f"Drawn on {counted(count, 'photograph')}: {ENOUGH_MASKS - count} more are a start." if count else (
        f"None yet. Draw the cracks on {ENOUGH_MASKS} photographs: they show a network what to look for."
    )  # fmt: skip
    return Step("Masks", "brush", NEXT, text, "Draw masks", "annotate")


def _networks(project_id: int) -> list[Step]:
    jobs = [job for job in queue.jobs_of(project_id) if job.kind in (*SWEEPS, FURTHER)]
    done, chosen = finished_sweeps(project_id), picked(project_id)
    if text := networks_to_come(project_id):
        made = Step("Networks", "content_cut", DONE if done else NEXT, text, "See how far it is", "jobs")
    elif done:
        text = f"{counted(len(done), 'sweep')} finished{', the newest' * (len(done) > 1)}: {done[0].name}."
        made = Step("Networks", "content_cut", DONE, text, "Sweep again", "sweep")
    elif jobs and jobs[0].state == "failed":
        made = Step("Networks", "content_cut", NEXT, f"{jobs[0].name} failed.", "See why", "jobs")
    else:
        text = "None yet. Quick takes about five minutes."
        made = Step("Networks", "content_cut", NEXT, text, "Make networks", "sweep")
    if chosen:
        names = listed([pick.candidate for pick in chosen.values()])
        choice = Step("Choose", "scatter_plot", DONE, f"The project's: {names}.", "Compare", "choose")
    else:
        text = "Compare accuracy and speed: one network is recommended." if done else "Once a sweep has finished."
        choice = Step("Choose", "scatter_plot", NEXT, text, "Choose a network" if done else "", "choose")
    if done and (used := last_used(project_id)):
        use = Step("Use", "search", DONE, f"{used} was tried or downloaded.", "Try again", "try_it")
    else:
        text = "Show the network photographs that it has not seen, or download it."
        use = Step("Use", "search", NEXT, text, "Try it" if done else "", "try_it")
    return [made, choice, use]
