"""Grades and feedback in the form in which a learning platform takes them back.

A file that the platform has exported is filled in: the columns, the lines and the numbers by which
it knows people are its own. Whose grade isn't there, or isn't settled, keeps what the platform has.
"""

import contextlib
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from course.directory import Course, open_course
from course.files import printable
from course.grading.report import points
from course.grading.results import Results, Work, read_results
from course.layout import CourseError
from course.platforms.collect import Student, Worksheet, opened, roster_of
from course.platforms.names import Sent, sent
from course.platforms.roster import is_canvas, is_student
from course.platforms.tables import Table, plain, read_table, table_text

FOLDER = "give_back"
PEOPLE = (
    "Student",
    "LastName",
    "FirstName",
    "ID",
    "SIS User ID",
    "SIS Login ID",
    "Integration ID",
    "Root Account",
    "Section",
)
WORKSHEET = (
    "Identifier",
    "Full name",
    "Email address",
    "Grade",
    "Maximum grade",
    "Last modified (grade)",
)


@dataclass
class GivenBack:
    """What was made for a platform.

    Attributes:
        platform: "Canvas" or "Moodle".
        files: those that were written.
        count: how many students have a grade, or feedback, in them.
        notes: a line each, on what is not in them.
    """

    platform: str
    files: list[Path] = field(default_factory=list)
    count: int = 0
    notes: list[str] = field(default_factory=list)


def give_back(
    root: Path, exported: Path, assignment: str, *, column: str = "", scale: bool = False
) -> GivenBack:
    """Fill in what a platform has exported, in give_back/ASSIGNMENT/.

    Canvas's gradebook and Moodle's grading worksheet become grades.csv. Feedback is packed for
    Moodle with the worksheet, for Canvas with the zip file of what was handed in.

    Args:
        root: the course's folder.
        exported: the file.
        assignment: the assignment's name.
        column: Canvas's name of it, if it can't be told from the assignment's.
        scale: convert points where the platform's full marks are others.

    Raises:
        CourseError: if the file is none of these, or the full marks differ, or nothing is graded.
    """
    course, results = open_course(root), read_results(root, [assignment])
    roster = roster_of(course)
    works = {student: work for (student, _), work in results.works.items()}
    folder = root / FOLDER / assignment
    if zipfile.is_zipfile(exported):
        return _canvas_feedback(course, exported, assignment, roster, folder)
    table = read_table(exported)
    if is_canvas(table):
        done, text = _canvas_grades(table, results, assignment, works, roster, column, scale)
    elif table.column("identifier") is not None:
        done, text = _moodle_grades(table, results, assignment, works, roster, scale)
    else:
        raise CourseError(
            f"{exported} is neither Canvas's gradebook, nor Moodle's grading worksheet, nor a zip "
            "file of what was handed in"
        )
    if not done.count:
        raise CourseError(f"nobody in {exported} has a grade for {assignment} here")
    folder.mkdir(parents=True, exist_ok=True)
    done.files.insert(0, folder / "grades.csv")
    done.files[0].write_text(text, encoding="utf-8", newline="")
    if done.platform == "Moodle":
        _moodle_feedback(course, Worksheet(table), assignment, roster, folder, done)
    return done


def _grade(work: Work | None, who: str, factor: float, done: GivenBack) -> str:
    """Return a grade as a number; nothing if there is none yet, and say so."""
    if work is None:
        return ""
    if not work.graded:
        done.notes.append(f"{who}: the last hand-in could not be graded; no grade is given")
        return ""
    if work.waiting:
        count = len(work.waiting)
        words = "1 answer in words waits" if count == 1 else f"{count} answers in words wait"
        done.notes.append(f"{who}: {words} to be read; the grade is without")
    done.count += 1
    return points(work.score * factor)


def _factor(theirs: str, full: float, scale: bool, platform: str) -> float:
    """Return by what points are multiplied.

    Raises:
        CourseError: if the platform's full marks are others, and nobody has said what to do.
    """
    try:
        limit = float(theirs.replace(",", "."))
    except ValueError:
        raise CourseError(
            f"{platform} has no full marks for it, but “{printable(theirs)}”"
        ) from None
    if limit == full:
        return 1
    if not scale:
        raise CourseError(
            f"full marks are {points(full)} here and {points(limit)} in {platform}: change them "
            "there, or add --scale"
        )
    return limit / full


# --- Canvas ---------------------------------------------------------------------------------------


def _canvas_grades(
    table: Table,
    results: Results,
    assignment: str,
    works: Mapping[str, Work],
    roster: Sequence[Student],
    column: str,
    scale: bool,
) -> tuple[GivenBack, str]:
    """Return what is to be said, and the gradebook with its one column filled in."""
    done = GivenBack("Canvas")
    place = _canvas_column(table, assignment, column)
    possible = next((row for row in table.rows if "Points Possible" in row[0]), None)
    factor = _factor(
        possible[place] if possible else "", results.max_score(assignment), scale, "Canvas"
    )
    kept = [i for i, name in enumerate(table.header) if name in PEOPLE]
    lines: list[list[str]] = [
        ["    Points Possible", *[""] * (len(kept) - 1), possible[place] if possible else ""]
    ]
    number, login, sis = (table.column(name) for name in ("id", "sis login id", "sis user id"))
    for row in filter(is_student, table.rows):
        student = _canvas_student(roster, row[number], row[login], row[sis])
        if student is None:
            done.notes.append(f"{row[0]} ({row[number]}) is not on the roster")
            continue
        if row[place].upper() == "EX":
            done.notes.append(f"{student}: is excused in Canvas, and stays so")
            continue
        if grade := _grade(works.get(student), student, factor, done):
            lines.append([*(row[i] for i in kept), grade])
    return done, table_text([*(table.header[i] for i in kept), table.header[place]], lines)


