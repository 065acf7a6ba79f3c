"""Read a notebook and tell its cells apart: set-up, solution, test, answer in words.

Knows the marks that the course's conventions give a cell (grade ids, the tags `setup`, `apart`,
`own` and `was:NAME`); runs nothing.
"""

import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode

from helpers.standing import HEADING
from helpers.standing import TEST_PREFIX as TEST_PREFIX

WAS = "was:"  # begins a tag that says how an exercise was called before
SCHEMA = 3  # of nbgrader's metadata
NOT_GRADED = "not-graded"  # where it says why a notebook was handed in and left out
CHANGED = "changed-since-marked"  # where it names answers in words that are to be read again
UNDRAWN = "figures-left-out"  # where a graded notebook says that its figures were not drawn
_MARKERS = re.compile(r"^[ \t]*#{3} (?:BEGIN|END) SOLUTION[ \t]*\n?", re.MULTILINE)
_SCHEME_BEGINS = re.compile(r"^=== BEGIN MARK SCHEME ===[ \t]*$", re.MULTILINE)
_SCHEME_ENDS = re.compile(r"^=== END MARK SCHEME ===[ \t]*$", re.MULTILINE)
REPAIRS = "repairs"  # where a submission's metadata holds notes on what was repaired


class NotebookError(Exception):
    """A notebook can't be read, or breaks a convention; the message says which and where."""


def read(path: Path) -> NotebookNode:
    """Read a notebook as format 4.

    Raises:
        NotebookError: if there is no such file or it is no notebook.
    """
    try:
        return nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call, no-any-return]
    except FileNotFoundError:
        raise NotebookError(f"{path}: no such file") from None
    except Exception as error:
        raise NotebookError(f"{path}: not a notebook ({type(error).__name__})") from error


def read_quickly(path: Path) -> tuple[Mapping[str, Any], Mapping[str, str]]:
    """Return a notebook's metadata, and the code of its solution cells by grade_id.

    Reads format 4 as it is, several times as fast as `read`.

    Raises:
        NotebookError: if there is no such file or it is no notebook.
    """
    try:
        nb = json.loads(path.read_text(encoding="utf-8"))
        found = nb["metadata"]
        cells = map(NotebookNode, nb.get("cells", ()))
        answers = {
            grade_id(cell): "".join(cell.source)
            for cell in cells
            if cell.cell_type == "code" and is_solution(cell)
        }
    except FileNotFoundError:
        raise NotebookError(f"{path}: no such file") from None
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise NotebookError(f"{path}: not a notebook ({type(error).__name__})") from error
    return found if isinstance(found, dict) else {}, answers


def grade_id(cell: NotebookNode) -> str:
    """Return a cell's grade_id, or an empty string."""
    return str(cell.metadata.get("nbgrader", {}).get("grade_id", ""))


def is_setup(cell: NotebookNode) -> bool:
    """Tell whether a cell is a locked set-up cell (imports, data)."""
    return "setup" in cell.metadata.get("tags", [])


def is_apart(cell: NotebookNode) -> bool:
    """Tell whether a cell belongs to what stands by itself: judged with such cells alone."""
    return "apart" in cell.metadata.get("tags", [])


def is_own(cell: NotebookNode) -> bool:
    """Tell whether a test cell judges the own work as a whole: no reference stands in for it."""
    return "own" in cell.metadata.get("tags", [])


def name_before(cell: NotebookNode) -> str:
    """Return the name that an exercise had when it was released before; empty if it is the same.

    Its solution cell's tag says so, such as `was:softmax_2d`.
    """
    tags = (str(tag) for tag in cell.metadata.get("tags", []))
    return next((tag.removeprefix(WAS) for tag in tags if tag.startswith(WAS)), "")


def names_before(cells: Iterable[NotebookNode]) -> dict[str, str]:
    """Return the grade_ids of before by those of now, of cells whose exercise was renamed."""
    cells = list(cells)
    now = {grade_id(cell) for cell in cells}
    return {
        prefix + grade_id(cell): prefix + old
        for cell in cells
        if (old := name_before(cell)) and old not in now
        for prefix in ("", TEST_PREFIX)
    }


def is_solution(cell: NotebookNode) -> bool:
    """Tell whether the student writes in this cell."""
    return bool(cell.metadata.get("nbgrader", {}).get("solution"))


def is_test(cell: NotebookNode) -> bool:
    """Tell whether this is an autograded test cell."""
    marks = cell.metadata.get("nbgrader", {})
    return cell.cell_type == "code" and bool(marks.get("grade")) and not marks.get("solution")


def is_manual(cell: NotebookNode) -> bool:
    """Tell whether this is an answer that a person grades."""
    marks = cell.metadata.get("nbgrader", {})
    return bool(marks.get("grade")) and bool(marks.get("solution"))


def model_answer(source: str) -> tuple[str, str]:
    """Return an instructor's answer and its mark scheme, each empty if there is none."""
    answer, _, scheme = _SCHEME_BEGINS.sub("\0", _MARKERS.sub("", source), count=1).partition("\0")
    return answer.strip(), _SCHEME_ENDS.sub("", scheme).strip()


def exercise_titles(nb: NotebookNode) -> dict[str, str]:
    """Return the heading above each cell that has a grade_id, such as "2.4: log_softmax"."""
    titles, title = {}, ""
    for cell in nb.cells:
        if cell.cell_type == "markdown" and (found := list(HEADING.finditer(cell.source))):
            title = found[-1]["title"].replace("`", "")
        if title and grade_id(cell):
            titles[grade_id(cell)] = title
    return titles
