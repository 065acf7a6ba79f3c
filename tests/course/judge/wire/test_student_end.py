"""The student's end in its own process, confined and with a shell, as when a notebook is graded."""

import inspect
from typing import Any

import numpy as np
import pytest

from course.judge.sandbox import missing
from tests.course.judge.wire.started import Outputs, Start

pytestmark = pytest.mark.skipif(bool(missing()), reason="student processes are run confined only")


def text(outputs: Outputs) -> str:
    """Return what a cell has printed."""
    return "".join(o["text"] for o in outputs if o["output_type"] == "stream")


# --- streams and settings -------------------------------------------------------------------------

HAVOC = {
    "None": "sys.stdout = sys.stderr = None",
    "a stream that fails": "sys.stdout = sys.stderr = Fails()",
    "another stream": "sys.stdout = sys.stderr = io.StringIO()",
    "the original": "sys.stdout, sys.stderr = sys.__stdout__, sys.__stderr__",
    "no stream": "del sys.stdout, sys.stderr",
    "closed": "sys.stdout.close(), sys.stderr.close()",
    "closed descriptors": "os.close(1), os.close(2)",
    "a file": "sys.stdout = open('printed.txt', 'w')",
    "broken warnings": "warnings.showwarning = warnings.filters = warnings.warn = None",
}
MEDDLER = """
import io, os, sys, warnings
import numpy as np

class Fails:
    def write(self, text): raise RuntimeError("no text wanted")
    def flush(self): raise RuntimeError("no text wanted")

def add(a, b):
    return a + b

def says(text):
    print(text)
    print("aside", file=sys.stderr)
    return text

def havoc():
    {havoc}
"""


@pytest.mark.parametrize("havoc", HAVOC.values(), ids=HAVOC.keys())
def test_requests_and_cells_outlive_a_request_that_replaces_the_streams(
    havoc: str, start: Start
) -> None:
    student = start(MEDDLER.format(havoc=havoc))
    student.names["havoc"]()
    assert student.names["add"](1, 2) == 3
    assert text(student.run("print('a cell')")) == "a cell\n"
    assert student.names["says"]("b") == "b"
    assert student.session.printed == ["b\n"]


@pytest.mark.parametrize("havoc", HAVOC.values(), ids=HAVOC.keys())
def test_requests_outlive_a_cell_that_replaces_the_streams(havoc: str, start: Start) -> None:
    student = start(MEDDLER.format(havoc=havoc))
    student.run(havoc)
    student.run("print('lost, as it may be')")
    for _ in range(2):
        assert student.names["add"](1, 2) == 3
        assert student.names["says"]("b") == "b"
    assert student.session.printed == ["b\nb\n"]


SETTINGS = """
import os, sys, warnings
import matplotlib.pyplot as plt
import numpy as np

def meddles():
    print("to the test")
    print("to nobody", file=sys.stderr)
    os.write(1, b"by the descriptor\\n")
    warnings.simplefilter("error")
    plt.plot([1, 2])
    plt.figure().suptitle("left open")
    display("shown")
    np.random.seed(3)
    np.seterr(all="raise")
    np.set_printoptions(precision=2)
    plt.rcParams["figure.figsize"] = 1, 1
    try:
        input()
    except Exception as error:
        return type(error).__name__
"""


def test_what_a_request_prints_warns_of_and_draws_stays_out_of_cells(start: Start) -> None:
    student = start(SETTINGS)
    student.run("def warns(): warnings.warn('heard'); return 1")
    warns = student.names["warns"]
    with pytest.warns(UserWarning, match="heard"):
        assert warns() == 1
    assert student.names["meddles"]() == "EOFError"
    assert student.session.printed == ["to the test\n"]
    assert student.run("print('mine'); warnings.warn('mine too')")[0]["text"] == "mine\n"
    assert student.run("plt.get_fignums()")[-1]["data"]["text/plain"] == "[]"
    (shown,) = student.run("plt.plot([1]);")
    assert shown["output_type"] == "display_data"


def test_settings_outlive_a_request_as_in_the_notebook(start: Start) -> None:
    here = np.array2string(np.array([np.pi]))
    student = start(SETTINGS)
    student.names["meddles"]()
    (result,) = student.run("np.array([np.pi])")
    assert result["data"]["text/plain"] == "array([3.14])"
    (error,) = student.run("np.ones(1) / 0")
    assert error["ename"] == "FloatingPointError"
    assert student.test("result = np.array2string(np.array([np.pi])), str(np.float64(2) / 3)") == (
        here,
        "0.6666666666666666",
    )
    assert here != "[3.14]"


