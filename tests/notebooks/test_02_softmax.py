"""Chapter 2's reference figures, and every number in its text: text and mathematics can't drift."""

from typing import Any

import numpy as np
import pytest

from helpers.answers.deep_networks import MultiLayerNetExtend
from helpers.answers.gradients import numerical_gradient, numerical_jacobian
from helpers.datasets import load_mnist
from tests.notebooks.chapter import Chapter, close

CHAPTER = Chapter("02_softmax", "softmax")
says = CHAPTER.says

Z = np.array([0.3, 2.9, 4.0])
LARGE = np.array([1010.0, 1000.0, 990.0])
SOFTMAX_OF_LARGE = [9.99954600e-01, 4.53978686e-05, 2.06106005e-09]
RANDOM = np.random.default_rng(2)


@pytest.fixture(scope="module")
def f() -> dict[str, Any]:
    """The names that the reference solutions define."""
    return CHAPTER.reference()


# --- reference figures ----------------------------------------------------------------------------


def test_softmax_of_the_example(f: dict[str, Any]) -> None:
    close(np.exp(Z), [1.34985881, 18.17414537, 54.59815003], 8)
    assert np.exp(Z).sum() == pytest.approx(74.1221542101633, rel=1e-14)
    says("| $e^{z_i}$ | 1.34985881 | 18.17414537 | 54.59815003 | 74.1221542 |")
    for name in ("softmax_naive", "softmax"):
        close(f[name](Z), [0.01821127, 0.24519181, 0.73659691], 8)
        assert f[name](Z).sum() == pytest.approx(1, abs=1e-15)
    says("| $y_i$ | 0.01821127 | 0.24519181 | 0.73659691 | 1 |")
    close(f["softmax"](Z)[2] / f["softmax"](Z)[1], 3.0, 1)
    says("it is $e^{1.1} \\approx 3.0$ times as probable")


def test_naive_softmax_overflows_and_softmax_does_not(f: dict[str, Any]) -> None:
    with np.errstate(over="ignore", invalid="ignore"):
        assert np.isnan(f["softmax_naive"](LARGE)).all()
    says("`[nan nan nan]`. The largest float64 is about $1.8 \\cdot 10^{308}$")
    close(np.log(np.finfo(float).max), 709.78, 2)
    says("which is $e^{709.78}$")
    np.testing.assert_allclose(f["softmax"](LARGE), SOFTMAX_OF_LARGE, rtol=1e-8)
    says("`[9.99954600e-01 4.53978686e-05 2.06106005e-09]`")
    assert np.exp(-746.0) == 0 < np.exp(-745.0)
    says("An exponent below about $-745$ gives exactly 0")


def test_softmax_is_unchanged_by_a_shift_and_sums_to_1(f: dict[str, Any]) -> None:
    z = RANDOM.normal(size=(6, 4))
    for shift in (-1e5, -3.0, 1e5):
        np.testing.assert_allclose(f["softmax"](z + shift), f["softmax"](z), rtol=1e-9)
    np.testing.assert_allclose(f["softmax"](z * 1e3).sum(axis=1), 1, rtol=1e-15)


def test_log_softmax(f: dict[str, Any]) -> None:
    shifted = np.exp(Z - 4)
    close(shifted.sum(), 1.3576, 4)
    close(np.log(shifted.sum()), 0.3057, 4)
    close(f["log_softmax"](Z), [-4.0057, -1.4057, -0.3057], 4)
    says("$e^{-3.7} + e^{-1.1} + 1 = 1.3576$, its logarithm $0.3057$")
    says("the result $[-4.0057, -1.4057, -0.3057]$")
    wide = np.array([1000.0, 0.0, -1000.0])
    assert f["log_softmax"](wide).tolist() == [0, -1000, -2000]
    with np.errstate(divide="ignore"):
        assert np.log(f["softmax"](wide)).tolist() == [0, -np.inf, -np.inf]
    says("it is $[0, -1000, -2000]$, where `np.log(softmax(z))` gives $[0, -\\infty, -\\infty]$")


def test_cross_entropy(f: dict[str, Any]) -> None:
    loss = f["cross_entropy_error"]
    close(loss(np.array([0.4, 0.6]), 1), 0.511, 3)
    says("If $y_c = 0.6$ it is 0.511")
    close(loss(np.full(3, 1 / 3), 0), 1.099, 3)
    says("it is $\\log 3 = 1.099$")
    y = np.array([[0.1, 0.7, 0.2], [0.3, 0.3, 0.4]])
    close([loss(y[0], 1), loss(y[1], 0), loss(y, np.array([1, 0]))], [0.3567, 1.2040, 0.7803], 4)
    close(loss(y, np.array([[0, 1, 0], [1, 0, 0]])), 0.7803, 4)
    says("| 0 | $[0.1, 0.7, 0.2]$ | 1 | 0.7 | 0.3567 |")
    says("| 1 | $[0.3, 0.3, 0.4]$ | 0 | 0.3 | 1.2040 |")
    says("| mean | | | | **0.7803** |")
    close(loss(np.array([1.0, 0.0]), 1), 16.118, 3)
    says("$-\\log 10^{-7} = 16.118$")
    assert loss(np.array([1.0, 1e-30]), 1) == loss(np.array([1.0, 1e-7]), 1)
    says("$y_c = 10^{-30}$, gets the same loss as one with $y_c = 10^{-7}$")
    close(-np.log(0.001), 6.9, 1)
    says("minus the logarithm of p falls from 6.9 near p = 0")


