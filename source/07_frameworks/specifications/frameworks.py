"""What the exercises of chapter 7, part B promise.

PyTorch's and Keras's objects can't be handed from one process to another: a trial builds one for
the student's code, where that runs, and one for the reference. Numbers are float32, so they are
compared to four digits.
"""

from itertools import pairwise

import numpy as np

from helpers.specification import (
    Domain,
    arrays,
    function,
    interaction,
    labels,
    numbers,
    part,
)

NEAR = {"rtol": 1e-4, "atol": 3e-5}
BATCH = {"N": (1, 5), "n": (1, 4), "K": (2, 4)}


def float32(value):
    """Return an array as the frameworks have it by default."""
    return value.astype(np.float32)


X = arrays("N n", -2, 2).map(float32)
T = labels("N", "K")

# --- a straight line ------------------------------------------------------------------------------


def slopes(t):
    """Hold both slopes against numerical differentiation."""
    w, b = t.draw(numbers(-2, 2), numbers(-2, 2))
    x, target = t.draw(arrays("N", -2, 2), arrays("N", -2, 2))
    if t.choice(True, False):
        x, target = float32(x), float32(target)
    t.call(w, b, x, target)
    x, target = x.astype(float), target.astype(float)
    t.slope(lambda v: np.mean((v * x + b - target) ** 2), np.array(w), item=1)
    t.slope(lambda v: np.mean((w * x + v - target) ** 2), np.array(b), item=2)


line_gradients = function(
    part(
        "agrees with numerical differentiation",
        points=2,
        essential=True,
        count=20,
        axes={"N": (2, 6)},
        steps=slopes,
        **NEAR,
    ),
    part(
        "three plain numbers, for one sample too; x and t stay as they are",
        count=15,
        w=numbers(-2, 2),
        b=numbers(-2, 2),
        x=arrays("N", -2, 2),
        t=arrays("N", -2, 2),
        **NEAR,
    ),
)

# --- networks in PyTorch --------------------------------------------------------------------------


def stack(sizes, act="Tanh", extra=()):
    """Return the layers of a network in words: Linear from size to size, an activation between.

    Each layer of `extra` follows an activation; None in it stands for the size there.
    """
    found = []
    for n, m in pairwise(sizes):
        more = [tuple(m if value is None else value for value in layer) for layer in extra]
        found += [("Linear", n, m), (act,), *more]
    return found[: -1 - len(extra)]


NORM = ("BatchNorm1d", None, 1e-5, 0.1, False)  # without parameters: it holds buffers alone
IN_PLACE = ("ReLU", True)  # writes into what it is given


def module(nn, layers):
    """Return a network of PyTorch's own layers."""
    return nn.Sequential(*(getattr(nn, name)(*args) for name, *args in layers))


def fill(net, values):
    """Write arrays into a network's parameters, in their order; return the network."""
    for parameter, value in zip(net.parameters(), values, strict=True):
        parameter.data.copy_(parameter.new_tensor(value))
    return net


def drawn(t, layers):
    """Return values for the parameters of these layers."""
    found = []
    for name, *args in layers:
        if name == "Linear":
            n, m = args
            found += [t.source.array(shape, -1, 1).astype(np.float32) for shape in ((m, n), (m,))]
        elif name == "BatchNorm1d" and len(args) == 1:
            found += [np.ones(args[0], np.float32), np.zeros(args[0], np.float32)]
    return found


def written(layers):
    """Return layers as a reader would type them."""
    return f"net = nn.Sequential({', '.join(f'{n}{tuple(a)}' for n, *a in layers)})".replace(
        ",)", ")"
    )


def build(t, layers):
    """Build one network for each side, with the same random parameters."""
    values = drawn(t, layers)
    return t.build(written(layers), lambda nn: fill(module(nn, layers), values), "nn")


def look(t, words, of, net):
    """Compare what `of` finds out about both networks; it is given PyTorch, too."""
    ours = t.names["torch"]
    t.both(
        words,
        lambda: of(net.theirs, t.home.given("torch", ours)),
        lambda: of(net.ours, ours),
        assigned=str,
    )


