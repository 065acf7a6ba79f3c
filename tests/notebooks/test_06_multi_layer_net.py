"""Chapter 6, part B: its reference figures, and every number in its text."""

import ast
import re
from typing import Any

import numpy as np
import pytest

from helpers.answers import deep_layers, deep_networks
from tests.notebooks.chapter import (
    Chapter,
    close,
    draws_wherever_its_sliders_are,
    holds_a_quiz_of_ten,
    sittings_add_up,
)

CHAPTER = Chapter("06_hyperparameters", "multi_layer_net")
says = CHAPTER.says

RANDOM = np.random.default_rng(6)


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


def test_the_test_images_are_thrown_away_at_once() -> None:
    code = [cell.source for cell in CHAPTER.notebook.cells if cell.cell_type == "code"]
    assert "\n".join(code).count("load_mnist()") == 1
    assert "(x_train, t_train), _ = load_mnist()" in CHAPTER.cell("setup")
    assert not [cell for cell in code if "x_test" in cell]
    says("The test set stays closed, as chapter 5 asked.")


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
    layer = f["BatchNormalization"](np.ones(1), np.zeros(1), momentum=0.8)
    layer.forward(x)
    close(layer.running_mean, [(1 - 0.8) * 3], 12)
    says("\\text{momentum} \\cdot \\text{running} + (1 - \\text{momentum}) \\cdot")


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
    says("sends 2 for about three samples out of four, 1.5 on average, and 1.5 in evaluation mode")
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


def test_smaller_weights_before_batch_normalization_turn_faster(f: dict[str, Any]) -> None:
    x, t = RANDOM.normal(size=(50, 8)), RANDOM.integers(3, size=50)
    gradients, angles = [], []
    for scale in (1, 10):
        net = f["MultiLayerNetExtend"](8, [6], 3, use_batchnorm=True, rng=0)
        W = net.params["W1"]
        W *= scale
        grads, before = net.gradient(x, t), W.copy()
        gradients.append(grads["W1"])
        np.testing.assert_allclose((before * grads["W1"]).sum(axis=0), 0, atol=1e-6)
        f["SGD"](lr=0.1).update(net.params, grads)
        step = np.linalg.norm(W - before, axis=0)  # at right angles to the weights of each unit
        angles.append(np.arctan(step / np.linalg.norm(before, axis=0)))
    np.testing.assert_allclose(gradients[0], 10 * gradients[1], rtol=1e-3, atol=1e-7)
    np.testing.assert_allclose(angles[0] / angles[1], 100, rtol=0.01)
    says("Weights that are ten times as large have a tenth of the gradient")
    says("turns their direction by a hundredth of the angle")


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


def test_the_four_initializations_fall(f: dict[str, Any]) -> None:
    starts = re.search(r"starts = (\{.+\})", CHAPTER.cell("plot_norm_training"))
    assert starts
    sizes = [
        [np.std(net.params[f"W{k}"]) for k in range(1, 7)]
        for std in ast.literal_eval(starts[1]).values()
        for net in [f["MultiLayerNetExtend"](784, [100] * 5, 10, weight_init_std=std, rng=0)]
    ]
    assert len(sizes) == 4
    assert np.all(np.diff(sizes, axis=0) < 0)
    says("four initializations, from the largest weights to the smallest")


@pytest.mark.slow
def test_batch_normalization_learns_from_every_start(f: dict[str, Any]) -> None:
    CHAPTER.run("plot_norm_training", f)
    last = {key: values[-1] for key, values in f["curves"].items()}
    assert all(len(values) == 11 for values in f["curves"].values())
    for name in ("std 0.3", "he", "std 0.03", "std 0.003"):
        assert last[name, True] > 0.6
    assert min(last["std 0.3", False], last["he", False]) > 0.75
    assert max(last["std 0.03", False], last["std 0.003", False]) < 0.15
    says("only for 0.3 and for He initialization. With it, the network learns from every init")
    assert last["std 0.3", False] > last["std 0.3", True] + 0.05
    says("From 0.3 the plain network is even ahead, because")
    small = f["curves"]["std 0.003", True]
    assert max(small[:4]) < 0.15
    says("From 0.003 nothing is learned for three epochs")
    assert small[5] > max(f["curves"][name, True][5] for name in ("std 0.3", "he", "std 0.03"))
    assert small[-1] > 0.94
    says("and then the network learns fast")
    net = f["MultiLayerNetExtend"](
        784, [100] * 5, 10, weight_init_std=0.003, use_batchnorm=True, rng=0
    )
    before = np.std(net.params["W6"])
    f["train"](net, f["SGD"](lr=0.02), f["x_train"][:1000], f["t_train"][:1000], 3, lambda _: 0)
    close(np.std(net.params["W6"]) / before, 8, 0)
    says("After three epochs they are eight times as large")


