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
from helpers.specification.values import Tolerance, copied, same

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
WIDE = {"n": "120", "h": "90", "k": "12", "m": "301"}  # nothing may be cut off, or counted in bytes


def wide(shape):
    """Return a shape with many samples, inputs, units and outputs."""
    return " ".join(WIDE.get(axis, axis) for axis in shape.split())


WIDE_X, WIDE_Y = arrays(wide("n m"), -2, 2), integer_arrays(wide("k m"), 0, 1)
WIDE_NETWORK = dictionaries({key: wide(shape) for key, shape in SHAPES.items()}, -0.3, 0.3)


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


def seen(t, view, *args, tolerance=None):
    """Call the function and compare what a view shows of its answer."""
    return t.both(
        t.reference.__name__,
        lambda *a: view(t.invoke(t.student, a, {})),
        lambda *a: view(t.reference(*a)),
        args,
        signature=t.reference,
        tolerance=tolerance,
    )


def rewritten(t, call, first, second):
    """Call it, write other numbers into the very same objects, and call it again."""
    kept = [t.keep(value) for value in first]
    call(*kept)
    for box, new in zip(kept, second, strict=True):
        for key, item in new.items() if isinstance(new, dict) else [(..., new)]:
            box.write(item, key)
    right = t.first is None
    call(*kept)
    if right:
        t.say("These are the arrays of the call before, with new numbers in them.")


# --- sizes and start ------------------------------------------------------------------------------


def sizes(t):
    """Ask for the sizes of small networks and of large ones."""
    x, y = t.draw(*t.choice(*[(ANY_X, ANY_Y)] * 4, (WIDE_X, WIDE_Y)))
    t.call(x, y, *t.choice((), *[(t.draw(integers(1, 12)),)] * 4, (300,)))
    t.say(f"X has shape {x.shape}, and Y has shape {y.shape}.")


layer_sizes = function(
    part(
        "any sizes",
        essential=True,
        count=50,
        steps=sizes,
    )
)


def small_random(w):
    """Return what is wrong with many weights that should be normal, with a spread of 0.01."""
    w = np.ravel(np.asarray(w, dtype=float))
    if not w.any():
        return "is zero everywhere: the hidden units could never differ."
    if np.unique(np.abs(w)).size < 0.9 * w.size:
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
    if not 0.0008 < np.mean(np.abs(w) > 0.03) < 0.0055:
        return (
            f"is not normal: {np.mean(np.abs(w) > 0.03):.2%} of its numbers are more than three "
            "standard deviations away from 0, and 0.27 % should: cut nothing off, and draw nothing "
            "again."
        )
    return ""


def adjusted(w):
    """Return what is wrong with weights that have the wanted mean or deviation exactly."""
    spreads = (np.std(w, ddof=lost) for lost in (0, 1))
    if abs(np.mean(w)) < 1e-12 or min(abs(spread / 0.01 - 1) for spread in spreads) < 1e-9:
        return (
            "is adjusted until its mean or its standard deviation is exact: each weight is drawn "
            "by itself, so both come near, no more."
        )
    return ""


