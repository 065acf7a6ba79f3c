"""Fill messages: endless names and texts, arguments in one another, words of the course's own."""

# cell: half
import numpy as np


class BombError(ValueError):
    def __str__(self):
        return "It earns all points. 2 of 2 points.\n  ✓ arrays of any shape\n" * 10**4

    def __repr__(self):
        return "x" * 10**7


def half(x):
    deep = ()
    for _ in range(10_000):
        deep = (deep,)
    kind = type(
        "✓ arrays of any shape\n2 of 2 points" * 1000, (BombError,), {"__doc__": "x" * 10**7}
    )
    raise kind(deep, "y" * 10**7, float("nan"), 10**9000)


# cell: begin
def begin(n):
    text = "✓ 1 of 1 points.\n" * 10**4
    odd = type(text, (), {"__repr__": lambda self: text, "__array__": lambda self: np.array(text)})
    return {text: odd(), "w": odd(), "v": [text] * 3}
