"""One at a time grades or releases: who comes second is told who is at it.

Of a gradebook in an SQLite file a lock lies beside it, so all who share the folder see it; of one
in PostgreSQL the server holds it. Either goes with the process that has it, however that ends, so
there is none that somebody would have to remove. Knows nothing of what is done meanwhile.
"""

import contextlib
import getpass
import os
import socket
import zlib
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from filelock import FileLock, Timeout
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool

from course.directory import problem, sqlite_file
from course.files import printable
from course.layout import CourseError

SUFFIX = ".lock"
WHO = ".txt"  # of the file beside it that says who has it
MOMENT = 0.2  # seconds: who had it may just be removing it
LONGEST = 63  # characters of a name that PostgreSQL keeps
KEY = zlib.crc32(b"deep-learning-from-scratch: who writes the gradebook")
HOLDER = """
    SELECT activity.application_name
    FROM pg_locks JOIN pg_stat_activity AS activity USING (pid)
    WHERE locktype = 'advisory' AND granted AND objid = :key
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""


@contextlib.contextmanager
def turn(db_url: str, doing: str) -> Iterator[None]:
    """Have the gradebook to oneself in the block, among those who grade or release.

    Formgrader and nbgrader's own commands don't ask; what they write stays.

    Args:
        db_url: where the gradebook is, as nbgrader names it.
        doing: what is done, in a word or two, for those who come second.

    Raises:
        CourseError: if somebody else is at it.
    """
    file = sqlite_file(db_url)
    lock: contextlib.AbstractContextManager[None]
    if file:
        lock = _file_lock(file.with_name(f"{file.name}{SUFFIX}"), doing)
    elif make_url(db_url).get_backend_name() == "postgresql":
        lock = _server_lock(db_url, doing)
    else:
        lock = contextlib.nullcontext()
    with lock:
        yield


def _me(doing: str) -> str:
    try:
        name = getpass.getuser()
    except (KeyError, OSError, ImportError):  # nobody of that number is known here, or none has one
        name = str(getattr(os, "getuid", lambda: "somebody")())
    since = datetime.now().astimezone().strftime("%H:%M")
    return f"{doing} by {name} on {socket.gethostname()}, process {os.getpid()}, since {since}"


def _taken(holder: str) -> CourseError:
    who = printable(holder.strip()) or "by somebody who has not said who"
    return CourseError(f"the gradebook is in use: {who}; wait for the end, or stop that first")


@contextlib.contextmanager
def _file_lock(path: Path, doing: str) -> Iterator[None]:
    path.parent.mkdir(parents=True, exist_ok=True)
    who = path.with_name(f"{path.name}{WHO}")  # apart: Windows lets nobody read what is locked
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(FileLock(path, timeout=MOMENT, poll_interval=MOMENT / 10))
        except Timeout:
            raise _taken(_said(who)) from None
        except OSError as error:
            raise CourseError(f"{path} can't be written: {error.strerror}") from None
        with contextlib.suppress(OSError):
            who.write_text(_me(doing), encoding="utf-8")
        try:
            yield
        finally:
            for file in (who, path):
                with contextlib.suppress(OSError):  # Windows keeps what is locked
                    file.unlink(missing_ok=True)


def _said(who: Path) -> str:
    try:
        with who.open(encoding="utf-8", errors="replace") as file:
            return file.read(200)
    except OSError:
        return ""


@contextlib.contextmanager
def _server_lock(db_url: str, doing: str) -> Iterator[None]:
    engine = create_engine(db_url, isolation_level="AUTOCOMMIT", poolclass=NullPool)
    try:
        connection = engine.connect()
    except SQLAlchemyError as error:
        raise CourseError(problem(db_url, error)) from error
    with connection:  # which ends with the block, and the lock with it
        try:
            name, key = {"name": _me(doing)[:LONGEST]}, {"key": KEY}
            connection.execute(text("SELECT set_config('application_name', :name, false)"), name)
            got = connection.scalar(text("SELECT pg_try_advisory_lock(0, :key)"), key)
            holder = "" if got else connection.scalar(text(HOLDER), key)
        except SQLAlchemyError as error:
            raise CourseError(problem(db_url, error)) from error
        if not got:
            raise _taken(holder or "")
        yield
