"""Chapter 7, part B: the recorded trainings, and every number in its text."""

import importlib
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from helpers.answers.layers import log_softmax
from helpers.answers.networks import TwoLayerNet
from helpers.datasets import load_histories, load_mnist, load_weights
from tests.notebooks.chapter import (
    Chapter,
    close,
    holds_a_quiz_of_ten,
)

CHAPTER = Chapter("07_frameworks", "frameworks")
says = CHAPTER.says
RECORDED = load_histories()
SIZES = [784, 50, 100, 10]

needed = pytest.mark.skipif(bool(CHAPTER.source.lacks), reason=CHAPTER.source.lacks)


@pytest.fixture(scope="module")
def f() -> dict[str, Any]:
    """The names that the set-up cells and the reference solutions define."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("COURSE_PACE", raising=False)
        return CHAPTER.reference()


# --- examples -------------------------------------------------------------------------------------


@needed
def test_the_line(f: dict[str, Any]) -> None:
    x, t = np.array([1.0, 2.0]), np.array([2.0, 7.0])
    close(f["line_gradients"](2.0, 1.0, x, t), [2.5, -3, -1], 6)
    assert (2 * x + 1 - t).tolist() == [1, -2]
    says("\\frac{1 + 4}{2} = 2.5")
    says("= 1 - 4 = -3")
    assert [float(np.sum(e * x)) for e in np.eye(2) * (2 * x + 1 - t)] == [1, -4]


@needed
def test_one_step_of_a_layer_of_zeros(f: dict[str, Any]) -> None:
    net = f["torch_net"]([2, 2])
    f["load_torch"](net, {"W1": np.zeros((2, 2)), "b1": np.zeros(2)})
    batch = np.array([[1.0, 2.0]], dtype=np.float32), np.array([0])
    weights, biases = f["torch_gradients"](net, *batch).values()
    assert weights.tolist() == [[-0.5, -1], [0.5, 1]]
    assert biases.tolist() == [-0.5, 0.5]
    losses = f["train_torch"](net, [batch, batch], 0.1)
    close(losses, [0.6931, 0.4375], 4)
    close(losses, [np.log(2), np.log1p(np.exp(-0.6))], 6)
    says("The loss is $\\log 2 = 0.6931$")
    says("$\\log(1 + e^{-0.6}) = 0.4375$")
    says("$0.05$, $0.1$ and $-0.05$, $-0.1$, the biases $\\pm 0.05$")
    assert pytest.approx(0.3) == 0.05 * 1 + 0.1 * 2 + 0.05


def test_parameters() -> None:
    assert sum((n + 1) * m for n, m in pairwise(SIZES)) == 45_360
    says("$785 \\cdot 50 + 51 \\cdot 100 + 101 \\cdot 10 = 45{,}360$")


# --- the frameworks and the course ----------------------------------------------------------------


@needed
@pytest.mark.slow
def test_the_weights_of_chapter_3_give_its_answers(
    f: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    CHAPTER.run("same_answers", f)  # holds itself to 1e-5, and to 1e-12 in float64
    assert f["difference"] < 3e-6
    says("about a millionth")
    (_, _), (x, t) = load_mnist()
    right = np.mean(f["torch_predict"](f["net"].float(), x).argmax(axis=1) == t)
    close(right, 0.9785, 4)
    says("both classify 0.9785 of the 10,000 test images correctly")
    CHAPTER.run("keras_answers", f)
    assert "45,360 parameters" in capsys.readouterr().out
    assert f["exact_difference"] < 1e-13
    says("differ by no more than some $10^{-14}$")


@needed
def test_autograd_agrees_with_chapter_4(f: dict[str, Any]) -> None:
    torch, nn = f["torch"], f["nn"]
    rng = np.random.default_rng(7)
    own = TwoLayerNet(6, 5, 4, weight_init_std=0.5, rng=rng)
    x, t = rng.normal(size=(8, 6)), rng.integers(4, size=8)
    net = nn.Sequential(nn.Linear(6, 5), nn.ReLU(), nn.Linear(5, 4)).double()
    f["load_torch"](net, own.params)
    found = f["torch_gradients"](net, x, t)
    for (key, mine), theirs in zip(own.gradient(x, t).items(), found.values(), strict=True):
        assert np.allclose(mine, theirs.T, rtol=0, atol=1e-12), key
    assert torch.get_num_threads() == 1


@needed
def test_autograd_agrees_with_the_chapters_own_layers(f: dict[str, Any]) -> None:
    CHAPTER.run("same_gradients", f)  # holds itself to 1e-6


@needed
@pytest.mark.long
def test_three_trainings_are_one(f: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(f["plots"], "show", lambda *_, **__: None)
    CHAPTER.run("plot_three", f)
    runs = f["runs"]
    assert np.allclose(runs["NumPy"], runs["PyTorch"], rtol=2e-3)
    assert np.allclose(runs["NumPy"], runs["Keras"], rtol=2e-3)
    says("agree to three digits or so")
    close([runs["NumPy"][0], runs["NumPy"][-1]], [1.7, 0.06], 1)
    assert runs["NumPy"][-1] < 0.1
    close(f["right"], 0.94, 2)
    says("classify about 94 of 100 test images correctly")


# --- what was recorded ----------------------------------------------------------------------------


def test_keras_as_the_original_trained_it_and_as_it_should_be() -> None:
    then, now = RECORDED["keras_original"], RECORDED["keras_fixed"]
    assert [len(then[key]) for key in ("loss", "accuracy")] == [20, 20]
    close([then["loss"][0], then["loss"][-1]], [0.0317, 0.0122], 3)  # the original's
    close(then["accuracy"][-1], 0.9157, 1)
    close([then["loss"][-1], then["accuracy"][-1]], [0.0123, 0.9202], 4)
    says("Ours ended at a loss of 0.0123 and 92.02 %")
    close(now["accuracy"][-1], 0.9716, 4)
    says("As it should be: 97.16 %.")
    close([now["loss"][0], now["loss"][-1]], [0.54, 0.016], 2)
    close([then["accuracy"][0], now["accuracy"][0]], [0.87, 0.93], 2)
    assert max(then["seconds"], now["seconds"]) < 200
    says("Each run took about two minutes")


def test_the_recordings_opened_the_test_images_every_epoch_and_chose_nothing() -> None:
    epochs = {"keras_original": 20, "keras_fixed": 20, "torch_exhibit": 10, "torch_fixed": 10}
    for name, count in epochs.items():
        found = np.array(RECORDED[name]["accuracy"]) * 10_000
        assert len(found) == count  # none ended early, none went on
        np.testing.assert_allclose(found, np.round(found), atol=1e-6)
    says("The test images were measured after every epoch, for this figure alone")
    says("the accuracy is that on the test images, measured after every epoch")
    for cell in ("plot_original", "plot_log"):
        assert 'title="10,000 test images", x="epoch", y="fraction correct"' in CHAPTER.cell(cell)


def test_the_exhibits_log() -> None:
    exhibit, fixed = RECORDED["torch_exhibit"], RECORDED["torch_fixed"]
    assert exhibit["loss"] == sorted(exhibit["loss"], reverse=True)
    assert np.log(10) < 4 < min(exhibit["loss"]) < max(exhibit["loss"]) < np.log(100)
    close([exhibit["loss"][0], exhibit["loss"][-1]], [4.4, 4.1], 1)
    stairs = np.diff(exhibit["accuracy"])
    assert sorted(np.flatnonzero(stairs > 0.05)) == [2, 5]
    assert all(0.07 < step < 0.11 for step in stairs[[2, 5]])
    assert max(np.abs(np.delete(stairs, [2, 5]))) < 0.01
    says("The accuracy climbs in stairs of about ten points.")
    close([exhibit["accuracy"][0], exhibit["accuracy"][-1]], [0.3, 0.5], 1)
    layer3 = {
        name: log["moved"]["layer3.weight"] for name, log in RECORDED.items() if "moved" in log
    }
    assert layer3["torch_exhibit"] == 0 < layer3["torch_fixed"]
    assert [name for name, moved in exhibit["moved"].items() if moved == 0] == [
        "layer3.weight",
        "layer3.bias",
    ]
    close(fixed["accuracy"][-1], 0.97, 4)
    says("took it to 0.9700")
    assert fixed["loss"][0] < 0.7
    assert fixed["accuracy"][0] > 0.9


def test_two_softmaxes_leave_little_belief() -> None:
    sure = np.eye(100)[0]  # the first softmax could hardly be more confident
    loss = -log_softmax(sure)[0]
    close([np.exp(-loss), loss], [0.027, 3.62], 2)
    close(np.exp(-loss), np.e / (np.e + 99), 12)
    says("$e / (e + 99) = 0.027$")
    says("the loss is never less than $3.62$")
    close([np.log(100), np.log(10)], [4.61, 2.3], 2)
    says("$\\log 100 = 4.61$")
    says("$\\log 10 = 2.30$")


@needed
def test_a_fixed_network_learns_and_the_exhibit_hardly_does(
    f: dict[str, Any], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = range(0, 10_000, 100)
    batches = [(f["x_train"][k : k + 100], f["t_train"][k : k + 100]) for k in rows]
    CHAPTER.run("try_network", f | {"batches": batches})
    printed = capsys.readouterr().out
    assert "the exhibit: False" in printed
    assert "fixed: True" in printed
    shares = [float(line.split()[-6]) for line in printed.splitlines() if "images right" in line]
    assert shares[0] < 0.6 < 0.85 < shares[1], printed


def test_chapter_3s_weights_are_what_is_loaded() -> None:
    assert [load_weights()[f"W{k}"].shape for k in (1, 2, 3)] == [*pairwise(SIZES)]


# --- the tool that recorded them ------------------------------------------------------------------


@needed
@pytest.mark.slow
def test_the_tool_trains_the_networks_that_the_chapter_shows(
    f: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    tool = importlib.import_module("tools.train_frameworks")
    monkeypatch.setattr(tool, "KERAS_EPOCHS", 1)
    monkeypatch.setattr(tool, "TORCH_EPOCHS", 1)
    (x, t), (x_test, t_test) = load_mnist(normalize=False)
    data = (x[:2000], t[:2000]), (x_test[:500], t_test[:500])
    keys = {"loss", "accuracy", "seconds"}
    for original in (True, False):
        found = tool.keras_history(data, original=original)
        assert found.keys() == keys
        assert found["accuracy"][0] > 0.3
    for exhibit in (True, False):
        found = tool.torch_history(data, exhibit=exhibit)
        assert found.keys() == keys | {"moved"}
        assert (found["moved"]["layer3.weight"] == 0) is exhibit
    x_few = f["torch"].tensor(x[:5] / 255, dtype=f["torch"].float32)
    for suspect, own in ((True, f["ExhibitNet"]()), (False, f["FixedNet"]())):
        net = tool.Network(exhibit=suspect)
        net.load_state_dict(own.state_dict())
        assert f["torch"].equal(net(x_few), own(x_few))


# --- predictions and the quiz ---------------------------------------------------------------------


@needed
def test_the_right_choices_are_found_by_computing(
    f: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(f["plots"], "show", lambda *_, **__: None)
    assert CHAPTER.compared("same_answers", f) == {"PyTorch and NumPy": "b"}
    CHAPTER.run("plot_original", f)
    (share,) = CHAPTER.compared("compare_mended", f).values()
    assert share == RECORDED["keras_fixed"]["accuracy"][-1]
    found = CHAPTER.compared("see_exhibit", f)
    assert found == {"classes that the loss sees": 100, "layer 3": "b"}
    seconds = {"NumPy": 1.0, "PyTorch": 0.5, "Keras": 2.0}
    found = CHAPTER.compared("compare_fastest", f | {"seconds": seconds})
    assert found == {"fastest": "b", "slowest, times as long": 4.0}


def test_the_quiz_has_ten_questions() -> None:
    holds_a_quiz_of_ten(CHAPTER)


def test_the_quizs_two_softmaxes() -> None:
    assert abs(-log_softmax(np.eye(10)[0])[0] - np.log((np.e + 9) / np.e)) < 1e-12
    close(np.log((np.e + 9) / np.e), 1.46, 2)
    says("$-\\log(e / (e + 9)) = 1.46$")


@needed
def test_the_quiz_on_pytorch(f: dict[str, Any]) -> None:
    torch, nn, F = f["torch"], f["nn"], f["F"]
    net = nn.Linear(784, 50)
    assert tuple(net.weight.shape) == (50, 784)
    x, t = torch.rand(64, 784), torch.randint(10, (64,))
    grads = []
    for _ in range(2):
        F.cross_entropy(net(x), t).backward()
        grads.append(net.weight.grad.clone())
    assert torch.allclose(grads[1], 2 * grads[0])

    class Plain(nn.Module):  # type: ignore[name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.layers = [nn.Linear(4, 3), nn.Linear(3, 2)]

    assert list(Plain().parameters()) == []
    assert all(float(np.sum((y - np.eye(3)[0]) ** 2)) <= 2 for y in np.eye(3))
