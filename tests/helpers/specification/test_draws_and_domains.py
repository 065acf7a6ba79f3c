"""What a domain draws, from a generator and from Hypothesis: just what it promises, small first."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from helpers.specification import (
    arrays,
    away_from,
    extremes,
    integer_arrays,
    integers,
    labels,
    length,
    lists,
    numbers,
    one_hot,
    one_of,
    scalars,
    single,
)
from helpers.specification.domains import Axes
from helpers.specification.draws import HypothesisDraw, RandomDraw

relaxed = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))


def drawn(domain, size=4, count=200, **limits):
    """Return values of a domain, each drawn by itself."""
    return [
        domain.make(RandomDraw(np.random.default_rng(seed), size), Axes(limits=limits))
        for seed in range(count)
    ]


def holds(condition):
    """Return the domains with what is true of all their values, and what of one at least."""
    return pytest.mark.parametrize(
        ("domain", "always", "sometimes"),
        [
            (arrays("n", -2, 5), lambda x: x.ndim == 1 and (x >= -2).all() and (x <= 5).all(),
             lambda x: (x == 0).any()),
            (arrays("3 n"), lambda x: x.shape[0] == 3 and 1 <= x.shape[1] <= 4,
             lambda x: x.shape[1] == 4),
            (arrays("*any"), lambda x: x.ndim <= 3, lambda x: x.ndim == 0),
            (arrays("n"), lambda x: x.dtype == float,
             lambda x: len(x) > 1 and (x[0] == x[1:]).any()),
            (integer_arrays("n", -1, 1), lambda x: x.dtype.kind == "i" and abs(x).max() <= 1,
             lambda x: x.max() == 1),
            (single("n m"), lambda x: x.dtype == np.float32 and x.ndim == 2, lambda x: x.size > 4),
            (extremes("n", -300, 300), lambda x: np.isfinite(x).all(),
             lambda x: (abs(x) > 1e200).any() and (x < 0).any()),
            (away_from(arrays("n"), 1, 0.5), lambda x: (abs(x - 1) >= 0.5 - 1e-12).all(),
             lambda x: (x < 1).any()),
            (lists("n m"), lambda x: isinstance(x, list) and isinstance(x[0], list),
             lambda x: isinstance(x[0][0], int)),
            (numbers(0, 1), lambda x: type(x) is float and 0 <= x <= 1, lambda x: x > 0.5),
            (integers(-3, 3), lambda x: type(x) is int and abs(x) <= 3, lambda x: x == 3),
            (scalars(), lambda x: np.ndim(x) == 0, lambda x: isinstance(x, np.float32)),
            (one_of("a", "b"), lambda x: x in "ab", lambda x: x == "b"),
            (length("n"), lambda n: 1 <= n <= 4, lambda n: n == 4),
            (labels("N", "K"), lambda t: t.dtype.kind == "i" and t.min() >= 0 and t.max() <= 3,
             lambda t: len(t) == 4),
            (one_hot("N", "K"), lambda t: (t.sum(axis=1) == 1).all(), lambda t: t.shape == (4, 4)),
        ],
    )(condition)  # fmt: skip


@holds
def test_a_domain_draws_what_it_promises(domain, always, sometimes):
    values = drawn(domain)
    assert all(map(always, values))
    assert any(map(sometimes, values))


@holds
def test_hypothesis_draws_the_same_domain(domain, always, sometimes):
    @st.composite
    def values(draw):
        return domain.make(HypothesisDraw(draw, 4), Axes())

    @relaxed
    @given(values())
    def check(value):
        assert always(value)

    check()


def test_arguments_of_a_call_share_the_axes_that_they_name():
    draw, axes = RandomDraw(np.random.default_rng(1), 5), Axes()
    x, w, t = (d.make(draw, axes) for d in (arrays("N n"), arrays("n K"), labels("N", "K")))
    assert (x.shape[1], len(t)) == (w.shape[0], x.shape[0])
    assert t.max() < w.shape[1]
    again = arrays("*any").make(draw, axes), integer_arrays("*any").make(draw, axes)
    assert again[0].shape == again[1].shape


def test_an_axis_keeps_its_limits():
    assert {len(x) for x in drawn(arrays("n"), n=(2, 3))} == {2, 3}
    assert {len(x) for x in drawn(arrays("n"), size=1, n=(2, 9))} == {2}


def test_either_of_many_is_drawn_as_often():
    either = one_of(1) | one_of(2) | one_of(3) | one_of(4)
    counts = np.bincount(drawn(either, count=400))[1:]
    assert counts.min() > 60


def test_a_smaller_size_draws_smaller_values():
    assert max(x.size for x in drawn(arrays("*any"), size=1)) == 1


def test_in_a_row_of_draws_each_option_has_its_turn():
    def choices(number):
        draw = RandomDraw(np.random.default_rng(number), 3, b"a seed", number)
        return [draw.choice("abc"), draw.choice("xy"), draw.choice("xy")]

    row = [choices(number) for number in range(12)]
    assert row == [choices(number) for number in range(12)]
    for first in range(0, 12, 3):
        assert {one[0] for one in row[first : first + 3]} == set("abc")
    for first in range(0, 12, 2):
        assert {one[1] for one in row[first : first + 2]} == set("xy")
    assert len({tuple(one[1:]) for one in row}) == 4, "one choice does not follow from another"
