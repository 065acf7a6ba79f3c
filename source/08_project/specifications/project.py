"""What the small exercises of chapter 8 promise.

The project itself, training, prediction and claim, is an open task: its test cells hold it against
a budget, a protocol and a hidden test set (`helpers.open_task`), not against a reference.
"""

from functools import partial
from itertools import pairwise

import numpy as np

from helpers.specification import Domain, function, integer_arrays, integers, numbers, part

# --- from bitmap to image -------------------------------------------------------------------------

ONE = integer_arrays("32 32", 0, 1)
MANY = integer_arrays("N 32 32", 0, 1)
DENSE = integer_arrays("N 32 32", 0, 9).map(lambda drawn: (drawn > 0).astype(int))
INK = np.array(
    [[[(3 * i + 5 * j + n) % 11 > 4 for j in range(32)] for i in range(32)] for n in range(101)]
)
INTEGERS = (np.uint8, np.int8, np.int32, np.int64, np.uint64)


def otherwise(t):
    """Reduce bitmaps of other types of integers, and such as lie otherwise in memory."""
    bitmaps = t.draw(MANY | ONE | DENSE).astype(t.choice(*INTEGERS))
    t.call(t.choice(bitmaps, bitmaps.swapaxes(-1, -2)))
    for _ in range(2 if t.watched else 0):
        t.call(t.draw(ONE))


reduce_to_8x8 = function(
    part("one bitmap or many", essential=True, bitmaps=MANY | ONE | DENSE),
    part(
        "integers of any type in, integers out; 32 bitmaps and 101; they stay as they are",
        kinds=True,
        count=15,
        at=[
            {"bitmaps": INK[:32].astype(int)},
            {"bitmaps": INK.astype(np.uint8)},
            {"bitmaps": INK[0].astype(np.uint64)},
        ],
        steps=otherwise,
    ),
)

# --- the budget -----------------------------------------------------------------------------------

NAMES = ("W1", "b1", "W2", "b2", "gamma1", "beta1", "mean_1", "scale", "W10", "b10")


def params(draw, axes):
    """Return a dictionary of a few arrays, none of them at times, several of one shape."""
    shapes = [axes.shape(text, draw) for text in ("n m", "m", "n m", "m", "", "1 n 2 m", "n")]
    kind = draw.choice((np.float32, np.float64))
    names = [NAMES[place] for place in draw.order(len(NAMES))][: draw.integer(0, len(shapes))]
    return {
        name: draw.array(shapes[place], -1, 1).astype(kind)
        for name, place in zip(names, draw.order(len(shapes)), strict=False)
    }


LAYERS = {f"{key}{k}": np.ones((k, 2), np.float32) for k in range(1, 13) for key in ("W", "gamma")}
count_parameters = function(
    part(
        "arrays of any shape, and no array",
        essential=True,
        laws=True,
        at=[
            {"params": {"W1": np.ones((2, 3)), "W2": np.ones((3, 2)), "b1": np.ones(3)}},
            {"params": LAYERS},
            {"params": {"W1": np.ones((300, 250)), "b1": np.ones(250), "b2": np.ones(1)}},
        ],
        params=Domain(params),
    ),
)

# --- an interval ----------------------------------------------------------------------------------


def counted(draw, axes):
    """Return a number of answers, and how many of them are right."""
    total = draw.integer(1, 1000 if draw.size > 2 else draw.size + 1)
    return draw.integer(0, total), total


def whose(interval, right, total, z, found, ends):
    """Return for what else an end is right, in a sentence, if it is wrong and that is known."""
    others = {
        f"z = {other:g}": (right, total, other)
        for other in (1.96, 1, 2, 3, int(z), round(z))
        if other > 0 and abs(other - z) > 1e-3
    }
    others |= {
        f"{other} of {total}": (other, total, z)
        for other in (right - 1, right + 1, total - right)
        if 0 <= other <= total and other != right
    }
    for place, end in enumerate(("lower", "upper")):
        if not np.isclose(found[place], ends[place], rtol=1e-6):
            for words, given in others.items():
                if np.isclose(found[place], interval(*given)[place], rtol=1e-6):
                    return f"Its {end} end is that for {words}."
    return ""


def ask(t, right, total, z=None, *, by_name=False):
    """Ask for an interval; if an end of it is right for another z or another count, say so."""
    given = () if z is None or by_name else (z,)
    t.call(right, total, *given, **({"z": z} if by_name else {}))
    t.say(partial(whose, t.reference, right, total, 1.96 if z is None else z))


def intervals(t):
    """Ask for the interval of some counts, and of ten times as many; then of another width.

    The last one is of an ordinary count, which tells mistakes about none and all from others.
    """
    right, total = t.draw(Domain(counted))
    ask(t, right, total)
    ask(t, 10 * right, 10 * total)
    for z in t.draw(numbers(1, 3), numbers(1, 3)):
        t.apart()
        ask(t, right, total, z, by_name=z >= 2)
    t.apart()
    ask(t, 3, 7)


