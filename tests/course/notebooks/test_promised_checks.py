"""What is checked stands under each exercise of a release, as the source has it."""

import re
from pathlib import Path

import pytest

from course.notebooks.cells import grade_id, is_solution, is_test, read
from course.notebooks.promised_checks import tell_checks, what_is_checked
from course.notebooks.source import source_notebooks

ROOT = Path(__file__).parents[3]
SOURCES = source_notebooks(ROOT / "source")


def test_each_check_is_a_line_that_says_what_it_is_worth(source):
    assert what_is_checked(source.exercises[0].checks) == (
        "<details><summary>What is checked</summary>\n\n"
        "- gives the known values (1 point)\n"
        "- is right anywhere (2 points, tried only when it is graded; "
        "if this fails, the exercise gets 0)\n\n"
        "</details>"
    )


def test_a_statement_tells_its_own_exercise_and_the_source_does_not(source):
    released = source.released()
    assert "What is checked" not in str(source.notebook)
    for before, cell in zip(released.cells, released.cells[1:], strict=False):
        own = next((one for one in source.exercises if one.id == grade_id(cell)), None)
        if own and is_solution(cell) and before.cell_type == "markdown":
            assert before.source.endswith(what_is_checked(own.checks))
        else:
            assert "What is checked" not in before.source


def test_test_cells_are_folded_and_no_others(source):
    for cell in source.released().cells:
        assert cell.metadata.get("jupyter", {}).get("source_hidden", False) is is_test(cell)


def shows_a_figure_after_a_guess(cells):
    """Yield each code cell, and whether its figure may be what a guess above it is about.

    That is so from a guess that is recorded to its comparison, and from any to the next figure.
    """
    recorded = asked = False
    for cell in cells:
        if cell.cell_type == "markdown":
            asked = asked or ("**Predict" in cell.source and cell.id != "how_it_works")
            continue
        shows = "alt=" in cell.source  # with sliders or without
        yield cell, shows and (recorded or asked)
        guesses = "predictions.predict(" in cell.source
        recorded = (recorded or guesses) and "predictions.compare(" not in cell.source
        asked = (asked or guesses) and not (shows or is_solution(cell))


@pytest.mark.parametrize("source", SOURCES, ids=str)
def test_the_description_of_a_figure_is_folded_below_a_guess(source):
    """It tells what is to be guessed; where the code is the lesson, it tells something else."""
    lessons = {"learn", "training"}
    for cell, after_a_guess in shows_a_figure_after_a_guess(source.notebook.cells):
        folded = cell.metadata.get("jupyter", {}).get("source_hidden", False)
        assert folded is (after_a_guess and cell.id not in lessons), cell.id


def test_an_exercise_without_a_statement_before_it_is_left_alone(source, notebook):
    notebook.cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    texts = [cell.source for cell in notebook.cells]
    tell_checks(notebook, source.exercises)
    assert [cell.source for cell in notebook.cells] == texts


@pytest.mark.parametrize("source", SOURCES, ids=str)
def test_the_released_notebooks_promise_what_is_checked(source):
    path = ROOT / "release" / source.assignment / f"{source.name}.ipynb"
    text = "\n".join(cell.source for cell in read(path).cells if cell.cell_type == "markdown")
    told = re.findall(r"<details><summary>What is checked</summary>.*?</details>", text, re.S)
    assert told == [what_is_checked(exercise.checks) for exercise in source.exercises]
