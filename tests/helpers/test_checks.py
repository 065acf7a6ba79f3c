"""Questions score what was earned, survive any student code, and quote only the student's lines."""

import contextlib
import linecache
import logging
import re
import textwrap
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import nbformat
import numpy as np
import pytest
from nbclient import NotebookClient
from nbgrader.utils import determine_grade

from helpers import checks
from helpers.checks import (
    CheckResult,
    Outcome,
    Question,
    UndecidedError,
    assert_close,
    assert_derivative,
    assert_gradient,
    assert_integers,
    assert_keys,
    assert_quiet,
    assert_returned,
    assert_shape,
    assert_unchanged,
    assert_verdict,
    seeded,
)

SECRET = "EXPECTED_" + "SECRET_VALUE"  # what no message may show
IMPORTS = """
import numpy as np
from helpers.checks import *
"""


def run_cells(*cells: str) -> Question:
    """Run cells in one namespace as Jupyter does, a file each, and return the last one's `q`."""
    names: dict[str, Any] = {"__name__": "__main__"}
    for number, cell in enumerate((IMPORTS, *map(textwrap.dedent, cells))):
        file = f"<cell {number}>"
        linecache.cache[file] = (len(cell), None, cell.splitlines(keepends=True), file)
        exec(compile(cell, file, "exec"), names)
    question: Question = names["q"]
    return question


def one(student: str, body: str) -> CheckResult:
    """Return the result of a question with one check."""
    test = 'q = Question("T", points=1)\nwith q.check("works"):\n'
    return run_cells(student, test + textwrap.indent(textwrap.dedent(body), "    ")).results[0]


def outcomes(question: Question) -> list[Outcome]:
    return [result.outcome for result in question.results]


# --- points -------------------------------------------------------------------------------------


def fill(question: Question, *verdicts: bool | type[Exception], points=1, essential=()):
    for number, verdict in enumerate(verdicts):
        with question.check(f"check {number}", points, essential=number in essential):
            if isinstance(verdict, type):
                raise verdict
            assert verdict
    return question


@pytest.mark.parametrize(
    ("points", "verdicts", "essential", "score"),
    [
        (3, (True, True, True), (), 3),
        (3, (True, False, True), (), 2),
        (3, (False, False, False), (), 0),
        (3, (True, False, True), (1,), 0),
        (3, (True, False, True), (0, 2), 2),
        (3, (UndecidedError, True, True), (), 3),
        (3, (UndecidedError, False, True), (), 2),
        (1, (UndecidedError,), (0,), 1),
        (3, (NotImplementedError, True, True), (), 2),
        (3, (NotImplementedError,) * 3, (), 0),
        (2, (True, True, False), (), 2),  # the author's checks are worth too much: never above
        (5, (True, True), (), 5),  # hidden checks have been taken out
        (5, (True, False), (), 1),
        (5, (), (), 5),  # all of them have
    ],
)
def test_score(points, verdicts, essential, score):
    assert fill(Question("T", points), *verdicts, essential=essential).score() == score


def test_checks_have_their_own_points_and_the_score_is_a_builtin_number():
    question = fill(Question("T", np.float64(4)), True, False, points=np.float64(1.5))
    assert repr(question.score()) == "1.5"
    assert repr(fill(Question("T", cast(float, np.int64(2))), True, True).score()) == "2"


def test_a_test_cell_that_breaks_off_has_earned_no_more_than_its_checks():
    assert fill(Question("T", 4), True).earned == 1
    assert Question("T", 4).earned == 0


def test_results_are_plain_values():
    question = fill(Question("T", 2), True, False)
    assert question.to_json()[1] == {
        "name": "check 1",
        "outcome": "failed",
        "points": 1,
        "essential": False,
        "message": question.results[1].message,
        "passed": False,
    }
    assert type(question.to_json()[1]["outcome"]) is str


# --- what is printed ------------------------------------------------------------------------------


def test_the_report_of_a_failure(capsys):
    question = Question("Softmax", 3, see="2.3 Overflow")
    with question.check("is finite", essential=True):
        raise AssertionError("`y` is nan.")
    fill(question, True, True).score()
    assert capsys.readouterr().out == (
        "Softmax\n"
        "  ✗ is finite\n"
        "      `y` is nan.\n"
        "  ✓ check 0\n"
        "  ✓ check 1\n"
        "0 of 3 points.\n"
        "(The rest builds on “is finite”: without it there are no points.)\n"
        "Look again at: 2.3 Overflow\n"
    )


