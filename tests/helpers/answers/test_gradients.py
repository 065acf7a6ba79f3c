"""The oracle: right where it says it is, silent where it can't know."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from helpers.answers.gradients import (
    NumericalGradient,
    gradient_gaps,
    numerical_derivative,
    numerical_gradient,
    numerical_jacobian,
)

SCALES = st.sampled_from([1e-8, 1e-3, 1.0, 1e3, 1e8])
SIGNS = st.sampled_from([-1.0, 1.0])


def sigmoid(x):
    """All its digits are right, however small it is: what the oracle can't see is noise in f."""
    return np.exp(-np.logaddexp(0, -x))


Functions = dict[str, tuple[Callable[..., Any], Callable[..., Any]]]  # f and its derivative
SMOOTH: Functions = {
    "sin": (np.sin, np.cos),
    "exp": (np.exp, np.exp),
    "square": (np.square, lambda x: 2 * x),
    "cube": (lambda x: x**3, lambda x: 3 * x**2),
    "fourth power": (lambda x: x**4, lambda x: 4 * x**3),
    "sigmoid": (sigmoid, lambda x: sigmoid(x) * sigmoid(-x)),
    "softplus": (lambda x: np.logaddexp(0, x), sigmoid),
    "line": (lambda x: 3 * x + 1, lambda x: np.full_like(x, 3)),
    "constant": (lambda x: np.full_like(x, 5), np.zeros_like),
    "steep sigmoid": (
        lambda x: sigmoid(100 * x),
        lambda x: 100 * sigmoid(100 * x) * sigmoid(-100 * x),
    ),
    "fast sine": (lambda x: np.sin(200 * x), lambda x: 200 * np.cos(200 * x)),
}
KINKED: Functions = {
    "relu": (lambda x: np.maximum(x, 0), lambda x: 1.0 * (x > 0)),
    "abs": (np.abs, np.sign),
    "leaky relu": (lambda x: np.where(x > 0, x, 0.01 * x), lambda x: np.where(x > 0, 1, 0.01)),
    "faint kink": (lambda x: np.where(x > 0, x, 0.999 * x), lambda x: np.where(x > 0, 1, 0.999)),
    "step": (lambda x: 1 * (x > 0), np.zeros_like),
    "clip": (lambda x: np.clip(x, 0, 3), lambda x: 1.0 * ((x > 0) & (x < 3))),
    "kinked curve": (lambda x: np.maximum(x**2 + x, 0), lambda x: (x**2 + x > 0) * (2 * x + 1)),
}


def off(found: NumericalGradient, true: np.ndarray) -> np.ndarray:
    """True error over estimated error where the oracle says that it knows."""
    unavoidable = 1e-12 * np.max(np.abs(true), initial=0.0)  # cancellation inside f itself
    ratio = np.abs(found.value - true) / (found.error + unavoidable + 1e-300)
    return np.where(found.undecided, 0.0, ratio)


@pytest.mark.parametrize("name", SMOOTH)
@given(st.integers(0, 2**32), SCALES, st.sampled_from([1e-3, 1.0, 3.0]))
def test_a_smooth_function_is_decided_within_its_error(name, seed, scale, spread):
    f, derivative = SMOOTH[name]
    x = np.append(np.random.default_rng(seed).normal(size=30) * spread, 0.0)

    found = numerical_derivative(lambda x: scale * f(x), x)

    true = scale * derivative(x)
    if not (name == "constant" and scale > 100):  # a constant 1e8 hides slopes of 1e-8
        assert found.undecided.mean() < 0.1
    assert off(found, true).max() <= 1
    np.testing.assert_allclose(
        found.value[~found.undecided],
        true[~found.undecided],
        rtol=1e-4,
        atol=1e-6 * np.abs(true).max() + 1e-7 * scale,
    )


