"""What the exercises of chapter 4, part B, promise."""

from functools import partial

import numpy as np

from helpers.specification import (
    arrays,
    away_from,
    extremes,
    integer_arrays,
    integers,
    interaction,
    labels,
    numbers,
    one_hot,
    part,
    scalars,
    single,
)
from helpers.specification.values import same

# --- boxes of two inputs --------------------------------------------------------------------------

ANY = arrays("*any")
KINDS = ANY, integer_arrays("*any"), single("*any"), scalars()


def box_slopes(t):
    """Hold both gradients of a box against numerical differentiation, among other passes."""
    for domain in (ANY, arrays("2 3")):
        x, y, z, dout = t.draw(domain, domain, domain, domain)
        box, other = t.make(), t.make()
        box.forward(z, x)
        box.forward(x, y)
        other.forward(dout, z)
        box.backward(dout)
        t.slope(
            lambda both, dout=dout: np.sum(t.reference().forward(*both) * dout), np.stack([x, y])
        )
        box.forward(y, z)
        box.backward(x)


def once_more(t, layer, *dout):
    """Go backward once more after one pass forward; say so if that alone went wrong."""
    right = t.first is None
    layer.backward(*dout)
    if right:
        t.say("It is called once more after one `forward`, and must find all as that has left it.")


def in_place(t, layer, domain, dout):
    """Go through a layer with an array, and with other numbers in the very same array."""
    t.apart()
    first, second, upstream = t.draw(domain, domain, dout)
    box = t.keep(first)
    layer.forward(box)
    box.write(second)
    layer.forward(box)
    layer.backward(upstream)


def of_two_kinds(t):
    """Go through a box with integers beside floats, with integers alone, and with one array."""
    t.apart()
    box, dout = t.make(), np.array([0.5, -1.5])
    for x, y in (([3, 2], [2.5, 0.5]), ([0.5, 1.5], [3, -2]), ([3, -2], [4, 1])):
        box.forward(np.array(x), np.array(y))
        box.backward(dout)
    both = t.keep(np.array([2.0, -3.0]))
    box.forward(both, both)
    box.backward(dout)
    t.say("Here x and y are one and the same array.")


def box_passes(t):
    """Go through two boxes in turn, with numbers and arrays, and backward more than once."""
    one, other = t.make(), t.make()
    one.forward(10.0, 20.0)
    one.forward(3, 2.5)
    other.forward(-1.5, 4)
    one.backward(1.1)
    other.forward(np.array([1.0, -2.0]), np.array([3.0, 0.5]))
    other.backward(np.array([2.0, -1.5]))
    for domain in (ANY, t.choice(*KINDS)):
        t.anew()
        x, y, dout = t.draw(domain, domain, domain)
        other.forward(x, y)
        one.forward(y, x)
        other.backward(dout)
        once_more(t, other, dout)
    of_two_kinds(t)
    t.apart()
    one = t.make()
    one.forward(4e6, 5e-8)
    t.say("The factors are of very different size here.")
    one.backward(3.0)
    one = t.make()
    first, second, other_x, dout = t.draw(*[arrays("3 120")] * 4)
    x, y = t.keep(first), t.keep(other_x)
    one.forward(x, y)
    x.write(second)
    one.forward(x, y)
    one.backward(dout)


MulLayer = interaction(
    part(
        "agrees with numerical differentiation",
        essential=True,
        single=True,
        count=12,
        steps=box_slopes,
    ),
    part(
        "each box keeps what its own last pass was given", single=True, count=10, steps=box_passes
    ),
)
AddLayer = interaction(
    part(
        "agrees with numerical differentiation",
        essential=True,
        single=True,
        count=12,
        steps=box_slopes,
    ),
    part(
        "numbers and arrays of any shape, which stay as they are",
        single=True,
        count=10,
        steps=box_passes,
    ),
)

# --- layers without parameters --------------------------------------------------------------------

