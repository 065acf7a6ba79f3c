"""Chapter 2's reference figures, and every number in its text: text and mathematics can't drift."""

import itertools
import runpy
from typing import Any

import numpy as np
import pytest

from helpers.answers.deep_networks import MultiLayerNetExtend
from helpers.answers.gradients import numerical_gradient, numerical_jacobian
from helpers.datasets import load_mnist
from tests.notebooks.chapter import (
    Chapter,
    close,
    draws_wherever_its_sliders_are,
    gives_no_bug_away,
    holds_a_quiz_of_ten,
)

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
    with np.errstate(over="ignore", invalid="ignore"):
        naive = {shift: f["softmax_naive"](Z + shift) for shift in (705.0, 705.5, 706.0, 710.0)}
    np.testing.assert_allclose(naive[705.0], f["softmax"](Z))
    assert naive[705.5].tolist() == [0, 0, 0]
    assert np.isfinite(np.exp(Z + 705.5)).all()
    says("The naive ones drop to 0 at 705.5. There the largest exponential still fits")
    assert np.isnan(naive[706.0]).tolist() == [False, False, True]
    assert np.isnan(naive[710.0]).all()
    says("From 706 on, the largest score is above 709.78")
    says("With softmax_naive the level lines drop to 0 at 705.5 and end soon after.")
    with np.errstate(over="ignore", invalid="ignore"):
        CHAPTER.run("plot_shift", f)
    compared = CHAPTER.compared("compare_overflow", f)
    assert compared["the constant at which softmax_naive fails"] == 705.5
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
    says("$$\\log y_i = z_i - M - \\log \\sum_j e^{z_j - M}$$")
    says("the **maximum**, $M = \\max_j z_j$")
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


def test_likelihood() -> None:
    p = np.linspace(0.001, 0.999, 999)
    for tosses in (10, 100):
        likelihood = p ** (0.7 * tosses) * (1 - p) ** (0.3 * tosses)
        loss = -(0.7 * np.log(p) + 0.3 * np.log(1 - p))
        assert likelihood.argmax() == loss.argmin() == np.abs(p - 0.7).argmin()
    close([0.5**10, 0.7**7 * 0.3**3], [0.00098, 0.0022], 4)
    says("$p^7 (1 - p)^3$: 0.00098 for $p = 0.5$, and 0.0022 for $p = 0.7$")
    close(loss.min(), 0.61, 2)
    says("a hill with its top, 0.0022, at p = 0.7")
    says("a valley with its bottom, 0.61, at the same p")
    assert (p**1400 * (1 - p) ** 600 == 0).all()
    assert (p**1400 * (1 - p) ** 600).max() < np.finfo(float).tiny
    says("at 2000 tosses with 7 heads in ten it is below the smallest float64 for every $p$")


def test_one_confident_mistake_outweighs_all_that_is_right(f: dict[str, Any]) -> None:
    loss = f["cross_entropy_error"]
    right, wrong = loss(np.array([0.99, 0.01]), 0), loss(np.array([1e-6, 1 - 1e-6]), 0)
    close([wrong, right], [13.8, 0.01], 1)
    says("The one loss is $-\\log 10^{-6} = 13.8$, and each of the others 0.01.")
    assert wrong > 10 * 99 * right


def test_cross_entropy_from_scores(f: dict[str, Any]) -> None:
    assert f["softmax_cross_entropy"](np.array([1000.0, 0.0, 0.0]), 1) == 1000
    says("For $z = [1000, 0, 0]$ and label 1 it is 1000")
    huge = np.array([[1e300, 0.0], [0.0, -1e300]])
    assert f["softmax_cross_entropy"](huge, np.array([1, 1])) == pytest.approx(1e300)
    says("finite for scores as large as $10^{300}$")


def test_up_to_where_the_floor_does_no_harm(f: dict[str, Any]) -> None:
    leads = (12.0, 16.0, 17.0, 40.0)
    pairs = [np.array([lead, 0.0]) for lead in leads]
    straight = [f["softmax_cross_entropy"](pair, 1) for pair in pairs]
    floored = [f["cross_entropy_error"](f["softmax"](pair), 1) for pair in pairs]
    close(straight, leads, 4)
    close(floored[:2], straight[:2], 4)
    assert floored[2] == floored[3] < 16.2
    says("The two agree up to about $d = 16$. Beyond that $y_c \\approx e^{-d}$ is below the floor")


def test_jacobian(f: dict[str, Any]) -> None:
    assert f["softmax_jacobian"](np.zeros(2)).tolist() == [[0.25, -0.25], [-0.25, 0.25]]
    says("\\begin{pmatrix} 0.25 & -0.25 \\\\ -0.25 & 0.25 \\end{pmatrix}")
    close(f["softmax_jacobian"](Z)[1, 2], -0.1806, 4)
    says("the one in row 1 and column 2 is $-0.1806$")
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
    close(f["softmax"](Z), [0.018, 0.245, 0.737], 3)
    says("Bars of the three probabilities at T = 1: 0.018, 0.245 and 0.737.")


