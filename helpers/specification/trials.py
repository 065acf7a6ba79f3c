"""A trial: the same steps done with a student's code and with the reference, side by side.

Each gets copies of its own of whatever goes in, so that nothing that the student's code does to its
inputs, and nothing that it says of itself, forms what it is held against. A step that goes wrong
ends nothing: the trial goes on with the reference's values, and all its events can be compared with
those of a known mistake afterwards.
"""

import inspect
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from helpers.answers.gradients import (
    NumericalGradient,
    numerical_derivative,
    numerical_gradient,
    numerical_jacobian,
)
from helpers.specification.domains import Axes, Domain
from helpers.specification.draws import Draw
from helpers.specification.values import Tolerance, copied, difference, show

UNATTEMPTED = (NotImplementedError, KeyboardInterrupt)


class SpecificationError(Exception):
    """A specification can't be tried: the reference itself fails. The staff's mistake."""


@dataclass(frozen=True)
class Event:
    """One step of a trial.

    Attributes:
        step: the step with its inputs, for a reader: "backward(dout = [1.5])".
        inputs: what went in, by the name of its parameter.
        expected: the reference's answer.
        actual: the student's answer, or what it raised.
        problem: what is wrong, a sentence; empty if nothing is.
    """

    step: str
    inputs: Mapping[str, Any]
    expected: Any
    actual: Any
    problem: str

    @property
    def error(self) -> BaseException | None:
        """What the student's code raised, if it did."""
        return self.actual if isinstance(self.actual, BaseException) else None


