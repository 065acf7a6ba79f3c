"""A test's code does the same to the student's objects as it would in the notebook itself."""

import os
import pickle
import signal
import socket
import warnings

import numpy as np
import pytest

from course.judge.wire import judge_end as remote
from course.judge.wire.judge_end import (
    MAX_OUTPUT,
    MAX_RAISED,
    Namespace,
    Session,
    StudentGoneError,
)
from course.judge.wire.student_end import Student
from helpers.checks import assert_close, assert_shape
from helpers.diagnosis import diagnose
from helpers.specification import arrays, function, part
from helpers.specification.specifications import Subject, search
from helpers.specification.values import copied
from tests.course.judge.clocks import HandClock

STUDENT = """
import builtins
import warnings
from collections import OrderedDict, namedtuple

import numpy as np


def add(a, b=1):
    return a + b

def same(x):
    return x

def sigmoid(x):
    return 1 / (1 + np.exp(-np.asarray(x)))

def in_place(x):
    x *= 2
    return x

def update(params, grads, lr=0.1):
    for key in params:
        params[key] -= lr * grads[key]

def rebind(params, grads, lr=0.1):
    for key in params:
        params[key] = params[key] - lr * grads[key]
    params["t"] = 1
    del params["b"]

def swap(pair):
    pair[0], pair[1] = pair[1], pair[0]
    pair.append(pair[0])

def nested(config):
    config["a"]["b"][0][...] = 7
    config["a"]["c"] = {"d": config["a"]["b"]}

def record(history, params):
    history.append(params)
    history.append(params["W"])

def draws(rng, n=3):
    return rng.normal(size=n)

class Noise:
    def __init__(self, rng=None):
        self.rng = np.random.default_rng(7) if rng is None else rng

    def sample(self):
        return self.rng.random(2)

def swell(history):
    history.extend(range(10**6))

def both(a, b):
    a += 1
    return b.sum()

def first(pair):
    pair[0][...] = 5

def numerical_diff(f, x, h=1e-4):
    return (f(x + h) - f(x - h)) / (2 * h)

def check_sigmoid(candidate):
    try:
        assert abs(candidate(0.0) - 0.5) < 1e-9
        assert candidate(1000.0) == 1.0
    except AssertionError:
        return False
    except (OverflowError, ZeroDivisionError) as error:
        return type(error).__name__
    return True

def check_leaves_alone(f):
    x = np.ones(3)
    f(x)
    return bool((x == 1).all())

def batches(x, size):
    for start in range(0, len(x), size):
        yield x[start : start + size]

def forever():
    n = 0
    while True:
        yield n
        n += 1

def apply(f, *args):
    return f(*args)

def ping(f, n):
    return f(n)

def raises(name, *args):
    raise {**vars(builtins), "Own": Own, "OwnKey": OwnKey}[name](*args)

class Own(ArithmeticError):
    pass

class OwnKey(KeyError):
    def __str__(self):
        return "no such layer"

def warns():
    warnings.warn("old", DeprecationWarning)
    return np.exp(np.array([1000.0]))

def says(text):
    print(text)

def shares(a, b):
    return a is b

KEPT = []

def keep(f):
    KEPT.append(f)

def call_kept():
    return KEPT[0](1)

def late(f):
    import threading
    found = []
    def run():
        try:
            found.append(f(1))
        except RuntimeError as error:
            found.append(str(error))
    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    return found

def views(x):
    return {"a": x}.keys()

def text_array():
    return np.array(["a", "b"])

counter = 0
table = np.arange(12.0).reshape(3, 4)
flags = np.array([True, False, True])
ids = np.arange(3, dtype=np.int8)
numbers = [1, 2.5, 3]
pair = (np.zeros(2), [1])
Point = namedtuple("Point", "x y")
point = Point(1.0, 2.0)
scale = np.float32(0.5)
z = 1 + 2j

def count():
    global counter
    counter += 1


class Relu:
    def __init__(self):
        self.mask = None

    def forward(self, x):
        self.mask = x <= 0
        out = x.copy()
        out[self.mask] = 0
        return out

    def backward(self, dout):
        dout = dout.copy()
        dout[self.mask] = 0
        return dout


class LeakyRelu(Relu):
    pass


class Affine:
    def __init__(self, W, b):
        self.W, self.b = W, b
        self.dW = self.db = None

    def forward(self, x):
        self.x = x
        return x @ self.W + self.b

    def backward(self, dout):
        self.dW = self.x.T @ dout
        self.db = dout.sum(axis=0)
        return dout @ self.W.T


class Momentum:
    def __init__(self, lr=0.1, momentum=0.9):
        self.lr, self.momentum, self.v = lr, momentum, None

    def update(self, params, grads):
        if self.v is None:
            self.v = {key: np.zeros_like(value) for key, value in params.items()}
        for key in params:
            self.v[key] = self.momentum * self.v[key] - self.lr * grads[key]
            params[key] += self.v[key]


class Net:
    version = "1"

    def __init__(self, n=4, hidden=5, out=3, seed=0):
        rng = np.random.default_rng(seed)
        self.params = {
            "W1": rng.normal(size=(n, hidden)), "b1": np.zeros(hidden),
            "W2": rng.normal(size=(hidden, out)), "b2": np.zeros(out),
        }
        p = self.params
        self.layers = OrderedDict()
        self.layers["Affine1"] = Affine(p["W1"], p["b1"])
        self.layers["Relu1"] = Relu()
        self.layers["Affine2"] = Affine(p["W2"], p["b2"])
        self.last = self.layers["Affine2"]
        self.stack = list(self.layers.values())
        self.losses = []

    def predict(self, x):
        for layer in self.layers.values():
            x = layer.forward(x)
        return x

    def loss(self, x, t):
        return 0.5 * np.sum((self.predict(x) - t) ** 2)

    def gradient(self, x, t):
        dout = self.predict(x) - t
        for layer in reversed(self.stack):
            dout = layer.backward(dout)
        return {
            "W1": self.layers["Affine1"].dW, "b1": self.layers["Affine1"].db,
            "W2": self.layers["Affine2"].dW, "b2": self.layers["Affine2"].db,
        }

    def fit(self, x, t, epochs=3):
        for _ in range(epochs):
            grads = self.gradient(x, t)
            for key in self.params:
                self.params[key] -= 0.01 * grads[key]
            self.losses.append(self.loss(x, t))
        return self

    @property
    def size(self):
        return sum(value.size for value in self.params.values())

    @property
    def broken(self):
        raise ZeroDivisionError("no size")

    def __len__(self):
        return len(self.layers)

    def __iter__(self):
        return iter(self.layers.values())

    def __contains__(self, name):
        return name in self.layers

    def __getitem__(self, name):
        return self.layers[name]


net = Net()
"""

