"""The mutants that are made of a solution: what is changed, and what is left alone."""

import ast

import pytest

from course.authoring.mutation_operators import mutants

CELL = '''\
def {head}:
    """Return -1."""
    ### BEGIN SOLUTION
    {body}
    ### END SOLUTION
'''


def changes(body, head="f(x, y=1)"):
    """Return what each line of a solution becomes, "before => after"."""
    source = CELL.format(head=head, body=body.replace("\n", "\n    "))
    return [f"{mutant.before} => {mutant.after}" for mutant in mutants(source)]


EXPECTED = {
    "an operator": ("return x + y", ["return x - y", "return x * y", "return x", "return y"]),
    "operands": ("return x - y", ["return y - x"]),
    "a matrix product": ("return x @ y", ["return y @ x", "return x.T @ y", "return x @ y.T"]),
    "a comparison": ("return x > 0", ["return x >= 0", "return x < 0"]),
    "a sign": ("return -x", ["return x", "return --x"]),
    "an integer": ("return 3", ["return 0", "return 1", "return 2", "return 4", "return 6"]),
    "a negative number": ("x[-2]", ["x[0]", "x[1]", "x[2]", "x[-4]", "x[-1]", "x[-3]"]),
    "a float": ("return .5", ["return 0.0", "return 1.0", "return -0.5", "return 0.25"]),
    "an axis": (
        "np.sum(x, axis=0)",
        ["np.sum(x)", "np.sum(x, axis=1)", "np.sum(x, axis=-1)", "np.sum(x, axis=None)"],
    ),
    "keepdims": ("np.sum(x, keepdims=True)", ["np.sum(x)", "np.sum(x, keepdims=False)"]),
    "arguments": ("np.dot(x, y)", ["np.dot(y, x)", "np.dot(x)", "np.dot(y)", "x", "y"]),
    "a function": ("np.exp(x)", ["np.expm1(x)", "np.exp2(x)"]),
    "a method": ("x.sum()", ["x.mean()", "x.prod()", "x"]),
    "a transpose": ("x = y.T", ["x = y"]),
    "a transpose of the answer": ("return x + y", ["return (x + y).T"]),
    "a copy": ("z = x.copy()", ["z = x"]),
    "another name": ("return x * 2", ["return y * 2", "return y", "return x"]),
    "in place": ("x = x + y", ["x += y"]),
    "out of place": ("x *= y", ["x = x * y", "x = y", "x /= y"]),
    "a statement": ("x = np.asarray(x)", ["pass"]),
    "and": ("return x and y", ["return x or y", "return x", "return y"]),
    "a condition": ("if x:\n    y = 0", ["if not x:", "if True:", "if False:", "pass"]),
    "a choice": ("return x if y else 0", ["return x", "return 0", "return x if not y else 0"]),
    "a loop": (
        "for k in x:\n    y += k",
        ["for k in list(x)[1:]:", "for k in list(x)[:-1]:", "for k in list(x)[::-1]:"],
    ),
    "a slice": ("x[1:y]", ["x[:y]", "x[0:y]", "x[2:y]", "x[1:]", "x[1:y + 1]", "x[1:y - 1]", "x"]),
    "an order": ("x = y\nreturn x", ["return x; x = y"]),
    "an order of elements": ("x['W'] = 1\ny += x['W']", ["y += x['W']; x['W'] = 1"]),
    "a key": ("x['W'] = y['b']", ["x['b'] = y['b']", "x['W'] = y['W']", "x = y['b']"]),
    "a pair": ("return (x, y)", ["return (y, x)"]),
    "a dictionary": ("return {'W': x, 'b': y}", ["return {'b': y}", "return {'b': x, 'b': y}"]),
    "a way out": ("for k in x:\n    break", ["continue"]),
}


@pytest.mark.parametrize("name", EXPECTED)
def test_what_is_put_instead(name):
    body, wanted = EXPECTED[name]
    found = {change.split(" => ")[1] for change in changes(body)}
    assert set(wanted) <= found


def test_a_name_is_taken_for_one_that_has_a_value_by_then():
    body = "a = x\nb = [k + a for k in x]\nreturn b"
    found = changes(body, "f(x)")
    assert {"b = [k + a for k in x] => b = [k + x for k in x]"} <= set(found)
    assert {"b = [k + a for k in x] => b = [a + a for k in x]"} <= set(found)
    assert not {"a = x => a = b", "a = x => a = a", "return b => return k"} & set(found)


def test_names_of_the_function_around_are_taken_too():
    assert "return a => return x" in changes("def g(a):\n    return a\nreturn g(x)", "f(x)")


def test_a_number_in_a_list_is_changed_in_two_ways():
    assert changes("return [3.0]")[-2:] == [
        "return [3.0] => return [4.0]",
        "return [3.0] => return [-3.0]",
    ]


def test_attributes_of_self_are_taken_for_one_another():
    body = "self.dW = x\nself.db = self.dW"
    assert "self.db = self.dW => self.dW = self.dW" in changes(body, "backward(self, x)")
    assert "self.db = self.dW => self.db = self.db" in changes(body, "backward(self, x)")


def test_only_what_stands_between_the_marks_is_changed():
    before = {change.split(" => ")[0] for change in changes("y = x\nreturn y")}
    assert before == {"y = x", "return y", "y = x; return y"}


def test_mutants_differ_from_the_cell_and_from_one_another():
    source = CELL.format(head="f(x)", body="return 2 * x.T + np.sum(x, axis=0) - 1")
    made = mutants(source)
    assert len({mutant.source for mutant in made}) == len(made) > 20
    assert ast.unparse(ast.parse(source)) not in {mutant.source for mutant in made}
    assert made == mutants(source)


def test_lines_are_not_swapped_if_neither_uses_what_the_other_changes():
    assert not any(";" in change for change in changes("x = 2\ny = 3"))
    body = "self.dW = x\nself.db = y"
    assert not any(";" in change for change in changes(body, "backward(self, x, y)"))


def test_a_mutant_differs_in_one_line_or_in_two_that_are_swapped():
    source = CELL.format(head="f(x)", body="y = x + 1\n    return y * 2")
    reference = ast.unparse(ast.parse(source)).splitlines()
    for mutant in mutants(source):
        lines = mutant.source.splitlines()
        changed = [k for k, line in enumerate(lines) if line != reference[k]]
        assert len(changed) == (2 if ";" in mutant.after else 1)
        assert "; ".join(reference[k].strip() for k in changed) == mutant.before
        assert "; ".join(lines[k].strip() for k in changed) == mutant.after
