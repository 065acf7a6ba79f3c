"""What the exercises of chapter 2 promise."""

import numpy as np

from helpers.specification import (
    arrays,
    function,
    integer_arrays,
    interaction,
    labels,
    one_hot,
    part,
)
from helpers.specification.values import Tolerance

CLASSES = {"K": (2, 5)}  # of one class, labels and one-hot rows would look alike
ROW = arrays("K", -3, 3)
ROWS = arrays("N K", -3, 3)
MODERATE = ROW | ROWS


def shifted(domain):
    """Return scores of a size that makes plain exponentials overflow, or all of them 0."""
    return domain.map(lambda z: z * 10.0 ** np.round(np.ravel(z)[0]) * 300 - 1000 * np.sign(z[0]))


LARGE = shifted(ROW) | shifted(ROWS) | MODERATE.map(lambda z: z + 1000) | arrays("N K", -1e6, 1e6)
LARGE |= MODERATE.map(lambda z: z / 3 + 709)  # where sums overflow before exponentials do
FAR = {"z": np.array([[2000.0, 0.0, 0.0], [0.0, 0.0, 0.0], [-1000.0, -1000.0, -1020.0]])}
HUGE = {"z": np.array([0.0, 1e300, -1e300])}  # more than a float32 holds
TURNED = {"z": np.array([[1.0, 2.0], [-2.0, 2.5], [0.0, -1.0]]).T}  # memory holds its columns

WHOLE = integer_arrays("K", -5, 5) | integer_arrays("N K", -5, 5)
WIDE = {"z": 4 * np.sin(7.0 * np.arange(301 * 12)).reshape(301, 12)}
OF_MANY = 3 * np.sin(7.0 * np.arange(5 * 101)).reshape(5, 101)  # scores of many classes
RIGHT_OF_MANY = np.array([0, 100, 31, 63, 64])
APART = [
    FAR,
    HUGE,
    TURNED,
    {"z": TURNED["z"].ravel()},  # the same bytes
    WIDE,
    {"z": np.full((2, 3), 709.0)},  # each exponential is finite, and their sum is not
    {"z": np.array([0.0, 0.0, -1000.0])},
    {"z": np.array([-(10**18), 10**18, 0])},
]
MORE = [*APART, {"z": np.array([-(10**18), 10**18, 10**18 - 1000])}]


def tails(t, z, apart_from=False):
    """Call it, and hold the small numbers of its answer relative to their own size."""
    right = t.call(*z)
    if t.first:
        return
    found = np.asarray(t.answer, dtype=float)
    times_off = np.where(apart_from, 0.0, np.abs(found - right) / (np.abs(right) + 1e-300))
    place = np.unravel_index(np.argmax(times_off), right.shape)
    t.holds(times_off[place] < 0.5, lost(found[place], right[place], [int(i) for i in place]))


def lost(found, right, place):
    """Return what has become of a small number."""
    if found == 0:
        why = "Was it rounded, or is it a difference of larger numbers?"
    elif found / right < 1 or (found * 2.0**53) % 1 == 0:
        why = "Is it a difference of larger numbers?"
    else:
        why = "Is a score cut off, or something added?"
    return f"A small number is not right: it is {found:.3g} at {place}, not {right:.3g}. {why}"


def calls(domain):
    """Return steps that call with scores; and with one array that is changed between two calls.

    The domain goes with them: by it a counterexample is made smaller.
    """

    def steps(t):
        for _ in range(2 if t.watched else 1):
            t.call(t.draw(domain))
        if t.choice(True, False, False, False):
            t.apart()
            tails(t, [t.draw(arrays("K", -40, 40) | arrays("N K", -40, 40))])
        if t.watched:
            t.apart()
            z = t.keep(t.draw(ROW))
            t.call(z)
            z.write(np.arange(len(z.ours)) - z.ours)
            t.call(z)

    return {"steps": steps, "z": domain}


softmax = function(
    part("vectors and batches of any shape", essential=True, z=MODERATE),
    part(
        "scores of any size, integers too, without a warning",
        arrays=True,
        at=MORE,
        **calls(LARGE | WHOLE),
    ),
)
log_softmax = function(
    part("vectors and batches of any shape", essential=True, z=MODERATE),
    part(
        "scores of any size, integers too, without a warning",
        arrays=True,
        at=APART,
        z=LARGE | WHOLE,
    ),
)


