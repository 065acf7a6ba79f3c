"""Questions and their checks: what a notebook's test cells are written in.

A `Question` runs every check even if one fails, shows a line for each with its diagnosis, and
scores the points earned. Nothing here decides where a check runs: in the student's notebook, in a
grader or in a test. Random points come from a public seed unless a grader has set a secret one.
"""

import builtins
import contextlib
import hashlib
import hmac
import io
import linecache
import logging
import sys
import warnings
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import asdict, dataclass
from enum import StrEnum
from types import CodeType
from typing import Any

import numpy as np
import numpy.typing as npt

from helpers import cells
from helpers.answers.gradients import NumericalGradient, numerical_derivative, numerical_gradient
from helpers.diagnosis import ATOL, RTOL, as_numbers, diagnose, shape_sentence
from helpers.panel import NotAllRightError, Panel, Score, shows_html, validating
from helpers.specification.homes import Here, Home
from helpers.specification.promises import promise
from helpers.specification.specifications import Subject
from helpers.specification.verdicts import CounterexampleError, hold
from helpers.translation import TAKEN, own_words, translate, undefined

PUBLIC_SEED = b"deep learning from scratch"
ATTEMPTS = 20
LONGEST = 600  # characters of a message

cells.watch()

_seed: ContextVar[bytes] = ContextVar("seed", default=PUBLIC_SEED)
_quotable: ContextVar[Collection[str] | None] = ContextVar("quotable", default=None)


