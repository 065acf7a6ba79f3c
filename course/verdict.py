"""What was found out about a piece of work: typed values with one JSON form for everyone.

Notebook, command line, gradebook, feedback and report all share it. Whoever finds such JSON in a
file or in a notebook's metadata reads it with `from_json` here, which takes nothing on trust. Knows
nothing of how a verdict comes about.
"""

import json
import re
from collections.abc import Callable, Mapping, MutableMapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from course.layout import CourseError
from helpers.checks import CheckResult, Outcome

FORMAT = 2  # of the JSON; the first, which bore no number, said of a check only if it passed
METADATA = "verdict"  # where a graded notebook's metadata holds it
TEST_FAILED = "the test itself failed"  # an incident, with what is for the staff alone after it

_BLANK = "not attempted yet"  # the message by which the first format told a blank
_MOST = 1e9  # points, seconds
_HALF = re.compile("[\ud800-\udfff]")  # of a character: no file takes it

T = TypeVar("T")


class VerdictError(CourseError):
    """Something is no verdict, or a damaged one."""


@dataclass(frozen=True)
class CheckVerdict:
    """What was found out by one check.

    Attributes:
        name: the check's name.
        outcome: how it ended.
        message: for the student: the diagnosis; empty if the check passed.
        hidden: whether the released notebook does not hold it.
        points: what it is worth; None if that is not known, as in a verdict of the first format.
        essential: whether without it the exercise is worth nothing; None likewise.
    """

    name: str
    outcome: Outcome
    message: str = ""
    hidden: bool = False
    points: float | None = None
    essential: bool | None = None

    @classmethod
    def of(cls, result: CheckResult, *, hidden: bool) -> "CheckVerdict":
        """Return what a check's result says."""
        return cls(
            name=result.name,
            outcome=result.outcome,
            message=result.message,
            hidden=hidden,
            points=result.points,
            essential=result.essential,
        )

    @property
    def passed(self) -> bool:
        """True unless the check cost marks."""
        return self.outcome in (Outcome.PASSED, Outcome.UNDECIDED)

    def to_json(self) -> dict[str, Any]:
        """Return the verdict as plain values for JSON."""
        return {
            "name": self.name,
            "outcome": self.outcome.value,
            "points": self.points,
            "essential": self.essential,
            "passed": self.passed,
            "hidden": self.hidden,
            "message": self.message,
        }

    @classmethod
    def from_json(cls, value: Any, form: float = FORMAT) -> "CheckVerdict":
        """Undo `to_json`.

        Args:
            value: what is said to be such a verdict.
            form: its format.

        Raises:
            VerdictError: if it is none.
        """
        return cls(
            name=_take(value, "name", _text),
            outcome=_first_outcome(value) if form == 1 else _take(value, "outcome", _outcome),
            message=_take(value, "message", _text),
            hidden=_take(value, "hidden", _optional(_flag)) or False,
            points=_take(value, "points", _optional(_number)),
            essential=_take(value, "essential", _optional(_flag)),
        )


@dataclass(frozen=True)
class ExerciseVerdict:
    """One exercise's verdict.

    Attributes:
        id: the solution cell's grade_id.
        score: points earned.
        max_score: points to be had.
        checks: what each check said, in the order of the test cell.
        measured: numbers that were found out beside, each with its name.
    """

    id: str
    score: float
    max_score: float
    checks: tuple[CheckVerdict, ...] = ()
    measured: tuple[tuple[str, float], ...] = ()

    @property
    def failed(self) -> list[str]:
        """Names of the checks that cost marks."""
        return [check.name for check in self.checks if not check.passed]

    @property
    def blank(self) -> bool:
        """Whether the exercise was not attempted; not known, thus False, if there are no checks."""
        return bool(self.checks) and all(
            check.outcome is Outcome.NOT_ATTEMPTED for check in self.checks
        )

    def to_json(self) -> dict[str, Any]:
        """Return the verdict as plain values for JSON."""
        return {
            "id": self.id,
            "score": self.score,
            "max_score": self.max_score,
            "checks": [check.to_json() for check in self.checks],
        } | ({"measured": dict(self.measured)} if self.measured else {})

    @classmethod
    def from_json(cls, value: Any, form: float = FORMAT) -> "ExerciseVerdict":
        """Undo `to_json`, as `CheckVerdict.from_json` does."""
        return cls(
            id=_take(value, "id", _text),
            score=_take(value, "score", _number),
            max_score=_take(value, "max_score", _number),
            checks=_take(value, "checks", _each(lambda one: CheckVerdict.from_json(one, form))),
            measured=_take(value, "measured", _numbers),
        )


