"""A tiny course in a temporary folder, for tests that write into one."""

import os
import shutil
from collections import Counter
from pathlib import Path
from zlib import crc32

import hypothesis
import nbformat
import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from nbgrader.api import Gradebook

from course.layout import load_config
from course.notebooks.source import SourceNotebook

ROOT = Path(__file__).parents[1]
os.environ["KERAS_HOME"] = "/dev/null"  # or Keras would write its settings to the home folder

# No example has to be done in time: a busy machine proves nothing.
hypothesis.settings.register_profile(
    "course", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("course")


def pytest_addoption(parser):
    parser.addoption(
        "--thorough",
        action="store_true",
        help="try every answer, and many more seeds, where a run otherwise takes a sample",
    )
    parser.addoption("--notebook", metavar="NAME", help="run what is tested of this notebook alone")


def pytest_collection_modifyitems(config, items):
    """Leave to `--thorough` what is marked as long, and all but one in so many cases of a test."""
    if config.getoption("thorough"):
        return
    cases = Counter()
    kept, left = [], []
    for item in items:
        test, _, _ = item.nodeid.partition("[")
        sample = item.get_closest_marker("one_in")
        many = sample.args[0] if sample else 1
        # Tests of the same cases begin with different ones, so together they try more of them.
        turn = (cases[test] + crc32(test.encode())) % many
        cases[test] += 1
        (left if turn or item.get_closest_marker("long") else kept).append(item)
    config.hook.pytest_deselected(items=left)
    items[:] = kept


@pytest.fixture(scope="session")
def thorough(pytestconfig):
    """Whether time does not matter."""
    return pytestconfig.getoption("thorough")


SETUP = """\
import numpy as np

from helpers import plots
from helpers.checks import Question, assert_close"""

HINTS = """\
### Exercise: `{name}` (3 points)

<details><summary>Hint 1</summary>Add.</details>

<details><summary>Hint 2</summary>Look at `+`.</details>"""

DOUBLE = '''\
def double(x):
    """Return twice x, an array of any shape."""
    ### BEGIN SOLUTION
    twice_as_much = np.asarray(x) * 2
    return twice_as_much
    ### END SOLUTION'''

TEST_DOUBLE = """\
q = Question("Double", points=3, see="1 Doubling")
with q.check("gives the known values"):
    assert_close(double([1, 2]), [2, 4], mistakes={"it is the square": [1, 4]})
### BEGIN HIDDEN TESTS
with q.check("is right anywhere", points=2, essential=True):
    x = q.rng.normal(size=3)
    assert_close(double(x), 2 * x, mistakes={"it is the square": x**2})
### END HIDDEN TESTS
q.score()"""

QUADRUPLE = '''\
def quadruple(x):
    """Return four times x, an array of any shape."""
    ### BEGIN SOLUTION
    return double(double(x))
    ### END SOLUTION'''

TEST_QUADRUPLE = """\
q = Question("Quadruple", points=1)
with q.check("is four times as much", essential=True):
    assert_close(quadruple(3), 12)
q.score()"""

PLOT = """\
line = double(np.arange(3))
fig, ax = plots.axes()
ax.plot(line)
plots.label(ax, title="Twice as much", x="x", y="2x")
plots.show(fig, "doubling", alt="A straight line of slope two")"""

EXPECTED = """\
<details><summary>The figure you should see</summary>

![A straight line of slope two](figures/doubling.png)

</details>"""

ASSIGNMENT = """\
order = 1
title = "Doubling"
let_out = ["figures/*.png"]

[[part]]
notebook = "doubling"
"""

WHY = """\
Because adding x to itself counts it twice.

=== BEGIN MARK SCHEME ===
2 points for counting it twice
=== END MARK SCHEME ==="""


def marks(grade_id: str, *, grade: bool, solution: bool, points: int | None = None) -> dict:
    """Return nbgrader's metadata for a cell."""
    found = {
        "grade": grade,
        "grade_id": grade_id,
        "locked": not solution,
        "schema_version": 3,
        "solution": solution,
        "task": False,
    }
    return {"nbgrader": found | ({} if points is None else {"points": points})}


def solution(name: str, source: str) -> NotebookNode:
    return new_code_cell(source, id=name, metadata=marks(name, grade=False, solution=True))


def test_cell(name: str, source: str, points: int) -> NotebookNode:
    metadata = marks(name, grade=True, solution=False, points=points)
    return new_code_cell(source, id=name, metadata=metadata)


test_cell.__test__ = False  # type: ignore[attr-defined]


def example() -> NotebookNode:
    """Return a source notebook that keeps every convention."""
    setup = marks("imports", grade=False, solution=False) | {"tags": ["setup"]}
    why = marks("why_twice", grade=True, solution=True, points=2)
    return new_notebook(
        metadata={
            "kernelspec": {
                "display_name": "Python 3 (ipykernel)",
                "language": "python",
                "name": "python3",
            },
            "language_info": {"name": "python"},
        },
        cells=[
            new_markdown_cell("# Doubling", id="title"),
            new_code_cell(SETUP, id="imports", metadata=setup),
            new_markdown_cell(HINTS.format(name="double"), id="about_double"),
            solution("double", DOUBLE),
            test_cell("test_double", TEST_DOUBLE, 3),
            new_code_cell(PLOT, id="plot"),
            new_markdown_cell(EXPECTED, id="expected"),
            new_markdown_cell(HINTS.format(name="quadruple"), id="about_quadruple"),
            solution("quadruple", QUADRUPLE),
            test_cell("test_quadruple", TEST_QUADRUPLE, 1),
            new_markdown_cell(WHY, id="why_twice", metadata=why),
        ],
    )


@pytest.fixture
def notebook() -> NotebookNode:
    """A source notebook that keeps every convention; the test's own, to be broken."""
    return example()


@pytest.fixture
def source(notebook: NotebookNode) -> SourceNotebook:
    """That notebook as the course knows it: in memory, read when it is first asked."""
    return SourceNotebook("doubling", "01_doubling", notebook)


@pytest.fixture(scope="session")
def empty_gradebook(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A gradebook as nbgrader makes it, which takes it seconds: to be copied."""
    path = tmp_path_factory.mktemp("gradebook") / "gradebook.db"
    load_config(ROOT)  # finds alembic for nbgrader
    Gradebook(f"sqlite:///{path}", "deep-learning-from-scratch").close()
    return path


@pytest.fixture
def course_root(tmp_path: Path, empty_gradebook: Path) -> Path:
    """A course of one chapter, 01_doubling/doubling.ipynb, with its figure; nothing released."""
    folder = tmp_path / "course" / "source" / "01_doubling"
    (folder / "figures").mkdir(parents=True)
    (folder / "assignment.toml").write_text(ASSIGNMENT)
    (folder / "figures" / "doubling.png").write_bytes(b"a picture")
    write(folder / "doubling.ipynb", example())
    shutil.copy(ROOT / "nbgrader_config.py", tmp_path / "course")
    shutil.copy(empty_gradebook, tmp_path / "course")
    return tmp_path / "course"


def write(path: Path, nb: NotebookNode) -> None:
    """Write a notebook as the course's notebooks are written."""
    path.write_text(nbformat.writes(nb).rstrip("\n") + "\n", encoding="utf-8")