def kind_of(t, words, wanted, found, *given):
    """Hold what the function returns for these inputs to a kind: `found` looks at it."""
    t.both(
        t.reference.__name__,
        lambda *given: found(t.student(*given)),
        lambda *given: found(t.reference(*given)),
        given,
        signature=t.reference,
        relation=lambda kind: "" if kind == wanted else f"It returns {words}; here it is {kind}.",
    )


def other_kind(found, kind):
    """Return the name of another kind that one of these is of, or of this kind."""
    return next((type(one).__name__ for one in found if not isinstance(one, kind)), kind.__name__)


def shapes(net, torch):
    """Return the shapes of a network's parameters in their order."""
    return [[int(size) for size in parameter.shape] for parameter in net.parameters()]


def values(net, torch):
    """Return the numbers of a network's parameters in their order."""
    return [parameter.detach().numpy() for parameter in net.parameters()]


def state(net, torch):
    """Return the numbers of a network's parameters, whether they hold float32, and can learn."""
    return {
        "numbers": values(net, torch),
        "whether they hold float32": [
            np.asarray(parameter.detach().numpy()).dtype == np.float32
            for parameter in net.parameters()
        ],
        "whether they can learn": [bool(parameter.requires_grad) for parameter in net.parameters()],
    }


def buffers(net, torch):
    """Return the numbers that a network holds and that are no parameters."""
    return [buffer.detach().numpy() for buffer in net.buffers()]


def scores(x):
    """Return a function that asks a network for its scores of x."""
    return lambda net, torch: net(torch.tensor(x)).detach().numpy()


def slopes_of_scores(x):
    """Return a function that differentiates the sum of a network's scores at its parameters."""

    def found(net, torch):
        net(torch.tensor(x)).sum().backward()
        return [parameter.grad.numpy() for parameter in net.parameters()]

    return found


SIZES = Domain(
    lambda draw, axes: [draw.integer(1, 1 + draw.size) for _ in range(draw.integer(2, 5))]
)
ELEVEN = [3, 2, 2, 3, 2, 2, 3, 2, 2, 2, 3, 2]  # layers
HUNDRED = [2] * 102


def layers_in_order(t):
    """Compare the shapes of all parameters."""
    net = t.make(t.choice(HUNDRED, ELEVEN, t.draw(SIZES), t.draw(SIZES)))
    look(t, "the shapes of its parameters", shapes, net)


def scores_of_it(t):
    """Give both networks the same parameters, and compare their scores in both modes.

    Then make another of the same sizes: the first one stays as it is.
    """
    width = t.source.integer(1, 3)
    sizes = t.choice(ELEVEN, [2, width, 3, width], t.draw(SIZES), t.draw(SIZES))
    net = t.make(sizes)
    given, others = drawn(t, stack(sizes)), drawn(t, stack(sizes))
    x = t.source.array((3, sizes[0]), -2, 2).astype(np.float32)
    look(t, "[its parameters are set]", lambda net, torch: void(fill(net, given)), net)
    look(t, f"net(x) with x of shape {x.shape}", scores(x), net)
    look(t, "the gradients of the sum of these scores", slopes_of_scores(x), net)
    look(t, "net.eval()", lambda net, torch: void(net.eval()), net)
    look(t, f"net(x) with x of shape {x[:1].shape}", scores(x[:1]), net)
    look(t, f"net(x) with x of shape {x.shape}, 100 times as large", scores(100 * x), net)
    another = t.make(sizes)
    look(
        t,
        "[the second one's parameters are set]",
        lambda net, torch: void(fill(net, others)),
        another,
    )
    look(t, "the first one's parameters", values, net)


torch_net = interaction(
    part(
        "gives scores: a sigmoid between layers, and nothing after the last",
        points=2,
        essential=True,
        count=12,
        steps=scores_of_it,
        **NEAR,
    ),
    part(
        "has weights and biases of every layer, in the order in which they run",
        count=12,
        steps=layers_in_order,
    ),
)


def network_of(draw, sizes, kind=np.float32):
    """Return a NumPy network of these sizes."""
    made = {}
    for k, (n, m) in enumerate(pairwise(sizes), start=1):
        made[f"W{k}"] = draw.array((n, m), -1, 1).astype(kind)
        made[f"b{k}"] = draw.array((m,), -1, 1).astype(kind)
    return made


