"""What the exercises of chapter 5 promise."""

from dataclasses import replace

import numpy as np

from helpers.specification import Pair, arrays, integer_arrays, interaction, part
from helpers.specification.values import Tolerance, copied, difference, same

SEVERAL = {"m": (2, 5), "n": (2, 5), "u": (2, 5)}  # samples, features, hidden units
ANY = {"m": (1, 5), "n": (1, 5), "u": (1, 5)}
BATCHES = {**SEVERAL, "m0": (2, 5), "m1": (2, 5)}


def add(t, event, words):
    """Say more about an earlier step, which is wrong."""
    if not words:
        return
    place = next(n for n, one in enumerate(t.events) if one is event)
    t.events[place] = replace(event, fault=lambda: f"{event.problem.rstrip()} {words}")


def faults(t, begin):
    """Return the wrong steps since one, by name, but for those that raised an error."""
    return {e.name: e for e in t.events[begin:] if e.fault and e.error is None}


# --- the data -------------------------------------------------------------------------------------


SETS = ("x_train", "x_val", "x_test", "y_train", "y_val", "y_test")


def patients(t):
    """Return features on scales of their own, and labels of which each is there often enough.

    Now and then a few patients are far from all others.
    """
    n, columns = t.source.integer(30, 45), t.source.integer(1, 4)
    many = t.source.size >= 5
    if many:
        n, columns = 601, 12
    x = t.draw(arrays(f"{n} {columns}")) + 0.1 * np.sin(np.arange(n * columns)).reshape(n, columns)
    for place, row in enumerate(t.source.order(n)[: 6 if many else t.choice(0, 1, 3)]):
        x[row] *= 10.0 ** (place + 1) if many else 20  # one of them is far from all in any set
    y = (np.array(t.source.order(n)) % t.choice(2, 3) == 0).astype(int)
    return x * 10.0 ** np.arange(columns) + 5, y


def separate(t, name, student, reference, args, wanted):
    """Call what returns several arrays, and compare each of them under its own name."""
    found = {}

    def of(side, function):
        def count(*given):
            answer = function(*given)
            if not isinstance(answer, tuple | list):
                return None
            found[side] = answer
            return len(answer)

        return count

    t.both(name, of("theirs", student), of("ours", reference), args, signature=reference)
    last = t.events[-1]
    if last.error is None and last.actual != len(wanted):
        words = f"`{name}` must return {len(wanted)} arrays: {', '.join(wanted)}."
        t.events[-1] = replace(last, expected=None, actual=None, fault=words)
    for place, key in enumerate(wanted):
        t.both(
            f".{key}",
            lambda place=place, key=key: level(key, found["theirs"][place]),
            lambda place=place: copied(found["ours"][place]),
            tolerance=replace(t.tolerance, kinds=t.laws and key.startswith("y_")),
        )
        yield key


def split(t, x, y):
    """Compare the six sets."""
    for key in separate(t, "prepare", t.student, t.reference, (x, y), SETS):
        t.say(lambda actual, right, key=key: rows(key, actual, right))


def rows(key, actual, right):
    """Return whether it is the rows or their scale that is wrong with a set."""
    if not isinstance(actual, np.ndarray) or actual.ndim != right.ndim:
        return ""
    if key[0] == "x" and actual.dtype.kind != "f":
        return ""
    if key[0] == "y" and not np.all(np.isin(actual, right)):
        return "These labels are not among those that came in: they come back as they are."
    if actual.shape[1:] != right.shape[1:]:
        return "It is not made from the argument `x`."
    if actual.shape != right.shape and key == "x_train" and 0 < len(right) - len(actual) <= 6:
        return "Rows are missing: keep all, however far from the mean."
    if actual.shape != right.shape:
        return (
            f"The order is {', '.join(SETS)}; the first split takes the test set away, and the "
            "second the validation set."
        )
    if np.allclose(actual, right, rtol=1e-3, atol=1e-3):
        return "The rows are right, but digits are lost: compute with the numbers as they come."
    if key[0] == "x" and far_alone(actual, right):
        return "Only what is far from the mean is wrong: keep it as it is."
    if key[0] == "x" and same(by_column(actual), by_column(right)):
        return (
            "Its rows are the right ones, on another scale: take the mean and the standard "
            "deviation of the training set's columns, with the divisor n."
        )
    return (
        "Its rows are others, or in another order, than those of two splits, each stratified and "
        "with `random_state=42`, the second of what the first leaves."
    )


def far_alone(actual, right):
    """Return whether only values far from the mean are wrong, and are too near to it."""
    wrong = np.abs(actual - right) > 1e-6
    far = np.abs(right) > 1.5
    return bool(wrong.any() and far[wrong].all() and np.all(np.abs(actual) < np.abs(right) + 1e-6))


def by_column(values):
    """Return values with every column on a scale of its own."""
    with np.errstate(all="ignore"):
        return (values - values.mean(axis=0)) / values.std(axis=0)


def other_numbers(t):
    """Compare sets of other labels than 0 and 1, and of whole numbers."""
    x, y = patients(t)
    split(t, x, (3 - y).astype(t.choice(int, np.int8, np.uint8)))
    split(t, np.round(x).astype(int), y)
    split(t, 1e-6 * x, y)


prepare = interaction(
    part(
        "the rows of each set, on the scale of the training set",
        essential=True,
        rtol=1e-5,
        atol=1e-5,  # seven digits of the features, of which some are far from 0
        count=6,
        steps=lambda t: split(t, *patients(t)),
    ),
    part(
        "other labels, whole numbers; its inputs stay as they are",
        rtol=1e-5,
        atol=1e-5,
        count=5,
        steps=other_numbers,
    ),
)

# --- the network ----------------------------------------------------------------------------------

SHAPES = {"w1": "n u", "b1": "u", "w2": "u 1", "b2": "1"}
BOTH = ("w1", "w2")


class Networks(Pair):
    """The student's network and the reference's."""

    @classmethod
    def of(cls, pair):
        """Return the same two."""
        return cls(pair._trial, pair.theirs, pair.ours, pair._whose)

    def look(self, *names, relation=lambda name, right: None, about=lambda name, *values: ""):
        """Compare attributes; a bias b2 may be a single number.

        A relation is what `both` takes, made from a name and the right value, or None. What is said
        `about` a wrong one comes from its name, what it is and what is right.
        """
        for name in names:
            self._trial.both(
                f".{name}",
                lambda name=name: level(name, getattr(self.theirs, name)),
                lambda name=name: copied(getattr(self.ours, name)),
                relation=relation(name, copied(getattr(self.ours, name, None))),
                whose=self._whose,
            )
            self._trial.say(lambda *values, name=name: about(name, *values))


def level(name, value):
    """Return a copy of an attribute; of b2, a single number as an array of shape (1,)."""
    value = copied(value)
    single = isinstance(value, np.ndarray | np.generic | float | int) and np.ndim(value) == 0
    return np.reshape(value, 1) if name in ("b2", "b2_grad") and single else value


def told(w1, b1, w2, b2, l1=0, l2=0, learning_rate=0.1, units=10):
    """Name what a network is made of."""


def ready(t, weights, other=False, **options):
    """Return networks with these weights and options; they may be others, beside the first."""
    made = {}

    def maker(side, kind):
        def make(**given):
            network = kind(**{key: value for key, value in given.items() if key not in SHAPES})
            for key in SHAPES:
                setattr(network, key, given[key])
            made[side] = network

        return make

    t.both(
        t.reference.__name__,
        maker("theirs", t.student),
        maker("ours", t.reference),
        options={**weights, **options, "units": len(weights["b1"])},
        signature=told,
        whose="a second " if other else "",
    )
    return Networks(t, made.get("theirs"), made["ours"], "the second one's " if other else "")


def made(t, **options):
    """Return networks without weights."""
    return Networks.of(t.make(**options))


def drawn(t, low=-2, high=2):
    """Return weights."""
    return {key: t.draw(arrays(shape, low, high)) for key, shape in SHAPES.items()}


def apart(t):
    """Return weights that are away from 0, where |w| has a kink."""
    return {key: np.where(w < 0, w - 0.3, w + 0.3) for key, w in drawn(t, -1.2, 1.2).items()}


