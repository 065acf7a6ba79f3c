"""Attacks on the grader: a small assignment, and ways to be marked right without being right.

Each other file of this folder is one attack. Its docstring says what it tries; the rest is what the
student hands in as the solution of `double`, which is wrong unless the attack works. `triple`, the
other exercise, is always answered honestly. Some words stand for what an attacker would find out:
COURSE_FOLDER for the course's path, ACCOMPLICE_PORT for a port of this computer at which somebody
hands over the answer, and CALLING_PORT for one that somebody else keeps calling.
"""

import ast
import json
import shutil
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from course.notebooks.source import SourceNotebook

ASSIGNMENT, NOTEBOOK = "00_doubling", "doubling"
POINTS = {"double": 4, "triple": 2}
HERE = Path(__file__).parent
SECRET = "COURSE_STAFF_TOKEN"  # an environment variable of the grader's, which holds the answer

SETUP = """\
import numpy as np

from helpers.checks import Question, assert_close"""

DOUBLE = '''\
def double(f, x):
    """Return twice what f gives at x, an array of any shape."""
    ### BEGIN SOLUTION
    return 2 * f(x)
    ### END SOLUTION'''

TEST_DOUBLE = """\
q = Question("Double", points=4, see="1 Doubling")
with q.check("gives the known values"):
    assert_close(
        double(np.abs, np.array([-1.0, 2.0, 4.0])),
        [2.0, 4.0, 8.0],
        mistakes={"f is left out": [-2.0, 4.0, 8.0]},
    )
### BEGIN HIDDEN TESTS
with q.check("is right at random points", points=2, essential=True):
    x = q.rng.normal(size=(3, 4))
    expected = 2 * np.sin(x)
    assert_close(double(np.sin, x.copy()), expected)
with q.check("takes any function"):
    x, power = q.rng.normal(size=5), q.rng.integers(2, 5)
    expected = 2 * x**power
    assert_close(double(lambda v: v**power, x.copy()), expected)
### END HIDDEN TESTS
q.score()"""

TRIPLE = '''\
def triple(x):
    """Return three times x, an array of any shape."""
    ### BEGIN SOLUTION
    return 3 * x
    ### END SOLUTION'''

TEST_TRIPLE = """\
q = Question("Triple", points=2)
with q.check("gives the known values"):
    assert_close(triple(np.array([1.0, 2.0])), [3.0, 6.0])
### BEGIN HIDDEN TESTS
with q.check("is right at random points", essential=True):
    x = q.rng.normal(size=3)
    expected = 3 * x
    assert_close(triple(x.copy()), expected)
### END HIDDEN TESTS
q.score()"""

HONEST_TRIPLE = "def triple(x):\n    return 3 * x"


@dataclass(frozen=True)
class Attack:
    """An attack.

    Attributes:
        name: the file's name without its ending.
        says: what it tries, in one line.
        source: the student's cell.
        metadata: what the submission claims the cell to be, besides the usual.
    """

    name: str
    says: str
    source: str
    metadata: dict[str, Any]

    def cell(self, course: Path, accomplice: int = 0, calling: int = 0) -> str:
        """Return the student's cell for a course in this folder and these ports."""
        words = {
            "COURSE_FOLDER": str(course),
            "ACCOMPLICE_PORT": str(accomplice),
            "CALLING_PORT": str(calling),
        }
        text = self.source
        for word, meaning in words.items():
            text = text.replace(word, meaning)
        return text


def catalog() -> list[Attack]:
    """Return every attack, by name."""
    return [_read(path) for path in sorted(HERE.glob("*.py")) if path.stem != "__init__"]


def _read(path: Path) -> Attack:
    text = path.read_text(encoding="utf-8")
    tree = ast.parse(text)
    doc = ast.get_docstring(tree) or ""
    source = "\n".join(text.splitlines()[tree.body[0].end_lineno :]).strip("\n")
    metadata: dict[str, Any] = {}
    if source.startswith("# metadata: "):
        line, _, source = source.partition("\n")
        metadata = json.loads(line.removeprefix("# metadata: "))
    return Attack(path.stem, " ".join(doc.split()).rstrip("."), source, metadata)


