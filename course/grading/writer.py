"""One writer enters what stations reply, in batches: gradebook, graded notebooks, verdicts, notes.

Of a batch all comes into the gradebook in one transaction. A kill at any moment leaves a note that
a submission's grading has not come to its end, by which it is graded again. What a person enters
meanwhile stays: of a row only those fields are written that grading has changed. What a gradebook
that is locked or full does not take in is set aside, and entered later without being judged again.
"""

import json
import logging
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain
from pathlib import Path

from nbgrader.api import Gradebook, Student
from sqlalchemy import select
from sqlalchemy.exc import OperationalError, SQLAlchemyError

from course.directory import Course, at_once, patiently, problem
from course.files import trouble, walk
from course.grading.fingerprint import changes
from course.grading.notes import GradingOutcome, add_notes, begun
from course.grading.one_student import AGAIN, failed, one_line
from course.grading.station import Reply, opened
from course.grading.travel import letter, rows_from_json, rows_to_json, unpack
from course.judge.preprocessor import VERDICTS
from course.layout import CourseError
from course.rollback import Rows, change_rows

KEPT = f"what was judged is kept: {AGAIN} to enter it"
BATCH = 64  # submissions that are entered at once
WAITING = ".waiting"  # in autograded/, for what was judged and could not be entered
ARRIVED = ".arrived"  # there too, for what has come back and is being entered
LETTER = "letter.json"


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
class Judged:
    """What a submission's reply says.

    Attributes:
        graded: the submission.
        outcome: what grading it came to.
        rows: its rows as they are to be.
        log: what was logged meanwhile.
    """

    graded: Graded
    outcome: GradingOutcome
    rows: Rows
    log: str


