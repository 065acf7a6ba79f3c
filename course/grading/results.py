"""What the class has earned so far: the gradebook, the notes of grading, and the verdicts.

Reads only. Tables, the report and the demo are made from it; it knows none of them.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from nbgrader.api import (
    BaseCell,
    Grade,
    Gradebook,
    Notebook,
    SubmittedAssignment,
    SubmittedNotebook,
)
from sqlalchemy.exc import SQLAlchemyError

from course.directory import Course, check_released, open_course, problem
from course.grading.fingerprint import HAND_IN, changes, deciding, extensions
from course.grading.notes import GradingOutcome, Status, read_notes
from course.grading.one_student import mark_of
from course.layout import CourseError
from course.notebooks.assignment import read_assignments
from course.notebooks.bank import BankError
from course.notebooks.cells import TEST_PREFIX, grade_id, is_manual, is_test, read_quickly
from course.notebooks.exercises import Exercise
from course.notebooks.source import SourceNotebook, source_notebooks
from course.verdict import ExerciseVerdict, find_verdict


@dataclass(frozen=True)
class Column:
    """What earns points in an assignment: an exercise, or a question answered in words.

    Attributes:
        notebook: the notebook's name.
        id: the exercise's name, or the question's (`why_...`).
        title: for people.
        points: full marks.
        exercise: its checks; None if a person grades it.
    """

    notebook: str
    id: str
    title: str
    points: float
    exercise: Exercise | None

    @property
    def grade_id(self) -> str:
        """The name of the cell that nbgrader grades."""
        return f"{TEST_PREFIX}{self.id}" if self.exercise else self.id


@dataclass(frozen=True)
class Work:
    """One student's submission of one assignment.

    Attributes:
        student: the student's id.
        assignment: the assignment's name.
        scores: points by column.
        waiting: columns that a person has still to grade.
        late: how long after the due date it came; zero if in time.
        penalty: points taken off for that.
        graded: False if it could not be graded, so that its scores are no judgement.
        notes: what grading noted, each one plain line.
        verdicts: on each exercise, by column; none where it was not the judge that graded, which
            alone writes that down, or where what it wrote is damaged.
        answers: the code of each exercise that there is a verdict on, by column.
        pages: the student's feedback, by notebook, as far as it was made.
        changed: what has changed since it was graded, of all that decides the grade: if there is
            anything, the grade is an old one, and `course grade` gives a new one.
    """

    student: str
    assignment: str
    scores: Mapping[Column, float]
    waiting: Sequence[Column] = ()
    late: timedelta = timedelta()
    penalty: float = 0
    graded: bool = True
    notes: Sequence[str] = ()
    verdicts: Mapping[Column, ExerciseVerdict] = field(default_factory=dict)
    answers: Mapping[Column, str] = field(default_factory=dict)
    pages: Mapping[str, Path] = field(default_factory=dict)
    changed: Sequence[str] = ()

    @property
    def score(self) -> float:
        """Points in all, less the penalty."""
        return max(0, sum(self.scores.values()) - self.penalty)


@dataclass(frozen=True)
class Results:
    """The class.

    Attributes:
        students: names for people by student id, in the order to show them.
        columns: what earns points, by assignment, in the notebooks' order.
        works: what was handed in, by (student, assignment).
        due: when an assignment is due, if it has a date.
        known: returns the answers that the course has itself, by column: its solution, and its
            bank's, which takes a moment to read.
    """

    students: Mapping[str, str]
    columns: Mapping[str, Sequence[Column]]
    works: Mapping[tuple[str, str], Work]
    due: Mapping[str, datetime] = field(default_factory=dict)
    known: Callable[[], Mapping[Column, Collection[str]]] = dict

    def max_score(self, assignment: str) -> float:
        """Return an assignment's full marks."""
        return sum(column.points for column in self.columns[assignment])

    def total(self, student: str) -> float:
        """Return what a student has earned in all assignments."""
        return sum(work.score for work in self.works_of(student))

    def works_of(self, student: str) -> list[Work]:
        """Return what a student handed in."""
        return [work for (who, _), work in self.works.items() if who == student]


def read_results(root: Path, assignments: Sequence[str] = ()) -> Results:
    """Read what the class has earned.

    Args:
        root: the course's folder.
        assignments: their names; all released ones, if none is given.

    Raises:
        CourseError: if there is no gradebook, it can't be read, or no assignment (of that name)
            is in it.
    """
    course = open_course(root)
    check_released(course)
    released = course.assignments()
    if not released:
        raise CourseError("nothing has been released: run `course release` first")
    unknown = sorted(set(assignments) - set(released))
    if unknown:
        raise CourseError(f"{unknown[0]} is not in the gradebook: run `course release` first")
    sources = {
        one.name: [
            source
            for source in source_notebooks(course.path("source"), one.name)
            if source.name in released[one.name]
        ]
        for one in read_assignments(course.path("source"))
        if one.name in (assignments or released)
    }
    columns = {
        name: [column for source in found for column in _columns(source)]
        for name, found in sources.items()
    }
    try:
        with Gradebook(course.db_url, course.folders.course_id) as gradebook:
            return Results(
                students=_students(gradebook),
                columns=columns,
                works=_works(course, gradebook, columns),
                due={
                    one.name: one.duedate.replace(tzinfo=UTC)  # nbgrader's own zone
                    for one in gradebook.assignments
                    if one.duedate and one.name in columns
                },
                known=partial(_known, [source for found in sources.values() for source in found]),
            )
    except SQLAlchemyError as error:
        raise CourseError(problem(course.db_url, error)) from error


