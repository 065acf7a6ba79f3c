"""Make mutants of a reference solution: copies of it that differ by one small change each.

Knows Python's syntax tree and which NumPy functions are neighbours; nothing of checks. Runs
nothing, draws nothing at random: the same cell always gives the same mutants in the same order.
"""

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from math import inf
from typing import Any

from course.notebooks.conventions import BEGIN_SOLUTION, END_SOLUTION

NEIGHBORS = (
    ("sum", "mean", "prod"),
    ("max", "min", "mean"),
    ("argmax", "argmin"),
    ("maximum", "minimum"),
    ("exp", "expm1", "exp2"),
    ("log", "log1p", "log2"),
    ("sqrt", "square"),
    ("abs", "positive", "negative"),
    ("zeros_like", "ones_like"),
    ("zeros", "ones"),
    ("all", "any"),
    ("sin", "cos"),
    ("vstack", "hstack"),
    ("dot", "multiply"),
    ("normal", "uniform"),
    ("int", "float"),
    ("keys", "values"),
)
OPERATORS: dict[type[ast.operator], tuple[type[ast.operator], ...]] = {
    ast.Add: (ast.Sub, ast.Mult),
    ast.Sub: (ast.Add, ast.Div),
    ast.Mult: (ast.Div, ast.Add),
    ast.Div: (ast.Mult, ast.Sub),
    ast.FloorDiv: (ast.Mod, ast.Mult),
    ast.Mod: (ast.FloorDiv, ast.Mult),
    ast.Pow: (ast.Mult, ast.Div),
    ast.MatMult: (ast.Mult,),
}
COMPARISONS: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Lt: (ast.LtE, ast.Gt),
    ast.LtE: (ast.Lt, ast.GtE),
    ast.Gt: (ast.GtE, ast.Lt),
    ast.GtE: (ast.Gt, ast.LtE),
    ast.Eq: (ast.NotEq, ast.LtE, ast.GtE),
    ast.NotEq: (ast.Eq, ast.Lt, ast.Gt),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}
AXES = (0, 1, -1, None)
COMPOUND = ast.FunctionDef | ast.ClassDef | ast.For | ast.While | ast.If | ast.With


@dataclass(frozen=True)
class Mutant:
    """A solution cell with one change.

    Attributes:
        source: the whole cell, as `ast.unparse` writes it.
        before: the line that is changed, as `ast.unparse` writes it, or the two that are swapped.
        after: what stands there instead; "pass" if the line is deleted.
    """

    source: str
    before: str
    after: str


def mutants(source: str) -> list[Mutant]:
    """Return every mutant of a solution cell, each once, none equal to the cell itself.

    Only what stands between the marks of the solution is changed: the rest is handed out.
    """
    tree = ast.parse(source)
    lines = _solution_lines(source)
    reference = ast.unparse(tree)
    found: dict[str, Mutant] = {}
    for before, after in chain(_changes(tree, lines), _swapped_lines(tree, lines)):
        text = ast.unparse(tree)
        if text != reference:
            found.setdefault(text, Mutant(text, before, after))
    return list(found.values())


def _changes(tree: ast.Module, lines: set[int]) -> Iterator[tuple[str, str]]:
    """Put one change after another into the tree, and yield the line before and after it."""
    words = _Words(tree)
    for place in _places(tree, None, ()):
        if place.node.lineno in lines:
            before = _line(place.statement)
            for other in _replacements(place, words):
                place.put(other)
                yield before, _line(other if place.node is place.statement else place.statement)
            place.put(place.node)


def _swapped_lines(tree: ast.Module, lines: set[int]) -> Iterator[tuple[str, str]]:
    """Swap one pair of neighboring lines after another where one changes what the other uses."""
    bodies = [node.body for node in ast.walk(tree) if isinstance(node, COMPOUND)]
    for body in bodies:
        for i in range(len(body) - 1):
            first, second = pair = body[i : i + 2]
            if first.lineno not in lines or any(isinstance(line, COMPOUND) for line in pair):
                continue
            if _stored(first) & _used(second) or _stored(second) & _used(first):
                body[i : i + 2] = second, first
                yield f"{_line(first)}; {_line(second)}", f"{_line(second)}; {_line(first)}"
                body[i : i + 2] = pair


