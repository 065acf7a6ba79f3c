"""Put into submitted/ what a learning platform gives out in one archive.

Whose a file is, the roster decides: who isn't on it is named, and nobody is guessed at. Of several
attempts at a file the latest counts. What was in the student's folder before is kept in saved/.
"""

import os
import shutil
import tempfile
import zipfile
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path, PurePosixPath
from typing import Any

from nbgrader.api import Gradebook

from course.directory import Course, open_course
from course.files import MAX_DEPTH, is_text, printable, walk
from course.layout import CourseError
from course.notebooks.assignment import read_assignment
from course.platforms.names import Sent, meant, sent
from course.platforms.tables import Row, Table, plain, read_table
from course.repair.folder import MAX_BYTES, TIMESTAMP, SubmissionError, course_zone, moment

MAX_FILES = 50_000
JUNK = ("__MACOSX", ".DS_Store", "Thumbs.db", ".ipynb_checkpoints")
LATE_BY = timedelta(minutes=1)  # where a platform says that, and not by how much
#: As Moodle's worksheets write a time, in English: with a 12-hour clock or a 24-hour one.
MOODLE_TIMES = (
    "%A, %d %B %Y, %I:%M %p",
    "%A, %d %B %Y, %H:%M",
    "%d %B %Y, %I:%M %p",
    "%d/%m/%y, %H:%M",
)


@dataclass(frozen=True)
class Incoming:
    """A file of an archive."""

    path: PurePosixPath
    read: Callable[[], bytes]
    problem: str = ""


@dataclass
class Collected:
    """What became of an archive.

    Attributes:
        platform: "Canvas" or "Moodle".
        new: the students who have handed in.
        changed: those whose earlier hand-in was replaced.
        same: those whose hand-in was there already.
        notes: a line each, on students by id.
        problems: a line each, on what was not collected.
        saved: where earlier hand-ins went; None if there were none.
    """

    platform: str
    new: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    same: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    saved: Path | None = None


def collect(
    root: Path, archive: Path, assignment: str, *, worksheet: Path | None = None
) -> Collected:
    """Collect an archive.

    Args:
        root: the course's folder.
        archive: the zip file that the platform gave, or the folder that came of unpacking it.
        assignment: the assignment's name.
        worksheet: Moodle's grading worksheet: it tells people of the same name apart, and when
            each has handed in.

    Raises:
        CourseError: if the archive can't be read, or is none of Canvas's or Moodle's; if there is
            no such assignment.
    """
    course = open_course(root)
    wanted = course.assignments().get(assignment)
    if wanted is None:
        raise CourseError(f"{assignment} is not in the gradebook: run `course release` first")
    roster = roster_of(course)
    with opened(archive) as files:
        done, of_platform = _sorted(archive, files)
        sheet = Worksheet(read_table(worksheet)) if worksheet else None
        by_student = _by_student(of_platform, done, roster, sheet)
        due, zone = course.due_date(assignment), course_zone(course.config)
        expected = _expected(course, assignment, wanted)
        saved = root / "saved" / datetime.now().strftime("%Y-%m-%d_%H%M%S_%f") / "submitted"
        for student in sorted(by_student):
            pairs = by_student[student]
            work = _latest(student, pairs, expected, done)
            if not work:
                continue
            when = None
            if sheet and (row := sheet.row(pairs[0][0].who)):
                when = sheet.handed_in(row, zone)
                if when is None:
                    done.notes.append(
                        f"{student}: the worksheet's time “{sheet.time(row)}” is not understood, "
                        "so it counts as in time"
                    )
            late = any(one.late for one, _ in pairs)
            _put(course, student, assignment, work, when, due if late else None, late, done, saved)
    done.saved = saved if saved.exists() else None
    return done


def _expected(course: Course, assignment: str, wanted: Sequence[str]) -> set[str]:
    """Return the names that files of an assignment may have."""
    folder = course.path("source", ".", assignment)
    parts = read_assignment(folder).parts if folder.is_dir() else ()
    others = {name for part in parts for name in part.hand_in}
    return {f"{name}.ipynb" for name in wanted} | others | {f"{assignment}.zip"}


