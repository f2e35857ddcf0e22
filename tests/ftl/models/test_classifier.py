"""A network with its head."""

from __future__ import annotations

import numpy as np
import pytest

from ftl.errors import FtlError
from ftl.models.classifier import Model
from ftl.models.head import Head
from tests.conftest import SIZE, make_backbone


def model(classes: tuple[str, ...]) -> Model:
    network, rng = make_backbone(), np.random.default_rng(3)
    width = int(network(network.preprocess([np.zeros((SIZE, SIZE, 3), np.uint8)])).numel())
    rows = 1 if len(classes) == 2 else len(classes)
    weight, bias = rng.normal(0, 0.0005, (rows, width)), rng.normal(0, 0.5, rows)
    return Model(network, Head(weight.astype(np.float32), bias.astype(np.float32), classes, 1.0))


@pytest.mark.parametrize("label", ["Background", "Crack"])
def test_evidence_and_bias_are_the_log_odds(label: str) -> None:
    images = [np.random.default_rng(one).integers(0, 255, (40, 50, 3), np.uint8) for one in range(3)]
    two = model(("Background", "Crack"))
    probabilities, places = two.evidence(images, label)
    np.testing.assert_array_equal(probabilities, two.probabilities(images))
    at = two.classes.index(label)
    odds = np.log(probabilities[:, at] / probabilities[:, 1 - at])
    bias = two.head.bias[0] if at else -two.head.bias[0]
    np.testing.assert_allclose(places.sum((1, 2)) + bias, odds, rtol=1e-6)


def test_evidence_among_several_classes_is_the_logit_less_the_mean() -> None:
    images = [np.random.default_rng(9).integers(0, 255, (40, 50, 3), np.uint8)]
    three = model(("a", "b", "c"))
    probabilities, places = three.evidence(images, "b")
    logits = np.log(probabilities[0])  # up to what all have in common
    bias = three.head.bias - three.head.bias.mean()
    assert places[0].sum() + bias[1] == pytest.approx(logits[1] - logits.mean(), rel=1e-5)


def test_an_unknown_class_is_told() -> None:
    with pytest.raises(FtlError, match="no class 'Pore'"):
        model(("Background", "Crack")).evidence([np.zeros((9, 9, 3), np.uint8)], "Pore")
