"""How many mutants of the reference solutions the checks kill: `make mutants`.

A mutant is killed when its own exercise loses marks, or when it crashes or never ends. One that
survives shows a gap in the checks, unless it is as right as the reference: then the bank of answers
lists it with the reason (`[[equivalent]]`, see `course.notebooks.bank`). Runs only code that the
project itself wrote, each mutant in a forked child that can't disturb the others.
"""

import argparse
import contextlib
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any
from unittest import mock

from course.authoring.mutation_operators import Mutant, mutants
from course.layout import CourseError, find_root
from course.notebooks.assignment import SOURCE
from course.notebooks.bank import BankError, Equivalent
from course.notebooks.cells import NotebookError, grade_id, is_setup, is_solution, is_test
from course.notebooks.execution import execute
from course.notebooks.exercises import Exercise
from course.notebooks.runner import held_against
from course.notebooks.source import SourceNotebook, source_notebook, source_notebooks
from helpers import pace
from helpers.checks import Question

LEAST, TIMES = 0.5, 10  # a mutant may compute for so many seconds, or times the reference's
WALL = 600  # seconds on the clock, whatever it does; on a busy machine they are soon over


@dataclass(frozen=True)
class Tally:
    """What became of an exercise's mutants.

    Attributes:
        exercise: the solution cell's grade_id.
        total: number of mutants.
        survivors: those that keep all marks and are not listed as equivalent.
        equivalent: those that keep all marks, and the bank says why.
        stale: what the bank lists although no survivor is like that.
    """

    exercise: str
    total: int
    survivors: tuple[Mutant, ...]
    equivalent: tuple[Mutant, ...]
    stale: tuple[str, ...]

    @property
    def killed(self) -> int:
        """Number of mutants that lose marks."""
        return self.total - len(self.survivors) - len(self.equivalent)

    def complaints(self) -> Iterator[str]:
        """Yield lines that show each survivor, and what is stale."""
        for mutant in self.survivors:
            yield f"survives: - {mutant.before}"
            yield f"          + {mutant.after}"
        for entry in self.stale:
            yield f"no survivor is like this entry of the bank: {entry}"


def tallies(source: SourceNotebook, at_most: int | None = None) -> Iterator[Tally]:
    """Run the mutants of a source notebook and yield a tally of each exercise.

    Args:
        source: the notebook.
        at_most: run so many of an exercise's mutants, and those of so many entries of the bank's
            list, always the same ones; all by default.

    Raises:
        NotebookError: if the reference itself loses marks.
        BankError: if its bank can't be read.
    """
    listed = source.bank.equivalents

    def tried(exercise: Exercise) -> list[Equivalent]:
        own = [entry for entry in listed if entry.exercise == exercise.id]
        return sorted(own, key=lambda entry: sha256(str(entry).encode()).digest())[:at_most]

    def choose(exercise: Exercise, made: list[Mutant]) -> list[Mutant]:
        own = tried(exercise)
        drawn = sorted(made, key=lambda mutant: sha256(mutant.source.encode()).digest())
        chosen = set(drawn[:at_most])
        return [
            mutant
            for mutant in made
            if mutant in chosen or any(entry.covers(mutant.before, mutant.after) for entry in own)
        ]

    for exercise, made, alive in survivors(source, choose):
        own = [entry for entry in listed if entry.exercise == exercise.id]
        known = {entry: [m for m in alive if entry.covers(m.before, m.after)] for entry in own}
        equivalent = {mutant for covered in known.values() for mutant in covered}
        yield Tally(
            exercise=exercise.id,
            total=len(made),
            survivors=tuple(mutant for mutant in alive if mutant not in equivalent),
            equivalent=tuple(mutant for mutant in alive if mutant in equivalent),
            stale=tuple(str(entry) for entry in tried(exercise) if not known[entry]),
        )


class Impatient(Question):
    """A question that ends the test cell at the first check that costs marks."""

    @contextlib.contextmanager
    def check(self, name: str, points: float = 1, *, essential: bool = False) -> Iterator[None]:
        """Run a block as one check; see `Question.check`."""
        with super().check(name, points, essential=essential):
            yield
        if not self.results[-1].passed:
            raise LosesMarksError


class LosesMarksError(Exception):
    """A check has failed."""


