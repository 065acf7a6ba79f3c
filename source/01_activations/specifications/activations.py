"""What the exercises of chapter 1 promise."""

import numpy as np

from helpers.specification import (
    Domain,
    arrays,
    away_from,
    extremes,
    function,
    integer_arrays,
    integers,
    interaction,
    lists,
    numbers,
    one_of,
    part,
    scalars,
    single,
)

ANY = arrays("*any", -8, 8) | arrays("*any", -0.3, 0.3)
OTHERS = scalars(-8, 8) | lists("*any") | integer_arrays("*any") | single("*any")
HUGE = {
    "x": np.array([-1e308, -1000.0, -750.0, -1e-320, -0.0, 0.0, 1e-320, 750.0, 1000.0, 1e308]),
}
LARGE = {"x": np.array([-1e300, -1000.0, -750.0, -1e-30, 0.0, 1e-30, 750.0, 1000.0, 1e300])}
TURNED = {"x": np.arange(-2.5, 3.5).reshape(2, 3).T}  # its rows are not what memory holds in a row
ONE_BYTES = [  # as a memory of answers by bytes alone would mix up
    {"x": TURNED["x"].ravel()},
    {"x": np.array([1e-250])},
    {"x": np.array([1e-250]).view(np.int64)},
]
NEAR = 10.0 ** -np.arange(1.0, 9.0)
MORE = [
    TURNED,
    *ONE_BYTES,
    {"x": np.concatenate([NEAR, -NEAR, [-20.0, -16.0, -12.0, 12.0, 16.0, 20.0]])},
    {"x": np.array([-(10**18), -1000, -1, 0, 1, 1000, 10**18])},
    {"x": np.array([-40.0, -0.5, 0.0, 0.5, 40.0], dtype=np.float32)},
    {"x": np.linspace(-7.0, 8.0, 301)[::-2]},
    {"x": np.array(-1.5)},
]


def slopes_of(name, domain=ANY):
    """Return steps that hold a derivative against numerical differentiation of the function."""

    def steps(t):
        x = t.draw(domain)
        t.call(x)
        t.slope(t.names[name], x, elementwise=True)

    return steps


STEPPED = OTHERS | extremes("n")


def one_array_changed(t):
    """Call it, in the larger trials, with one array that is changed between two calls."""
    if t.watched:
        t.apart()
        x = t.keep(t.draw(arrays("n", -8, 8)))
        t.call(x)
        x.write(-x.ours)
        t.call(x)


def integers_of_all(t):
    """Call it; with one array that is changed between two calls; and with numbers of each type.

    Where its answer for floats is of integers, it must be for other numbers, too.
    """
    for _ in range(2 if t.watched else 1):
        t.call(t.draw(STEPPED))
    one_array_changed(t)
    if t.choice(False, False, False, True):
        t.apart()
        x = t.draw(arrays("n", -8, 8))
        t.call(x)
        whole = np.asarray(t.answer).dtype.kind in "iu"
        for other in (x.astype(np.float32), np.rint(x).astype(int), x.tolist()):
            t.apart()
            t.call(other)
            held = np.asarray(t.answer).dtype
            t.holds(
                bool(t.first) or not whole or held.kind in "iu",
                f"`step_function(...)` has dtype {held} here, but integers are expected for "
                "every x.",
            )


step_function = function(
    part("arrays of any shape", essential=True, x=away_from(ANY, 0, 0.05)),
    part(
        "0, numbers, lists, integers, float32, huge and tiny numbers",
        arrays=True,
        at=[HUGE, *MORE],
        steps=integers_of_all,
        x=STEPPED,
    ),
)
sigmoid = function(
    part("arrays of any shape", essential=True, x=ANY),
    part(
        "any finite number, without overflow",
        arrays=True,
        at=[HUGE, *MORE],
        x=extremes("n") | OTHERS,
    ),
)
tanh = function(
    part("arrays of any shape", essential=True, x=ANY),
    part(
        "huge and tiny numbers, without overflow",
        arrays=True,
        at=[LARGE, *MORE],
        x=extremes("n", -30, 300) | OTHERS,
    ),
)
relu = function(
    part("arrays of any shape", essential=True, x=ANY),
    part(
        "numbers, lists, integers, float32, huge and tiny numbers",
        arrays=True,
        at=[HUGE, *MORE],
        x=OTHERS | extremes("n"),
    ),
)


