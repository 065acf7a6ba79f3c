"""Chapter 6, part A: its reference figures, and every number in its text."""

import re
from typing import Any

import numpy as np
import pytest

from helpers.answers import deep_layers, deep_networks, optimizers
from tests.notebooks.chapter import Chapter, close

CHAPTER = Chapter("06_hyperparameters", "multi_layer_net")
says = CHAPTER.says

RANDOM = np.random.default_rng(6)
OPTIMIZERS = ["SGD", "Momentum", "AdaGrad", "RMSprop", "Adam"]


@pytest.fixture
def f() -> dict[str, Any]:
    """The names that the reference solutions define."""
    return CHAPTER.reference()


# --- the chapter as a whole -----------------------------------------------------------------------


def test_its_reference_is_that_of_the_helpers(f: dict[str, Any]) -> None:
    """Two programs written apart from each other agree: the notebook's and the later chapters'."""
    options = {"use_batchnorm": True, "use_dropout": True, "weight_decay_lambda": 0.2}
    nets = [
        module["MultiLayerNetExtend"](5, [6, 4], 3, dropout_ratio=0.3, rng=2, **options)
        for module in (f, vars(deep_networks))
    ]
    x, t = RANDOM.normal(size=(9, 5)), RANDOM.integers(3, size=9)
    for key in nets[0].params:
        nets[1].params[key][...] = nets[0].params[key]
    for net in nets:
        for k in (1, 2):
            net.layers[f"Dropout{k}"].rng = np.random.default_rng(k)
    here, there = (net.gradient(x, t) for net in nets)
    assert set(here) == set(there)
    for key in here:
        np.testing.assert_allclose(here[key], there[key], rtol=1e-10, atol=1e-14)
    np.testing.assert_allclose(nets[0].predict(x), nets[1].predict(x), rtol=1e-12)
    assert nets[0].accuracy(x, t) == nets[1].accuracy(x, t)
    layer = deep_layers.BatchNormalization(np.ones(5), np.zeros(5))
    assert nets[0].layers["BatchNorm1"].momentum == layer.momentum
    for name in OPTIMIZERS:
        assert vars(f[name]())["lr"] == vars(getattr(optimizers, name)())["lr"]


# --- optimizers -----------------------------------------------------------------------------------

TABLE = {
    "SGD": (0.8, 0.7, "| SGD | 0.8 | 0.7 |"),
    "Momentum": (0.8, 0.52, "| Momentum, $\\mu = 0.9$ | 0.8 | 0.52 |"),
    "AdaGrad": (0.9, 0.855279, "| AdaGrad | 0.9 | 0.855279 |"),
    "RMSprop": (0.0, -0.449013, "| RMSprop, $\\rho = 0.99$ | 0.0 | -0.449013 |"),
    "Adam": (0.9, 0.806782, "| Adam, $\\beta_1 = 0.9$, $\\beta_2 = 0.999$ | 0.9 | 0.806782 |"),
}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_the_table_of_steps(f: dict[str, Any], name: str) -> None:
    first, second, row = TABLE[name]
    method, params = f[name](lr=0.1), {"w": np.array([1.0])}
    method.update(params, {"w": np.array([2.0])})
    close(params["w"], [first], 5)
    method.update(params, {"w": np.array([1.0])})
    close(params["w"], [second], 6)
    says(row)


def follow(optimizer: Any, start: dict[str, Any], gradients: list[dict[str, Any]]) -> Any:
    """Return where an optimizer has taken parameters after these gradients."""
    params = {key: value.copy() for key, value in start.items()}
    for grads in gradients:
        optimizer.update(params, {key: value.copy() for key, value in grads.items()})
    return params


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_an_optimizer_walks_as_the_recorded_one(f: dict[str, Any], name: str) -> None:
    start = {"W": RANDOM.normal(size=(3, 2)), "b": RANDOM.normal(size=2)}
    gradients = [{key: RANDOM.normal(size=v.shape) for key, v in start.items()} for _ in range(9)]
    here = follow(f[name](lr=0.05), start, gradients)
    there = follow(getattr(optimizers, name)(lr=0.05), start, gradients)
    for key in start:
        np.testing.assert_allclose(here[key], there[key], rtol=1e-9)


