"""What an open task is held against."""

from functools import partial

import numpy as np
import pytest

from helpers import open_task
from helpers.handed_in import handing_in, read_arrays
from helpers.specification.homes import Here
from helpers.specification.promises import PromiseError, Promises, promised

IMAGES = np.random.default_rng(0).integers(0, 17, (40, 8, 8))
LABELS = np.zeros(40, dtype=np.int64)


def own(params, images):
    """Answer by the image alone."""
    return images.sum(axis=(1, 2)) % 10


@pytest.mark.parametrize(
    ("code", "count"),
    [
        ("x = 1", 1),
        ("x = -1.5 + 2j", 3),
        ("x = True or None", 0),
        ("x = 'abcd' 'e'", 2),
        ("x = b'abcdefgh'", 2),
        (f"x = {2**96 - 1}", 3),
        (f"x = [{', '.join(['0.5'] * 700)}]", 700),
        ("def f():\n    '''Eight by.'''\n    return ...", 4),
        ("x = '\U0001f600'", 1),
        ("x = (", 0),
    ],
)
def test_numbers_in_code_are_counted(code, count):
    assert open_task.numbers_in(code) == count


def test_the_budget_holds_arrays_and_code():
    params = {"W1": np.zeros((9, 10)), "b1": np.zeros(5)}
    assert open_task.assert_within(100, params, "x = [1, 2, 3, 4, 5]") == 100
    with pytest.raises(AssertionError, match="needs 101 numbers, 95 in the arrays and 6"):
        open_task.assert_within(100, params, "x = [1, 2, 3, 4, 5, 6]")
    with pytest.raises(AssertionError, match="8,000 are allowed"):
        open_task.assert_within(100, params, "#" * 8001)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (None, "a `return` is missing"),
        (np.zeros((40, 10)), r"shape \(40, 10\) instead of \(40,\)"),
        (np.full(40, 10), "whole numbers from 0 to 9: 10 is among them"),
        (np.full(40, -1), "whole numbers from 0 to 9"),
        (np.zeros(40), "whole numbers from 0 to 9"),
        (["7"] * 40, "What `predict` returns"),
    ],
)
def test_an_answer_that_is_no_digit_for_each_image_is_told(answer, words):
    with pytest.raises(AssertionError, match=words):
        open_task.predictions(lambda params, images: answer, {}, IMAGES)


def test_a_prediction_may_spoil_what_it_gets():
    def greedy(params, images):
        images[:] = 0
        params.clear()
        return np.zeros(len(images), dtype=int)

    kept, params = IMAGES.copy(), {"W1": np.ones(3, dtype=np.float32)}
    open_task.predictions(greedy, params, kept)
    assert np.array_equal(kept, IMAGES)
    assert set(params) == {"W1"}


def test_images_that_are_not_read_by_themselves_are_found():
    rng = np.random.default_rng(1)
    open_task.assert_each_by_itself(own, {}, IMAGES, rng)
    calls = []

    def counts(params, images):
        calls.append(1)
        return own(params, images) if len(calls) < 2 else np.zeros(len(images), dtype=int)

    wrong = {
        "place by place": lambda params, images: np.arange(len(images)) % 10,
        "In another order": lambda params, images: own(params, images + images[:1]),
        "An image by itself": lambda params, images: (own(params, images) + len(images)) % 7,
        "Among other images": lambda params, images: (
            (own(params, images) + (images.mean() > 5 if len(images) > 1 else images.mean() > 99))
            % 10
        ),
        "the second time": counts,
    }
    for words, predict in wrong.items():
        with pytest.raises(AssertionError, match=words):
            open_task.assert_each_by_itself(predict, {}, IMAGES, rng)


def test_images_that_are_prepared_otherwise_than_in_training_are_told():
    images = np.random.default_rng(5).integers(0, 17, (90, 8, 8))
    images[:, 0] = 0
    labels = images[:, 1:5, 3].sum(axis=1) % 10

    def reads(change):
        return lambda params, x: (change(x)[:, 1:5, 3].sum(axis=1) % 10).astype(int)

    for words, change in {
        "rows for columns": lambda x: x.swapaxes(1, 2),
        "upside down": lambda x: x[:, ::-1],
        "mirrored": lambda x: x[:, :, ::-1],
        "ink for paper": lambda x: 16 - x,
        "times 16": lambda x: x // 16,
        "divided by 16": lambda x: 16 * x,
    }.items():
        found = open_task.read_otherwise(reads(change), {}, images, labels)
        assert words in found
        assert "100.0 %" in found
    for right in (reads(lambda x: x), lambda params, x: np.ones(len(x), dtype=int)):
        assert open_task.read_otherwise(right, {}, images, labels) == ""


