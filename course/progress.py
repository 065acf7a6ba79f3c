"""How far a reader has come in my_work/, from their own last runs, and the file they hand in.

Looks at notebooks and what their cells showed last; runs nothing and judges nothing.
"""

import hashlib
import io
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from course.layout import CourseError
from course.notebooks.assignment import Assignment, known_assignments
from course.notebooks.cells import NotebookError, read
from course.workspace import FOLDER, find_chapter
from helpers.standing import Exercise, State, exercises

LARGEST = 100 << 20  # bytes of a notebook that is packed


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
        return Progress(path, tuple(exercises(read(path).cells)))
    except (NotebookError, OSError) as error:
        return Progress(path, problem=str(error))


def all_progress(root: Path) -> Iterator[Progress]:
    """Yield a reader's progress in each notebook that they have a copy of, in the course's order.

    Raises:
        CourseError: if they have none.
    """
    found = False
    for assignment in known_assignments(root):
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
        name: the chapter's folder, such as "02_softmax", or its number.

    Raises:
        CourseError: if there is no such chapter, or it can't be read or written.
    """
    chapter = find_chapter(root, name)
    name = chapter.name
    folder = root / FOLDER / name
    notebooks = list(_notebooks(root, chapter))
    if not notebooks:
        raise CourseError(f"{folder} has no notebook: run `course workspace` first")
    parts = chapter.parts
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
