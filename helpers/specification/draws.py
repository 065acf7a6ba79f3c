"""Where the numbers of a trial come from: a fast random draw, or Hypothesis, behind one face.

A domain asks a `Draw` for integers, numbers, arrays and choices. `RandomDraw` answers from a NumPy
generator, small cases first; `HypothesisDraw` answers from Hypothesis, which then can make what
fails smaller. Knows nothing of exercises.
"""

import random
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, Protocol, TypeVar

import numpy as np
import numpy.typing as npt

T = TypeVar("T")
Array = npt.NDArray[Any]
Shape = tuple[int, ...]


class Draw(Protocol):
    """A source of random values."""

    @property
    def size(self) -> int:
        """How long an axis may be, at least 1."""

    def integer(self, low: int, high: int) -> int:
        """Return an integer from low to high, both included."""

    def number(self, low: float, high: float) -> float:
        """Return a number from low to high."""

    def choice(self, options: Sequence[T]) -> T:
        """Return one of the options."""

    def array(self, shape: Shape, low: float, high: float) -> Array:
        """Return floats from low to high."""

    def integers(self, shape: Shape, low: int, high: int) -> Array:
        """Return integers from low to high, both included."""

    def order(self, count: int) -> list[int]:
        """Return the numbers below count in some order."""


class RandomDraw:
    """Draws from a NumPy generator; options take turns, so that none is left out by chance.

    Args:
        rng: the generator.
        size: how long an axis may be.
        seed: of a row of draws, in which options take turns; without one it stands alone.
        number: which of the row this one is.
    """

    def __init__(
        self, rng: np.random.Generator, size: int, seed: bytes | None = None, number: int = 0
    ) -> None:
        self._rng = rng
        self.size = size
        self._seed = seed
        self._number = number
        self._choices = 0

    def integer(self, low: int, high: int) -> int:
        """Return an integer from low to high, both included."""
        return int(self._rng.integers(low, high, endpoint=True))

    def number(self, low: float, high: float) -> float:
        """Return a number from low to high."""
        return float(self._rng.uniform(low, high))

    def choice(self, options: Sequence[T]) -> T:
        """Return one of the options: in a row, of as many draws each one takes another."""
        if self._seed is None:
            return options[self.integer(0, len(options) - 1)]
        self._choices += 1
        turn, place = divmod(self._number, len(options))
        return options[_order(self._seed, self._choices, turn, len(options))[place]]

    def array(self, shape: Shape, low: float, high: float) -> Array:
        """Return floats from low to high: mostly any, now and then round ones, ties and ends."""
        share = self._rng.random(shape)
        values = (1 - share) * low + share * high
        match self.integer(0, 7):
            case 0:
                values = np.round(values)
            case 1:
                values = np.where(self._rng.random(shape) < 0.3, np.clip(0.0, low, high), values)
            case 2 if values.size:
                values = np.where(self._rng.random(shape) < 0.3, values.flat[0], values)
        return np.clip(np.asarray(values), low, high)

    def integers(self, shape: Shape, low: int, high: int) -> Array:
        """Return integers from low to high, both included."""
        return np.asarray(self._rng.integers(low, high, size=shape, endpoint=True))

    def order(self, count: int) -> list[int]:
        """Return the numbers below count in some order."""
        return [int(place) for place in self._rng.permutation(count)]


@lru_cache(maxsize=4096)
def _order(seed: bytes, choice: int, turn: int, count: int) -> list[int]:
    """Return the order in which options are taken at a choice."""
    return random.Random(f"{seed.hex()} {choice} {turn}").sample(range(count), count)


class HypothesisDraw:
    """Draws through Hypothesis: what it has drawn can be made smaller.

    Args:
        draw: the function that a `hypothesis.strategies.composite` is given.
        size: how long an axis may be.
    """

    def __init__(self, draw: Callable[[Any], Any], size: int) -> None:
        self._draw = draw
        self.size = size

    def integer(self, low: int, high: int) -> int:
        """Return an integer from low to high, both included."""
        from hypothesis import strategies

        return int(self._draw(strategies.integers(low, high)))

    def number(self, low: float, high: float) -> float:
        """Return a number from low to high, tenths and halves before others."""
        return float(self._draw(_numbers(low, high)))

    def choice(self, options: Sequence[T]) -> T:
        """Return one of the options, the first ones before others."""
        return options[self.integer(0, len(options) - 1)]

    def array(self, shape: Shape, low: float, high: float) -> Array:
        """Return floats from low to high."""
        from hypothesis.extra import numpy

        return np.asarray(self._draw(numpy.arrays(float, shape, elements=_numbers(low, high))))

    def integers(self, shape: Shape, low: int, high: int) -> Array:
        """Return integers from low to high, both included."""
        from hypothesis import strategies
        from hypothesis.extra import numpy

        return np.asarray(
            self._draw(numpy.arrays(int, shape, elements=strategies.integers(low, high)))
        )

    def order(self, count: int) -> list[int]:
        """Return the numbers below count in some order."""
        from hypothesis import strategies

        return list(self._draw(strategies.permutations(range(count))))


def _numbers(low: float, high: float) -> Any:
    """Return a strategy of floats that prefers short ones: they read better in a message."""
    from hypothesis import strategies

    every = strategies.floats(low, high, allow_nan=False, allow_infinity=False)
    least, most = int(np.ceil(10 * max(low, -1e6))), int(np.floor(10 * min(high, 1e6)))
    if least > most:
        return every
    return strategies.integers(least, most).map(lambda tenths: tenths / 10) | every
