"""A student whose folder has a name that nbgrader can't take is graded all the same.

The gradebook has the true name as the last name, under an id that nbgrader can take.
"""

import os
from pathlib import Path

import pytest
from nbgrader.api import Gradebook

from course.files import printable, safe_name
from course.grading.feedback import make_feedback
from course.grading.grade import grade_class
from course.grading.notes import GradingOutcome, Status
from course.grading.report import write_report
from course.grading.results import read_results
from course.judge.sandbox import missing
from course.layout import CourseError
from tests.course.conftest import RIGHT, TWICE, HandIn

pytestmark = pytest.mark.skipif(bool(missing()), reason="where nothing is confined, no grading")

DOUBLING = "01_doubling"
ODD = [" a", "..c", "star*", "[x]", "?", "two\nlines", os.fsdecode(b"M\xfcller")]
PLAIN = ["<b>", "王, it's +"]


def by_folder(outcomes: list[GradingOutcome]) -> dict[str, GradingOutcome]:
    found = {one.student: one for one in outcomes}
    return {name: found[safe_name(name)] for name in (*ODD, *PLAIN)}


def test_no_name_costs_its_student_anything(released: Path, hand_in: HandIn) -> None:
    for name in (*ODD, *PLAIN):
        hand_in(released, name, double=RIGHT, quadruple=TWICE)
    (released / "submitted/.ipynb_checkpoints" / DOUBLING).mkdir(parents=True)
    (released / "submitted/.git/objects").mkdir(parents=True)
    outcomes = grade_class(released)
    assert len(outcomes) == len(ODD) + len(PLAIN)
    found = by_folder(outcomes)
    assert {one.status for one in found.values()} == {Status.GRADED}
    for name in ODD:
        student = found[name].student
        assert found[name].notes == (
            f"the folder “{printable(name)}” has a name that nbgrader can't take; "
            f"its student has the id {student}",
        )
        assert not set(student) & set("*?[]\n")
        assert student == student.strip(" .")
    assert {found[name].student for name in PLAIN} == {*PLAIN}
    with Gradebook(f"sqlite:///{released / 'gradebook.db'}") as book:
        names = {one.id: one.last_name for one in book.students}
        points = {one.student.id: one.score for one in book.assignment_submissions(DOUBLING)}
    assert names == {
        **{found[name].student: printable(name) for name in ODD},
        **dict.fromkeys(PLAIN),
    }
    assert points == dict.fromkeys(names, 4)
    made = make_feedback(released, jobs=1)
    assert {one.student for one in made} == {*names}
    assert all(one.pages and not one.problem for one in made)
    page = write_report(read_results(released), released / "report").read_text()
    assert all(text in page for text in ("star*", "[x]", "..c", "two\\nlines", "M\\xfcller"))
    assert {one.status for one in grade_class(released)} == {Status.UP_TO_DATE}
    assert sorted(path.name for path in (released / "submitted").iterdir()) == sorted(
        [*ODD, *PLAIN, ".git", ".ipynb_checkpoints"]
    )


def test_a_roster_s_own_name_stays_and_either_name_picks_the_student(
    released: Path, hand_in: HandIn
) -> None:
    hand_in(released, "star*", double=RIGHT)
    hand_in(released, "ada")
    student = safe_name("star*")
    with Gradebook(f"sqlite:///{released / 'gradebook.db'}") as book:
        book.update_or_create_student(student, first_name="Ringo", last_name="Starr")
    for name in ("star*", student):
        (one,) = grade_class(released, student=name, force=True)
        assert (one.student, one.status) == (student, Status.GRADED)
    assert read_results(released).students[student] == "Starr, Ringo"


def test_a_name_that_another_folder_has_is_told(released: Path, hand_in: HandIn) -> None:
    student = safe_name("star*")
    hand_in(released, "star*", double=RIGHT)
    hand_in(released, student)
    first, second = sorted(grade_class(released), key=lambda one: one.student)
    assert (first.student, first.status) == ("star*", Status.FAILED)
    assert first.notes == (f"another student's folder is called {student}: rename one of them",)
    assert (second.student, second.status) == (student, Status.GRADED)


def test_a_hidden_folder_that_holds_no_assignment_is_no_students(released: Path) -> None:
    (released / "submitted/.git/objects").mkdir(parents=True)
    (released / "submitted/.ipynb_checkpoints" / DOUBLING).mkdir(parents=True)
    with pytest.raises(CourseError, match="nobody handed in anything"):
        grade_class(released)
