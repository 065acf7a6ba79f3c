"""What is handed in beside a notebook, on its way through a class and through `course check`.

A tiny course: an exercise that is right if the array in box.npz holds a 7.
"""

import json
import os
from collections.abc import Callable
from pathlib import Path

import nbformat
import numpy as np
import pytest
from nbgrader.api import Gradebook

from course.authoring.release import make_release
from course.grading.check import check_notebook
from course.grading.fingerprint import fingerprint
from course.grading.grade import grade_class
from course.grading.notes import Status
from course.grading.one_student import grade_submission
from course.judge.preprocessor import warm_server
from course.judge.sandbox import missing
from course.notebooks.cells import read
from course.repair import folder

pytestmark = pytest.mark.skipif(bool(missing()), reason="this machine can't confine code")

ASSIGNMENT = """\
order = 1
title = "A box"

[[part]]
notebook = "doubling"
hand_in = ["box.npz"]
"""

TEST = """\
q = Question("Double", points=3, see="1 Doubling")
with q.check("gives the known values"):
    assert_close(double([1, 2]), [2, 4], mistakes={"it is the square": [1, 4]})
### BEGIN HIDDEN TESTS
with q.check("is right anywhere", points=2, essential=True):
    from helpers.handed_in import read_arrays

    assert_close(double(read_arrays("box.npz")["box"]), 14)
### END HIDDEN TESTS
q.score()"""


@pytest.fixture
def course(course_root: Path) -> Path:
    """A released course, in whose source folder the staff's own box lies."""
    folder = course_root / "source" / "01_doubling"
    (folder / "assignment.toml").write_text(ASSIGNMENT)
    nb = read(folder / "doubling.ipynb")
    for cell in nb.cells:
        if cell.metadata.get("nbgrader", {}).get("grade_id") == "test_double":
            cell.source = TEST
    nbformat.write(nb, folder / "doubling.ipynb")
    np.savez(folder / "box.npz", box=7)
    make_release(course_root)
    return course_root


def put(course: Path, student: str, box: Callable[[Path], object] | None) -> Path:
    """Hand in a right answer with what `box` writes beside it."""
    folder = course / "submitted" / student / "01_doubling"
    folder.mkdir(parents=True)
    nb = read(course / "release" / "01_doubling" / "doubling.ipynb")
    for cell in nb.cells:
        if cell.metadata.get("nbgrader", {}).get("grade_id") == "double":
            cell.source = "def double(x):\n    return np.asarray(x) * 2"
    nbformat.write(nb, folder / "doubling.ipynb")
    if box:
        box(folder / "box.npz")
    return folder


def save(number: float) -> Callable[[Path], object]:
    return lambda path: np.savez(path, box=number)