def truth(t, scores, kinds=(np.int64,)):
    """Return scores or probabilities of a batch or of one sample, and the target in either form.

    Labels are of one of the kinds; one-hot rows are of float64, or of such a kind.
    """
    kind = t.choice(*kinds)
    if t.choice(True, True, False):
        hot = one_hot("N", "K")
        hot = hot if kind is np.int64 else hot.map(lambda rows: rows.astype(kind))
        return t.draw(scores("N K"), labels("N", "K").map(lambda of: of.astype(kind)) | hot)
    z, label = t.draw(scores("K"), labels("", "K"))
    return z, t.choice(int(label), kind(label), np.eye(len(z))[int(label)])


ANY_KIND = (np.int64, np.int32, np.uint8)


def classes(given):
    """Return the classes that a target means, whichever form it has."""
    scores, right = map(np.asarray, given)
    return np.atleast_1d(right.argmax(axis=-1) if right.ndim == scores.ndim else right).astype(int)


def told_of_loss(losses, right, found):
    """Return of which other numbers a wrong loss is made; nothing if that is not clear.

    losses: of every class, shape (N, K). right: the right classes, shape (N,). found: the wrong
    loss.
    """
    (N, K), own = losses.shape, losses[np.arange(len(losses)), right]
    means = np.mean([np.mean(own[right == one]) for one in set(right)])
    of_both = f"{N}, the number of samples and of classes"
    known = {
        f"the sum of the {N} losses, not their mean": own.sum(),
        "the mean of the classes' means: each sample counts as much as any other": means,
        "the mean of the losses that differ: equal ones count, too": np.mean(np.unique(own)),
    }
    if N == K:
        known[f"the right loss divided by {of_both}"] = own.mean() / K
    else:
        known[f"the right loss divided by {N}, the number of samples, once more"] = own.mean() / N
        known[f"the right loss divided by {K}, the number of classes"] = own.mean() / K
    for others in np.ndindex(*(K,) * N) if K**N <= 256 else ():
        if N > 1:
            words = f"the mean for the classes {list(others)}, not for {right.tolist()}"
        else:
            words = f"the loss of class {others[0]}, and class {right[0]} is right"
        known[words] = losses[np.arange(N), list(others)].mean()
    fits = [words for words, loss in known.items() if np.isclose(found, loss, 1e-6, 1e-9)]
    return f"This is {fits[0]}." if len(fits) == 1 else ""


def told_of_error(given):
    """Return what says more of a wrong cross-entropy error."""

    def words(found, _):
        y, right = np.atleast_2d(given[0]), classes(given)
        losses = -np.log(np.maximum(y, 1e-7))
        if told := told_of_loss(losses, right, float(found)):
            return told
        zero = len(right) == 1 and y[0, right[0]] == 0
        if zero and 1 < found < 700:
            return f"This is the loss of a probability of {np.exp(-float(found)):.3g}."
        return ""

    return words


def told_of_scores(given):
    """Return what says more of a wrong cross-entropy of scores."""

    def words(found, _):
        z = np.atleast_2d(given[0]).astype(float)
        moved = z - z.max(axis=1, keepdims=True)
        losses = np.log(np.exp(moved).sum(axis=1, keepdims=True)) - moved
        return told_of_loss(losses, classes(given), float(found))

    return words


def told_of_gradient(given):
    """Return what says more of a wrong gradient of the loss."""

    def words(found, right):
        N, K = np.shape(np.atleast_2d(given[0]))
        factors = {
            f"{N} times the right one, and there are {N} samples": N,
            f"the right one divided by {N}, the number of samples, once more": 1 / N,
            f"the right one divided by {K}, the number of classes": 1 / K,
        }
        if N == K:
            factors = {f"the right one divided by {N}, the number of samples and of classes": 1 / N}
        found = np.asarray(found, dtype=float).reshape(right.shape)
        fits = [text for text, factor in factors.items() if np.allclose(found, factor * right)]
        if np.abs(right).max() > 1e-3 and len(fits) == 1:
            return f"This is {fits[0]}."
        place = np.arange(N), classes(given)
        found, right = found.reshape(N, K)[place], right.reshape(N, K)[place]
        if ((found == 0) & (right < -0.5 / N)).any():
            return "Where the right class's probability is near 0, probability minus target is not."
        return ""

    return words


