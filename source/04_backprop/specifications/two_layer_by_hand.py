"""What the exercises of chapter 4, part A, promise. Samples are columns here."""

from dataclasses import replace

import numpy as np

from helpers.checks import assert_keys, assert_returned
from helpers.specification import (
    Domain,
    arrays,
    function,
    integer_arrays,
    integers,
    interaction,
    numbers,
    one_of,
    part,
)
from helpers.specification.values import copied

SHAPES = {"W1": "h n", "b1": "h 1", "W2": "k h", "b2": "k 1"}
GRADIENTS = {f"d{key}": shape for key, shape in SHAPES.items()}
SEVERAL = dict.fromkeys(("n", "h", "k", "m"), (2, 5))  # in a network of ones, much looks alike
X = arrays("n m", -2, 2)
Y = integer_arrays("k m", 0, 1)


def dictionaries(shapes, low=-1.5, high=1.5, *, shuffled=False):
    """Return the domain of dictionaries of arrays; shuffled: with their keys in any order."""

    def make(draw, axes):
        found = {key: arrays(shape, low, high).make(draw, axes) for key, shape in shapes.items()}
        keys = list(shapes)
        return {keys[place]: found[keys[place]] for place in draw.order(len(keys))}

    return Domain(make) if shuffled else Domain(make).map(lambda d: {key: d[key] for key in shapes})


NETWORK, ANY_NETWORK = dictionaries(SHAPES), dictionaries(SHAPES, shuffled=True)
ANY_X = X | integer_arrays("n m", -3, 3)
LABELS = Y.map(lambda labels: labels.astype(float))
ANY_Y = Y | LABELS


# --- what came back -------------------------------------------------------------------------------


def dictionary(found, keys, name="Your result"):
    """Return a dictionary, or these items alone if there are more; refuse what lacks one."""
    assert_keys(found, keys, name=name)
    return found if len(found) == len(keys) else {key: found[key] for key in keys}


def two(found, *names):
    """Return two things; refuse what can't be unpacked into two."""
    assert_returned(found, *names)
    return found


def number(found):
    """Return the number in an array of one element; leave all else as it is."""
    return found.reshape(()) if isinstance(found, np.ndarray) and found.size == 1 else found


def column(found):
    """Return a vector as a column; leave all else as it is."""
    return found.reshape(-1, 1) if isinstance(found, np.ndarray) and found.ndim == 1 else found


def seen(t, view, *args, **options):
    """Call the function and compare what a view shows of its answer."""
    return t.both(
        t.reference.__name__,
        lambda *a, **o: view(t.invoke(t.student, a, o)),
        lambda *a, **o: view(t.reference(*a, **o)),
        args,
        options,
        signature=t.reference,
    )


# --- sizes and start ------------------------------------------------------------------------------

layer_sizes = function(
    part(
        "any sizes",
        essential=True,
        count=50,
        steps=lambda t: t.call(*t.draw(ANY_X, ANY_Y, integers(1, 12))),
    )
)


def small_random(w):
    """Return what is wrong with many weights that should be normal, with a spread of 0.01."""
    w = np.ravel(np.asarray(w, dtype=float))
    if not w.any():
        return "is zero everywhere: the hidden units could never differ."
    if np.unique(w).size < 0.9 * w.size:
        return "holds the same numbers again and again: each weight is drawn by itself."
    if w.min() >= 0:
        return (
            "holds no negative number: a normal distribution with mean 0 has as many as positive "
            "ones."
        )
    spread, middle, inside = w.std(), w.mean(), np.mean(np.abs(w) < 0.01)
    if abs(spread / 0.01 - 1) > 0.06:
        why = {1.0: ": the factor 0.01 is missing", 0.1: ": 0.01 is no variance"}
        reason = next((text for s, text in why.items() if abs(spread / s - 1) < 0.06), "")
        return f"has a standard deviation of {spread:.3g} instead of 0.01{reason}."
    if abs(middle) > 0.0006:
        return f"has a mean of {middle:.3g} instead of 0."
    if abs(inside - 0.6827) > 0.03:
        return (
            f"is not normal: {inside:.0%} of its numbers lie within one standard deviation, and "
            "68 % should."
        )
    return ""


