"""From a search to the sentence that a student reads: the cause, and a counterexample."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from helpers.specification.mistakes import Mistake, cause
from helpers.specification.promises import Promise
from helpers.specification.specifications import (
    Finding,
    Part,
    Subject,
    gone,
    search,
    shorter,
    smaller,
    trials,
)
from helpers.specification.trials import Event, Trial
from helpers.specification.values import same, show

STEPS = 4  # before the one that is wrong, that are told
WORDS = 420  # characters of steps that are told
KEPT = Mistake(
    "it gives the answer to an earlier call again, so something of that call was kept; the input "
    "may be the same array with new numbers in it",
    "",
)
OTHERWISE = (
    "The same calls made once more give another answer: something is kept from call to call, or "
    "drawn at random."
)


class CounterexampleError(AssertionError):
    """A part does not hold; the message is for the student.

    Attributes:
        raised: what the student's code raised, if it did.
    """

    def __init__(self, message: str, raised: BaseException | None = None) -> None:
        super().__init__(message)
        self.raised = raised


def hold(promise: Promise, part: Part, subject: Subject, seed: bytes) -> None:
    """Try one part of an exercise.

    Args:
        promise: what the exercise is held against.
        part: of its specification.
        subject: whose code.
        seed: of the inputs.

    Raises:
        CounterexampleError: if it does not hold.
        SpecificationError: if the reference fails.
    """
    finding, done = search(promise.specification, part, subject, seed)
    if finding is None:
        return
    if not promise.explained:
        raise CounterexampleError(finding.event.problem, finding.event.error)
    if _judges_a_version(finding.event):  # and the version is what there is to tell
        raise CounterexampleError(finding.event.problem)
    runs = list(zip(trials(promise.specification, part, seed), done, strict=False))
    known = cause(promise.mistakes, promise.before, runs, subject)
    if known is None and _answers_an_earlier_call(done):
        raise CounterexampleError(sentence(finding, KEPT))
    again = (
        OTHERWISE if known is None and _answers_otherwise(*runs[finding.number], subject) else ""
    )
    shown = shorter(smaller(finding, subject), done)
    raise CounterexampleError(f"{sentence(shown, known)} {again}".rstrip(), shown.event.error)


def _answers_otherwise(run: Callable[[Subject], Trial], before: Trial, subject: Subject) -> bool:
    """Tell whether a trial goes another way when it is made again, where one answer is right."""
    if gone(before):
        return False
    try:
        pairs = zip(run(subject).events, before.events, strict=False)
        return any(not same(now.actual, then.actual) for now, then in pairs if not then.free)
    except Exception:  # whatever it is: nothing is known then
        return False


def _answers_an_earlier_call(done: Sequence[Trial]) -> bool:
    """Tell whether each wrong answer was right before, and one of them is no coincidence.

    One number alone can be, so where no array comes back two such answers are needed; and one that
    was right at several calls is no sign of any of them.
    """
    wrong = {id(trial.first) for trial in done if trial.first}
    before: list[Event] = []
    peculiar = 0
    for event in (event for trial in done for event in trial.events):
        if id(event) in wrong:
            calls = {id(one.inputs) for one in before if _answers(event, one)}
            if not calls:
                return False
            peculiar += _peculiar(event.actual) if len(calls) == 1 else 0
        before.append(event)
    return peculiar > 1


def _answers(event: Event, earlier: Event) -> bool:
    """Tell whether an answer is what was right at an earlier call: another one, not this very step.

    A step has several events if it is held against several oracles.
    """
    if event.expected is None or same(event.actual, event.expected):  # something else is wrong
        return False
    another = event.name == earlier.name and event.inputs is not earlier.inputs
    return another and same(event.actual, earlier.expected)


def _peculiar(value: Any) -> int:
    """Return how much an answer proves that comes again: several numbers more than one."""
    if isinstance(value, dict | list | tuple):
        return sum(
            _peculiar(item) for item in (value.values() if isinstance(value, dict) else value)
        )
    if not isinstance(value, np.ndarray | float):
        return 0
    numbers = np.unique(value)
    return 2 * int(numbers.size > 2) + int(numbers.size == 1 and bool(numbers[0] % 1))


def sentence(finding: Finding, known: Mistake | None) -> str:
    """Return what a student is told: the cause if it is known, and where it shows."""
    event = finding.event
    # One step has several events, if it is held against several oracles.
    steps = {id(one.inputs): one.step for one in finding.trial.story(event)}
    where = _joined(list(steps.values())[-STEPS - 1 :])
    named = f"The mistake: {known.words.rstrip('.')}. " if known else ""
    if event.error is not None:
        return f"{named}It is called as {where}."
    if _judges_a_version(event):
        return event.problem
    words = named or f"{event.problem} "
    right = None if event.free else event.expected
    return f"{words}{_example(where, right, event.actual, bool(known), event.problem)}"


def _judges_a_version(event: Event) -> bool:
    """Tell whether what is wrong is a check's verdict, see `Trial.sort`."""
    verdict = event.error is None and event.expected is None
    return verdict and event.problem.startswith("Your check")


def _example(where: str, expected: Any, actual: Any, known: bool, problem: str) -> str:
    """Return the counterexample as a sentence."""
    if not _plain(expected) or not _plain(actual):
        return f"This shows at {where}{f': {problem}' if known else '.'}"
    right, given = show(expected), show(actual)
    if right == given or same(actual, expected):
        return f"This shows at {where}{f': {problem}' if known else '.'}"
    return f"For {where} it gives {given}, and {right} is right."


def _plain(value: Any) -> bool:
    return value is not None and not isinstance(value, BaseException | dict)


def _joined(steps: list[str]) -> str:
    text = ", then ".join(steps)
    return text if len(text) <= WORDS else f"{text[: WORDS // 2]} … {text[-WORDS // 2 :]}"