@pytest.mark.parametrize(
    ("points", "verdicts", "last"),
    [
        (2, (True, True), "2 of 2 points."),
        (1, (True,), "1 of 1 point."),
        (4, (True, True), "All the checks here pass. More are run when it is graded."),
        (
            4,
            (True, False),
            "1 of 4 points so far. More checks are run when it is graded; some decide whether any "
            "points count.",
        ),
        (4, (), "T: there are no checks here: they are run when it is graded."),
        (2, (NotImplementedError, NotImplementedError), "T: not attempted yet."),
        (2, (NotImplementedError, True), "1 of 2 points."),
    ],
)
def test_the_last_line(points, verdicts, last, capsys):
    fill(Question("T", points), *verdicts).score()
    assert capsys.readouterr().out.splitlines()[-1] == last


# --- random points --------------------------------------------------------------------------------


def draws(names=("a", "b"), *, fail=False, title="T"):
    question, found = Question(title, 2), {}
    for name in names:
        with question.check(name):
            found[name] = question.rng.normal(size=3).tolist()
            if fail:
                raise ValueError
    return found


def test_a_check_draws_the_same_whatever_the_others_do():
    assert draws() == draws(("b", "a")) == draws(fail=True)
    assert draws(("b",)) == {"b": draws()["b"]}
    assert draws()["a"] != draws()["b"]
    assert draws()["a"] != draws(title="U")["a"]


def test_a_grader_draws_other_points_for_every_student_and_can_replay_them():
    def graded(seed):
        with seeded(seed):
            return draws()["a"]

    different = [draws()["a"], graded(b"ann"), graded(b"bob")]
    assert len({tuple(points) for points in different}) == 3
    assert graded(b"ann") == graded(b"ann")
    assert draws()["a"] == different[0]


# --- student code that misbehaves -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("student", "words"),
    [
        ("def f(x): raise ValueError('no luck.')", "Your code raises ValueError: no luck (in `f`"),
        ("def f(x): return f(x)", "Your code raises RecursionError: maximum recursion"),
        ("def f(x): raise SystemExit", "ends the program (SystemExit)"),
        ("def f(x): exit()", "ends the program (SystemExit)"),
        ("def f(x): raise BaseException('odd')", "Your code raises BaseException: odd"),
        ("def f(x): raise GeneratorExit", "Your code raises GeneratorExit (in `f`"),
        ("def f(x): raise StopIteration", "Your code raises StopIteration (in `f`"),
        ("def f(x): assert x > 5, 'too small'", "Your code raises AssertionError: too small (in"),
        ("def f(x): assert x > 5", "Your code raises AssertionError (in `f`: `def f(x): assert"),
        ("def f(x): raise UndecidedError('ha')", "Your code raises UndecidedError: ha"),
        ("def f(x): return y", "Your code raises NameError: name 'y' is not defined (in `f`"),
        ("def f(x): raise ExceptionGroup('g', [ValueError()])", "raises ExceptionGroup"),
        ("pass", "`f` is not defined: run the cell that defines it"),
        ("f = None", "This can't be checked: TypeError: 'NoneType' object is not callable."),
        ("def f(): pass", "This can't be checked: TypeError: f() takes 0 positional"),
    ],
)
def test_what_student_code_raises_is_told_as_such(student, words):
    result = one(student, "f(1)")
    assert result.outcome is Outcome.FAILED
    assert words in result.message
    assert "\n" not in result.message


class Other(Question):
    """Opens the block of a check itself."""

    @contextlib.contextmanager
    def check(self, name, points=1, *, essential=False):
        with super().check(name, points, essential=essential):
            yield


@pytest.mark.parametrize("kind", [Question, Other])
@pytest.mark.parametrize(
    ("body", "outcome", "words"),
    [
        ("assert f(1) == 2, 'f(1) is not 2'", Outcome.FAILED, "f(1) is not 2"),
        ("raise UndecidedError('a kink')", Outcome.UNDECIDED, "a kink"),
        ("g(1)", Outcome.FAILED, "Your code raises AssertionError: no (in `g`"),
        ("h(1)", Outcome.FAILED, "Your code raises UndecidedError: no (in `h`"),
    ],
)
def test_what_the_test_raises_is_told_from_what_student_code_raises(
    monkeypatch, kind, body, outcome, words
):
    monkeypatch.setattr("helpers.checks.Question", kind)
    student = """
    def f(x): return x
    def g(x): raise AssertionError("no")
    def h(x): raise UndecidedError("no")
    """
    result = one(student, body)
    assert result.outcome is outcome
    assert result.message.startswith(words)


