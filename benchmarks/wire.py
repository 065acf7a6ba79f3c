"""What the border between judge and student costs: round trips, and a gradient through remotes.

Run it with `python -m benchmarks.wire`. The student process is forked from the warm server and
confined, as when a notebook is graded; the judge's end is this process. The bare round trip is one
byte each way over a socket pair between two processes. Each figure is the best of several, as other
work on the machine only ever adds to it; the cores' time is that of both processes together.
"""

import os
import socket
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from course.judge.sandbox.port import Confinement
from course.judge.sandbox.server import WarmServer
from course.judge.wire.judge_end import Namespace, Session

ROUNDS = 10
TRIPS = 1_000
STUDENT = '''
import time
import numpy as np

class TwoLayerNet:
    """Sigmoid hidden layer, softmax, cross-entropy: 1,003 parameters."""

    def __init__(self, inputs=20, hidden=40, outputs=4, std=0.5):
        rng = np.random.default_rng(0)
        self.params = {
            "W1": std * rng.normal(size=(inputs, hidden)), "b1": np.zeros(hidden),
            "W2": std * rng.normal(size=(hidden, outputs)), "b2": np.zeros(outputs),
        }

    def predict(self, x):
        p = self.params
        z = 1 / (1 + np.exp(-(x @ p["W1"] + p["b1"])))
        a = z @ p["W2"] + p["b2"]
        e = np.exp(a - a.max(axis=1, keepdims=True))
        return e / e.sum(axis=1, keepdims=True)

    def loss(self, x, t):
        return -np.mean(np.log(self.predict(x)[np.arange(len(t)), t] + 1e-7))

net = TwoLayerNet()

def nothing():
    return None

def cpu():
    return time.process_time()
'''
GRADIENT = """
def numerical_gradient(net, x, t, h=1e-4):
    grads = {}
    for key in net.params:
        grads[key] = np.zeros(net.params[key].shape)
        for index in np.ndindex(grads[key].shape):
            old = net.params[key][index]
            net.params[key][index] += h
            up = net.loss(x, t)
            net.params[key][index] = old - h
            down = net.loss(x, t)
            net.params[key][index] = old
            grads[key][index] = (up - down) / (2 * h)
    return grads
"""


@contextmanager
def student(source: str) -> Iterator[Namespace]:
    """Start a confined student process that has run `source`; give its names as a test has them."""
    with tempfile.TemporaryDirectory() as scratch, WarmServer() as server:
        ours, theirs = socket.socketpair()
        confinement = Confinement.for_student(Path(scratch)).to_json()
        arguments = {"closed": [], "confinement": confinement}
        with theirs, ours:
            child = server.spawn("student", theirs, arguments)
            session = Session(ours, seconds=60)
            session.request("run", source, "student")
            yield Namespace({"np": np}, session)
            child.kill()


def bare_trip() -> float:
    """Return seconds for a byte to another process and back."""
    ours, theirs = socket.socketpair()
    process = os.fork()
    if process == 0:
        ours.close()
        while data := theirs.recv(1):
            theirs.send(data)
        os._exit(0)
    with ours:
        theirs.close()
        seconds = best(lambda: trips(lambda: (ours.send(b"."), ours.recv(1))))
    os.waitpid(process, 0)
    return seconds / TRIPS


def trips(action: Callable[[], Any]) -> None:
    for _ in range(TRIPS):
        action()


def best(action: Callable[[], Any], clock: Callable[[], float] = time.perf_counter) -> float:
    """Return the fewest seconds of several tries."""
    seconds = []
    for _ in range(ROUNDS):
        start = clock()
        action()
        seconds.append(clock() - start)
    return min(seconds)


def main() -> None:
    """Print the table."""
    print("| over the wire | time | |")
    print("|---|---|---|")
    bare = bare_trip()
    print(f"| a bare round trip | {bare * 1e6:.0f} µs | {1 / bare:,.0f} a second |")
    with student(STUDENT) as names:
        net = names["net"]
        weights = net.params["W1"]
        both = lambda: time.process_time() + names["cpu"]()  # noqa: E731
        rng = np.random.default_rng(1)
        x, t = rng.normal(size=(10, 20)), rng.integers(4, size=10)
        uses: dict[str, Callable[[], object]] = {
            "a call of a function": names["nothing"],
            "an attribute": lambda: net.params,
            "a float of an array": lambda: weights[0, 0],
            "the shape of an array": partial(getattr, net.params["W1"], "shape"),
            "a change of one: `W[0, 0] += h`": lambda: _add(weights),
            "a loss over 10 rows": lambda: net.loss(x, t),
        }
        for words, use in uses.items():
            each = best(partial(trips, use)) / TRIPS
            print(f"| {words} | {each * 1e6:.0f} µs | {1 / each:,.0f} a second |", flush=True)
        exec(GRADIENT, names)
        gradient = names["numerical_gradient"]
        count = sum(value.size for value in net.params.values())
        there = lambda: gradient(net, x, t)  # noqa: E731
        seconds, cores = best(there), best(there, both)
        words = f"a gradient over {count:,} parameters"
        print(f"| {words} | {seconds:.2f} s | {cores:.2f} s of cores |")


def _add(W: Any) -> None:
    W[0, 0] += 1e-9


if __name__ == "__main__":
    main()
