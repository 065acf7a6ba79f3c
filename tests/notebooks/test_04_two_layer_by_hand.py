"""Chapter 4, part A: its reference figures, and every number in its text."""

import re
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from sklearn.linear_model import LogisticRegression

from course.notebooks.rerun import rerun
from helpers.checks import assert_gradient
from helpers.datasets import circles, flower, moons
from tests.notebooks.chapter import (
    ROOT,
    Chapter,
    close,
    draws_wherever_its_sliders_are,
    holds_a_quiz_of_ten,
)

CHAPTER = Chapter("04_backprop", "two_layer_by_hand")
says = CHAPTER.says

TINY = {"W1": [[0.5]], "b1": [[0.0]], "W2": [[2.0]], "b2": [[-1.0]]}


@pytest.fixture(scope="module")
def f() -> dict[str, Any]:
    """The names that the reference solutions define."""
    return CHAPTER.reference()


@pytest.fixture(scope="module")
def tiny() -> dict[str, npt.NDArray[Any]]:
    return {key: np.array(value) for key, value in TINY.items()}


def share(f: dict[str, Any], parameters: Any, points: Any, labels: Any) -> float:
    return float(np.mean(f["predict"](parameters, points) == labels))


# --- the chapter as a whole -----------------------------------------------------------------------


def test_samples_are_columns(f: dict[str, Any]) -> None:
    x, t = flower(rng=2)
    np.testing.assert_array_equal(f["X"], x.T)
    np.testing.assert_array_equal(f["Y"], [t])
    says("`X` has shape `(2, 400)`")
    says("`Y` has shape `(1, 400)`")
    says(
        "Three sets of 400 points in the plane, half of them blue (class 0), half orange (class 1)"
    )
    for key in ("Y", "Y_moons", "Y_circles"):
        assert (f[key].shape, f[key].sum()) == ((1, 400), 200)


def test_the_petals_do_not_take_turns(f: dict[str, Any]) -> None:
    """Of the eight petals, in the order of the angle: which class most of the points on it have."""
    angle = np.arctan2(f["X"][1], f["X"][0]) % (2 * np.pi)
    petal = (angle // (np.pi / 4)).astype(int)
    classes = [round(f["Y"][0, petal == k].mean()) for k in range(8)]
    assert classes == [0, 1, 0, 1, 1, 0, 1, 0]
    equal = [classes[k] == classes[(k + 1) % 8] for k in range(8)]
    assert sum(equal) == 2
    says("eight petals, four of each color; going round, two pairs of neighbors share a color")
    says("(There are eight petals, but twice two neighbors have the same color.)")


# --- the baseline ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "hits", "sentence"),
    [
        (flower, 193, "On the flower it gets 193 of 400 right, 0.4825"),
        (moons, 353, "353 of 400, or 0.8825"),
        (circles, 198, "on the circles 198, 0.495"),
    ],
)
def test_a_straight_line_is_right_for_about_half(make: Any, hits: int, sentence: str) -> None:
    x, t = make(rng=2)
    line = LogisticRegression().fit(x, t)
    assert int(np.sum(line.predict(x) == t)) == hits
    says(sentence)


@pytest.mark.parametrize(("make", "most"), [(flower, 283), (circles, 263)])
def test_no_line_at_all_does_much_better(make: Any, most: int) -> None:
    x, t = make(rng=2)
    best = 0
    for angle in np.linspace(0, np.pi, 3601):
        order = np.argsort(x @ [np.cos(angle), np.sin(angle)])
        ones_first = np.cumsum(np.where(t[order] == 1, 1, -1)) + 200  # right, cut at each point
        best = max(best, int(np.max(np.maximum(ones_first, 400 - ones_first))))
    assert best == most
    says("no straight line at all gets more than 283 of the flower's 400 points right, 0.7075")
    says("none more than 263 on the circles, 0.6575")
    assert (283 / 400, 263 / 400) == (0.7075, 0.6575)


@pytest.mark.parametrize("make", [flower, moons, circles])
def test_scikit_learns_penalty_hardly_matters(make: Any) -> None:
    x, t = make(rng=2)
    without = LogisticRegression(C=np.inf).fit(x, t)
    assert abs(without.score(x, t) - LogisticRegression().fit(x, t).score(x, t)) < 0.02
    says("which hardly matters here")