def load(t, net, params):
    """Have both sides copy params into their networks; what is returned is of no interest."""

    def theirs(net, params):
        t.invoke(t.student, (net, params), {})

    def ours(net, params):
        t.reference(net, params)

    t.both("load_torch", theirs, ours, (net, params))
    look(t, "its parameters", values, net)


def loaded(t):
    """Load networks of any sizes, square layers among them."""
    width = t.source.integer(1, 1 + t.source.size)
    sizes = t.choice(t.draw(SIZES), [width] * t.source.integer(2, 4))
    net = build(t, stack(sizes))
    for _ in range(2):
        load(t, net, network_of(t.source, sizes, t.choice(np.float32, np.float64)))
    x = t.source.array((2, sizes[0]), -2, 2).astype(np.float32)
    look(t, f"net(x) with x of shape {x.shape}", scores(x), net)


def loaded_otherwise(t):
    """Load with keys in any order, in float64, or of eleven layers; write into the arrays later.

    The network may hold buffers, and code that holds its parameters sees the new numbers.
    """
    if t.source.size == 5:
        deep = build(t, stack([1] * 102))
        load(t, deep, network_of(t.source, [1] * 102))
        t.apart()
    sizes = t.choice([2] * 12, t.draw(SIZES))
    net = build(t, stack(sizes, "Sigmoid", t.choice([], [NORM])))
    held = {id(side): list(side.parameters()) for side in (net.theirs, net.ours)}
    params = network_of(t.source, sizes, t.choice(np.float32, np.float64))
    keys = list(params)
    params = t.keep({keys[place]: params[keys[place]] for place in t.source.order(len(keys))})
    load(t, net, params)
    look(
        t,
        "the parameters that were there before",
        lambda net, torch: [parameter.detach().numpy() for parameter in held[id(net)]],
        net,
    )
    look(t, "its buffers", buffers, net)

    def spoil(params):
        for array in params.values():
            array[...] = 9.0

    t.both(
        "[all arrays of params are filled with 9]",
        lambda: spoil(params._theirs),
        lambda: spoil(params.ours),
    )
    look(t, "its parameters", values, net)
    load(t, net, params)
    look(
        t,
        "whether they can learn",
        lambda net, torch: [bool(parameter.requires_grad) for parameter in net.parameters()],
        net,
    )


load_torch = interaction(
    part(
        "puts every weight and bias in its place",
        points=2,
        essential=True,
        count=12,
        steps=loaded,
        **NEAR,
    ),
    part(
        "keys in any order, eleven layers, float64; net shares no memory and can still learn",
        count=12,
        steps=loaded_otherwise,
        **NEAR,
    ),
)


def predicted(t):
    """Ask for probabilities of networks of one to three layers, for few rows and for many.

    Scores may be large, and those of a row may sum to 1.
    """
    x, _ = t.draw(X, T)
    n, K = x.shape[1], t.axes.length("K", t.source)
    layers = stack(t.choice([n, K], [n, 3, K], [n, 4, 2, K]))
    given = drawn(t, layers)
    shift = t.choice(None, 0, 40, -40, 100)
    if shift is None:
        given[-2] -= given[-2].mean(axis=0)
        given[-1] += (1 - given[-1].sum()) / np.float32(K)
    else:
        given[-1] += np.float32(shift)
    net = t.build(written(layers), lambda nn: fill(module(nn, layers), given), "nn")
    t.call(net, x)
    t.call(net, t.source.array((t.choice(101, 257), n), -2, 2).astype(np.float32))
    t.call(net, np.concatenate([x, 300 * x]))  # of one layer, rows with scores of any sizes
    t.both(
        "the logarithm of torch_predict",
        lambda net, x: logarithms(t.student(net, x)),
        lambda net, x: logarithms(t.reference(net, x)),
        (net, np.float32(20) * x),
        signature=t.reference,
    )
    look(t, "its parameters", values, net)


def logarithms(probabilities):
    """Return their logarithms, which show how small the small ones are."""
    return np.log(np.maximum(np.asarray(probabilities, dtype=float), 1e-35))


