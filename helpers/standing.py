"""How far a reader is in a notebook, from what its cells showed when they last ran.

Reads cells as plain dictionaries, as they stand in the file; runs nothing and judges nothing. Below
a set-up cell it is one line; nothing is shown where a notebook is run without Jupyter's server.
"""

import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from html import escape
from pathlib import Path
from typing import Any

OPENED = "JPY_SESSION_NAME"  # set by Jupyter's server: the notebook that a person has opened
TO_DO = "raise NotImplementedError"
TO_ANSWER = "YOUR ANSWER HERE"
TEST_PREFIX = "test_"
HEADING = re.compile(r"^#+ +(Exercise +(?P<title>.+?)(?: +\([\d.]+ points?\))?) *$", re.MULTILINE)
_TITLE = re.compile(r"^# +(Chapter[^.\n]*)", re.MULTILINE)


class State(StrEnum):
    """How far an exercise is."""

    OPEN = "not attempted"
    UNTRIED = "not tried since it was opened"
    WRONG = "some checks fail"
    DONE = "done"


@dataclass(frozen=True)
class Exercise:
    """An exercise of a reader's own notebook.

    Attributes:
        id: the grade_id of the cell with its answer.
        title: its heading, such as "2.4: log_softmax".
        state: how far it is; an answer in words is done when there is one.
        place: what a link to its heading ends with in JupyterLab; empty if it has none.
    """

    id: str
    title: str
    state: State
    place: str = ""


@dataclass(frozen=True)
class Line:
    """A line on a chapter, as text and as HTML with a link.

    Attributes:
        text: the line, up to what the link leads to.
        link: its last words, if they are a link.
        place: where that leads to.
    """

    text: str
    link: str = ""
    place: str = ""

    def __repr__(self) -> str:
        return f"{self.text}{self.link}."

    def _repr_html_(self) -> str:
        link = f'<a href="#{escape(self.place, quote=True)}">{escape(self.link)}</a>'
        return f"<div>{escape(self.text)}{link if self.link else ''}.</div>"


def exercises(cells: Sequence[Mapping[str, Any]]) -> Iterator[Exercise]:
    """Yield a notebook's exercises and how far each is."""
    tests = {_marks(cell).get("grade_id"): cell for cell in cells if _is_test(cell)}
    title = place = ""
    for cell in cells:
        text, marks = _text(cell.get("source", "")), _marks(cell)
        if cell["cell_type"] == "markdown" and (found := list(HEADING.finditer(text))):
            title = found[-1]["title"].replace("`", "")
            place = found[-1][0].lstrip("# ").rstrip().replace("`", "").replace(" ", "-")
        key = str(marks.get("grade_id", ""))
        test = tests.get(f"{TEST_PREFIX}{key}")
        if marks.get("solution") and test is not None:
            yield Exercise(key, title or key, _state(text, test), place)
        elif marks.get("grade") and not _is_test(cell):
            left = TO_ANSWER in text or not text.strip() or TO_DO in text
            yield Exercise(key, title or key, State.OPEN if left else State.DONE, place)


def opened() -> Line | None:
    """Return a line on the notebook that a person has opened; none where nothing is known."""
    try:
        text = Path(os.environ[OPENED]).read_text(encoding="utf-8")
        return _line(json.loads(text)["cells"])
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return None


def _line(cells: Sequence[Mapping[str, Any]]) -> Line | None:
    every = list(exercises(cells))
    if not every:
        return None
    heads = (_TITLE.search(_text(cell["source"])) for cell in cells)
    chapter = next((found[1] for found in heads if found), "This notebook")
    done = sum(one.state is State.DONE for one in every)
    start = f"{chapter}: {done} of {len(every)} exercises"
    left = next((one for one in every if one.state is not State.DONE), None)
    if left is None:
        return Line(f"{start}, all done")
    return Line(f"{start}, next ", left.title.replace(": ", " ", 1), left.place)


def _text(source: Any) -> str:
    """Return text that a notebook's file may hold in pieces."""
    return source if isinstance(source, str) else "".join(source)


def _marks(cell: Mapping[str, Any]) -> Mapping[str, Any]:
    found: Mapping[str, Any] = cell["metadata"].get("nbgrader", {})
    return found


def _is_test(cell: Mapping[str, Any]) -> bool:
    marks = _marks(cell)
    return cell["cell_type"] == "code" and bool(marks.get("grade")) and not marks.get("solution")


def _state(answer: str, test: Mapping[str, Any]) -> State:
    if TO_DO in answer:
        return State.OPEN
    shown = [
        output.get("data", {}).get("text/plain")
        for output in test.get("outputs", [])
        if output["output_type"] == "execute_result"
    ]
    try:
        points = float(_text(shown[-1]))
    except (IndexError, TypeError, ValueError):
        return State.UNTRIED
    return State.DONE if points >= float(_marks(test).get("points", 0)) else State.WRONG
