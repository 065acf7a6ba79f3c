"""Two who grade at once: the second is told who is at it, and nobody has to remove a lock."""

import os
import signal
import subprocess
import sys
from datetime import datetime
from threading import Thread

import pytest

from course.authoring.release import make_release
from course.directory import open_course
from course.grading.grade import grade_class
from course.layout import CourseError
from course.turn import turn

HOLD = """
import sys
from course.turn import turn
with turn(sys.argv[1], "grading"):
    print("mine", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def url(tmp_path):
    return f"sqlite:///{tmp_path / 'gradebook.db'}"


@pytest.fixture
def hold(url):
    """Another process that has the turn."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, url], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout.readline() == "mine\n"
        yield process
        process.kill()


def take(url):
    with turn(url, "release"):
        return True


def test_the_second_is_told_who_is_at_it(url, hold):
    since = datetime.now().astimezone()
    with pytest.raises(CourseError) as caught:
        take(url)
    told = str(caught.value)
    assert told.startswith("the gradebook is in use: grading by ")
    assert f"on {os.uname().nodename}, process {hold.pid}, since {since:%H}" in told
    assert told.endswith("; wait for the end, or stop that first")


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_a_lock_goes_with_its_holder_however_that_ends(url, hold, how):
    hold.send_signal(how)
    hold.wait()
    assert take(url)


def test_one_after_the_other_has_a_turn_and_no_lock_is_left(url, tmp_path):
    assert take(url)
    assert take(url)
    assert list(tmp_path.iterdir()) == []


def test_of_many_who_come_at_once_one_at_a_time_has_the_turn(url, tmp_path):
    at_it, most, turns = [], [], []

    def come(number):
        for _ in range(200):
            try:
                with turn(url, "grading"):
                    at_it.append(number)
                    most.append(len(at_it))
                    at_it.remove(number)
                    turns.append(number)
            except CourseError:
                pass

    threads = [Thread(target=come, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert max(most) == 1
    assert turns


def test_an_error_gives_the_turn_back(url):
    with pytest.raises(RuntimeError), turn(url, "grading"):
        raise RuntimeError
    assert take(url)


def test_a_gradebook_that_another_holds_grades_nobody(released, hand_in):
    hand_in(released, "ada")
    with (
        turn(open_course(released).db_url, "grading"),
        pytest.raises(CourseError, match="in use: grading by"),
    ):
        grade_class(released)
    assert not (released / "autograded").exists()


def test_nothing_is_released_while_a_class_is_graded(course_root):
    with (
        turn(open_course(course_root).db_url, "grading"),
        pytest.raises(CourseError, match="in use: grading by"),
    ):
        make_release(course_root)
    assert not (course_root / "release").exists()
    make_release(course_root)
    assert (course_root / "release").exists()


USERS = ("LOGNAME", "USER", "LNAME", "USERNAME")
ELSEWHERE = """
import os, sys
sys.modules["fcntl"] = sys.modules["resource"] = None
import course.cli
from course.layout import CourseError
from course.turn import turn
sys.modules["pwd"] = None
del os.getuid
with turn(sys.argv[1], "grading"):
    try:
        with turn(sys.argv[1], "release"):
            print("both")
    except CourseError as error:
        print(error)
with turn(sys.argv[1], "grading"):
    print("again")
"""


def test_what_only_unix_has_is_not_needed(url):
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", ELSEWHERE, url],
        env={k: v for k, v in os.environ.items() if k not in USERS},
        capture_output=True,
        text=True,
    )
    told, again = done.stdout.splitlines() or [done.stderr, ""]
    assert told.startswith("the gradebook is in use: grading by ")
    assert again == "again"


def test_a_folder_that_takes_no_file_is_told_in_one_line(tmp_path):
    (tmp_path / "gradebook.db.lock").mkdir()
    with pytest.raises(CourseError, match=r"gradebook\.db\.lock can't be written: "):
        take(f"sqlite:///{tmp_path / 'gradebook.db'}")