def predicted_in_evaluation(t):
    """Ask networks that behave otherwise in training, after training mode was switched on.

    Dropout drops everything: then two networks in the wrong mode behave alike, and it is told.
    """
    x, _ = t.draw(X, T)
    n, K = x.shape[1], t.axes.length("K", t.source)
    extra = t.choice([("Dropout", 1.0)], [("BatchNorm1d", 8)])
    net = build(t, [IN_PLACE, *stack([n, 8, K], "Tanh", extra)])
    look(t, "net.train()", lambda net, torch: void(net.train()), net)
    batch = t.keep(x)
    t.call(net, batch)
    batch.write(-0.5 * x)
    look(t, "net.train()", lambda net, torch: void(net.train()), net)
    t.call(net, batch)
    kind_of(t, "a NumPy array", "ndarray", lambda found: type(found).__name__, net, x)
    moved = drawn(t, stack([n, 8, K]))
    look(t, "[its parameters change]", lambda net, torch: void(refill(net, moved)), net)
    t.call(net, x)
    look(t, "its parameters", state, net)


def refill(net, values):
    """Write arrays into the first and the last layer of a network."""
    layers = [module for module in net.modules() if hasattr(module, "in_features")]
    for layer, weights, biases in zip(
        (layers[0], layers[-1]), values[::2], values[1::2], strict=True
    ):
        fill(layer, [weights, biases])


def void(_):
    """Return nothing."""


torch_predict = function(
    part(
        "a probability for each class, row by row",
        points=2,
        essential=True,
        count=12,
        axes=BATCH,
        steps=predicted,
        **NEAR,
    ),
    part(
        "in evaluation mode, whatever mode the network was in; x stays as it is",
        count=8,
        axes={**BATCH, "N": (2, 5)},
        steps=predicted_in_evaluation,
        **NEAR,
    ),
)


def mean_loss(layers, given, place, x, target):
    """Return the loss as a function of one of the parameters, computed with NumPy in float64."""

    def loss(value):
        all_values = [*given[:place], value, *given[place + 1 :]]
        a, k = np.asarray(x, float), 0
        for name, *_ in layers:
            if name == "Linear":
                a, k = a @ np.asarray(all_values[k], float).T + all_values[k + 1], k + 2
            else:
                a = np.tanh(a)
        shifted = a - a.max(axis=1, keepdims=True)
        logs = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
        return -np.mean(logs[np.arange(len(x)), target])

    return loss


def differentiated(t):
    """Hold one of the gradients against numerical differentiation, all against the reference."""
    x, target = t.draw(X, T)
    n, K = x.shape[1], t.axes.length("K", t.source)
    layers = stack(t.choice([n, K], [n, 3, K]))
    given = drawn(t, layers)
    net = t.build(written(layers), lambda nn: fill(module(nn, layers), given), "nn")
    look(t, "[gradients of 1 stand in it]", ones_as_gradients, net)
    t.call(net, x, target)
    place = t.source.integer(0, len(given) - 1)
    kind = ("weight", "bias")[place % 2]
    at = given[place].astype(float)
    t.slope(mean_loss(layers, given, place, x, target), at, item=f"{2 * (place // 2)}.{kind}")
    t.call(net, x * np.float32(30), target)  # large scores, and large gradients
    rows = t.choice(101, 257)
    many = t.source.array((rows, n), -2, 2).astype(np.float32)
    t.call(net, many, t.source.integers((rows,), 0, K - 1))
    t.both(
        "a million times torch_gradients(...)['0.weight'], with tiny x,",
        lambda net, x, target: enlarged(t.student(net, x, target)),
        lambda net, x, target: enlarged(t.reference(net, x, target)),
        (net, x * np.float32(1e-6), target),
        signature=t.reference,
    )


def enlarged(grads):
    """Return the gradient at the first weights a million times as large."""
    return 1e6 * np.asarray(grads["0.weight"], dtype=float)


def call_after_call(t):
    """Differentiate with one network and several batches, in the mode that it is in.

    It may hold buffers. Dropout drops everything, so that the modes can be told apart.
    """
    x, _ = t.draw(X, T)
    n, K = x.shape[1], t.axes.length("K", t.source)
    dropped = [("Dropout", 1.0)]
    extra, training = t.choice(([NORM], False), (dropped, False), (dropped, True))
    net = build(t, stack([n, 3, K], "Tanh", extra))
    if not training:
        look(t, "net.eval()", lambda net, torch: void(net.eval()), net)
    for count in t.times(2, 3):
        rows = count + t.source.integer(2, 3)
        batch = t.source.array((rows, n), -2, 2).astype(np.float32)
        t.call(net, batch, t.source.integers((rows,), 0, K - 1))
    kept, right = t.keep(batch), t.keep(t.source.integers((rows,), 0, K - 1))
    t.call(net, kept, right)
    kept.write(-0.5 * batch)
    right.write(t.source.integers((rows,), 0, K - 1))
    t.call(net, kept, right)
    kind_of(
        t,
        "a NumPy array for each parameter",
        "ndarray",
        lambda found: other_kind(found.values(), np.ndarray),
        net,
        kept,
        right,
    )


