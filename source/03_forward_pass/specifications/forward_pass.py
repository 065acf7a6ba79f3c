"""What the exercises of chapter 3 promise."""

from collections.abc import Mapping
from itertools import pairwise

import numpy as np

from helpers.specification import (
    Domain,
    arrays,
    function,
    integer_arrays,
    integers,
    interaction,
    labels,
    one_hot,
    one_of,
    part,
    single,
)

SAMPLES = arrays("n", -2, 2) | arrays("N n", -2, 2)  # one of them, or a batch
SEVERAL = {"N": (2, 5), "m": (2, 5)}  # samples, and neurons of the last layer
OTHERS = integer_arrays("n") | integer_arrays("N n") | single("n", -2, 2) | single("N n", -2, 2)


def in_single(value):
    """Return arrays in float32."""
    return {key: array.astype(np.float32) for key, array in value.items()}


def precise(t):
    """Ask for float64 where the weights hold it."""
    if not t.first:
        t.holds(
            getattr(t.answer, "dtype", None) != np.float32,
            "The result holds float32 where the weights hold float64: nine digits are lost.",
        )


def keep_small(t, right):
    """Look at numbers far below 1, where the usual tolerance sees no difference."""
    if t.first:
        return
    found = np.asarray(t.answer)
    far = np.abs(found - right)
    place = np.unravel_index(np.argmax(far), far.shape)
    t.holds(
        bool(far[place] <= 1e-5 * np.abs(right).max()),
        f"A small number is not right: it is {found[place]:.3g}, and {right[place]:.3g} is right. "
        "Is something rounded, cut off or added?",
    )


def mirrored(t, call, *weights):
    """Call with the same weights, and then with the columns of x in reverse order.

    They add up to the same numbers, so that what is remembered by less than all of x shows. Then x
    is one array, which comes again with other weights, and with other numbers in it and in them.
    """
    if not t.watched:
        return
    t.apart()
    kept = [t.keep(t.draw(weight)) for weight in weights]
    x = t.draw(integer_arrays("N n"))
    call(kept, x)
    precise(t)
    call(kept, x[:, ::-1])
    held = t.keep(x)
    call(kept, held)
    call([t.keep(t.draw(weight)) for weight in weights], held)
    held.write(1 - x)
    call(kept, held)
    for weight in kept:
        weight.write(weight.ours[::-1] + 0.5)
    call(kept, held)


# --- layers and networks --------------------------------------------------------------------------

TWO_BY_TWO = {
    "x": np.array([[1.0, 2.0], [3.0, -1.0]]),
    "W": np.array([[1.0, 3.0], [2.0, 5.0]]),
    "b": np.array([10.0, 20.0]),
}
WIDE = np.sin(7.0 * np.arange(301 * 70)).reshape(301, 70)
LAYER = {
    "x": OTHERS | SAMPLES,
    "W": arrays("n m", -2, 2) | single("n m", -2, 2),
    "b": arrays("m", -2, 2) | single("m", -2, 2),
}
layer_call = part("as usual", **LAYER).steps


def precise_where_weights_are(t):
    """Ask for float64 where the weights of the last call hold it, whatever x holds."""
    given = t.events[-1].inputs
    weights = given["network"].values() if "network" in given else (given["W"], given["b"])
    if all(weight.dtype == np.float64 for weight in weights):
        precise(t)


def layer_calls(t):
    """Call it with drawn inputs; and twice with the same weights."""
    layer_call(t)
    if not t.watched:
        precise_where_weights_are(t)
    mirrored(t, lambda kept, x: t.call(x, *kept), arrays("n m", -2, 2), arrays("m", -2, 2))
    if t.watched:
        t.apart()
        W, b = t.draw(arrays("n m", 1, 2), arrays("m", 1, 2))
        keep_small(t, t.call(t.draw(arrays("N n", 1, 2)), 1e-10 * W, 1e-10 * b))


affine = function(
    part(
        "one sample or several, any number of inputs and neurons",
        essential=True,
        axes=SEVERAL,
        at=[TWO_BY_TWO],
        x=SAMPLES,
        W=arrays("n m", -2, 2),
        b=arrays("m", -2, 2),
    ),
    part(
        "batches of one, one neuron, integers, float32; x, W and b stay as they are",
        single=True,
        at=[
            {**TWO_BY_TWO, "x": np.array([1, 2])},
            {**TWO_BY_TWO, "x": np.array([[1, 2], [3, -1]])},
            {**TWO_BY_TWO, "x": np.array([[10, 255], [0, 7]], dtype=np.uint8)},
            {
                **TWO_BY_TWO,
                "W": np.array([[1.0, 2.0], [3.0, 5.0]]).T,
                "b": np.array([9.0, 7])[::-1],
            },
            {"x": WIDE, "W": WIDE[:70, :12] ** 2, "b": 1000 * WIDE[0, :12]},
        ],
        steps=layer_calls,
        **LAYER,
    ),
)


def in_a_row(network):
    """Return each array's numbers in one row: whatever its shape, their order tells them apart."""
    if not isinstance(network, Mapping):
        return network
    return {key: np.ravel(array) for key, array in network.items()}


def table(t):
    """Compare the numbers alone."""
    t.both("init_network", lambda: in_a_row(t.student()), lambda: in_a_row(t.reference()))


