"""What the exercises of the second notebook promise: see `_halving`."""

import numpy as np

from helpers.specification import (
    Domain,
    arrays,
    function,
    integer_arrays,
    integers,
    interaction,
    lists,
    one_of,
    part,
    scalars,
)

ANY = arrays("*any")

half = function(
    part("arrays of any shape", essential=True, x=ANY),
    part("numbers, lists and integers", x=scalars() | lists() | integer_arrays("*any")),
)
quarter = function(part("arrays of any shape", essential=True, x=ANY))


def slopes(t):
    """Hold both gradients against numerical differentiation."""
    W, x, dout = t.draw(arrays("n"), arrays("N n"), arrays("N n"))
    layer = t.make(W)
    layer.forward(x)
    layer.backward(dout)
    t.slope(lambda z: np.sum(z * W * dout), x)
    layer.read("dW")
    t.slope(lambda z: np.sum(x * z * dout), W)


def kept(t):
    """Change the weights where they are."""
    old, x = t.draw(arrays("n"), arrays("N n"))
    W = t.keep(old)
    layer = t.make(W)
    layer.forward(x)
    W.write(old + 1)
    layer.forward(x)
    W.compare("W")


Scale = interaction(
    part("agrees with numerical differentiation", essential=True, steps=slopes),
    part("uses the array W itself, as it is now", steps=kept),
)


def drawn(draw, axes):
    """Return one of many functions that all have one name."""
    a, b = draw.number(-2, 2), draw.number(-2, 2)

    def f(t):
        return a * np.sin(t + b)

    return f


slope = function(
    part("any function, in arrays of any shape", essential=True, atol=1e-6, f=Domain(drawn), x=ANY)
)


def unusable(found, n):
    """Return what is wrong with a start."""
    w = np.asarray(found["w"])
    if w.shape != (n,):
        return f"It holds {w.size} numbers instead of {n}."
    return "" if np.all((w > 1) & (w < 2)) else "They are not all between 1 and 2."


begin = interaction(
    part(
        "any numbers between 1 and 2",
        essential=True,
        steps=lambda t: starts(t, t.draw(integers(1, 5))),
    )
)


def starts(t, n):
    """Return the student's start."""
    t.both(
        "begin",
        lambda n: t.find("begin")(n),
        t.names["begin"],
        (n,),
        relation=lambda found: unusable(found, n),
    )
    return None if t.first else np.array(t.answer["w"], dtype=float)


def grows(t):
    """Go on from the student's own start, whichever it is."""
    n, count = t.draw(integers(1, 5), integers(1, 4))
    first = starts(t, n)
    if first is None:
        return
    t.both("grow", t.student, lambda n, count: first ** (2**count), (n, count))


grow = interaction(part("squares the start", essential=True, steps=grows))

RIGHT = {
    "divides by 2": lambda x: np.asarray(x) / 2,
    "multiplies by 0.5": lambda x: np.multiply(x, 0.5),
    "takes a half away": lambda x: x - np.multiply(x, 0.5),
    "has other last digits": lambda x: np.asarray(x) / 2 * (1 + 1e-12),
}
WRONG = {
    "is the whole": lambda x: np.asarray(x),
    "is a quarter": lambda x: np.asarray(x) / 4,
    "has the wrong sign": lambda x: -np.asarray(x) / 2,
    "divides in integers": lambda x: np.asarray(x) // 2,
    "is half of the first row": lambda x: np.asarray(x)[:1] / 2 + 0 * np.asarray(x),
}
check_half = interaction(
    part(
        "accepts right versions and rejects wrong ones, in any order",
        essential=True,
        count=2,
        steps=lambda t: t.sort(RIGHT, WRONG),
    ),
    part("comes with a mended version that is right", of="half_mended", x=ANY | one_of(3.0)),
)
