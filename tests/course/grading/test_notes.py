"""The notes of a grading: what is left of them whenever it ends."""

import json
import multiprocessing
import os
import signal
import subprocess
import sys

import pytest

from course.directory import open_course
from course.grading.notes import (
    NOTES,
    OLD_NOTES,
    GradingOutcome,
    Status,
    add_note,
    begun,
    read_notes,
)
from course.layout import CourseError

DOUBLING = "01_doubling"
GRADED = GradingOutcome("ada", DOUBLING, Status.GRADED, ("a “note”",), "c0ffee")
FAILED = GradingOutcome("bob", DOUBLING, Status.FAILED, ("no notebook",))
KEYS = ("ada", DOUBLING), ("bob", DOUBLING)


@pytest.fixture
def course(course_root):
    return open_course(course_root)


def path(course, name=NOTES):
    return course.path("autograded") / name


def test_there_are_no_notes_before_anything_was_graded(course):
    assert read_notes(course) == {}


def test_notes_are_read_as_they_were_added(course):
    add_note(course, GRADED)
    add_note(course, FAILED)
    assert read_notes(course) == dict(zip(KEYS, (GRADED, FAILED), strict=True))


def test_the_last_note_on_a_submission_holds(course):
    again = GradingOutcome("ada", DOUBLING, Status.GRADED, (), "beef")
    for outcome in (GRADED, FAILED, again):
        add_note(course, outcome)
    assert read_notes(course) == dict(zip(KEYS, (again, FAILED), strict=True))


def test_what_needed_no_grading_is_not_noted(course):
    add_note(course, GRADED)
    add_note(course, GradingOutcome("ada", DOUBLING, Status.UP_TO_DATE))
    assert read_notes(course)["ada", DOUBLING] == GRADED


def test_a_grading_that_was_begun_holds_its_submission_back_until_it_ends(course):
    add_note(course, GRADED)
    assert GRADED.finished
    add_note(course, begun("ada", DOUBLING))
    now = read_notes(course)["ada", DOUBLING]
    assert (now.status, now.digest, now.finished) == (Status.FAILED, "", False)
    assert "run `course grade` again" in now.notes[0]
    add_note(course, GRADED)
    assert read_notes(course)["ada", DOUBLING] == GRADED


def test_notes_of_an_earlier_version_are_read_and_newer_ones_come_before_them(course):
    old = [
        {"student": "ada", "assignment": DOUBLING, "status": "graded", "notes": [], "digest": "0"},
        {"student": "bob", "assignment": DOUBLING, "status": "failed", "notes": ["no notebook"]},
    ]
    path(course).parent.mkdir()
    path(course, OLD_NOTES).write_text(json.dumps(old, indent=1))
    assert read_notes(course)["ada", DOUBLING].digest == "0"
    add_note(course, GRADED)
    assert read_notes(course) == dict(zip(KEYS, (GRADED, FAILED), strict=True))


def test_wherever_a_crash_cuts_the_last_note_off_the_others_and_later_ones_stay(course):
    add_note(course, GRADED)
    whole = path(course).read_bytes()
    add_note(course, FAILED)
    both = path(course).read_bytes()
    for end in range(len(whole), len(both) - 2):
        path(course).write_bytes(both[:end])
        assert read_notes(course) == {KEYS[0]: GRADED}, end
        later = GradingOutcome("cat", DOUBLING, Status.GRADED, (), "1")
        add_note(course, later)
        assert read_notes(course) == {KEYS[0]: GRADED, ("cat", DOUBLING): later}, end
    path(course).write_bytes(both.rstrip(b"\n"))  # nothing but the end of the line
    assert read_notes(course) == dict(zip(KEYS, (GRADED, FAILED), strict=True))


@pytest.mark.parametrize("name", [NOTES, OLD_NOTES])
@pytest.mark.parametrize(
    "text", ['[["ada", "01_doubling"]]', '[{"student": "ada"}]', "7", "no", '{"student": "ada"}']
)
def test_what_is_no_note_is_damage(course, name, text):
    path(course).parent.mkdir()
    path(course, name).write_text(text)
    with pytest.raises(CourseError, match=rf"{name} is damaged: remove it") as error:
        read_notes(course)
    assert "\n" not in str(error.value)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_notes_that_can_not_be_written_are_named(course):
    path(course).parent.mkdir(mode=0o500)
    with pytest.raises(CourseError, match=rf"{NOTES} can't be written: Permission denied"):
        add_note(course, GRADED)


def test_a_full_disk_is_named(course):
    path(course).parent.mkdir()
    path(course).symlink_to("/dev/full")
    with pytest.raises(CourseError, match=rf"{NOTES} can't be written: No space left"):
        add_note(course, GRADED)


# --- processes ------------------------------------------------------------------------------------


def add_many(root, student):
    course = open_course(root)
    for number in range(100):
        long = ("x" * 20_000,)  # more than a file's buffer
        add_note(course, GradingOutcome(student, f"{number:02}", Status.GRADED, long, student))


def test_processes_that_note_at_once_lose_nothing(course_root, course):
    processes = [
        multiprocessing.get_context("fork").Process(target=add_many, args=(course_root, name))
        for name in ("ada", "bob", "cat")
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    notes = read_notes(course)
    assert len(notes) == 300
    assert all(outcome.digest == student for (student, _), outcome in notes.items())


KILLED = """
import os, signal, sys
from pathlib import Path
from course.directory import open_course
from course.grading.notes import GradingOutcome, Status, add_note, begun
course = open_course(Path(sys.argv[1]))
add_note(course, GradingOutcome("ada", "01_doubling", Status.GRADED, (), "1"))
add_note(course, begun("bob", "01_doubling"))
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_killed_process_has_noted_all_that_it_did(course_root, course):
    done = subprocess.run([sys.executable, "-c", KILLED, course_root], check=False)
    assert done.returncode == -signal.SIGKILL
    notes = read_notes(course)
    assert notes["ada", DOUBLING].digest == "1"
    assert not notes["bob", DOUBLING].finished
