"""The seal of a released notebook: what it and the files around it looked like when it was made.

nbgrader runs `Seal` last of all when it makes a release; whoever makes one again compares.
"""

import hashlib
import json
from pathlib import Path
from typing import Any

from nbformat import NotebookNode
from nbgrader.coursedir import CourseDirectory
from nbgrader.preprocessors import NbGraderPreprocessor
from nbgrader.utils import find_all_files

from course.notebooks.assignment import read_assignment

SEAL = "seal"


class Seal(NbGraderPreprocessor):  # type: ignore[misc]
    """Write into a released notebook what it and the files around it looked like when made.

    Whoever makes the release again can then tell what a person has written into it since.
    """

    def preprocess(self, nb: NotebookNode, resources: Any) -> tuple[NotebookNode, Any]:
        """Add the seal to the notebook's metadata."""
        folder = Path(resources["metadata"]["path"])
        assignment = read_assignment(folder)
        ignore = CourseDirectory(config=self.config).ignore
        files = {
            path.relative_to(folder).as_posix(): digest(path.read_bytes())
            for path in sorted(map(Path, find_all_files(str(folder), [*ignore, "*.ipynb"])))
            if assignment.lets_out(path.relative_to(folder))
        }
        nb.metadata[SEAL] = {"cells": cells_digest(nb), "files": files}
        return nb, resources


def digest(data: bytes) -> str:
    """Return the SHA-256 of some bytes, in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def cells_digest(nb: NotebookNode) -> str:
    """Return the SHA-256 of what a person can change in a notebook: its cells, with their outputs.

    The notebook's own metadata is left out: JupyterLab writes there when it only opens a notebook.
    """
    cells = [
        {key: cell.get(key) for key in ("cell_type", "id", "source", "metadata", "outputs")}
        for cell in nb.cells
    ]
    return digest(json.dumps(cells, sort_keys=True, ensure_ascii=False).encode())