def batch(t, name="m"):
    """Return features, and the targets as a column of 0 and 1."""
    y = t.draw(integer_arrays(f"{name} 1", 0, 1)).astype(float)
    return t.draw(arrays(f"{name} n", -2, 2)), y


def integer_batch(t, name="m"):
    """Return the same, of integers."""
    y = t.draw(integer_arrays(f"{name} 1", 0, 1))
    return t.draw(integer_arrays(f"{name} n", -3, 3)), y


def price(t, none=True):
    """Return the strengths of both penalties; now and then one is 0, or left to its default.

    They may be whole numbers.
    """
    l1, l2 = t.source.number(0.2, 2), t.source.number(0.2, 2)
    l1, l2 = t.choice((l1, l2), (l1, l2), (2, 1), (1, 3))
    if not none:
        return {"l1": l1, "l2": l2}
    return t.choice({"l1": l1, "l2": l2}, {"l1": l1}, {"l2": l2}, {"l1": l1, "l2": 0})


def mean_loss(x, y, weights, l1=0.0, l2=0.0):
    """Return the regularized loss from the formulas."""
    z = 1 / (1 + np.exp(-(x @ weights["w1"] + weights["b1"]))) @ weights["w2"] + weights["b2"]
    matrices = np.concatenate([weights["w1"].ravel(), weights["w2"].ravel()])
    penalty = l1 * np.sum(np.abs(matrices)) + l2 / 2 * np.sum(matrices**2)
    return (np.sum(np.logaddexp(0, z) - y * z) + penalty) / len(x)


def at_start(t, network, about=""):
    """Look at first weights; of a wrong one, say what it starts at."""
    for name in SHAPES:
        network.look(name)
        start = f"`{name}` starts at {int(name in BOTH)} everywhere"
        t.say(lambda *values, start=start: about or sized(*values) or f"{start}.", instead=True)


def sized(actual, right):
    """Return that an array has another shape than it should, without a guess at why."""
    if np.shape(actual) == np.shape(right) or not isinstance(actual, np.ndarray):
        return ""
    words = "a size is 1, `n_features` or `self.units` of this very network and call"
    return f"An array of shape {actual.shape} stands where {right.shape} is right: {words}."


def first(t):
    """Look at first weights, of any size; then again, of another network, and of a changed one."""
    units = t.choice(*[t.source.integer(1, 12)] * 4, 130)
    network = made(t, **({} if units == 10 else {"units": units}))
    network.do("init_weights", t.source.integer(1, 6))
    at_start(t, network)
    other = made(t, units=t.source.integer(1, 12))
    other.do("init_weights", t.choice(*[t.source.integer(1, 6)] * 4, 300))
    at_start(t, other)
    at_start(t, network, "A second network's `init_weights` has changed it: set it on `self`.")
    written_over(t, network)
    held = arrays_of(network)
    network.do("init_weights", len(network.ours.w1) + t.choice(0, 0, 1))
    at_start(t, network, "The second call must set fresh weights, as the first did.")
    unchanged(t, held)


def written_over(t, network):
    """Write over each array in its turn."""
    for name, value in zip(SHAPES, (5.5, 0.25, 0.75, 1.5), strict=True):
        network.write(name, value)
        changed_alone(t, network, name)


def arrays_of(network):
    """Return the arrays that a network has now, theirs and ours."""
    return {name: (getattr(network.theirs, name), getattr(network.ours, name)) for name in SHAPES}


def unchanged(t, held):
    """Look whether a later call has left the arrays of an earlier one as they were."""
    for name, (theirs, ours) in held.items():
        t.both(
            f".{name} of before the second call",
            lambda name=name, theirs=theirs: level(name, theirs),
            lambda ours=ours: copied(ours),
        )
        t.say("The second call has filled the arrays of the first: it makes new ones.")


def changed_alone(t, network, name):
    """Look whether an array that is written over takes the numbers, and leaves the others alone."""
    network.look(name, about=lambda *_: f"`{name}` is to be an array of floats.")
    others = [other for other in SHAPES if other != name]
    network.look(*others)
    for other, event in faults(t, len(t.events) - len(others)).items():
        add(t, event, f"`{other[1:]}` changes with `{name}`: each is an array of its own.")


def forward(t):
    """One batch or two; what is kept may have another name here, but no other values."""
    network = ready(t, drawn(t))
    for name in ("m", "more")[: t.choice(1, 2)]:
        z = network.forpass(batch(t, name)[0])
        network.activation(z)
        t.both(
            ".a1",
            lambda: copied(network.theirs.a1 if hasattr(network.theirs, "a1") else network.ours.a1),
            lambda: copied(network.ours.a1),
        )
    if t.source.size >= 5:
        crowd(t)
        ready(t, drawn(t, -0.3, 0.3)).forpass(batch(t)[0])
        t.apart()
        weights = drawn(t)
        ready(t, weights | {"w2": 60 * weights["w2"]}).forpass(batch(t)[0])
        t.say("Here scores are large: `forpass` returns them as they are, with no limit.")


def in_place(t, network, ask, *domains):
    """Ask about arrays, and about other numbers in the very same arrays."""
    first, second = ([t.draw(domain) for domain in domains] for _ in range(2))
    kept = [t.keep(value) for value in first]
    ask(*kept)
    for box, value in zip(kept, second, strict=True):
        box.write(value)
    ask(*kept)


def crowd(t):
    """Forget the axes: from now on there are many samples, features and units."""
    t.apart()
    t.axes.known.update(m=301, n=30, u=90)


def keeping(t):
    """Two networks, each with its own batches."""
    one, other = ready(t, drawn(t)), ready(t, drawn(t), other=True)
    one.forpass(batch(t)[0])
    other.forpass(batch(t, "more")[0])
    one.forpass(integer_batch(t, "whole")[0])
    one.look("a1")
    other.look(
        "a1", about=lambda *_: "Another network's batch has taken its place: keep it on `self`."
    )
    in_place(t, one, one.forpass, arrays("m n", -2, 2))
    one.look("a1")
    one.write("w1", -one.ours.w1)
    one.forpass(t.draw(arrays("m n", -2, 2)))


def activations(t):
    """Scores of any size and shape."""
    network = t.make()
    scale = 10.0 ** t.source.integer(-3, 5)
    z = t.draw(arrays("*any") | integer_arrays("*any", -900, 900)) * scale
    network.activation(np.array(z))
    t.say(clipped)
    network.activation(np.array([[-1000.0], [-40.0], [0.0], [40.0], [1000.0]]))
    t.say(clipped)
    t.both(
        "activation",
        lambda z: network.theirs.activation(z),
        lambda z: network.ours.activation(z),
        (np.array([-27.0, -22.0, -17.0, -12.0]),),
        tolerance=Tolerance(1e-3, 0),
    )
    t.say("A probability is never cut off, however near it is to 0.")


def clipped(actual, right):
    """Return that large scores have been clipped, if all others are right."""
    near = (right > 1e-3) & (right < 1 - 1e-3)
    if np.shape(actual) != right.shape or not same(actual[near], right[near]):
        return ""
    if not np.all(np.isfinite(actual)):
        return "Scores of both signs may stand in one array: each takes the form that fits its own."
    return "Only large scores are wrong: are they clipped before the sigmoid?"


forpass = interaction(
    part(
        "the scores of any batch",
        essential=True,
        of="Forward",
        axes=SEVERAL,
        steps=forward,
    ),
    part(
        "ones and zeros, for any number of features and units",
        of="Forward",
        count=10,
        steps=first,
    ),
    part(
        "keeps the hidden activations of the last batch as a1; one sample or unit, integers",
        of="Forward",
        axes=ANY,
        count=10,
        steps=keeping,
    ),
    part("probabilities of scores of any size and shape", of="Forward", steps=activations),
)