def call(t, scores, *fixed, kinds=(np.int64,), told=told_of_scores):
    """Call with a drawn truth and, now and then, with fixed ones."""
    for given in fixed if t.choice(False, False, False, False, True) else ():
        t.call(*given)
        t.say(told(given))
        t.apart()
    for _ in range(2 if t.watched else 1):
        given = truth(t, scores, kinds)
        t.call(*given)
        t.say(told(given))
    if t.watched:
        t.apart()
        z, right = t.draw(probabilities("N K"), labels("N", "K"))
        z, right = t.keep(z), t.keep(right)
        t.call(z, right)
        z.write(z.ours[:, ::-1].copy())
        t.call(z, right)
        right.write(z.ours.shape[1] - 1 - right.ours)
        t.call(z, right)


def scores(shape):
    """Return the domain of scores of moderate size."""
    return arrays(shape, -3, 3)


def probabilities(shape):
    """Return the domain of rows of probabilities."""
    return scores(shape).map(lambda z: np.exp(z) / np.exp(z).sum(axis=-1, keepdims=True))


def some_zeros(shape):
    """Return the domain of rows of probabilities of which the smallest is exactly 0.

    Where all are equal, none is.
    """

    def clear(y):
        least, most = y.min(axis=-1, keepdims=True), y.max(axis=-1, keepdims=True)
        y = np.where((y == least) & (least < most), 0.0, y)
        return y / y.sum(axis=-1, keepdims=True)

    return arrays(shape, -1, 1).map(by_shift).map(clear)


def apart(shape):
    """Return the domain of scores that are far apart, but no exponential of them overflows."""
    return arrays(shape, -40, 40)


def whole(shape):
    """Return the domain of scores that are integers."""
    return integer_arrays(shape, -5, 5)


def large(shape):
    """Return the domain of scores of any size."""
    return shifted(scores(shape)) | arrays(shape, -1e6, 1e6)


FAR_OFF = (
    (np.array([0.0, 1000.0, -1000.0]), 2),
    (HUGE["z"], np.array([0.0, 1.0, 0.0])),
    (TURNED["z"], np.array([2, 0])),
    (TURNED["z"].ravel(), 4),
    (WIDE["z"], np.arange(301) % 12),
    (OF_MANY, RIGHT_OF_MANY),
    (OF_MANY[3], 77),
    (np.array([[3, -2, 1], [10**18, 0, -(10**18)]]), np.eye(3, dtype=int)[[2, 0]]),
)
MANY = np.tile([[0.1, 0.2, 0.7], [0.6, 0.3, 0.1]], (200, 1))  # their product is 0 for a float
LABELS = np.tile([0, 2, 1, 2], 100)
ROUGHLY = Tolerance(0.02, 1e-5)  # as far as 1e-7 matters to the logarithm of 1e-6


def floors(t):
    """Try probabilities of exactly 0, and small ones that are not yet 0."""
    many = MANY[:60], LABELS[:60].astype(np.int8)
    wide = by_shift(OF_MANY), RIGHT_OF_MANY
    call(t, some_zeros, many, wide, kinds=ANY_KIND, told=told_of_error)
    t.apart()
    y = np.array([t.choice(1e-6, 1e-5, 1e-4), 0.0, 0.3])
    y[1] = 1 - y.sum()
    t.both(
        "cross_entropy_error",
        lambda *given: t.invoke(t.student, given, {}),
        t.reference,
        (np.array([y, y[::-1]]), np.array([0, 2])),
        tolerance=ROUGHLY,
    )


