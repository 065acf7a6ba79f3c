"""Which global names a cell's code defines and which it needs from elsewhere.

Knows Python's scopes and nothing of notebooks; runs nothing.
"""

import ast
import functools
import symtable
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Names:
    """The global names of a piece of code.

    Attributes:
        defined: bound by it: outside its functions and classes, or by a `global` in them.
        used: read by it, its functions too, and not bound by it. Builtins are among them.
    """

    defined: frozenset[str]
    used: frozenset[str]


@functools.lru_cache(maxsize=4096)
def names(source: str) -> Names:
    """Return the global names of a piece of code; asked again and again for the same few.

    Raises:
        SyntaxError: if it is not Python.
    """
    module = symtable.symtable(source, "<cell>", "exec")
    defined, read = set(), set()
    for table in _tables(module):
        for symbol in table.get_symbols():
            if table is not module and not symbol.is_global():
                continue
            if symbol.is_assigned() or symbol.is_imported():
                defined.add(symbol.get_name())
            if symbol.is_referenced():
                read.add(symbol.get_name())
    return Names(frozenset(defined), frozenset((read - defined) | _only_changed(source)))


def _tables(table: symtable.SymbolTable) -> Iterator[symtable.SymbolTable]:
    yield table
    for child in table.get_children():
        yield from _tables(child)


def _only_changed(source: str) -> set[str]:
    """Return the global names that are only added to (`n += 1`): their value is from elsewhere."""
    nodes = list(_outside_functions(ast.parse(source)))
    changes = [node.target for node in nodes if isinstance(node, ast.AugAssign)]
    stored = {
        node.id
        for node in nodes
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) and node not in changes
    }
    return {target.id for target in changes if isinstance(target, ast.Name)} - stored


def _outside_functions(node: ast.AST) -> Iterator[ast.AST]:
    for child in ast.iter_child_nodes(node):
        if not isinstance(
            child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda
        ):
            yield child
            yield from _outside_functions(child)
