"""The deep network: every combination of its parts, against PyTorch and differences."""

import re
from itertools import product
from pathlib import Path

import numpy as np
import pytest

from helpers.answers.deep_networks import MultiLayerNetExtend
from helpers.answers.gradients import numerical_gradient
from helpers.answers.initialization import initial_std
from helpers.answers.networks import TwoLayerNet

FIXTURES = Path(__file__).parent / "fixtures" / "deep.npz"  # made by tools/record_deep.py
DECAY = 0.3
COMBINATIONS = list(product(("relu", "sigmoid"), *[(False, True)] * 3))


class Masks:
    """Stands for a generator: gives masks that are known, layer after layer, again and again."""

    def __init__(self, masks):
        self.masks, self.turn = masks, -1

    def random(self, shape):
        self.turn = (self.turn + 1) % len(self.masks)
        assert self.masks[self.turn].shape == shape
        return self.masks[self.turn].astype(float)  # 1 is on, 0 is off, whatever the ratio


def build(activation, norm, dropout, decay):
    """Return PyTorch's case and our network, with its parameters and masks."""
    name = "_".join([activation, *map(str, map(int, (norm, dropout, decay)))])
    with np.load(FIXTURES) as file:
        case = {key.split(".")[1]: file[key] for key in file if key.startswith(f"{name}.")}
    net = MultiLayerNetExtend(
        5,
        [6, 4],
        3,
        activation=activation,
        weight_decay_lambda=DECAY if decay else 0,
        use_dropout=dropout,
        dropout_ratio=0.4,
        use_batchnorm=norm,
    )
    for key, param in net.params.items():
        param[...] = case[key]
    masks = Masks([case[f"mask{k}"] for k in (1, 2)] if dropout else [])
    for k in (1, 2) if dropout else ():
        net.layers[f"Dropout{k}"].rng = masks
    return case, net


@pytest.mark.parametrize(("activation", "norm", "dropout", "decay"), COMBINATIONS)
def test_every_combination_agrees_with_pytorch(activation, norm, dropout, decay):
    case, net = build(activation, norm, dropout, decay)
    x, t = case["x"], case["t"]
    assert net.loss(x, t, train_flg=True) == pytest.approx(float(case["out"]), rel=1e-11)
    np.testing.assert_allclose(net.predict(x, train_flg=True), case["scores"], rtol=1e-9)
    found = net.gradient(x, t)
    assert set(found) == set(net.params)
    for key, grad in found.items():
        np.testing.assert_allclose(grad, case[f"d{key}"], rtol=1e-9, atol=1e-13)


@pytest.mark.parametrize(("activation", "norm", "dropout", "decay"), COMBINATIONS)
def test_every_combination_agrees_with_numerical_differentiation(activation, norm, dropout, decay):
    case, net = build(activation, norm, dropout, decay)
    x, t = case["x"], np.eye(3)[case["t"]]
    before = {key: param.copy() for key, param in net.params.items()}
    numerical = net.numerical_gradient(x, t)
    for key, grad in net.gradient(x, t).items():
        np.testing.assert_array_equal(net.params[key], before[key])
        np.testing.assert_allclose(grad, numerical[key], rtol=1e-6, atol=1e-7)


def test_a_bias_before_batch_normalization_has_gradient_zero():
    case, net = build("relu", True, False, True)
    grads = net.gradient(case["x"], case["t"])
    for key in ("b1", "b2"):
        np.testing.assert_allclose(grads[key], 0, atol=1e-14)
    assert np.abs(grads["b3"]).max() > 0.01
    assert np.abs(grads["beta1"]).max() > 0.01


def test_decay_counts_weights_alone():
    case, net = build("relu", True, False, True)
    x, t = case["x"], case["t"]
    squares = sum(np.sum(net.params[f"W{k}"] ** 2) for k in (1, 2, 3))
    with_decay, grads = net.loss(x, t, train_flg=True), net.gradient(x, t)
    net.weight_decay_lambda = 0
    assert with_decay - net.loss(x, t, True) == pytest.approx(DECAY / 2 * squares, rel=1e-12)
    for key, grad in net.gradient(x, t).items():
        extra = DECAY * net.params[key] if key.startswith("W") else 0
        np.testing.assert_allclose(grads[key] - grad, np.broadcast_to(extra, grad.shape), 1e-9)