class Outcome(StrEnum):
    """How a check ended. Only FAILED and NOT_ATTEMPTED cost marks."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_ATTEMPTED = "not attempted"
    UNDECIDED = "undecided"


class UndecidedError(Exception):
    """A check found no point at which it could decide: every one drawn was a kink or rounding."""


@dataclass(frozen=True)
class CheckResult:
    """One check's verdict.

    Attributes:
        name: what the check holds, as an end of "your function ..."; unique in its question.
        outcome: how it ended.
        points: what it is worth.
        essential: without it the whole question is worth nothing.
        message: for the student: the diagnosis; empty if the check passed.
    """

    name: str
    outcome: Outcome
    points: float
    essential: bool
    message: str

    @property
    def passed(self) -> bool:
        """True unless the check cost marks."""
        return self.outcome in (Outcome.PASSED, Outcome.UNDECIDED)

    def to_json(self) -> dict[str, Any]:
        """Return the verdict as plain values for JSON."""
        return {**asdict(self), "outcome": self.outcome.value, "passed": self.passed}


@contextlib.contextmanager
def seeded(seed: bytes) -> Iterator[None]:
    """Within the block, questions draw points that only a holder of the seed can predict.

    Args:
        seed: the hand-in's own, derived from a secret of the course; another one gives other
            points, the same one the same points again.
    """
    token = _seed.set(seed)
    try:
        yield
    finally:
        _seed.reset(token)


@contextlib.contextmanager
def hidden(names: Collection[str]) -> Iterator[None]:
    """Within the block, checks are hidden ones: no message of theirs quotes what code says.

    What code raises or warns of there is told by its kind, and by the line of the code that it
    comes from: in words of its own it could say what the check's inputs are.

    Args:
        names: those that stand in the student's code, which Python's own errors may name.
    """
    token = _quotable.set(names)
    try:
        yield
    finally:
        _quotable.reset(token)


class Question:
    """The checks of one exercise, and the points they earn.

    Args:
        title: the exercise's name, shown above the lines.
        points: the full marks; the points of all checks, hidden ones too, add up to it.
        see: where in the chapter to look, quoted when a check fails.
    """

    def __init__(self, title: str, points: float, see: str = "") -> None:
        self.title = title
        self.points = points
        self.see = see
        self.results: list[CheckResult] = []
        self.measured: dict[str, float] = {}
        self._file, self._names = _test_cell()
        self._rng = self._generator("")

    @property
    def rng(self) -> np.random.Generator:
        """The random generator of the check that is running; each check has its own."""
        return self._rng

    @property
    def home(self) -> Home:
        """Where the student's code runs, and what it returns can stay."""
        home: Home = getattr(self._names, "home", Here())
        return home

    @contextlib.contextmanager
    def check(self, name: str, points: float = 1, *, essential: bool = False) -> Iterator[None]:
        """Run a block as one check: what it raises is the check's verdict and goes no further.

        Args:
            name: what must hold, e.g. "gives the known values".
            points: what it is worth.
            essential: if it fails, the question scores 0 whatever else holds.
        """
        self._rng = self._generator(name)
        outcome, message = Outcome.PASSED, ""
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            try:
                with _silent_stderr():
                    yield
            except KeyboardInterrupt:
                raise
            except BaseException as error:
                outcome, message = self._judge(error)
        warned = [w for w in caught if not issubclass(w.category, DeprecationWarning)]
        if outcome is Outcome.FAILED and warned:
            message += f" (Python warned: {_warning(warned[0])}.)"
        self.results.append(CheckResult(name, outcome, points, essential, message))

    def compare(self, name: str) -> None:
        """Hold an answer against its specification: each of its parts is a check.

        Args:
            name: the exercise's, and that of the function or class that the student has written.

        Raises:
            PromiseError: if there is no specification of the exercise.
        """
        known = promise(name)
        for part in known.specification.parts:
            target = part.of or name
            subject = Subject(target, self._answer, known.names, self.home)
            with self.check(part.name, part.points, essential=part.essential):
                try:
                    hold(known, part, subject, self._key(part.name))
                except CounterexampleError as error:
                    if error.raised is None:
                        raise
                    _, words = self._judge(error.raised)
                    raise AssertionError(f"{words} {error}") from error.raised

    def given(self, name: str) -> Any:
        """Return what a set-up cell defines, such as a library, where the student's code runs.

        While work is graded that is another process than this one: what is built with it there is
        what the student's functions can be handed.
        """
        return self.home.given(name, self._answer(name))

    def measure(self, name: str, value: float) -> None:
        """Write down a number that was found out, to be shown beside the points.

        Args:
            name: what it is, such as "accuracy on new images".
            value: the number.
        """
        self.measured[name] = float(value)

    def written(self, name: str) -> str:
        """Return the text of the cell that answers this exercise and defines this function."""
        return self.home.written(self._answer(name))

    def _answer(self, name: str) -> Any:
        """Return what the student calls by this name."""
        try:
            return self._names[name]
        except KeyError:
            raise NameError(f"name {name!r} is not defined", name=name) from None

    @property
    def complete(self) -> bool:
        """True if all the checks are here; False in a released notebook without the hidden ones."""
        return sum(result.points for result in self.results) >= self.points

    @property
    def earned(self) -> float:
        """The points of the checks that passed; none if an essential one failed."""
        if any(result.essential and not result.passed for result in self.results):
            return 0
        return _plain(min(self.points, sum(r.points for r in self.results if r.passed)))

    def score(self) -> float:
        """Show a line for each check and return the points earned, as nbgrader reads them.

        To be called after the last check. In a notebook the number shows itself as a panel; else
        the lines are printed. Where all checks passed that is all the points, though hidden ones be
        missing: nbgrader's Validate has nothing to complain of.

        Raises:
            NotAllRightError: if nbgrader validates the notebook and there is something to complain
                of.
        """
        panel = self.panel
        earned = _plain(self.points) if all(r.passed for r in self.results) else self.earned
        if validating() and earned < self.points:
            raise NotAllRightError(panel)
        if shows_html():
            return Score(earned, panel)
        print(panel.text())
        return earned

    @property
    def panel(self) -> Panel:
        """What there is to say of the checks so far."""
        if self.results and all(r.outcome is Outcome.NOT_ATTEMPTED for r in self.results):
            return Panel(self.title, [], ["not attempted yet."])
        failed = any(not result.passed for result in self.results)
        return Panel(self.title, self.results, list(self._summary()), self.see if failed else "")

    def to_json(self) -> list[dict[str, Any]]:
        """Return every check's verdict as plain values for JSON."""
        return [result.to_json() for result in self.results]

    def _key(self, check: str) -> bytes:
        return hmac.digest(_seed.get(), f"{self.title}\0{check}".encode(), "sha256")

    def _generator(self, check: str) -> np.random.Generator:
        digest = hashlib.sha256(self._key(check)).digest()
        return np.random.default_rng(int.from_bytes(digest[:16]))

    def _judge(self, error: BaseException) -> tuple[Outcome, str]:
        """Turn what a check's block raised into its outcome and the message for the student."""
        frames = list(_notebook_frames(error, self._names))
        theirs = [(code, line) for code, line in frames if code.co_filename != self._file]
        place = _quote(*theirs[-1]) if theirs else getattr(error, "student_place", "")
        # Only what the test itself says is a verdict: student code may raise the same exceptions.
        verdict = not hasattr(error, "student_place") and (not theirs or frames[-1] != theirs[-1])
        name = undefined(error)
        missing = getattr(self._names, "missing", cells.missing)
        match error:
            case NotImplementedError():
                return Outcome.NOT_ATTEMPTED, "not attempted yet"
            case UndecidedError() if verdict:
                return Outcome.UNDECIDED, _clean(error)
            case AssertionError() if verdict:
                return Outcome.FAILED, _clean(error) or "This does not hold."
            case NameError() if name and (name in missing or not place) and _may_quote(name):
                why = missing.get(name, "run the cell that defines it, or give it that name")
                return Outcome.FAILED, f"`{name}` is not defined: {_clean(why).rstrip('.')}."
            case SystemExit():
                return Outcome.FAILED, (
                    f"Your code ends the program (SystemExit) instead of returning{place}."
                )
        start = "Your code raises" if place else "This can't be checked:"
        words = self._taken(error, theirs) or translate(error, _quotable.get())
        return Outcome.FAILED, " ".join(filter(None, [f"{start} {_raised(error)}{place}.", words]))

    def _taken(self, error: BaseException, frames: Iterable[tuple[CodeType, int]]) -> str:
        """Return which names of Python's own were taken, if that may be why an error was raised."""
        if not isinstance(error, TypeError):
            return ""
        used = {name for code, _ in frames for name in code.co_names}
        here = {name: cell for name, cell in cells.taken.items() if name in used}
        taken = getattr(self._names, "taken", here)  # a grader knows by itself which ones count
        return " ".join(TAKEN.format(name=name, cell=taken[name]) for name in sorted(taken))

    def _summary(self) -> Iterator[str]:
        for name, value in self.measured.items():
            yield f"{name}: {value:.4g}."
        failed = [r for r in self.results if not r.passed]
        if not self.results:
            yield "there are no checks here: they are run when it is graded."
            return
        if not failed and not self.complete:
            yield "All the checks here pass. More are run when it is graded."
            return
        unit = "point" if self.points == 1 else "points"
        if self.complete:
            yield f"{self.earned:g} of {self.points:g} {unit}."
        else:
            more = "More checks are run when it is graded; some decide whether any points count."
            yield f"{self.earned:g} of {self.points:g} {unit} so far. {more}"
        if any(r.essential for r in failed):
            first = next(r for r in failed if r.essential)
            yield f"(The rest builds on “{first.name}”: without it there are no points.)"


