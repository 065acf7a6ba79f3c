"""Specifications: what an exercise promises, in named parts, and the search for a counterexample.

A specification reads like the promise that students get:

    sigmoid = function(
        part("ordinary numbers", points=2, essential=True, x=arrays("*any", -8, 8)),
        part("numbers, lists and integers", x=scalars() | lists() | integer_arrays("*any")),
        part("any finite number, without overflow", at=[{"x": np.array([-1e308, 1e308])}]),
    )

    Relu = interaction(part("...", steps=passes), ...)      # passes(trial) does the steps

What is tried comes from a seed, small before large, and ends by count, never by time.
"""

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from helpers.specification.domains import Axes, Domain
from helpers.specification.draws import Draw, HypothesisDraw, RandomDraw
from helpers.specification.homes import Here, Home
from helpers.specification.trials import Event, Kept, Trial
from helpers.specification.values import FEW, Tolerance

CALLS, SEQUENCES = 100, 20  # that a function's, or a class's, specification tries at least
SIZES = 5  # the longest axis, at the end of a search
LONG = 70  # every axis of one trial of a function: more classes than NumPy's `choose` takes
WATCHED = 5  # of so many trials one is watched: it takes three times as long; in one more gaps
MORE = 12  # trials after the first that fails, by which its cause is told
SMALLER = 60  # trials that make a counterexample smaller

Steps = Callable[[Trial], None]


@dataclass(frozen=True)
class Part:
    """A part of a domain, worth points of its own.

    Attributes:
        name: what is promised, as the student reads it; unique in its specification.
        points: what it is worth.
        essential: without it the exercise is worth nothing.
        steps: does one trial.
        at: inputs that are tried first, in this order; by parameter. Of a function only. Nothing is
            drawn where there are no steps and no domains beside them.
        inputs: the domain of each parameter, of a function.
        axes: the least and the greatest length of a named axis.
        count: how many trials; the specification's share if None.
        tolerance: how near numbers must be.
        laws: whether a changed input or a warning of Python's is a mistake: of every part that is
            not essential, unless it says otherwise. What is essential is the mathematics.
        arrays: whether a list is a mistake where an array goes in and one is right.
        changes: parameters that are changed in place.
        of: the function or class that it is about, if that is not the exercise's own.
    """

    name: str
    points: float
    essential: bool
    steps: Steps
    at: Sequence[Mapping[str, Any]] = ()
    inputs: Mapping[str, Domain] = field(default_factory=dict)
    axes: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    count: int | None = None
    tolerance: Tolerance = field(default_factory=Tolerance)
    laws: bool = True
    arrays: bool = False
    changes: frozenset[str] = frozenset()
    of: str = ""


@dataclass(frozen=True)
class Specification:
    """An exercise's promise.

    Attributes:
        parts: in the order in which they are tried.
        trials: how many each part is given at least.
    """

    parts: tuple[Part, ...]
    trials: int

    @property
    def points(self) -> float:
        """What all parts are worth."""
        return sum(part.points for part in self.parts)


@dataclass(frozen=True)
class Subject:
    """Whose code is tried: names are looked up each time, so that a failure is the trial's.

    Attributes:
        name: of the function or class.
        find: returns what the student calls by a name.
        names: what the reference's notebook defines.
        home: where the student's objects live.
    """

    name: str
    find: Callable[[str], Any]
    names: Mapping[str, Any]
    home: Home = field(default_factory=Here)


def part(
    name: str,
    points: float = 1,
    *,
    essential: bool = False,
    steps: Steps | None = None,
    at: Sequence[Mapping[str, Any]] = (),
    axes: Mapping[str, tuple[int, int]] | None = None,
    count: int | None = None,
    rtol: float | None = None,
    atol: float | None = None,
    single: bool = False,
    kinds: bool = False,
    laws: bool | None = None,
    arrays: bool = False,
    changes: Sequence[str] = (),
    of: str = "",
    **inputs: Domain,
) -> Part:
    """Describe a part: either `steps`, or the domain of each parameter of a function.

    The arguments are the attributes of `Part`, and those of `Tolerance`.
    """
    usual = Tolerance()
    tolerance = Tolerance(
        usual.rtol if rtol is None else rtol, usual.atol if atol is None else atol, single, kinds
    )
    given = _Calls(inputs) if steps is None else steps
    return Part(
        name, points, essential, given, tuple(at), inputs, axes or {}, count, tolerance,
        not essential if laws is None else laws,
        arrays, frozenset(changes), of,
    )  # fmt: skip


