"""Chapter 7, part A: its reference figures, and every number in its text."""

import re
from typing import Any

import numpy as np
import pytest

from helpers.answers import autograd, networks
from tests.notebooks.chapter import (
    Chapter,
    around_the_test_images,
    close,
    draws_wherever_its_sliders_are,
    holds_a_quiz_of_ten,
)

CHAPTER = Chapter("07_frameworks", "autograd")
says = CHAPTER.says


@pytest.fixture
def f(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The names that the reference solutions define, at the full pace."""
    monkeypatch.delenv("COURSE_PACE", raising=False)
    return CHAPTER.reference()


def gradients(f: dict[str, Any], build: Any, *numbers: Any) -> list[Any]:
    """Return the gradient at each of some tensors."""
    tensors = [f["Tensor"](number) for number in numbers]
    build(*tensors).backward()
    return [tensor.grad for tensor in tensors]


# --- the graph, the order, the shapes -------------------------------------------------------------


def test_the_formula_by_hand(f: dict[str, Any]) -> None:
    assert f["derivatives"](2.0, 3.0, 1.0) == (9.0, 13.0, 3.0)
    says("$u = 6$, $v = 7$, $L = 21$. Back: 1 at $L$, 3 at $v$, 3 at $u$.")
    assert gradients(f, lambda a, b, c: (a * b + c) * b, 2.0, 3.0, 1.0) == [9, 13, 3]
    says("Through $L = v\\,b$ comes $v = 7$. Through $u = a\\,b$ comes $3 \\cdot a = 6$.")
    CHAPTER.run("plot_graph", f)
    assert (f["u"], f["v"], f["v"] * f["b"]) == (6, 7, 21)
    assert CHAPTER.compared("compare_b", f) == {"gradient at b": 13}


def test_the_order_in_which_nodes_are_met_is_wrong_for_the_formula(f: dict[str, Any]) -> None:
    graph = {"a": [], "b": [], "c": [], "u": ["a", "b"], "v": ["u", "c"], "L": ["v", "b"]}
    assert f["topological_order"]("L", graph.get)[-1] == "L"
    met, stack = [], ["L"]
    while stack:
        met.append(stack.pop())
        stack += graph[met[-1]]
    assert met.count("b") == 2
    says("So $b$ is written down twice.")
    assert met.index("b") < met.index("u")
    says("And if only the first meeting counts, it stands on the wrong side of $u$")


def test_the_tables_of_broadcasting(f: dict[str, Any]) -> None:
    CHAPTER.run("plot_unbroadcast", f)
    for numbers, shape in zip(f["panels"].values(), [(3, 4), (4,), (3, 1), ()], strict=True):
        np.testing.assert_array_equal(
            f["unbroadcast"](f["came"], shape).ravel(), numbers.ravel(), strict=True
        )
    says("For a row it is summed down: 15, 18, 21, 24.")
    says("For a column it is summed across: 10, 26, 42. For a number it is summed over all: 78.")
    found = f["unbroadcast"](np.ones((5, 2, 3, 4)), (2, 1, 4))
    assert found.shape == (2, 1, 4)
    assert np.all(found == 15)
    says("A value of shape `(2, 1, 4)` was broadcast to `(5, 2, 3, 4)`.")


# --- the tensor -----------------------------------------------------------------------------------


def test_the_tensor_at_work(f: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    CHAPTER.run("try_tensor", f)
    first, bias, long = capsys.readouterr().out.splitlines()
    assert first == "L = 21: gradient 9 at a, 13 at b, 3 at c"
    assert bias.endswith("[5. 5. 5.]")
    assert long.endswith("5001.0")
    assert gradients(f, lambda x: x * x, 3.0) == [6]
    says("Each returns $1 \\cdot 3 = 3$. Together 6, and that is right")


def test_the_quotient_by_hand(f: dict[str, Any]) -> None:
    assert gradients(f, lambda x, y: x / y, 6.0, 2.0) == [0.5, -1.5]
    close([6 / 2.1, 3 - 6 / 2.1], [2.857, 0.143], 3)
    says("If $y$ grows to 2.1, the quotient falls to 2.857, by 0.143; the gradient predicted 0.15.")
    for build in (lambda t: 1 - t, lambda t: 2 / t):
        assert len(build(f["Tensor"](3.0)).edges) == 1
    says("One each, to `t`: `record` drops the number's.")


def test_repeated_places_need_add_at() -> None:
    grad, index = np.zeros(3), np.array([1, 1])
    grad[index] += np.array([10.0, 20.0])
    assert grad.tolist() == [0, 20, 0]
    says("of two parts for one place the last one wins")
    z = np.array([[0.1, 0.7, 0.2], [0.5, 0.2, 0.3], [0.1, 0.8, 0.1]])
    assert z[np.arange(3), [1, 0, 1]].tolist() == [0.7, 0.5, 0.8]
    says("t = (1, 0, 1) -> (0.7, 0.5, 0.8)")


def test_the_gradient_of_the_loss_is_softmax_minus_one_hot(
    f: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    CHAPTER.run("try_loss", f)
    ours, by_hand = (
        re.findall(r"-?\d\.\d+", line) for line in capsys.readouterr().out.splitlines()
    )
    assert ours == by_hand
    assert len(ours) == 3


def test_what_the_notebook_builds_is_what_the_helpers_hold(f: dict[str, Any]) -> None:
    rng = np.random.default_rng(3)
    z, t = rng.normal(size=(5, 4)), rng.integers(4, size=5)
    found = []
    for tensor, loss in (
        (f["Tensor"], f["softmax_cross_entropy"]),
        (autograd.Tensor, autograd.softmax_cross_entropy),
    ):
        scores = tensor(z)
        out = loss(1 - scores / 2 + 3 / (scores**2 + 1), t)
        out.backward()
        found.append([out.data, *np.asarray(scores.grad)])
    for one, other in zip(*found, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-12)


# --- the network ----------------------------------------------------------------------------------


def test_the_gradients_are_those_of_chapter_4(f: dict[str, Any]) -> None:
    layers = networks.TwoLayerNet(784, 50, 10, rng=np.random.default_rng(0))
    graph = f["TwoLayerNet"](784, 50, 10, rng=np.random.default_rng(0))
    x, t = f["x_train"][:100], f["t_train"][:100]
    right, found = layers.gradient(x, t), graph.gradient(x, t)
    for key in right:
        np.testing.assert_array_equal(layers.params[key], graph.params[key].data)
        np.testing.assert_allclose(found[key], right[key], rtol=0, atol=1e-10)
    kinds = {type(layer) for layer in (*layers.layers.values(), layers.last_layer)}
    assert len(kinds) == 3
    assert all(hasattr(kind, "backward") for kind in kinds)
    says(
        "three classes of layers, each with a `backward`, and a network that called them in reverse"
    )
    assert sum(tensor.data.size for tensor in graph.params.values()) == 39_760
    says("for a network with 39,760 parameters and one loss")
    order = f["topological_order"](graph.loss(x, t), lambda one: [x for x, _ in one.edges])
    assert len(order) == 17
    assert CHAPTER.compared("see_size", f) == {"tensors in the graph of one loss": len(order)}
    says("About 17, or 10 if your loss is a single `record`")


def test_training(f: dict[str, Any]) -> None:
    CHAPTER.run("training", f)
    losses, trained, validated = f["measured"].T
    assert len(losses) == 11
    close(losses[0], 2.3, 1)
    assert losses[-1] < 0.2
    says("rises steeply within two epochs, and then slowly on; the validation curve ends near 0.94")
    assert min(trained[2], validated[2]) - max(trained[0], validated[0]) > 0.6
    assert max(trained[-1] - trained[2], validated[-1] - validated[2]) < 0.1
    close(validated[-1], 0.94, 2)
    found = CHAPTER.compared("compare_epoch", f)
    assert found == {"validation accuracy after one epoch": validated[1]}
    assert abs(validated[-1] - 0.936) < 0.006  # another computer adds up in another order
    says("the validation curve ends near 0.94")
    assert trained[-1] > validated[-1]
    assert abs(f["final_test"] - 0.932) < 0.006
    error = np.sqrt(0.93 * 0.07 * (1 / 1_000 + 1 / 10_000))
    assert abs(validated[-1] - f["final_test"]) < 2 * error
    says("The test images, opened once, give about 0.93: what the validation images said, but for")
    assert f["final_test"] == f["learner"].accuracy(f["x_test"], f["t_test"])


def test_the_test_images_are_looked_at_once() -> None:
    before, after = around_the_test_images(CHAPTER)
    assert "measured = train(" in before
    assert "train(" not in after
    says("A tenth of the training images is held out")
    says("The test images are opened once, after the last epoch.")


def test_the_cost(f: dict[str, Any]) -> None:
    CHAPTER.run("plot_cost", f)
    ratios = np.divide(f["graph_times"], f["layer_times"])
    assert len(ratios) == 7
    assert np.all(ratios > 0)  # how large they are is the machine's affair
    assert [*CHAPTER.compared("compare_cost", f).values()] == [ratios[0]]


# --- the bug museum -------------------------------------------------------------------------------


def test_the_symptoms(f: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    CHAPTER.run("see_exhibits", f)
    lines = capsys.readouterr().out.splitlines()
    numbers = [[float(n) for n in re.findall(r"\d+\.\d*", line)] for line in lines]
    cases = [numbers[start : start + 4] for start in range(0, 16, 4)]
    assert cases[0] == [[4, 2]] * 4
    assert cases[1] == [[4, 2], [11, 6], [4, 2], [4, 2]]
    says("that makes 6, three times the right number: 2 from the first call, and 4 from the second")
    right, a, b, c = cases[2]
    assert right == a == b == [7.389, 1]
    assert c == [10.389, 1]
    says("The gradient at $x$ is 10.389 in place of 7.389.")
    assert cases[3] == [[6, 4], [6, 4], [9, 6], [6, 4]]
    for name, case in zip(
        (
            "$x\\,w + x$, called once",
            "the same, called twice",
            "$e^x + w$",
            "$u + u$ with $u = x\\,w$",
        ),
        cases,
        strict=True,
    ):
        by_hand = case[0]
        told = [", ".join(f"{number:g}" for number in found) for found in case]
        row = [
            f"**{one}**" if found != by_hand else one for one, found in zip(told, case, strict=True)
        ]
        says(f"| {name} | {' | '.join(row)} |")
    found = CHAPTER.compared("compare_exhibits", f)
    assert found == {"exhibit A": "c", "exhibit B": "a", "exhibit C": "b"}
    says("the exhibit passes on 1, and then 2, together 3 in place of 2.")


def test_the_museums_check_tells_right_from_wrong(f: dict[str, Any]) -> None:
    for exhibit in "abc":
        assert not f["check_engine"](f[f"exhibit_{exhibit}"])


# --- the slider and the quiz ----------------------------------------------------------------------


def test_the_tangent(f: dict[str, Any]) -> None:
    x = np.sqrt(0.5)
    for at, slope in ((1.0, -np.exp(-1)), (x, 0.0), (-x, 0.0)):
        (found,) = gradients(f, lambda t: t * f["exp"](-(t * t)), at)
        np.testing.assert_allclose(found, slope, atol=1e-12)
    close([-np.exp(-1), x], [-0.368, 0.707], 3)
    says("falls with the slope -0.368")
    says("so at $x = \\pm 0.707$")
    draws_wherever_its_sliders_are(CHAPTER, f)


def test_the_quiz_is_right(f: dict[str, Any]) -> None:
    holds_a_quiz_of_ten(CHAPTER)
    Tensor = f["Tensor"]
    assert gradients(f, lambda a: (a + 2.0) * (a + 2.0), 1.0) == [6]
    column, _ = gradients(f, lambda a, b: a + b, np.zeros((3, 1)), np.zeros((1, 4)))
    assert column.tolist() == [[4], [4], [4]]
    inputs = {"L": "vb", "v": "uc", "u": "ab", "a": "", "b": "", "c": ""}
    orders = {"a": "Lvbuac", "b": "Lvcuba", "c": "Luvcba"}
    fit = {
        name: all(order.index(i) > order.index(node) for node in order for i in inputs[node])
        for name, order in orders.items()
    }
    assert fit == {"a": False, "b": True, "c": False}
    param = start = Tensor(1.0)
    for _ in range(5):
        param = param - 0.1 * 2.0
    assert start in f["topological_order"](param, lambda one: [x for x, _ in one.edges])
    assert np.all(gradients(f, lambda x: x.mean(), np.arange(50.0))[0] == 1 / 50)
    grad = np.zeros(3)
    grad[[0, 0, 2]] += [1, 2, 4]
    assert grad.tolist() == [2, 0, 4]
    np.add.at(right := np.zeros(3), [0, 0, 2], [1, 2, 4])
    assert right.tolist() == [3, 0, 4]
    z, t = np.random.default_rng(5).normal(size=(4, 3)), np.array([0, 2, 1, 1])

    def loss(z: Any, m: float) -> Any:
        shifted = z - m
        return (f["log"](f["exp"](shifted).sum(axis=1)) - shifted[np.arange(4), t]).mean()

    losses = [float(loss(Tensor(z), m).data) for m in (0.0, 1.5)]
    np.testing.assert_allclose(losses[0], losses[1], rtol=1e-12)


def test_the_quizs_next_formula_tells_exhibit_b_from_the_others(f: dict[str, Any]) -> None:
    alike = [
        [("multiply", 0, 1)],
        [("exp", 0)],
        [("add", 0, 1)],
        [("add", 0, 1), ("multiply", 2, 1)],
        [("multiply", 0, 1), ("add", 0, 2)],
        [("multiply", 0, 1), ("multiply", 2, 0), ("multiply", 3, 1)],
    ]
    product = [("multiply", 0, 1), ("exp", 2), ("multiply", 2, 3)]
    for program in [*alike, product]:
        right, wrong = (f[engine](program, [0.7, 1.3]) for engine in ("exhibit_a", "exhibit_b"))
        assert np.allclose(right, wrong) is (program is not product)
