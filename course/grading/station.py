"""A place beside the class, at which one hand-in after the other is graded.

It has of the course what grading needs, in a folder of its own: the sources, the configuration, the
secret, and a gradebook that knows what was released. With each hand-in come its rows of the real
gradebook, and back go the rows, the graded notebooks and the verdicts, as data: whatever ends the
grading, the course itself is as it was. Each process that grades has one, on the class's own
machine, which links to what the course has, or on another, which is sent it. Knows nothing of what
carries all that.
"""

import io
import json
import logging
import shutil
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import Any

from nbgrader.api import Gradebook
from nbgrader.api import Student as StudentRow
from sqlalchemy import select

from course.directory import Course, open_course
from course.files import printable
from course.grading.batch import log_to
from course.grading.elsewhere import GRADEBOOK, STEPS, configure
from course.grading.fingerprint import CODE, code_digest
from course.grading.notes import GradingOutcome, outcome_from
from course.grading.one_student import one_line
from course.grading.travel import letter, pack, rows_from_json, rows_to_json, unpack
from course.judge.preprocessor import VERDICTS, judge_of
from course.layout import CONFIG, CourseError
from course.rollback import SUBMITTED, Rows, change_rows, copy_gradebook, submission_rows
from course.secret import NAME as SECRET
from course.secret import course_secret

Work = Callable[..., GradingOutcome]
ROOM = ".rooms"  # in autograded/: says where this machine's stations are laid out
ROOM_IS = "stations-"  # what the name of that folder begins with
_one_at_a_time = Lock()  # grading goes into the course's folder


@dataclass(frozen=True)
class Parcel:
    """A hand-in on its way to a station.

    Attributes:
        letter: as JSON, whose it is, what decides its grade, and its rows of the gradebook.
        submitted: what was handed in, packed; or the path of the student's folder, for a station
            that can see it.
        autograded: what it was graded as before, packed; or its path, likewise.
    """

    letter: str
    submitted: bytes | str
    autograded: bytes | str


@dataclass(frozen=True)
class Reply:
    """What comes back.

    Attributes:
        letter: as JSON, what grading came to, the rows of the gradebook, and the log.
        autograded: the graded notebooks and what lies beside them, packed; or the path of a folder
            to be taken away; empty if there are none.
        verdicts: the verdicts, likewise.
    """

    letter: str
    autograded: bytes | str
    verdicts: bytes | str


def make_kit(course: Course) -> bytes:
    """Return what a station needs of a course, as an archive."""
    root = Path(course.folders.root)
    course_secret(root)  # is made by the first who asks
    out = io.BytesIO()
    with tempfile.TemporaryDirectory() as scratch, tarfile.open(fileobj=out, mode="w:gz") as kit:
        gradebook = Path(scratch, GRADEBOOK)
        copy_gradebook(course.db_url, gradebook, released_only=True)
        kit.add(gradebook, GRADEBOOK)
        kit.add(course.path("source"), "source", filter=_wanted)
        for path in sorted({root / SECRET, *root.glob("*.py")}):
            kit.add(path, path.name)
    return out.getvalue()


def _wanted(entry: tarfile.TarInfo) -> tarfile.TarInfo | None:
    names = Path(entry.name).parts
    return None if {"__pycache__", ".ipynb_checkpoints"} & {*names} else entry


def submission_with_student(gradebook: Gradebook, assignment: str, student: str) -> Rows:
    """Return all rows of a submission, and the student's own."""
    table = StudentRow.__table__
    found = gradebook.db.execute(select(table).where(table.c.id == student)).mappings()
    return {
        table: {row["id"]: dict(row) for row in found},
        **submission_rows(gradebook, assignment, student),
    }


def with_name(rows: Rows, student: str, folder: str) -> Rows:
    """Return a submission's rows with one for the student, if there is none: named as the folder.

    Args:
        rows: what `submission_with_student` returns.
        student: the student's id, which had to be another.
        folder: the name of the student's folder in submitted/.
    """
    table = StudentRow.__table__
    row = {"id": student, "last_name": printable(folder)}
    return rows if rows[table] else {**rows, table: {student: row}}


