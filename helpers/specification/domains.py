"""Domains: the inputs for which an exercise's answer is promised.

A domain draws one argument. Arguments of one call share the axes that they name: in
`x=arrays("N n"), W=arrays("n m")` the two `n` are the same number. Every name that is drawn is as
long as the trial's size allows, at least 1; `*any` stands for any number of axes, none included.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from helpers.specification.draws import Draw, Shape

MOST_AXES = 3  # that `*any` may stand for


@dataclass
class Axes:
    """The axes that a call's arguments have named so far.

    Attributes:
        known: lengths by name, the shapes of `*any` under their name with the star.
        limits: the least and the greatest length of a name; from 1 to the trial's size if absent.
        long: how long each axis is that has no limits, and two for `*any`; 0 to draw their lengths.
    """

    known: dict[str, Any] = field(default_factory=dict)
    limits: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    long: int = 0

    def shape(self, text: str, draw: Draw) -> Shape:
        """Return the shape that a text such as "N n", "3 n" or "*any" stands for."""
        found: list[int] = []
        for name in text.split():
            if name.startswith("*"):
                found += self._known(
                    name, lambda: [self.long] * 2 if self.long else _any_shape(draw)
                )
            else:
                found.append(int(name) if name.isdigit() else self.length(name, draw))
        return tuple(found)

    def length(self, name: str, draw: Draw) -> int:
        """Return the length of a named axis."""
        if self.long and name not in self.limits:
            return int(self._known(name, lambda: self.long))
        low, high = self.limits.get(name, (1, draw.size))
        return int(self._known(name, lambda: draw.integer(low, max(low, min(high, draw.size)))))

    def _known(self, name: str, make: Callable[[], Any]) -> Any:
        if name not in self.known:
            self.known[name] = make()
        return self.known[name]


def _any_shape(draw: Draw) -> list[int]:
    return [draw.integer(1, draw.size) for _ in range(draw.integer(0, min(MOST_AXES, draw.size)))]


class Domain:
    """What one argument may be.

    Args:
        make: draws one value, given a source of random values and the call's axes.
    """

    def __init__(self, make: Callable[[Draw, Axes], Any]) -> None:
        self.make = make
        self._options: tuple[Domain, ...] = (self,)

    def __or__(self, other: "Domain") -> "Domain":
        """Return the domain of either; of `a | b | c` each is drawn as often as the others."""
        options = (*self._options, *other._options)
        either = Domain(lambda draw, axes: draw.choice(options).make(draw, axes))
        either._options = options
        return either

    def map(self, change: Callable[[Any], Any]) -> "Domain":
        """Return the domain of changed values."""
        return Domain(lambda draw, axes: change(self.make(draw, axes)))


def arrays(shape: str, low: float = -3, high: float = 3) -> Domain:
    """Return the domain of arrays of floats from low to high, such as `arrays("N n")`."""
    return Domain(lambda draw, axes: draw.array(axes.shape(shape, draw), low, high))


def extremes(shape: str, low: float = -320, high: float = 308) -> Domain:
    """Return arrays of both signs, of any size from 10^low to 10^high, and of zeros."""

    def make(draw: Draw, axes: Axes) -> Any:
        wanted = axes.shape(shape, draw)
        with np.errstate(under="ignore"):
            sizes = 10.0 ** draw.array(wanted, low, high)
        return sizes * draw.integers(wanted, -1, 1)

    return Domain(make)


def away_from(domain: Domain, place: float, by: float) -> Domain:
    """Return arrays whose elements keep a distance from a place, such as a kink."""

    def move(values: Any) -> Any:
        gap = np.asarray(values) - place
        return place + np.where(gap < 0, -1.0, 1.0) * np.maximum(np.abs(gap), by)

    return domain.map(move)


def integer_arrays(shape: str, low: int = -9, high: int = 9) -> Domain:
    """Return the domain of arrays of integers from low to high, both included."""
    return Domain(lambda draw, axes: draw.integers(axes.shape(shape, draw), low, high))


def single(shape: str, low: float = -3, high: float = 3) -> Domain:
    """Return the domain of float32 arrays."""
    return arrays(shape, low, high).map(lambda values: values.astype(np.float32))


def lists(shape: str = "n", low: float = -3, high: float = 3) -> Domain:
    """Return the domain of lists of numbers, nested as the shape says.

    They hold floats, or integers, or an integer before floats.
    """

    def make(draw: Draw, axes: Axes) -> Any:
        wanted = axes.shape(shape, draw)
        mixture = draw.integer(0, 3)
        if mixture == 0:
            return draw.integers(wanted, int(low), int(high)).tolist()
        values = draw.array(wanted, low, high).tolist()
        if mixture == 1 and len(wanted) == 1:
            values[0] = int(values[0])
        return values

    return Domain(make)


def numbers(low: float = -3, high: float = 3) -> Domain:
    """Return the domain of Python's floats."""
    return Domain(lambda draw, axes: draw.number(low, high))


def integers(low: int = -9, high: int = 9) -> Domain:
    """Return the domain of Python's integers, both ends included."""
    return Domain(lambda draw, axes: draw.integer(low, high))


def scalars(low: float = -3, high: float = 3) -> Domain:
    """Return the domain of single numbers: Python's and NumPy's, integers and floats."""
    kinds: Sequence[Callable[[float], Any]] = (float, round, np.float64, np.float32)
    return Domain(lambda draw, axes: draw.choice(kinds)(draw.number(low, high)))


def one_of(*values: Any) -> Domain:
    """Return the domain of just these values."""
    return Domain(lambda draw, axes: draw.choice(values))


def length(name: str) -> Domain:
    """Return the length of a named axis, as an argument of its own."""
    return Domain(lambda draw, axes: axes.length(name, draw))


def labels(samples: str = "N", classes: str = "K") -> Domain:
    """Return the domain of class labels, one per sample: integers below the number of classes."""

    def make(draw: Draw, axes: Axes) -> Any:
        count = axes.length(classes, draw)
        return draw.integers(axes.shape(samples, draw), 0, count - 1)

    return Domain(make)


def one_hot(samples: str = "N", classes: str = "K") -> Domain:
    """Return the domain of one-hot rows, as floats."""

    def make(draw: Draw, axes: Axes) -> Any:
        chosen = labels(samples, classes).make(draw, axes)
        return np.eye(axes.length(classes, draw))[chosen]

    return Domain(make)
