"""Repair's door into nbgrader: an exporter that reads submissions whatever they are.

Set as `c.Autograde.exporter_class`. Knows nbgrader's folders; submitted files are only read.
"""

import os
import stat
from pathlib import Path
from typing import Any

from nbconvert.exporters import NotebookExporter
from nbgrader.coursedir import CourseDirectory
from traitlets import Bool

from course.files import printable
from course.notebooks.source import source_notebook
from course.repair.repair import Repaired, repair, unanswered
from course.repair.salvage import MAX_BYTES


class UnreadableFileError(Exception):
    """A submitted file can't be read; the message is a sentence that says why."""


class RepairingExporter(NotebookExporter):
    """Read a submission, repaired; read what nbgrader made of it before as it is.

    The notebook is validated when all steps are done, not after each of them.
    """

    optimistic_validation = Bool(True).tag(config=True)

    def from_filename(
        self, filename: str, resources: Any = None, **options: Any
    ) -> tuple[Any, dict[str, Any]]:
        """Read a notebook and pass it through nbgrader's preprocessors.

        Args:
            filename: its path; a submission's if it lies in the folder of submissions.
            resources: nbgrader's, which name the student, the assignment and the notebook.
            options: passed on.

        Returns:
            The notebook as JSON, and the resources.
        """
        path = Path(filename)
        marks = (resources or {}).get("nbgrader", {})
        folder = self._submission(marks)
        if folder is None or path.parent.resolve() != folder.resolve():
            return super().from_filename(filename, resources, **options)
        repaired = self._repaired(path, folder, marks)
        for note in repaired.notes:
            told = map(printable, (marks["student"], path.name, note))
            self.log.warning("%s, %s: %s", *told)
        resources["metadata"] = {"name": path.stem, "path": str(path.parent)}
        made: tuple[str, Any] = self.from_notebook_node(  # type: ignore[no-untyped-call]
            repaired.notebook, resources, **options
        )
        return made

    @property
    def _folders(self) -> CourseDirectory:
        return getattr(self.parent, "coursedir", None) or CourseDirectory(parent=self)

    def _submission(self, marks: dict[str, str]) -> Path | None:
        """Return the folder that a student handed in; None outside of nbgrader's pipeline."""
        if "student" not in marks:
            return None
        folders = self._folders
        step = folders.submitted_directory
        return Path(folders.format_path(step, marks["student"], marks["assignment"]))

    def _repaired(self, path: Path, folder: Path, marks: dict[str, str]) -> Repaired:
        folders = self._folders
        home = Path(folders.format_path(folders.source_directory, ".", marks["assignment"]))
        given = source_notebook(home / f"{marks['notebook']}.ipynb").released(self.config)
        try:
            return repair(read_submitted(path, folder), given, name=marks["notebook"])
        except UnreadableFileError as error:
            return unanswered(given, str(error))


def read_submitted(path: Path, folder: Path) -> bytes:
    """Return what stands in a submitted file; at most one byte more than repair reads.

    Args:
        path: the file.
        folder: the folder that was handed in. No link out of it is followed.

    Raises:
        UnreadableFileError: if it is no file, a link out of the folder, or reading isn't permitted.
    """
    try:
        there = path.resolve(strict=True)
        if not there.is_relative_to(folder.resolve()):
            raise UnreadableFileError(
                f"{path.name} is a link to another place and is not followed."
            )
        flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
        if not stat.S_ISREG(there.lstat().st_mode):
            raise UnreadableFileError(f"{path.name} is {_what(there)}, not a file.")
        with os.fdopen(os.open(there, flags), "rb") as file:
            return file.read(MAX_BYTES + 1)
    except PermissionError:
        raise UnreadableFileError(f"{path.name} may not be read: no permission.") from None
    except (OSError, RuntimeError) as error:  # a link to nowhere or in a circle, a file just gone
        reason = getattr(error, "strerror", None) or "a link in a circle"
        raise UnreadableFileError(f"{path.name} can't be read: {reason}.") from None


def _what(path: Path) -> str:
    mode = path.lstat().st_mode
    if stat.S_ISDIR(mode):
        return "a folder"
    return "a pipe" if stat.S_ISFIFO(mode) else "a device"