@dataclass(frozen=True)
class Verdict:
    """One notebook's verdict.

    Attributes:
        notebook: the notebook's name.
        exercises: one verdict an exercise, in notebook order.
        repairs: what had to be repaired before it could be graded, in plain words.
        incidents: timeouts, crashes, refused access, in plain words, each after the cell's name
            ("test_relu: Your code did not come back within 10 seconds.").
        seconds: wall time that grading took.
        seed: from which the random points were drawn, for them to be drawn again; empty in all that
            others than the staff may see.
    """

    notebook: str
    exercises: tuple[ExerciseVerdict, ...]
    repairs: tuple[str, ...] = ()
    incidents: tuple[str, ...] = ()
    seconds: float = field(default=0.0, compare=False)
    seed: bytes = field(default=b"", repr=False)

    @property
    def score(self) -> float:
        """Points earned."""
        return sum(exercise.score for exercise in self.exercises)

    @property
    def max_score(self) -> float:
        """Points to be had."""
        return sum(exercise.max_score for exercise in self.exercises)

    def __getitem__(self, exercise_id: str) -> ExerciseVerdict:
        for exercise in self.exercises:
            if exercise.id == exercise_id:
                return exercise
        raise KeyError(exercise_id)

    def to_json(self) -> dict[str, Any]:
        """Return the verdict as plain values for JSON, the seed among them if there is one."""
        return {
            "format": FORMAT,
            "notebook": self.notebook,
            "score": self.score,
            "max_score": self.max_score,
            "exercises": [exercise.to_json() for exercise in self.exercises],
            "repairs": list(self.repairs),
            "incidents": list(self.incidents),
            "seconds": round(self.seconds, 3),
        } | ({"seed": self.seed.hex()} if self.seed else {})

    @classmethod
    def from_json(cls, value: Any) -> "Verdict":
        """Undo `to_json`, also what it returned when the JSON had its first format.

        What follows from the rest (sums, whether a check passed) is not read.

        Args:
            value: what is said to be a verdict, of any type.

        Raises:
            VerdictError: if it is none; the message is a part of a sentence.
        """
        number = _take(value, "format", _optional(_number))
        form = 1 if number is None else number
        if form not in (1, FORMAT):
            raise VerdictError(
                f"format {form:g} is not known here: a newer course may have written it"
            )
        return cls(
            notebook=_take(value, "notebook", _text),
            exercises=_take(
                value, "exercises", _each(lambda one: ExerciseVerdict.from_json(one, form))
            ),
            repairs=_take(value, "repairs", _each(_text)),
            incidents=_take(value, "incidents", _each(_text)),
            seconds=_take(value, "seconds", _number),
            seed=_take(value, "seed", _optional(_seed)) or b"",
        )


# --- where verdicts are kept ----------------------------------------------------------------------


def write_verdict(path: Path, verdict: Verdict) -> None:
    """Write a verdict's file, and its folder if there is none; what was there stays until then."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(f"{path.name}.new")
    text = json.dumps(verdict.to_json(), indent=1, ensure_ascii=False)
    new.write_text(f"{text}\n", encoding="utf-8")
    new.replace(path)


def read_verdict(path: Path) -> Verdict:
    """Read a verdict's file.

    Raises:
        VerdictError: if there is none, or it is damaged; the message is one clear line.
    """
    try:
        return Verdict.from_json(json.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        why = str(error.strerror).lower()
    except (ValueError, RecursionError):
        why = "it is not JSON"
    except VerdictError as error:
        why = str(error)
    raise VerdictError(f"{path} is no verdict that can be read: {why}")


def put_verdict(metadata: MutableMapping[str, Any], verdict: Verdict) -> None:
    """Write a verdict into a graded notebook's metadata."""
    metadata[METADATA] = verdict.to_json()


def find_verdict(metadata: Mapping[str, Any]) -> Verdict | None:
    """Return the verdict in a graded notebook's metadata; None if there is no sound one."""
    try:
        return Verdict.from_json(metadata.get(METADATA))
    except VerdictError:
        return None


# --- what may stand in JSON -----------------------------------------------------------------------


def _first_outcome(value: Any) -> Outcome:
    """Return a check's outcome as the first format told it: by what it passed and what it said."""
    passed, message = _take(value, "passed", _flag), _take(value, "message", _text)
    if passed:
        return Outcome.UNDECIDED if message else Outcome.PASSED
    return Outcome.NOT_ATTEMPTED if message == _BLANK else Outcome.FAILED


def _take(value: Any, key: str, read: Callable[[Any], T]) -> T:
    """Return what stands under a key, as `read` reads it (missing is None).

    Raises:
        VerdictError: if `read` raises it, or the value is no object at all.
    """
    if not isinstance(value, Mapping):
        raise VerdictError("it is not an object with names and values")
    try:
        return read(value.get(key))
    except VerdictError as error:
        raise VerdictError(f"in “{key}”, {error}") from None


def _optional(read: Callable[[Any], T]) -> Callable[[Any], T | None]:
    return lambda value: None if value is None else read(value)


def _each(read: Callable[[Any], T]) -> Callable[[Any], tuple[T, ...]]:
    def read_all(value: Any) -> tuple[T, ...]:
        if not isinstance(value, list):
            raise VerdictError("it is not a list")
        return tuple(map(read, value))

    return read_all


def _text(value: Any) -> str:
    if not isinstance(value, str) or _HALF.search(value):
        raise VerdictError("it is not text")
    return value


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= _MOST:
        raise VerdictError("it is not a number from 0 up")
    return value


def _numbers(value: Any) -> tuple[tuple[str, float], ...]:
    if value is None:
        return ()
    if not isinstance(value, dict) or not all(isinstance(name, str) for name in value):
        raise VerdictError("it is not a dictionary")
    return tuple((name, _number(number)) for name, number in value.items())


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise VerdictError("it is neither true nor false")
    return value


def _outcome(value: Any) -> Outcome:
    try:
        return Outcome(value)
    except ValueError:
        raise VerdictError("it is no outcome of a check") from None


def _seed(value: Any) -> bytes:
    try:
        return bytes.fromhex(_text(value))
    except ValueError:
        raise VerdictError("it is not a hexadecimal number") from None