def penalties(t):
    """Return the penalty of any weights, for both strengths or one, and again for others."""
    options = price(t)
    network = ready(t, drawn(t), **options)
    pay(t, network, options)
    network.look(*SHAPES, about=lambda *_: "`reg_loss` must leave the weights as they are.")
    network.set("a1", t.draw(arrays("m u", 0, 1)))
    pay(t, network, options, "A batch is on its way now, in `a1`: only w1, w2, l1 and l2 count.")
    network.set("w2", t.draw(arrays("u 1")))
    pay(t, network, options, "It was right before `w2` changed: compute it anew in each call.")


def pay(t, network, options, about=""):
    """Ask for the penalty; say which part is wrong if there is one alone."""
    network.reg_loss()
    l1, l2 = options.get("l1", 0), options.get("l2", 0)
    if not about and not l2:
        about = "Here l2 is 0, so it is the L1 part alone: l1 Σ|w| over all elements of w1 and w2."
    if not about and not l1:
        about = "Here l1 is 0, so it is the L2 part alone: l2 / 2 Σw² over all elements of both."
    t.say(about or "Of two parts, each has its own strength: l1 Σ|w|, and l2 / 2 Σw².")


OF_ANY_SIZE = (
    "Here the strengths are whole numbers, and all weights are small, or all large: each costs "
    "l1 |w| + l2 w² / 2, whatever its size."
)


def cheap(t):
    """Penalties that cost nothing, and weights that change."""
    network = ready(t, drawn(t), **price(t))
    network.reg_loss()
    weights = {key: 0 * w + (key[0] == "b") for key, w in drawn(t).items()}
    other = ready(t, weights, other=True, l1=2.0, l2=3.0)
    other.reg_loss()
    network.set("w2", t.draw(arrays("u 1")))
    network.reg_loss()
    network.write("w1", t.draw(arrays("n u")))
    network.write("w2", t.draw(arrays("u 1")))
    network.reg_loss()
    t.say("Here numbers were written into w1 and w2 in place: compute it anew in each call.")
    for option in ("l1", "l2"):
        network.set(option, 0.375)
        network.reg_loss()
    network.look(*SHAPES)
    for size in (1e-3, 50.0):
        weights = {key: size * w for key, w in drawn(t).items()}
        strengths = {"l1": t.choice(1, 0), "l2": t.choice(1, 3)}
        pay(t, ready(t, weights, other=True, **strengths), strengths, OF_ANY_SIZE)
    if t.source.size >= 5:
        crowd(t)
        pay(t, ready(t, drawn(t), l1=0.5, l2=0.25), {"l1": 0.5, "l2": 0.25})


reg_loss = interaction(
    part(
        "both penalties of both matrices",
        essential=True,
        of="Penalty",
        axes=SEVERAL,
        steps=penalties,
    ),
    part(
        "no penalty if l1 and l2 are 0; follows the weights when they change",
        of="Penalty",
        axes=ANY,
        count=8,
        steps=cheap,
    ),
)


def gradients(t, x, y, weights, truth=True, **options):
    """Compare the four gradients, with the reference's and with numerical differentiation."""
    network = ready(t, weights, **options)
    a1 = 1 / (1 + np.exp(-(x @ weights["w1"] + weights["b1"])))
    network.set("a1", a1)
    err = 1 / (1 + np.exp(-(a1 @ weights["w2"] + weights["b2"]))) - y

    def theirs(x, err):
        return network.theirs.backprop(x, err)

    wanted, begin = [f"{key}_grad" for key in SHAPES], len(t.events)
    for grad in separate(t, "backprop", theirs, network.ours.backprop, (x, err), wanted):
        if truth:
            key = grad.removesuffix("_grad")
            t.slope(lambda w, key=key: mean_loss(x, y, weights | {key: w}), weights[key])
    wrong = faults(t, begin)
    for event in wrong.values():
        add(t, event, BLAMED.get(frozenset(key[1:3] for key in wrong), ""))
    return network


BLAMED = {
    frozenset(key.split()): words
    for key, words in {
        "w1 b1": "The gradients of w2 and b2 are right: look at err_1 = err w2ᵀ * a1 * (1 - a1), "
        "which w1's and b1's are made of, with the weights as they are.",
        "w1": "b1's gradient is right, so err_1 is: w1's is xᵀ err_1 / m, with all samples "
        "and no penalty yet.",
        "b1": "w1's gradient is right, so err_1 is: b1's is its mean over the samples, axis 0.",
        "w2": "The other three are right: w2's is a1ᵀ err / m, with no penalty yet.",
        "b2": "The other three are right: b2's is the mean of err over the samples.",
        "b1 b2": "Those of w1 and w2 are right: a bias's gradient is one sum over the samples, "
        "divided by m once.",
        "w1 w2": "Those of both biases are right: here a matrix has no penalty yet.",
        "w1 b1 w2 b2": "All four are wrong: each is a mean over the samples, of gradients as they "
        "come.",
    }.items()
}


def steep(t):
    """Return weights of which w2 may be large, and so the gradients of w1 and b1."""
    weights = drawn(t)
    return weights | {"w2": weights["w2"] * t.choice(1, 1, 20)}


def sound(t):
    """Hold the gradients against the cross-entropy's, whatever the penalty; no weight moves."""
    network = gradients(t, *batch(t), steep(t), **price(t))
    network.look(*SHAPES, about=lambda *_: "`backprop` only computes gradients: no weight moves.")
    t.apart()
    gradients(t, *far(t), truth=False)
    if t.source.size >= 5:
        crowd(t)
        gradients(t, *batch(t), drawn(t, -0.3, 0.3), truth=False)


def far(t, weights=drawn):
    """Return a batch far from 0, and weights for which its gradients are long."""
    (x, y), weights = batch(t), weights(t)
    return 40 * x, y, weights | {"w1": weights["w1"] / 40, "w2": weights["w2"] * 4}


def untouched(t):
    """A backward pass changes no weight and no activation, whatever the options are."""
    x, y = batch(t)
    network = gradients(t, x, y, drawn(t), truth=False, **price(t))
    network.look(*SHAPES, "a1", about=lambda name, *_: f"`backprop` must leave `{name}` alone.")


backprop = interaction(
    part(
        "agrees with numerical differentiation",
        2,
        essential=True,
        single=True,
        of="Backward",
        axes=SEVERAL,
        count=6,
        steps=sound,
    ),
    part(
        "one sample, one feature, one unit, integers",
        of="Backward",
        single=True,
        laws=False,
        axes=ANY,
        steps=lambda t: gradients(t, *t.choice(batch, integer_batch)(t), drawn(t), truth=False),
    ),
    part(
        "changes neither the weights nor its inputs",
        of="Backward",
        single=True,
        axes=SEVERAL,
        count=10,
        steps=untouched,
    ),
)


def walk(t, none=True, weights=drawn, kinds=(batch, batch)):
    """Make steps of training."""
    start = weights(t)
    network = ready(t, start, **price(t, none), learning_rate=t.source.number(0.02, 0.5))
    for number, kind in enumerate(kinds):
        x, y = kind(t, f"m{number}")
        network.training(x, y)
        t.say("It is (ΣCE + R) / m, for m samples, with the weights before the step.")
        begin = len(t.events)
        network.look(*SHAPES)
        wrong = {name.removeprefix("."): event for name, event in faults(t, begin).items()}
        pull = network.ours.learning_rate * network.ours.l1 / len(x)
        signs = all(
            key in BOTH and at_zero(event, start[key], pull) for key, event in wrong.items()
        )
        for key, event in wrong.items():
            if signs and not number:
                words = (
                    "Only weights that were exactly 0 are wrong: their sign is 0, wherever the "
                    "data's gradient takes them in this step."
                )
            elif stopped(event):
                words = "A step may cross 0: it ends at w - η ∂J/∂w, and nothing is held at 0."
            elif number:
                words = (
                    "The step before was right: each depends on its own batch as a whole, the "
                    "weights of now and the options alone."
                )
            elif same(event.actual, start[key], Tolerance(0, 0)):
                words = f"`{key}` has not moved."
            else:
                words = LED_ASTRAY.get(frozenset(wrong), STEP)
            add(t, event, words)
        network.look("learning_rate", "l1", "l2", about=lambda *_: "The options stay as they are.")
    return network