def test_with_one_plain_hidden_layer_it_is_chapter_4s_network():
    net, other = MultiLayerNetExtend(4, [5], 3, rng=1), TwoLayerNet(4, 5, 3)
    for key, param in other.params.items():
        param[...] = net.params[key]
    rng = np.random.default_rng(2)
    x, t = rng.normal(size=(9, 4)), rng.integers(3, size=9)
    np.testing.assert_allclose(net.predict(x), other.predict(x))
    for key, grad in other.gradient(x, t).items():
        np.testing.assert_allclose(net.gradient(x, t)[key], grad)
    assert net.accuracy(x, t) == other.accuracy(x, t) == net.accuracy(x, np.eye(3)[t])


def test_the_layers_stand_in_order_and_use_the_parameters_themselves():
    net = MultiLayerNetExtend(4, [5, 6], 3, use_batchnorm=True, use_dropout=True)
    assert [re.sub(r"\d", "", name) for name in net.layers] == [
        *("Affine", "BatchNorm", "Activation_function", "Dropout") * 2,
        "Affine",
    ]
    assert list(net.layers)[3:5] == ["Dropout1", "Affine2"]
    assert net.layers["Affine2"].W is net.params["W2"]
    assert net.layers["BatchNorm1"].gamma is net.params["gamma1"]
    assert "gamma3" not in net.params


def test_the_modes():
    rng = np.random.default_rng(3)
    x, t = rng.normal(size=(50, 4)), rng.integers(3, size=50)
    net = MultiLayerNetExtend(4, [8], 3, use_batchnorm=True, use_dropout=True, rng=0)
    np.testing.assert_array_equal(net.predict(x), net.predict(x, train_flg=False))
    running = net.layers["BatchNorm1"].running_mean
    assert net.loss(x, t) == net.loss(x, t, train_flg=False)
    net.accuracy(x, t)
    assert net.layers["BatchNorm1"].running_mean is running
    assert (net.predict(x, train_flg=True) != net.predict(x, train_flg=True)).any()
    assert net.layers["BatchNorm1"].running_mean is not running


@pytest.mark.parametrize(
    ("given", "n", "std"),
    [
        ("he", 50, 0.2),
        ("relu", 50, 0.2),
        ("xavier", 25, 0.2),
        ("sigmoid", 100, 0.1),
        (0.01, 3, 0.01),
    ],
)
def test_initialization(given, n, std):
    assert initial_std(n, given) == pytest.approx(std)
    net = MultiLayerNetExtend(n, [400, n], 200, weight_init_std=given, rng=5)
    assert net.params["W1"].std() == pytest.approx(std, rel=0.05)
    assert net.params["W2"].std() == pytest.approx(initial_std(400, given), rel=0.05)
    assert not net.params["b1"].any()
    twin = MultiLayerNetExtend(n, [400, n], 200, weight_init_std=given, rng=5)
    np.testing.assert_array_equal(net.params["W3"], twin.params["W3"])


def test_an_unknown_word_is_refused():
    with pytest.raises(ValueError, match="not 'hee'"):
        MultiLayerNetExtend(2, [2], 2, weight_init_std="hee")
    with pytest.raises(ValueError, match="not 'tanh'"):
        MultiLayerNetExtend(2, [2], 2, activation="tanh")


def test_numerical_gradient_leaves_another_loss_alone():
    """The network's own differences agree with differences taken from outside."""
    net = MultiLayerNetExtend(3, [4], 2, weight_decay_lambda=0.1, use_batchnorm=True, rng=8)
    rng = np.random.default_rng(9)
    x, t = rng.normal(size=(6, 3)), rng.integers(2, size=6)

    def loss(values):
        twin = MultiLayerNetExtend(3, [4], 2, weight_decay_lambda=0.1, use_batchnorm=True, rng=8)
        twin.params["W1"][...] = values
        return twin.loss(x, t, train_flg=True)

    outside = numerical_gradient(loss, net.params["W1"]).value
    np.testing.assert_allclose(net.numerical_gradient(x, t)["W1"], outside, rtol=1e-8, atol=1e-10)