def cube(t):
    """Return t³."""
    return t**3


def wave(t):
    """Return 4 sin(t + 1)."""
    return 4 * np.sin(t + 1)


def falling(t):
    """Return exp(-t / 2)."""
    return np.exp(-t / 2)


def ripple(t):
    """Return sin(1000 t) / 100: its measured slope depends on the step, however small that is."""
    return np.sin(1000 * t) / 100


def itself(t):
    """Return t, the very array."""
    return t


def in_steps(t):
    """Return 0, 1 or 2, integers as those of the step function."""
    return (np.asarray(t) > -1).astype(int) + (np.asarray(t) > 1)


def drawn(draw, axes):
    """Return one of many functions that all have one name."""
    a, b = draw.number(-2, 2), draw.number(-2, 2)

    def f(t):
        return a * np.sin(t + b)

    return f


SMOOTH = one_of(wave, cube, falling) | Domain(drawn)
ALSO = SMOOTH | one_of(itself, in_steps)
LONG = [
    {"f": wave, "x": np.linspace(-2.0, 3.0, 301)},
    {"f": wave, "x": np.linspace(-2.0, 3.0, 301).reshape(7, 43)},
    {"f": cube, "x": np.array([1.0, 20000.0, -0.5])},  # a sum over all loses the small slopes
    {"f": in_steps, "x": np.array([-1.0, 0.5, 1.0])},
]
POINTS = numbers() | integers(-3, 3) | lists("*any") | integer_arrays("*any", -3, 3)
POINTS |= arrays("*any")
STEPS = one_of(1e-4, 1e-3, 0.25)
FINE_STEPS = one_of(1e-7, 1e-6, 1e-5, 2e-4)


def step_given(t):
    """Call it with a step, now and then with a very small one, which a ripple tells from others."""
    t.call(*t.draw(SMOOTH, arrays("*any"), STEPS))
    if t.choice(True, False, False, False):
        t.apart()
        t.call(ripple, *t.draw(arrays("n"), FINE_STEPS))
        t.apart()
        t.call(cube, t.draw(arrays("n", 200, 900)), 0.25)


def step_or_none(t):
    """Call it with a step, by position or by name, or without."""
    for _ in range(2 if t.watched else 1):
        f, x, h = t.draw(ALSO, POINTS, STEPS)
        given, options = t.choice(((), {}), ((h,), {}), ((), {"h": h}))
        t.call(f, x, *given, **options)
    if t.watched:
        t.apart()
        x = t.keep(t.draw(arrays("n")))
        t.call(ripple, x)
        x.write(1.5 - x.ours)
        t.call(ripple, x)
        t.call(ripple, x, h=t.draw(FINE_STEPS))
        t.apart()
        x = t.draw(arrays("n"))
        for f in t.draw(Domain(drawn), Domain(drawn)):  # two functions of one name, at one place
            t.call(f, x)


numerical_diff = function(
    part(
        "any function and step, in arrays of any shape",
        essential=True,
        atol=1e-7,
        steps=step_given,
        f=SMOOTH,
    ),
    part(
        "numbers, lists and integers, with the step 1e-4 where none is given",
        arrays=True,
        atol=1e-7,
        at=LONG,
        steps=step_or_none,
        f=ALSO,
    ),
)
sigmoid_grad = function(
    part(
        "agrees with numerical differentiation",
        essential=True,
        single=True,
        steps=slopes_of("sigmoid"),
    ),
    part(
        "any finite number, lists and integers",
        arrays=True,
        at=[HUGE, *MORE],
        x=extremes("n") | OTHERS,
    ),
)
tanh_grad = function(
    part(
        "agrees with numerical differentiation",
        essential=True,
        single=True,
        steps=slopes_of("tanh"),
    ),
    part(
        "huge and tiny numbers, lists and integers",
        arrays=True,
        at=[LARGE, *MORE],
        x=extremes("n", -30, 300) | OTHERS,
    ),
)
KINKED = arrays("*any", -1, 1) | OTHERS | extremes("n")