TEST_NAMES = """
import copy
import numpy as np
from helpers.checks import *
from helpers.answers.gradients import numerical_gradient

x = np.random.default_rng(1).normal(size=(6, 4))
t = np.random.default_rng(2).normal(size=(6, 3))

def numeric(loss, W, h=1e-4):
    grad = np.zeros(W.shape)
    for index in np.ndindex(W.shape):
        old = W[index]
        W[index] += h
        up = loss()
        W[index] = old - h
        down = loss()
        W[index] = old
        grad[index] = (up - down) / (2 * h)
    return grad
"""


def student_process(connection, source):
    """Fork a process that serves `source`'s names, and return its id."""
    process = os.fork()
    if process:
        return process
    try:
        names = {"__name__": "__main__", "__builtins__": __builtins__}
        exec(compile(source, "<student>", "exec"), names)
        Student(connection, names).serve()
    finally:
        os._exit(0)


@pytest.fixture
def start():
    """Start student processes, and end them after the test."""
    running = []

    def begin(source=STUDENT, seconds=600, clock=None):
        ours, theirs = socket.socketpair()
        running.append((ours, student_process(theirs, source)))
        theirs.close()
        return Session(ours, seconds, clock)

    yield begin
    for connection, process in running:
        connection.close()
        os.kill(process, signal.SIGKILL)
        os.waitpid(process, 0)


@pytest.fixture
def session(start):
    return start()


@pytest.fixture
def names(session):
    return Namespace({}, session)


# --- the same here and there ----------------------------------------------------------------------

