"""Learning curves: of two sweeps on one chart, and the ticks of their loss."""

from __future__ import annotations

import math

import pytest

from ftl.training.early_stopping import Epoch
from studio.ui.jobs.learning_curves import compared_curves, learning_chart


def test_a_network_has_one_colour_in_both_sweeps_and_a_sweep_one_kind_of_line() -> None:
    points = [Epoch(number, 1 / number, 1 / number, 0.9) for number in (1, 2)]
    both = {"<b> · 1": {"base": points, "keep-0.1": points}, "New · 2": {"keep-0.1": points}}
    lines = compared_curves(both).data
    assert [line.name for line in lines] == ["base, &lt;b&gt; · 1", "keep-0.1, &lt;b&gt; · 1", "keep-0.1, New · 2"]
    assert [line.line.dash for line in lines] == ["solid", "solid", "dash"]
    assert lines[1].line.color == lines[2].line.color != lines[0].line.color


@pytest.mark.parametrize(
    ("losses", "ticks"),
    [
        ((0.7, 0.04), [0.02, 0.05, 0.1, 0.2, 0.5, 1, 2]),
        ((0.9, 1e-5), [1e-5, 1e-4, 1e-3, 1e-2, 0.1, 1]),
        ((0.24, 0.21), None),  # none of 1, 2 and 5 would be seen
        ((0.7, 0.04, 0.0, math.inf, math.nan), [0.02, 0.05, 0.1, 0.2, 0.5, 1, 2]),
        ((), None),
    ],
)
def test_the_loss_has_few_ticks(losses: tuple[float, ...], ticks: list[float] | None) -> None:
    axis = learning_chart({"keep-0.1": [Epoch(at, loss, loss, 0.9) for at, loss in enumerate(losses)]}).layout.yaxis
    assert (list(axis.tickvals) if axis.tickvals else None) == ticks
