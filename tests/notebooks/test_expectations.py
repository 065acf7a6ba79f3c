"""Nothing of a student's forms what their answer is held against: every source test cell is read.

A name is a student's if a solution cell defines it or if it is made with one that is. What a check
expects, and the function that a derivative is held against, may hold none of them.
"""

import ast

import pytest

from course.notebooks.names import names

EXPECTED = {"assert_close": 1, "assert_derivative": 1, "assert_gradient": 1}
KEYWORDS = {"expected", "f", "mistakes"}


def of_a_student(node, theirs):
    """Return the student's names in an expression."""
    return {one.id for one in ast.walk(node) if isinstance(one, ast.Name)} & theirs


def tainted(tree, theirs):
    """Return the student's names, with those that the cell makes from them."""
    theirs = set(theirs)
    grown = True
    while grown:
        grown = False
        for node in ast.walk(tree):
            pairs: list[tuple[ast.expr, ast.AST]]
            match node:
                case ast.Assign(targets=targets, value=value):
                    pairs = [(target, value) for target in targets]
                case ast.AnnAssign(target=target, value=ast.expr() as value):
                    pairs = [(target, value)]
                case ast.AugAssign(target=target, value=value):
                    pairs = [(target, value)]
                case ast.For(target=target, iter=value):
                    pairs = [(target, value)]
                case ast.comprehension(target=target, iter=value):
                    pairs = [(target, value)]
                case ast.NamedExpr(target=target, value=value):
                    pairs = [(target, value)]
                case ast.FunctionDef(name=name):
                    pairs = [(ast.Name(name), node)]
                case _:
                    continue
            for target, value in (split for pair in pairs for split in taken_apart(*pair)):
                made = {
                    one.id
                    for one in ast.walk(target)
                    if isinstance(one, ast.Name) and not isinstance(target, ast.Subscript)
                }
                if of_a_student(value, theirs) and made - theirs:
                    theirs |= made
                    grown = True
    return theirs


def columns(rows, width):
    """Return the columns of a tuple of tuples, all of one width; none if it isn't one."""
    cells = [row.elts for row in rows if isinstance(row, ast.Tuple) and len(row.elts) == width]
    return list(zip(*cells, strict=True)) if len(cells) == len(rows) else []


def taken_apart(target, value):
    """Yield what is bound to what where several names are bound at once."""
    match target, value:
        case ast.Tuple(elts=targets), ast.Call(func=ast.Name("zip"), args=values) if len(
            targets
        ) == len(values):
            for one, part in zip(targets, values, strict=True):
                yield from taken_apart(one, part)
        case ast.Tuple(elts=targets), ast.Tuple(elts=rows) if columns(rows, len(targets)):
            for one, column in zip(targets, columns(rows, len(targets)), strict=True):
                yield from ((one, part) for part in column)
        case ast.Tuple(elts=targets), ast.Tuple(elts=values) if len(targets) == len(values):
            for one, part in zip(targets, values, strict=True):
                yield from taken_apart(one, part)
        case _:
            yield target, value


def borrowed(test, theirs):
    """Yield each expectation of a test cell that holds something of the student's."""
    tree = ast.parse(test)
    theirs = tainted(tree, theirs)
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
        if not isinstance(call.func, ast.Name) or call.func.id not in EXPECTED:
            continue
        place = EXPECTED[call.func.id]
        parts = [*call.args[place : place + 1]]
        parts += [keyword.value for keyword in call.keywords if keyword.arg in KEYWORDS]
        for part in parts:
            if of_a_student(part, theirs):
                yield f"line {part.lineno}: {ast.unparse(part)}"


def test_no_expectation_holds_anything_of_the_students(source):
    theirs = {name for one in source.exercises for name in names(one.solution).defined}
    found = {one.id: list(borrowed(one.test, theirs)) for one in source.exercises}
    assert {key: lines for key, lines in found.items() if lines} == {}


@pytest.mark.parametrize(
    ("test", "caught"),
    [
        ("assert_close(double(x), 2 * x)", False),
        ("assert_close(double(x), double(x))", True),
        ("y = double(x)\nz = y + 1\nassert_close(double(x), z)", True),
        ("net = Net()\nassert_close(net.predict(x), x @ net.W)", True),
        ("def right(x):\n    return double(x)\nassert_close(double(x), right(x))", True),
        ("for y in double(x):\n    assert_close(double(x), y)", True),
        ("assert_close(double(x), 2 * x, mistakes={'a': double(1)})", True),
        ("for y, z in zip(double(x), 2 * x):\n    assert_close(y, z)", False),
        ("for y, z in zip(2 * x, double(x)):\n    assert_close(y, z)", True),
        ("for y, z in ((double(1), 2), (double(2), 4)):\n    assert_close(y, z)", False),
        ("y, z = double(x), 2 * x\nassert_close(y, z)", False),
        ("assert_derivative(double, lambda x: 2 * x, x)", False),
        ("assert_derivative(lambda x: 2, double, x)", True),
        ("assert_close(double(x), expected=double(1))", True),
    ],
)
def test_what_is_borrowed_is_found(test, caught):
    assert bool(list(borrowed(test, {"double", "Net"}))) is caught
