"""What the exercises of chapter 6, part B, promise."""

import copy
import itertools
from functools import partial

import numpy as np

from helpers.specification import (
    Domain,
    arrays,
    interaction,
    numbers,
    one_of,
    part,
)
from helpers.specification.values import Tolerance, same

EPS = 1e-7
ANY = Tolerance(0, 1e300)  # the shape alone is compared: what is drawn at random is judged below
TWO_CLASSES = {"K": (2, 5)}


def or_none(low, high):
    """Return the domain of numbers from low to high; of one size they are 0."""
    return Domain(lambda draw, axes: 0 if draw.size == 2 else draw.number(low, high))


# --- batch normalization --------------------------------------------------------------------------


def spread(t, features, samples=None):
    """Return a batch whose features vary, each in its own range: EPS hardly counts."""
    n = samples or t.source.integer(2, t.source.size + 2)
    places = np.stack([t.source.order(n) for _ in range(features)], axis=1)
    x = 2.0 * places + t.draw(arrays(f"{n} {features}", -0.5, 0.5))
    scale, shift = t.draw(arrays(f"{features}", 0.5, 3), arrays(f"{features}", -5, 5))
    return x * scale + shift


def through(t, layer, x, train_flg):
    """Send a batch forward, with the flag by position, by name or by its default."""
    form = t.choice("position", "name", "default")
    if form == "default" and train_flg:
        return layer.forward(x)
    return layer.forward(x, train_flg=train_flg) if form == "name" else layer.forward(x, train_flg)


def normalizes(t):
    """Batches in both modes; in between other numbers are written into gamma and beta."""
    features = t.source.integer(1, t.source.size)
    shape = f"{features}"
    gamma, beta = map(t.keep, t.draw(arrays(shape, 0.5, 2), arrays(shape)))
    options = {}
    if t.source.size == 2 or t.choice(True, True, False):
        options["momentum"] = t.draw(or_none(0.3, 0.8))
    if t.choice(True, False):
        options["running_mean"] = t.draw(arrays(shape))
        options["running_var"] = t.draw(arrays(shape, 0.5, 3))
    layer = t.make(gamma, beta, **options)
    more = [t.choice(True, False) for _ in t.times(0, 3)]
    for train_flg in (True, False, False, True, True, False, *more):
        x = spread(t, features)
        through(t, layer, x if train_flg else x[: t.source.integer(1, 2)], train_flg)
        if train_flg:
            layer.read("xhat", "std")
        if t.choice(True, False, False, False):
            t.choice(gamma, beta).write(t.draw(arrays(shape, 0.5, 2)))
    if t.source.size >= 5:
        outliers(t)


def trains(layer, batches):
    """Send batches forward in training mode."""
    for x in batches:
        layer.forward(x, train_flg=True)


def outliers(t):
    """Many samples of which one is far out, and samples far from the running mean; many batches."""
    t.apart()
    layer = t.make(np.array([2.0, 0.5]), np.array([1.0, -1.0]))
    x = t.draw(arrays("300 2", -1, 1))
    x[7] = 1e3
    x[200] = -1e3, 50.0
    through(t, layer, x, train_flg=True)
    layer.read("xhat", "std", "running_mean", "running_var")
    through(t, layer, np.array([[1e5, -1e5], [0.0, 1e3]]), train_flg=False)
    t.apart()
    layer = t.make(np.ones(1), np.zeros(1))
    batches = [np.array([[k / 50], [1.0 + (k % 7)]]) for k in range(120)]
    t.both("120 batches, with forward", trains, trains, (layer, batches))
    layer.read("running_mean", "running_var")
    through(t, layer, np.array([[1.0]]), train_flg=False)


def hardly_varies(t):
    """Features whose variance is about as large as EPS, or 0, or small beside their mean."""
    features = t.source.integer(1, 3)
    shape = f"{features}"
    gamma, beta, mean = t.draw(arrays(shape, 0.5, 2), arrays(shape), arrays(shape))
    layer = t.make(gamma, beta, 0.9, mean, np.full(features, 1e-6))
    through(t, layer, mean + 1e-3 * spread(t, features) / 10, train_flg=False)
    through(t, layer, mean + 1e-3 * spread(t, features, 3) / 10, train_flg=True)
    through(t, layer, spread(t, features, 1), train_flg=True)
    layer.read("xhat", "std")
    through(t, layer, 1e7 + spread(t, features, 4), train_flg=True)
    t.apart()
    layer = t.make(gamma, beta, 0.9, mean, np.zeros(features))
    through(t, layer, np.tile(mean, (3, 1)), train_flg=True)  # the running variance stays 0
    through(t, layer, mean + 1e-3 * spread(t, features) / 10, train_flg=False)


def keeps_values(t):
    """What the layer keeps, after training mode and after evaluation mode."""
    features = t.source.integer(1, t.source.size)
    layer = t.make(*t.draw(arrays(f"{features}", 1.5, 2), arrays(f"{features}", 1, 2)))
    for train_flg in (True, False, True):
        through(t, layer, spread(t, features, t.source.integer(2, 5)), train_flg)
        layer.read("xhat", "std", "running_mean", "running_var")
    t.apart()
    layer = t.make(np.array([1.0]), np.array([0.0]))
    layer.do("forward", t.draw(arrays("1 1", 1, 2)))
    layer.read("running_mean", "running_var")  # a batch of one counts as any other


