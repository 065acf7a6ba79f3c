"""Answers of the banks earn what they must, and a wrong one is told its own mistake.

A run takes a sample, always the same, and all with `--thorough`: see `conftest.py`.
"""

import ast
import random
import re
from pathlib import Path

import pytest

from course.layout import load_config
from course.notebooks.bank import RIGHT, WRONG, predicted
from course.notebooks.cells import grade_id, is_solution
from course.notebooks.rerun import rerun
from course.notebooks.runner import run
from helpers.checks import Outcome

CONFIG = load_config(Path(__file__).parents[2])

# Put after an answer: its functions overwrite float arrays with zeros before they answer.
SPOILER = """

def _spoilt(function):
    def spoil_then_answer(*arguments, **options):
        for value in (*arguments, *options.values()):
            if isinstance(value, np.ndarray) and value.dtype.kind == "f":
                value[...] = 0.0
        return function(*arguments, **options)

    return spoil_then_answer

"""


def callables(solution):
    """Return what a solution cell defines that can be called: functions, and methods of classes."""
    for node in ast.parse(solution).body:
        if isinstance(node, ast.FunctionDef):
            yield node.name
        elif isinstance(node, ast.ClassDef):
            yield from (
                f"{node.name}.{x.name}" for x in node.body if isinstance(x, ast.FunctionDef)
            )


def failed(verdict):
    return {exercise.id: set(exercise.failed) for exercise in verdict.exercises if exercise.failed}


def scores(verdict):
    return {exercise.id: exercise.score for exercise in verdict.exercises}


def test_nothing_is_left_to_fill_in(source):
    assert source.to_fill_in == []


def test_the_bank_can_be_read(source):
    assert source.bank.answers


def test_a_wrong_answer_fails_exactly_its_checks_with_its_own_diagnosis(source, wrong):
    verdict = rerun(source, {wrong.exercise: wrong.source})
    assert failed(verdict) == {wrong.exercise: wrong.fails, **wrong.knock_on}
    assert scores(verdict) == predicted(source.exercises, [wrong])
    own = verdict[wrong.exercise]
    assert own.score < own.max_score
    messages = "\n".join(check.message for check in own.checks if not check.passed)
    assert [words for words in wrong.says if words not in messages] == [], messages


def test_a_right_answer_earns_everything(source, right):
    verdict = rerun(source, {right.exercise: right.source})
    messages = [check.message for exercise in verdict.exercises for check in exercise.checks]
    assert failed(verdict) == {}, messages
    assert verdict.incidents == ()
    assert verdict.score == verdict.max_score


def test_the_reference_earns_everything(source):
    verdict = run(source)
    assert failed(verdict) == {}
    assert verdict.incidents == ()
    assert verdict.score == verdict.max_score > 0
    checks = [check for exercise in verdict.exercises for check in exercise.checks]
    assert {check.outcome for check in checks} == {Outcome.PASSED}


def test_the_blank_release_earns_nothing_and_was_not_attempted(source):
    released = source.released(CONFIG)
    blank = {grade_id(cell): cell.source for cell in released.cells if is_solution(cell)}
    verdict = run(source, blank)
    assert scores(verdict) == dict.fromkeys(scores(verdict), 0)
    checks = [check for exercise in verdict.exercises for check in exercise.checks]
    assert {check.outcome for check in checks} == {Outcome.NOT_ATTEMPTED}
    assert [len(exercise.checks) for exercise in verdict.exercises] == [
        len(exercise.checks) for exercise in source.exercises
    ]


def test_an_exercise_has_enough_wrong_and_right_answers(source, exercise):
    own = source.bank.of(exercise.id)
    assert sum(answer.right for answer in own) >= RIGHT
    enough = sum(not answer.right for answer in own) >= WRONG
    assert enough != (exercise.id in source.bank.few), source.bank.few.get(
        exercise.id, "no reason given"
    )


def test_answers_differ(source, exercise):
    own = source.bank.of(exercise.id)
    assert len({answer.name for answer in own}) == len(own)
    assert len({answer.source for answer in own} | {exercise.solution}) == len(own) + 1


@pytest.mark.one_in(12)
def test_a_function_that_overwrites_its_input_cannot_change_what_is_expected(source, exercise):
    spoilt = "".join(f"{name} = _spoilt({name})\n" for name in callables(exercise.solution))
    answers = {exercise.id: exercise.solution + SPOILER + spoilt}
    failed = set(rerun(source, answers)[exercise.id].failed)
    essential = {check.name for check in exercise.checks if check.essential}
    if exercise.id in source.bank.takes_no_arrays:
        assert failed == source.bank.takes_no_arrays[exercise.id]
    else:
        assert failed >= essential


def told(exercise):
    """Return its checks with their messages, but for numbers: a network may draw its own anew."""
    return [
        (check.name, check.outcome, re.sub(r"-?\d+(\.\d+)?(e-?\d+)?", "#", check.message))
        for check in exercise.checks
    ]


@pytest.mark.one_in(3)
def test_what_is_run_again_is_all_that_an_answer_affects(source):
    for answer in random.Random(2).sample(source.bank.answers, 3):
        answers = {answer.exercise: answer.source}
        again, whole = rerun(source, answers), run(source, answers)
        assert told(again[answer.exercise]) == told(whole[answer.exercise]), answer.name
        assert failed(again) == failed(whole), answer.name
        assert scores(again) == scores(whole), answer.name


@pytest.mark.one_in(4)
@pytest.mark.parametrize("pace", ["short", None])
def test_the_reference_earns_everything_at_either_pace(source, pace, monkeypatch):
    if pace:
        monkeypatch.setenv("COURSE_PACE", pace)
    else:
        monkeypatch.delenv("COURSE_PACE", raising=False)
    verdict = run(source)
    assert verdict.score == verdict.max_score
