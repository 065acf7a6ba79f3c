"""Chapter 4, part C: its reference figures, and every number in its text."""

import re
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from helpers.answers.networks import TwoLayerNet
from helpers.datasets import load_mnist
from tests.notebooks.chapter import (
    Chapter,
    around_the_test_images,
    close,
    draws_wherever_its_sliders_are,
    holds_a_quiz_of_ten,
)

CHAPTER = Chapter("04_backprop", "two_layer_net")
says = CHAPTER.says


@pytest.fixture
def f(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The names that the reference solutions define, at the full pace."""
    monkeypatch.delenv("COURSE_PACE", raising=False)
    return CHAPTER.reference()


# --- the network ----------------------------------------------------------------------------------


def test_an_untrained_network_guesses(f: dict[str, Any]) -> None:
    close(-np.log(1 / 10), 2.3026, 4)
    says("The loss is $-\\log \\frac{1}{10} = 2.3026$")
    CHAPTER.run("plot_layers", f)
    close(f["start_loss"], 2.3, 2)
    says("The loss is 2.30, its gradient 1.")
    assert (
        f["forward_shapes"] == f["backward_shapes"] == [(200, 784), (200, 80), (200, 80), (200, 10)]
    )
    says("(200, 784), (200, 80), (200, 80), (200, 10)")
    net = f["TwoLayerNet"](784, 80, 10)
    assert 0 < net.accuracy(f["x_test"], f["t_test"]) < 0.3
    says("It starts as a guess, right for about one image in ten")


def test_the_two_gradients_agree(f: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    CHAPTER.run("gradient_check", f)
    assert f["small_net"].params["W1"].shape == (784, 8)
    assert [*f["fast"]] == ["W1", "b1", "W2", "b2"]
    for key, fast in f["fast"].items():
        assert np.mean(np.abs(fast - f["slow"][key])) < 1e-7
    assert len(re.findall(r"difference \d\.\de-\d+", capsys.readouterr().out)) == 4
    says("All differences should be below $10^{-7}$.")


def test_the_numbers_of_parameters_and_passes(f: dict[str, Any]) -> None:
    net = f["TwoLayerNet"](784, 80, 10)
    count = sum(array.size for array in net.params.values())
    assert (count, 2 * count) == (63_610, 127_220)
    says("784-80-10, has 63,610 parameters, so one gradient costs 127,220 forward passes")


def test_timing(f: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    CHAPTER.run("plot_timing", f)
    assert len(f["counts"]) == len(f["slow_times"]) == len(f["fast_times"]) == 6
    ratios = np.array(f["slow_times"]) / f["fast_times"]
    assert ratios[-1] > 5 * ratios[0]  # the rest is the machine's affair
    assert ratios[-1] > 500
    says("from a hundred or more to several thousand")


def test_the_networks_of_course_and_helpers_agree(f: dict[str, Any]) -> None:
    ours = TwoLayerNet(6, 5, 4, 0.5, np.random.default_rng(1))
    theirs = f["TwoLayerNet"](6, 5, 4, 0.5, np.random.default_rng(1))
    rng = np.random.default_rng(2)
    x, t = rng.normal(size=(7, 6)), rng.integers(4, size=7)
    assert ours.loss(x, t) == pytest.approx(theirs.loss(x, t), rel=1e-12)
    for key, grad in ours.gradient(x, t).items():
        np.testing.assert_allclose(theirs.gradient(x, t)[key], grad, rtol=1e-12, atol=1e-15)


# --- training -------------------------------------------------------------------------------------


def test_one_step_by_hand() -> None:
    close(0.5 - 0.1 * 2, 0.3, 12)
    says("the new $w$ is $0.5 - 0.1 \\cdot 2 = 0.3$")


def test_a_batch_generator_gives_every_image_once(f: dict[str, Any]) -> None:
    x, t = np.arange(14.0).reshape(7, 2), np.arange(7)
    batches = list(f["random_batches"](x, t, 3, np.random.default_rng(1)))
    assert [len(part) for part, _ in batches] == [3, 3, 1]
    labels = np.concatenate([part for _, part in batches])
    assert sorted(labels) == list(range(7))
    assert labels.tolist() != list(range(7))
    for rows, truth in batches:
        np.testing.assert_array_equal(rows, x[truth])


@pytest.mark.long
def test_twenty_thousand_steps(f: dict[str, Any]) -> None:
    """The reference run: at least 94 of 100 test images are read right."""
    CHAPTER.run("training", f)
    assert len(load_mnist()[0][0]) == 10_000
    assert (len(f["x_fit"]), len(f["x_val"])) == (9_000, 1_000)
    assert len(f["losses"]) == 444 * 45 == 19_980
    assert f["epochs"] == len(f["train_acc"]) == len(f["val_acc"]) == 444
    says("9,000 are left, an epoch has 45 steps, and 444 epochs make 19,980 steps")
    assert f["final_test"] >= 0.94
    close([f["final_val"], f["final_test"]], [0.948, 0.944], 2)
    val, trained = np.array(f["val_acc"]), np.array(f["train_acc"])
    close([val[0], val[4]], [0.35, 0.85], 2)
    says("After one epoch 35 of 100 validation images are classified correctly, after five 85")
    says("and at the end 94.8")
    says("The test images, opened once, give 94.4.")
    assert f["final_train"] == 1.0
    assert 180 < np.argmax(trained == 1) < 250
    says("From about the 210th epoch on, all training images that are measured are classified")
    losses = np.array(f["losses"])
    close(losses[0], 2.3, 1)
    assert losses[-45:].mean() < losses[220 * 45 : 221 * 45].mean() / 2
    says("The loss goes on falling for 200 epochs more, and the validation accuracy hardly changes")
    assert abs(val[-20:].mean() - val[190:210].mean()) < 0.01
    says("falls from 2.3, fast at first, then evenly to a few thousandths")
    assert 0.002 < losses[-45:].mean() < 0.008
    says("then the training curve creeps up to 1, while the validation curve levels off below it")
    assert trained[-20:].mean() - val[-20:].mean() > 0.03


def test_the_test_images_are_looked_at_once() -> None:
    before, after = around_the_test_images(CHAPTER)
    assert "for _ in progress.track" in before
    assert "train(net" not in after


def test_the_figures_that_need_all_images() -> None:
    """Measured once, on all 60,000 images: 0.9758 after 20,100 steps."""
    assert round(20_000 * 200 / 60_000) == 67
    says("the same 20,000 steps are 67 epochs, and 97.6 of 100 test images are classified")


# --- the vanishing gradient -----------------------------------------------------------------------


def test_the_sigmoids_gradient_vanishes(f: dict[str, Any]) -> None:
    CHAPTER.run("plot_vanishing", f)
    sigmoid, relu = f["sigmoid_norms"], f["relu_norms"]
    assert len(sigmoid) == len(relu) == 11
    close([1e7 * sigmoid[0], sigmoid[-1]], [9, 0.96], 2)
    says("$9 \\cdot 10^{-7}$ against 0.96")
    assert 5e5 < sigmoid[-1] / sigmoid[0] < 2e6
    says("about a million times smaller than the last one's")
    steps = sigmoid[2:] / sigmoid[1:-1]
    assert steps.min() > 3.5
    assert steps.max() < 5
    says("From one layer to the next the factor is about 4 almost everywhere")
    assert round(4**10 / 1e6, 1) == 1.0
    says("$4^{10}$ is a million")
    assert relu.min() > 0.6
    assert relu.max() < 1.4
    says("For ReLU all eleven lie between 0.6 and 1.4.")


def test_relus_gradient_explodes_and_vanishes_with_the_size_of_the_weights(
    f: dict[str, Any],
) -> None:
    CHAPTER.run("plot_vanishing", f)
    large, small = f["large_norms"], f["small_norms"]
    assert large.min() > 1_700
    assert large.max() < 3_700
    says("With weights twice as large all gradients lie between 1,700 and 3,700")
    assert (large / f["relu_norms"]).min() > 2**10  # ten other layers, and a larger error
    says("each of the other ten layers contributes a factor of 2, together about a thousand")
    assert small.max() < 0.001
    rng = np.random.default_rng(5)  # as in the cell
    sizes = [784, *[100] * 10, 10]
    weights = [rng.normal(0, np.sqrt(2 * 4 / n), (n, m)) for n, m in pairwise(sizes)]
    moved = 0.1 * large / [np.linalg.norm(matrix) for matrix in weights]
    assert moved.min() > 6
    says("one step with the learning rate of 0.1 would change each layer's weights by six times")
    says("With weights half as large every layer's gradient is below 0.001.")
    assert 1 < f["relu_norms"][0] / small[0] / 2**10 < 2
    says("What the loss sends back has changed as well, by a factor below 2.")


def test_a_model_answer_quotes_the_figure(f: dict[str, Any]) -> None:
    CHAPTER.run("plot_vanishing", f)
    close([f["sigmoid_norms"][0] * 1e7, f["sigmoid_norms"][-1]], [9, 0.96], 2)
    says("In my figure the sigmoid's first layer has a gradient of 9e-7 and the last one of 0.96")


def test_a_backward_pass_has_two_matrix_products_per_layer() -> None:
    affine = Chapter("04_backprop", "layers").cell("Affine")
    forward, backward = affine.split("def backward")
    assert (forward.count(" @ "), backward.count(" @ ")) == (1, 2)
    says("(two matrix products per layer instead of one)")


# --- the bug museum -------------------------------------------------------------------------------


def test_the_aliased_gradients(f: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    CHAPTER.run("guess_exhibit_gradients", f)
    CHAPTER.run("try_gradients", f)
    caught, *lines = capsys.readouterr().out.splitlines()
    assert caught == "the exhibit: False (False is right)"
    arrays = [re.findall(r"\[([^\]]*)\]", line) for line in lines]
    numbers = [[[float(n) for n in part.split()] for part in line] for line in arrays]
    assert numbers == [
        [[1, 2, 3], [1, 2, 3]],
        [[3, 3, 3], [3, 3, 3]],
        [[6, 11, 20], [6, 11, 20]],
    ]
    says("half the sum of squares [1 2 3] [1 2 3] three times the sum [3 3 3] [3 3 3]")
    says("half the square of the sum [6 6 6] [ 6 11 20]")
    says("the gradient is right, $(3, 3, 3)$, and $w$ is now $(3, 3, 3)$, too")
    assert (6 + 2 + 3, 6 + 11 + 3) == (11, 20)
    says("$(6, 11, 20)$. The first number is right.")
    says("the second was computed at $(6, 2, 3)$, and the third at $(6, 11, 3)$")


def test_the_bug_that_is_compared_is_the_one_that_the_program_has(f: dict[str, Any]) -> None:
    assert CHAPTER.compared("try_gradients", f) == {"the bug in the gradients": "c"}
    assert 'c="the gradients and the parameters are the same arrays"' in CHAPTER.cell(
        "guess_exhibit_gradients"
    )


# --- the investigation, and the quiz --------------------------------------------------------------


@pytest.mark.long
def test_the_model_answers_quote_what_comes_out(
    f: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    held = 1000
    f["x_val"], f["t_val"] = f["x_train"][:held], f["t_train"][:held]
    f["x_fit"], f["t_fit"] = f["x_train"][held:], f["t_train"][held:]
    [code] = re.findall(r"```python\n(.*?)```", CHAPTER.cell("why_labels"), re.DOTALL)
    exec(code, f)
    rows = [re.findall(r"0\.\d+", line) for line in capsys.readouterr().out.splitlines()]
    few = [np.array(row, dtype=float) for row in rows[:4]]
    bad = [np.array(row[1:], dtype=float) for row in rows[4:]]
    close([part.mean() for part in few], [0.54, 0.82, 0.89, 0.91], 2)
    says("The mean accuracy was 0.54, 0.82, 0.89 and 0.91")
    assert round(np.ptp(few[0]), 2) == 0.04
    assert max(np.ptp(part) for part in few[1:]) < 0.0101
    says("the three seeds differ by 0.04 for 30 images and by 0.01 or less for the others")
    close(few[2].mean() - few[1].mean(), 0.07, 2)
    close([few[3].mean(), *(part.mean() for part in bad)], [0.91, 0.90, 0.87, 0.73], 2)
    says("It was 0.91, 0.90, 0.87 and 0.73")
    assert max(np.abs(part - part.mean()).max() for part in bad) < 0.02
    close(few[3].mean() - bad[1].mean(), 0.05, 2)
    close([0.9 * part for part in (0.2, 0.5, 0.8)], [0.18, 0.45, 0.72], 12)
    says("so 18, 45 and 72 % are really wrong")
    says("section 4C.3 reached 0.95")


def test_the_parameters_of_the_timing(f: dict[str, Any]) -> None:
    sizes = [
        sum(array.size for array in f["TwoLayerNet"](64, hidden, 10).params.values())
        for hidden in (1, 50)
    ]
    assert sizes == [85, 3760]
    says("the number of parameters from 85 to 3,760")


def test_what_the_slider_of_weights_shows(f: dict[str, Any]) -> None:
    CHAPTER.run("plot_vanishing", f)

    def ratio(times: float) -> float:
        norms = f["gradient_norms"](f["Sigmoid"], gain=times**2)
        return float(norms[-1] / norms[0])

    close([ratio(4) / 10, ratio(8)], [6, 5], 0)
    says("at 4 the first layer's gradient is 60 times smaller than the last one's, and at 8")
    assert np.median(f["large_norms"] / f["relu_norms"]) > 2000
    says("when all weights are doubled, it rises by a factor of more than two thousand")


def test_figures_with_sliders_draw_wherever_these_are(f: dict[str, Any]) -> None:
    CHAPTER.run("plot_vanishing", f)
    draws_wherever_its_sliders_are(CHAPTER, f)


def test_the_quiz_has_ten_questions_each_with_an_answer() -> None:
    holds_a_quiz_of_ten(CHAPTER)


def test_the_quiz() -> None:
    close(np.log(10), 2.30, 2)
    close((1 / 4) ** 5, 1 / 1024, 12)
    close(np.sqrt(0.95 * 0.05 / 1000), 0.007, 3)
    says("by about $\\sqrt{0.95 \\cdot 0.05 / 1000}$, or 0.007")
