"""The source notebooks keep the conventions, and release/ and the figures are what they make."""

import re
from pathlib import Path

import pytest

from course.authoring.release import check_current, leaks
from course.notebooks.cells import is_manual, is_test, read
from course.notebooks.conventions import FIGURES, assignment_problems, problems

ROOT = Path(__file__).parents[2]
HEADING = re.compile(r"^### Exercise (?:[\w]+)\.(\d+): (.+) \((\d+) points?\)$", re.MULTILINE)
WORDS = {1: "an answer", 2: "two answers", 3: "three answers"}
SHOW = r'plots\.show\(\s*\w+,\s*"(\w+)"'


def test_a_source_notebook_keeps_the_conventions(source):
    assert problems(source) == []


def test_headings_number_the_exercises_and_say_what_each_is_worth(source):
    worth, headings = [], []
    for cell in source.notebook.cells:
        if is_test(cell) or is_manual(cell):
            worth.append(cell.metadata.nbgrader.points)
        elif cell.cell_type == "markdown":
            headings += HEADING.findall(cell.source)
    assert [int(points) for _, _, points in headings] == worth
    assert [int(number) for number, _, _ in headings] == list(range(1, len(worth) + 1))


def test_the_first_cell_says_what_the_notebook_is_worth(source):
    by_hand = [c.metadata.nbgrader.points for c in source.notebook.cells if is_manual(c)]
    tested = sum(exercise.points for exercise in source.exercises)
    marks = f"{sum(by_hand) + tested} points: {tested} graded by tests, {sum(by_hand)} for "
    assert f"{marks}{WORDS[len(by_hand)]} in words" in source.notebook.cells[0].source


def test_a_release_gives_nothing_away(source):
    if source.to_fill_in:
        pytest.skip(f"it can't be released yet: {source.to_fill_in[0]}")
    release = ROOT / "release" / source.assignment / source.path.name
    assert leaks(source.notebook, release.read_text(encoding="utf-8")) == []
    assert leaks(source.notebook, source.path.read_text(encoding="utf-8"))


def test_release_is_what_source_makes():
    assert check_current(ROOT) == []


@pytest.mark.parametrize("assignment", [path.parent for path in ROOT.glob("source/*/*.toml")])
def test_an_assignment_keeps_the_conventions(assignment):
    assert assignment_problems(assignment) == []


def test_every_figure_is_shown_by_a_cell():
    for folder in (ROOT / "source").iterdir():
        cells = [cell for path in folder.glob("*.ipynb") for cell in read(path).cells]
        shown = [name for cell in cells for name in re.findall(SHOW, cell.source)]
        assert sorted(shown) == sorted(path.stem for path in folder.glob(f"{FIGURES}/*"))