PROGRAMS = {
    "a call": "result = add(1, 2), add(2), add(b=3, a=4), add('a', 'b'), add([1], [2])",
    "numbers keep their type": """
        result = same(np.float32(1.5)), same(np.int8(3)), same(np.True_), same(1.5), scale, z
        result += type(same(np.float32(1.5))).__name__, type(same(True)).__name__
        result += table[1, 2], ids[0], flags[0], type(ids[0]).__name__, type(scale).__name__""",
    "arrays of all kinds": """
        kinds = [np.zeros(0), np.array(3), np.arange(6).reshape(2, 3).T, np.arange(3, dtype=">i4"),
                 np.ones((2, 2), dtype=np.float16), np.array([1j]), np.zeros((2, 0, 3))]
        result = [(same(k.copy()).shape, same(k.copy()) + 0) for k in kinds]""",
    "plain things": """
        result = [same(v) for v in (None, b"ab", {1: "a"}, {1, 2}, frozenset("a"), range(3), "ü",
                  (1, (2,)), {"a": {"b": np.arange(2)}}, slice(1, 2), 10**30, float("inf"))]""",
    "an argument that is changed": "a = np.ones(3); in_place(a); result = a",
    "an argument that is given back": """
        a, d = np.ones(3), {"k": [1]}
        result = same(a) is a, same(d) is d, in_place(a) is a, same(d)["k"] is d["k"]""",
    "an argument given twice": "a = np.ones(3); result = both(a, a), shares(a, a), a",
    "a view of an argument": """
        a = np.zeros((3, 3)); in_place(a[1]); first([a[2]]); first((a[:, 0],)); result = a""",
    "the form of an array": """
        result = []
        for a in (net.params["W1"], net.params["b1"], table, ids, flags, net.layers["Affine1"].W.T):
            result += [a.shape, a.dtype, a.ndim, a.size, len(a), a.nbytes]
            result += [np.shape(a), np.ndim(a), np.size(a), np.zeros(a.shape, a.dtype)]
            result += [[type(v).__name__ for v in (a.shape, a.shape[0], a.ndim, a.size)]]
        zero = net.params["b1"][0:1].reshape(())
        result += [zero.shape, zero.ndim, zero.size]
        try: len(zero)
        except TypeError as error: result += [str(error)]""",
    "a big-endian argument": "a = np.ones(3, dtype='>f4'); in_place(a); result = a + 0",
    "a longdouble argument": "a = np.ones(3, dtype=np.longdouble); in_place(a); result = list(a)",
    "a read-only argument": """
        a = np.ones(3); a.flags.writeable = False
        try: in_place(a)
        except ValueError: result = "refused", a""",
    "a dict that is changed": """
        p = {"W": np.ones(2), "b": np.zeros(1)}; W = p["W"]
        update(p, {"W": np.ones(2), "b": np.ones(1)}); result = p, W, W is p["W"]""",
    "a dict whose items are replaced": """
        p = {"W": np.ones(2), "b": np.zeros(1)}; W = p["W"]
        rebind(p, {"W": np.ones(2), "b": np.ones(1)}); result = p, W, W is p["W"], list(p)""",
    "a list whose items change places": """
        a, b = np.zeros(1), np.ones(1); l = [a, b]; swap(l)
        result = l, a, b, l[0] is b, l[2] is b, l[1] is a""",
    "an argument that is put into another": """
        h, p = [], {"W": np.zeros(2)}
        record(h, p); record(h, p)
        result = h, h[0] is p, h[1] is p["W"], h[2] is p""",
    "a random generator": """
        rng, twice = np.random.default_rng(3), np.random.default_rng(3)
        result = [draws(rng), draws(rng, 2), rng.random(), draws(np.random.default_rng(4))]
        result += [draws(twice), Noise(twice).sample(), Noise().sample(), same(twice) is twice]
        old = np.random.RandomState(3)
        result += [draws(old), old.normal(), draws(old, 1), [rng.integers(9, size=3)]]
        result += [apply(lambda g: g.random(), rng), draws(rng)]""",
    "an object's random generator": """
        noise = Noise()
        result = [noise.sample(), noise.rng.random(), noise.sample(), noise.rng is noise.rng]
        noise.rng = np.random.default_rng(9)
        result += [noise.sample(), noise.rng.normal(size=2)]""",
    "a deep change": """
        c = {"a": {"b": [np.zeros(2)]}}; b = c["a"]["b"]; nested(c)
        result = c, b, c["a"]["c"]["d"] is b""",
    "a callback": "result = numerical_diff(lambda v: v**3, np.array([1.0, 2.0])), apply(max, 3, 4)",
    "a callback that keeps state": """
        seen = []
        numerical_diff(lambda v: seen.append(v) or v, 2.0)
        result = seen""",
    "a NumPy function as a callback": "result = numerical_diff(np.sin, 0.3)",
    "a method as a callback": "result = apply(x.sum), apply({'a': 1}.get, 'a')",
    "a test's function that calls the student's": """
        result = numerical_diff(lambda v: sigmoid(v) * add(1, 1), 0.3)""",
    "the student's function as an argument": """
        result = numerical_diff(sigmoid, 0.3), apply(net.loss, x, t), apply(Relu) is not None""",
    "a student's check": """
        def overflows(v):
            import math
            return 1 / (1 + math.exp(-v * 1e6))
        result = (check_sigmoid(lambda v: 1 / (1 + np.exp(-v))), check_sigmoid(lambda v: v),
                  check_sigmoid(lambda v: 1 / 0), check_sigmoid(overflows))""",
    "a callback that changes its argument": """
        def wrong(v): v *= 2
        result = check_leaves_alone(wrong), check_leaves_alone(lambda v: v * 2)""",
    "an exception that goes through the student's code": """
        class Secret(LookupError): pass
        def fails(v): raise Secret("mine")
        try: apply(fails, 1)
        except Secret as error: result = str(error)""",
    "a net's attributes": """
        result = (net.params["W1"].shape, net.params["b1"].dtype, net.params["W1"].size, net.size,
                  len(net), "Relu1" in net, "Relu2" in net, net.version, bool(net), Net.version,
                  net.params["W1"].ndim, len(net.params["W1"]), len(net.params), hasattr(net, "q"),
                  hasattr(net, "loss"), getattr(net, "q", 3), net.loss.__name__, Net.__name__)""",
    "a net's gradient by hand": """
        numerical = {k: numeric(lambda: net.loss(x, t), net.params[k]) for k in ("W1", "b2")}
        grads = net.gradient(x, t)
        result = numerical, grads, [np.abs(numerical[k] - grads[k]).max() for k in numerical]""",
    "a net's gradient by the helpers": """
        old = net.params["W2"].copy()
        def f(v):
            net.params["W2"][...] = v
            return net.loss(x, t)
        result = numerical_gradient(f, old).value""",
    "a step by hand": """
        grads = net.gradient(x, t)
        for key in net.params:
            net.params[key] -= 0.1 * grads[key]
        for key, value in net.params.items():
            value += 1
        result = net.loss(x, t), {k: v.copy() for k, v in net.params.items()}""",
    "writes to arrays": """
        W = net.params["W1"]
        W[0] += 1
        W[1, 2] = 5
        W[:, 0] *= 2
        W[2][1:3] = [7, 8]
        W[W > 1.5] = 0
        W.T[3] = -1
        W.reshape(-1)[0] = 9
        W.ravel()[1] = 10
        W.flat[2] = 11
        np.add(W, 1, out=W)
        np.add.at(W, (0, 0), 2)
        np.multiply(W, 2, out=W, where=W > 0)
        W[...] = W - 0.5
        W[[0, 1]] = W[[1, 0]]
        np.fill_diagonal(W, 3)
        W -= W.mean(axis=0)
        W **= 2
        W[0].sort()
        net.params["b1"].fill(4)
        net.params["b2"][:2] = 6
        result = net.params["W1"].copy(), W.copy(), net.loss(x, t), net.params["b1"] + 0""",
    "an array keeps its type when it is written to": """
        try: ids += 0.5
        except TypeError as error: result = type(error).__name__, ids.copy()""",
    "reading arrays": """
        W, b = net.params["W1"], net.params["b1"]
        result = (W + 1, 1 - W, W @ b, x @ W, W * b, -W, abs(W), W == W, W > 0, W.sum(),
                  W.mean(axis=0), np.dot(x, W), np.linalg.norm(W), np.sum(W), np.exp(W), W.T,
                  np.max(W), np.concatenate([b, b]), np.allclose(W, W), np.array_equal(W, W.copy()),
                  [row.sum() for row in W], list(b), W.tolist(), float(b[0]), int(b[0]), b.any(),
                  W[0], W[0, 0], W[-1, ::2], W[W > 0], np.array(W), np.asarray(W, dtype=np.float32),
                  np.stack([W, W]), np.where(W > 0, W, 0), W.astype(int), np.isnan(W).any(),
                  np.testing.assert_allclose(W, W), str(W), f"{W}", repr(b), np.zeros_like(W),
                  W.argmax(), np.transpose(W), np.reshape(W, -1), np.divmod(W, 2), W.copy(),
                  np.add.reduce(W), np.multiply.outer(b, b), 0.0 in b, np.shape(W), np.ndim(W),
                  np.einsum("ij,ij", W, W), np.ptp(W), np.sort(W), np.isclose(W, 0), W.flags.owndata
                  )""",
    "is it an array": """
        result = (isinstance(net.params["W1"], np.ndarray), isinstance(net.params, dict),
                  isinstance(net.stack, list), isinstance(table.shape, tuple),
                  isinstance(net.params["W1"], dict), callable(net), callable(net.loss),
                  callable(Net), type(net).__name__, type(net.params["W1"]).__name__)""",
    "classes": """
        relu, leaky = Relu(), LeakyRelu()
        result = (relu.mask, relu.forward(x), relu.backward(x), relu.mask.sum(),
                  isinstance(relu, Relu), isinstance(leaky, Relu), isinstance(relu, LeakyRelu),
                  isinstance(relu, Net), isinstance(3, Relu), issubclass(LeakyRelu, Relu),
                  issubclass(Relu, LeakyRelu), isinstance(relu, (Net, Relu)))""",
    "layers": """
        y = x
        for layer in net.layers.values():
            y = layer.forward(y)
        net.gradient(x, t)
        result = (y, net.layers["Affine1"].dW, list(net.layers), net.layers["Affine1"].dW.shape,
                  [type(layer).__name__ for layer in net], net["Relu1"].mask.any(),
                  [type(layer).__name__ for layer in net.stack[1:]], net.stack[-1].dW + 0,
                  list(net.layers.items())[0][0], len(net.stack), net.stack[0] is net["Affine1"],
                  [layer.dW.sum() for layer in net.stack if hasattr(layer, "dW")])""",
    "one thing is one thing": """
        result = (net.last is net.layers["Affine2"], net.last == net.stack[2],
                  net.layers["Affine1"].W is net.params["W1"], net.params is net.params,
                  net.last is net.layers["Affine1"], net.last in net.stack)""",
    "attributes that are set": """
        net.lr, net.params["W1"][...] = 0.5, 0
        net.layers["Affine1"].W = np.ones((4, 5))
        net.extra = {"a": [1]}
        net.extra["a"].append(2)
        net.extra["b"] = np.arange(2)
        del net.extra["a"][0]
        result = net.lr, net.loss(x, t), dict(net.extra), net.extra["a"] == [2]
        del net.lr
        result += (hasattr(net, "lr"),)""",
    "dicts": """
        p = net.params
        result = (list(p), "W1" in p, "W9" in p, p.get("W9"), sorted(p.keys()), set(p), len(p),
                  p.pop("b2"), list(p), p == {}, p.setdefault("n", 3), {**p}["n"])
        p.update(W1=np.zeros((4, 5))); p["n"] += 1; del p["b1"]
        result += (p["W1"] + 0, p["n"], [k for k, v in p.items()], bool(p))""",
    "lists": """
        net.fit(x, t)
        l = net.losses
        l.append(1.5); l.insert(0, 2); l[1] = 3; l += [4]; del l[2]
        result = (list(l), len(l), l[-1], l[1:3] == [3, 1.5], np.mean(l), max(l), sum(l), 4 in l,
                  l == list(l), l.index(4), l.pop(), l[::-1] == l[::-1], np.array(l).shape,
                  [a < b for a, b in zip(l, l[1:])], sorted(l), list(reversed(l)), l.count(3))
        l.sort(); l.reverse(); result += (list(l), repr(l))""",
    "an optimizer": """
        opt = Momentum(lr=0.01)
        p = {k: v.copy() for k, v in net.params.items()}
        for _ in range(3):
            opt.update(p, {k: np.ones_like(v) for k, v in p.items()})
            opt.update(net.params, {k: np.ones_like(v) for k, v in p.items()})
        result = p, opt.v["W1"] + 0, opt.lr, {k: v + 0 for k, v in net.params.items()}""",
    "copies": """
        p = copy.deepcopy(net.params); q = net.params.copy(); other = copy.deepcopy(net)
        p["W1"][0] = 9; q["b1"][0] = 8; q["W2"] = 0; other.params["b2"][...] = 7
        result = {k: v + 0 for k, v in net.params.items()}, p["W1"] + 0, other.params["b2"] + 0
        result += (copy.copy(net).last is net.last, other.last is net.last)""",
    "a generator": """
        result = [b.sum() for b in batches(x, 4)], sum(1 for _ in batches(x, 4))
        g = batches(x, 2)
        result += next(g), next(g) + 0, iter(g) is g, len(list(g)), next(g, None)
        for n, _ in zip(forever(), range(5)): pass
        result += (n, list(zip(range(3), forever())))""",
    "views of dicts": "result = views(1) == {'a'}, list(views(1)), type(views(1)).__name__",
    "globals that change": "count(); a = counter; count(); result = a, counter",
    "tuples": "pair[0][0] = 5; pair[1].append(2); result = pair[0] + 0, list(pair[1]), point[1]",
    "names in functions and comprehensions": """
        def f(v): return [add(v, i) for i in range(3)] + [sigmoid(v)]
        result = f(1)""",
    "exceptions": """
        result = []
        for name, *args in [("ValueError", "a"), ("KeyError", "k"), ("KeyError", 3),
                            ("IndexError",), ("OSError", 2, "gone"), ("AssertionError",),
                            ("UnicodeDecodeError", "utf-8", b"a", 0, 1, "why"),
                            ("NotImplementedError",), ("ZeroDivisionError", "by zero"),
                            ("TypeError", "a", "b"), ("RecursionError", "deep"), ("MemoryError",)]:
            try: raises(name, *args)
            except Exception as error:
                result.append((type(error).__name__, str(error), error.args))""",
    "errors in use": """
        result = []
        for f in (lambda: net.nothing, lambda: net.params["W9"], lambda: net.stack[99],
                  lambda: add(), lambda: net.broken, lambda: Net(1, 2, 3, 4, 5),
                  lambda: add(1, c=2), lambda: 3 in add, lambda: list(add), lambda: net(),
                  lambda: net.params["W1"][99], lambda: len(add), lambda: nowhere,
                  lambda: net.params["W1"] @ np.ones(99), lambda: net.predict(np.ones(99)),
                  lambda: next(iter([])), lambda: sigmoid(add)[0], lambda: bool(table)):
            try: f()
            except Exception as error: result.append(type(error).__name__)""",
    "checks": """
        q = Question("All", points=6)
        with q.check("right"): assert_close(sigmoid([-1.0, 0]), [0.26894142, 0.5], rtol=1e-6)
        with q.check("sign"): assert_close(-sigmoid([1.0]), [0.73105858])
        with q.check("none"): assert_close(count(), [1.0])
        with q.check("a function"): assert_close(sigmoid, [1.0])
        with q.check("an object"): assert_close(Relu(), [1.0])
        with q.check("text"): assert_close(same("a"), [1.0])
        with q.check("a list"): assert_close(net.losses, [])
        with q.check("raises"): net.predict(np.ones((2, 9)))
        with q.check("property"): net.broken
        with q.check("not there"): nowhere(1)
        with q.check("changed"):
            with assert_unchanged(x): in_place(x)
        with q.check("quiet"):
            with assert_quiet(): warns()
        with q.check("gradient"): assert_gradient(lambda v: 2 * v, lambda v: add(v, v**2).sum(), x)
        with q.check("mine"): apply(lambda: assert_close(1, 2))
        result = [(r.name, r.outcome.name, r.message) for r in q.results], q.earned""",
}