def test_softmax_keeps_the_order(f: dict[str, Any]) -> None:
    z = RANDOM.normal(size=(50, 7))
    assert (np.argsort(f["softmax"](z)) == np.argsort(z)).all()
    assert (f["predict_class"](z) == f["softmax"](z).argmax(axis=1)).all()


# --- the bug museum and the classifier ------------------------------------------------------------


def test_no_bug_is_given_away_before_the_guess() -> None:
    words = ["clip", "cut", "700", "limit", "difference between"]
    gives_no_bug_away(CHAPTER, "exhibit_a_text", "guess_exhibit_a", words)
    words = ["axis", "column", "compete", "neighbor", "other samples"]
    gives_no_bug_away(CHAPTER, "exhibit_b_text", "guess_exhibit_b", words)


def test_each_clipping_limit_has_its_own_symptom(f: dict[str, Any]) -> None:
    with np.errstate(over="ignore", invalid="ignore"):
        assert np.isnan(f["softmax_exhibit_a"](LARGE, 1000.0)).all()
        assert f["softmax_exhibit_a"](LARGE, 709.7).tolist() == [0, 0, 0]
        assert np.isinf(np.exp(990.0))
    close(f["softmax_exhibit_a"](LARGE, 700.0), [1 / 3] * 3, 15)
    says("- **1000**: `[nan nan nan]`")
    says("- **709.7**: `[0. 0. 0.]`")
    says("- **700**: `[0.33333333 0.33333333 0.33333333]`")
    close(f["softmax"](LARGE)[0], 0.99995, 5)
    says("the first class should have 0.99995")


def test_the_wrong_axis_shows_in_the_rows_unless_the_batch_is_symmetric(f: dict[str, Any]) -> None:
    batch = np.array([[0.3, 2.9, 4.0], [2.0, 1.0, 0.0]])
    close(f["softmax_exhibit_b"](batch).sum(axis=1), [2.006, 0.994], 3)
    says("the rows sum to 2.006 and 0.994")
    symmetric = 2 * np.eye(3)
    np.testing.assert_allclose(f["softmax_exhibit_b"](symmetric), f["softmax"](symmetric))
    assert f["softmax_exhibit_b"](RANDOM.normal(size=(3, 3))).sum() == pytest.approx(3)


def row(words: str, numbers: list[float]) -> str:
    """Return a row of a log as the text shows it."""
    return f"| {words} | " + " | ".join(f"{abs(number):.4f}" for number in numbers) + " |"


@pytest.mark.filterwarnings("error")
def test_the_symptom_of_exhibit_a(f: dict[str, Any]) -> None:
    factors = (1, 10, 100, 200, 300, 1000, 3000)
    says("| factor | " + " | ".join(map(str, factors)) + " |")
    says(row("right softmax", [f["softmax_cross_entropy"](k * Z, 2) for k in factors]))
    through_a = [f["softmax_exhibit_a"](k * Z) for k in factors]
    np.testing.assert_allclose([sum(y) for y in through_a], 1)
    says(row("exhibit A", [-float(np.log(y[2])) for y in through_a]))
    close([np.log(2), np.log(3)], [0.6931, 1.0986], 4)


def test_the_symptom_of_exhibit_b(f: dict[str, Any]) -> None:
    sizes = (1, 3, 30, 100, 300)
    says("| N | " + " | ".join(map(str, sizes)) + " |")
    for words, name in {"right softmax": "softmax", "exhibit B": "softmax_exhibit_b"}.items():
        y = [f[name](np.zeros((n, 3))) for n in sizes]
        says(row(words, [-float(np.mean(np.log(of[:, 0]))) for of in y]))
    says("with equal scores each gets $1/N$, and the loss is $\\log N$")


@pytest.mark.parametrize(("exhibit", "bug"), [("exhibit_a", "a"), ("exhibit_b", "c")])
def test_the_bug_that_is_compared_is_the_one_that_the_program_has(
    f: dict[str, Any], exhibit: str, bug: str
) -> None:
    assert list(CHAPTER.compared(f"compare_{exhibit}", f).values()) == [bug]


def test_the_checks_tell_the_exhibits_from_what_is_right(f: dict[str, Any]) -> None:
    for check, exhibit in (("large_scores", "a"), ("rows", "b")):
        assert f[f"check_{check}"](f[f"softmax_exhibit_{exhibit}"]) is False
        assert f[f"check_{check}"](f["softmax"]) is True


def test_two_or_three_scores_around_1000_expose_every_wrong_softmax() -> None:
    folder = CHAPTER.source.folder
    candidates = runpy.run_path(str(folder / "specifications" / "softmax.py"))
    for first, *gaps in ((900, 1), (990, 10), (1000, 1, 1), (1079, 10, 10), (990, 1, 10)):
        for scores in itertools.permutations(np.cumsum([first, *gaps]) + 0.5):
            z = np.array(scores)
            right = np.exp(z - z.max()) / np.exp(z - z.max()).sum()
            for name, wrong in candidates["WRONG"].items():
                with np.errstate(all="ignore"):
                    off = np.max(np.abs(wrong(z) - right))
                assert np.isnan(off) or off > 1e-6, f"{name}: {z}"
    says("is off by more than $10^{-6}$ for any two or three such scores, in any order")


