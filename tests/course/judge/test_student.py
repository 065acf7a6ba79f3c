"""The student's end in its own process, confined and with a shell, as when a notebook is graded."""

import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from course.judge.confine import Confinement, missing
from course.judge.outputs import cleaned
from course.judge.remote import Namespace, Session
from course.judge.server import WarmServer

pytestmark = pytest.mark.skipif(bool(missing()), reason="student processes are run confined only")
Outputs = list[dict[str, Any]]


class Started:
    """A student process that has run a cell, and its names as a test cell has them."""

    def __init__(self, server: WarmServer, scratch: Path, source: str) -> None:
        ours, theirs = socket.socketpair()
        arguments = {
            "assignment": "04_backprop",
            "notebook": "two_layer_net",
            "confinement": Confinement.for_student(scratch).to_json(),
        }
        with theirs:
            self.child = server.spawn("student", theirs, arguments)
        self.connection = ours
        self.session = Session(ours, seconds=20)
        self.names = Namespace({"np": np}, self.session)
        assert [output for output in self.run(source) if output["output_type"] == "error"] == []

    def run(self, source: str) -> Outputs:
        """Run a cell and return its outputs."""
        return cleaned(self.session.request("run", source, "cell"))

    def test(self, source: str) -> Any:
        """Run the text of a test cell, and return what it calls `result`."""
        names = Namespace(dict(self.names), self.session)
        exec(compile(source, "<test>", "exec"), names)
        return names["result"]


Start = Callable[[str], Started]


@pytest.fixture(scope="module")
def server() -> Iterator[WarmServer]:
    with WarmServer() as server:
        yield server


@pytest.fixture
def start(server: WarmServer, tmp_path: Path) -> Iterator[Start]:
    running: list[Started] = []

    def begin(source: str) -> Started:
        running.append(Started(server, tmp_path, source))
        return running[-1]

    yield begin
    for started in running:
        started.connection.close()
        started.child.kill()


def text(outputs: Outputs) -> str:
    """Return what a cell has printed."""
    return "".join(o["text"] for o in outputs if o["output_type"] == "stream")


# --- streams and settings -------------------------------------------------------------------------

HAVOC = {
    "None": "sys.stdout = sys.stderr = None",
    "a stream that fails": "sys.stdout = sys.stderr = Fails()",
    "another stream": "sys.stdout = sys.stderr = io.StringIO()",
    "the original": "sys.stdout, sys.stderr = sys.__stdout__, sys.__stderr__",
    "no stream": "del sys.stdout, sys.stderr",
    "closed": "sys.stdout.close(), sys.stderr.close()",
    "closed descriptors": "os.close(1), os.close(2)",
    "a file": "sys.stdout = open('printed.txt', 'w')",
    "broken warnings": "warnings.showwarning = warnings.filters = warnings.warn = None",
}
MEDDLER = """
import io, os, sys, warnings
import numpy as np

class Fails:
    def write(self, text): raise RuntimeError("no text wanted")
    def flush(self): raise RuntimeError("no text wanted")

def add(a, b):
    return a + b

def says(text):
    print(text)
    print("aside", file=sys.stderr)
    return text

def havoc():
    {havoc}
"""


@pytest.mark.parametrize("havoc", HAVOC.values(), ids=HAVOC.keys())
def test_requests_and_cells_outlive_a_request_that_replaces_the_streams(
    havoc: str, start: Start
) -> None:
    student = start(MEDDLER.format(havoc=havoc))
    student.names["havoc"]()
    assert student.names["add"](1, 2) == 3
    assert text(student.run("print('a cell')")) == "a cell\n"
    assert student.names["says"]("b") == "b"
    assert student.session.printed == ["b\n"]


@pytest.mark.parametrize("havoc", HAVOC.values(), ids=HAVOC.keys())
def test_requests_outlive_a_cell_that_replaces_the_streams(havoc: str, start: Start) -> None:
    student = start(MEDDLER.format(havoc=havoc))
    student.run(havoc)
    student.run("print('lost, as it may be')")
    for _ in range(2):
        assert student.names["add"](1, 2) == 3
        assert student.names["says"]("b") == "b"
    assert student.session.printed == ["b\nb\n"]


SETTINGS = """
import os, sys, warnings
import matplotlib.pyplot as plt
import numpy as np

def meddles():
    print("to the test")
    print("to nobody", file=sys.stderr)
    os.write(1, b"by the descriptor\\n")
    warnings.simplefilter("error")
    plt.plot([1, 2])
    plt.figure().suptitle("left open")
    display("shown")
    np.random.seed(3)
    np.seterr(all="raise")
    np.set_printoptions(precision=2)
    plt.rcParams["figure.figsize"] = 1, 1
    try:
        input()
    except Exception as error:
        return type(error).__name__
"""


def test_what_a_request_prints_warns_of_and_draws_stays_out_of_cells(start: Start) -> None:
    student = start(SETTINGS)
    student.run("def warns(): warnings.warn('heard'); return 1")
    warns = student.names["warns"]
    with pytest.warns(UserWarning, match="heard"):
        assert warns() == 1
    assert student.names["meddles"]() == "EOFError"
    assert student.session.printed == ["to the test\n"]
    assert student.run("print('mine'); warnings.warn('mine too')")[0]["text"] == "mine\n"
    assert student.run("plt.get_fignums()")[-1]["data"]["text/plain"] == "[]"
    (shown,) = student.run("plt.plot([1]);")
    assert shown["output_type"] == "display_data"


def test_settings_outlive_a_request_as_in_the_notebook(start: Start) -> None:
    student = start(SETTINGS)
    student.names["meddles"]()
    (result,) = student.run("np.array([np.pi])")
    assert result["data"]["text/plain"] == "array([3.14])"
    (error,) = student.run("np.ones(1) / 0")
    assert error["ename"] == "FloatingPointError"
    assert student.test("result = np.array2string(np.array([np.pi])), str(np.float64(2) / 3)") == (
        "[3.14159265]",
        "0.6666666666666666",
    )