@pytest.mark.parametrize("name", sorted(set(SMOOTH) - {"fast sine", "steep sigmoid"}))
@given(st.integers(0, 2**32), SCALES)
def test_float32_functions_are_right_within_their_larger_error(name, seed, scale):
    f, derivative = SMOOTH[name]
    x = np.random.default_rng(seed).normal(size=30)

    found = numerical_derivative(lambda x: np.float32(scale) * f(x.astype(np.float32)), x)

    noise = 1e-4 * scale  # as `unavoidable`, in float32
    true = scale * derivative(x)
    wrong = np.abs(found.value - true) > 3 * found.error + noise
    assert not (wrong & ~found.undecided).any()
    assert found.kink.mean() < 0.2


@pytest.mark.parametrize("name", KINKED)
@given(st.lists(st.floats(-12, 0.5), min_size=1, max_size=20), SIGNS, SCALES)
@example([math.log10(7.4e-4 / 3)], -1.0, 1.0)  # a third of the step: the jump can't be seen there
def test_a_value_near_a_kink_is_right_or_undecided(name, exponents, sign, scale):
    f, derivative = KINKED[name]
    x = sign * 10.0 ** np.array(exponents)

    found = numerical_derivative(lambda x: scale * f(x), x)

    assert off(found, scale * derivative(x)).max() <= 1.01


@pytest.mark.parametrize("name", KINKED)
def test_the_kink_itself_is_found_and_points_away_from_it_are_decided(name):
    f, _ = KINKED[name]

    found = numerical_derivative(f, [0.0, 1e-4, -1e-4, 2.0, -2.0])

    assert found.kink.tolist() == [True, False, False, False, False]
    assert found.undecided.tolist() == found.kink.tolist()


@given(st.integers(0, 2**32))
def test_kinks_of_a_network_are_never_decided_wrongly(seed):
    rng = np.random.default_rng(seed)
    x, V, w = rng.normal(size=(6, 3)), rng.normal(size=4), 10.0 ** rng.uniform(-9, 0)
    W = rng.normal(size=(3, 4)) * w

    found = numerical_gradient(lambda W: np.sum(np.maximum(x @ W, 0) @ V), W)

    true = x.T @ (np.where(x @ W > 0, 1, 0) * V)
    assert off(found, true).max() <= 1.01


def test_integer_points_are_differentiated_as_floats():
    np.testing.assert_allclose(numerical_derivative(np.square, [1, 2, 3]).value, [2, 4, 6])
    np.testing.assert_allclose(
        numerical_gradient(lambda x: np.sum(x**2), np.array([[1, 2], [3, 4]])).value,
        [[2, 4], [6, 8]],
    )


@pytest.mark.parametrize(
    "f",
    [
        lambda x: float(np.sum(x) ** 2),
        lambda x: [np.sum(x) ** 2],
        lambda x: np.array(np.sum(x) ** 2),
        lambda x: np.sum(x, keepdims=True) ** 2,
    ],
    ids=["float", "list", "0-d", "keepdims"],
)
def test_a_number_may_come_in_any_wrapping(f):
    assert numerical_gradient(f, [1.0, 2.0]).value == pytest.approx([6, 6])
    assert numerical_gradient(f, 3).value == pytest.approx(6)
    assert numerical_gradient(f, 3).value.shape == ()


def test_a_function_may_spoil_its_argument_and_reuse_its_answer():
    buffer = np.empty(3)

    def f(x):
        np.square(x, out=buffer)
        x[...] = 0
        return buffer

    x = np.array([1.0, 2.0, 3.0])
    assert numerical_derivative(f, x).value == pytest.approx(2 * x)
    assert numerical_gradient(lambda x: f(x).sum(), x).value == pytest.approx(2 * x)
    assert numerical_jacobian(f, x).value == pytest.approx(np.diag(2 * x))
    assert x.tolist() == [1, 2, 3]


def test_a_scalar_point_reaches_the_function_as_an_array():
    def f(x):
        x[x < 0] = 0
        return x

    assert numerical_derivative(f, 2).value == pytest.approx(1)


