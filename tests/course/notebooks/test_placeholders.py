"""What is still to be filled in of a module of specifications."""

from course.notebooks.placeholders import MARK, in_module

MODULE = f'''"""{MARK} what the module is."""

import numpy as np  # {MARK} what else

# {MARK} a comment above is of nobody
sigmoid = function(
    part("{MARK} one"),
    part("{MARK} two"),
)


def slopes(t):
    """Draw."""
    t.call(1)  # {MARK} a step


class Layer:
    """{MARK} what it does."""


tanh = function(part("arrays"))
'''


def test_places_are_named_by_what_a_statement_defines_or_by_their_line():
    assert in_module(MODULE) == ["line 1", "line 3", "line 5", "sigmoid", "slopes", "Layer"]
    assert in_module(MODULE.replace(MARK, "Here is")) == []


def test_places_of_what_is_not_python_are_lines():
    assert in_module(f"f = (\n  '{MARK} one'\n") == ["line 2"]
