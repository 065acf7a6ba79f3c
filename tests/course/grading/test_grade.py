"""Grading a class, whatever was handed in."""

import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
from copy import deepcopy
from importlib.metadata import version
from pathlib import Path

import nbformat
import pytest
from nbgrader.api import Gradebook
from nbgrader.converters import Autograde
from typer.testing import CliRunner

from course.authoring.release import make_release
from course.authoring.unchanged import RECORD
from course.cli import app
from course.directory import open_course
from course.grading import fingerprint, grade, one_student
from course.grading.batch import run_each
from course.grading.fingerprint import deciding
from course.grading.grade import doubts, grade_class
from course.grading.notes import (
    Status,
    add_note,
    read_notes,
)
from course.grading.one_student import grade_submission
from course.grading.results import read_results
from course.grading.station import ROOM, room
from course.grading.what_if import Change, changes_between, trial
from course.judge.sandbox.port import Protection
from course.layout import CourseError
from course.notebooks.cells import grade_id, read

DOUBLING = "01_doubling"
RIGHT = {
    "double": "def double(x):\n    return 2 * np.asarray(x)",
    "quadruple": "def quadruple(x):\n    return 4 * np.asarray(x)",
}


def gradebook(root):
    return Gradebook(f"sqlite:///{root / 'gradebook.db'}")


def scores(root, student, assignment=DOUBLING):
    with gradebook(root) as book:
        submission = book.find_submission(assignment, student)
        return {
            (notebook.name, grade.name): grade.score
            for notebook in submission.notebooks
            for grade in notebook.grades
        }


def rows(root, student, assignment=DOUBLING):
    """All that the gradebook holds of a submission."""
    with gradebook(root) as book:
        submission = book.find_submission(assignment, student)
        return (
            submission.timestamp,
            [
                (grade.id, grade.auto_score, grade.manual_score, grade.needs_manual_grade)
                for notebook in submission.notebooks
                for grade in notebook.grades
            ],
            [
                (comment.id, comment.auto_comment, comment.manual_comment)
                for notebook in submission.notebooks
                for comment in notebook.comments
            ],
        )


def files(folder):
    return {p.relative_to(folder): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def grade_one(root, student, assignment=DOUBLING):
    outcome = grade_submission(root, student, assignment)
    add_note(open_course(root), outcome)
    return outcome


def test_a_class_is_graded_and_what_can_not_be_is_named_in_one_line(graded):
    notes = {key: (o.status, o.notes) for key, o in read_notes(open_course(graded)).items()}
    assert notes["ada", DOUBLING] == notes["cat", DOUBLING] == (Status.GRADED, ())
    assert notes["ian", DOUBLING] == (
        Status.FAILED,
        ("doubling.ipynb is missing: no notebook was handed in",),
    )
    assert scores(graded, "ada")["doubling", "test_double"] == 3
    assert scores(graded, "ada")["doubling", "test_quadruple"] == 1
    assert scores(graded, "bob")["doubling", "test_double"] == 0
    assert scores(graded, "bob")["doubling", "test_quadruple"] == 1  # with a right `double` it is
    assert sum(scores(graded, "cat").values()) == 0


def test_a_damaged_notebook_is_graded_as_what_was_recovered_and_says_so(graded):
    outcome = read_notes(open_course(graded))["dan", DOUBLING]
    assert outcome.status is Status.GRADED
    first, *more = outcome.notes
    assert first.startswith("The file was damaged")
    assert any(note.startswith("The cells of `double`, ") for note in more)
    assert set(scores(graded, "dan").values()) == {0}
    assert read_results(graded).works["dan", DOUBLING].graded


def test_what_the_judge_met_with_is_noted_and_costs_no_other_answer(graded):
    outcome = read_notes(open_course(graded))["hal", DOUBLING]
    assert outcome.status is Status.GRADED
    assert outcome.notes == ("double: Your code ended its own process",)
    assert scores(graded, "hal")["doubling", "test_double"] == 0
    assert scores(graded, "hal")["doubling", "test_quadruple"] == 1


def test_what_can_not_be_graded_is_in_the_gradebook_with_no_points(graded):
    assert scores(graded, "ian") == {
        ("doubling", "test_double"): 0,
        ("doubling", "test_quadruple"): 0,
        ("doubling", "why_twice"): 0,
    }
    assert not (graded / "autograded" / "ian" / DOUBLING).exists()
    assert not read_results(graded).works["ian", DOUBLING].graded


def test_one_notebook_of_junk_does_not_cost_the_other_one(graded):
    found = scores(graded, "bob", "02_pair")
    assert found["first", "test_double"] == 3
    assert found["second", "test_double"] == 0
    outcome = read_notes(open_course(graded))["bob", "02_pair"]
    assert outcome.status is Status.GRADED
    assert outcome.notes == (
        "second.ipynb: The file is not a notebook, and no cell can be found in it",
        "second.ipynb: Nothing counts as answered",
    )


def test_the_results_tell_late_waiting_and_what_the_checks_said(graded):
    results = read_results(graded)
    assert list(results.students) == ["ada", "bob", "cat", "dan", "hal", "ian"]
    ada, bob, cat = (results.works[name, DOUBLING] for name in ("ada", "bob", "cat"))
    assert ada.late.days == 1
    assert not bob.late
    assert [column.id for column in ada.waiting] == ["why_twice"]
    assert not cat.waiting
    double = next(verdict for verdict in bob.verdicts.values() if verdict.id == "double")
    assert double.failed == ["gives the known values", "is right anywhere"]
    assert all("it is the square" in check.message for check in double.checks)


# --- one submission, in this process --------------------------------------------------------------


def directory(folder):
    (folder / "doubling.ipynb").unlink()
    (folder / "doubling.ipynb").mkdir()
    (folder / "doubling.ipynb" / "inside.txt").write_text("")


def link(folder):
    (folder / "doubling.ipynb").unlink()
    source = folder.parents[2] / "source" / DOUBLING / "doubling.ipynb"
    (folder / "doubling.ipynb").symlink_to(source)


def write(text):
    return lambda folder: (folder / "doubling.ipynb").write_bytes(text)


@pytest.mark.parametrize(
    ("spoil", "note"),
    [
        (directory, "doubling.ipynb is a folder, not a file"),
        (link, "doubling.ipynb is a link to another place and is not followed"),
        (write(bytes(range(256))), "The file holds binary data, not a notebook"),
        (write(b""), "The file is empty"),
        (write(b"[1, 2]"), "The file is JSON, but not a notebook"),
    ],
)
def test_what_holds_no_answer_is_graded_as_nothing_and_says_why(released, hand_in, spoil, note):
    spoil(hand_in(released, "eve", **RIGHT))
    outcome = grade_one(released, "eve")
    assert (outcome.status, outcome.notes[0]) == (Status.GRADED, note)
    assert set(scores(released, "eve").values()) == {0}


def rename(name):
    def move(folder):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / "doubling.ipynb").rename(folder / name)

    return move


