"""The project to practise in."""

from __future__ import annotations

import numpy as np
import pytest

from studio.annotation import log
from studio.annotation.strokes import Region
from studio.collaboration import practice
from studio.collaboration.practice import BEYOND, MISSED, RIGHT, compared, make_practice, true_mask
from studio.images.library import find_images
from tests.studio.conftest import Someone
from tests.studio.formats.test_formats import photograph
from tests.studio.images.test_uploads import send


def test_what_is_right_what_is_missed_and_what_is_beyond() -> None:
    truth = np.array([[1, 1, 2, 0, 0]], np.uint8)
    mask = np.array([[1, 0, 1, 3, 0]], np.uint8)
    assert compared(mask, truth).tolist() == [[RIGHT, MISSED, MISSED, BEYOND, 0]]


def test_the_true_mask_of_each_surface_is_known_and_of_no_other_photograph(
    project: Someone, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(practice, "SURFACES", 1)
    for _ in range(2):  # a second person's has the same surfaces
        made = make_practice(project.user_id)
        images = find_images(made.id)
        assert [image.name for image in images] == ["crack-1.png", "background-1.png"]
    truth = true_mask(images[0])
    assert truth is not None
    assert truth.shape == (images[0].height, images[0].width)
    assert (truth == 1).any()
    log.append(images[0].id, project.user_id, [Region.of(truth == 1, 1, "all of it")])
    assert not (compared(log.mask(images[0]), truth)[truth == 1] != RIGHT).any()
    send(project, ("a.png", photograph(8, 8, 1)))
    assert true_mask(find_images(project.project_id)[0]) is None