def giant(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(10 << 30)  # takes no room on the disk until it is copied


def test_each_file_costs_its_own_student_alone(course: Path, tmp_path: Path) -> None:
    (course / "secret.npz").write_bytes((course / "source/01_doubling/box.npz").read_bytes())
    put(course, "ada", save(7))
    put(course, "bob", save(8))
    put(course, "cat", None)
    put(course, "dan", lambda path: path.symlink_to(course / "secret.npz"))
    put(course, "eve", giant)
    put(course, "fay", lambda path: path.mkdir())
    put(course, "gus", lambda path: np.savez(path, box=np.array([{}], dtype=object)))
    put(course, "hal", lambda path: os.mkfifo(path))
    outcomes = {one.student: one for one in grade_class(course, jobs=1)}
    with Gradebook(f"sqlite:///{course / 'gradebook.db'}") as book:
        found = {
            student: next(
                grade.auto_score
                for grade in book.find_submission_notebook(
                    "doubling", "01_doubling", student
                ).grades
                if grade.name == "test_double"
            )
            for student in outcomes
        }
    assert found == {
        "ada": 3,
        **dict.fromkeys(["bob", "cat", "dan", "eve", "fay", "gus", "hal"], 0),
    }
    notes = {student: " ".join(one.notes) for student, one in outcomes.items()}
    assert "box.npz is a link to another file; it was not followed" in notes["dan"]
    assert "box.npz is larger than 100 MiB and was left out" in notes["eve"]
    graded = {student: course / "autograded" / student / "01_doubling" for student in outcomes}
    messages = {
        student: (folder / "doubling.ipynb").read_text() for student, folder in graded.items()
    }
    assert "box.npz is missing" in messages["cat"]
    assert "box.npz is no ordinary file" in messages["fay"]
    assert "not of plain numbers" in messages["gus"]
    there = {student for student, folder in graded.items() if (folder / "box.npz").is_file()}
    assert there == {"ada", "bob", "gus"}
    with np.load(graded["bob"] / "box.npz") as file:
        assert file["box"] == 8  # the student's, not the staff's
    assert not (course / "release" / "01_doubling" / "box.npz").exists()


def copied(course: Path, student: str) -> set[str]:
    """Return what there is in a graded folder beside the notebook."""
    graded = course / "autograded" / student / "01_doubling"
    return {str(path.relative_to(graded)) for path in graded.rglob("*")} - {"doubling.ipynb"}


def test_of_more_than_a_thousand_files_and_folders_the_nearest_are_kept(tmp_path: Path) -> None:
    for name in ("doubling.ipynb", "box.npz"):
        (tmp_path / name).touch()
    for number in range(12):
        (tmp_path / f"{number:02}").mkdir()
        for each in range(100):
            (tmp_path / f"{number:02}" / f"{each:02}").touch()
    over = folder.beyond(tmp_path)
    assert len(over) == len(list(tmp_path.rglob("*"))) - 1_000
    assert over[0] == tmp_path / "09" / "86"
    assert {path.parent.name for path in over} == {"09", "10", "11"}


def test_of_many_files_the_nearest_are_copied(
    course: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folder, "MOST_FILES", 5)
    handed_in = put(course, "ada", save(7))
    (handed_in / "below").mkdir()
    for name in "abcd":
        (handed_in / "below" / name).touch()
    outcome = grade_submission(course, "ada", "01_doubling")
    assert outcome.status is Status.GRADED
    assert copied(course, "ada") == {"box.npz", "below", "below/a", "below/b"}
    left_out = "it has more than 5 files and folders, or 500 MiB: below/c, below/d left out"
    assert outcome.notes == (left_out,)


def test_of_more_than_500_mib_what_fits_is_copied(
    course: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert folder.MOST_BYTES == 500 << 20
    monkeypatch.setattr(folder, "MOST_BYTES", 100_000)
    handed_in = put(course, "ada", save(7))
    for name in "abcd":
        with (handed_in / f"{name}.bin").open("wb") as file:
            file.truncate(40_000)
    with (handed_in / "giant").open("wb") as file:
        file.truncate(101 << 20)  # left out for itself: it takes no room from the others
    outcome = grade_submission(course, "ada", "01_doubling")
    assert outcome.status is Status.GRADED
    assert copied(course, "ada") == {"a.bin", "b.bin", "box.npz"}
    assert outcome.notes == (
        "it has more than 1,000 files and folders, or 0 MiB: c.bin, d.bin left out",
        "giant is larger than 100 MiB and was left out",
    )


def test_of_fifty_large_files_few_are_copied_and_read(course: Path) -> None:
    handed_in = put(course, "ada", save(7))
    for number in range(50):
        with (handed_in / f"{number:02}.bin").open("wb") as file:
            file.truncate(99 << 20)
    assert len(folder.beyond(handed_in)) == 45
    before = fingerprint(handed_in, {})
    (handed_in / "49.bin").write_bytes(b"")
    assert fingerprint(handed_in, {}) != before


def test_of_many_notes_the_first_are_told() -> None:
    assert folder._first(["a"] * 20) == ["a"] * 20
    assert folder._first(["a"] * 50) == [*["a"] * 20, "and 30 notes like these"]


def test_course_check_takes_the_file_that_lies_beside_the_notebook(course: Path) -> None:
    for student, box, score in (("ada", save(7), 3), ("bob", save(8), 0), ("cat", None, 0)):
        folder = put(course, student, box)
        verdict = check_notebook(course, folder / "doubling.ipynb", warm_server())
        assert verdict["double"].score == score
        json.dumps(verdict.to_json())
