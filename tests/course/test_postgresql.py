"""The gradebook in PostgreSQL: on a server of the tests' own, with several writers at once."""

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from uuid import uuid4

import pytest
from nbgrader.api import Gradebook

from benchmarks import postgresql
from course.authoring.release import make_release
from course.directory import open_course
from course.doctor import State, gradebook
from course.grading.grade import grade_class
from course.grading.notes import Status
from course.grading.report import page
from course.grading.results import read_results
from course.grading.what_if import Change, changes_between, trial
from course.layout import CourseError
from course.turn import turn

DOUBLING = "01_doubling"
RIGHT = {
    "double": "def double(x):\n    return 2 * np.asarray(x)",
    "quadruple": "def quadruple(x):\n    return 4 * np.asarray(x)",
}

pytest.importorskip("psycopg", reason="needs psycopg: pip install -e '.[scale]'")
if not postgresql.THERE:
    pytest.skip("needs a PostgreSQL server: apt-get install postgresql", allow_module_level=True)


@pytest.fixture(scope="module")
def server() -> Iterator[postgresql.Server]:
    """A server that has its data in a folder of its own."""
    with postgresql.server() as one:
        yield one


@pytest.fixture
def url(server: postgresql.Server) -> str:
    """An empty database."""
    name = f"class_{uuid4().hex}"
    server.command(f"CREATE DATABASE {name}")
    return server.url(name)


@pytest.fixture
def served(course_root: Path, url: str) -> Path:
    """A released course whose gradebook is in PostgreSQL."""
    (course_root / "gradebook.db").unlink()
    with (course_root / "nbgrader_config.py").open("a") as file:
        file.write(f"\nc.CourseDirectory.db_url = {url!r}\n")
    make_release(course_root)
    return course_root


def points(root: Path) -> dict[str, float]:
    return {student: work.score for (student, _), work in read_results(root).works.items()}


def test_a_class_is_released_graded_and_reported_on(served, url, hand_in):
    hand_in(served, "ada", when="2026-10-01 18:00 UTC", why_twice="Twice.", **RIGHT)
    hand_in(served, "bob", double=RIGHT["double"])
    (hand_in(served, "ian") / "doubling.ipynb").unlink()
    with Gradebook(url, "deep-learning-from-scratch") as book:
        book.update_or_create_student("ada", first_name="Ada", last_name="Byron-“King”")
    done = grade_class(served, jobs=2)
    assert [one.status for one in done] == [Status.GRADED, Status.GRADED, Status.FAILED]
    assert points(served) == {"ada": 4, "bob": 3, "ian": 0}
    assert "Byron-“King”" in page(read_results(served), datetime.now())
    assert {one.status for one in grade_class(served)} == {Status.UP_TO_DATE, Status.FAILED}
    (found,) = gradebook(served)
    assert found.state is State.FINE
    assert found.line.endswith("3 students")
    assert not list(served.glob("gradebook.db*"))


def test_several_write_at_once_and_each_finds_their_own(served, url, hand_in):
    names = [f"student{number}" for number in range(8)]
    for name in names:
        hand_in(served, name, why_twice="Twice.", **RIGHT)
    marking = (
        "import sys, time\n"
        "from nbgrader.api import Gradebook, MissingEntry\n"
        "left = set(sys.argv[2:])\n"
        "deadline = time.monotonic() + 300\n"
        "while left and time.monotonic() < deadline:\n"
        "    with Gradebook(sys.argv[1], 'deep-learning-from-scratch') as book:\n"
        "        for name in sorted(left):\n"
        "            try:\n"
        "                grade = book.find_grade('why_twice', 'doubling', '01_doubling', name)\n"
        "            except MissingEntry:\n"
        "                continue\n"
        "            grade.manual_score = 2\n"
        "            book.db.commit()\n"
        "            left.discard(name)\n"
        "sys.exit(len(left))\n"
    )
    with subprocess.Popen([sys.executable, "-c", marking, url, *names]) as person:
        done = grade_class(served, jobs=2)
    assert person.returncode == 0
    assert {one.status for one in done} == {Status.GRADED}
    assert points(served) == dict.fromkeys(names, 6)


def test_a_failed_grading_leaves_the_rows_as_they_were(served, url, hand_in, monkeypatch):
    hand_in(served, "ada", **RIGHT)
    grade_class(served)
    (served / "submitted" / "ada" / DOUBLING / "doubling.ipynb").unlink()
    (done,) = grade_class(served)
    assert done.status is Status.FAILED
    assert "the earlier grades stay" in done.notes
    assert points(served) == {"ada": 4}


def test_a_release_that_fails_leaves_the_gradebook_as_it_was(served, monkeypatch):
    from course.rollback import gradebook_unchanged_on_error

    course = open_course(served)
    before = course.assignments()
    with (
        contextlib.suppress(RuntimeError),
        gradebook_unchanged_on_error(course.db_url, [DOUBLING, "02_more"]),
        Gradebook(course.db_url, course.folders.course_id) as book,
    ):
        book.add_assignment("02_more")
        book.update_or_create_assignment(DOUBLING, duedate="2026-10-01")
        raise RuntimeError
    assert course.assignments() == before
    assert course.due_date(DOUBLING) is None


def test_a_trial_says_what_would_change_and_writes_nothing(served, hand_in):
    hand_in(served, "ada", double=RIGHT["double"])
    grade_class(served)
    hand_in(served, "ada", **RIGHT)
    before = read_results(served)
    with trial(served) as place:
        grade_class(place)
        changes = changes_between(before, read_results(place))
    assert changes == [Change("ada", DOUBLING, 3, 4)]
    assert points(served) == {"ada": 3}


def test_the_second_who_grades_is_told_of_the_first_wherever_that_is(served, url, hand_in):
    hand_in(served, "ada", **RIGHT)
    with (
        turn(url, "release"),
        pytest.raises(CourseError, match=r"in use: release by .* process \d"),
    ):
        grade_class(served)
    assert [one.status for one in grade_class(served)] == [Status.GRADED]


def test_a_turn_ends_with_the_process_that_has_it(url):
    code = (
        "import os, sys\nfrom course.turn import turn\n"
        "with turn(sys.argv[1], 'grading'): os.kill(os.getpid(), 9)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, url])
    assert done.returncode == -9
    with turn(url, "grading"):
        pass


def test_a_server_that_has_gone_is_told_in_one_line(served, server, hand_in):
    hand_in(served, "ada", **RIGHT)
    config = served / "nbgrader_config.py"
    config.write_text(
        config.read_text().replace(f"host={server.folder}", f"host={server.folder}-gone")
    )
    with pytest.raises(CourseError, match=r"the gradebook postgresql.* can't be used: connection"):
        grade_class(served)