class Writer:
    """Enters replies.

    Args:
        course: the course.
        log: the file to which the stations' logs are added; None if they write there themselves.
        say: told, in one line, that the gradebook is waited for.
    """

    def __init__(
        self, course: Course, log: Path | None, say: Callable[[str], None] = lambda line: None
    ) -> None:
        self._course = course
        self._log = log
        self._say = say
        self._arrived = course.path("autograded") / ARRIVED
        shutil.rmtree(self._arrived, ignore_errors=True)  # of a run that was killed
        self._waiting: list[Judged] = []
        self._why = ""  # something waits

    def enter(self, batch: Sequence[Graded]) -> list[GradingOutcome]:
        """Enter a batch, and return what grading each of it came to.

        What the gradebook doesn't take in now is set aside, and is not among these.

        Raises:
            CourseError: if that can't be noted.
        """
        try:
            return self._enter(batch)
        except CourseError:
            raise
        except Exception as error:  # the disk is full, a bug of ours
            if len(batch) > 1:
                return [outcome for one in batch for outcome in self.enter([one])]
            logging.getLogger("traitlets").exception("entering what was graded")
            lost = [_failed(one, f"{_told(error)}; {AGAIN}") for one in batch]
            add_notes(self._course, lost)
            return lost

    def set_aside(self, student: str, assignment: str, digest: str) -> Judged | None:
        """Return what was judged in an earlier run and could not be entered; None if there is none.

        It is removed if what decides the grade has changed since.

        Args:
            student: the student's id.
            assignment: the assignment's name.
            digest: the fingerprint of the submission as it is now; empty to judge it in any case.
        """
        shelf = self._shelf(student, assignment)
        if not shelf.is_dir():
            return None
        try:
            kept = json.loads((shelf / LETTER).read_text(encoding="utf-8"))
            before = rows_from_json(kept["before"])
            reply = Reply(kept["reply"], b"", b"")
            found = self._opened(Graded(student, assignment, before, kept["digest"], reply))
        except (OSError, ValueError, KeyError, TypeError):
            found = None
        if isinstance(found, Judged) and found.outcome.digest == digest != "":
            return found
        shutil.rmtree(shelf, ignore_errors=True)
        return None

    def enter_set_aside(self, one: Judged) -> list[GradingOutcome]:
        """Enter what `set_aside` returned; nothing is returned if it still can't be."""
        shelf = self._shelf(one.graded.student, one.graded.assignment)
        found = self._put_in([one], {id(one): shelf})
        if one not in self._waiting:
            shutil.rmtree(shelf, ignore_errors=True)
        return found

    def finish(self) -> list[GradingOutcome]:
        """Enter what was set aside; what still can't be entered stays there for the next run."""
        waiting, self._waiting = self._waiting, []
        outcomes = [outcome for one in waiting for outcome in self.enter_set_aside(one)]
        left = [_failed(one.graded, f"{self._why}; {KEPT}") for one in self._waiting]
        add_notes(self._course, left)
        return outcomes + left

    def _enter(self, batch: Sequence[Graded]) -> list[GradingOutcome]:
        read = [self._opened(graded) for graded in batch]
        there = [one for one in read if isinstance(one, Judged)]
        lost = [one for one in read if isinstance(one, GradingOutcome)]
        if self._log:
            with self._log.open("a", encoding="utf-8") as file:
                file.writelines(one.log for one in there)
        add_notes(self._course, [begun(one.graded.student, one.graded.assignment) for one in there])
        with self._unpacked(there) as (arrived, broken):
            lost += [_failed(one.graded, broken[id(one)]) for one in there if id(one) in broken]
            add_notes(self._course, lost)
            return self._put_in([one for one in there if id(one) not in broken], arrived) + lost

    def _opened(self, graded: Graded) -> Judged | GradingOutcome:
        try:
            outcome, rows, log = opened(graded.reply)
        except ValueError as error:
            return _failed(graded, str(error))
        if (outcome.student, outcome.assignment) != (graded.student, graded.assignment):
            return _failed(graded, "a reply to something else came back")
        return Judged(graded, outcome, rows, log)

    @contextmanager
    def _unpacked(
        self, batch: Sequence[Judged]
    ) -> Iterator[tuple[dict[int, Path], dict[int, str]]]:
        """Yield the folders that have arrived, and why the others have not."""
        arrived, broken = {}, {}
        try:
            self._arrived.mkdir(parents=True, exist_ok=True)
            scratch = tempfile.mkdtemp(dir=self._arrived)
            for number, one in enumerate(batch):
                folder = Path(scratch, str(number))
                folder.mkdir()
                try:
                    _take(one.graded.reply.autograded, folder / "autograded")
                    _take(one.graded.reply.verdicts, folder / VERDICTS)
                except (ValueError, OSError) as error:
                    broken[id(one)] = f"{_told(error)}; {AGAIN}"
                arrived[id(one)] = folder
            yield arrived, broken
        finally:
            shutil.rmtree(self._arrived, ignore_errors=True)

    def _put_in(self, batch: Sequence[Judged], arrived: Mapping[int, Path]) -> list[GradingOutcome]:
        """Write what has arrived into the gradebook and the course's folders, and note that.

        What the gradebook doesn't take in now is set aside.
        """
        ready, lost = [], []
        for one in batch:
            try:
                self._make_room(one.graded, arrived[id(one)])
                ready.append(one)
            except (ValueError, OSError) as error:
                lost.append(_failed(one.graded, f"{_told(error)}; {AGAIN}"))
        written, refused, waiting = self._written(ready)
        lost += [_failed(one.graded, why) for one, why in refused]
        done = []
        for one in written:
            try:
                self._put(one.graded, arrived[id(one)])
                done.append(replace(one.outcome, because=because(one.outcome, one.graded.digest)))
            except OSError as error:
                self._take_back(one)
                lost.append(_failed(one.graded, f"{_told(error)}; {AGAIN}"))
        for one in waiting:
            try:
                self._set_aside(one, arrived[id(one)])
            except OSError:
                lost.append(_failed(one.graded, f"{self._why}; {AGAIN}"))
        add_notes(self._course, [*done, *lost])
        return [*done, *lost]

    def _written(
        self, batch: Sequence[Judged]
    ) -> tuple[Sequence[Judged], Sequence[tuple[Judged, str]], Sequence[Judged]]:
        """Write a batch's rows at once; if that fails, one by one, so that none harms another.

        Returns:
            What was written; what was refused, with the reason; what waits, because the gradebook
            takes in nothing at all.
        """
        try:
            if batch and self._waiting:  # the others are not to wait long for it again
                self._write(batch, at_once(self._course.db_url))
            elif batch:
                patiently(self._course.db_url, partial(self._write, batch), self._say)
            return batch, [], []
        except OperationalError as error:
            self._why = problem(self._course.db_url, error)
            return [], [], batch
        except SQLAlchemyError as error:
            if len(batch) == 1:
                return [], [(batch[0], f"{problem(self._course.db_url, error)}; {AGAIN}")], []
        found = [self._written([one]) for one in batch]
        written, refused, waiting = (
            list(chain.from_iterable(part)) for part in zip(*found, strict=True)
        )
        return written, refused, waiting

    def _write(self, batch: Iterable[Judged], db_url: str) -> None:
        students = Student.__table__
        with Gradebook(db_url, self._course.folders.course_id) as gradebook:
            for one in batch:
                wanted = dict(one.rows)
                known = select(students.c.id).where(students.c.id == one.graded.student)
                if gradebook.db.execute(known).first():
                    wanted[students] = one.graded.before.get(students, {})
                change_rows(gradebook, one.graded.before, wanted)
            gradebook.db.commit()

    def _take_back(self, one: Judged) -> None:
        """Make a submission's rows what they were before, as its folders are."""
        back = replace(one, graded=replace(one.graded, before=one.rows), rows=one.graded.before)
        with suppress(SQLAlchemyError):  # then they are those of the next grading
            self._write([back], self._course.db_url)

    def _places(self, graded: Graded, arrived: Path) -> list[tuple[Path, Path]]:
        """Return a submission's new folders, each with its place."""
        verdicts = Path(self._course.folders.root, VERDICTS, graded.student, graded.assignment)
        autograded = self._course.path("autograded", graded.student, graded.assignment)
        places = [(arrived / "autograded", autograded), (arrived / VERDICTS, verdicts)]
        # If nothing was judged, the last verdict stays for appeals.
        return places if (arrived / VERDICTS).exists() else places[:1]

    def _make_room(self, graded: Graded, arrived: Path) -> None:
        """See to it that a submission's folders can be put in their places.

        Raises:
            OSError: if the disk is full, or may not be written to.
            ValueError: if a file lies there.
        """
        for _, place in self._places(graded, arrived):
            if file := in_the_way(place):
                raise ValueError(file)
            put_back(place)
            place.parent.mkdir(parents=True, exist_ok=True)

    def _put(self, graded: Graded, arrived: Path) -> None:
        """Put a submission's folders in the place of those before; all of them, or none.

        Raises:
            OSError: if that can't be done.
        """
        changed = []
        try:
            for new, place in self._places(graded, arrived):
                if place.exists():
                    place.rename(_kept(place))
                changed.append(place)
                if new.exists():
                    shutil.move(new, place)
        except OSError:
            for place in changed:
                shutil.rmtree(place, ignore_errors=True)
                put_back(place)
            raise
        for place in changed:
            shutil.rmtree(_kept(place), ignore_errors=True)

    def _shelf(self, student: str, assignment: str) -> Path:
        """Return where a submission waits that was judged and could not be entered."""
        return self._course.path("autograded") / WAITING / student / assignment

    def _set_aside(self, one: Judged, arrived: Path) -> None:
        """Keep what was judged until the gradebook takes it in, in this run or another."""
        graded = one.graded
        shelf = self._shelf(graded.student, graded.assignment)
        if shelf != arrived:
            kept = {"before": rows_to_json(graded.before), "digest": graded.digest}
            text = letter(**kept, reply=graded.reply.letter)
            (arrived / LETTER).write_text(text, encoding="utf-8")
            shutil.rmtree(shelf, ignore_errors=True)
            shelf.parent.mkdir(parents=True, exist_ok=True)
            arrived.rename(shelf)
        self._waiting.append(one)


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


def in_the_way(place: Path) -> str:
    """Return in a sentence that a file lies where a submission's folder is to be; "" if none does.

    Of the folders above only the student's is looked at.
    """
    for path in (place.parent, place):
        if os.path.lexists(path) and not path.is_dir():
            return f"{path} is a file where a folder belongs: move it away"
    return ""


def _told(error: Exception) -> str:
    """Return in one line what has been raised."""
    if isinstance(error, OSError):
        return trouble(error)
    return str(error) if type(error) is ValueError else one_line(error)


def _failed(graded: Graded, why: str) -> GradingOutcome:
    return failed(graded.student, graded.assignment, why)


def because(outcome: GradingOutcome, before: str) -> tuple[str, ...]:
    """Return what had changed since a submission was graded before."""
    return tuple(changes(before, outcome.digest)) if outcome.digest else ()
