"""Grade a notebook in two processes: the grading process's side of the judge.

Owns the warm server, the scratch folders and the time; starts the judge and, when it asks, student
processes. Neither of them shares anything else with this process. Knows nothing of nbgrader's
gradebook.
"""

import base64
import contextlib
import copy
import hashlib
import json
import os
import re
import shutil
import socket
import tempfile
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass, field, replace
from pathlib import Path
from typing import Any

from nbformat import NotebookNode, from_dict

from course.files import walk
from course.judge.carried import cells_again, told, with_what_is_carried, wronged
from course.judge.judging import CodeCell, Limits, Record
from course.judge.sandbox.port import Confinement
from course.judge.sandbox.server import KILLED, Child, Exit, WarmServer
from course.judge.wire.clock import backstop
from course.judge.wire.codec import WireError, receive, send, within
from course.layout import CourseError
from course.notebooks.answers import closed_helpers
from course.notebooks.cells import (
    TEST_PREFIX,
    grade_id,
    is_apart,
    is_own,
    is_setup,
    is_solution,
    is_test,
)
from course.notebooks.conventions import SHOWS
from course.notebooks.exercises import Exercise
from course.notebooks.let_out import put_files
from course.notebooks.source import SourceNotebook
from course.verdict import CheckVerdict, ExerciseVerdict, Verdict, VerdictError

DYING_SECONDS = 10.0  # from the end of a process's socket to word of how it ended
MAX_FILES = 100 << 20  # bytes of a submission's own files that are copied for the student's code
AGAIN = "Something stood still for so long that it was ended, so all was judged twice."
TIMESTAMP = "timestamp.txt"  # the collector's, not the student's: no code needs it

# A figure's name, in what shows it; the lengths are bounded, or a hostile cell would take hours.
_FIGURE = re.compile(
    rf"(?:{'|'.join(map(re.escape, SHOWS))})"
    r"\(\s{0,99}[^,\n]{0,99},\s{0,99}(?:name=)?[\"'](\w+)[\"']"
)


class JudgeError(CourseError):
    """The judge itself could not work: the machine's fault or ours, not the student's."""


@dataclass(frozen=True)
class Submission:
    """A piece of work to be judged.

    Attributes:
        source: the instructor's notebook.
        submitted: the student's, aligned with it.
        folder: where the assignment's other files lie (data, the student's own modules).
        seed: of this hand-in's random points.
        handed_in: the files that belong beside the notebook, or why one can't be read.
        drawn: whether figures are drawn, or left out with words in their place.
    """

    source: SourceNotebook
    submitted: NotebookNode
    folder: Path | None
    seed: bytes
    handed_in: Mapping[str, bytes | str] = field(default_factory=dict)
    drawn: bool = True


def grade_notebook(
    submission: Submission,
    server: WarmServer,
    limits: Limits | None = None,
    *,
    carry: bool = True,
) -> tuple[Verdict, NotebookNode]:
    """Judge a notebook.

    Args:
        submission: the work.
        server: a warm server, running.
        limits: how long things may take.
        carry: judge once more what fails because an earlier exercise is wrong: see `carried`.

    Returns:
        The verdict, and a copy of the submitted notebook with the outputs of its cells.

    Raises:
        JudgeError: if the judge could not work; nothing is known of the submission then.
    """
    limits = limits or Limits()
    start = time.monotonic()
    cells = plan(submission.source.notebook, submission.submitted)
    record = _judged(cells, submission, server, limits)
    if record.stalled:  # by a busy machine, for all that is known
        record = _better(record, _judged(cells, submission, server, limits), cells)
    verdict = replace(_verdict(submission.source, record), seconds=time.monotonic() - start)
    if carry:  # not among the seconds: by taking long, code in it could say what it sees
        verdict = _carry(cells, verdict, record.outputs, submission, server, limits)
    return verdict, _with_outputs(submission.submitted, record.outputs)


def _judged(
    cells: Sequence[CodeCell], submission: Submission, server: WarmServer, limits: Limits
) -> Record:
    """Run cells in new processes, and return what was found out.

    All are run once more if a student process was killed by neither its limits nor this project.
    """
    record = _run(cells, submission, server, limits)
    return _run(cells, submission, server, limits) if record.killed else record


def _run(
    cells: Sequence[CodeCell], submission: Submission, server: WarmServer, limits: Limits
) -> Record:
    """Run cells in new processes."""
    with contextlib.ExitStack() as stack:
        scratch = stack.enter_context(_scratch(submission.folder, submission.handed_in))
        apart = stack.enter_context(_scratch(None))
        ours, theirs = socket.socketpair()
        stack.enter_context(ours)
        ahead = ("helpers.cells", *submission.source.ahead)  # its file may be hidden from students
        judge = server.spawn("judge", theirs, {"ahead": ahead})
        theirs.close()
        stack.callback(judge.kill)
        try:
            return _serve(ours, cells, submission, server, limits, (scratch, apart), stack)
        except WireError as error:
            raise JudgeError(f"the judge process failed: {_failure(judge) or error}") from error


