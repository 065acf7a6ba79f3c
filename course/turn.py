"""One at a time grades or releases: who comes second is told who is at it.

Of a gradebook in an SQLite file a lock lies beside it, so all who share the folder see it; of one
in PostgreSQL the server holds it. Either goes with the process that has it, however that ends, so
there is none that somebody would have to remove. Knows nothing of what is done meanwhile.
"""

import contextlib
import fcntl
import getpass
import os
import socket
import zlib
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool

from course.directory import problem, sqlite_file
from course.files import printable
from course.layout import CourseError

SUFFIX = ".lock"
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
    except (KeyError, OSError):  # nobody of that number is known here
        name = str(os.getuid())
    since = datetime.now().astimezone().strftime("%H:%M")
    return f"{doing} by {name} on {socket.gethostname()}, process {os.getpid()}, since {since}"


def _taken(holder: str) -> CourseError:
    who = printable(holder.strip()) or "by somebody who has not said who"
    return CourseError(f"the gradebook is in use: {who}; wait for the end, or stop that first")


@contextlib.contextmanager
def _file_lock(path: Path, doing: str) -> Iterator[None]:
    path.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.ExitStack() as stack:
        while True:
            file = stack.enter_context(path.open("a+", encoding="utf-8", errors="replace"))
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                file.seek(0)
                raise _taken(file.read(200)) from None
            if _is_at(path, os.fstat(file.fileno())):
                break  # otherwise who had it has just removed it
        file.truncate(0)
        file.write(_me(doing))
        file.flush()
        try:
            yield
        finally:
            path.unlink(missing_ok=True)


def _is_at(path: Path, file: os.stat_result) -> bool:
    try:
        return os.path.samestat(path.stat(), file)
    except FileNotFoundError:
        return False


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
