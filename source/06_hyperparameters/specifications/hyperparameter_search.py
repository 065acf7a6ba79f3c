"""What the exercises of chapter 6, part C, promise.

Most of them draw random numbers, so that more than one answer is right: a step is judged by a
sentence that says what is wrong with the answer, empty if nothing is.
"""

import ast
from functools import partial
from itertools import pairwise, permutations

import numpy as np

from helpers.diagnosis import as_numbers, shape_sentence
from helpers.specification import (
    Domain,
    arrays,
    function,
    integer_arrays,
    integers,
    interaction,
    labels,
    numbers,
    one_hot,
    one_of,
    part,
    single,
)
from helpers.specification.values import Tolerance, copied, difference, show

SAMPLES = arrays("N n") | arrays("N 1 n n") | integer_arrays("N n") | single("N n 2") | arrays("N")
PLACES = Domain(lambda draw, axes: 10 * np.array(draw.order(axes.length("N", draw))))
TRUTH = PLACES | labels() | one_hot()
# In the smallest trials the seed is 0, which is as good as any.
SEEDS = Domain(lambda draw, axes: draw.integer(0, 1 << 30) if draw.size > 1 else 0)
GENERATORS = SEEDS.map(np.random.default_rng)
RETURN = "It returns None: a `return` is missing."


def ask(t, name, how, wrong, **inputs):
    """Do one step with both functions, apart from others; `wrong` judges what comes of it."""
    t.apart()
    t.both(
        f"{name} ", partial(how, t.student), partial(how, t.reference), (), inputs, relation=wrong
    )


def seeds(t, count):
    """Return as many seeds, all different, which fit into 32 bits."""
    return [t.draw(integers(0, 4_000_000)) * 1000 + k for k in range(count)]


def unseeded(t, name, how, **inputs):
    """Do a step twice with one seed: the hidden state must not be the same after both."""

    def theirs(**given):
        states = []
        for _ in range(2):
            how(t.student, **given)
            states.append(t.home.stir())
        return any(one == other for one, other in zip(*states, strict=True))

    def ours(**given):
        how(t.reference, **given)
        return False

    def wrong(found):
        words = "Your code seeds the hidden state, which all other code shares: draw from `rng`."
        return words if found else ""

    t.apart()
    of = partial(how, t.reference)
    t.both(f"{name} ", theirs, ours, (), inputs, signature=of, relation=wrong)


def first(sentences):
    """Return the first sentence that is not empty."""
    return next(filter(None, sentences), "")


# --- samples and labels ---------------------------------------------------------------------------


def table(*parts):
    """Return a row of numbers for each sample: what the arrays hold of it, one after the other."""
    return np.hstack([np.reshape(a, (len(a), int(np.prod(np.shape(a)[1:])))) for a in parts])


def as_often(found, right):
    """Tell whether two tables have the same rows as often, in whatever order."""
    if len(found) != len(right):
        return False
    return np.array_equal(found[np.lexsort(found.T)], right[np.lexsort(right.T)])


def unpaired(pair, x, t, of="", kinds=False):
    """Return what is wrong with the form of two arrays; the shapes are x's and t's, but for N.

    With `kinds` it must be arrays, and integers must have stayed integers.
    """
    if pair is None:
        return RETURN
    if not isinstance(pair, tuple | list) or len(pair) != 2:
        return f"It must return two arrays{of}, x and t."
    for name, found, right in (("x", pair[0], x), ("t", pair[1], t)):
        array = as_numbers(found)
        if isinstance(array, str):
            return f"Your {name}{of} {array}"
        if array.shape[1:] != right.shape[1:] or not array.ndim:
            return f"Your {name}{of} {shape_sentence(array.shape, right.shape)}."
        if kinds and not isinstance(found, np.ndarray):
            return f"Your {name}{of} is of the type {type(found).__name__}, but no array."
        if kinds and right.dtype.kind in "iu" and array.dtype.kind not in "iu":
            return f"Your {name}{of} holds {array.dtype} in place of integers: keep their type."
    if len(pair[0]) != len(pair[1]):
        return f"Your x{of} holds {len(pair[0])} samples, and your t {len(pair[1])} labels."
    return ""


def mixed_up(pairs, x, t):
    """Return what is wrong if pairs of arrays do not hold each sample and its label once."""
    found_x = np.concatenate([np.asarray(pair[0]) for pair in pairs])
    found_t = np.concatenate([np.asarray(pair[1]) for pair in pairs])
    known = {tuple(row) for row in table(x).tolist()}
    if any(tuple(row) not in known for row in table(found_x).tolist()):
        return "Your x holds rows that are no samples: keep each row as it is."
    if not as_often(table(found_x), table(x)):
        return "Some samples come twice or never: use each number of one permutation once."
    if not as_often(table(found_x, found_t), table(x, t)):
        return "Labels stand beside other samples than theirs: use the same rows of both."
    return ""


def misshuffled(pair, x, t, kinds=False):
    """Return what is wrong with a shuffled data set, whatever its order."""
    words = unpaired(pair, x, t, kinds=kinds)
    if not words and len(pair[0]) != len(x):
        words = f"Your x {shape_sentence(np.shape(pair[0]), x.shape)}."
    return words or mixed_up([pair], x, t)


ROWS = np.arange(14.0).reshape(7, 2), 10 * np.arange(7)
ONE = np.array([[0.5, 1.5]]), np.array([3])
MANY_ROWS = np.arange(600.0).reshape(300, 2), np.arange(300)  # more than a byte can count
BYTES = np.arange(160, 256, 4, dtype=np.uint8).reshape(6, 2, 2), np.arange(6)


def shuffles(t, kinds=False):
    """Shuffle seven samples that are all different, one alone, and any others, now and then many.

    With `kinds` images of bytes, too, and more than once the same arrays.
    """
    more = [MANY_ROWS] if t.source.size >= 5 and not kinds else [BYTES] if kinds else []
    for x, truth in (ROWS, ONE, *more, t.draw(SAMPLES, TRUTH)):
        t.apart()
        wrong = partial(misshuffled, x=x, t=truth, kinds=kinds)
        rng = t.draw(SEEDS | GENERATORS)
        if t.choice(True, False):
            t.relate(wrong, x, truth, rng)
        else:
            t.relate(wrong, x=x, t=truth, rng=rng)


def kept_samples(t, wrong, **options):
    """Shuffle or split the same arrays again when they hold other samples."""
    t.apart()
    x, truth = t.keep(TEN[0]), t.keep(TEN[1])
    for _ in range(2):
        judge = partial(wrong, x=x.ours.copy(), t=truth.ours.copy(), **options)
        t.relate(judge, x, truth, rng=t.draw(SEEDS), **options)
        x.write(x.ours + 100)
        truth.write(truth.ours[::-1] + 1)


def labels_of(pair):
    """Return the labels of a shuffled data set."""
    return pair[1]


def training_labels(found):
    """Return the labels for training."""
    return found[0][1]


def no_matter(f, *args, of=np.ravel, **options):
    """Tell whether f answers alike six times without a seed: with None, and with nothing."""
    given = {}, {"rng": None}
    found = [np.asarray(of(f(*copied(args), **none, **options))) for none in given * 3]
    return all(np.array_equal(found[0], other) for other in found[1:])


def always_alike(same):
    """Return what is wrong if answers without a seed are the same."""
    return "Without a seed the random numbers are always the same." if same else ""


def without_seed(t, *args, **options):
    """Call without a seed; what comes is another answer each time, so it is not looked at."""
    ask(t, "six times without a seed", lambda f: no_matter(f, *args, **options), always_alike)


def many_orders(shuffle, seeds, samples):
    """Return what each seed makes of x, of one column with the rows' numbers, and of t, alike."""
    x = np.arange(float(samples))[:, None]
    return [shuffle(x.copy(), x[:, 0].copy(), seed) for seed in seeds]


def orders_of(found, samples):
    """Return the orders of shuffled row numbers, or a sentence if they are none."""
    x = np.arange(float(samples))[:, None]
    if words := first(misshuffled(pair, x, x[:, 0]) for pair in found):
        return words
    return [np.ravel(pair[0]).tolist() for pair in found]


def too_few(found):
    """Return what is wrong with shuffles of three samples; each order has a chance of 1/6."""
    orders = orders_of(found, 3)
    if isinstance(orders, str):
        return orders
    if all(order == sorted(order) for order in orders):
        return "The samples come back in the order in which they were."
    different = {tuple(order) for order in orders}
    if len(different) == 1:
        return "Every seed gives the same order: draw it from `rng`."
    if len(different) < 6:
        never = next(one for one in permutations(range(3)) if one not in different)
        old = ", in which each has its old place," if never == (0, 1, 2) else ""
        return (
            f"Of {len(orders)} shuffles of three samples only {len(different)} of the 6 orders "
            f"come: every order must be possible, and {', '.join(map(str, never))}{old} never is."
        )
    return ""


def stuck(found):
    """Return what is wrong with shuffles of twenty samples."""
    orders = orders_of(found, 20)
    if isinstance(orders, str):
        return orders
    if len({tuple(order) for order in orders}) < len(orders):
        return "Several seeds give the same order of 20 samples: draw it from `rng`."
    for place, there in enumerate(zip(*orders, strict=True)):
        if len(set(there)) == 1:
            return f"Of 20 samples place {place} always gets the same one: shuffle all of them."
    return ""