def at_zero(event, start, pull):
    """Return whether a step is wrong only where a weight was 0, by the pull of L1."""
    if np.shape(event.actual) != np.shape(start):
        return False
    off = np.abs(event.actual - event.expected)
    return bool(np.all(off[start != 0] < 1e-5) and np.allclose(off[start == 0], pull, atol=1e-5))


def stopped(event):
    """Return whether a step is wrong only where it ends at 0."""
    if np.shape(event.actual) != np.shape(event.expected):
        return False
    wrong = np.abs(event.actual - event.expected) > 1e-5
    return bool(wrong.any() and np.all(event.actual[wrong] == 0))


STEP = (
    "The loss is right: each parameter makes one step against its gradient at the weights before "
    "it, and the error that goes back, a - y, is a column like y."
)
LED_ASTRAY = {
    frozenset(("w1",)): "The other three are right: look at the penalty's slope for w1, "
    "(λ1 sign(w) + λ2 w) / m, and make the step as it comes.",
    frozenset(("w2",)): "The other three are right: look at the penalty's slope for w2, "
    "(λ1 sign(w) + λ2 w) / m, and make the step as it comes.",
    frozenset(("b1", "b2")): "w1 and w2 are right: biases pay no penalty.",
    frozenset(BOTH): "The biases are right, so the step is: look at the penalty's slope, "
    "(λ1 sign(w) + λ2 w) / m, of the weights before the step.",
    frozenset(SHAPES): "All four parameters are wrong: each makes one step against the gradient of "
    "the whole batch, as it comes, taken at the weights before it, with the error a column like y.",
}


def follows(t):
    """Hold the step against the slope of the regularized loss."""
    weights, options = apart(t), price(t, none=False)
    network = ready(t, weights, **options, learning_rate=0.01)
    x, y = batch(t)
    network.training(x, y)
    for key in SHAPES:
        start = weights[key]
        t.both(
            f"[{key} before - {key} after] / 0.01",
            lambda key=key, start=start: (start - level(key, getattr(network.theirs, key))) / 0.01,
            lambda key=key, start=start: (start - getattr(network.ours, key)) / 0.01,
        )
        t.slope(lambda w, key=key: mean_loss(x, y, weights | {key: w}, **options), start)


def edges(t):
    """Several steps, of batches of one sample too, from weights of which some are 0."""
    network = walk(
        t,
        weights=lambda t: {k: np.where(w < 0.5, w, 0.0) for k, w in drawn(t).items()},
        kinds=(batch, integer_batch),
    )
    network.look("losses", about=lambda *_: "`training` returns its loss, and records nothing.")
    t.apart()
    network = ready(t, drawn(t), l1=0.5, learning_rate=0.1)
    in_place(t, network, network.training, arrays("m n", -2, 2), integer_arrays("m 1", 0, 1))
    network.look(*SHAPES)
    t.apart()
    x, y = batch(t)
    one_step(t, x, 0 * y, certain(t, 28.0), LARGE)


def steps(t):
    """Make ordinary steps, a long one, one of many samples, and one where the loss is small."""
    walk(t, none=False, weights=apart)
    t.apart()
    x, y, weights = far(t, apart)
    one_step(t, x, y, weights, "Here the gradient is long: nothing is cut off.", learning_rate=0.05)
    t.apart()
    weights = apart(t)
    for bias in (12.0, 14.5):  # the loss is about exp(-bias)
        x, y = batch(t)
        given = weights | {"b2": np.array([bias])}
        one_step(t, x, 0 * y + 1, given, SMALL, learning_rate=10)
    if t.source.size >= 5:
        crowd(t)
        weights = apart(t)
        weights |= {"w2": weights["w2"] / 10}  # scores at which float32 tells a from 1
        one_step(t, *batch(t), weights, "Here are 301 samples.", l1=0.5, l2=0.25)


def certain(t, score):
    """Return weights for which every sample has this score."""
    weights = drawn(t)
    return weights | {"w2": 0 * weights["w2"], "b2": np.array([score])}


LARGE = "Here the loss is 28 for each sample: it is not cut off; `cross_entropy` takes any score."
SMALL = "Here the loss is small, and the rate large: the step is made all the same."


def one_step(t, x, y, weights, about, **options):
    """Make one step, and compare."""
    network = ready(t, weights, **options)
    network.training(x, y)
    t.say(about)
    network.look(*SHAPES, about=lambda *_: about)


training = interaction(
    part(
        "the loss before the step, and every parameter against its gradient",
        2,
        essential=True,
        single=True,
        of="Training",
        axes=BATCHES,
        steps=steps,
    ),
    part(
        "agrees with numerical differentiation",
        of="Training",
        single=True,
        axes=SEVERAL,
        count=5,
        steps=follows,
    ),
    part(
        "several steps, one sample, weights of 0, integers; the batch stays as it is",
        of="Training",
        single=True,
        axes=ANY,
        count=10,
        steps=edges,
    ),
)


def watching(t):
    """Validation losses of a few sets, of two networks."""
    one = ready(t, drawn(t), **price(t))
    other = ready(t, drawn(t), other=True, **price(t))
    for number in range(3):
        network = t.choice(one, one, other)
        x, y = batch(t, f"m{number}")
        network.do("update_val_loss", x, y.astype(t.choice(float, int)))
        network.look("val_losses", about=last_of)
    one.look("losses", "val_losses", *SHAPES)
    other.look("val_losses")
    sure = ready(t, certain(t, 28.0), other=True, l1=0.5)
    in_place(t, sure, lambda *two: sure.do("update_val_loss", *two), *VALIDATION)
    sure.write("b2", np.array([-28.0]))
    sure.do("update_val_loss", *batch(t))
    sure.look("val_losses", about=last_of)
    if t.source.size >= 5:
        crowd(t)
        many = ready(t, drawn(t, -0.3, 0.3), l2=0.5)
        for _ in range(12):
            many.do("update_val_loss", *batch(t))
        many.look("val_losses", about=last_of)


VALIDATION = arrays("m n", -2, 2), integer_arrays("m 1", 0, 1)


def last_of(name, actual, right):
    """Return what is wrong with a list to which one number has been appended."""
    if not isinstance(actual, list) or len(actual) != len(right):
        return ""
    if len(right) > 1 and same(actual[::-1], right, Tolerance(single=True)):
        return "Append each number: the newest stands last."
    if len(right) > 1 and same(actual[:-1], right[:-1], Tolerance(single=True)):
        return (
            "The numbers before it are right; each is the loss of its own set alone, divided by "
            "the number of *its* samples."
        )
    return ""


def crowds(t, name):
    """Return features and labels as a vector."""
    x, y = batch(t, name)
    return x, y[:, 0].astype(int)


LISTS = ("losses", "val_losses")


def fitted(
    t,
    network,
    epochs,
    watched=True,
    default=False,
    again=False,
    apart=False,
    blank=False,
    sizes=None,
):
    """Train, and look at lists and at the weights.

    With `apart` all labels are 0, and 1 in the validation set: its loss rises. With `blank` all is
    0 in the validation set.
    """
    t.anew()
    t.axes.known.update(sizes or {})
    x, y = crowds(t, "m")
    data = x, y * (not apart)
    x_val, y_val = crowds(t, "v") if watched else (None, None)
    seen = {"x_val": x_val, "y_val": y_val | int(apart)} if watched else {}
    seen = {key: value * (not blank) for key, value in seen.items()}
    begin = len(t.events)
    if default:
        network.do("fit", *data, **seen)
    elif t.choice(True, False):
        network.do("fit", *data, epochs, *seen.values())
    else:
        network.do("fit", *data, epochs=epochs, **seen)
    network.look(*LISTS, *SHAPES)
    wrong = list(faults(t, begin).values())
    if wrong:
        add(t, wrong[0], fit_went_wrong(wrong[0], again, blank))