BATCH = arrays("N *any")
BATCHES = (BATCH | integer_arrays("N *any") | single("N *any")).map(
    lambda x: np.where(x == 0, 1, x)  # what ReLU does at 0 is a part of its own
)
# Inputs of one shape, no two of which have the same signs: the mask of another pass shows.
PASSES = np.array([[1.0, 2.0, -1.0, -2.0], [2.0, -1.0, 1.5, -3.0], [-0.5, 0.5, 2.0, 1.0]])


def cut_off(x):
    """Return what tells of a sigmoid that is right near 0 alone, from what it gives for x."""

    def about(found, right):
        wrong, far = np.abs(np.asarray(found) - right) > 1e-6, np.abs(x)
        split = wrong.any() and not wrong.all() and far[wrong].min() > far[~wrong].max()
        return "It is right near 0 and wrong far from it: nothing may cut x off." if split else ""

    return about


def at_these(x):
    """Return what tells at which of these inputs a gradient is wrong, if at a few of several."""

    def about(found, right):
        wrong = x[np.abs(np.asarray(found) - right) > 1e-6]
        shown = ", ".join(f"{value:.4g}" for value in wrong[:4])
        return f"It is wrong where x is {shown}." if 0 < wrong.size < min(x.size, 5) else ""

    return about


def layer_slopes(domain, note=lambda x: ""):
    """Return steps that hold a layer's gradient against numerical differentiation.

    Other passes, of this layer and of another one, come before, between and after.

    Args:
        domain: returns the domain of inputs of a shape.
        note: returns what else to say of a wrong output, for an input: see `Trial.say`.
    """

    def steps(t):
        for shape in ("N *any", "3 4"):
            before, x, dout = t.draw(domain(shape), domain(shape), arrays(shape))
            layer, other = t.make(), t.make()
            for value in (before, x):
                layer.forward(value)
                t.say(note(value))
            other.forward(-before / 2)
            layer.backward(dout)
            t.say(note(x))
            t.slope(lambda z, dout=dout: np.sum(t.reference().forward(z) * dout), x)
            layer.forward(before)
            layer.backward(2 * dout)

    return steps


def whole(found, right):
    """Tell of an array that can't hold what is written into it."""
    written = np.asarray(found).dtype.kind in "biu"
    return "Here x holds integers: an array that is written into must be one of floats." * written


def layer_passes(t):
    """Go through two layers in turn, with passes of one shape and then of others."""
    one, other = t.make(), t.make()
    for layer, x in zip((one, one, other), PASSES, strict=True):
        layer.forward(x)
    one.backward(np.array([1.0, -2.0, 3.0, -4.0]))
    other.forward(np.array([3, -2, 1]))
    t.say(whole)
    other.backward(np.array([0.5, 1.5, -2.5]))
    t.say(whole)
    for layer in (other, one):
        t.anew()
        x, dout = t.draw(BATCHES, BATCH)
        layer.forward(x)
        layer.backward(dout)
        once_more(t, layer, -dout)
    other.forward(x.T)
    other.backward(dout.T)
    one.forward(np.array(2.0))  # an array of no axes
    one.backward(np.array(-1.5))
    shape = t.choice("3 120", "300 2")
    in_place(t, one, away_from(arrays(shape), 0, 0.01), arrays(shape))


ROUNDING = 2.3e-16  # of a float64 between 0 and 1


def likely(t, layer, x):
    """Compare the output for numbers far from 0, and its slope; float32 may come less near."""
    for method, given in ((layer.forward, x), (layer.backward, np.ones_like(x))):
        method(given)
        t.say(
            lambda found, right: (
                "All are equal, so something is cut off: the sigmoid goes on."
                if np.ptp(found) == 0
                else ""
            )
        )
        last = t.events[-1]
        if not last.fault and np.asarray(last.actual).dtype == np.float64:
            t.holds(
                np.all(last.actual <= 1.001 * last.expected + ROUNDING)
                and np.all(1 - last.actual <= 1.001 * (1 - last.expected) + ROUNDING),
                "An output is never cut off: it comes as near to 0 and 1 as the sigmoid does.",
            )


