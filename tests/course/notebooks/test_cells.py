"""Reading a source notebook as exercises with checks."""

import pytest

from course.notebooks.cells import (
    NotebookError,
    grade_id,
    is_manual,
    is_setup,
    is_solution,
    is_test,
    read,
    read_quickly,
)
from course.notebooks.exercises import CheckSpec, exercises


def cell(nb, name):
    return next(cell for cell in nb.cells if cell.id == name)


def test_exercises_in_order_with_their_checks(notebook):
    double, quadruple = exercises(notebook)
    assert (double.id, double.title, double.points) == ("double", "Double", 3)
    assert double.checks == (
        CheckSpec("gives the known values", 1, essential=False, hidden=False),
        CheckSpec("is right anywhere", 2, essential=True, hidden=True),
    )
    assert double.hidden == {"is right anywhere"}
    assert double.solution == cell(notebook, "double").source
    assert double.test == cell(notebook, "test_double").source
    assert quadruple.id == "quadruple"


def test_cells_are_told_apart(notebook):
    kinds = {is_setup: "imports", is_test: "test_double", is_manual: "why_twice"}
    for is_kind, name in kinds.items():
        assert is_kind(cell(notebook, name))
        assert not is_kind(cell(notebook, "double"))
        assert not is_kind(cell(notebook, "plot"))
    solutions = [cell.id for cell in notebook.cells if is_solution(cell)]
    assert solutions == ["double", "quadruple", "why_twice"]


@pytest.mark.parametrize(
    ("failed", "score"),
    [
        (set(), 3),
        ({"gives the known values"}, 2),
        ({"is right anywhere"}, 0),
        ({"is right anywhere", "gives the known values"}, 0),
    ],
)
def test_points_left_when_checks_fail(notebook, failed, score):
    assert exercises(notebook)[0].score_without(failed) == score


def test_unknown_checks_have_no_score(notebook):
    with pytest.raises(NotebookError, match="double has no check named"):
        exercises(notebook)[0].score_without({"is green"})


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"Double"', "title", "title must be written out literally"),
        ("points=3", "points=1 + 2", "points must be written out literally"),
        ('"is right anywhere"', "name", "name must be written out literally"),
        ("essential=True", "essential=yes", "essential must be written out literally"),
        ("with q.check", "with check", "no Question with checks"),
    ],
)
def test_what_cannot_be_read_is_refused(notebook, old, new, message):
    test = cell(notebook, "test_double")
    assert old in test.source
    test.source = test.source.replace(old, new)
    with pytest.raises(NotebookError, match=f"test_double.*{message}"):
        exercises(notebook)


def test_a_test_without_an_answer_is_refused(notebook):
    notebook.cells.remove(cell(notebook, "double"))
    with pytest.raises(NotebookError, match="test_double has no solution cell double"):
        exercises(notebook)


def test_read(course_root):
    assert len(read(course_root / "source/01_doubling/doubling.ipynb").cells) == 11


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", "\x00\xff"])
def test_what_is_no_notebook_is_refused_in_one_line(tmp_path, text):
    path = tmp_path / "broken.ipynb"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(NotebookError, match=r"broken.ipynb: not a notebook") as error:
        read(path)
    assert "\n" not in str(error.value)


def test_a_missing_notebook_is_refused(tmp_path):
    with pytest.raises(NotebookError, match="no such file"):
        read(tmp_path / "none.ipynb")


def test_metadata_and_solutions_are_read_quickly_and_alike(course_root):
    path = course_root / "source" / "01_doubling" / "doubling.ipynb"
    metadata, answers = read_quickly(path)
    assert metadata == read(path).metadata != {}
    assert answers == {
        grade_id(cell): cell.source
        for cell in read(path).cells
        if cell.cell_type == "code" and is_solution(cell)
    }
    assert "double" in answers


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        '{"cells": []}',
        "[" * 100_000,
        b"\xff",
        '{"metadata": 1, "a": NaN',
        '{"metadata": {}, "cells": [3]}',
    ],
)
def test_where_no_metadata_is_one_line_says_so(tmp_path, text):
    path = tmp_path / "x.ipynb"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(NotebookError, match="not a notebook"):
        read_quickly(path)
    path.write_text('{"metadata": []}')
    assert read_quickly(path) == ({}, {})
    with pytest.raises(NotebookError, match="no such file"):
        read_quickly(tmp_path / "y.ipynb")
