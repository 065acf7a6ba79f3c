"""What the exercises of chapter 4, part C, promise."""

from dataclasses import replace

import numpy as np

from helpers.specification import (
    arrays,
    integer_arrays,
    interaction,
    numbers,
    part,
)
from helpers.specification.values import Tolerance, same

# --- the network ----------------------------------------------------------------------------------

BIAS = 0.0371  # keeps sums of round numbers from being exactly 0, where ReLU has a kink
KNOWN = ("6", "4", "5", "3")  # samples, inputs, units and classes
DRAWN = ("N", "n", "h", "K")
SQUARE = ("3", "3", "3", "3")  # here a transpose that is left out, or a wrong axis, fits


def network(t, axes, high=1, inputs=None):
    """Return a network with drawn parameters, from -high to high, these, and a batch.

    No hidden unit is near its kink, and no sample has two classes that are nearly equal.
    """
    N, n, h, K = axes
    inputs = inputs or arrays(f"{N} {n}", -2, 2)
    while True:
        drawn = t.draw(
            arrays(f"{n} {h}", -high, high),
            arrays(h, -high, high).map(lambda b: b + BIAS),
            arrays(f"{h} {K}", -high, high),
            arrays(K, -high, high),
            inputs,
        )
        W1, b1, W2, b2, x = drawn
        sums = x @ W1 + b1
        ranked = np.sort(np.maximum(sums, 0) @ W2 + b2, axis=1)
        near = 0.01 if len(x) < 100 else 1e-9
        if np.abs(sums).min() > near and np.all(np.diff(ranked[:, -2:]) > near / 1e4):
            break
    values = dict(zip(("W1", "b1", "W2", "b2"), drawn, strict=False))
    net = t.make(*W1.shape, len(b2), 0.5, rng=np.random.default_rng(1))
    for key, value in values.items():
        net.write(f"params.{key}", value)
    return net, values, x


def truth(t, x, values):
    """Return drawn labels for a batch."""
    return t.draw(integer_arrays(f"{len(x)}", 0, len(values["b2"]) - 1))


def holds_others(net):
    """Return what tells of layers, or of `params`, that hold other numbers than were written."""

    def about(found, right):
        for key in ("W1", "b1", "W2", "b2"):
            layer = f"Affine{key[1]}"
            if not np.array_equal(np.array(net.theirs.params[key]), net.ours.params[key]):
                return (
                    f"`params[{key!r}]` does not hold the numbers that were written into it: each "
                    "of the four arrays has a memory of its own, and no method changes them."
                )
            held = np.array(getattr(net.theirs.layers[layer], key[0]))
            if not np.array_equal(held, np.array(net.theirs.params[key])):
                return (
                    f"The numbers in `params[{key!r}]` have been changed in place, and `layers"
                    f"[{layer!r}]` holds others: make it with that very array."
                )
        return ""

    return about


def softmax(scores):
    """Return the probabilities of scores."""
    powers = np.exp(scores - np.max(scores, axis=1, keepdims=True))
    return powers / np.sum(powers, axis=1, keepdims=True)


def misled(net, x, loss=False):
    """Return what tells of scores, a loss or gradients that are wrong in a way that has a name."""

    def about(found, right):
        if isinstance(right, dict):
            pairs = [(np.asarray(found[key]), right[key]) for key in right]
        else:
            pairs = [(np.asarray(found), np.asarray(right))]
        if any(one.shape != other.shape for one, other in pairs):
            return shaped(*pairs[0]) if len(pairs) == 1 else ""
        for power, words in TIMES.items():
            times = float(len(x)) ** power
            if len(x) > 1 and all(np.allclose(one, times * other) for one, other in pairs):
                return words
        if not loss and len(pairs) == 1 and np.allclose(found, softmax(right)):
            return "These are probabilities: `predict` returns the scores, without a softmax."
        return holds_others(net)(found, right)

    return about


def shaped(found, right):
    """Tell of scores that are right in another shape."""
    if found.size == right.size and np.allclose(found.ravel(), right.ravel()):
        return "The numbers are right, the shape is not: it is (N, output_size) for any N, 1 too."
    return ""


