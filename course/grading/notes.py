"""What the last grading of each submission came to, kept so that no kill loses or belies it.

One line of JSON each in autograded/notes.jsonl, added at its end; of several lines on a submission
the last holds. Before a result is entered, a line is added that says that this has not come to its
end: it holds if no other follows. autograded/notes.json, where earlier versions of the course
kept them all together, is read too. Knows nothing of how a submission is graded.
"""

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from course.directory import Course
from course.layout import CourseError

NOTES = "notes.jsonl"
OLD_NOTES = "notes.json"
UNFINISHED = "its grading has not come to its end: run `course grade` again"


class Status(StrEnum):
    """What became of a submission."""

    GRADED = "graded"
    UP_TO_DATE = "up to date"
    FAILED = "failed"


@dataclass(frozen=True)
class GradingOutcome:
    """What grading one submission came to.

    Attributes:
        student: the student's id.
        assignment: the assignment's name.
        status: whether it was graded, needed no grading, or could not be graded.
        notes: what the instructor should know, each one plain line.
        digest: the fingerprint of what was graded, to tell whether anything that decides the grade
            has changed since; empty if nothing was graded.
        because: what had changed when it was graded again; not kept.
        seconds: wall time that grading it took; 0 if nothing was graded; not kept.
    """

    student: str
    assignment: str
    status: Status
    notes: tuple[str, ...] = ()
    digest: str = ""
    because: tuple[str, ...] = ()
    seconds: float = field(default=0.0, compare=False)

    @property
    def finished(self) -> bool:
        """False if the process that graded it has not said what it came to."""
        return self.notes != (UNFINISHED,)


NOT_KEPT = ("because", "seconds")
Notes = Mapping[tuple[str, str], GradingOutcome]


def read_notes(course: Course) -> Notes:
    """Return what the last grading of each submission came to, by (student, assignment).

    Raises:
        CourseError: if a file is damaged.
    """
    notes: dict[tuple[str, str], GradingOutcome] = {}
    for path, entries in ((_path(course, OLD_NOTES), _old), (_path(course, NOTES), _lines)):
        try:
            outcomes = [outcome_from(entry) for entry in entries(path.read_bytes())]
        except FileNotFoundError:
            continue
        except (ValueError, TypeError, KeyError):
            to_do = "remove it and run `course grade --force`"
            raise CourseError(f"{path} is damaged: {to_do}") from None
        notes |= {(outcome.student, outcome.assignment): outcome for outcome in outcomes}
    return notes


def add_note(course: Course, outcome: GradingOutcome) -> None:
    """Add what grading a submission has come to; once this returns it outlives the process.

    Several processes may do so at once.

    Raises:
        CourseError: if it can't be written.
    """
    add_notes(course, [outcome])


def add_notes(course: Course, outcomes: Iterable[GradingOutcome]) -> None:
    """Do the same for several submissions at once.

    Raises:
        CourseError: if they can't be written.
    """
    lines = [
        json.dumps({key: value for key, value in asdict(outcome).items() if key not in NOT_KEPT})
        for outcome in outcomes
        if outcome.status is not Status.UP_TO_DATE
    ]
    if not lines:
        return
    # Each is a line of its own, whatever a crash has cut off before it.
    text = "".join(f"\n{line}\n" for line in lines).encode()
    path = _path(course, NOTES)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab") as file:
            file.write(text)  # at once, so that the lines of several processes never mix
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise CourseError(f"{path} can't be written: {error.strerror}") from None


def begun(student: str, assignment: str) -> GradingOutcome:
    """Return what is noted of a submission while its result is entered: it holds if no more is."""
    return GradingOutcome(student, assignment, Status.FAILED, (UNFINISHED,))


def _path(course: Course, name: str) -> Path:
    return course.path("autograded") / name


def _old(content: bytes) -> Iterator[Any]:
    yield from json.loads(content)


def _lines(content: bytes) -> Iterator[Any]:
    """Yield the entries of whole lines; one that a crash has cut off says nothing."""
    for line in content.split(b"\n"):
        try:
            if line:
                yield json.loads(line)
        except ValueError:
            if not line.startswith(b"{"):
                raise


def outcome_from(entry: Any) -> GradingOutcome:
    """Return an outcome that was written down as JSON has it.

    Raises:
        ValueError, TypeError, KeyError: if it is none.
    """
    changed = {"status": Status(entry["status"]), "notes": tuple(entry["notes"])}
    kept = {key: value for key, value in entry.items() if key != "because"}
    return GradingOutcome(**kept | changed, because=tuple(entry.get("because", ())))
