"""What the exercises of chapter 6, part A, promise."""

from functools import partial

import numpy as np

from helpers.specification import (
    Domain,
    arrays,
    function,
    integers,
    interaction,
    numbers,
    one_of,
    part,
    scalars,
)
from helpers.specification.values import same, show

EPS = 1e-7

# --- the first weights ----------------------------------------------------------------------------


def made_anew(word):
    """Return the same word as another object: a word is told by its letters."""
    return "".join(list(word))


WORDS = one_of("he", "relu", "xavier", "sigmoid").map(made_anew)
initial_std = function(
    part(
        "any number of inputs, each word, and a number as it is",
        essential=True,
        at=[
            {"n_in": 7, "weight_init_std": value}
            for value in ("he", "relu", "xavier", "sigmoid", 0.03, 3, 0)
        ]
        + [{"n_in": 1, "weight_init_std": "he"}, {"n_in": 10**6, "weight_init_std": "xavier"}]
        + [{"n_in": 7, "weight_init_std": std} for std in (1e-5, np.float32(0.25), np.int64(2))],
        n_in=integers(1, 9) | integers(1, 3000),
        weight_init_std=WORDS | scalars(0, 3),
    )
)

# --- optimizers -----------------------------------------------------------------------------------

NAMES = ("W1", "b1", "gamma1", "beta1", "W2", "b2", "W10", "b10")
SHAPES = ("n", "N n", "n 1")


def keys_in_order(t, count):
    """Return some names of parameters, in a drawn order."""
    return [NAMES[place] for place in t.source.order(len(NAMES))[:count]]


def gradients(t, params, size=1.0):
    """Return gradients for parameters, none near 0, under the same keys in another order."""
    keys = list(params)
    found = {}
    for place in t.source.order(len(keys)):
        shape = " ".join(map(str, np.shape(params[keys[place]])))
        signs = 2 * (t.draw(arrays(shape, -1, 1)) > 0) - 1
        found[keys[place]] = size * signs * t.draw(arrays(shape, 0.5, 2))
        if params[keys[place]].dtype == np.float32:
            found[keys[place]] = found[keys[place]].astype(np.float32)
    return found


def start(t):
    """Return parameters to begin with; in small trials all have one shape."""
    count = t.source.integer(1, min(4, t.source.size))
    shape, params = t.choice(*SHAPES), {}
    for key in keys_in_order(t, count):
        if t.source.size > 3:
            t.anew()
            shape = t.choice(*SHAPES)
        params[key] = t.draw(arrays(shape))
    return params


MANY = 30  # steps of the longest walk whose steps are seen
PATTERN = np.array([1.0, -2.0]), np.array([0.5, 1.5]), np.array([-1.0, 0.25])


def march(method, params, count):
    """Make many steps, with gradients that repeat themselves; return where W1 is after some."""
    seen, update = {}, method.update
    for step in range(1, count + 1):
        update(params, {"W1": PATTERN[(step - 1) % 3].copy()})
        if step <= MANY or step % 100 == 0 or step == count:
            seen[step] = np.array(params["W1"])
    return seen


def marches(t, count):
    """Make many steps at once with the usual options; see from which on W1 is wrong."""
    t.apart()
    method, params = t.make(), t.keep({"W1": np.array([0.5, -0.5])})
    turns = ", ".join(map(show, PATTERN))
    t.both(
        f"{count} times update of W1 = [0.5, -0.5] with the gradients {turns} in turn",
        march, march, (method, params, count), assigned=str,
    )  # fmt: skip
    t.say(partial(until, t.tolerance), instead=True)


def until(tolerance, found, right):
    """Say after how many steps W1 is still right, and after how many no longer."""
    before = 0
    for step, value in right.items():
        if not same(found[step], value, tolerance):
            still = f"After {before} step{'s' * (before > 1)} W1 is right" if before else ""
            then = f"after {step} step{'s' * (step > 1)} it is {show(found[step])}"
            words = f"{still}, {then}" if still else then.replace("it", "W1", 1).capitalize()
            return f"{words}, where {show(value)} is right."
        before = step
    return ""


def walks(*, sizes=(1.0, 1.0, 100.0, 0.0), march=120, **options):
    """Return steps that move parameters, whatever becomes of the dictionary that holds them.

    The largest trials are long walks of one array. Memories go on where later gradients are 0, of
    all arrays or of one. Small ones march.
    """

    def steps(t):
        method = t.make(**{name: t.draw(domain) for name, domain in options.items()})
        long = t.source.size >= 5
        first = {"W1": t.draw(arrays("2"))} if long else start(t)
        if t.source.size == 2:  # whatever else is drawn, arrays of each kind of name are moved
            first |= {key: t.draw(arrays("2")) for key in ("gamma1", "b10")}
        params = t.keep(first)
        for step in range(MANY) if long else t.times(2, 5):
            size = t.choice(*sizes)
            if not step or t.source.size == 2:  # there is no memory that a root could be of
                size = size or 1.0
            grads = gradients(t, first, size)
            if step and t.source.size in (3, 4):
                grads[next(iter(first))] *= 0.0
            method.do("update", params, grads)
        if t.source.size == 2:
            marches(t, march)

    return steps


def refill(method, params, grads):
    """Make steps, with gradients that are all written into one array; return where W1 is then."""
    for gradient in (*PATTERN, *PATTERN):
        grads["W1"][...] = gradient
        method.update(params, grads)
    return np.array(params["W1"])