def widths(t):
    """Ask for intervals of any width, for none and for all right, too, and for a great many."""
    right, total = t.draw(Domain(counted))
    for z in (t.draw(numbers(0.5, 4)), t.draw(numbers(0.01, 1)), t.draw(numbers(4, 30)), 1, 2):
        t.apart()
        ask(t, t.draw(integers(0, 1)) * total, total, z)
        t.apart()
        ask(t, right, total, z)
    for count in (0, total):
        t.apart()
        ask(t, count, total)
    t.apart()
    t.call(np.int64(997 * total + right), np.int64(1000 * total + 1000))


confidence_interval = function(
    part("any counts", points=2, essential=True, steps=intervals),
    part("another z; none right, and all", count=20, steps=widths),
)

# --- ablations ------------------------------------------------------------------------------------


def runs(draw, axes):
    """Return accuracies of a few variants, whose means all differ, by little at times."""
    count = draw.integer(1, 1 + 2 * draw.size)
    gap = draw.choice((1.0, 1.0, 0.004))
    return {
        f"variant {k}": (
            (rank * gap + draw.array((draw.integer(2, 3 + draw.size),), 0, 0.9 * gap)) / count
        ).tolist()
        for k, rank in enumerate(draw.order(count))
    }


def rows_of(runs):
    """Return what is wrong with a table of these runs, as `Trial.relate` wants it."""

    def wrong(table):
        if not isinstance(table, list):
            return "It returns no list of tuples."
        if any(not isinstance(row, tuple) or len(row) != 3 for row in table):
            return "A row is no tuple of name, mean and error."
        names = [row[0] for row in table]
        if more := [name for name in names if name not in runs or names.count(name) > 1]:
            return f"{more[0]!r} is there once too often."
        if missing := [name for name in runs if name not in names]:
            return f"The row of {missing[0]!r} is missing."
        for name, mean, error in table:
            right, spread = np.mean(runs[name]), np.std(runs[name], ddof=1)
            for word, found, wanted in (
                ("mean", mean, right),
                ("error", error, spread / np.sqrt(len(runs[name]))),
            ):
                if not np.isclose(found, wanted, rtol=1e-5, atol=3e-9):
                    return f"The {word} of {name!r} is {found} instead of {wanted:.8g}."
        means = [(np.mean(runs[name]), name) for name in names]
        for (one, before), (other, after) in pairwise(means):
            if other > one + 1e-12:
                return f"{before!r}, mean {one:.8g}, stands before {after!r}, mean {other:.8g}."
        return ""

    return wrong


UNSORTED = {"b": [0.5, 0.7], "a": [0.1, 0.4, 0.2], "c": [0.9, 0.8], "lucky": [1.0, 0.0, 0.1]}


def kinds_after(side, runs):
    """Return of what kind the accuracies in `runs` are when a table has been asked for."""
    side(runs)
    return [type(found).__name__ for found in runs.values()]


def still_lists(kinds):
    """Return what is wrong with these kinds."""
    return "" if set(kinds) == {"list"} else "It puts something else into `runs` for its lists."


TIED = {"nine": [0.9] * 3, "spread": [0.25, 1.0], "wide": [0.625, 0.625], "zero": [0.0, 0.0]}
NEARLY = {
    "seven": [0.7] * 5,
    "narrow": [0.5, 0.75],
    "turned": [0.75, 0.5],
    "near one": [0.97] * 7,
    "near one, too": [0.97, 0.97001, 0.96999, 0.97, 0.97002],
    "all": [1.0, 1.0, 1.0],
}


def ties(t):
    """Ask for tables in which means are equal, or all accuracies of a variant."""
    for fixed in (TIED, NEARLY):
        t.relate(rows_of(fixed), fixed)
        t.apart()
    count = t.source.integer(2, 13)
    drawn = {
        f"variant {k}": (t.source.integers((t.source.integer(2, 12),), 0, 4) / 4).tolist()
        for k in range(count)
    }
    t.relate(rows_of(drawn), drawn)
    t.apart()
    t.both(
        "ablation_table",
        lambda runs: kinds_after(t.student, runs),
        lambda runs: kinds_after(t.reference, runs),
        (UNSORTED,),
        relation=still_lists,
    )


ablation_table = function(
    part(
        "any runs: mean, error, and the best first",
        points=2,
        essential=True,
        at=[{"runs": UNSORTED}],
        count=40,
        runs=Domain(runs),
    ),
    part("equal means, and equal accuracies; runs stays as it is", count=10, steps=ties),
)