TIMES = {
    1: "It is too large by the number of samples: the loss is a mean, and the loss layer divides "
    "by N, once.",
    -1: "It is too small by the number of samples: the loss layer has divided by N already.",
}


def penalized(t, losses):
    """Say so if all losses are too large by the same share of the squared weights."""
    shares = []
    for event, values in losses:
        if event.error is not None or np.ndim(event.actual) or same(event.actual, event.expected):
            return
        squares = sum(np.sum(values[key] ** 2) for key in ("W1", "W2"))
        shares.append((event.actual - event.expected) / squares)
    if len(shares) > 1 and np.allclose(shares, shares[0], rtol=1e-4, atol=0):
        words = (
            f"That is {shares[0]:.4g} times the sum of all squared weights too much: the loss is "
            "the cross-entropy alone, without a penalty."
        )
        t.say(words, losses[0][0])


def net_slopes(t):
    """Hold the gradient at each parameter against numerical differentiation.

    Before that two networks go through batches in turn, as in a training.
    """
    losses = []
    for axes in (KNOWN, DRAWN, SQUARE):
        begin = len(t.events)
        net, values, x = network(t, axes)
        other, _, before = network(t, axes)
        right, rest = truth(t, x, values), truth(t, before, values)
        net.loss(before, rest)
        t.say(misled(net, before, loss=True))
        losses.append((t.events[-1], values))
        other.gradient(before, rest)
        first = t.events[-1]
        t.say(misled(other, before))
        net.gradient(x, right)
        t.say(misled(net, x))
        t.say("" if first.fault else ANOTHER)
        net.predict(before)
        t.say(misled(net, before))
        net.gradient(before, rest)
        t.say(misled(net, before))
        t.say("" if first.fault else ANOTHER)
        net.loss(x, right)
        t.say(misled(net, x, loss=True))
        losses.append((t.events[-1], values))
        if axes is SQUARE and not any(event.fault for event in t.events[:begin]):
            for event in t.events[begin:]:
                t.say(EQUAL, event)
    penalized(t, losses)
    net, values, x = network(t, KNOWN)
    right = truth(t, x, values)
    net.gradient(x, right)
    for key, value in values.items():
        t.slope(lambda z, key=key: mean_loss(t, {**values, key: z}, x, right), value, item=key)


EQUAL = (
    "Where samples, inputs, units and classes are of different numbers it is right; here all are "
    "3, and nothing can be told by its length."
)
ANOTHER = (
    "For another network's first batch it was right: `gradient` begins with a forward pass of its "
    "own batch, and nothing of an earlier one is in it."
)


def mean_loss(t, values, x, right):
    """Return the loss of the reference's layers with these parameters."""
    first = t.names["Affine"](values["W1"], values["b1"]).forward(x)
    scores = t.names["Affine"](values["W2"], values["b2"]).forward(np.maximum(first, 0))
    return t.names["SoftmaxWithLoss"]().forward(scores, right)


def net_scores(t):
    """Ask for loss and accuracy, with labels and one-hot, where some samples are right."""
    for axes in (KNOWN, DRAWN):
        net, values, x = network(t, axes)
        classes = len(values["b2"])
        best = np.argmax(net.ours.predict(x), axis=1)
        wrong = t.draw(integer_arrays(f"{len(x)}", 0, 1))
        wrong[0], wrong[-1] = 0, 1  # one of each, unless there is one sample
        right = (best + wrong) % classes
        hot = np.eye(classes)[right]
        begin = len(t.events)
        for given in (right, hot, hot.astype(int), right.astype(np.uint8)):
            kind = "one-hot" if given.ndim > 1 else "labels"
            form = f"Here t has the shape {given.shape}: {kind}, of type {given.dtype}."
            for method, name in ((net.loss, "loss"), (net.accuracy, "accuracy")):
                method(x, given)
                t.say(form)
                wrong = {event.name for event in t.events[begin:-1] if event.fault}
                known = given is right or any(one.endswith(name) for one in wrong)
                t.say("" if known else misread(given, hot))
                t.say(misled(net, x, loss=True))
    t.apart()
    net, values, first = network(t, KNOWN)
    x, right = t.keep(first), truth(t, first, values)
    for key in ("", "W2", "b1", "x"):
        if key in values:
            net.write(f"params.{key}", values[key] * 1.5)
        elif key:
            x.write(first + 0.125)
        for method in (net.loss, net.accuracy):
            method(x, right)
            t.say(NOW)
    if t.source.size >= 5:
        net, many, right = many_samples(t)
        net.loss(many, right)
        net.accuracy(many, right.astype(np.uint8))
    if t.source.size == 3:
        large_scores(t)


