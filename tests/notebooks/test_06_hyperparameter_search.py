"""Chapter 6, part C: its reference figures, and every number in its text."""

import re
from typing import Any

import numpy as np
import pytest
from sklearn.utils.parallel import Parallel, delayed

from helpers.answers import training
from helpers.datasets import load_mnist
from tests.notebooks.chapter import (
    Chapter,
    draws_wherever_its_sliders_are,
    holds_a_quiz_of_ten,
    sittings_add_up,
)

CHAPTER = Chapter("06_hyperparameters", "hyperparameter_search")
says = CHAPTER.says

RANGES = {"lr": (1e-6, 1e-2), "weight_decay": (1e-8, 1e-4)}


@pytest.fixture
def f(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The names that the reference solutions define, at the student's full pace."""
    return at_full_pace(monkeypatch)


def at_full_pace(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    monkeypatch.delenv("COURSE_PACE", raising=False)
    names = CHAPTER.reference()
    CHAPTER.run("define_search", names)
    return names


# --- the notebook as a whole ----------------------------------------------------------------------


def test_the_helpers_give_the_same_as_the_solutions(f: dict[str, Any]) -> None:
    x, t = f["x_500"][:40], f["t_500"][:40]
    for ours, theirs in (
        (training.shuffle_dataset(x, t, 3), f["shuffle_dataset"](x, t, 3)),
        (training.validation_split(x, t, 0.3, 3)[0], f["validation_split"](x, t, 0.3, 3)[0]),
        (training.validation_split(x, t, 0.3, 3)[1], f["validation_split"](x, t, 0.3, 3)[1]),
    ):
        for one, other in zip(ours, theirs, strict=True):
            np.testing.assert_array_equal(one, other)

    def score(lr: float, weight_decay: float, rng: np.random.Generator) -> dict[str, float]:
        return {"val_acc": float(rng.random())}

    found = f["random_search"](score, RANGES, 12, 5)
    assert found == training.random_search(score, RANGES, 12, 5)
    assert f["narrow"](found, [*RANGES], 4) == training.narrow(found, RANGES, 4)


# --- numbers in the text --------------------------------------------------------------------------


def test_the_luckiest_of_forty(f: dict[str, Any]) -> None:
    CHAPTER.run("plot_luck", f)
    assert f["measured"].shape == (10_000, 40)
    assert round(np.sqrt(0.7 * 0.3 / 100), 3) == 0.046
    says("$\\sqrt{0.7 \\cdot 0.3 / 100} \\approx 0.046$")
    assert f["measured"].mean() == pytest.approx(0.7, abs=0.001)
    assert round(f["best_of_40"].mean(), 2) == 0.80
    says("0.80: ten points better than the true value")
    assert 0.01 < np.mean(f["best_of_40"] >= 0.85) < 0.2
    says("some of the luckiest reach 0.85")
    says("In the simulation 40 networks that were all right 70 % of the time had a best accuracy")
    assert round(np.sqrt(0.8 * 0.2 / 100), 2) == 0.04
    says("the standard deviation of such a measurement is about 0.04")


def luck(f: dict[str, Any], networks: int, lr: float, epochs: int) -> tuple[float, float]:
    """Return by how much the best of networks that differ in their seeds alone seems too good.

    First if all are measured on the same 100 images, then if each has 100 images of its own.
    """
    (x, t), _ = f["validation_split"](f["x_500"], f["t_500"], 0.2, rng=0)
    (others, labels), _ = load_mnist()
    others, labels = others[500:5500], labels[500:5500]
    rows = []
    for seed in range(networks):
        trainer = f["new_trainer"]([784, *[100] * 6, 10], lr, x, t, x, t, rng=seed)
        for _ in range(epochs):
            trainer.train_epoch()
        rows.append(trainer.network.predict(others).argmax(axis=1) == labels)
    right = np.array(rows)
    accuracies = right.mean(axis=1)
    rng = np.random.default_rng(0)
    shared = []
    for _ in range(1000):
        measured = right[:, rng.choice(len(labels), 100, replace=False)].mean(axis=1)
        shared.append(measured.max() - accuracies[measured.argmax()])
    fresh = rng.binomial(100, accuracies.mean(), size=(10_000, networks)).max(axis=1) / 100
    return float(np.mean(shared)), float(np.mean(fresh) - accuracies.mean())


def test_luck_is_smaller_on_shared_images(f: dict[str, Any]) -> None:
    shared, fresh = luck(f, networks=5, lr=0.05, epochs=8)
    assert 0 < shared < fresh - 0.01
    says("Then they differ less, and the luckiest is closer to the true value")


@pytest.mark.long
def test_the_luckiest_of_forty_on_shared_images(f: dict[str, Any]) -> None:
    shared, fresh = luck(f, networks=40, lr=0.02, epochs=25)
    assert 0.04 < shared < 0.07 < fresh < 0.11
    says("the best of 40 looks about five points better on the 100 shared images than it really")


def test_int_cuts_off_what_round_rounds(f: dict[str, Any]) -> None:
    assert (int(0.29 * 100), round(0.29 * 100)) == (28, 29)
    assert str(0.29 * 100) == "28.999999999999996"
    says("In floating point `0.29 * 100` is 28.999999999999996")
    (_, t_train), (_, t_val) = f["validation_split"](f["x_500"], f["t_500"], 0.2, rng=0)
    assert (len(t_train), len(t_val), len(f["x_test"])) == (400, 100, 10_000)
    says("500 training images of MNIST")


def test_steps(f: dict[str, Any]) -> None:
    assert -(-400 // 100) * 50 == 200
    says("$N = 400$ samples and mini-batches of $B = 100$ that is 4 steps, so 50 epochs are 200")
    says("With 7 samples and mini-batches of 3 there are 3 steps, on 3, 3 and 1 samples.")
    assert f["EPOCHS"] == 50
    assert (f["TRIALS"], f["FINE_TRIALS"], f["HIDDEN"]) == (40, 12, [100] * 6)


def test_uniform_and_log_uniform(f: dict[str, Any]) -> None:
    CHAPTER.run("plot_scales", f)
    below = {name: np.mean(values < 1e-3) for name, values in f["samples"].items()}
    assert below["uniform"] == pytest.approx(0.1, abs=0.01)
    assert below["log-uniform"] == pytest.approx(0.75, abs=0.01)
    says("Uniformly about 10 of 100: 0.001 is a tenth of the way to 0.01.")
    says("With the logarithm each of the four decades gets about 25, so 75 are below 0.001.")


def test_grid_and_random(f: dict[str, Any]) -> None:
    CHAPTER.run("plot_grid", f)
    grid, at_random = f["ways"].values()
    assert len(np.unique(grid[:, 0])) == 3
    assert len(np.unique(at_random[:, 0])) == 9
    peak = np.random.default_rng(0).uniform(size=200_000)

    def best(rates: Any) -> float:
        return float(np.exp(-(((rates - peak) / 0.08) ** 2)).max(axis=0).mean())

    assert round(best(grid[:3, :1]), 2) == 0.42
    assert best(np.random.default_rng(1).uniform(size=(9, 200_000))) == pytest.approx(
        0.67, abs=0.005
    )
    says(
        "averaged over all positions of the peak, the grid's best is 0.42 and the random one's 0.67"
    )
    assert (round(0.95**40, 2), round(1 - 0.95**60, 2)) == (0.13, 0.95)
    says("$0.95^{40} = 0.13$: an 87 % chance of at least one hit. For 60 trials it is 95 %.")


def test_the_exhibit_records_one_of_twenty_epochs(f: dict[str, Any]) -> None:
    exhibit = f["recorded_exhibit"]
    assert exhibit(400, 100, 20) == [*range(0, 80, 4)]
    for samples, size in ((397, 100), (500, 128), (60, 100)):
        assert exhibit(samples, size, 20) == [0]
    says("**20 epochs asked for, 1 recorded.**")
    assert (397 / 100, 500 / 128, 60 / 100, int(20 * 0.6)) == (3.97, 3.90625, 0.6, 12)
    says("**500 and 128**: 3.90625, with the same result: 1.")
    says("**60 and 100**: 0.6. Twelve steps are made for 20 epochs")
    says("397 images, mini-batches of 100, 20 epochs: 1 entry, after step 0")
    says("500 images, mini-batches of 128, 20 epochs: 1 entry, after step 0")
    says("look at *where*: after step 0, that is after the first mini-batch ever, then after 4, 8")
    assert [3 + 4 * k for k in range(20)] == [step + 3 for step in exhibit(400, 100, 20)]
    says("A list with 20 entries, each three steps too early, is worse.")
    assert CHAPTER.compared("compare_steps", {**f, "display": lambda _: None}) == {
        "the plot with one point": "c"
    }
    assert f["check_steps"](exhibit) is False
    says("for 400 samples, mini-batches of 100 and 3 epochs: `[3, 7, 11]`")


def test_two_results_are_there_before_anything_is_written(f: dict[str, Any]) -> None:
    for exercise in CHAPTER.source.exercises:
        del f[exercise.id]
    CHAPTER.run("plot_luck", f)
    CHAPTER.run("see_exhibit_steps", f)
    says("The first figure of 6C.1 and the measurements of exhibit A in 6C.7 are there as soon")


def test_no_cell_tells_what_exhibit_a_does_before_the_guess() -> None:
    assert "remainder" in CHAPTER.cell("exhibit_steps_answer")
    assert "`current_iter % iter_per_epoch == 0`" in CHAPTER.cell("exhibit_steps_answer")
    before = CHAPTER.before("guess_steps")
    assert not re.search(r"remainder|modulo|iter_per_epoch", before)


def test_the_loss_that_stands_still(f: dict[str, Any]) -> None:
    """The program of exhibit C prints a number that another cell has left behind."""
    program = re.search(r"```python\n(.*?)```", CHAPTER.cell("museum3_answer"), re.DOTALL)
    assert program
    names = {"loss": np.log(10)}
    exec(program[1], names)
    (x, t), (x_val, t_val) = f["validation_split"](f["x_500"], f["t_500"], 0.2, rng=0)
    trainer = f["new_trainer"]([784, 50, 10], 0.1, x, t, x_val, t_val, rng=0)
    for epoch in (1, 2, 3):
        trainer.train_epoch()
        line = names["report"](trainer.network, x, t, epoch)
        assert line in CHAPTER.cell("museum3")
    del names["loss"]
    with pytest.raises(NameError):
        names["report"](trainer.network, x, t, 4)


def test_the_luckiest_by_networks_and_images() -> None:
    rng = np.random.default_rng(0)
    for images, right in ((100, [0.70, 0.77, 0.80, 0.81]), (1000, [0.70, 0.72, 0.73, 0.74])):
        shown = rng.binomial(images, 0.7, size=(2000, 100)) / images
        luckiest = np.maximum.accumulate(shown, axis=1).mean(axis=0)
        np.testing.assert_allclose(luckiest[[0, 9, 39, 99]], right, atol=0.006)
    says("to 0.77 for 10 networks, and then slowly to 0.81 for 100")
    says("With 1,000 images the luckiest of 40 is 0.03 above the true value, instead of 0.10.")


def test_the_numbers_of_the_quiz(f: dict[str, Any]) -> None:
    assert (-(-450 // 100), 450 % 100) == (5, 50)
    says("$\\lceil 450 / 100 \\rceil = 5$, and 50 are left for the last")
    draws = f["sample_log_uniform"](0.001, 1, 30_000, rng=0)
    assert np.mean(draws < 0.01) == pytest.approx(1 / 3, abs=0.01)
    assert round(1000 * (0.01 - 0.001) / (1 - 0.001)) == 9
    says("of which 0.9 % lie there")
    assert (round(0.9**22, 3), round(0.9**9, 2)) == (0.098, 0.39)
    assert 0.9**21 > 0.1
    says("$0.9^{22} = 0.098$.")
    says("nine trials all miss with probability $0.9^9 = 0.39$.")
    assert round(-np.log(0.1), 3) == 2.303
    says("$-\\log(1/10) = 2.303$")


def test_neighboring_seeds_would_share_their_trials() -> None:
    assert len({*range(40)} & {*range(1, 41)}) == 39
    says("the searches with the seeds 0 and 1 would share all trials but one")


def test_a_right_shuffle_is_hardly_ever_the_old_order() -> None:
    assert 2e18 < float(np.prod(np.arange(1.0, 21))) < 3e18
    says("about once in $2 \\cdot 10^{18}$ times")


# --- trainings and searches -----------------------------------------------------------------------


@pytest.mark.slow
def test_the_curves(f: dict[str, Any]) -> None:
    CHAPTER.run("plot_curves", f)
    trainer = f["trainer"]
    lists = (trainer.train_loss_list, trainer.train_acc_list, trainer.test_acc_list)
    assert [len(entries) for entries in lists] == [50] * 3
    assert trainer.train_acc_list[-1] == 1
    assert trainer.test_acc_list[-1] == pytest.approx(0.85, abs=0.02)
    says("200 steps, 50 entries. All 400 training images are right in the end, and 85 of the 100")


@pytest.mark.slow
def test_wrong_labels_are_memorized(f: dict[str, Any]) -> None:
    CHAPTER.run("plot_pairs", f)
    kept, broken = f["runs"].values()
    assert kept.train_acc_list[-1] == broken.train_acc_list[-1] == 1
    assert kept.test_acc_list[-1] == pytest.approx(0.86, abs=0.02)
    assert broken.test_acc_list[-1] == pytest.approx(0.06, abs=0.05)
    assert max(broken.test_acc_list) < 0.2
    says("The training accuracy ends at 1.00 in both.")
    (_, t_train), _ = f["validation_split"](f["x_500"], f["t_500"], 0.2, rng=0)
    order = np.random.default_rng(5).permutation(400)
    assert np.mean(t_train[order] == t_train) < 0.2
    assert CHAPTER.compared("compare_shuffle", {**f, "display": lambda _: None}) == {
        "a perfect training accuracy": "b"
    }
    says("has memorized 400 labels, most of them *wrong*")
    says("it is no better than a guess: 0.06.")


@pytest.fixture(scope="module")
def searched() -> Any:
    """The notebook's names after both searches."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        names = at_full_pace(monkeypatch)
        names["coarse"] = names["coarse_search"]()
        CHAPTER.run("plot_fine", names)
        yield names


@pytest.mark.long
def test_40_trials_give_40_results_best_first(searched: dict[str, Any]) -> None:
    results = searched["coarse"]
    assert len(results) == 40
    accuracies = [result["val_acc"] for result in results]
    assert accuracies == sorted(accuracies, reverse=True)
    assert {len(result["val_acc_list"]) for result in results} == {50}
    assert {len(result["train_acc_list"]) for result in results} == {50}
    exponents = np.log10([[result["lr"], result["weight_decay"]] for result in results])
    assert (exponents >= [-6, -8]).all()
    assert (exponents <= [-2, -4]).all()
    assert len({result["lr"] for result in results}) == 40


@pytest.mark.long
def test_what_the_coarse_search_shows(searched: dict[str, Any]) -> None:
    accuracies = np.array([result["val_acc"] for result in searched["coarse"]])
    rates = np.array([result["lr"] for result in searched["coarse"]])
    assert accuracies[0] == pytest.approx(0.77, abs=0.02)
    says("The best of the coarse search has an accuracy of 0.77.")
    assert (accuracies > 0.5).sum() == 5
    says("Only 5 of the 40 are above 0.5.")
    assert accuracies[[4, 5, 9]] == pytest.approx([0.54, 0.48, 0.29], abs=0.02)
    says("climb to between 0.54 and 0.77, in the second to between 0.29 and 0.48")
    for result in searched["coarse"][13:20]:
        assert max(result["val_acc_list"] + result["train_acc_list"]) < 0.2
    says("from the fourteenth plot on all lines lie flat below 0.2")
    assert accuracies[rates < 1e-3].max() < 0.2
    assert rates[13:].max() < 1e-3
    says("From the fourteenth on they have hardly moved, because their rates are too small")
    decays = [np.log(result["weight_decay"]) for result in searched["coarse"]]
    assert abs(np.corrcoef(decays, accuracies)[0, 1]) < 0.3
    says("The learning rate decides, and the weight decay has no visible effect.")
    CHAPTER.run("guess_matters", searched)
    CHAPTER.run("compare_matters", searched)
    assert searched["linked"]["a"] > 2 * searched["linked"]["b"]


@pytest.mark.long
def test_the_fine_search_is_better_and_the_test_set_less_kind(searched: dict[str, Any]) -> None:
    fine = searched["fine"]
    assert len(fine) == 12
    assert fine[0]["val_acc"] == pytest.approx(0.88, abs=0.02)
    assert fine[0]["lr"] == max(result["lr"] for result in fine)
    assert round(fine[0]["lr"], 3) == 0.036
    says("the best trial has the largest rate of all, 0.036.")
    lowest = searched["narrow"](searched["coarse"], ["lr"])["lr"][0]
    assert round(np.log10(0.1 / lowest), 1) == 1.5
    assert np.log10(RANGES["lr"][1] / RANGES["lr"][0]) == pytest.approx(4)
    says("the learning rates now span one and a half decades instead of four")
    beyond = [result for result in fine if result["lr"] > 0.01]
    assert len(beyond) >= 5
    assert min(result["val_acc"] for result in beyond) == pytest.approx(0.79, abs=0.02)
    says("from 0.01 on, every rate that was tried is at 0.79 or more")
    says("from 0.01 to 0.04 they lie between 0.79 and 0.88")
    CHAPTER.run("final_test", searched)
    assert searched["test_accuracy"] == pytest.approx(0.816, abs=0.015)
    says("The winner had 0.880 on the 100 validation images.")
    says("classifies 81.6 % of the 10,000 test images correctly: six points less")
    says("The winner is the best of 52 trials")


@pytest.mark.long
def test_two_processes_give_what_one_gives(searched: dict[str, Any]) -> None:
    children = np.random.SeedSequence(0).spawn(4)
    jobs = [
        delayed(searched["run_trial"])(searched["train_and_score"], RANGES, child)
        for child in children
    ]
    known = {result["lr"]: result for result in searched["coarse"]}
    for result in Parallel(n_jobs=2)(jobs):
        assert result == known[result["lr"]]
    says("`equal: True`")


@pytest.mark.long
def test_scikit_learn_finds_the_same_place(f: dict[str, Any]) -> None:
    CHAPTER.run("sklearn_search", f)
    search = f["search"]
    assert len(search.cv_results_["params"]) == 12
    assert search.best_params_["learning_rate"] == pytest.approx(0.033, abs=0.001)
    assert search.best_score_ == pytest.approx(0.87, abs=0.02)
    says("A learning rate of 0.033 and a validation accuracy of 0.87, the best of 12 candidates")
    (_, _), (x_val, t_val) = f["validation_split"](f["x_500"], f["t_500"], 0.2, rng=0)
    chosen = f["fold"] == 0
    assert sorted(map(bytes, f["x_500"][chosen])) == sorted(map(bytes, x_val))
    assert sorted(f["t_500"][chosen]) == sorted(t_val)


def test_answers_references_and_times() -> None:
    sittings_add_up(CHAPTER)


def test_the_quiz_and_the_sliders(f: dict[str, Any]) -> None:
    holds_a_quiz_of_ten(CHAPTER)
    draws_wherever_its_sliders_are(CHAPTER, f)


# --- the investigation ----------------------------------------------------------------------------


def fresh_accuracies(f: dict[str, Any], lr: float, weight_decay: float) -> Any:
    """Return the accuracy on 1,000 unused images after trainings with the seeds 0 to 4."""
    (x, t), _ = f["validation_split"](f["x_500"], f["t_500"], 0.2, rng=0)
    CHAPTER.run("free_winner", f)
    found = []
    for seed in range(5):
        trainer = f["new_trainer"](
            [784, *[100] * 6, 10], lr, x, t, x, t, weight_decay, rng=seed, epochs=50
        )
        for _ in range(50):
            trainer.train_epoch()
        found.append(trainer.network.accuracy(f["x_fresh"], f["t_fresh"]))
    return np.array(found)


def gain(better: Any, worse: Any) -> list[float]:
    """Return the mean difference seed by seed, and its standard error."""
    differences = better - worse
    return [differences.mean(), differences.std(ddof=1) / np.sqrt(len(differences))]


@pytest.mark.long
def test_the_model_answers_of_the_investigation(f: dict[str, Any]) -> None:
    by_rate = [fresh_accuracies(f, lr, 1e-6) for lr in (0.01, 0.02, 0.04)]
    np.testing.assert_allclose([a.mean() for a in by_rate], [0.724, 0.762, 0.785], atol=0.004)
    np.testing.assert_allclose([a.std(ddof=1) for a in by_rate], [0.027, 0.018, 0.012], atol=0.002)
    assert by_rate[0].max() > by_rate[1].min()
    assert (by_rate[2] > by_rate[1]).all()
    np.testing.assert_allclose(gain(by_rate[2], by_rate[1]), [0.022, 0.0044], atol=0.002)
    says("0.724 for 0.01, 0.762 for 0.02 and 0.785 for 0.04")
    says("five of five cases, by 0.022 on average; the standard error of that average is 0.0044")
    by_decay = [fresh_accuracies(f, 0.03, decay) for decay in (1e-8, 1e-4, 1e-2)]
    np.testing.assert_allclose([a.mean() for a in by_decay], [0.775, 0.776, 0.783], atol=0.003)
    np.testing.assert_allclose(gain(by_decay[1], by_decay[0]), [0.0006, 0.0015], atol=0.002)
    np.testing.assert_allclose(gain(by_decay[2], by_decay[0]), [0.0072, 0.0023], atol=0.002)
    says("$10^{-2}$ is better by 0.0072 with a standard error of 0.0023, never worse in five seeds")
