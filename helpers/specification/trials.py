"""A trial: the same steps done with a student's code and with the reference, side by side.

Each gets copies of its own of whatever goes in, so that nothing that the student's code does to its
inputs, and nothing that it says of itself, forms what it is held against. A step that goes wrong
ends nothing: the trial goes on with the reference's values, and all its events can be compared with
those of a known mistake afterwards.

A trial that is *watched* leaves inputs and results where the student's code lives, and looks at
them again when its steps are done: memory that they share shows only there.
"""

import inspect
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import lru_cache, partial
from types import CellType, CodeType, FunctionType, MethodType
from typing import Any

import numpy as np

from helpers.answers.gradients import (
    NumericalGradient,
    numerical_derivative,
    numerical_gradient,
    numerical_jacobian,
)
from helpers.diagnosis import in_arrays
from helpers.specification.domains import Axes, Domain
from helpers.specification.draws import Draw
from helpers.specification.homes import Here, Home
from helpers.specification.values import (
    Tolerance,
    copied,
    difference,
    has_gaps,
    same,
    show,
    with_gaps,
)
from helpers.translation import own_words

CHANGES = "Your code changes its input"
SHARED = "What it returns shares its memory with the input `{}`: return a new array."
FROZEN = "Your code makes its input read-only: its caller can't change it any more."
LISTED = "{} is a {}, but an array is expected where an array went in: `np.array` makes one of it."
ALIKE = "Two calls return one and the same array: return a new array each time."
REUSED = "What an earlier call returned changes with a later one: return a new array each time."
UNATTEMPTED = (NotImplementedError, KeyboardInterrupt)


class SpecificationError(Exception):
    """A specification can't be tried: the reference itself fails. The staff's mistake."""


@dataclass(frozen=True)
class Event:
    """One step of a trial.

    Attributes:
        words: the step with its inputs, for a reader, or what says so when it is asked.
        inputs: what went in, by the name of its parameter.
        expected: the reference's answer.
        actual: the student's answer, or what it raised.
        fault: what is wrong, a sentence, or what says so when it is asked; empty if nothing is.
        free: whether other answers than the reference's are right, too.
        name: what the step is called, without its inputs.
    """

    words: str | Callable[[], str]
    inputs: Mapping[str, Any]
    expected: Any
    actual: Any
    fault: str | Callable[[], str]
    free: bool = False
    name: str = ""

    @property
    def step(self) -> str:
        """The step with its inputs, for a reader: "backward(dout = [1.5])"."""
        return self.words if isinstance(self.words, str) else self.words()

    @property
    def problem(self) -> str:
        """What is wrong, a sentence; empty if nothing is."""
        return self.fault if isinstance(self.fault, str) else self.fault()

    @property
    def error(self) -> BaseException | None:
        """What the student's code raised, if it did."""
        return self.actual if isinstance(self.actual, BaseException) else None


@dataclass(frozen=True)
class _Left:
    """What a step of a watched trial left behind: each side's inputs and result, no copies."""

    event: Event
    inputs: Mapping[str, tuple[Any, Any]]
    expected: Any
    actual: Any


_PLACES = {2: "second", 3: "third", 4: "fourth"}  # of objects of one class, the first apart


def _nothing(name: str) -> Any:
    raise NameError(f"name {name!r} is not defined", name=name)