def test_an_accuracy_that_is_too_low_says_what_is_known():
    open_task.assert_reaches(0.9, 0.9)
    with pytest.raises(AssertionError, match=r"50\.0 % .* 65 % are required\. More\."):
        open_task.assert_reaches(0.5, 0.65, lambda: "More.")
    with pytest.raises(AssertionError, match="see the previous check"):
        open_task.assert_reaches(None, 0.65)


def test_what_a_prediction_is_given_has_to_stay():
    def scales(params, images):
        images *= 2
        return own(params, images)

    def divides(params, images):
        params["W1"] /= 2
        return own(params, images)

    params = {"W1": np.ones(3, dtype=np.float32)}
    for predict, name in ((scales, "images"), (divides, "params")):
        with pytest.raises(AssertionError, match=f"changes the `{name}`"):
            open_task.assert_each_by_itself(predict, params, IMAGES, np.random.default_rng(1))


def softmax(images, labels, seed, epochs, step=-0.1, of=lambda t, some: t[some]):
    """Train softmax regression, with images and labels in one order."""
    rng = np.random.default_rng(seed)
    x, t = images.reshape(-1, 64) / 16, np.eye(10)[labels]
    W, b = rng.normal(0, 0.01, (64, 10)), np.zeros(10)
    for _ in range(epochs):
        some = rng.permutation(len(x))
        y = np.exp(x[some] @ W + b)
        error = (y / y.sum(axis=1, keepdims=True) - of(t, some)) / len(x)
        W += 10 * step * x[some].T @ error
        b += 10 * step * error.sum(axis=0)
    return {"W1": W, "b1": b}


def test_a_training_learns_clear_patterns():
    open_task.assert_learns_patterns(softmax, np.random.default_rng(1))
    for wrong in (
        partial(softmax, step=0.1),
        partial(softmax, of=lambda t, some: t),
    ):
        with pytest.raises(AssertionError, match="it doesn't learn"):
            open_task.assert_learns_patterns(wrong, np.random.default_rng(1))


def test_a_training_that_takes_too_long_is_told(monkeypatch):
    monkeypatch.setattr(open_task, "LONGEST_TRAINING", 0)
    with pytest.raises(AssertionError, match="0 are allowed"):
        open_task.assert_learns_patterns(softmax, np.random.default_rng(1))


@pytest.mark.parametrize("activation", [np.tanh, lambda z: np.maximum(z, 0)])
def test_plain_layers_are_read_whatever_stands_between_them(activation):
    rng = np.random.default_rng(2)
    W1, b1, W2 = rng.normal(0, 0.2, (64, 30)), rng.normal(size=30), rng.normal(size=(30, 10))
    images = rng.integers(0, 17, (50, 8, 8))
    hidden = activation((images.reshape(-1, 64) / 16) @ W1 + b1)
    labels = (hidden @ W2).argmax(axis=1)
    layers = {"W1": W1, "b1": b1, "W2": W2, "b2": np.zeros((1, 10))}
    assert open_task.read_plainly(layers, images, labels) == 1
    columns = {name: array.T for name, array in layers.items()}
    assert open_task.read_plainly(columns, images, labels) == 1
    for others in (
        layers | {"gamma1": np.ones(30)},
        {"W1": np.ones((65, 10))},
        {"W1": np.ones((64, 9)), "b1": np.ones(9)},
        {"scale": np.ones(())},
    ):
        assert open_task.read_plainly(others, images, labels) is None


def test_a_later_training_leaves_the_arrays_of_an_earlier_one():
    shared = {"W1": np.zeros(3)}

    def refills(images, labels, **_):
        shared["W1"][:] = labels[:3]
        return shared

    data, others = (IMAGES, LABELS), (IMAGES, LABELS + 1)
    open_task.assert_kept(Here(), softmax, data, others, seed=1, epochs=1)
    with pytest.raises(AssertionError, match="an earlier one returned"):
        open_task.assert_kept(Here(), refills, data, others, seed=1, epochs=1)


