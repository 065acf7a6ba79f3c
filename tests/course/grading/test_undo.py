"""What a killed grading has left half done is put back before anything is graded again."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from nbgrader.api import Gradebook
from sqlalchemy.exc import OperationalError

from benchmarks.disturbed import different, held
from course.directory import open_course
from course.grading import one_student, undo
from course.grading.grade import grade_class
from course.grading.notes import Status, note_begun, read_notes
from course.grading.one_student import grade_student
from course.grading.results import read_results
from course.layout import CourseError
from tests.course.conftest import RIGHT, SQUARE, TWICE

DOUBLING = "01_doubling"
WORDS = "It is counted twice."
DIES = """
import os, signal, sys
from pathlib import Path
from course.grading import one_student

def dies(*arguments, autograde=one_student._autograde):
    autograde(*arguments)
    os.kill(os.getpid(), signal.SIGKILL)

one_student._autograde = dies
one_student.grade_student(Path(sys.argv[1]), "ada", {"01_doubling": ""})
"""


def book(root):
    return Gradebook(f"sqlite:///{root / 'gradebook.db'}", "deep-learning-from-scratch")


def read_by_a_person(root, points=2, comment="Yes."):
    with book(root) as found:
        grade = found.find_grade("why_twice", "doubling", DOUBLING, "ada")
        grade.manual_score, grade.needs_manual_grade = points, False
        found.find_comment("why_twice", "doubling", DOUBLING, "ada").manual_comment = comment
        found.db.commit()


def graded_again(root):
    """Grade ada's work as `course grade` does, but in this process, which is faster."""
    course = open_course(root)
    undo.undo_killed(course)
    note = read_notes(course).get(("ada", DOUBLING))
    (outcome,) = grade_student(root, "ada", {DOUBLING: note.digest if note else ""})
    return outcome


def killed(root):
    done = subprocess.run([sys.executable, "-c", DIES, root], check=False)
    assert done.returncode == -signal.SIGKILL


@pytest.fixture
def again(released, hand_in):
    """A course in which ada has been graded and read, and has handed in a better answer."""
    hand_in(released, "ada", double=SQUARE, quadruple=TWICE, why_twice=WORDS)
    graded_again(released)
    read_by_a_person(released)
    hand_in(released, "ada", double=RIGHT, quadruple=TWICE, why_twice=WORDS)
    return released


def hidden(root):
    return [path.name for path in (root / "autograded").rglob(".*")]


def test_an_answer_that_was_read_is_not_on_the_pile_again_after_a_kill(again):
    killed(again)
    with book(again) as found:
        assert found.find_grade("why_twice", "doubling", DOUBLING, "ada").needs_manual_grade
    assert [one.status for one in grade_class(again)] == [Status.GRADED]
    work = read_results(again).works["ada", DOUBLING]
    assert (work.score, list(work.waiting)) == (6, [])
    assert hidden(again) == []


def test_what_fails_after_a_kill_has_what_it_had_before_it(again):
    (again / "submitted" / "ada" / DOUBLING / "doubling.ipynb").rename(again / "aside")
    graded_again(again)
    before = held(again)
    (again / "aside").rename(again / "submitted" / "ada" / DOUBLING / "doubling.ipynb")
    killed(again)
    (again / "submitted" / "ada" / DOUBLING / "doubling.ipynb").rename(again / "aside")
    outcome = graded_again(again)
    assert outcome.notes[-1] == "the earlier grades stay"
    assert different(before, held(again)) == []


def test_what_a_person_enters_between_a_kill_and_the_next_run_stays(again):
    killed(again)
    read_by_a_person(again, points=1, comment="Half of it.")
    graded_again(again)
    with book(again) as found:
        grade = found.find_grade("why_twice", "doubling", DOUBLING, "ada")
        assert (grade.manual_score, grade.needs_manual_grade) == (1, False)
        comment = found.find_comment("why_twice", "doubling", DOUBLING, "ada")
        assert comment.manual_comment == "Half of it."


