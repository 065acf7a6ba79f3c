"""Chapter 1's reference figures, and every number in its text: text and mathematics can't drift."""

import math
from typing import Any

import numpy as np
import pytest

from helpers.answers.gradients import numerical_derivative
from tests.notebooks.chapter import (
    Chapter,
    close,
    draws_wherever_its_sliders_are,
    gives_no_bug_away,
    holds_a_quiz_of_ten,
)

CHAPTER = Chapter("01_activations", "activations")
says = CHAPTER.says

RANDOM = np.random.default_rng(1)

ELEMENTWISE = ["step_function", "sigmoid", "tanh", "relu"]
ELEMENTWISE += ["sigmoid_grad", "tanh_grad", "relu_grad"]
FLOATS = [-1e300, -1000.0, -710.0, -1.5, -0.0, 5e-324, 0.5, 709.8, 1000.0, 1e300]


@pytest.fixture(scope="module")
def f() -> dict[str, Any]:
    """The names that the reference solutions define."""
    return CHAPTER.reference()


def roughly(actual: Any, expected: float) -> None:
    """Hold a number against the two digits of it that the text quotes."""
    assert actual == pytest.approx(expected, rel=0.05)


# --- the chapter as a whole -----------------------------------------------------------------------


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_the_rule_of_the_chapter_holds(f: dict[str, Any], name: str) -> None:
    says("It returns the same shape: a number for a number, an array for a list or an array.")
    says("returns the same shape, and leaves its input as it was")
    says("It never changes its input.")
    h = f[name]
    x = RANDOM.normal(size=(2, 3, 4))
    before = x.copy()
    y = h(x)
    assert np.shape(y) == x.shape
    np.testing.assert_array_equal(x, before)
    np.testing.assert_array_equal(h(x.tolist()), y)
    assert np.ndim(h(0.5)) == np.ndim(h(2)) == 0
    assert np.isfinite(h(np.array(FLOATS))).all()


def test_later_cells_call_with_numbers_arrays_and_lists(f: dict[str, Any]) -> None:
    kinds = set()

    def sigmoid(x: Any) -> Any:
        kinds.add(type(x))
        return f["sigmoid"](x)

    for cell in ("compare_ten_layers", "plot_sigmoid", "compare_exhibit_sigmoid"):
        CHAPTER.compared(cell, f | {"sigmoid": sigmoid})
    assert {list, np.ndarray} < kinds
    assert any(issubclass(kind, float) for kind in kinds)
    says("later cells call yours with each of them")
    assert np.tanh([-1, 2]).shape == np.tanh(np.array([-1, 2])).shape == (2,)
    says("NumPy's own functions take all three")


def test_the_books_names_that_numpy_has_no_longer() -> None:
    assert not hasattr(np, "int")
    says("`dtype=np.int` is gone from NumPy (since 1.24). Write `int`.")
    assert not hasattr(np, "asscalar")
    assert np.array([2.5]).item() == 2.5
    says("`np.asscalar(x)` is gone, too (since 1.23). Write `x.item()`.")


# --- the functions --------------------------------------------------------------------------------


def test_a_neuron_that_computes_and(f: dict[str, Any]) -> None:
    inputs = np.array([[1, 1], [1, 0], [0, 1], [0, 0]])
    z = inputs @ [0.5, 0.5] - 0.7
    assert f["step_function"](z).tolist() == [1, 0, 0, 0]
    close(z[:2], [0.3, -0.2], 12)
    says("Take $w_1 = w_2 = 0.5$ and $b = -0.7$.")
    says("$z = 0.5 + 0.5 - 0.7 = 0.3 > 0$, so the neuron outputs 1.")
    says("For $(1, 0)$ it is $z = 0.5 - 0.7 = -0.2$, so it outputs 0.")
    says("This neuron computes the logical *and*.")


def test_a_line_separates_or_and_none_exclusive_or() -> None:
    corners = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])

    def ones(w1: float, w2: float, b: float) -> list[bool]:
        return (corners @ [w1, w2] + b > 0).tolist()

    assert ones(0.5, 0.5, -0.7) == [False, False, False, True]
    says("only (1, 1) lies on the side where the neuron says 1")
    assert ones(0.5, 0.5, -0.3) == [False, True, True, True]
    says("For *or* raise the bias to $-0.3$")
    every = [ones(*drawn) for drawn in RANDOM.uniform(-2, 2, size=(5000, 3))]
    assert [False, True, True, False] not in every
    says("*Exclusive or* can't be done.")