Steps = tuple[list[Event], list[int]]  # and where among all events each story begins


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
        arrays: whether a list is a mistake where an array goes in and one is right.
        find: returns what the student calls by a name.
        home: where the student's objects live.
        watched: whether results are looked at again when the steps are done.
        distinct: whether no two results of a watched trial may share their memory.
        gaps: whether what is drawn lies in memory with gaps, as `a[:, ::2]` does.
        events: what has happened.
        state: what the student's global generators give when the steps are done.
    """

    student: Any
    reference: Any
    source: Draw
    axes: Axes = field(default_factory=Axes)
    tolerance: Tolerance = field(default_factory=Tolerance)
    names: Mapping[str, Any] = field(default_factory=dict)
    changes: frozenset[str] = frozenset()
    laws: bool = True
    arrays: bool = False
    find: Callable[[str], Any] = _nothing
    home: Home = field(default_factory=Here)
    watched: bool = False
    distinct: bool = False
    gaps: bool = False
    events: list[Event] = field(default_factory=list)
    state: tuple[Any, ...] = ()
    _left: list["_Left"] = field(default_factory=list)
    _made: dict[str, int] = field(default_factory=dict)
    _starts: list[int] = field(default_factory=list)

    # --- values -----------------------------------------------------------------------------------

    def draw(self, *domains: Domain) -> Any:
        """Return a value of each domain; one alone if there is one. They share their axes."""
        values = [domain.make(self.source, self.axes) for domain in domains]
        if self.gaps:
            values = [with_gaps(v) if isinstance(v, np.ndarray) else v for v in values]
        return values[0] if len(values) == 1 else values

    def choice(self, *options: Any) -> Any:
        """Return one of the options."""
        return self.source.choice(options)

    def times(self, low: int, high: int) -> range:
        """Return a range of a random length, for steps that are repeated."""
        return range(self.source.integer(low, high))

    def anew(self) -> None:
        """Forget the axes: what is drawn from now on has lengths of its own."""
        self.axes = Axes(limits=self.axes.limits, long=self.axes.long)

    # --- steps ------------------------------------------------------------------------------------

    def apart(self) -> None:
        """Begin steps that have nothing to do with those so far: no message tells of them."""
        self.anew()
        self._made.clear()
        self._starts.append(len(self.events))

    def story(self, event: Event) -> list[Event]:
        """Return the events that lead to one of them, with it."""
        end = 1 + next(place for place, one in enumerate(self.events) if one is event)
        return self.events[max((n for n in self._starts if n < end), default=0) : end]

    def call(self, *args: Any, **options: Any) -> Any:
        """Call the function with copies, compare, and return the reference's answer."""
        name = getattr(self.reference, "__name__", "your function")
        return self.both(
            name, lambda *a, **o: self.invoke(self.student, a, o), self.reference, args, options
        )

    def relate(self, relation: Callable[[Any], str], *args: Any, **options: Any) -> Any:
        """Call the function with copies, where more than one answer is right: see `both`."""
        name = getattr(self.reference, "__name__", "your function")
        return self.both(
            name,
            lambda *a, **o: self.invoke(self.student, a, o),
            self.reference,
            args,
            options,
            relation=relation,
        )

    def make(self, *args: Any, **options: Any) -> "Pair":
        """Make an object of the class, one of the student's and one of the reference's."""
        return self._make(lambda: self.student, self.reference, args, options)

    def make_of(self, name: str, *args: Any, **options: Any) -> "Pair":
        """Make an object of another exercise's class: the student's and the reference's."""
        return self._make(lambda: self.find(name), self.names[name], args, options)

    def _make(
        self,
        of: Callable[[], Any],
        reference: Any,
        args: Sequence[Any],
        options: Mapping[str, Any],
    ) -> "Pair":
        theirs: list[Any] = []
        ours: list[Any] = []

        def make_theirs(*a: Any, **o: Any) -> None:
            theirs.append(of()(*a, **o))

        def make_ours(*a: Any, **o: Any) -> None:
            ours.append(reference(*a, **o))

        name = getattr(reference, "__name__", "your class")
        self._made[name] = self._made.get(name, 0) + 1
        place = _PLACES.get(self._made[name], "")
        article = f"a {place} " if place else ""
        self.both(name, make_theirs, make_ours, args, options, signature=reference, whose=article)
        whose = f"the {place} one's " if place else ""
        return Pair(self, theirs[0] if theirs else None, ours[0], whose)

    def build(self, words: str, of: Callable[..., Any], *names: str) -> "Pair":
        """Build an object for each side from what set-up cells define, such as a library.

        Args:
            words: what the step is called.
            of: builds it, given what each name stands for; of the student's side that is a remote
                where the student's code has a process of its own.
            names: of set-up cells.
        """
        theirs: list[Any] = []
        ours = of(*(self.names[name] for name in names))

        def build_theirs() -> None:
            theirs.append(of(*(self.home.given(name, self.names[name]) for name in names)))

        self.both(words, build_theirs, lambda: None, assigned=str)
        return Pair(self, theirs[0] if theirs else None, ours)

    def keep(self, value: Any) -> "Kept":
        """Return an array, list or dictionary that both sides hold: no step is given a copy of it.

        Each side has one of its own, which lives where its code does.
        """
        return Kept(self, self.home.keep(copied(value)), copied(value))

    def once(self, *values: Any) -> "Once":
        """Return values one at a time, as a generator gives them: each side can go through once."""
        return Once(self.home.once(values), iter(copied(list(values))), values)

    def invoke(self, function: Any, positional: Sequence[Any], named: Mapping[str, Any]) -> Any:
        """Call a function of the student's."""
        if self.watched:
            return self.home.invoke(function, positional, named)
        return function(*positional, **named)

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
        relation: Callable[[Any], str] | None = None,
        whose: str = "",
        assigned: Callable[[], str] | None = None,
    ) -> Any:
        """Do one step with both, record it, and return the reference's answer.

        Args:
            name: what the step is called; one that begins with "." or "[" is no call.
            student: does it with the student's code.
            reference: does it with the reference.
            args: inputs by position; each side is given copies.
            options: inputs by name, likewise.
            signature: the function whose parameters name the inputs, if not `reference`.
            tolerance: how near numbers must be; the trial's if None.
            relation: where more than one answer is right: says what is wrong with one, a sentence
                or nothing.
            whose: before the name, for the reader: "the second one's ".
            assigned: tells what goes on after the name, which then is no call.

        Raises:
            SpecificationError: if the reference raises, or its answer does not pass.
        """
        options = options or {}
        parameters = _signature(signature or reference) if args or options else None
        inputs = _named(parameters, args, options)
        no_call = assigned is not None or name.startswith((".", "["))
        now = _as_now(inputs)
        # Text takes time, and is seldom read.
        words = partial(_words, f"{whose}{name}", None if no_call else now, assigned)
        ours = tuple(_handed(value, _ours) for value in args)
        our_options = {key: _handed(value, _ours) for key, value in options.items()}
        theirs, their_options = self._theirs(args), self._theirs(options)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                expected = reference(*ours, **our_options)
        except Exception as error:
            raise SpecificationError(f"the reference fails at {words()}: {error!r}") from error
        kept = copied(expected)
        if relation and (wrong := relation(copied(expected))):
            raise SpecificationError(f"the reference errs at {words()}: {wrong}")
        try:
            with _listening() as warned:
                actual = live = student(*theirs, **their_options)
                if self.watched:
                    actual = copied(live)
                snapshot = _kept(actual)
                if relation and isinstance(snapshot, Exception):
                    raise snapshot
                called = f"`{name.removeprefix('.')}`" if no_call else f"`{name}(...)`"
                problem: str | Callable[[], str] = (
                    relation(copied(snapshot))
                    if relation
                    else _fault(actual, snapshot, kept, called, tolerance or self.tolerance)
                )
        except UNATTEMPTED:
            raise
        except Exception as error:
            snapshot, live, problem = error, None, f"{type(error).__name__}: {error}"
        if not problem and warned and self.laws:
            problem = f"Python warns: {own_words(str(warned[0])) or 'RuntimeWarning'}."
        before, after = (
            _named(parameters, ours, our_options),
            _named(parameters, theirs, their_options),
        )
        if not problem and self.arrays and _listed(snapshot, kept, inputs):
            problem = LISTED.format(called, type(snapshot).__name__)
        if problem and not isinstance(snapshot, Exception):
            problem = self._overwriting(problem, inputs, after)
        problem = problem or self._changed(inputs, now, before, after)
        event = Event(
            words, inputs, kept, snapshot, problem, relation is not None, f"{whose}{name}"
        )
        self.events.append(event)
        if self.watched and not problem:
            both = {key: (before.get(key), after.get(key)) for key in inputs}
            self._left.append(_Left(event, both, expected, live))
        return expected

    def _theirs(self, inputs: Any) -> Any:
        """Return inputs for the student's code: copies; of a watched trial, copies that stay."""
        hand = self._stays if self.watched else lambda value: _handed(value, _theirs)
        if isinstance(inputs, Mapping):
            return {key: hand(value) for key, value in inputs.items()}
        return tuple(hand(value) for value in inputs)

    def _stays(self, value: Any) -> Any:
        handed = _handed(value, _theirs)
        return self.home.keep(handed) if any(_arrays(value)) else handed

    def settle(self) -> None:
        """Look again at what a watched trial left: no result may have changed, or change now.

        What changes in the reference's hands too, such as parameters, may change.
        """
        if not self.watched or self.first:
            return
        problems = []
        for left in self._left:
            given = left.event.inputs.items()
            kept = [name for name, box in given if isinstance(box, Kept) and not box.written]
            problems.append(SHARED.format(kept[0]) if kept else REUSED)
        self._moved(self._left, problems)
        for left in self._left:
            for name, (ours, theirs) in left.inputs.items():
                if self.first or name in self.changes:
                    continue
                try:
                    written = _written_over(ours, theirs)
                except ValueError:
                    self.events.append(replace(left.event, expected=None, fault=FROZEN, free=False))
                    continue
                if written:
                    self._moved([left], [SHARED.format(name)])
        if self.distinct and not self.first:
            self._must_be_distinct()
        self.state = self.home.stir()

    def look_at(self, box: "Kept", words: str) -> None:
        """Look at what a watched trial left, before and after an input is written into.

        Args:
            box: the input.
            words: what is said of a result that has changed, with `{}` for the input's name.
        """
        if not self.watched or self.first:
            return
        found = {
            place: name
            for place, left in enumerate(self._left)
            for name, given in left.event.inputs.items()
            if given is box
        }
        self._moved([self._left[n] for n in found], [*map(words.format, found.values())])

    def _must_be_distinct(self) -> None:
        """Record a problem if what is written into one result shows in another."""
        for place, left in enumerate(self._left):
            with suppress(ValueError):  # a result may be read-only
                if _written_over(left.expected, left.actual):
                    later = self._left[place + 1 :]
                    self._moved(later, [ALIKE] * len(later))

    def _moved(self, left: Sequence[_Left], problems: Sequence[str]) -> None:
        """Record the problem of each result of the student's that has changed, while ours has not.

        Args:
            left: what steps left behind.
            problems: what is said of each.
        """
        still = [
            (one, problem)
            for one, problem in zip(left, problems, strict=True)
            if isinstance(one.event.expected, np.ndarray | list | tuple | dict)
            and same(copied(one.expected), one.event.expected, Tolerance(0, 0))
        ]
        now: Sequence[Any] = [one.actual for one, _ in still]
        with suppress(Exception):  # then each is asked alone
            now = self.home.seen(now) if len(now) > 1 else now
        for (one, problem), actual in zip(still, now, strict=True):
            if not same(_kept(actual), one.event.actual, Tolerance(0, 0)):
                self.events.append(replace(one.event, expected=None, fault=problem, free=False))

    def _overwriting(
        self, problem: str | Callable[[], str], given: Mapping[str, Any], theirs: Mapping[str, Any]
    ) -> str | Callable[[], str]:
        """Return what is wrong with an answer; say so too if its input was written into.

        Which is often why it is wrong, in parts that allow it and in those that don't.
        """
        for name, value in given.items():
            if name in self.changes or isinstance(value, Kept) or not _comparable(value):
                continue
            if difference(theirs[name], value, "", Tolerance(0, 0, brief=True)):
                words = f"It writes into its input `{name}`, too: work on a copy."
                return lambda: f"{problem if isinstance(problem, str) else problem()} {words}"
        return problem

    def _changed(
        self,
        given: Mapping[str, Any],
        before: Mapping[str, Any],
        ours: Mapping[str, Any],
        theirs: Mapping[str, Any],
    ) -> str:
        """Return which input has been changed and should not have been, or the other way round."""
        for name, value in given.items():
            if name in self.changes or isinstance(value, Kept):
                after = _fetched(theirs[name])
                if found := difference(after, ours[name], f"`{name}` afterwards", self.tolerance):
                    return _unmoved(name, before[name], ours[name], copied(after)) or found
            elif self.laws and _comparable(value):
                after = _fetched(theirs[name])
                if not _of_one_kind(after, value) or difference(after, value, "", Tolerance(0, 0)):
                    return f"{CHANGES} `{name}`: work on a copy."
        return ""

    def sort(self, right: Mapping[str, Any], wrong: Mapping[str, Any]) -> None:
        """Ask a check that the student has written of right and wrong versions, in a drawn order.

        What is told is the first that it judges wrongly as they are written here: plain ones first.

        Args:
            right: versions that it must accept, each under words that go on "one that ...".
            wrong: versions that it must reject, likewise.
        """
        versions = [*((words, version, True) for words, version in right.items())]
        versions += [(words, version, False) for words, version in wrong.items()]
        begin, order = len(self.events), self.source.order(len(versions))
        for place in order:
            self._starts.append(len(self.events))
            self._ask(*versions[place])
        asked = dict(zip(order, self.events[begin:], strict=True))
        self.events[begin:] = [asked[place] for place in range(len(versions))]
        self._all_alike(begin, [verdict for _, _, verdict in versions])

    def _all_alike(self, begin: int, verdicts: Sequence[bool]) -> None:
        """Say so where the check errs about every right version, or about every wrong one.

        Then what the first of them does is not the cause.
        """
        for kind, words in (
            (True, "rejects all other right versions"),
            (False, "lets all other wrong versions pass"),
        ):
            places = [begin + n for n, verdict in enumerate(verdicts) if verdict is kind]
            if len(places) > 1 and all(
                self.events[n].problem.startswith("Your check") for n in places
            ):
                for n in places:
                    event = self.events[n]
                    self.events[n] = replace(event, fault=f"{event.problem} It {words}, too.")

    def _ask(self, words: str, version: Any, verdict: bool) -> None:
        """Ask the student's check of one version, and the reference's, which must be right."""
        if isinstance(version, np.ufunc):
            raise SpecificationError(f"one that {words} must not be a ufunc: it has its name")
        if bool(self.both("check", self.student, self.reference, (version,))) is not verdict:
            raise SpecificationError(f"the reference errs about one that {words}")
        last = self.events.pop()
        problem = last.problem
        if problem and last.error is None and isinstance(last.actual, bool | np.bool_):
            what = "rejects a right version" if verdict else "lets a wrong version pass"
            problem = f"Your check {what}: one that {words}."
        step = f"check(the version that {words})"
        self.events.append(replace(last, words=step, expected=None, fault=problem))

    def slope(
        self, f: Callable[[Any], Any], at: Any, *, elementwise: bool = False, item: Any = None
    ) -> None:
        """Hold the student's last answer against numerical differentiation.

        Args:
            f: the function, trusted: it knows the reference alone.
            at: the point.
            elementwise: whether f works element by element; otherwise it returns one number.
            item: of a tuple or a dictionary, the place or the key of the part that is meant.
        """
        self._agrees((numerical_derivative if elementwise else numerical_gradient)(f, at), item)

    def jacobian(self, f: Callable[[Any], Any], at: Any) -> None:
        """Hold the student's last answer against the numerical Jacobian of f, element [i, j]."""
        self._agrees(numerical_jacobian(f, at))

    def _agrees(self, truth: NumericalGradient, item: Any = None) -> None:
        """Hold the last answer against what numerical differentiation says, within its error."""
        last = self.events[-1]
        if last.fault:
            return
        found = last.actual if item is None else last.actual[item]
        problem = _fault(
            found,
            found,
            np.where(truth.undecided, 0.0, truth.value),
            f"{last.name}{'' if item is None else f'[{item!r}]'}",
            Tolerance(
                max(1e-6, self.tolerance.rtol),
                max(1e-8, self.tolerance.atol),
                self.tolerance.single,
            ),
            error=np.where(truth.undecided, np.inf, 2 * truth.error),
        )
        self.events.append(replace(last, expected=truth.value, fault=problem, free=False))

    def holds(self, condition: bool, otherwise: str) -> None:
        """Record a condition on the student's last answer, and the sentence if it doesn't hold."""
        last = self.events[-1]
        problem = "" if condition else otherwise
        self.events.append(replace(last, expected=None, fault=problem, free=False))

    def mark(self) -> tuple[int, int]:
        """Return where the steps end now: see `take_back`."""
        return len(self.events), len(self._starts)

    def take_back(self, mark: tuple[int, int]) -> Steps:
        """Take back what has happened since a mark, and return it, for `put_back`."""
        events, starts = mark
        taken = self.events[events:], self._starts[starts:]
        del self.events[events:], self._starts[starts:]
        return taken

    def put_back(self, steps: Steps) -> None:
        """Let what was taken back have happened after all; nothing may have happened since."""
        events, starts = steps
        self.events += events
        self._starts += starts

    def say(
        self,
        about: "str | Callable[[Any, Any], str]",
        event: Event | None = None,
        *,
        instead: bool = False,
    ) -> None:
        """Say more about the last step, or another one, if its answer is wrong.

        Args:
            about: the words, or what makes them from the wrong answer and the right one.
            event: the other step.
            instead: whether they stand in place of what is said already.
        """
        event = event or self.events[-1]
        if not event.fault or event.error is not None:
            return
        if same(event.actual, event.expected, self.tolerance):
            return
        if isinstance(event.fault, str) and event.fault.startswith(CHANGES):
            return
        try:
            words = about if isinstance(about, str) else about(event.actual, event.expected)
        except Exception:  # an answer may be anything
            return
        if words:
            place = next(n for n, one in enumerate(self.events) if one is event)
            more = words if instead else lambda: f"{event.problem.rstrip()} {words}"
            self.events[place] = replace(event, fault=more)

    @property
    def answer(self) -> Any:
        """The student's last answer, to be judged by a relation and never to be used."""
        return self.events[-1].actual

    @property
    def first(self) -> Event | None:
        """The first event that is wrong."""
        return next((event for event in self.events if event.fault), None)

    @property
    def firsts(self) -> list[Event]:
        """The first event that is wrong of each story: see `apart`."""
        ends = [*self._starts, len(self.events)]
        stories = [self.events[a:b] for a, b in zip([0, *self._starts], ends, strict=True)]
        found = (next((event for event in story if event.fault), None) for story in stories)
        return [event for event in found if event]