def shaped(found, sizes, keys=tuple(SHAPES)):
    """Return what is wrong with the keys and shapes of parameters; nothing if they are right."""
    n_x, n_h, n_y = sizes
    right = {"W1": (n_h, n_x), "b1": (n_h, 1), "W2": (n_y, n_h), "b2": (n_y, 1)}
    for key, array in dictionary(found, keys).items():
        if np.shape(array) != right[key]:
            return f"{key} has shape {np.shape(array)} instead of {right[key]}."
    return ""


def weights(t):
    """Look at many weights."""
    sizes = (150 - 10 * t.source.integer(0, 2), 135, 145)

    def relation(found):
        if problem := shaped(found, sizes, ("W1", "W2")):
            return problem
        for key in ("W1", "W2"):
            if problem := small_random(found[key]):
                return f"{key} {problem}"
        if np.mean(np.isin(found["W2"], found["W1"])) > 0.5:
            return "W2 repeats the numbers of W1: make one generator and draw both from it."
        return ""

    t.relate(relation, *sizes, t.draw(integers(0, 999)))


SPOILT = 7.0


def afresh(t, function, *args, **options):
    """Return a copy of what a function returns, and write over the original's weights."""
    live = t.home.invoke(function, args, options)
    found = copied(live)
    for key in ("W1", "W2"):
        try:
            live[key][...] = SPOILT
        except Exception:  # whatever else came back is judged by its copy
            continue
    return found


def repeats(draws):
    """Return what is wrong with five draws: seed s, s again, s + 1, seed 1 and no seed."""
    for key in ("b1", "b2"):
        if any(np.any(found[key]) for found in draws):
            return f"{key} is not zero: the biases start at 0."
    for key in ("W1", "W2"):
        one, again, other, first, usual = (np.asarray(found[key]) for found in draws)
        if np.all(again == SPOILT):
            return f"{key} comes back as the caller has left it: make new arrays in each call."
        if not np.array_equal(one, again):
            return f"{key} is another one each time, though the seed is the same."
        if np.array_equal(one, other):
            return f"{key} is the same whatever the seed is: it is not used."
        if not np.array_equal(first, usual):
            return f"{key}: where no seed is given, it should be that of seed 1."
    return ""


def seeds(t):
    """Draw with several seeds, for any sizes."""
    sizes, seed = t.draw(integers(2, 6), integers(1, 6), integers(1, 6)), t.draw(integers(2, 999))

    given = ({"seed": seed}, {"seed": seed}, {"seed": seed + 1}, {"seed": 1}, {})
    t.both(
        "initialize_parameters",
        lambda *a, seed: [afresh(t, t.student, *a, **options) for options in given],
        lambda *a, seed: [t.reference(*a, **options) for options in given],
        sizes,
        {"seed": seed},
        signature=t.reference,
        relation=lambda found: (
            next(filter(None, (shaped(one, sizes) for one in found)), "") or repeats(found)
        ),
    )


initialize_parameters = interaction(
    part(
        "small random weights: normal, with a standard deviation of 0.01, each by itself",
        essential=True,
        count=6,
        steps=weights,
    ),
    part(
        "biases of 0; the same numbers for the same seed, and others for another",
        laws=False,
        steps=seeds,
    ),
)

# --- forward --------------------------------------------------------------------------------------


def answer(found):
    """Return A2."""
    return two(found, "A2", "cache")[0]


def cache(found):
    """Return the cache."""
    return dictionary(two(found, "A2", "cache")[1], ("Z1", "A1", "Z2", "A2"), "The cache")


def both(found):
    """Return A2 and the cache."""
    return {"A2": answer(found), "cache": cache(found)}


def biased(size):
    """Return the domain of networks with biases of this size: sums far from 0, and no smaller."""
    parts = {key: arrays(SHAPES[key], -1.5, 1.5) for key in ("W1", "W2")}
    parts |= {key: arrays(SHAPES[key], 0.8 * size, size) for key in ("b1", "b2")}

    def make(draw, axes):
        found = {key: domain.make(draw, axes) for key, domain in parts.items()}
        return {key: found[key] * (draw.choice((-1, 1)) if key[0] == "b" else 1) for key in SHAPES}

    return Domain(make)


