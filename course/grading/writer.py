"""One writer enters what stations reply, in batches: gradebook, graded notebooks, verdicts, notes.

Of a batch all comes into the gradebook in one transaction. A kill at any moment leaves a note that
a submission's grading has not come to its end, by which it is graded again. What a person enters
meanwhile stays: of a row only those fields are written that grading has changed.
"""

import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from nbgrader.api import Gradebook, Student
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from course.directory import Course, problem
from course.files import walk
from course.grading.fingerprint import changes
from course.grading.notes import GradingOutcome, Status, add_notes, begun
from course.grading.station import Reply, opened
from course.grading.travel import unpack
from course.judge.preprocessor import VERDICTS
from course.rollback import Rows, change_rows

AGAIN = "run `course grade` again"
BATCH = 64  # submissions that are entered at once


@dataclass(frozen=True)
class Graded:
    """A submission that has come back from a station.

    Attributes:
        student: the student's id.
        assignment: the assignment's name.
        before: the submission's rows when it was sent away.
        digest: the fingerprint of what was graded last.
        reply: what came back.
    """

    student: str
    assignment: str
    before: Rows
    digest: str
    reply: Reply


@dataclass(frozen=True)
class _Opened:
    graded: Graded
    outcome: GradingOutcome
    rows: Rows
    log: str


class Writer:
    """Enters replies.

    Args:
        course: the course.
        log: the file to which the stations' logs are added; None if they write there themselves.
    """

    def __init__(self, course: Course, log: Path | None) -> None:
        self._course = course
        self._log = log

    def enter(self, batch: Sequence[Graded]) -> list[GradingOutcome]:
        """Enter a batch, and return what grading each of it came to.

        Raises:
            CourseError: if that can't be noted.
        """
        read = [self._opened(graded) for graded in batch]
        there = [one for one in read if isinstance(one, _Opened)]
        failed = [one for one in read if isinstance(one, GradingOutcome)]
        if self._log:
            with self._log.open("a", encoding="utf-8") as file:
                file.writelines(one.log for one in there)
        add_notes(self._course, [begun(one.graded.student, one.graded.assignment) for one in there])
        with self._unpacked(there) as (arrived, broken):
            written, refused = self._written([one for one in there if id(one) not in broken])
            for one in written:
                self._put(one.graded, arrived[id(one)])
        failed += [_failed(one.graded, broken[id(one)]) for one in there if id(one) in broken]
        failed += [_failed(one.graded, why) for one, why in refused]
        done = [one.outcome for one in written]
        add_notes(self._course, [*done, *failed])
        return [*done, *failed]

    def _opened(self, graded: Graded) -> _Opened | GradingOutcome:
        try:
            outcome, rows, log = opened(graded.reply)
        except ValueError as error:
            return _failed(graded, str(error))
        if (outcome.student, outcome.assignment) != (graded.student, graded.assignment):
            return _failed(graded, "a reply to something else came back")
        return _Opened(graded, outcome, rows, log)

    @contextmanager
    def _unpacked(
        self, batch: Sequence[_Opened]
    ) -> Iterator[tuple[dict[int, Path], dict[int, str]]]:
        """Yield the folders that have arrived, and why the others have not."""
        home = self._course.path("autograded")
        home.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".arrived-", dir=home) as scratch:
            arrived, broken = {}, {}
            for number, one in enumerate(batch):
                folder = Path(scratch, str(number))
                folder.mkdir()
                try:
                    _take(one.graded.reply.autograded, folder / "autograded")
                    _take(one.graded.reply.verdicts, folder / VERDICTS)
                except (ValueError, OSError) as error:
                    broken[id(one)] = str(error)
                arrived[id(one)] = folder
            yield arrived, broken

    def _written(
        self, batch: Sequence[_Opened]
    ) -> tuple[Sequence[_Opened], Sequence[tuple[_Opened, str]]]:
        """Write a batch's rows at once; if that fails, one by one, so that none harms another."""
        try:
            self._write(batch)
            return batch, []
        except SQLAlchemyError:
            pass
        written, refused = [], []
        for one in batch:
            try:
                self._write([one])
                written.append(one)
            except SQLAlchemyError as error:
                refused.append((one, f"{problem(self._course.db_url, error)}; {AGAIN}"))
        return written, refused

    def _write(self, batch: Iterable[_Opened]) -> None:
        students = Student.__table__
        with Gradebook(self._course.db_url, self._course.folders.course_id) as gradebook:
            for one in batch:
                wanted = dict(one.rows)
                known = select(students.c.id).where(students.c.id == one.graded.student)
                if gradebook.db.execute(known).first():
                    wanted[students] = one.graded.before.get(students, {})
                change_rows(gradebook, one.graded.before, wanted)
            gradebook.db.commit()

    def _put(self, graded: Graded, arrived: Path) -> None:
        """Put a submission's folders in the place of those before."""
        root = Path(self._course.folders.root)
        autograded = self._course.path("autograded", graded.student, graded.assignment)
        verdicts = root / VERDICTS / graded.student / graded.assignment
        for new, place in ((arrived / "autograded", autograded), (arrived / VERDICTS, verdicts)):
            if place == verdicts and not new.exists():
                continue  # nothing was judged: the last verdict stays for appeals
            put_back(place)
            place.parent.mkdir(parents=True, exist_ok=True)
            if place.exists():
                place.rename(_kept(place))
            if new.exists():
                shutil.move(new, place)
            shutil.rmtree(_kept(place), ignore_errors=True)


def _take(sent: bytes | str, folder: Path) -> None:
    """Put what a station has sent into a new folder, such that it outlives a power cut."""
    if isinstance(sent, bytes):
        unpack(sent, folder)
    elif sent:
        shutil.move(sent, folder)
    for path in walk(folder) if folder.is_dir() else ():
        if path.is_file() and not path.is_symlink():
            with path.open("rb") as file:
                os.fsync(file.fileno())


def _kept(place: Path) -> Path:
    """Return where a folder is while another takes its place."""
    return place.with_name(f".{place.name}.before")


def put_back(place: Path) -> None:
    """Undo the half of a change of folders in which a process was killed."""
    if (kept := _kept(place)).exists():
        if place.exists():
            shutil.rmtree(kept)
        else:
            kept.rename(place)


def _failed(graded: Graded, why: str) -> GradingOutcome:
    return GradingOutcome(graded.student, graded.assignment, Status.FAILED, (why,))


def because(outcome: GradingOutcome, before: str) -> tuple[str, ...]:
    """Return what had changed since a submission was graded before."""
    return tuple(changes(before, outcome.digest)) if outcome.digest else ()
