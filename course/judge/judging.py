"""The judge process: walks a notebook, runs the tests, and forms the verdict.

It gets a job from the grading process and student processes on request. Set-up cells run here and
in the student process, the student's cells there only, test cells here only. What comes back from
the student process is data; nothing of it is ever run here. Knows nothing of nbgrader.
"""

import base64
import builtins
import contextlib
import functools
import io
import json
import socket
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from course.files import printable
from course.judge.outputs import cleaned, result, size, stream
from course.judge.refusals import refusals
from course.judge.sandbox import local_sandbox
from course.judge.wire.clock import Clock, Limit
from course.judge.wire.codec import receive, send
from course.judge.wire.judge_end import Code, Namespace, Session, StudentGoneError
from course.notebooks.cells import TEST_PREFIX
from course.notebooks.execution import execute, execute_test, names_in
from course.notebooks.names import Names
from course.notebooks.names import names as global_names
from course.verdict import TEST_FAILED
from helpers.cells import defined_in, stopped
from helpers.checks import Question, seeded
from helpers.handed_in import handing_in
from helpers.specification.promises import Promises, promised

MAX_RESTARTS = 20
TAKEN_AWAY = "it did not come back before, so it was taken away"
OUT_OF_MEMORY = "Your code used more memory than it may have."
MEMORY = 4 << 30  # bytes for the tests; what students' arrays make of the tests' own can be huge
SPARE = 60.0  # seconds of computing for all that stands in no limit
FOREVER = None  # the grading process can be trusted to answer
MAX_OUTPUTS = 30_000_000  # characters of a notebook's outputs; a frame of the wire holds them all


