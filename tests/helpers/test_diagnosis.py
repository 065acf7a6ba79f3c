"""Every kind of mistake is called by its name, right arrays never, and the sentences read well."""

from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from helpers.diagnosis import diagnose

SEEDS = st.integers(0, 2**32)
SHAPES = st.sampled_from([(5,), (3, 4), (4, 4), (2, 3, 4), (6, 1), (1, 7)])
TABLES = st.sampled_from([(3, 4), (4, 3), (5, 7), (2, 3, 4)])


def draw(seed, shape):
    """Return values of all sizes, none of them near 0, with both signs."""
    rng = np.random.default_rng(seed)
    return rng.uniform(0.5, 9, shape) * rng.choice([-1, 1], shape) * 10.0 ** rng.integers(-3, 4)


def cause(actual, expected, **options):
    found = diagnose(actual, expected, **options)
    return found.cause if found else None


# --- right answers ------------------------------------------------------------------------------


@given(SEEDS, SHAPES)
def test_a_right_array_is_right_however_it_is_made(seed, shape):
    right = draw(seed, shape)
    noise = 1 + 1e-12 * np.random.default_rng(seed).normal(size=shape)
    for answer in (
        right,
        right.tolist(),
        right * noise,
        right.astype(np.float32),
        right.astype(np.longdouble),
        right.astype(">f8"),
        np.asfortranarray(right),
        right[::-1][::-1],
        np.repeat(right, 2, axis=-1)[..., ::2],
        np.ma.array(right),
        right.view(type("Own", (np.ndarray,), {})),
    ):
        assert diagnose(answer, right) is None


@pytest.mark.parametrize(
    ("answer", "right"),
    [
        (3, 3.0),
        (np.float32(0.1), 0.1),
        (np.array(3), 3.0),
        (True, 1),
        ([True, False], [1, 0]),
        ([], []),
        (np.empty((0, 3)), np.empty((0, 3))),
        ([1, np.nan, np.inf], [1, np.nan, np.inf]),
        (2**60 + 1, 2**60 + 1),
        (np.uint64(2**64 - 1), 2**64 - 1),
        (np.ones((1000, 1000)), np.ones((1000, 1000))),
        (np.array([np.float64(2.0)] * 3), (2, 2, 2)),
    ],
    ids=str,
)
def test_right_answers_of_unusual_kinds(answer, right):
    assert diagnose(answer, right) is None


@given(SEEDS, st.integers(1, 400), st.floats(-6, 6))
def test_a_sum_of_products_in_float32_is_right(seed, length, exponent):
    rng = np.random.default_rng(seed)
    a, b = rng.normal(size=(8, length)) * 10**exponent, rng.normal(size=(length, 5))
    assert diagnose(a.astype(np.float32) @ b.astype(np.float32), a @ b) is None


def test_a_loss_near_0_in_float32_is_right():
    z = np.array([10.0, 0.0, 0.0])

    def loss(z):
        return np.log(np.sum(np.exp(z - z.max()))) - (z[0] - z.max())

    assert diagnose(loss(z.astype(np.float32)), loss(z)) is None


@given(SEEDS, SHAPES)
def test_float32_hides_no_mistake(seed, shape):
    right = draw(seed, shape)
    wrong = right.copy()
    wrong.flat[0] += 1e-3 * np.abs(right).max()
    assert diagnose(wrong.astype(np.float32), right) is not None


def test_float32_on_the_way_is_right_where_the_check_allows_it():
    right = np.random.default_rng(3).normal(size=(4, 3))
    rounded = right + 5e-6 * np.abs(right).max()  # as sums of float32 numbers are
    assert diagnose(rounded, right) is not None
    assert diagnose(rounded, right, single=True) is None
    assert diagnose(right * (1 + 1e-4), right, single=True) is not None


def test_an_atol_of_0_stays_0_in_float32():
    assert cause(np.float32(0), 1e-12, atol=0) == "zero"


def test_float16_is_told_apart():
    found = diagnose(np.array([0.1, 0.7], dtype=np.float16), [0.1, 0.7])
    assert found.cause == "precision"
    assert "float16" in found.sentence
    assert diagnose(np.array([0.5, 2], dtype=np.float16), [0.5, 2]) is None


def test_small_elements_are_compared_relatively_down_to_a_floor():
    assert cause([1.0, 1.0001e-3], [1.0, 1e-3]) == "precision"
    assert diagnose([1e6, 1e-5], [1e6, 0]) is None
    assert cause([1e6, 1e-3], [1e6, 0]) == "some elements"