LARGE = (
    "Here scores are of the order of 2000, and their exponentials no numbers that a computer "
    "holds: `last_layer` does without them."
)


def large_scores(t):
    """Let all scores be large, of either sign, or that of one class, which is wrong for some."""
    t.apart()
    net, values, x = network(t, KNOWN)
    right = truth(t, x, values)
    for shift in (2000.0, -2000.0, np.array([2000.0, 0.0, -2000.0])):
        net.write("params.b2", values["b2"] + shift)
        net.loss(x, right)
        t.say(LARGE)
        net.accuracy(x, right)
    t.apart()
    net, values, x = network(t, KNOWN)
    classes = len(values["b2"])
    net.write("params.W2", 0 * values["W2"])
    net.write("params.b2", 1e-17 * np.arange(classes))
    net.accuracy(x, np.full(len(x), classes - 1))
    t.say("Here the scores differ by 1e-17, and their probabilities don't: take the scores.")
    t.apart()
    net, values, x = network(t, SQUARE)
    best = net.ours.predict(x).argmax(axis=1)
    for turn in range(classes):  # as many samples as classes: only axis 1 names them
        net.accuracy(x, np.eye(classes)[(best + np.arange(len(x)) * turn) % classes])
        t.say("A one-hot target names the class of a sample along axis 1.")


def misread(given, hot):
    """Return what may be wrong where another form of the same target gave the right answer."""
    if given is hot:
        return (
            "For labels it is right: in a one-hot target the position of the 1, along axis 1, "
            "names the class."
        )
    return (
        "The same target in its other form worked: labels and one-hot targets may have any numeric "
        "type."
    )


# With x = (1, -2) the sum of the first unit is exactly 0. There differences to both sides see half
# a slope, to either side all of it or none, and backpropagation none at all.
AT_KINK = {
    "W1": np.array([[0.5, 1.0], [0.25, 0.25]]),
    "b1": np.array([0.0, 0.25]),
    "W2": np.array([[1.0, -1.0, 0.5], [0.5, 1.0, -0.5]]),
    "b2": np.zeros(3),
}


def differs_at_kink(found):
    """Tell of a gradient that is 0 where ReLU has its kink, whichever way its sum moves."""
    slopes = np.asarray(found["W1"]) if isinstance(found, dict) and "W1" in found else np.ones(1)
    zero = slopes.shape == (2, 2) and not np.any(slopes[:, 0])
    return (
        "`numerical_gradient` does not move the numbers: at ReLU's kink its gradient is that of "
        "backpropagation. Find it by finite differences of `loss` alone."
        if zero
        else ""
    )


PUT_BACK = (
    "Afterwards `{}` is not as it was: put each number back before the next one is moved, in "
    "every array."
)


def imprecise(found, right):
    """Tell of differences that are near, and no more."""
    offs = np.concatenate([np.ravel(np.abs(found[key] - right[key])) for key in right])
    if offs.max() < 2e-4 and np.mean(offs > 1e-7) > 0.9:
        return "Step to both sides, by about 1e-4: with a much smaller step rounding takes over."
    if all(np.allclose(found[key], right[key], rtol=0.02, atol=0.02) for key in right):
        return "Step to both sides, by about 1e-4: then the error is far smaller."
    return "Each number of an array is moved by itself, and its difference goes to its own place."