def sigmoid_passes(t):
    """Go through two layers in turn, and through one with numbers far from 0."""
    layer_passes(t)
    t.apart()
    layer = t.make()
    likely(t, layer, np.array([-27.0, -23.0, -18.0, -15.0]))
    likely(t, layer, np.array([-32.0, -36.0, -50.0, -700.0]))
    likely(t, layer, np.array([700.0, 50.0, 36.0, 32.0]))
    layer.forward(np.array([-12.0, -30.0, 12.0, 750.0]))
    layer.backward(np.ones(4))
    x = np.array([-750.0, 1e30, -1e30, 40.0])
    layer.forward(x)
    layer.backward(np.array([1.0, -2.0, 3.0, 4.0]))
    x, dout = t.draw(extremes("n", -30, 30), arrays("n"))
    layer.forward(x)
    layer.backward(dout)


def relu_at_zero(t):
    """Go through a layer with zeros among other numbers, tiny and huge ones."""
    layer = t.make()
    layer.forward(np.array([0.0, 1.0, -1.0, 0.0]))
    layer.backward(np.array([5.0, 6.0, 7.0, -8.0]))
    layer.forward(np.array([1e-300, -1e-300, 1.7e308, -1.7e308]))
    layer.backward(np.array([9.0, 1.0, -2.0, 3.0]))
    for domain in (integer_arrays("N *any", -2, 2), extremes("N *any")):
        t.anew()
        x, dout = t.draw(domain, integer_arrays("N *any"))
        layer.forward(x)
        layer.backward(dout)
    t.apart()
    layer = t.make()
    for kind in (np.int8, np.int16, np.int32, np.int64):
        ends = np.iinfo(kind)
        for answer in (
            partial(layer.forward, np.array([ends.min, ends.max, 1, 0, ends.min + 1], kind)),
            partial(layer.backward, np.array([1.0, -2.0, 3.0, 4.0, 5.0])),
        ):
            answer()
            t.say(
                f"Here x holds the least and the greatest {kind.__name__}: the least has no "
                "negative in this type, and twice the greatest doesn't fit into it."
            )


Relu = interaction(
    part(
        "agrees with numerical differentiation",
        2,
        essential=True,
        count=12,
        steps=layer_slopes(lambda shape: away_from(arrays(shape), 0, 0.05), at_these),
    ),
    part("the slope at 0 is 0; tiny and huge numbers, and integers", count=10, steps=relu_at_zero),
    part(
        "each layer keeps the mask of its own last pass; x and dout stay",
        single=True,
        count=10,
        steps=layer_passes,
    ),
)
Sigmoid = interaction(
    part(
        "agrees with numerical differentiation",
        2,
        essential=True,
        count=12,
        steps=layer_slopes(lambda shape: arrays(shape, -8, 8), cut_off),
    ),
    part(
        "each layer keeps the output of its own last pass; x and dout stay",
        single=True,
        count=10,
        steps=sigmoid_passes,
    ),
)

# --- the affine layer -----------------------------------------------------------------------------


def affine_case(t, samples="N", n="n", m="m"):
    """Return x, W, b and dout, with these axes."""
    return t.draw(arrays(f"{samples} {n}"), arrays(f"{n} {m}"), arrays(m), arrays(f"{samples} {m}"))


def affine_slopes(t):
    """Hold the three gradients against numerical differentiation, with any shapes and square."""
    hold_affine(t, *affine_case(t))
    hold_affine(t, *affine_case(t, "2", "2", "2"))
    hold_affine(t, *affine_case(t, "3", "2", "4"))


