"""What the exercises of chapter 5 promise."""

from dataclasses import replace

import numpy as np

from helpers.specification import Pair, arrays, integer_arrays, interaction, part
from helpers.specification.values import Tolerance, copied, difference

SEVERAL = {"m": (2, 5), "n": (2, 5), "u": (2, 5)}  # samples, features, hidden units
ANY = {"m": (1, 5), "n": (1, 5), "u": (1, 5)}

# --- the data -------------------------------------------------------------------------------------


SETS = ("x_train", "x_val", "x_test", "y_train", "y_val", "y_test")


def patients(t):
    """Return features on scales of their own, and labels of which each is there often enough."""
    n, columns = t.source.integer(30, 45), t.source.integer(1, 4)
    x = t.draw(arrays(f"{n} {columns}")) + 0.1 * np.sin(np.arange(n * columns)).reshape(n, columns)
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
        )
        yield key


def split(t, x, y):
    """Compare the six sets."""
    for _ in separate(t, "prepare", t.student, t.reference, (x, y), SETS):
        pass


def other_numbers(t):
    """Compare sets of other labels than 0 and 1, and of whole numbers."""
    x, y = patients(t)
    split(t, x, 3 - y)
    split(t, np.round(x).astype(int), y)


prepare = interaction(
    part(
        "the rows of each set, on the scale of the training set",
        essential=True,
        count=6,
        steps=lambda t: split(t, *patients(t)),
    ),
    part("other labels, whole numbers; its inputs stay as they are", count=5, steps=other_numbers),
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

    def do(self, name, *args, **options):
        """Call a method whose answer nobody asks for."""

        def of(network):
            def method(*a, **o):
                getattr(network, name)(*a, **o)

            return method

        reference = getattr(self.ours, name)
        self._trial.both(
            name,
            lambda *a, **o: of(self.theirs)(*a, **o),
            of(self.ours),
            args,
            options,
            signature=reference,
            whose=self._whose,
        )

    def look(self, *names, relation=lambda name, right: None):
        """Compare attributes; a bias b2 may be a single number.

        A relation is what `both` takes, made from a name and the right value, or None.
        """
        for name in names:
            self._trial.both(
                f".{name}",
                lambda name=name: level(name, getattr(self.theirs, name)),
                lambda name=name: copied(getattr(self.ours, name)),
                relation=relation(name, copied(getattr(self.ours, name, None))),
                whose=self._whose,
            )


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
    """Return features, and the truth as a column of 0 and 1."""
    y = t.draw(integer_arrays(f"{name} 1", 0, 1)).astype(float)
    return t.draw(arrays(f"{name} n", -2, 2)), y


def integer_batch(t, name="m"):
    """Return the same, of integers."""
    y = t.draw(integer_arrays(f"{name} 1", 0, 1))
    return t.draw(integer_arrays(f"{name} n", -3, 3)), y


def price(t, none=True):
    """Return the strengths of both penalties; now and then one is 0, or left to its default."""
    l1, l2 = t.source.number(0.2, 2), t.source.number(0.2, 2)
    if not none:
        return {"l1": l1, "l2": l2}
    return t.choice({"l1": l1, "l2": l2}, {"l1": l1}, {"l2": l2}, {"l1": l1, "l2": 0})


def mean_loss(x, y, weights, l1=0.0, l2=0.0):
    """Return the regularized loss from the formulas."""
    z = 1 / (1 + np.exp(-(x @ weights["w1"] + weights["b1"]))) @ weights["w2"] + weights["b2"]
    matrices = np.concatenate([weights["w1"].ravel(), weights["w2"].ravel()])
    penalty = l1 * np.sum(np.abs(matrices)) + l2 / 2 * np.sum(matrices**2)
    return (np.sum(np.logaddexp(0, z) - y * z) + penalty) / len(x)


def first(t):
    """Look at first weights, of any size."""
    n, units = t.source.integer(1, 6), t.source.integer(1, 12)
    network = made(t, **({} if units == 10 else {"units": units}))
    network.do("init_weights", n)
    network.look(*SHAPES)


init_weights = interaction(
    part(
        "ones and zeros, for any number of features and units",
        essential=True,
        of="Start",
        count=10,
        steps=first,
    ),
)


def forward(t):
    """One batch or two; what is kept may have another name here, but no other values."""
    network = ready(t, drawn(t))
    for name in ("m", "more")[: t.choice(1, 2)]:
        network.forpass(batch(t, name)[0])
        t.both(
            ".a1",
            lambda: copied(network.theirs.a1 if hasattr(network.theirs, "a1") else network.ours.a1),
            lambda: copied(network.ours.a1),
        )


def keeping(t):
    """Two networks, each with its own batches."""
    one, other = ready(t, drawn(t)), ready(t, drawn(t), other=True)
    one.forpass(batch(t)[0])
    other.forpass(batch(t, "more")[0])
    one.forpass(integer_batch(t, "whole")[0])
    one.look("a1")
    other.look("a1")


def activations(t):
    """Scores of any size and shape."""
    network = t.make()
    scale = 10.0 ** t.source.integer(-3, 5)
    network.activation(t.draw(arrays("*any") | integer_arrays("*any", -900, 900)) * scale)
    network.activation(np.array([[-1000.0], [-40.0], [0.0], [40.0], [1000.0]]))


forpass = interaction(
    part(
        "the scores of any batch",
        essential=True,
        of="Forward",
        axes=SEVERAL,
        steps=forward,
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
    """Return the penalty of any weights."""
    ready(t, drawn(t), **price(t, none=False)).reg_loss()


def cheap(t):
    """Penalties that cost nothing, and weights that change."""
    network = ready(t, drawn(t), **price(t))
    network.reg_loss()
    weights = {key: 0 * w + (key[0] == "b") for key, w in drawn(t).items()}
    other = ready(t, weights, other=True, l1=2.0, l2=3.0)
    other.reg_loss()
    network.set("w2", t.draw(arrays("u 1")))
    network.reg_loss()
    network.look(*SHAPES)


reg_loss = interaction(
    part(
        "both penalties of both matrices",
        essential=True,
        of="Penalty",
        axes=SEVERAL,
        steps=penalties,
    ),
    part(
        "costs nothing where nothing is asked; other weights, another price",
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

    wanted = [f"{key}_grad" for key in SHAPES]
    for grad in separate(t, "backprop", theirs, network.ours.backprop, (x, err), wanted):
        if truth:
            key = grad.removesuffix("_grad")
            t.slope(lambda w, key=key: mean_loss(x, y, weights | {key: w}), weights[key])
    return network


def untouched(t):
    """A way back changes no weight, whatever the options are."""
    x, y = batch(t)
    gradients(t, x, y, drawn(t), truth=False, **price(t)).look(*SHAPES)


backprop = interaction(
    part(
        "agrees with numerical differentiation",
        2,
        essential=True,
        single=True,
        of="Backward",
        axes=SEVERAL,
        count=6,
        steps=lambda t: gradients(t, *batch(t), drawn(t)),
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


def walk(t, steps=1, none=True, weights=drawn):
    """Make steps of training."""
    network = ready(t, weights(t), **price(t, none), learning_rate=t.source.number(0.02, 0.5))
    for number in range(steps):
        network.training(*(batch, integer_batch)[number % 2](t, f"m{number}"))
        network.look(*SHAPES)


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
    walk(t, 2, weights=lambda t: {k: np.where(w < 0.5, w, 0.0) for k, w in drawn(t).items()})


training = interaction(
    part(
        "the loss before the step, and every parameter against its gradient",
        2,
        essential=True,
        single=True,
        of="Training",
        axes=SEVERAL,
        steps=lambda t: walk(t, none=False),
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
        network.look("val_losses")
    one.look("losses", "val_losses", *SHAPES)
    other.look("val_losses")


update_val_loss = interaction(
    part(
        "appends the regularized loss of any validation set; no weight moves",
        essential=True,
        single=True,
        of="Validation",
        axes=ANY,
        count=10,
        steps=watching,
    ),
)


def crowds(t, name):
    """Return features and labels as a vector."""
    x, y = batch(t, name)
    return x, y[:, 0].astype(int)


def fitted(t, network, epochs, watched=True, default=False):
    """Train, and look at both lists and at the weights."""
    t.anew()
    data = crowds(t, "m")
    seen = dict(zip(("x_val", "y_val"), crowds(t, "v"), strict=True)) if watched else {}
    if default:
        network.do("fit", *data, **seen)
    elif t.choice(True, False):
        network.do("fit", *data, epochs, *seen.values())
    else:
        network.do("fit", *data, epochs=epochs, **seen)
    network.look("losses", "val_losses", *SHAPES)


def optioned(t):
    """Return networks with options, without weights.

    A few steps leave weights of 1 above 0: near the kink of |w|, rounding would take a side.
    """
    rate, units = t.source.number(0.05, 0.2), t.source.integer(1, 4)
    mild = {key: value / 4 for key, value in price(t).items()}
    return made(t, **mild, learning_rate=rate, units=units)


def unwatched(t):
    """Train without a validation set, and as long as it does by itself."""
    fitted(t, optioned(t), 3, watched=False)
    network = made(t, l2=t.source.number(0.1, 1), learning_rate=0.1, units=2)
    fitted(t, network, 100, watched=False, default=True)


def anew(t):
    """Fit the same networks again, and others beside them."""
    network, other = optioned(t), optioned(t)
    fitted(t, network, 3)
    fitted(t, other, 2)
    fitted(t, network, t.source.integer(1, 4), watched=t.choice(True, False))
    other.look("losses", "val_losses", *SHAPES)


fit = interaction(
    part(
        "trains, and records both losses before each step",
        essential=True,
        single=True,
        of="Fitting",
        axes={"m": (2, 5), "n": (2, 5), "v": (2, 5)},
        count=10,
        steps=lambda t: fitted(t, optioned(t), t.source.integer(2, 6)),
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
    """Labels, and the share of right ones."""
    weights, x = between(t)
    network = ready(t, weights)
    t.both(
        "predict",
        lambda x: plain(network.theirs.predict(x)),
        network.ours.predict,
        (x,),
    )
    for _ in range(2):
        network.score(x, t.draw(integer_arrays("m", 0, 1)).astype(t.choice(int, float)))


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


score = interaction(
    part(
        "the labels of any batch, and the share of right ones",
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
        if found and name in BOTH and isinstance(value, np.ndarray) and value.shape == right.shape:
            return f"`{name}` does not hold the numbers that `RandomState(42)` draws for it."
        return found

    return wrong


def random_first(t):
    """Look at first weights, of any size."""
    network = made(t, units=t.source.integer(2, 12))
    network.do("init_weights", t.source.integer(2, 8))
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
    other = made(t, units=2)
    other.do("init_weights", 3)  # as many numbers each time, so that a global seed shows


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
    "turns the units around in b1": version(
        lambda x, w, a1, err, hidden: {"b1": hidden.sum(axis=0)[::-1] + 1e-3}
    ),
    "subtracts the penalty and the data": version(
        share=lambda size, m: -1 / size, toll=lambda size, m: -1 / m
    ),
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
}


def called(t, name, *args):
    """Call one of the exercise's functions."""
    return t.both(name, lambda *a: t.find(name)(*a), t.names[name], args)


def compared(t, name, loss, *args):
    """Compare gradients, and hold them against numerical differentiation of a loss of weights."""
    found = {}

    def theirs(*a):
        found["theirs"] = t.find(name)(*a)
        return found["theirs"]

    right = t.both(name, theirs, t.names[name], args)
    weights = args[2]
    if t.first:
        return
    for key in SHAPES:
        t.both(f"[{key!r}]", lambda key=key: found["theirs"][key], lambda key=key: right[key])
        t.slope(lambda w, key=key: loss(weights | {key: w}), weights[key])


def comes_with(t):
    """The loss and the mended gradients."""
    weights, (x, y), (l1, l2) = apart(t), batch(t), price(t, none=False).values()
    l1, l2 = t.choice((l1, l2), (l1, l2), (l1, 0), (0, l2))
    called(t, "regularized_loss", x, y, weights, l1, l2)
    compared(t, "gradients_mended", lambda w: mean_loss(x, y, w, l1, l2), x, y, weights, l1, l2)


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
        "comes with a loss and mended gradients that agree with numerical differentiation",
        2,
        single=True,
        axes=ANY,
        count=6,
        steps=comes_with,
    ),
)


def but_for(key, wrong):
    """Return a suspect that is right but for one of the gradients."""
    right = version()
    return lambda *case: {**right(*case), key: wrong(*case)[key]}


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
SUBTLY_WRONG_BATCHES = {
    "divides the penalty by B and m": version(toll=lambda size, m: 1 / (size * m)),
    "takes the penalty times B / m": version(toll=lambda size, m: size / m),
    "divides the penalty by the number of batches": version(toll=lambda size, m: 1 / -(-m // size)),
    "leaves the L1 penalty out": version(l1_of=()),
    "leaves the L2 penalty out": version(l2_of=()),
    "lays the penalty on the biases too": version(l1_of=SHAPES, l2_of=SHAPES),
    "is mended for w2 only": but_for("w1", version(toll=mean)),
    "is mended for w1 only": but_for("w2", version(toll=mean)),
    "divides the gradient of b2 by m": but_for("b2", version(share=whole)),
    "divides the gradient of b1 by m": but_for("b1", version(share=whole)),
}


def comes_with_batches(t):
    """The mended gradients of mini-batches, one that is the whole training set among them."""
    weights, (x, y), (l1, l2) = apart(t), batch(t), price(t, none=False).values()
    m = len(x) * t.choice(1, 2, 7) + t.choice(0, 3)

    def loss(w):
        return mean_loss(x, y, w, l1 * len(x) / m, l2 * len(x) / m)

    compared(t, "minibatch_mended", loss, x, y, weights, l1, l2, m)


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
        "comes with mended gradients that agree with numerical differentiation",
        single=True,
        axes=ANY,
        count=6,
        steps=comes_with_batches,
    ),
)
