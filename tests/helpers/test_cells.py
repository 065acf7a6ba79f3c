"""In Jupyter an exercise left out stops nothing, and a cell that fails is explained."""

import json
from types import SimpleNamespace

import pytest
from IPython.core.interactiveshell import InteractiveShell

from helpers import cells
from helpers.cells import defined_in, stopped
from helpers.checks import Question

SOFTMAX = "def softmax(x):\n    raise NotImplementedError"
NETWORK = "class Net:\n    def forward(self, x):\n        raise NotImplementedError"


@pytest.fixture
def run(monkeypatch, capsys):
    """Run cells in a shell of the test's own; return what the last one shows, and if it failed."""
    shell = InteractiveShell()
    monkeypatch.setattr(InteractiveShell, "initialized", lambda: True)
    monkeypatch.setattr(InteractiveShell, "instance", lambda: shell)
    monkeypatch.setattr(cells, "missing", {})
    monkeypatch.setattr(cells, "taken", {})
    monkeypatch.delenv("JPY_SESSION_NAME", raising=False)
    cells.watch()
    shell.user_ns["Question"] = Question

    def run_cells(*sources):
        for source in sources:
            capsys.readouterr()
            result = shell.run_cell(source, store_history=True)
        return SimpleNamespace(shown=capsys.readouterr().out, ok=result.success)

    return run_cells


@pytest.mark.parametrize(
    ("stub", "call", "name"),
    [(SOFTMAX, "y = softmax(1)", "softmax"), (NETWORK, "y = Net().forward(1)", "Net.forward")],
)
def test_a_cell_that_needs_an_exercise_left_out_says_so_and_is_no_error(run, stub, call, name):
    ended = run(stub, call)
    assert ended.ok
    assert ended.shown.strip() == cells.WAITS.format(exercise=f"`{name}`")


def test_what_needs_such_a_cell_is_left_out_too(run):
    ended = run(SOFTMAX, "y, z = softmax(1)", "total = y + 1", "print(total)")
    assert ended.ok
    assert ended.shown.strip() == cells.WAITS.format(exercise="`softmax`")


@pytest.mark.parametrize(
    ("stub", "name"),
    [
        ("class A:\n    raise NotImplementedError", "A"),
        ("class A:\n    def __init__(self):\n        raise NotImplementedError", "A.__init__"),
    ],
)
def test_a_class_that_inherits_from_one_left_out_waits_for_it(run, stub, name):
    inherits = "class B(A):\n    def forward(self, x):\n        return x"
    ended = run(stub, inherits, "y = B().forward(1)")
    assert ended.ok
    assert ended.shown.strip() == cells.WAITS.format(exercise=f"`{name}`")
    if name == "A":
        assert run(stub, inherits).shown.strip() == cells.WAITS.format(exercise="`A`")
        test = "q = Question('B', points=1)\nwith q.check('runs'):\n    B()\nq.score()"
        assert "`B` is not defined: `A` isn't written yet." in run(test).shown


def test_what_such_a_cell_has_half_made_is_taken_away(run):
    ended = run(SOFTMAX, "net = []\nnet.append(softmax(1))", "net[0]")
    assert ended.ok
    assert ended.shown.strip() == cells.WAITS.format(exercise="`softmax`")


def test_a_solution_that_tries_another_exercise_out_keeps_all_that_it_has_defined(run):
    """Or a trial call of what isn't written yet would cost marks that its function has earned."""
    run(SOFTMAX, "FACTOR = 2\ndef twice(x):\n    return FACTOR * x\nprint(softmax(1))")
    assert run("print(twice(2))").shown == "4\n"


def test_the_cell_runs_once_the_exercise_is_written(run):
    ended = run(SOFTMAX, "y = softmax(1)", "print(y)", "def softmax(x): return 3", "y = softmax(1)")
    assert ended.ok
    assert not ended.shown
    assert run("print(y)").shown == "3\n"


@pytest.mark.parametrize(
    "source",
    ["raise NotImplementedError", "import abc\nraise ValueError", "float('NaN').no_such"],
)
def test_every_other_error_stays_one(run, source):
    assert not run(SOFTMAX, source).ok


def test_a_library_that_lacks_something_is_no_exercise(run):
    """What a package has not implemented is an error like any other."""
    ended = run("import asyncio", "asyncio.AbstractEventLoop().time()")
    assert not ended.ok
    assert "left out" not in ended.shown


