"""The bank of answers: wrong and right solutions of every exercise, and what they must earn.

One TOML file for each notebook, beside it: `source/<assignment>/bank/<notebook>.toml`:

    [[wrong]]
    exercise = "sigmoid"                                  # the solution cell's grade_id
    name = "the minus sign is forgotten"                  # the misconception
    edits = [{ old = "np.exp(-x)", new = "np.exp(x)" }]   # of the reference solution, or:
    # code = '''...'''                                    # the whole cell
    fails = ["gives the known values"]                    # exactly the checks that must fail
    says = ["minus sign"]                                 # words that the diagnosis must hold
    tells = "the minus sign is missing"                   # the diagnosis where code does the same;
                                                          # without it the answer's name is

    [wrong.knock_on]                                      # checks that fail elsewhere because of it
    sigmoid_grad = ["agrees with numerical differentiation"]

    [[right]]
    exercise = "sigmoid"
    name = "with np.where"
    code = '''...'''

    [[equivalent]]                                        # surviving mutants that are as right
    exercise = "sigmoid"                                  # as the reference: see mutation_testing
    edits = [{ old = ">= 0", new = "> 0" }]               # of one line as it is shown there, or:
    # lines = ["x = np.array("]                           # any of lines that begin so
    reason = "the two formulas agree at 0"

    [few]                                                 # fewer wrong ones than WRONG: why
    identity_function = "there is hardly a way to get it wrong"

    [takes_no_arrays.check_sigmoid]                       # no essential check hands it an array of
    reason = "takes a function"                           # floats that it could spoil; what fails
    fails = ["comes with a fixed sigmoid"]                # if it spoils what it gets all the same

What `course new exercise` has written and nobody has filled in yet is not read: see
`course.notebooks.placeholders`. Runs nothing.
"""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from course.notebooks import placeholders
from course.notebooks.exercises import Exercise

FOLDER = "bank"  # within an assignment's folder
WRONG, RIGHT = 6, 3  # answers that an exercise has at least


class BankError(Exception):
    """An answer file is wrong; the message says where."""


@dataclass(frozen=True)
class Answer:
    """One answer to one exercise.

    Attributes:
        exercise: the solution cell's grade_id.
        name: the misconception, or the other way of writing it.
        source: the whole solution cell.
        fails: exactly the checks of its own exercise that fail; empty for a right answer.
        says: words that the failing checks' messages hold, all of them.
        knock_on: checks of other exercises that fail because they build on this one.
    """

    exercise: str
    name: str
    source: str
    fails: frozenset[str] = frozenset()
    says: Sequence[str] = ()
    knock_on: Mapping[str, frozenset[str]] = field(default_factory=dict)

    @property
    def right(self) -> bool:
        """True for an answer that must earn full marks."""
        return not self.fails


@dataclass(frozen=True)
class Equivalent:
    """Mutants of an exercise that keep all marks and rightly so.

    Attributes:
        exercise: the solution cell's grade_id.
        reason: why they are as right as the reference.
        old: text of the line that is changed; the line's beginning if `new` is None.
        new: what stands there instead; None for anything.
    """

    exercise: str
    reason: str
    old: str
    new: str | None = None

    def covers(self, before: str, after: str) -> bool:
        """Tell whether the change of a line from `before` to `after` is meant."""
        if self.new is None:
            return before.startswith(self.old)
        starts = [i for i in range(len(before)) if before.startswith(self.old, i)]
        return any(before[:i] + self.new + before[i + len(self.old) :] == after for i in starts)

    def __str__(self) -> str:
        change = (
            f"a change of “{self.old}…”" if self.new is None else f"“{self.old}” → “{self.new}”"
        )
        return f"{change} ({self.reason})"


@dataclass(frozen=True)
class Bank:
    """A notebook's bank.

    Attributes:
        answers: wrong ones, then right ones.
        equivalents: mutants that keep all marks and rightly so, one entry an edit or a line.
        few: why an exercise has fewer wrong answers than `WRONG`, by exercise.
        takes_no_arrays: by exercise, the checks that fail if it overwrites all arrays of floats
            that it is given, where these are not its essential ones.
    """

    answers: Sequence[Answer] = ()
    equivalents: Sequence[Equivalent] = ()
    few: Mapping[str, str] = field(default_factory=dict)
    takes_no_arrays: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def of(self, exercise: str) -> list[Answer]:
        """Return the answers to one exercise."""
        return [answer for answer in self.answers if answer.exercise == exercise]


def load(path: Path, exercises: Sequence[Exercise]) -> Bank:
    """Read a notebook's bank.

    Args:
        path: the TOML file; without one the bank is empty.
        exercises: of the notebook that it belongs to.

    Raises:
        BankError: if an entry is incomplete or still to be filled in, names an unknown exercise or
            check, or edits text that the reference solution does not hold exactly once.
    """
    if not path.exists():
        return Bank()
    table = _read(path)
    if unfilled := list(placeholders.in_bank(table)):
        raise BankError(f"{path.name}: {'; '.join(unfilled)}")
    by_id = {exercise.id: exercise for exercise in exercises}
    try:
        return Bank(
            _answers(table, by_id),
            _equivalents(table, by_id),
            _few(table, by_id),
            _takes_no_arrays(table, by_id),
        )
    except KeyError as error:
        raise BankError(f"{path.name}: an answer needs {error}") from error
    except (TypeError, AttributeError, BankError) as error:
        raise BankError(f"{path.name}: {error}") from error