def test_each_image_counts():
    images, labels = IMAGES[:5], np.arange(5)
    open_task.assert_each_counts(softmax, images, labels, seed=1, epochs=1)
    with pytest.raises(AssertionError, match="number 5 makes no difference"):
        open_task.assert_each_counts(
            lambda x, t, **how: softmax(x[:-1], t[:-1], **how), images, labels, seed=1, epochs=1
        )


@pytest.mark.parametrize("code", ["hash(f'a {seed}')", "hash(str(seed))", "abs(hash(('a', seed)))"])
def test_the_hash_of_a_text_is_no_seed(code):
    with pytest.raises(AssertionError, match="can't be repeated"):
        open_task.assert_repeatable(code)
    open_task.assert_repeatable("hash((seed, 8)); texts.hash('a')")


def test_what_a_training_is_given_stays():
    def spoils(images, labels, **_):
        labels.sort()
        return {"W1": np.ones(2)}

    labels = np.arange(40)[::-1]
    with pytest.raises(AssertionError, match="changes the `labels`"):
        open_task.assert_leaves(spoils, IMAGES, labels, seed=1, epochs=1)
    open_task.assert_leaves(spoils, IMAGES, labels[::-1], seed=1, epochs=1)


def test_networks_of_different_seeds_differ():
    one, other = {"W1": np.ones(2)}, {"W1": np.zeros(2)}
    open_task.assert_differ({1: one, 2: other})
    with pytest.raises(AssertionError, match="nothing is drawn from the seed"):
        open_task.assert_differ({1: one, 2: one, 3: one})
    with pytest.raises(AssertionError, match="seeds 1 and 3 give the same"):
        open_task.assert_differ({1: one, 2: other, 3: one})


def test_the_hidden_file_is_needed():
    with promised(Promises()), pytest.raises(PromiseError, match=r"there is no hidden/digits\.npz"):
        open_task.new_images(np.random.default_rng(0))


@pytest.mark.parametrize(
    ("claimed", "right"),
    [(0.963, True), (0.9649, True), (0.966, False), (96.3, False), ("0.963", False), (None, False)],
)
def test_a_claim_is_what_comes_out(claimed, right):
    if right:
        open_task.assert_claimed(claimed, 0.963, 1000)
    else:
        with pytest.raises(AssertionError):
            open_task.assert_claimed(claimed, 0.963, 1000)


def test_honest_claims_are_borne_out_but_for_one_in_700():
    rng = np.random.default_rng(2)
    failed = 0
    for _ in range(4000):
        claimed, found = rng.binomial(1000, 0.95) / 1000, rng.binomial(2000, 0.95) / 2000
        try:
            open_task.assert_borne_out(claimed, 1000, found, 2000)
        except AssertionError:
            failed += 1
    assert failed <= 16  # 5.4 are expected


@pytest.mark.parametrize(("claimed", "found"), [(1.0, 0.95), (1.0, 0.9), (0.96, 0.93)])
def test_a_claim_that_is_too_good_is_found(claimed, found):
    with pytest.raises(AssertionError, match="more than chance explains"):
        open_task.assert_borne_out(claimed, 1000, found, 2000)
    open_task.assert_borne_out(found, 1000, claimed, 2000)  # too modest is no fault


def test_a_training_gives_arrays():
    nan = {"W1": np.array([1.0, np.nan])}
    for answer in (None, {}, [1], {"W1": "no"}, {1: np.ones(2)}, nan):
        with pytest.raises(AssertionError, match="`train` returns"):
            open_task.trained(lambda *_, **__: answer, IMAGES, LABELS, seed=1, epochs=1)  # noqa: B023


def test_files_are_those_that_were_handed_in_or_lie_beside_the_notebook(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    np.savez("weights.npz", W1=np.arange(6).reshape(2, 3), b1=np.float64(0.5))
    here = read_arrays()
    assert {name: array.shape for name, array in here.items()} == {"W1": (2, 3), "b1": ()}
    assert {array.dtype for array in here.values()} == {np.dtype(np.float32)}
    np.testing.assert_array_equal(here["W1"], [[0, 1, 2], [3, 4, 5]])
    with handing_in({}), pytest.raises(AssertionError, match=r"weights\.npz is missing"):
        read_arrays()


def test_columns_first_is_read_as_it_was_written(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    array = np.asfortranarray(np.arange(6.0).reshape(2, 3))
    np.savez_compressed("weights.npz", W1=array)
    np.testing.assert_array_equal(read_arrays()["W1"], array)