def fit_went_wrong(event, again, blank):
    """Return what the first list, or weight, that is wrong says about a training."""
    actual, right, name = event.actual, event.expected, event.name.rpartition(".")[-1]
    if blank and name == "val_losses":
        return "Here all numbers of the validation set are 0, and it is one all the same."
    if name == "losses" and isinstance(actual, list) and not right:
        return "With 0 epochs there is no step and no loss."
    if again:
        return (
            "The network was trained before: `fit` starts anew, from fresh weights and with empty "
            "lists."
        )
    if name in SHAPES:
        return "Both lists are right: the weights must be those after the last step."
    if not isinstance(actual, list):
        return ""
    if len(actual) != len(right):
        return "It holds one number for each epoch, however the losses go" + (
            "; without a validation set it stays empty." if name == "val_losses" else "."
        )
    if name == "val_losses":
        return (
            "`losses` is right: before each step of `training` call `update_val_loss` with `x_val` "
            "as it is, and `y_val` as a column."
        )
    if not same(actual[:1], right[:1], Tolerance(single=True)):
        return (
            "`losses[0]` is what the first call of `training` returns, from the first weights, "
            "with `x` as it is and `y` as a column."
        )
    return "`losses[0]` is right: each epoch makes one step from where the last one ended."


def optioned(t):
    """Return networks with options, without weights.

    A few steps leave weights of 1 above 0: near the kink of |w|, rounding would take a side.
    """
    rate, units = t.source.number(0.05, 0.2), t.source.integer(1, 4)
    mild = {key: value / 4 for key, value in price(t).items()}
    return made(t, **mild, learning_rate=rate, units=units)


def smooth(t):
    """Return networks whose penalty has no kink, so that they can be trained for long."""
    return made(t, l2=t.source.number(0.1, 1), learning_rate=0.1, units=2)


def trained(t, watched=True):
    """Train for some epochs, or for many in which the validation loss rises."""
    if t.choice(False, False, True):
        fitted(t, smooth(t), t.choice(30, 130), watched, apart=True)
    else:
        fitted(t, optioned(t), t.source.integer(2, 6), watched)
        t.apart()
        network = made(t, l2=0.5, learning_rate=1e-7, units=2)
        fitted(t, network, 7, watched, sizes=t.choice({"m": 301, "v": 130}, None))
        t.apart()
        network = made(t, l2=11.0, learning_rate=1.0, units=2)  # the weights grow, and all losses
        fitted(t, network, 4, watched, sizes={"m": 5, "v": 4})
        t.apart()
        network = made(t, l2=0.5, units=2)
        fitted(t, network, 2, watched, blank=True, sizes=t.choice({"v": 1}, None))


def trained_anyhow(t):
    """Train with a validation set; where `update_val_loss` is what spoils that, without one."""
    mark = t.mark()
    missing = unwritten(lambda: trained(t))
    for place, event in enumerate(t.events[mark[0] :], mark[0]):
        if event.name.endswith(".val_losses"):  # which another part is about
            t.events[place] = replace(event, expected=None, actual=None, fault="")
    if not missing and not t.first:
        return
    with_one = t.take_back(mark)
    trained(t, watched=False)
    if missing:
        return
    wrong_anyhow = t.first is not None
    without = t.take_back(mark)
    t.apart()
    network = ready(t, drawn(t), l2=0.5)
    network.do("update_val_loss", *batch(t))
    network.look(*LISTS, *SHAPES)
    spoils = t.first is not None
    t.take_back(mark)
    t.put_back(without if spoils and not wrong_anyhow else with_one)


def unwritten(steps):
    """Do steps; tell whether something in them has not been written yet."""
    try:
        steps()
    except NotImplementedError:
        return True
    return False


def unwatched(t):
    """Train without a validation set, and as long as it does by itself."""
    fitted(t, optioned(t), 3, watched=False)
    fitted(t, smooth(t), 100, watched=False, default=True)


def anew(t):
    """Fit the same networks again, and others beside them.

    Validation losses that are to be gone are put there, whatever `update_val_loss` does.
    """
    network, other = optioned(t), optioned(t)
    fitted(t, network, 3, watched=False)
    fitted(t, other, 2, watched=False)
    network.set("val_losses", [0.5, 0.25])
    fitted(t, network, t.source.integer(1, 4), watched=False, again=True)
    other.look("losses", *SHAPES)
    fitted(t, network, 2, watched=False, again=True)
    network.set("val_losses", [0.5, 0.25])
    fitted(t, network, 0, again=True)


fit = interaction(
    part(
        "trains, and records the loss before each step",
        essential=True,
        single=True,
        of="Fitting",
        axes={"m": (2, 5), "n": (2, 5), "v": (2, 5)},
        count=10,
        steps=trained_anyhow,
    ),
    part(
        "appends the regularized loss of any validation set; no weight moves",
        single=True,
        of="Fitting",
        axes=ANY,
        count=10,
        steps=watching,
    ),
    part(
        "records the validation loss before each step",
        single=True,
        of="Fitting",
        axes={"m": (2, 5), "n": (2, 5), "v": (2, 5)},
        count=10,
        steps=trained,
    ),
    part(
        "needs no validation set, and trains for 100 epochs if nothing else is asked for",
        of="Fitting",
        single=True,
        atol=1e-5,
        count=5,
        steps=unwatched,
    ),
    part("starts anew each time", of="Fitting", single=True, count=6, steps=anew),
)


def between(t):
    """Return weights and samples of which no score is near 0, so that rounding tips none over."""
    weights, x = drawn(t), t.draw(arrays("m n", -2, 2))
    z = 1 / (1 + np.exp(-(x @ weights["w1"] + weights["b1"]))) @ weights["w2"]
    z = np.sort(np.append(z, [z.min() - 0.2, z.max() + 0.2]))
    gaps = np.diff(z)[1:-1] if len(z) > 3 else np.diff(z)
    widest = np.argmax(gaps) + 1 if len(z) > 3 else t.choice(0, 1)
    if gaps.max() < 0.02:
        widest = 0
    return weights | {"b2": -z[widest : widest + 2].mean(keepdims=True)}, x


def judged(t):
    """Labels, and the fraction of right ones."""
    weights, x = between(t)
    network = ready(t, weights)
    for batch, more in ((x, ""), (x[::-1].copy(), "This is another batch than the one before.")):
        t.both(
            "predict",
            lambda x: plain(network.theirs.predict(x)),
            network.ours.predict,
            (batch,),
        )
        t.say(
            more or "A label is 1 where that sample's own probability is larger than 0.5, else 0.",
        )
        network.score(batch, t.draw(integer_arrays("m", 0, 1)).astype(t.choice(int, float)))
        t.say(
            "Compare the labels of `predict` with y: of n samples, all count that agree, 0 with 0 "
            "and 1 with 1.",
        )


def plain(answer):
    """Return a column as a vector: its shape is not what is asked here."""
    column = isinstance(answer, np.ndarray) and answer.ndim == 2 and answer.shape[1] == 1
    return answer[:, 0] if column else answer


def tied(t):
    """Probabilities of exactly 0.5, one sample, and answers that are all right or all wrong."""
    weights, x = between(t)
    network = ready(t, weights)
    y = network.predict(x).astype(int)
    network.score(x, y)
    network.score(x, 1 - y)
    even = ready(t, {**weights, "w2": 0 * weights["w2"], "b2": np.zeros(1)})
    even.predict(x)
    even.score(x, y)
    sure = ready(t, {**weights, "w2": 0 * weights["w2"], "b2": np.full(1, 3.0)})
    sure.predict(x)
    for bias in (1e-6, -1e-6):
        near = ready(t, {**weights, "w2": 0 * weights["w2"], "b2": np.full(1, bias)})
        near.predict(x)
        t.say("All scores are 0.000001 or -0.000001: above 0, by however little, it is 1.")
    t.apart()
    network = ready(t, {**drawn(t), "b2": np.full(1, 20.0)})
    rows = t.keep(t.draw(arrays("m n", -2, 2)))
    network.predict(rows)
    network.set("b2", np.full(1, -20.0))
    network.predict(rows)
    t.say("The weights have changed since: compute it anew in each call.")
    y = t.draw(integer_arrays("m", 0, 1))
    y[0] = 1
    for bias in (20.0, -20.0):
        network.set("b2", np.full(1, bias))
        network.score(rows, y)
        t.say("The weights have changed since: `score` needs the labels as they are now.")
    if t.source.size >= 5:
        crowd(t)
        weights = {**drawn(t, -0.3, 0.3), "b2": np.full(1, 0.0123)}
        network = ready(t, weights)
        many = t.draw(arrays("m n", -2, 2))
        y = network.ours.predict(many).astype(int)
        y[::9] = 1 - y[::9]
        network.predict(many)
        network.score(many, y.astype(np.uint8))