# --- classes, as the later chapters' exercises ask for them ---------------------------------------

NETWORK = """
from collections import OrderedDict
from contextlib import contextmanager

import numpy as np


class Affine:
    def __init__(self, W, b):
        self.W, self.b = W, b

    def forward(self, x):
        self.x = x
        return x @ self.W + self.b

    def backward(self, dout):
        self.dW = self.x.T @ dout
        self.db = dout.sum(axis=0)
        return dout @ self.W.T


class Relu:
    def forward(self, x):
        self.mask = x <= 0
        return np.where(self.mask, 0, x)

    def backward(self, dout):
        return np.where(self.mask, 0, dout)


class Dropout:
    def __init__(self, ratio=0.5, rng=None):
        self.ratio, self.rng = ratio, np.random.default_rng(rng)
        self.training = True

    def forward(self, x):
        self.mask = self.rng.random(x.shape) > self.ratio if self.training else 1 - self.ratio
        return x * self.mask

    def backward(self, dout):
        return dout * self.mask

    @contextmanager
    def testing(self):
        self.training = False
        try:
            yield self
        except ZeroDivisionError:
            pass
        finally:
            self.training = True


class Guard:
    def __enter__(self):
        self.inside = True
        return self

    def __exit__(self, kind, error, trace):
        self.inside, self.seen = False, (kind and kind.__name__, str(error))
        return kind is KeyError


class TwoLayerNet:
    def __init__(self, n, hidden, out, std=0.3, rng=None):
        rng = np.random.default_rng(0) if rng is None else rng
        self.params = {
            "W1": std * rng.normal(size=(n, hidden)), "b1": np.zeros(hidden),
            "W2": std * rng.normal(size=(hidden, out)), "b2": np.zeros(out),
        }
        self.layers = OrderedDict(
            Affine1=Affine(self.params["W1"], self.params["b1"]),
            Relu1=Relu(),
            Affine2=Affine(self.params["W2"], self.params["b2"]),
        )
        self.history = {"loss": [], "steps": 0}

    def predict(self, x):
        for layer in self.layers.values():
            x = layer.forward(x)
        return x

    def loss(self, x, t):
        return 0.5 * np.sum((self.predict(x) - t) ** 2) / len(x)

    def gradient(self, x, t):
        dout = (self.predict(x) - t) / len(x)
        for layer in reversed(self.layers.values()):
            dout = layer.backward(dout)
        first, last = self.layers["Affine1"], self.layers["Affine2"]
        return {"W1": first.dW, "b1": first.db, "W2": last.dW, "b2": last.db}

    def fit(self, x, t, optimizer, epochs=3, watch=None):
        for epoch in range(epochs):
            optimizer.update(self.params, self.gradient(x, t))
            self.history["loss"].append(self.loss(x, t))
            self.history["steps"] += 1
            if watch is not None and watch(epoch, self.history["loss"][-1]) == "stop":
                break
        return self.history


class Momentum:
    def __init__(self, lr=0.1, momentum=0.9):
        self.lr, self.momentum, self.v = lr, momentum, None

    def update(self, params, grads):
        if self.v is None:
            self.v = {key: np.zeros_like(value) for key, value in params.items()}
        for key in params:
            self.v[key] = self.momentum * self.v[key] - self.lr * grads[key]
            params[key] += self.v[key]


def decay(config, rate):
    for group in config["groups"]:
        group["lr"] *= rate
        for array in group["params"].values():
            array *= rate
    config["groups"][0]["seen"] = config["groups"][0]["params"]
    return config["groups"]


def shuffled(x, t, size, rng):
    order = rng.permutation(len(x))
    for start in range(0, len(x), size):
        yield x[order[start : start + size]], t[order[start : start + size]]


def train(net, batches, lr):
    for x, t in batches:
        for key, grad in net.gradient(x, t).items():
            net.params[key] -= lr * grad
"""

SETUP = """
import copy

import numpy as np

from helpers.checks import assert_close, assert_gradient, assert_shape, assert_unchanged
from helpers.answers.gradients import numerical_gradient

rng = np.random.default_rng(1)
x, t = rng.normal(size=(6, 4)), rng.normal(size=(6, 2))
"""