def kinds(t):
    """Compare shapes, and ask for arrays."""
    t.call()
    found = t.answer if isinstance(t.answer, Mapping) else {}
    others = [key for key in found if not isinstance(found[key], np.ndarray)]
    what = f"{others[0]} is a {type(found[others[0]]).__name__}" if others else ""
    t.holds(not others, f"{what}, not a NumPy array.")
    if t.first:
        return
    made, ours = t.home.invoke(t.student, (), {}), t.reference()
    t.both(
        "[key][...] = 0, 1, 2, 3, 4, 5 for one key after the other",
        lambda: numbered(made, lambda key: t.home.invoke(made.get, (key,), {})),
        lambda: numbered(ours, ours.get),
    )
    t.say("What is written into one array shows in another one: two of them share their memory.")
    t.call()


def numbered(network, get):
    """Return the network when each of its arrays has been filled with a number of its own."""
    for number, key in enumerate(("W1", "b1", "W2", "b2", "W3", "b3")):
        get(key)[...] = float(number)
    return network


init_network = interaction(
    part("the numbers of the table", essential=True, count=1, steps=table),
    part(
        "NumPy arrays of the shapes of the table, new ones each time",
        count=1,
        steps=kinds,
    ),
)


def three_layers(draw, axes):
    """Return a network of three layers of any size."""
    hidden = [draw.integer(1, draw.size) for _ in range(2)]
    made = {}
    sizes = pairwise([axes.length("n", draw), *hidden, axes.length("m", draw)])
    for k, (n, m) in enumerate(sizes, start=1):
        made |= {f"W{k}": draw.array((n, m), -2, 2), f"b{k}": draw.array((m,), -1, 1)}
    return made


def shuffled(draw, axes):
    """Return such a network with its keys in any order."""
    made = three_layers(draw, axes)
    keys = list(made)
    return {keys[place]: made[keys[place]] for place in draw.order(len(keys))}


NETWORKS, SHUFFLED = Domain(three_layers), Domain(shuffled)
CHAIN = {
    "network": {
        "W1": np.array([[2.0]]),
        "b1": np.array([-1.0]),
        "W2": np.array([[3.0]]),
        "b2": np.array([0.5]),
        "W3": np.array([[1.0, -2.0]]),
        "b3": np.array([0.5, 3.0]),
    },
    "x": np.array([1.0]),
}
TURNED = {
    "network": {key: CHAIN["network"][key] for key in ("W2", "b2", "W1", "b1", "W3", "b3")},
    "x": np.array([1]),
}
SQUARE = {
    "network": {
        "W1": np.array([[0.5, -1.0], [1.5, 1.0]]),
        "b1": np.array([0.5, -0.5]),
        "W2": np.array([[1.0, 2.0], [-1.5, 0.5]]),
        "b2": np.array([1.0, 0.25]),
        "W3": np.array([[-1.0, 0.5], [2.0, 1.5]]),
        "b3": np.array([0.75, -1.0]),
    },
    "x": np.array([[1.0, 2.0], [-0.5, 1.0]]),
}


def with_biases(given, **biases):
    """Return the same input, but for some biases."""
    changed = {key: np.atleast_1d(np.array(bias, dtype=float)) for key, bias in biases.items()}
    return {**given, "network": {**given["network"], **changed}}


# A sigmoid of -1000 is 0, and 10^7 times that is 0 too; a sigmoid of -30 is not.
FAINT = with_biases(CHAIN, b2=-1000)
FAINT["network"]["W3"] = np.array([[1e7, -2e7]])


def saturated(network):
    """Return the network with first sums that are far from 0."""
    return {**network, "b1": np.where(network["b1"] > 0, 1000.0, -1000.0) + 2000 * network["b1"]}


# 70 inputs, layers of 13 and 12 neurons, 11 outputs, many samples.
LARGE = {
    "network": {
        "W1": WIDE[:70, :13],
        "b1": WIDE[100, :13],
        "W2": WIDE[:13, 13:25],
        "b2": WIDE[101, :12],
        "W3": 3 * WIDE[:12, 30:41],
        "b3": WIDE[102, :11],
    },
    "x": WIDE,
}


def network_calls(networks):
    """Return steps that call with drawn networks; with one that comes again, and changes.

    Then with an x that comes again with another network, and with other numbers in it.
    """
    usual = part("as usual", network=networks, x=OTHERS | SAMPLES).steps

    def steps(t):
        usual(t)
        if not t.watched:
            precise_where_weights_are(t)
        else:
            t.apart()
            network, x = t.draw(NETWORKS, integer_arrays("N n"))
            kept = t.keep(network)
            t.call(kept, x)
            precise(t)
            t.call(kept, x[:, ::-1])
            for key, value in network.items():
                kept.write(value[::-1] + 0.5, key)
            t.call(kept, x)
            held = t.keep(x)
            t.call(kept, held)
            t.call(network, held)
            held.write(1 - x)
            t.call(kept, held)
            t.call(network, held)

    return steps


other_networks = network_calls(SHUFFLED | SHUFFLED.map(in_single) | SHUFFLED.map(saturated))


def forward_calls(t):
    """Go through networks, and then through one whose last layer makes outputs far below 1."""
    other_networks(t)
    if t.watched:
        t.apart()
        network = t.draw(NETWORKS)
        last = {key: 1e-10 * (1.5 + network[key] ** 2) for key in ("W3", "b3")}
        keep_small(t, t.call({**network, **last}, t.draw(SAMPLES)))


