"""Times in rounds: what is kept of them, what is flagged, and what is taken again."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import spearmanr

from ftl.cli import main
from ftl.files import read_json, write_json
from ftl.latency.machine_load import Reading, look, others
from ftl.latency.networks import time_all, time_network
from ftl.latency.rounds import CLOSE, MOST_ROUNDS, QUIET, ROUNDS, Take, figure, take_rounds, why_unstable
from ftl.models.layout import TIME
from ftl.reporting.sweep_report import candidates_table
from ftl.sweeping.results import collect, read_results
from tests.conftest import make_workspace, sweep_in


@pytest.fixture(scope="module")
def once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = make_workspace(tmp_path_factory.mktemp("swept") / "workspace")
    sweep_in(folder)
    return folder


@pytest.fixture
def swept(once: Path, tmp_path: Path) -> Path:
    """A workspace with a finished sweep of the unpruned network and half of it."""
    return Path(shutil.copytree(once, tmp_path / "workspace"))


def take(ms: float, beside: float = 0.0) -> Take:
    return Take(ms, ms * 0.9, ms * 1.2, 50, beside)


class Machine:
    """A machine whose load and times are made up, and whose clock only goes on by what is done on it.

    `load(seconds)`: the share that others use then. A network takes as many times as long as it has to share.
    """

    def __init__(self, load: Callable[[float], float], *, seconds: float = 1.0, seed: int = 0) -> None:
        self.load, self.seconds, self.now = load, seconds, 0.0
        self.rng = np.random.default_rng(seed)
        self.order: list[float] = []
        self.stages: list[str] = []

    def take(self, ms: float) -> Take:
        beside = self.load(self.now)
        self.order.append(ms)
        self.now += self.seconds
        slower = 1 + 8 * beside * self.rng.exponential() if beside > QUIET else 1 + 0.01 * self.rng.random()
        return take(ms * slower, beside)

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def run(self, networks: list[float], **more: object) -> dict[float, list[Take]]:
        return take_rounds(
            networks, self.take, lambda key, takes: None, look=lambda: self.load(self.now),
            clock=lambda: self.now, sleep=self.sleep, report=lambda *told: self.stages.append(told[2]), **more,  # type: ignore[arg-type]
        )  # fmt: skip


NETWORKS = [1.0, 2.0, 3.0, 5.0, 8.0, 13.0, 21.0, 34.0, 55.0, 89.0]


def test_on_a_quiet_machine_each_network_is_timed_once_a_round_in_another_order_and_none_again() -> None:
    machine = Machine(lambda now: 0.02)
    found = machine.run(NETWORKS)
    rounds = [machine.order[at : at + len(NETWORKS)] for at in range(0, len(machine.order), len(NETWORKS))]
    assert len(rounds) == ROUNDS
    assert all(sorted(one) == NETWORKS for one in rounds)
    assert len({tuple(one) for one in rounds}) == ROUNDS
    assert not any(why_unstable(takes) for takes in found.values())
    assert machine.now == ROUNDS * len(NETWORKS)


def test_beside_others_all_are_flagged_the_order_holds_and_no_more_than_twice_the_time_is_spent() -> None:
    single = []
    for seed in range(20):
        machine = Machine(lambda now: 0.5, seed=seed)
        found = machine.run(NETWORKS)
        figures = [figure(found[ms]) for ms in NETWORKS]
        assert all(one["unstable"] == "other programs used up to 50 % of the processor" for one in figures)
        assert spearmanr(NETWORKS, [one["median_ms"] for one in figures]).statistic >= 0.9
        single.append(spearmanr(NETWORKS, [found[ms][0].median_ms for ms in NETWORKS]).statistic)
        first = ROUNDS * len(NETWORKS)
        assert machine.now <= 2 * first + len(NETWORKS)  # a round that was begun is ended
        assert "waiting until the machine is quiet, to time again" in machine.stages
    assert min(single) < 0.9  # one take of each would not have told it


def test_what_was_disturbed_is_taken_again_once_the_machine_is_quiet_and_only_that() -> None:
    machine = Machine(lambda now: 0.9 if 10 <= now < 33 else 0.0)  # from the second round on
    found = machine.run(NETWORKS)
    assert not any(why_unstable(takes) for takes in found.values())
    assert all(figure(found[ms])["median_ms"] <= ms * 1.01 for ms in NETWORKS)
    assert {len(takes) for takes in found.values()} == {ROUNDS + 1}  # the first, two disturbed, and one that confirms
    machine = Machine(lambda now: 0.9 if 10 <= now < 15 else 0.0)
    found = machine.run(NETWORKS)
    assert {len(takes) for takes in found.values()} == {ROUNDS}  # two quiet ones are left to each


def test_without_patience_nothing_is_taken_again() -> None:
    machine = Machine(lambda now: 1.0)
    assert {len(takes) for takes in machine.run(NETWORKS, patience=0.0).values()} == {ROUNDS}


def test_rounds_go_on_behind_those_that_there_are() -> None:
    machine = Machine(lambda now: 0.0)
    found = machine.run([1.0, 2.0], before={1.0: [take(1.0), take(1.0)]})
    assert (machine.order.count(1.0), machine.order.count(2.0)) == (1, ROUNDS)
    assert [len(takes) for takes in found.values()] == [ROUNDS, ROUNDS]


@given(st.lists(st.tuples(st.floats(0.01, 1e4), st.floats(0, 1)), min_size=1, max_size=MOST_ROUNDS))
def test_the_lowest_median_is_kept_with_its_quartiles_and_relied_on_only_where_quiet_rounds_agree(
    rounds: list[tuple[float, float]],
) -> None:
    takes = [take(*one) for one in rounds]
    found = figure(takes)
    lowest = min(takes, key=lambda one: one.median_ms)
    assert (found["median_ms"], found["q1_ms"], found["q3_ms"]) == (lowest.median_ms, lowest.q1_ms, lowest.q3_ms)
    assert found["others"] == lowest.others
    assert len(found["rounds"]) == len(takes)
    agree = [one for one in takes if one.others <= QUIET and one.median_ms <= lowest.median_ms * (1 + CLOSE)]
    assert bool(found["unstable"]) == (len(agree) < 2)


@pytest.mark.parametrize(
    ("takes", "why"),
    [
        ([take(5)], "only 1 of 3 rounds taken so far"),
        ([take(5, 0.2), take(5, 0.9), take(5)], "other programs used up to 90 % of the processor"),
        ([take(5), take(7), take(7)], "its rounds differ by 40 %"),
        ([take(5), take(9, 0.9), take(5.1)], ""),
        ([take(5), take(9), take(5.1)], ""),
    ],
)
def test_why_a_time_is_not_relied_on(takes: list[Take], why: str) -> None:
    assert why_unstable(takes) == why


def test_others_use_what_is_busy_less_what_one_uses_oneself() -> None:
    before = Reading(busy=100.0, all=1000.0, own=7.0)
    assert others(before, Reading(101.5, 1002.0, 7.5)) == pytest.approx(0.5)
    assert others(before, Reading(101.0, 1002.0, 8.0)) == 0
    assert others(before, Reading(101.0, 1002.0, 9.0)) == 0  # the counters are coarse
    assert others(before, before) == 0


@contextlib.contextmanager
def spinning(niceness: int) -> Iterator[None]:
    """A program for each core that does nothing but compute."""
    command = ["nice", "-n", str(niceness), sys.executable, "-c", "print(flush=True)\nwhile True: pass"]
    programs = [subprocess.Popen(command, stdout=subprocess.PIPE) for _ in range(len(os.sched_getaffinity(0)))]
    try:
        for program in programs:
            assert program.stdout is not None
            program.stdout.readline()
        yield
    finally:
        for program in programs:
            program.kill()
            program.communicate()


@pytest.mark.parametrize("niceness", [0, 19])
def test_beside_spinning_programs_every_time_is_flagged_whatever_their_priority(swept: Path, niceness: int) -> None:
    out = swept / "models"
    with spinning(niceness):
        assert look(0.3) > QUIET
        for folder in (out / "base", out / "keep-0.5"):
            (folder / TIME).unlink()
        time_all([out / "base", out / "keep-0.5"], 1, patience=0.0)
    for candidate in collect(out):
        assert candidate.unstable.startswith("other programs used up to")
        assert candidate.time_rounds == ROUNDS
        assert candidate.time_others is not None


def test_times_are_kept_take_by_take_and_a_killed_run_goes_on(swept: Path) -> None:
    folders = [swept / "models" / name for name in ("base", "keep-0.5")]
    for folder in folders:
        (folder / TIME).unlink()
    taken: list[str] = []

    def by(folder: Path, threads: int | None, runtime: str) -> dict[str, object]:
        if len(taken) == 3:
            raise KeyboardInterrupt
        taken.append(folder.name)
        return take(4.0)._asdict() | {"threads": 1, "machine": {}, "runtime": "here"}

    with pytest.raises(KeyboardInterrupt):
        time_all(folders, 1, by=by, look=lambda: 0.0)
    assert sum(len(read_json(folder / TIME)["rounds"]) for folder in folders if (folder / TIME).is_file()) == 3
    before, told = taken.copy(), list[str]()
    taken.clear()
    taken.append("")  # so that the next interruption would come later
    time_all(folders, 1, by=lambda *one: by(*one) if taken.clear() is None else {}, look=lambda: 0.0,
             hear=lambda folder: told.append(folder.name))  # fmt: skip
    assert sorted(told) == ["base", "keep-0.5"]
    for folder in folders:
        found = read_json(folder / TIME)
        assert (len(found["rounds"]), found["unstable"], found["median_ms"]) == (ROUNDS, "", 4.0)
    assert len(before) == 3


def test_unstable_latencies_are_taken_again_where_asked_and_others_stay(swept: Path) -> None:
    folders = [swept / "models" / name for name in ("base", "keep-0.5")]
    stays, again = (read_json(folder / TIME) for folder in folders)
    stays |= figure([take(4)] * ROUNDS)
    write_json(folders[0] / TIME, stays)
    write_json(folders[1] / TIME, again | figure([take(5, 0.9)] * ROUNDS))
    taken: list[str] = []

    def by(folder: Path, threads: int | None, runtime: str) -> dict[str, object]:
        taken.append(folder.name)
        return take(4.0)._asdict() | {"threads": 1, "machine": again["machine"], "runtime": "here"}

    time_all(folders, 1, by=by, look=lambda: 0.0)
    assert not taken
    time_all(folders, 1, by=by, look=lambda: 0.0, again=True, patience=60)
    assert taken == ["keep-0.5"] * 2
    assert read_json(folders[1] / TIME)["unstable"] == ""
    assert read_json(folders[0] / TIME) == stays
    base, pruned = collect(swept / "models")
    assert (base.unstable, base.time_rounds, pruned.unstable, pruned.time_rounds) == ("", ROUNDS, "", ROUNDS + 2)


def test_what_is_unstable_says_so_in_every_table(swept: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = swept / "models"
    for name, beside in (("base", 0.0), ("keep-0.5", 0.7)):
        write_json(out / name / TIME, read_json(out / name / TIME) | figure([take(5, beside)] * MOST_ROUNDS))
    assert main(["test", str(out), "--evaluation", str(swept / "evaluation"), "--threads", "1"]) == 0
    lines = capsys.readouterr().out.splitlines()
    (row,) = [line for line in lines if line.startswith("keep-0.5")]
    assert "latency unstable: other programs used up to 70 % of the processor" in row
    assert "unstable" not in next(line for line in lines if line.startswith("base"))
    assert lines[-1].startswith("The latency of keep-0.5 is unstable")
    base, pruned = read_results(out)
    assert (base.unstable, pruned.unstable) == ("", "other programs used up to 70 % of the processor")
    assert ["latency unstable" in row[-1] for row in candidates_table([base, pruned]).rows] == [False, True]
    assert main(["choose", str(out)]) == 0
    assert "The latency of keep-0.5 is unstable" in capsys.readouterr().out
    assert main(["report", str(out)]) == 0
    assert "The latency of keep-0.5 is unstable" in (out / "report.html").read_text()


def test_one_network_is_timed_in_rounds_too(swept: Path) -> None:
    found = time_network(swept / "models" / "keep-0.5", 1)
    assert ROUNDS <= len(found["rounds"]) <= MOST_ROUNDS
    assert found["median_ms"] == min(one["median_ms"] for one in found["rounds"])
    assert found["threads"] == 1