def hold_affine(t, x, W, b, dout):
    """Hold the gradients of one pass against numerical differentiation, among other passes.

    The first of these has a batch of another size.
    """
    layer, other = t.make(W, b), t.make(2 * W, b - 1)
    layer.forward(np.concatenate([x, x + 1]))
    layer.forward(x + 1)
    layer.forward(x)
    other.forward(x - 2)
    layer.backward(dout)
    t.slope(lambda z: np.sum(t.reference(W, b).forward(z) * dout), x)
    other.backward(3 * dout)
    layer.read("dW")
    t.slope(lambda z: np.sum(t.reference(z, b).forward(x) * dout), W)
    layer.read("db")
    t.slope(lambda z: np.sum(t.reference(W, z).forward(x) * dout), b)
    layer.forward(x - 1)
    layer.backward(2 * dout)
    layer.read("dW", "db")


def bytes_of(shape):
    """Return the domain of images as files hold them, of bytes."""
    return integer_arrays(shape, 0, 255).map(up_to_the_end)


def up_to_the_end(x):
    """Return bytes, among them the largest."""
    x = x.astype(np.uint8)
    x[:1] = np.maximum(x[:1], 255 * (np.arange(x[0].size).reshape(x[0].shape) == 0))
    return x


def of_bytes(x):
    """Return what is to be said of an answer for an array, if its numbers are bytes."""
    return "Here x holds bytes (uint8), and they count as they are." * (x.dtype == np.uint8)


def affine_shapes(t):
    """Take samples of several axes: images, and any others."""
    for shape in ("2 2 1 3", "2 3 2", "N c *any"):
        t.anew()
        x = t.draw(arrays(shape) | integer_arrays(shape) | single(shape) | bytes_of(shape))
        n = x[0].size
        m = t.choice(1, n + 1)
        W, b, dout = t.draw(arrays(f"{n} {m}"), arrays(f"{m}"), arrays(f"{len(x)} {m}"))
        layer = t.make(W, b)
        layer.forward(t.choice(x, x, np.asfortranarray(x)))
        t.say(of_bytes(x))
        layer.backward(dout)
        layer.read("dW", "db")
    rows = x.reshape(len(x), -1)[:, ::-1]
    layer.forward(rows)
    layer.backward(dout)
    t.say(
        "This batch is one of rows, and that of before had more axes: dx has the shape of its own."
    )


def affine_passes(t):
    """Go through two layers in turn, and look at all that they hold after each pass back."""
    one = t.make(np.array([[1.0, 2.0]]), np.array([0.0, 1.0]))
    other = t.make(np.array([[3.0, -1.0]]), np.array([2.0, 0.0]))
    one.forward(np.array([[1.0], [2.0]]))
    one.forward(np.array([[4.0], [-3.0]]))
    other.forward(np.array([[5.0], [6.0]]))
    one.backward(np.array([[1.0, 0.0], [0.0, 2.0]]))
    one.read("dW", "db", "W", "b")
    for layer in (one, other):
        t.anew()
        x, dout = t.draw(arrays("N 1"), arrays("N 2"))
        layer.forward(x)
        layer.backward(dout)
        layer.backward(-2 * dout)
        layer.read("dW", "db")
        for name in ("W", "b"):
            layer.read(name)
            t.say("No pass changes it: training does, by the gradients.")
    for samples in ("1", "2"):
        t.apart()
        W, b, x, first, second = t.draw(
            arrays("2 3"), arrays("3"), *[arrays(f"{samples} 2")], *[arrays(f"{samples} 3")] * 2
        )
        layer, dout = t.make(W, b), t.keep(first)
        layer.forward(x)
        layer.backward(dout)
        dout.write(second)
        begin = len(t.events)
        layer.read("dW", "db")
        for event in t.events[begin:]:
            t.say(VIEW, event)
    if t.source.size >= 5:
        t.apart()
        x, W, b, dout = affine_case(t, "301", "90", "12")
        layer = t.make(W, b)
        in_place(t, layer, arrays("301 90"), arrays("301 12"))
        layer.read("dW", "db")


VIEW = "It has changed with `dout`: each `backward` makes new arrays for its gradients."


THEMSELVES = {
    np.asfortranarray: "Here W lies in memory column by column: it is the array itself all the "
    "same, and no copy of it, that the layer must keep.",
    np.float32: "Here W and b are arrays of float32: it is these arrays, and no copies, that the "
    "layer must keep.",
}


