"""What can be told from a cell's text alone: what it defines, whether it compiles, what was added.

Knows Python's syntax and IPython's magics, nothing of notebooks; runs nothing.
"""

import ast
import re
import warnings
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

MAX_CODE = 50_000  # characters of code that are parsed

_DEFINITION = re.compile(
    r"^(?:(?:async[ \t]+)?(?P<kind>def|class)[ \t]+|(?=\w+[ \t]*(?::[^=\n]+)?=(?!=)))(?P<name>\w+)",
    re.MULTILINE,
)
_FENCE = re.compile(
    r"^(`{3,}|~{3,})[ \t]*\w*[ \t]*\n(.*?)(?:\n\1[`~]*[ \t]*$|\Z)", re.MULTILINE | re.DOTALL
)
_MAGIC = re.compile(r"^([ \t]*)[%!?].*$", re.MULTILINE)


@dataclass(frozen=True)
class Definition:
    """A name that a cell binds outside its functions.

    Attributes:
        name: the name.
        start: where the statement begins in the text, its decorators and comment included.
        proper: whether it is a function or class, not a variable.
    """

    name: str
    start: int
    proper: bool


def definitions(source: str) -> list[Definition]:
    """Return what a cell's text defines, in order, even if it isn't valid Python."""
    return [
        Definition(match["name"], _start(source, match.start()), bool(match["kind"]))
        for match in _DEFINITION.finditer(source)
    ]


def defined(source: str) -> set[str]:
    """Return the names that a cell's text defines."""
    return {match["name"] for match in _DEFINITION.finditer(source)}


def _start(source: str, position: int) -> int:
    """Return where a statement begins with its decorators and the comment right above it."""
    while position:
        above = source.rfind("\n", 0, position - 1) + 1
        if source[above] not in "@#":
            break
        position = above
    return position


def visible(source: str) -> str:
    """Return a text without what can't be seen: blanks at line ends, blank lines around."""
    return "\n".join(line.rstrip() for line in source.split("\n")).strip("\n")


def lines(text: str) -> list[str]:
    """Return a text's lines without indentation and without empty ones."""
    return [line.strip() for line in text.split("\n") if line.strip()]


def added(original: str, text: str) -> str:
    """Return the lines that were added to a text; nothing if any was also taken away."""
    wanted = [line for line in original.split("\n") if line.strip()][::-1]
    new = []
    for line in text.split("\n"):
        if wanted and line.rstrip() == wanted[-1]:
            wanted.pop()
        else:
            new.append(line)
    return "" if wanted else visible("\n".join(new))


def joined(first: str, second: str, names: AbstractSet[str]) -> str:
    """Join the two parts of a split cell, at the end of a line or in the middle of one.

    Args:
        first: the first part.
        second: the second part.
        names: what the cell defined before it was split.
    """
    within_a_line = first.endswith((" ", "\t"))
    ways = [f"{first.rstrip()}\n{second}", first + second]
    likely, other = reversed(ways) if within_a_line else ways
    if not compiles(likely) and compiles(other) and defined(other) & names:
        return other
    return likely


def fenced(source: str) -> str:
    """Return the code that stands in Markdown's fences in a text; nothing if none does."""
    return "\n\n".join(match[2].strip("\n") for match in _FENCE.finditer(source))


def compiles(source: str) -> bool:
    """Tell whether a cell's code is valid Python, magics aside. What is very long is not read."""
    tree = parsed(source)
    if tree is None:
        return len(source) > MAX_CODE
    outside: list[ast.AST] = [tree]
    while outside:  # a `return` outside a function can be parsed, but not compiled
        for child in ast.iter_child_nodes(outside.pop()):
            if isinstance(child, ast.Return):
                return False
            if not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.expr):
                outside.append(child)
    return True


def has_statements(source: str) -> bool:
    """Tell whether a cell's code is valid Python and more than comments."""
    tree = parsed(source)
    return tree is not None and bool(tree.body) and compiles(source)


def parsed(source: str) -> ast.Module | None:
    """Return a cell's syntax tree, magics aside; None if it isn't valid Python or very long."""
    if len(source) > MAX_CODE:
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return ast.parse(_MAGIC.sub(r"\1pass", source))
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return None
