"""Chapter 8: its reference figures, and every number in its text."""

import re
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from helpers.answers.deep_networks import MultiLayerNetExtend
from helpers.answers.optimizers import Adam
from helpers.answers.project import shifted
from helpers.open_task import accuracy, assert_within, new_images, numbers_in
from helpers.specification.promises import promised
from tests.notebooks.chapter import (
    Chapter,
    close,
    draws_wherever_its_sliders_are,
    holds_a_quiz_of_ten,
)

CHAPTER = Chapter("08_project", "project")
says = CHAPTER.says


@pytest.fixture(scope="module")
def f() -> dict[str, Any]:
    """The names that the reference solutions define, at the full pace."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("COURSE_PACE", raising=False)
        return CHAPTER.reference()


@pytest.fixture(scope="module")
def handed_in() -> dict[str, Any]:
    with np.load(CHAPTER.source.folder / "weights.npz") as file:
        return dict(file)


def hidden(predict: Any, params: Any) -> float:
    """Return the mean accuracy on six hidden test sets."""
    with promised(CHAPTER.source.promises):
        parts = [new_images(np.random.default_rng(seed)) for seed in range(6)]
    return float(np.mean([accuracy(predict, params, *part) for part in parts]))


def trained(data: Any, sizes: list[int], epochs: int, lr: float, seed: int = 1) -> Any:
    """Return a predictor, trained as the reference trains."""
    rng = np.random.default_rng(seed)
    images, t = data
    x = images.reshape(len(images), 64) / 16
    net, optimizer = MultiLayerNetExtend(64, sizes, 10, rng=rng), Adam()
    for epoch in range(epochs):
        optimizer.lr = lr * (1 - epoch / epochs)
        order = rng.permutation(len(x))
        for start in range(0, len(x), 50):
            batch = order[start : start + 50]
            optimizer.update(net.params, net.gradient(x[batch], t[batch]))
    return lambda params, images: net.predict(images.reshape(len(images), 64) / 16).argmax(axis=1)


def test_the_data(f: dict[str, Any]) -> None:
    assert len(f["x_digits"]) == 1797
    assert len(f["bitmaps"]) == 10_000
    assert (len(f["bitmaps_train"]), len(f["bitmaps_val"])) == (8_000, 2_000)
    says("scikit-learn has 1,797 of these images")
    says("64 numbers from 0 to 16 are left of 1,024 pixels.")


def test_what_other_networks_reach(f: dict[str, Any]) -> None:
    digits = f["x_digits"], f["t_digits"]
    images = np.concatenate([f["x_digits"], f["reduce_to_8x8"](f["bitmaps"])])
    both = images, np.concatenate([f["t_digits"], f["t_bitmaps"]])
    for row, data, sizes, epochs, lr, found in (
        ("| softmax regression, no hidden layer | `x_digits` | 650 | ", digits, [], 30, 1e-2, 0.70),
        ("| one hidden layer of 32 | `x_digits` | 2,410 | ", digits, [32], 30, 5e-3, 0.71),
        ("| softmax regression | `x_digits` and `bitmaps` | 650 | ", both, [], 10, 5e-3, 0.90),
        (
            "| one hidden layer of 48 | `x_digits` and `bitmaps` | 3,610 | ",
            both,
            [48],
            10,
            5e-3,
            0.93,
        ),
    ):
        says(f"{row}{found:.2f} |")
        close(hidden(trained(data, sizes, epochs, lr), {}), found, 2)
    says(
        "Of images by its own 13 writers such a network classifies more than nine of ten correctly."
    )
    few = digits[0][:1400], digits[1][:1400]
    own = trained(few, [32], 30, 5e-3)
    assert np.mean(own({}, digits[0][1400:]) == digits[1][1400:]) > 0.9


def test_the_authors_network(f: dict[str, Any], handed_in: dict[str, Any]) -> None:
    says("| the authors' best | the same data | below 5,000 | 0.965 |")
    close(hidden(f["predict"], handed_in), 0.965, 3)
    needed = assert_within(f["BUDGET"], handed_in, CHAPTER.cell("predict"))
    assert f["count_parameters"](handed_in) < needed < 5000
    x_val = f["reduce_to_8x8"](f["bitmaps_val"])
    right = int(np.sum(f["predict"](handed_in, x_val) == f["t_val"]))
    close(right / 2000, 0.972, 3)
    close(f["confidence_interval"](right, 2000), [0.964, 0.978], 3)
    says("Validation accuracy 0.972, between 0.964 and 0.978, and the 7 is read as a 3.")
    CHAPTER.run("drawing", f)
    assert list(f["predict"](handed_in, f["reduce_to_8x8"](f["my_bitmaps"]))) == [3]


def test_the_reference_trains_what_is_handed_in(f: dict[str, Any], handed_in: Any) -> None:
    images, labels = f["training_set"](np.random.default_rng(f["SEED"]))
    params = f["train"](images, labels, seed=f["SEED"], epochs=f["EPOCHS"])
    assert {k: v.shape for k, v in params.items()} == {k: v.shape for k, v in handed_in.items()}
    # Another computer adds up in another order, and a long training makes much of little.
    assert abs(hidden(f["predict"], params) - 0.965) < 0.005


def test_intervals_and_errors(f: dict[str, Any]) -> None:
    says("963 of 1,000 images are classified correctly: is that better than 957 of 1,000?")
    close(np.sqrt(0.96 * 0.04 / 1000), 0.006, 3)
    close(f["confidence_interval"](8, 10), [0.490, 0.943], 3)
    close(f["confidence_interval"](9, 10), [0.60, 0.98], 2)
    says("The interval for 9 of 10 goes from 0.60 to 0.98")
    ((_, mean, error),) = f["ablation_table"]({"a": [0.90, 0.92, 0.94]})
    close([mean, error], [0.92, 0.0115], 4)
    assert f["confidence_interval"](10, 10)[0] < 0.75


def guessed(f: dict[str, Any], cell: str) -> Any:
    """Run a cell; return what it compares a guess with."""
    found = []
    compare = SimpleNamespace(compare=lambda _, actual, **__: found.append(actual))
    CHAPTER.run(cell, f | {"guesses": compare})
    (actual,) = found
    return actual


def test_what_guesses_are_compared_with(f: dict[str, Any]) -> None:
    assert guessed(f, "compare_budget") == 66
    assert 75 * 66 + 10 <= f["BUDGET"] < 75 * 67 + 10
    (docstring,) = re.findall(r'""".*?"""', CHAPTER.cell("predict"), re.DOTALL)
    assert numbers_in(docstring) == 40
    assert "Its docstring alone takes 40 numbers" in CHAPTER.cell("compare_budget")
    kept, without = CHAPTER.cell("predict"), CHAPTER.cell("predict").replace(docstring, "")
    assert 75 * 66 + 10 + numbers_in(without) <= f["BUDGET"] < 75 * 66 + 10 + numbers_in(kept)
    assert 75 * 65 + 10 + numbers_in(kept) <= f["BUDGET"]
    assert guessed(f, "compare_interval") == f["confidence_interval"](10, 10)[0]
    runs = {"scikit-learn's digits": [0.7, 0.8]}
    assert guessed(f | {"runs": runs}, "compare_writers") == 0.75


def test_the_figure_of_the_interval(f: dict[str, Any]) -> None:
    close(f["confidence_interval"](960, 1000), [0.946, 0.970], 3)
    says("for 1,000 images it goes from 0.946 to 0.970")
    close(f["confidence_interval"](10, 10)[0], 0.7, 1)
    assert round(0.96 * 10) == 10
    totals = np.unique(np.geomspace(10, 10_000, 40).astype(int))
    counted = np.round(0.96 * totals) / totals
    close([counted[0], counted.min(), counted[-1]], [1, 0.93, 0.96], 2)
    says("A band around a line that starts at 1, drops to 0.93 and settles at 0.96.")
    draws_wherever_its_sliders_are(CHAPTER, f)


def test_other_data_gain_many_times_what_a_hidden_layer_gains() -> None:
    says("both data sets reach a validation accuracy of 0.97, scikit-learn's digits alone 0.75")
    for data, without, with_layer in (("`x_digits`", 0.70, 0.71), ("both", 0.90, 0.93)):
        data = "`x_digits` and `bitmaps`" if data == "both" else data
        rows = re.findall(rf"\| {re.escape(data)} \| [\d,]+ \| (0\.\d+) \|", CHAPTER.text)
        assert [float(row) for row in rows] == [without, with_layer]
        assert 5 * (with_layer - without) < 0.97 - 0.75
    says("many times as large as what a hidden layer gains in the table of section 8.2")


def test_the_quiz_is_right(f: dict[str, Any]) -> None:
    holds_a_quiz_of_ten(CHAPTER)
    deviations = [np.sqrt(p * (1 - p) / 200) for p in (190 / 200, 184 / 200)]
    close([*deviations, np.hypot(*deviations), (190 - 184) / 200], [0.015, 0.019, 0.025, 0.03], 3)
    interval = f["confidence_interval"]
    wide, half, less = (np.ptp(interval(9 * n // 10, n)) for n in (10_000, 40_000, 20_000))
    close([half / wide, less / wide], [0.5, 0.71], 2)
    close(interval(20, 20)[0], 0.84, 2)
    close(20 + 1.96**2, 23.84, 2)
    for network, needed in (("64-70-10", 5260), ("64-50-30-10", 5090), ("64-45-35-10", 4895)):
        sizes = [int(size) for size in network.split("-")]
        net = MultiLayerNetExtend(sizes[0], sizes[1:-1], sizes[-1])
        assert f["count_parameters"](net.params) == needed
        says(f" {network}")
    says("35 \\cdot 10 + 10 = 4{,}895$. In (a) there are 5,260. In (b) the weights alone are 5,000")
    close([np.hypot(0.001, 0.002), 0.003 / np.hypot(0.001, 0.002)], [0.0022, 1.34], 2)


def test_the_quizs_networks_do_as_it_says() -> None:
    rng = np.random.default_rng(3)
    net = MultiLayerNetExtend(64, [20], 10, rng=rng, weight_init_std=0.3)
    x = rng.random((200, 64))

    def answers(x: Any) -> Any:
        return net.predict(x).argmax(axis=1)

    for key in ("b1", "b2"):
        net.params[key][:] = 0
    assert np.array_equal(answers(x), answers(16 * x))
    for key in ("b1", "b2"):
        net.params[key][:] = rng.normal(0, 2, net.params[key].shape)
    assert not np.array_equal(answers(x), answers(16 * x))
    assert not np.any(x[:1] - x[:1].mean(axis=0))  # an image alone, minus its own mean


@pytest.mark.long
def test_the_report_s_ablation(f: dict[str, Any]) -> None:
    rng = np.random.default_rng(77)
    x_val, t_val = f["reduce_to_8x8"](shifted(f["bitmaps_val"], rng)), f["t_val"]
    images = np.concatenate([f["x_digits"], f["reduce_to_8x8"](f["bitmaps_train"])])
    plain = images, np.concatenate([f["t_digits"], f["t_train"]])
    runs: dict[str, list[float]] = {"copies": [], "none": [], "deep": []}
    for seed in range(5):
        copies = f["training_set"](np.random.default_rng(seed))
        for name, data, sizes, epochs in (
            ("copies", copies, [60], 10),
            ("none", plain, [60], 60),
            ("deep", copies, [40, 30], 10),
        ):
            predict = trained(data, sizes, epochs, 5e-3, seed)
            runs[name].append(float(np.mean(predict({}, x_val) == t_val)))
    rows = {name: (mean, error) for name, mean, error in f["ablation_table"](runs)}
    for name, mean in (("copies", 0.967), ("none", 0.952), ("deep", 0.963)):
        assert abs(rows[name][0] - mean) < 0.002
        assert rows[name][1] < 0.002
    says("| six shifted copies, 10 epochs | 0.967 | 0.001 |")
    says("| no copies, 60 epochs | 0.952 | 0.0004 |")
