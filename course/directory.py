"""The course's folders and its gradebook, as nbgrader_config.py names them.

Built on nbgrader's CourseDirectory, which takes its time to import: what only needs to know where
the course is has `course.layout`. Knows nothing of what the folders hold.
"""

import contextlib
import functools
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from nbgrader import api
from nbgrader.api import Gradebook
from nbgrader.coursedir import CourseDirectory
from sqlalchemy import create_engine
from sqlalchemy.engine import URL, Engine, make_url
from sqlalchemy.exc import (
    ArgumentError,
    NoSuchModuleError,
    OperationalError,
    SQLAlchemyError,
)

from course.layout import CourseError, load_config

_engine = functools.cache(create_engine)
PATIENCE = 60  # seconds to wait while another process writes to an SQLite file
MOMENT = 0.2  # seconds until the wait is told
GRADEBOOK = "gradebook.db"  # where no other is configured
URI = "file:"  # SQLite's own way to name a file, with options


@dataclass(frozen=True)
class Course:
    """A course's configuration, and where that says that things are."""

    config: Any
    folders: CourseDirectory

    @property
    def db_url(self) -> str:
        """Where the gradebook is."""
        return str(self.folders.db_url)

    def path(self, step: str, student: str = ".", assignment: str = ".") -> Path:
        """Return the folder of a step ("submitted", "autograded", ...), person and assignment."""
        name = getattr(self.folders, f"{step}_directory")
        return Path(os.path.normpath(self.folders.format_path(name, student, assignment)))

    def due_date(self, assignment: str) -> datetime | None:
        """Return when an assignment is due, in UTC; None if there is no such date.

        Raises:
            CourseError: if the gradebook can't be read.
        """
        try:
            with Gradebook(self.db_url, self.folders.course_id) as gradebook:
                found = [one for one in gradebook.assignments if one.name == assignment]
                return found[0].duedate if found else None
        except SQLAlchemyError as error:
            raise CourseError(problem(self.db_url, error)) from error

    def assignments(self) -> dict[str, list[str]]:
        """Return the released assignments' names, each with its notebooks' (without extension).

        Raises:
            CourseError: if the gradebook can't be read.
        """
        try:
            with Gradebook(self.db_url, self.folders.course_id) as gradebook:
                return {
                    assignment.name: [notebook.name for notebook in assignment.notebooks]
                    for assignment in gradebook.assignments
                }
        except SQLAlchemyError as error:
            raise CourseError(problem(self.db_url, error)) from error


def open_course(root: Path) -> Course:
    """Read the course's configuration.

    The name of a relative SQLite file begins in the course's folder, where nbgrader is run.

    Raises:
        CourseError: if there is none, or it can't be read, or its gradebook can't be spoken to.
    """
    config = load_config(root)
    with contextlib.chdir(root):
        folders = CourseDirectory(config=config)
        own = "db_url" not in config.CourseDirectory  # nbgrader's own takes no ? or % in a path
        file = str(root.resolve() / GRADEBOOK)
        url = URL.create("sqlite", database=file) if own else _url(folders.db_url)
        if url.get_backend_name() == "sqlite":
            folders.db_url = _complete(url).render_as_string(hide_password=False)
    return Course(config, folders)


def check_released(course: Course) -> None:
    """Raise CourseError where a gradebook's file is missing: opening it would make an empty one."""
    path = sqlite_file(course.db_url)
    if path and not path.is_file():
        raise CourseError(f"there is no gradebook at {path}: run `course release` first")


def check_gradebook(course: Course, say: Callable[[str], None] = lambda line: None) -> None:
    """Make what a new gradebook lacks, and see to it that it can be written to.

    Waits a minute for another program that is writing to it.

    Args:
        course: the course.
        say: told, in one line, that this waits.

    Raises:
        CourseError: if it is locked, read-only, or no gradebook.
    """

    def write_nothing(db_url: str) -> None:
        with Gradebook(db_url, course.folders.course_id) as gradebook:
            connection = gradebook.db.connection()
            if connection.dialect.name == "sqlite":
                connection.exec_driver_sql(
                    "PRAGMA user_version = 0"
                )  # a write that changes nothing

    try:
        patiently(course.db_url, write_nothing, say)
    except SQLAlchemyError as error:
        raise CourseError(problem(course.db_url, error)) from error