def nothing_moves(t):
    """Differentiate, and look at the parameters afterwards."""
    x, target = t.draw(X, T)
    n, K = x.shape[1], t.axes.length("K", t.source)
    net = build(t, [IN_PLACE, *stack([n, 2, K], "ReLU")])
    t.call(net, x, target)
    look(t, "its parameters", state, net)
    moved = drawn(t, stack([n, 2, K]))
    look(t, "[its parameters change]", lambda net, torch: void(fill(net, moved)), net)
    t.call(net, x, target)


torch_gradients = function(
    part(
        "agrees with numerical differentiation",
        points=2,
        essential=True,
        count=12,
        axes=BATCH,
        steps=differentiated,
        **NEAR,
    ),
    part(
        "the gradients of this batch alone, call after call",
        count=10,
        axes=BATCH,
        steps=call_after_call,
        **NEAR,
    ),
    part(
        "leaves the parameters, x and t as they are",
        count=8,
        axes=BATCH,
        steps=nothing_moves,
        **NEAR,
    ),
)


def batches_for(t, n, K, count):
    """Return batches of any sizes."""
    found = []
    for _ in range(count):
        rows = t.source.integer(2, 5)
        x = t.source.array((rows, n), -2, 2).astype(np.float32)
        found.append((x, t.source.integers((rows,), 0, K - 1)))
    return found


def ones_as_gradients(net, torch):
    """Leave gradients in a network, as another batch would."""
    for parameter in net.parameters():
        parameter.grad = torch.ones_like(parameter)


def trained(t):
    """Train, and compare the losses and where the parameters are then."""
    n, K = t.source.integer(1, 3), t.source.integer(2, 4)
    net = build(t, stack(t.choice([n, K], [n, 3, K])))
    if t.choice(True, False):
        look(t, "[gradients of 1 stand in it]", ones_as_gradients, net)
    batches = batches_for(t, n, K, t.choice(2, 3, 4, 4, 101))
    x, right = batches[-1]
    batches[-1] = 30 * x, right  # a large loss, and a long step
    t.call(net, batches, t.choice(0.1, 0.3, 1, 3e-4))
    look(t, "its parameters afterwards", values, net)


def trained_after_evaluation(t):
    """Train a network with batch normalization that was in evaluation mode."""
    n, K = t.source.integer(1, 3), t.source.integer(2, 4)
    net = build(t, stack([n, 4, K], "Tanh", [("BatchNorm1d", 4)]))
    look(t, "net.eval()", lambda net, torch: void(net.eval()), net)
    t.call(net, batches_for(t, n, K, 2), 0.1)
    look(t, "its parameters afterwards", values, net)


def trained_twice(t):
    """Train with batches from a generator, and then go on; no batch at all is possible, too."""
    n, K = t.source.integer(1, 3), t.source.integer(2, 4)
    net = build(t, [IN_PLACE, *stack([n, K])])
    for count, rate in ((t.source.integer(0, 3), 0.2), (t.source.integer(1, 2), 0.7)):
        batches = batches_for(t, n, K, count)
        t.call(net, t.choice(batches, t.once(*batches)), rate)
    look(t, "its parameters afterwards", values, net)
    batches = batches_for(t, n, K, 2)
    kind_of(
        t,
        "a list of Python floats",
        "float",
        lambda found: other_kind(found, float),
        net,
        batches,
        0.2,
    )
    t.call(net, [batches[0], batches[0], batches[1]], 0.2)