forward_propagation = interaction(
    part(
        "A2 for networks and batches of any size",
        2,
        essential=True,
        steps=lambda t: seen(t, answer, *t.draw(X, t.choice(NETWORK, dictionaries(SHAPES, -3, 3)))),
    ),
    part(
        "Z1, A1, Z2 and A2 in the cache, for X of integers and for large biases too",
        laws=False,
        axes=SEVERAL,
        steps=lambda t: seen(
            t, both, *t.draw(ANY_X, t.choice(NETWORK, NETWORK, biased(25), biased(2000)))
        ),
    ),
    part(
        "keys in any order; X and the parameters stay as they are",
        steps=lambda t: [seen(t, both, *t.draw(X, ANY_NETWORK)) for _ in range(2)],
    ),
)

# --- cost -----------------------------------------------------------------------------------------


def very_sure(shape):
    """Return the domain of probabilities of which some are almost 0 or almost 1."""
    return arrays(shape, -26, 26).map(lambda z: np.clip((1 + np.tanh(z / 2)) / 2, 1e-11, 1 - 1e-11))


MANY_SAMPLES = (np.full((1, 3000), 0.25), np.tile([1.0, 0.0, 0.0], 1000)[None])

compute_cost = interaction(
    part(
        "any number of samples and outputs, each yes or no",
        essential=True,
        rtol=1e-4,
        atol=1e-5,
        axes={"k": (1, 5), "m": (2, 5)},
        steps=lambda t: seen(t, number, *t.draw(arrays("k m", 0.02, 0.98), Y)),
    ),
    part(
        "one number, for answers that are almost 0 or 1 too; A2 and Y stay as they are",
        steps=lambda t: t.call(
            *(
                MANY_SAMPLES
                if t.source.size >= 5
                else t.draw(arrays("k m", 0.001, 0.999) | very_sure("k m"), ANY_Y)
            )
        ),
    ),
)

# --- backward -------------------------------------------------------------------------------------


def with_columns(found):
    """Return the gradients, and those of biases as columns: their shape is another part's."""
    found = dictionary(found, GRADIENTS)
    return {key: column(g) if key[1] == "b" else g for key, g in found.items()}


def backward(t, view, network, samples, truth):
    """Call it twice with networks of one size, as nothing of the first may be left over."""
    for _ in range(2):
        p, x, y = t.draw(network, samples, truth)
        values = t.names["forward_propagation"](x, p)[1]
        seen(t, view, p, values, x, y)
    return p, x, y


def slopes(t):
    """Hold all four gradients against numerical differentiation of the cost."""
    p, x, y = backward(t, with_columns, NETWORK, X, LABELS)
    forward, cost = t.names["forward_propagation"], t.names["compute_cost"]
    for key in p:
        t.slope(lambda v, key=key: cost(forward(x, {**p, key: v})[0], y), p[key], item=f"d{key}")


backward_propagation = interaction(
    part(
        "agrees with numerical differentiation for W1, b1, W2 and b2",
        4,
        essential=True,
        axes=SEVERAL,
        count=12,
        steps=slopes,
    ),
    part(
        "any sizes, each in its parameter's shape; all four arguments stay as they are",
        2,
        steps=lambda t: backward(
            t, lambda found: dictionary(found, GRADIENTS), ANY_NETWORK, ANY_X, ANY_Y
        ),
    ),
)

# --- a step ---------------------------------------------------------------------------------------

RATES = one_of(0.03, 0.7, 2.5, 1) | numbers(0.01, 3)


def a_step(t):
    """Take a step by any rate; where results are looked at again, by none too."""
    for rates in (one_of(0), one_of(0.3)) if t.watched else (RATES,):
        t.call(*t.draw(ANY_NETWORK, dictionaries(GRADIENTS, shuffled=True), rates))


update_parameters = function(
    part(
        "any parameters, gradients and rates",
        essential=True,
        count=20,
        parameters=NETWORK,
        grads=dictionaries(GRADIENTS),
        learning_rate=RATES,
    ),
    part(
        "a rate of 1.2 unless told otherwise",
        laws=False,
        count=20,
        steps=lambda t: t.call(
            *t.draw(NETWORK, dictionaries(GRADIENTS)), *t.choice((), (), (0,), (0.3,))
        ),
    ),
    part(
        "keys in any order; the old parameters and the gradients stay as they are",
        count=20,
        steps=a_step,
    ),
)


