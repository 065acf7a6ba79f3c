"""Put an exercise's specification into a notebook's module of specifications, where it belongs.

Knows Python's syntax and where the words of specifications come from; runs nothing.
"""

import ast
from collections.abc import Collection, Sequence

from course.layout import CourseError
from course.notebooks.names import names

LIBRARY = "helpers.specification"
WIDTH = 100  # characters of a line, as ruff is told


def refuse_if_known(text: str, name: str, where: str) -> None:
    """Refuse the name of an exercise that a module of specifications defines or uses.

    Args:
        text: the module.
        name: the exercise's.
        where: what to call the module.

    Raises:
        CourseError: if it is known, or the module is not Python.
    """
    try:
        known = names(text)
    except SyntaxError as error:
        raise CourseError(f"{where}, line {error.lineno}: not Python ({error.msg})") from error
    if name in known.defined | known.used:
        raise CourseError(f"{where} knows {name} already")


def with_specification(text: str, own: str, before: Sequence[str], where: str) -> str:
    """Return a module of specifications with one more, and with what that needs imported.

    It follows that of the nearest exercise before it, or stands at the end if none has one.

    Args:
        text: the module, which is Python.
        own: the specification.
        before: the exercises before it, in order.
        where: what to call the module.

    Raises:
        CourseError: if the module does not import the words of specifications, or has a comment
            there that would be lost.
    """
    text = _with_import(text, names(own).used, where)
    body = ast.parse(text).body
    ends = {
        target.id: statement.end_lineno
        for statement in body
        if isinstance(statement, ast.Assign)
        for target in statement.targets
        if isinstance(target, ast.Name)
    }
    lines = text.splitlines(keepends=True)
    place = next((ends[name] for name in reversed(before) if name in ends), None)
    if place is None:
        blank = "\n" * (2 if isinstance(body[-1], ast.FunctionDef | ast.ClassDef) else 1)
        return f"{text.rstrip()}\n{blank}{own}"
    lines[place - 1] = lines[place - 1].rstrip("\n") + "\n"
    return "".join([*lines[:place], own, *lines[place:]])


def _with_import(text: str, needed: Collection[str], where: str) -> str:
    """Return a module that imports these words too, written as ruff writes it."""
    line = next(
        (
            statement
            for statement in ast.parse(text).body
            if isinstance(statement, ast.ImportFrom) and statement.module == LIBRARY
        ),
        None,
    )
    if line is None:
        raise CourseError(f"{where} has no line “from {LIBRARY} import …” that could be added to")
    there = {ast.unparse(alias) for alias in line.names}
    if there.issuperset(needed):
        return text
    lines = text.splitlines(keepends=True)
    old = "".join(lines[line.lineno - 1 : line.end_lineno])
    if "#" in old:
        raise CourseError(f"{where} has a comment in “from {LIBRARY} import …”: move it away first")
    every = sorted(there.union(needed), key=_as_ruff_sorts)
    new = f"from {LIBRARY} import {', '.join(every)}\n"
    if len(new) > WIDTH + 1 or old.count("\n") > 1:
        new = "\n    ".join([f"from {LIBRARY} import (", *(f"{name}," for name in every)]) + "\n)\n"
    return text.replace(old, new, 1)


def _as_ruff_sorts(name: str) -> tuple[int, str]:
    """Constants come first, then classes, then all else."""
    return (0 if name.isupper() and len(name) > 1 else 1 if name[:1].isupper() else 2), name