@pytest.mark.parametrize("seed", range(10, 16))
def test_no_flower_can_be_cut_by_a_line(seed: int) -> None:
    x, t = flower(rng=seed)
    assert 0.4 < LogisticRegression().fit(x, t).score(x, t) < 0.6


# --- one step, by hand ----------------------------------------------------------------------------


def test_parameters_of_the_picture(f: dict[str, Any]) -> None:
    found = f["initialize_parameters"](*f["layer_sizes"](f["X"], f["Y"]))
    shapes = {key: value.shape for key, value in found.items()}
    assert shapes == {"W1": (4, 2), "b1": (4, 1), "W2": (1, 4), "b2": (1, 1)}
    assert sum(value.size for value in found.values()) == 17
    says("$4 \\cdot 2 + 4 + 1 \\cdot 4 + 1 = 17$ parameters")
    says("For the 45,360 of chapter 3 it takes 90,720 forward passes")
    assert 2 * 45_360 == 90_720


def test_forward_pass_of_the_smallest_network(f: dict[str, Any], tiny: dict[str, Any]) -> None:
    A2, cache = f["forward_propagation"](np.array([[2.0]]), tiny)
    close(cache["Z1"], [[1.0]], 15)
    close(cache["A1"], [[0.76159416]], 8)
    close(cache["Z2"], [[0.52318831]], 8)
    close(A2, [[0.62789300]], 8)
    says("\\tanh 1 = 0.76159416")
    says("2 \\cdot 0.76159416 - 1 = 0.52318831")
    says("\\sigma(z_2) = 0.62789300")


def test_cost_of_two_samples(f: dict[str, Any]) -> None:
    losses = -np.log([0.8, 0.6])
    close(losses, [0.22314355, 0.51082562], 8)
    says("$-\\log 0.8 = 0.22314355$ and $-\\log(1 - 0.4) = 0.51082562$")
    close(f["compute_cost"](np.array([[0.8, 0.4]]), np.array([[1, 0]])), 0.36698459, 8)
    says("The cost is their mean, 0.36698459.")
    close(np.log(2), 0.6931, 4)
    says("$-\\log 0.5 = \\log 2 = 0.6931$")
    close(-np.log([0.9, 0.1]), [0.1054, 2.3026], 4)
    close(f["compute_cost"](np.full((1, 400), 0.9), f["Y"]), 1.2040, 4)
    assert f["Y"].mean() == 0.5
    says("1.2040: half of the points have the loss $-\\log 0.9 = 0.1054$")
    says("the others $-\\log 0.1 = 2.3026$")


def test_the_chain_of_the_smallest_network(f: dict[str, Any], tiny: dict[str, Any]) -> None:
    x, y = np.array([[2.0]]), np.array([[1.0]])
    A2, cache = f["forward_propagation"](x, tiny)
    a1, a2 = float(cache["A1"][0, 0]), float(A2[0, 0])
    close(f["compute_cost"](A2, y), 0.46538551, 8)
    says("$\\ell = -\\log a_2 = 0.46538551$")
    grads = f["backward_propagation"](tiny, cache, x, y)
    for value, row in (
        (-1 / a2, "| $a_2$ | of $-\\log a_2$: $-1/a_2$ | $-1.59262805$ |"),
        (a2 - 1, "$a_2 (1 - a_2) = 0.23364338$ | $-0.37210700$ |"),
        (grads["dW2"].item(), "by $w_2$: $a_1 = 0.76159416$ | $-0.28339452$ |"),
        (grads["db2"].item(), "| $b_2$ | by $b_2$: 1 | $-0.37210700$ |"),
        (2 * (a2 - 1), "| $a_1$ | by $a_1$: $w_2 = 2$ | $-0.74421400$ |"),
        (grads["db1"].item(), "$1 - a_1^2 = 0.41997434$ | $-0.31255079$ |"),
        (grads["dW1"].item(), "by $w_1$: $x = 2$ | $-0.62510157$ |"),
        (grads["db1"].item(), "| $b_1$ | by $b_1$: 1 | $-0.31255079$ |"),
    ):
        says(row)
        numbers = re.findall(r"-?\d\.\d{8}", row)
        close(value, float(numbers[-1]), 8)
    close([a2 * (1 - a2), 1 - a1**2], [0.23364338, 0.41997434], 8)


