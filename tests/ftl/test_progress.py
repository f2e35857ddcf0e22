"""Reports on their way to somebody who is told of them."""

from __future__ import annotations

from ftl.progress import throttled


def test_a_throttled_report_tells_beginnings_and_ends_and_little_between() -> None:
    told: list[tuple[int, int, str]] = []
    report = throttled(lambda *one: told.append(one), seconds=3600)
    for what in ("scoring", "training"):
        for done in range(4):
            report(done, 3, what)
    assert told == [(0, 3, "scoring"), (3, 3, "scoring"), (0, 3, "training"), (3, 3, "training")]

    every = throttled(lambda *one: told.append(one), seconds=0)
    told.clear()
    for done in range(4):
        every(done, 3, "scoring")
    assert [done for done, _, _ in told] == [0, 1, 2, 3]
