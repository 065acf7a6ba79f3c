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
from course.grading.grade import grade_class
from course.judge.preprocessor import warm_server
from course.judge.sandbox import missing
from course.notebooks.cells import read

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


def test_course_check_takes_the_file_that_lies_beside_the_notebook(course: Path) -> None:
    for student, box, score in (("ada", save(7), 3), ("bob", save(8), 0), ("cat", None, 0)):
        folder = put(course, student, box)
        verdict = check_notebook(course, folder / "doubling.ipynb", warm_server())
        assert verdict["double"].score == score
        json.dumps(verdict.to_json())