def test_the_classifier_learns(f: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    CHAPTER.run("learn", f)
    assert f["losses"][0] == pytest.approx(np.log(3))
    assert f["losses"][-1] < 0.1
    assert len(f["losses"]) == 200
    assert f["hits"] >= 290
    says("the loss falls from 1.1 to below 0.1 in 200 steps")
    assert f"loss {f['losses'][0]:.3f} before" in capsys.readouterr().out
    close([f["losses"][0], f["losses"][1], f["losses"][-1]], [1.099, 0.474, 0.044], 3)
    compared = CHAPTER.compared("compare_first_step", f)
    assert (compared["points that are right after one step"], f["hits"]) == (295, 297)
    says("After one step 295 points are right, and at the end 297.")
    says("the loss falls from 1.099 to 0.474 in that step, and to 0.044 in the end")


@pytest.mark.parametrize("seed", range(3))
def test_the_first_loss_of_deeper_networks_is_a_little_above_log_k(seed: int) -> None:
    x, t = (part[:1000] for part in load_mnist()[0])
    for depth in (1, 2, 4, 6):
        net = MultiLayerNetExtend(784, [100] * depth, 10, rng=seed)
        assert 2.3 < net.loss(x, t) < 2.5
    assert np.log(10) == pytest.approx(2.303, abs=0.0005)
    says("start between 2.3 and 2.5, where $\\log 10 = 2.303$")


# --- the investigation and the quiz ---------------------------------------------------------------


def test_the_model_answers_quote_what_their_program_prints(
    f: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    program = CHAPTER.cell("why_temperature").split("```python")[1].split("```")[0]
    exec(program, dict(f))
    used, best, trained = 3, 1, 5
    lines = capsys.readouterr().out.splitlines()
    assert lines[:used] == ["0.1 289 0.999 0.528", "1 289 0.963 0.096", "10 289 0.520 0.670"]
    says("At $T = 0.1$, 1 and 10 the same 289 of the 300 new points were right.")
    says("was 0.999 at 0.1, 0.963 at 1 and 0.520 at 10, where 289/300 is 0.963")
    close(289 / 300, 0.963, 3)
    says("The loss on the new points was 0.528, 0.096 and 0.670.")
    assert lines[used:][:best] == ["0.94"]
    says("Of 81 temperatures between 0.1 and 10 the best was 0.94.")
    of = [line.split() for line in lines[used + best :]]
    assert len(of) == trained
    assert [(T, right, loss) for T, _, right, _, loss in of[:3]] == [
        ("0.25", "298", "0.031"),
        ("1", "297", "0.044"),
        ("4", "296", "0.129"),
    ]
    says("the loss was 0.031, 0.044 and 0.129, and 298, 297 and 296 of the 300 points were right")
    assert [loss for *_, loss in of[3:]] == ["0.044"] * 2
    says("at $T = 4$ with learning rate 8 and at $T = 0.25$ with 0.03125 the loss was 0.044")


@pytest.mark.filterwarnings("error")
def test_figures_with_sliders_can_be_drawn_wherever_these_are(f: dict[str, Any]) -> None:
    draws_wherever_its_sliders_are(CHAPTER, f)


def test_the_quiz_has_its_form() -> None:
    holds_a_quiz_of_ten(CHAPTER)


def test_the_quiz_is_right(f: dict[str, Any]) -> None:
    z = RANDOM.normal(size=20)
    pairs = np.stack([z, np.zeros(20)], axis=1)
    np.testing.assert_allclose(f["softmax"](pairs)[:, 0], 1 / (1 + np.exp(-z)))
    np.testing.assert_allclose(f["softmax"](np.stack([z, -z], 1))[:, 0], 1 / (1 + np.exp(-2 * z)))
    central = (np.sin(1 + 1e-12) - np.sin(1 - 1e-12)) / 2e-12
    assert 1e-6 < abs(central - np.cos(1)) < 1e-4
    y = 0.001
    close([2 * (y - 1) * y * (1 - y), y - 1], [-0.002, -0.999], 3)
    np.testing.assert_allclose(f["softmax"](np.arange(1, 4)), f["softmax"](np.arange(101, 104)))
    assert f["softmax"](2 * Z).max() > f["softmax"](Z).max()
    close([-np.log(0.01), -np.log(0.0001), np.log(100)], [4.6, 9.2, 4.6], 1)
    says("$-\\log 0.01 = 4.6$ and $-\\log 0.0001 = 9.2$")
    e = np.exp(Z)
    assert np.sum(e[None], axis=-1).shape == (1,)
    np.testing.assert_allclose(e[None] / np.sum(e[None], axis=-1), f["softmax"](Z[None]))
    with pytest.raises(ValueError, match="broadcast"):
        np.ones((2, 4)) / np.ones((2, 4)).sum(axis=-1)
    says("a test with one sample misses the bug")
    close([np.log(10), np.log(1000)], [2.3, 6.9], 1)
    says("$\\log 10 = 2.3$. And 6.9 is $\\log 1000$")
    close(f["softmax_cross_entropy_grad"](Z, 2).sum(), 0, 12)
