"""A source notebook as the tests of its numbers see it: its text, its cells, its reference."""

import re
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from nbformat import NotebookNode

from course.notebook import read
from course.runner import execute, reference

ROOT = Path(__file__).parents[2]


class Chapter:
    """A notebook of the course: `Chapter("02_softmax", "softmax")`."""

    def __init__(self, assignment: str, name: str) -> None:
        self.name = name
        self.path = ROOT / "source" / assignment / f"{name}.ipynb"

    @cached_property
    def notebook(self) -> NotebookNode:
        """The notebook."""
        return read(self.path)

    @cached_property
    def text(self) -> str:
        """All of its Markdown, with single blanks between words."""
        cells = [cell.source for cell in self.notebook.cells if cell.cell_type == "markdown"]
        return re.sub(r"\s+", " ", "\n".join(cells))

    def reference(self) -> dict[str, Any]:
        """Return the names that its set-up cells and reference solutions define."""
        return reference(self.notebook, self.name)

    def cell(self, cell_id: str) -> str:
        """Return a cell's source."""
        return next(str(cell.source) for cell in self.notebook.cells if cell.id == cell_id)

    def run(self, cell_id: str, names: dict[str, Any]) -> None:
        """Run one cell with these names."""
        execute(self.cell(cell_id), f"<{self.name}:{cell_id}>", names)

    def says(self, sentence: str) -> None:
        """Hold the text against a sentence that the test next to it proves."""
        assert sentence in self.text, f"the text no longer says “{sentence}”"


def close(actual: Any, expected: npt.ArrayLike, digits: int) -> None:
    """Hold numbers against what the text quotes of them, rounded to so many decimals."""
    np.testing.assert_allclose(actual, expected, rtol=0, atol=0.51 * 10.0**-digits)
