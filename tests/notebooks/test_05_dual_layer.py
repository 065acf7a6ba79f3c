"""Chapter 5's reference figures, and every number in its text: text and mathematics can't drift."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier

from helpers.answers.gradients import numerical_gradient
from tests.notebooks.chapter import (
    Chapter,
    close,
    draws_wherever_its_sliders_are,
    holds_a_quiz_of_ten,
)

CHAPTER = Chapter("05_dual_layer", "dual_layer")
says = CHAPTER.says

ROOT = Path(__file__).parents[2]
FIXTURES = ROOT / "tests/helpers/answers/fixtures/dual_layer.npz"  # tools/record_dual_layer.py
KEYS = ("w1", "b1", "w2", "b2")
SCORE = 0.978021978  # 89 of 91


@pytest.fixture(scope="module")
def f() -> dict[str, Any]:
    """The names that the reference solutions define."""
    return CHAPTER.reference()


@pytest.fixture(scope="module")
def sets(f: dict[str, Any]) -> Any:
    """The six arrays of `prepare`."""
    return f["prepare"](f["features"], f["labels"])


@pytest.fixture(scope="module")
def trained(f: dict[str, Any], sets: Any) -> dict[str, Any]:
    """The networks of section 5.7, trained in full."""
    x, x_val, _, y, y_val, _ = sets
    found = {}
    for name, kind, epochs in (
        ("ones", f["DualLayer"], 20_000),
        ("random", f["RandomInitNetwork"], 500),
    ):
        found[name] = kind(l2=0.01)
        found[name].fit(x, y, epochs, x_val, y_val)
    return found


def network_of(f: dict[str, Any], weights: dict[str, Any], **options: Any) -> Any:
    """A DualLayer with these weights."""
    network = f["DualLayer"](units=len(weights["b1"]), **options)
    for key in KEYS:
        setattr(network, key, np.array(weights[key]))
    return network


# --- the chapter as a whole -----------------------------------------------------------------------


def test_the_class_has_its_public_names(f: dict[str, Any]) -> None:
    network = f["DualLayer"](l1=0, l2=0, learning_rate=0.1, units=10)
    assert vars(network) == vars(f["DualLayer"]())
    assert (network.losses, network.val_losses) == ([], [])
    methods = "init_weights activation forpass backprop reg_loss training fit update_val_loss"
    for method in [*methods.split(), "predict", "score"]:
        assert callable(getattr(network, method))
    assert issubclass(f["RandomInitNetwork"], f["DualLayer"])


# --- the data -------------------------------------------------------------------------------------


def test_the_sets(f: dict[str, Any], sets: Any) -> None:
    x, x_val, x_test, y, y_val, y_test = sets
    assert f["features"].shape == (569, 30)
    assert (np.sum(f["labels"] == 1), np.sum(f["labels"] == 0)) == (357, 212)
    assert load_breast_cancer().target_names.tolist() == ["malignant", "benign"]
    says("569 tumors by 30 features")
    says("357 are benign (label 1), 212 malignant (label 0)")
    for name, rows, truth in (
        ("training", x, y),
        ("validation", x_val, y_val),
        ("test", x_test, y_test),
    ):
        assert rows.shape == (len(truth), 30)
        assert re.search(rf"\| \*\*{name}\*\* \| [^|]+ \| {len(truth)} \|", CHAPTER.text)
        close(truth.mean(), f["labels"].mean(), 2)
    assert (len(x), len(x_val), len(x_test)) == (364, 91, 114)


def test_the_scale(f: dict[str, Any], sets: Any) -> None:
    x, x_val = sets[:2]
    spread = np.std(f["features"], axis=0)
    assert spread.argmax() == 23  # worst area
    assert "area" in load_breast_cancer().feature_names[23]
    assert 200_000 < spread.max() / spread.min() < 220_000
    says("the area's standard deviation is 200,000 times that of the smallest feature")
    np.testing.assert_allclose(x.mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(x.std(axis=0), 1, rtol=1e-12)
    close([x_val.mean(axis=0).min(), x_val.mean(axis=0).max()], [-0.27, 0.21], 2)
    close([x_val.std(axis=0).min(), x_val.std(axis=0).max()], [0.66, 1.18], 2)
    says("the means lie between -0.27 and 0.21, and the standard deviations between 0.66 and 1.18")
    close(spread.min(), 0.003, 3)
    close(spread.max() / 1000, 0.57, 2)
    says("As measured they run from 0.003 to 570.")
    close([np.std([1, 2, 3]), (4 - 2) / np.std([1, 2, 3])], [0.8165, 2.449], 3)
    says("$\\mu = 2$ and $\\sigma = 0.8165$; a validation value of 4 becomes")


def test_raw_features_teach_nothing(f: dict[str, Any], sets: Any) -> None:
    raw = f["train_test_split"](
        f["features"], f["labels"], test_size=0.2, stratify=f["labels"], random_state=42
    )
    x, x_val, y, y_val = f["train_test_split"](
        raw[0], raw[2], test_size=0.2, stratify=raw[2], random_state=42
    )
    network = f["DualLayer"](l2=0.01)
    network.fit(x, y, 2_000)
    assert np.all(network.predict(x_val))
    assert network.score(x_val, y_val) * 91 == pytest.approx(57)
    says(
        "it classifies every tumor as benign, which is correct for 57 of the 91 validation patients"
    )


# --- what is worked by hand -----------------------------------------------------------------------


def test_parameters(f: dict[str, Any]) -> None:
    network = f["DualLayer"]()
    network.init_weights(30)
    assert [getattr(network, key).size for key in KEYS] == [300, 10, 10, 1]
    assert sum(getattr(network, key).size for key in KEYS) == 321
    says("$300 + 10 + 10 + 1 = 321$ parameters")


def test_the_pass_by_hand_there_and_back(f: dict[str, Any]) -> None:
    weights = {"w1": [[0.5], [-0.25]], "b1": [0.0], "w2": [[2.0]], "b2": [0.0]}
    network = network_of(f, weights)
    x = np.array([[1.0, 2.0]])
    z = network.forpass(x)
    assert (network.a1.tolist(), z.tolist()) == ([[0.5]], [[1.0]])
    close(network.activation(z), [[0.73105858]], 8)
    says("| $a = \\sigma(1)$ | 0.73105858 |")
    w1, b1, w2, b2 = network.backprop(x, network.activation(z) - 0)
    close(w1, [[0.36552929], [0.73105858]], 8)
    says("| $w_1$ | $(1, 2)$ times that | 0.36552929, 0.73105858 |")
    close([b1[0], w2[0, 0], b2[0]], [0.36552929, 0.36552929, 0.73105858], 8)
    says("| $b_1$ | $0.73105858 \\cdot 2 \\cdot 0.25$ | 0.36552929 |")
    says("| $w_2$ | $0.5 \\cdot 0.73105858$ | 0.36552929 |")


def test_the_penalty_by_hand(f: dict[str, Any]) -> None:
    weights = {"w1": [[1, -2], [3, 0]], "b1": [5.0, 5.0], "w2": [[0.5], [-1]], "b2": [5.0]}
    assert network_of(f, weights, l1=0.1, l2=0.2).reg_loss() == pytest.approx(2.275)
    says("$\\sum |w| = 6 + 1.5 = 7.5$ and $\\sum w^2 = 14 + 1.25 = 15.25$")
    says("$R = 0.1 \\cdot 7.5 + 0.1 \\cdot 15.25 = 2.275$")
    pulled = 0.3 + (0.1 * -1 + 0.2 * -2) / 4
    assert pulled == pytest.approx(0.175)
    says("$0.3 + (0.1 \\cdot (-1) + 0.2 \\cdot (-2)) / 4 = 0.175$")


def test_a_weight_under_the_penalty_alone(f: dict[str, Any]) -> None:
    CHAPTER.run("plot_penalties", f)
    one, two = np.array(f["one"]), np.array(f["two"])
    assert np.flatnonzero(np.abs(one) < 1e-12)[0] == 50
    assert set(np.round(one[50:], 6)) == {0, 0.02}
    says("jumps to and fro between 0 and 0.02")
    says("L1 takes 0.02 in each step, so 50 steps are enough.")
    close([two[50], two[120]], [0.364, 0.089], 3)
    says("$0.98^{50} = 0.364$, $0.98^{120} = 0.089$")
    says("is 0.09 after 120 steps")


# --- gradients against other programs -------------------------------------------------------------


@pytest.mark.parametrize("case", ["none", "l1", "l2", "both"])
def test_loss_and_gradients_are_those_of_pytorch(f: dict[str, Any], case: str) -> None:
    with np.load(FIXTURES) as file:
        known = {key.split(".")[1]: file[key] for key in file.files if key.startswith(f"{case}.")}
    l1, l2 = float(known["l1"]), float(known["l2"])
    weights = {key: known[key] for key in KEYS}
    network = network_of(f, weights, l1=l1, l2=l2, learning_rate=0.5)
    np.testing.assert_allclose(network.forpass(known["x"]), known["z"], rtol=1e-12)
    loss = network.training(known["x"], known["y"])
    np.testing.assert_allclose(loss, known["loss"], rtol=1e-12)
    network.update_val_loss(known["x"], known["y"])
    assert network.val_losses[-1] < loss
    program = f["program_a"](known["x"], known["y"], weights, l1, l2)
    for key in KEYS:
        followed = (weights[key] - getattr(network, key)) / 0.5
        np.testing.assert_allclose(followed, known[f"d{key}"], rtol=1e-9, atol=1e-13)
        np.testing.assert_allclose(program[key], known[f"d{key}"], rtol=1e-11, atol=1e-15)
    assert f["regularized_loss"](known["x"], known["y"], weights, l1, l2) == pytest.approx(loss)


def test_a_step_is_that_of_scikit_learn(f: dict[str, Any], sets: Any) -> None:
    x, y = sets[0], sets[3]
    rival = MLPClassifier(
        (10,), activation="logistic", solver="sgd", alpha=2.5, batch_size=len(x), momentum=0,
        nesterovs_momentum=False, learning_rate_init=0.1, shuffle=False,
    )  # fmt: skip
    rival.partial_fit(x, y, classes=[0, 1])
    network = f["RandomInitNetwork"](l2=2.5)
    network.init_weights(30)
    for mine, its in ((network.w1, rival.coefs_[0]), (network.w2, rival.coefs_[1])):
        its[...] = mine
    for bias in rival.intercepts_:
        bias[...] = 0
    losses = [network.training(x, y.reshape(-1, 1)) for _ in range(3)]
    found = []
    for _ in range(3):
        rival.partial_fit(x, y)
        found.append(rival.loss_)
    np.testing.assert_allclose(losses, found, rtol=1e-9)
    for mine, its in zip(
        (network.w1, network.w2, network.b1, network.b2),
        (*rival.coefs_, *rival.intercepts_),
        strict=True,
    ):
        np.testing.assert_allclose(mine, its, rtol=1e-9, atol=1e-12)


def test_gradients_of_the_regularized_loss_agree_with_numerical_differentiation(
    f: dict[str, Any],
) -> None:
    rng = np.random.default_rng(5)
    x, y = rng.normal(size=(8, 4)), rng.integers(0, 2, size=(8, 1)).astype(float)
    shapes = {"w1": (4, 3), "b1": (3,), "w2": (3, 1), "b2": (1,)}
    weights = {key: rng.uniform(0.2, 1.5, size=shape) for key, shape in shapes.items()}
    weights = {key: w * rng.choice([-1, 1], size=w.shape) for key, w in weights.items()}
    network = network_of(f, weights, l1=0.6, l2=0.9, learning_rate=1.0)
    network.training(x, y)
    for key in KEYS:

        def loss(value: Any, key: str = key) -> float:
            other = network_of(f, {**weights, key: value}, l1=0.6, l2=0.9)
            other.update_val_loss(x, y)
            return float(other.val_losses[0])

        numerical = numerical_gradient(loss, weights[key])
        assert not numerical.undecided.any()
        np.testing.assert_allclose(
            weights[key] - getattr(network, key), numerical.value, rtol=1e-7, atol=1e-10
        )


# --- the long trainings ---------------------------------------------------------------------------


@pytest.mark.slow
def test_ones_reach_the_reference_figure(trained: dict[str, Any], sets: Any) -> None:
    network = trained["ones"]
    assert len(network.losses) == len(network.val_losses) == 20_000
    close(network.score(sets[1], sets[4]), SCORE, 9)
    says("The validation accuracy is 0.978021978: it classifies 89 of 91 correctly, and 2 wrongly.")
    close([network.losses[0], network.losses[-1]], [3.7323, 0.0408], 4)
    says("The loss falls from 3.7323 to 0.0408.")
    close(network.losses[500], 0.30, 2)
    says("where from ones it is still 0.30")
    assert abs(np.argmin(network.val_losses) - 7_900) < 100
    says("from ones the validation loss is lowest near epoch 7,900")
    logistic = LogisticRegression().fit(sets[0], sets[3])
    close(logistic.score(sets[1], sets[4]), SCORE, 9)
    says("Logistic regression gets 89 of 91, too.")


@pytest.mark.slow
def test_units_that_start_equal_stay_equal(trained: dict[str, Any]) -> None:
    w1 = trained["ones"].w1
    assert np.ptp(w1, axis=1).max() < 4e-11  # rounding, about 4e-12; another BLAS, another number
    assert np.abs(w1).mean() > 0.1
    says("The largest difference in any row is about 4e-12")
    assert 30 + 1 + 1 + 1 == 33
    says("of 321 parameters only $30 + 1 + 1 + 1 = 33$ are distinct")
    assert np.ptp(trained["random"].w1, axis=1).min() > 0.5


@pytest.mark.slow
def test_random_weights_reach_it_in_one_smooth_curve(trained: dict[str, Any], sets: Any) -> None:
    network = trained["random"]
    assert len(network.losses) == 500
    close(network.score(sets[1], sets[4]), SCORE, 9)
    assert (np.diff(network.losses) < 0).all()
    assert (np.diff(network.losses, n=2) > 0).all()  # never a plateau, as the ones have
    assert (np.diff(network.val_losses) < 0).all()
    close(network.losses[-1], 0.0979, 4)
    says("is below 0.1 (0.0979) after 500 epochs")
    says("The validation accuracy is 0.978021978 for both.")
    close(104 / 114, 0.9123, 4)
    says("| section 5.7 | 104 of 114, or 0.9123 | 0.160 |")


@pytest.mark.slow
def test_a_penalty_helps_patients_that_were_held_out(
    f: dict[str, Any], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("COURSE_PACE", raising=False)
    CHAPTER.run("plot_kfold", f)
    assert len(f["y_known"]) == 455
    curves = {l2: held_out.mean(axis=0) for l2, (_, held_out) in f["validated"].items()}
    assert [*curves] == [0, 0.3, 1, 3]
    close([curve[-1] for curve in curves.values()], [0.083, 0.069, 0.071, 0.093], 3)
    says("0.083 without a penalty, 0.069 with 0.3, 0.071 with 1, and 0.093 with 3")
    seen = [seen[:, -1].mean() for seen, _ in f["validated"].values()]
    assert seen == sorted(seen)
    says("The training loss only rises with $\\lambda_2$.")
    better = f["validated"][0.3][1][:, -1] < f["validated"][1][1][:, -1]
    assert better.sum() == 3
    says("in three of the five folds 0.3 is better, in the other two 1 is")
    assert "λ₁ = 0.3: training 0.028, held out 0.070" in capsys.readouterr().out
    says("L1 helps, too: with $\\lambda_1 = 0.3$ in place of $\\lambda_2$")
    says("the held-out loss is 0.070")
    assert f["checkpoints"][curves[0].argmin()] == 700
    close(curves[0].min(), 0.080, 3)
    says("Without a penalty the held-out loss is lowest at epoch 700, at 0.080.")
    above = dict(zip(f["checkpoints"].tolist(), curves[0] - curves[0].min(), strict=True))
    assert max(above[epoch] for epoch in range(500, 1001, 50)) < 0.001
    close(above[100], 0.028, 3)
    says("From 500 to 1,000 it stays within 0.001 of that")
    says("at epoch 100 it is still 0.028 above")
    close(seen[0], 0.02, 2)
    says("The training loss falls all the way to 0.02. The held-out loss is lowest, 0.080, at")
    f["epochs"] = 1_500
    CHAPTER.run("plot_stop", f)
    assert "Stop at epoch 700: 0.000 above the best" in f["draw_stop"](690).axes[0].get_title()
    assert "Stop at epoch 100: 0.028 above" in f["draw_stop"](epoch=110).axes[0].get_title()
    assert curves[0.3].argmin() == len(curves[0.3]) - 1
    says("With $\\lambda_2 = 0.3$ there is no hurry: the loss still falls at the end")


def test_the_network_of_section_5_7_was_trained_too_briefly(f: dict[str, Any], sets: Any) -> None:
    x_train, _, x_test, y_train, _, y_test = sets
    network = f["RandomInitNetwork"](l2=0.01)
    network.fit(x_train, y_train, 5_000)
    assert round(network.score(x_test, y_test) * 114) == 109
    says("(after 5,000 epochs it classifies 109 correctly)")


@pytest.mark.slow
def test_the_test_set_prefers_logistic_regression(
    f: dict[str, Any], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("COURSE_PACE", raising=False)
    CHAPTER.run("open_test_set", f)
    found = re.findall(r"(\d+) of 114 correct, data loss (\S+)", capsys.readouterr().out)
    assert found == [("104", "0.160"), ("109", "0.129"), ("109", "0.101"), ("112", "0.078")]
    for name, (hits, loss) in zip(
        ("no penalty", "$\\lambda_2 = 0.3$", "logistic regression"), found[1:], strict=True
    ):
        says(f"| {name} | {hits} of 114 | {loss} |")


def test_clipped_probabilities_make_a_loss_whose_slope_is_not_theirs() -> None:
    close(-np.log(1e-10), 23.03, 2)
    z, h = np.array([30.0]), 1e-3

    def clipped(z: Any) -> Any:  # of a sample of class 0
        return -np.log(1 - np.clip(1 / (1 + np.exp(-z)), 1e-10, 1 - 1e-10))

    assert clipped(z + h) == clipped(z - h)
    close(1 / (1 + np.exp(-z)) - 0, [1], 9)
    says("Then no loss is above 23.1, and where the clip is active the gradient $a - y$ is not")


def test_the_symptom_of_exhibit_c(f: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    names = dict(f)
    found = CHAPTER.compared("compare_loss", names)
    assert found == {"what is wrong in exhibit C": "b"}
    assert 'b="in the loss: the gradient is right and belongs to' in CHAPTER.cell("predict_loss")
    rows = re.findall(r"the exhibit: loss +(\S+), slope (\S+)", capsys.readouterr().out)
    losses, slopes = zip(*rows, strict=True)
    says(f"| loss that it reports | {' | '.join(losses)} |")
    says(f"| slope of this loss, measured | {' | '.join(slopes)} |")
    gradients = [f"{f['sigmoid'](z):.2f}" for z in (0.0, 10.0, 20.0, 22.0, 24.0, 30.0)]
    says(f"| gradient $a - y$, by which it trains | {' | '.join(gradients)} |")
    close(f["cross_entropy"](np.array([[30.0]]), np.array([[0.0]])), 30, 6)
    says("the slope of the cross-entropy itself, whose value at $z = 30$ is 30")
    assert 0 < 1 - f["sigmoid"](36.0) < 3e-16
    says("up to $1 - 10^{-16}$, which is the probability at a score of about 36")


@pytest.mark.slow
def test_l1_removes_weights_and_l2_shrinks_them(
    f: dict[str, Any], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("COURSE_PACE", raising=False)
    CHAPTER.run("plot_sorted_weights", f)
    lines = [line for line in capsys.readouterr().out.splitlines() if "below" in line]
    assert lines == [
        "no penalty: 0 below 0.001, largest 4.15, 89 of 91",
        "L2, λ₂ = 1: 0 below 0.001, largest 1.97, 89 of 91",
        "L1, λ₁ = 1: 237 below 0.001, largest 2.95, 89 of 91",
    ]
    says("With L1, 237 of 310 are below 0.001; with L2, and without a penalty, none.")
    says("the largest is 2.95 with L1 and 1.97 with L2. All three classify 89 of 91 correctly.")
    assert 310 - 237 + 1 == 74
    sizes = f["sizes"]  # of L1, the last one
    assert sizes[72] > 0.001 > sizes[73]
    close(0.1 / 364, 0.00027, 5)
    says("$\\eta \\lambda_1 / m = 0.1 / 364 = 0.00027$")
    assert np.median(sizes[73:]) < 0.00027


# --- pictures with sliders ------------------------------------------------------------------------


def test_the_best_weight_under_either_price(f: dict[str, Any]) -> None:
    CHAPTER.run("plot_price", f)
    for strength, one, two in ((0.0, 2.0, 2.0), (1.0, 1.0, 1.0), (2.0, 0.0, 0.67), (3.0, 0.0, 0.5)):
        titles = [ax.get_title() for ax in f["draw_price"](strength).axes]
        assert titles[0].endswith(f"best $w$ = {one:.2f}")
        assert titles[1].endswith(f"best $w$ = {two:.2f}")
        assert max(2 - strength, 0) == pytest.approx(one)
        close(2 / (1 + strength), two, 2)
    assert pytest.approx(0.4) == 2 / (1 + 4)
    says("$2 - \\lambda$, and is exactly 0 from $\\lambda = 2$ on")
    says("$2 / (1 + \\lambda)$: 0.5 at $\\lambda = 3$, 0.4 at 4, and never 0")


@pytest.mark.slow
def test_a_penalty_straightens_the_border(
    f: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("COURSE_PACE", raising=False)
    CHAPTER.run("plot_boundary", f)
    assert (len(f["x_two"]), len(f["x_two"][60:])) == (455, 395)
    assert list(load_breast_cancer().feature_names[:2]) == ["mean radius", "mean texture"]
    found = {}
    for exponent, border in (
        (-3, "winds, with an island around one patient"),
        (-1, "one smooth bend"),
        (0, "nearly straight"),
        (1, "none: the same probability everywhere"),
    ):
        title = f["draw_boundary"](exponent).axes[0].get_title()
        few, others = re.findall(r"\d\.\d{3}(?= here| of others)", title)
        says(f"| {10.0**exponent:g} | {border} | {few} | {others} |")
        found[exponent] = float(others)
    assert min(found, key=lambda exponent: found[exponent]) == -1
    says("Of these four, $\\lambda_2 = 0.1$ predicts the others best.")
    says("the data loss is 0.018 for these 60 and 1.020 for the 395 others")


def test_figures_with_sliders_draw_wherever_these_are(f: dict[str, Any]) -> None:
    CHAPTER.run("plot_kfold", f)
    draws_wherever_its_sliders_are(CHAPTER, f)


# --- the bug museum -------------------------------------------------------------------------------


@pytest.mark.slow
def test_no_accuracy_tells_the_two_programs_apart(
    f: dict[str, Any], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("COURSE_PACE", raising=False)
    CHAPTER.run("plot_twins", f)
    lines = re.findall(
        r"(ones|random)[ \w]*, ([AB]): validation (\S+), training loss (\S+)",
        capsys.readouterr().out,
    )
    assert [line[:2] for line in lines] == [
        ("ones", "A"), ("ones", "B"), ("random", "A"), ("random", "B"),
    ]  # fmt: skip
    assert {line[2] for line in lines} == {str(SCORE)}
    for start, name, score, loss in lines:
        says(f"| {start} | {name} | {score} | {loss} |")
    assert float(lines[1][3]) < float(lines[0][3])
    says("program B ends with a training loss that is even a little *smaller*")
    ones, random = (
        [np.array(line.get_ydata(), dtype=float) for line in ax.get_lines()] for ax in f["axs"]
    )
    of_a = ones[1] / ones[0]  # the validation loss of B, as a multiple of that of A
    assert np.abs(of_a[:7_000] - 1).max() < 0.1
    assert of_a[7_500:16_000].max() < 1
    assert of_a.min() < 0.8
    assert 1.02 < of_a[-1] < 1.1
    assert np.abs(random[1] / random[0] - 1).max() < 0.01
    says("The two curves lie on each other, except from ones after epoch 7,000, where B dips below")
    networks = {
        name: f["train"](f[f"program_{name}"], f["RandomInitNetwork"](l2=0.01), 500)
        for name in "ab"
    }
    assert np.ptp(networks["b"].b1) < 1e-12
    assert np.ptp(networks["a"].b1) > 0.05
    says("after 500 epochs its ten biases are still one number")


def test_program_b_at_the_start(f: dict[str, Any], sets: Any) -> None:
    x, y = sets[0], sets[3].reshape(-1, 1)
    found = {}
    for kind in ("DualLayer", "RandomInitNetwork"):
        network = f[kind]()
        network.init_weights(30)
        weights = {key: getattr(network, key) for key in KEYS}
        wrong, right = (f[name](x, y, weights, 0.1, 0.2) for name in ("program_b", "program_a"))
        for key in ("w1", "w2", "b2"):
            np.testing.assert_allclose(wrong[key], right[key], rtol=1e-9, atol=1e-15)
        assert np.shape(wrong["b1"]) == ()
        found[kind] = wrong["b1"] / right["b1"]
        if kind == "RandomInitNetwork":
            assert np.sum(right["b1"] > 0) == 4
            close(wrong["b1"], -0.016, 3)
    np.testing.assert_allclose(found["DualLayer"], 10)
    says("B's number is ten times one of them")
    says("Four of the ten gradients are positive")
    says("the other 311 parameters make up for it")


def test_the_museums_checks_tell_right_from_wrong(f: dict[str, Any]) -> None:
    assert f["check_all_gradients"](f["program_a"])
    assert not f["check_all_gradients"](f["program_b"])
    assert not f["check_minibatch"](f["minibatch_exhibit"])
    assert f["check_minibatch"](f["minibatch_fixed"])


def test_what_is_wrong_with_the_exhibits_is_computed(f: dict[str, Any]) -> None:
    f["predictions"] = type(f["predictions"])()
    for cell in ("predict_program", "predict_bug", "predict_minibatch"):
        CHAPTER.run(cell, f)
    told = {}

    class Heard:
        def compare(self, what: str, actual: Any, **_: Any) -> None:
            told[what] = actual

    f["predictions"] = Heard()
    for cell in ("try_gradients", "compare_bug", "compare_minibatch"):
        CHAPTER.run(cell, f)
    assert told == {
        "the wrong program": "b",
        "what is wrong in exhibit A": "b",
        "what is wrong in exhibit B": "b",
    }
    f["program_a"], f["program_b"] = f["program_b"], f["program_a"]
    CHAPTER.run("try_gradients", f)
    assert told["the wrong program"] == "a"


def test_what_is_told_before_a_guess_does_not_tell_the_fault() -> None:
    cells = [cell for cell in CHAPTER.notebook.cells if cell.cell_type != "raw"]
    order = [cell.id for cell in cells]
    for first, last in (
        ("museum", "predict_bug"),
        ("museum2", "predict_minibatch"),
        ("museum3", "predict_loss"),
    ):
        shown = list(cells[order.index(first) : order.index(last)])
        text = re.sub(r"(?s)```.*?```", "", "\n".join(c.source for c in shown))
        for word in (
            "broadcast",
            "axis",
            "hidden bias",
            "one number",
            "11.4",
            "divides the penalty",
        ):
            told = [line for line in text.splitlines() if word in line and "np.sum(" not in line]
            assert told == [], word
    title = CHAPTER.cell("title")
    assert not re.search(r"\bbias(es)?\b|b1|one number", title)


def test_the_kink_is_farther_than_the_step_of_numerical_differentiation() -> None:
    points: list[float] = []
    numerical_gradient(lambda w: points.append(float(w[0])) or 0.0, [0.5])
    assert max(abs(point - 0.5) for point in points) < 0.001
    says("Keep the weights away from 0 by more than 0.001")


def test_the_exhibits_price_is_11_times_too_high(f: dict[str, Any], sets: Any) -> None:
    x, y, m = sets[0][:32], sets[3][:32].reshape(-1, 1), 364
    network = f["RandomInitNetwork"]()
    network.init_weights(30)
    weights = {key: getattr(network, key) for key in KEYS}

    def penalty(gradients: Any, rows: int) -> Any:
        with_it = gradients(x[:rows], y[:rows], weights, 0, 1, m)["w1"]
        return with_it - gradients(x[:rows], y[:rows], weights, 0, 0, m)["w1"]

    for rows, times in ((32, 11.375), (12, 30.3)):
        ratio = penalty(f["minibatch_exhibit"], rows) / penalty(f["minibatch_fixed"], rows)
        close(np.median(ratio), times, 1)
    says("$364 / 32 = 11.375$, so the penalty is 11.4 times too strong")
    assert divmod(364, 32) == (11, 12)
    says("$364 = 11 \\cdot 32 + 12$, so the last batch has 12 samples")
    says("$364 / 12 = 30.3$ times too strong")


@pytest.mark.slow
def test_fixed_batches_minimize_the_loss_of_the_whole(
    f: dict[str, Any], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("COURSE_PACE", raising=False)
    CHAPTER.run("plot_batches", f)
    CHAPTER.run("plot_batches_fixed", f)
    found = re.findall(
        r": 294 to ([\d.]+), training ([\d.]+), validation ([\d.]+)", capsys.readouterr().out
    )
    whole, exhibit, slowly, fixed, strong = (float(line[0]) for line in found)
    for name, line in (
        ("whole batch, as many steps (2,400)", found[0]),
        ("mini-batches of 32", found[1]),
    ):
        says(f"| {name} | {float(line[0]):.0f} | {line[1]} | {line[2]} |")
    says("With the whole batch it falls from 294 to 102 in 200 epochs. With mini-batches it falls")
    assert (f"{exhibit:.0f}", f"{slowly:.0f}") == ("8", "8")
    assert slowly == pytest.approx(exhibit, rel=0.02)
    says("in ten times as many epochs, to the same 8")
    assert fixed == pytest.approx(whole, rel=0.01)
    assert exhibit == pytest.approx(strong, rel=0.15)
    assert exhibit < strong < whole / 10
    says("With the fixed program mini-batches lie on the curve of the whole batch")
    says("runs a little below the whole batch with 11.375")


# --- the class in one piece -----------------------------------------------------------------------


def test_the_class_has_as_many_methods_as_the_text_says(f: dict[str, Any]) -> None:
    chain = [kind for kind in f["DualLayer"].__mro__ if kind is not object]
    assert len(chain) == 6
    says("Six classes that inherit from one another")
    methods = {name for kind in chain for name, value in vars(kind).items() if callable(value)}
    assert len(methods - {"__init__"}) == 10
    says("One class, ten methods and `__init__`")


# --- the investigation ----------------------------------------------------------------------------


@pytest.mark.slow
def test_the_first_model_answer(f: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COURSE_PACE", raising=False)
    CHAPTER.run("open_test_set", f)
    logistic, final, early = (
        f["correct"][name] for name in ("logistic regression", "λ₂ = 0.3", "section 5.7")
    )
    assert (np.sum(logistic & ~final), np.sum(~logistic & final)) == (3, 0)
    says("the two disagree on 3 patients only, and all 3 are classified correctly by logistic")
    rows = np.random.default_rng(0).integers(0, 114, size=(10_000, 114))

    def lead(other: Any) -> Any:
        return (logistic.astype(int) - other)[rows].sum(axis=1)

    assert np.percentile(lead(final), [2.5, 97.5]).tolist() == [0, 7]
    close(np.mean(lead(final) <= 0), 0.05, 2)
    says("its lead lies between 0 and 7 patients in 95 % of the cases, and in 5 % there is no lead")
    assert np.sum(logistic) - np.sum(early) == 8
    assert np.percentile(lead(early), [2.5, 97.5]).tolist() == [3, 14]
    says("Against the network of section 5.7 the lead is 8, and lies between 3 and 14.")
    assert 2 * 0.5**3 == 1 / 4
    says("3 of 3 disagreements on one side is what a fair coin gives in one of four cases")


@pytest.mark.slow
def test_the_second_model_answer(f: dict[str, Any]) -> None:
    hits: dict[str, list[int]] = {"logistic": [], "network": []}
    for seed in range(20):
        x, x_test, y, y_test = f["train_test_split"](
            f["features"], f["labels"], test_size=0.2, stratify=f["labels"], random_state=seed
        )
        scaler = f["StandardScaler"]().fit(x)
        x, x_test = scaler.transform(x), scaler.transform(x_test)
        assert (len(x), len(x_test)) == (455, 114)
        network = f["RandomInitNetwork"](l2=0.3, learning_rate=0.5)
        network.fit(x, y, 1_500)
        for name, model in (("network", network), ("logistic", LogisticRegression().fit(x, y))):
            hits[name].append(int(np.sum(model.predict(x_test) == y_test)))
    lead = np.subtract(hits["logistic"], hits["network"])
    assert (np.sum(lead > 0), np.sum(lead < 0), np.sum(lead == 0)) == (8, 8, 4)
    says("logistic regression is ahead 8 times, the network 8 times, and 4 times they are even")
    close([lead.mean(), lead.std(ddof=1)], [-0.05, 1.3], 1)
    close(lead.mean(), -0.05, 2)
    says("a mean of -0.05 patients and a standard deviation of 1.3")
    assert (min(hits["logistic"]), max(hits["logistic"])) == (109, 114)
    says("logistic regression between 109 and 114")
    assert np.abs(lead).max() < 8
    assert 6 < 8 / lead.std(ddof=1) < 6.5
    says("A lead of 8, six standard deviations, was never seen")


# --- the quiz -------------------------------------------------------------------------------------


def test_the_quiz_has_ten_questions_each_with_an_answer() -> None:
    holds_a_quiz_of_ten(CHAPTER)


def test_the_quizs_numbers(f: dict[str, Any], sets: Any) -> None:
    x, y = sets[0], sets[3].reshape(-1, 1)
    # 3: the gradient of b1 without a sum
    network = f["RandomInitNetwork"]()
    network.init_weights(30)
    err = network.activation(network.forpass(x)) - y
    table = err @ network.w2.T * network.a1 * (1 - network.a1) / len(x)
    network.b1 = network.b1 - 0.1 * table
    assert network.b1.shape == (364, 10)
    assert network.forpass(x).shape == (364, 1)
    with pytest.raises(ValueError, match="broadcast"):
        network.predict(sets[1])
    # 4: at ones, without penalties, a forgotten L1 penalty is not seen; the others are
    rng = np.random.default_rng(0)
    few, truth = rng.normal(size=(5, 3)), np.array([[0.0], [1.0], [1.0], [0.0], [1.0]])
    ones = {"w1": np.ones((3, 4)), "b1": np.ones(4), "w2": np.ones((4, 1)), "b2": np.ones(1)}
    right = f["program_a"](few, truth, ones, 0, 0)
    assert all(np.max(np.abs(grad)) > 1e-3 for grad in right.values())
    # 5: the pulls on a weight of 0.01
    assert np.sign(0.01) / 0.01 == pytest.approx(100)
    # 6: half the patients, the same penalty
    assert (1 / (182 * 0.5)) / (1 / (364 * 0.5)) == 2
    # 8: a central difference at the kink, and a program that takes sign(0) as 1
    assert abs(0 + 1e-4) - abs(0 - 1e-4) == 0
    close(0.5 * 1 / 5, 0.1, 12)
    # 9: everything starts at 0
    zero = network_of(f, {"w1": np.zeros((30, 10)), "b1": np.zeros(10), "w2": np.zeros((10, 1)),
                          "b2": np.zeros(1)})  # fmt: skip
    zero.training(x, y)
    assert [bool(np.any(getattr(zero, key))) for key in KEYS] == [False, False, True, True]
    # 10: confident and wrong
    a = 1 / (1 + np.exp(-10.0))
    close(a - 0, 1, 3)
    close((a - 0) * a * (1 - a), 0.000045, 6)
    says("the squared error's is 0.000045")
