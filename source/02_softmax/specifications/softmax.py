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
softmax_naive = function(
    part(
        "any scores of moderate size, integers too",
        essential=True,
        z=ROW | integer_arrays("K", -5, 5),
    )
)
softmax = function(
    part("vectors and batches of any shape", essential=True, z=MODERATE),
    part(
        "scores of any size, integers too, without a warning",
        at=[FAR, HUGE, TURNED],
        z=LARGE | WHOLE,
    ),
)
log_softmax = function(
    part("vectors and batches of any shape", essential=True, z=MODERATE),
    part(
        "scores of any size, integers too, without a warning",
        at=[FAR, HUGE, TURNED],
        z=LARGE | WHOLE,
    ),
)


def truth(t, scores):
    """Return scores or probabilities of a batch or of one sample, and the target in either form."""
    if t.choice(True, True, False):
        return t.draw(scores("N K"), labels("N", "K") | one_hot("N", "K"))
    z, label = t.draw(scores("K"), labels("", "K"))
    return z, t.choice(int(label), np.int64(label), np.eye(len(z))[int(label)])


def call(t, scores, *fixed):
    """Call with a drawn truth and, now and then, with fixed ones."""
    for given in fixed if t.choice(False, False, False, False, True) else ():
        t.call(*given)
        t.apart()
    t.call(*truth(t, scores))


def scores(shape):
    """Return the domain of scores of moderate size."""
    return arrays(shape, -3, 3)


def probabilities(shape):
    """Return the domain of rows of probabilities."""
    return scores(shape).map(lambda z: np.exp(z) / np.exp(z).sum(axis=-1, keepdims=True))


def some_zeros(shape):
    """Return the domain of rows of probabilities of which the smallest is exactly 0."""

    def clear(y):
        y = np.where(y == y.min(axis=-1, keepdims=True), 0.0, y)
        return y / np.maximum(y.sum(axis=-1, keepdims=True), 1e-9)

    return arrays(shape, -1, 1).map(by_shift).map(clear)


def apart(shape):
    """Return the domain of scores that are far apart, but no exponential of them overflows."""
    return arrays(shape, -40, 40)


def large(shape):
    """Return the domain of scores of any size."""
    return shifted(scores(shape)) | arrays(shape, -1e6, 1e6)


FAR_OFF = (
    (np.array([0.0, 1000.0, -1000.0]), 2),
    (HUGE["z"], np.array([0.0, 1.0, 0.0])),
    (TURNED["z"], np.array([2, 0])),
)
MANY = np.tile([[0.1, 0.2, 0.7], [0.6, 0.3, 0.1]], (200, 1))  # their product is 0 for a float
LABELS = np.tile([0, 2, 1, 2], 100)
cross_entropy_error = function(
    part(
        "the mean over a batch, and one sample, with labels and one-hot",
        essential=True,
        rtol=1e-4,
        atol=1e-5,
        axes=CLASSES,
        steps=lambda t: call(t, probabilities, (MANY, LABELS)),
    ),
    part(
        "counts a probability of exactly 0 as 1e-7",
        rtol=1e-4,
        atol=1e-5,
        axes=CLASSES,
        steps=lambda t: t.call(*truth(t, some_zeros)),
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
        steps=lambda t: call(t, large, *FAR_OFF),
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
    t.slope(lambda v: t.names["softmax_cross_entropy"](v, right), z)


softmax_jacobian = function(
    part("agrees with numerical differentiation", essential=True, single=True, steps=jacobians),
    part(
        "scores of any size, integers too, without a warning",
        single=True,
        at=[*({"z": row} for row in FAR["z"]), HUGE],
        z=shifted(ROW) | integer_arrays("K", -5, 5),
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
        axes=CLASSES,
        steps=lambda t: call(t, t.choice(scores, apart, large), *FAR_OFF),
    ),
)
predict_class = function(
    part(
        "the first of the largest scores of every row, an integer",
        essential=True,
        kinds=True,
        at=[
            {"z": np.array([[1.0, 3.0, 3.0], [2.0, 2.0, 2.0]])},
            TURNED,
            {"z": np.arange(300.0)},  # classes that no small integer counts
        ],
        z=MODERATE | LARGE,
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
    "adds up the exponentials of differences": by_differences,
    "has other last digits": lambda x: by_shift(x) * (1 + 1e-11 * (np.max(x) > 500)),
    "sorts, and puts everything back": lambda x: by_shift(np.sort(x))[np.argsort(np.argsort(x))],
    "loops over the classes": lambda x: (
        np.array([np.exp(v - max(x)) for v in x]) / sum(np.exp(v - max(x)) for v in x)
    ),
    "turns the scores around twice": lambda x: by_shift(np.asarray(x)[::-1])[::-1],
    "subtracts a little less than the maximum": lambda x: (
        np.exp(x - np.max(x) + 1) / np.exp(x - np.max(x) + 1).sum()
    ),
}


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
    "turns the classes of large scores around": lambda x: where_large(x, np.s_[::-1]),
    "exchanges the last two classes of large scores": lambda x: where_large(
        x, [*range(len(x) - 2), len(x) - 1, len(x) - 2]
    ),
    "shrinks scores that are large": lambda x: by_shift(x / (100 if np.max(x) > 700 else 1)),
}
check_large_scores = interaction(
    part(
        "accepts right versions and rejects wrong ones, in any order",
        2,
        essential=True,
        count=2,
        steps=lambda t: t.sort(RIGHT, WRONG),
    ),
    part(
        "comes with a mended version that is right",
        of="softmax_unclipped",
        at=[HUGE, TURNED],
        z=MODERATE | LARGE,
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
check_rows = interaction(
    part(
        "accepts right versions and rejects wrong ones, in any order",
        2,
        essential=True,
        count=2,
        steps=lambda t: t.sort(RIGHT_ROWS, WRONG_ROWS),
    ),
    part(
        "comes with a mended version that is right",
        of="softmax_rows",
        at=[TURNED],
        z=MODERATE | LARGE,
    ),
)