def unmoved(net, values, x):
    """Return what tells of differences that are 0 in whole arrays, or are not those of the loss."""

    def about(found, right):
        still = [key for key in right if not np.any(found[key]) and np.any(right[key])]
        if still:
            return (
                f"All numbers of {still[0]} are 0, as if the loss did not follow: move the numbers "
                "in the arrays of `params` themselves (`ravel` and `flatten` may return copies), "
                "and compute the loss anew each time."
            )
        first = {key: np.isclose(found[key], right[key], rtol=1e-4, atol=1e-6) for key in right}
        if all(np.all(found[key][~first[key]] == 0) for key in right):
            if all(np.sum(~good) == 1 and not good.ravel()[-1] for good in first.values()):
                return "The last number of each array is left out."
            zero = [key for key in right if np.any(values[key][~first[key]])]
            if not zero:
                return "It is 0 where the number itself is 0: the step is the same for all."
        return misled(net, x)(found, right) or imprecise(found, right)

    return about


def net_differences(t):
    """Ask for the gradient by differences, and look at the parameters afterwards."""
    net, values, x = network(t, KNOWN)
    right = truth(t, x, values)
    net.numerical_gradient(x, t.choice(right, np.eye(len(values["b2"]))[right]))
    differences, begin = t.events[-1], len(t.events)
    net.read(*(f"params.{key}" for key in values))
    left = [event.name for event in t.events[begin:] if event.fault]
    t.say(PUT_BACK.format(left[0]) if left else unmoved(net, values, x), differences)
    for key, value in values.items():
        net.write(f"params.{key}", value / 2)
    net.predict(x)
    t.say("`params` was changed in place: the layers use the very arrays of `params`, at any time.")
    t.apart()
    net, values, x = network(t, KNOWN, inputs=integer_arrays("6 4", -2, 2))
    net.numerical_gradient(x, truth(t, x, values))
    t.say("Here x holds whole numbers. The gradient is one of floats all the same.")
    t.apart()
    net, small = t.make(2, 2, 3, 0.5, rng=np.random.default_rng(1)), np.array([[1.0, -2.0]])
    for key, value in AT_KINK.items():
        net.write(f"params.{key}", value)
    t.both(
        "numerical_gradient",
        lambda *given: t.invoke(net.theirs.numerical_gradient, given, {}),
        net.ours.numerical_gradient,
        (small, np.array([0])),
        relation=differs_at_kink,
    )


def net_batches(t):
    """Go through several batches with two networks, and change one of them in between."""
    net, values, x = network(t, KNOWN, high=t.choice(1, 3))
    other, _, _ = network(t, KNOWN)
    for k, count in enumerate(("6", "4", "1")):
        batch, right = t.draw(arrays(f"{count} 4", -2, 2), integer_arrays(count, 0, 2))
        net.gradient(batch, right)
        t.say(f"Its batch has {count} samples, that of before had more." if k else "")
        for key in values:
            net.read(f"params.{key}")
            t.say("A gradient is only computed: no parameter changes.")
        rest = np.eye(3)[np.resize(right, len(x))]
        (other.gradient if k else net.predict)(x, *([rest] if k else []))
        net.write("params.W2", values["W2"] * (k + 2))
    t.apart()
    net, values, first = network(t, KNOWN)
    x, right = t.keep(first), truth(t, first, values)
    for key in ("", *values):  # one object all the time
        if key:
            net.write(f"params.{key}", values[key] * 1.5)
        net.gradient(x, right)
        t.say(NOW)
    net.predict(-first)
    x.write(first + 0.125)
    net.gradient(x, right)
    t.say(NOW)
    if t.source.size >= 5:
        net, x, right = many_samples(t)
        net.gradient(400 * x, right)


NOW = (
    "It was right before: nothing is remembered, as parameters may have changed, or the numbers in "
    "`x`, though the object is the same."
)


def many_samples(t):
    """Return a larger network, many samples and their labels."""
    t.apart()
    net, values, x = network(t, ("301", "20", "6", "12"))
    return net, x, truth(t, x, values)


TwoLayerNet = interaction(
    part("agrees with numerical differentiation", 3, essential=True, count=6, steps=net_slopes),
    part(
        "loss and accuracy, with labels and one-hot",
        2,
        rtol=1e-5,
        atol=1e-6,
        count=10,
        steps=net_scores,
    ),
    part(
        "numerical_gradient agrees, and puts the parameters back",
        2,
        rtol=1e-5,
        atol=1e-6,
        count=5,
        steps=net_differences,
    ),
    part("each batch has a gradient of its own; nothing else changes", count=8, steps=net_batches),
)