def test_what_is_unknown_is_not_compared():
    right, error = [1.0, 2.0, np.nan], [1e-3, 0.0, np.inf]
    assert diagnose([1.0009, 2, 7], right, error=error) is None
    assert diagnose([1.0009, 2, np.nan], right, error=error) is None
    assert cause([1.002, 2, 7], right, error=error) is not None
    assert cause([-1, -2, 7], right, error=error) == "sign"
    assert diagnose([1.0, 3, 7], right, error=error).sentence.endswith(
        "It is 3 at [1], and 2 is right."
    )
    assert cause(3.0, right, error=error) == "shape"


# --- wrong answers ------------------------------------------------------------------------------


@given(SEEDS, SHAPES)
def test_value_mistakes_are_named(seed, shape):
    right = draw(seed, shape)
    scale = np.abs(right).max()
    some = right.copy()
    some.flat[-1] *= -1
    one = right.copy()
    one.flat[0] = np.nan
    infinite = right.copy()
    infinite.flat[-1] = -np.inf
    noise = np.random.default_rng(seed).uniform(0.2, 0.9, shape) * scale
    for name, wrong in {
        "sign": -right,
        "some signs": some,
        "zero": 0 * right,
        "nan": one,
        "inf": infinite,
        "batch size": right * 32,
        "factor": right * 3,
        "offset": right + scale,
        "precision": right * (1 + 1e-5 * np.sign(np.sin(np.arange(right.size))).reshape(shape)),
        "values": right + noise * np.sin(1 + np.arange(right.size)).reshape(shape) ** 2 + noise,
    }.items():
        assert cause(wrong, right, batch=32) == name
    for wrong in (right / 32, right * 32**2, right / 32**2, -right * 32, -right / 32):
        assert cause(wrong, right, batch=32) == "batch size"


@given(SEEDS, TABLES)
def test_shape_mistakes_are_named(seed, shape):
    right = draw(seed, shape)
    total = np.abs(right.sum()) > 1e-3 * np.abs(right).max()
    assume(total and np.abs(right.mean()) > 1e-3 * np.abs(right).max())
    for name, wrong in {
        "transposed": right.T,
        "extra axis": right[None],
        "reshaped": right.ravel(),
        "cut short": right[:-1],
        "summed over all": right.sum(),
        "averaged over all": np.array([right.mean()]),
        "summed over an axis": right.sum(axis=0),
        "averaged over an axis": right.mean(axis=-1, keepdims=True),
        "shape": np.arange(1.0, 12.0),
    }.items():
        assert cause(wrong, right) == name
    assert cause(right, right.sum(axis=0)) == "not summed"
    assert cause(right, right.mean(axis=-1)) == "not averaged"
    assert cause(right, right.sum()) == "not summed"
    assert cause(right, right.mean(keepdims=True)) in ("not averaged", "extra axis")
    if right.ndim == 2:
        assert cause(right.sum(axis=1), right.sum(axis=0)) == "wrong axis"
        assert cause(right.mean(axis=1), right.mean(axis=0)) == "wrong axis"
        assert cause(np.ones(shape[::-1]), right) == "transposed"


def test_rows_that_come_twice_are_not_called_a_sum_over_another_axis():
    right = np.array([[1.0, 2.0, 4.0], [3.0, 5.0, 9.0]])
    assert cause(np.concatenate([right, right]), right) == "shape"


@given(SEEDS, st.sampled_from([(4, 4), (3, 3, 3)]))
def test_axes_in_another_order_are_found_where_the_shape_is_right(seed, shape):
    right = draw(seed, shape)
    assert cause(np.moveaxis(right, 0, -1), right) == "transposed"


@given(SEEDS, st.sampled_from([(4, 4), (3, 5)]))
def test_a_sum_that_was_broadcast_is_found(seed, shape):
    right = draw(seed, shape)
    assert cause(np.full(shape, right.sum()), right) == "summed over all"
    assert cause(right.mean(axis=0) + 0 * right, right) == "averaged over an axis"
    assert cause(right[0, :, None] - np.ones(shape[1]), right[0]) == "broadcast"


@given(SEEDS, SHAPES)
def test_random_numbers_get_no_false_name(seed, shape):
    right = draw(seed, shape)
    other = draw(seed + 1, shape)
    assume(np.abs(right - other).min() > 0.01 * np.abs(right).max())
    assume(not np.allclose(np.abs(right), np.abs(other)))
    assert cause(other, right, batch=7) in ("values", "factor" if right.size < 2 else "values")