forward = function(
    part(
        "networks with layers of any size",
        essential=True,
        single=True,
        axes=SEVERAL,
        at=[CHAIN, SQUARE],
        network=NETWORKS,
        x=SAMPLES,
    ),
    part(
        "any order of keys, large sums, integers, batches of one; network and x stay as they are",
        single=True,
        at=[
            TURNED,
            {**SQUARE, "x": np.array([[1, 2], [0, 1]])},
            with_biases(CHAIN, b1=1000),
            with_biases(CHAIN, b2=1000),
            with_biases(CHAIN, b1=-1000),
            with_biases(CHAIN, b2=-1000),
            FAINT,
            LARGE,
        ],
        steps=forward_calls,
        network=SHUFFLED,
        x=OTHERS | SAMPLES,
    ),
)


def doubled(z):
    """Return 2 z."""
    return 2 * z


def bend(z):
    """Return z / (1 + |z|), a little to the right."""
    return (z - 0.25) / (1 + np.abs(z - 0.25))


def relu(z):
    """Return z where it is above 0, and 0 elsewhere."""
    return np.maximum(z, 0)


def drawn(draw, axes):
    """Return one of many functions that all have one name."""
    a, b = draw.number(-2, 2), draw.number(-1, 1)

    def f(z):
        return np.sin(a * z + b)

    return f


def layers(*depths):
    """Return the domain of lists of so many layers."""

    def make(draw, axes):
        hidden = [draw.integer(1, draw.size) for _ in range(draw.choice(depths) - 1)]
        sizes = [axes.length("n", draw), *hidden, axes.length("m", draw)]
        return [(draw.array((n, m), -1, 1), draw.array((m,), -1, 1)) for n, m in pairwise(sizes)]

    return Domain(make)


def as_layers(network):
    """Return a network of three layers as a list of them."""
    return [(network[f"W{k}"], network[f"b{k}"]) for k in (1, 2, 3)]


LINE = {
    "layers": [(np.array([[w]]), np.array([b])) for w, b in ((2.0, -1.0), (3.0, 0.5), (-1.0, 4.0))],
    "x": np.array([1.0]),
    "f": doubled,
}
TWELVE, MANY_LAYERS = (
    [(W.copy(), b.copy()) for _ in range(times) for W, b in as_layers(SQUARE["network"])]
    for times in (4, 27)
)
DEEP = {"layers": TWELVE, "x": SQUARE["x"], "f": bend}
WHOLE_OR_NOT = integer_arrays("n") | integer_arrays("N n") | SAMPLES
BENT = one_of(bend, doubled, np.tanh, relu) | Domain(drawn)


def deep(t):
    """Call it, now and then with a list in which one layer's arrays stand twice or more."""
    for _ in range(2 if t.watched else 1):
        network, x, f = t.draw(layers(1, 2, 3), WHOLE_OR_NOT, BENT)
        t.call(network, x, f)
    if t.choice(True, False, False):
        t.apart()
        W, b = t.keep(t.draw(arrays("n n", -1, 1))), t.keep(t.draw(arrays("n", -1, 1)))
        t.call([(W, b)] * t.choice(2, 3), t.draw(SAMPLES), f)
    mirrored(
        t,
        lambda kept, x: t.call([(kept[0], kept[1])], x, f),
        arrays("n m", -2, 2),
        arrays("m", -2, 2),
    )
    if t.watched:
        t.apart()
        *hidden, (W, b) = t.draw(layers(2, 3))
        last = 1e-10 * (1.5 + W**2), 1e-10 * (1.5 + b**2)
        keep_small(t, t.call([*hidden, last], t.draw(SAMPLES), np.cosh))


forward_deep = function(
    part(
        "networks of any depth, more than ten layers too",
        essential=True,
        axes=SEVERAL,
        at=[LINE, DEEP, {**DEEP, "layers": MANY_LAYERS}],
        layers=layers(1, 2, 3, 4, 5, 12),
        x=SAMPLES,
        f=BENT,
    ),
    part(
        "integers, batches of one, a layer twice; the list of layers and x stay as they are",
        at=[
            {**LINE, "x": np.array([1])},
            {**DEEP, "x": np.array([[1, 2], [0, 1]])},
            {"layers": as_layers(LARGE["network"]), "x": WIDE, "f": np.tanh},
        ],
        changes=["layers"],  # that is: as the reference leaves them, even where one is kept
        steps=deep,
        layers=layers(1, 2, 3),
        x=WHOLE_OR_NOT,
        f=BENT,
    ),
)


def layer_sizes(least):
    """Return the domain of lists of so many sizes, or more."""
    return Domain(
        lambda draw, axes: [
            draw.integer(1, 60) for _ in range(least + draw.integer(0, 2 * draw.size))
        ]
    )


usual_sizes = part("as usual", sizes=layer_sizes(1)).steps


def sizes_that_change(t):
    """Call it; and with a list that comes again with another size in it."""
    usual_sizes(t)
    if t.watched:
        t.apart()
        sizes = t.draw(layer_sizes(2))
        kept = t.keep(sizes)
        t.call(kept)
        kept.write(sizes[0] + 3, 0)
        t.call(kept)


usual_budgets = part(
    "as usual", inputs=integers(1, 60), outputs=integers(1, 12), budget=integers(0, 5000)
).steps


def budgets(t):
    """Call it with any budget, and with one that a layer uses up exactly or misses by one."""
    usual_budgets(t)
    t.apart()
    n, m, units = t.draw(integers(1, 60), integers(1, 12), integers(1, 60))
    budget = (n + 1) * units + (units + 1) * m
    t.call(n, m, budget + t.choice(-1, 0, 1))


