"""The gradebook's rows: put back as they were when a step fails, changed as if it had run here.

What a release has written, or one submission's rows alone, so that other people's grades can be
written meanwhile: by another process that grades, or by a person in formgrader.
"""

import sqlite3
import tempfile
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path
from typing import Any

from nbgrader.api import (
    Assignment,
    Base,
    BaseCell,
    Comment,
    Course,
    Grade,
    Gradebook,
    GradeCell,
    Notebook,
    SolutionCell,
    SourceCell,
    Student,
    SubmittedAssignment,
    SubmittedNotebook,
    TaskCell,
)
from sqlalchemy import Column, MetaData, String, Table, create_engine, select
from sqlalchemy.exc import SQLAlchemyError

from course.directory import problem, sqlite_file
from course.layout import CourseError

Rows = dict[Any, dict[str, dict[str, Any]]]  # by table, parents first, and by their id


def gradebook_unchanged_on_error(
    db_url: str, assignments: Sequence[str]
) -> AbstractContextManager[None]:
    """Put the gradebook back as it was before a release, if the block raises or is interrupted.

    An SQLite file as a whole; of another database the rows that a release writes, while its tables
    and the course's own entry stay.

    Args:
        db_url: where the gradebook is, as nbgrader names it.
        assignments: the names of those that the block releases.

    Raises:
        CourseError: if the gradebook can't be used; the block is not run.
    """
    file = sqlite_file(db_url)
    return (
        file_unchanged_on_error(file) if file else release_unchanged_on_error(db_url, assignments)
    )


@contextmanager
def file_unchanged_on_error(db: Path) -> Iterator[None]:
    """Put an SQLite file back as it was before the block, if the block raises or is interrupted.

    The copy lies beside the file while the block runs, so that it is still there if the computer
    goes down. The block must have closed its connections when it ends.

    Args:
        db: the SQLite file; if there was none before, there is none after an error.

    Raises:
        CourseError: if the file is no SQLite database; the block is not run.
    """
    if not db.exists():
        try:
            yield
        except BaseException:
            db.unlink(missing_ok=True)
            raise
        return
    with tempfile.TemporaryDirectory(prefix=f"{db.name}.before-", dir=db.parent) as folder:
        before = Path(folder) / db.name
        try:
            _copy(db, before)
        except sqlite3.Error as error:
            raise CourseError(f"the gradebook {db} can't be used: {error}") from error
        try:
            yield
        except BaseException:
            _copy(before, db)
            raise


def _copy(source: Path, target: Path) -> None:
    """Copy a database with SQLite's own backup, which is right even while it is being read."""
    with closing(sqlite3.connect(source)) as old, closing(sqlite3.connect(target)) as new:
        old.backup(new)


def release_unchanged_on_error(
    db_url: str, assignments: Sequence[str]
) -> AbstractContextManager[None]:
    """Put the rows of released assignments back as they were, if the block raises.

    These are the assignments, their notebooks and cells, and what submissions have earned in them.

    Args:
        db_url: where the gradebook is, as nbgrader names it.
        assignments: their names.
    """
    return _unchanged_on_error(
        db_url, lambda gradebook: _released_and_earned(gradebook, assignments)
    )


def released_rows(db_url: str, assignment: str) -> str:
    """Return as text all that a gradebook says of a released assignment.

    Nothing if there is none, or if that can't be told.
    """
    file = sqlite_file(db_url)
    if file and not file.exists():
        return ""
    try:
        with Gradebook(db_url) as gradebook:
            found = _released(gradebook, [assignment])
    except SQLAlchemyError:
        return ""
    if not any(found.values()):
        return ""
    return "\n".join(
        f"{table.name} {key} {sorted(row.items())}"
        for table, rows in found.items()
        for key, row in sorted(rows.items())
    )


def submission_unchanged_on_error(
    db_url: str, assignment: str, student: str
) -> AbstractContextManager[None]:
    """Put a submission's rows back as they were before the block, if the block raises.

    Args:
        db_url: where the gradebook is, as nbgrader names it.
        assignment: the assignment's name.
        student: the student's id; the entry of the student stays, whatever happens.
    """
    return _unchanged_on_error(
        db_url, lambda gradebook: submission_rows(gradebook, assignment, student)
    )


@contextmanager
def _unchanged_on_error(db_url: str, rows: Callable[[Gradebook], Rows]) -> Iterator[None]:
    """Put some rows back as they were before the block, if the block raises or is interrupted.

    Raises:
        CourseError: if they can't be read; the block is not run.
    """
    try:
        with Gradebook(db_url) as gradebook:
            before = rows(gradebook)
    except SQLAlchemyError as error:
        raise CourseError(problem(db_url, error)) from error
    try:
        yield
    except BaseException:
        with Gradebook(db_url) as gradebook:
            change_rows(gradebook, rows(gradebook), before)
            gradebook.db.commit()
        raise


