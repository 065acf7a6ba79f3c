"""The simulated class: its scores are predicted, and nothing else is touched."""

import random

import pytest

from course.authoring.release import make_release
from course.demo import (
    BLANK,
    CARELESS,
    CLASS,
    EXCELLENT,
    Kind,
    Paper,
    _hand_in,
    _row,
    choose,
    damaged,
    is_predicted,
    make_class,
    make_demo,
)
from course.layout import CourseError
from course.notebooks.source import source_notebook

BANK = """
[[wrong]]
exercise = "double"
name = "squares"
edits = [{ old = "* 2", new = "** 2" }]
fails = ["gives the known values", "is right anywhere"]
says = ["square"]

[wrong.knock_on]
quadruple = ["is four times as much"]

[[wrong]]
exercise = "quadruple"
name = "eight times"
code = "def quadruple(x):\\n    return 8 * x"
fails = ["is four times as much"]
says = ["4"]

[[right]]
exercise = "double"
name = "a sum"
code = "def double(x):\\n    return np.asarray(x) + np.asarray(x)"

[[right]]
exercise = "quadruple"
name = "by itself"
code = "def quadruple(x):\\n    return 4 * x"
"""


@pytest.fixture
def source(course_root):
    folder = course_root / "source" / "01_doubling"
    (folder / "bank").mkdir()
    (folder / "bank" / "doubling.toml").write_text(BANK)
    return source_notebook(folder / "doubling.ipynb")


@pytest.fixture
def known(source):
    return source.bank.answers


def answer(known, name):
    return next(answer for answer in known if answer.name == name)


# --- which answers can stand together -------------------------------------------------------------


@pytest.mark.parametrize(
    ("names", "blank", "predicted"),
    [
        ([], [], True),
        (["squares"], [], True),  # the reference quadruples with it: the bank knows
        (["squares", "by itself"], [], False),  # does not double, but the bank says it fails
        (["squares", "eight times"], [], False),
        (["a sum", "eight times"], [], True),
        ([], ["double"], False),  # the reference needs it
        (["by itself"], ["double"], True),
        (["squares"], ["quadruple"], True),
        ([], ["double", "quadruple"], True),
    ],
)
def test_answers_that_would_act_on_each_other_unpredicted_are_told(
    source, known, names, blank, predicted
):
    paper = Paper(
        {a.exercise: a for name in names for a in [answer(known, name)]}, frozenset(blank)
    )
    assert is_predicted(source, paper) is predicted


def test_every_paper_that_is_chosen_can_be_predicted(source, known):
    papers = [choose(random.Random(seed), source, known, CARELESS) for seed in range(50)]
    assert all(is_predicted(source, paper) for paper in papers)
    assert {name for paper in papers for name in paper.answers} == {"double", "quadruple"}
    assert any(paper.blank for paper in papers)


def test_the_same_seed_chooses_the_same_paper(source, known):
    one, other = (choose(random.Random(7), source, known, CARELESS) for _ in range(2))
    assert one == other


def test_who_hands_in_nothing_leaves_everything_blank(source, known):
    paper = choose(random.Random(1), source, known, BLANK)
    assert paper.blank == {"double", "quadruple"}


def test_a_file_that_is_cut_keeps_the_answers_before_it_and_one_of_junk_none(source, known):
    whole = Paper({a.exercise: a for a in [answer(known, "a sum"), answer(known, "eight times")]})
    cut = {
        paper.cut: paper
        for seed in range(20)
        for paper in [damaged(random.Random(seed), source, whole, "cut")]
    }
    assert set(cut) == {"double", "quadruple"}
    assert (set(cut["quadruple"].answers), cut["quadruple"].blank) == ({"double"}, {"quadruple"})
    assert (set(cut["double"].answers), cut["double"].blank) == (set(), {"double", "quadruple"})
    junk = damaged(random.Random(1), source, whole, "junk")
    assert (junk.junk, set(junk.answers), junk.blank) == (True, set(), {"double", "quadruple"})
    assert damaged(random.Random(1), source, whole, "") == whole


def test_a_chapter_without_a_bank_is_answered_with_the_reference(source):
    assert choose(random.Random(1), source, [], Kind("all wrong", wrong=1)) == Paper()


