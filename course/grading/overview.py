"""What stands on top of a feedback page: points by exercise, and what went wrong.

Made from the graded notebook and its verdict; the scores are the gradebook's, as nbgrader has put
them into the cells.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from nbformat import NotebookNode

from course.files import printable
from course.grading.remarks import in_html
from course.notebooks.cells import TEST_PREFIX, exercise_titles, grade_id, is_test
from course.verdict import ExerciseVerdict, find_verdict
from helpers.panel import said_once

NO_ANSWER = "No response."  # nbgrader's own comment on a cell that is as it was released
TO_BE_READ = "to_be_read"  # in a cell's nbgrader metadata: nobody has marked it yet
LONGEST = 900  # characters of what is told of one check


@dataclass(frozen=True)
class Row:
    """One exercise.

    Attributes:
        id: of the cell with its points, to which the page links.
        title: the exercise's heading.
        points: earned and to be had, or that it is to be read.
        state: "right", "partly", "wrong", "blank" or "unread": the colour.
        lines: HTML, what went wrong.
        comment: the instructor's, Markdown.
    """

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
    titles = exercise_titles(nb)
    for cell in nb.cells:
        marks = _marks(cell)
        if not marks.get("grade") and not marks.get("task"):
            continue
        key = grade_id(cell).removeprefix(TEST_PREFIX) if is_test(cell) else grade_id(cell)
        exercise = known.get(key) if is_test(cell) else None
        points, most = marks.get("score") or 0, marks.get("points") or 0
        unread = bool(marks.get(TO_BE_READ))
        comment = str(comments.get(key, ""))
        empty = comment == NO_ANSWER or bool(exercise and exercise.blank)
        yield Row(
            id=grade_id(cell),
            title=printable(titles.get(grade_id(cell), key)),
            points="to be read" if unread else f"{_number(points)} of {_number(most)}",
            state="blank" if empty else "unread" if unread else _state(points, most),
            lines=("no answer",) if empty else tuple(_lines(points, most, exercise)),
            comment="" if comment == NO_ANSWER else comment,
        )


def waiting(nb: NotebookNode) -> int:
    """Return how many answers of a graded notebook nobody has read yet."""
    return sum(bool(_marks(cell).get(TO_BE_READ)) for cell in nb.cells)


def total(score: float, most: float, unread: int) -> str:
    """Return a notebook's points in words."""
    words = f"{_number(score)} of {_number(most)} points"
    if not unread:
        return words
    answers = "1 answer" if unread == 1 else f"{unread} answers"
    return f"{words} so far; {answers} still to be read"


def _marks(cell: NotebookNode) -> dict[str, object]:
    return dict(cell.metadata.get("nbgrader", {}))


def _number(points: object) -> str:
    return f"{round(float(str(points)), 2):g}"


def _state(points: object, most: object) -> str:
    if points == most:
        return "right"
    return "partly" if points else "wrong"


def _lines(points: object, most: object, exercise: ExerciseVerdict | None) -> Iterator[str]:
    if exercise is None or points == most:
        return
    lost = [check for check in exercise.checks if not check.passed]
    for check, message in said_once(lost):
        yield f"<strong>{in_html(check.name)}</strong>{_message(message)}"
    if any(check.essential for check in lost) and len(lost) < len(exercise.checks):
        yield "Without what is essential here, the rest earns nothing."


def _message(message: str) -> str:
    text = " ".join(message.split())
    return f": {in_html(text[:LONGEST])}" if text else ""