def extra_link(target):
    return lambda folder: (folder / "data.csv").symlink_to(folder.parents[2] / target)


MISNAMED = "doubling.ipynb is missing; {} was graded in its place"
NOT_OURS = "that isn't this course's then (write +0200, say)"
NO_DATE = "timestamp.txt holds no date: whether it came in time is not known"


@pytest.mark.parametrize(
    ("spoil", "note"),
    [
        (rename("doubling (1).ipynb"), MISNAMED.format("doubling (1).ipynb")),
        (rename("Doubling.ipynb"), MISNAMED.format("Doubling.ipynb")),
        (rename("work/doubling.ipynb"), MISNAMED.format("work/doubling.ipynb")),
        (rename("doubling.ipynb.txt"), MISNAMED.format("doubling.ipynb.txt")),
        (rename("doubling.ipynb "), MISNAMED.format("doubling.ipynb ")),
        (rename("doubling"), MISNAMED.format("doubling")),
        (lambda folder: (folder / "timestamp.txt").write_text("yesterday evening"), NO_DATE),
        (lambda folder: (folder / "timestamp.txt").mkdir(), NO_DATE),
        (extra_link("gradebook.db"), "data.csv is a link to another file; it was not followed"),
        (extra_link("nowhere"), "data.csv is a link to another file; it was not followed"),
        (lambda folder: os.mkfifo(folder / "pipe"), "pipe is no ordinary file and was left out"),
    ],
)
def test_what_is_misnamed_or_untidy_is_graded_nevertheless(released, hand_in, spoil, note):
    folder = hand_in(released, "eve", **RIGHT)
    spoil(folder)
    before = sorted(folder.rglob("*"))
    outcome = grade_one(released, "eve")
    assert (outcome.status, outcome.notes) == (Status.GRADED, (note,))
    assert sum(scores(released, "eve").values()) == 4
    assert sorted(folder.rglob("*")) == before
    graded = released / "autograded" / "eve" / DOUBLING
    assert [path.name for path in graded.iterdir() if path.is_file()] == ["doubling.ipynb"]
    assert {path.name for path in (released / "autograded").iterdir()} == {"eve", "notes.jsonl"}


@pytest.mark.parametrize(
    ("written", "in_utc"),
    [
        ("2026-03-01 23:30:00.123456 UTC", "2026-03-01 23:30:00.123456"),
        ("2026-03-01 23:30", "2026-03-01 23:30:00"),
        ("2026-03-01T23:30:00Z", "2026-03-01 23:30:00"),
        ("2026-03-01 23:30 +0100", "2026-03-01 22:30:00"),
        ("2026-03-01 23:30 +01:00", "2026-03-01 22:30:00"),
        ("2026-03-01T23:30:00-05", "2026-03-02 04:30:00"),
        ("2026-03-01 23:30 CET", "2026-03-01 22:30:00"),
        ("2026-07-01 23:30 CEST", "2026-07-01 21:30:00"),
        ("2026-03-01 23:30 America/New_York", "2026-03-02 04:30:00"),
        ("\ufeff2026-03-01 23:30 UTC\n", "2026-03-01 23:30:00"),
        ("2026-03-01 23:30 UTC".ljust(1_000), "2026-03-01 23:30:00"),
    ],
)
def test_a_time_is_read_with_its_offset(released, hand_in, written, in_utc):
    config = released / "nbgrader_config.py"
    config.write_text(f"{config.read_text()}\nc.Exchange.timezone = 'Europe/Berlin'\n")
    hand_in(released, "eve", when=written, **RIGHT)
    outcome = grade_one(released, "eve")
    assert (outcome.status, outcome.notes) == (Status.GRADED, ())
    assert str(rows(released, "eve")[0]) == in_utc


