"""The two-layer network: against PyTorch's autograd, scikit-learn and numerical differentiation."""

from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_iris
from sklearn.neural_network import MLPClassifier

from helpers.answers.networks import TwoLayerNet

FIXTURES = Path(__file__).parent / "fixtures" / "layers.npz"  # made by tools/record_layers.py
KEYS = ["W1", "b1", "W2", "b2"]


@pytest.fixture(scope="module")
def case():
    """Return PyTorch's network: parameters, data, scores, loss and gradients."""
    with np.load(FIXTURES) as file:
        return {key.split(".")[1]: file[key] for key in file if key.startswith("net.")}


@pytest.fixture
def net(case):
    """Return our network with PyTorch's parameters."""
    net = TwoLayerNet(6, 5, 4)
    for key in KEYS:
        net.params[key][...] = case[key]
    return net


def test_it_agrees_with_torch(net, case):
    np.testing.assert_allclose(net.predict(case["x"]), case["scores"], rtol=1e-12)
    assert net.loss(case["x"], case["t"]) == pytest.approx(float(case["out"]), rel=1e-12)
    found = net.gradient(case["x"], case["t"])
    assert list(found) == KEYS
    for key in KEYS:
        np.testing.assert_allclose(found[key], case[f"d{key}"], rtol=1e-12, atol=1e-15)


def test_one_hot_is_the_same_as_labels(net, case):
    t = np.eye(4)[case["t"]]
    assert net.loss(case["x"], t) == net.loss(case["x"], case["t"])
    assert net.accuracy(case["x"], t) == net.accuracy(case["x"], case["t"])


def test_accuracy_is_the_share_that_is_right(net, case):
    right = case["scores"].argmax(axis=1)
    assert net.accuracy(case["x"], right) == 1.0
    assert net.accuracy(case["x"], np.where(np.arange(7) < 2, right, right - 1) % 4) == 2 / 7


def test_both_gradients_agree_and_leave_the_parameters_alone(net, case):
    slow, fast = (way(case["x"], case["t"]) for way in (net.numerical_gradient, net.gradient))
    for key in KEYS:
        np.testing.assert_allclose(slow[key], fast[key], rtol=1e-7, atol=1e-9)
        np.testing.assert_array_equal(net.params[key], case[key])


def test_gradients_are_new_arrays(net, case):
    first = net.gradient(case["x"], case["t"])
    kept = {key: value.copy() for key, value in first.items()}
    net.gradient(case["x"] + 1, case["t"])
    for key in KEYS:
        np.testing.assert_array_equal(first[key], kept[key])
        assert not np.shares_memory(first[key], net.params[key])


def test_a_change_in_place_reaches_the_layers(net, case):
    before = net.loss(case["x"], case["t"])
    grads = net.gradient(case["x"], case["t"])
    for key in KEYS:
        net.params[key] -= 0.01 * grads[key]
    slope = sum(np.sum(grad**2) for grad in grads.values())
    assert net.loss(case["x"], case["t"]) == pytest.approx(before - 0.01 * slope, rel=0.01)


def test_images_may_come_as_they_are():
    net = TwoLayerNet(12, 5, 4, rng=np.random.default_rng(1))
    x = np.random.default_rng(2).normal(size=(3, 1, 4, 3))
    np.testing.assert_array_equal(net.predict(x), net.predict(x.reshape(3, 12)))
    net.gradient(x, np.array([0, 1, 2]))


def test_the_first_weights_come_from_the_generator():
    first, again = (TwoLayerNet(200, 100, 4, 0.5, np.random.default_rng(3)) for _ in range(2))
    for key in KEYS:
        np.testing.assert_array_equal(first.params[key], again.params[key])
    assert first.params["W1"].std() == pytest.approx(0.5, rel=0.02)
    assert not first.params["b1"].any()
    assert not first.params["b2"].any()
    other = TwoLayerNet(200, 100, 4, 0.5)
    assert not np.array_equal(first.params["W1"], other.params["W1"])


def test_a_step_of_training_agrees_with_scikit_learn():
    """Plain SGD without momentum and penalty, the whole of a data set at once, ten times."""
    x, t = load_iris(return_X_y=True)
    x = x - x.mean(axis=0)
    theirs = MLPClassifier(
        (7,),
        activation="relu",
        solver="sgd",
        alpha=0,
        batch_size=len(x),
        learning_rate_init=0.1,
        momentum=0,
        shuffle=False,
        random_state=1,
    )
    theirs.partial_fit(x, t, classes=[0, 1, 2])
    net = TwoLayerNet(4, 7, 3)
    for key, values in zip(
        ("W1", "W2", "b1", "b2"), [*theirs.coefs_, *theirs.intercepts_], strict=True
    ):
        net.params[key][...] = values
    for _ in range(10):
        loss, grads = net.loss(x, t), net.gradient(x, t)
        for key in KEYS:
            net.params[key] -= 0.1 * grads[key]
        theirs.partial_fit(x, t)
        assert theirs.loss_ == pytest.approx(loss, rel=1e-10)
    np.testing.assert_allclose(net.params["W1"], theirs.coefs_[0], rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(net.params["b2"], theirs.intercepts_[1], rtol=1e-9, atol=1e-12)