def _better(first: Record, second: Record, cells: Sequence[CodeCell]) -> Record:
    """Return the second record, with those questions of the first that had earned more."""
    for cell in cells:
        found = [record.questions.get(cell.key, {"score": 0}) for record in (first, second)]
        if cell.kind == "test" and found[0]["score"] > found[1]["score"]:
            second.questions[cell.key] = found[0]
            second.outputs[cell.index] = first.outputs[cell.index]
    second.incidents.insert(0, AGAIN)
    return second


def _verdict(source: SourceNotebook, record: Record) -> Verdict:
    return Verdict(
        source.name,
        tuple(_exercise(exercise, record) for exercise in source.exercises),
        incidents=tuple(record.incidents),
    )


def _carry(
    cells: Sequence[CodeCell],
    verdict: Verdict,
    outputs: dict[int, Any],
    submission: Submission,
    server: WarmServer,
    limits: Limits,
) -> Verdict:
    """Return the verdict with what an error carried forward has cost, and tell it in the outputs.

    Of the second run's outputs and incidents nothing is kept.
    """
    source = submission.source
    again = wronged(source, cells, verdict)
    if not again:
        return verdict
    undrawn = replace(submission, drawn=False)
    record = _judged(cells_again(source, cells, verdict, again), undrawn, server, limits)
    second = _verdict(source, record)
    exercises = tuple(
        with_what_is_carried(exercise, first, second[exercise.id], again[exercise.id])
        if exercise.id in again
        else first
        for exercise, first in zip(source.exercises, verdict.exercises, strict=True)
    )
    for cell in cells:
        for before, after in zip(verdict.exercises, exercises, strict=True):
            if cell.key == f"{TEST_PREFIX}{before.id}" and after.score > before.score:
                outputs[cell.index] = told(outputs[cell.index], before, after)
    return replace(verdict, exercises=exercises)


def digest(
    source: NotebookNode,
    submitted: NotebookNode,
    folder: Path | None,
    handed_in: Mapping[str, bytes | str],
) -> bytes:
    """Return a digest of all that a student can tell the code that is judged: see `Submission`.

    That is the code itself and the files that it can read. An equal digest is an unchanged hand-in;
    a word, an output or a cell that is not run makes no other one of it.
    """
    whole = hashlib.sha256()

    def add(*parts: bytes) -> None:
        for part in parts:
            whole.update(len(part).to_bytes(8) + part)

    for cell in plan(source, submitted):
        if cell.kind == "plain":
            add(b"cell", cell.source.encode(errors="surrogatepass"))
    for name, content in sorted(handed_in.items()):
        add(b"handed in", name.encode(), content if isinstance(content, bytes) else b"no file")
    for path, relative in _own_files(folder, handed_in):
        with path.open("rb") as file:
            content = hashlib.file_digest(file, "sha256").digest()
        add(b"file", os.fsencode(relative), content)
    return whole.digest()


def plan(source: NotebookNode, submitted: NotebookNode) -> list[CodeCell]:
    """Return the submission's code cells, with the instructor's text where it is the judge's.

    A cell is taken for a set-up or test cell by its grade_id in the instructor's notebook alone:
    what the submission's metadata claims counts for nothing.
    """
    texts = {
        grade_id(cell): ("test" if is_test(cell) else "setup", cell.source)
        for cell in source.cells
        if cell.cell_type == "code" and (is_test(cell) or is_setup(cell))
    }
    apart = {grade_id(cell) for cell in source.cells if is_apart(cell)}
    own = {grade_id(cell) for cell in source.cells if is_own(cell)}
    exercises = {grade_id(cell) for cell in source.cells if is_solution(cell)}
    cells: list[CodeCell] = []
    above = ""
    for index, cell in enumerate(submitted.cells):
        if cell.cell_type != "code":
            continue
        key = grade_id(cell)
        kind, text = texts.pop(key, ("plain", cell.source))
        name, called = (key, "") if key else (f"cell {index + 1}", _called(text, above))
        marks = key in apart, kind == "test" and key in own
        cells.append(CodeCell(index, name, kind, text, *marks, called))
        apart.discard(key)  # another cell that claims to be it is none
        above = key if key in exercises else above
    return cells


def _called(text: str, above: str) -> str:
    """Return what a cell without a name of its own is called in messages.

    Args:
        text: the cell's; it need not be valid Python.
        above: the exercise above it; empty if there is none.
    """
    if figure := _FIGURE.search(text):
        return f"the figure `{figure[1]}`"
    return f"a cell below `{above}`" if above else "a cell at the top"


