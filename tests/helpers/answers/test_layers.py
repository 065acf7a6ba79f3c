"""The layers: against PyTorch's autograd, scikit-learn and numerical differentiation."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import log_loss

from helpers.answers.gradients import numerical_gradient
from helpers.answers.layers import Affine, Relu, Sigmoid, SoftmaxWithLoss, log_softmax, softmax

FIXTURES = Path(__file__).parent / "fixtures" / "layers.npz"  # made by tools/record_layers.py


@pytest.fixture(scope="module")
def torch_cases():
    """Return what PyTorch computed: arrays by case and name."""
    found: dict[str, dict[str, np.ndarray]] = {}
    with np.load(FIXTURES) as file:
        for key in file:
            case, name = key.split(".")
            found.setdefault(case, {})[name] = file[key]
    return found


def same(actual, expected):
    assert np.shape(actual) == expected.shape
    np.testing.assert_allclose(actual, expected, rtol=1e-12, atol=1e-14)


LAYERS: dict[str, Callable[[Any], Any]] = {
    "relu": lambda case: Relu(),
    "sigmoid": lambda case: Sigmoid(),
    "affine": lambda case: Affine(case["W"], case["b"]),
    "affine4": lambda case: Affine(case["W"], case["b"]),
}


@pytest.mark.parametrize("name", LAYERS)
def test_a_layer_agrees_with_torch(torch_cases, name):
    case = torch_cases[name]
    layer = LAYERS[name](case)
    same(layer.forward(case["x"]), case["out"])
    same(layer.backward(case["dout"]), case["dx"])
    if "W" in case:
        same(layer.dW, case["dW"])
        same(layer.db, case["db"])


@pytest.mark.parametrize("name", ["loss", "steep"])
@pytest.mark.parametrize("one_hot", [False, True], ids=["labels", "one-hot"])
def test_the_loss_agrees_with_torch(torch_cases, name, one_hot):
    case = torch_cases[name]
    layer = SoftmaxWithLoss()
    loss = layer.forward(case["x"], np.eye(4)[case["t"]] if one_hot else case["t"])
    assert isinstance(loss, float)
    same(loss, case["out"])
    same(layer.backward(float(case["dout"])), case["dx"])
    same(layer.backward() * case["dout"], case["dx"])


def test_the_loss_agrees_with_scikit_learn():
    rng = np.random.default_rng(1)
    x, t = rng.normal(size=(9, 5)), rng.integers(5, size=9)
    assert SoftmaxWithLoss().forward(x, t) == pytest.approx(
        log_loss(t, softmax(x), labels=range(5)), rel=1e-12
    )


@pytest.mark.parametrize("name", LAYERS)
def test_a_layer_agrees_with_numerical_differentiation(torch_cases, name):
    case = torch_cases[name]
    layer = LAYERS[name](case)
    layer.forward(case["x"])
    dx = layer.backward(case["dout"])

    def loss(x):
        return np.sum(LAYERS[name](case).forward(x) * case["dout"])

    truth = numerical_gradient(loss, case["x"])
    assert not truth.undecided.any()
    np.testing.assert_allclose(dx, truth.value, rtol=1e-7, atol=1e-9)


def test_softmax_never_overflows():
    x = np.array([[1e4, 0.0, -1e4], [-1e4, -1e4, -1e4]])
    with np.errstate(all="raise", under="ignore"):
        np.testing.assert_allclose(softmax(x), np.array([[1, 0, 0], [1 / 3] * 3]))
        np.testing.assert_allclose(log_softmax(x), np.array([[0, -1e4, -2e4], [-np.log(3)] * 3]))


def test_sigmoid_never_overflows():
    with np.errstate(all="raise", under="ignore"):
        layer = Sigmoid()
        np.testing.assert_allclose(layer.forward(np.array([-1e4, 0.0, 1e4])), [0, 0.5, 1])
        np.testing.assert_allclose(layer.backward(np.ones(3)), [0, 0.25, 0])


def test_the_slope_of_relu_at_zero_is_zero():
    layer = Relu()
    layer.forward(np.array([-0.0, 0.0, 1e-300]))
    np.testing.assert_array_equal(layer.backward(np.ones(3)), [0, 0, 1])


@pytest.mark.parametrize("name", LAYERS)
def test_a_layer_keeps_to_its_own_arrays(torch_cases, name):
    case = torch_cases[name]
    given = {key: case[key].copy() for key in ("x", "dout", "W", "b") if key in case}
    layer = LAYERS[name](given)
    out = layer.forward(given["x"])
    for key in given:
        np.testing.assert_array_equal(given[key], case[key])
    out[...], given["x"][...] = 7.0, 7.0  # what others do with their arrays is no matter
    dx = layer.backward(given["dout"])
    np.testing.assert_array_equal(given["dout"], case["dout"])
    same(dx, case["dx"])
    assert not np.shares_memory(dx, given["dout"])


def test_the_loss_keeps_to_its_own_arrays(torch_cases):
    case = torch_cases["loss"]
    x, t = case["x"].copy(), np.eye(4)[case["t"]]
    layer = SoftmaxWithLoss()
    layer.forward(x, t)
    np.testing.assert_array_equal(x, case["x"])
    x[...], t[...] = 7.0, 7.0
    same(layer.backward(float(case["dout"])), case["dx"])


def test_affine_uses_weights_that_were_changed_in_place():
    W, b = np.zeros((2, 3)), np.zeros(3)
    layer = Affine(W, b)
    W[...], b[...] = 1.0, 0.5
    np.testing.assert_array_equal(layer.forward(np.array([[1.0, 2.0]])), [[3.5, 3.5, 3.5]])
    np.testing.assert_array_equal(layer.backward(np.ones((1, 3))), [[3.0, 3.0]])


@pytest.mark.parametrize("name", LAYERS)
def test_float32_stays_float32(torch_cases, name):
    case = {key: value.astype(np.float32) for key, value in torch_cases[name].items()}
    layer = LAYERS[name](case)
    assert layer.forward(case["x"]).dtype == np.float32
    assert layer.backward(case["dout"]).dtype == np.float32


def test_the_loss_of_float32_scores_has_a_float32_gradient(torch_cases):
    case = torch_cases["loss"]
    layer = SoftmaxWithLoss()
    layer.forward(case["x"].astype(np.float32), np.eye(4)[case["t"]])
    assert layer.backward().dtype == np.float32


def test_affine_refuses_samples_of_another_size():
    with pytest.raises(ValueError, match="reshape"):
        Affine(np.zeros((4, 2)), np.zeros(2)).forward(np.zeros((4, 6)))
