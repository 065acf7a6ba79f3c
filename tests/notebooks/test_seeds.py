"""Whatever points a student's seed draws, right answers earn everything."""

import contextlib
import io
import random
from typing import Any

import pytest

from course.notebooks.cells import grade_id, is_setup, is_solution, is_test
from course.notebooks.execution import execute
from course.notebooks.runner import run
from helpers.checks import Outcome, seeded


@pytest.fixture(scope="module")
def seeds(thorough):
    return range(40 if thorough else 4)


@pytest.mark.slow
@pytest.mark.one_in(4)
def test_the_reference_earns_everything_whatever_the_seed(source, seeds, monkeypatch):
    monkeypatch.setenv("COURSE_PACE", "short")
    monkeypatch.chdir(source.path.parent)
    names: dict[str, Any] = {"__name__": "__main__"}
    failed = []
    for cell in source.notebook.cells:
        with contextlib.redirect_stdout(io.StringIO()):
            if is_setup(cell) or (is_solution(cell) and cell.cell_type == "code"):
                execute(cell.source, f"<{cell.id}>", names)
            for seed in seeds if is_test(cell) else ():
                own = dict(names)
                with seeded(b"seed %d" % seed):
                    execute(cell.source, f"<{cell.id}>", own)
                failed += [
                    (grade_id(cell), check.name, seed, check.message)
                    for check in own["q"].results
                    if check.outcome is not Outcome.PASSED
                ]
    assert failed == []


@pytest.mark.slow
@pytest.mark.one_in(4)
def test_right_answers_earn_everything_together_whatever_the_seed(source, seeds, monkeypatch):
    """Each is tested alone in `test_bank`; here they build on each other."""
    monkeypatch.setenv("COURSE_PACE", "short")
    monkeypatch.chdir(source.path.parent)
    right = [answer for answer in source.bank.answers if answer.right]
    failed = []
    for number in seeds:
        chance = random.Random(number)
        paper = {}
        for exercise in source.exercises:
            mine = [answer for answer in right if answer.exercise == exercise.id]
            if chosen := chance.choice([None, *mine]):
                paper[exercise.id] = chosen
        texts = {key: answer.source for key, answer in paper.items()}
        with seeded(b"stress %d" % number):
            verdict = run(source, texts)
        names = {key: answer.name for key, answer in paper.items()}
        failed += [
            (number, exercise.id, check.message, names)
            for exercise in verdict.exercises
            for check in exercise.checks
            if not check.passed
        ]
        assert verdict.incidents == ()
    assert failed == []
