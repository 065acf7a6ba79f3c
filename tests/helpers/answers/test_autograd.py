"""The tensor: against PyTorch's autograd, chapter 4's network and numerical differentiation."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from helpers.answers import networks
from helpers.answers.autograd import Tensor, no_grad, softmax_cross_entropy
from helpers.answers.gradients import numerical_gradient

FIXTURES = Path(__file__).parent / "fixtures"  # made by tools/record_autograd.py and record_layers

OPERATIONS: dict[str, Callable[..., Tensor]] = {
    "add": lambda x, y: x + y,
    "subtract": lambda x, y: x - y,
    "multiply": lambda x, y: x * y,
    "divide": lambda x, y: x / y,
    "left": lambda y: 2 / y - (1 - y),
    "power": lambda y: y**2.5,
    "matmul": lambda x, y: x @ y,
    "square": lambda x: x @ x * x,
    "exp": lambda x: x.exp(),
    "log": lambda y: y.log(),
    "relu": lambda x: x.relu(),
    "sum": lambda x: x.sum((0, 2)) + x.mean(1, keepdims=True).sum(2),
    "take": lambda x: x[np.array([0, 2, 2, 3, 2]), np.array([1, 0, 0, 2, 1])],
    "diamond": lambda x: (x * x + x).exp().mean(0) * (x * x + x).sum(0),
    "loss": lambda z: softmax_cross_entropy(z, np.array([0, 3, 1, 1, 2, 0])),
}


def recorded(file: str) -> dict[str, dict[str, Any]]:
    """Return what PyTorch computed: arrays by case and name."""
    found: dict[str, dict[str, Any]] = {}
    with np.load(FIXTURES / file) as arrays:
        for key in arrays:
            case, name = key.split(".")
            found.setdefault(case, {})[name] = arrays[key]
    return found


CASES = recorded("autograd.npz")


def same(actual: Any, expected: Any) -> None:
    assert np.shape(actual) == np.shape(expected)
    np.testing.assert_allclose(actual, expected, rtol=1e-11, atol=1e-13)


def test_every_recorded_case_is_computed() -> None:
    assert set(CASES) == set(OPERATIONS)


@pytest.mark.parametrize("name", OPERATIONS)
def test_an_operation_and_its_gradients_are_those_of_pytorch(name: str) -> None:
    case = CASES[name]
    leaves = {key: Tensor(case[key]) for key in ("x", "y", "z") if key in case}
    out = OPERATIONS[name](*leaves.values())
    same(out.data, case["out"])
    out.backward(case["dout"])
    for key, leaf in leaves.items():
        same(leaf.grad, case[f"d{key}"])


def network_loss(params: dict[str, Tensor], x: Any, t: Any) -> Tensor:
    hidden = (x @ params["W1"] + params["b1"]).relu()
    return softmax_cross_entropy(hidden @ params["W2"] + params["b2"], t)


def test_a_networks_gradients_are_those_of_pytorch_and_of_chapter_4() -> None:
    case = recorded("layers.npz")["net"]
    params = {key: Tensor(case[key]) for key in ("W1", "b1", "W2", "b2")}
    loss = network_loss(params, case["x"], case["t"])
    loss.backward()
    layers = networks.TwoLayerNet(6, 5, 4)
    for key in params:
        layers.params[key][...] = case[key]
    of_layers = layers.gradient(case["x"], case["t"])
    same(loss.data, case["out"])
    for key, param in params.items():
        same(param.grad, case[f"d{key}"])
        assert param.grad is not None
        np.testing.assert_allclose(param.grad, of_layers[key], rtol=0, atol=1e-10)


@pytest.mark.parametrize("name", OPERATIONS)
def test_gradients_agree_with_numerical_differentiation(name: str) -> None:
    case = CASES[name]
    given = {key: case[key] for key in ("x", "y", "z") if key in case}
    for key in given:

        def f(z: Any, key: str = key) -> Any:
            tensors = [Tensor(z if one == key else given[one]) for one in given]
            return np.sum(OPERATIONS[name](*tensors).data * case["dout"])

        found = numerical_gradient(f, given[key])
        np.testing.assert_allclose(case[f"d{key}"], found.value, rtol=1e-6, atol=1e-7)


def test_constants_stand_on_either_side_and_have_no_edges() -> None:
    x, c = Tensor([1.0, 2.0]), np.array([3.0, 4.0])
    for out, slope in ((c * x, c), (x - c, [1, 1]), (c - x, [-1, -1]), (c / x, [-3, -1])):
        assert isinstance(out, Tensor)
        out.backward()
        same(x.grad, np.array(slope, dtype=float))
    W = Tensor(np.ones((2, 3)))
    (c[np.newaxis] @ W).backward()
    same(W.grad, np.outer(c, np.ones(3)))
    assert [len((2.0 * x).edges), len((x * x).edges)] == [1, 2]


def test_each_call_starts_anew_and_every_gradient_is_an_array_of_its_own() -> None:
    x, y, dout = Tensor([1.0, 2.0]), Tensor([5.0, 6.0]), np.array([1.0, -1.0])
    z = x + y
    for _ in range(2):
        z.backward(dout)
        same(x.grad, dout)
    assert x.grad is not None
    assert y.grad is not None
    assert z.grad is not None
    for one, other in ((x.grad, y.grad), (x.grad, z.grad), (y.grad, z.grad), (z.grad, dout)):
        assert not np.shares_memory(one, other)
    number = Tensor(3.0)
    (number * number).backward()
    assert isinstance(number.grad, np.ndarray)
    assert number.grad.shape == ()


def test_ten_thousand_operations_in_a_row() -> None:
    start = end = Tensor(1.0)
    for _ in range(10_000):
        end = end + start
    end.backward()
    same(start.grad, 10_001.0)


def test_no_grad_is_nested_and_left_by_an_exception() -> None:
    x = Tensor(2.0)
    with no_grad():
        with pytest.raises(KeyError), no_grad():
            raise KeyError
        assert not (x * x).edges
    assert (x * x).edges
    assert repr(x) == "Tensor(2.0)"