def test_a_class_of_24_has_every_kind_and_everyone_a_name_and_an_id_of_their_own():
    class_ = make_class(50)
    assert len({student.id for student in class_}) == len({(s.first, s.last) for s in class_}) == 50
    assert all(student.id.isascii() for student in class_)
    kinds = [student.kind.name for student in make_class(24)]
    assert {kind: kinds.count(kind) for kind in kinds} == {
        "excellent": 7,
        "middling": 7,
        "careless": 4,
        "blank": 2,
        "late": 2,
        "cut off": 1,
        "junk": 1,
    }


def test_one_student_of_each_of_two_kinds_hands_in_the_later_chapters(course_root, monkeypatch):
    assert [student.kind for student in make_class(24) if student.stays] == [EXCELLENT, CARELESS]
    make_release(course_root)
    monkeypatch.setattr("course.demo.BY_ALL", 0)
    class_ = make_class(8)
    predicted = _hand_in(course_root, class_)
    who = {student.id for student in class_ if student.stays}
    assert {student for student, _ in predicted} == who
    assert {path.name for path in (course_root / "submitted").iterdir()} == who
    assert 0 < len(who) < len(class_)


# --- the folder -----------------------------------------------------------------------------------


def test_a_folder_that_is_not_a_demo_is_refused(course_root, tmp_path):
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter1.txt").write_text("years of work")
    with pytest.raises(CourseError, match="is not a folder that `course demo` made"):
        make_demo(course_root, tmp_path / "thesis")
    with pytest.raises(CourseError, match="is not a folder that `course demo` made"):
        make_demo(course_root, tmp_path / "thesis" / "chapter1.txt")
    assert (tmp_path / "thesis" / "chapter1.txt").read_text() == "years of work"


# --- the whole ------------------------------------------------------------------------------------


@pytest.mark.slow
def test_every_score_is_as_predicted_and_nothing_else_is_touched(
    course_root, source, tmp_path, monkeypatch
):
    kinds = [CLASS[index] for index in (0, 2, 9, 10, 5, 13, 19)]
    monkeypatch.setattr("course.demo.CLASS", kinds)
    before = {path: path.read_bytes() for path in course_root.rglob("*") if path.is_file()}
    folder = tmp_path / "demo"
    steps = []

    demo = make_demo(course_root, folder, students=7, on_step=steps.append)

    assert [row.student.kind.name for row in demo.rows] == [
        "excellent",
        "careless",
        "careless",
        "blank",
        "late",
        "cut off",
        "junk",
    ]
    assert [row.differences for row in demo.rows] == [[]] * 7
    assert demo.rows[0].scores == demo.rows[0].predicted == {"01_doubling": 4}
    assert demo.rows[1].scores["01_doubling"] < 4
    assert demo.rows[3].scores == demo.rows[6].scores == {"01_doubling": 0}
    assert demo.rows[5].scores == {"01_doubling": 3}  # the file ends before `quadruple`
    assert len(steps) == 5
    page = demo.report.read_text()
    assert "The file was damaged" in page
    assert "The file holds binary data" in page
    assert "1 day" in page
    assert len(list(folder.glob("feedback/*/01_doubling/doubling.html"))) == 7
    assert {path: path.read_bytes() for path in before} == before
    assert {path for path in course_root.rglob("*") if path.is_file()} == set(before)


@pytest.mark.slow
def test_a_notebook_that_needs_what_is_not_there_is_left_out_and_named(
    course_root, source, tmp_path
):
    needs = 'needs = ["no-such-package"]\n'
    with (source.folder / "assignment.toml").open("a") as file:
        file.write(needs)
    demo = make_demo(course_root, tmp_path / "demo", students=2)
    assert [row.equal for row in demo.rows] == [True, True]
    assert [row.predicted for row in demo.rows] == [{"01_doubling": 0}] * 2
    (line,) = demo.left_out
    assert line.startswith("01_doubling/doubling.ipynb needs what is not installed here: ")


def test_a_score_that_is_not_as_predicted_is_named():
    (student,) = make_class(1)
    key, columns = (student.id, "01"), [("doubling", "double"), ("doubling", "quadruple")]
    predicted = {key: dict(zip(columns, (3.0, 1.0), strict=True))}
    equal = _row(student, ["01"], {key: dict(zip(columns, (3.0, 1.0), strict=True))}, predicted)
    assert equal.equal
    other = _row(student, ["01"], {key: dict(zip(columns, (2.0, 1.0), strict=True))}, predicted)
    assert other.differences == ["01, double: 2.0 points instead of 3"]
    assert (other.scores, other.predicted) == ({"01": 3}, {"01": 4})
    assert len(_row(student, ["01"], {}, predicted).differences) == 2