def test_numbers_about_steps(f: dict[str, Any]) -> None:
    close([0.9 * -0.2 - 0.1, 0.99 * 0.04 + 0.01, 1 / (1 - 0.9)], [-0.28, 0.0496, 10], 12)
    says("$v = 0.9 \\cdot (-0.2) - 0.1 = -0.28$")
    says("$h = 0.99 \\cdot 0.04 + 0.01 \\cdot 1 = 0.0496$")
    says("ten times SGD's step for $\\mu = 0.9$")
    m, v = 0.9 * 0.2 + 0.1, 0.999 * 0.004 + 0.001
    close([m, m / (1 - 0.9**2), 1 - 0.9**2], [0.28, 1.473684, 0.19], 6)
    close([v, v / (1 - 0.999**2), 1 - 0.999**2], [0.004996, 2.49925, 0.001999], 6)
    says("$\\hat m = 0.28 / 0.19 = 1.473684$")
    says("$\\hat v = 0.004996 / 0.001999 = 2.49925$")
    close([np.sqrt(2.49925), 0.1 * 1.473684 / 1.580902], [1.580902, 0.093218], 6)
    says("The step is $0.1 \\cdot 1.473684 / 1.580902 = 0.093218$.")
    for gradient in (2.0, 200.0):
        (w,) = follow(f["AdaGrad"](lr=0.1), {"w": np.ones(1)}, [{"w": np.array([gradient])}])["w"]
        assert 1 - w == pytest.approx(0.1, rel=1e-6)
    says("AdaGrad's first step is 0.1, exactly the rate")
    assert 0.1 / np.sqrt(1 - 0.99) == pytest.approx(1)
    says("the first step is ten times $\\eta$")


def test_the_paths(f: dict[str, Any]) -> None:
    CHAPTER.run("plot_paths", f)
    paths = {name: np.array(path) for name, path in f["paths"].items()}
    assert list(paths) == OPTIMIZERS
    assert {len(path) for path in paths.values()} == {31}
    heights = {name: path[-1, 0] ** 2 / 20 + path[-1, 1] ** 2 for name, path in paths.items()}
    assert max(heights.values()) < 0.2
    y = paths["SGD"][:, 1]
    np.testing.assert_allclose(y[1:] / y[:-1], -0.9)
    says("along $y$ each step multiplies by $1 - 2 \\cdot 0.95 = -0.9$, hence the zigzag")
    assert abs(1 - 2 * 1.01) > 1
    says("Above 1 it diverges.")
    assert paths["Momentum"][:, 0].max() > 0.5
    assert sum(np.diff(np.sign(paths["Momentum"][:, 1])) != 0) >= 4
    says("Momentum swings from side to side and past the lowest point.")
    for name in ("AdaGrad", "RMSprop"):
        assert paths[name][:, 1].min() > -0.01
    assert paths["Adam"][:, 1].min() < -0.5
    says("AdaGrad and RMSprop turn into the bottom of the valley at once, Adam in a wide bend.")


# --- the first weights ----------------------------------------------------------------------------


def test_initialization(f: dict[str, Any]) -> None:
    close([f["initial_std"](100, "xavier"), f["initial_std"](100, "he")], [0.1, 0.141], 3)
    says("For 100 inputs, Xavier's standard deviation is 0.1 and He's is 0.141.")
    says("With 100 inputs and $s = 1$ that is $100^5$, with $s = 0.01$ it is $0.01^5$.")
    close([100 * 1**2, 100 * 0.01**2], [100, 0.01], 12)


def test_sigmoid_histograms(f: dict[str, Any]) -> None:
    rng = np.random.default_rng(0)
    tails, spread = [], []
    for std in (1, 0.01):
        a = rng.normal(size=(1000, 100))
        for _ in range(5):
            a = 1 / (1 + np.exp(-(a @ rng.normal(scale=std, size=(100, 100)))))
            tails.append(np.mean((a < 0.01) | (a > 0.99)))
        spread.append(a.std())
    assert 0.45 < np.mean(tails[:5]) < 0.6
    says("about half of the activations are within 0.01 of 0 or 1")
    assert 0.005 < spread[1] < 0.015
    says("outputs 0.5 for every input, give or take 0.01")