count_parameters = function(
    part(
        "any number of layers, of any size",
        essential=True,
        rtol=0,
        atol=0,
        at=[{"sizes": [3, 5, 2, 4]}, {"sizes": [3, 3, 3, 3]}, {"sizes": [4, 3, 2, 5, 1] * 25}],
        sizes=layer_sizes(2),
    ),
    part(
        "an integer, 0 where there is no layer; the list stays as it is",
        kinds=True,
        rtol=0,
        atol=0,
        at=[
            {"sizes": [3, 5, 2, 4]},
            {"sizes": [7]},
            {"sizes": [4097, 4099, 11]},
            {"sizes": [70_001, 70_003, 10]},
        ],
        steps=sizes_that_change,
        sizes=layer_sizes(1),
    ),
    part(
        "finds the largest hidden layer of a budget",
        of="largest_hidden",
        kinds=True,
        rtol=0,
        atol=0,
        at=[
            {"inputs": inputs, "outputs": outputs, "budget": budget}
            for inputs, outputs, budget in (
                (2, 1, 13),  # 4 m + 1 parameters: three units fit exactly
                (2, 1, 12),
                (2, 1, 4),
                (1, 10, 0),
                (5, 3, 3),
                (784, 10, 39_760),
                (784, 10, 1_000_000),
                (3, 2, 8),  # one unit fits exactly
                (1, 1, 1_000_000),
            )
        ],
        steps=budgets,
        inputs=integers(1, 60),
        outputs=integers(1, 12),
        budget=integers(0, 5000),
    ),
)


def with_large_scores(network):
    """Return the network with scores that are far from 0, all or some, or those of some rows."""
    far = network["b3"] * 700 if network["b3"][0] > 0.5 else network["b3"]
    steep = network["W3"] + (2000 if network["b1"][0] > 0 else 0)
    return {**network, "W3": steep, "b3": far + (1000 if network["b2"][0] > 0 else -1000)}


# As many inputs as an image has pixels, and other weights than those of the digits.
IMAGE = {
    "network": {
        **SQUARE["network"],
        "W1": np.sin(np.arange(2.0 * 784)).reshape(784, 2),
    },
    "x": np.arange(784) % 9 / 8,
}
STEEP = {
    "network": {**CHAIN["network"], "W3": np.array([[3000.0, 3001.0]])},
    "x": np.array([[1.0], [-5.0]]),
}


def spread(network):
    """Return the network with scores that are apart, so that some probabilities are small."""
    return {**network, "W3": 12 * network["W3"]}


usual_networks = network_calls(SHUFFLED.map(with_large_scores) | SHUFFLED.map(in_single))


def apart_by(network):
    """Return the network with one score far below the others: a probability near 10^-60."""
    far = np.zeros_like(network["b3"])
    far[0] = -140.0
    return {**network, "b3": network["b3"] + far}


def probabilities(t):
    """Call it; and look at the sums of its rows, and at small probabilities."""
    usual_networks(t)
    for networks in (NETWORKS.map(spread), NETWORKS.map(apart_by)):
        t.apart()
        small_ones(t, t.call(*t.draw(networks, SAMPLES)))


def small_ones(t, right):
    """Look at the sums of its rows, and at the smallest probability."""
    if t.first:
        return
    found = np.asarray(t.answer)
    exact = 1e-5 if found.dtype == np.float32 else 1e-8
    off = np.abs(found.sum(axis=-1) - 1).max()
    t.holds(bool(off <= exact), f"A row of `predict(...)` does not sum to 1: it is {off:.2g} off.")
    small = float(np.min(right))
    given = float(found.flat[np.argmin(right)])
    near = abs(given - small) <= 1e-2 * small
    t.holds(
        bool(t.first) or near,
        f"A small probability is not right: it is {given:.3g}, and {small:.3g} is right. Is "
        "something cut off, or added, or computed in float32?",
    )


predict = function(
    part(
        "networks with layers of any size",
        essential=True,
        single=True,
        axes=SEVERAL,
        at=[CHAIN, SQUARE, IMAGE],
        network=NETWORKS,
        x=SAMPLES,
    ),
    part(
        "any order of keys, sums of any size, no warning; network and x stay as they are",
        rtol=1e-3,
        single=True,
        at=[
            TURNED,
            {**SQUARE, "x": np.array([[1, 2], [0, 1]])},
            with_biases(CHAIN, b3=[1000, 1002]),
            with_biases(CHAIN, b3=[-1000, -998]),
            with_biases(SQUARE, b3=[1000.75, 999]),
            with_biases(CHAIN, b3=[-1000, 1000]),
            with_biases(CHAIN, b1=1000),
            with_biases(CHAIN, b1=-1000),
            with_biases(CHAIN, b2=-1000),
            STEEP,
            LARGE,
        ],
        steps=probabilities,
        network=SHUFFLED,
        x=OTHERS | SAMPLES,
    ),
)

# --- how good it is, and batches ------------------------------------------------------------------


def untied(domain):
    """Return scores none of which is as large as another one of its row."""
    return domain.map(lambda y: y + np.arange(y.shape[1]) / 1000)