@dataclass
class Trial:
    """One run of a part's steps.

    Attributes:
        student: the student's function or class.
        reference: the reference's.
        source: where values are drawn from.
        axes: the axes that have been named.
        tolerance: how near numbers must be.
        names: what the reference's notebook defines, for oracles.
        changes: parameters that a call may change in place, and must, as the reference does.
        laws: whether a changed input or a warning of Python's is a mistake.
        events: what has happened.
    """

    student: Any
    reference: Any
    source: Draw
    axes: Axes = field(default_factory=Axes)
    tolerance: Tolerance = field(default_factory=Tolerance)
    names: Mapping[str, Any] = field(default_factory=dict)
    changes: frozenset[str] = frozenset()
    laws: bool = True
    events: list[Event] = field(default_factory=list)

    # --- values -----------------------------------------------------------------------------------

    def draw(self, *domains: Domain) -> Any:
        """Return a value of each domain; one alone if there is one. They share their axes."""
        values = [domain.make(self.source, self.axes) for domain in domains]
        return values[0] if len(values) == 1 else values

    def choice(self, *options: Any) -> Any:
        """Return one of the options."""
        return self.source.choice(options)

    def times(self, low: int, high: int) -> range:
        """Return a range of a random length, for steps that are repeated."""
        return range(self.source.integer(low, high))

    def anew(self) -> None:
        """Forget the axes: what is drawn from now on has lengths of its own."""
        self.axes = Axes(limits=self.axes.limits)

    # --- steps ------------------------------------------------------------------------------------

    def call(self, *args: Any, **options: Any) -> Any:
        """Call the function with copies, compare, and return the reference's answer."""
        name = getattr(self.reference, "__name__", "your function")
        return self.both(name, self.student, self.reference, args, options)

    def make(self, *args: Any, **options: Any) -> "Pair":
        """Make an object of the class, one of the student's and one of the reference's."""
        name = getattr(self.reference, "__name__", "your class")
        made: list[Any] = []

        def student(*a: Any, **o: Any) -> None:
            made.append(self.student(*a, **o))

        def reference(*a: Any, **o: Any) -> None:
            made.append(self.reference(*a, **o))

        self.both(name, student, reference, args, options, signature=self.reference)
        ours = made[0]
        return Pair(self, made[1] if len(made) > 1 else None, ours)

    def both(
        self,
        name: str,
        student: Callable[..., Any],
        reference: Callable[..., Any],
        args: Sequence[Any] = (),
        options: Mapping[str, Any] | None = None,
        *,
        signature: Any = None,
        tolerance: Tolerance | None = None,
    ) -> Any:
        """Do one step with both, record it, and return the reference's answer.

        Args:
            name: what the step is called.
            student: does it with the student's code.
            reference: does it with the reference.
            args: inputs by position; each side is given copies.
            options: inputs by name, likewise.
            signature: the function whose parameters name the inputs, if not `reference`.
            tolerance: how near numbers must be; the trial's if None.

        Raises:
            SpecificationError: if the reference raises.
        """
        options = options or {}
        inputs = _named(signature or reference, args, options)
        step = f"{name}({', '.join(f'{key} = {show(value)}' for key, value in inputs.items())})"
        ours, our_options = copied(tuple(args)), copied(dict(options))
        theirs, their_options = copied(tuple(args)), copied(dict(options))
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                expected = reference(*ours, **our_options)
        except Exception as error:
            raise SpecificationError(f"the reference fails at {step}: {error!r}") from error
        kept = copied(expected)
        try:
            with _listening() as warned:
                actual = student(*theirs, **their_options)
                problem = difference(
                    actual, expected, f"`{name}(...)`", tolerance or self.tolerance
                )
        except UNATTEMPTED:
            raise
        except Exception as error:
            actual, problem = error, f"{type(error).__name__}: {error}"
        if not problem and warned and self.laws:
            problem = f"Python warns: {str(warned[0]).rstrip('.')}."
        before, after = (
            _named(signature or reference, ours, our_options),
            _named(signature or reference, theirs, their_options),
        )
        problem = problem or self._changed(inputs, before, after)
        self.events.append(Event(step, inputs, kept, _kept(actual), problem))
        return expected

    def _changed(
        self, given: Mapping[str, Any], ours: Mapping[str, Any], theirs: Mapping[str, Any]
    ) -> str:
        """Return which input has been changed and should not have been, or the other way round."""
        for name, value in given.items():
            if name in self.changes:
                if found := difference(theirs[name], ours[name], f"`{name}` afterwards"):
                    return found
            elif (
                self.laws
                and _comparable(value)
                and difference(theirs[name], value, "", Tolerance(0, 0))
            ):
                return f"Your code changes its input `{name}`: work on a copy."
        return ""

    def sort(self, right: Mapping[str, Any], wrong: Mapping[str, Any]) -> None:
        """Ask a check that the student has written of right and wrong versions, in a drawn order.

        Args:
            right: versions that it must accept, each under words that go on "one that ...".
            wrong: versions that it must reject, likewise.
        """
        versions = [*((words, version, True) for words, version in right.items())]
        versions += [(words, version, False) for words, version in wrong.items()]
        for place in self.source.order(len(versions)):
            words, version, verdict = versions[place]
            self._ask(words, version, verdict)

    def _ask(self, words: str, version: Any, verdict: bool) -> None:
        """Ask the student's check of one version, and the reference's, which must be right."""
        if bool(self.both("check", self.student, self.reference, (version,))) is not verdict:
            raise SpecificationError(f"the reference errs about one that {words}")
        last = self.events.pop()
        problem = last.problem
        if problem and last.error is None and isinstance(last.actual, bool | np.bool_):
            what = "rejects a right version" if verdict else "lets a wrong version pass"
            problem = f"Your check {what}: one that {words}."
        step = f"the version that {words}"
        self.events.append(replace(last, step=step, expected=None, problem=problem))

    def slope(self, f: Callable[[Any], Any], at: Any, *, elementwise: bool = False) -> None:
        """Hold the student's last answer against numerical differentiation.

        Args:
            f: the function, trusted: it knows the reference alone.
            at: the point.
            elementwise: whether f works element by element; otherwise it returns one number.
        """
        self._agrees((numerical_derivative if elementwise else numerical_gradient)(f, at))

    def jacobian(self, f: Callable[[Any], Any], at: Any) -> None:
        """Hold the student's last answer against the numerical Jacobian of f, element [i, j]."""
        self._agrees(numerical_jacobian(f, at))

    def _agrees(self, truth: NumericalGradient) -> None:
        """Hold the last answer against what numerical differentiation says, within its error."""
        last = self.events[-1]
        if last.problem:
            return
        problem = difference(
            last.actual,
            np.where(truth.undecided, 0.0, truth.value),
            f"{last.step.partition('(')[0]}",
            Tolerance(1e-6, 1e-8, self.tolerance.single),
            error=np.where(truth.undecided, np.inf, 2 * truth.error),
        )
        self.events.append(Event(last.step, last.inputs, truth.value, last.actual, problem))

    def holds(self, condition: bool, otherwise: str) -> None:
        """Record a condition on the student's last answer, and the sentence if it doesn't hold."""
        last = self.events[-1]
        problem = "" if condition else otherwise
        self.events.append(Event(last.step, last.inputs, None, last.actual, problem))

    @property
    def answer(self) -> Any:
        """The student's last answer, to be judged by a relation and never to be used."""
        return self.events[-1].actual

    @property
    def first(self) -> Event | None:
        """The first event that is wrong."""
        return next((event for event in self.events if event.problem), None)