BatchNormalization = interaction(
    part(
        "training and evaluation mode in any order: the batch's values, then the running ones",
        3,
        essential=True,
        rtol=1e-4,
        count=12,
        steps=normalizes,
    ),
    part(
        "EPS under the root, in both modes; means far from 0; x stays as it is",
        rtol=1e-5,
        count=6,
        steps=hardly_varies,
    ),
    part(
        "xhat, std, running_mean and running_var are kept, and evaluation mode changes none",
        rtol=1e-4,
        laws=False,
        count=8,
        steps=keeps_values,
    ),
)


def normalized(x):
    """Return x normalized, and the deviation that it was divided by."""
    std = np.sqrt(np.var(x, axis=0) + EPS)
    return (x - np.mean(x, axis=0)) / std, std


def three_gradients(t):
    """Hold dx, dgamma and dbeta against numerical differentiation."""
    x, dout = t.draw(arrays("N n", -0.3, 0.3), arrays("N n"))
    gamma, beta, widths = t.draw(arrays("n", -2, 2), arrays("n"), arrays("n", 1, 2))
    x += np.linspace(-1, 1, len(x))[:, np.newaxis] * widths  # no feature hardly varies
    xhat, std = normalized(x)
    t.call(dout, gamma, xhat, std)
    t.slope(lambda v: np.sum(dout * gamma * normalized(v)[0]), x, item=0)
    t.slope(lambda v: np.sum(dout * v * xhat), gamma, item=1)
    t.slope(lambda v: np.sum(dout * (gamma * xhat + v)), beta, item=2)
    if t.source.size >= 4:
        batch(t, 271, 2)


FAINT = 1e-40  # a float32 can't hold it


def batch(t, samples, features, size=1.0, large=1.0, equal=False):
    """Ask for the gradients of a batch whose values and gradients are of some size."""
    x = size * t.draw(arrays(f"{samples} {features}"))
    dout = large * t.draw(arrays(f"{samples} {features}"))
    t.both(
        "batch_norm_backward",
        lambda *a: t.invoke(t.student, a, {}),
        t.reference,
        (dout, t.draw(arrays(f"{features}", -2, 2)), *normalized(x[:1] + 0 * x if equal else x)),
        tolerance=Tolerance(t.tolerance.rtol, 1e-10 * np.max(np.abs(dout)) if large > FAINT else 0),
    )


def other_batches(t, first=1, least=1):
    """A batch of so many samples, and one of equal samples, of other sizes."""
    features = t.source.integer(1, t.source.size)
    batch(t, first, features)
    samples = t.source.integer(least, least - 1 + 3 * t.source.size)
    sizes = t.choice(1e-3, 1.0, 1e3), t.choice(1e-9, 1e-3, 1.0, 1e3)
    batch(t, samples, features, *sizes, t.choice(False, True))
    if t.source.size == 3 and least == 1:  # nothing comes back
        t.apart()
        batch(t, 3, 2, large=0.0)
        batch(t, 3, 2, large=1e-60)


batch_norm_backward = interaction(
    part(
        "agrees with numerical differentiation",
        3,
        essential=True,
        single=True,
        axes={"N": (3, 6)},  # of two samples dx is next to nothing
        steps=three_gradients,
    ),
    part(
        "any number of samples, one or equal ones too; gradients large and small",
        laws=False,
        count=12,
        steps=other_batches,
    ),
    part("leaves its arguments as they are", count=8, steps=lambda t: other_batches(t, 6, 2)),
)

# --- dropout --------------------------------------------------------------------------------------

MARGIN = 0.05  # of a fraction of 10,000: more than nine standard deviations


def margin(ratio):
    """Return more than six standard deviations of the fraction of 10,000 that is switched off."""
    return 0.065 * np.sqrt(ratio * (1 - ratio))


def masked(t, layer, x, **options):
    """Send a batch forward in training mode; return what is on, or None if that can't be told."""
    t.both("forward", lambda *a, **o: layer.theirs.forward(*a, **o), layer.ours.forward, (x,),
           options, tolerance=ANY)  # fmt: skip
    if t.first:
        return None
    out = np.asarray(t.answer, dtype=float)
    on = out != 0
    t.holds(
        np.allclose(out, np.where(on, x, 0.0)),
        "In training mode each activation is x itself, or 0: there is no factor.",
    )
    return on


def shares(t):
    """The fraction that is switched off, anew for each activation and batch; then evaluate."""
    ratio = t.draw(numbers(0.2, 0.8))
    layer = t.make(ratio, t.source.integer(0, 2**31))
    x = np.ones((100, 100))
    first = masked(t, layer, x)
    second = masked(t, layer, x, train_flg=True)
    if first is not None and second is not None:
        off, change = 1 - np.mean(first), 2 * ratio * (1 - ratio)
        for found, right, words in (
            (off, ratio, f"With dropout_ratio = {ratio:.2f}, {off:.0%} are switched off."),
            (np.mean(first != second), change, "A second batch needs a mask of its own."),
            (np.mean(first[1:] != first[:-1]), change, "Each sample needs a mask of its own."),
            (np.mean(first[:, 1:] != first[:, :-1]), change,
             "Each activation of a sample is on or off by itself."),
        ):  # fmt: skip
            t.holds(abs(found - right) < MARGIN, words)
    by_itself(t, layer, first, ratio)
    layer.forward(x[:2, :2], train_flg=False)
    for ratio in (t.choice(0.3, 0.4, 0.6), t.choice(0.25, 0.65), t.choice(0.02, 0.97)):
        if t.first:
            return
        t.apart()
        layer = t.make(ratio, t.source.integer(0, 2**31))
        off = 1 - np.mean(masked(t, layer, x))
        t.holds(
            abs(off - ratio) < margin(ratio),
            f"With dropout_ratio = {ratio:.2f}, {off:.1%} are switched off.",
        )
        layer.forward(x[:2, :2], train_flg=False)


