"""Run a notebook's cells in this process: fast, and only for code that the project itself wrote.

The bank of answers and the figures are run this way. A submission never is.
"""

import contextlib
import io
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from nbformat import NotebookNode

from course.notebooks.cells import grade_id, is_setup, is_solution, is_test
from course.notebooks.execution import execute, execute_test, names_in
from course.notebooks.exercises import Exercise
from course.notebooks.source import SourceNotebook
from course.verdict import CheckVerdict, ExerciseVerdict, Verdict
from helpers.checks import Question
from helpers.handed_in import handing_in
from helpers.specification.promises import Promises, promised


def run(
    source: SourceNotebook, answers: Mapping[str, str] | None = None, *, plain: bool = False
) -> Verdict:
    """Run a source notebook with other answers in its solution cells, and judge it.

    Args:
        source: the source notebook.
        answers: source of solution cells by grade_id; the reference stands for the others.
        plain: run the plain cells (plots, explorations) too, not only set-up, answers and tests.

    Returns:
        The verdict. An answer that raises is an incident and no more.
    """
    start = time.perf_counter()
    namespace: dict[str, Any] = {"__name__": "__main__"}
    questions: dict[str, Question] = {}
    incidents: dict[str, str] = {}
    code = names_in(*(answers or {}).values(), *(cell.source for cell in source.notebook.cells))
    for cell in code_cells(source.notebook, plain):
        key = grade_id(cell) or cell.id
        text, file = (answers or {}).get(key, cell.source), f"<{source.name}:{key}>"
        try:
            with contextlib.redirect_stdout(io.StringIO()), held_against(source, source.promises):
                if is_test(cell):
                    execute_test(text, file, namespace, code)
                else:
                    execute(text, file, namespace)
        except (Exception, SystemExit) as error:
            incidents[key] = f"{key}: {type(error).__name__}: {error}"
        if is_test(cell) and key not in incidents:
            questions[key] = namespace["q"]
    return replace(verdict_of(source, questions, incidents), seconds=time.perf_counter() - start)


@contextlib.contextmanager
def held_against(source: SourceNotebook, promises: Promises) -> Iterator[None]:
    """Within the block, questions know what answers promise, and the reference's own hand-in."""
    files = source.handed_in(source.folder) if source.hand_in else None
    with promised(promises), handing_in(files):
        yield


def verdict_of(
    source: SourceNotebook, questions: Mapping[str, Question], incidents: Mapping[str, str]
) -> Verdict:
    """Return the verdict that a notebook's questions, by the test cell's grade_id, come to."""
    return Verdict(
        source.name,
        tuple(_verdict(one, questions.get(f"test_{one.id}")) for one in source.exercises),
        incidents=tuple(incidents.values()),
    )


def _verdict(exercise: Exercise, question: Question | None) -> ExerciseVerdict:
    if question is None:
        return ExerciseVerdict(exercise.id, 0, exercise.points)
    checks = [
        CheckVerdict.of(result, hidden=result.name in exercise.hidden)
        for result in question.results
    ]
    measured = tuple(question.measured.items())
    return ExerciseVerdict(exercise.id, question.earned, exercise.points, tuple(checks), measured)


def reference(source: SourceNotebook) -> dict[str, Any]:
    """Run a source notebook's set-up cells and reference solutions, and return their names."""
    namespace: dict[str, Any] = {"__name__": "__main__"}
    for cell in code_cells(source.notebook, plain=False):
        if not is_test(cell):
            execute(cell.source, f"<{source.name}:{cell.id}>", namespace)
    return namespace


def code_cells(nb: NotebookNode, plain: bool) -> Iterable[NotebookNode]:
    """Yield the code cells that a run runs, plain ones if they are asked for."""
    return (
        cell
        for cell in nb.cells
        if cell.cell_type == "code"
        and (plain or is_setup(cell) or is_solution(cell) or is_test(cell))
    )