@given(SEEDS)
def test_random_numbers_of_another_shape_get_no_false_name(seed):
    rng = np.random.default_rng(seed)
    for got, wanted in (
        ((3, 4), (4, 5)),
        ((3,), (3, 4)),
        ((2, 3, 4), (3,)),
        ((), (5,)),
        ((5,), ()),
    ):
        assert cause(rng.normal(size=got), rng.normal(size=wanted)) == "shape"


def test_a_sum_that_cancels_proves_nothing():
    right = np.array([[1.0, -1.0], [2.0, -2.0]])
    assert cause([0.0, 0.0], right) == "shape"
    assert cause(0.0, right) == "shape"
    assert cause([[0.3, -0.3, 0.0]], [[0.5, -0.5]]) == "shape"


@pytest.mark.parametrize(
    ("wrong", "right", "name"),
    [
        (np.array([0, 1, 2]), [0.5, 1.5, 2.5], "truncated"),
        (np.array([0, -2, 2]), [0.5, -1.5, 2.5], "truncated"),
        (np.array([0.0, 1.0, 2.0]), [0.5, 1.5, 2.5], "truncated"),
        (np.array([True, False]), [0.5, 0.0], "truncated"),
        (np.array([254, 2], dtype=np.uint8), [-2, 258], "wrapped"),
        ([0.27, 0.73], [0.268941, 0.731059], "rounded"),
        ([0.0, 4.0], [0.4, 3.7], "rounded"),
        (0.0718, 0.0717505, "rounded"),
        (0.99, 0.990066, "precision"),  # 0.990 has two digits
        (-0.15, -0.153, "values"),  # one number of two digits may be round by chance
        ([1.0, 1.0], [1.1, 1.1], "values"),
        ([3.0, 1.0, 2.0], [1.0, 2.0, 3.0], "order"),
        ([1, 0, 0, 1], [0, 1, 1, 0], "values"),
        ([7, 7, 7], [3, 3, 3], "values"),
        ([6, 6, 6], [3, 3, 3], "factor"),
        ([1, 2, 3, 5], [1, 2, 3, 4], "some elements"),
        (7.0, 3.0, "values"),
        ([0.0, 9.0, 7.0], [0.0, 3.0, 7 / 3], "factor"),  # a 0 says nothing about the factor
        ([1.0, 5.0, 4.0], [1.0, 2.0, 3.0], "values"),
        ([3.0, 3.0, 1.0, 2.0], [2.0, 3.0, 3.0, 1.0], "order"),
        (6.0, 3.0, "factor"),
        (-3.0, 3.0, "sign"),
        (0, 3.0, "zero"),
        ([0.0, 0.0], [1e-3, 0.0], "zero"),
        (1.0, [1.0, np.nan], "shape"),
        ([-np.inf, 1], [np.inf, 1], "some signs"),
    ],
)
def test_special_cases(wrong, right, name):
    assert cause(wrong, right) == name


def test_a_mistake_that_the_author_named_comes_first():
    right = np.array([1.0, 2.0])
    found = diagnose(-right, right, mistakes={"it is mirrored.": -right, "as it should be": right})
    assert found.cause == "named"
    assert found.sentence == (
        "Your result is wrong: it is mirrored. It is -2 at [1], and 2 is right."
    )
    assert diagnose(right, right, mistakes={"as it should be": right}) is None


def test_of_two_named_mistakes_the_nearer_is_told():
    tiny = {"it is tiny": [1e-10, 1e-10], "it is zero": [0.0, 0.0]}
    assert "it is zero" in diagnose([0, 0], [1.0, 2.0], mistakes=tiny).sentence


def test_only_at_kinks():
    kinks = [False, True, False]
    assert cause([0.0, 1.0, 1.0], [0.0, 0.0, 1.0], kinks=kinks) == "kink"
    assert cause([0.5, 1.0, 1.0], [0.0, 0.0, 1.0], kinks=kinks) == "values"


# --- what is no array of numbers ------------------------------------------------------------------


class Awkward:
    def __array__(self, *args, **kwargs):
        raise RuntimeError("no")


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (None, "a `return` is missing"),
        (np.sin, "is a function"),
        ("0.5", "is of type str"),
        ({"a": 1}, "is of type dict"),
        ({1.0}, "is of type set"),
        ((x for x in [1.0]), "is of type generator"),
        (object(), "is of type object"),
        (Ellipsis, "is of type ellipsis"),
        ([[1, 2], [3]], "its rows differ in length"),
        (Awkward(), "can't be read"),
        (["a", "b"], "holds text"),
        ([1.0, None], "holds objects"),
        (np.array([1, 2], dtype=object), "holds objects"),
        (np.array(["2020-01-01"], dtype="datetime64[D]"), "holds datetime64[D]"),
        (np.array([1 + 2j]), "is complex"),
        (np.ma.array([1.0, 2.0], mask=[False, True]), "masked elements"),
        (10**400, "is of type int"),
    ],
)
def test_what_is_no_array_of_numbers_is_refused(answer, words):
    found = diagnose(answer, [1.0, 2.0], name="`db1`")
    assert found.cause == "type"
    assert found.sentence.startswith("`db1` ")
    assert words in found.sentence
    assert found.sentence.endswith(".")