@pytest.mark.slow
@pytest.mark.one_in(3)
@pytest.mark.parametrize(("seed", "overtakes"), [(1, True), (2, False), (3, False)])
def test_other_seeds_give_what_the_text_says_of_initializations(
    f: dict[str, Any], seed: int, overtakes: bool
) -> None:
    x, t = f["x_train"][:1000], f["t_train"][:1000]

    def curve(std: float, norm: bool) -> Any:
        net = f["MultiLayerNetExtend"](
            784, [100] * 5, 10, weight_init_std=std, use_batchnorm=norm, rng=seed
        )
        return f["train"](net, f["SGD"](0.02), x, t, 10, lambda net: net.accuracy(x, t), seed=seed)

    assert curve(0.3, False)[-1] > curve(0.3, True)[-1] + 0.05
    says("from 0.3 the plain network is ahead each time")
    small = curve(0.003, True)
    assert small[-1] >= 0.935
    says("from 0.003 the normalized one ends at 0.94 or more")
    assert (small[5] > curve(0.03, True)[5]) == overtakes
    says("Whether it overtakes the other initializations after five epochs depends on the seed.")


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
@pytest.mark.one_in(3)
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
    assert f["same"]
    assert not f["moved"]
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
    says("root mean square before the activations: 0.5 in the first layer, 9e-08 in the tenth")
    says("running variance of the first layer: 1.0 for each of the 100 units")
    says("scores of one batch, computed twice: the same to the last bit")
    np.testing.assert_allclose(right, 1, rtol=1e-4)
    says("Your predict stays at 1.")
    assert CHAPTER.compared("compare_exhibit", {**f, "display": lambda _: None}) == {
        "the slow network": "c"
    }


@pytest.mark.slow
@pytest.mark.parametrize("scale", [0.5, 1.0])
def test_a_loss_hardly_falls_where_all_layers_are_in_test_mode(
    f: dict[str, Any], scale: float
) -> None:
    """With running values of 0 and 1 batch normalization does nothing; dropout scales, or not."""
    net = f["MultiLayerNetExtend"](784, [100] * 10, 10, weight_init_std=0.05, rng=0)

    class Scaled:
        def forward(self, x: Any) -> Any:
            return scale * x

        backward = forward

    layers = net.layers
    net.layers = {}
    for name, layer in layers.items():
        net.layers[name] = layer
        if name.startswith("Activation"):
            net.layers[f"Scaled{name}"] = Scaled()
    x, t = f["x_train"][:300], f["t_train"][:300]
    losses = f["train"](net, f["SGD"](lr=0.02), x, t, 60, lambda net: net.loss(x, t))
    assert 2.28 < losses[-1] < losses[0] < 2.31
    says("It trains without an error, but its loss hardly falls.")


def net_forward(layers: dict[str, Any], x: Any, train_flg: bool) -> Any:
    """Run x through the layers as it should be."""
    for name, layer in layers.items():
        wants = name.startswith(("BatchNorm", "Dropout"))
        x = layer.forward(x, train_flg) if wants else layer.forward(x)
    return x


def test_the_museums_check_tells_right_from_wrong(f: dict[str, Any]) -> None:
    assert f["check_forward"](f["forward_exhibit"]) is False
    assert f["check_forward"](net_forward) is True
    says("**c.** The function takes `train_flg` and never passes it on")


def test_our_own_backward_complains_after_test_mode_alone(f: dict[str, Any]) -> None:
    layer = f["BatchNormalization"](np.ones(2), np.zeros(2))
    layer.forward(np.ones((3, 2)), train_flg=False)
    with pytest.raises(TypeError):
        layer.backward(np.ones((3, 2)))
    says("Our own `backward` would complain, if no batch had ever passed in training mode.")