def _students(gradebook: Gradebook) -> dict[str, str]:
    """Return names for people by student id, in the order to show them."""
    return {
        student.id: ", ".join(filter(None, (student.last_name, student.first_name))) or student.id
        for student in sorted(
            gradebook.students, key=lambda s: ((s.last_name or s.id).casefold(), s.id)
        )
    }


def _columns(source: SourceNotebook) -> Iterator[Column]:
    by_id = {exercise.id: exercise for exercise in source.exercises}
    for cell in source.notebook.cells:
        points = cell.metadata.get("nbgrader", {}).get("points", 0)
        key = grade_id(cell).removeprefix(TEST_PREFIX)
        if is_test(cell):
            yield Column(source.name, key, by_id[key].title, points, by_id[key])
        elif is_manual(cell):
            yield Column(source.name, key, f"In words: {key}", points, None)


def _known(sources: Sequence[SourceNotebook]) -> dict[Column, list[str]]:
    found = {}
    for source in sources:
        for column in _columns(source):
            if column.exercise:
                found[column] = [column.exercise.solution]
                with suppress(BankError):  # a report can be made without it
                    found[column] += [answer.source for answer in source.bank.of(column.id)]
    return found


def _works(
    course: Course, gradebook: Gradebook, columns: Mapping[str, Sequence[Column]]
) -> dict[tuple[str, str], Work]:
    notes = read_notes(course)
    grades = _grades(gradebook)
    decides = {name: deciding(course, name) for name in columns}
    extended = extensions(course)
    works = {}
    for submission in gradebook.db.query(SubmittedAssignment):
        key = (submission.student_id, submission.assignment.name)
        if key[1] in columns:
            work = _work(
                course, submission, columns[key[1]], grades.get(submission.id, {}), notes.get(key)
            )
            before = notes[key].digest if key in notes else ""
            now = decides[key[1]] | extended.get(key, {})
            works[key] = replace(work, changed=_changed(course, key, before, now))
    for key, outcome in notes.items():
        if key not in works and key[1] in columns:
            works[key] = Work(*key, scores={}, graded=False, notes=outcome.notes)
    return works


def _changed(
    course: Course, key: tuple[str, str], before: str, decides: Mapping[str, str]
) -> tuple[str, ...]:
    """Return what has changed since a submission had a fingerprint; a lost hand-in is no change."""
    found = changes(before, mark_of(course, *key, decides))
    there = course.path("submitted", *key).is_dir()
    return tuple(one for one in found if one != HAND_IN or there)


def _grades(gradebook: Gradebook) -> dict[str, dict[tuple[str, str], Any]]:
    """Return (score, needs_manual_grade) by submission, then by (notebook, grade_id)."""
    query = (
        gradebook.db.query(
            SubmittedNotebook.assignment_id,
            Notebook.name,
            BaseCell.name,
            Grade.score,
            Grade.needs_manual_grade,
        )
        .join(SubmittedNotebook, Grade.notebook_id == SubmittedNotebook.id)
        .join(Notebook, SubmittedNotebook.notebook_id == Notebook.id)
        .join(BaseCell, Grade.cell_id == BaseCell.id)
    )
    found: dict[str, dict[tuple[str, str], Any]] = {}
    for submission, book, cell, score, manual in query:
        found.setdefault(submission, {})[book, cell] = (score, manual)
    return found


def _work(
    course: Course,
    submission: SubmittedAssignment,
    columns: Sequence[Column],
    grades: Mapping[tuple[str, str], Any],
    outcome: GradingOutcome | None,
) -> Work:
    student, assignment = submission.student_id, submission.assignment.name
    folder = course.path("autograded", student, assignment)
    by_column = {column: grades.get((column.notebook, column.grade_id)) for column in columns}
    late = submission.total_seconds_late if submission.assignment.duedate else 0
    judged = list(_judged(folder, columns))
    return Work(
        student=student,
        assignment=assignment,
        scores={column: grade[0] for column, grade in by_column.items() if grade},
        waiting=[column for column, grade in by_column.items() if grade and grade[1]],
        late=timedelta(seconds=late),
        penalty=submission.late_submission_penalty or 0,
        graded=folder.is_dir() and (outcome is None or outcome.status is not Status.FAILED),
        notes=outcome.notes if outcome else (),
        verdicts={column: verdict for column, verdict, _ in judged},
        answers={column: answer for column, _, answer in judged},
        pages={
            path.stem: path
            for path in sorted(course.path("feedback", student, assignment).glob("*.html"))
        },
    )


def _judged(
    folder: Path, columns: Sequence[Column]
) -> Iterator[tuple[Column, ExerciseVerdict, str]]:
    """Read the verdicts that the judge has put into graded notebooks, each with the answer."""
    for name in sorted({column.notebook for column in columns}):
        path = folder / f"{name}.ipynb"
        metadata, answers = read_quickly(path) if path.is_file() else ({}, {})
        verdict = find_verdict(metadata)
        found = {exercise.id: exercise for exercise in verdict.exercises} if verdict else {}
        for column in columns:
            if column.notebook == name and column.id in found:
                yield column, found[column.id], answers.get(column.id, "")
