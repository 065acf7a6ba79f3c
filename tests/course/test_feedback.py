"""Feedback: what a student gets back, and what it never holds."""

import html
import re

import pytest

from course.feedback import feedback_of, make_feedback
from course.root import CourseError

DOUBLING = "01_doubling"


def text(page):
    """What a reader sees: highlighted code stands in a span a word."""
    return html.unescape(re.sub(r"<[^>]*>", "", page))


@pytest.fixture
def pages(graded):
    """Every page's text, by student and notebook."""
    made = make_feedback(graded)
    assert [item.problem for item in made] == [""] * len(made)
    return {(item.student, p.stem): p.read_text() for item in made for p in item.pages}


def test_all_that_was_graded_gets_a_page_with_its_checks_and_no_more(pages):
    assert sorted(pages) == [
        ("ada", "doubling"),
        ("bob", "doubling"),
        ("bob", "first"),
        ("bob", "second"),
        ("cat", "doubling"),
        ("dan", "doubling"),
        ("hal", "doubling"),
    ]
    page = pages["bob", "doubling"]
    assert "is right anywhere" in page
    assert "it is the square" in page


@pytest.mark.parametrize("secret", ["q.rng.normal", "BEGIN HIDDEN", "twice_as_much", "x**2"])
def test_no_page_holds_a_hidden_test_or_a_solution(pages, secret):
    assert [key for key, page in pages.items() if secret in text(page)] == []
    assert any("q.check" in text(page) for page in pages.values())


def test_what_a_student_wrote_is_shown_but_never_run(pages):
    page = pages["ada", "doubling"]
    assert "Because" in page
    assert "<b>bold</b>" in page
    assert "<script>alert" not in page
    assert "alert(" in page  # in their own code, which is quoted


def test_what_somebody_put_beside_the_pages_stays(graded):
    feedback_of(graded, "ada", DOUBLING)
    letter = graded / "feedback" / "ada" / DOUBLING / "letter.txt"
    letter.write_text("Well done.")
    feedback_of(graded, "ada", DOUBLING)
    assert letter.read_text() == "Well done."


def test_a_submission_whose_feedback_fails_is_named_and_stops_no_other(graded):
    path = graded / "autograded" / "bob" / DOUBLING / "doubling.ipynb"
    path.chmod(0o644)
    path.write_text("{")
    made = make_feedback(graded, [DOUBLING])
    assert [(item.student, bool(item.problem)) for item in made] == [
        ("ada", False),
        ("bob", True),
        ("cat", False),
        ("dan", False),
        ("hal", False),
    ]
    assert made[1].problem.startswith("doubling.ipynb: ")
    assert "\n" not in made[1].problem


def test_feedback_before_grading_is_refused(released):
    with pytest.raises(CourseError, match="nothing has been graded yet: run `course grade` first"):
        make_feedback(released)
    with pytest.raises(CourseError, match="nothing of 01_doubling has been graded yet"):
        make_feedback(released, [DOUBLING])
