"""A class's people and due dates, from a CSV file into nbgrader's gradebook.

The file is nbgrader's own kind, Canvas's gradebook as exported, or Moodle's list of participants.
Nobody is removed, and nothing is guessed: a row that isn't clear is named and left out.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import tzinfo
from pathlib import Path
from typing import Any

from nbgrader.api import Gradebook
from sqlalchemy.exc import SQLAlchemyError

from course.directory import check_gradebook, open_course, problem
from course.files import unusable
from course.layout import CourseError
from course.platforms.tables import Row, Table, is_rounded, read_table
from course.repair.folder import SubmissionError, course_zone, moment

ID = "one of the columns id (nbgrader), Student and ID (Canvas), Email address (Moodle)"
SAMPLE = "Student, Test"  # Canvas's own, in every gradebook


@dataclass(frozen=True)
class Person:
    """A row of a roster.

    Attributes:
        row: the line in the file.
        id: the name of the folder in submitted/.
        known: what is said of the person, by nbgrader's names for it; nothing that is empty.
    """

    row: int
    id: str
    known: Mapping[str, str]


@dataclass
class Imported:
    """What became of a file.

    Attributes:
        added: who, or what, is new.
        changed: likewise.
        same: likewise.
        problems: a line each, on what was left out.
    """

    added: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    same: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def import_roster(root: Path, path: Path) -> Imported:
    """Enter a roster in the gradebook: names, e-mail, and the platform's own number.

    Who is there already is known by id, by the platform's number, or by e-mail, in this order, and
    keeps the id.

    Args:
        root: the course's folder.
        path: the CSV file.

    Raises:
        CourseError: if the file or the gradebook can't be used, or if it is no roster.
    """
    course = open_course(root)
    people, done = _people(read_table(path)), Imported()
    check_gradebook(course)
    try:
        with Gradebook(course.db_url, course.folders.course_id) as gradebook:
            _enter(gradebook, people, done)
    except SQLAlchemyError as error:
        raise CourseError(problem(course.db_url, error)) from error
    return done


def _enter(gradebook: Gradebook, people: Sequence[Person | str], done: Imported) -> None:
    """Enter people, and write down what became of them."""
    there = list(gradebook.students)
    by_id = {student.id: student for student in there}
    by_number = _unique(there, "lms_user_id")
    by_mail = _unique(there, "email")
    seen: dict[str, Person] = {}
    for person in people:
        if isinstance(person, str):
            done.problems.append(person)
            continue
        student = (
            by_id.get(person.id)
            or by_number.get(person.known.get("lms_user_id", ""))
            or by_mail.get(person.known.get("email", "").casefold())
        )
        name = student.id if student else person.id
        if name in seen:
            if seen[name].known != person.known:
                first = seen[name].row
                why = f"{name} is on line {first} already, with other entries"
                done.problems.append(f"line {person.row}: {why}; that one counts")
            continue
        seen[name] = person
        known = {key: text for key, text in person.known.items() if text}
        if student and all(getattr(student, key) == text for key, text in known.items()):
            done.same.append(name)
            continue
        (done.changed if student else done.added).append(name)
        gradebook.update_or_create_student(name, **known)


def _unique(students: Sequence[Any], attribute: str) -> dict[str, Any]:
    """Return the students by something that only one of them has."""
    found: dict[str, list[Any]] = {}
    for student in students:
        if value := getattr(student, attribute):
            found.setdefault(value.casefold(), []).append(student)
    return {value: those[0] for value, those in found.items() if len(those) == 1}


# --- what a row says ------------------------------------------------------------------------------


def _people(table: Table) -> list[Person | str]:
    """Return a roster's people, and in the place of a row that can't be used the reason.

    Raises:
        CourseError: if the table is no roster.
    """
    plain = table.column("id") is not None
    rows = list(
        (_from_canvas if is_canvas(table) else _from_plain if plain else _from_moodle)(table)
    )
    if not rows:
        raise CourseError(f"{table.path} names nobody")
    return [_problem(person) or person for person in rows]


def _problem(person: Person) -> str:
    name = person.id
    if not name:
        why = "it has no id"
    elif is_rounded(name):
        why = f"a spreadsheet has rounded its id to {name}: export it once more as text"
    elif name.startswith((".", "-")) or set("/\\") & set(name):
        why = f"{name} can't be a folder's name"
    elif unusable(name):
        why = f"{name} has one of * ? [ ] in it"
    else:
        return ""
    return f"line {person.row}: {why}; left out"


def _from_plain(table: Table) -> Iterator[Person]:
    """Yield the people of a table in nbgrader's own form."""
    columns = {
        key: table.column(key, *others)
        for key, *others in (
            ("first_name", "first name"),
            ("last_name", "last name", "surname"),
            ("email", "email address"),
            ("lms_user_id",),
        )
    }
    column = table.column("id")
    for row in table.rows:
        yield Person(row.number, row[column], _known(row, columns))


