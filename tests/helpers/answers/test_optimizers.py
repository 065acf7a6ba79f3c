"""The optimizers: against PyTorch's recorded paths, scikit-learn's Adam and steps by hand."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.neural_network._stochastic_optimizers import AdamOptimizer

from helpers.answers.optimizers import EPS, SGD, AdaGrad, Adam, Momentum, RMSprop

FIXTURES = Path(__file__).parent / "fixtures" / "deep.npz"  # made by tools/record_deep.py
RECORDED: dict[str, Callable[[], Any]] = {
    "SGD": lambda: SGD(lr=0.05),
    "Momentum": lambda: Momentum(lr=0.01, momentum=0.9),
    "AdaGrad": lambda: AdaGrad(lr=0.5),
    "RMSprop": lambda: RMSprop(lr=0.05, decay_rate=0.9),
    "Adam": lambda: Adam(lr=0.1, beta1=0.9, beta2=0.99),
}
ALL = [SGD, Momentum, AdaGrad, RMSprop, Adam]


def gradients(params):
    """Return the gradients of x²/40 + y² at w and of the curved valley at u, by hand."""
    w, u = params["w"], params["u"]
    gap = u[0] ** 2 - u[1]
    valley = np.stack([4 * u[0] * gap, -2 * gap]) + 4 * u**3
    return {"w": w * [1 / 20, 2], "u": valley}


@pytest.mark.parametrize("name", RECORDED)
def test_an_optimizer_walks_pytorchs_path(name):
    with np.load(FIXTURES) as file:
        paths = {key: file[f"{name}.{key}"] for key in ("w", "u")}
    optimizer = RECORDED[name]()
    params = {key: path[0].copy() for key, path in paths.items()}
    for step in range(1, len(paths["w"])):
        optimizer.update(params, gradients(params))
        for key, path in paths.items():
            np.testing.assert_allclose(params[key], path[step], rtol=1e-9, atol=1e-11)
    assert all(np.abs(path[-1] - path[0]).max() > 0.3 for path in paths.values())


def test_adam_agrees_with_scikit_learn():
    """Scikit-learn's epsilon stands where the paper's remark has it: the difference is tiny."""
    rng = np.random.default_rng(0)
    theirs = [rng.normal(size=(3, 2)), rng.normal(size=3)]
    params = {"W": theirs[0].copy(), "b": theirs[1].copy()}
    other, ours = AdamOptimizer(theirs, 0.01, epsilon=EPS), Adam(lr=0.01)
    for _ in range(20):
        grads = [rng.normal(size=(3, 2)), rng.normal(size=3)]
        other.update_params(theirs, grads)
        ours.update(params, {"W": grads[0], "b": grads[1]})
    np.testing.assert_allclose(params["W"], theirs[0], rtol=1e-4)
    np.testing.assert_allclose(params["b"], theirs[1], rtol=1e-4)


@pytest.mark.parametrize("optimizer", ALL)
def test_the_first_steps_by_hand(optimizer):
    """With a gradient of 2, then 1, from 0, at a rate of 0.5 and the usual constants."""
    v1, v2 = 0.001 * 4, 0.999 * 0.001 * 4 + 0.001 * 1
    m1, m2 = 0.1 * 2, 0.9 * 0.1 * 2 + 0.1
    first, second = {
        SGD: (1, 0.5),
        Momentum: (1, 0.9 + 0.5),
        AdaGrad: (0.5, 0.5 / np.sqrt(5)),
        RMSprop: (0.5 * 2 / np.sqrt(0.04), 0.5 / np.sqrt(0.99 * 0.04 + 0.01)),
        Adam: (
            0.5 * (m1 / 0.1) / np.sqrt(v1 / 0.001),
            0.5 * (m2 / (1 - 0.9**2)) / np.sqrt(v2 / (1 - 0.999**2)),
        ),
    }[optimizer]
    params, method = {"w": np.array([0.0])}, optimizer(lr=0.5)
    method.update(params, {"w": np.array([2.0])})
    np.testing.assert_allclose(params["w"], -first, rtol=1e-6)
    method.update(params, {"w": np.array([1.0])})
    np.testing.assert_allclose(params["w"], -first - second, rtol=1e-6)


@pytest.mark.parametrize("optimizer", ALL)
def test_arrays_change_in_place_and_gradients_stay(optimizer):
    params = {"W": np.ones((2, 3)), "b": np.zeros(3)}
    arrays, grads = dict(params), {"W": np.full((2, 3), 2.0), "b": np.array([1.0, 0.0, -1.0])}
    before = {key: value.copy() for key, value in grads.items()}
    method = optimizer(lr=0.1)
    for _ in range(3):
        method.update(params, grads)
    for key in params:
        assert params[key] is arrays[key]
        np.testing.assert_array_equal(grads[key], before[key])
    assert (params["W"] < 1).all()
    assert params["b"][0] < params["b"][1] == 0 < params["b"][2]


@pytest.mark.parametrize("optimizer", ALL)
def test_each_array_has_a_past_of_its_own_and_each_optimizer_its_own(optimizer):
    def final(keys):
        params = {key: np.ones(2) for key in keys}
        method = optimizer(lr=0.1)
        for step in range(1, 4):
            method.update(params, {key: np.full(2, (1.0 + key) * step) for key in keys})
        return params

    together = final([0, 1])
    for key in (0, 1):
        np.testing.assert_array_equal(together[key], final([key])[key])


@pytest.mark.parametrize("optimizer", ALL)
def test_it_keeps_float32_and_a_gradient_that_is_reused(optimizer):
    params, grad = {"w": np.ones(2, dtype=np.float32)}, np.ones(2, dtype=np.float32)
    method = optimizer(lr=0.1)
    method.update(params, {"w": grad})
    assert params["w"].dtype == np.float32
    other = {"w": np.ones(2)}
    again = optimizer(lr=0.1)
    again.update(other, {"w": np.ones(2)})
    grad[...] = 0  # what it remembers is no alias of what it was given
    method.update(params, {"w": np.full(2, 3, dtype=np.float32)})
    again.update(other, {"w": np.full(2, 3.0)})
    np.testing.assert_allclose(params["w"], other["w"], rtol=1e-5)