FOUR = np.array(
    [[0.1, 0.2, 0.6, 0.1], [0.4, 0.3, 0.2, 0.1], [0.1, 0.2, 0.3, 0.4], [0.3, 0.4, 0.2, 0.1]]
)
WHOLE = np.array([[3, -2, 1], [1, 0, -4], [0, 5, 2]])
BYTES = np.array([[-128, 127, 3], [-128, -9, -5], [-70, 90, 0]], dtype=np.int8)
MANY = np.sin(7.0 * np.arange(9 * 12)).reshape(9, 12)
OF_MANY = np.array([4, 9, 1, 4, 11, 10, 0, 3, 7])
THOUSAND = np.sin(7.0 * np.arange(5 * 1000)).reshape(5, 1000)  # more classes than a byte can name
OF_THOUSAND = np.array([300, 44, 999, 128, 0])
THOUSAND[np.arange(5), [300, 300, 999, 128, 256]] = 2.0  # 300 and 44 are alike in a byte
# So many that no batches are equally long, with all hits at the front.
ODD = np.tile(FOUR, (83, 1))[:331]
HITS = np.where(np.arange(331) < 57, ODD.argmax(axis=1), ODD.argmin(axis=1))
accuracy = function(
    part(
        "any number of samples, with labels and one-hot",
        essential=True,
        rtol=1e-6,
        axes={"K": (2, 5)},  # of one class, labels and one-hot rows would look alike
        at=[
            {"y": FOUR, "t": np.array([2, 1, 3, 1])},
            {"y": FOUR, "t": np.eye(4)[[2, 1, 3, 1]]},
            {"y": MANY, "t": OF_MANY},
            {"y": np.tile(FOUR, (100, 1)), "t": np.tile([2, 0, 3, 1], 100)},
            {"y": ODD, "t": HITS},
            {"y": ODD, "t": np.eye(4)[HITS]},
        ],
        y=untied(arrays("N K", 0, 1)) | untied(arrays("N K", -3, 3)),
        t=labels("N", "K") | one_hot("N", "K"),
    ),
    part(
        "scores of any size, and integers; y and t stay as they are",
        rtol=1e-6,
        axes={"K": (2, 5)},
        at=[
            {"y": WHOLE, "t": np.array([0, 1, 1], dtype=np.uint8)},
            {"y": WHOLE - 9.0, "t": np.eye(3, dtype=int)[[0, 1, 1]]},
            {"y": np.tile(WHOLE, (100, 1)), "t": np.tile([0, 0, 1], 100)},
            {"y": MANY.T[:9, ::-1].copy().T, "t": np.arange(9) % 9},
            {"y": THOUSAND, "t": OF_THOUSAND},
            {"y": THOUSAND, "t": OF_THOUSAND.astype(np.uint16)},
            {"y": THOUSAND, "t": np.eye(1000)[OF_THOUSAND]},
            {"y": THOUSAND, "t": np.eye(1000, dtype=np.int8)[OF_THOUSAND]},
            {"y": THOUSAND, "t": np.array([44, 44, 231, 128, 0], dtype=np.uint8)},
            {"y": 2**60 + WHOLE, "t": np.array([0, 0, 1])},
            {"y": 1e-20 * WHOLE, "t": np.array([0, 0, 1])},
            {"y": 1 + 1e-10 * WHOLE, "t": np.array([0, 2, 1])},
            {"y": BYTES, "t": np.array([1, 2, 1])},
            {"y": WHOLE, "t": np.eye(3, dtype=np.float16)[[0, 1, 1]]},
        ],
        y=untied(arrays("N K", -9, 9)).map(lambda y: 10 ** y[0, 0] * y) | untied(single("N K")),
        t=labels("N", "K").map(lambda t: t.astype(np.uint8))
        | one_hot("N", "K").map(lambda t: t.astype(int)),
    ),
)


def turned(rows):
    """Return the columns of rows in reverse order, and their sum."""
    rows = np.asarray(rows)
    return np.concatenate([rows[:, ::-1], rows.sum(axis=1, keepdims=True)], axis=1)


def halves_and_size(rows):
    """Return half of each number, and beside it how many rows came together."""
    return np.concatenate([np.asarray(rows) / 2, np.full((len(rows), 1), len(rows))], axis=1)


def roots(rows):
    """Return one number for each row, between two integers."""
    return np.sqrt(np.abs(np.asarray(rows)).sum(axis=1, keepdims=True))


def large_integers(rows):
    """Return a large integer for each row, next to others that no float can tell apart."""
    return 2**60 + np.asarray(rows)[:, :1].astype(int)


def rows(least):
    """Return the domain of arrays of so many rows of floats, or more."""

    def make(draw, axes):
        shape = draw.integer(least, 3 * draw.size), draw.integer(1, draw.size)
        return draw.array(shape, -3, 3)

    return Domain(make)


def cut(count, size):
    """Return inputs of so many rows and so large a batch."""
    return {"f": turned, "x": np.arange(2.0 * count).reshape(count, 2), "batch_size": size}


def sizes_seen(function):
    """Return a function that tells how many rows f gets each time."""

    def rows_in_each_batch(rows, batch_size):
        seen = []

        def f(x):
            seen.append(len(x) if isinstance(x, np.ndarray) else f"a {type(x).__name__}")
            return np.ones((len(x), 2))

        function(f, np.zeros((rows, 3)), batch_size=batch_size)
        return seen

    return rows_in_each_batch


def starts_seen(function):
    """Return a function that tells with which row each batch begins, and of which type it is."""

    def first_row_of_each_batch(rows, batch_size):
        seen = []

        def f(x):
            seen.append(f"{np.asarray(x)[0].tolist()}, {np.asarray(x).dtype}")
            return np.ones((len(x), 3))

        x = 3 * np.arange(2 * rows).reshape(rows, 2)
        function(f, x, batch_size)
        return seen

    return first_row_of_each_batch