@dataclass(frozen=True)
class Limits:
    """How long things may take, in seconds of computing by student's code and tests.

    Wall time ends only what takes many times as long: see `course.judge.wire.clock`.

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
class CodeCell:
    """One code cell of a submission, aligned with the instructor's copy.

    Attributes:
        index: its place in the submitted notebook.
        key: its grade_id, or another name of its own.
        kind: "setup" (runs on both sides), "test" (here) or "plain" (in the student process).
        source: the instructor's text of set-up and test cells, the student's of plain ones.
        apart: whether it belongs to what stands by itself. Such a test is asked of a process in
            which such cells alone have run, and which can read no data.
        own: whether it is a test of the own work as a whole, which no reference stands in for.
        called: what it is called in messages, if not by its key.
    """

    index: int
    key: str
    kind: str
    source: str
    apart: bool = False
    own: bool = False
    called: str = ""

    @property
    def title(self) -> str:
        """What it is called in messages."""
        return self.called or self.key


@dataclass
class Record:
    """What was found out: outputs by cell index, checks and score by test cell, incidents.

    Of `stalled` it is true that something was ended by wall time, before it had computed too long;
    of `killed`, that somebody else has ended a student process.
    """

    outputs: dict[int, list[dict[str, Any]]] = field(default_factory=dict)
    questions: dict[str, dict[str, Any]] = field(default_factory=dict)
    incidents: list[str] = field(default_factory=list)
    stalled: bool = False
    killed: bool = False


class _Watched(Session):
    """A session that knows how its process came to an end.

    Args:
        connection: the socket to the process.
        seconds: of computing that one request may take.
        clock: what that is told by.
        how_ended: asks how the process ended; an empty answer says no more than is known here.

    Attributes:
        spent: whether the student's code has used up its memory, and may be keeping it.
    """

    def __init__(
        self,
        connection: socket.socket,
        seconds: float,
        clock: Clock,
        how_ended: Callable[[], str],
    ) -> None:
        super().__init__(connection, seconds, clock)
        self.spent = False
        self._how_ended = how_ended
        self._asked = False

    def request(self, operation: str, *arguments: Any) -> Any:
        """Ask the student process for something, as `Session` does."""
        try:
            return super().request(operation, *arguments)
        except MemoryError:
            self.spent = True
            raise
        except StudentGoneError:
            if self.closed and not self._asked:
                self._asked = True
                self.gone = self._how_ended() or self.gone
            raise StudentGoneError(self.gone) from None

    def close(self) -> None:
        """Have done with the process."""
        self._connection.close()


class Judging:
    """Judges one notebook.

    Args:
        cells: its code cells, in the notebook's order.
        seed: the hand-in's own seed, for the questions' random points.
        limits: how long things may take.
        new_student: starts a student process, ends the one before of its kind, and returns the
            socket to it. It is told whether the process is one for what stands apart.
        how_ended: tells in a sentence how the last student process of a kind ended, if it has.
        clock: follows the student process that was started last.
    """

    def __init__(
        self,
        cells: Sequence[CodeCell],
        seed: bytes,
        limits: Limits,
        new_student: Callable[[bool], socket.socket],
        how_ended: Callable[[bool], str],
        clock: Clock,
    ) -> None:
        self._cells = cells
        self._seed = seed
        self._limits = limits
        self._new_student = new_student
        self._how_ended = how_ended
        self._clock = clock
        self._left = Limit(clock, limits.notebook)
        self._names: dict[str, Any] = {"__name__": "__main__"}
        self._missing: dict[str, str] = {}  # names of cells that failed, and what they failed of
        self._deadly: set[int] = set()
        self._stuck: set[str] = set()  # names of what was called and did not come back
        self._taken: dict[int, list[str]] = {}  # such names that a test called, by their cell
        self._restarts = 0
        self._room = MAX_OUTPUTS
        self._record = Record()
        theirs = [cell.source for cell in cells if cell.kind != "test"]
        self._code = Code(
            names_in(*theirs), frozenset(map(str.strip, "\n".join(theirs).split("\n")))
        )
        self._session = self._start()

    def run(self) -> Record:
        """Walk the notebook from top to bottom."""
        for position, cell in enumerate(self._cells):
            if self._fate():
                self._restart(position)
            if stop := self._reason_to_stop():
                self._give_up(f"{stop}: nothing from {cell.title} on was run.", position)
                break
            if cell.kind != "test":
                self._run(cell)
            elif cell.apart:
                with self._apart(position):
                    self._judge(cell)
                if answer := self._answer(cell):
                    self._take_away(answer)
            else:
                self._judge(cell)
        return self._record

    def _start(self, apart: bool = False) -> _Watched:
        how_ended = functools.partial(self._how_ended, apart)
        limit = self._limits.request
        session = _Watched(self._new_student(apart), limit, self._clock, how_ended)
        session.code = self._code
        return session

    @contextlib.contextmanager
    def _apart(self, position: int) -> Iterator[None]:
        """Within the block, the session is that of a process for what stands apart.

        What that code prints or raises when it is run is told where the whole notebook runs.
        """
        whole, followed = self._session, self._clock.followed
        self._session = self._start(apart=True)
        try:
            for cell in self._cells[:position]:
                if cell.apart and cell.kind != "test":
                    with contextlib.suppress(StudentGoneError):
                        self._run_there(cell)
                        self._take_away(cell)
            yield
        finally:
            self._session.close()
            self._session = whole
            self._clock.follow(followed)

    def _fate(self) -> str:
        """Return why the student process can't go on; nothing if it can."""
        self._record.stalled |= self._session.stalled
        return self._session.gone or (OUT_OF_MEMORY if self._session.spent else "")

    def _reason_to_stop(self) -> str:
        if self._left() <= 0:
            self._record.stalled |= self._left.by_wall
            return f"The notebook took longer than {self._left}"
        if self._session.gone:
            return f"The notebook's process had to be started again {MAX_RESTARTS} times"
        return ""

    def _give_up(self, reason: str, position: int) -> None:
        """Score the questions from here on 0: nbgrader takes a cell without a result for right."""
        self._record.incidents.append(reason)
        for cell in self._cells[position:]:
            if cell.kind == "test":
                self._record.outputs[cell.index] = [*stream(f"{reason}\n"), result(0)]

    def _run(self, cell: CodeCell) -> None:
        """Run a cell in the student process, and a set-up cell here too."""
        if cell.kind == "setup":
            with contextlib.redirect_stdout(io.StringIO()):
                execute(cell.source, f"<{cell.key}>", self._names)
        if stuck := self._would_be_stuck(cell):
            words = f"This cell was left out: it uses `{stuck}`, which did not come back before.\n"
            self._record.outputs[cell.index] = stream(words)
            return
        try:
            outputs = self._run_there(cell)
            self._session.spent = any(output.get("ename") == "MemoryError" for output in outputs)
        except StudentGoneError as error:
            outputs = [_ended(str(error))]
        if cell.kind == "setup" and (why := self._own_error(cell, outputs)):
            self._note(cell, f"The set-up failed before any of the student's code: {why}.")
        if cell.kind == "plain":
            self._note_missing(cell, outputs)
            self._note(cell, *refusals(output.get("evalue", "") for output in outputs))
        if fate := self._fate():
            self._deadly.add(cell.index)
            self._note(cell, fate)
            if self._session.late and not self._is_answer(cell):
                answers = set().union(*map(_defined, filter(self._is_answer, self._cells)))
                self._stuck |= answers & _used(cell)
        self._room -= size(outputs)
        if self._room < 0:
            outputs = stream("[the notebook's outputs are too large: these were cut]\n", "stderr")
        self._record.outputs[cell.index] = outputs

    def _note_missing(self, cell: CodeCell, outputs: list[dict[str, Any]]) -> None:
        """Note which names a cell would have defined, if it has failed."""
        errors = [output for output in outputs if output["output_type"] == "error"]
        for name in defined_in(cell.source):
            self._missing.pop(name, None)
            if errors:
                self._missing[name] = stopped(errors[0]["ename"], errors[0]["evalue"])

    def _own_error(self, cell: CodeCell, outputs: list[dict[str, Any]]) -> str:
        """Return what a set-up cell raised in the student process, if no code of theirs had run."""
        before = self._cells[: self._cells.index(cell)]
        errors = [output for output in outputs if output["output_type"] == "error"]
        if not errors or any(other.kind != "setup" for other in before):
            return ""
        return f"{errors[0]['ename']}: {errors[0]['evalue']}"

    def _run_there(self, cell: CodeCell) -> list[dict[str, Any]]:
        self._session.seconds = self._limits.cell
        self._session.set_deadline(self._left())
        try:
            return cleaned(self._session.request("run", cell.source, cell.key))
        except StudentGoneError:
            raise
        except Exception as error:  # an error of a cell's is an output: something was tampered with
            raise StudentGoneError(f"Your code broke the cell off: {error}.") from error

    def _judge(self, cell: CodeCell) -> None:
        """Run a test cell here, against the student process."""
        self._session.seconds = self._limits.request
        self._session.set_deadline(min(self._limits.question, self._left()))
        self._session.new_question()
        answer, taken = self._answer(cell), self._shadowed(cell)
        text = answer.source if answer else ""
        names = Namespace(self._names, self._session, text, self._missing, taken)
        printed = io.StringIO()
        finished = True

        def on_part(hidden: bool) -> None:
            self._session.quiet = hidden

        try:
            with (
                seeded(self._seed),
                contextlib.redirect_stdout(printed),
                contextlib.redirect_stderr(io.StringIO()),
            ):
                execute_test(cell.source, f"<{cell.key}>", names, self._code.names, on_part)
        except (Exception, SystemExit) as error:
            self._note(cell, f"{TEST_FAILED}: {type(error).__name__}: {error}")
            finished = False
        question = dict.get(names, "q")  # never the student's `q`
        score = question.earned if finished and isinstance(question, Question) else 0
        self._record.outputs[cell.index] = [
            *stream(_quoted("".join(self._session.printed))),
            *stream(printed.getvalue()),
            result(score),
        ]
        self._record.questions[cell.key] = {
            "score": score,
            "checks": question.to_json() if isinstance(question, Question) else [],
            "measured": dict(question.measured) if isinstance(question, Question) else {},
        }
        if isinstance(question, Question):
            self._note(cell, *refusals(self._session.raised))
        if fate := self._fate():
            self._note(cell, fate)
            if self._session.late and answer:
                self._stuck |= _defined(answer)
                self._note_endless(answer, cell)

    def _note_endless(self, answer: CodeCell, test: CodeCell) -> None:
        """Note what a test has called and waited for in vain: from now on it is not there.

        Whatever calls it fails at once, and is judged once more with the reference in its place
        (error carried forward). Where no reference can stand in, it is left to be tried again.
        """
        if not any(cell.own for cell in self._cells):
            called = _names(answer).defined & _defined(answer) & names_in(test.source)
            self._taken[answer.index] = sorted(called)
            self._missing |= dict.fromkeys(called, TAKEN_AWAY)

    def _take_away(self, cell: CodeCell) -> None:
        """Take away, in the student process, what a cell defines and what did not come back."""
        for name in self._taken.get(cell.index, ()):
            told = f"__import__('helpers.cells').cells.missing[{name!r}] = {TAKEN_AWAY!r}"
            with contextlib.suppress(StudentGoneError):
                self._run_there(replace(cell, source=f"del {name}\n{told}"))

    def _is_answer(self, cell: CodeCell) -> bool:
        """Tell whether a test looks at what a cell defines."""
        return any(other.key == f"{TEST_PREFIX}{cell.key}" for other in self._cells)

    def _would_be_stuck(self, cell: CodeCell) -> str:
        """Return a name that a cell uses and that leads to what did not come back, if it is a plot.

        What no answer needs costs no marks, and to wait for it once more would take minutes.
        """
        if not self._stuck or cell.kind != "plain" or _defined(cell) & self._needed():
            return ""
        stuck = set(self._stuck)
        for other in filter(self._is_answer, self._cells):
            if stuck & _used(other):
                stuck |= _defined(other)
        return min(stuck & _used(cell), default="")

    def _needed(self) -> set[str]:
        """Return the names that the answers define, and those that they build on."""
        answers = [cell for cell in self._cells if self._is_answer(cell)]
        needed = set().union(*map(_defined, answers), *map(_used, answers))
        for cell in reversed(self._cells):  # what a cell needs stands above it
            if _defined(cell) & needed:
                needed |= _used(cell)
        return needed

    def _answer(self, test: CodeCell) -> CodeCell | None:
        """Return the cell that is tested, if it is there; of two of its name the first one."""
        key = test.key.removeprefix(TEST_PREFIX)
        return next((one for one in self._cells if one.key == key), None)

    def _shadowed(self, test: CodeCell) -> dict[str, str]:
        """Return the builtins that an answer uses and whose names cells have taken, and which."""
        above = [cell for cell in self._cells[: self._cells.index(test)] if cell.kind == "plain"]
        taken = {
            name: f"the cell of `{cell.key}`" if self._is_answer(cell) else cell.title
            for cell in above
            if any(hasattr(builtins, name) for name in _defined(cell))  # few are worth parsing
            for name in _names(cell).defined
            if hasattr(builtins, name)
        }
        key = test.key.removeprefix(TEST_PREFIX)
        used: set[str] = set()
        for cell in reversed(above) if taken else ():  # what a cell needs stands above it
            if cell.key == key:
                used |= _names(cell).defined | _names(cell).used
            elif _names(cell).defined & used:
                used |= _names(cell).used
        return {name: where for name, where in taken.items() if name in used}

    def _note(self, cell: CodeCell, *sentences: str) -> None:
        """Write down what happened in a cell."""
        self._record.incidents += [f"{cell.title}: {sentence}" for sentence in sentences]

    def _restart(self, position: int) -> None:
        """Start a new student process and bring it to where the last one ended."""
        again = True
        while again and self._restarts < MAX_RESTARTS and self._left() > 0:
            self._restarts += 1
            self._session.close()
            self._session = self._start()
            again = not all(map(self._rerun, self._cells[:position]))

    def _rerun(self, cell: CodeCell) -> bool:
        """Run a cell again in a new process; return whether that has survived it."""
        if cell.kind == "test" or cell.index in self._deadly:
            return True
        try:
            self._run_there(cell)
            self._take_away(cell)
        except StudentGoneError as error:
            self._deadly.add(cell.index)
            self._record.incidents.append(f"{cell.title}, run again: {error}")
            return False
        return True