def test_one_function_alone_looks_at_the_frame_of_who_calls():
    looks = re.compile(r"_getframe|currentframe|f_back|inspect\.stack|\b_test_cell\(")
    found = [
        line.strip()
        for path in sorted(Path(checks.__file__).parent.rglob("*.py"))
        for line in path.read_text(encoding="utf-8").splitlines()
        if looks.search(line)
    ]
    assert found == [
        "self._file, self._names = _test_cell()",
        "def _test_cell() -> tuple[str, Mapping[str, Any]]:",
        "cell = sys._getframe(2)",
    ]


def test_a_stub_is_not_attempted():
    assert one("def f(x): raise NotImplementedError", "f(1)").outcome is Outcome.NOT_ATTEMPTED


def test_an_interrupt_stops_the_cell():
    question = Question("T", 1)
    with pytest.raises(KeyboardInterrupt), question.check("works"):
        raise KeyboardInterrupt
    assert question.results == []


@pytest.mark.parametrize("inner", ["ValueError", "SystemExit"])
def test_an_exception_that_cant_be_shown(inner):
    student = f"""
    class E(Exception):
        def __str__(self): raise {inner}
    def f(x): raise E
    """
    assert "Your code raises E: its message can't be shown (in `f`" in one(student, "f(1)").message


def test_messages_are_short_and_printable():
    assert len(one("def f(x): raise ValueError('x' * 10**7)", "f(1)").message) < 800
    message = one(r"def f(x): raise ValueError('\x1b[31m\nred\0\u202e')", "f(1)").message
    assert message.startswith("Your code raises ValueError: �[31m red��")
    assert one("", "raise AssertionError('a\\n  b\\x07')").message == "a b�"


def test_a_bare_assert_says_no_more_than_that():
    assert one("", "assert 1 == 2").message == "This does not hold."


def test_a_warning_is_quoted_beside_a_failure_only():
    student = "def f(x): return np.exp(x)"
    assert (
        "(Python warned: overflow encountered in exp.)" in one(student, "assert f(1e9) < 0").message
    )
    assert one(student, "f(1e9)") == CheckResult("works", Outcome.PASSED, 1, False, "")
    old = "import warnings\n\ndef f():\n    warnings.warn('old', DeprecationWarning)\n    return 1"
    assert "Python warned" not in one(old, "assert f() < 0").message


def test_an_exception_from_another_process_keeps_the_place_that_it_brings():
    body = """
    error = {kind}("no")
    error.student_place = " (in `f`: `return 1`)"
    raise error
    """
    for kind in ("ValueError", "AssertionError"):
        expected = f"Your code raises {kind}: no (in `f`: `return 1`)."
        assert one("", body.format(kind=kind)).message == expected


def test_nothing_reaches_stderr(capfd):
    student = """
    import logging, sys, warnings
    logging.getLogger("mine").addHandler(logging.StreamHandler(sys.stderr))
    def f(x):
        print("oops", file=sys.stderr)
        warnings.warn("careful")
        logging.warning("warned")
        logging.getLogger("mine").error("logged")
        return np.log(x)
    """
    assert one(student, "f(-1.0)").passed
    assert capfd.readouterr().err == ""
    assert logging.root.manager.disable == 0