def _serve(
    connection: socket.socket,
    cells: Sequence[CodeCell],
    submission: Submission,
    server: WarmServer,
    limits: Limits,
    folders: tuple[Path, Path],
    stack: contextlib.ExitStack,
) -> Record:
    """Give the judge its job and student processes until it sends the record.

    A student process writes in the first of the folders, one for what stands apart in the second.
    """
    left = within(backstop(limits.notebook) + backstop(limits.cell) + 60)
    promises = submission.source.promises.to_json()
    handed_in = {
        name: (True, base64.b64encode(found).decode())
        if isinstance(found, bytes)
        else (False, found)
        for name, found in submission.handed_in.items()
    }
    job = [[astuple(cell) for cell in cells], submission.seed.hex(), astuple(limits), promises]
    job.append(handed_in)
    students: dict[bool, Child] = {}
    killed = False
    send(connection, ["job"], json.dumps(job).encode(), left)
    while True:
        message, body = receive(connection, left)
        match message:
            case ["student", bool(apart)]:
                if apart in students:
                    students[apart].kill()
                ours, theirs = socket.socketpair()
                orders = _orders(submission, folders[apart], apart)
                student = students[apart] = server.spawn("student", theirs, orders)
                stack.callback(student.kill)
                socket.send_fds(connection, [b"%d" % student.clock], [ours.fileno()])
                ours.close()
                theirs.close()
            case ["how", bool(apart)]:
                ended = _ended(students.get(apart))
                killed |= ended is not None and ended.reason == KILLED
                send(connection, [_told(ended)], b"", left)
            case ["record"]:
                return replace(_record(body), killed=killed)
            case _:
                raise JudgeError("the judge process sent something unknown")


def _record(body: bytes) -> Record:
    record = Record(**json.loads(body))
    record.outputs = {int(index): outputs for index, outputs in record.outputs.items()}
    return record


def _failure(judge: Child) -> str:
    with contextlib.suppress(TimeoutError):
        return judge.wait(DYING_SECONDS).reason
    return ""


def _ended(student: Child | None) -> Exit | None:
    """Return how a student process ended; nothing if it runs."""
    with contextlib.suppress(TimeoutError):
        return student.wait(DYING_SECONDS) if student else None
    return None


def _told(ended: Exit | None) -> str:
    """Say how a student process ended; nothing if it ended by itself."""
    if ended and ended.code is None:
        return f"Your code took its process down: {ended.reason}."
    return ""


def _orders(submission: Submission, scratch: Path, apart: bool) -> dict[str, Any]:
    closed = closed_helpers(submission.source)
    confinement = Confinement.for_student(scratch, closed)
    if apart:
        confinement = confinement.without_data()
    begin = ["helpers.cells:watch"]  # importing the checks did not: there was no shell yet
    if not submission.drawn:
        begin.append("helpers.plots:leave_out")
    return {
        "closed": closed,
        "begin": begin,
        "confinement": confinement.to_json(),
    }


@contextlib.contextmanager
def _scratch(
    folder: Path | None, handed_in: Mapping[str, bytes | str] | None = None
) -> Iterator[Path]:
    """Make a scratch folder with a copy of the assignment's files, and remove it afterwards.

    Files to be handed in are those that were: what else lies under their names doesn't count.
    """
    with tempfile.TemporaryDirectory(prefix="judge-", ignore_cleanup_errors=True) as name:
        scratch = Path(name)
        for path, relative in _own_files(folder, handed_in or {}):
            target = scratch / relative
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)
        put_files(scratch, handed_in or {})
        yield scratch


def _own_files(folder: Path | None, handed_in: Collection[str]) -> Iterator[tuple[Path, Path]]:
    """Yield the files that the student's code is given, each with its place in the folder."""
    left = MAX_FILES
    for path in walk(folder) if folder else []:
        if path.is_symlink() or not path.is_file() or path.suffix == ".ipynb":
            continue
        relative = path.relative_to(folder or path)
        if relative.parts[0] in (*handed_in, TIMESTAMP):
            continue
        left -= path.stat().st_size
        if left < 0:
            return
        yield path, relative


def _exercise(exercise: Exercise, record: Record) -> ExerciseVerdict:
    """Return the verdict of an exercise; one that was not come to has earned nothing."""
    found = record.questions.get(f"test_{exercise.id}", {"score": 0, "checks": []})
    given = {"id": exercise.id, "max_score": exercise.points}
    try:
        verdict = ExerciseVerdict.from_json(found | given)
    except VerdictError as error:
        raise JudgeError(f"the judge process sent no verdict on {exercise.id}: {error}") from error
    return replace(verdict, checks=_with_hidden(verdict.checks, exercise.hidden))


def _with_hidden(
    checks: Sequence[CheckVerdict], hidden: Collection[str]
) -> tuple[CheckVerdict, ...]:
    return tuple(replace(check, hidden=check.name in hidden) for check in checks)


def _with_outputs(submitted: NotebookNode, outputs: Mapping[int, Any]) -> NotebookNode:
    nb = copy.deepcopy(submitted)
    for cell in nb.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    for count, (index, cell_outputs) in enumerate(outputs.items(), start=1):
        cell = nb.cells[index]
        cell.execution_count = count
        cell.outputs = from_dict(cell_outputs)  # type: ignore[no-untyped-call]
        for output in cell.outputs:
            if output.output_type == "execute_result":
                output.execution_count = count
    return nb
