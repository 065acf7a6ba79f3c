"""Which of the files that were handed in was meant for a notebook of the course.

Names come first; where they don't decide, what stands in the files does. Runs nothing, follows no
link, and raises nothing that a file's name or bytes can bring about.
"""

import os
import re
import stat
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from nbformat import NotebookNode

from course.files import walk
from course.notebooks.cells import grade_id, is_solution
from course.repair.exporter import UnreadableFileError, read_submitted
from course.repair.repair import repair
from course.repair.salvage import salvage

MAX_READ = 20  # files that are read to find the one that was meant
MAX_NAMES = 10_000  # in an archive

NOTEBOOK = ".ipynb"
#: What a browser, an editor or a file manager puts behind a notebook's name, or in place of it.
ENDINGS = (NOTEBOOK, ".json", ".txt", ".py", ".zip", ".part", ".crdownload", ".download", ".bak")


@dataclass(frozen=True)
class Meant:
    """The file to be graded as a notebook.

    Attributes:
        path: the file; None if there is none, or if it is not clear which.
        note: what is to be said about that; empty if the file is where it should be.
    """

    path: Path | None
    note: str


def which(folder: Path, name: str, wanted: Mapping[str, NotebookNode]) -> Meant:
    """Return the file that was meant for a notebook.

    The file of that name is taken, unless nothing is answered in it and something is in another of
    nearly that name. Nearly: but for capitals, blanks, folders, endings such as "(1)", "-Copy1",
    "_final", and what browsers put behind ".ipynb". Of several such files the one in which most is
    answered is taken. If the assignment has one notebook, any other will do.

    Args:
        folder: the folder that was handed in; it may be a file, or missing.
        name: the notebook's name, without extension.
        wanted: all the assignment's notebooks as they were released, by name.
    """
    file, exact = f"{name}{NOTEBOOK}", folder / f"{name}{NOTEBOOK}"
    others = _others(folder, name, wanted)
    if not others:
        there = os.path.lexists(exact)
        return Meant(exact, "") if there else Meant(None, f"{file} is missing")
    missing, work = f"{file} is missing", []
    if _is_file(exact):
        work = [path for path in others if _answered(path, folder, wanted[name])]
        if not work or _answered(exact, folder, wanted[name]):
            return Meant(exact, "")
        others, missing = work, f"nothing is answered in {file}"
    best = _best(others, folder, wanted[name])
    if best == folder / f"{folder.name}.zip" and not work:  # as `course hand-in` makes it
        return Meant(best, "")
    if best is not None:
        return Meant(best, f"{missing}; {best.relative_to(folder)} was graded in its place")
    return Meant(exact, "") if os.path.lexists(exact) else Meant(None, missing)


def files(folder: Path) -> list[Path]:
    """Return the ordinary files in a folder and below, without hidden ones."""
    return [
        path
        for path in walk(folder)
        if not any(part.startswith((".", "__")) for part in path.relative_to(folder).parts)
        and _is_file(path)
    ]


def likeness(data: bytes, given: NotebookNode, name: str) -> int:
    """Return how many of a notebook's graded cells a file has, by their grade_id.

    Args:
        data: the file.
        given: the notebook, as it was released or the instructor's own.
        name: its name, if the file is an archive with several.
    """
    marks = {cell.mark for cell in salvage(data, name).cells} - {""}
    return len(marks & {grade_id(cell) for cell in given.cells})


def _others(folder: Path, name: str, wanted: Mapping[str, NotebookNode]) -> list[Path]:
    """Return the files that may stand in for a notebook, best names only."""
    own = {folder / f"{one}{NOTEBOOK}" for one in wanted}
    found = [path for path in files(folder) if path not in own]
    for like in (
        [path for path in found if is_notebook(path) and _is_called(path, name, list(wanted))],
        [path for path in found if _is_called(path, name, list(wanted))],
        [path for path in found if path.suffix.lower() == ".zip" and _holds(path, name)],
        [path for path in found if is_notebook(path)] if len(wanted) == 1 else [],
    ):
        if like:
            return like[:MAX_READ]
    return []


def _best(paths: Sequence[Path], folder: Path, given: NotebookNode) -> Path | None:
    """Return the only file, or that in which most is answered; None if it is not clear."""
    if len(paths) < 2:
        return paths[0] if paths else None
    answers = {path: _answered(path, folder, given) for path in paths}
    most = [path for path in paths if answers[path] == max(answers.values())]
    same = len({_bytes(path, folder) for path in most}) == 1
    return most[0] if len(most) == 1 or same else None


def _answered(path: Path, folder: Path, given: NotebookNode) -> int:
    """Return how many of a notebook's solution cells have been changed in a file."""
    cells = repair(_bytes(path, folder), given).notebook.cells
    texts = {grade_id(cell): cell.source for cell in cells if is_solution(cell)}
    return sum(texts[grade_id(cell)] != cell.source for cell in given.cells if is_solution(cell))


def _bytes(path: Path, folder: Path) -> bytes:
    try:
        return read_submitted(path, folder)
    except UnreadableFileError:
        return b""


# --- names ----------------------------------------------------------------------------------------


def _is_file(path: Path) -> bool:
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except (OSError, ValueError):
        return False


def is_notebook(path: Path) -> bool:
    """Tell whether a file is a notebook by its name."""
    return NOTEBOOK in path.name.lower()


def _is_called(path: Path, name: str, wanted: Sequence[str]) -> bool:
    """Tell whether a file has nearly this name, and not still more nearly another's."""
    bare = _bare(path.name)
    if bare is None or not _plain(bare).startswith(_plain(name)):
        return False
    longer = [one for one in wanted if one != name and _plain(one).startswith(_plain(name))]
    return not any(_plain(bare).startswith(_plain(one)) for one in longer)


def _bare(file: str) -> str | None:
    """Return a name without endings; None if it has one that no notebook has."""
    name = file.strip()
    while True:
        ending = next((one for one in ENDINGS if name.lower().endswith(one)), "")
        if not ending:
            return name if not re.search(r"\.\w+$", name) else None
        name = name[: -len(ending)].strip()


def _plain(name: str) -> str:
    return re.sub(r"[\W_]+", "", name).lower()


def _holds(path: Path, name: str) -> bool:
    """Tell whether an archive has a notebook of nearly this name."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()[:MAX_NAMES]
    except Exception:  # a broken archive brings about a dozen kinds
        return False
    found = [PurePosixPath(one).name for one in names if one.endswith(NOTEBOOK)]
    return any(_plain(_bare(one) or "").startswith(_plain(name)) for one in found)