@pytest.mark.parametrize(
    ("written", "why"),
    [
        ("12", "holds no date"),
        ("2026-03-01", "holds no date"),
        ("1.3.2026 23:30", "holds no date"),
        ("2026-02-30 23:30 UTC", "holds no date"),
        ("2026-03-01 23:30 +2500", "holds no date"),
        ("0001-01-01 00:00 +0100", "holds no date"),
        ("2026-03-01 23:30 CST", f"names a time zone “CST” {NOT_OURS}"),
        ("2026-03-01 23:30 Europe/Atlantis", f"names a time zone “Europe/Atlantis” {NOT_OURS}"),
        ("2026-03-01 23:30 ../../etc/passwd", "holds no date"),
        ("2026-03-01 23:30 UTC".ljust(1_001), "holds no date"),
    ],
)
def test_a_time_that_is_not_understood_is_not_used_but_told(released, hand_in, written, why):
    hand_in(released, "eve", when=written, **RIGHT)
    outcome = grade_one(released, "eve")
    assert (outcome.status, outcome.notes) == (
        Status.GRADED,
        (f"timestamp.txt {why}: whether it came in time is not known",),
    )
    assert rows(released, "eve")[0] is None


def test_a_time_zone_that_there_is_not_is_named(released, hand_in):
    config = released / "nbgrader_config.py"
    config.write_text(f"{config.read_text()}\nc.Exchange.timezone = 'Atlantis'\n")
    hand_in(released, "eve", **RIGHT)
    with pytest.raises(CourseError, match="names no time zone: Atlantis"):
        grade_class(released)


def test_several_notebooks_that_may_be_meant_are_left_to_a_person(released, hand_in):
    folder = hand_in(released, "eve", **RIGHT)
    other = (folder / "doubling.ipynb").read_text().replace("2 * np", "2.0 * np")
    (folder / "doubling (1).ipynb").write_text(other)
    (folder / "doubling.ipynb").rename(folder / "doubling (2).ipynb")
    outcome = grade_one(released, "eve")
    assert outcome.status is Status.FAILED
    (line,) = outcome.notes
    assert line == "doubling.ipynb is missing: found doubling (1).ipynb, doubling (2).ipynb"


def test_a_copy_with_work_in_it_is_graded_in_place_of_the_untouched_release(released, hand_in):
    folder = hand_in(released, "eve", **RIGHT)
    (folder / "doubling.ipynb").rename(folder / "doubling (1).ipynb")
    release = released / "release" / DOUBLING / "doubling.ipynb"
    shutil.copy(release, folder)
    outcome = grade_one(released, "eve")
    assert outcome.status is Status.GRADED
    assert outcome.notes[0] == (
        "nothing is answered in doubling.ipynb; doubling (1).ipynb was graded in its place"
    )
    assert sum(scores(released, "eve").values()) == 4


def test_one_missing_notebook_of_two_earns_nothing_and_is_named(released, hand_in):
    (hand_in(released, "eve", "02_pair", **RIGHT) / "second.ipynb").unlink()
    outcome = grade_one(released, "eve", "02_pair")
    assert outcome.status is Status.GRADED
    assert outcome.notes == ("second.ipynb is missing and earns nothing",)
    assert scores(released, "eve", "02_pair")["second", "test_double"] == 0
    assert scores(released, "eve", "02_pair")["first", "test_double"] == 3


def test_a_folder_that_is_a_link_is_not_followed(released, hand_in):
    theirs = hand_in(released, "ada", **RIGHT)
    (released / "submitted" / "eve").mkdir()
    (released / "submitted" / "eve" / DOUBLING).symlink_to(theirs)
    outcome = grade_one(released, "eve")
    assert outcome.status is Status.FAILED
    assert outcome.notes == ("01_doubling is a link to another folder; it was not followed",)


def test_a_folder_that_nbgrader_would_take_for_a_pattern_is_named(released, hand_in):
    hand_in(released, "eve[1]")
    assert "rename it" in grade_one(released, "eve[1]").notes[0]


def test_a_file_in_place_of_the_folder_and_a_folder_of_no_assignment_are_named(released):
    (released / "submitted" / "eve" / "Homework").mkdir(parents=True)
    (released / "submitted" / "eve" / DOUBLING).write_text("see my mail")
    (released / "submitted" / "read me.txt").write_text("")
    outcomes = grade_class(released, jobs=1)
    assert [(o.assignment, o.status) for o in outcomes] == [
        (DOUBLING, Status.FAILED),
        ("Homework", Status.FAILED),
    ]
    assert outcomes[0].notes == ("01_doubling is a file; a folder is expected",)
    assert outcomes[1].notes == ("the course has no assignment of this name",)


def test_a_notebook_that_is_not_part_of_the_assignment_is_left_out_and_named(released, hand_in):
    (hand_in(released, "eve", **RIGHT) / "scratch.ipynb").write_text("{")
    outcome = grade_one(released, "eve")
    assert outcome.status is Status.GRADED
    assert outcome.notes == ("scratch.ipynb is not part of the assignment and was left out",)
    assert sum(scores(released, "eve").values()) == 4


def test_a_copied_cell_and_a_cell_of_another_notebook_cost_nothing(released, hand_in):
    path = hand_in(released, "eve", **RIGHT) / "doubling.ipynb"
    nb = read(path)
    solution = next(cell for cell in nb.cells if grade_id(cell) == "double")
    copy, stranger = deepcopy(solution), deepcopy(solution)
    copy["id"], stranger["id"] = "copy", "stranger"
    stranger.metadata.nbgrader.grade_id = "triple"
    nb.cells += [copy, stranger]
    nbformat.write(nb, path)
    assert grade_one(released, "eve").status is Status.GRADED
    assert sum(scores(released, "eve").values()) == 4


