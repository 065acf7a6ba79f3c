"""Gradients that a reader derives on a graph, node by node, each compared with differences.

Never marked, and dots in place of a gradient are no error. Knows nothing of the chapters.
"""

import inspect
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from helpers.answers.gradients import numerical_gradient
from helpers.panel import Panel
from helpers.predictions import Note

OPEN = "Put your formula in place of the dots and run this cell."
CLOSE = 1e-6  # a difference, relative to the largest element of the gradient and 1


class Graph:
    """A computation in named nodes, and the loss Σ dout · (the last node).

    Args:
        inputs: arrays by name.
        nodes: functions by name, in the order in which they run. Their parameters are called like
            the inputs and nodes that they take.
        dout: the gradient of the loss at the last node.

    Attributes:
        dout: as given. The value of each input and node is an attribute, too, under its name.
    """

    def __init__(
        self, inputs: Mapping[str, Any], nodes: Mapping[str, Callable[..., Any]], dout: Any
    ) -> None:
        self._nodes, self.dout = dict(nodes), dout
        self._values = self._run({key: np.asarray(value) for key, value in inputs.items()})

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name not in self._values:
            raise AttributeError(f"the graph has no node {name!r}")
        return self._values[name].copy()

    def _run(self, known: dict[str, Any]) -> dict[str, Any]:
        """Return all values, where those that are known stay as they are."""
        values = dict(known)
        for name, node in self._nodes.items():
            if name not in values:
                values[name] = node(*(values[key] for key in inspect.signature(node).parameters))
        return values

    def gradient(self, name: str) -> Any:
        """Return the loss's gradient at one input or node, by numerical differentiation.

        What comes before the node stays as it is, and so do inputs of later nodes that don't depend
        on it.
        """
        earlier = list(self._nodes)[: list(self._nodes).index(name)] if name in self._nodes else []
        inputs = [key for key in self._values if key not in self._nodes]
        fixed = {key: self._values[key] for key in (*inputs, *earlier)}

        def loss(value: Any) -> float:
            last = self._run({**fixed, name: value})[list(self._nodes)[-1]]
            return float(np.sum(self.dout * last))

        return numerical_gradient(loss, self._values[name].astype(float)).value

    def check(self, name: str, mine: Any) -> Note:
        """Say whether a gradient is right, and if not, how far off it is."""
        what = f"Gradient at {name}"
        if mine is ...:
            return _note(what, OPEN)
        right = self.gradient(name)
        try:
            found = np.asarray(mine, dtype=float)
        except (TypeError, ValueError):
            return _note(what, "Write an array in place of the dots.")
        if found.shape != right.shape:
            return _note(what, f"Yours has the shape {found.shape}; {name} has {right.shape}.")
        off = float(np.max(np.abs(found - right)))
        if off <= CLOSE * max(1.0, float(np.max(np.abs(right)))):
            return _note(what, f"Right: it agrees with differences to {off:.0e}.")
        return _note(what, f"Not yet: it is off by up to {off:.2g}. By differences:", str(right))


def _note(what: str, *sentences: str) -> Note:
    return Note(Panel(what, (), sentences))
