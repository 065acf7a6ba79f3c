"""An exercise that fails because an earlier one is wrong is judged once more with the reference."""

from copy import deepcopy

import pytest

from course.judge.carried import with_what_is_carried
from course.judge.sandbox.server import WarmServer
from course.judge.supervise import Submission, grade_notebook
from course.notebooks.cells import grade_id
from course.notebooks.exercises import Exercise
from course.verdict import CheckVerdict, ExerciseVerdict
from helpers.checks import Outcome

SQUARES = "def double(x):\n    return np.square(x)"
WRONG = "def quadruple(x):\n    return 3 * double(x)"
LOOKS = '''
def quadruple(x):
    """Say what `double` is: by its code, or by what it is called from."""
    import inspect
    print("SEEN", double.__code__.co_consts, inspect.getsource(double))
    raise ValueError(inspect.getsource(double))
'''


@pytest.fixture(scope="module")
def server():
    with WarmServer() as server:
        yield server


@pytest.fixture
def judged(source, server):
    def judge(answers, **options):
        nb = deepcopy(source.notebook)
        for cell in nb.cells:
            cell.source = answers.get(grade_id(cell), cell.source)
        return grade_notebook(Submission(source, nb, None, b"a seed"), server, **options)

    return judge


def test_what_is_right_given_right_parts_earns_its_marks_and_says_so(judged):
    verdict, nb = judged({"double": SQUARES})
    assert [one.score for one in verdict.exercises] == [0, 1]
    assert verdict["quadruple"].checks[0].passed
    assert verdict["quadruple"].checks[0].message == (
        "Right with the course's own `double` in place of yours, so it counts."
    )
    cell = next(cell for cell in nb.cells if grade_id(cell) == "test_quadruple")
    assert "Judged once more" in cell.outputs[-2].text
    assert cell.outputs[-1].data["text/plain"] == "1"
    assert [one.output_type for one in cell.outputs].count("execute_result") == 1


def test_without_it_the_marks_are_lost(judged):
    verdict, _ = judged({"double": SQUARES}, carry=False)
    assert verdict.score == 0


def test_nothing_is_carried_into_what_judges_the_own_work_as_a_whole(source, judged):
    test = next(c for c in source.notebook.cells if grade_id(c) == "test_quadruple")
    test.metadata["tags"] = ["own"]
    assert judged({"double": SQUARES})[0].score == 0


@pytest.mark.parametrize("double", [SQUARES, "def double(x):\n    raise NotImplementedError"])
def test_what_is_wrong_whatever_it_builds_on_stays_wrong(judged, double):
    verdict, nb = judged({"double": double, "quadruple": WRONG})
    assert verdict.score == 0
    first, plain = judged({"double": double, "quadruple": WRONG}, carry=False)
    assert verdict == first
    assert nb == plain


def test_what_does_not_build_on_the_wrong_one_is_judged_once(judged, monkeypatch):
    monkeypatch.setattr("course.judge.supervise.cells_again", None)  # may not be called
    assert judged({"quadruple": WRONG})[0].score == 3
    assert judged({"double": SQUARES, "quadruple": "def quadruple(x):\n    return x"})[0].score == 0


def test_nothing_of_the_second_process_is_shown(judged):
    verdict, nb = judged({"double": SQUARES, "quadruple": LOOKS})
    assert verdict.score == 0
    shown = str(verdict.to_json()) + str([cell.get("outputs") for cell in nb.cells])
    assert "np.square" in shown  # their own code is theirs to see
    assert "np.asarray" not in shown


def test_the_reference_of_an_exercise_is_not_there_while_it_is_judged(judged):
    """It may wait for it in vain: its own comes when it has been judged."""
    spies = (
        "def quadruple(x):\n"
        "    import gc\n"
        "    found = [o for o in gc.get_objects() if getattr(o, '__name__', '') == 'quadruple'\n"
        "             and getattr(getattr(o, '__code__', None), 'co_filename', '') != "
        "quadruple.__code__.co_filename]\n"
        "    return found[0](x) if found else None"
    )
    assert judged({"double": SQUARES, "quadruple": spies})[0].score == 0


def verdict_of(*passed, finished=True):
    """Return the verdict of an exercise of three checks, a point each, in which some passed."""
    checks = tuple(
        CheckVerdict(name, Outcome.PASSED if name in passed else Outcome.FAILED, f"seen: {name}")
        for name in ("a", "b", "c")
    )
    score = len(passed) if finished else 0
    return ExerciseVerdict("triple", score, 3, checks if finished else checks[:1])


EXERCISE = Exercise("triple", "Triple", 3, (), "", "")


@pytest.mark.parametrize(
    ("first", "second", "score"),
    [(("a",), ("b", "c"), 2), (("a",), ("b",), 1), ((), ("a",), 1), (("a",), ("a", "b"), 2)],
)
def test_the_better_verdict_counts_and_never_the_best_of_both(first, second, score):
    """Code could answer one half of the checks in the first run, the other in the second."""
    found = with_what_is_carried(EXERCISE, verdict_of(*first), verdict_of(*second), ["half"])
    better = second if len(second) > len(first) else first
    assert (found.score, [c.name for c in found.checks if c.passed]) == (score, [*better])
    changed = {c.name: c.message for c in found.checks if c not in verdict_of(*first).checks}
    assert {*changed} == ({*first} ^ {*second} if better == second else set())
    assert all("the course's own `half`" in message for message in changed.values())


def test_a_check_that_was_not_come_to_is_not_given_away():
    first = verdict_of(finished=False)
    found = with_what_is_carried(EXERCISE, first, verdict_of("a"), ["half"])
    assert (found.score, len(found.checks)) == (1, 3)
    assert "seen" not in "".join(check.message for check in found.checks[1:])
