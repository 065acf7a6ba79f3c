"""The course's own answer to an exercise, for a learner after an attempt.

Reads source/ and the learner's notebook; runs nothing. What a class gets has no source/, and
`c.Solutions.shown = False` in nbgrader_config.py switches it off where it has.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from nbformat import NotebookNode

from course.layout import CourseError, load_config
from course.notebooks.assignment import SOURCE, Assignment, read_assignments
from course.notebooks.cells import exercise_titles, grade_id, is_solution, model_answer, read
from course.progress import read_progress
from course.workspace import FOLDER, find_chapter
from helpers.standing import State


@dataclass(frozen=True)
class Solution:
    """An exercise's solution.

    Attributes:
        title: its heading, such as "2.4: log_softmax".
        text: Python, or for an answer in words Markdown with its mark scheme.
        in_words: which of the two.
    """

    title: str
    text: str
    in_words: bool


def find_solution(root: Path, chapter: str, exercise: str, *, anyway: bool = False) -> Solution:
    """Return the course's solution of an exercise.

    Args:
        root: the course's folder.
        chapter: the chapter's folder, such as "02_softmax".
        exercise: its number, such as "2.4", or its name, such as "log_softmax".
        anyway: even if the learner has not tried it.

    Raises:
        CourseError: if solutions are switched off or not there, if there is no such exercise, or
            if it has not been tried.
        NotebookError: if a source notebook can't be read.
    """
    if not load_config(root).Solutions.get("shown", True):
        raise CourseError("this course doesn't show its solutions")
    assignment = _assignment(root, chapter)
    known = []
    for part in assignment.parts:
        name = f"{part.notebook}.ipynb"
        for key, solution in _solutions(read(root / SOURCE / assignment.name / name)):
            known.append(key)
            if exercise in (key, solution.title, solution.title.partition(":")[0]):
                if not anyway:
                    _must_be_tried(root / FOLDER / assignment.name / name, key)
                return solution
    names = ", ".join(known)
    raise CourseError(f"{assignment.name} has no exercise {exercise}; there are: {names}")


def _assignment(root: Path, chapter: str) -> Assignment:
    if not read_assignments(root / SOURCE):
        raise CourseError(f"{root / SOURCE} has no notebooks: this copy has no solutions")
    return find_chapter(root, chapter)


def _solutions(nb: NotebookNode) -> Iterator[tuple[str, Solution]]:
    """Yield each exercise's name and its solution."""
    titles = exercise_titles(nb)
    for cell in nb.cells:
        if is_solution(cell):
            key = grade_id(cell)
            answer, scheme = model_answer(cell.source)
            text = f"{answer}\n\nWhat earns the marks:\n{scheme}" if scheme else answer
            yield key, Solution(titles.get(key, key), text, cell.cell_type != "code")


def _must_be_tried(path: Path, key: str) -> None:
    """Raise CourseError unless a learner has answered an exercise and run its test."""
    progress = read_progress(path)
    states = {one.id: one.state for one in progress.exercises}
    if progress.problem or states.get(key, State.OPEN) is State.OPEN:
        raise CourseError("try it first, in your copy of the notebook; or add --anyway")
    if states[key] is State.UNTRIED:
        raise CourseError("run its test first, and save the notebook; or add --anyway")
