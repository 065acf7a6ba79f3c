"""Grade one notebook by itself: no gradebook, the same judge.

For self-learners, for tests, and for an appeal, which replays the random points of a verdict.
Knows nothing of nbgrader's folders.
"""

import json
import os
from dataclasses import replace
from pathlib import Path

from course.judge.exporter import UnreadableFileError, read_submitted
from course.judge.judging import Limits
from course.judge.repair import Repaired, repair
from course.judge.server import WarmServer
from course.judge.supervise import Submission, grade_notebook
from course.notebook import read
from course.root import CourseError, load_config
from course.secret import course_secret, student_seed
from course.verdict import Verdict

NOBODY = "course check"


def check_notebook(
    root: Path, path: Path, server: WarmServer, *, replay: Path | None = None
) -> Verdict:
    """Grade a notebook.

    Args:
        root: the course's folder.
        path: the notebook, under the name of one of the course's.
        server: a warm server.
        replay: a verdict's file, whose random points are drawn again.

    Raises:
        CourseError: if the file can't be read, or the course has no notebook of this name.
    """
    if not os.path.lexists(path):
        raise CourseError(f"{path}: no such file")
    source = find_source(root, path)
    repaired = _repaired(root, path, source)
    submission = Submission(
        name=source.stem,
        assignment=source.parent.name,
        source=read(source),
        submitted=repaired.notebook,
        folder=source.parent,
        seed=_seed(root, replay),
    )
    verdict, _ = grade_notebook(submission, server, Limits())
    return replace(verdict, repairs=tuple(repaired.notes))


def _repaired(root: Path, path: Path, source: Path) -> Repaired:
    """Return the notebook as the judge takes it; the instructor's own needs no repair."""
    if path.resolve() == source.resolve():
        return Repaired(read(source), [])
    try:
        return repair(read_submitted(path, path.parent), read(source), load_config(root))
    except UnreadableFileError as error:
        raise CourseError(str(error).rstrip(".")) from None


def find_source(root: Path, path: Path) -> Path:
    """Return the instructor's notebook of the same name.

    Raises:
        CourseError: if there is none, or several and the folder doesn't tell which is meant.
    """
    found = sorted((root / "source").glob(f"*/{path.stem}.ipynb"))
    here = [source for source in found if source.parent.name == path.resolve().parent.name]
    if len(here or found) != 1:
        raise CourseError(f"{path.name} has no counterpart in source/: its name tells which it is")
    return (here or found)[0]


def _seed(root: Path, replay: Path | None) -> bytes:
    if replay is None:
        return student_seed(course_secret(root), NOBODY)
    try:
        return bytes.fromhex(json.loads(replay.read_text(encoding="utf-8"))["seed"])
    except (OSError, ValueError, KeyError, TypeError):
        raise CourseError(f"{replay} is no verdict that can be replayed") from None