# --- the sentences --------------------------------------------------------------------------------

X = np.array([[0.5, -2.0, 3.0], [1.5, 4.0, -0.25]])
B = np.arange(1.0, 11.0)
PAGE: dict[str, tuple[Any, Any, dict[str, Any]]] = {
    "`db1` is one number, 55, instead of an array of shape (10,): it was summed over the hidden "
    "units too.": (B.sum(), B, {"name": "`db1`", "axes": ["hidden units"]}),
    "`db1` is one number, 55, instead of an array of shape (10,): it was summed over everything. "
    "Name the axis.": (B.sum(), B, {"name": "`db1`"}),
    "Your result has shape (3,) instead of (2, 3): it was summed over axis 0, which should stay.": (
        X.sum(axis=0),
        X,
        {},
    ),
    "`dW` has shape (2,) instead of (2, 3): it was averaged over the features, which "
    "should stay.": (
        X.mean(axis=1),
        X,
        {"name": "`dW`", "axes": ["samples", "features"]},
    ),
    "`db` has shape (2, 3) instead of (3,): it has not been summed over axis 0 yet.": (
        X,
        X.sum(axis=0),
        {"name": "`db`"},
    ),
    "The loss has shape (2, 3), but one number is expected: it has not been averaged yet.": (
        X,
        X.mean(),
        {"name": "The loss"},
    ),
    "`db` has shape (2,) instead of (3,), but the right total: it was summed over the wrong "
    "axis.": (
        X.sum(axis=1),
        X.sum(axis=0),
        {"name": "`db`"},
    ),
    "`dW` is transposed. It has shape (3, 2) instead of (2, 3).": (X.T, X, {"name": "`dW`"}),
    "Your result has the right numbers, but has shape (1, 2, 3) instead of (2, 3): an axis of "
    "length 1 is too many or missing (look at `keepdims` and at your reshapes).": (X[None], X, {}),
    "`db1` is one number where an array of shape (1, 1) is needed: was everything summed, or "
    "squeezed? Keep the axis.": (np.float64(2.0), np.full((1, 1), 2.0), {"name": "`db1`"}),
    "Your result has the right numbers, but has shape (6,) instead of (2, 3).": (X.ravel(), X, {}),
    "Your result has shape (1, 3) instead of (2, 3): what is there is right, but the last row is "
    "missing.": (X[:1], X, {}),
    "Your result has shape (7,) instead of (10,): what is there is right, but the last 3 elements "
    "are missing.": (B[:7], B, {}),
    "Your result has shape (10, 10) instead of (10,): a column met a row, and broadcasting made a "
    "table of them.": (np.subtract.outer(B, B**2), B, {}),
    "Your result has shape (2, 3), but one number is expected.": (X, 99, {}),
    "Your result is one number instead of an array of shape (2, 3).": (99, X, {}),
    "Your result was summed over everything, and so has equal elements. "
    "It is 6.75 at [0, 1], and -2 is right.": (np.full((2, 3), X.sum()), X, {}),
    "Your result was averaged over axis 0, and so has equal elements. "
    "It is 1 at [0, 1], and -2 is right.": (X.mean(axis=0) + 0 * X, X, {}),
    "`dW` is 32 times too large: 32 is the batch size, and it has not been divided by it. "
    "It is 128 at [1, 1], and 4 is right.": (32 * X, X, {"batch": 32, "name": "`dW`"}),
    "Your result is 32 times too small, and has the wrong sign: 32 is the batch size, so it was "
    "divided by it once too often. It is -0.125 at [1, 1], and 4 is right.": (
        -X / 32,
        X,
        {"batch": 32},
    ),
    "Your result is 100 times too small: 100 is the batch size 10 squared, so it was divided by it "
    "twice too often. It is 0.04 at [1, 1], and 4 is right.": (X / 100, X, {"batch": 10}),
    "`a` is nan at [0, 1] (for x = -2) where -2 is right: something overflowed, or was divided by "
    "0.": (np.where(X == -2, np.nan, X), X, {"name": "`a`", "inputs": {"x": X}}),
    "Your result is inf at [0, 0] where 0.5 is right (and in 5 more places): something overflowed, "
    "or was divided by 0.": (X + np.inf, X, {}),
    "Your result is nan where 0.5 is right: something overflowed, or was divided by 0.": (
        np.nan,
        0.5,
        {},
    ),
    "`dx` has the wrong sign. It is -4 at [1, 1], and 4 is right.": (-X, X, {"name": "`dx`"}),
    "Your result has the wrong sign in 2 of 6 places, and is right but for the signs. It is 2 at "
    "[0, 1], and -2 is right.": (np.abs(X), X, {}),
    "Your result is zero everywhere. It is 0 at [1, 1], and 4 is right.": (0 * X, X, {}),
    "Your result is zero. It is 0, and 4 is right.": (0, 4, {}),
    "Your result has dtype int64, which cuts the decimals off. It is 0 at [0, 0], and 0.5 is "
    "right. Make the array one of floats first.": (X.astype(int), X, {}),
    "Your result has its decimals cut off. It is 0 at [0, 0], and 0.5 is right.": (
        np.trunc(X),
        X,
        {},
    ),
    "Your result is rounded to 1 decimal. It is 1.2 at [0], and 1.23456 is right.": (
        [1.2, 3.5],
        [1.23456, 3.5],
        {},
    ),
    "Your result is 6 times the right value. It is 24 at [1, 1], and 4 is right.": (6 * X, X, {}),
    "Your result is minus 1/3 of the right value. It is -1.33333 at [1, 1], and 4 is right.": (
        -X / 3,
        X,
        {},
    ),
    "Your result is too small by the same 2 everywhere. It is -1.5 at [0, 0], and 0.5 is right.": (
        X - 2,
        X,
        {},
    ),
    "Your result holds the right numbers in another order. It is 4 at [0, 1], and -2 is right.": (
        X.ravel()[[0, 4, 2, 3, 1, 5]].reshape(2, 3),
        X,
        {},
    ),
    "Your result is nearly right, but only to about 6 digits. It is 3.000003, and 3 is right.": (
        3.000003,
        3,
        {},
    ),
    "Your result has dtype float16, which keeps 3 digits only: compute in float64. It is "
    "0.0999756, and 0.1 is right.": (np.float16(0.1), 0.1, {}),
    "Your result is right in 5 of 6 places. It is 9 at [1, 1] (for x = 4), and 4 is right.": (
        np.where(X == 4, 9, X),
        X,
        {"inputs": {"x": X}},
    ),
    "Your result is not right. It is 7, and 3 is right.": (7, 3, {}),
    "Your result is not right. It is 39200000, and 45360 is right.": (39_200_000, 45_360, {}),
    "`relu_grad(x)` is right except at the kink. It is 1 at [1], and 0 is right.": (
        [0.0, 1.0, 1.0],
        [0.0, 0.0, 1.0],
        {"name": "`relu_grad(x)`", "kinks": [False, True, False]},
    ),
}