def source_notebook() -> SourceNotebook:
    """Return the instructor's notebook."""
    return SourceNotebook(NOTEBOOK, ASSIGNMENT, _notebook())


def _notebook() -> NotebookNode:
    setup = _marks("imports", locked=True) | {"tags": ["setup"]}
    cells = [
        new_markdown_cell("# Doubling", id="title"),
        new_code_cell(SETUP, id="imports", metadata=setup),
        new_code_cell(DOUBLE, id="double", metadata=_marks("double", solution=True)),
        _test("test_double", TEST_DOUBLE, 4),
        new_code_cell(TRIPLE, id="triple", metadata=_marks("triple", solution=True)),
        _test("test_triple", TEST_TRIPLE, 2),
    ]
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    return new_notebook(
        metadata={"kernelspec": kernel, "language_info": {"name": "python"}}, cells=cells
    )


def _marks(grade_id: str, **marks: Any) -> dict[str, Any]:
    usual = {"grade": False, "locked": False, "solution": False, "task": False}
    return {"nbgrader": {"grade_id": grade_id, "schema_version": 3, **usual, **marks}}


def _test(name: str, source: str, points: int) -> NotebookNode:
    marks = _marks(name, grade=True, locked=True, points=points)
    return new_code_cell(source, id=name, metadata=marks)


def hand_in(released: NotebookNode, double: str, metadata: dict[str, Any]) -> NotebookNode:
    """Return a submission: the release with this solution of `double`."""
    nb = deepcopy(released)
    for cell in nb.cells:
        if cell.id == "double":
            cell.source = double
            for key, value in metadata.items():
                cell.metadata[key] = (
                    {**cell.metadata.get(key, {}), **value} if isinstance(value, dict) else value
                )
        elif cell.id == "triple":
            cell.source = HONEST_TRIPLE
    return nb


def write(path: Path, nb: NotebookNode) -> None:
    """Write a notebook, and the folder that it lies in."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(nbformat.writes(nb), encoding="utf-8")


@contextmanager
def accomplices() -> Iterator[tuple[int, int]]:
    """Hand over the answer at one port of this computer, and at another to who listens there.

    Yields:
        The port that answers, and the one that is called.
    """
    server = socket.create_server(("127.0.0.1", 0))
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        calling = reserved.getsockname()[1]
    done = threading.Event()

    def answer() -> None:
        with suppress(OSError):
            while True:
                connection, _ = server.accept()
                with connection:
                    connection.sendall(b"2 * f(x)")

    def call() -> None:
        while not done.wait(0.2):
            with suppress(OSError), socket.create_connection(("127.0.0.1", calling), 1) as other:
                other.sendall(b"2 * f(x)")

    threads = [threading.Thread(target=work, daemon=True) for work in (answer, call)]
    for thread in threads:
        thread.start()
    try:
        yield server.getsockname()[1], calling
    finally:
        done.set()
        server.shutdown(socket.SHUT_RDWR)
        server.close()


def furnish(course: Path, root: Path) -> None:
    """Fill a course folder with all that the attacks look for but the gradebook.

    Args:
        course: the folder; the source notebook, the submission of an honest student and copies of
            this project's packages will lie there.
        root: where the packages are copied from.
    """
    source = source_notebook().notebook
    write(course / "source" / ASSIGNMENT / f"{NOTEBOOK}.ipynb", source)
    write(course / "submitted" / "ada" / ASSIGNMENT / f"{NOTEBOOK}.ipynb", source)
    for package in ("helpers", "course"):
        shutil.copytree(
            root / package, course / package, ignore=shutil.ignore_patterns("__pycache__")
        )
    answers = course / "source" / ASSIGNMENT / "bank"
    answers.mkdir()
    (answers / f"{NOTEBOOK}.toml").write_text(
        f"[[right]]\ncell = '''\n{DOUBLE}'''\n".replace('"""', "'")
    )
    (course / ".course-secret").write_text("5e" * 32)