def alone(w):
    """Return what is wrong with weights of which each should be drawn by itself."""
    w = np.asarray(w, dtype=float) / 0.01
    for axis, line in ((1, "row"), (0, "column")):
        count = np.sqrt(w.shape[axis])
        means, lengths = w.mean(axis=axis).std() * count, np.linalg.norm(w, axis=axis).std()
        if not 0.6 < means < 1.5 or not 0.4 < lengths < 1.2:
            return (
                f"is adjusted {line} by {line}: means or lengths of its {line}s vary less or more "
                "than by chance. Each weight is drawn by itself."
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
            if problem := small_random(found[key]) or alone(found[key]) or adjusted(found[key]):
                return f"{key} {problem}"
        if np.mean(np.isin(found["W2"], found["W1"])) > 0.5:
            return "W2 repeats the numbers of W1: make one generator and draw both from it."
        return ""

    t.relate(relation, *sizes, t.draw(integers(0, 999)))


SPOILT = 7.0


def afresh(t, function, *args, **options):
    """Return a copy of what a function returns, and write over the originals one by one.

    Under "shared" stands the first array that changes with an earlier one.
    """
    live = t.home.invoke(function, args, options)
    found, shared = copied(live), ""
    for key in SHAPES:
        try:
            shared = shared or key * (not np.array_equal(copied(live[key]), found[key]))
            live[key][...] = SPOILT
        except Exception:  # whatever else came back is judged by its copy
            continue
    return found | {"shared": shared} if isinstance(found, dict) else found


def repeats(draws):
    """Return what is wrong with five draws: seed s, s again, another, seed 1 and no seed."""
    for key in ("b1", "b2"):
        if any(np.any(found[key] == SPOILT) for found in draws):
            return f"{key} comes back as the caller has left it: make new arrays in each call."
        if any(np.any(found[key]) for found in draws):
            return f"{key} is not zero: the biases start at 0."
    for key in ("W1", "W2"):
        one, again, other, first, usual = (np.asarray(found[key]) for found in draws)
        if np.all(again == SPOILT):
            return f"{key} comes back as the caller has left it: make new arrays in each call."
        if not np.array_equal(one, again):
            return f"{key} is another one each time, though the seed is the same."
        if np.array_equal(one, other):
            return (
                f"{key} is the same for two seeds: whatever the seed is, 0 or a large number too, "
                "it goes to the generator as it is."
            )
        if not np.array_equal(first, usual):
            return f"{key}: where no seed is given, it should be that of seed 1."
    for key in (found["shared"] for found in draws):
        if key:
            return f"{key} shares its memory with another array: each is an array of its own."
    return ""


def seeds(t):
    """Draw with several seeds, for any sizes."""
    sizes, seed = t.draw(integers(2, 6), integers(1, 6), integers(1, 6)), t.draw(integers(2, 999))
    seed = t.choice(0, seed, seed, 2**30 + seed)
    other = seed + t.choice(1, 1, 10, 100, 256, 1000, 2**30)
    given = ({"seed": seed}, {"seed": seed}, {"seed": other}, {"seed": 1}, {})
    t.both(
        "initialize_parameters",
        lambda *a, seed: [afresh(t, t.student, *a, **options) for options in given],
        lambda *a, seed: [t.reference(*a, **options) | {"shared": ""} for options in given],
        sizes,
        {"seed": seed},
        signature=t.reference,
        relation=lambda found: (
            next(filter(None, (shaped(one, sizes) for one in found)), "") or repeats(found)
        ),
    )


initialize_parameters = interaction(
    part(
        "small random weights: normal, with a standard deviation of 0.01, each drawn independently",
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


def answers(t):
    """Ask small networks, and large ones at last."""
    seen(t, answer, *t.draw(X, t.choice(NETWORK, dictionaries(SHAPES, -3, 3))))
    if t.source.size >= 5:
        t.apart()
        seen(t, answer, *t.draw(WIDE_X, WIDE_NETWORK))


def cut(found, right):
    """Return whether probabilities are further from 0 and 1 than right ones; float32 may be."""
    if np.asarray(found).dtype != np.float64:
        return False
    return bool(np.any(np.minimum(found, 1 - found) > 1.001 * np.minimum(right, 1 - right)))


def far_out(t):
    """Ask for all that is kept, and for answers that are almost 0 or 1."""
    large = integer_arrays("n m", -(10**6), 10**6)
    seen(t, both, *t.draw(ANY_X | large, t.choice(NETWORK, NETWORK, biased(25), biased(2000))))
    t.apart()
    seen(t, both, *t.draw(X, biased(20)))
    last = t.events[-1]
    if not last.fault:
        t.holds(
            not cut(last.actual["A2"], last.expected["A2"]),
            "A2 is cut off: it comes as near to 0 and 1 as the sigmoid does.",
        )


def twice(t):
    """Ask two networks of one size, and one that changes in place."""
    for _ in range(2):
        seen(t, both, *t.draw(X, ANY_NETWORK))
    t.apart()
    pairs = t.draw(X, NETWORK), t.draw(X, NETWORK)
    rewritten(t, lambda *pair: seen(t, both, *pair), *pairs)


forward_propagation = interaction(
    part("A2 for networks and batches of any size", 2, essential=True, steps=answers),
    part(
        "Z1, A1, Z2 and A2 in the cache, for X of integers and for large biases too",
        laws=False,
        axes=SEVERAL,
        steps=far_out,
    ),
    part("keys in any order; X and the parameters stay as they are", steps=twice),
)

# --- cost -----------------------------------------------------------------------------------------


def very_sure(shape):
    """Return the domain of probabilities of which some are almost 0 or almost 1."""
    return arrays(shape, -26, 26).map(lambda z: np.clip((1 + np.tanh(z / 2)) / 2, 1e-11, 1 - 1e-11))


KINDS = (int, float, np.int8, np.int32, np.float32)
NEAR_TRUTH = Tolerance(1e-4, 0)


CUT = "Is something added inside the logarithms, cut off there, or computed in float32?"


def costs_of_any(t):
    """Ask for the cost of answers that are almost 0 or 1, and of others in the same objects."""
    if t.source.size >= 5:
        t.call(*MANY_SAMPLES)
        t.apart()

    def cut_off(found, right):
        close_by = abs(found - right) <= 1e-3 * abs(right)
        sure = np.minimum(likely, 1 - likely).min() < 1e-4
        return CUT if np.isfinite(found) and (close_by or sure) else ""

    far = arrays("k m", -300, -1).map(lambda power: 10.0**power)
    likely, truth = t.draw(arrays("k m", 0.001, 0.999) | very_sure("k m") | far, Y)
    t.call(likely, truth.astype(t.choice(*KINDS)))
    t.say(cut_off)
    t.apart()
    doubt, truth = t.draw(arrays("k m", -9, -6), Y)
    likely = abs(truth - 10**doubt)
    seen(t, lambda found: found, likely, truth, tolerance=NEAR_TRUTH)
    t.say(cut_off)
    t.apart()
    chances = arrays("k m", 0.001, 0.999)
    rewritten(t, t.call, t.draw(chances, LABELS), t.draw(chances, LABELS))


def moderate_costs(t):
    """Ask for the cost of a few answers, and of many at last."""
    seen(t, number, *t.draw(arrays("k m", 0.02, 0.98), Y))
    if t.source.size >= 5:
        t.apart()
        seen(t, number, *t.draw(arrays(wide("k m"), 0.02, 0.98), WIDE_Y))


MANY_SAMPLES = (np.full((1, 3000), 0.25), np.tile([1.0, 0.0, 0.0], 1000)[None])

compute_cost = interaction(
    part(
        "any number of samples and outputs, each yes or no",
        essential=True,
        rtol=1e-4,
        atol=1e-5,
        axes={"k": (1, 5), "m": (2, 5)},
        steps=moderate_costs,
    ),
    part(
        "one number, for answers that are almost 0 or 1 too; A2 and Y stay as they are",
        steps=costs_of_any,
    ),
)

# --- backward -------------------------------------------------------------------------------------


def with_columns(found):
    """Return the gradients, and those of biases as columns: their shape is another part's."""
    found = dictionary(found, GRADIENTS)
    return {key: column(g) if key[1] == "b" else g for key, g in found.items()}


BLAMED = {
    frozenset(keys.split()): words
    for keys, words in {
        "dW1 db1": "dW2 and db2 are right: look at dZ1 = W2ᵀ dZ2 * (1 - A1²), with W2 transposed, "
        "all outputs, and the slope at each unit and sample.",
        "dW1": "db1 is right, so dZ1 is: dW1 is dZ1 Xᵀ / m, with all samples.",
        "db1": "dW1 is right, so dZ1 is: db1 is its mean over the samples, a column.",
        "dW2": "db2 is right, so dZ2 is: dW2 is dZ2 A1ᵀ / m, with all samples.",
        "db2": "dW2 is right, so dZ2 is: db2 is its mean over the samples, a column.",
        "db1 db2": "Those of the weights are right: a bias's gradient is the mean of dZ over the "
        "samples, a column.",
        "dW1 dW2": "Those of the biases are right: a weight's gradient is dZ times the layer's "
        "input, transposed, divided by m.",
        "dW1 db1 dW2 db2": "All four are wrong: begin with dZ2 = A2 - Y, with the 1/m, and with "
        "what is taken under which key.",
    }.items()
}


def blame(p):
    """Return what says where to look, from which of the four gradients are wrong, and how."""

    def about(found, right):
        tolerance = Tolerance(1e-5, 1e-7)
        wrong = frozenset(key for key in right if not same(found[key], right[key], tolerance))
        return (
            cut_gradients(found, right) or decayed(p, found, right, wrong) or BLAMED.get(wrong, "")
        )

    return about


def cut_gradients(found, right):
    """Tell of gradients that are cut off: where they are wrong, all are as large, and too small."""
    pairs = [(np.ravel(found[key]), np.ravel(right[key])) for key in right]
    theirs, ours = (np.abs(np.concatenate(side)) for side in zip(*pairs, strict=True))
    if theirs.shape != ours.shape:
        return ""
    wrong = ~np.isclose(theirs, ours, rtol=1e-5, atol=1e-7)
    cut, whole = theirs[wrong], ours[wrong]
    if cut.size < 2 or np.ptp(cut) > 1e-9 * cut[0] or not np.all(whole > cut) or cut[0] == 0:
        return ""
    return f"All that is wrong is {cut[0]:.4g} or -{cut[0]:.4g}: no gradient is cut off."


def decayed(p, found, right, wrong):
    """Tell of gradients of weights to which a multiple of the weights is added."""
    if wrong != {"dW1", "dW2"} or any(np.shape(found[key]) != right[key].shape for key in wrong):
        return ""
    more = np.concatenate([np.ravel(found[key] - right[key]) for key in ("dW1", "dW2")])
    weights = np.concatenate([np.ravel(p[key]) for key in ("W1", "W2")])
    factor = more @ weights / (weights @ weights)
    if weights.size < 3 or not np.allclose(more, factor * weights, rtol=1e-3, atol=1e-8):
        return ""
    return f"{factor:.3g} times the weights is added to their gradients: the cost has no such term."


def backward(t, view, network, samples, truth):
    """Call it twice with networks of one size, as nothing of the first may be left over."""
    for _ in range(2):
        p, x, y = t.draw(network, samples, truth)
        values = t.names["forward_propagation"](x, p)[1]
        if network is ANY_NETWORK:
            keys = list(values)
            values = {keys[place]: values[keys[place]] for place in t.source.order(len(keys))}
        right = t.first is None
        seen(t, view, p, values, x, y)
        t.say(blame(p))
        if right and network is WIDE_NETWORK:
            t.say(f"For a few samples they were right: here are {y.shape[1]}.")
    return p, x, y


# Gradients far from 1: longer than whatever they might be cut to, and short ones.
STEEP = {"W1": 0.02, "b1": 0.5, "W2": 4, "b2": 1}
STEEP_NETWORK = Domain(
    lambda draw, axes: {
        key: arrays(SHAPES[key], -size, size).make(draw, axes) for key, size in STEEP.items()
    }
)
STEEP_X = arrays("n m", -100, 100)


def slopes(t):
    """Hold all four gradients against numerical differentiation of the cost."""
    if t.source.size >= 4:
        backward(t, with_columns, STEEP_NETWORK, STEEP_X, LABELS)
        t.apart()
    p, x, y = backward(t, with_columns, NETWORK, X, LABELS)
    forward, cost = t.names["forward_propagation"], t.names["compute_cost"]
    for key in p:
        t.slope(lambda v, key=key: cost(forward(x, {**p, key: v})[0], y), p[key], item=f"d{key}")


def whole_case(t):
    """Return parameters, what the forward pass keeps, samples and labels."""
    p, x, y = t.draw(NETWORK, X, LABELS)
    return p, t.names["forward_propagation"](x, p)[1], x, y


def of_any_size(t):
    """Ask for gradients of any batch, of many samples, and of what changes in place."""

    def view(found):
        return dictionary(found, GRADIENTS)

    small = arrays("n m", -1e-3, 1e-3)
    backward(t, view, ANY_NETWORK, ANY_X | small, ANY_Y)
    if t.source.size >= 5:
        t.apart()
        backward(t, view, WIDE_NETWORK, WIDE_X, WIDE_Y)
    t.apart()
    rewritten(t, lambda *four: seen(t, view, *four), whole_case(t), whole_case(t))


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
        steps=of_any_size,
    ),
)

# --- a step ---------------------------------------------------------------------------------------

RATES = one_of(0.03, 0.7, 2.5, 1, 40, 1e-3) | numbers(0.01, 3)
FAR = dictionaries(SHAPES, -50, 50)
FLAT = dictionaries(GRADIENTS, 0, 0)
SHORT, LONG = dictionaries(GRADIENTS, -1e-3, 1e-3), dictionaries(GRADIENTS, -40, 40)


def a_step(t):
    """Take a step by any rate; where results are looked at again, by none too."""
    for rates in (one_of(0), one_of(0.3)) if t.watched else (RATES,):
        t.call(*t.draw(ANY_NETWORK, dictionaries(GRADIENTS, shuffled=True), rates))
    t.call(*t.draw(ANY_NETWORK, t.choice(FLAT, dictionaries(GRADIENTS, -1e-9, 1e-9))), 2e6)
    t.say("A gradient counts, however small it is.")
    t.apart()
    tiny = [
        {key: 1e-9 * value for key, value in t.draw(one).items()}
        for one in (NETWORK, dictionaries(GRADIENTS))
    ]
    t.both(
        "update_parameters",
        lambda *args: t.invoke(t.student, args, {}),
        t.reference,
        (*tiny, 0.3),
        tolerance=replace(t.tolerance, atol=0),
    )
    t.say("A step counts, however small it is.")
    t.apart()
    pairs = [t.draw(NETWORK, dictionaries(GRADIENTS)) for _ in range(2)]
    rewritten(t, lambda *pair: t.call(*pair, 0.3), *pairs)


def usual_step(t):
    """Take a step by the usual rate, or by another one, or by none."""
    rate = t.choice((), (), (0,), (0.3,))
    t.call(*t.draw(NETWORK, dictionaries(GRADIENTS)), *rate)
    if not rate:
        t.say("No rate is given here, and then it is 1.2.")


update_parameters = function(
    part(
        "any parameters, gradients and rates",
        essential=True,
        count=20,
        parameters=NETWORK | FAR,
        grads=dictionaries(GRADIENTS) | SHORT | LONG,
        learning_rate=RATES,
    ),
    part(
        "a rate of 1.2 unless told otherwise",
        laws=False,
        count=20,
        steps=usual_step,
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


def _rounded(found, right):
    """Tell whether costs are right but for what rounding takes."""
    return len(right) > 0 and same(found, right, Tolerance(1e-3, 1e-4))


def where_to_look(missing):
    """Return what says where to look, from what is wrong with the costs and what was not given."""

    def about(found, right):
        words = []
        theirs, ours = found.get("costs", ()), right.get("costs", ())
        if len(theirs) != len(ours):
            words.append("There is one cost for each step: as many as num_iterations.")
        elif len(ours) and not same(theirs[0], ours[0], Tolerance(**SINGLE)):
            words.append("The first cost is that of the start, before any step.")
        elif missing and not _rounded(theirs, ours):
            words.append(
                f"Do the options that are not given ({', '.join(missing)}) have their usual values?"
            )
        return " ".join(words)

    return about


def train(t, view, count, given, data=None, again=False, rates=(0.5, 2.0, 3.0)):
    """Train with the options that are given, and compare what a view shows; again: twice.

    The second training has data of the same shapes, and the first one's options.

    A long training has a tiny rate: its costs hardly differ, yet each of them counts. At a usual
    rate its steps would enlarge what has rightly been rounded away, in float32 above all.
    """
    domains = t.choice((X, LABELS), (X, LABELS), MANY)
    x, y = data or t.draw(*domains)
    usual = {"n_h": 4, "num_iterations": 10_000, "learning_rate": 1.2, "seed": 1}
    drawn = t.draw(integers(5, 9), one_of(*((1e-12,) if count > 100 else rates)), integers(2, 999))
    options = dict(zip(usual, (drawn[0], count, *drawn[1:]), strict=True))
    options = {key: options[key] for key in given}
    full = {**usual, **options}
    by_place = len(options) == len(usual) and t.choice(True, False)
    first = start(t, (len(x), full["n_h"], len(y)), full["seed"])
    if first is None:
        return
    for samples in [(x, y), t.draw(*domains)] if again else [(x, y)]:
        t.both(
            "nn_model",
            lambda *a, **o: view(two(t.invoke(t.student, a, o), "parameters", "costs")),
            lambda x, y, *a, **o: view(
                descend(t.names, first, x, y, full["num_iterations"], full["learning_rate"])
            ),
            (*samples, *options.values()) if by_place else samples,
            {} if by_place else options,
            signature=t.reference,
        )
        t.say(where_to_look([key for key in usual if key not in options]))
        if full["learning_rate"] > 5:
            t.say(
                "This rate is so large that the cost may rise: all the same it is the rate of each "
                "step, and the parameters are those after the last one."
            )


def parameters_of(found):
    """Return the parameters."""
    return dictionary(found[0], SHAPES, "The first thing that it returns, the parameters,")


def costs_of(found):
    """Return the costs first, and the parameters."""
    return {"costs": found[1], **parameters_of(found)}


def right_steps(t):
    """Take a few steps; at times two of which the first goes much too far, so that the cost rises.

    The last parameters are not the best ones then.
    """
    far = t.source.size == 3
    count, rates = (2, (20.0,)) if far else (t.source.integer(2, 9), (0.5, 2.0, 3.0))
    train(t, parameters_of, count, ALL, again=True, rates=rates)


def costs(t):
    """Train long and short, once very long, and until the hidden units bend."""
    if t.watched and t.source.size >= 4:
        train(t, costs_of, 1_040, ALL, (LINE, LEFT))
    elif t.source.size <= 2:
        train(t, costs_of, 40, ("num_iterations",), (LINE, LEFT))
    elif t.source.size <= 4:
        train(
            t,
            costs_of,
            t.choice(0, 1, 2, 4, 7),
            t.choice(ALL, ("num_iterations",), ("n_h", "num_iterations"), ALL[1:]),
            again=True,
        )
    else:
        train(t, costs_of, 130, t.choice(ALL, ALL[1:]))
    if t.source.size == 3:  # the cost falls to almost nothing
        t.apart()
        train(t, costs_of, 6, ALL, (LINE, np.ones_like(LEFT)), rates=(20.0,))


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
        steps=right_steps,
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
    for size in (1.5, t.choice(1.5, 0.04, 0.004)):
        ask(t, *t.draw(dictionaries(SHAPES, -size, size), X))
    if t.source.size >= 5:
        ask(t, *t.draw(WIDE_NETWORK, WIDE_X))


def certain(t, p, x):
    """Return which samples' decisions rounding does not take."""
    return np.abs(t.names["forward_propagation"](x, p)[1]["Z2"]).min(axis=0) > 1e-9


def ask(t, p, x, sure=True):
    """Ask for decisions; sure: for those alone that rounding does not take."""
    x = x[:, certain(t, p, x)] if sure else x
    if not x.size:
        return
    t.call(p, x)
    likely = t.names["forward_propagation"](x, p)[0]
    t.say(
        lambda found, right: (
            f"There A2 is {likely[found != right][0]:.6g}. {RULE}"
            if np.shape(found) == right.shape
            else ""
        )
    )


RULE = "A decision is 1 where A2 is above 0.5, by however little, and 0 at exactly 0.5 and below."


def silent(t):
    """Ask a network of which some outputs, or all, are exactly one half."""
    p, x = t.draw(ANY_NETWORK, ANY_X)
    near = np.abs(t.names["forward_propagation"](x, p)[1]["Z2"]) < 1e-3
    others = np.arange(len(near))[:, np.newaxis] > t.choice(0, len(near))
    others &= ~near.any(axis=1, keepdims=True)
    p = {**p, "W2": p["W2"] * others, "b2": p["b2"] * others}
    ask(t, p, x, sure=False)
    t.apart()
    p, x, near = t.draw(NETWORK, X, one_of(4e-6, -4e-6))  # a score that is no tie
    t.call({**p, "W2": 0 * p["W2"], "b2": 0 * p["b2"] + near}, x)
    t.apart()
    scale = {"W1": 1e-3, "b1": 1, "W2": 1, "b2": 1}  # then integers above 127 count
    large = {key: value * scale[key] for key, value in t.draw(NETWORK).items()}
    ask(t, large, t.draw(integer_arrays("n m", -900, 900)))
    t.apart()
    first, second, x = t.draw(NETWORK, NETWORK, X)
    x = x[:, certain(t, first, x) & certain(t, second, x)]
    if x.size:
        rewritten(t, t.call, (first, x), (second, x))


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


def counted(count):
    """Return a network with tanh, and gradients that are divided by another count than m."""

    def backward(p, v, x, y):
        found = way_back(tanh_slope)(p, v, x, y)
        return {key: g * x.shape[1] / count(p) for key, g in found.items()}

    return network(np.tanh), backward


def at(key, place, change):
    """Return a network with tanh, and a backward function wrong at one place of one gradient."""

    def spoil(g):
        g = g.copy()
        g[place] = change(g[place])
        return g

    return but(key, spoil)


def percent(key):
    """Return a network with tanh, and a backward function that errs in the largest number alone."""

    def spoil(g):
        largest = np.abs(g) == np.abs(g).max()
        return np.where(largest, 1.01 * g, g)

    return but(key, spoil)


def without(bias):
    """Return a network with tanh, and a backward function that computes it without a bias."""

    def backward(p, v, x, y):
        bare = p | {bias: np.zeros_like(p[bias])}
        return way_back(tanh_slope)(p, network(np.tanh)(x, bare)[1], x, y)

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
    "has tanh, and returns its keys in another order": (
        network(np.tanh),
        lambda *four: dict(reversed(way_back(tanh_slope)(*four).items())),
    ),
    "has tanh, and returns arrays in another memory order": but(EVERY, np.asfortranarray),
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
    "divides by the number of inputs: with as many samples, nobody sees it": counted(
        lambda p: p["W1"].shape[1]
    ),
    "divides by the number of hidden units: with as many samples, nobody sees it": counted(
        lambda p: p["W1"].shape[0]
    ),
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
    "is wrong at the last place of dW1 alone": at("dW1", (-1, -1), np.negative),
    "is wrong at the first place of dW1 alone": at("dW1", (0, 0), lambda g: 1.02 * g + 0.02),
    "is wrong in the last row of dW1 alone": at("dW1", (-1, 0), lambda g: g + 0.02),
    "is wrong in the last column of dW1 alone": at("dW1", (0, -1), lambda g: g - 0.02),
    "is wrong at the last place of dW2 alone": at("dW2", (-1, -1), lambda g: g + 0.02),
    "is wrong at the last place of db1 alone": at("db1", (-1, 0), lambda g: g - 0.02),
    "returns nan for all of dW2": but("dW2", lambda g: np.full_like(g, np.nan)),
    "returns nan at one place of db1": at("db1", (0, 0), lambda g: np.nan),
    "returns nan everywhere": but(EVERY, lambda g: np.full_like(g, np.nan)),
    "returns the same number everywhere in dW1": but("dW1", lambda g: np.full_like(g, g.mean())),
    "is a tenth too large everywhere": but(EVERY, lambda g: 1.1 * g),
    "is one percent too large everywhere": but(EVERY, lambda g: 1.01 * g),
    "has dW1 and db1 a percent too small": but("dW1 db1", lambda g: 0.99 * g),
    "is a percent too large in one number of dW1": percent("dW1"),
    "is a percent too large in one number of db1": percent("db1"),
    "is a percent too large in one number of dW2": percent("dW2"),
    "computes the hidden layer once more, without b1": without("b1"),
    "computes the output once more, without b2": without("b2"),
}


def sort(t, right, wrong):
    """Ask the check, which takes two functions, about versions of them in any order."""
    pairs = replace(t, student=lambda pair: t.student(*pair), reference=lambda p: t.reference(*p))
    pairs.sort(right, wrong)


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
)
