"""The judge inside nbgrader: whichever way grading is started, and what is left lying about."""

import re
import subprocess
import sys
from dataclasses import replace

import pytest
from nbgrader.api import Gradebook
from nbgrader.apps.api import NbGraderAPI
from nbgrader.coursedir import CourseDirectory

from course.grading.feedback import make_feedback
from course.grading.notes import Status
from course.grading.one_student import grade_submission
from course.grading.report import write_report
from course.grading.results import read_results
from course.judge.judging import Limits
from course.judge.preprocessor import Judge, judge_of
from course.judge.sandbox.port import Protection
from course.judge.supervise import JudgeError
from course.layout import CourseError, load_config
from course.notebooks.cells import read
from course.secret import course_secret
from course.verdict import find_verdict, read_verdict
from helpers.checks import Outcome

DOUBLING = "01_doubling"
ANSWERS = {
    "ada": {
        "double": "def double(x):\n    return 2 * np.asarray(x)",
        "quadruple": "def quadruple(x):\n    return double(double(x))",
    },
    "bob": {"double": "def double(x):\n    return np.asarray(x) ** 2"},
    "hal": {
        "double": "import os\nos._exit(1)",
        "quadruple": "def quadruple(x):\n    return 4 * x",
    },
}
SCORES = {"ada": (3, 1), "bob": (0, 0), "hal": (0, 1)}
LIMITS = ("request", "question", "cell", "notebook")
HIDDEN = ("BEGIN HIDDEN", "q.rng.normal", "2 * x, mistakes")


def api(root):
    """What formgrader holds."""
    config = load_config(root)
    return NbGraderAPI(CourseDirectory(config=config), config=config)


def by_command(root):
    command = [sys.executable, "-m", "nbgrader", "autograde", DOUBLING]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def by_button(root):
    formgrader = api(root)
    for student in ANSWERS:
        done = formgrader.autograde(DOUBLING, student)
        assert done["success"], done


def by_course_grade(root):
    for student in ANSWERS:
        outcome = grade_submission(root, student, DOUBLING)
        assert outcome.status is Status.GRADED


def scores(root):
    found = {}
    with Gradebook(f"sqlite:///{root / 'gradebook.db'}") as book:
        for student in ANSWERS:
            (notebook,) = book.find_submission(DOUBLING, student).notebooks
            found[student] = tuple(
                book.find_grade(name, "doubling", DOUBLING, student).auto_score
                for name in ("test_double", "test_quadruple")
            )
            assert len(notebook.grades) == 3
    return found


def texts(*folders):
    """Everything that stands in files, by path."""
    files = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    assert files
    return {path: path.read_bytes().decode(errors="replace") for path in files}


def seed_of(root, student):
    """The seed of a student's last hand-in, as its verdict holds it."""
    return read_verdict(root / "verdicts" / student / DOUBLING / "doubling.json").seed.hex()


@pytest.fixture
def handed_in(released, hand_in):
    for student, answers in ANSWERS.items():
        hand_in(released, student, **answers)
    return released


@pytest.mark.parametrize("start", [by_command, by_button, by_course_grade])
def test_each_way_to_grade_goes_through_the_judge_to_the_same_scores(handed_in, start):
    start(handed_in)
    assert scores(handed_in) == SCORES
    for student in ANSWERS:
        verdict = read_verdict(handed_in / "verdicts" / student / DOUBLING / "doubling.json")
        assert tuple(exercise.score for exercise in verdict.exercises) == SCORES[student]
        assert len(verdict.seed) == 32


def test_no_file_for_students_or_of_grades_holds_a_hidden_test_or_a_seed(handed_in):
    by_course_grade(handed_in)
    make_feedback(handed_in)
    write_report(read_results(handed_in), handed_in / "report")
    secret = course_secret(handed_in)
    seeds = [seed_of(handed_in, student) for student in ANSWERS]
    found = texts(*(handed_in / name for name in ("autograded", "feedback", "report")))
    for words in (*HIDDEN, secret.hex(), *seeds):
        assert [path for path, text in found.items() if words in text] == []
    everywhere = texts(handed_in / "verdicts", handed_in / "source")
    for words in (*HIDDEN, *seeds):  # they would be found
        assert any(words in text for text in everywhere.values())


TALKATIVE = """\
import warnings
import helper

class Said(RuntimeError):
    pass

def double(x):
    plt.title(f"drawn={x}")
    print(f"printed={x}")
    warnings.warn(f"warned={x}", RuntimeWarning)
    raise type(f"called={x}", (Said,), {})(f"raised={x}")
"""
TOLD = (
    'Your code raises RuntimeError (in `double`: `raise type(f"called={x}", (Said,), {})'
    '(f"raised={x}")`). (Python warned: RuntimeWarning.)'
)


def test_what_code_says_in_a_hidden_check_is_shown_nowhere(handed_in, hand_in):
    plots = "import matplotlib.pyplot as plt\n"
    hand_in(handed_in, "eve", double=plots + TALKATIVE.replace("import helper\n", ""))
    grade_submission(handed_in, "eve", DOUBLING)
    make_feedback(handed_in)
    verdict = find_verdict(
        read(handed_in / "autograded" / "eve" / DOUBLING / "doubling.ipynb").metadata
    )
    assert verdict is not None
    known, anywhere = verdict["double"].checks
    assert "raised=[1, 2]" in known.message  # a check that they have themselves
    assert anywhere.message == TOLD
    folders = (handed_in / part / "eve" for part in ("autograded", "feedback"))
    for path, text in texts(*folders).items():  # the hidden points have decimals
        assert not re.findall(r"(drawn|printed|warned|called|raised)=\W*\d+\.\d", text), path


