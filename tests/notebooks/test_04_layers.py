"""Chapter 4, part B: its reference figures, and every number in its text."""

import re
from typing import Any

import numpy as np
import pytest

from tests.notebooks.chapter import (
    Chapter,
    close,
    draws_wherever_its_sliders_are,
    holds_a_quiz_of_ten,
)

CHAPTER = Chapter("04_backprop", "layers")
says = CHAPTER.says


@pytest.fixture
def f() -> dict[str, Any]:
    """The names that the reference solutions define."""
    return CHAPTER.reference()


# --- the graph ------------------------------------------------------------------------------------


def test_the_breakfast(f: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    CHAPTER.run("plot_cafe", f)
    assert "one more friend costs 2.75 + 1.65 = 4.40" in capsys.readouterr().out
    close([f["for_coffee"], f["for_rolls"], f["both"], f["bill"]], [7.5, 4.5, 12, 13.2], 12)
    says("The bill is $3 \\cdot 2.5 = 7.5$ for coffee, $3 \\cdot 1.5 = 4.5$ for rolls, 12 together")
    close([f["d_tip"], f["d_both"], f["d_coffee"], f["d_roll"]], [12, 1.1, 3.3, 3.3], 12)
    close([f["d_friends_1"], f["d_friends_2"]], [2.75, 1.65], 12)
    says("$1.1 \\cdot 3 = 3.3$")
    says("$1.1 \\cdot 2.5 = 2.75$ from one box and $1.1 \\cdot 1.5 = 1.65$ from the other, 4.4")
    dearer = 3 * (2.6 + 1.5) * 1.1 - 13.2
    close(dearer, 0.33, 12)
    says("if a coffee costs 10 cents more, the bill is 33 cents higher")


# --- the layers -----------------------------------------------------------------------------------


def test_relu_of_the_example(f: dict[str, Any]) -> None:
    layer = f["Relu"]()
    out = layer.forward(np.array([[1.0, -0.5], [-2.0, 3.0]]))
    assert out.tolist() == [[1, 0], [0, 3]]
    assert layer.backward(np.array([[10, 20], [30, 40]])).tolist() == [[10, 0], [0, 40]]
    says("┌ 1.0 -0.5 ┐ ┌ 1.0 0 ┐ ┌ 10 20 ┐ ┌ 10 0 ┐")
    says("└ -2.0 3.0 ┘ └ 0 3.0 ┘ └ 30 40 ┘ └ 0 40 ┘")


def test_sigmoid_is_steepest_at_zero(f: dict[str, Any]) -> None:
    layer = f["Sigmoid"]()
    y = layer.forward(np.linspace(-5, 5, 1001))
    slope = layer.backward(np.ones(1001))
    assert y[500] == 0.5
    assert slope[500] == slope.max() == 0.25
    says("At $x = 0$: $y = 0.5$ and the derivative is $0.5 \\cdot 0.5 = 0.25$.")
    says("The gradient is largest at 0, where it is 1/4.")


def test_affine_of_the_example(f: dict[str, Any]) -> None:
    layer = f["Affine"](np.array([[1.0, 3.0, 5.0], [2.0, 4.0, 6.0]]), np.zeros(3))
    layer.forward(np.array([[1.0, 2.0], [0.0, 1.0]]))
    dx = layer.backward(np.array([[1.0, 0.0, 2.0], [3.0, 1.0, 0.0]]))
    for array, text in (
        (dx, "dx = \\begin{pmatrix} 11 & 14 \\\\ 6 & 10 \\end{pmatrix}"),
        (layer.dW, "dW = \\begin{pmatrix} 1 & 0 & 2 \\\\ 5 & 1 & 4 \\end{pmatrix}"),
        (layer.db, "db = \\begin{pmatrix} 4 & 1 & 2 \\end{pmatrix}"),
    ):
        says(text)
        assert array.ravel().tolist() == [float(number) for number in re.findall(r"\d+", text)]
    assert (1 * 1 + 0 * 3 + 2 * 5, 2 * 1 + 1 * 3) == (11, 5)
    says(
        "$1 \\cdot 1 + 0 \\cdot 3 + 2 \\cdot 5 = 11$, "
        "and the 5 in $dW$ is $2 \\cdot 1 + 1 \\cdot 3$"
    )


def test_the_loss_of_the_example(f: dict[str, Any]) -> None:
    layer = f["SoftmaxWithLoss"]()
    loss = layer.forward(np.array([[0.3, 2.9, 4.0]]), np.array([2]))
    close(layer.y[0], [0.0182, 0.2452, 0.7366], 4)
    close(loss, 0.3057, 4)
    close(layer.backward()[0], [0.0182, 0.2452, -0.2634], 4)
    says("$y = (0.0182, 0.2452, 0.7366)$, the loss is $-\\log 0.7366 = 0.3057$")
    says("the gradient is $(0.0182, 0.2452, -0.2634)$")
    says("raises the last score and lowers the other two, the second more than the first")


def test_every_layer_passes_the_gradient_check(
    f: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    CHAPTER.run("check_layers", f)
    found = [float(n) for n in re.findall(r"\de-\d+", capsys.readouterr().out)]
    assert len(found) == 5
    assert max(found) <= 1e-9
    says("Differences of $10^{-9}$ and less are rounding")


def test_what_an_affine_layer_keeps(f: dict[str, Any]) -> None:
    layer = f["Affine"](np.zeros((784, 80)), np.zeros(80))
    layer.forward(np.zeros((200, 784)))
    assert layer.x.size == 156_800
    says("an input of 200 times 784 numbers, 156,800")


# --- the bug museum -------------------------------------------------------------------------------


def test_the_scribbling_relu(f: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    CHAPTER.run("guess_exhibit_relu", f)
    CHAPTER.run("try_relu", f)
    caught, right, wrong = capsys.readouterr().out.splitlines()
    assert caught == "the exhibit: False (False is right)"
    assert right.endswith("through ReLU [1. 0. 1.], through the shortcut [1. 1. 1.]")
    assert wrong.endswith("through ReLU [1. 0. 1.], through the shortcut [1. 0. 1.]")
    says("through ReLU $(1, 0, 1)$, through the shortcut $(1, 0, 1)$ in place of $(1, 1, 1)$")
    says("the sum is $(2, 0, 2)$ in place of $(2, 1, 2)$")
    says("with the shortcut [2 1 2] [2 1 2] [2 0 2]")
    says("the layer alone [1 0 1] [1 0 1] [1 0 1]")
    alone = f["run_exhibit"](np.array([2.0, -1.0, 3.0]), np.ones(3))
    assert alone.tolist() == [1, 0, 1]


def test_the_bug_that_is_compared_is_the_one_that_the_program_has(f: dict[str, Any]) -> None:
    assert CHAPTER.compared("try_relu", f) == {"the bug in the ReLU": "d"}
    assert 'd="it changes an array that another layer still needs"' in CHAPTER.cell(
        "guess_exhibit_relu"
    )


def test_a_dout_of_ones_hides_most(f: dict[str, Any]) -> None:
    CHAPTER.run("compare_ones", f)
    assert f["found"] == {"ones": 1, "random": 5}
    assert len(f["ways"]) == 5
    says("One of five: only the forgotten factor $1 - y$.")


def test_the_sigmoid_box_by_box(f: dict[str, Any]) -> None:
    y = f["sigmoid"](np.array([1.0, 6.0]))
    close(y[0], 0.7311, 4)
    close([-(y[0] ** 2), -(y[0] ** 2) * np.exp(-1)], [-0.5344, -0.1966], 4)
    close([np.exp(-1), 1 + np.exp(-1)], [0.3679, 1.3679], 4)
    says("Forward: 1, -1, 0.3679, 1.368, 0.7311.")
    says("1, -0.5344, -0.5344, -0.1966, and 0.1966 at x.")
    close(y[1] * (1 - y[1]), 0.0025, 4)
    says("At $x = 6$ it is 0.0025: a hundredth of that.")


def test_figures_with_sliders_draw_wherever_these_are(f: dict[str, Any]) -> None:
    draws_wherever_its_sliders_are(CHAPTER, f)


def test_the_quiz_has_ten_questions_each_with_an_answer() -> None:
    holds_a_quiz_of_ten(CHAPTER)


def test_the_quiz(f: dict[str, Any]) -> None:
    close([2 * 0.9 * 0.1, 6 * 0.5, 6 * 4], [0.18, 3, 24], 12)
    layer = f["SoftmaxWithLoss"]()
    layer.forward(np.zeros((1, 4)), np.array([0]))
    close(layer.backward(), [[-0.75, 0.25, 0.25, 0.25]], 12)
    close(layer.forward(np.array([[0.0, 1000.0]]), np.array([0])), 1000, 9)
    slip = (np.tanh(0.5 + 1e-13) - np.tanh(0.5 - 1e-13)) / 2e-13 - (1 - np.tanh(0.5) ** 2)
    assert 1e-6 < abs(slip) < 1e-2
    says("rounding errors of $10^{-16}$ become errors of about $10^{-3}$")
