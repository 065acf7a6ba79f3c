"""A reader's guesses are kept and compared; nothing that they write is an error."""

import numpy as np
import pytest

from helpers.predictions import NEAR, OPEN, Predictions


def test_a_guess_is_kept_and_compared():
    predictions = Predictions()
    assert repr(predictions.predict("left", 0.5)) == "left: You predict 0.5."
    said = repr(predictions.compare("left", np.float64(0.125)))
    assert said == (
        "left: You predicted 0.5, and it is 0.125. Your guess is too large, by a factor of 4."
    )


@pytest.mark.parametrize(
    ("guess", "actual", "words"),
    [
        (1.0, 1 + 0.9 * NEAR, "That is near."),
        (1.3, 1.0, "too large, by 0.3"),
        (0.1, 1.0, "too small, by a factor of 10"),
        (-3.0, 1.0, "too small, by 4"),
        (-10.0, -1.0, "too small, by a factor of 10"),
        (0, 0, "That is near."),
        (1, 0, "too large, by 1"),
    ],
)
def test_how_far_off_a_guess_is(guess, actual, words):
    predictions = Predictions()
    predictions.predict("n", guess)
    assert words in repr(predictions.compare("n", actual))


def test_a_factor_makes_orders_of_magnitude_count():
    predictions = Predictions()
    predictions.predict("n", 1e-9)
    assert "That is near." in repr(predictions.compare("n", 9e-9, factor=10))
    assert "too small" in repr(predictions.compare("n", 2e-8, factor=10))
    assert "too large" in repr(predictions.compare("n", -1e-9, factor=10))


def test_choices_are_listed_until_one_is_taken():
    predictions = Predictions()
    choices = {"a": "nothing", "b": "everything"}
    assert repr(predictions.predict("what changes", ..., **choices)) == (
        f'what changes: {OPEN} "a": nothing; "b": everything.'
    )
    assert "You predict" in repr(predictions.predict("what changes", "a", **choices))
    said = repr(predictions.compare("what changes", "b"))
    assert said == 'what changes: You predicted "a", nothing. It is "b", everything.'
    predictions.predict("what changes", "b", **choices)
    assert "So it is." in repr(predictions.compare("what changes", "b"))


@pytest.mark.parametrize(
    "guess", ["a lot", None, True, [1], float("nan"), 1j, np.array([1.0, 2.0])]
)
def test_what_is_no_guess_is_not_kept(guess):
    predictions = Predictions()
    predictions.predict("n", 1)
    assert "Write a number" in repr(predictions.predict("n", guess))
    assert "no prediction" in repr(predictions.compare("n", 1))
    assert 'Write "a" or "b"' in repr(predictions.predict("m", guess, a="one", b="other"))


@pytest.mark.parametrize("actual", [3, "c"])
def test_a_result_is_not_told_before_there_is_a_guess(actual):
    said = repr(Predictions().compare("n", actual))
    assert said == "n: You have made no prediction. Make one above, and run this cell again."


def test_the_summary_counts_what_was_compared():
    predictions = Predictions()
    assert "none" in repr(predictions.summary())
    for what, guess in (("near", 1), ("far", 7), ("open", 1)):
        predictions.predict(what, guess)
    predictions.compare("near", 1)
    predictions.compare("far", 1)
    assert repr(predictions.summary()) == ("Your predictions: 1 of 2 came near. Look again at: far")


def test_html_says_the_same_and_is_escaped():
    note = Predictions().predict("<b>", 3)
    assert "&lt;b&gt;" in note._repr_html_()
    assert "<b>" not in note._repr_html_()
