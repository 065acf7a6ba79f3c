"""Answers that are alike beyond what their exercise explains: a reason to look, not a finding.

Compares the form of answers, what is left of code without names, comments, docstrings and layout.
Groups them by it, so that a large class takes no longer than its number of answers. Runs nothing.
"""

import ast
import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from course.grading.results import Column, Work
from course.repair.celltext import parsed

SHORT = 40  # tokens: there are few ways to write what has fewer
MANY = 5  # students: a form that more of them share explains itself
TOKEN = re.compile(r"\w+|[^\w\s]")


@dataclass(frozen=True)
class Alike:
    """Students whose answers have the same form.

    Attributes:
        students: their ids.
        columns: the exercises in which all of them coincide.
        wrong: those of these in which all of them lost points.
    """

    students: Sequence[str]
    columns: Sequence[Column]
    wrong: Sequence[Column]


def alike(works: Iterable[Work], known: Mapping[Column, Collection[str]]) -> list[Alike]:
    """Return who coincides in several exercises, or in a wrong answer; the most alike first.

    Left out are answers that were not attempted, short ones, those of a form that the course knows,
    and those of a form that more than a few share.

    Args:
        works: an assignment's.
        known: answers that the course has itself, by exercise.
    """
    by_student = {work.student: work for work in works}
    shared = defaultdict(list)
    for key, students in _by_form(by_student.values(), known).items():
        for pair in combinations(students, 2):
            shared[pair].append(key)
    same: dict[tuple[tuple[Column, str], ...], dict[str, None]] = defaultdict(dict)
    for pair, coinciding in shared.items():
        same[tuple(coinciding)] |= dict.fromkeys(pair)  # what two pairs share, all of them share
    groups = []
    for keys, members in same.items():
        columns = [column for column, _ in keys]
        wrong = [
            column
            for column in columns
            if all(by_student[student].scores.get(column, 0) < column.points for student in members)
        ]
        if len(columns) > 1 or wrong:
            groups.append(Alike(list(members), columns, wrong))
    return sorted(groups, key=lambda one: (-len(one.columns), -len(one.wrong), one.students))


def _by_form(
    works: Iterable[Work], known: Mapping[Column, Collection[str]]
) -> dict[tuple[Column, str], list[str]]:
    """Return the few students who share a form, by exercise and form."""
    found = defaultdict(list)
    for work in works:
        for column, source in work.answers.items():
            attempted = column in work.verdicts and not work.verdicts[column].blank
            if attempted and _long(source):
                found[column, form(source)].append(work.student)
    expected = {(column, form(source)) for column, those in known.items() for source in those}
    return {
        (column, text): students
        for (column, text), students in found.items()
        if 2 <= len(students) <= MANY and (column, text) not in expected and _long(text)
    }


def _long(text: str) -> bool:
    return len(TOKEN.findall(text)) >= SHORT


def form(source: str) -> str:
    """Return what is left of code without names of its own, comments, docstrings and layout.

    Of code that is not valid Python that is its text, with single blanks between words.
    """
    tree = parsed(source)
    if tree is None:
        return " ".join(source.split())
    names: dict[str, str] = {}
    nodes = list(ast.walk(tree))
    for node in nodes:
        if bound := _bound(node):
            names.setdefault(bound, f"name{len(names)}")
    for node in nodes:
        match node:
            case ast.Name():
                node.id = names.get(node.id, node.id)
            case ast.arg():
                node.arg = names[node.arg]
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef() | ast.Module():
                node.body = [each for each in node.body if not _is_text(each)]
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            node.name = names[node.name]
    try:
        return ast.unparse(tree)
    except (ValueError, RecursionError, MemoryError):
        return " ".join(source.split())


def _bound(node: ast.AST) -> str:
    """Return the name to which a node binds something; empty if it binds none."""
    match node:
        case ast.Name(id=name, ctx=ast.Store()):
            return name
        case ast.arg(arg=name):
            return name
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            return name
    return ""


def _is_text(statement: ast.stmt) -> bool:
    """Tell whether a statement is a string that stands by itself, such as a docstring."""
    match statement:
        case ast.Expr(value=ast.Constant(value=str())):
            return True
    return False