def test_a_first_hand_in_that_a_person_reads_after_a_kill_keeps_that(released, hand_in):
    hand_in(released, "ada", double=RIGHT, quadruple=TWICE, why_twice=WORDS)
    killed(released)
    read_by_a_person(released)
    graded_again(released)
    assert read_results(released).works["ada", DOUBLING].score == 6


@pytest.mark.parametrize("step", ["rename", "rmtree"])
def test_who_is_killed_while_putting_back_has_it_put_back_by_the_next(again, monkeypatch, step):
    killed(again)

    def dies(*_, **__):
        raise KeyboardInterrupt

    course = open_course(again)
    with monkeypatch.context() as patch:
        patch.setattr(*((Path, "rename") if step == "rename" else (shutil, "rmtree")), dies)
        with pytest.raises(KeyboardInterrupt):
            undo.undo_killed(course)
    undo.undo_killed(course)
    work = read_results(again).works["ada", DOUBLING]
    assert (again / "autograded" / "ada" / DOUBLING / "doubling.ipynb").is_file()
    assert hidden(again) == []
    assert (work.score, list(work.waiting)) == (3, [])


def test_what_could_not_be_put_back_on_a_full_disk_is_put_back_by_the_next(again, monkeypatch):
    before = held(again)

    def fails(*arguments, autograde=one_student._autograde):
        autograde(*arguments)
        monkeypatch.setattr(undo, "change_rows", full)
        raise OSError(28, "No space left on device")

    def full(*_):
        raise OperationalError("UPDATE", {}, Exception("database or disk is full"))

    monkeypatch.setattr(one_student, "_autograde", fails)
    (outcome,) = grade_student(again, "ada", {DOUBLING: ""})
    assert (outcome.status, outcome.notes[0][:16]) == (Status.FAILED, "OperationalError")
    with pytest.raises(CourseError, match="database or disk is full"):
        undo.undo_killed(open_course(again))
    monkeypatch.undo()
    undo.undo_killed(open_course(again))
    assert all("note " in line for line in different(before, held(again)))
    assert hidden(again) == []


def test_what_was_finished_is_not_undone(again):
    course = open_course(again)
    graded_again(again)
    undo.keep(course, "ada", DOUBLING)
    with book(again) as found:
        found.find_grade("test_double", "doubling", DOUBLING, "ada").auto_score = 1
        found.db.commit()
    undo.undo_killed(course)
    assert read_results(again).works["ada", DOUBLING].score == 4
    assert hidden(again) == []


def test_a_folder_that_a_writer_was_about_to_replace_comes_back(again):
    course = open_course(again)
    before = held(again)
    note_begun(course, "ada", DOUBLING)
    undo.take_away(course, "ada", DOUBLING)
    assert not (again / "autograded" / "ada" / DOUBLING).exists()
    undo.undo_killed(course)
    assert all("note " in line for line in different(before, held(again)))


def test_temporary_folders_of_a_killed_grading_go(again):
    for name in (".tidied-x", ".arrived-x", ".before-x", "ada/.before-x"):
        (again / "autograded" / name).mkdir()
    graded_again(again)
    assert hidden(again) == []


def test_what_is_there_when_it_is_noted_outlives_a_power_cut(again, monkeypatch):
    order = []

    def note(number):
        order.append(Path(f"/proc/self/fd/{number}").readlink())

    monkeypatch.setattr(os, "fsync", note)
    grade_student(again, "ada", {DOUBLING: ""})
    names = [one.name for one in order]
    last = len(names) - 1 - names[::-1].index("notes.jsonl")
    assert "doubling.ipynb" in names[:last]
    assert "doubling.json" in names[:last]
    assert DOUBLING in names[:last]


def test_sqlite_syncs_every_transaction(released):
    with book(released) as found:
        assert found.db.connection().exec_driver_sql("PRAGMA synchronous").scalar() == 2  # FULL
        assert found.db.connection().exec_driver_sql("PRAGMA journal_mode").scalar() == "delete"