def zeros_and_ones(t):
    """Call it, and ask for numbers; and with one array that is changed between two calls."""
    for _ in range(2 if t.watched else 1):
        t.call(t.draw(KINKED))
        truth_values = np.asarray(t.answer).dtype.kind == "b"
        t.holds(
            bool(t.first) or not truth_values,
            "`relu_grad(...)` holds True and False, but 0 and 1 are expected.",
        )
    one_array_changed(t)


relu_grad = function(
    part(
        "agrees with numerical differentiation",
        essential=True,
        steps=slopes_of("relu", away_from(ANY, 0, 0.05)),
    ),
    part(
        "0 at the kink, lists, huge and tiny numbers; its input stays as it is",
        arrays=True,
        at=[HUGE, *MORE],
        steps=zeros_and_ones,
        x=KINKED,
    ),
)


def squash(t):
    """Return the sigmoid of t."""
    return (1 + np.tanh(t / 2)) / 2


def squash_slope(t):
    """Return the sigmoid's slope."""
    return squash(t) * (1 - squash(t))


def bend(t):
    """Return sin(t - 0.5), neither odd nor even."""
    return np.sin(t - 0.5)


def bend_slope(t):
    """Return its slope."""
    return np.cos(t - 0.5)


def sine(draw):
    """Return one of many functions that all have one name, and its slope."""
    a, b = draw.number(-2, 2), draw.number(-2, 2)

    def f(t):
        return np.sin(a * t + b)

    def df(t):
        return a * np.cos(a * t + b)

    return f, df


def chains(t):
    """Any number of layers: the gradient against numerical differentiation of the whole chain."""
    depth, x, w = t.source.integer(0, 6), t.draw(numbers(-2, 2)), t.draw(numbers(-2, 2))
    for f, df, weight in ((squash, squash_slope, ()), (bend, bend_slope, (w,))):

        def last(v, f=f, weight=weight):
            for _ in range(depth):
                v = f(v * sum(weight) if weight else v)
            return v

        t.call(depth, f, df, x, *weight)
        t.slope(last, np.float64(x), elementwise=True)
    if t.source.integer(0, 4) == 0:  # each layer is two questions to the test
        t.apart()
        t.call(t.source.integer(10, 30), squash, squash_slope, x)  # far less is left than atol


def weights(t):
    """Any weight, given by position or by name; any functions; integers, too."""
    for _ in range(2 if t.watched else 1):
        f, df = t.choice((bend, bend_slope), sine(t.source))
        depth, x, w = t.draw(integers(0, 6), A_NUMBER, A_NUMBER)
        given, options = t.choice(((w,), {}), ((), {"w": w}))
        t.call(depth, f, df, x, *given, **options)
        t.call(depth, squash, squash_slope, x, *given, **options)
    if t.watched:  # two functions of one name, at one place
        t.apart()
        depth = t.draw(integers(1, 4))
        for f, df in (sine(t.source), sine(t.source)):
            t.call(depth, f, df, x, w)
    if t.source.integer(0, 4) == 0:  # cos to the power of 500 is below all numbers, cos times w not
        t.apart()
        t.call(500, np.sin, np.cos, x, 1.8)


A_NUMBER = numbers(-2, 2) | integers(-2, 2)
gradient_after = function(
    part(
        "agrees with numerical differentiation",
        essential=True,
        single=True,
        atol=0,
        steps=chains,
    ),
    part(
        "counts the weight in each layer, also in hundreds of them",
        single=True,
        atol=0,
        at=[
            {"depth": 2, "f": bend, "df": bend_slope, "x": 1, "w": 0.5},
            {"depth": 300, "f": np.sin, "df": np.cos, "x": 0.5, "w": 1.25},
            {"depth": 500, "f": np.sin, "df": np.cos, "x": -2.0},
            {"depth": 200, "f": np.abs, "df": np.sign, "x": 0.001, "w": -3.0},
        ],
        steps=weights,
        depth=integers(0, 6),
        x=A_NUMBER,
        w=A_NUMBER,
    ),
)

# --- the bug museum -------------------------------------------------------------------------------


def floats(x):
    """Return x as an array of floats."""
    return np.asarray(x, dtype=float)


def one_by_one(x):
    """Return the sigmoid, in a loop."""
    x = floats(x)
    return np.array([np.exp(-np.logaddexp(0.0, -v)) for v in x.ravel()]).reshape(x.shape)