# --- where a mutation can be made ---------------------------------------------------------------


@dataclass(frozen=True)
class _Place:
    """A node of the tree, and where it hangs: `parent.field`, or `parent.field[index]`."""

    node: Any
    parent: ast.AST
    field: str
    index: int | None
    statement: ast.stmt
    names: Sequence["_Local"]  # of the function it stands in

    def put(self, other: ast.AST) -> None:
        if self.index is None:
            setattr(self.parent, self.field, other)
        else:
            getattr(self.parent, self.field)[self.index] = other


@dataclass(frozen=True)
class _Local:
    """A parameter or local variable, and the lines on which it may have a value."""

    name: str
    first: int = 0
    last: float = inf


class _Words:
    """The strings and the attributes of `self` that a cell uses."""

    def __init__(self, tree: ast.Module) -> None:
        nodes = list(ast.walk(tree))
        docstrings = {id(node.value) for node in nodes if isinstance(node, ast.Expr)}
        self.strings = _unique(
            node.value
            for node in nodes
            if isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and id(node) not in docstrings
        )
        self.attributes = _unique(
            node.attr
            for node in nodes
            if isinstance(node, ast.Attribute)
            and isinstance(node.ctx, ast.Store)
            and _is_name(node.value, "self")
        )


def _places(
    parent: ast.AST, statement: ast.stmt | None, names: Sequence[_Local]
) -> Iterator[_Place]:
    """Yield every statement and expression below a node, but what is never mutated."""
    for field, value in ast.iter_fields(parent):
        if field in ("args", "decorator_list", "returns", "annotation", "format_spec") and (
            not isinstance(parent, ast.Call)
        ):
            continue
        for index, node in enumerate(value) if isinstance(value, list) else [(None, value)]:
            if not isinstance(node, ast.AST) or _is_docstring(node):
                continue
            own = node if isinstance(node, ast.stmt) else statement
            inside = [*names, *_locals(node)] if isinstance(node, ast.FunctionDef) else names
            if isinstance(node, ast.stmt | ast.expr) and own is not None:
                yield _Place(node, parent, field, index, own, names)
            if not _is_negative_number(node):
                yield from _places(node, own, inside)


def _solution_lines(source: str) -> set[int]:
    """Return the numbers of the lines between the solution's marks."""
    lines, inside = set(), False
    for number, line in enumerate(source.splitlines(), start=1):
        inside = (inside or line.strip() == BEGIN_SOLUTION) and line.strip() != END_SOLUTION
        if inside:
            lines.add(number)
    return lines


def _used(statement: ast.stmt) -> set[str]:
    """Return the names that a statement reads or changes, and its attributes of self."""
    return {
        node.id if isinstance(node, ast.Name) else node.attr
        for node in ast.walk(statement)
        if isinstance(node, ast.Name)
        or (isinstance(node, ast.Attribute) and _is_name(node.value, "self"))
    }


def _stored(statement: ast.stmt) -> set[str]:
    """Return those that it changes, as a whole or in part."""
    targets = getattr(statement, "targets", None) or [getattr(statement, "target", None)]
    names = [_used(ast.Expr(_whole(target))) for target in targets if target is not None]
    return set().union(*names) - {"self"}


def _locals(function: ast.FunctionDef) -> list[_Local]:
    found = [_Local(node.arg) for node in ast.walk(function.args) if isinstance(node, ast.arg)]
    nodes = list(ast.walk(function))
    inner = {
        id(name): (node.lineno, node.end_lineno or inf)
        for node in nodes
        if isinstance(node, ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp)
        for generator in node.generators
        for name in ast.walk(generator.target)
    }
    for node in nodes:
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.append(_Local(node.id, *inner.get(id(node), (node.lineno + 1, inf))))
    return [local for local in found if local.name not in ("self", "_")]


# --- what is put there --------------------------------------------------------------------------


