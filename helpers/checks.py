"""Questions and their checks: what a notebook's test cells are written in.

A `Question` runs every check even if one fails, prints a line for each with its diagnosis, and
scores the points earned. Nothing here decides where a check runs: in the student's notebook, in a
grader or in a test. Random points come from a public seed unless a grader has set a secret one.
"""

import contextlib
import hashlib
import hmac
import io
import linecache
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import numpy.typing as npt

from helpers.diagnosis import ATOL, RTOL, diagnose
from helpers.gradients import NumericalGradient, numerical_derivative, numerical_gradient

PUBLIC_SEED = b"deep learning from scratch"
ATTEMPTS = 20

_seed: ContextVar[bytes] = ContextVar("seed", default=PUBLIC_SEED)


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
def seeded(secret: bytes, student: str) -> Iterator[None]:
    """Within the block, questions draw points that only the holder of `secret` can foretell.

    Args:
        secret: the course's secret.
        student: whose work is graded; another student gets other points.
    """
    token = _seed.set(hmac.digest(secret, student.encode(), "sha256"))
    try:
        yield
    finally:
        _seed.reset(token)


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
        self._file = sys._getframe(1).f_code.co_filename
        self._rng = self._generator("")

    @property
    def rng(self) -> np.random.Generator:
        """The random generator of the check that is running; each check has its own."""
        return self._rng

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
                with contextlib.redirect_stderr(io.StringIO()):
                    yield
            except NotImplementedError:
                outcome, message = Outcome.NOT_ATTEMPTED, "not attempted yet"
            except UndecidedError as error:
                outcome, message = Outcome.UNDECIDED, str(error)
            except (Exception, SystemExit) as error:
                outcome, message = Outcome.FAILED, _explain(error, self._file)
        if outcome is Outcome.FAILED and caught:
            message += f" (Python warned: {caught[0].message}.)"
        self.results.append(CheckResult(name, outcome, points, essential, message))

    @property
    def complete(self) -> bool:
        """True if all the checks are here; False in a released notebook without the hidden ones."""
        return sum(result.points for result in self.results) >= self.points

    @property
    def earned(self) -> float:
        """The points earned: all if every check passed, none if an essential one failed."""
        if not self.results or any(r.essential and not r.passed for r in self.results):
            return 0
        if all(r.outcome is Outcome.UNDECIDED for r in self.results):
            return 0
        if all(r.passed for r in self.results):
            return self.points
        return sum(r.points for r in self.results if r.passed)

    def score(self) -> float:
        """Print a line for each check and return the points earned, as nbgrader reads them."""
        print("\n".join(self._lines()))
        return self.earned

    def to_json(self) -> list[dict[str, Any]]:
        """Return every check's verdict as plain values for JSON."""
        return [result.to_json() for result in self.results]

    def _generator(self, check: str) -> np.random.Generator:
        key = hmac.digest(_seed.get(), f"{self.title}\0{check}".encode(), "sha256")
        return np.random.default_rng(int.from_bytes(hashlib.sha256(key).digest()[:16]))

    def _lines(self) -> Iterator[str]:
        if self.results and all(r.outcome is Outcome.NOT_ATTEMPTED for r in self.results):
            yield f"{self.title}: not attempted yet."
            return
        yield self.title
        for result in self.results:
            mark = "✓" if result.passed else "✗"
            yield f"  {mark} {result.name}"
            if result.message:
                yield f"      {result.message}"
        yield from self._summary()

    def _summary(self) -> Iterator[str]:
        failed = [r for r in self.results if not r.passed]
        if not failed and not self.complete:
            yield "All the checks here pass. More are run when it is graded."
            return
        yield f"{self.earned:g} of {self.points:g} points."
        if any(r.essential for r in failed):
            first = next(r for r in failed if r.essential)
            yield f"(The rest builds on “{first.name}”: without it there are no points.)"
        if failed and self.see:
            yield f"Look again at: {self.see}"


# --- what a check can assert --------------------------------------------------------------------


def assert_close(
    actual: Any,
    expected: npt.ArrayLike,
    *,
    name: str = "Your result",
    rtol: float = RTOL,
    atol: float = ATOL,
    batch: int | None = None,
    inputs: Mapping[str, npt.ArrayLike] | None = None,
    mistakes: Mapping[str, npt.ArrayLike] | None = None,
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
        batch=batch,
        inputs=inputs,
        mistakes=mistakes,
    )
    if found:
        raise AssertionError(found.sentence)