# --- what a check can assert --------------------------------------------------------------------


def assert_close(
    actual: Any,
    expected: npt.ArrayLike,
    *,
    name: str = "Your result",
    rtol: float = RTOL,
    atol: float = ATOL,
    error: npt.ArrayLike = 0.0,
    batch: int | None = None,
    axes: Sequence[str] = (),
    inputs: Mapping[str, npt.ArrayLike] | None = None,
    mistakes: Mapping[str, npt.ArrayLike] | None = None,
    kinks: npt.ArrayLike | None = None,
    single: bool = False,
) -> None:
    """Raise AssertionError with a diagnosis unless the array has the expected shape and values.

    The arguments are those of `helpers.diagnosis.diagnose`.
    """
    found = diagnose(
        actual,
        expected,
        name=name,
        rtol=rtol,
        atol=atol,
        error=error,
        batch=batch,
        axes=axes,
        inputs=inputs,
        mistakes=mistakes,
        kinks=kinks,
        single=single,
    )
    if found:
        raise AssertionError(found.sentence)


def assert_shape(actual: Any, shape: tuple[int, ...], *, name: str = "Your result") -> None:
    """Raise AssertionError unless `actual` is an array (or number) of this shape."""
    array = _numbers(actual, name)
    if array.shape != shape:
        raise AssertionError(f"{name} {shape_sentence(array.shape, shape)}.")