class Pair:
    """An object of the student's and one of the reference's, treated alike.

    A method that is called is called on both, with copies, and the answers are compared; it
    returns the reference's answer.
    """

    def __init__(self, trial: Trial, theirs: Any, ours: Any) -> None:
        self._trial, self._theirs, self._ours = trial, theirs, ours

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def method(*args: Any, **options: Any) -> Any:
            return self._trial.both(
                name,
                lambda *a, **o: getattr(self._theirs, name)(*a, **o),
                getattr(self._ours, name),
                args,
                options,
            )

        return method

    @property
    def ours(self) -> Any:
        """The reference's object, for oracles."""
        return self._ours

    def read(self, *names: str, tolerance: Tolerance | None = None) -> None:
        """Compare attributes; a name may lead on: "params.W1" is the item or attribute W1."""
        for name in names:
            self._trial.both(
                f".{name}",
                lambda name=name: _reach(self._theirs, name),
                lambda name=name: _reach(self._ours, name),
                tolerance=tolerance,
            )

    def write(self, name: str, value: Any) -> None:
        """Write into an array that both keep, in place."""

        def put(target: Any) -> None:
            _reach(target, name)[...] = copied(value)

        self._trial.both(
            f".{name}[...] = {show(value)}; ", lambda: put(self._theirs), lambda: put(self._ours)
        )

    def set(self, name: str, value: Any) -> None:
        """Set an attribute of both."""
        self._trial.both(
            f".{name} = {show(value)}; ",
            lambda: setattr(self._theirs, name, copied(value)),
            lambda: setattr(self._ours, name, copied(value)),
        )


def _reach(target: Any, path: str) -> Any:
    """Return an attribute, and of a mapping an item, at the end of a path with dots."""
    first, *rest = path.split(".")
    found = getattr(target, first)
    for name in rest:
        found = found[name] if isinstance(found, Mapping) else getattr(found, name)
    return found


def _named(function: Any, args: Sequence[Any], options: Mapping[str, Any]) -> dict[str, Any]:
    """Return inputs by the names of their parameters."""
    try:
        return dict(inspect.signature(function).bind(*args, **options).arguments)
    except (TypeError, ValueError):
        return {**{f"argument {n}": value for n, value in enumerate(args, 1)}, **options}


def _comparable(value: Any) -> bool:
    return isinstance(value, np.ndarray | list | dict)


def _kept(actual: Any) -> Any:
    """Return what is kept of an answer: a copy, which later steps can't change."""
    try:
        return copied(actual)
    except Exception as error:
        return error


@contextmanager
def _listening() -> Iterator[list[Any]]:
    """Collect the warnings that numbers cause; a deprecated function may still be right."""
    found: list[Any] = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield found
    found += [w.message for w in caught if issubclass(w.category, RuntimeWarning)]