def patiently(db_url: str, work: Callable[[str], None], say: Callable[[str], None]) -> None:
    """Do something with a gradebook; if another program has locked its file, say so and wait.

    Args:
        db_url: where the gradebook is.
        work: what to do, with the name under which to open it; may be called twice.
        say: told, in one line, that this waits.

    Raises:
        SQLAlchemyError: if it can't be done, or the wait was in vain.
    """
    try:
        work(at_once(db_url))
    except OperationalError as error:
        if "is locked" not in str(error.orig):
            raise
        say(f"{shown(db_url)} is locked by another program: waiting for it")
        work(db_url)


def at_once(db_url: str) -> str:
    """Return a gradebook's name under which an SQLite file that is locked is hardly waited for."""
    url = _url(db_url)
    if url.get_backend_name() != "sqlite":
        return db_url
    seconds = min(MOMENT, float(str(url.query.get("timeout", PATIENCE))))
    return url.update_query_dict({"timeout": str(seconds)}).render_as_string(hide_password=False)


@contextlib.contextmanager
def queries_kept() -> Iterator[None]:
    """Within the block a gradebook that is opened again knows the queries that it has made before.

    nbgrader opens a gradebook for each step, looks each time whether every table is there, and
    making SQL of a query takes longer than the query.
    """
    before, api.create_engine = api.create_engine, _engine
    make_tables, complete = api.Base.metadata.create_all, set[URL]()

    def make_once(bind: Engine) -> None:
        if bind.url not in complete:
            make_tables(bind=bind)
            complete.add(bind.url)

    api.Base.metadata.create_all = make_once
    try:
        yield
    finally:
        api.create_engine, api.Base.metadata.create_all = before, make_tables


def sqlite_file(db_url: str) -> Path | None:
    """Return the file of an SQLite database; None if it has none, or is another kind of database.

    Args:
        db_url: where the database is, as nbgrader and SQLAlchemy name it.

    Raises:
        CourseError: if it is no such name.
    """
    url = _url(db_url)
    return _file(url) if url.get_backend_name() == "sqlite" else None


def shown(db_url: str) -> str:
    """Return a database's name for people: a file's, or a name without its password."""
    return str(sqlite_file(db_url) or _url(db_url).render_as_string(hide_password=True))


def problem(db_url: str, error: Exception) -> str:
    """Return in one line that, and why, a gradebook can't be used."""
    return f"the gradebook {shown(db_url)} can't be used: {reason(error)}"


def reason(error: Exception) -> str:
    """Return in one line what a database has said."""
    return str(getattr(error, "orig", None) or error).strip().partition("\n")[0]


def _url(db_url: str) -> URL:
    """Take a database's name apart.

    Raises:
        CourseError: if it is none, or Python has nothing to speak to such a database with.
    """
    try:
        url = make_url(db_url)
        dialect = url.get_dialect()
        dialect.import_dbapi()
        dialect().create_connect_args(url)
    except (ArgumentError, NoSuchModuleError, ValueError):
        raise CourseError("c.CourseDirectory.db_url names no database") from None
    except ImportError as error:
        raise CourseError(
            f"c.CourseDirectory.db_url: Python's module {error.name} is needed for such a database"
        ) from None
    return url


def _complete(url: URL) -> URL:
    """Make a relative SQLite file absolute, and have SQLite wait while others write."""
    if "timeout" not in url.query:
        url = url.update_query_dict({"timeout": str(PATIENCE)})
    if file := _file(url):
        url = url.set(database=URI + quote(str(file)) if _is_uri(url) else str(file))
    return url


def _file(url: URL) -> Path | None:
    name = url.database or ":memory:"
    if _is_uri(url):
        in_memory = url.query.get("mode") == "memory"
        name = ":memory:" if in_memory else unquote(urlsplit(name).path)
    return None if name == ":memory:" else Path(name).absolute()


def _is_uri(url: URL) -> bool:
    """Tell whether an SQLite file is named by a URI, as SQLAlchemy does."""
    return str(url.database).startswith(URI) and "uri" in url.query
