"""nbgrader's step that tells students what is checked: see `course.notebooks.promised_checks`."""

from pathlib import Path
from typing import Any

from nbformat import NotebookNode
from nbgrader.preprocessors import NbGraderPreprocessor

from course.notebooks.promised_checks import tell_checks
from course.notebooks.source import source_notebook


class TellChecks(NbGraderPreprocessor):  # type: ignore[misc]
    """Write under each exercise what is checked, and fold the test cells."""

    def preprocess(self, nb: NotebookNode, resources: Any) -> tuple[NotebookNode, Any]:
        """Change the notebook that nbgrader is making for students."""
        folder, name = resources["metadata"]["path"], resources["metadata"]["name"]
        tell_checks(nb, source_notebook(Path(folder) / f"{name}.ipynb").exercises)
        return nb, resources