def test_no_start_keeps_the_signal_behind_sigmoids(f: dict[str, Any]) -> None:
    CHAPTER.run("plot_histograms_sigmoid", f)
    signals = {name: np.array(values) for name, values in f["signals"].items()}
    np.testing.assert_allclose(signals["xavier"], [0.21, 0.049, 0.011, 0.0027, 0.0006], rtol=0.06)
    says("falls from 0.21 to 0.049, 0.011, 0.0027 and 0.0006")
    steps = signals["xavier"][:-1] / signals["xavier"][1:]
    assert steps.min() > 4
    assert steps.max() < 4.5
    says("by a factor of 4 or a little more in each layer")
    close(signals["tanh"][[0, -1]], [0.62, 0.32], 2)
    says("Behind tanh, with the same weights, 0.62 becomes 0.32")
    np.testing.assert_allclose(signals["std 1"][[0, -1]], [0.46, 0.136], rtol=0.02)
    says("With std 1 they pile up at 0 and 1, and the signal falls from 0.5 to 0.1.")
    np.testing.assert_allclose(signals["std 0.01"][-1], 1e-8, rtol=0.1)
    rng = np.random.default_rng(0)
    a = rng.normal(size=(1000, 100))
    for _ in range(5):
        a = 1 / (1 + np.exp(-(a @ rng.normal(scale=0.1, size=(100, 100)))))
    close(a.std(), 0.117, 3)  # what a histogram shows: nearly all of it between units
    close(a.mean(axis=0).std(), 0.117, 3)
    says("Their width is the difference *between* units.")


def test_relu_histograms(f: dict[str, Any]) -> None:
    CHAPTER.run("plot_histograms_relu", f)
    spreads = f["spreads"]
    close([spreads["std 0.01"][0], spreads["xavier"][0]], [0.071, 0.71], 2)
    close(spreads["std 0.01"][-1] * 1e6, 2, 0)
    says("With std 0.01 it falls from 0.071 to 2e-06.")
    close(spreads["xavier"][-1], 0.21, 2)
    says("With xavier it falls from 0.71 to 0.21.")
    assert 0.95 < min(spreads["he"]) <= max(spreads["he"]) < 1.25
    says("With he it stays between 1 and 1.2.")
    assert np.sqrt(2) ** 20 == pytest.approx(1024)
    says("a factor of 1,000 in twenty")
    assert spreads["std 0.01"][-1] * 100**5 > 20_000  # of std 1: ReLU keeps factors
    says("the fifth layer's root mean square is above 20,000")


# --- batch normalization, dropout, decay ----------------------------------------------------------


def test_batch_normalization(f: dict[str, Any]) -> None:
    x = np.array([[1.0], [3.0], [5.0]])
    layer = f["BatchNormalization"](np.ones(1), np.zeros(1))
    close(layer.forward(x)[:, 0], [-1.2247, 0, 1.2247], 4)
    close([x.var(), layer.std[0]], [2.667, 1.633], 3)
    says("$\\sigma^2 = (4 + 0 + 4)/3 = 2.667$, $s = 1.633$")
    says("$\\hat x = (-1.2247,\\ 0,\\ 1.2247)$")
    dout = np.array([[1.0], [0.0], [0.0]])
    close(layer.backward(dout)[:, 0], [0.1021, -0.2041, 0.1021], 4)
    close(np.mean(dout * layer.xhat), -0.4082, 4)
    says("$\\operatorname{mean}(d) = 1/3$, $\\operatorname{mean}(d\\,\\hat x) = -0.4082$")
    says("$dx = (0.1021,\\ -0.2041,\\ 0.1021)$. The sum is 0")
    close([0.9**10, 0.9**30], [0.35, 0.04], 2)
    says("35 percent after 10, 4 percent after 30")


def test_the_figures_of_batch_normalization(f: dict[str, Any]) -> None:
    CHAPTER.run("plot_batchnorm", f)
    before, normal, scaled = f["pictures"].values()
    close([before.mean(), before.std()], [8, 2.8], 1)
    close([normal.mean(), normal.std(), scaled.mean(), scaled.std()], [0, 1, 2, 0.5], 3)
    CHAPTER.run("plot_running", f)
    running = np.array(f["running_means"])
    assert running[0] == pytest.approx(0.5, abs=0.05)
    assert np.abs(running[30:] - 5).max() < 0.8 < np.abs(np.array(f["batch_means"]) - 5).max()


def test_dropout_and_decay(f: dict[str, Any]) -> None:
    assert f["Dropout"](0.25).forward(np.array([[2.0]]), train_flg=False) == 1.5
    assert 0.75 * 2 == 1.5
    says("sends 2 in three of four batches, 1.5 on average, and 1.5 in test mode")
    params = {"W1": np.array([1.0, -2.0]), "b1": np.array([5.0])}
    assert f["decay_loss"](params, 0.1) == pytest.approx(0.25)
    says("$\\frac{0.1}{2} (1 + 4) = 0.25$")
    found = f["decay_grads"](params, {key: np.zeros_like(v) for key, v in params.items()}, 0.1)
    close(found["W1"], [0.1, -0.2], 12)
    assert found["b1"] == 0
    says("$(0.1, -0.2)$ is added to the gradient of $W_1$")
    weights = f["MultiLayerNetExtend"](784, [100, 100], 10).params
    assert sum(w.size for key, w in weights.items() if key[0] == "W") == 89_400
    says("behind 784 pixels hold 89,400 weights")