def test_step_function(f: dict[str, Any]) -> None:
    step = f["step_function"](np.array([-1.0, 1.0, 2.0]))
    assert step.tolist() == [0, 1, 1]
    assert step.dtype.kind == "i"
    assert f["step_function"](0) == 0
    says("$[-1, 1, 2]$ gives $[0, 1, 1]$")
    says("At $z = 0$ it is 0.")
    assert f["step_function"](-3.0) == f["step_function"](-2.9) == 0
    says("so that $z$ moves from $-3$ to $-2.9$")


def test_sigmoid(f: dict[str, Any]) -> None:
    sigmoid = f["sigmoid"]
    close(sigmoid(np.array([-1, 1, 2])), [0.26894142, 0.73105858, 0.88079708], 8)
    says("$[-1, 1, 2]$ gives $[0.26894142, 0.73105858, 0.88079708]$")
    assert sigmoid(0) == 0.5
    close([np.exp(-1), 1 + np.exp(-1)], [0.3679, 1.3679], 4)
    close([sigmoid(1), sigmoid(-1)], [0.7311, 0.2689], 4)
    says("$e^{-1} \\approx 0.3679$, so $\\sigma(1) \\approx 1/1.3679 \\approx 0.7311$")
    says("On the other side $\\sigma(-1) \\approx 0.2689$.")
    x = RANDOM.normal(0, 5, size=100)
    np.testing.assert_allclose(sigmoid(-x), 1 - sigmoid(x), atol=1e-15)
    says("$\\sigma(-x) = 1 - \\sigma(x)$ for every $x$")


@pytest.mark.filterwarnings("error")
def test_sigmoid_and_tanh_never_overflow(f: dict[str, Any]) -> None:
    close(f["sigmoid"](FLOATS), [0, 0, 0, 0.18242552, 0.5, 0.5, 0.62245933, 1, 1, 1], 8)
    close(f["tanh"](FLOATS), [-1, -1, -1, -0.90514825, 0, 0, 0.46211716, 1, 1, 1], 8)
    assert f["sigmoid"](np.finfo(float).max) == 1
    assert f["sigmoid"](np.finfo(float).min) == 0


