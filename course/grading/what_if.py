"""What grading again would change, and what it has changed; nothing is written to the course.

A trial grades a copy of the gradebook, in a folder of its own that goes when it is done.
"""

import contextlib
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from course.directory import check_released, open_course
from course.grading.elsewhere import configure
from course.grading.results import Results
from course.layout import CONFIG
from course.rollback import copy_gradebook
from course.secret import NAME as SECRET

LINKED = ("source", "release", "submitted")  # by the names of the course's own steps


@dataclass(frozen=True)
class Change:
    """A submission's points, before and after.

    Attributes:
        student: the student's id.
        assignment: the assignment's name.
        before: points less the penalty; None if there were none.
        after: likewise.
    """

    student: str
    assignment: str
    before: float | None
    after: float | None


def changes_between(before: Results, after: Results) -> list[Change]:
    """Return whose points differ, by student, then by assignment."""
    found = []
    for key in sorted({*before.works, *after.works}):
        old, new = (results.works.get(key) for results in (before, after))
        points = [work.score if work and work.graded else None for work in (old, new)]
        if points[0] != points[1]:
            found.append(Change(*key, *points))
    return found


@contextlib.contextmanager
def trial(root: Path) -> Iterator[Path]:
    """Yield a course's folder in which grading leaves the real one as it is.

    Args:
        root: the course's folder.

    Raises:
        CourseError: if its gradebook can't be read.
    """
    course = open_course(root)
    check_released(course)
    with tempfile.TemporaryDirectory(prefix="what-if-") as name:
        folder = Path(name)
        for step in LINKED:
            (folder / step).symlink_to(course.path(step))
        for path in course.path("autograded").glob("*"):
            copy = folder / "autograded" / path.name
            copy.parent.mkdir(exist_ok=True)
            shutil.copytree(path, copy) if path.is_dir() else shutil.copy(path, copy)
        copy_gradebook(course.db_url, folder / "gradebook.db")
        for path in [root / SECRET, *root.glob("*.py")]:
            if path.is_file() and path.name != CONFIG:
                shutil.copy(path, folder)
        configure(folder, (root / CONFIG).read_text(encoding="utf-8"))
        yield folder