def run_here(source):
    names = {"__name__": "__main__", "__builtins__": __builtins__}
    exec(compile(STUDENT, "<student>", "exec"), names)
    return run(source, names)


def run(source, names):
    exec(compile(TEST_NAMES, "<setup>", "exec"), names)
    lines = source.strip("\n")
    indent = len(lines) - len(lines.lstrip())
    text = "\n".join(line[indent:] for line in lines.split("\n")) if indent else lines
    exec(compile(text, "<test>", "exec"), names)
    return plain(names["result"])


def plain(value):
    """Write a result down so that == compares it to the last bit."""
    if isinstance(value, np.ndarray | np.generic):
        array = np.asarray(value)
        if array.dtype == object:
            return "objects", [plain(item) for item in array.ravel()]
        kind = "scalar" if isinstance(value, np.generic) else "array"
        return kind, array.dtype.str, array.shape, array.tobytes()
    if isinstance(value, list | tuple):
        return type(value).__name__, [plain(item) for item in value]
    if isinstance(value, dict):
        return "dict", [(key, plain(value[key])) for key in value]
    return (repr(value), type(value).__name__) if isinstance(value, float | int) else value


@pytest.mark.parametrize("source", PROGRAMS.values(), ids=PROGRAMS.keys())
def test_a_program_does_the_same_here_and_there(source, session):
    assert run(source, Namespace({}, session)) == run_here(source)