# --- training -------------------------------------------------------------------------------------


def start(t, sizes, seed):
    """Return the student's start if it can be one, None otherwise: any random start is right."""

    def relation(found):
        found = dictionary(found, SHAPES)
        small = all(np.all(np.abs(array) < 20) for array in found.values())
        usable = small and (np.any(found["W1"]) or np.any(found["W2"]))
        otherwise = "Training can't start from this: look at exercise 4A.2."
        return shaped(found, sizes) or ("" if usable else otherwise)

    t.both(
        "initialize_parameters",
        lambda *a: t.find("initialize_parameters")(*a),
        t.names["initialize_parameters"],
        (*sizes, seed),
        relation=relation,
    )
    if t.first:
        return None
    return {key: np.array(value, dtype=float) for key, value in t.answer.items()}


def descend(names, parameters, x, y, count, rate):
    """Return the parameters after so many steps, and the cost before each."""
    costs = []
    for _ in range(count):
        answers, values = names["forward_propagation"](x, parameters)
        costs.append(names["compute_cost"](answers, y))
        grads = names["backward_propagation"](parameters, values, x, y)
        parameters = names["update_parameters"](parameters, grads, rate)
    return parameters, costs


MANY = (arrays("n 430", -2, 2), integer_arrays("k 430", 0, 1).map(lambda y: y.astype(float)))


LINE = np.linspace(-3, 3, 9)[np.newaxis]  # a task without contradictions: no step goes too far
LEFT = (LINE < -0.4).astype(float)


def train(t, view, count, given, data=None):
    """Train with the options that are given, and compare what a view shows.

    A long training has a tiny rate: its costs hardly differ, yet each of them counts. At a usual
    rate its steps would enlarge what has rightly been rounded away, in float32 above all.
    """
    x, y = data or t.draw(*t.choice((X, LABELS), (X, LABELS), MANY))
    usual = {"n_h": 4, "num_iterations": 10_000, "learning_rate": 1.2, "seed": 1}
    drawn = t.draw(
        integers(5, 9), one_of(*((1e-12,) if count > 100 else (0.5, 2.0, 3.0))), integers(2, 999)
    )
    options = dict(zip(usual, (drawn[0], count, *drawn[1:]), strict=True))
    options = {key: options[key] for key in given}
    full = {**usual, **options}
    by_place = len(options) == len(usual) and t.choice(True, False)
    first = start(t, (len(x), full["n_h"], len(y)), full["seed"])
    if first is None:
        return
    t.both(
        "nn_model",
        lambda *a, **o: view(two(t.student(*a, **o), "parameters", "costs")),
        lambda x, y, *a, **o: view(
            descend(t.names, first, x, y, full["num_iterations"], full["learning_rate"])
        ),
        (x, y, *options.values()) if by_place else (x, y),
        {} if by_place else options,
        signature=t.reference,
    )


def parameters_of(found):
    """Return the parameters."""
    return dictionary(found[0], SHAPES, "The first thing that it returns, the parameters,")


def costs_of(found):
    """Return the costs first, and the parameters."""
    return {"costs": found[1], **parameters_of(found)}


def costs(t):
    """Train long and short, and once until the hidden units bend."""
    if t.source.size <= 2:
        train(t, costs_of, 40, ("num_iterations",), (LINE, LEFT))
    elif t.source.size <= 4:
        train(
            t,
            costs_of,
            t.choice(0, 1, 2, 4, 7),
            t.choice(ALL, ("num_iterations",), ("n_h", "num_iterations"), ALL[1:]),
        )
    else:
        train(t, costs_of, 130, t.choice(ALL, ALL[1:]))


SINGLE = {"rtol": 5e-4, "atol": 1e-5}  # steps enlarge what float32 rounds away in the other parts
ALL = ("n_h", "num_iterations", "learning_rate", "seed")
nn_model = interaction(
    part(
        "takes the right steps",
        2,
        essential=True,
        **SINGLE,
        axes={"n": (1, 4), "k": (1, 3), "m": (5, 9)},
        count=12,
        steps=lambda t: train(t, parameters_of, t.source.integer(2, 9), ALL),
    ),
    part(
        "notes down the right costs; the usual options where none are given; X and Y stay as they "
        "are",
        **SINGLE,
        axes={"n": (1, 4), "k": (1, 3), "m": (5, 9)},
        count=12,
        steps=costs,
    ),
)