def test_nudging_gives_the_same_slope(f: dict[str, Any], tiny: dict[str, Any]) -> None:
    def loss(w1: float) -> float:
        A2, _ = f["forward_propagation"](np.array([[2.0]]), {**tiny, "W1": np.array([[w1]])})
        return float(f["compute_cost"](A2, np.array([[1.0]])))

    close([loss(0.501), loss(0.499)], [0.46476169, 0.46601190], 8)
    says("With $w_1 = 0.501$ the loss is 0.46476169, with $w_1 = 0.499$ it is 0.46601190.")
    close((loss(0.501) - loss(0.499)) / 0.002, -0.62510, 5)
    says("divided by 0.002, is $-0.62510$")
    close(1 - np.tanh(10.0) ** 2, 8e-9, 9)
    says("$1 - a_1^2$ is about $8 \\cdot 10^{-9}$")


def test_two_samples_pull_in_opposite_directions() -> None:
    dZ2, A1 = np.array([[-0.2, 0.4]]), np.array([[0.5, 0.3]])
    close(dZ2 @ A1.T / 2, [[0.01]], 15)
    close(dZ2.sum() / 2, 0.1, 15)
    says("= 0.01$ and $\\mathrm{d}b_2 = \\frac{1}{2}(-0.2 + 0.4) = 0.1$")


@pytest.mark.parametrize("sizes", [(2, 4, 1, 7), (3, 2, 3, 5)])
@pytest.mark.parametrize("key", ["W1", "b1", "W2", "b2"])
def test_the_gradients_are_the_derivatives_of_the_cost(
    f: dict[str, Any], key: str, sizes: tuple[int, int, int, int]
) -> None:
    n_x, n_h, n_y, m = sizes
    rng = np.random.default_rng(4)
    shapes = {"W1": (n_h, n_x), "b1": (n_h, 1), "W2": (n_y, n_h), "b2": (n_y, 1)}
    parameters = {name: rng.normal(size=shape) for name, shape in shapes.items()}
    X, Y = rng.normal(size=(n_x, m)), rng.integers(0, 2, size=(n_y, m))

    def cost(value: npt.NDArray[Any]) -> float:
        p = {**parameters, key: value}
        scores = p["W2"] @ np.tanh(p["W1"] @ X + p["b1"]) + p["b2"]
        return float(np.sum(np.logaddexp(0, scores) - Y * scores) / m)

    def gradient(value: npt.NDArray[Any]) -> npt.NDArray[Any]:
        p = {**parameters, key: value}
        _, cache = f["forward_propagation"](X, p)
        return np.asarray(f["backward_propagation"](p, cache, X, Y)["d" + key])

    assert_gradient(gradient, cost, parameters[key], batch=m)


def test_a_step(f: dict[str, Any]) -> None:
    three = {key: np.array([[3.0]]) for key in TINY}
    new = f["update_parameters"](three, {"d" + key: np.array([[0.5]]) for key in TINY})
    close(new["W1"], [[2.4]], 15)
    says("$3 - 1.2 \\cdot 0.5 = 2.4$")


def test_backpropagation_has_at_most_two_matrix_products_per_layer() -> None:
    forward, backward = (
        CHAPTER.cell(f"{name}_propagation").count(" @ ") for name in ("forward", "backward")
    )
    assert (forward, backward) == (2, 3)  # the gradient at X is not computed: one product less
    says("for the price of about two more forward passes")
    solution = CHAPTER.cell("backward_propagation").partition("BEGIN SOLUTION")[2]
    assert len(re.findall(r"^    d\w+ = ", solution, re.MULTILINE)) == 6
    says("and then write it in six lines")


# --- training -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def flower_net(f: dict[str, Any]) -> Any:
    return f["nn_model"](f["X"], f["Y"], n_h=4)


