"""A submission's folder, made such that nbgrader finds in it what it expects.

Nothing is written into submitted/, and no link there is followed. Knows nothing of what stands in a
notebook.
"""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path

from nbgrader.coursedir import CourseDirectory
from nbgrader.utils import parse_utc

from course.repair.exporter import stand_in

MAX_BYTES = 100 << 20  # of a file: nbgrader would copy any, several times over


class SubmissionError(Exception):
    """A submission, or one of its notebooks, can't be graded; the message says why."""


@contextlib.contextmanager
def tidied(
    folders: CourseDirectory, student: str, assignment: str, wanted: Sequence[str]
) -> Iterator[tuple[str, list[str]]]:
    """Yield a folder of submissions where nbgrader finds this one as it expects it.

    That is submitted/ itself; or, if the submission has links, misnamed notebooks or a broken date,
    a temporary folder that holds a tidy copy. With it come the notes on that.

    Raises:
        SubmissionError: if there is no notebook to grade.
    """
    folder = Path(folders.format_path(folders.submitted_directory, student, assignment))
    _check_folder(folder)
    there = {name: _find(folder, name, wanted) for name in wanted}
    if not any(there.values()):
        names = ", ".join(sorted(path.name for path in folder.glob("*.ipynb")))
        found = f"found {names}" if names else "no notebook was handed in"
        raise SubmissionError(f"{_files(wanted)} is missing: {found}")
    misnamed = {n: path for n, path in there.items() if path and path != folder / f"{n}.ipynb"}
    dropped = {path: why for path, why in _useless(folder) if path not in there.values()}
    notes = [*_remarks(folder, there), *(f"{p.relative_to(folder)} {dropped[p]}" for p in dropped)]
    if not (misnamed or dropped):
        yield folders.submitted_directory, notes
        return
    home = Path(folders.root, folders.autograded_directory)
    home.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".tidied-", dir=home) as scratch:
        step = os.path.relpath(scratch, folders.root)
        copy = Path(folders.format_path(step, student, assignment))
        with contextlib.suppress(shutil.Error):  # what can't be copied is not graded
            shutil.copytree(
                folder,
                copy,
                symlinks=True,
                ignore=lambda where, names: [n for n in names if Path(where, n) in dropped],
            )
        for name, path in misnamed.items():
            (copy / path.relative_to(folder)).rename(copy / f"{name}.ipynb")
        yield step, notes


def _find(folder: Path, name: str, wanted: Sequence[str]) -> Path | None:
    """Return the file that was handed in as a notebook; None if there is none."""
    path = folder / f"{name}.ipynb"
    return path if os.path.lexists(path) else stand_in(folder, name, wanted)


def _check_folder(folder: Path) -> None:
    if folder.is_symlink():
        raise SubmissionError(f"{folder.name} is a link to another folder; it was not followed")
    if not folder.is_dir():
        raise SubmissionError(f"{folder.name} is a file; a folder is expected")
    if set("*?[]") & set(folder.parent.name):
        raise SubmissionError("the student's folder has one of * ? [ ] in its name: rename it")


def _useless(folder: Path) -> Iterator[tuple[Path, str]]:
    """Yield what nbgrader had better not find, each with the words that say why."""
    for path in sorted(folder.rglob("*")):
        if path.is_symlink():
            yield path, "is a link to another file; it was not followed"
        elif not (path.is_file() or path.is_dir()):
            yield path, "is no ordinary file and was left out"
        elif path.is_file() and path.stat().st_size > MAX_BYTES:
            yield path, f"is larger than {MAX_BYTES >> 20} MiB and was left out"
    try:
        timestamp(folder)
    except SubmissionError:
        yield folder / "timestamp.txt", "holds no date: whether it came in time is not known"


def _remarks(folder: Path, there: Mapping[str, Path | None]) -> Iterator[str]:
    for name, path in there.items():
        if path is None:
            yield f"{name}.ipynb is missing and earns nothing"
        elif path != folder / f"{name}.ipynb":
            yield f"{name}.ipynb is missing; {path.relative_to(folder)} was graded in its place"
    for path in sorted(folder.glob("*.ipynb")):
        if path not in there.values():
            yield f"{path.name} is not part of the assignment and was left out"


def timestamp(folder: Path) -> datetime | None:
    """Return when a submission was handed in, in UTC; None if that is not written down.

    Raises:
        SubmissionError: if timestamp.txt holds no date.
    """
    path = folder / "timestamp.txt"
    if not os.path.lexists(path) or path.is_symlink():
        return None
    try:
        text = path.read_text(encoding="utf-8").strip()
        return parse_utc(text) if text else None
    except (OSError, ValueError, OverflowError):
        raise SubmissionError("timestamp.txt holds no date") from None


def _files(names: Sequence[str]) -> str:
    return " and ".join(f"{name}.ipynb" for name in names)
