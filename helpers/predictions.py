"""Guesses that a reader writes down before a result is shown, compared with it afterwards.

They are never marked, and nothing that a reader writes in place of the dots is an error. Knows
nothing of the chapters.
"""

import math
from dataclasses import dataclass
from numbers import Real
from typing import Any

from helpers.panel import Panel

OPEN = "Put your guess in place of the dots and run this cell. A wrong guess costs nothing."
NEAR = 0.1  # of the size of what is right


@dataclass(frozen=True)
class Note:
    """A sentence below a cell."""

    panel: Panel

    def __repr__(self) -> str:
        return self.panel.text()

    def _repr_html_(self) -> str:
        return self.panel.html()


class Predictions:
    """What a reader has predicted in one notebook."""

    def __init__(self) -> None:
        self._guesses: dict[str, float | str] = {}
        self._choices: dict[str, dict[str, str]] = {}
        self._near: dict[str, bool] = {}

    def predict(self, what: str, guess: object, /, **choices: str) -> Note:
        """Keep a guess, and say what was kept.

        Args:
            what: what is guessed, in a few words; unique in its notebook.
            guess: a number, or the name of a choice; dots for none yet.
            choices: if there are any, what each of them says.
        """
        self._choices[what] = choices
        self._guesses.pop(what, None)
        self._near.pop(what, None)
        if guess is ...:
            return _note(what, OPEN, *_listed(choices))
        if choices and (not isinstance(guess, str) or guess not in choices):
            names = " or ".join(f'"{name}"' for name in choices)
            return _note(what, f"Write {names} in place of the dots.", *_listed(choices))
        if not choices and not _is_number(guess):
            return _note(what, "Write a number in place of the dots.")
        self._guesses[what] = str(guess) if choices else float(guess)  # type: ignore[arg-type]
        return _note(what, f"You predict {self._said(what, self._guesses[what])}.")

    def compare(self, what: str, actual: Any, *, factor: float = 0) -> Note:
        """Say how a guess compares with what came out.

        Args:
            what: as in `predict`.
            actual: the number that came out, or the name of the choice that is right.
            factor: if given, a guess is near if it is off by at most this factor; else if it is off
                by at most a tenth.
        """
        right = self._said(what, actual)
        if what not in self._guesses:
            return _note(
                what, "You have made no prediction. Make one above, and run this cell again."
            )
        guess = self._guesses[what]
        if isinstance(guess, str):
            self._near[what] = guess == actual
            verdict = "So it is" if guess == actual else f"It is {right}"
            return _note(what, f"You predicted {self._said(what, guess)}. {verdict}.")
        self._near[what] = _is_near(guess, float(actual), factor)
        said = "That is near." if self._near[what] else _off(guess, float(actual))
        return _note(what, f"You predicted {self._said(what, guess)}, and it is {right}. {said}")

    def summary(self) -> Note:
        """Say how many of the predictions that were compared came near."""
        if not self._near:
            return _note("Your predictions", "You have made none in this notebook.")
        far = [what for what, near in self._near.items() if not near]
        count = f"{len(self._near) - len(far)} of {len(self._near)} came near."
        return _note(
            "Your predictions", count, *(["Look again at:", "; ".join(far)] if far else [])
        )

    def _said(self, what: str, value: Any) -> str:
        if choices := self._choices.get(what):
            return f'"{value}", {choices[value]}'
        return f'"{value}"' if isinstance(value, str) else f"{float(value):.4g}"


def _is_number(guess: Any) -> bool:
    return type(guess) is not bool and isinstance(guess, Real) and math.isfinite(guess)


def _is_near(guess: float, actual: float, factor: float) -> bool:
    if factor:
        return guess * actual > 0 and 1 / factor <= guess / actual <= factor
    return abs(guess - actual) <= NEAR * abs(actual)


def _off(guess: float, actual: float) -> str:
    """Return how far off a guess is, as a sentence."""
    if guess * actual > 0 and max(ratio := guess / actual, 1 / ratio) >= 2:
        large, times = ratio > 1, max(ratio, 1 / ratio)
        size = "large" if large == (actual > 0) else "small"
        return f"Your guess is too {size}, by a factor of {times:.2g}."
    size = "large" if guess > actual else "small"
    return f"Your guess is too {size}, by {abs(guess - actual):.2g}."


def _listed(choices: dict[str, str]) -> list[str]:
    return ["; ".join(f'"{name}": {words}' for name, words in choices.items()) + "."] * bool(
        choices
    )


def _note(what: str, *sentences: str) -> Note:
    return Note(Panel(what, (), sentences))