def by_itself(t, layer, on, ratio):
    """How many are off varies: in samples, in units, and in small batches."""
    small = [masked(t, layer, np.ones((10, 10))) for _ in range(10)]
    if on is None or any(batch is None for batch in small):
        return
    usual = np.sqrt(on.shape[0] * ratio * (1 - ratio))  # the deviation of a binomial draw
    for varies, words in (
        (np.std(on.sum(axis=1)) > usual / 2, "sample"),
        (np.std(on.sum(axis=0)) > usual / 2, "unit"),
        (len({batch.sum() for batch in small}) > 1, "batch"),
    ):
        t.holds(
            varies,
            f"The same number is off in each {words}: each activation should be off with "
            "probability `dropout_ratio`, whatever becomes of the others.",
        )
    t.holds(
        len({batch.tobytes() for batch in small}) == len(small),
        "Of ten batches two have the same mask: draw each mask anew.",
    )


def sends_back(t, layer, dout):
    """Send a gradient backward."""
    t.both("backward", lambda *a: layer.theirs.backward(*a), layer.ours.backward, (dout,),
           tolerance=ANY)  # fmt: skip


def way_back(t):
    """The gradient after training mode, and after a batch in evaluation mode too."""
    layer = t.make(t.draw(numbers(0.3, 0.6)), t.source.integer(0, 2**31))
    for _ in range(2):
        x, dout = t.draw(arrays("12 10", 1, 2), arrays("12 10", 1, 2))
        on = masked(t, layer, x)
        if t.choice(True, False):
            layer.forward(x[:3], train_flg=False)
        if t.source.size == 2:  # another layer of the network
            masked(t, t.make(0.5, t.source.integer(0, 2**31)), x)
        sends_back(t, layer, dout)
        if on is not None and not t.first:
            t.slope(lambda v, on=on, dout=dout: dout * v * on, x, elementwise=True)
    behind_relu(t, layer)


def behind_relu(t, layer):
    """Activations that are 0 themselves may be on, too; which, only the gradient tells."""
    x, dout = t.draw(arrays("12 10", 1, 2), arrays("12 10", 1, 2))
    x[::2] = 0.0
    on = masked(t, layer, x)
    sends_back(t, layer, dout)
    if on is None or t.first:
        return
    found = np.asarray(t.answer, dtype=float)
    t.holds(
        np.allclose(found[1::2], (dout * on)[1::2])
        and np.all(np.isclose(found, 0) | np.isclose(found, dout))
        and np.any(found[::2]),
        "Behind activations that are 0 the gradient is lost, or wrong: they are on or off as the "
        "others. Keep the mask, and multiply by it.",
    )


def repeats(t):
    """Layers of one seed and of another; the mask that is kept."""
    ratio, seed = t.draw(numbers(0.3, 0.6)), t.source.integer(0, 2**31)
    x = t.draw(arrays("20 20", 1, 2))
    masks = []
    for rng in (seed, seed, np.random.default_rng(seed), seed + 1):
        layer = t.make(ratio, rng)
        masks.append(masked(t, layer, x))
        t.both(".mask", lambda layer=layer: np.array(layer.theirs.mask, dtype=float),
               lambda layer=layer: layer.ours.mask.astype(float), tolerance=ANY)  # fmt: skip
        if not t.first:
            t.holds(
                np.array_equal(t.answer, masks[-1].astype(float)),
                "`self.mask` should be True where the activation is on, and False where it is off.",
            )
        sends_back(t, layer, x)
        t.both(".mask", lambda layer=layer: np.array(layer.theirs.mask, dtype=float),
               lambda layer=layer: layer.ours.mask.astype(float), tolerance=ANY)  # fmt: skip
        sends_back(t, layer, x)
    if not t.first:
        t.holds(
            all(np.array_equal(masks[0], mask) for mask in masks[1:3]),
            "Two layers with the same seed drop different activations: draw from `self.rng`.",
        )
        t.holds(
            not np.array_equal(masks[0], masks[3]),
            "Layers with two seeds drop the same activations: draw from `self.rng`.",
        )


def any_shape(t):
    """Arrays of any shape and ratios up to the ends, in both modes; one half is the usual ratio."""
    t.make(rng=3).forward(t.draw(arrays("2 3")), train_flg=False)
    for ratio in (0.0, 0.5, 1.0):
        layer = t.make(ratio, t.source.integer(0, 99))
        for shape in ("5", "4 3", "2 3 2"):
            x, dout = t.draw(arrays(shape), arrays(shape))
            masked(t, layer, x)
            sends_back(t, layer, dout)
            layer.forward(x, train_flg=False)
    t.apart()
    on = masked(t, t.make(0.5, t.source.integer(0, 99)), np.ones((4, 5, 6, 7)))
    for axis in range(4 if on is not None else 0):
        t.holds(
            abs(np.mean(np.diff(on, axis=axis)) - 0.5) < 0.2,  # more than nine standard deviations
            f"With x of shape (4, 5, 6, 7) the mask repeats itself along axis {axis}: each "
            "activation is on or off by itself.",
        )