class Station:
    """Grades what arrives, one at a time.

    Args:
        root: its folder, laid out.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._sent = 0

    def grade(self, parcel: Parcel, work: Work) -> Reply:
        """Grade a hand-in.

        Args:
            parcel: the hand-in.
            work: what grades a submission; `course.grading.one_student.grade_submission`.
        """
        about = json.loads(parcel.letter)
        student, assignment = about["student"], about["assignment"]
        start = time.perf_counter()
        with _one_at_a_time, _logged(f"{student}, {assignment}: ") as log:
            course = open_course(self._root)
            self._put(course, parcel, about)
            outcome = work(self._root, student, assignment, about["decides"], about["figures"])
            if note := about["note"]:
                outcome = replace(outcome, notes=(note, *outcome.notes))
            outcome = replace(outcome, seconds=time.perf_counter() - start)
            with Gradebook(course.db_url, course.folders.course_id) as gradebook:
                rows = submission_with_student(gradebook, assignment, student)
            told = letter(outcome=asdict(outcome), rows=rows_to_json(rows), log=log.getvalue())
            graded = course.path("autograded", student, assignment)
            verdicts = self._root / VERDICTS / student / assignment
            self._sent += 1
            return Reply(told, self._sent_away(graded), self._sent_away(verdicts))

    def _sent_away(self, folder: Path) -> bytes | str:
        """Return a folder as it goes back; here it waits to be taken."""
        if not folder.exists():
            return ""
        place = self._root / "sent" / f"{self._sent}" / folder.parent.parent.name
        place.parent.mkdir(parents=True, exist_ok=True)
        folder.rename(place)
        return str(place)

    def _put(self, course: Course, parcel: Parcel, about: Mapping[str, Any]) -> None:
        """Put a hand-in where it is looked for, in place of the one before."""
        student, assignment = about["student"], about["assignment"]
        for step in ("submitted", "autograded"):
            shutil.rmtree(course.path(step), ignore_errors=True)
        shutil.rmtree(self._root / VERDICTS, ignore_errors=True)
        submitted = course.path("submitted", student, assignment)
        if isinstance(parcel.submitted, str):
            submitted.parent.parent.mkdir(parents=True)
            submitted.parent.symlink_to(parcel.submitted)
        else:
            submitted.parent.mkdir(parents=True)
            unpack(parcel.submitted, submitted)
        graded = course.path("autograded", student, assignment)
        if isinstance(parcel.autograded, str):
            with suppress(FileNotFoundError):
                shutil.copytree(parcel.autograded, graded, symlinks=True)
        else:
            unpack(parcel.autograded, graded)
        with Gradebook(course.db_url, course.folders.course_id) as gradebook:
            for model in reversed(SUBMITTED):
                gradebook.db.execute(model.__table__.delete())
            rows = rows_from_json(about["rows"])
            change_rows(gradebook, {table: {} for table in rows}, rows)
            gradebook.db.commit()


class RemoteStation(Station):
    """A station on another machine, in a folder that is removed when it is closed.

    Args:
        kit: what `make_kit` returns.
        code: the digest of the course's code where the class is.

    Attributes:
        refusal: why nothing can be graded here, in words; empty if it can.
    """

    def __init__(self, kit: bytes, code: str) -> None:
        self.refusal = ""
        self._folder = tempfile.TemporaryDirectory(prefix="station-")
        super().__init__(Path(self._folder.name).resolve())
        try:
            with tarfile.open(fileobj=io.BytesIO(kit)) as archive:
                archive.extractall(self._root, filter="data")
            (self._root / SECRET).chmod(0o600)
            configure(self._root, (self._root / CONFIG).read_text(encoding="utf-8"))
            if code != code_digest():
                raise CourseError(f"{CODE} is another version here")
            if judge := judge_of(open_course(self._root).config):
                judge.check_machine()
        except Exception as error:  # whatever is the matter here, others may do better
            self.refusal = str(error) or type(error).__name__

    def close(self) -> None:
        """Remove its folder."""
        self._folder.cleanup()

    def _sent_away(self, folder: Path) -> bytes | str:
        return pack(folder)


# --- on the class's own machine -------------------------------------------------------------------


@contextmanager
def room(course: Course) -> Iterator[Path]:
    """Yield a folder in which this machine's stations are laid out; it is removed afterwards."""
    course_secret(Path(course.folders.root))  # is made by the first who asks
    note = course.path("autograded") / ROOM
    left = _remove_rooms(_noted(note))
    with tempfile.TemporaryDirectory(prefix=ROOM_IS) as name:
        with suppress(OSError):
            note.parent.mkdir(parents=True, exist_ok=True)
            note.write_text("\n".join([*left, name]), encoding="utf-8")
        yield Path(name).resolve()
    with suppress(OSError):
        if left := _remove_rooms(left):
            note.write_text("\n".join(left), encoding="utf-8")
        else:
            note.unlink(missing_ok=True)