class Pair:
    """An object of the student's and one of the reference's, treated alike.

    A method that is called is called on both, with copies, and the answers are compared; it
    returns the reference's answer.
    """

    def __init__(self, trial: Trial, theirs: Any, ours: Any, whose: str = "") -> None:
        self._trial, self._theirs, self._ours, self._whose = trial, theirs, ours, whose

    def __repr__(self) -> str:
        return f"a {type(self._ours).__name__}"

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def method(*args: Any, **options: Any) -> Any:
            return self._trial.both(
                name,
                lambda *a, **o: self._trial.invoke(getattr(self._theirs, name), a, o),
                getattr(self._ours, name),
                args,
                options,
                whose=self._whose,
            )

        return method

    def do(self, name: str, *args: Any, **options: Any) -> None:
        """Call a method whose answer nobody asks for: it may return anything."""
        self._trial.both(
            name,
            lambda *a, **o: _unanswered(self._trial.invoke(getattr(self._theirs, name), a, o)),
            lambda *a, **o: _unanswered(getattr(self._ours, name)(*a, **o)),
            args,
            options,
            signature=getattr(self._ours, name),
            whose=self._whose,
        )

    def __getitem__(self, key: Any) -> "Pair":
        """Return an item of both."""
        theirs: list[Any] = []
        self._trial.both(f"[{key!r}]", lambda: theirs.append(self._theirs[key]), lambda: None)
        return Pair(self._trial, theirs[0] if theirs else None, self._ours[key])

    @property
    def ours(self) -> Any:
        """The reference's object, for oracles."""
        return self._ours

    @property
    def theirs(self) -> Any:
        """The student's object, for steps that no method does; it forms no expectation."""
        return self._theirs

    def read(
        self,
        *names: str,
        tolerance: Tolerance | None = None,
        relation: Callable[[Any], str] | None = None,
    ) -> None:
        """Compare attributes; a name may lead on: "params.W1" is the item or attribute W1.

        With a relation they are judged by that: see `Trial.both`.
        """
        for name in names:
            self._trial.both(
                f".{name}",
                lambda name=name: _reach(self._theirs, name),
                lambda name=name: _reach(self._ours, name),
                tolerance=tolerance,
                relation=relation,
                whose=self._whose,
            )

    def write(self, name: str, value: Any) -> None:
        """Write into an array that both keep, in place."""

        def put(target: Any) -> None:
            _reach(target, name)[...] = copied(value)

        self._trial.both(
            f".{name}",
            lambda: put(self._theirs),
            lambda: put(self._ours),
            whose=self._whose,
            assigned=lambda: f"[...] = {show(value)}",
        )

    def set(self, name: str, value: Any) -> None:
        """Set an attribute of both."""
        self._trial.both(
            f".{name}",
            lambda: setattr(self._theirs, name, copied(value)),
            lambda: setattr(self._ours, name, copied(value)),
            whose=self._whose,
            assigned=lambda: f" = {show(value)}",
        )


