"""An exercise comes, goes or changes its name when work has been handed in and graded already."""

import copy
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbgrader.api import Gradebook
from typer.testing import CliRunner

from course import rollback
from course.authoring import release
from course.authoring.release import make_release
from course.cli import app
from course.grading.feedback import make_feedback
from course.grading.report import write_report
from course.grading.results import read_results
from course.layout import CourseError
from course.notebooks.cells import read
from tests.course.conftest import BY_ITSELF, RIGHT, TWICE, HandIn

SOURCE = "source/01_doubling/doubling.ipynb"
WHY = "why_twice"


@pytest.fixture
def marked(released: Path, hand_in: HandIn, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Ada has all right, bob half; both answers in words are marked, by a person."""
    hand_in(released, "ada", double=RIGHT, quadruple=TWICE, why_twice="Twice x is x + x.")
    hand_in(
        released, "bob", double=RIGHT, quadruple="def quadruple(x):\n    return 7", why_twice="?"
    )
    monkeypatch.chdir(released)
    run("grade", "01_doubling")
    with book(released) as gradebook:
        for student, points in (("ada", 2), ("bob", 1)):
            notebook = gradebook.find_submission_notebook("doubling", "01_doubling", student)
            (grade,) = [one for one in notebook.grades if one.name == WHY]
            grade.manual_score, grade.needs_manual_grade = points, False
            (comment,) = [one for one in notebook.comments if one.name == WHY]
            comment.manual_comment = f"Read, {student}."
        gradebook.db.commit()
    run("grade", "01_doubling")
    assert scores(released) == {
        "ada": {"double": 3, "quadruple": 1, WHY: 2},
        "bob": {"double": 3, "quadruple": 0, WHY: 1},
    }
    return released


def book(root: Path) -> Gradebook:
    return Gradebook(f"sqlite:///{root / 'gradebook.db'}")


def run(*words: str) -> str:
    done = CliRunner().invoke(app, list(words))
    assert done.exit_code == 0, done.output
    assert "Error" not in done.output
    return done.output


def scores(root: Path) -> dict[str, dict[str, float]]:
    works = read_results(root, ["01_doubling"]).works
    assert all(work.graded for work in works.values())
    return {
        student: {column.id: score for column, score in work.scores.items()}
        for (student, _), work in works.items()
    }


def waiting(root: Path) -> dict[str, list[str]]:
    works = read_results(root, ["01_doubling"]).works
    return {student: [one.id for one in work.waiting] for (student, _), work in works.items()}


def change(root: Path, step: Callable[[Any], None]) -> None:
    nb = read(root / SOURCE)
    step(nb)
    nbformat.write(nb, root / SOURCE)


def drop(name: str) -> Callable[[Any], None]:
    def step(nb: Any) -> None:
        nb.cells = [cell for cell in nb.cells if not cell.id.endswith(name)]

    return step


def rename(names: Mapping[str, str]) -> Callable[[Any], None]:
    def step(nb: Any) -> None:
        for cell in nb.cells:
            for old, new in names.items():
                cell.source = cell.source.replace(old, new)
                cell.id = cell.id.replace(old, new)
                if old in cell.metadata.get("nbgrader", {}).get("grade_id", ""):
                    marks = cell.metadata.nbgrader
                    marks.grade_id = marks.grade_id.replace(old, new)
                    cell.metadata.tags = [f"was:{old}"] if marks.solution else []

    return step


def add(nb: Any) -> None:
    """Add an exercise like `quadruple`, and a question like the one that is there."""
    like = [copy.deepcopy(cell) for cell in nb.cells if cell.id.endswith(("quadruple", WHY))]
    for cell in like:
        for old, new in (("quadruple", "eightfold"), ("Quadruple", "Eightfold"), (WHY, "why_not")):
            cell.source = cell.source.replace(old, new)
            cell.id = cell.id.replace(old, new)
            if "nbgrader" in cell.metadata:
                cell.metadata.nbgrader.grade_id = cell.metadata.nbgrader.grade_id.replace(old, new)
        cell.source = cell.source.replace("double(double(x))", "8 * np.asarray(x)").replace(
            "12)", "24)"
        )
    nb.cells += like


def test_an_exercise_that_is_dropped_takes_only_its_own_points(marked: Path) -> None:
    change(marked, drop("quadruple"))
    said = run("release", "01_doubling")
    assert "no longer graded, its points gone: test_quadruple" in said
    run("grade", "01_doubling")
    assert scores(marked) == {"ada": {"double": 3, WHY: 2}, "bob": {"double": 3, WHY: 1}}
    assert waiting(marked) == {"ada": [], "bob": []}
    with book(marked) as gradebook:
        notebook = gradebook.find_submission_notebook("doubling", "01_doubling", "bob")
        assert {one.name: one.comment for one in notebook.comments}[WHY] == "Read, bob."
    (kept,) = marked.glob("saved/*/gradebook.db")
    with Gradebook(f"sqlite:///{kept}") as before:
        notebook = before.find_submission_notebook("doubling", "01_doubling", "ada")
        assert {one.name: one.score for one in notebook.grades}["test_quadruple"] == 1
    assert all(feedback.pages for feedback in make_feedback(marked, ["01_doubling"], jobs=1))
    write_report(read_results(marked), marked / "report")


def test_an_exercise_that_is_new_waits_for_nobody_and_has_no_points_yet(
    marked: Path, hand_in: HandIn
) -> None:
    change(marked, add)
    assert "new, to be graded with `course grade`: test_eightfold, why_not" in run("release")
    assert not list(marked.glob("saved/*/gradebook.db"))
    run("grade", "01_doubling")
    assert scores(marked) == {
        "ada": {"double": 3, "quadruple": 1, WHY: 2, "eightfold": 0, "why_not": 0},
        "bob": {"double": 3, "quadruple": 0, WHY: 1, "eightfold": 0, "why_not": 0},
    }
    eightfold = "def eightfold(x):\n    return 8 * np.asarray(x)"
    hand_in(marked, "bob", double=RIGHT, quadruple=BY_ITSELF, eightfold=eightfold, why_not="So.")
    hand_in(marked, "new", double=RIGHT, quadruple=BY_ITSELF, eightfold=eightfold)
    run("grade", "01_doubling")
    assert scores(marked)["bob"]["eightfold"] == scores(marked)["new"]["eightfold"] == 1
    assert waiting(marked)["ada"] == []
    assert waiting(marked)["bob"] == [WHY, "why_not"]


def test_what_is_renamed_keeps_its_marks_and_its_work(marked: Path) -> None:
    change(marked, rename({WHY: "why_double", "quadruple": "four_times"}))
    assert "gone" not in run("release", "01_doubling").replace("points gone", "")
    run("grade", "01_doubling")
    found = scores(marked)
    assert {name: work["why_double"] for name, work in found.items()} == {"ada": 2, "bob": 1}
    assert {name: work["double"] for name, work in found.items()} == {"ada": 3, "bob": 3}
    assert {name: work["four_times"] for name, work in found.items()} == {"ada": 1, "bob": 0}
    assert waiting(marked) == {"ada": [], "bob": []}
    note = "cell of `four_times` was handed in under its earlier name"
    notes = read_results(marked).works["ada", "01_doubling"].notes
    assert any(note in one for one in notes), notes


def test_dropping_what_came_and_taking_up_what_went_changes_nothing_else(marked: Path) -> None:
    nb = read(marked / SOURCE)
    for step in (add, drop("quadruple"), drop("why_not"), drop("eightfold")):
        change(marked, step)
        run("release", "01_doubling")
    run("grade", "01_doubling")
    nbformat.write(nb, marked / SOURCE)
    run("release", "01_doubling")
    run("grade", "01_doubling")
    assert scores(marked) == {
        "ada": {"double": 3, "quadruple": 1, WHY: 2},
        "bob": {"double": 3, "quadruple": 0, WHY: 1},
    }


@pytest.mark.parametrize("kind", ["in a file", "of another kind"])
def test_a_release_that_fails_afterwards_gives_back_what_was_earned(
    marked: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if kind == "of another kind":
        monkeypatch.setattr(rollback, "sqlite_file", lambda db_url: None)
    before = scores(marked)

    def fails(source: Path, made: Path) -> None:
        raise CourseError("the disk is full")

    nb = read(marked / SOURCE)
    change(marked, drop("quadruple"))
    change(marked, add)
    monkeypatch.setattr(release, "_keep_secrets", fails)
    with pytest.raises(CourseError, match="the disk is full"):
        make_release(marked)
    nbformat.write(nb, marked / SOURCE)
    assert scores(marked) == before
