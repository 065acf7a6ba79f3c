"""The judge process: walks a notebook, runs the tests, and forms the verdict.

It gets a job from the grading process and student processes on request. Set-up cells run here and
in the student process, the student's cells there only, test cells here only. What comes back from
the student process is data; nothing of it is ever run here. Knows nothing of nbgrader.
"""

import contextlib
import io
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from course.judge.outputs import cleaned, result, stream
from course.judge.remote import Namespace, Session, StudentGoneError
from course.judge.wire import receive, send
from course.runner import execute
from helpers.checks import Question, seeded

MAX_RESTARTS = 20


@dataclass(frozen=True)
class Limits:
    """How long things may take, in seconds of wall time.

    Attributes:
        request: one call of a student's function.
        question: all the calls of one test cell.
        cell: one of the student's cells.
        notebook: everything together.
    """

    request: float = 10
    question: float = 60
    cell: float = 60
    notebook: float = 600


@dataclass(frozen=True)
class Cell:
    """One code cell of a submission, aligned with the instructor's copy.

    Attributes:
        index: its place in the submitted notebook.
        key: its grade_id, or a name for messages.
        kind: "setup" (runs on both sides), "test" (here) or "plain" (in the student process).
        source: the instructor's text of set-up and test cells, the student's of plain ones.
    """

    index: int
    key: str
    kind: str
    source: str


@dataclass
class Record:
    """What was found out: outputs by cell index, checks and score by test cell, incidents."""

    outputs: dict[int, list[dict[str, Any]]] = field(default_factory=dict)
    questions: dict[str, dict[str, Any]] = field(default_factory=dict)
    incidents: list[str] = field(default_factory=list)


class Judging:
    """Judges one notebook.

    Args:
        cells: its code cells, in the notebook's order.
        seed: the student's own seed, for the questions' random points.
        limits: how long things may take.
        new_student: starts a student process and returns the socket to it.
    """

    def __init__(
        self,
        cells: Sequence[Cell],
        seed: bytes,
        limits: Limits,
        new_student: Callable[[], socket.socket],
    ) -> None:
        self._cells = cells
        self._seed = seed
        self._limits = limits
        self._new_student = new_student
        self._deadline = time.monotonic() + limits.notebook
        self._names: dict[str, Any] = {"__name__": "__main__"}
        self._deadly: set[int] = set()
        self._restarts = 0
        self._record = Record()
        self._session = Session(new_student(), limits.request)

    def run(self) -> Record:
        """Walk the notebook from top to bottom."""
        for position, cell in enumerate(self._cells):
            if time.monotonic() > self._deadline:
                self._record.incidents.append(
                    f"The notebook took longer than {self._limits.notebook:g} seconds: "
                    f"nothing from {cell.key} on was run."
                )
                break
            if cell.kind == "test":
                self._judge(cell)
            else:
                self._run(cell)
            if self._session.gone:
                self._restart(position, cell)
        return self._record

    def _run(self, cell: Cell) -> None:
        """Run a cell in the student process, and a set-up cell here too."""
        if cell.kind == "setup":
            with contextlib.redirect_stdout(io.StringIO()):
                execute(cell.source, f"<{cell.key}>", self._names)
        try:
            self._record.outputs[cell.index] = self._run_there(cell)
        except StudentGoneError as error:
            self._deadly.add(cell.index)
            self._record.outputs[cell.index] = [
                {
                    "output_type": "error",
                    "ename": "CellEnded",
                    "evalue": str(error),
                    "traceback": [str(error)],
                }
            ]
            self._record.incidents.append(f"{cell.key}: {error}")

    def _run_there(self, cell: Cell) -> list[dict[str, Any]]:
        self._session.seconds = self._limits.cell
        self._session.set_deadline(self._deadline - time.monotonic())
        return cleaned(self._session.request("run", cell.source, cell.key))

    def _judge(self, cell: Cell) -> None:
        """Run a test cell here, against the student process."""
        self._session.seconds = self._limits.request
        left = self._deadline - time.monotonic()
        self._session.set_deadline(min(self._limits.question, left))
        self._session.printed.clear()
        names = Namespace(self._names, self._session)
        printed = io.StringIO()
        finished = True
        try:
            with (
                seeded(self._seed),
                contextlib.redirect_stdout(printed),
                contextlib.redirect_stderr(io.StringIO()),
            ):
                execute(cell.source, f"<{cell.key}>", names)
        except (Exception, SystemExit) as error:
            self._record.incidents.append(
                f"{cell.key}: the test itself failed: {type(error).__name__}: {error}"
            )
            finished = False
        question = dict.get(names, "q")  # never the student's `q`
        score = question.earned if finished and isinstance(question, Question) else 0
        self._record.outputs[cell.index] = [
            *stream("".join(self._session.printed)),
            *stream(printed.getvalue()),
            result(score),
        ]
        self._record.questions[cell.key] = {
            "score": score,
            "checks": question.to_json() if isinstance(question, Question) else [],
        }
        if self._session.gone:
            self._record.incidents.append(f"{cell.key}: {self._session.gone}")

    def _restart(self, position: int, culprit: Cell) -> None:
        """Start a new student process and bring it to where the last one ended."""
        while self._session.gone and self._restarts < MAX_RESTARTS:
            self._restarts += 1
            self._session = Session(self._new_student(), self._limits.request)
            for cell in self._cells[: position + 1]:
                if cell.kind == "test" or cell.index in self._deadly:
                    continue
                try:
                    self._run_there(cell)
                except StudentGoneError as error:
                    self._deadly.add(cell.index)
                    self._record.incidents.append(f"{cell.key}, run again: {error}")
                    break


def main(connection: socket.socket, arguments: Mapping[str, Any]) -> None:
    """Take one job from the grading process, do it, and send the record back.

    Args:
        connection: the socket to the grading process.
        arguments: nothing is expected; a job comes over the socket.
    """
    job, _ = receive(connection, time.monotonic() + 60)
    cells, seed, limits = job

    def new_student() -> socket.socket:
        send(connection, ["student"], b"", time.monotonic() + 60)
        _, descriptors, _, _ = socket.recv_fds(connection, 1, 1)
        return socket.socket(fileno=descriptors[0])

    judging = Judging(
        [Cell(*cell) for cell in cells], bytes.fromhex(seed), Limits(*limits), new_student
    )
    record = asdict(judging.run())
    record["outputs"] = [[index, outputs] for index, outputs in record["outputs"].items()]
    send(connection, ["record", _lists(record)], b"", time.monotonic() + 60)


def _lists(value: Any) -> Any:
    """Write dictionaries as lists of pairs: the wire has no JSON objects."""
    if isinstance(value, dict):
        return ["d", *[[key, _lists(item)] for key, item in value.items()]]
    if isinstance(value, list | tuple):
        return ["l", *[_lists(item) for item in value]]
    return value