RIGHT_SIGMOIDS = {
    "is written with tanh": lambda x: (1 + np.tanh(floats(x) / 2)) / 2,
    "loops over its elements": one_by_one,
    "returns float32": lambda x: one_by_one(x).astype(np.float32),
    "uses the textbook formula": lambda x: 1 / (1 + np.exp(-floats(x))),
    "uses the logarithm of a sum": lambda x: np.exp(-np.logaddexp(0, -floats(x))),
    "takes the exponential of -|x|": lambda x: (
        np.where(floats(x) < 0, np.exp(-abs(floats(x))), 1) / (1 + np.exp(-abs(floats(x))))
    ),
    "subtracts the mirrored one from 1": lambda x: 1 - one_by_one(-floats(x)),
    "clips x where float64 can tell no more": lambda x: one_by_one(np.clip(floats(x), -745, 745)),
    "returns plain Python numbers for single numbers": lambda x: (
        one_by_one(x).tolist() if np.ndim(x) == 0 else one_by_one(x)
    ),
    "is nan at infinity, which is no finite number": lambda x: one_by_one(x) + 0 * floats(x),
}
WRONG_SIGMOIDS = {
    "negates x only where it is negative": lambda x: 1 / (1 + np.exp(-np.abs(floats(x)))),
    "is mirrored: it falls from 1 to 0": lambda x: one_by_one(-floats(x)),
    "is nan for large positive numbers": lambda x: np.exp(floats(x)) / (1 + np.exp(floats(x))),
    "is nan for large negative numbers": lambda x: (
        1 - np.exp(-floats(x)) / (1 + np.exp(-floats(x)))
    ),
    "runs from -1 to 1, like tanh": lambda x: 2 * one_by_one(x) - 1,
    "is a straight line near 0 and right far out": lambda x: np.clip(floats(x) / 4 + 0.5, 0, 1),
    "is too steep, as if 2x had been put in": lambda x: one_by_one(2 * floats(x)),
    "is the step function": lambda x: (floats(x) > 0).astype(float),
    "is 1/2 everywhere": lambda x: 0 * one_by_one(x) + 0.5,
    "takes a power of 2.5, not of e": lambda x: one_by_one(floats(x) * np.log(2.5)),
    "is a hundredth too large": lambda x: 1.01 * one_by_one(x),
    "is a thousandth too large": lambda x: 1.001 * one_by_one(x),
    "is nan at negative numbers": lambda x: np.where(floats(x) < 0, np.nan, one_by_one(x)),
    "is nan at positive numbers": lambda x: np.where(floats(x) > 0, np.nan, one_by_one(x)),
    "is nan at 0": lambda x: np.where(floats(x) == 0, np.nan, one_by_one(x)),
    "never comes near 0: x is cut off at -5": lambda x: one_by_one(np.maximum(floats(x), -5)),
    "never comes near 1: x is cut off at 5": lambda x: one_by_one(np.minimum(floats(x), 5)),
    "gives 0 at large positive numbers": lambda x: np.where(floats(x) > 700, 0, one_by_one(x)),
    "gives 1 at large negative numbers": lambda x: np.where(floats(x) < -700, 1, one_by_one(x)),
    "never comes near 0 or 1: x is cut off at -5 and at 5": lambda x: one_by_one(
        np.clip(floats(x), -5, 5)
    ),
    "gives 1/2 at large numbers of both signs": lambda x: np.where(
        np.abs(floats(x)) > 700, 0.5, one_by_one(x)
    ),
    "is right at 0 and negative numbers alone": lambda x: one_by_one(np.minimum(floats(x), 0)),
    "is rounded to four digits": lambda x: np.round(one_by_one(x), 4),
}
check_sigmoid = interaction(
    part(
        "tells right versions from wrong ones, in any order",
        2,
        count=2,
        laws=False,
        steps=lambda t: t.sort(RIGHT_SIGMOIDS, WRONG_SIGMOIDS),
    ),
)


def measured(f, x, h=1e-4):
    """Return the slopes, all at once."""
    return (np.asarray(f(floats(x) + h)) - f(floats(x) - h)) / (2 * h)


def looped(f, x, h=1e-4):
    """Return the slopes, one by one."""
    x = floats(x)
    return np.array([(f(v + h) - f(v - h)) / (2 * h) for v in x.ravel()]).reshape(x.shape)


