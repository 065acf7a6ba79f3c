"""Chapter 3's reference figures, and every number in its text: text and mathematics can't drift."""

import importlib
import re
from functools import partial
from hashlib import sha256
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

import helpers
from helpers.answers.gradients import numerical_gradient
from helpers.datasets import load_mnist, load_weights
from tests.notebooks.chapter import (
    Chapter,
    close,
    draws_wherever_its_sliders_are,
    gives_no_bug_away,
    holds_a_quiz_of_ten,
)

CHAPTER = Chapter("03_forward_pass", "forward_pass")
says = CHAPTER.says

ROOT = Path(__file__).parents[2]
X = np.array([1.0, 0.5])
SIZES = [784, 50, 100, 10]
RANDOM = np.random.default_rng(3)


@pytest.fixture(scope="module")
def f() -> dict[str, Any]:
    """The names that the reference solutions define."""
    return CHAPTER.reference()


@pytest.fixture(scope="module")
def answers() -> npt.NDArray[Any]:
    """The probabilities of the test images, computed here from the shipped weights."""
    return by_hand(load_mnist()[1][0].astype(np.float64))


def by_hand(x: npt.NDArray[Any]) -> npt.NDArray[Any]:
    w = load_weights()
    a1 = 1 / (1 + np.exp(-(x @ w["W1"] + w["b1"])))
    a2 = 1 / (1 + np.exp(-(a1 @ w["W2"] + w["b2"])))
    e = np.exp(a2 @ w["W3"] + w["b3"])
    return np.asarray(e / e.sum(axis=1, keepdims=True))


# --- layers and small networks --------------------------------------------------------------------


def test_affine(f: dict[str, Any]) -> None:
    x, W = np.array([1.0, 2.0]), np.array([[1.0, 3.0, 5.0], [2.0, 4.0, 6.0]])
    assert f["affine"](x, W, np.zeros(3)).tolist() == [5, 11, 17]
    says("= \\begin{pmatrix} 5 & 11 & 17 \\end{pmatrix}")
    close(f["affine"](x, W, np.array([0.1, 0.2, 0.3])), [5.1, 11.2, 17.3], 15)
    says("With the biases $b = [0.1, 0.2, 0.3]$ the layer answers $[5.1, 11.2, 17.3]$.")
    assert f["affine"](np.zeros((100, 784)), np.zeros((784, 50)), np.zeros(50)).shape == (100, 50)
    says("`(100, 784) @ (784, 50)` gives `(100, 50)`")
    assert 784 * 50 == 39_200
    says("$W$ holds $784 \\cdot 50 = 39{,}200$ numbers")


def test_the_order_of_axes(f: dict[str, Any]) -> None:
    images = np.arange(3 * 28 * 28).reshape(3, 28, 28)
    assert images.reshape(3, 784)[2, 283] == images[2, 10, 3]
    says("Row 10, column 3 of an image becomes pixel $10 \\cdot 28 + 3 = 283$ of its row.")
    x, W = f["x_test"], load_weights()["W1"]
    assert x[3].shape == x.mean(axis=0).shape == W[:, 3].shape == (784,)
    assert x[:, 3].shape == x.mean(axis=1).shape == (len(x),)
    x = np.array([[1, 2, 3], [4, 5, 6]])
    assert x.T.tolist() == [[1, 4], [2, 5], [3, 6]]
    assert x.reshape(3, 2).tolist() == [[1, 2], [3, 4], [5, 6]]
    says("`x.T` is `[[1, 4], [2, 5], [3, 6]]`")
    says("`x.reshape(3, 2)` is `[[1, 2], [3, 4], [5, 6]]`")