def affine_changes(t):
    """Change the weights of two layers that share them, and put others in their places."""
    x, old, old_b, dout = affine_case(t, "3", "2", "4")
    W, b = t.keep(old), t.keep(old_b)
    layer, other = t.make(W, b), t.make(b=b, W=W)
    layer.forward(x)
    W.write(old + 1)
    b.write(old_b - 2)
    for _ in range(2):
        layer.forward(x)
        other.forward(x)
        layer.backward(dout)
        layer.set("W", 2 * old)
        layer.set("b", -old_b)
    for kind in (np.asfortranarray, np.float32):  # of any order in memory, and of any precision
        t.apart()
        W, b = t.keep(kind(old)), t.keep(kind(old_b))
        layer = t.make(W, b)
        layer.forward(x)
        W.write(old + 1)
        b.write(old_b - 2)
        layer.forward(x)
        t.say(THEMSELVES[kind])
        layer.backward(dout)
        t.say(THEMSELVES[kind])


Affine = interaction(
    part("agrees with numerical differentiation", 3, essential=True, count=8, steps=affine_slopes),
    part(
        "takes samples of any shape, and dx has their shape",
        single=True,
        count=10,
        steps=affine_shapes,
    ),
    part(
        "each pass starts anew, in each layer; x, W, b and dout stay",
        2,
        count=10,
        steps=affine_passes,
    ),
    part(
        "uses the arrays W and b themselves, as they are now",
        single=True,
        count=10,
        steps=affine_changes,
    ),
)

# --- the loss -------------------------------------------------------------------------------------

SCORES = arrays("N K", -2, 2)
LARGE = arrays("N K", -1e6, 1e6) | SCORES.map(lambda x: x + 1000) | SCORES.map(lambda x: 300 * x)
TRUTH = (
    labels("N", "K")
    | labels("N", "K").map(lambda t: t.astype(np.uint8))
    | labels("N", "K").map(lambda t: t.astype(np.int32))
    | one_hot("N", "K")
    | one_hot("N", "K").map(lambda t: t.astype(int))
    | one_hot("N", "K").map(lambda t: t.astype(np.uint8))
)


def scored(t, samples, classes):
    """Return scores and labels, in which every class comes up in turn."""
    x = t.draw(arrays(f"{samples} {classes}", -2, 2))
    return x, (np.arange(len(x)) + t.source.integer(0, 9)) % x.shape[1]


def loss_slopes(t):
    """Hold the gradient of the loss against numerical differentiation, among other passes."""
    for axes in (("N", "K"), ("4", "3")):
        x, right = scored(t, *axes)
        before, others = -x, right[::-1]
        layer, other = t.make(), t.make()
        two = np.concatenate([x, before]), np.concatenate([right, right])  # of another size
        for scores, truth in (two, (before, others), (x, right)):
            layer.forward(scores, truth)
            t.say(of_truth(truth))
        other.forward(before, right)
        layer.backward()
        t.slope(lambda z, right=right: t.reference().forward(z, right), x)
        layer.forward(before, others)
        layer.backward()


def said(t, layer, x, truth):
    """Go through the layer; say what kind of truth it is given if something is wrong."""
    for answer in (partial(layer.forward, x, truth), layer.backward):
        answer()
        t.say(of_truth(truth))
        if x.shape[1] == 1:
            t.say("There is one class alone, and its probability is 1.")


def of_truth(truth):
    """Return what kind of truth it is, in words."""
    axes = "holds labels: it has one axis" if truth.ndim == 1 else "is one-hot: it has two axes"
    kind = f". Its type is {truth.dtype}, with no numbers below 0" * (truth.dtype.kind == "u")
    return f"Here t {axes}{kind}."


