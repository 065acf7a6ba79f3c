"""Read back what a question printed: the lines that `helpers.checks.Question.score` writes.

The student's code may print too, whatever it likes; what is read here is counted in the report
and never decides a grade.
"""

from dataclasses import dataclass

from nbformat import NotebookNode

from course.notebook import Exercise

PASSED, FAILED = "  ✓ ", "  ✗ "
MESSAGE = "      "


@dataclass(frozen=True)
class CheckLine:
    """One check as it was reported.

    Attributes:
        name: the check's name.
        passed: whether it passed.
        message: the diagnosis; empty if there is none.
    """

    name: str
    passed: bool
    message: str = ""


def read_lines(text: str, exercise: Exercise) -> list[CheckLine]:
    """Return the checks that a test cell reported, in order.

    Args:
        text: what the test cell printed.
        exercise: the exercise, whose title and check names tell our lines from a student's.

    Returns:
        One line a check; all failed and "not attempted yet" for an exercise that was left; none
        if the cell did not come to its end.
    """
    lines = text.splitlines()
    if f"{exercise.title}: not attempted yet." in lines[-1:]:
        return [CheckLine(check.name, False, "not attempted yet") for check in exercise.checks]
    if exercise.title not in lines:
        return []
    start = len(lines) - lines[::-1].index(exercise.title)
    names = {check.name for check in exercise.checks}
    found: list[CheckLine] = []
    message: list[str] | None = None
    for line in lines[start:]:
        if line[:4] in (PASSED, FAILED) and line[4:] in names:
            message = []
            found.append(CheckLine(line[4:], line[:4] == PASSED))
        elif message is not None and line.startswith(MESSAGE):
            message.append(line.strip())
            found[-1] = CheckLine(found[-1].name, found[-1].passed, " ".join(message))
    return found


def printed(cell: NotebookNode) -> str:
    """Return what a graded cell printed."""
    outputs = cell.get("outputs", [])
    return "".join(
        output.text
        for output in outputs
        if output.output_type == "stream" and output.name == "stdout"
    )