# --- what arrives, and in which words -------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        ("np.array(['a', 'b'])", "is of type array of text, but numbers are expected."),
        ("np.array([None])", "is of type array of objects, but numbers are expected."),
        (
            "np.array(['2020'], dtype='M8[Y]')",
            "is of type array of dates, but numbers are expected.",
        ),
        ("np.zeros(2, [('a', 'f8')])", "is of type structured array, but numbers are expected."),
        ("np.ma.array([1.0, 2.0], mask=[0, 1])", "is of type masked array, but numbers are"),
        ("{'a': 1}", "is of type dict, but numbers are expected."),
        ("{1: 2}", "is of type dict, but numbers are expected."),
        ("Net", "is a function, not numbers: call it, or return its result."),
        ("Relu()", "is of type Relu, but numbers are expected."),
        ("batches([1, 2], 1)", "is of type generator, but numbers are expected."),
        ("{1, 2}", "is of type set, but numbers are expected."),
        ("[[1, 2], [3]]", "can't be read as an array of numbers: its rows differ in length, or it"),
        ("np", "is of type module, but numbers are expected."),
    ],
)
def test_what_is_no_array_of_numbers_is_called_by_its_name(start, source, sentence):
    names = Namespace({}, start(f"{STUDENT}\nodd = {source}\ndef odd_result(): return odd"))
    for value in (names["odd"], names["odd_result"]()):
        assert sentence in diagnose(value, [1.0, 2.0]).sentence


FORM = {
    "shape": lambda array: array.shape,
    "dtype": lambda array: array.dtype,
    "ndim": lambda array: array.ndim,
    "size": lambda array: array.size,
    "len": len,
}


@pytest.mark.parametrize("ask", FORM.values(), ids=FORM.keys())
def test_what_form_an_array_has_is_told_without_its_numbers(session, ask):
    W = Namespace({}, session)["net"].params["W1"]
    assert session.received == 0
    ask(W)
    assert session.received == 0
    np.asarray(W)
    assert session.received == W.nbytes


@pytest.mark.parametrize(
    "source",
    [
        "np.zeros(2, dtype='>f4')",
        "np.zeros((2, 1), dtype=np.longdouble)",
        "np.zeros(2, dtype=np.clongdouble)",
        "np.arange(6).reshape(2, 3)[:, ::2]",
        "np.zeros((0, 3), dtype=bool)",
        "np.float32(1.5).reshape(())",
        "np.ma.array([1.0, 2.0], mask=[0, 0])",
        "np.matrix([[1, 2]])",
    ],
)
def test_the_form_is_that_in_which_the_numbers_arrive(start, source):
    array = Namespace({}, start(f"import numpy as np\nbox = [{source}]"))["box"][0]
    arrived = np.asarray(array)
    assert (array.dtype, array.shape) == (arrived.dtype, arrived.shape)


LIAR = """
import numpy as np
from course.judge.wire.student_end import Student

class Claims(np.ndarray):
    shape, dtype, ndim, size = (3,), np.dtype(bool), 1, 3
    def __len__(self): return 3
    def __array__(self, *_, **__): return np.ones(3)

box = [np.ones(2).view(Claims), np.ones(2)]
def add(a, b=1): return a + b
"""


def test_an_array_whose_class_lies_about_its_form_is_seen_through(start):
    array = Namespace({}, start(LIAR))["box"][0]
    assert (array.shape, array.dtype, array.ndim, array.size) == ((2,), np.float64, 1, 2)
    assert len(array) == 2
    with pytest.raises(AssertionError, match=r"shape \(2,\) instead of \(3,\)"):
        assert_shape(array, (3,))


@pytest.mark.parametrize("lie", ["np.dtype('f8'), (3,)", "np.dtype('f8'), (1,)"])
def test_a_process_that_lies_about_a_form_wins_nothing_with_it(start, lie):
    array = Namespace({}, start(f"{LIAR}\nStudent._do_form = lambda self, array: ({lie})"))["box"][
        1
    ]
    assert array.shape != (2,)
    for shape in ((3,), (1,)):
        with pytest.raises(AssertionError, match=r"shape \(2,\) instead of"):
            assert_shape(array, shape)
        with pytest.raises(AssertionError, match=r"shape \(2,\) instead of"):
            assert_close(array, np.ones(shape))
    assert_close(array, np.ones(2))


@pytest.mark.parametrize(
    ("lie", "words"),
    [
        ("None", "no array of numbers"),
        ("np.ones(2)", "no array of numbers"),
        ("'f8', (2,)", "no array of numbers"),
        ("float, (2,)", "no array of numbers"),
        ("np.dtype('f8'), 2", "no array of numbers"),
        ("np.dtype('f8'), [2]", "no array of numbers"),
        ("np.dtype('f8'), (2,), 3", "no array of numbers"),
        ("[np.dtype('f8'), (2,)]", "no array of numbers"),
        ("np.dtype('f8'), (-1,)", "shape is malformed"),
        ("np.dtype('f8'), (2.0,)", "shape is malformed"),
        ("np.dtype('f8'), (True,)", "shape is malformed"),
        ("np.dtype('f8'), (box,)", "shape is malformed"),
        ("np.dtype('f8'), (1,) * 17", "shape is malformed"),
        ("np.dtype('f8'), (0, 2 << 20)", "empty array's shape is too large"),
        ("np.dtype('f8'), (13 << 20,)", "too many numbers"),
        ("np.dtype('?'), (13 << 20,)", "too many numbers"),
        ("np.dtype('f8'), (1 << 31, 1 << 31)", "too many numbers"),
        ("np.dtype('f8'), (10**100,)", "too many numbers"),
    ],
)
def test_a_form_that_no_array_has_is_an_error_of_that_check_alone(start, lie, words):
    names = Namespace({}, start(f"{LIAR}\nStudent._do_form = lambda self, array: ({lie})"))
    array = names["box"][1]
    for ask in FORM.values():
        with pytest.raises((TypeError, ValueError), match=words) as raised:
            ask(array)
        assert type(raised.value) in (TypeError, ValueError)
    assert np.asarray(array).shape == (2,)
    assert names["add"](1) == 2


