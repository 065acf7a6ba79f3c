"""What stands on top of a feedback page: points by exercise, and what went wrong.

Made from the graded notebook and its verdict; the scores are the gradebook's, as nbgrader has put
them into the cells.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from nbformat import NotebookNode

from course.files import printable
from course.grading.remarks import in_html
from course.grading.report import points
from course.notebooks.cells import TEST_PREFIX, exercise_titles, grade_id, is_test
from course.verdict import ExerciseVerdict, find_verdict
from helpers.panel import said_once

NO_ANSWER = "No response."  # nbgrader's own comment on a cell that is as it was released
WAITS = "waits"  # in a cell's nbgrader metadata: its points are still to come
LONGEST = 900  # characters of what is told of one check


@dataclass(frozen=True)
class Row:
    """One exercise.

    Attributes:
        cell: the grade_id of the cell that has its points.
        id: the anchor of its answer, as nbgrader's template names it.
        title: the exercise's heading.
        points: earned and to be had, or that they are still to come.
        state: "right", "partly", "wrong", "blank" or "unread": the color.
        lines: HTML, what went wrong.
        comment: the instructor's, Markdown.
    """

    cell: str
    id: str
    title: str
    points: str
    state: str
    lines: tuple[str, ...] = ()
    comment: str = ""


def rows(nb: NotebookNode) -> Iterator[Row]:
    """Yield a row for each exercise of a graded notebook, in its order."""
    verdict = find_verdict(nb.metadata)
    known = {exercise.id: exercise for exercise in verdict.exercises} if verdict else {}
    comments = {grade_id(cell): _marks(cell).get("comment") or "" for cell in nb.cells}
    graded = [cell for cell in nb.cells if _marks(cell).get("grade") or _marks(cell).get("task")]
    titles = exercise_titles(nb)
    shared = Counter(titles.get(grade_id(cell)) for cell in graded)  # statements may be lost
    titles = {key: title for key, title in titles.items() if shared[title] == 1}
    for cell in graded:
        marks = _marks(cell)
        key = grade_id(cell).removeprefix(TEST_PREFIX) if is_test(cell) else grade_id(cell)
        exercise = known.get(key) if is_test(cell) else None
        score, most = marks.get("score") or 0, marks.get("points") or 0
        waits = WAITS in marks
        comment = str(comments.get(key, ""))
        empty = comment == NO_ANSWER or bool(exercise and exercise.blank)
        yield Row(
            cell=grade_id(cell),
            id=f"comment-{key}" if key in comments else grade_id(cell),
            title=printable(titles.get(grade_id(cell), key)),
            points=_points(cell) if waits else f"{points(score)} of {points(most)}",
            state="blank" if empty else "unread" if waits else _state(score, most),
            lines=("no answer",) if empty else tuple(_lines(score, most, exercise)),
            comment="" if comment == NO_ANSWER else comment,
        )


def waiting(nb: NotebookNode) -> int:
    """Return how many answers in words of a graded notebook are still to be read."""
    return sum(WAITS in _marks(cell) and not is_test(cell) for cell in nb.cells)


def _points(cell: NotebookNode) -> str:
    """Return what stands in place of points that there aren't yet."""
    return "not graded yet" if is_test(cell) else "to be read"


def total(score: float, most: float, unread: int) -> str:
    """Return a notebook's points in words."""
    words = f"{points(score)} of {points(most)} points"
    if not unread:
        return words
    answers = "1 answer" if unread == 1 else f"{unread} answers"
    return f"{words} so far; {answers} still to be read"


def _marks(cell: NotebookNode) -> Mapping[str, Any]:
    found: Mapping[str, Any] = cell.metadata.get("nbgrader", {})
    return found


def _state(score: float, most: float) -> str:
    if score == most:
        return "right"
    return "partly" if score else "wrong"


def _lines(score: float, most: float, exercise: ExerciseVerdict | None) -> Iterator[str]:
    if exercise is None or score == most:
        return
    lost = [check for check in exercise.checks if not check.passed]
    for check, again in said_once(lost):
        rest = f" {in_html(again)}" if again else ""
        yield f"<strong>{in_html(check.name)}</strong>{_message(check.message)}{rest}"
    if any(check.essential for check in lost) and len(lost) < len(exercise.checks):
        yield "Without what is essential here, the rest earns nothing."


def _message(message: str) -> str:
    text = " ".join(message.split())
    return f": {in_html(text[:LONGEST])}" if text else ""