cross_entropy_error = function(
    part(
        "the mean over a batch, and one sample, with labels and one-hot",
        essential=True,
        rtol=1e-4,
        atol=1e-5,
        axes=CLASSES,
        steps=lambda t: call(t, probabilities, (MANY, LABELS), told=told_of_error),
    ),
    part(
        "counts a probability of exactly 0 as 1e-7",
        rtol=1e-4,
        atol=1e-5,
        axes=CLASSES,
        steps=floors,
    ),
)
softmax_cross_entropy = function(
    part(
        "a batch and one sample, with labels and one-hot",
        essential=True,
        rtol=1e-5,
        atol=1e-5,
        axes=CLASSES,
        steps=lambda t: call(t, scores, (np.log(MANY), LABELS)),
    ),
    part(
        "scores of any size, without a warning",
        rtol=1e-5,
        axes=CLASSES,
        steps=lambda t: call(t, t.choice(large, large, whole), *FAR_OFF, kinds=ANY_KIND),
    ),
)


def jacobians(t):
    """Hold the Jacobian against numerical differentiation, a row at a time."""
    z = t.draw(ROW)
    t.call(z)
    y = t.names["softmax"]
    t.jacobian(y, z)


def gradients(t):
    """Hold the gradient of the loss against numerical differentiation."""
    z, right = truth(t, scores)
    t.call(z, right)
    t.say(told_of_gradient((z, right)))
    t.slope(lambda v: t.names["softmax_cross_entropy"](v, right), z)


def far_apart(t):
    """Try scores of any size; and those of which some probabilities are small."""
    for _ in range(2 if t.watched else 1):
        t.call(t.draw(SCORES))
    t.apart()
    z = t.draw(apart("K"))
    tails(t, [z], apart_from=np.eye(len(z), dtype=bool))


def gradients_far_apart(t):
    """Try scores that are far apart, large ones and integers."""
    domain = t.choice(scores, apart, large, whole)
    call(t, domain, *FAR_OFF, kinds=ANY_KIND, told=told_of_gradient)
    t.apart()
    z, right = t.draw(apart("N K"), labels("N", "K"))
    tails(t, [z, right], apart_from=np.eye(z.shape[1], dtype=bool)[right])


SCORES = shifted(ROW) | integer_arrays("K", -5, 5)
softmax_jacobian = function(
    part("agrees with numerical differentiation", essential=True, single=True, steps=jacobians),
    part(
        "scores of any size, integers too, without a warning",
        single=True,
        arrays=True,
        at=[
            *({"z": row} for row in FAR["z"]),
            HUGE,
            {"z": np.array([1e9, 1e9])},  # beside which a small step is lost
            {"z": np.array([0.2, 0.3, 0.5])},  # scores that look like probabilities
            {"z": WIDE["z"][5]},
            {"z": OF_MANY[3]},
            {"z": np.array([10**18, -(10**18), 0])},
        ],
        steps=far_apart,
        z=SCORES,
    ),
)
softmax_cross_entropy_grad = function(
    part(
        "agrees with numerical differentiation",
        essential=True,
        single=True,
        axes=CLASSES,
        steps=gradients,
    ),
    part(
        "scores that are far apart; its inputs stay as they are",
        single=True,
        arrays=True,
        axes=CLASSES,
        steps=gradients_far_apart,
    ),
)

# --- the bug museum -------------------------------------------------------------------------------


