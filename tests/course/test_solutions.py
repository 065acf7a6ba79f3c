"""The course's own answer is shown to whoever has tried an exercise."""

from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_output
from typer.testing import CliRunner

from course.cli import app
from course.layout import CourseError
from course.notebooks.assignment import read_assignments
from course.notebooks.cells import grade_id, is_solution, read
from course.solutions import find_solution
from course.workspace import FOLDER, make_workspace

DOUBLING = "01_doubling"
ROOT = Path(__file__).parents[2]


@pytest.fixture
def root(released):
    make_workspace(released)
    return released


def try_it(root, points):
    """Answer `double`, and show these points below its test; None for a test that has not run."""
    path = root / FOLDER / DOUBLING / "doubling.ipynb"
    nb = read(path)
    for cell in nb.cells:
        if grade_id(cell) == "double":
            cell.source = "def double(x):\n    return x"
        if grade_id(cell) == "test_double" and points is not None:
            data = {"text/plain": str(points)}
            cell.outputs = [new_output("execute_result", data, execution_count=1)]
    path.write_text(nbformat.writes(nb))


def test_first_it_must_be_tried(root):
    with pytest.raises(CourseError, match="try it first"):
        find_solution(root, DOUBLING, "double")
    try_it(root, None)
    with pytest.raises(CourseError, match="run its test first"):
        find_solution(root, DOUBLING, "double")
    try_it(root, 1)
    assert "return " in find_solution(root, DOUBLING, "double").text


def test_who_is_stuck_gets_it_anyway(root):
    found = find_solution(root, DOUBLING, "double", anyway=True)
    assert (found.title, found.in_words) == ("double", False)
    assert "def double" in found.text
    assert "SOLUTION" not in found.text
    assert find_solution(root, DOUBLING, "why_twice", anyway=True).in_words


def test_without_a_notebook_of_ones_own_nothing_was_tried(released):
    with pytest.raises(CourseError, match="try it first"):
        find_solution(released, DOUBLING, "double")


@pytest.mark.parametrize(
    ("chapter", "exercise", "says"),
    [
        (DOUBLING, "1.99", "has no exercise 1.99; there are: double, quadruple"),
        ("09_none", "double", "there is no chapter 09_none; there are: 01_doubling"),
    ],
)
def test_what_there_is_not_is_said(root, chapter, exercise, says):
    with pytest.raises(CourseError, match=says):
        find_solution(root, chapter, exercise)


def test_a_class_can_do_without(root):
    config = root / "nbgrader_config.py"
    config.write_text(f"{config.read_text()}\nc.Solutions.shown = False\n")
    with pytest.raises(CourseError, match="doesn't show its solutions"):
        find_solution(root, DOUBLING, "double", anyway=True)


def test_a_copy_without_source_has_none(root):
    (root / "source").rename(root / "elsewhere")
    with pytest.raises(CourseError, match="this copy has no solutions"):
        find_solution(root, DOUBLING, "double", anyway=True)


def test_every_exercise_of_the_course_has_one_under_its_number():
    for assignment in read_assignments(ROOT / "source"):
        for part in assignment.parts:
            nb = read(ROOT / "source" / assignment.name / f"{part.notebook}.ipynb")
            for cell in filter(is_solution, nb.cells):
                found = find_solution(ROOT, assignment.name, grade_id(cell), anyway=True)
                assert found.text
                assert "===" not in found.text
                number = found.title.partition(":")[0]
                again = find_solution(ROOT, assignment.name, number, anyway=True)
                assert again.title == found.title


def test_the_command_prints_it(root, monkeypatch):
    monkeypatch.chdir(root)
    shown = CliRunner().invoke(app, ["solution", DOUBLING, "double", "--anyway"])
    assert shown.exit_code == 0
    assert "def double(x):" in shown.output
    assert CliRunner().invoke(app, ["solution", DOUBLING, "double"]).exit_code == 2
