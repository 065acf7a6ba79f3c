"""Known wrong programs: the one that does everywhere what the student's does names the cause.

Runs programs that the course itself wrote, each in names of its own.
"""

import signal
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from operator import getitem
from typing import Any

from helpers.specification.specifications import Subject
from helpers.specification.trials import Event, Trial
from helpers.specification.values import same

SECONDS = 2.0  # of computing that a known mistake may take: some never end
ALL_SECONDS = 20.0  # that all of them may take together, before none is tried any more
AGAIN = 0.1  # until it is ended again: what is raised in a callback of the collector is lost


@dataclass(frozen=True)
class Mistake:
    """A known wrong program.

    Attributes:
        words: what it does wrong, as the end of a sentence.
        source: the whole solution cell.
    """

    words: str
    source: str


class _TooSlowError(BaseException):
    """A known mistake takes too long."""


def cause(
    mistakes: Sequence[Mistake],
    names: Mapping[str, Any],
    runs: Sequence[tuple[Callable[[Subject], Trial], Trial]],
    subject: Subject,
) -> Mistake | None:
    """Return the mistake that does what the student's code did, in every trial; None if none does.

    Or if none is found within the time that all of them have.

    Args:
        mistakes: the simplest first.
        names: what the reference's notebook defines before the exercise.
        runs: each trial, and how it went with the student's code.
        subject: what the student's code was held against.
    """
    begin = time.process_time()
    for mistake in mistakes:
        if time.process_time() - begin > ALL_SECONDS:
            return None
        own = dict(names)
        try:
            with _in_time(), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                exec(compile(mistake.source, "<mistake>", "exec"), own)
                other = Subject(subject.name, partial(getitem, own), subject.names)
                if all(_alike(run(other), before) for run, before in runs):
                    return mistake
        except (Exception, _TooSlowError):
            continue
    return None


def _alike(one: Trial, other: Trial) -> bool:
    """Tell whether two trials went alike, step by step."""
    return len(one.events) == len(other.events) and all(
        _alike_at(mine, theirs) for mine, theirs in zip(one.events, other.events, strict=True)
    )


def _alike_at(mine: Event, theirs: Event) -> bool:
    """Tell whether a step went alike; if the numbers tell nothing, in whatever else is wrong.

    What an assertion says is part of it: a result may be refused for many reasons.
    """
    if isinstance(mine.error, AssertionError) and str(mine.error) != str(theirs.error):
        return False
    if not same(mine.actual, theirs.actual) or bool(mine.fault) != bool(theirs.fault):
        return False
    judged = mine.expected is None or same(mine.actual, mine.expected)  # by more than its numbers
    return not judged or mine.problem == theirs.problem


@contextmanager
def _in_time() -> Iterator[None]:
    """End the block when it takes too long, where that can be done."""
    if (
        not hasattr(signal, "setitimer")
        or threading.current_thread() is not threading.main_thread()
    ):
        yield
        return

    def stop(*_: Any) -> None:
        raise _TooSlowError

    before = signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, SECONDS, AGAIN)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)
