"""Limits count computing; wall time ends only what takes many times as long."""

import pytest

from course.judge.wire.clock import Clock, Limit, backstop, wall_clock
from tests.course.judge.clocks import HandClock


class Process:
    """One that has computed for some seconds, until it ends."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.ended = False

    def __call__(self) -> float:
        if self.ended:
            raise OSError
        return self.seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """A clock in a judge that itself computes nothing."""
    monkeypatch.setattr("time.process_time", lambda: 100.0)
    return Clock()


def test_a_process_is_followed_from_where_it_is(clock: Clock) -> None:
    start, process = clock.computed(), Process(7)
    clock.follow(process)
    assert clock.computed() == start
    process.seconds = 9
    assert clock.computed() == start + 2


def test_processes_one_after_the_other_add_up(clock: Clock) -> None:
    start, first, second = clock.computed(), Process(0), Process(5)
    clock.follow(first)
    first.seconds = 3
    assert clock.computed() == start + 3
    first.ended = True
    assert clock.computed() == start + 3
    clock.follow(second)
    second.seconds = 6
    assert clock.computed() == start + 4


def test_a_process_that_has_ended_before_it_is_followed_counts_nothing(clock: Clock) -> None:
    start, process = clock.computed(), Process(5)
    process.ended = True
    clock.follow(process)
    assert clock.computed() == start


def test_the_judges_own_computing_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    monkeypatch.setattr("time.process_time", lambda: 5.0)
    start = clock.computed()
    monkeypatch.setattr("time.process_time", lambda: 8.0)
    assert clock.computed() == start + 3


def test_without_a_process_to_follow_wall_time_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.process_time", lambda: 0.0)
    times = iter([5.0, 8.0])
    monkeypatch.setattr("time.monotonic", lambda: next(times))
    assert wall_clock().computed() == 3


@pytest.mark.parametrize(
    ("computing", "wall", "over"),
    [
        (9.9, 99.9, ""),
        (10, 0, "10 seconds of computing"),
        (0, 100, "100 seconds"),
        (30, 100, "100 seconds"),
    ],
)
def test_a_limit_ends_by_computing_or_long_after_by_wall_time(
    computing: float, wall: float, over: str
) -> None:
    clock = HandClock()
    clock.computing = clock.wall = 1000
    limit = Limit(clock, 10)
    assert limit() == 10
    clock.computing += computing
    clock.wall += wall
    assert (limit() <= 0) == bool(over)
    assert not over or str(limit) == over


def test_a_limit_does_not_outlast_one_that_it_is_within() -> None:
    clock = HandClock()
    outer = Limit(clock, 10)
    clock.computing, clock.wall = 8, 50
    inner = Limit(clock, 5, outer)
    assert inner() == 2
    clock.wall = 99
    assert inner() == 1
    assert Limit(clock, 1, outer)() == 1
    assert Limit(clock, 5)() == 5


def test_the_backstop_is_far_off() -> None:
    assert [backstop(seconds) for seconds in (0, 0.1, 6, 10, 600)] == [60, 60, 60, 100, 6000]