def test_only_gamma_scales_what_is_normalized(f: dict[str, Any]) -> None:
    x = RANDOM.normal(size=(50, 8))
    net = f["MultiLayerNetExtend"](8, [6], 3, use_batchnorm=True, rng=0)
    before = net.predict(x, train_flg=True)
    net.params["W1"] *= 10
    np.testing.assert_allclose(net.predict(x, train_flg=True), before, rtol=1e-5, atol=1e-6)
    says("multiply it by ten, and the normalized output is the same")
    net.params["gamma1"] *= 10
    np.testing.assert_allclose(net.predict(x, train_flg=True), 10 * before, rtol=1e-5, atol=1e-5)
    says("A $\\gamma$ does scale its feature")


def test_decay_by_adam_is_not_decay_of_the_weights(f: dict[str, Any]) -> None:
    """The L2 penalty's part of Adam's step shrinks the weight less where gradients are large."""
    shrunk = {}
    for size in (0.1, 10.0):
        ends = []
        for lam in (0.0, 0.01):
            adam, params = f["Adam"](lr=0.001), {"W1": np.array([1.0])}
            for k in range(200):
                gradient = {"W1": np.array([size * (-1) ** k])}
                adam.update(params, f["decay_grads"](params, gradient, lam))
            ends.append(params["W1"][0])
        shrunk[size] = ends[0] - ends[1]
    assert shrunk[0.1] > 20 * shrunk[10.0] > 0
    says("so weights with large gradients decay least")


# --- the network ----------------------------------------------------------------------------------


