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
from tests.notebooks.chapter import Chapter, close

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
    """The networks of section 5.7 and of the museum, trained in full."""
    x, x_val, _, y, y_val, _ = sets

    class Summed:
        def backprop(self, x: Any, err: Any) -> Any:
            w1, b1, w2, b2 = super().backprop(x, err)  # type: ignore[misc]
            return w1, np.sum(b1), w2, b2

    found = {}
    for name, kind, epochs in (
        ("ones", f["DualLayer"], 20_000),
        ("random", f["RandomInitNetwork"], 500),
    ):
        for who, base in (("yours", kind), ("exhibit", type("Exhibit", (Summed, kind), {}))):
            network = base(l2=0.01)
            network.fit(x, y, epochs, x_val, y_val)
            found[f"{name}, {who}"] = network
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
    close(np.abs(x_val.mean(axis=0)).max(), 0.27, 2)
    close([x_val.std(axis=0).min(), x_val.std(axis=0).max()], [0.66, 1.18], 2)
    says("the means lie between -0.27 and 0.27, and the standard deviations between 0.66 and 1.18")
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
    says("it calls every tumor benign, which is right for 57 of the 91 in the validation set")


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
    mended = f["gradients_mended"](known["x"], known["y"], weights, l1, l2)
    for key in KEYS:
        followed = (weights[key] - getattr(network, key)) / 0.5
        np.testing.assert_allclose(followed, known[f"d{key}"], rtol=1e-9, atol=1e-13)
        np.testing.assert_allclose(mended[key], known[f"d{key}"], rtol=1e-11, atol=1e-15)
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
    network = trained["ones, yours"]
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
    w1 = trained["ones, yours"].w1
    assert np.ptp(w1, axis=1).max() < 4e-11  # rounding, about 4e-12; another BLAS, another number
    assert np.abs(w1).mean() > 0.1
    says("The largest difference in any row is about 4e-12")
    assert 30 + 1 + 1 + 1 == 33
    says("of 321 parameters only $30 + 1 + 1 + 1 = 33$ are distinct")
    assert np.ptp(trained["random, yours"].w1, axis=1).min() > 0.5


@pytest.mark.slow
def test_random_weights_reach_it_in_one_smooth_curve(trained: dict[str, Any], sets: Any) -> None:
    network = trained["random, yours"]
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
    f: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("COURSE_PACE", raising=False)
    CHAPTER.run("plot_kfold", f)
    assert len(f["y_known"]) == 455
    curves = {l2: held_out.mean(axis=0) for l2, (_, held_out) in f["found"].items()}
    assert [*curves] == [0, 0.3, 1, 3]
    close([curve[-1] for curve in curves.values()], [0.083, 0.069, 0.071, 0.093], 3)
    says("0.083 without a penalty, 0.069 with 0.3, 0.071 with 1, and 0.093 with 3")
    seen = [seen[:, -1].mean() for seen, _ in f["found"].values()]
    assert seen == sorted(seen)
    says("The training loss only rises with $\\lambda_2$.")
    folds = f["found"][0.3][1][:, -1]
    assert folds.std() > 10 * (curves[1][-1] - curves[0.3][-1])
    says("from fold to fold the loss varies by ten times their difference")
    assert f["checkpoints"][curves[0].argmin()] == 700
    close(curves[0].min(), 0.080, 3)
    says("lowest at epoch 700, at 0.080, and rises after that")
    assert curves[0.3].argmin() == len(curves[0.3]) - 1
    says("With $\\lambda_2 = 0.3$ there is no hurry: the loss still falls at the end.")


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
    says("then no loss is above 23.1, and where the clip is active the gradient $a - y$ is not")


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


# --- the bug museum -------------------------------------------------------------------------------


@pytest.mark.slow
def test_no_score_sees_the_summed_bias(trained: dict[str, Any], sets: Any) -> None:
    for start, who, loss in (
        ("ones", "yours", 0.0408),
        ("ones", "exhibit", 0.0403),
        ("random", "yours", 0.0979),
        ("random", "exhibit", 0.0984),
    ):
        network = trained[f"{start}, {who}"]
        close(network.score(sets[1], sets[4]), SCORE, 9)
        close(network.losses[-1], loss, 4)
        says(f"| {start} | {who} | 0.978021978 | {loss} |")
    assert np.ptp(trained["random, exhibit"].b1) < 1e-12
    assert np.ptp(trained["random, yours"].b1) > 0.05
    says("after 500 epochs its ten biases are still one number")


def test_the_summed_bias_at_the_start(f: dict[str, Any], sets: Any) -> None:
    x, y = sets[0], sets[3].reshape(-1, 1)
    found = {}
    for kind in ("DualLayer", "RandomInitNetwork"):
        network = f[kind]()
        network.init_weights(30)
        weights = {key: getattr(network, key) for key in KEYS}
        exhibit = f["gradients_exhibit"](x, y, weights, 0.1, 0.2)
        mended = f["gradients_mended"](x, y, weights, 0.1, 0.2)
        for key in ("w1", "w2", "b2"):
            np.testing.assert_array_equal(exhibit[key], mended[key])
        assert np.shape(exhibit["b1"]) == ()
        found[kind] = exhibit["b1"] / mended["b1"]
        if kind == "RandomInitNetwork":
            assert np.sum(mended["b1"] > 0) == 4
            close(exhibit["b1"], -0.016, 3)
    np.testing.assert_allclose(found["DualLayer"], 10)
    says("the exhibit's number is ten times one of them")
    says("four of the ten gradients are positive")
    says("the other 311 parameters make up for it")


def test_the_museums_checks_tell_right_from_wrong(f: dict[str, Any]) -> None:
    assert not f["check_all_gradients"](f["gradients_exhibit"])
    assert f["check_all_gradients"](f["gradients_mended"])
    assert not f["check_minibatch"](f["minibatch_exhibit"])
    assert f["check_minibatch"](f["minibatch_mended"])


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
        ratio = penalty(f["minibatch_exhibit"], rows) / penalty(f["minibatch_mended"], rows)
        close(np.median(ratio), times, 1)
    says("$364 / 32 = 11.375$, so the penalty is 11.4 times too strong")
    assert divmod(364, 32) == (11, 12)
    says("$364 = 11 \\cdot 32 + 12$, so the last batch has 12 samples")
    says("$364 / 12 = 30.3$ times too strong")


@pytest.mark.slow
def test_mended_batches_minimize_the_loss_of_the_whole(
    f: dict[str, Any], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("COURSE_PACE", raising=False)
    CHAPTER.run("plot_batches", f)
    out = capsys.readouterr().out
    ends = [float(number) for number in re.findall(r"294 at first, ([\d.]+) in the end", out)]
    whole, mended, strong, exhibit = ends
    assert mended == pytest.approx(whole, rel=0.01)
    assert exhibit == pytest.approx(strong, rel=0.15)
    assert exhibit < strong < whole / 10
    says("The mended mini-batches lie on the curve of the whole batch")
    says("runs a little below the whole batch with 11.375")