train_torch = function(
    part(
        "the loss of each batch, and the parameters after all steps",
        points=3,
        essential=True,
        count=12,
        steps=trained,
        **NEAR,
    ),
    part(
        "in training mode, whatever mode the network was in",
        count=6,
        steps=trained_after_evaluation,
        rtol=1e-3,
        atol=1e-4,
    ),
    part(
        "batches from a generator; a second call goes on, with a list of its own",
        count=8,
        steps=trained_twice,
        **NEAR,
    ),
)

# --- networks in Keras ----------------------------------------------------------------------------


def keras_weights(t, sizes):
    """Return values for the weights of a Keras network of these sizes."""
    return [*network_of(t.source, sizes).values()]


def keras_scores_of_it(t):
    """Give both networks the same weights, and compare their scores."""
    width = t.source.integer(1, 3)
    sizes = t.choice([2, width, 3, width], t.draw(SIZES))
    model = t.make(sizes)
    given = keras_weights(t, sizes)
    x = t.source.array((3, sizes[0]), -2, 2).astype(np.float32)
    look(t, "[its weights are set]", lambda model, torch: void(model.set_weights(given)), model)
    for training, words in ((False, ""), (True, " in training mode")):
        look(
            t,
            f"the scores for x of shape {x.shape}{words}",
            lambda model, torch, training=training: model(x, training=training).detach().numpy(),
            model,
        )
    large = 100 * x
    look(
        t,
        f"the scores for x of shape {x.shape}, 100 times as large",
        lambda model, torch: model(large, training=False).detach().numpy(),
        model,
    )
    another, others = t.make(sizes), keras_weights(t, sizes)
    look(
        t,
        "[the second one's weights are set]",
        lambda model, torch: void(model.set_weights(others)),
        another,
    )
    look(t, "the first one's weights", lambda model, torch: model.get_weights(), model)


def keras_layers_in_order(t):
    """Compare the shapes of all weights."""
    model = t.make(t.choice(ELEVEN, t.draw(SIZES), t.draw(SIZES)))
    look(
        t,
        "the shapes of its weights",
        lambda model, torch: [list(np.shape(value)) for value in model.get_weights()],
        model,
    )
    look(t, "how many penalties it adds", lambda model, torch: len(model.losses), model)


keras_net = interaction(
    part(
        "gives scores: a sigmoid between layers, and nothing after the last",
        points=2,
        essential=True,
        count=5,
        steps=keras_scores_of_it,
        **NEAR,
    ),
    part(
        "has weights and biases of every layer, in the order in which they run",
        count=5,
        steps=keras_layers_in_order,
    ),
)


def model_of(keras, sizes, given):
    """Return a Keras network with these weights, tanh between its layers, compiled for Adam."""
    layers = [keras.layers.Dense(size, activation="tanh") for size in sizes[1:-1]]
    model = keras.Sequential([keras.Input((sizes[0],)), *layers, keras.layers.Dense(sizes[-1])])
    model.set_weights(given)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer=keras.optimizers.Adam(0.01), loss=loss)
    return model


def fitted(rows, batch_sizes):
    """Return steps that fit a model to so many rows in batches of one of these sizes."""

    def steps(t):
        n, K = t.source.integer(1, 3), t.source.integer(2, 4)
        sizes = t.choice([n, K], [n, 3, K])
        given = keras_weights(t, sizes)
        words = f"model = a Keras network of the sizes {sizes} with tanh, compiled for Adam"
        model = t.build(words, lambda keras: model_of(keras, sizes, given), "keras")
        x = t.source.array((rows, n), -2, 2).astype(np.float32)
        target = t.source.integers((rows,), 0, K - 1)
        t.call(model, x, target, t.choice(0.1, 0.5), t.choice(*batch_sizes), t.choice(2, 3))
        if rows > 7:  # so slow that no epoch is better than the one before
            t.call(model, x, target, 1e-9, rows, 4)
        else:  # one long step
            t.call(model, 30 * x, target, 0.1, rows, 1)
        look(t, "its weights afterwards", lambda model, torch: model.get_weights(), model)

    return steps


train_keras = function(
    part(
        "the loss of each epoch, and the weights after all of them",
        points=3,
        essential=True,
        count=4,
        steps=fitted(8, [4, 8]),
        **NEAR,
    ),
    part(
        "a last batch that is short; x and t stay as they are",
        count=3,
        steps=fitted(7, [3, 4, 50]),
        **NEAR,
    ),
)