# --- decisions ------------------------------------------------------------------------------------


def decisions(t):
    """Ask for decisions, but for none so near to one half that rounding may decide."""
    p, x = t.draw(t.choice(NETWORK, NETWORK, dictionaries(SHAPES, -0.04, 0.04)), X)
    sure = np.abs(t.names["forward_propagation"](x, p)[1]["Z2"]).min(axis=0) > 1e-5
    if sure.any():
        t.call(p, x[:, sure])


def silent(t):
    """Ask a network of which some outputs, or all, are exactly one half."""
    p, x = t.draw(ANY_NETWORK, ANY_X)
    near = np.abs(t.names["forward_propagation"](x, p)[1]["Z2"]) < 1e-3
    others = np.arange(len(near))[:, np.newaxis] > t.choice(0, len(near))
    others &= ~near.any(axis=1, keepdims=True)
    p = {**p, "W2": p["W2"] * others, "b2": p["b2"] * others}
    t.call(p, x)


predict = interaction(
    part(
        "networks and batches of any size",
        essential=True,
        axes={"m": (3, 5)},
        count=30,
        steps=decisions,
    ),
    part("says 0 where the probability is exactly one half", steps=silent),
)

# --- the bug museum -------------------------------------------------------------------------------


def logistic(z):
    """Return the sigmoid."""
    return (1 + np.tanh(z / 2)) / 2


def network(bend):
    """Return the forward function of a network whose hidden layer has this activation."""

    def forward(x, p):
        Z1 = p["W1"] @ x + p["b1"]
        A1 = bend(Z1)
        Z2 = p["W2"] @ A1 + p["b2"]
        return logistic(Z2), {"Z1": Z1, "A1": A1, "Z2": Z2, "A2": logistic(Z2)}

    return forward


def way_back(slope, error=None, weight=None):
    """Return a backward function: right, if the slope is and nothing else is given.

    slope: takes the cache and returns the slope of the hidden layer's activation.
    error: takes A2 and Y and returns dZ2. weight: takes W2 and returns what stands in its place.
    """

    def backward(p, v, x, y):
        m = x.shape[1]
        dZ2 = v["A2"] - y if error is None else error(v["A2"], y)
        W2 = p["W2"] if weight is None else weight(p["W2"])
        dZ1 = W2.T @ dZ2 * slope(v)
        return {
            "dW1": dZ1 @ x.T / m,
            "db1": dZ1.sum(axis=1, keepdims=True) / m,
            "dW2": dZ2 @ v["A1"].T / m,
            "db2": dZ2.sum(axis=1, keepdims=True) / m,
        }

    return backward


def tanh_slope(v):
    """Return the slope of tanh."""
    return 1 - v["A1"] ** 2


def but(keys, change):
    """Return a network with tanh, and a backward function that gets these gradients wrong."""

    def backward(p, v, x, y):
        found = way_back(tanh_slope)(p, v, x, y)
        return found | {key: change(found[key]) for key in keys.split()}

    return network(np.tanh), backward


def tanh_with(slope, **changes):
    """Return a network with tanh, and a backward function with this slope."""
    return network(np.tanh), way_back(slope, **changes)


def scaled(power):
    """Return a network with tanh, and gradients that are multiplied with a power of m."""

    def backward(p, v, x, y):
        found = way_back(tanh_slope)(p, v, x, y)
        return {key: g * float(x.shape[1]) ** power for key, g in found.items()}

    return network(np.tanh), backward


def last_sample(p, v, x, y):
    """Return the gradients of the last sample's loss."""
    return way_back(tanh_slope)(p, {k: a[:, -1:] for k, a in v.items()}, x[:, -1:], y[:, -1:])