PROGRAMS = {
    "layers": """
        W, b, dout = rng.normal(size=(4, 3)), rng.normal(size=3), rng.normal(size=(6, 3))
        layer = Affine(W, b)
        out = layer.forward(x)
        dx = layer.backward(dout)
        assert_close(out, x @ W + b)
        assert_close(layer.dW, x.T @ dout)
        assert_shape(layer.db, (3,), name="db")
        np.testing.assert_allclose(layer.dW, x.T @ dout)
        truth = numerical_gradient(lambda w: np.sum(Affine(w, b).forward(x) * dout), W).value
        assert_close(layer.dW, truth, rtol=1e-6)
        result = (out, dx, layer.dW + 0, layer.dW.T @ layer.dW, layer.W is layer.W, layer.x[0] * 2,
                  layer.dW.shape, 2 * layer.db - b, layer.db @ b, np.abs(layer.dW - truth).max(),
                  layer.db.sum() > 0, bool((layer.dW == layer.dW.copy()).all()),
                  layer.W.flags.c_contiguous)
        """,
    "a network": """
        net = TwoLayerNet(4, 5, 2, rng=np.random.default_rng(3))
        grads = net.gradient(x, t)
        shapes = {key: value.shape for key, value in net.params.items()}
        for key, value in net.params.items():
            assert grads[key].shape == value.shape
            old, h = value[(0,) * value.ndim], 1e-4
            value[(0,) * value.ndim] = old + h
            up = net.loss(x, t)
            net.params[key][(0,) * value.ndim] -= 2 * h
            down = net.loss(x, t)
            net.params[key][(0,) * value.ndim] = old
            assert abs((up - down) / (2 * h) - grads[key][(0,) * value.ndim]) < 1e-6
        names = [type(layer).__name__ for layer in net.layers.values()]
        back = [type(layer).__name__ for layer in reversed(net.layers.values())]
        last = list(net.layers.values())[-1]
        result = (grads, shapes, names, back, last.W is net.params["W2"],
                  [name for name, layer in net.layers.items() if hasattr(layer, "dW")],
                  list(reversed(net.layers)),
                  {**net.params, "W1": 0}["b1"] + 1, (net.params | {"b1": 2})["b1"],
                  ({"b1": 2} | net.params)["b1"] + 0, sorted(net.params), net.loss(x, t))
        """,
    "a network that is trained": """
        net, seen = TwoLayerNet(4, 5, 2), []
        watch = lambda n, loss: seen.append((n, loss))
        history = copy.deepcopy(net.fit(x, t, Momentum(0.05), epochs=4, watch=watch))
        stopped = net.fit(x, t, Momentum(), watch=lambda n, loss: "stop")
        losses = net.history["loss"]
        result = (history, seen, stopped["steps"], np.diff(losses), losses[-1] < losses[0],
                  losses + [1.0], [0.5] + losses, len(losses), min(losses), net.history["steps"],
                  np.asarray(losses).mean(), [a > b for a, b in zip(losses, losses[1:])])
        """,
    "an optimizer": """
        opt = Momentum()
        params = {"W1": rng.normal(size=(3, 2)), "b1": np.zeros(2)}
        W, before = params["W1"], copy.deepcopy(params)
        for _ in range(3):
            grads = {key: rng.normal(size=value.shape) for key, value in params.items()}
            kept = copy.deepcopy(grads)
            opt.update(params, grads)
            assert all(np.array_equal(grads[key], kept[key]) for key in grads)
        net = TwoLayerNet(4, 5, 2)
        inside = net.layers["Affine1"].W
        Momentum(1.0).update(net.params, net.gradient(x, t))
        result = (params, W is params["W1"], before, opt.v["W1"] + 0, set(opt.v), inside - 0.5,
                  inside is net.params["W1"], net.predict(x))
        """,
    "a value given twice": """
        params = {"a": np.ones(2), "b": np.ones(2)}
        opt = Momentum(0.5)
        opt.update(params, params)
        shared = np.ones(2)
        twice = {"a": shared, "b": shared}
        Momentum(0.5).update(twice, {"a": np.ones(2), "b": np.ones(2)})
        result = params, twice, twice["a"] is twice["b"], twice["a"] is shared
        """,
    "nested arguments": """
        first = {"lr": 0.1, "params": {"W": np.ones((2, 2)), "b": np.ones(1)}}
        config = {"groups": [first, {"lr": 1, "params": {}}]}
        group, W = config["groups"][0], config["groups"][0]["params"]["W"]
        back = decay(config, 0.5)
        result = (config, group["lr"], W, back is config["groups"], group is first,
                  group["seen"] is group["params"])
        """,
    "random generators": """
        one, two = np.random.default_rng(5), np.random.default_rng(5)
        a, b = TwoLayerNet(4, 5, 2, rng=one), TwoLayerNet(4, 5, 2, rng=two)
        same = all(np.array_equal(a.params[key], b.params[key]) for key in a.params)
        drop, again = Dropout(0.3, rng=7), Dropout(0.3, rng=np.random.default_rng(7))
        masks = [drop.forward(np.ones((3, 4))) for _ in range(2)]
        masks += [again.forward(np.ones((3, 4))) for _ in range(2)]
        result = same, one.random(), two.random(), masks, drop.mask.mean(), drop.rng.random()
        """,
    "generators and loops": """
        batches = [(a.shape, b.sum()) for a, b in shuffled(x, t, 4, np.random.default_rng(2))]
        net = TwoLayerNet(4, 5, 2)
        train(net, [(x, t), (x[:3], t[:3])], 0.1)
        train(net, shuffled(x, t, 2, np.random.default_rng(4)), 0.1)
        result = batches, net.loss(x, t)
        """,
    "context managers": """
        drop, seen = Dropout(0.25, rng=1), []
        with drop.testing() as same:
            seen += [drop.training, drop.forward(np.ones(4)), same is drop]
        with drop.testing():
            1 / 0
        try:
            with drop.testing():
                raise KeyError("k")
        except KeyError as error:
            seen.append(str(error))
        guard = Guard()
        with guard as g:
            seen.append((g.inside, g is guard))
        with guard:
            raise KeyError("swallowed")
        result = seen, drop.training, guard.inside, guard.seen
        """,
    "what is kept over requests": """
        net = TwoLayerNet(4, 5, 2)
        W, layer, params, forward = net.params["W1"], net.layers["Affine1"], net.params, net.predict
        first = forward(x)
        W *= 2
        second = forward(x)
        params["b2"] += 1
        third = forward(x)
        layer.W = np.zeros((4, 5))
        result = (first, second, third, forward(x), W is net.params["W1"], layer.W is W,
                  layer.W.sum())
        """,
    "what is left alone": """
        net = TwoLayerNet(4, 5, 2)
        with assert_unchanged(x), assert_unchanged(t):
            net.gradient(x, t)
        relu = Relu()
        assert_gradient(
            lambda v: relu.backward(relu.forward(v)), lambda v: np.sum(relu.forward(v) ** 2) / 2, x)
        result = [copy.deepcopy(net).loss(x, t), copy.copy(net).params is net.params]
        """,
}


