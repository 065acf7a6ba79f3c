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
from tests.notebooks.chapter import Chapter, close

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
    says("With the more usual standard deviation of $1 / \\sqrt n$ the eight layers turn 1.5 times")


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
    assert (round(100 * twelve[0]), round(100 * twelve[-1])) == (97, 99)
    says("with a probability of 97 to 99 percent")


def test_timing(f: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COURSE_PACE", "short")
    CHAPTER.run("plot_timing", f)
    assert f["count"] == 20
    assert len(f["measured"]) == len(f["batch_sizes"]) == 13
    assert min(f["alone"], f["hundreds"]) > 0  # how many times faster is the machine's affair
    close(1.066 / 0.061, 17.5, 1)
    says("1.066 s one image at a time and 0.061 s in batches of 100: 17.5 times as fast")


# --- the bug museum -------------------------------------------------------------------------------


def test_the_lost_batch_shows_unless_the_size_divides(
    f: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    CHAPTER.run("see_exhibit_batches", f)
    lines = capsys.readouterr().out.splitlines()
    expected = ("10,000 0.9785", "9,984 0.9769", "9,000 0.8810", "0 0.0000")
    for line, numbers in zip(lines, expected, strict=True):
        seen, share = numbers.split()
        assert re.search(rf": +{seen} images seen, accuracy {share}$", line)
    says("- **100**: all 10,000 images, 0.9785.")
    says("- **128**: 9,984 images, 0.9769. The last 16 are missing")
    says("- **3,000**: 9,000 images, 0.8810.")
    says("- **20,000**: none at all, 0.0000, and no error.")
    assert 10_000 % 128 == 16


def test_bytes_do_little_harm_and_no_noise(
    f: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    raw = load_mnist(normalize=False, flatten=False)[1][0][:, 0]
    np.testing.assert_array_equal(f["digit_bytes"], raw)
    CHAPTER.run("see_exhibit_prepare", f)
    shares = [float(line.split()[-1]) for line in capsys.readouterr().out.splitlines()]
    assert shares == [0.9785, 0.9526, 0.0892]
    assert round(10_000 * (1 - 0.9526)) == 474
    says("Bytes give 0.9526 in place of 0.9785.")
    says("there are 474 mistakes where there should be 215")
    says("it takes every one of them for a 5: accuracy 0.0892")
    y = f["predict"](f["weights"], f["digit_bytes"].reshape(-1, 784) / 255 / 255)
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


def test_the_museums_checks_tell_right_from_wrong(f: dict[str, Any]) -> None:
    assert not f["check_batches"](f["batches_exhibit"])
    assert f["check_batches"](f["batches_mended"])
    assert not f["check_prepare"](f["prepare_exhibit"])
    assert f["check_prepare"](f["prepare_mended"])
