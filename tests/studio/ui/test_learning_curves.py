"""The learning curves of two sweeps on one chart."""

from __future__ import annotations

from ftl.training.early_stopping import Epoch
from studio.ui.jobs.learning_curves import compared_curves


def test_a_network_has_one_colour_in_both_sweeps_and_a_sweep_one_kind_of_line() -> None:
    points = [Epoch(number, 1 / number, 1 / number, 0.9) for number in (1, 2)]
    both = {"<b> · 1": {"base": points, "keep-0.1": points}, "New · 2": {"keep-0.1": points}}
    lines = compared_curves(both).data
    assert [line.name for line in lines] == ["base, &lt;b&gt; · 1", "keep-0.1, &lt;b&gt; · 1", "keep-0.1, New · 2"]
    assert [line.line.dash for line in lines] == ["solid", "solid", "dash"]
    assert lines[1].line.color == lines[2].line.color != lines[0].line.color