@pytest.mark.parametrize(
    ("name", "arguments", "kind", "text"),
    [
        ("Own", ("mine",), ArithmeticError, "mine"),
        ("OwnKey", ("k",), KeyError, "k"),
        (
            "ExceptionGroup",
            ("two", [ValueError(1)]),
            Exception,
            "ExceptionGroup: two (1 sub-except",
        ),
        ("SystemExit", (3,), Exception, "SystemExit: 3"),
        ("StopIteration", (1,), RuntimeError, "StopIteration: 1"),
        ("KeyboardInterrupt", (), Exception, "KeyboardInterrupt: "),
        ("GeneratorExit", (), Exception, "GeneratorExit: "),
        ("BaseException", ("odd",), Exception, "BaseException: odd"),
        ("ValueError", ("a" * 10_000,), ValueError, "aaa"),
    ],
)
def test_an_exception_arrives_as_the_nearest_builtin_one(start, name, arguments, kind, text):
    session = start(f"{STUDENT}\ndef fails(): raises({name!r}, *{arguments!r})")
    names = Namespace({}, session)
    with pytest.raises(Exception) as raised:  # noqa: PT011
        names["fails"]()
    assert type(raised.value) is kind
    assert text in str(raised.value)
    assert len(str(raised.value)) < 5000
    assert names["add"](1) == 2


def test_of_very_many_exceptions_the_first_are_kept(start):
    session = start("def fails(number): raise ValueError(str(number))")
    names = Namespace({}, session)
    for number in range(MAX_RAISED + 50):
        with pytest.raises(ValueError, match=str(number)):
            names["fails"](number)
    assert len(session.raised) == MAX_RAISED == 100
    assert ["99" in said for said in session.raised] == [False] * 99 + [True]


def test_an_exception_in_a_constructor_has_the_students_line(start):
    session = start(
        "class Net:\n    def __init__(self):\n        self.W = W\n"
        "import linecache\n"
        "linecache.cache['<student>'] = 1, None, ['\\n', '\\n', '        self.W = W\\n'], ''\n"
    )
    with pytest.raises(NameError, match="'W'") as raised:
        Namespace({}, session)["Net"]()
    assert vars(raised.value)["student_place"] == " (in `__init__`: `self.W = W`)"


def test_a_name_that_the_student_does_not_define_is_a_name_error_as_ever(names):
    with pytest.raises(NameError) as raised:
        exec("nowhere(1)", names)
    assert raised.value.name == "nowhere"
    assert not hasattr(raised.value, "student_place")


def test_a_builtin_is_the_judges_own(start):
    names = Namespace({}, start("def sum(x): return 'mine'"))
    exec("result = sum([1, 2])", names)
    assert names["result"] == 3


def test_warnings_keep_their_kind(names):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        names["warns"]()
    found = [(w.category, str(w.message)) for w in caught]
    assert found[0] == (DeprecationWarning, "old")
    assert found[1][0] is RuntimeWarning
    assert "overflow" in found[1][1]


def test_a_warning_that_is_made_an_error_is_raised_and_does_no_harm(names):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(DeprecationWarning, match="old"):
            names["warns"]()
    assert names["add"](1) == 2


def test_what_is_printed_is_collected_in_order(session):
    names = Namespace({}, session)
    names["says"]("a")
    names["numerical_diff"](lambda v: names["says"](f"{v:g}") or v, 1.0, 0.5)
    assert session.printed == ["a\n1.5\n0.5\n"]


def test_a_flood_of_text_is_cut_at_both_ends(start):
    session = start(
        "import resource\n"
        "def flood():\n"
        "    for _ in range(10_000): print('x' * 10_000)\n"
        "    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "def size(): return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
    )
    names = Namespace({}, session)
    before = names["size"]()
    assert names["flood"]() - before < 20_000  # KiB; 100 MB have been printed
    names["flood"]()
    assert len("".join(session.printed)) == MAX_OUTPUT


def test_what_a_test_can_not_send_is_said_before_anything_is_sent(names):
    philox = np.random.Generator(np.random.Philox(0))
    for value in (object(), type("Net", (), {}), philox, iter([1])):
        with pytest.raises(TypeError, match="can't send"):
            names["same"](value)
    with pytest.raises(TypeError, match="another process"):
        pickle.dumps(names["net"])
    assert names["add"](1) == 2


def test_an_object_of_a_student_process_that_has_ended_is_refused(start):
    old, new = Namespace({}, start()), Namespace({}, start())
    with pytest.raises(TypeError, match="has ended"):
        new["same"](old["net"])


def test_special_attributes_are_not_asked_for(names):
    net = names["net"]
    for name in (
        "__array_interface__",
        "__array_priority__",
        "__fspath__",
        "__index__",
        "__globals__",
        "__code__",
        "__reduce__x",
        "_remote_secret",
    ):
        with pytest.raises(AttributeError):
            getattr(net, name)
    with pytest.raises(TypeError):
        os.open(net, os.O_RDONLY)
    with pytest.raises(TypeError):
        [1][net]
    with pytest.raises(TypeError):
        net + 1
    assert hash(net) == hash(names["net"])
    with pytest.raises(TypeError):
        hash(net.params)
    assert f"{net}" == "<the student's Net>"