def test_a_resubmission_without_a_notebook_leaves_the_earlier_grades_and_files(graded, hand_in):
    before, old = rows(graded, "ada"), files(graded / "autograded" / "ada")
    folder = hand_in(graded, "ada", when="2026-10-09 18:00:00 UTC")
    (folder / "doubling.ipynb").unlink()
    outcome = grade_one(graded, "ada")
    assert outcome.status is Status.FAILED
    assert outcome.notes[-1] == "the earlier grades stay"
    assert rows(graded, "ada") == before
    assert files(graded / "autograded" / "ada") == old


def test_a_failure_in_the_middle_leaves_the_earlier_grades_and_files(graded, hand_in, monkeypatch):
    before, old = rows(graded, "bob"), files(graded / "autograded" / "bob")
    others = rows(graded, "ada")
    hand_in(graded, "bob", when="2026-10-09 18:00:00 UTC", **RIGHT)

    def fail(self, assignment, student):
        assert rows(graded, "bob") != before  # the new grades have been saved by now
        with gradebook(graded) as book:  # a person grades somebody else meanwhile
            book.find_grade("why_twice", "doubling", DOUBLING, "ada").manual_score = 2
            book.db.commit()
        raise OSError("No space left on device")

    monkeypatch.setattr(Autograde, "set_permissions", fail)
    outcome = grade_one(graded, "bob")
    assert outcome.status is Status.FAILED
    assert "No space left on device" in outcome.notes[0]
    assert rows(graded, "bob") == before
    assert files(graded / "autograded" / "bob") == old
    assert rows(graded, "ada") != others


@pytest.mark.parametrize("times", [2, 3])
def test_what_python_itself_has_failed_at_is_tried_again(released, hand_in, monkeypatch, times):
    hand_in(released, "eve", **RIGHT)
    left, permit = [1] * times, Autograde.set_permissions

    def fail(self, *of):
        if left and left.pop():
            raise SystemError("AST constructor recursion depth mismatch (before=120, after=69)")
        permit(self, *of)

    monkeypatch.setattr(Autograde, "set_permissions", fail)
    outcome = grade_one(released, "eve")
    assert outcome.status is (Status.GRADED if times == 2 else Status.FAILED)


def test_grades_and_comments_that_a_person_gave_survive_regrading(graded, hand_in):
    with gradebook(graded) as book:
        book.find_grade("test_double", "doubling", DOUBLING, "bob").manual_score = 2.5
        book.find_comment("double", "doubling", DOUBLING, "bob").manual_comment = "Nearly!"
        book.db.commit()
    hand_in(graded, "bob", when="2026-10-01 19:00:00 UTC", **RIGHT)
    assert grade_one(graded, "bob").status is Status.GRADED
    with gradebook(graded) as book:
        found = book.find_grade("test_double", "doubling", DOUBLING, "bob")
        assert (found.auto_score, found.manual_score, found.score) == (3, 2.5, 2.5)
        assert found.needs_manual_grade  # for the person to look at again
        comment = book.find_comment("double", "doubling", DOUBLING, "bob")
        assert comment.comment == "Nearly!"


def test_only_what_came_in_since_is_graded_again(graded, hand_in):
    def status(**options):
        return [outcome.status for outcome in grade_class(graded, student="cat", **options)]

    assert status() == [Status.UP_TO_DATE]
    hand_in(graded, "cat", **RIGHT)
    assert status() == [Status.GRADED]
    assert sum(scores(graded, "cat").values()) == 4
    assert status() == [Status.UP_TO_DATE]
    assert status(force=True) == [Status.GRADED]


def test_a_kernel_in_place_of_the_judge_grades_too_and_what_stops_it_is_named(released, hand_in):
    config = released / "nbgrader_config.py"
    execute = '"course.grading.plugins.ExecuteShort",'
    config.write_text(config.read_text().replace("    Judge,", f"    {execute}", 1))
    hand_in(released, "ada", **RIGHT)
    hand_in(released, "hal", double="import os\nos._exit(1)")
    assert grade_one(released, "ada").status is Status.GRADED
    assert sum(scores(released, "ada").values()) == 4
    assert not read_results(released).works["ada", DOUBLING].verdicts  # the judge's alone
    outcome = grade_one(released, "hal")
    assert outcome.status is Status.FAILED
    assert outcome.notes == ("its code ended Python itself, so it could not be run to its end",)


def test_a_machine_that_can_not_confine_students_code_grades_nothing(
    released, hand_in, monkeypatch
):
    hand_in(released, "ada", **RIGHT)
    lacking = [Protection("network", False, "no seccomp")]
    monkeypatch.setattr("course.judge.preprocessor.missing", lambda: lacking)
    with pytest.raises(CourseError, match=r"can't confine students' code \(network\)") as error:
        grade_class(released)
    assert "\n" not in str(error.value)
    assert not (released / "autograded").exists()
    config = released / "nbgrader_config.py"
    config.write_text(config.read_text() + "c.Judge.unprotected = True\n")
    assert grade_one(released, "ada").status is Status.GRADED  # in this process: the patch holds
    assert sum(scores(released, "ada").values()) == 4