def test_cross_entropy_from_scores(f: dict[str, Any]) -> None:
    assert f["softmax_cross_entropy"](np.array([1000.0, 0.0, 0.0]), 1) == 1000
    says("For $z = [1000, 0, 0]$ and label 1 it is 1000")
    huge = np.array([[1e300, 0.0], [0.0, -1e300]])
    assert f["softmax_cross_entropy"](huge, np.array([1, 1])) == pytest.approx(1e300)
    says("finite for scores as large as $10^{300}$")


def test_jacobian(f: dict[str, Any]) -> None:
    assert f["softmax_jacobian"](np.zeros(2)).tolist() == [[0.25, -0.25], [-0.25, 0.25]]
    says("\\begin{pmatrix} 0.25 & -0.25 \\\\ -0.25 & 0.25 \\end{pmatrix}")
    for _ in range(5):
        z = RANDOM.normal(size=5)
        table = f["softmax_jacobian"](z)
        np.testing.assert_allclose(table, numerical_jacobian(f["softmax"], z).value, atol=1e-10)
        np.testing.assert_allclose(table.sum(axis=0), 0, atol=1e-15)
        np.testing.assert_allclose(table.sum(axis=1), 0, atol=1e-15)


def test_gradient(f: dict[str, Any]) -> None:
    close(f["softmax_cross_entropy_grad"](Z, 2), [0.0182, 0.2452, -0.2634], 4)
    says("= [0.0182,\\ 0.2452,\\ -0.2634]$")
    z, t = RANDOM.normal(size=(6, 4)), RANDOM.integers(4, size=6)
    numerical = numerical_gradient(lambda x: f["softmax_cross_entropy"](x, t), z).value
    for truth in (t, np.eye(4)[t]):
        grad = f["softmax_cross_entropy_grad"](z, truth)
        np.testing.assert_allclose(grad, numerical, atol=1e-10)


def test_temperature(f: dict[str, Any]) -> None:
    close([f["softmax"](Z / t)[2] for t in (0.25, 1, 4)], [0.988, 0.737, 0.464], 3)
    says("At $T = 0.25$ class 2 has 0.988, at $T = 1$ it has 0.737, at $T = 4$ it has 0.464.")


def test_softmax_keeps_the_order(f: dict[str, Any]) -> None:
    z = RANDOM.normal(size=(50, 7))
    assert (np.argsort(f["softmax"](z)) == np.argsort(z)).all()
    assert (f["predict_class"](z) == f["softmax"](z).argmax(axis=1)).all()


# --- the bug museum and the classifier ------------------------------------------------------------


def test_each_clipping_limit_has_its_own_symptom(f: dict[str, Any]) -> None:
    with np.errstate(over="ignore", invalid="ignore"):
        assert np.isnan(f["softmax_clipped"](LARGE, 1000.0)).all()
        assert f["softmax_clipped"](LARGE, 709.7).tolist() == [0, 0, 0]
        assert np.isinf(np.exp(990.0))
    close(f["softmax_clipped"](LARGE, 700.0), [1 / 3] * 3, 15)
    says("- **1000**: `[nan nan nan]`")
    says("- **709.7**: `[0. 0. 0.]`")
    says("- **700**: `[0.33333333 0.33333333 0.33333333]`")
    close(f["softmax"](LARGE)[0], 0.99995, 5)
    says("the first class should have 0.99995")


def test_the_wrong_axis_shows_in_the_rows_unless_the_batch_is_symmetric(f: dict[str, Any]) -> None:
    batch = np.array([[0.3, 2.9, 4.0], [2.0, 1.0, 0.0]])
    close(f["softmax_columns"](batch).sum(axis=1), [2.006, 0.994], 3)
    says("The rows sum to 2.006 and 0.994.")
    symmetric = 2 * np.eye(3)
    np.testing.assert_allclose(f["softmax_columns"](symmetric), f["softmax"](symmetric))
    assert f["softmax_columns"](RANDOM.normal(size=(3, 3))).sum() == pytest.approx(3)


def test_the_classifier_learns(f: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    CHAPTER.run("learn", f)
    assert f["losses"][0] == pytest.approx(np.log(3))
    assert f["losses"][-1] < 0.1
    assert len(f["losses"]) == 200
    assert f["hits"] >= 290
    says("the loss falls from 1.1 to below 0.1 in 200 steps")
    assert f"loss {f['losses'][0]:.3f} before" in capsys.readouterr().out


@pytest.mark.parametrize("seed", range(3))
def test_the_first_loss_of_deeper_networks_is_a_little_above_log_k(seed: int) -> None:
    x, t = (part[:1000] for part in load_mnist()[0])
    for depth in (1, 2, 4, 6):
        net = MultiLayerNetExtend(784, [100] * depth, 10, rng=seed)
        assert 2.3 < net.loss(x, t) < 2.5
    assert np.log(10) == pytest.approx(2.303, abs=0.0005)
    says("start between 2.3 and 2.5, where $\\log 10 = 2.303$")
