"""What leaves an assignment's folder: its notebooks, and the files that assignment.toml lets out.

nbgrader copies whatever lies beside a notebook in source/, to students and into graded folders.
`LetOut` takes away again what is not on the list, whoever has started nbgrader, and puts back what
a student has handed in under such a name.
"""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nbformat import NotebookNode
from nbgrader.preprocessors import NbGraderPreprocessor

from course.notebooks.assignment import kept_back, read_assignment
from helpers.handed_in import read_file


class LetOut(NbGraderPreprocessor):  # type: ignore[misc]
    """Remove from the folder that nbgrader is filling what students are not to have."""

    def preprocess(self, nb: NotebookNode, resources: Any) -> tuple[NotebookNode, Any]:
        """Look at the folder; the notebook stays as it is."""
        converter = self.parent.parent  # the exporter's: it alone knows which folder it fills
        folders, marks = converter.coursedir, resources["nbgrader"]
        source = folders.format_path(folders.source_directory, ".", marks["assignment"])
        filled = converter._format_dest(marks["assignment"], marks["student"])
        take_back(Path(filled), Path(source))
        if marks["student"] != ".":
            submitted = folders.format_path(
                folders.submitted_directory, marks["student"], marks["assignment"]
            )
            put_files(Path(filled), handed_in(Path(submitted), Path(source)))
        return nb, resources


def take_back(folder: Path, source: Path) -> None:
    """Remove from a folder each file that lies in source/ and is not let out.

    Args:
        folder: the one that was filled: a release, or a student's graded folder.
        source: the assignment's in source/.

    Raises:
        ValueError: if they are one: nothing is ever taken away from source/.
    """
    if folder.resolve().is_relative_to(source.resolve()):
        raise ValueError(f"{folder} is a source folder itself")
    for relative in kept_back(source, read_assignment(source)):
        copy = folder / relative
        copy.unlink(missing_ok=True)
        for parent in copy.parents:
            if parent == folder or not parent.is_dir() or any(parent.iterdir()):
                break
            parent.rmdir()


def handed_in(folder: Path, source: Path) -> dict[str, bytes | str]:
    """Return the files that belong beside an assignment's notebooks, or why one can't be read."""
    names = [name for part in read_assignment(source).parts for name in part.hand_in]
    return {name: read_file(folder, name) for name in names}


def put_files(folder: Path, handed_in: Mapping[str, bytes | str]) -> None:
    """Put handed-in files into a folder; what can't be read is not there."""
    for name, found in handed_in.items():
        place = folder / name
        if place.is_dir() and not place.is_symlink():
            shutil.rmtree(place)
        place.unlink(missing_ok=True)
        if isinstance(found, bytes):
            place.write_bytes(found)