def refilled(t):
    """Make steps as a network does that has one array for each gradient, and fills it anew."""
    t.apart()
    turns = ", ".join(map(show, PATTERN))
    args = t.make(0.1), t.keep({"W1": np.array([0.5, -0.5])}), t.keep({"W1": np.zeros(2)})
    t.both(
        f"6 times update of W1 = [0.5, -0.5] with the gradients {turns} in turn, each written into "
        "the same array",
        refill, refill, args, assigned=str,
    )  # fmt: skip
    t.say("What you keep of a gradient must be a copy: here each is written over the one before.")


def moves_in_place(t):
    """Two optimizers, with arrays that others hold, one of them transposed.

    The second one is given another rate in between, and both another order of the keys. Some
    arrays have three axes, or hold float32.
    """
    methods = [t.make(), t.make(*([0] if t.source.size == 2 else []))]
    axes = "2 3 2" if t.source.size in (2, 5) else "2 3"
    first = start(t) | {"W3_transposed": np.asfortranarray(t.draw(arrays(axes)))}
    if t.source.size == 4:
        first |= {"W4_float32": t.draw(arrays("2")).astype(np.float32)}
    held = [{key: t.keep(value) for key, value in first.items()} for _ in methods]
    for again in (False, True):
        for method, params in zip(methods, held, strict=True):
            if again and method is methods[1]:
                method.set("lr", 0.3)
            order = list(params)[::-1] if again else list(params)
            method.do("update", {key: params[key] for key in order}, gradients(t, first))
            for key, array in params.items():
                array.compare(f"params[{key!r}]")
    if t.source.size == 1:
        refilled(t)


def at_any_rate(t):
    """The same, and tiny gradients at a large rate: the step is no smaller than any other."""
    moves_in_place(t)
    if t.source.size == 4:
        t.apart()
        params = t.keep({"W1": np.array([0.5, -0.5])})
        t.make(1e6).do("update", params, {"W1": np.array([2e-7, -4e-7])})


def small_gradients(**options):
    """Return steps with gradients of 0, for good or from now on, and of 0.001.

    There it counts where EPS stands. Then gradients so small that their squares are 0.
    """

    def steps(t):
        method = t.make(0.5, **{name: t.draw(domain) for name, domain in options.items()})
        params = t.keep({"w": np.array([3.0, 0.0]), "b": np.array([1.0, 2.0])})
        for turn, gradient in enumerate((1e-3, -8e-4, 1.2e-3)):
            then = np.array([1.0 - turn, 0.0]) if turn < 2 else np.array([0.0, 0.5])
            method.do("update", params, {"w": np.array([0.0, gradient]), "b": then})
        t.apart()
        method = t.make(0.5, **{name: t.draw(domain) for name, domain in options.items()})
        t.both(
            f"w after update(params = {{'w': {show(START)}}}, grads = {{'w': {show(TINY)}}})",
            tiptoe, tiptoe, (method, t.keep({"w": START})), relation=stays, assigned=str,
        )  # fmt: skip

    return steps


START, TINY = np.array([3.0, -1.0]), np.array([1e-170, -1e-170])  # whose squares are 0


def tiptoe(method, params):
    """Make one step with tiny gradients; return where w is then."""
    method.update(params, {"w": TINY.copy()})
    return np.array(params["w"])


def stays(found):
    """Say so if w is farther from where it was than any of these optimizers steps at first."""
    if np.shape(found) == START.shape and np.all(np.abs(found - START) < 10):
        return ""
    return (
        f"w is {show(found)}: the square of this gradient is 0 to a computer, and the gradient "
        "divided by 0 is infinite. Such a gradient must not throw a weight far away."
    )


RATE = numbers(0.02, 0.3)


def in_place(steps=moves_in_place):
    """Return the part on what is changed, and what is not."""
    return part(
        "changes the arrays themselves, and the gradients not at all; each by itself, at any `lr`",
        rtol=1e-4,
        atol=1e-5,
        changes=["params"],
        count=8,
        steps=steps,
    )


def or_none(low, high, long=None):
    """Return the domain of shares from low to high; of one size they are 0, of another `long`."""

    def make(draw, axes):
        if draw.size == 2:
            return 0
        return long if long is not None and draw.size == 3 else draw.number(low, high)

    return Domain(make)


def near_zero(rtol, **options):
    """Return the part on gradients of 0 and near 0."""
    return part(
        "takes gradients of 0, and near 0",
        rtol=rtol,
        laws=False,
        count=5,
        steps=small_gradients(**options),
    )


def formula(points=1, rtol=1e-5, atol=1e-5, **options):
    """Return the part on the formula."""
    return part(
        "follows the formula, step by step",
        points,
        essential=True,
        rtol=rtol,
        atol=atol,
        count=12,
        steps=walks(lr=RATE, **options),
    )


SGD = interaction(formula(), in_place(at_any_rate))
Momentum = interaction(
    formula(2, momentum=or_none(0.3, 0.8, 0.995)),
    in_place(at_any_rate),
)
AdaGrad = interaction(formula(), near_zero(2e-3), in_place())
USUAL_RATE = Domain(lambda draw, axes: 0.99 if draw.size == 3 else draw.number(0.5, 0.8))
RMSprop = interaction(
    # EPS may be another one here, or stand under the root, which moves a step by 0.0001 at most
    formula(rtol=1e-4, atol=2e-4, decay_rate=or_none(0.6, 0.9, 0.9925)),
    near_zero(2e-3, decay_rate=USUAL_RATE),
    in_place(),
)
BETAS = {"beta1": or_none(0.5, 0.8), "beta2": or_none(0.85, 0.95)}
LONG = {"beta1": or_none(0.5, 0.8, 0.985), "beta2": or_none(0.85, 0.95, 0.9995)}
Adam = interaction(
    formula(2, march=1010, **LONG),  # beyond any step from which on its correction is left out
    near_zero(5e-3, **BETAS),
    in_place(),
)
