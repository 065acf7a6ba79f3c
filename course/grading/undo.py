"""What a submission had before it is graded again is kept until that is done, on disk.

So it is put back if grading fails, and also if the process was killed in the middle: by the next
one that grades. It lies in autograded/.before/<student>/<assignment>: the graded folder, the
verdicts, and the gradebook's rows. What a person has entered meanwhile is never undone. Knows
nothing of how a submission is graded.
"""

import contextlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from nbgrader.api import Gradebook
from sqlalchemy.exc import SQLAlchemyError

from course.directory import Course, problem
from course.grading.notes import Status, read_notes
from course.grading.travel import rows_from_json, rows_to_json
from course.judge.preprocessor import VERDICTS
from course.layout import CourseError
from course.rollback import Rows, change_rows, submission_rows

BEFORE = ".before"
FILES, ROWS = "files", "rows.json"
OF_A_PERSON = {"manual_score", "manual_comment", "extra_credit"}  # fields of grades and comments
SCRATCH = (".tidied-*", ".arrived-*", ".before-*")  # temporary folders that a kill leaves


@contextlib.contextmanager
def undone_on_error(course: Course, student: str, assignment: str) -> Iterator[None]:
    """Take a submission's graded folder away, and put all back as it was if the block raises.

    If it doesn't, what was before is kept until `forget` is called.

    Raises:
        CourseError: if the gradebook can't be read; the block is not run.
    """
    place = kept_at(course, student, assignment)
    keep(course, student, assignment)
    take_away(course, student, assignment)
    try:
        yield
    except BaseException:
        _put_back(course, student, assignment, place)
        forget(course, student, assignment)
        raise


def kept_at(course: Course, student: str, assignment: str) -> Path:
    """Return where what a submission had before is kept."""
    return course.path("autograded") / BEFORE / student / assignment


def verdicts(course: Course, student: str, assignment: str) -> Path:
    """Return where a submission's verdicts are."""
    return Path(course.folders.root, VERDICTS, student, assignment)


def keep(course: Course, student: str, assignment: str) -> None:
    """Keep a submission's rows and verdicts, such that they are there as a whole or not at all.

    Raises:
        CourseError: if the gradebook can't be read.
    """
    place = kept_at(course, student, assignment)
    try:
        with Gradebook(course.db_url, course.folders.course_id) as gradebook:
            rows = submission_rows(gradebook, assignment, student)
    except SQLAlchemyError as error:
        raise CourseError(problem(course.db_url, error)) from error
    kept = {
        "rows": rows_to_json(rows),
        "folder": course.path("autograded", student, assignment).exists(),
    }
    place.mkdir(parents=True, exist_ok=True)
    judged = verdicts(course, student, assignment)
    if judged.exists():
        shutil.copytree(judged, place / VERDICTS, dirs_exist_ok=True)
    new = place / f"{ROWS}.new"
    new.write_text(json.dumps(kept), encoding="utf-8")
    sync(new)
    new.rename(place / ROWS)


def take_away(course: Course, student: str, assignment: str) -> None:
    """Keep a submission's graded folder, if there is one."""
    graded, place = (
        course.path("autograded", student, assignment),
        kept_at(course, student, assignment),
    )
    if graded.exists():
        place.mkdir(parents=True, exist_ok=True)
        graded.rename(place / FILES)


def forget(course: Course, student: str, assignment: str) -> None:
    """Keep what was before no longer."""
    place = kept_at(course, student, assignment)
    gone = place.with_name(f".{place.name}")  # in one step: half of it must not be put back
    with contextlib.suppress(FileNotFoundError):
        shutil.rmtree(gone, ignore_errors=True)
        place.rename(gone)
        shutil.rmtree(gone, ignore_errors=True)
        for folder in (place.parent, place.parent.parent):
            with contextlib.suppress(OSError):  # there is more in it
                folder.rmdir()