class Kept:
    """An array, a list or a dictionary that both sides hold, one each."""

    def __init__(self, trial: Trial, theirs: Any, ours: Any) -> None:
        self._trial, self._theirs, self._ours = trial, theirs, ours
        self.written = False

    def __repr__(self) -> str:
        return show(self._ours)

    @property
    def ours(self) -> Any:
        """The reference's, for oracles."""
        return self._ours

    def write(self, value: Any, key: Any = ...) -> None:
        """Write into both in place: a whole array, or one item."""

        def write_theirs() -> None:
            try:
                self._theirs[key] = copied(value)
            except ValueError:
                raise ValueError(FROZEN) from None

        self._trial.look_at(self, REUSED)
        self._trial.both(
            "[...]" if key is ... else f"[{show(key)}]",
            write_theirs,
            lambda: self._ours.__setitem__(key, copied(value)),
            assigned=lambda: f" = {show(value)}",
        )
        self.written = True
        self._trial.look_at(self, SHARED)

    def compare(self, name: str) -> None:
        """Compare what both hold; the name is what it is called, such as "params['W1']"."""
        self._trial.both(name, lambda: self._theirs, lambda: self._ours, assigned=str)


class Once:
    """An iterator for each side, over the same values."""

    def __init__(self, theirs: Any, ours: Any, values: Sequence[Any]) -> None:
        self._theirs, self._ours, self._values = theirs, ours, values

    def __repr__(self) -> str:
        return f"a generator of {show(list(self._values))}"


