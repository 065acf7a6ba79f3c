"""Chapter 4, part B: its reference figures, and every number in its text."""

import re
from typing import Any

import numpy as np
import pytest

from tests.notebooks.chapter import Chapter, close

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
    says("At $x = 0$: $y = 0.5$ and the derivative is $0.5 \\cdot 0.5 = 0.25$, its largest value.")


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


def test_every_layer_passes_the_gradient_check(
    f: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    CHAPTER.run("check_layers", f)
    found = [float(n) for n in re.findall(r"\de-\d+", capsys.readouterr().out)]
    assert len(found) == 4
    assert max(found) <= 1e-9
    says("Differences of $10^{-9}$ and less are rounding")


def test_what_an_affine_layer_keeps(f: dict[str, Any]) -> None:
    layer = f["Affine"](np.zeros((784, 80)), np.zeros(80))
    layer.forward(np.zeros((200, 784)))
    assert layer.x.size == 156_800
    says("an input of 200 times 784 numbers, 156,800")


# --- the bug museum -------------------------------------------------------------------------------


def test_the_scribbling_relu(f: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    CHAPTER.run("see_exhibit_relu", f)
    right, wrong = capsys.readouterr().out.splitlines()
    assert right.endswith("through ReLU [1. 0. 1.], through the shortcut [1. 1. 1.]")
    assert wrong.endswith("through ReLU [1. 0. 1.], through the shortcut [1. 0. 1.]")
    says("Through ReLU $(1, 0, 1)$, through the shortcut $(1, 1, 1)$, together $(2, 1, 2)$.")
    says("the shortcut's gradient is $(1, 0, 1)$ as well, and the sum $(2, 0, 2)$")
    given = np.array([10.0, 20.0, 30.0])
    assert f["run_exhibit"](np.array([2.0, -1.0, 3.0]), given).tolist() == [10, 0, 30]
    says("The answer is right: 10, 0, 30.")


def test_the_museums_check_tells_right_from_wrong(f: dict[str, Any]) -> None:
    assert not f["check_relu"](f["run_exhibit"])

    def mended(x: Any, dout: Any) -> Any:
        layer = f["ReluMended"]()
        layer.forward(x)
        return layer.backward(dout)

    assert f["check_relu"](mended)
