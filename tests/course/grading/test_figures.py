"""Figures that are left out while a class is graded, and drawn when somebody asks for them."""

import pytest

from course.grading.grade import grade_class
from course.grading.notes import Status
from course.notebooks.cells import grade_id, read
from course.verdict import find_verdict

DOUBLING = "01_doubling"
BY_SHOW = """
from helpers import plots
own, ax = plots.axes()
ax.plot([1, 2])
plots.show(own, "line", "A line that rises.")
"""
BY_PYPLOT = """
import matplotlib.pyplot as plt
plt.plot([2, 1])
plt.title("It falls")
plt.show()
plt.figure()
"""
IN_ITS_PLACE = """
from matplotlib.figure import Figure
figure = Figure()
figure.subplots().set_title("As a result")
figure
"""
BY_MAGIC = "%matplotlib inline\n%config InlineBackend.figure_format = 'retina'\n" + BY_PYPLOT
LATER = """
import matplotlib.pyplot as plt
kept = plt.figure()
kept.subplots().plot([1, 2])
kept.savefig("kept.png")
kept.canvas.draw()
print(open("kept.png", "rb").read(4), (np.asarray(kept.canvas.buffer_rgba()) < 128).any())
plt.close(kept)
"""
DOUBLE = "def double(x):\n    return 2 * np.asarray(x)\n"


def outputs(root, name="double"):
    nb = read(root / "autograded" / "ada" / DOUBLING / "doubling.ipynb")
    (cell,) = [cell for cell in nb.cells if grade_id(cell) == name]
    return cell.outputs


def kinds(root):
    return {kind for output in outputs(root) for kind in output.get("data", {})}


def grades(root, **options):
    (outcome,) = grade_class(root, jobs=1, **options)
    nb = read(root / "autograded" / "ada" / DOUBLING / "doubling.ipynb")
    verdict = find_verdict(nb.metadata)
    return outcome.status, [(one.score, one.checks) for one in verdict.exercises]


@pytest.mark.parametrize(
    ("drawing", "words"),
    [
        (BY_SHOW, "[figure left out] A line that rises."),
        (BY_PYPLOT, "[figure left out] It falls"),
        (BY_MAGIC, "[figure left out] It falls"),
        (IN_ITS_PLACE, "[figure left out] As a result"),
    ],
)
def test_a_figure_is_left_out_until_somebody_asks_for_it(released, hand_in, drawing, words):
    hand_in(released, "ada", double=drawing if drawing is IN_ITS_PLACE else drawing + DOUBLE)
    status, scores = grades(released)
    assert status is Status.GRADED
    assert "image/png" not in kinds(released)
    assert words in [output.get("data", {}).get("text/plain") for output in outputs(released)]
    assert grades(released, figures=True) == (Status.GRADED, scores)
    assert "image/png" in kinds(released)
    assert grades(released, figures=True) == (Status.UP_TO_DATE, scores)
    assert grades(released) == (Status.UP_TO_DATE, scores)
    assert "image/png" in kinds(released)  # what was drawn stays


def test_a_course_can_have_all_figures_drawn(released, hand_in):
    config = released / "nbgrader_config.py"
    config.write_text(config.read_text() + '\nc.Judge.figures = "drawn"\n')
    hand_in(released, "ada", double=BY_SHOW + DOUBLE)
    grades(released)
    assert "image/png" in kinds(released)


def test_code_that_goes_on_with_its_figure_is_served(released, hand_in):
    hand_in(released, "ada", double=LATER + DOUBLE)
    grades(released)
    (output,) = outputs(released)
    assert output.text == "b'\\x89PNG' True\n"
