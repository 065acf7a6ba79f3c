"""Attacks on the grader: a small assignment, and ways to be marked right without being right.

Each other file of this folder is one attack. Its docstring says what it tries; the rest is what the
student hands in as the solution of `double`, which is wrong unless the attack works. `triple`, the
other exercise, is always answered honestly. Some words stand for what an attacker would find out:
COURSE_FOLDER for the course's path, ACCOMPLICE_PORT for a port of this computer at which somebody
hands over the answer, CALLING_PORT for one that somebody else keeps calling, and "LAST_TIME" for
all that was shown of an earlier hand-in.

An attack on what is held against specifications is handed in to a second notebook (`_halving`). A
line `# cell: half` begins the solution of `half`, and so on; `# earns: begin` names those that are
right as they are. All other exercises are answered honestly.
"""

import ast
import json
import re
import shutil
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from attacks import _halving
from course.notebooks.source import SourceNotebook

ASSIGNMENT, NOTEBOOK, HALVING = "00_doubling", "doubling", "halving"
POINTS = {"double": 4, "triple": 2}
ALL_POINTS = {NOTEBOOK: POINTS, HALVING: _halving.POINTS}
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
        source: the student's cells.
        metadata: what the submission claims the cell of `double` to be, besides the usual.
        notebook: which it is handed in to.
        earns: exercises that it may earn the points of.
    """

    name: str
    says: str
    source: str
    metadata: dict[str, Any]
    notebook: str = NOTEBOOK
    earns: tuple[str, ...] = ()

    @property
    def points(self) -> dict[str, float]:
        """What it may earn, by exercise."""
        attacked = {*self.cells(Path())} - {*self.earns}
        return {
            exercise: 0 if exercise in attacked else points
            for exercise, points in ALL_POINTS[self.notebook].items()
        }

    def cells(
        self, course: Path, accomplice: int = 0, calling: int = 0, last_time: str = ""
    ) -> dict[str, str]:
        """Return the student's cells by exercise, for a course in this folder and these ports."""
        words = {
            "COURSE_FOLDER": str(course),
            "ACCOMPLICE_PORT": str(accomplice),
            "CALLING_PORT": str(calling),
            '"LAST_TIME"': repr(last_time),
        }
        text = self.source
        for word, meaning in words.items():
            text = text.replace(word, meaning)
        first, *others = re.split(r"^# cell: (\w+)\n", text, flags=re.MULTILINE)
        if not others:
            return {"double": first}
        return {
            exercise: source.strip("\n")
            for exercise, source in zip(others[::2], others[1::2], strict=True)
        }


def catalog() -> list[Attack]:
    """Return every attack, by name."""
    return [_read(path) for path in sorted(HERE.glob("[!_]*.py"))]


def _read(path: Path) -> Attack:
    text = path.read_text(encoding="utf-8")
    tree = ast.parse(text)
    doc = ast.get_docstring(tree) or ""
    source = "\n".join(text.splitlines()[tree.body[0].end_lineno :]).strip("\n")
    metadata: dict[str, Any] = {}
    if source.startswith("# metadata: "):
        line, _, source = source.partition("\n")
        metadata = json.loads(line.removeprefix("# metadata: "))
    earns: tuple[str, ...] = ()
    if source.startswith("# earns: "):
        line, _, source = source.partition("\n")
        earns = tuple(line.removeprefix("# earns: ").split())
    notebook = HALVING if "# cell: " in source else NOTEBOOK
    says = " ".join(doc.split()).rstrip(".")
    return Attack(path.stem, says, source.strip("\n"), metadata, notebook, earns)


def source_notebook() -> SourceNotebook:
    """Return the instructor's notebook, without the second one."""
    return SourceNotebook(NOTEBOOK, ASSIGNMENT, _notebook(NOTEBOOK))


def _notebook(name: str) -> NotebookNode:
    setup = _marks("imports", locked=True) | {"tags": ["setup"]}
    solutions = {"double": DOUBLE, "triple": TRIPLE} if name == NOTEBOOK else _halving.SOLUTIONS
    tests = {"double": TEST_DOUBLE, "triple": TEST_TRIPLE}
    cells = [
        new_markdown_cell(f"# {name.capitalize()}", id="title"),
        new_code_cell(SETUP, id="imports", metadata=setup),
    ]
    for exercise, solution in solutions.items():
        marks = _marks(exercise, solution=True)
        cells.append(new_code_cell(solution, id=exercise, metadata=marks))
        test = tests.get(exercise) or _halving.test_of(exercise)
        cells.append(_test(f"test_{exercise}", test, ALL_POINTS[name][exercise]))
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


def hand_in(
    released: NotebookNode, answers: Mapping[str, str], metadata: Mapping[str, Any]
) -> NotebookNode:
    """Return a submission: the release with these answers, and right ones of other exercises.

    Args:
        released: the notebook.
        answers: sources of solution cells by exercise.
        metadata: what the submission claims the cell of `double` to be.
    """
    nb = deepcopy(released)
    honest = {**_halving.SOLUTIONS, "triple": HONEST_TRIPLE}
    for cell in nb.cells:
        if cell.id in answers:
            cell.source = answers[cell.id]
        elif cell.id in honest:
            cell.source = honest[cell.id]
        if cell.id == "double":
            for key, value in metadata.items():
                cell.metadata[key] = (
                    {**cell.metadata.get(key, {}), **value} if isinstance(value, dict) else value
                )
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
        course: the folder; the source notebooks, the submission of an honest student and copies of
            this project's packages will lie there.
        root: where the packages are copied from.
    """
    folder = course / "source" / ASSIGNMENT
    for name in ALL_POINTS:
        write(folder / f"{name}.ipynb", _notebook(name))
        write(course / "submitted" / "ada" / ASSIGNMENT / f"{name}.ipynb", _notebook(name))
    (folder / "specifications").mkdir()
    shutil.copyfile(
        HERE / "_halving_specifications.py", folder / "specifications" / f"{HALVING}.py"
    )
    for package in ("helpers", "course"):
        shutil.copytree(
            root / package, course / package, ignore=shutil.ignore_patterns("__pycache__")
        )
    answers = folder / "bank"
    answers.mkdir()
    (answers / f"{HALVING}.toml").write_text(_halving.BANK)
    (answers / f"{NOTEBOOK}.toml").write_text(
        f"[[right]]\ncell = '''\n{DOUBLE}'''\n".replace('"""', "'")
    )
    (course / ".course-secret").write_text("5e" * 32)
