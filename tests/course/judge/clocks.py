"""Clocks that run as a test wants, so that no test waits long or hangs on how busy a machine is."""

import os
import socket
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from course.judge import judging
from course.judge.wire.clock import Clock

HURRY = 2.0  # seconds that pass with each look at a process that sleeps
PAUSE = 0.03  # seconds of real time between two looks that belong to one sleep


class HandClock(Clock):
    """Stands still until the test moves it.

    Attributes:
        computing: the seconds that were computed.
        wall: the seconds that have passed.
        to_compute: what each look at the clock adds to `computing`.
        to_pass: what each look adds to `wall`.
    """

    def __init__(self) -> None:
        super().__init__()
        self.computing = self.wall = 0.0
        self.to_compute = self.to_pass = 0.0
        self._moved = 0

    def computed(self) -> float:
        self._count_looks()
        self.computing += self.to_compute
        return self.computing

    def passed(self) -> float:
        self._count_looks()
        self.wall += self.to_pass
        return self.wall

    def _count_looks(self) -> None:
        self._moved += bool(self.to_compute or self.to_pass)
        assert self._moved < 100, "whoever looks at the clock does not mind what it says"


class Hurried(Clock):
    """Real computing, but wall time passes only while the student's process sleeps, and fast.

    The judge looks while it waits for an answer. A process that waits for its turn on a busy
    machine, or for memory, does not sleep.
    """

    def __init__(self) -> None:
        super().__init__()
        self._tasks = Path()
        self._wall = self._last_look = 0.0
        self._slept = False

    def follow(self, read: Callable[[], float]) -> None:
        super().follow(read)
        number = ~(read.args[0] >> 3)  # type: ignore[attr-defined]  # as clock_getcpuclockid(3)
        self._tasks = Path(f"/proc/{number}/task")

    def passed(self) -> float:
        now, sleeps = time.monotonic(), self._sleeps()
        if sleeps and self._slept and now - self._last_look > PAUSE:
            self._wall += HURRY
        self._slept, self._last_look = sleeps, now
        return self._wall

    def _sleeps(self) -> bool:
        try:
            states = [path.read_bytes().rpartition(b")")[2] for path in self._tasks.glob("*/stat")]
        except OSError:  # a thread, or all of it, has just ended
            return False
        return bool(states) and all(state.split()[0] == b"S" for state in states)


def judge(connection: socket.socket, _: Mapping[str, Any]) -> None:
    """Be a judge whose clock is hurried: an entry for the warm server."""
    judging.work(connection, Hurried())


class Busy(Clock):
    """A clock on a machine that gives nobody a turn: wall time passes, and nothing is computed.

    Args:
        calm: how often it is looked at before.
    """

    def __init__(self, calm: int) -> None:
        super().__init__()
        self._calm = calm
        self._wall = 0.0

    def computed(self) -> float:
        return 0.0

    def passed(self) -> float:
        self._calm -= 1
        self._wall += 10_000.0 if self._calm < 0 else 0.0
        return self._wall


def judge_while_busy(connection: socket.socket, _: Mapping[str, Any]) -> None:
    """Be a judge on a busy machine, as often as files named `busy-…` lie in $BUSY.

    Each of them holds how often the clock is looked at before the machine is busy.
    """
    waiting = sorted(Path(os.environ["BUSY"]).glob("busy-*"))
    if not waiting:
        judging.work(connection, Clock())
        return
    calm = int(waiting[0].read_text())
    waiting[0].unlink()
    judging.work(connection, Busy(calm))