def test_an_assignment_that_was_not_released_is_refused(course_root):
    (course_root / "submitted" / "ada" / DOUBLING).mkdir(parents=True)
    with pytest.raises(CourseError, match="not in the gradebook: run `course release` first"):
        grade_class(course_root)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"assignments": ["03_tripling"]}, "nobody handed in 03_tripling"),
        ({"student": "zoe"}, "nobody handed in anything by zoe"),
    ],
)
def test_what_nobody_handed_in_is_named(released, hand_in, options, words):
    hand_in(released, "ada")
    with pytest.raises(CourseError, match=words):
        grade_class(released, **options)


@pytest.mark.parametrize("name", ["notes.jsonl", "notes.json"])
@pytest.mark.parametrize("force", [False, True])
def test_damaged_notes_are_named_before_anything_is_graded(released, hand_in, name, force):
    hand_in(released, "ada")
    (released / "autograded").mkdir()
    (released / "autograded" / name).write_text('["ada"]')
    with pytest.raises(CourseError, match=rf"{name} is damaged: remove it"):
        grade_class(released, force=force)
    assert not (released / "autograded" / "ada").exists()


# --- a grading that is killed ---------------------------------------------------------------------

DIES_WHILE_IT_ENTERS = """
import os, signal, sys
from pathlib import Path
from course.grading.grade import grade_class
from course.grading.writer import Writer
from course.grading import writer

def dies(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)

if __name__ == "__main__":
    {place}
    grade_class(Path(sys.argv[1]), student="ada", jobs=1)
"""
PLACES = {
    "while it arrives": "writer._take = dies",
    "before the rows": "Writer._write = dies",
    "between rows and files": "Writer._put = dies",
    "in the middle of the files": "writer.shutil.move = dies",
    "before the note": "writer.add_notes = lambda course, notes: "
    "dies() if any(note.digest for note in notes) else None",
}
DIES_AFTER_THE_FIRST = """
import os, signal, sys
from pathlib import Path
from course.grading.grade import grade_class

if __name__ == "__main__":
    grade_class(Path(sys.argv[1]), jobs=1, on_done=lambda _: os.kill(os.getpid(), signal.SIGKILL))
"""


def killed(source, *arguments):
    done = subprocess.run([sys.executable, "-c", source, *arguments], check=False)
    assert done.returncode == -signal.SIGKILL


@pytest.mark.one_in(2)
@pytest.mark.parametrize(
    ("place", "why"), list(zip(PLACES, ["So.", "Otherwise."] * 2 + ["So."], strict=True))
)
def test_what_a_kill_caught_in_the_middle_is_what_it_would_have_been(
    released, hand_in, tmp_path, place, why
):
    hand_in(released, "ada", **RIGHT, why_twice="So.")
    grade_one(released, "ada")
    with gradebook(released) as book:
        grade = book.find_grade("why_twice", "doubling", DOUBLING, "ada")
        grade.manual_score, grade.needs_manual_grade = 2, False
        book.db.commit()
    hand_in(released, "ada", double=RIGHT["double"], why_twice=why)
    undisturbed = tmp_path / "undisturbed"
    shutil.copytree(released, undisturbed)
    grade_one(undisturbed, "ada")
    killed(DIES_WHILE_IT_ENTERS.replace("{place}", PLACES[place]), released)
    stations = Path((released / "autograded" / ROOM).read_text())
    assert stations.is_dir()
    (outcome,) = grade_class(released)
    assert outcome.status is Status.GRADED
    assert rows(released, "ada") == rows(undisturbed, "ada")
    there, wanted = (set(files(root / "autograded")) for root in (released, undisturbed))
    assert there == wanted
    assert not stations.exists()
    assert read_results(released).works["ada", DOUBLING].graded


def test_what_a_dying_process_writes_into_a_room_that_is_gone_is_removed_too(
    released, tmp_path, monkeypatch
):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    note, left = released / "autograded" / ROOM, tmp_path / "stations-left"
    other = tmp_path / "another"
    other.mkdir()
    left.mkdir()
    note.parent.mkdir()
    note.write_text(f"{left}\n{other}")
    course = open_course(released)
    with monkeypatch.context() as busy:
        busy.setattr("course.grading.station.shutil.rmtree", lambda *_, **__: None)
        with room(course):
            assert note.read_text().splitlines()[0] == str(left)
    assert note.read_text() == str(left)
    with room(course):
        assert not left.exists()
    assert not note.exists()
    assert other.is_dir()  # it was never a room


def test_what_was_graded_before_a_kill_stays_graded(released, hand_in):
    for name in ("ada", "bob"):
        hand_in(released, name, **RIGHT)
    killed(DIES_AFTER_THE_FIRST, released)
    assert read_notes(open_course(released))["ada", DOUBLING].status is Status.GRADED
    ada, bob = grade_class(released)
    assert ada.status is Status.UP_TO_DATE
    assert bob.status in (Status.GRADED, Status.UP_TO_DATE)  # its process may have ended its work
    assert sum(scores(released, "ada").values()) == sum(scores(released, "bob").values()) == 4


# --- what is told of a run -----------------------------------------------------------------------


def test_a_run_tells_how_long_each_took_and_its_log_of_whom_it_speaks(released, hand_in):
    for name in ("ada", "bob"):
        hand_in(released, name, **RIGHT)
    counts = []
    first = grade_class(released, on_start=counts.append)
    assert counts == [{DOUBLING: 2}]
    assert all(0 < one.seconds < 600 for one in first)
    assert "seconds" not in (released / "autograded" / "notes.jsonl").read_text()
    log = (released / grade.LOG).read_text()
    assert set(re.findall(r"INFO (\w+), 01_doubling: Autograding", log)) == {"ada", "bob"}
    assert all(one.seconds == 0 for one in grade_class(released))
    assert (released / "grading.1.log").read_text() == log
    assert "Autograding" not in (released / grade.LOG).read_text()


