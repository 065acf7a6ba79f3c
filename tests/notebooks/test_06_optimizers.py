"""Chapter 6, part A: its reference figures, and every number in its text."""

from typing import Any

import numpy as np
import pytest

from helpers.answers import initialization, optimizers
from tests.notebooks.chapter import (
    Chapter,
    close,
    draws_wherever_its_sliders_are,
    holds_a_quiz_of_ten,
)

CHAPTER = Chapter("06_hyperparameters", "optimizers")
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
    for name in OPTIMIZERS:
        assert vars(f[name]())["lr"] == vars(getattr(optimizers, name)())["lr"]
    for start in ("he", "relu", "xavier", "sigmoid", 0.3):
        assert f["initial_std"](7, start) == initialization.initial_std(7, start)


# --- the first weights ----------------------------------------------------------------------------


def test_initialization(f: dict[str, Any]) -> None:
    close([f["initial_std"](100, "xavier"), f["initial_std"](100, "he")], [0.1, 0.141], 3)
    says("For 100 inputs, Xavier's standard deviation is 0.1 and He's is 0.141.")
    says("With 100 inputs and $s = 1$ that is $100^5$, with $s = 0.01$ it is $0.01^5$.")
    close([100 * 1**2, 100 * 0.01**2], [100, 0.01], 12)


def test_clipping_keeps_the_direction() -> None:
    grads = {"W": np.array([[3.0, 0.0], [0.0, 4.0]]), "b": np.array([12.0])}
    length = np.sqrt(sum(np.sum(g**2) for g in grads.values()))
    clipped = {key: g * 2 / length for key, g in grads.items()}
    close([length, np.sqrt(sum(np.sum(g**2) for g in clipped.values()))], [13, 2], 12)
    says("all of them are multiplied by $c / \\lVert g \\rVert$. Clipping keeps the direction.")
    says("if $\\lVert g \\rVert > c$ |")


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
    close([a.min(), a.max()], [0.47, 0.53], 2)
    says("outputs about 0.5 for every input, between 0.47 and 0.53")


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
    says("Behind tanh, with the same weights, 0.62 becomes 0.32: there half of the signal is left.")
    assert signals["tanh"][-1] / signals["tanh"][0] == pytest.approx(0.5, abs=0.03)
    says("behind ReLU, and half of it from the first to the fifth layer of tanh")
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
    assert round(1 / spreads["xavier"][-1]) == 5
    assert np.sqrt(2) ** 20 == pytest.approx(1024)
    says("a factor of 1,000 in twenty")
    assert spreads["std 0.01"][-1] * 100**5 > 20_000  # of std 1: ReLU keeps factors
    says("the fifth layer's root mean square is above 20,000")


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
    for cell in ("guess_paths", "plot_paths", "compare_paths"):
        CHAPTER.run(cell, f)
    paths = {name: np.array(path) for name, path in f["paths"].items()}
    assert list(paths) == OPTIMIZERS
    assert {len(path) for path in paths.values()} == {31}
    heights = {name: path[-1, 0] ** 2 / 20 + path[-1, 1] ** 2 for name, path in paths.items()}
    assert max(heights.values()) < 0.2
    y = paths["SGD"][:, 1]
    np.testing.assert_allclose(y[1:] / y[:-1], -0.9)
    says("at 0.95 each step multiplies $y$ by $1 - 2 \\cdot 0.95 = -0.9$")
    assert abs(1 - 2 * 1.01) > 1
    says("Above 1 it diverges.")
    ends = [f["ends"][name] for name in ("AdaGrad", "RMSprop", "Adam", "SGD", "Momentum")]
    close(ends, [0.12, 0.15, 0.35, 0.36, 0.90], 2)
    says("AdaGrad is 0.12 from the lowest point, RMSprop 0.15, Adam 0.35, SGD 0.36, and Momentum")
    method, place = f["RMSprop"](lr=0.3, decay_rate=0.99), {"x": np.array([-7.0])}
    place["y"] = np.array([2.0])
    for _ in range(30):
        method.update(place, {"x": place["x"] / 10, "y": 2 * place["y"]})
    assert np.hypot(place["x"], place["y"]) < 1e-5
    says("with $\\rho = 0.99$, RMSprop would end within 0.00001")

    assert paths["Momentum"][:, 0].max() > 0.5
    assert sum(np.diff(np.sign(paths["Momentum"][:, 1])) != 0) >= 4
    says("Momentum swings from side to side and past the lowest point.")
    for name in ("AdaGrad", "RMSprop"):
        assert paths[name][:, 1].min() > -0.01
    assert paths["Adam"][:, 1].min() < -0.5
    says("AdaGrad and RMSprop turn into the bottom of the valley at once, Adam in a wide bend.")


def test_one_rate_in_the_valley(f: dict[str, Any]) -> None:
    CHAPTER.run("explore_rate", f)
    x, y = f["descend"](0.2)[-1]
    assert x == pytest.approx(-3.8, abs=0.05)
    assert abs(y) < 1e-5
    says("crawls along it, from x = -7 to x = -3.8.")