def test_the_gradient_check(f: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    CHAPTER.run("gradient_check", f)
    lines = dict(line.split(":") for line in capsys.readouterr().out.splitlines())
    found = {
        key.strip(): [float(n) for n in re.findall(r"\S+e-\d+", text)]
        for key, text in lines.items()
    }
    assert set(found) == set(f["net"].params)
    assert max(difference for _, difference in found.values()) < 1e-9
    says("Differences below 1e-9 in every line")
    assert max(found["b1"][0], found["b2"][0]) < 1e-15
    assert found["b3"][0] > 0.01
    says("for `b1` and `b2` a gradient of about 1e-16")


@pytest.mark.slow
def test_batch_normalization_learns_from_every_start(f: dict[str, Any]) -> None:
    CHAPTER.run("plot_norm_training", f)
    last = {key: values[-1] for key, values in f["curves"].items()}
    assert all(len(values) == 11 for values in f["curves"].values())
    for name in ("std 0.3", "he", "std 0.03", "std 0.003"):
        assert last[name, True] > 0.6
    assert min(last["std 0.3", False], last["he", False]) > 0.75
    assert max(last["std 0.03", False], last["std 0.003", False]) < 0.15
    says("it does so only for 0.3 and for He's start. With it, the network learns from every start")
    assert last["std 0.3", False] > last["std 0.3", True] + 0.05
    says("From 0.3 the plain network is even ahead")


@pytest.mark.slow
def test_the_learning_rate_matters_with_batch_normalization_too(f: dict[str, Any]) -> None:
    CHAPTER.run("plot_norm_rates", f)
    assert f["rates"] == [0.0002, 0.002, 0.02, 0.2, 1.0, 5.0]
    normed, plain = f["by_rate"][True], f["by_rate"][False]
    np.testing.assert_allclose(normed, [0.12, 0.26, 0.88, 1.00, 1.00, 0.55], atol=0.02)
    says("0.0002 reaches 0.12, 0.002 reaches 0.26, 0.02 reaches 0.88, 0.2 and 1 reach 1.00")
    np.testing.assert_allclose(plain[3:], [0.88, 0.12, 0.10], atol=0.02)
    says("without it 0.2 is best, at about 0.88, and 1 is already too large, at 0.12")


@pytest.mark.slow
def test_memorizing(f: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    CHAPTER.run("plot_overfit", f)
    assert np.sum(f["t_few"] != f["t_train"][:300]) == 60
    says("would agree with 240 of the 300 labels, an accuracy of 0.8")
    plain, decay, dropout = f["results"].values()
    close([plain[-1, 0], decay[-1, 0], dropout[-1, 0]], [1.00, 0.94, 0.85], 1)
    assert plain[-1, 0] == 1
    last = [values[-1, 2] for values in (plain, decay, dropout)]
    np.testing.assert_allclose(last, [0.70, 0.71, 0.73], atol=0.02)
    np.testing.assert_allclose(plain[:, 2].max(), 0.74, atol=0.02)
    says("climbs to 1.00 while that on validation images falls back to 0.70")
    says("With weight decay they end at 0.94 and 0.71. With dropout at 0.85")
    says("0.70, where it had 0.74 on the way")
    losses = [values[-1, 3] for values in (plain, decay, dropout)]
    np.testing.assert_allclose(losses, [1.14, 0.97, 0.87], atol=0.05)
    says("Its loss on them is 1.14")
    says("a loss of 0.97")
    says("0.73 with a loss of 0.87")
    assert "dropout 0.5: accuracy 0.8" in capsys.readouterr().out


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_other_seeds_give_the_order_that_the_text_claims(f: dict[str, Any], seed: int) -> None:
    few = 300
    wrong = np.random.default_rng(0).integers(1, 10, size=few // 5)
    x, t = f["x_train"][:few], f["t_train"][:few].copy()
    t[::5] = (t[::5] + wrong) % 10
    accuracies, losses = [], []
    for options in ({}, {"weight_decay_lambda": 0.03}, {"use_dropout": True}):
        net = f["MultiLayerNetExtend"](784, [100, 100], 10, rng=seed, **options)
        f["train"](net, f["Adam"](lr=0.001), x, t, 60, lambda net: 0, seed=seed)
        accuracies.append(net.accuracy(f["x_val"], f["t_val"]))
        losses.append(
            net.loss(f["x_val"], f["t_val"]) - f["decay_loss"](net.params, net.weight_decay_lambda)
        )
    assert losses == sorted(losses, reverse=True)
    assert max(accuracies) == accuracies[2]
    says("the three losses came in this order each time, and dropout had the best accuracy")


@pytest.mark.slow
def test_the_race_of_the_optimizers(f: dict[str, Any]) -> None:
    CHAPTER.run("plot_race", f)
    sgd, momentum, *others = [losses[-1] for losses in f["race"].values()]
    first = {round(float(losses[0]), 1) for losses in f["race"].values()}
    assert first == {2.4}
    np.testing.assert_allclose([sgd, momentum], [1.4, 0.14], rtol=0.1)
    assert max(others) < 0.04
    says("from 2.4 to 1.4, Momentum to 0.14, the three with a rate for each weight below 0.04")
    x, t = f["x_train"], f["t_train"]
    net = f["MultiLayerNetExtend"](784, [100] * 4, 10, rng=0)
    losses = f["train"](net, f["SGD"](lr=0.2), x, t, 10, lambda net: net.loss(x, t))
    np.testing.assert_allclose(losses[-1], 0.10, atol=0.02)
    assert losses[-1] < momentum
    says("Give SGD a learning rate of 0.2 and it ends at 0.10, ahead of Momentum.")


# --- the bug museum -------------------------------------------------------------------------------


def test_the_exhibit_does_nothing(f: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    CHAPTER.run("see_exhibit", f)
    first, second = capsys.readouterr().out.splitlines()[:2]
    assert first.endswith(": [1.]")
    says("The variance is still exactly 1 after a hundred batches.")
    assert second.endswith(": True")
    says("Two passes with dropout agree to the last bit")
    exhibit, without, right = (np.array(line) for line in f["lines"].values())
    assert len(exhibit) == 10
    np.testing.assert_allclose(exhibit, without, rtol=1e-5)
    close(exhibit[0], 0.5, 1)
    assert 5e-8 < exhibit[-1] < 1.4e-7
    says("lie on one falling line, from 0.5 to 9e-08")
    np.testing.assert_allclose(right, 1, rtol=1e-4)
    says("Your predict stays at 1.")


def test_the_museums_check_tells_right_from_wrong(f: dict[str, Any]) -> None:
    assert f["check_train_flag"](f["forward_exhibit"]) is False
    assert f["check_train_flag"](f["forward_mended"]) is True


def test_our_own_backward_complains_after_test_mode_alone(f: dict[str, Any]) -> None:
    layer = f["BatchNormalization"](np.ones(2), np.zeros(2))
    layer.forward(np.ones((3, 2)), train_flg=False)
    with pytest.raises(TypeError):
        layer.backward(np.ones((3, 2)))
    says("Our own `backward` would complain, if no batch had ever passed in train mode.")
