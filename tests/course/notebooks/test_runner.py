"""Running a notebook's cells in this process."""

import pytest

from course.notebooks.runner import reference, run
from course.verdict import CheckVerdict
from helpers.checks import Outcome


def cell(nb, name):
    return next(cell for cell in nb.cells if cell.id == name)


def test_the_reference_earns_everything(source):
    verdict = run(source)
    assert (verdict.score, verdict.max_score) == (4, 4)
    assert verdict.incidents == ()
    assert verdict["double"].checks == (
        CheckVerdict("gives the known values", Outcome.PASSED, "", False, 1, False),
        CheckVerdict("is right anywhere", Outcome.PASSED, "", True, 2, True),
    )


def test_another_answer_takes_the_place_of_the_reference(notebook, source):
    verdict = run(source, {"double": "def double(x):\n    return np.square(x)"})
    assert verdict["double"].failed == ["gives the known values", "is right anywhere"]
    assert "it is the square" in verdict["double"].checks[0].message
    assert verdict["quadruple"].failed == ["is four times as much"]
    assert verdict.score == 0
    assert "### BEGIN SOLUTION" in cell(notebook, "double").source


def test_an_answer_that_raises_is_an_incident_and_no_more(source):
    verdict = run(source, {"quadruple": "import nothing_of_this_name"})
    assert verdict["double"].score == 3
    assert verdict["quadruple"].score == 0
    assert "not defined" in verdict["quadruple"].checks[0].message
    assert verdict.incidents == (
        "quadruple: ModuleNotFoundError: No module named 'nothing_of_this_name'",
    )


@pytest.mark.parametrize("line", ["raise SystemExit", "exit()", "1 / 0"])
def test_an_answer_cannot_stop_the_run(source, line):
    verdict = run(source, {"quadruple": line})
    assert verdict["double"].score == 3
    assert len(verdict.incidents) == 1


def test_a_test_cell_that_fails_leaves_the_last_question_out(notebook, source):
    test = cell(notebook, "test_quadruple")
    test.source = "undefined\n" + test.source
    verdict = run(source)
    assert verdict["quadruple"].score == 0
    assert verdict["quadruple"].checks == ()
    assert verdict.incidents == ("test_quadruple: NameError: name 'undefined' is not defined",)


def test_plain_cells_are_run_on_request(notebook, source):
    cell(notebook, "plot").source = "raise ValueError"
    assert run(source).incidents == ()
    assert run(source, plain=True).incidents == ("plot: ValueError: ",)


def test_nothing_is_printed(source, capsys):
    run(source)
    assert capsys.readouterr().out == ""


def test_the_diagnosis_quotes_the_students_line(source):
    verdict = run(source, {"double": "def double(x):\n    return x + [None]"})
    assert "`return x + [None]`" in verdict["double"].checks[1].message


def test_reference_gives_the_names(source):
    assert list(reference(source)["quadruple"]([1, 2])) == [4, 8]
