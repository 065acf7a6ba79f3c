"""Under each exercise of a release, folded: what is checked, and what it is worth.

The text is made from the test cell and the specification, so it can't promise anything else. The
test cells themselves are folded: students read the promise, and what a check has to say.
"""

from collections.abc import Iterator, Sequence

from nbformat import NotebookNode

from course.notebooks.cells import grade_id, is_solution, is_test
from course.notebooks.exercises import CheckSpec, Exercise


def tell_checks(nb: NotebookNode, exercises: Sequence[Exercise]) -> None:
    """Write what is checked under each exercise's statement, and fold the test cells.

    Args:
        nb: the notebook, changed in place.
        exercises: those of its source.
    """
    by_id = {exercise.id: exercise for exercise in exercises}
    statement = None
    for cell in nb.cells:
        if is_test(cell):
            cell.metadata["jupyter"] = {"source_hidden": True}
        elif is_solution(cell) and statement is not None and grade_id(cell) in by_id:
            checks = by_id[grade_id(cell)].checks
            statement.source = f"{statement.source.rstrip()}\n\n{what_is_checked(checks)}"
        statement = cell if cell.cell_type == "markdown" else None


def what_is_checked(checks: Sequence[CheckSpec]) -> str:
    """Return the list of an exercise's checks in Markdown, folded."""
    lines = "\n".join(_lines(checks))
    return f"<details><summary>What is checked</summary>\n\n{lines}\n\n</details>"


def _lines(checks: Sequence[CheckSpec]) -> Iterator[str]:
    for check in checks:
        unit = "point" if check.points == 1 else "points"
        needed = "; if this fails, the exercise gets 0" if check.essential else ""
        when = ", tried only when it is graded" if check.hidden else ""
        yield f"- {check.name} ({check.points:g} {unit}{when}{needed})"
