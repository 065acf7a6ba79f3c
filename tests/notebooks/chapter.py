"""A source notebook as the tests of its numbers see it: its text, its cells, its reference."""

from pathlib import Path
from typing import Any

import numpy as np
from nbformat import NotebookNode

from course.notebooks.execution import execute
from course.notebooks.runner import reference
from course.notebooks.source import source_notebook

ROOT = Path(__file__).parents[2]


class Chapter:
    """A notebook of the course: `Chapter("02_softmax", "softmax")`."""

    def __init__(self, assignment: str, name: str) -> None:
        self.source = source_notebook(ROOT / "source" / assignment / f"{name}.ipynb")

    @property
    def notebook(self) -> NotebookNode:
        """The notebook."""
        return self.source.notebook

    @property
    def text(self) -> str:
        """All of its Markdown, with single blanks between words."""
        return self.source.text

    def reference(self) -> dict[str, Any]:
        """Return the names that its set-up cells and reference solutions define."""
        return reference(self.source)

    def cell(self, cell_id: str) -> str:
        """Return a cell's source."""
        return str(self.source.cell(cell_id).source)

    def run(self, cell_id: str, names: dict[str, Any]) -> None:
        """Run one cell with these names."""
        execute(self.cell(cell_id), f"<{self.source}:{cell_id}>", names)

    def compared(self, cell_id: str, names: dict[str, Any]) -> dict[str, Any]:
        """Run a cell with these names; return what it compares each prediction with."""
        found: dict[str, Any] = {}

        class Kept:
            def compare(self, what: str, actual: Any, **_: Any) -> None:
                found[what] = actual

        self.run(cell_id, names | {"predictions": Kept()})
        return found

    def says(self, sentence: str) -> None:
        """Hold the text against a sentence that the test next to it proves."""
        assert sentence in self.text, f"the text no longer says “{sentence}”"


def close(actual: Any, expected: Any, digits: int) -> None:
    """Hold numbers against what the text quotes of them, rounded to so many decimals."""
    np.testing.assert_allclose(actual, expected, rtol=0, atol=0.51 * 10.0**-digits)