score = interaction(
    part(
        "the labels of any batch, and the fraction of right ones",
        essential=True,
        rtol=1e-6,
        of="DualLayer",
        axes=SEVERAL,
        count=12,
        steps=judged,
    ),
    part(
        "a probability of exactly 0.5, one sample, all right, all wrong",
        rtol=1e-6,
        of="DualLayer",
        axes=ANY,
        count=10,
        steps=tied,
    ),
)


def by_seed(name, right):
    """Return what tells whether numbers are those of the seed; other ones are not quoted."""

    def wrong(value):
        found = difference(value, right, f"`{name}`", Tolerance(single=True))
        if not found or not isinstance(value, np.ndarray) or value.shape != right.shape:
            return found
        if name not in BOTH:
            return f"{found} Biases start at 0."
        with np.errstate(all="ignore"):
            ratio = value / right
        if same(ratio, np.full(right.shape, ratio.flat[0])):
            times = f"{ratio.flat[0]:.4g}"
            return f"`{name}` holds the right numbers times {times}: their standard deviation is 1."
        said = f"`{name}` does not hold the numbers that `RandomState(42)` draws for it: "
        return said + (
            "the first ones of a generator that is made anew in each call."
            if name == "w1"
            else "those that come right after w1's, from the same generator."
        )

    return wrong


def random_first(t):
    """Look at first weights, of any size."""
    many = t.source.size >= 5  # so many numbers that some are large
    network = made(t, units=12 if many else t.source.integer(2, 12))
    network.do("init_weights", 30 if many else t.source.integer(2, 8))
    network.look(*SHAPES, relation=by_seed)


def random_again(t):
    """Draw again, and beside another; the options are still those of DualLayer."""
    network = optioned(t)
    network.look("l1", "l2", "learning_rate", "units", "losses", "val_losses")
    network.do("init_weights", 3)
    other = optioned(t)
    other.do("init_weights", 3)
    other.look(*SHAPES, relation=by_seed)
    network.do("init_weights", 2)
    network.look(*SHAPES, relation=by_seed)
    other = made(t, units=network.ours.units)
    other.do("init_weights", 2)
    written_over(t, network)
    other.look(*SHAPES, about=lambda *_: SHARED)
    held = arrays_of(network)
    network.do("init_weights", 2)
    network.look(*SHAPES, relation=by_seed)
    unchanged(t, held)
    t.apart()
    ordered = Networks.of(t.make(0.5, 0.25, 0.3, 4))
    ordered.look("l1", "l2", "learning_rate", "units", about=lambda *_: IN_ORDER)
    t.apart()
    other = made(t, units=2)
    other.do("init_weights", 3)  # as many numbers each time, so that a global seed shows


SHARED = "Another network's weights were changed in place: each call makes new arrays."
IN_ORDER = "The options are DualLayer's, in its order: l1, l2, learning_rate, units."


random_init = interaction(
    part(
        "the numbers of its own generator, for any number of features and units",
        essential=True,
        single=True,
        of="RandomInitNetwork",
        count=10,
        steps=random_first,
    ),
    part(
        "the same numbers each time, and the options of DualLayer; no global seed",
        of="RandomInitNetwork",
        single=True,
        count=10,
        steps=random_again,
    ),
)

# --- the bug museum -------------------------------------------------------------------------------


def pieces(x, y, weights):
    """Return what gradients are made of: parameters, a1, err, the hidden error, four sums."""
    w = {key: np.asarray(value, dtype=float) for key, value in weights.items()}
    x, y = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
    a1 = 1 / (1 + np.exp(-(x @ w["w1"] + w["b1"])))
    err = 1 / (1 + np.exp(-(a1 @ w["w2"] + w["b2"]))) - y
    hidden = err @ w["w2"].T * a1 * (1 - a1)
    sums = {
        "w1": x.T @ hidden,
        "b1": hidden.sum(axis=0),
        "w2": a1.T @ err,
        "b2": err.sum(axis=0),
    }
    return x, w, a1, err, hidden, sums


def mean(size, m):
    """Return what makes a sum over the batch a mean."""
    return 1 / size


def whole(size, m):
    """Return what divides by the whole training set."""
    return 1 / m


def version(
    change=None, share=mean, toll=whole, sign=np.sign, l1_of=BOTH, l2_of=BOTH, f1=1, f2=1, last=0
):
    """Return a suspect: right, unless something is changed.

    Args:
        change: returns other sums of the data's gradients, by key, from what `pieces` returns.
        share: returns what the data are multiplied by, from the sizes of batch and training set.
        toll: likewise, for the penalty.
        sign: the slope of |w|.
        l1_of: what the L1 penalty is laid on.
        l2_of: what the L2 penalty is laid on.
        f1: a factor of the L1 penalty.
        f2: a factor of the L2 penalty.
        last: a relative error.
    """

    def suspect(x, y, weights, l1, l2, m=None):
        found = pieces(x, y, weights)
        w, sums = found[1], found[-1]
        if change:
            sums = sums | change(*found[:-1])
        size = len(found[0])
        m = size if m is None else m
        gradients = {}
        for key, value in sums.items():
            pull = f1 * l1 * sign(w[key]) if key in l1_of else 0.0
            pull = pull + (f2 * l2 * w[key] if key in l2_of else 0.0)
            gradients[key] = (value * share(size, m) + pull * toll(size, m)) * (1 + last)
        return gradients

    return suspect


def but_for(key, wrong):
    """Return a suspect that is right but for one of the gradients."""
    right = version()
    return lambda *case: {**right(*case), key: wrong(*case)[key]}


def at(key, place, change, of=None):
    """Return a suspect that is right but for one number of one gradient."""

    def suspect(*case):
        found = dict((of or version())(*case))
        found[key] = np.array(found[key], dtype=float)
        found[key].flat[place] = change(found[key].flat[place])
        return found

    return suspect


def turned(suspect):
    """Return a suspect whose gradients come in the opposite order."""
    return lambda *case: dict(reversed(suspect(*case).items()))


def swapped(x, y, weights, l1, l2, *m):
    """Return gradients with each strength in the other's place."""
    return version()(x, y, weights, l2, l1, *m)


def over(count, all_of=True):
    """Return a suspect that divides by another count than the samples'; the penalty too, or not."""

    def suspect(x, y, weights, l1, l2, *m):
        share = len(x) / count(x, weights)
        right, data = version()(x, y, weights, l1, l2, *m), version()(x, y, weights, 0, 0, *m)
        return {
            key: share * right[key] if all_of else right[key] + (share - 1) * data[key]
            for key in right
        }

    return suspect


def without(key):
    """Return a suspect that takes a bias for 0, whatever it is."""
    return lambda x, y, weights, *case: version()(x, y, {**weights, key: 0 * weights[key]}, *case)


def labelled(truth):
    """Return a suspect that takes every label for the same one, whatever y says."""
    return lambda x, y, *case: version()(x, np.full(np.shape(y), float(truth)), *case)


def largest_alone(*case):
    """Return gradients in which only the largest number of each array is there."""
    return {
        key: np.where(np.abs(value) == np.max(np.abs(value)), value, 0.0)
        for key, value in version()(*case).items()
    }


def one_by_one(x, y, weights, l1, l2, m=None):
    """Return right gradients, sample by sample."""
    size = len(np.asarray(x))
    total = {key: 0 * np.asarray(value, dtype=float) for key, value in weights.items()}
    for k in range(size):
        one = pieces(x[k : k + 1], y[k : k + 1], weights)[-1]
        total = {key: total[key] + value / size for key, value in one.items()}
    for key in BOTH:
        w = np.asarray(weights[key])
        total[key] = total[key] + (l1 * np.sign(w) + l2 * w) / (m or size)
    return total