def test_an_exercise_that_another_process_needs_is_left_out_too(run):
    """Such a process hands its traceback over as text, as joblib does."""
    text = 'File "ipykernel_7/1.py", line 3, in run_trial'
    ended = run(f"error = NotImplementedError()\nraise error from ValueError({text!r})")
    assert ended.ok
    assert ended.shown.strip() == cells.WAITS.format(exercise="`run_trial`")


def test_a_test_cell_is_left_alone(run):
    """Stock nbgrader takes one that ends without an error and without a number for right."""
    assert not run(SOFTMAX, "softmax(1)\nq.score()").ok


TAKES = [
    "def half(x):\n    return float(x) / 2",
    "float = 3",
    "sum = 4",  # another name, which `half` does not use
]
HALF = """
q = Question("Half", points=1)
with q.check("halves", essential=True):
    assert half(4) == 2
q.score()
"""


def test_a_cell_that_takes_a_builtin_s_name_is_named(run):
    shown = run(*TAKES, HALF).shown
    assert "TypeError: 'int' object is not callable" in shown
    words = "`float` is not Python's own any more: the cell marked [2] gives that name to something"
    assert words in " ".join(shown.split())
    assert "`sum`" not in shown
    assert "own any more" not in run("del float", HALF).shown
    run("def float(x):\n    raise TypeError('no')", HALF)
    assert "the cell marked [7]" in " ".join(run(HALF).shown.split())


def test_an_error_is_explained(run):
    ended = run("import numpy as np", "if np.ones(2) > 0: pass")
    assert not ended.ok
    assert ended.shown.strip().endswith("with a mask such as `x[x > 0]`.")


def test_a_missing_name_is_traced_to_the_cell_that_failed(run):
    ended = run("def tanh(x)\n    return x", "tanh(1)")
    assert not ended.ok
    assert "`tanh` is not defined: the cell that defines it stopped with SyntaxError: " in (
        ended.shown
    )
    assert "(line 1); fix that cell first." in ended.shown
    test = "q = Question('Tanh', points=1)\nwith q.check('runs'):\n    tanh(1)\nq.score()"
    assert "the cell that defines it stopped with SyntaxError" in run(test).shown
    assert "stopped" not in run("def tanh(x): return x", test).shown


def test_a_cell_that_can_not_run_leaves_no_older_version_to_be_checked(run):
    test = "q = Question('Tanh', points=1)\nwith q.check('runs'):\n    tanh(1)\nq.score()"
    slip = "def tanh(x):\n    kept = x\n  return x"
    ended = run("def tanh(x):\n    return x", "kept = 1", slip, test)
    assert "the cell that defines it stopped with IndentationError" in ended.shown
    assert run("kept").ok


def test_a_name_that_no_cell_has_defined_says_which_cells_to_run(run):
    assert cells.NOWHERE.format(name="sigmoid") in run("sigmoid(1)").shown


def test_an_exercise_is_called_by_its_number_where_the_notebook_is_known(
    run, monkeypatch, tmp_path
):
    source = ["### Exercise 1.2: `Net` (4 points)\n", "\n", "Write it."]
    path = tmp_path / "lesson.ipynb"
    path.write_text(json.dumps({"cells": [{"source": "# Nets"}, {"source": source}]}))
    monkeypatch.setenv("JPY_SESSION_NAME", str(path))
    shown = run(NETWORK, "Net().forward(1)").shown
    assert "needs exercise 1.2 (`Net.forward`), which" in shown
    path.write_text("no JSON")
    assert "needs `Net.forward`, which" in run("Net().forward(1)").shown


def test_names_are_found_in_what_is_not_valid_python():
    source = "def f(x)\nclass A(B):\n  x, y = 1, 2\nz=3\nif a == b:\n    a <= c\nf(k=1)\n"
    assert defined_in(source) == {"f", "A", "x", "y", "z"}


def test_what_stopped_a_cell_is_one_line():
    assert stopped("SyntaxError", "bad\nluck (123.py, line 7)").endswith(
        "SyntaxError: bad luck (line 7); fix that cell first"
    )
    assert "with KeyboardInterrupt;" in stopped("KeyboardInterrupt", "")