# --- the bug museum -------------------------------------------------------------------------------

INPUTS, CLASSES = 784, 10


def plain(nn, torch):
    """Return a network of two layers."""
    return module(nn, [("Linear", INPUTS, 20), ("Tanh",), ("Linear", 20, CLASSES)])


def between(function):
    """Return a maker of networks that send what the first layer gives through a function."""

    def make(nn, torch):
        stage = nn.Identity()
        stage.forward = function(torch)
        return nn.Sequential(nn.Linear(INPUTS, 20), nn.Tanh(), stage, nn.Linear(20, CLASSES))

    return make


def changed(change):
    """Return a maker of networks of two layers that are changed afterwards."""

    def make(nn, torch):
        net = plain(nn, torch)
        change(net, nn, torch)
        return net

    return make


def of(*layers):
    """Return a maker of networks of PyTorch's own layers."""
    return lambda nn, torch: module(nn, layers)


def spare_with_a_gradient(net, nn, torch):
    """Register a layer that is not used and has a gradient from long ago."""
    spare = nn.Linear(3, 3)
    for parameter in spare.parameters():
        parameter.grad = torch.ones_like(parameter)
    net[0].add_module("spare", spare)


def tiny(net, nn, torch):
    """Make all but the last layer's gradients tiny."""
    net[2].weight.data.mul_(3e-13)


def half_dead(nn, torch):
    """Return a network of ReLUs of which every other one is dead."""
    net = module(nn, [("Linear", INPUTS, 20), ("ReLU",), ("Linear", 20, CLASSES)])
    net[0].bias.data[::2] = -1000.0
    return net


def all_dead(nn, torch):
    """Return a network of ReLUs all of which are dead."""
    net = half_dead(nn, torch)
    net[0].bias.data.fill_(-1000.0)
    return net


def twice(nn, torch):
    """Return a network that uses one layer in two places."""
    middle = nn.Linear(20, 20)
    return nn.Sequential(
        nn.Linear(INPUTS, 20), nn.Tanh(), middle, nn.Tanh(), middle, nn.Tanh(),
        nn.Linear(20, CLASSES),
    )  # fmt: skip


def nested(nn, torch):
    """Return a network of networks."""
    return nn.Sequential(plain(nn, torch), nn.Tanh(), nn.Sequential(nn.Linear(CLASSES, CLASSES)))


DEEP = [("Linear", INPUTS, 30), ("Sigmoid",), *[("Linear", 30, 30), ("Sigmoid",)] * 4]
RIGHT = {
    "has one layer": of(("Linear", INPUTS, CLASSES)),
    "has two layers and a tanh": plain,
    "has sigmoids and three layers": of(*stack([INPUTS, 50, 100, CLASSES], "Sigmoid")),
    "has 12 classes": of(*stack([INPUTS, 20, 12])),
    "normalizes the batch": of(("BatchNorm1d", INPUTS), *stack([INPUTS, 20, CLASSES])),
    "has six layers, so that the first ones' gradients are small": of(
        *DEEP, ("Linear", 30, CLASSES)
    ),
    "has gradients of about 1e-14 in its first layer": changed(tiny),
    "has ReLUs of which every other one is dead": half_dead,
    "uses one layer in two places": twice,
    "is made of smaller networks": nested,
    "squeezes everything through single units": of(
        ("Linear", INPUTS, 1), ("Tanh",), ("Linear", 1, 1), ("Tanh",), ("Linear", 1, CLASSES)
    ),
    "has dropout": of(("Linear", INPUTS, 50), ("Tanh",), ("Dropout", 0.2), ("Linear", 50, CLASSES)),
    "normalizes each sample": of(
        ("Linear", INPUTS, 20), ("LayerNorm", 20), ("Tanh",), ("Linear", 20, CLASSES)
    ),
    "has no biases": of(("Linear", INPUTS, 20, False), ("Tanh",), ("Linear", 20, CLASSES, False)),
    "still has gradients from another batch": changed(
        lambda net, nn, torch: setattr(net[0].weight, "grad", torch.ones_like(net[0].weight))
    ),
}
PLAINLY_WRONG = {
    "has a layer that it never uses": changed(
        lambda net, nn, torch: net[2].add_module("spare", nn.Linear(CLASSES, CLASSES))
    ),
    "cuts the graph behind its first layer, with detach": between(lambda torch: torch.detach),
    "has a first layer that is frozen": changed(
        lambda net, nn, torch: void(net[0].requires_grad_(False))
    ),
    "has a last layer that is frozen": changed(
        lambda net, nn, torch: void(net[2].requires_grad_(False))
    ),
}
WRONG = {
    "rounds what its first layer gives: a gradient of exactly 0 arrives there": between(
        lambda torch: torch.round
    ),
    "has nothing but dead ReLUs": all_dead,
    "multiplies what its first layer gives by 0": between(lambda torch: torch.zeros_like),
    "never uses a layer that has a gradient from long ago": changed(spare_with_a_gradient),
    "has a single bias that is frozen": changed(
        lambda net, nn, torch: void(net[0].bias.requires_grad_(False))
    ),
    "has a single parameter that it never uses": changed(
        lambda net, nn, torch: net[0].register_parameter("spare", nn.Parameter(torch.ones(3)))
    ),
    "never uses a layer in the middle of the list": changed(
        lambda net, nn, torch: net[1].add_module("spare", nn.Linear(20, 20))
    ),
    "takes the sign of what its first layer gives": between(lambda torch: torch.sign),
    "has first weights alone that are frozen": changed(
        lambda net, nn, torch: void(net[0].weight.requires_grad_(False))
    ),
    "has last biases alone that are frozen": changed(
        lambda net, nn, torch: void(net[2].bias.requires_grad_(False))
    ),
    "has last weights alone that are frozen": changed(
        lambda net, nn, torch: void(net[2].weight.requires_grad_(False))
    ),
}