# --- whose line is quoted -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("student", "body", "line"),
    [
        ("def f(x):\n    return x / 0  # mine", "f(1)", "return x / 0  # mine"),
        ("def g(x):\n    return x / 0\ndef f(x):\n    return g(x)", "f(1)", "return x / 0"),
        ("def f(x):\n    return np.ones(2) @ np.ones(3)", "f(1)", "return np.ones(2) @ np.ones(3)"),
        (
            "def f(x):\n    return np.random.default_rng(0).normal(size=-1)",
            "f(1)",
            "return np.random.default_rng(0).normal(size=-1)",
        ),
        (
            "import json\ndef f(x):\n    return json.loads('{')",
            "f(1)",
            "return json.loads('{')",
        ),
        ("f = lambda x: x.missing", "f(1)", "f = lambda x: x.missing"),
        ("def f(g):\n    return g('a')", "f(lambda x: x - len('{SECRET}'))", "return g('a')"),
        ("def f(x):\n    return x['a']", "assert_gradient(f, np.sum, [1.0])", "return x['a']"),
        ("def f(x):\n    return [x][1]", "list(map(lambda a: f(a), '{SECRET}'))", "return [x][1]"),
        (
            "class C:\n    def __array__(self, *a):\n        return 1 / 0\ndef f(x): return C()",
            "np.asarray(f(1)), '{SECRET}'",
            "return 1 / 0",
        ),
    ],
)
def test_the_last_line_of_the_students_own_code_is_quoted(student, body, line):
    message = one(student, body.replace("{SECRET}", SECRET)).message
    assert f"`{line}`)." in message
    assert SECRET not in message


@pytest.mark.parametrize(
    "body",
    [
        "expected = '{SECRET}'; f(1).shape, expected",
        "(lambda a: a.missing or '{SECRET}')(f(1))",
        "np.ones(2) @ np.full(3, len('{SECRET}'))",
        "np.linalg.inv(np.zeros((2, 2))), '{SECRET}'",
        "[(lambda: v + 1)() for v in f(1) or [None] if '{SECRET}']",
        "assert_gradient(f, lambda x: np.sum(x, axis=len('{SECRET}')), [1.0])",
        "assert_close(f(1), [1.0]), '{SECRET}'",
        "assert f(1) == '{SECRET}'",
        "exec('f(1).a, \"{SECRET}\"')",
    ],
)
def test_the_tests_own_code_is_never_quoted(body):
    result = one("def f(x): pass", body.replace("{SECRET}", SECRET))
    assert result.outcome is Outcome.FAILED
    assert SECRET not in result.message


def test_an_assertion_in_a_function_that_the_test_lends_is_the_tests_verdict():
    body = """
    def lent(x):
        assert isinstance(x, float), "f is called with something else."
    f(lent)
    """
    assert one("def f(g):\n    return g(1)", body).message == "f is called with something else."


# --- assertions -----------------------------------------------------------------------------------


def message(assertion, *args, **options) -> str:
    with pytest.raises(AssertionError) as caught:
        assertion(*args, **options)
    return str(caught.value)


def test_assert_close_diagnoses():
    assert_close([1, 2], [1.0, 2.0])
    assert message(assert_close, 3.0, np.ones(3), name="`db1`", axes=["units"]) == (
        "`db1` is one number, 3, instead of an array of shape (3,): "
        "it was summed over the units too."
    )


def test_assert_shape_and_assert_integers():
    assert_shape(np.ones((2, 3)), (2, 3))
    assert_shape(2.0, ())
    assert_integers([1, 2])
    assert message(assert_shape, [1], (2,)) == "Your result has shape (1,) instead of (2,)."
    assert message(assert_integers, 1.0) == (
        "Your result has dtype float64, but integers are expected."
    )
    assert "dtype bool" in message(assert_integers, [True])
    for assertion, more in ((assert_shape, ((1,),)), (assert_integers, ())):
        for odd, words in ((None, "`return` is missing"), ([[1], [1, 2]], "rows"), ("a", "str")):
            assert words in message(assertion, odd, *more)


def test_assert_returned():
    assert_returned((1, 2), "A2", "cache")
    assert_returned([None, {}], "A2", "cache")
    wanted = "but 2 values are expected: `return A2, cache`."
    for odd, words in (
        (None, "returns None, "),
        (np.ones((2, 2)), "returns one value, "),
        ({}, "returns one value, "),
        ([1], "returns one value, "),
        ((1, 2, 3), "returns 3 values, "),
    ):
        assert message(assert_returned, odd, "A2", "cache") == f"Your function {words}{wanted}"