def by_shift(x):
    """Return softmax along the last axis."""
    e = np.exp(x - np.max(x, axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def by_logarithm(x):
    """Return softmax: the exponential of the log-softmax."""
    moved = x - np.max(x, axis=-1, keepdims=True)
    return np.exp(moved - np.log(np.exp(moved).sum(axis=-1, keepdims=True)))


def by_differences(x):
    """Return softmax of a vector: 1 over the sum of exp(x_j - x_i)."""
    with np.errstate(over="ignore"):
        return 1 / np.exp(np.subtract.outer(x, x)).sum(axis=0)


def by_clipping(x, limit):
    """Return a softmax that cuts its scores off."""
    e = np.exp(np.clip(x, -limit, limit))
    return e / e.sum(axis=-1, keepdims=True)


def overflowing(x):
    """Return softmax by its formula."""
    return np.exp(x) / np.exp(x).sum(axis=-1, keepdims=True)


def where_not(x, otherwise):
    """Return softmax by its formula, and something else where that is nan."""
    y = overflowing(x)
    return np.where(np.isnan(y).any(), otherwise, y)


RIGHT = {
    "subtracts the maximum": by_shift,
    "goes through the logarithm": by_logarithm,
    "takes one vector and no batch: it adds up exponentials of differences": by_differences,
    "has other last digits": lambda x: by_shift(x) * (1 + 1e-11 * (np.max(x) > 500)),
    "sorts, and puts everything back": lambda x: by_shift(np.sort(x))[np.argsort(np.argsort(x))],
    "loops over the classes": lambda x: (
        np.array([np.exp(v - max(x)) for v in x]) / sum(np.exp(v - max(x)) for v in x)
    ),
    "turns the scores around twice": lambda x: by_shift(np.asarray(x)[::-1])[::-1],
    "subtracts a little less than the maximum": lambda x: (
        np.exp(x - np.max(x) + 1) / np.exp(x - np.max(x) + 1).sum()
    ),
    "returns float32": lambda x: by_shift(x).astype(np.float32),
    "uses the plain formula where nothing overflows": lambda x: (
        by_shift(x) if np.max(np.abs(x)) > 500 else np.exp(x) / np.exp(x).sum()
    ),
}


def trying(x):
    """Return softmax: by its formula, and in the safe way where that has overflowed."""
    y = np.exp(x) / np.exp(x).sum(axis=-1, keepdims=True)
    return y if np.isfinite(y).all() and y.sum() > 0 else by_shift(x)


RIGHT |= {"warns of an overflow on the way, which it corrects": trying}


def where_large(x, order):
    """Return softmax, its probabilities in another order if the scores are large."""
    y = by_shift(x)
    return y[order] if np.max(x) > 700 else y


WRONG = {
    "cuts its scores off at 700": lambda x: by_clipping(x, 700.0),
    "returns nan: its limit is too high": lambda x: by_clipping(x, 1000.0),
    "returns zeros only: the sum overflows": lambda x: by_clipping(x, 709.7),
    "puts equal probabilities where nan would be": lambda x: where_not(x, 1 / len(x)),
    "divides the scores by the largest of them": lambda x: by_shift(x / np.max(np.abs(x))),
    "gives the largest score 1 and the others 0": lambda x: where_not(x, x == np.max(x)),
    "overflows, as the plain formula does": overflowing,
    "overflows at 810, because it subtracts 100 from every score": lambda x: overflowing(x - 100),
    "turns the classes of large scores around": lambda x: where_large(x, np.s_[::-1]),
    "exchanges the last two classes of large scores": lambda x: where_large(
        x, [*range(len(x) - 2), len(x) - 1, len(x) - 2]
    ),
    "shrinks scores that are large": lambda x: by_shift(x / (100 if np.max(x) > 700 else 1)),
    "takes powers of 2 in place of e, for all scores": lambda x: by_shift(x * np.log(2)),
    "is right only if scores are closer together than 1": lambda x: (
        np.exp(np.maximum(x - np.max(x), -0.9)) / np.exp(np.maximum(x - np.max(x), -0.9)).sum()
    ),
    "divides scores from 900 to 1100 by 2, and no others": lambda x: by_shift(
        np.where((x >= 900) & (x <= 1100), x / 2, x)
    ),
    "divides all scores by 2": lambda x: by_shift(np.asarray(x) / 2),
    "turns all classes around": lambda x: by_shift(x)[::-1],
    "gives every class the same, whatever the scores": lambda x: np.full(len(x), 1 / len(x)),
    "turns the sign of all scores around": lambda x: by_shift(-np.asarray(x)),
    "does not divide by the sum": lambda x: np.exp(x - np.max(x)),
    "is nan at large scores, and right elsewhere": lambda x: (
        by_shift(x) * (np.nan if np.max(x) > 700 else 1.0)
    ),
}
check_large_scores = interaction(
    part(
        "accepts right versions and rejects wrong ones, in any order",
        3,
        essential=True,
        count=2,
        steps=lambda t: t.sort(RIGHT, WRONG),
    ),
)


def columns(x):
    """Return the exhibit: maximum and sum run down the columns."""
    e = np.exp(x - np.max(x, axis=0))
    return e / e.sum(axis=0)


def is_square(x):
    """Tell whether x is a batch of as many rows as columns."""
    return np.ndim(x) == 2 and len(x) == len(x[0])


def one_at_a_time(x):
    """Return softmax row by row."""
    return by_shift(x) if np.ndim(x) == 1 else np.array([by_shift(row) for row in x])


def turned(x):
    """Return softmax with classes down the columns, turned twice."""
    e = np.exp(np.transpose(x) - np.max(np.transpose(x), axis=0))
    return np.transpose(e / e.sum(axis=0))


def without_keepdims(x):
    """Return a softmax whose sums are broadcast along the wrong axis where that fits."""
    e = np.exp(x - np.max(x, axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=not is_square(x))


RIGHT_ROWS = {
    "works along the last axis": by_shift,
    "goes through the logarithm": by_logarithm,
    "takes one row after the other": one_at_a_time,
    "turns the batch twice": turned,
    "has other last digits for a batch": lambda x: by_shift(x) * (1 + 1e-11 * np.ndim(x)),
    "uses the plain formula": overflowing,
    "subtracts the maximum of all": lambda x: (
        np.exp(x - np.max(x)) / np.exp(x - np.max(x)).sum(axis=-1, keepdims=True)
    ),
    "returns float32": lambda x: by_shift(x).astype(np.float32),
}
WRONG_ROWS = {
    "runs down the columns": columns,
    "sums over the whole batch": lambda x: np.exp(x - np.max(x)) / np.exp(x - np.max(x)).sum(),
    "divides every row by the first row's sum": lambda x: (
        np.exp(x) / np.exp(np.atleast_2d(x)[0]).sum()
    ),
    "is wrong for a square batch only (`keepdims` is missing)": without_keepdims,
    "is wrong only for a batch that is not square": lambda x: (
        by_shift(x) if is_square(x) else columns(x)
    ),
    "runs down the columns and then makes the rows sum to 1": lambda x: (
        columns(x) / columns(x).sum(axis=-1, keepdims=True)
    ),
    "gives every row the first one's answer": lambda x: (
        by_shift(x) if np.ndim(x) == 1 else by_shift(x[:1]) + 0 * x
    ),
    "mixes the rows unless the batch is square": lambda x: (
        by_shift(x) if is_square(x) else np.exp(x) / np.exp(x).sum()
    ),
    "lets a hundredth of the mean row leak in": lambda x: (
        by_shift(x) + 0.01 * (np.mean(by_shift(np.atleast_2d(x)), axis=0) - by_shift(x))
    ),
    "is nan for a batch": lambda x: by_shift(x) * (1.0 if np.ndim(x) == 1 else np.nan),
    "puts the rows in reverse order": lambda x: (
        by_shift(x) if np.ndim(x) == 1 else by_shift(x)[::-1]
    ),
    "divides every row by the sum of the next": lambda x: (
        by_shift(x) if np.ndim(x) == 1 else np.exp(x) / np.roll(np.exp(x).sum(1, keepdims=True), 1)
    ),
}


def right_but_for(x, row):
    """Return softmax, but for one row of a batch, which is the exhibit's."""
    y = by_shift(x)
    if np.ndim(x) == 2:
        y[row] = columns(x)[row]
    return y


def wrong_if(x, wrong):
    """Return the exhibit's softmax, made to sum to 1 in each row, or a right one."""
    return columns(x) / columns(x).sum(axis=-1, keepdims=True) if wrong else by_shift(x)


WRONG_ROWS |= {
    "is wrong only if the batch is not square, and its rows sum to 1": lambda x: wrong_if(
        x, np.ndim(x) == 2 and not is_square(x)
    ),
    "is wrong only if the batch is square, and its rows sum to 1": lambda x: wrong_if(
        x, is_square(x)
    ),
    "is wrong between the first row of a batch and the last": lambda x: right_but_for(
        x, np.s_[1:-1]
    ),
    "is wrong in the last row of a batch only": lambda x: right_but_for(x, -1),
    "is wrong in the first row of a batch only": lambda x: right_but_for(x, 0),
}
check_rows = interaction(
    part(
        "accepts right versions and rejects wrong ones, in any order",
        3,
        essential=True,
        count=2,
        steps=lambda t: t.sort(RIGHT_ROWS, WRONG_ROWS),
    ),
)
