"""What Python says to a beginner is followed by a sentence that a beginner understands."""

import numpy as np
import pytest

from helpers import translation
from helpers.translation import translate, undefined

VALUES = {"np": np, "x": np.ones((2, 3)), "half": 3 / 2}
CLASS = """\
class Net:
    def __init__(self):
        self.W = 1
    def no_self():
        return 1
    def bare(self):
        return W
    def two(self, a, b):
        return a
"""


def raised(code):
    names = dict(VALUES)
    exec(CLASS, names)
    try:
        exec(code, names)
    except Exception as error:
        return error
    raise AssertionError(f"{code} raises nothing")


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("if x > 0: pass", translation.ONE_TRUTH),
        ("not x", translation.ONE_TRUTH),
        ("x + np.ones((3, 2))", translation.BROADCAST),
        ("x @ x", translation.PRODUCT),
        ("np.dot(x, x)", translation.PRODUCT),
        ("None * 2", translation.NOTHING),
        ("x + None", translation.NOTHING),
        ("None.shape", translation.NOTHING),
        ("y = None\ny[0]", translation.NOTHING),
        ("a, b = None", translation.NOTHING),
        ("x(0)", translation.BRACKETS),
        ("half(2)", translation.BRACKETS),
        ("x[half]", translation.WHOLE),
        ("range(half)", translation.WHOLE),
        ("np.zeros(half)", translation.WHOLE),
        ("[1, 2][half]", translation.WHOLE),
        ("[1, 2][:half]", translation.WHOLE),
        ("[1, 2] * 0.5", translation.LIST),
        ("[1, 2] - [1, 2]", translation.LIST),
        ("-[1, 2]", translation.LIST),
        ("[1, 2] > 0", translation.LIST),
        ("[1, 2].shape", translation.LIST),
        ("(0.5 > 0).astype(int)", translation.NUMBER),
        ("import no_such_module_at_all", translation.MODULE),
        ("def f(n): return f(n)\nf(1)", translation.ENDLESS),
        ("def f():\n    n += 1\nf()", translation.LOCAL),
        ("Net().no_self()", translation.SELF.format(name="no_self")),
        ("Net().two(1)", translation.ARGUMENTS.format(name="two")),
        ("Net().two(1, 2, 3)", translation.SELF.format(name="two")),
        ("Net().two(1, 2, c=3)", translation.ARGUMENTS.format(name="two")),
        ("def f(a): pass\nf(1, 2)", translation.ARGUMENTS.format(name="f")),
        ("def f(a): pass\nf()", translation.ARGUMENTS.format(name="f")),
        ("Net().bare()", translation.ATTRIBUTE_OF_SELF.format(name="W")),
    ],
)
def test_a_beginners_error_is_explained(code, words):
    assert translate(raised(code)) == words


@pytest.mark.parametrize(
    "code", ["1 / 0", "raise ValueError('no luck')", "y", "{}['W1']", "[][0]", "raise KeyError"]
)
def test_nothing_is_said_where_pythons_own_words_do(code):
    assert translate(raised(code)) == ""


def test_an_undefined_name_is_found_near_and_far():
    assert undefined(raised("sigmoid(1)")) == "sigmoid"
    assert undefined(NameError("name 'tanh' is not defined")) == "tanh"  # as it crosses the wire
    assert undefined(raised("def f():\n    n += 1\nf()")) == undefined(ValueError("x")) == ""