def test_assert_keys():
    assert_keys({"W1": 1, "b1": 2, "more": 3}, ("W1", "b1"))
    for odd, words in (
        (None, "Your result is None: a `return` is missing"),
        ((1, 2), "Your result is a tuple, but a dictionary is expected."),
        ({"w1": 1, 2: 3}, "Your result has no key W1, b1; its keys are: w1, 2."),
        ({}, "its keys are: none."),
    ):
        assert words in message(assert_keys, odd, ("W1", "b1"))


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def test_assert_derivative():
    def right(x):
        return sigmoid(x) * (1 - sigmoid(x))

    rng = np.random.default_rng(0)
    assert_derivative(right, sigmoid, lambda: rng.normal(size=(3, 4)))
    assert_derivative(lambda x: right(x).astype(np.float32), sigmoid, lambda: rng.normal(size=4))
    assert_derivative(lambda x: [right(v) for v in x], sigmoid, [0, 1, 2])
    assert_derivative(lambda x: 1.0 * (x > 0), lambda x: np.maximum(x, 0), [-1.0, 0.0, 2.0])
    assert message(assert_derivative, lambda x: 0.5 * right(x), sigmoid, [0.0, 1.0, 2.0]) == (
        "Your derivative is 1/2 of the right value. "
        "It is 0.125 at [0] (for x = 0), and 0.25 is right."
    )
    words = message(assert_derivative, sigmoid, sigmoid, [0.0], mistakes={"it is f": sigmoid})
    assert words.startswith("Your derivative is wrong: it is f.")
    assert "None" in message(assert_derivative, lambda x: None, sigmoid, [0.0])


def test_undecided_elements_are_left_out_and_others_are_not():
    x = [-1.0, 0.0, 2.0]

    def relu(x):
        return np.maximum(x, 0)

    for at_kink in (0.0, 1.0, np.nan):
        assert_derivative(lambda x: np.array([0, at_kink, 1]), relu, x)  # noqa: B023
    assert "wrong sign" in message(assert_derivative, lambda x: -1.0 * (x > 0), relu, x)
    assert "zero everywhere" in message(assert_derivative, np.zeros_like, relu, x)
    assert "rows" in message(assert_derivative, lambda x: [[0], [0, 1], [1]], relu, x)
    words = message(assert_derivative, np.ones_like, relu, x, mistakes={"all 1": np.ones_like})
    assert "all 1" in words


def test_another_point_is_drawn_when_a_kink_is_hit():
    points: Iterator[Any] = iter([np.zeros(2), np.array([0.0, 1.0]), np.array([-1.0, 1.0]), None])
    assert_derivative(lambda x: 1.0 * (x > 0), lambda x: np.maximum(x, 0), lambda: next(points))
    assert next(points) is None


def test_a_check_that_can_nowhere_decide_costs_no_marks():
    with pytest.raises(UndecidedError, match="no marks"):
        assert_derivative(np.zeros_like, np.abs, lambda: np.zeros(3))


def test_a_function_that_is_nowhere_finite_is_no_excuse():
    assert "not finite" in message(assert_gradient, np.ones_like, lambda x: np.nan, [1.0, 2.0])


def test_assert_gradient():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(8, 3))

    def loss(W):
        return 0.5 * np.sum((x @ W) ** 2) / 8

    def right(W):
        return x.T @ (x @ W) / 8

    assert_gradient(right, loss, lambda: rng.normal(size=(3, 2)), batch=8)
    assert_gradient(lambda W: W * 0, lambda W: 2.3, np.ones(2))  # a bias before batch norm
    assert "8 is the batch size" in message(
        assert_gradient, lambda W: right(W) * 8, loss, np.ones((3, 2)), batch=8
    )
    assert "the outputs" in message(
        assert_gradient,
        lambda W: right(W).sum(1),
        loss,
        np.ones((3, 2)),
        axes=["inputs", "outputs"],
    )

    def spoils(W):
        grad = right(W)
        W[...] = 0
        return grad

    assert_gradient(spoils, loss, np.ones((3, 2)))


def test_a_small_gradient_beside_a_large_one_is_still_checked():
    scale = np.array([1e4, 1e-3])
    assert_gradient(lambda x: scale * 2 * x, lambda x: np.sum(scale * x**2), [1.0, 1.0])
    words = message(
        assert_gradient, lambda x: scale * [2, 2.1], lambda x: np.sum(scale * x**2), [1.0, 1.0]
    )
    assert "1 of 2 places" in words