def biased(found):
    """Return what is wrong with shuffles of 400 samples if some orders come more often than others.

    Pairs change their order as often as not, those that are neighbors afterwards too, and samples
    move on by any number of places, round the end. 40 right shuffles are that far off once in 10^11
    times.
    """
    orders = orders_of(found, 400)
    if isinstance(orders, str):
        return orders
    places = np.array(orders, dtype=int)  # places[k, j]: which sample shuffle k puts at place j
    above = np.triu(np.ones((400, 400), dtype=bool), 1)
    pairs = np.mean([(np.subtract.outer(order, order) < 0)[above].mean() for order in places])
    neighbors = np.mean(np.diff(places) > 0)
    for kept, of, far in ((pairs, "pairs", 0.02), (neighbors, "neighbors afterwards", 0.017)):
        if abs(kept - 0.5) > far:
            return (
                f"Of 400 samples {kept:.1%} of all {of} keep their order, and half of them should: "
                "not every order has the same chance."
            )
    shares = np.bincount(((np.arange(400) - places) % 400 // 100).ravel(), minlength=4) / 16_000
    if 16_000 * np.sum((shares - 0.25) ** 2) / 0.25 < 55:
        return ""
    return (
        f"Of 400 samples {shares[0]:.1%} move on by less than a quarter of the places (round the "
        f"end), and by more {', '.join(f'{one:.1%}' for one in shares[1:])} for each quarter more: "
        "it should be 25% each time. Not every order has the same chance: draw a permutation."
    )


def all_orders(t):
    """Shuffle few samples often: a right shuffle misses an order once in 10^10 times."""
    for samples, times, wrong in ((3, 150, too_few), (20, 12, stuck), (400, 40, biased)):
        name = f"{times} shuffles of {samples} samples"
        ask(t, name, partial(many_orders, samples=samples), wrong, seeds=seeds(t, times))


TWENTY = np.arange(40.0).reshape(20, 2), np.arange(20)


def twice(f, seed, **options):
    """Call f for twenty samples twice with a seed, three times with one generator, twice with 0."""
    rng = np.random.default_rng(seed)
    return [f(*copied(TWENTY), rng=one, **options) for one in (seed, seed, rng, rng, rng, 0, 0)]


def once(f, seed):
    """Call f for twenty samples."""
    f(*copied(TWENTY), rng=seed)


def unrepeatable(found):
    """Return what is wrong with the answers of `twice`."""
    if words := first(unpaired(pair, *TWENTY) for pair in found):
        return words
    one, again, generator, *later, zero, none = (table(*pair).tolist() for pair in found)
    if one != again:
        return "The same seed gives two different orders: draw from `rng`."
    if zero != none:
        return SEED_0
    if all(generator == other for other in later):
        return "A generator that has been used gives the same order once more: draw from `rng`."
    return ""


SEED_0 = (
    "The seed 0 gives another answer each time, and other seeds do not: it is a seed, too, but "
    "`or` and `if rng` take it for none."
)
TWO_AND_THREE = "twenty samples, twice by a seed, three times by one generator, twice by the seed 0"


def repeated_shuffles(t):
    """Shuffle once, and several times with one seed and with one generator."""
    shuffles(t, kinds=True)
    kept_samples(t, misshuffled)
    ask(t, TWO_AND_THREE, twice, unrepeatable, seed=1 + t.draw(SEEDS))
    without_seed(t, *TWENTY, of=labels_of)
    unseeded(t, "twenty samples, twice by a seed", once, seed=t.draw(SEEDS))


shuffle_dataset = interaction(
    part("keeps every sample with its label, in any shape", essential=True, steps=shuffles),
    part("makes every order possible", essential=True, count=1, steps=all_orders),
    part("draws from `rng` alone; x and t stay as they are", count=5, steps=repeated_shuffles),
)


TEN = TWENTY[0][:10], TWENTY[1][:10]


def others(x, aside):
    """Return how many samples are equal to none of those that are put aside."""
    known = {tuple(row) for row in table(aside).tolist()}
    return sum(tuple(row) not in known for row in table(x).tolist())


def missplit(found, x, t, share, kinds=False):
    """Return what is wrong with a split that should put a fraction of the samples aside."""
    count = round(share * len(x))
    if found is None:
        return RETURN
    if not isinstance(found, tuple | list) or len(found) != 2:
        return "Return two pairs: (x_train, t_train), (x_val, t_val)."
    for pair, of in zip(found, (" for training", " for validation"), strict=True):
        if not isinstance(pair, tuple | list) or len(pair) != 2:
            return "Return two pairs: (x_train, t_train), (x_val, t_val)."
        if words := unpaired(pair, x, t, of, kinds):
            return words
    total, training, validation = len(x), len(found[0][0]), len(found[1][0])
    if validation == count and training < total - count and training == others(x, found[1][0]):
        return (
            "Samples that are equal to one of the validation part are missing in the training "
            f"part, which holds {training} instead of {total - count}: choose rows by their "
            "numbers, not by what they hold."
        )
    if (training, validation) != (total - count, count):
        return (
            f"Of {total} samples {training} are for training and {validation} for validation "
            f"instead of {total - count} and {count}: `round({share:g} * {total})` is {count}."
        )
    return mixed_up(found, x, t)


def split(t, x, truth, share, kinds=False):
    """Split once, apart from other steps."""
    t.apart()
    wrong = partial(missplit, x=x, t=truth, share=share, kinds=kinds)
    if t.choice(True, False):
        t.relate(wrong, x, truth, share, t.draw(SEEDS))
    else:
        t.relate(wrong, x, truth, rng=t.draw(SEEDS), share=share)


WHOLE = ((10, 0.2), (10, 0.3), (12, 0.5), (8, 0.25), (4, 0.75), (5, 0.2))


def splits(t):
    """Split where the share is a whole number of samples: ten, and any others."""
    split(t, *TEN, 0.3)
    if t.source.size >= 5:
        split(t, *MANY_ROWS, t.choice(0.1, 0.5, 0.9))
    total, share = t.choice(*WHOLE)
    t.apart()
    t.axes.known["N"] = total
    split(t, *t.draw(SAMPLES, TRUTH), share)


def rounds(t):
    """Split where the share is no whole number of samples, or a part stays empty."""
    total = t.draw(integers(1, 40))
    count = t.draw(integers(0, total))
    share = min(max((count + t.draw(numbers(-0.4, 0.4))) / total, 0.0), 1.0)
    cases = (8, 0.2), (100, 0.29), (7, 0.2), (9, 0.25), (6, 0.05), (5, 0.95), (total, share)
    for samples, share in (*cases, (3, 0), (3, 1), (300, 0.2533)):
        x = np.arange(2.0 * samples).reshape(samples, 2)
        split(t, x, np.arange(samples), share)
    for samples in (8, 20):  # without a share
        t.apart()
        x, truth = TWENTY[0][:samples], TWENTY[1][:samples]
        t.relate(partial(missplit, x=x, t=truth, share=0.2), x, truth, rng=t.draw(SEEDS))


def halves(split, seeds):
    """Return how each seed splits ten samples in two."""
    return [split(*copied(TEN), 0.5, rng=seed) for seed in seeds]


def unfair(found):
    """Return what is wrong with which five of ten samples validate, each time."""
    if words := first(missplit(one, *TEN, 0.5) for one in found):
        return words
    chosen = [sorted(np.asarray(one[1][1]).tolist()) for one in found]
    for half, words in ((range(5, 10), "last"), (range(5), "first")):
        if all(one == list(half) for one in chosen):
            return f"It is always the {words} samples that validate: shuffle before you cut."
    different = {tuple(one) for one in chosen}
    if len(different) == 1:
        return "Every seed chooses the same samples: draw from `rng`."
    never = set(range(10)) - {place for one in chosen for place in one}
    if never:
        return f"In {len(chosen)} splits sample {min(never)} of 10 was never for validation."
    if len(different) < 25:
        return f"{len(chosen)} seeds give {len(different)} splits only: all must be possible."
    return ""


def many_splits(t):
    """Split often: a right split leaves a sample out once in 10^17 times."""
    ask(t, "60 splits of ten samples", halves, unfair, seeds=seeds(t, 60))


def unrepeatable_split(found):
    """Return what is wrong with the splits of `twice`."""
    if words := first(missplit(one, *TWENTY, 0.5) for one in found):
        return words
    return unrepeatable([training for training, _ in found])


def repeated_splits(t):
    """Split once, and several times with one seed and with one generator."""
    split(t, *TEN, 0.3, kinds=True)
    split(t, *BYTES, 0.5, kinds=True)
    kept_samples(t, missplit, share=0.3)
    ask(t, TWO_AND_THREE, partial(twice, share=0.5), unrepeatable_split, seed=1 + t.draw(SEEDS))
    without_seed(t, *TWENTY, of=training_labels, share=0.5)
    unseeded(t, "twenty samples, twice by a seed", once, seed=t.draw(SEEDS))


validation_split = interaction(
    part("puts each sample into one part, with its label", essential=True, steps=splits),
    part("chooses them at random", essential=True, count=1, steps=many_splits),
    part("rounds; a part may be empty, and a fifth is the default", count=5, steps=rounds),
    part("draws from `rng` alone; x and t stay as they are", count=5, steps=repeated_splits),
)

# --- the trainer ----------------------------------------------------------------------------------


def random_data(t, samples, features, classes):
    """Return random samples, with labels or one-hot."""
    rng = t.draw(GENERATORS)
    truth = rng.permutation(np.arange(samples) % classes)
    return rng.normal(size=(samples, features)), t.choice(truth, np.eye(classes)[truth])


RATE = 0.7


def lends(one, other):
    """Give a trainer's optimizer the step of another one, so that its own rate tells nothing."""
    one.optimizer.update = other.optimizer.update


def trainer(t, sizes, rate, data, decay=0.0, **options):
    """Return a trainer with a network and an optimizer of its own."""
    options = {"rng": t.draw(SEEDS), **options}
    return t.make_of("new_trainer", sizes, rate, *data, weight_decay=decay, **options)


def whole_batches(t):
    """Train on all samples at once: every order gives the same weights."""
    sizes = t.choice([3, 4, 2], [4, 5, 3, 3], [2, 3])
    samples = t.choice(6, 9)
    data = *random_data(t, samples, sizes[0], sizes[-1]), *random_data(t, 9, sizes[0], sizes[-1])
    if len(sizes) == 2:
        data = 20 * data[0], *data[1:]  # whose gradients are large
    mine = trainer(t, sizes, t.choice(0.5, 0.2), data, t.choice(0.0, 0.3), mini_batch_size=samples)
    for _ in range(2):
        mine.train_epoch()
    mine.read("network.params")


def even_batches(t):
    """Train in mini-batches that come out even; of others, look whether each sample is taken."""
    epoch_of(t, *t.choice((4, 2), (6, 3), (3, 1), (6, 2)))
    epoch_of(t, 7, 3, untaken)
    epoch_of(t, 14, 1, in_order)
    if t.source.size >= 5:
        epoch_of(t, 260, 130, untaken)
    elif t.source.size == 4:
        epoch_of(t, 110, 1, untaken)
    t.apart()
    whole_batches(t)


def uneven_batches(t):
    """Train in mini-batches of which the last is short, or the only one."""
    for samples, size in ((5, 2), (3, 8), (7, 3)):
        epoch_of(t, samples, size)
    epoch_of(t, t.draw(integers(1, 8)), t.draw(integers(1, 9)))


def linear_data(samples):
    """Return samples of which each moves a row of weights of its own, and their labels."""
    return np.diag(1 + np.arange(samples) / samples), np.arange(samples) % max(2, samples - 1)


def linear(t, samples, **options):
    """Return a trainer of a network without hidden layer, and the parameters at the start."""
    x, truth = linear_data(samples)
    sizes = [samples, max(2, samples - 1)]
    mine = trainer(t, sizes, RATE, (x, truth, x, truth), **options)
    return mine, copied(mine.ours.network.params)


def sizes_of(samples, size):
    """Return how many samples each mini-batch of an epoch holds."""
    return [min(size, samples - start) for start in range(0, samples, size)]


def batches_taken(before, after, sizes):
    """Return the mini-batches of the epoch between two states of that network; None if none fits.

    A sample moves its own row of weights alone, and how far depends on the biases: on its turn.
    """
    W, b = before["W1"], before["b1"].copy()
    left, batches = set(range(len(W))), []
    for count in sizes:
        slope = slopes(W, b) / count
        now = left & set(moved_by(W, after["W1"], slope))
        if len(now) != count:
            return None
        b -= RATE * slope[sorted(now)].sum(axis=0)
        left -= now
        batches.append(now)
    return batches if near(after["b1"], b) else None


def slopes(W, b):
    """Return, of each sample of that network, the loss's gradient by its outputs' sums."""
    x, truth = linear_data(len(W))
    e = np.exp(np.diag(x)[:, None] * W + b)
    return e / e.sum(axis=1, keepdims=True) - np.eye(len(b))[truth]


def moved_by(W, after, slope):
    """Return the numbers of the samples whose step was made with these slopes."""
    scale = np.diag(linear_data(len(W))[0])[:, None]
    moved = np.isclose(after, W - RATE * scale * slope, rtol=1e-9, atol=1e-11)
    return np.flatnonzero(moved.all(axis=1)).tolist()


def compositions(total):
    """Return all ways to write a number as a sum, in any order."""
    if not total:
        return [[]]
    return [[one, *rest] for one in range(1, total + 1) for rest in compositions(total - one)]


def untaken(before, after, size):
    """Return what is wrong if samples are left out of an epoch."""
    if not same_form(after, before):
        return "The network's parameters have other names or shapes than before."
    samples = len(before["W1"])
    still = [k for k in range(samples) if np.array_equal(before["W1"][k], after["W1"][k])]
    epoch = f"In an epoch of {samples} samples, in mini-batches of {size},"
    if len(still) == samples:
        return (
            f"{epoch} the weights do not move: call `self.optimizer.update(self.network.params, "
            "grads)` for each mini-batch."
        )
    if still:
        return (
            f"{epoch} {len(still)} of the samples {'is' if len(still) == 1 else 'are'} never "
            "taken: take slices of one permutation, to its end."
        )
    return ""


def misstepped(before, after, size):
    """Return what is wrong with the steps of an epoch."""
    if words := untaken(before, after, size):
        return words
    samples = len(before["W1"])
    right = sizes_of(samples, size)
    if batches_taken(before, after, right):
        return ""
    epoch = f"An epoch of {samples} samples, in mini-batches of {size},"
    slope = slopes(before["W1"], before["b1"])
    early = set()
    for count in right:
        early.update(moved_by(before["W1"], after["W1"], slope / count))
    if len(early) == samples:
        return (
            f"{epoch} takes all its gradients of the weights at its start: compute each when the "
            "step before it is done."
        )
    for sizes in compositions(samples) if samples <= 8 else ():
        if batches_taken(before, after, sizes):
            return (
                f"{epoch} makes its steps with {', '.join(map(str, sizes))} samples instead of "
                f"{', '.join(map(str, right))}: one for each mini-batch, full but for the last."
            )
    return (
        f"After an epoch of {samples} samples in mini-batches of {size} the weights are none "
        "of those that come from one step of the optimizer for each mini-batch, and each "
        "sample once: take slices of one permutation, to its end."
    )


def in_order(before, after, size):
    """Return what is wrong if an epoch takes the samples as they stand."""
    if not same_form(after, before):
        return ""
    samples = len(before["W1"])
    if batches_taken(before, after, sizes_of(samples, size)) == [{k} for k in range(samples)]:
        return "The samples always come in the order of the data: shuffle them."
    return ""


def near(found, right):
    """Tell whether two arrays are alike but for rounding."""
    return np.shape(found) == np.shape(right) and np.allclose(found, right, rtol=1e-9, atol=1e-11)


def epoch_of(t, samples, size, wrong=misstepped):
    """Train for an epoch; the order is free."""
    t.apart()
    mine, before = linear(t, samples, mini_batch_size=size)
    mine.train_epoch()
    t.both("its scores and its parameters ", own_scores, own_scores, (mine,), relation=replaced)
    mine.read("network.params", relation=lambda after: wrong(before, after, size))


def own_scores(one):
    """Tell whether a network without hidden layer computes with the parameters that it shows."""
    params = one.network.params
    x = np.eye(len(params["W1"]))
    right = np.asarray(params["W1"]) + np.asarray(params["b1"])
    return near(np.asarray(one.network.predict(x)), right)


def replaced(found):
    """Return what is wrong if it does not."""
    if found:
        return ""
    return (
        "After the epoch the network's layers compute with other arrays than `network.params` "
        "holds: let the optimizer change these in place, and put no others there."
    )


def same_form(found, right):
    """Tell whether two dictionaries hold arrays of the same shapes under the same keys."""
    return (
        isinstance(found, dict)
        and {*found} == {*right}
        and all(np.shape(found[key]) == np.shape(value) for key, value in right.items())
    )


EPOCHS, EIGHT, PAIRS = 4, 8, 2  # epochs, and samples and mini-batches of each: 2520 orders


def states(*trainers):
    """Return the parameters after each of some epochs of each trainer."""
    found = []
    for mine in trainers:
        for _ in range(EPOCHS):
            mine.train_epoch()
            found.append({key: np.array(value) for key, value in mine.network.params.items()})
    return found


def orders_differ(t):
    """Train for some epochs with a seed, with the same once more, and with another."""
    seed = t.draw(SEEDS)
    three = [linear(t, EIGHT, mini_batch_size=PAIRS, rng=own) for own in (seed, seed, seed + 1)]

    def wrong(found):
        ways = []
        for k, (_, start) in enumerate(three):
            run = [start, *found[k * EPOCHS : (k + 1) * EPOCHS]]
            if not all(same_form(state, start) for state in run):
                return "The network's parameters have other names or shapes than before."
            ways.append([batches_taken(*pair, [PAIRS] * 4) for pair in pairwise(run)])
        taken = [batches for way in ways for batches in way]
        if not all(taken):
            return "This can't be seen before the steps of each epoch are right."
        if all(batches == [{0, 1}, {2, 3}, {4, 5}, {6, 7}] for batches in taken):
            return "The samples always come in the order of the data: shuffle them."
        if all(batches == taken[0] for batches in taken):
            return (
                "When `train_epoch` is called again and again, every epoch has the same order, "
                "whatever the seed is: draw a new one from `self.rng` in each."
            )
        if any(all(batches == way[0] for batches in way) for way in ways):
            return "Every epoch has the same order: draw a new one in each."
        if all({*map(frozenset, batches)} == {*map(frozenset, taken[0])} for batches in taken):
            return (
                "The same samples are in a mini-batch together in every epoch: give the samples a "
                "new order, not the mini-batches alone."
            )
        if ways[0] != ways[1]:
            return "The same seed gives two results: draw the order from `self.rng`."
        if ways[0] == ways[2]:
            return "Every seed gives the same orders: draw them from `self.rng`."
        return ""

    t.apart()
    trainers = [mine for mine, _ in three]
    t.both(f"{EPOCHS} epochs of each ", states, states, trainers, relation=wrong)


RECORDED = {
    "train_loss_list": "the network's `loss` of all training samples, with its decay,",
    "train_acc_list": "the accuracy on all training samples",
    "test_acc_list": "the accuracy on all test samples",
}


def misrecorded(found, right, name):
    """Return what is wrong with a list of records."""
    words = difference(found, right, f"`{name}`")
    if not words or not isinstance(found, list):
        return words
    if len(found) > len(right) and not difference(found[-len(right) :], right, ""):
        return (
            f"After {len(right)} epochs `{name}` has {len(found)} entries: the last are right, and "
            "those before them are another trainer's. Append to the lists of `self`."
        )
    if len(found) != len(right):
        return (
            f"After {len(right)} epochs `{name}` has {len(found)} entries: train for all epochs, "
            "and record one entry at the end of each."
        )
    for epoch, (one, value) in enumerate(zip(found, right, strict=True)):
        if not isinstance(as_numbers(one), str) and np.shape(one) == () and not near(one, value):
            return (
                f"`{name}`[{epoch}] is {show(one)}, but at the end of epoch {epoch + 1} "
                f"{RECORDED[name]} is {show(value)}: record that."
            )
    return words


def retuned(found, rate):
    """Return what is wrong if the optimizer has another learning rate than it was given."""
    if not isinstance(as_numbers(found), str) and near(found, rate):
        return ""
    return f"Your trainer changes the optimizer's learning rate from {rate} to {show(found)}."


def records(t):
    """Train on all samples at once, without a step in short mini-batches, and to the end."""
    easy = 4 * np.eye(3), np.arange(3)
    for samples, size, rate, epochs in (
        (9, 9, 0.8, t.draw(integers(1, 6))),
        (7, 3, 0.0, 12),
        (3, 3, 0.5, 8),
    ):
        t.apart()
        if samples == 9 and t.source.size >= 4:  # more than are measured at a time, or in a byte
            samples = size = 130
        data = *random_data(t, samples, 3, 3), *random_data(t, 271 if size == 130 else 11, 3, 3)
        if samples == 3:
            data = *easy, *easy
        mine = trainer(
            t, [3, 3] if samples == 3 else [3, 5, 3], rate, data, 0.1,
            epochs=epochs, mini_batch_size=size,
        )  # fmt: skip
        mine.train()
        mine.read("optimizer.lr", relation=partial(retuned, rate=rate))
        for name in RECORDED:
            right = list(getattr(mine.ours, name))
            mine.read(name, relation=partial(misrecorded, right=right, name=name))
        mine.read("network.params")


def ties(one):
    """Give a trainer's optimizer biases of the network as its rates: it remembers by them.

    The biases move in the middle of a step, and the rates of what comes after them too: those of a
    copy do not.
    """
    one.optimizer.lr = one.network.params["b1"]


def forgetful(found, right):
    """Return what is wrong with the biases after epochs with an optimizer that remembers."""
    if near(found, right):
        return ""
    return (
        "With an optimizer whose rates change from step to step the weights are wrong: let "
        "`self.optimizer` itself make each step, so that it remembers the steps before, and no "
        "copy of it."
    )


def astray(found, right):
    """Return what is wrong with the biases after epochs with SGD."""
    if near(found, right):
        return ""
    return (
        "After three epochs of six equal samples, two at a time, the weights are not those of nine "
        "steps of the optimizer, each with the gradient of its own mini-batch."
    )


def remembering(t):
    """Train on samples that are all alike, so that every order gives the same weights."""
    t.apart()
    row, truth = t.draw(arrays("1 2", 0.5, 2)), t.source.integer(0, 2)
    data = np.repeat(row, 6, axis=0), np.full(6, truth)
    for judge in (astray, forgetful):
        t.apart()
        mine = trainer(t, [2, 3, 3], 0.1, (*data, *data), mini_batch_size=2)
        mine.write("network.params.W1", np.full((2, 3), 0.2))  # no unit is dead
        mine.write("network.params.b1", np.array([0.1, 0.2, 0.3]))
        if judge is forgetful:
            t.both("the optimizer's rates are the network's biases", ties, ties, (mine,))
        for _ in range(3):
            mine.train_epoch()
        for key in ("b1", "b2"):
            right = mine.ours.network.params[key].copy()
            mine.read(f"network.params.{key}", relation=partial(judge, right=right))


def beside(t):
    """Train one of two trainers, with an optimizer whose rate is not that of its step."""
    data = *random_data(t, 6, 2, 2), *random_data(t, 7, 2, 2)
    remembering(t)
    t.apart()
    mine = trainer(t, [2, 3, 2], 0.1, data, epochs=2, mini_batch_size=6)
    other = trainer(t, [2, 3, 2], 0.5, data, epochs=2, mini_batch_size=4)
    t.both("the first one's optimizer steps as the second one's", lends, lends, (mine, other))
    mine.train()
    mine.read("network.params", "x_train", "t_train", "x_test", "t_test")
    other.read("network.params", *RECORDED)
    other.train_epoch()
    alone = "An entry is recorded by `train_epoch` alone: leave that to `train`."
    for name in RECORDED:
        other.read(name, relation=lambda found: alone if np.size(found) else "")


Trainer = interaction(
    part(
        "makes the optimizer's step for each mini-batch, each sample once",
        2,
        essential=True,
        count=10,
        steps=even_batches,
    ),
    part(
        "records at the end of each epoch, of all training and all test samples",
        2,
        essential=True,
        count=6,
        steps=records,
    ),
    part("takes the last mini-batch, too, though it is short", count=5, steps=uneven_batches),
    part("takes a new random order each epoch, by `rng` alone", count=5, steps=orders_differ),
    part(
        "steps by the optimizer's `update`; leaves the data and other trainers as they are",
        count=5,
        steps=beside,
    ),
)

# --- the search -----------------------------------------------------------------------------------

RANGES = {"lr": (1e-6, 1e-2), "weight_decay": (1e-8, 1e-4)}
# √n times the distance of n random shares from evenly spaced ones: below and above these it lies
# once in 10^11 times.
LEAST, MOST = 0.2, 3.6


def log_place(values, low, high):
    """Return where numbers lie between two bounds on the log scale: 0 at low, 1 at high."""
    values = np.maximum(np.asarray(values, dtype=float), 1e-320)
    return (np.log(values) - np.log(low)) / (np.log(high) - np.log(low))


def distance(places):
    """Return how far numbers from 0 to 1 are, at most, from evenly spaced ones."""
    steps = (np.arange(len(places)) + 0.5) / len(places)
    return np.max(np.abs(np.sort(places) - steps))


def uneven(places):
    """Tell whether numbers from 0 to 1 can't come from a uniform distribution."""
    return distance(places) > MOST / np.sqrt(len(places))


def off_scale(values, low, high, what="your numbers"):
    """Return what is wrong with numbers that should be log-uniform between two bounds."""
    values = np.asarray(values, dtype=float)
    where = f"between {low:g} and {high:g}"
    if not np.all((values >= low * (1 - 1e-9)) & (values <= high * (1 + 1e-9))):
        return (
            f"Drawn {where}, {what} run from {np.min(values):.3g} to {np.max(values):.3g}: beyond "
            "the bounds."
        )
    places = log_place(values, low, high)
    if not uneven(places):
        if distance(places) < LEAST / np.sqrt(len(places)):
            return (
                f"Drawn {where}, {what} lie more evenly than random ones do: draw each by itself, "
                "from the whole range, by `rng`."
            )
        different = len(np.unique(values))
        if different < 0.97 * len(values):
            return (
                f"Drawn {where}, of {len(values)} of {what} only {different} are different: any "
                "number between the bounds may come, not those of a grid alone."
            )
        return dependent_draws(places, f"Drawn {where}, {what}")
    if len(np.unique(values)) < len(values) / 2:
        return f"Drawn {where}, {what} are hardly ever different: exponents are not integers."
    if not uneven((values - low) / (high - low)):
        return f"Drawn {where}, {what} themselves are uniform, not their logarithms."
    shares = np.histogram(np.clip(places, 0, 1), 4, (0, 1))[0] / len(places)
    return (
        f"Drawn {where}, the logarithms of {what} are not uniform: of the log scale's four "
        f"quarters each should get 25%, but they get {', '.join(f'{one:.0%}' for one in shares)}."
    )


def dependent_draws(places, what):
    """Return what is wrong if numbers from 0 to 1 depend on those drawn before."""
    count = len(places)
    if count < 1000:
        return ""
    if np.all(np.diff(places) >= 0) or np.all(np.diff(places) <= 0):
        return f"{what} come in the order of their size: leave them as they are drawn."
    for gap in (1, count // 2):
        if abs(np.corrcoef(places[:-gap], places[gap:])[0, 1]) > 0.3:
            return f"{what} depend on each other: draw each by itself."
    return ""


def missized(found, size):
    """Return what is wrong with the form of a sample."""
    array = as_numbers(found)
    if isinstance(array, str):
        return f"A sample of size {size} {array}"
    shape = () if size is None else (size,)
    if array.shape != shape:
        return f"A sample of size {size} {shape_sentence(array.shape, shape)}."
    return ""


def off_sample(found, low, high):
    """Return what is wrong with 2000 numbers between two bounds."""
    return missized(found, 2000) or off_scale(found, low, high)


def log_uniform(t):
    """Draw many numbers between usual bounds, and between any."""
    low = 10 ** t.draw(numbers(-9, 2))
    drawn = low, low * 10 ** t.draw(numbers(1, 9))
    for bounds in ((1e-4, 1e-2), (0.5, 4.0), (2.0, 300.0), drawn):
        t.apart()
        t.relate(partial(off_sample, low=bounds[0], high=bounds[1]), *bounds, 2000, t.draw(SEEDS))
    seed = t.draw(SEEDS)
    ask(t, "samples of five, by two seeds", two_samples, alike, seed=seed, other=seed + 1)
    if t.source.size == 2:
        ask(t, "200 single numbers of one generator", one_by_one, off_singles, seed=seed)


def one_by_one(draw, seed):
    """Draw many single numbers from one generator."""
    rng = np.random.default_rng(seed)
    return [draw(1e-5, 1.0, rng=rng) for _ in range(200)]


def off_singles(found):
    """Return what is wrong with single numbers."""
    if any(np.size(one) != 1 for one in found):
        return ""  # another part looks at that
    return off_scale(np.ravel(found), 1e-5, 1.0, "your single numbers")


def two_samples(draw, seed, other):
    """Draw with two seeds."""
    return [draw(1e-3, 1.0, 5, one) for one in (seed, other)]


def alike(found):
    """Return what is wrong if two samples are the same."""
    same = np.array_equal(*(np.ravel(sample) for sample in found))
    return "Two seeds give the same sample: draw from `rng`." if same else ""


def beyond(found, size, low, high):
    """Return what is wrong with a few numbers between two bounds."""
    if words := missized(found, size):
        return words
    values = np.asarray(found, dtype=float)
    if np.all((values >= low * (1 - 1e-9)) & (values <= high * (1 + 1e-9))):
        return ""
    return f"Drawn between {low:g} and {high:g}, it is {show(found)}: beyond the bounds."


def sizes(t):
    """Draw a single number, or any count of them, between bounds that may be integers."""
    usual = t.choice((1e-6, 1e-4), (1, 100), (np.float64(0.5), 2), (1e-3, 1))
    for size, bounds in (
        (None, usual),
        (0, usual),
        (1, usual),
        (t.draw(integers(2, 6)), usual),
        (np.int64(7), (1e-150, 1e150)),
        (None, (1e-80, 1e-70)),
        (3, (1e80, 1e90)),
        (100, t.choice((2, 300), (3, 50))),  # whose logarithms are no integers
    ):
        low, high = bounds
        t.apart()
        options = {"rng": t.draw(SEEDS | GENERATORS), **({} if size is None else {"size": size})}
        t.relate(partial(beyond, size=size, low=low, high=high), low, high, **options)


def samples_of(draw, seed, other):
    """Draw with a seed twice, with another, with one generator twice, and many single numbers."""
    rng = np.random.default_rng(seed)
    found = [draw(1e-3, 1.0, size=5, rng=one) for one in (seed, seed, other, rng, rng)]
    return [*found, [draw(1e-3, 1.0, rng=rng) for _ in range(5)]]


def unlike(found):
    """Return what is wrong with these samples."""
    one, again, other, generator, later, singles = (np.ravel(sample).tolist() for sample in found)
    if one != again:
        return "The same seed gives two different samples: draw from `rng`."
    if one == other:
        return "Two seeds give the same sample: draw from `rng`."
    if generator == later or len({*singles}) == 1:
        return (
            "A generator that has been used gives the same numbers again: draw from `rng` itself."
        )
    if len({*one}) < len(one):
        return "Two of the five numbers of a sample are the same: draw each, and do not round."
    return ""


def repeated_samples(t):
    """Draw with seeds and generators."""
    seed = t.draw(SEEDS)
    name = "samples of five, twice by a seed, by another, twice by one generator, and five of one"
    ask(t, name, samples_of, unlike, seed=seed, other=seed + 1)
    without_seed(t, 1e-3, 1.0, 5)
    unseeded(t, "five numbers, twice by a seed", five, seed=seed)


def five(draw, seed):
    """Draw five numbers."""
    draw(1e-3, 1.0, 5, seed)


sample_log_uniform = interaction(
    part("makes the logarithms uniform", essential=True, count=6, steps=log_uniform),
    part("gives a single number, or as many as asked for", steps=sizes),
    part("draws from `rng` alone", steps=repeated_samples),
)


MEASURED = {"val_acc": 0.25, "train_acc": 0.75, "curve": [0.1, 0.25], "seconds": 3}


def scorer(measured):
    """Return a function that trains nothing, and the list of its calls.

    A call is the hyperparameters, what was given as `rng`, and a number drawn from that.
    """
    calls = []

    def train_and_score(rng=None, **values):
        draws = hasattr(rng, "random")
        kind = "a generator" if draws else "nothing" if rng is None else "no generator"
        calls.append({"given": values, "rng": kind, "drawn": float(rng.random()) if draws else 0.0})
        return measured

    return train_and_score, calls


def run_one(run, ranges, seed, measured):
    """Run one trial; return the result, how it has called the scorer, and the ranges after it."""
    train_and_score, calls = scorer(copied(measured))
    own = dict(ranges)
    return [run(train_and_score, own, seed), calls, own]


def run_trials(run, seeds, ranges, of=int):
    """Run a trial for what `of` makes of each seed; return the results and the scorer's calls."""
    return [run_one(run, ranges, of(seed), MEASURED) for seed in seeds]


def misrun_of_any(found, ranges):
    """Return what is wrong with the first of some trials with which anything is."""
    return first(misrun(one, ranges, MEASURED) for one in found)


def misrun(found, ranges, measured):
    """Return what is wrong with a trial's result or with its call."""
    result, calls, after = found
    if len(calls) != 1:
        return f"`train_and_score` was called {len(calls)} times instead of once."
    given, rng = calls[0]["given"], calls[0]["rng"]
    if {*given} != {*ranges}:
        return (
            f"`train_and_score` was called with {sorted(given)}, but the ranges are those of "
            f"{sorted(ranges)}."
        )
    if rng != "a generator":
        return f"`train_and_score` was given {rng} as `rng`: pass your generator on."
    if changed := difference(after, dict(ranges), "`ranges`"):
        return f"Your code changes `ranges`, which the next trial needs: {changed}"
    if result is None:
        return "Your trial is None: a `return` is missing."
    if not isinstance(result, dict):
        return f"Your trial is a {type(result).__name__}, not a dictionary."
    if missing := [name for name in (*ranges, *measured) if name not in result]:
        return (
            f"Your trial has no {' and no '.join(f'`{name}`' for name in missing)}: return the "
            "hyperparameters, and all that `train_and_score` has returned."
        )
    if any(hasattr(value, "random") for value in result.values()):
        return (
            "Your trial holds a generator, which changes whenever it draws: return the "
            "hyperparameters and what was measured alone."
        )
    for name, value in given.items():
        if isinstance(as_numbers(value), str) or np.shape(value) != ():
            return f"`{name}` was passed on as {type(value).__name__}, not as one number."
        low, high = ranges[name]
        if not low * (1 - 1e-9) <= value <= high * (1 + 1e-9):
            return (
                f"`{name}` was drawn as {show(value)}, beyond its range from {low:g} to {high:g}: "
                "take the number as it is drawn from that range."
            )
        if not near(result[name], value):
            return f"`{name}` of your trial is not the one that `train_and_score` was called with."
    for name, value in measured.items():
        if result[name] != value:
            return f"`{name}` of your trial is not what `train_and_score` has measured."
    return ""


def misdrawn(found, ranges):
    """Return what is wrong with many trials."""
    if words := misrun_of_any(found, ranges):
        return words
    places = {}
    for name, (low, high) in ranges.items():
        values = np.array([calls[0]["given"][name] for _, calls, _ in found], dtype=float)
        if np.all(values == values[0]):
            return f"`{name}` is the same for every seed: draw it with the seed."
        if words := off_scale(values, low, high, f"the values of `{name}`"):
            return words
        places[name] = log_place(values, low, high)
    for one in places:
        for other in places:
            if one < other and abs(np.corrcoef(places[one], places[other])[0, 1]) > 0.55:
                return (
                    f"`{one}` and `{other}` are large or small together: they come from one random "
                    "number. Draw all from one generator, one after the other."
                )
    return ""


MANY = {"lr": (1e-6, 1e-2), "weight_decay": (1e-9, 1e-7), "dropout_rate": (0.01, 0.9)}


def draws_each(t):
    """Run many trials, of several hyperparameters in any order."""
    ranges = {name: MANY[name] for name in (list(MANY)[k] for k in t.source.order(len(MANY)))}
    how, wrong = partial(run_trials, ranges=ranges), partial(misdrawn, ranges=ranges)
    ask(t, "150 trials", how, wrong, seeds=seeds(t, 150))
    how = partial(how, of=np.random.default_rng)
    wrong = partial(misrun_of_any, ranges=ranges)
    ask(t, "five trials, by generators made of these seeds", how, wrong, seeds=seeds(t, 5))


def any_names(t):
    """Run one trial, whatever the names of hyperparameters and measurements."""
    names = [("lr", "b", "momentum", "n_units", "x")[k] for k in t.source.order(5)]
    names = names[: t.choice(1, 2, 4)]
    if t.source.size >= 5:
        names = [f"h{k + 1}" for k in t.source.order(12)]
    ranges = {name: (10.0**-k, 2 * k + 2) for k, name in enumerate(names)}
    measured = {"val_acc": t.draw(numbers(0, 1)), t.choice("test_acc", "epochs", "note"): 3}
    ask(t, "run_trial", run_one, lambda found: misrun(found, ranges, measured), ranges=ranges,
        seed=t.draw(SEEDS | GENERATORS | one_of([1, 2], [7])),
        measured=measured)  # fmt: skip


def one_seed(run, seed, other):
    """Run a trial with a seed twice, with others, and with one generator twice."""
    rng = np.random.default_rng(seed)
    own = [seed, seed, other, other + 1, rng, rng]
    return [run_one(run, RANGES, one, MEASURED) for one in own]


def by_children(run, one, other):
    """Run a trial for each of two children of a seed sequence."""
    return [run_one(run, RANGES, child, MEASURED) for child in (one, other)]


def childless(found):
    """Return what is wrong with the trials of two children."""
    if words := misrun_of_any(found, RANGES):
        return words
    if found[0][1] == found[1][1]:
        return (
            "Two children of one seed sequence give the same trial: give `default_rng` the child "
            "itself. (Its `entropy`, for example, is that of all children.)"
        )
    return ""


def undetermined(found):
    """Return what is wrong with trials of one seed twice, two others, and a generator twice."""
    if words := misrun_of_any(found, RANGES):
        return words
    calls = [one[1][0] for one in found]
    if calls[0] != calls[1]:
        return "The same seed gives two different trials."
    for name in (*RANGES, "drawn"):
        values = [{**call["given"], "drawn": call["drawn"]}[name] for call in calls]
        if len({values[0], values[2], values[3]}) < 3:
            if name == "drawn":
                return "Different seeds give the same generator: pass on the one made of `seed`."
            return (
                f"Different seeds give the same `{name}`: draw it by `seed`, and do not round it."
            )
        if (
            name != "drawn" and values[4] == values[5]
        ):  # children of a generator sent elsewhere repeat
            return "A generator as the seed must go on: make your own of it by `default_rng(seed)`."
    return ""


def begun_anew(found, seeds):
    """Return what is wrong if a trial's own generator is not the one that has drawn for it."""
    if words := misrun_of_any(found, RANGES):
        return words
    for name, bounds in RANGES.items():
        places = [log_place(calls[0]["given"][name], *bounds) for _, calls, _ in found]
        drawn = [calls[0]["drawn"] for _, calls, _ in found]
        if np.allclose(places, drawn, rtol=0, atol=1e-9):
            return (
                "The generator passed on begins anew: its first number is the one that "
                f"`{name}` was made of. Make one generator, and pass it on."
            )
    for seed, (_, calls, _) in zip(seeds, found, strict=True):
        stream = np.random.default_rng(seed).random(1000)
        if calls[0]["drawn"] not in stream:
            return (
                "The generator passed on is another one than the hyperparameters were drawn from: "
                "make one by `default_rng(seed)`, draw from it, and pass that one on."
            )
    return ""


def depends_on_seed(t):
    """Run trials with seeds and generators."""
    any_names(t)
    seed = t.draw(SEEDS)
    name = "trials, twice by a seed, by two others, and twice by one generator"
    ask(t, name, one_seed, undetermined, seed=seed, other=seed + 1)
    t.apart()
    children = [
        t.build(
            f"child {k} of np.random.SeedSequence({seed})",
            lambda np, k=k: np.random.SeedSequence(seed).spawn(2)[k],
            "np",
        )
        for k in range(2)
    ]
    how = partial(by_children, t.student), partial(by_children, t.reference)
    t.both("run_trial with both ", *how, children, relation=childless)
    unseeded(t, "a trial, twice by a seed", partial(run_one, ranges=RANGES, measured=MEASURED),
             seed=seed)  # fmt: skip
    ask(t, "two trials, with None as their seed", no_seed, always_alike)
    name = "three trials of one seed, with twelve hyperparameters each, whose names differ"
    ask(t, name, renamed, by_names, seed=seed)


OTHER_NAMES = [[f"{letter}{k}" for k in range(12)] for letter in "pqr"]


def renamed(run, seed):
    """Run a trial of a seed for twelve equal ranges under one set of names, and under others."""
    return [
        run_one(run, dict.fromkeys(names, (1e-3, 1.0)), seed, MEASURED) for names in OTHER_NAMES
    ]


def by_names(found):
    """Return what is wrong if the names decide which hyperparameter is drawn first."""
    pairs = list(zip(OTHER_NAMES, found, strict=True))
    for names, one in pairs:
        if words := misrun(one, dict.fromkeys(names, (1e-3, 1.0)), MEASURED):
            return words
    one, *others = ([calls[0]["given"][name] for name in names] for names, (_, calls, _) in pairs)
    if all(near(other, one) for other in others):
        return ""
    return (
        "With other names, in the same order, the same seed gives other hyperparameters: draw them "
        "in the order of `ranges`. (That of a set is another one whenever Python is started.)"
    )


def no_seed(run):
    """Run two trials with None as their seed; tell whether they draw the same numbers."""
    one, other = (run_one(run, RANGES, None, MEASURED)[1] for _ in range(2))
    return one == other


def hands_on(t):
    """Run trials, and look at the first number that each draws."""
    own = seeds(t, 4)
    wrong = partial(begun_anew, seeds=own)
    ask(t, "four trials", partial(run_trials, ranges=RANGES), wrong, seeds=own)


run_trial = interaction(
    part(
        "calls once, and returns log-uniform hyperparameters with what was measured",
        essential=True,
        count=1,
        steps=draws_each,
    ),
    part("depends on the seed alone, whatever the names are", count=10, steps=depends_on_seed),
    part("passes its own generator on", count=5, steps=hands_on),
)


def measurements(accuracy):
    """Return what a trial measures."""
    return {"val_acc": accuracy, "train_acc": accuracy * 5 % 1, "test_acc": accuracy * 7 % 1}


def searched(search, trials, seed, accuracies, greedy=0, **options):
    """Search; return the results, how each trial has called the scorer, and the ranges after it.

    A trial takes `greedy` random numbers more than it needs.
    """
    calls = []

    def train_and_score(lr, weight_decay, rng):
        drawn = [float(rng.random()) for _ in range(1 + greedy)]
        accuracy = accuracies[len(calls) % len(accuracies)]
        calls.append({"lr": float(lr), "weight_decay": float(weight_decay), "drawn": drawn[0]})
        return measurements(accuracy)

    own = dict(RANGES)
    return search(train_and_score, own, trials, seed, **options), calls, own


def refused(search, trials, seed, complete, kind, **options):
    """Search with a function that raises an error in the end; return whether that comes out."""
    done = []

    def train_and_score(lr, weight_decay, rng):
        done.append(lr)
        if len(done) > complete:
            raise kind("there are no data")
        return measurements(0.5)

    try:
        search(train_and_score, dict(RANGES), trials, seed, **options)
    except kind:
        return True
    return False


def hidden(found):
    """Return what is wrong if an error does not come out of a search."""
    words = "An error of `train_and_score` is hidden as if it were the stop button: catch "
    return "" if found else f"{words}KeyboardInterrupt, and nothing else."


def no_results(results):
    """Return what is wrong with the form of a search's results."""
    if results is None:
        return "Your search returns None: a `return` is missing."
    if isinstance(results, dict):
        return "Your search returns one result; all of them are expected."
    if not isinstance(results, list | tuple) or not all(isinstance(one, dict) for one in results):
        return "Your search does not return a list of dictionaries."
    if any("val_acc" not in one for one in results):
        return "Your results have no `val_acc`."
    return ""


def misplaced(accuracies):
    """Return where a list is not in order."""
    for one, other in pairwise(accuracies):
        if one < other:
            return f"{show(one)} stands before {show(other)}, but the highest must come first"
    return "they are not those of the trials"


def missearched(found, trials, values):
    """Return what is wrong with the results of a search."""
    results, calls, ranges = found
    if len(calls) != trials:
        return f"{trials} trials were asked for, and {len(calls)} were run."
    if changed := difference(ranges, RANGES, "`ranges`"):
        return f"Your search changes `ranges`, which the caller needs: {changed}"
    if words := no_results(results):
        return words
    if len(results) > trials:
        return (
            f"After {trials} trials your list has {len(results)} results: each search begins with "
            "an empty list of its own."
        )
    if len(results) != trials:
        return f"After {trials} trials your list has {len(results)} results: keep them all."
    if missing := [name for name in RANGES if any(name not in r for r in results)]:
        return f"Your results have no `{missing[0]}`."
    found_values, values = [one["val_acc"] for one in results], values[:trials]
    if found_values != sorted(values, reverse=True):
        why = {
            tuple(values): "that is the order of the trials",
            tuple(sorted(values)): "the worst comes first",
            tuple(sorted(values, key=lambda v: v * 7 % 1, reverse=True)): "they are sorted by the "
            "test accuracy, which must not choose",
        }.get(tuple(found_values))
        why = why or misplaced(found_values)
        return f"The validation accuracies come in the order {show(found_values)}: {why}."
    for name, (low, high) in RANGES.items():
        if any(not low * (1 - 1e-9) <= call[name] <= high * (1 + 1e-9) for call in calls):
            return f"`{name}` was drawn beyond its range."
    for name in (*RANGES, "drawn"):
        if len({call[name] for call in calls}) < trials:
            what = "random numbers" if name == "drawn" else f"`{name}`"
            return f"Different trials have the same {what}: each needs another child of the seed."
    for one in results:
        own = [call for value, call in zip(values, calls, strict=True) if value == one["val_acc"]]
        for name in RANGES:
            if not any(near(one[name], call[name]) for call in own):
                return f"`{name}` of a result is not that of its trial."
        for name, value in measurements(one["val_acc"]).items():
            if name not in one or one[name] != value:
                return (
                    f"`{name}` of a result is missing, or not what its trial has measured: keep "
                    "all that `run_trial` returns."
                )
    if len({one["lr"] for one in results}) < trials:
        return "A trial's result comes twice, and another's never."
    return ""


ACCURACIES = [0.34, 0.91, 0.56, 0.12, 0.78]
OF_SIX = [0.5, 0.6, 0.4, 0.7, 0.3, 0.8]
# Of many trials some are equally good, others differ by little, and the worst knows nothing.
OF_MANY = [0.341, 1.0, 0.345, *(37 * k % 41 / 50 for k in range(107))]


def best_first(t):
    """Search with trials of known accuracies, few and many, and with any."""
    some = [round(0.03 + k / 12.5, 4) for k in t.source.order(12)]
    many = 110 if t.source.size >= 4 else 45
    for trials, values in ((5, ACCURACIES), (t.draw(integers(1, 12)), some), (many, OF_MANY)):
        wrong = partial(missearched, trials=trials, values=values)
        ask(
            t,
            "random_search",
            searched,
            wrong,
            trials=trials,
            seed=t.draw(SEEDS),
            accuracies=values,
        )


def calls_of(search, seed, other):
    """Return the calls of searches that differ in one thing each."""
    return {
        name: searched(search, trials, own, OF_SIX, greedy)[1]
        for name, trials, own, greedy in (
            ("six", 6, seed, 0),
            ("three", 3, seed, 0),
            ("greedy", 6, seed, 3),
            ("again", 6, seed, 0),
            ("other", 6, other, 0),
        )
    }


def shown_calls(search, seed):
    """Return the calls of a search without a bar, and of the same one with it."""
    return [searched(search, 6, seed, OF_SIX, verbose=bar)[1] for bar in (False, True)]


def another(calls):
    """Return what is wrong if a search with a bar is another one."""
    if calls[0] == calls[1]:
        return ""
    return "With verbose=True the search is another one: it should only show more."


def dependent(calls):
    """Return what is wrong if a trial depends on other trials."""
    if calls["again"] != calls["six"]:
        return "The same seed gives two different searches."
    if len(calls["greedy"]) != 6 or len(calls["three"]) != 3:
        return "There are not as many trials as were asked for."
    if calls["greedy"] != calls["six"]:
        return (
            "When one trial takes more random numbers, the next ones change: the trials share a "
            "generator. Give each a child of the seed."
        )
    if calls["three"] != calls["six"][:3]:
        return "The first 3 of 6 trials are not those of a search with 3 trials."
    return ""


def beside_children(find, trials, seed, names):
    """Search; return how trials are called, and how `run_trial` alone is with each child."""
    ranges = dict(zip(names, RANGES.values(), strict=True))
    found = []
    for search in (True, False):
        train_and_score, calls = scorer(MEASURED)
        if search:
            find("random_search")(train_and_score, dict(ranges), trials, seed)
        else:
            for child in np.random.SeedSequence(seed).spawn(trials):
                find("run_trial")(train_and_score, dict(ranges), np.random.default_rng(child))
        found.append([call["given"] for call in calls])
    return found


def of_others(found):
    """Return what is wrong if a trial has another seed than its child."""
    calls, alone = found
    for k, (call, right) in enumerate(zip(calls, alone, strict=False)):
        if {*call} != {*right} or not all(near(call[name], right[name]) for name in right):
            return (
                f"Trial {k} of {len(alone)}, counted from 0, has other hyperparameters than "
                f"`run_trial` draws with child {k} of `np.random.SeedSequence(seed)`: pass on "
                "exactly that child, and the ranges as they are."
            )
    return ""


def independent(t):
    """Do several searches, and one beside the trials of the children alone."""
    several(t, dependent)
    names = ["momentum", "b"] if t.source.size % 2 else [*RANGES]
    t.apart()
    t.both(
        "random_search ",
        partial(beside_children, t.find),
        partial(beside_children, t.names.__getitem__),
        (12, t.draw(SEEDS) + (t.source.size == 4) * 2**70, names),
        relation=of_others,
    )


def unrepeated(calls):
    """Return what is wrong if a search does not depend on its seed alone."""
    if calls["again"] != calls["six"]:
        return "The same seed gives two different searches."
    if {call["drawn"] for call in calls["six"]} & {call["drawn"] for call in calls["other"]}:
        return "Two seeds have trials in common: make the children of `seed`."
    return ""


def several(t, wrong):
    """Do several searches."""
    seed = t.draw(SEEDS)
    other = seed + {2: 2**32, 3: 2**64}.get(t.source.size, 1)  # whole numbers of any size
    ask(t, "searches of 6 and of 3 trials", calls_of, wrong, seed=seed, other=other)


def repeats(t):
    """Do several searches, and look whether the answer goes through `track`, if it is asked to."""
    several(t, unrepeated)
    ask(t, "a search without and with verbose", shown_calls, another, seed=t.draw(SEEDS))
    for name, words in (
        ("track", "With verbose=True no progress bar is shown: go through "),
        ("verbose", "Your search never looks at `verbose`: if it is true, go through "),
    ):
        t.apart()
        t.both(
            "random_search with verbose",
            lambda name=name: goes_through(name, t.home.written(t.student)),
            lambda: True,
            assigned=str,
            relation=lambda found, words=words: (
                ""
                if found
                else f'{words}`track(children, "trials")`, and through `children` otherwise.'
            ),
        )


def goes_through(name, text):
    """Tell whether the text of a cell uses a name; so it may, if there is no text to look at."""
    try:
        nodes = list(ast.walk(ast.parse(text)))
    except SyntaxError:
        return name in text
    return not text or any(isinstance(node, ast.Name) and node.id == name for node in nodes)


def interrupted(find, complete, trials, verbose=False):
    """Return what a search returns when it is stopped; a text if that is lost."""
    try:
        stop = find("interrupted_after")(complete)
        return find("random_search")(stop, dict(RANGES), trials, 1, verbose)
    except (KeyboardInterrupt, Exception) as error:
        if "KeyboardInterrupt" not in f"{type(error).__name__}: {error}":
            raise
        return "lost"


def catches(node):
    """Tell whether a `try` catches an interrupt."""
    if not isinstance(node, ast.Try):
        return False
    caught = " ".join(ast.unparse(one.type) if one.type else "" for one in node.handlers)
    return "KeyboardInterrupt" in caught or "BaseException" in caught


def guards_each(text, name="random_search"):
    """Tell whether a loop over the children has its `try` within, and none is around it.

    An interrupt while the loop takes its next child, and a bar is drawn, is not caught then.
    """
    try:
        known = ast.parse(text).body
    except SyntaxError:
        return False
    for cell in (one for one in known if isinstance(one, ast.FunctionDef) and one.name == name):
        loops = [node for node in ast.walk(cell) if isinstance(node, ast.For)]
        for loop in loops:
            inside = set(ast.walk(loop))
            counts = isinstance(loop.iter, ast.Call) and ast.unparse(loop.iter.func) == "range"
            around = [node for node in ast.walk(cell) if node not in inside]
            if (
                not counts
                and any(map(catches, inside))
                and not any(catches(node) or isinstance(node, ast.With) for node in around)
            ):
                return True
    return False


WITHIN = (
    "Your `try` stands within the loop over the children, so that an interrupt between two trials, "
    "while the bar is drawn, ends your search with an error: put the `try` around the whole loop."
)


def missing(results, complete):
    """Return what is wrong with the results of a search that was stopped."""
    if results == "lost":
        return (
            "An interrupt ends your search with an error, and its results are lost: catch "
            "KeyboardInterrupt by its name, and do not raise it again."
        )
    if words := no_results(results):
        return words
    right = sorted((0.3 * k % 1 for k in range(1, complete + 1)), reverse=True)
    found = [one["val_acc"] for one in results]
    if len(found) > 9:
        return f"Of 9 trials your search returns {len(found)}: begin with an empty list each time."
    if len(found) != complete:
        more = "" if len(found) < complete else ": end there, and return what is complete"
        return f"Stopped after {complete} complete trials, your search returns {len(found)}{more}."
    if near(found, right):
        return ""
    if near(sorted(found, reverse=True), right):
        return "After an interrupt the results are not sorted."
    return "After an interrupt the results are not those of the complete trials."


def stopped(t):
    """Stop a search."""
    for complete, *verbose in ((4,), (0,), (1,), (t.draw(integers(0, 8)),), (3, True)):
        t.apart()
        t.both(
            "random_search, stopped ",
            partial(interrupted, t.find),
            partial(interrupted, t.names.__getitem__),
            (complete, 9, *verbose),
            relation=partial(missing, complete=complete),
        )
    kinds = ValueError, RuntimeError, KeyError, ZeroDivisionError, OSError
    for complete, kind in ((0, ValueError), (t.source.integer(0, 2), t.choice(*kinds))):
        ask(t, "random_search, where training fails", partial(refused, kind=kind), hidden,
            trials=3, seed=t.draw(SEEDS), complete=complete, verbose=t.choice(True, False),
        )  # fmt: skip
    if t.first is None:  # no mistake is told by the text of its cell
        t.apart()
        t.both(
            "random_search, stopped between two trials",
            lambda: guards_each(t.home.written(t.student)),
            lambda: False,
            assigned=str,
            relation=lambda found: WITHIN if found else "",
        )


random_search = interaction(
    part(
        "runs trials of its own, and puts the best first",
        essential=True,
        count=4,
        steps=best_first,
    ),
    part(
        "gives a trial the same numbers, whatever the other trials do",
        count=5,
        steps=independent,
    ),
    part(
        "is repeatable from its seed, and another seed is another search; `verbose` shows a bar",
        count=5,
        steps=repeats,
    ),
    part("keeps what it has when it is interrupted", count=5, steps=stopped),
)

# --- from coarse to fine --------------------------------------------------------------------------

NAMES = "lr", "weight_decay", "dropout", "b"


def tried(t, count):
    """Return results, best first, and some of their hyperparameters' names in any order."""
    names = [NAMES[k] for k in t.source.order(len(NAMES))]
    scale = t.choice(float, float, np.float64, lambda value: 1 + round(value))
    best = [t.draw(numbers(0, 1)) for _ in range(count)]
    if t.choice(True, False):
        best = [1.0, *([0.2] * (count - 1))]
    best.sort(reverse=True)
    results = [
        {
            "val_acc": best[k],
            **{name: scale(10 ** t.draw(numbers(-10, 5))) for name in names},
        }
        for k in range(count)
    ]
    return results, names[: t.draw(integers(1, len(NAMES)))]


EXACTLY = Tolerance(1e-12, 0)


def misranged(found, results, names, best, given=True):
    """Return what is wrong with the ranges of the best results."""
    spans = {name: [result[name] for result in results[:best]] for name in names}
    right = {name: (min(values), max(values)) for name, values in spans.items()}
    words = difference(found, right, "`narrow(...)`", EXACTLY)
    if not words or not isinstance(found, dict) or {*found} != {*right}:
        return words
    for name, values in spans.items():
        if difference(found[name], right[name], "", EXACTLY):
            if np.shape(found[name]) != (2,):
                return words
            low, high = map(show, found[name])
            count = f"with best = {best}" if given else f"without `best` {best} results count, and"
            return (
                f"`{name}` runs from {low} to {high} in your ranges, but {count} it is "
                f"{show(values)} in {'the results that count' if given else 'these'}, so from "
                f"{show(min(values))} to {show(max(values))}."
            )
    return words


def narrowed(t, results, names, *best, **options):
    """Narrow once; five results count if it is not said how many."""
    t.apart()
    count = options.get("best", best[0] if best else 5)
    given = bool(best or options)
    wrong = partial(misranged, results=results, names=names, best=count, given=given)
    t.relate(wrong, results, names, *best, **options)


def kept_results(t):
    """Narrow the same list again when it holds another result."""
    t.apart()
    results, names = tried(t, 6)
    kept = t.keep(results)
    for _ in range(2):
        now = copied(kept.ours)
        t.relate(partial(misranged, results=now, names=names, best=3), kept, names, best=3)
        kept.write(dict.fromkeys((*NAMES, "val_acc"), 1e-12), 1)


def ranges_of_best(t):
    """Narrow: with results beyond the best."""
    results, names = tried(t, t.draw(integers(7, 12)))
    narrowed(t, results, names, best=t.draw(integers(1, 6)))
    if t.source.size >= 5 and t.choice(True, False, False, False):
        narrowed(t, *tried(t, 130), best=120)


def ranges_of_few(t):
    """Narrow: with fewer results than the best, one alone, or without saying how many."""
    narrowed(t, [{"val_acc": 0.5, "lr": 0.1}, {"val_acc": 0.4, "lr": 0.01}], ["lr"], best=5)
    narrowed(t, *tried(t, t.draw(integers(1, 4))), t.draw(integers(4, 9)))
    narrowed(t, *tried(t, t.draw(integers(6, 13))))
    narrowed(t, *tried(t, 13))
    kept_results(t)


narrow = function(
    part("the best results alone, any names", essential=True, count=40, steps=ranges_of_best),
    part(
        "all results if there are few; five if `best` is not given", count=10, steps=ranges_of_few
    ),
)

# --- the bug museum -------------------------------------------------------------------------------


def by_formula(samples, batch_size, epochs):
    """Return the last step of each epoch."""
    steps = -(-samples // batch_size)
    return [steps * (k + 1) - 1 for k in range(epochs)]


def by_walking(samples, batch_size, epochs):
    """Return the last steps, by walking through the epochs as a trainer does."""
    found, step = [], -1
    for _ in range(epochs):
        for _ in range(0, samples, batch_size):
            step += 1
        found.append(step)
    return found


def each(steps):
    """Return a version that records after so many steps, and so on; told by N, B."""
    return lambda samples, batch_size, epochs: [
        steps(samples, batch_size) * (k + 1) - 1 for k in range(epochs)
    ]


def of_right(change):
    """Return a version that changes the right steps; told them, and N, B."""
    return lambda samples, batch_size, epochs: change(
        by_formula(samples, batch_size, epochs), samples, batch_size
    )


def by_range(samples, batch_size, epochs):
    """Return the last steps as a list of a range."""
    steps = (samples + batch_size - 1) // batch_size
    return list(range(steps - 1, steps * epochs, steps))


def by_remainder(samples, batch_size, epochs):
    """Return the steps whose successor is a multiple of the steps per epoch."""
    steps = len(range(0, samples, batch_size))
    return [step for step in range(steps * epochs) if (step + 1) % steps == 0]


RIGHT_STEPS = {
    "multiplies": by_formula,
    "walks through the epochs": by_walking,
    "makes a list of a range": by_range,
    "keeps the steps whose successor is a multiple": by_remainder,
    "rounds up by `np.ceil`": each(lambda N, B: int(np.ceil(N / B))),
    "rounds up by `divmod`": each(lambda N, B: divmod(N, B)[0] + bool(N % B)),
    "counts the mini-batches": each(lambda N, B: len(range(0, N, B))),
    "holds NumPy's integers": of_right(lambda steps, N, B: [np.int64(step) for step in steps]),
    "adds up": of_right(lambda steps, N, B: (np.cumsum([-(-N // B)] * len(steps)) - 1).tolist()),
}
WRONG_STEPS = {
    "records after the first step of each epoch": of_right(
        lambda steps, N, B: [step + 1 - -(-N // B) for step in steps]
    ),
    "counts the steps from 1": of_right(lambda steps, N, B: [step + 1 for step in steps]),
    "rounds the steps per epoch down: the short mini-batch is left out": each(
        lambda N, B: max(N // B, 1)
    ),
    "rounds the steps per epoch to the nearest whole number, not up": each(
        lambda N, B: max(round(N / B), 1)
    ),
    "counts a short mini-batch even where there is none": each(lambda N, B: N // B + 1),
    "lets epochs end in the middle of a step, and rounds afterwards": of_right(
        lambda steps, N, B: [int(N / B * (k + 1)) - 1 for k in range(len(steps))]
    ),
    "leaves the last epoch out": of_right(lambda steps, N, B: steps[:-1]),
    "records before the training, too": of_right(lambda steps, N, B: [0, *steps]),
    "records after every step": of_right(lambda steps, N, B: [*range(steps[-1] + 1)]),
    "counts a step too many from the third epoch on": of_right(
        lambda steps, N, B: [step + (k > 1) for k, step in enumerate(steps)]
    ),
    "records a step after the last epoch, too": of_right(
        lambda steps, N, B: [*steps, steps[-1] - -(-N // -B)]
    ),
    "records each epoch twice": of_right(lambda steps, N, B: sorted([*steps, *steps])),
    "gives the last epoch first": of_right(lambda steps, N, B: steps[::-1]),
    "records the last epoch alone": of_right(lambda steps, N, B: steps[-1:]),
    "records nothing if there are fewer samples than a mini-batch holds": of_right(
        lambda steps, N, B: steps if N >= B else []
    ),
    "records the last steps of the training, one after the other": of_right(
        lambda steps, N, B: [steps[-1] - k for k in range(len(steps))][::-1]
    ),
    "records the first step of each epoch, and the last one of the training": of_right(
        lambda steps, N, B: [*(step + 1 - -(-N // B) for step in steps[:-1]), steps[-1]]
    ),
    "records an epoch in the middle a step early": of_right(
        lambda steps, N, B: [step - (0 < k < len(steps) - 1) for k, step in enumerate(steps)]
    ),
    "is a step early in the first epoch alone": of_right(
        lambda steps, N, B: [max(steps[0] - 1, 0), *steps[1:]]
    ),
}


check_steps = interaction(
    part(
        "accepts right versions and rejects wrong ones, in any order",
        2,
        essential=True,
        count=2,
        steps=lambda t: t.sort(RIGHT_STEPS, WRONG_STEPS),
    ),
)


def taken(x, t, order):
    """Return copies of both, in an order."""
    return np.array(x)[order], np.array(t)[order]


def drawn_order(x, rng):
    """Return a random order of the rows."""
    return np.random.default_rng(int(rng)).permutation(len(x))


def by_index(x, t, rng):
    """Return both, by one permutation of the rows."""
    return taken(x, t, drawn_order(x, rng))


def by_swaps(x, t, rng):
    """Return both, by one swap for each row, as Fisher and Yates do it."""
    own, order = np.random.default_rng(int(rng)), list(range(len(x)))
    for k in range(len(x) - 1, 0, -1):
        j = int(own.integers(k + 1))
        order[k], order[j] = order[j], order[k]
    return taken(x, t, order)


def joined(x, t, rng):
    """Return both, shuffled as one array and taken apart."""
    both = np.random.default_rng(int(rng)).permutation(np.column_stack([x, t]))
    return both[:, :-1], both[:, -1].astype(int)


def by_pairs(x, t, rng):
    """Return both, as a shuffled list of pairs."""
    pairs = [(x[k], t[k]) for k in drawn_order(x, rng)]
    return np.array([row for row, _ in pairs]), np.array([label for _, label in pairs])


def with_one_left(x, t, rng):
    """Return both, in an order in which a sample has kept its place, but of very few."""
    order, place = drawn_order(x, rng), int(np.random.default_rng(int(rng) + 1).integers(len(x)))
    if len(x) > 3:
        order[np.flatnonzero(order == place)] = order[place]
        order[place] = place
    return taken(x, t, order)


def by_own_generator():
    """Return a shuffle with a generator of its own: another order each time, never the old one."""
    own = np.random.default_rng(7)

    def shuffle(x, t, rng):
        order = own.permutation(len(x))
        while len(x) > 1 and np.all(np.diff(order) > 0):
            order = own.permutation(len(x))
        return taken(x, t, order)

    return shuffle


RIGHT_SHUFFLES = {
    "uses one permutation for both": by_index,
    "swaps row by row": by_swaps,
    "shuffles samples and labels as one array": joined,
    "shuffles a list of pairs": by_pairs,
    "sorts by random keys": lambda x, t, rng: taken(
        x, t, np.argsort(np.random.default_rng(int(rng)).random(len(x)))
    ),
    "shuffles both with the same seed": lambda x, t, rng: tuple(
        np.random.default_rng(int(rng)).permutation(part) for part in (x, t)
    ),
    "chooses all rows, without replacement": lambda x, t, rng: taken(
        x, t, np.random.default_rng(int(rng)).choice(len(x), len(x), replace=False)
    ),
    "leaves one sample where it was, as random orders often do": with_one_left,
    "counts the rows from the end": lambda x, t, rng: taken(x, t, -1 - drawn_order(x, rng)),
    "always turns the order around, which is random enough here": lambda x, t, rng: taken(
        x, t, np.arange(len(x))[::-1]
    ),
    "draws by a generator of its own, so that one `rng` gives many orders": by_own_generator(),
    "draws its order by another generator": lambda x, t, rng: taken(
        x, t, np.random.RandomState(int(rng)).permutation(len(x))
    ),
}


def two_orders(x, t, rng):
    """Return both, each in an order of its own."""
    own = np.random.default_rng(int(rng))
    return own.permutation(x), own.permutation(t)


def in_place(x, t, rng):
    """Shuffle x and t themselves."""
    x[:], t[:] = by_index(x, t, rng)
    return np.array(x), np.array(t)


def in_place_x(x, t, rng):
    """Return the right answer, and leave the samples in disorder."""
    found = by_index(x, t, rng)
    x[:] = x[::-1].copy()
    return found


def in_place_t(x, t, rng):
    """Return the right answer, and leave the labels in disorder."""
    found = by_index(x, t, rng)
    t[:] = t[::-1].copy()
    return found


def last_changed(x, t, rng):
    """Return the right answer, and leave x with another last number."""
    found = by_index(x, t, rng)
    x[-1, -1] += 1
    return found


def mixed_rows(x, t, rng):
    """Return rows whose second half belongs to another sample."""
    found_x, found_t = by_index(x, t, rng)
    found_x[:, 1:] = np.roll(found_x[:, 1:], 1, axis=0)
    return found_x, found_t


def beside_others(x, t, rng, places):
    """Return both, with the labels of samples so many places on; half of them all if 0."""
    order = drawn_order(x, rng)
    places = (places or len(x) // 2) if len(x) > 2 else 1
    return np.array(x)[order], np.array(t)[(order + places) % len(x)]


def two_exchanged(x, t, rng, step):
    """Return both, with two labels exchanged: the first two that differ, or the last two."""
    found_x, found_t = by_index(x, t, rng)
    own = found_t[::step]
    for place in np.flatnonzero(own != own[0])[:1]:
        own[[0, place]] = own[[place, 0]]
    return found_x, found_t


WRONG_SHUFFLES = {
    "shuffles the samples and leaves the labels": lambda x, t, rng: (
        by_index(x, t, rng)[0],
        np.array(t),
    ),
    "shuffles the labels and leaves the samples": lambda x, t, rng: (
        np.array(x),
        by_index(x, t, rng)[1],
    ),
    "gives samples and labels two different orders": two_orders,
    "does not shuffle at all": lambda x, t, rng: (np.array(x), np.array(t)),
    "draws rows with replacement: some come twice, others never": lambda x, t, rng: taken(
        x, t, np.random.default_rng(int(rng)).integers(len(x), size=len(x))
    ),
    "loses a sample": lambda x, t, rng: tuple(part[:-1] for part in by_index(x, t, rng)),
    "gives a sample twice": lambda x, t, rng: tuple(
        np.concatenate([part, part[:1]]) for part in by_index(x, t, rng)
    ),
    "changes x and t in place": in_place,
    "returns the right arrays, but changes x in place": in_place_x,
    "returns the right arrays, but changes t in place": in_place_t,
    "returns the right arrays, but changes the last number of x": last_changed,
    "moves the labels by the inverse order": lambda x, t, rng: (
        by_index(x, t, rng)[0],
        np.array(t)[np.argsort(drawn_order(x, rng))],
    ),
    "puts halves of different samples together": mixed_rows,
    "turns the numbers of each row around": lambda x, t, rng: (
        by_index(x, t, rng)[0][:, ::-1].copy(),
        by_index(x, t, rng)[1],
    ),
    "gives each sample the label of the second one after it": partial(beside_others, places=2),
    "exchanges two labels near the beginning": partial(two_exchanged, step=1),
    "exchanges two labels near the end": partial(two_exchanged, step=-1),
    "gives each sample the label of one half the data set away": partial(beside_others, places=0),
}


check_shuffle = interaction(
    part(
        "accepts right versions and rejects wrong ones, in any order",
        2,
        essential=True,
        count=2,
        steps=lambda t: t.sort(RIGHT_SHUFFLES, WRONG_SHUFFLES),
    ),
)
