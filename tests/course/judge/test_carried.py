"""An exercise that fails because an earlier one is wrong is judged once more with the reference."""

from copy import deepcopy

import pytest

from course.judge.sandbox.server import WarmServer
from course.judge.supervise import Submission, grade_notebook
from course.notebooks.cells import grade_id

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
