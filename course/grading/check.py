"""Grade one notebook by itself: no gradebook, the same judge.

For self-learners, for tests, and for an appeal, which replays the random points of a verdict. The
judge is as the course's configuration sets it. Knows nothing of nbgrader's folders.
"""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from nbformat import NotebookNode
from traitlets.config import Config

from course.judge.preprocessor import configured_judge
from course.judge.sandbox.server import WarmServer
from course.judge.supervise import Submission, digest, grade_notebook
from course.layout import CourseError, load_config
from course.notebooks.assignment import SOURCE, read_assignment
from course.notebooks.cells import is_manual
from course.notebooks.source import SourceNotebook, source_notebook, source_notebooks
from course.repair.exporter import UnreadableFileError, read_submitted
from course.repair.repair import Repaired, repair
from course.repair.which import files, is_notebook, likeness, which
from course.secret import course_secret, hand_in_seed
from course.verdict import Verdict, read_verdict
from helpers.standing import exercises

NOBODY = "course check"


def check_notebook(
    root: Path,
    path: Path,
    server: WarmServer,
    *,
    source: Path | None = None,
    replay: Path | None = None,
    unprotected: bool = False,
) -> Verdict:
    """Grade a notebook.

    Args:
        root: the course's folder.
        path: the notebook, under the name of one of the course's or with its cells; files that are
            handed in with it lie beside it.
        server: a warm server.
        source: which of the course's it is, if that is known.
        replay: a verdict's file, whose random points are drawn again.
        unprotected: grade even where a protection is missing on this machine.

    Raises:
        CourseError: if the file can't be read, or the course has no notebook of this name, or if
            this machine can't confine the notebook's code and nobody said to go on all the same.
    """
    config = load_config(root)
    judge = configured_judge(config)
    if not unprotected:
        judge.check_machine(besides=", or run it with --unprotected")
    if not os.path.lexists(path):
        raise CourseError(f"{path}: no such file")
    own = source_notebook(source or find_source(root, path))
    if own.lacks:
        raise CourseError(f"{path.name} {own.lacks}")
    repaired = _repaired(path, own, config)
    with _let_out(own.folder) as folder:
        handed_in = own.handed_in(path.parent)
        what = digest(own.notebook, repaired.notebook, folder, handed_in)
        seed = _replayed(own, replay) if replay else _seed(root, what)
        work = Submission(own, repaired.notebook, folder, seed, handed_in, drawn=False)
        verdict, _ = grade_notebook(work, server, judge.limits)
    return replace(verdict, repairs=tuple(repaired.notes))


@contextlib.contextmanager
def _let_out(source: Path) -> Iterator[Path]:
    """Yield a folder with what students get of an assignment besides its notebooks."""
    assignment = read_assignment(source)
    with tempfile.TemporaryDirectory(prefix="let-out-") as name:
        for path in source.rglob("*"):
            relative = path.relative_to(source)
            if path.is_file() and path.suffix != ".ipynb" and assignment.lets_out(relative):
                copy = Path(name, relative)
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, copy)
        yield Path(name)


def _repaired(path: Path, source: SourceNotebook, config: Config) -> Repaired:
    """Return the notebook as the judge takes it; the instructor's own needs no repair."""
    if source.path and path.resolve() == source.path.resolve():
        return Repaired(source.notebook, [])
    try:
        data = read_submitted(path, path.parent)
        return repair(data, source.released(config), name=source.name)
    except UnreadableFileError as error:
        raise CourseError(str(error).rstrip(".")) from None


def find_source(root: Path, path: Path) -> Path:
    """Return the instructor's notebook of the same name, or else the one whose cells a file has.

    Raises:
        CourseError: if there is none, or several and the folder doesn't tell which is meant, or if
            this copy of the course has no source/.
    """
    _must_have_source(root)
    found = sorted((root / SOURCE).glob(f"*/{path.stem}.ipynb"))
    here = [source for source in found if source.parent.name == path.resolve().parent.name]
    if len(here or found) == 1:
        return (here or found)[0]
    if not found and (alike := _alike(root, path)):
        return alike
    raise CourseError(
        f"{path.name} has no counterpart in source/: neither its name nor its cells tell which "
        "notebook of the course it is"
    )