def by_einsum(x, w, a1, err, hidden):
    """Return the same sums, by other functions."""
    slope = np.einsum("mi,ji,mj->mj", err, w["w2"], a1 - a1**2)
    return {
        "b2": np.einsum("mi->i", err),
        "w2": np.einsum("mj,mi->ji", a1, err),
        "b1": np.einsum("mj->j", slope),
        "w1": np.einsum("mf,mj->fj", x, slope),
    }


RIGHT = {
    "names the axis": version(),
    "takes one sample after the other": one_by_one,
    "uses other functions of NumPy": version(by_einsum),
    "takes 1 for the sign of 0": version(sign=lambda w: np.where(w >= 0, 1.0, -1.0)),
    "takes -1 for the sign of 0": version(sign=lambda w: np.where(w > 0, 1.0, -1.0)),
    "has other last digits": version(last=1e-12),
    "has other last digits, below": version(last=-1e-12),
    "uses other functions, and has other last digits": version(by_einsum, last=2e-13),
    "returns its gradients in another order": turned(version()),
}
PLAINLY_WRONG = {
    "has the wrong sign in w2": version(lambda x, w, a1, err, hidden: {"w2": -a1.T @ err}),
    "has the wrong sign in all": version(share=lambda size, m: -1 / size),
    "forgets the slope of the hidden sigmoid": version(
        lambda x, w, a1, err, hidden: {
            "w1": x.T @ (err @ w["w2"].T),
            "b1": (err @ w["w2"].T).sum(axis=0),
        }
    ),
    "forgets that slope for w1 alone": version(
        lambda x, w, a1, err, hidden: {"w1": x.T @ (err @ w["w2"].T)}
    ),
    "gives b1 a gradient of 0": version(
        lambda x, w, a1, err, hidden: {"b1": np.zeros(a1.shape[1])}
    ),
    "gives b2 a gradient of 0": version(lambda x, w, a1, err, hidden: {"b2": np.zeros(1)}),
    "gives every b1 the total, in an array of the right shape": version(
        lambda x, w, a1, err, hidden: {"b1": np.full(a1.shape[1], hidden.sum())}
    ),
    "gives b1 one number, the total over samples and units": version(
        lambda x, w, a1, err, hidden: {"b1": np.array(hidden.sum())}
    ),
    "turns the units around in b1": version(
        lambda x, w, a1, err, hidden: {"b1": hidden.sum(axis=0)[::-1] + 1e-3}
    ),
    "subtracts the penalty and the data": version(
        share=lambda size, m: -1 / size, toll=lambda size, m: -1 / m
    ),
}
PARTLY_PAID = {  # which nobody sees where the biases are 0, or the weights positive
    "lays the L1 penalty on b1 too, which is right if b1 is 0": version(l1_of=(*BOTH, "b1")),
    "lays the L2 penalty on b1 too, which is right if b1 is 0": version(l2_of=(*BOTH, "b1")),
    "lays the L1 penalty on b2 too, which is right if b2 is 0": version(l1_of=(*BOTH, "b2")),
    "lays the L2 penalty on b2 too, which is right if b2 is 0": version(l2_of=(*BOTH, "b2")),
    "lays the L1 penalty on w2 alone": version(l1_of=("w2",)),
    "lays the L2 penalty on w2 alone": version(l2_of=("w2",)),
    "forgets the sign of w1 in L1": but_for("w1", version(sign=np.ones_like)),
}
SUBTLY_WRONG = {
    "gives b1 the mean over samples and units, which is right if all units are equal": version(
        lambda x, w, a1, err, hidden: {"b1": np.full(a1.shape[1], hidden.sum() / a1.shape[1])}
    ),
    "gives b1 the mean over samples and units as one number; broadcasting may hide it": version(
        lambda x, w, a1, err, hidden: {"b1": np.array(hidden.sum() / a1.shape[1])}
    ),
    "leaves the penalty out": version(l1_of=(), l2_of=()),
    "leaves the L1 penalty out, which is right if l1 is 0": version(l1_of=()),
    "leaves the L2 penalty out, which is right if l2 is 0": version(l2_of=()),
    "does not divide the penalty by m": version(toll=lambda size, m: 1),
    "divides the penalty by m twice": version(toll=lambda size, m: 1 / m**2),
    "lays the L1 penalty on w1 alone": version(l1_of=("w1",)),
    "lays the L2 penalty on w1 alone": version(l2_of=("w1",)),
    "lays the L1 penalty on the biases too": version(l1_of=SHAPES),
    "lays the L2 penalty on the biases too": version(l2_of=SHAPES),
    "forgets the sign in L1, which is right for positive weights": version(sign=np.ones_like),
    "has w² where w should be in the L2 part": version(
        lambda x, w, a1, err, hidden: {
            "w1": x.T @ hidden + 0.4 * (w["w1"] ** 2 - w["w1"]),
            "w2": a1.T @ err + 0.4 * (w["w2"] ** 2 - w["w2"]),
        }
    ),
    "has a factor 1/2 in the L2 part": version(f2=0.5),
    "has a factor 2 in the L2 part": version(f2=2),
    "subtracts the penalty": version(f1=-1, f2=-1),
    "does not divide b2's gradient by m, which is right for one sample": version(
        lambda x, w, a1, err, hidden: {"b2": err.sum(axis=0) * len(x)}
    ),
    "takes l1 for l2 and l2 for l1, which is right if they are equal": swapped,
    "divides by the number of features, which is right if there are as many samples": over(
        lambda x, w: x.shape[1]
    ),
    "divides by the number of hidden units, which is right if there are as many samples": over(
        lambda x, w: len(w["w2"])
    ),
    "is wrong by one percent": version(last=0.01),
    "takes every label for 1": labelled(1),
    "takes every label for 0": labelled(0),
    "returns 0 for all but the largest number of each gradient": largest_alone,
    **PARTLY_PAID,
    "forgets the sign of w2 in L1": but_for("w2", version(sign=np.ones_like)),
    "is wrong at the first place of w1 alone": at("w1", 0, lambda g: g + 0.01),
    "is wrong at the last place of w1 alone": at("w1", -1, lambda g: g - 0.01),
    "is wrong at the last place of w2 alone": at("w2", -1, lambda g: g + 0.01),
    "is wrong at the first place of b1 alone": at("b1", 0, lambda g: g - 0.01),
    "is wrong at the last place of b1 alone": at("b1", -1, lambda g: g + 0.01),
    "returns nan at the last place of w1": at("w1", -1, lambda g: np.nan),
    "returns nan for b2": at("b2", 0, lambda g: np.nan),
    "leaves b1 out of its forward pass, which is right if b1 is 0": without("b1"),
    "leaves b2 out of its forward pass, which is right if b2 is 0": without("b2"),
    "returns absolute values": lambda *case: {k: np.abs(g) for k, g in version()(*case).items()},
    "gives b2 a column, (1, 1), which broadcasting hides": version(
        lambda x, w, a1, err, hidden: {"b2": err.sum(axis=0, keepdims=True)}
    ),
    "gives b1 an axis of length 1 more, which broadcasting hides": version(
        lambda x, w, a1, err, hidden: {"b1": hidden.sum(axis=0, keepdims=True)}
    ),
}


def called(t, name, *args):
    """Call one of the exercise's functions."""
    return t.both(name, lambda *a: t.find(name)(*a), t.names[name], args)


def compared(t, name, loss, *args):
    """Compare gradients, and hold them against numerical differentiation of a loss of weights."""
    found, begin = {}, len(t.events)

    def theirs(*a):
        found["theirs"] = t.find(name)(*a)
        return found["theirs"]

    right = t.both(name, theirs, t.names[name], args)
    weights = args[2]
    for key in SHAPES if not t.first else ():
        t.both(f"[{key!r}]", lambda key=key: found["theirs"][key], lambda key=key: right[key])
        t.slope(lambda w, key=key: loss(weights | {key: w}), weights[key])
    for event in faults(t, begin).values():
        if not same(event.actual, event.expected, t.tolerance):
            add(t, event, whose_part(t, name, args))


