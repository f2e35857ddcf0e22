"""How many requests somebody may make: a bucket for each that fills evenly over a minute and is emptied by requests."""

from __future__ import annotations

_MOST_KEPT = 10_000


class Buckets:
    """Buckets by whose they are. Times are seconds of any clock that only goes on."""

    def __init__(self) -> None:
        self._left: dict[str, tuple[float, float]] = {}

    def take(self, whose: str, a_minute: int, now: float) -> float:
        """Take a request out of a bucket: 0.0, or the seconds until there will be one."""
        left, then = self._left.get(whose, (float(a_minute), now))
        left = min(a_minute, left + (now - then) * a_minute / 60)
        if left < 1:
            return (1 - left) * 60 / a_minute
        if whose not in self._left and len(self._left) >= _MOST_KEPT:
            self._forget(now)
        self._left[whose] = (left - 1, now)
        return 0.0

    def _forget(self, now: float) -> None:
        """Drop the buckets that are full again, and, were they all in use, the oldest half."""
        self._left = {whose: one for whose, one in self._left.items() if now - one[1] < 60}
        if len(self._left) >= _MOST_KEPT:
            oldest_first = sorted(self._left.items(), key=lambda pair: pair[1][1])
            self._left = dict(oldest_first[_MOST_KEPT // 2 :])