def loss_one_hot(t):
    """Take one-hot targets, of floats, integers and bytes, and then labels of some types."""
    layer = t.make()
    for kind in (float, int, np.uint8):
        x, right = scored(t, "4", "3")
        truth = t.keep(np.eye(3, dtype=kind)[right])
        words = f"Here t is one-hot, of {kind.__name__}s: it has two axes, and labels have one."
        for answer in (partial(layer.forward, x, truth), layer.backward):
            answer()
            t.say(words)
        t.both(
            "look",
            lambda t: t,
            lambda t: t,
            (truth,),
            relation=lambda found, truth=truth: (
                ""
                if same(found, np.array(truth.ours))
                else "`backward` has written into the target t: make a new array."
            ),
        )
    for kind in (int, np.uint8, np.int32, np.uint64):
        said(t, layer, x, right.astype(kind))
    for x, truth in (
        ([[0.5], [2.0]], [0, 0]),  # as many labels as scores
        ([[0.5, 2.0]], [[0.0, 1.0]]),  # one sample
        ([[0.5, 2.0], [1.0, -1.0]], [[0.0, 1.0], [1.0, 0.0]]),  # as many samples as classes
    ):
        said(t, layer, np.array(x), np.array(truth))
    said(t, layer, *t.draw(SCORES, TRUTH))
    t.apart()
    layer = t.make()
    x, right = t.draw(arrays("3 300", -2, 2)), np.array([299, 5, 128 + t.source.integer(0, 100)])
    for kind in (int, np.int16):
        layer.forward(x, right.astype(kind))
        t.say(f"Here are 300 classes, so labels above 127: {right}.")
        layer.backward()
    said(t, layer, x, np.array([0, 255, 7], np.uint8))  # a byte can't count the classes
    t.apart()
    layer = t.make()
    x = t.draw(arrays("130 3", -2, 2) | arrays("301 12", -2, 2))
    right = (7 * np.arange(len(x)) + t.source.integer(0, 9)) % x.shape[1]
    for kind in (np.uint8, np.int8):
        for answer in (
            partial(layer.forward, x, right.astype(kind)),
            layer.backward,
        ):
            answer()
            t.say(f"Here are {len(x)} labels of type {kind.__name__}: don't compute with labels.")


def loss_passes(t):
    """Go through two layers in turn, and ask for the gradient again and again."""
    one, other = t.make(), t.make()
    for layer, right in ((one, [0, 1]), (one, [1, 1]), (other, [1, 0])):
        layer.forward(np.array([[1.0, 0.0], [0.5, 2.0]]), np.eye(2)[right])
    for layer in (one, other):
        layer.backward()
        once_more(t, layer, 0.7)
        layer.backward(0)
        layer.backward(dout=t.draw(numbers() | integers()))
        t.anew()
        x, right = t.draw(SCORES | single("N K"), TRUTH)
        layer.forward(t=right, x=x)
        t.say(of_truth(right))
        layer.backward(-2)
    t.apart()
    first, second = t.draw(arrays("3 4", -2, 2), arrays("3 4", -2, 2))
    x, right = t.keep(first), t.keep(np.array([0, 1, 2]))
    layer = t.make()
    layer.forward(x, right)
    x.write(second)
    right.write(np.array([3, 1, 0]))
    layer.forward(x, right)
    layer.backward()


def too_small(found, right):
    """Tell of a loss that is cut off."""
    cut = np.isfinite(found) and 0 <= found < right
    words = "A large loss is cut off: `log_softmax` needs no constant and no limit to stay finite."
    return words if cut else ""


def loss_of_large(t):
    """Take scores of any size."""
    layer = t.make()
    layer.forward(np.array([[1000.0, 0.0, -1000.0], [5.0, 5.0, 5.0]]), np.array([2, 0]))
    t.say(too_small)
    layer.backward()
    x = t.draw(LARGE)
    layer.forward(x, np.array([2, 0, 1, 2]))
    t.say(too_small)
    layer.backward()