Dropout = interaction(
    part(
        "training: x or 0, in the right fraction, drawn anew each time; evaluation: (1 - r) x",
        2,
        essential=True,
        count=5,
        steps=shares,
    ),
    part(
        "backward takes the mask of the last batch in training mode, as differentiation says",
        essential=True,
        count=8,
        steps=way_back,
    ),
    part("keeps the mask in `self.mask`, and a seed repeats it", count=5, steps=repeats),
    part("any shape; x and dout stay as they are", count=5, steps=any_shape),
)

# --- weight decay ---------------------------------------------------------------------------------


def network_arrays(norm=None):
    """Return the domain of a network's parameters: units and the order of keys are drawn.

    There are up to three layers; twelve in the largest trials, with all that there may be.
    """

    def make(draw, axes):
        layers = 12 if draw.size >= 5 else draw.integer(min(draw.size, 3), 3)
        sizes = [draw.integer(1, 3) for _ in range(layers + 1)]
        with_norm = (draw.size >= 4 or draw.choice((True, False))) if norm is None else norm
        shapes = {}
        for k, (n, m) in enumerate(itertools.pairwise(sizes), start=1):
            shapes |= {f"W{k}": (n, m), f"b{k}": (m,)}
            if with_norm and k < layers:
                shapes |= {f"gamma{k}": (m,), f"beta{k}": (m,)}
        keys = list(shapes)
        order = [keys[place] for place in draw.order(len(keys))]
        return {key: draw.array(shapes[key], -2, 2) for key in order}

    return Domain(make)


STRENGTH = numbers(0.1, 2) | one_of(0, 1)
DEEP = {f"W{n}": np.full((1, 1), 0.5) for n in range(1, 12)}
DEEP |= {f"b{n}": np.full(1, 0.5) for n in range(1, 12)}
DEEPER = {f"W{n}": np.full((1, 1), 0.5) for n in range(1, 120)}
DEEPER |= {f"b{n}": np.full(1, 0.5) for n in range(1, 120)}
LARGE = {"W1": np.array([[300.0, -70.0], [5e4, 20.0]]), "b1": np.array([1.0, 2.0])}
WITHOUT = {"b1": np.array([1.0, 2.0]), "gamma1": np.array([3.0, 1.0])}
TINY = {
    "W1": np.array([[1.0, -3.0]]),
    "b1": np.array([5.0, 4.0]),
    "gamma1": np.array([2.0, 3.0]),
    "beta1": np.array([1.0, 1.0]),
    "W2": np.array([[2.0], [1.0]]),
    "b2": np.array([7.0]),
}


def decays(t):
    """The gradients with decay, held against numerical differentiation of the penalty."""
    params = t.draw(network_arrays())
    lam = t.draw(STRENGTH)
    grads = {key: t.draw(arrays(" ".join(map(str, np.shape(params[key]))))) for key in params}
    order = t.source.order(len(grads))
    grads = {key: grads[key] for key in (list(grads)[place] for place in order)}
    t.call(params, grads, lam)
    for key in list(params)[:4]:

        def loss(v, key=key):
            return np.sum(grads[key] * v) + t.names["decay_loss"]({**params, key: v}, lam)

        t.slope(loss, params[key], item=key)


ODD = {
    "W1": np.array([[[1.0, -2.0]]]),
    "b1": np.array([[3.0, 2.0]]),
    "gamma1": np.array([[4.0, 2.0]]),  # with b1 not twice what the weights are
    "W2": np.array([3.0, -1.0]),
}


def new_dictionary(t):
    """What comes back is new, without decay too; odd shapes change nothing."""
    decays(t)
    lam = t.draw(numbers(0.1, 2))
    grads = {key: t.draw(arrays(" ".join(map(str, value.shape)))) for key, value in ODD.items()}
    t.call(ODD, grads, lam)
    for params in (ODD, WITHOUT):
        t.both("decay_loss", t.find("decay_loss"), t.names["decay_loss"], (params, lam))
    for strength in (0, lam):
        t.both(
            "decay_grads",
            lambda *a: t.student(*a) is a[1],
            lambda *a: t.reference(*a) is a[1],
            (ODD, grads, strength),
            signature=t.reference,
            relation=lambda same: (
                same and "The dictionary `grads` itself comes back, not a new one."
            ),
        )


decay_loss = interaction(
    part(
        "the penalty of the weights alone, at any depth",
        essential=True,
        single=True,
        at=[{"params": params, "lam": 0.1} for params in (TINY, DEEP, DEEPER, LARGE)],
        params=network_arrays(),
        lam=STRENGTH,
    ),
    part(
        "decay_grads agrees with numerical differentiation of the penalty",
        essential=True,
        single=True,
        of="decay_grads",
        count=10,
        steps=decays,
    ),
    part(
        "goes by the key, whatever the shape; a new dictionary; params and grads stay as they are",
        of="decay_grads",
        single=True,
        count=10,
        steps=new_dictionary,
    ),
)

# --- a network of any depth -----------------------------------------------------------------------


def compare_names(t, layers):
    """Compare the names of the layers, in their order."""
    t.both(".keys()", lambda: list(layers.theirs), lambda: list(layers.ours))