def test_objects_that_the_test_has_done_with_are_dropped(start):
    session = start(
        "import gc\nclass Big: pass\ndef make(): return Big()\n"
        "def alive(): return sum(isinstance(o, Big) for o in gc.get_objects())\n"
        "class Box:\n    @property\n    def big(self): return Big()\nbox = Box()\n"
    )
    names = Namespace({}, session)
    for _ in range(50):
        names["make"](), names["box"].big
    kept = [names["make"](), names["box"].big]
    assert names["alive"]() == 2
    kept.clear()
    assert names["alive"]() == 0


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        ("np.zeros(13 << 20)", "a value is too large to be sent: its arrays hold more than 96 MB"),
        ("np.zeros(13 << 20, dtype=bool)", "its arrays hold more than 96 MB"),
        ("[np.zeros(5 << 20) for _ in range(3)]", "its arrays hold more than 96 MB"),
        ("list(range(10**6))", "a value is too large to be sent: it holds more than 200,000 items"),
        ("{n: [n] * 1000 for n in range(1000)}", "it holds more than 200,000 items"),
        ("deep", "a value can't be sent: it holds itself, or is nested too deeply"),
        ("endless", "a value can't be sent: it holds itself, or is nested too deeply"),
        ("'x' * 10**7", "a value is too large to be sent: its text is too long"),
        ("bytes(200 << 20)", "a value is too large to be sent: its arrays hold more than 96 MB"),
    ],
)
def test_a_value_that_is_too_large_to_come_back_is_that_checks_error_alone(start, source, sentence):
    names = Namespace(
        {},
        start(
            "import numpy as np\ndeep, endless = [], []\nendless.append(endless)\n"
            f"for _ in range(1000): deep = [deep]\ndef large(): return {source}\n"
            "def passes(f): return f(large())\ndef add(a, b=1): return a + b"
        ),
    )
    for use in (names["large"], lambda: names["passes"](lambda value: 1)):
        with pytest.raises(ValueError, match=sentence):
            use()
        assert names["add"](1) == 2


def test_an_argument_that_is_made_too_large_is_that_checks_error_alone(names):
    history = [0]
    with pytest.raises(ValueError, match="too large"):
        names["swell"](history)
    assert history == [0]
    assert names["add"](1) == 2


# --- callbacks ------------------------------------------------------------------------------------


def test_a_function_that_the_student_keeps_can_be_called_until_the_next_question(session):
    called = []
    names = Namespace({}, session)
    names["keep"](called.append)
    names["call_kept"]()
    assert len(called) == 1
    session.new_question()
    with pytest.raises(RuntimeError, match="only in that test"):
        names["call_kept"]()
    assert len(called) == 1
    assert names["add"](1) == 2


def test_of_very_many_functions_the_oldest_give_way(names, monkeypatch):
    monkeypatch.setattr("course.judge.wire.judge_end.MAX_FUNCTIONS", 3)
    called = []
    names["keep"](called.append)
    for number in range(3):
        assert names["apply"](lambda x, n=number: x + n, 1) == 1 + number
    with pytest.raises(RuntimeError, match="only in that test"):
        names["call_kept"]()


def test_a_function_is_called_from_another_thread_too(names):
    called = []
    (result,) = names["late"](called.append)
    assert result is None
    assert len(called) == 1
    assert names["add"](1) == 2


def test_calls_to_and_fro_end(names):
    depth = []

    def pong(n):
        depth.append(n)
        return names["ping"](pong, n + 1)

    with pytest.raises(RecursionError, match="call each other"):
        names["ping"](pong, 0)
    assert 20 < len(depth) <= remote.MAX_CALLBACKS
    assert names["add"](1) == 2


def test_a_student_without_end_is_a_recursion_error(start):
    names = Namespace({}, start("def down(n): return down(n + 1)"))
    with pytest.raises(RecursionError):
        names["down"](0)
    with pytest.raises(RecursionError):
        names["down"](0)


def test_a_callback_that_returns_what_can_not_be_sent_is_an_error_there(names):
    with pytest.raises(TypeError, match="can't send"):
        names["apply"](lambda: object())
    assert names["add"](1) == 2


# --- a student process that fails -----------------------------------------------------------------

HOPELESS = """
import faulthandler, os, time
faulthandler.disable()  # which pytest has turned on
def hang():
    while True: pass
def hang_on():
    while True:
        try:
            while True: time.sleep(1)
        except BaseException: pass
def leave(): os._exit(0)
def crash(): os.abort()
def nothing(): pass
def call(f): return f()
def forever(f):
    while True: f()
class Lazy:
    def __getattr__(self, name): hang()
    def __len__(self): hang()
    def __iter__(self): hang()
lazy = Lazy()
"""


@pytest.fixture
def clock():
    return HandClock()


@pytest.mark.parametrize("name", ["hang", "hang_on"])
@pytest.mark.parametrize(
    ("pace", "words"),
    [({"to_compute": 0.1}, "0.3 seconds of computing"), ({"to_pass": 25}, "60 seconds")],
)
def test_a_call_without_end_ends_with_the_limit_in_words(start, clock, name, pace, words):
    session = start(HOPELESS, seconds=0.3, clock=clock)
    names = Namespace({}, session)
    function = names[name]
    vars(clock).update(pace)
    with pytest.raises(StudentGoneError, match=f"Your code did not come back within {words}[.]$"):
        function()
    assert words in session.gone
    with pytest.raises(StudentGoneError):  # at once from then on
        names["leave"]


@pytest.mark.parametrize("use", [len, list, lambda lazy: lazy.x], ids=["len", "list", "getattr"])
def test_every_use_of_a_remote_is_limited(start, clock, use):
    lazy = Namespace({}, start(HOPELESS, seconds=10, clock=clock))["lazy"]
    clock.to_compute = 4
    with pytest.raises(StudentGoneError, match="within 10 seconds"):
        use(lazy)


def test_a_machine_that_is_busy_with_other_work_costs_nothing(start, clock):
    call = Namespace({}, start(HOPELESS, seconds=10, clock=clock))["call"]

    def wait():
        clock.wall += 99
        return 1

    assert call(wait) == 1


@pytest.mark.parametrize("name", ["leave", "crash"])
def test_a_process_that_ends_says_so(start, name):
    with pytest.raises(StudentGoneError, match="ended its own process"):
        Namespace({}, start(HOPELESS))[name]()


@pytest.mark.parametrize(
    ("kind", "step", "words"),
    [("computing", 1, "3 seconds of computing"), ("wall", 25, "60 seconds")],
)
def test_the_questions_limit_holds_for_all_calls_together(start, clock, kind, step, words):
    session = start(HOPELESS, seconds=5, clock=clock)
    nothing = Namespace({}, session)["nothing"]
    session.set_deadline(3)
    for _ in range(3):
        nothing()
        setattr(clock, kind, getattr(clock, kind) + step)
    with pytest.raises(StudentGoneError, match=f"needed more than {words} for all of this"):
        nothing()


def test_a_lifted_limit_holds_no_more(start, clock):
    session = start(HOPELESS, seconds=10, clock=clock)
    nothing = Namespace({}, session)["nothing"]
    session.set_deadline(1)
    session.set_deadline(None)
    clock.computing = clock.wall = 1000
    nothing()


