"""Say what the course needs from this computer, and what of that is missing.

`CHECKS` is the list of what is looked at: a check takes the course's folder and yields findings.
Looks only; changes nothing.
"""

import io
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, redirect_stdout
from dataclasses import dataclass
from enum import Enum
from importlib import metadata
from pathlib import Path

from course import secret
from course.layout import CourseError

PYTHON = (3, 11)
WHOLE = 60_000  # training images of MNIST
FREE = 1  # GB of disk that grading a class should have
FOLDERS = ("release", "submitted", "autograded", "feedback", "report")
SERVER_EXTENSIONS = (
    "nbgrader.server_extensions.formgrader",
    "nbgrader.server_extensions.validate_assignment",
)


class State(Enum):
    """How grave a finding is."""

    FINE = "fine"
    NOTE = "note"
    MISSING = "missing"


@dataclass(frozen=True)
class Finding:
    """What a check found: a state, and one line that says what and, if need be, what to do."""

    state: State
    line: str


Check = Callable[[Path], Iterator[Finding]]


def examine(root: Path) -> Iterator[Finding]:
    """Yield what each check of `CHECKS` finds.

    Args:
        root: the course's folder.
    """
    for check in CHECKS:
        yield from check(root)


def python(root: Path) -> Iterator[Finding]:
    """Is Python new enough?"""
    fine = sys.version_info >= PYTHON
    version = ".".join(map(str, sys.version_info[:3]))
    wanted = ".".join(map(str, PYTHON))
    line = f"Python {version}" + ("" if fine else f": {wanted} or newer is needed")
    yield Finding(State.FINE if fine else State.MISSING, line)


def packages(root: Path) -> Iterator[Finding]:
    """Are the packages there, in the versions of requirements.lock?"""
    lock = root / "requirements.lock"
    if not lock.is_file():
        yield Finding(State.NOTE, "no requirements.lock: the packages' versions are not checked")
        return
    missing, other = _against(lock.read_text(encoding="utf-8"))
    if missing:
        yield Finding(State.MISSING, f"packages missing: {', '.join(missing)}: run `make setup`")
    if other:
        yield Finding(State.NOTE, f"packages in other versions than locked: {', '.join(other)}")
    if not missing and not other:
        yield Finding(State.FINE, "packages as in requirements.lock")


def _against(lock: str) -> tuple[list[str], list[str]]:
    """Return the packages of a lock that are missing here, and those of another version."""
    missing, other = [], []
    for name, version in re.findall(r"^([\w.-]+)==([^\s;\\]+)(?!.*;)", lock, re.MULTILINE):
        try:
            here = metadata.version(name)
        except metadata.PackageNotFoundError:
            missing.append(name)
            continue
        if here != version:
            other.append(f"{name} {here} instead of {version}")
    return missing, other


def notebooks(root: Path) -> Iterator[Finding]:
    """Can each notebook run, or does one need packages beyond the course's own?"""
    from course.notebooks.assignment import SOURCE, AssignmentError
    from course.notebooks.cells import NotebookError
    from course.notebooks.source import source_notebooks

    try:
        lacking = [source for source in source_notebooks(root / SOURCE) if source.lacks]
    except (AssignmentError, NotebookError) as error:
        yield Finding(State.MISSING, str(error))
        return
    for source in lacking:
        yield Finding(State.NOTE, f"{source.assignment}/{source}.ipynb {source.lacks}")


def configuration(root: Path) -> Iterator[Finding]:
    """Can nbgrader_config.py be read?"""
    from course.directory import open_course

    try:
        course = open_course(root)
    except CourseError as error:
        yield Finding(State.MISSING, str(error))
        return
    yield Finding(State.FINE, f"nbgrader_config.py of course “{course.folders.course_id}”")


def judge(root: Path) -> Iterator[Finding]:
    """Is the verdict formed where student code can't reach, and is that code confined?"""
    from course.directory import open_course
    from course.judge.preprocessor import judge_of
    from course.judge.sandbox import local_sandbox

    try:
        judge = judge_of(open_course(root).config)
    except CourseError:  # which `configuration` tells
        return
    if judge:
        yield Finding(State.FINE, "submissions are graded by the judge")
    else:
        words = "submissions run in a Jupyter kernel, where their own code can decide their grade"
        yield Finding(State.NOTE, words)
    refused = judge is not None and not judge.unprotected
    to_do = ": grading refuses to run; c.Judge.unprotected = True makes it" if refused else ""
    for found in local_sandbox().protections():
        what = f"protection of {found.name}"
        if found.on:
            yield Finding(State.FINE, f"{what} ({found.note})")
        else:
            state = State.MISSING if refused else State.NOTE
            yield Finding(state, f"no {what} ({found.note}){to_do}")


def course_secret(root: Path) -> Iterator[Finding]:
    """Is the secret that random points are drawn from there, for its owner alone?"""
    path = root / secret.NAME
    try:
        mode = path.stat().st_mode
        secret.course_secret(root)
    except FileNotFoundError:
        yield Finding(State.NOTE, f"no {path.name} yet: the first grading makes it")
        return
    except (OSError, ValueError):
        yield Finding(State.MISSING, f"{path.name} can't be read as a secret: restore it")
        return
    if mode & 0o077:
        to_do = f"run `chmod 600 {path.name}`"
        yield Finding(State.MISSING, f"{path.name} is open to others: {to_do}")
    else:
        yield Finding(State.FINE, f"{path.name} can be read by its owner alone")


