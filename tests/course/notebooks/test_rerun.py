"""What an answer can affect is run again, and the verdict is that of a whole run."""

import os

import numpy as np
import pytest

from course.notebooks import execution
from course.notebooks import rerun as module
from course.notebooks.rerun import rerun
from course.notebooks.runner import run

ANSWERS = {
    "wrong": {"double": "def double(x):\n    return np.square(x)"},
    "the last alone": {"quadruple": "def quadruple(x):\n    return 3 * double(x)"},
    "both": {"double": "def double(x):\n    return x", "quadruple": "quadruple = double"},
    "it raises": {"quadruple": "import nothing_of_this_name"},
    "no Python": {"double": "def double(x:"},
    "under another name": {"double": "def twice(x):\n    return 2 * x"},
    "it changes what is not its own": {"quadruple": "np.pi = 3\ndouble = None"},
    "it uses what comes later": {
        "double": "def double(x):\n    return 4 * x if 'quadruple' in globals() else 2 * x"
    },
}


@pytest.mark.parametrize("answers", ANSWERS.values(), ids=ANSWERS)
def test_the_verdict_is_that_of_a_whole_run(source, answers, monkeypatch):
    monkeypatch.setattr(np, "pi", np.pi)  # a whole run changes it in this process
    assert rerun(source, answers) == run(source, answers)


def test_only_what_uses_the_answer_is_run_again(source, monkeypatch):
    done = []

    def recorded(run):
        def record_and_run(text, name, *rest):
            done.append(name.rpartition(":")[2].strip(">"))
            run(text, name, *rest)

        return record_and_run

    known = module._reference_run(source, os.environ.get("COURSE_PACE", ""))
    for name in ("execute", "execute_test"):
        monkeypatch.setattr(module, name, recorded(getattr(execution, name)))
    module._again(source, ANSWERS["the last alone"], known)
    assert done == ["quadruple", "test_quadruple"]


def test_the_next_answer_finds_everything_as_it_was(source):
    spoils = {"quadruple": "np.spoilt = 1\nquadruple = double"}
    rerun(source, spoils)
    assert rerun(source, {"double": "def double(x):\n    return np.asarray(x) * 2.0"}).score == 4
    assert not hasattr(__import__("numpy"), "spoilt")


def test_a_process_that_ends_is_told(source):
    ends = {"double": "import os\ndef double(x):\n    os._exit(0)"}
    with pytest.raises(RuntimeError, match="ended without a verdict"):
        rerun(source, ends)
