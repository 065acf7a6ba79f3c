"""Run source in a namespace so that tracebacks can quote its lines.

The judge process is forked for each submission and imports this: it knows nothing slow.
"""

import ast
import contextlib
import itertools
import linecache
import re
from collections.abc import Callable, Collection, Iterator
from typing import Any

from helpers.checks import hidden

BEGIN_HIDDEN = "### BEGIN HIDDEN TESTS"
END_HIDDEN = "### END HIDDEN TESTS"


def execute(source: str, filename: str, namespace: dict[str, Any]) -> None:
    """Run source in a namespace, under a file name that tracebacks can quote lines from."""
    show_lines(source, filename)
    exec(compile(source, filename, "exec"), namespace)


def show_lines(source: str, filename: str) -> None:
    """Let tracebacks quote lines of source that is known under a file name."""
    linecache.cache[filename] = (len(source), None, source.splitlines(keepends=True), filename)


def execute_test(
    source: str,
    filename: str,
    namespace: dict[str, Any],
    names: Collection[str],
    on_part: Callable[[bool], None] = lambda hidden: None,
) -> None:
    """Run a test cell as `execute` does; what its hidden checks say quotes nothing of the code's.

    Args:
        source: the cell's.
        filename: which tracebacks name.
        namespace: its names.
        names: those that stand in the code that is tested: see `helpers.checks.hidden`.
        on_part: told before each part whether it is one of hidden tests.
    """
    show_lines(source, filename)
    for is_hidden, part in _parts(source):
        on_part(is_hidden)
        with hidden(names) if is_hidden else contextlib.nullcontext():
            exec(compile(part, filename, "exec"), namespace)


def _parts(source: str) -> Iterator[tuple[bool, ast.Module]]:
    """Yield the statements of a test cell, those of hidden tests apart from the others."""
    lines = hidden_lines(source)

    def is_hidden(one: ast.stmt) -> bool:
        return not lines.isdisjoint(range(one.lineno, (one.end_lineno or one.lineno) + 1))

    for part, statements in itertools.groupby(ast.parse(source).body, is_hidden):
        yield part, ast.Module(list(statements), [])


def hidden_lines(source: str) -> set[int]:
    """Return the numbers of the lines between the hidden tests' marks."""
    lines, inside = set(), False
    for number, line in enumerate(source.splitlines(), start=1):
        if line.strip() == BEGIN_HIDDEN:
            inside = True
        elif line.strip() == END_HIDDEN:
            inside = False
        elif inside:
            lines.add(number)
    return lines


def names_in(*sources: str) -> frozenset[str]:
    """Return the words of code that could be names."""
    return frozenset(re.findall(r"[^\W\d]\w*", "\n".join(sources)))
