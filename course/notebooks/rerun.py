"""Run again only what other answers can affect: a bank of hundreds needs no whole notebook each.

The reference is run once in this process. An answer then runs in a forked child: it, the cells that
use what it defines, and what those define in turn. Runs the project's own code alone, as `runner`.
"""

import ast
import contextlib
import io
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from nbformat import NotebookNode

from course.notebooks.cells import TEST_PREFIX, grade_id, is_test
from course.notebooks.dependencies import used_by_test
from course.notebooks.execution import execute, execute_test, names_in, show_lines
from course.notebooks.names import names
from course.notebooks.runner import code_cells, held_against, run, verdict_of
from course.notebooks.source import SourceNotebook
from course.verdict import ExerciseVerdict, Verdict
from helpers.checks import Question
from helpers.specification.specifications import prepare_for_smaller

QUIET = (ast.FunctionDef, ast.ClassDef, ast.Import, ast.ImportFrom, ast.Assign, ast.AnnAssign)


def rerun(source: SourceNotebook, answers: Mapping[str, str]) -> Verdict:
    """Do what `run` does, for the exercises that the answers can affect; the others are right.

    Args:
        source: the source notebook.
        answers: source of solution cells by grade_id; the reference stands for the others.

    Returns:
        The verdict, equal to that of `run` but for the seconds, and for the causes of failures in
        other exercises, which take long to find.

    Raises:
        RuntimeError: if the process of the answers ends without a verdict.
    """
    if not hasattr(os, "fork"):
        return run(source, answers)
    pace = os.environ.get("COURSE_PACE", "")
    known = _reference_run(source, pace)
    here, there = os.pipe()
    child = os.fork()
    if not child:
        try:
            os.close(here)
            with os.fdopen(there, "w") as pipe:
                json.dump(_again(source, answers, known).to_json(), pipe)
        finally:
            os._exit(0)
    os.close(there)
    with os.fdopen(here) as pipe:
        text = pipe.read()
    os.waitpid(child, 0)
    if not text:
        raise RuntimeError(f"{source.name}: the process ended without a verdict")
    return Verdict.from_json(json.loads(text))


@dataclass(frozen=True)
class _Reference:
    """A run of the reference: its names now, and those that each cell has found and bound."""

    names: dict[str, Any]
    before: Mapping[str, Mapping[str, Any]]
    bound: Mapping[str, Mapping[str, Any]]
    verdict: Verdict


@lru_cache(maxsize=2)
def _reference_run(source: SourceNotebook, pace: str) -> _Reference:
    prepare_for_smaller()
    found: dict[str, Any] = {"__name__": "__main__"}
    before: dict[str, dict[str, Any]] = {}
    bound: dict[str, dict[str, Any]] = {}
    questions: dict[str, Question] = {}
    for cell in code_cells(source.notebook, plain=False):
        key = _key(cell)
        before[key] = dict(found)
        with contextlib.redirect_stdout(io.StringIO()), held_against(source, source.promises):
            execute(cell.source, f"<{source.name}:{key}>", found)
        bound[key] = {name: found[name] for name in names(cell.source).defined if name in found}
        if is_test(cell):
            questions[key] = found["q"]
    return _Reference(found, before, bound, verdict_of(source, questions, {}))


def _again(source: SourceNotebook, answers: Mapping[str, str], known: _Reference) -> Verdict:
    """Run the answers and what they affect, in the reference's own names."""
    cells = list(code_cells(source.notebook, plain=False))
    affected = _affected(source, cells, answers)
    first = next(n for n, cell in enumerate(cells) if _key(cell) in affected)
    known.names.clear()
    known.names.update(known.before[_key(cells[first])])
    questions: dict[str, Question] = {}
    incidents: dict[str, str] = {}
    for cell in cells:  # another run in this process may have shown other lines since
        show_lines(cell.source, f"<{source.name}:{_key(cell)}>")
    code = names_in(*answers.values(), *(cell.source for cell in source.notebook.cells))
    for cell in cells[first:]:
        key = _key(cell)
        if key not in affected:
            known.names.update(known.bound[key])
            continue
        explained = key.removeprefix(TEST_PREFIX) in answers
        promises = replace(source.promises, explained=explained)
        try:
            with contextlib.redirect_stdout(io.StringIO()), held_against(source, promises):
                text, file = answers.get(key, cell.source), f"<{source.name}:{key}>"
                if is_test(cell):
                    execute_test(text, file, known.names, code)
                else:
                    execute(text, file, known.names)
        except (Exception, SystemExit) as error:
            incidents[key] = f"{key}: {type(error).__name__}: {error}"
        if is_test(cell) and key not in incidents:
            questions[key] = known.names["q"]
    again = verdict_of(source, questions, incidents)
    exercises = tuple(_newer(one, known.verdict, affected) for one in again.exercises)
    return replace(again, exercises=exercises)


def _newer(one: ExerciseVerdict, before: Verdict, affected: set[str]) -> ExerciseVerdict:
    return one if f"{TEST_PREFIX}{one.id}" in affected else before[one.id]


def _affected(
    source: SourceNotebook, cells: list[NotebookNode], answers: Mapping[str, str]
) -> set[str]:
    """Return the keys of the cells that must be run again.

    All, if an answer does more than define names: what it changes can't be read off.
    """
    if not all(map(_only_defines, answers.values())):
        return {_key(cell) for cell in cells}
    found = set(answers)
    changed: set[str] = set()
    for cell in cells:
        if _key(cell) in answers:
            changed |= names(cell.source).defined | names(answers[_key(cell)]).defined
    grown = True
    while grown:
        grown = False
        for cell in cells:
            if _key(cell) not in found and _used(source, cell) & changed:
                found.add(_key(cell))
                changed |= names(cell.source).defined
                grown = True
    return found


def _only_defines(text: str) -> bool:
    try:
        body = ast.parse(text).body
    except SyntaxError:
        return False
    return all(
        isinstance(one, QUIET)
        or (isinstance(one, ast.Expr) and isinstance(one.value, ast.Constant))
        for one in body
    )


def _used(source: SourceNotebook, cell: NotebookNode) -> set[str]:
    """Return the names that a cell uses, those that its specification looks up included."""
    own = grade_id(cell).removeprefix(TEST_PREFIX) if is_test(cell) else ""
    tested = next((used_by_test(source, one) for one in source.exercises if one.id == own), None)
    return set(tested or names(cell.source).used)


def _key(cell: NotebookNode) -> str:
    return grade_id(cell) or str(cell.id)