def undo_killed(course: Course) -> None:
    """Put back what a killed process has left half done, of all submissions; tidy up after it.

    Nobody else may be grading.
    """
    home = course.path("autograded")
    for pattern in SCRATCH:
        for path in [*home.glob(pattern), *home.glob(f"*/{pattern}")]:
            shutil.rmtree(path, ignore_errors=True)
    for place in sorted((home / BEFORE).glob("*/*")):
        if place.name.startswith("."):
            shutil.rmtree(place, ignore_errors=True)
        else:
            undo_if_killed(course, place.parent.name, place.name)
    for folder in [*(home / BEFORE).glob("*"), home / BEFORE]:
        with contextlib.suppress(OSError):
            folder.rmdir()


def undo_if_killed(course: Course, student: str, assignment: str) -> None:
    """Put back what a killed process, or a full disk, has left half done, if there is something.

    Raises:
        CourseError: if it can't be put back.
    """
    place = kept_at(course, student, assignment)
    if not place.exists():
        return
    last = read_notes(course).get((student, assignment))
    if not (last and last.status is Status.GRADED):
        try:
            _put_back(course, student, assignment, place)
        except SQLAlchemyError as error:
            raise CourseError(problem(course.db_url, error)) from error
        except OSError as error:
            raise CourseError(f"{place} can't be put back: {error.strerror}") from error
    forget(course, student, assignment)


def _put_back(course: Course, student: str, assignment: str, place: Path) -> None:
    """Do it; whoever is killed while doing so leaves what is needed to do it again."""
    kept: dict[str, Any] = {"rows": {}, "folder": True}
    if (place / ROWS).exists():
        kept = json.loads((place / ROWS).read_text(encoding="utf-8"))
        before = rows_from_json(kept["rows"])
        with Gradebook(course.db_url, course.folders.course_id) as gradebook:
            now = submission_rows(gradebook, assignment, student)
            change_rows(gradebook, now, _wanted(now, before))
            gradebook.db.commit()
        judged = verdicts(course, student, assignment)
        shutil.rmtree(judged, ignore_errors=True)
        if (place / VERDICTS).exists():
            shutil.copytree(place / VERDICTS, judged)
    graded = course.path("autograded", student, assignment)
    if (place / FILES).exists() or not kept["folder"]:
        shutil.rmtree(graded, ignore_errors=True)
    if (place / FILES).exists():
        graded.parent.mkdir(parents=True, exist_ok=True)
        (place / FILES).rename(graded)


def _wanted(now: Rows, before: Rows) -> Rows:
    """Return the rows from before, with what a person has entered since."""
    new = [
        row for table, rows in now.items() for key, row in rows.items() if key not in before[table]
    ]
    if any(row.get(key) is not None for row in new for key in OF_A_PERSON):
        before = {table: {**rows, **before[table]} for table, rows in now.items()}
    return {
        table: {key: _kept(row, now[table].get(key, row)) for key, row in rows.items()}
        for table, rows in before.items()
    }


def _kept(row: Mapping[str, Any], now: Mapping[str, Any]) -> dict[str, Any]:
    entered = {key: now[key] for key in OF_A_PERSON & row.keys() if now[key] != row[key]}
    if entered and "needs_manual_grade" in row:
        entered["needs_manual_grade"] = now["needs_manual_grade"]
    return {**row, **entered}


# --- a power cut ----------------------------------------------------------------------------------


def sync_folder(folder: Path) -> None:
    """See to it that a folder and all in it outlive a power cut."""
    for where, _, names in os.walk(folder):
        for name in names:
            sync(Path(where, name))
        sync(Path(where))
    if folder.exists():
        sync(folder.parent)


def sync(path: Path) -> None:
    """See to it that a file or folder outlives a power cut, where that can be asked for."""
    with contextlib.suppress(OSError):  # Windows opens no folders, some disks know no such thing
        number = os.open(path, os.O_RDONLY)
        try:
            os.fsync(number)
        finally:
            os.close(number)