def whose_part(t, name, args):
    """Return whether gradients are wrong because of the penalty, or without one, too."""
    free = (*args[:3], 0, 0, *args[5:])
    try:
        theirs, ours = t.find(name)(*copied(free)), t.names[name](*copied(free))
    except Exception:
        return ""
    return WITHOUT_PENALTY if same(theirs, ours, t.tolerance) else WITH_ANY


WITHOUT_PENALTY = (
    "With l1 = l2 = 0 all is right, so look at the penalty's part: (l1 sign(w) + l2 w) / m for w1 "
    "and w2 alike, and nothing for b1 and b2."
)
WITH_ANY = (
    "With l1 = l2 = 0 it is wrong, too, so look at the data's part: a mean over the samples, for "
    "each element by itself."
)


def comes_with(t):
    """The loss."""
    weights, (x, y), (l1, l2) = apart(t), batch(t), price(t, none=False).values()
    l1, l2 = t.choice((l1, l2), (l1, l2), (l1, 0), (0, l2))
    called(t, "regularized_loss", x, y, weights, l1, l2)
    t.say("It is (ΣCE + R) / m, with R as in `reg_loss`: both matrices, no biases.")
    sure = certain(t, t.choice(28.0, -28.0))
    for truth in (0 * y, 0 * y + 1):
        called(t, "regularized_loss", x, truth, sure, l1, l2)
        t.say(LARGE)
    if t.source.size >= 5:
        crowd(t)
        called(t, "regularized_loss", *batch(t), apart(t), l1, l2)


check_all_gradients = interaction(
    part(
        "accepts right versions and rejects plainly wrong ones, in any order",
        essential=True,
        count=1,
        steps=lambda t: t.sort(RIGHT, PLAINLY_WRONG),
    ),
    part(
        "rejects versions that are right at special points",
        2,
        laws=False,
        count=1,
        steps=lambda t: t.sort(RIGHT, SUBTLY_WRONG),
    ),
    part(
        "comes with the regularized loss, of any weights and any batch",
        single=True,
        axes=ANY,
        count=6,
        steps=comes_with,
    ),
)


RIGHT_BATCHES = {
    "divides the data by B and the penalty by m": version(),
    "takes one sample after the other": one_by_one,
    "uses other functions of NumPy": version(by_einsum),
    "takes the share B / m of the penalty, and divides all by B": version(
        toll=lambda size, m: (size / m) / size
    ),
    "scales the data up to m samples, and divides all by m": version(
        share=lambda size, m: (m / size) / m
    ),
    "takes 1 for the sign of 0": version(sign=lambda w: np.where(w >= 0, 1.0, -1.0)),
    "takes -1 for the sign of 0": version(sign=lambda w: np.where(w > 0, 1.0, -1.0)),
    "has other last digits": version(last=1e-12),
    "returns its gradients in another order": turned(version()),
}
PLAINLY_WRONG_BATCHES = {
    "divides the penalty by the batch": version(toll=mean),
    "does not divide the penalty at all": version(toll=lambda size, m: 1),
    "leaves the penalty out": version(toll=lambda size, m: 0),
    "subtracts the penalty": version(toll=lambda size, m: -1 / m),
    "does not divide the data": version(share=lambda size, m: 1),
    "divides the data by m too, so that small batches hardly count": version(share=whole),
    "has the wrong sign in the data's part": version(share=lambda size, m: -1 / size),
    "swaps B and m": version(share=whole, toll=mean),
}


def tolled(count):
    """Return a suspect that divides the penalty by another count than the training set's."""

    def suspect(x, y, weights, l1, l2, m):
        share = m / count(x, weights)
        return version()(x, y, weights, share * l1, share * l2, m)

    return suspect


SUBTLY_WRONG_BATCHES = {
    "divides the penalty by B and m": version(toll=lambda size, m: 1 / (size * m)),
    "divides the penalty by the number of elements of x, which is right if that is m": tolled(
        lambda x, w: x.size
    ),
    "divides the penalty by the number of elements of a1, which is right if that is m": tolled(
        lambda x, w: len(x) * len(w["w2"])
    ),
    "divides the penalty by the number of elements of w1, which is right if that is m": tolled(
        lambda x, w: w["w1"].size
    ),
    "divides the penalty by the number of weights, which is right if that is m": tolled(
        lambda x, w: w["w1"].size + w["w2"].size
    ),
    "takes the penalty times B / m": version(toll=lambda size, m: size / m),
    "divides the penalty by the number of batches": version(toll=lambda size, m: 1 / -(-m // size)),
    "leaves the L1 penalty out": version(l1_of=()),
    "leaves the L2 penalty out": version(l2_of=()),
    "lays the penalty on the biases too": version(l1_of=SHAPES, l2_of=SHAPES),
    "is fixed for w2 only": but_for("w1", version(toll=mean)),
    "is fixed for w1 only": but_for("w2", version(toll=mean)),
    "divides the gradient of b2 by m": but_for("b2", version(share=whole)),
    "divides the gradient of b1 by m": but_for("b1", version(share=whole)),
    "forgets the sign in L1, which is right for positive weights": version(sign=np.ones_like),
    "takes l1 for l2 and l2 for l1, which is right if they are equal": swapped,
    "has a factor 1/2 in the L2 part": version(f2=0.5),
    "divides the penalty by B twice, which is right if m is B²": version(
        toll=lambda size, m: 1 / size**2
    ),
    "divides the penalty by 364, whatever m is": version(toll=lambda size, m: 1 / 364),
    "divides the data by the number of features": over(lambda x, w: x.shape[1], all_of=False),
    "returns nan at the last place of w1": at("w1", -1, lambda g: np.nan),
    "returns nan for b2": at("b2", 0, lambda g: np.nan),
    "gives b1 the mean over samples and units, which is right if all units are equal": version(
        lambda x, w, a1, err, hidden: {"b1": np.full(a1.shape[1], hidden.sum() / a1.shape[1])}
    ),
    "takes every label for 1": labelled(1),
    "takes every label for 0": labelled(0),
    "returns 0 for all but the largest number of each gradient": largest_alone,
    "is wrong by one percent": version(last=0.01),
    "leaves b1 out of its forward pass, which is right if b1 is 0": without("b1"),
    "leaves b2 out of its forward pass, which is right if b2 is 0": without("b2"),
    **PARTLY_PAID,
    "is wrong at the first place of w1 alone": at("w1", 0, lambda g: g + 0.01),
    "is wrong at the last place of w1 alone": at("w1", -1, lambda g: g - 0.01),
    "is wrong at the last place of w2 alone": at("w2", -1, lambda g: g + 0.01),
    "is wrong at the last place of b1 alone": at("b1", -1, lambda g: g + 0.01),
    "returns absolute values": lambda *case: {k: np.abs(g) for k, g in version()(*case).items()},
}


def comes_with_batches(t):
    """The fixed version's gradients, also for a batch that is the whole training set."""
    weights, (x, y), (l1, l2) = apart(t), batch(t), price(t, none=False).values()
    m = len(x) * t.choice(1, 2, 7) + t.choice(0, 3)

    def loss(w):
        return mean_loss(x, y, w, l1 * len(x) / m, l2 * len(x) / m)

    compared(t, "minibatch_fixed", loss, x, y, weights, l1, l2, m)
    t.apart()
    called(t, "minibatch_fixed", *far(t, apart), l1, l2, m)
    if t.source.size >= 5:
        crowd(t)
        called(t, "minibatch_fixed", *batch(t), apart(t), l1, l2, 60_000)


check_minibatch = interaction(
    part(
        "accepts right versions and rejects plainly wrong ones, in any order",
        essential=True,
        count=2,
        steps=lambda t: t.sort(RIGHT_BATCHES, PLAINLY_WRONG_BATCHES),
    ),
    part(
        "rejects versions in which little is wrong",
        laws=False,
        count=2,
        steps=lambda t: t.sort(RIGHT_BATCHES, SUBTLY_WRONG_BATCHES),
    ),
    part(
        "has a fixed version whose gradients agree with numerical differentiation",
        single=True,
        axes=ANY,
        count=6,
        steps=comes_with_batches,
    ),
)