def sizes(t):
    """Compare the sizes of the batches: with a short one, without, of all rows, of hundreds."""
    student, reference = sizes_seen(t.student), sizes_seen(t.reference)
    further = (t.source.integer(1, 12), t.source.integer(1, 6))
    for call in ((7, 3), (6, 3), (2, 5), (250, 120), further):
        t.both("rows_in_each_batch", student, reference, call)
    t.apart()
    student, reference = starts_seen(t.student), starts_seen(t.reference)
    for call in ((23, 2), further):
        t.both("first_row_of_each_batch", student, reference, call)


BY_DEFAULT = {
    "f": one_of(halves_and_size, roots),
    "x": Domain(lambda draw, axes: np.arange(draw.integer(1, 320)).reshape(-1, 1)),
}
batches_by_default = part("as usual", **BY_DEFAULT).steps


def the_same_rows(t):
    """Call it; and with an x that comes again with another f, and with other numbers in it."""
    batches_by_default(t)
    if not t.first:
        kind = type(t.answer).__name__
        t.holds(isinstance(t.answer, np.ndarray), f"It is a {kind}, and one array is asked for.")
    if not t.first:
        t.holds(
            t.answer.dtype == np.float64,
            f"f answers in float64, and the result holds {t.answer.dtype}: digits are lost.",
        )
    t.apart()
    right = t.call(large_integers, t.draw(integer_arrays("N 2")), t.choice(1, 2, 100))
    if not t.first:
        t.holds(
            np.asarray(t.answer).tolist() == right.tolist(),
            "f answers in integers here, and floats don't hold all digits of large ones: keep what "
            "f returns.",
        )
    if t.watched:
        t.apart()
        rows = t.draw(integer_arrays("4 n"))
        x = t.keep(rows)
        t.call(turned, x)
        t.call(halves_and_size, x)
        x.write(1 - rows)
        t.call(halves_and_size, x)


predict_in_batches = function(
    part(
        "any number of rows, in batches of any size",
        essential=True,
        at=[cut(7, 3), cut(6, 3), cut(5, 8), cut(9, 1), cut(25, 2), cut(231, 2)],
        f=one_of(turned),
        x=rows(2),
        batch_size=integers(1, 8),
    ),
    part("gives f batches of the size asked for, each row once", count=5, steps=sizes),
    part(
        "100 rows at a time by default, integers, one row or column; x stays as it is",
        count=10,
        rtol=1e-12,  # what f answers, and no digit less
        at=[
            {"f": halves_and_size, "x": np.arange(count).reshape(count, 1)}
            for count in (3, 250, 100, 1)
        ],
        steps=the_same_rows,
        **BY_DEFAULT,
    ),
)

# --- the bug museum -------------------------------------------------------------------------------


def by_slices(x, size):
    """Return the batches, by slices."""
    return [x[k : k + size] for k in range(0, len(x), size)]