SoftmaxWithLoss = interaction(
    part(
        "agrees with numerical differentiation",
        2,
        essential=True,
        axes={"K": (2, 5)},  # one class alone is a corner
        rtol=1e-5,
        atol=1e-6,
        count=12,
        steps=loss_slopes,
    ),
    part(
        "takes one-hot targets as well as labels",
        rtol=1e-5,
        atol=1e-6,
        count=10,
        steps=loss_one_hot,
    ),
    part(
        "times dout, each time that it is asked; x and t stay",
        2,
        rtol=1e-5,
        atol=1e-6,
        single=True,
        count=10,
        steps=loss_passes,
    ),
    part(
        "scores of any size, without a warning",
        axes={"N": (4, 4), "K": (3, 3)},  # the truth is not what this is about
        count=10,
        steps=loss_of_large,
    ),
)

# --- the bug museum -------------------------------------------------------------------------------


def by_copy(x, dout):
    """Return the gradient, made on a copy of dout."""
    dx = dout.copy()
    dx[x <= 0] = 0
    return dx


def by_index(x, dout):
    """Return the gradient, put into zeros."""
    dx = np.zeros_like(dout)
    dx[x > 0] = dout[x > 0]
    return dx


def floats_in_place(x, dout):
    """Return the gradient, made on a copy of dout, which must be of floats."""
    dx = dout.copy()
    dx *= np.where(x > 0, 1.0, 0.0)
    return dx


def at(share, value):
    """Return a version that is right but for one place, from 0 for the first to 1 for the last."""

    def run(x, dout):
        dx = np.where(x > 0, dout, 0.0)
        if dx.size:
            place = round(share * (dx.size - 1))
            dx.flat[place] = value(dx.flat[place])
        return dx

    return run


def like_x(x, dout):
    """Return the gradient in an array that is made like x, which must be of floats."""
    dx = np.zeros_like(x)
    np.copyto(dx, dout, where=x > 0)
    return dx


def one_by_one(x, dout):
    """Return the gradient, element by element."""
    return np.array([d if v > 0 else 0.0 for v, d in zip(x.flat, dout.flat, strict=True)]).reshape(
        x.shape
    )


def arrays_from(versions):
    """Return the versions; each returns an array, for inputs of shape () too."""
    return {
        words: lambda x, dout, run=run: np.asarray(run(x, dout)) for words, run in versions.items()
    }


RIGHT = {
    "uses `np.where`": lambda x, dout: np.where(x > 0, dout, 0),
    "multiplies by the mask, which gives some -0.0": lambda x, dout: dout * (x > 0),
    "works on a copy of dout": by_copy,
    "puts what passes into zeros": by_index,
    "loops over the elements, and returns a reshaped view of its own new array": one_by_one,
    "puts what passes into an array made like x, which is one of float64": like_x,
    "takes away what is stopped": lambda x, dout: dout - dout * (x <= 0),
    "multiplies by a step function, which gives some -0.0": (
        lambda x, dout: dout * np.heaviside(x, 0)
    ),
    "works on everything turned around, and returns a view of its own new array": lambda x, dout: (
        by_copy(x.T, dout.T).T
    ),
    "multiplies a copy of dout in place, which gives some -0.0": floats_in_place,
    "returns dout itself where every x is above 0": (
        lambda x, dout: dout if np.all(x > 0) else np.where(x > 0, dout, 0)
    ),
    "leaves a minus before each 0": lambda x, dout: np.where(x > 0, dout, -0.0),
}


def after(change, run=RIGHT["uses `np.where`"]):
    """Return a version that gives the right gradient and then changes x and dout."""

    def spoil(x, dout):
        dx = run(x, dout)
        change(x, dout)
        return dx

    return spoil


def fill(array, value, where=True):
    """Write over an array, in place."""
    array[...] = np.where(where, value, array)


def nudge(array):
    """Add a little to the last element, in place, if there is one."""
    if array.size:
        array.flat[-1] += 1e-3


