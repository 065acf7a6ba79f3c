"""What the small exercises of chapter 8 promise.

The project itself, training, prediction and claim, is an open task: its test cells hold it against
a budget, a protocol and a hidden test set (`helpers.open_task`), not against a reference.
"""

import numpy as np

from helpers.specification import Domain, function, integer_arrays, integers, numbers, part

ONE = integer_arrays("32 32", 0, 1)
MANY = integer_arrays("N 32 32", 0, 1)
reduce_to_8x8 = function(
    part("one bitmap or many", points=2, essential=True, bitmaps=MANY | ONE),
)


def params(draw, axes):
    """Return a dictionary of a few arrays, none of them at times."""
    shapes = [axes.shape(text, draw) for text in ("n m", "m", "", "1 n 2 m")]
    count = draw.integer(0, len(shapes))
    return {f"W{k}": draw.array(shape, -1, 1) for k, shape in enumerate(shapes[:count])}


count_parameters = function(
    part(
        "arrays of any shape, and no array",
        essential=True,
        at=[{"params": {"W1": np.ones((2, 3)), "W2": np.ones((3, 2)), "b1": np.ones(3)}}],
        params=Domain(params),
    ),
)


def counted(draw, axes):
    """Return a number of answers, and how many of them are right."""
    total = draw.integer(1, 1000 if draw.size > 2 else draw.size + 1)
    return draw.integer(0, total), total


def intervals(t):
    """Ask for the interval of some counts."""
    t.call(*t.draw(Domain(counted)))


def widths(t):
    """Ask for intervals of another width, for none and for all right, too."""
    right, total = t.draw(Domain(counted))
    t.call(t.draw(integers(0, 1)) * total, total, t.draw(numbers(0.5, 4)))
    t.call(right, total, t.draw(numbers(0.5, 4)))


confidence_interval = function(
    part("any counts", points=2, essential=True, steps=intervals),
    part("another z; none right, and all", steps=widths),
)


def runs(draw, axes):
    """Return accuracies of a few variants, whose means all differ."""
    count = draw.integer(1, 1 + draw.size)
    return {
        f"variant {k}": (
            (rank + draw.array((draw.integer(2, 2 + draw.size),), 0, 0.9)) / count
        ).tolist()
        for k, rank in enumerate(draw.order(count))
    }


UNSORTED = {"b": [0.5, 0.7], "a": [0.1, 0.4, 0.2], "c": [0.9, 0.8]}
ablation_table = function(
    part(
        "any runs: mean, error, and the best first",
        points=3,
        essential=True,
        at=[{"runs": UNSORTED}],
        runs=Domain(runs),
    ),
)
