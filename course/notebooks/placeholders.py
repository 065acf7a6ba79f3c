"""What `course new` leaves for an instructor to write: in a notebook and in the files beside it.

Each such place begins with `FILL IN:` and says what belongs there. As long as one is left the
notebook is not released and its bank is not read. Knows the mark alone; runs nothing.
"""

import ast
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from nbformat import NotebookNode

MARK = "FILL IN:"


def in_cells(nb: NotebookNode) -> list[str]:
    """Return the ids of a source notebook's cells that are still to be filled in."""
    return [cell.id for cell in nb.cells if MARK in cell.source]


def in_module(text: str) -> list[str]:
    """Return what is still to be filled in of a module of specifications, each once.

    That is the names that a statement with the mark defines, and a line's number where none does.
    """
    try:
        body = ast.parse(text).body
    except SyntaxError:
        body = []
    owners = {
        line: name
        for statement in body
        if (name := _defined(statement))
        for line in range(statement.lineno, (statement.end_lineno or 0) + 1)
    }
    lines = [n for n, line in enumerate(text.splitlines(), start=1) if MARK in line]
    return list(dict.fromkeys(owners.get(line, f"line {line}") for line in lines))


def _defined(statement: ast.stmt) -> str:
    match statement:
        case ast.Assign(targets=[ast.Name(id=name)]):
            return name
        case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
            return name
    return ""


def in_bank(table: Mapping[str, Any]) -> Iterator[str]:
    """Yield a line for each exercise whose answers are still to be filled in.

    Args:
        table: the bank's TOML; entries of another form are for others to complain of.
    """
    wanted: dict[str, Counter[str]] = {}
    for kind in ("wrong", "right"):
        entries = table.get(kind)
        for entry in entries if isinstance(entries, list) else ():
            if isinstance(entry, dict) and MARK in str(entry):
                wanted.setdefault(str(entry.get("exercise")), Counter())[kind] += 1
    for exercise, kinds in wanted.items():
        counts = " and ".join(f"{count} {kind}" for kind, count in kinds.items())
        unit = "answer" if kinds.total() == 1 else "answers"
        yield f"{exercise} is still to be filled in: {counts} {unit}"
