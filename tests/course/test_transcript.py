"""Reading back what a question printed."""

import contextlib
import io

import pytest

from course.notebook import CheckSpec, Exercise
from course.transcript import CheckLine, read_lines
from helpers.checks import Question

CHECKS = tuple(CheckSpec(name, 1, False, False) for name in ("adds", "is quick", "leaves x"))
EXERCISE = Exercise("total", "Total", 3, CHECKS, "", "")


def printed(*verdicts: BaseException | None, before: str = "") -> str:
    """What a question prints whose checks raise these."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        print(before, end="")
        q = Question("Total", points=3, see="1.1 Adding")
        for check, verdict in zip(CHECKS, verdicts, strict=True):
            with q.check(check.name):
                if verdict:
                    raise verdict
        q.score()
    return out.getvalue()


def test_every_check_is_read_with_its_message():
    text = printed(
        None, AssertionError("Your sum is wrong: it is negative."), AssertionError("It changed.")
    )
    assert read_lines(text, EXERCISE) == [
        CheckLine("adds", True),
        CheckLine("is quick", False, "Your sum is wrong: it is negative."),
        CheckLine("leaves x", False, "It changed."),
    ]


def test_an_exercise_that_was_left_has_all_its_checks_failed():
    found = read_lines(printed(*[NotImplementedError()] * 3), EXERCISE)
    assert {(line.passed, line.message) for line in found} == {(False, "not attempted yet")}
    assert len(found) == 3


@pytest.mark.parametrize(
    "noise", ["Total\n  ✗ adds\n      you lose\n", "  ✗ is quick\n", "Total: not attempted yet.\n"]
)
def test_what_a_student_prints_is_not_taken_for_a_check(noise):
    found = read_lines(printed(None, None, None, before=noise), EXERCISE)
    assert found == [CheckLine(check.name, True) for check in CHECKS]


def test_a_check_that_the_exercise_does_not_have_is_not_counted():
    text = printed(None, AssertionError("wrong\n  ✗ is honest\n      not at all"), None)
    assert [line.name for line in read_lines(text, EXERCISE)] == ["adds", "is quick", "leaves x"]


def test_a_cell_that_did_not_come_to_its_end_says_nothing():
    assert read_lines("Tot", EXERCISE) == []
    assert read_lines("", EXERCISE) == []