EVERY = "dW1 db1 dW2 db2"
RIGHT = {
    "has tanh in its hidden layer": tanh_with(tanh_slope),
    "has tanh, and returns float32": but(EVERY, lambda g: g.astype(np.float32)),
    "has tanh, and takes its slope from Z1": tanh_with(lambda v: 1 / np.cosh(v["Z1"]) ** 2),
    "has tanh, and is off in the seventh digit": but(EVERY, lambda g: g * (1 + 3e-7)),
    "has the sigmoid": (network(logistic), way_back(lambda v: v["A1"] * (1 - v["A1"]))),
    "has the sine": (network(np.sin), way_back(lambda v: np.cos(v["Z1"]))),
    "has no activation at all": (network(np.array), way_back(lambda v: np.ones_like(v["Z1"]))),
    "has the softplus": (
        network(lambda z: np.logaddexp(0, z)),
        way_back(lambda v: logistic(v["Z1"])),
    ),
    "has the arc tangent": (network(np.arctan), way_back(lambda v: 1 / (1 + v["Z1"] ** 2))),
}
WRONG = {
    "is the exhibit": tanh_with(lambda v: 1 - np.tanh(v["A1"]) ** 2),
    "leaves the slope of tanh out": tanh_with(lambda v: np.ones_like(v["A1"])),
    "takes the slope of tanh with Z1, not A1": tanh_with(lambda v: 1 - v["Z1"] ** 2),
    "forgets the square in the slope of tanh": tanh_with(lambda v: 1 - v["A1"]),
    "has the slope of tanh, though the hidden layer has the sigmoid": (
        network(logistic),
        way_back(tanh_slope),
    ),
    "goes uphill: all signs are wrong": but(EVERY, np.negative),
    "is zero everywhere": but(EVERY, np.zeros_like),
    "is twice too large everywhere": but(EVERY, lambda g: 2 * g),
    "belongs to the squared error, not to the cross-entropy": tanh_with(
        tanh_slope, error=lambda a, y: (a - y) * a * (1 - a)
    ),
    "leaves the target out": tanh_with(tanh_slope, error=lambda a, y: a),
}
HIDDEN_WRONG = {
    "does not divide by m: with one sample, nobody sees it": scaled(1),
    "divides by m twice: with one sample, nobody sees it": scaled(-1),
    "has the wrong sign in dW1": but("dW1", np.negative),
    "has the wrong sign in dW2": but("dW2", np.negative),
    "has zeros for db1": but("db1", np.zeros_like),
    "has a zero for db2": but("db2", np.zeros_like),
    "sums db1 over the hidden units too: with one hidden unit, nobody sees it": but(
        "db1", lambda g: np.full_like(g, g.sum())
    ),
    "mixes up the inputs in dW1: with one input, nobody sees it": but("dW1", lambda g: g[:, ::-1]),
    "mixes up the units in dW2: with equal weights, nobody sees it": but(
        "dW2", lambda g: np.roll(g, 1, axis=1)
    ),
    "is too small everywhere, by 0.1": but(EVERY, lambda g: g - 0.1),
    "is too large everywhere, by 0.1": but(EVERY, lambda g: g + 0.1),
    "has twice the right dW2": but("dW2", lambda g: 2 * g),
    "is wrong by one percent in db2": but("db2", lambda g: 1.01 * g),
    "goes back through the mean of the weights W2, the same for all units": tanh_with(
        tanh_slope, weight=lambda w: np.repeat(w.mean(axis=1, keepdims=True), w.shape[1], axis=1)
    ),
    "uses the last sample only": (network(np.tanh), last_sample),
    "takes all labels for 1": tanh_with(tanh_slope, error=lambda a, y: a - 1),
}


def sort(t, right, wrong):
    """Ask the check, which takes two functions, about versions of them in any order."""
    pairs = replace(t, student=lambda pair: t.student(*pair), reference=lambda p: t.reference(*p))
    pairs.sort(right, wrong)


def mended(t):
    """Compare the mended exhibit with the right gradients."""
    p, x, y = t.draw(NETWORK, X, LABELS)
    values = t.names["forward_propagation"](x, p)[1]
    seen(t, lambda found: dictionary(found, GRADIENTS), p, values, x, y)


check_backward = interaction(
    part(
        "accepts right gradients of any network and rejects wrong ones, in any order",
        essential=True,
        count=1,
        steps=lambda t: sort(t, RIGHT, WRONG),
    ),
    part(
        "sees what is wrong in one gradient alone, or with several samples or units",
        2,
        laws=False,
        count=1,
        steps=lambda t: sort(t, RIGHT, HIDDEN_WRONG),
    ),
    part(
        "comes with a mended version that is right",
        of="backward_mended",
        axes=SEVERAL,
        steps=mended,
    ),
)
