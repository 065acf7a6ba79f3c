"""Splits, trainer and random search: pairs stay together, epochs are whole, results repeatable."""

from itertools import chain, combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers.answers.deep_networks import MultiLayerNetExtend
from helpers.answers.optimizers import SGD
from helpers.answers.training import (
    Trainer,
    narrow,
    random_search,
    run_trial,
    sample_log_uniform,
    shuffle_dataset,
    validation_split,
)

RANGES = {"lr": (1e-3, 1e-1), "weight_decay": (1e-8, 1e-4)}
RNG = np.random.default_rng(6)
X, T = RNG.normal(size=(60, 4)), RNG.integers(3, size=60)


class Recorder:
    """A network without weights: remembers the samples of each gradient and each look."""

    def __init__(self):
        self.params = {"W1": np.zeros(1)}
        self.batches, self.looks = [], []

    def gradient(self, x, t):
        assert (x[:, 0] == t).all()
        self.batches.append(t.tolist())
        return {"W1": np.ones(1)}

    def loss(self, x, t):
        self.looks.append(len(self.batches))
        return float(len(x))

    def accuracy(self, x, t):
        self.looks.append(len(self.batches))
        return float(x.sum())


def recorded(samples=7, **options):
    network = Recorder()
    x, t = np.arange(samples)[:, None].astype(float), np.arange(samples)
    trainer = Trainer(network, SGD(0.5), x, t, x[:2] - 5, t[:2], **options)
    trainer.train()
    return trainer


# --- shuffling and splitting ----------------------------------------------------------------------


@given(st.integers(1, 30), st.integers(0, 1000))
def test_a_shuffle_keeps_each_sample_once_with_its_label(samples, seed):
    x, t = np.arange(2.0 * samples).reshape(samples, 2), np.arange(samples)
    found_x, found_t = shuffle_dataset(x, t, seed)
    assert sorted(found_t) == t.tolist()
    np.testing.assert_array_equal(found_x, x[found_t])
    np.testing.assert_array_equal(x, np.arange(2.0 * samples).reshape(samples, 2))


def test_every_order_comes_about_equally_often():
    rng, t = np.random.default_rng(0), np.arange(3)
    orders = [tuple(shuffle_dataset(t, t, rng)[0].tolist()) for _ in range(3000)]
    counts = {order: orders.count(order) for order in set(orders)}
    assert len(counts) == 6
    assert all(400 < count < 600 for count in counts.values())


@given(st.integers(1, 60), st.floats(0, 1), st.integers(0, 1000))
def test_a_split_puts_each_sample_into_one_part(samples, share, seed):
    x, t = np.arange(3.0 * samples).reshape(samples, 3, 1), np.arange(samples)
    (x_train, t_train), (x_val, t_val) = validation_split(x, t, share, seed)
    assert len(t_val) == round(share * samples)
    assert sorted([*t_train, *t_val]) == t.tolist()
    np.testing.assert_array_equal(x_train, x[t_train])
    np.testing.assert_array_equal(x_val, x[t_val])


def test_29_percent_of_100_are_29():
    assert len(validation_split(np.zeros(100), np.zeros(100), 0.29)[1][0]) == 29


def test_a_generator_is_used_on_and_a_seed_begins_anew():
    t = np.arange(50)
    rng = np.random.default_rng(3)
    first, second = (shuffle_dataset(t, t, rng)[0].tolist() for _ in range(2))
    assert first != second
    assert shuffle_dataset(t, t, 3)[0].tolist() == first


# --- the trainer ----------------------------------------------------------------------------------


@pytest.mark.parametrize(("size", "batches"), [(3, [3, 3, 1]), (7, [7]), (10, [7]), (1, [1] * 7)])
def test_an_epoch_takes_each_sample_once_and_the_last_batch_may_be_short(size, batches):
    trainer = recorded(epochs=4, mini_batch_size=size)
    network = trainer.network
    assert [len(batch) for batch in network.batches] == batches * 4
    steps = len(batches)
    for epoch in range(4):
        taken = network.batches[steps * epoch : steps * (epoch + 1)]
        assert sorted(chain.from_iterable(taken)) == list(range(7))
    assert network.params["W1"] == -0.5 * 4 * steps


def test_each_epoch_has_an_order_of_its_own():
    trainer = recorded(samples=30, epochs=5, mini_batch_size=30, rng=1)
    for one, other in combinations(trainer.network.batches, 2):
        assert one != other


def test_it_records_three_numbers_at_the_end_of_each_epoch():
    trainer = recorded(epochs=20, mini_batch_size=3)
    assert trainer.network.looks == [3 * epoch for epoch in range(1, 21) for _ in range(3)]
    assert trainer.train_loss_list == [7.0] * 20
    assert trainer.train_acc_list == [21.0] * 20
    assert trainer.test_acc_list == [-9.0] * 20


