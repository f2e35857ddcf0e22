"""Evened light: neither a shadow nor how coarse a surface is changes what a network sees of a crack."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch

from ftl.models.evened import Evened
from ftl.models.preprocess import KINDS, Preprocess
from ftl.models.segmenter import Segmenter
from tests.drawn_photographs import make_segmenter

SHAPE = (256, 320)


def surface() -> np.ndarray:
    """A wall with a dark line, RGB float32 (H, W, 3)."""
    rng = np.random.default_rng(0)
    image = np.full((*SHAPE, 3), (150, 140, 130), np.float32) + rng.normal(0, 12, (*SHAPE, 1)).astype(np.float32)
    image[100:103] -= 60
    return image


def seen(image: np.ndarray, kind: str = "caffe") -> torch.Tensor:
    preprocess = Preprocess(kind)
    return Evened(preprocess)(preprocess.normalised(image[None].astype(np.float32)))


def seen_middle() -> torch.Tensor:
    """What light is evened to, as VGG16 takes it."""
    return Preprocess().normalised(np.array([[[[124, 116, 104]]]], np.float32))


def apart(one: torch.Tensor, other: torch.Tensor) -> float:
    """The norm of the difference, as a share of that of the first less its mean."""
    return float((one - other).norm() / (one - one.mean((2, 3), keepdim=True)).norm())


@pytest.mark.parametrize("kind", KINDS)
def test_whatever_a_network_takes_it_sees_the_same(kind: str) -> None:
    usual, own = Preprocess(kind), seen(surface(), kind)
    middle = usual.normalised(np.array([[[[124, 116, 104]]]], np.float32))
    level = float((usual.normalised(np.array([[[[125, 117, 105]]]], np.float32)) - middle).mean())
    greys = (own - middle) / level
    assert own.shape == (1, 3, *SHAPE)
    assert abs(float(greys.mean())) < 1
    assert 15 < float(greys[:, :, :90].std()) < 40
    assert float(greys[:, :, 101].mean()) < -60
    colours = seen(surface()) if KINDS[kind].bgr else seen(surface()).flip(1)
    torch.testing.assert_close(greys.mean(1), (colours - seen_middle()).mean(1), rtol=0.1, atol=1.0)


@pytest.mark.parametrize(
    "light",
    [
        lambda image: image - 70,
        lambda image: image + np.linspace(-30, 30, SHAPE[1])[:, None],
        lambda image: image * np.array([1.1, 0.9, 0.7], np.float32),
    ],
    ids=["darker", "a shadow", "another tint"],
)
def test_other_light_is_hardly_seen(light: Callable[[np.ndarray], np.ndarray]) -> None:
    assert apart(seen(surface()), seen(light(surface()))) < 0.3
    assert apart(*(Preprocess().normalised(one[None]) for one in (surface(), light(surface())))) > 0.5


def test_a_pale_photograph_is_seen_as_strong_and_noise_stays_faint() -> None:
    strong, pale = surface(), 120 + (surface() - 120) / 3
    line = [float(seen(image)[0, :, 101].mean() - seen(image)[0, :, :90].mean()) for image in (strong, pale)]
    assert line[0] < line[1] < 0.5 * line[0] < 0
    noise = 120 + np.random.default_rng(0).normal(0, 1, (*SHAPE, 3))
    assert float(seen(noise).std()) < 8  # grey levels


@pytest.mark.parametrize("shape", [(1, 1), (3, 7), (8, 40), (37, 61), (224, 160)])
def test_any_size_is_taken_and_what_is_even_is_usual(shape: tuple[int, int]) -> None:
    torch.testing.assert_close(seen(np.full((*shape, 3), 77)), seen_middle().expand(1, 3, *shape), rtol=0, atol=0.01)


def test_a_segmenter_that_evens_light_is_the_same_network_of_evened_photographs() -> None:
    model = make_segmenter()
    assert model.evened is not None
    x = torch.rand(1, 3, 32, 32) * 100
    plain = Segmenter(model.network, model.classes, model.width)
    plain.decoder.load_state_dict(model.decoder.state_dict())
    assert not torch.equal(plain(x), model(x))
    assert torch.equal(plain(model.evened(x)), model(x))