# --- training -------------------------------------------------------------------------------------


def training(t):
    """Return a network with drawn parameters, and three batches."""
    net = t.make_of("TwoLayerNet", 4, 5, 3, rng=np.random.default_rng(1))
    for key, shape in (("W1", "4 5"), ("b1", "5"), ("W2", "5 3"), ("b2", "3")):
        drawn = t.draw(arrays(shape, -1, 1))
        net.write(f"params.{key}", drawn + BIAS if key == "b1" else drawn)
    batches = [
        tuple(t.draw(arrays(f"{count} 4", -2, 2), integer_arrays(f"{count}", 0, 2)))
        for count in (5, 5, 3)
    ]
    return net, batches


APART = (
    "`params` holds the right numbers, and the layers compute with others: the arrays that both "
    "hold are to be changed in place."
)


def held_apart(found, right):
    """Tell of scores that are others than the right numbers in `params` give."""
    return "" if np.allclose(found, right, rtol=1e-3, atol=1e-4) else APART


LATER = (
    "After one batch alone the parameters are right, so it is a later step that errs: it has the "
    "same rate, takes the next batch in order, and uses nothing but that batch's gradient."
)
SURE = (
    "Here the first loss is nearly 0, and those of the other batches are not: each batch makes its "
    "step, however small a loss is."
)
OWN = (
    "The first loss is right, so a later one is wrong: it is that of its own batch alone, before "
    "its step, with the parameters as the steps before have left them."
)


def times_step(old):
    """Return what tells of a step that goes the right way, and too far or not far enough."""

    def about(found, right):
        step, wanted = found - old, right - old
        if np.allclose(found, old, rtol=1e-9, atol=1e-12):
            return "It has not moved: each batch moves all four, whatever its loss is or does."
        times = np.sum(step * wanted) / np.sum(wanted**2)
        if np.allclose(step, times * wanted, rtol=1e-6, atol=1e-9):
            return f"Its step is {times:.4g} times the right one, the rate times the gradient."
        more = np.sum((step - wanted) * old) / np.sum(old**2)
        if np.allclose(step - wanted, more * old, rtol=1e-6, atol=1e-9):
            return "Besides the step all its numbers shrink or grow: subtract the step alone."
        return ""

    return about


def listed(calls):
    """Return what tells of a list of losses, after so many calls."""

    def about(found, right):
        if len(found) < len(right) and calls == 2:
            return "Here `batches` is a generator, which gives each batch once: go through it once."
        if len(found) != len(right):
            return "It holds one loss for each batch of this call: make the list anew in each call."
        if len(right) < 2:
            return ""
        if np.allclose(found, np.cumsum(right) / np.arange(1, len(right) + 1)):
            return "It holds means of all losses so far: each is that of its own batch alone."
        if np.isclose(found[0], right[0]):
            return OWN
        return LEFT if calls else ""

    return about


LEFT = (
    "The first loss is that of the first batch, with the parameters of `net` as the call before "
    "has left them."
)


def train_steps(t):
    """Train, and look at the parameters afterwards, whatever comes back."""

    def silent(train):
        def train_only(net, batches, learning_rate):
            train(net, batches, learning_rate)

        return train_only

    def trained(net, batches, rate):
        before = copies(net.ours.params)
        t.both("train", silent(t.student), silent(t.reference), (net, batches, rate))
        begin = len(t.events)
        for key, old in before.items():
            net.read(f"params.{key}")
            t.say(times_step(old) if len(batches) == 1 else "")
        wrong = [event for event in t.events[begin:] if event.fault]
        net.predict(batches[0][0])
        t.say("" if wrong else held_apart)
        return wrong

    net, batches = training(t)
    first = trained(net, batches[:1], 0.1)
    for rate in (0.1, 0.5, t.draw(numbers(0.01, 1))):
        net, batches = training(t)
        for event in trained(net, batches, rate):
            t.say("" if first else LATER, event)
    net, (batch, *batches) = training(t)
    net.write("params.b2", np.array([30.0, 0.0, 0.0]))  # sure of class 0: the loss is nearly 0
    sure = batch[0], np.zeros(len(batch[0]), dtype=int)
    for event in trained(net, [sure, *batches], 0.1):
        t.say(SURE, event)
    for bias, rate in ((12.0, 10.0), (20.0, 1e4)):  # the loss is about exp(-bias)
        t.apart()
        net, (batch, *_) = training(t)
        net.write("params.b2", np.array([bias, 0.0, 0.0]))
        for event in trained(net, [(batch[0], np.zeros(len(batch[0]), dtype=int))], rate):
            t.say(SMALL, event)
    t.apart()
    net, ((x, right), *_) = training(t)
    for event in trained(net, [(60 * x, right)], 0.01):
        t.say("Here the gradient is long: nothing is cut off.", event)
    if t.source.size >= 5:
        t.apart()
        net, batches = training(t)
        for event in trained(net, batches * 40, 0.01):
            t.say("There are 120 batches: each makes a step, by the same rate.", event)