def _noted(note: Path) -> list[str]:
    """Return the folders that killed runs have left, as their note says."""
    try:
        return note.read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError):
        return []


def _remove_rooms(names: Iterable[str]) -> list[str]:
    """Remove these folders; return those in which a process that is still ending has written."""
    rooms = [Path(tempfile.gettempdir(), Path(name).name) for name in names]
    rooms = [room for room in rooms if room.name.startswith(ROOM_IS)]
    for room in rooms:
        shutil.rmtree(room, ignore_errors=True)
    return [str(room) for room in rooms if room.exists()]


def grade_in_room(root: Path, place: Path, parcel: Parcel, work: Work) -> Reply | str:
    """Grade a hand-in at this process's own station; return why, if that fails.

    Args:
        root: the course's folder.
        place: the folder that `room` yields.
        parcel: the hand-in.
        work: as for `Station.grade`.
    """
    try:
        return _station(root, place).grade(parcel, work)
    except Exception as error:  # the disk is full, a bug of ours
        logging.getLogger("traitlets").exception("a station")
        return one_line(error)


@lru_cache(maxsize=1)
def _station(root: Path, place: Path) -> Station:
    """Lay out a station that has what the course has, but for what grading changes there."""
    folder = Path(tempfile.mkdtemp(dir=place))
    course = open_course(root)
    copy_gradebook(course.db_url, folder / GRADEBOOK, released_only=True)
    changed = {CONFIG, GRADEBOOK, VERDICTS, *STEPS}
    for path in root.iterdir():
        if path.name not in changed:
            (folder / path.name).symlink_to(path)
    (folder / "source").symlink_to(course.path("source"))
    configure(folder, (root / CONFIG).read_text(encoding="utf-8"))
    return Station(folder)


def opened(reply: Reply) -> tuple[GradingOutcome, Rows, str]:
    """Return what a reply's letter says: what grading came to, the rows, and the log.

    Raises:
        ValueError: if it says nothing of the kind.
    """
    try:
        told = json.loads(reply.letter)
        return outcome_from(told["outcome"]), rows_from_json(told["rows"]), str(told["log"])
    except (KeyError, TypeError) as error:
        raise ValueError(f"no reply of a station: {error!r}") from None


@contextmanager
def _logged(about: str) -> Iterator[io.StringIO]:
    """Collect what nbgrader's converters log within the block.

    Args:
        about: what each record is about, as it stands before it in every log.
    """

    def mark(record: logging.LogRecord) -> bool:
        record.about = about
        return True

    text = io.StringIO()
    handler = log_to(text)
    logger = logging.getLogger("traitlets")
    level = logger.level
    logger.addHandler(handler)
    logger.addFilter(mark)
    logger.setLevel(logging.INFO)
    try:
        yield text
    finally:
        logger.removeFilter(mark)
        logger.removeHandler(handler)
        logger.setLevel(level)
