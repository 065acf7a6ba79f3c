"""How far a reader has come, and the file they hand in."""

import shutil
import zipfile

import nbformat
import pytest
from nbformat.v4 import new_output
from typer.testing import CliRunner

from course.cli import app
from course.grading.grade import grade_class
from course.grading.results import read_results
from course.layout import CourseError
from course.notebooks.cells import grade_id, read
from course.progress import LARGEST, all_progress, pack, read_progress
from course.workspace import FOLDER, make_workspace
from helpers.standing import State

DOUBLING = "01_doubling"
RIGHT = "def double(x):\n    return np.asarray(x) * 2"


@pytest.fixture
def root(released):
    make_workspace(released)
    return released


def change(root, change_cell, name=f"{DOUBLING}/doubling.ipynb"):
    path = root / FOLDER / name
    nb = read(path)
    for cell in nb.cells:
        change_cell(grade_id(cell), cell)
    path.write_text(nbformat.writes(nb))
    return path


def solved(points):
    """Return a change that solves `double`, runs its test, and leaves the rest."""

    def change_cell(key, cell):
        if key == "double":
            cell.source = RIGHT
        if key == "test_double" and points is not None:
            data = {"text/plain": str(points)}
            cell.outputs = [new_output("execute_result", data, execution_count=1)]

    return change_cell


def states(progress):
    return {one.title: one.state for one in progress.exercises}


def test_a_new_copy_has_everything_to_be_done(root):
    (one, *others) = all_progress(root)
    assert set(states(one)) == {"double", "quadruple", "why_twice"}
    assert set(states(one).values()) == {State.OPEN}
    assert (one.done, one.next.title) == (0, "double")
    assert [other.path.name for other in others] == ["first.ipynb", "second.ipynb"]


@pytest.mark.parametrize(
    ("points", "state"),
    [(3, State.DONE), (1, State.WRONG), (None, State.UNTRIED), ("nonsense", State.UNTRIED)],
)
def test_what_counts_is_what_the_test_showed_last(root, points, state):
    progress = read_progress(change(root, solved(points)))
    assert states(progress)["double"] is state
    assert states(progress)["quadruple"] is State.OPEN


def test_an_answer_in_words_is_done_when_it_is_there(root):
    def answer(key, cell):
        if key == "why_twice":
            cell.source = "Because."

    assert states(read_progress(change(root, answer)))["why_twice"] is State.DONE


@pytest.mark.parametrize("damage", ["", "{", "[]", '{"cells": 3}'])
def test_a_damaged_notebook_is_named(root, damage):
    path = root / FOLDER / DOUBLING / "doubling.ipynb"
    path.write_text(damage)
    progress = read_progress(path)
    assert "doubling.ipynb" in progress.problem
    assert progress.done == 0


def test_what_is_packed_can_be_graded(root):
    change(root, solved(3))
    packed = pack(root, DOUBLING)
    assert (packed.missing, [one.done for one in packed.progress]) == ((), [1])
    with zipfile.ZipFile(packed.path) as archive:
        assert archive.namelist() == [f"{DOUBLING}/doubling.ipynb"]
    to = root / "submitted" / "ada" / DOUBLING
    to.mkdir(parents=True)
    shutil.copy(packed.path, to)
    grade_class(root, [DOUBLING], jobs=1)
    assert read_results(root, [DOUBLING]).works["ada", DOUBLING].score == 3


def test_a_receipt_is_of_that_file_and_no_other(root):
    change(root, solved(3))
    first = pack(root, DOUBLING)
    assert pack(root, DOUBLING).digest == first.digest
    change(root, solved(1))
    assert pack(root, DOUBLING).digest != first.digest


def test_what_is_not_there_is_named(root):
    (root / FOLDER / "02_pair" / "second.ipynb").unlink()
    assert pack(root, "02_pair").missing == ("second.ipynb",)


def test_what_cannot_be_packed_costs_one_line(root, monkeypatch):
    with pytest.raises(CourseError, match="there is no chapter 03"):
        pack(root, "03")
    monkeypatch.setattr("course.progress.LARGEST", 10)
    with pytest.raises(CourseError, match="is larger than"):
        pack(root, DOUBLING)
    shutil.rmtree(root / FOLDER / DOUBLING)
    with pytest.raises(CourseError, match="has no notebook"):
        pack(root, DOUBLING)
    assert LARGEST > 10**7


def test_commands(root, monkeypatch):
    monkeypatch.chdir(root)
    change(root, solved(3))
    told = CliRunner().invoke(app, ["progress"])
    assert told.exit_code == 0
    assert "01_doubling/doubling.ipynb: 1 of 3 exercises, next quadruple\n" in told.output
    told = CliRunner().invoke(app, ["hand-in", f"{FOLDER}/{DOUBLING}/"])
    assert told.exit_code == 0
    assert "  not attempted: quadruple; why_twice\n" in told.output
    assert f"Hand in this file: {FOLDER}/{DOUBLING}.zip\n" in told.output
    assert pack(root, DOUBLING).digest in told.output


@pytest.mark.parametrize("name", [DOUBLING, "1", "01", "doubling", "Doubling"])
def test_a_chapter_goes_by_its_number_too(root, name):
    assert pack(root, name).path.name == f"{DOUBLING}.zip"


@pytest.mark.parametrize("name", ["9", "double", "", "1_doubling"])
def test_a_chapter_that_is_not_there_is_an_error(root, name):
    with pytest.raises(CourseError, match=rf"no chapter {name}; there are: {DOUBLING}, "):
        pack(root, name)
