"""Which names code defines and uses."""

import pytest

from course.notebooks.names import names


@pytest.mark.parametrize(
    ("source", "defined", "used"),
    [
        ("x = y", {"x"}, {"y"}),
        ("x = 1\nprint(x)", {"x"}, {"print"}),
        ("def f(a, *b, c=d, **e):\n    g = a + h\n    return g", {"f"}, {"d", "h"}),
        ("[x for x in xs if x]", set(), {"xs"}),
        ("[(y := x) for x in xs]", {"y"}, {"xs"}),
        ("(lambda a: a + b)(1)", set(), {"b"}),
        ("def f():\n    def g():\n        return a + b\n    a = 1\n    return g", {"f"}, {"b"}),
        ("def f():\n    global n\n    n = 1", {"f", "n"}, set()),
        ("class A(B):\n    size = 3\n    def f(self):\n        return size", {"A"}, {"B", "size"}),
        ("import a.b as c, d.e\nfrom f import g", {"c", "d", "g"}, set()),
        ("for i, (j, *k) in m:\n    pass", {"i", "j", "k"}, {"m"}),
        ("with a as b:\n    pass", {"b"}, {"a"}),
        ("try:\n    pass\nexcept E as error:\n    pass", {"error"}, {"E"}),
        ("x[i] = 1\ny.z = 2", set(), {"x", "i", "y"}),
        ("n += 1", {"n"}, {"n"}),
        ("n = 0\nn += 1", {"n"}, set()),
        ("def f(n):\n    n += 1\n    return n", {"f"}, set()),
        ("@d\ndef f() -> int: ...", {"f"}, {"d", "int"}),
        ("f'{x:{w}}'", set(), {"x", "w"}),
        ("match a:\n    case [b, *c]:\n        pass", {"b", "c"}, {"a"}),
    ],
)
def test_names(source, defined, used):
    found = names(source)
    assert found.defined == defined
    assert found.used == used


def test_no_python():
    with pytest.raises(SyntaxError):
        names("x = =")