def test_nothing_has_no_derivatives():
    assert numerical_derivative(np.sin, []).value.shape == (0,)
    assert numerical_gradient(np.sum, np.empty((2, 0))).value.shape == (2, 0)
    assert numerical_jacobian(np.sin, []).value.shape == (0, 0)
    assert not numerical_gradient(np.sum, []).undecided.any()


def test_the_jacobian_has_a_row_for_each_output():
    A = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    found = numerical_jacobian(lambda x: A @ x, [1, 1, 1])
    assert found.value == pytest.approx(A)
    kinked = numerical_jacobian(lambda x: np.array([np.sum(x), abs(x[0])]), [0.0, 1.0])
    assert kinked.kink.tolist() == [[False, False], [True, False]]
    assert kinked.value[0] == pytest.approx([1, 1])


def test_values_that_are_not_finite_are_undecided():
    with np.errstate(all="ignore"):
        found = numerical_derivative(lambda x: np.log(x), [-1.0, 0.0, 1e-4, 1.0, np.inf, np.nan])
        hole = numerical_derivative(lambda x: np.sin(x) / x, [0.0, 1.0])
    assert found.undecided.tolist() == [True, True, False, False, True, True]
    assert hole.undecided.tolist() == [True, False]


def test_noise_is_undecided():
    rng = np.random.default_rng(0)
    found = numerical_derivative(lambda x: rng.normal(size=x.shape), np.zeros(200))
    assert found.undecided.mean() > 0.99


def test_large_points_are_moved_in_proportion():
    found = numerical_derivative(np.square, [1e6, -1e12])
    assert not found.undecided.any()
    np.testing.assert_allclose(found.value, [2e6, -2e12], rtol=1e-9)


def test_large_scores_are_decided_with_smaller_steps():
    z = np.array([1000.0, 999.0, 990.0])
    found = numerical_gradient(lambda z: z.max() + np.log(np.sum(np.exp(z - z.max()))), z)
    softmax = np.exp(z - z.max()) / np.sum(np.exp(z - z.max()))
    assert not found.undecided.any()
    np.testing.assert_allclose(found.value, softmax, atol=1e-6)


def test_a_well_behaved_function_is_called_as_often_as_promised():
    calls = []
    numerical_gradient(lambda x: calls.append(1) or np.sum(x**2), np.ones(5))
    assert len(calls) == 1 + 4 * 5
    calls.clear()
    numerical_derivative(lambda x: calls.append(1) or x**2, np.ones(5))
    assert len(calls) == 5


def test_only_undecided_elements_are_sampled_again():
    calls = []
    numerical_gradient(lambda x: calls.append(1) or np.sum(np.abs(x)), [1.0, 1e-4, 0.0])
    assert len(calls) == 1 + 4 * 3 + 4 * 2 + 4 * 1


@pytest.mark.parametrize(
    ("differentiate", "f", "words"),
    [
        (numerical_derivative, np.sum, r"f returned shape \(\) for input of shape \(2,\)"),
        (numerical_gradient, np.sin, r"one number, but it returned shape \(2,\)"),
        (numerical_jacobian, np.sum, r"f must return a vector, but its shape is \(\)"),
        (numerical_jacobian, np.outer, "vector"),
    ],
)
def test_a_function_of_the_wrong_kind_is_refused(differentiate, f, words):
    point = np.ones((2, 2)) if f is np.outer else [1.0, 2.0]
    with pytest.raises(ValueError, match=words):
        differentiate(f if f is not np.outer else np.sum, point)


def test_gaps_are_the_largest_difference_of_each_gradient():
    weights = {"w": np.array([[1.0, -2.0]]), "b": np.array([3.0])}
    gradients = {"b": np.array([1.25]), "w": 2 * weights["w"]}
    gaps = gradient_gaps(gradients, lambda at: np.sum(at["w"] ** 2) + at["b"][0], weights)
    assert list(gaps) == ["w", "b"]
    assert gaps["w"] < 1e-8
    assert gaps["b"] == pytest.approx(0.25)