def gradebook(root: Path) -> Iterator[Finding]:
    """Is the gradebook a sound database?"""
    from course.directory import open_course, sqlite_file

    try:
        db_url = open_course(root).db_url
    except CourseError:  # which `configuration` tells
        return
    file = sqlite_file(db_url)
    yield _file_gradebook(root, file) if file else _served_gradebook(db_url)


def _file_gradebook(root: Path, path: Path) -> Finding:
    """Look at a gradebook in an SQLite file, which is not made if there is none."""
    name = path.relative_to(root) if path.is_relative_to(root) else path
    if not path.exists():
        return Finding(State.NOTE, f"no gradebook {name} yet: `course release` makes it")
    try:
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as db:
            (verdict,) = db.execute("PRAGMA quick_check").fetchone()
            (count,) = db.execute("SELECT count(*) FROM student").fetchone()
    except sqlite3.Error as error:
        return Finding(State.MISSING, f"{name} can't be read: {error}")
    if verdict == "ok":
        return Finding(State.FINE, f"{name}: {_students(count)}")
    return Finding(State.MISSING, f"{name} is damaged: {verdict}")


def _served_gradebook(db_url: str) -> Finding:
    """Look at a gradebook in a database that is no file, without making its tables."""
    from nbgrader.api import Student
    from sqlalchemy import create_engine, func, inspect, select
    from sqlalchemy.exc import SQLAlchemyError

    from course.directory import problem, shown

    engine = create_engine(db_url)
    try:
        if not inspect(engine).has_table(Student.__tablename__):
            to_do = "`course release` makes it"
            return Finding(State.NOTE, f"no gradebook in {shown(db_url)} yet: {to_do}")
        with engine.connect() as connection:
            count = connection.scalar(select(func.count()).select_from(Student.__table__))
    except SQLAlchemyError as error:
        return Finding(State.MISSING, problem(db_url, error))
    finally:
        engine.dispose()
    return Finding(State.FINE, f"{shown(db_url)}: {_students(count or 0)}")


def _students(count: int) -> str:
    return f"{count} student{'s' if count != 1 else ''}"


def extensions(root: Path) -> Iterator[Finding]:
    """Are formgrader and Validate switched on in Jupyter?"""
    command = [sys.executable, "-m", "jupyter", "server", "extension", "list"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    listed = done.stdout + done.stderr
    for name in SERVER_EXTENSIONS:
        short = name.rpartition(".")[2]
        if re.search(rf"{re.escape(name)}\W.*enabled", listed):
            yield Finding(State.FINE, f"Jupyter server extension {short} is enabled")
        else:
            to_do = f"run `jupyter server extension enable --sys-prefix {name}`"
            yield Finding(State.NOTE, f"Jupyter server extension {short} is off: {to_do}")


def folders(root: Path) -> Iterator[Finding]:
    """Can we write where the course writes?"""
    closed = [name for name in FOLDERS if not _writable(root / name)]
    if closed:
        yield Finding(State.MISSING, f"no permission to write in {', '.join(closed)}")
    else:
        yield Finding(State.FINE, "all folders can be written")


def _writable(folder: Path) -> bool:
    """Tell whether files can be made in a folder, or the folder itself if there is none."""
    while not folder.exists():
        folder = folder.parent
    try:
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False


def data(root: Path) -> Iterator[Finding]:
    """Is MNIST there, bundled or whole?"""
    from helpers import datasets

    try:
        with redirect_stdout(io.StringIO()):
            (x, _), (x_test, _) = datasets.load_mnist(normalize=False)
    except Exception as error:
        yield Finding(State.MISSING, f"MNIST can't be read: {error}")
        return
    counts = f"MNIST: {len(x):,} training and {len(x_test):,} test images"
    hint = "" if len(x) == WHOLE else f"; `python -m helpers.datasets` fetches all {WHOLE:,}"
    yield Finding(State.FINE, counts + hint)


def release(root: Path) -> Iterator[Finding]:
    """Is release/ what source/ makes, and committed?"""
    from course.authoring.release import check_current

    try:
        differences = check_current(root)
    except CourseError as error:
        yield Finding(State.MISSING, str(error))
        return
    if differences:
        more = f" and {len(differences) - 1} more" if len(differences) > 1 else ""
        yield Finding(State.NOTE, f"{differences[0]}{more}: run `course release`")
    else:
        yield Finding(State.FINE, "release/ is what source/ makes")
    if _uncommitted(root):
        yield Finding(State.NOTE, "release/ or source/ has changes that git has not committed")


def _uncommitted(root: Path) -> bool:
    git = shutil.which("git")
    if git is None or not (root / ".git").exists():
        return False
    command = [git, "status", "--porcelain", "--", "release", "source"]
    return bool(subprocess.run(command, cwd=root, capture_output=True, check=False).stdout)


def disk(root: Path) -> Iterator[Finding]:
    """Is there room?"""
    free = shutil.disk_usage(root).free / 1e9
    state = State.FINE if free >= FREE else State.MISSING
    wanted = "" if free >= FREE else f": grading a class needs about {FREE} GB"
    yield Finding(state, f"{free:.1f} GB free on the disk{wanted}")


def processors(root: Path) -> Iterator[Finding]:
    """How much can be graded at once?"""
    yield Finding(State.FINE, f"{os.cpu_count()} processors")


CHECKS: list[Check] = [
    python,
    packages,
    notebooks,
    configuration,
    judge,
    course_secret,
    gradebook,
    extensions,
    folders,
    data,
    release,
    disk,
    processors,
]