SMALL = "Here the loss is small, and the rate large: each batch makes its step all the same."


def train_losses(t):
    """Train with a list of batches, a generator and one-hot targets; look at what comes back."""
    net, batches = training(t)
    for calls, rate in enumerate((0, 0.2)):
        t.call(net, batches, rate)
        t.say(listed(calls))
    t.call(net, t.once(*batches), 0.5)
    t.say(listed(2))
    t.call(net=net, batches=[(x, np.eye(3)[right]) for x, right in batches], learning_rate=0.1)
    t.say(listed(3))
    t.call(net, batches[:1], 0.1)
    t.say(listed(4))
    t.call(net, [], 0.1)


def train_two(t):
    """Train one of two networks, ask both for their scores, and look at the arrays of before."""
    net, batches = training(t)
    other, _ = training(t)
    held = [(key, net.theirs.params[key], net.ours.params[key]) for key in net.ours.params]
    t.call(net, batches, 0.3)
    t.call(net, [tuple(part[:1] for part in batches[0])], 0.3)  # a batch of one
    for each in (net, other):
        each.predict(batches[0][0])
    for key, theirs, ours in held:
        t.both(
            f"the array that was params['{key}'] before",
            lambda theirs=theirs: theirs,
            lambda ours=ours: ours,
            relation=lambda found, ours=ours: (
                ""
                if same(found, ours, Tolerance(1e-4, 1e-6))
                else "The array that was in `params` before keeps its old numbers, because another "
                "one was put in its place: change it in place, with `-=`."
            ),
        )


train = interaction(
    part("takes the right steps", 2, essential=True, count=6, steps=train_steps),
    part("returns the loss of each batch before its step", 2, count=6, steps=train_losses),
    part("changes the network itself, and no other", count=5, steps=train_two),
)

# --- the bug museum -------------------------------------------------------------------------------


def differences(loss, params, low=-1e-4, high=1e-4, restore=True, scale=1.0):
    """Return the difference quotient for each number, with a step down and a step up."""
    grads = {key: np.zeros(np.shape(values)) for key, values in params.items()}
    for key, values in params.items():
        for place in np.ndindex(values.shape):
            kept = values[place]
            values[place] = kept + high
            above = loss(params)
            values[place] = kept + low
            below = loss(params)
            if restore:
                values[place] = kept
            grads[key][place] = scale * (above - below) / (high - low)
    return grads


def copies(params):
    """Return a dictionary of copies."""
    return {key: values.copy() for key, values in params.items()}


def on_copies(loss, params, **options):
    """Return the difference quotients, and never touch params."""
    return differences(loss, copies(params), **options)


def finer(loss, params):
    """Return the gradients by a formula of higher order."""
    small, large = (on_copies(loss, params, low=-h, high=h) for h in (5e-4, 1e-3))
    return {key: np.asarray((4 * small[key] - large[key]) / 3) for key in params}


def with_rounding(loss, params):
    """Return the gradients; params are off by a rounding error afterwards."""
    found = on_copies(loss, params)
    for values in params.values():
        values += 0.1
        values -= 0.1
    return found


