"""What chapter 6 writes for training and searching, finished: splits, a trainer, a random search.

Whatever is random takes `rng`, "a seed or a generator": all that `numpy.random.default_rng` takes.
Knows networks and optimizers only by what they can do.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
from sklearn.utils.parallel import Parallel, delayed

from helpers.progress import track

Array = npt.NDArray[Any]
Pair = tuple[Array, Array]
Rng = np.random.Generator | np.random.SeedSequence | int | None
Ranges = Mapping[str, tuple[float, float]]
Result = dict[str, Any]


class Network(Protocol):
    """What a trainer asks of a network."""

    params: dict[str, Array]

    def loss(self, x: Array, t: Array) -> float:
        """Return the loss of a batch."""

    def accuracy(self, x: Array, t: Array) -> float:
        """Return the fraction of samples that it has right."""

    def gradient(self, x: Array, t: Array) -> dict[str, Array]:
        """Return the loss's gradient at each parameter."""


class Optimizer(Protocol):
    """What a trainer asks of an optimizer."""

    def update(self, params: dict[str, Array], grads: dict[str, Array]) -> None:
        """Change each parameter in place, by one step."""


def shuffle_dataset(x: Array, t: Array, rng: Rng = None) -> Pair:
    """Return the samples and their labels in a new random order, the same for both.

    Args:
        x: samples, shape (N, ...).
        t: labels, shape (N,) or (N, K); row i belongs to row i of x.
        rng: a seed or a generator.

    Returns:
        New arrays; x and t stay as they are.
    """
    order = np.random.default_rng(rng).permutation(len(x))
    return x[order], t[order]


def validation_split(x: Array, t: Array, share: float = 0.2, rng: Rng = None) -> tuple[Pair, Pair]:
    """Split a data set at random into a training part and a validation part.

    Args:
        x: samples, shape (N, ...).
        t: labels, shape (N,) or (N, K).
        share: of the samples for validation; round(share N) of them.
        rng: a seed or a generator.

    Returns:
        (x_train, t_train), (x_val, t_val): each sample in exactly one of the two.
    """
    x, t = shuffle_dataset(x, t, rng)
    count = round(share * len(x))
    return (x[count:], t[count:]), (x[:count], t[:count])


class Trainer:
    """Trains a network in mini-batches, and records one entry per epoch in each of three lists.

    Args:
        network: what is trained; its params change in place.
        optimizer: makes the steps.
        x_train: samples, shape (N, ...).
        t_train: labels, shape (N,) or (N, K).
        x_test: samples that are only looked at, after each epoch: test or validation data.
        t_test: their labels.
        epochs: how often `train` goes through the training data.
        mini_batch_size: samples of one step; the last mini-batch of an epoch may be shorter.
        rng: a seed or a generator, for the order of the samples.

    Attributes:
        train_loss_list: the loss of all training data at the end of each epoch.
        train_acc_list: the accuracy on them.
        test_acc_list: the accuracy on the test data.
    """

    def __init__(
        self,
        network: Network,
        optimizer: Optimizer,
        x_train: Array,
        t_train: Array,
        x_test: Array,
        t_test: Array,
        epochs: int = 20,
        mini_batch_size: int = 100,
        rng: Rng = None,
    ) -> None:
        self.network, self.optimizer = network, optimizer
        self.x_train, self.t_train = x_train, t_train
        self.x_test, self.t_test = x_test, t_test
        self.epochs, self.mini_batch_size = epochs, mini_batch_size
        self.rng = np.random.default_rng(rng)
        self.train_loss_list: list[float] = []
        self.train_acc_list: list[float] = []
        self.test_acc_list: list[float] = []

    def train_epoch(self) -> None:
        """Take each training sample once, in a new random order, a mini-batch at a time."""
        order = self.rng.permutation(len(self.x_train))
        for start in range(0, len(order), self.mini_batch_size):
            rows = order[start : start + self.mini_batch_size]
            grads = self.network.gradient(self.x_train[rows], self.t_train[rows])
            self.optimizer.update(self.network.params, grads)

    def train(self) -> None:
        """Train for `epochs` epochs, and record at the end of each."""
        for _ in range(self.epochs):
            self.train_epoch()
            self.train_loss_list.append(self.network.loss(self.x_train, self.t_train))
            self.train_acc_list.append(self.network.accuracy(self.x_train, self.t_train))
            self.test_acc_list.append(self.network.accuracy(self.x_test, self.t_test))


def sample_log_uniform(low: float, high: float, size: int | None = None, rng: Rng = None) -> Any:
    """Draw numbers whose logarithms are uniform: 10^U(log10 low, log10 high).

    Args:
        low: the least, above 0.
        high: the largest.
        size: how many; one plain number if None.
        rng: a seed or a generator.

    Returns:
        An array of shape (size,), or a float.
    """
    exponents = np.random.default_rng(rng).uniform(np.log10(low), np.log10(high), size)
    return 10.0**exponents


def run_trial(train_and_score: Callable[..., Result], ranges: Ranges, seed: Rng) -> Result:
    """Draw hyperparameters, train with them, and return both.

    The result depends on the seed alone.

    Args:
        train_and_score: takes the hyperparameters by name, and `rng`, a generator; returns a
            dictionary with the validation accuracy under "val_acc".
        ranges: (low, high) of each hyperparameter by its name; drawn log-uniformly, in this order.
        seed: of all that is random in this trial.

    Returns:
        The hyperparameters and what train_and_score returned.
    """
    rng = np.random.default_rng(seed)
    drawn = {name: sample_log_uniform(low, high, rng=rng) for name, (low, high) in ranges.items()}
    return {**drawn, **train_and_score(**drawn, rng=rng)}


def random_search(
    train_and_score: Callable[..., Result],
    ranges: Ranges,
    trials: int,
    seed: int,
    n_jobs: int = 1,
) -> list[Result]:
    """Run random trials, and return their results, best first.

    Each trial has a child of the seed to itself: its result is the same whatever the other trials
    do, in whichever process they run. An interrupt (Ctrl-C, Jupyter's stop button) ends the search;
    the trials that are complete are returned.

    Args:
        train_and_score: as for `run_trial`; in other processes too if n_jobs is not 1.
        ranges: as for `run_trial`.
        trials: how many.
        seed: of the search.
        n_jobs: processes at work, as joblib counts them.
    """
    children = np.random.SeedSequence(seed).spawn(trials)
    jobs = (delayed(run_trial)(train_and_score, ranges, child) for child in children)
    results: list[Result] = []
    try:
        found = Parallel(n_jobs=n_jobs, return_as="generator")(jobs)
        for _ in track(children, "trials"):
            results.append(next(found))
    except KeyboardInterrupt:
        print(f"\nStopped after {len(results)} of {trials} trials.")
    return best_first(results)


def best_first(results: Sequence[Result]) -> list[Result]:
    """Return results in the order of their validation accuracy, the highest first."""
    return sorted(results, key=lambda result: result["val_acc"], reverse=True)


def narrow(results: Sequence[Result], ranges: Ranges, best: int = 5) -> dict[str, Any]:
    """Return the ranges that the best results span, for a finer search.

    Args:
        results: in any order.
        ranges: the names of the hyperparameters.
        best: how many results count.

    Returns:
        (lowest, highest) of each hyperparameter among the best results, by name.
    """
    top = best_first(results)[:best]
    return {
        name: (min(result[name] for result in top), max(result[name] for result in top))
        for name in ranges
    }