# --- the derivation -------------------------------------------------------------------------------


def test_each_step_of_the_derivation_is_found_right(f: dict[str, Any]) -> None:
    """The folded formulas, node by node, against differences of the graph."""
    bn = f["bn"]
    d = bn.gamma * bn.dout
    d_var = -(d * bn.xhat).sum(axis=0) / bn.s / (2 * bn.s)
    d_c = d / bn.s + 2 * bn.c / 5 * d_var
    one_line = (d - d.mean(axis=0) - bn.xhat * (d * bn.xhat).mean(axis=0)) / bn.s
    steps = {
        "beta": bn.dout.sum(axis=0),
        "gamma": (bn.dout * bn.xhat).sum(axis=0),
        "xhat": d,
        "s": -(d * bn.c / bn.s**2).sum(axis=0),
        "var": d_var,
        "c": d_c,
        "mean": -d_c.sum(axis=0),
        "x": d_c - d_c.sum(axis=0) / 5,
    }
    for name, gradient in steps.items():
        assert "Right" in repr(bn.check(name, gradient)), name
    assert len(steps) == 8
    says("All of this is right, but it takes eight formulas.")
    assert "Right" in repr(bn.check("x", one_line))
    np.testing.assert_allclose(steps["mean"], -d.sum(axis=0) / bn.s, atol=1e-12)
    layer = f["BatchNormalization"](bn.gamma, bn.beta)
    np.testing.assert_allclose(layer.forward(bn.x), bn.y, rtol=1e-12)


def test_the_cells_of_the_derivation_run_with_dots(f: dict[str, Any]) -> None:
    for k in range(1, 6):
        CHAPTER.run(f"derive_{k}_code", f | {"display": lambda *_: None})


def test_whose_scores_change(f: dict[str, Any]) -> None:
    CHAPTER.run("guess_neighbors", f)
    CHAPTER.run("see_neighbors", f)
    assert (f["changed"], f["found_here"]) == ({True: 100, False: 1}, "b")


def test_the_scaling_of_dropout(f: dict[str, Any]) -> None:
    CHAPTER.run("explore_dropout", f)
    train_mode, test_mode = f["signal_behind_dropout"](0.3, 1)
    close([train_mode[-1], test_mode[-1]], [0.12, 0.12], 2)
    close(1 / 0.7**6, 8.5, 1)
    says("$1 / 0.7^6 = 8.5$ times as large")


# --- the quiz -------------------------------------------------------------------------------------


def test_the_numbers_of_the_quiz(f: dict[str, Any]) -> None:
    layer = f["BatchNormalization"](np.ones(3), np.zeros(3))
    assert not layer.forward(RANDOM.normal(size=(1, 3))).any()
    says("The mean of one sample is the sample itself, so $x - \\mu = 0$")
    says("0 divided by $\\sqrt\\varepsilon$ is 0, not 1")
    x = RANDOM.normal(size=(8, 3))
    np.testing.assert_allclose(layer.forward(10 * x), layer.forward(x), rtol=1e-5, atol=1e-6)
    assert np.abs(layer.backward(np.full((8, 3), 0.7))).max() < 1e-12
    layer = f["BatchNormalization"](np.ones(1), np.zeros(1))
    for variance in (1.3, 1.57):
        layer.forward(np.array([[-2.0], [2.0]]))
        close(layer.running_var, [variance], 12)
    says("$0.9 \\cdot 1 + 0.1 \\cdot 4 = 1.3$, then $0.9 \\cdot 1.3 + 0.4 = 1.57$")
    close(f["Dropout"](0.2).forward(np.array([5.0]), train_flg=False), [4], 12)
    params = {"W1": np.array([2.0])}
    f["SGD"](0.5).update(params, f["decay_grads"](params, {"W1": np.zeros(1)}, 0.1))
    close(params["W1"], [1.9], 12)
    says("$2 - 0.5 \\cdot 0.2 = 1.9$: the weight shrinks by the factor $1 - \\eta\\lambda = 0.95$")


def test_answers_references_and_times() -> None:
    sittings_add_up(CHAPTER)


def test_the_quiz_and_the_sliders(f: dict[str, Any]) -> None:
    holds_a_quiz_of_ten(CHAPTER)
    draws_wherever_its_sliders_are(CHAPTER, f)