def function(*parts: Part) -> Specification:
    """Describe a function: its parts share `CALLS` calls."""
    return Specification(parts, max(CALLS // len(parts), SEQUENCES))


def interaction(*parts: Part) -> Specification:
    """Describe a class, or whatever is tried in steps: each part is given `SEQUENCES` of them."""
    return Specification(parts, SEQUENCES)


@dataclass(frozen=True)
class _Calls:
    """One call with an input of each domain; options, now and then, are given by name.

    What has no default is given by position: what a student calls it is a convention.

    A watched trial has another one, with inputs of the same shapes, that may spoil the first; two
    with the same objects, which have new numbers in them at the second; and one with the inputs of
    an earlier one.
    """

    inputs: Mapping[str, Domain]

    def __call__(self, trial: Trial) -> None:
        for _ in range(2 if trial.watched else 1):
            given = {name: trial.draw(domain) for name, domain in self.inputs.items()}
            named = trial.source.integer(0, 3) == 3
            options = _options(trial.reference) & set(given) if named else set()
            first = [value for name, value in given.items() if name not in options]
            trial.call(*first, **{name: given[name] for name in options})
        if trial.watched:
            self._written_into(trial)
            trial.call(*first, **{name: given[name] for name in options})
            trial.distinct = not trial.changes

    def _written_into(self, trial: Trial) -> None:
        first, second = (
            {name: trial.draw(domain) for name, domain in self.inputs.items()} for _ in range(2)
        )
        kept = {
            name: trial.keep(value)
            for name, value in first.items()
            if _can_be_written(value, second[name])
        }
        if not kept:
            return
        trial.call(*(first | kept).values())
        for name, box in kept.items():
            if isinstance(second[name], dict):
                for key, item in second[name].items():
                    box.write(item, key)
            else:
                box.write(second[name])
        trial.call(*(second | kept).values())


def _can_be_written(before: Any, after: Any) -> bool:
    """Tell whether an input can be made another one in place."""
    if isinstance(before, dict) and isinstance(after, dict):
        return bool(before) and list(before) == list(after)
    if not isinstance(before, np.ndarray) or not isinstance(after, np.ndarray):
        return False
    alike = before.shape == after.shape and before.dtype == after.dtype
    return alike and before.size > 0 and before.flags.writeable


def _options(function: Any) -> set[str]:
    """Return the names of the parameters that have a default, but for those before one without."""
    found: set[str] = set()
    for parameter in inspect.signature(function).parameters.values():
        found = found | {parameter.name} if parameter.default is not parameter.empty else set()
    return found


# --- the search -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Finding:
    """A part that does not hold.

    Attributes:
        part: which.
        trial: the first trial that fails, or a smaller one that fails too.
        number: the number of the trial that failed.
        step: which of the trial's steps is told; the first that is wrong if None.
    """

    part: Part
    trial: Trial
    number: int
    step: Event | None = None

    @property
    def event(self) -> Event:
        """The step that is wrong."""
        event = self.step or self.trial.first
        assert event is not None
        return event


def trials(spec: Specification, part: Part, seed: bytes) -> list[Callable[[Subject], Trial]]:
    """Return a part's trials, small before large; each can be run again with other code."""
    count = part.count or spec.trials
    fixed = [_at(part, given) for given in part.at]
    alone = isinstance(part.steps, _Calls) and not part.inputs and fixed
    drawn = 0 if alone else count
    return fixed + [_drawn(part, seed, number, drawn) for number in range(drawn)]


def _at(part: Part, given: Mapping[str, Any]) -> Callable[[Subject], Trial]:
    def run(subject: Subject) -> Trial:
        trial = _trial(part, subject, RandomDraw(np.random.default_rng(0), 1))
        trial.call(*given.values())
        return trial

    return run


def _drawn(part: Part, seed: bytes, number: int, count: int) -> Callable[[Subject], Trial]:
    size = 1 + number * SIZES // count
    long = LONG if number == count - 2 and isinstance(part.steps, _Calls) else 0

    def run(subject: Subject) -> Trial:
        rng = np.random.default_rng(np.array([*seed, number], dtype=np.uint32))
        watched, gaps = number % WATCHED == WATCHED - 1, number % WATCHED == WATCHED // 2
        draw = RandomDraw(rng, size, seed, number)
        trial = _trial(part, subject, draw, watched=watched, gaps=gaps, long=long)
        part.steps(trial)
        trial.settle()
        return trial

    return run


def _trial(
    part: Part,
    subject: Subject,
    source: Draw,
    *,
    watched: bool = False,
    gaps: bool = False,
    long: int = 0,
) -> Trial:
    return Trial(
        student=subject.find(subject.name),
        reference=subject.names[subject.name],
        source=source,
        axes=Axes(limits=part.axes, long=long),
        tolerance=part.tolerance,
        names=subject.names,
        changes=part.changes,
        laws=part.laws,
        arrays=part.arrays,
        find=subject.find,
        home=subject.home,
        watched=watched and part.laws,
        gaps=gaps and part.laws,
    )


def search(
    spec: Specification, part: Part, subject: Subject, seed: bytes
) -> tuple[Finding | None, list[Trial]]:
    """Try a part until something fails.

    Args:
        spec: the specification.
        part: the part.
        subject: whose code.
        seed: another one draws other inputs, the same one the same.

    Returns:
        What fails, or None; and all trials, by which a known mistake can be recognized.

    Raises:
        SpecificationError: if the reference fails.
        Exception: NotImplementedError and what else says that nothing was attempted.
    """
    done: list[Trial] = []
    found: Finding | None = None
    for number, run in enumerate(trials(spec, part, seed)):
        trial = run(subject)
        _seeded(trial, done)
        done.append(trial)
        if found is None and trial.first:
            found = Finding(part, trial, number)
        if found and (number - found.number >= MORE or gone(trial)):
            break
    return found, done


def _seeded(trial: Trial, before: list[Trial]) -> None:
    """Record a problem if two trials leave the global generators in one state: they were seeded."""
    states = [zip(trial.state, earlier.state, strict=False) for earlier in before]
    if any(one == other for state in states for one, other in state):
        last = trial.events[-1]
        words = "Your code seeds the global random generator: all that is random repeats itself."
        trial.events.append(replace(last, expected=None, fault=words))


def gone(trial: Trial) -> bool:
    """Tell whether the student's process has ended: there is nobody to ask any more."""
    return any(type(event.error).__name__ == "StudentGoneError" for event in trial.events)


def smaller(finding: Finding, subject: Subject) -> Finding:
    """Return a smaller counterexample to a part of a function, if one is found."""
    part = finding.part
    if gone(finding.trial):
        return finding
    if finding.number < len(part.at):
        return _one_element(finding, subject)
    if not part.inputs:
        return finding
    from hypothesis import HealthCheck, Phase, find, settings
    from hypothesis.errors import Flaky, NoSuchExample
    from hypothesis.strategies import composite

    error = type(finding.event.error)
    tried: list[Trial] = []

    def run(draw: Callable[[Any], Any]) -> int:
        trial = _trial(part, subject, HypothesisDraw(draw, 3))
        part.steps(trial)
        tried.append(trial)
        return len(tried) - 1  # Hypothesis writes down what it is given: a trial is long

    def fails(number: int) -> bool:
        first = tried[number].first
        return first is not None and type(first.error) is error

    quick = settings(
        max_examples=SMALLER, database=None, derandomize=True, deadline=None,
        phases=(Phase.generate, Phase.shrink), suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    try:
        return replace(finding, trial=tried[find(composite(run)(), fails, settings=quick)])
    except (NoSuchExample, Flaky):  # code that draws or counts fails now and then
        return finding


def shorter(finding: Finding, done: Sequence[Trial]) -> Finding:
    """Return a counterexample that can be shown in full in place of one that can't, if there is.

    Args:
        finding: the one that there is.
        done: all trials.
    """
    least, chosen = _elements(list(finding.event.inputs.values())), finding
    if least <= FEW:
        return finding
    for trial in done:
        for event in trial.firsts:
            elements = _elements(list(event.inputs.values()))
            if elements < min(least, FEW) and type(event.error) is type(finding.event.error):
                least, chosen = elements, replace(finding, trial=trial, step=event)
    return chosen


def _elements(value: Any) -> int:
    """Return how many numbers an input is or holds."""
    match value:
        case dict():
            return _elements(list(value.values()))
        case list() | tuple():
            return sum(map(_elements, value))
        case Kept():
            return value.ours.size if isinstance(value.ours, np.ndarray) else 1
    return value.size if isinstance(value, np.ndarray) else 1


def prepare_for_smaller() -> None:
    """Import what `smaller` needs and use it once: processes forked from now on need not."""
    from hypothesis import find, settings
    from hypothesis.strategies import just

    find(just(0), lambda _: True, settings=settings(database=None, max_examples=1))


def _one_element(finding: Finding, subject: Subject) -> Finding:
    """Return a counterexample of one element, if the only input is an array that has it."""
    part, given = finding.part, finding.part.at[finding.number]
    for name, value in given.items() if len(given) == 1 else ():  # several must fit together
        for place in range(value.size if isinstance(value, np.ndarray) and value.ndim == 1 else 0):
            trial = _at(part, {**given, name: value[[place]]})(subject)
            if trial.first and type(trial.first.error) is type(finding.event.error):
                return replace(finding, trial=trial)
    return finding


def described(spec: Specification) -> Iterator[str]:
    """Yield what is checked, a line for each part, as students read it."""
    for part in spec.parts:
        unit = "point" if part.points == 1 else "points"
        needed = ", without which there are none" if part.essential else ""
        yield f"{part.name} ({part.points:g} {unit}{needed})"