def by_index(x, size):
    """Return the batches as copies, picked by index."""
    places = np.arange(len(x))
    return [x[places // size == k] for k in range(-(-len(x) // size))]


def bite_by_bite(x, size):
    """Return the batches, each cut off what is left."""
    batches = []
    while len(x):
        batches.append(x[:size])
        x = x[size:]
    return batches


def row_by_row(x, size):
    """Return the batches, each filled row by row."""
    batches = [[]]
    for row in x:
        if len(batches[-1]) == size:
            batches.append([])
        batches[-1].append(row)
    return [np.array(batch) for batch in batches]


def from_the_end(x, size):
    """Return the batches, found from the last to the first."""
    starts = range(0, len(x), size)
    return [x[k : k + size] for k in reversed(starts)][::-1]


def full_then_rest(x, size):
    """Return the full batches, and what is left over if there is something."""
    full = len(x) // size
    batches = [x[k * size : (k + 1) * size] for k in range(full)]
    return batches if len(x) % size == 0 else [*batches, x[full * size :]]


RIGHT_CUTS = {
    "cuts slices": by_slices,
    "uses `np.split`": lambda x, size: np.split(x, range(size, len(x), size)),
    "picks copies by index": by_index,
    "cuts one batch after the other off what is left": bite_by_bite,
    "fills its batches row by row": row_by_row,
    "begins with the last batch and turns the list around": from_the_end,
    "makes the full batches first and then adds the rest": full_then_rest,
    "uses `np.array_split` at the places where batches begin": lambda x, size: np.array_split(
        x, np.arange(size, len(x), size)
    ),
    "returns copies, in columns-first order": lambda x, size: [
        np.asfortranarray(batch) for batch in by_slices(x, size)
    ],
}
RIGHT_CUTS_OF_ROWS = {
    **RIGHT_CUTS,
    "needs both axes of an x of shape (N, D)": lambda x, size: [
        x[k : k + size, :] for k in range(0, len(x), size)
    ],
}
WRONG_CUTS = {
    "loses what is left over, as the exhibit does": lambda x, size: by_slices(x, size)[
        : len(x) // size
    ],
    "loses the last batch, full or not": lambda x, size: by_slices(x, size)[:-1],
    "loses the first batch": lambda x, size: by_slices(x, size)[1:],
    "returns no batch at all": lambda x, size: [],
    "returns only the first batch": lambda x, size: [x[:size]],
    "returns only the last batch": lambda x, size: by_slices(x, size)[-1:],
    "returns every other batch": lambda x, size: by_slices(x, size)[::2],
    "keeps only what is left over": lambda x, size: by_slices(x, size)[len(x) // size :],
    "returns all rows as one batch": lambda x, size: [x],
    "deals the rows out like cards, in another order": lambda x, size: [
        x[k :: -(-len(x) // size)] for k in range(-(-len(x) // size))
    ],
    "leaves out the very first row, as if it were a heading": lambda x, size: [
        by_slices(x, size)[0][1:],
        *by_slices(x, size)[1:],
    ],
    "returns the rows in reverse order": lambda x, size: by_slices(x[::-1], size),
    "returns the batches in reverse order": lambda x, size: by_slices(x, size)[::-1],
}
WRONG_AT_SOME_SIZES = {
    "is right about the first batch and the last, and repeats the first one between them": (
        lambda x, size: (
            by_slices(x, size)[:1] * (len(by_slices(x, size)) - 1) + by_slices(x, size)[-1:]
        )
    ),
    "leaves the last batch out if the size divides the number of rows": lambda x, size: (
        by_slices(x, size) if len(x) % size else by_slices(x, size)[:-1]
    ),
    "returns nothing if batch_size is larger than the number of rows": lambda x, size: (
        by_slices(x, size) if len(x) >= size else []
    ),
    "fills the last batch up with rows of zeros": lambda x, size: by_slices(
        np.concatenate([x, np.zeros((-len(x) % size, *x.shape[1:]))]), size
    ),
    "fills the last batch up with rows from the front": lambda x, size: by_slices(
        np.concatenate([x] * (size + 1))[: len(x) + -len(x) % size], size
    ),
    "repeats rows, so that the last batch is full": lambda x, size: [
        x[max(0, min(k, len(x) - size)) :][:size] for k in range(0, len(x), size)
    ],
    "makes the last batch larger than batch_size": lambda x, size: np.split(
        x, [k for k in range(size, len(x), size) if k + size <= len(x)]
    ),
    "ends with an empty batch if the size divides the number of rows": lambda x, size: [
        x[k * size : (k + 1) * size] for k in range(len(x) // size + 1)
    ],
    "makes batches of equal size, which may be smaller than batch_size": lambda x, size: (
        np.array_split(x, -(-len(x) // size))
    ),
    "turns the rows of each batch around": lambda x, size: [b[::-1] for b in by_slices(x, size)],
    "exchanges the last two rows of each batch": lambda x, size: [
        b[[*range(len(b) - 2), len(b) - 1, len(b) - 2]] if len(b) > 1 else b
        for b in by_slices(x, size)
    ],
    "exchanges two rows in the middle of each batch of four or more": lambda x, size: [
        b[[0, 2, 1, *range(3, len(b))]] if len(b) > 3 else b for b in by_slices(x, size)
    ],
    "turns the numbers of each row around, or changes the sign of one that stands alone": (
        lambda x, size: by_slices(x[:, ::-1] if x.shape[1] > 1 else -x, size)
    ),
    "fills each batch with copies of its first row": lambda x, size: [
        np.concatenate([b[:1]] * len(b)) for b in by_slices(x, size)
    ],
    "fills the last batch with NaN": lambda x, size: [
        *by_slices(x, size)[:-1],
        np.full_like(by_slices(x, size)[-1], np.nan),
    ],
    "has NaN in the first row of each batch": lambda x, size: [
        np.where(np.arange(len(b))[:, None] == 0, np.nan, b) for b in by_slices(x, size)
    ],
    "has NaN in the last column of each batch": lambda x, size: [
        np.where(np.arange(b.shape[1]) == b.shape[1] - 1, np.nan, b) for b in by_slices(x, size)
    ],
    "has the last column of each batch upside down": lambda x, size: [
        np.concatenate([b[:, :-1], b[::-1, -1:]], axis=1) for b in by_slices(x, size)
    ],
    "cuts batches of half the size where batch_size is even": lambda x, size: by_slices(
        x, size if size % 2 else size // 2
    ),
    "puts the short batch first": lambda x, size: (
        by_slices(x, size)
        if len(x) % size == 0
        else [x[: len(x) % size], *by_slices(x[len(x) % size :], size)]
    ),
    "turns the numbers of each row around": lambda x, size: by_slices(x[:, ::-1], size),
}

check_batches = interaction(
    part(
        "accepts right versions and rejects plainly wrong ones, in any order",
        essential=True,
        count=2,
        laws=False,
        steps=lambda t: t.sort(RIGHT_CUTS, WRONG_CUTS),
    ),
    part(
        "rejects versions that are right at some batch sizes only",
        points=2,
        count=2,
        laws=False,
        steps=lambda t: t.sort(RIGHT_CUTS_OF_ROWS, WRONG_AT_SOME_SIZES),
    ),
)


def flat(images):
    """Return the bytes of each image in a row, as floats."""
    return np.reshape(images, (len(images), -1)).astype(float)


def by_largest_each(images):
    """Return the pixels divided by the largest one of their image."""
    return flat(images) / np.maximum(1, flat(images).max(axis=1, keepdims=True))


def stretched(images):
    """Return each image stretched to fill 0 to 1."""
    low = flat(images).min(axis=1, keepdims=True)
    high = flat(images).max(axis=1, keepdims=True)
    return (flat(images) - low) / np.maximum(high - low, 1)


def pixel_by_pixel(images):
    """Return the images mixed up: the first pixels of all, then the second ones, and so on."""
    return np.reshape((flat(images) / 255).T, (len(images), -1))


RIGHT_ROWS = {
    "returns float64": lambda images: flat(images) / 255,
    "returns float32": lambda images: flat(images).astype(np.float32) / np.float32(255),
    "looks every byte up in a table": lambda images: np.linspace(0, 1, 256)[
        np.reshape(images, (len(images), -1))
    ],
    "multiplies by 1/255": lambda images: flat(images) * (1 / 255),
    "takes one image after the other": lambda images: np.array(
        [np.ravel(image) / 255 for image in images]
    ),
    "divides first and makes rows then": lambda images: np.reshape(
        images / 255.0, (len(images), -1)
    ),
    "joins the 28 rows of each image": lambda images: (
        np.concatenate([images[:, row] for row in range(28)], axis=1) / 255
    ),
    "returns rows that lie backwards in memory": lambda images: (flat(images)[:, ::-1] / 255)[
        :, ::-1
    ],
    "has other last digits": lambda images: flat(images) / 255 * (1 + 1e-11),
}
RIGHT_ROWS_OF_BYTES = {
    **RIGHT_ROWS,
    "reads the bytes of `uint8` from memory": lambda images: (
        np.frombuffer(np.ascontiguousarray(images).tobytes(), np.uint8).reshape(-1, 784) / 255
    ),
    "multiplies by 1/255 in float32": lambda images: (
        flat(images).astype(np.float32) * np.float32(1 / 255)
    ),
}
WRONG_ROWS = {
    "returns the bytes as floats, as the exhibit does": flat,
    "returns the bytes as they are": lambda images: np.reshape(images, (len(images), -1)),
    "divides by 28": lambda images: flat(images) / 28,
    "divides by 100, as if pixels were percentages": lambda images: flat(images) / 100,
    "divides by 25.5, so that its values run from 0 to 10": lambda images: flat(images) / 25.5,
    "subtracts 255 and doesn't divide": lambda images: flat(images) - 255,
    "multiplies by 255": lambda images: flat(images) * 255,
    "divides by -255": lambda images: flat(images) / -255,
    "divides by 255 twice: every pixel is almost 0, and that is from 0 to 1, too": lambda images: (
        flat(images) / 255 / 255
    ),
    "divides in integers (`//`), which leaves 0 of all but 255": lambda images: flat(images) // 255,
    "makes values from -1 to 1": lambda images: 2 * flat(images) / 255 - 1,
    "swaps ink and paper": lambda images: 1 - flat(images) / 255,
    "lays the columns of an image end to end, so that it is turned over": lambda images: (
        flat(np.transpose(images, (0, 2, 1))) / 255
    ),
    "turns every image upside down": lambda images: flat(images[:, ::-1]) / 255,
}
WRONG_FOR_SOME_IMAGES = {
    "divides by the largest pixel, so that a pale batch turns dark": lambda images: (
        flat(images) / max(1, np.max(images))
    ),
    "divides each image by its own largest pixel": by_largest_each,
    "divides by the largest pixel, and by 255 where that is 0 or 1": lambda images: (
        flat(images) / (np.max(images) if np.max(images) > 1 else 255)
    ),
    "stretches each image to fill 0 to 1": stretched,
    "rounds every pixel to 0 or 1": lambda images: np.where(flat(images) > 127, 1.0, 0.0),
    "mixes the pixels of different images": pixel_by_pixel,
    "divides by 256": lambda images: flat(images) / 256,
    "returns the images in reverse order": lambda images: flat(images[::-1]) / 255,
    "reads bytes above 127 as negative numbers": lambda images: (
        flat(np.asarray(images).astype(np.int8)) / 255
    ),
    "cuts its values off at one half": lambda images: np.minimum(flat(images) / 255, 0.5),
    "returns the first image only, and 0 for the others": lambda images: (
        flat(images) / 255 * (np.arange(len(images)) == 0)[:, None]
    ),
    "gives 1 in place of the very last pixel": lambda images: np.where(
        np.arange(784) + 784 * np.arange(len(images))[:, None] == 784 * len(images) - 1,
        1.0,
        flat(images) / 255,
    ),
    "makes one pixel in the middle of every image brighter": lambda images: (
        flat(images) / 255 + 0.1 * (np.arange(784) == 391)
    ),
    "makes every pixel brighter by less than half a gray level": lambda images: (
        (flat(images) + 0.4) / 255
    ),
    "returns 0 for the last image": lambda images: (
        flat(images) / 255 * (np.arange(len(images)) < max(1, len(images) - 1))[:, None]
    ),
    "gives NaN in place of every pixel": lambda images: np.full_like(flat(images), np.nan),
    "gives NaN in place of the very first pixel": lambda images: np.where(
        np.arange(784) + np.arange(len(images))[:, None] == 0, np.nan, flat(images) / 255
    ),
    "gives NaN in place of the last image": lambda images: np.where(
        np.arange(len(images))[:, None] == len(images) - 1, np.nan, flat(images) / 255
    ),
    "gives every image the first one's pixels": lambda images: (
        flat(images[:1]) / 255 + 0 * flat(images)
    ),
    "has a little ink where the paper is blank": lambda images: np.maximum(flat(images), 0.3) / 255,
}


check_prepare = interaction(
    part(
        "accepts right versions and rejects plainly wrong ones, in any order",
        essential=True,
        count=2,
        laws=False,
        steps=lambda t: t.sort(RIGHT_ROWS, WRONG_ROWS),
    ),
    part(
        "rejects versions that are right for some images only",
        points=2,
        count=2,
        laws=False,
        steps=lambda t: t.sort(RIGHT_ROWS_OF_BYTES, WRONG_FOR_SOME_IMAGES),
    ),
)
