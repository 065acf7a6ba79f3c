"""Every answer of the banks earns what it must, and a wrong one is told its own mistake."""

import ast

import pytest

from course.bank import RIGHT, WRONG, predicted
from course.notebook import grade_id, is_solution, read
from course.runner import run
from helpers.checks import Outcome

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

# Exercises whose essential checks hand no array of floats to the answer: why not, and what fails
# in their place.
A_FUNCTION = "takes a function; only the version that it mends takes arrays, which is not essential"
NOTHING_TO_SPOIL: dict[str, tuple[str, set[str]]] = {
    "gradient_after": ("takes numbers", set()),
    "check_sigmoid": (A_FUNCTION, {"comes with a mended sigmoid"}),
    "check_numerical_diff": (A_FUNCTION, {"comes with a mended derivative"}),
    "check_large_scores": (A_FUNCTION, {"comes with a mended version that is right"}),
    "check_rows": (A_FUNCTION, {"comes with a mended version that is right"}),
    "init_network": ("takes nothing", set()),
    "count_parameters": ("takes a list of sizes", set()),
    "check_batches": (A_FUNCTION, {"comes with a mended version that is right"}),
    "check_prepare": ("takes a function; the version that it mends takes bytes", set()),
    "train": ("takes a network and a list of batches", set()),
    "check_relu": (A_FUNCTION, {"comes with a mended layer that is right"}),
    "check_gradients": (A_FUNCTION, set()),
    "layer_sizes": ("only looks at shapes", set()),
    "initialize_parameters": ("takes numbers", set()),
    "update_parameters": ("takes dictionaries", set()),
    "check_backward": (A_FUNCTION, {"comes with a mended version that is right"}),
    "SGD": ("takes dictionaries", set()),
    "Momentum": ("takes dictionaries", set()),
    "AdaGrad": ("takes dictionaries", set()),
    "RMSprop": ("takes dictionaries", set()),
    "Adam": ("takes dictionaries", set()),
    "initial_std": ("takes numbers and words", set()),
    "decay_loss": ("takes dictionaries", set()),
    "make_layers": ("takes a dictionary", set()),
    "check_train_flag": (A_FUNCTION, {"comes with a mended version that is right"}),
    "init_weights": ("takes a number", set()),
    "reg_loss": ("takes nothing", set()),
    "random_init": ("takes a number", set()),
    "check_all_gradients": (
        "takes a function; of arrays its loss is wrong, and what it says of right versions",
        {
            "computes the regularized loss",
            "accepts every right version",
            "comes with mended gradients that are right",
        },
    ),
    "check_minibatch": (A_FUNCTION, {"comes with a mended version that is right"}),
    "sample_log_uniform": ("takes numbers", set()),
    "run_trial": ("takes a function, a dictionary of ranges and a seed", set()),
    "random_search": ("takes a function, a dictionary of ranges and numbers", set()),
    "narrow": ("takes a list of dictionaries", set()),
    "check_steps": ("takes a function of numbers", set()),
    "check_shuffle": (A_FUNCTION, {"comes with a mended version that is right"}),
}


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


def test_the_bank_can_be_read(source):
    assert source.answers


def test_a_wrong_answer_fails_exactly_its_checks_with_its_own_diagnosis(source, wrong):
    verdict = run(source.notebook, str(source), {wrong.exercise: wrong.source})
    assert failed(verdict) == {wrong.exercise: wrong.fails, **wrong.knock_on}
    assert scores(verdict) == predicted(source.exercises, [wrong])
    own = verdict[wrong.exercise]
    assert own.score < own.max_score
    messages = "\n".join(check.message for check in own.checks if not check.passed)
    assert [words for words in wrong.says if words not in messages] == [], messages


def test_a_right_answer_earns_everything(source, right):
    verdict = run(source.notebook, str(source), {right.exercise: right.source})
    messages = [check.message for exercise in verdict.exercises for check in exercise.checks]
    assert failed(verdict) == {}, messages
    assert verdict.incidents == ()
    assert verdict.score == verdict.max_score


def test_the_reference_earns_everything(source):
    verdict = run(source.notebook, str(source))
    assert failed(verdict) == {}
    assert verdict.incidents == ()
    assert verdict.score == verdict.max_score > 0
    checks = [check for exercise in verdict.exercises for check in exercise.checks]
    assert {check.outcome for check in checks} == {Outcome.PASSED}


def test_the_blank_release_earns_nothing_and_was_not_attempted(source):
    released = read(source.release)
    blank = {grade_id(cell): cell.source for cell in released.cells if is_solution(cell)}
    verdict = run(source.notebook, str(source), blank)
    assert scores(verdict) == dict.fromkeys(scores(verdict), 0)
    checks = [check for exercise in verdict.exercises for check in exercise.checks]
    assert {check.outcome for check in checks} == {Outcome.NOT_ATTEMPTED}
    assert [len(exercise.checks) for exercise in verdict.exercises] == [
        len(exercise.checks) for exercise in source.exercises
    ]


def test_an_exercise_has_enough_wrong_and_right_answers(source, exercise):
    own = [answer for answer in source.answers if answer.exercise == exercise.id]
    assert sum(answer.right for answer in own) >= RIGHT
    enough = sum(not answer.right for answer in own) >= WRONG
    assert enough != (exercise.id in source.few), source.few.get(exercise.id, "no reason given")


def test_answers_differ(source, exercise):
    own = [answer for answer in source.answers if answer.exercise == exercise.id]
    assert len({answer.name for answer in own}) == len(own)
    assert len({answer.source for answer in own} | {exercise.solution}) == len(own) + 1


def test_a_function_that_overwrites_its_input_cannot_change_what_is_expected(source, exercise):
    spoilt = "".join(f"{name} = _spoilt({name})\n" for name in callables(exercise.solution))
    answers = {exercise.id: exercise.solution + SPOILER + spoilt}
    failed = set(run(source.notebook, str(source), answers)[exercise.id].failed)
    essential = {check.name for check in exercise.checks if check.essential}
    if exercise.id in NOTHING_TO_SPOIL:
        assert failed == NOTHING_TO_SPOIL[exercise.id][1]
    else:
        assert failed >= essential


@pytest.mark.parametrize("pace", ["short", None])
def test_the_reference_earns_everything_at_either_pace(source, pace, monkeypatch):
    if pace:
        monkeypatch.setenv("COURSE_PACE", pace)
    else:
        monkeypatch.delenv("COURSE_PACE", raising=False)
    verdict = run(source.notebook, str(source))
    assert verdict.score == verdict.max_score
