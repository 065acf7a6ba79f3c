"""Answers that are alike beyond what their exercise explains."""

import pytest

from course.grading.alike import MANY, SHORT, TOKEN, alike, form
from course.grading.results import Column, Work
from course.verdict import CheckVerdict, ExerciseVerdict
from helpers.checks import Outcome

ONE, TWO, THREE = (Column("sums", name, name, 4, None) for name in ("one", "two", "three"))
OWN = '''
def normalize(x, eps=1e-8):
    """Return x with mean 0 and standard deviation 1."""
    total = 0.0
    for value in x:
        total = total + value  # add up
    mean = total / len(x)
    spread = np.sqrt(sum((value - mean) ** 2 for value in x) / len(x))
    return (x - mean) / (spread + eps)
'''
RENAMED = """
def normalize(data, small=1e-8):
    s = 0.0
    for v in data:
            s = s + v
    m = s / len(data)

    dev = np.sqrt(sum((v - m)**2
                      for v in data) / len(data))
    return (data - m) / (dev + small)
"""
OTHER = OWN.replace("np.sqrt", "np.abs")


def work(student, score=4, outcome=Outcome.PASSED, **answers):
    columns = {column.id: column for column in (ONE, TWO, THREE)}
    verdict = ExerciseVerdict("x", 0, 4, (CheckVerdict("check", outcome, ""),))
    return Work(
        student,
        "01",
        {columns[name]: score for name in answers},
        verdicts={columns[name]: verdict for name in answers},
        answers={columns[name]: answer for name, answer in answers.items()},
    )


def test_names_comments_docstrings_and_layout_make_no_other_form():
    assert form(OWN) == form(RENAMED)
    assert form(OWN) != form(OTHER)  # a name that is not its own means something
    assert len(TOKEN.findall(form(OWN))) >= SHORT


def test_a_swap_of_two_names_is_another_form():
    assert form("def f(a, b):\n    return a - b") != form("def f(a, b):\n    return b - a")


@pytest.mark.parametrize(
    "text",
    ["def f(:\n  return  1", "\ud800 = 1", "x = 1\0", "-" * 30_000 + "1", "1+" * 1_500 + "1"],
)
def test_code_that_is_not_understood_is_compared_by_its_text(text):
    assert form(text) == " ".join(text.split())


def test_nothing_is_run_and_nothing_is_printed(capfd):
    form('print("seen")\nassert 1 is 1, "\\d"\nraise SystemExit')
    assert capfd.readouterr() == ("", "")


def test_two_exercises_that_coincide_are_a_reason_to_look():
    works = [
        work("ada", one=OWN, two=OTHER, three=OWN),
        work("bob", one=RENAMED, two=OTHER),
        work("cat", one=RENAMED),
    ]
    (found,) = alike(works, {})
    assert (found.students, found.columns, found.wrong) == (["ada", "bob"], [ONE, TWO], [])


def test_one_exercise_that_coincides_is_none_unless_it_is_wrong():
    assert alike([work("ada", one=OWN), work("bob", one=RENAMED)], {}) == []
    (found,) = alike([work("ada", 1, one=OWN), work("bob", 1, one=RENAMED)], {})
    assert (found.students, found.columns, found.wrong) == (["ada", "bob"], [ONE], [ONE])


def test_who_coincides_in_the_same_exercises_is_one_group_and_the_most_alike_come_first():
    works = [work(name, one=OWN, two=OTHER) for name in ("ada", "bob", "cat")]
    works += [work(name, one=OWN + "\nx = 1", two=OWN, three=OTHER) for name in ("dan", "eve")]
    first, second = alike(works, {})
    assert (first.students, len(first.columns)) == (["dan", "eve"], 3)
    assert (second.students, len(second.columns)) == (["ada", "bob", "cat"], 2)


def test_what_explains_itself_is_left_out():
    short, blank = "def f(x):\n    return 2 * x", Outcome.NOT_ATTEMPTED
    pair = [work(name, 0, one=OWN) for name in ("ada", "bob")]
    assert len(alike(pair, {TWO: [RENAMED]})) == 1
    assert alike(pair, {ONE: [RENAMED]}) == []  # the course's own
    assert alike([work(name, 0, one=short) for name in ("ada", "bob")], {}) == []
    assert alike([work(name, 0, blank, one=OWN) for name in ("ada", "bob")], {}) == []
    few = [work(f"s{number}", 0, one=OWN) for number in range(MANY)]
    assert len(alike(few, {})) == 1
    assert alike([*few, work("ada", 0, one=OWN)], {}) == []
