"""The Understand page's numbers and drawings."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ftl import load_backbone, load_model
from ftl.data.images import read_image, resize_image
from ftl.data.masks import read_pairs
from ftl.errors import FtlError
from ftl.evaluation.explain import filter_views, telling_heat
from ftl.evaluation.layers_left import LayerLeft, read_layers
from ftl.evaluation.overlays import OUTLINE
from ftl.files import read_json, write_json
from ftl.models.classifier import Model
from ftl.models.head import Head
from studio.accounts import add_user
from studio.errors import Forbidden
from studio.jobs import sweeps
from studio.projects.projects import create_project
from studio.store.database import writing
from studio.ui.choose.filter_maps import masked_photographs
from studio.ui.choose.read_sweep import Sweep
from studio.ui.explain import filters, layers, predictions
from tests.conftest import SIZE, save_png


def pairs_of(swept: Sweep) -> list[tuple[Path, Path]]:
    return masked_photographs(sweeps.workspace(swept.job_id))


def pixels(jpeg: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(jpeg))).astype(int)


def test_what_glows_is_what_counts_for_the_iou(swept: Sweep) -> None:
    folder, pairs = swept.folder / "keep-0.5", pairs_of(swept)
    found = filters.look(folder, "features.5", pairs)
    masks = read_pairs([("", *pair) for pair in pairs], SIZE)
    seen = filter_views(load_backbone(folder), "features.5", masks)
    assert list(found.numbers) == read_json(folder / "network.json")["layers"][1]["kept"]
    np.testing.assert_array_equal(found.iou, seen.iou)
    assert found.heat.max() == 255
    assert not found.heat[seen.maps < 1].any()
    assert found.heat[(seen.maps >= 1) & (seen.maps > seen.maps.max((2, 3), keepdims=True) / 200)].all()


def test_a_layer_is_shown_on_what_children_decoded(swept: Sweep, monkeypatch: pytest.MonkeyPatch) -> None:
    pairs, opened = pairs_of(swept)[:2], list[Path]()
    monkeypatch.setattr("ftl.data.masks.read_image", lambda path: opened.append(path) or read_image(path))
    found = filters.look(swept.folder / "keep-0.5", "features.5", pairs)
    assert len(opened) == 2
    assert not {path.parent for path in opened} & {photo.parent for photo, _ in pairs}
    for example, (photo, _) in zip(found.examples, pairs, strict=True):
        assert np.array_equal(example.image, resize_image(read_image(photo), SIZE))


def test_where_another_criterion_ranked_every_answer_counts(swept: Sweep, tmp_path: Path) -> None:
    described = read_json(swept.folder / "keep-0.5" / "network.json")
    described["made_with"]["criterion"] = "l1"
    for name, value in (("keep-0.5", described), ("base", read_json(swept.folder / "base" / "network.json"))):
        write_json(tmp_path / name / "network.json", value)
    weights = swept.folder / "keep-0.5" / "network.safetensors"
    (tmp_path / "keep-0.5" / weights.name).write_bytes(weights.read_bytes())
    pairs = pairs_of(swept)[:3]
    found = filters.look(tmp_path / "keep-0.5", "features.5", pairs)
    masks = read_pairs([("", *pair) for pair in pairs], SIZE)
    expected = filter_views(load_backbone(swept.folder / "keep-0.5"), "features.5", masks, "binary_iou")
    np.testing.assert_array_equal(found.iou, expected.iou)


def test_the_best_come_first_the_worst_last_and_none_is_both() -> None:
    iou = np.array([0.1, 0.5, 0.0, 0.5, 0.3])
    assert filters.best_and_worst(iou, 2) == ([1, 3], [0, 2])
    assert filters.best_and_worst(iou, 4) == ([1, 3, 4], [0, 2])
    assert filters.best_and_worst(iou[:1], 4) == ([0], [])
    assert filters.clearest(np.array([[0.2, 0.3], [0.0, 0.9], [0.8, 0.8]])) == 1
    assert filters.spread(20, 4) == [0, 6, 13, 19]
    assert filters.spread(3, 8) == [0, 1, 2]


def test_pictures_have_the_photographs_proportions_and_the_masks_outline(swept: Sweep, tmp_path: Path) -> None:
    mask = np.zeros((60, 120), np.uint8)
    mask[20:40, 30:60] = 255
    photo = save_png(np.full((60, 120, 3), 90, np.uint8), tmp_path / "wall.png")
    pair = photo, save_png(mask, tmp_path / "mask.png")
    found = filters.look(swept.folder / "keep-0.5", "features.1", [pair])
    shown = pixels(filters.picture(found, 0, longest=240))
    assert shown.shape == (120, 240, 3)
    blue = (np.abs(shown - OUTLINE).sum(2) < 150).nonzero()
    assert [(side.min(), side.max()) for side in blue] == [
        pytest.approx((40, 79), abs=4),
        pytest.approx((60, 119), abs=4),
    ]
    assert pixels(filters.picture(found, 0, 0)).shape == (112, 224, 3)


def test_a_mask_that_does_not_fit_is_told(swept: Sweep, tmp_path: Path) -> None:
    photo = save_png(np.zeros((9, 9, 3), np.uint8), tmp_path / "a.png")
    with pytest.raises(FtlError, match="draw the mask on the upright image"):
        filters.look(swept.folder / "keep-0.5", "features.1", [(photo, pairs_of(swept)[0][1])])


def test_an_answer_is_explained_at_the_last_layer_where_something_speaks_for_it(swept: Sweep) -> None:
    photo, mask = pairs_of(swept)[0]
    model = load_model(swept.folder / "keep-0.5")
    head = model.head
    shown = pixels(predictions.explain(model, read_image(photo), "Crack", "features.9", mask).glow)
    assert shown.shape == (SIZE, SIZE, 3)
    silent = Model(model.network, Head(0 * head.weight, head.bias, head.classes, pooled=head.pooled))
    assert predictions.explain(silent, read_image(photo), "Crack", "features.9").silent
    assert telling_heat(silent, read_image(photo), "Crack", swept.layers)[0] == "features.9"
    # every map of the last layer speaks against a crack, whose slopes in the layer before it have both signs
    against = Model(model.network, Head(-np.abs(head.weight), head.bias, head.classes, pooled=head.pooled))
    assert telling_heat(against, read_image(photo), "Background", swept.layers)[0] == "features.9"
    assert telling_heat(against, read_image(photo), "Crack", swept.layers)[0] in ("features.5", "features.1")


def test_of_a_large_photograph_the_surest_tile_is_explained(swept: Sweep) -> None:
    model = load_model(swept.folder / "keep-0.5")
    sound, cracked = (read_image(next((swept.folder.parent / "evaluation" / kind).iterdir())) for kind in swept.classes)
    photo = np.concatenate([np.concatenate([sound, cracked], 1), np.concatenate([sound, sound], 1)])
    assert predictions.surest_tile(model, photo, "Crack") is None
    tiled = replace(model, tile=SIZE)
    assert predictions.surest_tile(tiled, photo, "Crack") == (SIZE, 0, 2 * SIZE, SIZE)
    assert predictions.surest_tile(tiled, sound, "Crack") is None


def test_the_mask_is_that_of_the_sweep(swept: Sweep) -> None:
    pairs = pairs_of(swept)
    number = int(pairs[2][0].name.partition("_")[0])
    assert predictions.mask_of(number, pairs) == pairs[2][1]
    assert predictions.mask_of(9999, pairs) is predictions.mask_of(None, pairs) is None


def test_the_sentence_and_the_chart_of_what_went(swept: Sweep) -> None:
    some = [LayerLeft("a", (1, 2), 4, {}, 10, 40), LayerLeft("b", (0,), 996, {}, 5, 60)]
    assert layers.summary(some) == "**3 of 1,000 filters** are kept, and with them **15 %** of the MACs."
    assert "In 2 of 2 layers filters on both sides of the cut have equal scores" in layers.summary(some, 2)
    assert (
        layers.summary(read_layers(swept.folder / "base"))
        == "The unpruned network has all 30 filters in 3 layers: nothing was pruned."
    )
    pruned = read_layers(swept.folder / "keep-0.25")
    light, dark = (layers.chart(pruned, "Crack", dark) for dark in (False, True))
    assert light.layout.font.color != dark.layout.font.color
    assert light.layout.height == dark.layout.height > 500


def test_a_network_is_opened_only_through_its_own_project(swept: Sweep) -> None:
    with writing() as db:
        stranger = add_user(db, "Eve", "a long enough password")
    with pytest.raises(Forbidden):
        sweeps.network(create_project(stranger.id, "Elsewhere").id, swept.job_id, "keep-0.5")
