"""How fast the course's networks train, beside the same networks in PyTorch.

Run it with `python -m benchmarks.training [--rounds R]`; it needs the extra `frameworks`. Both
sides start from the same weights and take the same steps on the same images, in the same type of
numbers, with one thread each. They take turns in one process, so that what else the machine does
meets both; the table shows how many times PyTorch's time the course's takes, from round to round.
At the end the losses are compared, in training mode, since PyTorch's running variance is another:
a side that had done something else would be told by them.
"""

import argparse
import copy
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from helpers.answers.deep_layers import BatchNormalization
from helpers.answers.deep_networks import MultiLayerNetExtend
from helpers.answers.layers import Affine
from helpers.answers.networks import TwoLayerNet
from helpers.answers.optimizers import SGD

Array = npt.NDArray[Any]
Network = TwoLayerNet | MultiLayerNetExtend

INPUTS, CLASSES = 784, 10
SAMPLES = 2_000
RATE = 0.1
CLOSE = {"float64": 1e-9, "float32": 1e-2}  # of two losses after the same steps, relative


@dataclass(frozen=True)
class Case:
    """What is trained.

    Attributes:
        words: for the table.
        network: makes it.
        batch: samples of a step.
        steps: steps of a round.
        decay: weight decay, of the weights alone.
    """

    words: str
    network: Callable[[], Network]
    batch: int
    steps: int
    decay: float = 0.0


def two_layers() -> Network:
    """Return chapter 4's network."""
    return TwoLayerNet(INPUTS, 80, CLASSES, rng=np.random.default_rng(0))


def deep(*, normalized: bool, decay: float = 0.0) -> Network:
    """Return chapter 6's network: six layers of 100."""
    return MultiLayerNetExtend(
        INPUTS, [100] * 6, CLASSES, use_batchnorm=normalized, weight_decay_lambda=decay, rng=0
    )


CASES = (
    Case("784-80-10, batch 200", two_layers, 200, 100),
    Case("six layers of 100, batch 100", lambda: deep(normalized=False), 100, 60),
    Case("the same with batch normalization", lambda: deep(normalized=True), 100, 60),
)
TRIAL = Case("a trial of the search", lambda: deep(normalized=False, decay=1e-5), 100, 0, 1e-5)
TRIAL_SAMPLES, TRIAL_EPOCHS = 500, 10
HEAD = "| | numbers | NumPy, a step | PyTorch, a step | times as long |\n|---|---|---|---|---|"


def data(samples: int = SAMPLES) -> tuple[Array, Array]:
    """Return random images and labels: what a step takes doesn't depend on what they show."""
    rng = np.random.default_rng(1)
    x = rng.random((samples, INPUTS)) * (rng.random((samples, INPUTS)) < 0.2)  # mostly 0, as digits
    return x, rng.integers(0, CLASSES, samples)


def in_type(net: Network, dtype: str) -> Network:
    """Turn a network's parameters into another type of numbers."""
    for layer in net.layers.values():
        if isinstance(layer, Affine):
            layer.W, layer.b = layer.W.astype(dtype), layer.b.astype(dtype)
        elif isinstance(layer, BatchNormalization):
            for name in ("gamma", "beta", "running_mean", "running_var"):
                setattr(layer, name, getattr(layer, name).astype(dtype))
    for name, layer in net.layers.items():
        if isinstance(layer, Affine):
            number = name.removeprefix("Affine")
            net.params[f"W{number}"], net.params[f"b{number}"] = layer.W, layer.b
        elif isinstance(layer, BatchNormalization):
            number = name.removeprefix("BatchNorm")
            net.params[f"gamma{number}"] = layer.gamma
            net.params[f"beta{number}"] = layer.beta
    return net


class Ours:
    """The course's side."""

    def __init__(self, net: Network, x: Array, t: Array, decay: float) -> None:
        self.net, self.x, self.t, self.optimizer = net, x, t, SGD(RATE)

    def step(self, rows: Array) -> None:
        """Take one step."""
        grads = self.net.gradient(self.x[rows], self.t[rows])
        self.optimizer.update(self.net.params, grads)

    def loss(self) -> float:
        """Return the loss of all samples."""
        return self.net.loss(self.x, self.t)

    def training_loss(self) -> float:
        """Return the same as while training, with the batch's own mean and variance."""
        deep = isinstance(self.net, MultiLayerNetExtend)
        return self.net.loss(self.x, self.t, **({"train_flg": True} if deep else {}))

    def accuracy(self, rows: slice) -> float:
        """Return the accuracy on some samples."""
        return self.net.accuracy(self.x[rows], self.t[rows])