def kept_whole(f, x, h=1e-4):
    """Return wrong slopes: x + h is stored among integers, so that h is lost."""
    x = np.asarray(x)
    right, left = x.copy(), x.copy()
    right[...], left[...] = x + h, x - h
    return (np.asarray(f(right)) - f(left)) / (2 * h)


def at_whole_numbers(x):
    """Tell whether x holds integers."""
    return np.asarray(x).dtype.kind in "iu"


def where(condition, otherwise, f, x):
    """Return the slopes, and something else where a condition holds."""
    return np.where(condition, otherwise, measured(f, x))


RIGHT_SLOPES = {
    "works on whole arrays": measured,
    "loops over the elements": looped,
    "returns float32": lambda f, x: measured(f, x).astype(np.float32),
    "uses a finer formula": lambda f, x: (4 * measured(f, x, 5e-4) - measured(f, x, 1e-3)) / 3,
    "takes a smaller step": lambda f, x: measured(f, x, 1e-5),
    "takes a larger step": lambda f, x: measured(f, x, 1e-3),
    "loops with a smaller step": lambda f, x: looped(f, x, 1e-5),
    "takes the forward difference of a tiny step": lambda f, x: (
        (np.asarray(f(floats(x) + 1e-7)) - f(floats(x))) / 1e-7
    ),
    "returns plain Python numbers for single numbers": lambda f, x: (
        measured(f, x).tolist() if np.ndim(x) == 0 else measured(f, x)
    ),
}
WRONG_SLOPES = {
    "stores its slopes among integers where x holds integers": lambda f, x: measured(f, x).astype(
        np.asarray(x).dtype
    ),
    "divides by h, so that it is twice too large": lambda f, x: 2 * measured(f, x),
    "has the wrong sign": lambda f, x: -measured(f, x),
    "loses h at integers, because x + h is stored among integers": kept_whole,
    "cuts the decimals off its answers, whatever the input": lambda f, x: np.trunc(measured(f, x)),
    "cuts the decimals off x before it begins": lambda f, x: measured(f, np.trunc(x)),
    "is always 0": lambda f, x: 0 * measured(f, x),
    "is always 1": lambda f, x: 0 * measured(f, x) + 1,
    "returns f itself": lambda f, x: np.asarray(f(floats(x))),
    "is a tenth too large": lambda f, x: 1.1 * measured(f, x),
    "is a hundredth too large": lambda f, x: 1.01 * measured(f, x),
    "is a hundredth too large at positive numbers and too small at negative ones": lambda f, x: (
        measured(f, x) * (1 + 0.01 * np.sign(floats(x)))
    ),
    "is never positive": lambda f, x: -np.abs(measured(f, x)),
    "is never negative": lambda f, x: np.abs(measured(f, x)),
    "rounds its slopes at integers": lambda f, x: (
        np.round(measured(f, x)) if at_whole_numbers(x) else measured(f, x)
    ),
    "is nan at floats": lambda f, x: where(not at_whole_numbers(x), np.nan, f, x),
    "is nan at integers": lambda f, x: where(at_whole_numbers(x), np.nan, f, x),
    "is 0 at negative numbers": lambda f, x: where(floats(x) < 0, 0.0, f, x),
    "is 0 at positive numbers": lambda f, x: where(floats(x) > 0, 0.0, f, x),
    "is a hundredth too large at negative integers": lambda f, x: where(
        at_whole_numbers(x) & (floats(x) < 0), 1.01 * measured(f, x), f, x
    ),
    "is a hundredth too large at positive integers": lambda f, x: where(
        at_whole_numbers(x) & (floats(x) > 0), 1.01 * measured(f, x), f, x
    ),
    "has the wrong sign at negative floats": lambda f, x: where(
        (not at_whole_numbers(x)) & (floats(x) < 0), -measured(f, x), f, x
    ),
    "has the wrong sign at positive floats": lambda f, x: where(
        (not at_whole_numbers(x)) & (floats(x) > 0), -measured(f, x), f, x
    ),
}
check_numerical_diff = interaction(
    part(
        "tells right versions from wrong ones, in any order",
        2,
        count=2,
        laws=False,
        steps=lambda t: t.sort(RIGHT_SLOPES, WRONG_SLOPES),
    ),
)