def test_assert_unchanged():
    x = np.array([1.0, np.nan])
    with assert_unchanged(x):
        x + 1
    for change in (lambda x: x.__setitem__(0, 5), lambda x: x.resize(3, refcheck=False)):
        with pytest.raises(AssertionError, match="changes the scores z in place"):  # noqa: SIM117
            with assert_unchanged(x, name="the scores z"):
                change(x)
    items: Any = [3, 1]
    with pytest.raises(AssertionError, match="in place"), assert_unchanged(items):
        items.sort()


def test_assert_quiet_minds_arithmetic_only():
    with pytest.raises(AssertionError, match=r"At x = 1000 Python warns: overflow .* in exp\.$"):  # noqa: SIM117
        with assert_quiet(at="x = 1000"):
            np.exp(1000.0)
    with assert_quiet():
        warnings.warn("this function will go", DeprecationWarning, stacklevel=1)
        np.exp(1.0)


@pytest.mark.parametrize("form", [bool, np.bool_, np.array, int, np.int64])
@pytest.mark.parametrize("expected", [True, False])
def test_assert_verdict_takes_one_true_or_false_of_any_kind(form, expected):
    assert_verdict(lambda version: form(version > 0), 1 if expected else -1, expected, "words")
    words = message(assert_verdict, lambda version: form(not expected), 0, expected, "It is wrong.")
    assert words == "It is wrong."


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (None, "Your check returns None: a `return` is missing."),
        (np.array([True, False]), "one True or False, not 2 of them: `np.all` or `np.allclose`"),
        (np.array([True]), "one True or False, not 1 of them"),
        ([True], "one True or False, but what it returns is of type list."),
        (2, "but what it returns is the number 2."),
        (-1, "the number -1."),
        (np.float64(1), "of type float."),
        (np.ones(2), "of type ndarray."),
        ("True", "of type str."),
    ],
)
@pytest.mark.parametrize("expected", [True, False])
def test_assert_verdict_takes_nothing_else(answer, words, expected):
    assert words in message(assert_verdict, lambda version: answer, 0, expected, "It is wrong.")


def test_assert_verdict_is_no_verdict_on_what_the_check_raises():
    student = "def check(version): return version(1) == 1"
    result = one(student, "def wrong(x): return len(x)\nassert_verdict(check, wrong, False, 'ha')")
    assert result.message.startswith("Your code raises TypeError: object of type 'int' has no len")


def test_assert_verdict_keeps_a_wrong_versions_warnings_out_but_not_from_the_check():
    student = """
    import warnings
    def check(version):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            version(1e9)
        return not caught
    def silent(version):
        version(1e9)
        return True
    """
    assert one(student, "assert_verdict(check, np.exp, False, 'ha')").passed
    assert one(student, "assert_verdict(silent, np.exp, False, 'ha')").message == "ha"


# --- in Jupyter, as nbgrader reads it -------------------------------------------------------------


def grade(verdict: str) -> str:
    return f"""
import sys, warnings
q = Question("T", points=4)
with q.check("one"):
    print("to stderr", file=sys.stderr)
    warnings.warn("careful")
with q.check("two", points=1.5):
    {verdict}
with q.check("three", points=1.5):
    np.log(np.array(-1.0))
q.score()
"""


@pytest.fixture(scope="module")
def executed():
    """Run test cells in a real kernel and return their notebook."""
    cells = [
        IMPORTS,
        "def f(x):\n    return x / 0  # the student's line",
        grade("pass"),
        grade("assert False"),
        grade("f(1)"),
        grade("raise NotImplementedError"),
        'q = Question("T", points=4)\nwith q.check("one"):\n    pass\nq.score()',
        'q = Question("T", points=4)\nwith q.check("one"):\n    f()\nq.score()',
    ]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    for cell in notebook.cells[2:]:
        cell.metadata.nbgrader = {"grade": True, "solution": False, "points": 4, "grade_id": "t"}
    NotebookClient(notebook, timeout=600, kernel_name="python3").execute()
    return notebook


def test_nbgrader_reads_partial_credit(executed):
    grades = [determine_grade(cell) for cell in executed.cells[2:]]
    assert grades == [(4, 4), (2.5, 4), (2.5, 4), (2.5, 4), (4, 4), (0, 4)]


def test_in_jupyter_the_students_line_is_quoted(executed):
    (shown,) = executed.cells[4].outputs
    assert "return x / 0  # the student&#x27;s line</code>)." in shown.data["text/html"]
    assert shown.data["text/plain"] == "2.5"