def test_the_example_network_is_the_one_of_the_table(f: dict[str, Any]) -> None:
    network = f["init_network"]()
    matrices = {
        "W1": "\\begin{pmatrix} 0.1 & 0.3 & 0.5 \\\\ 0.2 & 0.4 & 0.6 \\end{pmatrix}",
        "W2": "\\begin{pmatrix} 0.1 & 0.4 \\\\ 0.2 & 0.5 \\\\ 0.3 & 0.6 \\end{pmatrix}",
        "W3": "\\begin{pmatrix} 0.1 & 0.3 \\\\ 0.2 & 0.4 \\end{pmatrix}",
    }
    for key, text in matrices.items():
        says(text)
        numbers = [float(number) for number in re.findall(r"\d\.\d", text)]
        assert network[key].ravel().tolist() == numbers
    assert {key: value.shape for key, value in network.items()} == {
        "W1": (2, 3),
        "b1": (3,),
        "W2": (3, 2),
        "b2": (2,),
        "W3": (2, 2),
        "b3": (2,),
    }
    assert [network[key].tolist() for key in ("b1", "b2", "b3")] == [
        [0.1, 0.2, 0.3],
        [0.1, 0.2],
        [0.1, 0.2],
    ]


def test_forward_pass_of_the_example(f: dict[str, Any]) -> None:
    network = f["init_network"]()
    z1 = f["affine"](X, network["W1"], network["b1"])
    a1 = f["sigmoid"](z1)
    z2 = f["affine"](a1, network["W2"], network["b2"])
    a2 = f["sigmoid"](z2)
    close(z1, [0.3, 0.7, 1.1], 15)
    close(a1, [0.57444252, 0.66818777, 0.75026011], 8)
    says("| 1 | 0.3, 0.7, 1.1 | 0.57444252, 0.66818777, 0.75026011 |")
    close(z2, [0.51615984, 1.21402696], 8)
    close(a2, [0.62624937, 0.77101070], 8)
    says("| 2 | 0.51615984, 1.21402696 | 0.62624937, 0.77101070 |")
    close(f["forward"](network, X), [0.31682708, 0.69627909], 8)
    says("| 3 | 0.31682708, 0.69627909 | the same: this is $y$ |")
    says("$1.0 \\cdot 0.1 + 0.5 \\cdot 0.2 + 0.1 = 0.3$, and $\\sigma(0.3) = 0.57444252$")


def test_any_depth_agrees_with_three_layers(f: dict[str, Any]) -> None:
    network = f["init_network"]()
    layers = [(network[f"W{k}"], network[f"b{k}"]) for k in (1, 2, 3)]
    x = RANDOM.normal(size=(6, 2))
    np.testing.assert_allclose(
        f["forward_deep"](layers, x, f["sigmoid"]), f["forward"](network, x), rtol=1e-15
    )


def test_the_letters_of_a_deep_network_are_no_step_and_no_loss() -> None:
    says("a_k = f(a_{k-1} W_k + b_k) \\quad (k < d), \\qquad y = a_{d-1} W_d + b_d")
    says("| forward pass | $a_k = f(a_{k-1} W_k + b_k)$ |")
    formulas = re.findall(r"\$+[^$]+\$+", CHAPTER.text)
    assert len(formulas) > 50
    assert [text for text in formulas if re.search(r"(?<![a-zA-Z])L\b|\bh\(", text)] == []
    assert "def forward_deep(layers, x, f):" in CHAPTER.cell("forward_deep")


def turns(depth: int, gain: float) -> float:
    """How often a random network's output turns on a line through the middle, on average."""
    rng = np.random.default_rng(4)
    sizes = [2, *[20] * (depth - 1), 1]
    layers = [
        (rng.normal(0, gain / np.sqrt(n), (n, m)), rng.normal(0, 0.5, m))
        for n, m in pairwise(sizes)
    ]
    counts = []
    for angle in np.linspace(0, np.pi, 8, endpoint=False):
        a = np.outer(np.linspace(-3, 3, 2001), [np.cos(angle), np.sin(angle)])
        for W, b in layers[:-1]:
            a = np.tanh(a @ W + b)
        rises = np.diff((a @ layers[-1][0] + layers[-1][1])[:, 0]) > 0
        counts.append(np.sum(rises[1:] != rises[:-1]))
    return float(np.mean(counts))