def last_key_first(loss, params):
    """Return the gradients in a dictionary of another order."""
    found = on_copies(loss, params)
    return {key: found[key] for key in reversed(list(found))}


RIGHT_GRADIENTS = {
    "puts each float64 number back, with errors near 1e-8": differences,
    "works on copies of float64 arrays, with errors near 1e-8": on_copies,
    "takes a smaller step, with errors near 1e-8": lambda loss, params: differences(
        loss, params, low=-3e-5, high=3e-5
    ),
    "works on copies of float64 arrays, with a step of 1e-5": lambda loss, params: on_copies(
        loss, params, low=-1e-5, high=1e-5
    ),
    "leaves a rounding error in the parameters": with_rounding,
    "works on copies, and uses a finer formula": finer,
    "returns the last key first, with errors near 1e-8 in float64 arrays": last_key_first,
    "returns float64 arrays in another memory order, with errors near 1e-8": lambda loss, params: {
        key: np.array(value, order="F") for key, value in on_copies(loss, params).items()
    },
}


def spoilt(change):
    """Return a version that gives the right gradients and then changes the parameters."""

    def spoil(loss, params):
        found = on_copies(loss, params)
        change(list(params.values()), list(found.values()))
        return found

    return spoil


def lower(arrays):
    """Leave arrays a step lower."""
    for values in arrays:
        values -= 1e-4


def write_over(arrays, others):
    """Write other arrays over these."""
    for values, other in zip(arrays, others, strict=True):
        values[...] = other


def some_keys(choose):
    """Return a version that returns the gradients of some keys alone."""
    return lambda loss, params: {
        key: value for key, value in on_copies(loss, params).items() if key in choose(list(params))
    }


def changed(change):
    """Return a version that changes what is right, array by array."""
    return lambda loss, params: {
        key: np.asarray(change(value)) for key, value in on_copies(loss, params).items()
    }


def alone(loss, params):
    """Return the gradient of each array at a point where all others are 0."""
    zeros = {key: np.zeros_like(value) for key, value in params.items()}
    return {key: on_copies(loss, {**zeros, key: params[key]})[key] for key in params}


def under_other_keys(loss, params):
    """Return right gradients, of which those of one shape have changed places."""
    found = on_copies(loss, params)
    places = {}
    for key, value in found.items():
        places.setdefault(value.shape, []).append(key)
    next_key = {key: keys[n - 1] for keys in places.values() for n, key in enumerate(keys)}
    return {key: found[next_key[key]] for key in found}


def row_by_row(loss, params, h=1e-4):
    """Return difference quotients that move a whole row at a time: right for vectors alone."""
    moved, grads = copies(params), {}
    for key, values in moved.items():
        grads[key] = np.zeros(np.shape(values))
        for place in range(len(values)) if np.ndim(values) else [()]:
            kept = np.copy(values[place])
            values[place] = kept + h
            above = loss(moved)
            values[place] = kept - h
            below = loss(moved)
            values[place] = kept
            grads[key][place] = (above - below) / (2 * h)
    return grads