def _listed(actual: Any, expected: Any, inputs: Mapping[str, Any]) -> bool:
    """Tell whether an answer is a list where the reference makes an array of an array."""
    given = any(isinstance(value, np.ndarray) and value.ndim for value in inputs.values())
    return given and isinstance(expected, np.ndarray) and isinstance(actual, list | tuple)


def _unmoved(name: str, before: Any, ours: Any, theirs: Any) -> str:
    """Return that an input, or the first array in it that should have changed, has not."""
    exactly = Tolerance(0, 0)
    if isinstance(ours, dict) and isinstance(theirs, dict):
        for key in ours:
            if key in theirs and not same(ours[key], theirs[key]):
                return _unmoved(f"{name}[{key!r}]", before[key], ours[key], theirs[key])
    elif isinstance(ours, np.ndarray) and same(theirs, before, exactly):
        return f"`{name}` is as it was before: this call should change it."
    return ""


def _unanswered(answer: Any) -> None:
    """Forget an answer."""


def _handed(value: Any, side: Callable[[Any], Any], known: dict[int, Any] | None = None) -> Any:
    """Return a copy of a value, in which what both sides hold is one side's own.

    What stands in it twice, stands twice in the copy.
    """
    known = {} if known is None else known
    if id(value) not in known:
        known[id(value)] = _handed_once(value, side, known)
    return known[id(value)]


