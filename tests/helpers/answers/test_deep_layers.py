"""Batch normalization and dropout: against PyTorch and numerical differentiation."""

from pathlib import Path

import numpy as np
import pytest

from helpers.answers.deep_layers import BatchNormalization, Dropout
from helpers.answers.gradients import numerical_gradient

FIXTURES = Path(__file__).parent / "fixtures" / "deep.npz"  # made by tools/record_deep.py
RATIO = 0.4


def case(name):
    with np.load(FIXTURES) as file:
        return {key.split(".")[1]: file[key] for key in file if key.startswith(f"{name}.")}


def same(actual, expected):
    assert np.shape(actual) == np.shape(expected)
    np.testing.assert_allclose(actual, expected, rtol=1e-10, atol=1e-12)


def draw(seed, *shape):
    return np.random.default_rng(seed).normal(size=shape)


# --- batch normalization --------------------------------------------------------------------------


def test_batch_normalization_agrees_with_pytorch_on_two_batches():
    torch = case("norm")
    layer = BatchNormalization(torch["gamma"], torch["beta"])
    for k in "12":
        same(layer.forward(torch[f"x{k}"], train_flg=True), torch[f"out{k}"])
        same(layer.backward(torch[f"dout{k}"]), torch[f"dx{k}"])
        same(layer.dgamma, torch[f"dgamma{k}"])
        same(layer.dbeta, torch[f"dbeta{k}"])
        same(layer.running_mean, torch[f"mean{k}"])


def test_the_running_variance_blends_in_variances_over_n_where_pytorchs_are_over_n_minus_1():
    torch = case("norm")
    layer = BatchNormalization(torch["gamma"], torch["beta"])
    pytorchs = 1.0
    for k in "12":
        x = torch[f"x{k}"]
        before = layer.running_var
        layer.forward(x)
        same(layer.running_var, 0.9 * before + 0.1 * x.var(axis=0))
        pytorchs = 0.9 * pytorchs + 0.1 * x.var(axis=0) * len(x) / (len(x) - 1)
        same(pytorchs, torch[f"var{k}"])


def test_test_mode_agrees_with_pytorch_and_leaves_the_running_values():
    torch = case("norm")
    mean, var = torch["mean2"], torch["var2"]
    layer = BatchNormalization(torch["gamma"], torch["beta"], 0.9, mean.copy(), var.copy())
    same(layer.forward(torch["x3"], train_flg=False), torch["out3"])
    np.testing.assert_array_equal(layer.running_mean, mean)
    np.testing.assert_array_equal(layer.running_var, var)


@pytest.mark.parametrize("shape", [(2, 1), (6, 4), (31, 3)])
def test_its_gradients_agree_with_numerical_differentiation(shape):
    n = shape[1]
    x, dout, gamma, beta = draw(1, *shape), draw(2, *shape), draw(3, n), draw(4, n)
    layer = BatchNormalization(gamma, beta)
    layer.forward(x)
    dx = layer.backward(dout)

    def loss(x=x, gamma=gamma, beta=beta):
        return float(np.sum(dout * BatchNormalization(gamma, beta).forward(x)))

    for found, numerical in (
        (dx, numerical_gradient(loss, x)),
        (layer.dgamma, numerical_gradient(lambda value: loss(gamma=value), gamma)),
        (layer.dbeta, numerical_gradient(lambda value: loss(beta=value), beta)),
    ):
        assert not numerical.undecided.any()
        np.testing.assert_allclose(found, numerical.value, rtol=1e-6, atol=1e-7)


def test_a_batch_comes_out_with_mean_beta_and_deviation_gamma():
    x = 5 + 3 * draw(5, 200, 2)
    out = BatchNormalization(np.array([1.0, 4.0]), np.array([0.0, -2.0])).forward(x)
    np.testing.assert_allclose(out.mean(axis=0), [0, -2], atol=1e-12)
    np.testing.assert_allclose(out.std(axis=0), [1, 4], rtol=1e-6)


def test_a_constant_feature_comes_out_as_beta_and_its_gradient_is_finite():
    x = np.column_stack([np.full(4, 7.0), draw(6, 4)])
    layer = BatchNormalization(np.ones(2), np.array([0.5, 0.0]))
    np.testing.assert_array_equal(layer.forward(x)[:, 0], 0.5)
    assert np.isfinite(layer.backward(draw(7, 4, 2))).all()


def test_it_changes_nothing_that_it_was_given():
    given = [draw(seed, 3) for seed in range(2)] + [np.zeros(3), np.ones(3)]
    x, dout = draw(8, 5, 3), draw(9, 5, 3)
    copies = [array.copy() for array in (*given, x, dout)]
    layer = BatchNormalization(given[0], given[1], 0.9, given[2], given[3])
    layer.forward(x)
    layer.backward(dout)
    layer.forward(x, train_flg=False)
    for array, copy in zip((*given, x, dout), copies, strict=True):
        np.testing.assert_array_equal(array, copy)


def test_it_uses_gamma_and_beta_as_they_are():
    gamma, beta, x = np.ones(2), np.zeros(2), draw(10, 6, 2)
    layer = BatchNormalization(gamma, beta)
    before = layer.forward(x)
    gamma *= 2
    beta += 1
    same(layer.forward(x), 2 * before + 1)


# --- dropout --------------------------------------------------------------------------------------


def test_dropout_agrees_with_pytorch_but_for_its_scale():
    torch = case("dropout")
    layer = Dropout(RATIO)
    layer.forward(torch["x"])
    layer.mask = torch["mask"]
    same(layer.backward(torch["dout"]), torch["dx"] * (1 - RATIO))
    same(torch["x"] * torch["mask"], torch["out"] * (1 - RATIO))


def test_what_is_on_passes_and_the_gradient_too():
    x, dout = draw(11, 40, 30), draw(12, 40, 30)
    layer = Dropout(RATIO, rng=np.random.default_rng(0))
    out = layer.forward(x)
    np.testing.assert_array_equal(out, np.where(layer.mask, x, 0))
    np.testing.assert_array_equal(layer.backward(dout), np.where(layer.mask, dout, 0))


@pytest.mark.parametrize("ratio", [0.0, 0.2, 0.5, 0.9])
def test_the_share_that_is_switched_off_is_the_ratio(ratio):
    layer = Dropout(ratio, rng=0)
    layer.forward(np.ones((300, 300)))
    assert abs(np.mean(~layer.mask) - ratio) < 5 * np.sqrt(ratio * (1 - ratio)) / 300 + 1e-12


def test_test_mode_gives_the_mean_of_train_mode():
    x = draw(13, 3, 4)
    layer = Dropout(RATIO, rng=1)
    outs = [layer.forward(x) for _ in range(20_000)]
    np.testing.assert_allclose(layer.forward(x, train_flg=False), np.mean(outs, axis=0), atol=0.03)
    np.testing.assert_allclose(layer.forward(x, train_flg=False), 0.6 * x)


def test_every_forward_draws_anew_and_a_seed_repeats_it():
    x = np.ones((20, 20))
    layer, twin = Dropout(0.5, rng=7), Dropout(0.5, rng=np.random.default_rng(7))
    first, second = layer.forward(x), layer.forward(x)
    assert (first != second).any()
    np.testing.assert_array_equal(twin.forward(x), first)
    np.testing.assert_array_equal(twin.forward(x), second)
    assert (Dropout().forward(x) != Dropout().forward(x)).any()