def test_the_textbook_formula_overflows(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.warns(RuntimeWarning, match="overflow"):
        CHAPTER.run("see_it_overflow", {"np": np})
    assert "e^1000 is inf" in capsys.readouterr().out
    says("NumPy warns of an overflow: $e^{1000}$ became `inf`. The result, 0, is right")
    close(np.finfo(float).max / 1e308, 1.8, 1)
    with np.errstate(over="ignore"):
        assert np.exp(709.0) < np.inf == np.exp(710.0)
    says("about $1.8 \\cdot 10^{308}$, and $e^{710}$ is larger already")


def test_tanh(f: dict[str, Any]) -> None:
    close(f["tanh"]([-1, 0, 1]), [-0.76159416, 0, 0.76159416], 8)
    says("$[-1, 0, 1]$ gives $[-0.76159416, 0, 0.76159416]$")
    close([np.e, np.exp(-1), f["tanh"](1)], [2.7183, 0.3679, 0.7616], 4)
    says("$(2.7183 - 0.3679) / (2.7183 + 0.3679) \\approx 0.7616$")
    x = RANDOM.normal(0, 3, size=50)
    np.testing.assert_allclose(f["tanh"](x), 2 * f["sigmoid"](2 * x) - 1, atol=1e-15)
    with np.errstate(over="ignore", invalid="ignore"):
        up, down = np.exp(1000.0), np.exp(-1000.0)
        assert up - down == up + down == np.inf
        assert np.isnan((up - down) / (up + down))
    says("both $e^{x} - e^{-x}$ and $e^{x} + e^{-x}$ are `inf`, and $\\infty / \\infty$ is `nan`")


def test_relu_and_identity(f: dict[str, Any]) -> None:
    assert np.asarray(f["relu"]([-5, 0, 4])).tolist() == [0, 0, 4]
    says("The list $[-5, 0, 4]$ gives $[0, 0, 4]$.")
    assert f["identity_function"]([-5, 0, 4]) == [-5, 0, 4]


def run_cell(f: dict[str, Any], cell: str) -> dict[str, Any]:
    """Run a cell with the reference's names and return what it leaves."""
    names = dict(f)
    CHAPTER.run(cell, names)
    return names


def test_the_first_figure_of_slopes() -> None:
    close([np.cos(1), (np.sin(1.8) - np.sin(0.2)) / 1.6], [0.5403, 0.4845], 4)
    close((np.sin(1.8) - np.sin(1)) / 0.8, 0.1655, 4)
    says("whose slope is 0.5403")
    says("almost as steep, 0.4845; the one with the slope from x to x + h is far too flat, 0.1655")


def test_the_step_that_is_compared_is_the_best(f: dict[str, Any]) -> None:
    names = run_cell(f, "plot_step_size")
    names = run_cell(names, "compare_step")
    assert 3e-6 < names["best_step"] < 3e-5


def test_slopes_are_parabolas_in_the_output(f: dict[str, Any]) -> None:
    z = RANDOM.normal(0, 3, size=100)
    y, t = f["sigmoid"](z), f["tanh"](z)
    np.testing.assert_allclose(f["numerical_diff"](f["sigmoid"], z), y * (1 - y), atol=1e-8)
    np.testing.assert_allclose(f["numerical_diff"](f["tanh"], z), 1 - t**2, atol=1e-8)
    says("the slope is 0 at the outputs 0 and 1, and largest, 1/4, at the output 1/2")
    says("it is 0 at the outputs -1 and 1, and largest, 1, at the output 0")


def test_a_central_difference_at_the_kink_gives_the_mean(f: dict[str, Any]) -> None:
    assert f["numerical_diff"](f["relu"], 0.0) == 0.5
    says("$1/2$: it steps from $-h$")


# --- slopes ---------------------------------------------------------------------------------------


def test_numerical_diff(f: dict[str, Any]) -> None:
    diff = f["numerical_diff"]
    assert diff(np.square, 3, h=0.1) == pytest.approx(6, rel=1e-14)
    says("$(3.1^2 - 2.9^2) / 0.2 = (9.61 - 8.41) / 0.2 = 6$, exact")
    assert (np.square(3.1) - np.square(3)) / 0.1 == pytest.approx(6.1)
    says("Forward: $(9.61 - 9) / 0.1 = 6.1$.")
    close(diff(lambda x: 0.01 * x**2 + 0.1 * x, [5, 10]), [0.2, 0.3], 10)
    says("With $f(x) = 0.01x^2 + 0.1x$ the slope is 0.2 at $x = 5$ and 0.3 at $x = 10$.")
    np.testing.assert_array_equal(diff(np.sin, [1, 2, 3]), diff(np.sin, [1.0, 2.0, 3.0]))
    says("`numerical_diff(f, [1, 2, 3])` must be as exact as at `[1.0, 2.0, 3.0]`")


def test_the_errors_of_the_two_differences(f: dict[str, Any]) -> None:
    h = 1e-2
    forward = (np.exp(1 + h) - np.exp(1)) / h - np.exp(1)
    assert forward == pytest.approx(h / 2 * np.exp(1), rel=0.01)
    says("The forward difference is off by about $\\frac{h}{2} f''(x)$")
    central = f["numerical_diff"](np.exp, 1, h) - np.exp(1)
    assert central == pytest.approx(h**2 / 6 * np.exp(1), rel=0.01)
    says("what is left is about $\\frac{h^2}{6} f'''(x)$")


def test_a_step_can_be_too_small(f: dict[str, Any]) -> None:
    def error(h: float) -> float:
        return abs(float(f["numerical_diff"](np.sin, 1.0, h)) - np.cos(1))

    assert np.round(np.log10([error(1e-4), error(1e-12)])).tolist() == [-9, -5]
    says("At $h = 10^{-4}$ the central difference is off by about $10^{-9}$, at $h = 10^{-12}$ by")
    says("at $h = 10^{-12}$ by about $10^{-5}$")
    says("With $h = 10^{-4}$ it is good to about nine digits, and a much smaller step is worse")
    best = min(np.logspace(-1, -15, 57), key=error)
    assert 3e-6 < best < 3e-5
    says("is best near 1e-5")


@pytest.mark.parametrize("name", ["sigmoid", "tanh", "relu"])
def test_slopes_agree_with_numerical_differentiation(f: dict[str, Any], name: str) -> None:
    x = RANDOM.normal(0, 2, size=(20, 5))
    numerical = numerical_derivative(f[name], x)
    assert not numerical.undecided.any()
    np.testing.assert_allclose(f[f"{name}_grad"](x), numerical.value, atol=1e-9)


def test_slopes_in_the_text(f: dict[str, Any]) -> None:
    slope = f["sigmoid_grad"]
    assert slope(0) == 0.25 == slope(np.linspace(-9, 9, 1001)).max()
    says("so the slope is $1/2 \\cdot 1/2 = 1/4$. That is the steepest point.")
    with np.errstate(over="ignore", invalid="ignore"):
        up = np.exp(1000.0)
        assert np.isnan(up / (1 + up) ** 2)
    says("at $x = -1000$ it is $\\infty / \\infty$, `nan`")
    close(slope(5), 0.0066, 4)
    close(slope(10), 0.000045, 6)
    says("At $x = 5$ the slope is only 0.0066, and at $x = 10$ it is 0.000045.")
    assert f["tanh_grad"](0) == 1 == f["tanh_grad"](np.linspace(-9, 9, 1001)).max()
    close([f["tanh_grad"](1), 1 - 0.7616**2], [0.42, 0.42], 2)
    says("At $x = 1$: $1 - 0.7616^2 \\approx 0.42$.")
    assert f["relu_grad"]([-1, 0, 1]).tolist() == [0, 0, 1]
    says("this course, like most libraries, returns 0")
    says("| sigmoid | $1 / (1 + e^{-x})$ | 0 to 1 | 1/4 |")
    says("| tanh | $2\\sigma(2x) - 1$ | −1 to 1 | 1 |")


# --- what is left after many layers ---------------------------------------------------------------


def after(f: dict[str, Any], depth: int, name: str, x: float, w: float = 1.0) -> float:
    return float(f["gradient_after"](depth, f[name], f[f"{name}_grad"], x, w))


def test_two_layers_by_hand(f: dict[str, Any]) -> None:
    close(f["sigmoid_grad"](0.5), 0.2350, 4)
    close(after(f, 2, "sigmoid", 0.0), 0.0588, 4)
    says("Layer 1: $z_1 = 0$, slope $0.25$, $a_1 = 0.5$. Layer 2: $z_2 = 0.5$, slope $0.2350$.")
    says(
        "Together $0.25 \\cdot 0.2350 \\approx 0.0588$. After two layers, six hundredths are left."
    )


@pytest.mark.parametrize("name", ["sigmoid", "tanh", "relu"])
def test_gradient_after_agrees_with_numerical_differentiation(f: dict[str, Any], name: str) -> None:
    def layers(x: Any) -> Any:
        for _ in range(5):
            x = f[name](1.3 * x)
        return x

    x = RANDOM.uniform(0.5, 1.5)
    truth = float(numerical_derivative(layers, np.array(x)).value)
    assert after(f, 5, name, x, 1.3) == pytest.approx(truth, rel=1e-8)


def test_the_sigmoids_gradient_vanishes_and_relus_does_not(f: dict[str, Any]) -> None:
    roughly(after(f, 20, "sigmoid", 1.0), 9e-14)
    roughly(after(f, 20, "tanh", 1.0), 0.016)
    assert after(f, 20, "relu", 1.0) == 1
    assert all(0 < after(f, n, "sigmoid", 1.0) < 0.25**n for n in range(1, 21))
    assert 0.25**10 < 1e-6
    says("at most $0.25^{10}$, less than a millionth, and twenty leave $9 \\cdot 10^{-14}$ here")
    says("tanh keeps 0.016 after twenty layers.")
    says("tanh sinks slowly to 0.016 after 20 layers. The sigmoid falls straight down to 9e-14")


def test_relu_keeps_the_gradient_only_with_a_weight_of_one(f: dict[str, Any]) -> None:
    for w, left in {0.9: 0.12, 0.5: 1e-6, 1.1: 6.7, 2.0: 1e6}.items():
        roughly(after(f, 20, "relu", 1.0, w), left)
        assert after(f, 20, "relu", 1.0, w) == pytest.approx(w**20)
    says("With $w = 0.9$ that is 0.12, with $w = 0.5$ a millionth: the gradient vanishes here too.")
    says("With $w = 1.1$ it is 6.7, with $w = 2$ a million.")
    says("rises to a million after 20 layers with w = 2 and falls to a millionth with w = 0.5")


def test_larger_weights_are_no_cure(f: dict[str, Any]) -> None:
    for w, left in {1.0: 3.9e-7, 2.0: 5.6e-6, 4.0: 7.2e-10, 8.0: 8.9e-22}.items():
        roughly(after(f, 10, "sigmoid", 0.0, w), left)
    says("$w = 2$ leaves $5.6 \\cdot 10^{-6}$, about 14 times the $3.9 \\cdot 10^{-7}$ of $w = 1$")
    close(after(f, 10, "sigmoid", 0.0, 2.0) / after(f, 10, "sigmoid", 0.0), 14, 0)
    says("At $w = 4$ it is only $7.2 \\cdot 10^{-10}$, and at $w = 8$ it is $8.9 \\cdot 10^{-22}$.")


def errors(f: dict[str, Any], name: str, w: float) -> list[float]:
    """Return the squared error of a neuron with one weight, before each of 101 steps."""
    found = []
    for _ in range(101):
        a = float(f[name](w))
        found.append((a - 1) ** 2)
        w -= 0.1 * 2 * (a - 1) * float(f[f"{name}_grad"](w))
    return found


def test_two_of_four_neurons_learn(f: dict[str, Any]) -> None:
    learning, saturated = errors(f, "sigmoid", 0.0), errors(f, "sigmoid", -8.0)
    close([learning[0], learning[-1]], [0.25, 0.04], 2)
    says("The sigmoid that starts at 0 falls from 0.25 to 0.04")
    relu = errors(f, "relu", 0.5)
    assert relu[0] == 0.25
    assert relu[20] < 1e-4
    says("the ReLU that starts at 0.5 from 0.25 to 0 in twenty steps")
    close(saturated[-1], 0.9993, 4)
    says("after 100 steps its error is still 0.9993")
    assert set(errors(f, "relu", -1.0)) == {1.0}
    says("The ReLU from $-1$ does not change at all.")
    assert run_cell(f, "plot_learning")["learners"] == 2
    roughly(f["sigmoid_grad"](-8.0), 0.00034)
    says("the slope $\\sigma'(-8) = y(1-y)$ is about 0.00034")
    says("its size: about 3.4e-4 (anything from 1e-4 to 1e-3)")


def descend(f: Any, slope: Any, w: float, target: float, steps: int) -> tuple[list[float], float]:
    """Return the squared error before each step and after the last, and the last weight."""
    found = []
    for _ in range(steps):
        found.append((float(f(w)) - target) ** 2)
        w -= 0.1 * 2 * (float(f(w)) - target) * float(slope(w))
    return [*found, (float(f(w)) - target) ** 2], w


def test_relatives_of_relu(f: dict[str, Any]) -> None:
    def leaky(x: Any) -> Any:
        return np.where(np.asarray(x) > 0, x, 0.1 * np.asarray(x))

    def gelu(x: Any) -> Any:
        return x * (1 + np.vectorize(math.erf)(np.asarray(x) / math.sqrt(2))) / 2

    def learns(h: Any, w: float) -> tuple[list[float], float]:
        return descend(h, lambda at: f["numerical_diff"](h, at), w, 1, 100)

    errors_of_leaky, _ = learns(leaky, -1.0)
    assert errors_of_leaky[58] > 0.01 > errors_of_leaky[59]
    says("its error is below 0.01 after 59 steps")
    z = np.linspace(-4, 2, 6001)
    close([gelu(z).min(), z[gelu(z).argmin()]], [-0.17, -0.75], 2)
    says("GELU falls until $x = -0.75$")
    says("GELU dips to -0.17")
    errors_of_gelu, end = learns(gelu, -1.0)
    close(end, -2.6, 1)
    assert 1 < errors_of_gelu[-1] < errors_of_gelu[0]
    says("from $-1$ it has drifted to $-2.6$ after 100 steps")
    assert learns(gelu, -0.5)[0][-1] < 1e-6
    says("From a start to the right of $-0.75$, such as $-0.5$, it learns.")


# --- the bug museum -------------------------------------------------------------------------------


def test_no_bug_is_given_away_before_the_guess() -> None:
    words = ["negative", "mirror", "|x|", "left of 0", "half of it"]
    gives_no_bug_away(CHAPTER, "museum_text", "guess_exhibit_sigmoid", words)
    words = ["integer", "type", "decimals", "cut off", "stored"]
    gives_no_bug_away(CHAPTER, "exhibit_diff_text", "guess_exhibit_diff", words)


def test_the_symptom_of_exhibit_a(f: dict[str, Any]) -> None:
    steps = [0, 25, 50, 100, 150, 200, 400]
    for words, name in {"right sigmoid": "sigmoid", "exhibit A": "sigmoid_exhibit"}.items():
        h = f[name]
        found, _ = descend(h, lambda w, h=h: f["numerical_diff"](h, w), 2.0, 0, 400)
        says(f"| {words} | " + " | ".join(f"{found[step]:.4f}" for step in steps) + " |")
    says("For the first fifty steps the two agree to the last digit.")
    exhibit, w = f["sigmoid_exhibit"], 2.0
    for _ in range(4000):
        w -= 0.01 * 2 * float(exhibit(w)) * float(f["numerical_diff"](exhibit, w))
    close(float(exhibit(w)) ** 2, 0.25, 2)
    says("with a smaller one exhibit A gets stuck in the same place")


def test_exhibit_a_runs_away_if_its_slope_comes_from_the_formula(f: dict[str, Any]) -> None:
    exhibit = f["sigmoid_exhibit"]
    found, end = descend(exhibit, lambda w: exhibit(w) * (1 - exhibit(w)), 2.0, 0, 400)
    close(found[-1], 0.96, 2)
    assert end < -3
    says("The weight would run on to the left, and after 400 steps the error would be 0.96.")
    says("they are measured, with `numerical_diff` of section 1.5")


def test_exhibit_a_is_right_for_positive_numbers_only(f: dict[str, Any]) -> None:
    x = np.append(np.linspace(0, 20, 101), 1000)
    np.testing.assert_allclose(f["sigmoid_exhibit"](x), f["sigmoid"](x))
    np.testing.assert_allclose(f["sigmoid_exhibit"](-x), f["sigmoid"](x))
    assert (f["sigmoid_exhibit"](np.linspace(-20, 20, 101)) >= 0.5).all()
    says("For negative $x$ it returns $\\sigma(|x|)$")
    says("a valley with its lowest point, 1/2, at 0")


@pytest.mark.filterwarnings("error")
def test_exhibit_b_cuts_decimals_off_at_integers(f: dict[str, Any]) -> None:
    exhibit = f["numerical_diff_exhibit"]
    whole, halves = np.arange(7), np.arange(7) + 0.5
    assert exhibit(np.sin, whole).tolist() == [0] * 7
    says("| slope, says exhibit B | 0 | 0 | 0 | 0 | 0 | 0 | 0 |")
    found = exhibit(np.sin, halves)
    np.testing.assert_allclose(found, np.cos(halves), rtol=1e-8)
    says("| slope, says exhibit B | " + " | ".join(f"{s:.4f}" for s in found).replace("-", "−"))
    close([exhibit(np.sin, 1.0), exhibit(np.sin, 3.0)], [0.54, -0.99], 2)
    says("0.54 becomes 0, and so does −0.99")
    close(exhibit(np.square, [1.0, 2.0, 3.0, 4.0, 5.0]), [2, 4, 6, 8, 10], 9)
    assert exhibit(np.square, [1, 2, 3, 4, 5]).tolist() == [1, 4, 6, 7, 9]
    says("come out as 1, 4, 6, 7, 9 instead of 2, 4, 6, 8, 10")
    assert exhibit(lambda t: t**3, [1, 2, 3]).tolist() == [3, 12, 27]
    says("Would exhibit B be found out with every one of them, with $x^3$ for example?")
    assert str(exhibit(np.square, 1.0)).startswith("1.9999999999992")
    says("the measured slope at 1 is 1.9999999999992, and what is kept of it is 1.")
    says("A training loop whose weights start as integers would follow such slopes")


def test_the_checks_tell_the_exhibits_from_what_is_right(f: dict[str, Any]) -> None:
    assert f["check_sigmoid"](f["sigmoid_exhibit"]) is False
    assert f["check_sigmoid"](f["sigmoid"]) is True
    check = f["check_numerical_diff"]
    assert check(f["numerical_diff_exhibit"]) is False
    assert check(f["numerical_diff"]) is True


@pytest.mark.parametrize("exhibit", ["sigmoid", "diff"])
def test_the_bug_that_is_compared_is_the_one_that_the_program_has(
    f: dict[str, Any], exhibit: str
) -> None:
    assert list(CHAPTER.compared(f"compare_exhibit_{exhibit}", f).values()) == ["c"]


# --- the investigation and the quiz ---------------------------------------------------------------


def test_the_model_answers_quote_what_their_program_prints(
    f: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    program = CHAPTER.cell("why_invention").split("```python")[1].split("```")[0]
    names = dict(f)
    exec(program, names)
    lines = capsys.readouterr().out.splitlines()
    assert lines[:3] == ["60 30", "44 11", "51"]
    says(
        "the error was below 0.01 for 60 of them with $|x|$, for 51 with tanh and for 30 with ReLU"
    )
    says("after 100 steps for 44, for 11 with the sigmoid and for 51 with tanh")
    exploding, vanishing = map(float, lines[3].split())
    close([exploding, 1.2**20], [38, 38], 0)
    says("it is 38 for $|x|$, which is $1.2^{20}$")
    roughly(vanishing, 3.9e-23)
    roughly(after(f, 20, "sigmoid", 1.0), 9.1e-14)
    says("$3.9 \\cdot 10^{-23}$, far less than the sigmoid's $9.1 \\cdot 10^{-14}$")
    assert f["gradient_after"](20, np.abs, np.sign, 1.0) == 1
    a = 1.0
    for _ in range(20):
        a = float(names["steep"](a))
    close([a, names["steep_grad"](a)], [0.98, 0.076], 2)
    says("my activation is 0.98, and there the slope is only 0.076")
    assert names["steep_grad"](0.0) == 1


@pytest.mark.filterwarnings("error")
def test_figures_with_sliders_can_be_drawn_wherever_these_are(f: dict[str, Any]) -> None:
    draws_wherever_its_sliders_are(CHAPTER, f)


def test_the_quiz_has_its_form() -> None:
    holds_a_quiz_of_ten(CHAPTER)


def test_the_quiz_is_right(f: dict[str, Any]) -> None:
    diff = f["numerical_diff"]
    at_h, at_half = (abs(diff(np.exp, 1.0, h) - np.e) for h in (0.02, 0.01))
    assert at_h / at_half == pytest.approx(4, rel=0.01)
    x = np.array([1, 2, 3])
    x[0] = 0.9
    assert x[0] == 0
    bits = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
    assert (bits.sum(axis=1) - 0.5).tolist() == [-0.5, 0.5, 0.5, 1.5]
    close([0.9 * 0.1, 0.5 * 0.5], [0.09, 0.25], 12)
    says("The slope is $y(1 - y)$: 0.09 for the first, 0.25 for the second.")
    with np.errstate(over="raise", invalid="raise"):
        close((1 + np.tanh(np.array(FLOATS) / 2)) / 2, f["sigmoid"](FLOATS), 12)
    close(after(f, 30, "relu", 1.0, 0.8), 0.0012, 4)
    says("$0.8^{30} \\approx 0.0012$")
    x = np.linspace(-10, 10, 1001)
    single = [f["sigmoid"](at).astype(np.float32).astype(float) for at in (x, -x)]
    assert 1e-8 < np.abs(sum(single) - 1).max() < 2e-7
    says("rounding to float32 changes the sum by about $10^{-7}$, which the comparison allows")