def assert_shape(actual: Any, shape: tuple[int, ...], *, name: str = "Your result") -> None:
    """Raise AssertionError unless `actual` is an array (or number) of this shape."""
    if actual is None:
        raise AssertionError(f"{name} is None: a `return` is missing, or it returns nothing.")
    if np.shape(actual) != shape:
        raise AssertionError(f"{name} has shape {np.shape(actual)} instead of {shape}.")


def assert_integers(actual: Any, *, name: str = "Your result") -> None:
    """Raise AssertionError unless `actual` holds integers (no floats, no booleans)."""
    dtype = np.asarray(actual).dtype
    if dtype.kind not in "iu":
        raise AssertionError(f"{name} has dtype {dtype}, but integers are wanted.")


def assert_derivative(
    grad: Callable[[Any], Any],
    f: Callable[[Any], Any],
    x: npt.ArrayLike | Callable[[], npt.ArrayLike],
    *,
    name: str = "Your derivative",
    rtol: float = 1e-6,
    atol: float = 1e-8,
    mistakes: Mapping[str, Callable[[Any], npt.ArrayLike]] | None = None,
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

    Raises:
        AssertionError: with a diagnosis, if it is wrong.
        UndecidedError: if no point could decide.
    """
    _assert_gradient(grad, f, x, numerical_derivative, name, rtol, atol, None, mistakes, True)


def assert_gradient(
    grad: Callable[[Any], Any],
    f: Callable[[Any], Any],
    x: npt.ArrayLike | Callable[[], npt.ArrayLike],
    *,
    name: str = "Your gradient",
    rtol: float = 1e-6,
    atol: float = 1e-8,
    batch: int | None = None,
    mistakes: Mapping[str, Callable[[Any], npt.ArrayLike]] | None = None,
) -> None:
    """Hold the gradient of a scalar function of an array against numerical differentiation.

    The arguments are those of `assert_derivative`; `f` returns one number here, and `batch` is the
    batch size N, if a factor of N is a likely mistake.
    """
    _assert_gradient(grad, f, x, numerical_gradient, name, rtol, atol, batch, mistakes, False)


def _assert_gradient(
    grad: Callable[[Any], Any],
    f: Callable[[Any], Any],
    x: npt.ArrayLike | Callable[[], npt.ArrayLike],
    differentiate: Callable[[Callable[[Any], Any], npt.ArrayLike], NumericalGradient],
    name: str,
    rtol: float,
    atol: float,
    batch: int | None,
    mistakes: Mapping[str, Callable[[Any], npt.ArrayLike]] | None,
    quote_point: bool,
) -> None:
    point, numerical = _decidable_point(f, x, differentiate)
    skip = numerical.undecided
    answer = grad(point.copy())
    if skip.any() and np.shape(answer) == point.shape:
        answer = np.where(skip, numerical.value, np.asarray(answer))
    # A wrong formula is off by far more than this; the slack is the oracle's own error.
    slack = float(np.max(numerical.error, initial=0.0, where=~skip))
    found = diagnose(
        answer,
        numerical.value,
        name=name,
        rtol=rtol,
        atol=atol + 3 * slack,
        batch=batch,
        inputs={"x": point} if quote_point else None,
        mistakes={words: wrong(point.copy()) for words, wrong in (mistakes or {}).items()},
    )
    if found:
        raise AssertionError(found.sentence)


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
    if best[1].undecided.all():
        raise UndecidedError("No point was found where the derivative exists; it costs no marks.")
    return best


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
    if caught:
        raise AssertionError(f"At {at} Python warns: {str(caught[0].message).rstrip('.')}.")


# --- words for what went wrong --------------------------------------------------------------------


def _explain(error: BaseException, test_file: str) -> str:
    """Say what an exception means for the student, without showing the test's own code."""
    if isinstance(error, AssertionError):
        return str(error) or "This does not hold."
    if isinstance(error, SystemExit):
        return "Your code ends the program (SystemExit) instead of returning."
    place = _student_line(error.__traceback__, test_file)
    if isinstance(error, NameError) and not place:
        return f"`{error.name}` is not defined: run the cell that defines it, or give it that name."
    return f"Your code raises {type(error).__name__}: {str(error).rstrip('.')}{place}."


def _student_line(traceback: TracebackType | None, test_file: str) -> str:
    """Quote the last line of the student's own code in a traceback."""
    ours = (str(Path(__file__).parent), str(Path(np.__file__).parent), sys.prefix, sys.base_prefix)
    place = ""
    while traceback:
        code = traceback.tb_frame.f_code
        if code.co_filename != test_file and not code.co_filename.startswith(ours):
            line = linecache.getline(code.co_filename, traceback.tb_lineno).strip()
            place = f" (in `{code.co_name}`{f': `{line}`' if line else ''})"
        traceback = traceback.tb_next
    return place