# --- how often the notes are read -----------------------------------------------------------------


def test_the_notes_are_read_once_however_many_submissions_there_are(graded, monkeypatch):
    read = []
    monkeypatch.setattr(grade, "read_notes", lambda course: read.append(1) or read_notes(course))
    assert len({outcome.status for outcome in grade_class(graded)}) == 2
    assert len(read) == 1


def test_a_process_that_grades_reads_no_notes(released, hand_in):
    hand_in(released, "ada")
    (released / "autograded").mkdir()
    (released / "autograded" / "notes.jsonl").write_text("these would be found to be damaged")
    assert grade_one(released, "ada").status is Status.GRADED


# --- processes ------------------------------------------------------------------------------------


def test_a_process_that_dies_takes_no_other_task_along(tmp_path):
    tasks = [("1 + 1",), ("__import__('os')._exit(1)",), ("2 + 2",), ("3 + 3",)]
    found = dict(run_each(eval, tasks, jobs=2, log=tmp_path / "log"))
    assert found == {tasks[0]: 2, tasks[1]: None, tasks[2]: 4, tasks[3]: 6}


def test_what_processes_print_goes_to_the_log(tmp_path, capfd):
    shout = "__import__('os').system('echo from a child') or print('from Python')"
    list(run_each(eval, [(shout,)], jobs=1, log=tmp_path / "log"))
    assert capfd.readouterr() == ("", "")
    assert "from a child" in (tmp_path / "log").read_text()
    assert "from Python" in (tmp_path / "log").read_text()


def test_scratch_copies_do_not_stay(graded):
    assert not list((graded / "autograded").rglob(".before-*"))
    assert [path.name for path in (graded / "autograded" / "ada").iterdir()] == [DOUBLING]


# --- one hand-in ends no class --------------------------------------------------------------------


def test_a_file_whose_name_can_not_be_shown_is_told_all_the_same(released, hand_in):
    folder = hand_in(released, "eve", **RIGHT)
    for name in (os.fsdecode(b"M\xfcller.ipynb"), "two\nlines.ipynb", "\x1b[2J.ipynb"):
        (folder / name).write_text("{}")
    outcome = grade_one(released, "eve")
    assert outcome.status is Status.GRADED
    left_out = "is not part of the assignment and was left out"
    assert outcome.notes == (
        f"\\x1b[2J.ipynb {left_out}",
        f"two\\nlines.ipynb {left_out}",
        "M\\xfcller.ipynb has a name that is not UTF-8 and was left out",
    )
    assert sum(scores(released, "eve").values()) == 4


def test_folders_nested_without_end_are_left_out(released, hand_in):
    deep = hand_in(released, "eve", **RIGHT).joinpath(*"d" * 100)
    deep.mkdir(parents=True)
    outcome = grade_one(released, "eve")
    assert (outcome.status, outcome.notes) == (
        Status.GRADED,
        ("d is nested more than 32 folders deep and was left out",),
    )
    assert sum(scores(released, "eve").values()) == 4


def test_what_fails_on_the_way_to_the_gradebook_costs_that_hand_in_alone(
    released, hand_in, monkeypatch
):
    def fails(*_):
        raise RuntimeError("the disk is on fire")

    hand_in(released, "ada", **RIGHT)
    monkeypatch.setattr(one_student, "_outcome", fails)
    outcome = grade_one(released, "ada")
    assert (outcome.status, outcome.notes) == (
        Status.FAILED,
        ("RuntimeError: the disk is on fire; run `course grade` again",),
    )
    monkeypatch.undo()
    assert grade_one(released, "ada").status is Status.GRADED


def test_a_gradebook_that_can_not_be_written_to_is_told_before_anything_is_judged(
    released, hand_in, monkeypatch
):
    hand_in(released, "ada", **RIGHT)
    config = released / "nbgrader_config.py"
    url = f"sqlite:///file:{released}/gradebook.db?mode=ro&uri=true"
    config.write_text(f"{config.read_text()}\nc.CourseDirectory.db_url = {url!r}\n")
    monkeypatch.setattr(grade, "run_each", None)
    with pytest.raises(
        CourseError, match=r"gradebook\.db can't be used: attempt to write a readonly"
    ):
        grade_class(released)
    with sqlite3.connect(released / "gradebook.db") as other:
        other.execute("BEGIN IMMEDIATE")
        locked = f"sqlite:///{released}/gradebook.db?timeout=0.1"
        config.write_text(f"{config.read_text()}\nc.CourseDirectory.db_url = {locked!r}\n")
        with pytest.raises(CourseError, match="can't be used: database is locked"):
            grade_class(released)


# --- what decides a grade -------------------------------------------------------------------------


def edit(path, old, new):
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def change_source(root):
    edit(root / "source" / DOUBLING / "doubling.ipynb", "# Doubling", "# Doubling things")


def change_specification(root):
    (root / "source" / DOUBLING / "specifications").mkdir()
    (root / "source" / DOUBLING / "specifications" / "doubling.py").write_text("# one day\n")


def change_bank(root):
    (root / "source" / DOUBLING / "bank").mkdir()
    (root / "source" / DOUBLING / "bank" / "doubling.toml").write_text("# one day\n")


def change_solution(root):
    edit(root / "source" / DOUBLING / "doubling.ipynb", "np.asarray(x) * 2", "2 * np.asarray(x)")