def _replacements(place: _Place, words: _Words) -> Iterator[ast.AST]:
    node = place.node
    names = _unique(local.name for local in place.names if local.first <= node.lineno <= local.last)
    match node:
        case ast.stmt():
            yield from _statements(node, names)
        case ast.Constant(value=str(text)):
            yield from (ast.Constant(other) for other in words.strings if other != text)
        case ast.Constant(value=bool(value)):
            yield ast.Constant(not value)
        case ast.Constant(value=int() | float()) | ast.UnaryOp(operand=ast.Constant()) if (
            _is_number(node)
        ):
            if not (isinstance(place.parent, ast.keyword) and place.parent.arg == "axis"):
                yield from _numbers(
                    ast.literal_eval(node), among=isinstance(place.parent, ast.List)
                )
        case ast.Name(id=name, ctx=ast.Load()):
            yield from (ast.Name(other) for other in _neighbors(name))
            if name in {local.name for local in place.names}:
                yield from (ast.Name(other) for other in names if other != name)
        case ast.Attribute(value=value, attr=attribute):
            yield from (ast.Attribute(value, other) for other in _neighbors(attribute))
            if attribute == "T":
                yield value
            if _is_name(value, "self") and attribute in words.attributes:
                yield from (
                    ast.Attribute(value, other) for other in words.attributes if other != attribute
                )
        case ast.Call():
            yield from _calls(node)
        case ast.Subscript(value=value):
            yield value
        case ast.Slice():
            yield from _slices(node)
        case _:
            yield from _operations(node)
    if place.field == "iter" and not _is_call_of(node, "range"):
        items = ast.Call(ast.Name("list"), [node], [])
        yield from (_item(items, cut) for cut in ("1:", ":-1", "::-1"))
    if place.field == "test" or (place.field == "ifs"):
        yield from (ast.UnaryOp(ast.Not(), node), ast.Constant(True), ast.Constant(False))


def _operations(node: ast.expr) -> Iterator[ast.AST]:
    """Replace operators, drop and swap what they act on."""
    match node:
        case ast.BinOp(left, op, right):
            yield from (ast.BinOp(left, other(), right) for other in OPERATORS.get(type(op), ()))
            yield from (left, right)
            if isinstance(op, ast.Sub | ast.Div | ast.MatMult | ast.Pow | ast.FloorDiv | ast.Mod):
                yield ast.BinOp(right, op, left)
            if isinstance(op, ast.MatMult):
                yield from (
                    ast.BinOp(_transposed(left), op, right),
                    ast.BinOp(left, op, _transposed(right)),
                )
        case ast.UnaryOp(operand=operand):
            yield operand
        case ast.BoolOp(op, values):
            yield ast.BoolOp(ast.Or() if isinstance(op, ast.And) else ast.And(), values)
            yield from values
        case ast.Compare(left, [op], right):
            yield from (ast.Compare(left, [other()], right) for other in COMPARISONS[type(op)])
        case ast.IfExp(body=body, orelse=orelse):
            yield from (body, orelse)
        case ast.Tuple(elts=elements, ctx=ast.Load()):
            yield from (ast.Tuple(swapped) for swapped in _swaps(elements))
        case ast.Dict(keys, values):
            for i in range(len(keys)):
                yield ast.Dict(keys[:i] + keys[i + 1 :], values[:i] + values[i + 1 :])
        case ast.ListComp(elt=element, generators=generators):
            yield ast.GeneratorExp(element, generators)


def _calls(node: ast.Call) -> Iterator[ast.AST]:
    """Leave the call out, leave an argument out, swap two, take another axis."""
    function, arguments, keywords = node.func, node.args, node.keywords
    yield from (argument for argument in arguments if not isinstance(argument, ast.Starred))
    if isinstance(function, ast.Attribute) and not _is_name(function.value, "np", "self"):
        yield function.value
    for i in range(len(arguments)):
        yield ast.Call(function, arguments[:i] + arguments[i + 1 :], keywords)
    for swapped in _swaps(arguments):
        yield ast.Call(function, swapped, keywords)
    for i, keyword in enumerate(keywords):
        yield ast.Call(function, arguments, keywords[:i] + keywords[i + 1 :])
        if keyword.arg == "axis":
            for axis in AXES:
                other = ast.keyword("axis", _constant(axis))
                yield ast.Call(function, arguments, [*keywords[:i], other, *keywords[i + 1 :]])


