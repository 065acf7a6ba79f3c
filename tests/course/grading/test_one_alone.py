"""What is raised on the way from a hand-in to its rows costs that hand-in alone, and no judgement.

Grades in this process: what is done where can be counted, and made to fail.
"""

import contextlib
import errno
import os
import shutil
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path
from sqlite3 import Connection

import pytest
from nbgrader.api import Gradebook
from sqlalchemy.exc import OperationalError
from typer.testing import CliRunner, Result

from course.cli import app
from course.directory import at_once, open_course
from course.grading import grade, one_student, writer
from course.grading.grade import grade_class
from course.grading.notes import GradingOutcome
from course.grading.what_if import trial
from course.judge.sandbox import missing
from course.layout import CourseError
from tests.course.conftest import RIGHT, TWICE, HandIn

pytestmark = pytest.mark.skipif(bool(missing()), reason="where nothing is confined, no grading")

DOUBLING = "01_doubling"
AGAIN = "run `course grade` again"


@pytest.fixture
def judged(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The students whose work was judged, in order; grading happens in this process."""
    students: list[str] = []
    original = one_student.grade_submission

    def counted(root: Path, student: str, *more: object) -> GradingOutcome:
        students.append(student)
        return original(root, student, *more)  # type: ignore[arg-type]

    def here(work, tasks, *, jobs: int, log: Path) -> Iterator[object]:
        log.write_text("")
        return ((task, work(*task)) for task in tasks)

    monkeypatch.setattr(grade, "grade_submission", counted)
    monkeypatch.setattr(grade, "run_each", here)
    return students


@pytest.fixture
def two(released: Path, hand_in: HandIn) -> Path:
    """A course in which ada and bob have handed in, whose gradebook is waited for but a moment."""
    hand_in(released, "ada", double=RIGHT, quadruple=TWICE)
    hand_in(released, "bob", double=RIGHT, quadruple=TWICE)
    url = f"sqlite:///{released / 'gradebook.db'}?timeout=0.1"
    with (released / "nbgrader_config.py").open("a") as file:
        file.write(f"\nc.CourseDirectory.db_url = {url!r}\n")
    return released


def points(root: Path) -> dict[str, float]:
    with Gradebook(f"sqlite:///{root / 'gradebook.db'}") as book:
        return {one.student.id: one.score for one in book.assignment_submissions(DOUBLING)}


def by_student(outcomes: list[GradingOutcome]) -> dict[str, tuple[str, str]]:
    return {one.student: (one.status.value, "; ".join(one.notes)) for one in outcomes}


def lock(root: Path) -> Connection:
    """Lock the gradebook, as another program does that writes to it."""
    other = sqlite3.connect(root / "gradebook.db")
    other.execute("BEGIN IMMEDIATE")
    return other


@pytest.fixture
def locks(monkeypatch: pytest.MonkeyPatch, two: Path, judged: list[str]) -> list[Connection]:
    """Another program's lock, once it has one: just before bob's work is judged the first time."""
    taken: list[Connection] = []
    original = vars(grade)["grade_submission"]  # which counts

    def judge(root: Path, student: str, *more: object) -> GradingOutcome:
        if student == "bob" and not taken:
            taken.append(lock(two))
        found: GradingOutcome = original(root, student, *more)
        return found

    monkeypatch.setattr(grade, "grade_submission", judge)
    return taken


def run(root: Path, *arguments: str) -> Result:
    with contextlib.chdir(root):
        return CliRunner().invoke(app, arguments, env={"COLUMNS": "120", "NO_COLOR": "1"})


# --- files ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("where", ["autograded/ada", "autograded/ada/01_doubling", "verdicts/ada"])
def test_a_file_where_a_folder_belongs_costs_that_student_alone(
    two: Path, judged: list[str], where: str
) -> None:
    (two / where).parent.mkdir(parents=True, exist_ok=True)
    (two / where).write_text("not a folder")
    found = by_student(grade_class(two))
    assert found["bob"] == ("graded", "")
    to_do = f"{two / where} is a file where a folder belongs: move it away"
    status, why = found["ada"]
    assert status == "failed"
    assert why.startswith(to_do)
    assert why.endswith(AGAIN)
    assert points(two)["bob"] == 4
    (two / where).unlink()
    assert by_student(grade_class(two)) == {"ada": ("graded", ""), "bob": ("up to date", "")}
    assert points(two) == {"ada": 4, "bob": 4}


@pytest.mark.parametrize("nth", [1, 2, 3, 4])
def test_a_disk_that_is_full_once_costs_that_student_alone(
    two: Path, judged: list[str], monkeypatch: pytest.MonkeyPatch, nth: int
) -> None:
    grade_class(two)
    before = (two / "autograded/ada/01_doubling/doubling.ipynb").read_bytes()
    verdicts = sorted((two / "verdicts/ada/01_doubling").iterdir())
    path = two / "submitted/ada/01_doubling/doubling.ipynb"
    path.write_text(path.read_text().replace("np.asarray(x) * 2", "np.asarray(x) * 3"))
    moved: list[Path] = []

    def move(source: str | Path, target: Path) -> object:
        moved.append(target)
        if len(moved) == nth:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(target))
        return original(source, target)

    original = shutil.move
    with monkeypatch.context() as disk:
        disk.setattr("course.grading.writer.shutil.move", move)
        found = by_student(grade_class(two, force=True))
    assert found["bob"] == ("graded", "")
    status, why = found["ada"]
    assert status == "failed"
    assert why.endswith(f": no space left on device; {AGAIN}")
    assert "\n" not in why
    assert points(two) == {"ada": 4, "bob": 4}  # hers are those before, as her files are
    assert (two / "autograded/ada/01_doubling/doubling.ipynb").read_bytes() == before
    assert sorted((two / "verdicts/ada/01_doubling").iterdir()) == verdicts
    assert by_student(grade_class(two, student="ada")) == {"ada": ("graded", "")}
    assert points(two)["ada"] < 4
    assert not [*(two / "autograded").glob(".arrived*"), *two.rglob(".*.before")]


def test_a_thousand_folders_within_each_other_cost_nobody_anything(
    two: Path, judged: list[str]
) -> None:
    place = two / "submitted/ada/01_doubling"
    with contextlib.chdir(place):
        for _ in range(1000):
            os.mkdir("d")  # noqa: PTH102  (the whole path is too long for the system)
            os.chdir("d")
    found = by_student(grade_class(two))
    with contextlib.chdir(place):  # or pytest's own tidying up would fail
        for _ in range(1000):
            os.rename("d/d", "e") if os.path.isdir("d/d") else None  # noqa: PTH104, PTH112
            os.rmdir("d")  # noqa: PTH106
            os.rename("e", "d") if os.path.isdir("e") else None  # noqa: PTH104, PTH112
    assert found["ada"] == ("graded", "d is nested more than 32 folders deep and was left out")
    assert found["bob"] == ("graded", "")
    assert points(two) == {"ada": 4, "bob": 4}


def test_what_nobody_thought_of_costs_that_student_alone(
    two: Path, judged: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    original = writer.Writer._put_in

    def put_in(self, batch, arrived):
        if batch[0].graded.student == "ada":
            raise RuntimeError("of all things")
        return original(self, batch, arrived)

    monkeypatch.setattr(writer.Writer, "_put_in", put_in)
    found = by_student(grade_class(two))
    assert found["ada"] == ("failed", f"RuntimeError: of all things; {AGAIN}")
    assert found["bob"] == ("graded", "")


def test_notes_that_can_not_be_written_end_the_class_with_one_line(
    two: Path, judged: list[str]
) -> None:
    (two / "autograded").write_text("not a folder")
    done = run(two, "grade")
    assert done.exit_code == 2
    (line,) = done.stderr.splitlines()
    assert line.startswith("course grade: ")
    assert str(two / "autograded") in line


# --- the gradebook --------------------------------------------------------------------------------


LOCKED = f"can't be used: database is locked; what was judged is kept: {AGAIN} to enter it"


def test_what_was_judged_while_the_gradebook_was_locked_is_entered_by_the_next_run(
    two: Path, judged: list[str], locks: list[Connection]
) -> None:
    told: list[str] = []
    found = by_student(grade_class(two, on_wait=told.append))
    assert found["ada"] == ("graded", "")
    assert found["bob"] == ("failed", f"the gradebook {two / 'gradebook.db'} {LOCKED}")
    wait = f"{two / 'gradebook.db'} is locked by another program: waiting for it"
    assert told == [wait] * 2  # when it was to be entered, and at the end
    assert points(two) == {"ada": 4}
    with pytest.raises(CourseError, match="database is locked"):
        grade_class(two)
    locks[0].close()
    with trial(two) as place:
        assert by_student(grade_class(place))["bob"] == ("graded", "")
    assert points(two) == {"ada": 4}
    assert by_student(grade_class(two)) == {"ada": ("up to date", ""), "bob": ("graded", "")}
    assert points(two) == {"ada": 4, "bob": 4}
    assert (two / "autograded/bob/01_doubling/doubling.ipynb").is_file()
    assert list((two / "verdicts/bob/01_doubling").iterdir())
    assert judged == ["ada", "bob"]  # nothing twice
    assert {status for status, _ in by_student(grade_class(two)).values()} == {"up to date"}


def test_a_lock_that_goes_is_waited_for_and_costs_nothing(
    two: Path, judged: list[str], locks: list[Connection]
) -> None:
    told: list[str] = []

    def go(line: str) -> None:
        told.append(line)
        locks[0].close()

    assert by_student(grade_class(two, on_wait=go)) == dict.fromkeys(("ada", "bob"), ("graded", ""))
    assert len(told) == 1
    assert points(two) == {"ada": 4, "bob": 4}
    assert judged == ["ada", "bob"]


def test_what_was_set_aside_comes_in_at_the_end_if_the_lock_has_gone(
    two: Path, hand_in: HandIn, judged: list[str], locks: list[Connection]
) -> None:
    hand_in(two, "cat", double=RIGHT)
    done: list[list[str]] = []

    def on_done(outcomes: Sequence[GradingOutcome]) -> None:
        done.append([one.student for one in outcomes])
        if len(done) == 2:  # nothing has come of bob yet
            locks[0].close()

    grade_class(two, on_done=on_done)
    assert done == [["ada"], [], ["cat"], ["bob"]]
    assert points(two)["bob"] == 4
    assert judged == ["ada", "bob", "cat"]


def test_what_has_been_handed_in_since_is_judged_anew(
    two: Path, hand_in: HandIn, judged: list[str], locks: list[Connection]
) -> None:
    grade_class(two)
    locks[0].close()
    hand_in(two, "bob", double=RIGHT)
    assert by_student(grade_class(two))["bob"] == ("graded", "")
    assert points(two)["bob"] == 3
    assert judged == ["ada", "bob", "bob"]
    assert not list((two / "autograded/.waiting").rglob("doubling.ipynb"))


def test_a_kill_leaves_what_was_set_aside_to_the_next_run(
    two: Path, judged: list[str], locks: list[Connection], monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(_: object) -> list[GradingOutcome]:
        raise KeyboardInterrupt

    with monkeypatch.context() as kill:
        kill.setattr(writer.Writer, "finish", killed)
        with pytest.raises(KeyboardInterrupt):
            grade_class(two)
    locks[0].close()
    assert by_student(grade_class(two)) == {"ada": ("up to date", ""), "bob": ("graded", "")}
    assert judged == ["ada", "bob"]
    assert points(two)["bob"] == 4


def test_the_terminal_says_in_one_line_that_the_gradebook_is_waited_for(two: Path) -> None:
    other = lock(two)
    done = run(two, "grade")
    other.close()
    assert done.exit_code == 2
    name = two / "gradebook.db"
    assert " ".join(done.stdout.split()) == f"• {name} is locked by another program: waiting for it"
    (line,) = done.stderr.splitlines()
    assert line == f"course grade: the gradebook {name} can't be used: database is locked"


def fails(*_: object) -> object:
    raise OperationalError("SELECT", {}, Exception("disk I/O error\nand more"))


@pytest.mark.parametrize(
    ("command", "where"),
    [
        ("grade", "grade._known"),
        ("grade", "results._grades"),
        ("grade", "fingerprint.Gradebook"),
        ("report", "results._grades"),
        ("report", "report.write_report"),
    ],
)
def test_a_gradebook_that_breaks_is_one_line(
    graded: Path, judged: list[str], monkeypatch: pytest.MonkeyPatch, command: str, where: str
) -> None:
    monkeypatch.setattr(f"course.grading.{where}", fails)
    done = run(graded, command)
    assert done.exit_code == 2
    *told, line = done.stderr.splitlines()
    assert all(one.startswith("! ") for one in told)  # what could not be graded before
    assert line.startswith(f"course {command}: the gradebook ")
    assert line.endswith("can't be used: disk I/O error")


def test_a_disk_that_is_full_is_one_line(graded: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "/report")

    monkeypatch.setattr("course.grading.report.write_report", full)
    done = run(graded, "report")
    assert (done.exit_code, done.stderr) == (2, "course report: /report: no space left on device\n")


def test_a_hurried_name_waits_no_longer_than_the_courses_own(two: Path) -> None:
    assert at_once(open_course(two).db_url).endswith("gradebook.db?timeout=0.1")
    assert at_once("sqlite:///g.db?timeout=60").endswith("g.db?timeout=0.2")
    assert at_once("sqlite://") == "sqlite://?timeout=0.2"
