"""When it is asked whether an image is to be handed in with nothing drawn on it."""

from __future__ import annotations

from studio.annotation import log
from studio.annotation.strokes import Brush
from studio.collaboration.undrawn import doubt
from studio.images.library import find_images, set_class
from studio.projects.classes import classes_of
from tests.studio.conftest import Someone
from tests.studio.formats.test_formats import photograph
from tests.studio.images.test_uploads import send


def test_only_a_class_that_is_drawn_elsewhere_has_to_be_drawn(project: Someone) -> None:
    send(project, *((f"{number}.png", photograph(8, 8, number)) for number in range(2)))
    crack, pore, _, background = classes_of(project.project_id)
    other = find_images(project.project_id)[1]

    def asked(class_id: int | None) -> str:
        set_class(project.project_id, project.user_id, [other.id], class_id)
        return doubt(find_images(project.project_id)[1], project.user_id)

    assert asked(None) == asked(background.id) == asked(pore.id) == ""
    assert asked(crack.id) == "Nothing is drawn on this image, but its image class is Crack."
    first = find_images(project.project_id)[0]
    log.append(
        first.id, project.user_id, [Brush("a", pore.number, {"points": [[1, 1], [5, 5]], "width": 3}, project.user_id)]
    )
    assert asked(pore.id) == "Nothing is drawn on this image, but its image class is Pore."
    assert asked(background.id) == ""
    assert asked(None) == "Nothing is drawn on this image."  # no image of the project has a class: it only draws
    set_class(project.project_id, project.user_id, [first.id], pore.id)
    assert asked(None) == ""
    log.append(
        other.id, project.user_id, [Brush("b", crack.number, {"points": [[1, 1], [5, 5]], "width": 3}, project.user_id)]
    )
    assert asked(pore.id) == ""