def sorted_out(wrong):
    """Return steps that ask a check about all right networks and these wrong ones."""

    def steps(t):
        made = [
            {
                words: t.build(f"a network that {words}", make, "nn", "torch")
                for words, make in networks.items()
            }
            for networks in (RIGHT, wrong)
        ]
        layers = stack([INPUTS, 3, CLASSES])
        small = [0.03 * value for value in drawn(t, layers)]  # large ones would saturate the tanh
        net = t.build(written(layers), lambda nn: fill(module(nn, layers), small), "nn")
        made[0]["has three units in the middle"] = net
        t.sort(*made)
        look(t, "the parameters of a network that was asked about", state, net)
        look(t, "[its first layer freezes]", lambda net, torch: void(freeze(net, False)), net)
        t.sort({}, {"was right a moment ago, and whose first layer is frozen now": net})
        look(t, "[it can learn again]", lambda net, torch: void(freeze(net, True)), net)
        t.sort({"was frozen a moment ago, and can learn again": net}, {})

    return steps


def freeze(net, learns):
    """Freeze the first layer of a network, or let it learn again."""
    next(iter(net.modules()))[0].requires_grad_(learns)


def fixed(t):
    """Give both fixed networks the same parameters, and compare their scores."""
    sizes = [t.source.integer(1, 4) for _ in range(3)] + [t.source.integer(2, 4)]
    net = t.make(*sizes)
    given = drawn(t, stack(sizes))
    x = t.source.array((3, sizes[0]), -2, 2).astype(np.float32)
    look(t, "[its parameters are set]", lambda net, torch: void(fill(net, given)), net)
    look(t, f"net(x) with x of shape {x.shape}", scores(x), net)
    look(t, "the gradients of the sum of these scores", slopes_of_scores(x), net)
    look(t, f"net(x) with x of shape {x.shape}, 50 times as large", scores(50 * x), net)
    look(t, "net.eval()", lambda net, torch: void(net.eval()), net)
    look(t, f"net(x) with x of shape {x.shape}, in evaluation mode", scores(x), net)
    look(t, f"net(x) with x of shape {x[:1].shape}, in evaluation mode", scores(x[:1]), net)


check_network = interaction(
    part(
        "accepts right networks, and rejects what is plainly wrong",
        points=2,
        essential=True,
        count=2,
        steps=sorted_out(PLAINLY_WRONG),
    ),
    part("rejects other wrong networks", count=2, steps=sorted_out(WRONG)),
    part(
        "comes with a fixed network that is right",
        points=2,
        of="FixedNet",
        count=6,
        steps=fixed,
        **NEAR,
    ),
)
