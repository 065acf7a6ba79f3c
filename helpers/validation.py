"""What nbgrader's Validate says of a notebook: one line per exercise, and never a test's source.

nbgrader shows the source of each test cell that failed, and "Partial credit" of one that was not
attempted. It runs the notebook through a client that calls a function before the first cell and one
before each cell; configured with `begin` and `end`, it is handed one more cell at the end, which
says how far all exercises are and stands for them:

    c.Execute.on_notebook_start = validation.begin
    c.Execute.on_cell_start = validation.end

Knows cells as dictionaries, and nbgrader by its marks in them alone.
"""

import copy
import textwrap
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from helpers.panel import NotAllRightError, validating
from helpers.standing import HEADING, TO_ANSWER

BEFORE = "cells before"  # where the added cell holds the notebook's, until it has looked at them
SKIPPED = "skip-execution"  # the tag of cells that the client does not run
WIDTH = 82  # what nbgrader prints is cut at 90, its margins included
PASSES, WRONG, OPEN = "✓", "✗", "–"
NOT_YET = "not attempted yet."


def begin(notebook: Any) -> None:
    """Add a cell to a notebook that is about to be validated; to any other nothing."""
    if validating() and notebook.cells:
        last = copy.deepcopy(notebook.cells[-1])  # of the class that notebooks' cells have
        last.update(cell_type="code", source="", outputs=[], execution_count=None)
        last.update(metadata={}, id="exercises")
        last[BEFORE] = list(notebook.cells)
        notebook.cells.append(last)


def end(cell: Any, cell_index: int) -> None:
    """Let the added cell say how far each exercise is; any other cell is left alone.

    Args:
        cell: the one whose turn it is; the added one comes when all others have run.
        cell_index: its place in the notebook.
    """
    if BEFORE not in cell:
        return
    found = list(_exercises(cell.pop(BEFORE)))
    if all(mark == PASSES for mark, _, _ in found):
        return
    lines = [line for one in found for line in _wrapped(*one)]
    marks = {"grade_id": "exercises", "cell_type": "code", "points": 1, "schema_version": 3}
    marks |= {"grade": True, "solution": False, "locked": False, "task": False}
    said = {"output_type": "error", "ename": "", "evalue": "", "traceback": lines}
    # Dictionaries of the cell's own class: nbgrader reads them by attribute.
    kind = type(cell)
    cell.source = _in_sum([mark for mark, _, _ in found])
    cell.metadata = kind(nbgrader=kind(marks), tags=[SKIPPED])
    cell.outputs = [kind(said)]


def _exercises(cells: Sequence[Any]) -> Iterator[tuple[str, str, str]]:
    """Yield each exercise's mark, heading and state, and take from its cell what tells of marks."""
    heading = ""
    for cell in cells:
        marks = cell.metadata.get("nbgrader", {})
        if cell.cell_type == "markdown" and (titles := list(HEADING.finditer(cell.source))):
            heading = titles[-1]["title"].replace("`", "").replace(": ", " ", 1)
        if not marks.get("grade"):
            continue
        if marks.get("solution"):
            left = TO_ANSWER in cell.source or not cell.source.strip()
            marks.pop("checksum", None)  # by which nbgrader would find out the same
            answered = (OPEN, "not answered yet.") if left else (PASSES, "answered.")
            yield answered[0], heading or marks["grade_id"], answered[1]
        elif cell.cell_type == "code":
            mark, state = _state(cell.outputs)
            if mark != PASSES:
                cell.outputs = []
            yield mark, heading or marks["grade_id"], state


def _state(outputs: Sequence[Any]) -> tuple[str, str]:
    """Return what a test cell's outputs mean, as nbgrader takes them."""
    for output in outputs:
        if output.output_type == "error":
            said = str(output.evalue)
            if output.ename != NotAllRightError.__name__:
                return (
                    WRONG,
                    f"its checks stopped with {output.ename or 'an error'}. {said}".strip(),
                )
            return (OPEN if said == NOT_YET else WRONG), said
        if output.output_type == "stream" and output.name == "stderr":
            return WRONG, f"its checks wrote to stderr: {output.text.strip()}"
    return PASSES, "passes."


def _in_sum(marks: Sequence[str]) -> str:
    count = Counter(marks)
    parts = [f"{count[PASSES]} pass", f"{count[WRONG]} fail", f"{count[OPEN]} not attempted"]
    return f"{len(marks)} exercises: " + ", ".join(p for p in parts if not p.startswith("0 "))


def _wrapped(mark: str, heading: str, state: str) -> list[str]:
    """Return a line on an exercise, in as many as it needs."""
    text = " ".join(f"{mark} {heading}{'' if heading.endswith('?') else ':'} {state}".split())
    return textwrap.wrap(text, WIDTH, subsequent_indent="    ")