def _canvas_student(roster: Sequence[Student], number: str, login: str, sis: str) -> str | None:
    found = [s.id for s in roster if number and s.number == number]
    found = found or [s.id for s in roster if s.id and s.id in (login, sis)]
    return found[0] if len(found) == 1 else None


def _canvas_column(table: Table, assignment: str, column: str) -> int:
    """Return the place of an assignment's column, such as “Softmax (1234)”.

    Raises:
        CourseError: if it isn't clear which one it is.
    """
    after = max(i for i, name in enumerate(table.header) if name in PEOPLE) + 1
    others = list(enumerate(table.header))[after:]
    titles = {i: plain(name.rpartition(" (")[0] or name) for i, name in others}
    wanted = {plain(column)} if column else {plain(assignment), plain(assignment.partition("_")[2])}
    found = [i for i, name in others if name == column] or [
        i for i in titles if titles[i] in wanted
    ]
    if len(found) != 1:
        names = ", ".join(f"“{printable(name)}”" for _, name in others[:8])
        raise CourseError(
            f"which column of {table.path.name} is {assignment}? Name it with --column: {names}"
        )
    return found[0]


def _canvas_feedback(
    course: Course, archive: Path, assignment: str, roster: Sequence[Student], folder: Path
) -> GivenBack:
    """Pack feedback under the names that Canvas gave to the files that were handed in.

    Raises:
        CourseError: if the archive is none of Canvas's, or there is no feedback.
    """
    done = GivenBack("Canvas")
    newest: dict[str, Sent] = {}
    with opened(archive) as files:
        for one in map(sent, (file.path for file in files)):
            if isinstance(one, Sent) and one.platform == "Canvas":
                before = newest.get(one.who)
                newest[one.who] = one if before is None or one.order > before.order else before
    if not newest:
        raise CourseError(f"{archive} has no file named as Canvas names them")
    pages: list[tuple[str, Path]] = []
    for who, one in sorted(newest.items()):
        ids = [student.id for student in roster if student.number == who]
        found = _pages(course, ids[0], assignment) if len(ids) == 1 else []
        done.count += bool(found)
        pages += [(f"{one.prefix}_{page.name}", page) for page in found]
        if not found:
            done.notes.append(f"{printable(one.name)} ({who}): no feedback, or not on the roster")
    _pack(pages, folder / "feedback.zip", assignment, done)
    return done


# --- Moodle ---------------------------------------------------------------------------------------


def _moodle_grades(
    table: Table,
    results: Results,
    assignment: str,
    works: Mapping[str, Work],
    roster: Sequence[Student],
    scale: bool,
) -> tuple[GivenBack, str]:
    """Return what is to be said, and the worksheet with its grades filled in.

    Raises:
        CourseError: if the worksheet lacks a column that Moodle wants.
    """
    done, sheet = GivenBack("Moodle"), Worksheet(table)
    if missing := [n for n in ("Grade", "Last modified (grade)") if n not in table.header]:
        raise CourseError(f"{table.path} has no column {missing[0]}: Moodle would refuse it")
    grade, limit = table.header.index("Grade"), table.column("maximum grade")
    kept = [
        i for i, name in enumerate(table.header) if name.casefold() in map(str.casefold, WORKSHEET)
    ]
    lines: list[list[str]] = []
    for row in table.rows:
        student = sheet.student(row, roster)
        if student is None:
            done.notes.append(
                f"{sheet.name(row)} ({sheet.number(row)}) is not on the roster, "
                "or not alone of that name"
            )
            continue
        factor = _factor(row[limit], results.max_score(assignment), scale, "Moodle")
        if value := _grade(works.get(student), student, factor, done):
            lines.append([value if i == grade else row[i] for i in kept])
    return done, table_text([table.header[i] for i in kept], lines)


def _moodle_feedback(
    course: Course,
    sheet: Worksheet,
    assignment: str,
    roster: Sequence[Student],
    folder: Path,
    done: GivenBack,
) -> None:
    """Pack feedback into the folders by which Moodle knows whose it is."""
    pages = []
    for row in sheet.table.rows:
        if student := sheet.student(row, roster):
            name = sheet.name(row).translate(_NOT_IN_NAMES) or "Participant"
            home = f"{name}_{sheet.number(row)}_assignfeedback_file_"
            pages += [(f"{home}/{page.name}", page) for page in _pages(course, student, assignment)]
    with contextlib.suppress(CourseError):  # grades may go before feedback
        _pack(pages, folder / "feedback.zip", assignment, done)


_NOT_IN_NAMES = {ord(one): " " for one in '_/\\:*?"<>|'}


# --- feedback -------------------------------------------------------------------------------------


def _pages(course: Course, student: str, assignment: str) -> list[Path]:
    return sorted(course.path("feedback", student, assignment).glob("*.html"))


def _pack(pages: Sequence[tuple[str, Path]], path: Path, assignment: str, done: GivenBack) -> None:
    """Write a zip file.

    Raises:
        CourseError: if there is nothing to put into it.
    """
    if not pages:
        raise CourseError(f"there is no feedback to give back: run `course feedback {assignment}`")
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, page in pages:
            archive.write(page, name)
    done.files.append(path)