def to_fill_in(path: Path) -> list[str]:
    """Return which exercises' answers are still to be filled in, a line each.

    Raises:
        BankError: if the file is not TOML.
    """
    table = _read(path) if path.exists() else {}
    return [f"{path.name}: {line}" for line in placeholders.in_bank(table)]


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise BankError(f"{path.name}: {error}") from error


def _answers(table: Mapping[str, Any], by_id: Mapping[str, Exercise]) -> list[Answer]:
    wrong = [_answer(entry, by_id) for entry in table.get("wrong", [])]
    right = [_answer(entry, by_id) for entry in table.get("right", [])]
    for answer in wrong:
        if not answer.fails or not answer.says:
            raise BankError(f"wrong answer “{answer.name}” needs `fails` and `says`")
    for answer in right:
        if answer.fails:
            raise BankError(f"right answer “{answer.name}” must not fail")
    return wrong + right


def _few(table: Mapping[str, Any], by_id: Mapping[str, Exercise]) -> dict[str, str]:
    reasons: dict[str, str] = table.get("few", {})
    for exercise, reason in reasons.items():
        if exercise not in by_id or not str(reason).strip():
            raise BankError(f"`few` needs an exercise and a reason, not {exercise}")
    return reasons


def _takes_no_arrays(
    table: Mapping[str, Any], by_id: Mapping[str, Exercise]
) -> dict[str, frozenset[str]]:
    found = {}
    for exercise, entry in table.get("takes_no_arrays", {}).items():
        if exercise not in by_id or not str(entry.get("reason", "")).strip():
            raise BankError(f"`takes_no_arrays` needs an exercise and a reason, not {exercise}")
        found[exercise] = frozenset(entry.get("fails", []))
        _check_known(f"`takes_no_arrays` of {exercise}", by_id[exercise], found[exercise])
    return found


def _equivalents(table: Mapping[str, Any], by_id: Mapping[str, Exercise]) -> list[Equivalent]:
    found = []
    for entry in table.get("equivalent", []):
        exercise, reason = entry.get("exercise"), str(entry.get("reason", "")).strip()
        if exercise not in by_id or not reason:
            raise BankError(f"`equivalent` needs an exercise and a reason, not {exercise}")
        if ("lines" in entry) == ("edits" in entry):
            raise BankError(f"`equivalent` needs either `lines` or `edits`: {reason}")
        found += [Equivalent(exercise, reason, line) for line in entry.get("lines", [])]
        try:
            edits = [(edit["old"], edit["new"]) for edit in entry.get("edits", [])]
        except KeyError as error:
            raise BankError(f"an edit of `equivalent` needs {error}") from error
        found += [Equivalent(exercise, reason, old, new) for old, new in edits]
    return found


def _check_known(where: str, exercise: Exercise, checks: frozenset[str]) -> None:
    unknown = checks - {check.name for check in exercise.checks}
    if unknown:
        raise BankError(f"{where}: {exercise.id} has no check {sorted(unknown)}")


def predicted(
    exercises: Sequence[Exercise],
    answers: Sequence[Answer],
    blank: frozenset[str] = frozenset(),
    *,
    carried: bool = False,
) -> dict[str, float]:
    """Return the score of each exercise that the bank predicts for a piece of work.

    Args:
        exercises: of the notebook.
        answers: at most one per exercise; the reference solution stands for the others.
        blank: exercises left as they were handed out, which earn nothing.
        carried: whether what a wrong answer does to other exercises is made good, as in the judge,
            except where an exercise is about the student's own work as a whole.
    """
    failing: dict[str, set[str]] = {exercise.id: set() for exercise in exercises}
    made_good = {exercise.id for exercise in exercises if carried and not exercise.own}
    for answer in answers:
        failing[answer.exercise] |= answer.fails
        for other, checks in answer.knock_on.items():
            if other not in made_good:
                failing[other] |= checks
    return {
        exercise.id: 0 if exercise.id in blank else exercise.score_without(failing[exercise.id])
        for exercise in exercises
    }


def _answer(entry: dict[str, Any], exercises: Mapping[str, Exercise]) -> Answer:
    name, exercise_id = entry["name"], entry["exercise"]
    if exercise_id not in exercises:
        raise BankError(f"“{name}”: no exercise {exercise_id}")
    answer = Answer(
        exercise=exercise_id,
        name=name,
        source=_source(entry, exercises[exercise_id]),
        fails=frozenset(entry.get("fails", [])),
        says=tuple(entry.get("says", [])),
        knock_on={key: frozenset(names) for key, names in entry.get("knock_on", {}).items()},
    )
    for other, checks in {exercise_id: answer.fails, **answer.knock_on}.items():
        if other not in exercises:
            raise BankError(f"“{name}”: no exercise {other}")
        _check_known(f"“{name}”", exercises[other], checks)
    return answer


def _source(entry: dict[str, Any], exercise: Exercise) -> str:
    if ("code" in entry) == ("edits" in entry):
        raise BankError(f"“{entry['name']}” needs either `code` or `edits`")
    if "code" in entry:
        return str(entry["code"]).strip()
    source = exercise.solution
    for edit in entry["edits"]:
        count = source.count(edit["old"])
        if count != 1:
            raise BankError(f"“{entry['name']}”: {edit['old']!r} stands {count} times")
        source = source.replace(edit["old"], edit["new"])
    return source