def _must_have_source(root: Path) -> None:
    """Raise CourseError in a class's copy, which has no source/."""
    if not any((root / SOURCE).glob("*/*.ipynb")):
        raise CourseError(
            f"{root / SOURCE} has no notebooks: this copy of the course can't grade; nbgrader's "
            "Validate runs the checks that you see"
        )


def points_in_words(source: Path) -> float:
    """Return the points that the course gives for a notebook's answers in words."""
    cells = source_notebook(source).notebook.cells
    return sum(float(cell.metadata.nbgrader.points) for cell in cells if is_manual(cell))


def exercise_names(source: Path) -> dict[str, str]:
    """Return what a notebook calls its exercises, such as "2.4 log_softmax", by their grade_id."""
    cells = source_notebook(source).notebook.cells
    numbers = {one.id: one.title.partition(": ") for one in exercises(cells)}
    return {key: f"{number} {key}" for key, (number, colon, _) in numbers.items() if colon}


def _alike(root: Path, path: Path) -> Path | None:
    """Return the instructor's notebook that shares most cells with a file; None if none does."""
    try:
        data = read_submitted(path, path.parent)
    except UnreadableFileError as error:
        raise CourseError(str(error).rstrip(".")) from None
    shared = {
        source.path: likeness(data, source.notebook, source.name)
        for source in source_notebooks(root / SOURCE)
    }
    best = max(shared, key=lambda one: shared[one], default=None)
    return best if best and shared[best] else None


@dataclass(frozen=True)
class _Given(Mapping[str, NotebookNode]):
    """The course's notebooks as they were released, by name, each made when it is first asked."""

    sources: Mapping[str, SourceNotebook]
    config: Config

    def __getitem__(self, name: str) -> NotebookNode:
        return self.sources[name].released(self.config)

    def __iter__(self) -> Iterator[str]:
        return iter(self.sources)

    def __len__(self) -> int:
        return len(self.sources)


def notebooks_in(root: Path, folder: Path) -> list[tuple[Path, Path]]:
    """Return the files of a folder, and of those below, that `course grade` would take.

    Each comes with the instructor's notebook that it is. In each folder these are the files that
    `which` finds, and notebooks of any name that have the cells of one that it does not find.

    Args:
        root: the course's folder.
        folder: a student's, with any of the course's notebooks in it, under whatever names.

    Raises:
        CourseError: if there is none, or if this copy of the course has no source/.
    """
    _must_have_source(root)
    sources = {one.name: one for one in source_notebooks(root / SOURCE)}
    given = _Given(sources, load_config(root))
    there = set(files(folder))
    found: set[tuple[Path, Path]] = set()
    for place in {path.parent for path in there}:
        taken = {
            (path, source)
            for name in sources
            if (path := which(place, name, given).path) in there
            and (source := _source(root, place / f"{name}.ipynb"))
        }
        others = {
            (path, source)
            for path in there
            if path.parent == place and is_notebook(path) and (source := _source(root, path))
        }
        known = {source for _, source in taken}
        found |= taken | {one for one in others if one[1] not in known}
    if not found:
        raise CourseError(f"{folder} holds no notebook of the course")
    return sorted(found, key=lambda one: (str(one[0]), str(one[1])))


def _source(root: Path, path: Path) -> Path | None:
    """Return the instructor's notebook that a file is; None if it is none, or can't be told."""
    try:
        return find_source(root, path)
    except CourseError:
        return None


def _seed(root: Path, what: bytes) -> bytes:
    try:
        return hand_in_seed(course_secret(root), NOBODY, what)
    except ValueError as error:
        raise CourseError(str(error)) from None


def _replayed(source: SourceNotebook, replay: Path) -> bytes:
    verdict = read_verdict(replay)
    if verdict.notebook != source.name:
        raise CourseError(f"{replay} is a verdict on another notebook than {source.name}")
    if not verdict.seed:
        raise CourseError(f"{replay} holds no seed, so its random points can't be drawn again")
    return verdict.seed
