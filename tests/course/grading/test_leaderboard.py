"""The page for the class on whose network reads new images best."""

from datetime import datetime

import pytest

from course.grading.leaderboard import entries, leaderboard, write_leaderboard
from course.grading.pseudonyms import Names, pseudonyms, shown_names
from course.grading.results import Column, Results, Work
from course.layout import CourseError
from course.notebooks.exercises import Exercise
from course.verdict import CheckVerdict, ExerciseVerdict
from helpers.checks import Outcome

EVIL = "<script>alert(1)</script>"
NETWORK = Column("project", "predict", "Net", 18, Exercise("predict", "Net", 18, (), "", ""))
CLAIM = Column("project", "claim", "Claim", 5, Exercise("claim", "Claim", 5, (), "", ""))


def work(student, accuracy, size, score=18, borne_out=True, **more):
    measured = (("numbers needed", size), ("accuracy on new images", accuracy))
    outcome = Outcome.PASSED if borne_out else Outcome.FAILED
    check = CheckVerdict("is borne out by new images", outcome, "", True, 2, False)
    return Work(
        student,
        "08_project",
        {NETWORK: score},
        verdicts={
            NETWORK: ExerciseVerdict("predict", score, 18, (), measured),
            CLAIM: ExerciseVerdict("claim", 5, 5, (check,)),
        },
        **more,
    )


@pytest.fixture
def results():
    works = [
        work("ada", 0.96, 4000),
        work("bob", 0.97, 4500, borne_out=False),
        work("cat", 0.96, 3000),
        work("dan", 0.99, 9000, score=0),  # over the budget
        work("eve", 0.98, 100, graded=False),
        Work("fay", "08_project", {NETWORK: 0}),
    ]
    students = {"ada": EVIL, **{name: name.title() for name in ("bob", "cat", "dan", "eve", "fay")}}
    columns = {"08_project": [NETWORK, CLAIM]}
    return Results(students, columns, {(one.student, one.assignment): one for one in works})


def page(results, names, root):
    shown = shown_names(results.students, names, root)
    return leaderboard(results, "08_project", shown, datetime(2026, 11, 29))


def test_the_best_stand_first_and_those_without_a_valid_network_not_at_all(results):
    found = entries(results, "08_project")
    assert [(one.student, one.place) for one in found] == [("bob", 1), ("cat", 2), ("ada", 2)]
    assert [one.claim for one in found] == [False, True, True]
    assert found[0].error == pytest.approx((0.97 * 0.03 / 2000) ** 0.5)


def test_names_are_those_that_were_chosen_and_escaped(results, tmp_path):
    real, coded, none = (
        page(results, names, tmp_path) for names in (Names.REAL, Names.PSEUDONYMS, Names.NONE)
    )
    assert EVIL not in real
    assert "&lt;script&gt;" in real
    for name in ("Bob", "Cat", "bob", "script&gt;"):
        assert name not in coded
        assert name not in none
    assert ">Name<" not in none
    for text in (real, coded, none):
        assert "<script" not in text
        assert "http:" not in text
        assert "https:" not in text
        assert "0.970 ± 0.004" in text
        assert "Dan" not in text


def test_pseudonyms_differ_stay_and_need_the_secret(results):
    names = [f"student{k}" for k in range(300)]
    students = dict.fromkeys(names, "")
    first = pseudonyms(students, b"secret")
    assert len(set(first.values())) == 300
    assert first == pseudonyms(students, b"secret")
    assert first != pseudonyms(students, b"other")


def test_the_page_is_written_but_never_over_another_s(results, tmp_path):
    path = write_leaderboard(results, "08_project", {}, tmp_path / "report")
    assert "Leaderboard" in path.read_text()
    write_leaderboard(results, "08_project", {}, tmp_path / "report")
    path.write_text("mine")
    with pytest.raises(CourseError, match="`course leaderboard`"):
        write_leaderboard(results, "08_project", {}, tmp_path / "report")


def test_a_class_without_a_network_is_told(results, tmp_path):
    with pytest.raises(CourseError, match="nobody has handed in a network"):
        write_leaderboard(Results({}, {"08_project": []}, {}), "08_project", {}, tmp_path)