def test_depth_makes_folds_possible_where_weights_are_large() -> None:
    assert "rng.normal(0, 2.5 / np.sqrt(n), (n, m))" in CHAPTER.cell("plot_depth")
    assert [turns(depth, 2.5) for depth in (1, 2, 4, 8)] == [0, 1.375, 3.75, 11]
    says("about 1.4 times on average with two layers, 4 times with four, and 11 times with eight")
    assert turns(8, 1) == 1.5
    rng = np.random.default_rng(4)
    W, b = rng.normal(0, 2.5 / np.sqrt(2), (2, 20)), rng.normal(0, 0.5, 20)
    close(np.max(np.abs(b) / np.linalg.norm(W, axis=0)), 0.35, 2)
    says("all twenty lines of the first layer pass within 0.35 of the point $(0, 0)$")
    says("the output of eight layers turns only about 1.5 times on average")


def test_a_staircase_of_sigmoids(f: dict[str, Any]) -> None:
    CHAPTER.run("plot_universality", f)
    assert CHAPTER.compared("compare_units", f) == {"units for an error below 0.1": 79}
    line, error = f["line"], f["largest_error"]
    close([f["curve"](line).min(), f["curve"](line).max()], [-1.1, 1.1], 1)
    assert "# about -1.1 to 1.1" in CHAPTER.cell("guess_units")
    close(error(12, 400.0), 0.61, 2)
    says("the stairs miss it by up to 0.61")
    enough = [next(n for n in range(1, 1000) if error(n) < goal) for goal in (0.1, 0.05)]
    assert enough == [79, 158]
    says("At a steepness of 1000, 79 units are enough for an error below 0.1, and 158 (more")
    beyond = f["forward_deep"](f["staircase"](12, 400.0), line + 1.1, f["sigmoid"])
    assert np.ptp(beyond) < 1e-9
    says("This network is flat to the right of 1.")


def test_parameters(f: dict[str, Any]) -> None:
    layers = [f["count_parameters"](list(pair)) for pair in pairwise(SIZES)]
    assert layers == [39_250, 5_100, 1_010]
    assert f["count_parameters"](SIZES) == sum(layers) == 45_360
    says("| 784 → 50 | 39,200 | 50 | 39,250 |")
    says("| 50 → 100 | 5,000 | 100 | 5,100 |")
    says("| 100 → 10 | 1,000 | 10 | 1,010 |")
    says("| | 45,200 | 160 | **45,360** |")
    says("45,360 for 784-50-100-10")
    assert sum(n * m for n, m in pairwise(SIZES)) == 45_200
    says("45,200 multiplications per image")
    large = f["count_parameters"]([56 * 56, *SIZES[1:]])
    assert (56 * 56, 3_137 * 50, large) == (3_136, 156_850, 162_960)
    close(large / 45_360, 3.6, 1)
    says("3,136, so $3{,}137 \\cdot 50 = 156{,}850$ in the first layer and 162,960 in all")
    says("about 3.6 times as many")


# --- the trained network --------------------------------------------------------------------------


def test_the_weights_are_a_784_50_100_10_network_in_float32() -> None:
    shapes = {key: value.shape for key, value in load_weights().items()}
    expected = {}
    for k, (n, m) in enumerate(pairwise(SIZES), start=1):
        expected |= {f"W{k}": (n, m), f"b{k}": (m,)}
    assert shapes == expected
    assert {value.dtype for value in load_weights().values()} == {np.dtype(np.float32)}
    assert sum(value.size for value in load_weights().values()) == 45_360


def test_the_data_folders_readme_names_the_weights_checksum() -> None:
    folder = Path(helpers.__file__).parent / "data"
    data = (folder / "forward_pass_weights.npz").read_bytes()
    readme = (folder / "README.md").read_text(encoding="utf-8")
    assert f"SHA-256 of `forward_pass_weights.npz`: `{sha256(data).hexdigest()}`" in readme