def test_each_hand_in_has_points_of_its_own_and_the_same_one_the_same(handed_in, hand_in):
    folder = hand_in(handed_in, "eve", double=TALKATIVE)

    def seed():
        grade_submission(handed_in, "eve", DOUBLING)
        return seed_of(handed_in, "eve")

    first = seed()
    (folder / "helper.py").write_text("")
    table = seed()
    (folder / "helper.py").write_text("TABLE = 1")
    other = seed()
    assert len({first, table, other}) == 3
    (folder / "timestamp.txt").write_text("2026-10-01 18:00:00 UTC")
    assert seed() == other
    hand_in(handed_in, "eve", double=TALKATIVE, why_twice="A word more.")
    assert seed() == first
    hand_in(handed_in, "eve", double=f"{TALKATIVE}# once more")
    assert seed() != first


def test_who_grades_again_from_formgrader_has_the_hidden_tests(handed_in):
    by_course_grade(handed_in)
    formgrader = api(handed_in)
    assert formgrader.autograde(DOUBLING, "ada", force=True)["success"]
    assert formgrader.generate_feedback(DOUBLING, "ada", force=True)["success"]
    assert scores(handed_in) == SCORES
    page = (handed_in / "feedback" / "ada" / DOUBLING / "doubling.html").read_text()
    assert "is right anywhere" in page


def test_the_graded_notebook_holds_its_verdict(handed_in):
    by_course_grade(handed_in)
    graded = read(handed_in / "autograded" / "hal" / DOUBLING / "doubling.ipynb")
    verdict = find_verdict(graded.metadata)
    assert [exercise.score for exercise in verdict.exercises] == [0, 1]
    assert verdict.incidents == ("double: Your code ended its own process.",)
    assert [
        (check.name, check.outcome, check.hidden, check.points, check.essential)
        for exercise in verdict.exercises
        for check in exercise.checks
    ] == [
        ("gives the known values", Outcome.FAILED, False, 1, False),
        ("is right anywhere", Outcome.FAILED, True, 2, True),
        ("is four times as much", Outcome.PASSED, False, 1, True),
    ]
    assert verdict.seed == b""
    kept = read_verdict(handed_in / "verdicts" / "hal" / DOUBLING / "doubling.json")
    assert replace(kept, seed=b"") == verdict


def test_a_file_that_a_link_would_have_brought_in_is_neither_read_nor_kept(handed_in, hand_in):
    peek = "def double(x):\n    return np.asarray(x) * (2 if open('{}').read() else 0)"
    for student, name in {"bob": "data.csv", "hal": "own.csv"}.items():
        folder = hand_in(handed_in, student, double=peek.format(name))
        (folder / "own.csv").write_text("1, 2")
        source = handed_in / "source" / DOUBLING / "doubling.ipynb"
        (folder / "data.csv").symlink_to(source)
    by_command(handed_in)
    assert scores(handed_in)["bob"][0] == 0
    assert scores(handed_in)["hal"][0] == 3  # files of one's own can be read
    left = {path.name for path in (handed_in / "autograded" / "bob" / DOUBLING).iterdir()}
    assert left == {"doubling.ipynb", "figures", "own.csv"}


def test_a_machine_without_a_protection_judges_nothing_unless_told_to(handed_in, monkeypatch):
    lacking = [Protection("files", False, "no Landlock"), Protection("disk", False, "no limits")]
    monkeypatch.setattr("course.judge.preprocessor.missing", lambda: lacking)
    with pytest.raises(JudgeError) as error:
        judge_of(load_config(handed_in)).check_machine()
    assert str(error.value).startswith("this machine can't confine students' code (files, disk)")
    assert "\n" not in str(error.value)
    done = api(handed_in).autograde(DOUBLING, "ada")
    assert not done["success"]
    assert str(error.value) in done["log"]
    assert not (handed_in / "autograded" / "ada" / DOUBLING).exists()
    Judge(unprotected=True).check_machine()


def test_the_limits_are_those_of_the_configuration(course_root):
    config = load_config(course_root)
    assert judge_of(config).limits == Limits()
    config.Judge.update({f"{what}_seconds": n for n, what in enumerate(LIMITS, start=1)})
    assert judge_of(config).limits == Limits(**{what: n for n, what in enumerate(LIMITS, start=1)})


def test_a_limit_that_is_no_number_is_said_in_one_line(course_root):
    config = load_config(course_root)
    config.Judge.cell_seconds = "long"
    with pytest.raises(CourseError, match=r"'cell_seconds' trait .* 'long'") as error:
        judge_of(config)
    assert "\n" not in str(error.value)


def test_a_configuration_with_another_step_has_no_judge(course_root):
    config = load_config(course_root)
    assert isinstance(judge_of(config), Judge)
    config.Autograde.autograde_preprocessors = ["course.grading.plugins.ExecuteShort"]
    assert judge_of(config) is None