def layer_by_layer(t):
    """The names in their order; what each layer computes, or has been given, and then still has."""
    params = t.draw(network_arrays())
    everything = t.source.size >= 4
    norm = any(key.startswith("gamma") for key in params) and (everything or t.choice(True, False))
    dropout = everything or t.choice(True, False)
    for activation in ("relu", "sigmoid"):
        ratio = 0 if t.source.size == 3 else t.draw(numbers(0.1, 0.4))
        layers = t.make(params, activation, norm, dropout, ratio, t.source.integer(0, 99))
        compare_names(t, layers)
        names = [] if t.first else list(layers.ours)
        for place, name in enumerate(names, start=1):
            layer = layers[name]
            if name.startswith("Affine"):
                inputs = len(params[f"W{name.removeprefix('Affine')}"])
                layer.forward(t.draw(arrays(f"2 {inputs}")))
            elif name.startswith("Activation"):
                layer.forward(t.draw(arrays("2 3")))
            elif name.startswith("BatchNorm"):
                layer.read("gamma", "beta", "momentum")
            else:
                layer.read("dropout_ratio")
                layer.set("dropout_ratio", place / 100)
        for name in reversed(names):
            if name.startswith("Activation"):
                layers[name].backward(t.draw(arrays("2 3")))
            elif name.startswith("Dropout"):
                layers[name].read("dropout_ratio")
    if t.source.size == 2:
        many = {f"{word}{k}": np.ones((1, 1)) for k in range(101, 0, -1) for word in "Wb"}
        t.apart()
        compare_names(t, t.make(many, "relu", False, True, 0.5, 0))


def hands_on(t):
    """The generator of each dropout: from a seed, or one for all.

    Whoever makes one generator of a seed and passes that on is right, too.
    """
    params = t.draw(network_arrays())
    seed = t.source.integer(0, 99)
    layers = t.make(params, "relu", False, True, 0.3, t.choice(seed, np.random.default_rng(seed)))
    compare_names(t, layers)

    def first_numbers(of, name):
        return of[name].rng.random(3)

    one_for_all = np.random.default_rng(seed)
    for name in [] if t.first else layers.ours:
        if name.startswith("Dropout"):
            right = copy.deepcopy(layers.ours[name]).rng.random(3), one_for_all.random(3)
            t.both(
                f"[{name!r}].rng.random(3)",
                lambda name=name: first_numbers(layers.theirs, name),
                lambda name=name: first_numbers(layers.ours, name),
                relation=lambda found, right=right: (
                    ""
                    if any(np.allclose(found, numbers) for numbers in right)
                    else "`rng` is not passed on to each Dropout."
                ),
            )


def shares_arrays(t):
    """The arrays of params are changed in place afterwards."""
    first = t.draw(network_arrays())
    if t.source.size == 3:
        first = {key: value.astype(np.float32) for key, value in first.items()}
    if t.source.size >= 5:
        first = {key: np.asfortranarray(value) for key, value in first.items()}
    params = {key: t.keep(value) for key, value in first.items()}
    norm = any(key.startswith("gamma") for key in first)
    for _ in range(2):
        t.apart()
        layers = t.make(params, "relu", norm, False, 0.5, 0)
        compare_names(t, layers)
        if t.first:
            return
        for key, array in params.items():
            array.write(t.draw(arrays(" ".join(map(str, np.shape(first[key]))))))
            word = key.rstrip("0123456789")
            name = "Affine" if word in "Wb" else "BatchNorm"
            layers[name + key.removeprefix(word)].read(word)
        params = {key: t.keep(value + 1) for key, value in first.items()}  # of another network


make_layers = interaction(
    part(
        "the right layers in their order, each with its own parameters, at any depth",
        essential=True,
        count=12,
        steps=layer_by_layer,
    ),
    part("passes the generator on to each dropout; changes nothing", steps=hands_on, count=8),
    part(
        "the layers hold the arrays of params themselves",
        essential=True,
        changes=["params"],
        count=8,
        steps=shares_arrays,
    ),
)


def network(t, sizes, **options):
    """Return a network, the student's and the reference's, with parameters of our own."""
    net = t.make(
        sizes[0], list(sizes[1:-1]), sizes[-1], weight_init_std=0.1,
        rng=t.source.integer(0, 2**31), **options,
    )  # fmt: skip
    values = {}
    for key, value in net.ours.params.items():
        shape = " ".join(map(str, value.shape))
        values[key] = t.draw(arrays(shape, 0.5, 2))
        if not key.startswith("gamma"):
            values[key] *= 2 * (t.draw(arrays(shape, -1, 1)) > 0) - 1
    t.both("set_params", partial(put, net.theirs), partial(put, net.ours), (), values)
    return net


def put(net, **values):
    """Write values into the arrays of a network's parameters."""
    for key, value in values.items():
        net.params[key][...] = value


def batch_for(t, sizes, samples):
    """Return a batch and its truth, in either form."""
    found = t.draw(arrays(f"{samples}", 0, sizes[-1] - 1e-9)).astype(int)
    return t.draw(arrays(f"{samples} {sizes[0]}")), t.choice(found, np.eye(sizes[-1])[found])


def differentiate(t, net, x, truth):
    """Hold the last answer, gradients by key, against numerical differentiation."""
    twin = copy.deepcopy(net)
    for key, array in twin.params.items():

        def loss(v, array=array):
            array[...] = v
            return twin.loss(x, truth, train_flg=True)

        before = array.copy()
        t.slope(loss, before, item=key)
        array[...] = before


def hidden_sizes(t):
    """Return the numbers of units of the hidden layers: none to three layers, 11 or 61."""
    if t.source.size >= 5:
        return [t.source.integer(1, 2) for _ in range(t.choice(11, 61))]
    return [t.source.integer(1, 3) for _ in t.times(0, 3)]