def test_a_full_batch_is_plain_gradient_descent():
    network = MultiLayerNetExtend(4, [5], 3, weight_decay_lambda=0.1, rng=0)
    twin = MultiLayerNetExtend(4, [5], 3, weight_decay_lambda=0.1, rng=0)
    trainer = Trainer(network, SGD(0.3), X, T, X[:9], T[:9], epochs=3, mini_batch_size=60)
    trainer.train()
    losses = []
    for _ in range(3):
        for key, grad in twin.gradient(X, T).items():
            twin.params[key] -= 0.3 * grad
        losses.append(twin.loss(X, T))
    np.testing.assert_allclose(trainer.train_loss_list, losses, rtol=1e-12)
    assert trainer.test_acc_list[-1] == twin.accuracy(X[:9], T[:9])


def test_it_is_repeatable():
    def loss(seed):
        network = MultiLayerNetExtend(4, [5], 3, rng=0)
        trainer = Trainer(network, SGD(0.3), X, T, X, T, epochs=2, mini_batch_size=8, rng=seed)
        trainer.train()
        return trainer.train_loss_list

    assert loss(1) == loss(1) != loss(2)


# --- searching ------------------------------------------------------------------------------------


def test_a_log_uniform_sample_fills_each_decade_alike():
    values = sample_log_uniform(1e-6, 1e-2, 40_000, rng=0)
    assert values.shape == (40_000,)
    assert 1e-6 <= values.min() < values.max() <= 1e-2
    share = np.histogram(values, [1e-6, 1e-5, 1e-4, 1e-3, 1e-2])[0] / 40_000
    np.testing.assert_allclose(share, 0.25, atol=0.01)
    assert isinstance(sample_log_uniform(1, 2, rng=0), float)


def greedy_score(lr, weight_decay, rng):
    """Take many random numbers first, if the learning rate is large."""
    lucky = float(rng.random(1 + int(1000 * lr))[0])
    return {"val_acc": lucky}


def test_40_trials_give_40_results_best_first():
    results = random_search(greedy_score, RANGES, 40, seed=1)
    assert len(results) == 40
    accuracies = [result["val_acc"] for result in results]
    assert accuracies == sorted(accuracies, reverse=True)
    assert len({result["lr"] for result in results}) == 40
    for name, (low, high) in RANGES.items():
        assert all(low <= result[name] <= high for result in results)


def test_a_search_is_the_same_in_one_process_and_in_two():
    def local(lr, weight_decay, rng):  # other processes can't import a test, but they can unpack it
        network = MultiLayerNetExtend(4, [6], 3, weight_decay_lambda=weight_decay, rng=rng)
        trainer = Trainer(network, SGD(lr), X, T, X, T, epochs=2, mini_batch_size=16, rng=rng)
        trainer.train()
        return {"val_acc": trainer.test_acc_list[-1], "loss": trainer.train_loss_list}

    alone = random_search(local, RANGES, 6, seed=2, n_jobs=1)
    assert random_search(local, RANGES, 6, seed=2, n_jobs=2) == alone
    assert random_search(local, RANGES, 6, seed=3) != alone


def test_a_trial_does_not_depend_on_the_others():
    few, many = (random_search(greedy_score, RANGES, trials, seed=4) for trials in (3, 9))
    assert [result for result in many if result in few] == few
    (third,) = np.random.SeedSequence(4).spawn(3)[2:]
    assert run_trial(greedy_score, RANGES, third) in few


def test_both_hyperparameters_are_drawn_on_their_own():
    results = random_search(greedy_score, RANGES, 200, seed=5)
    logs = np.log([[result["lr"], result["weight_decay"]] for result in results])
    assert abs(np.corrcoef(logs.T)[0, 1]) < 0.25


@pytest.mark.parametrize("complete", [0, 3])
def test_an_interrupted_search_keeps_what_it_has(complete, capsys):
    done = []

    def interrupted(lr, weight_decay, rng):
        if len(done) == complete:
            raise KeyboardInterrupt
        done.append({"lr": lr, "weight_decay": weight_decay, "val_acc": len(done)})
        return {"val_acc": len(done) - 1}

    assert random_search(interrupted, RANGES, 9, seed=0) == done[::-1]
    assert f"Stopped after {complete} of 9 trials." in capsys.readouterr().out


def test_it_shows_how_far_it_is(capsys, monkeypatch):
    monkeypatch.delenv("COURSE_PACE", raising=False)
    random_search(greedy_score, RANGES, 3, seed=0)
    assert "3 of 3 trials" in capsys.readouterr().out


def test_narrow_spans_the_best_whatever_the_order():
    tried = [
        {"val_acc": 0.1, "lr": 9.0, "depth": 1.0},
        {"val_acc": 0.9, "lr": 3.0, "depth": 2.0},
        {"val_acc": 0.8, "lr": 1.0, "depth": 4.0},
        {"val_acc": 0.7, "lr": 2.0, "depth": 3.0},
    ]
    ranges = {"lr": (1.0, 9.0), "depth": (1.0, 4.0)}
    assert narrow(tried, ranges, best=3) == {"lr": (1.0, 3.0), "depth": (2.0, 4.0)}
    assert narrow(tried, ranges, best=9) == {"lr": (1.0, 9.0), "depth": (1.0, 4.0)}