def _known(row: Row, columns: Mapping[str, int | None]) -> dict[str, str]:
    return {key: row[column] for key, column in columns.items()}


def is_canvas(table: Table) -> bool:
    """Tell whether a table is a gradebook as Canvas exports it."""
    return table.column("student", "lastname") == 0 and table.column("id") in (1, 2)


def is_student(row: Row) -> bool:
    """Tell whether a row of Canvas's gradebook is of a student: some are of the columns."""
    return bool(row[1]) and row[0] != SAMPLE and "Points Possible" not in row[0]


def _from_canvas(table: Table) -> Iterator[Person]:
    """Yield the people of Canvas's gradebook; the login is taken for their id."""
    number, first = table.column("id"), table.column("firstname")
    login, sis = table.column("sis login id"), table.column("sis user id")
    for row in filter(is_student, table.rows):
        last, _, given = row[0].partition(", ")
        yield Person(
            row.number,
            row[login] or row[sis] or row[number],
            {
                "last_name": last,
                "first_name": row[first] if first is not None else given,
                "email": row[login] if "@" in row[login] else "",
                "lms_user_id": row[number],
            },
        )


def _from_moodle(table: Table) -> Iterator[Person]:
    """Yield the people of Moodle's participants; username, ID number or e-mail is their id.

    Raises:
        CourseError: if it is not that either.
    """
    mail, names = table.column("email address", "email"), table.column("first name")
    if mail is None or names is None:
        raise CourseError(
            f"{table.path} is no roster: it needs {ID}; it has {', '.join(table.header[:8])}"
        )
    columns = {"first_name": names, "last_name": table.column("last name", "surname")}
    user, number = table.column("username"), table.column("id number")
    for row in table.rows:
        known = _known(row, columns) | {"email": row[mail]}
        yield Person(row.number, row[user] or row[number] or row[mail], known)


# --- due dates ------------------------------------------------------------------------------------


def time_zone(root: Path) -> tzinfo:
    """Return the course's time zone, as that in which times without a zone are read.

    Raises:
        CourseError: if it names none.
    """
    return course_zone(open_course(root).config)


def import_due_dates(root: Path, path: Path) -> Imported:
    """Enter due dates in the gradebook, from the columns name and duedate.

    A time without a zone is one of the course's own, `c.Exchange.timezone`.

    Args:
        root: the course's folder.
        path: the CSV file.

    Raises:
        CourseError: if the file or the gradebook can't be used.
    """
    course, table = open_course(root), read_table(path)
    zone = course_zone(course.config)
    name, due = table.column("name", "assignment"), table.column("duedate", "due", "due date")
    if name is None or due is None:
        raise CourseError(f"{path} needs the columns name and duedate")
    known, done = course.assignments(), Imported()
    try:
        with Gradebook(course.db_url, course.folders.course_id) as gradebook:
            for row in table.rows:
                if row[name] not in known:
                    why = f"no assignment {row[name]} has been released (`course release` makes it)"
                    done.problems.append(f"line {row.number}: {why}; left out")
                    continue
                try:
                    when = moment(row[due], zone, bare=zone)
                except SubmissionError as error:
                    done.problems.append(f"line {row.number}: “{row[due]}” {error}; left out")
                    continue
                before = gradebook.find_assignment(row[name]).duedate
                (done.same if before == when else done.changed).append(row[name])
                gradebook.update_or_create_assignment(row[name], duedate=when)
    except SQLAlchemyError as error:
        raise CourseError(problem(course.db_url, error)) from error
    return done