def _handed_once(value: Any, side: Callable[[Any], Any], known: dict[int, Any]) -> Any:
    match value:
        case Pair() | Kept() | Once():
            return side(value)
        case dict():
            return {key: _handed(item, side, known) for key, item in value.items()}
        case list():
            return [_handed(item, side, known) for item in value]
        case tuple():
            return tuple(_handed(item, side, known) for item in value)
    return copied(value)


def _ours(value: Any) -> Any:
    return value._ours


def _theirs(value: Any) -> Any:
    return value._theirs


def _arrays(value: Any) -> Iterator[bool]:
    """Yield True for each array that a value is or holds."""
    if isinstance(value, np.ndarray):
        yield True
    elif isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _arrays(item)


def _written_over(ours: Any, theirs: Any) -> bool:
    """Write other numbers over both sides' copies of an input; tell whether that could be done.

    What a dictionary or a list holds is written over, not the dictionary.

    Raises:
        ValueError: if the student's can't be written into, and ours can.
    """
    if isinstance(ours, dict | list):
        done = False
        try:
            held = dict(theirs.items()) if isinstance(ours, dict) else dict(enumerate(theirs))
        except (AttributeError, LookupError, TypeError):  # something else stands in its place
            return False
        for key in list(ours) if isinstance(ours, dict) else range(len(ours)):
            if key in held:  # or the student's code has taken it out
                done |= _written_over(ours[key], held[key])
        return done
    if not isinstance(ours, np.ndarray) or not ours.size or not ours.flags.writeable:
        return False
    other = np.logical_not(ours) if ours.dtype.kind == "b" else np.where(ours == 1, 2, 1)
    ours[...] = other
    try:
        theirs[...] = other
    except ValueError:
        raise
    except Exception:
        return False
    return True


