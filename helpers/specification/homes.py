"""Where a student's code and its objects live: in this process, or in one of their own.

What only shows in the objects themselves (memory that is shared, a result that a later call
changes, a global seed) is found by leaving them where they are and looking again.
"""

import linecache
import random
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from helpers.specification.values import copied


class Home(Protocol):
    """Where a student's objects live."""

    def keep(self, value: Any) -> Any:
        """Return a copy that lives there: the code is handed the copy itself, time and again."""

    def once(self, values: Sequence[Any]) -> Any:
        """Return an iterator over copies of values, which lives there and ends for good."""

    def invoke(self, function: Any, positional: Sequence[Any], named: Mapping[str, Any]) -> Any:
        """Call a function of the student's; what it returns stays there too."""

    def seen(self, values: Sequence[Any]) -> Sequence[Any]:
        """Return what objects that live there hold now; what can't be had so stays as it is."""

    def given(self, name: str, here: Any) -> Any:
        """Return what a set-up cell defines there, such as a library; `here` is this process's."""

    def written(self, function: Any) -> str:
        """Return the text of the cell that is the answer, and defines this function."""

    def stir(self) -> tuple[Any, ...]:
        """Draw from the global generators of NumPy and Python, and return what came."""


class Here:
    """This process."""

    def keep(self, value: Any) -> Any:
        """Return a copy."""
        return copied(value)

    def once(self, values: Sequence[Any]) -> Any:
        """Return an iterator over copies."""
        return iter(copied(list(values)))

    def invoke(self, function: Any, positional: Sequence[Any], named: Mapping[str, Any]) -> Any:
        """Call the function."""
        return function(*positional, **named)

    def seen(self, values: Sequence[Any]) -> Sequence[Any]:
        """Return the objects."""
        return values

    def given(self, name: str, here: Any) -> Any:
        """Return this process's."""
        return here

    def written(self, function: Any) -> str:
        """Return the lines of the cell, which Python keeps to quote in tracebacks."""
        code = getattr(function, "__code__", None)
        return "".join(linecache.getlines(code.co_filename)) if code else ""

    def stir(self) -> tuple[Any, ...]:
        """Draw from the global generators."""
        return np.random.random(), random.random()