def _released(gradebook: Gradebook, names: Collection[str]) -> Rows:
    """Return all rows that say what assignments are."""
    found: Rows = {}
    assignments = _fetch(gradebook, found, Assignment, Assignment.name.in_(names))
    notebooks = _fetch(gradebook, found, Notebook, Notebook.assignment_id.in_(assignments))
    cells = _fetch(gradebook, found, BaseCell, BaseCell.notebook_id.in_(notebooks))
    for model in (GradeCell, SolutionCell, TaskCell):
        _fetch(gradebook, found, model, model.__table__.c.id.in_(cells))
    _fetch(gradebook, found, SourceCell, SourceCell.notebook_id.in_(notebooks))
    return found


def _released_and_earned(gradebook: Gradebook, names: Collection[str]) -> Rows:
    """Return all rows that say what assignments are, and those of grades and comments there."""
    found = _released(gradebook, names)
    cells = found[BaseCell.__table__].keys()
    _fetch(gradebook, found, Grade, Grade.cell_id.in_(cells))
    _fetch(gradebook, found, Comment, Comment.cell_id.in_(cells))
    return found


def submission_rows(gradebook: Gradebook, assignment: str, student: str) -> Rows:
    """Return all rows that hang off a submission; those of an assignment that there is."""
    found: Rows = {}
    theirs = (SubmittedAssignment.student_id == student) & (
        SubmittedAssignment.assignment_id == gradebook.find_assignment(assignment).id
    )
    submission = _fetch(gradebook, found, SubmittedAssignment, theirs)
    of_submission = SubmittedNotebook.assignment_id.in_(submission)
    notebooks = _fetch(gradebook, found, SubmittedNotebook, of_submission)
    _fetch(gradebook, found, Grade, Grade.notebook_id.in_(notebooks))
    _fetch(gradebook, found, Comment, Comment.notebook_id.in_(notebooks))
    return found


def _fetch(gradebook: Gradebook, found: Rows, model: Any, condition: Any) -> Collection[str]:
    """Add a table's rows to those that were found, and return their ids."""
    table = model.__table__
    rows = gradebook.db.execute(table.select().where(condition)).mappings()
    found[table] = {row["id"]: dict(row) for row in rows}
    return found[table].keys()


def change_rows(gradebook: Gradebook, now: Rows, wanted: Rows) -> None:
    """Make rows what they are wanted to be; whoever calls this commits.

    What is alike in both is not touched, neither rows, for others hang off them, nor fields of a
    row. Children go before their parents, and come after them.

    Args:
        gradebook: where to.
        now: the rows that are there, parents first.
        wanted: likewise, of the same tables.
    """
    for table, rows in reversed(now.items()):
        if gone := rows.keys() - wanted[table].keys():
            gradebook.db.execute(table.delete().where(table.c.id.in_(gone)))
    for table, rows in wanted.items():
        if new := [row for key, row in rows.items() if key not in now[table]]:
            gradebook.db.execute(table.insert(), new)
        for key in rows.keys() & now[table].keys():
            before = now[table][key]
            if changed := {k: v for k, v in rows[key].items() if v != before[k]}:
                gradebook.db.execute(table.update().where(table.c.id == key), changed)


# Parents first; what hangs off a submission is last.
RELEASED = (Course, Assignment, Notebook, BaseCell, GradeCell, SolutionCell, TaskCell, SourceCell)
SUBMITTED = (Student, SubmittedAssignment, SubmittedNotebook, Grade, Comment)


def copy_gradebook(db_url: str, file: Path, *, released_only: bool = False) -> None:
    """Copy a gradebook, wherever it is, into a new SQLite file.

    Args:
        db_url: where it is, as nbgrader names it.
        file: the new file.
        released_only: leave out students, and all that was handed in.

    Raises:
        CourseError: if the gradebook can't be read.
    """
    models = RELEASED if released_only else (*RELEASED, *SUBMITTED)
    old, new = create_engine(db_url), create_engine(f"sqlite:///{file}")
    try:
        Base.metadata.create_all(new)
        version = Table("alembic_version", MetaData(), Column("version_num", String(32)))
        with old.connect() as source, new.begin() as target:
            version.create(target)
            for one in (version, *(model.__table__ for model in models)):
                if rows := [dict(row) for row in source.execute(select(one)).mappings()]:
                    target.execute(one.insert(), rows)
    except SQLAlchemyError as error:
        raise CourseError(problem(db_url, error)) from error
    finally:
        old.dispose()
        new.dispose()
