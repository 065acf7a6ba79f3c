"""The tensor of chapter 7, finished: an array that remembers what it was computed from.

Each operation says what it computes and how the gradient goes back to each input; `backward` does
the rest, broadcasting included. What is not a tensor is a constant. Knows nothing of networks.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Edge = tuple["Tensor", Callable[[Array], Any]]  # an input, and the backward pass to it


class Tensor:
    """An array of float64 with a memory.

    Attributes:
        data: its numbers.
        grad: the gradient at it, of the last `backward` that has come here; None before.
        edges: a pair for each tensor that it was computed from: that tensor, and the function from
            the gradient at this one to the gradient at that one, before it was broadcast.
        recording: of the class: whether results remember what they are computed from.
    """

    recording = True
    __array_ufunc__ = None  # NumPy leaves `array + tensor` to the tensor

    def __init__(self, data: Any, edges: Sequence[Edge] = ()) -> None:
        self.data: Array = np.asarray(data, dtype=np.float64)
        self.grad: Array | None = None
        self.edges = edges

    def __repr__(self) -> str:
        return f"Tensor({self.data})"

    def backward(self, dout: Any = None) -> None:
        """Put the gradient at this tensor, and at all behind it, into `grad`, whatever stood there.

        Args:
            dout: the gradient at this tensor, of its shape; ones if None.
        """
        gradients = {self: np.ones_like(self.data) if dout is None else np.array(dout, float)}
        for tensor in reversed(topological_order(self)):
            tensor.grad = gradients[tensor]  # complete: all that use it have been here
            for x, back in tensor.edges:
                part = unbroadcast(np.asarray(back(tensor.grad)), x.data.shape)
                gradients[x] = np.asarray(gradients[x] + part if x in gradients else part.copy())

    def __add__(self, other: Any) -> "Tensor":
        return record(self.data + value(other), (self, lambda g: g), (other, lambda g: g))

    def __mul__(self, other: Any) -> "Tensor":
        a, b = self.data, value(other)
        return record(a * b, (self, lambda g: g * b), (other, lambda g: g * a))

    def __truediv__(self, other: Any) -> "Tensor":
        return self * (other**-1 if isinstance(other, Tensor) else 1 / value(other))

    def __matmul__(self, other: Any) -> "Tensor":
        a, b = self.data, value(other)
        return record(a @ b, (self, lambda g: g @ b.T), (other, lambda g: a.T @ g))

    def __rmatmul__(self, other: Any) -> "Tensor":
        a = value(other)
        return record(a @ self.data, (self, lambda g: a.T @ g))

    def __pow__(self, n: float) -> "Tensor":
        a = self.data
        return record(a**n, (self, lambda g: g * n * a ** (n - 1)))

    def __getitem__(self, index: Any) -> "Tensor":
        def back(g: Array) -> Array:
            grad = np.zeros_like(self.data)
            np.add.at(grad, index, g)  # an element may be taken twice
            return grad

        return record(self.data[index], (self, back))

    def __neg__(self) -> "Tensor":
        return self * -1.0

    def __sub__(self, other: Any) -> "Tensor":
        return self + -(other if isinstance(other, Tensor) else value(other))

    def __rsub__(self, other: Any) -> "Tensor":
        return -self + value(other)

    def __rtruediv__(self, other: Any) -> "Tensor":
        return self**-1 * value(other)

    __radd__, __rmul__ = __add__, __mul__

    def exp(self) -> "Tensor":
        """Return e to the power of each element."""
        y = np.exp(self.data)
        return record(y, (self, lambda g: g * y))

    def log(self) -> "Tensor":
        """Return the natural logarithm of each element."""
        return record(np.log(self.data), (self, lambda g: g / self.data))

    def relu(self) -> "Tensor":
        """Return max(x, 0) of each element x; the slope at 0 is 0."""
        mask = self.data > 0
        return record(self.data * mask, (self, lambda g: g * mask))

    def sum(self, axis: int | tuple[int, ...] | None = None, keepdims: bool = False) -> "Tensor":
        """Return the sum over all elements, or over axes, as `np.sum` does."""

        def back(g: Array) -> Array:
            if axis is not None and not keepdims:
                g = np.expand_dims(g, axis)
            return np.broadcast_to(g, self.data.shape)

        return record(np.sum(self.data, axis=axis, keepdims=keepdims), (self, back))

    def mean(self, axis: int | tuple[int, ...] | None = None, keepdims: bool = False) -> "Tensor":
        """Return the mean over all elements, or over axes, as `np.mean` does."""
        total = self.sum(axis, keepdims)
        return total * (total.data.size / self.data.size)


def value(x: Any) -> Array:
    """Return the array of a tensor, and of anything else the array that it makes."""
    return x.data if isinstance(x, Tensor) else np.asarray(x, dtype=np.float64)


def record(data: Any, *edges: tuple[Any, Callable[[Array], Any]]) -> Tensor:
    """Return an operation's result, which remembers those inputs that are tensors."""
    kept = [edge for edge in edges if isinstance(edge[0], Tensor)]
    return Tensor(data, kept if Tensor.recording else ())


def topological_order(last: Tensor) -> list[Tensor]:
    """Return a tensor and all that it was computed from, each once and after its own inputs."""
    order, seen, stack = [], set(), [(last, False)]
    while stack:
        tensor, ready = stack.pop()
        if ready:
            order.append(tensor)
        elif tensor not in seen:
            seen.add(tensor)
            stack += [(tensor, True), *((x, False) for x, _ in tensor.edges)]
    return order


def unbroadcast(gradient: Array, shape: tuple[int, ...]) -> Array:
    """Return the gradient at an array of this shape that was broadcast to the gradient's."""
    summed = gradient.sum(axis=tuple(range(gradient.ndim - len(shape))))
    stretched = tuple(axis for axis, length in enumerate(shape) if length == 1)
    return np.asarray(summed.sum(axis=stretched, keepdims=True))


def softmax_cross_entropy(z: Tensor, t: npt.NDArray[Any]) -> Tensor:
    """Return the mean cross-entropy of scores (N, K) with labels (N,), a tensor of shape ()."""
    highest: Array = z.data.max(axis=1, keepdims=True)
    shifted = z - highest  # a constant, because the shift cancels
    return (shifted.exp().sum(axis=1).log() - shifted[np.arange(len(t)), t]).mean()


@contextmanager
def no_grad() -> Iterator[None]:
    """Within the block no result remembers what it is computed from."""
    before, Tensor.recording = Tensor.recording, False
    try:
        yield
    finally:
        Tensor.recording = before