def _reach(target: Any, path: str) -> Any:
    """Return an attribute, and of a mapping an item, at the end of a path with dots."""
    first, *rest = path.split(".")
    found = getattr(target, first)
    for name in rest:
        found = found[name] if isinstance(found, Mapping) else getattr(found, name)
    return found


def _fault(
    actual: Any, snapshot: Any, expected: Any, name: str, tolerance: Tolerance, **hints: Any
) -> str | Callable[[], str]:
    """Return what is wrong with an answer, or what says so when it is asked.

    The cause takes long to find, and of many trials one is told.
    """
    if not (brief := difference(actual, expected, name, _brief(tolerance), **hints)):
        return ""
    if type(snapshot) is not type(actual):
        return difference(actual, expected, name, tolerance, **hints)
    return lambda: difference(snapshot, expected, name, tolerance, **hints) or brief


@lru_cache(maxsize=256)
def _brief(tolerance: Tolerance) -> Tolerance:
    return replace(tolerance, brief=True)


class _Parameters:
    """Which parameter each argument of a call is for; calls are many, and their forms few."""

    def __init__(self, signature: inspect.Signature) -> None:
        self._signature = signature
        self._known: dict[tuple[int, tuple[str, ...]], dict[str, Any] | None] = {}

    def named(self, args: Sequence[Any], options: Mapping[str, Any]) -> dict[str, Any]:
        """Return the arguments by the names of their parameters.

        Raises:
            TypeError: if such a call can't be made.
        """
        form = len(args), tuple(options)
        if form not in self._known:
            bound = self._signature.bind(*range(len(args)), **{key: key for key in options})
            plain = all(isinstance(place, int | str) for place in bound.arguments.values())
            self._known[form] = dict(bound.arguments) if plain else None
        places = self._known[form]
        if places is None:  # *args or **options: one parameter for several
            return dict(self._signature.bind(*args, **options).arguments)
        return {
            name: args[place] if isinstance(place, int) else options[place]
            for name, place in places.items()
        }