def assert_integers(actual: Any, *, name: str = "Your result") -> None:
    """Raise AssertionError unless `actual` holds integers (no floats, no booleans)."""
    array = _numbers(actual, name)
    if array.dtype.kind not in "iu":
        raise AssertionError(f"{name} has dtype {array.dtype}, but integers are expected.")


def assert_returned(actual: Any, *things: str) -> None:
    """Raise AssertionError unless a function has returned as many things as there are names."""
    expected = f"{len(things)} values are expected: `return {', '.join(things)}`."
    if actual is None:
        raise AssertionError(f"Your function returns None, but {expected}")
    if not isinstance(actual, Sequence) or isinstance(actual, str):
        raise AssertionError(f"Your function returns one value, but {expected}")
    if len(actual) != len(things):
        count = "one value" if len(actual) == 1 else f"{len(actual)} values"
        raise AssertionError(f"Your function returns {count}, but {expected}")


def assert_keys(actual: Any, keys: Iterable[str], *, name: str = "Your result") -> None:
    """Raise AssertionError unless `actual` is a dictionary with these keys, and perhaps others."""
    if actual is None:
        raise AssertionError(f"{name} is None: a `return` is missing, or it returns nothing.")
    if not isinstance(actual, Mapping):
        raise AssertionError(f"{name} is a {type(actual).__name__}, but a dictionary is expected.")
    if missing := [key for key in keys if key not in actual]:
        found = ", ".join(map(str, list(actual)[:20])) or "none"
        raise AssertionError(f"{name} has no key {', '.join(missing)}; its keys are: {found}.")


def _numbers(actual: Any, name: str) -> npt.NDArray[Any]:
    array = as_numbers(actual)
    if isinstance(array, str):
        raise AssertionError(f"{name} {array}")
    return array


def assert_derivative(
    grad: Callable[[Any], Any],
    f: Callable[[Any], Any],
    x: npt.ArrayLike | Callable[[], npt.ArrayLike],
    *,
    name: str = "Your derivative",
    rtol: float = 1e-6,
    atol: float = 1e-8,
    mistakes: Mapping[str, Callable[[Any], npt.ArrayLike]] | None = None,
    single: bool = False,
) -> None:
    """Hold an elementwise derivative against numerical differentiation of `f`.

    Args:
        grad: the derivative to be checked; takes an array, returns one of the same shape.
        f: the function itself, elementwise; trusted.
        x: the point, or a function that draws one: it is drawn anew while a kink is hit.
        name: what to call the derivative in the sentence.
        rtol: relative tolerance, on top of the numerical derivative's own error.
        atol: absolute tolerance, likewise.
        mistakes: known wrong derivatives, each under the words that explain it.
        single: allow float32's rounding, as for `helpers.diagnosis.diagnose`.

    Raises:
        AssertionError: with a diagnosis, if it is wrong.
        UndecidedError: if no point could decide.
    """
    point, truth = _decidable_point(f, x, numerical_derivative)
    inputs = {"x": point}
    _assert_agrees(
        grad, point, truth, mistakes, name=name, rtol=rtol, atol=atol, inputs=inputs, single=single
    )