def plain(t):
    """A network without options, but with decay."""
    sizes = [t.source.integer(1, 3), *hidden_sizes(t), t.source.integer(2, 4)]
    options = {"activation": "sigmoid" if len(sizes) > 20 else t.choice("relu", "sigmoid")}
    if t.choice(True, True, False):
        options["weight_decay_lambda"] = t.draw(numbers(0.1, 1))
    net = network(t, sizes, **options)
    x, truth = batch_for(t, sizes, t.source.integer(1, 6))
    if t.source.size == 1:
        x, truth = x[:1], np.eye(sizes[-1])[:1]  # one sample, one-hot
    net.predict(x)
    net.loss(x, truth)
    net.loss(x, truth, train_flg=True)
    net.accuracy(x, truth)
    net.gradient(x, truth)
    if len(sizes) < 10:
        differentiate(t, net.ours, x, truth)
    net.write("params.W1", t.draw(arrays(f"{sizes[0]} {sizes[1]}")))
    if t.source.size == 2:
        network(t, sizes)  # a second one, which has no part in what the first answers
    net.predict(x)
    x, truth = batch_for(t, sizes, len(x))
    net.predict(x)
    net.gradient(x, truth)
    net.loss(x, truth)
    if t.source.size in (3, 4):
        x, truth = batch_for(t, sizes, t.choice(131, 271))
        net.accuracy(x, truth)
        labels = np.minimum(net.ours.predict(x).argmax(axis=1), 1)  # of two classes alone
        labels[::2] = 1 - labels[::2]
        net.accuracy(x, labels)
        net.loss(x, truth)
        net.gradient(x, truth)
    sure(t, net, sizes)
    if t.source.size == 2:
        as_many_as_classes(t, sizes)
        collected(t)


def as_many_as_classes(t, sizes):
    """As many samples as classes, with labels; then other numbers in the same batch."""
    t.apart()
    net = network(t, sizes)
    first, second = t.draw(*[arrays(f"{sizes[-1]} {sizes[0]}")] * 2)
    x, labels = t.keep(first), net.ours.predict(first).argmax(axis=1)
    labels[0] = (labels[0] + 1) % sizes[-1]
    for values in (second, first):
        net.predict(x)
        net.accuracy(x, labels)
        net.loss(x, labels)
        x.write(values)
    net.gradient(x, labels)


def sure(t, net, sizes):
    """Let the network be confident of a wrong class: the loss is large."""
    net.write(f"params.b{len(sizes) - 1}", np.array([2000.0, *[0.0] * (sizes[-1] - 1)]))
    x, truth = t.draw(arrays(f"2 {sizes[0]}")), np.array([1, sizes[-1] - 1])
    net.loss(x, truth)
    net.gradient(x, truth)


NEVER_BACK = (
    "`gradient` never calls `backward` of the batch normalization: go back through all layers, and "
    "collect what they have kept."
)


MISSING = "The gradients of gamma and beta are missing: they have keys, as those of the weights do."


def collected(t):
    """The gradients of batch normalization are those of its layer, whatever that does."""
    seed = t.source.integer(0, 2**31)
    x, truth = varied_batch(t, [2, 3, 3], 4)

    def others(of):
        try:
            net = of(2, [3], 3, activation="sigmoid", use_batchnorm=True, rng=seed)
            grads, layer = net.gradient(x.copy(), truth.copy()), net.layers["BatchNorm1"]
            own = {"gamma1": layer.dgamma, "beta1": layer.dbeta}
            if any(right is None for right in own.values()):
                return ["none"]
        except NotImplementedError:
            raise
        except Exception:
            return []  # another part looks at that
        if missing := [key for key in own if key not in grads]:
            return ["missing", *missing]
        return [key for key, right in own.items() if not same(grads[key], right)]

    t.both(
        "gradient, with batch normalization",
        lambda: others(t.student),
        lambda: others(t.reference),
        relation=lambda found: {"": "", "none": NEVER_BACK, "missing": MISSING}.get(
            found[0] if found else "",
            f"The gradient of {found and found[0]} is not the one that its layer has: `dgamma` is "
            "that of gamma, and `dbeta` that of beta.",
        ),
    )


def asks_accuracy(t, net, x, truth):
    """Ask for the accuracy, for what it may do besides: of few samples it is right by chance."""
    t.both("accuracy", lambda *a: net.theirs.accuracy(*a), net.ours.accuracy, (x, truth),
           tolerance=ANY)  # fmt: skip


def varied_batch(t, sizes, samples):
    """Return a batch whose features all vary, and its truth."""
    x, truth = batch_for(t, sizes, samples)
    places = np.stack([np.roll(np.arange(samples), k) for k in range(sizes[0])], axis=1)
    return places - samples / 2 + x / 10, truth


def decay_of(t):
    """Return the strength of the decay: none in trials of one size."""
    return 0 if t.source.size == 3 else 0.3