def change_set_up(root):
    edit(root / "source" / DOUBLING / "doubling.ipynb", "import numpy as np", "import numpy as np ")


def then_release(change):
    return lambda root: [change(root), make_release(root, [DOUBLING])]


def change_configuration(root):
    with (root / "nbgrader_config.py").open("a") as file:
        file.write("\nc.Judge.cell_seconds = 59\n")


def change_due_date(root):
    with gradebook(root) as book:
        book.update_or_create_assignment(DOUBLING, duedate="2026-10-02 18:00 UTC")


@pytest.mark.one_in(2)
@pytest.mark.parametrize(
    ("change", "what"),
    [
        (then_release(change_source), "its folder in source/"),
        (then_release(change_specification), "its folder in source/"),
        (change_configuration, "nbgrader_config.py"),
        (change_due_date, "its due date"),
        (lambda root: (root / "submitted/ada" / DOUBLING / "more.txt").write_text("more"),
         "what was handed in"),
    ],
)  # fmt: skip
def test_what_decides_a_grade_has_it_graded_again_and_is_named(released, hand_in, change, what):
    hand_in(released, "ada", when="2026-10-02 19:00 UTC", **RIGHT)
    hand_in(released, "ada", "02_pair", **RIGHT)
    first = grade_class(released)
    assert {(one.status, one.because) for one in first} == {(Status.GRADED, ())}
    assert {one.status for one in grade_class(released)} == {Status.UP_TO_DATE}
    change(released)
    again, other = grade_class(released)
    assert (again.status, again.because) == (Status.GRADED, (what,))
    if what != "nbgrader_config.py":
        assert other.status is Status.UP_TO_DATE
    assert {one.status for one in grade_class(released)} == {Status.UP_TO_DATE}


@pytest.mark.parametrize("module", ["own_policy.py", "own_package/__init__.py"])
def test_a_module_that_the_configuration_imports_decides_and_no_other(released, module):
    (released / "own_policy.py").write_text("from own_package import half\n")
    (released / "own_package").mkdir()
    (released / "own_package" / "__init__.py").write_text("half = 0.5\n")
    (released / "not_imported.py").write_text("")
    with (released / "nbgrader_config.py").open("a") as file:
        file.write("\nimport own_policy\n")
    course = open_course(released)
    before = fingerprint.fingerprint(released / "submitted", deciding(course, DOUBLING))
    for name, causes in (("not_imported.py", []), (module, [module])):
        with (released / name).open("a") as file:
            file.write("# changed\n")
        now = fingerprint.fingerprint(released / "submitted", deciding(course, DOUBLING))
        assert fingerprint.changes(before, now) == causes


@pytest.mark.parametrize("package", ["numpy", "nbgrader", "Python"])
def test_another_version_of_a_package_has_all_graded_again_and_is_named(
    released, hand_in, package, monkeypatch
):
    hand_in(released, "ada", **RIGHT)
    grade_class(released)
    if package == "Python":
        monkeypatch.setattr("platform.python_version", lambda: "0.1")
    else:
        monkeypatch.setattr(
            fingerprint, "version", lambda name: "0.1" if name == package else version(name)
        )
    (again,) = grade_class(released)
    assert (again.status, again.because) == (Status.GRADED, (f"the version of {package}",))


def test_the_course_s_own_code_decides(released, hand_in, monkeypatch):
    hand_in(released, "ada", **RIGHT)
    grade_class(released)
    monkeypatch.setattr(fingerprint, "code_digest", lambda: "another")
    (again,) = grade_class(released)
    assert (again.status, again.because) == (Status.GRADED, ("the course's own code",))


def test_a_due_date_that_is_moved_takes_the_penalty_back(released, hand_in):
    config = released / "nbgrader_config.py"
    plugin = (
        "from nbgrader.plugins import BasePlugin\n"
        "class Half(BasePlugin):\n"
        "    def late_submission_penalty(self, student, score, late):\n"
        "        return score / 2\n"
        "c.AssignLatePenalties.plugin_class = Half\n"
    )
    config.write_text(f"{config.read_text()}\n{plugin}")
    change_due_date(released)
    hand_in(released, "ada", when="2026-10-02 19:00 UTC", **RIGHT)
    grade_class(released)
    assert read_results(released).works["ada", DOUBLING].penalty == 2
    with gradebook(released) as book:
        book.update_or_create_assignment(DOUBLING, duedate="2026-10-02 20:00 UTC")
    grade_class(released)
    assert read_results(released).works["ada", DOUBLING].penalty == 0


def test_a_source_that_was_not_released_grades_nobody(released, hand_in):
    hand_in(released, "ada", **RIGHT)
    notebook = released / "source" / DOUBLING / "doubling.ipynb"
    original = notebook.read_text()
    edit(notebook, '"points": 3', '"points": 4')
    with pytest.raises(CourseError, match=r"has changed since it was released \(test_double\)"):
        grade_class(released)
    notebook.write_text(original.replace("is four times as much", "is four times as large"))
    with pytest.raises(CourseError, match=r"\(test_quadruple\): run `course release 01_doubling`"):
        grade_class(released)
    notebook.write_text(original)
    assert [one.status for one in grade_class(released)] == [Status.GRADED]