def assert_gradient(
    grad: Callable[[Any], Any],
    f: Callable[[Any], Any],
    x: npt.ArrayLike | Callable[[], npt.ArrayLike],
    *,
    name: str = "Your gradient",
    rtol: float = 1e-6,
    atol: float = 1e-8,
    batch: int | None = None,
    axes: Sequence[str] = (),
    mistakes: Mapping[str, Callable[[Any], npt.ArrayLike]] | None = None,
) -> None:
    """Hold the gradient of a scalar function of an array against numerical differentiation.

    The arguments are those of `assert_derivative`; `f` returns one number here, `batch` is the
    batch size N, if a factor of N is a likely mistake, and `axes` names the axes of x, as for
    `helpers.diagnosis.diagnose`.
    """
    point, truth = _decidable_point(f, x, numerical_gradient)
    _assert_agrees(
        grad, point, truth, mistakes, name=name, rtol=rtol, atol=atol, batch=batch, axes=axes
    )


def _assert_agrees(
    grad: Callable[[Any], Any],
    point: npt.NDArray[np.float64],
    truth: NumericalGradient,
    mistakes: Mapping[str, Callable[[Any], npt.ArrayLike]] | None,
    **options: Any,
) -> None:
    """Hold a derivative against the numerical one, but for its error and its undecided elements."""
    undecided = truth.undecided
    assert_close(
        grad(point.copy()),
        np.where(undecided, 0.0, truth.value),
        error=np.where(undecided, np.inf, 2 * truth.error),
        mistakes={words: wrong(point.copy()) for words, wrong in (mistakes or {}).items()},
        **options,
    )


def _decidable_point(
    f: Callable[[Any], Any],
    x: npt.ArrayLike | Callable[[], npt.ArrayLike],
    differentiate: Callable[[Callable[[Any], Any], npt.ArrayLike], NumericalGradient],
) -> tuple[npt.NDArray[np.float64], NumericalGradient]:
    """Return a point and the numerical derivative there; draw again while an element is undecided.

    A fixed point is taken as it is, and its undecided elements are left out.
    """
    best: tuple[npt.NDArray[np.float64], NumericalGradient] | None = None
    for _ in range(ATTEMPTS if callable(x) else 1):
        point = np.array(x() if callable(x) else x, dtype=np.float64)
        numerical = differentiate(f, point)
        if best is None or numerical.undecided.sum() < best[1].undecided.sum():
            best = point, numerical
        if not numerical.undecided.any():
            break
    assert best is not None
    point, numerical = best
    if point.size and not np.isfinite(numerical.value).any():
        raise AssertionError("The function has no slope there: it is not finite.")
    if point.size and numerical.undecided.all():
        raise UndecidedError("No point was found where the derivative exists; it costs no marks.")
    return best


def assert_verdict(
    check: Callable[[Any], Any], version: Any, expected: bool, otherwise: str
) -> None:
    """Hold what a student's own check says of one version of some code against what it should say.

    Warnings of wrong versions (overflow, invalid value) are not shown.

    Args:
        check: the student's; called with the version alone.
        version: what is right or wrong: a function, a class, an array.
        expected: True if the version is right, so that the check must let it pass.
        otherwise: the sentence for the student if the check says the opposite.

    Raises:
        AssertionError: with that sentence; with one of its own if the check doesn't return exactly
            one True or False: Python's or NumPy's, or 1 or 0.
        Exception: what the check raises.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        answer = check(version)
    if answer is None:
        raise AssertionError("Your check returns None: a `return` is missing.")
    if isinstance(answer, np.generic | np.ndarray) and answer.ndim == 0:
        answer = answer.item()
    if isinstance(answer, np.ndarray) and answer.dtype == bool:
        raise AssertionError(
            f"Your check must return one True or False, not {answer.size} of them: `np.all` or "
            "`np.allclose` reduces many to one."
        )
    if not isinstance(answer, int) or answer not in (True, False):
        number, kind = f"the number {answer}", f"of type {type(answer).__name__}"
        raise AssertionError(
            "Your check must return one True or False, but what it returns is "
            f"{number if isinstance(answer, int) else kind}."
        )
    if answer != expected:
        raise AssertionError(otherwise)


@contextlib.contextmanager
def assert_unchanged(array: npt.NDArray[Any], *, name: str = "its input") -> Iterator[None]:
    """Raise AssertionError if the block changes the array in place."""
    before = np.array(array, copy=True)
    yield
    after = np.asarray(array)
    if before.shape != after.shape or not np.array_equal(
        before, after, equal_nan=before.dtype.kind == "f"
    ):
        raise AssertionError(f"Your code changes {name} in place: work on a copy.")


@contextlib.contextmanager
def assert_quiet(*, at: str = "these inputs") -> Iterator[None]:
    """Raise AssertionError if the block makes NumPy or Python warn (overflow, invalid value)."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield
    # A deprecated function may still be right.
    spoken = [w for w in caught if issubclass(w.category, RuntimeWarning)]
    if spoken:
        raise AssertionError(f"At {at} Python warns: {_warning(spoken[0])}.")