def with_norm(t):
    """Batch normalization, in training and evaluation mode."""
    hidden = [t.source.integer(1, 3) for _ in range(1 + (t.source.size >= 4))]
    sizes = [2, 2, 2] if t.source.size < 3 else [2, *hidden, 3]
    activation = "sigmoid" if len(sizes) > 3 else t.choice("relu", "sigmoid")  # no dead layer
    net = network(
        t, sizes, use_batchnorm=True, activation=activation,
        weight_decay_lambda=decay_of(t),
    )  # fmt: skip
    x, truth = varied_batch(t, sizes, t.source.integer(3, 6))
    net.predict(x)
    net.loss(x, truth)
    net.loss(x[:2], truth[:2], train_flg=True)
    net.gradient(x, truth)
    differentiate(t, net.ours, x, truth)
    asks_accuracy(t, net, x, truth)
    net.predict(x)
    net.predict(x, train_flg=t.choice(True, False))
    net.predict(x)
    if t.source.size in (3, 4):
        x, truth = varied_batch(t, sizes, 131)
        net.loss(x, truth, train_flg=True)
        net.gradient(x, truth)
        net.predict(x)
        last = f"params.b{len(sizes) - 1}"
        net.write(last, np.array([1990.0, *[0.0] * (sizes[-1] - 2), 2000.0]))
        net.accuracy(x[:2], np.array([sizes[-1] - 1, 0]))  # scores are large, and need no softmax


def deep(t):
    """Many layers with all that there may be: scores, and whose gradients come."""
    t.apart()
    sizes = [2] * 13
    net = network(t, sizes, use_batchnorm=True, use_dropout=True, dropout_ratio=0.1,
                  activation="sigmoid")  # fmt: skip
    x, truth = varied_batch(t, sizes, 6)
    net.predict(x)
    t.both("gradient", lambda *a: net.theirs.gradient(*a), net.ours.gradient, (x, truth),
           tolerance=ANY)  # fmt: skip


class Fixed:
    """Dropout whose mask stays."""

    def __init__(self, mask):
        self.mask = mask

    def forward(self, x, train_flg=True):
        """Return x with its mask."""
        return x * self.mask

    def backward(self, dout):
        """Return the gradient."""
        return dout * self.mask


def masked_network(net, x, truth, given):
    """Return the network with masks for which these are its gradients, or None: all are tried."""
    twin = copy.deepcopy(net)
    names = [name for name in twin.layers if name.startswith("Dropout")]
    units = [len(twin.params[f"b{name.removeprefix('Dropout')}"]) for name in names]
    bits = len(x) * sum(units)
    for choice in itertools.product((True, False), repeat=bits):
        masks = np.split(np.array(choice).reshape(len(x), -1), np.cumsum(units)[:-1], axis=1)
        twin.layers.update(dict(zip(names, map(Fixed, masks), strict=True)))
        if same(given, twin.gradient(x, truth), Tolerance(1e-5, 1e-5)):
            return twin
    return None


def with_dropout(t):
    """Dropout, alone or behind batch normalization, in training and evaluation mode."""
    norm = t.source.size < 3
    sizes, samples = ([2, 2, 2], 3) if norm else ([2, 3, 2, 3], 1)
    net = network(
        t, sizes, use_dropout=True, use_batchnorm=norm, activation="sigmoid",
        dropout_ratio=t.draw(numbers(0.3, 0.6)), weight_decay_lambda=decay_of(t),
    )  # fmt: skip
    x, truth = varied_batch(t, sizes, samples)
    net.predict(x)
    net.loss(x, truth)
    t.both("gradient", lambda *a: net.theirs.gradient(*a), net.ours.gradient, (x, truth),
           tolerance=ANY)  # fmt: skip
    if t.first:
        return
    twin = masked_network(net.ours, x, truth, t.answer)
    t.holds(
        twin is not None,
        "These are the gradients for no choice of units that are off: go forward in training mode, "
        "and back through the same masks.",
    )
    if twin is not None:
        differentiate(t, twin, x, truth)
    asks_accuracy(t, net, x, truth)
    net.predict(x)
    answers = []
    for _ in range(12):
        t.both("predict", lambda *a, **o: net.theirs.predict(*a, **o), net.ours.predict, (x,),
               {"train_flg": True}, tolerance=ANY)  # fmt: skip
        answers.append(t.answer)
    if not t.first:
        t.holds(
            not all(same(answers[0], one) for one in answers),
            "In training mode all passes are the same: nothing is switched off.",
        )
    if t.source.size == 2:
        deep(t)


MultiLayerNetExtend = interaction(
    part(
        "any depth, with decay: scores, loss, accuracy, and gradients as differentiation says",
        3,
        essential=True,
        single=True,
        count=10,
        steps=plain,
    ),
    part(
        "with batch normalization, in training and evaluation mode, likewise",
        2,
        laws=True,
        count=6,
        rtol=1e-5,
        atol=1e-5,
        steps=with_norm,
    ),
    part(
        "with dropout, in training and evaluation mode, likewise",
        2,
        laws=True,
        count=5,
        rtol=1e-5,
        atol=1e-5,
        steps=with_dropout,
    ),
)

# --- the bug museum -------------------------------------------------------------------------------


def wants_flag(name):
    """Tell whether a layer of this name takes the flag."""
    return name.startswith(("BatchNorm", "Dropout"))


def run_layers(layers, x, choose):
    """Run x through layers; choose(name) gives what a layer gets besides x: a list of one flag."""
    for name, layer in layers.items():
        x = layer.forward(x, *(choose(name) if wants_flag(name) else []))
    return x


def by_keyword(layers, x, train_flg):
    """Hand the flag on by its name."""
    for name, layer in layers.items():
        x = layer.forward(x, train_flg=train_flg) if wants_flag(name) else layer.forward(x)
    return x