PLAINLY_WRONG = {
    "sets what is stopped to 0 in dout itself": after(lambda x, dout: fill(dout, 0, x <= 0)),
    "sets all of dout to 0 after it has used it": after(lambda x, dout: fill(dout, 0)),
    "lets every gradient pass, whatever x is": lambda x, dout: dout.copy(),
    "stops every gradient": lambda x, dout: np.zeros_like(dout),
    "lets the gradient pass where x is below 0": lambda x, dout: np.where(x < 0, dout, 0),
    "has the wrong sign": lambda x, dout: np.where(x > 0, -dout, 0),
}
WRONG = {
    "lets the gradient pass where x is 0": lambda x, dout: np.where(x >= 0, dout, 0),
    "lets a hundredth of the gradient pass where x is not above 0": (
        lambda x, dout: np.where(x > 0, dout, dout / 100)
    ),
    "makes the gradient larger by a hundredth": lambda x, dout: np.where(x > 0, 1.01 * dout, 0),
    "takes x for dout, and returns max(x, 0)": lambda x, dout: np.maximum(x, 0),
    "returns the right numbers in the order from the last to the first": (
        lambda x, dout: np.where(x > 0, dout, 0).ravel()[::-1].reshape(x.shape)
    ),
    "overwrites x in the forward pass": after(lambda x, dout: fill(x, 0, x <= 0)),
    "overwrites x with the gradient": after(lambda x, dout: fill(x, dout, x > 0)),
    "doubles dout in place": after(lambda x, dout: fill(dout, 2 * dout)),
    "returns the mask without dout: with a dout of ones that looks right": (
        lambda x, dout: 1.0 * (x > 0)
    ),
    "stops negative gradients, whatever x is": lambda x, dout: np.maximum(dout, 0),
    "stops negative gradients where x is above 0, too": (
        lambda x, dout: np.where((x > 0) & (dout > 0), dout, 0)
    ),
    "multiplies the gradient by x, too": lambda x, dout: dout * np.maximum(x, 0),
    "returns the mean of dout wherever x is above 0": (
        lambda x, dout: np.where(x > 0, np.sum(dout) / max(dout.size, 1), 0)
    ),
    "loses the sign of dout": lambda x, dout: np.abs(dout) * (x > 0),
    "lets everything pass where one x is above 0": lambda x, dout: dout * np.any(x > 0),
    "lets every gradient pass if x is a matrix; for vectors it is right": (
        lambda x, dout: np.where(x > 0, dout, 0) if x.ndim < 2 else dout.copy()
    ),
    "returns the numbers of a matrix by columns; for vectors it is right": (
        lambda x, dout: np.where(x > 0, dout, 0).ravel(order="F").reshape(x.shape)
    ),
    "stops the gradient where x is above 1, too": (
        lambda x, dout: np.where((x > 0) & (x <= 1), dout, 0)
    ),
    "cuts the decimals off x first, so that nothing passes between 0 and 1": (
        lambda x, dout: np.where(np.trunc(x) > 0, dout, 0)
    ),
    "is wrong at the last place alone": at(1, lambda d: d + 0.5),
    "is wrong in the middle alone": at(0.5, lambda d: d + 0.5),
    "is wrong at the first place alone": at(0, lambda d: d - 0.5),
    "returns nan where x is not above 0": lambda x, dout: np.where(x > 0, dout, np.nan),
    "adds 0.001 to x, in place": after(lambda x, dout: fill(x, x + 1e-3)),
    "adds 0.001 to the last element of dout, in place": after(lambda x, dout: nudge(dout)),
    "changes the sign of dout, in place": after(lambda x, dout: fill(dout, -dout)),
    "turns dout around, in place": after(
        lambda x, dout: fill(dout, dout[::-1] if dout.ndim else dout)
    ),
}


check_relu = interaction(
    part(
        "accepts right versions, and rejects what is plainly wrong",
        essential=True,
        count=2,
        steps=lambda t: t.sort(arrays_from(RIGHT), arrays_from(PLAINLY_WRONG)),
    ),
    part(
        "rejects other wrong versions",
        count=2,
        steps=lambda t: t.sort(arrays_from(RIGHT), arrays_from(WRONG)),
    ),
)