def survivors(
    source: SourceNotebook,
    choose: Callable[[Exercise, list[Mutant]], list[Mutant]] = lambda exercise, made: made,
) -> Iterator[tuple[Exercise, list[Mutant], list[Mutant]]]:
    """Yield each exercise of a source notebook with its mutants and those that survive.

    Args:
        source: the notebook.
        choose: which of an exercise's mutants to run; all by default.

    Raises:
        NotebookError: if the reference itself loses marks.
    """
    tests = {f"test_{exercise.id}": exercise for exercise in source.exercises}
    namespace: dict[str, Any] = {"__name__": "__main__"}
    with mock.patch.dict(os.environ, {pace.VARIABLE: "short"}):
        for cell in source.notebook.cells:
            if is_test(cell):
                exercise = tests[grade_id(cell)]
                made = choose(exercise, mutants(exercise.solution))
                yield exercise, made, _survivors(exercise, made, source, namespace)
            elif cell.cell_type == "code" and (is_setup(cell) or is_solution(cell)):
                with contextlib.redirect_stdout(None):
                    execute(cell.source, f"<{source.name}:{cell.id}>", namespace)


def _survivors(
    exercise: Exercise, made: Sequence[Mutant], notebook: SourceNotebook, namespace: dict[str, Any]
) -> list[Mutant]:
    name, promises = notebook.name, replace(notebook.promises, explained=False)

    def keeps_all_marks(source: str) -> Callable[[], bool]:
        def keeps() -> bool:
            namespace["Question"] = Impatient
            try:
                execute(source, f"<{name}:{exercise.id}>", namespace)
                names = dict(namespace)  # the solution can't see those that the test defines
                with held_against(notebook, promises):
                    execute(exercise.test, f"<{name}:test_{exercise.id}>", names)
            except (Exception, SystemExit):
                return False
            return bool(names["q"].earned == exercise.points)

        return keeps

    keeps, seconds = _in_child(keeps_all_marks(exercise.solution), limit=WALL)
    if not keeps:
        raise NotebookError(f"{name}: the reference solution of {exercise.id} loses marks")
    limit = max(LEAST, TIMES * seconds)
    return [mutant for mutant in made if _in_child(keeps_all_marks(mutant.source), limit)[0]]


def _in_child(question: Callable[[], bool], limit: float) -> tuple[bool, float]:
    """Ask a yes-or-no question in a forked child; one that crashes or never ends says no.

    Args:
        question: what the child runs.
        limit: seconds of computation that it may take.

    Returns:
        The answer, and the seconds of computation that it took.
    """
    child = os.fork()
    if child:
        _, status, used = os.wait4(child, 0)
        return status == 0, used.ru_utime + used.ru_stime
    signal.setitimer(signal.ITIMER_PROF, limit)  # this signal and the next end the child
    signal.alarm(WALL)
    answer = 1
    try:
        with Path(os.devnull).open("w") as quiet:
            os.dup2(quiet.fileno(), 1)
            os.dup2(quiet.fileno(), 2)
            with contextlib.redirect_stdout(quiet), contextlib.redirect_stderr(quiet):
                answer = 0 if question() else 1
    finally:
        os._exit(answer)


def main() -> int:
    """Print the kill rate by exercise, and the survivors; 1 if the bank must be fixed."""
    parser = argparse.ArgumentParser(
        prog="python -m course.authoring.mutation_testing",
        description="Count the mutants that the checks kill.",
    )
    parser.add_argument("notebooks", nargs="*", type=Path, help="source notebooks; all by default")
    wanted = parser.parse_args().notebooks
    start = time.perf_counter()
    try:
        sources = [source_notebook(path) for path in wanted] or source_notebooks(
            find_root(Path.cwd()) / SOURCE
        )
        found = [tally for source in sources for tally in _printed(source)]
    except (BankError, NotebookError, CourseError) as error:
        parser.error(str(error))
    print(f"{_summary(found)}; {time.perf_counter() - start:.0f} s")
    return int(any(True for tally in found for _ in tally.complaints()))


def _summary(found: Sequence[Tally]) -> str:
    return (
        f"{sum(tally.total for tally in found)} mutants of {len(found)} exercises: "
        f"{sum(tally.killed for tally in found)} killed, "
        f"{sum(len(tally.equivalent) for tally in found)} equivalent, "
        f"{sum(len(tally.survivors) for tally in found)} survive; "
        f"{sum(len(tally.stale) for tally in found)} stale entries in the bank"
    )


def _printed(source: SourceNotebook) -> Iterator[Tally]:
    print(f"{source.assignment}/{source.name}.ipynb")
    if source.lacks:
        print(f"  left out: it {source.lacks}")
        return
    for tally in tallies(source):
        kept = f", {len(tally.equivalent)} equivalent" if tally.equivalent else ""
        rate = f"{tally.killed} of {tally.total} killed{kept}"
        print(f"  {tally.exercise:28} {rate}", flush=True)
        for line in tally.complaints():
            print(f"    {line}", flush=True)
        yield tally


if __name__ == "__main__":
    sys.exit(main())