# --- the archive ----------------------------------------------------------------------------------


class opened:  # noqa: N801 - it is used as a function
    """The files of an archive, or of a folder."""

    def __init__(self, archive: Path) -> None:
        self._archive = archive
        self._zip: zipfile.ZipFile | None = None

    def __enter__(self) -> list[Incoming]:
        if self._archive.is_dir():
            return [
                Incoming(
                    PurePosixPath(path.relative_to(self._archive)),
                    path.read_bytes,
                    _too_large(path.stat().st_size),
                )
                for path in walk(self._archive)
                if path.is_file() and not path.is_symlink()
            ]
        try:
            self._zip = zipfile.ZipFile(self._archive)
        except (OSError, ValueError) as error:
            raise CourseError(
                f"{self._archive}: {getattr(error, 'strerror', None) or error}"
            ) from None
        except Exception:  # a broken archive brings about a dozen kinds
            raise CourseError(
                f"{self._archive} is no zip file, or a damaged one: download it again"
            ) from None
        infos = [info for info in self._zip.infolist() if not info.is_dir()]
        if len(infos) > MAX_FILES:
            raise CourseError(f"{self._archive} has more than {MAX_FILES} files")
        return [self._incoming(self._zip, info) for info in infos]

    def __exit__(self, *_: Any) -> None:
        if self._zip:
            self._zip.close()

    def _incoming(self, archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Incoming:
        def read() -> bytes:
            with archive.open(info) as file:
                data = file.read(MAX_BYTES + 1)
            if len(data) > MAX_BYTES:
                raise SubmissionError(_too_large(len(data)))
            return data

        is_link = info.external_attr >> 16 & 0o170000 == 0o120000
        encrypted = info.flag_bits & 1
        problem = (
            "is a link"
            if is_link
            else "has a password"
            if encrypted
            else _too_large(info.file_size)
        )
        return Incoming(PurePosixPath(_name(info)), read, problem)


def _too_large(size: int) -> str:
    return f"is larger than {MAX_BYTES >> 20} MiB" if size > MAX_BYTES else ""


def _name(info: zipfile.ZipInfo) -> str:
    """Return a file's name: UTF-8 is common even where the archive doesn't say so."""
    if info.flag_bits & 0x800:
        return info.filename
    try:
        return info.filename.encode("cp437").decode("utf-8")
    except UnicodeError:
        return info.filename


def _sorted(
    archive: Path, files: Sequence[Incoming]
) -> tuple[Collected, list[tuple[Sent, Incoming]]]:
    """Tell which platform an archive is of, and what in it is of nobody.

    Raises:
        CourseError: if it is of none.
    """
    files = [
        one
        for one in files
        if not any(part in JUNK or part.startswith("._") for part in one.path.parts)
    ]
    said = [(sent(one.path), one) for one in files]
    found = [(one, file) for one, file in said if isinstance(one, Sent)]
    reasons = [(one, file) for one, file in said if isinstance(one, str)]
    if not found and not any(why for why, _ in reasons):
        first = f"; its first file is {printable(str(files[0].path))}" if files else "; it is empty"
        raise CourseError(
            f"{archive} has no file named as Canvas or Moodle name them{first}. "
            "docs/instructor.md, “Collect”, shows other ways"
        )
    done = Collected(found[0][0].platform if found else "")
    for why, file in reasons:
        name = printable(str(file.path))
        done.problems.append(f"{name}: {why or 'not named as the others are'}; not collected")
    return done, found


# --- whose it is ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Student:
    """Somebody on the roster: id, names, e-mail, and the platform's number; empty if not known."""

    id: str
    first: str
    last: str
    email: str
    number: str


def roster_of(course: Course) -> list[Student]:
    """Return the roster, as the gradebook has it."""
    with Gradebook(course.db_url, course.folders.course_id) as gradebook:
        return [
            Student(
                one.id,
                one.first_name or "",
                one.last_name or "",
                one.email or "",
                one.lms_user_id or "",
            )
            for one in gradebook.students
        ]


class Worksheet:
    """Moodle's grading worksheet, whose lines are known by a number.

    Raises:
        CourseError: if the table is none.
    """

    def __init__(self, table: Table) -> None:
        self.table = table
        self._who, self._name = table.column("identifier"), table.column("full name")
        self._mail = table.column("email address", "email")
        self._time = table.column("last modified (submission)")
        if self._who is None:
            raise CourseError(
                f"{table.path} is no grading worksheet of Moodle's: it has no column Identifier"
            )

    def number(self, row: Row) -> str:
        """Return the number that stands for the student: the digits at the identifier's end."""
        text = row[self._who]
        return text[len(text.rstrip("0123456789")) :]

    def row(self, number: str) -> Row | None:
        """Return the line of a number."""
        return next((row for row in self.table.rows if self.number(row) == number), None)

    def name(self, row: Row) -> str:
        """Return the student's full name."""
        return row[self._name]

    def time(self, row: Row) -> str:
        """Return when the student has handed in, as Moodle writes it."""
        return row[self._time]

    def handed_in(self, row: Row, zone: Any) -> datetime | None:
        """Return when the student has handed in, in UTC; None if that is not understood."""
        text = self.time(row)
        for form in MOODLE_TIMES:
            try:
                when = datetime.strptime(text, form)
            except ValueError:
                continue
            return when.replace(tzinfo=zone).astimezone(UTC).replace(tzinfo=None)
        try:
            return moment(text, zone, bare=zone)
        except SubmissionError:
            return None

    def student(self, row: Row, roster: Sequence[Student]) -> str | None:
        """Return whose line it is: by e-mail, or by a name that only one on the roster has."""
        mail = row[self._mail].casefold()
        by_mail = [one.id for one in roster if mail and one.email.casefold() == mail]
        return by_mail[0] if len(by_mail) == 1 else named(self.name(row), roster)


def named(name: str, roster: Sequence[Student]) -> str | None:
    """Return the only student on the roster of this name; None if there is none, or several.

    Moodle puts first and last name in the order of its language.
    """
    found = [
        one.id
        for one in roster
        if one.first + one.last
        and plain(name) in (plain(one.first + one.last), plain(one.last + one.first))
    ]
    return found[0] if len(found) == 1 else None


def _by_student(
    files: Sequence[tuple[Sent, Incoming]],
    done: Collected,
    roster: Sequence[Student],
    sheet: Worksheet | None,
) -> Mapping[str, list[tuple[Sent, Incoming]]]:
    """Return the files by student; say who can't be found on the roster."""
    by_number = defaultdict(list)
    for person in roster:
        by_number[person.number].append(person.id)
    found: dict[str, list[tuple[Sent, Incoming]]] = defaultdict(list)
    unknown: dict[tuple[str, str], int] = defaultdict(int)
    for one, file in files:
        if one.platform == "Canvas":
            ids = by_number.get(one.who, [])
            student = ids[0] if len(ids) == 1 else None
        else:
            row = sheet.row(one.who) if sheet else None
            student = sheet.student(row, roster) if sheet and row else named(one.name, roster)
        if student is None:
            unknown[one.who, one.name] += 1
        else:
            found[student].append((one, file))
    for (who, name), count in unknown.items():
        what = "1 file" if count == 1 else f"{count} files"
        to_do = (
            "import Canvas's gradebook with `course roster`"
            if done.platform == "Canvas"
            else "or not alone of that name: add `--worksheet` with Moodle's grading worksheet"
        )
        done.problems.append(
            f"{printable(name)} ({done.platform} {who}) is not on the roster, {to_do}; "
            f"{what} not collected"
        )
    return found


# --- into the folder ------------------------------------------------------------------------------


def _latest(
    student: str,
    files: Sequence[tuple[Sent, Incoming]],
    expected: set[str],
    done: Collected,
) -> dict[PurePosixPath, bytes]:
    """Return what a student has handed in, by path; of several attempts the latest."""
    attempts: dict[PurePosixPath, list[tuple[int, Incoming]]] = defaultdict(list)
    for one, file in files:
        name = meant(one.file.name, expected) if one.platform == "Canvas" else one.file.name
        attempts[one.file.with_name(name)].append((one.order, file))
    work = {}
    for path, those in attempts.items():
        _, last = max(enumerate(those), key=lambda pair: (pair[1][0], pair[0]))[1]
        if len(those) > 1:
            done.notes.append(
                f"{student}: {len(those)} attempts at {printable(path.name)}; the latest was taken"
            )
        why = _unfit(path) or last.problem
        try:
            data = b"" if why else last.read()
        except Exception as error:  # damaged within the archive
            why = str(error) if isinstance(error, SubmissionError) else "is damaged in the archive"
        if why:
            done.problems.append(f"{student}: {printable(str(path))} {why}; not collected")
        else:
            work[path] = data
    return work


def _unfit(path: PurePosixPath) -> str:
    """Return why a student's file can't lie in the folder under its name; nothing if it can."""
    if path.is_absolute() or ".." in path.parts or "\\" in str(path):
        return "has a name that leads elsewhere"
    if path == PurePosixPath(TIMESTAMP):
        return "is the student's own: the time of the hand-in is not theirs to say"
    if (
        not str(path).isprintable()
        or not is_text(str(path))
        or any(len(p.encode()) > 255 for p in path.parts)
    ):
        return "has a name that can't be a file's"
    return f"is nested more than {MAX_DEPTH} folders deep" if len(path.parts) > MAX_DEPTH else ""


def _put(
    course: Course,
    student: str,
    assignment: str,
    work: Mapping[PurePosixPath, bytes],
    when: datetime | None,
    due: datetime | None,
    late: bool,
    done: Collected,
    saved: Path,
) -> None:
    """Make a student's folder of what was handed in, at once, and put away the one before.

    Args:
        course: the course.
        student: the student's id.
        assignment: the assignment's name.
        work: what was handed in, by path.
        when: the time of the hand-in, if it is known.
        due: when it was due, if the platform says that it came late, and not when.
        late: whether the platform says so.
        done: what is said of it is added there.
        saved: where the folder of before goes, within a folder of the student's.
    """
    folder = course.path("submitted", student, assignment)
    before = _content(folder)
    same = {path: data for path, data in before.items() if path.name != TIMESTAMP} == work
    stamp = f"{when} UTC\n".encode() if when else b""
    if late and not when:
        if due is None:
            done.notes.append(
                f"{student}: late, says {done.platform}; there is no due date here, "
                "so it counts as in time"
            )
        else:
            stamp = f"{due + LATE_BY} UTC\n".encode()
            if not same:
                done.notes.append(
                    f"{student}: late; {done.platform} doesn't say by how much, "
                    "so 1 minute is taken"
                )
    if same and (not when or before.get(PurePosixPath(TIMESTAMP)) == stamp):
        done.same.append(student)
        return
    everything = {**work, PurePosixPath(TIMESTAMP): stamp} if stamp else work
    home = course.path("submitted", student)
    home.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".collected-", dir=home) as scratch:
        new = Path(scratch) / assignment
        new.mkdir()
        for path, data in everything.items():
            place = new / path
            try:
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_bytes(data)
            except (FileExistsError, NotADirectoryError, IsADirectoryError):
                done.problems.append(f"{student}: {printable(str(path))} is a file and a folder")
        if os.path.lexists(folder):
            (saved / student).mkdir(parents=True, exist_ok=True)
            shutil.move(folder, saved / student / assignment)
        new.rename(folder)
    (done.changed if before else done.new).append(student)


def _content(folder: Path) -> dict[PurePosixPath, bytes]:
    if folder.is_symlink() or not folder.is_dir():
        return {}
    return dict(_files(folder))


def _files(folder: Path) -> Iterator[tuple[PurePosixPath, bytes]]:
    for path in walk(folder):
        if path.is_file() and not path.is_symlink():
            yield PurePosixPath(path.relative_to(folder)), path.read_bytes()
