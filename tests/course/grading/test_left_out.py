"""A notebook that needs what is not installed is left out: nothing is scored, nothing is lost."""

import nbformat
import pytest
from nbgrader.api import Gradebook

from course.authoring.figures import make_figures
from course.authoring.release import make_release
from course.doctor import State, notebooks
from course.grading.check import check_notebook
from course.grading.feedback import make_feedback
from course.grading.grade import grade_class
from course.grading.notes import Status
from course.grading.results import read_results
from course.judge.sandbox.server import WarmServer
from course.layout import CourseError
from course.notebooks.cells import NOT_GRADED, read

PAIR = "02_pair"
NEEDS = 'needs = ["no-such-package>=1"]\n'
LACKS = 'needs what is not installed here: pip install "no-such-package>=1"'
RIGHT = {
    "double": "def double(x):\n    return 2 * np.asarray(x)",
    "quadruple": "def quadruple(x):\n    return 4 * np.asarray(x)",
}
EXECUTE = '"course.grading.plugins.ExecuteShort",'


def need(root, needs=NEEDS):
    """Have the second notebook of the pair need something, or nothing."""
    path = root / "source" / PAIR / "assignment.toml"
    path.write_text(path.read_text().replace(NEEDS, "") + needs)
    make_release(root, [PAIR])


def grades(root):
    """Return what the gradebook holds of Ada's tests: score by the tests, whether it waits."""
    with Gradebook(f"sqlite:///{root / 'gradebook.db'}") as book:
        return {
            (notebook.name, grade.name): (grade.auto_score, grade.needs_manual_grade)
            for notebook in book.find_submission(PAIR, "ada").notebooks
            for grade in notebook.grades
            if grade.name.startswith("test_")
        }


def graded(root):
    (outcome,) = grade_class(root, [PAIR], student="ada", jobs=1)
    return outcome


def test_the_other_part_is_graded_and_it_waits_until_it_can_be(released, hand_in):
    need(released)
    hand_in(released, "ada", PAIR, **RIGHT)
    outcome = graded(released)
    assert outcome.status is Status.GRADED
    assert outcome.notes == (f"second.ipynb: not graded: second {LACKS}",)
    first = {("first", "test_double"): (3, False), ("first", "test_quadruple"): (1, False)}
    assert grades(released) == first | {
        ("second", "test_double"): (None, True),
        ("second", "test_quadruple"): (None, True),
    }
    waiting = read_results(released).works["ada", PAIR].waiting
    assert {"double", "quadruple"} <= {c.id for c in waiting if c.notebook == "second"}

    need(released, "")
    assert graded(released).status is Status.GRADED  # though nothing was handed in since
    assert grades(released) == first | {
        ("second", "test_double"): (3, False),
        ("second", "test_quadruple"): (1, False),
    }
    assert graded(released).status is Status.UP_TO_DATE


def test_earlier_grades_stay(released, hand_in):
    hand_in(released, "ada", PAIR, **RIGHT)
    graded(released)
    before = grades(released)
    need(released)
    hand_in(released, "ada", PAIR, **(RIGHT | {"double": "def double(x):\n    return 0"}))
    graded(released)
    after = grades(released)
    assert {key: after[key] for key in before if key[0] == "second"} == {
        key: value for key, value in before.items() if key[0] == "second"
    }
    assert after["first", "test_double"] == (0, False)


def test_its_feedback_says_so(released, hand_in):
    need(released)
    hand_in(released, "ada", PAIR, **RIGHT)
    graded(released)
    make_feedback(released, [PAIR], jobs=1)
    pages = released / "feedback" / "ada" / PAIR
    words = "Your notebook has not been graded yet"
    assert words in (pages / "second.html").read_text()
    assert words not in (pages / "first.html").read_text()


def test_a_student_cannot_have_a_notebook_left_out(released, hand_in):
    folder = hand_in(released, "ada", PAIR, **RIGHT)
    nb = read(folder / "second.ipynb")
    nb.metadata[NOT_GRADED] = "not graded: never"
    nbformat.write(nb, folder / "second.ipynb")
    assert graded(released).notes == ()
    assert grades(released)["second", "test_double"] == (3, False)


@pytest.mark.slow
def test_a_kernel_of_nbgraders_own_leaves_it_out_too(released, hand_in):
    config = released / "nbgrader_config.py"
    text = config.read_text()
    assert "    Judge,  #" in text
    config.write_text(text.replace("    Judge,  #", f"    {EXECUTE}  #"))
    need(released)
    hand_in(released, "ada", PAIR, **RIGHT)
    assert graded(released).notes == (f"second.ipynb: not graded: second {LACKS}",)
    assert grades(released)["second", "test_double"] == (None, True)


def test_what_runs_it_by_itself_says_what_is_missing(released, tmp_path):
    need(released)
    with pytest.raises(CourseError, match=r"second\.ipynb needs what") as error:
        check_notebook(released, released / "release" / PAIR / "second.ipynb", WarmServer())
    assert "\n" not in str(error.value)
    lines = []
    made = make_figures(released, [PAIR], into=tmp_path, on_left_out=lines.append)
    assert [path.name for path in made] == ["doubling.png"]
    assert lines == [f"{PAIR}/second.ipynb {LACKS}"]
    (finding,) = notebooks(released)
    assert (finding.state, finding.line) == (State.NOTE, f"{PAIR}/second.ipynb {LACKS}")
