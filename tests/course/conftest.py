"""A released course, and a small class whose work has been graded, for tests to change."""

import shutil
from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest
from nbformat import NotebookNode
from nbgrader.api import Gradebook

from course.authoring.release import make_release
from course.grading.grade import grade_class
from course.notebooks.cells import grade_id, read

DUE = "2026-10-02 18:00:00"
RIGHT = "def double(x):\n    return np.asarray(x) * 2"
SQUARE = "def double(x):\n    return np.asarray(x) ** 2"
TWICE = "def quadruple(x):\n    return double(double(x))"
BY_ITSELF = "def quadruple(x):\n    return 4 * np.asarray(x)"
SCRIPT = "<script>alert('stolen')</script>"
HTML_OUTPUT = (
    f'{RIGHT}\nfrom IPython.display import HTML, display\ndisplay(HTML("{SCRIPT}<b>bold</b>"))'
)

PAIR = """\
order = 2
title = "A pair"
let_out = ["figures/*.png"]

[[part]]
notebook = "first"

[[part]]
notebook = "second"
"""

HandIn = Callable[..., Path]


@pytest.fixture(autouse=True)
def one_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Grade in one process unless a test says otherwise: each takes seconds to begin."""
    monkeypatch.setattr("os.cpu_count", lambda: 1)


_ready: dict[str, Path] = {}


@pytest.fixture
def released(course_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A course of two chapters, 01_doubling and 02_pair with two notebooks, both released."""
    if "released" not in _ready:
        sources = course_root / "source"
        shutil.copytree(sources / "01_doubling", sources / "02_pair")
        (sources / "02_pair" / "assignment.toml").write_text(PAIR)
        (sources / "02_pair" / "doubling.ipynb").rename(sources / "02_pair" / "first.ipynb")
        shutil.copy(sources / "02_pair" / "first.ipynb", sources / "02_pair" / "second.ipynb")
        make_release(course_root)
        _ready["released"] = tmp_path_factory.mktemp("released") / "course"
        shutil.copytree(course_root, _ready["released"])
    else:
        shutil.copytree(_ready["released"], course_root, dirs_exist_ok=True)
    return course_root


@pytest.fixture
def hand_in() -> HandIn:
    """A function that puts a student's work into submitted/ and returns its folder."""

    def put(
        root: Path, student: str, assignment: str = "01_doubling", when: str = "", **cells: str
    ) -> Path:
        folder = root / "submitted" / student / assignment
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(root / "release" / assignment, folder)
        if when:
            (folder / "timestamp.txt").write_text(when)
        for path in folder.glob("*.ipynb"):
            fill(path, cells)
        return folder

    return put


def fill(path: Path, cells: dict[str, str]) -> None:
    nb: NotebookNode = read(path)
    for cell in nb.cells:
        cell.source = cells.get(grade_id(cell), cell.source)
    path.write_text(nbformat.writes(nb), encoding="utf-8")


@pytest.fixture
def graded(released: Path, hand_in: HandIn, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The course with a class that has been graded by `grade_class`.

    ada: all right, late, and HTML with scripts; bob: squares instead of doubling, half of 02_pair
    is junk; cat: blank; dan: a file cut within the first answer; hal: code that ends Python, and a
    right answer after it; ian: no notebook.
    """
    if "graded" not in _ready:
        with Gradebook(f"sqlite:///{released / 'gradebook.db'}") as gradebook:
            gradebook.update_or_create_assignment("01_doubling", duedate=DUE)
            gradebook.update_or_create_student("ada", first_name="Ada", last_name="<b>Byron</b>")
        why = f"Because {SCRIPT} it is twice."
        late = "2026-10-03 18:00:00 UTC"
        hand_in(released, "ada", when=late, double=HTML_OUTPUT, quadruple=TWICE, why_twice=why)
        hand_in(released, "bob", when="2026-10-01 18:00:00 UTC", double=SQUARE, quadruple=TWICE)
        pair = hand_in(released, "bob", "02_pair", double=RIGHT, quadruple=TWICE)
        (pair / "second.ipynb").write_text("{")
        hand_in(released, "cat")
        broken = hand_in(released, "dan") / "doubling.ipynb"
        broken.write_text(broken.read_text()[:900])
        hand_in(released, "hal", double="import os\nos._exit(1)", quadruple=BY_ITSELF)
        (hand_in(released, "ian") / "doubling.ipynb").unlink()
        grade_class(released, jobs=2)
        _ready["graded"] = tmp_path_factory.mktemp("graded") / "course"
        shutil.copytree(released, _ready["graded"])
    else:
        shutil.copytree(_ready["graded"], released, dirs_exist_ok=True)
    return released
