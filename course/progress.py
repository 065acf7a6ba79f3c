"""How far a reader has come in my_work/, from their own last runs, and the file they hand in.

Looks at notebooks and what their cells showed last; runs nothing and judges nothing.
"""

import hashlib
import io
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from nbformat import NotebookNode

from course.layout import CourseError
from course.notebooks.assignment import SOURCE, Assignment, read_assignments
from course.notebooks.cells import (
    TEST_PREFIX,
    NotebookError,
    exercise_titles,
    grade_id,
    is_solution,
    is_test,
    read,
)
from course.workspace import FOLDER, TO_DO

TO_ANSWER = "YOUR ANSWER HERE"
LARGEST = 100 << 20  # bytes of a notebook that is packed


class State(StrEnum):
    """How far an exercise is."""

    OPEN = "not attempted"
    UNTRIED = "not tried since it was opened"
    WRONG = "some checks fail"
    DONE = "done"


@dataclass(frozen=True)
class Exercise:
    """An exercise of a reader's own notebook.

    Attributes:
        id: the grade_id of the cell with its answer.
        title: its heading, such as "2.4: log_softmax".
        state: how far it is; an answer in words is done when there is one.
    """

    id: str
    title: str
    state: State


@dataclass(frozen=True)
class Progress:
    """How far a reader has come in one notebook.

    Attributes:
        path: the notebook's.
        exercises: in its order; none if the notebook can't be read.
        problem: why it can't be read, in one line; empty if it can.
    """

    path: Path
    exercises: tuple[Exercise, ...] = ()
    problem: str = ""

    @property
    def done(self) -> int:
        """How many are done."""
        return sum(one.state is State.DONE for one in self.exercises)

    @property
    def next(self) -> Exercise | None:
        """The first that is not done."""
        return next((one for one in self.exercises if one.state is not State.DONE), None)


def read_progress(path: Path) -> Progress:
    """Return how far a reader has come in a notebook, whatever state it is in."""
    try:
        return Progress(path, tuple(_exercises(read(path))))
    except (NotebookError, OSError) as error:
        return Progress(path, problem=str(error))


def all_progress(root: Path) -> Iterator[Progress]:
    """Yield a reader's progress in each notebook that they have a copy of, in the course's order.

    Raises:
        CourseError: if they have none.
    """
    found = False
    for assignment in read_assignments(root / SOURCE):
        for path in _notebooks(root, assignment):
            found = True
            yield read_progress(path)
    if not found:
        raise CourseError(f"{root / FOLDER} has no notebooks: run `course workspace` first")


@dataclass(frozen=True)
class HandIn:
    """What there is to hand in.

    Attributes:
        path: the file that was written.
        digest: its SHA-256, which tells it from any other file.
        progress: of each notebook in it.
        missing: files that should be in it and are not there.
    """

    path: Path
    digest: str
    progress: tuple[Progress, ...]
    missing: tuple[str, ...]


def pack(root: Path, name: str) -> HandIn:
    """Write a chapter of my_work/ into one file, my_work/NAME.zip, to be handed in.

    Packed again without a change it is the same file.

    Args:
        root: the course's folder.
        name: the chapter's folder, such as "02_softmax".

    Raises:
        CourseError: if there is no such chapter, or it can't be read or written.
    """
    known = {one.name: one for one in read_assignments(root / SOURCE)}
    if name not in known:
        raise CourseError(f"there is no chapter {name}; there are: {', '.join(known)}")
    folder = root / FOLDER / name
    notebooks = list(_notebooks(root, known[name]))
    if not notebooks:
        raise CourseError(f"{folder} has no notebook: run `course workspace` first")
    parts = known[name].parts
    wanted = [folder / f"{part.notebook}.ipynb" for part in parts]
    wanted += [folder / file for part in parts for file in part.hand_in]
    there = [path for path in wanted if path.is_file()]
    target = folder.with_suffix(".zip")
    try:
        content = _zipped(name, there)
        target.write_bytes(content)
    except OSError as error:
        raise CourseError(f"{error.filename or target}: {error.strerror}") from None
    return HandIn(
        path=target,
        digest=hashlib.sha256(content).hexdigest(),
        progress=tuple(map(read_progress, notebooks)),
        missing=tuple(path.name for path in wanted if path not in there),
    )


def _notebooks(root: Path, assignment: Assignment) -> Iterator[Path]:
    for part in assignment.parts:
        path = root / FOLDER / assignment.name / f"{part.notebook}.ipynb"
        if path.is_file():
            yield path


def _exercises(nb: NotebookNode) -> Iterator[Exercise]:
    titles = exercise_titles(nb)
    tests = {grade_id(cell): cell for cell in nb.cells if is_test(cell)}
    for cell in nb.cells:
        key = grade_id(cell)
        marks = cell.metadata.get("nbgrader", {})
        if is_solution(cell) and f"{TEST_PREFIX}{key}" in tests:
            yield Exercise(key, titles.get(key, key), _state(cell, tests[f"{TEST_PREFIX}{key}"]))
        elif marks.get("grade") and not is_test(cell):
            left = TO_ANSWER in cell.source or not cell.source.strip() or TO_DO in cell.source
            yield Exercise(key, titles.get(key, key), State.OPEN if left else State.DONE)


def _state(answer: NotebookNode, test: NotebookNode) -> State:
    if TO_DO in answer.source:
        return State.OPEN
    shown = [
        output.get("data", {}).get("text/plain")
        for output in test.get("outputs", [])
        if output.output_type == "execute_result"
    ]
    try:
        points = float(shown[-1])
    except (IndexError, TypeError, ValueError):
        return State.UNTRIED
    return State.DONE if points >= float(test.metadata.nbgrader.get("points", 0)) else State.WRONG


def _zipped(name: str, paths: Sequence[Path]) -> bytes:
    """Return files as a zip that holds one folder, and no time of its own."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in paths:
            if path.stat().st_size > LARGEST:
                raise CourseError(f"{path} is larger than {LARGEST >> 20} MB: clear its outputs")
            entry = zipfile.ZipInfo(f"{name}/{path.name}", (1980, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, path.read_bytes())
    return packed.getvalue()