def _slices(node: ast.Slice) -> Iterator[ast.AST]:
    """Leave a bound out, move it by one."""
    for field in ("lower", "upper", "step"):
        bound = getattr(node, field)
        if bound is None:
            continue
        others: list[ast.expr | None] = [None]
        if not _is_number(bound):
            others += [ast.BinOp(bound, op, ast.Constant(1)) for op in (ast.Add(), ast.Sub())]
        for other in others:
            cut = ast.Slice(lower=node.lower, upper=node.upper, step=node.step)
            setattr(cut, field, other)
            yield cut


def _statements(node: ast.stmt, names: Sequence[str]) -> Iterator[ast.AST]:
    """Delete a statement, change its sign, work in place or not, return something else."""
    if not isinstance(node, ast.FunctionDef | ast.ClassDef | ast.Pass):
        yield ast.Pass()
    match node:
        case ast.Return(value=ast.expr() as value):
            yield ast.Return(ast.UnaryOp(ast.USub(), value))
            yield ast.Return(_transposed(value))
            yield from (ast.Return(ast.Name(name)) for name in names)
        case ast.Assign(targets=[target], value=value):
            yield _assign(target, ast.UnaryOp(ast.USub(), value))
            if isinstance(value, ast.BinOp) and ast.unparse(value.left) == ast.unparse(target):
                yield ast.AugAssign(target, value.op, value.right)  # type: ignore[arg-type]
        case ast.AugAssign(target, op, value):
            yield _assign(target, value)
            yield _assign(target, ast.BinOp(target, op, value))
            yield from (ast.AugAssign(target, other(), value) for other in OPERATORS[type(op)])
        case ast.Break():
            yield ast.Continue()
        case ast.Continue():
            yield ast.Break()


def _numbers(value: float, among: bool) -> Iterator[ast.AST]:
    """Change a number: in two ways if it is one among others in a list."""
    others: list[float] = [value + 1, -value]
    if not among:
        others += [0, 1, 2 * value, value - 1 if isinstance(value, int) else value / 2]
    for other in _unique(type(value)(other) for other in others):
        if other != value:
            yield _constant(other)


# --- small words of the syntax tree -------------------------------------------------------------


def _line(node: ast.AST) -> str:
    """Return a statement, a compound one without its body."""
    return ast.unparse(ast.fix_missing_locations(node)).splitlines()[0]


def _unique(items: Any) -> list[Any]:
    return list(dict.fromkeys(items))


def _neighbors(name: str) -> list[str]:
    groups = [group for group in NEIGHBORS if name in group]
    return _unique(other for group in groups for other in group if other != name)


def _swaps(items: Sequence[Any]) -> Iterator[list[Any]]:
    for i in range(len(items) - 1):
        yield [*items[:i], items[i + 1], items[i], *items[i + 2 :]]


def _transposed(node: ast.expr) -> ast.Attribute:
    return ast.Attribute(node, "T")


def _whole(target: ast.expr) -> ast.expr:
    """Return what an element belongs to: `grads` for `grads["W1"][i]`."""
    return _whole(target.value) if isinstance(target, ast.Subscript) else target


def _item(value: ast.expr, index: str) -> ast.Subscript:
    cut = ast.parse(f"_[{index}]", mode="eval").body
    assert isinstance(cut, ast.Subscript)
    return ast.Subscript(value, cut.slice)


def _assign(target: ast.expr, value: ast.expr) -> ast.Assign:
    return ast.Assign([target], value, lineno=0)


def _constant(value: float | None) -> ast.expr:
    if value is None or value >= 0:
        return ast.Constant(value)
    return ast.UnaryOp(ast.USub(), ast.Constant(-value))


def _is_number(node: ast.AST) -> bool:
    if isinstance(node, ast.Constant):
        return isinstance(node.value, int | float) and not isinstance(node.value, bool)
    return _is_negative_number(node)


def _is_negative_number(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub) and _is_number(node.operand)
    )


def _is_docstring(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _is_name(node: ast.AST, *names: str) -> bool:
    return isinstance(node, ast.Name) and node.id in names


def _is_call_of(node: ast.AST, name: str) -> bool:
    return isinstance(node, ast.Call) and _is_name(node.func, name)