def test_the_network_learns_the_flower(f: dict[str, Any], flower_net: Any) -> None:
    parameters, costs = flower_net
    right = share(f, parameters, f["X"], f["Y"])
    assert right >= 0.88
    close(right, 0.93, 2)
    says("The network gets 93 of 100 points right")
    says("Logistic regression had 48.")
    assert len(costs) == 10_000
    close(costs[0], 0.6931, 4)
    assert costs[0] - costs[10] < 0.003 < 0.01 < costs[0] - costs[20]
    says("For ten iterations almost nothing happens")
    close([costs[100], costs[500], costs[-1]], [0.38, 0.22, 0.18], 2)
    says("to 0.38 after 100 iterations and 0.22 after 500")
    says("to 0.18 after 10,000")
    assert min(costs) == pytest.approx(costs[-1], rel=0.01)


def test_three_units_are_sharp_and_one_is_idle(f: dict[str, Any], flower_net: Any) -> None:
    steepness = np.sort(np.linalg.norm(flower_net[0]["W1"], axis=1))
    assert steepness[0] < 0.5
    assert steepness[1] > 5
    offsets = np.abs(flower_net[0]["b1"][:, 0]) / np.linalg.norm(flower_net[0]["W1"], axis=1)
    assert np.sort(offsets)[2] < 0.05  # three of the lines pass through the middle
    says("Three units have become sharp edges through the middle")
    without = {key: value.copy() for key, value in flower_net[0].items()}
    without["W2"][0, np.linalg.norm(without["W1"], axis=1).argmin()] = 0
    right = [400 * share(f, p, f["X"], f["Y"]) for p in (flower_net[0], without)]
    close(right[0] - right[1], 6, 6)
    says("it tips the balance, and without it six more points would be misclassified")


@pytest.mark.parametrize("seed", [2, 3, 4])
def test_any_start_learns_the_flower(f: dict[str, Any], seed: int) -> None:
    parameters, _ = f["nn_model"](f["X"], f["Y"], seed=seed, num_iterations=5000)
    assert share(f, parameters, f["X"], f["Y"]) >= 0.88


@pytest.mark.long
def test_more_hidden_units_learn_the_noise(f: dict[str, Any]) -> None:
    X_new, Y_new = f["columns"](*flower(rng=3))
    seen, new = {}, {}
    for units in (1, 2, 3, 4, 7, 10, 20, 50):
        net, _ = f["nn_model"](f["X"], f["Y"], n_h=units)
        seen[units], new[units] = share(f, net, f["X"], f["Y"]), share(f, net, X_new, Y_new)
    assert max(seen[1], seen[2]) < 0.72
    assert all(0.92 < seen[units] < 0.94 for units in (3, 4, 7))
    assert seen[50] > seen[10] > seen[3] - 0.005
    close([seen[1], seen[2], seen[3], seen[50]], [0.70, 0.69, 0.93, 0.96], 2)
    close([new[3], new[10], new[20], new[50]], [0.93, 0.92, 0.91, 0.90], 2)
    says("One or two units are too few: about 0.70.")
    says("One and two units each cut it in two along one straight line, 0.70 and 0.69 right.")
    says("from 0.93 to 0.96")
    says("0.93 with three units, 0.90 with fifty")
    says("up to 0.96 right; of new points 0.92, 0.91 and 0.90")


def test_moons_and_circles(f: dict[str, Any]) -> None:
    found = {}
    for name in ("moons", "circles"):
        X, Y = f[f"X_{name}"], f[f"Y_{name}"]
        net, costs = f["nn_model"](X, Y, num_iterations=5000)
        found[name] = share(f, net, X, Y)
        if name == "circles":
            assert found[name] * 400 == 399
            assert costs[1700] > 0.69 > 0.6 > costs[2000]
            says("the cost stays at $\\log 2$ for some 1,800 iterations")
    close(found["moons"], 0.98, 2)
    says("0.98 on the moons and 399 of 400 on the circles")
    says("where logistic regression had 0.88 and 0.50")