def plain(value: Any) -> Any:
    """Write a result down so that == compares it to the last bit."""
    if isinstance(value, np.ndarray | np.generic):
        array = np.asarray(value)
        return type(value).__name__ if array.ndim else "number", array.dtype.str, array.tolist()
    if isinstance(value, list | tuple | set):
        return type(value).__name__, [plain(item) for item in value]
    if isinstance(value, dict):
        return {key: plain(value[key]) for key in value}
    return value


@pytest.fixture(scope="module")
def here() -> dict[str, Any]:
    names: dict[str, Any] = {"__name__": "__main__"}
    exec(NETWORK, names)
    return names


@pytest.mark.parametrize("program", PROGRAMS.values(), ids=PROGRAMS.keys())
def test_test_code_does_the_same_with_the_students_classes_here_and_there(
    program: str, start: Start, here: dict[str, Any]
) -> None:
    source = SETUP + inspect.cleandoc(program)
    names = dict(here)
    exec(compile(source, "<test>", "exec"), names)
    assert plain(start(NETWORK).test(source)) == plain(names["result"])


def test_what_an_object_keeps_of_its_arguments_is_a_copy(start: Start) -> None:
    """The one thing that is not as in the notebook, so that no test relies on it."""
    names = start(NETWORK).names
    W = np.ones((4, 3))
    layer = names["Affine"](W, np.zeros(3))
    W[...] = 0
    assert layer.W.sum() == 12
    layer.W[...] = 2
    assert not W.any()


def test_an_object_of_the_tests_own_is_refused_in_words(start: Start) -> None:
    class Optimizer:
        pass

    net = start(NETWORK).names["TwoLayerNet"](4, 5, 2)
    with pytest.raises(TypeError, match="a test can't send Optimizer to the student's code"):
        net.fit(np.ones((1, 4)), np.ones((1, 2)), Optimizer())
    assert len(net.params) == 4
