"""The time that student code may take: seconds of computing, and wall time for what never computes.

Other work on the machine makes code slow but not long, so a limit counts computing. Many times as
much wall time ends a sleep, a deadlock or a lost process all the same. Knows nothing of what is
limited.
"""

import time
from collections.abc import Callable
from contextlib import suppress

BACKSTOP = 10  # times the seconds of computing that a limit allows, in wall time
LEAST_BACKSTOP = 60.0  # seconds


class Clock:
    """Tells the judge how long itself and the student's processes have computed, and wall time."""

    def __init__(self) -> None:
        self._read: Callable[[], float] = lambda: 0.0
        self._before = self._start = self._last = 0.0

    @property
    def followed(self) -> Callable[[], float]:
        """What tells the computing of the process that is followed now."""
        return self._read

    def follow(self, read: Callable[[], float]) -> None:
        """Count a new process's computing from now on, in place of that of the one before.

        Args:
            read: returns its seconds of computing; raises OSError when it has ended.
        """
        self._before = self._theirs()
        self._read = read
        self._start = self._last = 0.0
        with suppress(OSError):
            self._start = self._last = read()

    def computed(self) -> float:
        """Return the seconds that judge and student have computed, from some moment on."""
        return time.process_time() + self._theirs()

    def passed(self) -> float:
        """Return the seconds of wall time, from some moment on."""
        return time.monotonic()

    def _theirs(self) -> float:
        try:
            self._last = self._read()
        except OSError:
            self._read = lambda: self._last  # for good
        return self._before + self._last - self._start


def wall_clock() -> Clock:
    """Return a clock for a process of which nothing is known: all time counts as computing."""
    clock = Clock()
    clock.follow(time.monotonic)
    return clock


class Limit:
    """An end to computing and one to wall time, counted from now on. Call it for what is left.

    Args:
        clock: what both are told by.
        seconds: of computing.
        within: another limit, which this one does not outlast.
    """

    def __init__(self, clock: Clock, seconds: float, within: "Limit | None" = None) -> None:
        self._clock = clock
        self._seconds = seconds
        self._computed = clock.computed() + seconds
        self._passed = clock.passed() + backstop(seconds)
        if within:
            self._computed = min(self._computed, within._computed)
            self._passed = min(self._passed, within._passed)

    def __call__(self) -> float:
        """Return for how many seconds one may wait before asking again; 0 or less: it is over."""
        return min(self._computed - self._clock.computed(), self._passed - self._clock.passed())

    @property
    def by_wall(self) -> bool:
        """Whether wall time has ended it, and not computing: the machine may have been busy."""
        over = self._clock.passed() >= self._passed
        return over and self._clock.computed() < self._computed

    def __str__(self) -> str:
        """Say how much has been too much."""
        if self._clock.passed() >= self._passed:
            return f"{round(backstop(self._seconds), 1):g} seconds"
        return f"{round(self._seconds, 1):g} seconds of computing"


def backstop(seconds: float) -> float:
    """Return the wall time after which something ends that may compute for so many seconds."""
    return max(LEAST_BACKSTOP, BACKSTOP * seconds)