@pytest.mark.parametrize(("kind", "step"), [("computing", 1), ("wall", 25)])
@pytest.mark.parametrize("limit", ["request", "question"])
def test_callbacks_gain_no_time(start, clock, limit, kind, step):
    session = start(HOPELESS, seconds=3 if limit == "request" else 5, clock=clock)
    names = Namespace({}, session)
    forever, nothing = names["forever"], names["nothing"]
    if limit == "question":
        session.set_deadline(3)
    calls = []

    def work():
        calls.append(nothing())
        setattr(clock, kind, getattr(clock, kind) + step)

    with pytest.raises(StudentGoneError, match=r"(3 seconds of computing|60 seconds)"):
        forever(work)
    assert len(calls) == 3


def test_a_test_that_catches_the_end_in_a_callback_does_not_go_on(start, clock):
    names = Namespace({}, start(HOPELESS, seconds=10, clock=clock))
    forever, hang = names["forever"], names["hang"]

    def stubborn():
        clock.to_compute = 4
        try:
            hang()
        except AssertionError:
            return 1

    with pytest.raises(StudentGoneError):
        forever(stubborn)


def test_an_interrupted_test_asks_no_more(names):
    def interrupt():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        names["apply"](interrupt)
    with pytest.raises(StudentGoneError, match="interrupted"):
        names["add"](1)


def test_an_iterator_without_end_costs_no_more_than_its_limits(start, monkeypatch):
    monkeypatch.setattr(remote, "MAX_ITERATIONS", 1000)
    monkeypatch.setattr(remote, "MAX_YIELDED", 10 << 20)
    names = Namespace(
        {},
        start(
            "import numpy as np\n"
            "def ones():\n    while True: yield 1\n"
            "def arrays():\n    while True: yield np.zeros(1 << 17).tobytes()\n"
        ),
    )
    for name, fewest, most in (("ones", 1000, 1000), ("arrays", 5, 11)):
        found = []
        with pytest.raises(ValueError, match="without end"):
            found.extend(names[name]())
        assert fewest <= len(found) <= most


# --- where the student's objects live -------------------------------------------------------------

LASTING = """
import numpy as np

BUFFER = np.zeros(2)

def into_a_buffer(x):
    BUFFER[...] = 2 * x
    return BUFFER

def a_view(x):
    return x[:]

def seeds(x):
    np.random.seed(0)
    return 2 * x

def plain(x):
    return 2 * x

class Cell:
    def __init__(self, w):
        self.w = w

    def times(self, x):
        return self.w * x
"""


@pytest.mark.parametrize(
    ("name", "reference", "words"),
    [
        ("into_a_buffer", lambda x: 2 * x, "changes with a later one"),
        ("a_view", lambda x: x.copy(), "shares its memory with the input `x`"),
        ("seeds", lambda x: 2 * x, "seeds the global random generator"),
        ("plain", lambda x: 2 * x, ""),
    ],
)
def test_what_shows_only_in_the_students_objects_is_found_where_they_are(
    start, name, reference, words
):
    names = Namespace({}, start(LASTING))
    spec = function(part("all", x=arrays("2")))
    subject = Subject(name, names.__getitem__, {name: reference}, names.home)
    finding, _ = search(spec, spec.parts[0], subject, b"seed")
    assert (words in finding.event.problem) if words else finding is None


def test_an_iterator_that_the_test_makes_there_is_gone_through_once(start):
    names = Namespace(
        {}, start("def twice(pairs):\n    return [x + y for x, y in pairs], [*pairs]")
    )
    once = names.home.once([(np.ones(2), 1), (np.zeros(2), 2)])
    found, rest = names["twice"](once)
    assert [row.tolist() for row in found] == [[2, 2], [2, 2]]
    assert list(rest) == []


def test_an_array_that_the_test_keeps_there_is_the_one_that_the_students_object_holds(start):
    names = Namespace({}, start(LASTING))
    held = names.home.keep(np.ones(2))
    cell = names["Cell"](held)
    held[...] = 7
    assert cell.times(2).tolist() == [14, 14]


def test_what_a_set_up_cell_defines_is_built_with_where_the_students_code_is(start):
    """The judge runs set-up cells too, and what it builds itself can't be handed over."""
    source = """
class Box:
    def __init__(self, value):
        self.value = value

def times(box, x):
    return box.value * x
"""
    names = Namespace({"Box": lambda value: pytest.fail("this is the judge's own")}, start(source))
    box = names.home.given("Box", names["Box"])(3)
    assert names["times"](box, 2) == 6
    with pytest.raises(NameError, match="nothing"):
        names.home.given("nothing", None)


def test_a_dictionary_there_gives_no_more_keys_than_one_that_travels(start):
    """Keys of one hash would take the judge ages, and no request is waited for meanwhile."""
    source = """
class Many(dict):
    def items(self):
        return tuple((number, 0) for number in range(10_001))

many, few = Many(), {"a": 1}
"""
    names = Namespace({}, start(source))
    assert names["few"].copy() == {"a": 1}
    with pytest.raises(ValueError, match="too many keys"):
        names["many"].copy()


def test_what_is_held_there_is_copied_with_one_question(start):
    """Each takes longer than most of what a student's code computes."""
    source = """
params = {"W": np.arange(6.0).reshape(2, 3)[:, ::2], "b": [np.ones(2), 3, ("a", np.zeros(1))]}
many = np.arange(4)
"""
    session = start("import numpy as np\n" + source)
    names = Namespace({}, session)
    params, many = names["params"], names["many"]
    asked = []
    ask = session.request
    session.request = lambda *words: (asked.append(words[0]), ask(*words))[1]
    found = copied(params)
    assert asked == ["value"]
    assert type(found) is dict
    assert found["W"].tolist() == [[0, 2], [3, 5]]
    found["W"][...] = 7
    assert params["W"][0, 0] == 0
    asked.clear()
    assert [np.asarray(one).tolist() for one in names.home.seen([many, found["W"], 2])] == [
        [0, 1, 2, 3],
        [[7, 7], [7, 7]],
        2,
    ]
    assert asked == ["value"]


def test_what_can_not_travel_as_a_whole_is_copied_part_by_part(start):
    source = "class Thing:\n    pass\n\nheld = {Thing(): 1, 'a': [1, 2]}"
    found = copied(Namespace({}, start(source))["held"])
    assert found == {"a": [1, 2]}