PLAINLY_WRONG_GRADIENTS = {
    "computes every gradient rightly, and then writes it over the parameters": spoilt(write_over),
    "divides by h where 2h is right": lambda loss, params: on_copies(loss, params, scale=2.0),
    "returns the negative gradient": lambda loss, params: on_copies(loss, params, scale=-1.0),
    "returns zeros": changed(np.zeros_like),
    "returns the parameters: for half the sum of squares that is right": (
        lambda loss, params: copies(params)
    ),
    "adds 1 to each gradient": changed(lambda value: value + 1),
}
WRONG_GRADIENTS = {
    "leaves each parameter a step of 1e-4 lower than it was": spoilt(
        lambda arrays, found: lower(arrays)
    ),
    "leaves the first array a step of 1e-4 lower than it was": spoilt(
        lambda arrays, found: lower(arrays[:1])
    ),
    "overwrites the last array of the parameters": spoilt(
        lambda arrays, found: write_over(arrays[-1:], [0.0])
    ),
    "does not put a number back before it moves the next": (
        lambda loss, params: on_copies(loss, params, restore=False)
    ),
    "takes one-sided differences, right to three or four digits only": (
        lambda loss, params: on_copies(loss, params, low=0.0)
    ),
    "takes a step of 0.1 to each side, which is exact for parabolas only": (
        lambda loss, params: on_copies(loss, params, low=-0.1, high=0.1)
    ),
    "returns the gradient of the first array alone": some_keys(lambda keys: keys[:1]),
    "returns the gradient of the last array alone": some_keys(lambda keys: keys[-1:]),
    "returns the first number of each gradient, and 0 for the others": changed(
        lambda value: np.where(np.arange(value.size).reshape(value.shape) == 0, value, 0.0)
    ),
    "moves a whole row of a matrix at once, which is right for vectors alone": row_by_row,
    "returns the numbers of each array in the order from the last to the first": changed(
        lambda value: value.ravel()[::-1].reshape(value.shape)
    ),
    "transposes square matrices, and mixes up the places of others": changed(
        lambda value: value.ravel(order="F").reshape(value.shape)
    ),
    "returns the gradients of arrays of one shape, each under the key of another": under_other_keys,
    "returns 0 for arrays without axes": changed(
        lambda value: value if value.ndim else np.zeros_like(value)
    ),
    "is wrong in the last number of each array alone": changed(
        lambda value: value + 0.01 * (np.arange(value.size) == value.size - 1).reshape(value.shape)
    ),
    "returns nan for matrices": changed(
        lambda value: value if value.ndim < 2 else np.full_like(value, np.nan)
    ),
    "returns nan everywhere": changed(lambda value: np.full_like(value, np.nan)),
    "returns the mean of each array in all its places": changed(
        lambda value: np.full_like(value, np.mean(value))
    ),
    "is one percent too large": changed(lambda value: 1.01 * value),
    "measures each array with 0 in all others": alone,
    "adds 1e-4 to the last number of the first array of the parameters": spoilt(
        lambda arrays, found: arrays[0].flat.__setitem__(-1, arrays[0].flat[-1] + 1e-4)
    ),
    "changes the signs of the parameters": spoilt(
        lambda arrays, found: write_over(arrays, [-values for values in arrays])
    ),
    "has the wrong sign in the first array": lambda loss, params: {
        key: value if key != next(iter(params)) else np.asarray(-value)
        for key, value in on_copies(loss, params).items()
    },
    "differentiates at 0, not where the parameters are": lambda loss, params: differences(
        loss, {key: np.zeros_like(values) for key, values in params.items()}
    ),
}


IN_PLACE = [words for words in RIGHT_GRADIENTS if "puts" in words or "smaller" in words]


def sorted_out(wrong):
    """Return steps that ask a check of right versions and these; they say what it rejects."""

    def steps(t):
        t.sort(RIGHT_GRADIENTS, wrong)
        rejected = {
            words: event
            for event in t.events
            for words in RIGHT_GRADIENTS
            if event.step == f"check(the version that {words})" and event.fault
        }
        accepted = [words for words in RIGHT_GRADIENTS if words not in rejected]
        if not accepted:
            more = ALL
        elif accepted == IN_PLACE:
            more = COPIES
        elif len(rejected) > 3:
            more = MOST
        else:
            return
        for event in rejected.values():
            if event.problem.startswith("Your check"):
                place = next(n for n, one in enumerate(t.events) if one is event)
                t.events[place] = replace(event, fault=f"{event.problem} {more}")

    return steps


ALL = (
    "So look at what it compares with: your own gradient must be right to 1e-6, and the parameters "
    "are float64 arrays."
)
COPIES = (
    "It accepts those that move the numbers of `params` in place: your loss must be that of the "
    "dictionary that it is given."
)
MOST = (
    "It rejects most right versions: their errors are below 1e-6 for a loss that is smooth, to "
    "0.001 around the parameters too, and of the order of 1."
)

check_gradients = interaction(
    part(
        "accepts right versions, and rejects what is plainly wrong",
        essential=True,
        count=2,
        steps=sorted_out(PLAINLY_WRONG_GRADIENTS),
    ),
    part(
        "rejects other wrong versions",
        count=2,
        steps=sorted_out(WRONG_GRADIENTS),
    ),
)