def _names(cell: CodeCell) -> Names:
    """Return the global names that a cell defines and uses; none if it is not Python."""
    try:
        return global_names(cell.source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return Names(frozenset(), frozenset())


def _used(cell: CodeCell) -> set[str]:
    return set(_names(cell).used)


def _defined(cell: CodeCell) -> set[str]:
    return set(defined_in(cell.source))


def _quoted(printed: str) -> str:
    """Mark each line that the student's code has printed: none passes for one of the question's."""
    plain = (printable(line.expandtabs()) for line in printed.splitlines())
    lines = ["Your code printed:", *(f"  | {line}" for line in plain)]
    return "\n".join([*lines, ""]) if printed else ""


def _ended(reason: str) -> dict[str, Any]:
    """Return the output of a cell that came to no end of its own."""
    return {
        "output_type": "error",
        "ename": "CellEnded",
        "evalue": reason,
        "traceback": [reason],
    }


def _files(handed_in: Mapping[str, tuple[bool, str]]) -> dict[str, bytes | str]:
    return {
        name: base64.b64decode(text) if there else text for name, (there, text) in handed_in.items()
    }


def main(connection: socket.socket, arguments: Mapping[str, Any]) -> None:
    """Take one job from the grading process, do it, and send the record back.

    Args:
        connection: the socket to the grading process.
        arguments: nothing is expected; a job comes over the socket.
    """
    work(connection, Clock())


def work(connection: socket.socket, clock: Clock) -> None:
    """Do the work of `main`, by a clock that will follow the student processes."""
    local_sandbox().limit_memory(MEMORY)
    _, job = receive(connection, FOREVER)
    cells, seed, numbers, promises, handed_in = json.loads(job)
    limits = Limits(*numbers)
    local_sandbox().limit_computing(round(limits.notebook + limits.cell + SPARE))

    def new_student(apart: bool) -> socket.socket:
        send(connection, ["student", apart], b"", FOREVER)
        number, descriptors, _, _ = socket.recv_fds(connection, 32, 1)
        clock.follow(functools.partial(time.clock_gettime, int(number)))
        return socket.socket(fileno=descriptors[0])

    def how_ended(apart: bool) -> str:
        send(connection, ["how", apart], b"", FOREVER)
        (reason,), _ = receive(connection, FOREVER)
        return str(reason)

    judging = Judging(
        [CodeCell(*cell) for cell in cells],
        bytes.fromhex(seed),
        limits,
        new_student,
        how_ended,
        clock,
    )
    with promised(Promises.from_json(promises)), handing_in(_files(handed_in)):
        record = json.dumps(asdict(judging.run())).encode()
    send(connection, ["record"], record, FOREVER)