def _signature(function: Any) -> _Parameters | None:
    """Return a function's parameters, if it can tell them; trials are many and functions few."""
    plain = getattr(function, "__func__", function)
    try:
        if not isinstance(plain, FunctionType) or plain.__dict__:  # it may wrap another, or claim
            return _Parameters(inspect.signature(function))
        bound = isinstance(function, MethodType)
        named = tuple(plain.__kwdefaults__ or ())
        return _signature_of(plain.__code__, len(plain.__defaults__ or ()), named, bound)
    except (TypeError, ValueError):
        return None


@lru_cache(maxsize=1024)
def _signature_of(
    code: CodeType, defaults: int, named: tuple[str, ...], bound: bool
) -> _Parameters:
    """Return the parameters of any function with this code and as many defaults."""
    function = FunctionType(code, {}, argdefs=(None,) * defaults, closure=_cells(code))
    function.__kwdefaults__ = dict.fromkeys(named)
    return _Parameters(inspect.signature(MethodType(function, object()) if bound else function))


def _cells(code: CodeType) -> tuple[CellType, ...]:
    return tuple(CellType() for _ in code.co_freevars)


def _named(
    parameters: _Parameters | None, args: Sequence[Any], options: Mapping[str, Any]
) -> dict[str, Any]:
    """Return inputs by the names of their parameters."""
    try:
        if parameters:
            return parameters.named(args, options)
    except TypeError:
        pass
    return {**{f"argument {n}": value for n, value in enumerate(args, 1)}, **options}


def _words(name: str, inputs: Mapping[str, Any] | None, assigned: Callable[[], str] | None) -> str:
    """Return a step with its inputs, for a reader."""
    if inputs is None:
        return name + (assigned() if assigned else "")
    return f"{name}({', '.join(f'{key} = {_typed(value)}' for key, value in inputs.items())})"


_USUAL = (np.dtype(float), np.dtype(int), np.dtype(bool))


def _typed(value: Any) -> str:
    """Return an input in one short line, with its type and layout where they are unusual."""
    if isinstance(value, np.ndarray) and has_gaps(value):
        return f"{_typed(np.array(value, order='C'))} (every second number of a longer array)"
    if isinstance(value, np.generic) and not isinstance(value, np.float64):
        return f"np.{type(value).__name__}({show(value)})"
    if isinstance(value, np.ndarray) and value.dtype.kind in "iuf" and value.dtype not in _USUAL:
        return f"np.{value.dtype.name}({show(value)})"
    return show(value)


def _as_now(value: Any) -> Any:
    """Return an input in which copies stand for what steps change in place."""
    match value:
        case dict():
            return {key: _as_now(item) for key, item in value.items()}
        case list():
            return [_as_now(item) for item in value]
        case tuple():
            return tuple(_as_now(item) for item in value)
    return copied(value.ours) if isinstance(value, Kept) else value


def _comparable(value: Any) -> bool:
    return isinstance(value, np.ndarray | list | dict)


def _of_one_kind(found: Any, given: Any) -> bool:
    """Tell whether arrays still hold the kind of numbers that they were given with.

    Numbers alone don't show it: a float32 result is allowed float32's rounding.
    """
    if isinstance(given, np.ndarray):
        return not isinstance(found, np.ndarray) or found.dtype == given.dtype
    if not isinstance(found, dict | list):  # it lives elsewhere: there the numbers tell
        return True
    try:
        keys = list(given) if isinstance(given, dict) else range(len(given))
        return all(_of_one_kind(found[key], given[key]) for key in keys if _comparable(given[key]))
    except (LookupError, TypeError):  # whatever it is: the numbers tell
        return True


def _fetched(value: Any) -> Any:
    """Return what lives in another process as a copy of this one's; all else as it is."""
    return copied(value) if hasattr(type(value), "__fetch__") else value


def _kept(actual: Any) -> Any:
    """Return what is kept of an answer: a copy, which later steps can't change.

    It is made once: what is judged and what later steps go on from are the same numbers, though an
    object give others each time that it is asked.
    """
    try:
        return in_arrays(copied(actual))
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