def test_signal_and_gradient_by_layer(f: dict[str, Any]) -> None:
    CHAPTER.run("explore_depth", f)
    forward, backward = f["sizes_by_layer"](0.2)
    np.testing.assert_allclose([forward[-1], backward[0]], [1100, 1000], rtol=0.1)
    close([forward[-1] ** (1 / 20), forward[0], backward[-1]], [1.4, 1, 1], 1)
    says("At 0.2 each layer multiplies by about 1.4, and twenty layers by about 1,000")
    forward, backward = f["sizes_by_layer"](0.1)
    close([forward[-1] ** (1 / 20), backward[0] ** (1 / 20)], [0.7, 0.7], 1)
    says("At 0.1 each layer multiplies by about 0.7")


# --- schedules ------------------------------------------------------------------------------------


def test_schedules(f: dict[str, Any]) -> None:
    CHAPTER.run("explore_schedules", f)
    ends = {}
    for name in ("constant", "step", "cosine"):
        seen = f["distances"](name, 0.5)
        assert seen[9] < 0.65
        ends[name] = seen[-1]
    close(list(ends.values()), [0.56, 0.19, 0.17], 2)
    says("The rates that fall end at 0.19 (step) and 0.17 (cosine).")
    close([f["distances"]("constant", 0.5)[10], np.sqrt(0.5 / 1.5)], [0.56, 0.58], 2)
    says("the distance is 0.56 after 10 steps, and 0.56 after 100")
    slow = f["distances"]("constant", 0.05)
    assert next(k for k, value in enumerate(slow) if value < 0.6) == 43
    assert next(k for k, value in enumerate(f["distances"]("step", 0.5)) if value < 0.6) == 5
    close(slow[-1], 0.16, 2)
    says("0.05 ends as close as they do, at 0.16, but it takes 43 steps to come below 0.6")
    np.testing.assert_allclose(
        f["rates"]("step", 0.5)[[0, 49, 50, 74, 75]], [0.5, 0.5, 0.05, 0.05, 0.005]
    )
    assert f["rates"]("cosine", 0.5)[-1] < 0.001


def exact_distance(rates: Any) -> Any:
    """Return the root mean square of w after noisy steps from 5, for one rate or several a step."""
    square = 25.0
    for rate in rates:
        square = (1 - rate) ** 2 * square + rate**2
    return np.sqrt(square)


@pytest.mark.parametrize(("steps", "best"), [(20, 0.17), (100, 0.05), (200, 0.025)])
def test_the_best_constant_rate_depends_on_the_number_of_steps(steps: int, best: float) -> None:
    rates = np.linspace(0.005, 0.6, 120)
    ends = exact_distance([rates] * steps)
    assert rates[np.argmin(ends)] == pytest.approx(best, abs=0.01)
    cosine = 0.5 * (1 + np.cos(np.pi * np.arange(steps) / steps)) / 2
    assert exact_distance(cosine) < 1.2 * ends.min()
    says("for 20 steps the best constant rate is about 0.17, and for 200 about 0.025")
    says("the cosine schedule from 0.5 on ends at most 20 % farther from 0 than the best constant")


# --- the quiz -------------------------------------------------------------------------------------


def test_the_numbers_of_the_quiz(f: dict[str, Any]) -> None:
    close(200 * 0.2**2 / 2, 4, 12)
    np.testing.assert_allclose(2**20, 1e6, rtol=0.05)
    says("so each layer multiplies the mean square by 4 and the size by 2: twenty layers by about")
    close([f["initial_std"](200, "he"), np.sqrt(2 * 0.25 / 200)], [0.1, 0.05], 12)
    says("would need $s = 0.1$.")
    says("would need $s = 0.05$.")
    (v,) = follow(f["Momentum"](lr=0.01), {"w": np.zeros(1)}, [{"w": np.ones(1)}] * 300)["w"]
    (u,) = follow(f["Momentum"](lr=0.01), {"w": np.zeros(1)}, [{"w": np.ones(1)}] * 299)["w"]
    assert u - v == pytest.approx(0.1)
    says("$v = 0.9\\,v - 0.01$, so $v = -0.1$")
    grads = [{"w": np.array([1.0, 0.01])}] * 5
    steps = follow(f["AdaGrad"](lr=0.1), {"w": np.zeros(2)}, grads)["w"]
    assert steps[0] == pytest.approx(steps[1], rel=1e-3)
    close([np.sqrt(0.001), 0.1 / np.sqrt(0.001)], [0.032, 3.2], 1)
    says("and $0.1 / 0.032 = 3.2$")
    close(0.25**5, 0.001, 3)
    says("$1/4$ to the power of 5 is already 0.001")


# --- the answer in words --------------------------------------------------------------------------


def test_the_length_of_a_step(f: dict[str, Any]) -> None:
    for gradient, length in ((0.001, 0.0001), (10.0, 1.0)):
        steps = {}
        for name in ("SGD", "Adam"):
            method, params = f[name](lr=0.1), {"w": np.zeros(1)}
            for _ in range(20):
                before = params["w"].copy()
                method.update(params, {"w": np.array([gradient])})
                steps[name] = abs(params["w"] - before)[0]
        assert steps["SGD"] == pytest.approx(length)
        assert steps["Adam"] == pytest.approx(0.1, rel=1e-3)
    says("0.0001 for a gradient of 0.001, and 1 for a gradient of 10")
    says("so the step is 0.1 in both cases")
    close(f["initial_std"](784, "he"), 0.05, 2)
    says("an initial standard deviation of 0.05, that of He initialization behind 784 inputs")


def test_the_quiz_and_the_sliders(f: dict[str, Any]) -> None:
    holds_a_quiz_of_ten(CHAPTER)
    draws_wherever_its_sliders_are(CHAPTER, f)