class Theirs:
    """PyTorch's side, with the same weights."""

    def __init__(self, net: Network, x: Array, t: Array, decay: float) -> None:
        import torch

        self._torch = torch
        self.x, self.t = torch.from_numpy(x), torch.from_numpy(t)
        layers: list[Any] = []
        for layer in net.layers.values():
            if isinstance(layer, Affine):
                made = torch.nn.Linear(*layer.W.shape, dtype=self.x.dtype)
                with torch.no_grad():
                    made.weight.copy_(torch.from_numpy(layer.W.T.copy()))
                    made.bias.copy_(torch.from_numpy(layer.b))
            elif isinstance(layer, BatchNormalization):
                made = torch.nn.BatchNorm1d(len(layer.gamma), eps=1e-7, dtype=self.x.dtype)
            else:
                made = torch.nn.ReLU()
            layers.append(made)
        self.net = torch.nn.Sequential(*layers)
        self.loss_of = torch.nn.CrossEntropyLoss()
        weights = [layer.weight for layer in layers if isinstance(layer, torch.nn.Linear)]
        rest = [p for p in self.net.parameters() if all(p is not weight for weight in weights)]
        groups = [{"params": weights, "weight_decay": decay}, {"params": rest}]
        self.optimizer = torch.optim.SGD(groups, lr=RATE)
        self._weights, self._decay = weights, decay

    def step(self, rows: Array) -> None:
        """Take one step."""
        chosen = self._torch.from_numpy(rows)
        self.optimizer.zero_grad()
        self.loss_of(self.net(self.x[chosen]), self.t[chosen]).backward()
        self.optimizer.step()

    def loss(self) -> float:
        """Return the loss of all samples."""
        self.net.eval()
        with self._torch.no_grad():
            found = float(self.loss_of(self.net(self.x), self.t))
            squares = sum(float((weight**2).sum()) for weight in self._weights)
        self.net.train()
        return found + self._decay / 2 * squares

    def training_loss(self) -> float:
        """Return the same as while training, with the batch's own mean and variance."""
        with self._torch.no_grad():
            return float(self.loss_of(self.net(self.x), self.t))

    def accuracy(self, rows: slice) -> float:
        """Return the accuracy on some samples."""
        self.net.eval()
        with self._torch.no_grad():
            right = self.net(self.x[rows]).argmax(dim=1) == self.t[rows]
        self.net.train()
        return float(right.double().mean())


def batches(case: Case, samples: int, seed: int) -> list[Array]:
    """Return the rows of each step of a round."""
    rng = np.random.default_rng(seed)
    return [rng.choice(samples, case.batch, replace=False) for _ in range(case.steps)]


def race(case: Case, dtype: str, rounds: int) -> tuple[list[float], list[float], float, float]:
    """Return the seconds of a step on either side, round by round, and either side's last loss."""
    x, t = data()
    x = x.astype(dtype)
    first = in_type(case.network(), dtype)
    sides = [side(copy.deepcopy(first), x, t, case.decay) for side in (Theirs, Ours)]
    seconds: list[list[float]] = [[], []]
    for number in range(rounds + 1):
        rows = batches(case, len(x), number)
        for side, found in zip(sides, seconds, strict=True):
            start = time.perf_counter()
            for chosen in rows:
                side.step(chosen)
            if number:  # the first round warms up
                found.append((time.perf_counter() - start) / len(rows))
    theirs, ours = seconds
    return ours, theirs, sides[1].training_loss(), sides[0].training_loss()


def trial(side: type[Ours] | type[Theirs], dtype: str) -> tuple[float, list[float]]:
    """Return the seconds of a trial of the search, and the validation accuracies of its epochs."""
    x, t = data(TRIAL_SAMPLES)
    x = x.astype(dtype)
    count = TRIAL_SAMPLES // 5
    runner = side(in_type(TRIAL.network(), dtype), x, t, TRIAL.decay)
    rng, found = np.random.default_rng(0), []
    start = time.perf_counter()
    for _ in range(TRIAL_EPOCHS):
        order = count + rng.permutation(TRIAL_SAMPLES - count)
        for begin in range(0, len(order), TRIAL.batch):
            runner.step(order[begin : begin + TRIAL.batch])
        runner.loss()
        runner.accuracy(slice(count, None))
        found.append(runner.accuracy(slice(count)))
    return time.perf_counter() - start, found


def rows(rounds: int) -> Iterator[str]:
    """Yield the table's lines as they are known.

    Raises:
        SystemExit: if the two sides have not done the same.
    """
    yield HEAD
    for case in CASES:
        for dtype in CLOSE:
            ours, theirs, mine, other = race(case, dtype, rounds)
            if not np.isclose(mine, other, rtol=CLOSE[dtype]):
                sys.exit(f"{case.words}, {dtype}: the losses differ: {mine}, {other}")
            yield _row(case.words, dtype, ours, theirs)
    for dtype in CLOSE:
        taken: dict[type, list[float]] = {Theirs: [], Ours: []}
        reached: dict[type, list[float]] = {}
        for _ in range(rounds + 1):
            for side in (Theirs, Ours):
                seconds, reached[side] = trial(side, dtype)
                taken[side].append(seconds)
        if dtype == "float64" and reached[Ours] != reached[Theirs]:
            sys.exit(f"{TRIAL.words}: the accuracies differ: {reached}")
        yield _row(TRIAL.words, dtype, taken[Ours][1:], taken[Theirs][1:])


def _row(words: str, dtype: str, ours: list[float], theirs: list[float]) -> str:
    ratios = sorted(mine / other for mine, other in zip(ours, theirs, strict=True))
    low, middle, high = (
        ratios[len(ratios) // 10],
        statistics.median(ratios),
        ratios[-1 - len(ratios) // 10],
    )
    times = [f"{1000 * statistics.median(found):.2f} ms" for found in (ours, theirs)]
    return f"| {words} | {dtype} | {' | '.join(times)} | {middle:.2f} ({low:.2f} to {high:.2f}) |"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15, metavar="R")
    count = parser.parse_args().rounds
    try:
        import torch
    except ModuleNotFoundError:
        sys.exit("PyTorch is needed: pip install -e '.[frameworks]'")
    torch.set_num_threads(1)
    with threadpool_limits(1):
        for line in rows(count):
            print(line, flush=True)


if __name__ == "__main__":
    main()