@contextlib.contextmanager
def _silent_stderr() -> Iterator[None]:
    """Keep the block from writing to stderr: nbgrader gives a cell that does so no points."""
    before = logging.root.manager.disable
    logging.disable()
    try:
        with contextlib.redirect_stderr(io.StringIO()):
            yield
    finally:
        logging.disable(before)


# --- the notebook that a question stands in -------------------------------------------------------


def _test_cell() -> tuple[str, Mapping[str, Any]]:
    """Return the file and the names of the cell that makes a question; for `Question` alone.

    Nothing else here looks at the frame of who calls. A question needs the names for two things:
    `compare` takes from them what the student calls by a name, when it is held against its
    specification and not before, and they tell the notebook's own lines in a traceback from those
    of packages. The file tells the test's lines from the student's, which may raise the same
    exceptions. Without a frame each test cell would have to hand both over, in a line that students
    read and authors can get wrong.

    A traceback can't stand in for it: there is one only once a check has failed, while `compare`
    needs the names before that, and it begins in this module, not in the test cell, where `compare`
    has opened the block. Nor does a grader rely on it to know who raised what: where student code
    runs in another process, its errors carry their place.
    """
    cell = sys._getframe(2)
    return cell.f_code.co_filename, cell.f_globals


# --- words for what went wrong --------------------------------------------------------------------


def _notebook_frames(
    error: BaseException, names: Mapping[str, Any]
) -> Iterator[tuple[CodeType, int]]:
    """Return the code and line number of each frame of a traceback that runs in the notebook."""
    traceback = error.__traceback__
    while traceback:
        if traceback.tb_frame.f_globals is names:
            yield traceback.tb_frame.f_code, traceback.tb_lineno
        traceback = traceback.tb_next


def _quote(code: CodeType, number: int) -> str:
    line = linecache.getline(code.co_filename, number).strip()
    return f" (in `{code.co_name}`{f': `{line}`' if line else ''})"


def _clean(message: object) -> str:
    """Return a message in one line, printable and not too long."""
    try:
        text = " ".join(str(message).split())
    except (Exception, SystemExit):
        return "its message can't be shown"
    text = "".join(
        letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text
    )
    if len(text) > LONGEST:
        return text[:LONGEST] + "…"
    return text


def _may_quote(name: str) -> bool:
    """Tell whether a name may be quoted here; it may always be if the check is no hidden one."""
    names = _quotable.get()
    return names is None or name in names


def _said(message: object) -> str:
    """Return what of a message may be quoted here, without its full stop."""
    names = _quotable.get()
    text = _clean(message)
    return (text if names is None else own_words(text, names)).rstrip(".")


def _raised(error: BaseException) -> str:
    """Return an exception's kind, and what it says as far as that may be quoted here."""
    kinds = (kind.__name__ for kind in type(error).__mro__)
    kind = next((name for name in kinds if _quotable.get() is None or hasattr(builtins, name)), "")
    return ": ".join(filter(None, [kind, _said(error)]))


def _warning(caught: warnings.WarningMessage) -> str:
    """Return what a warning says as far as that may be quoted here, or else its kind."""
    kinds = (kind.__name__ for kind in caught.category.__mro__)
    return _said(caught.message) or next(name for name in kinds if hasattr(builtins, name))


def _plain(value: float) -> float:
    """Return a builtin number, as short as can be: nbgrader reads what Jupyter shows of it."""
    value = float(value)
    return int(value) if value.is_integer() else value