@pytest.mark.parametrize("sentence", PAGE, ids=range(len(PAGE)))
def test_the_page_of_sentences(sentence):
    wrong, right, options = PAGE[sentence]
    assert diagnose(wrong, right, **options).sentence == sentence


@pytest.mark.parametrize("expected", [3.0, np.ones(2), np.ones((2, 2, 2))])
def test_of_many_axes_not_every_order_and_sum_is_tried(monkeypatch, expected):
    """There would be no end of it, and the judge has no limit of its own there."""
    monkeypatch.setattr("helpers.diagnosis.permutations", None)
    tried = []
    monkeypatch.setattr("helpers.diagnosis.VERBS", {"summed": lambda a, **_: tried.append(a) or a})
    assert cause(np.arange(2.0**16).reshape((2,) * 16), expected) == "shape"
    assert len(tried) < 100


class Elsewhere:
    """A number in another process: it gives an array, and nothing else that NumPy asks for."""

    def __init__(self, value):
        self.value = value

    def __array__(self, dtype=None, copy=None):
        return np.asarray(self.value, dtype)

    def __len__(self):
        raise TypeError("a number has no length")

    def __getitem__(self, key):
        raise TypeError("a number has no items")


@pytest.mark.parametrize("kind", [tuple, list])
def test_objects_that_give_numbers_are_read_in_tuples_and_lists(kind):
    values = kind([Elsewhere(1.0), Elsewhere(2.0)])
    with pytest.raises(ValueError, match="sequence"):
        np.array(values)
    assert diagnose(values, [1.0, 2.0]) is None
    assert diagnose(kind([values, values]), [[1.0, 2.0]] * 2) is None
    found = diagnose(values, [1.0, 4.0])
    assert found is not None
    assert "4" in found.sentence
