"""A source notebook's exercises with their checks, read from its cells' syntax.

Knows what a test cell looks like (one `Question` with its checks, the hidden tests' marks); runs
nothing.
"""

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from nbformat import NotebookNode

from course.notebooks.cells import (
    TEST_PREFIX,
    NotebookError,
    grade_id,
    is_own,
    is_solution,
    is_test,
)
from course.notebooks.execution import hidden_lines
from helpers.specification import Specification


@dataclass(frozen=True)
class CheckSpec:
    """A check as the test cell declares it: see `helpers.checks.Question.check`."""

    name: str
    points: float
    essential: bool
    hidden: bool


@dataclass(frozen=True)
class Exercise:
    """An exercise: a solution cell and its test cell.

    Attributes:
        id: the solution cell's grade_id.
        title: the Question's title.
        points: full marks.
        checks: in the order of the test cell.
        solution: source of the reference solution's cell.
        test: source of the test cell.
        own: whether it judges the student's own work as a whole, so that the reference stands in
            for no wrong part of it (`course.judge.carried`).
    """

    id: str
    title: str
    points: float
    checks: tuple[CheckSpec, ...]
    solution: str
    test: str
    own: bool = False

    @property
    def hidden(self) -> frozenset[str]:
        """Names of the checks that a released notebook does not hold."""
        return frozenset(check.name for check in self.checks if check.hidden)

    def score_without(self, failed: set[str]) -> float:
        """Return the points left when exactly these checks fail.

        Raises:
            NotebookError: if one of the names is no check of this exercise.
        """
        unknown = failed - {check.name for check in self.checks}
        if unknown:
            raise NotebookError(f"{self.id} has no check named {sorted(unknown)}")
        if any(check.essential and check.name in failed for check in self.checks):
            return 0
        return sum(check.points for check in self.checks if check.name not in failed)


def exercises(
    nb: NotebookNode, specifications: Mapping[str, Specification] | None = None
) -> list[Exercise]:
    """Return a source notebook's autograded exercises, in order.

    Args:
        nb: the source notebook.
        specifications: by exercise; their parts are checks of the cells that compare with them.

    Raises:
        NotebookError: if a test cell has no solution cell, or its checks can't be read.
    """
    solutions = {grade_id(cell): cell for cell in nb.cells if is_solution(cell)}
    found = []
    for cell in filter(is_test, nb.cells):
        name = grade_id(cell).removeprefix(TEST_PREFIX)
        if name not in solutions:
            raise NotebookError(f"test cell {grade_id(cell)} has no solution cell {name}")
        title, points, checks = _question(cell.source, grade_id(cell), specifications or {})
        solution = solutions[name].source
        found.append(
            Exercise(name, title, points, tuple(checks), solution, cell.source, is_own(cell))
        )
    return found


def _question(
    source: str, where: str, specifications: Mapping[str, Specification]
) -> tuple[str, float, list[CheckSpec]]:
    """Read a test cell's Question and its checks from its syntax tree."""
    hidden = hidden_lines(source)
    title, points = "", 0.0
    checks = []
    for call in _calls(source):
        match call.func:
            case ast.Name(id="Question"):
                title = _literal(call, 0, "title", where)
                points = _literal(call, 1, "points", where)
            case ast.Attribute(attr="check"):
                name = _literal(call, 0, "name", where)
                worth = _literal(call, 1, "points", where, default=1)
                essential = _literal(call, 2, "essential", where, default=False)
                checks.append(CheckSpec(name, worth, essential, call.lineno in hidden))
            case ast.Attribute(attr="compare"):
                exercise = _literal(call, 0, "name", where)
                if exercise not in specifications:
                    raise NotebookError(f"{where}: {exercise} has no specification")
                checks += [
                    CheckSpec(part.name, part.points, part.essential, call.lineno in hidden)
                    for part in specifications[exercise].parts
                ]
    if not title or not checks:
        raise NotebookError(f"{where}: no Question with checks")
    return title, points, checks


def _calls(source: str) -> Iterator[ast.Call]:
    calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    return iter(sorted(calls, key=lambda call: (call.lineno, call.col_offset)))


def _literal(call: ast.Call, position: int, name: str, where: str, default: Any = None) -> Any:
    """Return a literal argument, by position or by name."""
    node = call.args[position] if len(call.args) > position else None
    for keyword in call.keywords:
        if keyword.arg == name:
            node = keyword.value
    if node is None and default is not None:
        return default
    if not isinstance(node, ast.Constant):
        raise NotebookError(f"{where}, line {call.lineno}: {name} must be written out literally")
    return node.value
