"""Objects of both sides, and parts of an answer that numerical differentiation is asked about."""

import numpy as np
import pytest

from helpers.specification.draws import RandomDraw
from helpers.specification.trials import Trial
from helpers.specification.values import Tolerance


def trial(student, reference, **more):
    return Trial(student, reference, RandomDraw(np.random.default_rng(0), 3), **more)


def square(x):
    return x * x


def both_slopes(x):
    return {"square": 2 * x, "cube": 3 * x**2}


def test_a_slope_is_asked_of_an_item():
    t = trial(both_slopes, both_slopes)
    x = np.array([1.0, 2.0])
    t.call(x)
    t.slope(lambda v: np.sum(v**2), x, item="square")
    t.slope(lambda v: np.sum(v**3), x, item="cube")
    assert t.first is None
    t.slope(lambda v: np.sum(v**2), x, item="cube")
    assert t.first
    assert "both_slopes['cube']" in t.first.problem


def test_items_of_both_are_found_by_key():
    class Layer:
        def forward(self, x):
            return 2 * x

    class Wrong(Layer):
        def forward(self, x):
            return 3 * x

    t = trial(lambda: {"one": Layer(), "two": Wrong()}, lambda: {"one": Layer(), "two": Layer()})
    layers = t.make()
    layers["one"].forward(1.0)
    assert t.first is None
    assert layers["two"].forward(1.0) == 2
    assert t.first
    assert t.first.actual == 3
    assert set(layers.theirs) == set(layers.ours)


def test_a_missing_item_is_a_problem():
    t = trial(dict, lambda: {"one": 1.0})
    t.make()["one"]
    assert isinstance(t.first.error, KeyError)


def test_what_is_kept_is_compared_to_the_parts_tolerance():
    def step(w):
        w -= 0.1

    def nearly(w):
        w -= 0.1 + 1e-5

    for tolerance, fails in ((Tolerance(), True), (Tolerance(1e-3), False)):
        t = trial(nearly, step, tolerance=tolerance)
        t.call(t.keep(np.array([1.0])))
        assert bool(t.first) is fails


def test_a_slope_grants_what_the_part_grants():
    def nearly(x):
        return 2 * x + 1e-5

    for tolerance, fails in ((Tolerance(), True), (Tolerance(atol=1e-4), False)):
        t = trial(nearly, nearly, tolerance=tolerance)
        x = np.array([1.0, 2.0])
        t.call(x)
        t.slope(lambda v: np.sum(v**2), x)
        assert bool(t.first) is fails


class Mover:
    """Moves an array in place, and answers something or other."""

    answer: str | None = None
    step = 1.0

    def move(self, arrays):
        for array in arrays.values():
            array += self.step
        return self.answer


class Answering(Mover):
    answer = "moved"


class Resting(Mover):
    step = 0.0


@pytest.mark.parametrize(
    ("kind", "words"), [(Mover, ""), (Answering, ""), (Resting, "`arrays['b']` is as it was")]
)
def test_a_method_whose_answer_nobody_asks_for_may_answer_anything(kind, words):
    t = trial(kind, Mover, changes=frozenset({"arrays"}))
    t.make().do("move", {"b": np.array([1.0]), "w": np.array([2.0, 3.0])})
    assert (t.first.problem if t.first else "").startswith(words)
    assert bool(t.first) == bool(words)