def test_four_starts(f: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    CHAPTER.run("plot_starts", f)
    printed = re.findall(r"cost (\d\.\d+)", capsys.readouterr().out)
    close([float(cost) for cost in printed], [0.6931, 0.6467, 0.19, 0.19], 2)
    rows = f["follow"](f["starts"]["all weights 0.5"], 3000)[1]["W1"]
    assert np.ptp(rows, axis=0).max() < 1e-9
    says("From zero weights: a level line at 0.69.")
    says("higher at first, then 0.65 and no further. From small random weights and from a tenth")
    assert f["steps_needed"]["small random"] == 87
    assert f["steps_needed"]["a tenth of that"] == 67
    says("the cost falls below 0.5 after 87 steps")
    says("From a tenth of the small weights it takes 67 steps, fewer than 87.")
    for scale in (1e-3, 1e-4):  # near the saddle one more factor of ten costs a number of steps
        now, sizes = {key: scale * value for key, value in f["random_start"].items()}, []
        for _ in range(30):
            now = f["follow"](now, 1)[1]
            sizes.append(np.linalg.norm(now["W1"]))
        factors = np.divide(sizes[25:], sizes[24:-1])
        assert factors.mean() > 1.1
        assert np.ptp(factors) < 0.01
    says("the weights grow by about the same *factor* in each step, so a start ten times smaller")
    noted, end = f["follow"](f["starts"]["all weights 0"], 100)
    close(noted, np.full(100, np.log(2)), 15)
    assert not any(value.any() for value in end.values())


# --- the landscape, and what is derived -----------------------------------------------------------


def test_the_landscape(f: dict[str, Any]) -> None:
    CHAPTER.run("plot_landscape", f)
    assert f["x_row"].shape == (1, 40)
    fixed = f["fixed"]
    close([fixed[0.05][0], fixed[0.05][-1], fixed[2][-1]], [0.74, 0.70, 0.60], 2)
    says("With a rate of 0.05 the cost falls from 0.74 to 0.70 in 40 steps")
    says("With 2 it is 0.60, nearly the bottom.")
    assert f["heights"].min() > fixed[2][-1] - 0.02
    assert min(fixed[20][1:]) > 0.74
    assert max(fixed[20][-10:]) > 2
    says("the cost jumps up and down above 0.74, where it began")
    for w in ((1.3, -0.4), (-2.0, 1.0)):
        assert f["cost_at"](w) == pytest.approx(f["cost_at"]((-w[0], -w[1])))
    says("change the sign of both weights, and the network is the same")
    at_zero = f["measured"](f["cost_at"], [0.0, 0.0])
    close(at_zero, [0, 0], 8)
    level = f["cost_at"]((0.0, 0.0))
    for sign in (-0.3, 0.3):
        assert f["cost_at"]((sign, sign)) < level < f["cost_at"]((sign, -sign))
    says("it goes down in two opposite directions and up in the two at right angles to them")


def test_figures_with_sliders_draw_wherever_these_are(f: dict[str, Any]) -> None:
    draws_wherever_its_sliders_are(CHAPTER, f)


DERIVED = {
    "derive_dz2": "a2 - y",
    "derive_dz1": "dz2 * w2 * (1 - a1**2)",
    "derive_shape": "(3, 4)",
    "derive_dW2": "dZ2 @ A1.T / m",
    "derive_dZ1": "W2.T @ dZ2 * (1 - A1**2)",
    "derive_db1": "np.sum(dZ1, axis=1, keepdims=True) / m",
}
WELL = re.compile("agrees with|^right")


def test_what_is_derived_step_by_step_is_checked(
    f: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    names = dict(f)
    for cell_id in DERIVED:
        CHAPTER.run(cell_id, names)
    printed = capsys.readouterr().out.splitlines()
    assert len(printed) == 6  # two for the first step, none for the shape
    assert all("in place of the dots" in line for line in printed)
    for cell_id, right in DERIVED.items():
        dots = re.compile(r"(?<=return )\.\.\.|(?<== )\.\.\.")
        for slip in (f"({right}) * 2", f"np.ravel({right})"):
            exec(dots.sub(slip, CHAPTER.cell(cell_id)), dict(names))
            assert cell_id == "derive_shape" or not WELL.search(capsys.readouterr().out), cell_id
        capsys.readouterr()
        exec(dots.sub(right, CHAPTER.cell(cell_id)), names)
        said = capsys.readouterr().out.splitlines()
        assert all(WELL.search(line) for line in said), cell_id
        assert said
    exec(CHAPTER.cell("derive_shape").replace("shape = ...", "shape = (4, 3)"), names)
    assert "which shape has W2?" in capsys.readouterr().out


def test_the_quiz() -> None:
    close(np.mean(0.5 - np.array([1, 1, 0])), -1 / 6, 12)
    says("$\\mathrm{d}b_2$ is the mean of $0.5 - y$, which is $-\\frac16$")
    z = 1.3
    close(np.exp(z) / (1 + np.exp(z)), 1 / (1 + np.exp(-z)), 12)
    says("$e^z / (1 + e^z) = \\sigma(z)$")


def test_the_quiz_has_ten_questions_each_with_an_answer() -> None:
    holds_a_quiz_of_ten(CHAPTER)


# --- the bug museum -------------------------------------------------------------------------------


def test_the_exhibit_learns_the_moons_and_not_the_circles(
    f: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    CHAPTER.run("plot_exhibit", f)
    numbers = re.findall(r"(\d\.\d{4}) right, the exhibit's (\d\.\d{4})", capsys.readouterr().out)
    moon, circle = [tuple(map(float, pair)) for pair in numbers]
    assert moon[0] == moon[1]
    close(moon, [0.98, 0.98], 2)
    close(circle, [0.9975, 0.79], 2)
    says("On the moons it reaches 0.98, the same accuracy as with your gradients")
    says("the accuracy stays at 0.79, where your gradients get 0.9975")
    says("On the moons she gets 0.9800, as you did.")
    says("0.7925, and more iterations don't help")
    close(circle[1], 0.7925, 4)
    close([f["right_costs"][-1], f["wrong_costs"][-1]], [0.03, 0.44], 2)
    says("with right gradients down to 0.03; with the exhibit's down to 0.44")


def test_the_exhibit_goes_downhill_though_some_signs_are_wrong(f: dict[str, Any]) -> None:
    for x, y in ((f["X_moons"], f["Y_moons"]), (f["X_circles"], f["Y_circles"])):
        now, flips = f["initialize_parameters"](2, 4, 1), 0
        for _ in range(5000):
            _, cache = f["forward_propagation"](x, now)
            right = f["backward_propagation"](now, cache, x, y)
            wrong = f["backward_exhibit"](now, cache, x, y)
            pairs = [(right[key].ravel(), wrong[key].ravel()) for key in right]
            assert sum(one @ other for one, other in pairs) > 0
            flips += any(np.any(one * other < 0) for one, other in pairs)
            now = f["update_parameters"](now, wrong)
        assert flips > 0
    says("some derivatives do come out with the wrong sign, and yet every step goes downhill")
    slopes = np.tanh(np.linspace(-4, 4, 81))
    assert np.all(1 - np.tanh(slopes) ** 2 >= 1 - slopes**2)
    says("is too large but never has the wrong sign")


def test_the_exhibit_hides_where_weights_are_small(
    f: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    CHAPTER.run("guess_weights", f)
    CHAPTER.run("compare_weights", f)
    gaps = [float(line.split()[-3]) for line in capsys.readouterr().out.splitlines()]
    assert gaps == [6e-8, 5e-4, 0.2]
    says("is off by 6 parts in 100 million, 5 in 10,000, and a fifth")


def test_the_check_tells_right_from_wrong(f: dict[str, Any]) -> None:
    forward = f["forward_propagation"]
    assert not f["check_backward"](forward, f["backward_exhibit"])
    assert f["check_backward"](forward, f["backward_propagation"])


def test_the_bug_that_is_compared_is_the_one_that_the_program_has(f: dict[str, Any]) -> None:
    assert CHAPTER.compared("try_check", f) == {"the bug in the backward pass": "b"}
    assert 'b="the slope of tanh is taken at the wrong place"' in CHAPTER.cell("guess_exhibit")


def test_the_readme_quotes_what_a_student_is_told() -> None:
    wrong = next(
        answer
        for answer in CHAPTER.source.bank.answers
        if answer.name == "db1 summed over the units too"
    )
    told = rerun(CHAPTER.source, {wrong.exercise: wrong.source})[wrong.exercise].checks
    visible, hidden = ("\n".join(check.message for check in part) for part in (told[:2], told[2:]))
    readme = " ".join((ROOT / "README.md").read_text(encoding="utf-8").split())
    quoted = re.search(r'"(db1 [^"]+)" at once, and "(db1 [^"]+)" when it is graded', readme)
    assert quoted is not None
    assert quoted[1] in visible
    assert f"The mistake: {quoted[2]}." in hidden
