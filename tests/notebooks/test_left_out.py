"""Whatever exercise is left out, alone: every cell runs, as a student sees it in Jupyter."""

from copy import deepcopy

import pytest

from course.judge import preprocessor
from course.judge.supervise import Submission, grade_notebook
from course.notebooks.cells import grade_id, is_solution
from course.notebooks.conventions import BEGIN_SOLUTION, END_SOLUTION, without
from helpers.checks import PUBLIC_SEED

TRIED = 6  # one exercise in so many


def left_out(source, exercise):
    """Return the notebook with the cell of one exercise as it is released."""
    nb = deepcopy(source.notebook)
    for cell in nb.cells:
        if grade_id(cell) == exercise.id and is_solution(cell):
            stub = "raise NotImplementedError"
            cell.source = without(cell.source, BEGIN_SOLUTION, END_SOLUTION, stub)
    return nb


@pytest.mark.slow
def test_an_exercise_left_out_stops_no_cell(source, exercise, thorough):
    if not thorough and source.exercises.index(exercise) % TRIED:
        pytest.skip("one exercise in six; all with --thorough")
    nb = left_out(source, exercise)
    server = preprocessor.warm_server(preprocessor.preload(source))
    submission = Submission(source, nb, source.folder, PUBLIC_SEED)
    verdict, graded = grade_notebook(submission, server, carry=False)
    errors = [
        (cell.id, output.ename, output.evalue)
        for cell in graded.cells
        if cell.cell_type == "code"
        for output in cell.outputs
        if output.output_type == "error"
    ]
    assert not errors
    assert verdict[exercise.id].score == 0
