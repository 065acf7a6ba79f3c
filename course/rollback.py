"""Put nbgrader's gradebook back as it was when a step that writes to it fails.

The whole of it, for a release; or one submission's rows alone, so that other people's grades can be
written meanwhile: by another process that grades, or by a person in formgrader.
"""

import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from nbgrader.api import (
    Comment,
    Grade,
    Gradebook,
    SubmittedAssignment,
    SubmittedNotebook,
)

Rows = list[dict[str, Any]]


@contextmanager
def gradebook_unchanged_on_error(db: Path) -> Iterator[None]:
    """Put the gradebook back as it was before the block, if the block raises or is interrupted.

    The copy lies beside the gradebook while the block runs, so that it is still there if the
    computer goes down. The block must have closed its connections when it ends.

    Args:
        db: the SQLite file; if there was none before, there is none after an error.

    Raises:
        sqlite3.DatabaseError: if the file is no SQLite database; the block is not run.
    """
    existed = db.exists()
    with tempfile.TemporaryDirectory(prefix=f"{db.name}.before-", dir=db.parent) as folder:
        before = Path(folder) / db.name
        if existed:
            _copy(db, before)
        try:
            yield
        except BaseException:
            if existed:
                _copy(before, db)
            else:
                db.unlink(missing_ok=True)
            raise


def _copy(source: Path, target: Path) -> None:
    """Copy a database with SQLite's own backup, which is right even while it is being read."""
    with closing(sqlite3.connect(source)) as old, closing(sqlite3.connect(target)) as new:
        old.backup(new)


@contextmanager
def submission_unchanged_on_error(db_url: str, assignment: str, student: str) -> Iterator[None]:
    """Put a submission's rows back as they were before the block, if the block raises.

    Args:
        db_url: where the gradebook is, as nbgrader names it.
        assignment: the assignment's name.
        student: the student's id; the entry of the student stays, whatever happens.
    """
    with Gradebook(db_url) as gradebook:
        before = _rows(gradebook, assignment, student)
    try:
        yield
    except BaseException:
        with Gradebook(db_url) as gradebook:
            _replace(gradebook, _rows(gradebook, assignment, student), before)
        raise


def _rows(gradebook: Gradebook, assignment: str, student: str) -> dict[Any, Rows]:
    """Return all rows that hang off a submission by table, parents first."""
    found: dict[Any, Rows] = {}

    def fetch(model: Any, condition: Any) -> list[str]:
        table = model.__table__
        rows = gradebook.db.execute(table.select().where(condition)).mappings()
        found[table] = [dict(row) for row in rows]
        return [row["id"] for row in found[table]]

    assignment_id = gradebook.find_assignment(assignment).id
    submission = fetch(
        SubmittedAssignment,
        (SubmittedAssignment.student_id == student)
        & (SubmittedAssignment.assignment_id == assignment_id),
    )
    notebooks = fetch(SubmittedNotebook, SubmittedNotebook.assignment_id.in_(submission))
    fetch(Grade, Grade.notebook_id.in_(notebooks))
    fetch(Comment, Comment.notebook_id.in_(notebooks))
    return found


def _replace(gradebook: Gradebook, now: dict[Any, Rows], before: dict[Any, Rows]) -> None:
    for table, rows in reversed(now.items()):
        gradebook.db.execute(table.delete().where(table.c.id.in_([row["id"] for row in rows])))
    for table, rows in before.items():
        if rows:
            gradebook.db.execute(table.insert(), rows)
    gradebook.db.commit()