def by_options(layers, x, train_flg):
    """Hand the flag on in a dictionary."""
    for name in layers:
        x = layers[name].forward(x, **({"train_flg": train_flg} if wants_flag(name) else {}))
    return x


def by_position(layers, x, train_flg):
    """Hand the flag on, counting the layers."""
    names, stack = list(layers), list(layers.values())
    for place in range(len(stack)):
        flag = (train_flg,) if wants_flag(names[place]) else ()
        x = stack[place].forward(x, *flag)
    return x


def by_mode(layers, x, train_flg):
    """Write both modes out."""
    for name, layer in layers.items():
        if not wants_flag(name):
            x = layer.forward(x)
        elif train_flg:
            x = layer.forward(x, True)
        else:
            x = layer.forward(x, False)
    return x


def by_recursion(layers, x, train_flg):
    """Run the first layer, then the others."""
    if not layers:
        return x
    (name, layer), *others = layers.items()
    x = layer.forward(x, train_flg) if wants_flag(name) else layer.forward(x)
    return by_recursion(dict(others), x, train_flg)


RIGHT = {
    "passes the flag by position": lambda layers, x, train_flg: run_layers(
        layers, x, lambda name: [train_flg]
    ),
    "passes the flag by its name": by_keyword,
    "passes the flag by its name, from a dictionary": by_options,
    "passes the flag by position, counting the layers": by_position,
    "writes both modes out, with the flag by position": by_mode,
    "passes the flag by position, and calls itself for the layers that are left": by_recursion,
    "knows the layers by their first letter, and passes the flag by position": (
        lambda layers, x, train_flg: run_layers(
            layers, x, lambda name: [train_flg][: name[0] in "BD"]
        )
    ),
    "asks for a part of the name, and passes the flag by position": (
        lambda layers, x, train_flg: run_layers(
            layers, x, lambda name: [train_flg] if "Norm" in name or "Drop" in name else []
        )
    ),
}


def some(knows, otherwise):
    """Return a version that passes the flag where knows(name), else otherwise(flag)."""
    return lambda layers, x, train_flg: run_layers(
        layers, x, lambda name: [train_flg] if knows(name) else otherwise(train_flg)
    )


def nowhere(name):
    """Know no layer."""
    return False


def norms(name):
    """Know batch normalization."""
    return name.startswith("BatchNorm")


def dropouts(name):
    """Know dropout."""
    return name.startswith("Dropout")


def default(flag):
    """Return no flag."""
    return []


def in_test_mode(flag):
    """Return the flag of evaluation mode."""
    return [False]


def train_mode(flag):
    """Return the flag of training mode."""
    return [True]


def opposite(flag):
    """Return the other flag."""
    return [not flag]


WRONG = {
    "never passes the flag, so that every layer runs in training mode": some(nowhere, default),
    "runs every layer in evaluation mode": some(nowhere, in_test_mode),
    "says to every layer that it is in training mode": some(nowhere, train_mode),
    "passes on the opposite of the flag": some(nowhere, opposite),
    "never drops anything: dropout always gets False": some(norms, in_test_mode),
    "passes the flag to batch normalization, and not to dropout": some(norms, default),
    "leaves batch normalization in evaluation mode forever": some(dropouts, in_test_mode),
    "passes the flag to dropout, and not to batch normalization": some(dropouts, default),
    "passes the opposite of the flag to dropout": some(norms, opposite),
}
WRONG_SOMEWHERE = {
    "passes no flag in evaluation mode behind the first hidden layer, which then trains": (
        lambda layers, x, train_flg: run_layers(
            layers, x, lambda n: [train_flg] if train_flg or n.endswith("1") else []
        )
    ),
    "passes the flag in the first hidden layer, and leaves the others in evaluation mode": some(
        lambda name: name.endswith("1"), in_test_mode
    ),
    "passes the flag in the first hidden layer, and leaves the others in training mode": some(
        lambda name: name.endswith("1"), default
    ),
    "says the opposite behind the first hidden layer": some(
        lambda name: name.endswith("1"), opposite
    ),
    "forgets the first batch normalization alone": some(lambda n: n != "BatchNorm1", default),
    "leaves the first batch normalization in evaluation mode": some(
        lambda name: name != "BatchNorm1", in_test_mode
    ),
    "forgets the second batch normalization alone": some(lambda n: n != "BatchNorm2", default),
    "leaves the second dropout in evaluation mode": some(lambda n: n != "Dropout2", in_test_mode),
    "forgets the second dropout alone": some(lambda n: n != "Dropout2", default),
    "forgets the first dropout alone": some(lambda n: n != "Dropout1", default),
    "leaves the second batch normalization in evaluation mode": some(
        lambda name: name != "BatchNorm2", in_test_mode
    ),
    "leaves the first dropout in evaluation mode": some(lambda n: n != "Dropout1", in_test_mode),
    "says the opposite to the second batch normalization": some(
        lambda name: name != "BatchNorm2", opposite
    ),
    "says the opposite to the first dropout": some(lambda n: n != "Dropout1", opposite),
    "forgets the first hidden layer": some(lambda n: not n.endswith("1"), default),
}


check_forward = interaction(
    part(
        "tells right versions from those that are wrong for all layers of a kind",
        2,
        essential=True,
        count=2,
        steps=lambda t: t.sort(RIGHT, WRONG),
    ),
    part(
        "tells right versions from those that are wrong in one hidden layer",
        count=2,
        steps=lambda t: t.sort(RIGHT, WRONG_SOMEWHERE),
    ),
)