@pytest.fixture
def trainer(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The program that trained the weights."""
    monkeypatch.syspath_prepend(str(ROOT))
    return importlib.import_module("tools.train_weights")


def test_the_trainers_gradients_agree_with_numerical_differentiation(trainer: Any) -> None:
    rng = np.random.default_rng(0)
    network = {key: v.astype(np.float64) for key, v in trainer.new_network(rng).items()}
    x, t = rng.uniform(size=(4, 784)), np.eye(10)[[3, 1, 4, 1]]

    def loss(key: str, value: npt.NDArray[Any]) -> float:
        changed = {**network, key: value}
        y = trainer.forward(changed, x)[2]
        decay = sum(np.sum(changed[f"W{k}"] ** 2) for k in (1, 2, 3))
        return float(-np.sum(t * np.log(y)) / 4 + trainer.DECAY / 2 * decay)

    gradients = trainer.gradients(network, x, t)
    for key in ("b1", "b2", "W3", "b3"):
        numerical = numerical_gradient(partial(loss, key), network[key]).value
        np.testing.assert_allclose(gradients[key], numerical, rtol=1e-6, atol=1e-9)


def test_the_trainer_learns_and_gives_the_same_weights_again(trainer: Any) -> None:
    (x, t), _ = load_mnist()
    *_, first = trainer.train(x[:1000], t[:1000], seed=1, epochs=25)
    *_, again = trainer.train(x[:1000], t[:1000], seed=1, epochs=25)
    assert all(np.array_equal(first[key], again[key]) for key in first)
    assert trainer.accuracy(first, x[:1000], t[:1000]) > 0.8


def test_the_network_reads_at_least_97_of_100_test_images(answers: npt.NDArray[Any]) -> None:
    truth = load_mnist()[1][1]
    assert len(truth) == 10_000
    hits = int(np.sum(answers.argmax(axis=1) == truth))
    assert hits / 10_000 >= 0.97
    says("gets more than 97 of 100 right")
    assert (hits, 10_000 - hits) == (9_785, 215)
    says("0.9785: of 10,000 images 215 are misclassified.")
    says("reached 0.9207")


def test_the_students_functions_read_the_same(f: dict[str, Any], answers: npt.NDArray[Any]) -> None:
    y = f["predict"](f["weights"], f["x_test"])
    np.testing.assert_allclose(y, answers, atol=1e-5)
    assert f["accuracy"](y, f["t_test"]) == 0.9785
    assert f["accuracy"](y, np.eye(10)[f["t_test"]]) == 0.9785
    for size in (100, 128, 3000, 20_000):
        batches = f["predict_in_batches"](
            lambda x: f["predict"](f["weights"], x), f["x_test"], size
        )
        np.testing.assert_allclose(batches, answers, atol=1e-5)


def test_the_largest_hidden_layer_fits_and_one_more_does_not(f: dict[str, Any]) -> None:
    for inputs, outputs, budget in ((784, 10, 39_760), (784, 10, 50_000), (3, 2, 47)):
        m = f["largest_hidden"](inputs, outputs, budget)
        assert f["count_parameters"]([inputs, m, outputs]) <= budget
        assert f["count_parameters"]([inputs, m + 1, outputs]) > budget
    assert f["largest_hidden"](784, 10, 500) == 0
    assert f["largest_hidden"](784, 10, 45_360) == 57
    assert [f["count_parameters"]([784, m, 10]) for m in (57, 58)] == [45_325, 46_120]
    says("57 units: they take 45,325 parameters, and 58 would take 46,120")


def test_the_pictures_of_units(f: dict[str, Any], answers: npt.NDArray[Any]) -> None:
    CHAPTER.run("plot_unit", f)
    CHAPTER.run("plot_layers", f)
    (units_on,) = CHAPTER.compared("compare_units_on", f).values()
    a1 = f["sigmoid"](f["affine"](f["x_test"], f["weights"]["W1"], f["weights"]["b1"]))
    a2 = f["sigmoid"](f["affine"](a1, f["weights"]["W2"], f["weights"]["b2"]))
    close([units_on, np.mean(np.sum(a2 > 0.5, axis=1))], [21.6, 52.4], 1)
    says("On average 21.6 of the 50 units of the first layer are above 0.5, and 52.4 of the 100")
    assert [load_mnist()[1][1][n] for n in (0, 8)] == [7, 5]
    assert sorted(np.argsort(answers[8])[-2:]) == [5, 6]


def test_a_shift_by_two_pixels(f: dict[str, Any]) -> None:
    (share,) = CHAPTER.compared("see_shift", f).values()
    close(share, 0.851, 4)
    assert round(10_000 * (1 - share)) == 1_490
    says("0.8510: the mistakes have grown from 215 to 1,490.")


def test_accuracy_of_the_example(f: dict[str, Any]) -> None:
    y = np.array([[0.1, 0.7, 0.2], [0.6, 0.3, 0.1], [0.2, 0.3, 0.5], [0.3, 0.4, 0.3]])
    assert f["accuracy"](y, np.array([1, 2, 2, 1])) == 0.75
    for row, (values, truth) in enumerate(zip(y, (1, 2, 2, 1), strict=True)):
        right = "yes" if values.argmax() == truth else "no"
        text = ", ".join(map(str, values))
        says(f"| {row} | $[{text}]$ | {values.argmax()} | {truth} | {right} |")
    says("Three of four: the accuracy is 0.75.")


def test_the_digits_that_are_shown(answers: npt.NDArray[Any]) -> None:
    truth = load_mnist()[1][1]
    chosen = [0, 1, 2, 8, 247]
    assert truth[chosen].tolist() == [7, 2, 1, 5, 4]
    assert answers[chosen].argmax(axis=1).tolist() == [7, 2, 1, 5, 2]
    assert (answers[chosen[:3]].max(axis=1) > 0.99).all()
    close([answers[8, 5], answers[8, 6], answers[247, 2]], [0.53, 0.41, 0.73], 2)
    says("gives the fourth image 0.53 for a 5 and 0.41 for a 6, and the fifth 0.73 for a 2")


def test_confusion(f: dict[str, Any], answers: npt.NDArray[Any]) -> None:
    CHAPTER.run("plot_confusion", f)
    confusion = f["confusion"]
    read, truth = answers.argmax(axis=1), load_mnist()[1][1]
    assert all(
        confusion[i, j] == np.sum((truth == i) & (read == j)) for i in range(10) for j in range(10)
    )
    assert (confusion[4, 9], confusion[9, 4], confusion[5, 3]) == (11, 10, 11)
    off = confusion - np.diag(np.diag(confusion))
    assert sorted(off.ravel())[-4:] == [9, 10, 11, 11]
    together = off + off.T
    assert together.max() == together[4, 9] == 21
    assert np.sum(together == 21) == 2
    says("4 and 9 are confused 21 times, 11 one way and 10 the other")
    assert together[3, 5] == sorted(together.ravel())[-3] == 14
    says("3 and 5 follow with 14.")
    says("11 for a 4 read as 9, 11 for a 5 read as 3, and 10 for a 9 read as 4")
    assert (np.diag(confusion).min(), np.diag(confusion).max()) == (864, 1125)
    says("The diagonal holds 864 to 1125.")
    share = off.sum(axis=1) / confusion.sum(axis=1)
    assert share.argmin() == 1
    assert (off.sum(axis=1)[1], confusion.sum(axis=1)[1]) == (10, 1_135)
    says("The 1 is recognized best, with 10 of 1,135 wrong.")


def test_sure_and_wrong(answers: npt.NDArray[Any]) -> None:
    right = answers.argmax(axis=1) == load_mnist()[1][1]
    sure = answers.max(axis=1) >= 0.9
    assert (sure.sum(), (sure & ~right).sum()) == (9_297, 36)
    close(right[sure].mean(), 0.996, 3)
    says("for 9,297 images its highest probability is at least 90 %; of these it gets 99.6 % right")
    says("36 of its 215 mistakes are among them")
    twelve = np.sort(answers.max(axis=1)[~right])[-12:]
    close([100 * twelve[0], 100 * twelve[-1]], [96.5, 99.1], 1)
    says("giving the wrong digit a probability of 96.5 to 99.1 percent")


def test_timing(f: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COURSE_PACE", "short")
    CHAPTER.run("plot_timing", f)
    assert f["count"] == 20
    assert len(f["measured"]) == len(f["batch_sizes"]) == 13
    assert min(f["alone"], f["hundreds"]) > 0  # how many times faster is the machine's affair
    close(1.066 / 0.061, 17.5, 1)
    says("1.066 s one image at a time and 0.061 s in batches of 100: 17.5 times as fast")


# --- the bug museum -------------------------------------------------------------------------------


def test_no_bug_is_given_away_before_the_guess() -> None:
    words = ["missing", "left over", "left out", "rounded", "lost", "last batch"]
    gives_no_bug_away(CHAPTER, "museum", "name_a", words)
    gives_no_bug_away(CHAPTER, "museum2", "name_b", ["255", "byte", "scale", "divide", "swapped"])


def test_the_lost_batch_shows_unless_the_size_divides(
    f: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    assert CHAPTER.compared("try_batches", f) == {"exhibit A": "b"}
    first, *lines = capsys.readouterr().out.splitlines()
    assert first == "your check of the exhibit: False (False is right)"
    rows = np.arange(10_000)
    hits = np.argmax(f["predict"](f["weights"], f["x_test"]), axis=1) == f["t_test"]
    for line, size, share in zip(
        lines, (100, 128, 3000, 20_000), ("0.9785", "0.9769", "0.8810", "0.0000"), strict=True
    ):
        batches = f["exhibit_a"](rows, size)
        seen = sum(len(batch) for batch in batches)
        assert line == f"batches of {size:6,}: {seen:6,} of 10,000 images seen"
        says(f"| {size:,} | {share} |")
        assert f"{sum(hits[batch].sum() for batch in batches) / 10_000:.4f}" == share
        says(f"- **{size:,}**: {f'{seen:,} images' if 0 < seen < 10_000 else ''}")
        assert seen == 0 if size == 20_000 else round(float(share) * 10_000 / seen, 2) == 0.98
    says("the accuracy would stay near 0.98, and only the size 20,000 (0 divided by 0)")
    says("- **100**: all 10,000 images.")
    says("- **20,000**: none at all, and no error.")
    says("The last 16 are missing")
    assert 10_000 % 128 == 16


def test_the_right_choices_are_found_by_computing(f: dict[str, Any]) -> None:
    CHAPTER.run("plot_confusion", f)
    assert CHAPTER.compared("compare_confusion", f) == {"confused most": "c"}
    assert CHAPTER.compared("try_prepare", f) == {"exhibit B": "b"}


def test_bytes_do_little_harm_and_no_noise(
    f: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    raw = load_mnist(normalize=False, flatten=False)[1][0][:, 0]
    np.testing.assert_array_equal(f["file_images"], raw)
    CHAPTER.compared("try_prepare", f)
    first, *lines = capsys.readouterr().out.splitlines()
    assert first == "your check of the exhibit: False (False is right)"
    assert [float(line.split()[-1]) for line in lines] == [0.9785, 0.9526, 0.0892]
    assert round(10_000 * (1 - 0.9526)) == 474
    says("reaches 0.9526 on theirs: 474 mistakes instead of 215")
    says("Accuracy 0.9526 instead of 0.9785")
    says("it takes every one of them for a 5, with an accuracy of 0.0892")
    y = f["predict"](f["weights"], f["file_images"].reshape(-1, 784) / 255 / 255)
    assert set(y.argmax(axis=1)) == {5}
    says("and yet 95 of 100 digits are classified correctly")


def test_bytes_turn_the_sigmoid_into_a_step(f: dict[str, Any]) -> None:
    CHAPTER.run("plot_saturation", f)
    hidden = f["hidden"]
    assert hidden.shape == (1000, 50)
    low, high = np.mean(hidden < 0.02), np.mean(hidden > 0.98)
    close([low, high], [0.56, 0.44], 2)
    assert low + high > 0.99
    says("56 percent of the activations at 0 and 44 percent at 1")
    right, wrong = f["activations"].values()
    assert np.mean((right > 0.5) == (wrong > 0.5)) > 0.9
    says("The sign of a sum is mostly the same as before")
    says("so most units stay on the same side")


def test_the_museums_checks_tell_right_from_wrong(f: dict[str, Any]) -> None:
    assert not f["check_batches"](f["exhibit_a"])
    assert f["check_batches"](lambda x, size: [x[k : k + size] for k in range(0, len(x), size)])
    assert not f["check_prepare"](f["exhibit_b"])
    assert f["check_prepare"](lambda images: images.reshape(-1, 784) / 255)


# --- the investigation's model answers ------------------------------------------------------------


def share_right(f: dict[str, Any], **changed: npt.NDArray[Any]) -> float:
    """Return the accuracy of the trained network with other arrays in it."""
    x, t = load_mnist()[1]
    return float(f["accuracy"](f["predict"]({**load_weights(), **changed}, x), t))


def test_how_many_weights_are_needed(f: dict[str, Any]) -> None:
    layers = {key: value for key, value in load_weights().items() if key[0] == "W"}
    sizes = np.abs(np.concatenate([W.ravel() for W in layers.values()]))
    assert len(sizes) == 45_200
    for share, smallest, at_random in (
        (0.1, 0.9785, 0.9546),
        (0.3, 0.9786, 0.5899),
        (0.5, 0.9782, 0.3356),
        (0.7, 0.9708, 0.1479),
        (0.8, 0.9261, 0.1146),
        (0.9, 0.5939, 0.1066),
    ):
        limit = np.quantile(sizes, share)
        found = share_right(f, **{k: np.where(np.abs(W) < limit, 0, W) for k, W in layers.items()})
        close(found, smallest, 4)
        draws = []
        for seed in range(3):
            rng = np.random.default_rng(seed)
            kept = {k: np.where(rng.uniform(size=W.shape) < share, 0, W) for k, W in layers.items()}
            draws.append(share_right(f, **kept))
        close(np.mean(draws), at_random, 3)
        says(f"| {100 * share:.0f} % | {smallest} | {at_random} |")
    assert round(10_000 * (0.9785 - 0.9782)) == 3
    says("half of the weights can go, and only 3 answers of 10,000 are lost")
    close(97.85 - 95.46, 2.4, 1)
    says("At random, a tenth already costs 2.4 points.")


def test_how_many_bits_are_needed(f: dict[str, Any]) -> None:
    layers = {key: value for key, value in load_weights().items() if key[0] == "W"}
    shares = {8: 0.9784, 6: 0.9779, 5: 0.9777, 4: 0.9715, 3: 0.8402, 2: 0.1439}
    rounded: dict[str, npt.NDArray[Any]] = {}
    for bits, share in shares.items():
        for key, W in layers.items():
            step = 2 * np.abs(W).max() / (2**bits - 2)
            rounded[key] = np.round(W / step) * step
            assert len(np.unique(rounded[key])) <= 2**bits - 1
        close(share_right(f, **rounded), share, 4)
    says("| bits | 8 | 6 | 5 | 4 | 3 | 2 |")
    says(f"| accuracy | {' | '.join(f'{share:.4f}' for share in shares.values())} |")
    assert round(10_000 * (0.9785 - 0.9777)) == 8
    says("5 bits of 32 are enough for all but 8 of 10,000 answers")
    close(np.mean(np.concatenate([W.ravel() for W in rounded.values()]) == 0), 0.985, 3)
    says("98.5 % of all weights are rounded to 0")
    signs = {key: np.sign(W) * np.mean(np.abs(W)) for key, W in layers.items()}
    close(share_right(f, **signs), 0.4679, 4)
    says("That is one bit, and gets 0.4679.")


# --- the quiz -------------------------------------------------------------------------------------


def test_the_quiz_has_ten_questions_with_one_right_option_each() -> None:
    holds_a_quiz_of_ten(CHAPTER)


def test_figures_with_sliders_are_drawn_at_their_ends(f: dict[str, Any]) -> None:
    draws_wherever_its_sliders_are(CHAPTER, f)


def test_the_quiz_on_shapes() -> None:
    x, W, b = RANDOM.normal(size=(50, 784)), RANDOM.normal(size=(784, 50)), np.ones((50, 1))
    assert (x @ W + b).shape == (50, 50)
    with pytest.raises(ValueError, match="broadcast"):
        x[:49] @ W + b
    assert (x[:1] @ W + b).shape == (50, 50)
    images = np.arange(5 * 784).reshape(5, 28, 28)
    stored = images.transpose(1, 2, 0)
    assert np.array_equal(stored.transpose(2, 0, 1).reshape(5, 784), images.reshape(5, 784))
    assert not np.array_equal(stored.reshape(5, 784), images.reshape(5, 784))
    assert np.array_equal(stored.T, images.transpose(0, 2, 1))
    says("(c) reverses *all* axes, to image, column, row")


def test_the_quiz_on_numbers(f: dict[str, Any], answers: npt.NDArray[Any]) -> None:
    count = f["count_parameters"]
    assert [count([784, m, 10]) for m in (50, 100)] == [39_760, 79_510]
    assert 784 + 1 + 10 == 795
    assert 39_760 + 50 * 795 == 79_510
    w = load_weights()
    sharp = f["predict"]({**w, "W3": 10 * w["W3"], "b3": 10 * w["b3"]}, f["x_test"])
    assert np.array_equal(sharp.argmax(axis=1), answers.argmax(axis=1))
    close([answers.max(axis=1).mean(), sharp.max(axis=1).mean()], [0.973, 0.998], 3)
    says("The mean of the largest probability rises from 0.973 to 0.998.")
    digits = np.bincount(load_mnist()[1][1])
    assert (digits[1], digits[5], digits.min(), digits.max()) == (1_135, 892, 892, 1_135)
    says("**(b)** The 1, with 0.1135")
    says("**(c)** The 5, with 0.0892")
    says("here there are 892 to 1,135")
    assert (-(-10_000 // 128), 10_000 - 78 * 128, 128 // 16) == (79, 16, 8)
    says("There are 79 batches, 78 full ones and one with $10{,}000 - 78 \\cdot 128 = 16$ images.")


def test_the_quiz_on_scales() -> None:
    W1, W2, x = (RANDOM.normal(size=shape) for shape in ((6, 9), (9, 4), (200, 6)))

    def answer(h: Any, scale: float) -> npt.NDArray[Any]:
        return np.argmax(h(scale * x @ W1) @ W2, axis=1)

    for h, same in ((lambda z: np.maximum(z, 0), True), (np.tanh, False)):
        assert np.array_equal(answer(h, 1), answer(h, 255)) is same
    with np.errstate(over="ignore"):
        sigmoid = lambda z: 1 / (1 + np.exp(-z))  # noqa: E731
        assert not np.array_equal(answer(sigmoid, 1), answer(sigmoid, 255))