@pytest.mark.parametrize("graded_before", [False, True])
@pytest.mark.parametrize(
    ("change", "what"),
    [
        (change_source, "its folder in source/"),
        (change_specification, "its folder in source/"),
        (change_bank, "its folder in source/"),
        (change_solution, "its folder in source/"),
        (change_set_up, "imports"),
    ],
)
def test_nothing_in_source_that_was_not_released_grades_anybody(
    released, hand_in, change, what, graded_before
):
    hand_in(released, "ada", **RIGHT)
    if graded_before:
        grade_class(released)
    change(released)
    words = f"01_doubling has changed since it was released ({what}): run `course release 01_doub"
    with pytest.raises(CourseError, match=re.escape(words)):
        grade_class(released)
    assert not doubts(released, ["02_pair"])


def test_a_picture_or_what_a_system_leaves_there_stops_nobody(released, hand_in):
    hand_in(released, "ada", **RIGHT)
    (released / "source" / DOUBLING / "figures" / "doubling.png").write_bytes(b"another picture")
    (released / "source" / DOUBLING / ".DS_Store").write_bytes(b"")
    assert [one.status for one in grade_class(released)] == [Status.GRADED]


def test_where_no_release_is_known_the_gradebook_decides_and_that_is_said(
    released, hand_in, monkeypatch
):
    hand_in(released, "ada", **RIGHT)
    (released / RECORD).unlink()
    change_set_up(released)
    with pytest.raises(CourseError, match=r"\(imports\)"):
        grade_class(released)
    edit(released / "source" / DOUBLING / "doubling.ipynb", "numpy as np ", "numpy as np")
    change_specification(released)
    monkeypatch.chdir(released)
    said = CliRunner().invoke(app, ["grade"]).output
    assert "1 graded" in said
    assert "01_doubling was not released by `course release` here" in said


def test_a_trial_tries_what_was_not_released_and_says_so(released, hand_in, monkeypatch):
    hand_in(released, "ada", **RIGHT)
    monkeypatch.chdir(released)
    assert "released" not in CliRunner().invoke(app, ["grade"]).output
    change_specification(released)
    said = CliRunner().invoke(app, ["grade", "--what-if"]).output
    assert "1 graded, on trial" in said
    assert "01_doubling has changed since it was released (its folder in source/)" in said


def test_what_is_older_than_the_release_is_known(released, hand_in):
    hand_in(released, "ada", **RIGHT)
    hand_in(released, "ada", "02_pair", **RIGHT)
    grade_class(released)
    assert {work.changed for work in read_results(released).works.values()} == {()}
    change_solution(released)
    make_release(released, [DOUBLING])
    hand_in(released, "ada", "02_pair")
    with gradebook(released) as book:
        book.grant_extension("02_pair", "ada", days=2)
    works = read_results(released).works
    assert works["ada", DOUBLING].changed == ("its folder in source/",)
    assert works["ada", "02_pair"].changed == ("what was handed in", "an extension")
    shutil.rmtree(released / "submitted" / "ada" / "02_pair")
    assert read_results(released).works["ada", "02_pair"].changed == ("an extension",)
    grade_class(released)
    assert read_results(released).works["ada", DOUBLING].changed == ()


def test_an_extension_decides_too(released, hand_in):
    hand_in(released, "ada", **RIGHT)
    hand_in(released, "bob", **RIGHT)
    grade_class(released)
    with gradebook(released) as book:
        book.grant_extension(DOUBLING, "ada", days=2)
    ada, bob = grade_class(released)
    assert (ada.status, ada.because) == (Status.GRADED, ("an extension",))
    assert bob.status is Status.UP_TO_DATE


def mark(root, points):
    with gradebook(root) as book:
        grade = book.find_grade("why_twice", "doubling", DOUBLING, "ada")
        grade.manual_score, grade.needs_manual_grade = points, False
        book.db.commit()


@pytest.mark.parametrize("changed", [False, True])
def test_an_answer_that_was_read_is_on_the_pile_again_only_if_it_has_changed(
    released, hand_in, changed
):
    hand_in(released, "ada", why_twice="It is counted twice.", **RIGHT)
    grade_class(released)
    assert len(read_results(released).works["ada", DOUBLING].waiting) == 1
    mark(released, 2)
    if changed:
        hand_in(released, "ada", why_twice="It is counted once.", **RIGHT)
    assert [one.status for one in grade_class(released, force=True)] == [Status.GRADED]
    work = read_results(released).works["ada", DOUBLING]
    assert (len(work.waiting), work.score) == (int(changed), 6)
    told = ("`why_twice` has changed since it was marked, and is to be read again",)
    assert work.notes == (told if changed else ())
    grade_class(released, force=True)  # nobody has read it meanwhile
    assert read_results(released).works["ada", DOUBLING].notes == (told if changed else ())
    mark(released, 1)
    grade_class(released, force=True)
    assert read_results(released).works["ada", DOUBLING].notes == ()


# --- on trial -------------------------------------------------------------------------------------


def test_a_trial_says_whose_points_would_change_and_writes_nothing(released, hand_in):
    hand_in(released, "ada", **RIGHT)
    hand_in(released, "bob")
    grade_class(released)
    hand_in(released, "bob", **RIGHT)
    before, files = read_results(released), whole(released)
    with trial(released) as place:
        found = grade_class(place)
        changes = changes_between(before, read_results(place))
    assert [(one.student, one.status) for one in found] == [
        ("ada", Status.UP_TO_DATE),
        ("bob", Status.GRADED),
    ]
    assert changes == [Change("bob", DOUBLING, 0, 4)]
    assert whole(released) == files


def whole(root):
    return {path: path.read_bytes() for path in root.rglob("*") if path.is_file()}
